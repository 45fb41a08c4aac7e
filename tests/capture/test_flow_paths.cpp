// SPDX-License-Identifier: GPL-3.0-or-later
// Loss, duplicates and reordering by flow and care-of address, of whole labs (RFC 5648, RFC 6089).
#include "capture/analysis/analyzer.hpp"
#include "capture/io/report_output.hpp"
#include "tests/support/lab_run.hpp"
#include "tests/support/paths_scenario.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::test;
using analysis::Flow;
using analysis::FlowPath;

namespace {

std::shared_ptr<const analysis::Analysis> analyzed(const LabRun& run)
{
    analysis::Analyzer analyzer;
    for (std::size_t i = 0; i < run.out.frames.size(); ++i) {
        const lab::SegmentFrame& f = run.out.frames[i];
        const capture::TraceLink link{run.link(f), wire::linkEthernet};
        analyzer.add(static_cast<analysis::FrameIndex>(i), {f.time, static_cast<std::uint32_t>(f.link), static_cast<std::uint32_t>(f.bytes.size()), f.bytes}, link);
    }
    return analyzer.result();
}

const FlowPath* pathOf(const Flow& flow, std::uint16_t bid, bool toMobile = true)
{
    for (const FlowPath& p : flow.paths)
        if (p.bid == bid && p.toMobile == toMobile) return &p;
    return nullptr;
}

const Flow& flowFrom(const analysis::Analysis& a, const char* source)
{
    static const Flow none;
    for (const Flow& f : a.flows)
        if (f.source == ip(source)) return f;
    return none;
}

/// What the nodes themselves told of a flow from `since` on.
struct Truth {
    std::map<std::int64_t, int> received;  ///< by serial
    std::set<std::int64_t> sent;
    std::uint32_t reordered = 0;

    Truth(const LabRun& run, std::string_view source, std::int64_t flow, TimePoint since, TimePoint until)
    {
        std::int64_t highest = -1;
        for (const auto& e : run.out.events) {
            if (node::numberOf(e.event.attributes, "flow", -1) != flow || !e.event.name.starts_with("probe-")) continue;
            const std::int64_t serial = node::numberOf(e.event.attributes, "serial");
            if (e.event.name == "probe-sent" && e.node == run.node(source) && e.event.time >= since && e.event.time < until) sent.insert(serial);
            if (e.event.name != "probe-received" || e.node != run.node("mn")) continue;
            if (++received[serial] > 1) continue;
            if (serial < highest) ++reordered;
            highest = std::max(highest, serial);
        }
    }
    [[nodiscard]] std::uint32_t lost() const
    {
        return static_cast<std::uint32_t>(std::count_if(sent.begin(), sent.end(), [&](std::int64_t n) { return !received.contains(n); }));
    }
    [[nodiscard]] std::uint32_t duplicated() const
    {
        return static_cast<std::uint32_t>(std::count_if(received.begin(), received.end(), [](const auto& r) { return r.second > 1; }));
    }
};

/// Flow f takes the good path, flow g by its selector the bad one.
Scenario badSecondPath()
{
    Scenario s = pathsScenario();
    addSecondFlow(s, false, 50, false);
    lab::ImpairmentSpec bad;
    bad.from = {"ar1"};
    bad.loss = 0.1;
    bad.duplicate = 0.1;
    bad.reorder = 0.2;
    bad.jitter = 60ms;
    s.links[3].impairments.push_back(bad);
    return s;
}

}  // namespace

class TestFlowPaths : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void figuresAreThoseOfEachPath()
    {
        LabRun run(badSecondPath());
        run.to(TimePoint{40s});
        const auto a = analyzed(run);
        const Flow& good = flowFrom(*a, "2001:db8:200::c");
        const Flow& bad = flowFrom(*a, "2001:db8:200::d");
        const FlowPath* first = pathOf(good, 1);
        QVERIFY(first && first->probes > 700);
        QCOMPARE(first->lost + first->duplicated + first->reordered, std::uint32_t{0});
        QVERIFY2(!pathOf(good, 2), "nothing of it went the other way");
        const FlowPath* second = pathOf(bad, 2);
        QVERIFY(second && second->probes > 1500);
        const Truth truth(run, "cn2", 1, TimePoint{0s}, TimePoint{39s}), whole(run, "cn2", 1, TimePoint{0s}, TimePoint{40s});
        QVERIFY(truth.lost() > 100 && truth.duplicated() > 50 && truth.reordered > 50);
        QVERIFY2(bad.lost >= truth.lost() && bad.lost <= whole.lost(), "of the last second some may be underway");
        QCOMPARE(bad.duplicated, truth.duplicated());
        QCOMPARE(bad.reordered, truth.reordered);
        // What was lost before a path was there counts for none; all else is the second path's.
        const FlowPath* other = pathOf(bad, 1);
        QCOMPARE(second->duplicated + (other ? other->duplicated : 0), truth.duplicated());
        QVERIFY(second->reordered <= truth.reordered && second->reordered + 5 > truth.reordered);
        QVERIFY2(second->lost > 100 && second->lost <= bad.lost, "lost on the second path");
        if (other) QCOMPARE(other->lost, std::uint32_t{0});
    }

    void bothDirectionsOfAnswers()
    {
        // Probes of a mobile node: by the care-of address that they leave from.
        Scenario s = pathsScenario();
        NodeSpec other = nodeNamed("mn2", Role::MobileNode, {});
        other.homeAddress = ip("2001:db8:100::1:2");
        other.homeAgent = "ha";
        other.interfaces.emplace_back().name = "wl0";
        s.nodes.push_back(other);
        s.events.push_back({TimePoint{0s}, "mn2", "wl0", "w1"});
        s.traffic = {{"up", "mn", "mn2", 50, 100, false}};
        s.links[1].impairments.emplace_back();
        s.links[1].impairments[0].from = {"ar0"};
        s.links[1].impairments[0].loss = 0.2;
        LabRun run(s);
        run.to(TimePoint{30s});
        const auto a = analyzed(run);
        const Flow& flow = flowFrom(*a, "2001:db8:100::1:1");
        const FlowPath* first = pathOf(flow, 1, false);
        QVERIFY(first && first->probes > 1000 && first->duplicated == 0 && first->reordered == 0);
        std::set<std::int64_t> received;
        for (const auto& e : run.out.events)
            if (e.event.name == "probe-received" && e.node == run.node("mn2")) received.insert(node::numberOf(e.event.attributes, "serial"));
        QVERIFY(first->lost > 150);
        const auto seen = first->probes - first->lost;
        // Those of the last second may be underway.
        QVERIFY2(seen <= received.size() + 60 && seen + 60 > received.size(), qPrintable(QString("%1 of %2").arg(seen).arg(received.size())));
    }

    /// RFC 3963 in implicit mode: no update names the network, only tunnels tell what is behind the mobile router.
    void hostsBehindAMobileRouterHaveItsPaths()
    {
        Scenario s = pathsScenario();
        s.links.push_back({"net", false, 1ms});
        nodeOf(s, "ha").mobileRouters.routers = {{ip("2001:db8:100::1:1"), {*Prefix::parse("2001:db8:1f0::/64")}}};
        NodeSpec& mn = nodeOf(s, "mn");
        mn.interfaces.push_back(wired("net", "2001:db8:1f0::1/64"));
        mn.interfaces.back().advertise.emplace();
        mn.mobile.network.emplace().explicitPrefixes = false;
        NodeSpec seat = nodeNamed("seat", Role::Correspondent, {wired("net", "2001:db8:1f0::5ea7/64")});
        s.nodes.push_back(std::move(seat));
        s.traffic = {{"in", "cn", "seat", 50, 100, true}, {"out", "seat", "cn", 50, 100, true}};
        s.events.push_back({TimePoint{20s}, "mn", "if0", std::nullopt});
        LabRun run(s);
        run.to(TimePoint{40s});
        const auto a = analyzed(run);
        QCOMPARE(a->flows.size(), std::size_t(2));
        for (const Flow& flow : a->flows) {
            const bool in = flow.source == ip("2001:db8:200::c");
            QCOMPARE(flow.paths.size(), std::size_t(2));
            for (const std::uint16_t bid : {std::uint16_t{1}, std::uint16_t{2}}) {
                const FlowPath* path = pathOf(flow, bid, in);
                QVERIFY(path && path->router && path->probes > 700 && path->duplicated == 0);
                QVERIFY((path->lost > 0) == (in && bid == 1) && path->lost < 10);
            }
        }
        // What the end of the path cost them: from its last packet to the first by the other path.
        const auto removed = std::find_if(a->handovers.begin(), a->handovers.end(), [](const auto& h) { return h.kind == analysis::HandoverKind::PathRemoved; });
        QVERIFY(removed != a->handovers.end() && removed->interruption && removed->end);
        QVERIFY(*removed->interruption > 40ms && *removed->interruption < 200ms && removed->start <= TimePoint{20s} && removed->start > TimePoint{19950ms});
        QVERIFY(*removed->end >= removed->start + *removed->interruption);
        QCOMPARE(removed->lost, pathOf(a->flows[a->flows[0].source == ip("2001:db8:200::c") ? 0 : 1], 1)->lost);
    }

    /// A flow that did not use the path that ends has lost nothing by it.
    void aPathThatNobodyUsedInterruptsNothing()
    {
        Scenario s = pathsScenario();
        s.events.push_back({TimePoint{20s}, "mn", "if1", std::nullopt});
        LabRun run(s);
        run.to(TimePoint{40s});
        const auto a = analyzed(run);
        const auto removed = std::find_if(a->handovers.begin(), a->handovers.end(), [](const auto& h) { return h.kind == analysis::HandoverKind::PathRemoved; });
        QVERIFY(removed != a->handovers.end() && removed->bid == 2);
        QVERIFY(!removed->interruption && removed->lost == 0);
    }

    void aCopyToEachPathIsNoDuplicateOfEither()
    {
        // FLOW-08: a flow with two identifiers has a copy by each.
        Scenario s = pathsScenario();
        wire::Ipv6TrafficSelector all;
        nodeOf(s, "mn").mobile.flows = {{7, 10, all, {1, 2}}};
        s.traffic[0].answer = false;
        LabRun run(s);
        run.to(TimePoint{20s});
        const auto a = analyzed(run);
        const Flow& flow = flowFrom(*a, "2001:db8:200::c");
        const FlowPath *one = pathOf(flow, 1), *two = pathOf(flow, 2);
        QVERIFY(one && two && one->probes > 250 && two->probes > 250);
        QCOMPARE(one->duplicated + two->duplicated + one->lost + two->lost, std::uint32_t{0});
        QVERIFY2(flow.duplicated > 250, "the flow has them twice");
    }

    void aPathThatDies()
    {
        // Route-optimised, with a flow, and everything that is told about it raises no finding.
        Scenario s = pathsScenario();
        nodeOf(s, "mn").optimiseAll = true;
        wire::Ipv6TrafficSelector selector;
        selector.protocol = wire::SelectorRange<std::uint8_t>{wire::protocol::udp, std::nullopt};
        nodeOf(s, "mn").mobile.flows = {{7, 10, selector, {1, 2}}};
        nodeOf(s, "cn").flows.support = node::Support::Unknown;
        nodeOf(s, "ha").flows.support = node::Support::Unknown;
        s.events.push_back({TimePoint{15s}, "mn", "if0", std::nullopt});
        LabRun run(s);
        run.to(TimePoint{25s});
        const auto a = analyzed(run);
        for (const auto& f : a->findings) QVERIFY2(false, f.finding.text.c_str());
        const Flow& flow = flowFrom(*a, "2001:db8:200::c");
        const FlowPath *one = pathOf(flow, 1), *two = pathOf(flow, 2);
        QVERIFY(one && two && two->probes > 150);
        const Truth truth(run, "cn", 0, TimePoint{8s}, TimePoint{23s});
        QVERIFY2(one->lost >= truth.lost() && one->lost <= truth.lost() + 5 && two->lost == 0, qPrintable(QString("%1 %2 %3").arg(one->lost).arg(two->lost).arg(truth.lost())));
    }

    void theTable()
    {
        const Scenario s = badSecondPath();
        LabRun run(s);
        run.to(TimePoint{15s});
        const std::string table = capture::pathTable(*analyzed(run), &s);
        const QStringList lines = QString::fromStdString(table).split('\n', Qt::SkipEmptyParts);
        QVERIFY(lines.size() >= 4 && lines[0].contains("duplicated") && lines[0].contains("reordered"));
        QVERIFY(table.find("BID 1") != std::string::npos && table.find("BID 2") != std::string::npos);
        const auto at = lines[0].indexOf("probes");
        for (const QString& line : lines) QVERIFY2(line[at - 1] == ' ' && line[at] != ' ', qPrintable(line));
    }
};

QTEST_APPLESS_MAIN(TestFlowPaths)
#include "test_flow_paths.moc"
