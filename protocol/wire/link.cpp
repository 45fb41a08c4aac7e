// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/link.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {

constexpr std::uint16_t pppIpv4 = 0x0021;
constexpr std::uint16_t pppIpv6 = 0x0057;

Result<void> tooShort(std::size_t start, std::string_view what)
{
    return fail(ErrorCode::Truncated, start, fmt::format("{}, fewer are there", what));
}

bool isVlan(std::uint16_t type) { return type == etherTypeVlan || type == etherTypeQinQ || type == etherTypeQinQOld; }

LinkPayload payloadOf(std::uint16_t etherType)
{
    return etherType == etherTypeIpv6 ? LinkPayload::Ipv6 : etherType == etherTypeIpv4 ? LinkPayload::Ipv4 : LinkPayload::Other;
}

/// Ends the payload `length` octets from here, when that is inside the link's own octets.
void limitPayload(const FieldReader& in, LinkHeaders& out, std::size_t length) { out.end = std::min(out.end, in.position() + length); }

Result<void> parsePpp(FieldReader& in, LinkHeaders& out, bool framed)
{
    const std::size_t start = in.offset();
    ++out.layers;
    in.open(FieldId::Ppp);
    Reader peek = in;
    if (framed && peek.u16() == 0xff03) {
        in.u8(FieldId::PppAddress);
        in.u8(FieldId::PppControl);
    }
    peek = in;
    // RFC 1661 §6.5: an odd first octet is the whole number.
    const bool compressed = (peek.u8() & 1) != 0;
    const std::uint16_t number = compressed ? in.u8(FieldId::PppProtocol) : in.u16(FieldId::PppProtocol);
    in.close();
    if (in.failed()) return tooShort(start, "a PPP header has 2 octets");
    out.payload = number == pppIpv6 ? LinkPayload::Ipv6 : number == pppIpv4 ? LinkPayload::Ipv4 : LinkPayload::Other;
    return {};
}

Result<void> parsePppoe(FieldReader& in, LinkHeaders& out)
{
    const std::size_t start = in.offset();
    ++out.layers;
    in.open(FieldId::Pppoe);
    const std::uint8_t word = in.Reader::u8();
    in.bits(1, word, {FieldId::PppoeVersion, FieldId::PppoeType});
    const std::uint8_t code = in.u8(FieldId::PppoeCode);
    in.u16(FieldId::PppoeSession);
    const std::uint16_t length = in.u16(FieldId::PppoeLength);
    in.close();
    if (in.failed()) return tooShort(start, "a PPPoE header has 6 octets");
    limitPayload(in, out, length);
    if (code != 0) return {};
    return parsePpp(in, out, false);
}

Result<void> parseVlan(FieldReader& in, LinkHeaders& out, std::uint16_t& type)
{
    const std::size_t start = in.offset();
    const bool service = type == etherTypeQinQ;
    ++out.layers;
    in.open(service ? FieldId::ServiceVlan : FieldId::Vlan);
    const std::uint16_t word = in.Reader::u16();
    if (service) in.bits(2, word, {FieldId::ServiceVlanPriority, FieldId::ServiceVlanDropEligible, FieldId::ServiceVlanId});
    else in.bits(2, word, {FieldId::VlanPriority, FieldId::VlanDropEligible, FieldId::VlanId});
    type = in.u16(service ? FieldId::ServiceVlanType : FieldId::VlanType);
    if (in.texts()) in.headline(fmt::format("id {}", word & 0xfff));
    in.close();
    if (in.failed()) return tooShort(start, "a VLAN tag has 4 octets");
    return {};
}

/// What an Ethernet type leads to: tags, PPPoE, a length.
Result<void> parseType(FieldReader& in, LinkHeaders& out, std::uint16_t type)
{
    for (int tags = 0; isVlan(type) && tags < maxVlanTags; ++tags)
        if (auto tag = parseVlan(in, out, type); !tag) return tag;
    out.etherType = type;
    if (isVlan(type)) {
        out.why = fmt::format("more than {} VLAN tags", maxVlanTags);
        out.limited = true;
        return {};
    }
    if (type <= largestEthernetLength) {
        limitPayload(in, out, type);
        return parseLlc(in, out);
    }
    if (type == etherTypePppoe) return parsePppoe(in, out);
    out.payload = payloadOf(type);
    return {};
}

Result<void> parseEthernetFrame(FieldReader& in, LinkHeaders& out)
{
    ++out.layers;
    auto header = parseEthernet(in);
    if (!header) return tl::unexpected(std::move(header.error()));
    out.ethernet = *header;
    return parseType(in, out, header->type);
}

/// PPP with its address and control octets, or Cisco HDLC.
Result<void> parseSerial(FieldReader& in, LinkHeaders& out)
{
    Reader peek = in;
    const std::uint8_t first = peek.u8();
    if (peek.failed() || (first != 0x0f && first != 0x8f)) return parsePpp(in, out, true);
    const std::size_t start = in.offset();
    ++out.layers;
    in.open(FieldId::CiscoHdlc);
    in.u8(FieldId::CiscoHdlcAddress);
    in.u8(FieldId::CiscoHdlcControl);
    out.etherType = in.u16(FieldId::CiscoHdlcProtocol);
    in.close();
    if (in.failed()) return tooShort(start, "a Cisco HDLC header has 4 octets");
    out.payload = payloadOf(out.etherType);
    return {};
}

/// The eight octets for the sender's address, of which `length` count.
void cookedAddress(FieldReader& in, std::size_t length)
{
    length = std::min<std::size_t>(length, 8);
    if (length == 6) in.mac(FieldId::CookedSource);
    else if (length > 0) in.reserved(FieldId::CookedSourceOther, length);
    in.reserved(FieldId::CookedUnused, 8 - length);
}

Result<void> parseCooked(FieldReader& in, LinkHeaders& out, bool second)
{
    const std::size_t start = in.offset();
    ++out.layers;
    in.open(FieldId::Cooked);
    std::uint16_t type = 0;
    if (second) {
        type = in.u16(FieldId::CookedProtocol);
        in.reserved(FieldId::CookedReserved, 2);
        in.u32(FieldId::CookedInterface);
        in.u16(FieldId::CookedHardware);
        in.u8(FieldId::CookedPacketType);
        cookedAddress(in, in.u8(FieldId::CookedAddressLength));
    } else {
        in.u16(FieldId::CookedPacketType);
        in.u16(FieldId::CookedHardware);
        cookedAddress(in, in.u16(FieldId::CookedAddressLength));
        type = in.u16(FieldId::CookedProtocol);
    }
    in.close();
    if (in.failed()) return tooShort(start, second ? "a cooked header has 20 octets" : "a cooked header has 16 octets");
    constexpr std::uint16_t llcFrame = 4;  // Linux' number for a frame with LLC
    if (type == llcFrame) return parseLlc(in, out);
    // Small numbers are Linux' own, not lengths.
    if (type > largestEthernetLength) return parseType(in, out, type);
    out.etherType = type;
    return {};
}

Result<void> parseNull(FieldReader& in, LinkHeaders& out, bool networkOrder)
{
    const std::size_t start = in.offset();
    ++out.layers;
    in.open(FieldId::NullLink);
    std::uint32_t family = in.Reader::u32();
    // Families are small numbers: the order in which this is one is the order of the capturing host.
    if (!networkOrder && family > 0xffff) family = family >> 24 | (family >> 8 & 0xff00) | (family << 8 & 0xff0000) | family << 24;
    if (in.sink() && !in.failed()) in.sink()->add(FieldId::NullFamily, start, 4, std::uint64_t{family});
    in.close();
    if (in.failed()) return tooShort(start, "a null header has 4 octets");
    out.payload = family == 2                                                        ? LinkPayload::Ipv4
                  : family == 10 || family == 24 || family == 28 || family == 30 ? LinkPayload::Ipv6
                                                                                     : LinkPayload::Other;
    return {};
}

Result<void> parseDirected(FieldReader& in, LinkHeaders& out)
{
    in.u8(FieldId::PppDirection);
    if (in.failed()) return tooShort(in.offset(), "a PPP frame with its direction has at least 1 octet");
    return parseSerial(in, out);
}

Result<void> parseBy(FieldReader& in, LinkHeaders& out, std::uint16_t linkType, bool cut)
{
    switch (linkType) {
    case linkEthernet: return parseEthernetFrame(in, out);
    case linkCooked: return parseCooked(in, out, false);
    case linkCooked2: return parseCooked(in, out, true);
    case linkNull: return parseNull(in, out, false);
    case linkLoopback: return parseNull(in, out, true);
    case linkPpp:
    case linkPppHdlc: return parseSerial(in, out);
    case linkPppDirection: return parseDirected(in, out);
    case linkPppoe: return parsePppoe(in, out);
    case linkWifi: return parseWifi(in, out, false, false);
    case linkRadiotap: return parseRadiotap(in, out, cut);
    case linkRawIpv4: out.payload = LinkPayload::Ipv4; return {};
    case linkRawIpv6: out.payload = LinkPayload::Ipv6; return {};
    default: out.payload = LinkPayload::ByVersion; return {};
    }
}

}  // namespace

bool isKnownLink(std::uint16_t linkType)
{
    static constexpr std::uint16_t known[] = {linkNull,     linkEthernet, linkPpp,      linkRawBsd,       linkRawOpenBsd, linkPppHdlc, linkPppoe,  linkRaw,
                                              linkWifi,     linkLoopback, linkCooked,   linkRadiotap,     linkPppDirection, linkRawIpv4, linkRawIpv6, linkCooked2};
    return std::find(std::begin(known), std::end(known), linkType) != std::end(known);
}

Result<void> parseLlc(FieldReader& in, LinkHeaders& out)
{
    const std::size_t start = in.offset();
    ++out.layers;
    in.open(FieldId::Llc);
    const std::uint8_t destination = in.u8(FieldId::LlcDestination);
    const std::uint8_t source = in.u8(FieldId::LlcSource);
    const std::uint8_t control = in.u8(FieldId::LlcControl);
    const bool snap = destination == 0xaa && source == 0xaa && control == 3;
    bool etherType = false;
    if (snap) {
        const std::size_t at = in.offset();
        const std::uint32_t organization = static_cast<std::uint32_t>(in.Reader::u8()) << 16 | in.Reader::u16();
        if (in.sink() && !in.failed()) in.sink()->add(FieldId::LlcOrganization, at, 3, std::uint64_t{organization});
        // RFC 1042, and 0x0000f8 for bridges of IEEE 802.1H.
        etherType = organization == 0 || organization == 0xf8;
        out.etherType = in.u16(FieldId::LlcType);
    }
    in.close();
    if (in.failed()) return tooShort(start, snap ? "an LLC header with SNAP has 8 octets" : "an LLC header has 3 octets");
    out.payload = etherType ? payloadOf(out.etherType) : LinkPayload::Other;
    return {};
}

Result<LinkHeaders> parseLink(FieldReader& in, std::uint16_t linkType, bool cut)
{
    LinkHeaders out;
    out.end = in.whole().size();
    if (auto read = parseBy(in, out, linkType, cut); !read) return tl::unexpected(std::move(read.error()));
    out.end = std::max(out.end, in.position());
    if (out.payload == LinkPayload::ByVersion) {
        Reader peek = in;
        const int version = peek.u8() >> 4;
        if (peek.failed()) out.why = "an empty frame";
        out.payload = version == 6 ? LinkPayload::Ipv6 : version == 4 ? LinkPayload::Ipv4 : LinkPayload::Other;
    }
    return out;
}

}  // namespace roamscope::wire
