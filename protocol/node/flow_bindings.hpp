// SPDX-License-Identifier: GPL-3.0-or-later
// What the flow options of a Binding Update do to the flow bindings of a home address at a home agent, a MAP or a correspondent
// (RFC 6089 §5.3; FLOW-01, -02, -04 to -07, -10). Values and functions: no state, no input or output. The identifiers of the update
// (bid_bindings.hpp) come first, and an update that is refused changes no flow; both is the caller's.
#pragma once

#include "protocol/node/agent_policy.hpp"
#include "protocol/node/flow_match.hpp"
#include "protocol/wire/mobility_options.hpp"

namespace roamscope::node {

/// Status of a flow identification option (RFC 6089 §4.2).
namespace flowStatus {
inline constexpr std::uint8_t successful = 0;
inline constexpr std::uint8_t prohibited = 128;
inline constexpr std::uint8_t rejected = 129;
inline constexpr std::uint8_t malformed = 130;
inline constexpr std::uint8_t bidNotFound = 131;
inline constexpr std::uint8_t flowNotFound = 132;
inline constexpr std::uint8_t formatNotSupported = 133;
}  // namespace flowStatus

struct FlowOutcome {
    std::vector<wire::FlowIdentification> answers;  ///< options of the acknowledgement (FLOW-07)
    std::vector<Flow> flows;                        ///< from now on, ordered
};

/// Whether there are flow options, also ones that cannot be read.
[[nodiscard]] bool hasFlows(const std::vector<wire::MobilityOption>& options);
/// `options` of an update that was accepted, `present` flows, and the identifiers that the home address has now.
[[nodiscard]] FlowOutcome applyFlows(const std::vector<wire::MobilityOption>& options, const std::vector<Flow>& present,
                                     const std::vector<std::uint16_t>& bids, const FlowPolicy& policy);

}  // namespace roamscope::node
