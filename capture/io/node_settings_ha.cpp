// SPDX-License-Identifier: GPL-3.0-or-later
// Settings of a home agent, and those that a MAP has too.
#include "capture/io/node_settings.hpp"

namespace roamscope::capture {

using namespace lab;

namespace {

const Settings<NodeSpec>& prefixDeliverySettings()
{
    static const Settings<NodeSpec> keys{
        {"enabled", [](const JsonValue& v, NodeSpec& out) { out.prefixDelivery = v.boolean(); }},
        {"min_interval", [](const JsonValue& v, NodeSpec& out) { out.minPrefixInterval = v.duration(); }},
        {"max_interval", [](const JsonValue& v, NodeSpec& out) { out.maxPrefixInterval = v.duration(); }},
    };
    return keys;
}

}  // namespace

const Settings<NodeSpec>& homeAgentSettings()
{
    static const Settings<NodeSpec> own{
        {"home_prefixes", [](const JsonValue& v, NodeSpec& out) { v.list([&](const JsonValue& e) { out.homePrefixes.push_back(e.prefix("2001:db8:100::/64")); }); }},
        {"home_addresses", [](const JsonValue& v, NodeSpec& out) { v.list([&](const JsonValue& e) { out.homeAddresses.push_back(e.address("2001:db8:100::1:1")); }); }},
        {"maximum_lifetime", [](const JsonValue& v, NodeSpec& out) { out.maximumLifetime = v.seconds(); }},
        {"maximum_bindings", [](const JsonValue& v, NodeSpec& out) { out.maximumBindings = v.integer<std::uint32_t>(1, 1'000'000); }},
        {"refresh_advice", [](const JsonValue& v, NodeSpec& out) { out.refreshAdvice = v.seconds(); }},
        {"refresh_request", [](const JsonValue& v, NodeSpec& out) { out.refreshRequest = v.duration(); }},
        {"discovery", [](const JsonValue& v, NodeSpec& out) { out.discovery = v.boolean(); }},
        {"prefix_advertisements", [](const JsonValue& v, NodeSpec& out) { v.object(prefixDeliverySettings(), out); }},
        {"probe_maps", [](const JsonValue& v, NodeSpec& out) { out.probeMaps = v.boolean(); }},
    };
    static const Settings<NodeSpec> settings = [] {
        Settings<NodeSpec> all = own;
        const Settings<NodeSpec> bindings = bindingSettings(false);
        all.insert(all.end(), bindings.begin(), bindings.end());
        return all;
    }();
    return settings;
}

}  // namespace roamscope::capture
