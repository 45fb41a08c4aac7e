// SPDX-License-Identifier: GPL-3.0-or-later
// The home agents of one link as their advertisements tell them, and the answer to a node that looks for one (RFC 6275 §10.1,
// §10.5.1; HA-DHAAD-01, -02). Deterministic, no input or output. The lists are bounded: whoever is on the link can advertise.
#pragma once

#include "protocol/base/random.hpp"
#include "protocol/node/output.hpp"
#include "protocol/wire/icmpv6.hpp"

#include <map>

namespace roamscope::node {

/// One home agent with its addresses, as it goes into an answer.
struct ListedAgent {
    std::uint16_t preference = 0;
    std::vector<Ipv6Address> addresses;
    bool mobileRouters = false;  ///< serves them (RFC 3963 §7.3)
};

class HomeAgentsList {
public:
    static constexpr std::size_t maxAgents = 64;    ///< of more the most preferred are kept
    static constexpr std::size_t maxPrefixes = 16;  ///< of one agent
    /// Addresses that fit a packet of the least MTU, 1280 octets (RFC 6275 §10.5.1).
    static constexpr std::size_t maxAnswer = (1280 - 40 - 8) / 16;

    /// A valid advertisement from the link-local address `router`: adds, refreshes or deletes its entry. True when the set of prefixes
    /// that home agents advertise is another one than before (RFC 6275 §10.6.2).
    bool heard(TimePoint now, const Ipv6Address& router, const wire::RouterAdvertisement& ra);
    /// Forgets agents whose lifetime ended, and addresses whose prefix is no longer valid.
    void expire(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;

    /// `own` and the listed agents: most preferred first, in random order among equals and within one agent.
    /// With `forMobileRouters` only those that serve them (NEMO-DH-01).
    [[nodiscard]] std::vector<Ipv6Address> answer(ListedAgent own, Random& random, bool forMobileRouters = false) const;
    /// Prefixes that the other agents advertise, with what is left of their lifetimes.
    [[nodiscard]] std::vector<wire::PrefixInformation> prefixes(TimePoint now) const;
    /// Flags that are set in the last advertisement with prefixes of one of the agents whose prefixes are valid (RFC 6275 §10.6.3).
    [[nodiscard]] std::uint8_t prefixFlags(TimePoint now) const;
    [[nodiscard]] std::size_t size() const { return agents_.size(); }

private:
    struct Heard {
        wire::PrefixInformation option;
        TimePoint since{};
        [[nodiscard]] TimePoint until() const;
    };
    struct Agent {
        std::uint16_t preference = 0;
        bool mobileRouters = false;
        std::uint8_t flags = 0;  ///< of the last advertisement with prefixes
        TimePoint until{};
        std::vector<Heard> prefixes;
    };
    /// Room for one more of this preference in a full list: the least preferred one goes, unless that is no less preferred than the new
    /// one (RFC 6275 §10.5.1 asks for the most preferred). True when prefixes went with it; none: no room.
    [[nodiscard]] std::optional<bool> makeRoom(std::uint16_t preference);
    static bool learn(TimePoint now, Agent& agent, const wire::PrefixInformation& option);

    std::map<Ipv6Address, Agent> agents_;  ///< by link-local address
};

}  // namespace roamscope::node
