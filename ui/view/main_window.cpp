// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/main_window.hpp"

#include "ui/model/background.hpp"
#include "ui/model/format.hpp"

#include <QAbstractButton>
#include <QApplication>
#include <QComboBox>
#include <QDragEnterEvent>
#include <QFile>
#include <QFileInfo>
#include <QHeaderView>
#include <QKeyEvent>
#include <QMimeData>
#include <QPointer>
#include <QSettings>
#include <QStatusBar>
#include <QVBoxLayout>

namespace roamscope::ui {

namespace {

constexpr int layoutVersion = 1;
constexpr int recentFiles = 10;

/// The first local file of a drop; empty when there is none.
QString droppedFile(const QMimeData* data)
{
    for (const QUrl& url : data->urls())
        if (url.isLocalFile()) return url.toLocalFile();
    return QString();
}

/// Whether a JSON file is one of keys: it says so near its beginning.
bool isKeyFile(const QString& path)
{
    constexpr qint64 beginning = 4096;
    QFile file(path);
    return file.open(QIODevice::ReadOnly) && file.read(beginning).contains("\"roamscope-keys-");
}

QFrame* framed(QWidget* inside)
{
    auto* frame = new QFrame;
    frame->setFrameShape(QFrame::StyledPanel);
    auto* layout = new QVBoxLayout(frame);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(inside);
    return frame;
}

}  // namespace

MainWindow::MainWindow(Services services, QWidget* parent)
    : QMainWindow(parent),
      services_(std::move(services)),
      runBar_(new RunBar(workspace_)),
      banner_(new Banner),
      pages_(new QStackedWidget),
      topology_(new TopologyView(workspace_)),
      timeline_(new TimelineView(workspace_)),
      filterBar_(new FilterBar(workspace_, filter_)),
      packets_(new PacketList(workspace_, filter_)),
      frame_(new FramePane(workspace_)),
      bindings_(new BindingsView(workspace_)),
      handovers_(new HandoversView(workspace_)),
      flows_(new FlowsView(workspace_)),
      lesson_(new LessonView(workspace_)),
      tables_(new QTabWidget),
      rows_(new QSplitter(Qt::Vertical)),
      top_(new QSplitter(Qt::Horizontal)),
      bottom_(new QSplitter(Qt::Horizontal)),
      left_(new QSplitter(Qt::Vertical)),
      counts_(new QLabel),
      load_(new LoadStrip(workspace_)),
      settings_(new QLabel),
      message_(new QLabel)
{
    setAcceptDrops(true);
    setWindowTitle(QStringLiteral("Roamscope"));
    resize(1280, 800);
    addToolBar(runBar_);
    makeFileMenu();
    makeViewMenu();
    makeRunMenu();
    makeHelpMenu();
    arrange();
    connectViews();
    showRecent();
    restoreLayout();
    showView();
    qApp->installEventFilter(this);
}

MainWindow::~MainWindow() = default;

void MainWindow::arrange()
{
    start_ = new StartPage({sample_, open_, openScenario_});
    connect(start_, &StartPage::pathChosen, this, &MainWindow::openPath);
    tables_->addTab(bindings_, tr("Bindings at the cursor"));
    tables_->addTab(handovers_, tr("Handovers"));
    tables_->addTab(flows_, tr("Flows"));
    tables_->addTab(lesson_, tr("Lesson"));
    tables_->setDocumentMode(true);
    top_->addWidget(framed(topology_));
    top_->addWidget(framed(timeline_));
    left_->addWidget(packets_);
    left_->addWidget(framed(tables_));
    bottom_->addWidget(left_);
    bottom_->addWidget(frame_);
    rows_->addWidget(top_);
    rows_->addWidget(bottom_);
    for (QSplitter* splitter : {rows_, top_, bottom_, left_}) {
        splitter->setChildrenCollapsible(false);
        splitter->setHandleWidth(5);
    }
    pages_->addWidget(start_);
    pages_->addWidget(rows_);

    auto* center = new QWidget;
    auto* layout = new QVBoxLayout(center);
    layout->setContentsMargins(4, 4, 4, 0);
    layout->setSpacing(4);
    layout->addWidget(banner_);
    layout->addWidget(filterBar_);
    layout->addWidget(pages_, 1);
    setCentralWidget(center);

    for (QLabel* label : {counts_, settings_, message_}) label->setTextFormat(Qt::PlainText);
    counts_->setAccessibleName(tr("Frames"));
    message_->setAccessibleName(tr("Message of the run"));
    settings_->setAccessibleName(tr("How frames are read"));
    settings_->hide();
    statusBar()->addWidget(counts_);
    statusBar()->addWidget(load_);
    statusBar()->addPermanentWidget(settings_);
    statusBar()->addPermanentWidget(message_);
}

void MainWindow::connectViews()
{
    connect(&workspace_, &Workspace::viewChanged, this, &MainWindow::showView);
    connect(&workspace_, &Workspace::sessionChanged, this, &MainWindow::showView);
    connect(&workspace_, &Workspace::statusChanged, this, &MainWindow::showStatus);
    connect(&workspace_, &Workspace::sessionChanged, this, &MainWindow::showStatus);
    connect(load_, &LoadStrip::cancelled, this, [this] {
        if (workspace_.session()) workspace_.session()->stop();
    });
    connect(handovers_, &HandoversView::handoverChosen, timeline_, &TimelineView::showHandover);
    connect(filterBar_, &FilterBar::leaveRequested, packets_, [this] { packets_->setFocus(); });
    connect(frame_, &FramePane::filterRequested, filterBar_, [this](const QString& text, bool both) {
        if (both) filterBar_->applyAnd(text);
        else filterBar_->applyText(text);
    });
    connect(frame_, &FramePane::copyRequested, this, &MainWindow::copyAsWireshark);
    connect(runBar_, &RunBar::restartRequested, this, [this] {
        const bool running = workspace_.status() && workspace_.status()->state != capture::RunState::Paused;
        startScenario(running, runBar_->backend());
    });
    connect(runBar_, &RunBar::backendChosen, this, [this](capture::Backend backend) { startScenario(true, backend); });
}

bool MainWindow::openPath(const QString& path)
{
    if (!path.endsWith(QStringLiteral(".json"), Qt::CaseInsensitive)) return openCapture(path);
    return isKeyFile(path) ? loadKeys(path) : openScenario(path, false, runBar_->backend());
}

bool MainWindow::openCapture(const QString& path, bool follow)
{
    auto session = services_.openCapture(path.toStdString(), follow);
    if (!session) {
        banner_->showMessage(tr("Cannot open %1").arg(QFileInfo(path).fileName()), toQt(session.error().text), tr("Open another…"),
                             [this] { open_->trigger(); });
        return false;
    }
    remember(path);
    const QFileInfo file(path);
    setSession(std::move(*session), file.fileName());
    path_ = file.absoluteFilePath();
    following_ = follow;
    follow_->setEnabled(true);
    follow_->setChecked(follow);
    load_->begin(static_cast<std::uint64_t>(file.size()), follow);
    if (follow) workspace_.cursor().setFollowing(true);
    return true;
}

bool MainWindow::openScenario(const QString& path, bool run, capture::Backend backend)
{
    auto scenario = services_.loadScenario(path.toStdString());
    if (!scenario) {
        banner_->showMessage(tr("Cannot use the scenario %1").arg(QFileInfo(path).fileName()), toQt(scenario.error().text));
        return false;
    }
    scenario_ = std::move(*scenario);
    scenarioTitle_ = scenario_.title.empty() ? QFileInfo(path).fileName() : toQt(scenario_.title);
    if (path != services_.samplePath) remember(path);
    return startScenario(run, backend);
}

bool MainWindow::startScenario(bool run, capture::Backend backend)
{
    if (scenario_.nodes.empty()) return false;
    capture::LabOptions options;
    options.scenario = scenario_;
    options.backend = backend;
    options.speed = backend == capture::Backend::Virtual ? runBar_->speed() : 1;
    options.startPaused = !run && backend == capture::Backend::Virtual;
    auto session = services_.startLab(std::move(options));
    if (!session) {
        const bool tap = backend == capture::Backend::Tap;
        const auto useVirtual = [this] { startScenario(true, capture::Backend::Virtual); };
        banner_->showMessage(tap ? tr("Real interfaces are not available on this computer") : tr("The scenario cannot run"), toQt(session.error().text),
                             tap ? tr("Use virtual links") : QString(), tap ? std::function<void()>(useVirtual) : std::function<void()>());
        if (const auto& status = workspace_.status()) runBar_->setBackend(status->backend);
        return false;
    }
    runBar_->setBackend(backend);
    setSession(std::move(*session), scenarioTitle_);
    return true;
}

void MainWindow::setSession(std::unique_ptr<capture::Session> session, const QString& title)
{
    banner_->dismiss();
    problemShown_.clear();
    remarkShown_.clear();
    path_.clear();
    following_ = false;
    follow_->setChecked(false);
    follow_->setEnabled(false);
    evidence_.clear();
    if (session && decoding_ != capture::DecodeSettings()) session->setDecoding(decoding_);
    setWindowTitle(title.isEmpty() ? QStringLiteral("Roamscope") : tr("%1 – Roamscope").arg(title));
    workspace_.setSession(std::move(session));
}

void MainWindow::showView()
{
    pages_->setCurrentIndex(workspace_.session() ? 1 : 0);
    runBar_->setVisible(workspace_.session() != nullptr);
    runMenu_->setVisible(workspace_.lab() != nullptr);
    filterBar_->setVisible(workspace_.session() != nullptr);
    save_->setEnabled(workspace_.view().trace.size() > 0);
    tables_->setTabText(1, workspace_.analysis().handovers.empty() ? tr("Handovers") : tr("Handovers (%1)").arg(workspace_.analysis().handovers.size()));
    tables_->setTabVisible(3, lesson_->hasLesson());
    tables_->setTabText(2, workspace_.analysis().flows.empty() ? tr("Flows") : tr("Flows (%1)").arg(workspace_.analysis().flows.size()));

    const capture::View& view = workspace_.view();
    QStringList parts;
    if (workspace_.session()) parts << tr("%1 frames").arg(formatCount(view.trace.size()));
    if (view.dropped > 0) parts << tr("⚠ %1 dropped: losses are upper bounds").arg(formatCount(view.dropped));
    if (!view.analysis->findings.empty()) parts << tr("%1 findings").arg(formatCount(view.analysis->findings.size() + view.analysis->findingsDropped));
    counts_->setText(parts.join(QStringLiteral("  ·  ")));

    noteEvidence();
    showProperties_->setEnabled(workspace_.session() != nullptr);
    showRemark();
    if (!view.problem || problemShown_ == toQt(view.problem->text)) return;
    problemShown_ = toQt(view.problem->text);
    // What is said of a file names the octet, and what is kept.
    if (!workspace_.lab()) return banner_->showMessage(tr("The file does not parse to its end"), problemShown_);
    banner_->showMessage(tr("The run broke off"), problemShown_ + QLatin1Char('\n') + tr("The %1 frames before it are shown.").arg(formatCount(view.trace.size())));
}

void MainWindow::showStatus()
{
    const auto& status = workspace_.status();
    const bool inside = status && status->state != capture::RunState::Ended && !status->insideHint.empty();
    QStringList parts;
    if (status && !status->message.empty()) parts << toQt(status->message);
    if (inside && status->helperPid) parts << tr("helper process %1").arg(*status->helperPid);
    message_->setText(parts.join(QStringLiteral("  ·  ")));
    message_->setToolTip(inside ? tr("Look inside with:\n%1").arg(toQt(status->insideHint)) : QString());
    copyInside_->setEnabled(inside);
}

void MainWindow::stepHandover(int by)
{
    const auto now = workspace_.handoverAtCursor();
    const auto count = static_cast<qint64>(workspace_.analysis().handovers.size());
    if (count == 0) return;
    const qint64 next = now ? static_cast<qint64>(*now) + by : 0;
    timeline_->showHandover(static_cast<std::size_t>(std::clamp<qint64>(next, 0, count - 1)));
}

void MainWindow::stepFrame(int by)
{
    packets_->step(by);
}

void MainWindow::save(const QString& path)
{
    // Writing may take long: it happens beside the window, on a reference that keeps the session.
    const std::shared_ptr<capture::Session> session = workspace_.share();
    if (!session) return;
    statusBar()->showMessage(tr("Writing %1 …").arg(path));
    save_->setEnabled(false);
    const auto write = [session, path] {
        const Result<void> done = session->save(path.toStdString());
        return done ? QString() : toQt(done.error().text);
    };
    inBackground(this, write, [this, path](const QString& problem) {
        save_->setEnabled(true);
        if (problem.isEmpty()) statusBar()->showMessage(tr("Written: %1").arg(path), 8000);
        else statusBar()->clearMessage(), banner_->showMessage(tr("Cannot save the capture"), problem);
    });
}

void MainWindow::remember(const QString& path)
{
    QSettings settings;
    QStringList paths = settings.value(QStringLiteral("recent")).toStringList();
    const QString whole = QFileInfo(path).absoluteFilePath();
    paths.removeAll(whole);
    paths.prepend(whole);
    settings.setValue(QStringLiteral("recent"), paths.mid(0, recentFiles));
    showRecent();
}

void MainWindow::restoreLayout()
{
    rows_->setSizes({330, 420});
    top_->setSizes({430, 850});
    bottom_->setSizes({730, 550});
    left_->setSizes({270, 150});
    QSettings settings;
    if (settings.value(QStringLiteral("layout/version")).toInt() != layoutVersion) return;
    restoreGeometry(settings.value(QStringLiteral("layout/window")).toByteArray());
    for (const auto& [name, splitter] : {std::pair("rows", rows_), {"top", top_}, {"bottom", bottom_}, {"left", left_}, {"frame", frame_->splitter()}})
        splitter->restoreState(settings.value(QStringLiteral("layout/") + QLatin1String(name)).toByteArray());
}

void MainWindow::saveLayout() const
{
    QSettings settings;
    settings.setValue(QStringLiteral("layout/version"), layoutVersion);
    settings.setValue(QStringLiteral("layout/window"), saveGeometry());
    for (const auto& [name, splitter] : {std::pair("rows", rows_), {"top", top_}, {"bottom", bottom_}, {"left", left_}, {"frame", frame_->splitter()}})
        settings.setValue(QStringLiteral("layout/") + QLatin1String(name), splitter->saveState());
}

void MainWindow::closeEvent(QCloseEvent* event)
{
    saveLayout();
    QMainWindow::closeEvent(event);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event)
{
    if (!droppedFile(event->mimeData()).isEmpty()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event)
{
    const QString path = droppedFile(event->mimeData());
    if (path.isEmpty()) return;
    event->acceptProposedAction();
    const auto files = event->mimeData()->urls().size();
    if (openPath(path) && files > 1) statusBar()->showMessage(tr("Opened the first of %1 files that were dropped.").arg(files), 8000);
}

bool MainWindow::eventFilter(QObject* watched, QEvent* event)
{
    // A button that has the keyboard keeps its space bar; everywhere else that key runs and pauses.
    if (event->type() == QEvent::ShortcutOverride) {
        const auto* key = static_cast<QKeyEvent*>(event);
        const QWidget* focus = QApplication::focusWidget();
        if (key->key() == Qt::Key_Space && (qobject_cast<const QAbstractButton*>(focus) || qobject_cast<const QComboBox*>(focus))) {
            event->accept();
            return true;
        }
    }
    return QMainWindow::eventFilter(watched, event);
}

}  // namespace roamscope::ui
