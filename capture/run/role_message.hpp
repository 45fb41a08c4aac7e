// SPDX-License-Identifier: GPL-3.0-or-later
// What the command `send` of `role` describes: a mobility message by its fields or as octets, or a whole packet or frame.
#pragma once

#include "capture/io/json_value.hpp"
#include "protocol/wire/ipv6.hpp"
#include "protocol/wire/mobility_options.hpp"

#include <optional>
#include <string>

namespace roamscope::capture {

struct SendOrder {
    std::optional<Bytes> frame;      ///< goes out as it is; otherwise `packet`
    wire::Ipv6Packet packet;         ///< its payload is made by finishPacket()
    std::string interface;           ///< empty: where the packet's destination is reached
    std::optional<Bytes> octets;     ///< of the message, when it was given so
    bool keepChecksum = false;       ///< of octets: wrong ones are sent on purpose
    std::string type;                ///< of the message by its fields, as in `messageTypes`
    // Fields of messages; those that a type does not have are a fault.
    std::uint16_t sequence = 0;
    std::uint16_t lifetimeUnits = 0; ///< of 4 s
    std::uint16_t flags = 0;
    std::uint8_t status = 0;
    std::uint64_t cookie = 0;
    std::uint64_t token = 0;
    std::uint16_t nonceIndex = 0;
    Ipv6Address homeAddress;         ///< in a Binding Error
    std::vector<wire::MobilityOption> options;
};

/// Reads the keys of a `send` command beside "command" and "id". Faults stay in the value's reader.
[[nodiscard]] SendOrder readSendOrder(const JsonValue& value);

/// Fills in source (when it was left out: `source`) and payload of the packet of an order that has no frame.
void finishPacket(SendOrder& order, const Ipv6Address& source);

/// Octets in hexadecimal; spaces and colons may stand between them. Nothing for anything else.
[[nodiscard]] std::optional<Bytes> octetsIn(std::string_view text);

}  // namespace roamscope::capture
