// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/ipv4_link.hpp"

#include "protocol/wire/arp.hpp"
#include "protocol/wire/ethernet.hpp"

#include <algorithm>

namespace roamscope::node {

namespace {

constexpr Mac broadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
constexpr std::size_t typeAt = 12;

std::uint32_t number(const Ipv4Address& a) { return std::uint32_t{a.octets[0]} << 24 | std::uint32_t{a.octets[1]} << 16 | std::uint32_t{a.octets[2]} << 8 | a.octets[3]; }

}  // namespace

std::optional<Ipv4Interface> Ipv4Interface::parse(std::string_view text)
{
    const std::size_t slash = std::min(text.find('/'), text.size());
    const auto address = Ipv4Address::parse(text.substr(0, slash));
    const std::string_view bits = text.substr(std::min(slash + 1, text.size()));
    const auto isDigit = [](char c) { return c >= '0' && c <= '9'; };
    if (!address || bits.empty() || bits.size() > 2 || !std::all_of(bits.begin(), bits.end(), isDigit)) return std::nullopt;
    unsigned length = 0;
    for (const char c : bits) length = 10 * length + static_cast<unsigned>(c - '0');
    return length > 32 ? std::nullopt : std::optional(Ipv4Interface{*address, static_cast<std::uint8_t>(length), {}});
}

bool Ipv4Interface::covers(const Ipv4Address& other) const { return prefixLength == 0 || (number(address) ^ number(other)) >> (32u - prefixLength) == 0; }

bool Ipv4Link::concerns(ByteView frame)
{
    if (frame.size() < wire::EthernetHeader::octets) return false;
    const unsigned type = unsigned{frame[typeAt]} << 8 | frame[typeAt + 1];
    return type == wire::etherTypeIpv4 || type == wire::etherTypeArp;
}

std::optional<Ipv4Packet> Ipv4Link::receive(TimePoint now, ByteView frame, Output& out)
{
    wire::FieldReader in(frame, 0, nullptr);
    const auto header = wire::parseEthernet(in);
    if (!header || header->source.isGroup()) return std::nullopt;
    if (header->type == wire::etherTypeArp) {
        if (header->destination == mac_ || header->destination == broadcast) onArp(now, frame.subspan(wire::EthernetHeader::octets), out);
        return std::nullopt;
    }
    if (header->type != wire::etherTypeIpv4 || header->destination != mac_) return std::nullopt;
    const auto parsed = wire::parseIpv4(in);
    if (!parsed || parsed->header.checksum != wire::ChecksumVerdict::Good) return std::nullopt;
    const ByteView payload = frame.subspan(parsed->payloadOffset, parsed->payloadOctets);
    return Ipv4Packet{parsed->header, Bytes(payload.begin(), payload.end())};
}

void Ipv4Link::onArp(TimePoint now, ByteView message, Output& out)
{
    const auto arp = wire::parseArp(message);
    if (!arp || !wire::isUnicast(arp->sender) || arp->sender == settings_.address || arp->senderMac.isGroup()) return;
    // RFC 826: who is known is updated, and whoever asks us will be sent to.
    const bool asked = arp->target == settings_.address;
    if (neighbours_.contains(arp->sender) || (asked && settings_.covers(arp->sender))) {
        Neighbour& neighbour = entry(now, arp->sender);
        neighbour.mac = arp->senderMac;
        neighbour.heard = now;
        neighbour.requests = 0;
        neighbour.next.reset();
        for (const Bytes& packet : std::exchange(neighbour.waiting, {})) transmit(arp->senderMac, wire::etherTypeIpv4, packet, out);
    }
    if (!asked || arp->operation != wire::ArpMessage::request) return;
    transmit(arp->senderMac, wire::etherTypeArp, wire::emitArp({wire::ArpMessage::reply, mac_, settings_.address, arp->senderMac, arp->sender}), out);
}

void Ipv4Link::send(TimePoint now, const wire::Ipv4Header& header, ByteView payload, Output& out)
{
    if (settings_.covers(header.destination)) sendVia(now, header.destination, header, payload, out);
    else if (settings_.gateway) sendVia(now, *settings_.gateway, header, payload, out);
}

void Ipv4Link::sendVia(TimePoint now, const Ipv4Address& nextHop, const wire::Ipv4Header& header, ByteView payload, Output& out)
{
    Bytes packet = wire::emitIpv4(header, payload);
    if (packet.size() > mtu_) return;
    Neighbour& neighbour = entry(now, nextHop);
    if (neighbour.mac) {
        transmit(*neighbour.mac, wire::etherTypeIpv4, packet, out);
    } else {
        if (neighbour.waiting.size() == maximumWaiting) neighbour.waiting.erase(neighbour.waiting.begin());
        neighbour.waiting.push_back(std::move(packet));
    }
    if (!neighbour.next && (!neighbour.mac || now - neighbour.heard >= goodFor)) ask(now, nextHop, neighbour, out);
}

Ipv4Link::Neighbour& Ipv4Link::entry(TimePoint now, const Ipv4Address& address)
{
    if (const auto it = neighbours_.find(address); it != neighbours_.end()) return it->second;
    if (neighbours_.size() == maximum)
        neighbours_.erase(std::min_element(neighbours_.begin(), neighbours_.end(), [](const auto& a, const auto& b) { return a.second.heard < b.second.heard; }));
    Neighbour& added = neighbours_[address];
    added.heard = now;
    return added;
}

void Ipv4Link::ask(TimePoint now, const Ipv4Address& address, Neighbour& neighbour, Output& out) const
{
    ++neighbour.requests;
    neighbour.next = now + requestInterval;
    transmit(broadcast, wire::etherTypeArp, wire::emitArp({wire::ArpMessage::request, mac_, settings_.address, {}, address}), out);
}

void Ipv4Link::advance(TimePoint now, Output& out)
{
    std::erase_if(neighbours_, [&](const auto& n) { return n.second.next && *n.second.next <= now && n.second.requests >= maximumRequests; });
    for (auto& [address, neighbour] : neighbours_)
        if (neighbour.next && *neighbour.next <= now) ask(now, address, neighbour, out);
}

std::optional<TimePoint> Ipv4Link::nextDeadline() const
{
    std::optional<TimePoint> next;
    for (const auto& [address, neighbour] : neighbours_) next = earlier(next, neighbour.next);
    return next;
}

void Ipv4Link::transmit(const Mac& to, std::uint16_t type, ByteView payload, Output& out) const
{
    out.frames.push_back({interface_, wire::emitEthernet({to, mac_, type}, payload)});
}

}  // namespace roamscope::node
