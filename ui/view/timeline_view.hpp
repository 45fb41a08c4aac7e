// SPDX-License-Identifier: GPL-3.0-or-later
// Time from left to right: handovers with their phases, registrations, the bindings at MAP and home agent, and below them
// each probe's delay, with the lost ones and the gap. Drag pans, the wheel zooms, a click puts the cursor there, a double
// click zooms to the handover under it. Times on the axis are seconds of the trace.
#pragma once

#include "ui/model/timeline_data.hpp"
#include "ui/model/workspace.hpp"

#include <QPoint>
#include <QTimer>
#include <QWidget>

#include <vector>

class QCustomPlot;
class QCPAxis;
class QCPAxisRect;
class QCPGraph;
class QCPItemStraightLine;
class QCPItemText;
class QCPRange;

namespace roamscope::ui {

class TimelineLayer;

class TimelineView : public QWidget {
    Q_OBJECT

public:
    explicit TimelineView(Workspace& workspace, QWidget* parent = nullptr);
    ~TimelineView() override;

    [[nodiscard]] QCustomPlot* plot() const { return plot_; }
    /// Where an instant lies, in coordinates of plot().
    [[nodiscard]] double xOf(TimePoint time) const;
    /// Instants at the edges of the picture, in seconds.
    [[nodiscard]] double leftEdge() const;
    [[nodiscard]] double rightEdge() const;
    [[nodiscard]] const std::vector<TimelineLane>& lanes() const { return lanes_; }
    [[nodiscard]] const ProbePoints& probes() const { return probes_; }

    /// Shows the whole time again, and keeps doing so while it grows.
    void fit();
    /// Zooms to a handover and puts the cursor at its start; out of range does nothing.
    void showHandover(std::size_t index);
    void zoom(double factor);

protected:
    void changeEvent(QEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    /// All bars of an analysis.
    struct Lanes {
        std::shared_ptr<const analysis::Analysis> analysis;
        std::vector<TimelineLane> lanes;
        std::vector<TimelineGap> gaps;
    };

    void makeAxes();
    void makeProbes();
    void restyle();
    void takeAnalysis();
    void showLanes(Lanes made);
    void takeProbes();
    void showCursor();
    void limitRange(const QCPRange& range);
    void limitLanes(const QCPRange& range);
    void released(QPoint position);
    [[nodiscard]] TimePoint timeAt(double x) const;
    [[nodiscard]] const TimelineBar* barAt(QPointF position) const;

    Workspace& workspace_;
    QCustomPlot* plot_;
    QCPAxisRect* lanesRect_ = nullptr;
    QCPAxisRect* probesRect_ = nullptr;
    QCPAxis* time_ = nullptr;       ///< of the probes, below; the lanes' axis is kept equal
    QCPAxis* lanesTime_ = nullptr;
    QCPGraph* delivered_ = nullptr;
    QCPGraph* lost_ = nullptr;
    QCPItemText* legend_ = nullptr;
    QCPItemText* moreLanes_ = nullptr;  ///< how many lanes there is no room for
    TimelineLayer* lanesLayer_ = nullptr;
    TimelineLayer* probesLayer_ = nullptr;
    std::vector<QCPItemStraightLine*> cursorLines_;
    std::shared_ptr<const analysis::Analysis> lanesOf_;  ///< what the lanes show
    bool making_ = false;                                ///< lanes of a large analysis are being made beside the window
    std::vector<TimelineLane> lanes_;
    std::vector<TimelineGap> gaps_;
    ProbePoints probes_;
    QTimer later_;            ///< gathers changes: the picture is drawn ten times a second at most
    bool whole_ = true;       ///< shows everything, also what is still to come
    bool rangingLanes_ = false;
    bool ranging_ = false;
    QPoint pressed_;
};

}  // namespace roamscope::ui
