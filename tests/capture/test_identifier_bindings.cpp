// SPDX-License-Identifier: GPL-3.0-or-later
// Bindings with identifiers and flow bindings as a capture shows them: RFC 5648, RFC 6089 and revocation (RFC 5846).
#include "tests/support/frame_builder.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::analysis;
using namespace roamscope::test;

namespace {

using Options = std::vector<wire::MobilityOption>;

constexpr std::uint16_t homeFlags = wire::BindingUpdate::acknowledge | wire::BindingUpdate::homeRegistration;
constexpr std::uint16_t O = wire::BindingUpdate::overwrite;

const Ipv6Address ha = ip("2001:db8:200::1"), mn = ip("2001:db8:200::99"), wlan = ip("2001:db8:a1::99"), cell = ip("2001:db8:a2::99"), wired = ip("2001:db8:a3::99");
const Mac haMac = mac("02:00:00:00:00:01"), mnMac = mac("02:00:00:00:00:11");

Bytes octets(const Ipv6Address& address) { return {address.octets.begin(), address.octets.end()}; }
wire::MobilityOption bid(std::uint16_t number, const Ipv6Address& careOf, std::uint8_t priority = 0) { return wire::BindingIdentifier{number, 0, false, priority, octets(careOf)}; }
/// Without an address: the one that is registered.
wire::MobilityOption known(std::uint16_t number) { return wire::BindingIdentifier{number, 0, false, 0, {}}; }
wire::MobilityOption said(std::uint16_t number, std::uint8_t status = 0) { return wire::BindingIdentifier{number, status, false, 0, {}}; }
wire::MobilityOption flow(std::uint16_t number, std::uint16_t priority, std::uint16_t port, std::vector<std::uint16_t> bids, std::uint8_t status = 0)
{
    wire::Ipv6TrafficSelector selector;
    selector.protocol = wire::SelectorRange<std::uint8_t>{wire::protocol::udp, {}};
    selector.destinationPort = wire::SelectorRange<std::uint16_t>{port, {}};
    return wire::FlowIdentification{number, priority, status, {selector, wire::BindingReference{std::move(bids)}}};
}

/// One link between the mobile node and its home agent.
struct Conversation : Capture {
    Conversation() : Capture({"link"}) {}

    void ask(Duration t, std::uint16_t sequence, const Options& options, std::uint16_t flags = homeFlags, std::uint16_t seconds = 600, const Ipv6Address& from = wlan)
    {
        add(t, 0, mnMac, haMac, update({from, ha, mn, {}, flags, sequence, seconds, options}));
    }
    void reply(Duration t, std::uint16_t sequence, const Options& options, std::uint8_t status = 0, std::uint16_t seconds = 600, const Ipv6Address& to = wlan)
    {
        add(t, 0, haMac, mnMac, answer({ha, to, mn, status, sequence, seconds, options}));
    }
    /// Both identifiers registered one after the other, at 1 s and 2 s.
    void registerTwo()
    {
        ask(1s, 1, {bid(1, wlan, 10)}, homeFlags | O);
        reply(1010ms, 1, {said(1)});
        ask(2s, 2, {bid(2, cell, 20)}, homeFlags, 600, cell);
        reply(2010ms, 2, {said(2)}, 0, 600, cell);
    }
};

QByteArray alive(const Analysis& a, Duration t)
{
    QByteArrayList out;
    for (const BindingInterval* b : a.bindingsAt(at(t))) out << (b->bid ? QByteArray::number(*b->bid) : QByteArray("-")) + "@" + b->careOfAddress.text().c_str();
    return out.join(' ');
}
QByteArray flows(const Analysis& a, std::uint16_t number, Duration t)
{
    QByteArrayList out;
    for (const BindingInterval* b : a.bindingsAt(at(t)))
        if (b->bid == number)
            for (const FlowInterval* f : a.flowsOf(*b, at(t))) out << QByteArray::number(f->flow) + ": " + f->selector.c_str();
    return out.join("; ");
}

/// "initial 1, path-added 2@::>2001:db8:a2::99": kinds with identifiers; where an address was replaced, both.
QByteArray changes(const Analysis& a)
{
    QByteArrayList out;
    for (const Handover& h : a.handovers) {
        QByteArray text(handoverKindName(h.kind).data());
        if (h.bid) text += " " + QByteArray::number(*h.bid);
        if (h.kind == HandoverKind::PathSwitched) text += QByteArray(" ") + h.oldCareOf.text().c_str() + ">" + h.newCareOf.text().c_str();
        out << text;
    }
    return out.join(", ");
}

}  // namespace

class TestIdentifierBindings : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void identifiersStandBesideEachOther()  // MCOA-HA-13
    {
        Conversation c;
        c.registerTwo();
        const auto a = c.analyze();
        QVERIFY(a->findings.empty());
        QCOMPARE(alive(*a, 1500ms), QByteArray("1@2001:db8:a1::99"));
        QCOMPARE(alive(*a, 3s), QByteArray("1@2001:db8:a1::99 2@2001:db8:a2::99"));
        QCOMPARE(a->bindings.front().priority, std::uint8_t{10});
    }
    void aRefreshWithoutAddressKeepsIt()  // MCOA-HA-03
    {
        Conversation c;
        c.registerTwo();
        c.ask(5s, 3, {known(1), known(2)}, homeFlags, 600, cell);
        c.reply(5010ms, 3, {said(1), said(2)}, 0, 600, cell);
        const auto a = c.analyze();
        QCOMPARE(alive(*a, 6s), QByteArray("1@2001:db8:a1::99 2@2001:db8:a2::99"));
        QCOMPARE(a->bindings.size(), std::size_t{4});
        for (const BindingInterval* b : a->bindingsAt(at(6s))) QCOMPARE(b->sequence, std::uint16_t{3});
    }
    void whatWasRegisteredBeforeTheCaptureIsNotGuessed()
    {
        Conversation c;
        c.ask(5s, 3, {known(1)});
        c.reply(5010ms, 3, {said(1)});
        QCOMPARE(alive(*c.analyze(), 6s), QByteArray("1@::"));
    }
    void aRefusedIdentifierIsNotBound()  // MCOA-HA-08, MCOA-MN-10
    {
        Conversation c;
        c.ask(1s, 1, {bid(1, wlan), bid(2, cell), bid(3, wired)}, homeFlags | O);
        c.reply(1010ms, 1, {said(1), said(2, 164), said(3)}, 4);
        const auto a = c.analyze();
        QCOMPARE(alive(*a, 2s), QByteArray("1@2001:db8:a1::99 3@2001:db8:a3::99"));
        QCOMPARE(a->bindings.front().status, std::uint8_t{4});
        QCOMPARE(a->identifierAnswers.size(), std::size_t{3});
        QCOMPARE(a->identifierAnswers[1].bid, std::uint16_t{2});
        QCOMPARE(a->identifierAnswers[1].status, std::uint8_t{164});
    }
    void status135AnswersTheUpdateThatItRefuses()  // MN-BU-09, MCOA-HA-08
    {
        // run --random 8100011: the number in it is that of an update of another identifier, which has long been answered.
        Conversation c;
        c.registerTwo();
        c.ask(5s, 40000, {bid(1, wlan)}, homeFlags | O);
        c.reply(5010ms, 2, {said(1)}, 135, 0);
        const auto a = c.analyze();
        QVERIFY2(a->findings.empty(), a->findings.empty() ? "" : a->findings.front().finding.text.c_str());
        QCOMPARE(a->exchanges.size(), std::size_t{3});
        QVERIFY(a->exchanges[2].status == std::uint8_t{135} && a->exchanges[2].sequence == 40000 && a->exchanges[1].status == std::uint8_t{0});
        // Two of one path are refused: each by its identifiers (run --random 8100157).
        Conversation both;
        both.registerTwo();
        both.ask(5s, 7, {bid(3, wired)}, homeFlags, 600, cell);
        both.reply(5010ms, 7, {said(3)}, 0, 600, cell);
        both.ask(6s, 5, {known(1)});
        both.ask(6s, 6, {known(2)}, homeFlags, 0);
        both.reply(6010ms, 7, {said(1)}, 135, 0);
        both.reply(6020ms, 7, {said(2)}, 135, 0);
        const auto two = both.analyze();
        QVERIFY2(two->findings.empty(), two->findings.empty() ? "" : two->findings.front().finding.text.c_str());
        // Every identifier of the refused update has to come back.
        c.ask(6s, 40001, {bid(1, wlan), bid(2, cell)}, homeFlags | O);
        c.reply(6010ms, 2, {said(1)}, 135, 0);
        QCOMPARE(c.analyze()->findings.size(), std::size_t{1});
        QCOMPARE(QByteArray(c.analyze()->findings.front().finding.rule.data()), QByteArray("MCOA-HA-08"));
    }
    void oneOfSeveralOnLinkAddressesGoes()  // HMIP-MN-15, procedures section 8.1
    {
        // run --random 8100009: the answer to the deletion has lifetime 0, but the regional address lives on by the other identifier.
        constexpr std::uint16_t localFlags = wire::BindingUpdate::acknowledge | wire::BindingUpdate::mapRegistration;
        const Ipv6Address agent = ip("2001:db8:100::1"), hoa = ip("2001:db8:100::1:1");
        for (const std::uint16_t seconds : std::initializer_list<std::uint16_t>{600, 604}) {
            Conversation c;
            c.ask(1s, 1, {bid(1, wlan)}, localFlags | O);
            c.reply(1010ms, 1, {said(1)});
            c.ask(2s, 2, {bid(2, cell)}, localFlags, 400, cell);
            c.reply(2010ms, 2, {said(2)}, 0, 400, cell);
            c.ask(3s, 3, {known(2)}, localFlags, 0);
            c.reply(3010ms, 3, {said(2)}, 0, 0);
            c.add(4s, 0, mnMac, haMac, update({mn, agent, hoa, {}, homeFlags, 7, seconds, {bid(1, mn)}}));
            const auto a = c.analyze();
            const auto lifetime = std::count_if(a->findings.begin(), a->findings.end(), [](const TraceFinding& f) { return f.finding.rule == "HMIP-MN-15"; });
            QCOMPARE(lifetime, seconds == 600 ? 0 : 1);
        }
    }
    void aRefusedRefreshLeavesWhatThereWas()
    {
        Conversation c;
        c.registerTwo();
        c.ask(5s, 3, {bid(1, wired), bid(2, wired)});
        c.reply(5010ms, 3, {said(1, 164), said(2)}, 4);
        QCOMPARE(alive(*c.analyze(), 6s), QByteArray("1@2001:db8:a1::99 2@2001:db8:a3::99"));
    }
    void overwriteEndsTheOthers()  // MCOA-HA-05
    {
        Conversation c;
        c.registerTwo();
        c.ask(5s, 3, {bid(3, wired)}, homeFlags | O);
        c.reply(5010ms, 3, {said(3)});
        const auto a = c.analyze();
        QCOMPARE(alive(*a, 6s), QByteArray("3@2001:db8:a3::99"));
        QVERIFY(a->bindings[0].end == Knowledge::Deleted);
    }
    void oneIsDeletedTheOtherStays()  // MCOA-MN-07
    {
        Conversation c;
        c.registerTwo();
        c.ask(5s, 3, {known(1)}, homeFlags, 0, cell);
        c.reply(5010ms, 3, {said(1)}, 0, 0, cell);
        QCOMPARE(alive(*c.analyze(), 6s), QByteArray("2@2001:db8:a2::99"));
    }
    void aPlainUpdateReplacesAll()  // MCOA-HA-01
    {
        Conversation c;
        c.registerTwo();
        add(c, 5s, 3);
        QCOMPARE(alive(*c.analyze(), 6s), QByteArray("-@2001:db8:a3::99"));
    }
    void whoDoesNotEchoIdentifiersBoundThePlainAddress()  // MCOA-MN-09
    {
        Conversation c;
        c.ask(1s, 1, {bid(1, wlan), bid(2, cell)}, homeFlags | O);
        c.reply(1010ms, 1, {});
        QCOMPARE(alive(*c.analyze(), 2s), QByteArray("-@2001:db8:a1::99"));
    }
    void theHomeLinkIsOneOfThem()  // MCOA-HA-15, MCOA-HA-09
    {
        Conversation c;
        c.ask(1s, 1, {bid(1, wlan), wire::BindingIdentifier{2, 0, true, 0, octets(mn)}}, homeFlags | O);
        c.reply(1010ms, 1, {said(1), wire::BindingIdentifier{2, 5, true, 0, {}}}, 4);
        const auto a = c.analyze();
        QCOMPARE(alive(*a, 2s), QByteArray("1@2001:db8:a1::99 2@2001:db8:200::99"));
        QVERIFY(a->bindings[1].homeLink && !a->bindings[0].homeLink);
        QCOMPARE(a->bindings[1].status, std::uint8_t{5});
    }
    void anUpdateOfForeignLinksOnlyHasLeftTheHomeLink()  // MCOA-HA-15, RFC 5648 §5.6.5
    {
        const auto home = [](std::uint16_t number, std::uint8_t status = 0) { return wire::BindingIdentifier{number, status, true, 0, octets(mn)}; };
        Conversation c;
        c.ask(1s, 1, {bid(1, wlan), home(2)}, homeFlags | O);
        c.reply(1010ms, 1, {said(1), home(2, 5)}, 4);
        c.ask(3s, 2, {bid(3, cell)}, homeFlags, 600, cell);
        c.reply(3010ms, 2, {said(3)}, 0, 600, cell);
        const auto a = c.analyze();
        QCOMPARE(alive(*a, 2s), QByteArray("1@2001:db8:a1::99 2@2001:db8:200::99"));
        QCOMPARE(alive(*a, 4s), QByteArray("1@2001:db8:a1::99 3@2001:db8:a2::99"));
        QVERIFY(a->bindings[1].end == Knowledge::Deleted);

        // One at a time: another identifier of the home link takes its place, one that is refused does not.
        for (const std::uint8_t status : {std::uint8_t{5}, std::uint8_t{169}}) {
            Conversation other;
            other.ask(1s, 1, {bid(1, wlan), home(2)}, homeFlags | O);
            other.reply(1010ms, 1, {said(1), home(2, 5)}, 4);
            other.ask(3s, 2, {bid(1, wlan), home(4)}, homeFlags);
            other.reply(3010ms, 2, {said(1), home(4, status)}, 4);
            QCOMPARE(alive(*other.analyze(), 4s), status == 5 ? QByteArray("1@2001:db8:a1::99 4@2001:db8:200::99") : QByteArray("1@2001:db8:a1::99 2@2001:db8:200::99"));
        }
    }
    void revocationEndsWhatItNames()  // MCOA-BR-01
    {
        for (const bool all : {false, true}) {
            Conversation c;
            c.registerTwo();
            revoke(c, 5s, 7, all ? Options{} : Options{known(2)}, false);
            QCOMPARE(alive(*c.analyze(), 6s), QByteArray("1@2001:db8:a1::99 2@2001:db8:a2::99"));
            revoke(c, 5100ms, 7, all ? Options{} : Options{known(2)}, true);
            const auto a = c.analyze();
            QCOMPARE(alive(*a, 6s), all ? QByteArray() : QByteArray("1@2001:db8:a1::99"));
            QVERIFY(a->bindings[1].end == Knowledge::Revoked);
        }
    }
    void aRefusedRevocationChangesNothing()
    {
        Conversation c;
        c.registerTwo();
        revoke(c, 5s, 7, {}, false);
        revoke(c, 5100ms, 7, {}, true, 128);
        QCOMPARE(alive(*c.analyze(), 6s), QByteArray("1@2001:db8:a1::99 2@2001:db8:a2::99"));
    }
    void flowsBelongToTheirIdentifiers()  // FLOW-01, FLOW-06
    {
        Conversation c;
        c.registerTwo();
        c.ask(5s, 3, {known(1), known(2), flow(7, 2, 5001, {2}), flow(8, 1, 5002, {1, 2})});
        c.reply(5010ms, 3, {said(1), said(2), flow(7, 2, 5001, {2}), flow(8, 1, 5002, {1, 2})});
        c.ask(8s, 4, {known(1), known(2), wire::FlowSummary{{8}}});
        c.reply(8010ms, 4, {said(1), said(2)});
        c.ask(9s, 5, {known(1), known(2), wire::FlowIdentification{8, 3, 0, {wire::BindingReference{{2}}}}});
        c.reply(9010ms, 5, {said(1), said(2), wire::FlowIdentification{8, 3, 0, {wire::BindingReference{{2}}}}});
        const auto a = c.analyze();
        QCOMPARE(flows(*a, 1, 6s), QByteArray("8: UDP, to port 5002"));
        QCOMPARE(flows(*a, 2, 6s), QByteArray("8: UDP, to port 5002; 7: UDP, to port 5001"));
        QCOMPARE(flows(*a, 2, 8500ms), QByteArray("8: UDP, to port 5002"));
        QCOMPARE(flows(*a, 1, 9500ms), QByteArray());
        QCOMPARE(flows(*a, 2, 9500ms), QByteArray("8: UDP, to port 5002"));
    }
    void aFlowThatIsNotCopiedIsNotBound()  // FLOW-07, FLOW-11
    {
        Conversation c;
        c.registerTwo();
        c.ask(5s, 3, {known(1), flow(7, 1, 5001, {1}), flow(8, 2, 5002, {1})});
        c.reply(5010ms, 3, {said(1), flow(7, 1, 5001, {1}, 130)});
        QCOMPARE(flows(*c.analyze(), 1, 6s), QByteArray());
    }
    void deletingEverythingEndsFlows()  // FLOW-10
    {
        Conversation c;
        c.registerTwo();
        c.ask(5s, 3, {known(1), flow(7, 1, 5001, {1})});
        c.reply(5010ms, 3, {said(1), flow(7, 1, 5001, {1})});
        c.ask(7s, 4, {}, homeFlags, 0);
        c.reply(7010ms, 4, {}, 0, 0);
        const auto a = c.analyze();
        QCOMPARE(a->flowBindings.size(), std::size_t{1});
        QVERIFY(a->flowBindings.front().to == at(7010ms));
    }

    // ---- path-added, path-removed, path-switched

    void anIdentifierComesAndGoes()
    {
        Conversation c;
        c.registerTwo();
        c.ask(5s, 3, {known(1), known(2)}, homeFlags, 600, cell);  // a refresh is nothing new
        c.reply(5010ms, 3, {said(1), said(2)}, 0, 600, cell);
        c.ask(8s, 4, {known(1)}, homeFlags, 0, cell);
        c.reply(8010ms, 4, {said(1)}, 0, 0, cell);
        const auto a = c.analyze();
        QCOMPARE(changes(*a), QByteArray("initial 1, path-added 2, path-removed 1"));
        const Handover& added = a->handovers[1];
        QVERIFY(added.mobileNode == mn && added.newCareOf == cell && added.oldCareOf.isUnspecified() && added.end == at(2010ms) && !added.interruption);
        QCOMPARE(added.phases.back().name, std::string("T_HA"));
        QVERIFY(added.phases.back().start == at(2s) && added.phases.back().end == at(2010ms));
        const Handover& removed = a->handovers[2];
        QVERIFY(removed.oldCareOf == wlan && removed.newCareOf.isUnspecified() && removed.start == at(8s) && removed.end == at(8010ms));
        QCOMPARE(a->handoverNumber(0), std::size_t{0});
        QCOMPARE(a->handoverNumber(2), std::size_t{2});
    }
    void anotherAddressUnderAnIdentifierIsASwitch()
    {
        Conversation c;
        c.registerTwo();
        c.ask(5s, 3, {bid(1, wired)}, homeFlags, 600, wired);
        c.reply(5010ms, 3, {said(1)}, 0, 600, wired);
        QCOMPARE(changes(*c.analyze()), QByteArray("initial 1, path-added 2, path-switched 1 2001:db8:a1::99>2001:db8:a3::99"));
    }
    void anotherIdentifierInThePlaceOfOneIsASwitch()  // MCOA-HA-05
    {
        Conversation c;
        c.registerTwo();
        c.ask(5s, 3, {bid(3, wired)}, homeFlags | O);
        c.reply(5010ms, 3, {said(3)});
        QCOMPARE(changes(*c.analyze()), QByteArray("initial 1, path-added 2, path-switched 3 2001:db8:a1::99>2001:db8:a3::99, path-removed 2"));
    }
    void theSameAddressUnderAnotherIdentifierIsNoChange()
    {
        Conversation c;
        c.registerTwo();
        c.ask(5s, 3, {bid(7, wlan), bid(2, cell)}, homeFlags | O);
        c.reply(5010ms, 3, {said(7), said(2)});
        QCOMPARE(changes(*c.analyze()), QByteArray("initial 1, path-added 2"));
    }
    void aBulkRegistrationIsTheFirstOne()
    {
        Conversation c;
        c.ask(1s, 1, {bid(1, wlan), bid(2, cell), bid(3, wired)}, homeFlags | O);
        c.reply(1010ms, 1, {said(1), said(2, 164), said(3)}, 4);
        c.ask(2s, 2, {bid(2, cell)});
        c.reply(2010ms, 2, {said(2)});
        QCOMPARE(changes(*c.analyze()), QByteArray("initial 1, path-added 2"));
    }
    void pathsThatRunOutOrAreRevokedAreRemoved()  // MCOA-BR-01
    {
        Conversation c;
        c.ask(1s, 1, {bid(1, wlan)}, homeFlags | O, 600);
        c.reply(1010ms, 1, {said(1)});
        c.ask(2s, 2, {bid(2, cell)}, homeFlags, 40, cell);
        c.reply(2010ms, 2, {said(2)}, 0, 40, cell);
        c.ask(3s, 3, {bid(3, wired)}, homeFlags, 600, wired);
        c.reply(3010ms, 3, {said(3)}, 0, 600, wired);
        revoke(c, 60s, 7, {known(3)}, false);
        revoke(c, 60100ms, 7, {known(3)}, true);
        const auto a = c.analyze();
        QCOMPARE(changes(*a), QByteArray("initial 1, path-added 2, path-added 3, path-removed 2, path-removed 3"));
        QVERIFY(a->handovers[3].start == at(42010ms) && a->handovers[3].phases.empty());
        QVERIFY(a->handovers[4].start == at(60100ms));
    }
    void returningHomeIsOneRow()  // MCOA-MN-13
    {
        Conversation c;
        c.registerTwo();
        c.ask(5s, 3, {}, homeFlags, 0, mn);
        c.reply(5010ms, 3, {}, 0, 0, mn);
        QCOMPARE(changes(*c.analyze()), QByteArray("initial 1, path-added 2, return-home"));
    }

    void networksBehindAMobileRouterAreKnown()  // NEMO-HA-03
    {
        constexpr std::uint16_t R = wire::BindingUpdate::mobileRouter;
        const wire::MobilityOption network = wire::MobileNetworkPrefix{*Prefix::parse("2001:db8:1f0::/64")};
        for (const bool granted : {true, false})
            for (const bool named : {true, false}) {
                Conversation c;
                c.ask(1s, 1, named ? Options{network} : Options{}, homeFlags | R);
                wire::Ipv6Packet p;
                p.source = ha;
                p.destination = wlan;
                p.routing = wire::Type2Routing{1, mn};
                c.add(1010ms, 0, haMac, mnMac, mobility(p, wire::BindingAck{0, std::uint8_t(granted ? 0x40 : 0), 1, WireLifetime{150}, {}}));
                const auto a = c.analyze();
                QCOMPARE(a->bindings.size(), std::size_t{1});
                QCOMPARE(a->bindings[0].router, granted);
                QCOMPARE(a->networksOf(a->bindings[0]) != nullptr, granted && named);
                if (granted && named) QCOMPARE(*a->networksOf(a->bindings[0]), std::vector<Prefix>{*Prefix::parse("2001:db8:1f0::/64")});
            }
    }

    void everyInterfaceOfABulkUpdateBelongsToTheNode()
    {
        const Mac second = mac("02:00:00:00:00:22");
        const Ipv6Address at = withInterfaceId(ip("2001:db8:a2::"), eui64(second));
        Conversation c;
        c.add(500ms, 0, second, multicastMac(solicitedNode(at)), icmp(Ipv6Address{}, solicitedNode(at), wire::NeighborSolicitation{at, {}}));
        c.ask(1s, 1, {bid(1, wlan), bid(2, at)}, homeFlags | O);
        c.reply(1010ms, 1, {said(1), said(2)});
        const auto a = c.analyze();
        const NodeInfo* node = a->nodeOf(mn);
        QVERIFY(node && std::find(node->macs.begin(), node->macs.end(), second) != node->macs.end());
        QVERIFY(a->nodeOf(at) == node);
    }
    void whoGoesOnWithIdentifiersIsFound()  // MCOA-MN-09, MCOA-MN-11
    {
        const auto afterwards = [](const Options& answered, std::uint8_t status, const Options& next) {
            Conversation c;
            c.ask(1s, 1, {bid(1, wlan), bid(2, cell)}, homeFlags | O);
            c.reply(1010ms, 1, answered, status);
            c.ask(5s, 2, next, homeFlags | O);
            return c;
        };
        const Options both{bid(1, wlan), bid(2, cell)};
        QCOMPARE(rules(afterwards({}, 0, both)), QByteArray("MCOA-MN-09"));
        QCOMPARE(rules(afterwards({said(1), said(2)}, 166, both)), QByteArray("MCOA-MN-11"));
        QCOMPARE(rules(afterwards({said(1), said(2)}, 168, both)), QByteArray("MCOA-MN-11"));
        QCOMPARE(rules(afterwards({said(1), said(2)}, 168, {bid(1, wlan)})), QByteArray());
        QCOMPARE(rules(afterwards({said(1), said(2)}, 0, both)), QByteArray());
    }
    void everyIdentifierMustComeBack()  // MCOA-HA-08
    {
        Conversation c;
        c.ask(1s, 1, {bid(1, wlan), bid(2, cell)}, homeFlags | O);
        c.reply(1010ms, 1, {said(2)});
        QCOMPARE(rules(c), QByteArray("MCOA-HA-08"));
    }
    void oneSequenceNumberForAll()  // MCOA-HA-12
    {
        Conversation c;
        c.registerTwo();
        c.ask(5s, 2, {bid(1, wired)});
        c.reply(5010ms, 2, {said(1)});
        QCOMPARE(rules(c), QByteArray("MCOA-HA-12"));
    }
    void firstRegistrationsFromIpv4AreNotBulk()  // MCOA-DS-01
    {
        const auto v4 = [](std::uint16_t number, std::uint8_t last) { return wire::MobilityOption(wire::BindingIdentifier{number, 0, false, 0, Bytes{192, 0, 2, last}}); };
        Conversation c;
        c.ask(1s, 1, {bid(1, wlan), v4(2, 1)}, homeFlags | O);
        QCOMPARE(rules(c), QByteArray("MCOA-DS-01"));
        Conversation good;
        good.ask(1s, 1, {bid(1, wlan)}, homeFlags | O);
        good.reply(1010ms, 1, {said(1)});
        good.ask(2s, 2, {v4(2, 1)});
        good.reply(2010ms, 2, {said(2)});
        good.ask(3s, 3, {known(1), v4(2, 1)});
        good.reply(3010ms, 3, {said(1), said(2)});
        QCOMPARE(rules(good), QByteArray());
        good.ask(4s, 4, {known(1), v4(2, 9)});
        QVERIFY2(rules(good) == "MCOA-DS-01", "whenever it is changed");
        Conversation late;
        late.ask(1s, 7, {known(1), v4(2, 1)});
        QVERIFY2(rules(late).isEmpty(), "it may have been registered before the capture began");
    }
    void theIpv4SourceIsTheCareOfAddress()  // MCOA-DS-02
    {
        for (const std::uint8_t source : {std::uint8_t{1}, std::uint8_t{77}}) {
            Conversation c;
            const Bytes inner = update({mn, ha, {}, {}, homeFlags | O, 1, 600, {wire::MobilityOption(wire::BindingIdentifier{2, 0, false, 0, Bytes{192, 0, 2, 1}})}});
            wire::Ipv4Header header;
            header.source = Ipv4Address{{192, 0, 2, source}};
            header.destination = Ipv4Address{{198, 51, 100, 1}};
            header.protocol = 41;
            constexpr std::uint16_t etherTypeIpv4 = 0x0800;
            c.frames.push_back({at(1s), 0, wire::emitEthernet({haMac, mnMac, etherTypeIpv4}, wire::emitIpv4(header, inner))});
            c.reply(1010ms, 1, {said(2)}, 0, 600, mn);
            QVERIFY2(alive(*c.analyze(), 2s) == (source == 1 ? "2@::ffff:192.0.2.1" : "2@::ffff:192.0.2.77"), "MCOA-DS-02");
        }
    }
    void theIpv4AcknowledgementIsForWhatOnlyItTells()  // MCOA-DS-03
    {
        const auto after = [](const Options& asked, const Options& answered) {
            Conversation c;
            c.ask(1s, 1, asked, homeFlags | O);
            c.reply(1010ms, 1, answered);
            return rules(c);
        };
        const wire::MobilityOption v4 = wire::BindingIdentifier{2, 0, false, 0, Bytes{192, 0, 2, 1}};
        wire::Ipv4AddressAck failed;
        failed.status = 129;
        QCOMPARE(after({v4}, {said(2)}), QByteArray());
        QCOMPARE(after({v4}, {wire::Ipv4AddressAck{}, said(2)}), QByteArray("MCOA-DS-03"));
        QCOMPARE(after({v4}, {failed, said(2)}), QByteArray());
        QCOMPARE(after({wire::Ipv4HomeAddress{}, v4}, {wire::Ipv4AddressAck{}, said(2)}), QByteArray());
        QCOMPARE(after({wire::Ipv4HomeAddress{}, v4}, {said(2)}), QByteArray("MCOA-DS-03"));
    }
    void bulkIsForHomeAgents()  // MCOA-MN-06
    {
        Conversation c;
        c.ask(1s, 1, {bid(1, wlan), bid(2, cell)}, wire::BindingUpdate::acknowledge | O, 400);
        QVERIFY(rules(c).contains("MCOA-MN-06"));
    }

private:
    static QByteArray rules(const Conversation& c)
    {
        QByteArrayList out;
        const auto a = c.analyze();
        for (const TraceFinding& f : a->findings)
            if (f.finding.rule.starts_with("MCOA")) out << QByteArray(f.finding.rule.data(), qsizetype(f.finding.rule.size()));
        return out.join(' ');
    }
    static void add(Conversation& c, Duration t, std::uint16_t sequence)
    {
        c.add(t, 0, mnMac, haMac, update({wired, ha, mn, wired, homeFlags, sequence, 600, {}}));
        c.reply(t + 10ms, sequence, {}, 0, 600, wired);
    }
    static void revoke(Conversation& c, Duration t, std::uint16_t sequence, const Options& options, bool acknowledgement, std::uint8_t code = 0)
    {
        wire::Ipv6Packet p;
        p.source = acknowledgement ? wlan : ha;
        p.destination = acknowledgement ? ha : wlan;
        if (acknowledgement) p.setHomeAddress(mn);
        else p.routing = wire::Type2Routing{1, mn};
        const std::uint8_t kind = acknowledgement ? wire::BindingRevocation::acknowledgement : wire::BindingRevocation::indication;
        c.add(t, 0, acknowledgement ? mnMac : haMac, acknowledgement ? haMac : mnMac,
              mobility(p, wire::BindingRevocation{kind, acknowledgement ? code : std::uint8_t{1}, sequence, 0, options}));
    }
};

QTEST_APPLESS_MAIN(TestIdentifierBindings)
#include "test_identifier_bindings.moc"
