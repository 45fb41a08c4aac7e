// SPDX-License-Identifier: GPL-3.0-or-later
// Edges of what a mobile node takes from its home agent and its correspondents, and of when it asks (RFC 6275 §11.6 to §11.8).
#include "tests/support/mobile_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using Kind = RouteOptimisation::Step::Kind;
namespace status = wire::bindingStatus;

namespace {

/// Attached without a MAP, its first home update sent, at 1 s.
struct Asking {
    Bench b;
    std::uint16_t sequence = 0;

    Asking()
    {
        b.in(advertisement({.map = std::nullopt}));
        sequence = Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence;
    }
    [[nodiscard]] bool registered() const { return b.atHome(); }
};

std::vector<std::uint16_t> numbers(const std::vector<Seen>& seen)
{
    std::vector<std::uint16_t> out;
    for (const Seen& s : seen)
        if (const auto* bu = s.frame.as<BindingUpdate>()) out.push_back(bu->sequence);
    return out;
}

std::uint16_t plus(std::uint16_t a, int b) { return static_cast<std::uint16_t>(a + b); }

/// All steps that are due until `until`, with their times; tests are answered when `answers`.
std::vector<std::pair<Duration, Kind>> steps(RouteOptimisation& peer, Random& random, Duration from, Duration until, bool answers)
{
    std::vector<std::pair<Duration, Kind>> out;
    PeerRate rate;
    const auto drain = [&](TimePoint now) {
        while (const auto step = peer.due(now, random, rate)) {
            out.emplace_back(now - TimePoint{}, step->kind);
            if (answers && step->kind == Kind::HomeTestInit) (void)peer.homeTest(now, {3, step->cookie, 77, {}});
            if (answers && step->kind == Kind::CareOfTestInit) (void)peer.careOfTest(now, {4, step->cookie, 88, {}});
        }
    };
    drain(TimePoint{from});
    for (int n = 0; n < 1000; ++n) {
        const auto next = peer.nextDeadline();
        if (!next || *next > TimePoint{until}) break;
        drain(*next);
    }
    return out;
}

}  // namespace

class TestMobileEdges : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MN_BU_08_whichNumbersCount_data()
    {
        QTest::addColumn<int>("distance");
        QTest::addColumn<bool>("taken");
        for (const auto& [distance, taken] : {std::pair{0, true}, {1, false}, {-1, false}, {256, false}, {32768, false}}) QTest::addRow("%+d", distance) << distance << taken;
    }
    void MN_BU_08_whichNumbersCount()
    {
        QFETCH(int, distance);
        QFETCH(bool, taken);
        Asking a;
        a.b.in(Bench::plainAck(plus(a.sequence, distance)));
        QCOMPARE(a.registered(), taken);
        const auto copies = numbers(a.b.to(2600ms));
        QVERIFY2(taken ? copies.empty() : copies == std::vector{plus(a.sequence, 1)}, "MN-BU-16, MN-BU-08");
    }

    void MN_BU_08_whoMayAnswer()
    {
        const auto refused = [](const wire::Ipv6Packet& packet) {
            Asking a;
            wire::Ipv6Packet copy = packet;
            BindingAck ack{0, 0, a.sequence, WireLifetime{150}, {}};
            copy.payload = wire::emitMobility(ack, copy.pseudoHeader());
            a.b.in(copy);
            return !a.registered();
        };
        wire::Ipv6Packet good = Bench::plainAck(0);
        QVERIFY2(!refused(good), "the row that differs in nothing");
        wire::Ipv6Packet bad = good;
        bad.source = correspondent;
        QVERIFY2(refused(bad), "another source");
        bad = good;
        bad.routing.reset();
        QVERIFY2(refused(bad), "no routing header");
        bad = good;
        bad.routing->homeAddress = ip("2001:db8:100::2:2");
        QVERIFY2(refused(bad), "another home address");
        bad = good;
        bad.routing->segmentsLeft = 0;
        QVERIFY2(refused(bad), "MN-RX-02: segments left 0");
        bad = good;
        bad.routing->segmentsLeft = 2;
        QVERIFY2(refused(bad), "MN-RX-02: segments left 2");
    }

    void MN_BU_10_lifetimesOfTheAnswer_data()
    {
        QTest::addColumn<int>("units");
        QTest::addColumn<int>("lives");  // seconds from the update; it asks for 600 s
        for (const auto& [units, lives] : {std::pair{1, 4}, {2, 8}, {149, 596}, {150, 600}, {151, 600}, {65535, 600}}) QTest::addRow("%d", units) << units << lives;
    }
    void MN_BU_10_lifetimesOfTheAnswer()
    {
        QFETCH(int, units);
        QFETCH(int, lives);
        Asking a;
        (void)a.b.to(1200ms);
        a.b.in(Bench::plainAck(a.sequence, 0, static_cast<std::uint16_t>(units)));
        const auto& at = a.b.mn.homeAssociation();
        QVERIFY(a.registered());
        // From when the update left (1 s less the way of nothing), not from the answer.
        QCOMPARE(at.expires() - TimePoint{}, Duration{1s} + std::chrono::seconds(lives));
        std::vector<Seen> seen = a.b.to(1s + std::chrono::seconds(lives) - 1ms);
        QVERIFY2(!numbers(seen).empty(), "MN-BU-14: refreshed before its end");
    }

    void MN_BU_16_refusalsEndIt_data()
    {
        QTest::addColumn<int>("code");
        for (const int code : {128, 129, 130, 131, 132, 133, 134, 139, 255}) QTest::addRow("%d", code) << code;
    }
    void MN_BU_16_refusalsEndIt()
    {
        QFETCH(int, code);
        Asking a;
        a.b.in(Bench::plainAck(a.sequence, static_cast<std::uint8_t>(code)));
        QVERIFY2(!a.registered() && numbers(a.b.to(120s)).empty(), "MN-BU-16");
    }

    void MN_BU_09_theNumberOf135_data()
    {
        QTest::addColumn<int>("distance");
        for (const int distance : {0, 1, 100, 32767, 40000}) QTest::addRow("%+d", distance) << distance;
    }
    void MN_BU_09_theNumberOf135()
    {
        QFETCH(int, distance);
        Asking a;
        a.b.in(Bench::plainAck(plus(a.sequence, distance), status::sequenceOutOfWindow));
        const auto next = numbers(take(a.b.out));
        QVERIFY2(next.size() == 1 && isNewer(next[0], plus(a.sequence, distance)), "MN-BU-09");
        a.b.in(Bench::plainAck(next[0]));
        QVERIFY(a.registered());
    }

    void MN_COA_02_135forEverIsNoFlood()
    {
        Asking a;
        std::vector<TimePoint> sent;
        for (int i = 0; i < 400; ++i) {
            const TimePoint now{1s + i * 10ms};
            a.b.in(Bench::plainAck(plus(a.b.mn.homeAssociation().sequence(), 500), status::sequenceOutOfWindow));
            for ([[maybe_unused]] const std::uint16_t n : numbers(a.b.to(now - TimePoint{}))) sent.push_back(now);
        }
        for (std::size_t i = 3; i < sent.size(); ++i) QVERIFY2(sent[i] - sent[i - 3] >= 1050ms - 10ms, "MN-COA-02: three a second");
        QVERIFY2(sent.size() == 2 && sent[1] - sent[0] >= 2900ms, "RFC 6275 11.8: at once the first time, then with the back-off");
    }

    void MN_BU_12_adviceAtItsEdges_data()
    {
        QTest::addColumn<int>("advice");
        QTest::addColumn<int>("refreshed");  // seconds after the update
        for (const auto& [advice, refreshed] : {std::pair{1, 4}, {100, 400}, {149, 540}, {150, 540}, {200, 540}, {0, 540}}) QTest::addRow("%d", advice) << advice << refreshed;
    }
    void MN_BU_12_adviceAtItsEdges()
    {
        QFETCH(int, advice);
        QFETCH(int, refreshed);
        Asking a;
        a.b.in(Bench::plainAck(a.sequence, 0, 150, {wire::BindingRefreshAdvice{WireLifetime{static_cast<std::uint16_t>(advice)}}}));
        QVERIFY(numbers(a.b.to(1s + std::chrono::seconds(refreshed) - 1ms)).empty());
        QVERIFY2(numbers(a.b.to(1s + std::chrono::seconds(refreshed))).size() == 1, "MN-BU-12, MN-BU-14");
    }

    void optionsAndFlagsOfAnAnswerThatNobodyKnows()
    {
        Asking a;
        wire::Ipv6Packet packet = Bench::plainAck(a.sequence);
        packet.payload = wire::emitMobility(BindingAck{0, 0xff, a.sequence, WireLifetime{150}, {wire::RawMobilityOption{200, Bytes(7, 1)}}}, packet.pseudoHeader());
        a.b.in(packet);
        QVERIFY2(a.registered(), "RFC 6275 §6.2: skipped");
    }

    void RR_MN_02_howLongATokenServes_data()
    {
        QTest::addColumn<int>("age");  // ms
        QTest::addColumn<bool>("homeAgain");
        for (const auto& [age, again] : {std::pair{1000, false}, {209999, false}, {210000, true}, {300000, true}}) QTest::addRow("%d ms", age) << age << again;
    }
    void RR_MN_02_howLongATokenServes()
    {
        QFETCH(int, age);
        QFETCH(bool, homeAgain);
        RouteOptimisation peer(correspondent, homeAddress, 10, false);
        Random random(1);
        peer.request({}, lcoa, 420s);
        const auto first = steps(peer, random, 0s, 0s, true);
        QVERIFY2(first.size() == 3, "RR-MN-01: both tests, then the update");
        const TimePoint moved{std::chrono::milliseconds(age)};
        peer.request(moved, lcoa2, 420s);
        std::vector<Kind> kinds;
        for (const auto& [time, kind] : steps(peer, random, std::chrono::milliseconds(age), std::chrono::milliseconds(age), true)) kinds.push_back(kind);
        const std::vector<Kind> expected = homeAgain ? std::vector{Kind::HomeTestInit, Kind::CareOfTestInit, Kind::Update} : std::vector{Kind::CareOfTestInit, Kind::Update};
        QVERIFY2(kinds == expected, "RR-MN-02: up to MAX_TOKEN_LIFETIME, not longer");
    }

    void RR_MN_08_spacingAndEndOfEachKind()
    {
        RouteOptimisation peer(correspondent, homeAddress, 10);
        Random random(1);
        peer.request({}, lcoa, 420s);
        std::vector<Duration> home, careOf;
        for (const auto& [time, kind] : steps(peer, random, 0s, 59s, false)) (kind == Kind::HomeTestInit ? home : careOf).push_back(time);
        const std::vector<Duration> expected{0s, 1s, 3s, 7s};
        QVERIFY2(home == expected && careOf == expected, "RR-MN-08, RR-MN-04: three retries");
    }

    void RR_MN_08_updatesWithoutAnAnswer()
    {
        RouteOptimisation peer(correspondent, homeAddress, 10);
        Random random(1);
        peer.request({}, lcoa, 420s);
        std::vector<Duration> updates;
        for (const auto& [time, kind] : steps(peer, random, 0s, 59s, true))
            if (kind == Kind::Update) updates.push_back(time);
        QVERIFY2((updates == std::vector<Duration>{0s, 1s, 3s, 7s}), "RR-MN-08, RR-MN-04");
        QVERIFY2(peer.sequence() == 14, "RR-MN-06: a number for each");
    }

    void RR_CN_09_138AgainAndAgainIsNoFlood()
    {
        RouteOptimisation peer(correspondent, homeAddress, 10);
        Random random(1);
        PeerRate rate;
        peer.request({}, lcoa, 420s);
        std::vector<Duration> updates;
        const auto drain = [&](TimePoint now) {
            while (const auto step = peer.due(now, random, rate)) {
                if (step->kind == Kind::HomeTestInit) (void)peer.homeTest(now, {3, step->cookie, 77, {}});
                if (step->kind == Kind::CareOfTestInit) (void)peer.careOfTest(now, {4, step->cookie, 88, {}});
                if (step->kind != Kind::Update) continue;
                updates.push_back(now - TimePoint{});
                (void)peer.acknowledged(now, BindingAck{status::expiredNonces, 0, step->sequence, {}, {}}, {});
            }
        };
        drain({});
        for (auto next = peer.nextDeadline(); next && *next <= TimePoint{30s}; next = peer.nextDeadline()) drain(*next);
        QVERIFY2((updates == std::vector<Duration>{0s, 0s, 2s, 6s}), "the second try at once, then slower, then the tunnel (RR-MN-04)");
    }

    void RR_MN_06_noLongerThanTheHomeRegistration()
    {
        MobileNode::Settings settings = Bench::settings();
        settings.optimiseAll = true;
        settings.lifetime = std::chrono::seconds(40);
        Bench b = Bench::plain(settings);  // registered at 1 s for 40 s, now 2 s
        (void)b.to(20s);
        b.in(encapsulate(probe(correspondent, homeAddress, {7, false, 1, TimePoint{}}), homeAgent, lcoa));
        const auto tests = take(b.out);
        const auto* hot = find<wire::HomeTestInit>(tests);
        const auto* cot = find<wire::CareOfTestInit>(tests);
        QVERIFY(hot && cot);
        b.in(encapsulate(mobility(correspondent, homeAddress, wire::HomeTest{3, hot->frame.as<wire::HomeTestInit>()->cookie, 77, {}}, {}), homeAgent, lcoa));
        b.in(mobility(correspondent, lcoa, wire::CareOfTest{4, cot->frame.as<wire::CareOfTestInit>()->cookie, 88, {}}, {}));
        const auto sent = take(b.out);
        const Seen* update = find<BindingUpdate>(sent);
        QVERIFY(update);
        // The home binding ends at 41 s: 21 s are left, 5 whole units.
        QCOMPARE(int{update->frame.as<BindingUpdate>()->lifetime.count()}, 5);
        QVERIFY2(update->frame.as<BindingUpdate>()->flags == BindingUpdate::acknowledge, "RR-MN-06: neither H, L nor K");
        QVERIFY2(update->inner().payload.size() % 8 == 0 && endsInAuthorization(update->frame.as<BindingUpdate>()->options, update->inner().payload), "RR-CN-06: last and unpadded");
    }

    void echoIsASettingOfHomeAddressesToo()
    {
        Bench b = Bench::plain();
        const auto ask = [&] {
            b.in(encapsulate(icmp(correspondent, homeAddress, wire::Echo{false, 1, 1, {}}, 64), homeAgent, lcoa));
            return count<wire::Echo>(take(b.out));
        };
        QVERIFY(ask() == 1);
        b.mn.stack().configure({false, true, false});
        QVERIFY(ask() == 0);
    }

    void RR_MN_01_anEchoThroughTheHomeAgentIsAnOccasionToo()
    {
        for (const bool reply : {false, true}) {
            MobileNode::Settings settings = Bench::settings();
            settings.optimiseAll = true;
            Bench b = Bench::plain(settings);
            b.in(encapsulate(icmp(correspondent, homeAddress, wire::Echo{reply, 1, 1, {}}, 64), homeAgent, lcoa));
            const auto seen = take(b.out);
            QVERIFY2(find<wire::HomeTestInit>(seen) && find<wire::CareOfTestInit>(seen), "RR-MN-01");
        }
        // An error tells of a router somewhere, not of a correspondent.
        MobileNode::Settings settings = Bench::settings();
        settings.optimiseAll = true;
        Bench b = Bench::plain(settings);
        const wire::Ipv6Packet quoted = probe(homeAddress, correspondent, {7, true, 1, TimePoint{}});
        b.in(encapsulate(icmp(correspondent, homeAddress, wire::IcmpError{1, 0, 0, wire::emitIpv6(quoted)}, 64), homeAgent, lcoa));
        QVERIFY2(!find<wire::HomeTestInit>(take(b.out)), "RR-MN-01");
    }

    void MN_ICMP_01_aForgedQuoteChangesNothing()
    {
        MobileNode::Settings settings = Bench::settings();
        settings.optimiseAll = true;
        Bench b = Bench::plain(settings);
        b.in(encapsulate(probe(correspondent, homeAddress, {7, false, 1, TimePoint{}}), homeAgent, lcoa));
        const auto complain = [&](const Ipv6Address& source) {
            const wire::Ipv6Packet quoted = mobility(source, correspondent, wire::CareOfTestInit{1, {}}, {});
            b.in(icmp(correspondent, lcoa, wire::IcmpError{wire::icmpv6Type::parameterProblem, 1, 6, wire::emitIpv6(quoted)}, 64));
            return count(b.out, "route-optimisation-abandoned");
        };
        QVERIFY2(complain(ip("2001:db8:bad::1")) == 0, "about a packet that we did not send");
        QVERIFY2(complain(lcoa) == 1, "MN-ICMP-01");
    }
};

QTEST_APPLESS_MAIN(TestMobileEdges)
#include "test_mobile_edges.moc"
