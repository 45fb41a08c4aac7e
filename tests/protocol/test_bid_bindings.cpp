// SPDX-License-Identifier: GPL-3.0-or-later
// What Binding Updates with binding identifiers do to the care-of addresses of a home address (RFC 5648 §6.2, §6.3).
#include "tests/support/node_frames.hpp"

#include "protocol/node/bid_bindings.hpp"

#include <QtTest>

#include <fmt/format.h>

using namespace roamscope;
using namespace roamscope::test;
using namespace roamscope::node;
using wire::BindingIdentifier;
using wire::BindingUpdate;
namespace status = wire::bindingStatus;

namespace {

const Ipv6Address home = ip("2001:db8:100::1:1");
const Ipv6Address wlan = ip("2001:db8:a1::11");
const Ipv6Address cell = ip("2001:db8:a2::22");
const Ipv6Address wired = ip("2001:db8:a3::33");
constexpr TimePoint first{100s};
constexpr TimePoint later{200s};

BindingIdentifier bid(std::uint16_t number, const Ipv6Address& careOf, std::uint8_t priority = 0)
{
    return {number, 0, false, priority, Bytes(careOf.octets.begin(), careOf.octets.end())};
}
BindingIdentifier refresh(std::uint16_t number) { return {number, 0, false, 0, {}}; }
BindingIdentifier atHome(std::uint16_t number) { return {number, 0, true, 0, Bytes(home.octets.begin(), home.octets.end())}; }

/// The care-of addresses of one home address, as updates make them.
struct Cache {
    BidPolicy policy{};
    std::vector<BidBinding> bindings{};
    bool plain = false;
    BidOutcome last{};
    TimePoint expires = first;

    Cache& update(std::vector<wire::MobilityOption> options, std::uint16_t lifetime = 100, std::uint16_t flags = 0)
    {
        const BindingUpdate bu{1, static_cast<std::uint16_t>(flags | BindingUpdate::homeRegistration | BindingUpdate::acknowledge), WireLifetime{lifetime}, std::move(options)};
        last = applyBids({bu, home, bindings, plain, expires}, policy);
        if (last.processed) bindings = last.bindings, plain = false;
        return *this;
    }
    /// "1 2001:db8:a1::11, 2 …", in order of the identifiers.
    [[nodiscard]] std::string text() const
    {
        std::vector<BidBinding> sorted = bindings;
        std::sort(sorted.begin(), sorted.end(), [](const BidBinding& a, const BidBinding& b) { return a.bid < b.bid; });
        std::string out;
        for (const BidBinding& b : sorted) out += fmt::format("{}{} {}{}", out.empty() ? "" : ", ", b.bid, b.careOfAddress.text(), b.home ? " H" : "");
        return out;
    }
    /// Status of the acknowledgement, then of its options: "4: 0 167".
    [[nodiscard]] std::string statuses() const
    {
        std::string out = std::to_string(last.status) + ":";
        for (const BindingIdentifier& b : last.answers) out += fmt::format(" {}", b.status);
        return out;
    }
};

Cache both()
{
    Cache c;
    c.update({bid(1, wlan), bid(2, cell)});
    return c;
}

const std::string wlanAndCell = "1 2001:db8:a1::11, 2 2001:db8:a2::22";

}  // namespace

class TestBidBindings : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MCOA_HA_13_anotherIdentifierIsAnotherBinding()
    {
        Cache c;
        QCOMPARE(c.update({bid(1, wlan)}).statuses(), std::string("0: 0"));
        QCOMPARE(c.update({bid(2, cell)}).statuses(), std::string("0: 0"));
        QCOMPARE(c.text(), wlanAndCell);
        QVERIFY(!hasBids(BindingUpdate{1, 0, {}, {wire::AlternateCareOfAddress{wlan}}}) && hasBids(BindingUpdate{1, 0, {}, {refresh(1)}}));
    }

    void MCOA_HA_07_aKnownIdentifierWithAnotherAddressMoves()
    {
        Cache c = both();
        c.expires = later;
        QCOMPARE(c.update({bid(2, wired)}).statuses(), std::string("0: 0"));
        QCOMPARE(c.text(), std::string("1 2001:db8:a1::11, 2 2001:db8:a3::33"));
        QVERIFY(c.bindings[0].expires == first && c.bindings[1].expires == later);
    }

    void MCOA_HA_03_14_withoutAnAddressTheKnownOneIsRefreshed()
    {
        Cache c = both();
        c.expires = later;
        QCOMPARE(c.update({refresh(2)}).statuses(), std::string("0: 0"));
        QCOMPARE(c.text(), wlanAndCell);
        QVERIFY(c.bindings[1].expires == later);
        QCOMPARE(c.update({refresh(7)}).statuses(), std::string("167: 0"));
        QVERIFY(!c.last.processed);
        QCOMPARE(c.update({refresh(1), refresh(7)}).statuses(), std::string("4: 0 167"));
        QCOMPARE(c.update({refresh(8), refresh(7)}).statuses(), std::string("4: 167 167"));
        QVERIFY(!c.last.processed);
        QCOMPARE(c.text(), wlanAndCell);
    }

    void MCOA_HA_02_lengthsAndAddresses()
    {
        Cache c = both();
        for (const std::size_t length : {0u, 1u, 3u, 5u, 7u, 12u, 19u, 21u}) {
            QCOMPARE(c.update({bid(3, wired), wire::RawMobilityOption{35, Bytes(length)}}).last.status, status::mcoaMalformed);
            const std::size_t readable = length < 2 ? 1 : 2;
            QVERIFY2(!c.last.processed && c.last.answers.size() == readable, "the update is refused, what can be read comes back (MCOA-HA-08)");
        }
        for (const char* address : {"::", "::1", "ff02::1", "fe80::1"}) {
            QCOMPARE(c.update({bid(3, ip(address))}).statuses(), std::string("164: 0"));
            QCOMPARE(c.update({bid(3, ip(address)), refresh(1)}).statuses(), std::string("4: 164 0"));
        }
        QCOMPARE(c.update({BindingIdentifier{3, 0, false, 0, {192, 0, 2, 1}}}).statuses(), std::string("164: 0"));
        QCOMPARE(c.update({bid(0, wired)}).statuses(), std::string("164: 0"));
        QCOMPARE(c.update({bid(3, wired), bid(3, cell)}).statuses(), std::string("4: 0 164"));
        QCOMPARE(c.text(), wlanAndCell + ", 3 2001:db8:a3::33");
    }

    void MCOA_HA_02_alsoWhereNobodyReadsTheAddress()
    {
        Cache c = both();
        for (const char* address : {"::", "::1", "ff02::1", "fe80::1"}) {
            BindingIdentifier wrong = bid(1, ip(address));
            QCOMPARE(c.update({wrong}, 0).statuses(), std::string("164: 0"));
            QCOMPARE(c.update({wrong, refresh(2)}, 0).statuses(), std::string("4: 164 0"));
            c = both();
            wrong.home = true;
            QCOMPARE(c.update({wrong}).statuses(), std::string("164: 0"));
            QCOMPARE(c.text(), wlanAndCell);
        }
    }

    void MCOA_HA_04_deletionOfUnknownOnes()
    {
        Cache c = both();
        QCOMPARE(c.update({refresh(3)}, 0).statuses(), std::string("133: 0"));
        QCOMPARE(c.update({refresh(1), refresh(3)}, 0).statuses(), std::string("133: 0 0"));
        QVERIFY2(c.text() == wlanAndCell, "not even the known one went");
        QCOMPARE(c.update({refresh(1)}, 0, BindingUpdate::overwrite).statuses(), std::string("0: 0"));
        QVERIFY2(c.text() == "2 2001:db8:a2::22", "MCOA-HA-05: O means nothing here");
        QCOMPARE(c.update({bid(2, cell)}, 0).statuses(), std::string("0: 0"));
        QVERIFY(c.last.processed && c.bindings.empty());
    }

    void MCOA_HA_05_overwriteReplacesAll()
    {
        Cache c = both();
        c.expires = later;
        QCOMPARE(c.update({bid(3, wired)}, 100, BindingUpdate::overwrite).statuses(), std::string("0: 0"));
        QCOMPARE(c.text(), std::string("3 2001:db8:a3::33"));
        c = both();
        QCOMPARE(c.update({refresh(2), bid(4, wired)}, 100, BindingUpdate::overwrite).statuses(), std::string("0: 0 0"));
        QVERIFY2(c.text() == "2 2001:db8:a2::22, 4 2001:db8:a3::33", "the address was looked up before everything went");
        QCOMPARE(c.update({refresh(9)}, 100, BindingUpdate::overwrite).statuses(), std::string("167: 0"));
        QCOMPARE(c.update({refresh(9), refresh(8)}, 100, BindingUpdate::overwrite).statuses(), std::string("4: 167 167"));
        QVERIFY2(c.bindings.size() == 2, "nothing comes in its place: nothing goes");
    }

    void MCOA_HA_06_besideABindingWithoutAnIdentifier()
    {
        Cache c;
        c.plain = true;
        QCOMPARE(c.update({bid(1, wlan), bid(2, cell)}).statuses(), std::string("165: 0 0"));
        QVERIFY(!c.last.processed && c.plain);
        QCOMPARE(c.update({bid(1, wlan), bid(2, cell)}, 100, BindingUpdate::overwrite).statuses(), std::string("0: 0 0"));
        QVERIFY2(!c.plain && c.text() == wlanAndCell, "MCOA-MN-04");
    }

    void MCOA_HA_08_optionsComeBackAsTheyWere()
    {
        Cache c = both();
        c.update({bid(1, wired, 5), BindingIdentifier{3, 77, true, 9, Bytes(home.octets.begin(), home.octets.end())}, refresh(9)});
        QCOMPARE(c.statuses(), std::string("4: 0 5 167"));
        QVERIFY(c.last.answers[0].bid == 1 && c.last.answers[0].priority == 5 && !c.last.answers[0].home && c.last.answers[0].careOfAddress.empty());
        QVERIFY(c.last.answers[1].bid == 3 && c.last.answers[1].priority == 9 && c.last.answers[1].home);
    }

    void MCOA_HA_09_10_theHomeLink()
    {
        Cache c = both();
        QCOMPARE(c.update({atHome(3)}).statuses(), std::string("5: 0"));
        QCOMPARE(c.text(), wlanAndCell + ", 3 2001:db8:100::1:1 H");
        c = both();
        QCOMPARE(c.update({atHome(3), refresh(1)}).statuses(), std::string("0: 5 0"));
        QVERIFY2(c.update({BindingIdentifier{4, 0, true, 0, Bytes(wired.octets.begin(), wired.octets.end())}, refresh(1)}).text() ==
                     wlanAndCell + ", 4 2001:db8:100::1:1 H",
                 "MCOA-HA-15: the home address, and one binding of the home link at a time");
        QCOMPARE(c.update({atHome(5), atHome(6)}).statuses(), std::string("4: 169 169"));
        c.policy.homeAndForeign = false;
        QCOMPARE(c.update({atHome(3)}).statuses(), std::string("169: 0"));
        QCOMPARE(c.update({atHome(3), refresh(1)}).statuses(), std::string("4: 169 0"));
        QVERIFY(c.last.processed);
    }

    void MCOA_HA_15_leavingTheHomeLink()
    {
        Cache c = both();
        c.update({atHome(3), refresh(1)});
        QVERIFY2(c.update({refresh(3)}).statuses() == "167: 0", "no address of a foreign link is known for it");
        c.update({refresh(2)});
        QCOMPARE(c.text(), wlanAndCell);
    }

    void MCOA_HA_10_whatIsNotWanted()
    {
        Cache c = both();
        c.policy.bulk = false;  // SEC-07: nobody can verify the addresses of a bulk update
        QCOMPARE(c.update({refresh(1), refresh(2)}).statuses(), std::string("168: 0 0"));
        QCOMPARE(c.update({refresh(1)}).statuses(), std::string("0: 0"));
        c.policy.support = BidPolicy::Support::Prohibited;
        QCOMPARE(c.update({refresh(1)}).statuses(), std::string("166: 0"));
        c = {};
        c.policy.maximum = 2;
        QCOMPARE(c.update({bid(1, wlan), bid(2, cell), bid(3, wired)}).statuses(), std::string("4: 0 0 130"));
        QCOMPARE(c.update({bid(3, wired)}).statuses(), std::string("130: 0"));
        QVERIFY(!c.last.processed && c.text() == wlanAndCell);
    }

    void MCOA_CN_01_03_04_correspondents()
    {
        Cache c;
        c.policy.correspondent = true;
        QCOMPARE(c.update({bid(1, wlan), bid(2, cell)}).statuses(), std::string("168: 0 0"));
        QCOMPARE(c.update({bid(1, wlan)}).statuses(), std::string("0: 0"));
        QCOMPARE(c.update({bid(2, cell)}).statuses(), std::string("0: 0"));
        QCOMPARE(c.update({atHome(3)}).statuses(), std::string("164: 0"));
        QCOMPARE(c.update({BindingIdentifier{3, 0, false, 0, {192, 0, 2, 1}}}).statuses(), std::string("164: 0"));
        QCOMPARE(c.update({refresh(3)}, 0).statuses(), std::string("133: 0"));
        QCOMPARE(c.update({refresh(1), refresh(2)}, 0).statuses(), std::string("168: 0 0"));
        QCOMPARE(c.update({refresh(1)}, 0).statuses(), std::string("0: 0"));
        QCOMPARE(c.text(), std::string("2 2001:db8:a2::22"));
    }

    void MCOA_HA_17_whatIsLookedAtFirst()
    {
        Cache c;
        c.plain = true;
        c.policy.bulk = false;
        const wire::RawMobilityOption broken{35, Bytes(5)};
        QCOMPARE(c.update({bid(1, wlan), bid(2, cell), broken}).last.status, status::mcoaMalformed);
        QCOMPARE(c.update({bid(1, wlan), bid(2, cell)}).last.status, status::mcoaBulkProhibited);
        QCOMPARE(c.update({bid(1, wlan), bid(2, cell)}, 0).last.status, status::mcoaBulkProhibited);
        QCOMPARE(c.update({bid(1, wlan)}, 0).last.status, status::notHomeAgent);
        QCOMPARE(c.update({bid(1, wlan)}).last.status, status::mcoaNonMcoaBindingExists);
    }

    void MCOA_FWD_01_theOneToUse()
    {
        Cache c;
        QVERIFY(!preferred(c.bindings));
        c.update({bid(1, wlan), bid(2, cell, 9), bid(3, wired, 4), atHome(4)});
        QCOMPARE(preferred(c.bindings)->bid, std::uint16_t{3});
        c.update({refresh(3)}, 0);
        QCOMPARE(preferred(c.bindings)->bid, std::uint16_t{2});
        c.update({refresh(2)}, 0);
        QCOMPARE(preferred(c.bindings)->bid, std::uint16_t{1});
        c.update({refresh(1)}, 0);
        QVERIFY(preferred(c.bindings)->home);
    }
};

QTEST_APPLESS_MAIN(TestBidBindings)
#include "test_bid_bindings.moc"
