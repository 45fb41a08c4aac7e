// SPDX-License-Identifier: GPL-3.0-or-later
// What router advertisements say of a link: hop limit, retransmission timer, reachable time (RFC 4861 §6.3.4), of the mobile node and of a
// host that configures itself.
#include "tests/support/mobile_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;

namespace {

RaOptions telling(std::uint8_t curHopLimit, std::uint32_t retransTimer, const char* network = "2001:db8:a1::1")
{
    RaOptions o;
    o.network = network;
    o.map.reset();
    o.curHopLimit = curHopLimit;
    o.retransTimer = retransTimer;
    return o;
}

/// When the care-of address of `network` could be used after that advertisement, in milliseconds.
std::int64_t tested(Bench& b, const RaOptions& o)
{
    const TimePoint from = b.now;
    b.in(advertisement(o));
    const Ipv6Address careOf = withInterfaceId(ip(o.network), eui64(mnMac));
    for (int ms = 0; ms <= 60000; ms += 5) {
        (void)b.to(from - TimePoint{} + std::chrono::milliseconds(ms));
        if (b.mn.stack().owns(careOf)) return ms;
    }
    return -1;
}

std::vector<std::uint8_t> hopLimitsOfUpdates(const std::vector<Seen>& seen)
{
    std::vector<std::uint8_t> out;
    for (const Seen& s : seen)
        if (s.frame.as<BindingUpdate>()) out.push_back(s.outer().hopLimit);
    return out;
}

/// Times of the solicitations for the router, none of which is answered.
std::vector<std::int64_t> unanswered(Bench& b, int until)
{
    std::vector<std::int64_t> out;
    b.routerAnswers = false;
    const TimePoint from = b.now;
    for (int ms = 0; ms <= until; ms += 10)
        for (const Seen& s : b.to(from - TimePoint{} + std::chrono::milliseconds(ms)))
            if (const auto* ns = s.frame.as<NeighborSolicitation>(); ns && ns->target == ar) out.push_back(ms);
    return out;
}

RaOptions fromAnother(const char* network)
{
    RaOptions o = telling(0, 0, network);
    o.source = ip("fe80::99");
    return o;
}

}  // namespace

class TestLinkValues : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void RFC_4862_5_4_theMobileNodeWaitsRetransTimer()
    {
        Bench slow, fast, usual;
        QVERIFY2(tested(slow, telling(0, 3000)) == 3000, "RFC 4861 §6.3.4, RFC 4862 §5.4: MN-DAD-01");
        QVERIFY2(tested(fast, telling(0, 200)) == 200, "RFC 4861 §6.3.4");
        QVERIFY2(tested(usual, telling(0, 0)) == 1000, "RFC 4861 §6.3.4: 0 is unspecified");
    }

    void RFC_4861_6_3_4_hostileTimersAreCut()
    {
        Bench endless, hasty;
        QVERIFY2(tested(endless, telling(0, 0xffffffff)) == 10000, "detection goes on");
        QVERIFY2(tested(hasty, telling(0, 1)) == 10, "an answer needs some time");
    }

    void RFC_4861_7_3_3_solicitationsAreRetransTimerApart()
    {
        Bench b;
        b.in(advertisement(telling(0, 300)));
        b.in(Bench::plainAck(Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence));
        (void)b.to(2s);
        b.in(advertisement(fromAnother("2001:db8:a2::1")));  // MN-MOV-02: is the one in use still there?
        QCOMPARE(unanswered(b, 2000), (std::vector<std::int64_t>{0, 300, 600}));
    }

    void RFC_4861_6_3_4_hopLimitOfWhatTheMobileNodeSends()
    {
        Bench b;
        b.in(advertisement(telling(17, 0)));
        auto seen = b.to(1s);
        QCOMPARE(hopLimitsOfUpdates(seen), (std::vector<std::uint8_t>{17}));
        for (const Seen& s : seen)
            if (s.frame.as<NeighborSolicitation>()) QCOMPARE(s.outer().hopLimit, std::uint8_t{255});
        b.in(Bench::plainAck(Bench::update(seen).frame.as<BindingUpdate>()->sequence));
        b.in(advertisement(telling(0, 0)));
        b.in(encapsulate(probe(correspondent, homeAddress, {7, false, 1, TimePoint{}}), homeAgent, lcoa));
        seen = b.to(2s);
        const auto answer = std::find_if(seen.begin(), seen.end(), [](const Seen& s) { return s.frame.packets.size() == 2; });
        QVERIFY2(answer != seen.end() && answer->outer().hopLimit == 17, "RFC 4861 §6.3.4: 0 changes nothing");
    }

    void RFC_4861_6_3_2_anotherLinkHasItsOwnValues()
    {
        Bench b;
        b.in(advertisement(telling(17, 300)));
        b.in(Bench::plainAck(Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence));
        (void)b.to(2s);
        b.mn.linkDown(b.now, 0, b.out);
        b.mn.linkUp(b.now, 0, b.out);
        (void)b.to(4s);
        QCOMPARE(tested(b, telling(0, 0, "2001:db8:a2::1")), std::int64_t{1000});
        b.in(advertisement(telling(0, 0, "2001:db8:a2::1")));
        (void)b.to(8s);
        QCOMPARE(b.mn.stack().retransTimer(0), Duration{1s});
    }

    void RFC_4861_6_3_2_alsoOneThatWasEnteredUnnoticed()
    {
        Bench b;
        b.in(advertisement(telling(17, 300)));
        b.in(Bench::plainAck(Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence));
        (void)b.to(2s);
        b.in(advertisement(fromAnother("2001:db8:a2::1")));
        b.routerAnswers = false;
        const auto seen = b.to(4500ms);  // MN-COA-06 after three times 300 ms, then the detection
        QVERIFY(b.mn.onLinkCareOf() == lcoa2);
        QCOMPARE(b.mn.stack().retransTimer(0), Duration{1s});
        const auto limits = hopLimitsOfUpdates(seen);
        QVERIFY(!limits.empty());
        QCOMPARE(limits.back(), std::uint8_t{64});
    }

    void RFC_4861_6_3_4_aHostThatConfiguresItself()
    {
        IpStack stack(false, Random(1));
        InterfaceSettings settings;
        settings.autoconfigures = true;
        stack.addInterface("eth0", mnMac, settings);
        Output out;
        const auto at = [&](Duration t) {
            while (stack.nextDeadline() && *stack.nextDeadline() <= TimePoint{t}) stack.advance(*stack.nextDeadline(), out);
        };
        at(1s);
        (void)stack.receive(TimePoint{1s}, 0, frame(arMac, mnMac, advertisement(telling(33, 500))), out);
        at(1499ms);
        QVERIFY(!stack.owns(lcoa));
        at(1500ms);
        QVERIFY2(stack.owns(lcoa), "RFC 4862 §5.4");
        (void)take(out);
        wire::Ipv6Packet own = probe(lcoa, correspondent, {7, false, 1, TimePoint{}});
        stack.send(TimePoint{2s}, own, out);
        own.hopLimit = 5;
        stack.send(TimePoint{2s}, own, out);
        stack.send(TimePoint{2s}, probe(ip("2001:db8:a1::99"), correspondent, {7, false, 1, TimePoint{}}), out);
        const auto seen = take(out);
        QCOMPARE(seen.size(), std::size_t{3});
        QVERIFY2(seen[0].outer().hopLimit == 33, "RFC 4861 §6.3.4");
        QVERIFY2(seen[1].outer().hopLimit == 5 && seen[2].outer().hopLimit == 64, "one that was asked for, and what is of others");
    }

    void RFC_4861_6_3_4_reachableTime()
    {
        // How long a neighbour that has answered needs no asking: half to one and a half of the base value.
        const auto asks = [](std::uint32_t reachableTime) {
            IpStack stack(false, Random(1));
            stack.addInterface("eth0", mnMac);
            stack.addStaticAddress(0, {linkLocal(eui64(mnMac)), 64});
            stack.addStaticAddress(0, {lcoa, 64});
            wire::RouterAdvertisement ra;
            ra.reachableTime = reachableTime;
            stack.learnLink(0, ra);
            const Ipv6Address neighbour = ip("2001:db8:a1::99");
            Output out;
            stack.send(TimePoint{}, probe(lcoa, neighbour, {7, false, 1, TimePoint{}}), out);
            (void)stack.receive({}, 0, frame(arMac, mnMac, icmp(neighbour, lcoa, NeighborAdvertisement{false, true, true, neighbour, {wire::TargetLinkLayerOption{arMac}}})), out);
            (void)take(out);
            stack.send(TimePoint{4s}, probe(lcoa, neighbour, {7, false, 2, TimePoint{}}), out);
            for (int steps = 0; steps < 100 && stack.nextDeadline() && *stack.nextDeadline() <= TimePoint{10s}; ++steps) stack.advance(*stack.nextDeadline(), out);
            return count<NeighborSolicitation>(take(out)) > 0;
        };
        QVERIFY2(!asks(0), "30 s without one");
        QVERIFY2(asks(2000), "RFC 4861 §6.3.4: 1 to 3 s");
        QVERIFY2(!asks(0xffffffff), "RFC 4861 §6.2.1: an hour at most");
    }
};

QTEST_APPLESS_MAIN(TestLinkValues)
#include "test_link_values.moc"
