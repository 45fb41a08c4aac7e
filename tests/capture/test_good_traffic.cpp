// SPDX-License-Identifier: GPL-3.0-or-later
// Good traffic raises nothing: the golden packets, a lab run, generated handovers, captures that others made. What is found in
// those is listed here, each with the reason why it is right.
#include "tests/support/analyzed_file.hpp"
#include "tests/support/lab_run.hpp"
#include "tests/support/test_inputs.hpp"

#include <QtTest>
#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>

using namespace roamscope;
using namespace roamscope::test;

class TestGoodTraffic : public QObject {
    Q_OBJECT

    void expectNothing(const QString& path)
    {
        const auto a = analyzeFile(path);
        QVERIFY2(a, qPrintable(path));
        QVERIFY(a->frames > 0);
        const QStringList lines = findingLines(*a);
        QVERIFY2(lines.isEmpty(), qPrintable(QString("%1: %2\n%3").arg(path).arg(lines.size()).arg(lines.mid(0, 60).join('\n'))));
    }

    /// Single frames, made without regard to who sends them when: home registrations without alternate care-of address (with M the
    /// home address for the regional one; nonce indices; options of acknowledgements), acknowledgements of nothing, and a MAP at
    /// distance 0.
    static QStringList scapyFindings()
    {
        const std::vector<std::pair<int, const char*>> only{{12, "HMIP-MN-10"}, {18, "HMIP-MN-10"}, {21, "HMIP-MN-10"}, {66, "HA-BU-01"},
                                                             {77, "RFC 4866 §5.3"}, {79, "RFC 4866 §5.5"}, {107, "HMIP-AR-03"}};
        const std::vector<std::pair<int, int>> registrations{{9, 9}, {15, 17}, {19, 19}, {22, 29}, {66, 67}, {69, 84}}, answers{{32, 40}, {42, 60}, {64, 64}};
        std::vector<std::pair<int, QString>> all{{9, "MN-BU-01"}, {12, "HMIP-MN-09"}};
        for (const auto& [frame, rule] : only) all.emplace_back(frame, rule);
        for (const auto& [from, to] : registrations) for (int i = from; i <= to; ++i) all.emplace_back(i, "MN-BU-02");
        for (const auto& [from, to] : answers) for (int i = from; i <= to; ++i) all.emplace_back(i, "MN-BU-08");
        std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        QStringList out;
        for (const auto& [frame, rule] : all) out << QString("#%1 %2").arg(frame).arg(rule);
        return out;
    }

    /// Proxy registrations with option numbers from before the standard: what has the number 10 there is longer, and 9 stands
    /// where its draft put it.
    static QStringList preStandardFindings()
    {
        QStringList out;
        for (const int frame : {8, 9, 59, 61, 62, 86}) out << QString("#%1 RFC 6275 §6.2").arg(frame) << QString("#%1 RFC 6275 §6.2").arg(frame);
        return out;
    }

private Q_SLOTS:
    void goldenPackets() { expectNothing(QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/vectors.pcap")); }
    void labRun()
    {
        LabRun run(sampleScenario());
        run.to(TimePoint{20s});
        QVERIFY(run.out.frames.size() > 1000);
        analysis::Analyzer analyzer;
        for (std::size_t i = 0; i < run.out.frames.size(); ++i) {
            const lab::SegmentFrame& f = run.out.frames[i];
            analyzer.add(static_cast<analysis::FrameIndex>(i), {f.time, static_cast<std::uint32_t>(f.link), static_cast<std::uint32_t>(f.bytes.size()), f.bytes},
                         {run.link(f), wire::linkEthernet});
        }
        const QStringList lines = findingLines(*analyzer.result());
        QVERIFY2(lines.isEmpty(), qPrintable(lines.join('\n')));
    }
    void generatedHandovers_data()
    {
        QTest::addColumn<QString>("mix");
        QTest::newRow("signalling") << "signalling";
        QTest::newRow("data") << "data";
    }
    void generatedHandovers()
    {
        QFETCH(QString, mix);
        const QString source = sharedFolder() + "/bench/gen.cpp";
        if (!QFile::exists(source)) QSKIP("no shared benchmark on this machine (set ROAMSCOPE_SHARED)");
        const QString compiler = QStandardPaths::findExecutable("c++");
        if (compiler.isEmpty()) QSKIP("no compiler named c++ to build the shared generator");
        static QTemporaryDir folder;
        const QString generator = folder.filePath("gen"), capture = folder.filePath(mix + ".pcap");
        if (!QFile::exists(generator)) QCOMPARE(QProcess::execute(compiler, {"-std=c++20", "-O1", "-w", "-o", generator, source}), 0);
        QCOMPARE(QProcess::execute(generator, {"--mix", mix, "--frames", "20000", "-o", capture}), 0);
        // It asks its home agents for 600 s and correspondents for 400 s although every MAP grants 300 s (RFC 5380 §6.1 forbids that),
        // and does nothing else wrong.
        const auto a = analyzeFile(capture);
        QVERIFY(a);
        QCOMPARE(a->frames, std::size_t{20000});
        std::size_t longer = 0;
        for (const QString& line : findingLines(*a)) {
            QVERIFY2(line.contains("HMIP-MN-15") && (line.contains("of 600 s") || line.contains("of 400 s")) && line.contains("granted 300 s"), qPrintable(line));
            ++longer;
        }
        QCOMPARE(longer, mix == "signalling" ? std::size_t{1479} : std::size_t{0});
    }
    void capturesOfOthers_data()
    {
        QTest::addColumn<QStringList>("expected");
        const QString shared = sharedFolder();
        if (shared.isEmpty()) {
            QTest::newRow("none") << QStringList();
            return;
        }
        const QMap<QString, QStringList> found{
            // Hand-made on purpose: without alternate care-of address (38, 102, 108, 179), without A (44), M with the home address for
            // the regional one (67), O without identifier (89), an identifier at octet 12 (98), and that after an
            // answer that showed that the home agent does not know them, a broken option (117), a broken checksum
            // (121), payload protocol (125), without home address (130), nonce indices for a home agent (179).
            {"probe-ha-home.pcap",
             {"#38 MN-BU-02", "#44 MN-BU-01", "#67 HMIP-MN-10", "#89 MCOA-MN-18", "#98 RFC 6275 §6.2", "#98 MCOA-MN-09", "#102 MN-BU-02", "#108 MN-BU-02", "#117 RFC 6275 §6.2", "#121 MH-RX-01", "#125 MH-RX-01",
              "#130 MN-BU-01", "#130 MN-BU-02", "#179 HA-BU-01", "#179 MN-BU-02"}},
            {"mag12lma_v6.pcap", preStandardFindings()},
            {"scapy_mip6.pcap", scapyFindings()},
            {"ip6-hoa-udp-bad-chksum.pcap", {"#1 RFC 8200 §8.1"}},
            // A bare home registration that someone wrote for a checksum test.
            {"mip6_bu.pcap", {"#1 MN-BU-01", "#1 MN-BU-02"}},
        };
        for (const char* folder : {"umip", "scapy_gen", "zeek", "tcpdump", "openair4g"}) {
            const QDir dir(shared + "/captures/" + folder);
            for (const QString& file : dir.entryList({"*.pcap"})) QTest::newRow(qPrintable(QString("%1/%2").arg(folder, file))) << found.value(file);
        }
    }
    void capturesOfOthers()
    {
        QFETCH(QStringList, expected);
        if (sharedFolder().isEmpty()) QSKIP("no shared captures on this machine (set ROAMSCOPE_SHARED)");
        const auto a = analyzeFile(sharedFolder() + "/captures/" + QTest::currentDataTag());
        QVERIFY(a);
        if (shortFindings(*a) != expected)
            for (const QString& line : findingLines(*a)) qInfo().noquote() << line;
        QCOMPARE(shortFindings(*a), expected);
    }
};

QTEST_APPLESS_MAIN(TestGoodTraffic)
#include "test_good_traffic.moc"
