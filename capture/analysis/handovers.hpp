// SPDX-License-Identifier: GPL-3.0-or-later
// Handovers with their phases, put together from registrations, stays, advertisements and probes when they are asked for
// (handover model §3). Pure functions of the trackers.
#pragma once

#include "capture/analysis/flows.hpp"

namespace roamscope::analysis {

struct HandoverSources {
    const Mobiles& mobiles;
    const std::vector<Exchange>& exchanges;
    const Presence& presence;
    const FlowTracker& flows;
    const std::unordered_map<std::uint32_t, std::string>& linkNames;
    const std::vector<BindingInterval>& bindings;
    const std::vector<IdentifierAnswer>& answers;
    TimePoint end;  ///< time of the last frame
};

/// All handovers in order of their start.
[[nodiscard]] std::vector<Handover> buildHandovers(const HandoverSources& sources);
/// Where the mobile nodes were, in order of time.
[[nodiscard]] std::vector<Attachment> buildAttachments(const HandoverSources& sources);

}  // namespace roamscope::analysis
