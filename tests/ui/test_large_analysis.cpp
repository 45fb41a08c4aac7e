// SPDX-License-Identifier: GPL-3.0-or-later
// What is made of a large analysis is made beside the window: it shows the names and the analysis that they belong to together.
#include "tests/ui/told_session.hpp"
#include "ui/model/background.hpp"
#include "ui/model/workspace.hpp"
#include "ui/view/timeline_view.hpp"

#include <QTest>
#include <qcustomplot.h>

using namespace roamscope;
using namespace roamscope::ui;

namespace {

Ipv6Address numbered(std::uint8_t kind, std::uint32_t number)
{
    Ipv6Address address = *Ipv6Address::parse("2001:db8::");
    address.octets[7] = kind;
    for (std::size_t i = 0; i < 4; ++i) address.octets[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
    return address;
}

/// `count` mobile nodes, one registration each, a second after the other.
std::shared_ptr<const analysis::Analysis> registrations(std::uint32_t count)
{
    auto made = std::make_shared<analysis::Analysis>();
    made->frames = count;
    for (std::uint32_t i = 0; i < count; ++i) {
        analysis::BindingInterval binding;
        binding.ownerAddress = numbered(9, 1);
        binding.homeAddress = numbered(1, i + 1);
        binding.careOfAddress = numbered(2, i + 1);
        binding.from = TimePoint{std::chrono::seconds(i)};
        binding.to = binding.from + std::chrono::minutes(1);
        made->bindings.push_back(binding);
        analysis::NodeInfo node;
        node.role = analysis::Role::MobileNode;
        node.addresses = {binding.homeAddress, binding.careOfAddress};
        made->nodes.push_back(node);
    }
    return made;
}

capture::View viewOf(std::shared_ptr<const analysis::Analysis> analysis)
{
    capture::View view;
    view.analysis = std::move(analysis);
    view.summary = std::make_shared<const capture::IndexSummary>();
    view.indexed = view.complete = true;
    view.revision = 1;
    return view;
}

}  // namespace

class TestLargeAnalysis : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void namesAndAnalysisComeTogether()
    {
        const auto large = registrations(3000);
        QVERIFY(isLarge(*large));
        Workspace workspace;
        workspace.setSession(std::make_unique<test::ToldSession>(viewOf(large)));
        QVERIFY(!workspace.view().complete);  // until they are there
        QCOMPARE(workspace.analysis().bindings.size(), std::size_t{0});
        QTRY_VERIFY(workspace.view().complete);
        QCOMPARE(workspace.view().analysis, large);
        QCOMPARE(workspace.names().of(numbered(1, 7)), QStringLiteral("MN 7 (HoA)"));
        QCOMPARE(workspace.names().of(numbered(2, 3000)), QStringLiteral("MN 3000 (CoA)"));
    }

    void theNewestIsShownInTheEnd()
    {
        auto session = std::make_unique<test::ToldSession>(viewOf(registrations(2500)));
        test::ToldSession* told = session.get();
        Workspace workspace;
        workspace.setSession(std::move(session));
        const auto newest = registrations(2600);
        told->change([&](capture::View& view) { view.analysis = newest; });
        workspace.poll();
        QTRY_COMPARE(workspace.view().analysis, newest);
        QTRY_VERIFY(workspace.view().complete);
        QCOMPARE(workspace.names().of(numbered(1, 2600)), QStringLiteral("MN 2600 (HoA)"));
    }

    void aSessionThatIsGoneShowsNothing()
    {
        Workspace workspace;
        workspace.setSession(std::make_unique<test::ToldSession>(viewOf(registrations(3000))));
        workspace.setSession(nullptr);
        QThreadPool::globalInstance()->waitForDone();
        QCoreApplication::processEvents();
        QCOMPARE(workspace.analysis().bindings.size(), std::size_t{0});
        QCOMPARE(workspace.names().of(numbered(1, 7)), QString::fromStdString(numbered(1, 7).text()));
    }

    void theTimelineHasItsLanes()
    {
        Workspace workspace;
        TimelineView timeline(workspace);
        workspace.setSession(std::make_unique<test::ToldSession>(viewOf(registrations(3000))));
        const auto bars = [&] {
            std::size_t count = 0;
            for (const TimelineLane& lane : timeline.lanes()) count += lane.bars.size();
            return count;
        };
        QTRY_COMPARE(bars(), std::size_t{3000});
        workspace.setSession(nullptr);
        QCOMPARE(bars(), std::size_t{0});
    }

    void onlyAsManyLanesAsCanBeRead()
    {
        auto many = std::make_shared<analysis::Analysis>();
        for (std::uint16_t bid = 1; bid <= 20; ++bid) {
            analysis::BindingInterval binding;
            binding.ownerAddress = numbered(9, 1);
            binding.homeAddress = numbered(1, 1);
            binding.careOfAddress = numbered(2, bid);
            binding.bid = bid;
            many->bindings.push_back(binding);
        }
        Workspace workspace;
        TimelineView timeline(workspace);
        timeline.resize(600, 300);
        timeline.show();
        workspace.setSession(std::make_unique<test::ToldSession>(viewOf(many)));
        QTRY_VERIFY(timeline.lanes().size() >= 20);
        const double all = static_cast<double>(timeline.lanes().size());
        QCPAxis* axis = timeline.plot()->axisRect(0)->axis(QCPAxis::atLeft);
        timeline.plot()->replot();
        const double few = axis->range().size();
        QVERIFY2(few >= 3 && few < all, qPrintable(QString::number(few)));
        QVERIFY(timeline.plot()->axisRect(0)->rangeDrag().testFlag(Qt::Vertical));
        axis->setRange(5.3, 5.3 + few);
        QCOMPARE(axis->range().lower, 5.0);  // whole lanes
        axis->setRange(100, 100 + few);
        QCOMPARE(axis->range().upper, all);
        timeline.resize(600, 1400);
        timeline.plot()->replot();
        QCOMPARE(axis->range().lower, 0.0);
        QCOMPARE(axis->range().upper, all);
        QVERIFY(!timeline.plot()->axisRect(0)->rangeDrag().testFlag(Qt::Vertical));
    }

    void ofBarsInOneColumnOnlyTheLongestIsDrawn()
    {
        const auto bar = [](int from, int to) {
            TimelineBar made;
            made.start = TimePoint{std::chrono::milliseconds(from)};
            made.end = TimePoint{std::chrono::milliseconds(to)};
            return made;
        };
        const std::vector<TimelineBar> bars{bar(-50, -1), bar(-50, 20), bar(0, 5), bar(3, 900), bar(8, 12), bar(10, 11), bar(990, 995), bar(1001, 1002)};
        // One second on a hundred columns: 10 ms each. The first is over before the picture begins, the last starts behind it.
        const auto visible = visibleBars(bars, 0, 1, 100);
        QCOMPARE(visible.size(), std::size_t{3});
        QCOMPARE(visible[0], &bars[3]);
        QCOMPARE(visible[1], &bars[5]);
        QCOMPARE(visible[2], &bars[6]);
        QCOMPARE(visibleBars(bars, 0, 0.01, 1000).size(), std::size_t{4});
        QVERIFY(visibleBars({}, 0, 1, 100).empty());
    }
};

QTEST_MAIN(TestLargeAnalysis)
#include "test_large_analysis.moc"
