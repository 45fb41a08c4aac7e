// SPDX-License-Identifier: GPL-3.0-or-later
// A lab with a mobile node that has two paths.
#pragma once

#include "protocol/lab/random_parts.hpp"
#include "tests/support/node_frames.hpp"

#include <fmt/format.h>

namespace roamscope::test {

using lab::InterfaceSpec;
using lab::MobileSpec;
using lab::NodeSpec;
using lab::Role;
using lab::Scenario;
using lab::Dialect;

using lab::nodeNamed;
using lab::wired;

/// Two radio links, a home agent, a correspondent that optimises routes, a mobile node with an interface for each link.
[[nodiscard]] inline Scenario pathsScenario()
{
    Scenario s;
    s.title = "paths";
    s.duration = 40s;
    s.dialect = Dialect::Rfc5380;
    s.links = {{"home", false, 1ms}, {"core", false, 10ms}, {"w0", true, 2ms}, {"w1", true, 20ms}};
    NodeSpec ha = nodeNamed("ha", Role::HomeAgent, {wired("home", "2001:db8:100::1/64"), wired("core", "2001:db8:200::1/64")});
    ha.homePrefixes = {*Prefix::parse("2001:db8:100::/64")};
    NodeSpec cn = nodeNamed("cn", Role::Correspondent, {wired("core", "2001:db8:200::c/64")});
    cn.mobility = true;
    s.nodes = {ha, cn};
    for (std::size_t i = 0; i < 2; ++i) {
        NodeSpec ar = nodeNamed(fmt::format("ar{}", i), Role::AccessRouter, {wired("core", fmt::format("2001:db8:200::a{}/64", i)), wired(fmt::format("w{}", i), fmt::format("2001:db8:a{}::1/64", i))});
        ar.interfaces[1].advertise.emplace();
        ar.interfaces[1].advertise->minInterval = 50ms;
        ar.interfaces[1].advertise->maxInterval = 150ms;
        s.nodes.push_back(std::move(ar));
    }
    NodeSpec mn = nodeNamed("mn", Role::MobileNode, {});
    mn.homeAddress = ip("2001:db8:100::1:1");
    mn.homeAgent = "ha";
    mn.mobile.mcoa = MobileSpec::Mcoa::Single;
    for (std::size_t i = 0; i < 2; ++i) {
        InterfaceSpec interface;
        interface.name = fmt::format("if{}", i);
        interface.bidPriority = static_cast<std::uint8_t>(10 + 10 * i);
        mn.interfaces.push_back(interface);
        s.events.push_back({TimePoint{0s}, "mn", interface.name, fmt::format("w{}", i)});
    }
    s.nodes.push_back(std::move(mn));
    s.traffic.push_back({"f", "cn", "mn", 20, 100, true});
    return s;
}

[[nodiscard]] inline NodeSpec& nodeOf(Scenario& s, std::string_view name)
{
    return *std::find_if(s.nodes.begin(), s.nodes.end(), [&](const NodeSpec& n) { return n.name == name; });
}

/// A second correspondent, cn2, with flow g to the mobile node, which has it by identifier 2 (flow binding 7).
inline void addSecondFlow(Scenario& s, bool mobility, double rate = 20, bool answered = true)
{
    NodeSpec other = nodeNamed("cn2", Role::Correspondent, {wired("core", "2001:db8:200::d/64")});
    other.mobility = mobility;
    s.nodes.push_back(std::move(other));
    s.traffic.push_back({"g", "cn2", "mn", rate, 100, answered});
    wire::Ipv6TrafficSelector selector;
    selector.source = wire::SelectorRange<Ipv6Address>{ip("2001:db8:200::d"), std::nullopt};
    nodeOf(s, "mn").mobile.flows = {{7, 10, selector, {2}}};
}

}  // namespace roamscope::test
