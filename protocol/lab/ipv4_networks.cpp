// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/lab/ipv4_networks.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace roamscope::lab {

namespace {

std::size_t count(const NodeSpec& n)
{
    return static_cast<std::size_t>(std::count_if(n.interfaces.begin(), n.interfaces.end(), [](const InterfaceSpec& i) { return i.ipv4.has_value(); }));
}

const NodeSpec* find(const Scenario& scenario, std::string_view name)
{
    const auto it = std::find_if(scenario.nodes.begin(), scenario.nodes.end(), [&](const NodeSpec& n) { return n.name == name; });
    return it == scenario.nodes.end() ? nullptr : &*it;
}

/// The address of the network, or that of everybody there.
bool isReserved(const node::Ipv4Interface& own)
{
    std::uint32_t number = 0;
    for (const std::uint8_t octet : own.address.octets) number = number << 8 | octet;
    const std::uint32_t mask = 0xffffffffu >> own.prefixLength;
    return (number & mask) == 0 || (number & mask) == mask;
}

class Checker {
public:
    Checker(const Scenario& scenario, std::vector<ScenarioProblem>& problems) : scenario_(scenario), problems_(problems) {}

    void run()
    {
        for (std::size_t i = 0; i < scenario_.nodes.size(); ++i) node(scenario_.nodes[i], fmt::format("/nodes/{}", i));
    }

private:
    void add(std::string path, std::string text) { problems_.push_back({std::move(path), std::move(text)}); }

    void node(const NodeSpec& n, const std::string& path)
    {
        bool first = true;
        for (std::size_t i = 0; i < n.interfaces.size(); ++i) {
            if (!n.interfaces[i].ipv4) continue;
            const std::string place = fmt::format("{}/interfaces/{}/ipv4_address", path, i);
            address(*n.interfaces[i].ipv4, place);
            if (n.role != Role::HomeAgent && n.role != Role::AccessRouter && n.role != Role::MobileNode)
                add(place, fmt::format("only for roles ha, ar and mn, this node is {}", roleName(n.role)));
            if (n.role == Role::HomeAgent && !first) add(place, "a home agent has one IPv4 address");
            if (isIngress(n, n.interfaces[i])) add(place, "not on the network behind a mobile router");
            first = false;
        }
        if (n.role == Role::MobileNode && (count(n) != 0 || n.mobile.homeAgentIpv4)) mobile(n, path);
    }

    void address(const node::Ipv4Interface& own, const std::string& path)
    {
        if (own.prefixLength < 1 || own.prefixLength > 30) return add(path, fmt::format("a prefix of {} bits: expected 1 to 30", own.prefixLength));
        if (!wire::isUnicast(own.address) || isReserved(own)) add(path, fmt::format("{}/{} is no address of a host", own.address.text(), own.prefixLength));
        if (own.gateway && (!own.covers(*own.gateway) || *own.gateway == own.address)) add(path + "/gateway", fmt::format("{} is no neighbour of {}/{}", own.gateway->text(), own.address.text(), own.prefixLength));
        if (const auto [it, fresh] = addresses_.emplace(own.address, path); !fresh) add(path, fmt::format("{} is used twice, first at {}", own.address.text(), it->second));
    }

    void mobile(const NodeSpec& n, const std::string& path)
    {
        if (n.mobile.homeAgentIpv4 && !wire::isUnicast(*n.mobile.homeAgentIpv4)) add(path + "/home_agent_ipv4", "expected the address of a host");
        if (count(n) == 0) return;
        if (n.mobile.mcoa == MobileSpec::Mcoa::Off) add(path + "/mcoa", "\"single\" or \"bulk\" is needed: an IPv4 care-of address is registered with a binding identifier (RFC 5648 section 8)");
        const NodeSpec* agent = find(scenario_, n.homeAgent);
        if (!n.mobile.homeAgentIpv4 && (!agent || count(*agent) == 0))
            add(path + "/home_agent_ipv4", "missing: the IPv4 address of the home agent, unless that is a node of this lab with an \"ipv4_address\"");
    }

    const Scenario& scenario_;
    std::vector<ScenarioProblem>& problems_;
    std::map<Ipv4Address, std::string> addresses_;  ///< where each was seen first
};

}  // namespace

void validateIpv4(const Scenario& scenario, std::vector<ScenarioProblem>& problems) { Checker(scenario, problems).run(); }

std::optional<node::Ipv4AgentSettings> ipv4Agent(const NodeSpec& node)
{
    if (node.role != Role::HomeAgent) return std::nullopt;
    for (std::size_t i = 0; i < node.interfaces.size(); ++i)
        if (node.interfaces[i].ipv4) return node::Ipv4AgentSettings{i, *node.interfaces[i].ipv4};
    return std::nullopt;
}

std::vector<node::Ipv4Link> ipv4Links(const NodeSpec& node, const node::IpStack& stack)
{
    std::vector<node::Ipv4Link> links;
    for (std::size_t i = 0; i < node.interfaces.size(); ++i)
        if (node.interfaces[i].ipv4) links.emplace_back(i, stack.mac(i), *node.interfaces[i].ipv4, stack.mtu(i));
    return links;
}

node::MobileNode::Settings::Ipv4 ipv4Mobile(const NodeSpec& node, const NodeSpec* agent)
{
    node::MobileNode::Settings::Ipv4 out;
    out.homeAgent = node.mobile.homeAgentIpv4;
    for (const InterfaceSpec& interface : node.interfaces) out.interfaces.push_back(interface.ipv4);
    if (const auto own = agent && !out.homeAgent ? ipv4Agent(*agent) : std::nullopt) out.homeAgent = own->ipv4.address;
    return out;
}

}  // namespace roamscope::lab
