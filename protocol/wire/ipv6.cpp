// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/ipv6.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {

Result<std::vector<Ipv6Option>> parseOptions(FieldReader& in, std::size_t end)
{
    std::vector<Ipv6Option> options;
    while (in.position() < end) {
        const std::size_t start = in.offset();
        in.open(FieldId::Ipv6Option);
        if (in.whole()[in.position()] == 0) {
            in.skip(1);
            in.headline("Pad1");
            in.close();
            continue;
        }
        Ipv6Option option;
        option.type = in.u8(FieldId::Ipv6OptionType);
        const std::uint8_t length = in.u8(FieldId::Ipv6OptionLength);
        if (in.failed() || in.position() + length > end) {
            in.close();
            return fail(ErrorCode::Malformed, start,
                        fmt::format("option of type {} with length {} runs past the end of its header", option.type, length));
        }
        if (option.type == 1) {
            in.bytes(FieldId::Ipv6OptionPadN, length);
            in.headline("PadN");
            in.close();
            continue;
        }
        const ByteView raw = in.whole().subspan(in.position(), length);
        option.data.assign(raw.begin(), raw.end());
        if (option.type == optionHomeAddress && length == 16) {
            in.address(FieldId::Ipv6HomeAddress);
            in.headline("Home address");
        } else if (option.type == optionRouterAlert && length == 2) {
            in.u16(FieldId::Ipv6RouterAlert);
            in.headline("Router alert");
        } else if (option.type == 4 && length == 1) {
            in.u8(FieldId::Ipv6TunnelLimit);
            in.headline("Tunnel encapsulation limit");
        } else {
            if (length > 0) in.bytes(FieldId::Ipv6OptionData, length);
            if (in.sink()) in.headline(fmt::format("Option {}", option.type));
            if (option.type == optionHomeAddress && in.sink())
                in.sink()->finding({"", Severity::Error, fmt::format("home address option with length {} instead of 16", length),
                                    "RFC 6275 §6.3", static_cast<std::uint32_t>(start), 2u});
        }
        in.close();
        options.push_back(std::move(option));
    }
    return options;
}

struct HeaderIds {
    FieldId header, next, length;
};

/// A hop-by-hop or destination options header; gives its options and sets `next`.
Result<std::vector<Ipv6Option>> parseOptionsHeader(FieldReader& in, const HeaderIds& ids, std::uint8_t& next)
{
    const std::size_t start = in.position();
    const std::size_t startOffset = in.offset();
    in.open(ids.header);
    next = in.u8(ids.next);
    in.note(nextHeaderName(next));
    const std::size_t length = 8 * (std::size_t{in.u8(ids.length)} + 1);
    if (in.failed() || start + length > in.whole().size()) {
        in.close();
        return fail(ErrorCode::Truncated, startOffset, fmt::format("extension header of {} octets, fewer are there", length));
    }
    auto options = parseOptions(in, start + length);
    in.close();
    return options;
}

/// A routing header. Type 2 becomes a value; any other type is shown and skipped. RFC 6275 §6.4.1 (MN-RX-02) checks the form
/// here; whether the address is its own is the receiver's business.
Result<std::optional<Type2Routing>> parseRouting(FieldReader& in, std::uint8_t& next)
{
    const std::size_t start = in.position();
    const std::size_t startOffset = in.offset();
    in.open(FieldId::Routing);
    next = in.u8(FieldId::RoutingNext);
    in.note(nextHeaderName(next));
    const std::uint8_t units = in.u8(FieldId::RoutingLength);
    const std::uint8_t type = in.u8(FieldId::RoutingType);
    const std::uint8_t left = in.u8(FieldId::RoutingSegmentsLeft);
    const std::size_t length = 8 * (std::size_t{units} + 1);
    if (in.failed() || start + length > in.whole().size()) {
        in.close();
        return fail(ErrorCode::Truncated, startOffset, fmt::format("routing header of {} octets, fewer are there", length));
    }
    std::optional<Type2Routing> routing;
    if (type == 2 && units == 2) {
        in.reserved(FieldId::RoutingReserved, 4);
        routing = Type2Routing{left, in.address(FieldId::RoutingHomeAddress)};
        in.headline("Type 2 (Mobile IPv6)");
    } else {
        in.bytes(FieldId::RoutingData, start + length - in.position());
        if (in.sink()) in.headline(fmt::format("Type {}", type));
    }
    if (type == 2 && (units != 2 || left != 1) && in.sink())
        in.sink()->finding({"MN-RX-02", Severity::Error,
                            fmt::format("type 2 routing header with length {} and {} segments left; it must have 2 and 1", units, left),
                            "RFC 6275 §6.4.1", static_cast<std::uint32_t>(startOffset), static_cast<std::uint32_t>(length)});
    in.close();
    if (type == 2 && units != 2)
        return fail(ErrorCode::Malformed, startOffset + 1, fmt::format("type 2 routing header with length {} instead of 2", units));
    return routing;
}

/// Shows an authentication header (RFC 4302); its content is checked by nobody here.
bool showAuthentication(FieldReader& in, std::uint8_t& next)
{
    const std::size_t start = in.position();
    in.open(FieldId::Authentication);
    next = in.u8(FieldId::AuthenticationNext);
    in.note(nextHeaderName(next));
    const std::size_t length = 4 * (std::size_t{in.u8(FieldId::AuthenticationLength)} + 2);
    in.reserved(FieldId::AuthenticationReserved, 2);
    in.u32(FieldId::AuthenticationSpi);
    in.u32(FieldId::AuthenticationSeq);
    if (!in.failed() && start + length > in.position()) in.bytes(FieldId::AuthenticationIcv, start + length - in.position());
    in.close();
    return !in.failed();
}

/// Shows a fragment header. `next` is changed only when the packet is whole all the same (offset 0, no more fragments).
bool showFragment(FieldReader& in, std::uint8_t& next)
{
    in.open(FieldId::Fragment);
    const std::uint8_t inner = in.u8(FieldId::FragmentNext);
    in.note(nextHeaderName(inner));
    in.u8(FieldId::FragmentReserved);
    const std::uint16_t word = in.Reader::u16();
    in.bits(2, word, {FieldId::FragmentOffset, FieldId::FragmentMore});
    in.u32(FieldId::FragmentId);
    in.close();
    if (!in.failed() && (word & 0xfff9) == 0) next = inner;
    return !in.failed();
}

bool isExtension(std::uint8_t header)
{
    return header == protocol::hopByHop || header == protocol::destinationOptions || header == protocol::routing ||
           header == protocol::fragment || header == protocol::ah;
}

/// Reads the extension header `next` into `packet` and sets `next` to what follows it. False when it is none that is followed
/// further: then `next` is unchanged and the header, if any, is part of the payload.
Result<bool> followHeader(FieldReader& in, Ipv6Packet& packet, std::uint8_t& next, bool first)
{
    const std::size_t at = in.offset();
    switch (next) {
    case protocol::hopByHop: {
        // RFC 8200 §4.1, §4: only directly behind the IPv6 header.
        if (!first) return fail(ErrorCode::Malformed, at, "a hop-by-hop options header that is not the first header");
        auto options = parseOptionsHeader(in, {FieldId::HopByHop, FieldId::HopByHopNext, FieldId::HopByHopLength}, next);
        if (!options) return tl::unexpected(options.error());
        packet.hopByHop = std::move(*options);
        return true;
    }
    case protocol::destinationOptions: {
        auto options = parseOptionsHeader(in, {FieldId::DestinationOptions, FieldId::DestinationNext, FieldId::DestinationLength}, next);
        if (!options) return tl::unexpected(options.error());
        std::move(options->begin(), options->end(), std::back_inserter(packet.destinationOptions));
        return true;
    }
    case protocol::routing: {
        auto routing = parseRouting(in, next);
        if (!routing) return tl::unexpected(routing.error());
        if (*routing && packet.routing) return fail(ErrorCode::Malformed, at, "a second type 2 routing header under one IPv6 header");
        if (*routing) packet.routing = **routing;
        return true;
    }
    case protocol::ah:
        if (!showAuthentication(in, next)) return fail(ErrorCode::Truncated, at, "an authentication header that does not fit its packet");
        return true;
    case protocol::fragment:
        if (!showFragment(in, next)) return fail(ErrorCode::Truncated, at, "a fragment header has 8 octets, fewer are there");
        return next != protocol::fragment;
    default: return false;
    }
}

void writeOptionsHeader(Writer& out, std::uint8_t next, const std::vector<Ipv6Option>& options)
{
    const std::size_t start = out.size();
    out.u8(next);
    out.u8(0);
    const auto pad = [&](std::size_t n) {
        if (n == 1) out.u8(0);
        if (n >= 2) {
            out.u8(1);
            out.u8(static_cast<std::uint8_t>(n - 2));
            out.zeros(n - 2);
        }
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

void Ipv6Packet::setHomeAddress(const Ipv6Address& address)
{
    destinationOptions.push_back({optionHomeAddress, Bytes(address.octets.begin(), address.octets.end())});
}

PseudoHeader Ipv6Packet::pseudoHeader() const
{
    return {homeAddress().value_or(source), routing && routing->segmentsLeft == 1 ? routing->homeAddress : destination};
}

Result<ParsedIpv6> parseIpv6(FieldReader& in, bool mayBeCut)
{
    const std::size_t start = in.position();
    const std::size_t startOffset = in.offset();
    in.open(FieldId::Ipv6);
    ParsedIpv6 parsed;
    Ipv6Packet& packet = parsed.packet;
    Reader peek = in;
    const std::uint32_t word = peek.u32();
    in.skip(4);
    if (in.sink() && !in.failed()) {
        in.sink()->add(FieldId::Ipv6Version, startOffset, 1, static_cast<std::uint64_t>(word >> 28));
        in.sink()->add(FieldId::Ipv6TrafficClass, startOffset, 4, static_cast<std::uint64_t>(word >> 20 & 0xff));
        in.sink()->add(FieldId::Ipv6FlowLabel, startOffset, 4, static_cast<std::uint64_t>(word & 0xfffff));
    }
    packet.trafficClass = static_cast<std::uint8_t>(word >> 20);
    packet.flowLabel = word & 0xfffff;
    const std::size_t payloadLength = in.u16(FieldId::Ipv6PayloadLength);
    std::uint8_t next = in.u8(FieldId::Ipv6NextHeader);
    in.note(nextHeaderName(next));
    packet.hopLimit = in.u8(FieldId::Ipv6HopLimit);
    packet.source = in.address(FieldId::Ipv6Source);
    packet.destination = in.address(FieldId::Ipv6Destination);
    if (in.sink() && !in.failed()) in.headline(fmt::format("{} → {}", packet.source.text(), packet.destination.text()));
    in.close();
    if (in.failed()) return fail(ErrorCode::Truncated, startOffset, "an IPv6 header has 40 octets, fewer are there");
    if (word >> 28 != 6) return fail(ErrorCode::Malformed, startOffset, fmt::format("IP version {} where 6 is expected", word >> 28));

    std::size_t end = start + Ipv6Packet::headerOctets + payloadLength;
    if (end > in.whole().size()) {
        if (!mayBeCut)
            return fail(ErrorCode::Truncated, startOffset + 4,
                        fmt::format("payload length {} but only {} octets follow", payloadLength, in.remaining()));
        parsed.cut = true;
        end = in.whole().size();
    }

    // The chain is read inside the packet's own octets, so that a link's padding is never taken for a header.
    FieldReader chain = in.within(in.whole().subspan(in.position(), end - in.position()), in.offset());
    for (int i = 0;; ++i) {
        if (i == maxExtensionHeaders) {
            parsed.limited = isExtension(next);
            break;
        }
        const FieldReader before = chain;
        auto followed = followHeader(chain, packet, next, i == 0);
        if (!followed) {
            Error error = std::move(followed.error());
            if (!parsed.cut && error.code == ErrorCode::Truncated) error.code = ErrorCode::Malformed;
            return tl::unexpected(std::move(error));
        }
        if (*followed) continue;
        chain = before;
        break;
    }
    packet.nextHeader = next;
    parsed.payloadOffset = chain.offset();
    const ByteView rest = chain.rest();
    packet.payload.assign(rest.begin(), rest.end());
    in.skip(end - in.position());

    const auto homeAddresses = std::count_if(packet.destinationOptions.begin(), packet.destinationOptions.end(),
                                             [](const Ipv6Option& o) { return o.type == optionHomeAddress; });
    if (homeAddresses > 1 && in.sink())
        in.sink()->finding({"", Severity::Error, "two home address options under one IPv6 header", "RFC 6275 §6.3",
                            static_cast<std::uint32_t>(startOffset), static_cast<std::uint32_t>(parsed.payloadOffset - startOffset)});
    return parsed;
}

Bytes emitIpv6(const Ipv6Packet& packet)
{
    Writer chain;
    const bool hasDestination = !packet.destinationOptions.empty();
    const std::uint8_t afterRouting = hasDestination ? protocol::destinationOptions : packet.nextHeader;
    const std::uint8_t afterHop = packet.routing ? protocol::routing : afterRouting;
    if (!packet.hopByHop.empty()) writeOptionsHeader(chain, afterHop, packet.hopByHop);
    if (packet.routing) {
        chain.u8(afterRouting);
        chain.u8(2);
        chain.u8(2);
        chain.u8(packet.routing->segmentsLeft);
        chain.u32(0);
        chain.bytes(packet.routing->homeAddress.octets);
    }
    if (hasDestination) writeOptionsHeader(chain, packet.nextHeader, packet.destinationOptions);

    Writer out;
    out.u32(6u << 28 | static_cast<std::uint32_t>(packet.trafficClass) << 20 | (packet.flowLabel & 0xfffff));
    out.u16(static_cast<std::uint16_t>(chain.size() + packet.payload.size()));
    out.u8(packet.hopByHop.empty() ? afterHop : protocol::hopByHop);
    out.u8(packet.hopLimit);
    out.bytes(packet.source.octets);
    out.bytes(packet.destination.octets);
    out.bytes(chain.view());
    out.bytes(packet.payload);
    return out.take();
}

std::string_view nextHeaderName(std::uint8_t number)
{
    switch (number) {
    case protocol::hopByHop: return "hop-by-hop options";
    case protocol::ipv4: return "IPv4";
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
