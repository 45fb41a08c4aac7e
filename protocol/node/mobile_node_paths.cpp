// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile node with several care-of addresses at a time (RFC 5648): which of its interfaces are registered where, by which one packets
// leave, home and foreign at once (§5.6), revocation (RFC 5846 §10). At a MAP and with several regional addresses it does the same; the
// RFC says nothing about that, so this is an extension of ours.
#include "protocol/node/mobile_node.hpp"
#include "protocol/node/sequence.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::node {

using wire::BindingUpdate;
using wire::Ipv6Packet;
namespace proto = wire::protocol;
using Path = BidRegistration::Path;
using Slot = BidRegistration::Slot;

namespace {

constexpr std::uint8_t mobileNodeAddress = 2;  // code of a link-layer address option (RFC 5568 §6.4.4)

std::string namesOf(const std::vector<wire::BindingIdentifier>& options)
{
    std::string out;
    for (const wire::BindingIdentifier& b : options) out += fmt::format("{}{}", out.empty() ? "" : " ", b.bid);
    return out;
}

}  // namespace

std::uint16_t MobileNode::bidOf(std::size_t interface) const
{
    const auto& paths = settings_.multihoming.paths;
    const std::uint16_t given = interface < paths.size() ? paths[interface].bid : std::uint16_t{0};
    return given != 0 ? given : static_cast<std::uint16_t>(interface + 1);
}

std::uint8_t MobileNode::priorityOf(std::size_t interface) const
{
    const auto& paths = settings_.multihoming.paths;
    const std::uint8_t given = interface < paths.size() ? paths[interface].priority : std::uint8_t{0};
    // FLOW-03: who tells flows tells priorities, too.
    constexpr std::size_t lowest = 127;
    return given == 0 && !settings_.multihoming.flows.empty() ? static_cast<std::uint8_t>(std::min(interface + 1, lowest)) : given;
}

std::vector<MobileNode::Way> MobileNode::ways(TimePoint now) const
{
    std::vector<Way> out;
    for (std::size_t i = 0; i < links_.size(); ++i)
        // RFC 5555 §4.4.4: nobody is at home and on IPv4; updates of that address alone would end the binding of the home link.
        if (const auto ipv4 = ipv4_.find(i); ipv4 != ipv4_.end() && ipv4->second.up && !homeLink_) out.push_back({i, bidOf(i), priorityOf(i), wire::mapped(ipv4->second.link.address()), std::nullopt});
        else if (const auto careOf = bestCareOf(now, i); usable(careOf)) out.push_back({i, bidOf(i), priorityOf(i), *careOf, std::nullopt});
    return out;
}

void MobileNode::progressPaths(TimePoint now, Output& out)
{
    std::vector<Way> list = ways(now);
    settleBeside(now, !list.empty(), out);
    if (homeLink_ && !beside_) return progressHome(now, out);
    if (!beside_) {  // at home no MAP is needed (HMIP-MN-31)
        chooseWayMaps(now, list, out);
        progressMapPaths(now, list, out);
    }
    if (settings_.homeAddress.isUnspecified()) return;
    const bool ipv6 = std::any_of(list.begin(), list.end(), [](const Way& way) { return !wire::unmapped(way.careOf); });
    if (ipv6) progressDiscovery(now, out);
    if (homeAgent().isUnspecified()) return;
    progressHomePaths(now, list, out);
    if (list.empty()) return;
    progressPrefixes(now, out);
    if (ipv6) progressPeers(now, out);
}

// ---- MAPs

std::chrono::seconds MobileNode::remainingAt(TimePoint now, const Ipv6Address& map) const
{
    if (const auto it = mapPaths_.find(map); it != mapPaths_.end() && it->second.supported())
        return it->second.registered(now) ? secondsUntil(now, it->second.expires()) : std::chrono::seconds{0};
    const Association* at = findMap(map);
    return at ? at->remaining(now) : std::chrono::seconds{0};
}

void MobileNode::chooseWayMaps(TimePoint now, std::vector<Way>& list, Output& out)
{
    for (Way& way : list) {
        MapSelection& known = links_[way.interface].maps;
        known.advance(now);
        // A router may advertise beside an IPv4 network: updates from there go to the home agent alone (RFC 5555 §4.4).
        if (!settings_.hierarchical || wire::unmapped(way.careOf)) continue;
        std::optional<Ipv6Address> present;
        for (const auto& [map, at] : mapPaths_)
            if (at.find(way.bid) && at.registered(now)) present = map;
        auto ranked = known.ranked(now, present);
        if (settings_.fixedMap) std::erase_if(ranked, [&](const wire::MapOption& m) { return m.address != settings_.fixedMap; });
        if (ranked.empty()) continue;
        way.map = ranked.front().address;
        joinMap(now, ranked.front());
        const Association& at = *findMap(*way.map);
        // More often than the home agent: what is left here bounds what may be asked for there (HMIP-MN-15).
        constexpr int refreshAfter = 8;
        mapPaths_.try_emplace(*way.map, *way.map, at.home(), at.sequence(), settings_.firstTimeout, refreshAfter);
    }
    // The MAP of the first path stands for all where one is asked for.
    const auto before = chosen_;
    const auto first = std::find_if(list.begin(), list.end(), [&](const Way& w) { return w.interface == primary_; });
    chosen_ = used_ = first == list.end() ? std::nullopt : first->map;
    if (chosen_ == before) return;
    const Attributes key{{"interface", attribute(stack_.interfaceName(primary_))}};
    if (!chosen_) return out.removed(now, "map-choice", key);
    out.changed(now, "map-choice", key, Attributes{{"map", attribute(*chosen_)}, {"regional_care_of_address", attribute(findMap(*chosen_)->home())}});
}

void MobileNode::progressMapPaths(TimePoint now, std::vector<Way>& list, Output& out)
{
    std::vector<Ipv6Address> left, silent;
    for (auto& [map, at] : maps_) {
        std::vector<Path> paths;
        bool failed = false;
        for (const Way& way : list) {
            failed = failed || links_[way.interface].maps.hasFailed(map);
            if (way.map != map) continue;
            // HMIP-MN-16: no longer than the MAP option says that the RCoA is good for.
            const auto regional = links_[way.interface].maps.remaining(now, map);
            if (regional >= leastLifetime) paths.push_back({way.bid, way.priority, way.careOf, false, std::min(lifetimeFor(now, way.careOf), regional)});
        }
        const auto it = mapPaths_.find(map);
        if (!paths.empty()) {
            progressMapPath(now, at, paths, out);
        } else if (it != mapPaths_.end()) {
            it->second.lapse();  // HMIP-MN-20
            (void)it->second.due(now);
            pathEvents(now, it->second, out);
        }
        const bool bound = it != mapPaths_.end() && it->second.registered(now);
        if (paths.empty() && (failed || !bound)) left.push_back(map);
        // HMIP-MN-33: it does not answer.
        if (!paths.empty() && it != mapPaths_.end() && it->second.bootCopies() > mapPatience) silent.push_back(map);
    }
    for (const Ipv6Address& map : silent) {
        out.happened(now, "map-failed", {{"map", attribute(map)}});
        for (Link& link : links_) link.maps.silent(map, now + silentMapPause);
        for (Way& way : list)
            if (way.map == map) way.map.reset();
        forgetMap(now, map, out);
        reconsider_ = now;
    }
    for (const Ipv6Address& map : left) forgetMap(now, map, out);
}

void MobileNode::progressMapPath(TimePoint now, Association& at, const std::vector<Path>& paths, Output& out)
{
    BidRegistration& registration = mapPaths_.at(at.peer());
    if (registration.supported()) {
        registration.want(now, paths, isBulk());
        FlowRegistration& flows = mapFlows_[at.peer()].told;
        tellFlows(now, flows, registration);
        while (const auto update = registration.due(now)) sendPathUpdate(now, registration, *update, BindingUpdate::mapRegistration, out, flows);
        return pathEvents(now, registration, out);
    }
    // The MAP knows no identifiers: one care-of address, the best (MCOA-MN-09).
    const auto best = std::min_element(paths.begin(), paths.end(), [](const Path& a, const Path& b) {
        return (a.priority == 0 ? 128 : a.priority) < (b.priority == 0 ? 128 : b.priority);
    });
    at.request(now, best->careOf, best->lifetime);
    while (const auto update = at.due(now)) sendLocalUpdate(now, at, *update, out);
}

// ---- the home agent

std::uint16_t MobileNode::regionalBid(const std::vector<Way>& list, const Way& way, const Ipv6Address& careOf, const Home& home) const
{
    // The one that it has already, unless another interface needs it for another address (HMIP-MN-17: the home agent hears nothing).
    for (const Slot& slot : home.paths.entries()) {
        if (!way.map || !slot.wanted || slot.path.home || slot.path.careOf != careOf) continue;
        const auto owner = std::find_if(list.begin(), list.end(), [&](const Way& w) { return w.bid == slot.path.bid; });
        if (owner == list.end() || owner->map == way.map) return slot.path.bid;
    }
    return way.bid;
}

std::vector<Path> MobileNode::homePaths(TimePoint now, const std::vector<Way>& list, const Home& home) const
{
    std::vector<Path> out;
    const auto most = secondsUntil(now, home.validUntil);  // MN-BU-05
    for (const Way& way : list) {
        Path path{way.bid, way.priority, way.careOf, false, std::min(most, lifetimeFor(now, way.careOf))};
        if (way.map) {
            // HMIP-MN-13, -15: the regional address, once its MAP has answered, for no longer than that binding lives.
            const auto left = remainingAt(now, *way.map);
            if (left < leastLifetime) continue;
            path.careOf = findMap(*way.map)->home();
            path.lifetime = std::min(path.lifetime, left);
        }
        // Interfaces with one MAP share a regional address, which has one identifier.
        const auto shared = std::find_if(out.begin(), out.end(), [&](const Path& p) { return p.careOf == path.careOf; });
        if (shared == out.end()) {
            path.bid = regionalBid(list, way, path.careOf, home);
            // With the priority of that identifier's interface, so that it stays what it is (HMIP-MN-17).
            for (std::size_t i = 0; i < links_.size(); ++i)
                if (bidOf(i) == path.bid) path.priority = priorityOf(i);
            out.push_back(path);
        }
    }
    // MCOA-MN-12: one home binding, with the home address for a care-of address.
    if (beside_ && !out.empty()) out.push_back({bidOf(*homeLink_), priorityOf(*homeLink_), home.address, true, std::min(most, settings_.lifetime)});
    return out;
}

void MobileNode::progressHomePaths(TimePoint now, const std::vector<Way>& list, Output& out)
{
    homeWaits_ = false;
    for (Home& home : homes_) {
        if (home.refused || home.association.peer().isUnspecified()) continue;
        const std::vector<Path> paths = homePaths(now, list, home);
        if (isRouter(home) && !network_.registers()) {
            if (network_.leaving() && !paths.empty()) progressLeaving(now, home, paths.front().careOf, out);
            continue;
        }
        if (!home.paths.supported()) {
            // MCOA-MN-09: a plain registration of one care-of address.
            const auto best = std::min_element(paths.begin(), paths.end(), [](const Path& a, const Path& b) {
                return (a.priority == 0 ? 128 : a.priority) < (b.priority == 0 ? 128 : b.priority);
            });
            if (best == paths.end()) continue;
            home.association.expire(now);
            home.association.request(now, best->careOf, best->lifetime);
            if (home.association.exhausted(now) && nextHomeAgent(now)) return progressHomePaths(now, list, out);
            while (const auto update = home.association.due(now)) sendHomeUpdate(now, home, *update, out);
            continue;
        }
        home.paths.want(now, paths, isBulk());
        tellFlows(now, home.flows, home.paths);
        if (home.paths.exhausted(now) && nextHomeAgent(now)) return progressHomePaths(now, list, out);
        while (const auto update = home.paths.due(now)) {
            std::uint16_t flags = BindingUpdate::homeRegistration;
            if (sharesIdentifier(home.address)) flags |= BindingUpdate::linkLocal;  // MN-BU-03
            sendPathUpdate(now, home.paths, *update, flags, out, home.flows);
        }
        pathEvents(now, home.paths, out);
    }
}

void MobileNode::settleBeside(TimePoint now, bool elsewhere, Output& out)
{
    const Home& first = homes_.front();
    const bool may = settings_.multihoming.homeAndForeign && first.paths.supported() && !first.paths.homeRefused() && !homeAgent().isUnspecified();
    const bool beside = homeLink_ && elsewhere && may;
    if (beside == beside_) return;
    beside_ = beside;
    if (beside_) {
        // MCOA-MN-12: nobody is told where the home address is before the acknowledgement.
        homeAgentAsked_ = homeAdvertisementsLeft_ = 0;
        stack_.watchAdvertisements(std::nullopt);
        for (Home& home : homes_) {
            stack_.remove(now, *homeLink_, home.address, out);
            if (!home.paths.registered(now)) home.paths.restart(newest(home.association.sequence(), home.paths.sequence()));
            home.association.restart(home.paths.sequence(), false);
        }
    } else if (homeLink_) {
        settleHome(now, *homeLink_, out);
    }
    nameCarried();
}

void MobileNode::sendPathUpdate(TimePoint now, const BidRegistration& at, const BidRegistration::Update& update, std::uint16_t flags, Output& out,
                                FlowRegistration& flows)
{
    BindingUpdate bu;
    bu.sequence = update.sequence;
    bu.flags = BindingUpdate::acknowledge | flags;
    if (update.overwrite) bu.flags |= BindingUpdate::overwrite;
    bu.lifetime = update.lifetime;
    for (const wire::BindingIdentifier& option : update.options) bu.options.push_back(option);  // MCOA-MN-05: and no alternate care-of address
    if (update.home) {
        const Mac mac = stack_.mac(*homeLink_);
        bu.options.push_back(wire::LinkLayerAddress{mobileNodeAddress, Bytes(mac.octets.begin(), mac.octets.end())});
    }
    // FLOW-04: the identifiers of this update come first. With O nothing else is there any more.
    std::vector<std::uint16_t> known = update.overwrite ? std::vector<std::uint16_t>{} : at.boundBids();
    for (const wire::BindingIdentifier& option : update.options) {
        std::erase(known, option.bid);
        if (update.lifetime.count() != 0) known.push_back(option.bid);
    }
    if (update.overwrite) flows.forget();
    for (wire::MobilityOption& option : flows.options(update.sequence, known)) bu.options.push_back(std::move(option));
    if (const Home* home = findHome(at.home()); home && &home->paths == &at) {
        addNetwork(*home, bu);  // MCOA-NEMO-01
        nextAgentAt_ = now + settings_.firstTimeout;
    }
    Ipv6Packet packet;
    packet.source = update.careOf;
    packet.destination = at.peer();
    packet.setHomeAddress(at.home());
    packet.nextHeader = proto::mobility;
    packet.payload = wire::emitMobility(bu, packet.pseudoHeader());
    const bool local = (flags & BindingUpdate::mapRegistration) != 0;
    out.happened(now, local ? "local-binding-update" : "home-binding-update",
                 {{"sequence", attribute(std::int64_t{update.sequence})}, {"care_of_address", attribute(update.careOf)},
                  {local ? "map" : "home_agent", attribute(at.peer())}, {"copy", attribute(update.copy)},
                  {"bids", attribute(std::string_view(namesOf(update.options)))}, {"overwrite", attribute(update.overwrite)}});
    sendFromCareOf(now, std::move(packet), out);
}

void MobileNode::pathEvents(TimePoint now, BidRegistration& at, Output& out) const
{
    using Kind = BidRegistration::Change::Kind;
    static constexpr std::string_view states[] = {"waiting", "registered", "refused"};
    for (const auto& [kind, slot] : at.takeChanges()) {
        const Attributes key{{"peer", attribute(at.peer())}, {"home_address", attribute(at.home())}, {"bid", attribute(std::int64_t{slot.path.bid})}};
        if (kind == Kind::Gone) {
            out.removed(now, "registration", key);
            continue;
        }
        out.changed(now, "registration", key,
                    Attributes{{"state", attribute(states[static_cast<std::size_t>(kind)])}, {"care_of_address", attribute(slot.path.careOf)},
                               {"sequence", attribute(std::int64_t{at.sequence()})}, {"bid_priority", attribute(std::int64_t{slot.path.priority})},
                               {"status", attribute(std::int64_t{slot.status})}, {"home", attribute(slot.path.home)},
                               {"lifetime", attribute(toDuration(slot.granted))}, {"expires", attribute(slot.expires)}});
    }
}

void MobileNode::onPathAck(TimePoint now, BidRegistration& at, Home* home, const wire::BindingAck& ack, const std::optional<std::size_t>& ipv4, Output& out)
{
    using Answer = BidRegistration::Answer;
    const auto answer = at.acknowledged(now, ack);
    if (ipv4 && answer != Answer::Ignored) onNat(*ipv4, ack);
    static constexpr std::string_view names[] = {"ignored", "accepted", "resynchronised", "refused", "unsupported"};
    out.happened(now, "binding-acknowledged",
                 {{"peer", attribute(at.peer())}, {"sequence", attribute(std::int64_t{ack.sequence})}, {"status", attribute(std::int64_t{ack.status})},
                  {"result", attribute(names[static_cast<std::size_t>(answer)])}});
    pathEvents(now, at, out);
    if (answer == Answer::Unsupported) {
        out.happened(now, "identifiers-unsupported", {{"peer", attribute(at.peer())}, {"status", attribute(std::int64_t{ack.status})}});
        Association& plain = home ? home->association : *findMap(at.peer());
        plain.restart(at.sequence(), at.mayBeBound());
        at.restart(at.sequence());
        pathEvents(now, at, out);
        return;
    }
    FlowRegistration& flows = home ? home->flows : mapFlows_[at.peer()].told;
    if (answer == Answer::Accepted && ack.accepted()) flowsAcknowledged(now, flows, at.peer(), at.home(), at.boundBids(), ack, out);
    if (home && (answer == Answer::Accepted || answer == Answer::Refused) && onRouterAck(now, *home, ack, out)) return;
    if (!home) {
        if (answer != Answer::Refused) return;
        const Ipv6Address map = at.peer();
        for (Link& link : links_) link.maps.refused(map);  // MN-BU-16
        return forgetMap(now, map, out);
    }
    if (answer == Answer::Accepted) {
        agentsTried_ = 0;
        if (ack.status == wire::bindingStatus::prefixDiscoveryNecessary || (settings_.solicitPrefixes && !std::exchange(prefixesAsked_, true)))
            prefixes_.start(now, stack_.random());  // MN-BU-11
        if (!beside_) return;
        // MCOA-MN-17: neighbour discovery for the home address only when the home agent leaves it to us.
        for (const Slot& slot : at.entries())
            if (slot.path.home && slot.bound && !slot.withoutDiscovery && !stack_.owns(home->address)) {
                stack_.assign(now, *homeLink_, home->address, false, true, out);
                takeHomeAddress(now, home->address, out);
            }
        return nameCarried();
    }
    if (answer != Answer::Refused) return;
    if (ack.status == wire::bindingStatus::duplicateAddressDetectionFailed) home->refused = true;  // MN-BU-13
    else if (!at.registered(now)) nextHomeAgent(now);
}

// ---- by which path

bool MobileNode::works(const Slot& slot) const { return slot.path.home ? beside_ : usable(slot.path.careOf) || tunnelOf(slot.path.careOf).has_value() || ipv4At(slot.path.careOf); }

TimePoint MobileNode::boundUntil(const Home& home, const Ipv6Address& careOf) const
{
    if (usesBids(home))
        for (const Slot& slot : home.paths.entries())
            if (slot.usable() && slot.path.careOf == careOf) return slot.expires;
    return boundUntil(home);
}

const Slot* MobileNode::bestPath(const Home& home) const
{
    return home.paths.best([this](const Slot& slot) { return works(slot); });
}

// ---- revocation

void MobileNode::onRevocation(TimePoint now, const Ipv6Packet& packet, const std::optional<std::size_t>& ipv4, const wire::BindingRevocation& message, Output& out)
{
    constexpr std::uint16_t proxy = 0x8000, ipv4Only = 0x4000, global = 0x2000;
    constexpr std::uint8_t noSuchBinding = 128, ipv4AddressRequired = 129, proxyNotSupported = 135;
    if (message.kind != wire::BindingRevocation::indication || (!packet.routing && !ipv4)) return;
    // MCOA-BR-01: of a registration that there is; otherwise silently discarded.
    const Ipv6Address& address = packet.routing ? packet.routing->homeAddress : packet.destination;
    Home* home = findHome(address);
    if (home && home->association.peer() != packet.source) home = nullptr;
    const auto map = home ? mapPaths_.end() : mapPaths_.find(packet.source);
    Association* plain = home ? &home->association : findMap(packet.source);
    if (!plain || (!home && plain->home() != address)) return;
    std::vector<std::uint16_t> bids;
    for (const wire::MobilityOption& option : message.options)
        if (const auto* b = std::get_if<wire::BindingIdentifier>(&option)) bids.push_back(b->bid);
    std::uint8_t status = 0;
    if ((message.flags & proxy) != 0) status = proxyNotSupported;
    else if ((message.flags & ipv4Only) != 0) status = wire::findOption<wire::Ipv4HomeAddress>(message.options) ? noSuchBinding : ipv4AddressRequired;
    if (status == 0) {
        BidRegistration* paths = home ? &home->paths : map != mapPaths_.end() ? &map->second : nullptr;
        if (paths) {
            (void)paths->revoked(bids);
            pathEvents(now, *paths, out);
        }
        if (bids.empty() && plain->registered(now)) {
            registrationGone(now, *plain, out);
            plain->revoked();
        }
    }
    out.happened(now, "binding-revoked", {{"peer", attribute(packet.source)}, {"home_address", attribute(address)}, {"sequence", attribute(std::int64_t{message.sequence})},
                                          {"trigger", attribute(std::int64_t{message.code})}, {"bids", attribute(static_cast<std::int64_t>(bids.size()))}});
    wire::BindingRevocation answer;
    answer.kind = wire::BindingRevocation::acknowledgement;
    answer.code = status;
    answer.sequence = message.sequence;
    answer.flags = message.flags & (proxy | ipv4Only | global);  // RFC 5846 §5.2: as in the indication; the rest is reserved
    Ipv6Packet reply;
    reply.source = ipv4 ? wire::mapped(ipv4_.at(*ipv4).link.address()) : packet.destination;
    reply.destination = packet.source;
    reply.setHomeAddress(address);
    reply.nextHeader = proto::mobility;
    reply.payload = wire::emitMobility(answer, reply.pseudoHeader());
    sendFromCareOf(now, std::move(reply), out);
}

}  // namespace roamscope::node
