// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/lab/scenario.hpp"

#include "protocol/lab/ipv4_networks.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>

namespace roamscope::lab {

namespace {

constexpr std::array<std::pair<Role, std::string_view>, 5> roles{{{Role::HomeAgent, "ha"},
                                                                  {Role::Map, "map"},
                                                                  {Role::AccessRouter, "ar"},
                                                                  {Role::Correspondent, "cn"},
                                                                  {Role::MobileNode, "mn"}}};

constexpr std::size_t maxNodes = 32'768;
constexpr std::size_t maxLinks = 8192;
constexpr std::size_t maxInterfaces = 16;
constexpr std::size_t maxFlows = 256;
constexpr std::size_t maxName = 32;
constexpr Duration maxDuration = 24h;
constexpr Duration maxDelay = 10s;
constexpr std::chrono::seconds maxBindingLifetime{65'535 * 4};  // RFC 6275 §6.1.7: 16 bits in units of 4 s

/// Letters, digits and - _ . so that a name is safe in file names, filters and capture files.
bool isName(std::string_view text)
{
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'; };
    return !text.empty() && text.size() <= maxName && std::all_of(text.begin(), text.end(), fits);
}

class Validator {
public:
    explicit Validator(const Scenario& scenario) : s_(scenario) {}

    std::vector<ScenarioProblem> run()
    {
        if (s_.duration <= Duration{0} || s_.duration > maxDuration) add("/duration", "expected more than 0s and at most 24h");
        links();
        nodes();
        events();
        traffic();
        expectations();
        validateTroubles(s_, problems_);
        validateIpv4(s_, problems_);
        return std::move(problems_);
    }

private:
    void add(std::string path, std::string text) { problems_.push_back({std::move(path), std::move(text)}); }

    [[nodiscard]] bool hasLink(std::string_view name) const
    {
        return std::any_of(s_.links.begin(), s_.links.end(), [&](const LinkSpec& l) { return l.name == name; });
    }
    [[nodiscard]] const NodeSpec* node(std::string_view name) const
    {
        const auto it = std::find_if(s_.nodes.begin(), s_.nodes.end(), [&](const NodeSpec& n) { return n.name == name; });
        return it == s_.nodes.end() ? nullptr : &*it;
    }

    /// Reports a name that is no name or exists already among its kind.
    template <class Item, class NameOf>
    void names(const std::vector<Item>& items, const std::string& path, std::string_view key, NameOf nameOf)
    {
        std::map<std::string, std::size_t> first;
        for (std::size_t i = 0; i < items.size(); ++i) {
            const std::string& name = nameOf(items[i]);
            const std::string place = fmt::format("{}/{}/{}", path, i, key);
            if (!isName(name)) add(place, fmt::format("\"{}\" is no name: expected 1 to {} letters, digits, -, _ or .", name, maxName));
            const auto [it, fresh] = first.emplace(name, i);
            if (!fresh) add(place, fmt::format("\"{}\" is used twice, first in entry {}", name, it->second));
        }
    }

    void links()
    {
        if (s_.links.empty()) add("/links", "expected at least one link");
        if (s_.links.size() > maxLinks) add("/links", fmt::format("expected at most {} links", maxLinks));
        names(s_.links, "/links", "name", [](const LinkSpec& l) -> const std::string& { return l.name; });
        for (std::size_t i = 0; i < s_.links.size(); ++i)
            if (s_.links[i].delay < Duration{0} || s_.links[i].delay > maxDelay) add(fmt::format("/links/{}/delay", i), "expected 0s to 10s");
    }

    void nodes()
    {
        if (s_.nodes.empty()) add("/nodes", "expected at least one node");
        if (s_.nodes.size() > maxNodes) add("/nodes", fmt::format("expected at most {} nodes", maxNodes));
        names(s_.nodes, "/nodes", "name", [](const NodeSpec& n) -> const std::string& { return n.name; });
        for (std::size_t i = 0; i < s_.nodes.size(); ++i) {
            const std::string path = fmt::format("/nodes/{}", i);
            interfaces(s_.nodes[i], path);
            routes(s_.nodes[i], path);
            switch (s_.nodes[i].role) {
            case Role::HomeAgent: homeAgent(s_.nodes[i], path); break;
            case Role::Map: map(s_.nodes[i], path); break;
            case Role::MobileNode: mobileNode(s_.nodes[i], path); break;
            case Role::Correspondent: correspondent(s_.nodes[i], path); break;
            case Role::AccessRouter: break;
            }
        }
    }

    void interfaces(const NodeSpec& n, const std::string& path)
    {
        if (n.interfaces.empty()) add(path + "/interfaces", "expected at least one interface");
        if (n.interfaces.size() > maxInterfaces) add(path + "/interfaces", fmt::format("expected at most {} interfaces", maxInterfaces));
        names(n.interfaces, path + "/interfaces", "name", [](const InterfaceSpec& i) -> const std::string& { return i.name; });
        for (std::size_t i = 0; i < n.interfaces.size(); ++i) interface(n, n.interfaces[i], fmt::format("{}/interfaces/{}", path, i));
    }

    void interface(const NodeSpec& n, const InterfaceSpec& interface, const std::string& path)
    {
        const bool mobile = n.role == Role::MobileNode;
        if (interface.link && !hasLink(*interface.link)) add(path + "/link", fmt::format("no link is named \"{}\"", *interface.link));
        if (!interface.link && !mobile) add(path + "/link", fmt::format("missing: a node of role {} stays on its link", roleName(n.role)));
        if (interface.mac) mac(*interface.mac, path + "/mac");
        if (interface.address && mobile && !n.mobile.network)
            add(path + "/address", "not for a mobile node: it forms its addresses from advertisements. With \"mobile_network\" it is the interface of the network behind a mobile router");
        const bool without = (n.role == Role::Correspondent && interface.slaac) || (n.role == Role::AccessRouter && interface.ipv4);
        if (!interface.address && !mobile && !without) add(path + "/address", fmt::format("missing: a node of role {} needs a static address", roleName(n.role)));
        if (interface.address) address(*interface.address, path + "/address");
        if (isIngress(n, interface) && !interface.link) add(path + "/link", "missing: the network behind a mobile router stays where it is");
        if (!interface.moreAddresses.empty() && mobile) add(path + "/addresses", "not for a mobile node: it forms its addresses from advertisements");
        for (std::size_t i = 0; i < interface.moreAddresses.size(); ++i) address(interface.moreAddresses[i], fmt::format("{}/addresses/{}", path, i));
        for (std::size_t i = 0; i < interface.anycast.size(); ++i)
            if (interface.anycast[i].isMulticast() || interface.anycast[i].isUnspecified()) add(fmt::format("{}/anycast/{}", path, i), "expected a unicast address");
        if (!interface.anycast.empty() && !isRouter(n.role)) add(path + "/anycast", "only routers have anycast addresses (RFC 4291 §2.6): roles ar, ha and map");
        if (interface.dadTransmits < 0 || interface.dadTransmits > 10) add(path + "/dad_transmits", "expected 0 to 10 (RFC 4862 §5.1)");
        if (interface.retransTimer < 1ms || interface.retransTimer > 1h) add(path + "/retrans_timer", "expected 1ms to 1h (RFC 4861 §6.2.1)");
        if (interface.bidPriority > 127) add(path + "/bid_priority", "expected 1 to 127 (RFC 6089 §4.1)");
        if (interface.mtu < 1280 || interface.mtu > 1500) add(path + "/mtu", "expected 1280 to 1500 (RFC 8200 §5)");
        if (interface.advertise) advertise(n, interface, *interface.advertise, path + "/advertise");
    }

    void mac(const Mac& mac, const std::string& path)
    {
        if (mac.isGroup() || mac == Mac{}) add(path, fmt::format("{} cannot be an interface's own address", mac.text()));
        if (const auto [it, fresh] = macs_.emplace(mac, path); !fresh) add(path, fmt::format("{} is used twice, first at {}", mac.text(), it->second));
    }

    void address(const Prefix& address, const std::string& path)
    {
        if (!address.address.isUnicastRoutable()) add(path, fmt::format("{} is no routable unicast address", address.address.text()));
        if (address.length < 1 || address.length > 127) add(path, fmt::format("a prefix of {} bits: expected 1 to 127, usually 64", address.length));
        if (address.length < 128 && address.masked().address == address.address) add(path, fmt::format("{} is the prefix itself: expected an address inside it", address.text()));
        if (const auto [it, fresh] = addresses_.emplace(address.address, path); !fresh)
            add(path, fmt::format("{} is used twice, first at {}", address.address.text(), it->second));
    }

    void advertise(const NodeSpec& n, const InterfaceSpec& interface, const AdvertiseSpec& advertise, const std::string& path)
    {
        if (!isRouter(n.role) && !isIngress(n, interface))
            add(path, fmt::format("only for roles ar, ha and map and for the network behind a mobile router, this node is {}", roleName(n.role)));
        // A mobile node forms addresses from the advertised prefix, which takes 64 bits (RFC 4862 §5.5.3).
        if (interface.address && interface.address->length != 64 && !advertise.prefixes) add(path.substr(0, path.rfind('/')) + "/address", "an advertised prefix must have 64 bits");
        if (advertise.maxInterval < 70ms || advertise.maxInterval > 1800s) add(path + "/max_interval", "expected 70ms (RFC 6275 §7.5) to 1800s (RFC 4861 §6.2.1)");
        if (advertise.minInterval < 30ms) add(path + "/min_interval", "expected at least 30ms (RFC 6275 §7.5)");
        else if (advertise.minInterval > advertise.maxInterval / 4 * 3) add(path + "/min_interval", "expected at most 0.75 of max_interval (RFC 4861 §6.2.1)");
        for (std::size_t i = 0; i < advertise.map.size(); ++i) mapOption(advertise.map[i], fmt::format("{}/map/{}", path, i));
        if (advertise.routerLifetime && (advertise.routerLifetime->count() < 0 || advertise.routerLifetime->count() > 65535))
            add(path + "/router_lifetime", "expected 0s to 65535s (RFC 8319 §4)");
        if (advertise.mtu && (*advertise.mtu < 1280 || *advertise.mtu > 65535)) add(path + "/mtu", "expected 1280 to 65535");
        if (advertise.reachableTime > 1h) add(path + "/reachable_time", "expected at most 1h (RFC 4861 §6.2.1)");
        if (advertise.retransTimer > 1h) add(path + "/retrans_timer", "expected at most 1h");
        if (const auto& information = advertise.homeAgentInformation; information && information->lifetime && (*information->lifetime < 1s || *information->lifetime > 65535s))
            add(path + "/home_agent_information/lifetime", "expected 1s to 65535s (RFC 6275 §7.4)");
        if (advertise.relayMaps && s_.dialect == Dialect::Rfc5380) add(path + "/relay_maps", "RFC 5380 has no dynamic MAP discovery: only with \"dialect\": \"rfc4140\"");
        for (std::size_t i = 0; advertise.prefixes && i < advertise.prefixes->size(); ++i) advertisedPrefix((*advertise.prefixes)[i], fmt::format("{}/prefixes/{}", path, i));
    }

    void advertisedPrefix(const AdvertisedPrefix& p, const std::string& path)
    {
        if (p.prefix.address.isMulticast() || p.prefix.address.isLinkLocal()) add(path + "/prefix", "expected a unicast prefix that is not link-local (RFC 4861 §4.6.2)");
        if (p.valid.count() < 0 || p.valid.count() > 0xffffffff) add(path + "/valid_lifetime", "expected 0s to 4294967295s, which is for ever");
        if (p.preferred.count() < 0 || p.preferred > p.valid) add(path + "/preferred_lifetime", "expected at most the valid lifetime (RFC 4861 §4.6.2)");
    }

    void mapOption(const MapAdvertisement& option, const std::string& path)
    {
        needPeer(option.node, Role::Map, path + "/node");
        if (option.distance < 1 || option.distance > 15) add(path + "/distance", "expected 1 to 15 (RFC 5380 §5)");
        if (option.preference > 15) add(path + "/preference", "expected 0 to 15 (RFC 5380 §5)");
        if (option.lifetime.count() < 0 || option.lifetime.count() > 0xffffffff) add(path + "/lifetime", "expected 0s to 4294967295s (RFC 5380 §5)");
    }

    /// A node of that role, or the address of one that is not part of the lab.
    void needPeer(const std::string& name, Role role, const std::string& path)
    {
        const auto address = Ipv6Address::parse(name);
        if (!address) return needRole(name, role, path);
        if (!address->isUnicastRoutable()) add(path, fmt::format("{} is no routable unicast address", name));
    }

    void routes(const NodeSpec& n, const std::string& path)
    {
        if (n.role == Role::MobileNode && !n.routes.empty()) add(path + "/routes", "not for a mobile node: it learns its routers from advertisements");
        if (n.errorRate > 1'000'000) add(path + "/icmp_errors/rate", "expected at most 1000000 a second");
        if (n.errorBurst < 1 || n.errorBurst > 1'000'000) add(path + "/icmp_errors/burst", "expected 1 to 1000000");
        for (std::size_t i = 0; i < n.routes.size(); ++i) {
            const RouteSpec& route = n.routes[i];
            const std::string place = fmt::format("{}/routes/{}", path, i);
            const auto covers = [&](const InterfaceSpec& f) { return f.address && f.address->contains(route.via); };
            const auto named = [&](const InterfaceSpec& f) { return f.name == route.interface; };
            if (!route.interface.empty() && std::none_of(n.interfaces.begin(), n.interfaces.end(), named))
                add(place + "/interface", fmt::format("\"{}\" has no interface \"{}\"", n.name, route.interface));
            if (route.interface.empty() && std::none_of(n.interfaces.begin(), n.interfaces.end(), covers))
                add(place + "/via", fmt::format("{} is in the prefix of no interface: name the interface that it is reached by", route.via.text()));
        }
    }

    void needRole(const std::string& name, Role role, const std::string& path)
    {
        const NodeSpec* found = node(name);
        if (!found) add(path, fmt::format("no node is named \"{}\"", name));
        else if (found->role != role) add(path, fmt::format("\"{}\" has role {}: expected a node of role {}", name, roleName(found->role), roleName(role)));
    }

    void bindingLifetime(std::chrono::seconds lifetime, const std::string& path)
    {
        if (lifetime < 4s || lifetime > maxBindingLifetime) add(path, "expected 4s to 262140s (RFC 6275 §6.1.7)");
    }

    void anchor(const NodeSpec& n, const std::string& path)
    {
        bindingLifetime(n.maximumLifetime, path + "/maximum_lifetime");
        if (n.maximumBindings < 1 || n.maximumBindings > 1'000'000) add(path + "/maximum_bindings", "expected 1 to 1000000");
        if (n.refreshAdvice < 0s || n.refreshAdvice > maxBindingLifetime) add(path + "/refresh_advice", "expected 0s to 262140s (RFC 6275 §6.2.4)");
        if (n.refreshRequest > 24h) add(path + "/refresh_request", "expected at most 24h");
        if (n.minPrefixInterval < 1s || n.maxPrefixInterval > 1000h) add(path + "/prefix_advertisements/min_interval", "expected 1s to 1000h");
        if (n.maxPrefixInterval < n.minPrefixInterval) add(path + "/prefix_advertisements/max_interval", "expected at least the shortest interval");
        for (std::size_t i = 0; i < n.homeAddresses.size(); ++i) {
            const auto covers = [&](const Prefix& p) { return p.contains(n.homeAddresses[i]); };
            if (std::none_of(n.homePrefixes.begin(), n.homePrefixes.end(), covers)) add(fmt::format("{}/home_addresses/{}", path, i), "outside the home prefixes");
        }
        homePrefixes(n, path);
        mobileRouters(n, path + "/nemo/routers");
    }

    void mobileRouters(const NodeSpec& n, const std::string& path)
    {
        const auto& routers = n.mobileRouters.routers;
        for (std::size_t i = 0; i < routers.size(); ++i) {
            const auto covers = [&](const Prefix& p) { return p.contains(routers[i].homeAddress); };
            if (std::none_of(n.homePrefixes.begin(), n.homePrefixes.end(), covers)) add(fmt::format("{}/{}/home_address", path, i), "outside the home prefixes");
            if (std::any_of(routers.begin(), routers.begin() + static_cast<std::ptrdiff_t>(i), [&](const node::MobileRouter& r) { return r.homeAddress == routers[i].homeAddress; }))
                add(fmt::format("{}/{}/home_address", path, i), "named twice");
            for (std::size_t k = 0; k < routers[i].prefixes.size(); ++k)
                if (const Prefix& p = routers[i].prefixes[k]; p.length == 0 || !p.masked().address.isUnicastRoutable())
                    add(fmt::format("{}/{}/prefixes/{}", path, i, k), "expected a unicast prefix, not of a link");
        }
    }

    void homeAgent(const NodeSpec& n, const std::string& path)
    {
        anchor(n, path);
        if (n.homePrefixes.empty()) add(path + "/home_prefixes", "missing: a home agent needs at least one home prefix");
    }

    void homePrefixes(const NodeSpec& n, const std::string& path)
    {
        for (std::size_t i = 0; i < n.homePrefixes.size(); ++i)
            if (!hasAddressIn(n, n.homePrefixes[i])) add(fmt::format("{}/home_prefixes/{}", path, i), fmt::format("no interface of \"{}\" has an address in {}", n.name, n.homePrefixes[i].text()));
    }

    void map(const NodeSpec& n, const std::string& path)
    {
        anchor(n, path);
        const std::string place = path + "/regional_prefix";
        if (!n.regionalPrefix) return add(place, "missing: a MAP needs the prefix of its regional care-of addresses");
        if (n.regionalPrefix->length != 64) add(place, "a regional prefix must have 64 bits, the other 64 are the interface identifier");
        if (!hasAddressIn(n, *n.regionalPrefix)) add(place, fmt::format("no interface of \"{}\" has an address in {}", n.name, n.regionalPrefix->text()));
    }

    void correspondent(const NodeSpec& n, const std::string& path)
    {
        const CorrespondentSpec& c = n.correspondent;
        if (c.nonceInterval < 1s || c.nonceInterval > 240s) add(path + "/nonce_interval", "expected 1s to 240s (RFC 6275 §5.2.7)");
        if (c.nonces < 1 || c.nonces > 240) add(path + "/nonces", "expected 1 to 240");
        if (c.maximumBindings > 1'000'000) add(path + "/maximum_bindings", "expected at most 1000000");
    }

    static std::uint16_t bidAt(const NodeSpec& n, std::size_t interface) { return n.interfaces[interface].bid != 0 ? n.interfaces[interface].bid : static_cast<std::uint16_t>(interface + 1); }

    void mobileNode(const NodeSpec& n, const std::string& path)
    {
        bindingLifetime(n.lifetime, path + "/lifetime");
        const MobileSpec& m = n.mobile;
        if (m.firstTimeout < 100ms || m.firstTimeout > 32s) add(path + "/first_timeout", "expected 100ms to 32s");
        if (m.maximumMaps < 1 || m.maximumMaps > 8) add(path + "/maximum_maps", "expected 1 to 8");
        if (m.homePrefixLength < 8 || m.homePrefixLength > 120) add(path + "/home_prefix_length", "expected 8 to 120");
        for (std::size_t i = 0; i < n.interfaces.size(); ++i) {
            const std::uint16_t bid = bidAt(n, i);
            for (std::size_t other = 0; other < i; ++other)
                if (bidAt(n, other) == bid) add(fmt::format("{}/interfaces/{}/bid", path, i), fmt::format("binding identifier {} is that of another interface: they differ (RFC 5648 §5.1); without a value it is the number of the interface", bid));
        }
        for (std::size_t i = 0; i < m.flows.size(); ++i)
            for (std::size_t other = 0; other < i; ++other) {
                const std::string at = fmt::format("{}/mcoa/flows/{}", path, i);
                if (m.flows[other].flow == m.flows[i].flow) add(at + "/flow", "another flow has this number: they differ (RFC 6089 §4.2)");
                if (m.flows[other].priority == m.flows[i].priority) add(at + "/priority", "another flow has this priority: they differ (RFC 6089 §4.2)");
            }
        if (m.network) mobileNetwork(n, path);
        // RFC 5380 §1: without a home agent there is local mobility alone.
        if (s_.dialect == Dialect::Rfc5380 && n.homeAgent.empty() && !n.homeAddress) return;
        if (n.homeAgent.empty()) add(path + "/home_agent", "missing: the name of the mobile node's home agent, or \"discover\"");
        else if (n.homeAgent != "discover") needPeer(n.homeAgent, Role::HomeAgent, path + "/home_agent");
        for (std::size_t i = 0; i < n.optimised.size(); ++i) {
            const NodeSpec* mobile = node(n.optimised[i]);  // a correspondent, too (RFC 6275 §8.5)
            if (!mobile || mobile->role != Role::MobileNode || !mobile->homeAddress) needPeer(n.optimised[i], Role::Correspondent, fmt::format("{}/route_optimisation/{}", path, i));
        }
        const std::string place = path + "/home_address";
        if (!n.homeAddress) return add(place, "missing: a mobile node needs its home address");
        if (!n.homeAddress->isUnicastRoutable()) add(place, fmt::format("{} is no routable unicast address", n.homeAddress->text()));
        if (const auto [it, fresh] = addresses_.emplace(*n.homeAddress, place); !fresh) add(place, fmt::format("{} is used twice, first at {}", n.homeAddress->text(), it->second));
        const NodeSpec* agent = node(n.homeAgent);
        if (!agent || agent->role != Role::HomeAgent) return;
        const auto serves = [&](const Prefix& p) { return p.contains(*n.homeAddress); };
        if (std::none_of(agent->homePrefixes.begin(), agent->homePrefixes.end(), serves))
            add(place, fmt::format("{} is outside the home prefixes of \"{}\"", n.homeAddress->text(), agent->name));
    }

    void mobileNetwork(const NodeSpec& n, const std::string& path)
    {
        constexpr std::size_t mostPrefixes = 16;
        const std::string place = path + "/mobile_network/prefixes";
        const std::vector<Prefix> prefixes = networkPrefixes(n);
        if (prefixes.empty()) add(place, "missing: the prefixes behind the mobile router, or an interface with an address");
        if (prefixes.size() > mostPrefixes) add(place, fmt::format("expected at most {} prefixes", mostPrefixes));
        for (std::size_t i = 0; i < prefixes.size(); ++i)
            if (prefixes[i].length == 0 || !prefixes[i].masked().address.isUnicastRoutable()) add(fmt::format("{}/{}", place, i), "expected a unicast prefix, not of a link");
        for (std::size_t i = 0; i < n.interfaces.size(); ++i)
            if (const auto& address = n.interfaces[i].address; address && std::none_of(prefixes.begin(), prefixes.end(), [&](const Prefix& p) { return p.contains(address->address); }))
                add(fmt::format("{}/interfaces/{}/address", path, i), "outside the prefixes of the mobile network");
        if (std::all_of(n.interfaces.begin(), n.interfaces.end(), [](const InterfaceSpec& i) { return i.address.has_value(); }))
            add(path + "/interfaces", "expected an interface without an address: a mobile router moves with it");
        if (!n.homeAddress || n.homeAgent.empty()) add(path + "/mobile_network", "only with a home address and a home agent, to which the mobile network belongs");
    }

    static bool hasAddressIn(const NodeSpec& n, const Prefix& prefix)
    {
        return std::any_of(n.interfaces.begin(), n.interfaces.end(), [&](const InterfaceSpec& i) {
            const auto inside = [&](const Prefix& a) { return prefix.contains(a.address); };
            return (i.address && inside(*i.address)) || std::any_of(i.moreAddresses.begin(), i.moreAddresses.end(), inside);
        });
    }

    void events()
    {
        for (std::size_t i = 0; i < s_.events.size(); ++i) {
            const LinkEvent& e = s_.events[i];
            const std::string path = fmt::format("/events/{}", i);
            if (e.at < TimePoint{} || e.at > TimePoint{s_.duration}) add(path + "/at", "expected a time inside the scenario's duration");
            if (e.attach && !hasLink(*e.attach)) add(path + "/attach", fmt::format("no link is named \"{}\"", *e.attach));
            needRole(e.node, Role::MobileNode, path + "/node");
            const NodeSpec* n = node(e.node);
            if (n && std::none_of(n->interfaces.begin(), n->interfaces.end(), [&](const InterfaceSpec& f) { return f.name == e.interface; }))
                add(path + "/interface", fmt::format("\"{}\" has no interface \"{}\"", e.node, e.interface));
            if (n && std::any_of(n->interfaces.begin(), n->interfaces.end(), [&](const InterfaceSpec& f) { return f.name == e.interface && isIngress(*n, f); }))
                add(path + "/interface", fmt::format("\"{}\" is the link of the network behind \"{}\", which stays", e.interface, e.node));
        }
    }

    void traffic()
    {
        if (s_.traffic.size() > maxFlows) add("/traffic", fmt::format("expected at most {} flows", maxFlows));
        names(s_.traffic, "/traffic", "flow", [](const TrafficSpec& t) -> const std::string& { return t.flow; });
        for (std::size_t i = 0; i < s_.traffic.size(); ++i) {
            const TrafficSpec& t = s_.traffic[i];
            const std::string path = fmt::format("/traffic/{}", i);
            const NodeSpec* from = node(t.from);
            if (!from || from->role != Role::MobileNode) needRole(t.from, Role::Correspondent, path + "/from");
            else if (!from->homeAddress) add(path + "/from", fmt::format("\"{}\" has no home address", t.from));
            if (t.from == t.to) add(path + "/to", "another node than \"from\"");
            const NodeSpec* target = node(t.to);
            if (!target || target->role != Role::Correspondent) needRole(t.to, Role::MobileNode, path + "/to");
            else if (!t.answer) add(path + "/answer", "a correspondent answers every probe");
            for (const auto& [end, key] : {std::pair(from, "/from"), std::pair(target, "/to")})
                if (end && end->role == Role::Correspondent && (end->interfaces.empty() || !end->interfaces.front().address))
                    add(path + key, fmt::format("\"{}\" has no address of its own on its first interface", end->name));
            if (const NodeSpec* to = node(t.to); to && to->role == Role::MobileNode && !to->homeAddress) add(path + "/to", fmt::format("\"{}\" has no home address", t.to));
            if (!(t.rate >= 0.001 && t.rate <= 100'000)) add(path + "/rate", "expected 0.001 to 100000 a second");
            if (t.size < 20 || t.size > 1200) add(path + "/size", "expected 20 to 1200 octets");
        }
    }

    void expectations()
    {
        for (std::size_t i = 0; i < s_.expect.size(); ++i) expectation(s_.expect[i], fmt::format("/expect/{}", i));
    }

    void expectation(const Expectation& e, const std::string& path)
    {
        static constexpr std::array<std::string_view, 9> kinds{"", "initial", "intra-map", "inter-map", "home", "return-home", "path-added", "path-removed", "path-switched"};
        static constexpr std::array<std::string_view, 3> severities{"note", "warning", "error"};
        const int what = int{e.handover.has_value()} + int{e.findings.has_value()} + int{e.frames.has_value()} + int{e.event.has_value()} + int{e.flow.has_value()};
        if (what != 1) add(path, "expected one of \"handover\", \"findings\", \"frames\", \"event\" and \"flow\"");
        if (e.handover && *e.handover < 1) add(path + "/handover", "expected a number from 1");
        if (std::find(kinds.begin(), kinds.end(), e.kind) == kinds.end()) add(path + "/kind", "expected initial, intra-map, inter-map, home, return-home, path-added, path-removed or path-switched");
        if (e.interruptionBelow && *e.interruptionBelow <= Duration{0}) add(path + "/interruption", "expected more than 0s");
        if (e.findings && std::find(severities.begin(), severities.end(), *e.findings) == severities.end()) add(path + "/findings", "expected note, warning or error");
        if (!e.node.empty() && !node(e.node)) add(path + "/node", fmt::format("no node is named \"{}\"", e.node));
        const auto named = [&](const TrafficSpec& t) { return t.flow == e.flow; };
        if (e.flow && std::none_of(s_.traffic.begin(), s_.traffic.end(), named)) add(path + "/flow", fmt::format("no flow is named \"{}\"", *e.flow));
        if (e.flow && !e.delivered && !e.delayBelow) add(path, "expected \"delivered\" or \"delay\" with a flow");
        if (e.delivered && !(*e.delivered >= 0 && *e.delivered <= 1)) add(path + "/delivered", "expected a share from 0 to 1");
        if ((e.frames || e.event) && !e.count && !e.atLeast && !e.atMost) add(path, "expected \"count\", \"at_least\" or \"at_most\"");
        if (e.count && (e.atLeast || e.atMost)) add(path + "/count", "not together with \"at_least\" or \"at_most\"");
        if (e.until && *e.until <= e.from) add(path + "/until", "expected a time after \"from\"");
    }

    const Scenario& s_;
    std::vector<ScenarioProblem> problems_;
    std::map<Ipv6Address, std::string> addresses_;  ///< where each address was seen first
    std::map<Mac, std::string> macs_;
};

}  // namespace

std::string_view roleName(Role role)
{
    return std::find_if(roles.begin(), roles.end(), [&](const auto& r) { return r.first == role; })->second;
}

std::optional<Role> parseRole(std::string_view name)
{
    const auto it = std::find_if(roles.begin(), roles.end(), [&](const auto& r) { return r.second == name; });
    return it == roles.end() ? std::nullopt : std::optional(it->first);
}

std::vector<Prefix> networkPrefixes(const NodeSpec& node)
{
    std::vector<Prefix> out;
    if (!node.mobile.network) return out;
    for (const Prefix& prefix : node.mobile.network->prefixes) out.push_back(prefix.masked());
    if (!out.empty()) return out;
    for (const InterfaceSpec& interface : node.interfaces)
        if (isIngress(node, interface)) out.push_back(interface.address->masked());
    return out;
}

std::vector<ScenarioProblem> validate(const Scenario& scenario) { return Validator(scenario).run(); }

}  // namespace roamscope::lab
