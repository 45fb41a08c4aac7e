// SPDX-License-Identifier: GPL-3.0-or-later
// Movement: links, routers, MAPs, care-of addresses. Registration and packets are in mobile_node_registration.cpp.
#include "protocol/node/mobile_node.hpp"

namespace roamscope::node {

namespace {
constexpr int maxSolicitations = 3;             // MAX_RTR_SOLICITATIONS, RFC 4861 §10
constexpr Duration solicitationInterval = 4s;   // RTR_SOLICITATION_INTERVAL
}  // namespace

MobileNode::MobileNode(IpStack stack, Settings settings)
    : stack_(std::move(stack)), settings_(std::move(settings)), maps_(settings_.mapPolicy),
      // MN-BU-06: with no list entry the first number is random.
      atHome_(settings_.homeAgent, settings_.homeAddress, static_cast<std::uint16_t>(stack_.random().next()), settings_.firstTimeout)
{
    stack_.setMobilitySupport();
}

void MobileNode::linkUp(TimePoint now, std::size_t interface, Output& out)
{
    stack_.linkUp(now, interface, out);
    // MN-DAD-01: the link-local address first; the care-of address follows with the advertisement.
    stack_.assign(now, interface, stack_.linkLocalAddress(interface), false, false, out);
    // MN-MOV-07: a mobile node with a hint from the link layer may leave out the random delay.
    solicitationsLeft_ = maxSolicitations;
    nextSolicitation_ = now;
    reportTimers(now, out);
}

void MobileNode::linkDown(TimePoint now, std::size_t interface, Output& out)
{
    stack_.linkDown(now, interface, out);
    lcoa_.reset();
    lcoaDuplicate_ = false;
    homeLink_ = false;
    maps_.clear();
    solicitationsLeft_ = 0;
    if (router_) loseRouter(now, out);
    reportTimers(now, out);
}

void MobileNode::receive(TimePoint now, std::size_t interface, ByteView frame, Output& out)
{
    auto delivery = stack_.receive(now, interface, frame, out);
    if (delivery && delivery->icmp && std::holds_alternative<wire::RouterAdvertisement>(*delivery->icmp)) {
        const auto ra = std::get<wire::RouterAdvertisement>(*delivery->icmp);
        onAdvertisement(now, *delivery, ra, out);
    } else if (delivery && delivery->kind == Delivery::Kind::Local) {
        handle(now, std::move(delivery->packet), out);
    }
    drainStack(now, out);
    progress(now, out);
    reportTimers(now, out);
}

void MobileNode::advance(TimePoint now, Output& out)
{
    stack_.advance(now, out);
    drainStack(now, out);
    if (router_ && now >= routerExpires_) {
        loseRouter(now, out);
        solicitationsLeft_ = maxSolicitations;
        nextSolicitation_ = now;
    }
    if (solicitationsLeft_ > 0 && now >= nextSolicitation_) solicit(now, out);
    // The advertised lifetime of the MAP ran out (HMIP-MN-06).
    if (const auto until = atMap_ ? maps_.usableUntil(atMap_->peer()) : std::nullopt; until && now >= *until) chooseMap(now, out);
    progress(now, out);
    reportTimers(now, out);
}

void MobileNode::reportTimers(TimePoint now, Output& out)
{
    std::array<std::optional<TimePoint>, TimerCount> timers;
    if (solicitationsLeft_ > 0) timers[SolicitRouter] = nextSolicitation_;
    if (atMap_) timers[UpdateMap] = atMap_->nextDeadline();
    timers[UpdateHome] = atHome_.nextDeadline();
    static constexpr std::string_view names[] = {"router-solicitation", "local-binding-update", "home-binding-update"};
    for (std::size_t i = 0; i < TimerCount; ++i) {
        if (timers[i] == reported_[i]) continue;
        const Attributes key{{"name", attribute(names[i])}};
        if (timers[i]) out.changed(now, "timer", key, {{"due", attribute(*timers[i])}});
        else out.removed(now, "timer", key);
    }
    reported_ = timers;
}

std::optional<TimePoint> MobileNode::nextDeadline() const
{
    auto next = stack_.nextDeadline();
    if (router_) next = earlier(next, routerExpires_);
    if (solicitationsLeft_ > 0) next = earlier(next, nextSolicitation_);
    // A registration can only go on with a usable care-of address; until then its deadlines would be in vain.
    if (atMap_) next = earlier(next, maps_.usableUntil(atMap_->peer()));
    if (homeLink_) {
        next = earlier(next, atHome_.nextDeadline());
        if (atHomeWithAddress())
            for (const auto& [address, peer] : peers_) next = earlier(next, peer.nextDeadline());
    } else if (usable(lcoa_)) {
        if (atMap_) next = earlier(next, atMap_->nextDeadline());
        if (!homeWaits_) next = earlier(next, atHome_.nextDeadline());
        if (!peersWait_)
            for (const auto& [address, peer] : peers_) next = earlier(next, peer.nextDeadline());
    }
    return next;
}

void MobileNode::solicit(TimePoint now, Output& out)
{
    --solicitationsLeft_;
    nextSolicitation_ = now + solicitationInterval;
    constexpr std::size_t interface = 0;
    const Ipv6Address linkLocal = stack_.linkLocalAddress(interface);
    const bool ready = stack_.owns(linkLocal);
    wire::RouterSolicitation rs;
    // RFC 4861 §4.1: no source link-layer address option with the unspecified source.
    if (ready) rs.options.push_back(wire::SourceLinkLayerOption{stack_.mac(interface)});
    wire::Ipv6Packet packet;
    packet.hopLimit = 255;
    if (ready) packet.source = linkLocal;
    packet.destination = allRouters();
    packet.nextHeader = wire::protocol::icmpv6;
    packet.payload = wire::emitIcmpv6(rs, packet.pseudoHeader());
    stack_.send(now, std::move(packet), out, interface);
}

void MobileNode::onAdvertisement(TimePoint now, const Delivery& delivery, const wire::RouterAdvertisement& ra, Output& out)
{
    const wire::Ipv6Packet& packet = delivery.packet;
    if (!packet.source.isLinkLocal() || packet.hopLimit != 255) return;  // MN-MOV-08
    if (const auto* option = wire::findOption<wire::SourceLinkLayerOption>(ra.options))
        stack_.learnNeighbor(now, delivery.interface, packet.source, option->address, true, out);
    if (router_ == packet.source && ra.routerLifetime == 0) return loseRouter(now, out);
    if (ra.routerLifetime == 0) return;
    solicitationsLeft_ = 0;
    // MN-MOV-02: another router on the same link is no reason to move while the current one is alive.
    if (router_ && router_ != packet.source) return;
    if (!router_) {
        checkMovement(now, delivery, ra, out);
        router_ = packet.source;
        stack_.setDefaultRouter(delivery.interface, router_);
        out.changed(now, "default-router", {{"interface", attribute(stack_.interfaceName(delivery.interface))}},
                    {{"address", attribute(*router_)}, {"mac", attribute(delivery.sourceMac)}});
    }
    routerExpires_ = now + std::chrono::seconds(ra.routerLifetime);
    if (seesHomeLink(ra)) return arriveHome(now, delivery, ra, out);
    formCareOf(now, delivery.interface, ra, out);
    maps_.heard(now, ra.options);  // HMIP-MN-01, -02
    chooseMap(now, out);
}

void MobileNode::checkMovement(TimePoint now, const Delivery& delivery, const wire::RouterAdvertisement& ra, Output& out)
{
    bool anyPrefix = false;
    for (const wire::NdOption& option : ra.options) {
        const auto* pio = std::get_if<wire::PrefixInformation>(&option);
        if (pio && lcoa_ && pio->prefix.contains(*lcoa_)) return;
        anyPrefix = anyPrefix || pio;
    }
    if (!anyPrefix || (!lcoa_ && !homeLink_)) return;
    if (homeLink_ && seesHomeLink(ra)) return;
    // MN-COA-05, -06: the router that we had is gone and this one has other prefixes. Nobody told us that the link changed.
    if (lcoa_) stack_.remove(now, delivery.interface, *lcoa_, out);
    if (homeLink_) stack_.remove(now, delivery.interface, settings_.homeAddress, out);
    homeLink_ = false;
    stack_.clearOnLink(delivery.interface);
    lcoa_.reset();
    lcoaDuplicate_ = false;
    maps_.clear();
}

void MobileNode::formCareOf(TimePoint now, std::size_t interface, const wire::RouterAdvertisement& ra, Output& out)
{
    for (const wire::NdOption& option : ra.options) {
        const auto* pio = std::get_if<wire::PrefixInformation>(&option);
        if (!pio) continue;
        if (pio->onLink && !pio->prefix.address.isLinkLocal()) stack_.setOnLink(interface, pio->prefix);
        // MN-COA-07 (RFC 4862 §5.5.3).
        const bool usablePrefix = pio->autonomous && pio->prefix.length == 64 && !pio->prefix.address.isLinkLocal() && pio->validLifetime != 0 &&
                                  pio->preferredLifetime <= pio->validLifetime;
        // RFC 4862 §5.4.5: an address that proved to be a duplicate is not tried again on this link.
        if (!usablePrefix || lcoa_ || lcoaDuplicate_) continue;
        lcoa_ = withInterfaceId(pio->prefix.address, eui64(stack_.mac(interface)));
        out.happened(now, "movement-detected", {{"prefix", attribute(std::string_view(pio->prefix.masked().text()))}, {"care_of_address", attribute(*lcoa_)}});
        stack_.assign(now, interface, *lcoa_, false, false, out);  // MN-DAD-01
    }
}

void MobileNode::chooseMap(TimePoint now, Output& out)
{
    // HMIP-MN-05: only a binding that exists keeps a MAP with preference 0 eligible.
    const auto choice = maps_.choose(now, atMap_ && atMap_->registered(now) ? std::optional(atMap_->peer()) : std::nullopt);
    if (choice && atMap_ && atMap_->peer() == choice->address) return;  // HMIP-MN-17: same MAP, same RCoA
    // HMIP-MN-06: the binding at a MAP that is gone counts as lost; HMIP-MN-07a: without another one go on with plain Mobile IPv6.
    if (atMap_) leaveMap(now, out);
    if (!choice) return;
    // HMIP-MN-08a: the RCoA is the MAP's /64 with our interface identifier.
    rcoa_ = withInterfaceId(choice->address, eui64(stack_.mac(0)));
    const auto last = lastSequences_.find(choice->address);
    atMap_.emplace(choice->address, *rcoa_, last != lastSequences_.end() ? last->second : static_cast<std::uint16_t>(stack_.random().next()), settings_.firstTimeout);
    out.changed(now, "map-choice", {{"interface", attribute(stack_.interfaceName(0))}},
                {{"map", attribute(choice->address)}, {"distance", attribute(std::int64_t{choice->distance})},
                 {"preference", attribute(std::int64_t{choice->preference})}, {"regional_care_of_address", attribute(*rcoa_)}});
}

void MobileNode::leaveMap(TimePoint now, Output& out)
{
    lastSequences_[atMap_->peer()] = atMap_->sequence();
    out.removed(now, "registration", {{"peer", attribute(atMap_->peer())}, {"home_address", attribute(atMap_->home())}});
    out.removed(now, "map-choice", {{"interface", attribute(stack_.interfaceName(0))}});
    atMap_.reset();
    rcoa_.reset();
}

void MobileNode::loseRouter(TimePoint now, Output& out)
{
    router_.reset();
    stack_.setDefaultRouter(0, std::nullopt);
    out.removed(now, "default-router", {{"interface", attribute(stack_.interfaceName(0))}});
}

void MobileNode::drainStack(TimePoint now, Output& out)
{
    for (const StackEvent& event : stack_.takeEvents()) {
        if (event.kind == StackEvent::Kind::AddressDuplicate && lcoa_ == event.address) {
            lcoa_.reset();
            lcoaDuplicate_ = true;
        }
        if (event.kind == StackEvent::Kind::AddressDuplicate && event.address == settings_.homeAddress) homeRefused_ = true;
        if (event.kind == StackEvent::Kind::NeighborLost && router_ == event.address) {
            loseRouter(now, out);
            solicitationsLeft_ = maxSolicitations;
            nextSolicitation_ = now;
        }
    }
}

}  // namespace roamscope::node
