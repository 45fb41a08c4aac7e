// SPDX-License-Identifier: GPL-3.0-or-later
// Options of proxy Mobile IPv6 (RFC 5213), dual stack (RFC 5555), authentication (RFC 4283, 4285) and fast handovers (RFC 5568)
// that are values of their own.
#include "protocol/wire/mobility_names.hpp"
#include "protocol/wire/option_bodies.hpp"
#include "protocol/wire/option_forms.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

namespace {

constexpr std::uint64_t billion = 1'000'000'000;

MobilityOption parseNodeIdentifier(FieldReader& in)
{
    const std::uint8_t subtype = in.u8(FieldId::NodeIdSubtype);
    in.note(nodeIdentifierTypeName(subtype));
    const std::size_t start = in.offset();
    MobileNodeIdentifier option{subtype, readText(in, FieldId::NodeIdentifier, in.remaining())};
    // Only the first subtype is text; of the others the octets are shown as well.
    if (in.sink() && subtype > 1) in.sink()->add(FieldId::NodeIdentifierOctets, start, option.identifier.size(), option.identifier);
    return option;
}

MobilityOption parseAuthentication(FieldReader& in)
{
    MessageAuthentication option;
    option.subtype = in.u8(FieldId::AuthSubtype);
    in.note(authenticationTypeName(option.subtype));
    option.spi = in.u32(FieldId::AuthSpi);
    option.data = in.bytes(FieldId::AuthData, in.remaining());
    return option;
}

/// NTP (RFC 4285 §6): without the top bit it is the era that starts in 2036 (RFC 4330 §3).
std::string ntpText(std::uint64_t value)
{
    constexpr std::int64_t from1900To1970 = 2'208'988'800;
    auto seconds = static_cast<std::int64_t>(value >> 32);
    if (seconds < 0x80000000) seconds += std::int64_t{1} << 32;
    return timeText(seconds - from1900To1970, static_cast<std::uint32_t>((value & 0xffffffff) * billion >> 32));
}

std::string timestampText(std::uint64_t value)
{
    return timeText(static_cast<std::int64_t>(value >> 16), static_cast<std::uint32_t>((value & 0xffff) * billion >> 16));
}

/// Eight octets that are shown as an instant.
std::uint64_t readTime(FieldReader& in, FieldId field, std::string (*text)(std::uint64_t))
{
    const std::size_t start = in.offset();
    const std::uint64_t value = in.Reader::u64();
    if (in.sink() && !in.failed()) in.sink()->add(field, start, 8, text(value));
    return value;
}

MobilityOption parseHomePrefix(FieldReader& in)
{
    in.u8(FieldId::HomePrefixReserved);
    const std::uint8_t length = in.u8(FieldId::HomePrefixLength);
    return HomeNetworkPrefix{{in.address(FieldId::HomePrefix), length}};
}

template <class Option>
Option parseOneOctet(FieldReader& in, FieldId reserved, FieldId field, std::string_view (*name)(std::uint8_t))
{
    in.u8(reserved);
    const std::uint8_t value = in.u8(field);
    in.note(name(value));
    return Option{value};
}

/// Six bits of prefix length at the top of an octet.
std::uint8_t readSixBits(FieldReader& in)
{
    const std::uint8_t word = in.Reader::u8();
    in.bits(1, word, {FieldId::Ipv4HomePrefixLength});
    return static_cast<std::uint8_t>(word >> 2);
}

MobilityOption parseIpv4Home(FieldReader& in)
{
    Ipv4HomeAddress option;
    Reader peek = in;
    const std::uint16_t word = peek.u16();
    option.prefixLength = readSixBits(in);
    in.skip(1);
    in.bits(2, word, {FieldId::Ipv4HomePrefixFlag, FieldId::Ipv4HomeReserved});
    option.prefix = (word & 0x0200) != 0;
    option.address = in.ipv4(FieldId::Ipv4HomeAddressValue);
    return option;
}

MobilityOption parseIpv4Ack(FieldReader& in)
{
    Ipv4AddressAck option;
    option.status = in.u8(FieldId::Ipv4Status);
    in.note(ipv4AddressStatusName(option.status));
    Reader peek = in;
    const std::uint8_t word = peek.u8();
    option.prefixLength = readSixBits(in);
    in.bits(1, word, {FieldId::Ipv4LengthReserved});
    option.address = in.ipv4(FieldId::Ipv4HomeAddressValue);
    return option;
}

MobilityOption parseNat(FieldReader& in)
{
    const std::uint16_t word = in.Reader::u16();
    in.bits(2, word, {FieldId::NatForceUdp, FieldId::NatReserved});
    const std::uint32_t refresh = in.u32(FieldId::NatRefresh);
    if (in.texts()) in.note(refresh == 0 ? std::string("ignored") : refresh == 0xffffffff ? std::string("no keepalive") : fmt::format("{} s", refresh));
    return NatDetection{(word & 0x8000) != 0, refresh};
}

MobilityOption parseMobilityAddress(FieldReader& in)
{
    MobilityAddress option;
    option.code = in.u8(FieldId::MobilityAddressCode);
    in.note(mobilityAddressCodeName(option.code));
    option.prefixLength = in.u8(FieldId::MobilityAddressLength);
    option.address = in.address(FieldId::MobilityAddressValue);
    return option;
}

/// Octets that fit; 0 where the length varies and is looked at in parseFamilyOption().
std::size_t fixedLength(std::uint8_t type)
{
    switch (type) {
    case optionReplay:
    case optionTimestamp: return 8;
    case optionHomePrefix:
    case optionMobilityAddress: return 18;
    case optionHandoff:
    case optionAccessTechnology: return 2;
    case optionLinkLocal: return 16;
    case optionRestart: return 4;
    case optionIpv4Home:
    case optionIpv4Ack:
    case optionNat:
    case optionIpv4CareOf: return 6;
    default: return 0;
    }
}

}  // namespace

std::optional<MobilityOption> parseFamilyOption(FieldReader& in, std::uint8_t type)
{
    const std::size_t length = in.remaining();
    const std::size_t fixed = fixedLength(type);
    if (fixed != 0 && fixed != length) return std::nullopt;
    switch (type) {
    case optionNodeIdentifier: return length < 1 ? std::nullopt : std::optional(parseNodeIdentifier(in));
    case optionAuthentication: return length < 5 ? std::nullopt : std::optional(parseAuthentication(in));
    case optionReplay: return ReplayProtection{readTime(in, FieldId::ReplayTimestamp, ntpText)};
    case optionHomePrefix: return parseHomePrefix(in);
    case optionHandoff: return parseOneOctet<HandoffIndicator>(in, FieldId::HandoffReserved, FieldId::HandoffValue, handoffName);
    case optionAccessTechnology: return parseOneOctet<AccessTechnology>(in, FieldId::AccessReserved, FieldId::AccessType, accessTechnologyName);
    case optionLinkLayerId:
        if (length < 2) return std::nullopt;
        in.u16(FieldId::LinkLayerIdReserved);
        return NodeLinkLayerId{in.bytes(FieldId::LinkLayerId, length - 2)};
    case optionLinkLocal: return LinkLocalAddress{in.address(FieldId::LinkLocalOfGateway)};
    case optionTimestamp: return Timestamp{readTime(in, FieldId::TimestampValue, timestampText)};
    case optionRestart: return RestartCounter{in.u32(FieldId::RestartCount)};
    case optionIpv4Home: return parseIpv4Home(in);
    case optionIpv4Ack: return parseIpv4Ack(in);
    case optionNat: return parseNat(in);
    case optionIpv4CareOf: in.u16(FieldId::Ipv4CareOfReserved); return Ipv4CareOfAddress{in.ipv4(FieldId::Ipv4CareOfValue)};
    case optionMobilityAddress: return parseMobilityAddress(in);
    case optionFlowSummary: {
        if (length == 0 || length % 2 != 0) return std::nullopt;
        return parseFlowSummary(in);
    }
    default: return std::nullopt;
    }
}

}  // namespace roamscope::wire
