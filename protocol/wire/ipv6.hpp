// SPDX-License-Identifier: GPL-3.0-or-later
// IPv6 packets with the extension headers that mobility uses: hop-by-hop options (router alert), type 2 routing header
// (RFC 6275 §6.4), destination options with the home address option (RFC 6275 §6.3). How the chain of headers is followed is in
// protocol/wire/ipv6_chain.hpp.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/wire/checksum.hpp"
#include "protocol/wire/fields.hpp"

#include <optional>
#include <vector>

namespace roamscope::wire {

/// Next-header numbers.
namespace protocol {
inline constexpr std::uint8_t hopByHop = 0;
inline constexpr std::uint8_t icmpv4 = 1;
inline constexpr std::uint8_t ipv4 = 4;
inline constexpr std::uint8_t tcp = 6;
inline constexpr std::uint8_t udp = 17;
inline constexpr std::uint8_t ipv6 = 41;
inline constexpr std::uint8_t routing = 43;
inline constexpr std::uint8_t fragment = 44;
inline constexpr std::uint8_t esp = 50;
inline constexpr std::uint8_t ah = 51;
inline constexpr std::uint8_t icmpv6 = 58;
inline constexpr std::uint8_t none = 59;
inline constexpr std::uint8_t destinationOptions = 60;
inline constexpr std::uint8_t mobility = 135;
}  // namespace protocol

inline constexpr int maxExtensionHeaders = 64;          ///< followed in one packet; the next one stays `nextHeader`
inline constexpr std::size_t fragmentOctets = 8;

inline constexpr std::uint8_t optionTunnelLimit = 4;  ///< RFC 2473 §4.1.1
inline constexpr std::uint8_t optionRouterAlert = 5;
inline constexpr std::uint8_t optionHomeAddress = 0xc9;
inline constexpr std::uint8_t optionJumbo = 0xc2;  ///< RFC 2675

/// An option of a hop-by-hop or destination options header; padding is not kept, it is made anew.
struct Ipv6Option {
    std::uint8_t type = 0;
    Bytes data;
    bool operator==(const Ipv6Option&) const = default;
};

struct Type2Routing {
    std::uint8_t segmentsLeft = 1;
    Ipv6Address homeAddress;
    bool operator==(const Type2Routing&) const = default;
};

struct Ipv6Packet {
    std::uint8_t trafficClass = 0;
    std::uint32_t flowLabel = 0;  ///< 20 bits
    std::uint8_t hopLimit = 64;
    Ipv6Address source;
    Ipv6Address destination;
    std::vector<Ipv6Option> hopByHop;
    std::optional<Type2Routing> routing;
    std::vector<Ipv6Option> destinationOptions;
    std::uint8_t nextHeader = protocol::none;  ///< of `payload`
    Bytes payload;
    /// The extension headers of a packet that goes on as it came, octet by octet: nobody on its way changes them (RFC 8200 §4).
    /// They are emitted in place of what the fields above say while `nextHeader` is what they end in. None: packets of our own.
    struct Kept {
        std::uint8_t first = protocol::none;  ///< number of the first of them
        std::uint8_t last = protocol::none;   ///< what they end in
        Bytes octets;
        bool operator==(const Kept&) const = default;
    } kept;

    static constexpr std::size_t headerOctets = 40;

    bool operator==(const Ipv6Packet&) const = default;
    /// Keeps the headers of `whole`, the octets that this packet was read from, `payloadAt` being where its payload stands in them.
    void keepHeaders(ByteView whole, std::size_t payloadAt);
    /// The address in the home address option, if there is one of the right length.
    [[nodiscard]] std::optional<Ipv6Address> homeAddress() const;
    void setHomeAddress(const Ipv6Address& address);
    /// Addresses for upper-layer checksums (RFC 6275 §6.1.1, §11.3.1).
    [[nodiscard]] PseudoHeader pseudoHeader() const;
};

/// A fragment header (RFC 8200 §4.5) of a packet that is not whole.
struct FragmentHeader {
    std::size_t offset = 0;   ///< where it stands, absolute
    std::size_t place = 0;    ///< of its data in the whole, octets
    bool more = false;
    std::uint8_t next = 0;    ///< what the whole carries
    std::uint32_t id = 0;
    bool operator==(const FragmentHeader&) const = default;
};

/// A parsed packet and where its payload stands in the frame.
struct ParsedIpv6 {
    Ipv6Packet packet;
    std::size_t payloadOffset = 0;    ///< absolute
    bool cut = false;                 ///< the packet is longer than the octets that are there
    bool limited = false;             ///< it has more extension headers than are followed
    std::optional<Error> violation;   ///< why its receiver must drop it although it could be read
};

/// Reads one packet and its extension headers and leaves `in` after the packet (octets behind it are a link's padding).
/// Fails on a version other than 6 and on headers that do not fit. A payload shorter than the header says is not an error
/// here when `mayBeCut` (a capture with a snap length); then `cut` is set, and what is missing is Truncated; missing inside a
/// whole packet is Malformed. Stops at a fragment header (unless offset 0 and no more), at an authentication header, whose receiver
/// has to check it before it goes on (RFC 4302 §3.4), and after maxExtensionHeaders: these are then `nextHeader` and stand at the
/// start of the payload. Headers in places where they may not be are read all the same and make a `violation`.
[[nodiscard]] Result<ParsedIpv6> parseIpv6(FieldReader& in, bool mayBeCut = false);

/// Whole packet with its extension headers in the order of RFC 6275 §6.3–6.4, options aligned (home address 8n+6, router
/// alert 2n). The payload length is computed. The options of one header may have 2040 octets, padding included, and the whole
/// payload 65535.
/// `room` octets of 0 stand in front of it, for the header of a link.
[[nodiscard]] Bytes emitIpv6(const Ipv6Packet& packet, std::size_t room = 0);

[[nodiscard]] std::string_view nextHeaderName(std::uint8_t number);

}  // namespace roamscope::wire
