// SPDX-License-Identifier: GPL-3.0-or-later
// The window and how frames are read: dialects, keys, fragments, loading with its progress, following, properties.
#include "capture/io/key_file.hpp"
#include "capture/io/scenario_file.hpp"
#include "tests/support/reading_capture.hpp"
#include "tests/ui/told_session.hpp"
#include "ui/model/format.hpp"
#include "ui/model/packet_rows.hpp"
#include "ui/view/decode_dialog.hpp"
#include "ui/view/main_window.hpp"
#include "ui/view/properties_dialog.hpp"

#include <QDropEvent>
#include <QMimeData>
#include <QSettings>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>

using namespace roamscope;
using namespace roamscope::ui;
namespace reading = roamscope::test::reading;

namespace {

Services realServices()
{
    return {[](const std::string& path, bool follow) { return capture::openCapture(path, follow); }, [](capture::LabOptions lab) { return capture::startLab(std::move(lab)); },
            [](const std::string& path) { return capture::loadScenario(path); }, [](const std::string& path) { return capture::loadKeys(path); }, QString()};
}

}  // namespace

class TestReading : public QObject {
    Q_OBJECT

    std::unique_ptr<MainWindow> window_;
    QTemporaryDir folder_;
    QString capture_;
    QString keys_;

    void open(const QString& path)
    {
        window_ = std::make_unique<MainWindow>(realServices());
        window_->show();
        QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
        if (path.isEmpty()) return;
        QVERIFY(window_->openPath(path));
        QTRY_VERIFY(window_->workspace().view().complete);
    }
    QString info(std::size_t number)
    {
        return makePacketRow(window_->workspace().view(), number - 1, window_->workspace().names()).at(PacketColumn::Info);
    }
    /// The frames that a filter chooses, as text.
    QString chosen(const QString& filter)
    {
        if (!window_->filter().apply(filter)) return QStringLiteral("wrong");
        if (!QTest::qWaitFor([&] { return !window_->filter().running(); })) return QStringLiteral("never");
        QStringList out;
        const auto& rows = window_->filter().rows();
        for (std::size_t i = 0; rows && i < rows->size(); ++i) out << QString::number((*rows)[i] + 1);
        return out.join(QLatin1Char(' '));
    }
    bool seen(wire::FieldId field, const std::string& text)
    {
        for (const filter::SeenValue& value : window_->filter().seen(field))
            if (value.text == text) return true;
        return false;
    }
    bool treeHas(wire::FieldId field)
    {
        const auto has = [&](const auto& self, const QModelIndex& parent) -> bool {
            DissectionModel& model = window_->framePane()->model();
            for (int row = 0; row < model.rowCount(parent); ++row) {
                const QModelIndex line = model.index(row, 0, parent);
                if (model.node(line)->field == field || self(self, line)) return true;
            }
            return false;
        };
        return has(has, {});
    }

private slots:
    void initTestCase()
    {
        QStandardPaths::setTestModeEnabled(true);
        QCoreApplication::setOrganizationName(QStringLiteral("roamscope-test"));
        QCoreApplication::setApplicationName(QStringLiteral("reading"));
        QSettings().clear();
        capture_ = folder_.filePath(QStringLiteral("reading.pcap"));
        keys_ = folder_.filePath(QStringLiteral("keys.json"));
        QVERIFY(reading::writeCapture(capture_));
        QVERIFY(reading::write(keys_, reading::keyFile()));
    }
    void cleanup() { window_.reset(); }

    void fragmentsSayTheSameEverywhere()
    {
        open(capture_);
        QVERIFY2(info(reading::lastPiece).contains(QStringLiteral("BU")), qPrintable(info(reading::lastPiece)));
        window_->workspace().goToFrame(reading::lastPiece - 1);
        QVERIFY(treeHas(wire::FieldId::BuSequence));
        FramePane* pane = window_->framePane();
        QVERIFY(pane->buffers()->isVisible());
        QCOMPARE(pane->buffers()->count(), 2);
        QVERIFY(pane->buffers()->tabText(1).contains(QStringLiteral("Reassembled from frames 2, 3")));
        QCOMPARE(chosen(QStringLiteral("mip6.mhtype == BU")), QStringLiteral("1 3 5"));
        QVERIFY(seen(wire::FieldId::BuSequence, "7"));
        window_->workspace().goToFrame(reading::plain - 1);
        QVERIFY(!pane->buffers()->isVisible());
    }

    void keysOpenWhatIsEncrypted()
    {
        open(capture_);
        window_->workspace().goToFrame(reading::secret - 1);
        QVERIFY(!treeHas(wire::FieldId::BuSequence));
        QVERIFY(!seen(wire::FieldId::BuSequence, "4660"));
        QCOMPARE(window_->workspace().analysis().encryptedFrames, std::uint64_t(1));
        QMimeData dropped;
        dropped.setUrls({QUrl::fromLocalFile(keys_)});
        QDragEnterEvent enter(QPoint(200, 200), Qt::CopyAction, &dropped, Qt::LeftButton, {});
        QApplication::sendEvent(window_.get(), &enter);
        QDropEvent drop(QPointF(200, 200), Qt::CopyAction, &dropped, Qt::LeftButton, {});
        QApplication::sendEvent(window_.get(), &drop);
        QTRY_VERIFY(window_->workspace().view().complete);
        QVERIFY(window_->decodingText().contains(QStringLiteral("1 key from keys.json")));
        QVERIFY(treeHas(wire::FieldId::BuSequence));
        QCOMPARE(window_->framePane()->buffers()->count(), 2);
        QVERIFY(seen(wire::FieldId::BuSequence, "4660"));
        QCOMPARE(chosen(QStringLiteral("mip6.mhtype == BU")), QStringLiteral("1 3 4 5"));
        QVERIFY(info(reading::secret).contains(QStringLiteral("4660")));
        // The analysis was made anew with them.
        QCOMPARE(window_->workspace().analysis().encryptedFrames, std::uint64_t(0));
    }

    void keysThatAreWrongNameTheirLine()
    {
        const QString bad = folder_.filePath(QStringLiteral("bad.json"));
        QVERIFY(reading::write(bad, reading::keyFile().replace("aes-cbc", "aes-cbd")));
        open(capture_);
        QVERIFY(!window_->loadKeys(bad));
        QVERIFY(window_->banner()->isVisible());
        QVERIFY2(window_->banner()->text().contains(QStringLiteral("bad.json:3:")), qPrintable(window_->banner()->text()));
        QVERIFY(window_->decodingText().isEmpty());
    }

    void theDialectReachesEveryView()
    {
        open(capture_);
        QCOMPARE(window_->workspace().analysis().dialects.size(), std::size_t(1));
        QCOMPARE(window_->workspace().analysis().dialects[0].name, std::string("shisa-2006"));
        QCOMPARE(window_->workspace().analysis().dialects[0].firstFrame, analysis::FrameIndex(reading::shisa - 1));
        window_->workspace().goToFrame(reading::shisa - 1);
        QVERIFY(treeHas(wire::FieldId::BidShisaPriority));
        const auto actions = window_->dialectActions();
        QVERIFY(actions[static_cast<int>(wire::Dialect::Automatic)]->isChecked());

        actions[static_cast<int>(wire::Dialect::Rfc)]->trigger();
        QTRY_VERIFY(window_->workspace().view().complete);
        QVERIFY(!treeHas(wire::FieldId::BidShisaPriority));
        QVERIFY(treeHas(wire::FieldId::BuFlagProxy));
        QCOMPARE(chosen(QStringLiteral("mip6.bu.p_flag == 1")), QStringLiteral("5"));
        QVERIFY(window_->decodingText().contains(QStringLiteral("rfc")));
        QVERIFY(window_->workspace().analysis().dialects.empty());

        window_->setDialect(*wire::parseDialect("custom:mh=62"));
        QTRY_VERIFY(window_->workspace().view().complete);
        QCOMPARE(chosen(QStringLiteral("mip6.mhtype == BU")), QStringLiteral("1 3 5 6"));
        QVERIFY(info(reading::early).startsWith(QStringLiteral("BU")));
        // It stays for the next file, and can be taken back.
        QVERIFY(window_->openPath(capture_));
        QTRY_VERIFY(window_->workspace().view().complete);
        QVERIFY(info(reading::early).startsWith(QStringLiteral("BU")));
        actions[static_cast<int>(wire::Dialect::Automatic)]->trigger();
        QVERIFY(!info(reading::early).startsWith(QStringLiteral("BU")));
        QVERIFY(window_->decodingText().isEmpty());
    }

    void theDialogShowsWhatSpeaksForADialect()
    {
        const std::vector<analysis::DialectEvidence> evidence{{"shisa-2006", "option 7", 12, 40}};
        DecodeDialog dialog({wire::Dialect::Automatic}, evidence);
        const auto labels = dialog.findChildren<QLabel*>();
        const auto says = [&](const QString& text) { return std::any_of(labels.begin(), labels.end(), [&](const QLabel* label) { return label->text().contains(text); }); };
        QVERIFY(says(QStringLiteral("12 × option 7, first in frame 41")));
        for (const wire::Dialect dialect : wire::allDialects()) {
            QVERIFY(says(toQt(wire::dialectExplanation(dialect))));
            dialog.dialectButton(dialect)->click();
            QCOMPARE(dialog.choice().dialect, dialect);
        }
        const auto custom = *wire::parseDialect("custom:bid=7,flag=0x0200,status=170,map=201,mh=62");
        dialog.choose(custom);
        QCOMPARE(dialog.choice(), custom);
        auto taken = custom;
        taken.custom.mobilityHeader = 58;
        dialog.choose(taken);
        QCOMPARE(int(dialog.choice().custom.mobilityHeader), 135);
    }

    void loadingShowsHowFarItIsAndCanBeCancelled()
    {
        open(capture_);
        capture::View view = window_->workspace().view();
        view.complete = view.indexed = false;
        view.progress = 0.41;
        view.analysisProgress = 0;
        view.timeLeft = 2500ms;
        auto session = std::make_unique<test::ToldSession>(view);
        test::ToldSession* slow = session.get();
        window_->setSession(std::move(session), QStringLiteral("slow.pcap"));
        LoadStrip* strip = window_->loadStrip();
        strip->begin(300'000'000, false);
        QVERIFY(!strip->isVisible());  // not for what is over at once
        QTest::qWait(250);
        slow->change([](capture::View& v) { v.progress = 0.5; });
        QTRY_VERIFY(strip->isVisible());
        QCOMPARE(strip->text(), QStringLiteral("Reading: 50 % · 150.0 MB of 300.0 MB · 3 s left"));
        QCOMPARE(strip->bar()->value(), 500);
        slow->change([](capture::View& v) { v.indexed = true, v.analysisProgress = 0.5, v.timeLeft = 100s; });
        QTRY_VERIFY(strip->text().startsWith(QStringLiteral("Analysing: 50 %")));
        QVERIFY(strip->text().endsWith(QStringLiteral("2 min left")));
        QTest::mouseClick(strip->cancelButton(), Qt::LeftButton);
        QTRY_VERIFY(!strip->isVisible());
        QVERIFY(window_->banner()->isVisible());
        QVERIFY(window_->banner()->text().contains(QStringLiteral("6 packets are here")));
        QCOMPARE(window_->workspace().view().trace.size(), reading::count);
        QVERIFY(!info(reading::plain).isEmpty());
    }

    void aGrowingFileIsFollowed()
    {
        const QString path = folder_.filePath(QStringLiteral("growing.pcap"));
        QFile whole(capture_);
        QVERIFY(whole.open(QIODevice::ReadOnly));
        const QByteArray octets = whole.readAll();
        constexpr qsizetype header = 24;
        const auto end = [&](std::size_t frames) {
            qsizetype at = header;
            for (std::size_t i = 0; i < frames; ++i) at += 16 + static_cast<std::uint8_t>(octets[at + 8]);
            return at;
        };
        QVERIFY(reading::write(path, octets.left(end(2) + 7)));
        open({});
        QVERIFY(window_->openPath(path));
        QTRY_VERIFY(window_->workspace().view().complete);
        QAction* follow = window_->followAction();
        QVERIFY(follow->isEnabled() && !follow->isChecked());
        follow->trigger();
        QTRY_COMPARE(window_->workspace().view().trace.size(), std::size_t(2));
        QVERIFY(!window_->banner()->isVisible());  // half a record is no fault in a file that grows
        QVERIFY(window_->loadStrip()->isVisible());
        QVERIFY(window_->loadStrip()->text().contains(QStringLiteral("waits for more")));
        QFile growing(path);
        QVERIFY(growing.open(QIODevice::Append));
        growing.write(octets.mid(end(2) + 7));
        growing.close();
        QTRY_COMPARE(window_->workspace().view().trace.size(), reading::count);
        QVERIFY(follow->isChecked());
        QTest::mouseClick(window_->loadStrip()->cancelButton(), Qt::LeftButton);
        QTRY_VERIFY(window_->workspace().view().complete);
        QTRY_VERIFY(!follow->isChecked());
        QCOMPARE(window_->workspace().view().trace.size(), reading::count);
        QVERIFY(!window_->loadStrip()->isVisible());
    }

    void propertiesTellWhatTheFileSays()
    {
        open(QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/captures/notes-le.pcapng"));
        window_->showProperties();
        PropertiesDialog* dialog = window_->properties();
        QVERIFY(dialog->isVisible());
        const capture::View& view = window_->workspace().view();
        const QString all = propertiesText(captureProperties(view, QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/captures/notes-le.pcapng")));
        const capture::CaptureNotes& notes = *view.notes;
        for (const std::string& comment : notes.fileComments()) QVERIFY2(all.contains(toQt(comment)), comment.c_str());
        for (const std::uint64_t packet : notes.notedPackets())
            for (const std::string& comment : notes.packetComments(packet)) QVERIFY2(all.contains(toQt(comment)), comment.c_str());
        for (const std::string& odd : notes.oddityTexts()) QVERIFY2(all.contains(toQt(odd)), odd.c_str());
        for (const capture::CaptureName& name : notes.names())
            for (const std::string& text : name.names) QVERIFY2(all.contains(toQt(text)), text.c_str());
        QVERIFY(all.contains(QStringLiteral("Received")));
        QVERIFY(all.contains(QStringLiteral("Custom block of enterprise")));
        // A row about a frame leads there; its comment stands above its fields and in the list.
        std::optional<std::size_t> frame;
        for (const std::uint64_t packet : notes.notedPackets())
            if (!frame && !notes.packetComments(packet).empty()) frame = static_cast<std::size_t>(packet);
        QVERIFY(frame);
        QTreeWidgetItem* row = nullptr;
        for (QTreeWidgetItemIterator it(dialog->tree()); *it != nullptr && row == nullptr; ++it)
            if ((*it)->text(0) == QStringLiteral("Frame %1").arg(*frame + 1)) row = *it;
        QVERIFY(row);
        emit dialog->tree()->itemActivated(row, 0);
        QCOMPARE(window_->workspace().cursor().frame(), frame);
        QVERIFY(window_->framePane()->comments()->isVisible());
        QVERIFY(window_->framePane()->comments()->text().contains(toQt(notes.packetComments(*frame)[0])));
        QVERIFY(info(*frame + 1).contains(QStringLiteral("✎")));
    }

    void theFirstBadOctetIsAmongTheProperties()
    {
        const QString path = folder_.filePath(QStringLiteral("cut.pcap"));
        QFile whole(capture_);
        QVERIFY(whole.open(QIODevice::ReadOnly));
        QVERIFY(reading::write(path, whole.readAll().chopped(5)));
        open(path);
        const capture::View& view = window_->workspace().view();
        QVERIFY(view.problem);
        const QString all = propertiesText(captureProperties(view, path));
        QVERIFY2(all.contains(QStringLiteral("First bad octet: %1").arg(formatCount(view.problem->offset))), qPrintable(all));
        QVERIFY(all.contains(QStringLiteral("Mobility messages")));
    }
};

QTEST_MAIN(TestReading)
#include "test_reading.moc"
