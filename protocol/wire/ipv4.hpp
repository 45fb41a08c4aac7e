// SPDX-License-Identifier: GPL-3.0-or-later
// IPv4 headers (RFC 791): what carries IPv6 packets and mobility messages across older networks (RFC 5555, RFC 5844, RFC 4213).
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/result.hpp"
#include "protocol/wire/checksum.hpp"
#include "protocol/wire/fields.hpp"

#include <optional>

namespace roamscope::wire {

struct Ipv4Header {
    std::uint8_t dsField = 0;
    std::uint16_t identification = 0;
    bool dontFragment = false;
    bool moreFragments = false;
    std::uint16_t fragmentOffset = 0;  ///< octets
    std::uint8_t ttl = 64;
    std::uint8_t protocol = 0;
    Ipv4Address source;
    Ipv4Address destination;
    ChecksumVerdict checksum = ChecksumVerdict::Unverifiable;  ///< of the header; Absent where the sending host left it to its interface

    static constexpr std::size_t octets = 20;  ///< without options

    bool operator==(const Ipv4Header&) const = default;
    [[nodiscard]] bool isFragment() const { return moreFragments || fragmentOffset != 0; }
    /// Addresses for the checksums of what it carries. The IPv4 pseudo-header sums to the same as that of IPv6 with the mapped
    /// addresses ::ffff:a.b.c.d, because 0xffff is a zero of that sum.
    [[nodiscard]] PseudoHeader pseudoHeader() const;
};

struct ParsedIpv4 {
    Ipv4Header header;
    std::size_t payloadOffset = 0;  ///< absolute
    std::size_t payloadOctets = 0;  ///< that are there
    bool cut = false;               ///< the packet is longer than the octets that are there
};

/// Reads the header with its options and leaves `in` after the packet. A total length of 0 (a sending host that leaves cutting to
/// its interface) means all octets. Otherwise as parseIpv6().
[[nodiscard]] Result<ParsedIpv4> parseIpv4(FieldReader& in, bool mayBeCut = false);

/// Header without options, checksum computed, and payload.
[[nodiscard]] Bytes emitIpv4(const Ipv4Header& header, ByteView payload);

/// ::ffff:a.b.c.d
[[nodiscard]] Ipv6Address mapped(const Ipv4Address& address);
/// The a.b.c.d of ::ffff:a.b.c.d; nothing of any other address.
[[nodiscard]] std::optional<Ipv4Address> unmapped(const Ipv6Address& address);
/// An address that one host can have: not 0.0.0.0/8, 127.0.0.0/8, a group or a reserved one (RFC 6890).
[[nodiscard]] bool isUnicast(const Ipv4Address& address);

}  // namespace roamscope::wire
