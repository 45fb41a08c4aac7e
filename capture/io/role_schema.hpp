// SPDX-License-Identifier: GPL-3.0-or-later
// The JSON Schema of the file of `role`, made from that of scenarios: a node of one has the same keys.
#pragma once

#include "protocol/base/result.hpp"

#include <string>

namespace roamscope::capture {

/// `scenarioSchema`: the text of resources/scenarios/scenario.schema.json.
[[nodiscard]] Result<std::string> roleSchema(const std::string& scenarioSchema);

}  // namespace roamscope::capture
