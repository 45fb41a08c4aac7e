// SPDX-License-Identifier: GPL-3.0-or-later
// Traffic selectors against packets (RFC 6088), and what flow options of an update do (RFC 6089 §5.3), rule by rule.
#include "tests/support/flow_options.hpp"

#include "protocol/node/flow_bindings.hpp"

#include <QtTest>

#include <fmt/format.h>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using wire::RawFlowSubOption;

namespace {

const Ipv6Address home = ip("2001:db8:100::1:1");
const Ipv6Address peer = ip("2001:db8:200::c");

/// From `peer` to `home` with these ports.
Ipv6Packet datagram(std::uint16_t from, std::uint16_t to, std::uint8_t protocol = wire::protocol::udp)
{
    Ipv6Packet p;
    p.source = peer;
    p.destination = home;
    p.nextHeader = protocol;
    p.payload = {static_cast<std::uint8_t>(from >> 8), static_cast<std::uint8_t>(from), static_cast<std::uint8_t>(to >> 8), static_cast<std::uint8_t>(to), 0, 8, 0, 0};
    return p;
}

/// Piece of a packet at this place (units of 8 octets) of what `whole` carries.
Ipv6Packet piece(const Ipv6Packet& whole, std::uint16_t place, std::uint8_t identifier)
{
    Ipv6Packet p = whole;
    p.nextHeader = wire::protocol::fragment;
    const auto word = static_cast<std::uint16_t>(place << 3 | 1);
    p.payload = {whole.nextHeader, 0, static_cast<std::uint8_t>(word >> 8), static_cast<std::uint8_t>(word), 0, 0, 0, identifier};
    if (place == 0) p.payload.insert(p.payload.end(), whole.payload.begin(), whole.payload.end());
    else p.payload.insert(p.payload.end(), 8, 0x51);
    return p;
}

MobilityOption flow(std::uint16_t number, std::uint16_t priority, std::vector<wire::FlowSubOption> sub) { return FlowIdentification{number, priority, 0, std::move(sub)}; }
MobilityOption full(std::uint16_t number, std::uint16_t priority, std::uint16_t port, std::vector<std::uint16_t> bids)
{
    return flow(number, priority, {BindingReference{std::move(bids)}, portSelector(port)});
}

/// The flows of a home address, with one update after the other.
struct Table {
    std::vector<Flow> flows;
    std::vector<std::uint16_t> bids{1, 2};
    FlowPolicy policy;

    /// Status of each option that came back: "1/0 2/131".
    std::string update(const std::vector<MobilityOption>& options)
    {
        FlowOutcome outcome = applyFlows(options, flows, bids, policy);
        flows = outcome.flows;
        std::string text;
        for (const FlowIdentification& f : outcome.answers) text += fmt::format("{}{}/{}", text.empty() ? "" : " ", f.flow, f.status);
        return text;
    }
    [[nodiscard]] std::string list() const
    {
        std::string text;
        for (const Flow& f : flows) text += fmt::format("{}{}:{}", text.empty() ? "" : " ", f.flow, fmt::join(f.bids, "+"));
        return text;
    }
};

}  // namespace

class TestFlowBindings : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void FLOW_12_selectorsAndPackets_data()
    {
        using Change = std::function<void(Ipv6TrafficSelector&)>;
        QTest::addColumn<Change>("change");
        QTest::addColumn<bool>("fits");
        const auto row = [](const char* name, bool fits, Change change) { QTest::newRow(name) << change << fits; };
        row("nothing said", true, [](auto&) {});
        row("source", true, [](auto& s) { s.source = {peer, {}}; });
        row("another source", false, [](auto& s) { s.source = {home, {}}; });
        row("source range with both ends", true, [](auto& s) { s.source = {ip("2001:db8:200::"), peer}; });
        row("source range that ends before", false, [](auto& s) { s.source = {ip("2001:db8:200::"), ip("2001:db8:200::b")}; });
        row("destination", true, [](auto& s) { s.destination = {home, {}}; });
        row("ports", true, [](auto& s) { s.sourcePort = {4000, {}}; s.destinationPort = {4999, 5000}; });
        row("port below", false, [](auto& s) { s.destinationPort = {5001, 5009}; });
        row("start alone is one value", false, [](auto& s) { s.destinationPort = {4999, {}}; });
        row("protocol", true, [](auto& s) { s.protocol = {17, {}}; });
        row("another protocol", false, [](auto& s) { s.protocol = {6, {}}; });
        row("class without its low bits", true, [](auto& s) { s.trafficClass = {0xb8, {}}; });
        row("another class", false, [](auto& s) { s.trafficClass = {0xbc, {}}; });
        row("label of 20 bits", true, [](auto& s) { s.flowLabel = {0xfff12345, {}}; });
        row("another label", false, [](auto& s) { s.flowLabel = {0x12346, {}}; });
        row("no SPI there", false, [](auto& s) { s.spi = {0, 0xffffffff}; });
    }
    void FLOW_12_selectorsAndPackets()
    {
        QFETCH(std::function<void(Ipv6TrafficSelector&)>, change);
        QFETCH(bool, fits);
        Ipv6Packet packet = datagram(4000, 5000);
        packet.trafficClass = 0xbb;
        packet.flowLabel = 0x12345;
        Ipv6TrafficSelector selector;
        change(selector);
        QCOMPARE(matches(selector, flowKeyOf(packet)), fits);
    }

    void FLOW_12_whereTheUpperLayerIs()
    {
        QCOMPARE(flowKeyOf(datagram(0x1234, 0x5678, wire::protocol::esp)).spi, std::optional<std::uint32_t>(0x12345678));
        Ipv6Packet ah = datagram(0, 0, wire::protocol::ah);
        ah.payload = {6, 4, 0, 0, 0xa, 0xb, 0xc, 0xd};
        QCOMPARE(flowKeyOf(ah).spi, std::optional<std::uint32_t>(0x0a0b0c0d));
        Ipv6Packet passedOn = datagram(80, 90);
        const Bytes headers{51, 0, 1, 4, 0, 0, 0, 0, 17, 4, 0, 0, 0xa, 0xb, 0xc, 0xd, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
        passedOn.nextHeader = wire::protocol::destinationOptions;
        passedOn.payload.insert(passedOn.payload.begin(), headers.begin(), headers.end());
        const Bytes octets = wire::emitIpv6(passedOn);
        wire::FieldReader in(octets, 0, nullptr);
        const auto came = wire::parseIpv6(in);
        QVERIFY(came);
        const FlowKey behind = flowKeyOf(came->packet);
        QCOMPARE(behind.spi, std::optional<std::uint32_t>(0x0a0b0c0d));
        QVERIFY2(behind.protocol == wire::protocol::udp && behind.destinationPort == 90, "behind the authentication header");
        QCOMPARE(flowKeyOf(datagram(80, 90, wire::protocol::tcp)).sourcePort, std::optional<std::uint16_t>(80));
        QVERIFY(!flowKeyOf(datagram(80, 90, wire::protocol::icmpv6)).sourcePort);
        const FlowKey first = flowKeyOf(piece(datagram(80, 90), 0, 1));
        QVERIFY(first.protocol == wire::protocol::udp && first.destinationPort == 90);
        const FlowKey later = flowKeyOf(piece(datagram(80, 90), 5, 1));
        QVERIFY(later.protocol == wire::protocol::udp && !later.destinationPort);
        // Behind options of more than one unit, as when a home address option is among them.
        Ipv6Packet optioned = datagram(80, 90);
        optioned.payload.insert(optioned.payload.begin(), {wire::protocol::udp, 2, 1, 4, 0, 0, 0, 0, 0xc9, 14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
        optioned.nextHeader = wire::protocol::destinationOptions;
        QVERIFY(flowKeyOf(optioned).protocol == wire::protocol::udp && flowKeyOf(optioned).destinationPort == 90);
        Ipv6Packet shortOne = datagram(80, 90);
        shortOne.payload.resize(3);
        QVERIFY(!flowKeyOf(shortOne).sourcePort);
        const FlowKey back = reversed(flowKeyOf(datagram(80, 90)));
        QVERIFY(back.source == home && back.sourcePort == 90 && back.destinationPort == 80);
    }

    void FLOW_08_firstMatchAndOnlyActiveOnes()
    {
        std::vector<Flow> flows{{7, 30, portSelector(1, 9000), {1}}, {8, 10, portSelector(5000), {2, 3}}, {9, 20, portSelector(5000, 5100), {1}}};
        order(flows);
        FlowSteering steering;
        std::vector<std::uint16_t> living{1, 2, 3};
        const auto chosen = [&](const Ipv6Packet& p, bool own = false) {
            const Flow* f = steering.choose(TimePoint{}, flows, p, own, [&](std::uint16_t bid) { return std::find(living.begin(), living.end(), bid) != living.end(); });
            return f ? int{f->flow} : 0;
        };
        QCOMPARE(chosen(datagram(1, 5000)), 8);
        QCOMPARE(chosen(datagram(1, 5001)), 9);
        QCOMPARE(chosen(datagram(1, 6000)), 7);
        QCOMPARE(chosen(datagram(1, 9001)), 0);
        living = {1, 3};
        QCOMPARE(chosen(datagram(1, 5000)), 8);
        living = {1};
        QVERIFY2(chosen(datagram(1, 5000)) == 9, "FLOW-04: one without living identifiers is passed over");
        living = {1, 2};
        Ipv6Packet own = datagram(5000, 77);
        std::swap(own.source, own.destination);
        QVERIFY2(chosen(own, true) == 8, "selectors read the way towards the mobile node");
        QCOMPARE(chosen(own), 7);
    }

    void FLOW_08_fragmentsFollowTheFirst()
    {
        std::vector<Flow> flows{{8, 10, portSelector(5000), {2}}};
        FlowSteering steering;
        const auto chosen = [&](Duration at, const Ipv6Packet& p) {
            const Flow* f = steering.choose(TimePoint{at}, flows, p, false, [](std::uint16_t) { return true; });
            return f ? int{f->flow} : 0;
        };
        QVERIFY2(chosen(0s, piece(datagram(1, 5000), 4, 1)) == 0, "before its first one nobody knows");
        QCOMPARE(chosen(0s, piece(datagram(1, 5000), 0, 1)), 8);
        QCOMPARE(chosen(1s, piece(datagram(1, 5000), 4, 1)), 8);
        QCOMPARE(chosen(1s, piece(datagram(1, 5000), 4, 2)), 0);
        QCOMPARE(chosen(1s, piece(datagram(1, 6000), 0, 3)), 0);
        QCOMPARE(chosen(1s, piece(datagram(1, 6000), 4, 3)), 0);
        QCOMPARE(chosen(61s, piece(datagram(1, 5000), 4, 1)), 0);
        for (int i = 0; i < 1000; ++i) {
            Ipv6Packet p = piece(datagram(1, 5000), 0, 9);
            p.source.octets[15] = static_cast<std::uint8_t>(i);
            p.source.octets[14] = static_cast<std::uint8_t>(i >> 8);
            QCOMPARE(chosen(Duration(70s) + 1ms * i, p), 8);
        }
    }

    void FLOW_02_05_newFlows_data()
    {
        QTest::addColumn<std::vector<MobilityOption>>("options");
        QTest::addColumn<std::string>("answer");
        QTest::addColumn<std::string>("table");
        const auto row = [](const char* name, std::vector<MobilityOption> options, std::string answer, std::string table = {}) { QTest::newRow(name) << std::move(options) << std::move(answer) << std::move(table); };
        row("two good ones", {full(1, 20, 80, {1}), full(2, 10, 90, {2, 1})}, "1/0 2/0", "2:2+1 1:1");
        row("FLOW-02 no selector", {flow(1, 1, {BindingReference{{1}}})}, "1/130");
        row("FLOW-02 no reference", {flow(1, 1, {portSelector(80)})}, "1/130");
        row("FLOW-02 format unknown", {flow(1, 1, {BindingReference{{1}}, RawFlowSubOption{3, {3, 0, 1, 2}}})}, "1/133");
        row("FLOW-02 format unknown, and no reference", {flow(1, 1, {RawFlowSubOption{3, {3, 0, 1, 2}}})}, "1/133");
        row("FLOW-05 format 0", {flow(1, 1, {BindingReference{{1}}, RawFlowSubOption{3, {0, 0}}})}, "1/130");
        row("FLOW-12 a selector whose octets do not fit", {flow(1, 1, {BindingReference{{1}}, RawFlowSubOption{3, {2, 0, 0x40, 0, 0, 0}}})}, "1/130");
        row("a range that ends before it begins", {flow(1, 1, {BindingReference{{1}}, portSelector(9, 8)})}, "1/130");
        row("FLOW-02 unknown identifier", {full(1, 1, 80, {1, 3})}, "1/131");
        row("FLOW-02 twins spoil all", {full(1, 1, 80, {1}), full(2, 2, 80, {1}), full(1, 3, 90, {1})}, "1/129 2/129 1/129");
        row("FLOW-05 number 0", {full(0, 1, 80, {1})}, "0/130");
        row("FLOW-05 priority 0", {full(1, 0, 80, {1})}, "1/130");
        row("FLOW-05 the same priority twice", {full(1, 5, 80, {1}), full(2, 5, 90, {1}), full(3, 6, 99, {1})}, "1/0 2/129 3/0", "1:1 3:1");
        row("FLOW-05 two selectors", {flow(1, 1, {portSelector(80), BindingReference{{1}}, portSelector(90)})}, "1/130");
        row("FLOW-05 two references", {flow(1, 1, {portSelector(80), BindingReference{{1}}, BindingReference{{2}}})}, "1/130");
        row("FLOW-05 a reference to nothing", {flow(1, 1, {portSelector(80), RawFlowSubOption{2, {}}})}, "1/130");
        row("an option that cannot be read", {wire::RawMobilityOption{45, {0, 4, 0, 1, 0, 0, 2, 9}}, full(1, 1, 80, {1})}, "4/130 1/0", "1:1");
        row("unknown sub-options are passed over", {flow(1, 1, {portSelector(80), RawFlowSubOption{77, {1}}, BindingReference{{1}}})}, "1/0", "1:1");
        row("IPv4 selectors are known", {flow(1, 1, {wire::Ipv4TrafficSelector{}, BindingReference{{1}}})}, "1/0", "1:1");
        row("FLOW-02 summary of unknown ones, each once", {FlowSummary{{5, 6, 5}}, FlowSummary{{6}}}, "5/132 6/132");
        row("FLOW-02 refused and in the summary", {full(5, 1, 80, {9}), FlowSummary{{5}}}, "5/131");
        row("new and in the summary", {full(5, 1, 80, {1}), FlowSummary{{5}}}, "5/0", "5:1");
    }
    void FLOW_02_05_newFlows()
    {
        QFETCH(std::vector<MobilityOption>, options);
        QFETCH(std::string, answer);
        QFETCH(std::string, table);
        Table t;
        QCOMPARE(t.update(options), answer);
        QCOMPARE(t.list(), table);
    }

    void FLOW_01_whatIsNotNamedIsGone()
    {
        Table t;
        (void)t.update({full(1, 1, 80, {1}), full(2, 2, 90, {2}), full(3, 3, 99, {1})});
        QCOMPARE(t.update({FlowSummary{{3, 1, 3}}}), std::string());
        QVERIFY2(t.list() == "1:1 3:1", "FLOW-07: what is refreshed is not answered");
        QCOMPARE(t.update({flow(3, 3, {})}), std::string("3/0"));
        QCOMPARE(t.list(), std::string("3:1"));
        QCOMPARE(t.update({}), std::string());
        QCOMPARE(t.list(), std::string());
    }

    void FLOW_06_changesOfKnownOnes()
    {
        Table t;
        (void)t.update({full(1, 10, 80, {1}), full(2, 20, 90, {2})});
        QCOMPARE(t.update({flow(1, 30, {}), FlowSummary{{2}}}), std::string("1/0"));
        QVERIFY(t.list() == "2:2 1:1" && t.flows[1].selector == Flow::Selector(portSelector(80)));
        (void)t.update({flow(1, 30, {BindingReference{{2, 1}}}), flow(2, 20, {portSelector(91)})});
        QVERIFY(t.list() == "2:2 1:2+1" && t.flows[0].selector == Flow::Selector(portSelector(91)));
        QVERIFY2(t.update({flow(1, 5, {BindingReference{{9}}}), flow(2, 1, {RawFlowSubOption{3, {9, 0}}})}) == "1/131 2/133", "and stay as they were");
        QVERIFY(t.list() == "2:2 1:2+1" && t.flows[0].priority == 20);
        QCOMPARE(t.update({flow(1, 5, {}), flow(1, 6, {})}), std::string("1/129 1/129"));
        QCOMPARE(t.list(), std::string("1:2+1"));
    }

    void FLOW_05_onePriorityForEach()
    {
        Table t;
        (void)t.update({full(1, 10, 80, {1}), full(2, 20, 90, {2})});
        QVERIFY2(t.update({full(3, 20, 99, {1}), FlowSummary{{1, 2}}}) == "3/129", "that of one that stays");
        QCOMPARE(t.list(), std::string("1:1 2:2"));
        QVERIFY2(t.update({flow(1, 20, {}), flow(2, 10, {})}) == "1/0 2/0", "changed over");
        QCOMPARE(t.list(), std::string("2:2 1:1"));
        QVERIFY2(t.update({full(3, 20, 99, {1}), FlowSummary{{2}}}) == "3/0", "that of one that leaves");
        QCOMPARE(t.list(), std::string("2:2 3:1"));
        QVERIFY2(t.update({full(4, 20, 80, {2}), flow(3, 10, {}), FlowSummary{{2}}}) == "4/129 3/129", "3 keeps its own after all, which 4 wanted");
        QCOMPARE(t.list(), std::string("2:2 3:1"));
    }

    void FLOW_04_withoutItsIdentifiersAFlowStays()
    {
        Table t;
        (void)t.update({full(1, 10, 80, {1})});
        t.bids = {2};
        QCOMPARE(t.update({FlowSummary{{1}}}), std::string());
        QCOMPARE(t.list(), std::string("1:1"));
        QCOMPARE(t.update({flow(1, 10, {})}), std::string("1/0"));
    }

    void FLOW_07_optionsComeBack()
    {
        const MobilityOption good = full(1, 10, 80, {1});
        const MobilityOption bad = flow(2, 9, {portSelector(80), BindingReference{{1}}, RawFlowSubOption{2, {1, 2, 3}}});
        const FlowOutcome outcome = applyFlows({good, bad}, {}, {1}, {});
        QCOMPARE(outcome.answers.size(), std::size_t{2});
        QVERIFY(MobilityOption(outcome.answers[0]) == good);
        QVERIFY2(outcome.answers[1].subOptions.size() == 2 && outcome.answers[1].priority == 9 && outcome.answers[1].status == 130, "without what cannot be read");
    }

    void FLOW_07_notKnownNotWantedOrTooMany()
    {
        Table unknown;
        unknown.policy.support = FlowPolicy::Support::Unknown;
        QVERIFY(unknown.update({full(1, 10, 80, {1}), FlowSummary{{4}}}).empty() && unknown.flows.empty());
        Table prohibited;
        prohibited.policy.support = FlowPolicy::Support::Prohibited;
        QCOMPARE(prohibited.update({full(1, 10, 80, {1}), FlowSummary{{4}}}), std::string("1/128"));
        QVERIFY(prohibited.flows.empty());
        Table few;
        few.policy.maximum = 2;
        QCOMPARE(few.update({full(1, 1, 80, {1}), full(2, 2, 80, {1}), full(3, 3, 80, {1})}), std::string("1/0 2/0 3/129"));
        QCOMPARE(few.update({full(3, 3, 80, {1}), FlowSummary{{1}}}), std::string("3/0"));
        QCOMPARE(few.list(), std::string("1:1 3:1"));
    }
};

QTEST_APPLESS_MAIN(TestFlowBindings)
#include "test_flow_bindings.moc"
