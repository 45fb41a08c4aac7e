// SPDX-License-Identifier: GPL-3.0-or-later
// Settings of several care-of addresses (RFC 5648), flow bindings (RFC 6089) and mobile routers (RFC 3963) at those who keep bindings.
#include "capture/io/node_settings.hpp"

namespace roamscope::capture {

using namespace lab;

namespace {

node::Support supportIn(const JsonValue& v) { return v.choice<node::Support>({{"on", node::Support::On}, {"off", node::Support::Unknown}, {"refuse", node::Support::Prohibited}}); }

const Settings<node::BidPolicy>& bidSettings(bool correspondent)
{
    static const auto keysFor = [](bool cn) {
        Settings<node::BidPolicy> keys{
            {"support", [](const JsonValue& v, node::BidPolicy& out) { out.support = supportIn(v); }},
            {"maximum", [](const JsonValue& v, node::BidPolicy& out) { out.maximum = v.integer<std::uint32_t>(1, 64); }},
        };
        if (cn) return keys;
        keys.push_back({"bulk", [](const JsonValue& v, node::BidPolicy& out) { out.bulk = v.boolean(); }});
        keys.push_back({"home_and_foreign", [](const JsonValue& v, node::BidPolicy& out) { out.homeAndForeign = v.boolean(); }});
        keys.push_back({"home_neighbour_discovery", [](const JsonValue& v, node::BidPolicy& out) { out.homeNeighborDiscovery = v.boolean(); }});
        return keys;
    };
    static const Settings<node::BidPolicy> all = keysFor(false);
    static const Settings<node::BidPolicy> few = keysFor(true);
    return correspondent ? few : all;
}

const Settings<node::FlowPolicy>& flowSettings()
{
    static const Settings<node::FlowPolicy> keys{
        {"support", [](const JsonValue& v, node::FlowPolicy& out) { out.support = supportIn(v); }},
        {"maximum", [](const JsonValue& v, node::FlowPolicy& out) { out.maximum = v.integer<std::uint32_t>(1, 256); }},
    };
    return keys;
}

const Settings<node::MobileRouter>& routerSettings()
{
    static const Settings<node::MobileRouter> keys{
        {"home_address", [](const JsonValue& v, node::MobileRouter& out) { out.homeAddress = v.address("2001:db8:100::1:1"); }, "the mobile router's home address"},
        {"prefixes", [](const JsonValue& v, node::MobileRouter& out) { v.list([&](const JsonValue& e) { out.prefixes.push_back(e.prefix("2001:db8:1f0::/56")); }); }},
    };
    return keys;
}

const Settings<node::MobileRouterPolicy>& nemoSettings()
{
    static const Settings<node::MobileRouterPolicy> keys{
        {"support", [](const JsonValue& v, node::MobileRouterPolicy& out) { out.support = supportIn(v); }},
        {"routers", [](const JsonValue& v, node::MobileRouterPolicy& out) {
             v.list([&](const JsonValue& e) { e.object(routerSettings(), out.routers.emplace_back()); });
         }},
    };
    return keys;
}

}  // namespace

Settings<NodeSpec> bindingSettings(bool correspondent)
{
    Settings<NodeSpec> keys{
        {"flows", [](const JsonValue& v, NodeSpec& out) { v.object(flowSettings(), out.flows); }},
    };
    if (correspondent) {
        keys.push_back({"mcoa", [](const JsonValue& v, NodeSpec& out) { v.object(bidSettings(true), out.bids); }});
        return keys;
    }
    keys.push_back({"mcoa", [](const JsonValue& v, NodeSpec& out) { v.object(bidSettings(false), out.bids); }});
    keys.push_back({"nemo", [](const JsonValue& v, NodeSpec& out) { v.object(nemoSettings(), out.mobileRouters); }});
    return keys;
}

}  // namespace roamscope::capture
