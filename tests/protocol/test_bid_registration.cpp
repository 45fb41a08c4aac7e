// SPDX-License-Identifier: GPL-3.0-or-later
// Several care-of addresses at one peer, as a machine without packets: what leaves when, and what each status has done next
// (RFC 5648 §5; MCOA-MN-01 to -18).
#include "tests/support/node_frames.hpp"

#include "protocol/node/bid_registration.hpp"
#include "protocol/node/sequence.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
namespace status = wire::bindingStatus;
using Answer = BidRegistration::Answer;
using Path = BidRegistration::Path;
using Update = BidRegistration::Update;

namespace {

const Ipv6Address home = ip("2001:db8:100::1:1");
const Ipv6Address one = ip("2001:db8:a1::1"), two = ip("2001:db8:a2::1"), three = ip("2001:db8:a3::1");
const Path wlan{1, 0, one}, cell{2, 0, two}, wire3{3, 0, three};
const Path homeLink{9, 0, home, true};

TimePoint at(Duration t) { return TimePoint{t}; }

BidRegistration fresh(std::uint16_t last = 100) { return BidRegistration(ip("2001:db8:100::1"), home, last, 1500ms); }

wire::BindingAck ackTo(const Update& u, std::uint8_t code = 0, std::vector<std::pair<int, int>> statuses = {}, std::uint16_t units = 150)
{
    wire::BindingAck ack{code, 0, u.sequence, WireLifetime{code < 128 ? std::min(units, u.lifetime.count()) : std::uint16_t{0}}, {}};
    for (wire::BindingIdentifier option : u.options) {
        option.careOfAddress.clear();
        for (const auto& [bid, value] : statuses)
            if (option.bid == bid) option.status = static_cast<std::uint8_t>(value);
        ack.options.push_back(option);
    }
    return ack;
}

/// "3: 1+ 2": number, identifiers, those with a care-of address marked; "O" and "del".
QString text(const std::optional<Update>& u)
{
    if (!u) return "none";
    QString out = u->overwrite ? "O" : "";
    if (u->lifetime.count() == 0) out += "del";
    for (const auto& option : u->options) out += QString(" %1%2%3").arg(option.bid).arg(option.careOfAddress.empty() ? "" : "+", option.home ? "H" : "");
    return out.trimmed();
}

/// Registered with these paths, at 0 s.
BidRegistration registered(const std::vector<Path>& paths, bool bulk)
{
    BidRegistration r = fresh();
    r.want(at(0s), paths, bulk);
    for (int i = 0; i < 20; ++i)
        if (const auto u = r.due(at(i * 400ms))) (void)r.acknowledged(at(i * 400ms), ackTo(*u));
    (void)r.takeChanges();
    return r;
}

}  // namespace

class TestBidRegistration : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MCOA_MN_02_03_04_singleRegistration()
    {
        BidRegistration r = fresh();
        r.want(at(0s), {wlan, cell}, false);
        const auto first = r.due(at(0s));
        QVERIFY2(text(first) == "O 1+", "MCOA-MN-04: the first has O; MCOA-MN-03: and the care-of address");
        QVERIFY2(first->careOf == one && first->sequence == 101, "MCOA-MN-02");
        QVERIFY2(!r.due(at(100ms)), "nothing beside it: it would be replaced");
        QCOMPARE(r.acknowledged(at(200ms), ackTo(*first)), Answer::Accepted);
        const auto second = r.due(at(200ms));
        QVERIFY2(text(second) == "2+", "MCOA-MN-18: the others are added without O");
        QVERIFY2(second->sequence == 102 && second->careOf == two, "MCOA-MN-02: one counter for all; each by its own path");
        QCOMPARE(r.acknowledged(at(300ms), ackTo(*second)), Answer::Accepted);
        QVERIFY(!r.due(at(400ms)) && r.registered(at(400ms)));
        const auto refresh = r.due(at(540s));
        QVERIFY2(text(refresh) == "1", "MCOA-MN-03: a refresh has no care-of address");
        QCOMPARE(refresh->careOf, one);
    }

    void MCOA_MN_06_bulkInOneUpdate()
    {
        BidRegistration r = fresh();
        r.want(at(0s), {wlan, cell, wire3}, true);
        const auto first = r.due(at(0s));
        QVERIFY2(text(first) == "O 1+ 2+ 3+", "MCOA-MN-06");
        QCOMPARE(r.acknowledged(at(100ms), ackTo(*first)), Answer::Accepted);
        QVERIFY2(text(r.due(at(540s))) == "1 2 3", "MCOA-MN-03, -06: refreshed together, without care-of addresses");
    }

    void MCOA_MN_07_someAreDeleted()
    {
        BidRegistration r = registered({wlan, cell, wire3}, true);
        r.want(at(10s), {cell}, true);
        const auto u = r.due(at(10s));
        QVERIFY2(text(u) == "del 1 3" && u->careOf == two, "MCOA-MN-07: by a path that lives");
        QCOMPARE(r.acknowledged(at(11s), ackTo(*u)), Answer::Accepted);
        QVERIFY2(r.entries().size() == 1 && r.registered(at(11s)), "the others stay");
    }

    void MCOA_MN_07_aPathThatGoesBeforeTheFirstAnswer()
    {
        // run --random 8101878: the first update is taken with both, one path goes before the answer, and the copy without it is lost.
        BidRegistration r = fresh();
        r.want(at(0s), {wlan, cell}, true);
        const auto first = r.due(at(0s));
        QCOMPARE(text(first), QString("O 1+ 2+"));
        r.want(at(100ms), {wlan}, true);
        QCOMPARE(text(r.due(at(100ms))), QString("O 1+"));
        QCOMPARE(r.acknowledged(at(300ms), ackTo(*first)), Answer::Accepted);
        const auto gone = r.due(at(300ms));
        QVERIFY2(text(gone) == "del 2" && gone->careOf == one, "MCOA-MN-07: the peer has it by that answer");
        QCOMPARE(r.acknowledged(at(400ms), ackTo(*gone)), Answer::Accepted);
        QVERIFY(r.entries().size() == 1 && r.registered(at(400ms)));
        // Had the peer refused it, there would be nothing to delete.
        BidRegistration s = fresh();
        s.want(at(0s), {wlan, cell}, true);
        const auto both = s.due(at(0s));
        s.want(at(100ms), {wlan}, true);
        (void)s.acknowledged(at(300ms), ackTo(*both, status::mcoaNotComplete, {{2, status::mcoaMalformed}}));
        QVERIFY2(!s.due(at(400ms)) && s.entries().size() == 1, "MCOA-MN-18");
    }

    void MCOA_MN_07_singleDeletionsOneByOne()
    {
        BidRegistration r = registered({wlan, cell, wire3}, false);
        r.want(at(10s), {cell}, false);
        const auto u = r.due(at(10s));
        QVERIFY(text(u) == "del 1" && u->careOf == two);
        QVERIFY(text(r.due(at(10s))) == "del 3");
        QCOMPARE(r.acknowledged(at(11s), ackTo(*u, status::notHomeAgent)), Answer::Accepted);
        QVERIFY2(!r.find(1), "133: it is gone, as wanted");
    }

    void MCOA_HA_04_aDeletionThatIsRefusedWholeIsRepeatedOneByOne()
    {
        BidRegistration r = registered({wlan, cell, wire3}, true);
        r.want(at(10s), {cell}, true);
        const auto u = r.due(at(10s));
        QCOMPARE(r.acknowledged(at(10s), ackTo(*u, status::notHomeAgent)), Answer::Accepted);
        QCOMPARE(text(r.due(at(10s))), QString("del 1"));
        QCOMPARE(text(r.due(at(10s))), QString("del 3"));
    }

    void MCOA_HA_04_aRefusedDeletionOfWhatIsLeftOfSeveral()
    {
        // The deletion of 1 alone and that of 1 and 3 together are both underway; the first makes the second one fail as a whole.
        BidRegistration r = registered({wlan, cell, wire3}, true);
        r.want(at(10s), {cell, wire3}, true);
        const auto alone = r.due(at(10s));
        QCOMPARE(text(alone), QString("del 1"));
        r.want(at(12s), {cell}, true);
        const auto both = r.due(at(12s));
        QCOMPARE(both->options.size(), std::size_t{2});
        QCOMPARE(r.acknowledged(at(12s), ackTo(*alone)), Answer::Accepted);
        QCOMPARE(r.acknowledged(at(13s), ackTo(*both, status::notHomeAgent)), Answer::Accepted);
        QCOMPARE(text(r.due(at(13s))), QString("del 3"));
    }

    void MCOA_MN_09_aPeerThatNamesNone()
    {
        BidRegistration r = fresh();
        r.want(at(0s), {wlan, cell}, true);
        const auto u = r.due(at(0s));
        QVERIFY2(r.acknowledged(at(0s), wire::BindingAck{0, 0, u->sequence, WireLifetime{150}, {}}) == Answer::Unsupported, "MCOA-MN-09");
        QVERIFY2(!r.supported() && !r.due(at(10s)) && !r.nextDeadline(), "nothing more with identifiers");
    }

    void MCOA_MN_10_theOptionsStatusWins()
    {
        BidRegistration r = fresh();
        r.want(at(0s), {wlan, cell, wire3}, true);
        const auto u = r.due(at(0s));
        QCOMPARE(r.acknowledged(at(0s), ackTo(*u, status::mcoaNotComplete, {{2, status::insufficientResources}})), Answer::Accepted);
        QVERIFY2(r.find(1)->usable() && r.find(3)->usable(), "MCOA-MN-10: 0 means the status of the acknowledgement, 4");
        QVERIFY2(r.find(2)->refused && !r.find(2)->bound && r.find(2)->status == status::insufficientResources, "MCOA-MN-10");
        QVERIFY2(!r.due(at(100s)), "MN-BU-16: no more of that one");
    }

    void MCOA_MN_11_prohibited()
    {
        for (const bool inOption : {false, true}) {
            BidRegistration r = fresh();
            r.want(at(0s), {wlan}, true);
            const auto u = r.due(at(0s));
            const auto ack = inOption ? ackTo(*u, status::mcoaNotComplete, {{1, status::mcoaProhibited}}) : ackTo(*u, status::mcoaProhibited);
            QVERIFY2(r.acknowledged(at(0s), ack) == Answer::Unsupported && !r.supported(), "MCOA-MN-11: 166 stops it");
        }
    }

    void MCOA_MN_11_bulkProhibited()
    {
        BidRegistration r = fresh();
        r.want(at(0s), {wlan, cell}, true);
        const auto u = r.due(at(0s));
        QCOMPARE(r.acknowledged(at(0s), ackTo(*u, status::mcoaBulkProhibited)), Answer::Accepted);
        QVERIFY2(!r.registered(at(0s)), "MCOA-MN-11: nothing is registered");
        const auto first = r.due(at(0s));
        QVERIFY2(text(first) == "O 1+" && first->careOf == one, "168: one by one");
        (void)r.acknowledged(at(0s), ackTo(*first));
        QCOMPARE(text(r.due(at(0s))), QString("2+"));
    }

    void MCOA_MN_11_aPlainBindingIsThere()
    {
        BidRegistration r = registered({wlan}, false);
        r.want(at(1s), {wlan, cell}, false);
        const auto u = r.due(at(5s));
        QCOMPARE(text(u), QString("2+"));
        QCOMPARE(r.acknowledged(at(5s), ackTo(*u, status::mcoaNonMcoaBindingExists)), Answer::Accepted);
        const auto again = r.due(at(5s));
        QVERIFY2(again && again->overwrite && !again->options[0].careOfAddress.empty(), "MCOA-MN-11: 165 is answered with O");
        // One that says so of an update with O is beyond help.
        QCOMPARE(r.acknowledged(at(5s), ackTo(*again, status::mcoaNonMcoaBindingExists)), Answer::Refused);
    }

    void MCOA_MN_11_unknownCareOf()
    {
        BidRegistration r = registered({wlan}, false);
        const auto u = r.due(at(540s));
        QCOMPARE(text(u), QString("1"));
        QCOMPARE(r.acknowledged(at(540s), ackTo(*u, status::mcoaUnknownCareOf)), Answer::Accepted);
        const auto again = r.due(at(540s));
        QVERIFY2(again && !again->options[0].careOfAddress.empty(), "MCOA-MN-11: 167 of a refresh: once more with the care-of address");
        BidRegistration d = registered({wlan, cell}, false);
        d.want(at(10s), {cell}, false);
        const auto deletion = d.due(at(10s));
        QCOMPARE(d.acknowledged(at(10s), ackTo(*deletion, status::mcoaUnknownCareOf)), Answer::Accepted);
        QVERIFY2(!d.find(1) && !d.due(at(20s)), "MCOA-MN-11: 167 of a deletion: nothing");
    }

    void MN_BU_16_allRefusedAtTheFirstRegistration()
    {
        // Found by a random lab: a deadline that nothing answered to, for ever.
        for (const bool bulk : {false, true}) {
            BidRegistration r = fresh();
            r.want(at(0s), {wlan, cell}, bulk);
            for (int i = 0; i < 10; ++i)
                if (const auto u = r.due(at(i * 2s))) (void)r.acknowledged(at(i * 2s), ackTo(*u, 130));
            QVERIFY(r.find(1)->refused && r.find(2)->refused);
            QVERIFY2(!r.nextDeadline() && !r.due(at(100s)), "MN-BU-16: nothing is tried, and nothing is due");
        }
    }

    void MCOA_MN_11_malformed()
    {
        BidRegistration r = registered({wlan}, false);
        const auto u = r.due(at(540s));
        QCOMPARE(r.acknowledged(at(540s), ackTo(*u, status::mcoaMalformed)), Answer::Accepted);
        const auto again = r.due(at(540s));
        QVERIFY2(text(again).endsWith("1+"), "MCOA-HA-14: a peer that wants the care-of address gets it");
        QCOMPARE(r.acknowledged(at(540s), ackTo(*again, status::mcoaMalformed)), Answer::Refused);
        QVERIFY2(r.find(1)->refused && !r.due(at(600s)), "MCOA-MN-11: 164 is our own fault: no more of it");
    }

    void MCOA_MN_11_homeAndForeignProhibited()
    {
        BidRegistration r = fresh();
        r.want(at(0s), {wlan, homeLink}, true);
        const auto u = r.due(at(0s));
        QVERIFY2(text(u) == "O 1+ 9+H", "MCOA-MN-12: in a bulk update, with the home address");
        QCOMPARE(r.acknowledged(at(0s), ackTo(*u, status::mcoaNotComplete, {{9, status::mcoaHomeAndForeignProhibited}})), Answer::Accepted);
        QVERIFY2(r.homeRefused() && r.find(1)->usable(), "MCOA-MN-11: 169 concerns the home link alone");
    }

    void MCOA_MN_12_13_17_theHomeLink()
    {
        BidRegistration r = fresh();
        r.want(at(0s), {wlan, homeLink}, false);
        const auto u = r.due(at(0s));
        QVERIFY2(text(u) == "O 1+ 9+H" && u->careOf == one && u->home, "an update without H would end it: both in one");
        QCOMPARE(r.acknowledged(at(0s), ackTo(*u, 0, {{9, status::mcoaReturnHomeWithoutNdp}})), Answer::Accepted);
        QVERIFY2(r.find(9)->withoutDiscovery && r.find(9)->bound, "MCOA-MN-17: status 5");
        QVERIFY2(text(r.due(at(540s))) == "1 9+H", "MCOA-MN-12: refreshed as any binding");
        r.want(at(541s), {wlan}, false);
        const auto left = r.due(at(541s));
        QVERIFY2(left && !left->options[0].home && left->lifetime.count() > 0, "MCOA-MN-13: another care-of address with H=0, at once");
        QVERIFY(!r.find(9));
    }

    void MCOA_MN_13_alsoInBulk()
    {
        BidRegistration r = registered({wlan, cell, homeLink}, true);
        r.want(at(10s), {wlan, cell}, true);
        QVERIFY2(text(r.due(at(10s))) == "1 2", "MCOA-MN-13");
    }

    void MN_BU_09_numbersOvertakenByAnotherPath()
    {
        // The update by the slow path comes after the one by the fast path: 135 names the newer number.
        BidRegistration r = registered({wire3}, false);
        r.want(at(10s), {wlan, cell, wire3}, false);
        const auto slow = r.due(at(10s));
        const auto fast = r.due(at(10s));
        QVERIFY(slow->options[0].bid == 1 && fast->options[0].bid == 2);
        QCOMPARE(r.acknowledged(at(10s), ackTo(*fast)), Answer::Accepted);
        wire::BindingAck late = ackTo(*slow, status::sequenceOutOfWindow);
        late.sequence = fast->sequence;
        QCOMPARE(r.acknowledged(at(10s), late), Answer::Resynchronised);
        const auto again = r.due(at(10s));
        QVERIFY2(again && again->options[0].bid == 1 && isNewer(again->sequence, fast->sequence), "MN-BU-09: at once, above the reported number");
        QVERIFY2(r.find(2)->usable() && r.find(3)->usable(), "the others lose nothing");
        // The same once more: its copy is under way above that number, so nothing is to be done.
        QCOMPARE(r.acknowledged(at(10s), late), Answer::Ignored);
    }

    void MN_BU_09_aPeerWithOtherNumbers()
    {
        BidRegistration r = fresh(100);
        r.want(at(0s), {wlan}, false);
        const auto u = r.due(at(0s));
        wire::BindingAck ack = ackTo(*u, status::sequenceOutOfWindow);
        ack.sequence = 20000;
        QCOMPARE(r.acknowledged(at(0s), ack), Answer::Resynchronised);
        const auto again = r.due(at(0s));
        QVERIFY2(again && again->sequence == 20001 && again->overwrite, "MN-BU-09");
        wire::BindingAck old = ackTo(*u);
        old.sequence = 19;
        QVERIFY2(r.acknowledged(at(0s), old) == Answer::Ignored, "MN-BU-08");
    }

    void MN_BU_05_lessThanAUnitIsNotAskedFor()
    {
        Path brief = wlan;
        brief.lifetime = 3s;
        BidRegistration r = fresh();
        r.want(at(0s), {brief}, false);
        QVERIFY2(!r.due(at(0s)) && !r.nextDeadline(), "not valid for as long as one unit");
        r.want(at(1s), {wlan}, false);
        QCOMPARE(text(r.due(at(1s))), QString("O 1+"));
    }

    void RFC6275_11_8_whatIsRefusedOrGrantedForNoTimeAgainAndAgain()
    {
        for (const bool refused : {true, false})
            for (const bool before : {true, false}) {
                BidRegistration r = before ? registered({wlan}, false) : fresh();
                r.want(at(0s), {wlan}, false);
                const std::size_t most = refused && before ? 7 : 10;  // until the binding that there is ends
                std::vector<TimePoint> sent;
                for (int i = 0; i < 40 && sent.size() < most; ++i) {
                    const TimePoint now = *r.nextDeadline();
                    const auto update = r.due(now);
                    if (!update) continue;
                    sent.push_back(now);
                    wire::BindingAck ack = ackTo(*update, refused ? status::sequenceOutOfWindow : 0, {}, 0);
                    if (refused) ack.sequence = static_cast<std::uint16_t>(ack.sequence + 500);
                    (void)r.acknowledged(now, ack);
                    QVERIFY(refused || !r.registered(now));
                }
                QCOMPARE(sent.size(), most);
                for (std::size_t i = 3; i < most; ++i) QVERIFY2(sent[i] - sent[i - 1] >= std::min(sent[i - 1] - sent[i - 2], Duration{30s}) && sent[i] - sent[i - 1] >= 2s, "later and later");
                if (most == 10) QVERIFY(sent[8] - sent[7] == 32s && sent[9] - sent[8] == 32s);
            }
    }

    void aDeadPathHoldsUpNoLivingOne()
    {
        // The first one never answers: the second one gets its turn when the first timeout is over, and then everything that is new.
        BidRegistration r = fresh();
        r.want(at(0s), {wlan, cell}, false);
        QVERIFY(r.due(at(0s))->careOf == one);
        QVERIFY(!r.due(at(1499ms)));
        const auto second = r.due(at(1500ms));
        QVERIFY(text(second) == "O 2+" && second->careOf == two);
        QCOMPARE(r.acknowledged(at(1600ms), ackTo(*second)), Answer::Accepted);
        QVERIFY(r.find(2)->usable() && !r.find(1)->bound);
        // Its copies go on by themselves and without O; the binding of the other stays.
        const auto copy = r.due(at(1600ms));
        QVERIFY(text(copy) == "1+" && copy->careOf == one);
        r.want(at(3s), {wlan, cell, wire3}, false);
        QVERIFY2(text(r.due(at(3s))) == "3+", "a new path does not wait for the dead one");
    }

    void aBulkUpdateLeavesByAnotherPathWhenOneIsSilent()
    {
        BidRegistration r = fresh();
        r.want(at(0s), {wlan, cell}, true);
        QVERIFY(r.due(at(0s))->careOf == one);
        const auto second = r.due(at(1500ms));
        QVERIFY(second && second->careOf == two && second->copy);
        QCOMPARE(r.acknowledged(at(1600ms), ackTo(*second)), Answer::Accepted);
        QVERIFY(r.find(1)->usable() && r.find(2)->usable());
        QVERIFY2(r.due(at(541500ms))->careOf == two, "the one that answered");
    }

    void whatLeftByAPathThatIsGoneIsSentAgain()
    {
        BidRegistration r = registered({wlan, cell, wire3}, false);
        r.want(at(10s), {cell, wire3}, false);
        const auto first = r.due(at(10s));
        QVERIFY(text(first) == "del 1" && first->careOf == two);
        r.want(at(10100ms), {wire3}, false);
        std::set<std::uint16_t> gone;
        while (const auto u = r.due(at(10100ms))) {
            QVERIFY(u->lifetime.count() == 0 && u->careOf == three);
            gone.insert(u->options[0].bid);
        }
        QVERIFY2(gone == (std::set<std::uint16_t>{1, 2}), "at once, by the one that is left");
        // A first registration, too.
        BidRegistration b = fresh();
        b.want(at(0s), {wlan, cell}, true);
        QVERIFY(b.due(at(0s))->careOf == one);
        b.want(at(200ms), {cell}, true);
        const auto again = b.due(at(200ms));
        QVERIFY(again && again->careOf == two && text(again) == "O 2+");
    }

    void copiesBackOff()
    {
        // MN-BU-07: 1.5, 3, 6 … s for the first registration, later ones 1, 2, 4 … s.
        BidRegistration r = fresh();
        r.want(at(0s), {wlan}, false);
        for (const Duration t : {0ms, 1500ms, 4500ms, 10500ms, 22500ms, 46500ms, 78500ms}) {
            QVERIFY2(t == 0ms || !r.due(at(t - 1ns)), qPrintable(QString::number(t.count())));
            QVERIFY(r.due(at(t)));
        }
        QVERIFY(r.exhausted(at(110500ms)));
        BidRegistration later = registered({wlan}, false);
        later.want(at(10s), {{1, 0, three}}, false);
        for (const Duration t : {10s, 11s, 13s, 17s}) {
            QVERIFY(t == 10s || !later.due(at(t - 1ns)));
            QCOMPARE(text(later.due(at(t))), QString("1+"));
        }
    }

    void MN_COA_02_threeUpdatesASecond()
    {
        BidRegistration r = registered({{20, 0, ip("2001:db8:b::1")}}, false);
        std::vector<Path> many{{20, 0, ip("2001:db8:b::1")}};
        for (std::uint16_t i = 1; i <= 7; ++i) many.push_back({i, 0, Ipv6Address::parse("2001:db8:c" + std::to_string(i) + "::1").value()});
        r.want(at(10s), many, false);
        int sent = 0;
        while (r.due(at(10s))) ++sent;
        QVERIFY2(sent == 3, "MN-COA-02");
        QCOMPARE(r.nextDeadline().value(), at(11050ms));  // with room for jitter on the way
        while (r.due(at(11050ms))) ++sent;
        QCOMPARE(sent, 6);
    }

    void MCOA_MN_15_refreshRequests()
    {
        BidRegistration r = registered({wlan, cell, wire3}, false);
        r.refresh(at(20s), {2});
        QVERIFY2(text(r.due(at(20s))) == "2" && !r.due(at(20s)), "MCOA-MN-15: at least those");
        BidRegistration all = registered({wlan, cell}, true);
        all.refresh(at(20s), {});
        QCOMPARE(text(all.due(at(20s))), QString("1 2"));
    }

    void MCOA_BR_01_revoked()
    {
        BidRegistration r = registered({wlan, cell}, false);
        QVERIFY(r.revoked({1}));
        QVERIFY2(!r.find(1)->bound && r.find(2)->usable() && !r.due(at(100s)), "MCOA-BR-01: those alone, and not registered again as they are");
        QVERIFY(!r.revoked({7}));
        r.want(at(100s), {{1, 0, three}, cell}, false);
        QVERIFY2(text(r.due(at(100s))) == "1+", "another care-of address may be tried");
        QVERIFY(r.revoked({}) && !r.registered(at(100s)));
    }

    void MN_BU_10_lifetimesAreOfEach()
    {
        BidRegistration r = fresh();
        r.want(at(0s), {wlan, cell}, false);
        const auto first = r.due(at(0s));
        (void)r.acknowledged(at(5s), ackTo(*first, 0, {}, 10));
        QVERIFY2(r.find(1)->expires == at(40s), "MN-BU-10: counted from its sending");
        const auto second = r.due(at(5s));
        (void)r.acknowledged(at(6s), ackTo(*second));
        QCOMPARE(r.find(2)->expires, at(605s));
        (void)r.due(at(36s));  // the refresh of the first, lost
        (void)r.due(at(40s));
        QVERIFY2(!r.find(1)->bound && r.find(2)->usable(), "one ends, the other lives");
        const auto again = r.due(at(43s));
        QVERIFY2(again && text(again) == "1+", "MCOA-MN-03: what has ended is registered with its care-of address");
    }

    void MCOA_MN_04_afterAllHaveEnded()
    {
        BidRegistration r = registered({wlan}, false);
        (void)r.due(at(540s));
        const auto u = r.due(at(650s));
        QVERIFY2(u && u->overwrite && text(u) == "O 1+", "MCOA-MN-04: a first registration again");
    }

    void acknowledgementsOfWhatWasReplacedSayNothing()
    {
        // The first update with O by one path, the second by another: an answer to the first one that comes late speaks of a binding
        // that the second one has replaced.
        BidRegistration r = fresh();
        r.want(at(0s), {wlan, cell}, false);
        const auto first = r.due(at(0s));
        const auto second = r.due(at(1500ms));
        QCOMPARE(r.acknowledged(at(1600ms), ackTo(*first)), Answer::Ignored);
        QCOMPARE(r.acknowledged(at(1700ms), ackTo(*second)), Answer::Accepted);
        QVERIFY(!r.find(1)->bound && r.find(2)->usable());
    }

    void prioritiesChooseThePath()
    {
        const auto any = [](const BidRegistration::Slot&) { return true; };
        BidRegistration r = registered({{1, 20, one}, {2, 10, two}}, true);
        QVERIFY2(r.best(any)->path.bid == 2, "RFC 6089 §4.1: the lowest number");
        QVERIFY2(registered({wlan, cell}, true).best(any)->path.bid == 1, "without priorities in their order");
        r.want(at(10s), {{1, 5, one}, {2, 10, two}}, true);
        QCOMPARE(r.best(any)->path.bid, std::uint16_t{1});
        const auto told = r.due(at(10s));
        QVERIFY2(told && told->options[0].priority == 5, "the peer is told");
        // Without an answer by its path it gives way, as long as another one answers.
        BidRegistration s = registered({wlan, cell}, false);
        (void)s.due(at(540s));
        while (s.due(at(540s))) {}
        for (const Duration t : {541s, 543s, 547s})
            while (const auto u = s.due(at(t)))
                if (u->options[0].bid == 2) (void)s.acknowledged(at(t), ackTo(*u));
        QCOMPARE(s.best(any)->path.bid, std::uint16_t{2});
    }
};

QTEST_APPLESS_MAIN(TestBidRegistration)
#include "test_bid_registration.moc"
