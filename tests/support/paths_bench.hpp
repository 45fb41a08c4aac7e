// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile node with several interfaces on a bench: an access router on each link that answers as far as it must, a home agent and a
// MAP whose answers the test builds by hand.
#pragma once

#include "tests/support/mobile_bench.hpp"

#include <algorithm>
#include <array>

namespace roamscope::test {

using Mode = MobileNode::Multihoming::Mode;

struct PathsBench {
    MobileNode mn;
    Output out;
    TimePoint now{};

    static Mac macOf(std::size_t i) { return mac(i == 0 ? "02:00:00:00:06:01" : i == 1 ? "02:00:00:00:06:02" : "02:00:00:00:06:03"); }
    static Mac routerMac(std::size_t i) { return mac(i == 0 ? "02:00:00:00:04:02" : i == 1 ? "02:00:00:00:05:02" : "02:00:00:00:07:02"); }
    static Ipv6Address router(std::size_t i) { return linkLocal(eui64(routerMac(i))); }
    static Ipv6Address careOf(std::size_t i) { return withInterfaceId(ip(i == 0 ? "2001:db8:a1::" : i == 1 ? "2001:db8:a2::" : "2001:db8:a3::"), eui64(macOf(i))); }

    static MobileNode::Settings settings(Mode mode = Mode::Single)
    {
        MobileNode::Settings s{homeAddress, homeAgent, MapPolicy::Furthest, std::chrono::seconds(600), {7}};
        s.multihoming.mode = mode;
        return s;
    }
    static IpStack makeStack(std::size_t interfaces)
    {
        IpStack stack(false, Random(1));
        for (std::size_t i = 0; i < interfaces; ++i) stack.addInterface(i == 0 ? "wl0" : i == 1 ? "cell0" : "eth0", macOf(i));
        return stack;
    }
    /// No interface is up yet.
    explicit PathsBench(MobileNode::Settings s = settings(), std::size_t interfaces = 2) : mn(makeStack(interfaces), std::move(s)) {}
    PathsBench(MobileNode::Settings s, IpStack stack) : mn(std::move(stack), std::move(s)) {}
    std::uint8_t flags = 0;  ///< of acknowledgements
    std::array<std::uint32_t, 3> valid{2592000, 2592000, 2592000};  ///< lifetimes of the prefixes in seconds

    void in(std::size_t i, const wire::Ipv6Packet& packet) { mn.receive(now, i, frame(routerMac(i), macOf(i), packet), out); }
    void advertise(std::size_t i, std::optional<wire::MapOption> map = std::nullopt)
    {
        RaOptions o;
        o.network = i == 0 ? "2001:db8:a1::1" : i == 1 ? "2001:db8:a2::1" : "2001:db8:a3::1";
        o.map = map;
        o.valid = valid[i];
        o.preferred = std::min(o.preferred, o.valid);
        o.source = router(i);
        o.linkLayer = false;
        o.more.push_back(wire::SourceLinkLayerOption{routerMac(i)});
        in(i, advertisement(o));
    }
    /// The home link, with the home agent as its router.
    void advertiseHome(std::size_t i)
    {
        wire::RouterAdvertisement ra;
        ra.routerLifetime = 9000;
        ra.options.push_back(wire::SourceLinkLayerOption{routerMac(i)});
        ra.options.push_back(wire::PrefixInformation{{homeAgent, 64}, true, true, true, 2592000, 604800});
        in(i, icmp(router(i), allNodes(), ra));
    }
    void up(std::size_t i, std::optional<wire::MapOption> map = std::nullopt)
    {
        mn.linkUp(now, i, out);
        advertise(i, map);
    }
    void down(std::size_t i) { mn.linkDown(now, i, out); }
    /// Runs to `t`; routers answer when they are asked whether they are still there.
    std::vector<Seen> to(Duration t)
    {
        std::vector<Seen> seen;
        const auto answer = [&] {
            for (Seen& s : take(out)) {
                const auto* ns = s.frame.as<NeighborSolicitation>();
                const bool asked = ns && !s.inner().source.isUnspecified() && (ns->target.isLinkLocal() || ns->target == homeAgent);
                if (!asked) {
                    seen.push_back(std::move(s));
                    continue;
                }
                const std::size_t i = s.interface;
                in(i, icmp(ns->target, s.inner().source, NeighborAdvertisement{true, true, true, ns->target, {wire::TargetLinkLayerOption{routerMac(i)}}}));
            }
        };
        answer();
        for (int steps = 0; steps < 10000 && mn.nextDeadline() && *mn.nextDeadline() <= TimePoint{t}; ++steps) {
            now = std::max(now, *mn.nextDeadline());
            mn.advance(now, out);
            answer();
        }
        now = TimePoint{t};
        return seen;
    }

    struct Sent {
        std::size_t interface = 0;
        Ipv6Address source;
        Ipv6Address destination;
        std::optional<Ipv6Address> home;
        BindingUpdate update;
        std::size_t tunnels = 0;
    };
    /// The updates among `seen`, in their order.
    static std::vector<Sent> updates(const std::vector<Seen>& seen)
    {
        std::vector<Sent> list;
        for (const Seen& s : seen)
            if (const auto* bu = s.frame.as<BindingUpdate>())
                list.push_back({s.interface, s.inner().source, s.inner().destination, s.inner().homeAddress(), *bu, s.frame.packets.size() - 1});
        return list;
    }
    static std::vector<wire::BindingIdentifier> bids(const BindingUpdate& bu)
    {
        std::vector<wire::BindingIdentifier> list;
        for (const auto& option : bu.options)
            if (const auto* b = std::get_if<wire::BindingIdentifier>(&option)) list.push_back(*b);
        return list;
    }
    /// The peer's answer to an update, with its identifiers, by the way that it came.
    void acknowledge(const Sent& s, std::uint8_t status = 0, std::vector<std::pair<int, int>> statuses = {}, bool named = true)
    {
        const std::uint16_t units = status < 128 ? s.update.lifetime.count() : std::uint16_t{0};
        BindingAck ack{status, flags, s.update.sequence, WireLifetime{units}, {}};
        for (wire::BindingIdentifier option : bids(s.update)) {
            option.careOfAddress.clear();
            for (const auto& [bid, value] : statuses)
                if (option.bid == bid) option.status = static_cast<std::uint8_t>(value);
            if (named) ack.options.push_back(option);
        }
        wire::Ipv6Packet packet = mobility(s.destination, s.source, ack, {}, s.home);
        if (!mn.stack().owns(s.source)) packet = encapsulate(packet, mapAddress, careOf(s.interface));
        in(s.interface, packet);
    }
    /// Runs to `t` and acknowledges every update on the way.
    std::vector<Sent> answeringTo(Duration t)
    {
        std::vector<Sent> all;
        for (Duration step = now - TimePoint{}; ; step = std::min<Duration>(t, step + 50ms)) {
            for (const Sent& s : updates(to(step))) {
                all.push_back(s);
                acknowledge(s);
            }
            if (step >= t) return all;
        }
    }
    /// The first `interfaces` on visited links and registered, at 6 s.
    static PathsBench registered(Mode mode = Mode::Single, std::size_t interfaces = 2, std::size_t of = 2)
    {
        PathsBench b(settings(mode), of);
        for (std::size_t i = 0; i < interfaces; ++i) b.up(i);
        (void)b.answeringTo(6s);
        return b;
    }
    [[nodiscard]] const BidRegistration& paths() const { return mn.homes().front().paths; }
    [[nodiscard]] bool has(std::uint16_t bid) const { return paths().find(bid) && paths().find(bid)->usable(); }
};

}  // namespace roamscope::test
