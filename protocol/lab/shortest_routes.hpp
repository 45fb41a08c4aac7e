// SPDX-License-Identifier: GPL-3.0-or-later
// The static routes of a lab's routers and hosts that are given none: the shortest ways to the prefixes of all links, and to what is
// behind mobile routers by their home links (RFC 3963).
#pragma once

#include "protocol/lab/lab.hpp"

namespace roamscope::lab {

/// The address of a mobile node's home agent on its home link; unspecified when the node looks for one, or has none.
[[nodiscard]] Ipv6Address homeAgentAddress(const Scenario& scenario, const NodeSpec& mobile);

class ShortestRoutes {
public:
    /// Looks at a lab's scenario and ports for as long as it lives.
    ShortestRoutes(const Scenario& scenario, const std::vector<Port>& ports) : scenario_(scenario), ports_(ports) {}

    /// Gives `stack`, of the node with this index, its routes.
    void add(std::size_t index, node::IpStack& stack) const;

private:
    struct Gateway {
        std::size_t distance = 0;
        Ipv6Address address;  ///< unspecified on the destination link itself
    };
    [[nodiscard]] std::vector<std::optional<Gateway>> gatewaysTo(std::size_t target) const;
    [[nodiscard]] std::optional<std::pair<std::size_t, Ipv6Address>> gatewayTo(std::size_t index, std::size_t target) const;
    void addMobileNetworks(std::size_t index, node::IpStack& stack) const;
    void addNetworkRoutes(std::size_t index, const NodeSpec& router, node::IpStack& stack) const;

    const Scenario& scenario_;
    const std::vector<Port>& ports_;
};

}  // namespace roamscope::lab
