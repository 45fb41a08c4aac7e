// SPDX-License-Identifier: GPL-3.0-or-later
// What the nodes of a run reported: the truth, to be written out and compared with what analysis infers. Filled by the run's
// thread, read by others when the run has ended.
#pragma once

#include "protocol/lab/lab.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace roamscope::capture {

struct LabRecord {
    lab::Scenario scenario;
    std::uint64_t seed = 0;
    std::string backend;            ///< "virtual", "tap"
    std::int64_t startUtc = 0;      ///< ns since 1970 of lab time 0
    Duration duration{0};           ///< that was run
    std::vector<lab::Port> ports;
    std::vector<lab::LabEvent> events;
};

}  // namespace roamscope::capture
