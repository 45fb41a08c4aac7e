// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile node with several care-of addresses, bytes in and bytes out (RFC 5648 §5, RFC 5846 §10; MCOA-MN-01 to -18, MCOA-BR-01). What
// each status of an acknowledgement has done is test_bid_registration.cpp.
#include "tests/support/paths_bench.hpp"

#include "protocol/node/sequence.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
namespace status = wire::bindingStatus;
using Sent = PathsBench::Sent;

namespace {

wire::Ipv6Packet tunnelled(std::size_t path, std::uint32_t serial)
{
    return encapsulate(probe(correspondent, homeAddress, {7, false, serial, TimePoint{}}), homeAgent, PathsBench::careOf(path));
}

/// The answers to probes among `seen`: by which interface and from which care-of address.
std::vector<std::pair<std::size_t, Ipv6Address>> answers(const std::vector<Seen>& seen)
{
    std::vector<std::pair<std::size_t, Ipv6Address>> list;
    for (const Seen& s : seen)
        if (s.inner().nextHeader == wire::protocol::udp) list.emplace_back(s.interface, s.outer().source);
    return list;
}

}  // namespace

class TestMobilePaths : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MCOA_MN_01_to_05_singleUpdates()
    {
        PathsBench b(PathsBench::settings(), 3);
        for (std::size_t i = 0; i < 3; ++i) b.up(i);
        const auto all = b.answeringTo(6s);
        QCOMPARE(all.size(), std::size_t{3});
        std::set<std::uint16_t> seen;
        for (std::size_t i = 0; i < all.size(); ++i) {
            const Sent& s = all[i];
            const auto bids = PathsBench::bids(s.update);
            QVERIFY2(bids.size() == 1 && bids[0].bid >= 1 && seen.insert(bids[0].bid).second, "MCOA-MN-01: every care-of address has one, all differ");
            const Bytes octets(s.source.octets.begin(), s.source.octets.end());
            QVERIFY2(bids[0].careOfAddress == octets && s.source == PathsBench::careOf(s.interface), "MCOA-MN-03; each leaves by its own path");
            QVERIFY2(s.update.has(BindingUpdate::overwrite) == (i == 0), "MCOA-MN-04, -18: O in the first one alone");
            QVERIFY2(!wire::findOption<wire::AlternateCareOfAddress>(s.update.options), "MCOA-MN-05");
            QVERIFY2(i == 0 || s.update.sequence == all[i - 1].update.sequence + 1, "MCOA-MN-02");
            QVERIFY2(s.update.has(BindingUpdate::homeRegistration) && s.update.has(BindingUpdate::acknowledge) && s.home == homeAddress, "MN-BU-01");
        }
        QVERIFY(b.has(1) && b.has(2) && b.has(3) && b.mn.registeredAtHome(b.now));
    }

    void MCOA_MN_06_bulk()
    {
        PathsBench b(PathsBench::settings(Mode::Bulk));
        b.up(0);
        b.up(1);
        const auto all = b.answeringTo(6s);
        QVERIFY2(all.size() == 1 && PathsBench::bids(all[0].update).size() == 2, "MCOA-MN-06: one update for both");
        QVERIFY(b.has(1) && b.has(2));
        // MCOA-MN-03, and refreshed together.
        const auto refresh = b.answeringTo(545s);
        QCOMPARE(refresh.size(), std::size_t{1});
        for (const auto& bid : PathsBench::bids(refresh[0].update)) QVERIFY(bid.careOfAddress.empty());
    }

    void MCOA_KEY_01_noKeysToMove()
    {
        // Nobody speaks IKE here: K is 0 in whatever is sent with identifiers, and it changes nothing that an answer has K=1.
        for (const Mode mode : {Mode::Single, Mode::Bulk})
            for (const std::uint8_t k : std::initializer_list<std::uint8_t>{0, 0x80}) {
                for (const bool map : {false, true}) {
                    PathsBench b(PathsBench::settings(mode));
                    b.flags = k;
                    const auto option = map ? std::optional(wire::MapOption{2, 10, true, 3600, mapAddress}) : std::nullopt;
                    b.up(0, option);
                    b.up(1, option);
                    auto all = b.answeringTo(6s);
                    QVERIFY2(b.has(1) && (map || b.has(2)), "MCOA-KEY-01, MN-BU-17: registered, there is no connection to end or to move");
                    b.down(0);
                    const auto gone = b.answeringTo(8s);
                    all.insert(all.end(), gone.begin(), gone.end());
                    const auto later = b.answeringTo(600s);
                    all.insert(all.end(), later.begin(), later.end());
                    QVERIFY(all.size() >= 3);
                    for (const Sent& s : all) QVERIFY2(!s.update.has(BindingUpdate::keyManagement), "MCOA-KEY-01, MN-BU-04: K is 0 in single, bulk, refreshing and deleting updates");
                }
            }
    }

    void identifiersAndPrioritiesOfSettings()
    {
        auto s = PathsBench::settings(Mode::Bulk);
        s.multihoming.paths = {{100, 20}, {200, 10}};
        PathsBench b(s);
        b.up(0);
        b.up(1);
        const auto all = b.answeringTo(6s);
        const auto bids = PathsBench::bids(all.at(0).update);
        QVERIFY(bids.size() == 2 && bids[0].bid == 100 && bids[0].priority == 20 && bids[1].bid == 200 && bids[1].priority == 10);
        // FLOW-03: it is the path of the lowest number that packets leave by.
        b.in(0, tunnelled(0, 1));
        const auto sent = answers(b.to(7s));
        QVERIFY(sent.size() == 1 && sent[0].first == 1 && sent[0].second == PathsBench::careOf(1));
    }

    void MCOA_MN_14_packetsArriveOnAnyAndLeaveByTheBest()
    {
        PathsBench b = PathsBench::registered();
        for (std::size_t i = 0; i < 2; ++i) b.in(i, tunnelled(i, static_cast<std::uint32_t>(i)));
        const auto sent = answers(b.to(7s));
        QVERIFY2(sent.size() == 2 && count(b.out, "probe-received") == 2, "taken on any registered care-of address");
        for (const auto& [interface, source] : sent) QVERIFY2(interface == 0 && source == PathsBench::careOf(0), "MCOA-MN-14: one path for a flow");
    }

    void makeBeforeBreak()
    {
        PathsBench b = PathsBench::registered();
        b.down(0);
        const auto gone = PathsBench::updates(b.to(6500ms));
        QCOMPARE(gone.size(), std::size_t{1});
        QVERIFY2(gone[0].interface == 1 && gone[0].source == PathsBench::careOf(1) && gone[0].update.lifetime.count() == 0 && PathsBench::bids(gone[0].update).at(0).bid == 1,
                 "MCOA-MN-07: the identifier of a link that is down is taken away by a path that lives");
        b.in(1, tunnelled(1, 1));
        const auto sent = answers(b.to(8s));
        QVERIFY(sent.size() == 1 && sent[0].first == 1 && sent[0].second == PathsBench::careOf(1));
        b.acknowledge(gone[0]);
        QVERIFY(!b.paths().find(1) && b.has(2));
        // It comes back: with its care-of address, without O.
        b.up(0);
        const auto back = b.answeringTo(12s);
        QVERIFY(back.size() == 1 && PathsBench::bids(back[0].update)[0].bid == 1 && !PathsBench::bids(back[0].update)[0].careOfAddress.empty());
        QVERIFY(!back[0].update.has(BindingUpdate::overwrite) && b.has(1) && b.has(2));
    }

    void theRouterOfAPathIsGone()
    {
        PathsBench b = PathsBench::registered();
        wire::RouterAdvertisement last;
        last.options.push_back(wire::SourceLinkLayerOption{PathsBench::routerMac(0)});
        b.in(0, icmp(PathsBench::router(0), allNodes(), last));
        const auto gone = PathsBench::updates(b.to(6500ms));
        QVERIFY(gone.size() == 1 && gone[0].interface == 1 && gone[0].update.lifetime.count() == 0 && PathsBench::bids(gone[0].update).at(0).bid == 1);
    }

    void MCOA_MN_07_allAtOnce()
    {
        PathsBench b = PathsBench::registered(Mode::Bulk, 2, 2);
        b.down(1);
        (void)b.answeringTo(7s);
        b.down(0);
        b.mn.linkUp(b.now, 0, b.out);
        b.advertiseHome(0);
        const auto all = PathsBench::updates(b.to(9s));
        QVERIFY2(!all.empty() && PathsBench::bids(all[0].update).empty() && all[0].update.lifetime.count() == 0 && all[0].source == homeAddress, "MCOA-MN-07: a plain update deletes all");
        QVERIFY2(isNewer(all[0].update.sequence, b.paths().sequence() - 1), "MCOA-MN-02: numbers go on");
    }

    void MCOA_MN_09_fallback()
    {
        for (const Mode mode : {Mode::Single, Mode::Bulk}) {
            PathsBench b(PathsBench::settings(mode));
            b.up(0);
            b.up(1);
            const auto first = PathsBench::updates(b.to(2s));
            QVERIFY(first.size() >= 1);
            b.acknowledge(first[0], 0, {}, false);
            const auto plain = PathsBench::updates(b.to(3s));
            QVERIFY2(plain.size() == 1 && PathsBench::bids(plain[0].update).empty() && !plain[0].update.has(BindingUpdate::overwrite), "MCOA-MN-09: the next one has none");
            QVERIFY2(wire::findOption<wire::AlternateCareOfAddress>(plain[0].update.options), "MN-BU-02");
            QVERIFY(isNewer(plain[0].update.sequence, first[0].update.sequence));
            b.acknowledge(plain[0]);
            QVERIFY(b.mn.registeredAtHome(b.now) && b.mn.homeAssociation().registeredCareOf() == PathsBench::careOf(0));
            b.in(0, tunnelled(0, 1));
            const auto sent = answers(b.to(4s));
            QVERIFY(sent.size() == 1 && sent[0].second == PathsBench::careOf(0));
            // The other interface takes over, as any mobile node does it.
            b.down(0);
            const auto moved = PathsBench::updates(b.to(4500ms));
            QVERIFY(moved.size() == 1 && moved[0].interface == 1 && PathsBench::bids(moved[0].update).empty());
        }
    }

    void MCOA_MN_15_refreshRequest()
    {
        PathsBench b = PathsBench::registered();
        wire::BindingRefreshRequest request;
        request.options.push_back(wire::BindingIdentifier{2, 0, false, 0, {}});
        b.in(1, mobility(homeAgent, PathsBench::careOf(1), request, {}, homeAddress));
        const auto sent = PathsBench::updates(b.to(6500ms));
        QVERIFY2(sent.size() == 1 && PathsBench::bids(sent[0].update).at(0).bid == 2, "MCOA-MN-15");
    }

    void MCOA_BR_01_revocation()
    {
        PathsBench b = PathsBench::registered();
        wire::BindingRevocation bri;
        bri.code = 1;
        bri.sequence = 77;
        bri.options.push_back(wire::BindingIdentifier{1, 0, false, 0, {}});
        const auto answer = [&](const wire::Ipv6Packet& packet) -> std::optional<std::pair<wire::BindingRevocation, Seen>> {
            b.in(1, packet);
            for (const Seen& s : b.to(b.now - TimePoint{} + 1s))
                if (const auto* bra = s.frame.as<wire::BindingRevocation>()) return std::pair(*bra, s);
            return std::nullopt;
        };
        QVERIFY2(!answer(mobility(homeAgent, PathsBench::careOf(1), bri, {}, ip("2001:db8:100::bad"))), "MCOA-BR-01: not ours");
        QVERIFY2(!answer(mobility(homeAgent, PathsBench::careOf(1), bri, {})), "MCOA-BR-01: without a routing header");
        QVERIFY2(!answer(mobility(mapAddress, PathsBench::careOf(1), bri, {}, homeAddress)), "MCOA-BR-01: not the home agent");
        QVERIFY(b.has(1));
        const auto bra = answer(mobility(homeAgent, PathsBench::careOf(1), bri, {}, homeAddress));
        QVERIFY2(bra && bra->first.kind == wire::BindingRevocation::acknowledgement && bra->first.code == 0 && bra->first.sequence == 77, "MCOA-BR-01");
        QVERIFY2(bra->second.inner().homeAddress() == homeAddress && bra->second.interface == 1, "MCOA-BR-01: with the home address option");
        QVERIFY2(!b.has(1) && b.has(2), "MCOA-BR-01: that one alone");
        // A proxy's revocation is not for us, and with V no IPv4 binding is there (RFC 5846 §10).
        bri.flags = 0x8000;
        QCOMPARE(answer(mobility(homeAgent, PathsBench::careOf(1), bri, {}, homeAddress))->first.code, std::uint8_t{135});
        bri.flags = 0x4000;
        QCOMPARE(answer(mobility(homeAgent, PathsBench::careOf(1), bri, {}, homeAddress))->first.code, std::uint8_t{129});
        QVERIFY(b.has(2));
        // RFC 5846 §5.2: P, V and G are those of the indication, reserved bits are 0.
        for (const std::uint16_t flag : {std::uint16_t{0x8000}, std::uint16_t{0x4000}, std::uint16_t{0x2000}, std::uint16_t{0xe000}}) {
            bri.flags = static_cast<std::uint16_t>(flag | 0x1fff);
            const auto copied = answer(mobility(homeAgent, PathsBench::careOf(1), bri, {}, homeAddress));
            QVERIFY2(copied && copied->first.flags == flag, "MCOA-BR-01, RFC 5846 §5.2");
        }
        wire::BindingRevocation all;
        all.sequence = 78;
        QVERIFY2(answer(mobility(homeAgent, PathsBench::careOf(1), all, {}, homeAddress)) && !b.mn.registeredAtHome(b.now), "MCOA-BR-01: without identifiers all");
        QVERIFY2(b.answeringTo(100s).empty(), "and they are not registered again as they are");
    }

    void MCOA_BR_01_ofAPlainBinding()
    {
        Bench b = Bench::plain();
        wire::BindingRevocation all;
        all.sequence = 5;
        b.in(mobility(homeAgent, lcoa, all, {}, homeAddress));
        const auto seen = b.to(10s);
        QVERIFY2(count<wire::BindingRevocation>(seen) == 1 && !b.atHome() && count<BindingUpdate>(seen) == 0, "MCOA-BR-01");
    }

    void MCOA_BR_01_ofAMap()
    {
        PathsBench b(PathsBench::settings(Mode::Bulk));
        const wire::MapOption map{2, 10, true, 3600, mapAddress};
        b.up(0, map);
        b.up(1, map);
        (void)b.answeringTo(6s);
        const Ipv6Address regional = withInterfaceId(mapAddress, eui64(PathsBench::macOf(0)));
        wire::BindingRevocation bri;
        bri.code = 1;
        bri.sequence = 9;
        bri.options.push_back(wire::BindingIdentifier{2, 0, false, 0, {}});
        b.in(1, mobility(mapAddress, PathsBench::careOf(1), bri, {}, homeAddress));
        QVERIFY2(!find<wire::BindingRevocation>(b.to(6100ms)), "MCOA-BR-01: the home address is not registered there");
        b.in(1, mobility(mapAddress, PathsBench::careOf(1), bri, {}, regional));
        const auto seen = b.to(7s);
        const Seen* bra = find<wire::BindingRevocation>(seen);
        QVERIFY2(bra && bra->inner().destination == mapAddress && bra->inner().homeAddress() == regional && bra->frame.as<wire::BindingRevocation>()->sequence == 9, "MCOA-BR-01 at a MAP");
        const auto& paths = b.mn.mapPaths().at(mapAddress);
        QVERIFY2(paths.find(1)->usable() && !paths.find(2)->bound && b.has(1), "that one alone, and nothing at the home agent");
    }

    void MCOA_MN_12_17_homeAndForeign()
    {
        PathsBench b = PathsBench::registered(Mode::Single, 1, 2);
        b.mn.linkUp(b.now, 1, b.out);
        b.advertiseHome(1);
        auto seen = b.to(8s);
        const auto sent = PathsBench::updates(seen);
        QVERIFY(sent.size() >= 1 && sent[0].interface == 0 && sent[0].source == PathsBench::careOf(0));
        const auto bids = PathsBench::bids(sent[0].update);
        const auto homeBid = std::find_if(bids.begin(), bids.end(), [](const auto& o) { return o.home; });
        QVERIFY2(homeBid != bids.end() && homeBid->bid == 2 && homeBid->careOfAddress == Bytes(homeAddress.octets.begin(), homeAddress.octets.end()), "MCOA-MN-12: CoA = HoA");
        QVERIFY2(sent[0].update.lifetime.count() > 0, "MCOA-MN-12");
        const auto* lla = wire::findOption<wire::LinkLayerAddress>(sent[0].update.options);
        const Mac own = PathsBench::macOf(1);
        QVERIFY2(lla && lla->code == 2 && lla->address == Bytes(own.octets.begin(), own.octets.end()), "MCOA-MN-12: MH-LLA of code 2");
        const auto claims = [](const std::vector<Seen>& list) {
            return std::any_of(list.begin(), list.end(), [](const Seen& s) {
                const auto* na = s.frame.as<NeighborAdvertisement>();
                const auto* ns = s.frame.as<NeighborSolicitation>();
                return (na && na->target == homeAddress) || (ns && (ns->target == homeAddress || s.inner().source == homeAddress));
            });
        };
        QVERIFY2(!claims(seen), "MCOA-MN-12: not before the acknowledgement");
        b.acknowledge(sent.back(), 0, {{2, status::mcoaReturnHomeWithoutNdp}});
        QVERIFY(b.has(2) && b.paths().find(2)->withoutDiscovery);
        // Asked for the home address it says nothing; packets for it are taken from the home link and may leave by it.
        b.in(1, icmp(PathsBench::router(1), solicitedNode(homeAddress), NeighborSolicitation{homeAddress, {wire::SourceLinkLayerOption{PathsBench::routerMac(1)}}}));
        b.in(1, probe(correspondent, homeAddress, {7, false, 1, TimePoint{}}));
        seen = b.to(9s);
        QVERIFY2(!claims(seen), "MCOA-MN-17: no neighbour discovery for the home address after status 5");
        QCOMPARE(count(b.out, "probe-received"), std::size_t{1});
        b.down(0);
        b.up(0);
        (void)b.answeringTo(14s);
        b.in(0, tunnelled(0, 2));
        QCOMPARE(count(b.out, "probe-received"), std::size_t{2});
    }

    void MCOA_MN_17_directlyToTheRouterOfTheHomeLink()
    {
        auto s = PathsBench::settings();
        s.multihoming.paths = {{1, 20}, {2, 10}};
        PathsBench b(s);
        b.up(0);
        (void)b.answeringTo(4s);
        b.mn.linkUp(b.now, 1, b.out);
        b.advertiseHome(1);
        const auto sent = PathsBench::updates(b.to(6s));
        b.acknowledge(sent.back(), 0, {{2, status::mcoaReturnHomeWithoutNdp}});
        b.in(1, probe(correspondent, homeAddress, {7, false, 1, TimePoint{}}));
        const auto seen = b.to(7s);
        const auto it = std::find_if(seen.begin(), seen.end(), [](const Seen& f) { return f.inner().nextHeader == wire::protocol::udp; });
        QVERIFY2(it != seen.end() && it->interface == 1 && it->outer().source == homeAddress && it->frame.ethernet->destination == PathsBench::routerMac(1),
                 "MCOA-MN-17: to the default router, by its link-layer address");
    }

    void RFC_4443_4_2_echoRepliesOfAHomeAddressWithoutDiscovery()
    {
        // By the home link, and by the tunnel where that is preferred; MCOA-MN-17.
        for (const bool homeFirst : {true, false}) {
            auto s = PathsBench::settings();
            s.multihoming.paths = {{1, 15}, {2, static_cast<std::uint8_t>(homeFirst ? 10 : 20)}};
            PathsBench b(s);
            b.up(0);
            (void)b.answeringTo(4s);
            b.mn.linkUp(b.now, 1, b.out);
            b.advertiseHome(1);
            b.acknowledge(PathsBench::updates(b.to(6s)).back(), 0, {{2, status::mcoaReturnHomeWithoutNdp}});
            (void)take(b.out);
            b.in(1, icmp(correspondent, homeAddress, wire::Echo{false, 1, 1, Bytes{1, 2}}, 64));
            const auto seen = b.to(7s);
            const auto it = std::find_if(seen.begin(), seen.end(), [](const Seen& f) { return f.frame.as<wire::Echo>() != nullptr; });
            QVERIFY(it != seen.end());
            QVERIFY2(it->inner().source == homeAddress && it->inner().destination == correspondent, "RFC 4443 §4.2: from where the request came to");
            QCOMPARE(it->interface, homeFirst ? std::size_t{1} : std::size_t{0});
            QVERIFY(it->frame.packets.size() == (homeFirst ? 1u : 2u) && (homeFirst || it->outer().source == PathsBench::careOf(0)));
        }
    }

    void MN_DHAAD_01_aRefusedRegistrationWaitsBeforeTheNextHomeAgent()
    {
        const Ipv6Address agent2 = ip("2001:db8:100::2"), agent3 = ip("2001:db8:100::3");
        auto s = PathsBench::settings();
        s.homeAgent = Ipv6Address{};
        PathsBench b(s, std::size_t{1});
        b.up(0);
        auto seen = b.to(2s);
        const Seen* request = find<wire::HomeAgentDiscoveryRequest>(seen);
        QVERIFY(request);
        b.in(0, icmp(agent2, PathsBench::careOf(0), wire::HomeAgentDiscoveryReply{request->frame.as<wire::HomeAgentDiscoveryRequest>()->identifier, false, {agent2, agent3}}, 64));
        auto sent = PathsBench::updates(take(b.out));
        QVERIFY(sent.size() == 1 && sent[0].destination == agent2);
        b.acknowledge(sent[0], 130);
        QVERIFY2(PathsBench::updates(b.to(3499ms)).empty(), "MN-DHAAD-01: at least 1.5 s");
        sent = PathsBench::updates(b.to(3500ms));
        QVERIFY2(sent.size() == 1 && sent[0].destination == agent3, "MN-BU-19");
    }

    void MCOA_MN_17_status0MeansNormalDiscovery()
    {
        PathsBench b = PathsBench::registered(Mode::Bulk, 1, 2);
        b.mn.linkUp(b.now, 1, b.out);
        b.advertiseHome(1);
        const auto sent = PathsBench::updates(b.to(8s));
        b.acknowledge(sent.back());
        const auto seen = b.to(12s);
        QVERIFY2(std::any_of(seen.begin(), seen.end(), [](const Seen& s) {
            const auto* na = s.frame.as<NeighborAdvertisement>();
            return na && na->target == homeAddress && na->override && s.interface == 1;
        }), "MCOA-MN-17: after status 0 with the identifier");
        QVERIFY(b.mn.stack().owns(homeAddress) && b.mn.isBeside());
    }

    void MCOA_MN_13_leavingTheHomeLink()
    {
        PathsBench b = PathsBench::registered(Mode::Single, 1, 2);
        b.mn.linkUp(b.now, 1, b.out);
        b.advertiseHome(1);
        b.acknowledge(PathsBench::updates(b.to(8s)).back(), 0, {{2, status::mcoaReturnHomeWithoutNdp}});
        b.down(1);
        const auto sent = PathsBench::updates(take(b.out));
        QVERIFY2(sent.size() == 1 && sent[0].update.lifetime.count() > 0, "MCOA-MN-13: at once");
        for (const auto& bid : PathsBench::bids(sent[0].update)) QVERIFY2(!bid.home, "MCOA-MN-13: H = 0");
        QVERIFY(!b.mn.isBeside() && !b.paths().find(2));
    }

    void MCOA_MN_16_aHomeAgentThatKnowsNone()
    {
        PathsBench b = PathsBench::registered(Mode::Bulk, 1, 2);
        b.mn.linkUp(b.now, 1, b.out);
        b.advertiseHome(1);
        b.acknowledge(PathsBench::updates(b.to(8s)).back(), 0, {}, false);
        const auto plain = PathsBench::updates(b.to(10s));
        QVERIFY2(!plain.empty() && plain[0].interface == 1 && plain[0].source == homeAddress && plain[0].update.lifetime.count() == 0 && PathsBench::bids(plain[0].update).empty(),
                 "MCOA-MN-16: the home link alone");
        QVERIFY(!b.mn.isBeside() && b.mn.isAtHome());
    }

    void MCOA_MN_11_homeAndForeignRefused()
    {
        PathsBench b = PathsBench::registered(Mode::Bulk, 1, 2);
        b.mn.linkUp(b.now, 1, b.out);
        b.advertiseHome(1);
        b.acknowledge(PathsBench::updates(b.to(8s)).back(), status::mcoaNotComplete, {{2, status::mcoaHomeAndForeignProhibited}});
        const auto plain = PathsBench::updates(b.to(10s));
        QVERIFY2(!plain.empty() && plain[0].source == homeAddress && plain[0].update.lifetime.count() == 0, "MCOA-MN-11: after 169 it goes home as any mobile node");
    }

    void withoutHomeAndForeign()
    {
        auto s = PathsBench::settings(Mode::Bulk);
        s.multihoming.homeAndForeign = false;
        PathsBench b(s);
        b.up(0);
        (void)b.answeringTo(4s);
        b.mn.linkUp(b.now, 1, b.out);
        b.advertiseHome(1);
        const auto plain = PathsBench::updates(b.to(8s));
        QVERIFY(!plain.empty() && plain[0].source == homeAddress && plain[0].update.lifetime.count() == 0 && PathsBench::bids(plain[0].update).empty());
    }

    void HMIP_severalOnLinkAddressesAtAMap()
    {
        // §8.1 point 1, an extension of ours: the MAP has both LCoAs under one RCoA, the home agent has the RCoA once.
        PathsBench b(PathsBench::settings(Mode::Bulk));
        const wire::MapOption map{2, 10, true, 3600, mapAddress};
        b.up(0, map);
        b.up(1, map);
        const auto all = b.answeringTo(6s);
        const Ipv6Address regional = withInterfaceId(mapAddress, eui64(PathsBench::macOf(0)));
        const auto local = std::find_if(all.begin(), all.end(), [](const Sent& s) { return s.destination == mapAddress; });
        QVERIFY(local != all.end() && local->update.flags == (BindingUpdate::acknowledge | BindingUpdate::mapRegistration | BindingUpdate::overwrite));
        QVERIFY2(local->home == regional && local->tunnels == 0 && PathsBench::bids(local->update).size() == 2, "HMIP-MN-10, -11: RCoA in HAO, LCoAs in the identifiers");
        const auto homeUpdate = std::find_if(all.begin(), all.end(), [](const Sent& s) { return s.destination == homeAgent; });
        QVERIFY(homeUpdate != all.end() && homeUpdate->source == regional && homeUpdate->tunnels == 1 && PathsBench::bids(homeUpdate->update).size() == 1);
        QVERIFY2(all.size() == 2, "HMIP-MN-13: the home agent after the MAP");
        // One link goes: the home agent hears nothing (HMIP-MN-17).
        b.down(0);
        const auto gone = b.answeringTo(8s);
        QVERIFY2(gone.size() == 1 && gone[0].destination == mapAddress && gone[0].interface == 1 && gone[0].update.lifetime.count() == 0, "HMIP-MN-17");
        QVERIFY(b.has(1));
        const auto data = encapsulate(encapsulate(probe(correspondent, homeAddress, {7, false, 1, TimePoint{}}), homeAgent, regional), mapAddress, PathsBench::careOf(1));
        b.in(1, data);
        const auto sent = answers(b.to(9s));
        QVERIFY2(sent.size() == 1 && sent[0].first == 1 && sent[0].second == PathsBench::careOf(1), "HMIP-MN-24: through the MAP by the path that lives");
    }

    void MN_BU_05_noLocalBindingOutlivesItsOnLinkAddress_data()
    {
        QTest::addColumn<bool>("bulk");
        QTest::addColumn<bool>("identifiers");
        QTest::newRow("each by itself") << false << true;
        QTest::newRow("in one update") << true << true;
        QTest::newRow("a MAP that knows no identifiers") << false << false;
    }
    void MN_BU_05_noLocalBindingOutlivesItsOnLinkAddress()
    {
        QFETCH(bool, bulk);
        QFETCH(bool, identifiers);
        PathsBench b(PathsBench::settings(bulk ? Mode::Bulk : Mode::Single));
        constexpr int validFor = 100;
        const std::size_t brief = identifiers ? 1 : 0;  // without identifiers the best path alone is told
        b.valid[brief] = validFor;
        const wire::MapOption map{2, 10, true, 3600, mapAddress};
        b.up(0, map);
        b.up(1, map);
        int asked = 0;
        bool other = false;
        for (int second = 1; second <= validFor; ++second)
            for (const Sent& s : PathsBench::updates(b.to(std::chrono::seconds(second)))) {
                b.acknowledge(s, 0, {}, identifiers);
                if (s.destination != mapAddress || s.update.lifetime.count() == 0) continue;
                const auto bids = PathsBench::bids(s.update);
                const bool covers = bids.empty() ? s.source == PathsBench::careOf(brief) : std::any_of(bids.begin(), bids.end(), [&](const auto& option) { return option.bid == brief + 1; });
                other = other || (!covers && s.update.lifetime.count() == 150);
                if (!covers || (!identifiers && !bids.empty())) continue;
                ++asked;
                QVERIFY2(second - 1 + 4 * s.update.lifetime.count() <= validFor, "MN-BU-05, RFC 6275 §11.7.1: a MAP is a home agent for the RCoA (HMIP-MN-28)");
            }
        QVERIFY2(asked >= 2, "refreshed for what is left");
        QVERIFY2(other || !identifiers, "by itself the one that is valid for longer is asked for as long as ever");
    }

    void MN_BU_05_theHomeBindingEndsWithTheHomeAddress()
    {
        auto settings = PathsBench::settings();
        settings.solicitPrefixes = true;
        PathsBench b(settings);
        b.up(0);
        (void)b.answeringTo(3s);
        const auto asked = b.to(6s);
        const Seen* s = find<wire::MobilePrefixSolicitation>(asked);
        QVERIFY(s);
        constexpr int validFor = 100;
        wire::Ipv6Packet told;
        told.source = homeAgent;
        told.destination = PathsBench::careOf(0);
        told.routing = wire::Type2Routing{1, homeAddress};
        told.nextHeader = wire::protocol::icmpv6;
        const wire::PrefixInformation prefix{{homeAgent, 64}, true, true, true, validFor, validFor};
        told.payload = wire::emitIcmpv6(wire::MobilePrefixAdvertisement{s->frame.as<wire::MobilePrefixSolicitation>()->identifier, false, false, {prefix}}, told.pseudoHeader());
        b.in(0, told);
        (void)b.answeringTo(8s);
        b.mn.linkUp(b.now, 1, b.out);
        b.advertiseHome(1);
        int home = 0;
        for (int second = 9; second <= 100; ++second)
            for (const Sent& update : PathsBench::updates(b.to(std::chrono::seconds(second)))) {
                b.acknowledge(update);
                const auto bids = PathsBench::bids(update.update);
                if (std::none_of(bids.begin(), bids.end(), [](const auto& option) { return option.home; })) continue;
                ++home;
                QVERIFY2(second - 1 + 4 * update.update.lifetime.count() <= 6 + validFor, "MN-BU-05, MCOA-MN-12: the care-of address of the home link is the home address");
            }
        QVERIFY(home >= 2);
    }

    void HMIP_severalRegionalAddressesAtTheHomeAgent()
    {
        // §8.1 point 2: another MAP on each link, two RCoAs, two identifiers at the home agent. A MAP that knows no identifiers gets a plain update.
        PathsBench b(PathsBench::settings(Mode::Single));
        const Ipv6Address other = ip("2001:db8:310::1");
        b.up(0, wire::MapOption{2, 10, true, 3600, mapAddress});
        b.up(1, wire::MapOption{2, 10, true, 3600, other});
        std::vector<Sent> home;
        bool plain = false;
        for (int step = 1; step < 80; ++step)
            for (const Sent& s : PathsBench::updates(b.to(step * 50ms))) {
                if (s.destination == homeAgent) home.push_back(s);
                if (s.destination == homeAgent) continue;
                const bool named = s.destination == mapAddress;
                plain = plain || (!named && PathsBench::bids(s.update).empty());
                b.acknowledge(s, 0, {}, named);
            }
        QVERIFY2(plain, "MCOA-MN-09 at a MAP");
        QVERIFY(home.size() >= 1);
        const auto check = [&](const Sent& s) { return s.source == withInterfaceId(s.interface == 0 ? mapAddress : other, eui64(PathsBench::macOf(0))); };
        QVERIFY(std::all_of(home.begin(), home.end(), check));
        std::set<std::uint16_t> bids;
        BindingAck ack{0, 0, home.back().update.sequence, WireLifetime{100}, {}};
        for (const auto& option : PathsBench::bids(home.back().update)) ack.options.push_back(wire::BindingIdentifier{option.bid, 0, false, 0, {}});
        b.in(home.back().interface, encapsulate(mobility(homeAgent, home.back().source, ack, {}, homeAddress), home.back().interface == 0 ? mapAddress : other, PathsBench::careOf(home.back().interface)));
        bids.insert(PathsBench::bids(home.back().update)[0].bid);
        for (const Sent& s : PathsBench::updates(b.to(5s)))
            if (s.destination == homeAgent) bids.insert(PathsBench::bids(s.update)[0].bid);
        QVERIFY2(bids == (std::set<std::uint16_t>{1, 2}), "an identifier for each RCoA");
    }

    void modesMayChangeWhileItRuns()
    {
        PathsBench b = PathsBench::registered();
        auto s = PathsBench::settings(Mode::Off);
        b.mn.configure(b.now, s);
        auto sent = b.answeringTo(8s);
        QVERIFY(sent.size() == 1 && PathsBench::bids(sent[0].update).empty() && b.mn.homeAssociation().registered(b.now));
        b.mn.configure(b.now, PathsBench::settings(Mode::Bulk));
        sent = b.answeringTo(10s);
        QVERIFY(sent.size() == 1 && PathsBench::bids(sent[0].update).size() == 2 && sent[0].update.has(BindingUpdate::overwrite) && b.has(1) && b.has(2));
    }

    void allPathsAreLostForLong()
    {
        PathsBench b = PathsBench::registered();
        b.down(0);
        b.down(1);
        QVERIFY2(PathsBench::updates(take(b.out)).size() == 1, "by the second one, as long as it was there");
        QVERIFY(b.answeringTo(700s).empty() && !b.mn.registeredAtHome(b.now));
        b.up(1);
        const auto sent = b.answeringTo(706s);
        QVERIFY2(sent.size() == 1 && sent[0].update.has(BindingUpdate::overwrite) && b.has(2), "MCOA-MN-04");
    }
};

QTEST_APPLESS_MAIN(TestMobilePaths)
#include "test_mobile_paths.moc"
