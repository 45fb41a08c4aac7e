// SPDX-License-Identifier: GPL-3.0-or-later
// Settings of an access router, and what any router advertises on an interface.
#include "capture/io/node_settings.hpp"

namespace roamscope::capture {

using namespace lab;

namespace {

MapAdvertisement mapOption(const JsonValue& value)
{
    static const Settings<MapAdvertisement> keys{
        {"node", [](const JsonValue& v, MapAdvertisement& out) { out.node = v.string(); }, "the name of a node of role map"},
        {"distance", [](const JsonValue& v, MapAdvertisement& out) { out.distance = v.integer<std::uint8_t>(1, 15); }},
        {"preference", [](const JsonValue& v, MapAdvertisement& out) { out.preference = v.integer<std::uint8_t>(0, 15); }},
        {"lifetime", [](const JsonValue& v, MapAdvertisement& out) { out.lifetime = v.seconds(); }},
    };
    MapAdvertisement out;
    value.object(keys, out);
    return out;
}

}  // namespace

const Settings<NodeSpec>& accessRouterSettings()
{
    static const Settings<NodeSpec> settings{};
    return settings;
}

const Settings<AdvertiseSpec>& advertiseSettings()
{
    static const Settings<AdvertiseSpec> settings{
        {"min_interval", [](const JsonValue& v, AdvertiseSpec& out) { out.minInterval = v.duration(); }},
        {"max_interval", [](const JsonValue& v, AdvertiseSpec& out) { out.maxInterval = v.duration(); }},
        {"map", [](const JsonValue& v, AdvertiseSpec& out) { v.list([&](const JsonValue& e) { out.map.push_back(mapOption(e)); }); }},
    };
    return settings;
}

}  // namespace roamscope::capture
