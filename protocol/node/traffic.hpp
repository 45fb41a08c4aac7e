// SPDX-License-Identifier: GPL-3.0-or-later
// Probe source: UDP at a constant rate with serial and time inside (wire/udp.hpp). The sink is whoever owns the destination.
#pragma once

#include "protocol/node/output.hpp"
#include "protocol/wire/ipv6.hpp"
#include "protocol/wire/udp.hpp"

namespace roamscope::node {

struct TrafficSettings {
    std::uint16_t flow = 0;
    Ipv6Address source;
    Ipv6Address destination;
    Duration interval = 20ms;  ///< > 0
    std::uint32_t size = 100;  ///< UDP data octets
    TimePoint start{};         ///< of the first probe
};

class TrafficSource {
public:
    /// `from`: when its node starts; probes that were due before are left out.
    explicit TrafficSource(TrafficSettings settings, TimePoint from = {})
        : settings_(settings), serial_(from > settings.start ? static_cast<std::uint32_t>((from - settings.start + settings.interval - Duration{1}) / settings.interval) : 0)
    {
    }

    struct Due {
        wire::Probe probe;
        wire::Ipv6Packet packet;
    };
    /// The probe that must leave now, if any: call until nothing is due.
    [[nodiscard]] std::optional<Due> due(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const { return settings_.start + serial_ * settings_.interval; }
    [[nodiscard]] const TrafficSettings& settings() const { return settings_; }

private:
    TrafficSettings settings_;
    std::uint32_t serial_;  ///< of the next probe, which leaves at serial × interval
};

/// A probe that `packet` carries with a good checksum, and the size of its datagram's data; nothing for other traffic.
struct ReceivedProbe {
    wire::Probe probe;
    std::size_t size = 0;
};
[[nodiscard]] std::optional<ReceivedProbe> probeIn(const wire::Ipv6Packet& packet);
/// The packet that answers a probe, from the address that received it.
[[nodiscard]] wire::Ipv6Packet answerTo(const wire::Ipv6Packet& received, const ReceivedProbe& probe);

}  // namespace roamscope::node
