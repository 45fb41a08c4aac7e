// SPDX-License-Identifier: GPL-3.0-or-later
// The sample scenario as values, for tests that may not read JSON; another test compares it with the shipped file.
#pragma once

#include "protocol/lab/scenario.hpp"

namespace roamscope::test {

[[nodiscard]] inline lab::Scenario sampleScenario()
{
    using namespace lab;
    const auto prefix = [](const char* text) { return *Prefix::parse(text); };
    const AdvertiseSpec advertise{50ms, 150ms, {{"map", 2, 10, std::chrono::seconds(3600)}}};
    const auto wired = [&](const char* link, const char* address) { return InterfaceSpec{link, link, prefix(address), {}, {}}; };
    const auto radio = [&](const char* link, const char* address) { return InterfaceSpec{link, link, prefix(address), {}, advertise}; };
    const auto node = [](const char* name, Role role, std::vector<InterfaceSpec> interfaces) {
        NodeSpec spec;
        spec.name = name;
        spec.role = role;
        spec.interfaces = std::move(interfaces);
        return spec;
    };

    Scenario s;
    s.title = "One handover inside a MAP domain";
    s.seed = 1;
    s.duration = 20s;
    s.dialect = Dialect::Rfc4140;
    s.links = {{"home", false, Duration{0}}, {"core", false, 20ms}, {"domain", false, 5ms}, {"w1", true, 2ms}, {"w2", true, 2ms}};
    s.nodes = {node("ha", Role::HomeAgent, {wired("home", "2001:db8:100::1/64"), wired("core", "2001:db8:200::1/64")}),
               node("cn", Role::Correspondent, {wired("core", "2001:db8:200::c/64")}),
               node("map", Role::Map, {wired("core", "2001:db8:200::300/64"), wired("domain", "2001:db8:300::1/64")}),
               node("ar1", Role::AccessRouter, {wired("domain", "2001:db8:300::a1/64"), radio("w1", "2001:db8:a1::1/64")}),
               node("ar2", Role::AccessRouter, {wired("domain", "2001:db8:300::a2/64"), radio("w2", "2001:db8:a2::1/64")}),
               node("mn", Role::MobileNode, {InterfaceSpec{"wl0", {}, {}, {}, {}}})};
    s.nodes[0].homePrefixes = {prefix("2001:db8:100::/64")};
    s.nodes[2].regionalPrefix = prefix("2001:db8:300::/64");
    s.nodes[5].homeAddress = Ipv6Address::parse("2001:db8:100::1:1");
    s.nodes[5].homeAgent = "ha";
    s.events = {{TimePoint{}, "mn", "wl0", "w1"}, {TimePoint{10s}, "mn", "wl0", std::nullopt}, {TimePoint{10100ms}, "mn", "wl0", "w2"}};
    s.traffic = {{"probe", "cn", "mn", 50, 100, true}};
    return s;
}

}  // namespace roamscope::test
