// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/prefix_delivery.hpp"

#include <algorithm>

namespace roamscope::node {

void PrefixDelivery::arm(const Ipv6Address& home, Node& node, Reason reason, TimePoint at)
{
    if (node.reason != Reason::None) timers_.erase({node.next, home});
    node.reason = reason;
    node.next = notBefore(at, node);
    if (reason != Reason::None) timers_.insert({node.next, home});
}

void PrefixDelivery::schedule(TimePoint now, const Ipv6Address& home, Node& node)
{
    // RFC 6275 §10.6.2: RAND_ADV_DELAY.
    const Duration most = std::min(settings_.maxInterval, node.preferred);
    const Duration spread = std::chrono::abs(most - settings_.minInterval);
    const auto random = Duration{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(spread.count())))};
    arm(home, node, Reason::Scheduled, now + settings_.minInterval + random);
    node.repeated = 0;
}

void PrefixDelivery::bound(TimePoint now, const Ipv6Address& home, Duration preferred)
{
    if (!settings_.enabled) return;
    const auto [it, isNew] = nodes_.try_emplace(home);
    Node& node = it->second;
    node.preferred = preferred;
    if (isNew) return schedule(now, home, node);
    // What the node never acknowledged begins anew now that it shows itself.
    if (node.acknowledged || node.reason == Reason::Repeat || node.reason == Reason::Answer) return;
    arm(home, node, Reason::Scheduled, now);
    node.repeated = 0;
}

void PrefixDelivery::unbound(const Ipv6Address& home)
{
    const auto it = nodes_.find(home);
    if (it == nodes_.end()) return;
    arm(home, it->second, Reason::None, {});
    nodes_.erase(it);
}

void PrefixDelivery::changed(TimePoint now, const Ipv6Address& home, Duration preferred)
{
    const auto it = nodes_.find(home);
    if (it == nodes_.end()) return;
    Node& node = it->second;
    node.preferred = preferred;
    // What is scheduled for a change already will tell this one too; the far-off one of every day is too late.
    if (node.reason == Reason::Answer || (node.reason == Reason::Scheduled && node.next <= now + settings_.minInterval)) return;
    schedule(now, home, node);
}

void PrefixDelivery::solicited(TimePoint now, const Ipv6Address& home, std::uint16_t identifier)
{
    const auto it = nodes_.find(home);
    if (it == nodes_.end()) return;
    it->second.identifier = identifier;
    it->second.acknowledged = true;
    arm(home, it->second, Reason::Answer, now);
}

std::optional<PrefixDelivery::Due> PrefixDelivery::due(TimePoint now)
{
    if (timers_.empty() || timers_.begin()->first > now) return std::nullopt;
    const Ipv6Address home = timers_.begin()->second;
    Node& node = nodes_.at(home);
    const bool answers = node.reason == Reason::Answer;
    if (node.reason == Reason::Scheduled) node.identifier = static_cast<std::uint16_t>(random_.next());
    node.acknowledged = answers;
    node.repeated = node.reason == Reason::Repeat ? node.repeated + 1 : 0;
    node.sent = true;
    node.last = now;
    if (!answers && node.repeated < retries) arm(home, node, Reason::Repeat, now + timeout * (1 << node.repeated));
    // Nothing for MaxMobPfxAdvInterval: it is time for the next one.
    else schedule(now + settings_.maxInterval, home, node);
    return Due{home, node.identifier, answers};
}

std::optional<TimePoint> PrefixDelivery::nextDeadline() const
{
    return timers_.empty() ? std::nullopt : std::optional(timers_.begin()->first);
}

}  // namespace roamscope::node
