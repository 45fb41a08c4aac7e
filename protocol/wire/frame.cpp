// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/frame_decoder.hpp"

#include "protocol/wire/icmpv6_rules.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

DecodedFrame FrameDecoder::run(std::uint16_t linkType)
{
    if (isKnownLink(linkType)) link(linkType);
    else undecoded({frame_, 0, out_.cut}, fmt::format("link type {} is not decoded", linkType));
    if (!out_.packets.empty()) out_.packets.back().payload.assign(payload_.begin(), payload_.end());
    out_.ipHeaders = ipHeaders_;
    if (believed_) sink_->findings().resize(*believed_);
    if (sink_ && derived()) finishDerived();
    return std::move(out_);
}

void FrameDecoder::quote(Area area)
{
    if (area.octets[0] >> 4 == 6) network(area, Version::V6);
    else undecoded(area);
}

void FrameDecoder::link(std::uint16_t linkType)
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

void FrameDecoder::network(Area area, Version version)
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

std::optional<std::uint8_t> FrameDecoder::ipv6(Area& area)
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
    // The addresses that a checksum covers stand in the broken header: what is found behind it comes from that.
    if (sink_ && parsed->chain.routing2 && !parsed->packet.routing && !believed_) believed_ = sink_->findings().size();
    const std::size_t start = area.base;
    area = {parsed->payload, parsed->payloadOffset, parsed->cut};
    out_.payloadOffset = inFrame(area.base);
    payload_ = parsed->payload;
    out_.packets.push_back(std::move(parsed->packet));
    chain_ = std::move(parsed->chain);
    if (chain_.fragment && !fragment(start, area)) return std::nullopt;
    const Ipv6Packet& packet = out_.packets.back();
    passed(packet.source, packet.destination);
    return behindChain(area);
}

std::optional<std::uint8_t> FrameDecoder::behindChain(const Area& area)
{
    addresses_ = ends(out_.packets.back(), chain_, payload_);
    out_.upper = chain_.next;
    if (!chain_.limited) return chain_.next;
    undecoded(area, fmt::format("more than {} extension headers in one packet", maxExtensionHeaders), true);
    return std::nullopt;
}

void FrameDecoder::passed(const Ipv6Address& source, const Ipv6Address& destination)
{
    for (const Ipv6Address* address : {&source, &destination})
        for (const std::uint8_t octet : address->octets) path_ = (path_ ^ octet) * 0x100000001b3u;
}

PseudoHeader FrameDecoder::ends(const Ipv6Packet& packet, const Chain& chain, ByteView payload)
{
    PseudoHeader first = packet.pseudoHeader();
    if (chain.finalDestination) first.destination = *chain.finalDestination;
    PseudoHeader other = first;
    if (packet.routing && packet.routing->segmentsLeft != 1) other.destination = packet.routing->homeAddress;
    for (const Ipv6Option& option : packet.destinationOptions)
        if (option.type == optionHomeAddress && option.data.size() == other.source.octets.size())
            std::copy(option.data.begin(), option.data.end(), other.source.octets.begin());
    const bool same = other.source == first.source && other.destination == first.destination;
    return !same && verify(other, chain.next, payload) == ChecksumVerdict::Good ? other : first;
}

std::optional<std::uint8_t> FrameDecoder::ipv4(Area& area)
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
    const Ipv4Header& header = parsed->header;
    addresses_ = header.pseudoHeader();
    chain_ = {};
    out_.upper = header.protocol;
    const std::size_t start = area.base;
    area = {area.octets.subspan(parsed->payloadOffset - area.base, parsed->payloadOctets), parsed->payloadOffset, parsed->cut};
    out_.payloadOffset = inFrame(area.base);
    if (header.isFragment()) {
        const Fragment piece{{true, header.protocol, header.identification, addresses_.source, addresses_.destination, path_},
                             header.fragmentOffset, header.moreFragments, header.protocol, start, area.base, area.octets.size(), area.cut};
        out_.messageOffset = inFrame(area.base);
        out_.upper = protocol::fragment;
        if (!takeFragment(piece, area)) return std::nullopt;
        derive(wholeName(*context_.whole), context_.whole->bytes, area.base);
        area = {frame_, 0, false};
        out_.upper = header.protocol;
    }
    passed(addresses_.source, addresses_.destination);
    return header.protocol;
}

std::optional<Version> FrameDecoder::carried(std::uint8_t number, Area& area)
{
    mobilityNumber_ = number;
    if (context_.dialect == Dialect::Custom && number == context_.custom.mobilityHeader) number = protocol::mobility;
    out_.upper = number;
    out_.messageOffset = inFrame(area.base);
    const std::size_t typeAt = number == protocol::mobility ? 2 : 0;
    if ((number == protocol::mobility || number == protocol::icmpv6) && area.octets.size() > typeAt) out_.messageType = area.octets[typeAt];
    switch (number) {
    case protocol::ipv6: return Version::V6;
    case protocol::ipv4: return Version::V4;
    case protocol::udp: return udp(area);
    case protocol::esp: return esp(area);
    case protocol::ah:
    case protocol::destinationOptions:
    case protocol::routing: return moreHeaders(number, area);
    default: message(number, area); return std::nullopt;
    }
}

void FrameDecoder::message(std::uint8_t number, const Area& area)
{
    FieldReader in(area.octets, area.base, sink_, context_);
    switch (number) {
    case protocol::icmpv6:
        take(in, parseIcmpv6(in, addresses_, area.cut), area);
        if (const auto* icmp = std::get_if<Checked<Icmpv6Message>>(&out_.message); icmp && sink_ && out_.inner())
            checkIcmpv6(icmp->value, *out_.inner(), out_.ipv4 && out_.packets.size() == 1, *sink_);
        return quoted(area);
    case protocol::mobility: return mobility(area);
    case protocol::tcp: return take(in, parseTcp(in, addresses_, area.cut), area);
    case protocol::none: return;
    case protocol::fragment: return undecoded(rest(area, fragmentOctets));  // its header has been shown
    default: return undecoded(area);
    }
}

void FrameDecoder::mobility(const Area& area)
{
    FieldReader in(area.octets, area.base, sink_, context_);
    take(in, parseMobility(in, addresses_, area.cut, mobilityNumber_), area);
    if (!sink_ || !std::holds_alternative<Checked<MobilityMessage>>(out_.message)) return;
    mobilityType_ = area.octets[2];
    judgeCarrier(*sink_, *mobilityType_, chain_);
}

void FrameDecoder::quoted(const Area& area)
{
    const std::optional<Area> inside = quotedOctets(area);
    if (!inside || inside->octets.empty()) return;
    if (quotes_ == maxQuotes) return sink_->add(FieldId::Limit, inside->base, 0, fmt::format("more than {} packets quoted one in the other", maxQuotes));
    sink_->open(FieldId::Quoted, inside->base);
    const std::size_t findings = sink_->findings().size();
    DecodeContext context = context_;
    context.whole = nullptr;
    // Up to the end of the quote: what stands behind it is none of its business.
    FrameDecoder(frame_.first(inside->base + inside->octets.size()), true, sink_, context, quotes_ + 1).quote({inside->octets, inside->base, true});
    // It was judged where it was sent.
    sink_->findings().resize(findings);
    sink_->close(inside->base + inside->octets.size());
}

std::optional<Area> FrameDecoder::quotedOctets(const Area& area) const
{
    constexpr std::size_t errorOctets = 8;
    if (const auto* error = sink_ ? out_.as<IcmpError>() : nullptr) {
        const Area behind = rest(area, errorOctets);
        return Area{behind.octets.first(error->invoking.size()), behind.base, behind.cut};
    }
    if (!sink_ || !out_.as<Redirect>()) return std::nullopt;
    const std::vector<FieldNode>& nodes = sink_->nodes();
    for (auto it = nodes.rbegin(); it != nodes.rend() && it->field != FieldId::Icmpv6; ++it)
        if (it->field == FieldId::RedirectedPacket) return Area{area.octets.subspan(it->offset - area.base, it->length), it->offset, area.cut};
    return std::nullopt;
}

bool FrameDecoder::enter(const Area& area)
{
    if (++layers_ <= maxLayers) return true;
    undecoded(area, fmt::format("more than {} layers in one frame", maxLayers), true);
    return false;
}

void FrameDecoder::counted(const FieldReader& in)
{
    if (++ipHeaders_ > 1 || !sink_ || trailer_ == FieldId::Data) return;
    const ByteView behind = frame_.subspan(in.offset());
    if (!behind.empty()) sink_->add(trailer_, in.offset(), behind.size(), Bytes(behind.begin(), behind.end()));
}

void FrameDecoder::encrypted(const Area& area, const std::string& why)
{
    out_.encrypted = true;
    if (sink_) sink_->add(FieldId::Encrypted, area.base, area.octets.size(), why);
    out_.undecodedOffset = inFrame(area.base);
    if (sink_) showData(area);
}

void FrameDecoder::undecoded(const Area& area, std::string why, bool limit)
{
    out_.undecodedOffset = inFrame(area.base);
    out_.limited = limit;
    if (!why.empty()) out_.error = Error{ErrorCode::Unsupported, inFrame(area.base), why};
    if (!sink_) return;
    if (limit) sink_->add(FieldId::Limit, area.base, 0, std::move(why));
    showData(area);
}

void FrameDecoder::stop(Error error, bool cut)
{
    if (!cut && error.code == ErrorCode::Truncated) error.code = ErrorCode::Malformed;
    const std::size_t offset = std::min(error.offset, frame_.size());
    if (sink_) {
        // Where the parser names no section, that of the field it read last says how the octets should go on.
        const std::string_view rfc = error.rfc.empty() && !sink_->nodes().empty() ? info(sink_->nodes().back().field).rfc : error.rfc;
        sink_->closeTo(groups_, frame_.size());
        const bool snapped = error.code == ErrorCode::Truncated;
        sink_->add(!snapped ? FieldId::Malformed : quotes_ > 0 ? FieldId::QuoteEnd : FieldId::Cut, offset, frame_.size() - offset, error.text);
        if (!snapped)
            sink_->finding({error.rule, Severity::Error, error.text, rfc, static_cast<std::uint32_t>(offset),
                            static_cast<std::uint32_t>(error.length == 0 ? frame_.size() - offset : std::min(error.length, frame_.size() - offset))});
    }
    error.offset = inFrame(error.offset);
    out_.undecodedOffset = inFrame(offset);
    out_.error = std::move(error);
}

void FrameDecoder::showData(const Area& area)
{
    if (area.octets.empty()) return;
    sink_->open(FieldId::Data, area.base, sink_->texts() ? fmt::format("{} octets", area.octets.size()) : std::string());
    sink_->add(FieldId::DataBytes, area.base, area.octets.size(), sink_->keeps(FieldId::DataBytes) ? Bytes(area.octets.begin(), area.octets.end()) : Bytes());
    sink_->close(area.base + area.octets.size());
}

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
