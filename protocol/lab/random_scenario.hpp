// SPDX-License-Identifier: GPL-3.0-or-later
// Scenarios by seed, to look for what nobody thought of: topology, timing, movements, traffic, impairments and faults are drawn.
// Every one passes validate(). A seed that finds something is made small by leaving out parts.
#pragma once

#include "protocol/lab/scenario.hpp"

namespace roamscope::lab {

/// The same seed gives the same scenario. Its own seed is that, too.
[[nodiscard]] Scenario randomScenario(std::uint64_t seed);

/// A mobile node with several care-of addresses by identifiers (RFC 5648): two to eight interfaces that come and go until
/// randomPathsMove, then time enough for every answer. One randomScenario() in four is the one of its seed, with less time.
[[nodiscard]] Scenario randomPaths(std::uint64_t seed);
inline constexpr Duration randomPathsMove = 40s;

/// One in five: one of its mobile nodes is a mobile router (RFC 3963), with a host behind it; all else stays what it is. Every
/// randomScenario() has been through this.
[[nodiscard]] Scenario withMobileRouter(Scenario scenario, std::uint64_t seed);

/// One in three of those with a mobile node that uses binding identifiers: some of its interfaces are on IPv4 networks (RFC 5648 §8),
/// for which the home agent `ha` gets an IPv4 address and a gateway comes in; all else stays what it is. Every randomScenario() has
/// been through this.
[[nodiscard]] Scenario withIpv4Networks(Scenario scenario, std::uint64_t seed);

/// Events, faults, impairments and flows, numbered from 0 in this order.
[[nodiscard]] std::size_t partCount(const Scenario& scenario);
/// The scenario without these parts; numbers that do not exist are passed over.
[[nodiscard]] Scenario withoutParts(const Scenario& scenario, const std::vector<std::size_t>& parts);

}  // namespace roamscope::lab
