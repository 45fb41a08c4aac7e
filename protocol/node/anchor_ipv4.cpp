// SPDX-License-Identifier: GPL-3.0-or-later
// The IPv4 side of a home agent (RFC 5555, RFC 5648 §8): frames of its IPv4 network in, and packets for mobile nodes there out.
// ICMP errors about its tunnels are not looked at.
#include "protocol/node/anchor.hpp"

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;

void Anchor::fromIpv4(TimePoint now, std::size_t interface, ByteView frame, Output& out)
{
    if (interface != ipv4_->link().interface()) return;
    auto carried = ipv4_->receive(now, frame, out);
    if (!carried) return;
    Ipv6Packet& inner = carried->inner;
    // What registers proves itself; the home address is the source (RFC 5555 §4.2).
    if (inner.nextHeader == proto::mobility && stack_.owns(inner.destination)) return onMobility(now, {Delivery::Kind::Local, interface, {}, std::move(inner), {}, {}}, out, carried->from);

    const Ipv6Address careOf = wire::mapped(carried->from.peer);
    if (inner.destination.isMulticast()) {
        Ipv6Packet outer;
        outer.source = careOf;
        return fromMobileNode(now, outer, std::move(inner), out);
    }
    // HA-FWD-02: from a registered care-of address only, and the way that it was registered.
    const Binding* binding = registrar_.reaching(inner.source);
    if (!binding || !binding->isAt(careOf) || !ipv4_->mayCome(binding->homeAddress, carried->from)) {
        out.happened(now, "tunnel-refused", {{"outer_source", attribute(careOf)}, {"inner_source", attribute(inner.source)}, {"rule", attribute(std::string_view("HA-FWD-02"))}});
        return;
    }
    cameFrom(binding->homeAddress, careOf);
    // RFC 5555 §2.2: mobile prefix solicitations have a home address option beside that source.
    if (inner.homeAddress() == inner.source) std::erase_if(inner.destinationOptions, [](const wire::Ipv6Option& option) { return option.type == wire::optionHomeAddress; });
    auto delivery = stack_.receiveInner(now, interface, std::move(inner), out);
    if (!delivery) return;
    // Here the home address needs no option to be believed.
    if (delivery->kind == Delivery::Kind::Local && binding->homeAddress == delivery->packet.source) delivery->careOf = careOf;
    handle(now, *delivery, out);
}

std::optional<Ipv4Way> Anchor::ipv4Way(const Ipv6Address& home, const Ipv6Address& careOf) const { return ipv4_ ? ipv4_->way(home, careOf) : std::nullopt; }

void Anchor::sendOverIpv4(TimePoint now, const Ipv6Packet& packet, const Ipv4Way& way, Output& out)
{
    const std::size_t room = ipv4_->room(way);
    if (sizeOf(packet) <= room) return ipv4_->send(now, packet, way, out);
    // RFC 2473 §7.1: its source is told, unless that is us.
    if (!stack_.owns(packet.source)) return stack_.refuse(now, packet, wire::icmpv6Type::packetTooBig, 0, out, static_cast<std::uint32_t>(room));
    for (const Ipv6Packet& piece : stack_.piecesOf(packet, room)) ipv4_->send(now, piece, way, out);
}

bool Anchor::sendCarried(TimePoint now, const Ipv6Packet& packet, Output& out)
{
    if (!packet.routing || !wire::unmapped(packet.destination)) return false;
    // RFC 5555 §4.5.1: to the home address itself.
    Ipv6Packet plain = packet;
    plain.destination = packet.routing->homeAddress;
    plain.routing.reset();
    if (const auto way = ipv4Way(plain.destination, packet.destination)) sendOverIpv4(now, plain, *way, out);
    return true;
}

}  // namespace roamscope::node
