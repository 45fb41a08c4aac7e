// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/timeline_data.hpp"

#include "protocol/wire/mobility_names.hpp"
#include "ui/model/format.hpp"
#include "ui/model/handover_model.hpp"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

namespace roamscope::ui {

using analysis::Role;

namespace {

QString word(const char* text) { return QCoreApplication::translate("Timeline", text); }

Tone phaseTone(const std::string& name)
{
    if (name == "T_MD" || name == "T_DAD") return Tone::Discovery;
    if (name == "T_LBU") return Tone::Local;
    if (name == "T_HA") return Tone::Home;
    if (name == "T_RR" || name == "T_CN") return Tone::RouteOptimisation;
    return Tone::Warning;
}

void addHandover(TimelineLane& handovers, TimelineLane& phases, const analysis::Handover& handover, std::size_t number, TimePoint end)
{
    TimelineBar bar;
    bar.start = handover.start;
    bar.end = std::max(handover.start, handover.end.value_or(end));
    bar.open = !handover.end;
    bar.tone = Tone::Warning;
    const QString kind = toQt(analysis::handoverKindName(handover.kind));
    bar.brief = number == 0 ? QStringLiteral("–") : QStringLiteral("#%1").arg(number);
    bar.label = QStringLiteral("%1 %2 %3").arg(number == 0 ? QString() : bar.brief, kind, formatDuration(bar.end - bar.start)).trimmed();
    bar.tooltip = number == 0 ? word("First registration, %1").arg(formatDuration(bar.end - bar.start))
                              : word("Handover %1, %2, %3").arg(QString::number(number), kind, formatDuration(bar.end - bar.start));
    bar.beside = bar.label;
    bar.besideFrom = bar.start;
    if (handover.interruption) bar.tooltip += QLatin1Char('\n') + word("no data for %1, %2 probes lost").arg(formatDuration(*handover.interruption)).arg(handover.lost);
    handovers.bars.push_back(std::move(bar));
    QStringList all;
    for (const analysis::Phase& phase : handover.phases) {
        TimelineBar part;
        part.start = phase.start;
        part.end = phase.end;
        part.tone = phaseTone(phase.name);
        part.strong = true;
        part.brief = toQt(phase.name);
        part.label = QStringLiteral("%1 %2").arg(toQt(phase.name), formatDuration(phase.end - phase.start));
        part.tooltip = QStringLiteral("%1 – %2").arg(part.label, phaseTitle(phase.name));
        all << QStringLiteral("%1 %2").arg(toQt(phase.name)).arg(toSeconds(phase.end - phase.start) * 1e3, 0, 'f', 0);
        phases.bars.push_back(std::move(part));
    }
    if (all.isEmpty()) return;
    phases.bars.back().beside = all.join(QStringLiteral(" · ")) + QStringLiteral(" ms");
    phases.bars.back().besideFrom = handover.phases.front().start;
}

TimelineBar exchangeBar(const analysis::Exchange& exchange, const Names& names, TimePoint end)
{
    TimelineBar bar;
    bar.start = exchange.start;
    bar.end = std::max(exchange.start, exchange.end.value_or(end));
    bar.open = !exchange.end;
    bar.tone = toneOf(exchange.peer);
    bar.strong = true;
    bar.brief = names.node(exchange.peerAddress);
    bar.label = word("BU to %1, seq. %2").arg(names.node(exchange.peerAddress)).arg(exchange.sequence);
    bar.tooltip = word("%1 at %2: update %3, %4").arg(names.of(exchange.homeAddress), names.of(exchange.careOfAddress), QString::number(exchange.sequence),
                                                   exchange.status ? word("status %1").arg(*exchange.status) : word("not answered"));
    return bar;
}

TimelineBar bindingBar(const analysis::BindingInterval& binding, const Names& names, TimePoint end)
{
    TimelineBar bar;
    bar.start = binding.from;
    bar.end = std::max(binding.from, binding.to.value_or(end));
    bar.open = !binding.to;
    bar.tone = toneOf(binding.owner);
    bar.label = names.of(binding.careOfAddress);
    if (const Names::Party* party = names.party(binding.careOfAddress)) bar.brief = party->detail;
    bar.tooltip = word("%1 → %2, sequence %3, granted %4").arg(names.of(binding.homeAddress), names.of(binding.careOfAddress))
                      .arg(binding.sequence).arg(formatLifetime(binding.lifetime));
    return bar;
}

/// Lanes of bindings with identifiers: one for each home address and identifier at an owner (handover model §3). A bulk update
/// begins a bar in each of its lanes; what the acknowledgement said of the identifier ends it.
class IdentifierLanes {
public:
    IdentifierLanes(const analysis::Analysis& analysis, const Names& names, TimePoint end) : analysis_(analysis), names_(names), end_(end) {}

    /// False when the binding has no identifier, or there are too many lanes already.
    bool add(const analysis::BindingInterval& binding)
    {
        TimelineLane* lane = binding.bid ? of(binding.owner, binding.homeAddress, *binding.bid) : nullptr;
        if (!lane) return false;
        TimelineBar bar = bindingBar(binding, names_, end_);
        if (binding.homeLink) bar.label = bar.brief = word("home link");
        if (binding.priority != 0) bar.tooltip += word(", priority %1").arg(binding.priority);
        for (const analysis::FlowInterval* flow : analysis_.flowsOf(binding, binding.from))
            bar.tooltip += QLatin1Char('\n') + word("flow %1: %2").arg(flow->flow).arg(toQt(flow->selector));
        lane->bars.push_back(std::move(bar));
        return true;
    }
    void add(const analysis::IdentifierAnswer& answer)
    {
        const analysis::Exchange& exchange = analysis_.exchanges[answer.exchange];
        TimelineLane* lane = of(exchange.peer, exchange.homeAddress, answer.bid);
        if (!lane) return;
        TimelineBar bar = exchangeBar(exchange, names_, end_);
        bar.end = std::max(bar.start, answer.time);
        bar.open = false;
        bar.label = answer.status == 0 ? word("seq. %1").arg(exchange.sequence) : word("status %1").arg(answer.status);
        bar.brief = answer.status == 0 ? QString() : QString::number(answer.status);
        if (answer.status >= 128) {
            bar.tone = Tone::Warning;
            bar.beside = word("status %1, %2").arg(answer.status).arg(toQt(wire::bindingStatusName(answer.status)));
            bar.besideFrom = bar.start;
        }
        bar.tooltip += QLatin1Char('\n') + word("identifier %1: status %2, %3").arg(answer.bid).arg(answer.status).arg(toQt(wire::bindingStatusName(answer.status)));
        lane->bars.push_back(std::move(bar));
    }
    /// Appends the lanes, those of one owner and home address beside each other.
    void take(std::vector<TimelineLane>& out)
    {
        std::map<Role, std::set<Ipv6Address>> homes;
        for (const auto& [key, lane] : lanes_) homes[std::get<Role>(key)].insert(std::get<Ipv6Address>(key));
        for (auto& [key, lane] : lanes_) {
            const Role owner = std::get<Role>(key);
            lane.title = word("%1 BID %2").arg(roleShort(owner)).arg(std::get<std::uint16_t>(key));
            if (homes[owner].size() > 1) lane.title += QStringLiteral(" · ") + names_.node(std::get<Ipv6Address>(key));
            out.push_back(std::move(lane));
        }
    }

private:
    static constexpr std::size_t maxLanes = 24;  // what a window can show
    using Key = std::tuple<bool, Role, Ipv6Address, std::uint16_t>;

    TimelineLane* of(Role owner, const Ipv6Address& home, std::uint16_t bid)
    {
        const Key key{owner != Role::Map, owner, home, bid};
        const auto it = lanes_.find(key);
        if (it != lanes_.end()) return &it->second;
        if (lanes_.size() == maxLanes) return nullptr;
        return &lanes_[key];
    }

    const analysis::Analysis& analysis_;
    const Names& names_;
    TimePoint end_;
    std::map<Key, TimelineLane> lanes_;
};

void sortBars(TimelineLane& lane)
{
    std::stable_sort(lane.bars.begin(), lane.bars.end(), [](const TimelineBar& a, const TimelineBar& b) { return a.start < b.start; });
}

}  // namespace

std::vector<TimelineLane> timelineLanes(const analysis::Analysis& analysis, const Names& names, TimePoint end)
{
    std::vector<TimelineLane> lanes{{word("Handover"), {}}, {word("Phases"), {}}, {word("BU → BA"), {}}};
    TimelineLane maps{word("MAP binding"), {}}, homeAgents{word("HA binding"), {}}, correspondents{word("CN binding"), {}};
    for (std::size_t i = 0; i < analysis.handovers.size(); ++i) addHandover(lanes[0], lanes[1], analysis.handovers[i], analysis.handoverNumber(i), end);
    for (const analysis::Exchange& exchange : analysis.exchanges) lanes[2].bars.push_back(exchangeBar(exchange, names, end));
    IdentifierLanes identifiers(analysis, names, end);
    for (const analysis::BindingInterval& binding : analysis.bindings) {
        if (identifiers.add(binding)) continue;
        TimelineLane& lane = binding.owner == Role::Map ? maps : binding.owner == Role::HomeAgent ? homeAgents : correspondents;
        lane.bars.push_back(bindingBar(binding, names, end));
    }
    for (const analysis::IdentifierAnswer& answer : analysis.identifierAnswers) identifiers.add(answer);
    for (TimelineLane* lane : {&maps, &homeAgents, &correspondents})
        if (!lane->bars.empty()) lanes.push_back(std::move(*lane));
    identifiers.take(lanes);
    for (TimelineLane& lane : lanes) sortBars(lane);
    return lanes;
}

std::vector<const TimelineBar*> visibleBars(const std::vector<TimelineBar>& bars, double from, double to, std::size_t columns)
{
    const double column = (to - from) / static_cast<double>(columns);
    std::vector<const TimelineBar*> visible;
    double columnOfLast = 0;
    for (const TimelineBar& bar : bars) {
        const double start = toSeconds(bar.start);
        if (toSeconds(bar.end) < from || start > to) continue;
        const double here = std::floor((std::max(start, from) - from) / column);
        if (visible.empty() || here != columnOfLast) visible.push_back(&bar);
        else if (bar.end > visible.back()->end) visible.back() = &bar;
        columnOfLast = here;
    }
    return visible;
}

std::vector<TimelineGap> timelineGaps(const analysis::Analysis& analysis)
{
    std::vector<TimelineGap> gaps;
    for (const analysis::Handover& handover : analysis.handovers)
        if (handover.interruption && handover.end) gaps.push_back({handover.start, handover.start + *handover.interruption});
    return gaps;
}

ProbePoints probePoints(const analysis::Analysis& analysis, TimePoint from, TimePoint to, TimePoint settled, std::size_t buckets)
{
    ProbePoints points;
    std::vector<std::pair<double, double>> delivered;
    const double width = std::max(1e-9, toSeconds(to - from) / static_cast<double>(std::max<std::size_t>(buckets, 1)));
    for (const analysis::Flow& flow : analysis.flows) {
        const auto begin = std::lower_bound(flow.probes.begin(), flow.probes.end(), from,
                                            [](const analysis::ProbeSample& p, TimePoint t) { return p.sent < t; });
        std::int64_t bucket = -1;
        std::pair<double, double> slowest;
        bool lossShown = false;
        const auto closeBucket = [&] {
            if (bucket >= 0 && slowest.second > 0 && (delivered.empty() || delivered.back() != slowest)) delivered.push_back(slowest);
        };
        for (auto probe = begin; probe != flow.probes.end() && probe->sent <= to; ++probe) {
            const double key = toSeconds(probe->sent);
            if (const auto now = static_cast<std::int64_t>(toSeconds(probe->sent - from) / width); now != bucket) {
                closeBucket();
                bucket = now;
                slowest = {};
                lossShown = false;
            }
            // Seen once only, where it was sent: whether it arrives is known when its receiver has been recognised.
            if (probe->received == probe->sent) continue;
            if (!probe->received) {
                if (!lossShown && probe->sent < settled) points.lostAt.push_back(key);
                lossShown = lossShown || probe->sent < settled;
                continue;
            }
            const double delay = toSeconds(*probe->received - probe->sent) * 1e3;
            if (slowest.second == 0) delivered.emplace_back(key, delay);
            if (delay >= slowest.second) slowest = {key, delay};
        }
        closeBucket();
    }
    std::sort(delivered.begin(), delivered.end());
    std::sort(points.lostAt.begin(), points.lostAt.end());
    for (const auto& [key, delay] : delivered) {
        points.deliveredAt.push_back(key);
        points.delayMs.push_back(delay);
        points.largestDelayMs = std::max(points.largestDelayMs, delay);
    }
    return points;
}

}  // namespace roamscope::ui
