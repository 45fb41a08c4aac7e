// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/map_relay.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::MapOption;

// ---- dynamic MAP discovery

bool MapRelay::heard(TimePoint now, std::size_t interface, const Ipv6Address& router, const wire::RouterAdvertisement& ra)
{
    bool changed = false;
    for (const wire::NdOption& option : ra.options) {
        const auto* map = std::get_if<MapOption>(&option);
        if (!map || map->distance == 0 || map->type != MapOption::number || !map->address.isUnicastRoutable()) continue;
        const Key key{map->address, interface, router};
        const auto it = entries_.find(key);
        // What nobody had heard of cannot fail.
        if (it == entries_.end() && (map->validLifetime == 0 || entries_.size() == maxOptions)) continue;
        changed = changed || it == entries_.end() || it->second.option != *map;
        const Duration lifetime = map->validLifetime == 0 ? failureTold : Duration(std::chrono::seconds(map->validLifetime));
        entries_[key] = {*map, now + lifetime};
    }
    return changed;
}

std::vector<MapOption> MapRelay::relayedTo(std::size_t interface) const
{
    std::map<Ipv6Address, MapOption> best;
    for (const auto& [key, entry] : entries_) {
        if (std::get<1>(key) == interface) continue;  // they have heard it themselves
        const auto [it, isFirst] = best.try_emplace(entry.option.address, entry.option);
        // A MAP that is alive on one way is alive; then the shortest way counts.
        const auto rank = [](const MapOption& o) { return std::pair(o.validLifetime == 0, o.distance); };
        if (!isFirst && rank(entry.option) < rank(it->second)) it->second = entry.option;
    }
    std::vector<MapOption> out;
    for (auto& [address, option] : best) {
        if (option.distance >= furthest) continue;
        ++option.distance;
        out.push_back(option);
    }
    return out;
}

bool MapRelay::expire(TimePoint now)
{
    return std::erase_if(entries_, [&](const auto& entry) { return entry.second.until <= now; }) > 0;
}

std::optional<TimePoint> MapRelay::nextDeadline() const
{
    std::optional<TimePoint> next;
    for (const auto& [key, entry] : entries_) next = earlier(next, entry.until);
    return next;
}

// ---- probing

void MapProber::watch(TimePoint now, const std::vector<Ipv6Address>& maps)
{
    const auto isWatched = [&](const Ipv6Address& a) { return settings_.enabled && std::find(maps.begin(), maps.end(), a) != maps.end(); };
    std::erase_if(maps_, [&](const auto& entry) { return !isWatched(entry.first); });
    if (!settings_.enabled) return;
    for (const Ipv6Address& address : maps)
        if (!maps_.contains(address)) maps_[address].next = now;
}

void MapProber::judgeSilence(Map& map)
{
    if (!map.awaited || map.failed) return;
    if (map.insisted * settings_.retry < settings_.patience) {
        ++map.insisted;
        return;
    }
    map.failed = changed_ = true;
    map.insisted = 0;
}

std::optional<MapProber::Request> MapProber::due(TimePoint now)
{
    for (auto& [address, map] : maps_) {
        if (now < map.next) continue;
        judgeSilence(map);
        map.awaited = true;
        map.next = now + (map.insisted > 0 ? settings_.retry : settings_.interval);
        map.last = {false, identifier_, ++sequence_, {}};
        const std::uint64_t secret = random_.next();
        for (int i = 0; i < 8; ++i) map.last.data.push_back(static_cast<std::uint8_t>(secret >> 8 * i));
        return Request{address, map.last};
    }
    return std::nullopt;
}

void MapProber::answered(TimePoint now, const Ipv6Address& source, const wire::Echo& reply)
{
    const auto it = maps_.find(source);
    if (it == maps_.end() || !it->second.awaited) return;
    Map& map = it->second;
    if (reply.identifier != map.last.identifier || reply.sequence != map.last.sequence || reply.data != map.last.data) return;
    if (map.failed) changed_ = true;
    if (map.insisted > 0) map.next = now + settings_.interval;
    map.awaited = map.failed = false;
    map.insisted = 0;
}

bool MapProber::hasFailed(const Ipv6Address& map) const
{
    const auto it = maps_.find(map);
    return it != maps_.end() && it->second.failed;
}

std::optional<TimePoint> MapProber::nextDeadline() const
{
    std::optional<TimePoint> next;
    for (const auto& [address, map] : maps_) next = earlier(next, map.next);
    return next;
}

}  // namespace roamscope::node
