// SPDX-License-Identifier: GPL-3.0-or-later
// TCP headers (RFC 9293): users' traffic, of which only the header and its checksum are read here.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/wire/checksum.hpp"
#include "protocol/wire/fields.hpp"

namespace roamscope::wire {

struct TcpSegment {
    std::uint16_t sourcePort = 0;
    std::uint16_t destinationPort = 0;
    std::uint32_t sequence = 0;
    std::uint32_t acknowledgment = 0;
    std::uint16_t flags = 0;       ///< 12 bits, 0x002 SYN, 0x010 ACK …
    std::uint16_t window = 0;
    std::size_t dataOctets = 0;    ///< behind the header, as far as they were captured
    bool operator==(const TcpSegment&) const = default;
};

/// Reads the rest of `in` as one segment. `cut`: the capture did not keep all of it.
[[nodiscard]] Result<Checked<TcpSegment>> parseTcp(FieldReader& in, const PseudoHeader& addresses, bool cut = false);

}  // namespace roamscope::wire
