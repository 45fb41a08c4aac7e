// SPDX-License-Identifier: GPL-3.0-or-later
// The settings of `role`: one node that is run on TAP interfaces, as JSON with the keys of a scenario's node (node_settings.hpp).
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/lab/scenario.hpp"

#include <string>
#include <vector>

namespace roamscope::capture {

/// The keys are those of a scenario's node, without `link`, and `dialect` and `seed`. Peers are given by address. The result has one node
/// and a link for each of `taps`, which are in the order of its interfaces. Errors are those of loadScenario().
[[nodiscard]] Result<lab::Scenario> loadRole(const std::string& path, lab::Role role, const std::vector<std::string>& taps);

}  // namespace roamscope::capture
