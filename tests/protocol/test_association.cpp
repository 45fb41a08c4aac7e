// SPDX-License-Identifier: GPL-3.0-or-later
// Registration of a mobile node with one peer, stepped by hand (RFC 6275 §11.7, §11.8).
#include "protocol/node/association.hpp"
#include "protocol/node/sequence.hpp"
#include "tests/support/node_frames.hpp"

#include <QtTest>

#include <functional>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using Answer = Association::Answer;

namespace {

const Ipv6Address careOf1 = ip("2001:db8:a1::1");
const Ipv6Address careOf2 = ip("2001:db8:a2::1");

Association fresh(std::uint16_t last = 1000) { return {ip("2001:db8:100::1"), ip("2001:db8:100::1:1"), last}; }

wire::BindingAck ack(std::uint16_t sequence, std::uint16_t units = 150, std::uint8_t status = 0)
{
    return {status, 0, sequence, WireLifetime{units}, {}};
}

/// Sends copies until `count` have left; the times between them in milliseconds, and the numbers. `answer` is told of each.
struct Copies {
    std::vector<std::int64_t> gaps;
    std::vector<std::uint16_t> sequences;
};
Copies copies(Association& a, std::size_t count, const std::function<void(TimePoint, std::uint16_t)>& answer = [](TimePoint, std::uint16_t) {})
{
    Copies c;
    std::optional<TimePoint> last;
    while (c.sequences.size() < count) {
        const TimePoint now = *a.nextDeadline();
        if (const auto update = a.due(now)) {
            c.sequences.push_back(update->sequence);
            if (last) c.gaps.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(now - *last).count());
            last = now;
            answer(now, update->sequence);
        }
    }
    return c;
}

}  // namespace

class TestAssociation : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MN_DAD_04_bindingsThatAreOverNeedNoRelease()
    {
        Association a = fresh();
        a.request(TimePoint{}, careOf1, 600s);
        QCOMPARE(a.acknowledged(TimePoint{100ms}, ack(a.due(TimePoint{})->sequence, 2)), Answer::Accepted);
        Association late = a;
        late.release(TimePoint{8100ms});
        QVERIFY2(!late.releasing() && !late.due(TimePoint{8100ms}), "RFC 6275 11.5.5: all bindings have expired");
        a.request(TimePoint{1s}, careOf2, 600s);
        (void)a.due(TimePoint{1s});
        Association unsure = a;
        unsure.release(TimePoint{20s});
        QVERIFY2(unsure.releasing(), "an update without an answer may have made another one");
        a.release(TimePoint{700s});
        QVERIFY2(!a.releasing(), "also that one has ended");
        Association early = fresh();
        early.request(TimePoint{}, careOf1, 600s);
        QCOMPARE(early.acknowledged(TimePoint{100ms}, ack(early.due(TimePoint{})->sequence, 2)), Answer::Accepted);
        early.release(TimePoint{8s});
        QVERIFY2(early.releasing(), "the peer counts from when it took the update");
    }

    void MN_BU_07_firstRegistrationWaits1500msDoublingTo32s()
    {
        Association a = fresh();
        a.request(TimePoint{}, careOf1, 600s);
        QCOMPARE(copies(a, 9).gaps, (std::vector<std::int64_t>{1500, 3000, 6000, 12000, 24000, 32000, 32000, 32000}));
    }

    void MN_BU_07_laterRegistrationsWait1s()
    {
        Association a = fresh();
        a.request(TimePoint{}, careOf1, 600s);
        QCOMPARE(a.acknowledged(TimePoint{100ms}, ack(a.due(TimePoint{})->sequence)), Answer::Accepted);
        a.request(TimePoint{10s}, careOf2, 600s);
        QCOMPARE(copies(a, 9).gaps, (std::vector<std::int64_t>{1000, 2000, 4000, 8000, 16000, 32000, 32000, 32000}));
    }

    void MN_BU_07_refreshWaits1sAndKeepsItsBackOffAcrossTheEnd()
    {
        Association a = fresh();
        a.request(TimePoint{}, careOf1, 40s);
        QCOMPARE(a.acknowledged(TimePoint{1s}, ack(a.due(TimePoint{})->sequence, 10)), Answer::Accepted);
        QCOMPARE(copies(a, 6).gaps, (std::vector<std::int64_t>{1000, 2000, 4000, 8000, 16000}));
        QVERIFY(!a.registered(TimePoint{41s}));
    }

    void MN_BU_06_everyCopyHasAGreaterNumber()
    {
        Association a = fresh(65533);
        a.request(TimePoint{}, careOf1, 600s);
        QCOMPARE(copies(a, 5).sequences, (std::vector<std::uint16_t>{65534, 65535, 0, 1, 2}));
    }

    void earlyAndRepeatedCallsChangeNothing()
    {
        Association a = fresh();
        QVERIFY(!a.due(TimePoint{1s}));
        QVERIFY(!a.nextDeadline());
        a.request(TimePoint{1s}, careOf1, 600s);
        a.request(TimePoint{1s}, careOf1, 600s);
        const auto first = a.due(TimePoint{1s});
        QVERIFY(first && !first->copy);
        for (int i = 0; i < 3; ++i) {
            QVERIFY(!a.due(TimePoint{1s}));
            QVERIFY(!a.due(TimePoint{2499ms}));
            a.request(TimePoint{2s}, careOf1, 600s);
            QCOMPARE(*a.nextDeadline(), TimePoint{2500ms});
        }
        const auto second = a.due(TimePoint{2500ms});
        QVERIFY(second && second->copy);
    }

    void MN_BU_08_onlyAnOutstandingNumberCounts()
    {
        Association a = fresh(10);
        QCOMPARE(a.acknowledged(TimePoint{}, ack(10)), Answer::Ignored);
        a.request(TimePoint{}, careOf1, 600s);
        (void)a.due(TimePoint{});
        QCOMPARE(a.acknowledged(TimePoint{100ms}, ack(12)), Answer::Ignored);
        QCOMPARE(a.acknowledged(TimePoint{100ms}, ack(10)), Answer::Ignored);
        QVERIFY(!a.registered(TimePoint{100ms}));
        QCOMPARE(*a.nextDeadline(), TimePoint{1500ms});  // the copies go on
        (void)a.due(TimePoint{1500ms});
        // The answer to an earlier copy ends it too, once.
        QCOMPARE(a.acknowledged(TimePoint{1600ms}, ack(11)), Answer::Accepted);
        QCOMPARE(a.acknowledged(TimePoint{1700ms}, ack(12)), Answer::Ignored);
        QCOMPARE(a.acknowledged(TimePoint{1700ms}, ack(11)), Answer::Ignored);
    }

    void MN_BU_08_anAnswerForAnotherCareOfAddressIsIgnored()
    {
        Association a = fresh(10);
        a.request(TimePoint{}, careOf1, 600s);
        (void)a.due(TimePoint{});
        a.request(TimePoint{500ms}, careOf2, 600s);
        QCOMPARE(a.due(TimePoint{500ms})->careOf, careOf2);
        QCOMPARE(a.acknowledged(TimePoint{600ms}, ack(11)), Answer::Ignored);
        QCOMPARE(a.acknowledged(TimePoint{600ms}, ack(12)), Answer::Accepted);
        QCOMPARE(a.registeredCareOf(), std::optional(careOf2));
    }

    void MN_BU_09_status135GoesOnAboveThePeersNumber()
    {
        Association a = fresh(10);
        a.request(TimePoint{}, careOf1, 600s);
        (void)a.due(TimePoint{});
        QCOMPARE(a.acknowledged(TimePoint{50ms}, ack(500, 0, wire::bindingStatus::sequenceOutOfWindow)), Answer::Resynchronised);
        const auto retry = a.due(TimePoint{50ms});
        QVERIFY2(retry && retry->sequence == 501, "MN-BU-09: greater than the number in the answer");
        QCOMPARE(a.acknowledged(TimePoint{100ms}, ack(501)), Answer::Accepted);
        QCOMPARE(a.acknowledged(TimePoint{100ms}, ack(900, 0, wire::bindingStatus::sequenceOutOfWindow)), Answer::Ignored);
    }

    void MN_BU_06_late135DoesNotTakeTheNumberBack()
    {
        Association a = fresh(10);
        a.request(TimePoint{}, careOf1, 600s);
        (void)a.due(TimePoint{});
        (void)a.due(TimePoint{1500ms});  // 12 is out; the peer took it before 11 came and answers 11 with its last number
        QCOMPARE(a.acknowledged(TimePoint{1600ms}, ack(11, 0, wire::bindingStatus::sequenceOutOfWindow)), Answer::Ignored);
        QCOMPARE(a.sequence(), std::uint16_t{12});
        QCOMPARE(a.acknowledged(TimePoint{1700ms}, ack(12)), Answer::Accepted);
    }

    void MN_BU_10_countsFromTheSendingAndTakesOffWhatWasNotGranted()
    {
        Association a = fresh(10);
        a.request(TimePoint{2s}, careOf1, 600s);
        (void)a.due(TimePoint{2s});
        QCOMPARE(a.acknowledged(TimePoint{3s}, ack(11, 10)), Answer::Accepted);
        QVERIFY2(a.expires() == TimePoint{42s}, "MN-BU-10");
        QVERIFY(a.registered(TimePoint{42s} - 1ns));
        QVERIFY(!a.registered(TimePoint{42s}));
        // MN-BU-14: the refresh leaves well before, and with the full lifetime again (MN-BU-05).
        QCOMPARE(*a.nextDeadline(), TimePoint{38s});
        QVERIFY(!a.due(TimePoint{38s} - 1ns));
        QCOMPARE(a.due(TimePoint{38s})->lifetime.count(), std::uint16_t{150});
    }

    void MN_BU_10_moreThanAskedForIsNotBelieved()
    {
        Association a = fresh(10);
        a.request(TimePoint{}, careOf1, 40s);
        (void)a.due(TimePoint{});
        QCOMPARE(a.acknowledged(TimePoint{1s}, ack(11, 1000)), Answer::Accepted);
        QCOMPARE(a.expires(), TimePoint{40s});
    }

    void MN_BU_05_lifetimeIsInWholeUnitsAndNeverZero()
    {
        for (const auto& [seconds, units] : {std::pair{4, 1}, {7, 1}, {8, 2}, {600, 150}, {262140, 65535}, {400000, 65535}}) {
            Association a = fresh();
            a.request(TimePoint{}, careOf1, std::chrono::seconds(seconds));
            QCOMPARE(int{a.due(TimePoint{})->lifetime.count()}, units);
        }
    }

    void MN_BU_05_lessThanAUnitIsNotAskedFor()
    {
        Association a = fresh(10);
        a.request(TimePoint{}, careOf1, 3s);
        QVERIFY2(!a.due(TimePoint{}) && !a.nextDeadline(), "4 s would be longer than the address is valid, 0 would be a deletion");
        a.request(TimePoint{1s}, careOf1, 40s);
        QCOMPARE(a.acknowledged(TimePoint{1s}, ack(a.due(TimePoint{1s})->sequence, 10)), Answer::Accepted);
        a.request(TimePoint{38s}, careOf1, 3s);
        QVERIFY2(!a.due(TimePoint{38s}) && a.nextDeadline() == TimePoint{41s}, "nor refreshed; the binding ends by itself");
        a.release(TimePoint{39s});
        QVERIFY2(a.due(TimePoint{39s})->lifetime.count() == 0, "a release has no lifetime");
    }

    void MN_BU_16_anAcceptedUpdateIsNotRepeated()
    {
        Association a = fresh(10);
        a.request(TimePoint{}, careOf1, 600s);
        (void)a.due(TimePoint{});
        (void)a.acknowledged(TimePoint{100ms}, ack(11));
        QVERIFY2(!a.due(TimePoint{500s}), "MN-BU-16");
        QCOMPARE(*a.nextDeadline(), TimePoint{540s});
    }

    void MN_BU_16_aRefusedOneIsNotSentAgainForThatCareOfAddress()
    {
        for (const std::uint8_t status : std::initializer_list<std::uint8_t>{128, 129, 130, 132, 134}) {
            Association a = fresh(10);
            a.request(TimePoint{}, careOf1, 600s);
            (void)a.due(TimePoint{});
            QCOMPARE(a.acknowledged(TimePoint{100ms}, ack(11, 0, status)), Answer::Refused);
            a.request(TimePoint{1s}, careOf1, 600s);
            QVERIFY(!a.due(TimePoint{1000s}));
            QVERIFY(!a.nextDeadline());
            a.request(TimePoint{1001s}, careOf2, 600s);
            QCOMPARE(a.due(TimePoint{1001s})->sequence, std::uint16_t{12});
        }
    }

    void RFC6275_11_7_3_acceptedForNoTimeIsAskedForAgainLaterAndLater()
    {
        Association a = fresh(10);
        a.request(TimePoint{}, careOf1, 600s);
        const Copies c = copies(a, 8, [&](TimePoint now, std::uint16_t sequence) {
            QCOMPARE(a.acknowledged(now, ack(sequence, 0)), Answer::Nothing);
            QVERIFY(!a.registered(now) && !a.registeredCareOf());
        });
        QVERIFY((c.gaps == std::vector<std::int64_t>{1500, 3000, 6000, 12000, 24000, 32000, 32000}));
        const TimePoint now = *a.nextDeadline();
        QCOMPARE(a.acknowledged(now, ack(a.due(now)->sequence)), Answer::Accepted);
        QVERIFY(a.registered(now));
    }

    void RFC6275_11_8_135AgainAndAgainIsAnsweredLaterAndLater()
    {
        Association a = fresh(10);
        a.request(TimePoint{}, careOf1, 600s);
        const Copies c = copies(a, 8, [&](TimePoint now, std::uint16_t sequence) {
            QCOMPARE(a.acknowledged(now, ack(static_cast<std::uint16_t>(sequence + 500), 0, wire::bindingStatus::sequenceOutOfWindow)), Answer::Resynchronised);
        });
        QVERIFY2((c.gaps == std::vector<std::int64_t>{0, 3000, 6000, 12000, 24000, 32000, 32000}), "MN-BU-09: at once, the first time");
    }

    void MN_COA_02_threeUpdatesInAnySecond()
    {
        Association a = fresh(10);
        std::vector<TimePoint> sent;
        for (int i = 0; i < 40; ++i) {  // a new care-of address every 100 ms
            const TimePoint now{i * 100ms};
            a.request(now, i % 2 == 0 ? careOf1 : careOf2, 600s);
            if (a.due(now)) sent.push_back(now);
        }
        for (std::size_t i = 3; i < sent.size(); ++i) QVERIFY2(sent[i] - sent[i - 3] >= 1050ms, "MN-COA-02: jitter brings them no closer than a second");
        QVERIFY(sent.size() >= 10);
    }

    void anUpdateOnItsWayMakesTheRegisteredAddressUncertain()
    {
        Association a = fresh(10);
        a.request(TimePoint{}, careOf1, 600s);
        (void)a.due(TimePoint{});
        (void)a.acknowledged(TimePoint{100ms}, ack(11));
        QCOMPARE(a.registeredCareOf(), std::optional(careOf1));
        a.request(TimePoint{5s}, careOf2, 600s);
        (void)a.due(TimePoint{5s});
        // Back on the first link before the answer came: the peer may have either.
        a.request(TimePoint{6s}, careOf1, 600s);
        QVERIFY(!a.registeredCareOf());
        QVERIFY(a.registered(TimePoint{6s}));
        QCOMPARE(a.due(TimePoint{6s})->careOf, careOf1);
        QCOMPARE(a.acknowledged(TimePoint{6100ms}, ack(13)), Answer::Accepted);
        QCOMPARE(a.registeredCareOf(), std::optional(careOf1));
    }
};

QTEST_APPLESS_MAIN(TestAssociation)
#include "test_association.moc"
