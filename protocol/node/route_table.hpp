// SPDX-License-Identifier: GPL-3.0-or-later
// The static routes of a node: the longest prefix that covers a destination counts, among equal ones the first that was added. Few are
// gone through; of many, such as a MAP has to its access routers, each length is searched by halves. Copyable value.
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/near.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace roamscope::node {

struct Route {
    Prefix destination;
    std::size_t interface = 0;
    Ipv6Address nextHop;
};

class RouteTable {
public:
    void add(Route route)
    {
        route.destination = route.destination.masked();
        const auto length = std::lower_bound(lengths_.begin(), lengths_.end(), route.destination.length, std::greater<>());
        if (length == lengths_.end() || *length != route.destination.length) lengths_.insert(length, route.destination.length);
        routes_.insert(std::upper_bound(routes_.begin(), routes_.end(), route, [](const Route& a, const Route& b) { return before(a.destination, b.destination); }), route);
    }
    /// Null when none covers it. Ends with the next add().
    [[nodiscard]] const Route* find(const Ipv6Address& destination) const
    {
        if (routes_.size() <= few) {
            const auto it = std::find_if(routes_.begin(), routes_.end(), [&](const Route& route) { return route.destination.contains(destination); });
            return it != routes_.end() ? &*it : nullptr;
        }
        for (const std::uint8_t length : lengths_) {
            const Prefix wanted = Prefix{destination, length}.masked();
            const auto it = std::lower_bound(routes_.begin(), routes_.end(), wanted, [](const Route& a, const Prefix& b) { return before(a.destination, b); });
            if (it != routes_.end() && it->destination == wanted) return &*it;
        }
        return nullptr;
    }

    /// Has what the owner will look at come into the caches (near.hpp).
    void bringNear() const { roamscope::bringNear(routes_.data(), std::min(routes_.size(), few) * sizeof(Route)); }

private:
    static constexpr std::size_t few = 8;

    static bool before(const Prefix& a, const Prefix& b) { return a.length != b.length ? a.length > b.length : a.address < b.address; }

    std::vector<Route> routes_;          ///< longest first
    std::vector<std::uint8_t> lengths_;  ///< those that there are, longest first
};

}  // namespace roamscope::node
