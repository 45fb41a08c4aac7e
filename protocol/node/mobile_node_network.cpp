// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile node as a mobile router (RFC 3963 §5): packets between the network behind it and the tunnel to the home agent, and what
// follows when a home agent does not forward to that network.
#include "protocol/node/mobile_node.hpp"

#include "protocol/node/sequence.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;

namespace {

constexpr std::uint8_t noRoute = 0;
constexpr std::uint8_t addressUnreachable = 3;

}  // namespace

void MobileNode::startNetwork()
{
    if (!network_.active()) return;
    Output none;
    for (const std::size_t interface : settings_.network.ingress) stack_.setRouter({}, interface, true, none);
    stack_.setBehind(settings_.network.prefixes);
}

void MobileNode::configureNetwork(TimePoint now)
{
    const auto& before = network_.settings();
    const auto& after = settings_.network;
    const bool same = before.prefixes == after.prefixes && before.mode == after.mode;
    network_.configure(now, after, stack_.random().fork(static_cast<std::uint64_t>(toNanoseconds(now))));
    stack_.setBehind(after.prefixes);
    if (same) return;
    // NEMO-HA-02: what the home agent forwards is what the next update says.
    Home& home = homes_.front();
    home.association.refresh(now);
    home.paths.refresh(now, {});
}

// ---- registration

void MobileNode::addNetwork(const Home& home, wire::BindingUpdate& update) const
{
    if (!isRouter(home)) return;
    update.flags |= wire::BindingUpdate::mobileRouter;
    if (update.lifetime.count() == 0) return;  // NEMO-MR-04
    for (wire::MobilityOption& option : network_.options()) update.options.push_back(std::move(option));
}

bool MobileNode::onRouterAck(TimePoint now, Home& home, const wire::BindingAck& ack, Output& out)
{
    constexpr std::uint8_t mobileRouter = 0x40;
    if (!isRouter(home) || !network_.registers()) return false;
    const Ipv6Address agent = homeAgent();
    const bool refused = NetworkMobility::isRefusal(ack.status);
    const bool granted = ack.accepted() && ack.lifetime.count() > 0;
    if (granted && (ack.flags & mobileRouter) != 0) network_.accepted();
    if (!refused && (!granted || (ack.flags & mobileRouter) != 0)) return false;
    // NEMO-MR-03: whatever there was is gone; NEMO-MR-02: a binding of a mobile host is of no use.
    // On the home link a release goes out if an earlier update may still count there.
    const bool had = granted || isBound(now, home);
    const std::uint16_t last = newest(home.association.sequence(), home.paths.sequence());
    registrationGone(now, home.association, out);
    home.association.restart(last, had);
    home.paths.restart(last);
    home.flows.restart();
    pathEvents(now, home.paths, out);
    out.happened(now, "mobile-router-refused", {{"home_agent", attribute(agent)}, {"status", attribute(std::int64_t{ack.status})}});
    if (granted) {
        network_.leave(agent);
        home.association.release(now);
        return true;
    }
    network_.refused(agent, ack.status);
    tryElsewhere(now, out);
    return true;
}

void MobileNode::progressLeaving(TimePoint now, Home& home, const Ipv6Address& careOf, Output& out)
{
    if (home.association.exhausted(now)) return leftHomeAgent(now, home, out);
    while (auto update = home.association.due(now)) {
        update->careOf = careOf;  // MN-BU-02: away from home that is where it comes from
        sendHomeUpdate(now, home, *update, out);
    }
}

void MobileNode::leftHomeAgent(TimePoint now, Home& home, Output& out)
{
    registrationGone(now, home.association, out);
    home.association.restart(home.association.sequence(), false);
    // NEMO-MR-02: home agents are asked for once more, those that serve mobile routers.
    if (!network_.hasLooked()) agents_.clear();
    tryElsewhere(now, out);
}

void MobileNode::tryElsewhere(TimePoint now, Output& out)
{
    if (network_.state() != NetworkMobility::State::GivenUp) {
        agentsTried_ = 0;
        if (nextHomeAgent(now)) return network_.resume();
        if (network_.look()) {
            if (!discovery_.active()) nextDiscovery_ = now;
            return;
        }
        if (network_.changeMode(now, stack_, out)) {
            out.happened(now, "mobile-router-mode", {{"explicit", attribute(network_.mode() == NetworkMobility::Mode::Explicit)}});
            agentsTried_ = 0;
            if (!nextHomeAgent(now)) {
                Home& first = homes_.front();
                keepSequence(first.association.peer(), first.address, newest(first.association.sequence(), first.paths.sequence()));
                setAgent(first, first.association.peer());
            }
            nextDiscovery_.reset();
            return;
        }
    }
    network_.giveUp();
    discovery_.stop();
    nextDiscovery_.reset();
    out.happened(now, "mobile-router-given-up", {{"home_address", attribute(homes_.front().address)}, {"home_agent", attribute(homeAgent())}});
}

// ---- packets

void MobileNode::onIngress(TimePoint now, Delivery delivery, Output& out)
{
    Ipv6Packet& packet = delivery.packet;
    if (network_.answer(now, delivery, stack_, out)) return;
    if (delivery.icmp && std::holds_alternative<wire::RouterAdvertisement>(*delivery.icmp)) return;  // other routers there are none of ours
    const bool local = delivery.kind == Delivery::Kind::Local;
    if (local && packet.source.isLinkLocal()) return stack_.refuseUpper(now, packet, out);
    nameCarried();
    // NEMO-MR-06: nobody sends from there what is not his.
    if (!network_.isBehind(packet.source) || stack_.isOurs(packet.source)) {
        out.happened(now, "ingress-refused", {{"source", attribute(packet.source)}, {"destination", attribute(packet.destination)},
                                              {"rule", attribute(std::string_view("NEMO-MR-06"))}});
        return;
    }
    if (local) return handle(now, std::move(delivery), out, {});
    if (isHomeAddress(packet.destination) || isRegional(packet.destination)) return deliver(now, std::move(packet), {}, out);
    if (network_.isBehind(packet.destination)) return sendInside(now, std::move(packet), out);
    stack_.forward(now, std::move(packet), out);  // comes back to be tunnelled
}

void MobileNode::fromTunnel(TimePoint now, Ipv6Packet packet, Output& out)
{
    if (!stack_.owns(packet.destination)) return sendInside(now, std::move(packet), out);
    if (auto delivery = stack_.receiveInner(now, settings_.network.ingress.empty() ? 0 : settings_.network.ingress.front(), std::move(packet), out))
        deliver(now, std::move(delivery->packet), {}, out);
}

void MobileNode::sendInside(TimePoint now, Ipv6Packet packet, Output& out)
{
    const auto interface = stack_.interfaceOf(packet.destination);
    // Not back to the home agent, which would send it here again.
    if (!interface || !network_.isIngress(*interface)) return stack_.refuse(now, packet, wire::icmpv6Type::destinationUnreachable, noRoute, out);
    // By that link whatever its source: what has one of our care-of addresses would go back into a tunnel.
    if (stack_.passOn(now, packet, out)) stack_.sendBy(now, std::move(packet), *interface, out);
}

void MobileNode::sendFromNetwork(TimePoint now, Ipv6Packet packet, Output& out)
{
    Home& home = homes_.front();
    const auto unreachable = [&] { stack_.refuse(now, packet, wire::icmpv6Type::destinationUnreachable, noRoute, out); };
    if (homeLink_ && !beside_) {
        if (!atHomeWithAddress(home.address)) return unreachable();
        return stack_.sendBy(now, std::move(packet), *homeLink_, out);
    }
    auto careOf = primaryCareOf(now, home.address);
    if (usesBids(home))
        if (const auto* path = pathOf(now, home, packet)) {
            if (path->path.home) return stack_.sendBy(now, std::move(packet), *homeLink_, out);
            careOf = path->path.careOf;
        }
    if (!careOf || !network_.registers()) return unreachable();
    // RFC 2473 §7.1, HMIP-MN-27: its sender learns what fits, unless that must fit anyway.
    std::size_t room = stack_.pathMtu(now, homeAgent()) - Ipv6Packet::headerOctets;
    if (const auto tunnel = isRegional(*careOf) ? tunnelOf(*careOf) : std::nullopt)
        room = std::min(room, stack_.pathMtu(now, tunnel->map) - 2 * Ipv6Packet::headerOctets);
    room = std::max(room, leastMtu);
    if (sizeOf(packet) > room) return stack_.refuse(now, packet, wire::icmpv6Type::packetTooBig, 0, out, static_cast<std::uint32_t>(room));
    sendFromCareOf(now, encapsulate(packet, *careOf, homeAgent()), out);
}

void MobileNode::onTunnelError(TimePoint now, const wire::IcmpError& error, const Ipv6Packet& outer, Output& out)
{
    // RFC 2473 §8: about a tunnel that there is, from where it begins.
    if (!network_.active() || outer.nextHeader != proto::ipv6 || outer.destination != homeAgent() || !(stack_.owns(outer.source) || isRegional(outer.source))) return;
    wire::FieldReader in(outer.payload, 0, nullptr);
    const auto inner = wire::parseIpv6(in, true);
    if (!inner || !network_.isBehind(inner->packet.source) || stack_.isOurs(inner->packet.source)) return;
    const ByteView original = outer.payload;
    switch (error.type) {
    case wire::icmpv6Type::destinationUnreachable:
    case wire::icmpv6Type::timeExceeded: return stack_.relayError(now, original, wire::icmpv6Type::destinationUnreachable, addressUnreachable, out);
    case wire::icmpv6Type::packetTooBig: {
        const std::size_t size = Ipv6Packet::headerOctets + (static_cast<std::size_t>(original[4]) << 8 | original[5]);
        const std::size_t mtu = error.parameter - std::min<std::size_t>(error.parameter, Ipv6Packet::headerOctets);
        if (size > leastMtu) stack_.relayError(now, original, wire::icmpv6Type::packetTooBig, 0, out, static_cast<std::uint32_t>(std::max(leastMtu, mtu)));
        return;
    }
    default: return;
    }
}

}  // namespace roamscope::node
