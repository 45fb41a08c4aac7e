// SPDX-License-Identifier: GPL-3.0-or-later
// The filter line by real keys: typing with proposals, states, errors and repairs, the list that shows what is chosen, filters
// from a field of the tree.
#include "tests/ui/played_session.hpp"
#include "ui/model/theme.hpp"
#include "ui/view/main_window.hpp"

#include <QApplication>
#include <QClipboard>
#include <QMenu>
#include <QScreen>
#include <QSettings>
#include <QStandardPaths>
#include <QTest>

using namespace roamscope;
using namespace roamscope::ui;

namespace {

bool isUpdate(const wire::DecodedFrame& frame) { return frame.as<wire::BindingUpdate>() != nullptr; }

}  // namespace

class TestFilterBar : public QObject {
    Q_OBJECT

    std::unique_ptr<MainWindow> window_;

    void type(const QString& text)
    {
        for (const QChar c : text) QTest::keyClick(bar()->edit(), c.toLatin1());
    }
    void press(Qt::Key key, Qt::KeyboardModifiers modifiers = {}) { QTest::keyClick(bar()->edit(), key, modifiers); }
    FilterBar* bar() const { return window_->filterBar(); }
    QTreeView* proposals() const { return bar()->edit()->proposals(); }
    QString proposal(int row, int column = 0) const { return proposals()->model()->index(row, column).data().toString(); }
    bool settled() const
    {
        return QTest::qWaitFor([&] { return !window_->filter().running(); }, 10'000);
    }
    std::size_t all() const { return window_->workspace().view().trace.size(); }
    void choose(const QString& text)
    {
        QTest::keyClick(window_.get(), Qt::Key_F, Qt::ControlModifier);
        QTest::keyClick(bar()->edit(), Qt::Key_Delete);
        type(text);
        closeProposals();
        press(Qt::Key_Return);
        QVERIFY(settled());
    }
    /// Without proposals Esc would leave the field.
    void closeProposals()
    {
        if (proposals()->isVisible()) press(Qt::Key_Escape);
        QVERIFY(!proposals()->isVisible());
    }
    /// The current field of the tree becomes the one with this id.
    void pick(wire::FieldId id)
    {
        DissectionModel& model = window_->framePane()->model();
        QList<QModelIndex> todo{QModelIndex()};
        while (!todo.isEmpty()) {
            const QModelIndex at = todo.takeFirst();
            if (at.isValid() && model.node(at)->field == id) return window_->framePane()->tree()->setCurrentIndex(at);
            for (int row = 0; row < model.rowCount(at); ++row) todo << model.index(row, 0, at);
        }
        QFAIL("no such field in the frame");
    }

private slots:
    void initTestCase()
    {
        QStandardPaths::setTestModeEnabled(true);
        QCoreApplication::setOrganizationName(QStringLiteral("roamscope-test"));
        QCoreApplication::setApplicationName(QStringLiteral("filter"));
        QApplication::setStyle(QStringLiteral("Fusion"));
    }
    void init()
    {
        QSettings().clear();
        window_ = std::make_unique<MainWindow>(Services{});
        window_->show();
        QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
        window_->activateWindow();
        window_->setSession(std::make_unique<test::PlayedSession>(TimePoint{20s}), QStringLiteral("test"));
        QTest::qWait(100);
        QVERIFY(all() > 50);
    }
    void cleanup() { window_.reset(); }

    void slashOrControlFReachTheFieldAndEscapeLeavesIt()
    {
        window_->packets()->setFocus();
        QTest::keyClick(window_->packets(), Qt::Key_Slash);
        QTRY_COMPARE(QApplication::focusWidget(), bar()->edit());
        press(Qt::Key_Escape);
        QCOMPARE(QApplication::focusWidget(), window_->packets());
        QTest::keyClick(window_->packets(), Qt::Key_F, Qt::ControlModifier);
        QTRY_COMPARE(QApplication::focusWidget(), bar()->edit());
        type("a/b c");  // these keys are shortcuts elsewhere
        QCOMPARE(bar()->edit()->text(), QString("a/b c"));
        press(Qt::Key_Escape);
        QVERIFY(bar()->edit()->text().isEmpty());
    }

    void anAppliedFilterLeavesMatchingRows()
    {
        choose("mip6.mhtype == BU");
        PacketList* list = window_->packets();
        QVERIFY(list->rows() > 0);
        QVERIFY(list->rows() < all());
        for (std::size_t row = 0; row < list->rows(); ++row) QVERIFY2(list->rowText(row).contains("BU"), qPrintable(list->rowText(row)));
        QVERIFY(bar()->count()->text().startsWith(QString::number(list->rows()) + " / "));
        QCOMPARE(bar()->state()->text(), QString("✓"));
        // Keys and clicks select frames, not rows.
        QTest::keyClick(list, Qt::Key_Home);
        QCOMPARE(window_->workspace().cursor().frame(), std::optional(list->frameAt(0)));
        QTest::keyClick(list, Qt::Key_Down);
        QCOMPARE(window_->workspace().cursor().frame(), std::optional(list->frameAt(1)));
        QTest::mouseClick(list->viewport(), Qt::LeftButton, {}, list->rowRect(0).center());
        QCOMPARE(window_->workspace().cursor().frame(), std::optional(list->frameAt(0)));
        QTest::mouseClick(bar()->clearButton(), Qt::LeftButton);
        QCOMPARE(list->rows(), all());
        QVERIFY(bar()->edit()->text().isEmpty());
        QVERIFY(bar()->count()->text().isEmpty());
    }

    void aSelectedFrameStaysSelectedWhenItIsLeftOut()
    {
        window_->workspace().goToFrame(1);
        choose("mip6.mhtype == BU");
        QCOMPARE(window_->workspace().cursor().frame(), std::optional<std::size_t>(1));
        PacketList* list = window_->packets();
        QVERIFY(list->frameAt(0) > 1);
        QTest::keyClick(list, Qt::Key_Down);
        QCOMPARE(window_->workspace().cursor().frame(), std::optional(list->frameAt(0)));
    }

    void aFilterThatChoosesNothingOffersTheWayBack()
    {
        choose("mip6.mhtype == 200");
        PacketList* list = window_->packets();
        QCOMPARE(list->rows(), std::size_t{0});
        QVERIFY(list->clearButton()->isVisible());
        QTest::keyClick(list, Qt::Key_Down);  // nothing to select, nothing happens
        QTest::mouseClick(list->clearButton(), Qt::LeftButton);
        QCOMPARE(list->rows(), all());
        QVERIFY(!list->clearButton()->isVisible());
        QVERIFY(bar()->edit()->text().isEmpty());
    }

    void errorsHaveAPlaceAndARepair()
    {
        QTest::keyClick(window_.get(), Qt::Key_F, Qt::ControlModifier);
        type("ipv6 && mip6.bu.m_flg == 1");
        closeProposals();
        QCOMPARE(window_->filter().state(), FilterModel::State::Invalid);
        QCOMPARE(bar()->state()->text(), QString("✖"));
        QVERIFY(bar()->problem()->isVisible());
        QVERIFY2(bar()->problem()->text().startsWith("At character 9: "), qPrintable(bar()->problem()->text()));
        press(Qt::Key_Return);  // what is wrong is not applied
        QCOMPARE(window_->packets()->rows(), all());
        QTest::mouseClick(bar()->suggestion(), Qt::LeftButton);
        QCOMPARE(bar()->edit()->text(), QString("ipv6 && mip6.bu.m_flag == 1"));
        QCOMPARE(window_->filter().state(), FilterModel::State::Valid);
        QVERIFY(!bar()->problem()->isVisible());
    }

    void proposalsAreTakenByKeys()
    {
        QTest::keyClick(window_.get(), Qt::Key_F, Qt::ControlModifier);
        type("mip6.mhty");
        QVERIFY(proposals()->isVisible());
        QCOMPARE(proposal(0), QString("mip6.mhtype"));
        QVERIFY(proposal(0, 1).startsWith("a number: "));
        press(Qt::Key_Tab);
        QCOMPARE(bar()->edit()->text(), QString("mip6.mhtype "));
        QCOMPARE(proposal(0), QString("=="));
        press(Qt::Key_Down);
        press(Qt::Key_Return);
        QCOMPARE(bar()->edit()->text(), QString("mip6.mhtype == "));
        type("BU");
        press(Qt::Key_Escape);
        QVERIFY(!proposals()->isVisible());
        QCOMPARE(QApplication::focusWidget(), bar()->edit());
        press(Qt::Key_Return);
        QVERIFY(settled());
        QVERIFY(window_->packets()->rows() < all());
    }

    void valuesSeenInTheTraceAreProposedWithCounts()
    {
        QTest::keyClick(window_.get(), Qt::Key_F, Qt::ControlModifier);
        type("mip6.bu.seqnr == ");
        QVERIFY(proposals()->isVisible());
        QVERIFY2(proposal(0, 1).startsWith("seen "), qPrintable(proposal(0, 1)));
        const QString value = proposal(0);
        press(Qt::Key_Tab);
        closeProposals();
        press(Qt::Key_Return);
        QVERIFY(settled());
        QCOMPARE(window_->filter().applied(), "mip6.bu.seqnr == " + value);
        QVERIFY(window_->packets()->rows() > 0);
    }

    void wordsOfTheAnalysisFollowIt()
    {
        choose("phase == dad");
        const std::size_t during = window_->packets()->rows();
        QVERIFY(during > 0);
        QVERIFY(during < all());
        choose("node == map");
        QVERIFY(window_->packets()->rows() > 0);
    }

    void theLastFiltersAreKept()
    {
        for (int i = 1; i <= FilterModel::historySize + 3; ++i) {
            bar()->applyText(QStringLiteral("frame.number == %1").arg(i));
            QVERIFY(settled());
        }
        QCOMPARE(window_->filter().history().size(), FilterModel::historySize);
        QCOMPARE(window_->filter().history().first(), QStringLiteral("frame.number == %1").arg(FilterModel::historySize + 3));
        QMenu* menu = bar()->historyButton()->menu();
        emit menu->aboutToShow();
        QCOMPARE(menu->actions().size(), FilterModel::historySize);
        menu->actions().at(1)->trigger();
        QVERIFY(settled());
        QCOMPARE(window_->filter().applied(), QStringLiteral("frame.number == %1").arg(FilterModel::historySize + 2));
        QCOMPARE(window_->packets()->rows(), std::size_t{1});
    }

    void aFieldOfTheTreeBecomesAFilter()
    {
        const auto update = test::findFrame(window_->workspace().view(), isUpdate);
        QVERIFY(update);
        window_->workspace().goToFrame(*update);
        window_->framePane()->tree()->setFocus();
        pick(wire::FieldId::MhType);
        QTest::keyClick(window_->framePane()->tree(), Qt::Key_B, Qt::ControlModifier);
        QVERIFY(settled());
        QCOMPARE(bar()->edit()->text(), QString("mip6.mhtype == 5"));
        QVERIFY(window_->packets()->rows() < all());
        pick(wire::FieldId::Ipv6Source);
        QTest::keyClick(window_->framePane()->tree(), Qt::Key_B, Qt::ControlModifier | Qt::ShiftModifier);
        QVERIFY(settled());
        QVERIFY(bar()->edit()->text().startsWith("mip6.mhtype == 5 && ipv6.src == "));
        QVERIFY(window_->packets()->rows() > 0);
        for (QAction* action : window_->framePane()->tree()->actions())
            if (action->text().contains("Wireshark")) action->trigger();
        QVERIFY(QApplication::clipboard()->text().startsWith("ipv6.src == "));
    }

    void everyFieldOfAFrameMakesAFilterThatChoosesIt()
    {
        const capture::TraceSnapshot& trace = window_->workspace().view().trace;
        for (std::size_t i = 0; i < trace.size(); i += 7) {
            const capture::FrameView view = trace.frame(i);
            const wire::Dissection d = wire::dissect(view.bytes, trace.links()[view.link].linkType, view.originalLength);
            filter::FrameFacts facts;
            facts.number = i + 1;
            facts.frame = view;
            facts.link = &trace.links()[view.link];
            facts.dissection = &d;
            for (const wire::FieldNode& node : d.nodes) {
                const auto* octets = std::get_if<Bytes>(&node.value);
                if (octets && octets->empty()) continue;
                const auto compiled = filter::Filter::compile(filterFor(node).toStdString());
                QVERIFY2(compiled && compiled->matches(facts), qPrintable(filterFor(node)));
            }
        }
    }

    void itLooksRight()
    {
        const QString folder = qEnvironmentVariable("ROAMSCOPE_PICTURES");
        const auto shoot = [&](const char* name) {
            QTest::qWait(100);
            const QPixmap picture = window_->screen()->grabWindow(0);
            if (!folder.isEmpty()) QVERIFY((picture.isNull() ? window_->grab() : picture).save(QStringLiteral("%1/filter-%2.png").arg(folder, QLatin1String(name))));
        };
        const auto signColour = [&] { return bar()->state()->palette().color(QPalette::WindowText); };
        const Theme theme(window_->palette());
        QTest::keyClick(window_.get(), Qt::Key_F, Qt::ControlModifier);
        QCOMPARE(signColour(), theme.faint());
        type("mip6.bu.");
        shoot("proposals");
        type("m_flg == 1");
        closeProposals();
        QCOMPARE(signColour(), theme.tone(Tone::Error));
        shoot("invalid");
        QTest::mouseClick(bar()->suggestion(), Qt::LeftButton);
        press(Qt::Key_Return);
        QVERIFY(settled());
        QCOMPARE(signColour(), theme.tone(Tone::Discovery));
        shoot("valid");
        choose("udp && mip6.mhtype == 5");
        shoot("empty");
    }
};

QTEST_MAIN(TestFilterBar)
#include "test_filter_bar.moc"
