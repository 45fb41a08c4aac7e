// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/map_selection.hpp"

#include <algorithm>
#include <tuple>

namespace roamscope::node {

void MapSelection::heard(TimePoint now, const std::vector<wire::NdOption>& options)
{
    for (const wire::NdOption& option : options) {
        const auto* map = std::get_if<wire::MapOption>(&option);
        // HMIP-AR-03: distance 0 and addresses that are not global are no MAPs.
        if (!map || map->distance == 0 || !map->address.isUnicastRoutable()) continue;
        const TimePoint expires = now + std::chrono::seconds(map->validLifetime);
        const auto it = std::find_if(known_.begin(), known_.end(), [&](const Known& k) { return k.option.address == map->address; });
        if (it == known_.end()) known_.push_back({*map, expires});
        else *it = {*map, expires};
    }
}

bool MapSelection::better(const wire::MapOption& a, const wire::MapOption& b) const
{
    const auto rank = [&](const wire::MapOption& m) {
        return policy_ == MapPolicy::Furthest ? std::tuple(m.distance, m.preference) : std::tuple(m.preference, m.distance);
    };
    if (rank(a) != rank(b)) return rank(a) > rank(b);
    return a.address < b.address;
}

std::optional<wire::MapOption> MapSelection::choose(TimePoint now, std::optional<Ipv6Address> current) const
{
    const wire::MapOption* best = nullptr;
    for (const Known& known : known_) {
        const wire::MapOption& m = known.option;
        if (now + leastLifetime >= known.expires || std::find(refused_.begin(), refused_.end(), m.address) != refused_.end()) continue;
        const bool isCurrent = current == m.address;
        if (m.preference == 0 && !isCurrent) continue;
        // Refreshing an existing binding at a MAP with preference 0 is fine, preferring it over others is not.
        if (!best || (best->preference == 0 && m.preference != 0) || (m.preference != 0 && better(m, *best))) best = &m;
    }
    return best ? std::optional(*best) : std::nullopt;
}

std::optional<TimePoint> MapSelection::usableUntil(const Ipv6Address& map) const
{
    for (const Known& known : known_)
        if (known.option.address == map) return known.expires - leastLifetime;
    return std::nullopt;
}

std::chrono::seconds MapSelection::remaining(TimePoint now, const Ipv6Address& map) const
{
    for (const Known& known : known_)
        if (known.option.address == map && known.expires > now) return std::chrono::floor<std::chrono::seconds>(known.expires - now);
    return std::chrono::seconds{0};
}

}  // namespace roamscope::node
