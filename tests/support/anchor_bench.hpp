// SPDX-License-Identifier: GPL-3.0-or-later
// A home agent or MAP with its home link and the way to everybody else, stepped by hand: frames in, frames out.
#pragma once

#include "tests/support/node_frames.hpp"

#include "protocol/node/anchor.hpp"

namespace roamscope::test::anchors {

using namespace roamscope::node;
using wire::BindingAck;
using wire::BindingUpdate;
using wire::NeighborAdvertisement;
using wire::NeighborSolicitation;

inline const Mac homeMac = mac("02:00:00:00:01:01");
inline const Mac coreMac = mac("02:00:00:00:01:02");
inline const Mac nextMac = mac("02:00:00:00:03:01");
inline const Ipv6Address agent = ip("2001:db8:100::1");
inline const Ipv6Address nextRouter = ip("2001:db8:200::300");
inline const Ipv6Address home = ip("2001:db8:100::1:1");
inline const Ipv6Address careOf = ip("2001:db8:300::5");
inline const Ipv6Address correspondent = ip("2001:db8:200::c");
inline constexpr std::size_t homeLink = 0;
inline constexpr std::size_t coreLink = 1;

/// An anchor with its home link and the way to everybody else; the next router's link-layer address is known.
struct Bench {
    Anchor anchor;
    Output out;
    TimePoint now{};

    explicit Bench(bool map = false, bool verify = true) : Bench(policy(map, verify)) {}
    explicit Bench(Registrar::Policy policy, const AnchorServices& services = {}) : anchor(makeStack(), std::move(policy), {}, services)
    {
        in(coreLink, icmp(nextRouter, agentOnCore(), NeighborSolicitation{agentOnCore(), {wire::SourceLinkLayerOption{nextMac}}}));
        in(coreLink, icmp(correspondent, agentOnCore(), NeighborSolicitation{agentOnCore(), {wire::SourceLinkLayerOption{nextMac}}}));
        out = {};
    }
    static Ipv6Address agentOnCore() { return ip("2001:db8:200::1"); }
    static IpStack makeStack()
    {
        IpStack stack(true, Random(1));
        stack.addInterface("home", homeMac);
        stack.addInterface("core", coreMac);
        stack.addStaticAddress(homeLink, {linkLocal(eui64(homeMac)), 64});
        stack.addStaticAddress(homeLink, prefix("2001:db8:100::1/64"));
        stack.addStaticAddress(coreLink, {linkLocal(eui64(coreMac)), 64});
        stack.addStaticAddress(coreLink, prefix("2001:db8:200::1/64"));
        stack.addRoute(prefix("2001:db8:300::/64"), coreLink, nextRouter);
        return stack;
    }
    static Registrar::Policy policy(bool map, bool verify)
    {
        Registrar::Policy p;
        auto& prefixes = map ? p.regionalPrefixes : p.homePrefixes;
        prefixes.emplace_back(prefix("2001:db8:100::/64"));
        p.verify = p.verifyRegional = verify;
        return p;
    }
    void in(std::size_t interface, const wire::Ipv6Packet& packet)
    {
        anchor.receive(now, interface, frame(nextMac, interface == homeLink ? homeMac : coreMac, packet), out);
    }
    /// Runs to `t`; the neighbours on the core link answer when they are asked whether they are there.
    std::vector<Seen> to(Duration t)
    {
        std::vector<Seen> seen = take(out);
        for (int steps = 0; steps < 10000 && anchor.nextDeadline() && *anchor.nextDeadline() <= TimePoint{t}; ++steps) {
            now = *anchor.nextDeadline();
            anchor.advance(now, out);
            for (Seen& s : take(out)) {
                const auto* ns = s.frame.as<NeighborSolicitation>();
                if (!ns || s.interface != coreLink) seen.push_back(std::move(s));
                else in(coreLink, icmp(ns->target, s.inner().source, NeighborAdvertisement{true, true, true, ns->target, {wire::TargetLinkLayerOption{nextMac}}}));
            }
        }
        now = TimePoint{t};
        return seen;
    }
    /// A registration of `home` with these flags besides A and H, and these options.
    static wire::Ipv6Packet updateWith(std::uint16_t sequence, std::uint16_t flags, std::vector<wire::MobilityOption> options = {}, std::uint16_t units = 100)
    {
        const auto all = static_cast<std::uint16_t>(BindingUpdate::acknowledge | BindingUpdate::homeRegistration | flags);
        return mobility(careOf, agent, BindingUpdate{sequence, all, WireLifetime{units}, std::move(options)}, home);
    }
    static wire::Ipv6Packet update(std::uint16_t sequence, std::uint16_t units = 100, bool map = false, const Ipv6Address& from = careOf)
    {
        const auto flags = static_cast<std::uint16_t>(BindingUpdate::acknowledge | (map ? BindingUpdate::mapRegistration : BindingUpdate::homeRegistration));
        return mobility(from, agent, BindingUpdate{sequence, flags, WireLifetime{units}, {}}, home);
    }
    static Bench bound(bool map = false)
    {
        Bench b(map);
        b.in(coreLink, update(10, 100, map));
        (void)b.to(2s);
        return b;
    }
    [[nodiscard]] const Binding* binding() const { return anchor.registrar().find(home); }
};

}  // namespace roamscope::test::anchors
