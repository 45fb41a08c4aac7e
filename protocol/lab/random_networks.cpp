// SPDX-License-Identifier: GPL-3.0-or-later
// One of the mobile nodes of a random scenario becomes a mobile router (RFC 3963), with a host behind it and, at times, visitors.
#include "protocol/lab/random_scenario.hpp"

#include "protocol/lab/random_parts.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::lab {

namespace {

class Network : Dice {
public:
    Network(Scenario scenario, std::uint64_t seed) : Dice(Random(seed).fork(0x2e70)), s_(std::move(scenario)) {}

    Scenario make()
    {
        constexpr std::size_t kinds = 5;
        if (below(kinds) != 0) return std::move(s_);
        std::vector<std::size_t> mobiles;
        for (std::size_t i = 0; i < s_.nodes.size(); ++i)
            if (s_.nodes[i].role == Role::MobileNode) mobiles.push_back(i);
        s_.title += ", a mobile router";
        s_.links.push_back({link, true, upTo(5ms)});
        const std::size_t router = mobiles[below(mobiles.size())];
        makeRouter(s_.nodes[router]);
        for (NodeSpec& n : s_.nodes)
            if (n.role == Role::HomeAgent) authorise(n, *s_.nodes[router].homeAddress);
        for (const std::size_t i : mobiles)
            if (i != router && chance(40)) visit(s_.nodes[i]);
        addHost();
        return std::move(s_);
    }

private:
    static constexpr const char* link = "net";

    void makeRouter(NodeSpec& n)
    {
        n.interfaces.push_back(wired(link, "2001:db8:1f0::1/64"));
        AdvertiseSpec& advertise = n.interfaces.back().advertise.emplace();
        advertise.minInterval = 300ms;
        advertise.maxInterval = 1s;
        MobileNetworkSpec& network = n.mobile.network.emplace();
        network.explicitPrefixes = chance(60);
        network.otherMode = chance(70);
    }

    /// Not every home agent serves it, and not every one its prefix.
    void authorise(NodeSpec& agent, const Ipv6Address& home)
    {
        if (chance(8)) agent.mobileRouters.support = chance(50) ? node::Support::Unknown : node::Support::Prohibited;
        if (chance(90)) agent.mobileRouters.routers = {{home, {*Prefix::parse(chance(8) ? "2001:db8:2f0::/64" : chance(50) ? "2001:db8:1f0::/56" : "2001:db8:1f0::/64")}}};
    }

    void visit(const NodeSpec& guest)
    {
        const TimePoint at{2s + upTo(s_.duration / 2)};
        s_.events.push_back({at, guest.name, guest.interfaces[0].name, link});
    }

    void addHost()
    {
        const auto correspondent = std::find_if(s_.nodes.begin(), s_.nodes.end(), [](const NodeSpec& n) { return n.role == Role::Correspondent; })->name;
        NodeSpec host = nodeNamed("seat", Role::Correspondent, {wired(link, "2001:db8:1f0::5ea7/64")});
        host.mobility = chance(30);
        s_.nodes.push_back(std::move(host));
        const auto rate = [&] { return static_cast<double>(1 + below(6)); };
        if (chance(80)) s_.traffic.push_back({"in", correspondent, "seat", rate(), 100, true});
        if (chance(60)) s_.traffic.push_back({"out", "seat", correspondent, rate(), 100, true});
    }

    Scenario s_;
};

}  // namespace

Scenario withMobileRouter(Scenario scenario, std::uint64_t seed) { return Network(std::move(scenario), seed).make(); }

}  // namespace roamscope::lab
