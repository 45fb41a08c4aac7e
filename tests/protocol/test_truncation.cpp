// SPDX-License-Identifier: GPL-3.0-or-later
// Frames that end early or are built to exhaust a decoder: every prefix of every frame, and depth bombs (threat T2).
#include "protocol/wire/summary.hpp"
#include "tests/support/frame_checks.hpp"
#include "tests/support/random_messages.hpp"
#include "tests/support/test_inputs.hpp"

#include <QDirIterator>
#include <QElapsedTimer>
#include <QThread>
#include <QtTest>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

bool shows(const Dissection& d, FieldId id)
{
    return std::any_of(d.nodes.begin(), d.nodes.end(), [id](const FieldNode& node) { return node.field == id; });
}

Bytes join(Bytes a, const Bytes& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

/// An IPv6 header without what follows it.
Bytes header(std::uint8_t next, std::size_t payload)
{
    Ipv6Packet packet;
    packet.nextHeader = next;
    Bytes out = emitIpv6(packet);
    out[4] = static_cast<std::uint8_t>(payload >> 8);
    out[5] = static_cast<std::uint8_t>(payload);
    return out;
}

Bytes ethernetHeader(std::uint16_t type) { return emitEthernet({{}, {}, type}, {}); }

Bytes nestedTunnels()
{
    Bytes out;
    for (std::size_t n = 0; n < 1638; ++n) out = join(out, header(protocol::ipv6, (1638 - n - 1) * 40));
    return out;
}

Bytes vlanStack()
{
    Bytes out = ethernetHeader(etherTypeVlan);
    while (out.size() < 262140) out = join(std::move(out), {0, 1, 0x81, 0x00});
    return out;
}

Bytes destinationHeaders()
{
    Bytes chain;
    for (int n = 0; n < 8191; ++n) chain = join(std::move(chain), {60, 0, 1, 4, 0, 0, 0, 0});
    return join(header(protocol::destinationOptions, chain.size()), chain);
}

/// 32 headers of 2048 octets with nothing but options without data.
Bytes optionFlood(std::uint8_t type)
{
    Bytes chain;
    for (int n = 0; n < 31; ++n) {
        Bytes one{static_cast<std::uint8_t>(n < 30 ? 60 : 59), 255};
        while (one.size() < 2048) {
            one.push_back(type);
            if (type != 0) one.push_back(0);
        }
        chain = join(std::move(chain), one);
    }
    return join(header(protocol::destinationOptions, chain.size()), chain);
}

Bytes icmpv6Of(std::uint8_t type, Bytes body)
{
    Ipv6Packet packet;
    packet.nextHeader = protocol::icmpv6;
    packet.payload = emitIcmpv6(RawIcmpv6{type, 0, std::move(body)}, packet.pseudoHeader());
    return emitIpv6(packet);
}

/// A router advertisement of 64 KiB with MAP options of distance 0 and an unspecified address: two findings each.
Bytes badMapOptions()
{
    Bytes body(12);
    while (body.size() + 24 <= 65528) {
        Bytes option(24);
        option[0] = 23;
        option[1] = 3;
        body = join(std::move(body), option);
    }
    return icmpv6Of(icmpv6Type::routerAdvertisement, std::move(body));
}

Bytes listenerRecords()
{
    Bytes body{0, 0, 0xff, 0xff};
    while (body.size() + 20 <= 65528) body = join(std::move(body), Bytes(20));
    return icmpv6Of(icmpv6Type::multicastListenerReport, std::move(body));
}

Bytes mobilityOptionFlood()
{
    Ipv6Packet packet;
    packet.nextHeader = protocol::mobility;
    packet.payload = {59, 255, 0, 0, 0, 0, 0, 0};
    while (packet.payload.size() < 2048) packet.payload = join(std::move(packet.payload), {35, 4, 0, 0, 0, 0, 18, 0});
    return emitIpv6(packet);
}

/// ICMPv6 error that quotes an error that quotes … until the packet is full.
Bytes quotedErrors()
{
    Bytes inner = header(protocol::none, 0);
    while (inner.size() + 48 <= 65535) {
        Ipv6Packet packet;
        packet.nextHeader = protocol::icmpv6;
        IcmpError error;
        error.invoking = std::move(inner);
        packet.payload = emitIcmpv6(error, packet.pseudoHeader());
        inner = emitIpv6(packet);
    }
    return inner;
}

std::vector<InputFrame> sharedFrames()
{
    std::vector<InputFrame> out;
    const QString folder = sharedFolder();
    if (folder.isEmpty()) return out;
    QStringList paths;
    for (QDirIterator it(folder + "/captures", {"*.pcap"}, QDir::Files, QDirIterator::Subdirectories); it.hasNext();) paths << it.next();
    paths.sort();
    for (const QString& path : paths)
        for (InputFrame& frame : readPcap(path)) out.push_back(std::move(frame));
    return out;
}

/// `malformed`: the whole frame is.
std::string prefixFault(const Bytes& prefix, std::uint16_t linkType, std::size_t original, bool malformed)
{
    const Dissection d = dissect(prefix, linkType, original);
    if (d.summary.protocol.empty()) return "a frame without protocol";
    if (d.summary.malformed && original > prefix.size() && !malformed) return "what the capture cut is malformed";
    if (d.nodes.size() > FieldSink::maxNodes + 1) return "more lines than the limit";
    for (const Finding& finding : d.findings)
        if (finding.buffer == 0 && (finding.offset > prefix.size() || finding.length > prefix.size() - finding.offset)) return "a finding outside the frame: " + finding.text;
    // Lines about octets that do not stand in the frame have buffers of their own.
    if (d.buffers.empty())
        if (std::string fault = nodeFault(prefix, d.nodes); !fault.empty()) return fault;
    return skimFault(prefix, linkType, original);
}

}  // namespace

class TestTruncation : public QObject {
    Q_OBJECT

    /// A frame of `whole` of which only the first `kept` octets are there.
    void checkPrefix(const InputFrame& whole, std::size_t kept)
    {
        const QByteArray where = QString("%1, %2 of %3 octets").arg(whole.name).arg(kept).arg(whole.bytes.size()).toUtf8();
        const Bytes prefix(whole.bytes.begin(), whole.bytes.begin() + static_cast<std::ptrdiff_t>(kept));

        // Cut by the capture: never malformed, and checksums are never called bad.
        const Dissection cut = dissect(prefix, whole.linkType, whole.bytes.size());
        QVERIFY2(!cut.summary.malformed, where.constData());
        // Random messages stand behind headers that they must not have; that shows in the whole frame too.
        const Dissection all = dissect(whole.bytes, whole.linkType, whole.bytes.size());
        for (const Finding& finding : cut.findings) {
            const auto same = [&](const Finding& f) { return f.text == finding.text && f.offset == finding.offset; };
            QVERIFY2(std::any_of(all.findings.begin(), all.findings.end(), same), (where + ": " + finding.text.c_str()).constData());
        }
        QVERIFY2(nodeFault(prefix, cut.nodes).empty(), where.constData());
        const DecodedFrame decoded = decodeFrame(prefix, whole.linkType, whole.bytes.size());
        QVERIFY2(decoded.cut, where.constData());
        if (decoded.error && kept > 0) QVERIFY2(decoded.error->code == ErrorCode::Truncated && shows(cut, FieldId::Cut), where.constData());

        // Sent like that: the payload length of the IPv6 header contradicts the frame.
        const DecodedFrame sent = decodeFrame(prefix, whole.linkType, prefix.size());
        QVERIFY2(sent.error, where.constData());
        QVERIFY2(sent.error->code == ErrorCode::Malformed || kept == 0, where.constData());
        QVERIFY2(sent.error->offset <= prefix.size(), where.constData());
        const Dissection d = dissect(prefix, whole.linkType, prefix.size());
        QVERIFY2(kept == 0 || (d.summary.malformed && shows(d, FieldId::Malformed) && !d.findings.empty()), where.constData());
        QVERIFY2(nodeFault(prefix, d.nodes).empty(), where.constData());
    }

private Q_SLOTS:
    void everyPrefixOfTheGoldenPackets()
    {
        for (const InputFrame& packet : goldenPackets()) {
            for (std::size_t kept = 0; kept < packet.bytes.size(); ++kept) {
                checkPrefix(packet, kept);
                if (QTest::currentTestFailed()) return;
            }
        }
    }
    void everyPrefixOfNestedFrames()
    {
        RandomMessages random(11, false);
        for (int i = 0; i < 60; ++i) {
            const Bytes bytes = random.frame();
            for (std::size_t kept = 0; kept < bytes.size(); ++kept) {
                checkPrefix({QString("random frame %1").arg(i), bytes, linkEthernet, bytes.size()}, kept);
                if (QTest::currentTestFailed()) return;
            }
        }
    }
    /// Frames of others may be malformed as they are; what must hold for any octets holds for each of their prefixes.
    void everyPrefixOfTheSharedCaptures()
    {
        const std::vector<InputFrame> frames = sharedFrames();
        if (frames.empty()) QSKIP("no shared captures (set ROAMSCOPE_SHARED)");
#ifdef ROAMSCOPE_SANITIZED
        // ROAMSCOPE_EVERY_LENGTH asks for all of them here too.
        const std::size_t step = qEnvironmentVariableIsSet("ROAMSCOPE_EVERY_LENGTH") ? 1 : 5;
#else
        const std::size_t step = 1;
#endif
        std::size_t turn = 0;
        for (const InputFrame& frame : frames) {
            const bool malformed = dissect(frame.bytes, frame.linkType, frame.originalLength).summary.malformed;
            for (std::size_t kept = turn++ % step; kept < frame.bytes.size(); kept += step) {
                const Bytes prefix(frame.bytes.begin(), frame.bytes.begin() + static_cast<std::ptrdiff_t>(kept));
                for (const std::size_t original : {frame.originalLength, kept}) {
                    const std::string fault = prefixFault(prefix, frame.linkType, original, malformed);
                    QVERIFY2(fault.empty(), qPrintable(QString("%1, %2 of %3 octets: %4").arg(frame.name).arg(kept).arg(frame.bytes.size()).arg(QString::fromStdString(fault))));
                }
            }
        }
    }
    /// A message inside a whole packet that ends early is malformed even when the capture cut the link's padding off.
    void aShortMessageInACutFrameIsStillMalformed()
    {
        Ipv6Packet packet;
        packet.nextHeader = protocol::icmpv6;
        packet.payload = {134, 0, 0, 0, 64, 0};
        Bytes frame = emitEthernet({}, emitIpv6(packet));
        frame.resize(frame.size() + 2);
        const Dissection d = dissect(frame, linkEthernet, frame.size() + 4);
        QVERIFY(d.summary.malformed);
        QVERIFY(shows(d, FieldId::Malformed) && !shows(d, FieldId::Cut));
    }

    void depthBombs_data()
    {
        QTest::addColumn<QByteArray>("frame");
        QTest::addColumn<int>("linkType");
        QTest::addColumn<bool>("limit");
        const auto row = [](const char* name, const Bytes& bytes, int linkType, bool limit) {
            QTest::newRow(name) << QByteArray(reinterpret_cast<const char*>(bytes.data()), qsizetype(bytes.size())) << linkType << limit;
        };
        row("1638 nested IPv6 headers", nestedTunnels(), linkRawIpv6, true);
        row("65000 VLAN tags", vlanStack(), linkEthernet, true);
        row("8191 destination options headers", destinationHeaders(), linkRawIpv6, true);
        row("63000 Pad1 options", optionFlood(0), linkRawIpv6, true);
        row("31000 unknown options", optionFlood(0x1e), linkRawIpv6, true);
        row("2730 bad MAP options", badMapOptions(), linkRawIpv6, true);
        row("3276 listener records", listenerRecords(), linkRawIpv6, true);
        row("510 mobility options", mobilityOptionFlood(), linkRawIpv6, false);
        row("1360 quoted errors", quotedErrors(), linkRawIpv6, true);
    }
    void depthBombs()
    {
        QFETCH(QByteArray, frame);
        QFETCH(int, linkType);
        QFETCH(bool, limit);
        const Bytes bytes(frame.begin(), frame.end());
        Dissection result;
        std::string fault;
        qint64 best = std::numeric_limits<qint64>::max();
        // The stack of a worker thread: what the frame says must not decide how deep the decoder goes.
        QThread* thread = QThread::create([&] {
            for (int i = 0; i < 5; ++i) {
                QElapsedTimer timer;
                timer.start();
                result = dissect(bytes, static_cast<std::uint16_t>(linkType), bytes.size());
                best = std::min(best, timer.nsecsElapsed());
            }
            fault = nodeFault(bytes, result.nodes) + fixpointFault(decodeFrame(bytes, static_cast<std::uint16_t>(linkType), bytes.size()));
        });
        thread->setStackSize(256 * 1024);
        thread->start();
        thread->wait();
        delete thread;
        QCOMPARE(fault, std::string{});
        QVERIFY(result.nodes.size() <= FieldSink::maxNodes + 1);
        QCOMPARE(shows(result, FieldId::Limit), limit);
        qInfo("%s: %.2f ms, %zu lines, %zu findings", QTest::currentDataTag(), double(best) * 1e-6, result.nodes.size(), result.findings.size());
        // 10 ms in a build as users have it; code without optimisation or with sanitizers only has to stay in sight of that.
#if defined(__OPTIMIZE__) && !defined(ROAMSCOPE_SANITIZED)
        constexpr qint64 bound = 10'000'000;
#else
        constexpr qint64 bound = 300'000'000;
#endif
        QVERIFY2(best < bound, "takes too long");
    }
};

QTEST_APPLESS_MAIN(TestTruncation)
#include "test_truncation.moc"
