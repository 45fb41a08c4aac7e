// SPDX-License-Identifier: GPL-3.0-or-later
// Words, strings and signs of a display filter. The lexical grammar is written with PEGTL (lexer.cpp); it is flat, so that neither
// the stack nor the time depends on anything but the length of the text.
#pragma once

#include "capture/filter/filter.hpp"

#include <cstdint>

namespace roamscope::filter {

enum class TokenKind : std::uint8_t {
    End,
    Word,       ///< field, keyword, number, address, octets
    String,     ///< in double quotes; `value` is what it stands for
    Character,  ///< in single quotes; `value` is one octet
    Brackets,   ///< [ … ] with everything inside
    Sign        ///< operator or punctuation
};

struct Token {
    TokenKind kind = TokenKind::End;
    std::size_t column = 0;
    std::string_view text;  ///< as written; the filter's text must outlive it
    std::string value;      ///< of strings and characters

    [[nodiscard]] bool is(std::string_view sign) const { return kind == TokenKind::Sign && text == sign; }
};

inline constexpr std::size_t longestFilter = 64 * 1024;  ///< octets

/// The last token is always End. Fails on octets that begin no token, strings that do not end and texts longer than longestFilter.
[[nodiscard]] tl::expected<std::vector<Token>, FilterError> tokens(std::string_view text);

/// `a` == `b` but for ASCII case.
[[nodiscard]] bool sameWord(std::string_view a, std::string_view b);
[[nodiscard]] std::string lowerCase(std::string_view text);

}  // namespace roamscope::filter
