// SPDX-License-Identifier: GPL-3.0-or-later
// A home agent with an IPv4 address (RFC 5555, RFC 5648 §8): ARP, registrations of IPv4 care-of addresses, NATs, tunnels both ways.
#include "tests/support/ipv4_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using namespace roamscope::test::anchors;

namespace {

using std::string;

constexpr std::uint16_t F = BindingUpdate::forceUdp, O = BindingUpdate::overwrite;

wire::Ipv4HomeAddress wantsHome(const char* address, std::uint8_t length = 32, bool prefix = false) { return {v4(address), length, prefix}; }

/// A frame with one octet changed.
Bytes spoilt(Bytes frame, std::size_t at)
{
    frame[at] ^= 0x55;
    return frame;
}

}  // namespace

class TestAnchorIpv4 : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MCOA_DS_02_anAddressWithoutNat()
    {
        Ipv4Bench b;
        QVERIFY2(b.over4({bid4(2, cellV4)}) == "198.51.100.5:4191 0 11 100: nat 0/4294967295 2/0", "MCOA-DS-03: no option 30, the identifier last");
        QCOMPARE(b.parts(), string("2 ::ffff:198.51.100.5"));
        QVERIFY2(b.way() == "198.51.100.5", "RFC 5555 §4.2: as such where there is no NAT");
        QVERIFY(b.taken(cellV4, 0) && b.taken(cellV4, 4191) && !b.taken(otherV4, 0) && !b.taken(cellV4, 0, ip("2001:db8:100::1:9")));
    }

    void MCOA_DS_02_theSourceBehindANat()
    {
        Ipv4Bench b;
        QCOMPARE(b.over4({bid4(2, privateV4)}, natV4, 40001), string("203.0.113.9:40001 0 11 100: nat 0/110 2/0"));
        QCOMPARE(b.parts(), string("2 ::ffff:203.0.113.9"));
        QVERIFY2(b.way() == "203.0.113.9:40001", "in UDP, to the port of the update");
        QVERIFY(b.taken(natV4, 40001) && !b.taken(natV4, 40002) && !b.taken(natV4, 0) && !b.taken(privateV4, 40001));
        QCOMPARE(b.over4({bid4(2, privateV4)}, natV4, 40007), string("203.0.113.9:40007 0 12 100: nat 0/110 2/0"));
        QVERIFY2(b.way() == "203.0.113.9:40007", "the NAT has given it another port");
        QCOMPARE(b.over4({refresh(2)}, natV4, 40008), string("203.0.113.9:40008 0 13 100: nat 0/110 2/0"));
        QCOMPARE(b.way(), string("203.0.113.9:40008"));
        QCOMPARE(b.over4({bid4(2, cellV4)}), string("198.51.100.5:4191 0 14 100: nat 0/4294967295 2/0"));
        QVERIFY(b.parts() == "2 ::ffff:198.51.100.5" && b.way() == "198.51.100.5" && !b.taken(natV4, 40008));
        QCOMPARE(b.anchor.ipv4()->tunnels(), std::size_t{1});
    }

    void MCOA_DS_01_neverFirstInBulk()
    {
        Ipv4Bench b;
        QVERIFY2(b.over6({bid(1, careOf), bid4(2, cellV4)}) == "2001:db8:300::5 4 11 100: 1/0 2/168", "the others are registered");
        QCOMPARE(b.parts(), string("1 2001:db8:300::5"));
        QCOMPARE(b.over4({bid(1, careOf), bid4(2, cellV4)}), string("198.51.100.5:4191 4 12 100: nat 0/110 1/0 2/168"));
        QVERIFY2(b.over6({bid4(2, cellV4)}) == "2001:db8:300::5 129 13 0: 2/129", "from elsewhere a NAT does not show");
        QVERIFY(b.over4({bid4(2, cellV4)}).starts_with("198.51.100.5:4191 0 14"));
        QVERIFY2(b.over6({refresh(1), bid4(2, cellV4)}) == "2001:db8:300::5 0 15 100: 1/0 2/0", "without a NAT it may be in bulk from then on");
        QCOMPARE(b.over4({bid(1, careOf), bid4(2, cellV4)}), string("198.51.100.5:4191 0 16 100: nat 0/4294967295 1/0 2/0"));
        QVERIFY2(b.over6({refresh(1), bid4(2, otherV4)}) == "2001:db8:300::5 4 17 100: 1/0 2/168", "alone again whenever it is changed");
        QCOMPARE(b.parts(), string("1 2001:db8:300::5, 2 ::ffff:198.51.100.5"));
        QVERIFY(b.over4({bid4(2, privateV4)}, natV4, 40001).starts_with("203.0.113.9:40001 0 18"));
        QVERIFY2(b.over6({refresh(1), bid4(2, privateV4)}) == "2001:db8:300::5 4 19 100: 1/0 2/168", "behind a NAT never");
        QVERIFY2(b.over6({refresh(1), refresh(2)}) == "2001:db8:300::5 0 20 100: 1/0 2/0", "MCOA-HA-03: what is stored stays");
    }

    void MCOA_DS_03_ipv4HomeAddresses()
    {
        Ipv4Bench b;
        QVERIFY2(b.over4({wantsHome("192.0.2.77"), bid4(2, cellV4)}) == "198.51.100.5:4191 0 11 100: home 130/0/192.0.2.77 nat 0/4294967295 2/0", "option 30 before any identifier");
        QCOMPARE(b.over4({wantsHome("0.0.0.0"), bid4(2, cellV4)}), string("198.51.100.5:4191 0 12 100: home 132/0/0.0.0.0 nat 0/4294967295 2/0"));
        QCOMPARE(b.over4({wantsHome("0.0.0.0"), wantsHome("0.0.0.0", 24, true), bid4(2, cellV4)}), string("198.51.100.5:4191 0 13 100: home 132/0/0.0.0.0 home 133/0/0.0.0.0 nat 0/4294967295 2/0"));
        QCOMPARE(b.over6({wantsHome("224.0.0.5"), bid(1, careOf)}), string("2001:db8:300::5 0 14 100: home 131/0/224.0.0.5 1/0"));
        QCOMPARE(b.over6({wantsHome("192.0.2.77", 0), bid(1, careOf)}), string("2001:db8:300::5 0 15 100: home 131/0/192.0.2.77 1/0"));
        b.sequence = 3;
        QVERIFY2(b.over4({wantsHome("192.0.2.77"), bid4(2, cellV4)}) == "198.51.100.5:4191 135 15 0: home 130/0/192.0.2.77 nat 0/4294967295 2/0", "of a refused update, too");
    }

    void MCOA_DS_03_theStatusIsInTheIdentifier()
    {
        Ipv4Bench b;
        for (const char* bad : {"224.0.0.1", "127.0.0.1", "0.0.0.0", "255.255.255.255"})
            QVERIFY2(b.over4({bid4(2, v4(bad))}).ends_with(fmt::format(" 164 {} 0: nat 0/110 2/164", b.sequence)), "MCOA-HA-02");
    }

    void withoutAnIpv4AddressNothingIsTaken()  // MCOA-HA-02, MCOA-DS-02
    {
        Mcoa b;
        QCOMPARE(b.update({bid4(2, cellV4)}), string("164 11 0: 2/0"));
        QCOMPARE(b.update({bid(1, careOf), bid4(2, cellV4)}), string("4 12 100: 1/0 2/164"));
        QCOMPARE(b.update({wantsHome("192.0.2.77"), bid(1, careOf)}, 100, F), string("0 13 100: 1/0"));
        for (const Bytes& frame : {inIpv4(mobility(home, agent, BindingUpdate{99, 0xc000, WireLifetime{9}, {bid4(2, cellV4)}}, {}), cellV4, 4191), arp(wire::ArpMessage::request, gatewayV4, agentV4)}) {
            b.anchor.receive(b.now, coreLink, frame, b.out);
            QVERIFY(take(b.out).empty());
        }
    }

    /// RFC 5555 §2.2: the home address is the source and stands in the option, too. The answer goes to the home address in IPv4.
    void prefixSolicitations()
    {
        Ipv4Bench b;
        (void)b.over4({bid4(2, cellV4)});
        for (const bool option : {true, false}) {
            wire::Ipv6Packet packet = icmp(home, agent, wire::MobilePrefixSolicitation{7, {}}, 64);
            if (option) packet.setHomeAddress(home);
            b.raw(inIpv4(packet, cellV4, 0));
            const auto seen = b.sent();
            (void)b.Bench::to(b.now - TimePoint{} + 2s);  // HA-MPA-01: one in a second
            const Seen* answer = find<wire::MobilePrefixAdvertisement>(seen);
            QVERIFY2(answer && Ipv4Bench::to(*answer) == "198.51.100.5" && answer->inner().destination == home, "HA-MPA-02");
        }
        wire::Ipv6Packet another = icmp(home, agent, wire::MobilePrefixSolicitation{8, {}}, 64);
        another.setHomeAddress(ip("2001:db8:100::1:9"));
        b.raw(inIpv4(another, cellV4, 0));
        QVERIFY2(!find<wire::MobilePrefixAdvertisement>(b.sent()), "HA-HAO-01: a home address that is not bound");
    }

    void udpWhereItIsForced()  // RFC 5555 §3.1.3, §4.5
    {
        Ipv4Bench b;
        QCOMPARE(b.over4({bid4(2, cellV4)}, cellV4, 4191, 100, F), string("198.51.100.5:4191 0 11 100: nat 1/4294967295 2/0"));
        QVERIFY(b.way() == "198.51.100.5:4191" && !b.taken(cellV4, 0));
        QVERIFY2(b.over6({bid(1, careOf)}, 100, F) == "2001:db8:300::5 144 12 0: 1/0", "there is no UDP over IPv6");
    }

    void plainRegistrations()  // RFC 5555 §4.2
    {
        Ipv4Bench b;
        QCOMPARE(b.over4({wire::Ipv4CareOfAddress{cellV4}}), string("198.51.100.5:4191 0 11 100: nat 0/4294967295"));
        QVERIFY(b.parts() == "0 ::ffff:198.51.100.5" && b.way() == "198.51.100.5" && b.taken(cellV4, 0));
        QCOMPARE(b.over4({wire::Ipv4CareOfAddress{privateV4}}, natV4, 40001), string("203.0.113.9:40001 0 12 100: nat 0/110"));
        QVERIFY(b.way() == "203.0.113.9:40001" && !b.taken(cellV4, 0));
        QVERIFY2(b.over6({bid(1, careOf)}).find(" 165 ") != string::npos, "MCOA-HA-06");
        QCOMPARE(b.over4({}, natV4, 40001, 0), string("203.0.113.9:40001 0 14 0: nat 0/110"));
        QVERIFY(!b.binding() && b.anchor.ipv4()->tunnels() == 0);
    }

    void theAnswerWaitsForTheTestOfTheHomeAddress()  // HA-BU-04
    {
        Ipv4Bench b(true);
        QCOMPARE(b.over4({bid4(2, privateV4)}, natV4, 40001), string("nothing"));
        QCOMPARE(Ipv4Bench::told(b.Bench::to(2s)), string("203.0.113.9:40001 0 11 100: nat 0/110 2/0"));
        QCOMPARE(b.way(), string("203.0.113.9:40001"));
    }

    void beside_ipv6_flowsChoose()  // FLOW-08
    {
        Ipv4Bench b;
        (void)b.over6({bid(1, careOf, 20)}, 100, O);
        wire::Ipv6TrafficSelector port;
        port.destinationPort = wire::SelectorRange<std::uint16_t>{wire::probeSinkPort, {}};
        BindingIdentifier cellular = bid4(2, cellV4);
        cellular.priority = 30;
        QCOMPARE(b.over4({cellular, wire::FlowIdentification{1, 10, 0, {port, wire::BindingReference{{2}}}}}), string("198.51.100.5:4191 0 12 100: nat 0/4294967295 2/0"));
        QCOMPARE(b.way(), string("198.51.100.5"));
        (void)b.sent();
        b.in(coreLink, icmp(correspondent, home, wire::Echo{false, 1, 1, {}}, 64));
        const auto seen = b.sent();
        QVERIFY(!seen.empty() && Ipv4Bench::to(seen.front()) == "2001:db8:300::5");
    }

    void ourOwnPacketsGoTheSameWay()  // RFC 5555 §4.5.1
    {
        Ipv4Bench b;
        (void)b.over4({bid4(2, cellV4)});
        b.raw(inIpv4(icmp(home, agent, wire::Echo{false, 7, 1, {1, 2, 3}}, 64), cellV4, 0));
        const auto seen = b.sent();
        const Seen* reply = find<wire::Echo>(seen);
        QVERIFY(reply && Ipv4Bench::to(*reply) == "198.51.100.5" && reply->inner().destination == home && !reply->inner().routing);
    }

    void revocationAndItsAnswer()  // MCOA-BR-01
    {
        Ipv4Bench b;
        (void)b.over4({bid4(2, cellV4)});
        QVERIFY(b.anchor.revoke(b.now, home, b.out));
        const auto seen = b.sent();
        const Seen* indication = find<wire::BindingRevocation>(seen);
        QVERIFY(indication && Ipv4Bench::to(*indication) == "198.51.100.5" && indication->inner().destination == home);
        wire::BindingRevocation answer;
        answer.kind = wire::BindingRevocation::acknowledgement;
        answer.sequence = indication->frame.as<wire::BindingRevocation>()->sequence;
        b.raw(inIpv4(mobility(home, agent, answer, {}), cellV4, 0));
        QCOMPARE(count(b.out, "revocation-acknowledged"), std::size_t{1});
        QVERIFY(b.anchor.ipv4()->tunnels() == 0 && b.way() == "nowhere");
    }

    void whatIsTooBig()  // RFC 2473 §7.1
    {
        Ipv4Bench b;
        (void)b.over4({bid4(2, cellV4)});
        wire::Ipv6Packet big = probe(correspondent, home, {1, false, 1, TimePoint{}});
        big.payload = wire::emitUdp({5000, 5001, Bytes(1480 - 48)}, big.pseudoHeader());
        b.in(coreLink, big);
        QVERIFY2(!b.sent().empty() && b.way() == "198.51.100.5", "20 octets around it");
        big.payload = wire::emitUdp({5000, 5001, Bytes(1481 - 48)}, big.pseudoHeader());
        b.in(coreLink, big);
        const auto seen = b.sent();
        const Seen* error = find<wire::IcmpError>(seen);
        QVERIFY(error && error->frame.as<wire::IcmpError>()->type == wire::icmpv6Type::packetTooBig && error->frame.as<wire::IcmpError>()->parameter == 1480);
        QCOMPARE(seen.size(), std::size_t{1});
        (void)b.over4({bid4(2, privateV4)}, natV4, 40001);
        big.payload = wire::emitUdp({5000, 5001, Bytes(1473 - 48)}, big.pseudoHeader());
        b.in(coreLink, big);
        const auto again = b.sent();
        QVERIFY(find<wire::IcmpError>(again) && find<wire::IcmpError>(again)->frame.as<wire::IcmpError>()->parameter == 1472);
    }

    void whatMustNotBeBelieved()
    {
        Ipv4Bench b;
        const Bytes good = inIpv4(b.updatePacket({bid4(2, cellV4)}), cellV4, 4191);
        constexpr std::size_t flagsAt = 14 + 6, sourceAt = 14 + 12, portAt = 34 + 2, checksumAt = 34 + 6, versionAt = 42;
        for (const std::size_t at : {flagsAt, sourceAt, portAt, checksumAt, versionAt, good.size() - 1}) {
            b.raw(spoilt(good, at));
            QVERIFY2(b.sent().empty() && !b.binding(), std::to_string(at).c_str());
        }
        for (std::size_t size = 0; size < good.size(); ++size) b.raw(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
        wire::Ipv4Header piece;
        piece.source = cellV4;
        piece.destination = agentV4;
        piece.protocol = wire::protocol::udp;
        piece.moreFragments = true;
        const ByteView payload = ByteView(good).subspan(34);
        b.raw(wire::emitEthernet({coreMac, gatewayMac, wire::etherTypeIpv4}, wire::emitIpv4(piece, payload)));
        QVERIFY2(b.sent().empty() && !b.binding(), "a piece of an IPv4 packet");
        b.raw(inIpv4(b.updatePacket({bid4(2, cellV4)}), cellV4, 0));
        QVERIFY2(!b.binding(), "an update that is not in UDP (RFC 5555 §4.2)");
        b.raw(inIpv4(b.updatePacket({bid4(2, cellV4)}), cellV4, 4191, otherV4));
        b.raw(inIpv4(b.updatePacket({bid4(2, cellV4)}), v4("224.0.0.1"), 4191));
        b.raw(inIpv4(mobility(careOf, agent, BindingUpdate{50, 0xc000, WireLifetime{9}, {bid4(2, cellV4)}}, home), cellV4, 4191));
        QVERIFY2(!b.binding() && b.sent().empty(), "not for us, from nobody, not from its home address");
        QVERIFY(b.over4({bid4(2, cellV4)}).starts_with("198.51.100.5:4191 0"));
        // ::ffff:0:0/96 stands for IPv4 in bindings, so nobody may say that on the wire.
        const Ipv6Address mapped = ip("::ffff:198.51.100.5");
        b.in(coreLink, encapsulate(probe(home, correspondent, {1, false, 1, TimePoint{}}), mapped, agent));
        wire::Ipv6Packet optioned = probe(home, agent, {1, false, 1, TimePoint{}});
        optioned.source = mapped;
        optioned.setHomeAddress(home);
        b.in(coreLink, optioned);
        b.in(coreLink, mobility(mapped, agent, BindingUpdate{90, 0xc000, WireLifetime{9}, {}}, home));
        for (const Seen& s : b.sent()) QVERIFY2(s.frame.packets.size() != 1 || s.inner().destination != correspondent, "HA-FWD-02");
        QCOMPARE(b.over6({bid(1, mapped)}).substr(0, 19), string("2001:db8:300::5 164"));
        QCOMPARE(b.parts(), string("2 ::ffff:198.51.100.5"));
    }

    void addressResolution()  // RFC 826
    {
        Ipv4Bench b;
        b.raw(arp(wire::ArpMessage::request, gatewayV4, agentV4));
        QVERIFY(b.out.frames.size() == 1 && b.out.frames[0].interface == coreLink);
        const auto reply = wire::parseArp(ByteView(b.out.frames[0].bytes).subspan(14));
        QVERIFY(reply && reply->operation == wire::ArpMessage::reply && reply->sender == agentV4 && reply->senderMac == coreMac && reply->target == gatewayV4 && reply->targetMac == gatewayMac);
        b.out = {};
        b.raw(arp(wire::ArpMessage::request, gatewayV4, v4("192.0.2.7")));
        b.raw(arp(wire::ArpMessage::reply, agentV4, agentV4));
        QVERIFY2(b.out.frames.empty() && b.anchor.ipv4()->link().neighbours() == 1, "not ours to answer");
        // On the link: asked for, then sent; given up after three requests.
        (void)b.over4({bid4(2, v4("192.0.2.50"))}, v4("192.0.2.50"));
        const auto asked = [&] {
            std::size_t n = 0;
            for (const SentFrame& f : b.out.frames) {
                const auto message = f.bytes.size() > 14 && f.bytes[12] == 8 && f.bytes[13] == 6 ? wire::parseArp(ByteView(f.bytes).subspan(14)) : std::nullopt;
                if (message && message->operation == wire::ArpMessage::request && message->target == v4("192.0.2.50")) ++n;
            }
            return n;
        };
        b.raw(arp(wire::ArpMessage::reply, v4("192.0.2.50"), agentV4, nextMac));
        const auto seen = b.sent();
        QCOMPARE(Ipv4Bench::told(seen), string("192.0.2.50:4191 0 11 100: nat 0/4294967295 2/0"));
        QVERIFY(seen.front().frame.ethernet->destination == nextMac);
        (void)b.over4({bid4(2, v4("192.0.2.50"))}, v4("192.0.2.50"));
        b.now += 61s;
        b.in(coreLink, probe(correspondent, home, {1, false, 1, TimePoint{}}));
        QVERIFY2(asked() == 1 && b.out.frames.size() >= 2, "used while it is asked again");
        (void)b.sent();
        while (b.anchor.nextDeadline() && *b.anchor.nextDeadline() < TimePoint{80s}) {
            b.now = *b.anchor.nextDeadline();
            b.anchor.advance(b.now, b.out);
        }
        QCOMPARE(asked(), std::size_t{2});
        QCOMPARE(b.anchor.ipv4()->link().neighbours(), std::size_t{1});
    }

    void theTableIsBounded()
    {
        Ipv4Bench b;
        for (unsigned i = 0; i < 1000; ++i) {
            Ipv4Address who = v4("192.0.2.2");
            who.octets[3] = static_cast<std::uint8_t>(2 + i % 250);
            b.raw(arp(wire::ArpMessage::request, who, agentV4));
        }
        QVERIFY(b.anchor.ipv4()->link().neighbours() <= Ipv4Link::maximum);
        Ipv4Link wide(0, coreMac, {v4("10.0.0.1"), 8, {}}, 1500);
        Output out;
        for (unsigned i = 0; i < 2000; ++i) {
            wire::Ipv4Header header;
            header.source = v4("10.0.0.1");
            header.destination = Ipv4Address{{10, 1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}};
            wide.send(TimePoint{Duration(i)}, header, Bytes(100), out);
        }
        QCOMPARE(wide.neighbours(), Ipv4Link::maximum);
        QCOMPARE(out.frames.size(), std::size_t{2000});
    }

    void bindingsLeaveNothingBehind()
    {
        Ipv4Bench b;
        (void)b.over4({bid4(2, cellV4)});
        (void)b.over4({bid4(3, otherV4)}, otherV4);
        QCOMPARE(b.anchor.ipv4()->tunnels(), std::size_t{2});
        QVERIFY(b.over4({refresh(2)}, otherV4, 4191, 0).find(" 0 13 0:") != string::npos);
        QCOMPARE(b.anchor.ipv4()->tunnels(), std::size_t{1});
        (void)b.Bench::to(500s);
        QVERIFY(!b.binding() && b.anchor.ipv4()->tunnels() == 0);
    }

    void nothingThatLeavesIsOdd()
    {
        Ipv4Bench b;
        (void)b.over4({wantsHome("0.0.0.0"), bid4(2, cellV4)});
        b.raw(inIpv4(icmp(home, agent, wire::MobilePrefixSolicitation{7, {}}, 64), cellV4, 0));
        (void)b.over4({bid4(3, privateV4)}, natV4, 40001);
        (void)b.over6({bid(1, careOf), bid4(4, otherV4)});
        (void)b.way();
        QVERIFY(b.emitted.size() >= 4);
        for (const Bytes& frame : b.emitted) {
            wire::FieldSink sink;
            const auto decoded = wire::decodeFrame(frame, wire::linkEthernet, frame.size(), &sink);
            QVERIFY2(!decoded.error || decoded.error->code == ErrorCode::Unsupported, decoded.error ? decoded.error->text.c_str() : "");
            for (const wire::Finding& f : sink.findings()) QVERIFY2(false, f.text.c_str());
        }
    }
};

QTEST_APPLESS_MAIN(TestAnchorIpv4)
#include "test_anchor_ipv4.moc"
