// SPDX-License-Identifier: GPL-3.0-or-later
// ESP and UDP as carriers of further packets.
#include "protocol/wire/frame_decoder.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

std::optional<Version> FrameDecoder::esp(Area& area)
{
    FieldReader in(area.octets, area.base, sink_, context_);
    in.open(FieldId::Esp);
    const std::uint32_t spi = in.u32(FieldId::EspSpi);
    in.u32(FieldId::EspSequence);
    if (in.failed()) {
        in.close();
        stop({ErrorCode::Truncated, area.base, "an ESP header has 8 octets, fewer are there"}, area.cut);
        return std::nullopt;
    }
    Result<OpenedEsp> opened = openedEsp(spi, area);
    if (opened) showOpened(in, *opened, area);
    else if (sink_) sink_->add(FieldId::EspState, area.base, 0, opened.error().text);
    in.close();
    if (!opened) {
        out_.encrypted = true;
        undecoded(rest(area, espHeaderOctets));
        return std::nullopt;
    }
    if (!enter(area)) return std::nullopt;
    return inEsp(std::move(*opened), area);
}

Result<OpenedEsp> FrameDecoder::openedEsp(std::uint32_t spi, const Area& area)
{
    if (area.cut) return fail(ErrorCode::Truncated, area.base, "not readable, the capture cut its end");
    const Ipv6Packet* packet = out_.overIpv4 || out_.packets.empty() ? nullptr : &out_.packets.back();
    const EspAssociation* association =
        context_.keys ? context_.keys->find(spi, packet ? packet->source : addresses_.source, packet ? packet->destination : addresses_.destination) : nullptr;
    Result<OpenedEsp> byKey = association ? openEsp(area.octets, *association) : Result<OpenedEsp>(tl::unexpect, Error{});
    if (byKey) return byKey;
    if (auto plain = openNullEsp(area.octets, addresses_)) return std::move(*plain);
    if (association) return byKey;
    return fail(ErrorCode::Unsupported, area.base, "encrypted, and no key was given for it");
}

void FrameDecoder::showOpened(FieldReader& in, const OpenedEsp& opened, const Area& area)
{
    if (!sink_) return;
    sink_->add(FieldId::EspState, area.base, 0, opened.how);
    in.reserved(FieldId::EspIv, opened.ivOctets);
    const std::size_t check = area.octets.size() - opened.checkOctets;
    if (!opened.derived) showTrailer(area.octets.first(check).last(opened.plainOctets - opened.payloadOctets), area.base + check);
    in.skip(check - in.position());
    in.reserved(FieldId::EspIcv, opened.checkOctets);
}

void FrameDecoder::showTrailer(ByteView trailer, std::size_t end)
{
    FieldReader in(trailer, end - trailer.size(), sink_, context_);
    in.reserved(FieldId::EspPad, trailer.size() - 2);
    in.u8(FieldId::EspPadLength);
    in.note(nextHeaderName(in.u8(FieldId::EspNext)));
}

std::optional<Version> FrameDecoder::inEsp(OpenedEsp opened, Area& area)
{
    if (opened.derived) {
        const std::size_t base = area.base;
        const Bytes& plain = decrypted_.emplace_back(std::move(opened.decrypted));
        derive("Decrypted ESP", plain, base);
        if (sink_) {
            sink_->open(FieldId::EspTrailer, opened.payloadOctets);
            showTrailer(frame_.subspan(opened.payloadOctets), frame_.size());
            sink_->close(frame_.size());
        }
        area = {frame_.first(opened.payloadOctets), 0, false};
    } else {
        area = {area.octets.subspan(espHeaderOctets + opened.ivOctets, opened.payloadOctets), area.base + espHeaderOctets + opened.ivOctets, false};
    }
    return carried(opened.next, area);
}

std::optional<Version> FrameDecoder::moreHeaders(std::uint8_t number, Area& area)
{
    if (!enter(area)) return std::nullopt;
    FieldReader in(area.octets, area.base, sink_, context_);
    Ipv6Packet scratch;
    auto chain = parseChain(in, scratch, number, ChainPlace::Decrypted);
    if (!chain) {
        stop(std::move(chain.error()), area.cut);
        return std::nullopt;
    }
    area = rest(area, in.position());
    if (chain->next == number || chain->fragment || chain->limited) {
        undecoded(area);
        return std::nullopt;
    }
    return carried(chain->next, area);
}

std::optional<Version> FrameDecoder::udp(Area& area)
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
    if (on(udpPort::ikeNat)) {
        area = data;
        return behindNat(area);
    }
    if (on(udpPort::proxyControl)) {
        enterTunnel();
        addresses_.udp = out_.tunnel->checksum;
        area = data;
        return enter(data) ? carried(protocol::mobility, area) : std::nullopt;
    }
    if (on(udpPort::ike)) internetKeyExchange(data);
    else payload(datagram->value, data);
    return std::nullopt;
}

std::optional<Version> FrameDecoder::behindNat(Area& area)
{
    const ByteView octets = area.octets;
    constexpr std::size_t markerOctets = 4;
    const bool keepAlive = octets.size() == 1 && octets[0] == 0xff;
    const bool ike = octets.size() >= markerOctets && std::all_of(octets.begin(), octets.begin() + markerOctets, [](std::uint8_t o) { return o == 0; });
    if (ike && sink_) sink_->add(FieldId::UdpEncapsulationMarker, area.base, markerOctets, {});
    if (keepAlive && sink_) sink_->add(FieldId::UdpEncapsulationKeepAlive, area.base, 1, {});
    if (keepAlive) return std::nullopt;
    if (ike) {
        internetKeyExchange(rest(area, markerOctets));
        return std::nullopt;
    }
    enterTunnel();
    return carried(protocol::esp, area);
}

void FrameDecoder::internetKeyExchange(const Area& area)
{
    FieldReader in(area.octets, area.base, sink_, context_);
    const auto header = parseIke(in, area.cut);
    if (!header) return stop(header.error(), area.cut);
    out_.ike = *header;
    // SEC-09: before the security association is there, nobody would believe the home address.
    if (!sink_ || out_.packets.empty() || !out_.packets.back().homeAddress()) return;
    const auto& nodes = sink_->nodes();
    const auto home = std::find_if(nodes.rbegin(), nodes.rend(), [](const FieldNode& node) { return node.field == FieldId::Ipv6HomeAddress; });
    if (home != nodes.rend())
        sink_->finding({"SEC-09", Severity::Error, "key exchange with a home address option; it must leave from the care-of address alone", "RFC 6275 §11.3.2",
                        home->offset, home->length});
}

std::optional<Version> FrameDecoder::tunnelled(Area& area)
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

void FrameDecoder::enterTunnel()
{
    const auto& datagram = std::get<Checked<UdpDatagram>>(out_.message);
    out_.tunnel = UdpTunnel{datagram.value.sourcePort, datagram.value.destinationPort, datagram.checksum};
    out_.message = {};
}

void FrameDecoder::payload(const UdpDatagram& datagram, const Area& data)
{
    out_.probe = parseProbe(datagram);
    if (!sink_) return;
    if (out_.probe) describeProbe(*sink_, *out_.probe, data.base);
    else undecoded(data);
}

}  // namespace roamscope::wire
