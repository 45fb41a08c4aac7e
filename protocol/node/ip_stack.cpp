// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/ip_stack.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;

namespace {

constexpr std::uint8_t erroneousField = 0;  // code of a Parameter Problem, RFC 4443 §3.4
constexpr std::uint8_t reassemblyTimeExceeded = 1;  // code of a Time Exceeded, RFC 4443 §3.3

}  // namespace

// ---- configuration

std::size_t IpStack::addInterface(std::string name, Mac mac, const InterfaceSettings& settings)
{
    const Duration reachableTime = randomReachableTime();
    interfaces_.push_back({std::move(name), mac, true, {}, {}, {}, {}, std::nullopt, NeighborCache(reachableTime, settings.retransTimer), settings, settings});
    Interface& interface = interfaces_.back();
    interface.groups.join(allNodes());
    if (router_) interface.groups.join(allRouters());
    startAutoconfiguration({}, interfaces_.size() - 1);
    return interfaces_.size() - 1;
}

void IpStack::addStaticAddress(std::size_t interface, const Prefix& address, bool verified)
{
    Interface& i = interfaces_[interface];
    verified = verified || i.settings.dadTransmits == 0;
    i.addresses.add({address.address, address.length, false, false, verified ? AddressState::Preferred : AddressState::Tentative, i.settings.dadTransmits, {}});
    i.staticAddresses.push_back(address.address);
    if (!address.address.isLinkLocal()) i.onLink.push_back(address.masked());
    Output none;
    join({}, interface, solicitedNode(address.address), false, none);
}

void IpStack::addAnycastAddress(std::size_t interface, const Ipv6Address& address)
{
    interfaces_[interface].addresses.add({address, 128, false, true, AddressState::Preferred, 0, {}});
    interfaces_[interface].staticAddresses.push_back(address);
    Output none;
    join({}, interface, solicitedNode(address), false, none);
}

void IpStack::addRoute(const Prefix& destination, std::size_t interface, const Ipv6Address& nextHop)
{
    routes_.add({destination, interface, nextHop});
}

// ---- link state

void IpStack::setRouter(TimePoint now, std::size_t interface, bool router, Output& out)
{
    if (std::exchange(interfaces_[interface].router, router) == router) return;
    if (router) join(now, interface, allRouters(), true, out);
    else leave(now, interface, allRouters(), out);
}

void IpStack::linkUp(TimePoint now, std::size_t interface, Output&)
{
    interfaces_[interface].up = true;
    startAutoconfiguration(now, interface);
}

void IpStack::linkDown(TimePoint now, std::size_t interface, Output& out)
{
    Interface& i = interfaces_[interface];
    i.up = false;
    for (const InterfaceAddress& address : std::vector(i.addresses.list())) {
        const bool isStatic = std::find(i.staticAddresses.begin(), i.staticAddresses.end(), address.address) != i.staticAddresses.end();
        if (!isStatic && !address.proxy) remove(now, interface, address.address, out);
    }
    for (const NeighborCache::Entry& entry : i.neighbors.entries())
        out.removed(now, "neighbour", {{"interface", attribute(i.name)}, {"address", attribute(entry.address)}});
    i.neighbors.clear();
    clearOnLink(interface);
    i.left.clear();
    i.defaultRouter.reset();
    forgetLink(interface);
    i.learnt = {};
}

// ---- addresses

void IpStack::assign(TimePoint now, std::size_t interface, const Ipv6Address& address, bool proxy, bool verified, Output& out)
{
    startDetection(now, interface, {address, 64, proxy, false, verified ? AddressState::Preferred : AddressState::Tentative, 1, now}, out);
}

void IpStack::assignOptimistic(TimePoint now, std::size_t interface, const Ipv6Address& address, Output& out)
{
    startDetection(now, interface, {address, 64, false, false, AddressState::Optimistic, 1, now}, out);
}

void IpStack::startDetection(TimePoint now, std::size_t interface, InterfaceAddress address, Output& out)
{
    if (findOn(interface, address.address)) return;
    // MN-DAD-06: the solicited-node group is joined, and reported, before the first solicitation.
    join(now, interface, solicitedNode(address.address), true, out);
    address.probesLeft = interfaces_[interface].settings.dadTransmits;
    InterfaceAddress& added = interfaces_[interface].addresses.add(address);
    addressEvent(now, interface, added, out);
    if (added.state != AddressState::Preferred) probe(now, interface, added, out);
}

void IpStack::remove(TimePoint now, std::size_t interface, const Ipv6Address& address, Output& out)
{
    if (!interfaces_[interface].addresses.remove(address)) return;
    std::erase(interfaces_[interface].proxyRouters, address);
    leave(now, interface, solicitedNode(address), out);
    out.removed(now, "address", {{"interface", attribute(interfaces_[interface].name)}, {"address", attribute(address)}});
}

const InterfaceAddress* IpStack::find(const Ipv6Address& address) const
{
    for (const Interface& interface : interfaces_)
        if (const InterfaceAddress* found = interface.addresses.find(address)) return found;
    return nullptr;
}

const InterfaceAddress* IpStack::findOn(std::size_t interface, const Ipv6Address& address) const
{
    return interfaces_[interface].addresses.find(address);
}

bool IpStack::owns(const Ipv6Address& address) const
{
    const InterfaceAddress* a = find(address);
    return a && !a->proxy && !a->anycast && a->state != AddressState::Tentative;
}

bool IpStack::proxies(const Ipv6Address& address) const
{
    const InterfaceAddress* a = find(address);
    return a && a->proxy && a->state == AddressState::Preferred;
}

Ipv6Address IpStack::linkLocalAddress(std::size_t interface) const { return linkLocal(eui64(interfaces_[interface].mac)); }

std::optional<std::size_t> IpStack::interfaceOf(const Ipv6Address& address) const
{
    for (std::size_t i = 0; i < interfaces_.size(); ++i)
        for (const Prefix& prefix : interfaces_[i].onLink)
            if (prefix.contains(address)) return i;
    return std::nullopt;
}

void IpStack::setOnLink(std::size_t interface, const Prefix& prefix)
{
    auto& list = interfaces_[interface].onLink;
    if (std::find(list.begin(), list.end(), prefix.masked()) == list.end()) list.push_back(prefix.masked());
}

void IpStack::clearOnLink(std::size_t interface)
{
    Interface& i = interfaces_[interface];
    std::erase_if(i.onLink, [&](const Prefix& prefix) {
        return std::none_of(i.addresses.begin(), i.addresses.end(), [&](const InterfaceAddress& a) {
            return std::find(i.staticAddresses.begin(), i.staticAddresses.end(), a.address) != i.staticAddresses.end() && prefix.contains(a.address);
        });
    });
}

void IpStack::setDefaultRouter(std::size_t interface, std::optional<Ipv6Address> router) { interfaces_[interface].defaultRouter = router; }

// ---- receiving

bool IpStack::accepts(const Interface& interface, const Mac& destination) const
{
    if (destination == interface.mac) return true;
    return interface.groups.hears(destination);
}

std::optional<Delivery::Kind> IpStack::classify(const Ipv6Address& destination) const
{
    const InterfaceAddress* mine = find(destination);
    if (mine && mine->state == AddressState::Tentative) return std::nullopt;
    if (mine) return mine->proxy ? Delivery::Kind::Intercepted : Delivery::Kind::Local;
    if (std::find(silent_.begin(), silent_.end(), destination) != silent_.end()) return Delivery::Kind::Local;
    if (router_ && destination.isUnicastRoutable()) return Delivery::Kind::Forward;
    return std::nullopt;
}

std::optional<Delivery> IpStack::receive(TimePoint now, std::size_t interface, ByteView frame, Output& out)
{
    std::optional<Delivery> delivery(std::in_place);
    delivery->interface = interface;
    if (!receive(now, frame, *delivery, out)) delivery.reset();
    return delivery;
}

bool IpStack::receive(TimePoint now, ByteView frame, Delivery& delivery, Output& out)
{
    const Interface& i = interfaces_[delivery.interface];
    if (!i.up) return false;
    arrival_ = delivery.interface;
    wire::FieldReader in(frame, 0, nullptr);
    const auto header = wire::parseEthernet(in);
    if (!header || header->type != wire::etherTypeIpv6 || !accepts(i, header->destination)) return false;
    auto parsed = wire::parseIpv6(in);
    if (!parsed || parsed->violation || parsed->packet.source.isMulticast()) return false;

    delivery.sourceMac = header->source;
    delivery.packet = std::move(parsed->packet);
    const Ipv6Packet& packet = delivery.packet;
    if (packet.destination.isMulticast()) {
        const Group* group = i.groups.find(packet.destination);
        if (!group) return false;
        if (group->relayed) delivery.kind = Delivery::Kind::Forward;
    } else {
        auto kind = classify(packet.destination);
        if (!kind && i.router && packet.destination.isUnicastRoutable() && !find(packet.destination)) kind = Delivery::Kind::Forward;
        if (!kind || header->destination.isGroup() || (*kind == Delivery::Kind::Forward && !settings_.forwards)) return false;
        delivery.kind = *kind;
    }
    const bool forUs = delivery.kind == Delivery::Kind::Local;
    if (!forUs) delivery.packet.keepHeaders(frame.subspan(wire::EthernetHeader::octets), parsed->payloadOffset - wire::EthernetHeader::octets);
    if (const auto problem = headerProblem(frame.subspan(wire::EthernetHeader::octets), forUs)) {
        if (!problem->silent) sendError(now, packet, wire::icmpv6Type::parameterProblem, problem->code, out, problem->pointer, problem->evenToGroups);
        return false;
    }
    return take(now, delivery, false, out);
}

std::optional<Delivery> IpStack::receiveInner(TimePoint now, std::size_t interface, Ipv6Packet packet, Output& out)
{
    arrival_.reset();
    const auto kind = classify(packet.destination);
    if (!kind || packet.source.isMulticast()) return std::nullopt;
    const bool plain = packet.hopByHop.empty() && packet.destinationOptions.empty() && packet.kept.octets.empty();
    if (const auto problem = plain ? std::nullopt : headerProblem(wire::emitIpv6(packet), *kind == Delivery::Kind::Local)) {
        if (!problem->silent) sendError(now, packet, wire::icmpv6Type::parameterProblem, problem->code, out, problem->pointer, problem->evenToGroups);
        return std::nullopt;
    }
    Delivery delivery{*kind, interface, {}, std::move(packet), std::nullopt, std::nullopt};
    if (*kind == Delivery::Kind::Local) delivery.packet.kept = {};
    return take(now, delivery, true, out) ? std::optional(std::move(delivery)) : std::nullopt;
}

bool IpStack::take(TimePoint now, Delivery& delivery, bool tunnelled, Output& out)
{
    const Ipv6Packet& packet = delivery.packet;
    if (delivery.kind == Delivery::Kind::Local && FragmentStore::isFragment(packet)) {
        if (const auto wrong = FragmentStore::wrongField(packet)) {
            sendError(now, packet, wire::icmpv6Type::parameterProblem, erroneousField, out, *wrong);
            return false;
        }
        auto whole = fragments_.add(now, packet, arrival_);
        if (!whole) return false;
        delivery.packet = std::move(*whole);
    }
    if (delivery.kind == Delivery::Kind::Local && !acceptHomeAddress(now, delivery, out)) return false;
    // HA-ND-02: who asks the address itself, as neighbours do that know it (RFC 4861 §7.3.3), is answered and not tunnelled.
    const bool asked = delivery.kind == Delivery::Kind::Intercepted && !tunnelled && packet.hopLimit == 255 && !packet.payload.empty() &&
                       packet.payload[0] == wire::icmpv6Type::neighborSolicitation;
    if ((delivery.kind != Delivery::Kind::Local && !asked) || packet.nextHeader != proto::icmpv6 || packet.routing) return true;

    wire::FieldReader body(packet.payload, 0, nullptr);
    auto message = wire::parseIcmpv6(body, packet.pseudoHeader());
    if (!message || !message->acceptable()) return false;
    delivery.icmp = std::move(message->value);
    const std::uint8_t type = wire::typeOf(*delivery.icmp);
    if (tunnelled && type >= wire::icmpv6Type::routerSolicitation && type <= wire::icmpv6Type::redirect) return false;
    return !settle(now, delivery, out);
}

bool IpStack::settle(TimePoint now, const Delivery& delivery, Output& out)
{
    const Ipv6Packet& packet = delivery.packet;
    if (const auto* echo = std::get_if<wire::Echo>(&*delivery.icmp)) {
        if (echo->reply) return false;
        if (!settings_.answersEcho || packet.source.isUnspecified() || packet.source.isLoopback()) return true;
        // RFC 4443 §4.2: what came to a group or an anycast address is answered from a unicast address, all else from where it came to,
        // also where that is a home address without neighbour discovery (MCOA-MN-17).
        sendIcmp(now, delivery.interface, isOurs(packet.destination) ? packet.destination : Ipv6Address{}, packet.source,
                 wire::Echo{true, echo->identifier, echo->sequence, echo->data}, out, 64);
        return true;
    }
    // RFC 4861 §7.1: hop limit 255 proves that the message comes from this link.
    if (const auto* ns = std::get_if<wire::NeighborSolicitation>(&*delivery.icmp)) {
        if (packet.hopLimit == 255) onSolicitation(now, delivery, *ns, out);
        return true;
    }
    if (const auto* na = std::get_if<wire::NeighborAdvertisement>(&*delivery.icmp)) {
        if (packet.hopLimit == 255) onAdvertisement(now, delivery, *na, out);
        return true;
    }
    if (const auto* query = std::get_if<wire::ListenerQuery>(&*delivery.icmp)) {
        answerQuery(now, delivery, wire::listenerResponse(query->maximumResponse), query->group);
        return true;
    }
    if (const auto* error = std::get_if<wire::IcmpError>(&*delivery.icmp)) onTooBig(now, *error);
    const auto* ra = std::get_if<wire::RouterAdvertisement>(&*delivery.icmp);
    if (ra && interfaces_[delivery.interface].settings.autoconfigures) onRouterAdvertisement(now, delivery, *ra, out);
    return false;
}

void IpStack::onSolicitation(TimePoint now, const Delivery& delivery, const wire::NeighborSolicitation& ns, Output& out)
{
    const Ipv6Packet& packet = delivery.packet;
    if (ns.target.isMulticast()) return;
    const auto* option = wire::findOption<wire::SourceLinkLayerOption>(ns.options);
    const bool forDad = packet.source.isUnspecified();
    if (forDad && (option || packet.destination != solicitedNode(ns.target))) return;  // RFC 4861 §7.1.1
    const InterfaceAddress* mine = findOn(delivery.interface, ns.target);
    if (!mine) return;
    if (forDad && mine->state != AddressState::Preferred) return duplicate(now, delivery.interface, ns.target, out);  // MN-DAD-05: tested by somebody else
    if (mine->state == AddressState::Tentative) return;  // answers nobody
    if (!forDad && option) learnNeighbor(now, delivery.interface, packet.source, option->address, false, out);
    // RFC 4861 §7.2.4: an address held as proxy is advertised without override when solicited; R=0 for a mobile node (HA-ND-02).
    // MN-DAD-03: nor with override while it may be somebody else's.
    const bool override = !mine->proxy && !mine->anycast && mine->state == AddressState::Preferred;
    const wire::NeighborAdvertisement na{((router_ || interfaces_[delivery.interface].router) && !mine->proxy) || isProxyRouter(delivery.interface, ns.target), !forDad, override, ns.target,
                                         {wire::TargetLinkLayerOption{interfaces_[delivery.interface].mac}}};
    const Ipv6Address source = mine->proxy || mine->anycast ? chooseSource(delivery.interface, packet.source) : ns.target;
    if (forDad) return sendIcmp(now, delivery.interface, source, allNodes(), na, out);
    // RFC 4861 §7.2.4: to the neighbour that asks. It is on this link, whatever link its address is from.
    Ipv6Packet answer;
    answer.hopLimit = 255;
    answer.source = source;
    answer.destination = packet.source;
    answer.nextHeader = proto::icmpv6;
    answer.payload = wire::emitIcmpv6(na, answer.pseudoHeader());
    sendTo(now, std::move(answer), Hop{delivery.interface, packet.source}, out);
}

void IpStack::onAdvertisement(TimePoint now, const Delivery& delivery, const wire::NeighborAdvertisement& na, Output& out)
{
    if (na.target.isMulticast() || (na.solicited && delivery.packet.destination.isMulticast())) return;  // RFC 4861 §7.1.2
    if (const auto* link = wire::findOption<wire::TargetLinkLayerOption>(na.options); link && watched_ == na.target)
        events_.push_back({StackEvent::Kind::Advertised, delivery.interface, na.target, link->address});
    if (const InterfaceAddress* mine = findOn(delivery.interface, na.target)) {
        if (mine->state != AddressState::Preferred) duplicate(now, delivery.interface, na.target, out);
        return;
    }
    NeighborCache::Actions actions;
    interfaces_[delivery.interface].neighbors.advertised(now, na, actions);
    carryOut(now, delivery.interface, actions, out);
}

void IpStack::duplicate(TimePoint now, std::size_t interface, const Ipv6Address& address, Output& out)
{
    out.happened(now, "duplicate-address", {{"interface", attribute(interfaces_[interface].name)}, {"address", attribute(address)}});
    const bool proxy = findOn(interface, address)->proxy;
    remove(now, interface, address, out);
    events_.push_back({StackEvent::Kind::AddressDuplicate, interface, address});
    if (proxy || address != linkLocalAddress(interface)) return;
    // RFC 4862 §5.4.5: it was made from the link-layer address, which somebody else has as well; nothing works on this link.
    out.happened(now, "interface-disabled", {{"interface", attribute(interfaces_[interface].name)}});
    interfaces_[interface].up = false;
}

void IpStack::learnNeighbor(TimePoint now, std::size_t interface, const Ipv6Address& address, const Mac& mac, bool router, Output& out)
{
    NeighborCache::Actions actions;
    interfaces_[interface].neighbors.learn(now, address, mac, router, actions);
    carryOut(now, interface, actions, out);
}

void IpStack::probeNeighbor(TimePoint now, std::size_t interface, const Ipv6Address& address, Output& out)
{
    NeighborCache::Actions actions;
    interfaces_[interface].neighbors.probe(now, address, actions);
    carryOut(now, interface, actions, out);
}

std::optional<Mac> IpStack::neighborMac(std::size_t interface, const Ipv6Address& address) const
{
    const NeighborCache::Entry* entry = interfaces_[interface].neighbors.find(address);
    return entry && entry->state != NeighborCache::State::Incomplete ? std::optional(entry->mac) : std::nullopt;
}

// ---- time

void IpStack::advance(TimePoint now, Output& out)
{
    arrival_.reset();
    for (const auto& lost : fragments_.expire(now)) sendError(now, lost.first, wire::icmpv6Type::timeExceeded, reassemblyTimeExceeded, out, 0, false, lost.link);
    for (std::size_t index = 0; index < interfaces_.size(); ++index) {
        if (!interfaces_[index].up) continue;
        if (interfaces_[index].groups.nextReport() <= now)
            for (const Ipv6Address& group : interfaces_[index].groups.takeDue(now)) reportGroup(index, group, out);
        repeatLeft(now, index, out);
        if (interfaces_[index].addresses.nextProbe() <= now)
            for (const Ipv6Address& address : interfaces_[index].addresses.takeDue(now))
                if (InterfaceAddress* tested = heldOn(index, address); tested && now >= tested->nextProbe) probe(now, index, *tested, out);
        NeighborCache::Actions actions;
        interfaces_[index].neighbors.advance(now, actions);
        carryOut(now, index, actions, out);
        if (interfaces_[index].settings.autoconfigures) advanceAutoconfiguration(now, index, out);
    }
}

std::optional<TimePoint> IpStack::nextDeadline() const
{
    std::optional<TimePoint> next = fragments_.nextDeadline();
    for (const Interface& interface : interfaces_) {
        if (!interface.up) continue;
        if (const TimePoint due = std::min(interface.groups.nextReport(), interface.addresses.nextProbe()); due != TimePoint::max()) next = earlier(next, due);
        next = earlier(next, interface.neighbors.nextDeadline());
        for (const auto& [group, when] : interface.left) next = earlier(next, when);
        if (interface.settings.autoconfigures) next = earlier(next, nextDeadline(interface.learnt));
    }
    return next;
}

void IpStack::probe(TimePoint now, std::size_t interface, InterfaceAddress& address, Output& out)
{
    if (address.probesLeft == 0) {
        interfaces_[interface].addresses.setPreferred(address);
        addressEvent(now, interface, address, out);
        events_.push_back({StackEvent::Kind::AddressReady, interface, address.address});
        // RFC 3590 §4: routers discard reports from the unspecified address, so all groups are reported again from this one.
        if (address.address.isLinkLocal() && !address.proxy)
            for (const Group& group : interfaces_[interface].groups) reportGroup(interface, group.address, out);
        return;
    }
    // RFC 4862 §5.4.2: from the unspecified address, without a source link-layer address option.
    --address.probesLeft;
    interfaces_[interface].addresses.probeAt(address, now + interfaces_[interface].settings.retransTimer);
    Ipv6Packet packet;
    packet.hopLimit = 255;
    packet.destination = solicitedNode(address.address);
    packet.nextHeader = proto::icmpv6;
    packet.payload = wire::emitIcmpv6(wire::NeighborSolicitation{address.address, {}}, packet.pseudoHeader());
    transmit(interface, multicastMac(packet.destination), packet, out);
}

void IpStack::addressEvent(TimePoint now, std::size_t interface, const InterfaceAddress& address, Output& out) const
{
    static constexpr std::string_view names[] = {"tentative", "optimistic", "preferred"};
    out.changed(now, "address", {{"interface", attribute(interfaces_[interface].name)}, {"address", attribute(address.address)}},
                {{"state", attribute(names[static_cast<std::size_t>(address.state)])},
                 {"proxy", attribute(address.proxy)}});
}

}  // namespace roamscope::node
