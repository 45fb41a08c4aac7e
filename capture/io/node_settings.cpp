// SPDX-License-Identifier: GPL-3.0-or-later
// Settings that nodes of all roles have.
#include "capture/io/node_settings.hpp"

namespace roamscope::capture {

using namespace lab;

namespace {

constexpr std::array everyRole{Role::HomeAgent, Role::Map, Role::AccessRouter, Role::Correspondent, Role::MobileNode};

bool has(const Settings<NodeSpec>& settings, std::string_view key)
{
    return std::any_of(settings.begin(), settings.end(), [&](const auto& setting) { return setting.key == key; });
}

/// The roles that have `key`, "ha or map".
std::string rolesWith(std::string_view key)
{
    std::string out;
    for (const Role role : everyRole)
        if (has(settingsOf(role), key)) out += fmt::format("{}{}", out.empty() ? "" : " or ", roleName(role));
    return out;
}

RouteSpec route(const JsonValue& value)
{
    static const Settings<RouteSpec> keys{
        {"to", [](const JsonValue& v, RouteSpec& out) { out.to = v.prefix("::/0"); }, "a prefix, such as \"::/0\""},
        {"via", [](const JsonValue& v, RouteSpec& out) { out.via = v.address("fe80::1"); }, "the next router's address"},
        {"interface", [](const JsonValue& v, RouteSpec& out) { out.interface = v.string("the name of an interface of this node"); }},
    };
    RouteSpec out;
    value.object(keys, out);
    return out;
}

/// An address alone, or with the interface that it is reached by.
RouteSpec defaultRoute(const JsonValue& value)
{
    static const Settings<RouteSpec> keys{
        {"address", [](const JsonValue& v, RouteSpec& out) { out.via = v.address("fe80::1"); }, "the router's address"},
        {"interface", [](const JsonValue& v, RouteSpec& out) { out.interface = v.string("the name of an interface of this node"); }},
    };
    RouteSpec out;
    if (value.kind() == JsonValue::Kind::Object) value.object(keys, out);
    else out.via = value.address("2001:db8:200::1");
    return out;
}

const Settings<NodeSpec>& errorSettings()
{
    static const Settings<NodeSpec> keys{
        {"rate", [](const JsonValue& v, NodeSpec& out) { out.errorRate = v.integer<std::uint32_t>(0, 1'000'000); }},
        {"burst", [](const JsonValue& v, NodeSpec& out) { out.errorBurst = v.integer<std::uint32_t>(1, 1'000'000); }},
    };
    return keys;
}

InterfaceSpec interface(const JsonValue& value, std::size_t index)
{
    InterfaceSpec out;
    value.object(interfaceSettings(), out);
    if (out.name.empty()) out.name = out.link.value_or(fmt::format("if{}", index));
    return out;
}

/// An address alone, or with the gateway of its network.
node::Ipv4Interface ipv4Address(const JsonValue& value)
{
    static const Settings<node::Ipv4Interface> keys{
        {"address", [](const JsonValue& v, node::Ipv4Interface& out) {
             const node::Ipv4Interface own = v.ipv4Interface();
             out.address = own.address;
             out.prefixLength = own.prefixLength;
         }, "an IPv4 address with its prefix length"},
        {"gateway", [](const JsonValue& v, node::Ipv4Interface& out) { out.gateway = v.ipv4("192.0.2.254"); }},
    };
    if (value.kind() != JsonValue::Kind::Object) return value.ipv4Interface();
    node::Ipv4Interface out;
    value.object(keys, out);
    return out;
}

/// The first of the list is the address when none stands alone.
void addAddress(const Prefix& address, InterfaceSpec& out)
{
    if (out.address) out.moreAddresses.push_back(address);
    else out.address = address;
}

}  // namespace

const Settings<NodeSpec>& settingsOf(Role role)
{
    switch (role) {
    case Role::HomeAgent: return homeAgentSettings();
    case Role::Map: return mapSettings();
    case Role::AccessRouter: return accessRouterSettings();
    case Role::Correspondent: return correspondentSettings();
    case Role::MobileNode: break;
    }
    return mobileNodeSettings();
}

const Settings<NodeSpec>& stackSettings()
{
    static const Settings<NodeSpec> settings{
        {"interfaces", [](const JsonValue& v, NodeSpec& out) { v.list([&](const JsonValue& e) { out.interfaces.push_back(interface(e, out.interfaces.size())); }); },
         "a list of interfaces"},
        {"echo", [](const JsonValue& v, NodeSpec& out) { out.echo = v.boolean(); }},
        {"forwarding", [](const JsonValue& v, NodeSpec& out) { out.forwarding = v.boolean(); }},
        {"icmp_errors", [](const JsonValue& v, NodeSpec& out) { v.object(errorSettings(), out); }},
        {"routes", [](const JsonValue& v, NodeSpec& out) { v.list([&](const JsonValue& e) { out.routes.push_back(route(e)); }); }},
        // Behind the routes, whose numbers in messages are then those of the file.
        {"default_router", [](const JsonValue& v, NodeSpec& out) { out.routes.push_back(defaultRoute(v)); }},
    };
    return settings;
}

const Settings<InterfaceSpec>& interfaceSettings()
{
    static const Settings<InterfaceSpec> settings{
        {"name", [](const JsonValue& v, InterfaceSpec& out) { out.name = v.string(); }},
        {"link", [](const JsonValue& v, InterfaceSpec& out) { out.link = v.string("the name of a link"); }},
        {"address", [](const JsonValue& v, InterfaceSpec& out) { out.address = v.prefix("2001:db8:200::1/64"); }},
        {"addresses", [](const JsonValue& v, InterfaceSpec& out) { v.list([&](const JsonValue& e) { addAddress(e.prefix("2001:db8:200::1/64"), out); }); }},
        {"anycast", [](const JsonValue& v, InterfaceSpec& out) { v.list([&](const JsonValue& e) { out.anycast.push_back(e.address("2001:db8:200::fdff:ffff:ffff:fffe")); }); }},
        {"slaac", [](const JsonValue& v, InterfaceSpec& out) { out.slaac = v.boolean(); }},
        {"dad_transmits", [](const JsonValue& v, InterfaceSpec& out) { out.dadTransmits = v.integer<int>(0, 10); }},
        {"retrans_timer", [](const JsonValue& v, InterfaceSpec& out) { out.retransTimer = v.duration(); }},
        {"verify_addresses", [](const JsonValue& v, InterfaceSpec& out) { out.verifyStatic = v.boolean(); }},
        {"mtu", [](const JsonValue& v, InterfaceSpec& out) { out.mtu = v.integer<std::uint32_t>(1280, 1500); }},
        {"bid", [](const JsonValue& v, InterfaceSpec& out) { out.bid = v.integer<std::uint16_t>(1, 0xffff); }},
        {"bid_priority", [](const JsonValue& v, InterfaceSpec& out) { out.bidPriority = v.integer<std::uint8_t>(1, 127); }},
        {"ipv4_address", [](const JsonValue& v, InterfaceSpec& out) { out.ipv4 = ipv4Address(v); }},
        {"mac", [](const JsonValue& v, InterfaceSpec& out) { out.mac = v.mac(); }},
        {"advertise", [](const JsonValue& v, InterfaceSpec& out) { v.object(advertiseSettings(), out.advertise.emplace()); }},
    };
    return settings;
}

Role roleIn(const JsonValue& value)
{
    return value.choice<Role>({{"ha", Role::HomeAgent}, {"map", Role::Map}, {"ar", Role::AccessRouter}, {"cn", Role::Correspondent}, {"mn", Role::MobileNode}});
}

NodeSpec readNode(const JsonValue& value, Role role, JsonFields::Keys keys)
{
    NodeSpec out;
    out.role = role;
    for (const auto& setting : stackSettings()) keys.push_back(setting.key);
    for (const auto& setting : settingsOf(role)) keys.push_back(setting.key);
    for (const JsonNode& member : value.node().children) {
        if (std::find(keys.begin(), keys.end(), member.key) != keys.end()) continue;
        const std::string others = rolesWith(member.key);
        if (!others.empty()) value.refuse(member, fmt::format("only for role {}, this node is {}", others, roleName(role)));
    }
    if (!value.onlyHas(keys)) return out;
    value.optional("name", [&](const JsonValue& v) { out.name = v.string(); });
    value.take(stackSettings(), out);
    value.take(settingsOf(role), out);
    return out;
}

}  // namespace roamscope::capture
