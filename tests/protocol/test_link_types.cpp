// SPDX-License-Identifier: GPL-3.0-or-later
// The same golden message behind every link header, in IPv4 and in UDP: the message, its checksum and its octets are found, no
// prefix of the frame is a fault of its sender, and tshark reads the same link fields.
#include "protocol/wire/summary.hpp"
#include "tests/support/frame_checks.hpp"
#include "tests/support/test_inputs.hpp"

#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QtTest>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

Bytes join(Bytes a, const Bytes& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

Bytes golden(const QString& name)
{
    for (const InputFrame& packet : goldenPackets())
        if (packet.name == name) return packet.bytes;
    return {};
}

Bytes big16(std::size_t v) { return {static_cast<std::uint8_t>(v >> 8), static_cast<std::uint8_t>(v)}; }

Ipv4Header ipv4Header(std::uint8_t protocol)
{
    Ipv4Header header;
    header.protocol = protocol;
    header.source = *Ipv4Address::parse("192.0.2.1");
    header.destination = *Ipv4Address::parse("192.0.2.2");
    return header;
}

Bytes inUdp(std::uint16_t port, const Bytes& data)
{
    const Ipv4Header header = ipv4Header(protocol::udp);
    return emitIpv4(header, emitUdp({port, port, data}, header.pseudoHeader()));
}

const char* const macs = "020000000001" "020000000002";

struct Carrier {
    QString name;
    std::uint16_t linkType;
    Bytes frame;
    QStringList fields;  ///< compared with tshark
};

/// `packet` behind every header that is known.
std::vector<Carrier> carriers(const Bytes& packet)
{
    const QString eth = macs;
    const QString third = "020000000003", fourth = "020000000004", snap = "aaaa03000000" "86dd";
    const Bytes llc = join(fromHex(snap), packet);
    const auto on = [&](const QString& header) { return join(fromHex(header), packet); };
    Bytes aggregate = join(fromHex("88022c00" + eth + third + "10028500" + eth), join(big16(llc.size()), llc));
    while ((aggregate.size() - 26) % 4 != 0) aggregate.push_back(0);
    aggregate = join(aggregate, join(fromHex(eth), join(big16(llc.size()), llc)));
    const QStringList wlan{"wlan.fc", "wlan.duration", "wlan.ra", "wlan.ta", "wlan.frag", "wlan.seq", "llc.dsap", "llc.ssap", "llc.control", "llc.oui", "llc.type"};
    const QStringList qos = wlan + QStringList{"wlan.da", "wlan.sa", "wlan.qos", "wlan.qos.tid", "wlan.qos.amsdupresent"};
    const QStringList sll{"sll.pkttype", "sll.hatype", "sll.halen", "sll.src.eth", "sll.unused", "sll.etype", "sll.ifindex"};
    const QStringList ip{"ip.version", "ip.hdr_len", "ip.dsfield", "ip.dsfield.dscp", "ip.len", "ip.id", "ip.flags", "ip.flags.df", "ip.frag_offset", "ip.ttl", "ip.proto", "ip.checksum", "ip.src", "ip.dst"};
    const Bytes six = emitIpv4(ipv4Header(protocol::ipv6), packet);
    Ipv6Packet outer;
    outer.source = *Ipv6Address::parse("2001:db8::1");
    outer.destination = *Ipv6Address::parse("2001:db8::2");
    outer.nextHeader = protocol::ipv4;
    outer.payload = six;
    return {
        {"Ethernet", linkEthernet, on(eth + "86dd"), {"eth.dst", "eth.src", "eth.type"}},
        {"VLAN", linkEthernet, on(eth + "8100" "b005" "86dd"), {"vlan.priority", "vlan.dei", "vlan.id", "vlan.etype"}},
        {"QinQ", linkEthernet, on(eth + "88a8" "f064" "8100" "2005" "86dd"), {"vlan.id", "ieee8021ad.priority", "ieee8021ad.dei", "ieee8021ad.id"}},
        {"old QinQ", linkEthernet, on(eth + "9100" "f064" "8100" "2005" "86dd"), {"vlan.priority", "vlan.dei", "vlan.id", "vlan.etype"}},
        {"802.3", linkEthernet, join(join(fromHex(eth), join(big16(llc.size()), llc)), {1, 2, 3}), {"eth.len", "eth.type", "eth.trailer", "llc.type", "llc.oui", "llc.control"}},
        {"PPPoE", linkEthernet, join(fromHex(eth + "8864" "11000007"), join(big16(packet.size() + 2), on("0057"))), {"pppoe.version", "pppoe.type", "pppoe.code", "pppoe.session_id", "pppoe.payload_length", "ppp.protocol"}},
        {"PPPoE alone", linkPppoe, join(fromHex("11000007"), join(big16(packet.size() + 2), on("0057"))), {}},
        {"cooked", linkCooked, on("0000000100060200000000020000" "86dd"), sll},
        {"cooked 2", linkCooked2, on("86dd0000" "00000003" "0001" "04" "06" "0200000000020000"), sll},
        {"null little 30", linkNull, on("1e000000"), {"null.family"}},
        {"null big 24", linkNull, on("00000018"), {"null.family"}},
        {"null little 10", linkNull, on("0a000000"), {}},
        {"loopback 28", linkLoopback, on("0000001c"), {"null.family"}},
        {"raw", linkRaw, packet, {}},
        {"raw BSD", linkRawBsd, packet, {}},
        {"raw OpenBSD", linkRawOpenBsd, packet, {}},
        {"raw IPv6", linkRawIpv6, packet, {}},
        {"802.11", linkWifi, on("08012c00" + eth + third + "1002" + snap), wlan + QStringList{"wlan.da", "wlan.sa", "wlan.bssid"}},
        {"802.11 QoS", linkWifi, on("88012c00" + eth + third + "10020500" + snap), qos + QStringList{"wlan.bssid"}},
        {"802.11 HT control", linkWifi, on("88812c00" + eth + third + "10020500" "01020304" + snap), {"wlan.htc", "wlan.qos"}},
        {"802.11 four addresses", linkWifi, on("88032c00" + eth + third + "1002" + fourth + "0500" + snap), qos},
        {"802.11 aggregate", linkWifi, aggregate, {"wlan.qos.amsdupresent"}},
        {"radiotap", linkRadiotap, on("00000e00" "06000000" "000c" "00000000" "08012c00" + eth + third + "1002" + snap), {"radiotap.version", "radiotap.length", "radiotap.flags", "wlan.sa"}},
        {"radiotap with check sequence", linkRadiotap, join(on("00001900" "0f000000" "0102030405060708" "10" "0c" "00000000" "000000" "08022c00" + eth + third + "1002" + snap), {1, 2, 3, 4}), {"radiotap.length", "radiotap.flags", "wlan.fcs", "wlan.da"}},
        {"PPP", linkPpp, on("ff030057"), {"ppp.address", "ppp.control", "ppp.protocol"}},
        {"PPP compressed", linkPpp, on("57"), {"ppp.protocol"}},
        {"PPP HDLC", linkPppHdlc, on("ff030057"), {"ppp.address", "ppp.control", "ppp.protocol"}},
        {"Cisco HDLC", linkPppHdlc, on("0f0086dd"), {"chdlc.address", "chdlc.protocol"}},
        {"PPP with direction", linkPppDirection, on("01ff030057"), {"ppp.protocol"}},
        {"IPv6 in IPv4", linkRawIpv4, six, ip},
        {"IPv6 in IPv4 in IPv4", linkRaw, emitIpv4(ipv4Header(protocol::ipv4), six), ip},
        {"IPv6 in IPv4 in IPv6", linkRaw, emitIpv6(outer), {"ip.src", "ip.len", "ipv6.src"}},
        {"DSMIPv6", linkEthernet, join(fromHex(eth + "0800"), inUdp(4191, packet)), {"ip.src", "udp.srcport", "udp.length"}},
        {"TLV tunnel", linkEthernet, join(fromHex(eth + "0800"), inUdp(4191, join(join({0x00, 41}, big16(packet.size())), packet))), {}},
        {"PMIPv6 data", linkRaw, inUdp(5437, packet), {}},
    };
}

void number(QByteArray& out, std::uint32_t value, int octets)
{
    for (int i = 0; i < octets; ++i) out.append(static_cast<char>(value >> 8 * i));
}

bool writePcap(const QString& path, const Carrier& carrier)
{
    QByteArray out;
    for (const std::uint32_t value : {0xa1b2c3d4u, 0x00040002u, 0u, 0u, 262144u, std::uint32_t{carrier.linkType}, 1u, 0u, std::uint32_t(carrier.frame.size()), std::uint32_t(carrier.frame.size())})
        number(out, value, 4);
    out.append(reinterpret_cast<const char*>(carrier.frame.data()), qsizetype(carrier.frame.size()));
    QFile file(path);
    return file.open(QIODevice::WriteOnly) && file.write(out) == out.size();
}

const FieldNode* find(const std::vector<FieldNode>& nodes, FieldId id)
{
    const auto it = std::find_if(nodes.begin(), nodes.end(), [id](const FieldNode& n) { return n.field == id; });
    return it == nodes.end() ? nullptr : &*it;
}

}  // namespace

class TestLinkTypes : public QObject {
    Q_OBJECT
    QTemporaryDir folder_;

private Q_SLOTS:
    void theMessageIsFound()
    {
        const Bytes packet = golden("lbu");
        QVERIFY(!packet.empty());
        const DecodedFrame plain = decodeFrame(packet, linkRawIpv6, packet.size());
        QVERIFY(plain.as<BindingUpdate>());
        for (const Carrier& c : carriers(packet)) {
            const DecodedFrame frame = decodeFrame(c.frame, c.linkType, c.frame.size());
            QVERIFY2(frame.as<BindingUpdate>(), qPrintable(c.name));
            QVERIFY2(!frame.error && *frame.as<BindingUpdate>() == *plain.as<BindingUpdate>(), qPrintable(c.name));
            QVERIFY2(std::get<Checked<MobilityMessage>>(frame.message).checksum == ChecksumVerdict::Good, qPrintable(c.name));
            QVERIFY2(*frame.inner() == *plain.inner(), qPrintable(c.name));
            QVERIFY2(frame.upper == protocol::mobility && !frame.overIpv4, qPrintable(c.name));
            const Dissection d = dissect(c.frame, c.linkType, c.frame.size());
            QVERIFY2(d.findings.empty(), qPrintable(c.name + (d.findings.empty() ? "" : d.findings[0].text.c_str())));
            QCOMPARE(nodeFault(c.frame, d.nodes), std::string{});
            QCOMPARE(skimFault(c.frame, c.linkType, c.frame.size()), std::string{});
            QVERIFY2(!d.summary.malformed && d.summary.protocol == "MIPv6", qPrintable(c.name));
        }
    }
    void noPrefixIsTheSendersFault()
    {
        for (const Carrier& c : carriers(golden("lbu"))) {
            for (std::size_t kept = 0; kept < c.frame.size(); ++kept) {
                const QString where = QString("%1, %2 of %3 octets").arg(c.name).arg(kept).arg(c.frame.size());
                const Bytes prefix(c.frame.begin(), c.frame.begin() + static_cast<std::ptrdiff_t>(kept));
                const Dissection cut = dissect(prefix, c.linkType, c.frame.size());
                QVERIFY2(!cut.summary.malformed && cut.findings.empty(), qPrintable(where));
                QVERIFY2(nodeFault(prefix, cut.nodes).empty(), qPrintable(where));
                const DecodedFrame frame = decodeFrame(prefix, c.linkType, c.frame.size());
                if (frame.error && kept > 0) QVERIFY2(frame.error->code == ErrorCode::Truncated, qPrintable(where));
                QVERIFY2(skimFault(prefix, c.linkType, c.frame.size()).empty(), qPrintable(where));
                const Dissection sent = dissect(prefix, c.linkType, kept);
                QVERIFY2(nodeFault(prefix, sent.nodes).empty(), qPrintable(where));
            }
        }
    }
    void theAddressesOfTheLinkAreKnown()
    {
        for (const Carrier& c : carriers(golden("lbu"))) {
            const DecodedFrame frame = decodeFrame(c.frame, c.linkType, c.frame.size());
            if (c.name == "Ethernet" || c.name == "QinQ" || c.name == "802.11 aggregate" || c.name == "PPPoE")
                QCOMPARE(frame.ethernet->source.text(), std::string("02:00:00:00:00:02"));
            if (c.name == "802.11") QCOMPARE(frame.ethernet->destination.text(), std::string("02:00:00:00:00:03"));
            if (c.name == "802.11 four addresses") QCOMPARE(frame.ethernet->source.text(), std::string("02:00:00:00:00:04"));
            if (c.name == "cooked" || c.name == "PPP") QVERIFY(!frame.ethernet);
        }
    }
    void encryptedAndOtherRadioFramesAreShownAsSuch()
    {
        const QString header = QString("88412c00") + macs + "020000000003" + "10020500";
        const Bytes hidden = join(fromHex(header), Bytes(40, 0x55));
        const Dissection d = dissect(hidden, linkWifi, hidden.size());
        QVERIFY(find(d.nodes, FieldId::Encrypted));
        QVERIFY(d.findings.empty() && !d.summary.malformed);
        QVERIFY(decodeFrame(hidden, linkWifi, hidden.size()).encrypted);
        for (const char* other : {"80000000020000000001020000000002020000000003", "d4000000020000000001", "0c00"}) {
            const Bytes frame = fromHex(other);
            QVERIFY2(!dissect(frame, linkWifi, frame.size()).summary.malformed, other);
        }
        const Bytes piece = join(fromHex(QString("08050000") + macs + "020000000003" "1000"), Bytes(30));
        QVERIFY(decodeFrame(piece, linkWifi, piece.size()).error->code == ErrorCode::Unsupported);
    }
    void anAggregateSaysThatThereIsMore()
    {
        for (const Carrier& c : carriers(golden("lbu"))) {
            const Dissection d = dissect(c.frame, c.linkType, c.frame.size());
            QCOMPARE(find(d.nodes, FieldId::Limit) != nullptr, c.name == "802.11 aggregate");
        }
    }
    /// RFC 5844 §4.1.3.2: the Mobility Header's own checksum is zero and that of UDP counts.
    void mobilityHeadersInUdp()
    {
        const Bytes packet = golden("lbu");
        const DecodedFrame plain = decodeFrame(packet, linkRawIpv6, packet.size());
        Bytes message = emitMobility(std::get<Checked<MobilityMessage>>(plain.message).value, {});
        message[4] = message[5] = 0;
        Bytes frame = inUdp(udpPort::proxyControl, message);
        const DecodedFrame good = decodeFrame(frame, linkRaw, frame.size());
        QVERIFY(good.as<BindingUpdate>() && good.overIpv4 && good.tunnel && good.tunnel->destinationPort == 5436);
        QVERIFY(std::get<Checked<MobilityMessage>>(good.message).checksum == ChecksumVerdict::Good);
        QVERIFY(dissect(frame, linkRaw, frame.size()).findings.empty());
        frame[28 + 11] ^= 1;
        QVERIFY(std::get<Checked<MobilityMessage>>(decodeFrame(frame, linkRaw, frame.size()).message).checksum == ChecksumVerdict::Bad);
        message[5] = 7;
        frame = inUdp(udpPort::proxyControl, message);
        const Dissection d = dissect(frame, linkRaw, frame.size());
        QCOMPARE(d.findings.size(), std::size_t{1});
        QCOMPARE(d.findings[0].rfc, std::string_view("RFC 5844 §4.1.3.2"));
        QCOMPARE(int(d.findings[0].offset), 28 + 4);
    }
    void checksumsOfUdpOverIpv4AndIpv6()
    {
        const Ipv4Header header = ipv4Header(protocol::udp);
        Bytes datagram = emitUdp({1000, 2000, {1, 2, 3}}, header.pseudoHeader());
        const Bytes good = emitIpv4(header, datagram);
        QVERIFY(std::get<Checked<UdpDatagram>>(decodeFrame(good, linkRaw, good.size()).message).checksum == ChecksumVerdict::Good);
        datagram[6] = datagram[7] = 0;
        const Bytes none = emitIpv4(header, datagram);
        QVERIFY(!dissect(none, linkRaw, none.size()).summary.malformed && dissect(none, linkRaw, none.size()).findings.empty());
        Ipv6Packet packet;
        packet.nextHeader = protocol::udp;
        packet.payload = datagram;
        const Bytes six = emitIpv6(packet);
        QCOMPARE(dissect(six, linkRaw, six.size()).findings.size(), std::size_t{1});
        packet.payload[0] = udpPort::homeAgent >> 8;
        packet.payload[1] = udpPort::homeAgent & 0xff;
        const Bytes tunnel = emitIpv6(packet);  // RFC 6935 §5
        QVERIFY(dissect(tunnel, linkRaw, tunnel.size()).findings.empty());
    }
    void tcpHeaders()
    {
        Bytes segment = fromHex("03e8005000000001000000025012006400000000" "c0ffee");
        const Ipv4Header header = ipv4Header(protocol::tcp);
        const std::uint16_t sum = checksum(header.pseudoHeader(), protocol::tcp, segment);
        segment[16] = static_cast<std::uint8_t>(sum >> 8);
        segment[17] = static_cast<std::uint8_t>(sum);
        Bytes frame = emitIpv4(header, segment);
        const DecodedFrame decoded = decodeFrame(frame, linkRaw, frame.size());
        const auto& tcp = std::get<Checked<TcpSegment>>(decoded.message);
        QVERIFY(tcp.checksum == ChecksumVerdict::Good);
        QCOMPARE(int(tcp.value.flags), 0x12);
        QCOMPARE(tcp.value.dataOctets, std::size_t{3});
        frame.back() ^= 1;
        QVERIFY(std::get<Checked<TcpSegment>>(decodeFrame(frame, linkRaw, frame.size()).message).checksum == ChecksumVerdict::Bad);
        QCOMPARE(skimFault(frame, linkRaw, frame.size()), std::string{});
    }
    void ipv4HeadersThatAreWrong()
    {
        const Bytes packet = golden("lbu");
        Bytes frame = emitIpv4(ipv4Header(protocol::ipv6), packet);
        frame[10] ^= 0x40;
        QCOMPARE(dissect(frame, linkRaw, frame.size()).findings.size(), std::size_t{1});  // its checksum; the rest is read
        QVERIFY(decodeFrame(frame, linkRaw, frame.size()).as<BindingUpdate>());
        frame = emitIpv4(ipv4Header(protocol::ipv6), packet);
        frame[0] = 0x44;
        QVERIFY(decodeFrame(frame, linkRawIpv4, frame.size()).error->code == ErrorCode::Malformed);
        frame[0] = 0x46;  // the first four octets of the packet are options now: end of list
        QVERIFY(!decodeFrame(frame, linkRawIpv4, frame.size()).as<BindingUpdate>());
    }
    void linkFieldsAreTsharks()
    {
        if (QStandardPaths::findExecutable("tshark").isEmpty()) QSKIP("tshark is not installed (apt install tshark)");
        const QString path = folder_.filePath("frame.pcap");
        std::size_t compared = 0;
        for (const Carrier& c : carriers(golden("lbu"))) {
            if (c.fields.isEmpty()) continue;
            QVERIFY(writePcap(path, c));
            QStringList arguments{"-r", path, "-T", "fields", "-E", "aggregator=;"};
            for (const QString& field : c.fields) arguments << "-e" << field;
            QProcess tshark;
            tshark.start("tshark", arguments);
            QVERIFY(tshark.waitForFinished(60'000));
            const QList<QByteArray> cells = tshark.readAllStandardOutput().split('\n').value(0).split('\t');
            const Dissection d = dissect(c.frame, c.linkType, c.frame.size());
            for (qsizetype i = 0; i < c.fields.size(); ++i) {
                QByteArrayList ours;
                for (const FieldNode& node : d.nodes)
                    if (info(node.field).name == c.fields[i].toStdString()) ours << QByteArray::fromStdString(valueText(node));
                if (c.fields[i] == "ip.version") ours.removeAll("6");
                QByteArrayList theirs = cells.value(i).split(';');
                if (c.fields[i] == "ip.version") theirs.removeAll("6");
                for (QByteArray& cell : theirs) cell = cell == "True" ? "1" : cell == "False" ? "0" : cell;
                QVERIFY2(ours.join(';') == theirs.join(';'),
                         qPrintable(QString("%1 %2: here %3, tshark %4").arg(c.name, c.fields[i], QString(ours.join(';')), QString(theirs.join(';')))));
                compared += std::size_t(ours.size());
            }
        }
        QVERIFY(compared > 150);
    }
};

QTEST_GUILESS_MAIN(TestLinkTypes)
#include "test_link_types.moc"
