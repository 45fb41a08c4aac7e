// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/frame_checks.hpp"

#include "protocol/wire/skim.hpp"

#include <fmt/format.h>

namespace roamscope::test {

using namespace roamscope::wire;

namespace {

/// The octets as a number, or nothing when they are too many for one.
std::uint64_t numberIn(ByteView octets, std::uint64_t mask)
{
    std::uint64_t word = 0;
    for (const std::uint8_t octet : octets) word = word * 256 + octet;
    if (mask == 0) return word;
    word &= mask;
    for (; mask % 2 == 0; mask /= 2) word /= 2;
    return word;
}

/// Fields that hosts write in their own order, or whose protocol is little-endian.
bool mayBeLittleEndian(std::string_view name) { return name.starts_with("wlan.") || name.starts_with("radiotap.") || name.starts_with("null."); }

/// Numbers that are worked out from what stands in the octets, as tshark shows them.
bool isWorkedOut(FieldId field) { return field == FieldId::Ipv4HeaderLength || field == FieldId::TcpHeaderLength || field == FieldId::TcpLength; }

std::string valueFault(ByteView octets, const FieldNode& node)
{
    const FieldInfo& field = info(node.field);
    if (const auto* v = std::get_if<std::uint64_t>(&node.value)) {
        if (field.type != FieldType::UInt && field.type != FieldType::Boolean) return "a number where the registry has none";
        const Bytes reversed(octets.rbegin(), octets.rend());
        const bool found = isWorkedOut(node.field) || (octets.size() <= 8 && (numberIn(octets, field.mask) == *v ||
                                                       (mayBeLittleEndian(field.name) && numberIn(reversed, field.mask) == *v)));
        if (!found) return "is not the number in its octets";
        if (field.type == FieldType::Boolean && *v > 1) return "is no boolean";
    } else if (const auto* address = std::get_if<Ipv6Address>(&node.value)) {
        if (field.type != FieldType::Address) return "an address where the registry has none";
        if (!std::equal(octets.begin(), octets.end(), address->octets.begin(), address->octets.end())) return "is not the address in its octets";
    } else if (const auto* ipv4 = std::get_if<Ipv4Address>(&node.value)) {
        if (field.type != FieldType::Ipv4) return "an IPv4 address where the registry has none";
        if (!std::equal(octets.begin(), octets.end(), ipv4->octets.begin(), ipv4->octets.end())) return "is not the address in its octets";
    } else if (const auto* mac = std::get_if<Mac>(&node.value)) {
        if (field.type != FieldType::Mac) return "a link-layer address where the registry has none";
        if (!std::equal(octets.begin(), octets.end(), mac->octets.begin(), mac->octets.end())) return "is not the address in its octets";
    } else if (const auto* bytes = std::get_if<Bytes>(&node.value)) {
        if (field.type != FieldType::Bytes) return "octets where the registry has none";
        if (!std::equal(octets.begin(), octets.end(), bytes->begin(), bytes->end())) return "are not the octets";
    } else if (std::holds_alternative<std::string>(node.value)) {
        if (field.type != FieldType::Text) return "text where the registry has none";
    } else if (field.type != FieldType::None && field.type != FieldType::Text) {
        return "has no value";
    }
    return {};
}

template <class T>
std::string compare(const char* what, const Result<T>& again, const T& before)
{
    if (!again) return fmt::format("{}: emitted octets do not parse: {}", what, again.error().text);
    if (!(*again == before)) return fmt::format("{}: another value after emitting and parsing", what);
    return {};
}

bool fitsOneHeader(const std::vector<Ipv6Option>& options)
{
    std::size_t octets = 2 + 8;
    for (const Ipv6Option& option : options) octets += 2 + option.data.size() + 7;
    return octets <= 2048;
}

std::string packetFault(const Ipv6Packet& packet)
{
    if (!fitsOneHeader(packet.hopByHop) || !fitsOneHeader(packet.destinationOptions)) return {};
    const Bytes emitted = emitIpv6(packet);
    if (emitted.size() > Ipv6Packet::headerOctets + 65535) return {};
    FieldReader in(emitted, 0, nullptr);
    auto parsed = parseIpv6(in);
    return compare("IPv6", parsed ? Result<Ipv6Packet>(std::move(parsed->packet)) : tl::unexpected(parsed.error()), packet);
}

template <class Message, class Parse>
std::string messageFault(const char* what, const Bytes& emitted, const Message& message, const PseudoHeader& addresses, Parse parse)
{
    FieldReader in(emitted, 0, nullptr);
    auto parsed = parse(in, addresses, false);
    if (parsed && parsed->checksum != ChecksumVerdict::Good) return fmt::format("{}: emitted with a bad checksum", what);
    return compare(what, parsed ? Result<Message>(std::move(parsed->value)) : tl::unexpected(parsed.error()), message);
}

}  // namespace

std::string nodeFault(ByteView frame, const std::vector<FieldNode>& nodes)
{
    for (const FieldNode& node : nodes) {
        const std::string name(info(node.field).name);
        if (node.offset > frame.size() || node.length > frame.size() - node.offset)
            return fmt::format("{} at {} with {} octets is outside the frame of {}", name, node.offset, node.length, frame.size());
        if (const std::string fault = valueFault(frame.subspan(node.offset, node.length), node); !fault.empty())
            return fmt::format("{} at {} with {} octets: {}", name, node.offset, node.length, fault);
    }
    return {};
}

std::string nestingFault(const std::vector<FieldNode>& nodes)
{
    std::vector<const FieldNode*> open;
    for (const FieldNode& node : nodes) {
        if (node.depth > open.size()) return fmt::format("{} at {} has no group above it", info(node.field).name, node.offset);
        open.resize(node.depth);
        if (!open.empty() && (node.offset < open.back()->offset || node.offset + node.length > open.back()->offset + open.back()->length))
            return fmt::format("{} at {} is outside its group {}", info(node.field).name, node.offset, info(open.back()->field).name);
        open.push_back(&node);
    }
    return {};
}

std::string fixpointFault(const DecodedFrame& frame)
{
    if (frame.error || frame.cut || frame.overIpv4 || frame.tunnel || frame.violation) return {};
    for (const Ipv6Packet& packet : frame.packets)
        if (std::string fault = packetFault(packet); !fault.empty()) return fault;
    if (frame.packets.empty()) return {};
    const PseudoHeader addresses = frame.packets.back().pseudoHeader();
    if (const auto* m = std::get_if<Checked<MobilityMessage>>(&frame.message)) {
        const Bytes emitted = emitMobility(m->value, addresses);
        if (emitted.size() <= 2048) return messageFault("mobility", emitted, m->value, addresses, parseMobility);
    }
    if (const auto* m = std::get_if<Checked<Icmpv6Message>>(&frame.message))
        return messageFault("ICMPv6", emitIcmpv6(m->value, addresses), m->value, addresses, parseIcmpv6);
    if (const auto* m = std::get_if<Checked<UdpDatagram>>(&frame.message))
        return messageFault("UDP", emitUdp(m->value, addresses), m->value, addresses, parseUdp);
    return {};
}

namespace {

}  // namespace

std::string skimFault(ByteView frame, std::uint16_t linkType, std::size_t originalLength)
{
    const wire::DecodedFrame decoded = wire::decodeFrame(frame, linkType, originalLength);
    const wire::Skim want = wire::skimOf(decoded);
    const wire::Skim got = wire::skim(frame, linkType, originalLength);
    const auto name = [](wire::FrameClass kind) { return static_cast<int>(kind); };
    // A frame that breaks off inside its first IP header: skim() may know it, the decoder keeps nothing.
    const bool near = decoded.ipHeaders == 0 && got.kind == wire::FrameClass::Ipv6;
    if (got.kind != want.kind && !near) return fmt::format("skim() finds class {}, the decoder {}", name(got.kind), name(want.kind));
    // The decoder has no verdict on a message that it could not read.
    const bool unread = decoded.error && std::holds_alternative<std::monostate>(decoded.message);
    const std::uint16_t compared = static_cast<std::uint16_t>(unread ? ~wire::mark::badChecksum : 0xffff);
    if ((got.marks & compared) != (want.marks & compared)) return fmt::format("skim() sets marks {:#x}, the decoder means {:#x}", got.marks, want.marks);
    if (!unread && got.checksum != want.checksum)
        return fmt::format("skim() gives checksum verdict {}, the decoder {}", static_cast<int>(got.checksum), static_cast<int>(want.checksum));
    if (got.type != want.type) return fmt::format("skim() finds type {}, the decoder {}", got.type, want.type);
    if (!near && got.messageOffset != want.messageOffset)
        return fmt::format("skim() finds the message at {}, the decoder at {}", got.messageOffset, want.messageOffset);
    if (got.messageOffset > frame.size()) return "skim() points behind the frame";
    return {};
}

}  // namespace roamscope::test
