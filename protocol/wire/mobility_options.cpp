// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/mobility_options.hpp"

#include "protocol/wire/mobility_names.hpp"
#include "protocol/wire/option_bodies.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

namespace {

void finding(FieldReader& in, std::string_view rule, Severity severity, std::string text, std::string_view rfc, std::size_t offset,
             std::size_t length)
{
    if (in.sink())
        in.sink()->finding({rule, severity, std::move(text), rfc, static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(length)});
}

/// RFC 5648 §4.3; `in` holds 4, 8 or 20 octets.
BindingIdentifier parseBid(FieldReader& in)
{
    const std::size_t length = in.remaining();
    const std::size_t start = in.offset();
    BindingIdentifier bid;
    bid.bid = in.u16(FieldId::BidIdentifier);
    bid.status = in.u8(FieldId::BidStatus);
    if (bid.status != 0) in.note(bindingStatusName(bid.status));
    const std::uint8_t flags = in.Reader::u8();
    in.bits(1, flags, {FieldId::BidHomeFlag, FieldId::BidPriority});
    bid.home = (flags & 0x80) != 0;
    bid.priority = flags & 0x7f;
    if (length == 20) {
        const Ipv6Address careOf = in.address(FieldId::BidCareOfIpv6);
        bid.careOfAddress.assign(careOf.octets.begin(), careOf.octets.end());
    } else if (length == 8) {
        const Ipv4Address careOf = in.ipv4(FieldId::BidCareOfIpv4);
        bid.careOfAddress.assign(careOf.octets.begin(), careOf.octets.end());
    }
    if (bid.bid == 0) finding(in, "MCOA-MN-01", Severity::Warning, "binding identifier 0, which is reserved", "RFC 5648 §4.3", start, 2);
    return bid;
}

/// Option 7 of the SHISA stack (errata B): 16 bits of flags in 2004, priority or status and 8 bits of flags in 2006.
BindingIdentifier parseShisaBid(FieldReader& in, const OptionScope& scope)
{
    BindingIdentifier bid;
    bid.bid = in.u16(FieldId::BidIdentifier);
    if (scope.dialect == Dialect::Shisa2004) {
        in.u16(FieldId::BidStopProxy);
        return bid;
    }
    const std::uint8_t value = in.u8(FieldId::BidShisaPriority);
    if (scope.messageType == 6) bid.status = value;
    else bid.priority = value & 0x7f;
    in.u8(FieldId::BidShisaFlags);
    return bid;
}

bool isShisa(Dialect dialect) { return dialect == Dialect::Shisa2004 || dialect == Dialect::Shisa2006; }

/// RFC 4068 §6.4.4: a pad octet before the address, and Length does not count the code (errata E-08).
LinkLayerAddress parsePaddedLinkLayer(FieldReader& in)
{
    LinkLayerAddress option;
    option.padded = true;
    option.code = in.u8(FieldId::LinkLayerCode);
    in.note(linkLayerCodeName(option.code));
    in.u8(FieldId::LinkLayerPad);
    option.address = in.bytes(FieldId::LinkLayerAddress, in.remaining());
    return option;
}

FastBindingAuthorization parseFastAuthorization(FieldReader& in, std::size_t length)
{
    FastBindingAuthorization option;
    option.lengthCountsSpi = in.remaining() == length;
    option.spi = in.u32(FieldId::FastAuthSpi);
    option.authenticator = in.bytes(FieldId::FastAuthenticator, in.remaining());
    return option;
}

/// Numbers of PMIPv6 before RFC 5213, as an implementation of 2011 still sends them: by type and length, since the lengths are the same.
std::uint8_t publishedType(const OptionScope& scope, std::uint8_t type, std::size_t octets)
{
    if (scope.dialect != Dialect::PmipDraft) return type;
    if (type == optionLinkLayer && octets == 18) return optionHomePrefix;
    if (type == optionAuthentication && octets == 8) return optionTimestamp;
    if (type == optionReplay && octets == 16) return optionLinkLocal;
    return type;
}

/// Octets behind the Length octet. Two options have a second layout in which Length does not count all of them.
std::size_t dataOctets(const OptionScope& scope, std::uint8_t type, std::size_t length, std::size_t remaining)
{
    constexpr std::size_t shortestAuthenticator = 8;
    // Errata E-10: whichever layout ends with the message.
    if (type == optionFastAuthorization && scope.whole && length >= shortestAuthenticator && length + 4 == remaining) return remaining;
    if (type == optionLinkLayer && scope.dialect == Dialect::Fmip4068 && length > 1 && length < remaining) return length + 1;
    return length;
}

/// `in` holds the data of the option, which is named already. Nothing when the length does not fit.
std::optional<MobilityOption> parseValue(FieldReader& in, std::uint8_t type, std::size_t length, const OptionScope& scope)
{
    const std::size_t octets = in.remaining();
    const std::size_t start = in.offset() - 2;
    if (type == scope.bindingIdentifierType || (type == optionLinkLayer && isShisa(scope.dialect) && octets == 4)) {
        const bool shisa = type == optionLinkLayer && isShisa(scope.dialect);
        if (!shisa && octets != 4 && octets != 8 && octets != 20) {
            finding(in, "MCOA-HA-02", Severity::Error, fmt::format("binding identifier option with length {}; it must be 4, 8 or 20", octets),
                    "RFC 5648 §6.2", start, octets + 2);
            return RawMobilityOption{type, in.bytes(FieldId::MobilityOptionMisfit, octets)};
        }
        const BindingIdentifier bid = shisa ? parseShisaBid(in, scope) : parseBid(in);
        if (in.texts()) in.headline(fmt::format("Binding identifier {}", bid.bid));
        return bid;
    }
    if (type == optionLinkLayer && octets != length) return parsePaddedLinkLayer(in);
    if (type == optionFastAuthorization && octets >= 4) return parseFastAuthorization(in, length);
    if (type == optionFlowIdentification && octets >= 6) {
        const ByteView data = in.whole();
        auto flow = parseFlowIdentification(in);
        return flow ? MobilityOption(std::move(*flow)) : RawMobilityOption{type, Bytes(data.begin(), data.end())};
    }
    if (auto basic = parseBasicOption(in, type)) return basic;
    return parseFamilyOption(in, type);
}

MobilityOption parseOption(FieldReader& in, std::uint8_t type, std::size_t length, const OptionScope& scope)
{
    const std::size_t start = in.offset() - 2;
    const ByteView data = in.whole();
    type = publishedType(scope, type, data.size());
    const std::string_view name = mobilityOptionName(type);
    if (in.texts()) in.headline(name.empty() ? fmt::format("Option {}", type) : std::string(name));
    if (auto value = parseValue(in, type, length, scope)) return std::move(*value);
    RawMobilityOption raw{type, Bytes(data.begin(), data.end())};
    bool known = false;
    if (showOption(in, type, known)) return raw;
    const bool misfit = known || hasValueOfItsOwn(type);
    if (misfit)
        finding(in, "", Severity::Error, fmt::format("{} with length {}, which does not fit", name, length), "RFC 6275 §6.2", start, data.size() + 2);
    if (misfit) in.bytes(FieldId::MobilityOptionMisfit, in.remaining());
    else in.reserved(FieldId::MobilityOptionData, in.remaining());
    return raw;
}

Error runsPast(std::uint8_t type, std::size_t start)
{
    return {ErrorCode::Malformed, start, fmt::format("mobility option {} runs past the end of the message", type), "MH-RX-01", "RFC 6275 §6.2.1", 0};
}

void pad(Writer& out, std::size_t n)
{
    if (n == 1) out.u8(optionPad1);
    if (n >= 2) {
        out.u8(optionPadN);
        out.u8(static_cast<std::uint8_t>(n - 2));
        out.zeros(n - 2);
    }
}

}  // namespace

std::optional<MobilityOption> parseBasicOption(FieldReader& in, std::uint8_t type)
{
    const std::size_t length = in.remaining();
    switch (type) {
    case optionRefreshAdvice: {
        if (length != 2) return std::nullopt;
        const WireLifetime interval{in.u16(FieldId::RefreshInterval)};
        if (in.texts()) in.note(fmt::format("{} s", 4u * interval.count()));
        return BindingRefreshAdvice{interval};
    }
    case optionAlternateCareOf:
        if (length != 16) return std::nullopt;
        return AlternateCareOfAddress{in.address(FieldId::AlternateCareOf)};
    case optionNonceIndices: {
        if (length != 4) return std::nullopt;
        const std::uint16_t home = in.u16(FieldId::NonceHomeIndex);
        return NonceIndices{home, in.u16(FieldId::NonceCareOfIndex)};
    }
    case optionAuthorization: return BindingAuthorizationData{in.bytes(FieldId::Authenticator, length)};
    case optionNetworkPrefix: {
        if (length != 18) return std::nullopt;
        in.u8(FieldId::NetworkPrefixReserved);
        const std::uint8_t prefixLength = in.u8(FieldId::NetworkPrefixLength);
        return MobileNetworkPrefix{{in.address(FieldId::NetworkPrefix), prefixLength}};
    }
    case optionLinkLayer: {
        if (length < 1) return std::nullopt;
        const std::uint8_t code = in.u8(FieldId::LinkLayerCode);
        in.note(linkLayerCodeName(code));
        return LinkLayerAddress{code, in.bytes(FieldId::LinkLayerAddress, length - 1), false};
    }
    default: return std::nullopt;
    }
}

OptionAlignment optionAlignment(std::uint8_t type, std::size_t length)
{
    switch (type) {
    case optionRefreshAdvice:
    case optionNonceIndices:
    case optionFlowSummary:
    case optionFlowIdentification: return {2, 0};
    case optionAlternateCareOf:
    case optionLinkLocal: return {8, 6};
    // The last octet of the option is the last of the message (RFC 6275 §6.2.7).
    case optionAuthorization: return {8, (8 - (2 + length) % 8) % 8};
    case optionNetworkPrefix:
    case optionHomePrefix:
    case optionMobilityAddress:
    case 51: return {8, 4};
    case optionAuthentication:
    case 56: return {4, 1};
    case optionReplay:
    case optionTimestamp:
    case 55: return {8, 2};
    case optionRestart:
    case 19:
    case 49: return {4, 2};
    case optionIpv4Home:
    case optionIpv4Ack:
    case optionNat:
    case optionIpv4CareOf:
    case 33:
    case 36:
    case 37:
    case 38:
    case 46:
    case 47:
    case 48:
    case 52: return {4, 0};
    // RFC 5648 §4.3: 2n without a care-of address, otherwise 8n+2.
    case optionBindingIdentifier: return length == 4 ? OptionAlignment{2, 0} : OptionAlignment{8, 2};
    case 57: return {8, 1};
    default: return {1, 0};
    }
}

bool hasValueOfItsOwn(std::uint8_t type)
{
    return (type >= optionRefreshAdvice && type <= optionReplay) || (type >= optionFastAuthorization && type <= optionIpv4CareOf) ||
           type == optionMobilityAddress || type == optionBindingIdentifier || type == optionFlowSummary || type == optionFlowIdentification;
}

Result<ParsedOptions> parseMobilityOptions(FieldReader& in, const OptionScope& scope)
{
    ParsedOptions out;
    while (in.remaining() > 0) {
        const std::size_t start = in.offset();
        in.open(FieldId::MobilityOption);
        const std::uint8_t type = in.u8(FieldId::MobilityOptionType);
        in.note(mobilityOptionName(type));
        std::size_t value = PlacedOption::noValue;
        if (type == optionPad1) {
            in.headline("Pad1");
        } else {
            const std::size_t length = in.u8(FieldId::MobilityOptionLength);
            if (in.failed() || length > in.remaining()) return tl::unexpected(runsPast(type, start));
            const std::size_t octets = dataOctets(scope, type, length, in.remaining());
            if (type == optionPadN) {
                in.headline("PadN");
                if (in.sink()) in.bytes(FieldId::MobilityPadN, length);
                else in.skip(length);
            } else {
                FieldReader body = in.within(in.whole().subspan(in.position(), octets), in.offset());
                value = out.values.size();
                out.values.push_back(parseOption(body, type, length, scope));
                in.skip(octets);
            }
        }
        in.close();
        if (in.sink()) out.placed.push_back({type, start, in.offset() - start, value});
    }
    return out;
}

void emitMobilityOptions(Writer& out, const std::vector<MobilityOption>& options)
{
    for (const MobilityOption& option : options) {
        Writer trial;
        emitOption(trial, option);
        const std::size_t size = trial.size();
        const std::uint8_t type = typeOf(option);
        const OptionAlignment alignment =
            type == optionFastAuthorization ? OptionAlignment{8, (8 - size % 8) % 8} : optionAlignment(type, size - 2);
        pad(out, (alignment.x + alignment.y - out.size() % alignment.x) % alignment.x);
        emitOption(out, option);
    }
    pad(out, (8 - out.size() % 8) % 8);
}

}  // namespace roamscope::wire
