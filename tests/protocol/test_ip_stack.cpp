// SPDX-License-Identifier: GPL-3.0-or-later
// The IPv6 of a node stepped by hand: duplicate address detection, neighbour discovery, forwarding, listener reports.
#include "tests/support/stack_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using namespace roamscope::test::stacks;
using wire::IcmpError;
using wire::NeighborAdvertisement;
using wire::NeighborSolicitation;

class TestIpStack : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MN_DAD_01_oneSolicitationThenOneSecond()
    {
        Bench b;
        b.stack.assign(TimePoint{5s}, 0, candidate, false, false, b.out);
        auto seen = take(b.out);
        QCOMPARE(seen.size(), std::size_t{2});
        QVERIFY2(seen[0].frame.as<wire::ListenerReport>()->records[0].group == solicitedNode(candidate), "MN-DAD-06");
        const auto& ns = seen[1];
        QVERIFY2(ns.inner().source.isUnspecified() && ns.inner().destination == solicitedNode(candidate) && ns.inner().hopLimit == 255 &&
                     ns.frame.as<NeighborSolicitation>()->options.empty() && ns.frame.ethernet->destination == multicastMac(solicitedNode(candidate)), "MN-DAD-01");
        QVERIFY(!b.stack.owns(candidate));
        for (int i = 0; i < 3; ++i) b.stack.advance(TimePoint{6s} - 1ns, b.out);
        QVERIFY(!b.stack.owns(candidate) && b.stack.takeEvents().empty());
        b.stack.advance(TimePoint{6s}, b.out);
        QVERIFY2(b.stack.owns(candidate), "MN-DAD-01: RetransTimer after the solicitation");
        QCOMPARE(b.stack.takeEvents().size(), std::size_t{1});
        b.stack.advance(TimePoint{7s}, b.out);
        QVERIFY(b.stack.takeEvents().empty());
    }

    void MN_DAD_05_whatMakesATentativeAddressADuplicate()
    {
        const auto na = icmp(candidate, allNodes(), NeighborAdvertisement{false, false, true, candidate, {}});
        auto wrongLimit = na;
        wrongLimit.hopLimit = 254;
        auto wrongChecksum = na;
        wrongChecksum.payload[2] ^= 1;
        auto toAnotherGroup = solicitation(Ipv6Address{}, candidate, false);
        toAnotherGroup = icmp(Ipv6Address{}, allNodes(), NeighborSolicitation{candidate, {}});
        const std::vector<std::pair<wire::Ipv6Packet, bool>> cases{
            {na, true},
            {solicitation(Ipv6Address{}, candidate, false), true},
            {solicitation(Ipv6Address{}, candidate, true), false},  // RFC 4861 §7.1.1: no option with the unspecified source
            {solicitation(peer, candidate), false},                 // somebody looks for the address: no answer, no conflict
            {wrongLimit, false},
            {wrongChecksum, false},
            {toAnotherGroup, false},
        };
        for (const auto& [packet, duplicate] : cases) {
            Bench b;
            b.stack.assign({}, 0, candidate, false, false, b.out);
            (void)take(b.out);
            b.in(packet, TimePoint{500ms});
            const auto answers = take(b.out);
            QVERIFY2(answers.size() == count<wire::ListenerReport>(answers), "MN-DAD-05: a tentative address answers nobody");
            QVERIFY2((b.stack.find(candidate) == nullptr) == duplicate, "MN-DAD-05");
            (void)b.to(TimePoint{2s});
            const auto events = b.stack.takeEvents();
            QCOMPARE(events.size(), std::size_t{1});
            QCOMPARE(events[0].kind == StackEvent::Kind::AddressDuplicate, duplicate);
        }
    }

    void RFC4862_5_4_3_ourOwnSolicitationBackFromTheLinkIsAConflict()
    {
        // Ethernet gives nobody their own frames back: one more than was expected, and from our own address it is that of a twin.
        Bench b;
        b.stack.assign({}, 0, candidate, false, false, b.out);
        const auto sent = b.out.frames;
        for (const auto& s : sent) (void)b.stack.receive(TimePoint{1ms}, 0, s.bytes, b.out);
        QVERIFY(!b.stack.find(candidate));
    }

    void RFC4862_5_4_5_aDuplicateLinkLocalAddressDisablesTheInterface()
    {
        const Ipv6Address local = linkLocal(eui64(ownMac));
        IpStack stack(false, Random(1));
        stack.addInterface("near", ownMac);
        Output out;
        stack.assign({}, 0, local, false, false, out);
        (void)stack.receive(TimePoint{1ms}, 0, frame(peerMac, ownMac, solicitation(Ipv6Address{}, local, false)), out);
        QVERIFY(!stack.isUp(0) && !stack.nextDeadline());
        QCOMPARE(count(out, "interface-disabled"), std::size_t{1});
        out = {};
        stack.sendIcmp(TimePoint{2ms}, 0, local, allNodes(), wire::RouterSolicitation{}, out);
        QVERIFY2(out.frames.empty(), "nothing is sent");
        QVERIFY2(!stack.receive(TimePoint{3ms}, 0, frame(peerMac, ownMac, icmp(peer, allNodes(), wire::Echo{false, 1, 2, {}})), out) && out.frames.empty(), "nor heard");
        stack.linkUp(TimePoint{1s}, 0, out);
        stack.assign(TimePoint{1s}, 0, local, false, false, out);
        run(stack, TimePoint{3s}, out);
        QVERIFY2(stack.owns(local), "another link, another test");
        // Other addresses may be taken without that.
        (void)stack.takeEvents();
        stack.assign(TimePoint{3s}, 0, candidate, false, false, out);
        (void)stack.receive(TimePoint{3s}, 0, frame(peerMac, ownMac, solicitation(Ipv6Address{}, candidate, false)), out);
        QVERIFY(stack.isUp(0) && !stack.find(candidate));
    }

    void solicitedAdvertisementOfAnOwnAddress()
    {
        Bench b;
        b.in(solicitation(peer, own));
        auto seen = take(b.out);
        QCOMPARE(seen.size(), std::size_t{1});
        const auto& na = *seen[0].frame.as<NeighborAdvertisement>();
        QVERIFY(na.router && na.solicited && na.override && na.target == own && seen[0].inner().destination == peer && seen[0].inner().source == own && seen[0].inner().hopLimit == 255);
        // Detection by somebody else: to all nodes, S=0.
        b.in(solicitation(Ipv6Address{}, own, false));
        seen = take(b.out);
        QVERIFY(seen.size() == 1 && !seen[0].frame.as<NeighborAdvertisement>()->solicited && seen[0].inner().destination == allNodes());
        Bench host(false);
        host.in(solicitation(peer, own));
        QVERIFY(!take(host.out)[0].frame.as<NeighborAdvertisement>()->router);
    }

    /// RFC 4861 §7.2.4: a mobile node that has just come still has an address of another link. It is answered where it asks
    /// (run --random 8100084).
    void theNeighbourThatAsksIsOnTheLink()
    {
        Bench b;
        b.in(solicitation(remote, own));
        const auto seen = take(b.out);
        QCOMPARE(seen.size(), std::size_t{1});
        QVERIFY(seen[0].interface == 0 && seen[0].frame.as<NeighborAdvertisement>() && seen[0].frame.ethernet->destination == peerMac);
        QVERIFY(seen[0].inner().destination == remote && seen[0].inner().hopLimit == 255);
    }

    void HA_ND_02_proxiesAreAnsweredWithoutRouterAndOverride()
    {
        Bench b;
        b.stack.assign({}, 0, candidate, true, true, b.out);
        (void)take(b.out);
        b.in(solicitation(peer, candidate));
        const auto seen = take(b.out);
        QCOMPARE(seen.size(), std::size_t{1});
        const auto& na = *seen[0].frame.as<NeighborAdvertisement>();
        QVERIFY2(!na.router && na.solicited && !na.override && seen[0].inner().source == own, "HA-ND-02");
        QVERIFY(!b.stack.owns(candidate) && b.stack.proxies(candidate));
        const auto delivery = b.in(probe(peer, candidate, {}));
        QVERIFY(delivery && delivery->kind == Delivery::Kind::Intercepted);
    }

    void filtersLikeANetworkCard()
    {
        Bench b;
        const auto packet = probe(peer, own, {});
        QVERIFY(b.in(packet));
        const auto to = [&](const Mac& destination, std::uint16_t type = wire::etherTypeIpv6) {
            return b.stack.receive({}, 0, wire::emitEthernet({destination, peerMac, type}, wire::emitIpv6(packet)), b.out);
        };
        QVERIFY(!to(peerMac) && !to(farMac) && !to(ownMac, 0x0800) && !to(multicastMac(allNodes())));
        auto group = packet;
        group.source = ip("ff02::1");
        QVERIFY(!b.in(group));
        b.stack.linkDown({}, 0, b.out);
        QVERIFY(!b.in(packet));
    }

    void echoIsAnsweredFromTheAddressAsked()
    {
        Bench b;
        b.know(peer);
        b.in(icmp(peer, own, wire::Echo{false, 3, 4, {1, 2, 3}}, 64));
        const auto seen = take(b.out);
        const auto* echo = seen.at(0).frame.as<wire::Echo>();
        QVERIFY(echo && echo->reply && echo->identifier == 3 && echo->data.size() == 3 && seen[0].inner().source == own);
    }

    void RFC8200_4_headersOfOthersGoOnAsTheyCame_data()
    {
        QTest::addColumn<std::uint8_t>("first");
        QTest::addColumn<QByteArray>("headers");
        const auto row = [](const char* name, std::uint8_t first, const char* hex) { QTest::newRow(name) << first << QByteArray::fromHex(hex); };
        row("authentication header, RFC 4302", 51, "11040000" "00000077" "00000009" "494356494356494356494356");
        row("segments of somebody else", 43, "1102040000000007" "20010db8000000000000000000000004");
        row("type 2 with its reserved octets", 43, "1102020101020304" "20010db8000000000000000000000004");
        row("an atomic fragment, RFC 6946", 44, "1100000001020304");
        row("padding only", 0, "1100000000000000");
        row("padding before a router alert", 0, "1100010005020000");
        row("two headers with options", 60, "3c001e0401020304" "11001f0405060708");
        row("options, route, options", 60, "2b001e0401020304" "3c02000000000000" "20010db8000000000000000000000001" "11001f0405060708");
        row("a home address that is not aligned", 60, "1102c91020010db8007700000000000000000001" "01020000");
    }
    void RFC8200_4_headersOfOthersGoOnAsTheyCame()
    {
        QFETCH(std::uint8_t, first);
        QFETCH(QByteArray, headers);
        Bench b;
        b.know(remote, {}, 1);
        wire::Ipv6Packet packet = probe(peer, remote, {});
        packet.payload.insert(packet.payload.begin(), headers.begin(), headers.end());
        packet.nextHeader = first;
        auto delivery = b.in(packet);
        QVERIFY(delivery && delivery->kind == Delivery::Kind::Forward);
        --packet.hopLimit;
        const Bytes whole = wire::emitIpv6(packet);
        const Bytes tunnelled = wire::emitIpv6(encapsulate(delivery->packet, own, candidate));
        QVERIFY2(sizeOf(delivery->packet) == whole.size(), "RFC 8201");
        b.stack.forward({}, delivery->packet, b.out);
        QCOMPARE(b.out.frames.size(), std::size_t{1});
        const Bytes& sent = b.out.frames[0].bytes;
        QVERIFY(Bytes(sent.begin() + wire::EthernetHeader::octets, sent.end()) == whole);
        QVERIFY2(std::equal(tunnelled.begin() + 80, tunnelled.end(), whole.begin() + 40, whole.end()), "RFC 2473 §3: nor does a tunnel");
        wire::FieldReader in(tunnelled, 0, nullptr);
        auto outer = wire::parseIpv6(in);
        QVERIFY(outer);
        auto inner = decapsulate(outer->packet);
        QVERIFY2(inner && inner->hopLimit == packet.hopLimit + 1, "that counts behind the tunnel");
        --inner->hopLimit;
        QVERIFY(wire::emitIpv6(*inner) == whole);
    }

    void RFC2473_4_1_1_aLimitToTunnelsGoesAlong()
    {
        wire::Ipv6Packet inner = probe(peer, remote, {});
        QVERIFY(encapsulate(inner, own, candidate).destinationOptions.empty());
        inner.destinationOptions = {{wire::optionTunnelLimit, {3}}};
        const auto outer = encapsulate(inner, own, candidate);
        QVERIFY(outer.destinationOptions.size() == 1 && outer.destinationOptions[0].type == wire::optionTunnelLimit && outer.destinationOptions[0].data == Bytes{2});
    }

    void RFC4291_nothingGoesToNobodyNorToOurselves()
    {
        Bench b;
        b.stack.setDefaultRouter(0, peer);
        b.know(peer);
        b.in(icmp(Ipv6Address{}, own, wire::Echo{false, 3, 4, {1, 2, 3}}, 64));
        b.in(icmp(ip("::1"), own, wire::Echo{false, 3, 4, {1, 2, 3}}, 64));
        b.in(icmp(own, own, wire::Echo{false, 3, 4, {1, 2, 3}}, 64));
        b.stack.send({}, probe(own, ip("2001:db8:2::1"), {}), b.out);
        QVERIFY2(take(b.out).empty(), "no packet, and no solicitation for an address of our own");
    }

    void listenerReportsTwiceFromTheLinkLocalAddress()
    {
        Bench b;
        b.stack.assign({}, 0, candidate, false, true, b.out);
        auto seen = take(b.out);
        for (Seen& s : b.to(TimePoint{10s})) seen.push_back(std::move(s));
        QCOMPARE(count<wire::ListenerReport>(seen), std::size_t{2});
        for (const Seen& s : seen) {
            QVERIFY(s.inner().source == linkLocal(eui64(ownMac)) && s.inner().destination == allMldv2Routers() && s.inner().hopLimit == 1);
            QCOMPARE(s.inner().hopByHop.at(0).type, wire::optionRouterAlert);
        }
    }

    void RFC3810_6_1_groupsThatAreLeftAreToldTwice()
    {
        Bench b;
        b.stack.assign({}, 0, candidate, false, true, b.out);
        (void)b.to(TimePoint{10s});
        const Ipv6Address twin = withInterfaceId(ip("2001:db8:7::"), interfaceId(candidate));
        b.stack.assign(TimePoint{10s}, 0, twin, false, true, b.out);
        b.stack.remove(TimePoint{10s}, 0, candidate, b.out);
        QVERIFY2(count<wire::ListenerReport>(b.to(TimePoint{20s})) == 0, "another address is in the group still");
        b.stack.remove(TimePoint{20s}, 0, twin, b.out);
        auto seen = take(b.out);
        QCOMPARE(seen.size(), std::size_t{1});
        for (Seen& s : b.to(TimePoint{30s})) seen.push_back(std::move(s));
        QCOMPARE(seen.size(), std::size_t{2});
        for (const Seen& s : seen) {
            const auto* report = s.frame.as<wire::ListenerReport>();
            QVERIFY(report && report->records.size() == 1 && report->records[0].type == wire::ListenerReport::changeToInclude);
            QVERIFY(report->records[0].group == solicitedNode(candidate) && report->records[0].sources.empty());
            QVERIFY(s.inner().source == linkLocal(eui64(ownMac)) && s.inner().destination == allMldv2Routers() && s.inner().hopLimit == 1);
        }
        // Joined again meanwhile: the second word is not sent.
        b.stack.assign(TimePoint{30s}, 0, candidate, false, true, b.out);
        (void)b.to(TimePoint{40s});
        b.stack.remove(TimePoint{40s}, 0, candidate, b.out);
        b.stack.assign(TimePoint{40s}, 0, candidate, false, true, b.out);
        seen = b.to(TimePoint{50s});
        QCOMPARE(std::count_if(seen.begin(), seen.end(), [](const Seen& s) { return s.frame.as<wire::ListenerReport>()->records[0].type == wire::ListenerReport::changeToInclude; }), 1);
        b.stack.remove(TimePoint{50s}, 0, candidate, b.out);
        b.out = {};
        b.stack.linkDown(TimePoint{50s}, 0, b.out);
        QVERIFY2(b.to(TimePoint{60s}).empty(), "nothing leaves a link that is gone");
    }

    void RFC3590_groupsAreReportedAgainWhenTheLinkLocalAddressIsReady()
    {
        IpStack stack(false, Random(1));
        stack.addInterface("near", ownMac);
        Output out;
        const Ipv6Address local = linkLocal(eui64(ownMac));
        stack.assign({}, 0, local, false, false, out);
        run(stack, TimePoint{999ms}, out);
        auto seen = take(out);
        QVERIFY(count<wire::ListenerReport>(seen) >= 1);
        for (const Seen& s : seen) QVERIFY(s.inner().source.isUnspecified());
        run(stack, TimePoint{1s}, out);
        seen = take(out);
        const bool again = std::any_of(seen.begin(), seen.end(), [&](const Seen& s) {
            return s.inner().source == local && s.inner().destination == allMldv2Routers();
        });
        QVERIFY(again);
        // RFC 3810 §6: never about ff02::1.
        for (const Seen& s : seen)
            if (const auto* report = s.frame.as<wire::ListenerReport>()) QVERIFY(report->records.at(0).group == solicitedNode(local));
    }

    void linkDownForgetsWhatWasLearnt()
    {
        Bench b;
        b.stack.assign({}, 0, candidate, false, true, b.out);
        b.stack.setOnLink(0, prefix("2001:db8:77::/64"));
        b.know(peer);
        b.stack.linkDown(TimePoint{1s}, 0, b.out);
        b.out = {};
        QVERIFY(!b.stack.find(candidate) && b.stack.owns(own) && !b.stack.interfaceOf(ip("2001:db8:77::1")) && b.stack.interfaceOf(peer));
        b.stack.send(TimePoint{1s}, probe(own, peer, {}), b.out);
        QVERIFY(b.out.frames.empty() && !b.stack.nextDeadline());
        b.stack.linkUp(TimePoint{2s}, 0, b.out);
        b.stack.send(TimePoint{2s}, probe(own, peer, {}), b.out);
        QCOMPARE(count<NeighborSolicitation>(take(b.out)), std::size_t{1});
    }
};

QTEST_APPLESS_MAIN(TestIpStack)
#include "test_ip_stack.moc"
