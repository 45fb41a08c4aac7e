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
    const DecodeContext automatic;  // as the frame was read: a draft that was recognised is recognised again
    FieldReader in(emitted, 0, nullptr, automatic);
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

struct SkimExpectation {
    bool anyKind = false;  ///< the frame broke off inside its first IP header: skim() may know it, the decoder keeps nothing
    bool anyVerdict = false;
    wire::Skim skim;
    std::optional<std::size_t> message;  ///< where the decoder opened the message
};

wire::FrameClass classOf(std::uint8_t nextHeader)
{
    switch (nextHeader) {
    case wire::protocol::udp: return wire::FrameClass::Udp;
    case wire::protocol::tcp: return wire::FrameClass::Tcp;
    case wire::protocol::mobility: return wire::FrameClass::Mobility;
    case wire::protocol::icmpv6: return wire::FrameClass::Icmpv6;
    case wire::protocol::none: return wire::FrameClass::NoNext;
    case wire::protocol::esp: return wire::FrameClass::Esp;
    case wire::protocol::fragment: return wire::FrameClass::Fragment;
    default: return wire::FrameClass::Ipv6;
    }
}

void addNode(SkimExpectation& out, const wire::FieldNode& node)
{
    using wire::FieldId;
    switch (node.field) {
    case FieldId::MhType:
    case FieldId::Icmpv6Type:
        if (const auto* type = std::get_if<std::uint64_t>(&node.value)) out.skim.type = static_cast<std::uint8_t>(*type);
        return;
    case FieldId::Udp:
    case FieldId::Mobility:
    case FieldId::Icmpv6: out.message = node.offset; return;
    case FieldId::MhChecksumVerdict:
    case FieldId::Icmpv6ChecksumVerdict:
    case FieldId::UdpChecksumVerdict: {
        const std::string text = wire::valueText(node);
        out.skim.checksum = text == "good"             ? wire::ChecksumVerdict::Good
                            : text.starts_with("bad") ? wire::ChecksumVerdict::Bad
                                                      : wire::ChecksumVerdict::Unverifiable;
        return;
    }
    default: return;
    }
}

SkimExpectation expectedSkim(const wire::DecodedFrame& decoded, const std::vector<wire::FieldNode>& nodes)
{
    SkimExpectation out;
    for (const wire::FieldNode& node : nodes) addNode(out, node);
    std::uint16_t marks = 0;
    const auto mark = [&](bool on, std::uint16_t bit) { marks = static_cast<std::uint16_t>(marks | (on ? bit : 0)); };
    mark(decoded.cut, wire::mark::cut);
    mark(decoded.error && decoded.error->code == ErrorCode::Malformed, wire::mark::malformed);
    mark(decoded.error && decoded.error->code == ErrorCode::Unsupported && decoded.error->text.starts_with("more than"), wire::mark::limited);
    mark(decoded.packets.size() > 1, wire::mark::tunnel);
    mark(out.skim.checksum == wire::ChecksumVerdict::Bad, wire::mark::badChecksum);
    if (const wire::Ipv6Packet* inner = decoded.inner()) {
        mark(inner->homeAddress().has_value(), wire::mark::homeAddress);
        mark(inner->routing.has_value(), wire::mark::routing2);
        // Limits and breaks inside a further header leave it at the last packet that was read.
        out.skim.kind = (marks & wire::mark::limited) != 0 ? wire::FrameClass::Ipv6 : classOf(inner->nextHeader);
    }
    out.anyKind = decoded.packets.empty();
    out.anyVerdict = out.skim.kind == wire::FrameClass::Tcp;
    out.skim.marks = marks;
    return out;
}

}  // namespace

std::string skimFault(ByteView frame, std::uint16_t linkType, std::size_t originalLength)
{
    wire::FieldSink sink;
    const wire::DecodedFrame decoded = wire::decodeFrame(frame, linkType, originalLength, &sink);
    const SkimExpectation want = expectedSkim(decoded, sink.nodes());
    const wire::Skim got = wire::skim(frame, linkType, originalLength);
    const auto name = [](wire::FrameClass kind) { return static_cast<int>(kind); };
    const bool near = got.kind == wire::FrameClass::Other || got.kind == wire::FrameClass::Ipv6;
    if (want.anyKind ? !near : got.kind != want.skim.kind) return fmt::format("skim() finds class {}, the decoder {}", name(got.kind), name(want.skim.kind));
    std::uint16_t compared = 0xffff;
    if (want.anyVerdict) compared = static_cast<std::uint16_t>(compared & ~wire::mark::badChecksum);
    if ((got.marks & compared) != (want.skim.marks & compared)) return fmt::format("skim() sets marks {:#x}, the decoder means {:#x}", got.marks, want.skim.marks);
    if (!want.anyVerdict && got.checksum != want.skim.checksum)
        return fmt::format("skim() gives checksum verdict {}, the decoder {}", static_cast<int>(got.checksum), static_cast<int>(want.skim.checksum));
    if (got.type != want.skim.type) return fmt::format("skim() finds type {}, the decoder {}", got.type, want.skim.type);
    if (want.message && got.messageOffset != *want.message) return fmt::format("skim() finds the message at {}, the decoder at {}", got.messageOffset, *want.message);
    if (got.messageOffset > frame.size()) return "skim() points behind the frame";
    return {};
}

}  // namespace roamscope::test
