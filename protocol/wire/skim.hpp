// SPDX-License-Identifier: GPL-3.0-or-later
// What a frame is, found without making values: the index of a large capture is built from this. One pass over the headers
// and one over what the checksum covers. Mobility and ICMPv6 messages are read in full, users' data in plain IPv6 without an
// allocation; unusual and broken frames are decoded. Agrees with decodeFrame() on every frame (a test compares the two): same
// kind, type, verdict and marks; what decodeFrame() cannot know without keys or reassembly is Esp or Fragment here.
#pragma once

#include "protocol/wire/checksum.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace roamscope::wire {

/// The innermost thing that the headers lead to.
enum class FrameClass : std::uint8_t {
    Other,     ///< no IP, an unknown link type, or too broken to reach an IP header
    Ipv4,      ///< IPv4 that carries nothing of the below
    Ipv6,      ///< IPv6 with another upper layer
    NoNext,    ///< IPv6 with no next header
    Mobility,  ///< a Mobility Header; `type` is the MH type
    Icmpv6,    ///< `type` is the ICMPv6 type
    Udp,
    Tcp,
    Esp,       ///< encrypted, or not known to be otherwise
    Fragment   ///< a fragment that is not the whole packet
};

/// Bits of Skim::marks.
namespace mark {
inline constexpr std::uint16_t tunnel = 0x0001;        ///< more than one IP header
inline constexpr std::uint16_t homeAddress = 0x0002;   ///< home address option in the innermost IPv6 header
inline constexpr std::uint16_t routing2 = 0x0004;      ///< type 2 routing header in the innermost IPv6 header
inline constexpr std::uint16_t cut = 0x0008;           ///< the capture did not keep all of the frame
inline constexpr std::uint16_t malformed = 0x0010;     ///< decodeFrame() gives a Malformed error
inline constexpr std::uint16_t badChecksum = 0x0020;
inline constexpr std::uint16_t limited = 0x0040;       ///< more nesting than is followed
inline constexpr std::uint16_t completes = 0x0080;     ///< set by the trace: the last missing fragment of a datagram
inline constexpr std::uint16_t ipv6 = 0x0100;          ///< some IPv6 header was read to its end
}  // namespace mark

struct Skim {
    FrameClass kind = FrameClass::Other;
    std::uint8_t type = 0;
    ChecksumVerdict checksum = ChecksumVerdict::Absent;  ///< of the MH, ICMPv6, UDP or TCP message
    std::uint16_t marks = 0;
    std::uint32_t messageOffset = 0;  ///< of what `kind` names, from the start of the frame

    bool operator==(const Skim&) const = default;
};

/// Work is linear in the frame and bounded as for decodeFrame().
[[nodiscard]] Skim skim(ByteView frame, std::uint16_t linkType, std::size_t originalLength);

/// Where the headers of an ordinary frame stand: IPv6 in IPv6, all of it captured, that carries UDP, TCP, ICMPv6 or a Mobility
/// Header as such. No other IP header stands in the frame, and nothing of it was unusual up to `message`.
struct PlainHeaders {
    static constexpr std::size_t most = 4;
    std::array<std::uint32_t, most> ipv6{};  ///< offsets of the IPv6 headers, outermost first
    std::size_t count = 0;                   ///< of these, at least 1
    bool ethernet = false;                   ///< before the first stands an Ethernet header and nothing else
    bool extensions = false;                 ///< there are extension headers
    std::uint8_t upper = 0;                  ///< protocol::udp, tcp, icmpv6 or mobility
    std::uint32_t message = 0;               ///< where that begins
};
/// Nothing for all other frames. Reads no more than the headers.
[[nodiscard]] std::optional<PlainHeaders> plainHeaders(ByteView frame, std::uint16_t linkType, std::size_t originalLength);

}  // namespace roamscope::wire
