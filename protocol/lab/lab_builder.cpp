// SPDX-License-Identifier: GPL-3.0-or-later
// Builds a lab from a scenario: nodes of their roles, ports, addresses, static routes, the queue of link events.
#include "protocol/lab/ipv4_networks.hpp"
#include "protocol/lab/lab.hpp"
#include "protocol/lab/shortest_routes.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace roamscope::lab {

class LabBuilder {
public:
    /// For a lab whose scenario is set. `random`: what the nodes draw from.
    LabBuilder(Lab& lab, Random random) : random_(random), lab_(lab), routes_(lab.scenario_, lab.ports_) {}

    void build()
    {
        const std::size_t count = spec().nodes.size();
        lab_.links_.reserve(spec().links.size());
        for (const LinkSpec& link : spec().links) lab_.links_.push_back({link.delay, !link.impairments.empty()});
        for (const NodeSpec& n : spec().nodes)
            for (const InterfaceSpec& interface : n.interfaces)
                if (interface.mac) givenMacs_.insert(*interface.mac);
        for (std::size_t i = 0; i < count; ++i) addPorts(i);
        lab_.hosts_.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            const auto ports = portsOf(lab_.ports_, i);
            lab_.hosts_.push_back({makeNode(i, TimePoint{}), static_cast<std::uint32_t>(ports.data() - lab_.ports_.data()), static_cast<std::uint32_t>(ports.size())});
        }
        for (const LinkEvent& event : spec().events) addEvent(event);
        for (std::size_t i = 0; i < spec().faults.size(); ++i) addFault(i);
        lab_.deadlines_.resize(count);
        for (std::size_t i = 0; i < count; ++i) lab_.refreshDeadline(i);
    }

    /// The node as it starts at `from` by its own clock.
    [[nodiscard]] Node makeNode(std::size_t index, TimePoint from) const
    {
        const NodeSpec& n = spec().nodes[index];
        const auto ports = portsOf(lab_.ports_, index);
        node::IpStack stack(stackSettings(n), random_.fork(index));
        for (std::size_t i = 0; i < n.interfaces.size(); ++i) {
            const Port& port = ports[i];
            const InterfaceSpec& spec = n.interfaces[i];
            const bool mobile = n.role == Role::MobileNode && !isIngress(n, spec);
            node::InterfaceSettings settings;
            settings.dadTransmits = spec.dadTransmits;
            settings.retransTimer = spec.retransTimer;
            settings.mtu = spec.mtu;
            settings.autoconfigures = spec.slaac && !mobile;
            stack.addInterface(spec.name, port.mac, settings);
            if (mobile) continue;
            // The fixed nodes have been up for long, unless it is said: their addresses are verified before time 0.
            stack.addStaticAddress(i, {linkLocal(eui64(port.mac)), 64}, !spec.verifyStatic);
            if (spec.address) stack.addStaticAddress(i, *spec.address, !spec.verifyStatic);
            for (const Prefix& address : spec.moreAddresses) stack.addStaticAddress(i, address, !spec.verifyStatic);
            for (const Ipv6Address& address : spec.anycast) stack.addAnycastAddress(i, address);
        }
        if (n.role != Role::MobileNode && n.routes.empty()) routes_.add(index, stack);
        for (const RouteSpec& route : n.routes) stack.addRoute(route.to, interfaceOf(n, route), route.via);
        switch (n.role) {
        case Role::HomeAgent:
        case Role::Map: return node::Anchor(std::move(stack), policyOf(n), advertisersOf(index), servicesOf(n));
        case Role::AccessRouter: return accessRouter(n, index, std::move(stack));
        case Role::MobileNode: return node::MobileNode(std::move(stack), mobileSettings(index), sourcesOf(n, from));
        case Role::Correspondent: break;
        }
        return correspondent(n, index, std::move(stack), from);
    }

    /// Gives a node that runs the settings of the scenario where they may change.
    void configure(TimePoint now, std::size_t index) const
    {
        const NodeSpec& n = spec().nodes[index];
        lab_.stackOf(index).configure(stackSettings(n));
        if (auto* anchor = lab_.hosts_[index].node.as<node::Anchor>()) anchor->configure(now, policyOf(n), advertisersOf(index), servicesOf(n));
        if (auto* other = lab_.hosts_[index].node.as<node::Correspondent>()) other->configure(correspondentSettings(n));
        if (auto* router = lab_.hosts_[index].node.as<node::AccessRouter>()) router->configure(now, advertisersOf(index), probingOf(n));
        if (auto* mobile = lab_.hosts_[index].node.as<node::MobileNode>()) mobile->configure(now, mobileSettings(index));
    }

private:
    static node::StackSettings stackSettings(const NodeSpec& n) { return {isRouter(n.role), n.forwarding, n.echo, n.errorRate, n.errorBurst}; }

    [[nodiscard]] const Scenario& spec() const { return lab_.scenario_; }

    [[nodiscard]] std::size_t linkIndex(std::string_view name) const
    {
        const auto& links = spec().links;
        return static_cast<std::size_t>(std::find_if(links.begin(), links.end(), [&](const LinkSpec& l) { return l.name == name; }) - links.begin());
    }

    [[nodiscard]] std::size_t nodeIndex(std::string_view name) const
    {
        const auto& nodes = spec().nodes;
        return static_cast<std::size_t>(std::find_if(nodes.begin(), nodes.end(), [&](const NodeSpec& n) { return n.name == name; }) - nodes.begin());
    }

    void addPorts(std::size_t node)
    {
        const NodeSpec& n = spec().nodes[node];
        for (std::size_t i = 0; i < n.interfaces.size(); ++i) {
            const InterfaceSpec& interface = n.interfaces[i];
            const auto link = interface.link ? std::optional(linkIndex(*interface.link)) : std::nullopt;
            // A mobile node learns of every link it is on, of the first one too: it attaches at time 0.
            const bool attaches = link && n.role == Role::MobileNode && !isIngress(n, interface);
            if (attaches) lab_.schedule({}, Lab::Attach{lab_.ports_.size(), link});
            const std::size_t port = lab_.ports_.size();
            Port added{.node = node, .interface = i, .link = attaches ? std::nullopt : link, .mac = interface.mac.value_or(fallbackMac(node, i)), .name = n.name + "-" + interface.name};
            if (added.link) lab_.links_[*link].listeners.push_back({added.groups, port});
            lab_.ports_.push_back(std::move(added));
            lab_.macPorts_.set(lab_.ports_[port].mac, static_cast<std::uint32_t>(port), lab_.macOf());
        }
    }

    /// Stable and locally administered: the node and the interface by number, unless the scenario gives that address to somebody.
    [[nodiscard]] Mac fallbackMac(std::size_t node, std::size_t interface) const
    {
        const auto octet = [](std::size_t number, int shift) { return static_cast<std::uint8_t>(number >> shift); };
        Mac mac{{0x02, 0x00, octet(node + 1, 16), octet(node + 1, 8), octet(node + 1, 0), octet(interface + 1, 0)}};
        while (givenMacs_.contains(mac)) ++mac.octets[1];
        return mac;
    }

    static std::size_t interfaceOf(const NodeSpec& n, const RouteSpec& route)
    {
        for (std::size_t i = 0; i < n.interfaces.size(); ++i) {
            const InterfaceSpec& interface = n.interfaces[i];
            if (route.interface.empty() ? interface.address && interface.address->contains(route.via) : interface.name == route.interface) return i;
        }
        return 0;
    }

    [[nodiscard]] node::AccessRouter accessRouter(const NodeSpec& n, std::size_t index, node::IpStack stack) const
    {
        auto ipv4 = ipv4Links(n, stack);
        node::AccessRouter router(std::move(stack), advertisersOf(index), probingOf(n));
        if (!ipv4.empty()) router.setIpv4(std::move(ipv4));
        return router;
    }

    [[nodiscard]] node::Correspondent correspondent(const NodeSpec& n, std::size_t index, node::IpStack stack, TimePoint from) const
    {
        if (!n.mobility) return {std::move(stack), sourcesOf(n, from)};
        constexpr std::uint64_t secrets = 100000;  // a stream of its own, so that nonces disturb nothing else
        return {std::move(stack), sourcesOf(n, from), random_.fork(secrets + index), correspondentSettings(n)};
    }

    [[nodiscard]] static node::Correspondent::Settings correspondentSettings(const NodeSpec& n)
    {
        const CorrespondentSpec& c = n.correspondent;
        return {{c.nonceInterval, c.nonces}, c.refreshRequests, c.maximumBindings, n.bids, n.flows};
    }

    [[nodiscard]] node::Registrar::Policy policyOf(const NodeSpec& n) const
    {
        node::Registrar::Policy policy;
        for (const Prefix& prefix : n.homePrefixes) policy.homePrefixes.push_back(routerPrefix(n, prefix));
        if (n.regionalPrefix) policy.regionalPrefixes.push_back(routerPrefix(n, *n.regionalPrefix));
        policy.homeAddresses = n.homeAddresses;
        policy.localPrefixes = n.localPrefixes;
        policy.maximumBindings = n.maximumBindings;
        policy.refreshAdvice = n.refreshAdvice;
        policy.maximumLifetime = n.maximumLifetime;
        policy.bids = n.bids;
        policy.mobileRouters = n.mobileRouters;
        // RFC 4140 §6.1: the MAP detects duplicates (HMIP-MAP-02); RFC 5380 has dropped that (HMIP-MAP-03).
        policy.verifyRegional = spec().dialect == Dialect::Rfc4140;
        return policy;
    }

    /// A prefix of an anchor as its interface advertises it: with its lifetimes and its own address there.
    [[nodiscard]] node::RouterPrefix routerPrefix(const NodeSpec& n, const Prefix& prefix) const
    {
        node::RouterPrefix out(prefix);
        for (const InterfaceSpec& interface : n.interfaces) {
            for (const AdvertisedPrefix& p : interface.advertise.value_or(AdvertiseSpec{}).prefixes.value_or(std::vector<AdvertisedPrefix>{}))
                if (p.prefix.masked() == prefix.masked()) return advertised(p);
            if (interface.address && prefix.contains(interface.address->address)) out.prefix.address = interface.address->address;
            for (const Prefix& address : interface.moreAddresses)
                if (prefix.contains(address.address)) out.prefix.address = address.address;
        }
        return out;
    }

    [[nodiscard]] node::RouterPrefix advertised(const AdvertisedPrefix& p) const
    {
        node::RouterPrefix out(p.prefix, static_cast<std::uint32_t>(p.valid.count()), static_cast<std::uint32_t>(p.preferred.count()));
        out.onLink = p.onLink;
        out.autonomous = p.autonomous;
        out.routerAddress = p.router;
        out.countsDown = p.countsDown;
        out.since = lab_.now_;
        return out;
    }

    [[nodiscard]] static node::AnchorServices servicesOf(const NodeSpec& n)
    {
        return {n.discovery, {n.prefixDelivery, n.minPrefixInterval, n.maxPrefixInterval}, n.refreshRequest, probingOf(n), n.flows, ipv4Agent(n)};
    }

    [[nodiscard]] static node::MapProber::Settings probingOf(const NodeSpec& n)
    {
        node::MapProber::Settings settings;
        settings.enabled = n.probeMaps;
        return settings;
    }

    [[nodiscard]] std::vector<node::RouterAdvertiser> advertisersOf(std::size_t index) const
    {
        std::vector<node::RouterAdvertiser> advertisers;
        const NodeSpec& n = spec().nodes[index];
        for (std::size_t i = 0; i < n.interfaces.size(); ++i) {
            const auto& advertise = n.interfaces[i].advertise;
            if (!advertise) continue;
            advertisers.emplace_back(advertiserSettings(n, i), random_.fork(1000 + 16 * index + i));
        }
        return advertisers;
    }

    [[nodiscard]] node::RouterAdvertiser::Settings advertiserSettings(const NodeSpec& n, std::size_t interface) const
    {
        const AdvertiseSpec& advertise = *n.interfaces[interface].advertise;
        node::RouterAdvertiser::Settings settings{interface, advertise.minInterval, advertise.maxInterval, n.interfaces[interface].address.value_or(Prefix{}), {}};
        settings.homeAgent = advertise.homeAgent.value_or(n.role == Role::HomeAgent);
        settings.routerLifetime = advertise.routerLifetime;
        settings.managed = advertise.managed;
        settings.other = advertise.other;
        settings.hopLimit = advertise.hopLimit;
        settings.reachableTime = std::chrono::duration_cast<std::chrono::milliseconds>(advertise.reachableTime);
        settings.retransTimer = std::chrono::duration_cast<std::chrono::milliseconds>(advertise.retransTimer);
        settings.mtu = advertise.mtu;
        settings.interval = advertise.interval;
        // NEMO-DH-01: that it serves mobile routers has to be said.
        const bool mobileRouters = settings.homeAgent && n.mobileRouters.support == node::Support::On && !n.mobileRouters.routers.empty();
        const auto information = mobileRouters ? advertise.homeAgentInformation.value_or(HomeAgentInformationSpec{}) : advertise.homeAgentInformation;
        if (information) {
            // RFC 6275 §7.4: without a lifetime of its own that of the router counts.
            const auto router = advertise.routerLifetime.value_or(std::chrono::ceil<std::chrono::seconds>(3 * advertise.maxInterval));
            const auto lifetime = std::clamp<std::int64_t>(information->lifetime.value_or(router).count(), 1, 0xffff);
            settings.homeAgentInformation = {information->preference, static_cast<std::uint16_t>(lifetime), mobileRouters};
        }
        for (const MapAdvertisement& map : advertise.map)
            settings.map.push_back({map.distance, map.preference, map.formAddress, mapLifetime(map), mapAddress(map.node)});
        if (advertise.prefixes) settings.prefixes.emplace();
        for (const AdvertisedPrefix& p : advertise.prefixes.value_or(std::vector<AdvertisedPrefix>{})) settings.prefixes->push_back(advertised(p));
        settings.relaysMaps = advertise.relayMaps;
        return settings;
    }

    /// HMIP-AR-06: never longer than the MAP's prefix is valid, and by RFC 4140 preferred.
    [[nodiscard]] std::uint32_t mapLifetime(const MapAdvertisement& map) const
    {
        const auto asked = static_cast<std::uint32_t>(map.lifetime.count());
        const NodeSpec* owner = mapNode(map.node);
        if (!owner) return asked;
        const node::RouterPrefix prefix = routerPrefix(*owner, *owner->regionalPrefix);
        return std::min({asked, prefix.valid, spec().dialect == Dialect::Rfc4140 ? prefix.preferred : prefix.valid});
    }

    /// The MAP of that name, or with that address in the prefix of its regional addresses.
    [[nodiscard]] const NodeSpec* mapNode(std::string_view name) const
    {
        const auto address = Ipv6Address::parse(name);
        for (const NodeSpec& n : spec().nodes)
            if (n.regionalPrefix && (address ? addressInRegion(n) == *address : n.name == name)) return &n;
        return nullptr;
    }

    /// The address that is advertised for a MAP: its own one inside the prefix of the regional addresses (HMIP-MAP-18).
    [[nodiscard]] Ipv6Address mapAddress(std::string_view name) const
    {
        if (const auto address = Ipv6Address::parse(name)) return *address;
        return addressInRegion(spec().nodes[nodeIndex(name)]);
    }

    /// Of a MAP.
    [[nodiscard]] static Ipv6Address addressInRegion(const NodeSpec& map)
    {
        for (const InterfaceSpec& interface : map.interfaces) {
            if (interface.address && map.regionalPrefix->contains(interface.address->address)) return interface.address->address;
            for (const Prefix& more : interface.moreAddresses)
                if (map.regionalPrefix->contains(more.address)) return more.address;
        }
        return {};
    }

    [[nodiscard]] std::vector<node::TrafficSource> sourcesOf(const NodeSpec& n, TimePoint from) const
    {
        std::vector<node::TrafficSource> sources;
        for (std::size_t flow = 0; flow < spec().traffic.size(); ++flow) {
            const TrafficSpec& t = spec().traffic[flow];
            if (t.from != n.name) continue;
            const NodeSpec& to = spec().nodes[nodeIndex(t.to)];
            const auto interval = Duration{static_cast<std::int64_t>(1e9 / t.rate)};
            const Ipv6Address source = n.role == Role::MobileNode ? *n.homeAddress : n.interfaces[0].address->address;
            const Ipv6Address destination = to.homeAddress ? *to.homeAddress : to.interfaces[0].address->address;
            sources.emplace_back(node::TrafficSettings{static_cast<std::uint16_t>(flow), source, destination, interval, t.size}, from);
        }
        return sources;
    }

    /// The addresses of the node with this name, or the one that the name is.
    void addAddresses(std::string_view name, std::vector<Ipv6Address>& out) const
    {
        if (const auto address = Ipv6Address::parse(name)) return out.push_back(*address);
        const NodeSpec& peer = spec().nodes[nodeIndex(name)];
        if (peer.homeAddress) out.push_back(*peer.homeAddress);
        for (const InterfaceSpec& interface : peer.interfaces)
            if (interface.address) out.push_back(interface.address->address);
    }

    [[nodiscard]] node::MobileNode::Settings mobileSettings(std::size_t index) const
    {
        const NodeSpec& n = spec().nodes[index];
        node::MobileNode::Settings settings;
        settings.homeAddress = n.homeAddress.value_or(Ipv6Address{});
        settings.homeAgent = homeAgentAddress(spec(), n);
        settings.mapPolicy = n.mapPolicy == MapPolicy::Furthest ? node::MapPolicy::Furthest : node::MapPolicy::Preference;
        settings.lifetime = n.lifetime;
        settings.optimiseAll = n.optimiseAll;
        for (const std::string& name : n.optimised) addAddresses(name, settings.optimised);
        for (std::size_t flow = 0; flow < spec().traffic.size(); ++flow)
            if (spec().traffic[flow].to == n.name && spec().traffic[flow].answer) settings.answeredFlows.push_back(static_cast<std::uint16_t>(flow));
        settings.answerAll = n.answerProbes;
        const MobileSpec& m = n.mobile;
        settings.homePrefixLength = m.homePrefixLength;
        settings.furtherHomeAddresses = m.furtherHomeAddresses;
        settings.discoverHomeAgents = m.discoverHomeAgents;
        settings.solicitPrefixes = m.solicitPrefixes;
        settings.hierarchical = m.hierarchical;
        settings.strictMapOptions = spec().dialect == Dialect::Rfc4140;
        settings.fixedMap = m.fixedMap;
        settings.maximumMaps = m.maximumMaps;
        settings.forwardFromPreviousMap = m.forwardFromPreviousMap;
        settings.releaseMaps = m.releaseMaps;
        settings.onLinkAddressForNeighbours = m.onLinkAddressForNeighbours;
        settings.optimisticDetection = m.optimisticDetection;
        settings.acknowledgedByPeers = m.acknowledgedByPeers;
        settings.firstTimeout = m.firstTimeout;
        using Mode = node::MobileNode::Multihoming::Mode;
        settings.multihoming.mode = m.mcoa == MobileSpec::Mcoa::Off ? Mode::Off : m.mcoa == MobileSpec::Mcoa::Single ? Mode::Single : Mode::Bulk;
        settings.multihoming.homeAndForeign = m.homeAndForeign;
        settings.multihoming.flows = m.flows;
        for (const InterfaceSpec& interface : n.interfaces) settings.multihoming.paths.push_back({interface.bid, interface.bidPriority});
        settings.movement = {m.linkEvents, m.missedAdvertisements, m.newRouters};
        if (m.network) settings.network = networkOf(index);
        const std::size_t agent = nodeIndex(n.homeAgent);
        settings.ipv4 = ipv4Mobile(n, agent < spec().nodes.size() ? &spec().nodes[agent] : nullptr);
        return settings;
    }

    [[nodiscard]] node::NetworkMobility::Settings networkOf(std::size_t index) const
    {
        const NodeSpec& n = spec().nodes[index];
        node::NetworkMobility::Settings settings;
        settings.prefixes = networkPrefixes(n);
        settings.mode = n.mobile.network->explicitPrefixes ? node::NetworkMobility::Mode::Explicit : node::NetworkMobility::Mode::Implicit;
        settings.otherMode = n.mobile.network->otherMode;
        for (std::size_t i = 0; i < n.interfaces.size(); ++i) {
            if (!isIngress(n, n.interfaces[i])) continue;
            settings.ingress.push_back(i);
            if (n.interfaces[i].advertise) settings.advertisements.push_back(advertiserSettings(n, i));
        }
        return settings;
    }

    void addEvent(const LinkEvent& event)
    {
        const std::size_t node = nodeIndex(event.node);
        const auto& interfaces = spec().nodes[node].interfaces;
        const auto it = std::find_if(interfaces.begin(), interfaces.end(), [&](const InterfaceSpec& i) { return i.name == event.interface; });
        const std::size_t port = lab_.portOf(node, static_cast<std::size_t>(it - interfaces.begin()));
        lab_.schedule(event.at, Lab::Attach{port, event.attach ? std::optional(linkIndex(*event.attach)) : std::nullopt});
    }

    void addFault(std::size_t number)
    {
        const FaultSpec& fault = spec().faults[number];
        lab_.matched_.push_back(0);
        if (std::holds_alternative<MessageFault>(fault)) return lab_.messageFaults_.push_back(number);
        if (const auto* restart = std::get_if<RestartFault>(&fault)) lab_.states_[nodeIndex(restart->node)];
        std::visit([&](const auto& f) { lab_.schedule(f.at, Lab::Trouble{number}); }, fault);
    }

    Random random_;
    std::set<Mac> givenMacs_;
    Lab& lab_;
    ShortestRoutes routes_;
};

Lab Lab::built(const Scenario& scenario, std::uint64_t seed, Random random, Segments segments)
{
    Lab lab;
    lab.scenario_ = scenario;
    lab.seed_ = seed;
    lab.segments_ = segments;
    LabBuilder(lab, random).build();
    return lab;
}

Result<Lab> Lab::build(const Scenario& scenario, std::uint64_t seed, Segments segments)
{
    const auto problems = validate(scenario);
    if (!problems.empty()) return fail(ErrorCode::Invalid, 0, fmt::format("{}: {}", problems.front().path, problems.front().text));
    return built(scenario, seed, Random(seed), segments);
}

void Lab::start(std::size_t node, LabOutput& out)
{
    Host& host = hosts_[node];
    host.down = false;
    // Whoever starts anew draws other numbers: secrets and sequence numbers are not those of before.
    constexpr std::uint64_t restartStream = 0x2'0000'0000;
    host.node = LabBuilder(*this, Random(seed_).fork(restartStream + ++host.restarts)).makeNode(node, localTime(node));
    tell(node, "node-up", {}, out);
    call(node, out, [&]<class T>(T& n, node::Output& output) {
        // It was made as if it had been there from time 0: what is overdue is done now.
        n.advance(localTime(node), output);
        if constexpr (std::is_same_v<T, node::MobileNode>)
            for (const Port& port : portsOf(ports_, node))
                if (port.link) n.linkUp(localTime(node), port.interface, output);
    });
}

Result<Lab> Lab::build(const Scenario& scenario, const Random::Key& key, Segments segments)
{
    const auto problems = validate(scenario);
    if (!problems.empty()) return fail(ErrorCode::Invalid, 0, fmt::format("{}: {}", problems.front().path, problems.front().text));
    return built(scenario, 0, Random(key), segments);
}

Result<void> Lab::configure(TimePoint now, std::size_t node, const NodeSpec& spec, LabOutput& out)
{
    // What may change is made alike before the rest is compared.
    NodeSpec fixed = spec;
    const NodeSpec& old = scenario_.nodes[node];
    if (fixed.interfaces.size() == old.interfaces.size())
        for (std::size_t i = 0; i < old.interfaces.size(); ++i) fixed.interfaces[i].advertise = old.interfaces[i].advertise;
    if (fixed.name != old.name || fixed.role != old.role || fixed.interfaces != old.interfaces || fixed.routes != old.routes || fixed.mobility != old.mobility ||
        fixed.homeAddress != old.homeAddress || fixed.homeAgent != old.homeAgent || fixed.mobile.network.has_value() != old.mobile.network.has_value())
        return fail(ErrorCode::Invalid, 0, "name, role, interfaces, routes, mobility, home_address, home_agent and whether there is a mobile_network cannot be changed while the node runs. Start it again");
    Scenario scenario = scenario_;
    scenario.nodes[node] = spec;
    const auto problems = validate(scenario);
    if (!problems.empty()) return fail(ErrorCode::Invalid, 0, fmt::format("{}: {}", problems.front().path, problems.front().text));
    now_ = std::max(now_, now);
    scenario_ = scenario;
    LabBuilder(*this, stackOf(node).random().fork(serial_++)).configure(now_, node);
    node::Output output;
    collect(node, output, out);
    return {};
}

}  // namespace roamscope::lab
