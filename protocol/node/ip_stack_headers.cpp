// SPDX-License-Identifier: GPL-3.0-or-later
// What a node does about extension headers, sizes and upper layers that it cannot deal with (RFC 8200 §4, §5), and fragments.
#include "protocol/node/ip_stack.hpp"

#include "protocol/wire/udp.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;

namespace {

constexpr std::uint8_t erroneousField = 0;
constexpr std::uint8_t unrecognisedOption = 2;
constexpr std::uint8_t portUnreachable = 4;
constexpr std::size_t typeAt = 2;
constexpr std::size_t segmentsLeftAt = 3;

bool isKnown(std::uint8_t option, bool hopByHop)
{
    if (option <= 1 || option == wire::optionTunnelLimit || option == wire::optionRouterAlert) return true;
    return option == (hopByHop ? wire::optionJumbo : wire::optionHomeAddress);  // RFC 2675 §2, RFC 6275 §6.3
}

/// RFC 8200 §4.2: what the two highest bits of an unknown option's type ask for. Nothing: it is skipped.
std::optional<HeaderProblem> optionProblem(ByteView packet, std::size_t at, std::size_t end, bool hopByHop)
{
    constexpr std::uint8_t addressOctets = 16;
    for (at += 2; at < end;) {
        const std::uint8_t type = packet[at];
        // RFC 6275 §6.3: the length must be 16; without the address nobody could say whose packet it is.
        if (type == wire::optionHomeAddress && !hopByHop && at + 1 < end && packet[at + 1] != addressOctets) return HeaderProblem{erroneousField, static_cast<std::uint32_t>(at + 1)};
        if (!isKnown(type, hopByHop) && type >> 6 != 0) {
            HeaderProblem problem{unrecognisedOption, static_cast<std::uint32_t>(at)};
            problem.silent = type >> 6 == 1;
            problem.evenToGroups = type >> 6 == 2;
            return problem;
        }
        if (type == 0) ++at;
        else if (at + 1 < end) at += 2u + packet[at + 1];
        else break;
    }
    return std::nullopt;
}

}  // namespace

std::optional<HeaderProblem> headerProblem(ByteView packet, bool forUs)
{
    if (packet.size() < Ipv6Packet::headerOctets) return std::nullopt;
    std::uint8_t next = packet[6];
    std::size_t at = Ipv6Packet::headerOctets;
    while ((next == proto::hopByHop || next == proto::destinationOptions || next == proto::routing) && at + 8 <= packet.size()) {
        const std::size_t end = at + 8u * (packet[at + 1] + 1u);
        if (end > packet.size()) return std::nullopt;
        if (next == proto::hopByHop || (next == proto::destinationOptions && forUs))
            if (auto problem = optionProblem(packet, at, end, next == proto::hopByHop)) return problem;
        // RFC 8200 §4.4, RFC 5095 §3: a type that is not known, with segments left.
        if (next == proto::routing && forUs && packet[at + typeAt] != 2 && packet[at + segmentsLeftAt] != 0)
            return HeaderProblem{erroneousField, static_cast<std::uint32_t>(at + typeAt)};
        if (!forUs && next != proto::hopByHop) return std::nullopt;  // for the destination only
        next = packet[at];
        at = end;
    }
    return std::nullopt;
}

void IpStack::refuseUpper(TimePoint now, const Ipv6Packet& packet, Output& out)
{
    switch (packet.nextHeader) {
    case proto::udp: {
        wire::FieldReader in(packet.payload, 0, nullptr);
        const auto datagram = wire::parseUdp(in, packet.pseudoHeader());
        if (!datagram || !datagram->acceptable()) return;  // spoilt on the way: it says nothing about ports
        return sendError(now, packet, wire::icmpv6Type::destinationUnreachable, portUnreachable, out);
    }
    case proto::tcp: return sendError(now, packet, wire::icmpv6Type::destinationUnreachable, portUnreachable, out);
    // Without security associations these are dropped, and errors are not answered.
    case proto::esp:
    case proto::ah:
    case proto::icmpv6:
    case proto::none:
    case proto::fragment: return;
    default: return refuseNextHeader(now, packet, out);
    }
}

bool IpStack::fits(TimePoint now, std::size_t interface, const Hop& hop, const Ipv6Packet& packet, Output& out)
{
    constexpr std::size_t mostHeaders = 256;
    const std::size_t mtu = pathMtus_.find(now, packet.destination, interfaces_[interface].settings.mtu);
    if (packet.payload.size() + mostHeaders <= mtu) return true;
    const std::size_t size = sizeOf(packet);
    if (size <= mtu) return true;
    if (!owns(packet.source)) {  // RFC 8200 §5: routers do not fragment
        sendError(now, packet, wire::icmpv6Type::packetTooBig, 0, out, static_cast<std::uint32_t>(mtu));
        return false;
    }
    // RFC 2473 §7.1: what is too big for a tunnel is told to its source, unless that must be able to send it.
    if (const auto inner = decapsulate(packet); inner && packet.payload.size() > leastMtu && !owns(inner->source)) {
        const std::size_t header = size - packet.payload.size();
        sendError(now, *inner, wire::icmpv6Type::packetTooBig, 0, out, static_cast<std::uint32_t>(std::max(leastMtu, mtu - header)));
        return false;
    }
    NeighborCache::Actions actions;
    for (Ipv6Packet& piece : fragmented(packet, mtu, nextFragment_++)) interfaces_[hop.interface].neighbors.send(now, hop.address, std::move(piece), actions);
    carryOut(now, hop.interface, actions, out);
    return false;
}

}  // namespace roamscope::node
