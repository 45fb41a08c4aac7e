// SPDX-License-Identifier: GPL-3.0-or-later
// Settings of a correspondent.
#include "capture/io/node_settings.hpp"

namespace roamscope::capture {

using namespace lab;

const Settings<NodeSpec>& correspondentSettings()
{
    static const Settings<NodeSpec> settings{
        {"mobility", [](const JsonValue& v, NodeSpec& out) { out.mobility = v.boolean(); }},
    };
    return settings;
}

}  // namespace roamscope::capture
