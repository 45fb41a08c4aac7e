// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/ndisc_forms.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {

std::string seconds(std::uint32_t s) { return s == 0xffffffff ? std::string("infinite") : fmt::format("{} s", s); }

void finding(FieldReader& in, std::string_view rule, Severity severity, std::string text, std::string_view rfc, std::size_t offset, std::size_t length)
{
    if (in.sink()) in.sink()->finding({rule, severity, std::move(text), rfc, static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(length)});
}

/// Six octets are an Ethernet address; others are shown as they are.
template <class Option>
std::optional<NdOption> parseLinkLayer(FieldReader& in, FieldId field)
{
    if (in.remaining() == 6) return Option{in.mac(field)};
    in.bytes(FieldId::NdLinkLayer, in.remaining());
    return std::nullopt;
}

void checkPrefix(FieldReader& in, const PrefixInformation& p, std::size_t start)
{
    if (p.prefix.length > 128)
        finding(in, "", Severity::Error, fmt::format("prefix length {}; an address has 128 bits", p.prefix.length), "RFC 4861 §4.6.2", start, 1);
    if (p.preferredLifetime > p.validLifetime)
        finding(in, "", Severity::Error, fmt::format("preferred lifetime {} longer than the valid lifetime {}", seconds(p.preferredLifetime), seconds(p.validLifetime)),
                "RFC 4861 §4.6.2", start + 6, 4);
    if (p.prefix.address.isLinkLocal() && !p.routerAddress)
        finding(in, "", Severity::Warning, "the link-local prefix should not be advertised", "RFC 4861 §4.6.2", start + 14, 16);
}

std::optional<NdOption> parsePrefix(FieldReader& in)
{
    const std::size_t start = in.offset();
    PrefixInformation p;
    p.prefix.length = in.u8(FieldId::PrefixLength);
    const std::uint8_t flags = in.u8(FieldId::PrefixFlags);
    in.bits(1, flags, {FieldId::PrefixFlagOnLink, FieldId::PrefixFlagAutonomous, FieldId::PrefixFlagRouter, FieldId::PrefixFlagReserved});
    p.onLink = (flags & 0x80) != 0;
    p.autonomous = (flags & 0x40) != 0;
    p.routerAddress = (flags & 0x20) != 0;
    p.validLifetime = in.u32(FieldId::PrefixValid);
    in.note(seconds(p.validLifetime));
    p.preferredLifetime = in.u32(FieldId::PrefixPreferred);
    in.note(seconds(p.preferredLifetime));
    in.reserved(FieldId::PrefixReserved, 4);
    p.prefix.address = in.address(FieldId::PrefixPrefix);
    if (in.texts()) in.headline(fmt::format("Prefix information, {}", p.prefix.text()));
    checkPrefix(in, p, start);
    return p;
}

std::optional<NdOption> parseRedirectedHeader(FieldReader& in)
{
    in.reserved(FieldId::NdOptionReserved, 6);
    if (in.remaining() > 0) in.bytes(FieldId::RedirectedPacket, in.remaining());
    return std::nullopt;
}

std::optional<NdOption> parseMtu(FieldReader& in)
{
    in.reserved(FieldId::NdOptionReserved, 2);
    return MtuOption{in.u32(FieldId::NdMtu)};
}

std::optional<NdOption> parseInterval(FieldReader& in)
{
    in.reserved(FieldId::NdOptionReserved, 2);
    const AdvertisementIntervalOption option{in.u32(FieldId::AdvertisementInterval)};
    if (in.texts()) in.note(fmt::format("{} ms", option.milliseconds));
    return option;
}

std::optional<NdOption> parseHomeAgent(FieldReader& in)
{
    const std::uint16_t flags = in.u16(FieldId::HomeAgentFlags);
    in.bits(2, flags, {FieldId::HomeAgentFlagRouter});
    const std::uint16_t preference = in.u16(FieldId::HomeAgentPreference);
    const std::uint16_t lifetime = in.u16(FieldId::HomeAgentLifetime);
    in.note(seconds(lifetime));
    if (lifetime == 0) finding(in, "", Severity::Error, "home agent lifetime 0 must not be used", "RFC 6275 §7.4", in.offset() - 2, 2);
    return HomeAgentInformation{preference, lifetime, (flags & 0x8000) != 0};
}

/// Seconds since 1970 with a binary fraction of 16 bits; the date as tshark prints it in UTC, the fraction to nine digits.
std::string timestampText(std::uint64_t stamp)
{
    static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto whole = static_cast<std::int64_t>(stamp >> 16);
    const std::uint64_t nanoseconds = (stamp & 0xffff) * 1'000'000'000 >> 16;
    if (whole > 253'402'300'799) return fmt::format("{}.{:09} s after 1970", whole, nanoseconds);  // beyond the year 9999
    const std::chrono::sys_seconds time{std::chrono::seconds{whole}};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const auto second = static_cast<int>((time - day).count());
    return fmt::format("{} {:2}, {} {:02}:{:02}:{:02}.{:09} UTC", months[static_cast<unsigned>(date.month()) - 1], static_cast<unsigned>(date.day()),
                       static_cast<int>(date.year()), second / 3600, second / 60 % 60, second % 60, nanoseconds);
}

std::optional<NdOption> parseTimestamp(FieldReader& in)
{
    in.reserved(FieldId::NdOptionReserved, 6);
    const std::size_t start = in.offset();
    const std::uint64_t stamp = in.Reader::u64();
    if (in.sink()) in.sink()->add(FieldId::NdTimestamp, start, 8, timestampText(stamp));
    return std::nullopt;
}

std::optional<NdOption> parseNonce(FieldReader& in)
{
    in.bytes(FieldId::NdNonce, in.remaining());
    return std::nullopt;
}

std::string_view addressCodeName(std::uint8_t code)
{
    static constexpr std::string_view names[] = {"", "previous care-of address", "new care-of address", "address of the new router", "prefix of the new router"};
    return code < std::size(names) ? names[code] : "";
}

std::optional<NdOption> parseHandoverAddress(FieldReader& in)
{
    HandoverAddress a;
    a.code = in.u8(FieldId::IpAddressCode);
    in.note(addressCodeName(a.code));
    a.prefixLength = in.u8(FieldId::IpAddressPrefixLength);
    in.reserved(FieldId::NdOptionReserved, 4);
    a.address = in.address(FieldId::IpAddressAddress);
    if (in.texts()) in.headline(fmt::format("IP address or prefix, {}", a.address.text()));
    if (a.prefixLength > 128)
        finding(in, "", Severity::Error, fmt::format("prefix length {}; an address has 128 bits", a.prefixLength), "RFC 5568 §6.4.1", in.offset() - 21, 1);
    return a;
}

std::optional<NdOption> parseNewRouterPrefix(FieldReader& in)
{
    in.u8(FieldId::NewRouterCode);
    in.u8(FieldId::NewRouterPrefixLength);
    in.reserved(FieldId::NdOptionReserved, 4);
    in.address(FieldId::NewRouterPrefix);
    return std::nullopt;
}

std::string_view linkLayerCodeName(std::uint8_t code)
{
    static constexpr std::string_view names[] = {"any access point", "new access point", "mobile node", "new router", "sender",
                                                 "access point of this router", "no prefix known for it", "no fast handovers there"};
    return code < std::size(names) ? names[code] : "";
}

std::optional<NdOption> parseHandoverLinkLayer(FieldReader& in)
{
    HandoverLinkLayer a;
    a.code = in.u8(FieldId::HandoverLlaCode);
    in.note(linkLayerCodeName(a.code));
    a.address = in.bytes(FieldId::HandoverLlaAddress, in.remaining());
    return a;
}

std::string_view ackStatusName(std::uint8_t status)
{
    switch (status) {
    case 1: return "address invalid, configure another";
    case 2: return "address invalid, use the supplied one";
    case 3: return "address invalid, use the new router's address in the fast binding update";
    case 4: return "previous care-of address supplied, send no fast binding update";
    case 128: return "link-layer address unknown";
    default: return "";
    }
}

std::optional<NdOption> parseAck(FieldReader& in)
{
    in.u8(FieldId::AckCode);
    AdvertisementAck a;
    a.status = in.u8(FieldId::AckStatus);
    in.note(ackStatusName(a.status));
    in.reserved(FieldId::NdOptionReserved, 4);
    if (in.remaining() >= 16) a.careOf = in.address(FieldId::AckCareOf);
    return a;
}

std::optional<NdOption> parseRoute(FieldReader& in)
{
    const std::uint8_t length = in.u8(FieldId::PrefixLength);
    const std::uint8_t flags = in.u8(FieldId::RouteFlags);
    in.bits(1, flags, {FieldId::RoutePreference, FieldId::RouteReserved});
    const std::uint32_t lifetime = in.u32(FieldId::RouteLifetime);
    in.note(seconds(lifetime));
    const std::size_t octets = in.remaining();
    if (octets >= 16) in.address(FieldId::PrefixPrefix);
    else if (octets >= 8) in.bytes(FieldId::RoutePrefix, 8);
    if (length > 128 || (length > 0 && octets == 0) || (length > 64 && octets < 16))
        finding(in, "", Severity::Error, fmt::format("a route to a prefix of {} bits does not fit into {} octets of prefix", length, octets), "RFC 4191 §2.3",
                in.offset() - 6 - std::min<std::size_t>(octets, 16), 1);
    return std::nullopt;
}

std::optional<NdOption> parseNameServers(FieldReader& in)
{
    in.reserved(FieldId::NdOptionReserved, 2);
    const std::uint32_t lifetime = in.u32(FieldId::DnsServerLifetime);
    in.note(seconds(lifetime));
    while (in.remaining() >= 16) in.address(FieldId::DnsServer);
    return std::nullopt;
}

/// One name in the form of RFC 1035 §3.1 without compression; empty when it does not end inside `octets`.
std::string domainName(ByteView octets, std::size_t& used)
{
    std::string name;
    std::size_t at = 0;
    while (at < octets.size() && octets[at] != 0) {
        const std::size_t length = octets[at++];
        if (length > 63 || length > octets.size() - at) return {};
        if (!name.empty()) name += '.';
        for (std::size_t i = 0; i < length; ++i, ++at) {
            const auto c = static_cast<char>(octets[at]);
            if (c > ' ' && c < 0x7f) name += c;
            else name += fmt::format("\\{:03}", octets[at]);
        }
    }
    if (at == octets.size()) return {};
    used = at + 1;
    return name;
}

std::optional<NdOption> parseSearchList(FieldReader& in)
{
    in.reserved(FieldId::NdOptionReserved, 2);
    const std::uint32_t lifetime = in.u32(FieldId::DnsSearchLifetime);
    in.note(seconds(lifetime));
    while (in.remaining() > 0) {
        const ByteView rest = in.whole().subspan(in.position());
        if (rest[0] == 0) {
            in.bytes(FieldId::NdOptionPadding, rest.size());
            break;
        }
        std::size_t used = 0;
        std::string name = domainName(rest, used);
        if (used == 0) {
            finding(in, "", Severity::Error, "a search domain does not end inside the option", "RFC 8106 §5.2", in.offset(), rest.size());
            break;
        }
        if (in.sink()) in.sink()->add(FieldId::DnsSearchName, in.offset(), used, std::move(name));
        in.skip(used);
    }
    return std::nullopt;
}

constexpr std::array forms{
    NdForm{1, "Source link-layer address", 1, 255, false, "RFC 4861 §4.6.1", [](FieldReader& in) { return parseLinkLayer<SourceLinkLayerOption>(in, FieldId::NdSourceLinkLayer); }},
    NdForm{2, "Target link-layer address", 1, 255, false, "RFC 4861 §4.6.1", [](FieldReader& in) { return parseLinkLayer<TargetLinkLayerOption>(in, FieldId::NdTargetLinkLayer); }},
    NdForm{3, "Prefix information", 4, 4, false, "RFC 4861 §4.6.2", parsePrefix},
    NdForm{4, "Redirected header", 1, 255, false, "RFC 4861 §4.6.3", parseRedirectedHeader},
    NdForm{5, "MTU", 1, 1, false, "RFC 4861 §4.6.4", parseMtu},
    NdForm{7, "Advertisement interval", 1, 1, false, "RFC 6275 §7.3", parseInterval},
    NdForm{8, "Home agent information", 1, 1, false, "RFC 6275 §7.4", parseHomeAgent},
    NdForm{13, "Timestamp", 2, 2, false, "RFC 3971 §5.3.1", parseTimestamp},
    NdForm{14, "Nonce", 1, 255, false, "RFC 3971 §5.3.2", parseNonce},
    NdForm{17, "IP address or prefix", 3, 3, false, "RFC 5568 §6.4.1", parseHandoverAddress},
    NdForm{18, "New router prefix information", 3, 3, false, "RFC 4068 §6.4.2", parseNewRouterPrefix},
    NdForm{19, "Link-layer address for handovers", 1, 255, false, "RFC 5568 §6.4.3", parseHandoverLinkLayer},
    NdForm{20, "Neighbour advertisement acknowledgement", 1, 3, true, "RFC 5568 §6.4.6", parseAck},
    NdForm{24, "Route information", 1, 3, false, "RFC 4191 §2.3", parseRoute},
    NdForm{25, "Recursive name servers", 3, 255, true, "RFC 8106 §5.1", parseNameServers},
    NdForm{31, "Search domains", 2, 255, false, "RFC 8106 §5.2", parseSearchList},
};

/// HMIP-AR-03: distance 0 is never used and the address is a global one (RFC 4140/5380 §5).
void checkMap(FieldReader& in, const MapOption& m, std::size_t start)
{
    if (m.distance == 0) finding(in, "HMIP-AR-03", Severity::Error, "MAP option with distance 0", "RFC 5380 §5", start, 1);
    if (!m.address.isUnicastRoutable())
        finding(in, "HMIP-AR-03", Severity::Error, fmt::format("MAP address {} is not a global unicast address", m.address.text()), "RFC 5380 §5", start + 6, 16);
}

bool speaksDraft(const FieldReader& in, std::uint8_t type, std::uint8_t flags)
{
    const Dialect dialect = in.context().dialect;
    if (dialect == Dialect::HmipDraft) return true;
    return dialect == Dialect::Automatic && (type == MapOption::draftNumber || (flags & MapOption::draftMask) != 0);
}

}  // namespace

const NdForm* ndForm(std::uint8_t type)
{
    const auto found = std::find_if(forms.begin(), forms.end(), [type](const NdForm& f) { return f.type == type; });
    return found == forms.end() ? nullptr : &*found;
}

MapOption parseMap(FieldReader& in, std::uint8_t type)
{
    const std::size_t start = in.offset();
    MapOption m;
    m.type = type;
    const std::uint8_t octet = in.Reader::u8();
    in.bits(1, octet, {FieldId::MapDistance, FieldId::MapPreference});
    m.distance = octet >> 4;
    m.preference = octet & 0x0f;
    const std::uint8_t flags = in.u8(FieldId::MapFlags);
    m.regional = (flags & 0x80) != 0;
    in.bits(1, flags, {FieldId::MapFlagRegional});
    if (speaksDraft(in, type, flags)) {
        m.draftFlags = flags & MapOption::draftMask;
        in.bits(1, flags, {FieldId::MapFlagMode, FieldId::MapFlagSource, FieldId::MapFlagType, FieldId::MapFlagMustSource, FieldId::MapFlagReverse});
        const bool number = type == MapOption::draftNumber;
        if (in.sink() && in.context().dialect == Dialect::Automatic)
            in.sink()->add(FieldId::Dialect, number ? start - 2 : start + 1, 1, std::string(dialectName(Dialect::HmipDraft)),
                           number ? "MAP option with number 201" : "MAP option with flags that the RFCs do not define");
    } else {
        in.bits(1, flags, {FieldId::MapFlagReserved});
        if ((flags & 0x7f) != 0)
            finding(in, "HMIP-AR-03", Severity::Warning, fmt::format("reserved bits 0x{:02x} set in the MAP option", flags & 0x7f), "RFC 5380 §5", start + 1, 1);
    }
    m.validLifetime = in.u32(FieldId::MapValidLifetime);
    in.note(m.validLifetime == 0 ? std::string("the MAP has failed, it must not be selected") : seconds(m.validLifetime));
    m.address = in.address(FieldId::MapAddress);
    if (in.texts()) in.headline(fmt::format("MAP, {} distance {} preference {}", m.address.text(), m.distance, m.preference));
    checkMap(in, m, start);
    return m;
}

}  // namespace roamscope::wire
