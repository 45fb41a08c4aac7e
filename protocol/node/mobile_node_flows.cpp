// SPDX-License-Identifier: GPL-3.0-or-later
// The flow bindings of the mobile node at its home agent, its MAPs and its correspondents (RFC 6089 §5.2), and its own packets by the same
// flows. That a MAP looks at what is inside the home agent's tunnel is an extension of ours.
#include "protocol/node/mobile_node.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;
using Slot = BidRegistration::Slot;

namespace {

/// What the user sent, inside of its tunnels.
Ipv6Packet innermost(Ipv6Packet packet)
{
    constexpr int maxTunnels = 4;
    for (int tunnels = 0; tunnels < maxTunnels; ++tunnels) {
        auto inner = decapsulate(packet);
        if (!inner) break;
        packet = std::move(*inner);
    }
    return packet;
}

}  // namespace

// ---- by which path

const Slot* MobileNode::pathOf(TimePoint now, Home& home, const Ipv6Packet& packet)
{
    const auto lives = [&](std::uint16_t bid) {
        const Slot* slot = home.paths.find(bid);
        return slot && slot->usable() && works(*slot);
    };
    // FLOW-09: our own signalling takes no part.
    const Flow* flow = packet.nextHeader == proto::mobility ? nullptr : home.steering.choose(now, home.flows.flows(), packet, true, lives);
    if (!flow) return bestPath(home);
    // MCOA-MN-14: one path at a time, the first of those that live.
    return home.paths.find(*std::find_if(flow->bids.begin(), flow->bids.end(), lives));
}

std::optional<MobileNode::MapTunnel> MobileNode::tunnelFor(TimePoint now, const Ipv6Packet& packet)
{
    auto tunnel = tunnelOf(packet.source);
    const auto paths = tunnel ? mapPaths_.find(tunnel->map) : mapPaths_.end();
    const auto flows = tunnel ? mapFlows_.find(tunnel->map) : mapFlows_.end();
    if (paths == mapPaths_.end() || flows == mapFlows_.end() || flows->second.told.flows().empty()) return tunnel;
    const Ipv6Packet data = innermost(packet);
    if (data.nextHeader == proto::mobility) return tunnel;  // FLOW-09
    const auto lives = [&](std::uint16_t bid) {
        const Slot* slot = paths->second.find(bid);
        return slot && slot->usable() && usable(slot->path.careOf);
    };
    const Flow* flow = flows->second.steering.choose(now, flows->second.told.flows(), data, true, lives);
    if (flow) tunnel->careOf = paths->second.find(*std::find_if(flow->bids.begin(), flow->bids.end(), lives))->path.careOf;
    return tunnel;
}

std::optional<Ipv6Address> MobileNode::optimisedFrom(TimePoint now, const Ipv6Packet& packet, const Ipv6Address& correspondent)
{
    const Home* home = findHome(packet.source);
    const auto careOfAt = [&](std::uint16_t bid) -> std::optional<Ipv6Address> {
        const Slot* slot = home->paths.find(bid);
        const auto peer = peers_.find({home->address, correspondent, bid});
        const bool there = slot && peer != peers_.end() && slot->usable() && !slot->path.home && works(*slot) && peer->second.registeredCareOf(now) == slot->path.careOf;
        return there ? std::optional(slot->path.careOf) : std::nullopt;
    };
    const auto flows = peerFlows_.find({packet.source, correspondent});
    if (home && flows != peerFlows_.end() && tellsBids(*home, correspondent)) {
        // The correspondent takes packets from every care-of address that it has (MCOA-CN-02), whatever it says of flows.
        const auto lives = [&](std::uint16_t bid) { return careOfAt(bid).has_value(); };
        if (const Flow* flow = flows->second.steering.choose(now, flows->second.told.wanted(), packet, true, lives))
            return careOfAt(*std::find_if(flow->bids.begin(), flow->bids.end(), lives));  // MCOA-MN-14
    }
    const RouteOptimisation* peer = findPeer(packet.source, correspondent);
    const auto careOf = careOfFor(now, packet.source, correspondent);
    return peer && careOf && peer->registeredCareOf(now) == careOf ? careOf : std::nullopt;
}

// ---- what peers are told

void MobileNode::tellFlows(TimePoint now, FlowRegistration& flows, BidRegistration& at)
{
    flows.want(settings_.multihoming.flows);
    // An update that is under way may tell it. A dead path that waits for an answer holds up nothing.
    const auto& slots = at.entries();
    const bool underWay = std::any_of(slots.begin(), slots.end(), [](const Slot& s) { return s.bound && s.unanswered == 1; });
    if (underWay || !flows.mustTell(at.boundBids())) return;
    if (const Slot* path = at.best([this](const Slot& s) { return works(s); })) at.refresh(now, {path->path.bid});
}

std::vector<std::uint16_t> MobileNode::bidsAt(TimePoint now, const Ipv6Address& home, const Ipv6Address& peer)
{
    std::vector<std::uint16_t> out;
    for (const RouteOptimisation* entry : peersOf(home, peer))
        if (entry->bid() != 0 && !entry->releasing() && entry->registeredCareOf(now)) out.push_back(entry->bid());
    return out;
}

void MobileNode::addFlows(const RouteOptimisation& peer, std::vector<std::uint16_t> known, wire::BindingUpdate& update)
{
    FlowRegistration& flows = peerFlows_[{peer.home(), peer.peer()}].told;
    flows.want(settings_.multihoming.flows);
    if (update.has(wire::BindingUpdate::overwrite)) flows.forget();
    for (wire::MobilityOption& option : flows.options(update.sequence, known)) update.options.push_back(std::move(option));
}

void MobileNode::tellPeerFlows(TimePoint now)
{
    for (auto& [key, flows] : peerFlows_) {
        flows.told.want(settings_.multihoming.flows);
        const auto entries = peersOf(key.first, key.second);
        const auto busy = [&](const RouteOptimisation* e) { return e->registeredCareOf(now) && e->isRegistering(now); };
        if (std::any_of(entries.begin(), entries.end(), busy) || !flows.told.mustTell(bidsAt(now, key.first, key.second))) continue;
        const auto it = std::find_if(entries.begin(), entries.end(), [&](const RouteOptimisation* e) { return !e->releasing() && e->registeredCareOf(now); });
        if (it != entries.end()) (*it)->refresh(now);
    }
}

void MobileNode::flowsAcknowledged(TimePoint now, FlowRegistration& flows, const Ipv6Address& peer, const Ipv6Address& home, const std::vector<std::uint16_t>& known,
                                   const wire::BindingAck& ack, Output& out)
{
    (void)flows.acknowledged(ack.sequence, ack.options, known);
    for (const Flow& flow : settings_.multihoming.flows) {
        const auto status = flows.status(flow.flow);
        if (!status) continue;
        toldFlows_.insert({peer, home, flow.flow});
        const std::string bids = fmt::format("{}", fmt::join(flow.bids, " "));
        out.changed(now, "flow", Attributes{{"peer", attribute(peer)}, {"home_address", attribute(home)}, {"flow", attribute(std::int64_t{flow.flow})}},
                    Attributes{{"priority", attribute(std::int64_t{flow.priority})}, {"status", attribute(std::int64_t{*status})}, {"bids", attribute(std::string_view(bids))}});
    }
}

bool MobileNode::hasFlow(TimePoint now, const FlowKey& key)
{
    const auto& wanted = settings_.multihoming.flows;
    if (std::none_of(wanted.begin(), wanted.end(), [&](const Flow& f) { return f.flow == key.flow; })) return false;
    const auto known = [&](const FlowRegistration& flows) { return flows.supported() && flows.status(key.flow).has_value(); };
    if (const Home* at = findHome(key.home); at && at->paths.peer() == key.peer) return known(at->flows) && !at->paths.boundBids().empty();
    if (const auto paths = mapPaths_.find(key.peer); paths != mapPaths_.end() && paths->second.home() == key.home) {
        const auto flows = mapFlows_.find(key.peer);
        return flows != mapFlows_.end() && known(flows->second.told) && !paths->second.boundBids().empty();
    }
    const auto flows = peerFlows_.find({key.home, key.peer});
    return flows != peerFlows_.end() && known(flows->second.told) && !bidsAt(now, key.home, key.peer).empty();
}

void MobileNode::dropFlows(TimePoint now, Output& out)
{
    std::erase_if(toldFlows_, [&](const FlowKey& key) {
        if (hasFlow(now, key)) return false;
        out.removed(now, "flow", {{"peer", attribute(key.peer)}, {"home_address", attribute(key.home)}, {"flow", attribute(std::int64_t{key.flow})}});
        return true;
    });
}

}  // namespace roamscope::node
