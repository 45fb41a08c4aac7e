// SPDX-License-Identifier: GPL-3.0-or-later
// IPv4 in a lab: which interfaces of a scenario's nodes have such an address, and what the nodes make of it. Functions of plain values.
#pragma once

#include "protocol/lab/scenario.hpp"
#include "protocol/node/ipv4_agent.hpp"
#include "protocol/node/mobile_node.hpp"

namespace roamscope::lab {

/// Contradictions about IPv4 addresses.
void validateIpv4(const Scenario& scenario, std::vector<ScenarioProblem>& problems);

/// Of a home agent; none without an IPv4 address.
[[nodiscard]] std::optional<node::Ipv4AgentSettings> ipv4Agent(const NodeSpec& node);
/// Of a router that forwards between them.
[[nodiscard]] std::vector<node::Ipv4Link> ipv4Links(const NodeSpec& node, const node::IpStack& stack);
/// Of a mobile node; `agent`: its home agent, where that is a node of the lab.
[[nodiscard]] node::MobileNode::Settings::Ipv4 ipv4Mobile(const NodeSpec& node, const NodeSpec* agent);

}  // namespace roamscope::lab
