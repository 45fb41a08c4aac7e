// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/expectations.hpp"

#include "capture/analysis/exchanges.hpp"
#include "capture/filter/filter.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <tuple>

namespace roamscope::analysis {

namespace {

double milliseconds(Duration d) { return toSeconds(d) * 1e3; }

ExpectationResult checkHandover(const lab::Expectation& e, const Analysis& analysis)
{
    ExpectationResult result;
    result.text = fmt::format("handover {}", *e.handover);
    if (!e.kind.empty()) result.text += fmt::format(" is {}", e.kind);
    if (e.bid) result.text += fmt::format("{} BID {}", e.kind.empty() ? " is of" : " of", *e.bid);
    if (e.interruptionBelow) result.text += fmt::format("{} interrupts for less than {:g} ms", e.kind.empty() && !e.bid ? "" : " and", milliseconds(*e.interruptionBelow));
    const Handover* handover = handoverNumber(analysis, *e.handover);
    if (!handover) {
        result.found = "there is no such handover";
        return result;
    }
    result.met = true;
    result.found = std::string(handoverKindName(handover->kind));
    if (!e.kind.empty() && e.kind != handoverKindName(handover->kind)) result.met = false;
    if (e.bid && handover->bid != e.bid) result.met = false;
    if (handover->bid) result.found += fmt::format(" of BID {}", *handover->bid);
    if (handover->interruption) result.found += fmt::format(", {:.1f} ms", milliseconds(*handover->interruption));
    else if (e.interruptionBelow) result.found += ", no data on both sides of it";
    if (e.interruptionBelow && (!handover->interruption || *handover->interruption >= *e.interruptionBelow)) result.met = false;
    return result;
}

/// "exactly 3", "at least 1", "1 to 3".
std::string boundsText(const lab::Expectation& e)
{
    if (e.atLeast && e.atMost) return fmt::format("{} to {}", *e.atLeast, *e.atMost);
    if (e.atLeast) return fmt::format("at least {}", *e.atLeast);
    if (e.atMost) return fmt::format("at most {}", *e.atMost);
    return fmt::format("{}", e.count.value_or(0));
}

bool inBounds(const lab::Expectation& e, std::int64_t count)
{
    if (!e.atLeast && !e.atMost) return count == e.count.value_or(0);
    return count >= e.atLeast.value_or(0) && (!e.atMost || count <= *e.atMost);
}

bool inTime(const lab::Expectation& e, TimePoint t) { return t >= e.from && (!e.until || t < *e.until); }

std::string timeText(const lab::Expectation& e)
{
    std::string out;
    if (e.from > TimePoint{}) out += fmt::format(" from {:g} s on", toSeconds(e.from));
    if (e.until) out += fmt::format(" before {:g} s", toSeconds(*e.until));
    return out;
}

ExpectationResult checkFindings(const lab::Expectation& e, const Analysis& analysis)
{
    const auto severity = *e.findings == "error" ? wire::Severity::Error : *e.findings == "warning" ? wire::Severity::Warning : wire::Severity::Note;
    const auto count = std::count_if(analysis.findings.begin(), analysis.findings.end(),
                                     [&](const TraceFinding& f) { return f.finding.severity == severity; });
    return {fmt::format("{} findings of severity {}", boundsText(e), *e.findings), inBounds(e, count) && analysis.findingsDropped == 0,
            fmt::format("{}", count)};
}

ExpectationResult checkFrames(const lab::Expectation& e, const capture::TraceSnapshot& trace, const Analysis& analysis)
{
    ExpectationResult result{fmt::format("{} frames of {}{}", boundsText(e), *e.frames, timeText(e)), false, ""};
    const auto filter = filter::Filter::compile(*e.frames);
    if (!filter) {
        result.found = filter.error().text;
        return result;
    }
    const filter::FindingsByFrame findings(analysis);
    std::int64_t count = 0;
    for (std::size_t i = 0; i < trace.size(); ++i) {
        const auto row = trace.row(i);
        if (!inTime(e, row.time)) continue;
        auto verdict = filter->byRow(i + 1, row, trace.links(), trace.startUtc());
        if (verdict == filter::Verdict::Unknown) {
            const auto frame = trace.frame(i);
            const auto matches = filter->matches({i + 1, trace.startUtc(), frame, &trace.links()[frame.link], nullptr, &analysis, &findings, {}, nullptr});
            verdict = matches ? filter::Verdict::Yes : filter::Verdict::No;
        }
        count += verdict == filter::Verdict::Yes ? 1 : 0;
    }
    result.met = inBounds(e, count);
    result.found = fmt::format("{}", count);
    return result;
}

ExpectationResult checkEvents(const lab::Expectation& e, const capture::LabRecord& record)
{
    const auto counts = [&](const lab::LabEvent& item) {
        return item.event.name == *e.event && !item.event.gone && inTime(e, item.event.time) && (e.node.empty() || record.scenario.nodes[item.node].name == e.node);
    };
    const auto count = std::count_if(record.events.begin(), record.events.end(), counts);
    const std::string where = e.node.empty() ? "" : fmt::format(" of {}", e.node);
    return {fmt::format("{} events {}{}{}", boundsText(e), *e.event, where, timeText(e)), inBounds(e, count), fmt::format("{}", count)};
}

ExpectationResult checkFlow(const lab::Expectation& e, const capture::LabRecord& record)
{
    const auto& traffic = record.scenario.traffic;
    const auto flow = std::find_if(traffic.begin(), traffic.end(), [&](const lab::TrafficSpec& t) { return t.flow == *e.flow; }) - traffic.begin();
    std::map<std::int64_t, TimePoint> sent;
    std::map<std::int64_t, Duration> delays;  // of the first copy
    for (const lab::LabEvent& item : record.events) {
        const node::Event& event = item.event;
        if (!event.name.starts_with("probe-") || node::numberOf(event.attributes, "flow", -1) != flow) continue;
        const std::int64_t serial = node::numberOf(event.attributes, "serial");
        if (event.name == "probe-sent" && inTime(e, event.time)) sent.emplace(serial, event.time);
        if (const auto it = sent.find(serial); event.name == "probe-received" && it != sent.end()) delays.emplace(serial, event.time - it->second);
    }
    ExpectationResult result{fmt::format("flow {}{}", *e.flow, timeText(e)), !sent.empty(), fmt::format("{} of {} probes", delays.size(), sent.size())};
    if (e.delivered) {
        result.text += fmt::format(" delivers at least {:g} %", *e.delivered * 100);
        result.met = result.met && static_cast<double>(delays.size()) >= *e.delivered * static_cast<double>(sent.size());
    }
    if (!e.delayBelow) return result;
    std::vector<Duration> sorted;
    for (const auto& [serial, delay] : delays) sorted.push_back(delay);
    std::sort(sorted.begin(), sorted.end());
    result.text += fmt::format("{} takes less than {:g} ms", e.delivered ? " and" : "", milliseconds(*e.delayBelow));
    result.met = result.met && !sorted.empty() && sorted[sorted.size() / 2] < *e.delayBelow;
    if (!sorted.empty()) result.found += fmt::format(", {:.1f} ms", milliseconds(sorted[sorted.size() / 2]));
    return result;
}

/// An acknowledgement may wait for the link-layer address of its next hop (3 s, RFC 4861 §10), and faults hold messages back.
constexpr Duration longestWait = 30s;

/// A state that a binding cache went through.
struct CacheState {
    std::string node;
    Role owner = Role::Correspondent;
    std::string homeAddress;
    std::string careOfAddress;
    std::int64_t bid = 0;
    std::int64_t sequence = 0;
    Duration lifetime{};
    TimePoint time{};
    bool renumbered = false;  ///< by an update of another identifier of its home address (MCOA-HA-12): else the binding that it was
};

std::vector<CacheState> cacheStates(const capture::LabRecord& truth)
{
    std::vector<CacheState> states;
    std::map<std::tuple<std::size_t, std::string, std::int64_t>, std::pair<std::string, std::int64_t>> held;
    for (const lab::LabEvent& item : truth.events) {
        const node::Event& event = item.event;
        if (event.name != "binding") continue;
        const lab::NodeSpec& node = truth.scenario.nodes[item.node];
        CacheState state;
        state.node = node.name;
        // Mobile nodes have caches, too: as correspondents of others.
        state.owner = node.role == lab::Role::Map ? Role::Map : node.role == lab::Role::HomeAgent ? Role::HomeAgent : Role::Correspondent;
        state.homeAddress = node::textOf(event.key, "home_address");
        state.bid = node::numberOf(event.key, "bid");
        const std::tuple key{item.node, state.homeAddress, state.bid};
        if (event.gone) {
            held.erase(key);
            continue;
        }
        state.careOfAddress = node::textOf(event.attributes, "care_of_address");
        state.sequence = node::numberOf(event.attributes, "sequence", -1);
        state.lifetime = Duration(node::numberOf(event.attributes, "lifetime"));
        state.time = event.time;
        const std::pair now{state.careOfAddress, node::numberOf(event.attributes, "expires")};
        const auto before = held.find(key);
        state.renumbered = state.bid != 0 && before != held.end() && before->second == now;
        held[key] = now;
        states.push_back(std::move(state));
    }
    return states;
}

bool shows(const BindingInterval& b, const CacheState& state, Duration tolerance)
{
    if (b.sequence != state.sequence || b.owner != state.owner || b.bid.value_or(0) != state.bid || b.lifetime != state.lifetime ||
        b.homeAddress.text() != state.homeAddress || b.careOfAddress.text() != state.careOfAddress)
        return false;
    // An update that asks for no answer is seen before it arrives, an answer after it was given.
    return b.isAssumed() ? b.from <= state.time && b.from >= state.time - tolerance : b.from >= state.time && b.from <= state.time + tolerance;
}

/// Whether an acceptance of this state's update is in the capture.
bool isAcknowledged(const Analysis& analysis, const CacheState& state)
{
    return std::any_of(analysis.exchanges.begin(), analysis.exchanges.end(), [&](const Exchange& e) {
        return e.sequence == state.sequence && e.peer == state.owner && isAccepted(e) && e.homeAddress.text() == state.homeAddress;
    });
}

}  // namespace

std::vector<ExpectationResult> checkExpectations(const Analysis& analysis, const capture::TraceSnapshot& trace, const capture::LabRecord& record)
{
    std::vector<ExpectationResult> results;
    for (const lab::Expectation& e : record.scenario.expect) {
        if (e.handover) results.push_back(checkHandover(e, analysis));
        else if (e.findings) results.push_back(checkFindings(e, analysis));
        else if (e.frames) results.push_back(checkFrames(e, trace, analysis));
        else if (e.event) results.push_back(checkEvents(e, record));
        else results.push_back(checkFlow(e, record));
    }
    // What must hold in every run stands there only when it did not.
    for (const lab::LabEvent& item : record.events)
        if (item.event.name == "invariant-violated")
            results.push_back({fmt::format("invariant {} holds", node::textOf(item.event.attributes, "invariant")), false,
                               fmt::format("{:.6f} s, {}: {}", toSeconds(item.event.time), record.scenario.nodes[item.node].name, node::textOf(item.event.attributes, "text"))});
    return results;
}

const Handover* handoverNumber(const Analysis& analysis, int number)
{
    for (const Handover& handover : analysis.handovers)
        if (handover.kind != HandoverKind::Initial && --number == 0) return &handover;
    return nullptr;
}

TruthComparison compareWithTruth(const capture::LabRecord& truth, const Analysis& analysis, Duration tolerance)
{
    TruthComparison comparison;
    std::vector<bool> found(analysis.bindings.size());
    const auto find = [&](const CacheState& state, Duration within) {
        std::size_t i = 0;
        while (i < found.size() && (found[i] || !shows(analysis.bindings[i], state, within))) ++i;
        return i;
    };
    for (const CacheState& state : cacheStates(truth)) {
        std::size_t i = find(state, tolerance);
        if (i == found.size() && state.renumbered) continue;
        ++comparison.bindings;
        if (i < found.size()) {
            found[i] = true;
            ++comparison.matched;
            continue;
        }
        i = find(state, longestWait);
        std::string why = isAcknowledged(analysis, state) ? "was not inferred" : "was not inferred: the capture has no acknowledgement of it";
        if (i < found.size()) {
            found[i] = true;
            why = fmt::format("was inferred {:.3f} s later: so long its acknowledgement waited", toSeconds(analysis.bindings[i].from - state.time));
        }
        comparison.differences.push_back(fmt::format("{} bound {} to {} at {:.6f} s, which {}", state.node, state.homeAddress, state.careOfAddress, toSeconds(state.time), why));
    }
    // The other way round: nothing may be inferred that no cache held.
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (found[i]) continue;
        const BindingInterval& b = analysis.bindings[i];
        comparison.differences.push_back(fmt::format("{} at {} was inferred at {:.6f} s, which no cache held{}", b.homeAddress.text(), b.careOfAddress.text(), toSeconds(b.from),
                                                     b.isAssumed() ? ": its update asked for no acknowledgement" : ""));
    }
    return comparison;
}

}  // namespace roamscope::analysis
