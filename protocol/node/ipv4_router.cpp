// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/ipv4_router.hpp"

#include <algorithm>

namespace roamscope::node {

void Ipv4Router::receive(TimePoint now, std::size_t interface, ByteView frame, Output& out)
{
    const auto from = std::find_if(links_.begin(), links_.end(), [&](const Ipv4Link& link) { return link.interface() == interface; });
    if (from == links_.end()) return;
    auto packet = from->receive(now, frame, out);
    if (!packet || packet->header.ttl <= 1 || !wire::isUnicast(packet->header.source) || !wire::isUnicast(packet->header.destination)) return;
    const Ipv4Address& to = packet->header.destination;
    if (std::any_of(links_.begin(), links_.end(), [&](const Ipv4Link& link) { return link.address() == to; })) return;
    --packet->header.ttl;
    auto link = std::find_if(links_.begin(), links_.end(), [&](const Ipv4Link& l) { return l.settings().covers(to); });
    if (link == links_.end()) link = std::find_if(links_.begin(), links_.end(), [](const Ipv4Link& l) { return l.settings().gateway.has_value(); });
    if (link != links_.end()) link->send(now, packet->header, packet->payload, out);
}

std::optional<TimePoint> Ipv4Router::nextDeadline() const
{
    std::optional<TimePoint> next;
    for (const Ipv4Link& link : links_) next = earlier(next, link.nextDeadline());
    return next;
}

}  // namespace roamscope::node
