// SPDX-License-Identifier: GPL-3.0-or-later
// Optimistic duplicate address detection of the mobile node (RFC 4429 §3; MN-DAD-03).
#include "tests/support/mobile_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using wire::RouterSolicitation;

namespace {

MobileNode::Settings optimistic()
{
    auto s = Bench::settings();
    s.optimisticDetection = true;
    return s;
}

RaOptions plainRa(bool linkLayer = true)
{
    RaOptions o;
    o.map.reset();
    o.linkLayer = linkLayer;
    return o;
}

}  // namespace

class TestOptimistic : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MN_DAD_03_theUpdateDoesNotWait()
    {
        Bench b(optimistic());
        b.in(advertisement(plainRa()));
        auto seen = take(b.out);
        const Seen* dad = nullptr;
        for (const Seen& s : seen)
            if (const auto* ns = s.frame.as<NeighborSolicitation>(); ns && ns->target == lcoa) dad = &s;
        QVERIFY2(dad && dad->inner().source.isUnspecified(), "MN-DAD-03: detection runs, without delay");
        QVERIFY2(count<BindingUpdate>(seen) == 1 && Bench::update(seen).inner().source == lcoa, "MN-DAD-03: the update precedes its end");
        QVERIFY2(b.mn.stack().find(lcoa)->state == AddressState::Optimistic, "MN-DAD-03");
        for (Seen& s : b.to(20s)) seen.push_back(std::move(s));
        for (const Seen& s : seen) {
            if (s.frame.as<NeighborSolicitation>()) QVERIFY2(s.inner().source != lcoa, "MN-DAD-03: no solicitation from it");
            if (const auto* rs = s.frame.as<RouterSolicitation>(); rs && s.inner().source == lcoa) QVERIFY2(rs->options.empty(), "MN-DAD-03");
        }
        QVERIFY2(b.mn.stack().find(lcoa)->state == AddressState::Preferred, "after detection it is as any other");
    }

    void MN_DAD_03_withoutTheRoutersLinkLayerAddressItStaysTentative()
    {
        Bench b(optimistic());
        b.in(advertisement(plainRa(false)));
        QVERIFY2(b.mn.stack().find(lcoa)->state == AddressState::Tentative && count<BindingUpdate>(take(b.out)) == 0, "MN-DAD-03");
    }

    void MN_DAD_03_whatItAnswers()
    {
        Bench b(optimistic());
        b.in(advertisement(plainRa()));
        (void)take(b.out);
        b.in(icmp(ar, lcoa, NeighborSolicitation{lcoa, {wire::SourceLinkLayerOption{arMac}}}));
        const auto seen = take(b.out);
        const Seen* na = find<NeighborAdvertisement>(seen);
        QVERIFY2(na && !na->frame.as<NeighborAdvertisement>()->override && na->frame.as<NeighborAdvertisement>()->solicited, "MN-DAD-03: O=0 to a unicast source");
        (void)b.to(2s);
        b.in(icmp(ar, lcoa, NeighborSolicitation{lcoa, {wire::SourceLinkLayerOption{arMac}}}));
        const auto later = take(b.out);
        QVERIFY2(find<NeighborAdvertisement>(later) && find<NeighborAdvertisement>(later)->frame.as<NeighborAdvertisement>()->override, "O=1 afterwards");
    }

    void MN_DAD_03_05_aDuplicateIsGivenUp()
    {
        for (const bool byAdvertisement : {true, false}) {
            Bench b(optimistic());
            b.in(advertisement(plainRa()));
            (void)take(b.out);
            if (byAdvertisement) b.in(icmp(lcoa, allNodes(), NeighborAdvertisement{false, false, true, lcoa, {wire::TargetLinkLayerOption{arMac}}}));
            else b.in(icmp(Ipv6Address{}, solicitedNode(lcoa), NeighborSolicitation{lcoa, {}}));
            const auto seen = take(b.out);
            QVERIFY2(count<NeighborAdvertisement>(seen) == 0, "MN-DAD-03: no answer to the unspecified address");
            QVERIFY2(!b.mn.stack().find(lcoa) && !b.mn.onLinkCareOf(), "MN-DAD-03: deconfigured");
            QVERIFY2(count<BindingUpdate>(b.to(30s)) == 0, "MN-DAD-05");
        }
    }

    void MN_DAD_03_nobodyIsAskedForALinkLayerAddress()
    {
        // A correspondent on the link: the packet goes to the router, which knows the way.
        auto s = optimistic();
        s.homeAgent = ip("2001:db8:a1::77");  // as it happens on the visited link
        Bench b(s);
        b.in(advertisement(plainRa()));
        const auto seen = take(b.out);
        QVERIFY2(count<BindingUpdate>(seen) == 1 && Bench::update(seen).frame.ethernet->destination == arMac, "MN-DAD-03: by the default router");
        for (const Seen& x : seen)
            if (const auto* ns = x.frame.as<NeighborSolicitation>()) QVERIFY2(ns->target != s.homeAgent, "MN-DAD-03: no address resolution");
    }
};

QTEST_APPLESS_MAIN(TestOptimistic)
#include "test_optimistic.moc"
