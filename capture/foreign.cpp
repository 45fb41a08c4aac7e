// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/foreign.hpp"

#include <exception>
#include <fmt/format.h>
#include <tins/arp.h>
#include <tins/dns.h>
#include <tins/ip_address.h>
#include <tins/tcp.h>

namespace roamscope::capture {

namespace {

constexpr std::uint16_t etherTypeArp = 0x0806;
constexpr std::uint16_t etherTypeIpv4 = 0x0800;
constexpr std::uint16_t portDns = 53;
constexpr std::uint16_t portMulticastDns = 5353;
constexpr std::size_t mostDnsOctets = 4096;

std::optional<ForeignSummary> arp(ByteView bytes)
{
    if (bytes.size() < 28) return std::nullopt;
    const Tins::ARP message(bytes.data(), 28);  // what follows is padding of the link
    const std::string sender = message.sender_ip_addr().to_string();
    const std::string target = message.target_ip_addr().to_string();
    if (message.opcode() == Tins::ARP::REQUEST) return ForeignSummary{"ARP", fmt::format("Who has {}? Tell {}", target, sender), {}, {}};
    return ForeignSummary{"ARP", fmt::format("{} is at {}", sender, message.sender_hw_addr().to_string()), {}, {}};
}

ForeignSummary tcp(ByteView bytes)
{
    const Tins::TCP segment(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
    std::string flags;
    static constexpr std::pair<Tins::TCP::Flags, const char*> names[] = {{Tins::TCP::SYN, "SYN"}, {Tins::TCP::FIN, "FIN"}, {Tins::TCP::RST, "RST"},
                                                                         {Tins::TCP::PSH, "PSH"}, {Tins::TCP::ACK, "ACK"}, {Tins::TCP::URG, "URG"}};
    for (const auto& [flag, name] : names)
        if (segment.get_flag(flag) != 0) flags += fmt::format("{}{}", flags.empty() ? "" : " ", name);
    const std::size_t data = bytes.size() - std::min(bytes.size(), std::size_t{4} * segment.data_offset());
    return {"TCP", fmt::format("{} → {} [{}], sequence {}, {} octets", segment.sport(), segment.dport(), flags, segment.seq(), data), {}, {}};
}

/// Whether the first question's name is written out: libtins must not be led along compression pointers.
bool plainQuestion(ByteView message)
{
    std::size_t i = 12;
    while (i < message.size() && message[i] != 0) {
        if (message[i] > 63) return false;
        i += 1u + message[i];
    }
    return i + 5 <= message.size() && i < 12 + 255;
}

std::optional<ForeignSummary> dns(ByteView bytes)
{
    constexpr std::size_t header = 12;
    if (bytes.size() < header || bytes.size() > mostDnsOctets || bytes[4] != 0 || bytes[5] != 1 || !plainQuestion(bytes)) return std::nullopt;
    // Only the header and the one question: the records behind it are not needed, so their counts are cleared.
    Bytes question(bytes.begin(), bytes.end());
    const unsigned answers = question[6] * 256u + question[7];
    std::fill(question.begin() + 6, question.begin() + header, std::uint8_t{0});
    const Tins::DNS message(question.data(), static_cast<std::uint32_t>(question.size()));
    const auto queries = message.queries();
    if (queries.empty()) return std::nullopt;
    const char* kind = message.type() == Tins::DNS::QUERY ? "Query" : "Response";
    std::string info = fmt::format("{} {} (type {})", kind, queries.front().dname(), static_cast<int>(queries.front().query_type()));
    if (message.type() != Tins::DNS::QUERY) info += fmt::format(", {} answer{}", answers, answers == 1 ? "" : "s");
    return ForeignSummary{"DNS", info, {}, {}};
}

std::optional<ForeignSummary> udp(std::uint16_t source, std::uint16_t destination, ByteView data)
{
    for (const std::uint16_t port : {source, destination})
        if (port == portDns || port == portMulticastDns) return dns(data);
    return std::nullopt;
}

std::string_view ipv4ProtocolName(std::uint8_t number)
{
    switch (number) {
    case 1: return "ICMP";
    case 2: return "IGMP";
    case 4: return "IPv4 in IPv4";
    case 6: return "TCP";
    case 17: return "UDP";
    case 41: return "IPv6 in IPv4";
    case 47: return "GRE";
    case 50: return "ESP";
    default: return "";
    }
}

/// The IPv4 header is read here: libtins 4.0 recurses into tunnels and stumbles over IPv4 options.
std::optional<ForeignSummary> ipv4(ByteView bytes)
{
    Reader in(bytes);
    const std::uint8_t first = in.u8();
    in.skip(1);
    const std::size_t total = in.u16();
    in.skip(2);
    const bool fragment = (in.u16() & 0x1fff) != 0;
    in.skip(1);
    const std::uint8_t number = in.u8();
    in.skip(2);
    const auto address = [&] {
        const auto a = in.array<4>();
        return fmt::format("{}.{}.{}.{}", a[0], a[1], a[2], a[3]);
    };
    ForeignSummary out{"IPv4", {}, address(), address()};
    const std::size_t header = 4u * (first & 15u);
    if (in.failed() || first >> 4 != 4 || header < 20 || header > bytes.size()) return std::nullopt;
    const ByteView payload = bytes.first(std::max(header, std::min(total, bytes.size()))).subspan(header);
    const std::string_view name = ipv4ProtocolName(number);
    out.info = fragment ? "fragment" : name.empty() ? fmt::format("protocol {}", number) : std::string(name);
    std::optional<ForeignSummary> inner;
    if (!fragment && number == 6) inner = tcp(payload);
    if (!fragment && number == 17 && payload.size() >= 8) {
        Reader ports(payload);
        const std::uint16_t source = ports.u16();
        const std::uint16_t destination = ports.u16();
        inner = udp(source, destination, payload.subspan(8));
        if (!inner) inner = ForeignSummary{"UDP", fmt::format("{} → {}, {} octets", source, destination, payload.size() - 8), {}, {}};
    }
    if (inner) {
        out.protocol = inner->protocol;
        out.info = inner->info;
    }
    return out;
}

std::optional<ForeignSummary> describe(ByteView frame, std::uint16_t linkType, const wire::DecodedFrame& decoded)
{
    if (const auto* datagram = std::get_if<wire::Checked<wire::UdpDatagram>>(&decoded.message))
        return decoded.probe ? std::nullopt : udp(datagram->value.sourcePort, datagram->value.destinationPort, datagram->value.data);
    if (decoded.undecodedOffset >= frame.size() || decoded.error) return std::nullopt;
    const ByteView rest = frame.subspan(decoded.undecodedOffset);
    if (const wire::Ipv6Packet* packet = decoded.inner()) {
        // The packet's own octets, without the padding that a link may have added.
        const ByteView payload = rest.first(std::min(rest.size(), packet->payload.size()));
        if (packet->nextHeader == wire::protocol::tcp) return tcp(payload);
        if (packet->nextHeader == wire::protocol::ipv4) return ipv4(payload);
        return std::nullopt;
    }
    if (decoded.ethernet) {
        if (decoded.etherType == etherTypeArp) return arp(rest);
        if (decoded.etherType == etherTypeIpv4) return ipv4(rest);
        return std::nullopt;
    }
    return linkType == wire::linkRaw || linkType == wire::linkRawBsd ? ipv4(rest) : std::nullopt;
}

}  // namespace

std::optional<ForeignSummary> describeForeign(ByteView frame, std::uint16_t linkType, const wire::DecodedFrame& decoded)
{
    try {
        return describe(frame, linkType, decoded);
    } catch (const std::exception&) {
        return std::nullopt;  // libtins throws on what it cannot read; the caller then shows what the codec knows
    }
}

}  // namespace roamscope::capture
