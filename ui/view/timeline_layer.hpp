// SPDX-License-Identifier: GPL-3.0-or-later
// What the timeline paints itself inside an axis rectangle of QCustomPlot: shaded gaps and the bars of the lanes. Bars
// narrower than a pixel that fall on one another are drawn once.
#pragma once

#include "ui/model/theme.hpp"
#include "ui/model/timeline_data.hpp"

#include <qcustomplot.h>

namespace roamscope::ui {

class TimelineLayer : public QCPLayerable {
public:
    /// Draws into `rect`; `lanes` may be null. What the pointers refer to must outlive the layer.
    TimelineLayer(QCPAxisRect* rect, const std::vector<TimelineLane>* lanes, const std::vector<TimelineGap>* gaps);

    void setTheme(const Theme& theme) { theme_ = theme; }
    /// The bar at a place of the plot, or null.
    [[nodiscard]] const TimelineBar* barAt(QPointF position) const;

protected:
    void applyDefaultAntialiasingHint(QCPPainter* painter) const override;
    void draw(QCPPainter* painter) override;
    [[nodiscard]] QRect clipRect() const override;

private:
    [[nodiscard]] QRectF barRect(const TimelineBar& bar, std::size_t lane) const;
    void drawLane(QCPPainter* painter, std::size_t lane) const;
    void drawBar(QCPPainter* painter, const TimelineBar& bar, const QRectF& rect, double textEnd) const;
    void drawBeside(QCPPainter* painter, const TimelineBar& bar, const QRectF& rect, double roomStart, double roomEnd) const;

    QCPAxisRect* rect_;
    const std::vector<TimelineLane>* lanes_;
    const std::vector<TimelineGap>* gaps_;
    Theme theme_{QPalette()};
};

}  // namespace roamscope::ui
