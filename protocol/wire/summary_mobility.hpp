// SPDX-License-Identifier: GPL-3.0-or-later
// One line about a Mobility Header message, in the terms of the RFCs; for summary.cpp.
#pragma once

#include "protocol/wire/ipv6.hpp"
#include "protocol/wire/mobility.hpp"
#include "protocol/wire/summary.hpp"

namespace roamscope::wire {

[[nodiscard]] std::string describeMobility(const MobilityMessage& message, const Ipv6Packet& packet);
[[nodiscard]] MessageKind mobilityKind(const MobilityMessage& message);

}  // namespace roamscope::wire
