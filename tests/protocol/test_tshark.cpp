// SPDX-License-Identifier: GPL-3.0-or-later
// A second opinion: what tshark (4.0 of Debian 12) says about the frames that are emitted here, and about the names in the
// registry. That the values agree is tried in tests/app/test_tshark_agreement.cpp. Skips where tshark is not installed.
#include "protocol/wire/summary.hpp"
#include "tests/support/pcap_writer.hpp"
#include "tests/support/random_messages.hpp"

#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QtTest>
#include <map>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

QByteArray tshark(const QStringList& arguments)
{
    QProcess process;
    process.start(QStringLiteral("tshark"), arguments);
    if (!process.waitForFinished(100'000) || process.exitCode() != 0) {
        qWarning() << process.errorString() << process.readAllStandardError();
        return {};
    }
    return process.readAllStandardOutput();
}

std::vector<InputFrame> emittedFrames()
{
    std::vector<InputFrame> out;
    for (const InputFrame& packet : goldenPackets()) {
        const Bytes frame = emitEthernet({*Mac::parse("02:00:00:00:00:01"), *Mac::parse("02:00:00:00:00:02")}, packet.bytes);
        out.push_back({packet.name, frame, linkEthernet, frame.size()});
    }
    RandomMessages random(21, false);
    for (int i = 0; i < 3000; ++i) {
        const Bytes frame = random.frame();
        out.push_back({QString("random frame %1").arg(i), frame, linkEthernet, frame.size()});
    }
    return out;
}

bool compatible(FieldType type, const QByteArray& theirs)
{
    switch (type) {
    case FieldType::None: return theirs == "protocol" || theirs == "FT_NONE";
    case FieldType::Boolean: return theirs == "FT_BOOLEAN";
    case FieldType::Int: return theirs.startsWith("FT_INT");
    case FieldType::UInt: return theirs.startsWith("FT_UINT");
    case FieldType::Address: return theirs == "FT_IPv6";
    case FieldType::Ipv4: return theirs == "FT_IPv4";
    case FieldType::Mac: return theirs == "FT_ETHER" || theirs == "FT_BYTES";
    case FieldType::Bytes: return theirs == "FT_BYTES" || theirs == "FT_NONE" || theirs == "FT_IPv4";
    case FieldType::Text: return theirs == "FT_STRING" || theirs.endsWith("_TIME");
    }
    return false;
}

}  // namespace

class TestTshark : public QObject {
    Q_OBJECT
    QTemporaryDir folder_;

private Q_SLOTS:
    void initTestCase()
    {
        if (QStandardPaths::findExecutable("tshark").isEmpty()) QSKIP("tshark is not installed (apt install tshark)");
    }
    void namesAndTypesAreTsharks()
    {
        std::map<QByteArray, std::pair<QByteArray, QByteArray>> known;  // name -> type and mask
        for (const QByteArray& line : tshark({"-G", "fields"}).split('\n')) {
            const QList<QByteArray> column = line.split('\t');
            if (column.value(0) == "P") known[column.value(2)] = {"protocol", "0x0"};
            if (column.value(0) == "F") known[column.value(2)] = {column.value(3), column.value(6)};
        }
        QVERIFY(known.size() > 100'000);
        int wrong = 0;
        for (std::size_t i = 0; i < fieldCount(); ++i) {
            const FieldInfo& field = info(static_cast<FieldId>(i));
            const auto found = known.find(QByteArray(field.name.data(), qsizetype(field.name.size())));
            QString fault;
            if (field.tshark != (found != known.end())) fault = field.tshark ? "is unknown to tshark" : "is known to tshark";
            else if (field.tshark && !compatible(field.type, found->second.first)) fault = "has another type: " + found->second.first;
            else if (field.tshark && found->second.second.toULongLong(nullptr, 0) != field.mask && field.name != "ipv6.version" && field.name != "ip.version")
                fault = "has another mask: " + found->second.second;
            if (fault.isEmpty()) continue;
            ++wrong;
            qWarning() << field.name.data() << fault;
        }
        QCOMPARE(wrong, 0);
    }
    void nothingEmittedIsMalformed()
    {
        const std::vector<InputFrame> frames = emittedFrames();
        const QString path = folder_.filePath("emitted.pcap");
        QVERIFY(writePcap(path, frames));
        // The random data of a datagram must not be guessed to be some protocol.
        const QByteArray bad = tshark({"-r", path, "-d", "udp.port==52010-52089,data", "-o", "udp.check_checksum:TRUE", "-Y",
                                       "_ws.malformed || icmpv6.checksum.status == 0 || udp.checksum.status == 0"});
        QVERIFY2(bad.isEmpty(), bad.constData());
        // The verdicts are really given: the golden packets alone have five ICMPv6 messages.
        const QByteArray good = tshark({"-r", path, "-o", "udp.check_checksum:TRUE", "-Y", "icmpv6.checksum.status == 1 || udp.checksum.status == 1",
                                        "-T", "fields", "-e", "frame.number"});
        QVERIFY2(good.count('\n') > 1500, qPrintable(QString::number(good.count('\n'))));
    }
    void aSpoiledFrameIsFound()
    {
        std::vector<InputFrame> frames = emittedFrames();
        frames.resize(24);
        for (InputFrame& frame : frames) frame.bytes.back() ^= 1;
        const QString path = folder_.filePath("spoiled.pcap");
        QVERIFY(writePcap(path, frames));
        const QByteArray bad = tshark({"-r", path, "-Y", "icmpv6.checksum.status == 0", "-T", "fields", "-e", "frame.number"});
        QCOMPARE(bad.count('\n'), 5);
    }
};

QTEST_GUILESS_MAIN(TestTshark)
#include "test_tshark.moc"
