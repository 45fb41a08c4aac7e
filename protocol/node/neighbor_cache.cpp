// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/neighbor_cache.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace roamscope::node {

std::pair<NeighborCache::Entry*, bool> NeighborCache::entryOf(const Ipv6Address& address, Actions& actions)
{
    if (Entry* entry = entries_.find(address)) return {entry, false};
    if (entries_.list().size() >= maxEntries) giveWay(address, actions);
    return {&entries_.add({address}), true};
}

void NeighborCache::giveWay(const Ipv6Address& newcomer, Actions& actions)
{
    // Looking at a few is enough, and does not cost more the fuller the table is.
    constexpr int looks = 16;
    const auto& all = entries_.list();
    std::size_t chosen = AddressHash{}(newcomer) % all.size();
    for (int i = 0; i < looks && (all[chosen].state == State::Reachable || all[chosen].router); ++i) chosen = (chosen + 1) % all.size();
    lose(*entries_.find(all[chosen].address), actions);
}

void NeighborCache::lose(Entry& entry, Actions& actions)
{
    std::move(entry.queue.begin(), entry.queue.end(), std::back_inserter(actions.unreachable));
    actions.lost.push_back(entry.address);
    entries_.remove(entry, false);
    timers_.drop(holds());
}

void NeighborCache::arm(const Entry& entry)
{
    if (waits(entry)) timers_.set(entry.address, entry.deadline);
    timers_.drop(holds());
}

void NeighborCache::send(TimePoint now, const Ipv6Address& nextHop, wire::Ipv6Packet packet, Actions& actions)
{
    if (const Mac* mac = pinned(nextHop)) return actions.transmit.push_back({*mac, std::move(packet)});
    const auto [made, isNew] = entryOf(nextHop, actions);
    Entry& entry = *made;
    if (isNew) {
        entry.solicitations = 1;
        entry.deadline = now + retransTimer_;
        arm(entry);
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
        delay(now, entry);
        actions.changed.push_back(nextHop);
    }
    actions.transmit.push_back({entry.mac, std::move(packet)});
}

void NeighborCache::delay(TimePoint now, Entry& entry)
{
    entry.state = State::Delay;
    entry.deadline = now + delayFirstProbe;
    arm(entry);
}

void NeighborCache::probe(TimePoint now, const Ipv6Address& address, Actions& actions)
{
    Entry& entry = *entryOf(address, actions).first;
    entry.asked = true;
    if (entry.state == State::Probe || (entry.state == State::Incomplete && entry.solicitations > 0)) return;
    const bool known = entry.state != State::Incomplete;
    if (known) entry.state = State::Probe;
    entry.solicitations = 1;
    entry.deadline = now + retransTimer_;
    arm(entry);
    actions.solicit.push_back({address, known ? std::optional(entry.mac) : std::nullopt, {}});
    actions.changed.push_back(address);
}

void NeighborCache::learn(TimePoint now, const Ipv6Address& address, const Mac& mac, bool router, Actions& actions)
{
    const auto [made, isNew] = entryOf(address, actions);
    Entry& entry = *made;
    entry.router = entry.router || router;
    if (!isNew && entry.state != State::Incomplete && entry.mac == mac) return;
    entry.mac = mac;
    entry.state = State::Stale;
    entry.deadline = now;
    arm(entry);
    actions.changed.push_back(address);
    flush(now, entry, actions);
}

void NeighborCache::advertised(TimePoint now, const wire::NeighborAdvertisement& na, Actions& actions)
{
    Entry* const found = entries_.find(na.target);
    if (!found) return;  // RFC 4861 §7.2.5: nobody asked, nothing is created
    Entry& entry = *found;
    const auto* option = wire::findOption<wire::TargetLinkLayerOption>(na.options);
    if (entry.state == State::Incomplete) {
        if (!option) return;
        entry.mac = option->address;
        entry.router = na.router;
        if (na.solicited) reachable(now, entry, actions);
        else entry.state = State::Stale;
        arm(entry);
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
    if (na.solicited) reachable(now, entry, actions);
    else if (otherMac) entry.state = State::Stale;
    arm(entry);
    if (std::exchange(entry.router, na.router) && !na.router) actions.resigned.push_back(na.target);
    actions.changed.push_back(na.target);
}

void NeighborCache::advance(TimePoint now, Actions& actions)
{
    if (timers_.first() > now) return;
    std::vector<Ipv6Address> due = timers_.takeDue(now, holds());
    std::sort(due.begin(), due.end());
    due.erase(std::unique(due.begin(), due.end()), due.end());
    for (const Ipv6Address& address : due) {
        Entry& entry = *entries_.find(address);
        if (entry.state == State::Delay) {
            entry.state = State::Probe;
            entry.solicitations = 0;
            actions.changed.push_back(address);
        }
        if (entry.solicitations == maxSolicitations) {
            lose(entry, actions);
            continue;
        }
        ++entry.solicitations;
        entry.deadline = now + retransTimer_;
        arm(entry);
        actions.solicit.push_back({address, entry.state == State::Probe ? std::optional(entry.mac) : std::nullopt,
                                   entry.queue.empty() ? Ipv6Address{} : entry.queue.front().source});
    }
}

void NeighborCache::flush(TimePoint now, Entry& entry, Actions& actions)
{
    // Packets that waited go to a neighbour whose reachability is not known yet (RFC 4861 §7.3.3).
    if (!entry.queue.empty() && entry.state == State::Stale) delay(now, entry);
    for (auto& packet : std::exchange(entry.queue, {})) actions.transmit.push_back({entry.mac, std::move(packet)});
}

void NeighborCache::reachable(TimePoint now, Entry& entry, Actions& actions)
{
    if (std::exchange(entry.asked, false)) actions.confirmed.push_back(entry.address);
    entry.state = State::Reachable;
    entry.deadline = now + reachableTime_;
}

std::string_view stateName(NeighborCache::State state)
{
    static constexpr std::string_view names[] = {"incomplete", "reachable", "stale", "delay", "probe"};
    return names[static_cast<std::size_t>(state)];
}

}  // namespace roamscope::node
