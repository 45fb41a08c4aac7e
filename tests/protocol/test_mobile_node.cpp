// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile node stepped by hand, bytes in and bytes out: movement, registration, tunnels (RFC 4140 §6.1, §7.2; RFC 6275 §11).
#include "tests/support/mobile_bench.hpp"

#include "protocol/node/sequence.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using wire::RouterSolicitation;

class TestMobileNode : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MN_DAD_01_linkLocalThenCareOf()
    {
        Bench b;
        auto seen = b.to(0s);
        const Seen* dad = find<NeighborSolicitation>(seen);
        QVERIFY2(dad && dad->inner().source.isUnspecified() && dad->frame.as<NeighborSolicitation>()->target == linkLocal(eui64(mnMac)), "MN-DAD-01");
        QVERIFY2(find<wire::ListenerReport>(seen) < dad, "MN-DAD-06: the report precedes it");
        const Seen* rs = find<RouterSolicitation>(seen);
        QVERIFY(rs && rs->inner().source.isUnspecified() && rs->frame.as<RouterSolicitation>()->options.empty() && rs->inner().hopLimit == 255);
        b.now = TimePoint{100ms};
        b.in(advertisement({}));
        seen = take(b.out);
        QCOMPARE(find<NeighborSolicitation>(seen)->frame.as<NeighborSolicitation>()->target, lcoa);
        QVERIFY2(count<BindingUpdate>(b.to(1100ms - 1ns)) == 0, "MN-DAD-01: no update before the detection ends");
        QCOMPARE(count<BindingUpdate>(b.to(1100ms)), std::size_t{1});
    }

    void HMIP_MN_08a_09_10_theLocalUpdate()
    {
        Bench b;
        b.in(advertisement({}));
        const auto seen = b.to(1s);
        const Seen& s = Bench::update(seen);
        const auto& bu = *s.frame.as<BindingUpdate>();
        QVERIFY2(bu.flags == (BindingUpdate::acknowledge | BindingUpdate::mapRegistration), "HMIP-MN-09: A and M");
        QVERIFY2(s.frame.packets.size() == 1 && s.inner().source == lcoa && s.inner().destination == mapAddress && s.inner().homeAddress() == rcoa, "HMIP-MN-10");
        QVERIFY2(bu.options.empty(), "HMIP-MN-10: no alternate care-of address");
        QVERIFY2(b.mn.regionalCareOf() == rcoa, "HMIP-MN-08a: MAP's /64 and interface identifier");
        QCOMPARE(bu.lifetime.count(), std::uint16_t{150});
        QCOMPARE(s.frame.ethernet->destination, arMac);
    }

    void HMIP_MN_13_14_MN_BU_01_02_theHomeUpdate()
    {
        Bench b;
        b.in(advertisement({}));
        const auto local = b.to(1s);
        for (const Seen& s : b.to(20s)) QVERIFY2(!s.frame.as<BindingUpdate>() || s.frame.as<BindingUpdate>()->has(BindingUpdate::mapRegistration), "HMIP-MN-13");
        b.in(Bench::localAck(b.mn.mapAssociation()->sequence()));
        const auto seen = b.to(20s);
        const Seen& s = Bench::update(seen);
        const auto& bu = *s.frame.as<BindingUpdate>();
        QVERIFY2(bu.flags == (BindingUpdate::acknowledge | BindingUpdate::homeRegistration), "MN-BU-01: H and A");
        QVERIFY2(s.inner().homeAddress() == homeAddress, "MN-BU-01: home address option");
        const auto* alternate = wire::findOption<wire::AlternateCareOfAddress>(bu.options);
        QVERIFY2(alternate && alternate->address == rcoa, "MN-BU-02");
        QVERIFY2(s.frame.packets.size() == 2 && s.inner().source == rcoa && s.inner().destination == homeAgent, "HMIP-MN-14: care-of address is the RCoA");
        QVERIFY2(s.outer().source == lcoa && s.outer().destination == mapAddress, "HMIP-MN-14, -24: inside the MAP tunnel");
        QVERIFY2(bu.lifetime.count() > 0 && bu.lifetime.count() <= 150, "MN-BU-05, HMIP-MN-15");
        (void)local;
    }

    void HMIP_MN_12_acknowledgementWithoutRoutingHeaderIsIgnored()
    {
        Bench b;
        b.in(advertisement({}));
        const auto seen = b.to(1s);
        const std::uint16_t sequence = Bench::update(seen).frame.as<BindingUpdate>()->sequence;
        const BindingAck ack{0, 0, sequence, WireLifetime{150}, {}};
        b.in(mobility(mapAddress, lcoa, ack, {}));                             // none
        b.in(mobility(mapAddress, lcoa, ack, {}, homeAddress));                // with the wrong address
        b.in(mobility(mapAddress, lcoa, ack, {}, ip("2001:db8:300::bad")));
        b.in(mobility(homeAgent, lcoa, ack, {}, rcoa));                        // from somebody else
        QVERIFY2(!b.atMap(), "HMIP-MN-12");
        QVERIFY2(count<BindingUpdate>(b.to(2500ms)) == 1, "HMIP-MN-12: the update is repeated");
        b.in(Bench::localAck(sequence));
        QVERIFY(b.atMap());
    }

    void MN_RX_02_routingHeaderChecks()
    {
        Bench b;
        b.in(advertisement({}));
        const auto seen = b.to(1s);
        const std::uint16_t sequence = Bench::update(seen).frame.as<BindingUpdate>()->sequence;
        for (const std::uint8_t left : std::initializer_list<std::uint8_t>{0, 2, 255}) {
            wire::Ipv6Packet packet = Bench::localAck(sequence);
            packet.routing->segmentsLeft = left;
            packet.payload = wire::emitMobility(BindingAck{0, 0, sequence, WireLifetime{150}, {}}, packet.pseudoHeader());
            b.in(packet);
            QVERIFY2(!b.atMap(), "MN-RX-02: segments left is 1");
        }
        // Length 4 instead of 2: one more address in the header.
        Bytes bytes = wire::emitIpv6(Bench::localAck(sequence));
        bytes[41] = 4;
        bytes.insert(bytes.begin() + 64, 16, std::uint8_t{0});
        bytes[5] = static_cast<std::uint8_t>(bytes[5] + 16);
        b.mn.receive(b.now, 0, wire::emitEthernet({mnMac, arMac, wire::etherTypeIpv6}, bytes), b.out);
        QVERIFY2(!b.atMap(), "MN-RX-02: length is 2");
        QVERIFY2(take(b.out).empty(), "MN-RX-02: silently");
    }

    void MN_BU_08_MH_RX_01_brokenAcknowledgements()
    {
        Bench b;
        b.in(advertisement({}));
        const auto seen = b.to(1s);
        const std::uint16_t sequence = Bench::update(seen).frame.as<BindingUpdate>()->sequence;
        b.in(Bench::localAck(static_cast<std::uint16_t>(sequence + 1)));
        QVERIFY2(!b.atMap(), "MN-BU-08: a number that was not sent");
        wire::Ipv6Packet bad = Bench::localAck(sequence);
        bad.payload[4] ^= 1;  // checksum
        b.in(bad);
        QVERIFY2(!b.atMap() && take(b.out).empty(), "MH-RX-01: bad checksum, silent drop");
        for (std::size_t cut = 0; cut < 8; ++cut) {
            wire::Ipv6Packet shortened = Bench::localAck(sequence);
            shortened.payload.resize(cut);
            b.in(shortened);
        }
        QVERIFY(!b.atMap());
    }

    void MN_BU_09_resynchronisesAfter135()
    {
        Bench b;
        b.in(advertisement({}));
        const auto first = Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence;
        const auto theirs = static_cast<std::uint16_t>(first + 1000);
        b.in(Bench::localAck(theirs, 135));
        const auto seen = take(b.out);
        QVERIFY2(count<BindingUpdate>(seen) == 1 && Bench::update(seen).frame.as<BindingUpdate>()->sequence == theirs + 1, "MN-BU-09");
    }

    void MN_BU_06_07_copiesOfTheLocalUpdate()
    {
        Bench b;
        b.in(advertisement({}));
        std::vector<std::uint16_t> sequences;
        std::vector<std::int64_t> times;
        for (int ms = 1000; ms <= 60000; ms += 100)
            for (const Seen& s : b.to(std::chrono::milliseconds(ms))) {
                if (!s.frame.as<BindingUpdate>() || !s.frame.as<BindingUpdate>()->has(BindingUpdate::mapRegistration)) continue;
                sequences.push_back(s.frame.as<BindingUpdate>()->sequence);
                times.push_back(ms);
                if (sequences.size() > 1) QVERIFY2(isNewer(sequences.back(), sequences[sequences.size() - 2]), "MN-BU-06");
            }
        // MN-BU-07, and when the next one would be 32 s away the MAP counts as failed (HMIP-MN-33).
        QCOMPARE(times, (std::vector<std::int64_t>{1000, 2500, 5500, 11500, 23500}));
    }

    void MN_BU_13_aDuplicateHomeAddressIsNotUsedAgain()
    {
        Bench b;
        b.in(advertisement({.map = std::nullopt}));
        const auto sequence = Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence;
        b.in(mobility(homeAgent, lcoa, BindingAck{134, 0, sequence, WireLifetime{0}, {}}, {}, homeAddress));
        b.mn.linkDown(b.now, 0, b.out);
        b.mn.linkUp(b.now, 0, b.out);
        b.in(advertisement({.network = "2001:db8:a2::1", .map = std::nullopt}));
        QVERIFY2(count<BindingUpdate>(b.to(30s)) == 0, "MN-BU-13");
    }

    void HMIP_MN_07a_aMapThatRefusesIsLeft()
    {
        Bench b;
        b.in(advertisement({}));
        const auto sequence = Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence;
        b.in(Bench::localAck(sequence, 130));
        const auto seen = take(b.out);
        const Seen& s = Bench::update(seen);
        QVERIFY2(s.frame.as<BindingUpdate>()->has(BindingUpdate::homeRegistration) && s.inner().source == lcoa && s.frame.packets.size() == 1, "HMIP-MN-07a");
        b.in(advertisement({}));
        QVERIFY(!b.mn.mapAssociation());
    }

    void HMIP_MN_06_mapWithLifetimeZeroCountsAsLost()
    {
        Bench b = Bench::registered();
        const auto before = b.mn.mapAssociation()->sequence();
        b.in(advertisement({.map = wire::MapOption{2, 10, true, 0, mapAddress}}));
        const auto seen = take(b.out);
        QVERIFY2(count<BindingUpdate>(seen) == 1 && Bench::update(seen).inner().source == lcoa, "HMIP-MN-06, -07a: registered at home directly");
        // MN-BU-06: back at the MAP the numbers go on where they were.
        b.in(advertisement({}));
        const auto again = b.to(10s);
        QVERIFY2(std::any_of(again.begin(), again.end(), [&](const Seen& s) { return s.inner().destination == mapAddress && s.frame.as<BindingUpdate>() && s.frame.as<BindingUpdate>()->sequence == static_cast<std::uint16_t>(before + 1); }), "MN-BU-06");
    }

    void HMIP_MN_11_careOfAtTheMapIsTheOnLinkOne()
    {
        Bench b = Bench::registered();
        b.in(advertisement({.map = wire::MapOption{5, 10, true, 3600, ip("2001:db8:400::1")}}));
        const auto seen = b.to(3s);
        const Seen& s = Bench::update(seen);
        QVERIFY2(s.inner().source == lcoa && s.inner().homeAddress() == withInterfaceId(ip("2001:db8:400::"), eui64(mnMac)), "HMIP-MN-11");
    }

    void RFC4291_2_sourcesInATunnelThatNobodyHas()
    {
        const auto answered = [](const char* from, bool tunnelled) {
            Bench b = Bench::plain();
            b.out = {};
            const auto echo = icmp(ip(from), tunnelled ? homeAddress : lcoa, wire::Echo{false, 1, 1, {}}, 64);
            b.in(tunnelled ? encapsulate(echo, homeAgent, lcoa) : echo);
            return !take(b.out).empty();
        };
        for (const char* from : {"::", "::1", "fe80::1", "ff02::1"}) QVERIFY2(!answered(from, true), from);
        for (const char* from : {"::", "::1", "ff02::1"}) QVERIFY2(!answered(from, false), from);
        QVERIFY(answered("2001:db8:200::c", true) && answered("2001:db8:200::c", false));
    }

    void MN_RX_01_tunnelsFromTheirEndsOnly()
    {
        Bench b = Bench::registered();
        b.in(data());
        QCOMPARE(count(b.out, "probe-received"), std::size_t{1});
        const auto seen = take(b.out);
        // HMIP-MN-24: the answer takes both tunnels back.
        QCOMPARE(seen.size(), std::size_t{1});
        QCOMPARE(seen[0].frame.packets.size(), std::size_t{3});
        QVERIFY2(seen[0].outer().source == lcoa && seen[0].outer().destination == mapAddress && seen[0].frame.packets[1].source == rcoa &&
                     seen[0].frame.packets[1].destination == homeAgent && seen[0].inner().source == homeAddress, "HMIP-MN-24, MN-TX-01");
        const Ipv6Address stranger = ip("2001:db8:bad::1");
        for (const auto& packet : {data(stranger), data(mapAddress, stranger),
                                   encapsulate(probe(correspondent, homeAddress, {7, false, 2, TimePoint{}}), mapAddress, lcoa),
                                   encapsulate(data(), stranger, lcoa)}) {
            b.in(packet);
            QVERIFY2(count(b.out, "probe-received") == 1 && take(b.out).empty(), "MN-RX-01");
        }
        QCOMPARE(count(b.out, "tunnel-refused"), std::size_t{4});
    }

    void rfc6275_11_3_4_queriesOfTheHomeAgentAreHeardInSilence()
    {
        Bench b = Bench::registered();
        auto query = icmp(ip("fe80::1"), allNodes(), wire::ListenerQuery{10'000, {}, false, 2, 125, {}}, 1);
        query.hopByHop.push_back({wire::optionRouterAlert, {0, 0}});
        b.in(encapsulate(encapsulate(query, homeAgent, rcoa), mapAddress, lcoa));
        QVERIFY2(count(b.out, "tunnel-refused") == 0, "it is allowed by that way (RFC 6275 §10.4.3)");
        QVERIFY2(count<wire::ListenerReport>(b.to(b.now - TimePoint{} + 12s)) == 0, "RFC 3810 §6.2: no group, no report");
        b.in(encapsulate(encapsulate(query, ip("2001:db8:bad::1"), rcoa), mapAddress, lcoa));
        QVERIFY2(count(b.out, "tunnel-refused") == 1, "MN-RX-01");
    }

    void HMIP_MN_17_intraDomainMoveTellsTheMapOnly()
    {
        Bench b = Bench::registered();
        b.mn.linkDown(b.now, 0, b.out);
        QVERIFY(take(b.out).empty());
        b.mn.linkUp(b.now, 0, b.out);
        b.in(advertisement({.network = "2001:db8:a2::1"}));
        const auto seen = b.to(4s);
        QCOMPARE(count<BindingUpdate>(seen), std::size_t{1});
        QVERIFY2(Bench::update(seen).inner().source == lcoa2 && Bench::update(seen).inner().homeAddress() == rcoa, "HMIP-MN-17: same RCoA, new LCoA");
        b.in(mobility(mapAddress, lcoa2, BindingAck{0, 0, b.mn.mapAssociation()->sequence(), WireLifetime{150}, {}}, {}, rcoa));
        QVERIFY2(count<BindingUpdate>(b.to(30s)) == 0, "HMIP-MN-17: nothing to the home agent");
    }

    void MN_DAD_05_aDuplicateIsNotUsedNorTriedAgain()
    {
        for (const bool byAdvertisement : {true, false}) {
            Bench b;
            b.in(advertisement({}));
            (void)b.to(500ms);
            if (byAdvertisement) b.in(icmp(lcoa, allNodes(), NeighborAdvertisement{false, false, true, lcoa, {wire::TargetLinkLayerOption{arMac}}}));
            else b.in(icmp(Ipv6Address{}, solicitedNode(lcoa), NeighborSolicitation{lcoa, {}}));
            b.in(advertisement({}));
            const auto seen = b.to(30s);
            QVERIFY2(count<BindingUpdate>(seen) == 0 && !b.mn.onLinkCareOf(), "MN-DAD-05");
            for (const Seen& s : seen) QVERIFY2(!s.frame.as<NeighborSolicitation>(), "not tried again on this link");
        }
    }

    void MN_MOV_02_aSecondRouterIsNoMovement()
    {
        Bench b = Bench::registered();
        b.in(advertisement({.network = "2001:db8:a2::1", .source = ip("fe80::99")}));
        QVERIFY2(b.to(10s).empty() && b.mn.onLinkCareOf() == lcoa, "MN-MOV-02");
    }

    void MN_COA_05_anotherLinkWithoutAnIndication()
    {
        Bench b = Bench::registered();
        b.in(advertisement({.lifetime = 0}));  // the old router says goodbye
        b.in(advertisement({.network = "2001:db8:a2::1", .source = ip("fe80::99")}));
        QVERIFY2(b.mn.onLinkCareOf() == lcoa2, "MN-COA-05, -06");
        const auto seen = b.to(10s);
        QCOMPARE(Bench::update(seen).inner().source, lcoa2);
    }

    void MN_MOV_07_threeSolicitationsFourSecondsApart()
    {
        Bench b;
        std::vector<std::int64_t> times;
        for (int s = 0; s <= 60; ++s)
            for (std::size_t n = count<RouterSolicitation>(b.to(std::chrono::seconds(s))); n > 0; --n) times.push_back(s);
        QCOMPARE(times, (std::vector<std::int64_t>{0, 4, 8}));
        Bench answered;
        answered.in(advertisement({.map = std::nullopt}));
        (void)answered.to(0s);
        QVERIFY2(count<RouterSolicitation>(answered.to(60s)) == 0, "MN-MOV-07: an advertisement ends the series");
    }

    void MN_MOV_08_invalidAdvertisementsAreDropped()
    {
        Bench b;
        b.in(advertisement({.source = ip("2001:db8:a1::1")}));
        b.in(advertisement({.hopLimit = 254}));
        b.in(advertisement({.lifetime = 0}));
        wire::Ipv6Packet broken = advertisement({});
        broken.payload[17] = 0;  // an option of length 0
        b.in(broken);
        wire::Ipv6Packet code = advertisement({});
        code.payload[1] = 1;
        b.in(code);
        wire::Ipv6Packet checksum = advertisement({});
        checksum.payload[2] ^= 0xff;
        b.in(checksum);
        wire::Ipv6Packet brief = advertisement({});
        brief.payload.resize(15);
        b.in(brief);
        QVERIFY2(!b.mn.onLinkCareOf() && !b.mn.mapAssociation(), "MN-MOV-08");
        b.in(advertisement({}));
        QVERIFY2(b.mn.onLinkCareOf() == lcoa && b.mn.mapAssociation(), "the one that is wrong in nothing");
    }

    void earlyAndRepeatedAdvanceChangesNothing()
    {
        Bench b = Bench::registered();
        for (int i = 0; i < 100; ++i) b.mn.advance(TimePoint{3s + i * 10ms}, b.out);
        QVERIFY(b.out.frames.empty());
        QVERIFY(*b.mn.nextDeadline() > TimePoint{4s});
        b.mn.linkDown(TimePoint{4s}, 0, b.out);
        for (int i = 0; i < 100; ++i) b.mn.advance(TimePoint{1000s * i}, b.out);
        QVERIFY(b.out.frames.empty());
    }
};

QTEST_APPLESS_MAIN(TestMobileNode)
#include "test_mobile_node.moc"
