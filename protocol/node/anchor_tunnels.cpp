// SPDX-License-Identifier: GPL-3.0-or-later
// What a home agent or MAP does with its tunnels beside unicast packets: errors about them (RFC 2473 §8), and multicast
// (RFC 6275 §10.4.2, §10.4.3).
#include "protocol/node/anchor.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;

namespace {

constexpr std::uint8_t addressUnreachable = 3;
constexpr std::uint32_t tunnelOctets = 40;
constexpr std::uint32_t minimumMtu = 1280;

/// The listener message in `packet`, if it is one as RFC 3810 §5 has it.
std::optional<wire::Icmpv6Message> listenerMessage(const Ipv6Packet& packet)
{
    if (packet.nextHeader != proto::icmpv6 || packet.hopLimit != 1) return std::nullopt;
    wire::FieldReader in(packet.payload, 0, nullptr);
    auto message = wire::parseIcmpv6(in, packet.pseudoHeader());
    if (!message || !message->acceptable()) return std::nullopt;
    return std::move(message->value);
}

}  // namespace

void Anchor::onTunnelError(TimePoint now, const wire::IcmpError& error, Output& out)
{
    wire::FieldReader in(error.invoking, 0, nullptr);
    const auto outer = wire::parseIpv6(in, true);
    if (!outer || outer->packet.nextHeader != proto::ipv6 || !stack_.owns(outer->packet.source)) return;
    wire::FieldReader inside(outer->packet.payload, 0, nullptr);
    const auto inner = wire::parseIpv6(inside, true);
    // Only what can be about a tunnel that there is, from where it begins: anybody can invent an error.
    const Binding* binding = inner ? registrar_.reaching(inner->packet.destination) : nullptr;
    if (!binding || !binding->isAt(outer->packet.destination) || binding->anchorAddress != outer->packet.source || stack_.owns(inner->packet.source)) return;
    const ByteView original = outer->packet.payload;
    switch (error.type) {
    case wire::icmpv6Type::destinationUnreachable:
    case wire::icmpv6Type::timeExceeded: return stack_.relayError(now, original, wire::icmpv6Type::destinationUnreachable, addressUnreachable, out);
    case wire::icmpv6Type::packetTooBig: {
        const std::uint32_t size = tunnelOctets + (static_cast<std::uint32_t>(original[4]) << 8 | original[5]);
        if (size > minimumMtu) stack_.relayError(now, original, wire::icmpv6Type::packetTooBig, 0, out, std::max(minimumMtu, error.parameter - std::min(error.parameter, tunnelOctets)));
        return;
    }
    default: return;  // of the outer header's making, which its source cannot mend
    }
}

// ---- multicast

void Anchor::fromMobileNode(TimePoint now, const Ipv6Packet& outer, Ipv6Packet packet, Output& out)
{
    // A report has a link-local source, so it is the tunnel that tells whose it is (RFC 6275 §10.4.3).
    const auto home = packet.source.isLinkLocal() || packet.source.isUnspecified() ? multicast_.nodeAt(outer.source) : std::optional(packet.source);
    const Binding* binding = home ? registrar_.find(*home) : nullptr;
    const auto interface = binding ? stack_.interfaceOf(*home) : std::nullopt;
    if (!interface || !binding->isAt(outer.source)) {  // HA-FWD-02
        out.happened(now, "tunnel-refused", {{"outer_source", attribute(outer.source)}, {"inner_source", attribute(packet.source)},
                                             {"rule", attribute(std::string_view("HA-FWD-02"))}});
        return;
    }
    if (const auto message = listenerMessage(packet)) {
        const auto change = multicast_.heard(now, *home, *message);
        for (const Ipv6Address& group : change.joined) stack_.relayGroup(now, *interface, group, out);
        return leaveGroups(now, *home, change.left, out);
    }
    // MN-TX-03: data of the mobile node, as if it were sent at home. What is for one link stays in the tunnel.
    if (MulticastRelay::isGlobal(packet.destination) && packet.source == *home && stack_.passOn(now, packet, out)) stack_.send(now, std::move(packet), out, *interface);
}

void Anchor::relayToMobileNodes(TimePoint now, const Delivery& delivery, Output& out)
{
    // HA-FWD-04. Groups of a smaller scope are not subscribed to, so they do not come here.
    Ipv6Packet packet = delivery.packet;
    if (!stack_.passOn(now, packet, out)) return;
    for (const Ipv6Address& home : multicast_.listeners(packet.destination)) {
        const Binding* binding = registrar_.find(home);
        // On its home link it hears the packet itself.
        if (binding && binding->careOfAddress != home && stack_.interfaceOf(home) == delivery.interface) sendAlong(now, *binding, binding->careOfAddress, packet, out);
    }
}

void Anchor::leaveGroups(TimePoint now, const Ipv6Address& home, const std::vector<Ipv6Address>& groups, Output& out)
{
    const auto interface = stack_.interfaceOf(home);
    if (!interface) return;
    for (const Ipv6Address& group : groups) stack_.unrelayGroup(now, *interface, group, out);
}

void Anchor::askListeners(TimePoint now, Output& out)
{
    const auto due = multicast_.due(now);
    for (const Ipv6Address& group : due.left)
        for (std::size_t i = 0; i < stack_.interfaceCount(); ++i) stack_.unrelayGroup(now, i, group, out);
    for (const Ipv6Address& home : due.queries) {
        const Binding* binding = registrar_.find(home);
        const auto interface = stack_.interfaceOf(home);
        if (!binding || !interface || binding->careOfAddress == home) continue;
        constexpr std::uint16_t within = 10'000;  // Query Response Interval, RFC 3810 §9.3
        constexpr std::uint8_t everySeconds = 125;
        Ipv6Packet packet;
        packet.hopLimit = 1;
        packet.source = stack_.linkLocalAddress(*interface);
        packet.destination = allNodes();
        packet.hopByHop.push_back({wire::optionRouterAlert, {0, 0}});
        packet.nextHeader = proto::icmpv6;
        packet.payload = wire::emitIcmpv6(wire::ListenerQuery{within, {}, false, MulticastRelay::robustness, everySeconds, {}}, packet.pseudoHeader());
        sendAlong(now, *binding, binding->careOfAddress, packet, out);
    }
}

}  // namespace roamscope::node
