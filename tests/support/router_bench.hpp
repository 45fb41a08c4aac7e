// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile router on a bench: two egress interfaces as in paths_bench.hpp, and a third one to the network behind it with one host. Home
// agents answer with acknowledgements built octet by octet.
#pragma once

#include "tests/support/paths_bench.hpp"

#include "protocol/wire/checksum.hpp"

namespace roamscope::test {

inline const Prefix network = prefix("2001:db8:1f0::/56");
inline const Prefix otherNetwork = prefix("2001:db8:2f0::/64");
inline const Ipv6Address routerInside = ip("2001:db8:1f0::1");
inline const Ipv6Address seat = ip("2001:db8:1f0::5ea7");
inline const Mac seatMac = mac("02:00:00:00:08:01");
inline const Ipv6Address secondAgent = ip("2001:db8:100::2");

struct RouterBench : PathsBench {
    static constexpr std::size_t inside = 2;
    static constexpr std::uint8_t mobileRouter = 0x40;  ///< R of an acknowledgement

    static MobileNode::Settings settings(Mode mode = Mode::Off)
    {
        MobileNode::Settings s = PathsBench::settings(mode);
        s.network.prefixes = {network, otherNetwork};
        s.network.ingress = {inside};
        s.network.advertisements.push_back({inside, 1s, 4s, {routerInside, 64}, {}});
        return s;
    }
    static IpStack makeRouter()
    {
        IpStack stack = makeStack(3);
        stack.addStaticAddress(inside, {linkLocal(eui64(macOf(inside))), 64});
        stack.addStaticAddress(inside, {routerInside, 64});
        return stack;
    }
    explicit RouterBench(MobileNode::Settings s = settings()) : PathsBench(std::move(s), makeRouter())
    {
        flags = mobileRouter;
        mn.linkUp(now, inside, out);
        meetSeat();
    }
    /// The host asks for its router, so that this knows it.
    void meetSeat() { fromSeat(icmp(seat, solicitedNode(routerInside), NeighborSolicitation{routerInside, {wire::SourceLinkLayerOption{seatMac}}})); }
    void fromSeat(const wire::Ipv6Packet& packet) { mn.receive(now, inside, frame(seatMac, macOf(inside), packet), out); }
    /// Out of the tunnel from the home agent.
    void fromTunnel(const wire::Ipv6Packet& packet, std::size_t by = 0, const Ipv6Address& agent = homeAgent) { in(by, encapsulate(packet, agent, careOf(by))); }

    static RouterBench registered(Mode mode = Mode::Off, std::size_t interfaces = 1)
    {
        RouterBench b(settings(mode));
        for (std::size_t i = 0; i < interfaces; ++i) b.up(i);
        (void)b.answeringTo(6s);
        b.meetSeat();
        (void)b.to(7s);
        return b;
    }
    /// The frames of the last packet that was handed in, without neighbour discovery.
    std::vector<Seen> sent()
    {
        std::vector<Seen> seen = take(out);
        std::erase_if(seen, [](const Seen& s) { return s.frame.as<NeighborSolicitation>() || s.frame.as<NeighborAdvertisement>(); });
        return seen;
    }

    static std::vector<Prefix> prefixesIn(const BindingUpdate& bu)
    {
        std::vector<Prefix> list;
        for (const auto& option : bu.options)
            if (const auto* p = std::get_if<wire::MobileNetworkPrefix>(&option)) list.push_back(p->prefix);
        return list;
    }
    /// A Binding Acknowledgement to the home address by routing header, octet by octet: type 6, no options but PadN.
    static wire::Ipv6Packet octets(const Ipv6Address& agent, const Ipv6Address& to, std::uint8_t status, std::uint8_t flagOctet, std::uint16_t sequence, std::uint16_t lifetime)
    {
        Bytes mh{59, 1, 6, 0, 0, 0, status, flagOctet, static_cast<std::uint8_t>(sequence >> 8), static_cast<std::uint8_t>(sequence),
                 static_cast<std::uint8_t>(lifetime >> 8), static_cast<std::uint8_t>(lifetime), 1, 2, 0, 0};
        wire::Ipv6Packet packet;
        packet.source = agent;
        packet.destination = to;
        packet.routing = wire::Type2Routing{1, homeAddress};
        packet.nextHeader = wire::protocol::mobility;
        const std::uint16_t sum = wire::checksum(packet.pseudoHeader(), wire::protocol::mobility, mh);
        mh[4] = static_cast<std::uint8_t>(sum >> 8);
        mh[5] = static_cast<std::uint8_t>(sum);
        packet.payload = std::move(mh);
        return packet;
    }
};

}  // namespace roamscope::test
