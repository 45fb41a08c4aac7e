// SPDX-License-Identifier: GPL-3.0-or-later
// Rules of ICMPv6 messages that need the packet around them: neighbour discovery (RFC 4861 §6.1, §7.1, §8.1), home agent and
// mobile prefix discovery (RFC 6275 §6.5–6.8, §7.4), fast handovers (RFC 5568 §6.1).
#pragma once

#include "protocol/wire/icmpv6.hpp"
#include "protocol/wire/ipv6.hpp"

namespace roamscope::wire {

/// Reports to `sink`, which has the fields of `packet` and of `message` inside it, what is broken. What the message alone shows
/// (lengths, codes, lifetimes) has been reported by its parser. `inIpv4`: `packet` stands in an IPv4 packet (RFC 5555) and in no other.
void checkIcmpv6(const Icmpv6Message& message, const Ipv6Packet& packet, bool inIpv4, FieldSink& sink);

}  // namespace roamscope::wire
