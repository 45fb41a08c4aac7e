// SPDX-License-Identifier: GPL-3.0-or-later
// Judging Binding Updates and keeping the cache, stepped by hand (RFC 6275 §9.5.1, §10.3; RFC 4140 §6.2).
#include "tests/support/node_frames.hpp"

#include "protocol/node/registrar.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using wire::BindingUpdate;
using Action = Registrar::Verdict::Action;
namespace status = wire::bindingStatus;

namespace {

const Ipv6Address anchor = ip("2001:db8:100::1");
const Ipv6Address home = ip("2001:db8:100::1:1");
const Ipv6Address careOf1 = ip("2001:db8:a1::1");
const Ipv6Address careOf2 = ip("2001:db8:a2::1");

Registrar::Policy policy(bool map = false, bool verify = true)
{
    Registrar::Policy p;
    p.map = map;
    p.homePrefixes = {prefix("2001:db8:100::/64")};
    p.maximumLifetime = 400s;
    p.maximumBindings = 2;
    p.verify = verify;
    p.own = {anchor};
    return p;
}

struct Request {
    std::uint16_t sequence = 1;
    std::uint16_t units = 75;
    Ipv6Address careOf = careOf1;
    std::optional<Ipv6Address> homeAddressOption = home;
    std::uint16_t flags = BindingUpdate::acknowledge | BindingUpdate::homeRegistration;
    std::vector<wire::MobilityOption> options = {};
};

Registrar::Verdict judge(Registrar& r, TimePoint now, const Request& q)
{
    const BindingUpdate update{q.sequence, q.flags, WireLifetime{q.units}, q.options};
    return r.judge(now, {q.homeAddressOption, q.careOf, anchor, update});
}

/// A registrar with one valid binding of `home` under `sequence`.
Registrar bound(std::uint16_t sequence)
{
    Registrar r(policy(false, false));
    (void)judge(r, TimePoint{}, {.sequence = sequence});
    return r;
}

}  // namespace

class TestRegistrar : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void HA_BU_02_all65536Distances()
    {
        for (const std::uint16_t last : std::initializer_list<std::uint16_t>{0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff}) {
            const Registrar before = bound(last);
            for (std::uint32_t distance = 0; distance < 65536; ++distance) {
                Registrar r = before;
                const auto sequence = static_cast<std::uint16_t>(last + distance);
                const auto verdict = judge(r, TimePoint{1s}, {.sequence = sequence, .careOf = careOf2});
                const bool accepted = verdict.ack.status == status::accepted;
                if (accepted != (distance >= 1 && distance <= 32767))
                    QFAIL(qPrintable(QStringLiteral("HA-BU-02: last %1, distance %2").arg(last).arg(distance)));
                // A refusal names the last accepted number and leaves the entry as it is.
                if (accepted ? verdict.ack.sequence != sequence : verdict.ack.status != status::sequenceOutOfWindow || verdict.ack.sequence != last)
                    QFAIL(qPrintable(QStringLiteral("HA-BU-02: answer at distance %1").arg(distance)));
                const Binding& b = *r.find(home);
                if (b.sequence != (accepted ? sequence : last) || b.careOfAddress != (accepted ? careOf2 : careOf1))
                    QFAIL(qPrintable(QStringLiteral("HA-BU-02: entry at distance %1").arg(distance)));
            }
        }
    }

    void HA_BU_02_withoutAnEntryAnyNumberIsAccepted()
    {
        for (const std::uint16_t sequence : std::initializer_list<std::uint16_t>{0, 1, 0x7fff, 0x8000, 0xffff}) {
            Registrar r(policy(false, false));
            QCOMPARE(judge(r, {}, {.sequence = sequence}).ack.status, status::accepted);
        }
    }

    void HA_BU_01_brokenUpdatesGetNoAnswer()
    {
        const Ipv6Address group = ip("ff02::1");
        const std::vector<Request> broken{
            {.homeAddressOption = group},
            {.homeAddressOption = ip("fe80::1")},
            {.homeAddressOption = ip("::")},
            {.careOf = ip("fe80::2")},
            {.options = {wire::NonceIndices{1, 2}}},
            {.options = {wire::AlternateCareOfAddress{group}}},
            {.homeAddressOption = std::nullopt},                      // HA-BU-09
            {.flags = BindingUpdate::acknowledge},                    // a correspondent's registration without authorization
        };
        for (const Request& request : broken) {
            Registrar r(policy());
            const auto verdict = judge(r, {}, request);
            QVERIFY2(verdict.action == Action::Drop && r.bindings().empty(), "HA-BU-01: silent drop");
            QVERIFY(!verdict.reason.empty());
        }
    }

    void HA_BU_03_refusalsWithTheirStatus()
    {
        Registrar r(policy(false, false));
        QCOMPARE(judge(r, {}, {.homeAddressOption = ip("2001:db8:999::1")}).ack.status, status::notHomeSubnet);
        QCOMPARE(judge(r, {}, {.homeAddressOption = ip("2001:db8:100::2:1")}).ack.status, status::accepted);
        QCOMPARE(judge(r, {}, {.homeAddressOption = ip("2001:db8:100::2:2")}).ack.status, status::accepted);
        const auto full = judge(r, {}, {});
        QVERIFY2(full.ack.status == status::insufficientResources, "HA-BU-03");
        QCOMPARE(full.ack.lifetime.count(), std::uint16_t{0});
        QVERIFY(full.routingHeader);
        // A MAP is no home agent: H without M.
        Registrar map(policy(true));
        QCOMPARE(judge(map, {}, {}).ack.status, status::homeRegistrationNotSupported);
    }

    void HA_BU_04_newBindingsWaitForDuplicateAddressDetection()
    {
        Registrar r(policy());
        const auto first = judge(r, {}, {.sequence = 5});
        QVERIFY2(first.action == Action::Verify, "HA-BU-04: no acknowledgement before the detection");
        QVERIFY(!r.find(home));
        QVERIFY(!r.nextDeadline());
        // A copy while it runs: the answer will carry the newest number.
        QCOMPARE(judge(r, TimePoint{500ms}, {.sequence = 6, .careOf = careOf2}).action, Action::Wait);
        QCOMPARE(judge(r, TimePoint{600ms}, {.sequence = 6}).ack.status, status::sequenceOutOfWindow);
        const auto done = r.verified(TimePoint{1s}, home, true);
        QCOMPARE(done.action, Action::Answer);
        QCOMPARE(done.ack.sequence, std::uint16_t{6});
        QCOMPARE(done.replyTo, careOf2);
        QCOMPARE(r.find(home)->careOfAddress, careOf2);
        QCOMPARE(r.find(home)->expires, TimePoint{301s});
        // Only once, and a refresh needs no detection.
        QCOMPARE(r.verified(TimePoint{2s}, home, true).action, Action::Drop);
        QCOMPARE(judge(r, TimePoint{3s}, {.sequence = 7}).action, Action::Answer);
    }

    void HA_BU_04_aDuplicateIsRefusedWith134()
    {
        Registrar r(policy());
        (void)judge(r, {}, {.sequence = 5});
        const auto verdict = r.verified(TimePoint{500ms}, home, false);
        QVERIFY2(verdict.ack.status == status::duplicateAddressDetectionFailed, "HA-BU-04");
        QCOMPARE(verdict.ack.lifetime.count(), std::uint16_t{0});
        QVERIFY(r.bindings().empty());
        // An address of the anchor itself is one too.
        QCOMPARE(judge(r, TimePoint{1s}, {.homeAddressOption = anchor}).ack.status, status::duplicateAddressDetectionFailed);
        QVERIFY(r.bindings().empty());
    }

    void HA_BU_05_neverMoreThanAskedForNorThanAllowed()
    {
        for (const auto& [asked, granted] : {std::pair{1, 1}, {99, 99}, {100, 100}, {101, 100}, {65535, 100}}) {
            Registrar r(policy(false, false));
            const auto verdict = judge(r, {}, {.units = static_cast<std::uint16_t>(asked)});
            QVERIFY2(verdict.ack.lifetime.count() == granted, "HA-BU-05, HMIP-MAP-10");
            QCOMPARE(r.find(home)->expires, TimePoint{std::chrono::seconds(4 * granted)});
        }
    }

    void HA_BU_06_answersWhateverTheABitSaysToTheSource()
    {
        Registrar r(policy(false, false));
        const auto verdict = judge(r, {}, {.sequence = 77, .flags = BindingUpdate::homeRegistration, .options = {wire::AlternateCareOfAddress{careOf2}}});
        QVERIFY2(verdict.action == Action::Answer, "HA-BU-06: without A too");
        QCOMPARE(verdict.ack.sequence, std::uint16_t{77});
        QVERIFY2(verdict.replyTo == careOf1, "HA-BU-06: to the IPv6 source, not to the alternate care-of address");
        QCOMPARE(r.find(home)->careOfAddress, careOf2);
        QCOMPARE(verdict.anchorAddress, anchor);
        QVERIFY2(verdict.routingHeader, "HA-BU-06: RH2 = home address");
    }

    void HA_BU_06_noRoutingHeaderWithoutHomeAddressOption()
    {
        Registrar r = bound(1);
        const auto verdict = judge(r, TimePoint{1s}, {.sequence = 2, .units = 0, .careOf = home, .homeAddressOption = std::nullopt});
        QCOMPARE(verdict.ack.status, status::accepted);
        QVERIFY2(!verdict.routingHeader && verdict.replyTo == home, "HA-BU-06: return home");
        QVERIFY(!r.find(home));
    }

    void HA_DEREG_01_lifetimeZeroDeletes()
    {
        Registrar r = bound(10);
        const auto verdict = judge(r, TimePoint{5s}, {.sequence = 11, .units = 0});
        QVERIFY2(verdict.ack.status == status::accepted && verdict.ack.lifetime.count() == 0 && verdict.ack.sequence == 11, "HA-DEREG-01");
        QVERIFY(verdict.removed && verdict.removed->careOfAddress == careOf1);
        QVERIFY(!r.find(home));
        // No binding: 133.
        QCOMPARE(judge(r, TimePoint{6s}, {.sequence = 12, .units = 0}).ack.status, status::notHomeAgent);
        Registrar empty(policy());
        QCOMPARE(judge(empty, {}, {.units = 0}).ack.status, status::notHomeAgent);
    }

    void HA_DEREG_02_aDelayedOldUpdateGets135For10s()
    {
        Registrar r = bound(10);
        (void)judge(r, TimePoint{5s}, {.sequence = 12, .units = 0});
        const auto late = judge(r, TimePoint{14s}, {.sequence = 11});
        QVERIFY2(late.ack.status == status::sequenceOutOfWindow && late.ack.sequence == 12, "HA-DEREG-02");
        QCOMPARE(*r.nextDeadline(), TimePoint{15s});
        QVERIFY(r.expire(TimePoint{15s} - 1ns).empty());
        QVERIFY2(r.expire(TimePoint{15s}).empty() && r.bindings().empty(), "a deleted entry does not expire once more");
        QCOMPARE(judge(r, TimePoint{16s}, {.sequence = 11}).ack.status, status::accepted);
    }

    void replayedUpdatesChangeNothing()
    {
        Registrar r = bound(10);
        (void)judge(r, TimePoint{1s}, {.sequence = 11, .careOf = careOf2});
        for (const std::uint16_t old : std::initializer_list<std::uint16_t>{10, 11}) {
            const auto replay = judge(r, TimePoint{2s}, {.sequence = old, .careOf = careOf1});
            QCOMPARE(replay.ack.status, status::sequenceOutOfWindow);
            QCOMPARE(r.find(home)->careOfAddress, careOf2);
            QCOMPARE(r.find(home)->expires, TimePoint{301s});
        }
        // A replayed deletion neither.
        QCOMPARE(judge(r, TimePoint{2s}, {.sequence = 11, .units = 0}).ack.status, status::sequenceOutOfWindow);
        QVERIFY(r.find(home));
    }

    void bindingsExpireAtTheirTime()
    {
        Registrar r = bound(10);
        QCOMPARE(*r.nextDeadline(), TimePoint{300s});
        QVERIFY(r.expire(TimePoint{300s} - 1ns).empty());
        QCOMPARE(r.expire(TimePoint{300s}).size(), std::size_t{1});
        QVERIFY(!r.find(home) && !r.nextDeadline());
        QVERIFY(r.expire(TimePoint{301s}).empty());
    }

    void aMoveTellsWhereTheTunnelWentBefore()
    {
        Registrar r = bound(10);
        QVERIFY(!judge(r, TimePoint{1s}, {.sequence = 11}).replaced);
        QCOMPARE(judge(r, TimePoint{2s}, {.sequence = 12, .careOf = careOf2}).replaced, std::optional(careOf1));
    }

    void HMIP_MAP_01_storesRegionalToOnLinkCareOf()
    {
        Registrar r(policy(true, false));
        const std::uint16_t localFlags = BindingUpdate::acknowledge | BindingUpdate::mapRegistration;
        QCOMPARE(judge(r, {}, {.flags = localFlags}).ack.status, status::accepted);
        QVERIFY2(r.find(home)->careOfAddress == careOf1, "HMIP-MAP-01");
        // Errata E-04: A, H and M is a local update too.
        const std::uint16_t withH = localFlags | BindingUpdate::homeRegistration;
        QCOMPARE(judge(r, {}, {.sequence = 2, .careOf = careOf2, .flags = withH}).ack.status, status::accepted);
        QCOMPARE(r.find(home)->careOfAddress, careOf2);
    }

    void HMIP_MAP_17_answersAsAHomeAgentDoes()
    {
        Registrar r(policy(true, false));
        const std::uint16_t flags = BindingUpdate::acknowledge | BindingUpdate::mapRegistration;
        QCOMPARE(judge(r, {}, {.homeAddressOption = ip("2001:db8:999::1"), .flags = flags}).ack.status, status::notHomeSubnet);
        QCOMPARE(judge(r, {}, {.units = 0, .flags = flags}).ack.status, status::notHomeAgent);
        QCOMPARE(judge(r, {}, {.sequence = 9, .flags = flags}).ack.status, status::accepted);
        const auto old = judge(r, {}, {.sequence = 9, .flags = flags});
        QVERIFY2(old.ack.status == status::sequenceOutOfWindow && old.ack.sequence == 9, "HMIP-MAP-17: 135 with the last accepted number");
    }

    void HMIP_MAP_02_and_03_detectionIsAMatterOfTheDialect()
    {
        Registrar r4140(policy(true, true));
        Registrar r5380(policy(true, false));
        const std::uint16_t flags = BindingUpdate::acknowledge | BindingUpdate::mapRegistration;
        QVERIFY2(judge(r4140, {}, {.flags = flags}).action == Action::Verify, "HMIP-MAP-02: first the detection");
        QVERIFY2(judge(r5380, {}, {.flags = flags}).action == Action::Answer, "HMIP-MAP-03: at once");
    }
};

QTEST_APPLESS_MAIN(TestRegistrar)
#include "test_registrar.moc"
