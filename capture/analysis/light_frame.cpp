// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/light_frame.hpp"

#include <algorithm>

namespace roamscope::analysis {

namespace {

template <class Octets>
void copy(ByteView from, Octets& to)
{
    std::copy(from.begin(), from.end(), to.begin());
}

bool isProbePort(std::uint16_t port) { return port == wire::probeSourcePort || port == wire::probeSinkPort; }

/// Ports and a checksum that need a closer look.
bool isUnusual(ByteView datagram)
{
    const auto u16 = [&](std::size_t at) { return static_cast<std::uint16_t>(datagram[at] << 8 | datagram[at + 1]); };
    const std::uint16_t source = u16(0);
    const std::uint16_t destination = u16(2);
    return (isProbePort(source) && isProbePort(destination)) || u16(6) == 0;
}

}  // namespace

bool readLight(const capture::FrameView& frame, std::uint16_t linkType, const capture::FrameRow& row, wire::DecodedFrame& out)
{
    const bool udp = row.kind == wire::FrameClass::Udp;
    if ((!udp && row.kind != wire::FrameClass::Tcp) || (row.marks & ~(wire::mark::tunnel | wire::mark::ipv6)) != 0 || linkType != wire::linkEthernet) return false;
    ByteView rest = frame.bytes;
    const auto type = [&] { return static_cast<std::uint16_t>(rest[12] << 8 | rest[13]); };
    if (rest.size() < wire::EthernetHeader::octets || type() != wire::etherTypeIpv6) return false;
    if (!out.ethernet) out.ethernet.emplace();
    copy(rest.first(6), out.ethernet->destination.octets);
    copy(rest.subspan(6, 6), out.ethernet->source.octets);
    rest = rest.subspan(wire::EthernetHeader::octets);
    std::size_t count = 0;
    for (std::uint8_t next = wire::protocol::ipv6; next == wire::protocol::ipv6; ++count) {
        if (rest.size() < wire::Ipv6Packet::headerOctets || rest[0] >> 4 != 6) return false;
        if (out.packets.size() == count) out.packets.emplace_back();
        wire::Ipv6Packet& packet = out.packets[count];
        packet.nextHeader = next = rest[6];
        packet.hopLimit = rest[7];
        copy(rest.subspan(8, 16), packet.source.octets);
        copy(rest.subspan(24, 16), packet.destination.octets);
        rest = rest.subspan(wire::Ipv6Packet::headerOctets);
    }
    out.packets.resize(count);
    out.ipHeaders = count;
    out.upper = out.packets.back().nextHeader;
    const std::uint8_t expected = udp ? wire::protocol::udp : wire::protocol::tcp;
    // Anything between the headers and the message (extension headers) leads elsewhere.
    return out.upper == expected && rest.size() >= 8 && !(udp && isUnusual(rest)) && !out.packets.back().destination.isMulticast();
}

}  // namespace roamscope::analysis
