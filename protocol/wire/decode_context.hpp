// SPDX-License-Identifier: GPL-3.0-or-later
// Settings that reach every parser of a frame: which dialect of the family the sender speaks, the keys that the user gave, the
// datagram that the frame's fragment completes. Values; the owner keeps them alive while frames are decoded.
#pragma once

#include "protocol/base/result.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace roamscope::wire {

class EspKeys;                // protocol/wire/esp.hpp
struct ReassembledDatagram;   // protocol/wire/reassembly.hpp

/// What drafts and early implementations put on the wire (spec/errata.md B). Automatic decides for each frame by what stands in
/// it and shows the evidence as a field; Rfc never deviates from the published texts.
enum class Dialect : std::uint8_t { Automatic, Rfc, HmipDraft, Shisa2004, Shisa2006, Fmip4068, PmipDraft, Custom };

/// Numbers of Dialect::Custom; the defaults are the published ones.
struct CustomNumbers {
    std::uint8_t bindingIdentifierOption = 35;
    std::uint16_t overwriteFlag = 0x0040;    ///< mask in the flags of a Binding Update
    std::uint8_t multipleStatusBase = 164;   ///< status number that means MCOA MALFORMED; the ones after it follow
    std::uint8_t mapOption = 23;             ///< neighbour discovery option
    std::uint8_t mobilityHeader = 135;       ///< a Next Header that is a Mobility Header besides 135; early drafts used 62
    bool operator==(const CustomNumbers&) const = default;
};

struct DecodeContext {
    Dialect dialect = Dialect::Automatic;
    CustomNumbers custom;
    const EspKeys* keys = nullptr;                  ///< none: only null encryption can be read
    const ReassembledDatagram* whole = nullptr;     ///< the datagram that this frame's fragment completes
};

/// Dialect::Rfc without keys.
[[nodiscard]] const DecodeContext& publishedRfcs();

[[nodiscard]] std::string_view dialectName(Dialect dialect);  ///< "auto", "rfc", "hmip-draft", "shisa-2004" …
/// A name as above, or "custom:bid=N,flag=0xNNNN,status=N,map=N,mh=N" with any of the five. The error names what was expected and
/// suggests what is near.
struct DialectChoice {
    Dialect dialect = Dialect::Automatic;
    CustomNumbers custom{};
    bool operator==(const DialectChoice&) const = default;
};
[[nodiscard]] Result<DialectChoice> parseDialect(std::string_view text);
/// What parseDialect() makes the same choice of; of a custom one the numbers that are not the published ones.
[[nodiscard]] std::string dialectText(const DialectChoice& choice);
/// One plain sentence about a dialect: who speaks it and what is different.
[[nodiscard]] std::string_view dialectExplanation(Dialect dialect);
/// Every dialect there is, Automatic first.
[[nodiscard]] std::span<const Dialect> allDialects();

}  // namespace roamscope::wire
