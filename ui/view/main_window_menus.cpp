// SPDX-License-Identifier: GPL-3.0-or-later
// Menus of the window.
#include "ui/model/format.hpp"
#include "ui/view/main_window.hpp"

#include <QApplication>
#include <QClipboard>
#include <QFileDialog>
#include <QFileInfo>
#include <QMenuBar>
#include <QMessageBox>
#include <QSettings>
#include <QStatusBar>

namespace roamscope::ui {

QAction* MainWindow::addTo(QMenu* menu, const QString& text, const QKeySequence& key, std::function<void()> action)
{
    auto* made = new QAction(text, this);
    made->setShortcut(key);
    connect(made, &QAction::triggered, this, [action = std::move(action)] { action(); });
    menu->addAction(made);
    return made;
}

void MainWindow::chooseFile(const QString& title, const QString& filter)
{
    const QString path = QFileDialog::getOpenFileName(this, title, QSettings().value(QStringLiteral("folder")).toString(), filter);
    if (path.isEmpty()) return;
    QSettings().setValue(QStringLiteral("folder"), QFileInfo(path).path());
    openPath(path);
}

void MainWindow::chooseSaveName()
{
    QString path = QFileDialog::getSaveFileName(this, tr("Save the capture"), QStringLiteral("roamscope.pcapng"), tr("Captures (*.pcapng)"));
    if (path.isEmpty()) return;
    if (QFileInfo(path).suffix().isEmpty()) path += QStringLiteral(".pcapng");
    save(path);
}

void MainWindow::makeFileMenu()
{
    QMenu* menu = menuBar()->addMenu(tr("&File"));
    const QString captures = tr("Captures (*.pcap *.pcapng *.cap *.gz *.zst)");
    const QString scenarios = tr("Scenarios (*.json)");
    const QString all = tr("All files (*)");
    open_ = addTo(menu, tr("&Open capture…"), QKeySequence::Open,
                  [=, this] { chooseFile(tr("Open a capture or scenario"), QStringList{captures, scenarios, all}.join(QStringLiteral(";;"))); });
    openScenario_ = addTo(menu, tr("Open &scenario…"), QKeySequence(Qt::CTRL | Qt::Key_L),
                          [=, this] { chooseFile(tr("Open a scenario"), QStringList{scenarios, all}.join(QStringLiteral(";;"))); });
    sample_ = addTo(menu, tr("&Run the sample scenario"), QKeySequence(Qt::CTRL | Qt::Key_R),
                    [this] { openScenario(services_.samplePath, true, capture::Backend::Virtual); });
    sample_->setEnabled(!services_.samplePath.isEmpty());
    if (services_.samplePath.isEmpty()) sample_->setToolTip(tr("The sample was not found; is the program installed completely?"));
    recent_ = menu->addMenu(tr("Opened &last"));
    menu->addSeparator();
    follow_ = menu->addAction(tr("&Follow the file as it grows"));
    follow_->setCheckable(true);
    follow_->setEnabled(false);
    follow_->setStatusTip(tr("Reads the open capture again and goes on with what is written to it"));
    connect(follow_, &QAction::triggered, this, &MainWindow::followFile);
    showProperties_ = addTo(menu, tr("Capture &properties…"), QKeySequence(Qt::CTRL | Qt::Key_I), [this] { showProperties(); });
    save_ = addTo(menu, tr("&Save capture as…"), QKeySequence::Save, [this] { chooseSaveName(); });
    menu->addSeparator();
    addTo(menu, tr("&Quit"), QKeySequence::Quit, [this] { close(); });
}

void MainWindow::showRecent()
{
    const QStringList paths = QSettings().value(QStringLiteral("recent")).toStringList();
    recent_->clear();
    recent_->setEnabled(!paths.isEmpty());
    for (const QString& path : paths)
        connect(recent_->addAction(QString(path).replace(QLatin1Char('&'), QStringLiteral("&&"))), &QAction::triggered, this, [this, path] { openPath(path); });
    start_->setRecent(paths);
}

void MainWindow::makeViewMenu()
{
    QMenu* menu = menuBar()->addMenu(tr("&View"));
    const auto pane = [&](const QString& text, std::function<QWidget*()> widget) {
        QAction* action = menu->addAction(text);
        action->setCheckable(true);
        action->setChecked(true);
        connect(action, &QAction::toggled, this, [widget = std::move(widget)](bool on) { widget()->setVisible(on); });
    };
    pane(tr("&Topology"), [this] { return topology_->parentWidget(); });
    pane(tr("T&imeline"), [this] { return timeline_->parentWidget(); });
    pane(tr("Packet &list"), [this] { return packets_; });
    pane(tr("&Tables"), [this] { return tables_->parentWidget(); });
    pane(tr("&Frame"), [this] { return frame_; });
    menu->addSeparator();
    QAction* filter = addTo(menu, tr("&Filter"), {}, [this] {
        if (workspace_.session()) filterBar_->focusText();
    });
    filter->setShortcuts({QKeySequence::Find, QKeySequence(Qt::Key_Slash)});
    makeDecodeMenu(menu);
    addTo(menu, tr("Copy as &Wireshark filter"), {}, [this] { copyAsWireshark(filter_.applied()); });
    menu->addSeparator();
    addTo(menu, tr("Whole &time"), QKeySequence(Qt::CTRL | Qt::Key_0), [this] { timeline_->fit(); });
    addTo(menu, tr("Zoom i&n"), QKeySequence::ZoomIn, [this] { timeline_->zoom(2); });
    addTo(menu, tr("Zoom &out"), QKeySequence::ZoomOut, [this] { timeline_->zoom(0.5); });
    menu->addSeparator();
    addTo(menu, tr("Next &handover"), QKeySequence(Qt::Key_H), [this] { stepHandover(1); });
    addTo(menu, tr("Previous handover"), QKeySequence(Qt::SHIFT | Qt::Key_H), [this] { stepHandover(-1); });
    addTo(menu, tr("Next frame"), QKeySequence(Qt::Key_Period), [this] { stepFrame(1); });
    addTo(menu, tr("Previous frame"), QKeySequence(Qt::Key_Comma), [this] { stepFrame(-1); });
}

void MainWindow::copyAsWireshark(const QString& text)
{
    const auto compiled = filter::Filter::compile(text.toStdString());
    if (!compiled) return;
    const auto theirs = compiled->asWireshark();
    if (theirs) QApplication::clipboard()->setText(toQt(*theirs));
    statusBar()->showMessage(theirs ? tr("Copied: %1").arg(toQt(*theirs)) : tr("Not copied: %1").arg(toQt(theirs.error().text)), 8000);
}

void MainWindow::makeRunMenu()
{
    QMenu* menu = menuBar()->addMenu(tr("&Run"));
    runMenu_ = menu->menuAction();
    menu->addActions({runBar_->runAction(), runBar_->stepAction(), runBar_->restartAction(), runBar_->followAction()});
    menu->addSeparator();
    addTo(menu, tr("Slower"), QKeySequence(Qt::Key_BracketLeft), [this] { runBar_->faster(-1); });
    addTo(menu, tr("Faster"), QKeySequence(Qt::Key_BracketRight), [this] { runBar_->faster(1); });
    menu->addSeparator();
    copyInside_ = addTo(menu, tr("Copy the command to look inside the lab"), {}, [this] {
        if (const auto& status = workspace_.status()) QApplication::clipboard()->setText(toQt(status->insideHint));
    });
    copyInside_->setEnabled(false);
}

void MainWindow::makeHelpMenu()
{
    QMenu* menu = menuBar()->addMenu(tr("&Help"));
    addTo(menu, tr("&Keys"), QKeySequence(Qt::Key_F1), [this] { showKeys(); });
    addTo(menu, tr("&About Roamscope"), {}, [this] { showAbout(); });
}

void MainWindow::showKeys()
{
    QString rows;
    for (const QAction* action : findChildren<QAction*>()) {
        if (action->shortcut().isEmpty()) continue;
        rows += QStringLiteral("<tr><td><b>%1</b>&nbsp;&nbsp;</td><td>%2</td></tr>")
                    .arg(action->shortcut().toString(QKeySequence::NativeText).toHtmlEscaped(), action->text().remove(QLatin1Char('&')).toHtmlEscaped());
    }
    const QString mouse = tr("Timeline: drag moves, the wheel zooms, a click sets the cursor, a double click zooms to the handover. Click a field to see its octets, an octet to see its field.");
    QMessageBox box(QMessageBox::NoIcon, tr("Keys"), QStringLiteral("<table>%1</table><p>%2</p>").arg(rows, mouse.toHtmlEscaped()), QMessageBox::Close, this);
    box.setTextFormat(Qt::RichText);
    box.exec();
}

void MainWindow::showAbout()
{
    QMessageBox::about(this, tr("About Roamscope"),
                       tr("<h3>Roamscope %1</h3><p>Testbed and protocol analyzer for IPv6 mobility: Mobile IPv6, HMIPv6 and multiple care-of addresses.</p>"
                          "<p>Free software under the GNU General Public License, version 3 or later, without any warranty. "
                          "Uses Qt and QCustomPlot.</p>")
                           .arg(QApplication::applicationVersion()));
}

}  // namespace roamscope::ui
