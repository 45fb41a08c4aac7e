// SPDX-License-Identifier: GPL-3.0-or-later
// The window offscreen, by real clicks, keys and drops.
#include "capture/io/key_file.hpp"
#include "capture/io/scenario_file.hpp"
#include "tests/ui/played_session.hpp"
#include "ui/model/format.hpp"
#include "ui/view/main_window.hpp"

#include <QDropEvent>
#include <QFile>
#include <QMimeData>
#include <QScrollBar>
#include <QSettings>
#include <QStandardPaths>
#include <QTabWidget>
#include <QTemporaryDir>
#include <QTest>
#include <qcustomplot.h>

using namespace roamscope;
using namespace roamscope::ui;

namespace {

Services realServices()
{
    return {[](const std::string& path, bool follow) { return capture::openCapture(path, follow); }, [](capture::LabOptions lab) { return capture::startLab(std::move(lab)); },
            [](const std::string& path) { return capture::loadScenario(path); }, [](const std::string& path) { return capture::loadKeys(path); },
            QStringLiteral(ROAMSCOPE_SOURCE_DIR "/resources/scenarios/intra-map-handover.json")};
}

bool isAck(const wire::DecodedFrame& frame) { return frame.as<wire::BindingAck>() != nullptr; }

}  // namespace

class TestWindow : public QObject {
    Q_OBJECT

private:
    std::unique_ptr<MainWindow> window_;
    test::PlayedSession* session_ = nullptr;
    std::shared_ptr<QStringList> asked_;
    QTemporaryDir folder_;

    void open(Services services = realServices())
    {
        window_ = std::make_unique<MainWindow>(std::move(services));
        window_->show();
        QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
        window_->activateWindow();
    }
    void play(double seconds, capture::Backend backend = capture::Backend::Virtual)
    {
        open();
        auto session = std::make_unique<test::PlayedSession>(atNanoseconds(static_cast<std::int64_t>(seconds * 1e9)), backend);
        session_ = session.get();
        asked_ = session->asked;
        window_->setSession(std::move(session), QStringLiteral("test"));
        QTest::qWait(150);
    }
    QString savedCapture(const QString& name)
    {
        const QString path = folder_.filePath(name);
        auto lab = capture::startLab({.scenario = test::sampleScenario(), .seed = {}, .backend = capture::Backend::Virtual, .until = 5s, .speed = 0, .startPaused = false, .writePath = {}});
        if (!lab) qFatal("%s", lab.error().text.c_str());
        if (!QTest::qWaitFor([&] { return (*lab)->view().complete; }, 20000)) qFatal("the lab does not end");
        if (auto saved = (*lab)->save(path.toStdString()); !saved) qFatal("%s", saved.error().text.c_str());
        return path;
    }

private slots:
    void initTestCase()
    {
        QStandardPaths::setTestModeEnabled(true);
        QCoreApplication::setOrganizationName(QStringLiteral("roamscope-test"));
        QCoreApplication::setApplicationName(QStringLiteral("window"));
        QSettings().clear();
    }
    void cleanup() { window_.reset(); }

    void clickingAPacketMovesEveryView()
    {
        play(20);
        const auto ack = test::findFrame(window_->workspace().view(), isAck);
        QVERIFY(ack);
        window_->packets()->scrollToRow(*ack);
        const QRect row = window_->packets()->rowRect(*ack);
        QVERIFY(!row.isEmpty());
        QTest::mouseClick(window_->packets()->viewport(), Qt::LeftButton, {}, row.center());
        QCOMPARE(window_->workspace().cursor().frame(), ack);
        const TimePoint time = window_->workspace().view().trace.frame(*ack).time;
        QCOMPARE(window_->workspace().cursor().time(), time);
        QVERIFY(!window_->workspace().cursor().following());
        QVERIFY(window_->runBar()->timeText().contains(formatTime(time)));
        QVERIFY(window_->framePane()->model().rowCount() > 2);
        QCOMPARE(window_->bindings()->model()->rowCount(), 1);  // the MAP's, from this very frame on
        QCOMPARE(window_->topology()->state().tunnels.size(), std::size_t(1));
        QTest::keyClick(window_->packets(), Qt::Key_Down);
        QCOMPARE(window_->workspace().cursor().frame(), std::optional(*ack + 1));
        QTest::keyClick(window_->packets(), Qt::Key_End);
        QCOMPARE(window_->workspace().cursor().frame(), std::optional(window_->workspace().view().trace.size() - 1));
        QTest::keyClick(window_->packets(), Qt::Key_Home);
        QCOMPARE(window_->workspace().cursor().frame(), std::optional<std::size_t>(0));
        QCOMPARE(window_->packets()->firstRow(), std::size_t(0));
    }

    void aScenarioShowsItsLesson()
    {
        const auto scenario = capture::loadScenario(ROAMSCOPE_SOURCE_DIR "/resources/scenarios/mobile-router-with-two-uplinks.json");
        QVERIFY(scenario);
        open();
        const auto* tabs = window_->findChild<QTabWidget*>();
        const int lesson = tabs->indexOf(window_->lesson());
        QVERIFY2(!tabs->isTabVisible(lesson), "nothing runs yet");
        window_->setSession(std::make_unique<test::PlayedSession>(TimePoint{20s}, capture::Backend::Virtual, *scenario), QStringLiteral("test"));
        QTest::qWait(150);
        QVERIFY(tabs->isTabVisible(lesson));
        QVERIFY(window_->lesson()->toPlainText().contains(QString::fromStdString(scenario->goal)));
        // The widest table: identifiers and networks; all of it is seen at the usual size.
        QCOMPARE(window_->bindings()->model()->rowCount(), 1);
        QCOMPARE(window_->bindings()->horizontalScrollBar()->maximum(), 0);
        auto file = std::make_unique<test::PlayedSession>(TimePoint{20s}, capture::Backend::Virtual, *scenario);
        file->becomeFile();
        window_->setSession(std::move(file), QStringLiteral("test"));
        QTest::qWait(150);
        QVERIFY2(!tabs->isTabVisible(lesson), "a capture teaches nothing by itself");
    }

    void treeAndOctetsAreLinkedBothWays()
    {
        play(20);
        window_->workspace().goToFrame(*test::findFrame(window_->workspace().view(), isAck));
        FramePane* pane = window_->framePane();
        QTest::mouseClick(pane->bytes()->viewport(), Qt::LeftButton, {}, pane->bytes()->octetRect(7).center());
        const QModelIndex source = pane->tree()->currentIndex();
        QVERIFY(source.isValid());
        QCOMPARE(pane->model().node(source)->field, wire::FieldId::EthernetSource);
        QCOMPARE(pane->bytes()->markedOffset(), std::size_t(6));
        QCOMPARE(pane->bytes()->markedLength(), std::size_t(6));
        QVERIFY(pane->explanation()->text().contains(QStringLiteral("RFC 2464")));
        // And from the tree to the octets.
        const QModelIndex last = pane->model().index(pane->model().rowCount() - 1, 0);
        pane->tree()->scrollTo(last);
        QTest::mouseClick(pane->tree()->viewport(), Qt::LeftButton, {}, pane->tree()->visualRect(last).center());
        QCOMPARE(pane->bytes()->markedOffset(), pane->model().rangeOf(last).offset);
        QCOMPARE(pane->bytes()->markedLength(), pane->model().rangeOf(last).length);
        QTest::keyClick(pane->bytes(), Qt::Key_Home);
        QCOMPARE(pane->bytes()->markedOffset(), std::size_t(0));
    }

    void clickingTheTimelineMovesListAndBindings()
    {
        play(20);
        TimelineView* timeline = window_->timeline();
        const auto click = [&](TimePoint t) {
            const QPoint place(static_cast<int>(timeline->xOf(t)), timeline->plot()->height() / 3);
            QTest::mouseClick(timeline->plot(), Qt::LeftButton, {}, place);
        };
        click(TimePoint{15s});
        const double width = (timeline->rightEdge() - timeline->leftEdge()) / timeline->plot()->width();
        QVERIFY(std::abs(toSeconds(window_->workspace().cursor().time()) - 15) < 3 * width);
        const std::size_t frame = *window_->workspace().cursor().frame();
        QVERIFY(!window_->packets()->rowRect(frame).isEmpty());
        QCOMPARE(window_->bindings()->model()->rowCount(), 2);
        QCOMPARE(window_->bindings()->model()->index(0, BindingModel::CareOfAddress).data().toString(), QStringLiteral("mn (LCoA 2)"));
        click(TimePoint{1s});
        QCOMPARE(window_->bindings()->model()->rowCount(), 0);
        QVERIFY(window_->bindings()->emptyText().contains(QStringLiteral("No binding is alive")));
    }

    void clickingAFlowLeadsToItsFirstLostProbe()
    {
        play(20);
        FlowsView* flows = window_->flows();
        auto* tabs = qobject_cast<QTabWidget*>(flows->parentWidget()->parentWidget());
        QVERIFY(tabs && tabs->tabText(tabs->indexOf(flows)).contains(QStringLiteral("(1)")));
        tabs->setCurrentWidget(flows);
        QVERIFY2(flows->model()->rowCount() >= 3, "the flow, and a path on each of two links");
        QCOMPARE(flows->model()->index(0, FlowModel::FromTo).data().toString(), QStringLiteral("cn → mn"));
        const auto& flow = window_->workspace().analysis().flows.at(0);
        QVERIFY(flow.lost > 0);
        QTest::mouseClick(flows->viewport(), Qt::LeftButton, {}, flows->visualRect(flows->model()->index(0, FlowModel::Lost)).center());
        const auto lost = std::find_if(flow.probes.begin(), flow.probes.end(), [](const analysis::ProbeSample& p) { return p.copies == 0; });
        QCOMPARE(window_->workspace().cursor().frame(), std::optional<std::size_t>(lost->frame));
    }

    void timelineZoomsToHandoversAndBack()
    {
        play(20);
        TimelineView* timeline = window_->timeline();
        const double whole = timeline->rightEdge() - timeline->leftEdge();
        QTest::keyClick(window_.get(), Qt::Key_H);
        QTest::keyClick(window_.get(), Qt::Key_H, Qt::ShiftModifier);
        const auto& handovers = window_->workspace().analysis().handovers;
        QCOMPARE(window_->workspace().cursor().time(), handovers[0].start);
        QTest::keyClick(window_.get(), Qt::Key_H);
        QCOMPARE(window_->workspace().cursor().time(), handovers[1].start);
        QVERIFY(timeline->rightEdge() - timeline->leftEdge() < whole / 4);
        QVERIFY(timeline->leftEdge() < toSeconds(handovers[1].start) && toSeconds(*handovers[1].end) < timeline->rightEdge());
        QTest::keyClick(window_.get(), Qt::Key_0, Qt::ControlModifier);
        QCOMPARE(timeline->rightEdge() - timeline->leftEdge(), whole);
        // Dragging moves the picture and leaves the cursor alone.
        timeline->zoom(4);
        const TimePoint cursor = window_->workspace().cursor().time();
        const double left = timeline->leftEdge();
        const QPoint middle = timeline->plot()->rect().center();
        QTest::mousePress(timeline->plot(), Qt::LeftButton, {}, middle);
        QTest::mouseMove(timeline->plot(), middle - QPoint(60, 0));
        QTest::mouseMove(timeline->plot(), middle - QPoint(120, 0));
        QTest::mouseRelease(timeline->plot(), Qt::LeftButton, {}, middle - QPoint(120, 0));
        QVERIFY(timeline->leftEdge() > left);
        QCOMPARE(window_->workspace().cursor().time(), cursor);
    }

    void aHandoverRowJumpsThere()
    {
        play(20);
        HandoversView* table = window_->handovers();
        qobject_cast<QTabWidget*>(table->parentWidget()->parentWidget())->setCurrentWidget(table);
        QTest::mouseClick(table->viewport(), Qt::LeftButton, {}, table->visualRect(table->model()->index(1, 0)).center());
        QCOMPARE(window_->workspace().cursor().time(), window_->workspace().analysis().handovers[1].start);
    }

    void theListStaysAtTheEndUntilSomeoneScrollsAway()
    {
        play(3);
        PacketList* list = window_->packets();
        const auto atEnd = [&] { return list->verticalScrollBar()->value() == list->verticalScrollBar()->maximum(); };
        session_->mutableStatus().state = capture::RunState::Running;
        session_->showUpTo(TimePoint{5s});
        window_->workspace().poll();
        QVERIFY(atEnd());
        list->verticalScrollBar()->triggerAction(QAbstractSlider::SliderPageStepSub);
        const std::size_t first = list->firstRow();
        session_->showUpTo(TimePoint{7s});
        window_->workspace().poll();
        QCOMPARE(list->firstRow(), first);
        QVERIFY(window_->workspace().cursor().following());
        QCOMPARE(window_->workspace().cursor().time(), TimePoint{7s});
        list->verticalScrollBar()->triggerAction(QAbstractSlider::SliderToMaximum);
        session_->showUpTo(TimePoint{9s});
        window_->workspace().poll();
        QVERIFY(atEnd());
    }

    void runBarDrivesTheLab()
    {
        play(1);
        window_->packets()->setFocus();
        QTest::keyClick(window_->packets(), Qt::Key_Space);
        QTest::keyClick(window_->packets(), Qt::Key_Space);
        QTest::keyClick(window_->packets(), Qt::Key_S);
        QTest::keyClick(window_->packets(), Qt::Key_BracketRight);
        QCOMPARE(*asked_, QStringList({QStringLiteral("run"), QStringLiteral("pause"), QStringLiteral("step"), QStringLiteral("speed 2")}));
    }

    void tapCannotBePausedAndSaysWhy()
    {
        play(1, capture::Backend::Tap);
        RunBar* bar = window_->runBar();
        QVERIFY(!bar->runAction()->isEnabled());
        QVERIFY(!bar->stepAction()->isEnabled());
        QVERIFY(!bar->speedChoice()->isEnabled());
        QVERIFY(bar->runAction()->toolTip().contains(QStringLiteral("wall clock")));
        QVERIFY(bar->latenessText().isEmpty());
        session_->mutableStatus().latenessNow = 7ms;
        session_->mutableStatus().latenessMax = 9ms;
        session_->mutableStatus().lateEvents = 2;
        window_->workspace().poll();
        QVERIFY(bar->latenessText().contains(QStringLiteral("7.0 ms")));
    }

    void barredTapOffersVirtualLinks()
    {
        Services services = realServices();
        services.startLab = [](capture::LabOptions options) -> Result<std::unique_ptr<capture::Session>> {
            if (options.backend == capture::Backend::Tap) return fail(ErrorCode::Permission, 0, "open(/dev/net/tun): not permitted. Allow it with …");
            return std::make_unique<test::PlayedSession>(TimePoint{1s});
        };
        open(services);
        QVERIFY(!window_->openScenario(services.samplePath, true, capture::Backend::Tap));
        QVERIFY(window_->banner()->isVisible());
        QVERIFY(window_->banner()->text().contains(QStringLiteral("/dev/net/tun")));
        QTest::mouseClick(window_->banner()->actionButton(), Qt::LeftButton);
        QVERIFY(!window_->banner()->isVisible());
        QVERIFY(window_->workspace().lab());
        QCOMPARE(window_->runBar()->backend(), capture::Backend::Virtual);
    }

    void aBrokenFileKeepsWhatWasRead()
    {
        const QString path = savedCapture(QStringLiteral("broken.pcapng"));
        QFile file(path);
        QVERIFY(file.open(QIODevice::ReadWrite));
        QVERIFY(file.resize(file.size() * 2 / 3 + 1));
        file.close();
        open();
        QVERIFY(window_->openPath(path));
        QTRY_VERIFY(window_->workspace().view().complete);
        QTRY_VERIFY(window_->banner()->isVisible());
        QVERIFY(window_->workspace().view().trace.size() > 100);
        QVERIFY(window_->banner()->text().contains(QStringLiteral("octet")));
        // What is no capture at all is refused, and what was open stays.
        const std::size_t frames = window_->workspace().view().trace.size();
        QVERIFY(!window_->openPath(QStringLiteral(ROAMSCOPE_SOURCE_DIR "/LICENSE")));
        QVERIFY(window_->banner()->title().contains(QStringLiteral("LICENSE")));
        QCOMPARE(window_->workspace().view().trace.size(), frames);
    }

    void aDroppedFileIsOpened()
    {
        const QString path = savedCapture(QStringLiteral("dropped.pcapng"));
        open();
        QMimeData data;
        data.setUrls({QUrl::fromLocalFile(path)});
        QDragEnterEvent enter(QPoint(200, 200), Qt::CopyAction, &data, Qt::LeftButton, {});
        QApplication::sendEvent(window_.get(), &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent drop(QPointF(200, 200), Qt::CopyAction, &data, Qt::LeftButton, {});
        QApplication::sendEvent(window_.get(), &drop);
        QTRY_VERIFY(window_->workspace().view().complete);
        QVERIFY(window_->workspace().view().trace.size() > 500);
        QCOMPARE(window_->workspace().cursor().frame(), std::optional<std::size_t>(0));
        QVERIFY(!window_->workspace().lab());
        QVERIFY(window_->topology()->topology().nodes.size() >= 4);  // inferred
        QVERIFY(!window_->banner()->isVisible());
    }

    void theRealLabRunsInTheWindow()
    {
        open();
        window_->runBar()->speedChoice()->setCurrentIndex(window_->runBar()->speedChoice()->count() - 1);  // max
        QVERIFY(window_->openScenario(realServices().samplePath, false, capture::Backend::Virtual));
        QTRY_VERIFY(window_->workspace().status());
        QCOMPARE(window_->workspace().status()->state, capture::RunState::Paused);
        // Step stops at signalling: what it stopped at is shown.
        QTest::keyClick(window_.get(), Qt::Key_S);
        QTRY_VERIFY(window_->workspace().cursor().frame());
        QVERIFY(window_->framePane()->model().rowCount() > 0);
        QTest::keyClick(window_.get(), Qt::Key_Space);
        QTRY_VERIFY_WITH_TIMEOUT(window_->workspace().view().complete, 20000);
        QTRY_COMPARE(window_->workspace().status()->state, capture::RunState::Ended);
        QCOMPARE(window_->handovers()->model()->rowCount(), 2);
        QCOMPARE(window_->bindings()->model()->rowCount(), 2);
        QVERIFY(!window_->banner()->isVisible());
        QVERIFY(window_->runBar()->restartAction()->isEnabled());
        window_->runBar()->restartAction()->trigger();
        QTRY_VERIFY_WITH_TIMEOUT(window_->workspace().view().complete, 20000);
        QCOMPARE(window_->handovers()->model()->rowCount(), 2);
    }
};

QTEST_MAIN(TestWindow)
#include "test_window.moc"
