// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile node as a whole: what is handed in, when it wants to be called, what it tells of its timers.
#include "protocol/node/mobile_node.hpp"

#include "protocol/node/sequence.hpp"

namespace roamscope::node {

namespace {
constexpr std::uint64_t networkStream = 100001;
constexpr std::uint64_t correspondentStream = 100000;  // nonces come from random numbers of their own, so that they disturb nothing else
}

MobileNode::MobileNode(IpStack stack, Settings settings, std::vector<TrafficSource> sources)
    : stack_(std::move(stack)), settings_(std::move(settings)), sources_(std::move(sources)), correspondent_(stack_.random().fork(correspondentStream), settings_.correspondent),
      network_(settings_.network, stack_.random().fork(networkStream)),
      links_(stack_.interfaceCount(), Link(settings_.mapPolicy))
{
    stack_.setMobilitySupport();
    addHome({}, settings_.homeAddress);
    for (const Ipv6Address& further : settings_.furtherHomeAddresses) addHome({}, further);
    startNetwork();
    startIpv4();
}

void MobileNode::receive(TimePoint now, std::size_t interface, ByteView frame, Output& out)
{
    const bool isIpv4 = !ipv4_.empty() && Ipv4Link::concerns(frame);
    if (isIpv4) fromIpv4(now, interface, frame, out);
    auto delivery = isIpv4 ? std::nullopt : stack_.receive(now, interface, frame, out);
    if (!isIpv4 && !delivery && concernsStackOnly(now)) return;
    ownDeadline_.reset();
    if (delivery && network_.isIngress(interface)) {
        onIngress(now, std::move(*delivery), out);
    } else if (delivery && delivery->kind == Delivery::Kind::Forward) {
        if (homeLink_ == interface && network_.isBehind(delivery->packet.destination)) sendInside(now, std::move(delivery->packet), out);
    } else if (delivery && delivery->icmp && std::holds_alternative<wire::RouterAdvertisement>(*delivery->icmp)) {
        const auto ra = std::get<wire::RouterAdvertisement>(*delivery->icmp);
        onAdvertisement(now, *delivery, ra, out);
    } else if (delivery && delivery->kind == Delivery::Kind::Local) {
        handle(now, std::move(*delivery), out, {});
    }
    drainStack(now, out);
    sendCarried(now, out);
    progress(now, out);
    reportTimers(now, out);
}

void MobileNode::advance(TimePoint now, Output& out)
{
    stack_.advance(now, out);
    if (concernsStackOnly(now)) return;
    ownDeadline_.reset();
    if (std::exchange(reconsider_, std::nullopt)) {
        for (Home& home : homes_) pathEvents(now, home.paths, out);
        if (!isMultihomed() && std::exchange(beside_, false) && homeLink_) settleHome(now, *homeLink_, out);
    }
    drainStack(now, out);
    advanceLinks(now, out);
    advanceIpv4(now, out);
    expireHomes(now, out);
    progress(now, out);
    repeatAdvertisements(now, out);
    correspondent_.advance(now, stack_, out);
    network_.advance(now, stack_, out);
    sendCarried(now, out);
    sendTraffic(now, out);
    reportTimers(now, out);
}

void MobileNode::reportTimers(TimePoint now, Output& out)
{
    std::array<std::optional<TimePoint>, TimerCount> timers;
    for (const Link& link : links_)
        if (link.solicitationsLeft > 0) timers[SolicitRouter] = earlier(timers[SolicitRouter], link.nextSolicitation);
    timers[UpdateMap] = mapUpdateDue();
    timers[UpdateHome] = homeUpdateDue();
    timers[DiscoverHomeAgents] = discovery_.nextDeadline();
    timers[SolicitPrefixes] = prefixes_.nextDeadline();
    static constexpr std::string_view names[] = {"router-solicitation", "local-binding-update", "home-binding-update", "home-agent-discovery",
                                                 "mobile-prefix-solicitation"};
    for (std::size_t i = 0; i < TimerCount; ++i) {
        if (timers[i] == reported_[i]) continue;
        const Attributes key{{"name", attribute(names[i])}};
        if (timers[i]) out.changed(now, "timer", key, {{"due", attribute(*timers[i])}});
        else out.removed(now, "timer", key);
    }
    reported_ = timers;
    dropFlows(now, out);
}

std::optional<TimePoint> MobileNode::nextDeadline() const
{
    const TimePoint own = ownDeadline();
    return earlier(stack_.nextDeadline(), own != TimePoint::max() ? std::optional(own) : std::nullopt);
}

TimePoint MobileNode::ownDeadline() const
{
    if (!ownDeadline_) ownDeadline_ = nextOwnDeadline().value_or(TimePoint::max());
    return *ownDeadline_;
}

std::optional<TimePoint> MobileNode::nextOwnDeadline() const
{
    auto next = earlier(nextLinkDeadline(), earlier(correspondent_.nextDeadline(), nextIpv4Deadline()));
    for (const TrafficSource& source : sources_) next = earlier(next, source.nextDeadline());
    next = earlier(earlier(earlier(next, nextHomeDeadline()), reconsider_), network_.nextDeadline());
    const auto identified = [&](const Home& home) { return home.paths.supported() && !(isRouter(home) && network_.leaving()); };
    const auto peers = [&] {
        for (const auto& [key, peer] : peers_)
            if (!homeLink_ || beside_ || atHomeWithAddress(key.first)) next = earlier(next, peer.nextDeadline());
    };
    // A registration can only go on with a usable care-of address; until then its deadlines would be in vain.
    if (isMultihomed() && (!homeLink_ || beside_)) {
        if (beside_ && homeAdvertisementsLeft_ > 0) next = earlier(next, nextHomeAdvertisement_);
        for (const auto& [map, paths] : mapPaths_) next = earlier(next, paths.supported() ? paths.nextDeadline() : usable(lcoa_) ? findMap(map)->nextDeadline() : std::nullopt);
        for (const Home& home : homes_)
            if (!homeWaits_ && !home.refused) next = earlier(next, identified(home) ? home.paths.nextDeadline() : usable(lcoa_) ? home.association.nextDeadline() : std::nullopt);
        if (!discoveryWaits_) next = earlier(earlier(next, nextDiscovery_), discovery_.nextDeadline());
        if (!prefixesWait_) next = earlier(next, prefixes_.nextDeadline());
        if (!peersWait_) peers();
    } else if (homeLink_) {
        if (homeAdvertisementsLeft_ > 0) next = earlier(next, nextHomeAdvertisement_);
        if (homeAgentAsked_ > 0) next = earlier(next, nextHomeAgentAsk_);
        else
            for (const Home& home : homes_) next = earlier(next, home.association.nextDeadline());
        peers();
    } else if (usable(lcoa_)) {
        for (const auto& [map, association] : maps_) next = earlier(next, association.nextDeadline());
        if (!homeWaits_)
            for (const Home& home : homes_) next = earlier(next, home.association.nextDeadline());
        if (!discoveryWaits_) next = earlier(earlier(next, nextDiscovery_), discovery_.nextDeadline());
        if (!prefixesWait_) next = earlier(next, prefixes_.nextDeadline());
        if (!peersWait_) peers();
    }
    return next;
}

std::optional<TimePoint> MobileNode::homeUpdateDue() const
{
    const Home& home = homes_.front();
    const bool leaving = isRouter(home) && network_.leaving();
    return usesBids(home) && !leaving && (!homeLink_ || beside_) ? home.paths.nextDeadline() : home.association.nextDeadline();
}

std::optional<TimePoint> MobileNode::mapUpdateDue() const
{
    const Association* map = mapAssociation();
    if (!map) return std::nullopt;
    const auto paths = mapPaths_.find(map->peer());
    return paths != mapPaths_.end() && paths->second.supported() ? paths->second.nextDeadline() : map->nextDeadline();
}

std::uint16_t MobileNode::lastSequence(const Ipv6Address& peer, const Ipv6Address& home)
{
    // MN-BU-06, RR-MN-06: with no list entry the first number is random.
    const auto last = lastSequences_.find({home, peer});
    return last != lastSequences_.end() ? last->second : static_cast<std::uint16_t>(stack_.random().next());
}

void MobileNode::keepSequence(const Ipv6Address& peer, const Ipv6Address& home, std::uint16_t sequence)
{
    constexpr std::size_t most = 256;  // of those that are forgotten, status 135 tells
    if (lastSequences_.size() == most && !lastSequences_.contains({home, peer})) lastSequences_.erase(lastSequences_.begin());
    lastSequences_[{home, peer}] = sequence;
}

void MobileNode::sendTraffic(TimePoint now, Output& out)
{
    for (TrafficSource& source : sources_)
        while (auto due = source.due(now)) {
            out.happened(now, "probe-sent", {{"flow", attribute(std::int64_t{due->probe.flow})}, {"serial", attribute(std::int64_t{due->probe.serial})}});
            answerFrom(now, std::move(due->packet), out);
        }
}

}  // namespace roamscope::node
