// SPDX-License-Identifier: GPL-3.0-or-later
// Registration with the home agent and what comes back from it and from MAPs (RFC 6275 §11.7.1, §11.7.3).
#include "protocol/node/mobile_node.hpp"

#include "protocol/node/update_rate.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::BindingUpdate;
using wire::Ipv6Packet;
namespace proto = wire::protocol;

MobileNode::Home* MobileNode::findHome(const Ipv6Address& address)
{
    const auto it = std::find_if(homes_.begin(), homes_.end(), [&](const Home& home) { return home.address == address; });
    return it != homes_.end() ? &*it : nullptr;
}

const MobileNode::Home* MobileNode::findHome(const Ipv6Address& address) const { return const_cast<MobileNode*>(this)->findHome(address); }

bool MobileNode::isHomeAddress(const Ipv6Address& address) const
{
    return std::any_of(homes_.begin(), homes_.end(), [&](const Home& home) { return home.address == address; });
}

void MobileNode::progress(TimePoint now, Output& out)
{
    homeWaits_ = peersWait_ = discoveryWaits_ = prefixesWait_ = true;
    if (isMultihomed()) return progressPaths(now, out);
    if (homeLink_) return progressHome(now, out);
    if (!usable(lcoa_)) return;
    progressMaps(now, out);
    if (settings_.homeAddress.isUnspecified()) return;  // RFC 5380 §1: local mobility only
    const auto careOf = wantedCareOf(now);
    if (!careOf) return;  // HMIP-MN-13: the MAP's acknowledgement comes first
    progressDiscovery(now, out);
    if (homeAgent().isUnspecified()) return;
    progressHomes(now, *careOf, out);
    if (homeWaits_) return;
    progressPrefixes(now, out);
    progressPeers(now, out);
}

std::optional<Ipv6Address> MobileNode::wantedCareOf(TimePoint now) const
{
    // HMIP-MN-17: while the RCoA stays, this is what is registered already and the home agent hears nothing.
    if (const Association* map = mapAssociation(used_); map && map->registered(now) && map->registeredCareOf() == lcoa_) return map->home();
    // A MAP that has not answered yet takes nothing away that works.
    const Association& home = homes_.front().association;
    const bool plainWorks = home.registered(now) && home.registeredCareOf() == lcoa_;
    return chosen_ && !plainWorks ? std::nullopt : lcoa_;
}

void MobileNode::progressHomes(TimePoint now, const Ipv6Address& careOf, Output& out)
{
    Association* map = used_ && isRegional(careOf) ? findMap(*used_) : nullptr;
    for (Home& home : homes_) {
        Association& at = home.association;
        at.expire(now);
        if (home.refused || at.peer().isUnspecified() || (isRouter(home) && !network_.registers())) continue;
        at.request(now, careOf, homeLifetime(now, home, careOf));
        if (map && at.isDue(now) && 2 * map->remaining(now) < 4 * std::chrono::seconds(map->granted().count())) {
            // What is left at the MAP would bound the home binding (HMIP-MN-15): refresh there first, its answer brings us back here.
            map->refresh(now);
            while (const auto update = map->due(now)) sendLocalUpdate(now, *map, *update, out);
            return;
        }
    }
    homeWaits_ = false;
    for (Home& home : homes_) {
        if (isRouter(home) && network_.leaving()) {
            progressLeaving(now, home, careOf, out);
            continue;
        }
        if (home.association.exhausted(now) && nextHomeAgent(now)) return progressHomes(now, careOf, out);
        while (home.association.isDue(now) && !home.refused) {
            // MN-COA-02 for all home addresses together.
            std::erase_if(homeUpdates_, [&](TimePoint t) { return now >= t + updateWindow; });
            if (homeUpdates_.size() >= Association::maxUpdateRate) {
                home.association.defer(homeUpdates_.front() + updateWindow);
                break;
            }
            const auto update = home.association.due(now);
            if (!update) break;
            homeUpdates_.push_back(now);
            sendHomeUpdate(now, home, *update, out);
        }
    }
}

std::chrono::seconds MobileNode::homeLifetime(TimePoint now, const Home& home, const Ipv6Address& careOf) const
{
    // MN-BU-05: no longer than the addresses are valid.
    const auto most = std::min(secondsUntil(now, home.validUntil), lifetimeFor(now, *lcoa_));
    const Association* map = isRegional(careOf) ? mapAssociation(used_) : nullptr;
    if (!map) return most;
    // HMIP-MN-15: what is left of the MAP's binding bounds the home binding. Of a single unit nothing is left after
    // the way to the MAP and back; equal fields satisfy the rule. Of a longer one that much is there after the refresh that comes first.
    return std::min(most, std::max(map->remaining(now), leastLifetime));
}

std::chrono::seconds MobileNode::lifetimeFor(TimePoint now, const Ipv6Address& careOf) const
{
    auto most = settings_.lifetime;
    for (const Link& link : links_)
        if (const auto* own = link.careOf.find(careOf)) most = std::min(most, secondsUntil(now, own->validUntil));
    return most;
}

void MobileNode::sendHomeUpdate(TimePoint now, const Home& home, const Association::Update& update, Output& out)
{
    // MN-BU-01: H, A and the home address option. MN-BU-02: the care-of address again in an option of its own.
    BindingUpdate bu;
    bu.sequence = update.sequence;
    bu.flags = BindingUpdate::acknowledge | BindingUpdate::homeRegistration;
    if (sharesIdentifier(home.address)) bu.flags |= BindingUpdate::linkLocal;  // MN-BU-03; K stays 0 without keys that can move (MN-BU-04)
    bu.lifetime = update.lifetime;
    bu.options.push_back(wire::AlternateCareOfAddress{update.careOf});
    addNetwork(home, bu);
    Ipv6Packet packet;
    packet.source = update.careOf;
    packet.destination = home.association.peer();
    packet.setHomeAddress(home.address);
    packet.nextHeader = proto::mobility;
    packet.payload = wire::emitMobility(bu, packet.pseudoHeader());
    out.happened(now, "home-binding-update", {{"sequence", attribute(std::int64_t{update.sequence})}, {"care_of_address", attribute(update.careOf)},
                                              {"home_agent", attribute(packet.destination)}, {"copy", attribute(update.copy)}});
    registrationEvent(now, home.association, "waiting", out);
    nextAgentAt_ = now + settings_.firstTimeout;
    sendFromCareOf(now, std::move(packet), out);  // HMIP-MN-14
}

void MobileNode::onAck(TimePoint now, const Ipv6Packet& packet, const wire::BindingAck& ack, const std::optional<std::size_t>& ipv4, Output& out)
{
    // HMIP-MN-12, MN-BU-08: without the home address in a type 2 routing header the acknowledgement is not for us; at home it
    // comes to the home address itself (HA-BU-06).
    const bool atHome = homeLink_ && isHomeAddress(packet.destination);
    if (!packet.routing && !atHome && !(ipv4 && isHomeAddress(packet.destination))) return;  // over IPv4 RFC 5555 §4.2 has none
    const Ipv6Address registered = packet.routing ? packet.routing->homeAddress : packet.destination;
    // MN-BU-08: whoever authorizes, at the very end.
    if (wire::findOption<wire::BindingAuthorizationData>(ack.options) && !endsInAuthorization(ack.options, packet.payload)) return;
    Home* home = findHome(registered);
    if (home && packet.source != home->association.peer()) home = nullptr;
    Association* map = home ? nullptr : findMap(packet.source);
    if (map && map->home() != registered) map = nullptr;
    if (!home && !map) return;
    if (isMultihomed() && (!homeLink_ || beside_)) {
        const auto paths = map ? mapPaths_.find(map->peer()) : mapPaths_.end();
        BidRegistration* at = home ? &home->paths : paths != mapPaths_.end() ? &paths->second : nullptr;
        const bool leaving = home && isRouter(*home) && network_.leaving();
        if (at && at->supported() && !leaving) return onPathAck(now, *at, home, ack, ipv4, out);
    }
    Association& association = home ? home->association : *map;
    const auto answer = association.acknowledged(now, ack);
    static constexpr std::string_view names[] = {"ignored", "accepted", "resynchronised", "released", "refused", "nothing"};
    out.happened(now, "binding-acknowledged",
                 {{"peer", attribute(association.peer())}, {"sequence", attribute(std::int64_t{ack.sequence})},
                  {"status", attribute(std::int64_t{ack.status})}, {"result", attribute(names[static_cast<std::size_t>(answer)])}});
    if (home) onHomeAck(now, *home, answer, ack, out);
    else onMapAck(now, *map, answer, out);
}

void MobileNode::onHomeAck(TimePoint now, Home& home, Association::Answer answer, const wire::BindingAck& ack, Output& out)
{
    using Answer = Association::Answer;
    if ((answer == Answer::Released || answer == Answer::Refused) && isRouter(home) && network_.leaving()) return leftHomeAgent(now, home, out);
    if ((answer == Answer::Accepted || answer == Answer::Refused) && onRouterAck(now, home, ack, out)) return;
    switch (answer) {
    case Association::Answer::Ignored:
    case Association::Answer::Resynchronised: return;
    case Association::Answer::Accepted:
        registrationEvent(now, home.association, "registered", out);
        agentsTried_ = 0;
        // MN-BU-11: the prefixes of the home link have changed.
        if (ack.status == wire::bindingStatus::prefixDiscoveryNecessary || (settings_.solicitPrefixes && !std::exchange(prefixesAsked_, true)))
            prefixes_.start(now, stack_.random());
        return;
    case Association::Answer::Released:
        out.removed(now, "registration", {{"peer", attribute(home.association.peer())}, {"home_address", attribute(home.address)}});
        return takeHomeAddress(now, home.address, out);
    case Association::Answer::Nothing: return registrationEvent(now, home.association, "waiting", out);
    case Association::Answer::Refused:
        registrationEvent(now, home.association, "refused", out);
        // MN-BU-13: the home address belongs to somebody else. Otherwise another home agent may take us (MN-BU-16, MN-BU-19).
        if (ack.status == wire::bindingStatus::duplicateAddressDetectionFailed) home.refused = true;
        else if (!ack.accepted()) nextHomeAgent(now);
        return;
    }
}

bool MobileNode::refreshAnchor(TimePoint now, const Ipv6Address& peer, const Ipv6Address& home, const std::vector<std::uint16_t>& bids)
{
    if (const auto paths = mapPaths_.find(peer); paths != mapPaths_.end() && paths->second.home() == home) paths->second.refresh(now, bids);
    if (Home* own = findHome(home); own && own->paths.peer() == peer) own->paths.refresh(now, bids);
    Association* association = nullptr;
    if (Association* map = findMap(peer); map && map->home() == home) association = map;
    if (Home* own = findHome(home); own && own->association.peer() == peer) association = &own->association;
    if (association) association->refresh(now);
    return association != nullptr;
}

void MobileNode::registrationEvent(TimePoint now, const Association& association, std::string_view state, Output& out) const
{
    out.changed(now, "registration", {{"peer", attribute(association.peer())}, {"home_address", attribute(association.home())}},
                {{"state", attribute(state)}, {"care_of_address", attribute(association.requestedCareOf())},
                 {"sequence", attribute(std::int64_t{association.sequence()})},
                 {"lifetime", attribute(Duration(std::chrono::seconds(4 * std::int64_t{association.granted().count()})))},
                 {"expires", attribute(association.expires())}});
}

void MobileNode::registrationGone(TimePoint now, const Association& association, Output& out)
{
    out.removed(now, "registration", {{"peer", attribute(association.peer())}, {"home_address", attribute(association.home())}});
}

}  // namespace roamscope::node
