// SPDX-License-Identifier: GPL-3.0-or-later
// What a home agent, a MAP or a correspondent does with binding identifiers (RFC 5648 §4.4), flow bindings (RFC 6089 §5.3.5) and mobile
// routers (RFC 3963 §6). Plain values; the scenario of a lab and the file of a role have them as they are.
#pragma once

#include "protocol/base/address.hpp"

#include <cstdint>
#include <vector>

namespace roamscope::node {

enum class Support : std::uint8_t {
    Unknown,     ///< as a node that never heard of it: options are passed over, answers carry none
    On,
    Prohibited,  ///< known and refused
};

/// Of binding identifiers. Refused with 166.
struct BidPolicy {
    using Support = node::Support;
    Support support = Support::On;
    bool bulk = true;            ///< several in one update, else 168; never at a correspondent
    bool homeAndForeign = true;  ///< a binding of the home link beside others, else 169; never at a correspondent
    bool correspondent = false;
    /// Of a home link whose only router this is: the mobile node may use neighbour discovery there, status 0 instead of 5.
    bool homeNeighborDiscovery = false;
    std::uint32_t maximum = 16;  ///< care-of addresses of one home address, 1 to 64; above that 130
    bool operator==(const BidPolicy&) const = default;
};

/// Of flow bindings. Refused with 128 for each.
struct FlowPolicy {
    using Support = node::Support;
    Support support = Support::On;
    std::uint32_t maximum = 32;  ///< flows of one home address, 1 to 256; above that 129
    bool operator==(const FlowPolicy&) const = default;
};

/// A line of the prefix table (RFC 3963 §6.1.2).
struct MobileRouter {
    Ipv6Address homeAddress;
    std::vector<Prefix> prefixes;  ///< that it may have behind it; those that an update without prefixes means
    bool operator==(const MobileRouter&) const = default;
};

/// Of mobile routers. Refused with 140; unknown: R in updates means nothing.
struct MobileRouterPolicy {
    using Support = node::Support;
    Support support = Support::On;
    std::vector<MobileRouter> routers;  ///< empty: none is served, 140
    bool operator==(const MobileRouterPolicy&) const = default;
};

}  // namespace roamscope::node
