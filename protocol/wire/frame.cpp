// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/frame.hpp"

#include "protocol/wire/esp.hpp"
#include "protocol/wire/icmpv6_rules.hpp"
#include "protocol/wire/ipv6_chain.hpp"
#include "protocol/wire/reassembly.hpp"

#include <deque>
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
        if (believed_) sink_->findings().resize(*believed_);
        if (sink_ && derived()) finishDerived();
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

    /// Addresses and next header after the extension headers of the last packet.
    std::optional<std::uint8_t> behindChain(const Area& area)
    {
        addresses_ = ends(out_.packets.back(), chain_, payload_);
        out_.upper = chain_.next;
        if (!chain_.limited) return chain_.next;
        undecoded(area, fmt::format("more than {} extension headers in one packet", maxExtensionHeaders), true);
        return std::nullopt;
    }

    /// A piece of an IPv6 packet in `area`, its fragment header included. True when the whole is at hand: then `area` is what
    /// stands behind the extension headers of the whole.
    bool fragment(std::size_t packetStart, Area& area)
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

    /// Notes a fragment, and shows its octets when nothing is known about the whole.
    bool takeFragment(const Fragment& piece, const Area& data)
    {
        if (!derived()) out_.fragment = piece;
        if (!derived() && context_.whole && context_.whole->key == piece.key) return true;
        undecoded(data);
        return false;
    }

    /// RFC 8200 §4.5, RFC 7112: what a receiver refuses in a piece as such.
    void judgeFragment(const Fragment& piece, std::size_t packetStart, ByteView data)
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

    static bool hasWholeChain(std::uint8_t next, ByteView data)
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

    static std::string wholeName(const ReassembledDatagram& whole)
    {
        constexpr std::size_t most = 10;
        std::string out = "Reassembled from frames ";
        for (std::size_t i = 0; i < std::min(most, whole.frames.size()); ++i) out += fmt::format("{}{}", i == 0 ? "" : ", ", whole.frames[i]);
        if (whole.frames.size() > most) out += fmt::format(" and {} more", whole.frames.size() - most);
        return out;
    }

    /// From here on `octets` are decoded, which what stands at `carrier` in the frame leads to.
    void derive(std::string name, ByteView octets, std::size_t carrier)
    {
        if (!derived()) {
            carrier_ = carrier;
            frameChain_ = chain_;
        }
        frame_ = octets;
        if (sink_ && sink_->beginBuffer(std::move(name), octets)) ++buffers_;
    }

    void finishDerived()
    {
        sink_->closeTo(groups_, frame_.size());
        for (; buffers_ > 0; --buffers_) sink_->endBuffer();
        if (mobilityType_) judgeCarrier(*sink_, *mobilityType_, frameChain_);
    }

    [[nodiscard]] bool derived() const { return carrier_.has_value(); }
    /// An offset as an offset in the captured frame.
    [[nodiscard]] std::size_t inFrame(std::size_t offset) const { return carrier_.value_or(offset); }

    void passed(const Ipv6Address& source, const Ipv6Address& destination)
    {
        for (const Ipv6Address* address : {&source, &destination})
            for (const std::uint8_t octet : address->octets) path_ = (path_ ^ octet) * 0x100000001b3u;
    }

    /// The addresses of the packet's checksum. Where broken headers leave a choice (a routing header with other than one segment
    /// left, a second home address), the sender's is the one that fits.
    static PseudoHeader ends(const Ipv6Packet& packet, const Chain& chain, ByteView payload)
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

    /// What an IP header, an ESP packet or a UDP tunnel carries: an IP packet to go on with, or something that is decoded here.
    std::optional<Version> carried(std::uint8_t number, Area& area)
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
        case protocol::fragment: return undecoded(rest(area, fragmentOctets));  // its header has been shown
        default: return undecoded(area);
        }
    }

    /// ESP: opened with the user's key or because it is not encrypted, or shown as what it is.
    std::optional<Version> esp(Area& area)
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

    Result<OpenedEsp> openedEsp(std::uint32_t spi, const Area& area)
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

    void showOpened(FieldReader& in, const OpenedEsp& opened, const Area& area)
    {
        if (!sink_) return;
        sink_->add(FieldId::EspState, area.base, 0, opened.how);
        in.reserved(FieldId::EspIv, opened.ivOctets);
        const std::size_t check = area.octets.size() - opened.checkOctets;
        if (!opened.derived) showTrailer(area.octets.first(check).last(opened.plainOctets - opened.payloadOctets), area.base + check);
        in.skip(check - in.position());
        in.reserved(FieldId::EspIcv, opened.checkOctets);
    }

    /// Padding, its length and the next header, which end at `end`.
    void showTrailer(ByteView trailer, std::size_t end)
    {
        FieldReader in(trailer, end - trailer.size(), sink_, context_);
        in.reserved(FieldId::EspPad, trailer.size() - 2);
        in.u8(FieldId::EspPadLength);
        in.note(nextHeaderName(in.u8(FieldId::EspNext)));
    }

    std::optional<Version> inEsp(OpenedEsp opened, Area& area)
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

    /// Extension headers behind an IPv4 header or inside ESP; what they say counts for nobody but the reader.
    std::optional<Version> moreHeaders(std::uint8_t number, Area& area)
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

    void mobility(const Area& area)
    {
        FieldReader in(area.octets, area.base, sink_, context_);
        take(in, parseMobility(in, addresses_, area.cut, mobilityNumber_), area);
        if (!sink_ || !std::holds_alternative<Checked<MobilityMessage>>(out_.message)) return;
        mobilityType_ = area.octets[2];
        judgeCarrier(*sink_, *mobilityType_, chain_);
    }

    template <class Message>
    void take(FieldReader& in, Result<Message> result, const Area& area)
    {
        if (!result) return stop(std::move(result.error()), area.cut);
        out_.message = std::move(*result);
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
        DecodeContext context = context_;
        context.whole = nullptr;
        FrameDecoder(frame_, true, sink_, context, quotes_ + 1).quote({inside->octets, inside->base, true});
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

    /// RFC 3948: IKE behind four zero octets, a keep-alive of one octet, else ESP.
    std::optional<Version> behindNat(Area& area)
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

    void internetKeyExchange(const Area& area)
    {
        FieldReader in(area.octets, area.base, sink_, context_);
        const auto header = parseIke(in, area.cut);
        if (!header) return stop(header.error(), area.cut);
        out_.ike = *header;
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
        out_.undecodedOffset = inFrame(area.base);
        if (sink_) showData(area);
    }

    void undecoded(const Area& area, std::string why = {}, bool limit = false)
    {
        out_.undecodedOffset = inFrame(area.base);
        out_.limited = limit;
        if (!why.empty()) out_.error = Error{ErrorCode::Unsupported, inFrame(area.base), why};
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
                sink_->finding({error.rule, Severity::Error, error.text, error.rfc, static_cast<std::uint32_t>(offset),
                                static_cast<std::uint32_t>(error.length == 0 ? frame_.size() - offset : std::min(error.length, frame_.size() - offset))});
        }
        error.offset = inFrame(error.offset);
        out_.undecodedOffset = inFrame(offset);
        out_.error = std::move(error);
    }

    void showData(const Area& area)
    {
        if (area.octets.empty()) return;
        sink_->open(FieldId::Data, area.base, fmt::format("{} octets", area.octets.size()));
        sink_->add(FieldId::DataBytes, area.base, area.octets.size(), Bytes(area.octets.begin(), area.octets.end()));
        sink_->close(area.base + area.octets.size());
    }

    ByteView frame_;                ///< or the derived octets that are being decoded
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
    std::optional<std::size_t> believed_;  ///< findings before a header that makes everything behind it doubtful
    std::optional<std::size_t> carrier_;     ///< where in the frame stands what the derived octets come from
    Chain frameChain_;                       ///< chain_ as it was then
    std::size_t buffers_ = 0;                ///< begun at the sink
    std::optional<std::uint8_t> mobilityType_;
    std::uint8_t mobilityNumber_ = protocol::mobility;  ///< the Next Header that led to the message
    std::deque<Bytes> decrypted_;            ///< what was decrypted; views of it last as long as this
    std::uint64_t path_ = 0xcbf29ce484222325u;
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
