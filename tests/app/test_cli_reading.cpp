// SPDX-License-Identifier: GPL-3.0-or-later
// decode and how frames are read: dialects (spec/errata.md B), keys, fragments, and filters over what they bring to light.
#include "tests/support/cli_process.hpp"
#include "tests/support/reading_capture.hpp"

#include <QFileInfo>
#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

namespace reading = roamscope::test::reading;

using namespace roamscope::test;

class TestCliReading : public QObject {
    Q_OBJECT

    QTemporaryDir dir_;
    QString capture_;
    QString keys_;

    /// The numbers of the frames that a filter chooses.
    QByteArray chosen(const QString& filter, const QStringList& more = {})
    {
        const Ran ran = cli(QStringList{"decode", capture_, "-Y", filter, "-T", "fields", "-e", "frame.number"} + more);
        return ran.status == 0 ? ran.out.simplified() : ran.err;
    }

private Q_SLOTS:
    void initTestCase()
    {
        capture_ = dir_.filePath("reading.pcap");
        keys_ = dir_.filePath("keys.json");
        QVERIFY(reading::writeCapture(capture_));
        QVERIFY(reading::write(keys_, reading::keyFile()));
    }

    void filtersSeeWhatIsShown()
    {
        QCOMPARE(chosen("mip6.mhtype == BU"), QByteArray("1 3 5"));
        QCOMPARE(chosen("mip6.mhtype == BU", {"--keys", keys_}), QByteArray("1 3 4 5"));
        QCOMPARE(chosen("mip6.mhtype == BU", {"--dialect", "custom:mh=62"}), QByteArray("1 3 5 6"));
        QCOMPARE(chosen("mip6.bi.bid == 10"), QByteArray("5"));
        QCOMPARE(chosen("mip6.bi.bid == 10", {"--dialect", "rfc"}), QByteArray());
        QCOMPARE(chosen("mip6.bu.p_flag == 1", {"--dialect", "rfc"}), QByteArray("5"));
    }

    void theEvidenceOfAnAutomaticChoiceIsShown()
    {
        const Ran tree = cli({"decode", capture_, "-T", "tree"});
        QVERIFY2(tree.out.contains("Dialect: shisa-2006 (option 7 with length 4 in a Binding Update with flag 0x0200 and no proxy options)"), tree.out);
        const Ran json = cli({"decode", capture_, "-T", "json"});
        QVERIFY(json.out.contains("\"name\":\"roamscope.dialect\""));
        QVERIFY(json.out.contains("\"value\":\"shisa-2006\""));
        // Whoever chooses needs no evidence.
        const Ran named = cli({"decode", capture_, "-T", "tree", "--dialect", "shisa-2006"});
        QVERIFY(!named.out.contains("Dialect:"));
        QVERIFY(named.out.contains("10"));
        QCOMPARE(chosen("roamscope.dialect == \"shisa-2006\""), QByteArray("5"));
    }

    void aMobilityHeaderOfEarlyDraftsIsVerified()
    {
        const Ran ran = cli({"decode", capture_, "-T", "tree", "--dialect", "custom:mh=62", "-Y", "frame.number == 6"});
        QVERIFY(ran.out.contains("Mobility header: Binding update"));
        QVERIFY2(ran.out.contains("Checksum verdict: good"), ran.out);  // with 62 in the pseudo-header
        QVERIFY(!cli({"decode", capture_, "-T", "tree", "-Y", "frame.number == 6"}).out.contains("Mobility header"));
    }

    void unknownDialectsAreUsageErrorsThatHelp_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QByteArray>("told");
        QTest::newRow("near") << QStringLiteral("shisa-206") << QByteArray("did you mean shisa-2006?");
        QTest::newRow("alias") << QStringLiteral("pmip") << QByteArray("did you mean pmip-draft?");
        QTest::newRow("far") << QStringLiteral("klingon") << QByteArray("There are auto, rfc, hmip-draft");
        QTest::newRow("long") << QString(100'000, QLatin1Char('x')) << QByteArray("There are auto");
        QTest::newRow("empty") << QString() << QByteArray("no dialect is called ''");
        QTest::newRow("numbers of others") << QStringLiteral("rfc:bid=3") << QByteArray("custom:bid=3");
        QTest::newRow("range") << QStringLiteral("custom:bid=7,status=256") << QByteArray("'status=256' is not one of");
        QTest::newRow("taken") << QStringLiteral("custom:mh=58") << QByteArray("62 in early drafts");
        QTest::newRow("comma") << QStringLiteral("custom:bid=7,") << QByteArray("'' is not one of");
    }
    void unknownDialectsAreUsageErrorsThatHelp()
    {
        QFETCH(QString, name);
        QFETCH(QByteArray, told);
        const Ran ran = cli({"decode", capture_, "--dialect", name});
        QCOMPARE(ran.status, 2);
        QVERIFY2(ran.err.contains("--dialect: ") && ran.err.contains(told), ran.err.left(500));
        QVERIFY(ran.out.isEmpty());
    }

    void choicesHaveOneText()
    {
        for (const char* text : {"auto", "custom", "custom:mh=62", "custom:bid=7,flag=0x0200", "custom:bid=0,flag=0x0000,status=255,map=201,mh=61"}) {
            const auto choice = roamscope::wire::parseDialect(text);
            QVERIFY2(choice, text);
            QCOMPARE(roamscope::wire::dialectText(*choice), std::string(text));
        }
        QCOMPARE(roamscope::wire::dialectText(*roamscope::wire::parseDialect("custom:bid=35,mh=0x3e")), std::string("custom:mh=62"));
    }

    void theWindowTakesTheSameOptions()
    {
        const QString window = QStringLiteral(ROAMSCOPE_BIN_DIR "/roamscope");
        if (!QFile::exists(window)) QSKIP("built without the window");
        const auto run = [&](const QStringList& arguments) {
            QProcess process;
            QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
            environment.insert(QStringLiteral("QT_QPA_PLATFORM"), QStringLiteral("offscreen"));
            environment.insert(QStringLiteral("HOME"), dir_.path());
            environment.insert(QStringLiteral("XDG_CONFIG_HOME"), dir_.path());
            process.setProcessEnvironment(environment);
            process.start(window, arguments);
            if (!process.waitForFinished(60'000) || process.exitStatus() != QProcess::NormalExit) return Ran{};
            return Ran{process.exitCode(), process.readAllStandardOutput(), process.readAllStandardError()};
        };
        const Ran wrong = run({capture_, "--dialect", "pmip"});
        QCOMPARE(wrong.status, 2);
        QVERIFY2(wrong.err.contains("did you mean pmip-draft?"), wrong.err);
        QCOMPARE(run({"--follow"}).status, 2);
        QCOMPARE(run({capture_, capture_}).status, 2);
        const QString picture = dir_.filePath("window.png");
        const Ran right = run({capture_, "--dialect", "custom:mh=62", "--keys", keys_, "--follow", "--screenshot", picture, "--after", "0.5"});
        QVERIFY2(right.status == 0, right.err);
        QVERIFY(QFileInfo(picture).size() > 10'000);
        for (const char* option : {"--dialect", "--keys", "--follow", "shisa-2006"}) QVERIFY2(run({"--help"}).out.contains(option), option);
    }

    void helpNamesEveryDialect()
    {
        const QByteArray help = cli({"decode", "--help"}).out;
        for (const roamscope::wire::Dialect dialect : roamscope::wire::allDialects()) {
            const QByteArray name = QByteArray::fromStdString(std::string(roamscope::wire::dialectName(dialect)));
            QVERIFY2(help.contains(name + ": "), name);
            QCOMPARE(cli({"decode", capture_, "--dialect", name}).status, 0);
            const auto text = roamscope::wire::dialectText({dialect});
            QVERIFY(roamscope::wire::parseDialect(text) && *roamscope::wire::parseDialect(text) == roamscope::wire::DialectChoice{dialect});
        }
    }
};

QTEST_APPLESS_MAIN(TestCliReading)
#include "test_cli_reading.moc"
