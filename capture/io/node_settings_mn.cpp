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

}  // namespace

const Settings<NodeSpec>& mobileNodeSettings()
{
    static const Settings<NodeSpec> settings{
        {"home_address", [](const JsonValue& v, NodeSpec& out) { out.homeAddress = v.address("2001:db8:100::1:1"); }},
        {"home_agent", [](const JsonValue& v, NodeSpec& out) { out.homeAgent = v.string("the name of a node of role ha"); }},
        {"map_policy", [](const JsonValue& v, NodeSpec& out) { out.mapPolicy = v.choice<MapPolicy>({{"furthest", MapPolicy::Furthest}, {"preference", MapPolicy::Preference}}); }},
        {"lifetime", [](const JsonValue& v, NodeSpec& out) { out.lifetime = v.seconds(); }},
        {"route_optimisation", [](const JsonValue& v, NodeSpec& out) { routeOptimisation(v, out); }},
    };
    return settings;
}

}  // namespace roamscope::capture
