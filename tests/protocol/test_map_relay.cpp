// SPDX-License-Identifier: GPL-3.0-or-later
// Dynamic MAP discovery, probing of MAPs and the limits of fast advertisements (RFC 4140 §7, §10; RFC 6275 §7.5).
#include "tests/support/node_frames.hpp"

#include "protocol/node/access_router.hpp"
#include "protocol/node/anchor.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using wire::Echo;
using wire::MapOption;
using wire::RouterAdvertisement;

namespace {

const Mac upperMac = mac("02:00:00:00:04:01");
const Mac middleMac = mac("02:00:00:00:04:03");
const Mac cellMac = mac("02:00:00:00:04:02");
const Mac otherMac = mac("02:00:00:00:07:01");
const Ipv6Address mapA = ip("2001:db8:300::1");
const Ipv6Address mapB = ip("2001:db8:400::1");
const Ipv6Address upperRouter = ip("fe80::a");
constexpr std::size_t upper = 0;
constexpr std::size_t cell = 1;
constexpr std::size_t middle = 2;

IpStack makeStack()
{
    IpStack stack(true, Random(1));
    stack.addInterface("upper", upperMac);
    stack.addInterface("cell", cellMac);
    stack.addInterface("middle", middleMac);
    for (const auto& [interface, hardware, address] : {std::tuple{upper, upperMac, "2001:db8:300::a1/64"}, {cell, cellMac, "2001:db8:a1::1/64"}, {middle, middleMac, "2001:db8:350::1/64"}}) {
        stack.addStaticAddress(interface, {linkLocal(eui64(hardware)), 64});
        stack.addStaticAddress(interface, prefix(address));
    }
    return stack;
}

std::vector<RouterAdvertiser> advertisers(std::vector<MapOption> own, bool relays)
{
    std::vector<RouterAdvertiser> list;
    for (const auto& [interface, address] : {std::pair{cell, "2001:db8:a1::1/64"}, {upper, "2001:db8:300::a1/64"}}) {
        RouterAdvertiser::Settings settings{interface, 500ms, 1s, prefix(address), own};
        settings.relaysMaps = relays;
        list.emplace_back(settings, Random(interface + 1));
    }
    return list;
}

/// A router of either kind; what it advertises on the cell.
template <class Router>
struct Bench {
    Router router;
    Output out;
    TimePoint now{};

    void hear(std::size_t interface, std::vector<MapOption> maps, const Ipv6Address& from = upperRouter, std::uint8_t hopLimit = 255)
    {
        RouterAdvertisement ra;
        ra.routerLifetime = 1800;
        for (const MapOption& map : maps) ra.options.push_back(map);
        in(interface, icmp(from, allNodes(), ra, hopLimit));
    }
    void in(std::size_t interface, const wire::Ipv6Packet& packet)
    {
        const Mac to = interface == upper ? upperMac : interface == cell ? cellMac : middleMac;
        router.receive(now, interface, frame(otherMac, to, packet), out);
    }
    std::vector<Seen> to(Duration t)
    {
        std::vector<Seen> seen;
        while (router.nextDeadline() && *router.nextDeadline() <= TimePoint{t}) {
            now = std::max(now, *router.nextDeadline());
            router.advance(now, out);
            for (Seen& s : take(out)) seen.push_back(std::move(s));
        }
        now = TimePoint{t};
        return seen;
    }
    /// The MAP options of the last advertisement on `interface` until `t`, by address.
    std::map<Ipv6Address, MapOption> maps(Duration t, std::size_t interface = cell)
    {
        std::map<Ipv6Address, MapOption> last;
        for (const Seen& s : to(t)) {
            const auto* ra = s.frame.as<RouterAdvertisement>();
            if (!ra || s.interface != interface) continue;
            last.clear();
            for (const auto& option : ra->options)
                if (const auto* map = std::get_if<MapOption>(&option)) last[map->address] = *map;
        }
        return last;
    }
};

Bench<AccessRouter> accessRouter(std::vector<MapOption> own, bool relays, bool probes = false)
{
    MapProber::Settings probing;
    probing.enabled = probes;
    return {AccessRouter(makeStack(), advertisers(std::move(own), relays), probing), {}, {}};
}

}  // namespace

class TestMapRelay : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void HMIP_MAP_11_receivedOptionsGoOnOneFurther()
    {
        auto b = accessRouter({}, true);
        QVERIFY(b.maps(2s).empty());
        b.hear(upper, {{1, 10, true, 3600, mapA}, {15, 10, true, 3600, mapB}});
        auto maps = b.maps(4s);
        QVERIFY2(maps.size() == 1 && maps.contains(mapA), "HMIP-MAP-11: Dist ends at 15");
        QVERIFY2((maps[mapA] == MapOption{2, 10, true, 3600, mapA}), "HMIP-MAP-11: copied with Dist+1");
        QVERIFY2(b.maps(6s, upper).empty(), "not back to where it was heard");
        // Preference and lifetime follow their MAP (HMIP-MAP-12).
        b.hear(upper, {{1, 0, true, 600, mapA}});
        QVERIFY2((b.maps(8s)[mapA] == MapOption{2, 0, true, 600, mapA}), "HMIP-MAP-12: preference may change at any time");
        b.hear(upper, {{1, 0, true, 0, mapA}});
        QCOMPARE(b.maps(10s)[mapA].validLifetime, 0u);
    }

    void HMIP_MAP_11_smallestDistanceOfSeveralWays()
    {
        auto b = accessRouter({}, true);
        b.hear(upper, {{5, 10, true, 3600, mapA}});
        b.hear(middle, {{3, 10, true, 3600, mapA}}, ip("fe80::b"));
        b.hear(upper, {{7, 10, true, 3600, mapA}}, ip("fe80::c"));
        QVERIFY2(b.maps(2s)[mapA].distance == 4, "HMIP-MAP-11: smallest Dist");
        b.hear(middle, {{9, 10, true, 3600, mapA}}, ip("fe80::b"));
        QCOMPARE(b.maps(4s)[mapA].distance, std::uint8_t{6});
        // It ends with its lifetime.
        b.hear(upper, {{5, 10, true, 20, mapB}});
        QVERIFY(b.maps(20s).contains(mapB));
        QVERIFY(!b.maps(30s).contains(mapB));
    }

    void HMIP_MAP_11_aMapAddsItsOwnOption()
    {
        Registrar::Policy policy;
        policy.regionalPrefixes.emplace_back(prefix("2001:db8:300::/64"));
        Bench<Anchor> b{Anchor(makeStack(), policy, advertisers({{1, 10, true, 3600, ip("2001:db8:300::a1")}}, true)), {}, {}};
        b.hear(middle, {{1, 4, true, 3600, mapB}});
        const auto maps = b.maps(3s);
        QVERIFY2(maps.size() == 2 && maps.at(mapB).distance == 2 && maps.at(ip("2001:db8:300::a1")).distance == 1, "HMIP-MAP-11: its own together with the received one");
        QVERIFY2(maps.at(ip("2001:db8:300::a1")).preference == 10, "HMIP-MAP-12");
    }

    void HMIP_AR_02_configuredByHandUnlessToldToListen()
    {
        auto b = accessRouter({{2, 10, true, 3600, mapA}}, false);
        b.hear(upper, {{1, 3, true, 60, mapA}, {1, 3, true, 60, mapB}});
        auto maps = b.maps(3s);
        QVERIFY2(maps.size() == 1 && (maps[mapA] == MapOption{2, 10, true, 3600, mapA}), "HMIP-AR-02: manual is the default");
        // What is configured stands for itself, where both are allowed.
        auto both = accessRouter({{2, 10, true, 3600, mapA}}, true);
        both.hear(upper, {{1, 3, true, 60, mapA}, {1, 3, true, 60, mapB}});
        maps = both.maps(3s);
        QVERIFY(maps.size() == 2 && maps[mapA].preference == 10 && maps[mapB].distance == 2);
    }

    void HMIP_MAP_19_onlyAdvertisementsOfRoutersOnTheLinkCount()
    {
        auto b = accessRouter({}, true);
        b.hear(upper, {{1, 10, true, 3600, mapA}}, ip("2001:db8:300::9"));
        b.hear(upper, {{1, 10, true, 3600, mapA}}, upperRouter, 254);
        b.hear(upper, {{0, 10, true, 3600, mapA}, {1, 10, true, 3600, ip("fe80::1")}, {1, 10, true, 3600, ip("ff05::1")}, {1, 10, true, 0, mapB}});
        QVERIFY(b.maps(3s).empty());
        MapRelay relay;
        for (std::uint32_t i = 0; i < 1000; ++i) {
            auto address = mapA;
            address.octets[14] = static_cast<std::uint8_t>(i >> 8);
            address.octets[15] = static_cast<std::uint8_t>(i);
            RouterAdvertisement ra;
            ra.options = {MapOption{1, 10, true, 3600, address}};
            (void)relay.heard({}, upper, upperRouter, ra);
        }
        QCOMPARE(relay.relayedTo(cell).size(), MapRelay::maxOptions);
    }

    void HMIP_AR_04_silenceOfTheMapIsToldWithLifetime0()
    {
        auto b = accessRouter({{2, 10, true, 3600, mapA}}, false, true);
        // The MAP's neighbour entry, so that requests can leave.
        b.in(upper, icmp(mapA, ip("2001:db8:300::a1"), wire::NeighborSolicitation{ip("2001:db8:300::a1"), {wire::SourceLinkLayerOption{otherMac}}}));
        (void)take(b.out);
        std::vector<Duration> asked;
        Echo last;
        bool answers = true;
        std::optional<Duration> failed;
        for (Duration t = 100ms; t <= 100s; t += 100ms) {
            for (const Seen& s : b.to(t)) {
                if (const auto* ns = s.frame.as<wire::NeighborSolicitation>(); ns && ns->target == mapA)
                    b.in(upper, icmp(mapA, s.inner().source, wire::NeighborAdvertisement{true, true, true, mapA, {wire::TargetLinkLayerOption{otherMac}}}));
                if (const auto* echo = s.frame.as<Echo>()) {
                    QVERIFY(s.inner().destination == mapA && !echo->reply);
                    asked.push_back(t);
                    last = *echo;
                    last.reply = true;
                    if (answers) b.in(upper, icmp(mapA, s.inner().source, last, 64));
                }
                const auto* ra = s.frame.as<RouterAdvertisement>();
                if (ra && wire::findOption<MapOption>(ra->options)->validLifetime == 0 && !failed) failed = t;
            }
            if (t == 25s) answers = false;
        }
        // Every 10 s; the request at 30 s stays without answer, so 40, 45 and 50 s; at 55 s it has failed.
        QVERIFY2(asked.size() >= 7 && asked[1] - asked[0] == 10s && asked[2] - asked[1] == 10s && asked[3] - asked[2] == 10s, "HMIP-AR-04: every 10 s");
        QVERIFY2(asked[4] - asked[3] == 10s && asked[5] - asked[4] == 5s && asked[6] - asked[5] == 5s, "HMIP-AR-04: on silence every 5 s for 15 s");
        QVERIFY2(failed && *failed - asked[6] >= 5s && *failed - asked[6] <= 6s, "HMIP-AR-04: then lifetime 0");
    }

    void HMIP_AR_05_onlyTheAnswerToTheLastRequestCounts()
    {
        MapProber::Settings settings;
        settings.enabled = true;
        MapProber prober(settings, Random(1));
        prober.watch({}, {mapA});
        const auto first = prober.due({});
        QVERIFY(first && first->echo.data.size() == 8);
        Echo reply = first->echo;
        reply.reply = true;
        auto forged = reply;
        forged.data[3] ^= 1;
        const auto silentUntil = [&](const Echo& answer, const Ipv6Address& from) {
            MapProber p = prober;
            p.answered(TimePoint{1s}, from, answer);
            while (*p.nextDeadline() < TimePoint{26s}) (void)p.due(*p.nextDeadline());
            return p.hasFailed(mapA);
        };
        QVERIFY2(silentUntil(forged, mapA) && silentUntil(reply, mapB), "HMIP-AR-05: forged answers");
        QVERIFY(!silentUntil(reply, mapA));
        // Replayed later: another request is open.
        prober.answered(TimePoint{1s}, mapA, reply);
        const auto second = prober.due(TimePoint{10s});
        QVERIFY2(second && second->echo.sequence != first->echo.sequence && second->echo.data != first->echo.data, "HMIP-AR-05");
        prober.answered(TimePoint{11s}, mapA, reply);
        while (!prober.hasFailed(mapA)) (void)prober.due(*prober.nextDeadline());
        QVERIFY2(prober.takeChange() && !prober.takeChange(), "HMIP-AR-04");
        // And it comes back.
        const auto third = prober.due(*prober.nextDeadline());
        prober.answered(*prober.nextDeadline(), mapA, third->echo);
        QVERIFY(!prober.hasFailed(mapA) && prober.takeChange());
    }

    void MN_MOV_05_theFastestAdvertisements()
    {
        RouterAdvertiser::Settings settings{cell, 30ms, 70ms, prefix("2001:db8:a1::1/64"), {}};
        QVERIFY2(RouterAdvertiser::Settings{}.minInterval == 200s && RouterAdvertiser::Settings{}.maxInterval == 600s, "MN-MOV-05: not the default");
        Bench<AccessRouter> b{AccessRouter(makeStack(), {RouterAdvertiser(settings, Random(1))}), {}, {}};
        std::vector<TimePoint> times;
        while (times.size() < 2000) {
            b.now = *b.router.nextDeadline();
            b.router.advance(b.now, b.out);
            for (const Seen& s : take(b.out))
                if (const auto* ra = s.frame.as<RouterAdvertisement>()) {
                    times.push_back(b.now);
                    QVERIFY2(wire::findOption<wire::AdvertisementIntervalOption>(ra->options)->milliseconds == 90 && ra->routerLifetime >= 1, "MN-MOV-05: 20 ms more below 200 ms");
                }
            // Solicitations do not bring them closer together (MinDelayBetweenRAs = MinRtrAdvInterval).
            if (times.size() % 3 == 0) b.in(cell, icmp(Ipv6Address{}, allRouters(), wire::RouterSolicitation{}));
        }
        for (std::size_t i = 1; i < times.size(); ++i) QVERIFY2(times[i] - times[i - 1] >= 30ms && times[i] - times[i - 1] <= 70ms, "MN-MOV-05");
        const Duration mean = (times.back() - times.front()) / static_cast<std::int64_t>(times.size() - 1);
        QVERIFY2(mean > 40ms && mean < 52ms, "RFC 6275 §7.5");
    }
};

QTEST_APPLESS_MAIN(TestMapRelay)
#include "test_map_relay.moc"
