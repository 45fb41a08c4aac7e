// SPDX-License-Identifier: GPL-3.0-or-later
// Fragments and octets that do not stand in the frame: reassembled or decrypted ones.
#include "protocol/wire/frame_decoder.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

bool FrameDecoder::fragment(std::size_t packetStart, Area& area)
{
    const FragmentHeader& header = *chain_.fragment;
    Ipv6Packet& packet = out_.packets.back();
    const Area data = rest(area, fragmentOctets);
    Fragment piece{{false, 0, header.id, packet.source, packet.destination, path_},
                   header.place, header.more, header.next, header.offset, data.base, data.octets.size(), area.cut};
    if (sink_ && !area.cut) judgeFragment(piece, packetStart, data.octets);
    out_.messageOffset = inFrame(header.offset);
    out_.upper = protocol::fragment;
    if (!takeFragment(piece, data)) return false;
    const ReassembledDatagram& whole = *context_.whole;
    packet.hopByHop = whole.first.hopByHop;
    packet.routing = whole.first.routing;
    packet.destinationOptions = whole.first.destinationOptions;
    derive(wholeName(whole), whole.bytes, data.base);
    FieldReader in(frame_, 0, sink_, context_);
    auto chain = parseChain(in, packet, whole.next, ChainPlace::Reassembled);
    if (!chain) {
        stop(std::move(chain.error()), false);
        return false;
    }
    chain_ = std::move(*chain);
    packet.nextHeader = chain_.next;
    area = {frame_.subspan(in.position()), in.position(), false};
    payload_ = area.octets;
    return true;
}

bool FrameDecoder::takeFragment(const Fragment& piece, const Area& data)
{
    if (!derived()) out_.fragment = piece;
    if (!derived() && context_.whole && context_.whole->key == piece.key) return true;
    undecoded(data);
    return false;
}

void FrameDecoder::judgeFragment(const Fragment& piece, std::size_t packetStart, ByteView data)
{
    const auto report = [&](std::string text, std::string_view rfc, std::size_t offset, std::size_t length) {
        sink_->finding({"", Severity::Error, std::move(text), rfc, static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(length)});
    };
    if (piece.more && data.size() % 8 != 0)
        report(fmt::format("a fragment of {} octets that is not the last; a multiple of 8 is required", data.size()), "RFC 8200 §4.5", packetStart + 4, 2);
    if (piece.place + data.size() > 65535)
        report(fmt::format("a fragment that ends at octet {} of a packet; 65535 is the most", piece.place + data.size()), "RFC 8200 §4.5",
               piece.headerOffset + 2, 2);
    if (piece.place == 0 && piece.more && !hasWholeChain(piece.next, data))
        report("a first fragment that does not hold all headers", "RFC 7112 §5", piece.headerOffset, fragmentOctets);
}

bool FrameDecoder::hasWholeChain(std::uint8_t next, ByteView data)
{
    FieldReader in(data, 0, nullptr);
    Ipv6Packet scratch;
    const auto chain = parseChain(in, scratch, next, ChainPlace::Reassembled);
    if (!chain) return false;
    switch (chain->next) {
    case protocol::tcp: return in.remaining() >= 20;
    case protocol::ipv6: return in.remaining() >= Ipv6Packet::headerOctets;
    case protocol::udp:
    case protocol::esp: return in.remaining() >= 8;
    case protocol::mobility: return in.remaining() >= 6;
    case protocol::icmpv6: return in.remaining() >= 4;
    default: return true;
    }
}

std::string FrameDecoder::wholeName(const ReassembledDatagram& whole)
{
    constexpr std::size_t most = 10;
    std::string out = "Reassembled from frames ";
    for (std::size_t i = 0; i < std::min(most, whole.frames.size()); ++i) out += fmt::format("{}{}", i == 0 ? "" : ", ", whole.frames[i]);
    if (whole.frames.size() > most) out += fmt::format(" and {} more", whole.frames.size() - most);
    return out;
}

void FrameDecoder::derive(std::string name, ByteView octets, std::size_t carrier)
{
    if (!derived()) {
        carrier_ = carrier;
        frameChain_ = chain_;
    }
    frame_ = octets;
    if (sink_ && sink_->beginBuffer(std::move(name), octets)) ++buffers_;
}

void FrameDecoder::finishDerived()
{
    sink_->closeTo(groups_, frame_.size());
    for (; buffers_ > 0; --buffers_) sink_->endBuffer();
    if (mobilityType_) judgeCarrier(*sink_, *mobilityType_, frameChain_);
}

}  // namespace roamscope::wire
