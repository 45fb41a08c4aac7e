// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/frame.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

namespace {

constexpr std::size_t maxPackets = 8;
constexpr int maxVlanTags = 4;

/// Decoding of one frame in progress. `in` always covers the octets that the enclosing header gives to what is inside.
class FrameDecoder {
public:
    FrameDecoder(ByteView frame, bool cut, FieldSink* sink, const DecodeContext& context) : frame_(frame), sink_(sink), context_(context)
    {
        out_.cut = cut;
    }

    DecodedFrame run(std::uint16_t linkType)
    {
        out_.undecodedOffset = frame_.size();
        if (linkType == linkEthernet) ethernet();
        else if (linkType == linkRaw || linkType == linkRawBsd || linkType == linkRawIpv6) raw();
        else undecoded(0, fmt::format("link type {} is not decoded", linkType));
        return std::move(out_);
    }

private:
    void ethernet()
    {
        FieldReader in(frame_, 0, sink_, context_);
        auto header = parseEthernet(in);
        if (!header) return stop(header.error(), out_.cut);
        out_.ethernet = *header;
        std::uint16_t type = header->type;
        for (int tags = 0; (type == etherTypeVlan || type == etherTypeQinQ) && tags < maxVlanTags; ++tags) {
            const std::size_t start = in.offset();
            in.open(FieldId::Vlan);
            const std::uint16_t word = in.Reader::u16();
            in.bits(2, word, {FieldId::VlanId});
            type = in.u16(FieldId::VlanType);
            if (in.sink()) in.headline(fmt::format("id {}", word & 0xfff));
            in.close();
            if (in.failed()) return stop({ErrorCode::Truncated, start, "a VLAN tag has 4 octets, fewer are there"}, out_.cut);
        }
        out_.etherType = type;
        if (type == etherTypeIpv6) return packets(in.position());
        if (type == etherTypeVlan || type == etherTypeQinQ)
            return undecoded(in.position(), fmt::format("more than {} VLAN tags", maxVlanTags), true);
        undecoded(in.position());
    }

    void raw()
    {
        if (!frame_.empty() && frame_[0] >> 4 == 6) return packets(0);
        undecoded(0, frame_.empty() ? "an empty frame" : "");
    }

    /// IPv6 packets, one inside the other, from `offset` on.
    void packets(std::size_t offset)
    {
        ByteView area = frame_.subspan(offset);
        std::size_t base = offset;
        bool cut = out_.cut;  // only what reaches the end of a cut frame is cut itself
        for (;;) {
            FieldReader in(area, base, sink_, context_);
            auto parsed = parseIpv6(in, cut);
            if (!parsed) return stop(parsed.error(), cut);
            cut = parsed->cut;
            if (out_.packets.empty()) trailer(in);
            base = parsed->payloadOffset;
            area = frame_.subspan(base, parsed->packet.payload.size());
            out_.packets.push_back(std::move(parsed->packet));
            if (parsed->limited)
                return undecoded(base, fmt::format("more than {} extension headers in one packet", maxExtensionHeaders), true);
            if (out_.packets.back().nextHeader != protocol::ipv6) return message(area, base, cut);
            out_.packets.back().payload.clear();
            if (out_.packets.size() == maxPackets)
                return undecoded(base, fmt::format("more than {} IPv6 headers in one frame", maxPackets), true);
        }
    }

    void message(ByteView area, std::size_t base, bool cut)
    {
        const Ipv6Packet& packet = out_.packets.back();
        FieldReader in(area, base, sink_, context_);
        const PseudoHeader addresses = packet.pseudoHeader();
        switch (packet.nextHeader) {
        case protocol::icmpv6: return take(in, parseIcmpv6(in, addresses, cut), cut);
        case protocol::mobility: return take(in, parseMobility(in, addresses, cut), cut);
        case protocol::udp:
            take(in, parseUdp(in, addresses, cut), cut);
            if (const auto* udp = std::get_if<Checked<UdpDatagram>>(&out_.message)) payload(udp->value, base + 8);
            return;
        case protocol::none: return;
        case protocol::esp:
            in.open(FieldId::Esp);
            in.u32(FieldId::EspSpi);
            in.u32(FieldId::EspSequence);
            in.close();
            if (in.failed()) return stop({ErrorCode::Truncated, base, "an ESP header has 8 octets, fewer are there"}, cut);
            return undecoded(in.offset());
        case protocol::fragment: return undecoded(base + fragmentOctets);  // its header has been shown
        default: return undecoded(base);
        }
    }

    template <class Message>
    void take(FieldReader& in, Result<Message> result, bool cut)
    {
        if (!result) return stop(result.error(), cut);
        out_.message = std::move(*result);
        if (in.remaining() > 0) undecoded(in.offset());
    }

    void payload(const UdpDatagram& datagram, std::size_t offset)
    {
        out_.probe = parseProbe(datagram);
        if (!sink_ || datagram.data.empty()) return;
        if (out_.probe) describeProbe(*sink_, *out_.probe, offset);
        else undecoded(offset);
    }

    /// Octets of the link behind the outermost packet.
    void trailer(const FieldReader& in)
    {
        if (sink_ && out_.ethernet && in.remaining() > 0) {
            const ByteView rest = in.whole().subspan(in.position());
            sink_->add(FieldId::EthernetTrailer, in.offset(), rest.size(), Bytes(rest.begin(), rest.end()));
        }
    }

    void undecoded(std::size_t offset, std::string why = {}, bool limit = false)
    {
        out_.undecodedOffset = offset;
        if (!why.empty()) out_.error = Error{ErrorCode::Unsupported, offset, why};
        if (!sink_ || offset > frame_.size()) return;
        if (limit) sink_->add(FieldId::Limit, offset, 0, why);
        showData(offset);
    }

    /// `cut`: what failed is not whole in the capture, so that missing octets are no fault of the sender.
    void stop(Error error, bool cut)
    {
        if (!cut && error.code == ErrorCode::Truncated) error.code = ErrorCode::Malformed;
        if (sink_) {
            sink_->closeTo(0, frame_.size());
            const bool snapped = error.code == ErrorCode::Truncated;
            const std::size_t offset = std::min(error.offset, frame_.size());
            sink_->add(snapped ? FieldId::Cut : FieldId::Malformed, offset, frame_.size() - offset, error.text);
            if (!snapped)
                sink_->finding({error.rule, Severity::Error, error.text, error.rfc, static_cast<std::uint32_t>(offset),
                                static_cast<std::uint32_t>(error.length == 0 ? frame_.size() - offset : std::min(error.length, frame_.size() - offset))});
        }
        out_.undecodedOffset = std::min(error.offset, frame_.size());
        out_.error = std::move(error);
    }

    void showData(std::size_t offset)
    {
        const ByteView rest = frame_.subspan(offset);
        if (rest.empty()) return;
        sink_->open(FieldId::Data, offset, fmt::format("{} octets", rest.size()));
        sink_->add(FieldId::DataBytes, offset, rest.size(), Bytes(rest.begin(), rest.end()));
        sink_->close(frame_.size());
    }

    ByteView frame_;
    FieldSink* sink_;
    const DecodeContext& context_;
    DecodedFrame out_;
};

}  // namespace

DecodedFrame decodeFrame(ByteView frame, std::uint16_t linkType, std::size_t originalLength, FieldSink* sink, const DecodeContext& context)
{
    return FrameDecoder(frame, originalLength > frame.size(), sink, context).run(linkType);
}

}  // namespace roamscope::wire
