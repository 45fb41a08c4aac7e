// SPDX-License-Identifier: GPL-3.0-or-later
// What every router of this project does besides forwarding: advertises itself and MAPs, listens to the MAP options of other routers
// and probes the MAPs that it names. Part of an access router and of an anchor; copyable value.
#pragma once

#include "protocol/node/map_relay.hpp"
#include "protocol/node/router_advertiser.hpp"

namespace roamscope::node {

class RouterFunctions {
public:
    RouterFunctions(std::vector<RouterAdvertiser> advertisers, const MapProber::Settings& probing, Random random)
        : advertisers_(std::move(advertisers)), prober_(probing, random)
    {
    }

    /// Takes solicitations, advertisements of other routers and echo replies; true when `delivery` was one of them.
    bool receive(TimePoint now, const Delivery& delivery, IpStack& stack, Output& out);
    void advance(TimePoint now, IpStack& stack, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;
    /// The router stops: tells everybody (AR-04).
    void cease(TimePoint now, IpStack& stack, Output& out)
    {
        for (RouterAdvertiser& advertiser : advertisers_) advertiser.cease(now, stack, out);
    }
    /// Other advertisements from now on. What was heard of MAPs stays.
    void configure(TimePoint now, std::vector<RouterAdvertiser> advertisers, const MapProber::Settings& probing);

    [[nodiscard]] const std::vector<RouterAdvertiser>& advertisers() const { return advertisers_; }

private:
    /// Tells the advertisers what is known of MAPs now.
    void refreshMaps(TimePoint now);

    std::vector<RouterAdvertiser> advertisers_;
    MapRelay relay_;
    MapProber prober_;
    bool started_ = false;
};

/// An advertisement that counts: from this link and a router's link-local address (RFC 4861 §6.1.2). Nothing when it is none.
[[nodiscard]] const wire::RouterAdvertisement* validAdvertisement(const Delivery& delivery);

}  // namespace roamscope::node
