// SPDX-License-Identifier: GPL-3.0-or-later
// The extension header chain: everything in any order is shown, what stands where it may not is one finding at its octets with its
// rule, and the message behind it is still read (anomaly A13, RFC 6275 §6.1, §6.3, §6.4, RFC 8200 §4).
#include "protocol/wire/summary.hpp"

#include "tests/support/frame_checks.hpp"
#include "tests/support/test_inputs.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

const char* const home = "20010db8000000000000000000000064";

struct Header {
    std::uint8_t type;
    QString body;  ///< without its first octet, which the next type fills
};

/// An IPv6 packet with these headers and a message of `type` (an update with all checksums right).
Bytes chained(const std::vector<Header>& headers, std::uint8_t upper, const Bytes& message)
{
    Ipv6Packet packet;
    packet.source = *Ipv6Address::parse("2001:db8::1");
    packet.destination = *Ipv6Address::parse("2001:db8::2");
    packet.nextHeader = headers.empty() ? upper : headers[0].type;
    for (std::size_t i = 0; i < headers.size(); ++i) {
        packet.payload.push_back(i + 1 < headers.size() ? headers[i + 1].type : upper);
        const Bytes body = fromHex(headers[i].body);
        packet.payload.insert(packet.payload.end(), body.begin(), body.end());
    }
    packet.payload.insert(packet.payload.end(), message.begin(), message.end());
    return emitIpv6(packet);
}

Bytes update(bool withHome, bool withRouting)
{
    BindingUpdate bu;
    bu.sequence = 7;
    const Ipv6Address a = *Ipv6Address::parse("2001:db8::1"), b = *Ipv6Address::parse("2001:db8::2"), h = *Ipv6Address::parse("2001:db8::64");
    return emitMobility(bu, {withHome ? h : a, withRouting ? h : b});
}

Header homeOption(const QString& address = home) { return {60, QString("02" "01020000" "c910") + address}; }
Header routing2(const QString& address = home, const QString& form = "020201") { return {43, form + "00000000" + address}; }
Header filler() { return {60, "00" "010400000000"}; }

struct Expected {
    std::string_view rule, rfc;
    std::size_t offset, length;
};

}  // namespace

class TestChain : public QObject {
    Q_OBJECT

    /// Exactly these findings, and the update is read with a right checksum.
    void check(const char* what, const Bytes& frame, const std::vector<Expected>& expected)
    {
        const Dissection d = dissect(frame, linkRawIpv6, frame.size());
        QString seen;
        for (const Finding& f : d.findings) seen += QString("%1 %2 at %3+%4; ").arg(QString::fromStdString(f.text), QString::fromUtf8(f.rfc.data(), qsizetype(f.rfc.size()))).arg(f.offset).arg(f.length);
        QVERIFY2(d.findings.size() == expected.size(), qPrintable(QString(what) + ": " + seen));
        for (std::size_t i = 0; i < expected.size(); ++i) {
            const Finding& f = d.findings[i];
            QVERIFY2(f.rule == expected[i].rule && f.rfc == expected[i].rfc && f.offset == expected[i].offset && f.length == expected[i].length,
                     qPrintable(QString(what) + ": " + seen));
        }
        const DecodedFrame frame2 = decodeFrame(frame, linkRawIpv6, frame.size());
        QVERIFY2(frame2.as<BindingUpdate>(), what);
        QVERIFY2(std::get<Checked<MobilityMessage>>(frame2.message).checksum == ChecksumVerdict::Good, what);
        QCOMPARE(nodeFault(frame, d.nodes), std::string{});
        QCOMPARE(nestingFault(d.nodes), std::string{});
        QCOMPARE(skimFault(frame, linkRawIpv6, frame.size()), std::string{});
    }

private Q_SLOTS:
    void goodChainsAreQuiet()
    {
        check("plain", chained({}, 135, update(false, false)), {});
        check("home address", chained({homeOption()}, 135, update(true, false)), {});
        check("hop-by-hop first", chained({{0, "00" "0502000001" "00"}, homeOption()}, 135, update(true, false)), {});
        check("options twice", chained({filler(), homeOption()}, 135, update(true, false)), {});
        check("atomic fragment behind", chained({homeOption(), {44, "000000" "00000001"}}, 135, update(true, false)), {});
        check("AH behind", chained({homeOption(), {51, "04" "0000" "00000100" "00000001" "a0a1a2a3a4a5a6a7a8a9aaab"}}, 135, update(true, false)), {});
    }
    void headersOutOfPlace()
    {
        constexpr std::string_view hao63 = "RFC 6275 §6.3";
        check("late hop-by-hop", chained({filler(), {0, "00" "010400000000"}}, 135, update(false, false)), {{"", "RFC 8200 §4.1", 48, 8}});
        check("two home addresses", chained({homeOption(), homeOption("20010db8000000000000000000000065")}, 135, update(true, false)), {{"", hao63, 40 + 24 + 6, 18}});
        check("home address behind fragment header", chained({{44, "000000" "00000001"}, homeOption()}, 135, update(true, false)), {{"", hao63, 48 + 6, 18}});
        check("home address behind AH", chained({{51, "01" "0000" "00000100" "00000001"}, homeOption()}, 135, update(true, false)), {{"", hao63, 52 + 6, 18}});
        check("home address not routable", chained({homeOption("fe800000000000000000000000000064")}, 135, emitMobility(BindingUpdate{}, {*Ipv6Address::parse("fe80::64"), *Ipv6Address::parse("2001:db8::2")})),
              {{"", hao63, 48, 16}});
        check("home address not aligned", chained({{60, QString("02" "c910") + home + "01020000"}}, 135, update(true, false)), {{"", hao63, 42, 18}});
        check("home address of 15 octets", chained({{60, QString("02" "01030000" "00" "c90f") + QString(home).left(30)}}, 135, update(false, false)), {{"", hao63, 47, 2}});
        check("home address in hop-by-hop", chained({{0, QString("02" "01020000" "c910") + home}}, 135, update(false, false)), {{"", hao63, 46, 18}});
    }
    /// MN-RX-02, anomaly A13.
    void routingHeaders()
    {
        constexpr std::string_view rule = "MN-RX-02", rfc = "RFC 6275 §6.4.1", notHere = "RFC 6275 §6.1";
        const Expected forbidden{"", notHere, 40, 24};  // an update must not have one at all
        check("segments left 0", chained({routing2(home, "020200")}, 135, update(false, false)), {{rule, rfc, 43, 1}, forbidden});
        check("segments left 2", chained({routing2(home, "020202")}, 135, update(false, false)), {{rule, rfc, 43, 1}, forbidden});
        check("length 4", chained({{43, QString("040201" "00000000") + home + home}}, 135, update(false, false)), {{rule, rfc, 41, 1}});
        check("two of them", chained({routing2(), routing2()}, 135, update(false, true)), {{rule, rfc, 64, 24}, forbidden});
        check("not routable", chained({routing2("ff020000000000000000000000000001")}, 135, emitMobility(BindingUpdate{}, {*Ipv6Address::parse("2001:db8::1"), *Ipv6Address::parse("ff02::1")})),
              {{rule, "RFC 6275 §6.4", 48, 16}, forbidden});
        check("type 0 behind it", chained({routing2(), {43, QString("020000" "00000000") + home}}, 135, update(false, true)), {{"", rfc, 40, 24}, {"", "RFC 5095 §3", 66, 1}, forbidden});
        check("behind the home address", chained({homeOption(), routing2()}, 135, update(true, true)), {{"", "RFC 6275 §6.3", 46, 18}, {"", notHere, 64, 24}});
        check("type 0 with segments left", chained({{43, QString("020001" "00000000") + home}}, 135, update(false, true)), {{"", "RFC 5095 §3", 42, 1}});
        check("type 3", chained({{43, QString("020300" "00000000") + home}}, 135, update(false, false)), {});
        check("type 4", chained({{43, QString("020401" "00000000") + home}}, 135, update(false, true)), {});
        check("unknown type", chained({{43, "00c900" "01020304"}}, 135, update(false, false)), {});
    }
    /// RFC 6275 §6.1: only an update may have the option, only an acknowledgement the routing header.
    void mobilityMessagesUnderHeadersThatTheyMustNotHave()
    {
        const Ipv6Address a = *Ipv6Address::parse("2001:db8::1"), b = *Ipv6Address::parse("2001:db8::2"), h = *Ipv6Address::parse("2001:db8::64");
        const auto findings = [](const Bytes& frame) {
            std::vector<std::string> out;
            for (const Finding& f : dissect(frame, linkRawIpv6, frame.size()).findings)
                if (f.rfc == "RFC 6275 §6.1") out.push_back(std::string(f.rfc) + " " + std::to_string(f.offset));
            return out;
        };
        using Texts = std::vector<std::string>;
        QCOMPARE(findings(chained({homeOption()}, 135, emitMobility(HomeTestInit{}, {h, b}))), (Texts{"RFC 6275 §6.1 46"}));
        QCOMPARE(findings(chained({routing2()}, 135, emitMobility(CareOfTest{}, {a, h}))), (Texts{"RFC 6275 §6.1 40"}));
        QCOMPARE(findings(chained({homeOption()}, 135, emitMobility(BindingAck{}, {h, b}))), (Texts{"RFC 6275 §6.1 46"}));
        QCOMPARE(findings(chained({routing2()}, 135, emitMobility(BindingAck{}, {a, h}))), Texts{});
        RawMobility revocation;
        revocation.type = 16;
        revocation.data = fromHex("0100000100000000" "0000");
        QCOMPARE(findings(chained({routing2()}, 135, emitMobility(revocation, {a, h}))), Texts{});
    }
    void padding_data()
    {
        QTest::addColumn<QString>("options");
        QTest::addColumn<int>("findings");
        QTest::newRow("one PadN") << "0104" "00000000" << 0;
        QTest::newRow("Pad1 and PadN") << "00" "0103000000" << 0;
        QTest::newRow("six Pad1") << "000000000000" << 1;
        QTest::newRow("PadN not zero") << "0104" "00000100" << 1;
    }
    void padding()
    {
        QFETCH(QString, options);
        QFETCH(int, findings);
        const Bytes frame = chained({{60, "00" + options}}, 135, update(false, false));
        const Dissection d = dissect(frame, linkRawIpv6, frame.size());
        QCOMPARE(int(d.findings.size()), findings);
        for (const Finding& f : d.findings) QCOMPARE(f.rfc, std::string_view("RFC 8200 §4.2"));
        const auto count = [&](FieldId id) { return std::count_if(d.nodes.begin(), d.nodes.end(), [id](const FieldNode& n) { return n.field == id; }); };
        QCOMPARE(count(FieldId::Ipv6OptionPad1) > 0, options.startsWith("00"));
    }
    /// RFC 2675.
    void jumbograms()
    {
        Ipv6Packet packet;
        packet.nextHeader = protocol::none;
        Bytes frame = emitIpv6(packet);
        frame[6] = 0;
        const Bytes hop = fromHex("3b00" "c204" "00011000");
        frame.insert(frame.end(), hop.begin(), hop.end());
        frame.resize(40 + 0x11000);
        const DecodedFrame decoded = decodeFrame(frame, linkRawIpv6, frame.size());
        QVERIFY(!decoded.error);
        QCOMPARE(decoded.inner()->payload.size(), std::size_t{0x11000 - 8});
        frame[45] = 0;  // too small a number
        QVERIFY(decodeFrame(frame, linkRawIpv6, frame.size()).error);
        frame.resize(60);
        QVERIFY(decodeFrame(frame, linkRawIpv6, frame.size()).error);
    }
    /// Nodes drop what they would not have been able to read before.
    void violationsAreForReceivers()
    {
        const auto violates = [](const Bytes& packet) {
            FieldReader in(packet, 0, nullptr);
            return parseIpv6(in)->violation.has_value();
        };
        QVERIFY(violates(chained({filler(), {0, "00" "010400000000"}}, 59, {})));
        QVERIFY(violates(chained({routing2(), routing2()}, 59, {})));
        QVERIFY(!violates(chained({homeOption(), routing2()}, 59, {})));
        QVERIFY(dissect(chained({routing2(), routing2()}, 59, {}), linkRawIpv6, 88).summary.malformed);
    }
};

QTEST_APPLESS_MAIN(TestChain)
#include "test_chain.moc"
