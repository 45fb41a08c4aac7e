// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/flows.hpp"

#include <algorithm>

namespace roamscope::analysis {

namespace {

/// A probe that is underway at the end of the trace is not lost yet; an answer takes less than this to come.
constexpr Duration patience = 1s;
constexpr std::size_t maxUnconfirmed = 65536;
constexpr std::size_t maxFlows = 65536;
constexpr std::size_t maxPaths = 64;  // of a flow
/// So long before its end a path was in use by a flow that the end concerns.
constexpr Duration inUse = 3s;

bool contains(const std::vector<Ipv6Address>& list, const Ipv6Address& address) { return std::find(list.begin(), list.end(), address) != list.end(); }

/// An address of a link that the node visits.
bool isCareOf(const Mobile* mobile, const Ipv6Address& address)
{
    return mobile && contains(mobile->careOf, address) && !contains(mobile->regional, address);
}

/// How many came after one with a higher serial.
std::uint32_t reorderedOf(std::vector<std::pair<TimePoint, std::uint32_t>>& arrivals)
{
    std::sort(arrivals.begin(), arrivals.end());
    std::uint32_t highest = 0, count = 0;
    for (const auto& [time, serial] : arrivals) {
        if (serial < highest) ++count;
        highest = std::max(highest, serial);
    }
    return count;
}

}  // namespace

void FlowTracker::add(const Observation& o, const Movement& movement, const Mobiles& mobiles, const Presence& presence)
{
    if (movement.sent) confirm(o.frame.ethernet->source, !(movement.moved && movement.silent), o.time);
    if (o.frame.probe && o.data) probe(o, mobiles, presence);
}

std::size_t FlowTracker::flowOf(std::uint16_t id, const Ipv6Address& source, const Ipv6Address& destination)
{
    const auto [it, fresh] = index_.try_emplace({id, source, destination}, flows_.size());
    if (fresh) {
        State state;
        state.id = id;
        state.source = source;
        state.destination = destination;
        flows_.push_back(std::move(state));
    }
    return it->second;
}

void FlowTracker::probe(const Observation& o, const Mobiles& mobiles, const Presence& presence)
{
    const wire::Probe& probe = *o.frame.probe;
    const wire::PseudoHeader ends = o.frame.inner()->pseudoHeader();
    const bool toInterface = o.frame.ethernet && mobiles.isInterface(o.frame.ethernet->destination) &&
                             presence.isOn(o.frame.ethernet->destination, o.link);
    const bool plain = o.tunnels() == 0 && !o.frame.inner()->routing && !o.frame.ipv4;
    if (flows_.size() >= maxFlows) return;
    if (probe.answer) {
        const std::size_t number = flowOf(probe.flow, ends.destination, ends.source);
        State& flow = flows_[number];
        const auto it = flow.bySerial.find(probe.serial);
        if (it == flow.bySerial.end() || !(plain || toInterface)) return;
        const auto receiver = toInterface || !o.frame.ethernet ? std::nullopt : presence.claimant(ends.destination);
        if (receiver && *receiver != o.frame.ethernet->destination) return;  // still on its way
        flow.samples[it->second].value.answered = o.time;
        flow.answered = true;
        return;
    }
    const std::size_t number = flowOf(probe.flow, ends.source, ends.destination);
    State& flow = flows_[number];
    const auto [it, fresh] = flow.bySerial.try_emplace(probe.serial, flow.samples.size());
    if (fresh) {
        Sample sample;
        sample.value.serial = probe.serial;
        sample.value.sent = o.time;
        sample.value.frame = o.index;
        if (!flow.samples.empty() && flow.samples.back().value.sent > o.time) flow.ordered = false;
        flow.samples.push_back(sample);
    }
    const std::uint32_t way = noteWays(flow, it->second, o, mobiles, toInterface);
    if (toInterface) deliver(number, it->second, way, o);
    else if (plain) {
        flow.samples[it->second].plain = o.time;
        flow.samples[it->second].plainTo = o.frame.ethernet ? o.frame.ethernet->destination : Mac{};
    }
}

std::uint32_t FlowTracker::wayOf(State& flow, std::size_t sample, const PathKey& path)
{
    auto at = std::find(flow.paths.begin(), flow.paths.end(), path);
    if (at == flow.paths.end()) {
        if (flow.paths.size() == maxPaths) return none;
        at = flow.paths.insert(flow.paths.end(), path);
    }
    const auto number = static_cast<std::uint16_t>(at - flow.paths.begin());
    std::uint32_t* link = &flow.samples[sample].firstWay;
    while (*link != none && flow.ways[*link].path != number) link = &flow.ways[*link].next;
    if (*link != none) return *link;
    const auto way = *link = static_cast<std::uint32_t>(flow.ways.size());
    flow.ways.push_back({none, number, 0, {}});
    return way;
}

std::uint32_t FlowTracker::noteWays(State& flow, std::size_t sample, const Observation& o, const Mobiles& mobiles, bool toInterface)
{
    // IPv4 care-of addresses stand as ::ffff:a.b.c.d (MCOA-DS-02).
    const Ipv6Address source = o.outerSource(), destination = o.outerDestination();
    const bool tunnelled = o.tunnels() > 0 || o.inIpv4();
    const Mobile* from = mobiles.of(flow.source);
    const bool behind = !from && tunnelled;
    if (behind) from = mobiles.routerAt(source);
    if (isCareOf(from, source)) (void)wayOf(flow, sample, {false, behind, source});
    const Mobile* to = mobiles.of(flow.destination);
    if (!to) return tunnelled || flow.router ? wayToHost(flow, sample, tunnelled ? mobiles.routerAt(destination) : nullptr, destination, toInterface) : none;
    if (isCareOf(to, destination)) return wayOf(flow, sample, {true, false, destination});
    // On its home link.
    return toInterface && destination == flow.destination ? wayOf(flow, sample, {true, false, flow.destination}) : none;
}

std::uint32_t FlowTracker::wayToHost(State& flow, std::size_t sample, const Mobile* router, const Ipv6Address& destination, bool toInterface)
{
    if (isCareOf(router, destination)) {
        flow.router = router->name();
        return wayOf(flow, sample, {true, true, destination});
    }
    // By the home link of its router.
    return flow.router && toInterface && destination == flow.destination ? wayOf(flow, sample, {true, true, *flow.router}) : none;
}

void FlowTracker::deliver(std::size_t number, std::size_t index, std::uint32_t way, const Observation& o)
{
    State& flow = flows_[number];
    Sample& sample = flow.samples[index];
    if (way != none) {
        Way& w = flow.ways[way];
        if (w.copies == 0) w.received = o.time;
        if (w.copies < UINT16_MAX) ++w.copies;
    }
    if (sample.value.copies < UINT16_MAX) ++sample.value.copies;
    if (sample.value.copies == 1) {
        sample.value.received = o.time;
        sample.reordered = flow.delivered && sample.value.serial < flow.highest;
        flow.highest = std::max(flow.highest, sample.value.serial);
        flow.delivered = true;
    }
    sample.unconfirmed = true;
    auto& list = unconfirmed_[o.frame.ethernet->destination];
    if (list.size() < maxUnconfirmed) list.push_back({number, index, way});
}

void FlowTracker::confirm(const Mac& mac, bool arrived, TimePoint now)
{
    const auto it = unconfirmed_.find(mac);
    if (it == unconfirmed_.end() || it->second.empty()) return;
    for (const Reference& r : it->second) {
        State& flow = flows_[r.flow];
        Sample& sample = flow.samples[r.sample];
        sample.unconfirmed = false;
        // Who answers such probes and left several without an answer for so long was away, though it comes back on the same link.
        const bool away = it->second.size() > 1 && flow.answered && !sample.value.answered && sample.value.received && now - *sample.value.received > patience;
        if ((arrived && !away) || sample.value.copies == 0) continue;
        if (r.way != none) --flow.ways[r.way].copies;
        if (--sample.value.copies == 0) {
            sample.value.received.reset();
            sample.reordered = false;
        }
    }
    it->second.clear();
}

bool FlowTracker::arrived(const State& flow, const Sample& sample, bool mobile, TimePoint end, const std::optional<Mac>& receiver) const
{
    if (sample.value.answered) return true;
    if (!mobile) return sample.plain && (!receiver || sample.plainTo == *receiver);
    if (!sample.value.received) return false;
    return !(sample.unconfirmed && flow.answered && end - *sample.value.received > patience);
}

bool FlowTracker::lost(const State& flow, const Sample& sample, bool mobile, TimePoint end, const std::optional<Mac>& receiver) const
{
    if (arrived(flow, sample, mobile, end, receiver)) return false;
    return end - sample.value.sent > patience || (mobile && flow.delivered && sample.value.serial < flow.highest);
}

std::vector<Flow> FlowTracker::flows(const Mobiles& mobiles, const Presence& presence, TimePoint end) const
{
    std::vector<Flow> out;
    out.reserve(flows_.size());
    for (const State& state : flows_) {
        if (state.samples.empty()) continue;
        Flow flow;
        flow.id = state.id;
        flow.source = state.source;
        flow.destination = state.destination;
        flow.probes.reserve(state.samples.size());
        const bool mobile = mobiles.of(state.destination) != nullptr;
        const auto receiver = mobile ? std::nullopt : presence.claimant(state.destination);
        std::vector<std::pair<TimePoint, std::uint32_t>> arrivals;
        for (const Sample& sample : state.samples) {
            ProbeSample& probe = flow.probes.emplace_back(sample.value);
            if (!mobile) {
                const bool there = sample.plain && (!receiver || sample.plainTo == *receiver);
                probe.received = there ? sample.plain : std::nullopt;
                probe.copies = there ? 1 : 0;
            } else if (!arrived(state, sample, mobile, end)) {
                probe.received.reset();
                probe.copies = 0;
            }
            if (lost(state, sample, mobile, end, receiver)) ++flow.lost;
            if (probe.copies > 1) ++flow.duplicated;
            if (probe.received) arrivals.emplace_back(*probe.received, probe.serial);
        }
        flow.reordered = reorderedOf(arrivals);
        flow.paths = pathsOf(state, mobile, end, receiver);
        const auto bySerial = [](const ProbeSample& a, const ProbeSample& b) { return a.serial < b.serial; };
        if (!std::is_sorted(flow.probes.begin(), flow.probes.end(), bySerial)) std::sort(flow.probes.begin(), flow.probes.end(), bySerial);
        out.push_back(std::move(flow));
    }
    return out;
}

std::vector<FlowPath> FlowTracker::pathsOf(const State& state, bool mobile, TimePoint end, const std::optional<Mac>& receiver) const
{
    std::vector<FlowPath> out;
    std::vector<std::vector<std::pair<TimePoint, std::uint32_t>>> arrivals(state.paths.size());
    for (const PathKey& key : state.paths) out.push_back({key.toMobile, key.router, key.careOf, {}, 0, 0, 0, 0});
    for (const Sample& sample : state.samples) {
        const bool came = arrived(state, sample, mobile, end, receiver);
        const bool alone = sample.firstWay != none && state.ways[sample.firstWay].next == none;
        for (std::uint32_t i = sample.firstWay; i != none; i = state.ways[i].next) {
            const Way& way = state.ways[i];
            FlowPath& path = out[way.path];
            ++path.probes;
            // What was answered has arrived, though nobody saw how.
            const bool good = came && (!path.toMobile || way.copies > 0 || (alone && sample.value.answered));
            if (!good && (end - sample.value.sent > patience || lost(state, sample, mobile, end, receiver))) ++path.lost;
            if (path.toMobile && way.copies > 1) ++path.duplicated;
            const auto time = !path.toMobile && !mobile ? sample.plain : path.toMobile && way.copies > 0 ? std::optional(way.received) : sample.value.received;
            if (good && time) arrivals[way.path].emplace_back(*time, sample.value.serial);
        }
    }
    for (std::size_t i = 0; i < out.size(); ++i) out[i].reordered = reorderedOf(arrivals[i]);
    return out;
}

bool FlowTracker::isOf(const State& flow, const Mobile& mobile)
{
    return mobile.homeAddress == flow.destination || contains(mobile.regional, flow.destination) || (flow.router && flow.router == mobile.homeAddress);
}

std::optional<FlowTracker::Gap> FlowTracker::gap(const Mobile& mobile, const Ipv6Address& careOf, TimePoint at, TimePoint end) const
{
    std::optional<Gap> longest;
    for (const State& flow : flows_) {
        if (!flow.ordered || !isOf(flow, mobile)) continue;
        const auto path = std::find_if(flow.paths.begin(), flow.paths.end(), [&](const PathKey& p) { return p.toMobile && p.careOf == careOf; });
        if (path == flow.paths.end()) continue;
        const auto found = gap(flow, static_cast<std::uint16_t>(path - flow.paths.begin()), at, end);
        if (found && (!longest || found->first - found->last > longest->first - longest->last)) longest = found;
    }
    return longest;
}

std::optional<TimePoint> FlowTracker::arrivalBy(const State& flow, const Sample& sample, std::uint16_t path, bool same, TimePoint end) const
{
    if (sample.unconfirmed && flow.answered && end - sample.value.sent > patience) return std::nullopt;
    for (std::uint32_t i = sample.firstWay; i != none; i = flow.ways[i].next)
        if (const Way& way = flow.ways[i]; way.copies > 0 && flow.paths[way.path].toMobile && (way.path == path) == same) return way.received;
    return std::nullopt;
}

bool FlowTracker::went(const State& flow, const Sample& sample, std::uint16_t path) const
{
    for (std::uint32_t i = sample.firstWay; i != none; i = flow.ways[i].next)
        if (flow.ways[i].path == path) return true;
    return false;
}

std::optional<FlowTracker::Gap> FlowTracker::gap(const State& flow, std::uint16_t path, TimePoint at, TimePoint end) const
{
    // Back from `at` to the last probe that came by the path, as long as it was in use.
    auto it = std::upper_bound(flow.samples.begin(), flow.samples.end(), at, [](TimePoint t, const Sample& s) { return t < s.value.sent; });
    bool used = false;
    std::optional<TimePoint> last;
    while (!last && it != flow.samples.begin() && (used || at - std::prev(it)->value.sent <= inUse)) {
        --it;
        used = used || went(flow, *it, path);
        last = arrivalBy(flow, *it, path, true, end);
    }
    if (!last) return std::nullopt;
    for (++it; it != flow.samples.end(); ++it)
        if (const auto first = arrivalBy(flow, *it, path, false, end); first && *first > *last) return Gap{*last, *first};
    return std::nullopt;
}

FlowTracker::Counts FlowTracker::count(const Mobile& mobile, TimePoint from, TimePoint to, TimePoint end, const Presence& presence) const
{
    Counts counts;
    for (const State& flow : flows_) {
        if (!isOf(flow, mobile)) continue;
        const bool own = !flow.router;
        const auto receiver = own ? std::nullopt : presence.claimant(flow.destination);
        auto at = flow.samples.begin();
        if (flow.ordered)
            at = std::lower_bound(at, flow.samples.end(), from, [](const Sample& s, TimePoint t) { return s.value.sent < t; });
        for (auto before = at; flow.ordered && before != flow.samples.begin();) {
            --before;
            if (from - before->value.sent > patience || !lost(flow, *before, own, end, receiver)) break;
            ++counts.lost;
        }
        for (; at != flow.samples.end(); ++at) {
            if (at->value.sent > to && flow.ordered) break;
            if (at->value.sent < from || at->value.sent > to) continue;
            if (lost(flow, *at, own, end, receiver)) ++counts.lost;
            if (at->value.copies > 1) ++counts.duplicated;
            if (at->reordered) ++counts.reordered;
        }
    }
    return counts;
}

}  // namespace roamscope::analysis
