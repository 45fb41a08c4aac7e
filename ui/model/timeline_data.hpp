// SPDX-License-Identifier: GPL-3.0-or-later
// What the timeline draws, as plain values: lanes of bars and the probes' delays, thinned to what a screen can show. No
// widgets, no decisions about protocols: everything is taken from the analysis.
#pragma once

#include "capture/analysis/analysis.hpp"
#include "ui/model/names.hpp"
#include "ui/model/theme.hpp"

#include <QString>

#include <vector>

namespace roamscope::ui {

struct TimelineBar {
    TimePoint start{};
    TimePoint end{};
    Tone tone = Tone::Data;
    QString label;    ///< shown where it fits
    QString brief;    ///< where only this fits
    QString beside;   ///< shown to the right of the bar instead, where the bars since `besideFrom` are too narrow for it
    TimePoint besideFrom{};
    QString tooltip;  ///< plain text
    bool open = false;  ///< goes on beyond what is known
    bool strong = false;  ///< drawn full instead of washed
};

struct TimelineLane {
    QString title;
    std::vector<TimelineBar> bars;  ///< by start
};

/// Lanes from top to bottom: handovers, their phases, registrations; then one for each kind of binding owner and one for each
/// home address and binding identifier (RFC 5648), as far as they hold anything. `end`: where bars that are still open end.
[[nodiscard]] std::vector<TimelineLane> timelineLanes(const analysis::Analysis& analysis, const Names& names, TimePoint end);

/// The bars of a lane that differ on a screen where the seconds [from, to] are `columns` pixels wide: of those that begin in one
/// column only the longest.
[[nodiscard]] std::vector<const TimelineBar*> visibleBars(const std::vector<TimelineBar>& bars, double from, double to, std::size_t columns);

/// A stretch without data: from the last probe that was delivered before a handover's gap to the first one after it.
struct TimelineGap {
    TimePoint start{};
    TimePoint end{};
};
[[nodiscard]] std::vector<TimelineGap> timelineGaps(const analysis::Analysis& analysis);

/// Probes as points; keys are seconds of the trace, sorted.
struct ProbePoints {
    std::vector<double> deliveredAt;  ///< time of sending
    std::vector<double> delayMs;      ///< one way
    std::vector<double> lostAt;       ///< time of sending of those that never arrived
    double largestDelayMs = 0;
};
/// The probes sent in [from, to], at most about 2 * `buckets` delivered and `buckets` lost: per bucket the fastest and the
/// slowest and one loss. Probes sent after `settled` that have not arrived are not shown:
/// they may be under way. Neither are those that were seen only where they were sent.
[[nodiscard]] ProbePoints probePoints(const analysis::Analysis& analysis, TimePoint from, TimePoint to, TimePoint settled, std::size_t buckets);

}  // namespace roamscope::ui
