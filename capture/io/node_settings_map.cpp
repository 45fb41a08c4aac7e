// SPDX-License-Identifier: GPL-3.0-or-later
// Settings of a MAP.
#include "capture/io/node_settings.hpp"

namespace roamscope::capture {

using namespace lab;

const Settings<NodeSpec>& mapSettings()
{
    static const Settings<NodeSpec> settings{
        {"regional_prefix", [](const JsonValue& v, NodeSpec& out) { out.regionalPrefix = v.prefix("2001:db8:300::/64"); }},
        {"maximum_lifetime", [](const JsonValue& v, NodeSpec& out) { out.maximumLifetime = v.seconds(); }},
    };
    return settings;
}

}  // namespace roamscope::capture
