// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/run_bar.hpp"

#include "ui/model/format.hpp"
#include "ui/model/theme.hpp"

#include <QEvent>
#include <QFontDatabase>
#include <QIcon>
#include <QPainter>
#include <QPainterPath>
#include <QPixmap>

namespace roamscope::ui {

namespace {

constexpr Duration lateEnough = 5ms;  // shown from here on

enum class Shape { Run, Pause, Step, Restart, Follow };

/// Drawn in the colour of text, so that it is seen in every palette.
QIcon icon(Shape shape, const QPalette& palette)
{
    QIcon result;
    for (const QIcon::Mode mode : {QIcon::Normal, QIcon::Disabled}) {
        const QColor color = palette.color(mode == QIcon::Normal ? QPalette::Active : QPalette::Disabled, QPalette::ButtonText);
        QPixmap pixmap(32, 32);
        pixmap.fill(Qt::transparent);
        QPainter p(&pixmap);
        p.setRenderHint(QPainter::Antialiasing);
        p.setPen(Qt::NoPen);
        p.setBrush(color);
        if (shape == Shape::Run) p.drawPolygon(QPolygonF({{8, 5}, {27, 16}, {8, 27}}));
        if (shape == Shape::Pause) {
            p.drawRect(8, 6, 6, 20);
            p.drawRect(18, 6, 6, 20);
        }
        if (shape == Shape::Step) {
            p.drawPolygon(QPolygonF({{6, 6}, {20, 16}, {6, 26}}));
            p.drawRect(21, 6, 5, 20);
        }
        if (shape == Shape::Restart) {
            p.drawRect(6, 6, 5, 20);
            p.drawPolygon(QPolygonF({{26, 6}, {12, 16}, {26, 26}}));
        }
        if (shape == Shape::Follow) {
            p.drawRect(24, 5, 3, 22);
            p.drawRect(4, 14, 10, 4);
            p.drawPolygon(QPolygonF({{12, 8}, {22, 16}, {12, 24}}));
        }
        p.end();
        result.addPixmap(pixmap, mode);
    }
    return result;
}

}  // namespace

RunBar::RunBar(Workspace& workspace, QWidget* parent)
    : QToolBar(tr("Run"), parent),
      workspace_(workspace),
      run_(new QAction(tr("Run"), this)),
      step_(new QAction(tr("Step"), this)),
      restart_(new QAction(tr("Restart"), this)),
      follow_(new QAction(tr("Follow"), this)),
      speed_(new QComboBox),
      backend_(new QComboBox),
      time_(new QLabel),
      state_(new QLabel),
      lateness_(new QLabel)
{
    setObjectName(QStringLiteral("runBar"));
    setMovable(false);
    setIconSize(QSize(16, 16));
    setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    makeActions();
    makeChoices();

    for (QLabel* label : {time_, state_, lateness_}) {
        label->setTextFormat(Qt::PlainText);
        label->setContentsMargins(8, 0, 8, 0);
    }
    QFont big = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    big.setPointSizeF(font().pointSizeF() * 1.5);
    big.setBold(true);
    time_->setFont(big);
    time_->setAccessibleName(tr("Time of the cursor"));
    time_->setMinimumWidth(QFontMetrics(big).horizontalAdvance(QStringLiteral("t = 9999.999 999 s")) + 16);
    state_->setAccessibleName(tr("State of the run"));
    lateness_->setAccessibleName(tr("Lateness"));
    ofLab_ << addSeparator();
    addWidget(time_);
    addWidget(state_);
    latenessShown_ = addWidget(lateness_);

    paintIcons();
    connect(&workspace, &Workspace::statusChanged, this, &RunBar::showStatus);
    connect(&workspace, &Workspace::sessionChanged, this, &RunBar::showStatus);
    connect(&workspace, &Workspace::viewChanged, this, &RunBar::showStatus);
    connect(&workspace.cursor(), &TimeCursor::timeChanged, this, &RunBar::showTime);
    showStatus();
    showTime();
}

void RunBar::makeActions()
{
    run_->setShortcut(Qt::Key_Space);
    step_->setShortcut(Qt::Key_S);
    follow_->setShortcut(Qt::Key_F);
    follow_->setCheckable(true);
    restart_->setToolTip(tr("Start the scenario again from time 0"));
    follow_->setToolTip(tr("Keep the cursor at the time of the run (F)"));
    connect(run_, &QAction::triggered, this, &RunBar::toggleRun);
    connect(step_, &QAction::triggered, this, [this] {
        if (capture::LabControl* lab = workspace_.lab()) {
            workspace_.cursor().setFollowing(true);
            lab->step();
        }
    });
    connect(restart_, &QAction::triggered, this, &RunBar::restartRequested);
    connect(follow_, &QAction::triggered, this, [this](bool on) {
        workspace_.cursor().setFollowing(on);
        workspace_.poll();
    });
    connect(&workspace_.cursor(), &TimeCursor::followingChanged, follow_, &QAction::setChecked);
    addActions({run_, step_, restart_, follow_});
    ofLab_ << run_ << step_ << restart_ << follow_ << addSeparator();
}

void RunBar::makeChoices()
{
    const std::pair<const char*, double> speeds[] = {{QT_TR_NOOP("1/10×"), 0.1}, {QT_TR_NOOP("1/2×"), 0.5}, {QT_TR_NOOP("1×"), 1.0},
                                                     {QT_TR_NOOP("2×"), 2.0},    {QT_TR_NOOP("10×"), 10.0}, {QT_TR_NOOP("max"), 0.0}};
    for (const auto& [text, value] : speeds) speed_->addItem(tr(text), value);
    speed_->setCurrentIndex(2);
    speed_->setAccessibleName(tr("Speed"));
    backend_->addItem(tr("virtual links"), static_cast<int>(capture::Backend::Virtual));
    backend_->addItem(tr("TAP interfaces"), static_cast<int>(capture::Backend::Tap));
    backend_->setAccessibleName(tr("Backend"));
    backend_->setToolTip(tr("Virtual links: deterministic, any speed, no rights needed.\nTAP interfaces: real kernel bridges in a namespace, in real time.\nChanging it starts the scenario again."));
    ofLab_ << addWidget(speed_) << addWidget(backend_);
    connect(speed_, &QComboBox::activated, this, [this] {
        if (capture::LabControl* lab = workspace_.lab()) lab->setSpeed(speed());
    });
    connect(backend_, &QComboBox::activated, this, [this] { emit backendChosen(backend()); });
}

double RunBar::speed() const { return speed_->currentData().toDouble(); }
capture::Backend RunBar::backend() const { return static_cast<capture::Backend>(backend_->currentData().toInt()); }
void RunBar::setBackend(capture::Backend backend) { backend_->setCurrentIndex(backend_->findData(static_cast<int>(backend))); }

void RunBar::faster(int steps)
{
    if (!speed_->isEnabled()) return;
    speed_->setCurrentIndex(std::clamp(speed_->currentIndex() + steps, 0, speed_->count() - 1));
    if (capture::LabControl* lab = workspace_.lab()) lab->setSpeed(speed());
}

void RunBar::toggleRun()
{
    capture::LabControl* lab = workspace_.lab();
    if (!lab) return;
    if (lab->status().state == capture::RunState::Running) {
        lab->pause();
    } else {
        workspace_.cursor().setFollowing(true);
        lab->run();
    }
    workspace_.poll();
}

void RunBar::showStatus()
{
    capture::LabControl* lab = workspace_.lab();
    const auto& status = workspace_.status();
    for (QAction* action : ofLab_) action->setVisible(lab != nullptr);
    const bool ended = status && status->state == capture::RunState::Ended;
    const bool running = status && status->state == capture::RunState::Running;
    const bool steerable = lab && lab->canPause();
    const QString why = !steerable && !ended ? tr("Real time cannot be paused, stepped or slowed: the TAP backend runs on the wall clock.")
                        : ended              ? tr("The run has ended. Restart begins again.")
                                             : QString();
    if (running != showsPause_) {
        showsPause_ = running;
        run_->setText(running ? tr("Pause") : tr("Run"));
        paintIcons();
    }
    run_->setEnabled(steerable && !ended);
    step_->setEnabled(steerable && !ended);
    speed_->setEnabled(steerable);
    restart_->setEnabled(lab != nullptr);
    follow_->setEnabled(lab != nullptr);
    backend_->setEnabled(lab != nullptr);
    run_->setToolTip(why.isEmpty() ? (running ? tr("Pause (Space)") : tr("Run (Space)")) : why);
    step_->setToolTip(why.isEmpty() ? tr("Run to the next signalling message, then pause (S)") : why);
    speed_->setToolTip(steerable ? tr("Seconds of the lab per second ([ slower, ] faster)") : why);
    state_->setText(!lab      ? QString()
                    : running ? tr("● running")
                    : ended   ? tr("■ ended")
                              : tr("❚❚ paused"));
    const bool late = status && (status->latenessNow > lateEnough || status->lateEvents > 0);
    latenessShown_->setVisible(late);
    if (late) {
        const QString events = status->lateEvents == 1 ? tr("1 event") : tr("%1 events").arg(status->lateEvents);
        lateness_->setText(tr("⚠ late %1 (at most %2, %3)").arg(formatDuration(status->latenessNow), formatDuration(status->latenessMax), events));
        lateness_->setToolTip(tr("Events that were handled more than 5 ms after their time: this computer was busy, the times measured suffer."));
    }
}

void RunBar::showTime() { time_->setText(QStringLiteral("t = %1 s").arg(formatTime(workspace_.cursor().time()))); }

void RunBar::paintIcons()
{
    run_->setIcon(icon(showsPause_ ? Shape::Pause : Shape::Run, palette()));
    step_->setIcon(icon(Shape::Step, palette()));
    restart_->setIcon(icon(Shape::Restart, palette()));
    follow_->setIcon(icon(Shape::Follow, palette()));
    QPalette warning = palette();
    warning.setColor(QPalette::WindowText, Theme(palette()).tone(Tone::Warning));
    lateness_->setPalette(warning);
}

void RunBar::changeEvent(QEvent* event)
{
    QToolBar::changeEvent(event);
    if (event->type() == QEvent::PaletteChange) paintIcons();
}

}  // namespace roamscope::ui
