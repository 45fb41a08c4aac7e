// SPDX-License-Identifier: GPL-3.0-or-later
// MAP options that a router has heard and passes on (dynamic MAP discovery, RFC 4140 §7.1.1, HMIP-MAP-11), and whether the MAPs that it
// advertises answer (RFC 4140 and 5380 §10, HMIP-AR-04). Deterministic, no input or output; the lists are bounded.
#pragma once

#include "protocol/base/random.hpp"
#include "protocol/node/output.hpp"
#include "protocol/wire/icmpv6.hpp"

#include <map>
#include <tuple>

namespace roamscope::node {

class MapRelay {
public:
    static constexpr std::size_t maxOptions = 64;
    static constexpr std::uint8_t furthest = 15;  ///< Dist has four bits; what is further is not passed on
    /// How long a lifetime of 0 is passed on, so that everybody hears that the MAP has failed.
    static constexpr Duration failureTold = 60s;

    /// The MAP options of a valid advertisement from `router` on `interface`. True when something changed.
    bool heard(TimePoint now, std::size_t interface, const Ipv6Address& router, const wire::RouterAdvertisement& ra);
    /// What goes out on `interface`: every MAP heard on others, at its smallest distance, one further.
    [[nodiscard]] std::vector<wire::MapOption> relayedTo(std::size_t interface) const;
    /// True when an option has reached the end of its lifetime.
    bool expire(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;

private:
    struct Entry {
        wire::MapOption option;
        TimePoint until{};
    };
    using Key = std::tuple<Ipv6Address, std::size_t, Ipv6Address>;  ///< MAP, interface, router
    std::map<Key, Entry> entries_;
};

class MapProber {
public:
    struct Settings {
        bool enabled = false;
        Duration interval = 10s;  ///< between echo requests while the MAP answers
        Duration retry = 5s;      ///< after one was not answered
        Duration patience = 15s;  ///< how long it is asked like that before it counts as failed
    };

    MapProber(const Settings& settings, Random random) : settings_(settings), random_(random), identifier_(static_cast<std::uint16_t>(random_.next())) {}

    /// Probes these MAPs from now on, and no others.
    void watch(TimePoint now, const std::vector<Ipv6Address>& maps);

    struct Request {
        Ipv6Address map;
        wire::Echo echo;
    };
    /// The next echo request that must leave by `now`. A MAP may turn out to have failed meanwhile.
    [[nodiscard]] std::optional<Request> due(TimePoint now);
    /// An echo reply; only the answer to the last request counts, with its octets, which nobody else knows (HMIP-AR-05).
    void answered(TimePoint now, const Ipv6Address& source, const wire::Echo& reply);
    [[nodiscard]] bool hasFailed(const Ipv6Address& map) const;
    /// True once after a MAP failed or came back.
    [[nodiscard]] bool takeChange() { return std::exchange(changed_, false); }
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;
    [[nodiscard]] const Settings& settings() const { return settings_; }
    void configure(const Settings& settings) { settings_ = settings; }

private:
    struct Map {
        TimePoint next{};
        bool awaited = false;
        bool failed = false;
        int insisted = 0;  ///< requests since the first one that was not answered
        wire::Echo last;
    };
    void judgeSilence(Map& map);

    Settings settings_;
    Random random_;
    std::uint16_t identifier_;
    std::uint16_t sequence_ = 0;
    bool changed_ = false;
    std::map<Ipv6Address, Map> maps_;
};

}  // namespace roamscope::node
