// SPDX-License-Identifier: GPL-3.0-or-later
// Packets that are too large for their way (RFC 8200 §4.5, §5; RFC 8201; RFC 2473 §7).
#include "protocol/node/ip_stack.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::Ipv6Packet;

std::size_t IpStack::pathMtu(TimePoint now, const Ipv6Address& destination) const
{
    const auto hop = nextHop(destination, {});
    return pathMtus_.find(now, destination, interfaces_[hop ? hop->interface : 0].settings.mtu);
}

void IpStack::sendLarge(TimePoint now, const Hop& hop, const Ipv6Packet& packet, std::size_t mtu, Output& out)
{
    if (!owns(packet.source)) return sendError(now, packet, wire::icmpv6Type::packetTooBig, 0, out, static_cast<std::uint32_t>(mtu));
    NeighborCache::Actions actions;
    for (Ipv6Packet& piece : fragmented(packet, mtu, nextFragment_++)) interfaces_[hop.interface].neighbors.send(now, hop.address, std::move(piece), actions);
    carryOut(now, hop.interface, actions, out);
}

void IpStack::sendThroughTunnel(TimePoint now, const Ipv6Packet& inner, const Ipv6Address& source, const Ipv6Address& destination, Output& out)
{
    const std::size_t size = sizeOf(inner);
    const std::size_t room = pathMtu(now, destination) - Ipv6Packet::headerOctets;
    if (size > room && size > leastMtu)
        return sendError(now, inner, wire::icmpv6Type::packetTooBig, 0, out, static_cast<std::uint32_t>(std::max(room, leastMtu)));
    send(now, encapsulate(inner, source, destination), out);
}

void IpStack::onTooBig(TimePoint now, const wire::IcmpError& error)
{
    if (error.type != wire::icmpv6Type::packetTooBig) return;
    wire::FieldReader in(error.invoking, 0, nullptr);
    const auto quoted = wire::parseIpv6(in, true);
    if (quoted && owns(quoted->packet.source)) pathMtus_.told(now, quoted->packet.destination, error.parameter);
}

}  // namespace roamscope::node
