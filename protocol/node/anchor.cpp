// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/anchor.hpp"
#include "protocol/node/flow_events.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;
using Action = Registrar::Verdict::Action;

namespace {

/// Tunnels that one packet may come out of here; more is a loop (RFC 2473 §4.1).
constexpr int maxTunnels = 4;

constexpr std::uint8_t addressUnreachable = 3;  // code of Destination Unreachable, RFC 4443 §3.1

// Streams of random numbers of their own.
constexpr std::uint64_t probes = 1;
constexpr std::uint64_t deliveries = 2;

Attributes keyOf(const Ipv6Address& homeAddress, std::uint16_t bid)
{
    Attributes key{{"home_address", attribute(homeAddress)}, {"bid", std::monostate{}}};
    if (bid != 0) key.back().second = attribute(std::int64_t{bid});
    return key;
}

}  // namespace

Anchor::Anchor(IpStack stack, Registrar::Policy policy, std::vector<RouterAdvertiser> advertisers, const AnchorServices& services)
    : stack_(std::move(stack)), registrar_(std::move(policy)), router_(std::move(advertisers), services.probing, stack_.random().fork(probes)),
      services_(services), prefixes_(services.prefixes, stack_.random().fork(deliveries))
{
    stack_.setMobilitySupport();
    if (const auto& ipv4 = services_.ipv4) {
        ipv4_.emplace(*ipv4, stack_.mac(ipv4->interface), stack_.mtu(ipv4->interface));
        stack_.hearBroadcast(ipv4->interface);
    }
    listen();
    registrar_.configure(withOwnAddresses(registrar_.policy()));
}

void Anchor::receive(TimePoint now, std::size_t interface, ByteView frame, Output& out)
{
    if (ipv4_ && Ipv4Link::concerns(frame)) {
        fromIpv4(now, interface, frame, out);
        drainStack(now, out);
        return sendToNetworks(now, out);
    }
    auto delivery = stack_.receive(now, interface, frame, out);
    if (delivery && !router_.receive(now, *delivery, stack_, out)) handle(now, *delivery, out);
    drainStack(now, out);
    sendToNetworks(now, out);
}

void Anchor::advance(TimePoint now, Output& out)
{
    stack_.advance(now, out);
    router_.advance(now, stack_, out);
    drainStack(now, out);
    expire(now, out);
    for (auto& [interface, list] : homeAgents_) list.expire(now);
    deliverPrefixes(now, out);
    requestRefreshes(now, out);
    repeatRevocations(now, out);
    if (ipv4_) ipv4_->link().advance(now, out);
    askListeners(now, out);
    sendToNetworks(now, out);
}

std::optional<TimePoint> Anchor::nextDeadline() const
{
    auto next = earlier(stack_.nextDeadline(), registrar_.nextDeadline());
    next = earlier(earlier(next, router_.nextDeadline()), prefixes_.nextDeadline());
    next = earlier(next, multicast_.nextDeadline());
    if (!requestTimers_.empty()) next = earlier(next, requestTimers_.begin()->first);
    if (ipv4_) next = earlier(next, ipv4_->link().nextDeadline());
    for (const Indication& indication : indications_) next = earlier(next, indication.next);
    for (const auto& [interface, list] : homeAgents_) next = earlier(next, list.nextDeadline());
    return next;
}

void Anchor::handle(TimePoint now, Delivery& delivery, Output& out)
{
    for (int tunnel = 0; tunnel <= maxTunnels; ++tunnel) {
        if (delivery.kind == Delivery::Kind::Intercepted) return intercept(now, delivery, out);
        if (delivery.kind == Delivery::Kind::Forward && delivery.packet.destination.isMulticast()) return relayToMobileNodes(now, delivery, out);
        // NEMO-HA-05, MCOA-HA-09: what is for a network behind a mobile router, or for one that answers for itself on its home link.
        if (delivery.kind == Delivery::Kind::Forward && (!registrar_.mobileRouters().empty() || !homeLinks_.empty())) {
            if (homeLinks_.contains(delivery.packet.source) && stack_.interfaceOf(delivery.packet.source) == delivery.interface)
                cameFrom(delivery.packet.source, delivery.packet.source);
            if (registrar_.reaching(delivery.packet.destination)) return intercept(now, delivery, out);
        }
        if (delivery.kind == Delivery::Kind::Forward) return stack_.forward(now, std::move(delivery.packet), out);
        auto inner = local(now, delivery, out);
        if (!inner) return;
        auto next = stack_.receiveInner(now, delivery.interface, std::move(*inner), out);
        if (!next) return;
        delivery = std::move(*next);
    }
}

std::optional<Ipv6Packet> Anchor::local(TimePoint now, const Delivery& delivery, Output& out)
{
    const Ipv6Packet& packet = delivery.packet;
    if (packet.routing && packet.routing->segmentsLeft != 0) return std::nullopt;  // we are nobody's mobile node (RFC 6275 §6.4)
    switch (packet.nextHeader) {
    case proto::ipv6: return untunnel(now, packet, out);
    case proto::mobility: onMobility(now, delivery, out); break;
    case proto::icmpv6:
        if (const auto* error = delivery.icmp ? std::get_if<wire::IcmpError>(&*delivery.icmp) : nullptr) onTunnelError(now, *error, out);
        else serve(now, delivery, out);
        break;
    default: stack_.refuseUpper(now, packet, out);
    }
    return std::nullopt;
}

std::optional<Ipv6Packet> Anchor::untunnel(TimePoint now, const Ipv6Packet& packet, Output& out)
{
    auto inner = decapsulate(packet);
    if (!inner) return std::nullopt;
    if (inner->destination.isMulticast()) {
        fromMobileNode(now, packet, std::move(*inner), out);
        return std::nullopt;
    }
    // HMIP-MAP-06 takes packets from the node's tunnel; HA-FWD-02 and HMIP-MAP-07: only from its registered care-of address.
    const Binding* binding = registrar_.reaching(inner->source);
    if (!binding || !binding->isAt(packet.source) || (ipv4_ && wire::unmapped(packet.source))) {
        out.happened(now, "tunnel-refused", {{"outer_source", attribute(packet.source)}, {"inner_source", attribute(inner->source)},
                                             {"rule", attribute(std::string_view("HA-FWD-02"))}});
        return std::nullopt;
    }
    cameFrom(binding->homeAddress, packet.source);
    return inner;
}

void Anchor::cameFrom(const Ipv6Address& home, const Ipv6Address& careOf)
{
    if (registrar_.cameFrom(home, careOf)) tellStack(*registrar_.find(home), careOf);
}

void Anchor::onMobility(TimePoint now, const Delivery& delivery, Output& out, const std::optional<Ipv4Way>& from)
{
    const Ipv6Packet& packet = delivery.packet;
    constexpr std::uint8_t lastBasic = 7;
    constexpr std::uint8_t revocation = 16;
    constexpr std::size_t typeAt = 2;
    const bool revokes = packet.payload.size() > typeAt && packet.payload[typeAt] == revocation;
    bringNear(packet.homeAddress().value_or(packet.source), packet.source);
    const auto message = stack_.mobility(now, packet, out, revokes ? revocation : lastBasic);
    if (const auto* answer = message ? std::get_if<wire::BindingRevocation>(&*message) : nullptr) return onRevocation(now, packet, from.has_value(), *answer, out);
    const auto* update = message ? std::get_if<wire::BindingUpdate>(&*message) : nullptr;
    if (!update) return;
    // The answer and the tunnel come from this address: not from one of a group or of others as well.
    if (!stack_.owns(packet.destination) || packet.destination.isLinkLocal()) return;
    if (from && from->port == 0) return;  // RFC 5555 §4.2: updates are always in UDP
    const auto ipv4Source = from ? std::optional(wire::mapped(from->peer)) : std::nullopt;
    auto verdict = registrar_.judge(now, {packet.homeAddress(), packet.source, packet.destination, *update, ipv4Source});
    noteUpdate(delivery, *update, verdict);
    if (!out.quiet) out.happened(now, "binding-update",
                 {{"home_address", attribute(packet.homeAddress().value_or(packet.source))}, {"care_of_address", attribute(ipv4Source.value_or(packet.source))},
                  {"sequence", attribute(std::int64_t{update->sequence})}, {"reason", attribute(verdict.reason)},
                  {"bids", attribute(std::string_view(bidText(*update)))}, {"overwrite", attribute(update->has(wire::BindingUpdate::overwrite))}});
    if (!from) learnHomeLink(now, delivery, *update, verdict, out);
    if (!ipv4_) return act(now, std::move(verdict), out);
    const Ipv4Update asked = Ipv4Agent::read(*update, from);
    if (verdict.action == Action::Verify || verdict.action == Action::Wait) ipv4_->wait(verdict.homeAddress, asked);
    act(now, std::move(verdict), out, &asked);
}

void Anchor::bringNear(const Ipv6Address& home, const Ipv6Address& careOf) const
{
    // While the message is parsed: with thousands of bindings each look at one of these tables would wait for memory.
    registrar_.bringNear(home);
    prefixes_.bringNear(home);
    multicast_.bringNear(careOf);
    stack_.bringNear(careOf, home);
}

void Anchor::act(TimePoint now, Registrar::Verdict verdict, Output& out, const Ipv4Update* asked)
{
    nameNetworks();
    if (verdict.removed) release(now, *verdict.removed, "deleted", out);
    if (verdict.action == Action::Verify) return detect(now, *registrar_.bindings().find(verdict.homeAddress), out);
    if (verdict.action != Action::Answer) return;
    std::optional<Ipv4Update> waited;
    if (ipv4_ && !asked && (waited = ipv4_->answered(verdict.homeAddress))) asked = &*waited;
    if (const Binding* binding = registrar_.find(verdict.homeAddress); binding && verdict.ack.accepted()) {
        if (!verdict.same) rearrange(now, verdict.before, *binding, "deleted", out);
        if (asked && asked->from && binding->isAt(wire::mapped(asked->from->peer))) ipv4_->bound(verdict.homeAddress, *asked);
        bindingEvent(now, *binding, out);
        if (!verdict.same) defend(now, *binding, out);
        remember(now, *binding);
        applyFlowOptions(now, *binding, verdict.ack, out);
    }
    sendAck(now, verdict, asked, out);
}

void Anchor::sendAck(TimePoint now, Registrar::Verdict& verdict, const Ipv4Update* asked, Output& out)
{
    // HA-BU-06, HMIP-MAP-04: to the update's source, with the home address in the type 2 routing header.
    Ipv6Packet packet;
    packet.source = verdict.anchorAddress;
    packet.destination = verdict.replyTo;
    if (verdict.routingHeader) packet.routing = wire::Type2Routing{1, verdict.homeAddress};
    const auto way = asked ? asked->from : std::nullopt;
    if (way) packet.destination = verdict.homeAddress;  // RFC 5555 §4.2
    else if (wire::unmapped(verdict.replyTo)) return;
    if (asked) ipv4_->answer(verdict.homeAddress, *asked, verdict.ack);
    packet.nextHeader = proto::mobility;
    packet.payload = wire::emitMobility(verdict.ack, packet.pseudoHeader());
    if (!out.quiet) out.happened(now, "binding-acknowledgement",
                 {{"home_address", attribute(verdict.homeAddress)}, {"sequence", attribute(std::int64_t{verdict.ack.sequence})},
                  {"status", attribute(std::int64_t{verdict.ack.status})}, {"reason", attribute(verdict.reason)}});
    if (way) sendOverIpv4(now, packet, *way, out);
    else stack_.send(now, std::move(packet), out);
}

void Anchor::intercept(TimePoint now, Delivery& delivery, Output& out)
{
    Ipv6Packet& packet = delivery.packet;
    // HA-FWD-01: what is for the mobile node's link-local address stays on the link.
    if (packet.destination.isLinkLocal())
        return stack_.refuse(now, packet, wire::icmpv6Type::destinationUnreachable, addressUnreachable, out, 0, delivery.interface);
    const Binding* binding = registrar_.reaching(packet.destination);
    // The packet is forwarded into the tunnel (RFC 2473 §3.1).
    if (!binding || !stack_.passOn(now, packet, out)) return;
    if (flows_.empty()) return sendAlong(now, *binding, binding->careOfAddress, packet, out);
    sendByFlows(now, *binding, packet, out);
}

void Anchor::nameNetworks()
{
    if (!registrar_.policy().mobileRouters.routers.empty()) stack_.setTunnelled(registrar_.mobileRouters().prefixes());
}

void Anchor::sendToNetworks(TimePoint now, Output& out)
{
    for (int tunnel = 0; tunnel <= maxTunnels; ++tunnel) {
        const std::vector<Ipv6Packet> carried = stack_.takeCarried();
        if (carried.empty()) return;
        for (const Ipv6Packet& packet : carried) {
            if (ipv4_ && sendCarried(now, packet, out)) continue;
            const Binding* binding = registrar_.reaching(packet.destination);
            if (binding && tunnel < maxTunnels) sendByFlows(now, *binding, packet, out);
        }
    }
}

// ---- addresses of others

void Anchor::detect(TimePoint now, const Binding& binding, Output& out)
{
    const auto interface = stack_.interfaceOf(binding.homeAddress);
    if (!interface) return act(now, registrar_.verified(now, binding.homeAddress, true), out);  // a home link without a wire
    stack_.assign(now, *interface, binding.homeAddress, true, false, out);
    defendLinkLocal(now, *interface, binding, false, out);
}

void Anchor::detected(TimePoint now, std::size_t interface, const Ipv6Address& home, Output& out)
{
    const Binding* entry = registrar_.bindings().find(home);
    if (!entry || entry->state != Binding::State::Verifying) return;
    const Ipv6Address linkLocalAddress = linkLocal(interfaceId(home));
    const bool both = entry->has(wire::BindingUpdate::linkLocal);
    if (!isReady(interface, home) || (both && !isReady(interface, linkLocalAddress))) return;
    auto verdict = registrar_.verified(now, home, true);
    if (!verdict.ack.accepted()) stopDefending(now, home, out);
    else markRouter(interface, *registrar_.find(home));
    // HA-ND-01, HMIP-MAP-05: take the addresses over on their link before the answer leaves.
    if (verdict.ack.accepted()) stack_.advertiseProxy(now, interface, home, out);
    if (verdict.ack.accepted() && both) stack_.advertiseProxy(now, interface, linkLocalAddress, out);
    act(now, std::move(verdict), out);
}

void Anchor::conflict(TimePoint now, const Ipv6Address& home, Output& out)
{
    auto verdict = registrar_.verified(now, home, false);
    if (verdict.action == Action::Drop) return;
    stopDefending(now, home, out);
    forgetParts(home);
    act(now, std::move(verdict), out);
}

void Anchor::defend(TimePoint now, const Binding& binding, Output& out)
{
    const auto interface = stack_.interfaceOf(binding.homeAddress);
    if (!interface) return;
    if (leavesDiscovery(binding)) return stopDefending(now, binding.homeAddress, out);
    if (!stack_.find(binding.homeAddress)) {
        stack_.assign(now, *interface, binding.homeAddress, true, true, out);
        markRouter(*interface, binding);
        stack_.advertiseProxy(now, *interface, binding.homeAddress, out);
    }
    defendLinkLocal(now, *interface, binding, true, out);
}

void Anchor::markRouter(std::size_t interface, const Binding& binding)
{
    // NEMO-HA-02: the router flag in advertisements, for as long as the binding lasts.
    if (registrar_.mobileRouters().contains(binding.homeAddress)) stack_.setProxyRouter(interface, binding.homeAddress);
}

void Anchor::defendLinkLocal(TimePoint now, std::size_t interface, const Binding& binding, bool verified, Output& out)
{
    if (!binding.has(wire::BindingUpdate::linkLocal)) return releaseLinkLocal(now, binding.homeAddress, out);
    const Ipv6Address address = linkLocal(interfaceId(binding.homeAddress));
    auto& users = linkLocals_[{interface, address}];
    if (std::find(users.begin(), users.end(), binding.homeAddress) != users.end()) return;
    users.push_back(binding.homeAddress);
    if (users.size() > 1) return;
    stack_.assign(now, interface, address, true, verified, out);
    if (verified) stack_.advertiseProxy(now, interface, address, out);
}

void Anchor::stopDefending(TimePoint now, const Ipv6Address& home, Output& out)
{
    releaseLinkLocal(now, home, out);
    if (const auto interface = stack_.interfaceOf(home)) stack_.remove(now, *interface, home, out);
}

void Anchor::releaseLinkLocal(TimePoint now, const Ipv6Address& home, Output& out)
{
    if (linkLocals_.empty()) return;
    const auto interface = stack_.interfaceOf(home);
    if (!interface) return;
    const auto it = linkLocals_.find({*interface, linkLocal(interfaceId(home))});
    if (it == linkLocals_.end() || std::erase(it->second, home) == 0 || !it->second.empty()) return;
    stack_.remove(now, *interface, it->first.second, out);
    linkLocals_.erase(it);
}

bool Anchor::isReady(std::size_t interface, const Ipv6Address& address) const
{
    const InterfaceAddress* held = stack_.findOn(interface, address);
    return held && held->state == AddressState::Preferred;
}

void Anchor::drainStack(TimePoint now, Output& out)
{
    for (const StackEvent& event : stack_.takeEvents()) {
        if (event.kind != StackEvent::Kind::AddressReady && event.kind != StackEvent::Kind::AddressDuplicate) continue;
        std::vector<Ipv6Address> homes{event.address};
        if (const auto it = linkLocals_.find({event.interface, event.address}); it != linkLocals_.end()) homes = it->second;
        for (const Ipv6Address& home : homes) {
            if (event.kind == StackEvent::Kind::AddressReady) detected(now, event.interface, home, out);
            else conflict(now, home, out);
        }
    }
}

void Anchor::release(TimePoint now, const Binding& binding, std::string_view why, Output& out)
{
    stopDefending(now, binding.homeAddress, out);
    if (ipv4_) ipv4_->forget(binding.homeAddress);
    nameNetworks();
    if (binding.state != Binding::State::Valid) return;
    stack_.clearMobilePeer(binding.homeAddress);
    forget(binding.homeAddress);
    if (const auto flows = flows_.find(binding.homeAddress); flows != flows_.end()) tellFlows(now, binding.homeAddress, flows->second, {}, out);
    forgetParts(binding.homeAddress);
    for (const Ipv6Address& place : binding.places()) multicast_.left(binding.homeAddress, place);
    leaveGroups(now, binding.homeAddress, multicast_.unbound(binding.homeAddress), out);
    out.happened(now, "binding-removed", {{"home_address", attribute(binding.homeAddress)}, {"reason", attribute(why)}});
    for (const BidBinding& part : binding.parts()) out.removed(now, "binding", keyOf(binding.homeAddress, part.bid));
    for (const Ipv6Address& place : binding.tunnels()) out.removed(now, "tunnel", {{"peer", attribute(place)}, {"home_address", attribute(binding.homeAddress)}});
}

void Anchor::rearrange(TimePoint now, const std::vector<BidBinding>& before, const Binding& binding, std::string_view why, Output& out)
{
    const Ipv6Address& home = binding.homeAddress;
    const auto parts = binding.parts();
    std::vector<Ipv6Address> gone;
    for (const BidBinding& old : before) {
        if (std::none_of(parts.begin(), parts.end(), [&](const BidBinding& part) { return part.bid == old.bid; })) {
            if (old.bid != 0) out.happened(now, "binding-removed", {{"home_address", attribute(home)}, {"bid", attribute(std::int64_t{old.bid})}, {"reason", attribute(why)}});
            out.removed(now, "binding", keyOf(home, old.bid));
        }
        if (binding.isAt(old.careOfAddress) || std::find(gone.begin(), gone.end(), old.careOfAddress) != gone.end()) continue;
        gone.push_back(old.careOfAddress);
        if (ipv4_) ipv4_->left(home, old.careOfAddress);
        multicast_.left(home, old.careOfAddress);
        if (!old.home) out.removed(now, "tunnel", {{"peer", attribute(old.careOfAddress)}, {"home_address", attribute(home)}});
    }
    for (const BidBinding& part : parts) multicast_.bound(home, part.careOfAddress);
    // RFC 6275 §10.4.3 is about home agents; a MAP asks those that report of their own accord.
    if (!binding.regional) multicast_.ask(now, home);
    // MCOA-HA-15: it has left its home link.
    if (!homeLinks_.empty() && std::none_of(parts.begin(), parts.end(), [](const BidBinding& part) { return part.home; })) leftHomeLink(home);
    // HA-FWD-03, HA-HAO-01, MCOA-CN-02
    tellStack(binding, binding.careOfAddress);
}

void Anchor::expire(TimePoint now, Output& out)
{
    for (const Binding& ended : registrar_.expire(now)) {
        const Binding* rest = registrar_.find(ended.homeAddress);
        if (!rest) {
            release(now, ended, "expired", out);
            continue;
        }
        rearrange(now, ended.parts(), *rest, "expired", out);
        defend(now, *rest, out);
        remember(now, *rest);
        bindingEvent(now, *rest, out);
    }
}

void Anchor::bindingEvent(TimePoint now, const Binding& binding, Output& out) const
{
    if (out.quiet) return;
    const auto& routers = registrar_.mobileRouters();
    std::vector<std::string> networks;  // NEMO-HA-05
    if (!routers.empty())
        for (const Prefix& prefix : routers.prefixesOf(binding.homeAddress)) networks.push_back(prefix.text());
    for (const BidBinding& part : binding.parts()) {
        // RFC 5648 has no word about MAPs.
        const bool extension = binding.regional && part.bid != 0;
        Attributes state{{"care_of_address", attribute(part.careOfAddress)}, {"sequence", attribute(std::int64_t{binding.sequence})},
                     {"flags", attribute(std::int64_t{binding.flags})}, {"lifetime", attribute(toDuration(part.granted))},
                     {"expires", attribute(part.expires)}, {"status", attribute(std::int64_t{binding.status})},
                     {"bid_priority", attribute(std::int64_t{part.priority})}, {"home", attribute(part.home)}, {"extension", attribute(extension)}};
        if (!networks.empty()) state.emplace_back("networks", fmt::format("{}", fmt::join(networks, " ")));
        out.changed(now, "binding", keyOf(binding.homeAddress, part.bid), std::move(state));
    }
    for (const Ipv6Address& place : binding.tunnels())
        out.changed(now, "tunnel", {{"peer", attribute(place)}, {"home_address", attribute(binding.homeAddress)}}, {{"local", attribute(binding.anchorAddress)}});
}

}  // namespace roamscope::node
