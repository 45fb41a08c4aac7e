// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/neighbor_cache.hpp"

#include <iterator>
#include <utility>

namespace roamscope::node {

std::pair<NeighborCache::Entry*, bool> NeighborCache::entryOf(const Ipv6Address& address, Actions& actions)
{
    if (entries_.size() >= maxEntries && !entries_.contains(address)) {
        // Looking at a few is enough, and does not cost more the fuller the table is.
        constexpr int looks = 16;
        const auto from = [&](auto it) { return it == entries_.end() ? entries_.begin() : it; };
        auto chosen = from(entries_.upper_bound(address));
        for (int i = 0; i < looks && (chosen->second.state == State::Reachable || chosen->second.router); ++i) chosen = from(std::next(chosen));
        std::move(chosen->second.queue.begin(), chosen->second.queue.end(), std::back_inserter(actions.unreachable));
        actions.lost.push_back(chosen->first);
        entries_.erase(chosen);
        known_ = false;
    }
    const auto [it, isNew] = entries_.try_emplace(address);
    return {&it->second, isNew};
}

void NeighborCache::send(TimePoint now, const Ipv6Address& nextHop, wire::Ipv6Packet packet, Actions& actions)
{
    if (const Mac* mac = pinned(nextHop)) return actions.transmit.push_back({*mac, std::move(packet)});
    const auto [made, isNew] = entryOf(nextHop, actions);
    Entry& entry = *made;
    if (isNew) {
        known_ = false;
        entry.solicitations = 1;
        entry.deadline = now + retransTimer_;
        actions.solicit.push_back({nextHop, std::nullopt, packet.source});
        actions.changed.push_back(nextHop);
    }
    if (entry.state == State::Incomplete) {
        if (entry.queue.size() == maxQueue) entry.queue.erase(entry.queue.begin());
        entry.queue.push_back(std::move(packet));
        return;
    }
    if (entry.state == State::Reachable && now >= entry.deadline) entry.state = State::Stale;
    if (entry.state == State::Stale) {
        known_ = false;
        entry.state = State::Delay;
        entry.deadline = now + delayFirstProbe;
        actions.changed.push_back(nextHop);
    }
    actions.transmit.push_back({entry.mac, std::move(packet)});
}

void NeighborCache::probe(TimePoint now, const Ipv6Address& address, Actions& actions)
{
    known_ = false;
    Entry& entry = *entryOf(address, actions).first;
    entry.asked = true;
    if (entry.state == State::Probe || (entry.state == State::Incomplete && entry.solicitations > 0)) return;
    const bool known = entry.state != State::Incomplete;
    if (known) entry.state = State::Probe;
    entry.solicitations = 1;
    entry.deadline = now + retransTimer_;
    actions.solicit.push_back({address, known ? std::optional(entry.mac) : std::nullopt, {}});
    actions.changed.push_back(address);
}

void NeighborCache::learn(TimePoint now, const Ipv6Address& address, const Mac& mac, bool router, Actions& actions)
{
    const auto [made, isNew] = entryOf(address, actions);
    Entry& entry = *made;
    entry.router = entry.router || router;
    if (!isNew && entry.state != State::Incomplete && entry.mac == mac) return;
    known_ = false;
    entry.mac = mac;
    entry.state = State::Stale;
    entry.deadline = now;
    actions.changed.push_back(address);
    flush(now, entry, actions);
}

void NeighborCache::advertised(TimePoint now, const wire::NeighborAdvertisement& na, Actions& actions)
{
    const auto it = entries_.find(na.target);
    if (it == entries_.end()) return;  // RFC 4861 §7.2.5: nobody asked, nothing is created
    known_ = false;
    Entry& entry = it->second;
    const auto* option = wire::findOption<wire::TargetLinkLayerOption>(na.options);
    if (entry.state == State::Incomplete) {
        if (!option) return;
        entry.mac = option->address;
        entry.router = na.router;
        if (na.solicited) reachable(now, na.target, entry, actions);
        else entry.state = State::Stale;
        actions.changed.push_back(na.target);
        flush(now, entry, actions);
        return;
    }
    const bool otherMac = option && option->address != entry.mac;
    if (!na.override && otherMac) {
        if (entry.state == State::Reachable) {
            entry.state = State::Stale;
            actions.changed.push_back(na.target);
        }
        return;
    }
    if (otherMac) entry.mac = option->address;
    if (na.solicited) reachable(now, na.target, entry, actions);
    else if (otherMac) entry.state = State::Stale;
    if (std::exchange(entry.router, na.router) && !na.router) actions.resigned.push_back(na.target);
    actions.changed.push_back(na.target);
}

void NeighborCache::advance(TimePoint now, Actions& actions)
{
    if (const auto next = nextDeadline(); !next || now < *next) return;
    known_ = false;
    for (auto it = entries_.begin(); it != entries_.end();) {
        auto& [address, entry] = *it;
        const bool waits = entry.state == State::Incomplete || entry.state == State::Delay || entry.state == State::Probe;
        if (!waits || now < entry.deadline) {
            ++it;
            continue;
        }
        if (entry.state == State::Delay) {
            entry.state = State::Probe;
            entry.solicitations = 0;
            actions.changed.push_back(address);
        }
        if (entry.solicitations < maxSolicitations) {
            const bool probing = entry.state == State::Probe;
            ++entry.solicitations;
            entry.deadline = now + retransTimer_;
            actions.solicit.push_back({address, probing ? std::optional(entry.mac) : std::nullopt,
                                       entry.queue.empty() ? Ipv6Address{} : entry.queue.front().source});
            ++it;
            continue;
        }
        std::move(entry.queue.begin(), entry.queue.end(), std::back_inserter(actions.unreachable));
        actions.lost.push_back(address);
        it = entries_.erase(it);
    }
}

std::optional<TimePoint> NeighborCache::nextDeadline() const
{
    if (known_) return next_;
    known_ = true;
    next_.reset();
    for (const auto& [address, entry] : entries_)
        if (entry.state == State::Incomplete || entry.state == State::Delay || entry.state == State::Probe) next_ = earlier(next_, entry.deadline);
    return next_;
}

void NeighborCache::flush(TimePoint now, Entry& entry, Actions& actions)
{
    // Packets that waited go to a neighbour whose reachability is not known yet (RFC 4861 §7.3.3).
    if (!entry.queue.empty() && entry.state == State::Stale) {
        entry.state = State::Delay;
        entry.deadline = now + delayFirstProbe;
    }
    for (auto& packet : entry.queue) actions.transmit.push_back({entry.mac, std::move(packet)});
    entry.queue.clear();
}

void NeighborCache::reachable(TimePoint now, const Ipv6Address& address, Entry& entry, Actions& actions)
{
    if (std::exchange(entry.asked, false)) actions.confirmed.push_back(address);
    entry.state = State::Reachable;
    entry.deadline = now + reachableTime_;
}

std::string_view stateName(NeighborCache::State state)
{
    static constexpr std::string_view names[] = {"incomplete", "reachable", "stale", "delay", "probe"};
    return names[static_cast<std::size_t>(state)];
}

}  // namespace roamscope::node
