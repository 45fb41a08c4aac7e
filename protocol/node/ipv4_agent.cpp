// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/ipv4_agent.hpp"

#include <algorithm>

namespace roamscope::node {

namespace {

constexpr std::size_t ipv4Octets = 4;
constexpr std::uint32_t noKeepalive = 0xffffffff;  // no NAT was seen (RFC 5555 §3.2.2)

// RFC 5555 §3.2.1.
constexpr std::uint8_t incorrectHomeAddress = 130, invalidAddress = 131, noDynamicAssignment = 132, prefixUnauthorized = 133;

/// Why we give no IPv4 home address. None is anybody's here, and none can be given away.
std::uint8_t refusalOf(const wire::Ipv4HomeAddress& asked)
{
    const bool any = asked.address == Ipv4Address{};
    if (asked.prefixLength == 0 || (!any && !wire::isUnicast(asked.address))) return invalidAddress;
    if (asked.prefix) return prefixUnauthorized;
    return any ? noDynamicAssignment : incorrectHomeAddress;
}

bool isIdentifier(const wire::MobilityOption& option) { return std::holds_alternative<wire::BindingIdentifier>(option); }

}  // namespace

std::optional<Carried> Ipv4Agent::receive(TimePoint now, ByteView frame, Output& out)
{
    const auto packet = link_.receive(now, frame, out);
    if (!packet || packet->header.destination != link_.address()) return std::nullopt;
    return carriedIn(*packet);
}

void Ipv4Agent::send(TimePoint now, const wire::Ipv6Packet& inner, const Ipv4Way& way, Output& out)
{
    const Ipv4Packet packet = carry(inner, link_.address(), way);
    link_.send(now, packet.header, packet.payload, out);
}

Ipv4Update Ipv4Agent::read(const wire::BindingUpdate& update, const std::optional<Ipv4Way>& from)
{
    Ipv4Update out;
    out.from = from;
    out.forced = update.has(wire::BindingUpdate::forceUdp);
    const auto identifiers = std::count_if(update.options.begin(), update.options.end(), isIdentifier);
    for (const wire::MobilityOption& option : update.options) {
        if (const auto* asked = std::get_if<wire::Ipv4HomeAddress>(&option); asked && update.has(wire::BindingUpdate::homeRegistration)) out.asked.push_back(*asked);
        // RFC 5648 §8.1: the address of an identifier is what option 32 is elsewhere.
        if (const auto* careOf = std::get_if<wire::Ipv4CareOfAddress>(&option); careOf && identifiers == 0) out.told = careOf->address;
        const auto* bid = std::get_if<wire::BindingIdentifier>(&option);
        if (!bid || identifiers != 1 || bid->careOfAddress.size() != ipv4Octets) continue;
        std::copy(bid->careOfAddress.begin(), bid->careOfAddress.end(), out.told.emplace().octets.begin());
    }
    return out;
}

std::optional<Ipv4Update> Ipv4Agent::answered(const Ipv6Address& home)
{
    auto found = waiting_.extract(home);
    return found.empty() ? std::nullopt : std::optional(std::move(found.mapped()));
}

void Ipv4Agent::bound(const Ipv6Address& home, const Ipv4Update& update)
{
    if (!update.from) return;
    const std::pair key{home, wire::mapped(update.from->peer)};
    const auto known = tunnels_.find(key);
    Tunnel tunnel{update.from->port, known == tunnels_.end() || known->second.nat, update.forced};
    if (update.told) tunnel.nat = *update.told != update.from->peer;  // otherwise nothing new is known of the way
    tunnel.udp = tunnel.nat || update.forced;
    tunnels_[key] = tunnel;
}

void Ipv4Agent::forget(const Ipv6Address& home)
{
    waiting_.erase(home);
    for (auto it = tunnels_.lower_bound({home, Ipv6Address{}}); it != tunnels_.end() && it->first.first == home;) it = tunnels_.erase(it);
}

void Ipv4Agent::answer(const Ipv6Address& home, const Ipv4Update& update, wire::BindingAck& ack) const
{
    std::vector<wire::MobilityOption> options;
    // RFC 5648 §8.2: only for those that asked; the status is in this option alone.
    for (const wire::Ipv4HomeAddress& asked : update.asked) options.push_back(wire::Ipv4AddressAck{refusalOf(asked), 0, asked.address});
    if (update.from) {
        // RFC 5555 §4.2: whenever the update was in UDP.
        const auto known = tunnels_.find({home, wire::mapped(update.from->peer)});
        const bool nat = update.told ? *update.told != update.from->peer : known == tunnels_.end() || known->second.nat;
        options.push_back(wire::NatDetection{update.forced, nat ? static_cast<std::uint32_t>(natRefresh_.count()) : noKeepalive});
    }
    const auto place = std::find_if(ack.options.begin(), ack.options.end(), isIdentifier);
    ack.options.insert(place, options.begin(), options.end());
}

std::optional<Ipv4Way> Ipv4Agent::way(const Ipv6Address& home, const Ipv6Address& careOf) const
{
    const auto it = tunnels_.find({home, careOf});
    const auto peer = wire::unmapped(careOf);
    if (it == tunnels_.end() || !peer) return std::nullopt;
    return Ipv4Way{*peer, it->second.udp ? it->second.port : std::uint16_t{0}};
}

bool Ipv4Agent::mayCome(const Ipv6Address& home, const Ipv4Way& from) const
{
    const auto it = tunnels_.find({home, wire::mapped(from.peer)});
    return it != tunnels_.end() && (!it->second.udp || it->second.port == from.port);
}

}  // namespace roamscope::node
