// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile node on a bench: one link, an access router that answers as far as it must, a MAP and a home agent whose answers the test
// builds by hand.
#pragma once

#include "protocol/node/mobile_node.hpp"
#include "tests/support/node_frames.hpp"

namespace roamscope::test {

using namespace roamscope::node;
using wire::BindingAck;
using wire::BindingUpdate;
using wire::NeighborAdvertisement;
using wire::NeighborSolicitation;

inline const Mac mnMac = mac("02:00:00:00:06:01");
inline const Mac arMac = mac("02:00:00:00:04:02");
inline const Ipv6Address ar = linkLocal(eui64(arMac));
inline const Ipv6Address mapAddress = ip("2001:db8:300::1");
inline const Ipv6Address homeAgent = ip("2001:db8:100::1");
inline const Ipv6Address homeAddress = ip("2001:db8:100::1:1");
inline const Ipv6Address correspondent = ip("2001:db8:200::c");
inline const Ipv6Address lcoa = withInterfaceId(ip("2001:db8:a1::"), eui64(mnMac));
inline const Ipv6Address lcoa2 = withInterfaceId(ip("2001:db8:a2::"), eui64(mnMac));
inline const Ipv6Address rcoa = withInterfaceId(mapAddress, eui64(mnMac));

struct RaOptions {
    const char* network = "2001:db8:a1::1";
    std::uint16_t lifetime = 9000;
    std::optional<wire::MapOption> map = wire::MapOption{2, 10, true, 3600, mapAddress};
    Ipv6Address source = ar;
    std::uint8_t hopLimit = 255;
    std::uint32_t valid = 2592000, preferred = 604800;  ///< of the prefix
    bool autonomous = true;
    std::uint8_t length = 64;
    std::vector<wire::NdOption> more{};
    bool linkLayer = true;
    std::uint8_t curHopLimit = 0;
    std::uint32_t retransTimer = 0;
};

[[nodiscard]] inline wire::Ipv6Packet advertisement(const RaOptions& o)
{
    wire::RouterAdvertisement ra;
    ra.routerLifetime = o.lifetime;
    ra.hopLimit = o.curHopLimit;
    ra.retransTimer = o.retransTimer;
    if (o.linkLayer) ra.options.push_back(wire::SourceLinkLayerOption{arMac});
    ra.options.push_back(wire::PrefixInformation{{ip(o.network), o.length}, true, o.autonomous, true, o.valid, o.preferred});
    if (o.map) ra.options.push_back(*o.map);
    ra.options.insert(ra.options.end(), o.more.begin(), o.more.end());
    return icmp(o.source, allNodes(), ra, o.hopLimit);
}

/// The node on one link, and its access router as far as it must answer.
struct Bench {
    MobileNode mn;
    Output out;
    TimePoint now{};
    bool routerAnswers = true;

    explicit Bench(MobileNode::Settings s = settings()) : mn(makeStack(), std::move(s)) { mn.linkUp(now, 0, out); }

    static IpStack makeStack()
    {
        IpStack stack(false, Random(1));
        stack.addInterface("wl0", mnMac);
        return stack;
    }
    static MobileNode::Settings settings() { return {homeAddress, homeAgent, MapPolicy::Furthest, std::chrono::seconds(600), {7}}; }

    void in(const wire::Ipv6Packet& packet) { mn.receive(now, 0, frame(arMac, mnMac, packet), out); }
    /// Runs to `t`; the access router answers when it is asked whether it is still there.
    std::vector<Seen> to(Duration t)
    {
        std::vector<Seen> seen;
        const auto answer = [&] {
            for (Seen& s : take(out)) {
                const auto* ns = s.frame.as<NeighborSolicitation>();
                const bool asked = ns && !s.inner().source.isUnspecified() && ns->target.isLinkLocal() && routerAnswers;
                if (asked) in(icmp(ns->target, s.inner().source, NeighborAdvertisement{true, true, true, ns->target, {wire::TargetLinkLayerOption{arMac}}}));
                else seen.push_back(std::move(s));
            }
        };
        answer();
        for (int steps = 0; steps < 10000 && mn.nextDeadline() && *mn.nextDeadline() <= TimePoint{t}; ++steps) {
            now = *mn.nextDeadline();
            mn.advance(now, out);
            answer();
        }
        now = TimePoint{t};
        return seen;
    }
    /// The last local or home update that was sent.
    [[nodiscard]] static const Seen& update(const std::vector<Seen>& seen)
    {
        const auto it = std::find_if(seen.rbegin(), seen.rend(), [](const Seen& s) { return s.frame.as<BindingUpdate>() != nullptr; });
        if (it == seen.rend()) std::abort();  // the caller has seen that one was sent
        return *it;
    }

    static wire::Ipv6Packet localAck(std::uint16_t sequence, std::uint8_t status = 0)
    {
        return mobility(mapAddress, lcoa, BindingAck{status, 0, sequence, WireLifetime{status < 128 ? std::uint16_t{150} : std::uint16_t{0}}, {}}, {}, rcoa);
    }
    static wire::Ipv6Packet homeAck(std::uint16_t sequence)
    {
        return encapsulate(mobility(homeAgent, rcoa, BindingAck{0, 0, sequence, WireLifetime{149}, {}}, {}, homeAddress), mapAddress, lcoa);
    }
    /// The home agent's answer to a node without a MAP.
    static wire::Ipv6Packet plainAck(std::uint16_t sequence, std::uint8_t status = 0, std::uint16_t units = 150, std::vector<wire::MobilityOption> options = {})
    {
        return mobility(homeAgent, lcoa, BindingAck{status, 0, sequence, WireLifetime{status < 128 ? units : std::uint16_t{0}}, std::move(options)}, {}, homeAddress);
    }
    /// Attached where no MAP is advertised and registered at home, at 2 s.
    static Bench plain(MobileNode::Settings s = settings())
    {
        Bench b(std::move(s));
        b.in(advertisement({.map = std::nullopt}));
        b.in(plainAck(update(b.to(1s)).frame.as<BindingUpdate>()->sequence));
        (void)b.to(2s);
        return b;
    }
    /// Attached, registered at the MAP and at home, at 3 s.
    static Bench registered(MobileNode::Settings s = settings())
    {
        Bench b(std::move(s));
        b.in(advertisement({}));
        b.in(localAck(update(b.to(1s)).frame.as<BindingUpdate>()->sequence));
        b.in(homeAck(update(b.to(2s)).frame.as<BindingUpdate>()->sequence));
        (void)b.to(3s);
        return b;
    }
    [[nodiscard]] bool atMap() const { return mn.mapAssociation() && mn.mapAssociation()->registered(now); }
    [[nodiscard]] bool atHome() const { return mn.homeAssociation().registered(now); }
};

[[nodiscard]] inline wire::Ipv6Packet data(const Ipv6Address& mapOuter = mapAddress, const Ipv6Address& homeOuter = homeAgent)
{
    return encapsulate(encapsulate(probe(correspondent, homeAddress, {7, false, 1, TimePoint{}}), homeOuter, rcoa), mapOuter, lcoa);
}


}  // namespace roamscope::test
