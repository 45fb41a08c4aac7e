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

}  // namespace

const Settings<NodeSpec>& mobileNodeSettings()
{
    static const Settings<NodeSpec> settings{
        {"home_address", [](const JsonValue& v, NodeSpec& out) { out.homeAddress = v.address("2001:db8:100::1:1"); }},
        {"home_agent", [](const JsonValue& v, NodeSpec& out) { out.homeAgent = v.string("the name of a node of role ha"); }},
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
        {"map_policy", [](const JsonValue& v, NodeSpec& out) { out.mapPolicy = v.choice<MapPolicy>({{"furthest", MapPolicy::Furthest}, {"preference", MapPolicy::Preference}}); }},
        {"lifetime", [](const JsonValue& v, NodeSpec& out) { out.lifetime = v.seconds(); }},
        {"route_optimisation", [](const JsonValue& v, NodeSpec& out) { routeOptimisation(v, out); }},
    };
    return settings;
}

}  // namespace roamscope::capture
