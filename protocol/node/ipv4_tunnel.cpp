// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/ipv4_tunnel.hpp"

#include "protocol/wire/udp.hpp"

namespace roamscope::node {

namespace proto = wire::protocol;

namespace {

constexpr std::size_t udpOctets = 8;

std::optional<Carried> parsed(ByteView octets, const Ipv4Way& from)
{
    wire::FieldReader in(octets, 0, nullptr);
    auto packet = wire::parseIpv6(in);
    if (!packet || packet->violation) return std::nullopt;
    packet->packet.keepHeaders(octets, packet->payloadOffset);
    return Carried{std::move(packet->packet), from};
}

}  // namespace

std::size_t ipv4TunnelOctets(const Ipv4Way& way) { return wire::Ipv4Header::octets + (way.port != 0 ? udpOctets : 0); }

Ipv4Packet carry(const wire::Ipv6Packet& inner, const Ipv4Address& local, const Ipv4Way& way)
{
    Ipv4Packet out;
    out.header.dsField = inner.trafficClass;
    out.header.dontFragment = true;
    out.header.source = local;
    out.header.destination = way.peer;
    out.header.protocol = way.port != 0 ? proto::udp : proto::ipv6;
    out.payload = wire::emitIpv6(inner);
    if (way.port != 0) out.payload = wire::emitUdp({wire::udpPort::homeAgent, way.port, std::move(out.payload)}, out.header.pseudoHeader());
    return out;
}

std::optional<Carried> carriedIn(const Ipv4Packet& packet)
{
    const wire::Ipv4Header& header = packet.header;
    if (header.isFragment() || !wire::isUnicast(header.source)) return std::nullopt;
    if (header.protocol == proto::ipv6) return parsed(packet.payload, {header.source, 0});
    if (header.protocol != proto::udp) return std::nullopt;
    wire::FieldReader in(packet.payload, 0, nullptr);
    const auto datagram = wire::parseUdp(in, header.pseudoHeader());
    if (!datagram || datagram->violation || datagram->value.destinationPort != wire::udpPort::homeAgent || datagram->value.sourcePort == 0) return std::nullopt;
    if (datagram->checksum != wire::ChecksumVerdict::Good && datagram->checksum != wire::ChecksumVerdict::Absent) return std::nullopt;
    return parsed(datagram->value.data, {header.source, datagram->value.sourcePort});
}

}  // namespace roamscope::node
