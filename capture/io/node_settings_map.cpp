// SPDX-License-Identifier: GPL-3.0-or-later
// Settings of a MAP, which may be a home agent as well.
#include "capture/io/node_settings.hpp"

namespace roamscope::capture {

using namespace lab;

const Settings<NodeSpec>& mapSettings()
{
    static const Settings<NodeSpec> settings = [] {
        Settings<NodeSpec> all = homeAgentSettings();
        all.push_back({"regional_prefix", [](const JsonValue& v, NodeSpec& out) { out.regionalPrefix = v.prefix("2001:db8:300::/64"); }});
        all.push_back({"local_prefixes", [](const JsonValue& v, NodeSpec& out) { v.list([&](const JsonValue& e) { out.localPrefixes.push_back(e.prefix("2001:db8:a0::/48")); }); }});
        return all;
    }();
    return settings;
}

}  // namespace roamscope::capture
