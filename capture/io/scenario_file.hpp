// SPDX-License-Identifier: GPL-3.0-or-later
// Reads a scenario from JSON (comments allowed; resources/scenarios/scenario.schema.json describes it). Every error names
// the file, line, column and key, says what was expected and suggests the nearest valid key. Unknown and repeated keys are
// errors; nothing in a scenario can name a file or a command.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/lab/scenario.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace roamscope::capture {

/// Reads the file and checks it with lab::validate(). Several contradictions are reported together, one a line.
[[nodiscard]] Result<lab::Scenario> loadScenario(const std::string& path);
/// The same from text; `name` stands in errors.
[[nodiscard]] Result<lab::Scenario> parseScenario(std::string_view text, std::string_view name);

/// "50ms", "10.1s", "1h": a decimal number of ns, us, ms, s, m or h, exact to the nanosecond, at most 10000 h. Nothing for
/// anything else (no sign, no space, no bare number).
[[nodiscard]] std::optional<Duration> parseDuration(std::string_view text);

}  // namespace roamscope::capture
