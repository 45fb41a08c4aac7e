// SPDX-License-Identifier: GPL-3.0-or-later
// A second opinion: what tshark (4.0 of Debian 12) says about the frames that are emitted here, and about the names and
// values in the tree. Skips where tshark is not installed.
#include "protocol/wire/summary.hpp"
#include "tests/support/random_messages.hpp"
#include "tests/support/test_inputs.hpp"

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

void number(QByteArray& out, std::uint32_t value, int octets)
{
    for (int i = 0; i < octets; ++i) out.append(static_cast<char>(value >> 8 * i));
}

/// A classic little-endian pcap file; false when it cannot be written.
bool writePcap(const QString& path, const std::vector<InputFrame>& frames)
{
    QByteArray out;
    number(out, 0xa1b2c3d4, 4);
    number(out, 2, 2);
    number(out, 4, 2);
    number(out, 0, 4);
    number(out, 0, 4);
    number(out, 262144, 4);
    number(out, wire::linkEthernet, 4);
    std::uint32_t time = 0;
    for (const InputFrame& frame : frames) {
        const auto size = static_cast<std::uint32_t>(frame.bytes.size());
        for (const std::uint32_t value : {++time, 0u, size, size}) number(out, value, 4);
        out.append(reinterpret_cast<const char*>(frame.bytes.data()), qsizetype(size));
    }
    QFile file(path);
    return file.open(QIODevice::WriteOnly) && file.write(out) == out.size();
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
    case FieldType::UInt: return theirs.startsWith("FT_UINT");
    case FieldType::Address: return theirs == "FT_IPv6";
    case FieldType::Ipv4: return theirs == "FT_IPv4";
    case FieldType::Mac: return theirs == "FT_ETHER" || theirs == "FT_BYTES";
    case FieldType::Bytes: return theirs == "FT_BYTES" || theirs == "FT_NONE" || theirs == "FT_IPv4";
    case FieldType::Text: return theirs == "FT_STRING" || theirs.endsWith("_TIME");
    }
    return false;
}

/// Fields whose values are compared. Left out: what tshark gives another meaning, or shows more often than once per occurrence.
std::vector<FieldId> comparedFields()
{
    static const QSet<QByteArray> otherwise{
        "ipv6.opt.type",       // also for each Pad1 and PadN, which have no value here
        "ipv6.opt.length",
        "ipv6.nxt",            // shown again by a dissector for the payload of some packets
        "icmpv6.opt.prefix",   // shown with the bits beyond the length cleared
        "mip6.mobility_opt",   // registered, but filled for few options only
        "mip6.hot.token",      // also the name of the token of a care-of test
        "mip6.bu.b_flag",      // shown for the overwrite flag too, which has the same bit (errata E-01)
    };
    std::vector<FieldId> out;
    for (std::size_t i = 0; i < fieldCount(); ++i) {
        const FieldInfo& field = info(static_cast<FieldId>(i));
        const QByteArray name(field.name.data(), qsizetype(field.name.size()));
        const bool layer = name.startsWith("mip6.") || name.startsWith("icmpv6.") || name.startsWith("ipv6.") || name.startsWith("udp.");
        const bool value = field.type == FieldType::UInt || field.type == FieldType::Boolean || field.type == FieldType::Address;
        if (field.tshark && layer && value && !otherwise.contains(name)) out.push_back(static_cast<FieldId>(i));
    }
    return out;
}

/// One form for both sides: numbers in decimal, addresses by RFC 5952.
QByteArray canonical(FieldType type, const QByteArray& text)
{
    if (type == FieldType::Address) {
        const auto address = Ipv6Address::parse(text.toStdString());
        return address ? QByteArray::fromStdString(address->text()) : text;
    }
    if (text == "True") return "1";
    if (text == "False") return "0";
    bool good = false;
    const qulonglong value = text.toULongLong(&good, 0);
    return good ? QByteArray::number(value) : text;
}

/// What stands inside an error message is decoded by tshark only, and for unknown mobility options it shows no right length.
bool isReadOtherwise(const FieldNode& node)
{
    if (node.field == FieldId::MobilityOptionType) return mobilityOptionName(static_cast<std::uint8_t>(std::get<std::uint64_t>(node.value))).empty();
    return node.field == FieldId::Icmpv6Invoking;
}

/// tshark stops where an option does not fit, and here reading goes on.
bool isMalformed(const Dissection& d)
{
    return std::any_of(d.findings.begin(), d.findings.end(), [](const Finding& f) { return !f.text.starts_with("checksum"); });
}

}  // namespace

class TestTshark : public QObject {
    Q_OBJECT
    QTemporaryDir folder_;

    /// Compares every compared field of every frame; gives the number of values that agreed.
    std::size_t compare(const QString& path, const std::vector<InputFrame>& frames)
    {
        const std::vector<FieldId> fields = comparedFields();
        QStringList arguments{"-r", path, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=;", "-o", "ipv6.defragment:FALSE"};
        for (const FieldId field : fields) arguments << "-e" << QString::fromUtf8(info(field).name.data(), qsizetype(info(field).name.size()));
        const QList<QByteArray> lines = tshark(arguments).split('\n');
        if (lines.size() < qsizetype(frames.size())) return 0;
        std::size_t agreed = 0;
        std::map<QByteArray, int> differences;
        for (std::size_t i = 0; i < frames.size(); ++i) {
            const Dissection d = dissect(frames[i].bytes, frames[i].linkType, frames[i].originalLength);
            if (std::any_of(d.nodes.begin(), d.nodes.end(), isReadOtherwise) || isMalformed(d)) continue;
            const QList<QByteArray> columns = lines[qsizetype(i)].split('\t');
            for (std::size_t f = 0; f < fields.size(); ++f) {
                const FieldInfo& field = info(fields[f]);
                QList<QByteArray> ours;
                for (const FieldNode& node : d.nodes)
                    if (node.field == fields[f]) ours << canonical(field.type, QByteArray::fromStdString(valueText(node)));
                QList<QByteArray> theirs;
                for (const QByteArray& text : columns.value(qsizetype(f)).split(';'))
                    if (!text.isEmpty()) theirs << canonical(field.type, text);
                if (ours == theirs) {
                    agreed += std::size_t(ours.size());
                } else if (differences[field.name.data()]++ < 3) {
                    qWarning() << frames[i].name << field.name.data() << "here" << ours << "tshark" << theirs;
                }
            }
        }
        for (const auto& [name, count] : differences) qWarning() << name << count << "frames differ";
        return differences.empty() ? agreed : 0;
    }

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
    void valuesOfEmittedFramesAgree()
    {
        const std::vector<InputFrame> frames = emittedFrames();
        const QString path = folder_.filePath("emitted.pcap");
        QVERIFY(writePcap(path, frames));
        const std::size_t agreed = compare(path, frames);
        qInfo() << agreed << "values agree";
        QVERIFY(agreed > 20'000);
    }
    void valuesOfSharedCapturesAgree_data()
    {
        QTest::addColumn<QString>("path");
        const QString shared = sharedFolder();
        if (shared.isEmpty()) QTest::newRow("none") << QString();
        else
            for (const char* folder : {"umip", "scapy_gen", "zeek"}) {
                QDir dir(shared + "/captures/" + folder);
                for (const QString& file : dir.entryList({"*.pcap"})) QTest::newRow(qPrintable(file)) << dir.filePath(file);
            }
    }
    void valuesOfSharedCapturesAgree()
    {
        QFETCH(QString, path);
        if (path.isEmpty()) QSKIP("no shared captures on this machine (set ROAMSCOPE_SHARED)");
        const std::size_t agreed = compare(path, readPcap(path));
        qInfo() << agreed << "values agree";
        QVERIFY(agreed > 0);
    }
};

QTEST_GUILESS_MAIN(TestTshark)
#include "test_tshark.moc"
