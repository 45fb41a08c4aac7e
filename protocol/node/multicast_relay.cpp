// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/multicast_relay.hpp"

#include <algorithm>

namespace roamscope::node {

namespace {

enum : std::uint8_t { isInclude = 1, isExclude = 2, toInclude = 3, toExclude = 4, allowNew = 5, blockOld = 6 };  // RFC 3810 §5.2.12

}  // namespace

void MulticastRelay::left(const Ipv6Address& home, const Ipv6Address& careOf)
{
    if (const Tunnel* tunnel = tunnels_.find(careOf); tunnel && tunnel->home == home) tunnels_.remove(*tunnel, false);
}

MulticastRelay::Listener& MulticastRelay::begin(TimePoint now, const Ipv6Address& home)
{
    const auto [it, added] = listeners_.try_emplace(home);
    if (added) {
        it->second.nextQuery = it->second.timer = now;
        timers_.emplace(now, home);
    }
    return it->second;
}

void MulticastRelay::arm(const Ipv6Address& home, Listener& listener)
{
    TimePoint next = listener.nextQuery;
    for (const auto& [group, until] : listener.groups) next = std::min(next, until);
    if (next == listener.timer) return;
    timers_.erase({listener.timer, home});
    timers_.emplace(next, home);
    listener.timer = next;
}

std::vector<Ipv6Address> MulticastRelay::unbound(const Ipv6Address& home)
{
    std::vector<Ipv6Address> left;
    const auto it = listeners_.find(home);
    if (it == listeners_.end()) return left;
    for (const auto& [group, until] : it->second.groups) drop(home, group, left);
    timers_.erase({it->second.timer, home});
    listeners_.erase(it);
    return left;
}

std::optional<Ipv6Address> MulticastRelay::nodeAt(const Ipv6Address& careOf) const
{
    const Tunnel* tunnel = tunnels_.find(careOf);
    return tunnel ? std::optional(tunnel->home) : std::nullopt;
}

MulticastRelay::Change MulticastRelay::heard(TimePoint now, const Ipv6Address& home, const wire::Icmpv6Message& message)
{
    Change change;
    if (const auto* old = std::get_if<wire::ListenerMessage>(&message)) {
        if (old->type != wire::icmpv6Type::multicastListenerQuery) want(now, home, old->group, old->type == wire::icmpv6Type::multicastListenerReport1, change);
    } else if (const auto* report = std::get_if<wire::ListenerReport>(&message)) {
        // Sources are not told apart: who wants some of them gets all.
        for (const auto& record : report->records) {
            const bool some = !record.sources.empty();
            if (record.type == isExclude || record.type == toExclude || (some && record.type != blockOld)) want(now, home, record.group, true, change);
            else if (record.type == isInclude || record.type == toInclude) want(now, home, record.group, false, change);
        }
    }
    return change;
}

void MulticastRelay::want(TimePoint now, const Ipv6Address& home, const Ipv6Address& group, bool wanted, Change& change)
{
    if (!isGlobal(group)) return;
    Listener& listener = begin(now, home);
    const auto it = listener.groups.find(group);
    if (!wanted) {
        if (it == listener.groups.end()) return;
        listener.groups.erase(it);
        drop(home, group, change.left);
    } else if (it != listener.groups.end()) {
        it->second = now + listenerInterval;
    } else if (listener.groups.size() < most) {
        listener.groups[group] = now + listenerInterval;
        auto& homes = wanted_[group];
        homes.insert(home);
        if (homes.size() == 1) change.joined.push_back(group);
    }
    arm(home, listener);
}

void MulticastRelay::drop(const Ipv6Address& home, const Ipv6Address& group, std::vector<Ipv6Address>& left)
{
    const auto it = wanted_.find(group);
    it->second.erase(home);
    if (!it->second.empty()) return;
    wanted_.erase(it);
    left.push_back(group);
}

std::vector<Ipv6Address> MulticastRelay::listeners(const Ipv6Address& group) const
{
    const auto it = wanted_.find(group);
    return it == wanted_.end() ? std::vector<Ipv6Address>{} : std::vector<Ipv6Address>(it->second.begin(), it->second.end());
}

MulticastRelay::Due MulticastRelay::due(TimePoint now)
{
    Due due;
    while (!timers_.empty() && timers_.begin()->first <= now) {
        const Ipv6Address home = timers_.begin()->second;
        Listener& listener = listeners_.find(home)->second;
        for (auto group = listener.groups.begin(); group != listener.groups.end();) {
            if (now < group->second) {
                ++group;
                continue;
            }
            drop(home, group->first, due.left);
            group = listener.groups.erase(group);
        }
        if (now >= listener.nextQuery) {
            due.queries.push_back(home);
            if (listener.startup > 0) --listener.startup;
            listener.nextQuery = now + (listener.startup > 0 ? startupInterval : queryInterval);
        }
        arm(home, listener);
    }
    return due;
}

}  // namespace roamscope::node
