// SPDX-License-Identifier: GPL-3.0-or-later
// scapy as a second opinion: what it was told to build is what roamscope-cli reads from its frames.
#include <QtTest>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QTemporaryDir>

namespace {

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

QString valueText(const QJsonValue& value)
{
    if (value.isBool()) return value.toBool() ? "1" : "0";
    return value.isDouble() ? QString::number(value.toInteger()) : value.toString();
}

/// All values of all fields of a frame, by name, in reading order.
QMap<QString, QStringList> fieldsOf(const QByteArray& line)
{
    QMap<QString, QStringList> out;
    for (const auto& layer : QJsonDocument::fromJson(line).object()["layers"].toArray())
        for (const auto& field : layer.toObject()["fields"].toArray()) out[field.toObject()["name"].toString()] << valueText(field.toObject()["value"]);
    return out;
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
        const Outcome built = execute(python_, {"-B", script, "build", "20261122", "4000", pcap, lines});
        QVERIFY2(built.status == 0, built.err.constData());
        const Outcome decoded = execute(QStringLiteral(ROAMSCOPE_BIN_DIR "/roamscope-cli"), {"decode", pcap, "-T", "json"});
        QVERIFY2(decoded.status == 0, decoded.err.constData());
        QFile file(lines);
        QVERIFY(file.open(QIODevice::ReadOnly));
        const QList<QByteArray> found = decoded.out.trimmed().split('\n');
        const QList<QByteArray> wanted = file.readAll().trimmed().split('\n');
        QCOMPARE(wanted.size(), 4000);
        QCOMPARE(found.size(), wanted.size());
        for (qsizetype i = 0; i < wanted.size(); ++i) {
            const QJsonObject expect = QJsonDocument::fromJson(wanted[i]).object();
            const QMap<QString, QStringList> fields = fieldsOf(found[i]);
            const QJsonObject told = expect["fields"].toObject();
            for (const QString& name : told.keys()) {
                QStringList values;
                for (const auto& v : told[name].toArray()) values << valueText(v);
                QVERIFY2(fields.value(name) == values,
                         qPrintable(QString("frame %1, %2: %3 is %4, scapy was told %5")
                                        .arg(i + 1).arg(expect["name"].toString(), name, fields.value(name).join(' '), values.join(' '))));
            }
        }
    }
};

QTEST_GUILESS_MAIN(TestScapy)
#include "test_scapy.moc"
