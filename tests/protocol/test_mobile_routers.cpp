// SPDX-License-Identifier: GPL-3.0-or-later
// Mobile routers at a home agent (RFC 3963 §6): what an update with R gets, the prefixes behind it, and packets to and from them.
#include "tests/support/mcoa_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using namespace roamscope::test::anchors;
using wire::MobileNetworkPrefix;
using wire::MobilityOption;

namespace {

constexpr std::uint16_t R = BindingUpdate::mobileRouter;
const Ipv6Address otherRouter = ip("2001:db8:100::1:2");
const Ipv6Address inNetwork = ip("2001:db8:1f0::77");

MobilityOption network(const char* text) { return MobileNetworkPrefix{prefix(text)}; }

Registrar::Policy nemo(bool verify = false)
{
    Registrar::Policy policy = Bench::policy(false, verify);
    policy.mobileRouters.routers = {{home, {prefix("2001:db8:1f0::/56"), prefix("2001:db8:2f0::/64")}}, {otherRouter, {prefix("2001:db8:1f0::/64")}}, {ip("2001:db8:100::1:3"), {}}};
    return policy;
}

/// A packet of a node behind the mobile router comes out of the tunnel.
bool takenFrom(Mcoa& b, const Ipv6Address& source, const Ipv6Address& through)
{
    (void)take(b.out);
    b.in(coreLink, encapsulate(probe(source, correspondent, {1, false, 1, TimePoint{}}), through, agent));
    for (const Seen& s : take(b.out))
        if (s.frame.packets.size() == 1 && s.inner().source == source && s.inner().destination == correspondent) return true;
    return false;
}

std::string networkWay(Mcoa& b, const Ipv6Address& to = inNetwork) { return b.wayOf(probe(correspondent, to, {1, false, 1, TimePoint{}})); }

}  // namespace

class TestMobileRouters : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void NEMO_HA_01_whatAnUpdateGets_data()
    {
        QTest::addColumn<std::vector<MobilityOption>>("options");
        QTest::addColumn<std::string>("answer");
        const auto row = [](const char* name, std::vector<MobilityOption> options, std::string answer) { QTest::newRow(name) << std::move(options) << std::move(answer); };
        row("NEMO-HA-06 implicit", {}, "0 11 100: R");
        row("NEMO-HA-06 explicit", {network("2001:db8:1f0::/56")}, "0 11 100: R");
        row("explicit, a part of it", {network("2001:db8:1f0:7::/64")}, "0 11 100: R");
        row("explicit, two", {network("2001:db8:1f0::/56"), network("2001:db8:2f0::/64")}, "0 11 100: R");
        row("142, another's", {network("2001:db8:3f0::/56")}, "142 11 0:");
        row("142, a wider one", {network("2001:db8:100::/40")}, "142 11 0:");
        row("142, one of two", {network("2001:db8:1f0::/56"), network("2001:db8:3f0::/64")}, "142 11 0:");
        row("141, of a link", {network("fe80::/64")}, "141 11 0:");
        row("141, of a group", {network("ff0e::/16")}, "141 11 0:");
        row("141, everything", {network("::/0")}, "141 11 0:");
        row("141, an option of another length", {wire::RawMobilityOption{6, Bytes(10)}}, "141 11 0:");
        row("141, one of two", {network("2001:db8:1f0::/56"), network("fe80::/64")}, "141 11 0:");
        row("MCOA-NEMO-01 with identifiers", {bid(1, careOf), bid(2, cell), network("2001:db8:1f0::/56")}, "0 11 100: 1/0 2/0 R");
        row("MCOA-NEMO-01 refused with identifiers", {bid(1, careOf), network("2001:db8:3f0::/56")}, "142 11 0: 1/0");
    }
    void NEMO_HA_01_whatAnUpdateGets()
    {
        QFETCH(std::vector<MobilityOption>, options);
        QFETCH(std::string, answer);
        Mcoa b(nemo());
        QCOMPARE(b.update(options, 100, R), answer);
        QVERIFY2((b.binding() != nullptr) == (answer[0] == '0'), "NEMO-HA-01: rejected, no binding either");
        if (!b.binding()) QCOMPARE(networkWay(b), std::string("nowhere"));
    }

    void NEMO_HA_01_whoIsServed()
    {
        Mcoa none;
        QCOMPARE(none.update({}, 100, R), std::string("140 11 0:"));
        QVERIFY(!none.binding());
        Registrar::Policy policy = nemo();
        policy.mobileRouters.support = Support::Prohibited;
        Mcoa refused(policy);
        QCOMPARE(refused.update({}, 100, R), std::string("140 11 0:"));
        policy.mobileRouters.support = Support::Unknown;
        Mcoa unknown(policy);
        QVERIFY2(unknown.update({}, 100, R) == "0 11 100:", "NEMO-MR-02: R clear in the answer");
        Mcoa b(nemo());
        (void)take(b.out);
        const auto registerAs = [&](const Ipv6Address& who, std::uint16_t flags, const Ipv6Address& from = careOf) {
            b.in(coreLink, mobility(from, agent, BindingUpdate{9, static_cast<std::uint16_t>(BindingUpdate::acknowledge | flags), WireLifetime{100}, {}}, who));
            return Mcoa::answer(take(b.out));
        };
        QVERIFY2(registerAs(home, R) == "140 9 0:", "NEMO-HA-01: R without H");
        QVERIFY2(registerAs(ip("2001:db8:100::1:3"), R | BindingUpdate::homeRegistration) == "143 9 0:", "NEMO-HA-01: nothing known");
        QVERIFY2(registerAs(ip("2001:db8:100::1:9"), R | BindingUpdate::homeRegistration) == "143 9 0:", "NEMO-HA-01: not in the table");
        QVERIFY2(registerAs(ip("2001:db8:999::1"), R | BindingUpdate::homeRegistration) == "132 9 0:", "NEMO-HA-01: not served");
    }

    void NEMO_HA_01_aRouterStaysARouter()
    {
        Mcoa b(nemo());
        QCOMPARE(b.update({}, 100, R), std::string("0 11 100: R"));
        QCOMPARE(b.update({}, 100, 0), std::string("139 12 0:"));
        QVERIFY(networkWay(b) == careOf.text());
        b.sequence = 12;
        QVERIFY2(b.update({}, 0, 0) == "0 13 0:", "ignored on delete");
        QCOMPARE(b.update({}, 100, 0), std::string("0 14 100:"));
        QVERIFY2(networkWay(b) == "nowhere", "NEMO-HA-03: without R nothing is forwarded to the network");
        QCOMPARE(b.update({}, 100, R), std::string("139 15 0:"));
    }

    void NEMO_HA_05_packetsToAndFromTheNetwork()
    {
        Mcoa b(nemo());
        QCOMPARE(b.update({network("2001:db8:1f0::/64")}, 100, R), std::string("0 11 100: R"));
        QCOMPARE(networkWay(b), careOf.text());
        QCOMPARE(networkWay(b, ip("2001:db8:1f0:1::1")), std::string("nowhere"));
        QVERIFY(takenFrom(b, inNetwork, careOf));
        QVERIFY2(!takenFrom(b, inNetwork, cell), "NEMO-HA-05: not from another care-of address");
        QVERIFY2(!takenFrom(b, ip("2001:db8:1f0:1::1"), careOf), "NEMO-HA-05: not of the network");
        QVERIFY2(b.way() == careOf.text() && b.takenFrom(careOf), "the mobile router's own");
    }

    void NEMO_HA_02_prefixesThatAreNotNamedAnyMore()
    {
        Mcoa b(nemo());
        (void)b.update({network("2001:db8:1f0::/56"), network("2001:db8:2f0::/64")}, 100, R);
        QVERIFY(networkWay(b) == careOf.text() && networkWay(b, ip("2001:db8:2f0::1")) == careOf.text());
        (void)b.update({network("2001:db8:2f0::/64")}, 100, R);
        QVERIFY(networkWay(b) == "nowhere" && networkWay(b, ip("2001:db8:2f0::1")) == careOf.text());
        QVERIFY2(b.update({network("2001:db8:3f0::/64")}, 100, R) == "142 13 0:" && networkWay(b, ip("2001:db8:2f0::1")) == careOf.text(), "a refusal changes nothing");
        (void)b.update({}, 100, R);
        QVERIFY2(networkWay(b) == careOf.text(), "implicit: those of the table");
    }

    void NEMO_HA_02_advertisementsHaveTheRouterFlag()
    {
        Mcoa b(nemo(true));
        (void)b.update({}, 100, R);
        const auto seen = b.to(2s);
        const Seen* na = find<NeighborAdvertisement>(seen);
        QVERIFY2(na && na->frame.as<NeighborAdvertisement>()->router && na->frame.as<NeighborAdvertisement>()->target == home, "NEMO-HA-02");
        (void)take(b.out);
        const Ipv6Address asker = ip("2001:db8:100::99");
        b.in(homeLink, icmp(asker, solicitedNode(home), NeighborSolicitation{home, {wire::SourceLinkLayerOption{nextMac}}}));
        const auto answer = take(b.out);
        QVERIFY2(find<NeighborAdvertisement>(answer) && find<NeighborAdvertisement>(answer)->frame.as<NeighborAdvertisement>()->router, "NEMO-HA-02");
        Mcoa host(nemo(true));
        (void)host.update({});
        const auto plain = host.to(2s);
        QVERIFY2(find<NeighborAdvertisement>(plain) && !find<NeighborAdvertisement>(plain)->frame.as<NeighborAdvertisement>()->router, "HA-ND-01");
    }

    void NEMO_HA_04_deregistration()
    {
        Mcoa b(nemo());
        (void)b.update({}, 100, R);
        QVERIFY2(b.update({network("2001:db8:3f0::/64")}, 0, R) == "0 12 0:", "NEMO-HA-04: its prefixes are ignored");
        QVERIFY(!b.binding() && networkWay(b) == "nowhere" && !takenFrom(b, inNetwork, careOf) && !b.anchor.stack().proxies(home));
        (void)b.update({}, 100, R);
        // The care-of address is the home address: a deletion.
        QCOMPARE(b.update({wire::AlternateCareOfAddress{home}}, 100, R), std::string("0 14 0:"));
        QVERIFY(!b.binding());
        (void)b.update({bid(1, careOf)}, 100, R);
        QVERIFY2(b.update({BindingIdentifier{2, 0, true, 0, {}}}, 100, R) == "5 16 100: 2H/0 R", "NEMO-HA-04: a home binding with an identifier is none");
        QVERIFY(networkWay(b) == careOf.text());
    }

    void NEMO_HA_04_endsWithItsLifetime()
    {
        Mcoa b(nemo());
        (void)b.update({}, 5, R);
        (void)b.to(21s);
        QCOMPARE(networkWay(b), std::string("nowhere"));
    }

    void MCOA_NEMO_01_severalCareOfAddresses()
    {
        Mcoa b(nemo());
        QCOMPARE(b.update({bid(1, careOf), bid(2, cell)}, 100, R), std::string("0 11 100: 1/0 2/0 R"));
        QVERIFY(networkWay(b) == careOf.text() && takenFrom(b, inNetwork, cell));
        QVERIFY2(networkWay(b) == cell.text(), "MCOA-FWD-01");
        QCOMPARE(b.update({refresh(2)}, 0, R), std::string("0 12 0: 2/0 R"));
        QVERIFY(networkWay(b) == careOf.text() && !takenFrom(b, inNetwork, cell));
    }

    void FLOW_08_packetsOfTheNetworkToo()
    {
        Mcoa b(nemo());
        wire::Ipv6TrafficSelector selector;
        selector.destination = {inNetwork, {}};
        (void)b.update({bid(1, careOf, 10), bid(2, cell, 20), wire::FlowIdentification{1, 1, 0, {wire::BindingReference{{2}}, selector}}}, 100, R);
        QVERIFY(networkWay(b) == cell.text() && networkWay(b, ip("2001:db8:1f0::78")) == careOf.text());
    }

    void onePrefixBelongsToOneRouter()
    {
        Mcoa b(nemo());
        (void)b.update({network("2001:db8:1f0::/64")}, 100, R);
        (void)take(b.out);
        b.in(coreLink, mobility(cell, agent, BindingUpdate{9, BindingUpdate::acknowledge | BindingUpdate::homeRegistration | R, WireLifetime{100}, {}}, otherRouter));
        QCOMPARE(Mcoa::answer(take(b.out)), std::string("141 9 0:"));
        QCOMPARE(networkWay(b), careOf.text());
        (void)b.update({network("2001:db8:1f0::/56")}, 100, R);
        b.in(coreLink, mobility(cell, agent, BindingUpdate{10, BindingUpdate::acknowledge | BindingUpdate::homeRegistration | R, WireLifetime{100}, {}}, otherRouter));
        QVERIFY2(networkWay(b) == cell.text() && networkWay(b, ip("2001:db8:1f0:1::1")) == careOf.text(), "the longest prefix");
    }
};

QTEST_APPLESS_MAIN(TestMobileRouters)
#include "test_mobile_routers.moc"
