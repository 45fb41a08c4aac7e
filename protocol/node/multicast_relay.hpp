// SPDX-License-Identifier: GPL-3.0-or-later
// Which multicast groups mobile nodes want through their tunnels (RFC 6275 §10.4.2, §10.4.3; HA-FWD-04), learnt from the listener
// reports that they tunnel. It decides, the home agent sends. Bounded: `most` groups for one node; nodes are those with bindings.
#pragma once

#include "protocol/node/address_table.hpp"
#include "protocol/node/output.hpp"
#include "protocol/wire/icmpv6.hpp"

#include <map>
#include <set>

namespace roamscope::node {

class MulticastRelay {
public:
    static constexpr std::size_t most = 32;
    static constexpr int robustness = 2;                             ///< RFC 3810 §9.1
    static constexpr Duration queryInterval = 125s;                  ///< RFC 3810 §9.2
    static constexpr Duration listenerInterval = 260s;               ///< RFC 3810 §9.4: without a report for so long nobody wants the group
    static constexpr Duration startupInterval = queryInterval / 4;   ///< RFC 3810 §9.6: between the first `robustness` queries (§9.7)

    /// Only these are ever tunnelled: what has global scope (HA-FWD-04).
    [[nodiscard]] static bool isGlobal(const Ipv6Address& group) { return group.isMulticast() && (group.octets[1] & 0x0f) == 0x0e; }

    /// A mobile node has a binding with this care-of address from now on, or one less.
    void bound(const Ipv6Address& home, const Ipv6Address& careOf)
    {
        if (Tunnel* tunnel = tunnels_.find(careOf)) tunnel->home = home;
        else tunnels_.add({careOf, home});
    }
    void left(const Ipv6Address& home, const Ipv6Address& careOf);
    /// Has what bound() looks at first come into the caches.
    void bringNear(const Ipv6Address& careOf) const { tunnels_.bringNear(careOf); }
    /// Its queries begin now, unless they have begun: before the first one it may not report (RFC 6275 §11.3.4). They go on until unbound().
    void ask(TimePoint now, const Ipv6Address& home) { (void)begin(now, home); }
    /// It has none. Gives the groups that nobody wants any more.
    [[nodiscard]] std::vector<Ipv6Address> unbound(const Ipv6Address& home);
    /// Whose tunnel comes from `careOf`; link-local sources of reports name nobody.
    [[nodiscard]] std::optional<Ipv6Address> nodeAt(const Ipv6Address& careOf) const;

    struct Change {
        std::vector<Ipv6Address> joined;  ///< groups that somebody wants now
        std::vector<Ipv6Address> left;    ///< groups that nobody wants any more
    };
    /// A report or a done message of a mobile node that has a binding.
    [[nodiscard]] Change heard(TimePoint now, const Ipv6Address& home, const wire::Icmpv6Message& message);
    [[nodiscard]] std::vector<Ipv6Address> listeners(const Ipv6Address& group) const;

    struct Due {
        std::vector<Ipv6Address> queries;  ///< mobile nodes that are to be asked
        std::vector<Ipv6Address> left;
    };
    [[nodiscard]] Due due(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const { return timers_.empty() ? std::nullopt : std::optional(timers_.begin()->first); }

private:
    struct Listener {
        std::map<Ipv6Address, TimePoint> groups;  ///< until when each is wanted
        TimePoint nextQuery{};
        int startup = robustness;                 ///< queries left of those that come closer together
        TimePoint timer{};                        ///< as in timers_
    };
    Listener& begin(TimePoint now, const Ipv6Address& home);
    void arm(const Ipv6Address& home, Listener& listener);
    void want(TimePoint now, const Ipv6Address& home, const Ipv6Address& group, bool wanted, Change& change);
    void drop(const Ipv6Address& home, const Ipv6Address& group, std::vector<Ipv6Address>& left);

    std::map<Ipv6Address, Listener> listeners_;                        ///< by home address
    std::set<std::pair<TimePoint, Ipv6Address>> timers_;               ///< one for each of them
    std::map<Ipv6Address, std::set<Ipv6Address>> wanted_;              ///< by whom each group, none of them empty
    struct Tunnel {
        Ipv6Address address;  ///< care-of address
        Ipv6Address home;
    };
    AddressList<Tunnel> tunnels_;
};

}  // namespace roamscope::node
