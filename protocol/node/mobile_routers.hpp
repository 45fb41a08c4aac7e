// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile routers of a home agent and the prefixes behind them (RFC 3963 §6; NEMO-HA-01 to -06): judges what an update with R asks
// for and finds the mobile router of an address. Bounded by its policy: only what is in the table is ever forwarded.
// Deterministic, no input or output, not shared between threads.
#pragma once

#include "protocol/node/agent_policy.hpp"
#include "protocol/wire/mobility_options.hpp"

#include <map>
#include <optional>
#include <vector>

namespace roamscope::node {

class MobileRouters {
public:
    struct Judgement {
        std::uint8_t status = 0;        ///< 140 to 143, or accepted
        std::vector<Prefix> prefixes;   ///< to be forwarded
    };
    /// An update with R and H and a lifetime.
    [[nodiscard]] Judgement judge(const MobileRouterPolicy& policy, const Ipv6Address& home, const std::vector<wire::MobilityOption>& options) const;

    /// These prefixes, and no others (NEMO-HA-02), are behind that mobile router from now on.
    void set(const Ipv6Address& home, const std::vector<Prefix>& prefixes);
    void erase(const Ipv6Address& home) { set(home, {}); }
    [[nodiscard]] bool empty() const { return routers_.empty(); }
    [[nodiscard]] bool contains(const Ipv6Address& home) const;
    /// The home address of the mobile router with the longest prefix of `address`.
    [[nodiscard]] std::optional<Ipv6Address> routerOf(const Ipv6Address& address) const;
    [[nodiscard]] std::vector<Prefix> prefixes() const;
    [[nodiscard]] std::vector<Prefix> prefixesOf(const Ipv6Address& home) const;

private:
    std::map<Prefix, Ipv6Address> routers_;  ///< home address by prefix, whose host bits are zero
};

}  // namespace roamscope::node
