// SPDX-License-Identifier: GPL-3.0-or-later
// A home agent or MAP whose mobile node has several care-of addresses (RFC 5648 §6): registrations over the wire, tunnels, ends.
#include "tests/support/mcoa_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using namespace roamscope::test::anchors;
namespace status = wire::bindingStatus;

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

    void MCOA_KEY_01_noKeysThatMove()
    {
        // No IKE here, so no connection could follow a care-of address: K=1 in an update, K=0 in every answer (an R stands for any flag).
        constexpr std::uint16_t k = BindingUpdate::keyManagement;
        for (const bool map : {false, true}) {
            Mcoa b(map);
            QCOMPARE(b.update({bid(1, careOf)}, 100, k, careOf, map), std::string("0 11 100: 1/0"));
            QCOMPARE(b.update({bid(1, careOf), bid(2, cell)}, 100, k | BindingUpdate::overwrite, cell, map), std::string("0 12 100: 1/0 2/0"));
            QVERIFY2(b.update({refresh(1), refresh(9)}, 100, k, careOf, map) == "4 13 100: 1/0 9/167", "in a part that is refused, too");
            QCOMPARE(b.update({refresh(9)}, 100, k, careOf, map), std::string("167 14 0: 9/0"));
            QCOMPARE(b.update({refresh(2)}, 0, k, careOf, map), std::string("0 15 0: 2/0"));
            QVERIFY2(b.parts() == "1 2001:db8:300::5" && b.update({}, 0, k, careOf, map) == "0 16 0:", "K neither makes nor keeps a binding");
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
        b.sequence = 20;
        QCOMPARE(b.update({refresh(9)}), std::string("167 21 0: 9/0"));
        b.sequence = 15;
        QVERIFY2(b.update({refresh(1)}) == "135 21 0: 1/0", "RFC 6275 §9.5.1: the number of a valid update counts, even when it is refused");
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

    void HA_DEREG_01_noAdviceWhenSomeAreDeleted()
    {
        // run --random 8100029: others of the home address live on, but this answer has lifetime 0.
        Registrar::Policy p = Bench::policy(false, false);
        p.refreshAdvice = 40s;
        Mcoa b(p);
        const auto asked = [&](std::vector<wire::MobilityOption> options, std::uint16_t units) {
            (void)take(b.out);
            b.in(coreLink, mobility(careOf, agent, BindingUpdate{++b.sequence, BindingUpdate::acknowledge | BindingUpdate::homeRegistration, WireLifetime{units}, std::move(options)}, home));
            const auto seen = take(b.out);
            const Seen* s = find<BindingAck>(seen);
            return s ? std::pair(int{s->frame.as<BindingAck>()->status}, wire::findOption<wire::BindingRefreshAdvice>(s->frame.as<BindingAck>()->options) != nullptr) : std::pair(-1, false);
        };
        QCOMPARE(asked({bid(1, careOf), bid(2, cell)}, 100), std::pair(0, true));
        QCOMPARE(asked({refresh(1)}, 0), std::pair(0, false));
        QCOMPARE(b.parts(), std::string("2 2001:db8:300::6"));
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

    void HMIP_MAP_08_careOfAddressesElsewhere()
    {
        Registrar::Policy policy = Bench::policy(true, false);
        policy.localPrefixes = {prefix("2001:db8:300::/64")};
        Mcoa b(policy);
        QCOMPARE(b.update({bid(1, careOf), bid(2, ip("2001:db8:999::1"))}, 100, 0, careOf, true), std::string("4 11 100: 1/0 2/129"));
        QCOMPARE(b.update({bid(2, ip("2001:db8:999::1"))}, 100, 0, careOf, true), std::string("129 12 0: 2/0"));
        QVERIFY2(b.update({bid(3, cell)}, 100, 0, correspondent, true) == "0 13 100: 3/0", "the option has the care-of address, not the source");
        QCOMPARE(b.parts(), std::string("1 2001:db8:300::5, 3 2001:db8:300::6"));
    }

    void MCOA_CN_02_homeAddressOptionsFromAnyOfThem()
    {
        Mcoa b;
        (void)b.update({bid(1, careOf), bid(2, cell)});
        const auto solicited = [&](const Ipv6Address& from) {
            b.out = {};
            wire::Ipv6Packet packet = icmp(home, agent, wire::MobilePrefixSolicitation{7, {}});
            packet.source = from;
            packet.setHomeAddress(home);
            b.in(coreLink, packet);
            return count(b.out, "prefix-solicitation") == 1 ? 0 : int(count(b.out, "binding-error"));
        };
        QVERIFY2(solicited(careOf) == 0 && solicited(cell) == 0 && solicited(wired) == 1, "MCOA-CN-02: of others a Binding Error");
    }

    void MCOA_HA_11_requestsNameWhatEnds()
    {
        AnchorServices services;
        services.refreshRequest = 10s;
        Mcoa b(Bench::policy(false, false), services);
        (void)b.update({bid(1, careOf)}, 5);
        (void)b.update({bid(2, cell)}, 5);
        (void)b.update({bid(3, wired)}, 100);
        const auto seen = b.to(12s);
        const Seen* request = find<wire::BindingRefreshRequest>(seen);
        QVERIFY(request && request->inner().destination == home);
        const auto& options = request->frame.as<wire::BindingRefreshRequest>()->options;
        QVERIFY2(options.size() == 2 && options[0] == wire::MobilityOption(refresh(1)) && options[1] == wire::MobilityOption(refresh(2)), "MCOA-HA-11");
        // Without identifiers there are none to name.
        Mcoa plain(Bench::policy(false, false), services);
        (void)plain.update({}, 5);
        const auto asked = plain.to(12s);
        QVERIFY(find<wire::BindingRefreshRequest>(asked) && find<wire::BindingRefreshRequest>(asked)->frame.as<wire::BindingRefreshRequest>()->options.empty());
    }

    void MCOA_HA_09_16_theHomeLinkByItsLinkLayerAddress()
    {
        const Mac mobileMac = mac("02:00:00:00:07:01");
        Mcoa b;
        (void)b.update({bid(1, careOf)});
        QCOMPARE(b.update({BindingIdentifier{2, 0, true, 0, {}}, wire::LinkLayerAddress{2, Bytes(mobileMac.octets.begin(), mobileMac.octets.end()), false}}), std::string("5 12 100: 2H/0"));
        QVERIFY2(b.anchor.stack().proxies(home), "MCOA-HA-09: with 5 the home agent answers for the home address");
        QVERIFY2(b.way() == careOf.text(), "MCOA-FWD-01");
        QCOMPARE(b.update({refresh(1)}, 0), std::string("0 13 0: 1/0"));
        (void)take(b.out);
        b.in(coreLink, probe(correspondent, home, {1, false, 1, TimePoint{}}));
        QCOMPARE(b.out.frames.size(), std::size_t{1});
        const Bytes& frame = b.out.frames[0].bytes;
        QVERIFY2(b.out.frames[0].interface == homeLink && std::equal(mobileMac.octets.begin(), mobileMac.octets.end(), frame.begin()), "MCOA-HA-16: no neighbour discovery");
        // An answer to an update from home takes the same way.
        b.out = {};
        b.in(homeLink, mobility(home, agent, BindingUpdate{50, BindingUpdate::acknowledge | BindingUpdate::homeRegistration, WireLifetime{100}, {BindingIdentifier{2, 0, true, 0, {}}}}, home));
        QVERIFY(!b.out.frames.empty());
        const auto answer = wire::decodeFrame(b.out.frames.back().bytes, wire::linkEthernet, b.out.frames.back().bytes.size());
        QVERIFY2(answer.as<BindingAck>() && std::equal(nextMac.octets.begin(), nextMac.octets.end(), b.out.frames.back().bytes.begin()), "MCOA-HA-16: where its frame came from");
        b.sequence = 50;
        // MCOA-HA-15: it leaves.
        QCOMPARE(b.update({bid(1, careOf)}), std::string("0 51 100: 1/0"));
        QVERIFY(b.parts() == "1 2001:db8:300::5" && b.way() == careOf.text());
        QVERIFY2(b.anchor.stack().neighborMac(homeLink, home) == nextMac, "what was told for the home link counts no more");
    }

    void MCOA_HA_16_answersAtHomeNeedNoSolicitation()
    {
        const Mac mobileMac = mac("02:00:00:00:07:01");
        const wire::LinkLayerAddress told{2, Bytes(mobileMac.octets.begin(), mobileMac.octets.end()), false};
        const auto at = [](const Mac& m, const SentFrame& f) { return std::equal(m.octets.begin(), m.octets.end(), f.bytes.begin()); };
        for (const bool discovery : {true, false}) {
            Registrar::Policy policy = Bench::policy(false, false);
            policy.bids.homeNeighborDiscovery = discovery;
            Mcoa b(policy);
            const auto fromHome = [&](std::uint16_t sequence, std::uint16_t units, std::vector<wire::MobilityOption> options) {
                b.out = {};
                b.in(homeLink, mobility(home, agent, BindingUpdate{sequence, BindingUpdate::acknowledge | BindingUpdate::homeRegistration, WireLifetime{units}, std::move(options)}, std::nullopt));
                std::vector<SentFrame> acks;
                for (const SentFrame& f : b.out.frames)
                    if (wire::decodeFrame(f.bytes, wire::linkEthernet, f.bytes.size()).as<BindingAck>()) acks.push_back(f);
                return acks;
            };
            (void)b.update({bid(1, careOf)});
            auto acks = fromHome(20, 100, {BindingIdentifier{2, 0, true, 0, {}}, refresh(1), told});
            QVERIFY2(acks.size() == 1 && at(mobileMac, acks[0]), "RFC 5648 §5.6.3: it answers no solicitation before");
            acks = fromHome(21, 0, {refresh(2), told});
            QVERIFY2(acks.size() == 1 && at(mobileMac, acks[0]), "RFC 5648 §5.6.4: the link-layer address is kept from the deregistration");
            QCOMPARE(b.parts(), std::string("1 2001:db8:300::5"));
            (void)fromHome(22, 100, {BindingIdentifier{2, 0, true, 0, {}}, refresh(1), told});
            acks = fromHome(23, 0, {refresh(2)});
            QVERIFY2(acks.size() == 1 && at(nextMac, acks[0]), "RFC 5648 §5.6.4: or where its frame came from");
        }
    }

    void MCOA_HA_02_identifiersThatCannotBeReadAreToldAtHomeToo()
    {
        Mcoa b(Bench::policy(false, false));
        (void)b.update({bid(1, careOf)});
        const auto fromHome = [&](std::uint16_t sequence, std::vector<wire::MobilityOption> options) {
            b.out = {};
            b.in(homeLink, mobility(home, agent, BindingUpdate{sequence, BindingUpdate::acknowledge | BindingUpdate::homeRegistration, WireLifetime{100}, std::move(options)}, std::nullopt));
            return take(b.out);
        };
        const auto seen = fromHome(20, {wire::RawMobilityOption{35, {0, 2, 0, 0x80, 0}}});
        const Seen* ack = find<BindingAck>(seen);
        QVERIFY2(ack && ack->frame.as<BindingAck>()->status == 164 && ack->inner().destination == home && !ack->inner().routing, "no home address option: the BID stands for it");
        QVERIFY2(!find<BindingAck>(fromHome(21, {bid(3, careOf)})), "HA-BU-09: a readable one without H does not");
        QCOMPARE(b.parts(), std::string("1 2001:db8:300::5"));
    }

    void MCOA_HA_09_status0LeavesNeighbourDiscoveryToTheMobileNode()
    {
        Registrar::Policy policy = Bench::policy(false, false);
        policy.bids.homeNeighborDiscovery = true;
        Mcoa b(policy);
        (void)b.update({bid(1, careOf)});
        QVERIFY(b.anchor.stack().proxies(home));
        QCOMPARE(b.update({BindingIdentifier{2, 0, true, 0, {}}}), std::string("0 12 100: 2H/0"));
        QVERIFY2(!b.anchor.stack().proxies(home), "MCOA-HA-16: it stops");
        QVERIFY2(b.way() == careOf.text(), "RFC 5648 §5.6.2: what is for the mobile node is intercepted all the same");
        QCOMPARE(b.update({refresh(1)}), std::string("0 13 100: 1/0"));
        QVERIFY2(b.anchor.stack().proxies(home), "MCOA-HA-15: it has left, and is defended again");
    }

    void MCOA_BR_01_revocation()
    {
        Mcoa b;
        (void)b.update({bid(1, careOf), bid(2, cell), bid(3, wired)});
        const auto revoke = [&](std::vector<std::uint16_t> bids) {
            b.out = {};
            return b.anchor.revoke(b.now, Anchor::Revocation{home, std::move(bids)}, b.out);
        };
        QVERIFY2(!revoke({1, 9}) && b.parts().find("1 ") == 0, "nothing when one of them is not there");
        QVERIFY(revoke({1, 3}));
        auto seen = take(b.out);
        const Seen* bri = find<wire::BindingRevocation>(seen);
        QVERIFY(bri && bri->inner().destination == careOf);
        QVERIFY2(bri->inner().routing && bri->inner().routing->homeAddress == home && !bri->inner().homeAddress(), "MCOA-BR-01: the home address in the routing header");
        const wire::BindingRevocation message = *bri->frame.as<wire::BindingRevocation>();
        QVERIFY2(message.kind == 1 && message.code == 1 && message.options == (std::vector<wire::MobilityOption>{refresh(1), refresh(3)}), "MCOA-BR-01: all their identifiers");
        QVERIFY2(b.parts().find("1 ") == 0 && b.takenFrom(careOf), "RFC 5846 §7: it lives on until it is answered");
        // RFC 5846 §6.3: once more after a second, unless it is answered. Then it ends all the same.
        seen = b.to(900ms);
        QVERIFY(!find<wire::BindingRevocation>(seen));
        seen = b.to(2500ms);
        QVERIFY2(count<wire::BindingRevocation>(seen) == 1 && *find<wire::BindingRevocation>(seen)->frame.as<wire::BindingRevocation>() == message, "RFC 5846 §6.3");
        QVERIFY2(b.parts().find("1 ") == 0, "RFC 5846 §6.3: MAX_BRACK_TIMEOUT is not over");
        (void)b.to(5s);
        QCOMPARE(b.parts(), std::string("2 2001:db8:300::6"));
        QVERIFY(!b.takenFrom(careOf) && b.takenFrom(cell));
        QVERIFY(revoke({2}));
        seen = take(b.out);
        const auto& all = *find<wire::BindingRevocation>(seen)->frame.as<wire::BindingRevocation>();
        QVERIFY2(all.options.empty() && all.sequence != message.sequence, "MCOA-BR-01: all of them without identifiers");
        const auto answer = [&](std::uint16_t sequence, std::uint8_t status = 0) {
            b.out = {};
            b.in(coreLink, mobility(cell, agent, wire::BindingRevocation{wire::BindingRevocation::acknowledgement, status, sequence, 0, {}}, home));
            return count(b.out, "revocation-acknowledged");
        };
        QVERIFY2(answer(message.sequence) == 0, "RFC 5846 §6.2: of none that waits");
        QVERIFY2(b.binding() && answer(all.sequence) == 1 && !b.binding() && b.way() == "nowhere", "RFC 5846 §6.2.2: it ends with the answer");
        QVERIFY(!find<wire::BindingRevocation>(b.to(20s)));
        (void)b.update({bid(1, careOf)});
        QVERIFY(revoke({}));
        seen = take(b.out);
        const std::uint16_t refused = find<wire::BindingRevocation>(seen)->frame.as<wire::BindingRevocation>()->sequence;
        QVERIFY2(answer(refused, 129) == 1 && b.binding() && !find<wire::BindingRevocation>(b.to(30s)) && b.binding(), "RFC 5846 §6.2.2: refused, it stays");
        // A mobile node that is not told.
        (void)b.update({}, 100, 0, wired);
        b.out = {};
        QVERIFY(b.anchor.revoke(b.now, Anchor::Revocation{home, {}, false}, b.out) && !find<wire::BindingRevocation>(take(b.out)));
    }

    void MCOA_BR_01_atAMap()
    {
        Mcoa b(true);
        (void)b.update({bid(1, careOf), bid(2, cell)}, 100, 0, careOf, true);
        b.out = {};
        QVERIFY(b.anchor.revoke(b.now, Anchor::Revocation{home, {2}}, b.out));
        auto seen = take(b.out);
        const Seen* bri = find<wire::BindingRevocation>(seen);
        QVERIFY2(bri && bri->inner().destination == cell && bri->inner().routing && bri->inner().routing->homeAddress == home, "MCOA-BR-01: the RCoA in the routing header");
        QVERIFY2(bri->frame.as<wire::BindingRevocation>()->options == (std::vector<wire::MobilityOption>{refresh(2)}), "MCOA-BR-01: the identifier");
        const std::uint16_t sequence = bri->frame.as<wire::BindingRevocation>()->sequence;
        b.in(coreLink, mobility(cell, agent, wire::BindingRevocation{wire::BindingRevocation::acknowledgement, 0, sequence, 0, {}}, home));
        QVERIFY(b.parts() == "1 2001:db8:300::5" && !b.takenFrom(cell) && b.takenFrom(careOf));
        QVERIFY2(count(b.out, "revocation-acknowledged") == 1 && !find<wire::BindingRevocation>(b.to(10s)), "MCOA-BR-01: answered");
        QVERIFY(b.anchor.revoke(b.now, Anchor::Revocation{home, {}}, b.out));
        seen = take(b.out);
        QVERIFY2(find<wire::BindingRevocation>(seen) && find<wire::BindingRevocation>(seen)->frame.as<wire::BindingRevocation>()->options.empty(), "MCOA-BR-01: all");
        (void)b.to(20s);
        QVERIFY2(!b.binding(), "RFC 5846 §6.3: without an answer");
    }

    void MCOA_HA_07_anotherCareOfAddress()
    {
        for (const bool map : {false, true}) {
            Mcoa b(map);
            (void)b.update({bid(1, careOf), bid(2, cell)}, 100, 0, careOf, map);
            QVERIFY2(b.update({bid(2, wired)}, 100, 0, careOf, map) == "0 12 100: 2/0", "MCOA-HA-07: updated, status 0");
            QCOMPARE(b.parts(), std::string("1 2001:db8:300::5, 2 2001:db8:300::7"));
            QVERIFY(b.takenFrom(wired) && !b.takenFrom(cell));
        }
    }

    void MCOA_HA_17_inThatOrder()
    {
        Mcoa b;
        (void)b.update({});
        const wire::MobilityOption broken = wire::RawMobilityOption{35, {0, 1, 0, 0, 0}};
        QVERIFY2(b.update({bid(1, ip("ff02::1")), broken}) == "164 12 0: 1/0 1/0", "MCOA-HA-17: Length; MCOA-HA-08: both come back");
        QVERIFY2(b.update({bid(1, ip("ff02::1"))}) == "164 13 0: 1/0", "MCOA-HA-17: care-of address");
        QVERIFY2(b.update({refresh(9)}, 0) == "133 14 0: 9/0", "MCOA-HA-17: deletion");
        QVERIFY2(b.update({refresh(9)}) == "167 15 0: 9/0", "MCOA-HA-17: unknown care-of address");
        QVERIFY2(b.update({bid(1, careOf), refresh(9)}) == "165 16 0: 1/0 9/0", "MCOA-HA-06: the whole update");
        QVERIFY2(b.update({bid(1, careOf)}, 100, BindingUpdate::overwrite) == "0 17 100: 1/0", "MCOA-HA-05");
    }

    void MCOA_BR_01_anUpdateEndsTheRevocation()
    {
        Mcoa b;
        (void)b.update({bid(1, careOf), bid(2, cell)});
        (void)b.anchor.revoke(b.now, Anchor::Revocation{home, {1}}, b.out);
        QCOMPARE(b.update({bid(1, careOf)}), std::string("0 12 100: 1/0"));
        QVERIFY2(!find<wire::BindingRevocation>(b.to(10s)), "RFC 5846 §7");
        (void)b.anchor.revoke(b.now, Anchor::Revocation{home, {}}, b.out);
        (void)b.update({}, 0);
        QVERIFY2(!b.binding() && !find<wire::BindingRevocation>(b.to(20s)), "nothing is left to be revoked");
    }
};

QTEST_APPLESS_MAIN(TestAnchorBids)
#include "test_anchor_bids.moc"
