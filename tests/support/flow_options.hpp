// SPDX-License-Identifier: GPL-3.0-or-later
// Flow options of RFC 6089 and packets for them, for tests of those who bind flows.
#pragma once

#include "tests/support/node_frames.hpp"

namespace roamscope::test {

using wire::BindingReference;
using wire::FlowIdentification;
using wire::FlowSummary;
using wire::Ipv6Packet;
using wire::Ipv6TrafficSelector;
using wire::MobilityOption;

[[nodiscard]] inline Ipv6TrafficSelector portSelector(std::uint16_t from, std::optional<std::uint16_t> to = {})
{
    Ipv6TrafficSelector s;
    s.destinationPort = wire::SelectorRange<std::uint16_t>{from, to};
    return s;
}

/// Option 45 of a flow to that port of the mobile node.
[[nodiscard]] inline MobilityOption flowTo(std::uint16_t port, std::uint16_t number, std::uint16_t priority, std::vector<std::uint16_t> bids, std::uint8_t status = 0)
{
    return FlowIdentification{number, priority, status, {BindingReference{std::move(bids)}, portSelector(port)}};
}

[[nodiscard]] inline Ipv6Packet datagramOf(const Ipv6Address& from, const Ipv6Address& to, std::uint16_t fromPort, std::uint16_t toPort, std::size_t octets = 40)
{
    Ipv6Packet packet;
    packet.source = from;
    packet.destination = to;
    packet.nextHeader = wire::protocol::udp;
    packet.payload = wire::emitUdp({fromPort, toPort, Bytes(octets)}, packet.pseudoHeader());
    return packet;
}

}  // namespace roamscope::test
