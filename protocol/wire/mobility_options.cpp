// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/mobility_options.hpp"

#include "protocol/wire/mobility.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

namespace {

enum : std::uint8_t { pad1 = 0, padN = 1, refreshAdvice = 2, alternateCareOf = 3, nonceIndices = 4, authorization = 5, networkPrefix = 6,
                      linkLayer = 7, bindingIdentifier = 35 };

/// Option starts at an offset ≡ y modulo x from the start of the Mobility Header.
struct Alignment {
    std::size_t x = 1;
    std::size_t y = 0;
};

Alignment alignmentOf(const MobilityOption& option)
{
    struct Visitor {
        Alignment operator()(const BindingRefreshAdvice&) const { return {2, 0}; }
        Alignment operator()(const AlternateCareOfAddress&) const { return {8, 6}; }
        Alignment operator()(const NonceIndices&) const { return {2, 0}; }
        // 8n+2 with its 12 octets: the message then ends at a multiple of 8 without padding behind (RFC 6275 §6.2.7).
        Alignment operator()(const BindingAuthorizationData& o) const { return {8, (8 - (2 + o.authenticator.size()) % 8) % 8}; }
        Alignment operator()(const MobileNetworkPrefix&) const { return {8, 4}; }
        Alignment operator()(const LinkLayerAddress&) const { return {1, 0}; }
        // RFC 5648 §4.3: 2n without a care-of address, otherwise 8n+2.
        Alignment operator()(const BindingIdentifier& o) const { return o.careOfAddress.empty() ? Alignment{2, 0} : Alignment{8, 2}; }
        Alignment operator()(const RawMobilityOption&) const { return {1, 0}; }
    };
    return std::visit(Visitor{}, option);
}

void pad(Writer& out, std::size_t n)
{
    if (n == 1) out.u8(pad1);
    if (n >= 2) {
        out.u8(padN);
        out.u8(static_cast<std::uint8_t>(n - 2));
        out.zeros(n - 2);
    }
}

struct Emitter {
    Writer& out;

    void head(std::uint8_t type, std::size_t length) const
    {
        out.u8(type);
        out.u8(static_cast<std::uint8_t>(length));
    }
    void operator()(const BindingRefreshAdvice& o) const
    {
        head(refreshAdvice, 2);
        out.u16(o.interval.count());
    }
    void operator()(const AlternateCareOfAddress& o) const
    {
        head(alternateCareOf, 16);
        out.bytes(o.address.octets);
    }
    void operator()(const NonceIndices& o) const
    {
        head(nonceIndices, 4);
        out.u16(o.home);
        out.u16(o.careOf);
    }
    void operator()(const BindingAuthorizationData& o) const
    {
        head(authorization, o.authenticator.size());
        out.bytes(o.authenticator);
    }
    void operator()(const MobileNetworkPrefix& o) const
    {
        head(networkPrefix, 18);
        out.u8(0);
        out.u8(o.prefix.length);
        out.bytes(o.prefix.address.octets);
    }
    void operator()(const LinkLayerAddress& o) const
    {
        head(linkLayer, 1 + o.address.size());
        out.u8(o.code);
        out.bytes(o.address);
    }
    void operator()(const BindingIdentifier& o) const
    {
        head(bindingIdentifier, 4 + o.careOfAddress.size());
        out.u16(o.bid);
        out.u8(o.status);
        out.u8(static_cast<std::uint8_t>((o.home ? 0x80 : 0) | (o.priority & 0x7f)));
        out.bytes(o.careOfAddress);
    }
    void operator()(const RawMobilityOption& o) const
    {
        head(o.type, o.data.size());
        out.bytes(o.data);
    }
};

void finding(FieldReader& in, std::string_view rule, Severity severity, std::string text, std::string_view rfc, std::size_t offset,
             std::size_t length)
{
    if (in.sink())
        in.sink()->finding({rule, severity, std::move(text), rfc, static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(length)});
}

BindingIdentifier parseBid(FieldReader& in, std::size_t length, std::size_t start)
{
    BindingIdentifier bid;
    bid.bid = in.u16(FieldId::BidIdentifier);
    bid.status = in.u8(FieldId::BidStatus);
    if (bid.status != 0) in.note(bindingStatusName(bid.status));
    Reader peek = in;
    const std::uint8_t flags = peek.u8();
    in.skip(1);
    in.bits(1, flags, {FieldId::BidHomeFlag, FieldId::BidPriority});
    bid.home = (flags & 0x80) != 0;
    bid.priority = flags & 0x7f;
    if (length == 20) {
        const Ipv6Address careOf = in.address(FieldId::BidCareOfIpv6);
        bid.careOfAddress.assign(careOf.octets.begin(), careOf.octets.end());
    } else if (length == 8) {
        bid.careOfAddress = in.bytes(FieldId::BidCareOfIpv4, 4);
    }
    if (bid.bid == 0)
        finding(in, "MCOA-MN-01", Severity::Warning, "binding identifier 0, which is reserved", "RFC 5648 §4.3", start + 2, 2);
    if (in.sink()) in.headline(fmt::format("Binding identifier {}", bid.bid));
    return bid;
}

/// `in` stands behind the Length octet.
MobilityOption parseBody(FieldReader& in, std::uint8_t type, std::size_t length, std::size_t start)
{
    in.headline(mobilityOptionName(type));
    switch (type) {
    case refreshAdvice:
        if (length != 2) break;
        return BindingRefreshAdvice{WireLifetime{in.u16(FieldId::RefreshInterval)}};
    case alternateCareOf:
        if (length != 16) break;
        return AlternateCareOfAddress{in.address(FieldId::AlternateCareOf)};
    case nonceIndices: {
        if (length != 4) break;
        const std::uint16_t home = in.u16(FieldId::NonceHomeIndex);
        return NonceIndices{home, in.u16(FieldId::NonceCareOfIndex)};
    }
    case authorization: return BindingAuthorizationData{in.bytes(FieldId::Authenticator, length)};
    case networkPrefix: {
        if (length != 18) break;
        in.u8(FieldId::NetworkPrefixReserved);
        const std::uint8_t prefixLength = in.u8(FieldId::NetworkPrefixLength);
        return MobileNetworkPrefix{{in.address(FieldId::NetworkPrefix), prefixLength}};
    }
    case linkLayer: {
        if (length < 1) break;
        const std::uint8_t code = in.u8(FieldId::LinkLayerCode);
        return LinkLayerAddress{code, in.bytes(FieldId::LinkLayerAddress, length - 1)};
    }
    case bindingIdentifier:
        if (length == 4 || length == 8 || length == 20) return parseBid(in, length, start);
        finding(in, "MCOA-HA-02", Severity::Error, fmt::format("binding identifier option with length {}; it must be 4, 8 or 20", length),
                "RFC 5648 §6.2", start, length + 2);
        return RawMobilityOption{type, in.bytes(FieldId::MobilityOptionData, length)};
    default:
        if (in.sink() && mobilityOptionName(type).empty()) in.headline(fmt::format("Option {}", type));
        return RawMobilityOption{type, in.bytes(FieldId::MobilityOptionData, length)};
    }
    finding(in, "", Severity::Error, fmt::format("{} with length {}, which does not fit", mobilityOptionName(type), length),
            "RFC 6275 §6.2", start, length + 2);
    return RawMobilityOption{type, in.bytes(FieldId::MobilityOptionData, length)};
}

/// RFC 6275 §6.2.7: Binding Authorization Data is the last option and nothing, padding included, stands behind it.
void checkOrder(FieldReader& in, std::size_t authorizationStart, std::size_t authorizationEnd)
{
    if (authorizationEnd != 0 && authorizationEnd != in.offset())
        finding(in, "", Severity::Error, "Binding Authorization Data is not the last option", "RFC 6275 §6.2.7", authorizationStart,
                authorizationEnd - authorizationStart);
}

}  // namespace

Result<std::vector<MobilityOption>> parseMobilityOptions(FieldReader& in)
{
    std::vector<MobilityOption> options;
    std::size_t authorizationStart = 0;
    std::size_t authorizationEnd = 0;
    while (in.remaining() > 0) {
        const std::size_t start = in.offset();
        in.open(FieldId::MobilityOption);
        const std::uint8_t type = in.u8(FieldId::MobilityOptionType);
        in.note(mobilityOptionName(type));
        if (type == pad1) {
            in.headline("Pad1");
            in.close();
            continue;
        }
        const std::size_t length = in.u8(FieldId::MobilityOptionLength);
        if (in.failed() || length > in.remaining())
            return fail(ErrorCode::Malformed, start, fmt::format("mobility option {} runs past the end of the message", type));
        if (type == padN) {
            in.headline("PadN");
            in.bytes(FieldId::MobilityPadN, length);
            in.close();
            continue;
        }
        options.push_back(parseBody(in, type, length, start));
        in.close();
        if (type == authorization) {
            authorizationStart = start;
            authorizationEnd = in.offset();
        }
    }
    checkOrder(in, authorizationStart, authorizationEnd);
    return options;
}

void emitMobilityOptions(Writer& out, const std::vector<MobilityOption>& options)
{
    for (const MobilityOption& option : options) {
        const Alignment alignment = alignmentOf(option);
        pad(out, (alignment.x + alignment.y - out.size() % alignment.x) % alignment.x);
        std::visit(Emitter{out}, option);
    }
    pad(out, (8 - out.size() % 8) % 8);
}

std::uint8_t typeOf(const MobilityOption& option)
{
    struct Visitor {
        std::uint8_t operator()(const BindingRefreshAdvice&) const { return refreshAdvice; }
        std::uint8_t operator()(const AlternateCareOfAddress&) const { return alternateCareOf; }
        std::uint8_t operator()(const NonceIndices&) const { return nonceIndices; }
        std::uint8_t operator()(const BindingAuthorizationData&) const { return authorization; }
        std::uint8_t operator()(const MobileNetworkPrefix&) const { return networkPrefix; }
        std::uint8_t operator()(const LinkLayerAddress&) const { return linkLayer; }
        std::uint8_t operator()(const BindingIdentifier&) const { return bindingIdentifier; }
        std::uint8_t operator()(const RawMobilityOption& o) const { return o.type; }
    };
    return std::visit(Visitor{}, option);
}

std::string_view mobilityOptionName(std::uint8_t type)
{
    switch (type) {
    case pad1: return "Pad1";
    case padN: return "PadN";
    case refreshAdvice: return "Binding refresh advice";
    case alternateCareOf: return "Alternate care-of address";
    case nonceIndices: return "Nonce indices";
    case authorization: return "Binding authorization data";
    case networkPrefix: return "Mobile network prefix";
    case linkLayer: return "Link-layer address";
    case 8: return "Mobile node identifier";
    case 9: return "Mobility message authentication";
    case 10: return "Message replay protection";
    case 17: return "DNS update";
    case 18: return "Experimental";
    case 19: return "Vendor specific";
    case 20: return "Service selection";
    case 22: return "Home network prefix";
    case 23: return "Handoff indicator";
    case 24: return "Access technology type";
    case 25: return "Mobile node link-layer identifier";
    case 26: return "Link-local address";
    case 27: return "Timestamp";
    case 29: return "IPv4 home address";
    case 30: return "IPv4 address acknowledgement";
    case 31: return "NAT detection";
    case 32: return "IPv4 care-of address";
    case bindingIdentifier: return "Binding identifier";
    case 44: return "Flow summary";
    case 45: return "Flow identification";
    default: return "";
    }
}

}  // namespace roamscope::wire
