// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/traffic.hpp"

namespace roamscope::node {

namespace {

wire::Ipv6Packet packetOf(const Ipv6Address& source, const Ipv6Address& destination, const wire::Probe& probe, std::size_t size)
{
    wire::Ipv6Packet packet;
    packet.source = source;
    packet.destination = destination;
    packet.nextHeader = wire::protocol::udp;
    const std::uint16_t from = probe.answer ? wire::probeSinkPort : wire::probeSourcePort;
    const std::uint16_t to = probe.answer ? wire::probeSourcePort : wire::probeSinkPort;
    packet.payload = wire::emitUdp({from, to, wire::emitProbe(probe, size)}, packet.pseudoHeader());
    return packet;
}

}  // namespace

std::optional<TrafficSource::Due> TrafficSource::due(TimePoint now)
{
    if (now < *nextDeadline()) return std::nullopt;
    const wire::Probe probe{settings_.flow, false, serial_++, now};
    return Due{probe, packetOf(settings_.source, settings_.destination, probe, settings_.size)};
}

std::optional<ReceivedProbe> probeIn(const wire::Ipv6Packet& packet)
{
    if (packet.nextHeader != wire::protocol::udp) return std::nullopt;
    wire::FieldReader in(packet.payload, 0, nullptr);
    const auto datagram = wire::parseUdp(in, packet.pseudoHeader());
    if (!datagram || !datagram->acceptable()) return std::nullopt;
    const auto probe = wire::parseProbe(datagram->value);
    if (!probe) return std::nullopt;
    return ReceivedProbe{*probe, datagram->value.data.size()};
}

wire::Ipv6Packet answerTo(const wire::Ipv6Packet& received, const ReceivedProbe& probe)
{
    wire::Probe answer = probe.probe;
    answer.answer = true;
    return packetOf(received.destination, received.source, answer, probe.size);
}

}  // namespace roamscope::node
