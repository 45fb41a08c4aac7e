// SPDX-License-Identifier: GPL-3.0-or-later
// Two ways to the same answer: what nearly all frames are (IPv6 in IPv6 with plain headers) is walked here; everything else,
// and everything that is broken, is left to decodeFrame().
#include "protocol/wire/skim.hpp"

#include "protocol/wire/frame.hpp"

#include <algorithm>
#include <cstring>

namespace roamscope::wire {

namespace {

constexpr std::size_t addressOctets = 16;
constexpr std::size_t maxQuickHeaders = PlainHeaders::most;
constexpr std::uint8_t firstInformational = 128;  // ICMPv6: smaller types are errors, which quote a packet
constexpr std::uint8_t redirectType = 137;        // may quote one too (RFC 4861 §4.5)

/// `at_` and `end_` are the octets that the enclosing header gives to what comes next; `cut_`: the capture may have kept fewer
/// than the header says. Every step gives false as soon as it meets what it does not know.
class Walk {
public:
    Walk(ByteView frame, bool cut) : frame_(frame), end_(frame.size()), cut_(cut)
    {
        if (cut) out_.marks = mark::cut;
    }

    bool run(std::uint16_t linkType)
    {
        std::uint8_t next = 0;
        return headers(linkType, next) && message(next);
    }
    [[nodiscard]] const Skim& result() const { return out_; }

    bool runHeaders(std::uint16_t linkType)
    {
        std::uint8_t next = 0;
        if (cut_ || !headers(linkType, next)) return false;
        headers_.upper = next;
        headers_.message = static_cast<std::uint32_t>(at_);
        switch (next) {
        case protocol::udp: return udpFits();
        case protocol::tcp: return tcpFits();
        case protocol::icmpv6: return left() >= 4 && u8(0) >= firstInformational && u8(0) != redirectType;
        case protocol::mobility: return left() >= 6;
        default: return false;
        }
    }
    [[nodiscard]] const PlainHeaders& plain() const { return headers_; }

private:
    [[nodiscard]] std::size_t left() const { return end_ - at_; }
    [[nodiscard]] std::uint8_t u8(std::size_t offset) const { return frame_[at_ + offset]; }
    [[nodiscard]] std::uint16_t u16(std::size_t offset) const { return static_cast<std::uint16_t>(frame_[at_ + offset] << 8 | frame_[at_ + offset + 1]); }
    void set(std::uint16_t bits) { out_.marks = static_cast<std::uint16_t>(out_.marks | bits); }

    /// All up to what the innermost IPv6 header carries, which is `next`.
    bool headers(std::uint16_t linkType, std::uint8_t& next)
    {
        if (!link(linkType)) return false;
        while (headers_.count < maxQuickHeaders) {
            headers_.ipv6[headers_.count++] = static_cast<std::uint32_t>(at_);
            if (!packet(next)) return false;
            if (headers_.count > 1) set(mark::tunnel);
            if (next != protocol::ipv6) return true;
        }
        return false;
    }

    bool link(std::uint16_t linkType)
    {
        set(mark::ipv6);
        if (linkType == linkEthernet && left() >= EthernetHeader::octets && u16(12) == etherTypeIpv6) {
            headers_.ethernet = true;
            at_ = EthernetHeader::octets;
            return true;
        }
        if (!isKnownLink(linkType)) return false;
        FieldReader in(frame_, 0, nullptr, context_);
        const auto headers = parseLink(in, linkType, cut_);
        if (!headers || headers->payload != LinkPayload::Ipv6 || headers->encrypted || !headers->rest.empty()) return false;
        if (headers->layers + maxQuickHeaders > maxLayers) return false;
        at_ = in.position();
        cut_ = cut_ && headers->end == frame_.size();
        end_ = headers->end;
        return true;
    }

    /// One IPv6 header and its extension headers; `next` becomes what follows.
    bool packet(std::uint8_t& next)
    {
        if (left() < Ipv6Packet::headerOctets || u8(0) >> 4 != 6) return false;
        const std::size_t length = u16(4);
        next = u8(6);
        if (length == 0 && next == protocol::hopByHop) return false;
        if (Ipv6Packet::headerOctets + length <= left()) {
            end_ = at_ + Ipv6Packet::headerOctets + length;
            cut_ = false;
        } else if (!cut_) {
            return false;
        }
        source_ = at_ + 8;
        destination_ = at_ + 24;
        at_ += Ipv6Packet::headerOctets;
        std::uint16_t found = 0;
        for (int i = 0; i < maxExtensionHeaders; ++i) {
            if (next == protocol::hopByHop && i > 0) return false;
            if (next == protocol::hopByHop || next == protocol::destinationOptions) {
                if (!options(next, found)) return false;
            } else if (next == protocol::routing) {
                if (!routing(next, found)) return false;
            } else {
                break;
            }
            headers_.extensions = true;
        }
        constexpr std::uint16_t both = mark::homeAddress | mark::routing2;
        out_.marks = static_cast<std::uint16_t>((out_.marks & ~both) | found);
        return true;
    }

    bool options(std::uint8_t& next, std::uint16_t& found)
    {
        if (left() < 2) return false;
        const std::size_t octets = 8 * (std::size_t{u8(1)} + 1);
        if (left() < octets) return false;
        const bool hop = next == protocol::hopByHop;
        next = u8(0);
        for (std::size_t i = 2; i < octets;) {
            if (u8(i) == 0) {
                ++i;
                continue;
            }
            if (i + 2 > octets || i + 2 + u8(i + 1) > octets) return false;
            if (u8(i) == optionHomeAddress && u8(i + 1) == addressOctets && !hop) {
                if ((found & mark::homeAddress) != 0) return false;
                found = static_cast<std::uint16_t>(found | mark::homeAddress);
                source_ = at_ + i + 2;
            }
            i += 2 + std::size_t{u8(i + 1)};
        }
        at_ += octets;
        return true;
    }

    /// Type 2 in its right form (RFC 6275 §6.4.1).
    bool routing(std::uint8_t& next, std::uint16_t& found)
    {
        constexpr std::size_t octets = 24;
        if (left() < octets || u8(1) != 2 || u8(2) != 2 || u8(3) != 1 || (found & mark::routing2) != 0) return false;
        next = u8(0);
        found = static_cast<std::uint16_t>(found | mark::routing2);
        destination_ = at_ + 8;
        at_ += octets;
        return true;
    }

    bool message(std::uint8_t next)
    {
        out_.messageOffset = static_cast<std::uint32_t>(at_);
        switch (next) {
        case protocol::udp: return udp();
        case protocol::tcp: return tcp();
        case protocol::mobility: return mobility();
        case protocol::icmpv6: return icmpv6();
        default: return false;
        }
    }

    [[nodiscard]] bool udpFits() const
    {
        if (left() < 8 || isCarrierPort(u16(0)) || isCarrierPort(u16(2))) return false;
        const std::size_t length = u16(4);
        return length >= 8 && (length <= left() || cut_);
    }

    bool udp()
    {
        out_.kind = FrameClass::Udp;
        if (!udpFits()) return false;
        const std::size_t length = u16(4);
        if (u16(6) == 0) return true;
        if (length <= left()) judge(protocol::udp, length);
        else out_.checksum = ChecksumVerdict::Unverifiable;
        return true;
    }

    [[nodiscard]] bool tcpFits() const
    {
        constexpr std::size_t fixed = 20;
        if (left() < fixed) return false;
        const std::size_t header = 4u * (u8(12) >> 4);
        return header >= fixed && header <= left();
    }

    bool tcp()
    {
        out_.kind = FrameClass::Tcp;
        if (!tcpFits()) return false;
        if (cut_) out_.checksum = ChecksumVerdict::Unverifiable;
        else judge(protocol::tcp, left());
        return true;
    }

    void judge(std::uint8_t protocol, std::size_t octets)
    {
        const std::uint64_t ends = endSum(wordSum(frame_.subspan(source_, addressOctets)), wordSum(frame_.subspan(destination_, addressOctets)));
        const std::uint64_t total = endSum(endSum(ends, pseudoWords(octets, protocol)), wordSum(frame_.subspan(at_, octets)));
        verdict(foldWords(total) == 0xffff ? ChecksumVerdict::Good : ChecksumVerdict::Bad);
    }

    void verdict(ChecksumVerdict value)
    {
        out_.checksum = value;
        if (value == ChecksumVerdict::Bad) set(mark::badChecksum);
    }

    [[nodiscard]] PseudoHeader addresses() const
    {
        PseudoHeader out;
        std::memcpy(out.source.octets.data(), frame_.data() + source_, addressOctets);
        std::memcpy(out.destination.octets.data(), frame_.data() + destination_, addressOctets);
        return out;
    }

    bool icmpv6()
    {
        FieldReader in(frame_.subspan(at_, left()), at_, nullptr, context_);
        const auto parsed = parseIcmpv6(in, addresses(), cut_);
        if (!parsed) return false;
        out_.kind = FrameClass::Icmpv6;
        out_.type = u8(0);
        verdict(parsed->checksum);
        return true;
    }

    bool mobility()
    {
        FieldReader in(frame_.subspan(at_, left()), at_, nullptr, context_);
        const auto parsed = parseMobility(in, addresses(), cut_);
        if (!parsed) return false;
        out_.kind = FrameClass::Mobility;
        out_.type = u8(2);
        verdict(parsed->checksum);
        return true;
    }

    ByteView frame_;
    std::size_t at_ = 0;
    std::size_t end_;
    bool cut_;
    std::size_t source_ = 0;       ///< of the addresses that the checksum covers
    std::size_t destination_ = 0;
    Skim out_;
    PlainHeaders headers_;
    DecodeContext context_;
};

FrameClass classOf(const DecodedFrame& frame)
{
    if (frame.ipHeaders == 0) return FrameClass::Other;
    if (frame.overIpv4 && frame.ipv4 && frame.ipv4->isFragment()) return FrameClass::Fragment;
    switch (frame.upper) {
    case protocol::udp: return FrameClass::Udp;
    case protocol::tcp: return FrameClass::Tcp;
    case protocol::mobility: return FrameClass::Mobility;
    case protocol::icmpv6: return FrameClass::Icmpv6;
    case protocol::esp: return FrameClass::Esp;
    case protocol::fragment: return FrameClass::Fragment;
    case protocol::none: return frame.overIpv4 ? FrameClass::Ipv4 : FrameClass::NoNext;
    default: return frame.overIpv4 ? FrameClass::Ipv4 : FrameClass::Ipv6;
    }
}

/// Type and verdict of a message that broke off: the decoder keeps no value of it, but it lists what it read.
void addListed(Skim& out, const std::vector<FieldNode>& nodes)
{
    for (const FieldNode& node : nodes) {
        const bool type = (node.field == FieldId::MhType && out.kind == FrameClass::Mobility) || (node.field == FieldId::Icmpv6Type && out.kind == FrameClass::Icmpv6);
        if (const auto* value = std::get_if<std::uint64_t>(&node.value); value && type) out.type = static_cast<std::uint8_t>(*value);
        if (node.field != FieldId::MhChecksumVerdict && node.field != FieldId::Icmpv6ChecksumVerdict && node.field != FieldId::UdpChecksumVerdict &&
            node.field != FieldId::TcpChecksumVerdict)
            continue;
        const auto* text = std::get_if<std::string>(&node.value);
        // In UDP the checksum of a Mobility Header is zero, and that of the datagram, which stands before, counts for it.
        if (!text || text->starts_with("zero") || text->starts_with("not zero")) continue;
        out.checksum = text->starts_with("good")  ? ChecksumVerdict::Good
                       : text->starts_with("bad") ? ChecksumVerdict::Bad
                       : text->starts_with("not verifiable") ? ChecksumVerdict::Unverifiable
                                                             : ChecksumVerdict::Absent;
    }
}

Skim decoded(ByteView frame, std::uint16_t linkType, std::size_t originalLength)
{
    const DecodedFrame d = decodeFrame(frame, linkType, originalLength);
    Skim out;
    out.kind = classOf(d);
    const auto mark = [&out](bool on, std::uint16_t bit) { out.marks = static_cast<std::uint16_t>(out.marks | (on ? bit : 0)); };
    mark(d.cut, mark::cut);
    mark(d.error && d.error->code == ErrorCode::Malformed, mark::malformed);
    mark(d.error && d.error->code == ErrorCode::Unsupported && d.error->text.starts_with("more than"), mark::limited);
    mark(d.ipHeaders > 1, mark::tunnel);
    mark(!d.packets.empty(), mark::ipv6);
    mark(d.inner() && d.inner()->homeAddress(), mark::homeAddress);
    mark(d.inner() && d.inner()->routing, mark::routing2);
    const bool message = !std::holds_alternative<std::monostate>(d.message);
    out.messageOffset = static_cast<std::uint32_t>(message ? d.messageOffset : d.undecodedOffset);
    if (const auto* m = std::get_if<Checked<MobilityMessage>>(&d.message)) out.type = typeOf(m->value), out.checksum = m->checksum;
    else if (const auto* i = std::get_if<Checked<Icmpv6Message>>(&d.message)) out.type = typeOf(i->value), out.checksum = i->checksum;
    else if (const auto* u = std::get_if<Checked<UdpDatagram>>(&d.message)) out.checksum = u->checksum;
    else if (const auto* t = std::get_if<Checked<TcpSegment>>(&d.message)) out.checksum = t->checksum;
    const bool broken = !message && d.error && (out.kind == FrameClass::Mobility || out.kind == FrameClass::Icmpv6 || out.kind == FrameClass::Udp || out.kind == FrameClass::Tcp);
    if (broken) {
        FieldSink sink;
        static_cast<void>(decodeFrame(frame, linkType, originalLength, &sink));
        addListed(out, sink.nodes());
    }
    mark(out.checksum == ChecksumVerdict::Bad, mark::badChecksum);
    return out;
}

}  // namespace

Skim skim(ByteView frame, std::uint16_t linkType, std::size_t originalLength)
{
    Walk walk(frame, originalLength > frame.size());
    return walk.run(linkType) ? walk.result() : decoded(frame, linkType, originalLength);
}

std::optional<PlainHeaders> plainHeaders(ByteView frame, std::uint16_t linkType, std::size_t originalLength)
{
    Walk walk(frame, originalLength > frame.size());
    if (!walk.runHeaders(linkType)) return std::nullopt;
    return walk.plain();
}

}  // namespace roamscope::wire
