// SPDX-License-Identifier: GPL-3.0-or-later
// Impairments of links and faults, as scenarios write them.
#pragma once

#include "capture/io/json_value.hpp"
#include "protocol/lab/scenario.hpp"

namespace roamscope::capture {

[[nodiscard]] lab::ImpairmentSpec readImpairment(const JsonValue& value);
/// The key "do" says what kind of fault it is, and so which other keys there are.
[[nodiscard]] lab::FaultSpec readFault(const JsonValue& value);

}  // namespace roamscope::capture
