// SPDX-License-Identifier: GPL-3.0-or-later
// Settings of an access router, and what any router advertises on an interface.
#include "capture/io/node_settings.hpp"

namespace roamscope::capture {

using namespace lab;

namespace {

MapAdvertisement mapOption(const JsonValue& value)
{
    static const Settings<MapAdvertisement> keys{
        {"node", [](const JsonValue& v, MapAdvertisement& out) { out.node = v.string(); }, "the name of a node of role map, or its address"},
        {"form_address", [](const JsonValue& v, MapAdvertisement& out) { out.formAddress = v.boolean(); }},
        {"distance", [](const JsonValue& v, MapAdvertisement& out) { out.distance = v.integer<std::uint8_t>(1, 15); }},
        {"preference", [](const JsonValue& v, MapAdvertisement& out) { out.preference = v.integer<std::uint8_t>(0, 15); }},
        {"lifetime", [](const JsonValue& v, MapAdvertisement& out) { out.lifetime = v.seconds(); }},
    };
    MapAdvertisement out;
    value.object(keys, out);
    return out;
}

/// A lifetime in whole seconds, or "infinite".
std::chrono::seconds lifetime(const JsonValue& value)
{
    constexpr std::chrono::seconds infinite{0xffffffff};
    return value.node().text == "infinite" ? infinite : value.seconds();
}

AdvertisedPrefix advertisedPrefix(const JsonValue& value)
{
    static const Settings<AdvertisedPrefix> keys{
        {"prefix", [](const JsonValue& v, AdvertisedPrefix& out) { out.prefix = v.prefix("2001:db8:200::1/64"); }, "a prefix, with R the router's whole address"},
        {"on_link", [](const JsonValue& v, AdvertisedPrefix& out) { out.onLink = v.boolean(); }},
        {"autonomous", [](const JsonValue& v, AdvertisedPrefix& out) { out.autonomous = v.boolean(); }},
        {"router_address", [](const JsonValue& v, AdvertisedPrefix& out) { out.router = v.boolean(); }},
        {"valid_lifetime", [](const JsonValue& v, AdvertisedPrefix& out) { out.valid = lifetime(v); }},
        {"preferred_lifetime", [](const JsonValue& v, AdvertisedPrefix& out) { out.preferred = lifetime(v); }},
        {"counts_down", [](const JsonValue& v, AdvertisedPrefix& out) { out.countsDown = v.boolean(); }},
    };
    AdvertisedPrefix out;
    value.object(keys, out);
    return out;
}

void homeAgentInformation(const JsonValue& value, AdvertiseSpec& spec)
{
    static const Settings<HomeAgentInformationSpec> keys{
        {"preference", [](const JsonValue& v, HomeAgentInformationSpec& out) { out.preference = v.integer<std::uint16_t>(0, 0xffff); }},
        {"lifetime", [](const JsonValue& v, HomeAgentInformationSpec& out) { out.lifetime = v.seconds(); }},
    };
    value.object(keys, spec.homeAgentInformation.emplace());
}

}  // namespace

const Settings<NodeSpec>& accessRouterSettings()
{
    static const Settings<NodeSpec> settings{
        {"probe_maps", [](const JsonValue& v, NodeSpec& out) { out.probeMaps = v.boolean(); }},
    };
    return settings;
}

const Settings<AdvertiseSpec>& advertiseSettings()
{
    static const Settings<AdvertiseSpec> settings{
        {"min_interval", [](const JsonValue& v, AdvertiseSpec& out) { out.minInterval = v.duration(); }},
        {"max_interval", [](const JsonValue& v, AdvertiseSpec& out) { out.maxInterval = v.duration(); }},
        {"router_lifetime", [](const JsonValue& v, AdvertiseSpec& out) { out.routerLifetime = v.seconds(); }},
        {"managed", [](const JsonValue& v, AdvertiseSpec& out) { out.managed = v.boolean(); }},
        {"other", [](const JsonValue& v, AdvertiseSpec& out) { out.other = v.boolean(); }},
        {"home_agent", [](const JsonValue& v, AdvertiseSpec& out) { out.homeAgent = v.boolean(); }},
        {"hop_limit", [](const JsonValue& v, AdvertiseSpec& out) { out.hopLimit = v.integer<std::uint8_t>(0, 255); }},
        {"reachable_time", [](const JsonValue& v, AdvertiseSpec& out) { out.reachableTime = v.duration(); }},
        {"retrans_timer", [](const JsonValue& v, AdvertiseSpec& out) { out.retransTimer = v.duration(); }},
        {"mtu", [](const JsonValue& v, AdvertiseSpec& out) { out.mtu = v.integer<std::uint32_t>(1280, 65535); }},
        {"advertisement_interval", [](const JsonValue& v, AdvertiseSpec& out) { out.interval = v.boolean(); }},
        {"home_agent_information", [](const JsonValue& v, AdvertiseSpec& out) { homeAgentInformation(v, out); }},
        {"prefixes", [](const JsonValue& v, AdvertiseSpec& out) {
             out.prefixes.emplace();
             v.list([&](const JsonValue& e) { out.prefixes->push_back(advertisedPrefix(e)); });
         }},
        {"relay_maps", [](const JsonValue& v, AdvertiseSpec& out) { out.relayMaps = v.boolean(); }},
        {"map", [](const JsonValue& v, AdvertiseSpec& out) { v.list([&](const JsonValue& e) { out.map.push_back(mapOption(e)); }); }},
    };
    return settings;
}

}  // namespace roamscope::capture
