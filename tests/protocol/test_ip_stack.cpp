// SPDX-License-Identifier: GPL-3.0-or-later
// The IPv6 of a node stepped by hand: duplicate address detection, neighbour discovery, forwarding, errors, listener reports.
#include "tests/support/node_frames.hpp"

#include "protocol/node/ip_stack.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using wire::IcmpError;
using wire::NeighborAdvertisement;
using wire::NeighborSolicitation;

namespace {

const Mac ownMac = mac("02:00:00:00:01:01");
const Mac farMac = mac("02:00:00:00:01:02");
const Mac peerMac = mac("02:00:00:00:02:01");
const Ipv6Address own = ip("2001:db8:1::1");
const Ipv6Address peer = ip("2001:db8:1::2");
const Ipv6Address remote = ip("2001:db8:2::2");
const Ipv6Address candidate = ip("2001:db8:1::c");

/// A stack with two links; a router or a host.
struct Bench {
    IpStack stack;
    Output out;

    explicit Bench(bool router = true) : stack(router, Random(1))
    {
        stack.addInterface("near", ownMac);
        stack.addInterface("far", farMac);
        stack.addStaticAddress(0, {linkLocal(eui64(ownMac)), 64});
        stack.addStaticAddress(0, {own, 64});
        stack.addStaticAddress(1, {linkLocal(eui64(farMac)), 64});
        stack.addStaticAddress(1, prefix("2001:db8:2::1/64"));
    }
    std::optional<Delivery> in(const wire::Ipv6Packet& packet, TimePoint now = {}, std::size_t interface = 0)
    {
        return stack.receive(now, interface, frame(peerMac, interface == 0 ? ownMac : farMac, packet), out);
    }
    void know(const Ipv6Address& who, TimePoint now = {}, std::size_t interface = 0)
    {
        stack.learnNeighbor(now, interface, who, peerMac, false, out);
        out.frames.clear();
    }
    std::vector<Seen> to(TimePoint t)
    {
        run(stack, t, out);
        return take(out);
    }
};

wire::Ipv6Packet solicitation(const Ipv6Address& from, const Ipv6Address& target, bool withOption = true)
{
    NeighborSolicitation ns{target, {}};
    if (withOption) ns.options.push_back(wire::SourceLinkLayerOption{peerMac});
    return icmp(from, solicitedNode(target), ns);
}

}  // namespace

class TestIpStack : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MN_DAD_01_oneSolicitationThenOneSecond()
    {
        Bench b;
        b.stack.assign(TimePoint{5s}, 0, candidate, false, false, b.out);
        auto seen = take(b.out);
        QCOMPARE(seen.size(), std::size_t{2});
        QVERIFY2(seen[0].frame.as<wire::ListenerReport>()->records[0].group == solicitedNode(candidate), "MN-DAD-06");
        const auto& ns = seen[1];
        QVERIFY2(ns.inner().source.isUnspecified() && ns.inner().destination == solicitedNode(candidate) && ns.inner().hopLimit == 255 &&
                     ns.frame.as<NeighborSolicitation>()->options.empty() && ns.frame.ethernet->destination == multicastMac(solicitedNode(candidate)), "MN-DAD-01");
        QVERIFY(!b.stack.owns(candidate));
        for (int i = 0; i < 3; ++i) b.stack.advance(TimePoint{6s} - 1ns, b.out);
        QVERIFY(!b.stack.owns(candidate) && b.stack.takeEvents().empty());
        b.stack.advance(TimePoint{6s}, b.out);
        QVERIFY2(b.stack.owns(candidate), "MN-DAD-01: RetransTimer after the solicitation");
        QCOMPARE(b.stack.takeEvents().size(), std::size_t{1});
        b.stack.advance(TimePoint{7s}, b.out);
        QVERIFY(b.stack.takeEvents().empty());
    }

    void MN_DAD_05_whatMakesATentativeAddressADuplicate()
    {
        const auto na = icmp(candidate, allNodes(), NeighborAdvertisement{false, false, true, candidate, {}});
        auto wrongLimit = na;
        wrongLimit.hopLimit = 254;
        auto wrongChecksum = na;
        wrongChecksum.payload[2] ^= 1;
        auto toAnotherGroup = solicitation(Ipv6Address{}, candidate, false);
        toAnotherGroup = icmp(Ipv6Address{}, allNodes(), NeighborSolicitation{candidate, {}});
        const std::vector<std::pair<wire::Ipv6Packet, bool>> cases{
            {na, true},
            {solicitation(Ipv6Address{}, candidate, false), true},
            {solicitation(Ipv6Address{}, candidate, true), false},  // RFC 4861 §7.1.1: no option with the unspecified source
            {solicitation(peer, candidate), false},                 // somebody looks for the address: no answer, no conflict
            {wrongLimit, false},
            {wrongChecksum, false},
            {toAnotherGroup, false},
        };
        for (const auto& [packet, duplicate] : cases) {
            Bench b;
            b.stack.assign({}, 0, candidate, false, false, b.out);
            (void)take(b.out);
            b.in(packet, TimePoint{500ms});
            const auto answers = take(b.out);
            QVERIFY2(answers.size() == count<wire::ListenerReport>(answers), "MN-DAD-05: a tentative address answers nobody");
            QVERIFY2((b.stack.find(candidate) == nullptr) == duplicate, "MN-DAD-05");
            (void)b.to(TimePoint{2s});
            const auto events = b.stack.takeEvents();
            QCOMPARE(events.size(), std::size_t{1});
            QCOMPARE(events[0].kind == StackEvent::Kind::AddressDuplicate, duplicate);
        }
    }

    void RFC4862_5_4_3_ourOwnSolicitationBackFromTheLinkIsAConflict()
    {
        // Ethernet gives nobody their own frames back: one more than was expected, and from our own address it is that of a twin.
        Bench b;
        b.stack.assign({}, 0, candidate, false, false, b.out);
        const auto sent = b.out.frames;
        for (const auto& s : sent) (void)b.stack.receive(TimePoint{1ms}, 0, s.bytes, b.out);
        QVERIFY(!b.stack.find(candidate));
    }

    void RFC4862_5_4_5_aDuplicateLinkLocalAddressDisablesTheInterface()
    {
        const Ipv6Address local = linkLocal(eui64(ownMac));
        IpStack stack(false, Random(1));
        stack.addInterface("near", ownMac);
        Output out;
        stack.assign({}, 0, local, false, false, out);
        (void)stack.receive(TimePoint{1ms}, 0, frame(peerMac, ownMac, solicitation(Ipv6Address{}, local, false)), out);
        QVERIFY(!stack.isUp(0) && !stack.nextDeadline());
        QCOMPARE(count(out, "interface-disabled"), std::size_t{1});
        out = {};
        stack.sendIcmp(TimePoint{2ms}, 0, local, allNodes(), wire::RouterSolicitation{}, out);
        QVERIFY2(out.frames.empty(), "nothing is sent");
        QVERIFY2(!stack.receive(TimePoint{3ms}, 0, frame(peerMac, ownMac, icmp(peer, allNodes(), wire::Echo{false, 1, 2, {}})), out) && out.frames.empty(), "nor heard");
        stack.linkUp(TimePoint{1s}, 0, out);
        stack.assign(TimePoint{1s}, 0, local, false, false, out);
        run(stack, TimePoint{3s}, out);
        QVERIFY2(stack.owns(local), "another link, another test");
        // Other addresses may be taken without that.
        (void)stack.takeEvents();
        stack.assign(TimePoint{3s}, 0, candidate, false, false, out);
        (void)stack.receive(TimePoint{3s}, 0, frame(peerMac, ownMac, solicitation(Ipv6Address{}, candidate, false)), out);
        QVERIFY(stack.isUp(0) && !stack.find(candidate));
    }

    void solicitedAdvertisementOfAnOwnAddress()
    {
        Bench b;
        b.in(solicitation(peer, own));
        auto seen = take(b.out);
        QCOMPARE(seen.size(), std::size_t{1});
        const auto& na = *seen[0].frame.as<NeighborAdvertisement>();
        QVERIFY(na.router && na.solicited && na.override && na.target == own && seen[0].inner().destination == peer && seen[0].inner().source == own && seen[0].inner().hopLimit == 255);
        // Detection by somebody else: to all nodes, S=0.
        b.in(solicitation(Ipv6Address{}, own, false));
        seen = take(b.out);
        QVERIFY(seen.size() == 1 && !seen[0].frame.as<NeighborAdvertisement>()->solicited && seen[0].inner().destination == allNodes());
        Bench host(false);
        host.in(solicitation(peer, own));
        QVERIFY(!take(host.out)[0].frame.as<NeighborAdvertisement>()->router);
    }

    /// RFC 4861 §7.2.4: a mobile node that has just come still has an address of another link. It is answered where it asks
    /// (run --random 8100084).
    void theNeighbourThatAsksIsOnTheLink()
    {
        Bench b;
        b.in(solicitation(remote, own));
        const auto seen = take(b.out);
        QCOMPARE(seen.size(), std::size_t{1});
        QVERIFY(seen[0].interface == 0 && seen[0].frame.as<NeighborAdvertisement>() && seen[0].frame.ethernet->destination == peerMac);
        QVERIFY(seen[0].inner().destination == remote && seen[0].inner().hopLimit == 255);
    }

    void HA_ND_02_proxiesAreAnsweredWithoutRouterAndOverride()
    {
        Bench b;
        b.stack.assign({}, 0, candidate, true, true, b.out);
        (void)take(b.out);
        b.in(solicitation(peer, candidate));
        const auto seen = take(b.out);
        QCOMPARE(seen.size(), std::size_t{1});
        const auto& na = *seen[0].frame.as<NeighborAdvertisement>();
        QVERIFY2(!na.router && na.solicited && !na.override && seen[0].inner().source == own, "HA-ND-02");
        QVERIFY(!b.stack.owns(candidate) && b.stack.proxies(candidate));
        const auto delivery = b.in(probe(peer, candidate, {}));
        QVERIFY(delivery && delivery->kind == Delivery::Kind::Intercepted);
    }

    void filtersLikeANetworkCard()
    {
        Bench b;
        const auto packet = probe(peer, own, {});
        QVERIFY(b.in(packet));
        const auto to = [&](const Mac& destination, std::uint16_t type = wire::etherTypeIpv6) {
            return b.stack.receive({}, 0, wire::emitEthernet({destination, peerMac, type}, wire::emitIpv6(packet)), b.out);
        };
        QVERIFY(!to(peerMac) && !to(farMac) && !to(ownMac, 0x0800) && !to(multicastMac(allNodes())));
        auto group = packet;
        group.source = ip("ff02::1");
        QVERIFY(!b.in(group));
        b.stack.linkDown({}, 0, b.out);
        QVERIFY(!b.in(packet));
    }

    void echoIsAnsweredFromTheAddressAsked()
    {
        Bench b;
        b.know(peer);
        b.in(icmp(peer, own, wire::Echo{false, 3, 4, {1, 2, 3}}, 64));
        const auto seen = take(b.out);
        const auto* echo = seen.at(0).frame.as<wire::Echo>();
        QVERIFY(echo && echo->reply && echo->identifier == 3 && echo->data.size() == 3 && seen[0].inner().source == own);
    }

    void RFC8200_4_headersOfOthersGoOnAsTheyCame_data()
    {
        QTest::addColumn<std::uint8_t>("first");
        QTest::addColumn<QByteArray>("headers");
        const auto row = [](const char* name, std::uint8_t first, const char* hex) { QTest::newRow(name) << first << QByteArray::fromHex(hex); };
        row("authentication header, RFC 4302", 51, "11040000" "00000077" "00000009" "494356494356494356494356");
        row("segments of somebody else", 43, "1102040000000007" "20010db8000000000000000000000004");
        row("type 2 with its reserved octets", 43, "1102020101020304" "20010db8000000000000000000000004");
        row("an atomic fragment, RFC 6946", 44, "1100000001020304");
        row("padding only", 0, "1100000000000000");
        row("padding before a router alert", 0, "1100010005020000");
        row("two headers with options", 60, "3c001e0401020304" "11001f0405060708");
        row("options, route, options", 60, "2b001e0401020304" "3c02000000000000" "20010db8000000000000000000000001" "11001f0405060708");
        row("a home address that is not aligned", 60, "1102c91020010db8007700000000000000000001" "01020000");
    }
    void RFC8200_4_headersOfOthersGoOnAsTheyCame()
    {
        QFETCH(std::uint8_t, first);
        QFETCH(QByteArray, headers);
        Bench b;
        b.know(remote, {}, 1);
        wire::Ipv6Packet packet = probe(peer, remote, {});
        packet.payload.insert(packet.payload.begin(), headers.begin(), headers.end());
        packet.nextHeader = first;
        auto delivery = b.in(packet);
        QVERIFY(delivery && delivery->kind == Delivery::Kind::Forward);
        --packet.hopLimit;
        const Bytes whole = wire::emitIpv6(packet);
        const Bytes tunnelled = wire::emitIpv6(encapsulate(delivery->packet, own, candidate));
        QVERIFY2(sizeOf(delivery->packet) == whole.size(), "RFC 8201");
        b.stack.forward({}, delivery->packet, b.out);
        QCOMPARE(b.out.frames.size(), std::size_t{1});
        const Bytes& sent = b.out.frames[0].bytes;
        QVERIFY(Bytes(sent.begin() + wire::EthernetHeader::octets, sent.end()) == whole);
        QVERIFY2(std::equal(tunnelled.begin() + 80, tunnelled.end(), whole.begin() + 40, whole.end()), "RFC 2473 §3: nor does a tunnel");
        wire::FieldReader in(tunnelled, 0, nullptr);
        auto outer = wire::parseIpv6(in);
        QVERIFY(outer);
        auto inner = decapsulate(outer->packet);
        QVERIFY2(inner && inner->hopLimit == packet.hopLimit + 1, "that counts behind the tunnel");
        --inner->hopLimit;
        QVERIFY(wire::emitIpv6(*inner) == whole);
    }

    void RFC2473_4_1_1_aLimitToTunnelsGoesAlong()
    {
        wire::Ipv6Packet inner = probe(peer, remote, {});
        QVERIFY(encapsulate(inner, own, candidate).destinationOptions.empty());
        inner.destinationOptions = {{wire::optionTunnelLimit, {3}}};
        const auto outer = encapsulate(inner, own, candidate);
        QVERIFY(outer.destinationOptions.size() == 1 && outer.destinationOptions[0].type == wire::optionTunnelLimit && outer.destinationOptions[0].data == Bytes{2});
    }

    void RFC4291_nothingGoesToNobodyNorToOurselves()
    {
        Bench b;
        b.stack.setDefaultRouter(0, peer);
        b.know(peer);
        b.in(icmp(Ipv6Address{}, own, wire::Echo{false, 3, 4, {1, 2, 3}}, 64));
        b.in(icmp(ip("::1"), own, wire::Echo{false, 3, 4, {1, 2, 3}}, 64));
        b.in(icmp(own, own, wire::Echo{false, 3, 4, {1, 2, 3}}, 64));
        b.stack.send({}, probe(own, ip("2001:db8:2::1"), {}), b.out);
        QVERIFY2(take(b.out).empty(), "no packet, and no solicitation for an address of our own");
    }

    void RFC8200_4_5_fragmentsOfAWrongLengthAreTold()
    {
        Bench b;
        b.know(peer);
        const auto told = [&](std::uint16_t word, std::size_t length) -> std::optional<std::uint32_t> {
            wire::Ipv6Packet piece = probe(peer, own, {});
            piece.nextHeader = wire::protocol::fragment;
            piece.payload = {wire::protocol::udp, 0, static_cast<std::uint8_t>(word >> 8), static_cast<std::uint8_t>(word), 0, 0, 0, 1};
            piece.payload.resize(wire::fragmentOctets + length);
            b.in(piece);
            const auto seen = take(b.out);
            if (seen.empty()) return std::nullopt;
            const auto* error = seen.at(0).frame.as<IcmpError>();
            return error && error->type == wire::icmpv6Type::parameterProblem && error->code == 0 ? std::optional(error->parameter) : std::nullopt;
        };
        QVERIFY2(told(1, 63) == 4u, "the payload length");
        QVERIFY2(told(0xfff8, 16) == 42u, "the offset");
        QVERIFY(!told(1, 64) && !told(0xfff0, 7));
    }

    void RFC8200_4_5_whatIsNotCompleteAfterAMinuteIsTold()
    {
        // The first piece has come, or not; or it is one of an error message, about which there is none.
        for (const auto& [place, protocol, told] : {std::tuple{0, wire::protocol::udp, true}, {64, wire::protocol::udp, false}, {0, wire::protocol::icmpv6, false}}) {
            Bench b;
            b.know(peer, TimePoint{0s});
            wire::Ipv6Packet piece = probe(peer, own, {});
            piece.nextHeader = wire::protocol::fragment;
            piece.payload = {protocol, 0, 0, static_cast<std::uint8_t>(place | 1), 0, 0, 0, 9};
            piece.payload.resize(wire::fragmentOctets + 64);
            piece.payload[wire::fragmentOctets] = 1;  // Destination Unreachable, where it is ICMPv6
            b.in(piece, TimePoint{1s});
            QVERIFY(take(b.out).empty());
            QCOMPARE(count<IcmpError>(b.to(TimePoint{61s} - 1ns)), std::size_t{0});
            const auto seen = b.to(TimePoint{61s});
            const Seen* found = find<IcmpError>(seen);
            QCOMPARE(found != nullptr, told);
            if (!found) continue;
            const auto* error = found->frame.as<IcmpError>();
            QVERIFY(error->type == wire::icmpv6Type::timeExceeded && error->code == 1 && found->outer().destination == peer);
            const Bytes whole = wire::emitIpv6(piece);
            QVERIFY2(error->invoking == whole, "as it came");
            QCOMPARE(count<IcmpError>(b.to(TimePoint{200s})), std::size_t{0});
        }
    }

    void RFC8200_4_5_aPieceAtThatInstantTakesNothingAway()
    {
        Bench b;
        b.know(peer, TimePoint{0s});
        const auto first = [](std::uint8_t identifier) {
            wire::Ipv6Packet piece = probe(peer, own, {});
            piece.nextHeader = wire::protocol::fragment;
            piece.payload = {wire::protocol::udp, 0, 0, 1, 0, 0, 0, identifier};
            piece.payload.resize(wire::fragmentOctets + 64);
            return piece;
        };
        b.in(first(1), TimePoint{1s});
        b.in(first(2), TimePoint{61s});
        const auto seen = b.to(TimePoint{61s});
        const Seen* error = find<IcmpError>(seen);
        QVERIFY(error && error->frame.as<IcmpError>()->type == wire::icmpv6Type::timeExceeded && error->frame.as<IcmpError>()->invoking == wire::emitIpv6(first(1)));
    }

    void RFC4443_3_3_neighboursAreToldOnTheirOwnLink()
    {
        // The same link-local address on two links is two nodes (RFC 4007 §6): their pieces are not put together.
        Bench b;
        const Ipv6Address neighbour = ip("fe80::7");
        wire::Ipv6Packet whole = probe(neighbour, own, {});
        whole.payload.resize(128);
        const auto pieces = fragmented(whole, 40 + 8 + 64, 5);
        for (const std::size_t link : {0u, 1u}) {
            b.know(neighbour, TimePoint{0s}, link);
            QVERIFY(!b.in(pieces.at(link), TimePoint{1s}, link));
        }
        const auto seen = b.to(TimePoint{61s});
        const Seen* error = find<IcmpError>(seen);
        QVERIFY(count<IcmpError>(seen) == 1 && error->frame.as<IcmpError>()->type == wire::icmpv6Type::timeExceeded && error->frame.as<IcmpError>()->code == 1);
        QVERIFY2(error->interface == 0 && error->inner().destination == neighbour && error->inner().source == own, "the first piece alone came there");
        // The other link, as well.
        Bench far;
        far.know(neighbour, TimePoint{0s}, 1);
        (void)far.in(pieces[0], TimePoint{1s}, 1);
        const auto there = far.to(TimePoint{61s});
        QVERIFY(count<IcmpError>(there) == 1 && find<IcmpError>(there)->interface == 1);
    }

    void RFC4443_2_2_errorsFindNeighboursOnTheirOwnLink()
    {
        for (const std::size_t link : {0u, 1u}) {
            Bench b;
            const Ipv6Address neighbour = ip("fe80::7");
            b.know(neighbour, {}, link);
            wire::Ipv6Packet packet = probe(neighbour, own, {});
            packet.destinationOptions = {{0x80, {1, 2}}};  // RFC 8200 §4.2: unknown, to be told
            QVERIFY(!b.in(packet, {}, link));
            const auto seen = take(b.out);
            QVERIFY(seen.size() == 1 && seen[0].interface == link && seen[0].frame.as<IcmpError>()->type == wire::icmpv6Type::parameterProblem && seen[0].inner().destination == neighbour);
        }
    }

    void RFC4443_3_1_whatIsBeyondTheScopeOfItsSourceIsTold()
    {
        // RFC 4291 §2.5.6: not forwarded, so that no hop limit is used up either (RFC 4443 §3.3).
        const Ipv6Address neighbour = ip("fe80::7");
        for (const std::size_t link : {0u, 1u})
            for (const std::uint8_t limit : {std::uint8_t{64}, std::uint8_t{1}}) {
                Bench b;
                b.know(neighbour, {}, link);
                wire::Ipv6Packet packet = probe(neighbour, link == 0 ? remote : peer, {});
                packet.hopLimit = limit;
                const auto delivery = b.in(packet, {}, link);
                QVERIFY(delivery && delivery->kind == Delivery::Kind::Forward);
                b.stack.forward({}, delivery->packet, b.out);
                const auto seen = take(b.out);
                const auto* error = seen.size() == 1 ? seen[0].frame.as<IcmpError>() : nullptr;
                QVERIFY2(error && error->type == wire::icmpv6Type::destinationUnreachable && error->code == 2, "beyond scope of source address");
                QVERIFY(seen[0].interface == link && seen[0].inner().destination == neighbour && seen[0].inner().source == linkLocal(eui64(link == 0 ? ownMac : farMac)));
            }
        // What comes out of a tunnel has a link that is none of ours.
        Bench b;
        const auto inner = b.stack.receiveInner({}, 0, probe(neighbour, remote, {}), b.out);
        if (inner) b.stack.forward({}, inner->packet, b.out);
        QVERIFY(take(b.out).empty());
    }

    void RFC6275_6_3_homeAddressOptionsInWrongPlacesAndLengths()
    {
        const Ipv6Address home = ip("2001:db8:9::1");
        struct Case {
            bool hopByHop;
            std::size_t octets;
            bool mobility;
            std::optional<std::pair<int, std::uint32_t>> told;  // code and pointer
        };
        // 40 octets of header, 2 of the options header, padding so that the address stands at 8n.
        for (const Case& c : {Case{true, 16, true, std::pair{2, 46u}}, {true, 16, false, std::pair{2, 46u}}, {false, 15, true, std::pair{0, 47u}},
                              {false, 0, true, std::pair{0, 47u}}, {false, 16, false, std::pair{2, 46u}}}) {
            Bench b;
            b.know(peer);
            if (c.mobility) b.stack.setMobilitySupport();
            wire::Ipv6Packet packet = icmp(peer, own, wire::Echo{false, 3, 4, {}}, 64);
            Bytes address(home.octets.begin(), home.octets.begin() + static_cast<std::ptrdiff_t>(c.octets));
            (c.hopByHop ? packet.hopByHop : packet.destinationOptions).push_back({wire::optionHomeAddress, address});
            QVERIFY(!b.in(packet));
            const auto seen = take(b.out);
            const auto* error = seen.size() == 1 ? seen[0].frame.as<IcmpError>() : nullptr;
            QVERIFY(error && error->type == wire::icmpv6Type::parameterProblem);
            QCOMPARE(int{error->code}, c.told->first);
            QCOMPARE(error->parameter, c.told->second);
            packet.destination = allNodes();
            packet.payload = icmp(peer, allNodes(), wire::Echo{false, 3, 4, {}}, 64).payload;
            QVERIFY2(!b.in(packet) && take(b.out).empty(), "never about a packet to a group");
        }
    }

    void RFC8200_4_2_unknownOptionsInTunnelsToo()
    {
        Bench b;
        b.know(peer);
        wire::Ipv6Packet packet = icmp(peer, own, wire::Echo{false, 3, 4, {}}, 64);
        packet.destinationOptions.push_back({0x80, {1, 2}});
        QVERIFY(!b.stack.receiveInner({}, 0, *decapsulate(encapsulate(packet, remote, own)), b.out));
        const auto seen = take(b.out);
        const auto* error = seen.size() == 1 ? seen[0].frame.as<IcmpError>() : nullptr;
        QVERIFY(error && error->type == wire::icmpv6Type::parameterProblem && error->code == 2);
        QCOMPARE(error->parameter, 42u);
    }

    void RFC6275_6_3_oneHomeAddressOptionAtMost()
    {
        Bench b;
        b.know(peer);
        b.stack.setDefaultRouter(0, peer);
        const Ipv6Address home = ip("2001:db8:9::1");
        b.stack.setMobilitySupport();
        wire::Ipv6Packet packet = icmp(home, own, wire::Echo{false, 3, 4, {}}, 64);
        packet.source = peer;
        packet.setHomeAddress(home);
        b.in(packet);
        QVERIFY2(take(b.out).size() == 1, "Binding Error 1");
        packet.destinationOptions.push_back(packet.destinationOptions.back());
        b.in(packet);
        QVERIFY2(take(b.out).empty(), "nobody knows from whom");
    }

    void unreachableNeighbourThreeSolicitationsThenCode3()
    {
        Bench b;
        b.know(peer);
        auto delivery = b.in(probe(peer, remote, {}));
        QVERIFY(delivery && delivery->kind == Delivery::Kind::Forward);
        b.stack.forward({}, delivery->packet, b.out);
        std::vector<TimePoint> solicited;
        const Seen* error = nullptr;
        std::vector<Seen> all;
        for (int s = 0; s <= 4; ++s) {
            for (Seen& x : s == 0 ? take(b.out) : b.to(TimePoint{s * 1s})) {
                if (const auto* ns = x.frame.as<NeighborSolicitation>(); ns && ns->target == remote) {
                    solicited.push_back(TimePoint{s * 1s});
                    QVERIFY(x.interface == 1 && x.inner().source == ip("2001:db8:2::1") && x.inner().destination == solicitedNode(remote));
                    QCOMPARE(wire::findOption<wire::SourceLinkLayerOption>(ns->options)->address, farMac);
                }
                all.push_back(std::move(x));
            }
        }
        QCOMPARE(solicited, (std::vector<TimePoint>{TimePoint{}, TimePoint{1s}, TimePoint{2s}}));
        error = find<IcmpError>(all);
        QVERIFY(error && error->frame.as<IcmpError>()->type == 1 && error->frame.as<IcmpError>()->code == 3 && error->inner().destination == peer);
        QVERIFY(error->frame.as<IcmpError>()->invoking.size() >= 40 && error->inner().hopLimit == 64);
    }

    void noRouteIsCode0AndHopLimitIsTimeExceeded()
    {
        Bench b;
        b.know(peer);
        b.stack.forward({}, probe(peer, ip("2001:db8:ffff::1"), {}), b.out);
        auto seen = take(b.out);
        QVERIFY(seen.at(0).frame.as<IcmpError>()->type == 1 && seen[0].frame.as<IcmpError>()->code == 0);
        for (const std::uint8_t limit : std::initializer_list<std::uint8_t>{0, 1}) {
            auto packet = probe(peer, remote, {});
            packet.hopLimit = limit;
            b.stack.forward({}, packet, b.out);
            seen = take(b.out);
            QVERIFY(seen.size() == 1 && seen[0].frame.as<IcmpError>()->type == wire::icmpv6Type::timeExceeded && seen[0].inner().source == own);
        }
    }

    void errorsAboutErrorsGroupsAndNobodyAreNotSent()
    {
        Bench b;
        b.know(peer);
        const Ipv6Address nowhere = ip("2001:db8:ffff::1");
        b.stack.forward({}, icmp(peer, nowhere, IcmpError{}, 64), b.out);
        b.stack.forward({}, icmp(peer, nowhere, wire::RawIcmpv6{wire::icmpv6Type::redirect, 0, Bytes(36)}, 64), b.out);
        b.stack.forward({}, probe(Ipv6Address{}, nowhere, {}), b.out);
        b.stack.forward({}, probe(ip("fe80::7"), nowhere, {}), b.out);
        b.stack.send({}, probe(own, nowhere, {}), b.out);
        QVERIFY(take(b.out).empty());
    }

    void errorsAreLimitedToTenASecond()
    {
        Bench b;
        b.know(peer);
        const auto burst = [&](TimePoint now) {
            for (int i = 0; i < 100; ++i) b.stack.forward(now, probe(peer, ip("2001:db8:ffff::1"), {}), b.out);
            return count<IcmpError>(take(b.out));
        };
        QCOMPARE(burst({}), std::size_t{10});
        QCOMPARE(burst(TimePoint{500ms}), std::size_t{5});
        QCOMPARE(burst(TimePoint{100s}), std::size_t{10});
    }

    void listenerReportsTwiceFromTheLinkLocalAddress()
    {
        Bench b;
        b.stack.assign({}, 0, candidate, false, true, b.out);
        auto seen = take(b.out);
        for (Seen& s : b.to(TimePoint{10s})) seen.push_back(std::move(s));
        QCOMPARE(count<wire::ListenerReport>(seen), std::size_t{2});
        for (const Seen& s : seen) {
            QVERIFY(s.inner().source == linkLocal(eui64(ownMac)) && s.inner().destination == allMldv2Routers() && s.inner().hopLimit == 1);
            QCOMPARE(s.inner().hopByHop.at(0).type, wire::optionRouterAlert);
        }
    }

    void RFC3810_6_1_groupsThatAreLeftAreToldTwice()
    {
        Bench b;
        b.stack.assign({}, 0, candidate, false, true, b.out);
        (void)b.to(TimePoint{10s});
        const Ipv6Address twin = withInterfaceId(ip("2001:db8:7::"), interfaceId(candidate));
        b.stack.assign(TimePoint{10s}, 0, twin, false, true, b.out);
        b.stack.remove(TimePoint{10s}, 0, candidate, b.out);
        QVERIFY2(count<wire::ListenerReport>(b.to(TimePoint{20s})) == 0, "another address is in the group still");
        b.stack.remove(TimePoint{20s}, 0, twin, b.out);
        auto seen = take(b.out);
        QCOMPARE(seen.size(), std::size_t{1});
        for (Seen& s : b.to(TimePoint{30s})) seen.push_back(std::move(s));
        QCOMPARE(seen.size(), std::size_t{2});
        for (const Seen& s : seen) {
            const auto* report = s.frame.as<wire::ListenerReport>();
            QVERIFY(report && report->records.size() == 1 && report->records[0].type == wire::ListenerReport::changeToInclude);
            QVERIFY(report->records[0].group == solicitedNode(candidate) && report->records[0].sources.empty());
            QVERIFY(s.inner().source == linkLocal(eui64(ownMac)) && s.inner().destination == allMldv2Routers() && s.inner().hopLimit == 1);
        }
        // Joined again meanwhile: the second word is not sent.
        b.stack.assign(TimePoint{30s}, 0, candidate, false, true, b.out);
        (void)b.to(TimePoint{40s});
        b.stack.remove(TimePoint{40s}, 0, candidate, b.out);
        b.stack.assign(TimePoint{40s}, 0, candidate, false, true, b.out);
        seen = b.to(TimePoint{50s});
        QCOMPARE(std::count_if(seen.begin(), seen.end(), [](const Seen& s) { return s.frame.as<wire::ListenerReport>()->records[0].type == wire::ListenerReport::changeToInclude; }), 1);
        b.stack.remove(TimePoint{50s}, 0, candidate, b.out);
        b.out = {};
        b.stack.linkDown(TimePoint{50s}, 0, b.out);
        QVERIFY2(b.to(TimePoint{60s}).empty(), "nothing leaves a link that is gone");
    }

    void RFC3590_groupsAreReportedAgainWhenTheLinkLocalAddressIsReady()
    {
        IpStack stack(false, Random(1));
        stack.addInterface("near", ownMac);
        Output out;
        const Ipv6Address local = linkLocal(eui64(ownMac));
        stack.assign({}, 0, local, false, false, out);
        run(stack, TimePoint{999ms}, out);
        auto seen = take(out);
        QVERIFY(count<wire::ListenerReport>(seen) >= 1);
        for (const Seen& s : seen) QVERIFY(s.inner().source.isUnspecified());
        run(stack, TimePoint{1s}, out);
        seen = take(out);
        const bool again = std::any_of(seen.begin(), seen.end(), [&](const Seen& s) {
            return s.inner().source == local && s.inner().destination == allMldv2Routers();
        });
        QVERIFY(again);
        // RFC 3810 §6: never about ff02::1.
        for (const Seen& s : seen)
            if (const auto* report = s.frame.as<wire::ListenerReport>()) QVERIFY(report->records.at(0).group == solicitedNode(local));
    }

    void linkDownForgetsWhatWasLearnt()
    {
        Bench b;
        b.stack.assign({}, 0, candidate, false, true, b.out);
        b.stack.setOnLink(0, prefix("2001:db8:77::/64"));
        b.know(peer);
        b.stack.linkDown(TimePoint{1s}, 0, b.out);
        b.out = {};
        QVERIFY(!b.stack.find(candidate) && b.stack.owns(own) && !b.stack.interfaceOf(ip("2001:db8:77::1")) && b.stack.interfaceOf(peer));
        b.stack.send(TimePoint{1s}, probe(own, peer, {}), b.out);
        QVERIFY(b.out.frames.empty() && !b.stack.nextDeadline());
        b.stack.linkUp(TimePoint{2s}, 0, b.out);
        b.stack.send(TimePoint{2s}, probe(own, peer, {}), b.out);
        QCOMPARE(count<NeighborSolicitation>(take(b.out)), std::size_t{1});
    }
};

QTEST_APPLESS_MAIN(TestIpStack)
#include "test_ip_stack.moc"
