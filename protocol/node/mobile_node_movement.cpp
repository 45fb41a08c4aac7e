// SPDX-License-Identifier: GPL-3.0-or-later
// Movement: links, routers, care-of addresses (RFC 6275 §11.5, RFC 4861 §6.3, RFC 4862 §5.5).
#include "protocol/node/mobile_node.hpp"

#include "protocol/node/sequence.hpp"

#include <algorithm>
#include <tuple>

namespace roamscope::node {

namespace {
constexpr int maxSolicitations = 3;             // MAX_RTR_SOLICITATIONS, RFC 4861 §10
constexpr Duration solicitationInterval = 4s;   // RTR_SOLICITATION_INTERVAL
}  // namespace

void MobileNode::linkUp(TimePoint now, std::size_t interface, Output& out)
{
    ownDeadline_.reset();
    if (network_.isIngress(interface)) return stack_.linkUp(now, interface, out);
    if (const auto it = ipv4_.find(interface); it != ipv4_.end()) return setIpv4Link(now, it->second, true, out);
    // RFC 4862 §5.4.5: disabled on the link that it was on; this may be another one.
    if (links_[interface].up && !stack_.isUp(interface)) linkDown(now, interface, out);
    Link& link = links_[interface];
    if (link.up && settings_.movement.linkEvents) {
        // MN-MOV-03: the link may be the same: first the router is asked, and only when it is silent everybody.
        if (!link.routers.current()) startSoliciting(now, interface);
        else {
            startSoliciting(now + NeighborCache::retransTimer, interface);
            doubtRouter(now, interface, out);
        }
    } else if (!link.up) {
        link.up = true;
        stack_.linkUp(now, interface, out);
        // MN-DAD-01: the link-local address first; the care-of address follows with the advertisement. MN-DAD-04: while the home
        // agent defends it, too, it must be known first that this is not the home link.
        link.linkLocalWaits = std::any_of(homes_.begin(), homes_.end(), [&](const Home& home) {
            return interfaceId(home.address) == eui64(stack_.mac(interface)) && home.association.registered(now);
        });
        if (!link.linkLocalWaits) assignLinkLocal(now, interface, false, out);
        // MN-MOV-07: a mobile node with a hint from the link layer may leave out the random delay.
        startSoliciting(now, interface);
    }
    reportTimers(now, out);
}

void MobileNode::linkDown(TimePoint now, std::size_t interface, Output& out)
{
    ownDeadline_.reset();
    if (network_.isIngress(interface)) return stack_.linkDown(now, interface, out);
    if (const auto it = ipv4_.find(interface); it != ipv4_.end()) return setIpv4Link(now, it->second, false, out);
    if (!settings_.movement.linkEvents) return;
    Link& link = links_[interface];
    stack_.linkDown(now, interface, out);  // first: nothing is said on a link that is gone
    if (homeLink_ == interface) leaveHomeLink(now, out);
    if (link.routers.current()) out.removed(now, "default-router", {{"interface", attribute(stack_.interfaceName(interface))}});
    link = Link(settings_.mapPolicy);
    choosePrimary(now);
    chooseMaps(now, out);
    if (lcoa_ || isMultihomed()) progress(now, out);  // by another interface
    reportTimers(now, out);
}

void MobileNode::assignLinkLocal(TimePoint now, std::size_t interface, bool verified, Output& out)
{
    links_[interface].linkLocalWaits = false;
    stack_.assign(now, interface, stack_.linkLocalAddress(interface), false, verified, out);
}

void MobileNode::startSoliciting(TimePoint first, std::size_t interface)
{
    links_[interface].solicitationsLeft = maxSolicitations;
    links_[interface].nextSolicitation = first;
}

void MobileNode::solicit(TimePoint now, std::size_t interface, Output& out)
{
    Link& link = links_[interface];
    --link.solicitationsLeft;
    link.nextSolicitation = now + solicitationInterval;
    const Ipv6Address linkLocal = stack_.linkLocalAddress(interface);
    const bool ready = stack_.owns(linkLocal);
    wire::RouterSolicitation rs;
    // RFC 4861 §4.1: no source link-layer address option with the unspecified source. MN-COA-08: never from a home address.
    if (ready) rs.options.push_back(wire::SourceLinkLayerOption{stack_.mac(interface)});
    wire::Ipv6Packet packet;
    packet.hopLimit = 255;
    if (ready) packet.source = linkLocal;
    packet.destination = allRouters();
    packet.nextHeader = wire::protocol::icmpv6;
    packet.payload = wire::emitIcmpv6(rs, packet.pseudoHeader());
    stack_.send(now, std::move(packet), out, interface);
    if (link.solicitationsLeft == 0 && link.linkLocalWaits) assignLinkLocal(now, interface, false, out);
}

void MobileNode::onAdvertisement(TimePoint now, const Delivery& delivery, const wire::RouterAdvertisement& ra, Output& out)
{
    using Heard = RouterList::Heard;
    const wire::Ipv6Packet& packet = delivery.packet;
    const std::size_t interface = delivery.interface;
    if (!packet.source.isLinkLocal() || packet.hopLimit != 255) return;  // MN-MOV-08
    if (const auto* option = wire::findOption<wire::SourceLinkLayerOption>(ra.options))
        stack_.learnNeighbor(now, interface, packet.source, option->address, true, out);
    stack_.learnLink(interface, ra);
    Link& link = links_[interface];
    const Heard heard = link.routers.heard(now, packet.source, delivery.sourceMac, ra);
    if (ra.routerLifetime != 0) link.solicitationsLeft = 0;
    switch (heard) {
    case Heard::Left: return loseRouter(now, interface, false, out);
    case Heard::Newcomer:
        // MN-MOV-02: another router is no reason to move while the one in use answers.
        if (settings_.movement.newRouters && !link.routers.doubted()) doubtRouter(now, interface, out);
        return;
    case Heard::Adopted: adoptRouter(now, interface, out); [[fallthrough]];
    case Heard::Current: return useAdvertisement(now, interface, out);
    case Heard::Known:
    case Heard::Nothing: return;
    }
}

void MobileNode::doubtRouter(TimePoint now, std::size_t interface, Output& out)
{
    RouterList& routers = links_[interface].routers;
    routers.doubt();
    stack_.probeNeighbor(now, interface, routers.current()->address, out);
}

void MobileNode::adoptRouter(TimePoint now, std::size_t interface, Output& out)
{
    Link& link = links_[interface];
    const RouterList::Router& router = *link.routers.current();
    stack_.setDefaultRouter(interface, router.address);
    out.changed(now, "default-router", {{"interface", attribute(stack_.interfaceName(interface))}},
                {{"address", attribute(router.address)}, {"mac", attribute(router.mac)}});
    if (!std::exchange(link.moved, false)) return;
    // MN-COA-06: the link that we had cannot be reached any more, and this router tells what this one is.
    const bool sameHome = homeLink_ == interface && seesHomeLink(router);
    const bool leftHome = homeLink_ == interface && !sameHome;
    if (leftHome) leaveHomeLink(now, out);
    const auto gone = link.careOf.retain([&](const CareOfList::CareOf& c) { return router.advertises(c.address); });
    if (sameHome || (gone.empty() && !leftHome)) return;
    // Its timers and limits were those of that link (RFC 4861 §6.3.2).
    stack_.forgetLink(interface);
    stack_.learnLink(interface, router.message);
    if (gone.empty()) return;
    for (const Ipv6Address& address : gone) stack_.remove(now, interface, address, out);
    stack_.clearOnLink(interface);
    link.maps.clear();
}

void MobileNode::useAdvertisement(TimePoint now, std::size_t interface, Output& out)
{
    Link& link = links_[interface];
    const RouterList::Router& router = *link.routers.current();
    if (seesHomeLink(router)) return arriveHome(now, interface, router, out);
    if (homeLink_ == interface) leaveHomeLink(now, out);
    if (link.linkLocalWaits) assignLinkLocal(now, interface, false, out);
    formCareOf(now, interface, router.message, out);
    link.maps.heard(now, router.message.options, settings_.strictMapOptions);  // HMIP-MN-01, -02
    choosePrimary(now);
    chooseMaps(now, out);
}

void MobileNode::loseRouter(TimePoint now, std::size_t interface, bool silent, Output& out)
{
    Link& link = links_[interface];
    out.removed(now, "default-router", {{"interface", attribute(stack_.interfaceName(interface))}});
    stack_.setDefaultRouter(interface, std::nullopt);
    link.moved = link.moved || silent;
    if (!link.routers.lose(now)) {
        startSoliciting(now, interface);
        choosePrimary(now);
        return;
    }
    adoptRouter(now, interface, out);
    useAdvertisement(now, interface, out);
    // What is known of it may be as old as what was known of the other one.
    doubtRouter(now, interface, out);
}

void MobileNode::formCareOf(TimePoint now, std::size_t interface, const wire::RouterAdvertisement& ra, Output& out)
{
    Link& link = links_[interface];
    const Ipv6Address router = link.routers.current()->address;
    for (const wire::NdOption& option : ra.options) {
        const auto* pio = std::get_if<wire::PrefixInformation>(&option);
        if (!pio) continue;
        if (pio->onLink && pio->validLifetime != 0 && !pio->prefix.address.isLinkLocal()) stack_.setOnLink(interface, pio->prefix);
        const auto formed = link.careOf.advertised(now, *pio, eui64(stack_.mac(interface)));  // MN-COA-07
        if (!formed) continue;
        out.happened(now, "movement-detected", {{"prefix", attribute(std::string_view(pio->prefix.masked().text()))}, {"care_of_address", attribute(*formed)}});
        // MN-DAD-03: only when the router's link-layer address is known already.
        if (settings_.optimisticDetection && stack_.neighborMac(interface, router)) stack_.assignOptimistic(now, interface, *formed, out);
        else stack_.assign(now, interface, *formed, false, false, out);  // MN-DAD-01
    }
}

std::optional<Ipv6Address> MobileNode::bestCareOf(TimePoint now, std::size_t interface) const
{
    // MN-COA-01, -05: of the router in use, not deprecated; one that can be used at once before one that is still tested.
    const Link& link = links_[interface];
    const RouterList::Router* router = link.routers.current();
    if (!link.up || !router || homeLink_ == interface) return std::nullopt;
    std::optional<Ipv6Address> best;
    std::tuple<bool, bool, bool, bool, bool> bestRank;
    for (const CareOfList::CareOf& c : link.careOf.all()) {
        if (c.duplicate) continue;
        const bool ready = stack_.owns(c.address), preferred = c.preferred(now);
        const std::tuple rank(router->advertises(c.address), ready && preferred, ready, preferred, lcoa_ == c.address);
        if (best && rank <= bestRank) continue;
        best = c.address;
        bestRank = rank;
    }
    return best;
}

void MobileNode::choosePrimary(TimePoint now)
{
    // HMIP-MN-26: of several links one whose router advertises the MAP in use; otherwise the one in use as long as it works.
    std::optional<std::size_t> best;
    std::tuple<bool, int, bool, bool> bestRank;
    for (std::size_t i = 0; i < links_.size(); ++i) {
        const auto careOf = bestCareOf(now, i);
        if (!careOf) continue;
        // With several care-of addresses the one whose path is preferred (RFC 6089 §4.1).
        const int preference = !isMultihomed() ? 0 : priorityOf(i) == 0 ? -128 - static_cast<int>(i) : -int{priorityOf(i)};
        const std::tuple rank(usable(careOf), preference, used_ && links_[i].maps.usableUntil(*used_).value_or(TimePoint{}) > now, i == primary_);
        if (best && rank <= bestRank) continue;
        best = i;
        bestRank = rank;
    }
    lcoa_ = best ? bestCareOf(now, *best) : std::nullopt;
    if (best) primary_ = *best;
}

void MobileNode::leaveHomeLink(TimePoint now, Output& out)
{
    const std::size_t interface = *std::exchange(homeLink_, std::nullopt);
    for (const Home& home : homes_) stack_.remove(now, interface, home.address, out);
    stack_.setRouter(now, interface, false, out);  // NEMO-MR-05
    for (Home& home : homes_)
        if (isMultihomed() && !beside_) home.paths.restart(newest(home.association.sequence(), home.paths.sequence()));  // MN-BU-06: after the release
    stack_.watchAdvertisements(std::nullopt);
    homeAgentAsked_ = 0;
    homeAdvertisementsLeft_ = 0;
    stack_.clearOnLink(interface);
}

void MobileNode::advanceLinks(TimePoint now, Output& out)
{
    for (std::size_t i = 0; i < links_.size(); ++i) {
        Link& link = links_[i];
        if (!link.up) continue;
        if (const auto end = link.routers.expires(); end && now >= *end) loseRouter(now, i, true, out);
        if (const auto missed = link.routers.missedAt(settings_.movement.missedAdvertisements); missed && now >= *missed) {
            // MN-MOV-01, -04: it may be lost, or we are somewhere else; both are asked for.
            startSoliciting(now, i);
            doubtRouter(now, i, out);
        }
        if (link.solicitationsLeft > 0 && now >= link.nextSolicitation) solicit(now, i, out);
        for (const Ipv6Address& address : link.careOf.expire(now)) stack_.remove(now, i, address, out);
    }
    choosePrimary(now);
    chooseMaps(now, out);  // the advertised lifetime of a MAP may have run out (HMIP-MN-06)
}

std::optional<TimePoint> MobileNode::nextLinkDeadline() const
{
    std::optional<TimePoint> next;
    for (const Link& link : links_) {
        if (!link.up) continue;
        next = earlier(next, link.routers.expires());
        next = earlier(next, link.routers.missedAt(settings_.movement.missedAdvertisements));
        if (link.solicitationsLeft > 0) next = earlier(next, link.nextSolicitation);
        next = earlier(next, link.careOf.nextDeadline());
    }
    if (isMultihomed())
        for (const Link& link : links_) next = earlier(next, link.maps.nextDeadline());
    if (!lcoa_) return next;  // MAPs are chosen with a care-of address only
    if (chosen_) next = earlier(next, links_[primary_].maps.usableUntil(*chosen_));
    return earlier(next, links_[primary_].maps.nextDeadline());
}

void MobileNode::drainStack(TimePoint now, Output& out)
{
    for (const StackEvent& event : stack_.takeEvents()) {
        Link& link = links_[event.interface];
        const RouterList::Router* router = link.routers.current();
        switch (event.kind) {
        case StackEvent::Kind::AddressReady: choosePrimary(now); break;
        case StackEvent::Kind::AddressDuplicate:
            link.careOf.duplicate(event.address);
            if (Home* home = findHome(event.address)) home->refused = true;
            choosePrimary(now);
            break;
        case StackEvent::Kind::NeighborConfirmed:
            if (!router || router->address != event.address) break;
            link.routers.confirmed(now);
            link.solicitationsLeft = 0;
            break;
        case StackEvent::Kind::NeighborLost:
            if (router && router->address == event.address) loseRouter(now, event.interface, true, out);
            break;
        case StackEvent::Kind::NeighborResigned:
            if (link.routers.resigned(event.address)) loseRouter(now, event.interface, false, out);
            break;
        case StackEvent::Kind::Advertised:
            stack_.learnNeighbor(now, event.interface, homeAgent(), event.mac, true, out);  // MN-HOME-02
            break;
        }
    }
}

}  // namespace roamscope::node
