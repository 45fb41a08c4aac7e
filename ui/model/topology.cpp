// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/topology.hpp"

#include "ui/model/format.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

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
constexpr int mobileLevel = cellLevel + 1;   // below the cells, for the mobile nodes in them
constexpr int carriedLevel = mobileLevel + 1;  // what a mobile router carries

std::optional<std::size_t> find(const Topology& topology, const QString& name)
{
    const auto known = topology.nodeNamed.constFind(name);
    return known == topology.nodeNamed.constEnd() ? std::nullopt : std::optional(*known);
}

void addNode(Topology& topology, const QString& name, Role role)
{
    if (!topology.nodeNamed.contains(name)) topology.nodeNamed.insert(name, topology.nodes.size());
    topology.nodes.push_back({name, role, {}});
}

int linkLevel(const Topology& topology, const TopologyLink& link)
{
    if (link.carrier) return carriedLevel;
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
    std::set<std::size_t> carried;
    for (const TopologyLink& link : topology.links)
        if (link.carrier) carried.insert(link.members.begin(), link.members.end());
    std::map<int, std::vector<std::size_t>> nodeRows;
    for (std::size_t i = 0; i < topology.nodes.size(); ++i)
        if (topology.nodes[i].role != Role::MobileNode) nodeRows[carried.contains(i) ? carriedLevel + 1 : levelOf(topology.nodes[i].role)].push_back(i);
    std::set<int> levels;
    for (const auto& [level, row] : nodeRows) levels.insert(level);
    for (const TopologyLink& link : topology.links) levels.insert(linkLevel(topology, link));
    levels.insert(mobileLevel);
    const auto height = [&](int level) {
        const auto rank = std::distance(levels.begin(), levels.find(level));
        return (static_cast<double>(rank) + 0.5) / static_cast<double>(levels.size());
    };
    if (!carried.empty()) topology.mobileY = height(mobileLevel);
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

QString linkTitle(const std::vector<capture::TraceLink>& traceLinks, std::uint32_t link)
{
    const QString name = toQt(traceLinks[link].name);
    return name.isEmpty() ? QStringLiteral("link %1").arg(link) : name;
}

Topology fromScenario(const lab::Scenario& scenario)
{
    Topology topology;
    for (const lab::NodeSpec& node : scenario.nodes) addNode(topology, toQt(node.name), roleOf(node.role));
    for (const lab::LinkSpec& link : scenario.links) {
        TopologyLink drawn{toQt(link.name), link.wireless, {}, {}, 0, 0, 0};
        for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
            if (const auto& n = scenario.nodes[i]; n.role == lab::Role::MobileNode) {
                if (std::any_of(n.interfaces.begin(), n.interfaces.end(), [&](const auto& own) { return own.link == link.name && lab::isIngress(n, own); })) drawn.carrier = i;
                continue;
            }
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
    TopologyLink network{QStringLiteral("network"), false, {}, {}, 0, 0, 0};
    for (const analysis::NodeInfo& node : analysis.nodes) {
        if (node.role == Role::Unknown) continue;
        if (node.role != Role::MobileNode) network.members.push_back(topology.nodes.size());
        addNode(topology, names.of(node), node.role);
    }
    if (network.members.size() > 1) topology.links.push_back(std::move(network));
    std::map<std::uint32_t, std::size_t> cells;
    std::set<std::pair<std::uint32_t, Mac>> seen;
    for (const analysis::Attachment& attachment : analysis.attachments) {
        if (attachment.link >= traceLinks.size()) continue;
        const auto [cell, fresh] = cells.try_emplace(attachment.link, topology.links.size());
        if (fresh) topology.links.push_back({linkTitle(traceLinks, attachment.link), true, {}, {}, 0, 0, 0});
        if (!attachment.router || !seen.emplace(attachment.link, *attachment.router).second) continue;
        std::vector<std::size_t>& members = topology.links[cell->second].members;
        if (const auto router = find(topology, names.of(*attachment.router)))
            if (std::find(members.begin(), members.end(), *router) == members.end()) members.push_back(*router);
    }
    return topology;
}

/// Which link of the picture each link of the trace is.
std::vector<std::optional<std::size_t>> drawnLinks(const Topology& topology, const std::vector<capture::TraceLink>& traceLinks)
{
    std::vector<std::optional<std::size_t>> drawn(traceLinks.size());
    for (std::uint32_t link = 0; link < traceLinks.size(); ++link) {
        const QString title = linkTitle(traceLinks, link);
        for (std::size_t i = 0; i < topology.links.size() && !drawn[link]; ++i)
            if (topology.links[i].name == title) drawn[link] = i;
    }
    return drawn;
}

using Revoked = std::multimap<Ipv6Address, const analysis::BindingInterval*>;  // by care-of address

Revoked revokedPaths(const analysis::Analysis& analysis)
{
    Revoked revoked;
    for (const analysis::BindingInterval& b : analysis.bindings)
        if (b.end == analysis::Knowledge::Revoked && b.to) revoked.emplace(b.careOfAddress, &b);
    return revoked;
}

/// Of a revoked path: its node may well stay where it is.
bool isRevoked(const Revoked& revoked, const analysis::Handover& removed)
{
    const auto [from, to] = revoked.equal_range(removed.oldCareOf);
    return std::any_of(from, to, [&](const auto& entry) { return entry.second->bid == removed.bid && *entry.second->to >= removed.start; });
}

/// Who leaves a link is not heard, and may not be heard elsewhere for long: the end of its path tells it, and the next path on that link that
/// it is back (RFC 5648).
void addDepartures(Topology& topology, const analysis::Analysis& analysis, const Names& names, const QHash<QString, std::size_t>& mobileNamed)
{
    using analysis::HandoverKind;
    const Revoked revoked = revokedPaths(analysis);
    for (const analysis::Handover& h : analysis.handovers) {
        const bool leaves = h.kind == HandoverKind::PathRemoved;
        if ((!leaves && h.kind != HandoverKind::PathAdded) || (leaves && isRevoked(revoked, h))) continue;
        const QString title = toQt(leaves ? h.fromLink : h.toLink);
        const auto link = std::find_if(topology.links.begin(), topology.links.end(), [&](const TopologyLink& l) { return !title.isEmpty() && l.name == title; });
        if (link == topology.links.end()) continue;
        const auto place = static_cast<std::size_t>(link - topology.links.begin());
        const auto named = mobileNamed.constFind(names.node(h.mobileNode));
        if (named == mobileNamed.constEnd() && topology.mobiles.size() > 1) continue;
        for (auto& stays : topology.mobiles[topology.mobiles.size() > 1 ? *named : 0].interfaces) {
            const auto after = std::upper_bound(stays.begin(), stays.end(), h.start, [](TimePoint t, const Topology::Stay& s) { return t < s.from; });
            if (after == stays.begin()) continue;
            const auto here = std::prev(after);
            const bool left = here->left && !here->link && here != stays.begin() && std::prev(here)->link == place;
            if (leaves ? here->link == place : left) stays.insert(after, {h.start, leaves ? std::nullopt : std::optional(place), leaves});
        }
    }
}

/// Where each mobile node was, and when: looked up for each place of the cursor.
void addMobiles(Topology& topology, const analysis::Analysis& analysis, const Names& names, const std::vector<capture::TraceLink>& traceLinks)
{
    QHash<QString, std::size_t> mobileNamed;
    for (std::size_t i = 0; i < topology.nodes.size(); ++i) {
        if (topology.nodes[i].role != Role::MobileNode) continue;
        mobileNamed.insert(topology.nodes[i].name, topology.mobiles.size());
        topology.mobiles.push_back({i, {}});
    }
    if (topology.mobiles.empty()) return;
    struct Place {
        std::size_t mobile;
        std::size_t interface;
    };
    std::map<Mac, std::optional<Place>> places;
    const std::vector<std::optional<std::size_t>> drawn = drawnLinks(topology, traceLinks);
    for (const analysis::Attachment& attachment : analysis.attachments) {
        const auto [known, fresh] = places.try_emplace(attachment.interface);
        if (fresh) {
            const auto named = mobileNamed.constFind(names.of(attachment.interface));
            if (named != mobileNamed.constEnd() || topology.mobiles.size() == 1) {
                const std::size_t mobile = named != mobileNamed.constEnd() ? *named : 0;
                known->second = Place{mobile, topology.mobiles[mobile].interfaces.size()};
                topology.mobiles[mobile].interfaces.emplace_back();
            }
        }
        if (!known->second) continue;
        const auto link = attachment.link < drawn.size() ? drawn[attachment.link] : std::nullopt;
        topology.mobiles[known->second->mobile].interfaces[known->second->interface].push_back({attachment.from, link, false});
    }
    for (Topology::Mobile& mobile : topology.mobiles)
        for (auto& stays : mobile.interfaces) std::stable_sort(stays.begin(), stays.end(), [](const auto& a, const auto& b) { return a.from < b.from; });
    addDepartures(topology, analysis, names, mobileNamed);
    for (const analysis::Handover& handover : analysis.handovers)
        for (const analysis::Phase& phase : handover.phases)
            if (phase.name == "T_L2") topology.changes.push_back({phase.start, phase.end});
    std::sort(topology.changes.begin(), topology.changes.end(), [](const auto& a, const auto& b) { return a.end < b.end; });
}

TopologyState::Mobile mobileAt(const Topology& topology, const Topology::Mobile& mobile, TimePoint time)
{
    TopologyState::Mobile state{mobile.node, std::nullopt, {}, std::nullopt, 0};
    const Topology::Stay* now = nullptr;
    const Topology::Stay* next = nullptr;
    for (const auto& stays : mobile.interfaces) {
        const auto after = std::upper_bound(stays.begin(), stays.end(), time, [](TimePoint t, const Topology::Stay& s) { return t < s.from; });
        if (after != stays.end() && (!next || after->from < next->from)) next = &*after;
        if (after == stays.begin()) continue;
        const Topology::Stay* here = &*std::prev(after);
        // An interface that has left counts while no other one is anywhere.
        if (!now || (now->left && !here->left) || (now->left == here->left && here->from > now->from)) std::swap(now, here);
        if (here && here->link) state.others.push_back(*here->link);
    }
    if (now) state.link = now->link;
    if (state.link) std::erase(state.others, *state.link);
    if (!next) return state;
    // Between the last frame on the old link and the first on the new one it is on its way.
    auto change = std::lower_bound(topology.changes.begin(), topology.changes.end(), next->from, [](const auto& c, TimePoint t) { return c.end < t; });
    if (change == topology.changes.end() || time < change->start) return state;
    state.next = next->link;
    state.progress = toSeconds(time - change->start) / std::max(1e-9, toSeconds(change->end - change->start));
    return state;
}

}  // namespace

Topology makeTopology(const lab::Scenario* scenario, const analysis::Analysis& analysis, const Names& names,
                      const std::vector<capture::TraceLink>& traceLinks)
{
    Topology topology = scenario ? fromScenario(*scenario) : fromAnalysis(analysis, names, traceLinks);
    arrange(topology);
    addMobiles(topology, analysis, names, traceLinks);
    return topology;
}

TopologyState topologyAt(const Topology& topology, const analysis::Analysis& analysis, const Names& names, TimePoint time)
{
    TopologyState state;
    for (const Topology::Mobile& mobile : topology.mobiles) state.mobiles.push_back(mobileAt(topology, mobile, time));

    const std::vector<const analysis::BindingInterval*> bindings = analysis.bindingsAt(time);
    std::unordered_map<Ipv6Address, const analysis::BindingInterval*> atMaps;
    for (const analysis::BindingInterval* b : bindings)
        if (b->owner == Role::Map) atMaps.emplace(b->homeAddress, b);
    for (const analysis::BindingInterval* binding : bindings) {
        if (binding->owner == Role::Correspondent) continue;
        const auto through = binding->owner == Role::HomeAgent ? atMaps.find(binding->careOfAddress) : atMaps.end();
        const auto from = find(topology, names.node(binding->ownerAddress));
        const auto to = find(topology, through != atMaps.end() ? names.node(through->second->ownerAddress) : names.node(binding->careOfAddress));
        // No tunnel leads to the home link (RFC 5648 §5.6).
        if (from && to && *from != *to && !binding->homeLink) state.tunnels.push_back({*from, *to, binding->owner, binding->bid});
    }
    return state;
}

}  // namespace roamscope::ui
