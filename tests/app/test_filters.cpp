// SPDX-License-Identifier: GPL-3.0-or-later
// decode -Y as a user runs it: the frames that tshark chooses for the same filter (tests/data/filters.txt), errors with carets,
// words about the analysis.
#include "tests/support/cli_process.hpp"

#include <QDir>
#include <QDirIterator>
#include <QFile>
#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QtTest>

using namespace roamscope::test;

namespace {

const QString vectors = QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/vectors.pcap");

Ran decode(const QString& filter, const QStringList& more = {}) { return run(cliProgram, QStringList{"decode", vectors, "-Y", filter} + more); }

struct Line {
    QString filter;
    QString reason;  ///< why tshark chooses otherwise; empty: it may not
};

QList<Line> filters()
{
    QList<Line> out;
    QFile file(QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/filters.txt"));
    if (!file.open(QIODevice::ReadOnly)) return out;
    for (const QString& line : QString::fromUtf8(file.readAll()).split('\n', Qt::SkipEmptyParts))
        if (!line.startsWith('#') && !line.startsWith("!except")) out.push_back({line.section('\t', 0, 0), line.section('\t', 1)});
    return out;
}

/// The filter of frames that are left out everywhere.
QString exception()
{
    QFile file(QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/filters.txt"));
    if (!file.open(QIODevice::ReadOnly)) return {};
    for (const QString& line : QString::fromUtf8(file.readAll()).split('\n'))
        if (line.startsWith("!except")) return line.section('\t', 1);
    return {};
}

QStringList captures()
{
    QStringList out{vectors, QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/vendor-3gpp.pcap")};
    for (const QString& folder : {qEnvironmentVariable("ROAMSCOPE_SHARED"), QStringLiteral(ROAMSCOPE_SOURCE_DIR "/../shared")}) {
        if (folder.isEmpty() || !QDir(folder + "/captures").exists()) continue;
        QDirIterator files(folder + "/captures", {"*.pcap"}, QDir::Files, QDirIterator::Subdirectories);
        while (files.hasNext()) out << files.next();
        break;
    }
    out.sort();
    return out;
}

}  // namespace

class TestFilters : public QObject {
    Q_OBJECT
    QTemporaryDir dir_;

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY2(QFile::exists(cliProgram), "roamscope-cli is not built");
        QVERIFY(filters().size() > 150);
        QVERIFY(!exception().isEmpty());
    }

    void choosesTheFramesThatTsharkChooses_data()
    {
        QTest::addColumn<QString>("reason");
        for (const Line& line : filters()) QTest::newRow(line.filter.toUtf8().constData()) << line.reason;
    }
    void choosesTheFramesThatTsharkChooses()
    {
        QFETCH(QString, reason);
        if (QStandardPaths::findExecutable("tshark").isEmpty() || QStandardPaths::findExecutable("mergecap").isEmpty()) QSKIP("tshark and mergecap are not installed");
        // One file with the frames of all, so that each filter needs one run.
        const QString all = dir_.filePath("all.pcapng");
        if (!QFile::exists(all)) QCOMPARE(run("mergecap", QStringList{"-a", "-w", all} + captures()).status, 0);
        const QString filter = QString::fromUtf8(QTest::currentDataTag());
        const QStringList rest{"-Y", QStringLiteral("(%1) && !(%2)").arg(filter, exception()), "-T", "fields", "-e", "frame.number"};
        QProcess theirs;
        theirs.start("tshark", QStringList{"-r", all} + rest);
        theirs.closeWriteChannel();
        const Ran ours = run(cliProgram, QStringList{"decode", all} + rest);
        const Ran other = finished(theirs);
        QCOMPARE(ours.status, 0);
        QVERIFY2(other.status == 0, other.err.constData());
        if (reason.isEmpty()) QCOMPARE(ours.out, other.out);
        else QVERIFY2(ours.out != other.out, "no longer different: take the reason out of the list");
    }

    /// What somebody pastes from Wireshark is never refused.
    void everyMobilityNameOfTsharkIsKnown()
    {
        if (QStandardPaths::findExecutable("tshark").isEmpty()) QSKIP("tshark is not installed");
        int names = 0;
        for (const QByteArray& line : run("tshark", {"-G", "fields"}).out.split('\n')) {
            const QByteArray name = line.split('\t').value(2);
            if (!line.startsWith("F\t") || !name.startsWith("mip6.")) continue;
            ++names;
            const Ran ran = decode(name);
            QVERIFY2(ran.status == 0, ran.err.constData());
        }
        QVERIFY2(names > 200, qPrintable(QString::number(names)));
    }
    void placesAreSignedNumbers()
    {
        const QString file = QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/vendor-3gpp.pcap");
        const auto places = [&](const QString& filter) { return run(cliProgram, {"decode", file, "-Y", filter, "-T", "fields", "-e", "mip6.acc_net_id.geo.latitude_degrees"}).out; };
        QCOMPARE(places("mip6.acc_net_id.geo.latitude_degrees < 0"), QByteArray("-8388607\n"));
        QCOMPARE(places("mip6.acc_net_id.geo.latitude_degrees == -8388607"), QByteArray("-8388607\n"));
        QCOMPARE(places("mip6.acc_net_id.geo.latitude_degrees > -1 && mip6.acc_net_id.geo.longitude_degrees < -5"), QByteArray("1572864\n"));
        QCOMPARE(places("abs(mip6.acc_net_id.geo.latitude_degrees) == 8388607"), QByteArray("-8388607\n"));
        QCOMPARE(places("string(mip6.acc_net_id.geo.latitude_degrees) matches \"^-\""), QByteArray("-8388607\n"));
        QVERIFY(decode("mip6.mhtype == -5").err.contains("not negative"));
    }

    void everyFormatIsFiltered()
    {
        QCOMPARE(decode("mip6.mhtype == BU", {"-T", "fields", "-e", "mip6.mhtype", "-E", "aggregator=;"}).out.split('\n').first(), QByteArray("5"));
        const qsizetype updates = decode("mip6.mhtype == BU").out.count('\n');
        QVERIFY(updates > 3);
        QCOMPARE(decode("mip6.mhtype == BU", {"-T", "json"}).out.count('\n'), updates);
        QCOMPARE(decode("mip6.mhtype == BU", {"-T", "tree"}).out.count("Frame "), updates);
        QCOMPARE(decode("mip6.mhtype == 24").out, QByteArray());
        QCOMPARE(decode("mip6.mhtype == 24").status, 0);
    }

    /// To tshark -c says how many frames are read, whatever -Y then chooses.
    void countIsOfFramesRead()
    {
        QCOMPARE(decode("frame.number > 3", {"-c", "5"}).out.count('\n'), 2);
    }

    void errorsPointAtThePlace()
    {
        const Ran ran = decode("ipv6 && mip6.bu.m_flg == 1");
        QCOMPARE(ran.status, 2);
        QCOMPARE(ran.out, QByteArray());
        QCOMPARE(ran.err, QByteArray("roamscope-cli: -Y: no field or protocol is called mip6.bu.m_flg; did you mean mip6.bu.m_flag?\n"
                                     "  ipv6 && mip6.bu.m_flg == 1\n"
                                     "          ^^^^^^^^^^^^^\n"
                                     "  try: ipv6 && mip6.bu.m_flag == 1\n"));
        const Ran wide = decode(QStringLiteral("frame.link == \"\u00e4\u00f6\" && bad.name\u0007"));
        QCOMPARE(wide.status, 2);
        QVERIFY(!wide.err.contains('\a'));
    }

    void wordsOfTheAnalysisReadTheWholeFileFirst()
    {
        const Ran ran = decode("node == ha", {"-T", "fields", "-e", "frame.number"});
        QCOMPARE(ran.status, 0);
        QVERIFY(ran.out.count('\n') > 0);
        QVERIFY(ran.out.count('\n') < decode("ipv6").out.count('\n'));
        const Ran pipe = run(cliProgram, {"decode", "-", "-Y", "handover"});
        QCOMPARE(pipe.status, 2);
        QVERIFY(pipe.err.contains("store the pipe in a file"));
    }
};

QTEST_APPLESS_MAIN(TestFilters)
#include "test_filters.moc"
