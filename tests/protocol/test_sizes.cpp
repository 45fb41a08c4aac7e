// SPDX-License-Identifier: GPL-3.0-or-later
// Packets that are too large for their way: fragments, path MTUs, tunnels inside tunnels (RFC 8200 §4.5, RFC 8201, RFC 2473 §7;
// HMIP-MN-27).
#include "tests/support/mobile_bench.hpp"

#include "protocol/node/anchor.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using wire::IcmpError;

namespace {

wire::Ipv6Packet largeProbe(std::size_t size, std::uint32_t serial = 1)
{
    wire::Ipv6Packet packet;
    packet.source = correspondent;
    packet.destination = homeAddress;
    packet.nextHeader = wire::protocol::udp;
    packet.payload = wire::emitUdp({wire::probeSourcePort, wire::probeSinkPort, wire::emitProbe({7, false, serial, TimePoint{}}, size)}, packet.pseudoHeader());
    return packet;
}

/// Octets of the packet that a frame carries.
std::vector<std::size_t> sizes(const Output& out)
{
    std::vector<std::size_t> list;
    for (const SentFrame& f : out.frames) list.push_back(f.bytes.size() - 14);
    return list;
}

wire::Ipv6Packet throughBoth(const wire::Ipv6Packet& packet) { return encapsulate(encapsulate(packet, homeAgent, rcoa), mapAddress, lcoa); }

/// The fragments of `packet`, each through both tunnels.
void inPieces(Bench& b, const wire::Ipv6Packet& packet, std::size_t mtu)
{
    for (const wire::Ipv6Packet& piece : fragmented(packet, mtu, 77)) b.in(throughBoth(piece));
}

wire::Ipv6Packet tooBig(const Ipv6Address& from, const Ipv6Address& to, std::uint32_t mtu, const wire::Ipv6Packet& about)
{
    return icmp(from, to, IcmpError{wire::icmpv6Type::packetTooBig, 0, mtu, wire::emitIpv6(about)}, 64);
}

}  // namespace

class TestSizes : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void piecesAreTheWholeAgain()
    {
        wire::Ipv6Packet packet = largeProbe(3000);
        for (const std::size_t mtu : std::initializer_list<std::size_t>{1280, 1500, 100, 49 + 8}) {
            auto pieces = fragmented(packet, mtu, 5);
            QVERIFY(pieces.size() > 1);
            for (const auto& piece : pieces) QVERIFY(wire::emitIpv6(piece).size() <= mtu);
            std::reverse(pieces.begin(), pieces.end());
            FragmentStore store;
            std::optional<wire::Ipv6Packet> whole;
            for (const auto& piece : pieces) {
                QVERIFY(!whole);
                whole = store.add({}, piece);
            }
            QVERIFY(whole && *whole == packet);
        }
        QCOMPARE(fragmented(packet, 4000, 1).size(), std::size_t{1});
        QVERIFY2(fragmented(packet, 40, 1).empty(), "not even the headers fit");
        packet.setHomeAddress(homeAddress);
        packet.routing = wire::Type2Routing{1, homeAddress};
        for (const auto& piece : fragmented(packet, 1280, 1)) QVERIFY2(piece.homeAddress() == homeAddress && piece.routing, "RFC 6275 §6.3: before the fragment header");
    }

    void hostilePieces()
    {
        const auto pieces = fragmented(largeProbe(3000), 1280, 5);
        FragmentStore store;
        (void)store.add({}, pieces[0]);
        wire::Ipv6Packet shifted = pieces[1];
        shifted.payload[3] = static_cast<std::uint8_t>(shifted.payload[3] - 8);  // RFC 5722: an overlap spoils all
        QVERIFY(!store.add({}, shifted) && !store.add({}, pieces[1]) && !store.add({}, pieces[2]));
        FragmentStore slow;
        (void)slow.add({}, pieces[0]);
        (void)slow.add({}, pieces[1]);
        QVERIFY2(!slow.add(TimePoint{60s}, pieces[2]), "given up after a minute");
        FragmentStore many;
        for (std::uint32_t i = 0; i < 1000; ++i) (void)many.add({}, fragmented(largeProbe(3000), 1280, i)[0]);
        (void)many.add({}, pieces[0]);
        (void)many.add({}, pieces[1]);
        QVERIFY2(many.add({}, pieces[2]), "a flood of beginnings does not keep others out");
        // Octets behind the end count as much as those that are missing before it.
        const auto small = [&](std::size_t place, bool more) {
            wire::Ipv6Packet piece = pieces[0];
            piece.payload.resize(wire::fragmentOctets + 8);
            piece.payload[2] = static_cast<std::uint8_t>(place >> 8);
            piece.payload[3] = static_cast<std::uint8_t>(place | (more ? 1u : 0u));
            return piece;
        };
        FragmentStore behind;
        QVERIFY(!behind.add({}, small(40, true)) && !behind.add({}, small(16, false)) && !behind.add({}, small(0, true)));
        for (std::size_t cut = 0; cut <= 8; ++cut) {
            wire::Ipv6Packet piece = pieces[0];
            piece.payload.resize(cut);
            QVERIFY(!many.add({}, piece));
        }
    }

    void RFC8200_4_5_whatIsGivenUpWhenAPieceComesIsToldToo()
    {
        const auto pieces = fragmented(largeProbe(3000), 1280, 5);
        for (const std::uint32_t arrives : {5u, 6u}) {  // of the same packet, or of another one
            FragmentStore store;
            (void)store.add({}, pieces[0]);
            // At the very instant, before anybody has asked what is over.
            (void)store.add(TimePoint{60s}, fragmented(largeProbe(3000), 1280, arrives)[1]);
            QVERIFY2(store.nextDeadline() == TimePoint{60s}, "somebody has to be told");
            const auto lost = store.expire(TimePoint{60s});
            QVERIFY2(lost.size() == 1 && lost[0].first == pieces[0], "RFC 8200 4.5: as it came");
            QVERIFY2(store.nextDeadline() == TimePoint{120s} && store.expire(TimePoint{120s} - 1ns).empty(), "told once");
        }
    }

    void RFC8200_4_5_whatIsWrongWithAPieceIsTold()
    {
        const auto pieces = fragmented(largeProbe(3000), 1280, 5);
        for (const auto& piece : pieces) QVERIFY(!FragmentStore::wrongField(piece));
        wire::Ipv6Packet odd = pieces[0];
        odd.payload.pop_back();
        QVERIFY2(FragmentStore::wrongField(odd) == 4u, "RFC 8200 4.5: the payload length");
        wire::Ipv6Packet far = pieces[2];
        far.payload[2] = 0xff;
        far.payload[3] = 0xf8;
        QVERIFY2(FragmentStore::wrongField(far) == 42u, "RFC 8200 4.5: the fragment offset");
        wire::Ipv6Packet error = odd;
        error.payload[0] = wire::protocol::icmpv6;
        error.payload[wire::fragmentOctets] = wire::icmpv6Type::packetTooBig;
        QVERIFY2(!FragmentStore::wrongField(error), "RFC 4443 2.4 e: it may be of an error");
        Bench b = Bench::plain();
        odd.destination = lcoa;
        b.out = {};
        b.in(odd);
        const auto seen = take(b.out);
        QVERIFY2(seen.size() == 1 && seen[0].inner().payload[0] == wire::icmpv6Type::parameterProblem && seen[0].inner().payload[7] == 4, "RFC 8200 4.5");
    }

    void pathMtusAreBoundedAndForgotten()
    {
        PathMtu paths;
        paths.told({}, correspondent, 1279);
        QVERIFY2(paths.find({}, correspondent, 1500) == 1500, "RFC 8201 §4: below the least MTU");
        paths.told({}, correspondent, 1400);
        paths.told({}, correspondent, 1450);
        QVERIFY2(paths.find({}, correspondent, 1500) == 1400, "never raised by a message");
        QVERIFY(paths.find(TimePoint{600s}, correspondent, 1500) == 1500);
        for (int i = 0; i < 1000; ++i) paths.told(TimePoint{1s}, withInterfaceId(correspondent, {0, 0, 0, 0, 0, 1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}), 1300);
        QVERIFY2(paths.find(TimePoint{2s}, correspondent, 1500) == 1500, "and forgotten when others need the place");
    }

    void HMIP_MN_27_bothTunnelsAreSubtracted()
    {
        Bench b = Bench::registered();
        b.out = {};
        b.in(throughBoth(largeProbe(1300)));  // 1348 octets: with both tunnels 1428
        QVERIFY(sizes(b.out) == std::vector<std::size_t>{1428});
        b.out = {};
        inPieces(b, largeProbe(1440), 1400);  // 1488 octets: more than 1500 - 80
        QVERIFY2(count(b.out, "probe-received") == 1, "pieces out of tunnels are put together");
        const auto seen = sizes(b.out);
        QVERIFY2(seen.size() == 2 && seen[0] <= 1500 && seen[1] <= 1500, "HMIP-MN-27: the answer in two pieces, none of them too large for the link");
        for (const Seen& s : take(b.out)) {
            QVERIFY2(s.frame.packets.size() == 3 && s.frame.packets[0].nextHeader == wire::protocol::ipv6 && s.frame.packets[1].nextHeader == wire::protocol::ipv6, "HMIP-MN-27: cut before the tunnels");
            QVERIFY(s.inner().nextHeader == wire::protocol::fragment || s.frame.fragment);
        }
    }

    void HMIP_MN_27_packetTooBigFromEverywhere()
    {
        // A message about a packet of ours reaches us as that packet left: from inside the tunnels, or from outside.
        const auto answered = [](Bench& b) {
            b.out = {};
            b.in(throughBoth(largeProbe(1300)));
            return sizes(b.out);
        };
        const wire::Ipv6Packet inner = [] {
            wire::Ipv6Packet p = largeProbe(1300);
            std::swap(p.source, p.destination);
            return p;
        }();
        const wire::Ipv6Packet first = encapsulate(inner, rcoa, homeAgent), second = encapsulate(first, lcoa, mapAddress);
        const Ipv6Address router = ip("2001:db8:ffff::1");
        Bench outside = Bench::registered();
        outside.in(tooBig(router, lcoa, 1400, second));
        for (const std::size_t size : answered(outside)) QVERIFY2(size <= 1400, "on the way to the MAP");
        Bench between = Bench::registered();
        between.in(encapsulate(tooBig(router, rcoa, 1340, first), mapAddress, lcoa));
        for (const std::size_t size : answered(between)) QVERIFY2(size <= 1380, "between MAP and home agent");
        Bench beyond = Bench::registered();
        beyond.in(throughBoth(tooBig(router, homeAddress, 1300, inner)));
        for (const std::size_t size : answered(beyond)) QVERIFY2(size <= 1380, "behind the home agent");
        QVERIFY(answered(beyond).size() == 2);
        Bench lie = Bench::registered();
        lie.in(tooBig(router, lcoa, 1400, encapsulate(first, ip("2001:db8:bad::1"), mapAddress)));
        QVERIFY2(answered(lie) == std::vector<std::size_t>{1428}, "not ours");
    }

    void RFC2473_theHomeAgentTellsSendersOfLargePackets()
    {
        const Mac agentMac = mac("02:00:00:00:01:01"), routerMac = mac("02:00:00:00:01:02");
        const Ipv6Address router = ip("fe80::ff:fe00:102");
        IpStack stack(true, Random(1));
        stack.addInterface("home", agentMac);
        stack.addStaticAddress(0, {linkLocal(eui64(agentMac)), 64});
        stack.addStaticAddress(0, prefix("2001:db8:100::1/64"));
        stack.addRoute(prefix("::/0"), 0, router);
        Registrar::Policy policy;
        policy.homePrefixes = {RouterPrefix(prefix("2001:db8:100::/64"))};
        policy.verify = false;
        Anchor agent(std::move(stack), policy);
        Output out;
        const auto in = [&](const wire::Ipv6Packet& packet) {
            out.frames.clear();
            agent.receive({}, 0, frame(routerMac, agentMac, packet), out);
            return take(out);
        };
        (void)in(icmp(router, linkLocal(eui64(agentMac)), NeighborSolicitation{linkLocal(eui64(agentMac)), {wire::SourceLinkLayerOption{routerMac}}}));
        (void)in(mobility(lcoa, homeAgent, BindingUpdate{1, BindingUpdate::acknowledge | BindingUpdate::homeRegistration, WireLifetime{100}, {wire::AlternateCareOfAddress{lcoa}}}, homeAddress));
        QVERIFY(agent.registrar().find(homeAddress));
        const auto small = in(largeProbe(1400));  // 1448 and 40 for the tunnel
        QVERIFY(small.size() == 1 && small[0].outer().destination == lcoa);
        const auto large = in(largeProbe(1440));  // 1488 and 40: more than 1500
        const auto* error = large.size() == 1 ? large[0].frame.as<IcmpError>() : nullptr;
        QVERIFY2(error && error->type == wire::icmpv6Type::packetTooBig && error->parameter == 1460 && large[0].inner().destination == correspondent, "RFC 2473 §7.1 a");
        // A link on the way to the care-of address that takes no more than 1280 octets.
        (void)in(tooBig(ip("2001:db8:ffff::1"), homeAgent, 1280, encapsulate(largeProbe(1400), homeAgent, lcoa)));
        const auto told = in(largeProbe(1400));
        const auto* again = told.size() == 1 ? told[0].frame.as<IcmpError>() : nullptr;
        QVERIFY2(again && again->parameter == 1280, "RFC 2473 §7.1: never less than 1280");
        const auto cut = in(largeProbe(1232));  // 1280 octets: the least MTU must pass
        QVERIFY2(cut.size() == 2 && cut[0].outer().destination == lcoa && cut[0].frame.fragment, "RFC 2473 §7.1 b: the tunnel's packet is cut");
    }
};

QTEST_APPLESS_MAIN(TestSizes)
#include "test_sizes.moc"
