// SPDX-License-Identifier: GPL-3.0-or-later
// Probes of this project's traffic source (wire/udp.hpp): when each was sent, whether it was delivered and answered. To a
// mobile node a probe is delivered when it is sent to the node's own interface while the node is there; a link goes on carrying
// frames to a node that has left, so what follows the node's last frame counts only once it was heard again on that link. To any other
// node it is delivered by the last frame outside of tunnels, which must go to its interface where that is known.
// Care-of addresses are paths: a probe takes the one that its outermost header has. What a tunnel to or from one carries for others is
// of hosts behind a mobile router (RFC 3963).
// One thread; amortised O(1) a probe frame.
#pragma once

#include "capture/analysis/mobiles.hpp"

namespace roamscope::analysis {

class FlowTracker {
public:
    struct Counts {
        std::uint32_t lost = 0;
        std::uint32_t duplicated = 0;
        std::uint32_t reordered = 0;
    };

    /// A stretch without data to a mobile node.
    struct Gap {
        TimePoint last;   ///< arrived by the old path
        TimePoint first;  ///< arrived by another one
    };

    /// Any frame; `movement` is what Presence::add() said of it.
    void add(const Observation& o, const Movement& movement, const Mobiles& mobiles, const Presence& presence);
    /// Flows as known at `end`, the time of the last frame.
    [[nodiscard]] std::vector<Flow> flows(const Mobiles& mobiles, const Presence& presence, TimePoint end) const;
    /// Probes to `mobile` that were sent in [from, to]; lost ones also when they were underway at `from`, that is, sent after
    /// the last one that arrived before. Flows to hosts behind it are its own here.
    [[nodiscard]] Counts count(const Mobile& mobile, TimePoint from, TimePoint to, TimePoint end, const Presence& presence) const;
    /// What the end of the path `careOf` (on the link) at `at` cost the flows to `mobile` that used it until then: the longest gap, if
    /// there are such flows and one of them went on by another path.
    [[nodiscard]] std::optional<Gap> gap(const Mobile& mobile, const Ipv6Address& careOf, TimePoint at, TimePoint end) const;

private:
    struct Sample {
        ProbeSample value;
        std::optional<TimePoint> plain;  ///< last sighting outside of tunnels, towards an immobile destination
        Mac plainTo{};                   ///< whom that frame was for
        bool reordered = false;
        bool unconfirmed = false;        ///< delivered, but its receiver was not heard since
        std::uint32_t firstWay = none;   ///< into State::ways
    };
    static constexpr std::uint32_t none = UINT32_MAX;
    /// A probe on one path.
    struct Way {
        std::uint32_t next = none;       ///< of the same probe
        std::uint16_t path = 0;
        std::uint16_t copies = 0;        ///< delivered
        TimePoint received{};
    };
    struct PathKey {
        bool toMobile;
        bool router;
        Ipv6Address careOf;
        bool operator==(const PathKey&) const = default;
    };
    struct State {
        std::uint16_t id = 0;
        Ipv6Address source;
        Ipv6Address destination;
        std::vector<Sample> samples;  ///< as met
        std::unordered_map<std::uint32_t, std::size_t> bySerial;
        std::uint32_t highest = 0;    ///< serial delivered so far
        bool delivered = false;
        bool answered = false;
        bool ordered = true;          ///< samples are in order of time
        std::vector<PathKey> paths;   ///< at most maxPaths
        std::optional<Ipv6Address> router;  ///< home address of the mobile router that the destination is behind
        std::vector<Way> ways;
    };
    struct Reference {
        std::size_t flow;
        std::size_t sample;
        std::uint32_t way;
    };

    void probe(const Observation& o, const Mobiles& mobiles, const Presence& presence);
    void deliver(std::size_t flow, std::size_t sample, std::uint32_t way, const Observation& o);
    /// The way of a probe by that care-of address; none when there are too many paths.
    [[nodiscard]] static std::uint32_t wayOf(State& flow, std::size_t sample, const PathKey& path);
    /// Whether it leads to the mobile node, or to a host behind it.
    [[nodiscard]] static bool isOf(const State& flow, const Mobile& mobile);
    [[nodiscard]] std::optional<Gap> gap(const State& flow, std::uint16_t path, TimePoint at, TimePoint end) const;
    /// When the probe came by the path, or by another one (`same` is false).
    [[nodiscard]] std::optional<TimePoint> arrivalBy(const State& flow, const Sample& sample, std::uint16_t path, bool same, TimePoint end) const;
    /// The probe was sent by the path, whether it came or not.
    [[nodiscard]] bool went(const State& flow, const Sample& sample, std::uint16_t path) const;
    /// The way to the destination that this frame takes, if that is a mobile node; ways from mobile nodes are noted, too.
    [[nodiscard]] static std::uint32_t noteWays(State& flow, std::size_t sample, const Observation& o, const Mobiles& mobiles, bool toInterface);
    /// The way of a probe to a host behind a mobile router; `router`: the node that the tunnel leads to, if one does.
    [[nodiscard]] static std::uint32_t wayToHost(State& flow, std::size_t sample, const Mobile* router, const Ipv6Address& destination, bool toInterface);
    [[nodiscard]] std::vector<FlowPath> pathsOf(const State& flow, bool mobile, TimePoint end, const std::optional<Mac>& receiver) const;
    void confirm(const Mac& mac, bool arrived, TimePoint now);
    [[nodiscard]] bool arrived(const State& flow, const Sample& sample, bool mobile, TimePoint end, const std::optional<Mac>& receiver = std::nullopt) const;
    /// `receiver`: interface of an immobile destination, where it is known.
    [[nodiscard]] bool lost(const State& flow, const Sample& sample, bool mobile, TimePoint end, const std::optional<Mac>& receiver = std::nullopt) const;
    [[nodiscard]] std::size_t flowOf(std::uint16_t id, const Ipv6Address& source, const Ipv6Address& destination);

    std::vector<State> flows_;
    std::map<std::tuple<std::uint16_t, Ipv6Address, Ipv6Address>, std::size_t> index_;
    std::unordered_map<Mac, std::vector<Reference>, MacHash> unconfirmed_;
};

}  // namespace roamscope::analysis
