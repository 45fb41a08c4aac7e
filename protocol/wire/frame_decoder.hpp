// SPDX-License-Identifier: GPL-3.0-or-later
// Internal to the decoding of frames (frame.cpp, frame_fragments.cpp, frame_tunnels.cpp): the state of one frame on its way
// from the link to the message. Everything else includes frame.hpp.
// Not thread safe; `frame`, `sink` and `context` must outlive it. Errors end up in the DecodedFrame and at the sink.
#pragma once

#include "protocol/wire/esp.hpp"
#include "protocol/wire/frame.hpp"
#include "protocol/wire/ipv6_chain.hpp"
#include "protocol/wire/reassembly.hpp"

#include <deque>

namespace roamscope::wire {

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

    DecodedFrame run(std::uint16_t linkType);

    /// Shows a packet inside an error message; its value is nobody's. ICMPv6 quotes IPv6 packets only.
    void quote(Area area);

private:
    void link(std::uint16_t linkType);

    /// IP packets, one inside the other.
    void network(Area area, Version version);

    /// One packet. `area` becomes its payload; gives what that is, or nothing when there is nothing to go on with.
    std::optional<std::uint8_t> ipv6(Area& area);

    /// Addresses and next header after the extension headers of the last packet.
    std::optional<std::uint8_t> behindChain(const Area& area);

    /// A piece of an IPv6 packet in `area`, its fragment header included. True when the whole is at hand: then `area` is what
    /// stands behind the extension headers of the whole.
    bool fragment(std::size_t packetStart, Area& area);

    /// Notes a fragment, and shows its octets when nothing is known about the whole.
    bool takeFragment(const Fragment& piece, const Area& data);

    /// RFC 8200 §4.5, RFC 7112: what a receiver refuses in a piece as such.
    void judgeFragment(const Fragment& piece, std::size_t packetStart, ByteView data);

    static bool hasWholeChain(std::uint8_t next, ByteView data);
    static std::string wholeName(const ReassembledDatagram& whole);

    /// From here on `octets` are decoded, which what stands at `carrier` in the frame leads to.
    void derive(std::string name, ByteView octets, std::size_t carrier);

    void finishDerived();

    [[nodiscard]] bool derived() const { return carrier_.has_value(); }
    /// An offset as an offset in the captured frame.
    [[nodiscard]] std::size_t inFrame(std::size_t offset) const { return carrier_.value_or(offset); }

    void passed(const Ipv6Address& source, const Ipv6Address& destination);

    /// The addresses of the packet's checksum. Where broken headers leave a choice (a routing header with other than one segment
    /// left, a second home address), the sender's is the one that fits.
    static PseudoHeader ends(const Ipv6Packet& packet, const Chain& chain, ByteView payload);

    std::optional<std::uint8_t> ipv4(Area& area);

    /// What an IP header, an ESP packet or a UDP tunnel carries: an IP packet to go on with, or something that is decoded here.
    std::optional<Version> carried(std::uint8_t number, Area& area);

    void message(std::uint8_t number, const Area& area);

    /// ESP: opened with the user's key or because it is not encrypted, or shown as what it is.
    std::optional<Version> esp(Area& area);

    Result<OpenedEsp> openedEsp(std::uint32_t spi, const Area& area);
    void showOpened(FieldReader& in, const OpenedEsp& opened, const Area& area);

    /// Padding, its length and the next header, which end at `end`.
    void showTrailer(ByteView trailer, std::size_t end);

    std::optional<Version> inEsp(OpenedEsp opened, Area& area);

    /// Extension headers behind an IPv4 header or inside ESP; what they say counts for nobody but the reader.
    std::optional<Version> moreHeaders(std::uint8_t number, Area& area);

    void mobility(const Area& area);

    template <class Message>
    void take(FieldReader& in, Result<Message> result, const Area& area)
    {
        if (!result) return stop(std::move(result.error()), area.cut);
        out_.message = std::move(*result);
        if (in.remaining() > 0) undecoded(rest(area, in.position()));
    }

    /// The packet that an error message quotes, as far as it does; shown only.
    void quoted(const Area& area);

    /// What an error or a redirect says of the packet that caused it.
    [[nodiscard]] std::optional<Area> quotedOctets(const Area& area) const;

    std::optional<Version> udp(Area& area);

    /// RFC 3948: IKE behind four zero octets, a keep-alive of one octet, else ESP.
    std::optional<Version> behindNat(Area& area);

    void internetKeyExchange(const Area& area);

    /// RFC 5555, RFC 5844: an IP packet as such, or a TLV header (RFC 5845 §7.2), which begins with a zero nibble, before it.
    std::optional<Version> tunnelled(Area& area);

    /// The datagram read last turns out to be a carrier.
    void enterTunnel();

    void payload(const UdpDatagram& datagram, const Area& data);

    /// Counts a layer; shows the limit when there are too many.
    bool enter(const Area& area);

    /// Counts the IP header just read; behind the outermost packet the octets are the link's.
    void counted(const FieldReader& in);

    static Area rest(const Area& area, std::size_t skip)
    {
        skip = std::min(skip, area.octets.size());
        return {area.octets.subspan(skip), area.base + skip, area.cut};
    }

    void encrypted(const Area& area, const std::string& why);
    void undecoded(const Area& area, std::string why = {}, bool limit = false);

    /// `cut`: what failed is not whole in the capture, so that missing octets are no fault of the sender.
    void stop(Error error, bool cut);

    void showData(const Area& area);

    ByteView frame_;                       ///< or the derived octets that are being decoded
    FieldSink* sink_;
    const DecodeContext& context_;
    const std::size_t groups_;             ///< open groups that are not ours
    const int quotes_;
    DecodedFrame out_;
    std::size_t layers_ = 0;
    std::size_t ipHeaders_ = 0;
    FieldId trailer_ = FieldId::Data;      ///< what octets behind the outermost packet are; Data: not shown
    ByteView payload_;                     ///< of the last IPv6 packet
    PseudoHeader addresses_;               ///< of the innermost IP header
    Chain chain_;                          ///< of the innermost IPv6 header
    std::optional<std::size_t> believed_;  ///< findings before a header that makes everything behind it doubtful
    std::optional<std::size_t> carrier_;   ///< where in the frame stands what the derived octets come from
    Chain frameChain_;                     ///< chain_ as it was then
    std::size_t buffers_ = 0;              ///< begun at the sink
    std::optional<std::uint8_t> mobilityType_;
    std::deque<Bytes> decrypted_;          ///< what was decrypted; views of it last as long as this
    std::uint64_t path_ = 0xcbf29ce484222325u;
};

}  // namespace roamscope::wire
