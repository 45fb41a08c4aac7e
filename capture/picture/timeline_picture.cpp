// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/picture/timeline_picture.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::picture {

namespace {

using analysis::Analysis;
using analysis::BindingInterval;
using analysis::Handover;
using analysis::Role;

constexpr std::size_t maxLanes = 40;  ///< of a kind
constexpr std::string_view phaseOrder[] = {"T_L2", "T_MD", "T_DAD", "T_LBU", "T_HA"};

Ink inkOf(std::string_view phase)
{
    if (phase == "T_LBU") return Ink::LocalRegistration;
    if (phase == "T_HA") return Ink::HomeRegistration;
    return phase == "T_L2" ? Ink::Data : Ink::Discovery;
}

/// Adds a lane unless there are too many already.
template <class T>
T* addLane(std::vector<T>& lanes, TimelinePicture& picture)
{
    if (lanes.size() >= maxLanes) {
        ++picture.hiddenLanes;
        return nullptr;
    }
    return &lanes.emplace_back();
}

void addPhases(TimelinePicture& picture, const Analysis& a, const lab::Scenario* names)
{
    std::vector<Ipv6Address> mobiles;
    for (const Handover& h : a.handovers)
        if (std::find(mobiles.begin(), mobiles.end(), h.mobileNode) == mobiles.end() && mobiles.size() <= maxLanes) mobiles.push_back(h.mobileNode);
    for (const Ipv6Address& mobile : mobiles) {
        for (const std::string_view name : phaseOrder) {
            Lane lane;
            lane.label = std::string(name);
            lane.detail = nodeName(mobile, a, names);
            for (const Handover& h : a.handovers) {
                if (h.mobileNode != mobile) continue;
                for (const analysis::Phase& p : h.phases)
                    if (p.name == name)
                        lane.bars.push_back({p.start, p.end, durationText(p.end - p.start),
                                             fmt::format("{} of {} handover: {}", name, analysis::handoverKindName(h.kind), durationText(p.end - p.start)),
                                             inkOf(name)});
            }
            if (lane.bars.empty()) continue;
            if (Lane* added = addLane(picture.phases, picture)) *added = std::move(lane);
        }
    }
}

void addBindings(TimelinePicture& picture, const Analysis& a, const lab::Scenario* names)
{
    std::vector<const BindingInterval*> first;  // of each lane
    const auto same = [](const BindingInterval& x, const BindingInterval& y) {
        return x.ownerAddress == y.ownerAddress && x.homeAddress == y.homeAddress && x.bid == y.bid;
    };
    const auto bar = [&](const BindingInterval& b) {
        const TimePoint end = std::min(b.to.value_or(picture.end), picture.end);
        return Bar{b.from, std::max(b.from, end), b.careOfAddress.text(),
                   fmt::format("{} at {}, sequence {}, lifetime {} s", b.careOfAddress.text(), nodeName(b.ownerAddress, a, names), b.sequence,
                               std::chrono::duration_cast<std::chrono::seconds>(b.lifetime).count()),
                   b.owner == Role::Map         ? Ink::LocalRegistration
                   : b.owner == Role::HomeAgent ? Ink::HomeRegistration
                                                : Ink::RouteOptimisation};
    };
    for (const bool maps : {true, false}) {
        for (const BindingInterval& b : a.bindings) {
            if ((b.owner == Role::Map) != maps) continue;
            Lane* lane = nullptr;
            const std::size_t offset = picture.bindings.size() - first.size();
            for (std::size_t i = 0; i < first.size() && !lane; ++i)
                if (same(*first[i], b)) lane = &picture.bindings[offset + i];
            if (!lane) {
                lane = addLane(picture.bindings, picture);
                if (!lane) continue;
                first.push_back(&b);
                lane->label = nodeName(b.ownerAddress, a, names);
                lane->detail = b.homeAddress.text() + (b.bid ? fmt::format(" BID {}", *b.bid) : "");
            }
            // A refresh goes on with the same bar.
            Bar next = bar(b);
            if (!lane->bars.empty() && lane->bars.back().end == next.start && lane->bars.back().text == next.text) lane->bars.back().end = next.end;
            else lane->bars.push_back(std::move(next));
        }
    }
}

void addProbes(TimelinePicture& picture, const Analysis& a, const lab::Scenario* names)
{
    for (const analysis::Flow& flow : a.flows) {
        ProbeLane* lane = addLane(picture.probes, picture);
        if (!lane) continue;
        lane->label = fmt::format("probes {}", flow.id);
        lane->detail = nodeName(flow.source, a, names) + " → " + nodeName(flow.destination, a, names);
        lane->ticks.reserve(flow.probes.size());
        for (const analysis::ProbeSample& p : flow.probes) lane->ticks.push_back({p.sent, p.received.has_value()});
        std::sort(lane->ticks.begin(), lane->ticks.end(), [](const ProbeTick& x, const ProbeTick& y) { return x.sent < y.sent; });
        for (const Handover& h : a.handovers)
            if (h.interruption && h.mobileNode == flow.destination)
                lane->gaps.push_back({h.start, h.start + *h.interruption, fmt::format("{}, {} lost", durationText(*h.interruption), h.lost)});
    }
}

}  // namespace

std::string_view lightColour(Ink ink)
{
    switch (ink) {
    case Ink::HomeRegistration: return "#0072B2";
    case Ink::LocalRegistration: return "#B34700";
    case Ink::Discovery: return "#00785A";
    case Ink::RouteOptimisation: return "#9C4877";
    case Ink::Data: return "#6E6E6E";
    case Ink::Warning: return "#A86F00";
    }
    return "#6E6E6E";
}

std::string nodeName(const Ipv6Address& address, const Analysis& analysis, const lab::Scenario* names)
{
    const analysis::NodeInfo* node = analysis.nodeOf(address);
    const auto owns = [&](const Ipv6Address& a) {
        return a == address || (node && std::find(node->addresses.begin(), node->addresses.end(), a) != node->addresses.end());
    };
    if (names)
        for (const lab::NodeSpec& spec : names->nodes) {
            if (spec.homeAddress && owns(*spec.homeAddress)) return spec.name;
            for (const lab::InterfaceSpec& interface : spec.interfaces)
                if (interface.address && owns(interface.address->address)) return spec.name;
        }
    return node ? node->label() : address.text();
}

std::string durationText(Duration d)
{
    const double ms = toSeconds(d) * 1e3;
    if (ms >= 1000) return fmt::format("{:.3f} s", ms / 1e3);
    if (ms >= 10 || ms == 0) return fmt::format("{:.0f} ms", ms);
    return fmt::format("{:.2f} ms", ms);
}

std::vector<TimePoint> axisTicks(TimePoint start, TimePoint end, std::size_t most)
{
    std::vector<TimePoint> ticks;
    if (end <= start || most == 0) return ticks;
    const std::int64_t range = (end - start).count();
    std::int64_t step = 1;
    // 1, 2 and 5 times a power of ten.
    for (int i = 0; range / step > static_cast<std::int64_t>(most) - 1 && step < INT64_MAX / 10; ++i) step = i % 3 == 1 ? step / 2 * 5 : step * 2;
    const std::int64_t first = toNanoseconds(start);
    std::int64_t at = first / step * step;
    if (at < first) at += step;
    for (; at <= toNanoseconds(end) && ticks.size() < most; at += step) ticks.push_back(atNanoseconds(at));
    return ticks;
}

TimelinePicture timelinePicture(const Analysis& analysis, Duration total, const lab::Scenario* names)
{
    TimelinePicture picture;
    picture.end = TimePoint{std::max(total, Duration{1})};
    addPhases(picture, analysis, names);
    addBindings(picture, analysis, names);
    addProbes(picture, analysis, names);
    return picture;
}

}  // namespace roamscope::picture
