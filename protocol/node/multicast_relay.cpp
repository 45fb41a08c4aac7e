// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/multicast_relay.hpp"

namespace roamscope::node {

namespace {

enum : std::uint8_t { isInclude = 1, isExclude = 2, toInclude = 3, toExclude = 4, allowNew = 5, blockOld = 6 };  // RFC 3810 §5.2.12

}  // namespace

void MulticastRelay::left(const Ipv6Address& home, const Ipv6Address& careOf)
{
    if (const auto it = homes_.find(careOf); it != homes_.end() && it->second == home) homes_.erase(it);
}

std::vector<Ipv6Address> MulticastRelay::unbound(const Ipv6Address& home)
{
    std::vector<Ipv6Address> left;
    const auto it = listeners_.find(home);
    if (it == listeners_.end()) return left;
    for (const auto& [group, until] : it->second.groups) drop(group, left);
    listeners_.erase(it);
    findNext();
    return left;
}

std::optional<Ipv6Address> MulticastRelay::nodeAt(const Ipv6Address& careOf) const
{
    const auto it = homes_.find(careOf);
    return it == homes_.end() ? std::nullopt : std::optional(it->second);
}

MulticastRelay::Change MulticastRelay::heard(TimePoint now, const Ipv6Address& home, const wire::Icmpv6Message& message)
{
    Change change;
    Listener listener;
    if (const auto it = listeners_.find(home); it != listeners_.end()) listener = std::move(it->second);
    else listener.nextQuery = now + queryInterval;
    if (const auto* old = std::get_if<wire::ListenerMessage>(&message)) {
        if (old->type != wire::icmpv6Type::multicastListenerQuery) want(now, listener, old->group, old->type == wire::icmpv6Type::multicastListenerReport1, change);
    } else if (const auto* report = std::get_if<wire::ListenerReport>(&message)) {
        // Sources are not told apart: who wants some of them gets all.
        for (const auto& record : report->records) {
            const bool some = !record.sources.empty();
            if (record.type == isExclude || record.type == toExclude || (some && record.type != blockOld)) want(now, listener, record.group, true, change);
            else if (record.type == isInclude || record.type == toInclude) want(now, listener, record.group, false, change);
        }
    }
    if (listener.groups.empty()) listeners_.erase(home);
    else listeners_[home] = std::move(listener);
    findNext();
    return change;
}

void MulticastRelay::want(TimePoint now, Listener& listener, const Ipv6Address& group, bool wanted, Change& change)
{
    if (!isGlobal(group)) return;
    const auto it = listener.groups.find(group);
    if (!wanted) {
        if (it == listener.groups.end()) return;
        listener.groups.erase(it);
        return drop(group, change.left);
    }
    if (it != listener.groups.end()) {
        it->second = now + listenerInterval;
        return;
    }
    if (listener.groups.size() >= most) return;
    listener.groups[group] = now + listenerInterval;
    if (++wanted_[group] == 1) change.joined.push_back(group);
}

void MulticastRelay::drop(const Ipv6Address& group, std::vector<Ipv6Address>& left)
{
    const auto it = wanted_.find(group);
    if (--it->second > 0) return;
    wanted_.erase(it);
    left.push_back(group);
}

std::vector<Ipv6Address> MulticastRelay::listeners(const Ipv6Address& group) const
{
    std::vector<Ipv6Address> homes;
    for (const auto& [home, listener] : listeners_)
        if (listener.groups.contains(group)) homes.push_back(home);
    return homes;
}

MulticastRelay::Due MulticastRelay::due(TimePoint now)
{
    Due due;
    if (!next_ || now < *next_) return due;
    for (auto it = listeners_.begin(); it != listeners_.end();) {
        auto& [home, listener] = *it;
        for (auto group = listener.groups.begin(); group != listener.groups.end();) {
            if (now < group->second) {
                ++group;
                continue;
            }
            drop(group->first, due.left);
            group = listener.groups.erase(group);
        }
        if (!listener.groups.empty() && now >= listener.nextQuery) {
            due.queries.push_back(home);
            listener.nextQuery = now + queryInterval;
        }
        it = listener.groups.empty() ? listeners_.erase(it) : std::next(it);
    }
    findNext();
    return due;
}

void MulticastRelay::findNext()
{
    next_.reset();
    for (const auto& [home, listener] : listeners_) {
        next_ = earlier(next_, listener.nextQuery);
        for (const auto& [group, until] : listener.groups) next_ = earlier(next_, until);
    }
}

}  // namespace roamscope::node
