// SPDX-License-Identifier: GPL-3.0-or-later
// The report document and the table of handovers.
#include "capture/io/report_output.hpp"
#include "tests/support/frame_builder.hpp"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QRegularExpression>
#include <QtTest>

using namespace roamscope;
using namespace roamscope::test;

namespace {

SampleNetwork wholeRun()
{
    SampleNetwork net;
    const MobileSpec mn;
    net.registerFirst(mn);
    net.probes(mn);
    net.moveToSecond(mn);
    net.sort();
    return net;
}

void collectKeys(const QJsonValue& value, QStringList& keys)
{
    for (const auto& item : value.toArray()) collectKeys(item, keys);
    const QJsonObject object = value.toObject();
    for (auto it = object.begin(); it != object.end(); ++it) {
        keys << it.key();
        collectKeys(it.value(), keys);
    }
}

}  // namespace

class TestReport : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void documentHoldsWhatAnalysisKnows()
    {
        const SampleNetwork net = wholeRun();
        const auto a = net.analyze();
        capture::Trace trace(1700000000'000000000);
        for (const char* name : {"home", "core", "domain", "w1", "w2"}) trace.addLink({name, 1});
        for (const CapturedFrame& f : net.frames) trace.append(f.time, f.link, f.bytes, static_cast<std::uint32_t>(f.bytes.size()));
        capture::View view;
        view.trace = trace.snapshot();
        view.dropped = 3;
        QJsonParseError error;
        const QJsonObject doc = QJsonDocument::fromJson(QByteArray::fromStdString(capture::reportJson(*a, view)), &error).object();
        QCOMPARE(error.error, QJsonParseError::NoError);
        QCOMPARE(doc["start"].toString(), QStringLiteral("2023-11-14T22:13:20.000000000Z"));
        QCOMPARE(doc["frames"].toInteger(), static_cast<qint64>(net.frames.size()));
        QCOMPARE(doc["handovers"].toArray().size(), 2);
        const QJsonObject h = doc["handovers"][1].toObject();
        QCOMPARE(h["kind"].toString(), QStringLiteral("intra-map"));
        QCOMPARE(h["interruption"].toInteger(), 1300000000);
        QCOMPARE(h["lost"].toInt(), 12);
        QCOMPARE(h["phases"][3]["name"].toString(), QStringLiteral("T_LBU"));
        QCOMPARE(h["phases"][3]["duration"].toInteger(), 12000000);
        QCOMPARE(h["phases"][3]["start_frame"].toInteger(), qint64{net.indexOf(11200ms, SampleNetwork::w2)} + 1);
        QVERIFY(doc["handovers"][0]["interruption"].isNull());
        QCOMPARE(doc["bindings"][1]["lifetime"].toInt(), 600);
        QCOMPARE(doc["bindings"][1]["to"].type(), QJsonValue::Null);
        QCOMPARE(doc["exchanges"][0]["round_trip"].toInteger(), 1102000000);
        QCOMPARE(doc["attachments"][1]["link"].toString(), QStringLiteral("w2"));
        QCOMPARE(doc["completeness"]["dropped_frames"].toInt(), 3);
        QVERIFY(doc["findings"].toArray().isEmpty());
        QStringList keys;
        collectKeys(doc, keys);
        for (const QString& key : keys) QVERIFY2(QRegularExpression(QStringLiteral("^[a-z0-9_]+$")).match(key).hasMatch(), qPrintable(key));
    }

    void theTableIsAligned()
    {
        const std::string table = capture::handoverTable(*wholeRun().analyze(), nullptr);
        const QStringList lines = QString::fromStdString(table).split(QLatin1Char('\n'));
        QCOMPARE(lines.size(), 4);
        QVERIFY(lines[0].startsWith(QStringLiteral("#")));
        QVERIFY(lines[1].startsWith(QStringLiteral("–")));
        QVERIFY(lines[2].startsWith(QStringLiteral("1")));
        QVERIFY(lines[2].contains(QStringLiteral("w1 → w2")) && lines[2].contains(QStringLiteral("1.300 s")) && lines[2].endsWith(QStringLiteral("12")));
        for (const char* column : {"kind", "start", "phases"})
            for (int i = 1; i < 3; ++i) {
                const auto at = lines[0].indexOf(QLatin1String(column));
                QVERIFY(lines[i][at - 1] == QLatin1Char(' ') && lines[i][at] != QLatin1Char(' '));
            }
    }

    void thePathOfProbesBehindAMapIsTheOnLinkAddress()
    {
        const SampleNetwork net = wholeRun();
        const MobileSpec mn;
        const auto a = net.analyze();
        QCOMPARE(a->flows.size(), std::size_t{1});
        const analysis::Flow& flow = a->flows[0];
        std::map<std::string, std::uint32_t> lost;
        for (const analysis::FlowPath& p : flow.paths)
            if (p.toMobile) lost[p.careOfAddress.text()] = p.lost;
        QCOMPARE(lost.size(), std::size_t{2});
        QVERIFY2(lost.contains(net.careOf(mn, SampleNetwork::w1).text()) && lost.contains(net.careOf(mn, SampleNetwork::w2).text()), "not the RCoA, which is a stage");
        QCOMPARE(lost[net.careOf(mn, SampleNetwork::w1).text()], flow.lost);
        QVERIFY2(capture::pathTable(*a, nullptr).empty(), "without identifiers there is nothing to tell apart");
    }

    void noHandoverIsSaid()
    {
        QVERIFY(capture::handoverTable({}, nullptr).starts_with("No handover"));
    }
};

QTEST_APPLESS_MAIN(TestReport)
#include "test_report.moc"
