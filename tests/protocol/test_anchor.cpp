// SPDX-License-Identifier: GPL-3.0-or-later
// Home agent and MAP stepped by hand, bytes in and bytes out (RFC 6275 §10; RFC 4140 §6.2).
#include "tests/support/anchor_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using namespace roamscope::test::anchors;
using wire::BindingAck;
using wire::BindingUpdate;
using wire::NeighborAdvertisement;
using wire::NeighborSolicitation;

namespace {

/// Nothing but listener reports, which say that the groups of addresses were left.
bool onlyReports(const std::vector<Seen>& seen) { return count<wire::ListenerReport>(seen) == seen.size(); }

}  // namespace

class TestAnchor : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void HA_BU_04_HMIP_MAP_02_detectionThenDefenceThenAnswer()
    {
        for (const bool map : {false, true}) {
            Bench b(map);
            b.in(coreLink, Bench::update(10, 100, map));
            auto seen = b.to(1s - 1ns);
            const Seen* dad = find<NeighborSolicitation>(seen);
            QVERIFY2(dad && dad->interface == homeLink && dad->inner().source.isUnspecified() && dad->frame.as<NeighborSolicitation>()->target == home, "HA-BU-04, HMIP-MAP-02");
            QVERIFY2(count<BindingAck>(seen) == 0 && !b.binding(), "HA-BU-04: no answer before");
            seen = b.to(1s);
            const Seen* na = find<NeighborAdvertisement>(seen);
            const Seen* ba = find<BindingAck>(seen);
            QVERIFY2(na && ba && na < ba && na->interface == homeLink, "HA-ND-01, HMIP-MAP-05: the address is taken over first");
            const auto& advertisement = *na->frame.as<NeighborAdvertisement>();
            QVERIFY2(!advertisement.router && !advertisement.solicited && advertisement.override && advertisement.target == home &&
                         na->inner().destination == allNodes() && na->inner().source == agent && na->inner().hopLimit == 255 &&
                         wire::findOption<wire::TargetLinkLayerOption>(advertisement.options)->address == homeMac, "HA-ND-01, HMIP-MAP-05");
            QVERIFY2(ba->inner().destination == careOf && ba->inner().source == agent && ba->inner().routing->homeAddress == home, "HA-BU-06, HMIP-MAP-04");
            QVERIFY(ba->frame.as<BindingAck>()->status == 0 && ba->frame.as<BindingAck>()->sequence == 10);
            QVERIFY(b.binding() && b.binding()->careOfAddress == careOf);  // HMIP-MAP-01
        }
    }

    void HMIP_MAP_03_withoutDetectionTheAnswerComesAtOnce()
    {
        Bench b(true, false);
        b.in(coreLink, Bench::update(10, 100, true));
        const auto seen = take(b.out);
        QVERIFY2(count<BindingAck>(seen) == 1 && count<NeighborSolicitation>(seen) == 0 && count<NeighborAdvertisement>(seen) == 1, "HMIP-MAP-03");
        QVERIFY(b.anchor.stack().proxies(home));
    }

    void HA_BU_04_conflictOnTheHomeLinkGives134()
    {
        Bench b;
        b.in(coreLink, Bench::update(10));
        (void)b.to(500ms);
        b.in(homeLink, icmp(home, allNodes(), NeighborAdvertisement{false, false, true, home, {wire::TargetLinkLayerOption{nextMac}}}));
        const auto seen = take(b.out);
        QVERIFY2(count<BindingAck>(seen) == 1 && find<BindingAck>(seen)->frame.as<BindingAck>()->status == 134, "HA-BU-04");
        QVERIFY(!b.anchor.stack().find(home) && b.anchor.registrar().bindings().empty());
        QVERIFY(onlyReports(b.to(10s)));
    }

    void HA_BU_04_anOwnAddressIsNobodysHomeAddress()
    {
        Bench b;
        b.in(coreLink, mobility(careOf, agent, BindingUpdate{1, BindingUpdate::homeRegistration, WireLifetime{10}, {}}, agent));
        const auto seen = take(b.out);
        QVERIFY2(count<BindingAck>(seen) == 1 && find<BindingAck>(seen)->frame.as<BindingAck>()->status == 134, "HA-BU-04");
    }

    void HA_ND_02_solicitationsAreAnsweredAndDefended()
    {
        Bench b = Bench::bound();
        const Ipv6Address asker = ip("2001:db8:100::77");
        b.in(homeLink, icmp(asker, solicitedNode(home), NeighborSolicitation{home, {wire::SourceLinkLayerOption{nextMac}}}));
        auto seen = take(b.out);
        const auto* na = find<NeighborAdvertisement>(seen);
        QVERIFY(na);
        const auto& answer = *na->frame.as<NeighborAdvertisement>();
        QVERIFY2(!answer.router && answer.solicited && !answer.override && na->inner().destination == asker && na->inner().hopLimit == 255 &&
                     wire::findOption<wire::TargetLinkLayerOption>(answer.options)->address == homeMac, "HA-ND-02: R=0 (RFC 4861 §7.2.4: O=0 for a proxy)");
        QVERIFY2(b.anchor.stack().owns(na->inner().source), "HA-ND-02: from an address of its own");
        // Somebody tests the home address: it is defended.
        b.in(homeLink, icmp(Ipv6Address{}, solicitedNode(home), NeighborSolicitation{home, {}}));
        seen = take(b.out);
        QVERIFY2(count<NeighborAdvertisement>(seen) == 1 && seen[0].inner().destination == allNodes() && !seen[0].frame.as<NeighborAdvertisement>()->solicited, "HA-ND-02");
        // A neighbour that knows the address asks it directly (RFC 4861 §7.3.3): answered as well, not tunnelled to the mobile node.
        b.in(homeLink, icmp(asker, home, NeighborSolicitation{home, {wire::SourceLinkLayerOption{nextMac}}}));
        seen = take(b.out);
        QVERIFY2(seen.size() == 1 && seen[0].frame.as<NeighborAdvertisement>() && seen[0].frame.as<NeighborAdvertisement>()->solicited && seen[0].inner().destination == asker, "HA-ND-02");
        // Not on other links.
        b.in(coreLink, icmp(correspondent, solicitedNode(home), NeighborSolicitation{home, {wire::SourceLinkLayerOption{nextMac}}}));
        QVERIFY(take(b.out).empty());
    }

    void HA_FWD_01_interceptedPacketsAreTunnelled()
    {
        for (const std::size_t interface : {homeLink, coreLink}) {
            Bench b = Bench::bound();
            auto packet = probe(correspondent, home, {1, false, 5, TimePoint{}});
            packet.hopLimit = 9;
            b.in(interface, packet);
            const auto seen = take(b.out);
            QVERIFY2(seen.size() == 1 && seen[0].frame.packets.size() == 2 && seen[0].outer().source == agent && seen[0].outer().destination == careOf, "HA-FWD-01, HMIP-MAP-05");
            QVERIFY(seen[0].inner().source == correspondent && seen[0].inner().hopLimit == 8 && seen[0].frame.probe->serial == 5);
            // The last hop ends here, and the sender hears of it.
            packet.hopLimit = 1;
            b.in(interface, packet);
            const auto error = take(b.out);
            QVERIFY(error.size() == 1 && error[0].frame.as<wire::IcmpError>()->type == wire::icmpv6Type::timeExceeded);
        }
    }

    void HA_FWD_02_reverseTunnelFromTheRegisteredCareOfOnly()
    {
        Bench b = Bench::bound();
        const auto inner = probe(home, correspondent, {1, true, 5, TimePoint{}});
        b.in(coreLink, encapsulate(inner, careOf, agent));
        auto seen = take(b.out);
        QVERIFY2(seen.size() == 1 && seen[0].frame.packets.size() == 1 && seen[0].inner().source == home && seen[0].inner().destination == correspondent, "HMIP-MAP-06");
        QCOMPARE(seen[0].inner().hopLimit, static_cast<std::uint8_t>(inner.hopLimit - 1));
        b.in(coreLink, encapsulate(inner, ip("2001:db8:300::6"), agent));
        QVERIFY2(take(b.out).empty() && count(b.out, "tunnel-refused") == 1, "HA-FWD-02, HMIP-MAP-07: wrong outer source");
        b.in(coreLink, encapsulate(probe(ip("2001:db8:100::1:2"), correspondent, {1, true, 5, TimePoint{}}), careOf, agent));
        QVERIFY2(take(b.out).empty() && count(b.out, "tunnel-refused") == 2, "HA-FWD-02: somebody else's home address");
        auto bad = encapsulate(inner, careOf, agent);
        bad.payload.resize(20);
        b.in(coreLink, bad);
        QVERIFY(take(b.out).empty());
    }

    void HMIP_MAP_06_decapsulatesWhatTheMobileNodeSends()
    {
        Bench b = Bench::bound(true);
        b.in(coreLink, encapsulate(probe(home, correspondent, {1, true, 5, TimePoint{}}), careOf, agent));
        const auto seen = take(b.out);
        QVERIFY2(seen.size() == 1 && seen[0].frame.packets.size() == 1, "HMIP-MAP-06");
    }

    void aMovedBindingLeavesOneTunnel()
    {
        Bench b = Bench::bound();
        const Ipv6Address next = ip("2001:db8:300::9");
        b.in(coreLink, Bench::update(11, 100, false, next));
        std::size_t removed = 0;
        for (const Event& e : b.out.events) removed += e.name == "tunnel" && e.gone ? 1u : 0u;
        QCOMPARE(removed, std::size_t{1});
        (void)take(b.out);
        b.in(coreLink, encapsulate(probe(home, correspondent, {1, true, 5, TimePoint{}}), careOf, agent));
        QVERIFY2(take(b.out).empty(), "HA-FWD-02: the old care-of address is out");
        b.in(homeLink, probe(correspondent, home, {1, false, 6, TimePoint{}}));
        QCOMPARE(take(b.out)[0].outer().destination, next);
    }

    void HA_BU_02_replayedUpdateGets135()
    {
        Bench b = Bench::bound();
        b.in(coreLink, Bench::update(10, 0));
        const auto seen = take(b.out);
        const auto& ba = *find<BindingAck>(seen)->frame.as<BindingAck>();
        QVERIFY2(ba.status == 135 && ba.sequence == 10 && b.binding(), "HA-BU-02");
    }

    void HA_DEREG_01_deletingStopsTheDefence()
    {
        Bench b = Bench::bound();
        b.in(coreLink, Bench::update(11, 0));
        auto seen = take(b.out);
        const auto& ba = *find<BindingAck>(seen)->frame.as<BindingAck>();
        QVERIFY2(ba.status == 0 && ba.lifetime.count() == 0 && ba.sequence == 11, "HA-DEREG-01");
        QVERIFY(!b.binding() && !b.anchor.stack().find(home));
        b.in(homeLink, icmp(ip("2001:db8:100::77"), solicitedNode(home), NeighborSolicitation{home, {wire::SourceLinkLayerOption{nextMac}}}));
        QVERIFY(take(b.out).empty());
        b.in(coreLink, Bench::update(9));  // HA-DEREG-02: a delayed one
        seen = take(b.out);
        QCOMPARE(find<BindingAck>(seen)->frame.as<BindingAck>()->status, std::uint8_t{135});
        QVERIFY(onlyReports(b.to(60s)));
        QVERIFY(!b.anchor.nextDeadline());
    }

    void expiredBindingsAreGone()
    {
        Bench b = Bench::bound();
        (void)b.to(401s - 1ns);
        QVERIFY(b.binding());
        (void)b.to(401s);
        QVERIFY(!b.binding() && !b.anchor.stack().find(home));
        // Now nobody has the address: three solicitations, then code 3 to the sender (RFC 4861 §7.2.2).
        b.in(coreLink, probe(correspondent, home, {1, false, 5, TimePoint{}}));
        const auto seen = b.to(410s);
        QCOMPARE(count<NeighborSolicitation>(seen), std::size_t{3});
        const Seen* error = find<wire::IcmpError>(seen);
        QVERIFY(error && error->frame.as<wire::IcmpError>()->type == 1 && error->frame.as<wire::IcmpError>()->code == 3 && error->inner().destination == correspondent);
    }

    void HA_BU_01_MH_RX_01_brokenPacketsChangeNothing()
    {
        Bench b;
        auto checksum = Bench::update(10);
        checksum.payload[4] ^= 1;
        auto cut = Bench::update(10);
        cut.payload.resize(6);
        auto routed = mobility(careOf, agent, BindingUpdate{10, BindingUpdate::homeRegistration, WireLifetime{10}, {}}, home, home);
        auto proto = Bench::update(10);
        proto.payload[0] = 41;
        for (const auto& packet : {checksum, cut, routed, proto, mobility(careOf, agent, BindingAck{}, {}), Bench::update(1, 10, false, ip("fe80::9"))}) {
            b.in(coreLink, packet);
            QVERIFY2(take(b.out).empty() && b.anchor.registrar().bindings().empty(), "HA-BU-01, MH-RX-01");
        }
    }

    void earlyAndRepeatedAdvanceChangesNothing()
    {
        Bench b;
        b.in(coreLink, Bench::update(10));
        (void)take(b.out);
        for (int i = 0; i < 10; ++i) b.anchor.advance(TimePoint{99ms}, b.out);
        QVERIFY(take(b.out).empty());
        (void)b.to(1s);
        for (int i = 0; i < 10; ++i) b.anchor.advance(TimePoint{1s}, b.out);
        QVERIFY(take(b.out).empty());
    }
};

QTEST_APPLESS_MAIN(TestAnchor)
#include "test_anchor.moc"
