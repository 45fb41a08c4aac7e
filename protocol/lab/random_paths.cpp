// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile node with two to eight paths, of which some lose, reorder and copy frames and some die (RFC 5648).
#include "protocol/lab/random_scenario.hpp"

#include "protocol/base/random.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::lab {

namespace {

constexpr Duration settles = 374s;  // until everything has been answered; back-off goes to 32 s

class Paths {
public:
    explicit Paths(std::uint64_t seed) : random_(Random(seed).fork(0x9a7b5)), more_(Random(seed).fork(0xf10e5)) { s_.seed = seed; }

    Scenario make()
    {
        const std::size_t paths = 2 + below(7);
        s_.title = fmt::format("Random scenario {}: several care-of addresses", s_.seed);
        s_.duration = randomPathsMove + settles;
        s_.dialect = Dialect::Rfc5380;
        s_.links = {{"home", true, 1ms}, {"core", false, upTo(20ms)}};
        for (std::size_t i = 0; i < paths; ++i) s_.links.push_back({fmt::format("w{}", i), true, upTo(chance(30) ? 200ms : 10ms)});
        NodeSpec ha = node("ha", Role::HomeAgent, {wired("home", "2001:db8:100::1/64"), wired("core", "2001:db8:200::1/64")});
        ha.homePrefixes = {*Prefix::parse("2001:db8:100::/64")};
        s_.nodes.push_back(ha);
        s_.nodes.push_back(node("cn", Role::Correspondent, {wired("core", "2001:db8:200::c/64")}));
        for (std::size_t i = 0; i < paths; ++i) {
            NodeSpec ar = node(fmt::format("ar{}", i), Role::AccessRouter, {wired("core", fmt::format("2001:db8:200::a{}/64", i)), wired(fmt::format("w{}", i), fmt::format("2001:db8:a{}::1/64", i))});
            ar.interfaces[1].advertise.emplace();
            ar.interfaces[1].advertise->minInterval = 300ms;
            ar.interfaces[1].advertise->maxInterval = 1s;
            s_.nodes.push_back(std::move(ar));
        }
        addMobile(paths);
        for (std::size_t i = 0; i < paths; ++i)
            if (chance(60)) impair(s_.links[2 + i]);
        if (chance(30)) s_.faults.emplace_back(RestartFault{TimePoint{1s + upTo(20s)}, "mn", upTo(2s)});
        addFlows(paths);
        return std::move(s_);
    }

private:
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_.below(bound)); }
    bool chance(std::size_t percent) { return below(100) < percent; }
    Duration upTo(Duration most) { return random_.between(Duration{0}, most); }
    static InterfaceSpec wired(const std::string& link, const std::string& address)
    {
        InterfaceSpec out;
        out.name = link;
        out.link = link;
        out.address = Prefix::parse(address);
        return out;
    }
    static NodeSpec node(std::string name, Role role, std::vector<InterfaceSpec> interfaces)
    {
        NodeSpec out;
        out.name = std::move(name);
        out.role = role;
        out.interfaces = std::move(interfaces);
        return out;
    }
    void addMobile(std::size_t paths)
    {
        NodeSpec mn = node("mn", Role::MobileNode, {});
        mn.homeAddress = *Ipv6Address::parse("2001:db8:100::1:1");
        mn.homeAgent = "ha";
        mn.lifetime = 3600s;
        mn.mobile.mcoa = chance(50) ? MobileSpec::Mcoa::Single : MobileSpec::Mcoa::Bulk;
        for (std::size_t i = 0; i < paths; ++i) {
            InterfaceSpec interface;
            interface.name = fmt::format("if{}", i);
            interface.bidPriority = chance(50) ? static_cast<std::uint8_t>(1 + below(127)) : std::uint8_t{0};
            mn.interfaces.push_back(interface);
            TimePoint at{upTo(3s)};
            for (std::size_t moves = 1 + below(4); moves > 0 && at < TimePoint{randomPathsMove}; --moves) {
                s_.events.push_back({at, "mn", interface.name, fmt::format("w{}", i)});
                at += 500ms + upTo(12s);
                if (moves > 1 || chance(40)) s_.events.push_back({std::min(at, TimePoint{randomPathsMove}), "mn", interface.name, std::nullopt});
                at += 100ms + upTo(4s);
            }
        }
        s_.nodes.push_back(std::move(mn));
        s_.traffic.push_back({"f", "cn", "mn", 5, 100, true});
    }
    void impair(LinkSpec& link)
    {
        ImpairmentSpec out;
        const auto probability = [&](double most) { return most * static_cast<double>(below(1000)) / 1000; };
        if (chance(60)) out.loss = probability(0.4);
        if (chance(50)) out.jitter = upTo(80ms);
        if (chance(50)) out.reorder = probability(0.5);
        if (chance(30)) out.duplicate = probability(0.3);
        link.impairments.push_back(std::move(out));
    }

    /// From random numbers of their own: what a seed meant before there were flows it means still.
    void addFlows(std::size_t paths)
    {
        const auto chance = [this](std::uint64_t percent) { return more_.below(100) < percent; };
        NodeSpec& cn = *std::find_if(s_.nodes.begin(), s_.nodes.end(), [](const NodeSpec& n) { return n.role == Role::Correspondent; });
        NodeSpec& mn = s_.nodes.back();
        cn.mobility = mn.optimiseAll = chance(50);
        for (std::uint16_t i = 1; chance(50) && i <= 4; ++i) {
            wire::Ipv6TrafficSelector selector;
            if (chance(50)) selector.protocol = wire::SelectorRange<std::uint8_t>{wire::protocol::udp, std::nullopt};
            if (chance(50)) selector.source = wire::SelectorRange<Ipv6Address>{cn.interfaces[0].address->address, std::nullopt};
            node::Flow flow{i, static_cast<std::uint16_t>(10 * i + more_.below(10)), selector, {}};
            for (std::uint16_t bid = 1; bid <= paths; ++bid)
                if (chance(30)) flow.bids.push_back(bid);
            if (flow.bids.empty()) flow.bids.push_back(static_cast<std::uint16_t>(1 + more_.below(paths)));
            mn.mobile.flows.push_back(std::move(flow));
        }
    }

    Random random_, more_;
    Scenario s_;
};

}  // namespace

Scenario randomPaths(std::uint64_t seed) { return Paths(seed).make(); }

}  // namespace roamscope::lab
