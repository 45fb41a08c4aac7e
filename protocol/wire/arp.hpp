// SPDX-License-Identifier: GPL-3.0-or-later
// Address resolution of IPv4 over Ethernet (RFC 826): what stands behind the Ethernet header. Plain values.
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/bytes.hpp"

#include <optional>

namespace roamscope::wire {

struct ArpMessage {
    static constexpr std::uint16_t request = 1;
    static constexpr std::uint16_t reply = 2;

    std::uint16_t operation = request;
    Mac senderMac;
    Ipv4Address sender;
    Mac targetMac;       ///< of no meaning in a request
    Ipv4Address target;

    static constexpr std::size_t octets = 28;
    bool operator==(const ArpMessage&) const = default;
};

/// Nothing when the octets are too few or about other kinds of addresses. Octets behind the message are a link's padding.
[[nodiscard]] std::optional<ArpMessage> parseArp(ByteView message);
[[nodiscard]] Bytes emitArp(const ArpMessage& message);

}  // namespace roamscope::wire
