// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile router between the network behind it and its home agent (RFC 3963 §5.5 to §5.8, §9), stepped by hand: packets both ways,
// errors, what it says on which of its links, several care-of addresses, the home link.
#include "tests/support/router_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using wire::IcmpError;

namespace {

const Ipv6Address linkLocalSeat = linkLocal(eui64(seatMac));

wire::Ipv6Packet packet(const Ipv6Address& from, const Ipv6Address& to, std::uint8_t hopLimit = 64)
{
    wire::Ipv6Packet p = probe(from, to, {1, false, 1, TimePoint{}});
    p.hopLimit = hopLimit;
    return p;
}

wire::Ipv6Packet large(const Ipv6Address& from, const Ipv6Address& to, std::size_t octets)
{
    wire::Ipv6Packet p;
    p.source = from;
    p.destination = to;
    p.nextHeader = wire::protocol::udp;
    p.payload = wire::emitUdp({4000, 4001, Bytes(octets - 48)}, p.pseudoHeader());
    return p;
}

const IcmpError* error(const std::vector<Seen>& seen) { return seen.size() == 1 ? seen[0].frame.as<IcmpError>() : nullptr; }

/// The one tunnelled packet that left: by which interface, from and to where its tunnel goes.
bool tunnelled(const std::vector<Seen>& seen, std::size_t by, const Ipv6Address& agent = homeAgent)
{
    return seen.size() == 1 && seen[0].interface == by && seen[0].frame.packets.size() == 2 && seen[0].outer().source == PathsBench::careOf(by) && seen[0].outer().destination == agent;
}

}  // namespace

class TestMobileRouterNetwork : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void packetsFromTheNetworkGoThroughTheTunnel()
    {
        RouterBench b = RouterBench::registered();
        b.fromSeat(packet(seat, correspondent, 17));
        const auto seen = b.sent();
        QVERIFY(tunnelled(seen, 0));
        QVERIFY(seen[0].inner().source == seat && seen[0].inner().destination == correspondent);
        QVERIFY2(seen[0].inner().hopLimit == 16, "it is one hop");
        QVERIFY2(seen[0].outer().hopLimit >= 64, "RFC 3963 §5.5: the tunnel's hop limit is a router's");
    }

    void packetsFromTheTunnelGoIntoTheNetwork()
    {
        RouterBench b = RouterBench::registered();
        b.fromTunnel(packet(correspondent, seat, 17));
        const auto seen = b.sent();
        QVERIFY(seen.size() == 1 && seen[0].interface == RouterBench::inside && seen[0].frame.packets.size() == 1);
        QVERIFY(seen[0].inner().destination == seat && seen[0].inner().hopLimit == 16);
        b.fromTunnel(packet(correspondent, seat), 0, ip("2001:db8:200::bad"));
        QVERIFY2(b.sent().empty(), "MN-RX-01: only from the home agent");
        b.in(0, packet(correspondent, seat));
        QVERIFY2(b.sent().empty(), "a visited link is none of its network");
    }

    void noTunnelNoPackets()
    {
        RouterBench b;
        b.up(0);
        (void)b.to(3s);
        b.meetSeat();
        (void)b.sent();
        b.fromSeat(packet(seat, correspondent));
        const auto seen = b.sent();
        const IcmpError* e = error(seen);
        QVERIFY2(e && e->type == wire::icmpv6Type::destinationUnreachable && e->code == 0 && seen[0].interface == RouterBench::inside && seen[0].inner().destination == seat, "no route");
    }

    void errorsAboutPacketsOfTheNetwork()
    {
        RouterBench b = RouterBench::registered();
        b.fromSeat(packet(seat, correspondent, 1));
        auto seen = b.sent();
        QVERIFY(error(seen) && error(seen)->type == wire::icmpv6Type::timeExceeded && seen[0].interface == RouterBench::inside && seen[0].inner().source == routerInside);
        b.fromSeat(large(seat, correspondent, 1470));
        seen = b.sent();
        QVERIFY2(error(seen) && error(seen)->type == wire::icmpv6Type::packetTooBig && error(seen)->parameter == 1460 && seen[0].inner().destination == seat, "RFC 2473 §7.1");
        b.fromSeat(large(seat, correspondent, 1460));
        QVERIFY(tunnelled(b.sent(), 0));
        // Inside the prefix, but on no link of the network: not to the home agent, who would send it here again.
        b.fromSeat(packet(seat, ip("2001:db8:1f0:7::1")));
        seen = b.sent();
        QVERIFY(error(seen) && error(seen)->type == wire::icmpv6Type::destinationUnreachable && seen[0].interface == RouterBench::inside);
    }

    void errorsAboutPacketsFromTheTunnelGoBackThroughIt()
    {
        RouterBench b = RouterBench::registered();
        b.fromTunnel(packet(correspondent, seat, 1));
        auto seen = b.sent();
        QVERIFY(tunnelled(seen, 0) && seen[0].frame.as<IcmpError>() && seen[0].frame.as<IcmpError>()->type == wire::icmpv6Type::timeExceeded);
        QVERIFY(seen[0].inner().source == routerInside && seen[0].inner().destination == correspondent);
        b.fromTunnel(packet(correspondent, ip("2001:db8:1f0:7::1")));
        seen = b.sent();
        QVERIFY(tunnelled(seen, 0) && seen[0].frame.as<IcmpError>()->type == wire::icmpv6Type::destinationUnreachable);
        QVERIFY2(seen[0].inner().source == routerInside, "from an address that the home agent takes");
    }

    void errorsFromInsideTheTunnelAreToldToItsSenders()
    {
        RouterBench b = RouterBench::registered();
        b.fromSeat(large(seat, correspondent, 1400));
        Bytes octets = b.out.frames.back().bytes;
        octets.erase(octets.begin(), octets.begin() + wire::EthernetHeader::octets);
        (void)b.sent();
        const Ipv6Address somewhere = ip("2001:db8:200::fe");
        const auto tell = [&](std::uint8_t type, std::uint32_t parameter, Bytes quoted) {
            quoted.resize(std::min<std::size_t>(quoted.size(), 1200));
            b.in(0, icmp(somewhere, PathsBench::careOf(0), IcmpError{type, 0, parameter, std::move(quoted)}, 64));
            return b.sent();
        };
        auto seen = tell(wire::icmpv6Type::packetTooBig, 1400, octets);
        QVERIFY2(error(seen) && error(seen)->type == wire::icmpv6Type::packetTooBig && error(seen)->parameter == 1360 && seen[0].inner().destination == seat, "RFC 2473 §8.2");
        seen = tell(wire::icmpv6Type::timeExceeded, 0, octets);
        QVERIFY(error(seen) && error(seen)->type == wire::icmpv6Type::destinationUnreachable && error(seen)->code == 3);
        seen = tell(wire::icmpv6Type::destinationUnreachable, 0, octets);
        QVERIFY(error(seen) && error(seen)->type == wire::icmpv6Type::destinationUnreachable);
        Bytes elsewhere = octets;
        elsewhere[39] ^= 1;  // another home agent
        QVERIFY2(tell(wire::icmpv6Type::destinationUnreachable, 0, elsewhere).empty(), "invented");
        b.fromSeat(large(seat, correspondent, 1400));
        seen = b.sent();
        QVERIFY2(error(seen) && error(seen)->parameter == 1360, "and it is remembered");
    }

    void theRoutersOwnAddresses()
    {
        RouterBench b = RouterBench::registered();
        const auto ping = [](const Ipv6Address& from, const Ipv6Address& to) { return icmp(from, to, wire::Echo{false, 1, 2, {}}, 64); };
        b.fromSeat(ping(seat, homeAddress));
        auto seen = b.sent();
        QVERIFY(seen.size() == 1 && seen[0].interface == RouterBench::inside && seen[0].inner().source == homeAddress && seen[0].frame.as<wire::Echo>()->reply);
        b.fromSeat(ping(seat, routerInside));
        seen = b.sent();
        QVERIFY(seen.size() == 1 && seen[0].interface == RouterBench::inside && seen[0].inner().source == routerInside);
        b.fromTunnel(ping(correspondent, routerInside));
        seen = b.sent();
        QVERIFY(tunnelled(seen, 0) && seen[0].inner().source == routerInside && seen[0].frame.as<wire::Echo>()->reply);
        b.fromTunnel(ping(correspondent, homeAddress));
        seen = b.sent();
        QVERIFY(tunnelled(seen, 0) && seen[0].inner().source == homeAddress);
    }

    void NEMO_MR_06_nobodySendsWhatIsNotHis()
    {
        RouterBench b = RouterBench::registered();
        for (const Ipv6Address& source : {correspondent, homeAgent, homeAddress, routerInside, PathsBench::careOf(0), ip("2001:db8:1ff:ffff::1"), ip("2001:db8:200::1f0")}) {
            b.out.events.clear();
            b.fromSeat(packet(source, correspondent));
            QVERIFY2(b.sent().empty() && count(b.out, "ingress-refused") == 1, source.text().c_str());
        }
        for (const Ipv6Address& source : {seat, ip("2001:db8:1f0:ff::1"), ip("2001:db8:2f0::1")}) {
            b.fromSeat(packet(source, correspondent));
            QVERIFY2(tunnelled(b.sent(), 0), source.text().c_str());
        }
        // Not for the router itself either: what would this home agent say?
        b.fromSeat(RouterBench::octets(homeAgent, homeAddress, 141, 0, b.mn.homeAssociation().sequence(), 0));
        b.fromSeat(encapsulate(packet(correspondent, seat), homeAgent, routerInside));
        b.fromSeat(encapsulate(packet(correspondent, seat), homeAgent, PathsBench::careOf(0)));
        QVERIFY(b.sent().empty() && b.mn.registeredAtHome(b.now));
        b.fromSeat(encapsulate(packet(seat, correspondent), seat, homeAddress));
        const auto seen = b.sent();
        QVERIFY2(error(seen) && seen[0].interface == RouterBench::inside, "no tunnels from there");
    }

    void NEMO_MR_04_whoIsToldOfTheRouter()
    {
        RouterBench b;
        b.up(0);
        std::size_t insideAdvertisements = 0;
        const auto look = [&](const std::vector<Seen>& seen) {
            for (const Seen& s : seen) {
                const auto* ra = s.frame.as<wire::RouterAdvertisement>();
                if (!ra) continue;
                QVERIFY2(s.interface == RouterBench::inside, "NEMO-MR-04: not on a visited link");
                const auto* pio = wire::findOption<wire::PrefixInformation>(ra->options);
                QVERIFY(ra->routerLifetime > 0 && pio && pio->prefix.contains(seat));
                ++insideAdvertisements;
            }
        };
        look(b.to(10s));
        QVERIFY(insideAdvertisements >= 2);
        b.in(0, icmp(PathsBench::router(0), allRouters(), wire::RouterSolicitation{}));
        b.in(0, icmp(PathsBench::router(0), linkLocal(eui64(PathsBench::macOf(0))), wire::RouterSolicitation{}));
        const std::size_t before = insideAdvertisements;
        look(b.to(10200ms));
        b.fromSeat(icmp(linkLocalSeat, allRouters(), wire::RouterSolicitation{{wire::SourceLinkLayerOption{seatMac}}}));
        look(b.to(12s));
        QVERIFY2(insideAdvertisements > before, "it is a router inside");
        auto ceasing = b.mn;
        (void)take(b.out);
        ceasing.cease(b.now, b.out);
        const auto last = take(b.out);
        QVERIFY(last.size() == 1 && last[0].interface == RouterBench::inside && last[0].frame.as<wire::RouterAdvertisement>()->routerLifetime == 0);
    }

    void NEMO_MR_05_advertisementsOfOthers()
    {
        RouterBench b = RouterBench::registered();
        QVERIFY2(b.mn.onLinkCareOf() == PathsBench::careOf(0), "NEMO-MR-05: they are obeyed on egress interfaces");
        b.fromSeat(icmp(linkLocalSeat, allNodes(), wire::RouterAdvertisement{64, 0, 1800, 0, 0, {wire::PrefixInformation{{ip("2001:db8:bad::1"), 64}, true, true, true, 3600, 3600}}}));
        (void)b.to(10s);
        for (std::size_t i = 0; i < 3; ++i)
            for (const auto& a : b.mn.stack().addresses(i)) QVERIFY2(!prefix("2001:db8:bad::/64").contains(a.address), "inside it is the router itself");
        b.fromSeat(packet(seat, correspondent));
        QVERIFY(tunnelled(b.sent(), 0));
    }

    void NEMO_MR_05_theGroupOfAllRouters()
    {
        RouterBench b;
        b.up(0);
        const auto hears = [&](std::size_t i) { return b.mn.stack().hears(i, multicastMac(allRouters())); };
        const auto reports = [&](const std::vector<Seen>& seen) {
            std::size_t n = 0;
            for (const Seen& s : seen)
                if (const auto* report = s.frame.as<wire::ListenerReport>(); report && s.interface == 0)
                    n += static_cast<std::size_t>(std::count_if(report->records.begin(), report->records.end(), [](const auto& r) { return r.group == allRouters(); }));
            return n;
        };
        QVERIFY2(reports(b.to(5s)) == 0 && !hears(0) && hears(RouterBench::inside), "NEMO-MR-05: not on a visited link");
        b.down(0);
        b.mn.linkUp(b.now, 0, b.out);
        b.advertiseHome(0);
        QVERIFY2(reports(b.to(8s)) > 0 && hears(0), "RFC 3963 §5.7: on the home link");
        b.down(0);
        b.up(0);
        QVERIFY2(reports(b.to(12s)) == 0 && !hears(0), "NEMO-MR-05: and not any more");
    }

    void NEMO_MR_05_solicitationsForItsAddresses()
    {
        RouterBench b = RouterBench::registered();
        const auto flag = [&](std::size_t i, const Ipv6Address& target, const wire::Ipv6Packet& question) {
            if (i == 0) b.in(0, question);
            else b.fromSeat(question);
            for (const Seen& s : take(b.out))
                if (const auto* na = s.frame.as<NeighborAdvertisement>(); na && na->target == target) return na->router ? 1 : 0;
            return -1;
        };
        const Ipv6Address careOf = PathsBench::careOf(0);
        QVERIFY2(flag(0, careOf, icmp(PathsBench::router(0), solicitedNode(careOf), NeighborSolicitation{careOf, {wire::SourceLinkLayerOption{PathsBench::routerMac(0)}}})) == 0, "RFC 3963 §5.6: answered, as by a host");
        QVERIFY2(flag(RouterBench::inside, routerInside, icmp(seat, solicitedNode(routerInside), NeighborSolicitation{routerInside, {wire::SourceLinkLayerOption{seatMac}}})) == 1, "a router inside");
    }

    void MCOA_NEMO_01_severalUplinks()
    {
        for (const Mode mode : {Mode::Single, Mode::Bulk}) {
            RouterBench b(RouterBench::settings(mode));
            b.up(0);
            b.up(1);
            const auto all = b.answeringTo(6s);
            for (const auto& s : all) QVERIFY2(s.update.has(BindingUpdate::mobileRouter) && RouterBench::prefixesIn(s.update).size() == 2, "NEMO-MR-01 with identifiers");
            QVERIFY(b.has(1) && b.has(2));
            b.meetSeat();
            (void)b.sent();
            b.fromSeat(packet(seat, correspondent));
            QVERIFY2(tunnelled(b.sent(), 0), "by the first");
            for (std::size_t i = 0; i < 2; ++i) {
                b.fromTunnel(packet(correspondent, seat), i);
                const auto seen = b.sent();
                QVERIFY2(seen.size() == 1 && seen[0].interface == RouterBench::inside, "from either");
            }
            b.down(0);
            const auto gone = b.answeringTo(8s);
            QVERIFY(!gone.empty());
            for (const auto& s : gone) {
                QVERIFY2(s.update.has(BindingUpdate::mobileRouter), "NEMO-MR-01");
                QVERIFY2(RouterBench::prefixesIn(s.update).empty() == (s.update.lifetime.count() == 0), "NEMO-MR-04: deletions have none");
            }
            b.fromSeat(packet(seat, correspondent));
            QVERIFY2(tunnelled(b.sent(), 1), "by the one that is left");
            b.mn.linkDown(b.now, 1, b.out);
            b.meetSeat();
            (void)b.sent();
            b.fromSeat(packet(seat, correspondent));
            const auto seen = b.sent();
            QVERIFY(error(seen) && seen[0].interface == RouterBench::inside);
        }
    }

    void FLOW_08_flowsOfTheNetwork()
    {
        auto settings = RouterBench::settings(Mode::Single);
        Flow flow;
        flow.flow = 1;
        flow.priority = 1;
        flow.bids = {2};
        wire::Ipv6TrafficSelector selector;
        selector.destination = {seat, {}};
        flow.selector = selector;
        settings.multihoming.flows = {flow};
        RouterBench b(settings);
        b.up(0);
        b.up(1);
        for (Duration t = 50ms; t <= 8s; t += 50ms)
            for (const auto& s : PathsBench::updates(b.to(t))) {
                // With the flow bindings copied, each accepted.
                BindingAck ack{0, RouterBench::mobileRouter, s.update.sequence, s.update.lifetime, {}};
                for (const auto& option : s.update.options)
                    if (std::holds_alternative<wire::BindingIdentifier>(option) || std::holds_alternative<wire::FlowIdentification>(option)) ack.options.push_back(option);
                b.in(s.interface, mobility(s.destination, s.source, ack, {}, s.home));
            }
        b.meetSeat();
        (void)b.sent();
        b.fromSeat(packet(seat, correspondent));
        QVERIFY2(tunnelled(b.sent(), 1), "its flow goes there");
        b.fromSeat(packet(ip("2001:db8:1f0::77"), correspondent));
        QVERIFY2(tunnelled(b.sent(), 0), "others do not");
    }

    void NEMO_MR_04_home()
    {
        RouterBench b = RouterBench::registered();
        b.down(0);
        b.mn.linkUp(b.now, 0, b.out);
        b.advertiseHome(0);
        const auto updates = PathsBench::updates(b.to(7500ms));
        QVERIFY(updates.size() == 1 && updates[0].source == homeAddress && updates[0].update.lifetime.count() == 0);
        QVERIFY2(RouterBench::prefixesIn(updates[0].update).empty() && updates[0].update.has(BindingUpdate::mobileRouter), "NEMO-MR-04: without its prefixes");
        b.in(0, mobility(homeAgent, homeAddress, BindingAck{0, 0, updates[0].update.sequence, WireLifetime{0}, {}}, {}));
        const auto seen = b.to(9s);
        for (const Seen& s : seen)
            if (const auto* na = s.frame.as<NeighborAdvertisement>(); na && na->target == homeAddress) QVERIFY2(na->router, "it is a router there");
        QVERIFY2(find<wire::HomeAgentDiscoveryRequest>(seen) == nullptr, "R in the answer to a deletion says nothing");
        b.meetSeat();
        (void)b.sent();
        b.fromSeat(packet(seat, correspondent));
        auto out = b.sent();
        QVERIFY2(out.size() == 1 && out[0].interface == 0 && out[0].frame.packets.size() == 1 && out[0].inner().hopLimit == 63, "without a tunnel");
        b.in(0, packet(correspondent, seat));
        out = b.sent();
        QVERIFY2(out.size() == 1 && out[0].interface == RouterBench::inside, "straight from the home link");
        b.in(0, packet(correspondent, ip("2001:db8:999::1")));
        QVERIFY2(b.sent().empty(), "it is a router for its network only");
    }
};

QTEST_APPLESS_MAIN(TestMobileRouterNetwork)
#include "test_mobile_router_network.moc"
