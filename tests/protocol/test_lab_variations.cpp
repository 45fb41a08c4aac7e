// SPDX-License-Identifier: GPL-3.0-or-later
// Other scenarios than the sample, in virtual time, and random schedules with invariants.
#include "tests/support/lab_run.hpp"

#include "protocol/node/sequence.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::test;
using lab::Dialect;
using lab::Scenario;
using wire::BindingUpdate;

namespace {

const Ipv6Address homeAddress = ip("2001:db8:100::1:1");

lab::LinkEvent attach(Duration at, std::optional<std::string> link, std::string node = "mn") { return {TimePoint{at}, std::move(node), "wl0", std::move(link)}; }

Scenario stationary()
{
    Scenario s = sampleScenario();
    s.events = {attach(0s, "w1")};
    return s;
}

void forAdvertisements(Scenario& s, const std::function<void(lab::AdvertiseSpec&)>& change)
{
    for (auto& n : s.nodes)
        for (auto& i : n.interfaces)
            if (i.advertise) change(*i.advertise);
}

std::size_t updates(const LabRun& run, std::uint16_t flag, std::string_view link)
{
    std::size_t n = 0;
    for (const auto& f : run.out.frames)
        if (const auto d = run.decoded(f); run.link(f) == link)
            if (const auto* bu = d.as<BindingUpdate>()) n += bu->has(flag) ? 1u : 0u;
    return n;
}

/// The state that the truth record of `node` has for `object`: key and newest attributes.
std::size_t recorded(const LabRun& run, std::string_view node, std::string_view object)
{
    std::set<std::string> keys;
    for (const auto& e : run.out.events) {
        if (e.node != run.node(node) || e.event.name != object) continue;
        std::string key;
        for (const auto& [name, value] : e.event.key)
            if (std::holds_alternative<std::string>(value) || std::holds_alternative<Ipv6Address>(value)) key += std::string(name) + "=" + node::textOf({{name, value}}, name) + " ";
        if (e.event.gone) keys.erase(key);
        else keys.insert(key);
    }
    return keys.size();
}

std::size_t valid(const node::Registrar& registrar)
{
    std::size_t n = 0;
    for (const auto& binding : registrar.bindings()) n += binding.state == node::Binding::State::Valid ? 1u : 0u;
    return n;
}

/// What must hold at any time of any run.
void checkInvariants(const LabRun& run)
{
    for (const char* name : {"ha", "map"}) {
        const auto& registrar = run.registrar(name);
        for (const auto& binding : registrar.bindings()) {
            if (binding.state != node::Binding::State::Valid) continue;
            QVERIFY2(binding.expires > run.lab.now(), "a binding outlives its lifetime");
            QVERIFY(run.lab.stack(run.node(name)).proxies(binding.homeAddress));
        }
        QCOMPARE(recorded(run, name, "binding"), valid(registrar));
        QVERIFY2(recorded(run, name, "tunnel") == valid(registrar), "tunnels equal bindings");
    }
}

/// Numbers to each peer, in the order of sending, only move forward (MN-BU-06).
void checkSequences(const LabRun& run)
{
    std::map<std::pair<Ipv6Address, Ipv6Address>, std::uint16_t> last;
    for (const auto& f : run.out.frames) {
        if (run.link(f) != "w1" && run.link(f) != "w2") continue;
        const auto d = run.decoded(f);
        const auto* bu = d.as<BindingUpdate>();
        if (!bu) continue;
        const auto [it, first] = last.try_emplace({*d.inner()->homeAddress(), d.inner()->destination}, bu->sequence);
        if (!first) QVERIFY2(node::isNewer(bu->sequence, it->second), "MN-BU-06");
        it->second = bu->sequence;
    }
}

}  // namespace

class TestLabVariations : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void HMIP_MN_07a_withoutMapOptionPlainMobileIpv6()
    {
        Scenario s = sampleScenario();
        forAdvertisements(s, [](auto& a) { a.map.clear(); });
        LabRun run(s);
        run.to(TimePoint{20s});
        QCOMPARE(updates(run, BindingUpdate::mapRegistration, "w1"), std::size_t{0});
        QVERIFY2(updates(run, BindingUpdate::homeRegistration, "w1") == 1 && updates(run, BindingUpdate::homeRegistration, "w2") == 1, "HMIP-MN-07a");
        QVERIFY(run.registeredAtHome());
        QCOMPARE(run.registrar("ha").find(homeAddress)->careOfAddress, *run.mobile().onLinkCareOf());
        QVERIFY(run.serials("mn", "probe-received").back() > 990);
        // After the move nothing leaves with the care-of address of the link before (MN-RX, topologically correct sources).
        for (const auto& f : run.out.frames)
            if (const auto d = run.decoded(f); run.link(f) == "w2" && !d.packets.empty()) QVERIFY(!prefix("2001:db8:a1::/64").contains(d.packets.front().source));
        checkInvariants(run);
    }

    void HMIP_MN_05_preferenceZeroIsNoMapForNewBindings()
    {
        Scenario s = stationary();
        forAdvertisements(s, [](auto& a) { a.map[0].preference = 0; });
        LabRun run(s);
        run.to(TimePoint{10s});
        QVERIFY2(updates(run, BindingUpdate::mapRegistration, "w1") == 0, "HMIP-MN-05");
        QVERIFY(run.registeredAtHome());
    }

    void HMIP_MN_06_movingWhereTheMapHasFailedFallsBack()
    {
        Scenario s = sampleScenario();
        s.nodes[4].interfaces[1].advertise->map[0].lifetime = 0s;  // AR2
        LabRun run(s);
        run.to(TimePoint{20s});
        QVERIFY2(updates(run, BindingUpdate::mapRegistration, "w2") == 0 && updates(run, BindingUpdate::homeRegistration, "w2") == 1, "HMIP-MN-06");
        QCOMPARE(run.registrar("ha").find(homeAddress)->careOfAddress, *run.mobile().onLinkCareOf());
        QVERIFY(run.serials("mn", "probe-received").back() > 990);
        checkInvariants(run);
    }

    void HMIP_MN_07a_leavingTheDomainAndComingBack()
    {
        Scenario s = sampleScenario();
        s.nodes[4].interfaces[1].advertise->map.clear();  // AR2 is outside
        s.duration = 30s;
        s.events.push_back(attach(20s, "w1"));
        LabRun run(s);
        run.to(TimePoint{20s} - 1ns);
        QVERIFY2(updates(run, BindingUpdate::mapRegistration, "w2") == 0 && !run.mobile().mapAssociation(), "HMIP-MN-07a: no MAP is advertised on this link");
        QCOMPARE(run.registrar("ha").find(homeAddress)->careOfAddress, *run.mobile().onLinkCareOf());
        run.to(TimePoint{30s});
        QCOMPARE(run.registrar("ha").find(homeAddress)->careOfAddress, *run.mobile().regionalCareOf());
        checkInvariants(run);
        checkSequences(run);
    }

    void HMIP_AR_06_theOptionLivesNoLongerThanTheMapsPrefix()
    {
        // Valid 3000 s and preferred 2000 s: RFC 4140 takes the lesser of both, RFC 5380 looks at the valid lifetime alone.
        // The same for a MAP that is named by its address.
        for (const auto& [dialect, asked, expected, name] :
             {std::tuple{Dialect::Rfc4140, 3600, 2000u, "map"}, {Dialect::Rfc5380, 3600, 3000u, "map"}, {Dialect::Rfc4140, 1000, 1000u, "map"}, {Dialect::Rfc5380, 2500, 2500u, "map"},
              {Dialect::Rfc4140, 3600, 2000u, "2001:db8:300::1"}, {Dialect::Rfc5380, 3600, 3000u, "2001:db8:300::1"}}) {
            Scenario s = stationary();
            s.dialect = dialect;
            for (auto& n : s.nodes)
                for (auto& i : n.interfaces) {
                    if (i.advertise) {
                        i.advertise->map[0].lifetime = std::chrono::seconds(asked);
                        i.advertise->map[0].node = name;
                    }
                    if (n.name == "map" && i.name == "domain") {
                        i.advertise.emplace();
                        i.advertise->prefixes = {{prefix("2001:db8:300::1/64"), true, true, true, 3000s, 2000s, false}};
                    }
                }
            LabRun run(s);
            (void)run.to(TimePoint{1s});
            std::size_t seen = 0;
            for (const auto& f : run.out.frames)
                if (const auto d = run.decoded(f); const auto* ra = d.as<wire::RouterAdvertisement>())
                    if (const auto* map = wire::findOption<wire::MapOption>(ra->options)) {
                        QVERIFY2(map->validLifetime == expected, "HMIP-AR-06");
                        ++seen;
                    }
            QVERIFY(seen > 3);
        }
    }

    void HMIP_MAP_18_regionalAddressesAreOfTheMapsOwn64()
    {
        // The advertised address is one of the MAP's, whose /64 its regional addresses have, for which it stands in on that link.
        LabRun run(stationary());
        (void)run.to(TimePoint{5s});
        const auto* map = run.lab.nodeAs<node::Anchor>(run.node("map"));
        std::size_t updates = 0;
        for (const auto& f : run.out.frames) {
            const auto d = run.decoded(f);
            if (const auto* ra = d.as<wire::RouterAdvertisement>(); ra && run.link(f) == "w1") {
                const auto* option = wire::findOption<wire::MapOption>(ra->options);
                QVERIFY2(option && map->stack().owns(option->address) && prefix("2001:db8:300::/64").contains(option->address), "HMIP-MAP-18");
            }
            const auto* bu = d.as<BindingUpdate>();
            if (!bu || !bu->has(BindingUpdate::mapRegistration)) continue;
            ++updates;
            const auto regional = d.inner()->homeAddress();
            QVERIFY2(regional && prefix("2001:db8:300::/64").contains(*regional), "HMIP-MAP-18, HMIP-MN-08a");
            QVERIFY2(map->stack().proxies(*regional), "HMIP-MAP-18: configured on the MAP");
        }
        QVERIFY(updates > 0);
        // Anything else is no regional prefix.
        const auto problem = [](const char* text) {
            Scenario s = stationary();
            s.nodes[2].regionalPrefix = prefix(text);
            return !lab::validate(s).empty();
        };
        QVERIFY2(problem("2001:db8:300::/48") && problem("2001:db8:999::/64") && !problem("2001:db8:300::/64"), "HMIP-MAP-18: 64 bits, with an address of the MAP in it");
    }

    void HMIP_MAP_03_noDetectionInTheNewerDialect()
    {
        Scenario s = stationary();
        s.dialect = Dialect::Rfc5380;
        LabRun run(s);
        run.to(TimePoint{10s});
        for (const auto& line : run.signalling(sampleNames(run), TimePoint{}, TimePoint{10s}))
            QVERIFY2(line != "domain DAD RCoA", "HMIP-MAP-03");
        QVERIFY(run.registeredAtHome());
        const auto first = run.events("mn", "local-binding-update").front();
        QVERIFY2(run.events("mn", "binding-acknowledged").front() - first < 40ms, "HMIP-MAP-03: the answer comes at once");
        const auto lines = run.signalling(sampleNames(run), TimePoint{}, TimePoint{10s});
        QVERIFY2(std::count(lines.begin(), lines.end(), "domain NA RCoA") == 1, "HMIP-MAP-05: defended all the same");
    }

    void pingPongEveryThreeSeconds()
    {
        Scenario s = sampleScenario();
        s.events.clear();
        s.duration = 60s;
        for (int i = 0; i < 18; ++i) s.events.push_back(attach(i * 3s, i % 2 == 0 ? "w1" : "w2"));
        LabRun run(s);
        for (int t = 1; t <= 60; ++t) {
            run.to(TimePoint{std::chrono::seconds(t)});
            checkInvariants(run);
        }
        checkSequences(run);
        QVERIFY(run.registeredAtHome());
        // HMIP-MN-17: however often the node moves, the home agent hears it only until it is registered.
        // (Twice, as the first move falls into the home agent's duplicate address detection.)
        QCOMPARE(updates(run, BindingUpdate::homeRegistration, "core"), std::size_t{2});
        QVERIFY2(run.events("mn", "home-binding-update").back() < TimePoint{6s}, "HMIP-MN-17");
        QCOMPARE(updates(run, BindingUpdate::mapRegistration, "domain"), std::size_t{18});
    }

    void HMIP_MN_02_reattachingToTheSameLinkNeedsNoUpdate()
    {
        Scenario s = sampleScenario();
        s.events = {attach(0s, "w1"), attach(10s, std::nullopt), attach(10100ms, "w1")};
        LabRun run(s);
        run.to(TimePoint{20s});
        QVERIFY2(run.events("mn", "local-binding-update").size() == 1 && run.events("mn", "home-binding-update").size() == 1,
                 "HMIP-MN-02: same MAP, same RCoA, same LCoA");
        QVERIFY(run.serials("mn", "probe-received").back() > 990);
    }

    void linkFlapsDuringDetection()
    {
        Scenario s = sampleScenario();
        s.events = {attach(0s, "w1")};
        for (int i = 1; i <= 8; ++i) {
            s.events.push_back(attach(i * 600ms, std::nullopt));
            s.events.push_back(attach(i * 600ms + 50ms, i % 3 == 0 ? "w2" : "w1"));
        }
        LabRun run(s);
        run.to(TimePoint{15s});
        QVERIFY(run.registeredAtHome());
        checkInvariants(run);
        checkSequences(run);
    }

    void attachedFromTheStart()
    {
        Scenario s = sampleScenario();
        s.events.clear();
        s.nodes[5].interfaces[0].link = "w1";
        LabRun run(s);
        run.to(TimePoint{10s});
        QVERIFY(run.registeredAtHome());
        QCOMPARE(run.out.moves.size(), std::size_t{1});
    }

    void twoMobileNodes()
    {
        Scenario s = sampleScenario();
        lab::NodeSpec second = s.nodes[5];
        second.name = "mn2";
        second.homeAddress = ip("2001:db8:100::1:2");
        s.nodes.push_back(second);
        s.events.push_back(attach(0s, "w1", "mn2"));
        s.events.push_back(attach(12s, "w2", "mn2"));
        s.traffic.push_back({"second", "cn", "mn2", 20, 60, true});
        LabRun run(s);
        run.to(TimePoint{20s});
        QVERIFY(run.registeredAtHome("mn") && run.registeredAtHome("mn2"));
        QCOMPARE(valid(run.registrar("map")), std::size_t{2});
        QCOMPARE(valid(run.registrar("ha")), std::size_t{2});
        QVERIFY(*run.mobile("mn").regionalCareOf() != *run.mobile("mn2").regionalCareOf());
        QVERIFY(run.serials("mn2", "probe-received").back() > 395);
        checkInvariants(run);
        checkSequences(run);
    }

    void MN_DAD_05_aLinkWhereSomebodyHasOurAddress()
    {
        // A correspondent on w2 has, as its static address, the one that the mobile node forms there.
        Scenario s = sampleScenario();
        const Mac shared = LabRun(sampleScenario()).lab.ports().back().mac;
        lab::NodeSpec squatter = s.nodes[1];
        squatter.name = "squatter";
        squatter.interfaces = {lab::InterfaceSpec{"w2", "w2", Prefix{withInterfaceId(ip("2001:db8:a2::"), eui64(shared)), 64}, {}, {}}};
        s.nodes.insert(s.nodes.begin(), squatter);
        s.nodes[6].interfaces[0].mac = shared;
        LabRun run(s);
        run.to(TimePoint{20s});
        QVERIFY2(updates(run, BindingUpdate::mapRegistration, "w2") == 0, "MN-DAD-05: no update with that address");
        std::size_t probes = 0;
        for (const auto& f : run.out.frames)
            if (const auto d = run.decoded(f); run.link(f) == "w2")
                if (const auto* ns = d.as<wire::NeighborSolicitation>(); ns && d.inner()->source.isUnspecified()) ++probes;
        QVERIFY2(probes == 2, "one solicitation for the link-local address and one for the LCoA, not one for every advertisement");
        QVERIFY(!run.mobile().onLinkCareOf());
    }

    void HMIP_MAP_02_aTakenRegionalAddressIsRefusedAndPlainMobileIpv6Goes()
    {
        Scenario s = stationary();
        const Mac shared = LabRun(sampleScenario()).lab.ports().back().mac;
        lab::NodeSpec squatter = s.nodes[1];
        squatter.name = "squatter";
        squatter.interfaces = {lab::InterfaceSpec{"domain", "domain", Prefix{withInterfaceId(ip("2001:db8:300::"), eui64(shared)), 64}, {}, {}}};
        s.nodes.insert(s.nodes.begin(), squatter);
        s.nodes[6].interfaces[0].mac = shared;
        LabRun run(s);
        run.to(TimePoint{10s});
        std::size_t refused = 0;
        for (const auto& f : run.out.frames)
            if (const auto d = run.decoded(f); run.link(f) == "w1")
                if (const auto* ba = d.as<wire::BindingAck>()) refused += ba->status == 134 ? 1u : 0u;
        QVERIFY2(refused == 1, "HMIP-MAP-02: status 134");
        QVERIFY(valid(run.registrar("map")) == 0 && run.registeredAtHome());
        QCOMPARE(run.registrar("ha").find(homeAddress)->careOfAddress, *run.mobile().onLinkCareOf());
    }

    void aLinkLayerAddressThatTheScenarioGivesIsNobodyElses()
    {
        // The first node gets the address that the last one has when nothing is said.
        Scenario s = sampleScenario();
        const Mac usual = LabRun(sampleScenario()).lab.ports().back().mac;
        s.nodes.front().interfaces.front().mac = usual;
        LabRun run(s);
        std::set<Mac> all;
        for (const lab::Port& port : run.lab.ports()) all.insert(port.mac);
        QCOMPARE(all.size(), run.lab.ports().size());
        QCOMPARE(run.lab.ports().front().mac, usual);
        run.to(TimePoint{8s});
        QVERIFY(run.registeredAtHome());
    }

    void HMIP_MN_15_shortLifetimesAreRefreshedThroughTheTunnel()
    {
        Scenario s = stationary();
        s.nodes[5].lifetime = 12s;
        s.duration = 60s;
        LabRun run(s);
        for (int t = 4; t <= 60; ++t) {
            run.to(TimePoint{std::chrono::seconds(t)});
            QVERIFY2(run.registeredAtHome() && run.registrar("ha").find(homeAddress), "the binding never lapses");
            QVERIFY(run.registrar("map").find(*run.mobile().regionalCareOf()));
            checkInvariants(run);
        }
        std::size_t home = 0;
        TimePoint mapEnds{};
        for (const auto& f : run.out.frames) {
            const auto d = run.decoded(f);
            if (run.link(f) != "w1") continue;
            if (const auto* ba = d.as<wire::BindingAck>(); ba && d.inner()->source == ip("2001:db8:300::1")) mapEnds = f.time + std::chrono::seconds(4 * ba->lifetime.count());
            const auto* bu = d.as<BindingUpdate>();
            if (!bu || !bu->has(BindingUpdate::homeRegistration)) continue;
            ++home;
            QVERIFY2(d.packets.size() == 2 && d.packets[0].destination == ip("2001:db8:300::1"), "HMIP-MN-14: through the tunnel");
            QVERIFY2(f.time + std::chrono::seconds(4 * bu->lifetime.count()) <= mapEnds, "HMIP-MN-15: no longer than what is left at the MAP");
        }
        QVERIFY(home >= 5 && home <= 25);
        checkSequences(run);
        QVERIFY(run.serials("mn", "probe-received").size() > 2700);
    }

    void HMIP_MN_16_shortMapLifetimeBoundsTheLocalBinding()
    {
        Scenario s = stationary();
        forAdvertisements(s, [](auto& a) { a.map[0].lifetime = 30s; });
        LabRun run(s);
        run.to(TimePoint{60s});
        for (const auto& f : run.out.frames)
            if (const auto d = run.decoded(f); d.as<BindingUpdate>() && d.as<BindingUpdate>()->has(BindingUpdate::mapRegistration))
                QVERIFY2(d.as<BindingUpdate>()->lifetime.count() * 4 <= 30, "HMIP-MN-16");
        QVERIFY(run.registeredAtHome());
        checkInvariants(run);
    }

    void HA_BU_05_shortMaximumAtTheAnchors()
    {
        Scenario s = stationary();
        s.nodes[0].maximumLifetime = 20s;
        s.nodes[2].maximumLifetime = 16s;
        LabRun run(s);
        for (int t = 4; t <= 60; ++t) {
            run.to(TimePoint{std::chrono::seconds(t)});
            QVERIFY(run.registeredAtHome());
            QVERIFY(run.registrar("ha").find(homeAddress)->granted.count() <= 4);
            QVERIFY(run.registrar("map").find(*run.mobile().regionalCareOf())->granted.count() <= 4);
            checkInvariants(run);
        }
    }

    void aNodeThatLeavesForGoodIsForgotten()
    {
        Scenario s = sampleScenario();
        s.nodes[5].lifetime = 20s;
        s.events = {attach(0s, "w1"), attach(10s, std::nullopt)};
        s.duration = 60s;
        LabRun run(s);
        const std::size_t steps = run.to(TimePoint{60s});
        QVERIFY(valid(run.registrar("map")) == 0 && valid(run.registrar("ha")) == 0);
        QVERIFY(!run.lab.stack(run.node("ha")).find(homeAddress));
        checkInvariants(run);
        QVERIFY(steps < 60000);
    }

    void randomSchedules_data()
    {
        QTest::addColumn<int>("seed");
        for (int seed = 1; seed <= 30; ++seed) QTest::newRow(qPrintable(QString::number(seed))) << seed;
    }
    void randomSchedules()
    {
        QFETCH(int, seed);
        Random random(static_cast<std::uint64_t>(seed));
        Scenario s = sampleScenario();
        s.events.clear();
        s.duration = 60s;
        s.traffic[0].rate = 10;
        s.dialect = random.below(3) == 0 ? Dialect::Rfc5380 : Dialect::Rfc4140;
        s.nodes[5].lifetime = std::chrono::seconds(4 + random.below(40));
        if (random.below(4) == 0) s.nodes[4].interfaces[1].advertise->map.clear();  // w2 is outside the domain
        Duration at{0};
        const std::optional<std::string> places[] = {"w1", "w2", std::nullopt};
        while (at < 30s) {
            s.events.push_back(attach(at, places[random.below(3)]));
            at += random.between(1ms, random.below(2) == 0 ? Duration(200ms) : Duration(4s));
        }
        s.events.push_back(attach(35s, "w1"));
        LabRun run(s, static_cast<std::uint64_t>(seed));
        std::size_t steps = 0;
        for (TimePoint t{}; t <= TimePoint{45s}; t += 500ms) {
            steps += run.to(t);
            checkInvariants(run);
        }
        checkSequences(run);
        QVERIFY2(run.registeredAtHome(), "registered 10 s after it was left alone");
        QVERIFY(run.registrar("ha").find(homeAddress));
        QCOMPARE(run.registrar("map").find(*run.mobile().regionalCareOf())->careOfAddress, *run.mobile().onLinkCareOf());
        QVERIFY2(run.out.frames.size() < 20000 && steps < 60000, "the number of frames is bounded");
        // The link is alive again: the last second's probes arrive.
        QVERIFY(run.events("mn", "probe-received", TimePoint{44s}).size() >= 9);
    }
};

QTEST_APPLESS_MAIN(TestLabVariations)
#include "test_lab_variations.moc"
