// SPDX-License-Identifier: GPL-3.0-or-later
// Whether a run did what its scenario expects, and whether what analysis inferred is what the nodes knew.
#pragma once

#include "capture/analysis/analysis.hpp"
#include "capture/run/lab_record.hpp"
#include "capture/trace/trace.hpp"

#include <string>
#include <vector>

namespace roamscope::analysis {

struct ExpectationResult {
    std::string text;   ///< the expectation in words
    bool met = false;
    std::string found;  ///< what the run had instead, or the figure that met it
};

/// What the scenario of `record` expects, in its order; then every invariant that did not hold. Handovers are numbered from 1 in
/// order of time; the first registration is none. `trace` and `analysis` are of the whole run.
[[nodiscard]] std::vector<ExpectationResult> checkExpectations(const Analysis& analysis, const capture::TraceSnapshot& trace, const capture::LabRecord& record);

/// The nth handover (from 1) as people count: without first registrations. Null when there are fewer.
[[nodiscard]] const Handover* handoverNumber(const Analysis& analysis, int number);

struct TruthComparison {
    std::size_t bindings = 0;              ///< states that the binding caches went through
    std::size_t matched = 0;               ///< of these, inferred with the same values and at that time
    /// One sentence each, with the reason where the capture cannot show what was: no acknowledgement was captured or asked for, or it left
    /// late. Empty: inference equals truth.
    std::vector<std::string> differences;
};

/// Compares every state of a binding cache, of home agents, MAPs and correspondents, with the inferred bindings, and the other way round.
/// The acknowledgement proves a binding once it is on the wire, which is `tolerance` after the cache changed at most; an update that asks
/// for none is seen as long before it at most.
[[nodiscard]] TruthComparison compareWithTruth(const capture::LabRecord& truth, const Analysis& analysis, Duration tolerance = 200ms);

}  // namespace roamscope::analysis
