// SPDX-License-Identifier: GPL-3.0-or-later
// IPv6 packets in IPv4 ones (RFC 5555 §4.1): as such (protocol 41), or in UDP of port 4191, as updates and acknowledgements always go
// and everything does behind a NAT. Plain values and functions. Pieces of IPv4 packets are not put together: they are refused, and
// what is sent says that it must not be cut.
#pragma once

#include "protocol/node/ipv4_link.hpp"
#include "protocol/wire/ipv6.hpp"

#include <optional>

namespace roamscope::node {

/// The other end of such a tunnel, as its packets show it; behind a NAT what that makes of it.
struct Ipv4Way {
    Ipv4Address peer;
    std::uint16_t port = 0;  ///< of UDP; 0: no UDP
    bool operator==(const Ipv4Way&) const = default;
};

/// Octets of headers around an IPv6 packet on that way.
[[nodiscard]] std::size_t ipv4TunnelOctets(const Ipv4Way& way);
/// What is around `inner` from `local`, for Ipv4Link::send(). ECN and DSCP are those of `inner` (RFC 5555 §4.1.1).
[[nodiscard]] Ipv4Packet carry(const wire::Ipv6Packet& inner, const Ipv4Address& local, const Ipv4Way& way);

struct Carried {
    wire::Ipv6Packet inner;
    Ipv4Way from;
};
/// The packet inside: nothing when `packet` is a piece of one, its UDP checksum is wrong, or it carries nothing of that kind. A UDP
/// checksum of 0 is none (RFC 768).
[[nodiscard]] std::optional<Carried> carriedIn(const Ipv4Packet& packet);

}  // namespace roamscope::node
