// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/analysis.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

namespace roamscope::analysis {

std::string_view roleName(Role role)
{
    switch (role) {
    case Role::MobileNode: return "mn";
    case Role::Map: return "map";
    case Role::HomeAgent: return "ha";
    case Role::Correspondent: return "cn";
    case Role::AccessRouter: return "ar";
    case Role::Unknown: break;
    }
    return "unknown";
}

std::string_view handoverKindName(HandoverKind kind)
{
    switch (kind) {
    case HandoverKind::Initial: return "initial";
    case HandoverKind::IntraMap: return "intra-map";
    case HandoverKind::InterMap: return "inter-map";
    case HandoverKind::Home: return "home";
    case HandoverKind::ReturnHome: return "return-home";
    case HandoverKind::PathAdded: return "path-added";
    case HandoverKind::PathRemoved: return "path-removed";
    case HandoverKind::PathSwitched: return "path-switched";
    }
    return "";
}

std::string Handover::fromTo() const
{
    const std::string_view from = fromLink.empty() ? std::string_view("–") : fromLink;
    const std::string_view none = kind == HandoverKind::PathRemoved ? "–" : "?";
    return fmt::format("{} → {}", from, toLink.empty() ? none : toLink);
}

std::string NodeInfo::label() const
{
    std::string text;
    for (const char c : roleName(role)) text += role == Role::Unknown ? c : static_cast<char>(c - 'a' + 'A');
    if (!addresses.empty()) return text + ' ' + addresses.front().text();
    if (!macs.empty()) return text + ' ' + macs.front().text();
    return text;
}

std::size_t Analysis::handoverNumber(std::size_t index) const
{
    if (index >= handovers.size() || handovers[index].kind == HandoverKind::Initial) return 0;
    return static_cast<std::size_t>(std::count_if(handovers.begin(), handovers.begin() + static_cast<std::ptrdiff_t>(index) + 1,
                                                  [](const Handover& h) { return h.kind != HandoverKind::Initial; }));
}

std::vector<const BindingInterval*> Analysis::bindingsAt(TimePoint t) const
{
    std::vector<const BindingInterval*> alive;
    for (const BindingInterval& binding : bindings)
        if (binding.aliveAt(t)) alive.push_back(&binding);
    // A refresh makes a new interval; the rows of one home address do not change places for it.
    const auto order = [](const BindingInterval* b) { return std::tuple(b->owner != Role::Map, b->ownerAddress, b->homeAddress, b->bid); };
    const bool several = std::any_of(alive.begin(), alive.end(), [](const BindingInterval* b) { return b->bid.has_value(); });
    std::stable_sort(alive.begin(), alive.end(), [&](const BindingInterval* a, const BindingInterval* b) {
        return several ? order(a) < order(b) : a->owner == Role::Map && b->owner != Role::Map;
    });
    return alive;
}

const std::vector<Prefix>* Analysis::networksOf(const BindingInterval& binding) const
{
    const auto it = binding.router ? networks.find(binding.acknowledgement) : networks.end();
    return it == networks.end() ? nullptr : &it->second;
}

std::vector<const FlowInterval*> Analysis::flowsOf(const BindingInterval& binding, TimePoint t) const
{
    std::vector<const FlowInterval*> out;
    if (!binding.bid) return out;
    for (const FlowInterval& flow : flowBindings)
        if (flow.aliveAt(t) && flow.ownerAddress == binding.ownerAddress && flow.homeAddress == binding.homeAddress &&
            std::find(flow.bids.begin(), flow.bids.end(), *binding.bid) != flow.bids.end())
            out.push_back(&flow);
    std::stable_sort(out.begin(), out.end(), [](const FlowInterval* a, const FlowInterval* b) { return a->priority < b->priority; });
    return out;
}

const NodeInfo* Analysis::nodeOf(const Ipv6Address& address) const
{
    for (const NodeInfo& node : nodes)
        if (std::find(node.addresses.begin(), node.addresses.end(), address) != node.addresses.end()) return &node;
    return nullptr;
}

}  // namespace roamscope::analysis
