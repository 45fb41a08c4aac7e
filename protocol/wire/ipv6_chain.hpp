// SPDX-License-Identifier: GPL-3.0-or-later
// The chain of IPv6 extension headers (RFC 8200 §4): in any order, repeated, each shown; what stands where it may not is a finding
// and not the end of decoding, wherever the octets allow to go on.
#pragma once

#include "protocol/wire/ipv6.hpp"

namespace roamscope::wire {

inline constexpr int shownExtensionHeaders = 8;  ///< listed field by field; more are followed all the same
inline constexpr int shownOptions = 128;         ///< of one header

/// Where a chain begins: what came before it decides what may stand in it.
enum class ChainPlace : std::uint8_t {
    Packet,       ///< directly behind an IPv6 header
    Reassembled,  ///< behind the fragment header of a reassembled datagram
    Decrypted     ///< inside ESP
};

/// Octets of something that was found, from the start of the frame.
struct OctetRange {
    std::size_t offset = 0;
    std::size_t length = 0;
};

struct Chain {
    std::uint8_t next = protocol::none;  ///< what follows the headers that were followed
    bool limited = false;                ///< there are more than maxExtensionHeaders
    bool authenticated = false;          ///< an authentication header was among them
    std::optional<Error> violation;      ///< why a receiver must drop the packet although it could be read
    std::optional<FragmentHeader> fragment;           ///< the chain stopped at it; the reader stands at it
    std::optional<Ipv6Address> finalDestination;      ///< of a routing header of type 0 or 4 with segments left
    std::optional<OctetRange> homeAddress;            ///< the first home address option
    std::optional<OctetRange> routing2;               ///< the first type 2 routing header
};

/// Reads the extension headers that start with `next` and adds what they say to `packet`. Leaves `in` behind the last that is
/// followed: a fragment header that is not the whole packet, ESP and upper layers are not. Fails when a header or option runs
/// past the end of `in`: with Truncated for a header, Malformed for an option inside its whole header.
/// `pastAuthentication`: authentication headers are followed unchecked, as somebody who looks on does it.
[[nodiscard]] Result<Chain> parseChain(FieldReader& in, Ipv6Packet& packet, std::uint8_t next, ChainPlace place = ChainPlace::Packet,
                                       bool pastAuthentication = true);

/// The headers of a packet without a copy of what they carry.
struct Ipv6Headers {
    Ipv6Packet packet;              ///< its payload is empty
    ByteView payload;               ///< inside the octets of the reader
    std::size_t payloadOffset = 0;  ///< absolute
    bool cut = false;               ///< the packet is longer than the octets that are there
    Chain chain;
};
/// As parseIpv6(), which does not go past authentication.
[[nodiscard]] Result<Ipv6Headers> parseIpv6Headers(FieldReader& in, bool mayBeCut, bool pastAuthentication = true);

/// Findings about a mobility message under headers that it must not have (RFC 6275 §6.1): a type 2 routing header with anything
/// but a Binding Acknowledgement, a home address option with anything but a Binding Update. Messages that later RFCs send with
/// these headers are left alone.
void judgeCarrier(FieldSink& sink, std::uint8_t mobilityType, const Chain& chain);

}  // namespace roamscope::wire
