// SPDX-License-Identifier: GPL-3.0-or-later
// Bytes in and bytes out of a node under test: builders of frames, and what a node sent, decoded.
#pragma once

#include "protocol/node/output.hpp"
#include "protocol/wire/frame.hpp"

#include <algorithm>
#include <set>

namespace roamscope::test {

[[nodiscard]] inline Ipv6Address ip(const char* text) { return *Ipv6Address::parse(text); }
[[nodiscard]] inline Prefix prefix(const char* text) { return *Prefix::parse(text); }
[[nodiscard]] inline Mac mac(const char* text) { return *Mac::parse(text); }

/// Where a packet of `to` goes on the link when the sender knows the neighbour as `neighbor`.
[[nodiscard]] inline Bytes frame(const Mac& from, const Mac& neighbor, const wire::Ipv6Packet& packet)
{
    const Mac to = packet.destination.isMulticast() ? multicastMac(packet.destination) : neighbor;
    return wire::emitEthernet({to, from, wire::etherTypeIpv6}, wire::emitIpv6(packet));
}

[[nodiscard]] inline wire::Ipv6Packet icmp(const Ipv6Address& source, const Ipv6Address& destination, const wire::Icmpv6Message& message,
                                           std::uint8_t hopLimit = 255)
{
    wire::Ipv6Packet packet;
    packet.source = source;
    packet.destination = destination;
    packet.hopLimit = hopLimit;
    packet.nextHeader = wire::protocol::icmpv6;
    packet.payload = wire::emitIcmpv6(message, packet.pseudoHeader());
    return packet;
}

/// A mobility message, with the home address option or the type 2 routing header when they are given.
[[nodiscard]] inline wire::Ipv6Packet mobility(const Ipv6Address& source, const Ipv6Address& destination, const wire::MobilityMessage& message,
                                               std::optional<Ipv6Address> homeAddressOption, std::optional<Ipv6Address> routingHeader = {})
{
    wire::Ipv6Packet packet;
    packet.source = source;
    packet.destination = destination;
    if (homeAddressOption) packet.setHomeAddress(*homeAddressOption);
    if (routingHeader) packet.routing = wire::Type2Routing{1, *routingHeader};
    packet.nextHeader = wire::protocol::mobility;
    packet.payload = wire::emitMobility(message, packet.pseudoHeader());
    return packet;
}

[[nodiscard]] inline wire::Ipv6Packet probe(const Ipv6Address& source, const Ipv6Address& destination, const wire::Probe& content)
{
    wire::Ipv6Packet packet;
    packet.source = source;
    packet.destination = destination;
    packet.nextHeader = wire::protocol::udp;
    const std::uint16_t from = content.answer ? wire::probeSinkPort : wire::probeSourcePort;
    const std::uint16_t to = content.answer ? wire::probeSourcePort : wire::probeSinkPort;
    packet.payload = wire::emitUdp({from, to, wire::emitProbe(content, 40)}, packet.pseudoHeader());
    return packet;
}

struct Seen {
    std::size_t interface = 0;
    wire::DecodedFrame frame;

    [[nodiscard]] const wire::Ipv6Packet& outer() const { return frame.packets.front(); }
    [[nodiscard]] const wire::Ipv6Packet& inner() const { return frame.packets.back(); }
};

/// The frames in `out`, decoded and taken out; events stay.
[[nodiscard]] inline std::vector<Seen> take(node::Output& out)
{
    std::vector<Seen> seen;
    for (const node::SentFrame& sent : out.frames) seen.push_back({sent.interface, wire::decodeFrame(sent.bytes, wire::linkEthernet, sent.bytes.size())});
    out.frames.clear();
    return seen;
}

/// The first frame that carries a T (inside whatever tunnels), or nothing.
template <class T>
[[nodiscard]] const Seen* find(const std::vector<Seen>& seen)
{
    for (const Seen& s : seen)
        if (s.frame.as<T>()) return &s;
    return nullptr;
}

template <class T>
[[nodiscard]] std::size_t count(const std::vector<Seen>& seen)
{
    return static_cast<std::size_t>(std::count_if(seen.begin(), seen.end(), [](const Seen& s) { return s.frame.as<T>() != nullptr; }));
}

[[nodiscard]] inline std::size_t count(const node::Output& out, std::string_view event)
{
    return static_cast<std::size_t>(std::count_if(out.events.begin(), out.events.end(), [&](const node::Event& e) { return e.name == event; }));
}

/// Advances a node through all its deadlines up to `until`; frames and events collect in `out`. Gives the number of steps, so
/// that a node whose deadline never moves on is caught (`limit`).
template <class Node>
std::size_t run(Node& node, TimePoint until, node::Output& out, std::size_t limit = 10000)
{
    std::size_t steps = 0;
    while (steps < limit) {
        const auto next = node.nextDeadline();
        if (!next || *next > until) break;
        node.advance(*next, out);
        ++steps;
    }
    return steps;
}

}  // namespace roamscope::test
