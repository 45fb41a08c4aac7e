// SPDX-License-Identifier: GPL-3.0-or-later
// Tunnels of a home agent or MAP beside unicast packets: errors that come back (RFC 2473 §8) and multicast (RFC 6275 §10.4.2, §10.4.3).
#include "tests/support/anchor_bench.hpp"

#include "protocol/node/home_discovery.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using namespace roamscope::test::anchors;
using wire::IcmpError;
using wire::ListenerReport;

namespace {

const Ipv6Address group = ip("ff1e::1234");
const Ipv6Address onTheWay = ip("2001:db8:300::fe");
const Mac hostMac = mac("02:00:00:00:09:09");

wire::Ipv6Packet listener(const Ipv6Address& source, const wire::Icmpv6Message& message, std::uint8_t hopLimit = 1)
{
    auto packet = icmp(source, allMldv2Routers(), message, hopLimit);
    packet.hopByHop.push_back({wire::optionRouterAlert, {0, 0}});
    return packet;
}

ListenerReport report(std::uint8_t type, const Ipv6Address& to = group, std::vector<Ipv6Address> sources = {})
{
    return {{{type, to, std::move(sources), {}}}};
}

void tell(Bench& b, const wire::Icmpv6Message& message, const Ipv6Address& outer = careOf, const Ipv6Address& inner = ip("fe80::1"), std::uint8_t hopLimit = 1)
{
    b.in(coreLink, encapsulate(listener(inner, message, hopLimit), outer, agent));
}

/// Copies in the tunnel of a packet for `to` that was sent on the home link.
std::vector<Seen> tunnelled(Bench& b, const Ipv6Address& to = group)
{
    (void)take(b.out);
    b.anchor.receive(b.now, homeLink, frame(hostMac, homeMac, probe(ip("2001:db8:100::77"), to, {1, false, 5, TimePoint{}})), b.out);
    auto seen = take(b.out);
    std::erase_if(seen, [](const Seen& s) { return s.frame.packets.size() != 2; });
    return seen;
}

/// An error about what the home agent tunnelled, from a router on the way.
wire::Ipv6Packet error(std::uint8_t type, std::uint32_t parameter, const wire::Ipv6Packet& outer, std::size_t kept = 1200)
{
    Bytes quoted = wire::emitIpv6(outer);
    quoted.resize(std::min(quoted.size(), kept));
    return icmp(onTheWay, agent, IcmpError{type, 0, parameter, quoted}, 64);
}

/// What the home agent tunnels of a packet with `octets` of data.
wire::Ipv6Packet tunnelOf(std::size_t octets, const Ipv6Address& to = careOf)
{
    auto inner = probe(correspondent, home, {1, false, 5, TimePoint{}});
    inner.payload.resize(std::max(inner.payload.size(), octets));
    return encapsulate(inner, agent, to);
}

}  // namespace

class TestAnchorTunnels : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void rfc2473_4_1_1_aLimitOfZeroEndsTheWay()
    {
        Bench b = Bench::bound();
        (void)take(b.out);
        auto packet = probe(correspondent, home, {1, false, 5, TimePoint{}});
        packet.destinationOptions = {{wire::optionTunnelLimit, {0}}};
        b.in(coreLink, packet);
        auto seen = take(b.out);
        const Seen* error = find<IcmpError>(seen);
        QVERIFY(seen.size() == 1 && error && error->inner().destination == correspondent);
        QVERIFY(error->frame.as<IcmpError>()->type == wire::icmpv6Type::parameterProblem && error->frame.as<IcmpError>()->code == 0 && error->frame.as<IcmpError>()->parameter == 44);
        // The same three octets stand in another option before it.
        packet.destinationOptions.insert(packet.destinationOptions.begin(), {0x1e, {wire::optionTunnelLimit, 1, 0}});
        b.in(coreLink, packet);
        seen = take(b.out);
        QVERIFY(seen.size() == 1 && seen[0].frame.as<IcmpError>() && seen[0].frame.as<IcmpError>()->parameter == 49);
        packet.destinationOptions.erase(packet.destinationOptions.begin());
        packet.destinationOptions[0].data = {1};
        b.in(coreLink, packet);
        seen = take(b.out);
        QVERIFY(seen.size() == 1 && seen[0].outer().destination == careOf && seen[0].outer().destinationOptions.at(0).data == Bytes{0});
    }

    void rfc2473_8_errorsInTheTunnelAreToldToTheSource()
    {
        for (const bool map : {false, true}) {
            for (const std::uint8_t type : {wire::icmpv6Type::destinationUnreachable, wire::icmpv6Type::timeExceeded}) {
                Bench b = Bench::bound(map);
                (void)take(b.out);
                b.in(coreLink, error(type, 0, tunnelOf(100)));
                const auto seen = take(b.out);
                QCOMPARE(seen.size(), std::size_t{1});
                const auto* relayed = seen[0].frame.as<IcmpError>();
                QVERIFY2(relayed && relayed->type == wire::icmpv6Type::destinationUnreachable && relayed->code == 3 && seen[0].inner().destination == correspondent, "RFC 2473 §8.2");
                wire::FieldReader in(relayed->invoking, 0, nullptr);
                const auto quoted = wire::parseIpv6(in, true);
                QVERIFY2(quoted && quoted->packet.source == correspondent && quoted->packet.destination == home, "the original packet, without the tunnel's header");
            }
        }
    }
    void rfc2473_8_tooBigLessTheTunnelHeader()
    {
        Bench b = Bench::bound();
        (void)take(b.out);
        b.in(coreLink, error(wire::icmpv6Type::packetTooBig, 1400, tunnelOf(1400)));
        auto seen = take(b.out);
        QVERIFY(seen.size() == 1 && seen[0].frame.as<IcmpError>());
        QCOMPARE(seen[0].frame.as<IcmpError>()->type, wire::icmpv6Type::packetTooBig);
        QCOMPARE(seen[0].frame.as<IcmpError>()->parameter, 1360u);
        QVERIFY(seen[0].inner().destination == correspondent);
        // Never below the least MTU, and not at all about what every link must take.
        b.in(coreLink, error(wire::icmpv6Type::packetTooBig, 1290, tunnelOf(1400)));
        seen = take(b.out);
        QVERIFY(seen.size() == 1 && seen[0].frame.as<IcmpError>()->parameter == 1280);
        b.in(coreLink, error(wire::icmpv6Type::packetTooBig, 1290, tunnelOf(1000)));
        QVERIFY(take(b.out).empty());
    }
    void rfc2473_8_inventedErrorsGoNowhere()
    {
        Bench b = Bench::bound();
        (void)take(b.out);
        const std::uint8_t type = wire::icmpv6Type::destinationUnreachable;
        b.in(coreLink, error(type, 0, tunnelOf(100, ip("2001:db8:300::66"))));          // not the care-of address
        b.in(coreLink, error(type, 0, encapsulate(probe(correspondent, ip("2001:db8:100::5:5"), {1, false, 5, TimePoint{}}), agent, careOf)));
        b.in(coreLink, error(type, 0, encapsulate(probe(agent, home, {1, false, 5, TimePoint{}}), agent, careOf)));
        b.in(coreLink, error(type, 0, encapsulate(probe(correspondent, home, {1, false, 5, TimePoint{}}), onTheWay, careOf)));
        b.in(coreLink, error(type, 0, tunnelOf(100), 60));                                // too little is quoted
        b.in(coreLink, error(wire::icmpv6Type::parameterProblem, 0, tunnelOf(100)));
        b.in(coreLink, error(type, 0, encapsulate(icmp(correspondent, home, IcmpError{1, 0, 0, Bytes(48)}, 64), agent, careOf)));  // about an error
        QVERIFY(take(b.out).empty());
    }

    void HA_FWD_04_globalGroupsGoThroughTheTunnel()
    {
        Bench b = Bench::bound();
        QVERIFY2(tunnelled(b).empty(), "HA-FWD-04: only what is subscribed to");
        tell(b, report(ListenerReport::changeToExclude));
        const auto joined = take(b.out);
        QVERIFY2(joined.size() == 1 && joined[0].interface == homeLink && joined[0].frame.as<ListenerReport>() && joined[0].frame.as<ListenerReport>()->records[0].group == group,
                 "the home agent asks for the group on the home link");
        const auto seen = tunnelled(b);
        QVERIFY2(seen.size() == 1 && seen[0].outer().source == agent && seen[0].outer().destination == careOf && seen[0].inner().destination == group && seen[0].interface == coreLink,
                 "HA-FWD-04: global scope MUST");
        // Echo requests to the group are not the home agent's own.
        b.anchor.receive(b.now, homeLink, frame(hostMac, homeMac, icmp(ip("2001:db8:100::77"), group, wire::Echo{false, 1, 1, {}}, 64)), b.out);
        const auto echo = take(b.out);
        QVERIFY2(echo.size() == 1 && echo[0].frame.packets.size() == 2 && echo[0].outer().destination == careOf, "HA-FWD-04");
        tell(b, report(ListenerReport::changeToInclude));
        QVERIFY2(tunnelled(b).empty(), "HA-FWD-04: given up");
    }
    void HA_FWD_04_smallerScopesStayOnTheHomeLink()
    {
        for (const char* address : {"ff12::1234", "ff11::1234", "ff15::1234", "ff18::1234"}) {
            Bench b = Bench::bound();
            tell(b, report(ListenerReport::changeToExclude, ip(address)));
            QVERIFY2(take(b.out).empty() && tunnelled(b, ip(address)).empty(), "HA-FWD-04: link-local MUST NOT, up to organisation SHOULD NOT");
        }
    }
    void HA_FWD_04_reportsCountOnlyFromTheirTunnel()
    {
        Bench b = Bench::bound();
        tell(b, report(ListenerReport::changeToExclude), ip("2001:db8:300::66"));
        QVERIFY2(tunnelled(b).empty() && count(b.out, "tunnel-refused") == 1, "HA-FWD-02");
        tell(b, report(ListenerReport::changeToExclude), careOf, ip("2001:db8:100::1:2"));
        tell(b, report(ListenerReport::changeToExclude), careOf, ip("fe80::1"), 64);
        QVERIFY(tunnelled(b).empty());
        tell(b, report(ListenerReport::changeToExclude), careOf, home);
        QVERIFY(tunnelled(b).size() == 1);
    }
    void HA_FWD_04_subscriptionsEndWithTheirBinding()
    {
        Bench b = Bench::bound();
        tell(b, report(ListenerReport::changeToExclude));
        // A move takes them along.
        const Ipv6Address next = ip("2001:db8:300::9");
        b.in(coreLink, Bench::update(11, 100, false, next));
        auto seen = tunnelled(b);
        QVERIFY(seen.size() == 1 && seen[0].outer().destination == next);
        tell(b, report(ListenerReport::changeToExclude, ip("ff1e::5")));
        QVERIFY2(tunnelled(b, ip("ff1e::5")).empty(), "HA-FWD-02: the old care-of address is out");
        b.in(coreLink, Bench::update(12, 0, false, next));
        QVERIFY(tunnelled(b).empty());
        b.in(coreLink, Bench::update(13, 100, false, next));
        (void)b.to(b.now - TimePoint{} + 2s);
        QVERIFY(tunnelled(b).empty());
    }
    void rfc3810_9_6_9_7_queriesBeginWithTheBinding()
    {
        Bench b;
        b.in(coreLink, Bench::update(10, 500));
        QVERIFY2(count<wire::ListenerQuery>(b.to(1s - 1ns)) == 0, "no binding yet");
        std::vector<std::int64_t> times;
        for (int ms = 1000; ms <= 300'000; ms += 250)
            for (const Seen& s : b.to(std::chrono::milliseconds(ms)))
                if (s.frame.as<wire::ListenerQuery>()) {
                    times.push_back(ms);
                    QVERIFY2(s.outer().destination == careOf && s.inner().source == b.anchor.stack().linkLocalAddress(homeLink) && s.inner().hopLimit == 1, "RFC 6275 §10.4.3: through the tunnel");
                }
        // RFC 3810 §9.6, §9.7: two of them a quarter of the interval apart, then at intervals (§9.2).
        QCOMPARE(times, (std::vector<std::int64_t>{1000, 32'250, 157'250, 282'250}));
        // Another care-of address and a refresh are the same tunnel.
        const Ipv6Address next = ip("2001:db8:300::9");
        b.in(coreLink, Bench::update(11, 500, false, next));
        b.in(coreLink, Bench::update(12, 500, false, next));
        QVERIFY(count<wire::ListenerQuery>(b.to(407s)) == 0);
        const auto seen = b.to(408s);
        QVERIFY2(find<wire::ListenerQuery>(seen) && find<wire::ListenerQuery>(seen)->outer().destination == next, "RFC 6275 §10.4.3: periodically");
        // The next binding is a tunnel that starts up; without one nobody is asked.
        b.in(coreLink, Bench::update(13, 0, false, next));
        QVERIFY(count<wire::ListenerQuery>(b.to(1000s)) == 0);
        b.in(coreLink, Bench::update(14, 500));
        QVERIFY2(count<wire::ListenerQuery>(b.to(1040s)) == 2, "RFC 3810 §9.7");
    }
    void rfc3810_9_7_mapsAskThoseThatReport()
    {
        Bench b = Bench::bound(true);
        QVERIFY2(count<wire::ListenerQuery>(b.to(200s)) == 0, "RFC 6275 §10.4.3 is about home agents");
        tell(b, report(ListenerReport::changeToExclude));
        QVERIFY(count<wire::ListenerQuery>(b.to(240s)) == 2);
    }
    void HA_FWD_04_silentListenersAreForgotten()
    {
        Bench b;
        b.in(coreLink, Bench::update(10, 500));
        (void)b.to(2s);
        tell(b, report(ListenerReport::changeToExclude));
        (void)b.to(128s);
        // Version 1 of the protocol is understood as well.
        tell(b, wire::ListenerMessage{wire::icmpv6Type::multicastListenerReport1, 0, group});
        (void)b.to(300s);
        QVERIFY(tunnelled(b).size() == 1);
        (void)b.to(389s);
        QVERIFY2(tunnelled(b).empty(), "RFC 3810 §9.4: silent for 260 s");
    }
    void MN_TX_03_dataOfMobileNodesReachesTheHomeLink()
    {
        Bench b = Bench::bound();
        (void)take(b.out);
        b.in(coreLink, encapsulate(probe(home, group, {1, false, 5, TimePoint{}}), careOf, agent));
        const auto seen = take(b.out);
        QVERIFY(seen.size() == 1 && seen[0].interface == homeLink && seen[0].frame.packets.size() == 1 && seen[0].inner().source == home && seen[0].inner().hopLimit == 63);
        b.in(coreLink, encapsulate(probe(home, ip("ff02::5"), {1, false, 5, TimePoint{}}), careOf, agent));
        b.in(coreLink, encapsulate(probe(home, group, {1, false, 5, TimePoint{}}), onTheWay, agent));
        QVERIFY(take(b.out).empty());
    }
    void HA_BU_01_updatesToGroupsAndAnycastAddressesAreDropped()
    {
        Bench b;
        const auto anycast = homeAgentsAnycast(prefix("2001:db8:100::/64"));
        for (const Ipv6Address& to : {anycast, allNodes(), b.anchor.stack().linkLocalAddress(homeLink)}) {
            const auto packet = mobility(careOf, to, BindingUpdate{1, BindingUpdate::acknowledge | BindingUpdate::homeRegistration, WireLifetime{10}, {}}, home);
            b.in(homeLink, packet);
            QVERIFY2(take(b.out).empty() && b.anchor.registrar().bindings().empty(), "HA-BU-01: the answer would come from nobody's own address");
        }
    }
};

QTEST_APPLESS_MAIN(TestAnchorTunnels)
#include "test_anchor_tunnels.moc"
