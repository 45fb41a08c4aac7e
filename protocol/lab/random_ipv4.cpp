// SPDX-License-Identifier: GPL-3.0-or-later
// Some of the interfaces of the mobile nodes with several care-of addresses stand on IPv4 networks (RFC 5648 §8, RFC 5555).
#include "protocol/lab/random_scenario.hpp"

#include "protocol/lab/random_parts.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace roamscope::lab {

namespace {

class Ipv4Networks : Dice {
public:
    Ipv4Networks(Scenario scenario, std::uint64_t seed) : Dice(Random(seed).fork(0x5555)), s_(std::move(scenario)) {}

    Scenario make()
    {
        constexpr std::size_t kinds = 3;
        if (below(kinds) != 0) return std::move(s_);
        std::vector<InterfaceSpec*> candidates;
        for (NodeSpec& n : s_.nodes) addCandidates(n, candidates);
        if (candidates.empty()) return std::move(s_);
        const std::size_t always = below(candidates.size());
        for (std::size_t i = 0; i < candidates.size(); ++i)
            if (i == always || chance(35)) candidates[i]->ipv4 = settingsOf(*candidates[i]);
        for (NodeSpec& n : s_.nodes) finish(n);
        addGateway();
        s_.title += ", IPv4 networks";
        return std::move(s_);
    }

private:
    static Ipv4Address address(std::size_t network, std::size_t host) { return Ipv4Address{{198, 51, static_cast<std::uint8_t>(100 + network), static_cast<std::uint8_t>(host)}}; }

    std::size_t numberOf(std::string_view link) const
    {
        const auto it = std::find_if(s_.links.begin(), s_.links.end(), [&](const LinkSpec& l) { return l.name == link; });
        return static_cast<std::size_t>(it - s_.links.begin());
    }

    /// Interfaces that visit radio links beside the home link.
    void addCandidates(NodeSpec& n, std::vector<InterfaceSpec*>& out)
    {
        if (n.role != Role::MobileNode || n.mobile.mcoa == MobileSpec::Mcoa::Off) return;
        for (InterfaceSpec& interface : n.interfaces) {
            if (interface.address) continue;
            std::vector<std::string> links;
            for (const LinkEvent& e : s_.events)
                if (e.node == n.name && e.interface == interface.name && e.attach && e.attach->starts_with('w')) links.push_back(*e.attach);
            if (links.empty()) continue;
            visited_[&interface] = links[below(links.size())];
            out.push_back(&interface);
        }
    }

    /// On other links than that of its network it has a care-of address that does not work.
    node::Ipv4Interface settingsOf(const InterfaceSpec& interface)
    {
        const std::string& link = visited_.at(&interface);
        networks_.insert(link);
        const std::size_t number = numberOf(link);
        return {address(number, 5 + hosts_++), 24, address(number, 1)};
    }

    void finish(NodeSpec& n)
    {
        if (n.role == Role::HomeAgent && n.name == "ha") n.interfaces[1].ipv4 = node::Ipv4Interface{agent, 24, gateway};
        if (n.role != Role::MobileNode) return;
        const bool own = std::any_of(n.interfaces.begin(), n.interfaces.end(), [](const InterfaceSpec& i) { return i.ipv4.has_value(); });
        if (own && chance(30)) n.mobile.homeAgentIpv4 = agent;
    }

    void addGateway()
    {
        NodeSpec gw = nodeNamed("gw", Role::AccessRouter, {wired("core", "2001:db8:200::b4/64")});
        gw.interfaces[0].ipv4 = node::Ipv4Interface{gateway, 24, {}};
        for (const std::string& link : networks_) {
            InterfaceSpec& cell = gw.interfaces.emplace_back();
            cell.name = link;
            cell.link = link;
            cell.ipv4 = node::Ipv4Interface{address(numberOf(link), 1), 24, {}};
        }
        s_.nodes.push_back(std::move(gw));
    }

    static constexpr Ipv4Address agent{{192, 0, 2, 1}};
    static constexpr Ipv4Address gateway{{192, 0, 2, 254}};
    Scenario s_;
    std::map<const InterfaceSpec*, std::string> visited_;
    std::set<std::string> networks_;
    std::size_t hosts_ = 0;
};

}  // namespace

Scenario withIpv4Networks(Scenario scenario, std::uint64_t seed) { return Ipv4Networks(std::move(scenario), seed).make(); }

}  // namespace roamscope::lab
