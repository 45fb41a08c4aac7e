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
    auto& prefixes = map ? p.regionalPrefixes : p.homePrefixes;
    prefixes.emplace_back(prefix("2001:db8:100::/64"));
    p.maximumLifetime = 400s;
    p.maximumBindings = 2;
    p.verify = p.verifyRegional = verify;
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
            {.options = {wire::AlternateCareOfAddress{careOf1}, wire::AlternateCareOfAddress{careOf2}}},  // which one?
            {.options = {wire::RawMobilityOption{3, {1, 2, 3, 4}}}},  // an alternate care-of address of 4 octets
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

    void HA_BU_01_theRoutersAnycastAddressIsNobodysHomeAddress()
    {
        for (const bool map : {false, true}) {
            Registrar::Policy p = policy();
            if (map) std::swap(p.homePrefixes, p.regionalPrefixes);
            const Prefix served = (map ? p.regionalPrefixes : p.homePrefixes).front().prefix;
            Registrar r(p);
            const std::uint16_t flags = map ? BindingUpdate::mapRegistration : BindingUpdate::homeRegistration;
            QVERIFY2(judge(r, {}, {.homeAddressOption = served.masked().address, .flags = flags}).action == Action::Drop, "HA-BU-01: RFC 6275 3.2, 9.5.1");
            QVERIFY(r.bindings().empty());
        }
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
        QVERIFY(judge(r, TimePoint{1s}, {.sequence = 11}).before.empty());
        const auto before = judge(r, TimePoint{2s}, {.sequence = 12, .careOf = careOf2}).before;
        QVERIFY(before.size() == 1 && before[0].careOfAddress == careOf1);
    }

    void HA_BU_05_lifetimesEndWithTheHomePrefix()
    {
        // Asked, valid, preferred (seconds) → units granted and status. Prefix lifetimes count in whole units.
        struct Case {
            std::uint16_t asked;
            std::uint32_t valid, preferred;
            int granted, status;
        };
        const std::vector<Case> cases{
            {50, 2592000, 604800, 50, 0}, {50, 201, 201, 50, 1},   // becomes invalid at the end
            {50, 203, 200, 50, 1},        {50, 204, 200, 50, 0},   // deprecated when it ends anyway is not during it
            {50, 204, 199, 50, 1},        {50, 100, 100, 25, 1},   {50, 400, 0, 50, 1}, {50, 7, 7, 1, 1},
            {50, RouterPrefix::infinite, RouterPrefix::infinite, 50, 0},
        };
        for (const Case& c : cases) {
            Registrar::Policy p = policy(false, false);
            p.homePrefixes = {RouterPrefix(prefix("2001:db8:100::/64"), c.valid, c.preferred)};
            Registrar r(p);
            const auto verdict = judge(r, {}, {.units = c.asked});
            if (verdict.ack.lifetime.count() != c.granted || verdict.ack.status != c.status)
                QFAIL(qPrintable(QStringLiteral("HA-BU-05: valid %1, preferred %2: %3 units, status %4").arg(c.valid).arg(c.preferred).arg(verdict.ack.lifetime.count()).arg(verdict.ack.status)));
            QCOMPARE(int{r.find(home)->status}, c.status);
        }
        // A prefix that is over is none.
        Registrar::Policy p = policy(false, false);
        p.homePrefixes = {RouterPrefix(prefix("2001:db8:100::/64"), 3, 3)};
        Registrar r(p);
        QVERIFY2(judge(r, {}, {}).ack.status == status::notHomeSubnet, "HA-BU-03");
    }

    void HA_BU_05_HMIP_MAP_10_lifetimesThatCountDown()
    {
        for (const bool map : {false, true}) {
            Registrar::Policy p = policy(map, false);
            RouterPrefix ending(prefix("2001:db8:100::/64"), 400, 400);
            ending.countsDown = true;
            (map ? p.regionalPrefixes : p.homePrefixes).front() = ending;
            Registrar r(p);
            const auto flags = static_cast<std::uint16_t>(BindingUpdate::acknowledge | (map ? BindingUpdate::mapRegistration : BindingUpdate::homeRegistration));
            const auto verdict = judge(r, TimePoint{101s}, {.units = 90, .flags = flags});
            QVERIFY2(verdict.ack.lifetime.count() == 74 && verdict.ack.status == status::prefixDiscoveryNecessary, "HA-BU-05, HMIP-MAP-10: 299 s are left");
            QCOMPARE(judge(r, TimePoint{400s}, {.sequence = 2, .flags = flags}).ack.status, status::notHomeSubnet);
        }
    }

    void HA_BU_10_bindingsEndWithTheirPrefixAndNotBefore()
    {
        Registrar r = bound(10);
        r.setPrefix(TimePoint{100s}, RouterPrefix(prefix("2001:db8:100::/64"), 50, 50), false);
        QVERIFY(r.find(home));
        QVERIFY2(*r.nextDeadline() == TimePoint{150s}, "HA-BU-10: the prefix ends before the lifetime");
        QVERIFY(r.expire(TimePoint{149s}).empty());
        QCOMPARE(r.expire(TimePoint{150s}).size(), std::size_t{1});
        // A longer life of the prefix gives the binding nothing.
        r = bound(10);
        r.setPrefix(TimePoint{100s}, RouterPrefix(prefix("2001:db8:100::/64"), 5000, 5000), false);
        QCOMPARE(*r.nextDeadline(), TimePoint{300s});
        // Others that come when the table is full get 130; nobody is evicted.
        (void)judge(r, TimePoint{100s}, {.homeAddressOption = ip("2001:db8:100::2:1")});
        for (std::uint16_t i = 0; i < 100; ++i) {
            auto other = ip("2001:db8:100::3:0");
            other.octets[15] = static_cast<std::uint8_t>(i);
            QCOMPARE(judge(r, TimePoint{101s}, {.homeAddressOption = other}).ack.status, status::insufficientResources);
        }
        QVERIFY2(r.find(home) && r.find(ip("2001:db8:100::2:1")), "HA-BU-10: not evicted");
        // A refresh needs no new room.
        QCOMPARE(judge(r, TimePoint{102s}, {.sequence = 11}).ack.status, status::accepted);
    }

    void deletedEntriesAreBounded()
    {
        Registrar r(policy(false, false));
        for (std::uint16_t i = 0; i < 50; ++i) {
            auto other = ip("2001:db8:100::3:0");
            other.octets[15] = static_cast<std::uint8_t>(i);
            (void)judge(r, TimePoint{1s} + std::chrono::milliseconds(i), {.homeAddressOption = other});
            (void)judge(r, TimePoint{1s} + std::chrono::milliseconds(i), {.sequence = 2, .units = 0, .homeAddressOption = other});
            QVERIFY(r.bindings().size() <= 2 * r.policy().maximumBindings);
        }
        // The newest are remembered (HA-DEREG-02).
        QCOMPARE(judge(r, TimePoint{2s}, {.sequence = 2, .homeAddressOption = ip("2001:db8:100::3:31")}).ack.status, status::sequenceOutOfWindow);
        QCOMPARE(*r.nextDeadline(), TimePoint{11048ms});
        QVERIFY(r.expire(TimePoint{20s}).empty() && r.bindings().empty() && !r.nextDeadline());
    }

    void HA_BU_03_anotherKindOfRegistrationGets139()
    {
        Registrar r = bound(10);
        const std::uint16_t toCorrespondent = BindingUpdate::acknowledge;
        const auto verdict = judge(r, TimePoint{1s}, {.sequence = 11, .careOf = careOf2, .flags = toCorrespondent, .options = {wire::NonceIndices{1, 2}}});
        QVERIFY2(verdict.action == Action::Answer && verdict.ack.status == status::registrationTypeChange && verdict.ack.sequence == 11, "HA-BU-03: 139");
        QVERIFY2(r.find(home)->careOfAddress == careOf1 && r.find(home)->sequence == 10 && r.find(home)->has(BindingUpdate::homeRegistration), "the entry stays as it is");
        const auto old = judge(r, TimePoint{1s}, {.sequence = 10, .flags = toCorrespondent});
        QVERIFY2(old.ack.status == status::sequenceOutOfWindow && old.ack.sequence == 10, "HA-BU-02 comes first");
        // The same at a node that is home agent and MAP for one prefix.
        Registrar::Policy p = policy(false, false);
        p.regionalPrefixes = p.homePrefixes;
        Registrar both(p);
        QCOMPARE(judge(both, {}, {.sequence = 1}).ack.status, status::accepted);
        const std::uint16_t local = BindingUpdate::acknowledge | BindingUpdate::mapRegistration;
        QCOMPARE(judge(both, {}, {.sequence = 2, .flags = local}).ack.status, status::registrationTypeChange);
        QCOMPARE(judge(both, {}, {.homeAddressOption = ip("2001:db8:100::9"), .flags = local}).ack.status, status::accepted);
        QVERIFY(both.find(ip("2001:db8:100::9"))->regional && !both.find(home)->regional);
    }

    void MCOA_HA_08_everyRefusalBringsTheIdentifiersBack()
    {
        const wire::BindingIdentifier asked{7, 0, false, 3, Bytes(careOf1.octets.begin(), careOf1.octets.end())};
        const std::vector<wire::MobilityOption> answered{wire::BindingIdentifier{7, 0, false, 3, {}}};
        constexpr std::uint16_t toCorrespondents = BindingUpdate::acknowledge;
        const auto check = [&](Registrar r, std::uint16_t sequence, std::uint16_t flags, std::uint8_t expected) {
            const auto verdict = judge(r, TimePoint{1s}, {.sequence = sequence, .flags = flags, .options = {asked}});
            return verdict.action == Action::Answer && verdict.ack.status == expected && verdict.ack.options == answered;
        };
        QVERIFY2(check(bound(5), 6, toCorrespondents, status::registrationTypeChange), "HA-BU-03");
        QVERIFY2(check(bound(5), 5, toCorrespondents, status::sequenceOutOfWindow), "HA-BU-02");
        QVERIFY2(check(Registrar(policy(true)), 1, Request{}.flags, status::homeRegistrationNotSupported), "a MAP");
        QVERIFY2(check(Registrar(policy()), 1, toCorrespondents | BindingUpdate::mobileRouter, status::mobileRouterNotPermitted), "NEMO-HA-01");
    }

    void HA_BU_07_refreshAdviceOnlyBelowTheLifetimeAndNeverWhenDeleting()
    {
        for (const auto& [advice, units] : {std::pair{0, 0}, {3, 0}, {4, 1}, {296, 74}, {299, 74}, {300, 0}, {4000, 0}}) {
            Registrar::Policy p = policy(false, false);
            p.refreshAdvice = std::chrono::seconds(advice);
            Registrar r(p);
            const auto verdict = judge(r, {}, {.units = 75});
            const auto* option = wire::findOption<wire::BindingRefreshAdvice>(verdict.ack.options);
            if ((option ? int{option->interval.count()} : 0) != units) QFAIL(qPrintable(QStringLiteral("HA-BU-07: advice of %1 s").arg(advice)));
            QVERIFY2(judge(r, {}, {.sequence = 2, .units = 0}).ack.options.empty(), "HA-DEREG-01: no advice");
        }
    }

    void HA_BU_08_keyManagementNeverMovesWithoutKeys()
    {
        Registrar r(policy(false, false));
        const std::uint16_t flags = BindingUpdate::acknowledge | BindingUpdate::homeRegistration | BindingUpdate::keyManagement;
        for (const std::uint16_t units : std::initializer_list<std::uint16_t>{75, 75, 0}) {
            static std::uint16_t sequence = 0;
            const auto verdict = judge(r, {}, {.sequence = ++sequence, .units = units, .flags = flags});
            QVERIFY2(verdict.ack.status == 0 && verdict.ack.flags == 0, "HA-BU-08: K clear, nothing was keyed dynamically");
        }
    }

    void HA_BU_04_theLinkLocalAddressMayBeOurs()
    {
        Registrar::Policy p = policy(false, false);
        p.own.push_back(ip("fe80::1:1"));
        Registrar r(p);
        const std::uint16_t withL = BindingUpdate::acknowledge | BindingUpdate::homeRegistration | BindingUpdate::linkLocal;
        QVERIFY2(judge(r, {}, {.flags = withL}).ack.status == status::duplicateAddressDetectionFailed, "HA-BU-04");
        QCOMPARE(judge(r, {}, {}).ack.status, status::accepted);
    }

    void SEC_10_onlyListedHomeAddressesMayRegister()
    {
        Registrar::Policy p = policy(false, false);
        p.homeAddresses = {home};
        Registrar r(p);
        QCOMPARE(judge(r, {}, {}).ack.status, status::accepted);
        const auto verdict = judge(r, {}, {.homeAddressOption = ip("2001:db8:100::2:1")});
        QVERIFY2(verdict.ack.status == status::administrativelyProhibited && verdict.reason == "SEC-10" && r.bindings().size() == 1, "SEC-10");
    }

    void HMIP_MAP_08_and_09_listOfLocalPrefixes()
    {
        Registrar::Policy p = policy(true, false);
        p.localPrefixes = {prefix("2001:db8:a1::/64"), prefix("2001:db8:b0::/44")};  // its own domain, and a neighbour's
        Registrar r(p);
        const std::uint16_t flags = BindingUpdate::acknowledge | BindingUpdate::mapRegistration;
        QCOMPARE(judge(r, {}, {.flags = flags}).ack.status, status::accepted);
        const auto outside = judge(r, {}, {.sequence = 2, .careOf = careOf2, .flags = flags});
        QVERIFY2(outside.ack.status == status::administrativelyProhibited && outside.reason == "HMIP-MAP-08", "HMIP-MAP-08");
        QVERIFY2(r.find(home)->careOfAddress == careOf1 && r.find(home)->sequence == 2, "the entry stays as it is, but for the number (RFC 6275 §9.5.1)");
        QVERIFY2(judge(r, {}, {.sequence = 3, .careOf = ip("2001:db8:b4::7"), .flags = flags}).ack.status == status::accepted, "HMIP-MAP-09: to a neighbour's link");
        // Whoever has left the domain may still take his leave.
        QCOMPARE(judge(r, {}, {.sequence = 4, .units = 0, .careOf = careOf2, .flags = flags}).ack.status, status::accepted);
        QVERIFY(!r.find(home));
        // An alternate care-of address is looked at, not the source.
        QCOMPARE(judge(r, {}, {.sequence = 5, .flags = flags, .options = {wire::AlternateCareOfAddress{careOf2}}}).ack.status, status::administrativelyProhibited);
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
        const auto old = judge(r, {}, {.sequence = 8, .flags = flags});
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
