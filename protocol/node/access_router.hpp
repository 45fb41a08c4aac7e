// SPDX-License-Identifier: GPL-3.0-or-later
// Access router: forwards, and advertises itself and the MAPs of its domain (RFC 4861 §6.2, RFC 4140 §3.1, HMIP-AR-01);
// passes on MAP options and probes MAPs when it is told to (HMIP-MAP-11, HMIP-AR-04).
#pragma once

#include "protocol/node/ipv4_router.hpp"
#include "protocol/node/router_functions.hpp"

namespace roamscope::node {

class AccessRouter {
public:
    AccessRouter(IpStack stack, std::vector<RouterAdvertiser> advertisers, const MapProber::Settings& probing = {})
        : stack_(std::move(stack)), router_(std::move(advertisers), probing, stack_.random().fork(randomLabel))
    {
    }

    /// Forwards IPv4, too, between links of which it has such addresses; before time 0.
    void setIpv4(std::vector<Ipv4Link> links);

    void receive(TimePoint now, std::size_t interface, ByteView frame, Output& out);
    void advance(TimePoint now, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;

    /// Its last words; it is not run any more afterwards.
    void cease(TimePoint now, Output& out) { router_.cease(now, stack_, out); }
    /// Other advertisements from now on.
    void configure(TimePoint now, std::vector<RouterAdvertiser> advertisers, const MapProber::Settings& probing = {})
    {
        router_.configure(now, std::move(advertisers), probing);
    }

    /// Has what every call looks at come into the caches: in a large lab nothing of it is there any more.
    void bringNear() const
    {
        roamscope::bringNear(this, sizeof *this);
        stack_.bringNear();
        stack_.bringListsNear();
    }

    [[nodiscard]] const IpStack& stack() const { return stack_; }
    [[nodiscard]] IpStack& stack() { return stack_; }

private:
    static constexpr std::uint64_t randomLabel = 1;

    IpStack stack_;
    RouterFunctions router_;
    std::optional<Ipv4Router> ipv4_;
};

}  // namespace roamscope::node
