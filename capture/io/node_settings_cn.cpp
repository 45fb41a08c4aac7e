// SPDX-License-Identifier: GPL-3.0-or-later
// Settings of a correspondent.
#include "capture/io/node_settings.hpp"

namespace roamscope::capture {

using namespace lab;

const Settings<NodeSpec>& correspondentSettings()
{
    static const Settings<NodeSpec> own{
        {"mobility", [](const JsonValue& v, NodeSpec& out) { out.mobility = v.boolean(); }},
        {"nonce_interval", [](const JsonValue& v, NodeSpec& out) { out.correspondent.nonceInterval = v.duration(); }},
        {"nonces", [](const JsonValue& v, NodeSpec& out) { out.correspondent.nonces = v.integer<std::uint32_t>(1, 240); }},
        {"refresh_requests", [](const JsonValue& v, NodeSpec& out) { out.correspondent.refreshRequests = v.boolean(); }},
        {"maximum_bindings", [](const JsonValue& v, NodeSpec& out) { out.correspondent.maximumBindings = v.integer<std::uint32_t>(0, 1'000'000); }},
    };
    static const Settings<NodeSpec> settings = [] {
        Settings<NodeSpec> all = own;
        const Settings<NodeSpec> bindings = bindingSettings(true);
        all.insert(all.end(), bindings.begin(), bindings.end());
        return all;
    }();
    return settings;
}

}  // namespace roamscope::capture
