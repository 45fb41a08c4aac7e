// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/lab/shortest_routes.hpp"

#include <algorithm>

namespace roamscope::lab {

Ipv6Address homeAgentAddress(const Scenario& scenario, const NodeSpec& mobile)
{
    if (const auto address = Ipv6Address::parse(mobile.homeAgent)) return *address;
    const auto agent = std::find_if(scenario.nodes.begin(), scenario.nodes.end(), [&](const NodeSpec& n) { return n.name == mobile.homeAgent; });
    if (mobile.homeAgent.empty() || mobile.homeAgent == "discover" || agent == scenario.nodes.end()) return {};
    for (const InterfaceSpec& interface : agent->interfaces)
        if (interface.address && interface.address->contains(*mobile.homeAddress)) return interface.address->address;
    return {};
}

/// For every link: how many routers away `target` is, and the router to ask on it (breadth first, so shortest paths).
std::vector<std::optional<ShortestRoutes::Gateway>> ShortestRoutes::gatewaysTo(std::size_t target) const
{
    std::vector<std::optional<Gateway>> gateways(scenario_.links.size());
    gateways[target] = Gateway{};
    std::vector<std::size_t> frontier{target};
    while (!frontier.empty()) {
        std::vector<std::size_t> next;
        for (const std::size_t link : frontier)
            for (const Port& near : ports_) {
                if (near.link != link || !isRouter(scenario_.nodes[near.node].role)) continue;
                for (const Port& far : portsOf(ports_, near.node)) {
                    const auto& address = scenario_.nodes[far.node].interfaces[far.interface].address;
                    if (!far.link || gateways[*far.link] || !address) continue;
                    gateways[*far.link] = Gateway{gateways[link]->distance + 1, address->address};
                    next.push_back(*far.link);
                }
            }
        frontier = std::move(next);
    }
    return gateways;
}

/// Shortest-path static routes to the prefixes of all links.
void ShortestRoutes::add(std::size_t index, node::IpStack& stack) const
{
    std::vector<Prefix> done;
    const auto addOne = [&](const Port& port, const Prefix& address) {
        if (stack.interfaceOf(address.address) || std::find(done.begin(), done.end(), address.masked()) != done.end()) return;
        done.push_back(address.masked());
        if (const auto gateway = gatewayTo(index, *port.link)) stack.addRoute(address, gateway->first, gateway->second);
    };
    for (const Port& port : ports_) {
        const InterfaceSpec& interface = scenario_.nodes[port.node].interfaces[port.interface];
        if (!port.link || !interface.address) continue;
        addOne(port, *interface.address);
        for (const Prefix& more : interface.moreAddresses) addOne(port, more);
    }
    addMobileNetworks(index, stack);
}

/// What is behind a mobile router is reached by its home link; from behind it everything by the router itself.
void ShortestRoutes::addMobileNetworks(std::size_t index, node::IpStack& stack) const
{
    for (std::size_t router = 0; router < scenario_.nodes.size(); ++router) {
        const NodeSpec& n = scenario_.nodes[router];
        if (!n.mobile.network) continue;
        bool inside = false;
        for (const Port& port : ports_) {
            if (port.node != router || inside) continue;
            const auto& address = n.interfaces[port.interface].address;
            const auto own = address ? stack.interfaceOf(address->address) : std::nullopt;
            if (!own) continue;
            stack.addRoute(Prefix{}, *own, address->address);
            inside = true;
        }
        if (!inside) addNetworkRoutes(index, n, stack);
    }
}

void ShortestRoutes::addNetworkRoutes(std::size_t index, const NodeSpec& router, node::IpStack& stack) const
{
    const Ipv6Address agent = homeAgentAddress(scenario_, router);
    const bool isAgent = std::any_of(scenario_.nodes[index].homePrefixes.begin(), scenario_.nodes[index].homePrefixes.end(), [&](const Prefix& p) { return p.contains(*router.homeAddress); });
    std::optional<std::size_t> homeLink;
    for (const Port& port : ports_)
        if (const auto& on = scenario_.nodes[port.node].interfaces[port.interface].address; on && port.link && on->contains(*router.homeAddress)) homeLink = port.link;
    for (const Prefix& prefix : networkPrefixes(router)) {
        // On its home link it is its own router; while it is away, the home agent tunnels before it looks at routes.
        if (const auto home = stack.interfaceOf(*router.homeAddress)) stack.addRoute(prefix, *home, isAgent || agent.isUnspecified() ? *router.homeAddress : agent);
        else if (const auto gateway = homeLink ? gatewayTo(index, *homeLink) : std::nullopt) stack.addRoute(prefix, gateway->first, gateway->second);
    }
}

/// The interface and the router by which a node reaches a link.
std::optional<std::pair<std::size_t, Ipv6Address>> ShortestRoutes::gatewayTo(std::size_t index, std::size_t target) const
{
    const auto gateways = gatewaysTo(target);
    const Port* best = nullptr;
    for (const Port& own : portsOf(ports_, index))
        if (own.link && gateways[*own.link] && (!best || gateways[*own.link]->distance < gateways[*best->link]->distance)) best = &own;
    return best ? std::optional(std::pair(best->interface, gateways[*best->link]->address)) : std::nullopt;
}

}  // namespace roamscope::lab
