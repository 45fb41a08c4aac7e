// SPDX-License-Identifier: GPL-3.0-or-later
// The mobility anchor points that a mobile node has heard of and the choice among them (RFC 4140 §7.2, §9.1; RFC 5380 §7.1,
// §9.1): HMIP-MN-01 to -06, errata E-03.
#pragma once

#include "protocol/base/time.hpp"
#include "protocol/wire/ndisc.hpp"

#include <optional>
#include <vector>

namespace roamscope::node {

enum class MapPolicy : std::uint8_t {
    Furthest,    ///< greatest distance, then preference, then lowest address (HMIP-MN-04)
    Preference,  ///< greatest preference, then distance, then lowest address (HMIP-MN-03)
};

class MapSelection {
public:
    explicit MapSelection(MapPolicy policy) : policy_(policy) {}

    /// Stores the options of one advertisement (HMIP-MN-01, -02). The newest option of a MAP replaces the older one.
    void heard(TimePoint now, const std::vector<wire::NdOption>& options);
    /// The best MAP: never one that refused us, or with a lifetime that is over or too short for a binding (HMIP-MN-06), and one with preference 0 only when it is `current`, the
    /// one registered with, and there is no other (HMIP-MN-05: refreshing there is fine).
    [[nodiscard]] std::optional<wire::MapOption> choose(TimePoint now, std::optional<Ipv6Address> current) const;
    /// Forgets what was heard: another link was entered. Choices made stay with the caller.
    void clear()
    {
        known_.clear();
        refused_.clear();
    }
    /// Passes this MAP over until clear(): it will have none of our bindings (MN-BU-16).
    void refused(const Ipv6Address& map) { refused_.push_back(map); }
    /// When `map` stops being eligible unless it is advertised again; none when it is not known.
    [[nodiscard]] std::optional<TimePoint> usableUntil(const Ipv6Address& map) const;
    /// Seconds that the option of `map` is still valid; 0 when unknown (HMIP-MN-16).
    [[nodiscard]] std::chrono::seconds remaining(TimePoint now, const Ipv6Address& map) const;

private:
    /// Lifetimes of bindings come in units of 4 s: a MAP that is valid for no longer cannot be registered with.
    static constexpr Duration leastLifetime = 4s;

    struct Known {
        wire::MapOption option;
        TimePoint expires;
    };
    [[nodiscard]] bool better(const wire::MapOption& a, const wire::MapOption& b) const;

    MapPolicy policy_;
    std::vector<Known> known_;
    std::vector<Ipv6Address> refused_;
};

}  // namespace roamscope::node
