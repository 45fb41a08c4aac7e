// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/attachments.hpp"

#include <algorithm>

namespace roamscope::analysis {

namespace {

/// A mobile node uses a handful of addresses on a link; a router that forwards for thousands is not what is looked for.
constexpr std::size_t maxAddresses = 16;
constexpr std::size_t maxAdvertisementsSearched = 10000;
constexpr std::size_t maxContents = 4096;  ///< different advertisements kept; a forger could make any number

void note(std::vector<AddressMark>& list, const Ipv6Address& address, const Mark& mark)
{
    if (list.size() >= maxAddresses) return;
    for (const AddressMark& known : list)
        if (known.address == address) return;
    list.push_back({address, mark});
}

AdvertisementContent contentOf(const wire::Ipv6Packet& packet, const wire::RouterAdvertisement& ra, const Observation& o, const Mac& source)
{
    AdvertisementContent content;
    content.router = packet.source;
    content.homeAgent = (ra.flags & wire::RouterAdvertisement::homeAgentFlag) != 0;
    content.first = {o.time, o.index};
    content.mac = source;
    for (const wire::NdOption& option : ra.options) {
        if (const auto* p = std::get_if<wire::PrefixInformation>(&option)) {
            content.prefixes.push_back(p->prefix);
            content.wholeAddress.push_back(p->routerAddress);
        } else if (const auto* m = std::get_if<wire::MapOption>(&option)) {
            content.maps.push_back(m->address);
        }
    }
    return content;
}

}  // namespace

Movement Presence::add(const Observation& o)
{
    if (!o.frame.ethernet) return {};
    received(o);
    const Movement movement = sent(o);
    if (movement.sent && o.frame.packets.size() == 1 && !o.inIpv4()) neighbourDiscovery(o, o.frame.ethernet->source);
    return movement;
}

void Presence::add(const wire::ArpMessage& message)
{
    if (wire::isUnicast(message.sender) && !message.senderMac.isGroup()) claims_[wire::mapped(message.sender)] = message.senderMac;
}

Movement Presence::sent(const Observation& o)
{
    const Mac& source = o.frame.ethernet->source;
    if (source.isGroup()) return {};
    std::vector<Stay>& stays = stays_[source];
    const Mark mark{o.time, o.index};
    Movement movement{true, false, false};
    if (stays.empty() || stays.back().link != o.link) {
        movement.moved = !stays.empty();
        if (movement.moved) {
            Stay& old = stays.back();
            movement.silent = old.answers;
            // Without traffic of its own nothing tells when it left: all that came before it was heard elsewhere may have arrived.
            if (!old.answers && old.pending) old.delivered = old.pending;
            old.pending.reset();
        }
        Stay stay;
        stay.link = o.link;
        stay.first = mark;
        stays.push_back(std::move(stay));
    }
    Stay& stay = stays.back();
    stay.last = mark;
    stay.answers = stay.answers || o.data;
    if (stay.pending) stay.delivered = stay.pending;
    stay.pending.reset();
    if (!o.frame.packets.empty()) {
        const Ipv6Address outer = o.outerSource();
        if (!outer.isUnspecified()) note(stay.sources, outer, mark);
        if (outer.isUnicastRoutable() && !o.frame.ethernet->destination.isGroup()) stay.router = o.frame.ethernet->destination;
    }
    return movement;
}

void Presence::received(const Observation& o)
{
    if (!o.data || o.frame.ethernet->destination.isGroup()) return;
    const auto it = stays_.find(o.frame.ethernet->destination);
    if (it == stays_.end() || it->second.back().link != o.link) return;
    Stay& stay = it->second.back();
    const Mark mark{o.time, o.index};
    stay.pending = mark;
    const bool brought = o.tunnels() > 0 || o.inIpv4() || o.frame.packets.front().routing;
    note(brought ? stay.tunnelled : stay.direct, o.outerDestination(), mark);
}

void Presence::neighbourDiscovery(const Observation& o, const Mac& source)
{
    const wire::Ipv6Packet& packet = o.frame.packets.front();
    if (packet.nextHeader != wire::protocol::icmpv6) return;
    if (const auto* ra = o.frame.as<wire::RouterAdvertisement>()) return advertisement(o, *ra, source);
    if (packet.hopLimit != 255) return;
    if (const auto* ns = o.frame.as<wire::NeighborSolicitation>()) {
        const bool dad = packet.source.isUnspecified();
        claims_[dad ? ns->target : packet.source] = source;
        if (dad) note(stays_[source].back().solicited, ns->target, {o.time, o.index});
    } else if (const auto* na = o.frame.as<wire::NeighborAdvertisement>()) {
        claims_[na->target] = source;
    }
}

void Presence::advertisement(const Observation& o, const wire::RouterAdvertisement& ra, const Mac& source)
{
    AdvertisementContent content = contentOf(o.frame.packets.front(), ra, o, source);
    const auto known = routers_.find(source);
    std::uint32_t number = 0;
    if (known != routers_.end() && contents_[known->second] == content) {
        number = known->second;
    } else {
        if (contents_.size() >= maxContents) return;
        number = static_cast<std::uint32_t>(contents_.size());
        contents_.push_back(std::move(content));
        routers_[source] = number;
    }
    claims_[o.frame.packets.front().source] = source;
    for (std::size_t i = 0; i < contents_[number].prefixes.size(); ++i)
        if (contents_[number].wholeAddress[i]) claims_[contents_[number].prefixes[i].address] = source;
    advertisements_[o.link].push_back({{o.time, o.index}, source, number});
}

const std::vector<Stay>* Presence::stays(const Mac& mac) const
{
    const auto it = stays_.find(mac);
    return it == stays_.end() ? nullptr : &it->second;
}

bool Presence::isOn(const Mac& mac, std::uint32_t link) const
{
    const auto* list = stays(mac);
    return list && list->back().link == link;
}

std::optional<Mac> Presence::claimant(const Ipv6Address& address) const
{
    if (const auto it = claims_.find(address); it != claims_.end()) return it->second;
    const InterfaceId id = interfaceId(address);
    if (id[3] != 0xff || id[4] != 0xfe) return std::nullopt;
    const Mac mac{{static_cast<std::uint8_t>(id[0] ^ 2), id[1], id[2], id[5], id[6], id[7]}};
    if (stays_.count(mac) == 0) return std::nullopt;
    return mac;
}

std::optional<Mark> Presence::advertisementFor(const Ipv6Address& address, std::uint32_t link, TimePoint from, TimePoint to) const
{
    const auto it = advertisements_.find(link);
    if (it == advertisements_.end()) return std::nullopt;
    const auto& list = it->second;
    auto at = std::lower_bound(list.begin(), list.end(), from, [](const Advertisement& a, TimePoint t) { return a.mark.time < t; });
    for (std::size_t n = 0; at != list.end() && at->mark.time <= to && n < maxAdvertisementsSearched; ++at, ++n) {
        const auto& prefixes = contents_[at->content].prefixes;
        if (std::any_of(prefixes.begin(), prefixes.end(), [&](const Prefix& p) { return p.contains(address); })) return at->mark;
    }
    return std::nullopt;
}

std::optional<Mac> Presence::routerOf(std::uint32_t link, TimePoint from) const
{
    const auto it = advertisements_.find(link);
    if (it == advertisements_.end()) return std::nullopt;
    const auto& list = it->second;
    const auto at = std::lower_bound(list.begin(), list.end(), from, [](const Advertisement& a, TimePoint t) { return a.mark.time < t; });
    return at != list.end() ? at->router : list.back().router;
}

}  // namespace roamscope::analysis
