// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/flow_match.hpp"

#include <tuple>
#include <utility>

namespace roamscope::node {

namespace proto = wire::protocol;

namespace {

constexpr std::uint8_t dccp = 33;
constexpr std::uint8_t sctp = 132;
constexpr std::uint8_t udpLite = 136;
constexpr std::size_t fragmentPlaceAt = 2;
constexpr std::size_t fragmentIdentifierAt = 4;
constexpr std::size_t authenticationSpiAt = 4;

std::uint16_t u16(ByteView octets, std::size_t at) { return static_cast<std::uint16_t>(octets[at] << 8 | octets[at + 1]); }
std::uint32_t u32(ByteView octets, std::size_t at) { return std::uint32_t{u16(octets, at)} << 16 | u16(octets, at + 2); }

struct Piece {
    std::size_t place = 0;  ///< in units of 8 octets
    std::uint32_t identifier = 0;
};

std::optional<Piece> pieceOf(const wire::Ipv6Packet& packet)
{
    if (packet.nextHeader != proto::fragment || packet.payload.size() < wire::fragmentOctets) return std::nullopt;
    return Piece{std::size_t{u16(packet.payload, fragmentPlaceAt)} >> 3, u32(packet.payload, fragmentIdentifierAt)};
}

bool hasPorts(std::uint8_t protocol)
{
    return protocol == proto::tcp || protocol == proto::udp || protocol == dccp || protocol == sctp || protocol == udpLite;
}

/// The upper layer of `payload`: a fragment header is read where the first octets of the whole follow, options are passed over, and so is
/// an authentication header, of which the SPI is kept.
ByteView upperLayer(ByteView payload, std::uint8_t& protocol, std::optional<std::uint32_t>& spi)
{
    while (protocol == proto::fragment || protocol == proto::destinationOptions || protocol == proto::ah) {
        if (payload.size() < 8) return {};
        if (protocol == proto::ah) spi = u32(payload, authenticationSpiAt);
        const std::size_t octets = protocol == proto::fragment ? wire::fragmentOctets : protocol == proto::ah ? 4u * (payload[1] + 2u) : 8u * (payload[1] + 1u);
        const bool later = protocol == proto::fragment && u16(payload, fragmentPlaceAt) >> 3 != 0;
        if (octets > payload.size()) return {};
        protocol = payload[0];
        payload = later ? ByteView() : payload.subspan(octets);
        if (later) return {};
    }
    return payload;
}

/// Masks of what counts in a field.
constexpr std::uint32_t labelBits = 0xfffff;
constexpr std::uint8_t serviceBits = 0xfc;

template <class T>
bool within(const std::optional<wire::SelectorRange<T>>& range, const std::optional<T>& value)
{
    if (!range) return true;
    return value && *value >= range->start && *value <= range->end.value_or(range->start);
}

template <class T>
bool within(const std::optional<wire::SelectorRange<T>>& range, T value, T mask)
{
    if (!range) return true;
    const T v = value & mask;
    return v >= (range->start & mask) && v <= (range->end.value_or(range->start) & mask);
}

}  // namespace

FlowKey flowKeyOf(const wire::Ipv6Packet& packet)
{
    FlowKey key{packet.homeAddress().value_or(packet.source), packet.routing ? packet.routing->homeAddress : packet.destination, packet.trafficClass, packet.flowLabel, packet.nextHeader, {}, {}, {}};
    const ByteView upper = upperLayer(packet.payload, key.protocol, key.spi);
    if (hasPorts(key.protocol) && upper.size() >= 4) {
        key.sourcePort = u16(upper, 0);
        key.destinationPort = u16(upper, 2);
    } else if (key.protocol == proto::esp && upper.size() >= 4) {
        key.spi = u32(upper, 0);
    }
    return key;
}

FlowKey reversed(FlowKey key)
{
    std::swap(key.source, key.destination);
    std::swap(key.sourcePort, key.destinationPort);
    return key;
}

bool matches(const wire::Ipv6TrafficSelector& s, const FlowKey& key)
{
    return within(s.source, std::optional(key.source)) && within(s.destination, std::optional(key.destination)) && within(s.spi, key.spi) &&
           within(s.flowLabel, key.flowLabel, labelBits) && within(s.sourcePort, key.sourcePort) && within(s.destinationPort, key.destinationPort) &&
           within(s.trafficClass, key.trafficClass, serviceBits) && within(s.protocol, std::optional(key.protocol));
}

void order(std::vector<Flow>& flows)
{
    std::sort(flows.begin(), flows.end(), [](const Flow& a, const Flow& b) { return std::tie(a.priority, a.flow) < std::tie(b.priority, b.flow); });
}

std::optional<std::uint16_t> FlowSteering::remembered(TimePoint now, const wire::Ipv6Packet& packet) const
{
    const auto piece = pieceOf(packet);
    if (!piece || piece->place == 0) return std::nullopt;
    const auto it = fragments_.find({packet.source, packet.destination, piece->identifier});
    return it != fragments_.end() && now - it->second.at < longest ? std::optional(it->second.flow) : std::nullopt;
}

void FlowSteering::remember(TimePoint now, const wire::Ipv6Packet& packet, std::uint16_t flow)
{
    const auto piece = pieceOf(packet);
    if (!piece || piece->place != 0) return;
    fragments_[{packet.source, packet.destination, piece->identifier}] = {now, flow};
    if (fragments_.size() <= maximum) return;
    fragments_.erase(std::min_element(fragments_.begin(), fragments_.end(), [](const auto& a, const auto& b) { return a.second.at < b.second.at; }));
}

}  // namespace roamscope::node
