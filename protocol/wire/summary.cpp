// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/summary.hpp"

#include "protocol/base/overloaded.hpp"
#include "protocol/wire/summary_mobility.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

namespace {

std::string_view unreachableName(std::uint8_t code)
{
    static constexpr std::string_view names[] = {"no route", "prohibited", "beyond scope", "address unreachable", "port unreachable"};
    return code < std::size(names) ? names[code] : "";
}

std::string describe(const IcmpError& m)
{
    if (m.type == icmpv6Type::destinationUnreachable) return fmt::format("Destination unreachable, {}", unreachableName(m.code));
    if (m.type == icmpv6Type::packetTooBig) return fmt::format("Packet too big, MTU {}", m.parameter);
    if (m.type == icmpv6Type::parameterProblem) return fmt::format("Parameter problem, code {}, octet {}", m.code, m.parameter);
    return fmt::format("{}, code {}", icmpv6Name(m.type), m.code);
}

std::string describe(const RouterAdvertisement& m)
{
    std::string out = "RA";
    if ((m.flags & RouterAdvertisement::homeAgentFlag) != 0) out += ", home agent";
    for (const NdOption& option : m.options) {
        if (const auto* p = std::get_if<PrefixInformation>(&option)) out += ", prefix " + p->prefix.masked().text();
        if (const auto* map = std::get_if<MapOption>(&option))
            out += fmt::format(", MAP {} distance {} preference {}", map->address.text(), map->distance, map->preference);
    }
    return out;
}

std::string describe(const ListenerMessage& m)
{
    if (m.type == icmpv6Type::multicastListenerDone) return "MLD done, " + m.group.text();
    if (m.type == icmpv6Type::multicastListenerReport1) return "MLD report, join " + m.group.text();
    return m.group.isUnspecified() ? std::string("MLD query for all groups") : "MLD query for " + m.group.text();
}

std::string describe(const ListenerQuery& m)
{
    std::string out = m.group.isUnspecified() ? std::string("MLD query for all groups") : "MLD query for " + m.group.text();
    if (!m.sources.empty()) out += fmt::format(", {} source{}", m.sources.size(), m.sources.size() == 1 ? "" : "s");
    return out;
}

std::string describe(const FastHandover& m)
{
    static constexpr std::string_view names[] = {"", "", "RtSolPr", "PrRtAdv", "HI", "HAck"};
    std::string out = fmt::format("{}, identifier {}", m.subtype < std::size(names) ? names[m.subtype] : "", m.identifier);
    if (m.code != 0) out += fmt::format(", code {}", m.code);
    for (const NdOption& option : m.options) {
        const auto* address = std::get_if<HandoverAddress>(&option);
        if (!address) continue;
        if (address->code == HandoverAddress::newRouter) out += ", new router " + address->address.text();
        if (address->code == HandoverAddress::newRouterPrefix) out += fmt::format(", prefix {}", Prefix{address->address, address->prefixLength}.masked().text());
        if (address->code == HandoverAddress::newCareOf) out += ", new care-of " + address->address.text();
    }
    if (m.type == icmpv6Type::experimentalMobility) out += " (RFC 4068)";
    return out;
}

std::string describe(const Icmpv6Message& message, const Ipv6Packet& packet)
{
    return std::visit(
        Overloaded{
            [](const IcmpError& m) { return describe(m); },
            [](const Echo& m) { return fmt::format("Echo {}, sequence {}", m.reply ? "reply" : "request", m.sequence); },
            [](const RouterSolicitation&) { return std::string("RS"); },
            [](const RouterAdvertisement& m) { return describe(m); },
            [&](const NeighborSolicitation& m) {
                return packet.source.isUnspecified() ? fmt::format("NS, is {} in use? (DAD)", m.target.text())
                                                     : fmt::format("NS, who has {}?", m.target.text());
            },
            [](const NeighborAdvertisement& m) {
                std::string out = fmt::format("NA, {}", m.target.text());
                if (const auto* lla = findOption<TargetLinkLayerOption>(m.options)) out += " is at " + lla->address.text();
                out += fmt::format("{}{}{}", m.router ? ", R" : "", m.solicited ? ", S" : "", m.override ? ", O" : "");
                return out;
            },
            [](const ListenerReport& m) {
                std::string out = "MLD report";
                for (const auto& record : m.records)
                    out += fmt::format(", {} {}", record.type == ListenerReport::changeToExclude ? "join" : "type " + std::to_string(record.type),
                                       record.group.text());
                return out;
            },
            [](const HomeAgentDiscoveryRequest& m) { return fmt::format("Home agent address discovery request{}", m.mobileRouter ? ", R" : ""); },
            [](const HomeAgentDiscoveryReply& m) {
                return fmt::format("Home agent address discovery reply, {} home agent{}{}", m.homeAgents.size(), m.homeAgents.size() == 1 ? "" : "s",
                                   m.mobileRouter ? ", R" : "");
            },
            [](const MobilePrefixSolicitation&) { return std::string("Mobile prefix solicitation"); },
            [](const MobilePrefixAdvertisement& m) {
                std::string out = "Mobile prefix advertisement";
                for (const NdOption& option : m.options)
                    if (const auto* p = std::get_if<PrefixInformation>(&option)) out += ", prefix " + p->prefix.masked().text();
                return out;
            },
            [](const Redirect& m) { return fmt::format("Redirect, {} by way of {}", m.destination.text(), m.target.text()); },
            [](const ListenerMessage& m) { return describe(m); },
            [](const ListenerQuery& m) { return describe(m); },
            [](const FastHandover& m) { return describe(m); },
            [](const RawIcmpv6& m) {
                const std::string_view name = icmpv6Name(m.type);
                return name.empty() ? fmt::format("Type {}, code {}", m.type, m.code) : std::string(name);
            },
        },
        message);
}

MessageKind kindOf(const Icmpv6Message& message)
{
    const std::uint8_t type = typeOf(message);
    const bool echo = type == icmpv6Type::echoRequest || type == icmpv6Type::echoReply;
    return echo ? MessageKind::Data : type < 128 ? MessageKind::Other : MessageKind::Discovery;
}

struct BadChecksum {
    bool operator()(std::monostate) const { return false; }
    template <class T>
    bool operator()(const Checked<T>& m) const
    {
        return m.checksum == ChecksumVerdict::Bad || m.violation;
    }
};

void describeMessage(Summary& out, const DecodedFrame& frame)
{
    // For a message that IPv4 carries a packet with its addresses mapped.
    Ipv6Packet standIn;
    if (frame.overIpv4) {
        standIn.source = mapped(frame.ipv4->source);
        standIn.destination = mapped(frame.ipv4->destination);
    }
    const Ipv6Packet& packet = frame.overIpv4 ? standIn : *frame.inner();
    if (const auto* icmp = std::get_if<Checked<Icmpv6Message>>(&frame.message)) {
        out.protocol = "ICMPv6";
        out.kind = kindOf(icmp->value);
        out.info = describe(icmp->value, packet);
    } else if (const auto* mobility = std::get_if<Checked<MobilityMessage>>(&frame.message)) {
        out.protocol = "MIPv6";
        out.kind = mobilityKind(mobility->value);
        out.info = describeMobility(mobility->value, packet);
    } else if (const auto* udp = std::get_if<Checked<UdpDatagram>>(&frame.message)) {
        out.protocol = frame.ike ? "IKEv2" : "UDP";
        out.kind = frame.ike ? MessageKind::Other : MessageKind::Data;
        out.info = frame.ike   ? fmt::format("{} {}, message {}", ikeExchangeName(frame.ike->exchange), frame.ike->isResponse() ? "response" : "request", frame.ike->messageId)
                   : frame.probe ? fmt::format("Probe {}{}", frame.probe->serial, frame.probe->answer ? ", answer" : "")
                               : fmt::format("{} → {}, {} octets", udp->value.sourcePort, udp->value.destinationPort, udp->value.data.size());
    } else if (const auto* tcp = std::get_if<Checked<TcpSegment>>(&frame.message)) {
        out.protocol = "TCP";
        out.kind = MessageKind::Data;
        out.info = fmt::format("{} → {}, {} octets", tcp->value.sourcePort, tcp->value.destinationPort, tcp->value.dataOctets);
    } else {
        const std::string_view name = nextHeaderName(frame.upper);
        out.protocol = frame.overIpv4 ? "IPv4" : "IPv6";
        out.kind = frame.error ? MessageKind::Other : MessageKind::Data;
        out.info = name.empty() ? fmt::format("{} {}", frame.overIpv4 ? "protocol" : "next header", frame.upper) : std::string(name);
    }
}

}  // namespace

Summary summarize(const DecodedFrame& frame)
{
    Summary out;
    if (frame.ipHeaders > 0) {
        out.source = frame.overIpv4 ? frame.ipv4->source.text() : frame.inner()->source.text();
        out.destination = frame.overIpv4 ? frame.ipv4->destination.text() : frame.inner()->destination.text();
        out.tunnels = frame.ipHeaders - 1;
        describeMessage(out, frame);
    } else if (frame.ethernet) {
        out.source = frame.ethernet->source.text();
        out.destination = frame.ethernet->destination.text();
        out.protocol = "Ethernet";
        out.info = fmt::format("type 0x{:04x}", frame.etherType);
    } else {
        out.protocol = "Data";
    }
    const bool badChecksum = std::visit(BadChecksum{}, frame.message) || lacksChecksum(frame);
    if (badChecksum) out.info += " [wrong checksum or header]";
    const bool snapped = frame.cut && frame.error && frame.error->code == ErrorCode::Truncated;
    if (snapped) out.info += " [cut by the capture]";
    else if (frame.error) out.info += fmt::format("{}[{}]", out.info.empty() ? "" : " ", frame.error->text);
    out.malformed = badChecksum || frame.violation || (frame.error && !snapped && frame.error->code != ErrorCode::Unsupported);
    return out;
}

Dissection dissect(ByteView frame, std::uint16_t linkType, std::size_t originalLength, const DecodeContext& context)
{
    FieldSink sink;
    const DecodedFrame decoded = decodeFrame(frame, linkType, originalLength, &sink, context);
    return {std::move(sink.nodes()), std::move(sink.findings()), std::move(sink.buffers()), summarize(decoded)};
}

Dissection dissectFields(ByteView frame, std::uint16_t linkType, std::size_t originalLength, const FieldSet& wanted, const DecodeContext& context)
{
    FieldSink sink(wanted);
    static_cast<void>(decodeFrame(frame, linkType, originalLength, &sink, context));
    return {std::move(sink.nodes()), {}, std::move(sink.buffers()), {}};
}

}  // namespace roamscope::wire
