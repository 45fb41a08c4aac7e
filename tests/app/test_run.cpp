// SPDX-License-Identifier: GPL-3.0-or-later
// The main job as a user runs it: roamscope-cli run on both backends, its files read by others.
#include "capture/io/machine_check.hpp"

#include <unistd.h>

#include <QtTest>
#include <QJsonArray>
#include <QSet>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QRegularExpression>
#include <QTemporaryDir>
#include <csignal>

#include <csignal>

using namespace roamscope;

class TestRun : public QObject {
    Q_OBJECT
private:
    struct Outcome {
        int status;
        QString out;
        QString err;
    };
    Outcome cli(const QStringList& arguments, int timeout = 60000)
    {
        QProcess process;
        process.start(QStringLiteral(ROAMSCOPE_BIN_DIR "/roamscope-cli"), arguments);
        if (!process.waitForFinished(timeout)) {
            process.kill();
            process.waitForFinished();
            return {-1, {}, "timeout"};
        }
        return {process.exitCode(), QString::fromUtf8(process.readAllStandardOutput()), QString::fromUtf8(process.readAllStandardError())};
    }
    QString file(const QString& name) const { return folder_.filePath(name); }
    QByteArray content(const QString& name) const
    {
        QFile f(file(name));
        return f.open(QIODevice::ReadOnly) ? f.readAll() : QByteArray();
    }
    QString tshark(const QString& capture, const QStringList& arguments)
    {
        QProcess process;
        process.start("tshark", QStringList{"-r", file(capture)} + arguments);
        process.waitForFinished(60000);
        return QString::fromUtf8(process.readAllStandardOutput());
    }
    /// What tshark says against the capture: malformed frames, wrong checksums, errors of its own.
    void checkWithTshark(const QString& capture)
    {
        if (QStandardPaths::findExecutable("tshark").isEmpty()) QSKIP("tshark is not installed");
        const QString bad = tshark(capture, {"-o", "ipv6.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-Y",
                                             "_ws.malformed || icmpv6.checksum.status == 0 || udp.checksum.status == 0 || _ws.expert.severity >= 0x800000"});
        QCOMPARE(bad, QString());
        const QString count = tshark(capture, {"-Y", "mip6.mhtype == 5 && frame.interface_name == \"w2\"", "-T", "fields", "-e", "mip6.bu.m_flag"});
        QCOMPARE(count.trimmed(), QString("1"));
    }
    /// The Python decoder that shares nothing with ours: every checksum, every step of the scenario, the path of every probe.
    void checkWithPython(const QString& capture, const QStringList& more = {})
    {
        if (QStandardPaths::findExecutable("python3").isEmpty()) QSKIP("python3 is not installed");
        QProcess process;
        process.setProcessChannelMode(QProcess::MergedChannels);
        process.start("python3", QStringList{"-B", QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/app/check_capture.py"), file(capture)} + more);
        QVERIFY(process.waitForFinished(90000));
        const QByteArray said = process.readAll();
        QVERIFY2(process.exitStatus() == QProcess::NormalExit && process.exitCode() == 0, said.constData());
    }
    static QJsonObject report(const QByteArray& json) { return QJsonDocument::fromJson(json).object(); }
    void checkReport(const QJsonObject& r)
    {
        QCOMPARE(r["handovers"].toArray().size(), 2);
        const QJsonObject handover = r["handovers"].toArray()[1].toObject();
        QCOMPARE(handover["kind"].toString(), QString("intra-map"));
        QVERIFY(handover["lost"].toInt() > 50 && handover["lost"].toInt() < 100);
        QCOMPARE(r["truth"].toObject()["differences"].toArray().size(), 0);
        QCOMPARE(r["truth"].toObject()["bindings"].toInt(), 3);
        QCOMPARE(r["findings"].toArray().size(), 0);
    }
    QTemporaryDir folder_;
    const QString sample_ = QStringLiteral(ROAMSCOPE_SOURCE_DIR "/resources/scenarios/intra-map-handover.json");

private Q_SLOTS:
    void virtualRunMeetsItsExpectations()
    {
        const auto run = cli({"run", sample_, "-w", file("v.pcapng"), "--svg", file("v.svg"), "--events", file("v.jsonl"), "--truth", file("v.truth"),
                              "--report", file("v.json")});
        QVERIFY2(run.status == 0, qPrintable(run.err + run.out));
        QVERIFY2(run.out.contains("intra-map"), qPrintable(run.out));
        for (const char* name : {"v.pcapng", "v.svg", "v.truth", "v.json", "v.jsonl"}) {
            QVERIFY2(run.out.contains(file(name)), name);
            QVERIFY2(!content(name).isEmpty(), name);
        }
        checkReport(report(content("v.json")));
        checkWithTshark("v.pcapng");
    }
    void virtualCaptureHoldsBeforeASecondDecoder()
    {
        for (const char* seed : {"1", "18", "20"}) {
            QCOMPARE(cli({"run", sample_, "--seed", seed, "-w", file("p.pcapng")}).status, 0);
            checkWithPython("p.pcapng");
            if (QTest::currentTestFailed()) return;
        }
    }
    void secondDecoderNoticesSpoiltCaptures()
    {
        QCOMPARE(cli({"run", sample_, "-w", file("q.pcapng")}).status, 0);
        checkWithPython("q.pcapng", {"--self-test"});
    }
    void sameSeedSameBytes()
    {
        QCOMPARE(cli({"run", sample_, "--seed", "7", "-w", file("a.pcapng")}).status, 0);
        QCOMPARE(cli({"run", sample_, "--seed", "7", "-w", file("b.pcapng")}).status, 0);
        QCOMPARE(cli({"run", sample_, "--seed", "8", "-w", file("c.pcapng")}).status, 0);
        QVERIFY(content("a.pcapng").size() > 1000000);
        QCOMPARE(content("a.pcapng"), content("b.pcapng"));
        QVERIFY(content("a.pcapng") != content("c.pcapng"));
    }
    void truthReplaysToTheFinalState()
    {
        QCOMPARE(cli({"run", "intra-map-handover", "--truth", file("t.json")}).status, 0);
        const QJsonObject truth = report(content("t.json"));
        QHash<QString, QJsonObject> state;
        for (const auto& item : truth["changes"].toArray()) {
            const QJsonObject change = item.toObject();
            const QString key = change["node"].toString() + change["object"].toString() + QJsonDocument(change["key"].toObject()).toJson();
            if (change["state"].isNull()) state.remove(key);
            else state[key] = change;
        }
        QStringList bindings;
        for (const QJsonObject& change : std::as_const(state))
            if (change["object"] == "binding")
                bindings << change["node"].toString() + " " + change["state"].toObject()["care_of_address"].toString();
        bindings.sort();
        QCOMPARE(bindings.size(), 2);
        QVERIFY(bindings[0].startsWith("ha 2001:db8:300:"));
        QVERIFY(bindings[1].startsWith("map 2001:db8:a2:"));
        QCOMPARE(truth["handovers"].toArray().size(), 1);
        QCOMPARE(truth["handovers"].toArray()[0].toObject()["kind"].toString(), QString("intra-map"));
        QCOMPARE(truth["probes"].toArray().size(), 1001);
    }
    void unmetExpectationGivesStatusOne()
    {
        QFile in(sample_);
        QVERIFY(in.open(QIODevice::ReadOnly));
        QByteArray text = in.readAll();
        text.replace("<4s", "<400ms");
        QFile out(file("hard.json"));
        QVERIFY(out.open(QIODevice::WriteOnly));
        out.write(text);
        out.close();
        const auto run = cli({"run", file("hard.json")});
        QCOMPARE(run.status, 1);
        QVERIFY2(run.out.contains("400"), qPrintable(run.out));
    }
    void probesAreCountedByPath()
    {
        const Outcome run = cli({"run", "make-before-break", "--report", file("paths.json")});
        QCOMPARE(run.status, 0);
        QVERIFY2(run.out.contains("reordered") && run.out.contains("BID 1") && run.out.contains("BID 2"), qPrintable(run.out));
        QSet<int> bids;
        for (const QJsonValue flow : QJsonDocument::fromJson(content("paths.json")).object()["flows"].toArray())
            for (const QJsonValue path : flow["paths"].toArray()) {
                bids << path["bid"].toInt();
                QVERIFY(path["probes"].toInt() > 0 && path["care_of_address"].toString().contains(':') && path["direction"].toString().endsWith("mobile_node"));
                QCOMPARE(path["lost"].toInt() + path["duplicated"].toInt() + path["reordered"].toInt(), 0);
            }
        QVERIFY2(bids.contains(1) && bids.contains(2), "make before break loses and duplicates nothing");
    }

    void aReportOnStandardOutputIsAlone()
    {
        const Outcome run = cli({"run", "make-before-break", "--json", "--events", file("beside.jsonl")});
        QCOMPARE(run.status, 0);
        QJsonParseError error;
        QVERIFY2(QJsonDocument::fromJson(run.out.toUtf8(), &error).isObject(), qPrintable(error.errorString()));
        QVERIFY2(run.err.contains("beside.jsonl"), "what was written is a message then");
    }

    void randomScenariosRunByTheirSeed()
    {
        const Outcome first = cli({"run", "--random", "3", "--events", file("random.jsonl"), "--until", "10s"});
        QVERIFY2(first.status == 0, qPrintable(first.err + first.out));
        const QByteArray events = content("random.jsonl");
        QVERIFY(events.contains("\"event\""));
        QCOMPARE(cli({"run", "--random", "3", "--events", file("again.jsonl"), "--until", "10s"}).status, 0);
        QCOMPARE(content("again.jsonl"), events);
        QCOMPARE(cli({"run", "--random", "3", "--without", "0,1,2,3,4,5,6", "--events", file("less.jsonl"), "--until", "10s"}).status, 0);
        QVERIFY(content("less.jsonl") != events);
        QCOMPARE(cli({"run"}).status, 2);
        QCOMPARE(cli({"run", sample_, "--random", "3"}).status, 2);
    }

    void everyFrameThatImpairmentMetIsNamed()
    {
        const Outcome run = cli({"run", "lossy-wireless", "--events", file("lossy.jsonl"), "--report", file("lossy.json")});
        QVERIFY2(run.status == 0, qPrintable(run.err + run.out));
        int lost = 0;
        for (const QByteArray& line : content("lossy.jsonl").split('\n')) {
            const QJsonObject event = QJsonDocument::fromJson(line).object();
            if (event["event"] != "frame-lost") continue;
            ++lost;
            QVERIFY(QStringList({"loss", "burst", "fault", "link-left"}).contains(event["cause"].toString()));
            QVERIFY(!event["message"].toString().isEmpty() && event["length"].toInt() > 14 && event["link"].isString() && !event.contains("frame"));
        }
        QVERIFY(lost >= 50);
        const QJsonArray expectations = QJsonDocument::fromJson(content("lossy.json")).object()["expectations"].toArray();
        QVERIFY(expectations.size() >= 4);
        for (const QJsonValue& e : expectations) QVERIFY(e.toObject()["met"].toBool());
    }

    void brokenScenarioNamesThePlace()
    {
        QFile out(file("broken.json"));
        QVERIFY(out.open(QIODevice::WriteOnly));
        out.write("{ \"format\": \"roamscope-scenario-1\",\n  \"titel\": \"x\" }");
        out.close();
        const auto run = cli({"run", file("broken.json")});
        QVERIFY(run.status == 2 || run.status == 3);
        QVERIFY2(run.err.contains("broken.json:2:") && run.err.contains("title"), qPrintable(run.err));
    }
    void unwritablePlaceIsAnError()
    {
        const auto run = cli({"run", sample_, "--until", "1s", "-w", "/nonexistent/x.pcapng"});
        QVERIFY(run.status == 3 || run.status == 4);
        QVERIFY2(run.err.contains("/nonexistent/x.pcapng"), qPrintable(run.err));
    }
    /// Before the run, which nobody wants to wait for in vain; results of earlier runs are not lost to one that cannot be.
    void anUnwritableResultIsToldBeforeTheRun()
    {
        for (const char* option : {"--report", "--svg", "--events", "--truth"}) {
            QFile::remove(file("beforehand.pcapng"));
            const auto run = cli({"run", sample_, "--until", "1s", "-w", file("beforehand.pcapng"), option, "/nonexistent/x"});
            QVERIFY(run.status == 3 || run.status == 4);
            QVERIFY2(run.err.contains("/nonexistent/x: cannot be written"), qPrintable(run.err));
            QVERIFY2(!QFile::exists(file("beforehand.pcapng")) && run.out.isEmpty(), option);
        }
        QVERIFY(cli({"run", sample_, "--until", "3s", "--events", file("kept.jsonl")}).status <= 1);
        const QByteArray before = content("kept.jsonl");
        QVERIFY(!before.isEmpty());
        QVERIFY(cli({"run", sample_, "--until", "1s", "--events", file("kept.jsonl"), "-w", "/nonexistent/x.pcapng"}).status > 1);
        QCOMPARE(content("kept.jsonl"), before);
        // What is shorter takes the place of the whole.
        QVERIFY(cli({"run", sample_, "--until", "10ms", "--events", file("kept.jsonl")}).status <= 1);
        QVERIFY(content("kept.jsonl").size() < before.size());
    }
    void aResultOnStandardOutputStandsAlone()
    {
        QProcess process;
        process.start(QStringLiteral(ROAMSCOPE_BIN_DIR "/roamscope-cli"), {"run", sample_, "-w", "-"});
        QVERIFY(process.waitForFinished(60000));
        QCOMPARE(process.exitCode(), 0);
        QCOMPARE(cli({"run", sample_, "-w", file("alone.pcapng")}).status, 0);
        QCOMPARE(process.readAllStandardOutput(), content("alone.pcapng"));
        QVERIFY(process.readAllStandardError().contains("intra-map"));  // the table, as a message
        const auto events = cli({"run", sample_, "--until", "3s", "--events", "-"});
        for (const QString& line : events.out.split('\n', Qt::SkipEmptyParts)) QVERIFY2(QJsonDocument::fromJson(line.toUtf8()).isObject(), qPrintable(line));
        QCOMPARE(cli({"run", sample_, "--json", "-w", "-"}).status, 2);
        QCOMPARE(cli({"run", sample_, "--truth", "-", "-w", "-"}).status, 2);
    }
    void aSeedOutsideItsRangeIsRefused()
    {
        for (const char* seed : {"-1", "18446744073709551616", "1.5", "0x"}) {
            const auto run = cli({"run", sample_, "--until", "10ms", QStringLiteral("--seed=%1").arg(seed)});
            QVERIFY2(run.status == 2 && run.err.contains("--seed"), qPrintable(run.err));
        }
        QVERIFY(cli({"run", sample_, "--until", "10ms", "--seed", "18446744073709551615"}).status <= 1);
    }
    void aKilledHelperIsToldAndTheCaptureIsKept()
    {
        if (const auto available = capture::tapBackendAvailable(); !available) QSKIP(available.error().text.c_str());
        for (int round = 0; round < 3; ++round) {
            QProcess process;
            process.start(QStringLiteral(ROAMSCOPE_BIN_DIR "/roamscope-cli"), {"run", sample_, "--backend", "tap", "-w", file("killed.pcapng")});
            QByteArray err;
            const QRegularExpression helper("Helper process (\\d+)");
            QTRY_VERIFY_WITH_TIMEOUT(helper.match(QString::fromUtf8(err += process.readAllStandardError())).hasMatch(), 10000);
            QTest::qWait(300);
            ::kill(helper.match(QString::fromUtf8(err)).captured(1).toInt(), SIGKILL);
            QVERIFY(process.waitForFinished(2000));
            err += process.readAllStandardError();
            QCOMPARE(process.exitStatus(), QProcess::NormalExit);
            QVERIFY2(err.contains("helper"), err.constData());
            QVERIFY2(err.contains("has ended"), err.constData());
            QCOMPARE(process.exitCode(), 3);
            const auto decoded = cli({"decode", file("killed.pcapng")});
            QVERIFY2(decoded.status == 0 && decoded.out.count('\n') > 5, qPrintable(decoded.err));
        }
    }
    void barredTapSaysWhichWhatAndOffersVirtualLinks()
    {
        if (::geteuid() != 0) QSKIP("only root can make itself a user without rights for this");
        const QStringList nobody{"--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"};
        const QString program = QStringLiteral(ROAMSCOPE_BIN_DIR "/roamscope-cli");
        if (QProcess::execute("setpriv", nobody + QStringList{"test", "-x", program, "-a", "-r", sample_}) != 0)
            QSKIP("the build or source folder is closed to other users");
        QProcess process;
        process.start("setpriv", nobody + QStringList{program, "run", sample_, "--backend", "tap", "--until", "100ms"});
        QVERIFY(process.waitForFinished(30000));
        if (process.exitCode() == 0) QSKIP("the TAP backend is open to every user of this machine");
        const QString err = QString::fromUtf8(process.readAllStandardError());
        QCOMPARE(process.exitCode(), 4);
        QVERIFY2(err.contains("/dev/net/tun") || err.contains("user namespace"), qPrintable(err));
        QVERIFY2(err.contains("--backend virtual"), qPrintable(err));
    }
    void tapRunGivesTheSameStory()
    {
        if (const auto available = capture::tapBackendAvailable(); !available) QSKIP(available.error().text.c_str());
        const auto run = cli({"run", sample_, "--backend", "tap", "-w", file("tap.pcapng"), "--report", file("tap.json")});
        QVERIFY2(run.status == 0, qPrintable(run.err + run.out));
        QVERIFY2(run.err.contains("nsenter"), qPrintable(run.err));
        checkReport(report(content("tap.json")));
        checkWithTshark("tap.pcapng");
        checkWithPython("tap.pcapng");
    }
    void tapRunSaysThatItsHelperDied()
    {
        if (const auto available = capture::tapBackendAvailable(); !available) QSKIP(available.error().text.c_str());
        QProcess process;
        process.start(QStringLiteral(ROAMSCOPE_BIN_DIR "/roamscope-cli"), {"run", sample_, "--backend", "tap"});
        QByteArray said;
        process.setReadChannel(QProcess::StandardError);
        while (!said.contains("nsenter") && process.waitForReadyRead(20000)) said += process.readAllStandardError();
        const auto found = QRegularExpression("Helper process (\\d+)").match(said);
        QVERIFY2(found.hasMatch(), said.constData());
        QCOMPARE(::kill(found.captured(1).toInt(), SIGKILL), 0);
        QVERIFY(process.waitForFinished(10000));
        said += process.readAllStandardError();
        QCOMPARE(process.exitCode(), 3);
        QVERIFY2(said.contains("helper process has ended"), said.constData());
    }
};

QTEST_GUILESS_MAIN(TestRun)
#include "test_run.moc"
