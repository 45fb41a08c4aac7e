// SPDX-License-Identifier: GPL-3.0-or-later
// Flow bindings from the mobile node's side (RFC 6089 §5.2): which options an update has, what each status of an acknowledgement does to
// the next one, and which way the node's own packets go.
#include "tests/support/flow_options.hpp"
#include "tests/support/paths_bench.hpp"

#include <QtTest>

#include <fmt/format.h>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using Bids = std::vector<std::uint16_t>;

namespace {

Flow flow(std::uint16_t number, std::uint16_t priority, std::uint16_t port, Bids bids) { return {number, priority, portSelector(port), std::move(bids)}; }

/// "1=2+3 2=1 | 5 6": flows told in full with their identifiers, then those of the summary.
std::string text(const std::vector<MobilityOption>& options)
{
    std::string full, listed;
    for (const MobilityOption& option : options) {
        if (const auto* f = std::get_if<FlowIdentification>(&option)) {
            full += fmt::format("{}{}=", full.empty() ? "" : " ", f->flow);
            for (const auto& sub : f->subOptions)
                if (const auto* r = std::get_if<BindingReference>(&sub)) full += fmt::format("{}", fmt::join(r->bids, "+"));
        } else if (const auto* s = std::get_if<FlowSummary>(&option)) {
            listed += fmt::format("{}{}", listed.empty() ? " | " : " ", fmt::join(s->flows, " "));
        }
    }
    return full + listed;
}

/// One update and its acknowledgement after the other, all identifiers being known.
struct Peer {
    FlowRegistration flows;
    std::uint16_t sequence = 0;
    Bids known{1, 2};

    explicit Peer(const std::vector<Flow>& wanted) { flows.want(wanted); }
    std::string update() { return text(flows.options(++sequence, known)); }
    /// The update, answered with these statuses by flow.
    std::string answered(const std::vector<std::pair<int, int>>& statuses)
    {
        std::string told = update();
        answer(statuses);
        return told;
    }
    void answer(const std::vector<std::pair<int, int>>& statuses)
    {
        std::vector<MobilityOption> options;
        for (const auto& [number, status] : statuses)
            options.push_back(FlowIdentification{static_cast<std::uint16_t>(number), 1, static_cast<std::uint8_t>(status), {}});
        (void)flows.acknowledged(sequence, options, known);
    }
    [[nodiscard]] std::string held() const
    {
        std::string list;
        for (const Flow& f : flows.flows()) list += fmt::format("{}{}={}", list.empty() ? "" : " ", f.flow, fmt::join(f.bids, "+"));
        return list;
    }
};

/// The flow options of an update.
std::string flowsOf(const PathsBench::Sent& s) { return text(s.update.options); }

/// An acknowledgement with the identifiers of the update and these flow options.
void answerFlows(PathsBench& b, const PathsBench::Sent& s, const std::vector<std::pair<int, int>>& statuses)
{
    BindingAck ack{0, 0, s.update.sequence, s.update.lifetime, {}};
    for (wire::BindingIdentifier option : PathsBench::bids(s.update)) {
        option.careOfAddress.clear();
        ack.options.push_back(option);
    }
    for (const auto& [number, status] : statuses) ack.options.push_back(FlowIdentification{static_cast<std::uint16_t>(number), 1, static_cast<std::uint8_t>(status), {}});
    b.in(s.interface, mobility(s.destination, s.source, ack, {}, s.home));
}

/// Both interfaces registered in bulk with a flow to port 5000 by identifier 2, its answer with this status, at 6 s.
struct WithFlow : PathsBench {
    std::string first;

    static MobileNode::Settings settingsOf(std::vector<Flow> flows)
    {
        auto s = settings(Mode::Bulk);
        s.multihoming.flows = std::move(flows);
        return s;
    }
    explicit WithFlow(int status, std::vector<Flow> flows = {flow(7, 10, 5000, {2})}) : PathsBench(settingsOf(std::move(flows)))
    {
        up(0);
        up(1);
        for (Duration t = 0s; t <= 6s; t += 50ms)
            for (const Sent& s : updates(to(t))) {
                if (first.empty()) first = flowsOf(s);
                if (status < 0) PathsBench::acknowledge(s);
                else answerFlows(*this, s, {{7, status}});
            }
    }
    /// By which interface a datagram of the node's own from that port leaves; of each piece.
    std::vector<std::size_t> wayOf(const wire::Ipv6Packet& packet)
    {
        (void)take(out);
        mn.originate(now, packet, out);
        std::vector<std::size_t> ways;
        for (const Seen& s : take(out))
            if (s.frame.packets.size() == 2) ways.push_back(s.interface);
        return ways;
    }
    std::vector<std::size_t> wayOf(std::uint16_t port) { return wayOf(datagramOf(homeAddress, correspondent, port, 4000)); }
    /// The flow options of the refresh that a Binding Refresh Request asks for.
    std::string refreshed()
    {
        (void)take(out);
        in(0, mobility(homeAgent, careOf(0), wire::BindingRefreshRequest{}, {}, homeAddress));
        const auto sent = updates(to(now - TimePoint{} + 10ms));
        return sent.empty() ? "none" : flowsOf(sent.front());
    }
};

using Ways = std::vector<std::size_t>;

}  // namespace

class TestFlowRegistration : public QObject {
    Q_OBJECT
private Q_SLOTS:
    // ---- options of updates

    void FLOW_01_toldOnceThenListed()
    {
        Peer t({flow(1, 10, 5000, {2}), flow(2, 20, 6000, {1, 2})});
        QVERIFY(t.flows.mustTell(t.known));
        QCOMPARE(t.answered({{1, 0}, {2, 0}}), std::string("1=2 2=1+2"));
        QVERIFY2(!t.flows.mustTell(t.known) && t.update() == " | 1 2", "FLOW-01: the summary refreshes them");
        QVERIFY2(t.held() == "1=2 2=1+2" && t.flows.status(1) == std::uint8_t{0}, "FLOW-05: Status 0");
    }

    void FLOW_01_anUpdateWithoutAnswerIsToldAgain()
    {
        Peer t({flow(1, 10, 5000, {2})});
        (void)t.update();
        QVERIFY2(t.update() == "1=2" && t.held().empty(), "what is not acknowledged is not known");
        t.answer({{1, 0}});
        QCOMPARE(t.update(), std::string(" | 1"));
        // An old acknowledgement says nothing any more.
        t.flows.want({flow(1, 10, 5001, {2})});
        (void)t.flows.acknowledged(1, {FlowIdentification{1, 1, 130, {}}}, t.known);
        QCOMPARE(t.held(), std::string("1=2"));
    }

    void FLOW_06_addedModifiedRemoved()
    {
        Peer t({flow(1, 10, 5000, {2})});
        (void)t.answered({{1, 0}});
        t.flows.want({flow(1, 10, 5000, {2}), flow(2, 20, 6000, {1})});
        QVERIFY2(t.flows.mustTell(t.known) && t.answered({{2, 0}}) == "2=1 | 1", "added");
        t.flows.want({flow(1, 10, 5000, {1}), flow(2, 20, 6000, {1})});
        QVERIFY2(t.flows.mustTell(t.known) && t.held() == "1=2 2=1", "as the peer has it, until the peer has answered");
        QVERIFY2(t.answered({{1, 0}}) == "1=1 | 2" && t.held() == "1=1 2=1", "FLOW-06: modified");
        t.flows.want({flow(1, 5, 5000, {1}), flow(2, 2, 6000, {1})});
        QCOMPARE(t.answered({{1, 0}, {2, 0}}), std::string("1=1 2=1"));
        QVERIFY2(t.held() == "2=1 1=1", "FLOW-08: in the order of their priorities");
        t.flows.want({flow(2, 2, 6000, {1})});
        QVERIFY2(t.flows.mustTell(t.known) && t.update() == " | 2" && t.held() == "2=1", "FLOW-01: removed by not naming it");
        QVERIFY(!t.flows.mustTell(t.known));
        t.flows.want({});
        QVERIFY(t.flows.mustTell(t.known) && t.update().empty() && t.held().empty());
    }

    void FLOW_04_identifiersThatAreNotKnown()
    {
        Peer t({flow(1, 10, 5000, {2}), flow(2, 20, 6000, {1, 2})});
        t.known = {1};
        QVERIFY2(t.answered({{2, 0}}) == "2=1", "one that has none waits, of others only what is known is named");
        QVERIFY(!t.flows.mustTell(t.known) && t.flows.mustTell({1, 2}));
        t.known = {1, 2};
        QCOMPARE(t.answered({{1, 0}, {2, 0}}), std::string("1=2 2=1+2"));
        t.known = {2};
        QVERIFY2(t.answered({{2, 0}}) == "2=2 | 1", "what is left");
        t.known = {};
        QVERIFY2(t.update() == " | 1 2", "FLOW-04: inactive ones are kept, too");
    }

    void FLOW_01_summariesOfAnySize()
    {
        std::vector<Flow> many;
        std::vector<std::pair<int, int>> good;
        for (std::uint16_t i = 1; i <= 300; ++i) {
            many.push_back(flow(i, i, i, {1}));
            good.emplace_back(i, 0);
        }
        Peer t(many);
        (void)t.answered(good);
        const auto options = t.flows.options(77, t.known);
        std::vector<std::size_t> sizes;
        for (const auto& option : options) sizes.push_back(std::get<FlowSummary>(option).flows.size());
        QVERIFY2(sizes == (std::vector<std::size_t>{127, 127, 46}), "RFC 6089 §4.2.2: 127 in an option");
    }

    void anotherPeerIsToldAll()
    {
        Peer t({flow(1, 10, 5000, {2})});
        (void)t.answered({{1, 130}});
        t.flows.restart();
        QVERIFY(t.flows.mustTell(t.known) && t.update() == "1=2" && !t.flows.status(1));
    }

    // ---- statuses

    void FLOW_02_whatEachStatusDoes_data()
    {
        QTest::addColumn<int>("status");
        for (const int status : {128, 129, 130, 133, 200}) QTest::newRow(qPrintable(QString::number(status))) << status;
    }
    void FLOW_02_whatEachStatusDoes()
    {
        QFETCH(int, status);
        Peer t({flow(1, 10, 5000, {2}), flow(2, 20, 6000, {1})});
        QCOMPARE(t.answered({{1, status}, {2, 0}}), std::string("1=2 2=1"));
        QVERIFY(t.flows.supported() && t.flows.status(1) == static_cast<std::uint8_t>(status));
        QVERIFY2(t.held() == "2=1", "a refused flow does not steer");
        QVERIFY2(!t.flows.mustTell(t.known) && t.update() == " | 2", "nor is it told again as it is");
        t.flows.want({flow(1, 10, 5001, {2}), flow(2, 20, 6000, {1})});
        QVERIFY2(t.flows.mustTell(t.known) && t.answered({{1, 0}}) == "1=2 | 2" && t.held() == "1=2 2=1", "as another one it is");
    }

    void FLOW_02_131_waitsForItsIdentifier()
    {
        // A bulk update of which the peer takes identifier 1 alone: the flow of 2 cannot be there yet.
        Peer t({flow(1, 10, 5000, {2})});
        (void)t.update();
        t.known = {1};
        t.answer({{1, 131}});
        QVERIFY(t.flows.status(1) == std::uint8_t{131} && !t.flows.mustTell({1}));
        QVERIFY(t.update().empty());
        QVERIFY2(t.flows.mustTell({1, 2}), "FLOW-02: 131, and the identifier comes afterwards");
        // A peer that says so although it has acknowledged the identifier is not asked for ever.
        t.known = {1, 2};
        QCOMPARE(t.answered({{1, 131}}), std::string("1=2"));
        QVERIFY(!t.flows.mustTell({1, 2}));
    }

    void FLOW_02_132_isToldInFull()
    {
        Peer t({flow(1, 10, 5000, {2}), flow(2, 20, 6000, {1})});
        (void)t.answered({{1, 0}, {2, 0}});
        QCOMPARE(t.answered({{1, 132}}), std::string(" | 1 2"));
        QVERIFY2(t.held() == "2=1" && t.flows.mustTell(t.known), "FLOW-02: the peer does not have it");
        QCOMPARE(t.answered({{1, 0}}), std::string("1=2 | 2"));
        QCOMPARE(t.held(), std::string("1=2 2=1"));
        // In answer to all of it that status makes no sense, and repeating it even less.
        t.flows.want({flow(1, 11, 5000, {2}), flow(2, 20, 6000, {1})});
        QCOMPARE(t.answered({{1, 132}}), std::string("1=2 | 2"));
        QVERIFY(!t.flows.mustTell(t.known));
    }

    void FLOW_11_noCopyAtAll()
    {
        Peer t({flow(1, 10, 5000, {2})});
        QCOMPARE(t.answered({}), std::string("1=2"));
        QVERIFY2(!t.flows.supported() && t.held().empty(), "FLOW-11");
        QVERIFY(t.update().empty() && !t.flows.mustTell(t.known));
        t.flows.want({flow(2, 10, 5000, {2})});
        QVERIFY(!t.flows.mustTell(t.known));
        // A summary has no answer (FLOW-07): nothing follows from its absence.
        Peer other({flow(1, 10, 5000, {2})});
        (void)other.answered({{1, 0}});
        QVERIFY(other.answered({}) == " | 1" && other.flows.supported() && other.held() == "1=2");
    }

    void FLOW_11_aCopyOfEach()
    {
        Peer t({flow(1, 10, 5000, {2}), flow(2, 20, 6000, {1})});
        QCOMPARE(t.answered({{1, 0}}), std::string("1=2 2=1"));
        QVERIFY2(t.flows.supported() && t.held() == "1=2", "FLOW-11: what is not copied is not bound");
        QVERIFY2(!t.flows.mustTell(t.known) && t.update() == " | 1", "and not told again and again");
    }

    // ---- the same on the wire

    void FLOW_02_statusesAtTheMobileNode_data()
    {
        QTest::addColumn<int>("status");
        QTest::addColumn<std::string>("refreshed");
        QTest::newRow("0") << 0 << std::string(" | 7");
        for (const int status : {128, 129, 130, 131, 132, 133}) QTest::newRow(qPrintable(QString::number(status))) << status << std::string();
        QTest::newRow("no copy, FLOW-11") << -1 << std::string();
    }
    void FLOW_02_statusesAtTheMobileNode()
    {
        QFETCH(int, status);
        QFETCH(std::string, refreshed);
        WithFlow b(status);
        QVERIFY(b.has(1) && b.has(2));
        QVERIFY2(b.first == "7=2", "FLOW-04: the identifiers of the update itself count");
        QVERIFY2(b.wayOf(5000) == (status == 0 ? Ways{1} : Ways{0}), "its own packets go by the flow only when it holds");
        QCOMPARE(b.wayOf(5001), Ways{0});
        QCOMPARE(b.refreshed(), refreshed);
    }

    void FLOW_10_deletionsListTheFlowsThatStay()
    {
        WithFlow b(0, {flow(7, 10, 5000, {2})});
        b.down(0);
        const auto gone = PathsBench::updates(take(b.out));
        QVERIFY(gone.size() == 1 && gone[0].update.lifetime.count() == 0);
        QVERIFY2(flowsOf(gone[0]) == " | 7", "FLOW-10");
    }

    void FLOW_04_aFlowWhosePathIsGone()
    {
        WithFlow b(0);
        b.down(1);
        for (const auto& s : PathsBench::updates(take(b.out))) {
            QVERIFY2(flowsOf(s) == " | 7", "FLOW-04: inactive, and kept");
            answerFlows(b, s, {});
        }
        QCOMPARE(b.wayOf(5000), Ways{0});
        b.up(1);
        (void)b.answeringTo(12s);
        QVERIFY2(b.has(2) && b.wayOf(5000) == Ways{1}, "FLOW-04: active again");
    }

    void MCOA_MN_14_oneCareOfAddressForAFlow()
    {
        // However many identifiers a flow has, the node sends one copy, by the first that lives.
        WithFlow b(0, {flow(7, 10, 5000, {2, 1})});
        for (int i = 0; i < 3; ++i) QVERIFY2(b.wayOf(5000) == Ways{1}, "MCOA-MN-14");
        b.down(1);
        QVERIFY2(b.wayOf(5000) == Ways{0}, "MCOA-MN-14: the next one when it is gone");
        QCOMPARE(b.wayOf(5000), Ways{0});
    }

    void FLOW_08_fragmentsOfOwnPacketsFollowTheFirst()
    {
        WithFlow b(0);
        // Cut by the node itself.
        const Ways all = b.wayOf(datagramOf(homeAddress, correspondent, 5000, 4000, 3000));
        QVERIFY2(all.size() >= 3 && std::all_of(all.begin(), all.end(), [](std::size_t w) { return w == 1; }), "FLOW-08");
        // Handed over in pieces, of which only the first one shows the ports.
        for (const std::uint16_t port : {std::uint16_t{5000}, std::uint16_t{5001}}) {
            const auto pieces = fragmented(datagramOf(homeAddress, correspondent, port, 4000, 2000), 1280, port);
            QCOMPARE(pieces.size(), std::size_t{2});
            for (const Ipv6Packet& piece : pieces) QVERIFY2(b.wayOf(piece) == (port == 5000 ? Ways{1} : Ways{0}), "FLOW-08: fragments follow the first one");
        }
    }

    void FLOW_01_theStateOfAFlowEndsWithIt()
    {
        WithFlow b(0, {flow(7, 10, 5000, {2}), flow(8, 20, 5001, {1})});
        // Its answer named flow 7 only; what stands is what was told and not taken back.
        std::set<std::int64_t> standing;
        const auto note = [&] {
            for (const Event& e : b.out.events)
                if (e.name == "flow") e.gone ? void(standing.erase(numberOf(e.key, "flow"))) : void(standing.insert(numberOf(e.key, "flow")));
            b.out.events.clear();
        };
        note();
        QVERIFY(standing.contains(7));
        b.mn.configure(b.now, WithFlow::settingsOf({flow(9, 30, 5002, {1})}));
        for (Duration t = b.now - TimePoint{}; t <= 9s; t += 50ms)
            for (const auto& sent : PathsBench::updates(b.to(t))) answerFlows(b, sent, {{9, 0}});
        note();
        QCOMPARE(standing, (std::set<std::int64_t>{9}));
        // Neither does it outlive the binding.
        b.down(0);
        b.down(1);
        (void)b.to(1000s);
        note();
        QVERIFY(standing.empty());
    }

    void aDeadPathDoesNotHoldUpFlows()
    {
        // Identifier 2 is never acknowledged; what is changed is told by the path that lives.
        auto s = PathsBench::settings();
        s.multihoming.flows = {flow(7, 10, 5000, {1})};
        PathsBench b(s);
        b.up(0);
        b.up(1);
        const auto run = [&](Duration until) {
            std::string told;
            for (Duration t = b.now - TimePoint{}; t <= until; t += 50ms)
                for (const auto& sent : PathsBench::updates(b.to(t))) {
                    if (PathsBench::bids(sent.update).front().bid != 1) continue;
                    if (told.empty()) told = flowsOf(sent);
                    answerFlows(b, sent, flowsOf(sent).starts_with(" ") ? std::vector<std::pair<int, int>>{} : std::vector<std::pair<int, int>>{{7, 0}});
                }
            return told;
        };
        QCOMPARE(run(10s), std::string("7=1"));
        QVERIFY(b.paths().waiting());
        s.multihoming.flows = {flow(7, 10, 5005, {1})};
        b.mn.configure(b.now, s);
        QCOMPARE(run(14s), std::string("7=1"));
        QVERIFY(std::get<Ipv6TrafficSelector>(b.mn.homes().front().flows.flows().front().selector).destinationPort->start == 5005);
    }
};

QTEST_APPLESS_MAIN(TestFlowRegistration)
#include "test_flow_registration.moc"
