// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/ipv6.hpp"

#include "protocol/wire/ipv6_chain.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {

/// RFC 2675 §2: the length in the jumbo payload option of the hop-by-hop header at `in`, or 0.
std::size_t jumboLength(const FieldReader& at)
{
    Reader in = at;
    in.skip(1);
    std::size_t left = 8 * (std::size_t{in.u8()} + 1) - 2;
    while (left >= 2 && !in.failed()) {
        const std::uint8_t type = in.u8();
        --left;
        if (type == 0) continue;
        const std::size_t length = in.u8();
        --left;
        if (length > left) return 0;
        if (type == optionJumbo && length == 4) {
            const std::size_t jumbo = in.u32();
            return in.failed() || jumbo <= 65535 ? 0 : jumbo;
        }
        in.skip(length);
        left -= length;
    }
    return 0;
}

/// Most octets that a header with these options has, padding included.
std::size_t mostOctets(const std::vector<Ipv6Option>& options)
{
    constexpr std::size_t mostPadding = 7;
    std::size_t octets = options.empty() ? 0 : 2 + mostPadding;
    for (const Ipv6Option& option : options) octets += 2 + option.data.size() + mostPadding;
    return octets;
}

/// Fills octets that are there and zero.
class Filler {
public:
    /// Writes from `octets` on; there must be room.
    explicit Filler(std::uint8_t* octets) : octets_(octets) {}

    [[nodiscard]] std::size_t size() const { return size_; }
    void u8(std::uint8_t value) { octets_[size_++] = value; }
    void bytes(ByteView value)
    {
        std::copy(value.begin(), value.end(), octets_ + size_);
        size_ += value.size();
    }
    void skip(std::size_t n) { size_ += n; }
    void patch8(std::size_t at, std::uint8_t value) { octets_[at] = value; }

private:
    std::uint8_t* octets_;
    std::size_t size_ = 0;
};

void writeOptionsHeader(Filler& out, std::uint8_t next, const std::vector<Ipv6Option>& options)
{
    if (options.empty()) return;
    const std::size_t start = out.size();
    out.u8(next);
    out.skip(1);
    const auto pad = [&](std::size_t n) {
        if (n < 2) return out.skip(n);
        out.u8(1);
        out.u8(static_cast<std::uint8_t>(n - 2));
        out.skip(n - 2);
    };
    for (const Ipv6Option& option : options) {
        const std::size_t at = out.size() - start;
        // Alignments: home address 8n+6 (RFC 6275 §6.3), router alert 2n (RFC 2711 §2.1).
        if (option.type == optionHomeAddress) pad((8 + 6 - at % 8) % 8);
        if (option.type == optionRouterAlert) pad(at % 2);
        out.u8(option.type);
        out.u8(static_cast<std::uint8_t>(option.data.size()));
        out.bytes(option.data);
    }
    pad((8 - (out.size() - start) % 8) % 8);
    out.patch8(start + 1, static_cast<std::uint8_t>((out.size() - start) / 8 - 1));
}

}  // namespace

std::optional<Ipv6Address> Ipv6Packet::homeAddress() const
{
    for (const Ipv6Option& option : destinationOptions) {
        if (option.type != optionHomeAddress || option.data.size() != 16) continue;
        Ipv6Address address;
        std::copy(option.data.begin(), option.data.end(), address.octets.begin());
        return address;
    }
    return std::nullopt;
}

void Ipv6Packet::keepHeaders(ByteView whole, std::size_t payloadAt)
{
    constexpr std::size_t nextHeaderAt = 6;
    if (payloadAt <= headerOctets || payloadAt > whole.size()) return;
    const ByteView octets = whole.subspan(headerOctets, payloadAt - headerOctets);
    kept = {whole[nextHeaderAt], nextHeader, Bytes(octets.begin(), octets.end())};
}

void Ipv6Packet::setHomeAddress(const Ipv6Address& address)
{
    destinationOptions.push_back({optionHomeAddress, Bytes(address.octets.begin(), address.octets.end())});
}

PseudoHeader Ipv6Packet::pseudoHeader() const
{
    return {homeAddress().value_or(source), routing && routing->segmentsLeft == 1 ? routing->homeAddress : destination};
}

Result<Ipv6Headers> parseIpv6Headers(FieldReader& in, bool mayBeCut, bool pastAuthentication)
{
    const std::size_t start = in.position();
    const std::size_t startOffset = in.offset();
    in.open(FieldId::Ipv6);
    Ipv6Headers parsed;
    Ipv6Packet& packet = parsed.packet;
    Reader peek = in;
    const std::uint32_t word = peek.u32();
    in.skip(4);
    if (in.sink() && !in.failed()) {
        in.sink()->add(FieldId::Ipv6Version, startOffset, 1, static_cast<std::uint64_t>(word >> 28));
        in.sink()->add(FieldId::Ipv6TrafficClass, startOffset, 4, static_cast<std::uint64_t>(word >> 20 & 0xff));
        in.sink()->add(FieldId::Ipv6ServiceCode, startOffset, 4, static_cast<std::uint64_t>(word >> 22 & 0x3f));
        in.sink()->add(FieldId::Ipv6Congestion, startOffset, 4, static_cast<std::uint64_t>(word >> 20 & 3));
        in.sink()->add(FieldId::Ipv6FlowLabel, startOffset, 4, static_cast<std::uint64_t>(word & 0xfffff));
    }
    packet.trafficClass = static_cast<std::uint8_t>(word >> 20);
    packet.flowLabel = word & 0xfffff;
    std::size_t payloadLength = in.u16(FieldId::Ipv6PayloadLength);
    const std::uint8_t next = in.u8(FieldId::Ipv6NextHeader);
    in.note(nextHeaderName(next));
    packet.hopLimit = in.u8(FieldId::Ipv6HopLimit);
    packet.source = in.address(FieldId::Ipv6Source);
    packet.destination = in.address(FieldId::Ipv6Destination);
    if (in.texts() && !in.failed()) in.headline(fmt::format("{} → {}", packet.source.text(), packet.destination.text()));
    in.close();
    if (in.failed()) return fail(ErrorCode::Truncated, startOffset, "an IPv6 header has 40 octets, fewer are there");
    if (word >> 28 != 6) return fail(ErrorCode::Malformed, startOffset, fmt::format("IP version {} where 6 is expected", word >> 28));

    if (payloadLength == 0 && next == protocol::hopByHop) payloadLength = jumboLength(in);
    std::size_t end = start + Ipv6Packet::headerOctets + payloadLength;
    if (end > in.whole().size()) {
        if (!mayBeCut)
            return fail(ErrorCode::Truncated, startOffset + 4,
                        fmt::format("payload length {} but only {} octets follow", payloadLength, in.remaining()));
        parsed.cut = true;
        end = in.whole().size();
    }

    // The chain is read inside the packet's own octets, so that a link's padding is never taken for a header.
    FieldReader headers = in.within(in.whole().subspan(in.position(), end - in.position()), in.offset());
    auto chain = parseChain(headers, packet, next, ChainPlace::Packet, pastAuthentication);
    if (!chain) {
        if (!parsed.cut && chain.error().code == ErrorCode::Truncated) chain.error().code = ErrorCode::Malformed;
        return tl::unexpected(std::move(chain.error()));
    }
    parsed.chain = std::move(*chain);
    packet.nextHeader = parsed.chain.next;
    parsed.payloadOffset = headers.offset();
    parsed.payload = headers.rest();
    in.skip(end - in.position());
    return parsed;
}

Result<ParsedIpv6> parseIpv6(FieldReader& in, bool mayBeCut)
{
    auto headers = parseIpv6Headers(in, mayBeCut, false);
    if (!headers) return tl::unexpected(std::move(headers.error()));
    headers->packet.payload.assign(headers->payload.begin(), headers->payload.end());
    return ParsedIpv6{std::move(headers->packet), headers->payloadOffset, headers->cut, headers->chain.limited, std::move(headers->chain.violation)};
}

Bytes emitIpv6(const Ipv6Packet& packet, std::size_t room)
{
    constexpr std::size_t routingOctets = 24;
    constexpr std::size_t lengthAt = 4;
    const std::uint8_t afterRouting = packet.destinationOptions.empty() ? packet.nextHeader : protocol::destinationOptions;
    const std::uint8_t afterHop = packet.routing ? protocol::routing : afterRouting;
    const bool asCame = !packet.kept.octets.empty() && packet.kept.last == packet.nextHeader;
    Bytes octets(room + Ipv6Packet::headerOctets + (asCame ? packet.kept.octets.size() : mostOctets(packet.hopByHop) + routingOctets + mostOctets(packet.destinationOptions)) +
                 packet.payload.size());
    Filler out(octets.data() + room);
    const std::uint32_t word = 6u << 28 | static_cast<std::uint32_t>(packet.trafficClass) << 20 | (packet.flowLabel & 0xfffff);
    for (const int shift : {24, 16, 8, 0}) out.u8(static_cast<std::uint8_t>(word >> shift));
    out.skip(2);
    out.u8(asCame ? packet.kept.first : packet.hopByHop.empty() ? afterHop : protocol::hopByHop);
    out.u8(packet.hopLimit);
    out.bytes(packet.source.octets);
    out.bytes(packet.destination.octets);
    if (asCame) out.bytes(packet.kept.octets);
    else writeOptionsHeader(out, afterHop, packet.hopByHop);
    if (packet.routing && !asCame) {
        const std::array<std::uint8_t, 8> fixed{afterRouting, 2, 2, packet.routing->segmentsLeft, 0, 0, 0, 0};
        out.bytes(fixed);
        out.bytes(packet.routing->homeAddress.octets);
    }
    if (!asCame) writeOptionsHeader(out, packet.nextHeader, packet.destinationOptions);
    out.bytes(packet.payload);
    const auto length = static_cast<std::uint16_t>(out.size() - Ipv6Packet::headerOctets);
    out.patch8(lengthAt, static_cast<std::uint8_t>(length >> 8));
    out.patch8(lengthAt + 1, static_cast<std::uint8_t>(length));
    octets.resize(room + out.size());
    return octets;
}

std::string_view nextHeaderName(std::uint8_t number)
{
    switch (number) {
    case protocol::hopByHop: return "hop-by-hop options";
    case protocol::icmpv4: return "ICMP";
    case protocol::ipv4: return "IPv4";
    case 2: return "IGMP";
    case 47: return "GRE";
    case protocol::tcp: return "TCP";
    case protocol::udp: return "UDP";
    case protocol::ipv6: return "IPv6";
    case protocol::routing: return "routing header";
    case protocol::fragment: return "fragment header";
    case protocol::esp: return "ESP";
    case protocol::ah: return "authentication header";
    case protocol::icmpv6: return "ICMPv6";
    case protocol::none: return "no next header";
    case protocol::destinationOptions: return "destination options";
    case protocol::mobility: return "mobility header";
    default: return "";
    }
}

}  // namespace roamscope::wire
