// SPDX-License-Identifier: GPL-3.0-or-later
// The errors that the IPv6 of a node tells, stepped by hand (RFC 4443): about pieces, options, ways that do not exist; to whom, and how often.
#include "tests/support/stack_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using namespace roamscope::test::stacks;
using wire::IcmpError;
using wire::NeighborAdvertisement;
using wire::NeighborSolicitation;

class TestIpStackErrors : public QObject {
    Q_OBJECT
private Q_SLOTS:
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
};

QTEST_APPLESS_MAIN(TestIpStackErrors)
#include "test_ip_stack_errors.moc"
