// SPDX-License-Identifier: GPL-3.0-or-later
// How the window looks: pictures of it in light and dark, in two sizes. Where ROAMSCOPE_PICTURES names a folder they are kept.
#include "capture/io/scenario_file.hpp"
#include "tests/ui/played_session.hpp"
#include "ui/view/decode_dialog.hpp"
#include "ui/view/main_window.hpp"
#include "ui/view/properties_dialog.hpp"

#include <QScrollBar>
#include <QSettings>
#include <QStandardPaths>
#include <QTest>

using namespace roamscope;

namespace {

QPalette darkPalette()
{
    QPalette dark;
    const QColor base(0x1e, 0x1f, 0x22);
    const QColor window(0x2b, 0x2d, 0x30);
    const QColor text(0xdf, 0xe1, 0xe5);
    for (const QPalette::ColorRole role : {QPalette::Window, QPalette::Button, QPalette::AlternateBase, QPalette::ToolTipBase}) dark.setColor(role, window);
    for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText, QPalette::ToolTipText}) dark.setColor(role, text);
    for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) dark.setColor(QPalette::Disabled, role, QColor(0x7a, 0x7e, 0x85));
    dark.setColor(QPalette::Base, base);
    dark.setColor(QPalette::Highlight, QColor(0x2e, 0x5f, 0xa8));
    dark.setColor(QPalette::HighlightedText, Qt::white);
    return dark;
}

}  // namespace

class TestLook : public QObject {
    Q_OBJECT

private slots:
    void initTestCase()
    {
        QStandardPaths::setTestModeEnabled(true);
        QCoreApplication::setOrganizationName(QStringLiteral("roamscope-test"));
        QCoreApplication::setApplicationName(QStringLiteral("look"));
        QSettings().clear();
        QApplication::setStyle(QStringLiteral("Fusion"));
    }

    void everyAreaIsPainted_data()
    {
        QTest::addColumn<bool>("dark");
        QTest::addColumn<QSize>("size");
        QTest::addColumn<double>("at");
        QTest::newRow("light") << false << QSize(1280, 800) << 20.0;
        QTest::newRow("dark") << true << QSize(1280, 800) << 20.0;
        QTest::newRow("small") << false << QSize(1024, 640) << 20.0;
        QTest::newRow("moving") << true << QSize(1280, 800) << 10.05;
        QTest::newRow("early") << false << QSize(1280, 800) << 0.0;
    }
    void everyAreaIsPainted()
    {
        QFETCH(bool, dark);
        QFETCH(QSize, size);
        QFETCH(double, at);
        const QPalette before = QApplication::palette();
        if (dark) QApplication::setPalette(darkPalette());
        ui::MainWindow window({});
        window.resize(size);
        const auto time = atNanoseconds(static_cast<std::int64_t>(at * 1e9));
        window.setSession(std::make_unique<test::PlayedSession>(at > 10.1 ? TimePoint{20s} : time), QStringLiteral("One handover inside a MAP domain"));
        window.show();
        QVERIFY(QTest::qWaitForWindowExposed(&window));
        QTest::qWait(200);
        if (at > 10.1) {
            const auto update = test::findFrame(window.workspace().view(), [](const wire::DecodedFrame& f) { return f.as<wire::BindingAck>() != nullptr; });
            QVERIFY(update);
            window.workspace().goToFrame(*update);
            const QModelIndex root = window.framePane()->model().fieldAt(84);
            window.framePane()->tree()->setCurrentIndex(root);
            if (size.width() < 1200) window.timeline()->showHandover(1);
            QTest::qWait(200);
        }
        const QImage picture = window.grab().toImage();
        if (const QString folder = qEnvironmentVariable("ROAMSCOPE_PICTURES"); !folder.isEmpty())
            QVERIFY(picture.save(QStringLiteral("%1/%2.png").arg(folder, QLatin1String(QTest::currentDataTag()))));
        QCOMPARE(picture.size(), size);
        // Every view has more than its background to show.
        for (QWidget* view : {static_cast<QWidget*>(window.topology()), static_cast<QWidget*>(window.timeline()), static_cast<QWidget*>(window.packets())}) {
            const QImage part = view->grab().toImage();
            QSet<QRgb> colors;
            for (int y = 0; y < part.height(); y += 2)
                for (int x = 0; x < part.width(); x += 2) colors.insert(part.pixel(x, y));
            QVERIFY2(colors.size() > 4, qPrintable(view->accessibleName()));
        }
        QApplication::setPalette(before);
    }

    void tablesOfPathsAreNotClipped_data()
    {
        QTest::addColumn<QString>("scenario");
        QTest::addColumn<bool>("dark");
        QTest::newRow("one-link-dies") << QStringLiteral("one-link-dies") << false;
        QTest::newRow("mobile-router") << QStringLiteral("mobile-router-with-two-uplinks") << true;
        QTest::newRow("flow-moved") << QStringLiteral("a-flow-moved-between-paths") << false;
    }
    void tablesOfPathsAreNotClipped()
    {
        QFETCH(QString, scenario);
        QFETCH(bool, dark);
        const QPalette before = QApplication::palette();
        if (dark) QApplication::setPalette(darkPalette());
        const auto loaded = capture::loadScenario(QStringLiteral(ROAMSCOPE_SOURCE_DIR "/resources/scenarios/%1.json").arg(scenario).toStdString());
        QVERIFY(loaded);
        ui::MainWindow window({});
        window.resize(1280, 800);
        window.setSession(std::make_unique<test::PlayedSession>(TimePoint{loaded->duration}, capture::Backend::Virtual, *loaded), scenario);
        window.show();
        QVERIFY(QTest::qWaitForWindowExposed(&window));
        window.workspace().goToTime(TimePoint{11s});
        auto* tabs = qobject_cast<QTabWidget*>(window.flows()->parentWidget()->parentWidget());
        QVERIFY(tabs);
        const QString folder = qEnvironmentVariable("ROAMSCOPE_PICTURES");
        for (ui::PlainTable* table : {static_cast<ui::PlainTable*>(window.bindings()), static_cast<ui::PlainTable*>(window.handovers()), static_cast<ui::PlainTable*>(window.flows())}) {
            tabs->setCurrentWidget(table);
            QTest::qWait(100);
            QVERIFY2(table->model()->rowCount() > 1, qPrintable(table->accessibleName()));
            if (!folder.isEmpty()) QVERIFY(window.grab().save(QStringLiteral("%1/%2-%3.png").arg(folder, QLatin1String(QTest::currentDataTag()), table->accessibleName().section(QLatin1Char(' '), 0, 0))));
            QVERIFY2(table == window.bindings() || table->horizontalScrollBar()->maximum() == 0, "all columns are in sight");
            // The last column is as wide as there is room.
            for (int column = 0; column + 1 < table->model()->columnCount(); ++column)
                for (int row = 0; row < table->model()->rowCount() && !table->isColumnHidden(column); ++row) {
                    constexpr int margins = 6;
                    const QString text = table->model()->index(row, column).data().toString();
                    QVERIFY2(table->fontMetrics().horizontalAdvance(text) + margins <= table->columnWidth(column), qPrintable(QStringLiteral("%1: %2").arg(table->accessibleName(), text)));
                }
        }
        QApplication::setPalette(before);
    }

    void dialogsFitAndArePainted_data()
    {
        QTest::addColumn<bool>("dark");
        QTest::addColumn<QSize>("size");
        QTest::newRow("dialogs-light") << false << QSize(1280, 800);
        QTest::newRow("dialogs-dark") << true << QSize(1280, 800);
        QTest::newRow("dialogs-small") << true << QSize(1024, 600);
    }
    void dialogsFitAndArePainted()
    {
        QFETCH(bool, dark);
        QFETCH(QSize, size);
        const QPalette before = QApplication::palette();
        if (dark) QApplication::setPalette(darkPalette());
        ui::MainWindow window({});
        window.resize(size);
        window.setSession(std::make_unique<test::PlayedSession>(TimePoint{20s}), QStringLiteral("test"));
        window.show();
        QVERIFY(QTest::qWaitForWindowExposed(&window));
        QCOMPARE(window.size(), size);  // nothing forces it to be larger
        window.setDialect({wire::Dialect::Shisa2006});
        window.showProperties();
        window.dialectActions().last()->trigger();  // numbers of one's own
        QTest::qWait(100);
        auto* decode = window.findChild<ui::DecodeDialog*>();
        QVERIFY(decode);
        const QString folder = qEnvironmentVariable("ROAMSCOPE_PICTURES");
        const std::pair<const char*, QWidget*> shown[] = {{"window", &window}, {"properties", window.properties()}, {"decode", decode}};
        for (const auto& [name, widget] : shown) {
            QVERIFY(widget->width() <= size.width() && widget->height() <= size.height());
            const QImage picture = widget->grab().toImage();
            if (!folder.isEmpty()) QVERIFY(picture.save(QStringLiteral("%1/%2-%3.png").arg(folder, QLatin1String(QTest::currentDataTag()), QLatin1String(name))));
            QSet<QRgb> colors;
            for (int y = 0; y < picture.height(); y += 2)
                for (int x = 0; x < picture.width(); x += 2) colors.insert(picture.pixel(x, y));
            QVERIFY2(colors.size() > 4, name);
        }
        QApplication::setPalette(before);
    }
};

QTEST_MAIN(TestLook)
#include "test_look.moc"
