// SPDX-License-Identifier: GPL-3.0-or-later
// The tree of a frame: every line's octets hold its value, on the golden packets, special frames and, where present, the
// shared captures.
#include "protocol/wire/summary.hpp"
#include "tests/support/frame_checks.hpp"
#include "tests/support/test_inputs.hpp"

#include <QtTest>
#include <fmt/format.h>
#include <set>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

const FieldNode* find(const std::vector<FieldNode>& nodes, FieldId id)
{
    for (const FieldNode& node : nodes)
        if (node.field == id) return &node;
    return nullptr;
}

std::uint64_t number(const std::vector<FieldNode>& nodes, FieldId id)
{
    const FieldNode* node = find(nodes, id);
    return node && std::holds_alternative<std::uint64_t>(node->value) ? std::get<std::uint64_t>(node->value) : ~std::uint64_t{0};
}

/// IPv6 packet with the given chain behind it; every header of `chain` is whole.
Bytes packetWith(std::uint8_t next, const QString& chain)
{
    Ipv6Packet packet;
    packet.source = *Ipv6Address::parse("2001:db8::1");
    packet.destination = *Ipv6Address::parse("2001:db8::2");
    packet.nextHeader = next;
    packet.payload = fromHex(chain);
    return emitIpv6(packet);
}

}  // namespace

class TestFields : public QObject {
    Q_OBJECT

    void check(const InputFrame& frame)
    {
        const Dissection d = dissect(frame.bytes, frame.linkType, frame.originalLength);
        const std::string fault = nodeFault(frame.bytes, d.nodes);
        QVERIFY2(fault.empty(), qPrintable(frame.name + ": " + fault.c_str()));
        const DecodedFrame decoded = decodeFrame(frame.bytes, frame.linkType, frame.originalLength);
        if (decoded.error) return;
        const std::string nesting = nestingFault(d.nodes);
        QVERIFY2(nesting.empty(), qPrintable(frame.name + ": " + nesting.c_str()));
        const std::string fixpoint = fixpointFault(decoded);
        QVERIFY2(fixpoint.empty(), qPrintable(frame.name + ": " + fixpoint.c_str()));
    }

private Q_SLOTS:
    void goldenPacketsOctetByOctet()
    {
        const auto frames = goldenPackets();
        QCOMPARE(frames.size(), std::size_t{24});
        for (const InputFrame& frame : frames) check(frame);
    }
    void sharedCapturesOctetByOctet()
    {
        const QString shared = sharedFolder();
        if (shared.isEmpty()) QSKIP("no shared captures on this machine (set ROAMSCOPE_SHARED)");
        int frames = 0;
        for (const char* folder : {"umip", "scapy_gen", "zeek", "tcpdump", "openair4g"}) {
            QDir dir(shared + "/captures/" + folder);
            for (const QString& file : dir.entryList({"*.pcap"}))
                for (const InputFrame& frame : readPcap(dir.filePath(file))) {
                    check(frame);
                    ++frames;
                }
        }
        QVERIFY2(frames > 1000, qPrintable(QString::number(frames)));
    }
    /// Every octet of a golden packet belongs to a line that is not a group: nothing is read and then hidden.
    void everyOctetIsShown()
    {
        for (const InputFrame& frame : goldenPackets()) {
            const Dissection d = dissect(frame.bytes, frame.linkType, frame.originalLength);
            std::vector<bool> shown(frame.bytes.size());
            for (const FieldNode& node : d.nodes)
                if (!std::holds_alternative<std::monostate>(node.value) || node.text == "Pad1")
                    for (std::size_t i = node.offset; i < node.offset + node.length; ++i) shown[i] = true;
            for (std::size_t i = 0; i < shown.size(); ++i)
                QVERIFY2(shown[i], qPrintable(QString("%1: octet %2 is in no line").arg(frame.name).arg(i)));
        }
    }
    void vlanTagsAndTrailer()
    {
        const Bytes packet = packetWith(protocol::none, "");
        Bytes frame = fromHex("02000000000102000000000288a8f06481002005" "86dd");
        frame.insert(frame.end(), packet.begin(), packet.end());
        frame.insert(frame.end(), {1, 2, 3});
        const Dissection d = dissect(frame, linkEthernet, frame.size());
        QCOMPARE(nodeFault(frame, d.nodes), std::string{});
        QCOMPARE(number(d.nodes, FieldId::ServiceVlanId), std::uint64_t{0x064});  // without the priority bits
        QCOMPARE(number(d.nodes, FieldId::ServiceVlanPriority), std::uint64_t{7});
        QCOMPARE(number(d.nodes, FieldId::VlanId), std::uint64_t{5});
        const FieldNode* trailer = find(d.nodes, FieldId::EthernetTrailer);
        QVERIFY(trailer);
        QVERIFY(trailer->value == FieldValue(Bytes{1, 2, 3}));
        QVERIFY(!d.summary.malformed);
    }
    void fragments()
    {
        const Bytes piece = packetWith(protocol::fragment, "11000aa912345678" "0102030405060708");
        const Dissection d = dissect(piece, linkRawIpv6, piece.size());
        QCOMPARE(nodeFault(piece, d.nodes), std::string{});
        QCOMPARE(number(d.nodes, FieldId::FragmentOffset), std::uint64_t{0x0aa8 >> 3});
        QCOMPARE(number(d.nodes, FieldId::FragmentMore), std::uint64_t{1});
        QCOMPARE(number(d.nodes, FieldId::FragmentId), std::uint64_t{0x12345678});
        QVERIFY(find(d.nodes, FieldId::DataBytes));
        QVERIFY(!find(d.nodes, FieldId::Udp));  // a piece is not decoded
        const DecodedFrame frame = decodeFrame(piece, linkRawIpv6, piece.size());
        QCOMPARE(int(frame.inner()->nextHeader), int(protocol::fragment));
        QCOMPARE(frame.inner()->payload.size(), std::size_t{16});
        QCOMPARE(frame.undecodedOffset, std::size_t{48});
        QCOMPARE(fixpointFault(frame), std::string{});

        // Offset 0 and no more to come: whole (RFC 6946 "atomic"), read on.
        const Bytes atomic = packetWith(protocol::fragment, "3b00000012345678");
        QCOMPARE(int(decodeFrame(atomic, linkRawIpv6, atomic.size()).inner()->nextHeader), int(protocol::none));
    }
    void authenticationAndEncryptionHeaders()
    {
        const Bytes ah = packetWith(protocol::ah, "3b04000000000100" "00000002" "a0a1a2a3a4a5a6a7a8a9aaab");
        const Dissection a = dissect(ah, linkRawIpv6, ah.size());
        QCOMPARE(nodeFault(ah, a.nodes), std::string{});
        QCOMPARE(number(a.nodes, FieldId::AuthenticationSpi), std::uint64_t{0x100});
        QCOMPARE(number(a.nodes, FieldId::AuthenticationSeq), std::uint64_t{2});
        QVERIFY(find(a.nodes, FieldId::AuthenticationIcv));
        QVERIFY(!a.summary.malformed);
        const Bytes esp = packetWith(protocol::esp, "0000020000000003" "ffff");
        const Dissection e = dissect(esp, linkRawIpv6, esp.size());
        QCOMPARE(number(e.nodes, FieldId::EspSpi), std::uint64_t{0x200});
        QCOMPARE(number(e.nodes, FieldId::EspSequence), std::uint64_t{3});
        QVERIFY(!e.summary.malformed);
        const Bytes shortEsp = packetWith(protocol::esp, "00000200");
        QVERIFY(dissect(shortEsp, linkRawIpv6, shortEsp.size()).summary.malformed);
    }
    void numbersWithASignHaveThreeOctets()
    {
        const auto read = [](const char* hex) {
            const Bytes octets = fromHex(QString::fromLatin1(hex));
            FieldSink sink;
            FieldReader in(octets, 0, &sink);
            const std::int32_t value = in.i24(FieldId::Latitude);
            return in.failed() ? std::string("failed") : fmt::format("{} {}", value, sink.nodes().empty() ? 0 : std::get<std::int64_t>(sink.nodes()[0].value));
        };
        QCOMPARE(read("000000"), std::string("0 0"));
        QCOMPARE(read("7fffff"), std::string("8388607 8388607"));
        QCOMPARE(read("800000"), std::string("-8388608 -8388608"));
        QCOMPARE(read("ffffff"), std::string("-1 -1"));
        QCOMPARE(read("ff0102"), std::string("-65278 -65278"));
        QCOMPARE(read("ffff"), std::string("failed"));
    }
    void registryIsSound()
    {
        std::set<std::string_view> names;
        for (std::size_t i = 0; i < fieldCount(); ++i) {
            const FieldInfo& field = info(static_cast<FieldId>(i));
            QVERIFY2(names.insert(field.name).second || field.name.starts_with("roamscope."), field.name.data());
            QVERIFY2(!field.label.empty() && !field.explanation.empty() && field.explanation.ends_with('.'), field.name.data());
            QVERIFY2(field.rfc.empty() || field.rfc.starts_with("RFC ") || field.rfc.starts_with("3GPP TS "), field.name.data());
            if (field.type == FieldType::Boolean) QVERIFY2(std::popcount(field.mask) == 1 || field.mask == 0, field.name.data());
        }
    }
};

QTEST_APPLESS_MAIN(TestFields)
#include "test_fields.moc"
