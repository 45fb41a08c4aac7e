// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/fragments.hpp"

#include <algorithm>
#include <utility>

namespace roamscope::node {

using wire::Ipv6Packet;

namespace {

constexpr std::size_t maxPayload = 65535;

struct FragmentHead {
    std::uint8_t next = 0;
    std::size_t place = 0;
    bool more = false;
    std::uint32_t identifier = 0;
};

std::optional<FragmentHead> headOf(const Ipv6Packet& piece)
{
    const Bytes& p = piece.payload;
    if (p.size() <= wire::fragmentOctets) return std::nullopt;
    const auto offset = static_cast<std::uint16_t>(p[2] << 8 | p[3]);
    return FragmentHead{p[0], static_cast<std::size_t>(offset & 0xfff8u), (offset & 1u) != 0,
                        std::uint32_t{p[4]} << 24 | std::uint32_t{p[5]} << 16 | std::uint32_t{p[6]} << 8 | p[7]};
}

/// The start of an ICMPv6 error, about which there is none.
bool isErrorMessage(const FragmentHead& head, const Ipv6Packet& piece)
{
    return head.place == 0 && head.next == wire::protocol::icmpv6 && piece.payload[wire::fragmentOctets] < 128;
}

}  // namespace

std::size_t sizeOf(const Ipv6Packet& packet)
{
    if (packet.hopByHop.empty() && !packet.routing && packet.destinationOptions.empty() && packet.kept.octets.empty()) return Ipv6Packet::headerOctets + packet.payload.size();
    return wire::emitIpv6(packet).size();
}

std::vector<Ipv6Packet> fragmented(const Ipv6Packet& packet, std::size_t mtu, std::uint32_t identifier)
{
    const std::size_t size = sizeOf(packet);
    if (size <= mtu) return {packet};
    const std::size_t headers = size - packet.payload.size() + wire::fragmentOctets;
    if (mtu < headers + 8) return {};
    const std::size_t chunk = (mtu - headers) / 8 * 8;
    std::vector<Ipv6Packet> pieces;
    for (std::size_t place = 0; place < packet.payload.size(); place += chunk) {
        const std::size_t length = std::min(chunk, packet.payload.size() - place);
        const bool more = place + length < packet.payload.size();
        const auto offset = static_cast<std::uint16_t>(place | (more ? 1u : 0u));
        Ipv6Packet piece = packet;
        piece.nextHeader = wire::protocol::fragment;
        piece.payload = {packet.nextHeader, 0, static_cast<std::uint8_t>(offset >> 8), static_cast<std::uint8_t>(offset), static_cast<std::uint8_t>(identifier >> 24),
                         static_cast<std::uint8_t>(identifier >> 16), static_cast<std::uint8_t>(identifier >> 8), static_cast<std::uint8_t>(identifier)};
        const auto from = packet.payload.begin() + static_cast<std::ptrdiff_t>(place);
        piece.payload.insert(piece.payload.end(), from, from + static_cast<std::ptrdiff_t>(length));
        pieces.push_back(std::move(piece));
    }
    return pieces;
}

std::optional<std::uint32_t> FragmentStore::wrongField(const Ipv6Packet& piece)
{
    constexpr std::uint32_t payloadLengthAt = 4, offsetInHeader = 2;
    const auto head = headOf(piece);
    if (!head) return std::nullopt;
    const std::size_t length = piece.payload.size() - wire::fragmentOctets;
    if (isErrorMessage(*head, piece)) return std::nullopt;
    if (head->more && length % 8 != 0) return payloadLengthAt;
    const std::size_t headers = sizeOf(piece) - piece.payload.size();  // those before the fragment header count
    if (head->place + length + headers - Ipv6Packet::headerOctets > maxPayload) return static_cast<std::uint32_t>(headers) + offsetInHeader;
    return std::nullopt;
}

std::optional<Ipv6Packet> FragmentStore::add(TimePoint now, const Ipv6Packet& piece, std::optional<std::size_t> link)
{
    const auto head = headOf(piece);
    if (!head) return std::nullopt;
    const std::size_t length = piece.payload.size() - wire::fragmentOctets;
    // RFC 8200 §4.5: all but the last are whole multiples of 8 octets, and the whole fits a packet.
    if ((head->more && length % 8 != 0) || head->place + length > maxPayload) return std::nullopt;
    giveUp(now);
    const bool local = piece.source.isLinkLocal() || piece.destination.isLinkLocal();
    const FragmentKey key{piece.source, piece.destination, head->identifier, local ? link : std::nullopt};
    if (!waiting_.contains(key) && waiting_.size() == maximum)
        waiting_.erase(std::min_element(waiting_.begin(), waiting_.end(), [](const auto& a, const auto& b) { return a.second.begun < b.second.begun; }));
    const auto it = waiting_.try_emplace(key).first;
    Pieces& pieces = it->second;
    if (pieces.data.empty() && !pieces.spoiled) pieces.begun = now;
    if (pieces.spoiled) return std::nullopt;
    const auto after = pieces.data.lower_bound(head->place);
    const auto before = after == pieces.data.begin() ? pieces.data.end() : std::prev(after);
    const bool repeated = after != pieces.data.end() && after->first == head->place && after->second.size() == length;
    const bool overlaps = (after != pieces.data.end() && after->first < head->place + length) ||
                          (before != pieces.data.end() && before->first + before->second.size() > head->place) ||
                          (pieces.total && head->place + length > *pieces.total) || (!head->more && pieces.total && *pieces.total != head->place + length) ||
                          (!head->more && after != pieces.data.end());  // the last piece, and others behind it
    if (repeated) return std::nullopt;
    if (overlaps) {
        pieces.spoiled = true;
        pieces.data.clear();
        return std::nullopt;
    }
    pieces.data[head->place].assign(piece.payload.begin() + static_cast<std::ptrdiff_t>(wire::fragmentOctets), piece.payload.end());
    pieces.octets += length;
    if (!head->more) pieces.total = head->place + length;
    if (head->place == 0) {
        pieces.first = piece;
        pieces.first.payload.clear();
        pieces.next = head->next;
    }
    if (pieces.total != pieces.octets) return std::nullopt;
    Ipv6Packet whole = std::move(pieces.first);
    whole.nextHeader = pieces.next;
    for (const auto& [place, data] : pieces.data) whole.payload.insert(whole.payload.end(), data.begin(), data.end());
    waiting_.erase(it);
    // The payload may begin with further extension headers.
    const Bytes octets = wire::emitIpv6(whole);
    wire::FieldReader in(octets, 0, nullptr);
    auto parsed = wire::parseIpv6(in);
    if (!parsed || parsed->violation || parsed->packet.nextHeader == wire::protocol::fragment) return std::nullopt;
    return std::move(parsed->packet);
}

std::vector<FragmentStore::Lost> FragmentStore::expire(TimePoint now)
{
    giveUp(now);
    return std::exchange(lost_, {});
}

void FragmentStore::giveUp(TimePoint now)
{
    std::erase_if(waiting_, [&](auto& entry) {
        auto& [key, pieces] = entry;
        if (now < pieces.begun + longest) return false;
        const auto first = pieces.data.find(0);
        if (first == pieces.data.end()) return true;
        Ipv6Packet piece = std::move(pieces.first);
        constexpr std::uint8_t moreFollow = 1;
        const std::uint32_t id = key.identifier;
        piece.payload = {pieces.next, 0, 0, moreFollow, static_cast<std::uint8_t>(id >> 24), static_cast<std::uint8_t>(id >> 16), static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id)};
        piece.payload.insert(piece.payload.end(), first->second.begin(), first->second.end());
        if (isErrorMessage(*headOf(piece), piece)) return true;
        lost_.push_back({std::move(piece), key.link});
        lostAt_ = now;
        return true;
    });
}

std::optional<TimePoint> FragmentStore::nextDeadline() const
{
    auto next = lost_.empty() ? std::nullopt : std::optional(lostAt_);
    for (const auto& [key, pieces] : waiting_) next = earlier(next, pieces.begun + longest);
    return next;
}

void PathMtu::told(TimePoint now, const Ipv6Address& destination, std::uint32_t mtu)
{
    std::erase_if(known_, [&](const auto& entry) { return now >= entry.second.until; });
    if (mtu < leastMtu) return;
    const auto it = known_.find(destination);
    if (it != known_.end() && it->second.mtu <= mtu) return;
    if (it == known_.end() && known_.size() == maximum)
        known_.erase(std::min_element(known_.begin(), known_.end(), [](const auto& a, const auto& b) { return a.second.until < b.second.until; }));
    known_[destination] = {mtu, now + keep};
}

std::size_t PathMtu::find(TimePoint now, const Ipv6Address& destination, std::size_t link) const
{
    const auto it = known_.find(destination);
    return it != known_.end() && now < it->second.until ? std::min<std::size_t>(it->second.mtu, link) : link;
}

}  // namespace roamscope::node
