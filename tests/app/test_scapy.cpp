// SPDX-License-Identifier: GPL-3.0-or-later
// scapy as a second opinion: what it was told to build is what roamscope-cli reads from its frames.
#include "tests/support/random_messages.hpp"
#include "tests/support/python.hpp"

#include <nlohmann/json.hpp>

#include <QtTest>
#include <QProcess>
#include <QTemporaryDir>
#include <map>
#include <vector>

using namespace roamscope;
using namespace roamscope::test;

namespace {

constexpr std::size_t frameCount = 3800;

const QString folderOfScripts = QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/app/");

struct Outcome {
    int status = -1;
    QByteArray out;
    QByteArray err;
};

Outcome execute(const QString& program, const QStringList& arguments)
{
    QProcess process;
    process.start(program, arguments);
    if (!process.waitForFinished(110000)) {
        process.kill();
        process.waitForFinished();
        return {-1, {}, program.toLocal8Bit() + " did not end: " + process.errorString().toLocal8Bit()};
    }
    return {process.exitCode(), process.readAllStandardOutput(), process.readAllStandardError()};
}

/// The first Python that knows scapy; distributions install it for theirs only.
using Json = nlohmann::json;

/// All values of all fields of a frame, by name, in reading order.
std::map<std::string, Json> fieldsOf(const Json& frame)
{
    std::map<std::string, Json> out;
    for (const Json& layer : frame["layers"])
        for (const Json& field : layer["fields"]) {
            Json& values = out.try_emplace(field["name"].get<std::string>(), Json::array()).first->second;
            values.push_back(field["value"]);
        }
    return out;
}

std::vector<Json> jsonLines(const QByteArray& text)
{
    std::vector<Json> out;
    for (const QByteArray& line : text.trimmed().split('\n')) out.push_back(Json::parse(line.constData(), nullptr, false));
    return out;
}

QByteArray contents(const QString& path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

void little(Bytes& out, std::uint32_t value)
{
    for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

/// A classic capture of Ethernet frames.
bool writePcap(const QString& path, const std::vector<Bytes>& frames)
{
    Bytes out;
    for (const std::uint32_t word : {0xa1b2c3d4u, 0x00040002u, 0u, 0u, 262144u, 1u}) little(out, word);
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const auto size = static_cast<std::uint32_t>(frames[i].size());
        for (const std::uint32_t word : {static_cast<std::uint32_t>(i), 0u, size, size}) little(out, word);
        out.insert(out.end(), frames[i].begin(), frames[i].end());
    }
    QFile file(path);
    return file.open(QIODevice::WriteOnly) && file.write(reinterpret_cast<const char*>(out.data()), static_cast<qint64>(out.size())) == static_cast<qint64>(out.size());
}

}  // namespace

class TestScapy : public QObject {
    Q_OBJECT
    QString python_;
    QTemporaryDir folder_;

    std::vector<Json> decoded(const QString& pcap)
    {
        const Outcome run = execute(QStringLiteral(ROAMSCOPE_BIN_DIR "/roamscope-cli"), {"decode", pcap, "-T", "json"});
        if (run.status != 0) qWarning("%s", run.err.constData());
        return run.status == 0 ? jsonLines(run.out) : std::vector<Json>{};
    }
    /// Every value of scapy's is ours; the number of values.
    static std::size_t compare(std::size_t frame, const Json& scapy, const Json& ours)
    {
        std::size_t compared = 0;
        const std::string name = scapy["name"];
        const auto fields = fieldsOf(ours);
        for (const auto& [field, values] : scapy["fields"].items()) {
            const auto it = fields.find(field);
            const Json got = it == fields.end() ? Json::array() : it->second;
            if (got != values)
                QTest::qFail(qPrintable(QString("frame %1, %2: %3 is %4, scapy has %5")
                                            .arg(frame).arg(name.c_str(), field.c_str(), got.dump().c_str(), values.dump().c_str())),
                             __FILE__, __LINE__);
            compared += values.size();
        }
        return compared;
    }

private Q_SLOTS:
    void initTestCase()
    {
        python_ = roamscope::test::pythonWith("import scapy.layers.inet6");
        if (python_.isEmpty()) QSKIP("no python3 that can import scapy (install python3-scapy)");
        QVERIFY(folder_.isValid());
    }
    void framesOfScapyHaveTheValuesItWasTold()
    {
        const QString pcap = folder_.filePath("scapy.pcap"), lines = folder_.filePath("scapy.jsonl");
        const Outcome built = execute(python_, {"-B", folderOfScripts + "scapy_frames.py", "20261122", QString::number(frameCount), pcap, lines});
        QVERIFY2(built.status == 0, built.err.constData());
        const std::vector<Json> found = decoded(pcap), wanted = jsonLines(contents(lines));
        QCOMPARE(wanted.size(), frameCount);
        QCOMPARE(found.size(), wanted.size());
        std::size_t compared = 0;
        for (std::size_t i = 0; i < wanted.size() && !QTest::currentTestFailed(); ++i) {
            compared += compare(i + 1, wanted[i], found[i]);
            // Its checksums are right. What a first fragment holds has none yet.
            const auto fields = fieldsOf(found[i]);
            std::size_t verdicts = 0;
            for (const char* verdict : {"roamscope.mip6.checksum", "roamscope.icmpv6.checksum", "roamscope.udp.checksum"})
                if (const auto it = fields.find(verdict); it != fields.end()) {
                    QVERIFY2(it->second == Json::array({"good"}), qPrintable(QString("frame %1: %2").arg(i + 1).arg(it->second.dump().c_str())));
                    ++verdicts;
                }
            const Json& told = wanted[i]["fields"];
            const bool begun = told.contains("ipv6.fraghdr.more") && told["ipv6.fraghdr.more"] == Json::array({true});
            QCOMPARE(verdicts, begun ? std::size_t{0} : std::size_t{1});
        }
        QVERIFY2(compared > 8 * frameCount, qPrintable(QString::number(compared)));
    }
    void scapyReadsOurFramesAsWeDo()
    {
        RandomMessages random(20261123, false);
        std::vector<Bytes> frames(frameCount);
        for (Bytes& frame : frames) frame = random.frame();
        const QString pcap = folder_.filePath("ours.pcap"), lines = folder_.filePath("ours.jsonl");
        QVERIFY(writePcap(pcap, frames));
        const Outcome read = execute(python_, {"-B", folderOfScripts + "scapy_reader.py", pcap, lines});
        QVERIFY2(read.status == 0, read.err.constData());
        const std::vector<Json> ours = decoded(pcap), scapy = jsonLines(contents(lines));
        QCOMPARE(ours.size(), frameCount);
        QCOMPARE(scapy.size(), frameCount);
        std::size_t compared = 0;
        for (std::size_t i = 0; i < frameCount && !QTest::currentTestFailed(); ++i) compared += compare(i + 1, scapy[i], ours[i]);
        QVERIFY2(compared > 8 * frameCount, qPrintable(QString::number(compared)));
    }
};

QTEST_GUILESS_MAIN(TestScapy)
#include "test_scapy.moc"
