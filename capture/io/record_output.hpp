// SPDX-License-Identifier: GPL-3.0-or-later
// What the nodes of a run reported, as text: the event log and the truth record of the command line contract. Keys are
// lower_snake_case, instants and durations integer nanoseconds of lab time, addresses RFC 5952 text.
#pragma once

#include "capture/run/lab_record.hpp"

#include <string>

namespace roamscope::capture {

/// One JSON object a line: `time`, `node`, `event`, then what belongs to it; ends with a line's end unless empty.
[[nodiscard]] std::string eventLines(const LabRecord& record);
/// Appends one event's line; `node` is its node's name.
void appendEventLine(std::string& out, std::string_view node, const lab::LabEvent& item);

/// One document: scenario, seed, backend, start, duration, nodes, links, changes, handovers and probes. Replaying `changes` up
/// to an instant gives the whole state then.
[[nodiscard]] std::string truthJson(const LabRecord& record);

/// "2026-01-01T00:00:00.000000000Z" of nanoseconds since 1970.
[[nodiscard]] std::string utcText(std::int64_t utc);

}  // namespace roamscope::capture
