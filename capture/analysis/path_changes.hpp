// SPDX-License-Identifier: GPL-3.0-or-later
// When the care-of addresses that a mobile node has side by side change (RFC 5648): an identifier comes, leaves, or takes the
// place of another. Read from the intervals of home agents and MAPs. Pure; O(n log n) in the number of intervals.
#pragma once

#include "capture/analysis/analysis.hpp"

namespace roamscope::analysis {

struct PathChange {
    HandoverKind kind = HandoverKind::PathAdded;  ///< Initial: nothing was bound before; else PathAdded, PathRemoved or PathSwitched
    const BindingInterval* before = nullptr;      ///< what left; not for Initial and PathAdded
    const BindingInterval* after = nullptr;       ///< what came; not for PathRemoved
    TimePoint time{};                             ///< of the acknowledgement, expiry or revocation
    std::optional<std::uint32_t> exchange;        ///< whose answer said so, into `exchanges`; none when a binding ran out or was revoked

    [[nodiscard]] const BindingInterval& binding() const { return after ? *after : *before; }
};

/// In order of time. Points into `bindings`. Bindings without identifiers are movements and not told here; neither is that all
/// identifiers end by an update without any: the node returned home, or has one care-of address again.
[[nodiscard]] std::vector<PathChange> pathChanges(const std::vector<BindingInterval>& bindings, const std::vector<IdentifierAnswer>& answers,
                                                  const std::vector<Exchange>& exchanges);

}  // namespace roamscope::analysis
