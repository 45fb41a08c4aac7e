// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/anchor.hpp"

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;
using Action = Registrar::Verdict::Action;

namespace {

/// Tunnels that one packet may come out of here; more is a loop (RFC 2473 §4.1).
constexpr int maxTunnels = 4;

Attributes bindingKey(const Ipv6Address& homeAddress)
{
    return {{"home_address", attribute(homeAddress)}, {"bid", std::monostate{}}};
}

Registrar::Policy withOwnAddresses(Registrar::Policy policy, const IpStack& stack)
{
    for (std::size_t i = 0; i < stack.interfaceCount(); ++i)
        for (const InterfaceAddress& address : stack.addresses(i))
            if (!address.proxy) policy.own.push_back(address.address);
    return policy;
}

}  // namespace

Anchor::Anchor(IpStack stack, Registrar::Policy policy, std::vector<RouterAdvertiser> advertisers)
    : stack_(std::move(stack)), registrar_(withOwnAddresses(std::move(policy), stack_)), advertisers_(std::move(advertisers))
{
    stack_.setMobilitySupport();
}

void Anchor::receive(TimePoint now, std::size_t interface, ByteView frame, Output& out)
{
    auto delivery = stack_.receive(now, interface, frame, out);
    if (delivery && !answerSolicitation(now, *delivery, stack_, advertisers_, out)) handle(now, std::move(*delivery), out);
    drainStack(now, out);
}

void Anchor::advance(TimePoint now, Output& out)
{
    stack_.advance(now, out);
    for (RouterAdvertiser& advertiser : advertisers_) advertiser.advance(now, stack_, out);
    drainStack(now, out);
    for (const Binding& binding : registrar_.expire(now)) release(now, binding, "expired", out);
}

std::optional<TimePoint> Anchor::nextDeadline() const
{
    auto next = earlier(stack_.nextDeadline(), registrar_.nextDeadline());
    for (const RouterAdvertiser& advertiser : advertisers_) next = earlier(next, advertiser.nextDeadline());
    return next;
}

bool Anchor::revoke(TimePoint now, const Ipv6Address& homeAddress, Output& out)
{
    const auto binding = registrar_.end(now, homeAddress);
    if (binding) release(now, *binding, "revoked", out);
    return binding.has_value();
}

void Anchor::configure(TimePoint now, Registrar::Policy policy, std::vector<RouterAdvertiser> advertisers)
{
    registrar_.configure(withOwnAddresses(std::move(policy), stack_));
    advertisers_ = std::move(advertisers);
    for (RouterAdvertiser& advertiser : advertisers_) advertiser.startAt(now);
}

void Anchor::handle(TimePoint now, Delivery delivery, Output& out)
{
    for (int tunnel = 0; tunnel <= maxTunnels; ++tunnel) {
        if (delivery.kind == Delivery::Kind::Intercepted) return intercept(now, std::move(delivery.packet), out);
        if (delivery.kind == Delivery::Kind::Forward) return stack_.forward(now, std::move(delivery.packet), out);
        auto inner = local(now, delivery, out);
        if (!inner) return;
        const auto kind = stack_.classify(inner->destination);
        if (!kind) return;
        delivery.kind = *kind;
        delivery.packet = std::move(*inner);
        delivery.icmp.reset();
    }
}

std::optional<Ipv6Packet> Anchor::local(TimePoint now, const Delivery& delivery, Output& out)
{
    const Ipv6Packet& packet = delivery.packet;
    if (packet.routing && packet.routing->segmentsLeft != 0) return std::nullopt;  // we are nobody's mobile node (RFC 6275 §6.4)
    if (packet.nextHeader == proto::mobility) {
        onMobility(now, delivery, out);
        return std::nullopt;
    }
    auto inner = decapsulate(packet);
    if (!inner) return std::nullopt;
    // HMIP-MAP-06 takes packets from the node's tunnel; HA-FWD-02 and HMIP-MAP-07: only from its registered care-of address.
    const Binding* binding = registrar_.find(inner->source);
    if (!binding || binding->careOfAddress != packet.source) {
        out.happened(now, "tunnel-refused", {{"outer_source", attribute(packet.source)}, {"inner_source", attribute(inner->source)},
                                             {"rule", attribute(std::string_view("HA-FWD-02"))}});
        return std::nullopt;
    }
    return inner;
}

void Anchor::onMobility(TimePoint now, const Delivery& delivery, Output& out)
{
    const Ipv6Packet& packet = delivery.packet;
    const auto message = stack_.mobility(now, packet, out);
    const auto* update = message ? std::get_if<wire::BindingUpdate>(&*message) : nullptr;
    if (!update) return;
    const auto verdict = registrar_.judge(now, {packet.homeAddress(), packet.source, packet.destination, *update});
    out.happened(now, "binding-update",
                 {{"home_address", attribute(packet.homeAddress().value_or(packet.source))}, {"care_of_address", attribute(packet.source)},
                  {"sequence", attribute(std::int64_t{update->sequence})}, {"reason", attribute(verdict.reason)}});
    // HA-DEREG-03: the answer to a node that is at home goes to its link-layer address, even while others are told ours.
    if (verdict.action == Action::Answer && !packet.homeAddress() && stack_.interfaceOf(packet.source) == delivery.interface)
        stack_.learnNeighbor(now, delivery.interface, packet.source, delivery.sourceMac, false, out);
    act(now, verdict, out);
}

void Anchor::act(TimePoint now, const Registrar::Verdict& verdict, Output& out)
{
    if (verdict.action == Action::Drop) return;
    if (verdict.removed) release(now, *verdict.removed, "deleted", out);
    const auto interface = stack_.interfaceOf(verdict.homeAddress);
    if (verdict.action == Action::Verify && interface) {
        stack_.assign(now, *interface, verdict.homeAddress, true, false, out);
        return;
    }
    if (verdict.action != Action::Answer) return;
    if (const Binding* binding = registrar_.find(verdict.homeAddress); binding && verdict.ack.accepted()) {
        if (verdict.replaced) out.removed(now, "tunnel", {{"peer", attribute(*verdict.replaced)}, {"home_address", attribute(binding->homeAddress)}});
        bindingEvent(now, *binding, out);
        stack_.setMobilePeer(binding->homeAddress, binding->careOfAddress);  // HA-FWD-03, HA-HAO-01
        if (interface && !stack_.find(verdict.homeAddress)) {
            stack_.assign(now, *interface, verdict.homeAddress, true, true, out);
            stack_.advertiseProxy(now, *interface, verdict.homeAddress, out);
        }
    }
    sendAck(now, verdict, out);
}

void Anchor::sendAck(TimePoint now, const Registrar::Verdict& verdict, Output& out)
{
    // HA-BU-06, HMIP-MAP-04: to the update's source, with the home address in the type 2 routing header.
    Ipv6Packet packet;
    packet.source = verdict.anchorAddress;
    packet.destination = verdict.replyTo;
    if (verdict.routingHeader) packet.routing = wire::Type2Routing{1, verdict.homeAddress};
    packet.nextHeader = proto::mobility;
    packet.payload = wire::emitMobility(verdict.ack, packet.pseudoHeader());
    out.happened(now, "binding-acknowledgement",
                 {{"home_address", attribute(verdict.homeAddress)}, {"sequence", attribute(std::int64_t{verdict.ack.sequence})},
                  {"status", attribute(std::int64_t{verdict.ack.status})}, {"reason", attribute(verdict.reason)}});
    stack_.send(now, std::move(packet), out);
}

void Anchor::intercept(TimePoint now, Ipv6Packet packet, Output& out)
{
    const Binding* binding = registrar_.find(packet.destination);
    // The packet is forwarded into the tunnel (RFC 2473 §3.1).
    if (!binding || !stack_.passOn(now, packet, out)) return;
    stack_.sendThroughTunnel(now, packet, binding->anchorAddress, binding->careOfAddress, out);
}

void Anchor::drainStack(TimePoint now, Output& out)
{
    for (const StackEvent& event : stack_.takeEvents()) {
        if (event.kind == StackEvent::Kind::NeighborLost) continue;
        const bool unique = event.kind == StackEvent::Kind::AddressReady;
        const auto verdict = registrar_.verified(now, event.address, unique);
        if (verdict.action == Action::Drop) continue;
        // HA-ND-01, HMIP-MAP-05: take the address over on its link before the answer leaves.
        if (unique) stack_.advertiseProxy(now, event.interface, event.address, out);
        act(now, verdict, out);
    }
}

void Anchor::release(TimePoint now, const Binding& binding, std::string_view why, Output& out)
{
    stack_.clearMobilePeer(binding.homeAddress);
    out.happened(now, "binding-removed", {{"home_address", attribute(binding.homeAddress)}, {"reason", attribute(why)}});
    out.removed(now, "binding", bindingKey(binding.homeAddress));
    out.removed(now, "tunnel", {{"peer", attribute(binding.careOfAddress)}, {"home_address", attribute(binding.homeAddress)}});
    if (const auto interface = stack_.interfaceOf(binding.homeAddress)) stack_.remove(now, *interface, binding.homeAddress, out);
}

void Anchor::bindingEvent(TimePoint now, const Binding& binding, Output& out) const
{
    out.changed(now, "binding", bindingKey(binding.homeAddress),
                {{"care_of_address", attribute(binding.careOfAddress)}, {"sequence", attribute(std::int64_t{binding.sequence})},
                 {"flags", attribute(std::int64_t{binding.flags})}, {"lifetime", attribute(Duration(std::chrono::seconds(4 * std::int64_t{binding.granted.count()})))},
                 {"expires", attribute(binding.expires)}, {"status", attribute(std::int64_t{0})}});
    out.changed(now, "tunnel", {{"peer", attribute(binding.careOfAddress)}, {"home_address", attribute(binding.homeAddress)}},
                {{"local", attribute(binding.anchorAddress)}});
}

}  // namespace roamscope::node
