// SPDX-License-Identifier: GPL-3.0-or-later
// Access router stepped by hand: advertisements, solicitations, forwarding (RFC 4861 §6.2, RFC 6275 §7, RFC 4140 §3.1).
#include "tests/support/node_frames.hpp"

#include "protocol/node/access_router.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using wire::RouterAdvertisement;
using wire::RouterSolicitation;

namespace {

const Mac wireless = mac("02:00:00:00:04:02");
const Mac wired = mac("02:00:00:00:04:01");
const Mac hostMac = mac("02:00:00:00:06:01");
const Ipv6Address host = ip("2001:db8:a1::6");

struct Bench {
    AccessRouter router;
    Output out;

    explicit Bench(Duration minInterval, Duration maxInterval, std::uint64_t seed = 1) : router(makeStack(), advertisers(minInterval, maxInterval, seed)) {}

    static IpStack makeStack()
    {
        IpStack stack(true, Random(1));
        stack.addInterface("domain", wired);
        stack.addInterface("w1", wireless);
        stack.addStaticAddress(0, {linkLocal(eui64(wired)), 64});
        stack.addStaticAddress(0, prefix("2001:db8:300::a1/64"));
        stack.addStaticAddress(1, {linkLocal(eui64(wireless)), 64});
        stack.addStaticAddress(1, prefix("2001:db8:a1::1/64"));
        return stack;
    }
    static std::vector<RouterAdvertiser> advertisers(Duration minInterval, Duration maxInterval, std::uint64_t seed)
    {
        RouterAdvertiser::Settings settings{1, minInterval, maxInterval, prefix("2001:db8:a1::1/64"),
                                            {{2, 10, true, 3600, ip("2001:db8:300::1")}, {1, 5, true, 60, ip("2001:db8:400::1")}}};
        return {RouterAdvertiser(settings, Random(seed))};
    }
    void in(TimePoint now, std::size_t interface, const wire::Ipv6Packet& packet)
    {
        router.receive(now, interface, frame(hostMac, interface == 1 ? wireless : wired, packet), out);
    }
    /// Times and content of the advertisements until `t`.
    std::vector<std::pair<TimePoint, Seen>> advertisements(TimePoint t)
    {
        std::vector<std::pair<TimePoint, Seen>> list;
        while (router.nextDeadline() && *router.nextDeadline() <= t) {
            const TimePoint now = *router.nextDeadline();
            router.advance(now, out);
            for (Seen& s : take(out))
                if (s.frame.as<RouterAdvertisement>()) list.emplace_back(now, std::move(s));
        }
        return list;
    }
};

}  // namespace

class TestAccessRouter : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void RFC4861_6_2_3_optionsThatDoNotFitIntoOneAdvertisement()
    {
        std::vector<wire::MapOption> maps;
        for (std::uint8_t i = 0; i < 100; ++i) maps.push_back({2, 10, true, 600, withInterfaceId(ip("2001:db8:300::"), {0, 0, 0, 0, 0, 0, 1, i})});
        const RouterAdvertiser::Settings settings{1, 30ms, 70ms, prefix("2001:db8:a1::1/64"), maps};
        Output out;
        IpStack stack = Bench::makeStack();
        RouterAdvertiser advertiser(settings, Random(1));
        advertiser.advance(TimePoint{1s}, stack, out);
        std::set<Ipv6Address> told;
        const auto seen = take(out);
        QCOMPARE(seen.size(), std::size_t{2});
        for (const Seen& s : seen) {
            const auto* ra = s.frame.as<RouterAdvertisement>();
            QVERIFY2(ra && sizeOf(s.inner()) <= 1500, "RFC 4861 6.2.3");
            QVERIFY2(wire::findOption<wire::SourceLinkLayerOption>(ra->options) && wire::findOption<wire::PrefixInformation>(ra->options), "HA-RA-01, AR-01: in each of them");
            QVERIFY2(wire::findOption<wire::MapOption>(ra->options)->address == maps[0].address, "HMIP-MN-07a");
            for (const auto& option : ra->options)
                if (const auto* map = std::get_if<wire::MapOption>(&option)) told.insert(map->address);
        }
        QCOMPARE(told.size(), std::size_t{100});
    }

    /// RFC 4443 §3.1 code 4, §2.2 a.
    void closedPortsAreTold()
    {
        Bench b(3s, 4s);
        b.router.stack().learnNeighbor({}, 1, host, hostMac, false, b.out);
        for (const char* asked : {"2001:db8:a1::1", "2001:db8:300::a1"}) {
            b.in({}, 1, probe(host, ip(asked), {1, false, 1, TimePoint{}}));
            const auto seen = take(b.out);
            const Seen* error = find<wire::IcmpError>(seen);
            QVERIFY2(error && error->frame.as<wire::IcmpError>()->type == 1 && error->frame.as<wire::IcmpError>()->code == 4, "Port Unreachable");
            QVERIFY2(error->inner().source == ip(asked) && error->inner().destination == host, "RFC 4443 §2.2 a");
        }
    }

    void AR_04_theLastAdvertisementHasLifetime0()
    {
        Bench quiet(50ms, 150ms);
        quiet.router.cease(TimePoint{}, quiet.out);
        QVERIFY2(take(quiet.out).empty(), "AR-04: nobody has heard of this router yet");
        Bench b(50ms, 150ms);
        (void)b.advertisements(TimePoint{1s});
        b.router.cease(TimePoint{1s}, b.out);
        const auto seen = take(b.out);
        QCOMPARE(seen.size(), std::size_t{1});
        const auto* ra = seen[0].frame.as<RouterAdvertisement>();
        QVERIFY2(ra && ra->routerLifetime == 0 && seen[0].interface == 1 && seen[0].inner().destination == allNodes() && seen[0].inner().hopLimit == 255 && seen[0].inner().source.isLinkLocal(), "AR-04: RFC 4861 §6.2.5");
        // The MAPs are others, which do not stop with it; the prefixes stay valid.
        QVERIFY(wire::findOption<wire::MapOption>(ra->options)->validLifetime == 3600 && wire::findOption<wire::PrefixInformation>(ra->options)->validLifetime > 0);
    }

    void HMIP_AR_01_everyAdvertisementCarriesTheMaps()
    {
        Bench b(50ms, 150ms);
        const auto list = b.advertisements(TimePoint{20s});
        QVERIFY(list.size() > 150);
        for (const auto& [time, s] : list) {
            const auto& ra = *s.frame.as<RouterAdvertisement>();
            const auto maps = std::count_if(ra.options.begin(), ra.options.end(), [](const auto& o) { return std::holds_alternative<wire::MapOption>(o); });
            QVERIFY2(maps == 2, "HMIP-AR-01");
            QCOMPARE(wire::findOption<wire::MapOption>(ra.options)->address, ip("2001:db8:300::1"));
            QVERIFY2(s.interface == 1 && s.inner().source == linkLocal(eui64(wireless)) && s.inner().hopLimit == 255 && s.inner().destination == allNodes(), "AR-06");
            const auto* pio = wire::findOption<wire::PrefixInformation>(ra.options);
            QVERIFY2(pio && pio->routerAddress && pio->onLink && pio->autonomous && pio->prefix == prefix("2001:db8:a1::1/64"), "AR-01");
            QVERIFY2(wire::findOption<wire::AdvertisementIntervalOption>(ra.options)->milliseconds == 170, "AR-02: 20 ms more below 200 ms");
            QVERIFY2(ra.routerLifetime == 1, "AR-05");
            QCOMPARE(wire::findOption<wire::SourceLinkLayerOption>(ra.options)->address, wireless);
        }
    }

    void AR_02_intervalAndLifetimeOfSlowRouters()
    {
        Bench b(200s, 600s);
        const auto list = b.advertisements(TimePoint{20s});
        const auto& ra = *list.front().second.frame.as<RouterAdvertisement>();
        QVERIFY2(wire::findOption<wire::AdvertisementIntervalOption>(ra.options)->milliseconds == 600000, "AR-02");
        QCOMPARE(ra.routerLifetime, std::uint16_t{1800});
    }

    void AR_03_unsolicitedAtRandomWithinTheBounds()
    {
        Bench b(50ms, 150ms);
        const auto list = b.advertisements(TimePoint{60s});
        std::set<std::int64_t> gaps;
        for (std::size_t i = 1; i < list.size(); ++i) {
            const Duration gap = list[i].first - list[i - 1].first;
            QVERIFY2(gap >= 50ms && gap <= 150ms, "AR-03");
            gaps.insert(gap.count() / 10'000'000);
        }
        QVERIFY2(gaps.size() >= 9, "AR-03: spread over the whole range");
    }

    void AR_03_solicitedWithinHalfASecondAndNotTooSoonAfterTheLast()
    {
        for (std::uint64_t seed = 1; seed <= 50; ++seed) {
            Bench b(200s, 600s, seed);
            (void)b.advertisements(TimePoint{60s});  // the three initial ones
            b.in(TimePoint{70s}, 1, icmp(Ipv6Address{}, allRouters(), RouterSolicitation{}));
            const auto first = b.advertisements(TimePoint{80s});
            QVERIFY2(first.size() == 1 && first[0].first >= TimePoint{70s} && first[0].first <= TimePoint{70500ms}, "AR-03");
            b.in(first[0].first, 1, icmp(Ipv6Address{}, allRouters(), RouterSolicitation{}));
            b.in(first[0].first, 1, icmp(Ipv6Address{}, allRouters(), RouterSolicitation{}));
            const auto second = b.advertisements(TimePoint{80s});
            QVERIFY2(second.size() == 1 && second[0].first - first[0].first >= 3s, "AR-03: MIN_DELAY_BETWEEN_RAS");
        }
    }

    void AR_04_theFirstThreeComeSoon()
    {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            Bench b(200s, 600s, seed);
            const auto list = b.advertisements(TimePoint{1000s});
            QVERIFY2(list[0].first <= TimePoint{16s} && list[1].first - list[0].first <= 16s && list[2].first - list[1].first <= 16s, "AR-04");
            QVERIFY(list[3].first - list[2].first >= 200s);
        }
    }

    void invalidSolicitationsAreNotAnswered()
    {
        Bench b(200s, 600s);
        (void)b.advertisements(TimePoint{60s});
        b.in(TimePoint{70s}, 1, icmp(Ipv6Address{}, allRouters(), RouterSolicitation{{wire::SourceLinkLayerOption{hostMac}}}));
        b.in(TimePoint{70s}, 1, icmp(linkLocal(eui64(hostMac)), allRouters(), RouterSolicitation{}, 254));
        auto bad = icmp(linkLocal(eui64(hostMac)), allRouters(), RouterSolicitation{});
        bad.payload[2] ^= 1;
        b.in(TimePoint{70s}, 1, bad);
        b.in(TimePoint{70s}, 0, icmp(linkLocal(eui64(hostMac)), allRouters(), RouterSolicitation{}));  // a link without advertisements
        QVERIFY(b.advertisements(TimePoint{100s}).empty());
    }

    void forwardsBetweenItsLinks()
    {
        Bench b(200s, 600s);
        b.in({}, 1, icmp(host, ip("2001:db8:a1::1"), wire::NeighborSolicitation{ip("2001:db8:a1::1"), {wire::SourceLinkLayerOption{hostMac}}}));
        (void)take(b.out);
        const auto packet = probe(ip("2001:db8:300::1"), host, {0, false, 3, TimePoint{}});
        b.in({}, 0, packet);
        const auto seen = take(b.out);
        QVERIFY(seen.size() == 1 && seen[0].interface == 1 && seen[0].frame.ethernet->destination == hostMac && seen[0].inner().hopLimit == packet.hopLimit - 1);
        // A link-local source stays on its link, where it is told (RFC 4443 §3.1): its link-layer address is asked for first.
        b.in({}, 0, icmp(ip("fe80::9"), host, wire::Echo{}, 64));
        const auto told = take(b.out);
        const auto* asked = told.size() == 1 ? told[0].frame.as<wire::NeighborSolicitation>() : nullptr;
        QVERIFY(asked && asked->target == ip("fe80::9") && told[0].interface == 0);
    }

    void earlyAndRepeatedAdvanceChangesNothing()
    {
        Bench b(50ms, 150ms);
        const TimePoint first = *b.router.nextDeadline();
        for (int i = 0; i < 5; ++i) b.router.advance(first - 1ns, b.out);
        QVERIFY(b.out.frames.empty());
        for (int i = 0; i < 5; ++i) b.router.advance(first, b.out);
        QCOMPARE(take(b.out).size(), std::size_t{1});
    }
};

QTEST_APPLESS_MAIN(TestAccessRouter)
#include "test_access_router.moc"
