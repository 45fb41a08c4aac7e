// SPDX-License-Identifier: GPL-3.0-or-later
// Mobile routers in whole labs (RFC 3963): the hosts behind them and correspondents talk while the router moves, with one uplink, with
// several (RFC 5648), behind a MAP, at home; a mobile node that visits the network.
#include "tests/support/lab_run.hpp"
#include "tests/support/paths_scenario.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::test;
using namespace roamscope::lab;

namespace {

InterfaceSpec uplink(const std::string& name, std::uint8_t priority)
{
    InterfaceSpec out;
    out.name = name;
    out.bidPriority = priority;
    return out;
}

void advertise(InterfaceSpec& interface)
{
    interface.advertise.emplace();
    interface.advertise->minInterval = 50ms;
    interface.advertise->maxInterval = 150ms;
}

/// Two radio links and a home link, a correspondent; a mobile router with two uplinks of which the second is on a link from the beginning,
/// and a host on the link behind it.
Scenario scenario(MobileSpec::Mcoa mcoa = MobileSpec::Mcoa::Off)
{
    Scenario s;
    s.title = "network";
    s.duration = 60s;
    s.dialect = Dialect::Rfc5380;
    s.links = {{"home", false, 1ms}, {"core", false, 10ms}, {"w0", true, 2ms}, {"w1", true, 20ms}, {"train", false, 1ms}};
    NodeSpec ha = nodeNamed("ha", Role::HomeAgent, {wired("home", "2001:db8:100::1/64"), wired("core", "2001:db8:200::1/64")});
    advertise(ha.interfaces[0]);
    ha.homePrefixes = {*Prefix::parse("2001:db8:100::/64")};
    ha.mobileRouters.routers = {{ip("2001:db8:100::1:1"), {prefix("2001:db8:1f0::/56")}}};
    s.nodes = {ha, nodeNamed("cn", Role::Correspondent, {wired("core", "2001:db8:200::c/64")})};
    for (std::size_t i = 0; i < 2; ++i) {
        NodeSpec ar = nodeNamed(fmt::format("ar{}", i), Role::AccessRouter, {wired("core", fmt::format("2001:db8:200::a{}/64", i)), wired(fmt::format("w{}", i), fmt::format("2001:db8:a{}::1/64", i))});
        advertise(ar.interfaces[1]);
        s.nodes.push_back(std::move(ar));
    }
    NodeSpec mr = nodeNamed("mr", Role::MobileNode, {uplink("if0", 10), uplink("if1", 20), wired("train", "2001:db8:1f0::1/64")});
    mr.homeAddress = ip("2001:db8:100::1:1");
    mr.homeAgent = "ha";
    mr.mobile.mcoa = mcoa;
    mr.mobile.network.emplace();
    advertise(mr.interfaces[2]);
    s.nodes.push_back(std::move(mr));
    s.nodes.push_back(nodeNamed("seat", Role::Correspondent, {wired("train", "2001:db8:1f0::5ea7/64")}));
    s.events = {{TimePoint{0s}, "mr", "if1", "w1"}};
    s.traffic = {{"in", "cn", "seat", 20, 100, true}, {"out", "seat", "cn", 20, 100, true}};
    return s;
}

/// Of the probes of a flow that were sent within [from, until): how many did not come.
std::size_t lost(const LabRun& run, std::int64_t flow, TimePoint from, TimePoint until)
{
    std::set<std::int64_t> sent, got;
    for (const auto& e : run.out.events) {
        if (node::numberOf(e.event.attributes, "flow", -1) != flow) continue;
        const std::int64_t serial = node::numberOf(e.event.attributes, "serial");
        if (e.event.name == "probe-sent" && e.event.time >= from && e.event.time < until) sent.insert(serial);
        if (e.event.name == "probe-received") got.insert(serial);
    }
    return static_cast<std::size_t>(std::count_if(sent.begin(), sent.end(), [&](std::int64_t s) { return !got.contains(s); })) + (sent.empty() ? 100000 : 0);
}

bool allCome(const LabRun& run, Duration from, Duration until) { return lost(run, 0, TimePoint{from}, TimePoint{until}) == 0 && lost(run, 1, TimePoint{from}, TimePoint{until}) == 0; }

LinkEvent move(Duration at, const char* interface, std::optional<std::string> link) { return {TimePoint{at}, "mr", interface, std::move(link)}; }

}  // namespace

class TestMobileRouterLab : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void hostsBehindItAreReached()
    {
        for (const bool isExplicit : {true, false}) {
            Scenario s = scenario();
            nodeOf(s, "mr").mobile.network->explicitPrefixes = isExplicit;
            s.events.push_back(move(20s, "if1", "w0"));
            LabRun run(s);
            run.to(TimePoint{40s});
            QVERIFY(allCome(run, 4s, 20s - 100ms));
            QVERIFY2(allCome(run, 24s, 39s), "on another link");
            const auto* binding = run.registrar("ha").find(ip("2001:db8:100::1:1"));
            QVERIFY(binding && run.registrar("ha").mobileRouters().prefixesOf(binding->homeAddress) == std::vector<Prefix>{prefix(isExplicit ? "2001:db8:1f0::/64" : "2001:db8:1f0::/56")});
            for (const auto& f : run.out.frames) {
                const auto d = run.decoded(f);
                if (run.link(f) != "w0" && run.link(f) != "w1") continue;
                const bool ofNetwork = d.inner() && (prefix("2001:db8:1f0::/64").contains(d.inner()->source) || prefix("2001:db8:1f0::/64").contains(d.inner()->destination));
                QVERIFY2(!ofNetwork || d.packets.size() == 2, "RFC 3963 §5.5: all of it through the tunnel");
            }
        }
    }

    void aHostThatConfiguresItself()
    {
        Scenario s = scenario();
        nodeOf(s, "seat").interfaces[0].slaac = true;
        LabRun run(s);
        run.to(TimePoint{15s});
        QVERIFY(allCome(run, 4s, 14s));
        std::size_t formed = 0;
        for (const auto& a : run.lab.stack(run.node("seat")).addresses(0)) formed += prefix("2001:db8:1f0::/64").contains(a.address) ? 1u : 0u;
        QVERIFY2(formed == 2, "one from the router's advertisements");
    }

    void MCOA_NEMO_01_makeBeforeBreakLosesNothing()
    {
        for (const auto mode : {MobileSpec::Mcoa::Single, MobileSpec::Mcoa::Bulk}) {
            Scenario s = scenario(mode);
            s.events.push_back(move(8s, "if0", "w0"));
            s.events.push_back(move(16s, "if1", std::nullopt));
            s.events.push_back(move(22s, "if1", "w1"));
            s.events.push_back(move(30s, "if0", std::nullopt));
            LabRun run(s);
            run.to(TimePoint{40s});
            QVERIFY2(allCome(run, 4s, 30s - 50ms), "overlapping paths lose nothing");
            QVERIFY2(allCome(run, 30500ms, 39s), "the other one goes on at once");
            const auto* binding = run.registrar("ha").find(ip("2001:db8:100::1:1"));
            QVERIFY(binding && binding->parts().size() == 1 && binding->parts()[0].bid == 2);
            std::size_t updates = 0;
            for (const auto& f : run.out.frames) {
                const auto d = run.decoded(f);
                const auto* bu = d.as<wire::BindingUpdate>();
                if (!bu) continue;
                ++updates;
                const auto has = [](const wire::MobilityOption& o) { return std::holds_alternative<wire::MobileNetworkPrefix>(o); };
                QVERIFY(bu->has(wire::BindingUpdate::mobileRouter) && std::any_of(bu->options.begin(), bu->options.end(), has) == (bu->lifetime.count() != 0));
            }
            QVERIFY(updates >= 4);
        }
    }

    void homeAndAwayAgain()
    {
        for (const auto mode : {MobileSpec::Mcoa::Off, MobileSpec::Mcoa::Single}) {
            Scenario s = scenario(mode);
            nodeOf(s, "mr").mobile.homeAndForeign = false;
            s.events.push_back(move(15s, "if1", "home"));
            s.events.push_back(move(30s, "if1", "w1"));
            LabRun run(s);
            run.to(TimePoint{28s});
            QVERIFY(run.mobile("mr").isAtHome() && !run.registrar("ha").find(ip("2001:db8:100::1:1")));
            QVERIFY2(allCome(run, 18s, 27s), "at home without a tunnel");
            for (const auto& f : run.out.frames)
                if (f.time > TimePoint{18s} && run.link(f) == "home") QVERIFY(run.decoded(f).packets.size() < 2);
            run.to(TimePoint{50s});
            QVERIFY(!run.mobile("mr").isAtHome() && allCome(run, 34s, 49s));
        }
    }

    void homeAndForeignAtOnce()
    {
        Scenario s = scenario(MobileSpec::Mcoa::Bulk);
        s.events.push_back(move(10s, "if0", "home"));
        LabRun run(s);
        run.to(TimePoint{30s});
        const auto* binding = run.registrar("ha").find(ip("2001:db8:100::1:1"));
        QVERIFY(binding && binding->parts().size() == 2 && run.mobile("mr").isBeside());
        QVERIFY2(allCome(run, 14s, 29s), "NEMO-HA-04: the home link has the better priority");
        std::size_t straight = 0;
        for (const auto& f : run.out.frames)
            if (const auto d = run.decoded(f); f.time > TimePoint{14s} && run.link(f) == "home" && d.packets.size() == 1 && d.inner() && d.inner()->destination == ip("2001:db8:1f0::5ea7")) ++straight;
        QVERIFY(straight > 100);
    }

    void behindAMap()
    {
        Scenario s = scenario();
        NodeSpec map = nodeNamed("map", Role::Map, {wired("core", "2001:db8:200::3/64"), wired("domain", "2001:db8:300::1/64")});
        s.links.push_back({"domain", false, 1ms});
        map.regionalPrefix = prefix("2001:db8:300::/64");
        s.nodes.push_back(map);
        for (const char* name : {"ar0", "ar1"}) nodeOf(s, name).interfaces[1].advertise->map.push_back({"map"});
        s.events.push_back(move(20s, "if1", "w0"));
        LabRun run(s);
        run.to(TimePoint{35s});
        QVERIFY(allCome(run, 6s, 20s - 100ms) && allCome(run, 24s, 34s));
        QVERIFY(run.mobile("mr").mapAssociation() && run.mobile("mr").mapAssociation()->registered(run.lab.now()));
        const auto* binding = run.registrar("ha").find(ip("2001:db8:100::1:1"));
        QVERIFY(binding && prefix("2001:db8:300::/64").contains(binding->careOfAddress));
    }

    void aMobileNodeThatVisitsTheNetwork()
    {
        Scenario s = scenario();
        s.links[4].wireless = true;
        NodeSpec mn = nodeNamed("mn", Role::MobileNode, {uplink("wl0", 0)});
        mn.homeAddress = ip("2001:db8:100::1:2");
        mn.homeAgent = "ha";
        s.nodes.push_back(mn);
        s.events.push_back({TimePoint{6s}, "mn", "wl0", "train"});
        s.traffic.push_back({"guest", "cn", "mn", 20, 100, true});
        LabRun run(s);
        run.to(TimePoint{30s});
        QVERIFY(run.registeredAtHome("mn") && prefix("2001:db8:1f0::/64").contains(*run.mobile("mn").homeAssociation().registeredCareOf()));
        QVERIFY2(lost(run, 2, TimePoint{12s}, TimePoint{29s}) == 0 && allCome(run, 4s, 29s), "a tunnel in a tunnel");
    }

    void routersBehindRouters()
    {
        Scenario s = scenario();
        s.links[4].wireless = true;
        s.links.push_back({"car", true, 1ms});
        NodeSpec second = nodeOf(s, "mr");
        second.name = "mr2";
        second.homeAddress = ip("2001:db8:100::1:2");
        second.interfaces[2] = wired("car", "2001:db8:2f0::1/64");
        advertise(second.interfaces[2]);
        s.nodes.push_back(second);
        s.nodes.push_back(nodeNamed("driver", Role::Correspondent, {wired("car", "2001:db8:2f0::d/64")}));
        nodeOf(s, "ha").mobileRouters.routers.push_back({*second.homeAddress, {prefix("2001:db8:2f0::/64")}});
        s.traffic.push_back({"nested", "cn", "driver", 20, 100, true});
        s.events.push_back({TimePoint{6s}, "mr2", "if0", "train"});
        // Now each is behind the other, and out again.
        s.events.push_back(move(20s, "if1", "car"));
        s.events.push_back(move(40s, "if1", "w0"));
        LabRun run(s);
        run.to(TimePoint{19s});
        QVERIFY2(lost(run, 2, TimePoint{12s}, TimePoint{18s}) == 0 && allCome(run, 4s, 18s), "a network in a network");
        run.to(TimePoint{59s});
        QVERIFY2(lost(run, 2, TimePoint{24s}, TimePoint{38s}) > 200, "nobody can be reached in a circle");
        QVERIFY2(allCome(run, 50s, 58s) && lost(run, 2, TimePoint{50s}, TimePoint{58s}) == 0, "and afterwards all can");
    }

    void aHomeAgentThatServesNone()
    {
        for (const auto support : {node::Support::Unknown, node::Support::Prohibited}) {
            Scenario s = scenario();
            nodeOf(s, "ha").mobileRouters.support = support;
            s.traffic.resize(1);
            LabRun run(s);
            run.to(TimePoint{59s});
            QVERIFY2(!run.registrar("ha").find(ip("2001:db8:100::1:1")), "NEMO-MR-02, -03: nothing is left there");
            QVERIFY(run.mobile("mr").network().state() == node::NetworkMobility::State::GivenUp);
            QVERIFY(run.events("mr", "home-agent-discovery").size() == 1);
        }
    }

    void anotherHomeAgentThatServesIt()
    {
        for (const auto support : {node::Support::Unknown, node::Support::Prohibited}) {
            Scenario s = scenario();
            NodeSpec second = nodeOf(s, "ha");
            second.name = "ha2";
            second.interfaces[0].address = prefix("2001:db8:100::2/64");
            second.interfaces[1].address = prefix("2001:db8:200::2/64");
            nodeOf(s, "ha").mobileRouters.support = support;
            s.nodes.push_back(second);
            LabRun run(s);
            run.to(TimePoint{40s});
            QVERIFY2(run.registrar("ha2").find(ip("2001:db8:100::1:1")) && !run.registrar("ha").find(ip("2001:db8:100::1:1")), "NEMO-MR-02, -03, NEMO-DH-01");
            QVERIFY2(allCome(run, 20s, 39s), "whichever home agent the packets come to");
        }
    }

    void aRouterThatRestarts()
    {
        Scenario s = scenario(MobileSpec::Mcoa::Single);
        s.events.push_back(move(0s, "if0", "w0"));
        s.faults.push_back(RestartFault{TimePoint{15s}, "mr", 2s});
        LabRun run(s);
        run.to(TimePoint{40s});
        QVERIFY(allCome(run, 25s, 39s));
    }

    /// Links that lose frames, uplinks that come and go: what the home agent forwards is what the router has registered, and packets come
    /// again as soon as it is quiet.
    void whateverHappensItIsReachedAgain_data()
    {
        QTest::addColumn<int>("seed");
        for (int seed = 1; seed <= 12; ++seed) QTest::newRow(fmt::format("{}", seed).c_str()) << seed;
    }
    void whateverHappensItIsReachedAgain()
    {
        QFETCH(int, seed);
        Random random(static_cast<std::uint64_t>(seed));
        const MobileSpec::Mcoa modes[] = {MobileSpec::Mcoa::Off, MobileSpec::Mcoa::Single, MobileSpec::Mcoa::Bulk};
        Scenario s = scenario(modes[seed % 3]);
        s.duration = 120s;
        nodeOf(s, "mr").mobile.network->explicitPrefixes = seed % 2 == 0;
        nodeOf(s, "mr").lifetime = 20s;
        for (const std::size_t link : {2u, 3u}) {
            ImpairmentSpec lossy;
            lossy.loss = 0.1;
            lossy.jitter = 20ms;
            lossy.reorder = 0.05;
            s.links[link].impairments.push_back(lossy);
        }
        const char* const places[] = {"w0", "w1", "home", ""};
        for (Duration at = 4s; at < 60s; at += random.between(1s, 6s)) {
            const char* place = places[random.below(4)];
            s.events.push_back(move(at, random.below(2) == 0 ? "if0" : "if1", *place == 0 ? std::nullopt : std::optional<std::string>(place)));
        }
        s.events.push_back(move(62s, "if0", std::nullopt));
        s.events.push_back(move(63s, "if1", std::nullopt));
        s.events.push_back(move(64s, "if1", "w1"));
        if (seed % 4 == 0) s.faults.push_back(RestartFault{TimePoint{30s}, "ha", 1s});
        LabRun run(s);
        run.to(TimePoint{119s});
        const auto* binding = run.registrar("ha").find(ip("2001:db8:100::1:1"));
        QVERIFY(binding && run.mobile("mr").registeredAtHome(run.lab.now()));
        QVERIFY(run.registrar("ha").mobileRouters().prefixesOf(binding->homeAddress) == std::vector<Prefix>{prefix(seed % 2 == 0 ? "2001:db8:1f0::/64" : "2001:db8:1f0::/56")});
        QVERIFY2(binding->parts().size() == 1 && binding->isAt(*run.mobile("mr").onLinkCareOf()), "nothing is left of other links");
        // A tenth is lost on the last link, each way once.
        for (const std::int64_t flow : {0, 1}) QVERIFY(lost(run, flow, TimePoint{98s}, TimePoint{118s}) < 100);
    }

    void whatAScenarioMustSay_data()
    {
        QTest::addColumn<int>("number");
        QTest::addColumn<QString>("path");
        const char* const paths[] = {"/nodes/4/interfaces/2/link", "/nodes/4/interfaces/2/address", "/nodes/4/mobile_network/prefixes", "/nodes/4/mobile_network/prefixes/0", "/nodes/4/interfaces",
                                     "/nodes/4/mobile_network", "/events/1/interface", "/traffic/0/answer", "/traffic/0/to", "/nodes/4/mobile_network/prefixes"};
        for (std::size_t i = 0; i < std::size(paths); ++i) QTest::newRow(fmt::format("{} {}", i, paths[i]).c_str()) << static_cast<int>(i) << paths[i];
    }
    void whatAScenarioMustSay()
    {
        QFETCH(int, number);
        QFETCH(QString, path);
        Scenario s = scenario();
        QVERIFY(validate(s).empty());
        NodeSpec& mr = nodeOf(s, "mr");
        switch (number) {
        case 0: mr.interfaces[2].link.reset(); break;
        case 1: mr.mobile.network->prefixes = {prefix("2001:db8:2f0::/64")}; break;
        case 2: mr.interfaces[2].address.reset(); mr.interfaces[2].advertise.reset(); break;
        case 3: mr.mobile.network->prefixes = {prefix("ff0e::/64")}; break;
        case 4: mr.interfaces.erase(mr.interfaces.begin(), mr.interfaces.begin() + 2); break;
        case 5: mr.homeAgent.clear(); break;
        case 6: s.events.push_back(move(1s, "train", "w0")); break;
        case 7: s.traffic[0].answer = false; break;
        case 8: nodeOf(s, "seat").interfaces[0].address.reset(); nodeOf(s, "seat").interfaces[0].slaac = true; break;
        default: mr.mobile.network->prefixes.assign(17, prefix("2001:db8:1f0::/64")); break;
        }
        const auto problems = validate(s);
        QVERIFY2(std::any_of(problems.begin(), problems.end(), [&](const ScenarioProblem& p) { return QString::fromStdString(p.path) == path; }), problems.empty() ? "nothing" : problems.front().path.c_str());
    }
};

QTEST_APPLESS_MAIN(TestMobileRouterLab)
#include "test_mobile_router_lab.moc"
