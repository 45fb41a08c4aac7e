// SPDX-License-Identifier: GPL-3.0-or-later
// The interfaces of a mobile node that are on IPv4 networks (RFC 5555, RFC 5648 §8): their addresses are care-of addresses ::ffff:a.b.c.d
// with binding identifiers; what leaves from one goes to the home agent's IPv4 address. Without route optimisation (RFC 5555 §2.4), MAPs
// and, beside them, the home link (§4.4.4).
#include "protocol/node/mobile_node.hpp"

#include "protocol/wire/udp.hpp"

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;

namespace {

constexpr Duration natKeepalive = 110s;  // NATKATIMEOUT, RFC 5555 §6
constexpr std::uint32_t noNat = 0xffffffff;
constexpr std::uint8_t bindingUpdate = 5;
constexpr std::size_t typeAt = 2;

/// RFC 5555 §4.2: always in UDP, whatever is known of the way.
bool isUpdate(const Ipv6Packet& packet) { return packet.nextHeader == proto::mobility && packet.payload.size() > typeAt && packet.payload[typeAt] == bindingUpdate; }

bool isPrefixSolicitation(const Ipv6Packet& packet)
{
    return packet.nextHeader == proto::icmpv6 && !packet.payload.empty() && packet.payload[0] == wire::icmpv6Type::mobilePrefixSolicitation;
}

}  // namespace

void MobileNode::startIpv4()
{
    if (!settings_.ipv4.homeAgent) return;
    for (std::size_t i = 0; i < settings_.ipv4.interfaces.size() && i < links_.size(); ++i) {
        const auto& own = settings_.ipv4.interfaces[i];
        if (!own || network_.isIngress(i)) continue;
        ipv4_.emplace(i, Ipv4Path{Ipv4Link(i, stack_.mac(i), *own, stack_.mtu(i))});
        stack_.hearBroadcast(i);
    }
}

MobileNode::Ipv4Path* MobileNode::ipv4At(const Ipv6Address& careOf)
{
    const auto address = ipv4_.empty() ? std::nullopt : wire::unmapped(careOf);
    if (!address) return nullptr;
    for (auto& [interface, path] : ipv4_)
        if (path.up && path.link.address() == *address) return &path;
    return nullptr;
}

void MobileNode::setIpv4Link(TimePoint now, Ipv4Path& path, bool up, Output& out)
{
    if (path.up == up || (!up && !settings_.movement.linkEvents)) return;
    const Ipv6Address careOf = wire::mapped(path.link.address());
    path = Ipv4Path{path.link};
    path.link.clear();
    path.up = up;
    if (up) out.happened(now, "movement-detected", {{"prefix", attribute(std::string_view("ipv4"))}, {"care_of_address", attribute(careOf)}});
    progress(now, out);
    reportTimers(now, out);
}

void MobileNode::fromIpv4(TimePoint now, std::size_t interface, ByteView frame, Output& out)
{
    const auto it = ipv4_.find(interface);
    if (it == ipv4_.end() || !it->second.up) return;
    const auto packet = it->second.link.receive(now, frame, out);
    auto carried = packet && packet->header.destination == it->second.link.address() ? carriedIn(*packet) : std::nullopt;
    if (!carried) return;
    // Queries of the home agent (RFC 6275 §10.4.3): no group is wanted by that way.
    if (carried->from.peer == settings_.ipv4.homeAgent && carried->inner.destination.isMulticast()) return;
    nameCarried();
    Delivery delivery{Delivery::Kind::Local, interface, {}, std::move(carried->inner), {}, {}};
    Ipv6Packet& inner = delivery.packet;
    const bool behind = network_.registers() && network_.isBehind(inner.destination) && !isHomeAddress(inner.destination);
    // MN-RX-01: by the home agent, and for us.
    if (carried->from.peer != settings_.ipv4.homeAgent || homeLink_ || (!behind && !isHomeAddress(inner.destination))) {
        out.happened(now, "tunnel-refused", {{"outer_source", attribute(wire::mapped(carried->from.peer))}, {"rule", attribute(std::string_view("MN-RX-01"))}});
        return;
    }
    if (behind) {
        fromTunnel(now, std::move(inner), out);
        return sendCarried(now, out);
    }
    if (FragmentStore::isFragment(inner)) {
        auto whole = stack_.reassembled(now, inner);
        if (!whole) return;
        inner = std::move(*whole);
    }
    if (!stack_.acceptHomeAddress(now, delivery, out)) return sendCarried(now, out);
    handle(now, std::move(delivery), out, {true, interface});
}

void MobileNode::onNat(std::size_t interface, const wire::BindingAck& ack)
{
    Ipv4Path& path = ipv4_.at(interface);
    const auto* nat = wire::findOption<wire::NatDetection>(ack.options);
    const bool seen = nat && nat->refreshSeconds != noNat;
    path.udp = seen || (nat && nat->forceUdp);
    // RFC 5555 §3.2.2: 0 suggests nothing.
    path.keepalive = !seen ? Duration{0} : nat->refreshSeconds == 0 ? natKeepalive : Duration(std::chrono::seconds(nat->refreshSeconds));
}

void MobileNode::sendOverIpv4(TimePoint now, Ipv4Path& path, Ipv6Packet packet, Output& out)
{
    // What the tunnel would carry goes as it is (RFC 5555 §4.4.3), messages with the home address as their source (§4.4.2).
    if (auto inner = decapsulate(packet)) {
        packet = std::move(*inner);
    } else if (const auto home = packet.homeAddress()) {
        packet.source = *home;
        // RFC 5555 §2.2: mobile prefix solicitations have the option beside it.
        if (!isPrefixSolicitation(packet)) std::erase_if(packet.destinationOptions, [](const wire::Ipv6Option& option) { return option.type == wire::optionHomeAddress; });
    } else {
        return;  // nobody could answer
    }
    const Ipv4Way way{*settings_.ipv4.homeAgent, path.udp || isUpdate(packet) ? wire::udpPort::homeAgent : std::uint16_t{0}};
    if (way.port != 0) path.sent = now;
    const Ipv4Packet outer = carry(packet, path.link.address(), way);
    path.link.send(now, outer.header, outer.payload, out);
}

void MobileNode::advanceIpv4(TimePoint now, Output& out)
{
    for (auto& [interface, path] : ipv4_) {
        if (!path.up) continue;
        path.link.advance(now, out);
        if (path.keepalive == Duration{0} || now < path.sent + path.keepalive) continue;
        path.sent = now;
        // RFC 5555 §4.3: an update, which is answered.
        for (Home& home : homes_) home.paths.refresh(now, {bidOf(interface)});
    }
}

std::optional<TimePoint> MobileNode::nextIpv4Deadline() const
{
    std::optional<TimePoint> next;
    for (const auto& [interface, path] : ipv4_) {
        if (!path.up) continue;
        next = earlier(next, path.link.nextDeadline());
        if (path.keepalive != Duration{0}) next = earlier(next, path.sent + path.keepalive);
    }
    return next;
}

}  // namespace roamscope::node
