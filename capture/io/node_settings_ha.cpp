// SPDX-License-Identifier: GPL-3.0-or-later
// Settings of a home agent.
#include "capture/io/node_settings.hpp"

namespace roamscope::capture {

using namespace lab;

const Settings<NodeSpec>& homeAgentSettings()
{
    static const Settings<NodeSpec> settings{
        {"home_prefixes", [](const JsonValue& v, NodeSpec& out) { v.list([&](const JsonValue& e) { out.homePrefixes.push_back(e.prefix("2001:db8:100::/64")); }); }},
        {"maximum_lifetime", [](const JsonValue& v, NodeSpec& out) { out.maximumLifetime = v.seconds(); }},
    };
    return settings;
}

}  // namespace roamscope::capture
