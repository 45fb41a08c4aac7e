// SPDX-License-Identifier: GPL-3.0-or-later
// The result of anything that may fail on input from outside. Protocol and capture code throws no exceptions of its own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace roamscope {

enum class ErrorCode {
    Truncated,    ///< the bytes end before the item does
    Malformed,    ///< the bytes contradict the format
    BadChecksum,  ///< complete, but its checksum is wrong
    Unsupported,  ///< valid, but of a kind that is not handled here
    Invalid,      ///< a value (setting, argument) is out of its range
    Io,           ///< the operating system refused
    Permission,   ///< the operating system refused for lack of a right
};

/// What went wrong, where, and (in `text`) for a person: place, cause and remedy.
struct Error {
    ErrorCode code = ErrorCode::Malformed;
    std::size_t offset = 0;  ///< first bad octet, counted from the start of the frame or file; 0 when there is none
    std::string text;
    std::string_view rule{};   ///< id of the numbered rule that is broken, if any
    std::string_view rfc{};    ///< "RFC 6275 §9.2"; empty where no RFC names it
    std::size_t length = 0;    ///< bad octets from `offset` on; 0: up to the end
};

template <class T>
using Result = tl::expected<T, Error>;

/// Shorthand for returning a failure.
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::size_t offset, std::string text)
{
    return tl::unexpected<Error>(Error{code, offset, std::move(text)});
}

}  // namespace roamscope
