// SPDX-License-Identifier: GPL-3.0-or-later
// Mobile nodes with several care-of addresses against our own home agent, anchor point and correspondent, in whole labs (RFC 5648, RFC 6089).
#include "tests/support/lab_run.hpp"
#include "tests/support/paths_scenario.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::test;
using namespace roamscope::lab;

namespace {

std::set<std::uint16_t> bidsAt(const LabRun& run, std::string_view of)
{
    std::set<std::uint16_t> out;
    for (const auto& [key, peer] : run.mobile().peers())
        if (peer.registeredCareOf(run.lab.now())) out.insert(key.bid);
    (void)of;
    return out;
}

}  // namespace

class TestPathsLab : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void bothPathsAreRegisteredAtHome()
    {
        for (const auto mode : {MobileSpec::Mcoa::Single, MobileSpec::Mcoa::Bulk}) {
            Scenario s = pathsScenario();
            nodeOf(s, "mn").mobile.mcoa = mode;
            LabRun run(s);
            run.to(TimePoint{10s});
            const auto* binding = run.registrar("ha").find(ip("2001:db8:100::1:1"));
            QVERIFY(binding && binding->parts().size() == 2);
            for (const auto& part : binding->parts()) QVERIFY(run.mobile().homes().front().paths.find(part.bid)->registered == part.careOfAddress);
        }
    }

    void MCOA_MN_08_CN_06_correspondentsGetOneIdentifierAtATime()
    {
        Scenario s = pathsScenario();
        nodeOf(s, "mn").optimiseAll = true;
        LabRun run(s);
        run.to(TimePoint{15s});
        QVERIFY2(bidsAt(run, "cn") == (std::set<std::uint16_t>{1, 2}), "both are registered at the correspondent");
        std::size_t updates = 0, tests = 0;
        std::set<std::uint16_t> numbers;
        for (const auto& f : run.out.frames) {
            if (run.link(f) != "w0" && run.link(f) != "w1") continue;
            const auto d = run.decoded(f);
            if (const auto* init = d.as<wire::CareOfTestInit>()) {
                ++tests;
                const auto* bid = wire::findOption<wire::BindingIdentifier>(init->options);
                QVERIFY2(bid && bid->careOfAddress.empty(), "MCOA-CN-06: length 4");
                QVERIFY2(d.inner()->source == run.mobile().homes().front().paths.find(bid->bid)->path.careOf, "MCOA-MN-08: a care-of token for each");
            }
            const auto* bu = d.as<wire::BindingUpdate>();
            if (!bu || bu->has(wire::BindingUpdate::homeRegistration)) continue;
            ++updates;
            std::vector<std::size_t> order;
            for (const auto& option : bu->options) order.push_back(wire::typeOf(option));
            QVERIFY2(order == (std::vector<std::size_t>{4, 35, 5}), "MCOA-MN-08: indices, one identifier, authenticator");
            QVERIFY2(numbers.insert(bu->sequence).second, "MCOA-MN-02: no number twice");
            QVERIFY2(bu->has(wire::BindingUpdate::overwrite) == (updates == 1), "MCOA-MN-04: O in the first one alone");
        }
        QVERIFY2(updates == 2 && tests == 2, "one of each for each path");
    }

    void aPathThatDiesIsTakenFromTheCorrespondent()
    {
        Scenario s = pathsScenario();
        nodeOf(s, "mn").optimiseAll = true;
        s.events.push_back({TimePoint{15s}, "mn", "if0", std::nullopt});
        LabRun run(s);
        run.to(TimePoint{25s});
        QVERIFY2(bidsAt(run, "cn") == (std::set<std::uint16_t>{2}), "MCOA-CN-03");
        const auto sent = run.serials("cn", "probe-sent"), received = run.serials("mn", "probe-received");
        QVERIFY(std::count_if(received.begin(), received.end(), [](std::int64_t n) { return n > 320; }) >= 175);
        QVERIFY(sent.size() > received.size());
    }

    void MCOA_MN_09_aCorrespondentThatKnowsNone()
    {
        Scenario s = pathsScenario();
        nodeOf(s, "mn").optimiseAll = true;
        nodeOf(s, "cn").bids.support = roamscope::node::Support::Unknown;
        LabRun run(s);
        run.to(TimePoint{20s});
        QVERIFY2(bidsAt(run, "cn") == (std::set<std::uint16_t>{0}), "MCOA-MN-09: one care-of address, without an identifier");
    }

    void makeBeforeBreakLosesAndCopiesNothing()
    {
        Scenario s = pathsScenario();
        s.events = {{TimePoint{0s}, "mn", "if1", "w1"}, {TimePoint{8s}, "mn", "if0", "w0"}, {TimePoint{16s}, "mn", "if1", std::nullopt}};
        LabRun run(s);
        run.to(TimePoint{25s});
        const auto received = run.serials("mn", "probe-received");
        std::map<std::int64_t, int> times;
        for (const std::int64_t n : received) ++times[n];
        for (std::int64_t n = 80; n < 480; ++n) QVERIFY2(times[n] == 1, qPrintable(QString("probe %1: %2 times").arg(n).arg(times[n])));
    }

    void FLOW_01_03_05_11_flows()
    {
        Scenario s = pathsScenario();
        addSecondFlow(s, false);
        nodeOf(s, "mn").lifetime = 20s;
        LabRun run(s);
        run.to(TimePoint{30s});
        const auto& flows = run.mobile().homes().front().flows;
        QVERIFY2(flows.supported() && flows.flows().size() == 1 && flows.status(7) == std::uint8_t{0}, "FLOW-11: the answer has a copy");
        std::size_t whole = 0, listed = 0, byTheOther = 0, answers = 0;
        for (const auto& f : run.out.frames) {
            const auto d = run.decoded(f);
            if (d.packets.empty()) continue;
            if (const auto* bu = d.as<wire::BindingUpdate>(); bu && run.link(f) != "core") {
                for (const auto& option : bu->options)
                    if (const auto* b = std::get_if<wire::BindingIdentifier>(&option)) QVERIFY2(b->priority != 0, "FLOW-03");
                if (const auto* flow = wire::findOption<wire::FlowIdentification>(bu->options)) {
                    ++whole;
                    QVERIFY2(flow->flow == 7 && flow->priority == 10 && flow->status == 0 && flow->subOptions.size() == 2, "FLOW-05");
                } else if (wire::findOption<wire::FlowSummary>(bu->options)) {
                    ++listed;
                } else {
                    QVERIFY2(whole == 0, "FLOW-01: every update has the flow once it is known");
                }
            }
            const wire::Ipv6Packet& inner = *d.inner();
            if (inner.nextHeader != wire::protocol::udp || f.time < TimePoint{8s}) continue;
            const bool second = inner.source == ip("2001:db8:200::d") || inner.destination == ip("2001:db8:200::d");
            if (run.link(f) == "w0" && second) ++byTheOther;
            if (run.link(f) == "w1" && inner.destination == ip("2001:db8:200::d")) ++answers;
        }
        QVERIFY2(whole >= 1 && listed >= 1, "FLOW-01: told once, listed with every refresh");
        QVERIFY2(byTheOther == 0 && answers > 200, "FLOW-08: to the node and from it by the same path");
    }

    void FLOW_08_flowsAtACorrespondent()
    {
        // Both ways straight, by the care-of address of the flow's identifier; the other flow by the better one.
        Scenario s = pathsScenario();
        nodeOf(s, "mn").optimiseAll = true;
        addSecondFlow(s, true);
        LabRun run(s);
        run.to(TimePoint{20s});
        QVERIFY2(bidsAt(run, "cn") == (std::set<std::uint16_t>{1, 2}), "one identifier for an update (MCOA-CN-01)");
        for (const char* name : {"cn", "cn2"}) {
            const auto& flows = run.lab.nodeAs<roamscope::node::Correspondent>(run.node(name))->flows();
            QVERIFY2(flows.size() == 1 && flows.begin()->second.size() == 1 && flows.begin()->second[0].flow == 7, "FLOW-05 at a correspondent");
        }
        std::map<std::string, int> data;  // by link and correspondent, straight ones alone
        for (const auto& f : run.out.frames) {
            if (f.time < TimePoint{12s} || !run.link(f).starts_with("w")) continue;
            const auto d = run.decoded(f);
            if (const auto* bu = d.as<wire::BindingUpdate>(); bu && !bu->has(wire::BindingUpdate::homeRegistration)) QCOMPARE(wire::findOption<wire::BindingIdentifier>(bu->options) != nullptr, true);
            if (d.packets.empty() || d.inner()->nextHeader != wire::protocol::udp) continue;
            const auto& p = *d.inner();
            const bool up = p.homeAddress().has_value();
            if (d.packets.size() != 1 || (!up && !p.routing)) ++data["tunnelled"];
            else ++data[fmt::format("{} {} {}", run.link(f), up ? "up" : "down", (up ? p.destination : p.source) == ip("2001:db8:200::d") ? "cn2" : "cn")];
        }
        const std::map<std::string, int> expected{{"w0 down cn", 160}, {"w0 up cn", 160}, {"w1 down cn2", 160}, {"w1 up cn2", 160}};
        for (const auto& [what, number] : data) QVERIFY2(expected.contains(what) && std::abs(number - 160) < 4, qPrintable(QString::fromStdString(fmt::format("{}: {}", what, number))));
        QCOMPARE(data.size(), expected.size());
    }

    void FLOW_08_flowsAtAMap()
    {
        // §8.1, an extension: both LCoAs at one MAP. What comes out of the home agent's tunnel and what goes into it takes the LCoA of its flow,
        // whether the correspondent optimises or not.
        for (const bool optimised : {false, true}) {
            Scenario s = pathsScenario();
            s.links.push_back({"domain", false, 5ms});
            NodeSpec map = nodeNamed("map", Role::Map, {wired("core", "2001:db8:200::300/64"), wired("domain", "2001:db8:300::1/64")});
            map.regionalPrefix = Prefix::parse("2001:db8:300::/64");
            s.nodes.push_back(map);
            for (std::size_t i = 0; i < 2; ++i) {
                NodeSpec& ar = nodeOf(s, fmt::format("ar{}", i));
                ar.interfaces[0] = wired("domain", fmt::format("2001:db8:300::a{}/64", i));
                MapAdvertisement option;
                option.node = "map";
                ar.interfaces[1].advertise->map = {option};
            }
            nodeOf(s, "mn").optimiseAll = optimised;
            addSecondFlow(s, true);
            LabRun run(s);
            run.to(TimePoint{20s});
            QCOMPARE(run.mobile().mapFlows().size(), std::size_t{1});
            const auto& flows = run.mobile().mapFlows().begin()->second.told;
            QVERIFY2(flows.supported() && flows.flows().size() == 1 && flows.status(7) == std::uint8_t{0}, "RFC 6089 §5.2 at a MAP");
            QVERIFY2(run.mobile().homes().front().flows.flows().empty(), "the home agent has the RCoA alone, under another identifier");
            int wrong = 0, right = 0;
            for (const auto& f : run.out.frames) {
                if (f.time < TimePoint{12s} || !run.link(f).starts_with("w")) continue;
                const auto d = run.decoded(f);
                if (d.packets.size() < 2 || d.inner()->nextHeader != wire::protocol::udp) continue;
                const auto& p = *d.inner();
                const bool second = p.source == ip("2001:db8:200::d") || p.destination == ip("2001:db8:200::d");
                QCOMPARE(d.packets.size(), std::size_t(optimised ? 2 : 3));
                ++((run.link(f) == "w1") == second ? right : wrong);
            }
            QVERIFY2(wrong == 0 && right > 600, qPrintable(QString("%1 wrong, %2 right").arg(wrong).arg(right)));
        }
    }

    void FLOW_11_aHomeAgentThatKnowsNone()
    {
        Scenario s = pathsScenario();
        wire::Ipv6TrafficSelector selector;
        nodeOf(s, "mn").mobile.flows = {{7, 10, selector, {2}}};
        nodeOf(s, "ha").flows.support = roamscope::node::Support::Unknown;
        LabRun run(s);
        run.to(TimePoint{15s});
        QVERIFY2(!run.mobile().homes().front().flows.supported(), "FLOW-11");
        QVERIFY(run.mobile().registeredAtHome(run.lab.now()));
    }
};

QTEST_APPLESS_MAIN(TestPathsLab)
#include "test_paths_lab.moc"
