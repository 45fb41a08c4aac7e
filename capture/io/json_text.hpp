// SPDX-License-Identifier: GPL-3.0-or-later
// JSON (comments allowed) as a tree that remembers where in the text everything stands, for input that people write and
// that is answered with line and column. Equal keys in one object are an error. Bounded in size and depth.
#pragma once

#include "protocol/base/result.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace roamscope::capture {

struct JsonNode {
    enum class Kind : std::uint8_t { Null, Boolean, Number, String, Array, Object };
    Kind kind = Kind::Null;
    std::size_t offset = 0;     ///< first octet of the value
    std::size_t keyOffset = 0;  ///< first octet of its key, for a member of an object
    bool boolean = false;
    double number = 0;          ///< a number as far as a double can hold it
    std::variant<std::monostate, std::int64_t, std::uint64_t> integer;  ///< set when it was written as an integer
    std::string text;           ///< of a string
    std::string key;            ///< for a member of an object
    std::vector<JsonNode> children;

    [[nodiscard]] const JsonNode* find(std::string_view name) const;
};

struct JsonLimits {
    std::size_t octets = 1024 * 1024;
    std::size_t depth = 16;
};

/// Line and column (in characters), both from 1.
struct TextPlace {
    std::size_t line = 1;
    std::size_t column = 1;
};
[[nodiscard]] TextPlace placeOf(std::string_view text, std::size_t offset);

/// "NAME:LINE:COLUMN: WHAT" with the offset.
[[nodiscard]] Error errorAt(std::string_view text, std::string_view name, std::size_t offset, std::string_view what);

/// Reads one document; `name` stands in errors.
[[nodiscard]] Result<JsonNode> parseJson(std::string_view text, std::string_view name, JsonLimits limits = {});

/// The text of a file, at most one octet more than parseJson() takes. The error names the file, the cause and what to do.
[[nodiscard]] Result<std::string> jsonText(const std::string& path);

}  // namespace roamscope::capture
