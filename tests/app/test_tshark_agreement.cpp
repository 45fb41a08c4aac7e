// SPDX-License-Identifier: GPL-3.0-or-later
// `decode -T fields` prints what tshark 4.0 prints, octet for octet, for every field that both know: over the shared captures,
// the golden packets and thousands of frames with random and with spoiled values. Differences that are tshark's fault stand in
// tests/data/tshark-differences.json with the RFC section that shows it; an entry that no longer occurs is an error too.
// ROAMSCOPE_KEEP=FOLDER keeps the generated files there.
#include "protocol/wire/summary.hpp"
#include "tests/support/pcap_writer.hpp"
#include "tests/support/random_messages.hpp"

#include <QProcess>
#include <QRegularExpression>
#include <QTemporaryDir>
#include <QtTest>
#include <map>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

constexpr int framesOfAKind = 250;

/// An allowed difference. Empty patterns match anything.
struct Difference {
    QRegularExpression where, field, tshark, here;
    QString why;
    int seen = 0;
    bool looked = false;  ///< whether a file that `where` names was compared

    [[nodiscard]] bool matches(const QString& file, const QString& name, const QString& theirs, const QString& ours) const
    {
        return where.match(file).hasMatch() && field.match(name).hasMatch() && tshark.match(theirs).hasMatch() && here.match(ours).hasMatch();
    }
};

QRegularExpression whole(const QString& pattern)
{
    return QRegularExpression(pattern.isEmpty() ? QString() : QRegularExpression::anchoredPattern(pattern), QRegularExpression::DotMatchesEverythingOption);
}

std::vector<Difference> readDifferences()
{
    std::vector<Difference> out;
    QFile file(QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/tshark-differences.json"));
    if (!file.open(QIODevice::ReadOnly)) return out;
    for (const auto& entry : QJsonDocument::fromJson(file.readAll()).array()) {
        const QJsonObject o = entry.toObject();
        out.push_back({whole(o["where"].toString()), whole(o["field"].toString()), whole(o["tshark"].toString()), whole(o["here"].toString()),
                       o["why"].toString() + " (" + o["rfc"].toString() + ")"});
    }
    return out;
}

QList<QByteArray> linesOf(const QString& program, const QStringList& arguments)
{
    QProcess process;
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert("TZ", "UTC");
    process.setProcessEnvironment(environment);
    process.start(program, arguments);
    if (!process.waitForFinished(110'000) || process.exitStatus() != QProcess::NormalExit) return {};
    return process.readAllStandardOutput().split('\n');
}

QStringList sharedNames()
{
    QStringList out;
    for (std::size_t i = 0; i < fieldCount(); ++i)
        if (const FieldInfo& field = info(static_cast<FieldId>(i)); field.tshark) out << QString::fromUtf8(field.name.data(), qsizetype(field.name.size()));
    return out;
}

void addFrame(std::vector<InputFrame>& out, Bytes bytes)
{
    const std::size_t size = bytes.size();
    out.push_back({{}, std::move(bytes), linkEthernet, size});
}

/// One message of every kind after the other, each in a packet of its own.
template <class Make>
std::vector<InputFrame> messages(std::uint64_t seed, std::size_t kinds, std::uint8_t nextHeader, const Make& make)
{
    std::vector<InputFrame> out;
    RandomMessages random(seed, false);
    for (std::size_t kind = 0; kind < kinds; ++kind)
        for (int i = 0; i < framesOfAKind; ++i) {
            Ipv6Packet packet = random.packet(nextHeader, {});
            packet.payload = make(random, kind, packet.pseudoHeader());
            addFrame(out, emitEthernet(random.ethernet(), emitIpv6(packet)));
        }
    return out;
}

std::vector<InputFrame> randomFrames(int count)
{
    std::vector<InputFrame> out;
    RandomMessages random(21, false);
    for (int i = 0; i < count; ++i) addFrame(out, random.frame());
    return out;
}

/// Fields that say how the octets behind them are to be read.
bool isStructure(const FieldNode& node)
{
    static const QRegularExpression names(".*(length|len|nxt|next_header|type|etype|proto|version|nb_.*|count|segleft|port|mhtype|hlen|offset|more|option_code|"
                                          "status|padn|pad_length)");
    const std::string_view name = info(node.field).name;
    return names.match(QString::fromUtf8(name.data(), qsizetype(name.size())), 0, QRegularExpression::NormalMatch, QRegularExpression::AnchorAtOffsetMatchOption)
               .capturedLength() == qsizetype(name.size());
}

/// Frames in which one field has another value.
std::vector<InputFrame> spoiledFrames(int count)
{
    std::vector<InputFrame> out = randomFrames(count);
    RandomMessages random(22, false);
    for (InputFrame& frame : out) {
        const Dissection d = dissect(frame.bytes, frame.linkType, frame.originalLength);
        for (int tries = 0; tries < 20; ++tries) {
            const FieldNode& node = d.nodes[random.below(d.nodes.size())];
            if (node.length == 0 || node.buffer != 0 || std::holds_alternative<std::monostate>(node.value) || isStructure(node)) continue;
            const std::uint64_t mask = info(node.field).mask;
            std::uint64_t bit = random.below(8 * node.length);  // from the end of the field
            while (mask != 0 && (mask >> bit & 1) == 0) bit = random.below(8 * node.length);
            frame.bytes[node.offset + node.length - 1 - bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
            break;
        }
    }
    return out;
}

}  // namespace

class TestTsharkAgreement : public QObject {
    Q_OBJECT
    QTemporaryDir folder_;
    QString shared_ = sharedFolder();
    QStringList names_ = sharedNames();
    std::vector<Difference> differences_ = readDifferences();

    /// The entry that allows this difference, or null.
    Difference* allowed(const QString& file, const QString& name, const QString& theirs, const QString& ours)
    {
        for (Difference& d : differences_)
            if (d.matches(file, name, theirs, ours)) return &d;
        return nullptr;
    }

    /// Compares every cell of `path`, which is called `file` in the list of differences; gives the number of cells that agree.
    std::size_t compare(const QString& path, const QString& file, const QStringList& extra = {})
    {
        for (Difference& d : differences_) d.looked |= d.where.match(file).hasMatch();
        QStringList fields;
        for (const QString& name : names_) fields << "-e" << name;
        // Names of vendors come from a table of tshark's installation, not from the octets.
        const QList<QByteArray> theirs = linesOf("tshark", QStringList{"-n", "-r", path, "-T", "fields"} + fields + extra);
        const QList<QByteArray> ours = linesOf(ROAMSCOPE_BIN_DIR "/roamscope-cli", QStringList{"decode", path, "-T", "fields"} + fields);
        if (theirs.size() < 2 || ours.size() != theirs.size()) {
            qWarning() << file << ours.size() << "lines here," << theirs.size() << "of tshark";
            return 0;
        }
        std::size_t agreed = 0;
        std::map<QString, int> wrong;
        for (qsizetype i = 0; i < theirs.size(); ++i) {
            const QList<QByteArray> left = ours[i].split('\t');
            const QList<QByteArray> right = theirs[i].split('\t');
            for (qsizetype f = 0; f < std::max(left.size(), right.size()); ++f) {
                const QByteArray a = left.value(f), b = right.value(f);
                if (a == b) {
                    agreed += a.isEmpty() ? 0u : 1u;
                } else if (Difference* d = allowed(file, names_.value(f), QString::fromUtf8(b), QString::fromUtf8(a))) {
                    ++d->seen;
                } else if (wrong[names_.value(f)]++ < 2) {
                    qWarning().noquote() << file << "frame" << i + 1 << names_.value(f) << "here" << a.left(300) << "tshark" << b.left(300);
                }
            }
        }
        for (const auto& [name, count] : wrong) qWarning().noquote() << file << name << "differs in" << count << "frames";
        return wrong.empty() ? agreed : 0;
    }

private Q_SLOTS:
    void initTestCase()
    {
        const QList<QByteArray> version = linesOf("tshark", {"--version"});
        if (version.isEmpty()) QSKIP("tshark is not installed (apt install tshark)");
        if (!version[0].contains(" 4.0.")) QSKIP("this tshark is not 4.0, whose output is the measure");
        QVERIFY(names_.size() > 200);
        QVERIFY(folder_.isValid());
    }
    void captures_data()
    {
        QTest::addColumn<QString>("path");
        QTest::newRow("vectors.pcap") << QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/vectors.pcap");
        if (shared_.isEmpty()) return;
        const QDir captures(shared_ + "/captures");
        for (const QString& folder : captures.entryList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Name))
            for (const QString& file : QDir(captures.filePath(folder)).entryList({"*.pcap", "*.pcapng"}, QDir::Files, QDir::Name)) {
                const QString name = folder + "/" + file;
                QTest::newRow(qPrintable(name)) << captures.filePath(name);
            }
    }
    void captures()
    {
        QFETCH(QString, path);
        const std::size_t agreed = compare(path, QTest::currentDataTag());
        qInfo() << agreed << "cells agree";
        QVERIFY(agreed > 0);
    }
    void generated_data()
    {
        QTest::addColumn<int>("set");
        QTest::newRow("generated/icmpv6") << 0;
        QTest::newRow("generated/mobility") << 1;
        QTest::newRow("generated/nested") << 2;
        QTest::newRow("generated/spoiled") << 3;
        QTest::newRow("generated/acknowledgements") << 4;
    }
    void generated()
    {
        QFETCH(int, set);
        std::vector<InputFrame> frames;
        if (set == 0)
            frames = messages(31, std::variant_size_v<Icmpv6Message>, protocol::icmpv6,
                              [](RandomMessages& r, std::size_t kind, const PseudoHeader& a) { return emitIcmpv6(r.icmpv6(kind), a); });
        else if (set == 1)
            frames = messages(32, std::variant_size_v<MobilityMessage>, protocol::mobility,
                              [](RandomMessages& r, std::size_t kind, const PseudoHeader& a) { return emitMobility(r.mobility(kind), a); });
        else if (set == 4)
            frames = messages(33, 2, protocol::icmpv6, [](RandomMessages& r, std::size_t kind, const PseudoHeader& a) {
                AdvertisementAck ack{2, std::nullopt};
                if (kind == 1) ack.careOf = r.address();
                return emitIcmpv6(NeighborAdvertisement{true, false, false, r.address(), {ack}}, a);
            });
        else frames = set == 2 ? randomFrames(3000) : spoiledFrames(3000);
        const QString name = QTest::currentDataTag();
        const QString keep = qEnvironmentVariable("ROAMSCOPE_KEEP");
        const QString path = QDir(keep.isEmpty() ? folder_.path() : keep).filePath(QString(name).replace('/', '-') + ".pcap");
        QVERIFY(writePcap(path, frames));
        // The random data of a datagram must not be guessed to be some protocol.
        const std::size_t agreed = compare(path, name, {"-d", "udp.port==52010-52089,data"});
        qInfo() << agreed << "cells agree";
        QVERIFY(agreed > 10 * frames.size());
    }
    void everyAllowedDifferenceOccurs()
    {
        QVERIFY(!differences_.empty());
        int stale = 0;
        for (const Difference& d : differences_) {
            QVERIFY2(d.where.isValid() && d.field.isValid() && d.tshark.isValid() && d.here.isValid(), qPrintable(d.why));
            QVERIFY2(d.why.contains("RFC "), qPrintable(d.why));
            if (!d.looked || d.seen > 0) continue;
            ++stale;
            qWarning().noquote() << "does not occur any more:" << d.field.pattern() << d.why;
        }
        QCOMPARE(stale, 0);
    }
};

QTEST_GUILESS_MAIN(TestTsharkAgreement)
#include "test_tshark_agreement.moc"
