// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/access_router.hpp"

namespace roamscope::node {

void AccessRouter::setIpv4(std::vector<Ipv4Link> links)
{
    for (const Ipv4Link& link : links) stack_.hearBroadcast(link.interface());
    ipv4_.emplace(std::move(links));
}

void AccessRouter::receive(TimePoint now, std::size_t interface, ByteView frame, Output& out)
{
    if (ipv4_ && Ipv4Link::concerns(frame)) return ipv4_->receive(now, interface, frame, out);
    auto delivery = stack_.receive(now, interface, frame, out);
    if (delivery && delivery->kind == Delivery::Kind::Forward) stack_.forward(now, std::move(delivery->packet), out);
    else if (delivery && !router_.receive(now, *delivery, stack_, out)) stack_.refuseUpper(now, delivery->packet, out);
    (void)stack_.takeEvents();
}

void AccessRouter::advance(TimePoint now, Output& out)
{
    stack_.advance(now, out);
    router_.advance(now, stack_, out);
    if (ipv4_) ipv4_->advance(now, out);
    (void)stack_.takeEvents();
}

std::optional<TimePoint> AccessRouter::nextDeadline() const
{
    return earlier(earlier(stack_.nextDeadline(), router_.nextDeadline()), ipv4_ ? ipv4_->nextDeadline() : std::nullopt);
}

}  // namespace roamscope::node
