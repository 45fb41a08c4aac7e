// SPDX-License-Identifier: GPL-3.0-or-later
// What a timeline shows, as plain values: lanes with bars for the phases of handovers and for bindings, probes with the gaps
// that handovers tore. No pixels and no widgets: the SVG output and the window paint from the same values.
#pragma once

#include "capture/analysis/analysis.hpp"
#include "protocol/lab/scenario.hpp"

#include <string>
#include <vector>

namespace roamscope::picture {

/// Roles of the palette (design of the interface §7).
enum class Ink : std::uint8_t { HomeRegistration, LocalRegistration, Discovery, RouteOptimisation, Data, Warning };
[[nodiscard]] std::string_view lightColour(Ink ink);  ///< "#0072B2"

struct Bar {
    TimePoint start{};
    TimePoint end{};
    std::string text;  ///< on or beside the bar
    std::string hint;  ///< the whole story, for a tooltip
    Ink ink = Ink::Data;
};

struct Lane {
    std::string label;
    std::string detail;     ///< small, beneath the label: an address
    std::vector<Bar> bars;  ///< in order of time
};

struct ProbeTick {
    TimePoint sent{};
    bool delivered = false;
};

struct Gap {
    TimePoint start{};
    TimePoint end{};
    std::string text;  ///< "1.300 s, 12 lost"
};

struct ProbeLane {
    std::string label;
    std::string detail;
    std::vector<ProbeTick> ticks;  ///< in order of time
    std::vector<Gap> gaps;
};

struct TimelinePicture {
    TimePoint start{};
    TimePoint end{};
    std::vector<Lane> phases;    ///< one for each phase of each mobile node that occurs
    std::vector<Lane> bindings;  ///< one for each binding, MAPs' first
    std::vector<ProbeLane> probes;
    std::size_t hiddenLanes = 0;  ///< left out because there are too many
};

/// Everything from the trace's time 0 to `total`. `names` gives nodes their names, null: addresses.
[[nodiscard]] TimelinePicture timelinePicture(const analysis::Analysis& analysis, Duration total, const lab::Scenario* names);

/// The name of the node with this address in the scenario; else its role and address, as far as analysis knows.
[[nodiscard]] std::string nodeName(const Ipv6Address& address, const analysis::Analysis& analysis, const lab::Scenario* names);

/// "86 ms", "1.300 s": what fits the size.
[[nodiscard]] std::string durationText(Duration d);

/// Round instants in [start, end], at most `most` of them, for a time axis.
[[nodiscard]] std::vector<TimePoint> axisTicks(TimePoint start, TimePoint end, std::size_t most);

}  // namespace roamscope::picture
