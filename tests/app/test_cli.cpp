// SPDX-License-Identifier: GPL-3.0-or-later
// roamscope-cli as a user runs it: decode in its four formats, the same cells as tshark, exit statuses, broken input.
#include "tests/support/cli_process.hpp"

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

const QString vectors = QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/vectors.pcap");

QByteArray contents(const QString& path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

}  // namespace

class TestCli : public QObject {
    Q_OBJECT

    QTemporaryDir dir_;

    QString store(const QByteArray& bytes)
    {
        QFile file(dir_.filePath("capture"));
        if (!file.open(QIODevice::WriteOnly)) qFatal("no temporary file");
        file.write(bytes);
        return file.fileName();
    }

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY2(QFile::exists(cliProgram), "roamscope-cli is not built");
    }

    void summaryHasALineForEachFrameInColumns()
    {
        const Ran ran = cli({"decode", vectors});
        QCOMPARE(ran.status, 0);
        QCOMPARE(ran.err, QByteArray());
        const QList<QByteArray> lines = ran.out.split('\n');
        QCOMPARE(lines.size(), 25);
        QVERIFY(lines[1].contains("BU to MAP, sequence 1, A M, 600 s"));
        const auto column = lines[0].indexOf("ICMPv6");
        QVERIFY(column > 0);
        QCOMPARE(lines[1].indexOf("MIPv6"), column);
        QCOMPARE(cli({"decode", vectors, "-c", "3"}).out.count('\n'), 3);
    }

    void treeShowsOctetsAndSections()
    {
        const Ran ran = cli({"decode", vectors, "-T", "tree", "-c", "2"});
        QCOMPARE(ran.status, 0);
        QVERIFY(ran.out.contains("Frame 2: 80 octets on the wire, 80 captured"));
        QVERIFY2(ran.out.contains("    Sequence number: 1  [70+2, RFC 6275 §6.1.7]\n"), ran.out.constData());
    }

    void jsonIsOneObjectALine()
    {
        const QList<QByteArray> lines = cli({"decode", vectors, "-T", "json"}).out.trimmed().split('\n');
        QCOMPARE(lines.size(), 24);
        const QJsonObject frame = QJsonDocument::fromJson(lines[1]).object();
        QCOMPARE(frame.keys(), (QStringList{"findings", "frame", "layers", "length", "link", "summary", "time"}));
        QCOMPARE(frame["frame"].toInt(), 2);
        QCOMPARE(frame["time"].toInteger(), qint64{1'000'000'000});
        QCOMPARE(frame["length"].toInt(), 80);
        QStringList protocols;
        QJsonObject sequence;
        for (const auto& layer : frame["layers"].toArray()) {
            protocols << layer.toObject()["protocol"].toString();
            for (const auto& field : layer.toObject()["fields"].toArray())
                if (field.toObject()["name"] == "mip6.bu.seqnr") sequence = field.toObject();
        }
        QCOMPARE(protocols.first(), QString("ipv6"));
        QCOMPARE(protocols.last(), QString("mipv6"));
        QCOMPARE(sequence.keys(), (QStringList{"length", "mask", "name", "offset", "rfc", "text", "value"}));
        QCOMPARE(sequence["value"].toInt(), 1);
        QCOMPARE(sequence["offset"].toInt(), 70);
        QCOMPARE(sequence["rfc"].toString(), QString("RFC 6275 §6.1.7"));
    }

    void treeAndJsonShowWhatFramesBreakTogether()
    {
        // The home registration without alternate care-of address (A04) is judged with what the capture tells about the nodes.
        const QByteArray update = QByteArray::fromHex("6000000000283c40" "20010db8000f00000000000000000005" "20010db8000200000000000000000001"
                                                      "870201020000c910" "20010db8000200000000000000000100"
                                                      "3b010500a1dc0007c000000a01020000");
        QTemporaryDir directory;
        const QString file = directory.filePath("a04.pcap");
        QFile out(file);
        QVERIFY(out.open(QIODevice::WriteOnly));
        const auto number = [&](quint32 value) { out.write(reinterpret_cast<const char*>(&value), 4); };
        for (const quint32 value : {0xa1b2c3d4u, 0x00040002u, 0u, 0u, 65535u, 101u, 1u, 0u, quint32(update.size()), quint32(update.size())}) number(value);
        out.write(update);
        out.close();
        const QJsonObject frame = QJsonDocument::fromJson(cli({"decode", file, "-T", "json"}).out).object();
        QCOMPARE(frame["findings"].toArray().size(), 1);
        QCOMPARE(frame["findings"].toArray()[0].toObject()["rule"].toString(), QString("MN-BU-02"));
        const QByteArray tree = cli({"decode", file, "-T", "tree"}).out;
        QVERIFY2(tree.contains("! error: MN-BU-02: home registration without alternate care-of address  [72+2, RFC 6275 §11.7.1]"), tree.constData());
    }

    void fieldOptionsAreTsharks()
    {
        const QStringList head{"decode", vectors, "-c", "2", "-T", "fields", "-e", "ipv6.src", "-e", "mip6.mobility_opt.len", "-e", "mip6.csum"};
        QCOMPARE(cli(head).out, QByteArray("fe80::1\t\t\n2001:db8:a1:0:211:22ff:fe33:4455\t2\t0x6cc1\n"));
        QCOMPARE(cli(head + QStringList{"-E", "header=y", "-E", "separator=,", "-E", "quote=d"}).out,
                 QByteArray("ipv6.src,mip6.mobility_opt.len,mip6.csum\n\"fe80::1\",,\n\"2001:db8:a1:0:211:22ff:fe33:4455\",\"2\",\"0x6cc1\"\n"));
        const QStringList many{"decode", vectors, "-c", "1", "-T", "fields", "-e", "icmpv6.opt.type", "-E"};
        QCOMPARE(cli(many + QStringList{"occurrence=a"}).out, QByteArray("3,7,23\n"));
        QCOMPARE(cli(many + QStringList{"occurrence=f"}).out, QByteArray("3\n"));
        QCOMPARE(cli(many + QStringList{"occurrence=l"}).out, QByteArray("23\n"));
        QCOMPARE(cli(many + QStringList{"aggregator=/s"}).out, QByteArray("3 7 23\n"));
    }

    void aBrokenFileGivesItsFramesThenTheError()
    {
        QByteArray bytes = contents(vectors);
        bytes.chop(5);
        const Ran ran = cli({"decode", store(bytes)});
        QCOMPARE(ran.status, 3);
        QCOMPARE(ran.out.count('\n'), 23);
        QVERIFY2(ran.err.contains("ends in the middle of a packet"), ran.err.constData());
        QCOMPARE(ran.err.count('\n'), 1);
        QCOMPARE(cli({"decode", "/nonexistent"}).status, 3);
        QCOMPARE(cli({"decode", store("no capture at all")}).status, 3);
    }

    void standardInputAndCompressionWork()
    {
        const QByteArray bytes = contents(vectors);
        const QByteArray expected = cli({"decode", vectors}).out;
        QCOMPARE(cli({"decode", "-"}, bytes).out, expected);
        const Ran gzip = run("gzip", {"-c"}, bytes);
        QCOMPARE(gzip.status, 0);
        QCOMPARE(cli({"decode", "-"}, gzip.out).out, expected);
    }

    void usageErrorsSayWhatWasMeant_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QByteArray>("words");
        QTest::newRow("field") << QStringList{"decode", vectors, "-T", "fields", "-e", "mip6.bu.seqnum"} << QByteArray("Did you mean mip6.bu.seqnr?");
        QTest::newRow("no field") << QStringList{"decode", vectors, "-T", "fields"} << QByteArray("-T fields needs at least one -e FIELD");
        QTest::newRow("option") << QStringList{"decode", vectors, "-T", "fields", "-e", "ipv6.src", "-E", "quote=x"} << QByteArray("quote=d|s|n");
        QTest::newRow("-e alone") << QStringList{"decode", vectors, "-e", "ipv6.src"} << QByteArray("-e FIELD goes with -T fields");
        QTest::newRow("filter") << QStringList{"decode", vectors, "-Y", "mip6.bu.x_flag"} << QByteArray("did you mean mip6.bu.a_flag?");
        QTest::newRow("format") << QStringList{"decode", vectors, "-T", "xml"} << QByteArray("summary");
        QTest::newRow("command") << QStringList{"decod", vectors} << QByteArray("no subcommand is called decod; did you mean decode? There are run, ");
        QTest::newRow("no command") << QStringList{"frobnicate"} << QByteArray("no subcommand is called frobnicate. There are run, ");
        QTest::newRow("nothing") << QStringList{} << QByteArray("give a subcommand: run, ");
        QTest::newRow("unknown option") << QStringList{"--bogus"} << QByteArray("roamscope-cli: no option is called --bogus");
        QTest::newRow("unknown option of a command") << QStringList{"run", "sample", "--jsn"} << QByteArray("run: no option is called --jsn; did you mean --json?");
        QTest::newRow("a word more") << QStringList{"run", "a", "b", "c"} << QByteArray("run: b is one word more than expected");
        QTest::newRow("--without alone") << QStringList{"run", "a", "--without", "1"} << QByteArray("--without requires --random");
        QTest::newRow("--without of nothing") << QStringList{"run", "--random", "3", "--without", "99999"} << QByteArray("--without 99999: the scenario of --random 3 has ");
    }
    void usageErrorsSayWhatWasMeant()
    {
        QFETCH(QStringList, arguments);
        QFETCH(QByteArray, words);
        const Ran ran = cli(arguments);
        QCOMPARE(ran.status, 2);
        QCOMPARE(ran.out, QByteArray());
        QVERIFY2(ran.err.contains(words), ran.err.constData());
    }

    void helpAndListsAreFine()
    {
        QCOMPARE(cli({"--help"}).status, 0);
        QCOMPARE(cli({"decode", "--help"}).status, 0);
        QVERIFY(cli({"fields", "seqnr"}).out.contains("mip6.ba.seqnr"));
        QCOMPARE(cli({"fields", "nothing_like_it"}).status, 1);
        QCOMPARE(cli({"schema"}).out, contents(QStringLiteral(ROAMSCOPE_SOURCE_DIR "/resources/scenarios/scenario.schema.json")));
        QVERIFY(cli({"scenarios"}).out.contains("\nintra-map-handover "));
        const QJsonArray list = QJsonDocument::fromJson(cli({"scenarios", "--json"}).out).array();
        QVERIFY(list.size() >= 16);
        const auto known = std::find_if(list.begin(), list.end(), [](const QJsonValue& s) { return s.toObject()["name"] == "intra-map-handover"; });
        QVERIFY(known != list.end());
        QCOMPARE(known->toObject()["title"].toString(), QString("One handover inside a MAP domain"));
        QVERIFY(QFile::exists(known->toObject()["path"].toString()));
    }

    void aReaderThatLeavesIsNoError()
    {
        QByteArray many = contents(vectors);
        const QByteArray records = many.mid(24);
        for (int i = 0; i < 200; ++i) many += records;
        const Ran ran = run("bash", {"-c", "set -o pipefail; " + cliProgram + " decode " + store(many) + " -T tree | head -1"});
        QCOMPARE(ran.status, 0);
        QVERIFY(ran.out.startsWith("Frame 1:"));
        QCOMPARE(ran.err, QByteArray());
        if (QFile::exists("/dev/full")) {
            const Ran full = run("bash", {"-c", cliProgram + " decode " + vectors + " > /dev/full"});
            QCOMPARE(full.status, 3);
            QVERIFY(full.err.contains("No space left on device"));
        }
    }

    void aFrameCountOutsideItsRangeIsRefused()
    {
        for (const char* count : {"0", "-1", "99999999999999999999999", "two"}) {
            const Ran ran = cli({"decode", vectors, "-c", count});
            QCOMPARE(ran.status, 2);
            QVERIFY2(ran.err.contains("-c: a whole number from 1 to "), ran.err.constData());
        }
        QCOMPARE(cli({"decode", vectors, "-c", "3"}).out.count('\n'), 3);
    }

    void anInterruptEndsQuietlyWithWhatThereIs()
    {
        QProcess process;
        process.start(cliProgram, {"decode", "-"});
        QVERIFY(process.waitForStarted());
        process.write(contents(vectors));  // and the pipe stays open
        QByteArray out;
        QTRY_VERIFY2_WITH_TIMEOUT((out += process.readAllStandardOutput()).count('\n') == 24, out.constData(), 5000);
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        QVERIFY(process.waitForFinished(2000));
        QCOMPARE(process.exitStatus(), QProcess::NormalExit);
        QCOMPARE(process.exitCode(), 0);
        QCOMPARE(process.readAllStandardError(), QByteArray());
    }

    void foreignTrafficGetsALine()
    {
        // Hand-made frames: an ARP request, an IPv4 TCP SYN, an IPv6 DNS query; each also cut after every octet.
        const auto hex = [](const char* text) { return QByteArray::fromHex(text); };
        const QByteArray arp = hex("ffffffffffff0200000000010806" "0001080006040001020000000001c0000201000000000000c0000202");
        const QByteArray tcp = hex("0200000000020200000000010800" "450000280001000040060000c0000201c0000202" "d431005000000001000000005002ffff00000000");
        const QByteArray dns = hex("02000000000202000000000186dd" "6000000000251140" "20010db8000000000000000000000001" "20010db8000000000000000000000002"
                                   "d431003500250000" "123401000001000000000000" "076578616d706c65036f72670000" "1c0001");
        const auto little = [](quint32 v) { return QByteArray().append(char(v)).append(char(v >> 8)).append(char(v >> 16)).append(char(v >> 24)); };
        QByteArray file = hex("d4c3b2a1020004000000000000000000ffff000001000000");
        int frames = 0;
        for (const QByteArray& frame : {arp, tcp, dns})
            for (qsizetype n = frame.size(); n >= 0; --n, ++frames) file += little(0) + little(0) + little(quint32(n)) + little(quint32(n)) + frame.first(n);
        const Ran ran = cli({"decode", store(file)});
        QCOMPARE(ran.status, 0);
        QCOMPARE(ran.out.count('\n'), frames);
        QVERIFY2(ran.out.contains("Who has 192.0.2.2? Tell 192.0.2.1"), ran.out.constData());
        QVERIFY(ran.out.contains("54321 → 80 [SYN], sequence 1, 0 octets"));
        QVERIFY2(ran.out.contains("Query example.org (type 28)"), ran.out.constData());
    }
};

QTEST_GUILESS_MAIN(TestCli)
#include "test_cli.moc"
