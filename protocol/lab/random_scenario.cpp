// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/lab/random_scenario.hpp"

#include "protocol/lab/random_parts.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace roamscope::lab {

namespace {

class Generator : Dice {
public:
    explicit Generator(std::uint64_t seed) : Dice(Random(seed).fork(0x5ca1ab1e)), identifiers_(Random(seed).fork(0x1de47)) { s_.seed = seed; }

    Scenario make()
    {
        s_.title = fmt::format("Random scenario {}", s_.seed);
        s_.duration = std::chrono::seconds(15 + below(20));
        s_.dialect = chance(50) ? Dialect::Rfc4140 : Dialect::Rfc5380;
        maps_ = below(3);
        routers_ = 2 + below(3);
        addLinks();
        addHomeAgent("ha", 1);
        if (chance(25)) addHomeAgent("ha2", 2);
        for (std::size_t i = 0; i < maps_; ++i) addMap(i);
        for (std::size_t i = 0; i < routers_; ++i) addAccessRouter(i);
        const std::size_t correspondents = 1 + below(2);
        for (std::size_t i = 0; i < correspondents; ++i) addCorrespondent(i);
        const std::size_t mobiles = 1 + below(3);
        for (std::size_t i = 0; i < mobiles; ++i) addMobileNode(i);
        for (std::size_t i = 0; i < mobiles; ++i)
            if (chance(60)) s_.traffic.push_back({fmt::format("f{}", i), fmt::format("cn{}", below(correspondents)), fmt::format("mn{}", i), static_cast<double>(1 + below(8)), 100, chance(70)});
        for (LinkSpec& link : s_.links)
            if (chance(25)) addImpairment(link);
        for (std::size_t i = below(4); i > 0; --i) addFault(mobiles);
        if (mobiles > 1 && chance(60)) {  // mobile nodes are correspondents of each other
            const std::size_t from = below(mobiles);
            s_.traffic.push_back({"m", fmt::format("mn{}", from), fmt::format("mn{}", (from + 1) % mobiles), static_cast<double>(1 + below(8)), 100, chance(70)});
        }
        return std::move(s_);
    }

private:
    template <class T, std::size_t N>
    T oneOf(const std::array<T, N>& values)
    {
        return values[below(N)];
    }
    TimePoint someTime() { return TimePoint{upTo(s_.duration)}; }
    static Prefix prefix(const std::string& text) { return *Prefix::parse(text); }
    static Ipv6Address address(const std::string& text) { return *Ipv6Address::parse(text); }

    void addLinks()
    {
        s_.links.push_back({"home", true, upTo(2ms)});
        s_.links.push_back({"core", false, upTo(30ms)});
        for (std::size_t i = 0; i < maps_; ++i) s_.links.push_back({fmt::format("d{}", i), false, upTo(10ms)});
        for (std::size_t i = 0; i < routers_; ++i) s_.links.push_back({fmt::format("w{}", i), true, upTo(5ms)});
    }

    AdvertiseSpec advertisements()
    {
        static constexpr std::array<std::pair<Duration, Duration>, 4> intervals{{{50ms, 150ms}, {300ms, 500ms}, {700ms, 1s}, {1s, 3s}}};
        const auto [least, most] = oneOf(intervals);
        AdvertiseSpec out;
        out.minInterval = least;
        out.maxInterval = most;
        return out;
    }

    MapAdvertisement mapOption(std::size_t map)
    {
        MapAdvertisement out;
        out.node = fmt::format("map{}", map);
        out.distance = static_cast<std::uint8_t>(1 + below(4));
        out.preference = chance(10) ? std::uint8_t{0} : static_cast<std::uint8_t>(1 + below(15));
        out.lifetime = std::chrono::seconds(chance(20) ? 10 + below(20) : 3600);
        return out;
    }

    void addHomeAgent(const std::string& name, std::size_t i)
    {
        NodeSpec n;
        n.name = name;
        n.role = Role::HomeAgent;
        n.interfaces = {wired("home", fmt::format("2001:db8:100::{}/64", i)), wired("core", fmt::format("2001:db8:200::{}/64", i))};
        if (chance(50)) {
            reachableHome_ = true;
            n.interfaces[0].advertise = advertisements();
            n.interfaces[0].advertise->homeAgentInformation = HomeAgentInformationSpec{static_cast<std::uint16_t>(below(3)), std::nullopt};
        }
        n.homePrefixes = {prefix("2001:db8:100::/64")};
        if (chance(20)) n.minPrefixInterval = n.maxPrefixInterval = 1s + upTo(10s);
        limitBindings(n);
        s_.nodes.push_back(std::move(n));
    }

    void limitBindings(NodeSpec& n)
    {
        n.maximumLifetime = oneOf(lifetimes);
        if (chance(10)) n.maximumBindings = 1;
        if (chance(20)) n.refreshAdvice = std::chrono::seconds(4 + below(20));
        if (chance(20)) n.refreshRequest = 1s + upTo(5s);
    }

    void addMap(std::size_t i)
    {
        NodeSpec n;
        n.name = fmt::format("map{}", i);
        n.role = Role::Map;
        n.interfaces = {wired("core", fmt::format("2001:db8:200::30{}/64", i)), wired(fmt::format("d{}", i), fmt::format("2001:db8:30{}::1/64", i))};
        n.regionalPrefix = prefix(fmt::format("2001:db8:30{}::/64", i));
        limitBindings(n);
        if (chance(30)) {
            n.interfaces[1].advertise = advertisements();
            n.interfaces[1].advertise->map = {mapOption(i)};
        }
        s_.nodes.push_back(std::move(n));
    }

    void addAccessRouter(std::size_t i)
    {
        NodeSpec n;
        n.name = fmt::format("ar{}", i);
        n.role = Role::AccessRouter;
        const std::size_t domain = below(maps_ + 1);
        const bool inDomain = domain < maps_;
        const std::string up = inDomain ? fmt::format("d{}", domain) : "core";
        n.interfaces = {wired(up, inDomain ? fmt::format("2001:db8:30{}::a{}/64", domain, i) : fmt::format("2001:db8:200::a{}/64", i)),
                        wired(fmt::format("w{}", i), fmt::format("2001:db8:a{}::1/64", i))};
        AdvertiseSpec advertise = advertisements();
        if (inDomain && chance(90)) advertise.map.push_back(mapOption(domain));
        if (maps_ == 2 && chance(25)) advertise.map.push_back(mapOption(inDomain ? 1 - domain : 0));
        advertise.relayMaps = s_.dialect == Dialect::Rfc4140 && inDomain && chance(50);
        n.probeMaps = chance(25);
        n.interfaces[1].advertise = advertise;
        s_.nodes.push_back(std::move(n));
    }

    void addCorrespondent(std::size_t i)
    {
        NodeSpec n;
        n.name = fmt::format("cn{}", i);
        n.role = Role::Correspondent;
        n.interfaces = {wired("core", fmt::format("2001:db8:200::c{}/64", i))};
        n.mobility = chance(60);
        n.correspondent.refreshRequests = chance(30);
        s_.nodes.push_back(std::move(n));
    }

    void addMobileNode(std::size_t i)
    {
        NodeSpec n;
        n.name = fmt::format("mn{}", i);
        n.role = Role::MobileNode;
        n.interfaces.emplace_back().name = "wl0";
        if (chance(20)) n.interfaces.emplace_back().name = "wl1";
        n.homeAddress = address(fmt::format("2001:db8:100::1:{}", i));
        n.homeAgent = "ha";
        n.mapPolicy = chance(50) ? MapPolicy::Furthest : MapPolicy::Preference;
        n.lifetime = oneOf(lifetimes);
        n.optimiseAll = chance(50);
        n.mobile.discoverHomeAgents = chance(20);
        n.mobile.solicitPrefixes = chance(25);
        n.mobile.hierarchical = chance(85);
        n.mobile.maximumMaps = chance(20) ? std::uint8_t{2} : std::uint8_t{1};
        n.mobile.forwardFromPreviousMap = chance(60);
        n.mobile.releaseMaps = chance(30);
        n.mobile.optimisticDetection = chance(30);
        n.mobile.linkEvents = chance(80);
        n.mobile.newRouters = chance(80);
        n.mobile.missedAdvertisements = static_cast<std::uint8_t>(below(5));
        n.mobile.acknowledgedByPeers = chance(80);
        n.mobile.onLinkAddressForNeighbours = chance(20);
        // From random numbers of their own: all else of a seed stays what it was.
        if (n.interfaces.size() > 1 && identifiers_.below(2) == 0) {
            n.mobile.mcoa = identifiers_.below(2) == 0 ? MobileSpec::Mcoa::Single : MobileSpec::Mcoa::Bulk;
            for (InterfaceSpec& interface : n.interfaces) interface.bidPriority = static_cast<std::uint8_t>(identifiers_.below(128));
        }
        s_.nodes.push_back(n);
        for (const InterfaceSpec& interface : n.interfaces) move(n.name, interface.name);
    }

    void move(const std::string& node, const std::string& interface)
    {
        TimePoint at{upTo(2s)};
        for (std::size_t moves = 1 + below(7); moves > 0 && at < TimePoint{s_.duration}; --moves) {
            if (at > TimePoint{1s} && chance(70)) s_.events.push_back({at, node, interface, std::nullopt});
            at += upTo(300ms);
            const std::size_t to = below(routers_ + (reachableHome_ ? 1 : 0));
            if (at < TimePoint{s_.duration}) s_.events.push_back({at, node, interface, to < routers_ ? fmt::format("w{}", to) : "home"});
            at += chance(25) ? upTo(1s) : upTo(10s);
        }
    }

    void addImpairment(LinkSpec& link)
    {
        ImpairmentSpec out;
        const auto probability = [&](double most) { return most * static_cast<double>(below(1000)) / 1000; };
        if (chance(40)) out.from = {s_.nodes[below(s_.nodes.size())].name};
        if (chance(30)) out.delay = upTo(100ms);
        if (chance(40)) out.jitter = upTo(50ms);
        if (chance(50)) out.loss = probability(0.3);
        if (chance(20)) out.burst = BurstSpec{probability(0.1), 0.1 + probability(0.5), 1};
        if (chance(30)) out.duplicate = probability(0.3);
        if (chance(30)) out.reorder = probability(0.3);
        if (chance(20)) out.corrupt = probability(0.1);
        if (chance(15)) out.rate = std::uint64_t{64'000} << below(8);
        out.queue = static_cast<std::uint32_t>(2 + below(50));
        link.impairments.push_back(std::move(out));
    }

    void addFault(std::size_t mobiles)
    {
        const std::string mobile = fmt::format("mn{}", below(mobiles));
        const std::string any = s_.nodes[below(s_.nodes.size())].name;
        switch (below(6)) {
        case 0: s_.faults.emplace_back(RestartFault{someTime(), any, upTo(3s)}); break;
        case 1: s_.faults.emplace_back(ClockFault{someTime(), any, chance(30) ? upTo(20s) : Duration{0}, static_cast<std::int32_t>(below(200'001)) - 100'000}); break;
        case 2: takeAddress(); break;
        default: s_.faults.emplace_back(messageFault()); break;
        }
    }

    MessageFault messageFault()
    {
        using Action = MessageFault::Action;
        static constexpr std::array<Action, 5> actions{Action::Drop, Action::Corrupt, Action::Delay, Action::Replay, Action::Change};
        static constexpr std::array<std::string_view, 12> messages{"BU", "BA", "BU", "BA", "HoTI", "HoT", "CoT", "RS", "RA", "NS", "NA", "DAD"};
        MessageFault out;
        out.at = someTime();
        out.match.message = oneOf(messages);
        if (chance(50)) out.match.link = s_.links[below(s_.links.size())].name;
        out.number = static_cast<std::uint32_t>(1 + below(5));
        out.count = static_cast<std::uint32_t>(1 + below(3));
        out.action = oneOf(actions);
        out.by = Duration{1ms} + upTo(10s);
        if (out.action != Action::Change) return out;
        out.match.message = chance(50) ? "BU" : "BA";
        out.change.sequence = bits16();
        if (chance(50)) out.change.lifetime = std::chrono::seconds(4 * below(30));
        if (out.match.message == "BA" && chance(50)) out.change.status = static_cast<std::uint8_t>(128 + below(12));
        return out;
    }

    /// A guest on a radio link takes the address that the first mobile node forms there.
    void takeAddress()
    {
        if (std::any_of(s_.nodes.begin(), s_.nodes.end(), [](const NodeSpec& n) { return n.name == "guest"; })) return;
        const std::size_t router = below(routers_);
        const std::string link = fmt::format("w{}", router);
        const Mac mac{{0x02, 0xab, 0, 0, 0, 1}};
        NodeSpec guest;
        guest.name = "guest";
        guest.interfaces = {wired(link, fmt::format("2001:db8:a{}::99/64", router))};
        s_.nodes.push_back(guest);
        for (NodeSpec& n : s_.nodes)
            if (n.name == "mn0") n.interfaces[0].mac = mac;
        s_.faults.emplace_back(AddressFault{someTime(), "guest", link, withInterfaceId(address(fmt::format("2001:db8:a{}::", router)), eui64(mac))});
    }

    static constexpr std::array<std::chrono::seconds, 5> lifetimes{8s, 20s, 60s, 600s, 3600s};

    Random identifiers_;
    Scenario s_;
    std::size_t maps_ = 0;
    std::size_t routers_ = 0;
    bool reachableHome_ = false;
};

}  // namespace

Scenario randomScenario(std::uint64_t seed)
{
    constexpr std::uint64_t kinds = 4;
    if (Random(seed).fork(0xb1d5).below(kinds) != 0) return withIpv4Networks(withMobileRouter(Generator(seed).make(), seed), seed);
    constexpr Duration enough = 60s;  // for most of what is still to be answered
    Scenario out = randomPaths(seed);
    out.duration = randomPathsMove + enough;
    return withIpv4Networks(withMobileRouter(std::move(out), seed), seed);
}

std::size_t partCount(const Scenario& scenario)
{
    std::size_t count = scenario.events.size() + scenario.faults.size() + scenario.traffic.size();
    for (const LinkSpec& link : scenario.links) count += link.impairments.size();
    return count;
}

Scenario withoutParts(const Scenario& scenario, const std::vector<std::size_t>& parts)
{
    Scenario out = scenario;
    std::size_t number = 0;
    const auto reduce = [&](auto& list) {
        std::erase_if(list, [&](const auto&) { return std::find(parts.begin(), parts.end(), number++) != parts.end(); });
    };
    reduce(out.events);
    reduce(out.faults);
    for (LinkSpec& link : out.links) reduce(link.impairments);
    reduce(out.traffic);
    return out;
}

}  // namespace roamscope::lab
