// SPDX-License-Identifier: GPL-3.0-or-later
// decode and the files it is given: growing ones, pipes that are slow, what is odd or broken, comments.
#include "tests/support/cli_process.hpp"

#include <QDir>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>
#include <csignal>

using namespace roamscope::test;

namespace {

const QString data = QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/");

QByteArray contents(const QString& path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

/// Where record `n` of a pcap file starts.
qsizetype recordStart(const QByteArray& file, int n)
{
    qsizetype at = 24;
    for (int i = 0; i < n; ++i) at += 16 + static_cast<std::uint8_t>(file[at + 8]) + 256 * static_cast<std::uint8_t>(file[at + 9]);
    return at;
}

}  // namespace

class TestCliFiles : public QObject {
    Q_OBJECT

    QTemporaryDir dir_;

private Q_SLOTS:
    void brokenFilesEndWithStatus3AndTheirName()
    {
        const QDir bad(data + "captures/bad");
        const QStringList names = bad.entryList(QDir::Files);
        QVERIFY(names.size() > 30);
        for (const QString& name : names) {
            const Ran ran = cli({"decode", bad.filePath(name)});
            QVERIFY2(ran.status == 3, qPrintable(name));
            const QByteArray told = ran.err.trimmed().split('\n').last();
            QVERIFY2(told.startsWith("roamscope-cli: " + bad.filePath(name).toLocal8Bit() + ": "), ran.err);
            // The words of the test next door say what stands there; here: a place and what to do.
            QVERIFY2(told.contains("octet") || told.contains("starts with") || told.contains("is empty") || told.contains("too short"), told);
            QVERIFY2(told.contains("again") || told.contains("Expected") || told.contains("onvert") || told.contains("npack"), told);
        }
    }

    void odditiesAreToldOnceAndCounted()
    {
        const QString file = data + "captures/odd/back.pcap";
        for (const char* format : {"summary", "tree", "json"}) {
            const Ran ran = cli({"decode", file, "-T", format});
            QCOMPARE(ran.status, 0);
            QCOMPARE(ran.err, "roamscope-cli: note: " + file.toLocal8Bit() + ": 2 packets have a time before that of the packet before them; the order of the file is kept (first: packet 2, octet 134)\n");
            QVERIFY(!ran.out.contains("nan") && !ran.out.contains("inf"));
        }
        QCOMPARE(cli({"decode", data + "vectors.pcap"}).err, QByteArray());
    }

    void absurdTimesAreNumbers()
    {
        for (const char* name : {"ends-of-time.pcapng", "tsoffset-far.pcapng", "tsoffset-least.pcapng", "tsresol-0.pcapng", "tsresol-255.pcapng"}) {
            const Ran ran = cli({"decode", data + "captures/odd/" + name, "-T", "tree"});
            QCOMPARE(ran.status, 0);
            QVERIFY2(!ran.out.contains("nan") && !ran.out.contains("inf ") && !ran.out.contains("e+"), ran.out);
        }
        QVERIFY(cli({"decode", data + "captures/odd/year-2106.pcap", "-T", "tree"}).out.contains("4294967295.999999000 UTC"));
    }

    void commentsAreShown()
    {
        const QString file = data + "captures/notes-be.pcapng";
        const QByteArray tree = cli({"decode", file, "-T", "tree"}).out;
        QVERIFY2(tree.contains("\nComment: first comment\nComment: zweite Bemerkung: \xc3\xbc\n"), tree.left(400));
        QCOMPARE(tree.count("Comment: "), 3);
        const QList<QByteArray> lines = cli({"decode", file, "-T", "json"}).out.trimmed().split('\n');
        QCOMPARE(lines.size(), 4);
        QCOMPARE(QJsonDocument::fromJson(lines[0]).object()["comments"].toArray().first().toString(), QString("first comment"));
        QVERIFY(!QJsonDocument::fromJson(lines[1]).object().contains("comments"));
    }

    void aGrowingFileIsFollowed()
    {
        const QByteArray all = contents(data + "vectors.pcap");
        QFile file(dir_.filePath("growing.pcap"));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(all.left(recordStart(all, 1)));
        file.flush();
        QProcess process;
        process.start(cliProgram, {"decode", file.fileName(), "--follow"});
        QByteArray shown;
        QTRY_VERIFY_WITH_TIMEOUT((shown += process.readAll()).count('\n') == 1, 20'000);
        file.write(all.mid(recordStart(all, 1), recordStart(all, 3) + 5 - recordStart(all, 1)));
        file.flush();
        QTRY_VERIFY_WITH_TIMEOUT((shown += process.readAll()).count('\n') == 3, 20'000);
        QCOMPARE(process.state(), QProcess::Running);
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        QVERIFY(process.waitForFinished(20'000));
        QCOMPARE(process.exitCode(), 0);
        QCOMPARE(process.readAllStandardError(), QByteArray());
    }

    void aFollowedFileThatShrinksIsAnError()
    {
        QFile file(dir_.filePath("shrinking.pcap"));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(contents(data + "vectors.pcap"));
        file.flush();
        QProcess process;
        process.start(cliProgram, {"decode", file.fileName(), "--follow"});
        QTRY_VERIFY_WITH_TIMEOUT(process.bytesAvailable() > 0, 20'000);
        QVERIFY(file.resize(100));
        QVERIFY(process.waitForFinished(20'000));
        QCOMPARE(process.exitCode(), 3);
        QVERIFY(process.readAllStandardError().contains("was made shorter while it was followed"));
    }

    void aSlowPipeIsShownAsItComes()
    {
        const QByteArray all = contents(data + "vectors.pcap");
        QProcess process;
        process.start(cliProgram, {"decode", "-"});
        // One record after the other, each in two halves, faster than any pause in which lines would be shown at leisure.
        QByteArray shown;
        for (int n = 0; n < 5; ++n) {
            const qsizetype from = n == 0 ? 0 : recordStart(all, n);
            const qsizetype to = recordStart(all, n + 1);
            process.write(all.mid(from, (to - from) / 2));
            QVERIFY(process.waitForBytesWritten());
            QTest::qWait(50);
            process.write(all.mid(from + (to - from) / 2, to - from - (to - from) / 2));
            QTRY_COMPARE_WITH_TIMEOUT((shown += process.readAll()).count('\n'), n + 1, 20'000);
        }
        // A pipe that ends in the middle of a record is a cut capture.
        process.write(all.mid(recordStart(all, 5), 7));
        process.closeWriteChannel();
        QVERIFY(process.waitForFinished(20'000));
        QCOMPARE(process.exitCode(), 3);
        QVERIFY(process.readAllStandardError().contains("standard input: ends in the middle of a packet"));
    }
};

QTEST_GUILESS_MAIN(TestCliFiles)
#include "test_cli_files.moc"
