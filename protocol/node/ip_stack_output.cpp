// SPDX-License-Identifier: GPL-3.0-or-later
// The sending half of IpStack: routes, neighbours, errors, listener reports.
#include "protocol/node/ip_stack.hpp"

#include "protocol/wire/ipv4.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;

namespace {

constexpr std::uint8_t beyondScope = 2;  // of its source address: a code of Destination Unreachable, RFC 4443 §3.1

}  // namespace

std::optional<IpStack::Hop> IpStack::nextHop(const Ipv6Address& destination, const Ipv6Address& source) const
{
    if (const auto interface = interfaceOf(destination)) return Hop{*interface, destination};
    if (const Route* route = routes_.find(destination)) return Hop{route->interface, route->nextHop};
    // A host with several links sends by the one that the source is from: routers elsewhere would drop it as spoofed.
    std::optional<Hop> any;
    for (std::size_t i = 0; i < interfaces_.size(); ++i) {
        if (!interfaces_[i].up || !interfaces_[i].defaultRouter) continue;
        const Hop hop{i, *interfaces_[i].defaultRouter};
        if (interfaces_.size() == 1 || findOn(i, source)) return hop;
        if (!any) any = hop;
    }
    return any;
}

Ipv6Address IpStack::chooseSource(std::size_t interface, const Ipv6Address& destination) const
{
    const bool linkScope = destination.isLinkLocal() || (destination.isMulticast() && (destination.octets[1] & 0x0f) == 2);
    const auto usable = [&](const InterfaceAddress& a) {
        return !a.proxy && !a.anycast && a.state == AddressState::Preferred && a.address.isLinkLocal() == linkScope;
    };
    const auto& own = interfaces_[interface].addresses;
    const auto it = std::find_if(own.begin(), own.end(), usable);
    if (it != own.end()) return it->address;
    for (const Interface& other : interfaces_)
        for (const InterfaceAddress& a : other.addresses)
            if (!linkScope && usable(a)) return a.address;
    return {};
}

void IpStack::send(TimePoint now, Ipv6Packet packet, Output& out, std::optional<std::size_t> interface)
{
    // MN-TX-04: messages of the Mobility Header go past the binding cache; RR-CN-10, HA-FWD-03.
    if (packet.nextHeader == proto::mobility) {
        if (!out.quiet && isOurs(packet.source)) reportSent(now, packet, out);
    } else if (mobilePeers_.find(packet.destination) && owns(packet.source)) {
        for (const Ipv6Address& careOf : addressMobilePeer(now, packet)) {
            Ipv6Packet copy = packet;
            copy.destination = careOf;
            if (wire::unmapped(careOf)) waitingCarried_.push_back(std::move(copy));
            else send(now, std::move(copy), out, interface);
        }
        if (wire::unmapped(packet.destination)) return waitingCarried_.push_back(std::move(packet));
    }
    if (!carried_.empty() && isCarried(packet.source) && !owns(packet.source)) return waitingCarried_.push_back(std::move(packet));
    const Ipv6Address destination = packet.destination;
    const bool leaves = !behind_.empty() && isBehind(packet.source) && !isBehind(destination) && destination.isUnicastRoutable();
    const auto covers = [&](const Prefix& p) { return p.contains(destination); };
    if (leaves || std::any_of(tunnelled_.begin(), tunnelled_.end(), covers)) return waitingCarried_.push_back(std::move(packet));
    if (destination.isMulticast()) {
        if (interface) transmit(*interface, multicastMac(destination), packet, out);
        return;
    }
    const auto hop = interface && destination.isLinkLocal() ? std::optional(Hop{*interface, destination}) : nextHop(destination, packet.source);
    sendTo(now, std::move(packet), hop, out);
}

void IpStack::sendBy(TimePoint now, Ipv6Packet packet, std::size_t interface, Output& out)
{
    const Interface& i = interfaces_[interface];
    if (packet.nextHeader == proto::mobility && !out.quiet) reportSent(now, packet, out);
    const bool neighbour = std::any_of(i.onLink.begin(), i.onLink.end(), [&](const Prefix& p) { return p.contains(packet.destination); });
    const auto hop = neighbour ? std::optional(packet.destination) : i.defaultRouter;
    sendTo(now, std::move(packet), hop ? std::optional(Hop{interface, *hop}) : std::nullopt, out);
}

void IpStack::sendTo(TimePoint now, Ipv6Packet packet, std::optional<Hop> hop, Output& out)
{
    // RFC 4291 §2.5.2, §2.5.3: nobody's address, and our own, are on no link. A packet may ask for an answer there all the same.
    if (packet.destination.isUnspecified() || packet.destination.isLoopback() || owns(packet.destination)) return;
    if (!hop) return sendError(now, packet, wire::icmpv6Type::destinationUnreachable, 0, out);
    if (!interfaces_[hop->interface].up) return;
    avoidResolution(packet.source, *hop);
    // RFC 4861 §6.3.2: CurHopLimit is for what we send ourselves, not for what is passed on.
    if (const std::uint8_t limit = interfaces_[hop->interface].settings.hopLimit; limit != usualHopLimit && packet.hopLimit == usualHopLimit && isOurs(packet.source))
        packet.hopLimit = limit;
    if (!fits(now, hop->interface, *hop, packet, out)) return;
    NeighborCache& neighbors = interfaces_[hop->interface].neighbors;
    if (const Mac* mac = neighbors.ready(now, hop->address)) return transmit(hop->interface, *mac, packet, out);
    NeighborCache::Actions actions;
    neighbors.send(now, hop->address, std::move(packet), actions);
    carryOut(now, hop->interface, actions, out);
}

std::vector<Ipv6Address> IpStack::addressMobilePeer(TimePoint now, Ipv6Packet& packet)
{
    MobilePeer* const found = mobilePeers_.find(packet.destination);
    if (!found || packet.nextHeader == proto::mobility || packet.routing) return {};
    const bool discovery = packet.nextHeader == proto::icmpv6 && !packet.payload.empty() && packet.payload[0] >= wire::icmpv6Type::routerSolicitation &&
                           packet.payload[0] <= wire::icmpv6Type::redirect;
    if (discovery) return {};
    MobilePeer& peer = *found;
    std::vector<Ipv6Address> ways = peer.flows.empty() ? std::vector<Ipv6Address>{} : waysOf(now, peer, packet);
    if (ways.size() > 1) std::erase(ways, packet.destination);  // the home link only where there is no other way
    const Ipv6Address careOf = ways.empty() ? peer.careOf : ways.front();
    peer.used = now;
    if (!ways.empty()) ways.erase(ways.begin());
    if (careOf == packet.destination) return ways;  // on its home link
    packet.routing = wire::Type2Routing{1, packet.destination};
    packet.kept = {};
    packet.destination = careOf;
    return ways;
}

std::vector<Ipv6Address> IpStack::waysOf(TimePoint now, const MobilePeer& peer, const Ipv6Packet& packet)
{
    const auto partOf = [&](std::uint16_t bid) { return std::find_if(peer.parts.begin(), peer.parts.end(), [&](const BidBinding& b) { return b.bid == bid; }); };
    const Flow* flow = steering_.choose(now, peer.flows, packet, false, [&](std::uint16_t bid) { return partOf(bid) != peer.parts.end(); });
    std::vector<Ipv6Address> ways;
    if (!flow) return ways;
    for (const std::uint16_t bid : flow->bids) {
        const auto part = partOf(bid);
        if (part != peer.parts.end() && std::find(ways.begin(), ways.end(), part->careOfAddress) == ways.end()) ways.push_back(part->careOfAddress);
    }
    return ways;
}

void IpStack::avoidResolution(const Ipv6Address& source, Hop& hop) const
{
    const InterfaceAddress* mine = find(source);
    const auto& router = interfaces_[hop.interface].defaultRouter;
    if (!mine || mine->state != AddressState::Optimistic || !router || neighborMac(hop.interface, hop.address)) return;
    hop.address = *router;
}

bool IpStack::passOn(TimePoint now, Ipv6Packet& packet, Output& out)
{
    if (packet.source.isUnspecified() || packet.source.isLoopback()) return false;
    // RFC 4443 §3.1: it could not come back either. Before the hop limit, which only what is passed on uses up.
    if (packet.source.isLinkLocal()) {
        sendError(now, packet, wire::icmpv6Type::destinationUnreachable, beyondScope, out);
        return false;
    }
    if (packet.hopLimit <= 1) {
        sendError(now, packet, wire::icmpv6Type::timeExceeded, 0, out);
        return false;
    }
    --packet.hopLimit;
    return true;
}

void IpStack::forward(TimePoint now, Ipv6Packet packet, Output& out)
{
    if (passOn(now, packet, out)) send(now, std::move(packet), out);
}

void IpStack::sendIcmp(TimePoint now, std::size_t interface, const Ipv6Address& source, const Ipv6Address& destination,
                       const wire::Icmpv6Message& message, Output& out, std::uint8_t hopLimit)
{
    Ipv6Packet packet;
    packet.hopLimit = hopLimit;
    packet.source = source.isUnspecified() ? chooseSource(interface, destination) : source;
    packet.destination = destination;
    packet.nextHeader = proto::icmpv6;
    packet.payload = wire::emitIcmpv6(message, packet.pseudoHeader());
    const bool linkScope = destination.isLinkLocal() || destination.isMulticast();
    send(now, std::move(packet), out, linkScope ? std::optional(interface) : std::nullopt);
}

void IpStack::advertiseProxy(TimePoint now, std::size_t interface, const Ipv6Address& address, Output& out)
{
    const wire::NeighborAdvertisement na{isProxyRouter(interface, address) || interfaces_[interface].router, false, true, address, {wire::TargetLinkLayerOption{interfaces_[interface].mac}}};
    // RFC 6275 §10.4.1: the source is the home agent's address on that interface.
    const auto& own = interfaces_[interface].addresses;
    const auto it = std::find_if(own.begin(), own.end(), [](const InterfaceAddress& a) {
        return !a.proxy && !a.anycast && a.state == AddressState::Preferred && !a.address.isLinkLocal();
    });
    const Ipv6Address source = it != own.end() ? it->address : linkLocalAddress(interface);
    sendIcmp(now, interface, source, allNodes(), na, out);
}

void IpStack::carryOut(TimePoint now, std::size_t interface, NeighborCache::Actions& actions, Output& out)
{
    Interface& i = interfaces_[interface];
    for (const auto& solicit : actions.solicit) {
        Ipv6Packet packet;
        packet.hopLimit = 255;
        // RFC 4861 §7.2.2: the source of the packet that waits, when it is an address of this interface.
        const InterfaceAddress* wanted = findOn(interface, solicit.preferredSource);
        packet.source = wanted && wanted->state == AddressState::Preferred && !wanted->proxy && !wanted->anycast ? solicit.preferredSource
                                                                                             : chooseSource(interface, solicit.target);
        if (packet.source.isUnspecified()) packet.source = chooseSource(interface, allNodes());
        if (packet.source.isUnspecified()) continue;  // no address yet: tried again with the next timer
        packet.destination = solicit.unicast ? solicit.target : solicitedNode(solicit.target);
        packet.nextHeader = proto::icmpv6;
        packet.payload = wire::emitIcmpv6(wire::NeighborSolicitation{solicit.target, {wire::SourceLinkLayerOption{i.mac}}}, packet.pseudoHeader());
        transmit(interface, solicit.unicast.value_or(multicastMac(packet.destination)), packet, out);
    }
    for (const auto& item : actions.transmit) transmit(interface, item.to, item.packet, out);
    for (const Ipv6Address& address : actions.changed) {
        const NeighborCache::Entry* entry = i.neighbors.find(address);
        if (!entry) continue;
        out.changed(now, "neighbour", {{"interface", attribute(i.name)}, {"address", attribute(address)}},
                    {{"state", attribute(stateName(entry->state))}, {"mac", attribute(entry->mac)}});
    }
    for (const Ipv6Address& address : actions.lost) {
        out.removed(now, "neighbour", {{"interface", attribute(i.name)}, {"address", attribute(address)}});
        events_.push_back({StackEvent::Kind::NeighborLost, interface, address});
    }
    for (const Ipv6Address& address : actions.resigned) {
        if (i.settings.autoconfigures) learnRouter(now, interface, address, std::chrono::seconds{0}, out);
        else events_.push_back({StackEvent::Kind::NeighborResigned, interface, address});
    }
    for (const Ipv6Address& address : actions.confirmed) events_.push_back({StackEvent::Kind::NeighborConfirmed, interface, address});
    for (const Ipv6Packet& packet : actions.unreachable) sendError(now, packet, wire::icmpv6Type::destinationUnreachable, 3, out);
}

bool IpStack::mayReportError(TimePoint now, const Ipv6Packet& packet, bool evenToGroups)
{
    // RFC 4443 §2.4 e: never about errors, redirects, groups or senders without an address of their own.
    if (packet.source.isUnspecified() || packet.source.isMulticast() || (packet.destination.isMulticast() && !evenToGroups) || isOurs(packet.source)) return false;
    if (packet.nextHeader == proto::icmpv6 && (packet.payload.empty() || packet.payload[0] < 128 || packet.payload[0] == wire::icmpv6Type::redirect))
        return false;
    return takeErrorToken(now);
}

bool IpStack::takeErrorToken(TimePoint now)
{
    errorTokens_ = std::min<double>(settings_.errorBurst, errorTokens_ + settings_.errorsPerSecond * toSeconds(now - errorTokensAt_));
    errorTokensAt_ = now;
    if (errorTokens_ < 1 || settings_.errorsPerSecond == 0) return false;
    errorTokens_ -= 1;
    return true;
}

void IpStack::refuse(TimePoint now, const Ipv6Packet& packet, std::uint8_t type, std::uint8_t code, Output& out, std::uint32_t parameter,
                     std::optional<std::size_t> interface)
{
    sendError(now, packet, type, code, out, parameter, false, interface);
}

void IpStack::sendError(TimePoint now, const Ipv6Packet& packet, std::uint8_t type, std::uint8_t code, Output& out, std::uint32_t parameter,
                        bool evenToGroups, std::optional<std::size_t> interface)
{
    if (!mayReportError(now, packet, evenToGroups)) return;
    sendQuoting(now, packet, wire::emitIpv6(packet), type, code, out, parameter, interface);
}

void IpStack::relayError(TimePoint now, ByteView octets, std::uint8_t type, std::uint8_t code, Output& out, std::uint32_t parameter)
{
    wire::FieldReader in(octets, 0, nullptr);
    const auto quoted = wire::parseIpv6(in, true);
    if (quoted && mayReportError(now, quoted->packet, false)) sendQuoting(now, quoted->packet, octets, type, code, out, parameter, std::nullopt);
}

void IpStack::sendQuoting(TimePoint now, const Ipv6Packet& packet, ByteView octets, std::uint8_t type, std::uint8_t code, Output& out, std::uint32_t parameter,
                          std::optional<std::size_t> interface)
{
    const std::size_t kept = std::min<std::size_t>(octets.size(), 1280 - 48);  // the error fits the least MTU
    if (packet.source.isLinkLocal()) {
        if (!interface) interface = arrival_;
        if (!interface) return;  // out of a tunnel: its link is not one of ours
    } else if (!interface) {
        const auto hop = nextHop(packet.source, packet.destination);
        interface = hop ? hop->interface : 0;
    }
    // RFC 4443 §2.2 a: from the address that the packet was sent to, when it is one of ours.
    sendIcmp(now, *interface, isOurs(packet.destination) ? packet.destination : errorSource(packet), packet.source,
             wire::IcmpError{type, code, parameter, Bytes(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(kept))},
             out, 64);
}

Ipv6Address IpStack::errorSource(const Ipv6Packet& packet) const
{
    if (!isBehind(packet.destination) || isBehind(packet.source)) return {};
    for (const Interface& interface : interfaces_)
        for (const InterfaceAddress& a : interface.addresses)
            if (isBehind(a.address) && a.state == AddressState::Preferred && !a.proxy && !a.anycast) return a.address;
    return {};
}

// ---- groups

void IpStack::join(TimePoint now, std::size_t interface, const Ipv6Address& group, bool report, Output& out)
{
    GroupTable& groups = interfaces_[interface].groups;
    if (!groups.join(group) || !report) return;
    // RFC 3810 §6.1: at once, and once more after a random part of a second (robustness 2).
    groups.report(*groups.find(group), now + random_.between(100ms, 1s));
    reportGroup(interface, group, out);
}

void IpStack::relayGroup(TimePoint now, std::size_t interface, const Ipv6Address& group, Output& out)
{
    const bool ours = interfaces_[interface].groups.find(group) != nullptr;
    join(now, interface, group, true, out);
    if (!ours) interfaces_[interface].groups.find(group)->relayed = true;
}

void IpStack::answerQuery(TimePoint now, const Delivery& delivery, std::uint32_t milliseconds, const Ipv6Address& asked)
{
    if (!delivery.packet.source.isLinkLocal() || delivery.packet.hopLimit != 1) return;  // RFC 3810 §6.2
    for (Group& group : interfaces_[delivery.interface].groups) {
        if (group.address == allNodes() || (!asked.isUnspecified() && asked != group.address)) continue;
        const TimePoint due = now + random_.between(Duration{0}, std::chrono::milliseconds(milliseconds));
        interfaces_[delivery.interface].groups.report(group, group.reports ? std::min(group.nextReport, due) : due);
    }
}

void IpStack::leave(TimePoint now, std::size_t interface, const Ipv6Address& group, Output& out)
{
    Interface& i = interfaces_[interface];
    if (!i.groups.leave(group) || !i.up) return;
    // RFC 3810 §6.1: as with a group that is joined. When very many end at once only some are told twice.
    reportGroup(interface, group, out, true);
    if (i.left.size() < maxLeft) i.left.emplace_back(group, now + random_.between(100ms, 1s));
}

void IpStack::repeatLeft(TimePoint now, std::size_t interface, Output& out)
{
    Interface& i = interfaces_[interface];
    for (const auto& [group, when] : i.left)
        if (when <= now && !i.groups.find(group)) reportGroup(interface, group, out, true);
    std::erase_if(i.left, [now](const auto& entry) { return entry.second <= now; });
}

void IpStack::reportGroup(std::size_t interface, const Ipv6Address& group, Output& out, bool left)
{
    if (group == allNodes()) return;  // RFC 3810 §6: never about all nodes
    Ipv6Packet packet;
    packet.hopLimit = 1;
    packet.source = chooseSource(interface, allMldv2Routers());  // unspecified while the link-local address is tentative
    packet.destination = allMldv2Routers();
    packet.hopByHop.push_back({wire::optionRouterAlert, {0, 0}});
    packet.nextHeader = proto::icmpv6;
    packet.payload = wire::emitIcmpv6(wire::ListenerReport{{{left ? wire::ListenerReport::changeToInclude : wire::ListenerReport::changeToExclude, group, {}, {}}}}, packet.pseudoHeader());
    transmit(interface, multicastMac(packet.destination), packet, out);
}

void IpStack::transmit(std::size_t interface, const Mac& destination, const Ipv6Packet& packet, Output& out) const
{
    const Interface& i = interfaces_[interface];
    if (!i.up) return;
    Bytes frame = wire::emitIpv6(packet, wire::EthernetHeader::octets);
    wire::writeEthernet({destination, i.mac, wire::etherTypeIpv6}, frame);
    out.frames.push_back({interface, std::move(frame)});
}

Ipv6Packet encapsulate(const Ipv6Packet& inner, const Ipv6Address& source, const Ipv6Address& destination)
{
    Ipv6Packet outer;
    outer.source = source;
    outer.destination = destination;
    outer.nextHeader = proto::ipv6;
    outer.payload = wire::emitIpv6(inner);
    // RFC 2473 §4.1.1 c: a limit to tunnels in tunnels goes along, one lower.
    const auto isLimit = [](const wire::Ipv6Option& o) { return o.type == wire::optionTunnelLimit && o.data.size() == 1 && o.data[0] > 0; };
    const auto limit = std::find_if(inner.destinationOptions.begin(), inner.destinationOptions.end(), isLimit);
    if (limit != inner.destinationOptions.end()) outer.destinationOptions.push_back({wire::optionTunnelLimit, {static_cast<std::uint8_t>(limit->data[0] - 1)}});
    return outer;
}

std::optional<Ipv6Packet> decapsulate(const Ipv6Packet& outer)
{
    if (outer.nextHeader != proto::ipv6) return std::nullopt;
    wire::FieldReader in(outer.payload, 0, nullptr);
    auto parsed = wire::parseIpv6(in);
    if (!parsed || parsed->violation) return std::nullopt;
    parsed->packet.keepHeaders(outer.payload, parsed->payloadOffset);
    return std::move(parsed->packet);
}

}  // namespace roamscope::node
