// SPDX-License-Identifier: GPL-3.0-or-later
// What a mobile node asks its home network: for home agents (RFC 6275 §11.4.1, MN-DHAAD-01) and for the prefixes of the home link
// (§11.4.2, §11.4.3, MN-MPS-01). Both are requests with an identifier that are repeated until an answer comes; the mobile node
// builds and sends the packets.
#pragma once

#include "protocol/base/random.hpp"
#include "protocol/node/output.hpp"

#include <optional>

namespace roamscope::node {

class RepeatedRequest {
public:
    struct Pace {
        Duration initial;   ///< time to the first copy, doubled with every one
        Duration maximum;   ///< the longest time between copies
        int retries;        ///< copies after the first; negative: without end
    };
    /// INITIAL_DHAAD_TIMEOUT and DHAAD_RETRIES.
    static constexpr Pace homeAgentDiscovery{3s, Duration::max() / 2, 4};
    /// INITIAL_SOLICIT_TIMER up to MAX_BINDACK_TIMEOUT (RFC 6275 §11.8).
    static constexpr Pace prefixDiscovery{3s, 32s, -1};

    explicit RepeatedRequest(Pace pace) : pace_(pace) {}

    /// Starts asking with a new identifier, unless it is asking already.
    void start(TimePoint now, Random& random);
    void stop() { next_.reset(); }
    /// The request that must leave now: its identifier, the same in every copy (RFC 6275 §11.4.1).
    [[nodiscard]] std::optional<std::uint16_t> due(TimePoint now);
    /// True when an answer with this identifier was awaited; it ends the copies, and a second answer is none.
    bool answered(std::uint16_t identifier);
    [[nodiscard]] bool active() const { return next_.has_value(); }
    /// Copies and their last timeout are over without an answer; until start().
    [[nodiscard]] bool failed() const { return failed_; }
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const { return next_; }

private:
    Pace pace_;
    std::optional<TimePoint> next_;
    Duration timeout_{};
    int sent_ = 0;
    std::uint16_t identifier_ = 0;
    bool awaited_ = false;
    bool failed_ = false;
};

/// The Mobile IPv6 Home-Agents anycast address of a prefix (RFC 2526 §2; identifier 126).
[[nodiscard]] Ipv6Address homeAgentsAnycast(const Prefix& homePrefix);

}  // namespace roamscope::node
