// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/scenario_reader.hpp"

namespace roamscope::capture {

lab::Dialect dialectIn(const JsonValue& value) { return value.choice<lab::Dialect>({{"rfc4140", lab::Dialect::Rfc4140}, {"rfc5380", lab::Dialect::Rfc5380}}); }

Error ScenarioFields::semantic(const JsonNode& tree, const std::vector<lab::ScenarioProblem>& problems) const
{
    constexpr std::size_t most = 20;
    Error all;
    for (std::size_t i = 0; i < std::min(most, problems.size()); ++i) {
        const Error one = errorAt(text_, name_, offsetOf(tree, problems[i].path), fmt::format("{}: {}", problems[i].path, problems[i].text));
        if (i == 0) all = one;
        else all.text += "\n" + one.text;
    }
    if (problems.size() > most) all.text += fmt::format("\n{}: and {} more", name_, problems.size() - most);
    return all;
}

}  // namespace roamscope::capture
