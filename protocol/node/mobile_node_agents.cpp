// SPDX-License-Identifier: GPL-3.0-or-later
// What the mobile node learns from its home network while it is away: home agents (RFC 6275 §11.4.1) and prefixes, with which the
// home link may be renumbered (§11.4.2, §11.4.3).
#include "protocol/node/mobile_node.hpp"

#include "protocol/node/sequence.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;

namespace {

constexpr std::size_t maxHomes = 8;
constexpr std::uint32_t infinite = 0xffffffff;

TimePoint until(TimePoint now, std::uint32_t seconds) { return seconds == infinite ? TimePoint::max() : now + std::chrono::seconds(seconds); }

}  // namespace

// ---- home agents

void MobileNode::addHome(TimePoint, const Ipv6Address& address)
{
    if (homes_.size() == maxHomes || (!homes_.empty() && isHomeAddress(address))) return;
    const Ipv6Address agent = homes_.empty() ? settings_.homeAgent : homeAgent();
    homes_.push_back(homeAt(agent, address));
}

MobileNode::Home MobileNode::homeAt(const Ipv6Address& agent, const Ipv6Address& address)
{
    const std::uint16_t last = lastSequence(agent, address);
    return {address, Association(agent, address, last, settings_.firstTimeout), false, TimePoint::max(), TimePoint::max(), Duration::max(),
            BidRegistration(agent, address, last, settings_.firstTimeout)};
}

void MobileNode::setAgent(Home& home, const Ipv6Address& agent)
{
    const std::uint16_t last = lastSequence(agent, home.address);
    home.association = Association(agent, home.address, last, settings_.firstTimeout);
    home.paths = BidRegistration(agent, home.address, last, settings_.firstTimeout);
    home.flows.restart();
}

void MobileNode::useHomeAgent(const Ipv6Address& agent)
{
    for (Home& home : homes_) {
        if (home.association.peer() == agent) continue;
        keepSequence(home.association.peer(), home.address, newest(home.association.sequence(), home.paths.sequence()));
        setAgent(home, agent);
        // MN-DHAAD-01: a refusal comes soon, but the next one is not asked sooner than if none had come.
        home.association.hold(nextAgentAt_);
        home.paths.hold(nextAgentAt_);
    }
}

bool MobileNode::nextHomeAgent(TimePoint now)
{
    // MN-BU-19: the others in the order of the list, each once.
    while (agentsTried_ < agents_.size()) {
        const Ipv6Address next = agents_[agentsTried_++];
        if (next == homeAgent() || network_.hasRefused(next)) continue;
        useHomeAgent(next);
        return true;
    }
    // None answered: who else is there? With a single one its updates go on (MN-BU-07).
    if (mayDiscover() && !discovery_.active() && !nextDiscovery_) nextDiscovery_ = now;
    return false;
}

void MobileNode::progressDiscovery(TimePoint now, Output& out)
{
    discoveryWaits_ = false;
    if (homeAgent().isUnspecified() && !discovery_.active() && !nextDiscovery_) nextDiscovery_ = now;
    if (nextDiscovery_ && now >= *nextDiscovery_) {
        nextDiscovery_.reset();
        discovery_.start(now, stack_.random());
    }
    const bool asked = discovery_.active();
    while (const auto identifier = discovery_.due(now)) {
        // MN-DHAAD-01: from a care-of address, without a home address option.
        Ipv6Packet packet;
        const Association* map = mapAssociation(used_);
        packet.source = map && tunnelOf(map->home()) ? map->home() : *lcoa_;
        packet.destination = homeAgentsAnycast(homePrefix());
        packet.nextHeader = proto::icmpv6;
        packet.payload = wire::emitIcmpv6(wire::HomeAgentDiscoveryRequest{*identifier, network_.active()}, packet.pseudoHeader());
        out.happened(now, "home-agent-discovery", {{"identifier", attribute(std::int64_t{*identifier})}, {"prefix", attribute(std::string_view(homePrefix().text()))}});
        sendFromCareOf(now, std::move(packet), out);
    }
    if (!asked || !discovery_.failed() || discovery_.active()) return;
    if (network_.looking()) tryElsewhere(now, out);
    else nextDiscovery_ = now + discoveryPause;
}

void MobileNode::onDiscoveryReply(TimePoint now, const Ipv6Packet& packet, const wire::HomeAgentDiscoveryReply& reply, Output& out)
{
    if (!packet.source.isUnicastRoutable() || !discovery_.answered(reply.identifier)) return;
    // MN-BU-15: a home agent shares the prefix of the home address.
    agents_ = reply.homeAgents;
    if (agents_.empty()) agents_.push_back(packet.source);  // one that lists nobody (UMIP without router addresses in prefixes), but it is one
    std::erase_if(agents_, [&](const Ipv6Address& a) { return !homePrefix().contains(a) || isHomeAddress(a); });
    constexpr std::size_t most = 32;
    if (agents_.size() > most) agents_.resize(most);
    if (network_.active() && !reply.mobileRouter) agents_.clear();  // NEMO-DH-01: they serve mobile hosts only
    agentsTried_ = 0;
    out.happened(now, "home-agents-found", {{"number", attribute(static_cast<std::int64_t>(agents_.size()))}});
    if (network_.looking()) return tryElsewhere(now, out);
    // MN-BU-19: while a registration lives its home agent stays the first to be asked.
    if (isBound(now, homes_.front()) && (usesBids(homes_.front()) || !homeAssociation().waiting())) return;
    if (!nextHomeAgent(now) && agents_.empty()) nextDiscovery_ = now + discoveryPause;
    else if (!agents_.empty()) nextDiscovery_.reset();
}

// ---- prefixes

void MobileNode::progressPrefixes(TimePoint now, Output& out)
{
    const Home& home = homes_.front();
    const auto careOf = primaryCareOf(now, home.address);
    if (!careOf) return;
    prefixesWait_ = false;
    // MN-MPS-01: an address that is about to become invalid.
    if (home.validUntil != TimePoint::max() && now >= home.validUntil - home.validFor / 5) prefixes_.start(now, stack_.random());
    while (const auto identifier = prefixes_.due(now)) {
        Ipv6Packet packet;
        packet.source = *careOf;
        packet.destination = homeAgent();
        packet.setHomeAddress(home.address);  // SEC-08
        packet.nextHeader = proto::icmpv6;
        packet.payload = wire::emitIcmpv6(wire::MobilePrefixSolicitation{*identifier, {}}, packet.pseudoHeader());
        out.happened(now, "mobile-prefix-solicitation", {{"identifier", attribute(std::int64_t{*identifier})}, {"home_agent", attribute(homeAgent())}});
        sendFromCareOf(now, std::move(packet), out);
    }
}

void MobileNode::onPrefixes(TimePoint now, const Ipv6Packet& packet, const Arrival& arrival, const wire::MobilePrefixAdvertisement& message, Output& out)
{
    // MN-MPS-01: from the home agent that has our registration, with the routing header (which deliver() has checked).
    // In an IPv4 packet it comes to the home address itself.
    if (homeLink_ || (!packet.routing && !arrival.ipv4) || !isHomeAddress(packet.routing ? packet.routing->homeAddress : packet.destination) || packet.source != homeAgent()) return;
    if (!prefixes_.answered(message.identifier)) {
        // Unsolicited: discarded, and asked for in our own words.
        prefixes_.start(now, stack_.random());
        return;
    }
    out.happened(now, "mobile-prefix-advertisement", {{"identifier", attribute(std::int64_t{message.identifier})}});
    for (const wire::NdOption& option : message.options)
        if (const auto* pio = std::get_if<wire::PrefixInformation>(&option)) onHomePrefix(now, *pio, out);
}

void MobileNode::onHomePrefix(TimePoint now, const wire::PrefixInformation& pio, Output&)
{
    if (!pio.prefix.address.isUnicastRoutable() || pio.preferredLifetime > pio.validLifetime) return;
    bool known = false;
    for (Home& home : homes_) {
        if (!pio.prefix.contains(home.address)) continue;
        known = true;
        const TimePoint before = home.validUntil;
        home.validUntil = until(now, pio.validLifetime);
        home.preferredUntil = until(now, pio.preferredLifetime);
        home.validFor = home.validUntil == TimePoint::max() ? Duration::max() : home.validUntil - now;
        if (home.validUntil >= before) continue;
        // RFC 6275 §11.4.2: bindings that would outlive the address are cut, at correspondents, too.
        if (boundUntil(home) > home.validUntil) {
            home.association.refresh(now);
            home.paths.refresh(now, {});
        }
        for (auto& [key, peer] : peers_)
            if (key.first == home.address && peer.expires() > home.validUntil) peer.refresh(now);
    }
    // A new prefix on the home link: one more home address, which is registered like the others (MN-BU-18).
    if (known || !pio.autonomous || pio.prefix.length != 64 || pio.validLifetime == 0) return;
    addHome(now, withInterfaceId(pio.prefix.address, interfaceId(homes_.front().address)));
    Home& home = homes_.back();
    home.validUntil = until(now, pio.validLifetime);
    home.preferredUntil = until(now, pio.preferredLifetime);
    home.validFor = home.validUntil == TimePoint::max() ? Duration::max() : home.validUntil - now;
    // MN-BU-15: with R the whole address of the home agent in that prefix.
    if (pio.routerAddress && home.association.peer() != pio.prefix.address)
        setAgent(home, pio.prefix.address);
}

void MobileNode::expireHomes(TimePoint now, Output& out)
{
    for (std::size_t i = 0; i < homes_.size();) {
        if (now < homes_[i].validUntil) {
            ++i;
            continue;
        }
        // The address may not be used any more; the last one stays in the list, refused.
        registrationGone(now, homes_[i].association, out);
        homes_[i].paths.restart(homes_[i].paths.sequence());
        pathEvents(now, homes_[i].paths, out);
        const Ipv6Address address = homes_[i].address;
        if (homeLink_) stack_.remove(now, *homeLink_, address, out);
        std::erase_if(peers_, [&](const auto& entry) { return entry.first.first == address; });
        if (homes_.size() > 1) {
            homes_.erase(homes_.begin() + static_cast<std::ptrdiff_t>(i));
            continue;
        }
        homes_[i].refused = true;
        homes_[i].validUntil = TimePoint::max();
        setAgent(homes_[i], homeAgent());
    }
}

std::optional<TimePoint> MobileNode::nextHomeDeadline() const
{
    std::optional<TimePoint> next;
    for (const Home& home : homes_)
        if (home.validUntil != TimePoint::max()) next = earlier(next, home.validUntil);
    const Home& first = homes_.front();
    const bool asks = first.validUntil != TimePoint::max() && !prefixes_.active() && !prefixesWait_;
    if (asks) next = earlier(next, first.validUntil - first.validFor / 5);
    return next;
}

}  // namespace roamscope::node
