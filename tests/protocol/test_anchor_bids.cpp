// SPDX-License-Identifier: GPL-3.0-or-later
// A home agent or MAP whose mobile node has several care-of addresses (RFC 5648 §6): registrations over the wire, tunnels, ends.
#include "tests/support/anchor_bench.hpp"

#include <QtTest>

#include <fmt/format.h>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using namespace roamscope::test::anchors;
using wire::BindingIdentifier;
namespace status = wire::bindingStatus;

namespace {

const Ipv6Address cell = ip("2001:db8:300::6");
const Ipv6Address wired = ip("2001:db8:300::7");

BindingIdentifier bid(std::uint16_t number, const Ipv6Address& at, std::uint8_t priority = 0) { return {number, 0, false, priority, Bytes(at.octets.begin(), at.octets.end())}; }
BindingIdentifier refresh(std::uint16_t number) { return {number, 0, false, 0, {}}; }

struct Mcoa : Bench {
    std::uint16_t sequence = 10;

    explicit Mcoa(Registrar::Policy p) : Bench(std::move(p)) {}
    explicit Mcoa(bool map = false) : Bench(map, false) {}

    /// The acknowledgement of an update with these options, "4 11 84: 1/0 2/167": status, sequence, lifetime in units, and the options.
    std::string update(std::vector<wire::MobilityOption> options, std::uint16_t units = 100, std::uint16_t flags = 0, const Ipv6Address& from = careOf, bool map = false)
    {
        (void)take(out);
        const auto kind = map ? BindingUpdate::mapRegistration : BindingUpdate::homeRegistration;
        in(coreLink, mobility(from, agent, BindingUpdate{++sequence, static_cast<std::uint16_t>(BindingUpdate::acknowledge | kind | flags), WireLifetime{units}, std::move(options)}, home));
        return answer(take(out));
    }
    static std::string answer(const std::vector<Seen>& seen)
    {
        for (const Seen& s : seen) {
            const auto* ack = s.frame.as<BindingAck>();
            if (!ack) continue;
            std::string text = fmt::format("{} {} {}:", ack->status, ack->sequence, ack->lifetime.count());
            for (const wire::MobilityOption& option : ack->options)
                if (const auto* b = std::get_if<BindingIdentifier>(&option)) text += fmt::format(" {}{}/{}", b->bid, b->home ? "H" : "", b->status);
            return text;
        }
        return "nothing";
    }
    /// Where packets for the home address go: an address, or "home" for the home link, or "nowhere".
    std::string way()
    {
        (void)take(out);
        in(coreLink, probe(correspondent, home, {1, false, 1, TimePoint{}}));
        for (const Seen& s : take(out)) {
            if (s.frame.packets.size() == 2) return s.frame.packets[0].destination.text();
            if (s.interface == homeLink && s.inner().destination == home) return "home";
        }
        return "nowhere";
    }
    /// Whether a packet of the mobile node from there comes out of the tunnel.
    bool takenFrom(const Ipv6Address& at)
    {
        (void)take(out);
        in(coreLink, encapsulate(probe(home, correspondent, {1, false, 1, TimePoint{}}), at, agent));
        for (const Seen& s : take(out))
            if (s.frame.packets.size() == 1 && s.inner().destination == correspondent) return true;
        return false;
    }
    [[nodiscard]] std::string parts() const
    {
        std::string text;
        if (binding())
            for (const BidBinding& b : binding()->parts()) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", b.bid, b.careOfAddress.text());
        return text;
    }
};

}  // namespace

class TestAnchorBids : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MCOA_HA_13_twoCareOfAddresses()
    {
        for (const bool map : {false, true}) {
            Mcoa b(map);
            QCOMPARE(b.update({bid(1, careOf)}, 100, 0, careOf, map), std::string("0 11 100: 1/0"));
            QCOMPARE(b.update({bid(2, cell)}, 100, 0, cell, map), std::string("0 12 100: 2/0"));
            QCOMPARE(b.parts(), std::string("1 2001:db8:300::5, 2 2001:db8:300::6"));
            QVERIFY2(b.takenFrom(careOf) && b.takenFrom(cell) && !b.takenFrom(wired), "MCOA-CN-02, HA-FWD-02");
        }
    }

    void MCOA_HA_13_theHomeAddressIsTestedOnce()
    {
        Mcoa b(Bench::policy(false, true));
        QCOMPARE(b.update({bid(1, careOf), bid(2, cell)}), std::string("nothing"));
        QCOMPARE(Mcoa::answer(b.to(2s)), std::string("0 11 100: 1/0 2/0"));
        QCOMPARE(b.update({bid(3, wired)}), std::string("0 12 100: 3/0"));
        QCOMPARE(b.parts(), std::string("1 2001:db8:300::5, 2 2001:db8:300::6, 3 2001:db8:300::7"));
    }

    void MCOA_HA_08_whatTheTestOfTheHomeAddressSays()
    {
        Mcoa b(Bench::policy(false, true));
        (void)b.update({bid(1, careOf), refresh(2)});
        b.in(homeLink, icmp(home, allNodes(), NeighborAdvertisement{false, false, true, home, {wire::TargetLinkLayerOption{nextMac}}}));
        QCOMPARE(Mcoa::answer(take(b.out)), std::string("134 11 0: 1/0 2/0"));
        QVERIFY(!b.binding());
    }

    void MCOA_HA_12_oneSequenceNumberForAll()
    {
        Mcoa b;
        (void)b.update({bid(1, careOf)});
        (void)b.update({bid(2, cell)});
        b.sequence = 10;
        QVERIFY2(b.update({refresh(1)}) == "135 12 0: 1/0", "MCOA-HA-08: the option comes back with a refusal, too");
    }

    void MCOA_HA_01_withoutAnIdentifierAllAreReplaced()
    {
        Mcoa b;
        (void)b.update({bid(1, careOf), bid(2, cell)});
        QCOMPARE(b.update({}, 100, 0, wired), std::string("0 12 100:"));
        QVERIFY(b.parts() == "0 2001:db8:300::7" && b.way() == "2001:db8:300::7" && !b.takenFrom(careOf));
        QCOMPARE(b.update({bid(1, careOf)}), std::string("165 13 0: 1/0"));
        QCOMPARE(b.update({bid(1, careOf), bid(2, cell)}, 100, BindingUpdate::overwrite), std::string("0 14 100: 1/0 2/0"));
        QCOMPARE(b.update({}, 0), std::string("0 15 0:"));
        QVERIFY(!b.binding() && b.way() == "nowhere");
    }

    void MCOA_CN_03_someAreDeleted()
    {
        Mcoa b;
        (void)b.update({bid(1, careOf), bid(2, cell), bid(3, wired)});
        QCOMPARE(b.update({refresh(1), refresh(3)}, 0), std::string("0 12 0: 1/0 3/0"));
        QVERIFY(b.parts() == "2 2001:db8:300::6" && b.way() == "2001:db8:300::6" && !b.takenFrom(careOf));
        QCOMPARE(b.update({refresh(1)}, 0), std::string("133 13 0: 1/0"));
        QCOMPARE(b.update({refresh(2)}, 0), std::string("0 14 0: 2/0"));
        QVERIFY(!b.binding() && b.way() == "nowhere");
    }

    void eachEndsByItself()
    {
        Mcoa b;
        (void)b.update({bid(1, careOf)}, 10);
        (void)b.update({bid(2, cell)}, 5);
        (void)b.to(19s);
        QCOMPARE(b.parts(), std::string("1 2001:db8:300::5, 2 2001:db8:300::6"));
        (void)b.to(21s);
        QVERIFY(b.parts() == "1 2001:db8:300::5" && b.way() == "2001:db8:300::5" && !b.takenFrom(cell));
        QCOMPARE(b.update({refresh(1)}, 10), std::string("0 13 10: 1/0"));
        (void)b.to(59s);
        QVERIFY(b.binding());
        (void)b.to(62s);
        QVERIFY(!b.binding() && b.way() == "nowhere");
    }

    void MCOA_FWD_01_theOneThatTrafficCameFromOrTheFirstByPriority()
    {
        Mcoa b;
        (void)b.update({bid(1, careOf), bid(2, cell)});
        QCOMPARE(b.way(), careOf.text());
        QVERIFY(b.takenFrom(cell));
        QCOMPARE(b.way(), cell.text());
        (void)b.update({bid(1, careOf, 20), bid(2, cell, 10)});
        QVERIFY(b.takenFrom(careOf));
        QVERIFY2(b.way() == cell.text(), "RFC 6089 §4.1");
    }

    void MCOA_HA_09_15_theHomeLinkToo()
    {
        Mcoa b;
        (void)b.update({bid(1, careOf)});
        QCOMPARE(b.update({BindingIdentifier{2, 0, true, 1, {}}, refresh(1)}), std::string("0 12 100: 2H/5 1/0"));
        QCOMPARE(b.parts(), std::string("1 2001:db8:300::5, 2 2001:db8:100::1:1"));
        QCOMPARE(b.update({refresh(1)}), std::string("0 13 100: 1/0"));
        QCOMPARE(b.parts(), std::string("1 2001:db8:300::5"));
    }

    void MCOA_HA_10_notKnownOrNotWanted()
    {
        Registrar::Policy policy = Bench::policy(false, false);
        policy.bids.support = BidPolicy::Support::Unknown;
        Mcoa unknown(policy);
        QVERIFY2(unknown.update({bid(1, careOf), bid(2, cell)}) == "0 11 100:", "MCOA-HA-13: the answer shows that they mean nothing here");
        QCOMPARE(unknown.parts(), std::string("0 2001:db8:300::5"));
        policy.bids.support = BidPolicy::Support::Prohibited;
        Mcoa prohibited(policy);
        QCOMPARE(prohibited.update({bid(1, careOf), bid(2, cell)}), std::string("166 11 0: 1/0 2/0"));
        QVERIFY(!prohibited.binding());
    }
};

QTEST_APPLESS_MAIN(TestAnchorBids)
#include "test_anchor_bids.moc"
