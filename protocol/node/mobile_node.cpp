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
      atHome_(settings_.homeAgent, settings_.homeAddress, static_cast<std::uint16_t>(stack_.random().next()))
{
}

void MobileNode::linkUp(TimePoint now, std::size_t interface, Output& out)
{
    stack_.linkUp(now, interface, out);
    // MN-DAD-01: the link-local address first; the care-of address follows with the advertisement.
    stack_.assign(now, interface, stack_.linkLocalAddress(interface), false, false, out);
    // MN-MOV-07: a mobile node with a hint from the link layer may leave out the random delay.
    solicitationsLeft_ = maxSolicitations;
    nextSolicitation_ = now;
}

void MobileNode::linkDown(TimePoint now, std::size_t interface, Output& out)
{
    stack_.linkDown(now, interface, out);
    lcoa_.reset();
    maps_.clear();
    solicitationsLeft_ = 0;
    if (router_) loseRouter(now, out);
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
    progress(now, out);
}

std::optional<TimePoint> MobileNode::nextDeadline() const
{
    auto next = stack_.nextDeadline();
    if (router_) next = earlier(next, routerExpires_);
    if (solicitationsLeft_ > 0) next = earlier(next, nextSolicitation_);
    // A registration can only go on with a usable care-of address; until then its deadlines would be in vain.
    if (usable(lcoa_)) {
        if (atMap_) next = earlier(next, atMap_->nextDeadline());
        if (!atMap_ || behindMap()) next = earlier(next, atHome_.nextDeadline());
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
        router_ = packet.source;
        stack_.setDefaultRouter(delivery.interface, router_);
        out.changed(now, "default-router", {{"interface", attribute(stack_.interfaceName(delivery.interface))}},
                    {{"address", attribute(*router_)}, {"mac", attribute(delivery.sourceMac)}});
    }
    routerExpires_ = now + std::chrono::seconds(ra.routerLifetime);
    formCareOf(now, delivery.interface, ra, out);
    maps_.heard(now, ra.options);  // HMIP-MN-01, -02
    chooseMap(now, out);
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
        if (!usablePrefix || lcoa_) continue;
        lcoa_ = withInterfaceId(pio->prefix.address, eui64(stack_.mac(interface)));
        out.happened(now, "movement-detected", {{"prefix", attribute(std::string_view(pio->prefix.masked().text()))}, {"care_of_address", attribute(*lcoa_)}});
        stack_.assign(now, interface, *lcoa_, false, false, out);  // MN-DAD-01
    }
}

void MobileNode::chooseMap(TimePoint now, Output& out)
{
    const auto choice = maps_.choose(now, atMap_ ? std::optional(atMap_->peer()) : std::nullopt);
    if (!choice) {
        // HMIP-MN-06: the binding at a MAP that is gone counts as lost; HMIP-MN-07a: go on with plain Mobile IPv6.
        if (atMap_) out.removed(now, "map-choice", {});
        atMap_.reset();
        rcoa_.reset();
        return;
    }
    if (atMap_ && atMap_->peer() == choice->address) return;  // HMIP-MN-17: same MAP, same RCoA
    // HMIP-MN-08a: the RCoA is the MAP's /64 with our interface identifier.
    rcoa_ = withInterfaceId(choice->address, eui64(stack_.mac(0)));
    atMap_.emplace(choice->address, *rcoa_, static_cast<std::uint16_t>(stack_.random().next()));
    out.changed(now, "map-choice", {{"interface", attribute(stack_.interfaceName(0))}},
                {{"map", attribute(choice->address)}, {"distance", attribute(std::int64_t{choice->distance})},
                 {"preference", attribute(std::int64_t{choice->preference})}, {"regional_care_of_address", attribute(*rcoa_)}});
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
        if (event.kind == StackEvent::Kind::AddressDuplicate && lcoa_ == event.address) lcoa_.reset();
        if (event.kind == StackEvent::Kind::NeighborLost && router_ == event.address) {
            loseRouter(now, out);
            solicitationsLeft_ = maxSolicitations;
            nextSolicitation_ = now;
        }
    }
}

}  // namespace roamscope::node
