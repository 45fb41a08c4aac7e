// SPDX-License-Identifier: GPL-3.0-or-later
// Who is who (design of the interface §6.3): the home agent is where home registrations go, the MAP where local ones go or
// what a MAP option names, access routers advertise, a correspondent exchanges data with a home address; who advertises a prefix that a
// mobile router has named is that router. One thread;
// amortised O(1) a frame.
#pragma once

#include "capture/analysis/mobiles.hpp"

namespace roamscope::analysis {

class Directory {
public:
    /// A frame with users' data.
    void addData(const Observation& o, const Mobiles& mobiles);
    /// A signal that ExchangeTracker::add() returned for this frame.
    void addSignal(const Signal& signal, const Observation& o);
    [[nodiscard]] std::vector<NodeInfo> nodes(const Mobiles& mobiles, const Presence& presence) const;

private:
    struct Anchor {
        Role role = Role::Unknown;
        std::vector<FrameIndex> evidence;
        std::optional<Ipv6Address> ipv4;  ///< ::ffff:a.b.c.d, where it takes updates over IPv4 (RFC 5555)
        std::vector<Ipv6Address> serves;  ///< home or regional addresses registered there
    };

    void addAnchors(std::vector<NodeInfo>& nodes, const Mobiles& mobiles, const Presence& presence) const;
    void addRouters(std::vector<NodeInfo>& nodes, const Mobiles& mobiles, const Presence& presence) const;

    std::map<Ipv6Address, Anchor> anchors_;
    std::map<Prefix, Ipv6Address> networks_;  ///< home address of the mobile router
    std::unordered_map<Ipv6Address, std::vector<FrameIndex>> correspondents_;
};

}  // namespace roamscope::analysis
