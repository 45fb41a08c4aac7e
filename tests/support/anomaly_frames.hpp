// SPDX-License-Identifier: GPL-3.0-or-later
// Packets of the sample network with one thing wrong, made with the codec and spoiled in one place; the checksum is put right
// again unless it is what is wrong.
#pragma once

#include "tests/support/frame_builder.hpp"

#include <initializer_list>

namespace roamscope::test::anomaly {

inline constexpr std::uint16_t A = wire::BindingUpdate::acknowledge;
inline constexpr std::uint16_t H = wire::BindingUpdate::homeRegistration;
inline constexpr std::uint16_t M = wire::BindingUpdate::mapRegistration;
inline const MobileSpec mn;

/// What is around the packets when they are analysed.
enum class Carrier : std::uint8_t { Ethernet, Tunnel, Raw, Fragments };

/// Octets of a packet before its first part that fragments may hold: with destination options for a home address, which must
/// stand before the fragment header (RFC 6275 §6.3). Nothing when another header comes first or fewer than two fragments result.
inline std::optional<std::size_t> unfragmentable(ByteView packet)
{
    const std::uint8_t next = packet[6];
    if (next != wire::protocol::destinationOptions && next != wire::protocol::mobility) return std::nullopt;
    const std::size_t octets = next == wire::protocol::mobility ? 40 : 40 + 8 * (packet[41] + 1u);
    return packet.size() > octets + 8 ? std::optional(octets) : std::nullopt;
}

/// How much later (or earlier) the octets of a frame's message stand than with Ethernet alone; those of a reassembled one in what
/// is reassembled.
inline int shift(Carrier carrier, const Bytes& frame)
{
    switch (carrier) {
    case Carrier::Tunnel: return 40;
    case Carrier::Raw: return -14;
    case Carrier::Fragments: return -14 - static_cast<int>(unfragmentable(ByteView(frame).subspan(14)).value_or(0));
    default: return 0;
    }
}

/// The two fragments of a packet: the first has 8 octets of the message.
inline std::vector<Bytes> fragments(const Bytes& packet, std::uint32_t id)
{
    const std::size_t before = *unfragmentable(packet);
    const ByteView whole = ByteView(packet).subspan(before);
    const std::size_t nextAt = before == 40 ? 6 : 40;
    std::vector<Bytes> out;
    for (const bool more : {true, false}) {
        const ByteView piece = more ? whole.first(8) : whole.subspan(8);
        Writer w;
        w.bytes(ByteView(packet).first(before));
        w.patch16(4, static_cast<std::uint16_t>(before - 40 + 8 + piece.size()));
        w.patch8(nextAt, wire::protocol::fragment);
        w.u8(packet.at(nextAt));
        w.u8(0);
        w.u16(more ? 1 : 8);
        w.u32(id);
        w.bytes(piece);
        out.push_back(w.take());
    }
    return out;
}

class Net : public SampleNetwork {
public:
    /// What stands in the capture for a frame.
    [[nodiscard]] std::vector<Bytes> carried(std::size_t index, Carrier carrier) const
    {
        const Bytes& whole = frames[index].bytes;
        const Bytes packet(whole.begin() + 14, whole.end());
        std::vector<Bytes> packets{packet};
        if (carrier == Carrier::Raw) return packets;
        if (carrier == Carrier::Tunnel) packets = {tunnel(ip("2001:db8:e::1"), ip("2001:db8:e::2"), packet)};
        if (carrier == Carrier::Fragments && unfragmentable(packet)) packets = fragments(packet, static_cast<std::uint32_t>(index));
        for (Bytes& octets : packets) octets.insert(octets.begin(), whole.begin(), whole.begin() + 14);
        return packets;
    }
    /// The place in the capture of the frame that makes it whole.
    [[nodiscard]] analysis::FrameIndex indexIn(Carrier carrier, std::size_t index) const
    {
        std::size_t count = 0;
        for (std::size_t i = 0; i <= index && i < frames.size(); ++i) count += carried(i, carrier).size();
        return static_cast<analysis::FrameIndex>(count - 1);
    }
    [[nodiscard]] std::shared_ptr<const analysis::Analysis> analyzeIn(Carrier carrier) const
    {
        analysis::Analyzer analyzer;
        analysis::FrameIndex count = 0;
        for (std::size_t i = 0; i < frames.size(); ++i) {
            capture::TraceLink link = links_.at(frames[i].link);
            if (carrier == Carrier::Raw) link.linkType = wire::linkRawIpv6;
            for (const Bytes& bytes : carried(i, carrier))
                analyzer.add(count++, {frames[i].time, frames[i].link, static_cast<std::uint32_t>(bytes.size()), bytes}, link);
        }
        return analyzer.result();
    }
};

/// The only frame of a capture: at 1 s on w1.
inline void single(Net& net, const Bytes& packet) { net.add(1s, Net::w1, mn.interface, net.arRadio[0], packet); }

inline Bytes flipped(Bytes packet, std::size_t octet)
{
    packet.at(octet) ^= 0xff;
    return packet;
}

/// `octets` of a Mobility Header in `p`, with the checksum that the addresses of `sums` give.
inline Bytes carrying(wire::Ipv6Packet p, Bytes octets, const wire::PseudoHeader& sums)
{
    octets[4] = octets[5] = 0;
    const std::uint16_t sum = wire::checksum(sums, wire::protocol::mobility, octets);
    octets[4] = static_cast<std::uint8_t>(sum >> 8);
    octets[5] = static_cast<std::uint8_t>(sum);
    p.nextHeader = wire::protocol::mobility;
    p.payload = std::move(octets);
    return wire::emitIpv6(p);
}
inline Bytes carrying(const wire::Ipv6Packet& p, Bytes octets) { return carrying(p, std::move(octets), p.pseudoHeader()); }

/// The packet of a home registration behind the MAP: RCoA to the home agent, with home address option.
inline wire::Ipv6Packet homePacket(const Net& net)
{
    wire::Ipv6Packet p;
    p.source = net.regional(mn);
    p.destination = net.ha;
    p.setHomeAddress(mn.home);
    return p;
}

inline wire::BindingUpdate homeMessage(std::uint16_t flags = A | H)
{
    wire::BindingUpdate m;
    m.flags = flags;
    m.sequence = 1;
    m.lifetime = WireLifetime{150};
    return m;
}

/// A home registration with alternate care-of address (at 14 octets of the message) one octet of whose message is `value`.
inline Bytes patchedUpdate(const Net& net, std::size_t octet, std::uint8_t value)
{
    const wire::Ipv6Packet p = homePacket(net);
    wire::BindingUpdate m = homeMessage();
    m.options = {wire::AlternateCareOfAddress{net.regional(mn)}};
    Bytes octets = wire::emitMobility(m, p.pseudoHeader());
    octets.at(octet) = value;
    return carrying(p, std::move(octets));
}

/// An update to a correspondent without options whose Header Len is `units`.
inline Bytes shortUpdate(const Net& net, std::uint8_t units)
{
    wire::Ipv6Packet p = homePacket(net);
    p.destination = net.cn;
    Bytes octets = wire::emitMobility(homeMessage(A), p.pseudoHeader());
    octets.resize(8 * (units + 1u));
    octets[1] = units;
    return carrying(p, std::move(octets));
}

inline Bytes updateSummedOverCareOf(const Net& net)
{
    const wire::Ipv6Packet p = homePacket(net);
    wire::BindingUpdate m = homeMessage();
    m.options = {wire::AlternateCareOfAddress{net.regional(mn)}};
    return carrying(p, wire::emitMobility(m, p.pseudoHeader()), {p.source, p.destination});
}

inline Bytes answerSummedOverCareOf(const Net& net)
{
    wire::Ipv6Packet p;
    p.source = net.ha;
    p.destination = net.regional(mn);
    p.routing = wire::Type2Routing{1, mn.home};
    return carrying(p, wire::emitMobility(wire::BindingAck{0, 0, 1, WireLifetime{150}, {}}, p.pseudoHeader()), {p.source, p.destination});
}

/// A home registration with a Binding Identifier option of this length, its first option.
inline Bytes rawBid(const Net& net, std::size_t length)
{
    const wire::Ipv6Packet p = homePacket(net);
    wire::BindingUpdate m = homeMessage();
    Bytes data(length, 0);
    if (length > 1) data[1] = 1;
    const Ipv6Address careOf = net.regional(mn);
    if (length == 20) std::copy(careOf.octets.begin(), careOf.octets.end(), data.begin() + 4);
    if (length == 8) data[4] = 192, data[6] = 2, data[7] = 1;
    if (length == 4) m.options = {wire::BindingIdentifier{1, 0, false, 0, {}}};
    else if (length == 8 || length == 20) m.options = {wire::BindingIdentifier{1, 0, false, 0, Bytes(data.begin() + 4, data.end())}};
    else m.options = {wire::RawMobilityOption{35, data}};
    return mobility(p, m);
}

/// A registration of several care-of addresses; the first option stands at 18 octets of the message, or behind an alternate
/// care-of address at 14.
inline Bytes withBids(const Net& net, std::initializer_list<std::uint16_t> bids, bool alternate = false)
{
    wire::BindingUpdate m = homeMessage();
    if (alternate) m.options.push_back(wire::AlternateCareOfAddress{net.regional(mn)});
    Ipv6Address careOf = net.regional(mn);
    for (const std::uint16_t bid : bids) {
        m.options.push_back(wire::BindingIdentifier{bid, 0, false, 0, Bytes(careOf.octets.begin(), careOf.octets.end())});
        ++careOf.octets[7];
    }
    return mobility(homePacket(net), m);
}

/// A registration without home address option: of the first care-of address from that address, or right.
inline Bytes bidWithoutHomeAddress(const Net& net, bool right)
{
    wire::Ipv6Packet p = homePacket(net);
    p.source = net.careOf(mn, Net::w1);
    if (!right) p.destinationOptions.clear();
    wire::BindingUpdate m = homeMessage();
    m.options = {wire::BindingIdentifier{1, 0, false, 0, Bytes(p.source.octets.begin(), p.source.octets.end())}};
    return mobility(p, m);
}

/// RFC 5648 §5.6.3: the home link's own binding, sent from home.
inline Bytes homeBinding(const Net& net)
{
    wire::Ipv6Packet p;
    p.source = mn.home;
    p.destination = net.ha;
    wire::BindingUpdate m = homeMessage();
    m.options = {wire::BindingIdentifier{1, 0, true, 0, Bytes(mn.home.octets.begin(), mn.home.octets.end())}};
    return mobility(p, m);
}

/// RFC 5555 §3.1.1.
inline Bytes withIpv4CareOf(const Net& net)
{
    wire::BindingUpdate m = homeMessage();
    m.options = {wire::RawMobilityOption{32, {0, 0, 192, 0, 2, 1}}};
    return mobility(homePacket(net), m);
}

/// An update to a correspondent with options of these types in this order: nonce indices (4), authorization data (5), padding
/// to the next 8 octets (1).
inline Bytes authorized(const Net& net, std::initializer_list<int> types)
{
    wire::Ipv6Packet p = homePacket(net);
    p.destination = net.cn;
    Writer out;
    out.bytes(wire::emitMobility(homeMessage(A), p.pseudoHeader()));
    Bytes octets = out.take();
    octets.resize(12);
    const auto append = [&](std::initializer_list<int> data) {
        for (const int octet : data) octets.push_back(static_cast<std::uint8_t>(octet));
    };
    for (const int type : types) {
        if (type == 4) append({4, 4, 0, 3, 0, 4});
        if (type == 5) append({5, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
        // Before authorization data, to its 8n+2; behind it, a whole unit.
        if (type == 1 && octets.size() == 12) append({1, 4, 0, 0, 0, 0});
        else if (type == 1) append({1, 6, 0, 0, 0, 0, 0, 0});
    }
    octets[1] = static_cast<std::uint8_t>(octets.size() / 8 - 1);
    return carrying(p, std::move(octets));
}

/// An acknowledgement (or user data) behind a type 2 routing header with these numbers.
inline Bytes routed(const Net& net, std::uint8_t units, std::uint8_t left, bool data = false)
{
    wire::Ipv6Packet p;
    p.source = data ? net.cn : net.ha;
    p.destination = net.regional(mn);
    const wire::PseudoHeader sums{p.source, mn.home};
    Writer out;
    out.u8(data ? wire::protocol::udp : wire::protocol::mobility);
    out.u8(units);
    out.u8(2);
    out.u8(left);
    out.u32(0);
    for (int i = 0; i < units; i += 2) out.bytes(mn.home.octets);
    if (data) out.bytes(wire::emitUdp({5000, 5001, Bytes(16, 7)}, sums));
    else out.bytes(wire::emitMobility(wire::BindingAck{0, 0, 1, WireLifetime{150}, {}}, sums));
    p.nextHeader = wire::protocol::routing;
    p.payload = out.take();
    return wire::emitIpv6(p);
}

/// User data to a correspondent behind destination options headers with so many home address options each. The second option
/// stands at 30 octets behind the IPv6 header, whichever header it is in.
inline Bytes homeAddresses(const Net& net, std::initializer_list<int> headers)
{
    wire::Ipv6Packet p;
    p.source = net.regional(mn);
    p.destination = net.cn;
    p.nextHeader = wire::protocol::destinationOptions;
    Writer out;
    std::size_t left = headers.size();
    for (const int count : headers) {
        out.u8(--left > 0 ? wire::protocol::destinationOptions : wire::protocol::udp);
        out.u8(static_cast<std::uint8_t>(3 * count - 1));
        for (int i = 0; i < count; ++i) {
            out.bytes(i == 0 ? Bytes{1, 2, 0, 0} : Bytes{1, 4, 0, 0, 0, 0});
            out.u8(wire::optionHomeAddress);
            out.u8(16);
            out.bytes(mn.home.octets);
        }
    }
    out.bytes(wire::emitUdp({5000, 5001, Bytes(16, 7)}, {mn.home, p.destination}));
    p.payload = out.take();
    return wire::emitIpv6(p);
}

/// Each IPv6 header may have one.
inline Bytes homeAddressesInLayers(const Net& net)
{
    wire::Ipv6Packet outer;
    outer.source = net.careOf(mn, Net::w1);
    outer.destination = net.ha;
    outer.setHomeAddress(mn.home);
    outer.nextHeader = wire::protocol::ipv6;
    outer.payload = update(net.homeSpec(mn, 1));
    return wire::emitIpv6(outer);
}

/// An authentication header (24 octets) before `next`.
inline Bytes authentication(std::uint8_t next, const Bytes& rest)
{
    Writer out;
    out.u8(next);
    out.u8(4);
    out.u16(0);
    out.u32(0x100);
    out.u32(1);
    for (int i = 0; i < 3; ++i) out.u32(0x5a5a5a5a);
    out.bytes(rest);
    return out.take();
}

inline Bytes underAh(const Net&, const UpdateSpec& spec)
{
    wire::Ipv6Packet p;
    p.source = spec.source;
    p.destination = spec.destination;
    if (spec.home) p.setHomeAddress(*spec.home);
    wire::BindingUpdate m = homeMessage(spec.flags);
    p.nextHeader = wire::protocol::ah;
    p.payload = authentication(wire::protocol::mobility, wire::emitMobility(m, p.pseudoHeader()));
    return wire::emitIpv6(p);
}

inline Bytes tunnelUnderAh(const Net& net, const Bytes& inner)
{
    return packet(net.careOf(mn, Net::w1), net.map, wire::protocol::ah, authentication(wire::protocol::ipv6, inner));
}

inline Bytes encrypted(const Net& net)
{
    wire::Ipv6Packet p = homePacket(net);
    p.nextHeader = wire::protocol::esp;
    Bytes secret{0, 0, 0x10, 1, 0, 0, 0, 1};
    for (unsigned i = 0; i < 64; ++i) secret.push_back(static_cast<std::uint8_t>(i * 37 + 11));
    p.payload = std::move(secret);
    return wire::emitIpv6(p);
}

/// A local update under ESP that does not encrypt (RFC 2410), with SHA-1's 12 octets behind it.
inline Bytes localUnderEsp(const Net& net, bool alternate)
{
    wire::Ipv6Packet p;
    p.source = net.careOf(mn, Net::w1);
    p.destination = net.map;
    p.setHomeAddress(net.regional(mn));
    wire::BindingUpdate m{1, static_cast<std::uint16_t>(A | M), WireLifetime{150}, {}};
    if (alternate) m.options.push_back(wire::AlternateCareOfAddress{p.source});
    Bytes octets{0, 0, 0x10, 1, 0, 0, 0, 1};
    const Bytes message = wire::emitMobility(m, p.pseudoHeader());
    octets.insert(octets.end(), message.begin(), message.end());
    // Padding to 4 octets with its length and the next header.
    octets.insert(octets.end(), {1, 2, 2, wire::protocol::mobility});
    for (unsigned i = 0; i < 12; ++i) octets.push_back(static_cast<std::uint8_t>(i * 73 + 5));
    p.nextHeader = wire::protocol::esp;
    p.payload = std::move(octets);
    return wire::emitIpv6(p);
}

/// RFC 5213 §6.9.1.5: from a gateway for its mobile node.
inline Bytes proxyUpdate(const Net& net)
{
    wire::Ipv6Packet p;
    p.source = ip("2001:db8:a1::a");
    p.destination = net.ha;
    wire::BindingUpdate m = homeMessage(A | H | wire::BindingUpdate::proxy);
    const auto number = [](std::uint8_t type, std::uint8_t value) { return wire::RawMobilityOption{type, {0, value}}; };
    Bytes prefix{0, 64};
    prefix.insert(prefix.end(), mn.home.octets.begin(), mn.home.octets.begin() + 8);
    prefix.resize(18);
    Bytes name{1};
    for (const char c : std::string("mn1@example.com")) name.push_back(static_cast<std::uint8_t>(c));
    m.options = {wire::RawMobilityOption{22, prefix}, number(23, 1), number(24, 4), wire::RawMobilityOption{8, name}};
    return mobility(p, m);
}

inline Bytes mapAdvertisement(const Net& net, std::uint8_t distance, const Ipv6Address& map, std::uint32_t lifetime = 3600)
{
    wire::RouterAdvertisement ra;
    ra.options = {wire::MapOption{distance, 10, true, lifetime, map}};
    return icmp(linkLocal(eui64(net.arRadio[0])), allNodes(), ra);
}

}  // namespace roamscope::test::anomaly
