// SPDX-License-Identifier: GPL-3.0-or-later
// Results of analysis as text: the document of `analyze --json` and `run --report`, and the table of handovers for people.
// Keys are lower_snake_case, instants and durations integer nanoseconds since the trace's time 0, lifetimes seconds, addresses
// RFC 5952 text. Frame numbers count from 1, as people and `decode` count.
#pragma once

#include "capture/analysis/expectations.hpp"
#include "capture/run/session.hpp"

#include <string>

namespace roamscope::capture {

/// One document: format, start (UTC, once), duration, links, nodes, handovers, bindings, exchanges, flows, attachments,
/// findings, completeness. Ends with a line's end.
[[nodiscard]] std::string reportJson(const analysis::Analysis& analysis, const View& view);

/// The same with what the run's scenario expects (`expectations`) and the comparison with what the nodes knew (`truth`).
[[nodiscard]] std::string runReportJson(const analysis::Analysis& analysis, const View& view, const LabRecord& record,
                                        const std::vector<analysis::ExpectationResult>& expectations);

/// Handovers as lines under a heading; first registrations carry no number. `names` gives nodes their names, null: addresses.
/// Says so when there is none. Ends with a line's end.
[[nodiscard]] std::string handoverTable(const analysis::Analysis& analysis, const lab::Scenario* names);

/// How the probes of each flow fared by each care-of address, in the same form; empty when none has an identifier (RFC 5648).
[[nodiscard]] std::string pathTable(const analysis::Analysis& analysis, const lab::Scenario* names);

}  // namespace roamscope::capture
