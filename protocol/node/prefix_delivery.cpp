// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/prefix_delivery.hpp"

#include <algorithm>

namespace roamscope::node {

void PrefixDelivery::arm(Node& node, Reason reason, TimePoint at)
{
    node.reason = reason;
    node.next = notBefore(at, node);
    if (reason == Reason::None) nodes_.disarm(node);
    else nodes_.arm(node);
}

void PrefixDelivery::schedule(TimePoint now, Node& node)
{
    // RFC 6275 §10.6.2: RAND_ADV_DELAY.
    const Duration most = std::min(settings_.maxInterval, node.preferred);
    const Duration spread = std::chrono::abs(most - settings_.minInterval);
    const auto random = Duration{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(spread.count())))};
    arm(node, Reason::Scheduled, now + settings_.minInterval + random);
    node.repeated = 0;
}

void PrefixDelivery::bound(TimePoint now, const Ipv6Address& home, Duration preferred)
{
    if (!settings_.enabled) return;
    Node* known = nodes_.find(home);
    Node& node = known ? *known : nodes_.put({.home = home});
    node.preferred = preferred;
    if (!known) return schedule(now, node);
    // What the node never acknowledged begins anew now that it shows itself.
    if (node.acknowledged || node.reason == Reason::Repeat || node.reason == Reason::Answer) return;
    arm(node, Reason::Scheduled, now);
    node.repeated = 0;
}

void PrefixDelivery::unbound(const Ipv6Address& home)
{
    nodes_.erase(home);
}

void PrefixDelivery::changed(TimePoint now, const Ipv6Address& home, Duration preferred)
{
    Node* known = nodes_.find(home);
    if (!known) return;
    Node& node = *known;
    node.preferred = preferred;
    // What is scheduled for a change already will tell this one too; the far-off one of every day is too late.
    if (node.reason == Reason::Answer || (node.reason == Reason::Scheduled && node.next <= now + settings_.minInterval)) return;
    schedule(now, node);
}

void PrefixDelivery::solicited(TimePoint now, const Ipv6Address& home, std::uint16_t identifier)
{
    Node* node = nodes_.find(home);
    if (!node) return;
    node->identifier = identifier;
    node->acknowledged = true;
    arm(*node, Reason::Answer, now);
}

std::optional<PrefixDelivery::Due> PrefixDelivery::due(TimePoint now)
{
    Node* first = nodes_.first();
    if (!first || first->next > now) return std::nullopt;
    Node& node = *first;
    const bool answers = node.reason == Reason::Answer;
    if (node.reason == Reason::Scheduled) node.identifier = static_cast<std::uint16_t>(random_.next());
    node.acknowledged = answers;
    node.repeated = node.reason == Reason::Repeat ? node.repeated + 1 : 0;
    node.sent = true;
    node.last = now;
    if (!answers && node.repeated < retries) arm(node, Reason::Repeat, now + timeout * (1 << node.repeated));
    // Nothing for MaxMobPfxAdvInterval: it is time for the next one.
    else schedule(now + settings_.maxInterval, node);
    return Due{node.home, node.identifier, answers};
}

std::optional<TimePoint> PrefixDelivery::nextDeadline() const
{
    const Node* first = nodes_.first();
    return first ? std::optional(first->next) : std::nullopt;
}

}  // namespace roamscope::node
