// SPDX-License-Identifier: GPL-3.0-or-later
// IPv4 between the links of an access router, ARP messages and addresses as text: what DSMIPv6 (RFC 5555) stands on in a lab.
#include "tests/support/node_frames.hpp"

#include "protocol/node/ipv4_router.hpp"
#include "protocol/wire/arp.hpp"
#include "protocol/wire/ethernet.hpp"

#include <QtTest>
#include <fmt/format.h>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;

namespace {

Ipv4Address v4(const char* text) { return *Ipv4Address::parse(text); }
const Mac left = mac("02:00:00:00:01:01"), right = mac("02:00:00:00:01:02"), host = mac("02:00:00:00:02:01"), server = mac("02:00:00:00:02:02");

struct Bench {
    Ipv4Router router{{Ipv4Link(0, left, *Ipv4Interface::parse("198.51.100.1/24"), 1500), Ipv4Link(1, right, {v4("192.0.2.254"), 24, v4("192.0.2.1")}, 1500)}};
    Output out;

    Bench()
    {
        know(0, left, host, "198.51.100.5", "198.51.100.1");
        know(1, right, server, "192.0.2.1", "192.0.2.254");
        out = {};
    }
    void know(std::size_t link, const Mac& to, const Mac& from, const char* sender, const char* target)
    {
        router.receive({}, link, wire::emitEthernet({to, from, wire::etherTypeArp}, wire::emitArp({wire::ArpMessage::request, from, v4(sender), {}, v4(target)})), out);
    }
    /// "link ttl" of what becomes of a packet from the left.
    std::string passed(const char* to, std::uint8_t ttl = 64, const Mac& next = left, const char* from = "198.51.100.5")
    {
        out = {};
        wire::Ipv4Header header;
        header.source = v4(from);
        header.destination = v4(to);
        header.ttl = ttl;
        header.protocol = wire::protocol::ipv6;
        router.receive({}, 0, wire::emitEthernet({next, host, wire::etherTypeIpv4}, wire::emitIpv4(header, Bytes(40))), out);
        if (out.frames.size() != 1) return "nothing";
        const auto frame = wire::decodeFrame(out.frames[0].bytes, wire::linkEthernet, out.frames[0].bytes.size());
        if (!frame.ipv4) return "asks";
        return fmt::format("{} {}", out.frames[0].interface, frame.ipv4->ttl);
    }
};

}  // namespace

class TestIpv4Router : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void passesOn()
    {
        Bench b;
        QCOMPARE(b.passed("192.0.2.1"), std::string("1 63"));
        QVERIFY2(b.passed("203.0.113.9") == "1 63", "to the gateway");
        QVERIFY2(b.passed("192.0.2.77") == "asks", "for a neighbour that it does not know");
        QVERIFY2(b.passed("192.0.2.1", 1) == "nothing" && b.passed("192.0.2.1", 2) == "1 1", "RFC 791 §3.2");
        QVERIFY(b.passed("192.0.2.254") == "nothing" && b.passed("198.51.100.1") == "nothing" && b.passed("224.0.0.1") == "nothing");
        QVERIFY2(b.passed("192.0.2.1", 64, right) == "nothing", "a frame for somebody else");
        QVERIFY2(b.passed("192.0.2.1", 64, left, "127.0.0.1") == "nothing", "from nobody");
    }

    void messagesOfAddressResolution()  // RFC 826
    {
        const wire::ArpMessage message{wire::ArpMessage::reply, left, v4("192.0.2.1"), right, v4("192.0.2.2")};
        const Bytes octets = wire::emitArp(message);
        QCOMPARE(octets.size(), wire::ArpMessage::octets);
        QCOMPARE(QByteArray(reinterpret_cast<const char*>(octets.data()), qsizetype(octets.size())).toHex(), QByteArray("00010800060400020200000001" "01c00002010200" "00000102c0000202"));
        QVERIFY(wire::parseArp(octets) == message);
        for (std::size_t size = 0; size < octets.size(); ++size) QVERIFY(!wire::parseArp(ByteView(octets).first(size)));
        for (std::size_t at = 0; at < 6; ++at) {
            Bytes other = octets;
            other[at] ^= 1;
            QVERIFY2(!wire::parseArp(other), std::to_string(at).c_str());
        }
    }

    void addresses()
    {
        for (const char* bad : {"", "192.0.2.1", "192.0.2.1/", "192.0.2.1/33", "192.0.2.1/240", "192.0.2.1/2x", "192.0.2/24", "/24", "192.0.2.1/24/1", "192.0.2.1/-1"}) QVERIFY2(!Ipv4Interface::parse(bad), bad);
        const auto own = *Ipv4Interface::parse("192.0.2.1/24");
        QVERIFY(own.covers(v4("192.0.2.255")) && !own.covers(v4("192.0.3.1")) && own.prefixLength == 24);
        const auto all = *Ipv4Interface::parse("10.0.0.1/0"), one = *Ipv4Interface::parse("10.0.0.1/32");
        QVERIFY(all.covers(v4("192.0.2.1")) && one.covers(v4("10.0.0.1")) && !one.covers(v4("10.0.0.2")));
        QVERIFY(wire::unmapped(wire::mapped(v4("192.0.2.1"))) == v4("192.0.2.1"));
        for (const char* other : {"::192.0.2.1", "::fffe:192.0.2.1", "1::ffff:192.0.2.1", "::1:ffff:192.0.2.1", "::"}) QVERIFY2(!wire::unmapped(ip(other)), other);
    }
};

QTEST_APPLESS_MAIN(TestIpv4Router)
#include "test_ipv4_router.moc"
