// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/icmpv6.hpp"

#include "protocol/base/overloaded.hpp"
#include "protocol/wire/ipv6.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

namespace {

using namespace icmpv6Type;

/// Copies `options` into a message when they parsed, otherwise passes the error on.
template <class Message>
Result<Icmpv6Message> withOptions(FieldReader& in, Message message)
{
    auto options = parseNdOptions(in);
    if (!options) return tl::unexpected(options.error());
    message.options = std::move(*options);
    return Icmpv6Message{std::move(message)};
}

/// Four zero octets, or the length of the quoted packet and three of them (RFC 4884 §4.3); gives the length.
std::uint8_t parseUnused(FieldReader& in)
{
    if (in.remaining() < 4 || in.whole()[in.position()] == 0) {
        in.reserved(FieldId::Icmpv6Unused, 4);
        return 0;
    }
    const std::uint8_t length = in.u8(FieldId::Icmpv6OriginalLength);
    if (in.texts()) in.note(fmt::format("{} octets", 8u * length));
    in.reserved(FieldId::Icmpv6Unused, 3);
    return length;
}

Result<Icmpv6Message> parseError(FieldReader& in, std::uint8_t type, std::uint8_t code)
{
    IcmpError error{type, code, 0, {}};
    if (type == packetTooBig) error.parameter = in.u32(FieldId::Icmpv6Mtu);
    else if (type == parameterProblem) error.parameter = in.u32(FieldId::Icmpv6Pointer);
    else error.originalLength = parseUnused(in);
    if (in.failed()) return Icmpv6Message{std::move(error)};
    const std::size_t quoted = error.originalLength == 0 ? in.remaining() : std::min<std::size_t>(in.remaining(), 8u * error.originalLength);
    error.invoking = in.bytes(FieldId::Icmpv6Invoking, quoted);
    return Icmpv6Message{std::move(error)};
}

/// RFC 4191 §2.1.
std::string_view preferenceName(unsigned bits)
{
    static constexpr std::string_view names[] = {"medium", "high", "reserved, taken for medium", "low"};
    return names[bits & 3];
}

Result<Icmpv6Message> parseRouterAdvertisement(FieldReader& in)
{
    RouterAdvertisement ra;
    ra.hopLimit = in.u8(FieldId::RaHopLimit);
    ra.flags = in.u8(FieldId::RaFlags);
    in.bits(1, ra.flags, {FieldId::RaFlagManaged, FieldId::RaFlagOther, FieldId::RaFlagHomeAgent, FieldId::RaFlagPreference});
    in.note(preferenceName(ra.flags >> 3 & 3));
    in.bits(1, ra.flags, {FieldId::RaFlagProxy, FieldId::RaFlagReserved});
    ra.routerLifetime = in.u16(FieldId::RaRouterLifetime);
    in.note("seconds");
    ra.reachableTime = in.u32(FieldId::RaReachableTime);
    in.note("milliseconds");
    ra.retransTimer = in.u32(FieldId::RaRetransTimer);
    in.note("milliseconds");
    return withOptions(in, std::move(ra));
}

Result<Icmpv6Message> parseNeighborAdvertisement(FieldReader& in)
{
    NeighborAdvertisement na;
    const std::uint32_t flags = in.u32(FieldId::NaFlags);
    in.bits(4, flags, {FieldId::NaFlagRouter, FieldId::NaFlagSolicited, FieldId::NaFlagOverride, FieldId::NaFlagReserved});
    na.router = (flags & 0x80000000) != 0;
    na.solicited = (flags & 0x40000000) != 0;
    na.override = (flags & 0x20000000) != 0;
    na.target = in.address(FieldId::NaTarget);
    return withOptions(in, std::move(na));
}

Result<Icmpv6Message> parseRedirect(FieldReader& in)
{
    in.reserved(FieldId::Icmpv6Reserved, 4);
    Redirect redirect;
    redirect.target = in.address(FieldId::RedirectTarget);
    redirect.destination = in.address(FieldId::RedirectDestination);
    return withOptions(in, std::move(redirect));
}

/// Version 2 of a query is told by its length (RFC 3810 §8.1).
constexpr std::size_t longQueryOctets = 24;  // behind the checksum

Result<Icmpv6Message> parseListenerQuery(FieldReader& in)
{
    ListenerQuery query;
    query.maximumResponse = in.u16(FieldId::MldMaximumCode);
    if (in.texts()) in.note(fmt::format("{} ms", listenerResponse(query.maximumResponse)));
    in.reserved(FieldId::Icmpv6Reserved, 2);
    query.group = in.address(FieldId::MldGroup);
    const std::uint8_t flags = in.u8(FieldId::MldFlags);
    in.bits(1, flags, {FieldId::MldFlagSuppress, FieldId::MldFlagRobustness, FieldId::MldFlagReserved});
    query.suppress = (flags & 0x08) != 0;
    query.robustness = flags & 0x07;
    query.interval = in.u8(FieldId::MldInterval);
    if (in.texts()) in.note(fmt::format("{} s", listenerInterval(query.interval)));
    const std::size_t sources = in.u16(FieldId::MldSources);
    for (std::size_t i = 0; i < sources && !in.failed(); ++i) query.sources.push_back(in.address(FieldId::MldSource));
    return Icmpv6Message{std::move(query)};
}

Result<Icmpv6Message> parseListenerMessage(FieldReader& in, std::uint8_t type)
{
    ListenerMessage message{type, 0, {}};
    message.maximumDelay = in.u16(FieldId::MldMaximumDelay);
    in.reserved(FieldId::Icmpv6Reserved, 2);
    message.group = in.address(FieldId::MldGroup);
    return Icmpv6Message{message};
}

std::string_view fastHandoverName(std::uint8_t subtype)
{
    static constexpr std::string_view names[] = {"", "", "Router solicitation for proxy advertisement", "Proxy router advertisement", "Handover initiate", "Handover acknowledge"};
    return subtype < std::size(names) ? names[subtype] : "";
}

/// RFC 5568 §6.1.2.
std::string_view proxyCodeName(std::uint8_t code)
{
    static constexpr std::string_view names[] = {"tuples of access points and routers", "unsolicited, a trigger to hand over", "no new router information",
                                                 "information for some access points only", "unsolicited, no trigger", "use DHCP on the new link"};
    return code < std::size(names) ? names[code] : "";
}

Result<Icmpv6Message> parseFastHandover(FieldReader& in, std::uint8_t type, std::uint8_t code)
{
    FastHandover message{type, 0, code, 0, 0, {}};
    message.subtype = in.u8(FieldId::FastSubtype);
    const std::string_view name = fastHandoverName(message.subtype);
    in.note(name);
    if (in.sink()) {
        const std::string_view meaning = message.subtype == FastHandover::advertisement ? proxyCodeName(code) : "";
        in.headline(fmt::format("{}{}{}", name, meaning.empty() ? "" : ", ", meaning));
    }
    if (message.subtype == FastHandover::initiate) {
        message.flags = in.u8(FieldId::FastFlags);
        in.bits(1, message.flags, {FieldId::FastFlagAssign, FieldId::FastFlagBuffer, FieldId::FastFlagReserved});
        message.flags &= FastHandover::assignFlag | FastHandover::bufferFlag;
    } else {
        in.reserved(FieldId::FastReserved, 1);
    }
    message.identifier = in.u16(FieldId::FastIdentifier);
    return withOptions(in, std::move(message));
}

bool isFastSubtype(std::uint8_t subtype) { return subtype >= FastHandover::solicitation && subtype <= FastHandover::acknowledge; }

/// Whether octets from Subtype on can be a fast handover message: a known subtype, then options to the very end.
bool looksLikeFastHandover(ByteView body, std::size_t least)
{
    if (body.size() < 4 + least || !isFastSubtype(body[0])) return false;
    for (std::size_t at = 4; at < body.size();) {
        if (body.size() - at < 8 || body[at + 1] == 0) return false;
        const std::size_t octets = 8 * std::size_t{body[at + 1]};
        if (octets > body.size() - at) return false;
        at += octets;
    }
    return true;
}

/// Whether a message of type 150 is one of RFC 4068. Without the user's word it must carry an option, of which these messages
/// have at least one.
bool speaksFmip4068(FieldReader& in)
{
    const ByteView body = in.whole().subspan(in.position());
    const Dialect dialect = in.context().dialect;
    if (dialect == Dialect::Fmip4068) return looksLikeFastHandover(body, 0);
    if (dialect != Dialect::Automatic || !looksLikeFastHandover(body, 8)) return false;
    if (in.sink())
        in.sink()->add(FieldId::Dialect, in.offset() - 4, 5, std::string(dialectName(Dialect::Fmip4068)),
                       fmt::format("ICMPv6 type 150 with subtype {} and well-formed options", body[0]));
    return true;
}

Result<Icmpv6Message> parseListenerReport(FieldReader& in)
{
    ListenerReport report;
    in.reserved(FieldId::Icmpv6Reserved, 2);
    const std::size_t count = in.u16(FieldId::MldRecordCount);
    for (std::size_t i = 0; i < count && !in.failed(); ++i) {
        in.open(FieldId::MldRecord);
        ListenerReport::Record record;
        record.type = in.u8(FieldId::MldRecordType);
        const std::size_t auxiliary = 4 * std::size_t{in.u8(FieldId::MldRecordAux)};
        const std::size_t sources = in.u16(FieldId::MldRecordSources);
        record.group = in.address(FieldId::MldRecordGroup);
        in.headline(record.type == ListenerReport::changeToExclude ? "join" : record.type == ListenerReport::changeToInclude ? "leave" : "");
        for (std::size_t s = 0; s < sources && !in.failed(); ++s) record.sources.push_back(in.address(FieldId::MldRecordSource));
        if (auxiliary > 0) record.auxiliary = in.bytes(FieldId::MldRecordAuxData, auxiliary);
        in.close();
        report.records.push_back(std::move(record));
    }
    return Icmpv6Message{std::move(report)};
}

Result<Icmpv6Message> parseMobileDiscovery(FieldReader& in, std::uint8_t type)
{
    const std::uint16_t identifier = in.u16(FieldId::MipIdentifier);
    const std::uint16_t word = in.u16(type == mobilePrefixAdvertisement ? FieldId::MipFlags : FieldId::MipReserved);
    if (type == mobilePrefixSolicitation) return withOptions(in, MobilePrefixSolicitation{identifier, {}});
    if (type == mobilePrefixAdvertisement) {
        in.bits(2, word, {FieldId::MipManaged, FieldId::MipOther, FieldId::MipFlagReserved});
        return withOptions(in, MobilePrefixAdvertisement{identifier, (word & 0x8000) != 0, (word & 0x4000) != 0, {}});
    }
    in.bits(2, word, {FieldId::MipRouterFlag});
    const bool mobileRouter = (word & 0x8000) != 0;
    if (type == homeAgentAddressDiscoveryRequest) return Icmpv6Message{HomeAgentDiscoveryRequest{identifier, mobileRouter}};
    HomeAgentDiscoveryReply reply{identifier, mobileRouter, {}};
    while (in.remaining() > 0 && !in.failed()) reply.homeAgents.push_back(in.address(FieldId::MipHomeAgentAddress));
    return Icmpv6Message{std::move(reply)};
}

Result<Icmpv6Message> parseBody(FieldReader& in, std::uint8_t type, std::uint8_t code)
{
    switch (type) {
    case destinationUnreachable:
    case packetTooBig:
    case timeExceeded:
    case parameterProblem: return parseError(in, type, code);
    case echoRequest:
    case echoReply: {
        const std::uint16_t identifier = in.u16(FieldId::EchoIdentifier);
        const std::uint16_t sequence = in.u16(FieldId::EchoSequence);
        return Icmpv6Message{Echo{type == echoReply, identifier, sequence, in.bytes(FieldId::EchoData, in.remaining())}};
    }
    case multicastListenerQuery:
        if (in.remaining() >= longQueryOctets) return parseListenerQuery(in);
        [[fallthrough]];
    case multicastListenerReport1:
    case multicastListenerDone: return parseListenerMessage(in, type);
    case routerSolicitation: in.reserved(FieldId::Icmpv6Reserved, 4); return withOptions(in, RouterSolicitation{});
    case routerAdvertisement: return parseRouterAdvertisement(in);
    case neighborSolicitation:
        in.reserved(FieldId::Icmpv6Reserved, 4);
        return withOptions(in, NeighborSolicitation{in.address(FieldId::NsTarget), {}});
    case neighborAdvertisement: return parseNeighborAdvertisement(in);
    case redirect: return parseRedirect(in);
    case multicastListenerReport: return parseListenerReport(in);
    case homeAgentAddressDiscoveryRequest:
    case homeAgentAddressDiscoveryReply:
    case mobilePrefixSolicitation:
    case mobilePrefixAdvertisement: return parseMobileDiscovery(in, type);
    case fastHandover:
        if (in.remaining() > 0 && isFastSubtype(in.whole()[in.position()])) return parseFastHandover(in, type, code);
        break;
    case experimentalMobility:
        if (speaksFmip4068(in)) return parseFastHandover(in, type, code);
        break;
    default: break;
    }
    return Icmpv6Message{RawIcmpv6{type, code, in.bytes(FieldId::Icmpv6Data, in.remaining())}};
}

std::string_view codeRule(std::uint8_t type)
{
    switch (type) {
    case routerSolicitation: return "RFC 4861 §6.1.1";
    case routerAdvertisement: return "RFC 4861 §6.1.2";
    case neighborSolicitation: return "RFC 4861 §7.1.1";
    case neighborAdvertisement: return "RFC 4861 §7.1.2";
    case redirect: return "RFC 4861 §8.1";
    default: return "";
    }
}

/// Receivers drop messages of neighbour discovery with another code than 0.
std::optional<Error> checkCode(std::uint8_t type, std::uint8_t code, std::size_t offset, FieldSink* sink)
{
    const std::string_view rule = codeRule(type);
    if (rule.empty() || code == 0) return std::nullopt;
    Error error{ErrorCode::Malformed, offset, fmt::format("code {} instead of 0", code)};
    if (sink) sink->finding({"", Severity::Error, error.text, rule, static_cast<std::uint32_t>(offset), 1});
    return error;
}

void emitBody(Writer& out, const Icmpv6Message& message)
{
    std::visit(Overloaded{
                   [&](const IcmpError& m) {
                       const bool hasLength = m.type == destinationUnreachable || m.type == timeExceeded;
                       out.u32(hasLength ? std::uint32_t{m.originalLength} << 24 : m.parameter);
                       out.bytes(m.invoking);
                   },
                   [&](const Echo& m) {
                       out.u16(m.identifier);
                       out.u16(m.sequence);
                       out.bytes(m.data);
                   },
                   [&](const RouterSolicitation& m) {
                       out.u32(0);
                       emitNdOptions(out, m.options);
                   },
                   [&](const RouterAdvertisement& m) {
                       out.u8(m.hopLimit);
                       out.u8(m.flags);
                       out.u16(m.routerLifetime);
                       out.u32(m.reachableTime);
                       out.u32(m.retransTimer);
                       emitNdOptions(out, m.options);
                   },
                   [&](const NeighborSolicitation& m) {
                       out.u32(0);
                       out.bytes(m.target.octets);
                       emitNdOptions(out, m.options);
                   },
                   [&](const NeighborAdvertisement& m) {
                       out.u32((m.router ? 0x80000000u : 0) | (m.solicited ? 0x40000000u : 0) | (m.override ? 0x20000000u : 0));
                       out.bytes(m.target.octets);
                       emitNdOptions(out, m.options);
                   },
                   [&](const ListenerReport& m) {
                       out.u16(0);
                       out.u16(static_cast<std::uint16_t>(m.records.size()));
                       for (const auto& record : m.records) {
                           out.u8(record.type);
                           out.u8(static_cast<std::uint8_t>(record.auxiliary.size() / 4));
                           out.u16(static_cast<std::uint16_t>(record.sources.size()));
                           out.bytes(record.group.octets);
                           for (const auto& source : record.sources) out.bytes(source.octets);
                           out.bytes(record.auxiliary);
                       }
                   },
                   [&](const HomeAgentDiscoveryRequest& m) {
                       out.u16(m.identifier);
                       out.u16(m.mobileRouter ? 0x8000 : 0);
                   },
                   [&](const HomeAgentDiscoveryReply& m) {
                       out.u16(m.identifier);
                       out.u16(m.mobileRouter ? 0x8000 : 0);
                       for (const auto& address : m.homeAgents) out.bytes(address.octets);
                   },
                   [&](const MobilePrefixSolicitation& m) {
                       out.u16(m.identifier);
                       out.u16(0);
                       emitNdOptions(out, m.options);
                   },
                   [&](const MobilePrefixAdvertisement& m) {
                       out.u16(m.identifier);
                       out.u16(static_cast<std::uint16_t>((m.managed ? 0x8000 : 0) | (m.other ? 0x4000 : 0)));
                       emitNdOptions(out, m.options);
                   },
                   [&](const Redirect& m) {
                       out.u32(0);
                       out.bytes(m.target.octets);
                       out.bytes(m.destination.octets);
                       emitNdOptions(out, m.options);
                   },
                   [&](const ListenerMessage& m) {
                       out.u16(m.maximumDelay);
                       out.u16(0);
                       out.bytes(m.group.octets);
                   },
                   [&](const ListenerQuery& m) {
                       out.u16(m.maximumResponse);
                       out.u16(0);
                       out.bytes(m.group.octets);
                       out.u8(static_cast<std::uint8_t>((m.suppress ? 0x08 : 0) | (m.robustness & 0x07)));
                       out.u8(m.interval);
                       out.u16(static_cast<std::uint16_t>(m.sources.size()));
                       for (const auto& source : m.sources) out.bytes(source.octets);
                   },
                   [&](const FastHandover& m) {
                       out.u8(m.subtype);
                       out.u8(m.flags);
                       out.u16(m.identifier);
                       emitNdOptions(out, m.options);
                   },
                   [&](const RawIcmpv6& m) { out.bytes(m.body); },
               },
               message);
}

std::uint8_t codeOf(const Icmpv6Message& message)
{
    if (const auto* error = std::get_if<IcmpError>(&message)) return error->code;
    if (const auto* fast = std::get_if<FastHandover>(&message)) return fast->code;
    if (const auto* raw = std::get_if<RawIcmpv6>(&message)) return raw->code;
    return 0;
}

}  // namespace

Result<Checked<Icmpv6Message>> parseIcmpv6(FieldReader& in, const PseudoHeader& addresses, bool cut)
{
    const ByteView whole = in.whole().subspan(in.position());
    const std::size_t start = in.offset();
    in.open(FieldId::Icmpv6);
    const std::uint8_t type = in.u8(FieldId::Icmpv6Type);
    in.note(icmpv6Name(type));
    const std::uint8_t code = in.u8(FieldId::Icmpv6Code);
    in.u16(FieldId::Icmpv6Checksum);
    const ChecksumVerdict verdict = in.failed()
                                        ? ChecksumVerdict::Unverifiable
                                        : judge(addresses, protocol::icmpv6, whole, cut, 2, FieldId::Icmpv6ChecksumVerdict, start, in.sink());
    in.headline(icmpv6Name(type));
    auto message = parseBody(in, type, code);
    if (!message) {
        // What runs past the end of the octets that the capture kept may be right.
        if (cut) message.error().code = ErrorCode::Truncated;
        return tl::unexpected(std::move(message.error()));
    }
    in.close();
    if (in.failed()) return fail(ErrorCode::Truncated, start, fmt::format("ICMPv6 message of type {} is cut short", type));
    return Checked<Icmpv6Message>{std::move(*message), verdict, checkCode(type, code, start + 1, in.sink())};
}

Bytes emitIcmpv6(const Icmpv6Message& message, const PseudoHeader& addresses)
{
    Writer out;
    out.u8(typeOf(message));
    out.u8(codeOf(message));
    out.u16(0);
    emitBody(out, message);
    out.patch16(2, checksum(addresses, protocol::icmpv6, out.view()));
    return out.take();
}

std::uint8_t typeOf(const Icmpv6Message& message)
{
    return std::visit(Overloaded{
                          [](const IcmpError& m) { return m.type; },
                          [](const Echo& m) { return m.reply ? echoReply : echoRequest; },
                          [](const RouterSolicitation&) { return routerSolicitation; },
                          [](const RouterAdvertisement&) { return routerAdvertisement; },
                          [](const NeighborSolicitation&) { return neighborSolicitation; },
                          [](const NeighborAdvertisement&) { return neighborAdvertisement; },
                          [](const ListenerReport&) { return multicastListenerReport; },
                          [](const HomeAgentDiscoveryRequest&) { return homeAgentAddressDiscoveryRequest; },
                          [](const HomeAgentDiscoveryReply&) { return homeAgentAddressDiscoveryReply; },
                          [](const MobilePrefixSolicitation&) { return mobilePrefixSolicitation; },
                          [](const MobilePrefixAdvertisement&) { return mobilePrefixAdvertisement; },
                          [](const Redirect&) { return redirect; },
                          [](const ListenerMessage& m) { return m.type; },
                          [](const ListenerQuery&) { return multicastListenerQuery; },
                          [](const FastHandover& m) { return m.type; },
                          [](const RawIcmpv6& m) { return m.type; },
                      },
                      message);
}

std::string_view icmpv6Name(std::uint8_t type)
{
    switch (type) {
    case destinationUnreachable: return "Destination unreachable";
    case packetTooBig: return "Packet too big";
    case timeExceeded: return "Time exceeded";
    case parameterProblem: return "Parameter problem";
    case echoRequest: return "Echo request";
    case echoReply: return "Echo reply";
    case multicastListenerQuery: return "Multicast listener query";
    case multicastListenerReport1: return "Multicast listener report (version 1)";
    case multicastListenerDone: return "Multicast listener done";
    case routerSolicitation: return "Router solicitation";
    case routerAdvertisement: return "Router advertisement";
    case neighborSolicitation: return "Neighbour solicitation";
    case neighborAdvertisement: return "Neighbour advertisement";
    case redirect: return "Redirect";
    case multicastListenerReport: return "Multicast listener report";
    case homeAgentAddressDiscoveryRequest: return "Home agent address discovery request";
    case homeAgentAddressDiscoveryReply: return "Home agent address discovery reply";
    case mobilePrefixSolicitation: return "Mobile prefix solicitation";
    case mobilePrefixAdvertisement: return "Mobile prefix advertisement";
    case experimentalMobility: return "Experimental mobility";
    case fastHandover: return "Fast handover";
    default: return "";
    }
}

std::uint32_t listenerResponse(std::uint16_t code)
{
    return code < 0x8000 ? code : static_cast<std::uint32_t>((code & 0x0fff) | 0x1000) << ((code >> 12 & 7) + 3);
}

std::uint32_t listenerInterval(std::uint8_t code)
{
    return code < 0x80 ? code : static_cast<std::uint32_t>((code & 0x0f) | 0x10) << ((code >> 4 & 7) + 3);
}

}  // namespace roamscope::wire
