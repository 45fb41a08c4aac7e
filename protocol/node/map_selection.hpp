// SPDX-License-Identifier: GPL-3.0-or-later
// The mobility anchor points that a mobile node has heard of and the choice among them (RFC 4140 §7.2, §9.1; RFC 5380 §7.1,
// §9.1): HMIP-MN-01 to -06, errata E-03.
#pragma once

#include "protocol/base/near.hpp"
#include "protocol/node/output.hpp"
#include "protocol/wire/ndisc.hpp"

#include <map>
#include <optional>
#include <set>
#include <vector>

namespace roamscope::node {

enum class MapPolicy : std::uint8_t {
    Furthest,    ///< greatest distance, then preference, then lowest address (HMIP-MN-04)
    Preference,  ///< greatest preference, then distance, then lowest address (HMIP-MN-03)
};

class MapSelection {
public:
    explicit MapSelection(MapPolicy policy) : policy_(policy) {}
    void setPolicy(MapPolicy policy) { policy_ = policy; }

    static constexpr std::size_t maximum = 16;  ///< MAPs that are remembered
    /// A MAP that so many advertisements in a row left out is not there any more; one may have been lost on the way to the router.
    static constexpr int toleratedOmissions = 3;

    /// Stores the options of one advertisement of the router in use (HMIP-MN-01, -02). The newest option of a MAP replaces the older one.
    /// `strict`: an advertisement without any MAP option means that there is no MAP (RFC 4140 §7.2, HMIP-MN-07a); RFC 5380 does not say so.
    void heard(TimePoint now, const std::vector<wire::NdOption>& options, bool strict = false);
    /// The best MAP: never one that refused us, or with a lifetime that is over or too short for a binding (HMIP-MN-06), and one with preference 0 only when it is `current`, the
    /// one registered with, and there is no other (HMIP-MN-05: refreshing there is fine).
    [[nodiscard]] std::optional<wire::MapOption> choose(TimePoint now, std::optional<Ipv6Address> current) const;
    /// All that choose() could give, the best first (HMIP-MN-21).
    [[nodiscard]] std::vector<wire::MapOption> ranked(TimePoint now, std::optional<Ipv6Address> current) const;
    /// It was advertised with lifetime 0: bindings there count as lost (HMIP-MN-06).
    [[nodiscard]] bool hasFailed(const Ipv6Address& map) const;
    [[nodiscard]] bool knows(const Ipv6Address& map) const { return find(map) != nullptr; }
    /// Forgets what was heard: another link was entered. Choices made stay with the caller.
    void clear()
    {
        known_.clear();
        refused_.clear();
        silent_.clear();
    }
    /// Passes this MAP over until clear(): it will have none of our bindings (MN-BU-16).
    void refused(const Ipv6Address& map) { refused_.insert(map); }
    /// Passes this MAP over until then or clear(): it does not answer (HMIP-MN-33).
    void silent(const Ipv6Address& map, TimePoint until) { silent_[map] = until; }
    /// Forgets pauses that are over.
    void advance(TimePoint now);
    /// When the first pause is over.
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;
    /// When `map` stops being eligible unless it is advertised again; none when it is not known.
    [[nodiscard]] std::optional<TimePoint> usableUntil(const Ipv6Address& map) const;
    /// Seconds that the option of `map` is still valid; 0 when unknown (HMIP-MN-16).
    [[nodiscard]] std::chrono::seconds remaining(TimePoint now, const Ipv6Address& map) const;

    /// Has what the owner will look at come into the caches (near.hpp).
    void bringNear() const { roamscope::bringNear(known_); }

private:
    /// Lifetimes of bindings come in units of 4 s: a MAP that is valid for no longer cannot be registered with.
    static constexpr Duration leastLifetime = 4s;

    struct Known {
        wire::MapOption option;
        TimePoint expires;
        int omitted = 0;  ///< by that many advertisements in a row
    };
    [[nodiscard]] const Known* find(const Ipv6Address& map) const;
    [[nodiscard]] bool better(const wire::MapOption& a, const wire::MapOption& b) const;

    MapPolicy policy_;
    std::vector<Known> known_;
    std::set<Ipv6Address> refused_;
    std::map<Ipv6Address, TimePoint> silent_;
};

}  // namespace roamscope::node
