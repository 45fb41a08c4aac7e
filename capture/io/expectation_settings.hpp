// SPDX-License-Identifier: GPL-3.0-or-later
// What a scenario expects of its run, as it is written.
#pragma once

#include "capture/io/json_value.hpp"
#include "protocol/lab/scenario.hpp"

namespace roamscope::capture {

/// The first of "handover", "findings", "frames", "event" and "flow" says which other keys there are. A filter is compiled, so that
/// a mistake in it is told at once.
[[nodiscard]] lab::Expectation readExpectation(const JsonValue& value);

}  // namespace roamscope::capture
