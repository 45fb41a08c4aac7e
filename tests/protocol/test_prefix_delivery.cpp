// SPDX-License-Identifier: GPL-3.0-or-later
// Mobile prefix advertisements and requests for a refresh (RFC 6275 §6.8, §9.5.5, §10.6).
#include "tests/support/anchor_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using namespace roamscope::test::anchors;
using wire::MobilePrefixAdvertisement;
using wire::MobilePrefixSolicitation;

namespace {

constexpr Duration preferredFor = 604800s;

/// Times of what is due until `end`.
std::vector<std::pair<TimePoint, PrefixDelivery::Due>> run(PrefixDelivery& d, TimePoint end)
{
    std::vector<std::pair<TimePoint, PrefixDelivery::Due>> list;
    while (d.nextDeadline() && *d.nextDeadline() <= end && list.size() < 1000) {
        const TimePoint now = *d.nextDeadline();
        if (const auto due = d.due(now)) list.emplace_back(now, *due);
    }
    return list;
}

wire::Ipv6Packet solicitation(std::uint16_t identifier, const Ipv6Address& from = careOf)
{
    auto packet = icmp(home, agent, MobilePrefixSolicitation{identifier, {}}, 64);
    packet.source = from;
    packet.setHomeAddress(home);
    return packet;
}

const Seen* advertisementIn(const std::vector<Seen>& seen) { return find<MobilePrefixAdvertisement>(seen); }

}  // namespace

class TestPrefixDelivery : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void HA_MPA_01_unsolicitedAtARandomTimeThenRepeatedThreeTimes()
    {
        std::set<std::int64_t> minutes;
        for (std::uint64_t seed = 1; seed <= 100; ++seed) {
            PrefixDelivery d({}, Random(seed));
            d.bound(TimePoint{10s}, home, preferredFor);
            const auto list = run(d, TimePoint{10s + 86400s + 30s});
            QVERIFY2(list.size() == 4, "HA-MPA-01: one, and three repetitions");
            const Duration delay = list[0].first - TimePoint{10s};
            QVERIFY2(delay >= 600s && delay < 86400s, "HA-MPA-01: MinMobPfxAdvInterval + rand mod (MaxMobPfxAdvInterval - Min)");
            QVERIFY2(list[1].first - list[0].first == 3s && list[2].first - list[1].first == 6s && list[3].first - list[2].first == 12s, "HA-MPA-01: 3 s, doubled");
            for (const auto& [at, due] : list) QVERIFY(due.home == home && !due.solicited && due.identifier == list[0].second.identifier);
            minutes.insert(delay / 3600s);
        }
        QVERIFY2(minutes.size() > 12, "spread over the day");
        // A preferredFor lifetime below MaxMobPfxAdvInterval bounds the delay; below the least interval it is the difference that counts.
        for (const auto& [left, most] : {std::pair<Duration, Duration>{700s, 700s}, {100s, 1100s}, {600s, 600s + 1ns}}) {
            PrefixDelivery d({}, Random(5));
            d.bound({}, home, left);
            const TimePoint at = *d.nextDeadline();
            QVERIFY2(at >= TimePoint{600s} && at < TimePoint{most}, "HA-MPA-01");
        }
    }

    void HA_MPA_01_aSolicitationIsAnsweredAtOnceButNotTwiceASecond()
    {
        PrefixDelivery d({}, Random(1));
        d.bound({}, home, preferredFor);
        d.solicited(TimePoint{50s}, home, 1);
        auto list = run(d, TimePoint{50s});
        QVERIFY2(list.size() == 1 && list[0].second.solicited && list[0].second.identifier == 1, "HA-MPA-01: at once");
        for (std::uint16_t i = 2; i < 6; ++i) d.solicited(TimePoint{50s} + std::chrono::milliseconds(100 * i), home, i);
        list = run(d, TimePoint{60s});
        QVERIFY2(list.size() == 1 && list[0].first == TimePoint{51s} && list[0].second.identifier == 5, "HA-MPA-01: no more than one a second, the newest is answered");
        d.solicited(TimePoint{70s}, ip("2001:db8:100::9"), 1);  // no binding
        QVERIFY(run(d, TimePoint{80s}).empty());
    }

    void HA_MPA_01_repeatedUntilASolicitationComes()
    {
        PrefixDelivery d({}, Random(1));
        d.bound({}, home, preferredFor);
        const TimePoint first = *d.nextDeadline();
        QCOMPARE(run(d, first + 4s).size(), std::size_t{2});
        d.solicited(first + 5s, home, 77);
        const auto list = run(d, first + 60s);
        QVERIFY2(list.size() == 1 && list[0].second.solicited, "HA-MPA-01: acknowledged, no more copies");
        // Without an acknowledgement they begin anew with the next Binding Update.
        PrefixDelivery e({}, Random(1));
        e.bound({}, home, preferredFor);
        QCOMPARE(run(e, first + 60s).size(), std::size_t{4});
        e.bound(first + 100s, home, preferredFor);
        QCOMPARE(run(e, first + 160s).size(), std::size_t{4});
        // The end of the binding ends everything.
        e.bound(first + 200s, home, preferredFor);
        QCOMPARE(run(e, first + 201s).size(), std::size_t{1});
        e.unbound(home);
        QVERIFY2(!e.nextDeadline(), "HA-MPA-01: no repetitions without a binding");
    }

    void HA_MPA_01_aChangeIsToldSoonerThanTheDailyOne()
    {
        PrefixDelivery d({}, Random(1));
        d.bound({}, home, preferredFor);
        d.solicited(TimePoint{1s}, home, 1);
        QCOMPARE(run(d, TimePoint{1s}).size(), std::size_t{1});
        QVERIFY(*d.nextDeadline() >= TimePoint{1s + 86400s + 600s});
        d.changed(TimePoint{100s}, home, 650s);
        const TimePoint at = *d.nextDeadline();
        QVERIFY2(at >= TimePoint{700s} && at < TimePoint{750s}, "HA-MPA-01");
        // A second change goes with the one that is scheduled.
        d.changed(TimePoint{200s}, home, 650s);
        QCOMPARE(*d.nextDeadline(), at);
        PrefixDelivery off({false, 600s, 86400s}, Random(1));
        off.bound({}, home, preferredFor);
        off.solicited({}, home, 1);
        QVERIFY2(!off.nextDeadline(), "RFC 6275 §8.4: may be switched off");
    }

    void HA_MPA_02_SEC_08_theAnswerOfAHomeAgent()
    {
        Bench b = Bench::bound();
        b.in(coreLink, solicitation(4242));
        const auto seen = take(b.out);
        const Seen* s = advertisementIn(seen);
        QVERIFY2(seen.size() == 1 && s && s->frame.packets.size() == 1, "HA-MPA-02");
        QVERIFY2(s->inner().source == agent && s->inner().destination == careOf && s->inner().routing && s->inner().routing->homeAddress == home, "HA-MPA-02, SEC-08: source, destination, RH2");
        const auto& message = *s->frame.as<MobilePrefixAdvertisement>();
        QVERIFY2(message.identifier == 4242 && !message.managed && !message.other, "HA-MPA-02: its identifier; M and O only when they are advertised");
        const auto* option = wire::findOption<wire::PrefixInformation>(message.options);
        QVERIFY2(option && option->prefix.masked() == prefix("2001:db8:100::/64") && option->routerAddress && option->validLifetime == 2592000 && message.options.size() == 1, "HA-MPA-02: modified prefix information");
    }

    void HA_MPA_02_flagsOfTheAdvertisementsThatToldPrefixes()
    {
        using wire::RouterAdvertisement;
        const auto heard = [](Bench& b, std::uint8_t flags, bool withPrefix = true, std::uint16_t lifetime = 9000) {
            RouterAdvertisement ra;
            ra.flags = static_cast<std::uint8_t>(RouterAdvertisement::homeAgentFlag | flags);
            ra.routerLifetime = lifetime;
            if (withPrefix) ra.options = {wire::PrefixInformation{prefix("2001:db8:101::2/64"), true, true, true, 100000, 50000}};
            b.in(homeLink, icmp(ip("fe80::2"), allNodes(), ra));
        };
        const auto told = [](Bench& b) {
            b.in(coreLink, solicitation(4242));
            const auto seen = b.to(b.now - TimePoint{} + 2s);
            const Seen* s = advertisementIn(seen);
            const auto* message = s ? s->frame.as<MobilePrefixAdvertisement>() : nullptr;
            return message ? std::pair(int{message->managed}, int{message->other}) : std::pair(-1, -1);
        };
        Bench b = Bench::bound();
        heard(b, RouterAdvertisement::managedFlag, false);
        QVERIFY2(told(b) == std::pair(0, 0), "HA-MPA-02: no prefix was learnt from it");
        heard(b, RouterAdvertisement::managedFlag);
        QVERIFY2(told(b) == std::pair(1, 0), "HA-MPA-02, RFC 6275 §10.6.3: M of another home agent");
        heard(b, RouterAdvertisement::otherFlag);
        QVERIFY2(told(b) == std::pair(0, 1), "HA-MPA-02: O, and M is gone");
        heard(b, RouterAdvertisement::otherFlag, true, 0);
        QVERIFY2(told(b) == std::pair(0, 0), "HA-MPA-02: as is that home agent");
        // Its own advertisements count as well, on that link.
        RouterAdvertiser::Settings own{homeLink, 200s, 600s, prefix("2001:db8:100::1/64"), {}}, elsewhere{coreLink, 200s, 600s, prefix("2001:db8:200::1/64"), {}};
        own.managed = true;
        elsewhere.other = true;
        Bench c = Bench::bound();
        c.anchor.configure(c.now, Bench::policy(false, true), {RouterAdvertiser(own, Random(1)), RouterAdvertiser(elsewhere, Random(2))}, {});
        QVERIFY2(told(c) == std::pair(1, 0), "HA-MPA-02: including the ones sent by this home agent");
    }

    void HA_MPA_02_onlyWithHomeAddressOptionAndBinding()
    {
        Bench b = Bench::bound();
        b.in(coreLink, icmp(careOf, agent, MobilePrefixSolicitation{1, {}}, 64));
        b.in(homeLink, icmp(home, agent, MobilePrefixSolicitation{1, {}}, 64));
        QVERIFY2(take(b.out).empty(), "MN-MPS-01: without home address option");
        b.in(coreLink, solicitation(2, ip("2001:db8:300::6")));
        auto seen = take(b.out);
        QVERIFY2(seen.size() == 1 && seen[0].frame.as<wire::BindingError>(), "HA-HAO-01");
        Bench none;
        none.in(coreLink, solicitation(2));
        seen = take(none.out);
        QVERIFY(seen.size() == 1 && seen[0].frame.as<wire::BindingError>()->status == 1);
    }

    void HA_MPA_02_unsolicitedOnesOfAllTheLinksPrefixes()
    {
        Registrar::Policy policy = Bench::policy(false, false);
        policy.maximumLifetime = 262140s;
        Bench b(policy);
        wire::RouterAdvertisement ra;
        ra.flags = wire::RouterAdvertisement::homeAgentFlag;
        ra.routerLifetime = 9000;
        ra.options = {wire::PrefixInformation{prefix("2001:db8:101::2/64"), true, true, true, 100000, 50000}, wire::PrefixInformation{prefix("2001:db8:100::2/64"), true, true, true, 1, 1}};
        b.in(coreLink, Bench::update(10, 60000));
        (void)take(b.out);
        const TimePoint first = *b.anchor.nextDeadline();
        b.in(homeLink, icmp(ip("fe80::2"), allNodes(), ra));
        std::vector<Seen> seen;
        for (Duration t = 1s; t <= 86400s && !advertisementIn(seen); t += 600s) {
            b.in(homeLink, icmp(ip("fe80::2"), allNodes(), ra));
            seen = b.to(t);
        }
        const Seen* s = advertisementIn(seen);
        QVERIFY(s && s->inner().source == agent && s->inner().destination == careOf && s->inner().routing->homeAddress == home);
        QVERIFY(first >= TimePoint{});
        const auto& options = s->frame.as<MobilePrefixAdvertisement>()->options;
        QVERIFY2(options.size() == 2 && std::get<wire::PrefixInformation>(options[0]).prefix.address == agent && std::get<wire::PrefixInformation>(options[0]).validLifetime == 2592000 &&
                     std::get<wire::PrefixInformation>(options[1]).prefix == prefix("2001:db8:101::2/64"), "RFC 6275 §10.6.1: those of other home agents too, its own as it has them");
    }

    void changedPrefixesAreToldAndEndTheirBindings()
    {
        Registrar::Policy policy = Bench::policy(false, false);
        Bench b(policy);
        b.in(coreLink, Bench::update(10, 900));
        (void)take(b.out);
        policy.homePrefixes = {RouterPrefix(prefix("2001:db8:100::1/64"), 2000, 700)};
        b.anchor.configure(TimePoint{100s}, policy, {});
        auto seen = b.to(1000s);
        QVERIFY2(advertisementIn(seen), "RFC 6275 §10.6.2: lifetimes changed");
        QCOMPARE(wire::findOption<wire::PrefixInformation>(advertisementIn(seen)->frame.as<MobilePrefixAdvertisement>()->options)->preferredLifetime, 700u);
        b.in(coreLink, Bench::update(11, 900));
        seen = take(b.out);
        QVERIFY2(find<BindingAck>(seen)->frame.as<BindingAck>()->status == 1 && find<BindingAck>(seen)->frame.as<BindingAck>()->lifetime.count() == 500, "HA-BU-05");
        policy.homePrefixes = {RouterPrefix(prefix("2001:db8:100::1/64"), 0, 0)};
        b.anchor.configure(TimePoint{1000s}, policy, {});
        (void)b.to(1000s);
        QVERIFY2(!b.binding() && !b.anchor.stack().find(home), "HA-BU-10: the prefix is no longer valid");
    }

    void refreshRequestsGoThroughTheTunnelToTheHomeAddress()
    {
        AnchorServices services;
        services.refreshRequest = 30s;
        Bench b(Bench::policy(false, false), services);
        b.in(coreLink, Bench::update(10, 25));
        (void)take(b.out);
        auto seen = b.to(70s - 1ns);
        QVERIFY(!find<wire::BindingRefreshRequest>(seen));
        seen = b.to(99s);
        QVERIFY2(count<wire::BindingRefreshRequest>(seen) == 3, "RFC 6275 §9.5.5");
        const Seen* s = find<wire::BindingRefreshRequest>(seen);
        QVERIFY(s->frame.packets.size() == 2 && s->outer().destination == careOf && s->inner().destination == home && s->inner().source == agent && !s->inner().routing);
        (void)b.to(100s);
        QVERIFY(!b.binding());
        QVERIFY(!find<wire::BindingRefreshRequest>(b.to(200s)));
        // An update ends them.
        Bench c(Bench::policy(false, false), services);
        c.in(coreLink, Bench::update(10, 25));
        QCOMPARE(count<wire::BindingRefreshRequest>(c.to(75s)), std::size_t{1});
        c.in(coreLink, Bench::update(11, 25));
        QCOMPARE(count<wire::BindingRefreshRequest>(c.to(144s)), std::size_t{0});
        QCOMPARE(count<wire::BindingRefreshRequest>(c.to(146s)), std::size_t{1});
    }
};

QTEST_APPLESS_MAIN(TestPrefixDelivery)
#include "test_prefix_delivery.moc"
