// SPDX-License-Identifier: GPL-3.0-or-later
// The models of the window without the window: the cursor, names, tables, tree and timeline values.
#include "tests/ui/played_session.hpp"

#include "capture/io/scenario_file.hpp"
#include "ui/model/binding_model.hpp"
#include "ui/model/dissection_model.hpp"
#include "ui/model/flow_model.hpp"
#include "ui/model/format.hpp"
#include "ui/model/handover_model.hpp"
#include "ui/model/packet_rows.hpp"
#include "ui/model/theme.hpp"
#include "ui/model/timeline_data.hpp"
#include "ui/model/workspace.hpp"

#include <QAbstractItemModelTester>
#include <QSignalSpy>
#include <QTest>

#include <cmath>

using namespace roamscope;
using namespace roamscope::ui;

namespace {

constexpr auto fatal = QAbstractItemModelTester::FailureReportingMode::QtTest;

Ipv6Address address(const char* text) { return *Ipv6Address::parse(text); }

std::unique_ptr<test::PlayedSession> played(double seconds) { return std::make_unique<test::PlayedSession>(atNanoseconds(std::llround(seconds * 1e9))); }

/// WCAG contrast of two colours.
double contrast(const QColor& a, const QColor& b)
{
    const auto linear = [](double c) { return c <= 0.03928 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4); };
    const auto light = [&](const QColor& c) { return 0.2126 * linear(c.redF()) + 0.7152 * linear(c.greenF()) + 0.0722 * linear(c.blueF()); };
    const double x = light(a) + 0.05;
    const double y = light(b) + 0.05;
    return std::max(x, y) / std::min(x, y);
}

}  // namespace

class TestModels : public QObject {
    Q_OBJECT

private slots:
    void timesAreGroupedAndNeverRoundedUp()
    {
        const QChar gap(0x202f);
        QCOMPARE(formatTime(atNanoseconds(12'304'518'999)), QStringLiteral("12.304") + gap + QStringLiteral("518"));
        QCOMPARE(formatTime(atNanoseconds(-1'000)), QStringLiteral("−0.000") + gap + QStringLiteral("001"));
        QCOMPARE(formatDuration(42ms), QStringLiteral("42.0 ms"));
        QCOMPARE(formatDuration(1020ms), QStringLiteral("1") + gap + QStringLiteral("020 ms"));
        QCOMPARE(formatLifetime(1ms), QStringLiteral("1 s"));
        QCOMPARE(formatLifetime(0ms), QStringLiteral("0 s"));
    }

    void coloursKeepTheirContrast()
    {
        QPalette light;
        light.setColor(QPalette::Base, Qt::white);
        light.setColor(QPalette::Text, Qt::black);
        QPalette dark;
        dark.setColor(QPalette::Base, QColor(0x1e, 0x1f, 0x22));
        dark.setColor(QPalette::Text, Qt::white);
        for (const Tone tone : {Tone::Home, Tone::Local, Tone::Discovery, Tone::RouteOptimisation, Tone::Data, Tone::Warning, Tone::Error}) {
            QVERIFY2(contrast(Theme(light).tone(tone), Qt::white) >= 4.2, qPrintable(QString::number(static_cast<int>(tone))));
            QVERIFY2(contrast(Theme(dark).tone(tone), QColor(0x1e, 0x1f, 0x22)) >= 6.9, qPrintable(QString::number(static_cast<int>(tone))));
        }
    }

    void aPersonMovingTheCursorEndsFollowing()
    {
        TimeCursor cursor;
        QSignalSpy time(&cursor, &TimeCursor::timeChanged);
        QSignalSpy frame(&cursor, &TimeCursor::frameChanged);
        cursor.follow(TimePoint{5s});
        QCOMPARE(time.count(), 0);  // not following yet
        cursor.setFollowing(true);
        cursor.follow(TimePoint{5s});
        QCOMPARE(cursor.time(), TimePoint{5s});
        cursor.moveTo(TimePoint{2s}, 7);
        QVERIFY(!cursor.following());
        cursor.follow(TimePoint{6s});
        QCOMPARE(cursor.time(), TimePoint{2s});
        QCOMPARE(cursor.frame(), std::optional<std::size_t>(7));
        QCOMPARE(frame.count(), 1);
    }

    void addressesGetNamesAndMeanings()
    {
        const auto session = played(20);
        const capture::View view = session->view();
        const Names names(session->scenario(), *view.analysis);
        QCOMPARE(names.of(address("2001:db8:100::1:1")), QStringLiteral("mn (HoA)"));
        QCOMPARE(names.of(address("2001:db8:200::300")), QStringLiteral("map"));
        QCOMPARE(names.of(address("2001:db8:300::1")), QStringLiteral("map"));
        QCOMPARE(names.of(address("ff02::1")), QStringLiteral("all nodes"));
        QCOMPARE(names.of(address("2001:db8:dead::1")), QStringLiteral("2001:db8:dead::1"));
        const auto& exchanges = view.analysis->exchanges;
        const auto local = std::find_if(exchanges.begin(), exchanges.end(), [](const auto& e) { return e.peer == analysis::Role::Map; });
        QVERIFY(local != exchanges.end());
        QCOMPARE(names.of(local->homeAddress), QStringLiteral("mn (RCoA)"));
        QCOMPARE(names.of(local->careOfAddress), QStringLiteral("mn (LCoA 1)"));
        QCOMPARE(names.named(QStringLiteral("who has 2001:db8:200::300? in 2001:db8:200::/64")), QStringLiteral("who has map? in 2001:db8:200::/64"));
        // Without the scenario the roles stand in for the names.
        const Names inferred(nullptr, *view.analysis);
        QCOMPARE(inferred.node(local->homeAddress), QStringLiteral("MN"));
        QVERIFY(names.addressesOf(QStringLiteral("mn")).contains(QStringLiteral("LCoA 2")));
    }

    void packetRowsTellWhichRegistrationAnAckAnswers()
    {
        const auto session = played(20);
        const capture::View view = session->view();
        PacketRows rows;
        rows.reset(view, Names(session->scenario(), *view.analysis));
        const auto ack = [](const wire::DecodedFrame& f) { return f.as<wire::BindingAck>() != nullptr; };
        const auto first = test::findFrame(view, ack);
        QVERIFY(first);
        const PacketRow row = rows.row(*first);
        QCOMPARE(row.kind, wire::MessageKind::LocalRegistration);
        QCOMPARE(row.at(PacketColumn::From), QStringLiteral("map"));
        QCOMPARE(row.at(PacketColumn::Number), QString::number(*first + 1));
        QVERIFY(row.at(PacketColumn::Info).startsWith(QStringLiteral("BA, sequence")));
    }

    void dissectionModelIsAProperTree()
    {
        const auto session = played(5);
        const capture::View view = session->view();
        DissectionModel model;
        const QAbstractItemModelTester tester(&model, fatal);
        const auto update = test::findFrame(view, [](const wire::DecodedFrame& f) { return f.as<wire::BindingUpdate>() != nullptr; });
        QVERIFY(update);
        const capture::FrameView frame = view.trace.frame(*update);
        model.setDissection(wire::dissect(frame.bytes, 1, frame.originalLength));
        QVERIFY(model.rowCount() >= 3);
        // Every octet of an untunnelled, complete frame belongs to a field, and the field's range holds it.
        for (std::size_t octet = 0; octet < frame.bytes.size(); ++octet) {
            const QModelIndex field = model.fieldAt(octet);
            QVERIFY2(field.isValid(), qPrintable(QString::number(octet)));
            const auto range = model.rangeOf(field);
            QVERIFY(range.offset <= octet && octet < range.offset + range.length);
            QCOMPARE(model.rowCount(field) == 0 || range.length > 1, true);
        }
        QCOMPARE(model.rangeOf(model.fieldAt(0)).length, std::size_t(6));  // Ethernet destination
        QVERIFY(model.explanation(model.fieldAt(12)).contains(QStringLiteral("RFC 2464")));
        model.clear();
        QCOMPARE(model.rowCount(), 0);
    }

    void aWrongChecksumIsMarkedUpToItsLayer()
    {
        const auto session = played(5);
        const capture::View view = session->view();
        const auto update = test::findFrame(view, [](const wire::DecodedFrame& f) { return f.as<wire::BindingUpdate>() != nullptr; });
        QVERIFY(update);
        const capture::FrameView frame = view.trace.frame(*update);
        Bytes broken(frame.bytes.begin(), frame.bytes.end());
        QVERIFY(!broken.empty());
        broken[broken.size() - 1] ^= 1;
        DissectionModel model;
        model.setDissection(wire::dissect(broken, 1, broken.size()));
        QVERIFY(!model.findingsText().isEmpty());
        const QModelIndex layer = model.index(model.rowCount() - 1, 0);
        QCOMPARE(layer.data(DissectionModel::SeverityRole).toInt(), static_cast<int>(wire::Severity::Error));
        QVERIFY(layer.data().toString().startsWith(QStringLiteral("✖")));
    }

    void bindingsCountDownWithTheCursor()
    {
        const auto session = played(20);
        const capture::View view = session->view();
        const Names names(session->scenario(), *view.analysis);
        BindingModel model;
        const QAbstractItemModelTester tester(&model, fatal);
        model.show(view.analysis, names, TimePoint{});
        QCOMPARE(model.rowCount(), 0);
        model.show(view.analysis, names, TimePoint{9s});
        QCOMPARE(model.rowCount(), 2);
        QCOMPARE(model.index(0, BindingModel::Owner).data().toString(), QStringLiteral("MAP"));
        QCOMPARE(model.index(0, BindingModel::CareOfAddress).data().toString(), QStringLiteral("mn (LCoA 1)"));
        QCOMPARE(model.index(1, BindingModel::Owner).data().toString(), QStringLiteral("HA"));
        const QString before = model.index(0, BindingModel::LifetimeLeft).data().toString();
        model.show(view.analysis, names, TimePoint{10s});
        QVERIFY(model.index(0, BindingModel::LifetimeLeft).data().toString() != before);
        model.show(view.analysis, names, TimePoint{15s});
        QCOMPARE(model.index(0, BindingModel::CareOfAddress).data().toString(), QStringLiteral("mn (LCoA 2)"));
    }

    void identifiersHaveRowsAndLanesOfTheirOwn()
    {
        const auto address = [](const char* text) { return *Ipv6Address::parse(text); };
        auto a = std::make_shared<analysis::Analysis>();
        analysis::BindingInterval binding;
        binding.ownerAddress = address("2001:db8:200::1");
        binding.homeAddress = address("2001:db8:200::99");
        binding.lifetime = 600s;
        binding.from = TimePoint{2s};
        binding.bid = std::uint16_t{2};
        binding.careOfAddress = address("2001:db8:a2::99");
        binding.priority = 20;
        a->bindings.push_back(binding);
        binding.from = TimePoint{3s};
        binding.bid = std::uint16_t{1};
        binding.careOfAddress = binding.homeAddress;
        binding.homeLink = true;
        binding.priority = 0;
        binding.status = 5;
        a->bindings.push_back(binding);
        a->flowBindings.push_back({binding.ownerAddress, binding.homeAddress, 7, 1, {2}, "UDP, to port 5001", TimePoint{4s}, TimePoint{5s}, 3});
        analysis::Exchange exchange;
        exchange.peerAddress = binding.ownerAddress;
        exchange.homeAddress = binding.homeAddress;
        exchange.start = TimePoint{2900ms};
        a->exchanges.push_back(exchange);
        a->identifierAnswers.push_back({0, 1, 5, TimePoint{3s}, 1});
        a->identifierAnswers.push_back({0, 3, 167, TimePoint{3s}, 1});

        const Names names(nullptr, *a);
        BindingModel model;
        model.show(a, names, TimePoint{4500ms});
        QVERIFY(model.hasIdentifiers() && model.hasFlows());
        QCOMPARE(model.rowCount(), 3);
        // What was refused stands behind what was accepted.
        QVERIFY(!model.binding(2) && model.frameOf(2) == 1u);
        QCOMPARE(model.index(2, BindingModel::Identifier).data().toString(), QStringLiteral("3"));
        QVERIFY(model.index(2, BindingModel::State).data().toString().endsWith(QStringLiteral("(167)")));
        QVERIFY(model.index(2, BindingModel::State).data(Qt::ToolTipRole).toString().contains(QStringLiteral("RFC 5648")));
        QVERIFY(!model.index(3, BindingModel::State).data().isValid());
        QCOMPARE(model.index(0, BindingModel::Identifier).data().toString(), QStringLiteral("1"));
        QCOMPARE(model.index(0, BindingModel::CareOfAddress).data().toString(), QStringLiteral("home link"));
        QVERIFY(model.index(0, BindingModel::State).data().toString().contains(QStringLiteral("status 5")));
        QCOMPARE(model.index(1, BindingModel::Identifier).data().toString(), QStringLiteral("2, priority 20"));
        QCOMPARE(model.index(1, BindingModel::Flows).data().toString(), QStringLiteral("7: UDP, to port 5001"));
        model.show(a, names, TimePoint{6s});
        QCOMPARE(model.index(1, BindingModel::Flows).data().toString(), QString());

        const auto lanes = timelineLanes(*a, names, TimePoint{10s});
        QStringList titles;
        for (const TimelineLane& lane : lanes) titles << lane.title;
        // No lanes of bindings without identifiers where there are none.
        QCOMPARE(titles.mid(3).join(QStringLiteral("|")), QStringLiteral("HA BID 1|HA BID 2|HA BID 3"));
        QCOMPARE(lanes[3].bars.size(), std::size_t(2));
        QCOMPARE(lanes[5].bars.front().label, QStringLiteral("status 167"));
        QVERIFY2(lanes[5].bars.front().beside.startsWith(QStringLiteral("status 167, ")), "the bar is narrow");
        QVERIFY(lanes[5].bars.front().tone == Tone::Warning);

        // The next answer about an identifier ends what the last one said.
        auto answered = std::make_shared<analysis::Analysis>(*a);
        answered->identifierAnswers.push_back({0, 3, 0, TimePoint{7s}, 2});
        model.show(answered, names, TimePoint{6900ms});
        QCOMPARE(model.rowCount(), 3);
        model.show(answered, names, TimePoint{7s});
        QCOMPARE(model.rowCount(), 2);
    }

    void pathsComeAndGoInTheTableOfHandovers()
    {
        auto a = std::make_shared<analysis::Analysis>();
        analysis::Handover h;
        h.kind = analysis::HandoverKind::PathAdded;
        h.bid = std::uint16_t{2};
        h.toLink = "cell";
        a->handovers.push_back(h);
        h.kind = analysis::HandoverKind::PathRemoved;
        h.fromLink = "wlan";
        h.toLink.clear();
        a->handovers.push_back(h);
        HandoverModel model;
        model.show(a);
        QCOMPARE(model.index(0, HandoverModel::Number).data().toString(), QStringLiteral("1"));
        QCOMPARE(model.index(0, HandoverModel::Kind).data().toString(), QStringLiteral("path-added, BID 2"));
        QCOMPARE(model.index(0, HandoverModel::FromTo).data().toString(), QStringLiteral("→ cell"));
        QCOMPARE(model.index(1, HandoverModel::Kind).data().toString(), QStringLiteral("path-removed, BID 2"));
        QCOMPARE(model.index(1, HandoverModel::FromTo).data().toString(), QStringLiteral("wlan →"));
        QStringList sentences;
        for (int kind = 0; kind <= static_cast<int>(analysis::HandoverKind::PathSwitched); ++kind) {
            const QString sentence = kindTitle(static_cast<analysis::HandoverKind>(kind));
            QVERIFY(!sentence.isEmpty() && !sentences.contains(sentence));
            sentences << sentence;
        }
    }

    void networksStandBesideTheirMobileRouter()
    {
        auto a = std::make_shared<analysis::Analysis>();
        analysis::BindingInterval binding;
        binding.ownerAddress = address("2001:db8:200::1");
        binding.homeAddress = address("2001:db8:200::99");
        binding.lifetime = 600s;
        a->bindings.push_back(binding);
        const Names names(nullptr, *a);
        BindingModel model;
        model.show(a, names, TimePoint{1s});
        QVERIFY(!model.hasNetworks());
        const auto shown = [&](std::vector<Prefix> networks) {
            auto changed = std::make_shared<analysis::Analysis>(*a);
            changed->bindings[0].router = true;
            if (!networks.empty()) changed->networks[0] = std::move(networks);
            model.show(changed, names, TimePoint{1s});
            return model.index(0, BindingModel::Networks);
        };
        const Prefix one = *Prefix::parse("2001:db8:1f0::/64"), two = *Prefix::parse("2001:db8:2f0::/60");
        QCOMPARE(shown({one, two}).data().toString(), QStringLiteral("2001:db8:1f0::/64, 2001:db8:2f0::/60"));
        QVERIFY(model.hasNetworks());
        QCOMPARE(shown({}).data().toString(), QStringLiteral("known to %1").arg(names.node(binding.ownerAddress)));
        QVERIFY(shown({}).data(Qt::ToolTipRole).toString().contains(QStringLiteral("implicit")));
    }

    void flowsHaveARowForEachPath()
    {
        auto a = std::make_shared<analysis::Analysis>();
        analysis::Flow flow;
        flow.id = 1;
        flow.source = address("2001:db8:200::c");
        flow.destination = address("2001:db8:100::1:1");
        flow.lost = 3;
        flow.duplicated = 250;
        flow.reordered = 4;
        flow.probes = {{1, TimePoint{1s}, TimePoint{1s}, {}, 10, 1}, {2, TimePoint{2s}, TimePoint{2s}, {}, 20, 2}, {3, TimePoint{3s}, {}, {}, 30, 0}};
        flow.paths = {{true, false, address("2001:db8:a1::99"), std::uint16_t{1}, 1000, 2, 0, 1}, {false, false, flow.destination, std::nullopt, 7, 0, 6, 0}};
        a->flows = {flow, flow};
        a->flows[1].id = 5;
        a->flows[1].paths = {{true, true, address("2001:db8:a2::99"), std::uint16_t{2}, 5, 0, 0, 0}};
        a->flows[1].probes.pop_back();
        lab::Scenario scenario;
        scenario.traffic.resize(2);
        scenario.traffic[1].flow = "video";
        FlowModel model;
        const QAbstractItemModelTester tester(&model, fatal);
        model.show(a, Names(nullptr, *a), &scenario);
        const auto row = [&](int r) {
            QStringList out;
            for (int column = 0; column < FlowModel::ColumnCount; ++column) out << model.index(r, column).data().toString().trimmed();
            return out.join(QStringLiteral("|"));
        };
        QCOMPARE(model.rowCount(), 5);
        QCOMPARE(row(0), QStringLiteral("video|2001:db8:200::c → 2001:db8:100::1:1|all paths||3|3|250|4"));
        QCOMPARE(row(1), QStringLiteral("|to the mobile node|BID 1|2001:db8:a1::99|%1|2|0|1").arg(formatCount(1000)));
        QCOMPARE(row(2), QStringLiteral("|from the mobile node|home link|2001:db8:100::1:1|7|0|6|0"));
        QVERIFY2(row(3).startsWith(QStringLiteral("5|")), "a flow that the scenario does not name");
        QCOMPARE(row(4), QStringLiteral("|to its mobile router|BID 2|2001:db8:a2::99|5|0|0|0"));
        // A click leads to what went wrong: a lost probe, else one that came twice.
        QCOMPARE(model.frameOf(1), std::optional<analysis::FrameIndex>(30));
        QCOMPARE(model.frameOf(3), std::optional<analysis::FrameIndex>(20));
        QVERIFY(!model.frameOf(5) && !model.frameOf(-1));
        model.show(std::make_shared<const analysis::Analysis>(), Names(), nullptr);
        QCOMPARE(model.rowCount(), 0);
    }

    void handoversGrowWithTheRun()
    {
        auto session = played(5);
        HandoverModel model;
        const QAbstractItemModelTester tester(&model, fatal);
        model.show(session->view().analysis);
        QCOMPARE(model.rowCount(), 1);
        session->showUpTo(TimePoint{20s});
        model.show(session->view().analysis);
        QCOMPARE(model.rowCount(), 2);
        QCOMPARE(model.index(1, HandoverModel::Kind).data().toString(), QStringLiteral("intra-map"));
        QCOMPARE(model.index(1, HandoverModel::FromTo).data().toString(), QStringLiteral("w1 → w2"));
        QVERIFY(model.index(1, HandoverModel::Phases).data().toString().contains(QStringLiteral("T_DAD")));
        model.show(std::make_shared<const analysis::Analysis>());
        QCOMPARE(model.rowCount(), 0);
    }

    void lanesOfSeveralNodesNameThem()
    {
        auto scenario = capture::loadScenario(ROAMSCOPE_SOURCE_DIR "/resources/scenarios/bulk-registration.json");
        QVERIFY(scenario);
        const test::PlayedSession session(TimePoint{6s}, capture::Backend::Virtual, *scenario);
        QStringList titles;
        for (const TimelineLane& lane : timelineLanes(*session.view().analysis, Names(session.scenario(), *session.view().analysis), TimePoint{6s})) titles << lane.title;
        QCOMPARE(titles.mid(3).join(QStringLiteral("|")),
                 QStringLiteral("HA BID 1 · mn1|HA BID 2 · mn1|HA BID 3 · mn1|HA BID 1 · mn2|HA BID 2 · mn2|HA BID 3 · mn2"));
    }

    void timelineHasBarsAndFiniteSortedProbes()
    {
        const auto session = played(20);
        const capture::View view = session->view();
        const Names names(session->scenario(), *view.analysis);
        const auto lanes = timelineLanes(*view.analysis, names, view.trace.end());
        QCOMPARE(lanes.size(), std::size_t(5));
        QCOMPARE(lanes[0].bars.size(), std::size_t(2));
        QCOMPARE(lanes[3].bars.size(), std::size_t(2));
        QCOMPARE(lanes[4].bars.size(), std::size_t(1));
        for (const TimelineLane& lane : lanes)
            for (const TimelineBar& bar : lane.bars) QVERIFY(bar.start <= bar.end);
        for (const std::size_t buckets : {std::size_t(10), std::size_t(1000)}) {
            const ProbePoints points = probePoints(*view.analysis, TimePoint{}, TimePoint{20s}, TimePoint{19s}, buckets);
            QVERIFY(points.deliveredAt.size() > buckets / 2);
            QVERIFY(points.deliveredAt.size() <= 2 * buckets + 2);
            QVERIFY(!points.lostAt.empty());
            QVERIFY(std::is_sorted(points.deliveredAt.begin(), points.deliveredAt.end()));
            for (const double delay : points.delayMs) QVERIFY(std::isfinite(delay) && delay > 0);
        }
        // Before the mobile node is known nothing is said about probes: they were seen where they were sent, no further.
        const capture::View early = played(0.8)->view();
        QVERIFY(!early.analysis->flows.empty());
        const ProbePoints unknown = probePoints(*early.analysis, TimePoint{}, TimePoint{800ms}, TimePoint{300ms}, 1000);
        QVERIFY(unknown.deliveredAt.empty());
        // In the gap every probe is lost.
        const auto gaps = timelineGaps(*view.analysis);
        QCOMPARE(gaps.size(), std::size_t(1));
        const ProbePoints inside = probePoints(*view.analysis, gaps[0].start + 100ms, gaps[0].end - 100ms, TimePoint{19s}, 1000);
        QVERIFY(inside.lostAt.size() > 20);
        QVERIFY(inside.deliveredAt.empty());
    }

    void aFileShowsItsFirstFrameAndALabItsLast()
    {
        Workspace workspace;
        auto file = played(5);
        file->becomeFile();
        workspace.setSession(std::move(file));
        QCOMPARE(workspace.cursor().frame(), std::optional<std::size_t>(0));
        workspace.goToTime(TimePoint{3s});
        const std::size_t at = *workspace.cursor().frame();
        QVERIFY(workspace.view().trace.frame(at).time <= TimePoint{3s});
        QVERIFY(workspace.view().trace.frame(at + 1).time > TimePoint{3s});
        workspace.setSession(played(5));
        QVERIFY(workspace.cursor().following());
        QCOMPARE(workspace.cursor().time(), TimePoint{5s});
        QCOMPARE(workspace.cursor().frame(), std::optional(workspace.view().trace.size() - 1));
        workspace.setSession(nullptr);
        QVERIFY(!workspace.cursor().frame());
    }
};

QTEST_MAIN(TestModels)
#include "test_models.moc"
