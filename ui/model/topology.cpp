// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/topology.hpp"

#include "ui/model/format.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace roamscope::ui {

using analysis::Role;

namespace {

/// Rows from top to bottom; even numbers hold nodes, odd ones links.
int levelOf(Role role)
{
    switch (role) {
    case Role::Map: return 2;
    case Role::AccessRouter: return 4;
    case Role::MobileNode: return 6;
    default: return 0;
    }
}

constexpr int cellLevel = 5;

std::optional<std::size_t> find(const Topology& topology, const QString& name)
{
    for (std::size_t i = 0; i < topology.nodes.size(); ++i)
        if (topology.nodes[i].name == name) return i;
    return std::nullopt;
}

int linkLevel(const Topology& topology, const TopologyLink& link)
{
    if (link.wireless || link.members.empty()) return cellLevel;
    int top = 6;
    for (const std::size_t member : link.members) top = std::min(top, levelOf(topology.nodes[member].role));
    return link.members.size() == 1 ? top - 1 : top + 1;
}

/// Spreads what shares a row over its width, in the given order.
template <class T, class Place>
void spread(std::vector<T>& row, Place place)
{
    for (std::size_t i = 0; i < row.size(); ++i) place(row[i], (static_cast<double>(i) + 0.5) / static_cast<double>(row.size()));
}

void arrange(Topology& topology)
{
    std::map<int, std::vector<std::size_t>> nodeRows;
    for (std::size_t i = 0; i < topology.nodes.size(); ++i)
        if (topology.nodes[i].role != Role::MobileNode) nodeRows[levelOf(topology.nodes[i].role)].push_back(i);
    std::set<int> levels;
    for (const auto& [level, row] : nodeRows) levels.insert(level);
    for (const TopologyLink& link : topology.links) levels.insert(linkLevel(topology, link));
    const int bottom = cellLevel + 1;  // below the cells, for the mobile nodes in them
    levels.insert(bottom);
    const auto height = [&](int level) {
        const auto rank = std::distance(levels.begin(), levels.find(level));
        return (static_cast<double>(rank) + 0.5) / static_cast<double>(levels.size());
    };
    for (auto& [level, row] : nodeRows)
        spread(row, [&, y = height(level)](std::size_t node, double x) { topology.nodes[node].place = {x, y}; });

    std::map<int, int> sharing;
    std::vector<std::size_t> lonely;
    for (std::size_t i = 0; i < topology.links.size(); ++i) {
        TopologyLink& link = topology.links[i];
        const int level = linkLevel(topology, link);
        link.y = height(level);
        if (link.members.empty()) {
            lonely.push_back(i);
            continue;
        }
        link.left = 1;
        link.right = 0;
        for (const std::size_t member : link.members) {
            link.left = std::min(link.left, topology.nodes[member].place.x());
            link.right = std::max(link.right, topology.nodes[member].place.x());
        }
        if (!link.wireless && link.members.size() > 1) link.y += 0.03 * sharing[level]++;
    }
    spread(lonely, [&](std::size_t link, double x) { topology.links[link].left = topology.links[link].right = x; });
}

Topology fromScenario(const lab::Scenario& scenario)
{
    Topology topology;
    for (const lab::NodeSpec& node : scenario.nodes) topology.nodes.push_back({toQt(node.name), roleOf(node.role), {}});
    for (const lab::LinkSpec& link : scenario.links) {
        TopologyLink drawn{toQt(link.name), link.wireless, {}, 0, 0, 0};
        for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
            if (scenario.nodes[i].role == lab::Role::MobileNode) continue;
            for (const lab::InterfaceSpec& interface : scenario.nodes[i].interfaces)
                if (interface.link == link.name) drawn.members.push_back(i);
        }
        topology.links.push_back(std::move(drawn));
    }
    return topology;
}

/// Only what analysis knows is drawn: one network between the fixed nodes, and a cell per link that a mobile node used.
Topology fromAnalysis(const analysis::Analysis& analysis, const Names& names, const std::vector<capture::TraceLink>& traceLinks)
{
    Topology topology;
    TopologyLink network{QStringLiteral("network"), false, {}, 0, 0, 0};
    for (const analysis::NodeInfo& node : analysis.nodes) {
        if (node.role == Role::Unknown) continue;
        if (node.role != Role::MobileNode) network.members.push_back(topology.nodes.size());
        topology.nodes.push_back({names.of(node), node.role, {}});
    }
    if (network.members.size() > 1) topology.links.push_back(std::move(network));
    std::set<std::uint32_t> cells;
    for (const analysis::Attachment& attachment : analysis.attachments) {
        if (attachment.link >= traceLinks.size() || !cells.insert(attachment.link).second) continue;
        TopologyLink cell{toQt(traceLinks[attachment.link].name), true, {}, 0, 0, 0};
        if (cell.name.isEmpty()) cell.name = QStringLiteral("link %1").arg(attachment.link);
        for (const analysis::Attachment& other : analysis.attachments) {
            if (other.link != attachment.link || !other.router) continue;
            if (const auto router = find(topology, names.of(*other.router)))
                if (std::find(cell.members.begin(), cell.members.end(), *router) == cell.members.end()) cell.members.push_back(*router);
        }
        topology.links.push_back(std::move(cell));
    }
    return topology;
}

std::optional<std::size_t> linkNamed(const Topology& topology, const std::vector<capture::TraceLink>& traceLinks, std::uint32_t traceLink)
{
    if (traceLink >= traceLinks.size()) return std::nullopt;
    QString name = toQt(traceLinks[traceLink].name);
    if (name.isEmpty()) name = QStringLiteral("link %1").arg(traceLink);
    for (std::size_t i = 0; i < topology.links.size(); ++i)
        if (topology.links[i].name == name) return i;
    return std::nullopt;
}

}  // namespace

Topology makeTopology(const lab::Scenario* scenario, const analysis::Analysis& analysis, const Names& names,
                      const std::vector<capture::TraceLink>& traceLinks)
{
    Topology topology = scenario ? fromScenario(*scenario) : fromAnalysis(analysis, names, traceLinks);
    arrange(topology);
    return topology;
}

TopologyState topologyAt(const Topology& topology, const analysis::Analysis& analysis, const Names& names,
                         const std::vector<capture::TraceLink>& traceLinks, TimePoint time)
{
    TopologyState state;
    std::vector<std::size_t> mobileNodes;
    for (std::size_t i = 0; i < topology.nodes.size(); ++i)
        if (topology.nodes[i].role == Role::MobileNode) mobileNodes.push_back(i);

    for (const std::size_t node : mobileNodes) {
        TopologyState::Mobile mobile{node, std::nullopt, std::nullopt, 0};
        const analysis::Attachment* next = nullptr;
        for (const analysis::Attachment& attachment : analysis.attachments) {
            if (mobileNodes.size() > 1 && names.of(attachment.interface) != topology.nodes[node].name) continue;
            if (attachment.from <= time) mobile.link = linkNamed(topology, traceLinks, attachment.link);
            else if (!next) next = &attachment;
        }
        // Between the last frame on the old link and the first on the new one it is on its way.
        for (const analysis::Handover& handover : analysis.handovers)
            for (const analysis::Phase& phase : handover.phases)
                if (next && phase.name == "T_L2" && phase.start <= time && time < phase.end && next->from <= phase.end) {
                    mobile.next = linkNamed(topology, traceLinks, next->link);
                    mobile.progress = toSeconds(time - phase.start) / std::max(1e-9, toSeconds(phase.end - phase.start));
                }
        state.mobiles.push_back(mobile);
    }

    const std::vector<const analysis::BindingInterval*> bindings = analysis.bindingsAt(time);
    const auto mapOf = [&](const Ipv6Address& careOf) -> const analysis::BindingInterval* {
        for (const analysis::BindingInterval* b : bindings)
            if (b->owner == Role::Map && b->homeAddress == careOf) return b;
        return nullptr;
    };
    for (const analysis::BindingInterval* binding : bindings) {
        if (binding->owner == Role::Correspondent) continue;
        const analysis::BindingInterval* through = binding->owner == Role::HomeAgent ? mapOf(binding->careOfAddress) : nullptr;
        const auto from = find(topology, names.node(binding->ownerAddress));
        const auto to = find(topology, through ? names.node(through->ownerAddress) : names.node(binding->careOfAddress));
        if (from && to && *from != *to) state.tunnels.push_back({*from, *to, binding->owner});
    }
    return state;
}

}  // namespace roamscope::ui
