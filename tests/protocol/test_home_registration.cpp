// SPDX-License-Identifier: GPL-3.0-or-later
// What a mobile node does with the answers and errors of its home agent and correspondents, stepped by hand (RFC 6275 §11.3, §11.7).
#include "tests/support/mobile_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using wire::BindingError;
using wire::BindingRefreshRequest;
using wire::CareOfTestInit;
using wire::HomeTestInit;

namespace {

MobileNode::Settings optimising()
{
    auto s = Bench::settings();
    s.optimiseAll = true;
    return s;
}

/// A probe through the home agent: the occasion for route optimisation.
wire::Ipv6Packet tunnelled(std::uint32_t serial = 1)
{
    return encapsulate(probe(correspondent, homeAddress, {7, false, serial, TimePoint{}}), homeAgent, lcoa);
}

struct Tests {
    std::uint64_t home = 0, careOf = 0;
    std::size_t homes = 0, careOfs = 0;
};
Tests testsIn(const std::vector<Seen>& seen)
{
    Tests out;
    for (const Seen& s : seen) {
        if (const auto* h = s.frame.as<HomeTestInit>()) out.home = h->cookie, ++out.homes;
        if (const auto* c = s.frame.as<CareOfTestInit>()) out.careOf = c->cookie, ++out.careOfs;
    }
    return out;
}

constexpr std::uint64_t homeToken = 11, careOfToken = 22;

wire::Ipv6Packet homeTest(std::uint64_t cookie)
{
    return encapsulate(mobility(correspondent, homeAddress, wire::HomeTest{3, cookie, homeToken, {}}, {}), homeAgent, lcoa);
}
wire::Ipv6Packet careOfTest(std::uint64_t cookie) { return mobility(correspondent, lcoa, wire::CareOfTest{4, cookie, careOfToken, {}}, {}); }

/// The correspondent's answer to the update with this number.
wire::Ipv6Packet peerAck(std::uint16_t sequence, std::uint8_t status = 0, std::vector<wire::MobilityOption> options = {})
{
    BindingAck ack{status, 0, sequence, WireLifetime{status < 128 ? std::uint16_t{100} : std::uint16_t{0}}, std::move(options)};
    wire::Ipv6Packet packet = mobility(correspondent, lcoa, ack, {}, homeAddress);
    packet.payload = emitAuthorized(ack, bindingKey(homeToken, careOfToken), lcoa, correspondent, packet.pseudoHeader());
    return packet;
}

/// The number of the last update that went straight to the correspondent.
std::optional<std::uint16_t> toPeer(const std::vector<Seen>& seen)
{
    std::optional<std::uint16_t> out;
    for (const Seen& s : seen)
        if (s.inner().destination == correspondent && s.frame.as<BindingUpdate>()) out = s.frame.as<BindingUpdate>()->sequence;
    return out;
}

/// A bench whose binding the correspondent has acknowledged, at 2 s.
Bench optimised(MobileNode::Settings s = optimising())
{
    Bench b = Bench::plain(std::move(s));
    b.in(tunnelled());
    const Tests t = testsIn(take(b.out));
    b.in(homeTest(t.home));
    b.in(careOfTest(t.careOf));
    b.in(peerAck(*toPeer(take(b.out))));
    (void)take(b.out);
    return b;
}

bool isOptimised(const Bench& b) { const auto it = b.mn.peers().find({homeAddress, correspondent});
    return it != b.mn.peers().end() && it->second.registeredCareOf(b.now) == lcoa; }

}  // namespace

class TestHomeRegistration : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MN_BU_03_linkLocalFlagWhenTheIdentifiersAreTheSame()
    {
        auto s = Bench::settings();
        Bench other(s);
        other.in(advertisement({.map = std::nullopt}));
        QVERIFY2(!Bench::update(other.to(1s)).frame.as<BindingUpdate>()->has(BindingUpdate::linkLocal), "MN-BU-03: another identifier, 0");
        s.homeAddress = withInterfaceId(homeAddress, eui64(mnMac));
        Bench same(s);
        same.in(advertisement({.map = std::nullopt}));
        QVERIFY2(Bench::update(same.to(1s)).frame.as<BindingUpdate>()->has(BindingUpdate::linkLocal), "MN-BU-03: L");
    }

    void MN_BU_04_17_noKeysThatCouldMove()
    {
        for (const std::uint8_t k : std::initializer_list<std::uint8_t>{0, 0x80}) {
            Bench b;
            b.in(advertisement({.map = std::nullopt}));
            const auto bu = *Bench::update(b.to(1s)).frame.as<BindingUpdate>();
            QVERIFY2(!bu.has(BindingUpdate::keyManagement), "MN-BU-04: without dynamic keying K is 0");
            b.in(mobility(homeAgent, lcoa, BindingAck{0, k, bu.sequence, WireLifetime{150}, {}}, {}, homeAddress));
            QVERIFY2(b.atHome(), "MN-BU-17: there is no key management connection to end or to move, whatever K says");
        }
    }

    void MN_BU_07_theFirstTimeoutIsASetting()
    {
        auto s = Bench::settings();
        s.firstTimeout = 3s;
        Bench b(s);
        b.in(advertisement({.map = std::nullopt}));
        QCOMPARE(count<BindingUpdate>(b.to(4s - 1ns)), std::size_t{1});
        QCOMPARE(count<BindingUpdate>(b.to(4s)), std::size_t{1});
    }

    void MN_BU_08_anAuthorizationThatIsNotLast()
    {
        Bench b;
        b.in(advertisement({.map = std::nullopt}));
        const auto sequence = Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence;
        b.in(Bench::plainAck(sequence, 0, 150, {wire::BindingAuthorizationData{Bytes(12)}, wire::BindingRefreshAdvice{WireLifetime{9}}}));
        QVERIFY2(!b.atHome() && count<BindingUpdate>(b.to(2500ms)) == 1, "MN-BU-08: ignored, the copies go on");
        b.in(Bench::plainAck(sequence));
        QVERIFY(b.atHome());
    }

    void MN_BU_09_whatNumberAStatus135Brings()
    {
        for (const int far : {1, 500, 30000, -20, -30000}) {
            Bench b;
            b.in(advertisement({.map = std::nullopt}));
            const auto sequence = Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence;
            const auto theirs = static_cast<std::uint16_t>(sequence + far);
            b.in(Bench::plainAck(theirs, wire::bindingStatus::sequenceOutOfWindow));
            const auto seen = take(b.out);
            QVERIFY2(count<BindingUpdate>(seen) == 1 && Bench::update(seen).frame.as<BindingUpdate>()->sequence == static_cast<std::uint16_t>(theirs + 1), qPrintable(QString("MN-BU-09: %1").arg(far)));
            b.in(Bench::plainAck(static_cast<std::uint16_t>(theirs + 1)));
            QVERIFY(b.atHome());
        }
    }

    void MN_BU_12_theHomeAgentsAdviceIsFollowed()
    {
        Bench b;
        b.in(advertisement({.map = std::nullopt}));
        b.in(Bench::plainAck(Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence, 0, 150, {wire::BindingRefreshAdvice{WireLifetime{25}}}));
        QCOMPARE(count<BindingUpdate>(b.to(101s - 1ns)), std::size_t{0});
        QVERIFY2(count<BindingUpdate>(b.to(101s)) == 1, "MN-BU-12: 100 s after the update");
        // No advice at all is one that is not shorter than the lifetime; the refresh is at nine tenths then.
        for (const int units : {0, 150, 160}) {
            Bench c;
            c.in(advertisement({.map = std::nullopt}));
            c.in(Bench::plainAck(Bench::update(c.to(1s)).frame.as<BindingUpdate>()->sequence, 0, 150, {wire::BindingRefreshAdvice{WireLifetime{static_cast<std::uint16_t>(units)}}}));
            QCOMPARE(count<BindingUpdate>(c.to(541s - 1ns)), std::size_t{0});
            QCOMPARE(count<BindingUpdate>(c.to(541s)), std::size_t{1});
        }
    }

    void MN_BU_12_aCorrespondentsAdviceIsNot()
    {
        Bench b = Bench::plain(optimising());
        b.in(tunnelled());
        const Tests t = testsIn(take(b.out));
        b.in(homeTest(t.home));
        b.in(careOfTest(t.careOf));
        b.in(peerAck(*toPeer(take(b.out)), 0, {wire::BindingRefreshAdvice{WireLifetime{5}}}));
        QVERIFY(isOptimised(b));
        QVERIFY2(!toPeer(b.to(300s)), "MN-BU-12: not after 20 s");
    }

    void MN_BU_16_refusalsEndTheUpdates()
    {
        for (const std::uint8_t status : std::initializer_list<std::uint8_t>{128, 129, 130, 131, 132, 133, 139, 174}) {
            Bench b;
            b.in(advertisement({.map = std::nullopt}));
            b.in(Bench::plainAck(Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence, status));
            QVERIFY2(count<BindingUpdate>(b.to(200s)) == 0 && !b.atHome(), "MN-BU-16: no more to that home agent");
        }
    }

    void MN_BU_16_aRefusedRefreshLeavesTheBindingToItsEnd()
    {
        Bench b = Bench::plain();
        const auto seen = b.to(541s);
        b.in(Bench::plainAck(Bench::update(seen).frame.as<BindingUpdate>()->sequence, 130));
        QVERIFY(b.atHome());
        QVERIFY2(count<BindingUpdate>(b.to(600s)) == 0, "MN-BU-16");
        (void)b.to(602s);
        QVERIFY(!b.atHome());
    }

    void MN_BE_01_unknownBindingAtTheHomeAgent()
    {
        Bench b = Bench::plain();
        b.in(mobility(correspondent, lcoa, BindingError{1, homeAddress, {}}, {}));
        b.in(mobility(homeAgent, lcoa, BindingError{1, ip("2001:db8:100::bad"), {}}, {}));
        b.in(mobility(homeAgent, lcoa, BindingError{2, homeAddress, {}}, {}));
        QVERIFY2(take(b.out).empty(), "MN-BE-01: no entry for that, nothing happens");
        b.in(mobility(homeAgent, lcoa, BindingError{1, homeAddress, {}}, {}));
        QVERIFY2(count<BindingUpdate>(take(b.out)) == 1, "MN-BE-01: a Binding Update to the home agent");
    }

    void MN_BE_01_unknownBindingAtACorrespondent()
    {
        Bench b = optimised();
        QVERIFY(isOptimised(b));
        b.in(mobility(correspondent, lcoa, BindingError{1, ip("2001:db8:100::bad"), {}}, {}));
        QVERIFY2(isOptimised(b), "MN-BE-01: about somebody else");
        b.in(mobility(correspondent, lcoa, BindingError{1, homeAddress, {}}, {}));
        QVERIFY2(!isOptimised(b), "MN-BE-01: the entry is dropped");
        (void)take(b.out);
        b.in(tunnelled(2));
        const auto seen = take(b.out);
        QVERIFY2(seen.size() == 1 && seen[0].outer().destination == homeAgent, "MN-BE-01: through the home agent from now on");
    }

    void MN_BE_01_unknownTypeCountsWhileAnAnswerIsAwaited()
    {
        Bench b = optimised();
        b.in(mobility(correspondent, lcoa, BindingError{2, Ipv6Address{}, {}}, {}));
        QVERIFY2(isOptimised(b), "MN-BE-01: status 2 without an open question is ignored");
        Bench waiting = Bench::plain(optimising());
        waiting.in(tunnelled());
        QVERIFY(testsIn(take(waiting.out)).homes == 1);
        waiting.in(encapsulate(mobility(correspondent, homeAddress, BindingError{2, Ipv6Address{}, {}}, {}), homeAgent, lcoa));
        const auto seen = waiting.to(30s);
        QVERIFY2(testsIn(seen).homes == 0 && testsIn(seen).careOfs == 0, "MN-BE-01: no more tests");
    }

    void MN_ICMP_01_onlyThePeersOwnWordCounts()
    {
        Bench b = Bench::plain(optimising());
        b.in(tunnelled());
        const auto seen = take(b.out);
        const Seen* init = find<CareOfTestInit>(seen);
        QVERIFY(init);
        const auto problem = [&](const Ipv6Address& from, std::uint8_t code) {
            return icmp(from, lcoa, wire::IcmpError{wire::icmpv6Type::parameterProblem, code, 6, wire::emitIpv6(init->outer())}, 64);
        };
        b.in(problem(ip("2001:db8:bad::1"), 1));
        b.in(problem(correspondent, 2));
        QVERIFY2(testsIn(b.to(3500ms)).careOfs == 1, "MN-ICMP-01: code 2, and what others say, changes nothing");
        b.in(problem(correspondent, 1));
        QVERIFY2(testsIn(b.to(30s)).careOfs == 0, "MN-ICMP-01");
    }

    void RR_MN_04_afterThreeRetriesTheTunnel()
    {
        Bench b = Bench::plain(optimising());
        b.in(tunnelled());
        std::vector<std::int64_t> times;
        std::set<std::uint64_t> cookies;
        for (int ms = 2000; ms <= 40000; ms += 100)
            for (const Seen& s : b.to(std::chrono::milliseconds(ms)))
                if (const auto* c = s.frame.as<CareOfTestInit>()) {
                    times.push_back(ms);
                    cookies.insert(c->cookie);
                }
        QCOMPARE(times, (std::vector<std::int64_t>{2000, 3000, 5000, 9000}));  // RR-MN-04, RR-MN-08: 1 s, doubling, three retries
        QVERIFY2(cookies.size() == 4, "RR-MN-01: new cookies");
        QVERIFY(!isOptimised(b));
        b.in(tunnelled(2));
        const auto seen = take(b.out);
        QVERIFY2(seen.size() == 1 && seen[0].outer().destination == homeAgent, "RR-MN-04: tunnelling");
    }

    void RR_MN_03_whereTestsMustComeFrom()
    {
        Bench b = Bench::plain(optimising());
        b.in(tunnelled());
        const Tests t = testsIn(take(b.out));
        const auto none = [&](const wire::Ipv6Packet& packet) {
            b.in(packet);
            return !toPeer(take(b.out));
        };
        QVERIFY(none(careOfTest(t.careOf)));
        QVERIFY2(none(mobility(correspondent, lcoa, wire::HomeTest{3, t.home, homeToken, {}}, {}, homeAddress)), "RR-MN-03: not through the home agent");
        QVERIFY2(none(homeTest(t.home + 1)), "RR-MN-03: another cookie");
        QVERIFY2(none(encapsulate(mobility(ip("2001:db8:bad::1"), homeAddress, wire::HomeTest{3, t.home, homeToken, {}}, {}), homeAgent, lcoa)), "RR-MN-03: from somebody else");
        b.in(homeTest(t.home));
        QVERIFY(toPeer(take(b.out)));
        QVERIFY2(none(homeTest(t.home)), "RR-MN-03: that token is here already");
    }

    void RR_MN_05_refreshRequests()
    {
        Bench b = optimised();
        b.in(encapsulate(mobility(ip("2001:db8:bad::1"), homeAddress, BindingRefreshRequest{}, {}), homeAgent, lcoa));
        QVERIFY2(take(b.out).empty(), "RR-MN-05: not in the list");
        (void)b.to(10s);
        b.in(encapsulate(mobility(correspondent, homeAddress, BindingRefreshRequest{}, {}), homeAgent, lcoa));
        QVERIFY2(toPeer(take(b.out)), "RR-MN-05: the tokens are good, an update follows");
        Bench old = optimised();
        for (int s = 20; s <= 300; s += 20) {
            old.in(encapsulate(probe(correspondent, homeAddress, {9, false, 1, TimePoint{}}), homeAgent, lcoa));
            (void)old.to(std::chrono::seconds(s));
        }
        old.in(encapsulate(mobility(correspondent, homeAddress, BindingRefreshRequest{}, {}), homeAgent, lcoa));
        const Tests t = testsIn(take(old.out));
        QVERIFY2(t.homes == 1 && t.careOfs == 1, "RR-MN-05: with old tokens return routability runs first");
        // The home agent may ask, too.
        Bench home = Bench::plain();
        home.in(encapsulate(mobility(homeAgent, homeAddress, BindingRefreshRequest{}, {}), homeAgent, lcoa));
        const auto seen = take(home.out);
        QVERIFY2(count<BindingUpdate>(seen) == 1 && Bench::update(seen).inner().destination == homeAgent, "RR-MN-05 at the home agent");
    }

    void RR_MN_06_withoutAcknowledgement()
    {
        auto s = optimising();
        s.acknowledgedByPeers = false;
        Bench b = Bench::plain(s);
        b.in(tunnelled());
        const Tests t = testsIn(take(b.out));
        b.in(homeTest(t.home));
        b.in(careOfTest(t.careOf));
        const auto seen = take(b.out);
        QVERIFY(toPeer(seen) && !Bench::update(seen).frame.as<BindingUpdate>()->has(BindingUpdate::acknowledge));
        QVERIFY2(isOptimised(b), "RFC 6275 §11.7.2: nobody will say that it arrived");
        QVERIFY2(!toPeer(b.to(60s)), "no copies");
        b.in(peerAck(*toPeer(seen), wire::bindingStatus::expiredNonces));
        const Tests again = testsIn(take(b.out));
        QVERIFY2(!isOptimised(b) && again.homes == 1 && again.careOfs == 1, "RR-CN-07: a refusal is told all the same");
    }

    void MN_BU_09_aCorrespondents135IsBelievedWhenItIsProven()
    {
        Bench b = Bench::plain(optimising());
        b.in(tunnelled());
        const Tests t = testsIn(take(b.out));
        b.in(homeTest(t.home));
        b.in(careOfTest(t.careOf));
        const auto mine = *toPeer(take(b.out));
        b.in(mobility(correspondent, lcoa, BindingAck{135, 0, static_cast<std::uint16_t>(mine + 100), WireLifetime{0}, {}}, {}, homeAddress));
        QVERIFY2(!toPeer(take(b.out)), "MN-BU-08, -09: without proof");
        b.in(peerAck(static_cast<std::uint16_t>(mine + 100), 135));
        QVERIFY2(toPeer(take(b.out)) == static_cast<std::uint16_t>(mine + 101), "MN-BU-09");
    }

    void MN_TX_03_multicastThroughTheHomeAgent()
    {
        Bench b = Bench::plain(optimising());
        wire::Ipv6Packet packet = probe(homeAddress, ip("ff1e::5"), {7, false, 1, TimePoint{}});
        b.mn.originate(b.now, packet, b.out);
        const auto seen = take(b.out);
        QVERIFY2(seen.size() == 1 && seen[0].frame.packets.size() == 2 && seen[0].outer().source == lcoa && seen[0].outer().destination == homeAgent, "MN-TX-03: tunnelled to the home agent");
        QVERIFY2(seen[0].inner().source == homeAddress && seen[0].inner().destination == ip("ff1e::5") && !seen[0].inner().homeAddress(), "MN-TX-03: inner source is the home address");
        b.mn.linkDown(b.now, 0, b.out);
        b.mn.linkUp(b.now, 0, b.out);
        std::size_t reports = 0;
        for (const Seen& s : b.to(4s)) {
            if (!s.frame.as<wire::ListenerReport>()) continue;
            ++reports;
            QVERIFY2(!s.inner().homeAddress() && (s.inner().source.isLinkLocal() || s.inner().source.isUnspecified()), "MN-TX-03: reports on the visited link are its own");
        }
        QVERIFY(reports > 0);
    }

    void RR_MN_08_threeMessagesOfATypeASecond()
    {
        RouteOptimisation peer(correspondent, homeAddress, 10);
        Random random(1);
        PeerRate rate;
        std::map<RouteOptimisation::Step::Kind, std::vector<TimePoint>> sent;
        for (int i = 0; i < 100; ++i) {  // another care-of address every 50 ms
            const TimePoint now{i * 50ms};
            peer.request(now, i % 2 == 0 ? lcoa : lcoa2, 400s);
            while (const auto step = peer.due(now, random, rate)) {
                sent[step->kind].push_back(now);
                if (step->kind == RouteOptimisation::Step::Kind::HomeTestInit) (void)peer.homeTest(now, {3, step->cookie, homeToken, {}});
                if (step->kind == RouteOptimisation::Step::Kind::CareOfTestInit) (void)peer.careOfTest(now, {4, step->cookie, careOfToken, {}});
            }
        }
        QVERIFY2(sent.size() == 3, "both tests and the update");
        for (const auto& [kind, times] : sent)
            for (std::size_t i = 3; i < times.size(); ++i) QVERIFY2(times[i] - times[i - 3] >= 1s, "RR-MN-08");
        QVERIFY(sent[RouteOptimisation::Step::Kind::Update].size() > 8);
    }

    void MN_TX_04_noHomeAddressOptionNorRoutingHeaderButInUpdates()
    {
        Bench b = Bench::plain(optimising());
        b.in(tunnelled());
        auto seen = take(b.out);
        const Tests t = testsIn(seen);
        b.in(homeTest(t.home));
        b.in(careOfTest(t.careOf));
        for (Seen& s : take(b.out)) seen.push_back(std::move(s));
        for (const Seen& s : seen) {
            if (s.frame.upper != wire::protocol::mobility) continue;
            QVERIFY2(!s.inner().routing, "MN-TX-04");
            QVERIFY2(s.inner().homeAddress().has_value() == (s.frame.as<BindingUpdate>() != nullptr), "MN-TX-04");
        }
        QVERIFY(t.homes == 1 && t.careOfs == 1);
    }
};

QTEST_APPLESS_MAIN(TestHomeRegistration)
#include "test_home_registration.moc"
