// SPDX-License-Identifier: GPL-3.0-or-later
// A whole captured frame, from the link layer through tunnels to the message inside. For the analyzer; nodes read their
// packets layer by layer themselves. Each carrier has its own file (link, ipv4, ipv6_chain, udp, esp, reassembly); here they are
// put together.
#pragma once

#include "protocol/wire/icmpv6.hpp"
#include "protocol/wire/ikev2.hpp"
#include "protocol/wire/ipv4.hpp"
#include "protocol/wire/ipv6.hpp"
#include "protocol/wire/link.hpp"
#include "protocol/wire/mobility.hpp"
#include "protocol/wire/tcp.hpp"
#include "protocol/wire/udp.hpp"

#include <optional>
#include <variant>
#include <vector>

namespace roamscope::wire {

/// Bounds of one frame (threat T2). What goes beyond one is listed as octets behind a node `roamscope.limit`.
inline constexpr std::size_t maxLayers = 16;      ///< link headers, IP headers, UDP tunnels, ESP
inline constexpr std::size_t maxIpHeaders = 8;
inline constexpr int maxQuotes = 2;               ///< packets in ICMPv6 errors in packets in ICMPv6 errors

using DecodedMessage =
    std::variant<std::monostate, Checked<Icmpv6Message>, Checked<MobilityMessage>, Checked<UdpDatagram>, Checked<TcpSegment>>;

/// The UDP header around what a UDP tunnel carries.
struct UdpTunnel {
    std::uint16_t sourcePort = 0;
    std::uint16_t destinationPort = 0;
    ChecksumVerdict checksum = ChecksumVerdict::Absent;
    bool operator==(const UdpTunnel&) const = default;
};

/// What the fragments of one datagram have in common.
struct FragmentKey {
    bool ipv4 = false;
    std::uint8_t protocol = 0;   ///< of IPv4; 0 for IPv6
    std::uint32_t id = 0;
    Ipv6Address source;          ///< IPv4 addresses are mapped
    Ipv6Address destination;
    std::uint64_t path = 0;      ///< of the addresses of the IP headers around: the same fragment in two tunnels is two
    auto operator<=>(const FragmentKey&) const = default;
};

/// A piece of a datagram that stands in a frame.
struct Fragment {
    FragmentKey key;
    std::size_t place = 0;         ///< in the whole, octets
    bool more = false;
    std::uint8_t next = 0;         ///< what the whole carries (it counts in the first fragment)
    std::size_t headerOffset = 0;  ///< in the frame
    std::size_t dataOffset = 0;
    std::size_t dataOctets = 0;
    bool cut = false;              ///< the capture did not keep all of it
};

struct DecodedFrame {
    std::optional<EthernetHeader> ethernet;  ///< link addresses; also source and destination of an 802.11 data frame
    std::vector<Ipv6Packet> packets;  ///< outermost first, at most 8; the payloads of all but the last are empty
    std::optional<Ipv4Header> ipv4;   ///< the innermost IPv4 header, wherever it stands among the packets
    bool overIpv4 = false;            ///< what is in `message`, or was not decoded, stands in `ipv4` and not in inner()
    std::optional<UdpTunnel> tunnel;  ///< the innermost UDP header that carries a packet or a Mobility Header
    std::size_t ipHeaders = 0;        ///< of both versions
    /// Number of what the innermost IP header carries, behind AH and opened ESP; `fragment` for a piece that was not reassembled.
    std::uint8_t upper = protocol::none;
    std::size_t payloadOffset = 0;    ///< behind the headers of the innermost IP packet, in the frame
    DecodedMessage message;
    std::size_t messageOffset = 0;    ///< where `upper` begins in the frame, or what leads to it when it stands in derived octets
    std::uint8_t messageType = 0;     ///< of a mobility or ICMPv6 message, also of one that could not be read
    std::optional<IkeHeader> ike;     ///< when `message` is UDP that carries it
    std::optional<Probe> probe;       ///< of this project's traffic source, when `message` is UDP
    std::optional<Fragment> fragment;  ///< the IP packet that stands in the frame last is a piece of a larger one
    bool encrypted = false;           ///< ESP (then `upper` says so) or the link's encryption hides the rest
    std::optional<Error> error;       ///< why decoding stopped before the end; offset is the octet
    std::optional<Error> violation;   ///< why a receiver must drop a packet of it although it could be read
    bool cut = false;                 ///< the capture did not keep the whole frame
    bool limited = false;             ///< decoding stopped at a bound of this decoder
    std::uint16_t etherType = 0;      ///< what the link carries, 0 when it does not say
    std::size_t undecodedOffset = 0;  ///< start of the octets that nothing here understood; frame size when none

    [[nodiscard]] const Ipv6Packet* inner() const { return packets.empty() ? nullptr : &packets.back(); }
    template <class T>
    [[nodiscard]] const T* as() const
    {
        if (const auto* m = std::get_if<Checked<Icmpv6Message>>(&message)) {
            if constexpr (std::is_constructible_v<Icmpv6Message, T>) return std::get_if<T>(&m->value);
        }
        if (const auto* m = std::get_if<Checked<MobilityMessage>>(&message)) {
            if constexpr (std::is_constructible_v<MobilityMessage, T>) return std::get_if<T>(&m->value);
        }
        return nullptr;
    }
};

/// Whether the message has no checksum although it must have one (UDP over IPv6 that is no tunnel).
[[nodiscard]] bool lacksChecksum(const DecodedFrame& frame);

/// Decodes `frame`; with a sink also reports every field read up to the failing octet. `originalLength` is the length on the
/// wire in octets, larger than the frame when the capture cut it; `context`: dialect, keys, reassembly. Never fails: what went
/// wrong is in the result. Work and stack are bounded whatever the octets say (see the limits above, 64 extension headers in each
/// packet, 4 VLAN tags).
[[nodiscard]] DecodedFrame decodeFrame(ByteView frame, std::uint16_t linkType, std::size_t originalLength, FieldSink* sink = nullptr,
                                       const DecodeContext& context = {});

}  // namespace roamscope::wire
