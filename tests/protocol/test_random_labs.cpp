// SPDX-License-Identifier: GPL-3.0-or-later
// Random scenarios with all invariants after every event. ROAMSCOPE_SEEDS is their number, ROAMSCOPE_SEED the first of them. A
// scenario that fails is made small and the command that repeats it is printed.
#include "tests/support/lab_run.hpp"
#include "tests/support/paths_scenario.hpp"

#include "protocol/lab/random_scenario.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::test;
using lab::Scenario;

namespace {

#ifdef ROAMSCOPE_SANITIZED
constexpr std::uint64_t usualSeeds = 200;  // as much time as 2,000 take without
#else
constexpr std::uint64_t usualSeeds = 2000;
#endif

/// What goes wrong; empty when all is well.
std::string faultOf(const Scenario& scenario)
{
    const auto problems = lab::validate(scenario);
    if (!problems.empty()) return problems.front().path + ": " + problems.front().text;
    auto lab = *lab::Lab::build(scenario, scenario.seed, lab::Segments::Internal);
    lab::Invariants invariants(lab);
    lab::LabOutput out;
    while (lab.advanceOnce(TimePoint{scenario.duration}, out)) {
        invariants.check(lab, out.frames, out.events);
        out.clear();
        if (invariants.violations().empty()) continue;
        const auto& v = invariants.violations().front();
        return fmt::format("{:.6f} s, {}: {}: {}", toSeconds(v.time), scenario.nodes[v.node].name, v.invariant, v.text);
    }
    return {};
}

/// Leaves out what is not needed for the scenario to fail.
std::vector<std::size_t> needless(const Scenario& scenario)
{
    const std::size_t count = lab::partCount(scenario);
    std::vector<std::size_t> left;
    for (std::size_t piece = std::max<std::size_t>(1, count / 2); piece > 0; piece /= 2)
        for (std::size_t from = 0; from < count; from += piece) {
            auto more = left;
            for (std::size_t i = from; i < std::min(count, from + piece); ++i)
                if (std::find(left.begin(), left.end(), i) == left.end()) more.push_back(i);
            if (more.size() > left.size() && !faultOf(lab::withoutParts(scenario, more)).empty()) left = more;
        }
    std::sort(left.begin(), left.end());
    return left;
}

std::uint64_t number(const char* variable, std::uint64_t otherwise)
{
    bool good = false;
    const auto value = qEnvironmentVariable(variable).toULongLong(&good);
    return good ? value : otherwise;
}

}  // namespace

class TestRandomLabs : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void theSameSeedGivesTheSameScenario()
    {
        QVERIFY(lab::randomScenario(5) == lab::randomScenario(5));
        QVERIFY(!(lab::randomScenario(5) == lab::randomScenario(6)));
    }

    void identifiersAreDrawn()
    {
        std::set<std::size_t> interfaces;
        std::set<lab::MobileSpec::Mcoa> kinds;
        std::size_t flows = 0, behindMaps = 0, prioritised = 0;
        for (std::uint64_t seed = 1; seed <= 300; ++seed) {
            const Scenario s = lab::randomScenario(seed);
            QVERIFY(lab::validate(s).empty() && s.seed == seed);
            for (const auto& n : s.nodes) {
                if (n.mobile.mcoa == lab::MobileSpec::Mcoa::Off) continue;
                interfaces.insert(n.interfaces.size() - (n.mobile.network ? 1 : 0));
                kinds.insert(n.mobile.mcoa);
                flows += n.mobile.flows.size();
                prioritised += n.interfaces[0].bidPriority != 0 ? 1u : 0u;
                behindMaps += std::any_of(s.nodes.begin(), s.nodes.end(), [](const auto& m) { return m.role == lab::Role::Map; }) ? 1u : 0u;
            }
        }
        QCOMPARE(interfaces, (std::set<std::size_t>{2, 3, 4, 5, 6, 7, 8}));
        QVERIFY(kinds.size() == 2 && flows > 20 && behindMaps > 5 && prioritised > 20);
    }

    void mobileRoutersAreDrawn()
    {
        std::size_t routers = 0, implicit = 0, visitors = 0, severalPaths = 0, behindMaps = 0, refused = 0, from = 0;
        for (std::uint64_t seed = 1; seed <= 300; ++seed) {
            const Scenario s = lab::randomScenario(seed);
            const auto router = std::find_if(s.nodes.begin(), s.nodes.end(), [](const auto& n) { return n.mobile.network.has_value(); });
            if (router == s.nodes.end()) continue;
            QVERIFY(lab::validate(s).empty());
            ++routers;
            implicit += router->mobile.network->explicitPrefixes ? 0u : 1u;
            severalPaths += router->mobile.mcoa != lab::MobileSpec::Mcoa::Off ? 1u : 0u;
            visitors += std::any_of(s.events.begin(), s.events.end(), [](const auto& e) { return e.attach == "net"; }) ? 1u : 0u;
            behindMaps += std::any_of(s.nodes.begin(), s.nodes.end(), [](const auto& n) { return n.role == lab::Role::Map; }) ? 1u : 0u;
            refused += std::any_of(s.nodes.begin(), s.nodes.end(), [](const auto& n) { return n.role == lab::Role::HomeAgent && n.mobileRouters.routers.empty(); }) ? 1u : 0u;
            from += std::any_of(s.traffic.begin(), s.traffic.end(), [](const auto& t) { return t.from == "seat"; }) ? 1u : 0u;
        }
        QVERIFY2(routers > 40 && routers < 90, "one in five");
        QVERIFY(implicit > 10 && visitors > 10 && severalPaths > 10 && behindMaps > 10 && refused > 3 && from > 20);
    }

    void ipv4NetworksAreDrawn()
    {
        std::size_t scenarios = 0, paths = 0, alone = 0, behindMaps = 0, routers = 0;
        for (std::uint64_t seed = 1; seed <= 300; ++seed) {
            const Scenario s = lab::randomScenario(seed);
            const auto isOn = [](const auto& interface) { return interface.ipv4.has_value(); };
            std::size_t here = 0;
            for (const auto& n : s.nodes) {
                if (n.role != lab::Role::MobileNode) continue;
                const auto count = static_cast<std::size_t>(std::count_if(n.interfaces.begin(), n.interfaces.end(), isOn));
                here += count;
                alone += count != 0 && count + (n.mobile.network ? 1 : 0) == n.interfaces.size() ? 1u : 0u;
                routers += count != 0 && n.mobile.network ? 1u : 0u;
            }
            if (here == 0) continue;
            QVERIFY(lab::validate(s).empty());
            ++scenarios;
            paths += here;
            behindMaps += std::any_of(s.nodes.begin(), s.nodes.end(), [](const auto& n) { return n.role == lab::Role::Map; }) ? 1u : 0u;
        }
        QVERIFY2(scenarios > 20 && scenarios < 60, "one in three of those with identifiers");
        QVERIFY2(paths > 40 && alone > 0 && behindMaps > 2 && routers > 2, qPrintable(QString("%1 %2 %3 %4").arg(paths).arg(alone).arg(behindMaps).arg(routers)));
    }

    void partsAreLeftOutByNumber()
    {
        Scenario s = sampleScenario();
        s.faults = {lab::RestartFault{TimePoint{1s}, "ha", 1s}};
        s.links[2].impairments.emplace_back();
        QCOMPARE(lab::partCount(s), std::size_t{3 + 1 + 1 + 1});
        const Scenario small = lab::withoutParts(s, {1, 3, 4, 5, 77});
        QVERIFY(small.events.size() == 2 && small.events[1] == s.events[2]);
        QVERIFY(small.faults.empty() && small.links[2].impairments.empty() && small.traffic.empty());
    }

    /// The checks see what they are there for: a lab whose record is falsified breaks them.
    void aBrokenLabIsNoticed()
    {
        auto lab = *lab::Lab::build(sampleScenario(), 1, lab::Segments::Internal);
        lab::Invariants invariants(lab);
        lab::LabOutput out;
        std::set<std::string_view> broken;
        while (lab.advanceOnce(TimePoint{8s}, out)) {
            std::erase_if(out.events, [](const auto& e) { return e.event.name == "tunnel"; });
            for (auto& e : out.events)
                if (e.event.name == "home-binding-update") {
                    auto again = e;
                    out.events.push_back(again);
                    break;
                }
            invariants.check(lab, out.frames, out.events);
            out.clear();
        }
        for (const auto& v : invariants.violations()) broken.insert(v.invariant);
        QVERIFY(broken.contains("tunnels"));
        QVERIFY(broken.contains("sequence"));
    }

    /// An identifier that goes without a word about it, and a home agent that forgets what the mobile node relies on.
    void lostIdentifiersAreNoticed()
    {
        const auto broken = [](bool hidden, bool forgets) {
            std::set<std::string_view> out;
            lab::Scenario s = pathsScenario();
            s.events.push_back({TimePoint{10s}, "mn", "if0", std::nullopt});
            auto lab = *lab::Lab::build(s, 1, lab::Segments::Internal);
            lab::Invariants invariants(lab);
            lab::LabOutput now;
            bool forgotten = false;
            for (;;) {
                if (forgets && !forgotten && lab.now() >= TimePoint{15s}) {
                    forgotten = true;
                    (void)lab.revoke(lab.now(), *lab.findNode("ha"), {ip("2001:db8:100::1:1"), {2}, false}, now);
                } else if (!lab.advanceOnce(TimePoint{39s}, now)) {
                    break;
                }
                if (hidden) std::erase_if(now.events, [](const auto& e) { return e.event.name == "binding-update"; });
                invariants.check(lab, now.frames, now.events);
                now.clear();
            }
            for (const auto& v : invariants.violations()) out.insert(v.invariant);
            return out;
        };
        QVERIFY(broken(false, false).empty());
        QCOMPARE(broken(true, false), std::set<std::string_view>{"binding-lost"});
        QCOMPARE(broken(false, true), std::set<std::string_view>{"agreement"});
    }

    /// A home agent that forgets a mobile router which goes on sending through the tunnel.
    void networksWithoutABindingAreNoticed()
    {
        const auto broken = [](bool forgets) {
            std::set<std::string_view> out;
            lab::Scenario s = pathsScenario();
            s.links.push_back({"net", false, 1ms});
            auto& mobile = nodeOf(s, "mn");
            mobile.mobile.mcoa = lab::MobileSpec::Mcoa::Off;
            mobile.mobile.network.emplace();
            mobile.interfaces.push_back(wired("net", "2001:db8:1f0::1/64"));
            nodeOf(s, "ha").mobileRouters.routers = {{ip("2001:db8:100::1:1"), {prefix("2001:db8:1f0::/56")}}};
            auto lab = *lab::Lab::build(s, 1, lab::Segments::Internal);
            lab::Invariants invariants(lab);
            lab::LabOutput now;
            for (bool forgotten = false;;) {
                if (forgets && !forgotten && lab.now() >= TimePoint{15s}) {
                    forgotten = true;
                    (void)lab.revoke(lab.now(), *lab.findNode("ha"), {ip("2001:db8:100::1:1"), {}, false}, now);
                } else if (!lab.advanceOnce(TimePoint{39s}, now)) {
                    break;
                }
                invariants.check(lab, now.frames, now.events);
                now.clear();
            }
            for (const auto& v : invariants.violations()) out.insert(v.invariant);
            return out;
        };
        QVERIFY(broken(false).empty());
        QCOMPARE(broken(true), std::set<std::string_view>{"networks"});
    }

    void aPacketInACircleIsNoticed()
    {
        auto lab = *lab::Lab::build(sampleScenario(), 1, lab::Segments::Internal);
        lab::Invariants invariants(lab);
        wire::Ipv6Packet packet;
        packet.source = ip("2001:db8:200::c");
        packet.destination = ip("2001:db8:100::1:1");
        packet.nextHeader = wire::protocol::udp;
        packet.payload = wire::emitUdp({1, 2, {3}}, packet.pseudoHeader());
        for (const std::uint8_t hopLimit : std::array<std::uint8_t, 5>{64, 62, 60, 58, 56}) {
            packet.hopLimit = hopLimit;
            const lab::SegmentFrame frame{TimePoint{1s}, 1, wire::emitEthernet({Mac{{2, 0, 0, 0, 0, 1}}, Mac{{2, 0, 0, 0, 0, 2}}, wire::etherTypeIpv6}, wire::emitIpv6(packet))};
            QVERIFY(invariants.violations().empty());
            invariants.check(lab, {&frame, 1}, {});
        }
        QVERIFY(!invariants.violations().empty() && invariants.violations().front().invariant == "packet-loop");
    }

    void twoNodesWithOneAddressAreNoticed()
    {
        auto lab = *lab::Lab::build(sampleScenario(), 1, lab::Segments::Internal);
        lab::Invariants invariants(lab);
        lab::LabEvent event{*lab.findNode("ar1"), {TimePoint{1s}, "address", {{"interface", std::string("w1")}, {"address", std::string("2001:db8:200::c")}}, {{"state", std::string("preferred")}, {"proxy", false}}, false}, std::nullopt};
        invariants.check(lab, {}, {&event, 1});
        QVERIFY(invariants.violations().size() == 1 && invariants.violations().front().invariant == "address-use");
        event.event.attributes[1].second = true;
        lab::Invariants others(lab);
        others.check(lab, {}, {&event, 1});
        QVERIFY2(others.violations().empty(), "an address that is defended on another link");
    }

    /// A mobile node that began with lower numbers at a correspondent, whose binding had ended.
    void RR_CN_17_numbersThatBeginAnewAreNoGoingBack()
    {
        for (const std::uint64_t seed : {9310917u, 9311744u}) QCOMPARE(QString::fromStdString(faultOf(lab::randomScenario(seed))), QString());
    }

    /// A mobile router and a mobile node in its network, which have optimised routes to each other.
    void NEMO_MR_06_whatIsForOurOwnNetworkDoesNotLeaveIt() { QCOMPARE(QString::fromStdString(faultOf(lab::randomScenario(9320139))), QString()); }

    void seeds()
    {
        const std::uint64_t first = number("ROAMSCOPE_SEED", 1);
        const std::uint64_t count = number("ROAMSCOPE_SEEDS", qEnvironmentVariableIsSet("ROAMSCOPE_SEED") ? 1 : usualSeeds);
        int failures = 0;
        for (std::uint64_t seed = first; seed < first + count && failures < 5; ++seed) {
            const Scenario scenario = lab::randomScenario(seed);
            if (faultOf(scenario).empty()) continue;
            const auto without = needless(scenario);
            const std::string left = without.empty() ? "" : fmt::format(" --without {}", fmt::join(without, ","));
            QTest::qFail(fmt::format("{}\n   repeat it: roamscope-cli run --random {}{}", faultOf(lab::withoutParts(scenario, without)), seed, left).c_str(), __FILE__, __LINE__);
            ++failures;
        }
        QCOMPARE(failures, 0);
    }
};

QTEST_APPLESS_MAIN(TestRandomLabs)
#include "test_random_labs.moc"
