// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/frame_checks.hpp"

#include "protocol/wire/skim.hpp"

#include <fmt/format.h>
#include <map>

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
    } else if (const auto* below = std::get_if<std::int64_t>(&node.value)) {
        if (field.type != FieldType::Int) return "a signed number where the registry has none";
        const unsigned unused = 64 - 8 * static_cast<unsigned>(octets.size());
        if (octets.empty() || octets.size() > 8) return "has no octets for a number";
        if (static_cast<std::int64_t>(numberIn(octets, 0) << unused) >> unused != *below) return "is not the signed number in its octets";
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
std::string messageFault(const char* what, const Bytes& emitted, const Message& message, const PseudoHeader& addresses, const DecodeContext& context, Parse parse)
{
    FieldReader in(emitted, 0, nullptr, context);
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

std::string fixpointFault(const DecodedFrame& frame, const DecodeContext& context)
{
    if (frame.error || frame.cut || frame.overIpv4 || frame.tunnel || frame.violation) return {};
    for (const Ipv6Packet& packet : frame.packets)
        if (std::string fault = packetFault(packet); !fault.empty()) return fault;
    if (frame.packets.empty()) return {};
    const PseudoHeader addresses = frame.packets.back().pseudoHeader();
    if (const auto* m = std::get_if<Checked<MobilityMessage>>(&frame.message)) {
        const Bytes emitted = emitMobility(m->value, addresses);
        if (emitted.size() <= 2048) return messageFault("mobility", emitted, m->value, addresses, context, [](FieldReader& in, const PseudoHeader& from, bool cut) { return parseMobility(in, from, cut); });
    }
    if (const auto* m = std::get_if<Checked<Icmpv6Message>>(&frame.message))
        return messageFault("ICMPv6", emitIcmpv6(m->value, addresses), m->value, addresses, context, parseIcmpv6);
    if (const auto* m = std::get_if<Checked<UdpDatagram>>(&frame.message))
        return messageFault("UDP", emitUdp(m->value, addresses), m->value, addresses, context, parseUdp);
    return {};
}

namespace {

struct SkimExpectation {
    wire::Skim skim;
    bool message = false;  ///< there is one, so that its place is known
};

wire::FrameClass classOf(const wire::DecodedFrame& frame)
{
    using namespace wire;
    static const std::map<std::uint8_t, FrameClass> classes{{protocol::udp, FrameClass::Udp},         {protocol::tcp, FrameClass::Tcp},
                                                            {protocol::mobility, FrameClass::Mobility}, {protocol::icmpv6, FrameClass::Icmpv6},
                                                            {protocol::esp, FrameClass::Esp},         {protocol::fragment, FrameClass::Fragment}};
    if (frame.ipHeaders == 0) return FrameClass::Other;
    if (frame.overIpv4 && frame.ipv4->isFragment()) return FrameClass::Fragment;
    if (const auto known = classes.find(frame.upper); known != classes.end()) return known->second;
    if (frame.overIpv4) return FrameClass::Ipv4;
    return frame.upper == protocol::none ? FrameClass::NoNext : FrameClass::Ipv6;
}

/// The verdict that a line of the tree tells.
std::optional<wire::ChecksumVerdict> listedVerdict(const wire::FieldNode& node)
{
    using wire::FieldId;
    switch (node.field) {
    case FieldId::MhChecksumVerdict:
    case FieldId::Icmpv6ChecksumVerdict:
    case FieldId::TcpChecksumVerdict:
    case FieldId::UdpChecksumVerdict: break;
    default: return std::nullopt;
    }
    const std::string text = wire::valueText(node);
    // RFC 5844 §4.1.3.2: a Mobility Header in UDP has none of its own.
    if (text.starts_with("zero") || text.starts_with("not zero")) return std::nullopt;
    if (text.starts_with("good")) return wire::ChecksumVerdict::Good;
    if (text.starts_with("bad")) return wire::ChecksumVerdict::Bad;
    return text.starts_with("none") ? wire::ChecksumVerdict::Absent : wire::ChecksumVerdict::Unverifiable;
}

SkimExpectation expectedSkim(const wire::DecodedFrame& decoded, const std::vector<wire::FieldNode>& nodes)
{
    SkimExpectation out;
    wire::Skim& want = out.skim;
    want.kind = classOf(decoded);
    out.message = !std::holds_alternative<std::monostate>(decoded.message);
    if (const auto* m = std::get_if<wire::Checked<wire::MobilityMessage>>(&decoded.message)) want.type = wire::typeOf(m->value), want.checksum = m->checksum;
    else if (const auto* i = std::get_if<wire::Checked<wire::Icmpv6Message>>(&decoded.message)) want.type = wire::typeOf(i->value), want.checksum = i->checksum;
    else if (const auto* u = std::get_if<wire::Checked<wire::UdpDatagram>>(&decoded.message)) want.checksum = u->checksum;
    else if (const auto* t = std::get_if<wire::Checked<wire::TcpSegment>>(&decoded.message)) want.checksum = t->checksum;
    if (!out.message && decoded.error && decoded.error->code != ErrorCode::Unsupported)
        for (const wire::FieldNode& node : nodes) {
            const bool mobility = want.kind == wire::FrameClass::Mobility;
            const bool icmp = want.kind == wire::FrameClass::Icmpv6;
            const bool type = (mobility && node.field == wire::FieldId::MhType) || (icmp && node.field == wire::FieldId::Icmpv6Type);
            if (const auto* value = std::get_if<std::uint64_t>(&node.value); value && type) want.type = static_cast<std::uint8_t>(*value);
            if (mobility || icmp || want.kind == wire::FrameClass::Udp || want.kind == wire::FrameClass::Tcp) want.checksum = listedVerdict(node).value_or(want.checksum);
        }
    const auto mark = [&](bool on, std::uint16_t bit) { want.marks = static_cast<std::uint16_t>(want.marks | (on ? bit : 0)); };
    mark(decoded.cut, wire::mark::cut);
    mark(decoded.error && decoded.error->code == ErrorCode::Malformed, wire::mark::malformed);
    mark(decoded.error && decoded.error->code == ErrorCode::Unsupported && decoded.error->text.starts_with("more than"), wire::mark::limited);
    mark(decoded.ipHeaders > 1, wire::mark::tunnel);
    mark(!decoded.packets.empty(), wire::mark::ipv6);
    mark(want.checksum == wire::ChecksumVerdict::Bad, wire::mark::badChecksum);
    mark(decoded.inner() && decoded.inner()->homeAddress(), wire::mark::homeAddress);
    mark(decoded.inner() && decoded.inner()->routing, wire::mark::routing2);
    return out;
}

}  // namespace

std::string skimFault(ByteView frame, std::uint16_t linkType, std::size_t originalLength)
{
    wire::FieldSink sink;
    const wire::DecodedFrame decoded = wire::decodeFrame(frame, linkType, originalLength, &sink);
    const SkimExpectation want = expectedSkim(decoded, sink.nodes());
    const wire::Skim got = wire::skim(frame, linkType, originalLength);
    const wire::Skim& right = want.skim;
    if (got.kind != right.kind) return fmt::format("skim() finds class {}, the decoder {}", static_cast<int>(got.kind), static_cast<int>(right.kind));
    if (got.marks != right.marks) return fmt::format("skim() sets marks {:#x}, the decoder means {:#x}", got.marks, right.marks);
    if (got.checksum != right.checksum)
        return fmt::format("skim() gives checksum verdict {}, the decoder {}", static_cast<int>(got.checksum), static_cast<int>(right.checksum));
    if (got.type != right.type) return fmt::format("skim() finds type {}, the decoder {}", got.type, right.type);
    if (want.message && got.messageOffset != decoded.messageOffset)
        return fmt::format("skim() finds the message at {}, the decoder at {}", got.messageOffset, decoded.messageOffset);
    if (got.messageOffset > frame.size()) return "skim() points behind the frame";
    return {};
}

}  // namespace roamscope::test
