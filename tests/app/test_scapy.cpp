// SPDX-License-Identifier: GPL-3.0-or-later
// scapy as a second opinion: what it was told to build is what roamscope-cli reads from its frames.
#include <nlohmann/json.hpp>

#include <QtTest>
#include <QProcess>
#include <QTemporaryDir>
#include <map>
#include <vector>

namespace {

constexpr std::size_t frameCount = 3800;

const QString script = QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/app/scapy_frames.py");

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
QString pythonWithScapy()
{
    for (const QString& python : {QStringLiteral("python3"), QStringLiteral("/usr/bin/python3")})
        if (execute(python, {"-c", "import scapy.layers.inet6"}).status == 0) return python;
    return {};
}

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

}  // namespace

class TestScapy : public QObject {
    Q_OBJECT
    QString python_;
    QTemporaryDir folder_;

private Q_SLOTS:
    void initTestCase()
    {
        python_ = pythonWithScapy();
        if (python_.isEmpty()) QSKIP("no python3 that can import scapy (install python3-scapy)");
        QVERIFY(folder_.isValid());
    }
    void framesOfScapyHaveTheValuesItWasTold()
    {
        const QString pcap = folder_.filePath("scapy.pcap"), lines = folder_.filePath("scapy.jsonl");
        const Outcome built = execute(python_, {"-B", script, "build", "20261122", QString::number(frameCount), pcap, lines});
        QVERIFY2(built.status == 0, built.err.constData());
        const Outcome decoded = execute(QStringLiteral(ROAMSCOPE_BIN_DIR "/roamscope-cli"), {"decode", pcap, "-T", "json"});
        QVERIFY2(decoded.status == 0, decoded.err.constData());
        const std::vector<Json> found = jsonLines(decoded.out), wanted = jsonLines(contents(lines));
        QCOMPARE(wanted.size(), std::size_t{frameCount});
        QCOMPARE(found.size(), wanted.size());
        std::size_t compared = 0;
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            const std::string name = wanted[i]["name"];
            const auto fields = fieldsOf(found[i]);
            for (const auto& [field, values] : wanted[i]["fields"].items()) {
                const auto it = fields.find(field);
                const Json got = it == fields.end() ? Json::array() : it->second;
                QVERIFY2(got == values, qPrintable(QString("frame %1, %2: %3 is %4, scapy was told %5")
                                                       .arg(i + 1).arg(name.c_str(), field.c_str(), got.dump().c_str(), values.dump().c_str())));
                compared += values.size();
            }
            // Its checksums are right, and it breaks no rule of structure but those it was told to break.
            for (const Json& finding : found[i]["findings"])
                QVERIFY2(false, qPrintable(QString("frame %1, %2: %3").arg(i + 1).arg(name.c_str(), finding.dump().c_str())));
            for (const char* verdict : {"roamscope.mip6.checksum", "roamscope.icmpv6.checksum", "roamscope.udp.checksum"})
                if (const auto it = fields.find(verdict); it != fields.end())
                    for (const Json& v : it->second) QVERIFY2(v == "good", qPrintable(QString("frame %1: %2").arg(i + 1).arg(v.dump().c_str())));
        }
        QVERIFY2(compared > 8 * frameCount, qPrintable(QString::number(compared)));
    }
};

QTEST_GUILESS_MAIN(TestScapy)
#include "test_scapy.moc"
