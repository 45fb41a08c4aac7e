// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile node and its MAPs: eager to register with a better one, lazy to release the one before (RFC 4140 §6.1, §8 to §10;
// RFC 5380 likewise).
#include "protocol/node/mobile_node.hpp"

#include "protocol/node/sequence.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::BindingUpdate;
using wire::Ipv6Packet;
namespace proto = wire::protocol;

Association* MobileNode::findMap(const Ipv6Address& map)
{
    const auto it = maps_.find(map);
    return it != maps_.end() ? &it->second : nullptr;
}

const Association* MobileNode::findMap(const Ipv6Address& map) const
{
    const auto it = maps_.find(map);
    return it != maps_.end() ? &it->second : nullptr;
}

const Association* MobileNode::mapAssociation(const std::optional<Ipv6Address>& map) const { return map ? findMap(*map) : nullptr; }

std::optional<Ipv6Address> MobileNode::regionalCareOf() const
{
    const Association* map = mapAssociation();
    return map ? std::optional(map->home()) : std::nullopt;
}

bool MobileNode::isRegional(const Ipv6Address& address) const
{
    return std::any_of(maps_.begin(), maps_.end(), [&](const auto& entry) { return entry.second.home() == address; });
}

std::optional<MobileNode::MapTunnel> MobileNode::tunnelOf(const Ipv6Address& rcoa) const
{
    const auto tunnel = [&](const Association* at) -> std::optional<MapTunnel> {
        if (!at || at->home() != rcoa) return std::nullopt;
        if (const auto paths = mapPaths_.find(at->peer()); paths != mapPaths_.end() && paths->second.supported()) {
            const auto* slot = paths->second.best([this](const BidRegistration::Slot& s) { return usable(s.path.careOf); });
            return slot ? std::optional(MapTunnel{at->peer(), slot->path.careOf}) : std::nullopt;
        }
        const auto careOf = at->registeredCareOf();
        const bool works = isMultihomed() ? usable(careOf) : lcoa_ && careOf == lcoa_;
        return works ? std::optional(MapTunnel{at->peer(), *careOf}) : std::nullopt;
    };
    // Two MAPs may serve one prefix (HMIP-MN-33): the one in use first.
    for (const auto& map : {used_, chosen_})
        if (const auto found = tunnel(mapAssociation(map))) return found;
    for (const auto& [map, at] : maps_)
        if (const auto found = tunnel(&at)) return found;
    return std::nullopt;
}

void MobileNode::chooseMaps(TimePoint now, Output& out)
{
    if (!settings_.hierarchical || !lcoa_ || homeLink_ || isMultihomed()) return;  // with several paths: chooseWayMaps()
    Link& link = links_[primary_];
    link.maps.advance(now);
    // HMIP-MN-06: the bindings at a MAP that has failed count as lost, and so do those that its option's lifetime left behind.
    std::vector<Ipv6Address> gone;
    for (const auto& [map, at] : maps_)
        if (link.maps.hasFailed(map) || link.maps.usableUntil(map).value_or(TimePoint::max()) <= now) gone.push_back(map);
    for (const Ipv6Address& map : gone) forgetMap(now, map, out);
    // HMIP-MN-05: only a binding that exists keeps a MAP with preference 0 eligible.
    const Association* before = mapAssociation();
    auto ranked = link.maps.ranked(now, before && before->registered(now) ? std::optional(before->peer()) : std::nullopt);
    if (settings_.fixedMap) std::erase_if(ranked, [&](const wire::MapOption& m) { return m.address != settings_.fixedMap; });
    if (ranked.size() > settings_.maximumMaps) ranked.resize(settings_.maximumMaps);
    for (const wire::MapOption& map : ranked) joinMap(now, map);
    const auto chosen = ranked.empty() ? std::nullopt : std::optional(ranked.front().address);
    further_.clear();
    for (std::size_t i = 1; i < ranked.size(); ++i) further_.push_back(ranked[i].address);
    if (chosen == chosen_) return;  // HMIP-MN-17: same MAP, same RCoA
    chosen_ = chosen;
    const Attributes key{{"interface", attribute(stack_.interfaceName(primary_))}};
    if (!chosen_) return out.removed(now, "map-choice", key);  // HMIP-MN-07a: plain Mobile IPv6
    out.changed(now, "map-choice", key,
                {{"map", attribute(*chosen_)}, {"distance", attribute(std::int64_t{ranked.front().distance})},
                 {"preference", attribute(std::int64_t{ranked.front().preference})}, {"regional_care_of_address", attribute(mapAssociation()->home())}});
}

void MobileNode::joinMap(TimePoint now, const wire::MapOption& map)
{
    // HMIP-MN-08a: the RCoA is the MAP's /64 with our interface identifier.
    const Ipv6Address rcoa = withInterfaceId(map.address, eui64(stack_.mac(0)));
    if (Association* at = findMap(map.address)) at->keep(now);
    else maps_.try_emplace(map.address, map.address, rcoa, lastSequence(map.address, rcoa), settings_.firstTimeout);
}

void MobileNode::forgetMap(TimePoint now, Ipv6Address map, Output& out)
{
    const auto it = maps_.find(map);
    if (it == maps_.end()) return;
    std::uint16_t last = it->second.sequence();
    if (const auto paths = mapPaths_.find(map); paths != mapPaths_.end()) {
        last = newest(last, paths->second.sequence());
        paths->second.restart(last);
        pathEvents(now, paths->second, out);
        mapPaths_.erase(paths);
        mapFlows_.erase(map);
    } else {
        registrationGone(now, it->second, out);
    }
    keepSequence(map, it->second.home(), last);
    maps_.erase(it);
    std::erase(further_, map);
    if (used_ == map) used_.reset();
    if (chosen_ != map) return;
    chosen_.reset();
    out.removed(now, "map-choice", {{"interface", attribute(stack_.interfaceName(primary_))}});
}

void MobileNode::progressMaps(TimePoint now, Output& out)
{
    for (bool again = true; again;) {
        again = false;
        std::vector<Ipv6Address> ended;
        for (auto& [map, at] : maps_) {
            const bool wanted = chosen_ == map || std::find(further_.begin(), further_.end(), map) != further_.end();
            if (wanted) {
                if (giveUpSilentMap(now, map, out)) {
                    again = true;
                    break;
                }
                // HMIP-MN-16: no longer than the MAP option says that the RCoA is good for.
                at.request(now, *lcoa_, std::min(lifetimeFor(now, *lcoa_), links_[primary_].maps.remaining(now, map)));
            } else if (!at.releasing()) {
                at.lapse();  // HMIP-MN-20
                // HMIP-MN-19: what is still on its way there is sent after us, as long as the binding there would have lived.
                const bool forwards = settings_.forwardFromPreviousMap && chosen_ && at.registered(now) && at.unanswered() < mapPatience;
                if (forwards && at.remaining(now) >= leastLifetime) at.request(now, *lcoa_, std::min(lifetimeFor(now, *lcoa_), at.remaining(now)));
                if (!at.registered(now)) ended.push_back(map);
            } else if (at.unanswered() > mapPatience) {
                ended.push_back(map);
            }
            while (const auto update = at.due(now)) sendLocalUpdate(now, at, *update, out);
        }
        for (const Ipv6Address& map : ended) forgetMap(now, map, out);
    }
    settleMap(now);
    releaseLeftMaps(now, out);
}

bool MobileNode::giveUpSilentMap(TimePoint now, const Ipv6Address& map, Output& out)
{
    const Association& at = *findMap(map);
    if (!at.isDue(now) || at.unanswered() < mapPatience) return false;
    MapSelection& known = links_[primary_].maps;
    const auto others = known.ranked(now, std::nullopt);
    const bool another = !settings_.fixedMap && std::any_of(others.begin(), others.end(), [&](const wire::MapOption& m) { return m.address != map; });
    if (!another && !at.exhausted(now)) return false;
    // HMIP-MN-33: it has failed; the next one, and what routers know of others.
    known.silent(map, now + silentMapPause);
    out.happened(now, "map-failed", {{"map", attribute(map)}});
    forgetMap(now, map, out);
    startSoliciting(now, primary_);
    chooseMaps(now, out);
    return true;
}

void MobileNode::settleMap(TimePoint now)
{
    const auto works = [&](const std::optional<Ipv6Address>& map) {
        const Association* at = mapAssociation(map);
        return at && at->registered(now) && at->registeredCareOf() == lcoa_;
    };
    // Make before break: the one in use stays in use until the chosen one has answered.
    if (!chosen_ || works(chosen_)) used_ = chosen_;
}

void MobileNode::releaseLeftMaps(TimePoint now, Output& out)
{
    const Home& home = homes_.front();
    const auto careOf = home.association.registeredCareOf();
    if (!settings_.releaseMaps || !home.association.registered(now) || home.association.waiting()) return;
    for (auto& [map, at] : maps_) {
        const bool left = chosen_ != map && used_ != map && std::find(further_.begin(), further_.end(), map) == further_.end();
        // HMIP-MN-30: not before the home agent sends elsewhere.
        if (!left || at.releasing() || at.home() == careOf) continue;
        at.release(now);
        while (const auto update = at.due(now)) sendLocalUpdate(now, at, *update, out);
    }
}

void MobileNode::sendLocalUpdate(TimePoint now, const Association& at, const Association::Update& update, Output& out)
{
    // HMIP-MN-09: A and M. HMIP-MN-10, -11: from the LCoA, home address option = RCoA, no alternate care-of address.
    BindingUpdate bu;
    bu.sequence = update.sequence;
    bu.flags = BindingUpdate::acknowledge | BindingUpdate::mapRegistration;
    bu.lifetime = update.lifetime;
    Ipv6Packet packet;
    packet.source = update.lifetime.count() == 0 ? *lcoa_ : update.careOf;
    packet.destination = at.peer();
    packet.setHomeAddress(at.home());
    packet.nextHeader = proto::mobility;
    packet.payload = wire::emitMobility(bu, packet.pseudoHeader());
    out.happened(now, "local-binding-update", {{"sequence", attribute(std::int64_t{update.sequence})}, {"care_of_address", attribute(packet.source)},
                                               {"map", attribute(at.peer())}, {"copy", attribute(update.copy)}});
    registrationEvent(now, at, "waiting", out);
    stack_.send(now, std::move(packet), out);
}

void MobileNode::onMapAck(TimePoint now, Association& at, Association::Answer answer, Output& out)
{
    if (answer == Association::Answer::Accepted) registrationEvent(now, at, "registered", out);
    if (answer == Association::Answer::Released) return forgetMap(now, at.peer(), out);
    // A MAP that grants nothing is as good as one that refuses: without it the node is reached all the same.
    if (answer != Association::Answer::Refused && answer != Association::Answer::Nothing) return;
    registrationEvent(now, at, "refused", out);
    // MN-BU-16: no more updates to this MAP; HMIP-MN-07a: another one, or none.
    const Ipv6Address map = at.peer();
    links_[primary_].maps.refused(map);
    forgetMap(now, map, out);
    chooseMaps(now, out);
}

}  // namespace roamscope::node
