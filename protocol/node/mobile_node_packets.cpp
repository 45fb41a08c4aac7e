// SPDX-License-Identifier: GPL-3.0-or-later
// The tunnels of the mobile node, what it sends from which address, and what it takes (RFC 6275 §11.3).
#include "protocol/node/mobile_node.hpp"

#include "protocol/node/sequence.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;

namespace {

/// The link of our own network that an address is on: through a tunnel the home agent would only send it back to us.
std::optional<std::size_t> inwards(const IpStack& stack, const NetworkMobility& network, const Ipv6Address& destination)
{
    const auto interface = stack.interfaceOf(destination);
    return interface && network.isIngress(*interface) ? interface : std::nullopt;
}

}  // namespace

std::optional<Ipv6Address> MobileNode::primaryCareOf(TimePoint now, const Ipv6Address& address) const
{
    const auto home = std::find_if(homes_.begin(), homes_.end(), [&](const Home& h) { return h.address == address; });
    if (home != homes_.end() && usesBids(*home)) {
        const auto* path = bestPath(*home);
        return path && !path->path.home ? std::optional(path->path.careOf) : std::nullopt;
    }
    if (home == homes_.end() || !home->association.registered(now) || !home->association.registeredCareOf() || !usable(lcoa_)) return std::nullopt;
    // A care-of address of a MAP that was left or of an earlier link is the source of nothing any more (MN-COA-01, HMIP-MN-24).
    const Ipv6Address careOf = *home->association.registeredCareOf();
    if (careOf != lcoa_ && !tunnelOf(careOf) && !(isMultihomed() && usable(careOf))) return std::nullopt;
    return careOf;
}

void MobileNode::sendFromCareOf(TimePoint now, Ipv6Packet packet, Output& out)
{
    if (const auto inside = inwards(stack_, network_, packet.destination)) return stack_.sendBy(now, std::move(packet), *inside, out);
    if (Ipv4Path* path = ipv4At(packet.source)) return sendOverIpv4(now, *path, std::move(packet), out);
    if (!isRegional(packet.source)) {
        // On the home link its routes would take what belongs elsewhere.
        for (std::size_t i = 0; beside_ && i < links_.size(); ++i)
            if (stack_.findOn(i, packet.source)) return stack_.sendBy(now, std::move(packet), i, out);
        return stack_.send(now, std::move(packet), out);
    }
    const auto tunnel = tunnelFor(now, packet);
    if (!tunnel) return;
    // HMIP-MN-27: what the tunnel takes is cut before it goes in.
    const std::size_t room = std::min(stack_.pathMtu(now, packet.destination), stack_.pathMtu(now, tunnel->map) - Ipv6Packet::headerOctets);
    for (const Ipv6Packet& piece : stack_.piecesOf(packet, room)) stack_.send(now, encapsulate(piece, tunnel->careOf, tunnel->map), out);
}

void MobileNode::sendThroughHomeAgent(TimePoint now, const Ipv6Packet& packet, Output& out)
{
    Home* home = findHome(packet.source);
    auto careOf = primaryCareOf(now, packet.source);
    if (!home || !careOf) return;
    if (usesBids(*home))
        if (const auto* path = pathOf(now, *home, packet); path && !path->path.home) careOf = path->path.careOf;
    const Ipv6Address& agent = home->association.peer();
    // HMIP-MN-27, RFC 2473 §7: of both tunnels, when there are two.
    std::size_t way = stack_.pathMtu(now, agent);
    if (const auto tunnel = isRegional(*careOf) ? tunnelOf(*careOf) : std::nullopt) way = std::min(way, stack_.pathMtu(now, tunnel->map) - Ipv6Packet::headerOctets);
    const std::size_t room = std::min(stack_.pathMtu(now, packet.destination), way - Ipv6Packet::headerOctets);
    for (const Ipv6Packet& piece : stack_.piecesOf(packet, room)) sendFromCareOf(now, encapsulate(piece, *careOf, agent), out);
}

void MobileNode::sendFromHome(TimePoint now, Ipv6Packet packet, Output& out)
{
    if (const auto inside = inwards(stack_, network_, packet.destination)) return stack_.sendBy(now, std::move(packet), *inside, out);
    if (beside_) {
        Home* home = findHome(packet.source);
        const auto* path = home ? pathOf(now, *home, packet) : nullptr;
        if (path && path->path.home) return stack_.sendBy(now, std::move(packet), *homeLink_, out);  // MCOA-MN-17
    } else if (homeLink_) {
        if (atHomeWithAddress(packet.source)) stack_.send(now, std::move(packet), out);  // MN-HOME-01: not before the update
        return;
    }
    if (packet.nextHeader == proto::mobility) return sendThroughHomeAgent(now, packet, out);  // MN-TX-04
    const Ipv6Address correspondent = packet.destination;
    stack_.addressMobilePeer(now, packet);  // RFC 6275 §11.3.1: it may be mobile, too, and visit our own network
    if (const auto inside = inwards(stack_, network_, packet.destination)) return stack_.sendBy(now, std::move(packet), *inside, out);
    usedPeer(now, packet.source, correspondent);
    const auto careOf = optimisedFrom(now, packet, correspondent);
    if (!careOf) return sendThroughHomeAgent(now, packet, out);
    packet.setHomeAddress(packet.source);  // MN-TX-02
    packet.source = *careOf;
    sendFromCareOf(now, std::move(packet), out);
}

void MobileNode::originate(TimePoint now, Ipv6Packet packet, Output& out)
{
    ownDeadline_.reset();
    if (isHomeAddress(packet.source)) sendFromHome(now, std::move(packet), out);
    else sendFromCareOf(now, std::move(packet), out);
    progress(now, out);
    reportTimers(now, out);
}

void MobileNode::configure(TimePoint now, Settings settings)
{
    ownDeadline_.reset();
    const bool before = isMultihomed();
    settings_ = std::move(settings);
    reconsider_ = now;
    if (before != isMultihomed()) changeKind(now, before);
    for (Link& link : links_) link.maps.setPolicy(settings_.mapPolicy);
    configureNetwork(now);
}

void MobileNode::changeKind(TimePoint now, bool identified)
{
    for (Home& home : homes_) {
        if (identified && !home.paths.supported()) continue;  // it was plain already
        const std::uint16_t last = newest(home.association.sequence(), home.paths.sequence());
        home.association.restart(last, identified ? home.paths.mayBeBound() : false);
        home.paths.restart(last);
    }
    for (auto& [map, at] : maps_) {
        const auto paths = mapPaths_.find(map);
        const std::uint16_t last = paths == mapPaths_.end() ? at.sequence() : newest(at.sequence(), paths->second.sequence());
        at.restart(last, identified || at.registered(now));
    }
    mapPaths_.clear();
    mapFlows_.clear();
}

void MobileNode::answerFrom(TimePoint now, Ipv6Packet packet, Output& out)
{
    if (isHomeAddress(packet.source) && !packet.source.isUnspecified()) return sendFromHome(now, std::move(packet), out);
    if (network_.isBehind(packet.source)) return sendFromNetwork(now, std::move(packet), out);
    if (packet.source.isUnspecified())  // traffic of our own, without a home address
        if (const auto rcoa = regionalCareOf()) packet.source = *rcoa;
    stack_.addressMobilePeer(now, packet);
    sendFromCareOf(now, std::move(packet), out);
}

std::optional<Ipv6Packet> MobileNode::unwrap(const Ipv6Packet& packet) const
{
    auto inner = decapsulate(packet);
    // RFC 4291 §2.5.2, §2.5.3, §2.5.6, §2.7: no router has passed on what comes from these, and nobody can be answered there.
    if (!inner || !inner->source.isUnicastRoutable()) return std::nullopt;
    // MN-RX-01: packets to an RCoA come from its MAP, packets to a home address from the home agent. (A packet from the home
    // agent through the MAP has two tunnels and is unwrapped twice.)
    const Association* map = findMap(packet.source);
    const bool fromMap = map && inner->destination == map->home();
    const bool fromHome = std::any_of(homes_.begin(), homes_.end(), [&](const Home& home) {
        return packet.source == home.association.peer() && inner->destination == home.address;
    });
    const bool fromNetwork = network_.registers() && network_.isBehind(inner->destination) && packet.source == homeAgent();
    if (!fromMap && !fromHome && !fromNetwork) return std::nullopt;
    return inner;
}

bool MobileNode::fromHomeAgentToGroup(const Ipv6Packet& packet) const
{
    const auto isPeer = [&](const Home& home) { return home.association.peer() == packet.source; };
    if (std::none_of(homes_.begin(), homes_.end(), isPeer)) return false;
    const auto inner = decapsulate(packet);
    return inner && inner->destination.isMulticast();
}

void MobileNode::sendCarried(TimePoint now, Output& out)
{
    for (Ipv6Packet& packet : stack_.takeCarried()) answerFrom(now, std::move(packet), out);
}

void MobileNode::nameCarried()
{
    std::vector<Ipv6Address> carried;
    for (const Home& home : homes_)
        if (!homeLink_ || beside_) carried.push_back(home.address);
    stack_.setSilent(beside_ ? carried : std::vector<Ipv6Address>{});
    for (const auto& [map, association] : maps_) carried.push_back(association.home());
    stack_.setCarried(std::move(carried));
}

void MobileNode::handle(TimePoint now, Delivery delivery, Output& out, Arrival arrival)
{
    nameCarried();
    constexpr int maxTunnels = 4;
    for (int tunnel = 0; tunnel < maxTunnels; ++tunnel) {
        Ipv6Packet& packet = delivery.packet;
        if (packet.nextHeader != proto::ipv6) {
            deliver(now, std::move(packet), arrival, out);
            return sendCarried(now, out);
        }
        auto inner = unwrap(packet);
        if (!inner) {
            // Queries of the home agent (RFC 6275 §10.4.3): this node wants no group by that way, and who wants none does not answer.
            if (fromHomeAgentToGroup(packet)) return sendCarried(now, out);
            out.happened(now, "tunnel-refused", {{"outer_source", attribute(packet.source)}, {"rule", attribute(std::string_view("MN-RX-01"))}});
            return;
        }
        arrival = {isHomeAddress(inner->destination), std::nullopt};
        if (!arrival.throughHomeAgent && !isRegional(inner->destination) && network_.isBehind(inner->destination)) {
            fromTunnel(now, std::move(*inner), out);
            return sendCarried(now, out);
        }
        packet = std::move(*inner);
        if (FragmentStore::isFragment(packet)) {
            auto whole = stack_.reassembled(now, packet);
            if (!whole) return;
            packet = std::move(*whole);
        }
        // RR-CN-16: of what came through a tunnel, too.
        if (!stack_.acceptHomeAddress(now, delivery, out)) return sendCarried(now, out);
    }
}

void MobileNode::deliver(TimePoint now, Ipv6Packet packet, const Arrival& arrival, Output& out)
{
    // MN-RX-02: one segment left and an address of our own, otherwise the packet is dropped silently.
    if (packet.routing) {
        const Ipv6Address& final = packet.routing->homeAddress;
        if (packet.routing->segmentsLeft != 1 || (!isHomeAddress(final) && !isRegional(final))) return;
    }
    if (packet.nextHeader == proto::mobility) {
        if (packet.destination.isMulticast()) return;
        constexpr std::uint8_t lastBase = 7, revocation = 16;
        const bool revokes = packet.payload.size() > 2 && packet.payload[2] == revocation;
        const auto message = stack_.mobility(now, packet, out, revokes ? revocation : lastBase);
        if (!message) return;
        if (const auto* ended = std::get_if<wire::BindingRevocation>(&*message)) return onRevocation(now, packet, arrival.ipv4, *ended, out);
        if (!packet.routing && correspondent_.receive(now, packet, *message, stack_, out)) return;
        if (const auto* ack = std::get_if<wire::BindingAck>(&*message)) onAck(now, packet, *ack, arrival.ipv4, out);
        onPeerMessage(now, packet, arrival.throughHomeAgent, *message, out);
        return;
    }
    if (packet.nextHeader == proto::icmpv6) return onIcmp(now, packet, arrival, out);
    if (packet.routing) {
        usedPeer(now, packet.routing->homeAddress, packet.source);
        packet.destination = packet.routing->homeAddress;
        packet.routing.reset();
    }
    // A packet from somebody who does not know where we are: the occasion to tell (RFC 6275 §11.7.2).
    if (arrival.throughHomeAgent) meet(now, packet.destination, packet.source);
    onProbe(now, packet, out);
}

void MobileNode::onIcmp(TimePoint now, const Ipv6Packet& packet, const Arrival& arrival, Output& out)
{
    wire::FieldReader in(packet.payload, 0, nullptr);
    const auto message = wire::parseIcmpv6(in, packet.pseudoHeader());
    if (!message || !message->acceptable()) return;
    if (const auto* error = std::get_if<wire::IcmpError>(&message->value)) return onIcmpError(now, packet.source, *error, out);
    if (const auto* reply = std::get_if<wire::HomeAgentDiscoveryReply>(&message->value)) return onDiscoveryReply(now, packet, *reply, out);
    if (const auto* prefixes = std::get_if<wire::MobilePrefixAdvertisement>(&message->value)) return onPrefixes(now, packet, arrival, *prefixes, out);
    const auto* echo = std::get_if<wire::Echo>(&message->value);
    const Ipv6Address to = packet.routing ? packet.routing->homeAddress : packet.destination;
    if (!echo || (!isHomeAddress(to) && !isRegional(to))) return;
    if (packet.routing) usedPeer(now, to, packet.source);
    if (arrival.throughHomeAgent) meet(now, to, packet.source);  // somebody who does not know where we are, as in deliver()
    if (echo->reply || !stack_.answersEcho()) return;
    Ipv6Packet reply;
    reply.source = to;
    reply.destination = packet.source;
    reply.nextHeader = proto::icmpv6;
    reply.payload = wire::emitIcmpv6(wire::Echo{true, echo->identifier, echo->sequence, echo->data}, reply.pseudoHeader());
    answerFrom(now, std::move(reply), out);
}

void MobileNode::onProbe(TimePoint now, const Ipv6Packet& packet, Output& out)
{
    const auto received = probeIn(packet);
    if (!received) return stack_.refuseUpper(now, packet, out);
    const wire::Probe& probe = received->probe;
    const std::string_view name = probe.answer ? "probe-answered" : "probe-received";
    out.happened(now, name, {{"flow", attribute(std::int64_t{probe.flow})}, {"serial", attribute(std::int64_t{probe.serial})}, {"sent", attribute(probe.sent)}});
    const auto& flows = settings_.answeredFlows;
    if (!probe.answer && (settings_.answerAll || std::find(flows.begin(), flows.end(), probe.flow) != flows.end())) answerFrom(now, answerTo(packet, *received), out);
}

}  // namespace roamscope::node
