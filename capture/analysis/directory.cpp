// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/directory.hpp"

#include <algorithm>

namespace roamscope::analysis {

namespace {

constexpr std::size_t maxEvidence = 8;
constexpr std::size_t maxServed = 1024;
constexpr std::size_t maxCorrespondents = 4096;  ///< nodes of one kind: a flood with forged addresses must not slow us down

template <class T>
bool contains(const std::vector<T>& list, const T& value)
{
    return std::find(list.begin(), list.end(), value) != list.end();
}

template <class T>
void addOnce(std::vector<T>& list, const T& value)
{
    if (!contains(list, value)) list.push_back(value);
}

NodeInfo* ownerOf(std::vector<NodeInfo>& nodes, const Mac& mac)
{
    for (NodeInfo& node : nodes)
        if (contains(node.macs, mac)) return &node;
    return nullptr;
}

}  // namespace

void Directory::addData(const Observation& o, const Mobiles& mobiles)
{
    const wire::PseudoHeader ends = o.frame.inner()->pseudoHeader();
    const bool from = mobiles.isHomeAddress(ends.source);
    const bool to = mobiles.isHomeAddress(ends.destination);
    if (from == to) return;
    const Ipv6Address& peer = from ? ends.destination : ends.source;
    if (!peer.isUnicastRoutable() || anchors_.count(peer) != 0 || mobiles.of(peer)) return;
    const auto it = correspondents_.find(peer);
    if (it == correspondents_.end()) {
        if (correspondents_.size() < maxCorrespondents) correspondents_[peer].push_back(o.index);
    } else if (it->second.size() < maxEvidence) {
        it->second.push_back(o.index);
    }
}

void Directory::addSignal(const Signal& signal, const Observation& o)
{
    if (signal.kind != Signal::Kind::Update) return;
    const Update& update = *signal.update;
    for (const Prefix& network : update.networks)
        if (networks_.size() < maxServed || networks_.contains(network)) networks_[network] = update.homeAddress;
    if (anchors_.size() >= maxCorrespondents && anchors_.count(update.peerAddress) == 0) return;
    Anchor& anchor = anchors_[update.peerAddress];
    // An anchor may be MAP and home agent at once; what it was seen as first stays.
    if (anchor.role == Role::Unknown || anchor.role == Role::Correspondent) anchor.role = update.peer;
    if (anchor.evidence.size() < maxEvidence) anchor.evidence.push_back(o.index);
    if (update.overIpv4() && o.frame.ipv4) anchor.ipv4 = wire::mapped(o.frame.ipv4->destination);
    if (anchor.serves.size() < maxServed && update.peer != Role::Correspondent) addOnce(anchor.serves, update.homeAddress);
}

void Directory::addAnchors(std::vector<NodeInfo>& nodes, const Mobiles& mobiles, const Presence& presence) const
{
    for (const auto& [address, anchor] : anchors_) {
        NodeInfo node;
        node.role = anchor.role;
        node.addresses.push_back(address);
        if (anchor.ipv4) node.addresses.push_back(*anchor.ipv4);
        node.evidence = anchor.evidence;
        if (const auto mac = presence.claimant(address)) node.macs.push_back(*mac);
        // It defends the addresses registered there as a proxy (HA-ND-01, HMIP-MAP-05), with another interface perhaps.
        for (const Ipv6Address& served : anchor.serves)
            if (const auto mac = presence.claimant(served); mac && !mobiles.isInterface(*mac)) addOnce(node.macs, *mac);
        nodes.push_back(std::move(node));
    }
}

void Directory::addRouters(std::vector<NodeInfo>& nodes, const Mobiles& mobiles, const Presence& presence) const
{
    for (const AdvertisementContent& content : presence.contents()) {
        NodeInfo* node = ownerOf(nodes, content.mac);
        for (const auto& [network, home] : networks_)
            for (std::size_t i = 0; !node && i < content.prefixes.size(); ++i)
                if (network.contains(content.prefixes[i].address))
                    for (NodeInfo& candidate : nodes)
                        if (candidate.role == Role::MobileNode && !candidate.addresses.empty() && candidate.addresses.front() == home) node = &candidate;
        for (std::size_t i = 0; !node && content.homeAgent && i < content.prefixes.size(); ++i)
            for (NodeInfo& candidate : nodes) {
                if (candidate.role != Role::HomeAgent) continue;
                // One that is known from another advertisement alone serves nobody yet.
                const auto anchor = anchors_.find(candidate.addresses.front());
                if (anchor == anchors_.end()) continue;
                const auto& serves = anchor->second.serves;
                if (std::any_of(serves.begin(), serves.end(), [&](const Ipv6Address& a) { return content.prefixes[i].contains(a); })) node = &candidate;
            }
        if (!node) {
            nodes.emplace_back();
            node = &nodes.back();
            node->role = content.homeAgent ? Role::HomeAgent : Role::AccessRouter;
        }
        for (std::size_t i = 0; i < content.prefixes.size(); ++i)
            if (content.wholeAddress[i]) addOnce(node->addresses, content.prefixes[i].address);
        addOnce(node->addresses, content.router);
        addOnce(node->macs, content.mac);
        if (node->evidence.size() < maxEvidence) node->evidence.push_back(content.first.frame);
    }
    for (const AdvertisementContent& content : presence.contents())
        for (const Ipv6Address& map : content.maps) {
            const bool known = std::any_of(nodes.begin(), nodes.end(), [&](const NodeInfo& n) { return contains(n.addresses, map); });
            if (known) continue;
            NodeInfo node;
            node.role = Role::Map;
            node.addresses.push_back(map);
            node.evidence.push_back(content.first.frame);
            if (const auto mac = presence.claimant(map); mac && !mobiles.isInterface(*mac)) node.macs.push_back(*mac);
            nodes.push_back(std::move(node));
        }
}

std::vector<NodeInfo> Directory::nodes(const Mobiles& mobiles, const Presence& presence) const
{
    std::vector<NodeInfo> nodes;
    for (const Mobile& mobile : mobiles.all()) {
        if (mobile.merged) continue;
        NodeInfo node;
        node.role = Role::MobileNode;
        if (mobile.homeAddress) node.addresses.push_back(*mobile.homeAddress);
        node.addresses.insert(node.addresses.end(), mobile.regional.begin(), mobile.regional.end());
        node.addresses.insert(node.addresses.end(), mobile.careOf.begin(), mobile.careOf.end());
        node.macs = mobile.macs;
        node.evidence = mobile.evidence;
        nodes.push_back(std::move(node));
    }
    addAnchors(nodes, mobiles, presence);
    addRouters(nodes, mobiles, presence);
    for (const auto& correspondent : correspondents_) {
        const Ipv6Address& address = correspondent.first;
        const bool known = std::any_of(nodes.begin(), nodes.end(), [&](const NodeInfo& n) { return contains(n.addresses, address); });
        if (known) continue;
        NodeInfo node;
        node.role = Role::Correspondent;
        node.addresses.push_back(address);
        node.evidence = correspondent.second;
        if (const auto mac = presence.claimant(address)) node.macs.push_back(*mac);
        nodes.push_back(std::move(node));
    }
    const auto rank = [](Role role) {
        switch (role) {
        case Role::MobileNode: return 0;
        case Role::Map: return 1;
        case Role::HomeAgent: return 2;
        case Role::Correspondent: return 3;
        default: return 4;
        }
    };
    std::stable_sort(nodes.begin(), nodes.end(), [&](const NodeInfo& a, const NodeInfo& b) {
        return rank(a.role) != rank(b.role) ? rank(a.role) < rank(b.role) : a.addresses < b.addresses;
    });
    return nodes;
}

}  // namespace roamscope::analysis
