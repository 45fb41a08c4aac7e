// SPDX-License-Identifier: GPL-3.0-or-later
// The timeline: what its lanes hold, the axis, and an SVG that every reader of XML can read.
#include "capture/picture/svg_output.hpp"
#include "tests/support/frame_builder.hpp"

#include <QXmlStreamReader>
#include <QtTest>

using namespace roamscope;
using namespace roamscope::picture;
using namespace roamscope::test;

namespace {

std::shared_ptr<const analysis::Analysis> wholeRun()
{
    SampleNetwork net;
    const MobileSpec mn;
    net.registerFirst(mn);
    net.probes(mn);
    net.moveToSecond(mn);
    net.sort();
    return net.analyze();
}

lab::Scenario names()
{
    lab::Scenario s;
    s.title = "One <handover> & \"more\"";
    lab::NodeSpec mn;
    mn.name = "Alice";
    mn.role = lab::Role::MobileNode;
    mn.homeAddress = ip("2001:db8:100::1:1");
    lab::NodeSpec map;
    map.name = "MAP-N";
    map.role = lab::Role::Map;
    lab::InterfaceSpec core;
    core.address = Prefix{ip("2001:db8:200::300"), 64};
    map.interfaces = {core};
    s.nodes = {mn, map};
    return s;
}

/// All text of the document; empty when it is not well-formed.
QStringList texts(const std::string& svg)
{
    QXmlStreamReader reader(QByteArray::fromStdString(svg));
    QStringList out;
    while (!reader.atEnd())
        if (reader.readNext() == QXmlStreamReader::Characters && !reader.isWhitespace()) out << reader.text().toString();
    return reader.hasError() ? QStringList() : out;
}

}  // namespace

class TestPicture : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void lanesHoldPhasesBindingsAndProbes()
    {
        const auto a = wholeRun();
        const lab::Scenario s = names();
        const TimelinePicture p = timelinePicture(*a, 15s, &s);
        QCOMPARE(p.phases.size(), std::size_t{5});
        QCOMPARE(p.phases[0].label, std::string("T_L2"));
        QCOMPARE(p.phases[0].detail, std::string("Alice"));
        QCOMPARE(p.phases[0].bars.size(), std::size_t{1});  // the first registration has none
        QCOMPARE(p.phases[3].label, std::string("T_LBU"));
        QCOMPARE(p.phases[3].bars.size(), std::size_t{2});
        QCOMPARE(p.phases[3].bars[1].text, std::string("12 ms"));
        QCOMPARE(p.bindings.size(), std::size_t{2});
        QCOMPARE(p.bindings[0].label, std::string("MAP-N"));
        QCOMPARE(p.bindings[0].bars.size(), std::size_t{2});
        QVERIFY(p.bindings[0].bars[0].end == p.bindings[0].bars[1].start);
        QVERIFY(p.bindings[0].bars[1].end == at(15s));
        QCOMPARE(p.probes.size(), std::size_t{1});
        QCOMPARE(p.probes[0].ticks.size(), std::size_t{111});
        QCOMPARE(p.probes[0].gaps.size(), std::size_t{1});
        QCOMPARE(p.probes[0].gaps[0].text, std::string("1.300 s, 12 lost"));
    }

    void refreshesGoOnWithTheSameBar()
    {
        SampleNetwork net;
        const MobileSpec mn;
        net.localUpdate(mn, SampleNetwork::w1, 1s, 1);
        net.localAnswer(mn, SampleNetwork::w1, 1100ms, 1);
        net.localUpdate(mn, SampleNetwork::w1, 5s, 2);
        net.localAnswer(mn, SampleNetwork::w1, 5100ms, 2);
        const TimelinePicture p = timelinePicture(*net.analyze(), 10s, nullptr);
        QCOMPARE(p.bindings.at(0).bars.size(), std::size_t{1});
        QVERIFY(p.bindings[0].bars[0].start == at(1100ms) && p.bindings[0].bars[0].end == at(10s));
    }

    void axisTicksAreRound()
    {
        const auto ticks = axisTicks(at(9800ms), at(11400ms), 12);
        QVERIFY(ticks.size() >= 4 && ticks.size() <= 12);
        QVERIFY(ticks[0] >= at(9800ms) && ticks.back() <= at(11400ms));
        QVERIFY(ticks[1] - ticks[0] == 200ms);
        QVERIFY(axisTicks(at(1s), at(1s), 12).empty());
        QVERIFY(axisTicks(at(-5s), at(5s), 12).front() == at(-5s));
    }

    void svgIsWellFormedAndEscaped()
    {
        const lab::Scenario s = names();
        const std::string svg = timelineSvg(*wholeRun(), 15s, &s);
        if (const QString path = qEnvironmentVariable("ROAMSCOPE_KEEP_SVG"); !path.isEmpty()) {
            QFile file(path);
            QVERIFY(file.open(QIODevice::WriteOnly));
            file.write(QByteArray::fromStdString(svg));
        }
        const QStringList t = texts(svg);
        QVERIFY(t.contains(QStringLiteral("One <handover> & \"more\"")));
        QVERIFY(t.contains(QStringLiteral("1.300 s, 12 lost")));
        QVERIFY(t.contains(QStringLiteral("Handover 1 of Alice: intra-map, w1 → w2, interruption 1.300 s, 12 lost")));
        QVERIFY(svg.find("<script") == std::string::npos);
    }

    void anEmptyTraceHasAPictureToo()
    {
        QVERIFY(!texts(timelineSvg({}, Duration{0}, nullptr)).isEmpty());
        QVERIFY(!texts(timelineSvg({}, Duration{1h}, nullptr)).isEmpty());
    }
};

QTEST_APPLESS_MAIN(TestPicture)
#include "test_picture.moc"
