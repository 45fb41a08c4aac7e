// SPDX-License-Identifier: GPL-3.0-or-later
// Inside of the reader of mobility options: bodies by type, alignment and emission. For mobility_options.cpp and the checks.
#pragma once

#include "protocol/wire/mobility_options.hpp"

#include <optional>

namespace roamscope::wire {

enum MobilityOptionType : std::uint8_t {
    optionPad1 = 0,
    optionPadN = 1,
    optionRefreshAdvice = 2,
    optionAlternateCareOf = 3,
    optionNonceIndices = 4,
    optionAuthorization = 5,
    optionNetworkPrefix = 6,
    optionLinkLayer = 7,
    optionNodeIdentifier = 8,
    optionAuthentication = 9,
    optionReplay = 10,
    optionFastAuthorization = 21,
    optionHomePrefix = 22,
    optionHandoff = 23,
    optionAccessTechnology = 24,
    optionLinkLayerId = 25,
    optionLinkLocal = 26,
    optionTimestamp = 27,
    optionRestart = 28,
    optionIpv4Home = 29,
    optionIpv4Ack = 30,
    optionNat = 31,
    optionIpv4CareOf = 32,
    optionMobilityAddress = 34,
    optionBindingIdentifier = 35,
    optionFlowSummary = 44,
    optionFlowIdentification = 45,
};

/// An option starts at an offset ≡ y modulo x from the start of the Mobility Header.
struct OptionAlignment {
    std::size_t x = 1;
    std::size_t y = 0;
};

/// Types that are values of their own: one that is a RawMobilityOption after all has a length that does not fit.
[[nodiscard]] bool hasValueOfItsOwn(std::uint8_t type);

/// By type and value of the Length octet.
[[nodiscard]] OptionAlignment optionAlignment(std::uint8_t type, std::size_t length);

/// `in` holds the data of an option of RFC 6275, 3963, 5568 or 5648 and no more. Nothing when the length does not fit its type; the
/// fields that were shown by then are none.
[[nodiscard]] std::optional<MobilityOption> parseBasicOption(FieldReader& in, std::uint8_t type);
/// The same for all other types that are values of their own.
[[nodiscard]] std::optional<MobilityOption> parseFamilyOption(FieldReader& in, std::uint8_t type);
/// Shows the fields of an option whose octets are kept. False when the type has no form or the length does not fit it; then
/// nothing has been shown. `known` tells the two apart.
[[nodiscard]] bool showOption(FieldReader& in, std::uint8_t type, bool& known);
/// The same for the Vendor Specific option (RFC 5094 §3), which other options may carry too.
[[nodiscard]] bool showVendor(FieldReader& in);
/// Whether an option that showOption() knows may have this length; true for one that it does not know.
[[nodiscard]] bool optionFits(std::uint8_t type, std::size_t length);

/// Findings about the values inside `option`, whose length fits its type: prefix lengths that no address has, codes and flags that
/// contradict the length, sub-options that run past the end. `option` starts at its Type octet, which stands at `offset`.
void checkOption(FieldSink& sink, std::uint8_t type, ByteView option, std::size_t offset);

/// Appends Type, Length and data, without padding.
void emitOption(Writer& out, const MobilityOption& option);

}  // namespace roamscope::wire
