// SPDX-License-Identifier: GPL-3.0-or-later
// The settings of `role`: one node that is run on TAP interfaces, as JSON with the keys of a scenario's node (node_settings.hpp).
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/lab/scenario.hpp"

#include <string>
#include <vector>

namespace roamscope::capture {

struct RoleFile {
    lab::Scenario scenario;         ///< one node, and a link for each TAP; a seed of 0 stands for none
    std::string text;               ///< of the file
    lab::Role role = lab::Role::Correspondent;
    std::vector<std::string> taps;  ///< in the order of the interfaces
};

/// The keys are those of a scenario's node, without `link`, and `dialect` and `seed`. Peers are given by address. The result has one node
/// and a link for each of `taps`, which are in the order of its interfaces. Errors are those of loadScenario().
[[nodiscard]] Result<RoleFile> loadRole(const std::string& path, lab::Role role, const std::vector<std::string>& taps);
/// The same from text; `name` stands in errors.
[[nodiscard]] Result<RoleFile> parseRoleFile(std::string_view text, std::string_view name, lab::Role role, const std::vector<std::string>& taps);

}  // namespace roamscope::capture
