// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/timeline_view.hpp"

#include "ui/model/background.hpp"
#include "ui/model/format.hpp"
#include "ui/view/timeline_layer.hpp"

#include <QEvent>
#include <QHelpEvent>
#include <QToolTip>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace roamscope::ui {

namespace {

constexpr std::size_t probeBuckets = 1500;  // about one a pixel
constexpr double narrowest = 20e-6;         // seconds across the picture
constexpr int clickSlack = 4;               // pixels that a click may move

/// Stamps of hostile files may lie at the edge of what 64 bits hold.
TimePoint atSeconds(double seconds) { return atNanoseconds(std::llround(std::clamp(seconds, -9e9, 9e9) * 1e9)); }

QVector<double> toQt(const std::vector<double>& values) { return QVector<double>(values.begin(), values.end()); }

}  // namespace

TimelineView::TimelineView(Workspace& workspace, QWidget* parent) : QWidget(parent), workspace_(workspace), plot_(new QCustomPlot(this))
{
    setAccessibleName(tr("Timeline"));
    setAccessibleDescription(tr("Handover phases, registrations, bindings and probes over time. The handover and binding tables give the same values as text."));
    plot_->setAccessibleName(tr("Timeline picture"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(plot_);
    plot_->setMinimumSize(260, 190);
    plot_->installEventFilter(this);
    makeAxes();
    makeProbes();
    restyle();

    later_.setSingleShot(true);
    later_.setInterval(100);
    connect(&later_, &QTimer::timeout, this, &TimelineView::takeAnalysis);
    connect(&workspace, &Workspace::sessionChanged, this, [this] {
        whole_ = true;
        takeAnalysis();
    });
    connect(&workspace, &Workspace::viewChanged, this, [this] {
        if (!later_.isActive()) later_.start();
    });
    connect(&workspace.cursor(), &TimeCursor::timeChanged, this, &TimelineView::showCursor);
    connect(plot_, &QCustomPlot::mousePress, this, [this](QMouseEvent* event) { pressed_ = event->pos(); });
    connect(plot_, &QCustomPlot::mouseRelease, this, [this](QMouseEvent* event) {
        if (event->button() == Qt::LeftButton) released(event->pos());
    });
    connect(plot_, &QCustomPlot::mouseDoubleClick, this, [this](QMouseEvent* event) {
        const TimePoint time = timeAt(event->pos().x());
        const auto& handovers = workspace_.analysis().handovers;
        for (std::size_t i = handovers.size(); i-- > 0;)
            if (handovers[i].start <= time && time <= handovers[i].end.value_or(time)) return showHandover(i);
        fit();
    });
    takeAnalysis();
}

TimelineView::~TimelineView() = default;

void TimelineView::makeAxes()
{
    plot_->plotLayout()->clear();
    plot_->plotLayout()->setRowSpacing(0);
    lanesRect_ = new QCPAxisRect(plot_);
    probesRect_ = new QCPAxisRect(plot_);
    plot_->plotLayout()->addElement(0, 0, lanesRect_);
    plot_->plotLayout()->addElement(1, 0, probesRect_);
    plot_->plotLayout()->setRowStretchFactor(0, 1.45);
    plot_->plotLayout()->setRowStretchFactor(1, 1);
    auto* sides = new QCPMarginGroup(plot_);
    for (QCPAxisRect* rect : {lanesRect_, probesRect_}) {
        rect->setMarginGroup(QCP::msLeft | QCP::msRight, sides);
        rect->setMinimumMargins(QMargins(4, 4, 8, 2));
        rect->setRangeDrag(Qt::Horizontal);
        rect->setRangeZoom(Qt::Horizontal);
        rect->setRangeZoomFactor(0.8);
    }
    lanesTime_ = lanesRect_->axis(QCPAxis::atBottom);
    time_ = probesRect_->axis(QCPAxis::atBottom);
    lanesTime_->setTickLabels(false);
    lanesTime_->setTicks(false);
    time_->setNumberFormat(QStringLiteral("gb"));
    time_->setNumberPrecision(9);
    time_->setLabel(tr("seconds"));
    lanesRect_->axis(QCPAxis::atLeft)->setRangeReversed(true);
    lanesRect_->axis(QCPAxis::atLeft)->setTickLength(0);
    lanesRect_->axis(QCPAxis::atLeft)->setSubTicks(false);
    lanesRect_->axis(QCPAxis::atLeft)->grid()->setVisible(false);
    probesRect_->axis(QCPAxis::atLeft)->ticker()->setTickCount(3);
    probesRect_->axis(QCPAxis::atLeft)->setLabel(tr("probe, ms"));
    plot_->setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
    plot_->setNoAntialiasingOnDrag(true);
    connect(time_, qOverload<const QCPRange&>(&QCPAxis::rangeChanged), this, &TimelineView::limitRange);
    connect(lanesTime_, qOverload<const QCPRange&>(&QCPAxis::rangeChanged), this, &TimelineView::limitRange);
    connect(lanesRect_->axis(QCPAxis::atLeft), qOverload<const QCPRange&>(&QCPAxis::rangeChanged), this, &TimelineView::limitLanes);
    connect(plot_, &QCustomPlot::afterLayout, this, [this] { limitLanes(lanesRect_->axis(QCPAxis::atLeft)->range()); });
}

void TimelineView::makeProbes()
{
    lanesLayer_ = new TimelineLayer(lanesRect_, &lanes_, &gaps_);
    probesLayer_ = new TimelineLayer(probesRect_, nullptr, &gaps_);
    QCPAxis* delay = probesRect_->axis(QCPAxis::atLeft);
    delivered_ = plot_->addGraph(time_, delay);
    lost_ = plot_->addGraph(time_, delay);
    for (QCPGraph* graph : {delivered_, lost_}) graph->setLineStyle(QCPGraph::lsNone);
    legend_ = new QCPItemText(plot_);
    legend_->setClipToAxisRect(false);
    legend_->position->setType(QCPItemPosition::ptAxisRectRatio);
    legend_->position->setAxisRect(probesRect_);
    legend_->setPositionAlignment(Qt::AlignRight | Qt::AlignTop);
    legend_->position->setCoords(0.995, 0.0);

    moreLanes_ = new QCPItemText(plot_);
    moreLanes_->setClipToAxisRect(false);
    moreLanes_->position->setType(QCPItemPosition::ptAxisRectRatio);
    moreLanes_->position->setAxisRect(lanesRect_);
    moreLanes_->setPositionAlignment(Qt::AlignRight | Qt::AlignBottom);
    moreLanes_->position->setCoords(0.995, 1.0);
    moreLanes_->setVisible(false);

    plot_->addLayer(QStringLiteral("cursor"), plot_->layer(QStringLiteral("overlay")), QCustomPlot::limBelow);
    for (QCPItemText* text : {legend_, moreLanes_}) text->setLayer(QStringLiteral("overlay"));  // the cursor passes behind words
    // A buffer of its own: moving the cursor draws nothing else again.
    plot_->layer(QStringLiteral("cursor"))->setMode(QCPLayer::lmBuffered);
    for (QCPAxisRect* rect : {lanesRect_, probesRect_}) {
        auto* line = new QCPItemStraightLine(plot_);
        line->setLayer(QStringLiteral("cursor"));
        line->setClipAxisRect(rect);
        for (QCPItemPosition* point : {line->point1, line->point2}) {
            point->setType(QCPItemPosition::ptPlotCoords);
            point->setAxisRect(rect);
            point->setAxes(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft));
        }
        cursorLines_.push_back(line);
    }
}

void TimelineView::restyle()
{
    const Theme theme(palette());
    plot_->setBackground(QBrush(theme.base()));
    for (QCPAxisRect* rect : {lanesRect_, probesRect_})
        for (QCPAxis* axis : rect->axes()) {
            axis->setBasePen(QPen(theme.hairline(), 1));
            axis->setTickPen(QPen(theme.faint(), 1));
            axis->setSubTickPen(QPen(theme.hairline(), 1));
            axis->setTickLabelColor(theme.text());
            axis->setLabelColor(theme.faint());
            axis->setTickLabelFont(font());
            axis->setLabelFont(font());
            axis->setLabelPadding(1);
            axis->grid()->setPen(QPen(theme.hairline(), 1, Qt::DotLine));
            axis->grid()->setZeroLinePen(QPen(theme.hairline(), 1));
        }
    QPen delivered(theme.tone(Tone::Home), 1);
    delivered_->setScatterStyle(QCPScatterStyle(QCPScatterStyle::ssDisc, delivered, QBrush(delivered.color()), 3));
    lost_->setScatterStyle(QCPScatterStyle(QCPScatterStyle::ssCross, QPen(theme.tone(Tone::Error), 1), Qt::NoBrush, 5));
    for (QCPItemText* text : {legend_, moreLanes_}) {
        text->setColor(theme.faint());
        text->setFont(font());
    }
    QColor ground = theme.base();
    ground.setAlpha(210);
    for (QCPItemText* text : {legend_, moreLanes_}) {
        text->setBrush(ground);
        text->setPadding(QMargins(4, 0, 4, 0));
    }
    for (QCPItemStraightLine* line : cursorLines_) line->setPen(QPen(theme.cursor(), 1));
    lanesLayer_->setTheme(theme);
    probesLayer_->setTheme(theme);
    plot_->replot(QCustomPlot::rpQueuedReplot);
}

void TimelineView::takeAnalysis()
{
    const auto analysis = workspace_.view().analysis;
    const TimePoint end = workspace_.view().trace.end();
    const auto make = [analysis, names = workspace_.names(), end] { return Lanes{analysis, timelineLanes(*analysis, names, end), timelineGaps(*analysis)}; };
    if (!isLarge(*analysis)) return showLanes(make());
    // What is known of an analysis that is finished does not change: only open bars would reach further.
    if (making_ || analysis == lanesOf_) return;
    making_ = true;
    inBackground(this, make, [this](Lanes made) {
        making_ = false;
        showLanes(std::move(made));
        if (lanesOf_ != workspace_.view().analysis) takeAnalysis();
    });
}

void TimelineView::showLanes(Lanes made)
{
    lanesOf_ = std::move(made.analysis);
    lanes_ = std::move(made.lanes);
    gaps_ = std::move(made.gaps);
    auto titles = QSharedPointer<QCPAxisTickerText>::create();
    for (std::size_t i = 0; i < lanes_.size(); ++i) titles->addTick(static_cast<double>(i) + 0.5, lanes_[i].title);
    lanesRect_->axis(QCPAxis::atLeft)->setTicker(titles);
    limitLanes(lanesRect_->axis(QCPAxis::atLeft)->range());
    if (whole_) fit();
    takeProbes();
    showCursor();
    plot_->replot(QCustomPlot::rpQueuedReplot);
}

void TimelineView::takeProbes()
{
    // A probe may be on its way for as long as the slowest one took; half a second is more than any path here.
    const TimePoint settled = workspace_.view().trace.end() - 500ms;
    probes_ = probePoints(workspace_.analysis(), atSeconds(time_->range().lower), atSeconds(time_->range().upper), settled, probeBuckets);
    delivered_->setData(toQt(probes_.deliveredAt), toQt(probes_.delayMs), true);
    lost_->setData(toQt(probes_.lostAt), QVector<double>(static_cast<qsizetype>(probes_.lostAt.size()), 0.0), true);
    const double top = std::max(1.0, probes_.largestDelayMs * 1.5);
    probesRect_->axis(QCPAxis::atLeft)->setRange(-top * 0.14, top);
    legend_->setText(workspace_.analysis().flows.empty() ? tr("no probes") : tr("● delivered   ✕ lost"));
}

void TimelineView::showCursor()
{
    const double time = toSeconds(workspace_.cursor().time());
    for (QCPItemStraightLine* line : cursorLines_) {
        line->point1->setCoords(time, 0);
        line->point2->setCoords(time, 1);
    }
    plot_->layer(QStringLiteral("cursor"))->replot();
}

void TimelineView::limitRange(const QCPRange& range)
{
    if (ranging_) return;
    ranging_ = true;
    const double end = std::max(0.001, toSeconds(workspace_.horizon()));
    const double size = std::clamp(range.size(), narrowest, end * 1.1);
    const double lower = std::clamp(range.lower, -0.05 * end, 1.05 * end - size);
    const QCPRange allowed(lower, lower + size);
    time_->setRange(allowed);
    lanesTime_->setRange(allowed);
    whole_ = false;
    takeProbes();
    plot_->replot(QCustomPlot::rpQueuedReplot);
    ranging_ = false;
}

/// As many lanes as can be read; when there are more, dragging up and down moves them.
void TimelineView::limitLanes(const QCPRange& range)
{
    if (rangingLanes_) return;
    rangingLanes_ = true;
    const double all = std::max(1.0, static_cast<double>(lanes_.size()));
    const double room = std::max(1.0, std::floor(lanesRect_->height() / (plot_->fontMetrics().height() + 1.0)));
    const double size = std::min(all, room);
    const double lower = std::clamp(std::round(range.lower), 0.0, all - size);
    lanesRect_->axis(QCPAxis::atLeft)->setRange(lower, lower + size);
    lanesRect_->setRangeDrag(size < all ? Qt::Horizontal | Qt::Vertical : Qt::Orientations(Qt::Horizontal));
    const int below = static_cast<int>(all - lower - size);
    const int above = static_cast<int>(lower);
    QStringList more;
    if (above > 0) more << tr("▴ %1 above").arg(above);
    if (below > 0) more << tr("▾ %1 below").arg(below);
    moreLanes_->setText(more.join(QStringLiteral("  ")));
    moreLanes_->setVisible(!more.isEmpty());
    rangingLanes_ = false;
}

void TimelineView::fit()
{
    const double end = std::max(0.001, toSeconds(workspace_.horizon()));
    limitRange(QCPRange(-0.01 * end, 1.01 * end));
    whole_ = true;
}

void TimelineView::zoom(double factor)
{
    const double center = std::clamp(toSeconds(workspace_.cursor().time()), time_->range().lower, time_->range().upper);
    const double lower = center - (center - time_->range().lower) / factor;
    limitRange(QCPRange(lower, lower + time_->range().size() / factor));
}

void TimelineView::showHandover(std::size_t index)
{
    const auto& handovers = workspace_.analysis().handovers;
    if (index >= handovers.size()) return;
    const double start = toSeconds(handovers[index].start);
    const double end = std::max(start + 0.001, toSeconds(handovers[index].end.value_or(workspace_.view().trace.end())));
    limitRange(QCPRange(start - 0.12 * (end - start), end + 0.12 * (end - start)));
    workspace_.goToHandover(index);
}

double TimelineView::xOf(TimePoint time) const { return time_->coordToPixel(toSeconds(time)); }
double TimelineView::leftEdge() const { return time_->range().lower; }
double TimelineView::rightEdge() const { return time_->range().upper; }
TimePoint TimelineView::timeAt(double x) const { return atSeconds(time_->pixelToCoord(x)); }
const TimelineBar* TimelineView::barAt(QPointF position) const { return lanesLayer_->barAt(position); }

void TimelineView::released(QPoint position)
{
    if ((position - pressed_).manhattanLength() > clickSlack) return;
    const bool inside = lanesRect_->rect().contains(position) || probesRect_->rect().contains(position);
    if (inside && workspace_.session()) workspace_.goToTime(std::clamp(timeAt(position.x()), TimePoint{}, workspace_.horizon()));
}

void TimelineView::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) restyle();
}

bool TimelineView::eventFilter(QObject* watched, QEvent* event)
{
    if (watched == plot_ && event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const TimelineBar* bar = barAt(help->pos());
        if (bar) QToolTip::showText(help->globalPos(), bar->tooltip.toHtmlEscaped().replace(QLatin1Char('\n'), QStringLiteral("<br>")), plot_);
        else QToolTip::hideText();
        return true;
    }
    return QWidget::eventFilter(watched, event);
}

}  // namespace roamscope::ui
