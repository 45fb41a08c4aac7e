// SPDX-License-Identifier: GPL-3.0-or-later
// IKEv2 in UDP 500 and 4500, and ESP in UDP 4500 (RFC 3948).
#include "protocol/wire/summary.hpp"

#include "tests/support/frame_checks.hpp"
#include "tests/support/test_inputs.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

Bytes inUdp(std::uint16_t port, const Bytes& data, bool homeAddress = false)
{
    Ipv6Packet packet;
    if (homeAddress) packet.setHomeAddress(*Ipv6Address::parse("2001:db8:1::1"));
    packet.source = *Ipv6Address::parse("2001:db8::1");
    packet.destination = *Ipv6Address::parse("2001:db8::2");
    packet.nextHeader = protocol::udp;
    packet.payload = emitUdp({port, port, data}, packet.pseudoHeader());
    return emitIpv6(packet);
}

/// IKE_SA_INIT with a key exchange, a nonce, two notifications and a configuration with the home prefix of RFC 5026.
Bytes message()
{
    Writer chain;
    const auto payload = [&](std::uint8_t next, const QString& hex) {
        const Bytes body = fromHex(hex);
        chain.u8(next);
        chain.u8(0);
        chain.u16(static_cast<std::uint16_t>(4 + body.size()));
        chain.bytes(body);
    };
    payload(40, "000e0000" "a1a2a3a4");
    payload(41, "b1b2b3b4b5b6b7b8");
    payload(41, "00004004" "c1c2");
    payload(47, "0304402d" "00000200");
    payload(0, "01000000" "00100015" "00000e10" "20010db8000100000000000000000000" "40" "00080000");
    Writer out;
    out.u64(0x1122334455667788);
    out.u64(0);
    out.u8(34);
    out.u8(0x20);
    out.u8(34);
    out.u8(0x08);
    out.u32(0);
    out.u32(static_cast<std::uint32_t>(28 + chain.size()));
    out.bytes(chain.view());
    return out.take();
}

bool shows(const Dissection& d, FieldId id, const std::string& text)
{
    return std::any_of(d.nodes.begin(), d.nodes.end(), [&](const FieldNode& n) { return n.field == id && (valueText(n) == text || n.text == text); });
}

}  // namespace

class TestIkev2 : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void payloadsByName()
    {
        Bytes marked(4);
        const Bytes plain = message();
        marked.insert(marked.end(), plain.begin(), plain.end());
        for (const Bytes& frame : {inUdp(500, plain), inUdp(4500, marked)}) {
            const Dissection d = dissect(frame, linkRawIpv6, frame.size());
            QCOMPARE(nodeFault(frame, d.nodes), std::string{});
            QCOMPARE(nestingFault(d.nodes), std::string{});
            QVERIFY(d.findings.empty());
            QCOMPARE(d.summary.protocol, std::string("IKEv2"));
            QCOMPARE(d.summary.info, std::string("IKE_SA_INIT request, message 0"));
            QVERIFY(shows(d, FieldId::IkeNotifyType, "NAT_DETECTION_SOURCE_IP"));
            QVERIFY(shows(d, FieldId::IkeNotifyType, "16429") && shows(d, FieldId::IkeSpi, "00000200"));
            QVERIFY(shows(d, FieldId::IkeAttribute, "MIP6_HOME_PREFIX"));
            QVERIFY(shows(d, FieldId::IkeHomePrefix, "2001:db8:1::"));
            QVERIFY(shows(d, FieldId::IkeHomePrefixLength, "64") && shows(d, FieldId::IkeHomePrefixLifetime, "3600"));
            QVERIFY(shows(d, FieldId::IkeNonce, "b1b2b3b4b5b6b7b8"));
            QCOMPARE(decodeFrame(frame, linkRawIpv6, frame.size()).ike->initiatorSpi, std::uint64_t{0x1122334455667788});
        }
    }
    void theEncryptedPayloadEndsTheChain()
    {
        Bytes ike = message();
        ike[16] = 46;
        const Bytes frame = inUdp(500, ike);
        const Dissection d = dissect(frame, linkRawIpv6, frame.size());
        QCOMPARE(std::count_if(d.nodes.begin(), d.nodes.end(), [](const FieldNode& n) { return n.field == FieldId::IkePayload; }), std::ptrdiff_t{1});
        QVERIFY(d.findings.empty());
    }
    void SEC_09_keyExchangesLeaveFromTheCareOfAddress()
    {
        Bytes marked(4);
        const Bytes plain = message();
        marked.insert(marked.end(), plain.begin(), plain.end());
        for (const Bytes& frame : {inUdp(500, plain, true), inUdp(4500, marked, true)}) {
            const Dissection d = dissect(frame, linkRawIpv6, frame.size());
            QCOMPARE(d.findings.size(), std::size_t{1});
            QCOMPARE(std::string(d.findings[0].rule), std::string("SEC-09"));
            QVERIFY(d.findings[0].offset == 40 + 8 && d.findings[0].length == 16 && d.findings[0].severity == Severity::Error);
        }
        QVERIFY(dissect(inUdp(500, plain), linkRawIpv6, 4096).findings.empty());
    }
    void everyLengthIsHeld()
    {
        const Bytes frame = inUdp(500, message());
        for (std::size_t kept = 0; kept < frame.size(); ++kept) {
            const Bytes prefix(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(kept));
            const Dissection d = dissect(prefix, linkRawIpv6, frame.size());
            QVERIFY(d.findings.empty() && !d.summary.malformed);
        }
        Bytes wrong = message();
        for (std::size_t i = 16; i < wrong.size(); ++i) {
            Bytes spoiled = wrong;
            spoiled[i] ^= 0xff;
            const Bytes other = inUdp(500, spoiled);
            QCOMPARE(nodeFault(other, dissect(other, linkRawIpv6, other.size()).nodes), std::string{});
        }
        wrong.pop_back();
        const Bytes shortFrame = inUdp(500, wrong);
        QVERIFY(dissect(shortFrame, linkRawIpv6, shortFrame.size()).summary.malformed);
    }
    void espAndKeepAlivesInUdp()
    {
        const Bytes keepAlive = inUdp(4500, {0xff});
        QVERIFY(dissect(keepAlive, linkRawIpv6, keepAlive.size()).findings.empty());
        Bytes esp = fromHex("0000020000000001");
        esp.resize(60, 0x77);
        const Bytes frame = inUdp(4500, esp);
        const DecodedFrame decoded = decodeFrame(frame, linkRawIpv6, frame.size());
        QVERIFY(decoded.encrypted && decoded.upper == protocol::esp && decoded.tunnel);
    }
};

QTEST_APPLESS_MAIN(TestIkev2)
#include "test_ikev2.moc"
