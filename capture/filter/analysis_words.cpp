// SPDX-License-Identifier: GPL-3.0-or-later
// Words about what the analysis found: who takes part, the handover and phase at that time, bindings, findings.
#include "capture/filter/evaluate.hpp"

#include <algorithm>
#include <numeric>

namespace roamscope::filter {

namespace {

using analysis::Analysis;

bool named(const std::vector<Ipv6Address>& addresses, const Ipv6Address& a) { return std::find(addresses.begin(), addresses.end(), a) != addresses.end(); }

void nodeValues(const FrameFacts& facts, const std::vector<Ipv6Address>& addresses, Subject& subject, Values& out)
{
    for (const Ipv6Address& address : addresses) {
        out.add(subject.keep(address.text()));
        if (facts.nodeName)
            if (std::string name = facts.nodeName(address); !name.empty()) out.add(subject.keep(lowerCase(name)));
        const analysis::NodeInfo* node = facts.analysis ? facts.analysis->nodeOf(address) : nullptr;
        if (!node) continue;
        if (node->role != analysis::Role::Unknown) out.add(analysis::roleName(node->role));
        for (const Ipv6Address& other : node->addresses)
            if (!named(addresses, other)) out.add(subject.keep(other.text()));
    }
}

/// The last thing known of a handover that did not come to its end.
TimePoint endOf(const analysis::Handover& h)
{
    TimePoint end = h.end.value_or(h.start);
    for (const analysis::Phase& p : h.phases) end = std::max(end, p.end);
    return end;
}

void handoverValues(const Symbol& symbol, const Analysis& analysis, TimePoint t, Subject& subject, Values& out)
{
    std::uint64_t number = 0;
    for (const analysis::Handover& h : analysis.handovers) {
        const bool moved = h.kind != analysis::HandoverKind::Initial;
        number += moved ? 1 : 0;
        if (t < h.start || t > endOf(h)) continue;
        if (symbol.source == Source::HandoverKind) out.add(analysis::handoverKindName(h.kind));
        if (symbol.source == Source::Handover && moved) out.add(number);
        if (symbol.source != Source::Phase) continue;
        for (const analysis::Phase& p : h.phases)
            if (p.start <= t && t <= p.end) out.add(subject.keep(lowerCase(p.name.substr(0, 2) == "T_" ? p.name.substr(2) : p.name)));
    }
}

void bindingValues(const Symbol& symbol, const Analysis& analysis, const FrameFacts& facts, const std::vector<Ipv6Address>& addresses, Values& out)
{
    const auto index = static_cast<analysis::FrameIndex>(facts.number - 1);
    for (const analysis::BindingInterval& b : analysis.bindings) {
        const bool made = b.update == index || b.acknowledgement == index;
        if (!made && !(b.aliveAt(facts.frame.time) && named(addresses, b.careOfAddress))) continue;
        switch (symbol.source) {
        case Source::BindingId:
            if (b.bid) out.add(std::uint64_t{*b.bid});
            break;
        case Source::BindingHome: out.add(Block6{b.homeAddress, 128}); break;
        case Source::BindingCareOf: out.add(Block6{b.careOfAddress, 128}); break;
        case Source::BindingOwner: out.add(analysis::roleName(b.owner)); break;
        default: out.add(ByteView()); break;
        }
    }
}

void findingValue(const Symbol& symbol, const wire::Finding& f, Values& out)
{
    switch (symbol.source) {
    case Source::FindingSeverity: out.add(std::uint64_t{f.severity == wire::Severity::Error ? 2u : f.severity == wire::Severity::Warning ? 1u : 0u}); break;
    case Source::FindingRule:
        if (!f.rule.empty()) out.add(f.rule);
        break;
    case Source::FindingText: out.add(std::string_view(f.text)); break;
    case Source::FindingRfc:
        if (!f.rfc.empty()) out.add(f.rfc);
        break;
    default: out.add(ByteView()); break;
    }
}

void findingValues(const Symbol& symbol, const FrameFacts& facts, Values& out)
{
    if (facts.dissection)
        for (const wire::Finding& f : facts.dissection->findings) findingValue(symbol, f, out);
    if (!facts.analysis) return;
    const auto& all = facts.analysis->findings;
    if (facts.findings) {
        const auto [begin, end] = facts.findings->of(facts.number - 1);
        for (const std::uint32_t* i = begin; i != end; ++i) findingValue(symbol, all[*i].finding, out);
        return;
    }
    for (const analysis::TraceFinding& f : all)
        if (f.frame + std::size_t{1} == facts.number) findingValue(symbol, f.finding, out);
}

}  // namespace

void analysisValues(const Symbol& symbol, const FrameFacts& facts, const std::vector<Ipv6Address>& addresses, Subject& subject, Values& out)
{
    switch (symbol.source) {
    case Source::Node: return nodeValues(facts, addresses, subject, out);
    case Source::Finding:
    case Source::FindingSeverity:
    case Source::FindingRule:
    case Source::FindingText:
    case Source::FindingRfc: return findingValues(symbol, facts, out);
    default: break;
    }
    if (!facts.analysis) return;
    if (symbol.source >= Source::Binding) return bindingValues(symbol, *facts.analysis, facts, addresses, out);
    handoverValues(symbol, *facts.analysis, facts.frame.time, subject, out);
}

FindingsByFrame::FindingsByFrame(const analysis::Analysis& analysis) : indices_(analysis.findings.size())
{
    std::iota(indices_.begin(), indices_.end(), 0u);
    std::stable_sort(indices_.begin(), indices_.end(), [&](std::uint32_t a, std::uint32_t b) { return analysis.findings[a].frame < analysis.findings[b].frame; });
    for (const std::uint32_t i : indices_) frames_.push_back(analysis.findings[i].frame);
}

std::pair<const std::uint32_t*, const std::uint32_t*> FindingsByFrame::of(std::size_t frameIndex) const
{
    const auto [begin, end] = std::equal_range(frames_.begin(), frames_.end(), frameIndex);
    return {indices_.data() + (begin - frames_.begin()), indices_.data() + (end - frames_.begin())};
}

}  // namespace roamscope::filter
