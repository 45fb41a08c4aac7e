// SPDX-License-Identifier: GPL-3.0-or-later
// When a home agent tells mobile nodes the prefixes of their home link (RFC 6275 §6.8, §10.6.2; HA-MPA-01): at once when asked, at a
// random time later on its own account, repeated until the node asks. It decides, the home agent sends. Bounded by the bindings.
#pragma once

#include "protocol/base/random.hpp"
#include "protocol/node/output.hpp"
#include "protocol/node/timed_pool.hpp"

namespace roamscope::node {

class PrefixDelivery {
public:
    struct Settings {
        bool enabled = true;           ///< off: solicitations are not answered either (RFC 6275 §8.4)
        Duration minInterval = 600s;   ///< MinMobPfxAdvInterval
        Duration maxInterval = 86400s; ///< MaxMobPfxAdvInterval, at least a second more than the least one
    };
    static constexpr Duration timeout = 3s;      ///< PREFIX_ADV_TIMEOUT, doubled with every repetition
    static constexpr int retries = 3;            ///< PREFIX_ADV_RETRIES
    static constexpr Duration closest = 1s;      ///< never more than one advertisement a second to one node

    PrefixDelivery(const Settings& settings, Random random) : settings_(settings), random_(random) {}

    /// A home registration was accepted. `preferred`: what its prefix has left.
    void bound(TimePoint now, const Ipv6Address& home, Duration preferred);
    /// Has what bound() looks at first come into the caches.
    void bringNear(const Ipv6Address& home) const { nodes_.bringNear(home); }
    /// The binding ended: nothing more is sent.
    void unbound(const Ipv6Address& home);
    /// The prefixes of the node's link, or their lifetimes or flags, are others.
    void changed(TimePoint now, const Ipv6Address& home, Duration preferred);
    /// A solicitation, which also acknowledges what was sent.
    void solicited(TimePoint now, const Ipv6Address& home, std::uint16_t identifier);

    struct Due {
        Ipv6Address home;
        std::uint16_t identifier = 0;  ///< of the solicitation, or a fresh one
        bool solicited = false;
    };
    /// The next advertisement that must leave by `now`.
    [[nodiscard]] std::optional<Due> due(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;
    [[nodiscard]] const Settings& settings() const { return settings_; }
    void configure(const Settings& settings) { settings_ = settings; }

private:
    enum class Reason : std::uint8_t { None, Scheduled, Repeat, Answer };
    struct Node {
        Ipv6Address home;
        std::uint32_t timer = 0;    ///< of the pool
        Reason reason = Reason::None;
        TimePoint next{};
        TimePoint last{};
        bool sent = false;          ///< `last` counts
        int repeated = 0;
        std::uint16_t identifier = 0;
        bool acknowledged = true;   ///< nothing that was sent unasked waits for a solicitation
        Duration preferred{};
    };
    void arm(Node& node, Reason reason, TimePoint at);
    void schedule(TimePoint now, Node& node);
    [[nodiscard]] TimePoint notBefore(TimePoint at, const Node& node) const { return node.sent ? std::max(at, node.last + closest) : at; }

    Settings settings_;
    Random random_;
    TimedPool<Node, &Node::home, &Node::next, &Node::timer> nodes_;  ///< the timer is on while there is a reason
};

}  // namespace roamscope::node
