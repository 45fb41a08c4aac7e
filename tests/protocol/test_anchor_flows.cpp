// SPDX-License-Identifier: GPL-3.0-or-later
// Flow bindings at a home agent or MAP over the wire (RFC 6089 §5.3): options in updates, answers, and where packets go.
#include "tests/support/flow_options.hpp"
#include "tests/support/mcoa_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using namespace roamscope::test::anchors;

namespace {

MobilityOption flow(std::uint16_t number, std::uint16_t priority, std::uint16_t port, std::vector<std::uint16_t> bids) { return flowTo(port, number, priority, std::move(bids)); }

Ipv6Packet datagram(std::uint16_t port, const Ipv6Address& to = home) { return datagramOf(correspondent, to, 4000, port); }

/// Two pieces of a datagram to that port.
std::vector<Ipv6Packet> pieces(std::uint16_t port) { return fragmented(datagramOf(correspondent, home, 4000, port, 2000), 1280, 77); }

const std::vector<MobilityOption> twoPaths{bid(1, careOf, 10), bid(2, cell, 20)};

std::vector<MobilityOption> with(std::vector<MobilityOption> options, const std::vector<MobilityOption>& more)
{
    options.insert(options.end(), more.begin(), more.end());
    return options;
}

}  // namespace

class TestAnchorFlows : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void FLOW_08_packetsGoByTheFirstMatch()
    {
        for (const bool map : {false, true}) {
            Mcoa b(map);
            QCOMPARE(b.update(with(twoPaths, {flow(1, 10, 5000, {2}), flow(2, 20, 6000, {1, 2})}), 100, 0, careOf, map), std::string("0 11 100: 1/0 2/0 f1/0 f2/0"));
            QCOMPARE(b.wayOf(datagram(5000)), cell.text());
            QVERIFY2(b.wayOf(datagram(6000)) == careOf.text() + " " + cell.text(), "FLOW-08: a copy to each");
            QVERIFY2(b.wayOf(datagram(7000)) == careOf.text(), "FLOW-08: without a match the lowest BID-PRI");
        }
    }

    void FLOW_08_whatIsInsideATunnelCountsAtAMapOnly()
    {
        for (const bool map : {false, true}) {
            Mcoa b(map);
            (void)b.update(with(twoPaths, {flow(1, 10, 5000, {2})}), 100, 0, careOf, map);
            QCOMPARE(b.wayOf(encapsulate(datagram(5000), correspondent, home)), map ? cell.text() : careOf.text());
        }
    }

    void FLOW_08_fragmentsFollowTheFirst()
    {
        Mcoa b;
        (void)b.update(with(twoPaths, {flow(1, 10, 5000, {2})}));
        for (const Ipv6Packet& piece : pieces(5000)) QCOMPARE(b.wayOf(piece), cell.text());
        for (const Ipv6Packet& piece : pieces(5001)) QCOMPARE(b.wayOf(piece), careOf.text());
    }

    void FLOW_04_identifiersComeAndGo()
    {
        Mcoa b;
        // FLOW-04: the identifiers of the same update count.
        QCOMPARE(b.update(with(twoPaths, {flow(1, 10, 5000, {2}), flow(3, 30, 5000, {1})})), std::string("0 11 100: 1/0 2/0 f1/0 f3/0"));
        QCOMPARE(b.update({refresh(2), FlowSummary{{1, 3}}}, 0), std::string("0 12 0: 2/0"));
        QVERIFY2(b.wayOf(datagram(5000)) == careOf.text(), "FLOW-04: inactive, and the next one has the packet; MCOA-HA-18");
        QVERIFY2(b.update({refresh(1), FlowSummary{{1}}}) == "0 13 100: 1/0" && b.wayOf(datagram(5000)) == careOf.text(), "MCOA-HA-18: by the home address alone");
        (void)b.update({refresh(1), flow(3, 30, 5000, {1}), FlowSummary{{1}}});
        QCOMPARE(b.anchor.flows().at(home).size(), std::size_t{2});
        QCOMPARE(b.update({bid(2, wired, 20), FlowSummary{{1, 3}}}), std::string("0 15 100: 2/0"));
        QVERIFY2(b.wayOf(datagram(5000)) == wired.text(), "FLOW-04: active again");
    }

    void FLOW_04_anIdentifierThatEndsByItself()
    {
        Mcoa b;
        (void)b.update({bid(1, careOf, 10)}, 100);
        (void)b.update({bid(2, cell, 20), flow(1, 10, 5000, {2})}, 5);
        QCOMPARE(b.wayOf(datagram(5000)), cell.text());
        (void)b.to(21s);
        QCOMPARE(b.wayOf(datagram(5000)), careOf.text());
        QCOMPARE(b.anchor.flows().at(home).size(), std::size_t{1});
    }

    void FLOW_01_10_removal()
    {
        Mcoa b;
        (void)b.update(with(twoPaths, {flow(1, 10, 5000, {2}), flow(2, 20, 6000, {2})}));
        QCOMPARE(b.update({bid(1, careOf, 10), FlowSummary{{2}}}), std::string("0 12 100: 1/0"));
        QVERIFY2(b.wayOf(datagram(5000)) == careOf.text() && b.wayOf(datagram(6000)) == cell.text(), "FLOW-01");
        QCOMPARE(b.update({bid(1, careOf, 10), FlowSummary{{2, 5}}}), std::string("0 13 100: 1/0 f5/132"));
        QCOMPARE(b.update({FlowSummary{{2}}}, 0), std::string("0 14 0:"));
        QVERIFY2(b.anchor.flows().empty() && !b.binding(), "FLOW-10");
        (void)b.update(with(twoPaths, {flow(1, 10, 5000, {2})}));
        (void)b.update({bid(1, careOf, 10)});
        QVERIFY2(b.anchor.flows().empty(), "FLOW-01: an update that names none");
    }

    void flowsAreToldAsTheyComeAndGo()
    {
        Mcoa b;
        const auto told = [&] {
            std::string text;
            for (const Event& e : b.out.events)
                if (e.name == "flow") text += fmt::format("{}{} {}", text.empty() ? "" : ", ", numberOf(e.key, "flow"), e.gone ? "gone" : textOf(e.attributes, "bids"));
            b.out = {};
            return text;
        };
        (void)b.update(with(twoPaths, {flow(1, 10, 5000, {2}), flow(2, 20, 6000, {2, 1})}));
        QCOMPARE(told(), std::string("1 2, 2 2+1"));
        (void)b.update({refresh(1), flow(1, 10, 5000, {1}), FlowSummary{{2}}});
        QCOMPARE(told(), std::string("1 1"));
        (void)b.update({refresh(1), FlowSummary{{2}}});
        QCOMPARE(told(), std::string("1 gone"));
        (void)b.update({}, 0);
        QCOMPARE(told(), std::string("2 gone"));
    }

    void FLOW_02_whatIsRefusedDoesNotSteer()
    {
        Mcoa b;
        QCOMPARE(b.update(with(twoPaths, {flow(1, 10, 5000, {3}), flow(2, 20, 6000, {2})})), std::string("0 11 100: 1/0 2/0 f1/131 f2/0"));
        QCOMPARE(b.wayOf(datagram(5000)), careOf.text());
        // An update that is refused as a whole changes no flow.
        QCOMPARE(b.update({refresh(9), flow(2, 20, 6000, {1})}), std::string("167 12 0: 9/0"));
        QCOMPARE(b.wayOf(datagram(6000)), cell.text());
        b.sequence = 5;
        QCOMPARE(b.update({}), std::string("135 12 0:"));
        QCOMPARE(b.wayOf(datagram(6000)), cell.text());
        // One that is accepted in part counts.
        b.sequence = 12;
        QCOMPARE(b.update({refresh(1), refresh(9), flow(2, 20, 6000, {1})}), std::string("4 13 100: 1/0 9/167 f2/0"));
        QCOMPARE(b.wayOf(datagram(6000)), careOf.text());
    }

    void FLOW_04_afterDuplicateAddressDetection()
    {
        Mcoa b(Bench::policy(false, true));
        (void)b.update(with(twoPaths, {flow(1, 10, 5000, {2})}));
        QVERIFY(b.anchor.flows().empty());
        QCOMPARE(Mcoa::answer(b.to(2s)), std::string("0 11 100: 1/0 2/0 f1/0"));
        QCOMPARE(b.wayOf(datagram(5000)), cell.text());
    }

    void FLOW_07_notKnownOrNotWanted()
    {
        AnchorServices services;
        services.flows.support = Support::Unknown;
        Mcoa unknown(Bench::policy(false, false), services);
        QCOMPARE(unknown.update(with(twoPaths, {flow(1, 10, 5000, {2})})), std::string("0 11 100: 1/0 2/0"));
        QCOMPARE(unknown.wayOf(datagram(5000)), careOf.text());
        services.flows.support = Support::Prohibited;
        Mcoa prohibited(Bench::policy(false, false), services);
        QCOMPARE(prohibited.update(with(twoPaths, {flow(1, 10, 5000, {2})})), std::string("0 11 100: 1/0 2/0 f1/128"));
        QCOMPARE(prohibited.wayOf(datagram(5000)), careOf.text());
        Mcoa plain;
        QVERIFY2(plain.update({flow(1, 10, 5000, {2})}) == "0 11 100: f1/131", "without identifiers there is nothing to steer to");
    }

    void FLOW_03_07_prioritiesComeBack()
    {
        Mcoa b;
        (void)take(b.out);
        b.in(coreLink, Bench::updateWith(11, 0, with(twoPaths, {flow(1, 10, 5000, {2})})));
        const auto seen = take(b.out);
        const auto& options = find<BindingAck>(seen)->frame.as<BindingAck>()->options;
        QVERIFY2(std::find(options.begin(), options.end(), MobilityOption(BindingIdentifier{1, 0, false, 10, {}})) != options.end(), "FLOW-03, FLOW-07: BID-PRI");
        QVERIFY2(std::find(options.begin(), options.end(), flow(1, 10, 5000, {2})) != options.end(), "FLOW-07: the option as it came, status 0");
    }

    void FLOW_09_ownSignallingIsNotSteered()
    {
        Mcoa b;
        Ipv6TrafficSelector mobilityHeaders;
        mobilityHeaders.protocol = {wire::protocol::mobility, {}};
        (void)b.update(with(twoPaths, {FlowIdentification{1, 1, 0, {BindingReference{{2}}, mobilityHeaders}}}));
        b.in(coreLink, Bench::updateWith(20, 0, {bid(1, careOf, 10), FlowSummary{{1}}}));
        const auto seen = take(b.out);
        const Seen* ack = nullptr;
        for (const Seen& s : seen)
            if (s.frame.as<BindingAck>()) ack = &s;
        QVERIFY2(ack && ack->outer().destination == careOf, "FLOW-09");
    }

    void FLOW_08_whatTheAgentItselfSends()
    {
        // HA-FWD-03: an answer to the mobile node's echo request, by the flow that it belongs to.
        Mcoa b;
        Ipv6TrafficSelector pings;
        pings.protocol = {wire::protocol::icmpv6, {}};
        (void)b.update(with(twoPaths, {FlowIdentification{1, 1, 0, {BindingReference{{2}}, pings}}}));
        b.out = {};
        b.in(coreLink, encapsulate(icmp(home, agent, wire::Echo{false, 1, 1, {}}), careOf, agent));
        const auto seen = take(b.out);
        QVERIFY(!seen.empty() && seen.back().outer().destination == cell && seen.back().outer().routing);
        // One that is too large for the link: all pieces by that flow.
        b.in(coreLink, encapsulate(icmp(home, agent, wire::Echo{false, 1, 2, Bytes(1480)}), careOf, agent));
        std::size_t pieces = 0;
        for (const Seen& s : take(b.out)) {
            QVERIFY2(s.outer().destination == cell && s.outer().routing, "FLOW-08: fragments of the agent's own packets follow the first one");
            ++pieces;
        }
        QVERIFY(pieces >= 2);
    }
};

QTEST_APPLESS_MAIN(TestAnchorFlows)
#include "test_anchor_flows.moc"
