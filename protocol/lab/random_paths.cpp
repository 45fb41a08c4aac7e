// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile node with two to eight paths, of which some lose, reorder and copy frames and some die (RFC 5648).
#include "protocol/lab/random_scenario.hpp"

#include "protocol/lab/random_parts.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::lab {

namespace {

constexpr Duration settles = 374s;  // until everything has been answered; back-off goes to 32 s

class Paths : Dice {
public:
    explicit Paths(std::uint64_t seed) : Dice(Random(seed).fork(0x9a7b5)), more_(Random(seed).fork(0xf10e5)) { s_.seed = seed; }

    Scenario make()
    {
        const std::size_t paths = 2 + below(7);
        s_.title = fmt::format("Random scenario {}: several care-of addresses", s_.seed);
        s_.duration = randomPathsMove + settles;
        s_.dialect = Dialect::Rfc5380;
        s_.links = {{"home", true, 1ms}, {"core", false, upTo(20ms)}};
        for (std::size_t i = 0; i < paths; ++i) s_.links.push_back({fmt::format("w{}", i), true, upTo(chance(30) ? 200ms : 10ms)});
        NodeSpec ha = nodeNamed("ha", Role::HomeAgent, {wired("home", "2001:db8:100::1/64"), wired("core", "2001:db8:200::1/64")});
        ha.homePrefixes = {*Prefix::parse("2001:db8:100::/64")};
        s_.nodes.push_back(ha);
        s_.nodes.push_back(nodeNamed("cn", Role::Correspondent, {wired("core", "2001:db8:200::c/64")}));
        for (std::size_t i = 0; i < paths; ++i) {
            NodeSpec ar = nodeNamed(fmt::format("ar{}", i), Role::AccessRouter, {wired("core", fmt::format("2001:db8:200::a{}/64", i)), wired(fmt::format("w{}", i), fmt::format("2001:db8:a{}::1/64", i))});
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
    void addMobile(std::size_t paths)
    {
        NodeSpec mn = nodeNamed("mn", Role::MobileNode, {});
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
        NodeSpec& cn = *std::find_if(s_.nodes.begin(), s_.nodes.end(), [](const NodeSpec& n) { return n.role == Role::Correspondent; });
        NodeSpec& mn = s_.nodes.back();
        cn.mobility = mn.optimiseAll = more_.chance(50);
        for (std::uint16_t i = 1; more_.chance(50) && i <= 4; ++i) {
            wire::Ipv6TrafficSelector selector;
            if (more_.chance(50)) selector.protocol = wire::SelectorRange<std::uint8_t>{wire::protocol::udp, std::nullopt};
            if (more_.chance(50)) selector.source = wire::SelectorRange<Ipv6Address>{cn.interfaces[0].address->address, std::nullopt};
            node::Flow flow{i, static_cast<std::uint16_t>(10 * i + more_.below(10)), selector, {}};
            for (std::uint16_t bid = 1; bid <= paths; ++bid)
                if (more_.chance(30)) flow.bids.push_back(bid);
            if (flow.bids.empty()) flow.bids.push_back(static_cast<std::uint16_t>(1 + more_.below(paths)));
            mn.mobile.flows.push_back(std::move(flow));
        }
    }

    Dice more_;
    Scenario s_;
};

}  // namespace

Scenario randomPaths(std::uint64_t seed) { return Paths(seed).make(); }

}  // namespace roamscope::lab
