// SPDX-License-Identifier: GPL-3.0-or-later
// A correspondent node on a bench: its router answers, a mobile node's messages are built by hand.
#pragma once

#include "tests/support/node_frames.hpp"

#include "protocol/node/correspondent.hpp"

namespace roamscope::test {

using namespace roamscope::node;
using wire::BindingAck;
using wire::BindingError;
using wire::BindingUpdate;
using wire::CareOfTest;
using wire::CareOfTestInit;
using wire::HomeTest;
using wire::HomeTestInit;

inline const Mac ownMac = mac("02:00:00:00:02:0c");
inline const Mac routerMac = mac("02:00:00:00:02:01");
inline const Ipv6Address own = ip("2001:db8:200::c");
inline const Ipv6Address router = ip("fe80::ff:fe00:201");
inline const Ipv6Address home = ip("2001:db8:100::1:1");
inline const Ipv6Address careOf = ip("2001:db8:300::5");
inline const Ipv6Address other = ip("2001:db8:400::5");

/// What a mobile node knows after return routability.
struct Tokens {
    std::uint16_t homeIndex = 0, careOfIndex = 0;
    std::uint64_t home = 0, careOf = 0;
};

struct Bench {
    Correspondent node;
    Output out;
    TimePoint now{};

    explicit Bench(bool mobility = true, const Correspondent::Settings& settings = {})
        : node(mobility ? Correspondent(makeStack(), {}, Random(5), settings) : Correspondent(makeStack(), {}))
    {
        // The router is a neighbour that answers; its address is learnt when it asks.
        in(icmp(router, linkLocal(eui64(ownMac)), wire::NeighborSolicitation{linkLocal(eui64(ownMac)), {wire::SourceLinkLayerOption{routerMac}}}));
        out = {};
    }
    static IpStack makeStack()
    {
        IpStack stack(false, Random(1));
        stack.addInterface("core", ownMac);
        stack.addStaticAddress(0, {linkLocal(eui64(ownMac)), 64});
        stack.addStaticAddress(0, prefix("2001:db8:200::c/64"));
        stack.addRoute(prefix("::/0"), 0, router);
        return stack;
    }
    void in(const wire::Ipv6Packet& packet) { node.receive(now, 0, frame(routerMac, ownMac, packet), out); }
    std::vector<Seen> answers(const wire::Ipv6Packet& packet)
    {
        in(packet);
        return take(out);
    }
    void to(Duration t)
    {
        while (node.nextDeadline() && *node.nextDeadline() <= TimePoint{t}) {
            now = *node.nextDeadline();
            node.advance(now, out);
            for (const Seen& s : take(out))
                if (const auto* ns = s.frame.as<wire::NeighborSolicitation>())
                    in(icmp(ns->target, s.inner().source, wire::NeighborAdvertisement{true, true, true, ns->target, {wire::TargetLinkLayerOption{routerMac}}}));
        }
        now = TimePoint{t};
    }
    Tokens tokens(const Ipv6Address& coa = careOf)
    {
        const auto hot = answers(mobility(home, own, HomeTestInit{7, {}}, {}));
        const auto cot = answers(mobility(coa, own, CareOfTestInit{8, {}}, {}));
        if (!find<HomeTest>(hot) || !find<CareOfTest>(cot)) return {};
        const auto& h = *find<HomeTest>(hot)->frame.as<HomeTest>();
        const auto& c = *find<CareOfTest>(cot)->frame.as<CareOfTest>();
        return {h.nonceIndex, c.nonceIndex, h.token, c.token};
    }
    /// A Binding Update as the mobile node that has these tokens sends it.
    static wire::Ipv6Packet update(const Tokens& t, std::uint16_t sequence, std::uint16_t units = 50, const Ipv6Address& coa = careOf,
                                   std::uint16_t flags = BindingUpdate::acknowledge)
    {
        BindingUpdate bu{sequence, flags, WireLifetime{units}, {wire::NonceIndices{t.homeIndex, t.careOfIndex}}};
        wire::Ipv6Packet packet = mobility(coa, own, bu, home);
        const Bytes key = units == 0 ? bindingKey(t.home, {}) : bindingKey(t.home, t.careOf);
        packet.payload = emitAuthorized(bu, key, units == 0 ? home : coa, own, packet.pseudoHeader());
        return packet;
    }
    /// The answer's status, or -1 when there is none.
    int status(const wire::Ipv6Packet& packet)
    {
        const auto seen = answers(packet);
        const Seen* ba = find<BindingAck>(seen);
        return ba ? ba->frame.as<BindingAck>()->status : -1;
    }
    [[nodiscard]] const CorrespondentBinding* binding() const { return node.cache().find(home); }
};

}  // namespace roamscope::test
