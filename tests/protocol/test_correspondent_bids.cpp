// SPDX-License-Identifier: GPL-3.0-or-later
// A correspondent whose mobile node has several care-of addresses (RFC 5648 §5.2, §6; RFC 6089 for its flows).
#include "tests/support/correspondent_bench.hpp"

#include <QtTest>

#include <fmt/format.h>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using wire::BindingIdentifier;
using wire::MobilityOption;

namespace {

BindingIdentifier at(std::uint16_t bid, const Ipv6Address& address, std::uint8_t priority = 0) { return {bid, 0, false, priority, Bytes(address.octets.begin(), address.octets.end())}; }
BindingIdentifier again(std::uint16_t bid) { return {bid, 0, false, 0, {}}; }

struct Mcoa : Bench {
    std::uint16_t sequence = 10;

    explicit Mcoa(const Correspondent::Settings& settings = {}) : Bench(true, settings) {}

    /// An update with these options, proven for `registered` and sent from `from`; "status sequence lifetime: bid/status".
    std::string update(std::vector<MobilityOption> more, const Ipv6Address& registered = careOf, std::uint16_t units = 50, std::uint16_t flags = 0, std::optional<Ipv6Address> from = {})
    {
        return updateWith(tokens(registered), std::move(more), registered, units, flags, from);
    }
    std::string updateWith(const Tokens& t, std::vector<MobilityOption> more, const Ipv6Address& registered = careOf, std::uint16_t units = 50, std::uint16_t flags = 0,
                           std::optional<Ipv6Address> from = {})
    {
        BindingUpdate bu{++sequence, static_cast<std::uint16_t>(BindingUpdate::acknowledge ^ flags), WireLifetime{units}, {wire::NonceIndices{t.homeIndex, t.careOfIndex}}};
        bu.options.insert(bu.options.end(), more.begin(), more.end());
        wire::Ipv6Packet packet = mobility(from.value_or(registered), own, bu, home);
        const Bytes key = units == 0 ? bindingKey(t.home, {}) : bindingKey(t.home, t.careOf);
        const Ipv6Address covered = units == 0 ? home : registered;
        packet.payload = emitAuthorized(bu, key, covered, own, packet.pseudoHeader());
        for (const Seen& s : answers(packet)) {
            const auto* ack = s.frame.as<BindingAck>();
            if (!ack) continue;
            std::string text = fmt::format("{} {} {}:", ack->status, ack->sequence, ack->lifetime.count());
            for (const MobilityOption& option : ack->options) {
                if (const auto* b = std::get_if<BindingIdentifier>(&option)) text += fmt::format(" {}/{}", b->bid, b->status);
                if (const auto* f = std::get_if<wire::FlowIdentification>(&option)) text += fmt::format(" f{}/{}", f->flow, f->status);
            }
            if (!isAuthorized(ack->options, key, covered, own, s.inner().payload)) text += " unproven";
            return text;
        }
        return "nothing";
    }
    [[nodiscard]] std::string parts() const
    {
        std::string text;
        if (binding())
            for (const BidBinding& b : binding()->parts()) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", b.bid, b.careOfAddress.text());
        return text;
    }
    /// A packet with a home address option from there is taken, and answered to these care-of addresses.
    std::string echo(const Ipv6Address& from)
    {
        wire::Ipv6Packet packet = icmp(home, own, wire::Echo{false, 1, 1, {}}, 64);
        packet.source = from;
        packet.setHomeAddress(home);
        std::string text;
        for (const Seen& s : answers(packet)) {
            if (s.frame.as<BindingError>()) return "binding error";
            if (s.frame.as<wire::Echo>()) text += fmt::format("{}{}", text.empty() ? "" : " ", s.outer().destination.text());
        }
        return text;
    }
};

}  // namespace

class TestCorrespondentBids : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MCOA_CN_05_07_oneAfterTheOther()
    {
        Mcoa b;
        QCOMPARE(b.update({at(1, careOf)}), std::string("0 11 50: 1/0"));
        QVERIFY2(b.update({at(2, other)}, other) == "0 12 50: 2/0", "MCOA-HA-13 for a correspondent");
        QCOMPARE(b.parts(), std::string("1 2001:db8:300::5, 2 2001:db8:400::5"));
        // The option has the care-of address, whatever the source is.
        QCOMPARE(b.update({at(2, other)}, other, 50, 0, careOf), std::string("0 13 50: 2/0"));
        QVERIFY2(b.update({at(2, careOf)}, other) == "nothing", "MCOA-CN-05: proven for another care-of address");
        QVERIFY2(b.update({again(2)}, other) == "0 15 50: 2/0", "MCOA-CN-05: the stored one");
        QVERIFY2(b.update({again(2)}, careOf) == "nothing", "MCOA-CN-05");
        QVERIFY2(b.update({again(7)}) == "167 17 0: 7/0", "MCOA-HA-03");
        b.sequence = 10;
        QVERIFY2(b.update({again(1)}) == "135 17 0: 1/0", "MCOA-HA-12; RFC 6275 §9.5.1: the number of a valid update counts, even when it is refused");
    }

    void MCOA_HA_08_nonceRefusalsHaveTheIdentifierToo()
    {
        Mcoa b;
        Tokens t = b.tokens(careOf);
        t.homeIndex = 0x7777;
        QVERIFY2(b.updateWith(t, {at(1, careOf)}) == "136 11 0: 1/0 unproven", "MCOA-HA-08, RR-CN-07");
        t.careOfIndex = 0x7777;
        QVERIFY2(b.updateWith(t, {at(1, careOf)}) == "138 12 0: 1/0 unproven", "MCOA-HA-08, RR-CN-07");
        t = b.tokens(careOf);
        t.careOfIndex = 0x7777;
        QVERIFY2(b.updateWith(t, {at(1, careOf)}) == "137 13 0: 1/0 unproven", "MCOA-HA-08, RR-CN-07");
    }

    void MCOA_CN_01_03_refusalsNeedNoRequestForAnAnswer()
    {
        constexpr std::uint16_t unasked = BindingUpdate::acknowledge;  // taken away
        Mcoa b;
        QVERIFY2(b.update({at(1, careOf)}, careOf, 50, unasked) == "nothing" && b.binding(), "RR-CN-07");
        QVERIFY2(b.update({again(9)}, careOf, 50, unasked) == "167 12 0: 9/0", "MCOA-HA-03, RFC 5648 §6.2");
        QVERIFY2(b.update({at(1, careOf), at(2, other)}, careOf, 50, unasked) == "168 13 0: 1/0 2/0", "MCOA-CN-01");
        QVERIFY2(b.update({again(9)}, careOf, 0, unasked) == "133 14 0: 9/0", "MCOA-CN-03");
        QVERIFY2(b.update({at(1, ip("ff02::1"))}, careOf, 50, unasked) == "164 15 0: 1/0", "MCOA-HA-02");
    }

    void MCOA_CN_01_04_whatIsRefused()
    {
        Mcoa b;
        QVERIFY2(b.update({at(1, careOf), at(2, other)}) == "168 11 0: 1/0 2/0", "MCOA-CN-01");
        QVERIFY2(b.update({BindingIdentifier{1, 0, false, 0, Bytes{192, 0, 2, 1}}}) == "164 12 0: 1/0", "MCOA-CN-04: IPv4");
        QVERIFY2(b.update({BindingIdentifier{1, 0, true, 0, {}}}) == "164 13 0: 1/0", "MCOA-CN-04: H");
        QVERIFY2(b.update({at(1, ip("ff02::1"))}) == "164 14 0: 1/0", "MCOA-HA-02");
        QVERIFY2(b.update({wire::RawMobilityOption{35, {0, 1, 0, 0, 0}}}) == "164 15 0: 1/0", "MCOA-HA-02: length; MCOA-HA-08");
        QVERIFY(!b.binding());
        QCOMPARE(b.update({}), std::string("0 16 50:"));
        QVERIFY2(b.update({at(1, careOf)}) == "165 17 0: 1/0", "MCOA-HA-06");
        QVERIFY2(b.update({at(1, careOf)}, careOf, 50, BindingUpdate::overwrite) == "0 18 50: 1/0", "MCOA-HA-05");
        QCOMPARE(b.parts(), std::string("1 2001:db8:300::5"));
        QVERIFY2(b.update({}, other) == "0 19 50:" && b.parts() == "0 2001:db8:400::5", "MCOA-HA-01");
    }

    void MCOA_HA_05_overwriteDropsTheOthers()
    {
        Mcoa b;
        (void)b.update({at(1, careOf)});
        (void)b.update({at(2, other)}, other);
        QCOMPARE(b.update({again(2)}, other, 50, BindingUpdate::overwrite), std::string("0 13 50: 2/0"));
        QCOMPARE(b.parts(), std::string("2 2001:db8:400::5"));
    }

    void MCOA_CN_03_deletions()
    {
        Mcoa b;
        (void)b.update({at(1, careOf)});
        (void)b.update({at(2, other)}, other);
        QVERIFY2(b.update({again(9)}, careOf, 0) == "133 13 0: 9/0", "MCOA-CN-03");
        QVERIFY2(b.update({again(1)}, careOf, 0) == "0 14 0: 1/0" && b.parts() == "2 2001:db8:400::5", "MCOA-CN-03, MCOA-CN-05");
        QVERIFY(b.echo(careOf) == "binding error" && b.echo(other) == other.text());
        QVERIFY2(b.update({}, careOf, 0) == "0 15 0:" && !b.binding(), "MCOA-CN-03: all of them");
        (void)b.update({at(3, other)}, other);
        QVERIFY2(b.update({again(3)}, other, 0) == "0 17 0: 3/0" && !b.binding(), "the last one");
        QCOMPARE(b.update({again(3)}, other, 0), std::string("133 18 0: 3/0"));
    }

    void RR_CN_09_aDeletedOneNeedsAnotherProof()
    {
        Mcoa b;
        const Tokens t = b.tokens(careOf);
        QCOMPARE(b.updateWith(t, {at(1, careOf)}), std::string("0 11 50: 1/0"));
        (void)b.update({at(2, other)}, other);
        QCOMPARE(b.update({again(1)}, careOf, 0), std::string("0 13 0: 1/0"));
        QVERIFY2(b.updateWith(t, {at(1, careOf)}) == "138 14 0: 1/0 unproven", "RR-CN-09");
        QVERIFY2(b.updateWith(t, {}) == "138 15 0: unproven", "RR-CN-09: nor without an identifier");
        QCOMPARE(b.update({at(1, careOf)}), std::string("0 16 50: 1/0"));
    }

    void MCOA_CN_02_07_dataFromAnyOfThem()
    {
        Mcoa b;
        (void)b.update({at(1, careOf)});
        (void)b.update({at(2, other)}, other);
        QVERIFY2(b.echo(careOf) == careOf.text() && b.echo(other) == other.text(), "MCOA-CN-02, MCOA-FWD-01: back where it came from");
        QVERIFY2(b.echo(ip("2001:db8:500::1")) == "binding error", "MCOA-CN-02");
        (void)b.update({at(1, careOf, 9)});
        (void)b.update({at(2, other, 3)}, other);
        QVERIFY2(b.echo(careOf) == other.text(), "RFC 6089: by priority");
    }

    void MCOA_CN_06_testsWithIdentifiers()
    {
        Mcoa b;
        const auto seen = b.answers(mobility(careOf, own, CareOfTestInit{8, {again(7)}}, {}));
        QVERIFY2(find<CareOfTest>(seen) && find<CareOfTest>(seen)->frame.as<CareOfTest>()->options == std::vector<MobilityOption>{again(7)}, "MCOA-CN-06");
        const auto plain = b.answers(mobility(careOf, own, CareOfTestInit{8, {}}, {}));
        QVERIFY(find<CareOfTest>(plain)->frame.as<CareOfTest>()->options.empty());
    }

    void MCOA_CN_07_refreshRequestsAndEnds()
    {
        Correspondent::Settings settings;
        settings.refreshRequests = true;
        Mcoa b(settings);
        (void)b.update({at(1, careOf)}, careOf, 25);
        (void)b.update({at(2, other)}, other, 50);
        b.to(60s);
        (void)b.echo(careOf);
        std::vector<MobilityOption> asked;
        while (b.node.nextDeadline() && *b.node.nextDeadline() < TimePoint{100s}) {
            b.now = *b.node.nextDeadline();
            b.node.advance(b.now, b.out);
            const auto seen = take(b.out);
            for (const Seen& s : seen)
                if (const auto* ns = s.frame.as<wire::NeighborSolicitation>())
                    b.in(icmp(ns->target, s.inner().source, wire::NeighborAdvertisement{true, true, true, ns->target, {wire::TargetLinkLayerOption{routerMac}}}));
            if (const Seen* s = find<wire::BindingRefreshRequest>(seen)) asked = s->frame.as<wire::BindingRefreshRequest>()->options;
        }
        QVERIFY2(asked == std::vector<MobilityOption>{again(1)}, "MCOA-HA-11 for a correspondent");
        b.to(101s);
        QVERIFY2(b.parts() == "2 2001:db8:400::5" && b.echo(careOf) == "binding error", "RR-CN-21");
        b.to(201s);
        QVERIFY(!b.binding());
    }

    // ---- MCOA-CN-07: the rules of a home agent that hold here, too

    void MCOA_CN_07_HA_01_aPlainUpdateReplacesAll()
    {
        Mcoa b;
        (void)b.update({at(1, careOf)});
        (void)b.update({at(2, other)}, other);
        QVERIFY2(b.update({}, careOf) == "0 13 50:" && b.parts() == "0 2001:db8:300::5", "MCOA-HA-01");
        (void)b.update({at(1, careOf)}, careOf, 50, BindingUpdate::overwrite);
        (void)b.update({at(2, other)}, other);
        QVERIFY2(b.update({}, careOf, 0) == "0 16 0:" && !b.binding(), "MCOA-HA-01: a plain deletion deletes all");
    }

    void MCOA_CN_07_HA_03_theStoredAddressIsRefreshed()
    {
        Mcoa b;
        (void)b.update({at(1, careOf)}, careOf, 10);
        b.to(20s);
        QCOMPARE(b.update({again(1)}, careOf, 50), std::string("0 12 50: 1/0"));
        b.to(60s);
        QVERIFY2(b.parts() == "1 2001:db8:300::5" && b.echo(careOf) == careOf.text(), "MCOA-HA-03: updated with its stored care-of address");
        QVERIFY2(b.update({again(2)}, other) == "167 13 0: 2/0" && b.parts() == "1 2001:db8:300::5", "MCOA-HA-03: unknown");
    }

    void MCOA_CN_07_HA_07_anotherCareOfAddress()
    {
        Mcoa b;
        (void)b.update({at(1, careOf)});
        QVERIFY2(b.update({at(1, other)}, other) == "0 12 50: 1/0", "MCOA-HA-07: known identifier, other care-of address: updated, status 0");
        QCOMPARE(b.parts(), std::string("1 2001:db8:400::5"));
        QVERIFY(b.echo(careOf) == "binding error" && b.echo(other) == other.text());
    }

    void MCOA_CN_07_HA_12_oneNumberForAll()
    {
        Mcoa b;
        (void)b.update({at(1, careOf)});
        b.sequence = 30;
        (void)b.update({at(2, other)}, other);
        b.sequence = 20;
        QVERIFY2(b.update({again(1)}, careOf) == "135 31 0: 1/0", "MCOA-HA-12: identifier 1 at number 21, though it had 11 itself");
        b.sequence = 31;
        QCOMPARE(b.update({again(1)}, careOf), std::string("0 32 50: 1/0"));
    }

    void MCOA_CN_07_HA_13_besideTheOthers()
    {
        Mcoa b;
        (void)b.update({at(1, careOf)});
        QVERIFY2(b.update({at(2, other)}, other) == "0 12 50: 2/0", "MCOA-HA-13: a new entry, status 0");
        QCOMPARE(b.parts(), std::string("1 2001:db8:300::5, 2 2001:db8:400::5"));
    }

    void MCOA_CN_07_HA_17_inThatOrder()
    {
        Mcoa b;
        (void)b.update({});
        const MobilityOption broken = wire::RawMobilityOption{35, {0, 1, 0, 0, 0}};
        QVERIFY2(b.update({at(1, ip("ff02::1")), at(2, careOf), broken}) == "164 12 0: 1/0 2/0 1/0", "MCOA-HA-17: Length first");
        QVERIFY2(b.update({at(2, careOf), at(1, ip("ff02::1"))}) == "164 13 0: 2/0 1/0", "MCOA-HA-17: then care-of addresses");
        QVERIFY2(b.update({at(1, careOf), again(9)}) == "168 14 0: 1/0 9/0", "MCOA-HA-17: then several options");
        QVERIFY2(b.update({again(9)}, careOf, 0) == "133 15 0: 9/0", "MCOA-HA-17: then deletions");
        QVERIFY2(b.update({again(9)}) == "167 16 0: 9/0", "MCOA-HA-17: then unknown care-of addresses");
        QVERIFY2(b.update({at(1, careOf)}) == "165 17 0: 1/0", "MCOA-HA-17: then the plain binding");
        QVERIFY2(b.update({at(1, careOf)}, careOf, 50, BindingUpdate::overwrite) == "0 18 50: 1/0", "MCOA-HA-05, -06");
    }

    void MCOA_HA_11_aSecondIdentifierWhileTheFirstIsDue()
    {
        // Found by a random lab: of the shortest lifetime the request for the first one is due at once, and a later update of another one
        // put it into the past.
        Correspondent::Settings settings;
        settings.refreshRequests = true;
        Mcoa b(settings);
        (void)b.update({at(1, careOf)}, careOf, 1);
        b.now += 1s;
        (void)b.update({at(2, other)}, other, 1);
        QVERIFY(b.node.nextDeadline() && *b.node.nextDeadline() >= b.now);
    }

    void RR_CN_13_unreachableOnes()
    {
        Mcoa b;
        (void)b.update({at(1, careOf)});
        (void)b.update({at(2, other)}, other);
        for (int i = 0; i < 3; ++i) {
            wire::Ipv6Packet lost = icmp(own, careOf, wire::Echo{true, 1, 1, {}}, 64);
            lost.routing = wire::Type2Routing{1, home};
            b.in(icmp(ip("2001:db8:200::1"), own, wire::IcmpError{wire::icmpv6Type::destinationUnreachable, 0, 0, wire::emitIpv6(lost)}, 64));
        }
        QCOMPARE(b.parts(), std::string("2 2001:db8:400::5"));
    }

    void MCOA_HA_10_13_notKnownOrNotWanted()
    {
        Correspondent::Settings settings;
        settings.bids.support = Support::Unknown;
        Mcoa unknown(settings);
        QVERIFY2(unknown.update({at(1, careOf)}) == "0 11 50:" && unknown.parts() == "0 2001:db8:300::5", "MCOA-HA-13");
        settings.bids.support = Support::Prohibited;
        Mcoa prohibited(settings);
        QVERIFY2(prohibited.update({at(1, careOf)}) == "166 11 0: 1/0" && !prohibited.binding(), "MCOA-HA-10");
        settings.bids = {};
        settings.bids.maximum = 1;
        Mcoa few(settings);
        (void)few.update({at(1, careOf)});
        QCOMPARE(few.update({at(2, other)}, other), std::string("130 12 0: 2/0"));
        settings.maximumBindings = 0;
        Mcoa full(settings);
        QCOMPARE(full.update({at(2, other)}, other), std::string("130 11 0: 2/0"));
    }

    void FLOW_08_whatACorrespondentSends()
    {
        Mcoa b;
        wire::Ipv6TrafficSelector pings;
        pings.protocol = {wire::protocol::icmpv6, {}};
        const MobilityOption flow = wire::FlowIdentification{1, 1, 0, {wire::BindingReference{{2, 1}}, pings}};
        (void)b.update({at(1, careOf, 10)});
        QCOMPARE(b.update({at(2, other, 20), flow}, other), std::string("0 12 50: 2/0 f1/0"));
        QVERIFY2(b.echo(careOf) == careOf.text() + " " + other.text() || b.echo(careOf) == other.text() + " " + careOf.text(), "FLOW-08: a copy to each");
        QCOMPARE(b.update({again(1), wire::FlowSummary{{1}}}, careOf), std::string("0 13 50: 1/0"));
        QCOMPARE(b.update({again(2), wire::FlowSummary{{1}}}, other, 0), std::string("0 14 0: 2/0"));
        QVERIFY2(b.echo(careOf) == careOf.text(), "FLOW-04: those that are left");
        (void)b.update({again(1)}, careOf);
        QVERIFY2(b.node.flows().empty(), "FLOW-01");
    }
};

QTEST_APPLESS_MAIN(TestCorrespondentBids)
#include "test_correspondent_bids.moc"
