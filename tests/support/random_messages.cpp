// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/random_messages.hpp"

#include <algorithm>

namespace roamscope::test {

using namespace roamscope::wire;

Bytes RandomMessages::bytes(std::size_t n)
{
    Bytes out(n);
    for (auto& octet : out) octet = u8();
    return out;
}

Ipv6Address RandomMessages::address()
{
    Ipv6Address a = *Ipv6Address::parse("2001:db8::");
    for (std::size_t i = 4; i < 16; ++i) a.octets[i] = coin() ? u8() : 0;
    return a;
}

Mac RandomMessages::mac()
{
    (void)u8();  // of the first octet, which says "locally administered"
    return Mac{{0x02, u8(), u8(), u8(), u8(), u8()}};
}

EthernetHeader RandomMessages::ethernet() { return {mac(), mac(), etherTypeIpv6}; }

std::uint8_t RandomMessages::unknownIpv6Option()
{
    if (!foreign_) return 0x1e;  // experimental, skipped by receivers (RFC 4727)
    for (;;) {
        const std::uint8_t type = u8();
        if (type > 1) return type;
    }
}

Ipv6Packet RandomMessages::packet(std::uint8_t nextHeader, Bytes payload)
{
    Ipv6Packet p;
    p.trafficClass = u8();
    p.flowLabel = u32() & 0xfffff;
    p.hopLimit = u8();
    p.source = address();
    p.destination = address();
    p.nextHeader = nextHeader;
    p.payload = std::move(payload);
    if (below(4) == 0) {
        if (coin()) p.hopByHop.push_back({unknownIpv6Option(), bytes(below(12))});
        p.hopByHop.push_back({optionRouterAlert, {0, 0}});
    }
    if (below(3) == 0) p.routing = Type2Routing{static_cast<std::uint8_t>(foreign_ && below(5) == 0 ? u8() : 1), address()};
    for (std::size_t n = below(3); n > 0; --n) p.destinationOptions.push_back({unknownIpv6Option(), bytes(below(30))});
    if (below(3) == 0) p.setHomeAddress(address());
    if (below(6) == 0) p.destinationOptions.push_back({unknownIpv6Option(), bytes(below(10))});
    return p;
}

std::uint8_t RandomMessages::unknownNdOption()
{
    if (!foreign_) return 253;  // experimental (RFC 4727)
    for (;;) {
        const std::uint8_t type = u8();
        static constexpr std::uint8_t values[] = {0, 1, 2, 3, 5, 7, 8, 17, 19, 20, 23, 201};
        if (std::find(std::begin(values), std::end(values), type) == std::end(values)) return type;
    }
}

NdOption RandomMessages::ndOption(std::size_t variant)
{
    switch (variant) {
    case 0: return SourceLinkLayerOption{mac()};
    case 1: return TargetLinkLayerOption{mac()};
    case 2: {
        PrefixInformation p;
        p.prefix = {address(), static_cast<std::uint8_t>(below(129))};
        p.onLink = coin();
        p.autonomous = coin();
        p.routerAddress = coin();
        p.validLifetime = u32();
        p.preferredLifetime = static_cast<std::uint32_t>(below(std::uint64_t{p.validLifetime} + 1));
        return p;
    }
    case 3: return MtuOption{u32()};
    case 4: return AdvertisementIntervalOption{u32()};
    case 5: {
        const std::uint16_t preference = u16();
        return HomeAgentInformation{preference, static_cast<std::uint16_t>(1 + below(65535)), coin()};
    }
    case 6: {
        MapOption m;
        m.distance = static_cast<std::uint8_t>(1 + below(15));
        m.preference = static_cast<std::uint8_t>(below(16));
        m.regional = coin();
        m.validLifetime = u32();
        m.address = address();
        return m;
    }
    case 7: return HandoverAddress{static_cast<std::uint8_t>(1 + below(4)), static_cast<std::uint8_t>(below(129)), address()};
    case 8: return HandoverLinkLayer{static_cast<std::uint8_t>(below(8)), bytes(8 * (1 + below(4)) - 3)};
    case 9: {
        AdvertisementAck ack;
        ack.status = static_cast<std::uint8_t>(1 + below(4));
        if (!foreign_ && ack.status == 2) ack.status = 128;  // tshark 4.0 loses its place at 2
        if (foreign_ && coin()) ack.careOf = address();
        return ack;
    }
    default: {
        const std::uint8_t type = unknownNdOption();
        return RawNdOption{type, bytes(8 * (1 + below(6)) - 2)};
    }
    }
}

std::vector<NdOption> RandomMessages::ndOptions()
{
    std::vector<NdOption> out;
    for (std::size_t n = below(6); n > 0; --n) out.push_back(ndOption(below(std::variant_size_v<NdOption>)));
    return out;
}

Icmpv6Message RandomMessages::error()
{
    IcmpError e;
    e.type = static_cast<std::uint8_t>(1 + below(4));
    e.code = static_cast<std::uint8_t>(below(3));
    if (e.type == icmpv6Type::packetTooBig) e.parameter = 1280 + static_cast<std::uint32_t>(below(8000));
    if (e.type == icmpv6Type::parameterProblem) e.parameter = static_cast<std::uint32_t>(below(100));
    Ipv6Packet quoted;
    quoted.source = address();
    quoted.destination = address();
    quoted.nextHeader = protocol::none;
    e.invoking = foreign_ ? bytes(below(200)) : emitIpv6(quoted);
    if (e.type != icmpv6Type::packetTooBig && e.type != icmpv6Type::parameterProblem && e.invoking.size() % 8 == 0 && below(3) == 0)
        e.originalLength = static_cast<std::uint8_t>(e.invoking.size() / 8);
    return e;
}

Icmpv6Message RandomMessages::listenerReport()
{
    ListenerReport report;
    for (std::size_t n = below(5); n > 0; --n) {
        ListenerReport::Record record;
        record.type = static_cast<std::uint8_t>(1 + below(6));
        record.group = address();
        record.group.octets[0] = 0xff;
        for (std::size_t s = below(4); s > 0; --s) record.sources.push_back(address());
        if (foreign_) record.auxiliary = bytes(4 * below(4));
        report.records.push_back(std::move(record));
    }
    return report;
}

Icmpv6Message RandomMessages::rawIcmpv6()
{
    if (!foreign_) return RawIcmpv6{200, 0, bytes(4 + below(40))};  // private experimentation (RFC 4443 §2.1)
    return RawIcmpv6{static_cast<std::uint8_t>(155 + below(101)), u8(), bytes(below(40))};
}

Icmpv6Message RandomMessages::icmpv6(std::size_t variant)
{
    switch (variant) {
    case 0: return error();
    case 1: return Echo{coin(), u16(), u16(), bytes(below(60))};
    case 2: return RouterSolicitation{ndOptions()};
    case 3: return RouterAdvertisement{u8(), u8(), u16(), u32(), u32(), ndOptions()};
    case 4: return NeighborSolicitation{address(), ndOptions()};
    case 5: return NeighborAdvertisement{coin(), coin(), coin(), address(), ndOptions()};
    case 6: return listenerReport();
    case 7: return HomeAgentDiscoveryRequest{u16(), coin()};
    case 8: {
        HomeAgentDiscoveryReply reply{u16(), coin(), {}};
        for (std::size_t n = below(4); n > 0; --n) reply.homeAgents.push_back(address());
        return reply;
    }
    case 9: {  // RFC 6275 §6.7 defines no options yet
        const std::uint16_t identifier = u16();
        return MobilePrefixSolicitation{identifier, foreign_ ? ndOptions() : std::vector<NdOption>{}};
    }
    case 10: return MobilePrefixAdvertisement{u16(), coin(), coin(), ndOptions()};
    case 11: {
        const Ipv6Address target = address();
        return Redirect{target, address(), ndOptions()};
    }
    case 12: return ListenerMessage{static_cast<std::uint8_t>(130 + below(3)), u16(), address()};
    case 13: {
        ListenerQuery query{u16(), address(), coin(), static_cast<std::uint8_t>(below(8)), u8(), {}};
        for (std::size_t n = below(4); n > 0; --n) query.sources.push_back(address());
        return query;
    }
    case 14: {
        FastHandover fast;
        fast.subtype = static_cast<std::uint8_t>(2 + below(4));
        fast.code = static_cast<std::uint8_t>(below(6));
        if (fast.subtype == FastHandover::initiate) fast.flags = static_cast<std::uint8_t>(below(4) << 6);
        fast.identifier = u16();
        fast.options = ndOptions();
        return fast;
    }
    default: return rawIcmpv6();
    }
}

UdpDatagram RandomMessages::udp()
{
    // Ports of no known protocol, so that other decoders leave the data alone.
    const auto port = [this] {
        const auto any = static_cast<std::uint16_t>(foreign_ ? u16() : 52010 + below(80));
        return wire::isCarrierPort(any) ? static_cast<std::uint16_t>(any + 1000) : any;
    };
    const std::uint16_t source = port();
    const std::uint16_t destination = port();
    return {source, destination, bytes(below(300))};
}

Probe RandomMessages::probe()
{
    Probe p;
    p.flow = u16();
    p.answer = coin();
    p.serial = u32();
    p.sent = atNanoseconds(static_cast<std::int64_t>(u64() >> 1));
    return p;
}

Bytes RandomMessages::frame()
{
    const std::uint64_t kind = below(3);
    const std::uint8_t next = kind == 0 ? protocol::mobility : kind == 1 ? protocol::icmpv6 : protocol::udp;
    Ipv6Packet inner = packet(next, {});
    const PseudoHeader pseudo = inner.pseudoHeader();
    if (kind == 0) inner.payload = emitMobility(mobility(foreign_ ? below(std::variant_size_v<MobilityMessage>) : familiarMessage()), pseudo);
    else if (kind == 1) inner.payload = emitIcmpv6(icmpv6(below(std::variant_size_v<Icmpv6Message>)), pseudo);
    else inner.payload = emitUdp(udp(), pseudo);
    Bytes whole = emitIpv6(inner);
    for (std::size_t tunnels = below(4); tunnels > 0; --tunnels) whole = emitIpv6(packet(protocol::ipv6, std::move(whole)));
    return emitEthernet(ethernet(), whole);
}

}  // namespace roamscope::test
