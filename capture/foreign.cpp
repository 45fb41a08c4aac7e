// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/foreign.hpp"

#include <exception>
#include <fmt/format.h>
#include <tins/arp.h>
#include <tins/dns.h>

namespace roamscope::capture {

namespace {

constexpr std::uint16_t etherTypeArp = 0x0806;
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

ForeignSummary tcp(const wire::TcpSegment& segment)
{
    std::string flags;
    static constexpr std::pair<std::uint16_t, const char*> names[] = {{0x02, "SYN"}, {0x01, "FIN"}, {0x04, "RST"}, {0x08, "PSH"}, {0x10, "ACK"}, {0x20, "URG"}};
    for (const auto& [flag, name] : names)
        if ((segment.flags & flag) != 0) flags += fmt::format("{}{}", flags.empty() ? "" : " ", name);
    return {"TCP", fmt::format("{} → {} [{}], sequence {}, {} octets", segment.sourcePort, segment.destinationPort, flags, segment.sequence, segment.dataOctets), {}, {}};
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

std::optional<ForeignSummary> describe(ByteView frame, const wire::DecodedFrame& decoded)
{
    if (const auto* datagram = std::get_if<wire::Checked<wire::UdpDatagram>>(&decoded.message))
        return decoded.probe ? std::nullopt : udp(datagram->value.sourcePort, datagram->value.destinationPort, datagram->value.data);
    if (const auto* segment = std::get_if<wire::Checked<wire::TcpSegment>>(&decoded.message)) return tcp(segment->value);
    if (decoded.etherType != etherTypeArp || decoded.undecodedOffset >= frame.size()) return std::nullopt;
    return arp(frame.subspan(decoded.undecodedOffset));
}

}  // namespace

std::optional<ForeignSummary> describeForeign(ByteView frame, const wire::DecodedFrame& decoded)
{
    try {
        return describe(frame, decoded);
    } catch (const std::exception&) {
        return std::nullopt;  // libtins throws on what it cannot read; the caller then shows what the codec knows
    }
}

}  // namespace roamscope::capture
