// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/scenario_reader.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace roamscope::capture {

Result<std::string> settingsText(const std::string& path)
{
    const JsonLimits limits;
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::string text(limits.octets + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    const int cause = errno;
    if (!file.is_open() || file.bad() || (file.gcount() == 0 && cause != 0)) {
        const bool right = cause == EACCES || cause == EPERM;
        return fail(right ? ErrorCode::Permission : ErrorCode::Io, 0,
                    fmt::format("{}: cannot be read: {}. {}", path, std::strerror(cause), right ? "Ask its owner for the right to read it" : "Check the name"));
    }
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

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
