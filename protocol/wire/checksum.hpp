// SPDX-License-Identifier: GPL-3.0-or-later
// The Internet checksum of upper layers over IPv6 (RFC 8200 §8.1). For mobility messages and ICMPv6 the addresses are those
// of the home address option and the type 2 routing header when these are present (RFC 6275 §6.1.1, §6.3, §6.4).
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/wire/fields.hpp"

#include <bit>
#include <optional>

namespace roamscope::wire {

/// Absent: the field is 0 where that means "none". Unverifiable: the capture cut the message, or it is encrypted.
enum class ChecksumVerdict : std::uint8_t { Absent, Good, Bad, Unverifiable };

/// What the checksum covers besides the message.
struct PseudoHeader {
    Ipv6Address source;       ///< home address option if present, else the IPv6 source
    Ipv6Address destination;  ///< type 2 routing header's address if present, else the IPv6 destination
    bool ipv4 = false;        ///< both are IPv4-mapped: the message stands in an IPv4 packet
    /// RFC 5844 §4.1.3.2: a Mobility Header that UDP carries has 0 in its checksum field. Set: the verdict on the UDP checksum.
    std::optional<ChecksumVerdict> udp = std::nullopt;
};

/// The value for the checksum field when `message` has zero there; over a message with its checksum in place it is 0 when
/// the checksum is right (0xffff counts as 0 too).
[[nodiscard]] std::uint16_t checksum(const PseudoHeader& addresses, std::uint8_t nextHeader, ByteView message);

/// The 16-bit words of `bytes` added up in the machine's own order, last octet padded with zero; unfolded but for carries out of
/// 64 bits, which come back in. For those who check many messages: sums of pieces with even lengths add up (endSum).
[[nodiscard]] std::uint64_t wordSum(ByteView bytes);
/// a + b, a carry comes back in.
[[nodiscard]] constexpr std::uint64_t endSum(std::uint64_t a, std::uint64_t b)
{
    const std::uint64_t total = a + b;
    return total + (total < b ? 1 : 0);
}
/// A 16-bit number as a word of the machine whose octets are in network order, and back.
[[nodiscard]] constexpr std::uint16_t networkWord(std::uint16_t number)
{
    return std::endian::native == std::endian::little ? static_cast<std::uint16_t>(number << 8 | number >> 8) : number;
}
/// What the length and the next header add to a wordSum of the pseudo header (RFC 8200 §8.1).
[[nodiscard]] inline std::uint64_t pseudoWords(std::size_t length, std::uint8_t nextHeader)
{
    return std::uint64_t{networkWord(static_cast<std::uint16_t>(length >> 16))} + networkWord(static_cast<std::uint16_t>(length)) + networkWord(nextHeader);
}
/// Folds a wordSum to its 16 bits, in network order.
[[nodiscard]] inline std::uint16_t foldWords(std::uint64_t total)
{
    total = (total & 0xffffffff) + (total >> 32);
    total = (total & 0xffff) + (total >> 16);
    total = (total & 0xffff) + (total >> 16);
    total = (total & 0xffff) + (total >> 16);
    return networkWord(static_cast<std::uint16_t>(total));
}

/// A parsed message and what speaks against it. The analyzer shows everything, a node takes only what is acceptable().
template <class T>
struct Checked {
    T value;
    ChecksumVerdict checksum = ChecksumVerdict::Unverifiable;
    std::optional<Error> violation;  ///< a rule for which receivers must drop it although it could be read

    [[nodiscard]] bool acceptable() const { return checksum == ChecksumVerdict::Good && !violation; }
};

/// Verdict over a whole message with its checksum in place.
[[nodiscard]] ChecksumVerdict verify(const PseudoHeader& addresses, std::uint8_t nextHeader, ByteView message);

/// Verifies `message`, whose checksum field stands at `position`, and reports the verdict under `field` (and a finding with
/// `rfc` when it is bad) to `sink`, which may be null. `offset` is where the message starts in the frame.
[[nodiscard]] ChecksumVerdict judge(const PseudoHeader& addresses, std::uint8_t nextHeader, ByteView message, bool cut,
                                    std::size_t position, FieldId field, std::size_t offset, FieldSink* sink);

/// The value that a right message would carry in its checksum field at `position` (for "should be" texts).
[[nodiscard]] std::uint16_t expectedChecksum(const PseudoHeader& addresses, std::uint8_t nextHeader, ByteView message,
                                             std::size_t position);

}  // namespace roamscope::wire
