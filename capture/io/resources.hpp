// SPDX-License-Identifier: GPL-3.0-or-later
// Finds the files that are shipped with the program: scenarios and their schema.
#pragma once

#include "protocol/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace roamscope::capture {

/// Path of a shipped file such as "scenarios/intra-map-handover.json". Looked for in $ROAMSCOPE_RESOURCES, when
/// that is set, then relative to the program (resources/decisions/0001). The error names these places.
[[nodiscard]] Result<std::string> findResource(std::string_view relative);

struct ShippedScenario {
    std::string name;   ///< file name without its suffix
    std::string title;
    std::string path;
};

/// All shipped scenarios that can be read, by name.
[[nodiscard]] std::vector<ShippedScenario> shippedScenarios();

/// What a user means by `name`: a file, or the name of a shipped scenario ("intra-map-handover"). The error suggests one.
[[nodiscard]] Result<std::string> resolveScenario(const std::string& name);

}  // namespace roamscope::capture
