// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers in the byte order of the file that they stand in. Callers have checked that the octets are there.
#pragma once

#include "protocol/base/bytes.hpp"

#include <bit>
#include <cstring>

namespace roamscope::capture {

struct FileOrder {
    bool big = false;

    [[nodiscard]] std::uint64_t number(ByteView bytes, std::size_t offset, std::size_t width) const
    {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < width; ++i) value = value << 8 | bytes[offset + (big ? i : width - 1 - i)];
        return value;
    }
    [[nodiscard]] std::uint16_t u16(ByteView bytes, std::size_t offset) const { return static_cast<std::uint16_t>(number(bytes, offset, 2)); }
    [[nodiscard]] std::uint32_t u32(ByteView bytes, std::size_t offset) const
    {
        std::uint32_t value = 0;
        std::memcpy(&value, bytes.data() + offset, sizeof value);
        return big == (std::endian::native == std::endian::big) ? value : __builtin_bswap32(value);
    }
    [[nodiscard]] std::uint64_t u64(ByteView bytes, std::size_t offset) const { return number(bytes, offset, 8); }
};

}  // namespace roamscope::capture
