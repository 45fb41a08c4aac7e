// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile node and its correspondents: return routability, their bindings, what they answer (RFC 6275 §11.6, §11.7.2).
#include "protocol/node/mobile_node.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;

namespace {
constexpr std::size_t maxPeers = 64;  // correspondents at a time; more are served through the tunnel
}

RouteOptimisation* MobileNode::findPeer(const Ipv6Address& home, const Ipv6Address& peer)
{
    const auto it = peers_.find({home, peer});
    return it != peers_.end() ? &it->second : nullptr;
}

bool MobileNode::wantsOptimised(const Ipv6Address& peer) const
{
    const auto& listed = settings_.optimised;
    return settings_.optimiseAll || std::find(listed.begin(), listed.end(), peer) != listed.end();
}

void MobileNode::meet(TimePoint now, const Ipv6Address& home, const Ipv6Address& peer)
{
    if (!wantsOptimised(peer) || !peer.isUnicastRoutable() || peer == homeAgent() || maps_.contains(peer)) return;
    if (!peers_.contains({home, peer}) && peers_.size() >= maxPeers) return;
    // RR-MN-06: a random first number, and never one twice.
    if (!peers_.contains({home, peer})) peers_.try_emplace({home, peer}, peer, home, lastSequence(peer, home), settings_.acknowledgedByPeers);
    findPeer(home, peer)->used(now);
}

std::optional<Ipv6Address> MobileNode::careOfFor(TimePoint now, const Ipv6Address& home, const Ipv6Address& peer) const
{
    // HMIP-MN-22: a neighbour needs no MAP between us.
    const auto careOf = primaryCareOf(now, home);
    const bool neighbour = settings_.onLinkAddressForNeighbours && careOf && lcoa_ && stack_.interfaceOf(peer) == primary_;
    return neighbour ? lcoa_ : careOf;
}

void MobileNode::progressPeers(TimePoint now, Output& out)
{
    for (auto it = peers_.begin(); it != peers_.end();) {
        const auto [home, address] = it->first;
        RouteOptimisation& peer = it->second;
        // MN-BU-20, RR-MN-09: after the home agent's answer, for no longer than its binding lives.
        const Home* registration = findHome(home);
        const auto careOf = careOfFor(now, home, address);
        if (!careOf || !registration || registration->association.waiting()) {
            ++it;
            continue;
        }
        peersWait_ = false;
        const bool wanted = wantsOptimised(address);
        if (!wanted) peer.release(now, *careOf);
        if (wanted ? peer.finished(now) : !peer.releasing()) {
            keepSequence(address, home, peer.sequence());
            out.removed(now, "registration", {{"peer", attribute(address)}, {"home_address", attribute(home)}});
            it = peers_.erase(it);
            continue;
        }
        std::chrono::seconds lifetime = std::min(settings_.lifetime, registration->association.remaining(now));
        if (const auto* own = links_[primary_].careOf.find(*careOf); own && own->validUntil != TimePoint::max())
            lifetime = std::min(lifetime, std::chrono::floor<std::chrono::seconds>(own->validUntil - now));
        if (wanted) peer.request(now, *careOf, lifetime);
        while (const auto step = peer.due(now, stack_.random())) sendStep(now, peer, *step, out);
        ++it;
    }
}

void MobileNode::sendStep(TimePoint now, const RouteOptimisation& peer, const RouteOptimisation::Step& step, Output& out)
{
    using Kind = RouteOptimisation::Step::Kind;
    Ipv6Packet packet;
    packet.destination = peer.peer();
    packet.nextHeader = proto::mobility;
    if (step.kind == Kind::HomeTestInit) {
        packet.source = peer.home();
        packet.payload = wire::emitMobility(wire::HomeTestInit{step.cookie, {}}, packet.pseudoHeader());
        out.happened(now, "home-test-init", {{"peer", attribute(peer.peer())}});
        if (homeLink_) return stack_.send(now, std::move(packet), out);
        return sendThroughHomeAgent(now, packet, out);  // RR-MN-01, HMIP-MN-25
    }
    packet.source = step.source;
    if (step.kind == Kind::CareOfTestInit) {
        packet.payload = wire::emitMobility(wire::CareOfTestInit{step.cookie, {}}, packet.pseudoHeader());
        out.happened(now, "care-of-test-init", {{"peer", attribute(peer.peer())}, {"care_of_address", attribute(step.careOf)}});
        return sendFromCareOf(now, std::move(packet), out);
    }
    if (step.source != peer.home()) packet.setHomeAddress(peer.home());
    const std::uint16_t flags = peer.acknowledges() ? wire::BindingUpdate::acknowledge : std::uint16_t{0};
    const wire::BindingUpdate update{step.sequence, flags, step.lifetime, {step.indices}};
    packet.payload = emitAuthorized(update, step.key, step.careOf, peer.peer(), packet.pseudoHeader());
    out.happened(now, "correspondent-binding-update", {{"sequence", attribute(std::int64_t{step.sequence})}, {"care_of_address", attribute(step.careOf)},
                                                       {"peer", attribute(peer.peer())}});
    peerEvent(now, peer, !peer.acknowledges() && peer.registeredCareOf(now) == step.careOf ? "registered" : "waiting", out);
    if (homeLink_) return stack_.send(now, std::move(packet), out);
    sendFromCareOf(now, std::move(packet), out);
}

void MobileNode::onPeerMessage(TimePoint now, const Ipv6Packet& packet, bool throughHomeAgent, const wire::MobilityMessage& message, Output& out)
{
    if (const auto* error = std::get_if<wire::BindingError>(&message)) return onBindingError(now, packet, *error, out);
    const Ipv6Address to = packet.routing ? packet.routing->homeAddress : packet.destination;
    // RR-MN-05 at the home agent and the MAP, too.
    if (std::holds_alternative<wire::BindingRefreshRequest>(message) && refreshAnchor(now, packet.source, to)) return;
    // A care-of test names no home address: the cookie tells whose it is.
    if (const auto* careOf = std::get_if<wire::CareOfTest>(&message)) {
        // RR-MN-03: to the care-of address that it tests.
        if (throughHomeAgent || packet.routing) return;
        for (auto& [key, peer] : peers_)
            if (key.second == packet.source && packet.destination == peer.requestedCareOf() && peer.careOfTest(now, *careOf)) return;
        return;
    }
    RouteOptimisation* peer = findPeer(to, packet.source);
    if (!peer) return;
    if (const auto* home = std::get_if<wire::HomeTest>(&message)) {
        // RR-MN-03: through the home agent to the home address.
        if (throughHomeAgent != isAtHome() && !packet.routing) peer->homeTest(now, *home);
    } else if (const auto* ack = std::get_if<wire::BindingAck>(&message)) {
        onPeerAck(now, *peer, packet, *ack, out);
    } else if (std::holds_alternative<wire::BindingRefreshRequest>(message)) {
        peer->refresh(now);  // RR-MN-05
    }
}

void MobileNode::onPeerAck(TimePoint now, RouteOptimisation& peer, const Ipv6Packet& packet, const wire::BindingAck& ack, Output& out)
{
    // RR-CN-15: without the routing header only in answer to an update from the home address itself.
    if (!packet.routing && !homeLink_) return;
    const auto answer = peer.acknowledged(now, ack, packet.payload);
    static constexpr std::string_view names[] = {"ignored", "accepted", "resynchronised", "released", "refused"};
    out.happened(now, "binding-acknowledged",
                 {{"peer", attribute(peer.peer())}, {"sequence", attribute(std::int64_t{ack.sequence})}, {"status", attribute(std::int64_t{ack.status})},
                  {"result", attribute(names[static_cast<std::size_t>(answer)])}});
    if (answer == RouteOptimisation::Answer::Accepted) peerEvent(now, peer, "registered", out);
    if (answer == RouteOptimisation::Answer::Released)
        out.removed(now, "registration", {{"peer", attribute(peer.peer())}, {"home_address", attribute(peer.home())}});
    if (answer == RouteOptimisation::Answer::Refused) peerEvent(now, peer, "refused", out);
}

void MobileNode::onBindingError(TimePoint now, const Ipv6Packet& packet, const wire::BindingError& error, Output& out)
{
    constexpr std::uint8_t unknownBinding = 1;
    if (error.status == unknownBinding && refreshAnchor(now, packet.source, error.homeAddress)) return;
    // MN-BE-01: without an entry it says nothing.
    for (auto& [key, peer] : peers_) {
        if (key.second != packet.source) continue;
        if (error.status == unknownBinding ? error.homeAddress == key.first : peer.waiting()) abandonPeer(now, peer, "binding error", out);
    }
}

void MobileNode::onIcmpError(TimePoint now, const Ipv6Address& from, const wire::IcmpError& error, Output& out)
{
    wire::FieldReader in(error.invoking, 0, nullptr);
    const auto quoted = wire::parseIpv6(in, true);
    if (!quoted) return;
    correspondent_.onError(now, error, stack_, out);
    // RFC 2473 §8: from inside a tunnel, about a packet that the stack does not know for ours.
    if (error.type == wire::icmpv6Type::packetTooBig && (isHomeAddress(quoted->packet.source) || isRegional(quoted->packet.source)))
        stack_.learnPathMtu(now, quoted->packet.destination, error.parameter);
    // MN-ICMP-01: the peer does not know the Mobility Header. It is the peer's own word about what we sent it, and about no peer
    // that we have nothing with.
    constexpr std::uint8_t unrecognisedNextHeader = 1;
    const bool ours = stack_.isOurs(quoted->packet.source) && quoted->packet.destination == from;
    if (error.type != wire::icmpv6Type::parameterProblem || error.code != unrecognisedNextHeader || !ours) return;
    for (auto& [key, peer] : peers_)
        if (key.second == from) abandonPeer(now, peer, "no mobility support", out);
}

void MobileNode::abandonPeer(TimePoint now, RouteOptimisation& peer, std::string_view why, Output& out)
{
    peer.abandon(now);
    out.happened(now, "route-optimisation-abandoned", {{"peer", attribute(peer.peer())}, {"reason", attribute(why)}});
    peerEvent(now, peer, "refused", out);
}

void MobileNode::peerEvent(TimePoint now, const RouteOptimisation& peer, std::string_view state, Output& out) const
{
    out.changed(now, "registration", {{"peer", attribute(peer.peer())}, {"home_address", attribute(peer.home())}},
                {{"state", attribute(state)}, {"care_of_address", attribute(peer.requestedCareOf())},
                 {"sequence", attribute(std::int64_t{peer.sequence()})},
                 {"lifetime", attribute(Duration(std::chrono::seconds(4 * std::int64_t{peer.granted().count()})))},
                 {"expires", attribute(peer.expires())}});
}

}  // namespace roamscope::node
