// SPDX-License-Identifier: GPL-3.0-or-later
// What the readers of scenarios and of `role` share: the text of a file, the check of the whole and where its problems stand.
#pragma once

#include "capture/io/json_value.hpp"
#include "protocol/lab/scenario.hpp"

namespace roamscope::capture {


[[nodiscard]] lab::Dialect dialectIn(const JsonValue& value);

class ScenarioFields : public JsonFields {
protected:
    using JsonFields::JsonFields;

    /// Parses the text, reads it with `root(tree)` and checks the outcome with lab::validate(). `prefix` is taken off the paths of
    /// problems before they are looked for in the tree.
    template <class Root>
    Result<lab::Scenario> check(std::string_view prefix, Root root)
    {
        auto tree = parseJson(text_, name_);
        if (!tree) return tl::unexpected(tree.error());
        lab::Scenario scenario = root(*tree);
        if (error_) return tl::unexpected(*error_);
        auto problems = lab::validate(scenario);
        if (problems.empty()) return scenario;
        for (lab::ScenarioProblem& problem : problems)
            if (problem.path.starts_with(prefix)) problem.path.erase(0, prefix.size());
        return tl::unexpected(semantic(*tree, problems));
    }

private:
    /// Problems of the whole, each at the place of its path or of the nearest thing around it.
    [[nodiscard]] Error semantic(const JsonNode& tree, const std::vector<lab::ScenarioProblem>& problems) const;
};

}  // namespace roamscope::capture
