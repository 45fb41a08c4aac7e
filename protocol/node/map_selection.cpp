// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/map_selection.hpp"

#include <algorithm>
#include <tuple>

namespace roamscope::node {

void MapSelection::heard(TimePoint now, const std::vector<wire::NdOption>& options, bool strict)
{
    if (strict && !wire::findOption<wire::MapOption>(options)) return known_.clear();
    for (Known& known : known_) ++known.omitted;
    for (const wire::NdOption& option : options) {
        const auto* map = std::get_if<wire::MapOption>(&option);
        // HMIP-AR-03: distance 0 and addresses that are not global are no MAPs.
        if (!map || map->distance == 0 || !map->address.isUnicastRoutable()) continue;
        const TimePoint expires = now + std::chrono::seconds(map->validLifetime);
        const auto it = std::find_if(known_.begin(), known_.end(), [&](const Known& k) { return k.option.address == map->address; });
        if (it != known_.end()) *it = {*map, expires, 0};
        else if (known_.size() < maximum) known_.push_back({*map, expires, 0});
    }
    std::erase_if(known_, [](const Known& known) { return known.omitted >= toleratedOmissions; });
}

bool MapSelection::better(const wire::MapOption& a, const wire::MapOption& b) const
{
    const auto rank = [&](const wire::MapOption& m) {
        return policy_ == MapPolicy::Furthest ? std::tuple(m.distance, m.preference) : std::tuple(m.preference, m.distance);
    };
    if (rank(a) != rank(b)) return rank(a) > rank(b);
    return a.address < b.address;
}

std::vector<wire::MapOption> MapSelection::ranked(TimePoint now, std::optional<Ipv6Address> current) const
{
    std::vector<wire::MapOption> eligible;
    for (const Known& known : known_) {
        const wire::MapOption& m = known.option;
        const auto silent = silent_.find(m.address);
        if (now + leastLifetime >= known.expires || refused_.contains(m.address) || (silent != silent_.end() && now < silent->second)) continue;
        if (m.preference != 0 || current == m.address) eligible.push_back(m);
    }
    // Refreshing an existing binding at a MAP with preference 0 is fine, preferring it over others is not.
    std::sort(eligible.begin(), eligible.end(), [&](const wire::MapOption& a, const wire::MapOption& b) {
        return (a.preference == 0) != (b.preference == 0) ? b.preference == 0 : better(a, b);
    });
    return eligible;
}

std::optional<wire::MapOption> MapSelection::choose(TimePoint now, std::optional<Ipv6Address> current) const
{
    const auto eligible = ranked(now, current);
    return eligible.empty() ? std::nullopt : std::optional(eligible.front());
}

const MapSelection::Known* MapSelection::find(const Ipv6Address& map) const
{
    for (const Known& known : known_)
        if (known.option.address == map) return &known;
    return nullptr;
}

bool MapSelection::hasFailed(const Ipv6Address& map) const
{
    const Known* known = find(map);
    return known && known->option.validLifetime == 0;
}

void MapSelection::advance(TimePoint now)
{
    std::erase_if(silent_, [&](const auto& entry) { return now >= entry.second; });
}

std::optional<TimePoint> MapSelection::nextDeadline() const
{
    std::optional<TimePoint> next;
    for (const auto& [map, until] : silent_)
        next = earlier(next, until);
    return next;
}

std::optional<TimePoint> MapSelection::usableUntil(const Ipv6Address& map) const
{
    const Known* known = find(map);
    return known ? std::optional(known->expires - leastLifetime) : std::nullopt;
}

std::chrono::seconds MapSelection::remaining(TimePoint now, const Ipv6Address& map) const
{
    const Known* known = find(map);
    return known ? secondsUntil(now, known->expires) : std::chrono::seconds{0};
}

}  // namespace roamscope::node
