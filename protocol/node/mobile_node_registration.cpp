// SPDX-License-Identifier: GPL-3.0-or-later
// Registration with MAP and home agent, and the tunnels of the mobile node.
#include "protocol/node/mobile_node.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::BindingUpdate;
using wire::Ipv6Packet;
namespace proto = wire::protocol;

namespace {
constexpr std::chrono::seconds leastLifetime{4};  // one unit of the lifetime field, RFC 6275 §6.1.7
}

// ---- registration

void MobileNode::progress(TimePoint now, Output& out)
{
    homeWaits_ = true;
    peersWait_ = true;
    if (homeLink_) return progressHome(now, out);
    if (!usable(lcoa_)) return;
    if (atMap_) {
        // HMIP-MN-16: no longer than the MAP option says that the RCoA is good for.
        const auto lifetime = std::min(settings_.lifetime, maps_.remaining(now, atMap_->peer()));
        if (lifetime < leastLifetime) return;
        atMap_->request(now, *lcoa_, lifetime);
        while (const auto update = atMap_->due(now)) sendLocalUpdate(now, *update, out);
    }
    if (homeRefused_ || (atMap_ && !behindMap())) return;  // HMIP-MN-13: the MAP's acknowledgement comes first
    // HMIP-MN-17: while the RCoA stays, this asks for what is registered already and the home agent hears nothing.
    atHome_.request(now, atMap_ ? *rcoa_ : *lcoa_, homeLifetime(now));
    if (atMap_ && atHome_.isDue(now) && 2 * atMap_->remaining(now) < 4 * std::chrono::seconds(atMap_->granted().count())) {
        // What is left at the MAP would bound the home binding (HMIP-MN-15): refresh there first, its answer brings us back here.
        atMap_->refresh(now);
        while (const auto update = atMap_->due(now)) sendLocalUpdate(now, *update, out);
        return;
    }
    homeWaits_ = false;
    while (const auto update = atHome_.due(now)) sendHomeUpdate(now, *update, out);
    progressPeers(now, out);
}

std::chrono::seconds MobileNode::homeLifetime(TimePoint now) const
{
    if (!atMap_) return settings_.lifetime;
    // HMIP-MN-15: what is left of the MAP's binding bounds the home binding. Of a single unit nothing is left after
    // the way to the MAP and back; equal fields satisfy the rule.
    const auto most = atMap_->granted().count() == 1 ? leastLifetime : atMap_->remaining(now);
    return std::min(settings_.lifetime, most);
}

void MobileNode::sendLocalUpdate(TimePoint now, const Association::Update& update, Output& out)
{
    // HMIP-MN-09: A and M. HMIP-MN-10: from the LCoA, home address option = RCoA, no alternate care-of address.
    BindingUpdate bu;
    bu.sequence = update.sequence;
    bu.flags = BindingUpdate::acknowledge | BindingUpdate::mapRegistration;
    bu.lifetime = update.lifetime;
    Ipv6Packet packet;
    packet.source = update.careOf;
    packet.destination = atMap_->peer();
    packet.setHomeAddress(*rcoa_);
    packet.nextHeader = proto::mobility;
    packet.payload = wire::emitMobility(bu, packet.pseudoHeader());
    out.happened(now, "local-binding-update", {{"sequence", attribute(std::int64_t{update.sequence})}, {"care_of_address", attribute(update.careOf)},
                                               {"map", attribute(atMap_->peer())}, {"copy", attribute(update.copy)}});
    registrationEvent(now, *atMap_, "waiting", out);
    stack_.send(now, std::move(packet), out);
}

void MobileNode::sendHomeUpdate(TimePoint now, const Association::Update& update, Output& out)
{
    // MN-BU-01: H, A and the home address option. MN-BU-02: the care-of address again in an option of its own.
    BindingUpdate bu;
    bu.sequence = update.sequence;
    bu.flags = BindingUpdate::acknowledge | BindingUpdate::homeRegistration;
    if (sharesIdentifier()) bu.flags |= BindingUpdate::linkLocal;  // MN-BU-03; K stays 0 without keys that can move (MN-BU-04)
    bu.lifetime = update.lifetime;
    bu.options.push_back(wire::AlternateCareOfAddress{update.careOf});
    Ipv6Packet packet;
    packet.source = update.careOf;
    packet.destination = settings_.homeAgent;
    packet.setHomeAddress(settings_.homeAddress);
    packet.nextHeader = proto::mobility;
    packet.payload = wire::emitMobility(bu, packet.pseudoHeader());
    out.happened(now, "home-binding-update", {{"sequence", attribute(std::int64_t{update.sequence})}, {"care_of_address", attribute(update.careOf)},
                                              {"home_agent", attribute(settings_.homeAgent)}, {"copy", attribute(update.copy)}});
    registrationEvent(now, atHome_, "waiting", out);
    if (rcoa_ == update.careOf) sendFromRegional(now, std::move(packet), out);  // HMIP-MN-14
    else stack_.send(now, std::move(packet), out);
}

void MobileNode::onAck(TimePoint now, const Ipv6Packet& packet, const wire::BindingAck& ack, Output& out)
{
    // HMIP-MN-12, MN-BU-08: without the home address in a type 2 routing header the acknowledgement is not for us; at home it
    // comes to the home address itself (HA-BU-06).
    const bool atHome = homeLink_ && packet.destination == settings_.homeAddress;
    if (!packet.routing && !atHome) return;
    const Ipv6Address home = packet.routing ? packet.routing->homeAddress : packet.destination;
    // MN-BU-08: whoever authorizes, at the very end.
    if (wire::findOption<wire::BindingAuthorizationData>(ack.options) && !endsInAuthorization(ack.options, packet.payload)) return;
    Association* association = nullptr;
    if (atMap_ && home == atMap_->home() && packet.source == atMap_->peer()) association = &*atMap_;
    if (home == atHome_.home() && packet.source == atHome_.peer()) association = &atHome_;
    if (!association) return;
    const auto answer = association->acknowledged(now, ack);
    static constexpr std::string_view names[] = {"ignored", "accepted", "resynchronised", "released", "refused"};
    out.happened(now, "binding-acknowledged",
                 {{"peer", attribute(association->peer())}, {"sequence", attribute(std::int64_t{ack.sequence})},
                  {"status", attribute(std::int64_t{ack.status})}, {"result", attribute(names[static_cast<std::size_t>(answer)])}});
    if (answer == Association::Answer::Accepted) registrationEvent(now, *association, "registered", out);
    if (answer == Association::Answer::Released) {
        out.removed(now, "registration", {{"peer", attribute(association->peer())}, {"home_address", attribute(association->home())}});
        if (association == &atHome_) takeHomeAddress(now, out);
    }
    if (answer != Association::Answer::Refused) return;
    registrationEvent(now, *association, "refused", out);
    if (association == &atHome_) {
        // MN-BU-13: the home address belongs to somebody else.
        homeRefused_ = homeRefused_ || ack.status == wire::bindingStatus::duplicateAddressDetectionFailed;
        return;
    }
    // MN-BU-16: no more updates to this MAP; HMIP-MN-07a: another one, or none.
    maps_.refused(association->peer());
    chooseMap(now, out);
}

bool MobileNode::refreshAnchor(TimePoint now, const Ipv6Address& peer, const Ipv6Address& home)
{
    Association* association = nullptr;
    if (atMap_ && peer == atMap_->peer() && home == atMap_->home()) association = &*atMap_;
    if (peer == atHome_.peer() && home == atHome_.home()) association = &atHome_;
    if (association) association->refresh(now);
    return association != nullptr;
}

void MobileNode::registrationEvent(TimePoint now, const Association& association, std::string_view state, Output& out) const
{
    out.changed(now, "registration", {{"peer", attribute(association.peer())}, {"home_address", attribute(association.home())}},
                {{"state", attribute(state)}, {"care_of_address", attribute(association.requestedCareOf())},
                 {"sequence", attribute(std::int64_t{association.sequence()})},
                 {"lifetime", attribute(Duration(std::chrono::seconds(4 * std::int64_t{association.granted().count()})))},
                 {"expires", attribute(association.expires())}});
}

// ---- packets

void MobileNode::sendFromRegional(TimePoint now, Ipv6Packet packet, Output& out)
{
    if (!behindMap()) return;
    stack_.send(now, encapsulate(packet, *lcoa_, atMap_->peer()), out);
}

std::optional<Ipv6Address> MobileNode::primaryCareOf(TimePoint now) const
{
    if (!atHome_.registered(now) || !atHome_.registeredCareOf() || !usable(lcoa_)) return std::nullopt;
    // A care-of address of an earlier MAP or link is the source of nothing any more (MN-COA-01, HMIP-MN-24).
    const Ipv6Address careOf = *atHome_.registeredCareOf();
    if (careOf == rcoa_ ? !behindMap() : careOf != lcoa_) return std::nullopt;
    return careOf;
}

void MobileNode::sendFromCareOf(TimePoint now, Ipv6Packet packet, Output& out)
{
    if (packet.source == rcoa_) sendFromRegional(now, std::move(packet), out);
    else stack_.send(now, std::move(packet), out);
}

void MobileNode::sendThroughHomeAgent(TimePoint now, const Ipv6Packet& packet, Output& out)
{
    if (const auto careOf = primaryCareOf(now)) sendFromCareOf(now, encapsulate(packet, *careOf, settings_.homeAgent), out);
}

void MobileNode::originate(TimePoint now, Ipv6Packet packet, Output& out)
{
    if (packet.source == settings_.homeAddress && packet.nextHeader != proto::mobility) sendFromHome(now, std::move(packet), out);
    else sendFromCareOf(now, std::move(packet), out);
    progress(now, out);
}

void MobileNode::sendFromHome(TimePoint now, Ipv6Packet packet, Output& out)
{
    if (homeLink_) {
        if (atHomeWithAddress()) stack_.send(now, std::move(packet), out);  // MN-HOME-01: not before the update
        return;
    }
    const auto peer = peers_.find(packet.destination);
    const auto careOf = primaryCareOf(now);
    if (peer == peers_.end()) return sendThroughHomeAgent(now, packet, out);
    peer->second.used(now);
    if (!careOf || peer->second.registeredCareOf(now) != careOf) return sendThroughHomeAgent(now, packet, out);
    packet.setHomeAddress(packet.source);  // MN-TX-02
    packet.source = *careOf;
    sendFromCareOf(now, std::move(packet), out);
}

std::optional<Ipv6Packet> MobileNode::unwrap(const Ipv6Packet& packet) const
{
    auto inner = decapsulate(packet);
    if (!inner) return std::nullopt;
    // MN-RX-01: packets to the RCoA come from the MAP, packets to the home address from the home agent. (A packet from the home
    // agent through the MAP has two tunnels and is unwrapped twice.)
    const bool fromMap = atMap_ && packet.source == atMap_->peer() && inner->destination == rcoa_;
    const bool fromHome = packet.source == settings_.homeAgent && inner->destination == settings_.homeAddress;
    if (!fromMap && !fromHome) return std::nullopt;
    return inner;
}

void MobileNode::handle(TimePoint now, Ipv6Packet packet, Output& out)
{
    constexpr int maxTunnels = 4;
    bool throughHomeAgent = false;
    for (int tunnel = 0; tunnel < maxTunnels; ++tunnel) {
        if (packet.nextHeader != proto::ipv6) return deliver(now, std::move(packet), throughHomeAgent, out);
        auto inner = unwrap(packet);
        if (!inner) {
            out.happened(now, "tunnel-refused", {{"outer_source", attribute(packet.source)}, {"rule", attribute(std::string_view("MN-RX-01"))}});
            return;
        }
        throughHomeAgent = packet.source == settings_.homeAgent;
        packet = std::move(*inner);
    }
}

void MobileNode::deliver(TimePoint now, Ipv6Packet packet, bool throughHomeAgent, Output& out)
{
    // MN-RX-02: one segment left and an address of our own, otherwise the packet is dropped silently.
    if (packet.routing) {
        const Ipv6Address& final = packet.routing->homeAddress;
        if (packet.routing->segmentsLeft != 1 || (final != settings_.homeAddress && final != rcoa_)) return;
    }
    if (packet.nextHeader == proto::mobility) {
        const auto message = stack_.mobility(now, packet, out);
        if (!message) return;
        if (const auto* ack = std::get_if<wire::BindingAck>(&*message)) onAck(now, packet, *ack, out);
        onPeerMessage(now, packet, throughHomeAgent, *message, out);
        return;
    }
    if (packet.routing) {
        if (packet.routing->homeAddress == settings_.homeAddress)
            if (const auto peer = peers_.find(packet.source); peer != peers_.end()) peer->second.used(now);
        packet.destination = packet.routing->homeAddress;
        packet.routing.reset();
    }
    if (packet.nextHeader == proto::icmpv6) return onIcmp(now, packet, out);
    if (packet.destination != settings_.homeAddress) return;
    // A packet from somebody who does not know where we are: the occasion to tell (RFC 6275 §11.7.2).
    if (throughHomeAgent) meet(now, packet.source);
    onProbe(now, packet, out);
}

void MobileNode::onIcmp(TimePoint now, const Ipv6Packet& packet, Output& out)
{
    wire::FieldReader in(packet.payload, 0, nullptr);
    const auto message = wire::parseIcmpv6(in, packet.pseudoHeader());
    if (!message || !message->acceptable()) return;
    if (const auto* error = std::get_if<wire::IcmpError>(&message->value)) return onIcmpError(now, packet.source, *error, out);
    const auto* echo = std::get_if<wire::Echo>(&message->value);
    if (!echo || echo->reply || packet.destination != settings_.homeAddress) return;
    Ipv6Packet reply;
    reply.source = settings_.homeAddress;
    reply.destination = packet.source;
    reply.nextHeader = proto::icmpv6;
    reply.payload = wire::emitIcmpv6(wire::Echo{true, echo->identifier, echo->sequence, echo->data}, reply.pseudoHeader());
    sendFromHome(now, std::move(reply), out);
}

void MobileNode::onProbe(TimePoint now, const Ipv6Packet& packet, Output& out)
{
    const auto received = probeIn(packet);
    if (!received) return;
    out.happened(now, received->probe.answer ? "probe-answered" : "probe-received", {{"flow", attribute(std::int64_t{received->probe.flow})}, {"serial", attribute(std::int64_t{received->probe.serial})},
                                         {"sent", attribute(received->probe.sent)}});
    if (received->probe.answer) return;
    const auto& flows = settings_.answeredFlows;
    if (settings_.answerAll || std::find(flows.begin(), flows.end(), received->probe.flow) != flows.end()) sendFromHome(now, answerTo(packet, *received), out);
}

}  // namespace roamscope::node
