// SPDX-License-Identifier: GPL-3.0-or-later
// Address resolution and neighbour unreachability detection, stepped by hand (RFC 4861 §7.2, §7.3).
#include "tests/support/node_frames.hpp"

#include "protocol/node/neighbor_cache.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using State = NeighborCache::State;
using Actions = NeighborCache::Actions;

namespace {

const Ipv6Address peer = ip("2001:db8::2");
const Mac peerMac = mac("02:00:00:00:00:02");
const Mac otherMac = mac("02:00:00:00:00:03");

wire::Ipv6Packet packet(std::uint8_t mark)
{
    wire::Ipv6Packet p;
    p.source = ip("2001:db8::1");
    p.destination = peer;
    p.trafficClass = mark;
    return p;
}

wire::NeighborAdvertisement na(bool solicited, bool override, std::optional<Mac> address, bool router = false)
{
    wire::NeighborAdvertisement a{router, solicited, override, peer, {}};
    if (address) a.options.push_back(wire::TargetLinkLayerOption{*address});
    return a;
}

struct Cache {
    NeighborCache cache{30s};
    Actions last;

    Actions& send(TimePoint now, std::uint8_t mark = 0) { return fresh([&] { cache.send(now, peer, packet(mark), last); }); }
    Actions& advertised(TimePoint now, const wire::NeighborAdvertisement& a) { return fresh([&] { cache.advertised(now, a, last); }); }
    Actions& learn(TimePoint now, const Mac& m, bool router = false) { return fresh([&] { cache.learn(now, peer, m, router, last); }); }
    Actions& advance(TimePoint now) { return fresh([&] { cache.advance(now, last); }); }
    [[nodiscard]] bool known() const { return !cache.entries().empty(); }
    [[nodiscard]] State state() const { return cache.find(peer)->state; }

private:
    template <class F>
    Actions& fresh(F f)
    {
        last = {};
        f();
        return last;
    }
};

Cache reachable()
{
    Cache c;
    c.send({});
    c.advertised({}, na(true, true, peerMac));
    return c;
}

}  // namespace

class TestNeighborCache : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void RFC4861_7_2_5_aRouterThatSaysItIsNone()
    {
        Cache c;
        c.learn({}, peerMac, true);
        QVERIFY(c.advertised({}, na(true, true, peerMac, true)).resigned.empty());
        QVERIFY2(c.advertised({}, na(false, false, otherMac)).resigned.empty(), "another link-layer address without O says nothing");
        QVERIFY2(c.advertised({}, na(false, true, peerMac)).resigned == std::vector{peer}, "RFC 4861 7.2.5: IsRouter changes from true to false");
        QVERIFY2(c.advertised({}, na(false, true, peerMac)).resigned.empty(), "once");
    }

    void threeMulticastSolicitationsOneSecondApartThenUnreachable()
    {
        Cache c;
        const auto& first = c.send({});
        QCOMPARE(first.solicit.size(), std::size_t{1});
        QVERIFY(!first.solicit[0].unicast && first.transmit.empty());
        QCOMPARE(c.state(), State::Incomplete);
        for (int i = 1; i <= 2; ++i) {
            QVERIFY(c.advance(TimePoint{i * 1s} - 1ns).solicit.empty());
            QCOMPARE(*c.cache.nextDeadline(), TimePoint{i * 1s});
            QCOMPARE(c.advance(TimePoint{i * 1s}).solicit.size(), std::size_t{1});
            QVERIFY2(c.advance(TimePoint{i * 1s}).solicit.empty(), "repeated advance changes nothing");
        }
        const auto& end = c.advance(TimePoint{3s});
        QVERIFY(end.solicit.empty());
        QCOMPARE(end.unreachable.size(), std::size_t{1});
        QCOMPARE(end.lost.size(), std::size_t{1});
        QVERIFY(!c.known() && !c.cache.nextDeadline());
    }

    void theQueueKeepsTheNewestThree()
    {
        Cache c;
        for (std::uint8_t i = 0; i < 5; ++i) QCOMPARE(c.send(TimePoint{i * 10ms}, i).solicit.size(), std::size_t{i == 0 ? 1u : 0u});
        const auto& flushed = c.advertised(TimePoint{100ms}, na(true, true, peerMac));
        QCOMPARE(flushed.transmit.size(), std::size_t{3});
        for (std::uint8_t i = 0; i < 3; ++i) QCOMPARE(flushed.transmit[i].packet.trafficClass, static_cast<std::uint8_t>(i + 2));
        QCOMPARE(flushed.transmit[0].to, peerMac);
        QCOMPARE(c.state(), State::Reachable);
    }

    void unsolicitedAnswerMakesStaleAndTheWaitingPacketStartsTheDelay()
    {
        Cache c;
        c.send({});
        QCOMPARE(c.advertised(TimePoint{10ms}, na(false, true, peerMac)).transmit.size(), std::size_t{1});
        QCOMPARE(c.state(), State::Delay);
        QCOMPARE(*c.cache.nextDeadline(), TimePoint{5010ms});
    }

    void anAnswerWithoutLinkLayerAddressResolvesNothing()
    {
        Cache c;
        c.send({});
        QVERIFY(c.advertised({}, na(true, true, std::nullopt)).transmit.empty());
        QCOMPARE(c.state(), State::Incomplete);
    }

    void nobodyAskedNothingCreated()
    {
        Cache c;
        c.advertised({}, na(false, true, peerMac));
        QVERIFY(!c.known());
    }

    void staleDelayProbeAndLoss()
    {
        Cache c = reachable();
        QCOMPARE(c.send(TimePoint{30s} - 1ns).transmit.size(), std::size_t{1});
        QCOMPARE(c.state(), State::Reachable);
        QVERIFY2(!c.cache.nextDeadline(), "the end of Reachable costs no timer");
        QCOMPARE(c.send(TimePoint{30s}).transmit.size(), std::size_t{1});
        QCOMPARE(c.state(), State::Delay);
        QVERIFY(c.advance(TimePoint{35s} - 1ns).solicit.empty());
        for (int i = 0; i < 3; ++i) {
            const auto& probe = c.advance(TimePoint{35s + i * 1s});
            QCOMPARE(probe.solicit.size(), std::size_t{1});
            QCOMPARE(probe.solicit[0].unicast, std::optional(peerMac));
            QCOMPARE(c.state(), State::Probe);
            QCOMPARE(c.send(TimePoint{35s + i * 1s}).transmit.size(), std::size_t{1});  // traffic goes on
        }
        const auto& end = c.advance(TimePoint{38s});
        QCOMPARE(end.lost.size(), std::size_t{1});
        QVERIFY(end.unreachable.empty());
    }

    void aSolicitedAnswerEndsTheProbe()
    {
        Cache c = reachable();
        c.send(TimePoint{30s});
        c.advance(TimePoint{35s});
        c.advertised(TimePoint{35100ms}, na(true, false, std::nullopt));
        QCOMPARE(c.state(), State::Reachable);
        QVERIFY(!c.cache.nextDeadline());
        // An unsolicited one with the same address does not (RFC 4861 §7.2.5).
        c.send(TimePoint{70s});
        c.advertised(TimePoint{70s}, na(false, true, peerMac));
        QCOMPARE(c.state(), State::Delay);
    }

    void overrideDecidesAboutAnotherLinkLayerAddress()
    {
        Cache c = reachable();
        c.advertised(TimePoint{1s}, na(true, false, otherMac));
        QCOMPARE(c.state(), State::Stale);
        QCOMPARE(c.cache.find(peer)->mac, peerMac);
        c.advertised(TimePoint{1s}, na(false, true, otherMac));
        QCOMPARE(c.state(), State::Stale);
        QCOMPARE(c.cache.find(peer)->mac, otherMac);
        c.advertised(TimePoint{2s}, na(true, true, peerMac));
        QCOMPARE(c.state(), State::Reachable);
        QCOMPARE(c.cache.find(peer)->mac, peerMac);
    }

    void sourceLinkLayerOptionsTeachStaleEntries()
    {
        Cache c;
        QVERIFY(c.learn({}, peerMac, true).solicit.empty());
        QCOMPARE(c.state(), State::Stale);
        QVERIFY(c.cache.find(peer)->router);
        c.advertised({}, na(true, true, peerMac, true));
        c.learn(TimePoint{1s}, peerMac);
        QVERIFY2(c.state() == State::Reachable, "the same address confirms nothing and changes nothing");
        QVERIFY(c.cache.find(peer)->router);
        c.learn(TimePoint{1s}, otherMac);
        QCOMPARE(c.state(), State::Stale);
        Cache waiting;
        waiting.send({});
        QCOMPARE(waiting.learn(TimePoint{10ms}, peerMac).transmit.size(), std::size_t{1});
        QCOMPARE(waiting.state(), State::Delay);
    }

    void aFloodOfNeighboursIsBounded()
    {
        Cache c = reachable();
        const Ipv6Address router = ip("2001:db8::ffff");
        c.cache.learn({}, router, otherMac, true, c.last);
        const auto stranger = [](std::uint32_t i) {
            Ipv6Address a = ip("2001:db8::");
            for (std::size_t octet = 0; octet < 4; ++octet) a.octets[8 + octet] = static_cast<std::uint8_t>(i >> (8 * octet));
            a.octets[15] = 1;
            return a;
        };
        const auto most = static_cast<std::uint32_t>(NeighborCache::maxEntries);
        for (std::uint32_t i = 0; i < 2 * most; ++i) c.cache.learn(TimePoint{1s}, stranger(i), otherMac, false, c.last);
        QCOMPARE(c.cache.entries().size(), NeighborCache::maxEntries);
        QVERIFY2(c.cache.find(peer) && c.cache.find(router), "who is reachable and who routes stays");
        QCOMPARE(c.last.lost.size(), std::size_t{most + 2});
        Actions actions;
        c.cache.send(TimePoint{1s}, ip("2001:db8::77"), packet(1), actions);
        QVERIFY(actions.solicit.size() == 1 && actions.lost.size() == 1 && c.cache.entries().size() == NeighborCache::maxEntries);
    }
};

QTEST_APPLESS_MAIN(TestNeighborCache)
#include "test_neighbor_cache.moc"
