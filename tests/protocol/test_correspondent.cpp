// SPDX-License-Identifier: GPL-3.0-or-later
// Correspondent node stepped by hand, bytes in and bytes out: return routability, binding cache, route optimisation (RFC 6275 §5.2, §9).
#include "tests/support/correspondent_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;

namespace {

Bytes octets(std::initializer_list<int> values)
{
    Bytes out;
    for (const int v : values) out.push_back(static_cast<std::uint8_t>(v));
    return out;
}

}  // namespace

class TestCorrespondent : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void RR_CN_02_03_formulas()
    {
        // shared/spec/vectors.json, "keys".
        Bytes key;
        for (int i = 0; i < 20; ++i) key.push_back(static_cast<std::uint8_t>(i));
        const Bytes homeNonce = octets({1, 2, 3, 4, 5, 6, 7, 8});
        const Bytes careOfNonce = octets({0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18});
        QCOMPARE(keygenToken(key, ip("2001:db8:100::1:1"), homeNonce, TokenKind::Home), std::uint64_t{0xb83467c2d2f395ae});
        QCOMPARE(keygenToken(key, ip("2001:db8:a1:0:211:22ff:fe33:4455"), careOfNonce, TokenKind::CareOf), std::uint64_t{0x72bf37fb256d24af});
        const Bytes kbm = bindingKey(0xb83467c2d2f395aeu, 0x72bf37fb256d24afu);
        QCOMPARE(QByteArray(reinterpret_cast<const char*>(kbm.data()), qsizetype(kbm.size())).toHex(), QByteArray("65751451e84b9f9b71d5d05c5cfc65c978881b28"));
        const Bytes deletion = bindingKey(0xb83467c2d2f395aeu, {});
        QCOMPARE(QByteArray(reinterpret_cast<const char*>(deletion.data()), 20).toHex(), QByteArray("1318bfcfa6b0469de700413b26f6a4d3fd7a859f"));
    }

    void RR_CN_01_22_testsAreAnsweredWithoutState()
    {
        Bench b;
        const auto hot = b.answers(mobility(home, own, HomeTestInit{0x1122334455667788u, {}}, {}));
        const Seen* h = find<HomeTest>(hot);
        QVERIFY2(h && h->inner().source == own && h->inner().destination == home && !h->inner().routing, "RR-CN-22");
        QVERIFY2(h->frame.as<HomeTest>()->cookie == 0x1122334455667788u && h->frame.as<HomeTest>()->nonceIndex != 0, "RR-CN-22: cookie copied");
        const auto cot = b.answers(mobility(careOf, own, CareOfTestInit{9, {}}, {}));
        QVERIFY2(find<CareOfTest>(cot) && find<CareOfTest>(cot)->inner().destination == careOf && find<CareOfTest>(cot)->frame.as<CareOfTest>()->cookie == 9, "RR-CN-22");
        QVERIFY2(b.answers(mobility(careOf, own, HomeTestInit{1, {}}, home)).empty(), "RR-CN-01: with a home address option");
        QVERIFY2(b.answers(mobility(careOf, own, CareOfTestInit{1, {}}, home)).empty(), "RR-CN-01: with a home address option");
        QVERIFY2(b.node.cache().bindings().empty(), "RR-CN-01: no state");
        // A new nonce every 30 s, not with every request.
        const Tokens first = b.tokens();
        b.to(29s);
        QVERIFY2(b.tokens().homeIndex == first.homeIndex && b.tokens().home == first.home, "RR-CN-22: no new nonce per request");
        b.to(31s);
        QVERIFY2(b.tokens().homeIndex != first.homeIndex && b.tokens().home != first.home, "RR-CN-05");
    }

    void RR_CN_04_06_07_15_anAuthorizedUpdateMakesABindingAndIsAnswered()
    {
        Bench b;
        const Tokens t = b.tokens();
        const auto seen = b.answers(Bench::update(t, 100, 50));
        const Seen* ba = find<BindingAck>(seen);
        QVERIFY2(ba, "RR-CN-07");
        const BindingAck& ack = *ba->frame.as<BindingAck>();
        QVERIFY2(ack.status == 0 && ack.sequence == 100 && ack.lifetime == WireLifetime{50} && ack.flags == 0, "RR-CN-07, RR-CN-20");
        QVERIFY2(ba->inner().destination == careOf && ba->inner().routing && ba->inner().routing->homeAddress == home, "RR-CN-15");
        QVERIFY2(isAuthorized(ack.options, bindingKey(t.home, t.careOf), careOf, own, ba->inner().payload), "RR-CN-04: the answer is proven too");
        QVERIFY(b.binding() && b.binding()->careOfAddress == careOf);
        // RR-CN-07: no answer when none is asked for.
        QCOMPARE(b.status(Bench::update(t, 101, 50, careOf, 0)), -1);
        QCOMPARE(b.binding()->sequence, std::uint16_t{101});
    }

    void RR_CN_06_whatIsNotProvenIsDropped()
    {
        Bench b;
        const Tokens t = b.tokens();
        const auto refused = [&](const wire::Ipv6Packet& packet, const char* what) {
            if (b.status(packet) != -1 || b.binding()) qWarning() << what;
            return b.status(packet) == -1 && !b.binding();
        };
        Tokens wrong = t;
        wrong.home ^= 1;
        QVERIFY(refused(Bench::update(wrong, 1), "wrong home token"));
        wrong = t;
        wrong.careOf ^= 1;
        QVERIFY(refused(Bench::update(wrong, 1), "wrong care-of token"));
        QVERIFY(refused(Bench::update(t, 1, 50, other), "token of another care-of address"));
        QVERIFY(refused(mobility(careOf, own, BindingUpdate{1, BindingUpdate::acknowledge, WireLifetime{50}, {}}, home), "no proof"));
        QVERIFY(refused(mobility(careOf, own, BindingUpdate{1, BindingUpdate::acknowledge, WireLifetime{50}, {wire::NonceIndices{t.homeIndex, t.careOfIndex}}}, home), "no authenticator"));
        BindingUpdate late{1, BindingUpdate::acknowledge, WireLifetime{50}, {wire::NonceIndices{t.homeIndex, t.careOfIndex}, wire::BindingAuthorizationData{Bytes(12)}, wire::AlternateCareOfAddress{careOf}}};
        QVERIFY(refused(mobility(careOf, own, late, home), "authenticator not last"));
        for (std::size_t at = 6; at < Bench::update(t, 1).payload.size(); ++at) {
            wire::Ipv6Packet packet = Bench::update(t, 1);
            packet.payload[at] ^= 0x40;
            packet.payload[4] = packet.payload[5] = 0;
            const std::uint16_t sum = wire::checksum(packet.pseudoHeader(), wire::protocol::mobility, packet.payload);
            packet.payload[4] = static_cast<std::uint8_t>(sum >> 8);
            packet.payload[5] = static_cast<std::uint8_t>(sum);
            const int status = b.status(packet);
            // Changed indices name nonces that do not exist.
            QVERIFY2(!b.binding() && (status == -1 || (status >= 136 && status <= 138)), qPrintable(QString::number(at)));
        }
        QCOMPARE(b.status(Bench::update(t, 1)), 0);
    }

    void RR_CN_02_03_everyTokenFollowsTheFormula()
    {
        // What the tokens of the messages are made of: address and kind change them, the correspondent and the time of asking do not.
        Bench b;
        const Tokens t = b.tokens();
        QVERIFY2(t.home != t.careOf, "RR-CN-02: the last octet tells the kinds apart");
        const Tokens same = b.tokens();
        QVERIFY2(same.home == t.home && same.careOf == t.careOf, "RR-CN-02: no state, the same again");
        QVERIFY2(b.tokens(other).careOf != t.careOf, "RR-CN-02: the address");
        const auto asHome = b.answers(mobility(careOf, own, HomeTestInit{7, {}}, {}));
        QVERIFY2(find<HomeTest>(asHome)->frame.as<HomeTest>()->token != t.careOf, "RR-CN-02: 0x00 and 0x01");
        // RR-CN-03: an update that was proven with the home token alone makes no binding, one with both does.
        BindingUpdate bu{1, BindingUpdate::acknowledge, WireLifetime{50}, {wire::NonceIndices{t.homeIndex, t.careOfIndex}}};
        wire::Ipv6Packet packet = mobility(careOf, own, bu, home);
        packet.payload = emitAuthorized(bu, bindingKey(t.home, {}), careOf, own, packet.pseudoHeader());
        QVERIFY2(b.status(packet) == -1 && !b.binding(), "RR-CN-03");
        QVERIFY2(b.status(Bench::update(t, 1)) == 0, "RR-CN-03");
    }

    void RR_CN_05_nonceLifetimeAndNumberAreSettings()
    {
        Correspondent::Settings settings;
        settings.nonces = {10s, 3};
        Bench b(true, settings);
        const Tokens t = b.tokens();
        b.to(9900ms);
        QVERIFY2(b.tokens().homeIndex == t.homeIndex, "RR-CN-05: handed out for 10 s");
        b.to(10s);
        QVERIFY2(b.tokens().homeIndex != t.homeIndex, "RR-CN-05");
        b.to(29900ms);
        QVERIFY2(b.status(Bench::update(t, 1)) == 0, "RR-CN-05: three of them are good");
        b.to(30s);
        QVERIFY2(b.status(Bench::update(t, 2)) == 138, "RR-CN-05");
        settings.nonces = {60s, 8};
        Bench longer(true, settings);
        const Tokens old = longer.tokens();
        longer.to(239900ms);
        QVERIFY2(longer.status(Bench::update(old, 1)) == 0, "RR-CN-05");
        longer.to(240s);
        QVERIFY2(longer.status(Bench::update(old, 2)) == 138, "RR-CN-05: never longer than MAX_NONCE_LIFETIME");
    }

    void RR_CN_12_refreshIsAskedForWhileTheBindingIsInUse()
    {
        Correspondent::Settings settings;
        settings.refreshRequests = true;
        const auto data = [](std::uint32_t serial) {
            wire::Ipv6Packet packet = probe(home, own, {7, true, serial, TimePoint{}});
            packet.source = careOf;
            packet.setHomeAddress(home);
            return packet;
        };
        const auto requests = [](Bench& b, Duration until) {
            std::vector<std::int64_t> times;
            while (b.node.nextDeadline() && *b.node.nextDeadline() <= TimePoint{until}) {
                b.now = *b.node.nextDeadline();
                b.node.advance(b.now, b.out);
                for (const Seen& s : take(b.out)) {
                    if (const auto* ns = s.frame.as<wire::NeighborSolicitation>())
                        b.in(icmp(ns->target, s.inner().source, wire::NeighborAdvertisement{true, true, true, ns->target, {wire::TargetLinkLayerOption{routerMac}}}));
                    if (!s.frame.as<wire::BindingRefreshRequest>()) continue;
                    const bool plain = s.inner().destination == home && s.inner().source == own && !s.inner().routing && !s.inner().homeAddress();
                    times.push_back(plain ? std::chrono::duration_cast<std::chrono::seconds>(b.now.time_since_epoch()).count() : -1);
                }
            }
            b.now = TimePoint{until};
            return times;
        };
        Bench used(true, settings);
        QCOMPARE(used.status(Bench::update(used.tokens(), 1, 50)), 0);  // 200 s
        (void)requests(used, 150s);
        used.in(data(1));
        QVERIFY2(requests(used, 200s) == (std::vector<std::int64_t>{187, 188, 190}), "RR-CN-12: to the home address, without routing header, limited");
        Bench idle(true, settings);
        QCOMPARE(idle.status(Bench::update(idle.tokens(), 1, 50)), 0);
        idle.in(data(1));
        QVERIFY2(requests(idle, 200s).empty(), "RR-CN-12: not in use any more");
        Bench answered(true, settings);
        const Tokens t = answered.tokens();
        QCOMPARE(answered.status(Bench::update(t, 1, 50)), 0);
        (void)requests(answered, 150s);
        answered.in(data(1));
        QCOMPARE(requests(answered, 187500ms).size(), std::size_t{1});
        QCOMPARE(answered.status(Bench::update(t, 2, 50)), 0);
        QVERIFY2(requests(answered, 200s).empty(), "RR-CN-12: an update ends them");
        Bench silent;
        QCOMPARE(silent.status(Bench::update(silent.tokens(), 1, 50)), 0);
        (void)requests(silent, 150s);
        silent.in(data(1));
        QVERIFY2(requests(silent, 200s).empty(), "not unless it is set");
    }

    void RR_CN_19_theCareOfAddressIsTheAlternateOneWhenThereIsOne()
    {
        Bench b;
        const Tokens t = b.tokens(other);
        const auto packet = [&](const Ipv6Address& alternate, std::uint64_t careOfToken) {
            BindingUpdate bu{1, BindingUpdate::acknowledge, WireLifetime{50}, {wire::AlternateCareOfAddress{alternate}, wire::NonceIndices{t.homeIndex, t.careOfIndex}}};
            wire::Ipv6Packet p = mobility(careOf, own, bu, home);
            p.payload = emitAuthorized(bu, bindingKey(t.home, careOfToken), alternate, own, p.pseudoHeader());
            return p;
        };
        for (const char* bad : {"fe80::5", "ff02::1", "::", "::1"})
            QVERIFY2(b.status(packet(ip(bad), t.careOf)) == -1 && !b.binding(), "RR-CN-19: not unicast routable");
        QVERIFY2(b.status(packet(other, b.tokens(careOf).careOf)) == -1 && !b.binding(), "RR-CN-19: the test was made for the source");
        QCOMPARE(b.status(packet(other, t.careOf)), 0);
        QVERIFY2(b.binding() && b.binding()->careOfAddress == other, "RR-CN-19");
        // Without a home address option the home address is the source, and so is the care-of address.
        Bench c;
        const auto hot = c.answers(mobility(home, own, HomeTestInit{7, {}}, {}));
        const auto cot = c.answers(mobility(home, own, CareOfTestInit{8, {}}, {}));
        const auto& h = *find<HomeTest>(hot)->frame.as<HomeTest>();
        const auto& k = *find<CareOfTest>(cot)->frame.as<CareOfTest>();
        BindingUpdate bu{1, BindingUpdate::acknowledge, WireLifetime{0}, {wire::NonceIndices{h.nonceIndex, k.nonceIndex}}};
        wire::Ipv6Packet p = mobility(home, own, bu, {});
        p.payload = emitAuthorized(bu, bindingKey(h.token, {}), home, own, p.pseudoHeader());
        const auto seen = c.answers(p);
        QVERIFY2(find<BindingAck>(seen) && find<BindingAck>(seen)->inner().destination == home && !find<BindingAck>(seen)->inner().routing, "RR-CN-19, RR-CN-15");
    }

    void aRoutingHeaderThatSendsOnIsNotForACorrespondent()
    {
        wire::Ipv6Packet packet = probe(home, own, {7, true, 1, TimePoint{}});
        packet.routing = wire::Type2Routing{1, other};
        Bench capable;
        QVERIFY2(capable.answers(packet).empty() && count(capable.out, "probe-answered") == 0, "RFC 6275 §6.4: silently");
        Bench plain(false);
        const auto seen = plain.answers(packet);
        const auto* error = find<wire::IcmpError>(seen);
        QVERIFY2(error && error->frame.as<wire::IcmpError>()->type == wire::icmpv6Type::parameterProblem && error->frame.as<wire::IcmpError>()->code == 0 &&
                     error->frame.as<wire::IcmpError>()->parameter == 42, "RFC 8200 §4.4: at the type of the routing header");
    }

    void RR_CN_05_06_oldNoncesGive136To138WithoutProof()
    {
        Bench b;
        const Tokens old = b.tokens();
        QCOMPARE(b.status(Bench::update(old, 1)), 0);
        b.to(239s);
        QVERIFY2(b.status(Bench::update(old, 2)) == 0, "RR-CN-05: good for 240 s");
        b.to(241s);
        const Tokens fresh = b.tokens();
        const Tokens oldHome{old.homeIndex, fresh.careOfIndex, old.home, fresh.careOf};
        const Tokens oldCareOf{fresh.homeIndex, old.careOfIndex, fresh.home, old.careOf};
        const struct { Tokens tokens; int status; } cases[] = {{oldHome, 136}, {oldCareOf, 137}, {old, 138}};
        for (const auto& c : cases) {
            // RR-CN-07: told without being asked, and without an authenticator.
            const auto seen = b.answers(Bench::update(c.tokens, 3, 50, careOf, 0));
            const Seen* ba = find<BindingAck>(seen);
            QVERIFY2(ba && ba->frame.as<BindingAck>()->status == c.status, "RR-CN-06");
            QVERIFY2(!wire::findOption<wire::BindingAuthorizationData>(ba->frame.as<BindingAck>()->options), "RR-CN-07");
        }
        // RFC 6275 §9.5.1 has these answers as a MUST; the limits are for Binding Errors and ICMP (§9.3.3).
        for (std::uint16_t i = 0; i < 40; ++i) QCOMPARE(b.status(Bench::update(old, static_cast<std::uint16_t>(4 + i), 50, careOf, 0)), 138);
    }

    void RR_CN_08_21_lifetimeIsBoundedAndEnds()
    {
        Bench b;
        const auto seen = b.answers(Bench::update(b.tokens(), 1, 1000));
        QVERIFY2(find<BindingAck>(seen) && find<BindingAck>(seen)->frame.as<BindingAck>()->lifetime == WireLifetime{105}, "RR-CN-08");
        b.to(420s - 1ns);
        QVERIFY2(b.binding(), "RR-CN-21: not before its time");
        b.to(420s);
        QVERIFY2(!b.binding() && !b.node.stack().mobilePeer(home), "RR-CN-21");
    }

    void RR_CN_17_sequenceAndKindOfRegistration()
    {
        Bench b;
        const Tokens t = b.tokens();
        QCOMPARE(b.status(Bench::update(t, 1000)), 0);
        for (const std::uint16_t sequence : {std::uint16_t{1000}, std::uint16_t{999}, static_cast<std::uint16_t>(1000 + 32768)}) {
            const auto seen = b.answers(Bench::update(t, sequence, 50, careOf, 0));
            const Seen* ba = find<BindingAck>(seen);
            QVERIFY2(ba && ba->frame.as<BindingAck>()->status == 135 && ba->frame.as<BindingAck>()->sequence == 1000, "RR-CN-17");
            QVERIFY2(isAuthorized(ba->frame.as<BindingAck>()->options, bindingKey(t.home, t.careOf), careOf, own, ba->inner().payload), "RR-CN-17");
        }
        QVERIFY2(b.status(Bench::update(t, 1001, 50, careOf, BindingUpdate::acknowledge | BindingUpdate::homeRegistration)) == 139, "RR-CN-17");
        const auto unproven = [&](std::uint16_t sequence) { return b.status(mobility(other, own, BindingUpdate{sequence, BindingUpdate::acknowledge | BindingUpdate::homeRegistration, WireLifetime{5}, {}}, home)); };
        QVERIFY2(unproven(1001) == 139 && unproven(1000) == 135, "RR-CN-17: without any proof, too");
        QCOMPARE(b.binding()->sequence, std::uint16_t{1000});
        QVERIFY2(b.status(mobility(other, own, BindingUpdate{5, BindingUpdate::acknowledge | BindingUpdate::homeRegistration, WireLifetime{5}, {}}, ip("2001:db8:100::2"))) == 131, "RR-CN-17");
        QCOMPARE(b.status(Bench::update(t, 1000 + 32767)), 0);
    }

    void RR_CN_18_deletionNeedsTheHomeTokenAlone()
    {
        Bench b;
        const Tokens t = b.tokens();
        QCOMPARE(b.status(Bench::update(t, 1)), 0);
        Tokens homeOnly = t;
        homeOnly.careOfIndex = 0;
        homeOnly.careOf = 0;
        const auto seen = b.answers(Bench::update(homeOnly, 2, 0));
        const Seen* ba = find<BindingAck>(seen);
        QVERIFY2(ba && ba->frame.as<BindingAck>()->status == 0 && ba->frame.as<BindingAck>()->lifetime == WireLifetime{0} && !b.binding(), "RR-CN-18");
        QVERIFY2(isAuthorized(ba->frame.as<BindingAck>()->options, bindingKey(t.home, {}), home, own, ba->inner().payload), "RR-CN-04: the home address counts");
        QVERIFY2(!b.node.stack().mobilePeer(home), "RR-CN-18");
    }

    void RR_CN_09_deletedProofIsNotUsedAgain()
    {
        Bench b;
        const Tokens t = b.tokens();
        QCOMPARE(b.status(Bench::update(t, 1)), 0);
        QCOMPARE(b.status(Bench::update(t, 2, 0)), 0);
        QVERIFY2(b.status(Bench::update(t, 1)) == 135, "RR-CN-09: the number is remembered");
        const auto seen = b.answers(Bench::update(t, 3));
        QVERIFY2(find<BindingAck>(seen) && find<BindingAck>(seen)->frame.as<BindingAck>()->status == 138 && !b.binding(), "RR-CN-09");
        // Another care-of address, or a fresh nonce, is fine.
        const Tokens moved = b.tokens(other);
        QVERIFY2(b.status(Bench::update(moved, 4, 50, other)) == 0 && b.binding()->careOfAddress == other, "RR-CN-09");
    }

    /// RFC 6275 §9.5.1: without a binding any number is good. Some mobile nodes (UMIP) begin each list entry with a random one.
    void RR_CN_17_09_afterADeletionNumbersMayBeginAnew()
    {
        Bench b;
        const Tokens t = b.tokens();
        QCOMPARE(b.status(Bench::update(t, 1000)), 0);
        QCOMPARE(b.status(Bench::update(t, 1001, 0)), 0);
        const Tokens fresh = b.tokens();
        QVERIFY2(b.status(Bench::update({t.homeIndex, fresh.careOfIndex, t.home, fresh.careOf}, 3)) == 135, "RR-CN-09: a home nonce that was used does not begin anew");
        QVERIFY2(b.status(Bench::update(fresh, 3)) == 0 && b.binding()->sequence == 3, "RR-CN-17");
        QVERIFY2(b.status(Bench::update(fresh, 2)) == 135, "RR-CN-17: from there on as ever");
        // Copies of what was sent before would be newer by number alone.
        const auto copy = b.answers(Bench::update(t, 1000));
        const Seen* ba = find<BindingAck>(copy);
        QVERIFY2(ba && ba->frame.as<BindingAck>()->status == 136 && !wire::findOption<wire::BindingAuthorizationData>(ba->frame.as<BindingAck>()->options), "RR-CN-09, RR-CN-07");
        QVERIFY2(b.binding()->sequence == 3 && b.status(Bench::update(t, 1001, 0)) == 136 && b.binding(), "RR-CN-09: nor does an old deletion");
        QCOMPARE(b.status(Bench::update(fresh, 4, 0)), 0);
        QVERIFY2(b.status(Bench::update(t, 1000)) == 136 && !b.binding(), "RR-CN-09: remembered beyond the next deletion");
    }

    void RR_CN_17_afterABindingHasEndedByItselfToo()
    {
        Bench b;
        const Tokens t = b.tokens();
        QCOMPARE(b.status(Bench::update(t, 1000, 2)), 0);
        b.to(10s);
        QVERIFY(!b.binding());
        QVERIFY2(b.status(Bench::update(t, 1000)) == 135, "RFC 6275 §5.2.8: the nonces are still good, a copy is not");
        b.to(31s);
        QVERIFY2(b.status(Bench::update(b.tokens(), 3)) == 0 && b.binding()->sequence == 3, "RR-CN-17");
        QVERIFY2(b.status(Bench::update(t, 1001)) == 136 && b.binding()->sequence == 3, "RR-CN-09");
        // A binding that lives goes on with its numbers, whatever proves the update.
        b.to(62s);
        QVERIFY2(b.status(Bench::update(b.tokens(), 3)) == 135 && b.status(Bench::update(b.tokens(), 4)) == 0, "RR-CN-17");
    }

    /// Indices of nonces have 16 bits: after 32,768 of them the one with which numbers began looks newer than the latest.
    void RR_CN_09_aBindingThatLivesBeyondHalfOfAllNonces()
    {
        Correspondent::Settings settings;
        settings.nonces.interval = 1ms;
        Bench b(true, settings);
        const Tokens t = b.tokens();
        QCOMPARE(b.status(Bench::update(t, 1000)), 0);
        QCOMPARE(b.status(Bench::update(t, 1001, 0)), 0);
        QCOMPARE(b.status(Bench::update(b.tokens(), 3, 100)), 0);
        for (int i = 1; i <= 33'000; ++i) {
            b.to(std::chrono::milliseconds(i));
            (void)b.answers(mobility(home, own, HomeTestInit{7, {}}, {}));
        }
        QVERIFY2(b.binding() && b.status(Bench::update(b.tokens(), 4)) == 0, "RR-CN-09");
    }

    void RR_CN_09_freshTestsAfterADeletionAreGoodAtOnce()
    {
        // The barred proof is a pair of nonces: the next tests are made with another one, although the interval is not over.
        Bench b;
        Tokens t = b.tokens();
        for (std::uint16_t round = 0; round < 5; ++round) {
            QCOMPARE(b.status(Bench::update(t, static_cast<std::uint16_t>(10 * round + 1))), 0);
            QCOMPARE(b.status(Bench::update(t, static_cast<std::uint16_t>(10 * round + 2), 0)), 0);
            QVERIFY2(b.status(Bench::update(t, static_cast<std::uint16_t>(10 * round + 3))) == wire::bindingStatus::expiredNonces && !b.binding(), "RR-CN-09");
            const Tokens next = b.tokens();
            QVERIFY2(next.homeIndex != t.homeIndex && next.careOfIndex != t.careOfIndex, "RR-CN-22: a new nonce has a new index");
            t = next;
        }
        QVERIFY2(b.status(Bench::update(t, 100)) == 0 && b.binding(), "RR-CN-09: a fresh nonce is fine");
        // Tests alone never make a new nonce.
        QVERIFY2(b.tokens().homeIndex == t.homeIndex, "RR-CN-22");
    }

    void RR_CN_10_16_dataGoesTheShortWayBothWays()
    {
        Bench b;
        const wire::Echo ping{false, 1, 2, {3}};
        auto packet = icmp(home, own, ping, 64);
        packet.source = careOf;
        packet.setHomeAddress(home);
        auto seen = b.answers(packet);
        const Seen* be = find<BindingError>(seen);
        QVERIFY2(be && be->frame.as<BindingError>()->status == 1 && be->frame.as<BindingError>()->homeAddress == home && be->inner().destination == careOf, "RR-CN-11, RR-CN-16");
        QCOMPARE(b.status(Bench::update(b.tokens(), 1)), 0);
        seen = b.answers(packet);
        const Seen* reply = find<wire::Echo>(seen);
        QVERIFY2(reply && reply->inner().destination == careOf && reply->inner().routing && reply->inner().routing->homeAddress == home, "RR-CN-10");
        QVERIFY2(!reply->inner().homeAddress() && reply->frame.as<wire::Echo>()->reply, "RR-CN-10");
        packet.source = other;
        seen = b.answers(packet);
        QVERIFY2(find<BindingError>(seen) && !find<wire::Echo>(seen), "RR-CN-16: another care-of address");
        // To the home address without a binding of the sender's: the long way is taken as well.
        seen = b.answers(icmp(home, own, ping, 64));
        QVERIFY2(find<wire::Echo>(seen) && find<wire::Echo>(seen)->inner().routing, "RR-CN-10");
    }

    void RR_CN_11_errorsAreLimited()
    {
        Bench b;
        std::size_t told = 0;
        for (int i = 0; i < 50; ++i) {
            wire::Ipv6Packet packet = probe(careOf, own, {});
            packet.setHomeAddress(home);
            told += count<BindingError>(b.answers(packet));
        }
        QVERIFY2(told == 10, "RR-CN-11");
    }

    void RR_CN_13_anUnreachableCareOfAddressEndsTheBinding()
    {
        Bench b;
        QCOMPARE(b.status(Bench::update(b.tokens(), 1)), 0);
        wire::Ipv6Packet quoted = probe(own, home, {});
        quoted.routing = wire::Type2Routing{1, home};
        quoted.destination = careOf;
        const auto error = [&](const wire::Ipv6Packet& about) {
            wire::IcmpError unreachable;
            unreachable.invoking = wire::emitIpv6(about);
            b.in(icmp(router, own, unreachable, 64));
        };
        wire::Ipv6Packet foreign = quoted;
        foreign.source = other;
        for (int i = 0; i < 5; ++i) error(foreign);
        QVERIFY2(b.binding(), "RR-CN-13: what we did not send says nothing");
        for (int i = 0; i < 2; ++i) error(quoted);
        QVERIFY2(b.binding(), "RR-CN-13: persistent errors only");
        error(quoted);
        QVERIFY2(!b.binding(), "RR-CN-13");
    }

    void MH_RX_01_unknownTypesAndBrokenHeaders()
    {
        Bench b;
        const auto spoiled = [&](std::size_t at, std::uint8_t value) {
            wire::Ipv6Packet packet = mobility(careOf, own, CareOfTestInit{1, {}}, {});
            packet.payload[at] = value;
            packet.payload[4] = packet.payload[5] = 0;
            const std::uint16_t sum = wire::checksum(packet.pseudoHeader(), wire::protocol::mobility, packet.payload);
            packet.payload[4] = static_cast<std::uint8_t>(sum >> 8);
            packet.payload[5] = static_cast<std::uint8_t>(sum);
            return packet;
        };
        auto seen = b.answers(spoiled(2, 99));
        const Seen* be = find<BindingError>(seen);
        QVERIFY2(be && be->frame.as<BindingError>()->status == 2 && be->frame.as<BindingError>()->homeAddress.isUnspecified(), "MH-RX-01");
        seen = b.answers(spoiled(0, 17));
        const Seen* problem = find<wire::IcmpError>(seen);
        QVERIFY2(problem && problem->frame.as<wire::IcmpError>()->type == 4 && problem->frame.as<wire::IcmpError>()->code == 0 && problem->frame.as<wire::IcmpError>()->parameter == 40, "MH-RX-01: payload protocol");
        wire::Ipv6Packet brief = mobility(careOf, own, CareOfTestInit{1, {}}, {});
        brief.payload.resize(8);
        brief.payload[1] = 0;
        brief.payload[4] = brief.payload[5] = 0;
        const std::uint16_t sum = wire::checksum(brief.pseudoHeader(), wire::protocol::mobility, brief.payload);
        brief.payload[4] = static_cast<std::uint8_t>(sum >> 8);
        brief.payload[5] = static_cast<std::uint8_t>(sum);
        seen = b.answers(brief);
        QVERIFY2(find<wire::IcmpError>(seen) && find<wire::IcmpError>(seen)->frame.as<wire::IcmpError>()->parameter == 41, "MH-RX-01: header length");
        wire::Ipv6Packet bad = mobility(careOf, own, CareOfTestInit{1, {}}, {});
        bad.payload[4] ^= 1;
        QVERIFY2(b.answers(bad).empty(), "MH-RX-01: bad checksum");
    }

    void aNodeWithoutMobilityPointsAtTheOption()
    {
        Bench b(false);
        wire::Ipv6Packet packet = probe(careOf, own, {});
        packet.setHomeAddress(home);
        const auto seen = b.answers(packet);
        const Seen* problem = find<wire::IcmpError>(seen);
        // RFC 8200 §4.2; the option stands behind 40 octets of header, two of the options header and four of padding.
        QVERIFY(problem && problem->frame.as<wire::IcmpError>()->type == 4 && problem->frame.as<wire::IcmpError>()->code == 2 && problem->frame.as<wire::IcmpError>()->parameter == 46);
        const auto refused = b.answers(mobility(home, own, HomeTestInit{1, {}}, {}));
        problem = find<wire::IcmpError>(refused);
        QVERIFY(problem && problem->frame.as<wire::IcmpError>()->code == 1 && problem->frame.as<wire::IcmpError>()->parameter == 6);
    }
};

QTEST_APPLESS_MAIN(TestCorrespondent)
#include "test_correspondent.moc"
