// SPDX-License-Identifier: GPL-3.0-or-later
// Inside of the reader of Mobility Header messages: bodies by type, the sender's dialect, and the rules that hold for a whole message.
#pragma once

#include "protocol/wire/mobility.hpp"

namespace roamscope::wire {

/// Octets before the options; Header Len must cover them (MH-RX-01).
[[nodiscard]] std::size_t fixedOctets(std::uint8_t type);

struct MobilityBody {
    MobilityMessage message;
    std::vector<PlacedOption> placed;  ///< only filled when there is a sink
};

/// `in` holds everything behind the checksum; `scope.messageType` chooses the layout.
[[nodiscard]] Result<MobilityBody> parseMobilityBody(FieldReader& in, const OptionScope& scope);

/// What the sender speaks (errata B): the user's choice, or by what stands in the message. `evidence` is empty where it is the
/// RFCs' or was chosen.
struct MobilityDialect {
    Dialect dialect = Dialect::Rfc;
    std::string evidence;
};
[[nodiscard]] MobilityDialect mobilityDialect(const DecodeContext& context, ByteView message);

/// Numbers of a dialect as the RFCs have them. For Dialect::Rfc the same number.
[[nodiscard]] std::uint16_t publishedFlags(const DecodeContext& context, Dialect dialect, std::uint16_t flags);
[[nodiscard]] std::uint8_t publishedStatus(const DecodeContext& context, Dialect dialect, std::uint8_t status);

/// Findings of a message that could be read: options that may not be where they are, alignment, padding, and what RFC 5648, 6089 and
/// 5568 say about several fields together. `start` is the offset of the Mobility Header.
void checkMobility(FieldSink& sink, const MobilityBody& body, const OptionScope& scope, ByteView message);

/// Findings about the care-of address that `option` of this update holds, if it holds one (RFC 6275 §6.1.7, RFC 5648 §4.3, §6.2).
/// `option` has a length that fits its type; its Type octet stands at `offset`.
void checkCareOf(FieldSink& sink, const BindingUpdate& update, std::uint8_t type, ByteView option, std::size_t offset);

}  // namespace roamscope::wire
