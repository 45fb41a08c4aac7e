// SPDX-License-Identifier: GPL-3.0-or-later
// What a home agent or MAP does for mobile nodes with several care-of addresses beside their registration: flow bindings (RFC 6089
// §5.3.6), the home link beside others (RFC 5648 §5.6, §6.3), and revocation of all or some of them (RFC 5846 §7).
#include "protocol/node/anchor.hpp"
#include "protocol/node/flow_events.hpp"

#include <algorithm>
#include <iterator>

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;

namespace {

constexpr std::size_t macOctets = 6;
constexpr std::uint8_t ofMobileNode = 2;       // option code, RFC 5568 §6.4.4
constexpr std::uint8_t administrative = 1;     // revocation trigger, RFC 5846 §5.1
constexpr Duration firstRevocationDelay = 1s;  // InitMINDelayBRIs, RFC 5846 §11
constexpr Duration lastRevocationDelay = 2s;   // MAX_BRACK_TIMEOUT
constexpr std::uint8_t firstRefusal = 128;     // of the status of an acknowledgement, RFC 5846 §5.2
constexpr int maxTunnels = 4;                  // that are looked into

/// MCOA-HA-16: the option tells, or the frame does when it comes from home.
Mac homeMac(const Delivery& delivery, const wire::BindingUpdate& update, const Ipv6Address& home)
{
    Mac mac;
    const auto* option = wire::findOption<wire::LinkLayerAddress>(update.options);
    if (option && option->code == ofMobileNode && option->address.size() == macOctets) std::copy(option->address.begin(), option->address.end(), mac.octets.begin());
    else if (delivery.packet.source == home) mac = delivery.sourceMac;
    return mac;
}

/// The value of the tunnel encapsulation limit in the destination options header that takes the octets from `at` to `end`.
std::optional<std::size_t> limitIn(ByteView packet, std::size_t at, std::size_t end)
{
    for (at += 2; at + 1 < end;) {
        if (packet[at] == wire::optionTunnelLimit && packet[at + 1] == 1 && at + 2 < end) return at + 2;
        at += packet[at] == 0 ? 1u : 2u + packet[at + 1];
    }
    return std::nullopt;
}

/// RFC 2473 §4.1.1: where a tunnel encapsulation limit of zero stands in the packet, which then enters no further tunnel.
std::optional<std::uint32_t> spentLimitAt(const Ipv6Packet& packet)
{
    if (packet.destinationOptions.empty()) return std::nullopt;
    constexpr std::size_t nextHeaderAt = 6;
    const Bytes whole = wire::emitIpv6(packet);
    std::uint8_t next = whole[nextHeaderAt];
    for (std::size_t at = Ipv6Packet::headerOctets; next == proto::hopByHop || next == proto::routing || next == proto::destinationOptions;) {
        const std::size_t end = at + 8u * (whole[at + 1] + 1u);
        const auto limit = next == proto::destinationOptions ? limitIn(whole, at, end) : std::nullopt;
        if (limit) return whole[*limit] == 0 ? std::optional(static_cast<std::uint32_t>(*limit)) : std::nullopt;
        next = whole[at];
        at = end;
    }
    return std::nullopt;
}

}  // namespace

void Anchor::learnHomeLink(TimePoint now, const Delivery& delivery, const wire::BindingUpdate& update, const Registrar::Verdict& verdict, Output& out)
{
    const Ipv6Address& home = verdict.homeAddress;
    const auto interface = stack_.interfaceOf(home);
    if (verdict.action != Registrar::Verdict::Action::Answer || delivery.packet.source != home || interface != delivery.interface) return;
    if (const Mac mac = homeMac(delivery, update, home); mac != Mac{}) stack_.learnNeighbor(now, *interface, home, mac, false, out);
}

void Anchor::noteUpdate(const Delivery& delivery, const wire::BindingUpdate& update, const Registrar::Verdict& verdict)
{
    using Action = Registrar::Verdict::Action;
    if (verdict.action == Action::Drop || (verdict.action == Action::Answer && !verdict.ack.accepted())) return;
    const Ipv6Address& home = verdict.homeAddress;
    if (services_.flows.support != FlowPolicy::Support::Unknown && hasFlows(update.options)) flowOptions_[home] = update.options;
    else if (!flowOptions_.empty()) flowOptions_.erase(home);

    const auto isHome = [](const wire::MobilityOption& o) {
        const auto* bid = std::get_if<wire::BindingIdentifier>(&o);
        return bid && bid->home;
    };
    const auto& bids = registrar_.policy().bids;
    if (bids.support != BidPolicy::Support::On || update.lifetime.count() == 0 || std::none_of(update.options.begin(), update.options.end(), isHome)) return;
    const Binding* entry = registrar_.bindings().find(home);
    if (!entry || !entry->isAt(home)) return;  // its part was refused
    homeLinks_.insert(home);
    const auto interface = stack_.interfaceOf(home);
    // Where it does neighbour discovery itself, so do we.
    if (const Mac mac = homeMac(delivery, update, home); interface && mac != Mac{} && !bids.homeNeighborDiscovery) stack_.pinNeighbor(*interface, home, mac);
}

void Anchor::leftHomeLink(const Ipv6Address& home)
{
    if (homeLinks_.erase(home) == 0) return;
    if (const auto interface = stack_.interfaceOf(home)) stack_.pinNeighbor(*interface, home, std::nullopt);
}

void Anchor::tellStack(const Binding& binding, const Ipv6Address& careOf)
{
    const auto flows = flows_.find(binding.homeAddress);
    stack_.setMobilePeer(binding.homeAddress, careOf, binding.careOfs, flows == flows_.end() ? std::vector<Flow>{} : flows->second);
}

bool Anchor::leavesDiscovery(const Binding& binding) const
{
    return registrar_.policy().bids.homeNeighborDiscovery && homeLinks_.contains(binding.homeAddress);
}

void Anchor::applyFlowOptions(TimePoint now, const Binding& binding, wire::BindingAck& ack, Output& out)
{
    if (flowOptions_.empty() && flows_.empty()) return;
    const Ipv6Address& home = binding.homeAddress;
    const auto options = flowOptions_.extract(home);
    const auto it = flows_.find(home);
    if (options.empty() && it == flows_.end()) return;
    std::vector<std::uint16_t> bids;
    for (const BidBinding& part : binding.careOfs) bids.push_back(part.bid);
    static const std::vector<wire::MobilityOption> nothing;
    static const std::vector<Flow> none;
    FlowOutcome outcome = applyFlows(options.empty() ? nothing : options.mapped(), it == flows_.end() ? none : it->second, bids, services_.flows);
    for (const wire::FlowIdentification& answer : outcome.answers) {
        out.happened(now, "flow-binding", {{"home_address", attribute(home)}, {"flow", attribute(std::int64_t{answer.flow})}, {"status", attribute(std::int64_t{answer.status})}});
        ack.options.push_back(answer);
    }
    tellFlows(now, home, it == flows_.end() ? none : it->second, outcome.flows, out);
    if (outcome.flows.empty()) flows_.erase(home);
    else flows_[home] = std::move(outcome.flows);
    tellStack(binding, binding.careOfAddress);
}

void Anchor::forgetParts(const Ipv6Address& home)
{
    leftHomeLink(home);
    flowOptions_.erase(home);
    flows_.erase(home);
    std::erase_if(indications_, [&](const Indication& i) { return i.homeAddress == home; });
}

// ---- packets for mobile nodes

void Anchor::sendByFlows(TimePoint now, const Binding& binding, const Ipv6Packet& packet, Output& out)
{
    const auto it = flows_.find(binding.homeAddress);
    const auto partOf = [&](std::uint16_t bid) {
        return std::find_if(binding.careOfs.begin(), binding.careOfs.end(), [&](const BidBinding& b) { return b.bid == bid; });
    };
    const auto lives = [&](std::uint16_t bid) { return partOf(bid) != binding.careOfs.end(); };
    const Flow* flow = it == flows_.end() ? nullptr : steering_.choose(now, it->second, packet, false, lives);
    if (!flow && binding.regional && it != flows_.end()) {
        // What a home agent sends to an RCoA is in a tunnel: the packet inside tells the flow (an extension, RFC 6089 has no word on it).
        auto inner = decapsulate(packet);
        for (int tunnels = 1; inner && tunnels < maxTunnels; ++tunnels) {
            flow = steering_.choose(now, it->second, *inner, false, lives);
            inner = flow ? std::nullopt : decapsulate(*inner);
        }
    }
    // FLOW-08: where no flow matches, the first care-of address.
    if (!flow) return sendAlong(now, binding, binding.careOfAddress, packet, out);
    std::vector<Ipv6Address> ways;
    for (const std::uint16_t bid : flow->bids)
        if (lives(bid) && std::find(ways.begin(), ways.end(), partOf(bid)->careOfAddress) == ways.end()) ways.push_back(partOf(bid)->careOfAddress);
    for (const Ipv6Address& way : ways) sendAlong(now, binding, way, packet, out);
}

void Anchor::sendAlong(TimePoint now, const Binding& binding, const Ipv6Address& careOf, const Ipv6Packet& packet, Output& out)
{
    // MCOA-HA-15: the mobile node is on its home link, too.
    if (careOf == binding.homeAddress) {
        const auto interface = stack_.interfaceOf(careOf);
        if (packet.destination == careOf || !interface) return stack_.send(now, packet, out);
        return stack_.sendVia(now, packet, *interface, careOf, out);  // to the network behind it
    }
    if (ipv4_ && wire::unmapped(careOf)) {
        if (const auto way = ipv4Way(binding.homeAddress, careOf)) sendOverIpv4(now, packet, *way, out);
        return;
    }
    if (const auto at = spentLimitAt(packet)) return stack_.refuse(now, packet, wire::icmpv6Type::parameterProblem, 0, out, *at);
    stack_.send(now, encapsulate(packet, binding.anchorAddress, careOf), out);
}

// ---- revocation

bool Anchor::revoke(TimePoint now, const Revocation& order, Output& out)
{
    const Binding* binding = registrar_.find(order.homeAddress);
    if (!binding) return false;
    const auto& parts = binding->careOfs;
    const auto isNamed = [&](const BidBinding& b) { return std::find(order.bids.begin(), order.bids.end(), b.bid) != order.bids.end(); };
    const auto named = static_cast<std::size_t>(std::count_if(parts.begin(), parts.end(), isNamed));
    if (named != order.bids.size()) return false;
    if (!order.notify) {
        endRevoked(now, order.homeAddress, order.bids, out);
        return true;
    }
    // RFC 5846 §7: it lives on until the mobile node has answered, or has stayed silent.
    if (named == 0 || named == parts.size()) indicateRevocation(now, *binding, binding->careOfAddress, {}, out);
    else indicateRevocation(now, *binding, std::find_if(parts.begin(), parts.end(), isNamed)->careOfAddress, order.bids, out);
    return true;
}

void Anchor::endRevoked(TimePoint now, const Ipv6Address& home, std::vector<std::uint16_t> bids, Output& out)
{
    const Binding* binding = registrar_.find(home);
    if (!binding) return;
    const bool all = bids.empty();
    const auto isThere = [&](std::uint16_t bid) { return std::any_of(binding->careOfs.begin(), binding->careOfs.end(), [&](const BidBinding& b) { return b.bid == bid; }); };
    std::erase_if(bids, [&](std::uint16_t bid) { return !isThere(bid); });
    if (!all && bids.empty()) return;  // they have gone meanwhile
    if (all || bids.size() == binding->careOfs.size()) {
        const Binding before = *binding;
        (void)registrar_.end(now, home);
        return release(now, before, "revoked", out);
    }
    const auto before = registrar_.end(home, bids);
    if (!before) return;
    rearrange(now, *before, *binding, "revoked", out);
    defend(now, *binding, out);
    bindingEvent(now, *binding, out);
}

void Anchor::indicateRevocation(TimePoint now, const Binding& binding, const Ipv6Address& careOf, const std::vector<std::uint16_t>& bids, Output& out)
{
    // MCOA-BR-01: to the care-of address, with the home address in the routing header, and the identifiers unless all end.
    wire::BindingRevocation message;
    message.code = administrative;
    message.sequence = ++lastIndication_;
    for (const std::uint16_t bid : bids) message.options.push_back(wire::BindingIdentifier{bid, 0, false, 0, {}});
    const auto way = ipv4Way(binding.homeAddress, careOf);
    Indication indication{binding.homeAddress, bids, {}, way, message.sequence, now + firstRevocationDelay, false};
    Ipv6Packet& packet = indication.packet;
    packet.source = binding.anchorAddress;
    packet.destination = way ? binding.homeAddress : careOf;
    if (!way) packet.routing = wire::Type2Routing{1, binding.homeAddress};
    packet.nextHeader = proto::mobility;
    packet.payload = wire::emitMobility(message, packet.pseudoHeader());
    out.happened(now, "binding-revocation", {{"home_address", attribute(binding.homeAddress)}, {"sequence", attribute(std::int64_t{message.sequence})}, {"copy", attribute(false)}});
    sendIndication(now, indication, out);
    indications_.push_back(std::move(indication));
    if (indications_.size() <= maxIndications) return;
    const Indication oldest = std::move(indications_.front());
    indications_.erase(indications_.begin());
    endRevoked(now, oldest.homeAddress, oldest.bids, out);
}

void Anchor::sendIndication(TimePoint now, const Indication& indication, Output& out)
{
    if (indication.way) sendOverIpv4(now, indication.packet, *indication.way, out);
    else stack_.send(now, indication.packet, out);
}

void Anchor::onRevocation(TimePoint now, const Ipv6Packet& packet, bool overIpv4, const wire::BindingRevocation& message, Output& out)
{
    const auto home = overIpv4 ? std::optional(packet.source) : packet.homeAddress();
    if (message.kind != wire::BindingRevocation::acknowledgement || !home) return;
    const auto it = std::find_if(indications_.begin(), indications_.end(), [&](const Indication& i) { return i.homeAddress == *home && i.sequence == message.sequence; });
    if (it == indications_.end()) return;  // RFC 5846 §6.2: silently
    const Indication answered = std::move(*it);
    indications_.erase(it);
    out.happened(now, "revocation-acknowledged", {{"home_address", attribute(*home)}, {"sequence", attribute(std::int64_t{message.sequence})}, {"status", attribute(std::int64_t{message.code})}});
    // RFC 5846 §6.2.2: what a refusal means is up to us. The mobile node goes on using the binding, so it stays.
    if (message.code < firstRefusal) endRevoked(now, answered.homeAddress, answered.bids, out);
}

void Anchor::repeatRevocations(TimePoint now, Output& out)
{
    // RFC 5846 §6.3: once more, and then it ends without an answer.
    const auto isOver = [&](const Indication& i) { return i.repeated && i.next <= now; };
    std::vector<Indication> over;
    std::copy_if(indications_.begin(), indications_.end(), std::back_inserter(over), isOver);
    std::erase_if(indications_, isOver);
    for (const Indication& indication : over) endRevoked(now, indication.homeAddress, indication.bids, out);
    for (Indication& indication : indications_) {
        if (indication.next > now) continue;
        indication.repeated = true;
        indication.next = now + lastRevocationDelay;
        out.happened(now, "binding-revocation", {{"home_address", attribute(indication.homeAddress)}, {"sequence", attribute(std::int64_t{indication.sequence})}, {"copy", attribute(true)}});
        sendIndication(now, indication, out);
    }
}

}  // namespace roamscope::node
