// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/frame.hpp"

#include "protocol/wire/icmpv6_rules.hpp"
#include "protocol/wire/ipv6_chain.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

namespace {

enum class Version : std::uint8_t { V4, V6 };

/// Octets that are still to be decoded. They cover what the enclosing header gives to what is inside.
struct Area {
    ByteView octets;
    std::size_t base = 0;  ///< offset of the first
    bool cut = false;      ///< the end is missing in the capture
};

/// Decoding of one frame in progress, or of the packet that an error message quotes.
class FrameDecoder {
public:
    FrameDecoder(ByteView frame, bool cut, FieldSink* sink, const DecodeContext& context, int quotes = 0)
        : frame_(frame), sink_(sink), context_(context), groups_(sink ? sink->openGroups() : 0), quotes_(quotes)
    {
        out_.cut = cut;
        out_.undecodedOffset = frame.size();
    }

    DecodedFrame run(std::uint16_t linkType)
    {
        if (isKnownLink(linkType)) link(linkType);
        else undecoded({frame_, 0, out_.cut}, fmt::format("link type {} is not decoded", linkType));
        if (!out_.packets.empty()) out_.packets.back().payload.assign(payload_.begin(), payload_.end());
        out_.ipHeaders = ipHeaders_;
        return std::move(out_);
    }

    /// Shows a packet inside an error message; its value is nobody's.
    void quote(Area area)
    {
        if (area.octets.empty()) return;
        network(area, area.octets[0] >> 4 == 4 ? Version::V4 : Version::V6);
    }

private:
    void link(std::uint16_t linkType)
    {
        FieldReader in(frame_, 0, sink_, context_);
        auto headers = parseLink(in, linkType, out_.cut);
        if (!headers) return stop(std::move(headers.error()), out_.cut);
        layers_ = headers->layers;
        out_.ethernet = headers->ethernet;
        out_.etherType = headers->etherType;
        const std::size_t at = in.position();
        const Area area{frame_.subspan(at, headers->end - at), at, out_.cut && headers->end == frame_.size()};
        if (headers->encrypted) return encrypted(area, headers->why);
        if (headers->payload == LinkPayload::Other) return undecoded(area, headers->why, headers->limited);
        trailer_ = linkType == linkEthernet ? FieldId::EthernetTrailer
                   : linkType == linkCooked || linkType == linkCooked2 ? FieldId::CookedTrailer
                                                                      : FieldId::Data;
        network(area, headers->payload == LinkPayload::Ipv6 ? Version::V6 : Version::V4);
        if (sink_ && !headers->rest.empty()) sink_->add(FieldId::Limit, headers->end, 0, headers->rest);
    }

    /// IP packets, one inside the other.
    void network(Area area, Version version)
    {
        for (;;) {
            if (ipHeaders_ == maxIpHeaders) return undecoded(area, fmt::format("more than {} IP headers in one frame", maxIpHeaders), true);
            if (!enter(area)) return;
            const auto next = version == Version::V6 ? ipv6(area) : ipv4(area);
            if (!next) return;
            const auto inside = carried(*next, area);
            if (!inside) return;
            version = *inside;
        }
    }

    /// One packet. `area` becomes its payload; gives what that is, or nothing when there is nothing to go on with.
    std::optional<std::uint8_t> ipv6(Area& area)
    {
        FieldReader in(area.octets, area.base, sink_, context_);
        auto parsed = parseIpv6Headers(in, area.cut);
        if (!parsed) {
            stop(std::move(parsed.error()), area.cut);
            return std::nullopt;
        }
        counted(in);
        out_.overIpv4 = false;
        if (parsed->chain.violation && !out_.violation) out_.violation = std::move(parsed->chain.violation);
        addresses_ = parsed->packet.pseudoHeader();
        if (parsed->chain.finalDestination) addresses_.destination = *parsed->chain.finalDestination;
        area = {parsed->payload, parsed->payloadOffset, parsed->cut};
        payload_ = parsed->payload;
        out_.packets.push_back(std::move(parsed->packet));
        chain_ = std::move(parsed->chain);
        out_.upper = chain_.next;
        if (chain_.limited) {
            undecoded(area, fmt::format("more than {} extension headers in one packet", maxExtensionHeaders), true);
            return std::nullopt;
        }
        return chain_.next;
    }

    std::optional<std::uint8_t> ipv4(Area& area)
    {
        FieldReader in(area.octets, area.base, sink_, context_);
        const auto parsed = parseIpv4(in, area.cut);
        if (!parsed) {
            stop(parsed.error(), area.cut);
            return std::nullopt;
        }
        counted(in);
        out_.ipv4 = parsed->header;
        out_.overIpv4 = true;
        addresses_ = parsed->header.pseudoHeader();
        chain_ = {};
        out_.upper = parsed->header.protocol;
        area = {area.octets.subspan(parsed->payloadOffset - area.base, parsed->payloadOctets), parsed->payloadOffset, parsed->cut};
        if (parsed->header.isFragment()) {
            undecoded(area, "a fragment, not reassembled");
            return std::nullopt;
        }
        return parsed->header.protocol;
    }

    /// What an IP header, an ESP packet or a UDP tunnel carries: an IP packet to go on with, or something that is decoded here.
    std::optional<Version> carried(std::uint8_t number, Area& area)
    {
        out_.upper = number;
        switch (number) {
        case protocol::ipv6: return Version::V6;
        case protocol::ipv4: return Version::V4;
        case protocol::udp: return udp(area);
        default: message(number, area); return std::nullopt;
        }
    }

    void message(std::uint8_t number, const Area& area)
    {
        FieldReader in(area.octets, area.base, sink_, context_);
        switch (number) {
        case protocol::icmpv6:
            take(in, parseIcmpv6(in, addresses_, area.cut), area);
            if (const auto* icmp = std::get_if<Checked<Icmpv6Message>>(&out_.message); icmp && sink_ && out_.inner())
                checkIcmpv6(icmp->value, *out_.inner(), *sink_);
            return quoted(area);
        case protocol::mobility: return mobility(area);
        case protocol::tcp: return take(in, parseTcp(in, addresses_, area.cut), area);
        case protocol::none: return;
        case protocol::esp: return esp(area);
        case protocol::fragment: return undecoded(rest(area, fragmentOctets));  // its header has been shown
        default: return undecoded(area);
        }
    }

    void esp(const Area& area)
    {
        FieldReader in(area.octets, area.base, sink_, context_);
        in.open(FieldId::Esp);
        in.u32(FieldId::EspSpi);
        in.u32(FieldId::EspSequence);
        in.close();
        if (in.failed()) return stop({ErrorCode::Truncated, area.base, "an ESP header has 8 octets, fewer are there"}, area.cut);
        out_.encrypted = true;
        undecoded(rest(area, in.position()));
    }

    void mobility(const Area& area)
    {
        FieldReader in(area.octets, area.base, sink_, context_);
        take(in, parseMobility(in, addresses_, area.cut), area);
        if (sink_ && std::holds_alternative<Checked<MobilityMessage>>(out_.message)) judgeCarrier(*sink_, area.octets[2], chain_);
    }

    template <class Message>
    void take(FieldReader& in, Result<Message> result, const Area& area)
    {
        if (!result) return stop(std::move(result.error()), area.cut);
        out_.message = std::move(*result);
        out_.messageOffset = area.base;
        if (in.remaining() > 0) undecoded(rest(area, in.position()));
    }

    /// The packet that an error message quotes, as far as it does; shown only.
    void quoted(const Area& area)
    {
        const std::optional<Area> inside = quotedOctets(area);
        if (!inside || inside->octets.empty()) return;
        if (quotes_ == maxQuotes) return sink_->add(FieldId::Limit, inside->base, 0, fmt::format("more than {} packets quoted one in the other", maxQuotes));
        sink_->open(FieldId::Quoted, inside->base);
        const std::size_t findings = sink_->findings().size();
        FrameDecoder(frame_, true, sink_, context_, quotes_ + 1).quote({inside->octets, inside->base, true});
        // It was judged where it was sent.
        sink_->findings().resize(findings);
        sink_->close(inside->base + inside->octets.size());
    }

    /// What an error or a redirect says of the packet that caused it.
    [[nodiscard]] std::optional<Area> quotedOctets(const Area& area) const
    {
        constexpr std::size_t errorOctets = 8;
        if (sink_ && out_.as<IcmpError>()) return rest(area, errorOctets);
        if (!sink_ || !out_.as<Redirect>()) return std::nullopt;
        const std::vector<FieldNode>& nodes = sink_->nodes();
        for (auto it = nodes.rbegin(); it != nodes.rend() && it->field != FieldId::Icmpv6; ++it)
            if (it->field == FieldId::RedirectedPacket) return Area{area.octets.subspan(it->offset - area.base, it->length), it->offset, area.cut};
        return std::nullopt;
    }

    std::optional<Version> udp(Area& area)
    {
        FieldReader in(area.octets, area.base, sink_, context_);
        take(in, parseUdp(in, addresses_, area.cut), area);
        const auto* datagram = std::get_if<Checked<UdpDatagram>>(&out_.message);
        if (!datagram || datagram->value.data.empty()) return std::nullopt;
        const std::size_t length = datagram->value.data.size();
        const Area data{area.octets.subspan(8, length), area.base + 8, area.cut && 8 + length == area.octets.size()};
        const auto on = [&](std::uint16_t port) { return datagram->value.sourcePort == port || datagram->value.destinationPort == port; };
        if (on(udpPort::homeAgent) || on(udpPort::proxyData)) {
            area = data;
            return tunnelled(area);
        }
        if (on(udpPort::proxyControl)) {
            enterTunnel();
            addresses_.udp = out_.tunnel->checksum;
            if (enter(data)) message(protocol::mobility, data);
            return std::nullopt;
        }
        payload(datagram->value, data);
        return std::nullopt;
    }

    /// RFC 5555, RFC 5844: an IP packet as such, or a TLV header (RFC 5845 §7.2), which begins with a zero nibble, before it.
    std::optional<Version> tunnelled(Area& area)
    {
        const int nibble = area.octets[0] >> 4;
        constexpr std::size_t tlvOctets = 4;
        if (nibble == 6 || nibble == 4) {
            enterTunnel();
            return nibble == 6 ? Version::V6 : Version::V4;
        }
        if (nibble != 0 || area.octets.size() < tlvOctets) {
            undecoded(area);
            return std::nullopt;
        }
        enterTunnel();
        if (!enter(area)) return std::nullopt;
        FieldReader in(area.octets, area.base, sink_, context_);
        in.open(FieldId::TunnelHeader);
        const std::uint8_t first = in.Reader::u8();
        in.bits(1, first, {FieldId::TunnelType, FieldId::TunnelReserved});
        const std::uint8_t next = in.u8(FieldId::TunnelNext);
        in.note(nextHeaderName(next));
        const std::size_t length = in.u16(FieldId::TunnelLength);
        in.close();
        const std::size_t there = area.octets.size() - tlvOctets;
        if (length > there && !area.cut) {
            stop({ErrorCode::Malformed, area.base + 2, fmt::format("a tunnelled packet of {} octets, {} are there", length, there)}, false);
            return std::nullopt;
        }
        area = {area.octets.subspan(tlvOctets, std::min(length, there)), area.base + tlvOctets, area.cut && length > there};
        if (next == protocol::ipv6) return Version::V6;
        if (next == protocol::ipv4) return Version::V4;
        out_.upper = next;
        undecoded(area);
        return std::nullopt;
    }

    /// The datagram read last turns out to be a carrier.
    void enterTunnel()
    {
        const auto& datagram = std::get<Checked<UdpDatagram>>(out_.message);
        out_.tunnel = UdpTunnel{datagram.value.sourcePort, datagram.value.destinationPort, datagram.checksum};
        out_.message = {};
    }

    void payload(const UdpDatagram& datagram, const Area& data)
    {
        out_.probe = parseProbe(datagram);
        if (!sink_) return;
        if (out_.probe) describeProbe(*sink_, *out_.probe, data.base);
        else undecoded(data);
    }

    /// Counts a layer; shows the limit when there are too many.
    bool enter(const Area& area)
    {
        if (++layers_ <= maxLayers) return true;
        undecoded(area, fmt::format("more than {} layers in one frame", maxLayers), true);
        return false;
    }

    /// Counts the IP header just read; behind the outermost packet the octets are the link's.
    void counted(const FieldReader& in)
    {
        if (++ipHeaders_ > 1 || !sink_ || trailer_ == FieldId::Data) return;
        const ByteView behind = frame_.subspan(in.offset());
        if (!behind.empty()) sink_->add(trailer_, in.offset(), behind.size(), Bytes(behind.begin(), behind.end()));
    }

    static Area rest(const Area& area, std::size_t skip)
    {
        skip = std::min(skip, area.octets.size());
        return {area.octets.subspan(skip), area.base + skip, area.cut};
    }

    void encrypted(const Area& area, const std::string& why)
    {
        out_.encrypted = true;
        if (sink_) sink_->add(FieldId::Encrypted, area.base, area.octets.size(), why);
        out_.undecodedOffset = area.base;
        if (sink_) showData(area);
    }

    void undecoded(const Area& area, std::string why = {}, bool limit = false)
    {
        out_.undecodedOffset = area.base;
        if (!why.empty()) out_.error = Error{ErrorCode::Unsupported, area.base, why};
        if (!sink_) return;
        if (limit) sink_->add(FieldId::Limit, area.base, 0, std::move(why));
        showData(area);
    }

    /// `cut`: what failed is not whole in the capture, so that missing octets are no fault of the sender.
    void stop(Error error, bool cut)
    {
        if (!cut && error.code == ErrorCode::Truncated) error.code = ErrorCode::Malformed;
        const std::size_t offset = std::min(error.offset, frame_.size());
        if (sink_) {
            sink_->closeTo(groups_, frame_.size());
            const bool snapped = error.code == ErrorCode::Truncated;
            sink_->add(snapped ? FieldId::Cut : FieldId::Malformed, offset, frame_.size() - offset, error.text);
            if (!snapped)
                sink_->finding({"", Severity::Error, error.text, "", static_cast<std::uint32_t>(offset),
                                static_cast<std::uint32_t>(frame_.size() - offset)});
        }
        out_.undecodedOffset = offset;
        out_.error = std::move(error);
    }

    void showData(const Area& area)
    {
        if (area.octets.empty()) return;
        sink_->open(FieldId::Data, area.base, fmt::format("{} octets", area.octets.size()));
        sink_->add(FieldId::DataBytes, area.base, area.octets.size(), Bytes(area.octets.begin(), area.octets.end()));
        sink_->close(area.base + area.octets.size());
    }

    ByteView frame_;
    FieldSink* sink_;
    const DecodeContext& context_;
    const std::size_t groups_;      ///< open groups that are not ours
    const int quotes_;
    DecodedFrame out_;
    std::size_t layers_ = 0;
    std::size_t ipHeaders_ = 0;
    FieldId trailer_ = FieldId::Data;  ///< what octets behind the outermost packet are; Data: not shown
    ByteView payload_;                 ///< of the last IPv6 packet
    PseudoHeader addresses_;           ///< of the innermost IP header
    Chain chain_;                      ///< of the innermost IPv6 header
};

}  // namespace

bool lacksChecksum(const DecodedFrame& frame)
{
    const auto* udp = std::get_if<Checked<UdpDatagram>>(&frame.message);
    return udp && udp->checksum == ChecksumVerdict::Absent && !frame.overIpv4 && !isTunnelPort(udp->value.sourcePort) &&
           !isTunnelPort(udp->value.destinationPort);
}

DecodedFrame decodeFrame(ByteView frame, std::uint16_t linkType, std::size_t originalLength, FieldSink* sink, const DecodeContext& context)
{
    return FrameDecoder(frame, originalLength > frame.size(), sink, context).run(linkType);
}

}  // namespace roamscope::wire
