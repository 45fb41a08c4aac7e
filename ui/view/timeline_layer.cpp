// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/timeline_layer.hpp"

#include "ui/model/format.hpp"

#include <algorithm>

namespace roamscope::ui {

namespace {

constexpr double before = 3;   ///< pixels between the edge of a bar and its text
constexpr double margins = 4;  ///< and at both ends together

}  // namespace

TimelineLayer::TimelineLayer(QCPAxisRect* rect, const std::vector<TimelineLane>* lanes, const std::vector<TimelineGap>* gaps)
    : QCPLayerable(rect->parentPlot(), QStringLiteral("main")), rect_(rect), lanes_(lanes), gaps_(gaps)
{
}

void TimelineLayer::applyDefaultAntialiasingHint(QCPPainter* painter) const { painter->setAntialiasing(false); }
QRect TimelineLayer::clipRect() const { return rect_->rect(); }

QRectF TimelineLayer::barRect(const TimelineBar& bar, std::size_t lane) const
{
    const QCPAxis* time = rect_->axis(QCPAxis::atBottom);
    const QCPAxis* level = rect_->axis(QCPAxis::atLeft);
    // A range far beyond the picture would overflow the painter.
    const double left = std::max(time->coordToPixel(toSeconds(bar.start)), rect_->left() - 10.0);
    const double right = std::min(time->coordToPixel(toSeconds(bar.end)), rect_->right() + 10.0);
    const double top = level->coordToPixel(static_cast<double>(lane) + 0.1);
    const double bottom = level->coordToPixel(static_cast<double>(lane) + 0.9);
    return QRectF(QPointF(left, top), QPointF(std::max(right, left + 2), bottom));
}

const TimelineBar* TimelineLayer::barAt(QPointF position) const
{
    if (!lanes_ || !rect_->rect().contains(position.toPoint())) return nullptr;
    for (std::size_t lane = 0; lane < lanes_->size(); ++lane) {
        const std::vector<TimelineBar>& bars = (*lanes_)[lane].bars;
        for (auto bar = bars.rbegin(); bar != bars.rend(); ++bar)
            if (barRect(*bar, lane).adjusted(-2, 0, 2, 0).contains(position)) return &*bar;
    }
    return nullptr;
}

void TimelineLayer::drawBar(QCPPainter* painter, const TimelineBar& bar, const QRectF& rect, double textEnd) const
{
    const QColor tone = theme_.tone(bar.tone);
    painter->fillRect(rect, theme_.wash(bar.tone, bar.strong ? 0.42 : 0.22));
    painter->setPen(QPen(tone, 1));
    if (bar.open) {  // no line at the end that is not there
        painter->drawLine(rect.topLeft(), rect.topRight());
        painter->drawLine(rect.bottomLeft(), rect.bottomRight());
        painter->drawLine(rect.topLeft(), rect.bottomLeft());
    } else {
        painter->drawRect(rect);
    }
    QRectF visible = rect.intersected(QRectF(rect_->rect())).adjusted(before, 0, before - margins, 0);
    visible.setRight(std::min(visible.right(), textEnd));
    constexpr double least = 6;  // no letter fits
    if (visible.width() < least) return;
    const QFontMetricsF metrics(painter->font());
    const bool whole = metrics.horizontalAdvance(bar.label) <= visible.width();
    const QString& text = whole ? bar.label : bar.brief;
    if (text.isEmpty() || metrics.horizontalAdvance(text) > visible.width() + 2) return;
    painter->setPen(theme_.text());
    painter->drawText(visible, Qt::AlignLeft | Qt::AlignVCenter, text);
}

void TimelineLayer::drawBeside(QCPPainter* painter, const TimelineBar& bar, const QRectF& rect, double roomStart, double roomEnd) const
{
    const double from = rect_->axis(QCPAxis::atBottom)->coordToPixel(toSeconds(bar.besideFrom));
    const QFontMetricsF metrics(painter->font());
    const double room = roomEnd - roomStart - 8;
    constexpr double least = 90;  // less is no help
    if (metrics.horizontalAdvance(bar.beside) + margins <= rect.right() - from || room < least) return;
    painter->setPen(theme_.faint());
    painter->drawText(QRectF(QPointF(roomStart + 5, rect.top()), QPointF(roomEnd, rect.bottom())), Qt::AlignLeft | Qt::AlignVCenter, metrics.elidedText(bar.beside, Qt::ElideRight, room));
}

void TimelineLayer::drawLane(QCPPainter* painter, std::size_t lane) const
{
    double drawnTo = -1e9;
    const QCPRange range = rect_->axis(QCPAxis::atBottom)->range();
    const std::vector<const TimelineBar*> bars = visibleBars((*lanes_)[lane].bars, range.lower, range.upper, static_cast<std::size_t>(std::max(1, rect_->width())));
    for (std::size_t i = 0; i < bars.size(); ++i) {
        const TimelineBar& bar = *bars[i];
        const QRectF rect = barRect(bar, lane);
        if (rect.width() <= 2 && rect.right() <= drawnTo) continue;
        // A later bar may lie over this one's end.
        const double next = i + 1 < bars.size() ? barRect(*bars[i + 1], lane).left() : rect_->right();
        drawBar(painter, bar, rect, i + 1 < bars.size() ? next - 1 : rect.right());
        drawnTo = std::max(drawnTo, rect.right());
        // An earlier bar may reach further than this one.
        if (!bar.beside.isEmpty() && drawnTo < rect_->right()) drawBeside(painter, bar, rect, drawnTo, std::min<double>(next, rect_->right()));
    }
}

void TimelineLayer::draw(QCPPainter* painter)
{
    const QCPAxis* time = rect_->axis(QCPAxis::atBottom);
    for (const TimelineGap& gap : *gaps_) {
        const double left = std::max(time->coordToPixel(toSeconds(gap.start)), rect_->left() - 10.0);
        const double right = std::min(time->coordToPixel(toSeconds(gap.end)), rect_->right() + 10.0);
        if (right < rect_->left() || left > rect_->right()) continue;
        const QRectF area(QPointF(left, rect_->top()), QPointF(std::max(right, left + 1), rect_->bottom() + 1));
        painter->fillRect(area, theme_.wash(Tone::Error, 0.10));
        if (lanes_) continue;
        painter->setPen(theme_.tone(Tone::Error));
        const QString text = QStringLiteral("✕ %1").arg(formatDuration(gap.end - gap.start));
        const QRectF visible = area.intersected(QRectF(rect_->rect()));
        if (QFontMetricsF(painter->font()).horizontalAdvance(text) < visible.width()) painter->drawText(visible, Qt::AlignHCenter | Qt::AlignTop, text);
    }
    if (!lanes_) return;
    painter->setPen(QPen(theme_.hairline(), 1));
    const QCPAxis* level = rect_->axis(QCPAxis::atLeft);
    for (std::size_t lane = 1; lane < lanes_->size(); ++lane) {
        const double y = level->coordToPixel(static_cast<double>(lane));
        painter->drawLine(QPointF(rect_->left(), y), QPointF(rect_->right(), y));
    }
    for (std::size_t lane = 0; lane < lanes_->size(); ++lane) drawLane(painter, lane);
}

}  // namespace roamscope::ui
