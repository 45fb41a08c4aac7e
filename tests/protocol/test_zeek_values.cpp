// SPDX-License-Identifier: GPL-3.0-or-later
// The values that Zeek publishes for the frames of its own tests (testing/btest/Baseline: core.mobility_msg,
// core.mobile-ipv6-home-addr, core.mobility-checksums). A message with these values must get the checksum that Zeek prints; the
// frames themselves, where they are on this machine, must give the values back.
#include "protocol/wire/summary.hpp"
#include "tests/support/test_inputs.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

Ipv6Address ip(const char* text) { return *Ipv6Address::parse(text); }

struct Published {
    const char* name;
    const char* file;  ///< in captures/zeek; null: not there
    MobilityMessage message;
    std::uint8_t type;
    std::uint8_t units;
    std::uint16_t checksum;
};

const std::vector<Published>& published()
{
    static const std::vector<Published> table{
        {"Binding Refresh Request", nullptr, BindingRefreshRequest{}, 0, 0, 55703},
        {"Home Test Init", "mip6_hoti.pcap", HomeTestInit{1, {}}, 1, 1, 55437},
        {"Care-of Test Init", nullptr, CareOfTestInit{1, {}}, 2, 1, 55181},
        {"Home Test", "mip6_hot.pcap", HomeTest{13, 15, 255, {}}, 3, 2, 54634},
        {"Care-of Test", nullptr, CareOfTest{13, 15, 255, {}}, 4, 2, 54378},
        {"Binding Update", "mip6_bu.pcap", BindingUpdate{37, 0xd000, WireLifetime{3}, {}}, 5, 1, 868},
        {"Binding Acknowledgement", "mip6_back.pcap", BindingAck{0, 0x80, 42, WireLifetime{8}, {}}, 6, 1, 53722},
        {"Binding Error", "mip6-good-mh-chksum.pcap", BindingError{1, ip("2001:78:1:32::1"), {}}, 7, 2, 45272},
    };
    return table;
}

/// All values of a field in a frame.
std::vector<std::string> values(const InputFrame& frame, FieldId field)
{
    std::vector<std::string> out;
    for (const FieldNode& node : dissect(frame.bytes, frame.linkType, frame.originalLength).nodes)
        if (node.field == field) out.push_back(valueText(node));
    return out;
}

using Values = std::vector<std::string>;

}  // namespace

class TestZeekValues : public QObject {
    Q_OBJECT
    const Ipv6Address source_ = ip("2001:4f8:4:7:2e0:81ff:fe52:ffff"), destination_ = ip("2001:4f8:4:7:2e0:81ff:fe52:9a6b");

    static InputFrame only(const char* file)
    {
        const std::vector<InputFrame> frames = readPcap(sharedFolder() + "/captures/zeek/" + file);
        return frames.size() == 1 ? frames[0] : InputFrame{};
    }

private Q_SLOTS:
    void messages_data()
    {
        QTest::addColumn<int>("row");
        for (std::size_t i = 0; i < published().size(); ++i) QTest::newRow(published()[i].name) << int(i);
    }
    void messages()
    {
        QFETCH(int, row);
        const Published& p = published()[std::size_t(row)];
        const PseudoHeader addresses{source_, destination_};
        const Bytes octets = emitMobility(p.message, addresses);
        QCOMPARE(int(octets[0]), 59);
        QCOMPARE(int(octets[1]), int(p.units));
        QCOMPARE(int(octets[2]), int(p.type));
        QCOMPARE(int(octets[3]), 0);
        QCOMPARE(octets[4] << 8 | octets[5], int(p.checksum));
        FieldReader in(octets, 0, nullptr);
        const auto parsed = parseMobility(in, addresses);
        QVERIFY(parsed && parsed->acceptable());
        QVERIFY(parsed->value == p.message);
    }
    void frames_data()
    {
        QTest::addColumn<int>("row");
        for (std::size_t i = 0; i < published().size(); ++i)
            if (published()[i].file) QTest::newRow(published()[i].name) << int(i);
    }
    void frames()
    {
        QFETCH(int, row);
        const Published& p = published()[std::size_t(row)];
        if (sharedFolder().isEmpty()) QSKIP("no shared captures on this machine (set ROAMSCOPE_SHARED)");
        const InputFrame frame = only(p.file);
        const DecodedFrame decoded = decodeFrame(frame.bytes, frame.linkType, frame.originalLength);
        QCOMPARE(decoded.packets.size(), std::size_t{1});
        QVERIFY(decoded.packets[0].source == source_ && decoded.packets[0].destination == destination_);
        QCOMPARE(int(decoded.packets[0].hopLimit), 64);
        QCOMPARE(values(frame, FieldId::Ipv6PayloadLength), Values{std::to_string(8 * (p.units + 1))});
        QCOMPARE(values(frame, FieldId::Ipv6NextHeader), Values{"135"});
        const auto* message = std::get_if<Checked<MobilityMessage>>(&decoded.message);
        QVERIFY(message && message->value == p.message);
        QVERIFY(message->checksum == ChecksumVerdict::Good);
        QCOMPARE(values(frame, FieldId::MhHeaderLength), Values{std::to_string(p.units)});
        const Values sum{QString("0x%1").arg(p.checksum, 4, 16, QChar('0')).toStdString()};
        QCOMPARE(values(frame, FieldId::MhChecksum), sum);
        // What is behind the updates and acknowledgements: one PadN with two zero octets.
        const Values padding = p.type == 5 || p.type == 6 ? Values{"0000"} : Values{};
        QCOMPARE(values(frame, FieldId::MobilityPadN), padding);
    }
    void homeAddressInData_data()
    {
        QTest::addColumn<bool>("good");
        QTest::newRow("ipv6-mobile-hoa.pcap") << true;
        QTest::newRow("ip6-hoa-udp-good-chksum.pcap") << true;
        QTest::newRow("ip6-hoa-udp-bad-chksum.pcap") << false;
    }
    void homeAddressInData()
    {
        QFETCH(bool, good);
        if (sharedFolder().isEmpty()) QSKIP("no shared captures on this machine (set ROAMSCOPE_SHARED)");
        const InputFrame frame = only(QTest::currentDataTag());
        const DecodedFrame decoded = decodeFrame(frame.bytes, frame.linkType, frame.originalLength);
        QCOMPARE(decoded.packets.size(), std::size_t{1});
        QVERIFY(decoded.packets[0].source == source_ && decoded.packets[0].destination == destination_);
        QVERIFY(decoded.packets[0].homeAddress() == ip("2001:78:1:32::1"));
        QCOMPARE(values(frame, FieldId::Ipv6NextHeader), Values{"60"});
        QCOMPARE(values(frame, FieldId::DestinationNext), Values{"17"});
        QCOMPARE(values(frame, FieldId::DestinationLength), Values{"2"});
        QCOMPARE(values(frame, FieldId::Ipv6OptionPadN), Values{"0000"});
        const auto* udp = std::get_if<Checked<UdpDatagram>>(&decoded.message);
        QVERIFY(udp);
        QCOMPARE(int(udp->value.sourcePort), 30000);
        QCOMPARE(int(udp->value.destinationPort), 13000);
        QCOMPARE(udp->value.data.size(), std::size_t{4});
        QVERIFY(udp->checksum == (good ? ChecksumVerdict::Good : ChecksumVerdict::Bad));
    }
};

QTEST_APPLESS_MAIN(TestZeekValues)
#include "test_zeek_values.moc"
