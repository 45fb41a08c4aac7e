// SPDX-License-Identifier: GPL-3.0-or-later
// Settings of a mobile node.
#include "capture/io/node_settings.hpp"

namespace roamscope::capture {

using namespace lab;

namespace {

void routeOptimisation(const JsonValue& value, NodeSpec& out)
{
    if (value.kind() == JsonValue::Kind::Array) value.list([&](const JsonValue& e) { out.optimised.push_back(e.string("the name of a node of role cn")); });
    else out.optimiseAll = value.choice<bool>({{"all", true}, {"none", false}});
}

const Settings<MobileSpec>& movementSettings()
{
    static const Settings<MobileSpec> settings{
        {"link_events", [](const JsonValue& v, MobileSpec& out) { out.linkEvents = v.boolean(); }},
        {"missed_advertisements", [](const JsonValue& v, MobileSpec& out) { out.missedAdvertisements = v.integer<std::uint8_t>(0, 100); }},
        {"new_routers", [](const JsonValue& v, MobileSpec& out) { out.newRouters = v.boolean(); }},
    };
    return settings;
}

/// A number, or a list of the first and the last one.
template <class T>
void range(const JsonValue& value, std::optional<wire::SelectorRange<T>>& out, T most)
{
    std::vector<T> list;
    if (value.kind() == JsonValue::Kind::Array) value.list([&](const JsonValue& e) { list.push_back(e.integer<T>(0, most)); });
    else list.push_back(value.integer<T>(0, most));
    if (value.failed()) return;
    if (list.empty() || list.size() > 2 || list.back() < list.front()) return value.refuse("a number, or the first and the last one of a range");
    out = wire::SelectorRange<T>{list.front(), list.size() == 2 ? std::optional(list.back()) : std::nullopt};
}

void addresses(const Prefix& prefix, std::optional<wire::SelectorRange<Ipv6Address>>& out)
{
    Ipv6Address last = prefix.masked().address;
    for (std::size_t bit = prefix.length; bit < 128; ++bit) last.octets[bit / 8] = static_cast<std::uint8_t>(last.octets[bit / 8] | (0x80u >> (bit % 8)));
    out = wire::SelectorRange<Ipv6Address>{prefix.masked().address, prefix.length < 128 ? std::optional(last) : std::nullopt};
}

struct FlowSetting {
    node::Flow flow;
    wire::Ipv6TrafficSelector selector;
};

const Settings<FlowSetting>& flowSettings()
{
    constexpr std::uint16_t most16 = 0xffff;
    constexpr std::uint8_t most8 = 0xff;
    constexpr std::uint32_t mostLabel = 0xfffff;
    static const Settings<FlowSetting> settings{
        {"flow", [](const JsonValue& v, FlowSetting& out) { out.flow.flow = v.integer<std::uint16_t>(1, most16); }, "the number of the flow, 1 to 65535"},
        {"priority", [](const JsonValue& v, FlowSetting& out) { out.flow.priority = v.integer<std::uint16_t>(1, most16); }, "its priority, 1 to 65535"},
        {"bids", [](const JsonValue& v, FlowSetting& out) { v.list([&](const JsonValue& e) { out.flow.bids.push_back(e.integer<std::uint16_t>(1, most16)); }); }, "binding identifiers, the best first"},
        {"source", [](const JsonValue& v, FlowSetting& out) { addresses(v.prefix("2001:db8:200::c/128"), out.selector.source); }},
        {"destination", [](const JsonValue& v, FlowSetting& out) { addresses(v.prefix("2001:db8:100::1:1/128"), out.selector.destination); }},
        {"source_port", [](const JsonValue& v, FlowSetting& out) { range(v, out.selector.sourcePort, most16); }},
        {"destination_port", [](const JsonValue& v, FlowSetting& out) { range(v, out.selector.destinationPort, most16); }},
        {"flow_label", [](const JsonValue& v, FlowSetting& out) { range(v, out.selector.flowLabel, mostLabel); }},
        {"traffic_class", [](const JsonValue& v, FlowSetting& out) { range(v, out.selector.trafficClass, most8); }},
        {"protocol", [](const JsonValue& v, FlowSetting& out) { range(v, out.selector.protocol, most8); }},
    };
    return settings;
}

void addFlow(const JsonValue& value, MobileSpec& out)
{
    FlowSetting setting;
    value.object(flowSettings(), setting);
    setting.flow.selector = setting.selector;
    constexpr std::size_t mostFlows = 12, mostBids = 8;  // so that all fit into an update (RFC 6275 §6.1.1)
    if (setting.flow.bids.empty() || setting.flow.bids.size() > mostBids) value.refuse("\"bids\": 1 to 8 binding identifiers");
    else if (out.flows.size() == mostFlows) value.refuse("at most 12 flows");
    else out.flows.push_back(std::move(setting.flow));
}

const Settings<MobileSpec>& mcoaSettings()
{
    using Mcoa = MobileSpec::Mcoa;
    static const Settings<MobileSpec> settings{
        {"mode", [](const JsonValue& v, MobileSpec& out) { out.mcoa = v.choice<Mcoa>({{"off", Mcoa::Off}, {"single", Mcoa::Single}, {"bulk", Mcoa::Bulk}}); }},
        {"flows", [](const JsonValue& v, MobileSpec& out) { v.list([&](const JsonValue& e) { addFlow(e, out); }); }},
        {"home_and_foreign", [](const JsonValue& v, MobileSpec& out) { out.homeAndForeign = v.boolean(); }},
    };
    return settings;
}

const Settings<MobileNetworkSpec>& networkSettings()
{
    static const Settings<MobileNetworkSpec> settings{
        {"prefixes", [](const JsonValue& v, MobileNetworkSpec& out) { v.list([&](const JsonValue& e) { out.prefixes.push_back(e.prefix("2001:db8:1f0::/64")); }); }},
        {"mode", [](const JsonValue& v, MobileNetworkSpec& out) { out.explicitPrefixes = v.choice<bool>({{"explicit", true}, {"implicit", false}}); }},
        {"other_mode", [](const JsonValue& v, MobileNetworkSpec& out) { out.otherMode = v.boolean(); }},
    };
    return settings;
}

}  // namespace

const Settings<NodeSpec>& mobileNodeSettings()
{
    static const Settings<NodeSpec> settings{
        {"home_address", [](const JsonValue& v, NodeSpec& out) { out.homeAddress = v.address("2001:db8:100::1:1"); }},
        {"home_agent", [](const JsonValue& v, NodeSpec& out) { out.homeAgent = v.string("the name of a node of role ha"); }},
        {"home_agent_ipv4", [](const JsonValue& v, NodeSpec& out) { out.mobile.homeAgentIpv4 = v.ipv4("192.0.2.1"); }},
        {"home_prefix_length", [](const JsonValue& v, NodeSpec& out) { out.mobile.homePrefixLength = v.integer<std::uint8_t>(8, 120); }},
        {"home_addresses", [](const JsonValue& v, NodeSpec& out) { v.list([&](const JsonValue& e) { out.mobile.furtherHomeAddresses.push_back(e.address("2001:db8:100::1:2")); }); }},
        {"discover_home_agents", [](const JsonValue& v, NodeSpec& out) { out.mobile.discoverHomeAgents = v.boolean(); }},
        {"solicit_prefixes", [](const JsonValue& v, NodeSpec& out) { out.mobile.solicitPrefixes = v.boolean(); }},
        {"hmipv6", [](const JsonValue& v, NodeSpec& out) { out.mobile.hierarchical = v.boolean(); }},
        {"fixed_map", [](const JsonValue& v, NodeSpec& out) { out.mobile.fixedMap = v.address("2001:db8:300::1"); }},
        {"maximum_maps", [](const JsonValue& v, NodeSpec& out) { out.mobile.maximumMaps = v.integer<std::uint8_t>(1, 8); }},
        {"previous_map_forwarding", [](const JsonValue& v, NodeSpec& out) { out.mobile.forwardFromPreviousMap = v.boolean(); }},
        {"release_maps", [](const JsonValue& v, NodeSpec& out) { out.mobile.releaseMaps = v.boolean(); }},
        {"on_link_address_for_neighbours", [](const JsonValue& v, NodeSpec& out) { out.mobile.onLinkAddressForNeighbours = v.boolean(); }},
        {"optimistic_dad", [](const JsonValue& v, NodeSpec& out) { out.mobile.optimisticDetection = v.boolean(); }},
        {"acknowledged_by_correspondents", [](const JsonValue& v, NodeSpec& out) { out.mobile.acknowledgedByPeers = v.boolean(); }},
        {"first_timeout", [](const JsonValue& v, NodeSpec& out) { out.mobile.firstTimeout = v.duration(); }},
        {"movement", [](const JsonValue& v, NodeSpec& out) { v.object(movementSettings(), out.mobile); }},
        {"mcoa", [](const JsonValue& v, NodeSpec& out) { v.object(mcoaSettings(), out.mobile); }},
        {"mobile_network", [](const JsonValue& v, NodeSpec& out) { v.object(networkSettings(), out.mobile.network.emplace()); }},
        {"map_policy", [](const JsonValue& v, NodeSpec& out) { out.mapPolicy = v.choice<MapPolicy>({{"furthest", MapPolicy::Furthest}, {"preference", MapPolicy::Preference}}); }},
        {"lifetime", [](const JsonValue& v, NodeSpec& out) { out.lifetime = v.seconds(); }},
        {"route_optimisation", [](const JsonValue& v, NodeSpec& out) { routeOptimisation(v, out); }},
    };
    return settings;
}

}  // namespace roamscope::capture
