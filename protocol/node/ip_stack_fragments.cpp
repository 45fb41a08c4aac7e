// SPDX-License-Identifier: GPL-3.0-or-later
// Packets that are too large for their way (RFC 8200 §4.5, §5; RFC 8201; RFC 2473 §7).
#include "protocol/node/ip_stack.hpp"

namespace roamscope::node {

using wire::Ipv6Packet;

std::size_t IpStack::pathMtu(TimePoint now, const Ipv6Address& destination) const
{
    const auto hop = nextHop(destination, {});
    return pathMtus_.find(now, destination, interfaces_[hop ? hop->interface : 0].settings.mtu);
}

void IpStack::onTooBig(TimePoint now, const wire::IcmpError& error)
{
    if (error.type != wire::icmpv6Type::packetTooBig) return;
    wire::FieldReader in(error.invoking, 0, nullptr);
    const auto quoted = wire::parseIpv6(in, true);
    if (quoted && owns(quoted->packet.source)) pathMtus_.told(now, quoted->packet.destination, error.parameter);
}

}  // namespace roamscope::node
