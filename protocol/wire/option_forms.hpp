// SPDX-License-Identifier: GPL-3.0-or-later
// How options whose octets are kept as they are get their fields shown: a form is a list of pieces in reading order.
#pragma once

#include "protocol/wire/fields.hpp"

#include <span>

namespace roamscope::wire {

struct FormPiece {
    enum class Kind : std::uint8_t {
        U8, U16, U32, U64,
        Word8, Word16,  ///< not shown themselves: the Bits pieces behind them are
        Bits,           ///< by the field's mask, of the number read last
        Ipv4, Ipv6,
        Octets, Text,   ///< all that is left
    };
    Kind kind;
    FieldId field{};  ///< ignored by Word8 and Word16
    std::string_view (*name)(std::uint8_t) = nullptr;  ///< meaning of a number
};

/// Reads the pieces of a form; when octets are missing `in` has failed.
void readForm(FieldReader& in, std::span<const FormPiece> form);

/// Octets as text that is valid UTF-8 without control characters: these become \n, \t or \ooo, broken UTF-8 becomes U+FFFD.
[[nodiscard]] std::string safeText(ByteView octets);
/// Reads n octets and shows them as text.
Bytes readText(FieldReader& in, FieldId field, std::size_t n);

/// "May 28, 2024 02:40:51.500000000 UTC"; seconds since 1970.
[[nodiscard]] std::string timeText(std::int64_t seconds, std::uint32_t nanoseconds);

}  // namespace roamscope::wire
