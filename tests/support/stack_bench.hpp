// SPDX-License-Identifier: GPL-3.0-or-later
// The IPv6 of a node with two links, stepped by hand, for tests of the stack alone.
#pragma once

#include "tests/support/node_frames.hpp"

#include "protocol/node/ip_stack.hpp"

namespace roamscope::test::stacks {

inline const Mac ownMac = mac("02:00:00:00:01:01");
inline const Mac farMac = mac("02:00:00:00:01:02");
inline const Mac peerMac = mac("02:00:00:00:02:01");
inline const Ipv6Address own = ip("2001:db8:1::1");
inline const Ipv6Address peer = ip("2001:db8:1::2");
inline const Ipv6Address remote = ip("2001:db8:2::2");
inline const Ipv6Address candidate = ip("2001:db8:1::c");

/// A stack with two links; a router or a host.
struct Bench {
    node::IpStack stack;
    node::Output out;

    explicit Bench(bool router = true) : stack(router, Random(1))
    {
        stack.addInterface("near", ownMac);
        stack.addInterface("far", farMac);
        stack.addStaticAddress(0, {linkLocal(eui64(ownMac)), 64});
        stack.addStaticAddress(0, {own, 64});
        stack.addStaticAddress(1, {linkLocal(eui64(farMac)), 64});
        stack.addStaticAddress(1, prefix("2001:db8:2::1/64"));
    }
    std::optional<node::Delivery> in(const wire::Ipv6Packet& packet, TimePoint now = {}, std::size_t interface = 0)
    {
        return stack.receive(now, interface, frame(peerMac, interface == 0 ? ownMac : farMac, packet), out);
    }
    void know(const Ipv6Address& who, TimePoint now = {}, std::size_t interface = 0)
    {
        stack.learnNeighbor(now, interface, who, peerMac, false, out);
        out.frames.clear();
    }
    std::vector<Seen> to(TimePoint t)
    {
        run(stack, t, out);
        return take(out);
    }
};

[[nodiscard]] inline wire::Ipv6Packet solicitation(const Ipv6Address& from, const Ipv6Address& target, bool withOption = true)
{
    wire::NeighborSolicitation ns{target, {}};
    if (withOption) ns.options.push_back(wire::SourceLinkLayerOption{peerMac});
    return icmp(from, solicitedNode(target), ns);
}

}  // namespace roamscope::test::stacks
