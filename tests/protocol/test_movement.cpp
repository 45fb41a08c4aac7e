// SPDX-License-Identifier: GPL-3.0-or-later
// Movement detection and care-of addresses of a mobile node, stepped by hand (RFC 6275 §11.5, RFC 4861 §6.3, RFC 4862 §5.5).
#include "tests/support/mobile_bench.hpp"

#include <QtTest>

#include <functional>
#include <iterator>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using wire::RouterSolicitation;

namespace {

const Ipv6Address otherRouter = ip("fe80::99");

RaOptions plainRa(const char* network = "2001:db8:a1::1")
{
    RaOptions o;
    o.network = network;
    o.map.reset();
    return o;
}
RaOptions fromOther(const char* network = "2001:db8:a2::1")
{
    RaOptions o = plainRa(network);
    o.source = otherRouter;
    return o;
}

/// Unicast solicitations of the router that was used first.
std::size_t asked(const std::vector<Seen>& seen)
{
    return static_cast<std::size_t>(std::count_if(seen.begin(), seen.end(), [](const Seen& s) {
        const auto* ns = s.frame.as<NeighborSolicitation>();
        return ns && ns->target == ar && s.inner().destination == ar && s.frame.ethernet->destination == arMac;
    }));
}

wire::Ipv6Packet withInterval(std::uint32_t milliseconds)
{
    RaOptions o = plainRa();
    o.more = {wire::AdvertisementIntervalOption{milliseconds}};
    return advertisement(o);
}

}  // namespace

class TestMovement : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void RFC4861_6_3_4_advertisementsWithPartOfThePrefixes()
    {
        // RFC 4861 6.2.3: options may be spread over several advertisements, or left out of some.
        Bench b = Bench::plain();
        for (int s = 3; s < 20; ++s) {
            b.in(advertisement(plainRa(s % 2 == 0 ? "2001:db8:a1::1" : "2001:db8:a9::1")));
            const auto seen = b.to(std::chrono::seconds(s));
            QVERIFY2(count<BindingUpdate>(seen) == 0 && b.mn.onLinkCareOf() == lcoa, "RFC 4861 6.3.4: what others leave out is not taken back");
        }
    }

    void MN_COA_05_aPrefixThatIsLeftOutForLong()
    {
        Bench b = Bench::plain();
        const Ipv6Address renumbered = withInterfaceId(ip("2001:db8:a9::"), eui64(mnMac));
        for (int n = 1; n <= RouterList::toleratedOmissions; ++n) {
            b.in(advertisement(plainRa("2001:db8:a9::1")));
            (void)b.to(std::chrono::seconds(2 + 2 * n));
            QCOMPARE(b.mn.onLinkCareOf(), n < RouterList::toleratedOmissions ? std::optional(lcoa) : std::optional(renumbered));
        }
        RouterList list;
        wire::RouterAdvertisement ra;
        ra.routerLifetime = 1800;
        ra.options = {wire::PrefixInformation{prefix("2001:db8:a1::/64"), true, true, false, 100, 100}};
        (void)list.heard({}, ar, arMac, ra);
        std::get<wire::PrefixInformation>(ra.options[0]).onLink = false;
        (void)list.heard({}, ar, arMac, ra);
        QVERIFY2(list.current()->isOnLink(lcoa), "RFC 4861 6.3.4: L=0 says nothing");
        wire::RouterAdvertisement empty = ra;
        empty.options.clear();
        for (int i = 0; i < 10; ++i) (void)list.heard({}, ar, arMac, empty);
        QVERIFY2(list.current()->advertises(lcoa), "without any prefix it says nothing of them");
        std::get<wire::PrefixInformation>(ra.options[0]).validLifetime = 0;
        (void)list.heard({}, ar, arMac, ra);
        QVERIFY2(!list.current()->advertises(lcoa), "taken back");
        std::get<wire::PrefixInformation>(ra.options[0]).validLifetime = 100;
        (void)list.heard({}, ar, arMac, ra);
        (void)list.heard(TimePoint{100s}, ar, arMac, empty);
        QVERIFY2(!list.current()->advertises(lcoa), "its valid lifetime is over");
        (void)list.heard(TimePoint{100s}, ar, arMac, ra);
        (void)list.heard(TimePoint{101s}, ar, mnMac, empty);
        QVERIFY2(!list.current()->advertises(lcoa), "another router with the same address: MN-MOV-01");
    }

    void MN_MOV_06_homeWhileAdvertisementsHaveOtherPrefixes()
    {
        Bench b = Bench::plain();
        b.mn.linkDown(b.now, 0, b.out);
        b.mn.linkUp(b.now, 0, b.out);
        b.in(advertisement(plainRa("2001:db8:100::1")));
        auto seen = b.to(3s);
        const auto sequence = Bench::update(seen).frame.as<BindingUpdate>()->sequence;
        b.in(mobility(homeAgent, homeAddress, BindingAck{0, 0, sequence, WireLifetime{0}, {}}, {}));
        for (int s = 4; s < 16; ++s) {
            b.in(advertisement(plainRa(s % 2 == 0 ? "2001:db8:a9::1" : "2001:db8:100::1")));
            seen = b.to(std::chrono::seconds(s));
            QVERIFY2(count<BindingUpdate>(seen) == 0 && b.mn.isAtHome(), "RFC 4861 6.3.4, MN-MOV-06");
        }
    }

    void RFC4861_7_2_5_aRouterThatIsNoneAnyMoreIsLeft()
    {
        for (const bool another : {false, true}) {
            Bench b = Bench::plain();
            if (another) b.in(advertisement(fromOther()));
            (void)b.to(3s);
            b.in(icmp(ar, allNodes(), NeighborAdvertisement{false, false, true, ar, {wire::TargetLinkLayerOption{arMac}}}));
            const auto seen = b.to(6s);
            QVERIFY2((count<RouterSolicitation>(seen) > 0) == !another, "RFC 4861 7.2.5: it is no default router any more");
            QVERIFY(b.mn.onLinkCareOf() == (another ? std::optional(lcoa2) : std::nullopt));
        }
    }

    void MN_MOV_02_theOldRouterIsAskedAndKeptWhileItAnswers()
    {
        Bench b = Bench::plain();
        b.in(advertisement(fromOther()));
        const auto seen = take(b.out);
        QVERIFY2(asked(seen) == 1 && count<RouterSolicitation>(seen) == 0, "MN-MOV-02: is it still there?");
        QVERIFY2(seen[0].inner().source == linkLocal(eui64(mnMac)), "MN-COA-08");
        b.in(icmp(ar, linkLocal(eui64(mnMac)), NeighborAdvertisement{true, true, true, ar, {wire::TargetLinkLayerOption{arMac}}}));
        for (int s = 3; s < 30; ++s) {
            b.in(advertisement(fromOther()));
            QVERIFY2(asked(take(b.out)) == 0, "MN-MOV-02: once for a router, not for each advertisement");
            QVERIFY2(count<BindingUpdate>(b.to(std::chrono::seconds(s))) == 0 && b.mn.onLinkCareOf() == lcoa, "MN-MOV-02");
        }
    }

    void MN_MOV_01_MN_COA_06_aSilentRouterAndAnotherLink()
    {
        Bench b = Bench::plain();
        b.routerAnswers = false;
        b.in(advertisement(fromOther()));
        auto seen = b.to(5s - 1ns);
        QVERIFY2(asked(seen) == 3 && count<BindingUpdate>(seen) == 0, "MN-MOV-01: three solicitations to the old router first");
        seen = b.to(5s);
        QVERIFY2(b.mn.onLinkCareOf() == lcoa2, "MN-MOV-01, MN-COA-05: the router that was heard of is used");
        QVERIFY2(!b.mn.stack().find(lcoa), "MN-COA-06: the address of the link that was lost");
        QVERIFY2(count<BindingUpdate>(seen) == 0, "MN-DAD-01");
        seen = b.to(6s);
        QVERIFY2(count<BindingUpdate>(seen) == 1 && Bench::update(seen).inner().source == lcoa2, "MN-COA-01");
    }

    void MN_COA_06_homeWithoutALinkThatSaysSo()
    {
        Bench b = Bench::plain();
        b.routerAnswers = false;
        b.in(advertisement(fromOther("2001:db8:100::1")));
        (void)b.to(5s);
        QVERIFY2(b.mn.isAtHome() && !b.mn.stack().find(lcoa), "MN-COA-06: the care-of address stayed behind, MN-MOV-06");
    }

    void MN_COA_06_aRouterWithTheSamePrefixKeepsTheAddress()
    {
        Bench b = Bench::plain();
        b.routerAnswers = false;
        b.in(advertisement(fromOther("2001:db8:a1::2")));
        (void)b.to(5s);
        QVERIFY2(b.mn.onLinkCareOf() == lcoa && b.mn.stack().owns(lcoa), "MN-COA-06: the new router advertises the prefix, too");
        QVERIFY2(count<BindingUpdate>(b.to(20s)) == 0, "MN-COA-05");
    }

    void MN_MOV_04_missedAdvertisements()
    {
        for (const int misses : {3, 5, 0}) {
            auto s = Bench::settings();
            s.movement.missedAdvertisements = misses;
            Bench b(s);
            b.in(withInterval(1000));
            b.in(Bench::plainAck(Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence));
            b.in(withInterval(1000));  // at 1 s
            if (misses == 0) {
                QVERIFY2(count<RouterSolicitation>(b.to(60s)) == 0, "MN-MOV-04: not counted");
                continue;
            }
            b.routerAnswers = false;
            const auto at = 1s + misses * 1s;
            auto seen = b.to(at - 1ns);
            QVERIFY2(count<RouterSolicitation>(seen) == 0 && asked(seen) == 0, "MN-MOV-04: not before");
            seen = b.to(at);
            QVERIFY2(count<RouterSolicitation>(seen) == 1 && asked(seen) == 1, "MN-MOV-04, -01: N intervals after the last one");
            // MN-MOV-02: it answers, so nothing has moved; the count begins again.
            b.in(icmp(ar, linkLocal(eui64(mnMac)), NeighborAdvertisement{true, true, true, ar, {wire::TargetLinkLayerOption{arMac}}}));
            seen = b.to(at + misses * 1s - 1ns);
            QVERIFY2(count<RouterSolicitation>(seen) == 0 && asked(seen) == 0 && b.mn.onLinkCareOf() == lcoa, "MN-MOV-02");
            QVERIFY(asked(b.to(at + misses * 1s)) == 1);
        }
    }

    void MN_MOV_03_aHintOfTheLinkLayerAsksTheRouterFirst()
    {
        Bench b = Bench::plain();
        b.routerAnswers = false;
        b.mn.linkUp(b.now, 0, b.out);
        auto seen = take(b.out);
        QVERIFY2(asked(seen) == 1 && count<RouterSolicitation>(seen) == 0, "MN-MOV-03: unicast solicitation first");
        QVERIFY2(count<RouterSolicitation>(b.to(2900ms)) == 0, "MN-MOV-03: it has a second to answer");
        seen = b.to(3s);
        QVERIFY2(count<RouterSolicitation>(seen) == 1, "MN-MOV-03: it is silent, everybody is asked");
        Bench same = Bench::plain();
        same.mn.linkUp(same.now, 0, same.out);
        seen = same.to(20s);
        QVERIFY2(count<RouterSolicitation>(seen) == 0 && count<BindingUpdate>(seen) == 0 && same.mn.onLinkCareOf() == lcoa, "MN-MOV-03: it answered");
    }

    void linkEventsMayBeDistrusted()
    {
        auto s = Bench::settings();
        s.movement.linkEvents = false;
        Bench b = Bench::plain(s);
        b.mn.linkDown(b.now, 0, b.out);
        b.mn.linkUp(b.now, 0, b.out);
        QVERIFY(b.to(10s).empty() && b.mn.onLinkCareOf() == lcoa);
    }

    void MN_COA_01_03_aDeprecatedAddressIsLeftButServed()
    {
        Bench b;
        RaOptions o = plainRa();
        o.preferred = 100;
        o.valid = 2000;
        o.more = {wire::PrefixInformation{prefix("2001:db8:a3::1/64"), true, true, true, 2000, 1000}};
        b.in(advertisement(o));
        b.in(Bench::plainAck(Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence));
        QVERIFY2(count<BindingUpdate>(b.to(100s - 1ns)) == 0 && b.mn.onLinkCareOf() == lcoa, "MN-COA-01: preferred");
        const auto seen = b.to(100s);
        const Ipv6Address lcoa3 = withInterfaceId(ip("2001:db8:a3::"), eui64(mnMac));
        QVERIFY2(count<BindingUpdate>(seen) == 1 && Bench::update(seen).inner().source == lcoa3, "MN-COA-01: the other one when it is deprecated");
        b.in(encapsulate(probe(correspondent, homeAddress, {9, false, 1, TimePoint{}}), homeAgent, lcoa));
        QVERIFY2(count(b.out, "probe-received") == 1, "MN-COA-03: packets to the previous one are taken");
        QVERIFY2(Bench::update(seen).inner().source.isUnicastRoutable(), "MN-COA-01");
    }

    void MN_COA_03_afterAChangeOfRouters()
    {
        Bench b = Bench::plain();
        RaOptions bye = plainRa();
        bye.lifetime = 0;
        b.in(advertisement(bye));
        b.in(advertisement(fromOther()));
        (void)b.to(4s);
        QCOMPARE(b.mn.onLinkCareOf(), std::optional(lcoa2));
        b.in(encapsulate(probe(correspondent, homeAddress, {9, false, 1, TimePoint{}}), homeAgent, lcoa));
        QVERIFY2(count(b.out, "probe-received") == 1, "MN-COA-03");
    }

    void MN_COA_04_08_neighbourDiscoveryIsPlain()
    {
        Bench b = Bench::plain();
        std::vector<Seen> seen;
        const auto keep = [&](std::vector<Seen> more) { std::move(more.begin(), more.end(), std::back_inserter(seen)); };
        b.mn.linkDown(b.now, 0, b.out);
        b.mn.linkUp(b.now, 0, b.out);
        b.in(advertisement(plainRa("2001:db8:a2::1")));
        keep(b.to(20s));
        b.in(advertisement(fromOther()));
        keep(b.to(30s));
        b.in(icmp(ar, lcoa2, NeighborSolicitation{lcoa2, {wire::SourceLinkLayerOption{arMac}}}));
        keep(take(b.out));
        std::size_t nd = 0;
        for (const Seen& s : seen) {
            const bool solicitation = s.frame.as<NeighborSolicitation>() || s.frame.as<RouterSolicitation>();
            if (!solicitation && !s.frame.as<NeighborAdvertisement>() && !s.frame.as<wire::ListenerReport>()) continue;
            ++nd;
            QVERIFY2(!s.inner().homeAddress() && s.inner().destinationOptions.empty() && !s.inner().routing, "MN-COA-04, MN-TX-03");
            QVERIFY2(s.inner().source != homeAddress, "MN-COA-08");
            if (solicitation) QVERIFY2(s.inner().source.isUnspecified() || s.inner().source.isLinkLocal(), "MN-COA-08");
        }
        QVERIFY(nd > 5);
    }

    void MN_COA_07_whichPrefixesMakeAddresses()
    {
        const auto formed = [](const std::function<void(RaOptions&)>& change) {
            Bench b;
            RaOptions o = plainRa();
            change(o);
            b.in(advertisement(o));
            return b.mn.onLinkCareOf().has_value();
        };
        QVERIFY(formed([](RaOptions&) {}));
        QVERIFY2(!formed([](RaOptions& o) { o.autonomous = false; }), "MN-COA-07: A");
        QVERIFY2(!formed([](RaOptions& o) { o.network = "fe80::1"; }), "MN-COA-07: link-local");
        QVERIFY2(!formed([](RaOptions& o) { o.preferred = o.valid + 1; }), "MN-COA-07: preferred longer than valid");
        QVERIFY2(!formed([](RaOptions& o) { o.valid = o.preferred = 0; }), "MN-COA-07: not valid");
        QVERIFY2(!formed([](RaOptions& o) { o.length = 63; }), "MN-COA-07: prefix and identifier are not 128 bits");
        QVERIFY2(!formed([](RaOptions& o) { o.length = 65; }), "MN-COA-07: prefix and identifier are not 128 bits");
        QVERIFY2(formed([](RaOptions& o) { o.valid = o.preferred = 0xffffffff; }), "MN-COA-07: for ever");
    }

    void MN_COA_07_validLifetimesAreCutToTwoHoursAtMost()
    {
        const InterfaceId id = eui64(mnMac);
        const auto pio = [](std::uint32_t valid) { return wire::PrefixInformation{prefix("2001:db8:a1::1/64"), true, true, false, valid, std::min(valid, 60u)}; };
        const auto validUntil = [&](std::uint32_t first, Duration later, std::uint32_t second) {
            CareOfList list;
            (void)list.advertised({}, pio(first), id);
            (void)list.advertised(TimePoint{later}, pio(second), id);
            return list.find(lcoa)->validUntil;
        };
        QVERIFY2(validUntil(10000, 1s, 20000) == TimePoint{20001s}, "MN-COA-07: longer");
        QVERIFY2(validUntil(100000, 1s, 8000) == TimePoint{8001s}, "MN-COA-07: more than two hours");
        QVERIFY2(validUntil(100000, 1s, 60) == TimePoint{7201s}, "MN-COA-07: cut to two hours");
        QVERIFY2(validUntil(6000, 1s, 60) == TimePoint{6000s}, "MN-COA-07: ignored when less than two hours remain");
        QVERIFY2(validUntil(6000, 1000s, 5500) == TimePoint{6500s}, "MN-COA-07: more than remains");
        QVERIFY2(validUntil(100000, 1s, 0) == TimePoint{7201s}, "MN-COA-07: zero, too");
        QVERIFY2(validUntil(0xffffffff, 1s, 0xffffffff) == TimePoint::max(), "MN-COA-07: for ever");
    }

    void MN_COA_07_MN_BU_05_anAddressEndsWithItsLifetime()
    {
        Bench b;
        RaOptions o = plainRa();
        o.valid = o.preferred = 100;
        b.in(advertisement(o));
        const auto seen = b.to(1s);
        QVERIFY2(Bench::update(seen).frame.as<BindingUpdate>()->lifetime.count() == 24, "MN-BU-05: 99 s of the care-of address are left");
        (void)b.to(100s);
        QVERIFY2(!b.mn.onLinkCareOf() && !b.mn.stack().find(lcoa), "MN-COA-07");
    }

    void MN_COA_01_duplicatesOfOnePrefixLeaveTheOther()
    {
        Bench b;
        RaOptions o = plainRa();
        o.more = {wire::PrefixInformation{prefix("2001:db8:a3::1/64"), true, true, true, 2000, 1000}};
        b.in(advertisement(o));
        b.in(icmp(lcoa, allNodes(), NeighborAdvertisement{false, false, true, lcoa, {wire::TargetLinkLayerOption{arMac}}}));
        const auto seen = b.to(1s);
        QVERIFY2(count<BindingUpdate>(seen) == 1 && Bench::update(seen).inner().source == withInterfaceId(ip("2001:db8:a3::"), eui64(mnMac)), "MN-COA-01, MN-DAD-05");
    }

    void MN_HOME_02_MN_MOV_06_theHomeAgentIsAskedForByTheHomeAddress()
    {
        const Mac agentMac = mac("02:00:00:00:01:01");
        const Ipv6Address router = ip("fe80::77");
        for (const bool answers : {true, false}) {
            Bench b = Bench::plain();
            b.mn.linkDown(b.now, 0, b.out);
            b.mn.linkUp(b.now, 0, b.out);
            (void)b.to(4s);
            RaOptions o = plainRa("2001:db8:100::77");  // another router of the home link than the home agent
            o.source = router;
            b.in(advertisement(o));
            auto seen = take(b.out);
            const Seen* ns = find<NeighborSolicitation>(seen);
            QVERIFY2(ns && ns->inner().source.isUnspecified() && ns->inner().destination == solicitedNode(homeAddress) && ns->frame.as<NeighborSolicitation>()->target == homeAddress &&
                         ns->frame.as<NeighborSolicitation>()->options.empty(), "MN-HOME-02");
            QVERIFY2(count<BindingUpdate>(seen) == 0, "MN-HOME-02: not before it is known where to");
            if (answers) {
                b.in(icmp(homeAgent, allNodes(), NeighborAdvertisement{false, false, false, homeAddress, {wire::TargetLinkLayerOption{agentMac}}}));
                seen = take(b.out);
                QVERIFY2(count<BindingUpdate>(seen) == 1 && Bench::update(seen).frame.ethernet->destination == agentMac, "MN-HOME-02, MN-MOV-06");
            } else {
                seen = b.to(7s);
                QCOMPARE(static_cast<int>(std::count_if(seen.begin(), seen.end(), [](const Seen& s) { return s.frame.as<NeighborSolicitation>() && s.frame.as<NeighborSolicitation>()->target == homeAddress; })), 2);
                QVERIFY2(std::any_of(seen.begin(), seen.end(), [](const Seen& s) { return s.frame.as<NeighborSolicitation>() && s.frame.as<NeighborSolicitation>()->target == homeAgent; }), "nobody defends it: resolved as any neighbour");
                for (const Seen& s : seen) QVERIFY(s.inner().source != homeAddress);
            }
        }
    }

    void MN_DAD_04_theLinkLocalAddressThatTheHomeAgentDefends()
    {
        auto s = Bench::settings();
        s.homeAddress = withInterfaceId(homeAddress, eui64(mnMac));
        const auto back = [&](const RaOptions& o) {
            Bench b(s);
            b.in(advertisement(plainRa()));
            const auto sequence = Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence;
            b.in(mobility(homeAgent, lcoa, BindingAck{0, 0, sequence, WireLifetime{150}, {}}, {}, s.homeAddress));
            b.mn.linkDown(b.now, 0, b.out);
            b.mn.linkUp(b.now, 0, b.out);
            auto seen = b.to(3s);
            if (count<NeighborSolicitation>(seen) > 0) return -1;
            b.in(advertisement(o));
            seen = b.to(10s);
            return static_cast<int>(std::count_if(seen.begin(), seen.end(), [](const Seen& x) { return x.frame.as<NeighborSolicitation>() && x.inner().source.isUnspecified(); }));
        };
        RaOptions home = plainRa("2001:db8:100::1");
        QCOMPARE(back(home), 0);  // MN-DAD-04: neither the home address nor the link-local one
        QCOMPARE(back(plainRa("2001:db8:a2::1")), 2);  // elsewhere both are tested
    }

    void MN_MOV_05_shortIntervalsAreMeasuredInMilliseconds()
    {
        // A router that keeps the limits of RFC 6275 §7.5 is not doubted while it does.
        Bench b;
        for (int ms = 0; ms <= 5000; ms += 70) {
            (void)b.to(std::chrono::milliseconds(ms));
            b.in(withInterval(90));
            QVERIFY2(asked(take(b.out)) == 0, "MN-MOV-05, MN-MOV-04");
        }
        b.routerAnswers = false;
        QVERIFY2(asked(b.to(b.now - TimePoint{} + 271ms)) == 1, "MN-MOV-04: three times 90 ms");
    }
};

QTEST_APPLESS_MAIN(TestMovement)
#include "test_movement.moc"
