// SPDX-License-Identifier: GPL-3.0-or-later
// What a home agent does besides judging updates: link-local addresses, its own packets, hosts on its link (RFC 6275 §9.3, §10.3, §10.4).
#include "tests/support/anchor_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using namespace roamscope::test::anchors;
using wire::IcmpError;

namespace {

const Ipv6Address neighbor = ip("2001:db8:100::77");
const Ipv6Address linkLocalOfHome = ip("fe80::1:1");

/// The solicitations for duplicate address detection of `target` among `seen`.
std::size_t detections(const std::vector<Seen>& seen, const Ipv6Address& target)
{
    return static_cast<std::size_t>(std::count_if(seen.begin(), seen.end(), [&](const Seen& s) {
        const auto* ns = s.frame.as<NeighborSolicitation>();
        return ns && ns->target == target && s.inner().source.isUnspecified() && s.interface == homeLink;
    }));
}

const Seen* advertisementOf(const std::vector<Seen>& seen, const Ipv6Address& target)
{
    for (const Seen& s : seen)
        if (const auto* na = s.frame.as<NeighborAdvertisement>(); na && na->target == target) return &s;
    return nullptr;
}

/// With L, so that the link-local address is defended too.
Bench boundWithL()
{
    Bench b;
    b.in(coreLink, Bench::updateWith(10, BindingUpdate::linkLocal));
    (void)b.to(2s);
    return b;
}

wire::Ipv6Packet withHomeAddress(wire::Ipv6Packet packet, const Ipv6Address& homeAddress, const Ipv6Address& source)
{
    packet.source = source;
    packet.setHomeAddress(homeAddress);
    return packet;
}

/// Nothing but listener reports, which say that the groups of addresses were left.
bool onlyReports(const std::vector<Seen>& seen) { return count<wire::ListenerReport>(seen) == seen.size(); }

}  // namespace

class TestAnchorRules : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void HA_BU_04_HA_ND_01_withLTheLinkLocalAddressToo()
    {
        Bench b;
        b.in(coreLink, Bench::updateWith(10, BindingUpdate::linkLocal));
        auto seen = b.to(1s - 1ns);
        QVERIFY2(detections(seen, home) == 1 && detections(seen, linkLocalOfHome) == 1 && count<BindingAck>(seen) == 0, "HA-BU-04: both are tested");
        seen = b.to(1s);
        const Seen* ba = find<BindingAck>(seen);
        QVERIFY(ba && ba->frame.as<BindingAck>()->status == 0 && count<BindingAck>(seen) == 1);
        for (const Ipv6Address& target : {home, linkLocalOfHome}) {
            const Seen* na = advertisementOf(seen, target);
            QVERIFY2(na && na < ba && na->inner().destination == allNodes() && na->interface == homeLink, "HA-ND-01: both are taken over before the answer");
            const auto& m = *na->frame.as<NeighborAdvertisement>();
            QVERIFY2(!m.router && !m.solicited && m.override && wire::findOption<wire::TargetLinkLayerOption>(m.options)->address == homeMac, "HA-ND-01");
        }
        // HA-ND-02: both are answered for.
        for (const Ipv6Address& target : {home, linkLocalOfHome}) {
            b.in(homeLink, icmp(neighbor, solicitedNode(target), NeighborSolicitation{target, {wire::SourceLinkLayerOption{nextMac}}}));
            seen = take(b.out);
            QVERIFY2(advertisementOf(seen, target) && !advertisementOf(seen, target)->frame.as<NeighborAdvertisement>()->router, "HA-ND-02");
        }
    }

    void HA_BU_04_aDuplicateLinkLocalAddressRejectsAll()
    {
        Bench b;
        b.in(coreLink, Bench::updateWith(10, BindingUpdate::linkLocal));
        (void)b.to(500ms);
        b.in(homeLink, icmp(linkLocalOfHome, allNodes(), NeighborAdvertisement{false, false, true, linkLocalOfHome, {wire::TargetLinkLayerOption{nextMac}}}));
        const auto seen = take(b.out);
        QVERIFY2(count<BindingAck>(seen) == 1 && find<BindingAck>(seen)->frame.as<BindingAck>()->status == 134, "HA-BU-04: the complete update is rejected");
        QVERIFY(!b.anchor.stack().find(home) && !b.anchor.stack().find(linkLocalOfHome) && b.anchor.registrar().bindings().empty());
        QVERIFY(onlyReports(b.to(10s)));
        QVERIFY(!b.anchor.nextDeadline());
    }

    void HA_BU_04_withoutLTheLinkLocalAddressIsLeftAlone()
    {
        Bench b = Bench::bound();
        b.in(homeLink, icmp(neighbor, solicitedNode(linkLocalOfHome), NeighborSolicitation{linkLocalOfHome, {wire::SourceLinkLayerOption{nextMac}}}));
        QVERIFY(take(b.out).empty());
        // A refresh may ask for it: the binding exists, so there is no detection; and it may give it back.
        b.in(coreLink, Bench::updateWith(11, BindingUpdate::linkLocal));
        auto seen = take(b.out);
        QVERIFY(advertisementOf(seen, linkLocalOfHome) && count<BindingAck>(seen) == 1 && b.anchor.stack().proxies(linkLocalOfHome));
        b.in(coreLink, Bench::updateWith(12, 0));
        QVERIFY(!b.anchor.stack().find(linkLocalOfHome) && b.anchor.stack().proxies(home));
    }

    void HA_DEREG_01_theLinkLocalAddressIsReleasedToo()
    {
        Bench b = boundWithL();
        b.in(coreLink, Bench::updateWith(11, BindingUpdate::linkLocal, {}, 0));
        QVERIFY(!b.anchor.stack().find(home) && !b.anchor.stack().find(linkLocalOfHome));
        Bench expired = boundWithL();
        (void)expired.to(500s);
        QVERIFY(!expired.anchor.stack().find(home) && !expired.anchor.stack().find(linkLocalOfHome));
    }

    void HA_FWD_01_packetsToTheLinkLocalAddressAreRefused()
    {
        Bench b = boundWithL();
        const Ipv6Address asker = ip("fe80::77");
        b.in(homeLink, icmp(asker, b.anchor.stack().linkLocalAddress(homeLink), NeighborSolicitation{b.anchor.stack().linkLocalAddress(homeLink), {wire::SourceLinkLayerOption{nextMac}}}));
        (void)take(b.out);
        b.in(homeLink, icmp(asker, linkLocalOfHome, wire::Echo{false, 1, 1, {}}, 64));
        const auto seen = take(b.out);
        QVERIFY(seen.size() == 1);
        const auto* error = seen[0].frame.as<IcmpError>();
        QVERIFY2(error && error->type == wire::icmpv6Type::destinationUnreachable && error->code == 3 && seen[0].inner().destination == asker && seen[0].interface == homeLink,
                 "HA-FWD-01: code 3, not tunnelled");
    }

    void HA_FWD_03_ownPacketsGoWithARoutingHeader()
    {
        Bench b = Bench::bound();
        b.in(coreLink, withHomeAddress(icmp(home, agent, wire::Echo{false, 7, 9, {}}, 64), home, careOf));
        const auto seen = take(b.out);
        QVERIFY2(seen.size() == 1 && seen[0].frame.packets.size() == 1 && seen[0].inner().destination == careOf && seen[0].inner().routing &&
                     seen[0].inner().routing->homeAddress == home && seen[0].inner().routing->segmentsLeft == 1, "HA-FWD-03: type 2 routing header, no tunnel");
        QVERIFY(seen[0].frame.as<wire::Echo>()->reply && seen[0].frame.as<wire::Echo>()->identifier == 7);
    }

    void RR_CN_10_neighbourDiscoveryNeverGoesAway()
    {
        // A node that is home again but has not said so yet asks from its home address.
        Bench b = Bench::bound();
        (void)take(b.out);
        const Mac node = mac("02:00:00:00:09:09");
        b.anchor.receive(b.now, homeLink, frame(node, homeMac, icmp(home, solicitedNode(agent), NeighborSolicitation{agent, {wire::SourceLinkLayerOption{node}}})), b.out);
        const auto seen = take(b.out);
        const Seen* na = find<NeighborAdvertisement>(seen);
        QVERIFY2(na && !na->inner().routing && na->inner().destination == home && na->interface == homeLink && na->frame.ethernet->destination == node, "RR-CN-10");
    }

    void HA_BU_06_theAnswerGoesToTheSourceWhateverTheCareOfAddressIs()
    {
        Bench b = Bench::bound();
        const Ipv6Address other = ip("2001:db8:300::99");
        b.in(coreLink, Bench::updateWith(11, 0, {wire::AlternateCareOfAddress{other}}));
        auto seen = take(b.out);
        QVERIFY2(seen.size() == 1 && seen[0].inner().destination == careOf && seen[0].inner().routing->homeAddress == home && b.binding()->careOfAddress == other, "HA-BU-06");
        // What is refused leaves the binding as it was, tunnel and all (HA-BU-02, HA-BU-03).
        b.in(coreLink, Bench::updateWith(11, 0));
        b.in(coreLink, mobility(careOf, agent, BindingUpdate{12, BindingUpdate::acknowledge, WireLifetime{10}, {}}, home));
        seen = take(b.out);
        QVERIFY(seen.size() == 2 && seen[0].frame.as<BindingAck>()->status == 135 && seen[1].frame.as<BindingAck>()->status == 139);
        QVERIFY(b.binding()->careOfAddress == other && b.binding()->sequence == 11);
        b.in(homeLink, probe(correspondent, home, {1, false, 6, TimePoint{}}));
        QCOMPARE(take(b.out)[0].outer().destination, other);
    }

    void HA_BU_04_copiesOfAnUpdateDuringDetectionGetOneAnswer()
    {
        Bench b;
        b.in(coreLink, Bench::update(10));
        (void)b.to(200ms);
        b.in(coreLink, Bench::update(11));
        b.in(coreLink, Bench::update(12, 50));
        const auto seen = b.to(5s);
        QCOMPARE(detections(seen, home), std::size_t{0});  // one solicitation, sent before
        QVERIFY2(count<BindingAck>(seen) == 1, "HA-BU-04");
        const auto& ack = *find<BindingAck>(seen)->frame.as<BindingAck>();
        QVERIFY(ack.status == 0 && ack.sequence == 12 && ack.lifetime.count() == 50);
    }

    void HA_DEREG_02_theMemoryOf10sKnowsTheNumber()
    {
        Bench b = Bench::bound();
        b.in(coreLink, Bench::update(11, 0));
        (void)take(b.out);
        for (const std::uint16_t old : std::initializer_list<std::uint16_t>{10, 11, static_cast<std::uint16_t>(11 - 32767), static_cast<std::uint16_t>(11 + 32768)}) {
            b.in(coreLink, Bench::update(old));
            const auto seen = take(b.out);
            QVERIFY2(seen.size() == 1 && seen[0].frame.as<BindingAck>()->status == 135 && seen[0].frame.as<BindingAck>()->sequence == 11, "HA-DEREG-02");
        }
        (void)b.to(13s);
        b.in(coreLink, Bench::update(5));
        QVERIFY2(count<BindingAck>(b.to(15s)) == 1 && b.binding()->sequence == 5, "HA-BU-02: with no entry any number");
    }

    void HA_HAO_01_homeAddressOptionsNeedTheirBinding()
    {
        const auto echo = icmp(home, agent, wire::Echo{false, 7, 9, {}}, 64);
        Bench without;
        without.in(coreLink, withHomeAddress(echo, home, careOf));
        auto seen = take(without.out);
        const auto* error = seen.size() == 1 ? seen[0].frame.as<wire::BindingError>() : nullptr;
        QVERIFY2(error && error->status == 1 && error->homeAddress == home && seen[0].inner().destination == careOf && !seen[0].inner().routing, "HA-HAO-01: no entry");
        Bench b = Bench::bound();
        const Ipv6Address elsewhere = ip("2001:db8:300::6");
        b.in(coreLink, withHomeAddress(echo, home, elsewhere));
        seen = take(b.out);
        QVERIFY2(seen.size() == 1 && seen[0].frame.as<wire::BindingError>() && seen[0].inner().destination == elsewhere, "HA-HAO-01: from another care-of address");
        // A Binding Update is looked at whatever entries there are.
        b.in(coreLink, Bench::update(11, 100, false, elsewhere));
        seen = take(b.out);
        QVERIFY2(count<BindingAck>(seen) == 1 && b.binding()->careOfAddress == elsewhere, "HA-HAO-01: next header 135");
    }

    void HA_DEREG_03_theAnswerFindsTheNodeThatIsHome()
    {
        const Mac node = mac("02:00:00:00:09:09");
        const auto fromHome = [&](Bench& b, std::uint16_t sequence, std::uint16_t units, bool option) {
            const std::uint16_t flags = BindingUpdate::acknowledge | BindingUpdate::homeRegistration;
            const auto packet = mobility(home, agent, BindingUpdate{sequence, flags, WireLifetime{units}, {}}, option ? std::optional(home) : std::nullopt);
            b.anchor.receive(b.now, homeLink, frame(node, homeMac, packet), b.out);
            return take(b.out);
        };
        for (const bool option : {false, true}) {  // errata E-19: some send it all the same
            Bench b = Bench::bound();
            auto seen = fromHome(b, 10, 0, option);
            const Seen* ba = find<BindingAck>(seen);
            QVERIFY2(ba && ba->frame.as<BindingAck>()->status == 135 && ba->interface == homeLink && ba->frame.ethernet->destination == node && ba->inner().destination == home,
                     "HA-DEREG-03: to its link-layer address although the home address is ours for everybody else");
            QVERIFY(b.binding() && b.anchor.stack().proxies(home));
            QVERIFY2(ba->inner().routing.has_value() == option, "HA-BU-06");
            seen = fromHome(b, 11, 0, option);
            ba = find<BindingAck>(seen);
            QVERIFY2(ba && ba->frame.as<BindingAck>()->status == 0 && ba->frame.ethernet->destination == node && !b.binding(), "HA-DEREG-01");
        }
        // No binding at all: 133, the same way.
        Bench none;
        const auto seen = fromHome(none, 1, 0, false);
        QVERIFY2(seen.size() == 1 && seen[0].frame.as<BindingAck>()->status == 133 && seen[0].frame.ethernet->destination == node, "HA-DEREG-03");
    }

    void SEC_08_acknowledgementsCarryTheHomeAddress()
    {
        Bench b = Bench::bound();
        b.in(coreLink, Bench::update(11));
        b.in(coreLink, Bench::update(11));      // refused
        b.in(coreLink, Bench::update(12, 0));   // deleted
        const auto seen = take(b.out);
        QCOMPARE(count<BindingAck>(seen), std::size_t{3});
        for (const Seen& s : seen) QVERIFY2(!s.frame.as<BindingAck>() || (s.inner().routing && s.inner().routing->homeAddress == home), "SEC-08, HA-BU-06");
    }

    void theNodeReachesItsAgentThroughTheTunnel()
    {
        Bench b = Bench::bound();
        b.in(coreLink, encapsulate(icmp(home, agent, wire::Echo{false, 7, 9, {}}, 64), careOf, agent));
        auto seen = take(b.out);
        QVERIFY(seen.size() == 1 && seen[0].frame.as<wire::Echo>() && seen[0].frame.as<wire::Echo>()->reply && seen[0].inner().destination == careOf);
        // What claims to come from the link does not, when it came through a tunnel (RFC 4861 §7.1).
        b.in(coreLink, encapsulate(icmp(home, agent, NeighborSolicitation{agent, {wire::SourceLinkLayerOption{nextMac}}}), careOf, agent));
        QVERIFY(take(b.out).empty());
        // A tunnel in a tunnel needs a binding of its own.
        const auto inner = encapsulate(icmp(ip("2001:db8:100::5"), agent, wire::Echo{}, 64), home, agent);
        b.in(coreLink, encapsulate(inner, careOf, agent));
        QVERIFY2(take(b.out).empty() && count(b.out, "tunnel-refused") == 1, "HA-FWD-02");
    }

    void MH_RX_01_unknownMessagesAndHeadersAreReported()
    {
        Bench b;
        auto unknown = Bench::update(10);
        unknown.payload[2] = 200;
        unknown.payload[4] = unknown.payload[5] = 0;
        unknown.payload = wire::emitMobility(wire::RawMobility{200, {0, 10, 0xc0, 0, 0, 100}}, unknown.pseudoHeader());
        b.in(coreLink, unknown);
        auto seen = take(b.out);
        const auto* error = seen.size() == 1 ? seen[0].frame.as<wire::BindingError>() : nullptr;
        QVERIFY2(error && error->status == 2 && error->homeAddress == home && seen[0].inner().destination == careOf, "MH-RX-01: Binding Error 2");
        // Not a header that a home agent reads.
        wire::Ipv6Packet other = probe(careOf, agent, {1, false, 1, TimePoint{}});
        b.in(coreLink, other);
        seen = take(b.out);
        QVERIFY(seen.size() == 1 && seen[0].frame.as<IcmpError>()->type == 1 && seen[0].frame.as<IcmpError>()->code == 4);
        other.nextHeader = 200;
        b.in(coreLink, other);
        seen = take(b.out);
        QVERIFY(seen.size() == 1 && seen[0].frame.as<IcmpError>()->type == 4 && seen[0].frame.as<IcmpError>()->code == 1 && seen[0].frame.as<IcmpError>()->parameter == 6);
        // Unknown mobility options are skipped (RFC 6275 §6.2).
        b.in(coreLink, Bench::updateWith(10, 0, {wire::RawMobilityOption{200, {'a', 'b', 'c', 'd'}}}));
        QCOMPARE(count<BindingAck>(b.to(2s)), std::size_t{1});
    }

    void aDeletionDuringDetectionEndsIt()
    {
        Bench b;
        b.in(coreLink, Bench::updateWith(10, BindingUpdate::linkLocal));
        (void)b.to(300ms);
        b.in(coreLink, Bench::updateWith(11, BindingUpdate::linkLocal, {}, 0));
        const auto seen = take(b.out);
        QVERIFY(count<BindingAck>(seen) == 1 && find<BindingAck>(seen)->frame.as<BindingAck>()->status == 0);
        QVERIFY(!b.anchor.stack().find(home) && !b.anchor.stack().find(linkLocalOfHome) && count(b.out, "binding-removed") == 0);
        QVERIFY(onlyReports(b.to(60s)) && b.anchor.registrar().bindings().empty());
    }
};

QTEST_APPLESS_MAIN(TestAnchorRules)
#include "test_anchor_rules.moc"
