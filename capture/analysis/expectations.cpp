// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/expectations.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::analysis {

namespace {

double milliseconds(Duration d) { return toSeconds(d) * 1e3; }

ExpectationResult checkHandover(const lab::Expectation& e, const Analysis& analysis)
{
    ExpectationResult result;
    result.text = fmt::format("handover {}", *e.handover);
    if (!e.kind.empty()) result.text += fmt::format(" is {}", e.kind);
    if (e.interruptionBelow) result.text += fmt::format("{} interrupts for less than {} ms", e.kind.empty() ? "" : " and", milliseconds(*e.interruptionBelow));
    const Handover* handover = handoverNumber(analysis, *e.handover);
    if (!handover) {
        result.found = "there is no such handover";
        return result;
    }
    result.met = true;
    result.found = std::string(handoverKindName(handover->kind));
    if (!e.kind.empty() && e.kind != handoverKindName(handover->kind)) result.met = false;
    if (handover->interruption) result.found += fmt::format(", {:.1f} ms", milliseconds(*handover->interruption));
    else if (e.interruptionBelow) result.found += ", no data on both sides of it";
    if (e.interruptionBelow && (!handover->interruption || *handover->interruption >= *e.interruptionBelow)) result.met = false;
    return result;
}

ExpectationResult checkFindings(const lab::Expectation& e, const Analysis& analysis)
{
    const auto severity = *e.findings == "error" ? wire::Severity::Error : *e.findings == "warning" ? wire::Severity::Warning : wire::Severity::Note;
    const auto count = std::count_if(analysis.findings.begin(), analysis.findings.end(),
                                     [&](const TraceFinding& f) { return f.finding.severity == severity; });
    return {fmt::format("{} findings of severity {}", e.count, *e.findings), count == e.count && analysis.findingsDropped == 0,
            fmt::format("{}", count)};
}

}  // namespace

std::vector<ExpectationResult> checkExpectations(const std::vector<lab::Expectation>& expectations, const Analysis& analysis)
{
    std::vector<ExpectationResult> results;
    for (const lab::Expectation& e : expectations) results.push_back(e.handover ? checkHandover(e, analysis) : checkFindings(e, analysis));
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
    for (const lab::LabEvent& item : truth.events) {
        const node::Event& event = item.event;
        if (event.name != "binding" || event.gone) continue;
        ++comparison.bindings;
        const lab::NodeSpec& node = truth.scenario.nodes[item.node];
        const Role owner = node.role == lab::Role::Map ? Role::Map : Role::HomeAgent;
        const std::string home = node::textOf(event.key, "home_address");
        const std::string careOf = node::textOf(event.attributes, "care_of_address");
        const auto same = [&](const BindingInterval& b) {
            return b.owner == owner && b.homeAddress.text() == home && b.careOfAddress.text() == careOf &&
                   b.sequence == node::numberOf(event.attributes, "sequence", -1) && b.lifetime.count() == node::numberOf(event.attributes, "lifetime") &&
                   b.from >= event.time && b.from <= event.time + tolerance;
        };
        if (std::any_of(analysis.bindings.begin(), analysis.bindings.end(), same)) ++comparison.matched;
        else comparison.differences.push_back(fmt::format("{} bound {} to {} at {:.6f} s, which was not inferred", node.name, home, careOf, toSeconds(event.time)));
    }
    // The other way round: nothing may be inferred that no cache held.
    if (analysis.bindings.size() > comparison.matched)
        comparison.differences.push_back(fmt::format("{} bindings inferred, {} of them true", analysis.bindings.size(), comparison.matched));
    return comparison;
}

}  // namespace roamscope::analysis
