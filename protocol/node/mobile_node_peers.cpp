// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile node and its correspondents: return routability, their bindings, what they answer (RFC 6275 §11.6, §11.7.2).
#include "protocol/node/mobile_node.hpp"

#include "protocol/node/sequence.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;

namespace {
constexpr std::size_t maxPeers = 64;  // correspondents at a time; more are served through the tunnel
}

RouteOptimisation* MobileNode::findPeer(const Ipv6Address& home, const Ipv6Address& peer)
{
    const Home* from = findHome(home);
    const BidRegistration::Slot* path = from && tellsBids(*from, peer) ? bestPath(*from) : nullptr;
    const auto it = peers_.find({home, peer, path ? path->path.bid : std::uint16_t{0}});
    return it != peers_.end() ? &it->second : nullptr;
}

std::vector<RouteOptimisation*> MobileNode::peersOf(const Ipv6Address& home, const Ipv6Address& peer)
{
    std::vector<RouteOptimisation*> out;
    for (auto it = peers_.lower_bound({home, peer}); it != peers_.end() && it->first.first == home && it->first.second == peer; ++it) out.push_back(&it->second);
    return out;
}

void MobileNode::usedPeer(TimePoint now, const Ipv6Address& home, const Ipv6Address& peer)
{
    const auto present = peersOf(home, peer);
    const Home* from = present.empty() || present.front()->bid() == 0 ? nullptr : findHome(home);
    if (from && tellsBids(*from, peer)) {
        // A path that has come since is told, too (MCOA-MN-08).
        for (const BidRegistration::Slot& slot : from->paths.entries())
            if (slot.usable() && !slot.path.home && works(slot) && !wire::unmapped(slot.path.careOf) && peers_.size() < maxPeers)
                peers_.try_emplace({home, peer, slot.path.bid}, peer, home, present.front()->sequence(), true, slot.path.bid);
    }
    for (RouteOptimisation* entry : peersOf(home, peer)) entry->used(now);
}

bool MobileNode::wantsOptimised(const Ipv6Address& peer) const
{
    const auto& listed = settings_.optimised;
    return settings_.optimiseAll || std::find(listed.begin(), listed.end(), peer) != listed.end();
}

void MobileNode::meet(TimePoint now, const Ipv6Address& home, const Ipv6Address& peer)
{
    if (!wantsOptimised(peer) || !peer.isUnicastRoutable() || peer == homeAgent() || maps_.contains(peer)) return;
    const auto add = [&](std::uint16_t bid) {
        if (peers_.contains({home, peer, bid}) || peers_.size() >= maxPeers) return;
        // RR-MN-06: a random first number, and never one twice.
        const auto others = peersOf(home, peer);
        const std::uint16_t last = others.empty() ? lastSequence(peer, home) : others.front()->sequence();
        // MCOA-MN-09: whether the peer knows identifiers shows in its answers only.
        peers_.try_emplace({home, peer, bid}, peer, home, last, settings_.acknowledgedByPeers || bid != 0, bid);
    };
    const Home* from = findHome(home);
    if (from && tellsBids(*from, peer)) {
        for (const BidRegistration::Slot& slot : from->paths.entries())
            if (slot.usable() && !slot.path.home && works(slot) && !wire::unmapped(slot.path.careOf)) add(slot.path.bid);  // RFC 5555 §2.4
    } else {
        add(0);
    }
    usedPeer(now, home, peer);
}

void MobileNode::sharePeer(TimePoint now, const PeerKey& key, RouteOptimisation& peer)
{
    if (key.bid == 0) return;
    bool homeTest = false, registered = false, ahead = false;
    for (const RouteOptimisation* other : peersOf(key.first, key.second)) {
        if (other == &peer) continue;
        peer.continueFrom(other->sequence());  // MCOA-MN-02
        peer.takeHomeToken(now, *other);
        homeTest = homeTest || (other->bid() < peer.bid() && other->needsHomeToken(now));
        registered = registered || other->registeredCareOf(now);
        ahead = ahead || (other->isReady(now) && std::pair(other->tries(), other->bid()) < std::pair(peer.tries(), peer.bid()));
    }
    peer.setWaits(homeTest, registered || peer.releasing() ? std::nullopt : firstTurn(now, key, ahead));
}

std::optional<TimePoint> MobileNode::firstTurn(TimePoint now, const PeerKey& key, bool ahead) const
{
    // MCOA-MN-04: nothing beside a first registration, which would take it away. One that is not answered within a timeout gives way to
    // the path that has been tried least: a dead one holds up the others no longer than that.
    constexpr Duration turn = RouteOptimisation::initialTimeout;
    const auto first = firstPeerUpdate_.find({key.first, key.second});
    if (first != firstPeerUpdate_.end() && first->second.bid != key.bid && now < first->second.at + turn) return first->second.at + turn;
    return ahead ? std::optional(now + turn) : std::nullopt;
}

void MobileNode::peerLacksBids(TimePoint now, const Ipv6Address& home, const Ipv6Address& peer, Output& out)
{
    plainPeers_.insert({home, peer});
    std::uint16_t last = 0;
    bool first = true;
    for (RouteOptimisation* entry : peersOf(home, peer)) {
        last = first ? entry->sequence() : newest(last, entry->sequence());
        first = false;
        peerGone(now, *entry, out);
    }
    std::erase_if(peers_, [&](const auto& entry) { return entry.first.first == home && entry.first.second == peer; });
    keepSequence(peer, home, last);
    forgetPeer(home, peer);
    meet(now, home, peer);
}

void MobileNode::forgetPeer(const Ipv6Address& home, const Ipv6Address& peer)
{
    peerFlows_.erase({home, peer});
    firstPeerUpdate_.erase({home, peer});
}

void MobileNode::peerGone(TimePoint now, const RouteOptimisation& peer, Output& out) const
{
    if (peer.bid() == 0) out.removed(now, "registration", {{"peer", attribute(peer.peer())}, {"home_address", attribute(peer.home())}});
    else out.removed(now, "registration", {{"peer", attribute(peer.peer())}, {"home_address", attribute(peer.home())}, {"bid", attribute(std::int64_t{peer.bid()})}});
}

std::optional<Ipv6Address> MobileNode::careOfFor(TimePoint now, const Ipv6Address& home, const Ipv6Address& peer) const
{
    // HMIP-MN-22: a neighbour needs no MAP between us.
    auto careOf = primaryCareOf(now, home);
    if (careOf && wire::unmapped(*careOf)) careOf = usable(lcoa_) ? lcoa_ : std::nullopt;  // RFC 5555 §2.4
    const bool neighbour = settings_.onLinkAddressForNeighbours && careOf && lcoa_ && stack_.interfaceOf(peer) == primary_;
    return neighbour ? lcoa_ : careOf;
}

void MobileNode::progressPeers(TimePoint now, Output& out)
{
    std::erase_if(peerRates_, [&](const auto& entry) { return entry.second.isIdle(now); });
    tellPeerFlows(now);
    for (auto it = peers_.begin(); it != peers_.end();) {
        const auto [home, address, bid] = it->first;
        RouteOptimisation& peer = it->second;
        // MN-BU-20, RR-MN-09: after the home agent's answer, for no longer than its binding lives.
        const Home* registration = findHome(home);
        auto careOf = careOfFor(now, home, address);
        if (!careOf || !registration || (!usesBids(*registration) && registration->association.waiting())) {
            ++it;
            continue;
        }
        peersWait_ = false;
        bool wanted = wantsOptimised(address);
        if (bid != 0) {
            // The path of this identifier; what it was registered for ends with it (MCOA-CN-03), by a path that lives.
            const BidRegistration::Slot* slot = registration->paths.find(bid);
            wanted = wanted && slot && slot->usable() && !slot->path.home && works(*slot) && tellsBids(*registration, address);
            if (wanted) careOf = slot->path.careOf;
        } else {
            wanted = wanted && !tellsBids(*registration, address);
        }
        if (!wanted) peer.release(now, *careOf);
        sharePeer(now, it->first, peer);
        if (wanted ? peer.finished(now) : !peer.releasing()) {
            keepSequence(address, home, peer.sequence());
            peerGone(now, peer, out);
            const PeerKey key = it->first;
            it = peers_.erase(it);
            if (peersOf(key.first, key.second).empty()) forgetPeer(key.first, key.second);
            continue;
        }
        if (wanted) peer.request(now, *careOf, std::min(lifetimeFor(now, *careOf), secondsUntil(now, boundUntil(*registration, *careOf))));
        if (wanted) sharePeer(now, it->first, peer);
        while (const auto step = peer.due(now, stack_.random(), peerRates_[address])) sendStep(now, peer, *step, out);
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
        if (homeLink_ && !beside_) return stack_.send(now, std::move(packet), out);
        return sendThroughHomeAgent(now, packet, out);  // RR-MN-01, HMIP-MN-25
    }
    packet.source = step.source;
    if (step.kind == Kind::CareOfTestInit) {
        wire::CareOfTestInit init{step.cookie, {}};
        if (peer.bid() != 0) init.options.push_back(wire::BindingIdentifier{peer.bid(), 0, false, 0, {}});  // MCOA-CN-06
        packet.payload = wire::emitMobility(init, packet.pseudoHeader());
        out.happened(now, "care-of-test-init", {{"peer", attribute(peer.peer())}, {"care_of_address", attribute(step.careOf)}});
        return sendFromCareOf(now, std::move(packet), out);
    }
    if (step.source != peer.home()) packet.setHomeAddress(peer.home());
    const std::uint16_t flags = peer.acknowledges() ? wire::BindingUpdate::acknowledge : std::uint16_t{0};
    wire::BindingUpdate update{step.sequence, flags, step.lifetime, {step.indices}};
    if (peer.bid() != 0 && (!homeLink_ || beside_)) addBid(now, peer, step, update);
    // RR-CN-04: a deletion is proven with the home address. With this, correspondents agree that take the source without it (UMIP).
    else if (step.lifetime.count() == 0 && step.source != peer.home()) update.options.push_back(wire::AlternateCareOfAddress{peer.home()});
    packet.payload = emitAuthorized(update, step.key, step.careOf, peer.peer(), packet.pseudoHeader());
    out.happened(now, "correspondent-binding-update", {{"sequence", attribute(std::int64_t{step.sequence})}, {"care_of_address", attribute(step.careOf)},
                                                       {"peer", attribute(peer.peer())}});
    peerEvent(now, peer, !peer.acknowledges() && peer.registeredCareOf(now) == step.careOf ? "registered" : "waiting", out);
    if (homeLink_ && !beside_) return stack_.send(now, std::move(packet), out);
    sendFromCareOf(now, std::move(packet), out);
}

void MobileNode::onPeerMessage(TimePoint now, const Ipv6Packet& packet, bool throughHomeAgent, const wire::MobilityMessage& message, Output& out)
{
    if (const auto* error = std::get_if<wire::BindingError>(&message)) return onBindingError(now, packet, *error, out);
    const Ipv6Address to = packet.routing ? packet.routing->homeAddress : packet.destination;
    // RR-MN-05 at the home agent and the MAP, too.
    if (const auto* request = std::get_if<wire::BindingRefreshRequest>(&message)) {
        std::vector<std::uint16_t> bids;  // MCOA-MN-15
        for (const wire::MobilityOption& option : request->options)
            if (const auto* b = std::get_if<wire::BindingIdentifier>(&option)) bids.push_back(b->bid);
        if (refreshAnchor(now, packet.source, to, bids)) return;
    }
    // A care-of test names no home address: the cookie tells whose it is.
    if (const auto* careOf = std::get_if<wire::CareOfTest>(&message)) {
        // RR-MN-03: to the care-of address that it tests.
        if (throughHomeAgent || packet.routing) return;
        for (auto& [key, peer] : peers_)
            if (key.second == packet.source && packet.destination == peer.requestedCareOf() && peer.careOfTest(now, *careOf)) return;
        return;
    }
    for (RouteOptimisation* peer : peersOf(to, packet.source)) {
        if (const auto* home = std::get_if<wire::HomeTest>(&message)) {
            // RR-MN-03: through the home agent to the home address.
            if ((beside_ || throughHomeAgent != isAtHome()) && !packet.routing) peer->homeTest(now, *home);
        } else if (const auto* ack = std::get_if<wire::BindingAck>(&message)) {
            if (onPeerAck(now, *peer, packet, *ack, out)) return;
        } else if (const auto* request = std::get_if<wire::BindingRefreshRequest>(&message)) {
            // RR-MN-05, MCOA-MN-15.
            const auto* named = wire::findOption<wire::BindingIdentifier>(request->options);
            const bool meant = !named || peer->bid() == 0 || std::any_of(request->options.begin(), request->options.end(), [&](const wire::MobilityOption& o) {
                const auto* b = std::get_if<wire::BindingIdentifier>(&o);
                return b && b->bid == peer->bid();
            });
            if (meant) peer->refresh(now);
        }
    }
}

void MobileNode::addBid(TimePoint now, const RouteOptimisation& peer, const RouteOptimisation::Step& step, wire::BindingUpdate& update)
{
    // MCOA-MN-08: one, behind the nonce indices and before the authenticator; MCOA-MN-03: with the care-of address when it is new there.
    wire::BindingIdentifier option;
    option.bid = peer.bid();
    for (std::size_t i = 0; i < links_.size(); ++i)
        if (bidOf(i) == peer.bid()) option.priority = priorityOf(i);  // FLOW-03, also of a path that is gone
    const bool deletes = step.lifetime.count() == 0;
    if (step.full && !deletes) option.careOfAddress.assign(step.careOf.octets.begin(), step.careOf.octets.end());
    update.options.push_back(std::move(option));
    std::vector<std::uint16_t> known = bidsAt(now, peer.home(), peer.peer());
    if (!deletes && (known.empty() || peer.mustOverwrite())) {
        update.flags |= wire::BindingUpdate::overwrite;  // MCOA-MN-04
        firstPeerUpdate_[{peer.home(), peer.peer()}] = {now, peer.bid()};
        for (RouteOptimisation* other : peersOf(peer.home(), peer.peer()))
            if (other != &peer) other->overwritten(now);
        known.clear();
    }
    std::erase(known, peer.bid());
    if (!deletes) known.push_back(peer.bid());
    addFlows(peer, std::move(known), update);
}

bool MobileNode::onPeerAck(TimePoint now, RouteOptimisation& peer, const Ipv6Packet& packet, const wire::BindingAck& ack, Output& out)
{
    // RR-CN-15: without the routing header only in answer to an update from the home address itself.
    if (!packet.routing && !homeLink_) return true;
    const auto answer = peer.acknowledged(now, ack, packet.payload);
    if (answer == RouteOptimisation::Answer::Ignored && peer.bid() != 0) return false;  // another identifier's
    static constexpr std::string_view names[] = {"ignored", "accepted", "resynchronised", "released", "refused", "unsupported"};
    out.happened(now, "binding-acknowledged",
                 {{"peer", attribute(peer.peer())}, {"sequence", attribute(std::int64_t{ack.sequence})}, {"status", attribute(std::int64_t{ack.status})},
                  {"result", attribute(names[static_cast<std::size_t>(answer)])}});
    if (const auto flows = peerFlows_.find({peer.home(), peer.peer()}); flows != peerFlows_.end() && (answer == RouteOptimisation::Answer::Accepted || answer == RouteOptimisation::Answer::Released))
        flowsAcknowledged(now, flows->second.told, peer.peer(), peer.home(), bidsAt(now, peer.home(), peer.peer()), ack, out);
    if (answer == RouteOptimisation::Answer::Accepted) peerEvent(now, peer, "registered", out);
    if (answer == RouteOptimisation::Answer::Released) peerGone(now, peer, out);
    if (answer == RouteOptimisation::Answer::Refused) peerEvent(now, peer, "refused", out);
    if (answer == RouteOptimisation::Answer::Unsupported) {
        // Copies: this entry ends with the others of the correspondent.
        const Ipv6Address home = peer.home();
        const Ipv6Address correspondent = peer.peer();
        peerLacksBids(now, home, correspondent, out);
    }
    return true;
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
    onTunnelError(now, error, quoted->packet, out);
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
    Attributes key{{"peer", attribute(peer.peer())}, {"home_address", attribute(peer.home())}};
    if (peer.bid() != 0) key.emplace_back("bid", attribute(std::int64_t{peer.bid()}));
    out.changed(now, "registration", std::move(key),
                Attributes{{"state", attribute(state)}, {"care_of_address", attribute(peer.requestedCareOf())},
                           {"sequence", attribute(std::int64_t{peer.sequence()})},
                           {"lifetime", attribute(Duration(std::chrono::seconds(4 * std::int64_t{peer.granted().count()})))},
                           {"expires", attribute(peer.expires())}});
}

}  // namespace roamscope::node
