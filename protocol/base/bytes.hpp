// SPDX-License-Identifier: GPL-3.0-or-later
// Octets in network order: a reader whose error is sticky, and a writer. No ownership is hidden: views never own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace roamscope {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// Reads big-endian values from a view. After the first read past the end every read gives zeros and failed() is true,
/// so a header is read field by field and checked once. Offsets are absolute: they count from `base`.
class Reader {
public:
    explicit Reader(ByteView bytes, std::size_t base = 0) : bytes_(bytes), base_(base) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }

    template <std::size_t N>
    std::array<std::uint8_t, N> array()
    {
        std::array<std::uint8_t, N> out{};
        const ByteView view = take(N);
        for (std::size_t i = 0; i < view.size(); ++i) out[i] = view[i];
        return out;
    }

    /// The next n octets, or an empty view (and failure) when fewer are left.
    ByteView take(std::size_t n)
    {
        if (failed_ || n > bytes_.size() - position_) {
            failed_ = true;
            return {};
        }
        const ByteView view = bytes_.subspan(position_, n);
        position_ += n;
        return view;
    }
    void skip(std::size_t n) { take(n); }
    ByteView rest() { return take(remaining()); }

    [[nodiscard]] bool failed() const { return failed_; }
    [[nodiscard]] std::size_t offset() const { return base_ + position_; }      ///< absolute
    [[nodiscard]] std::size_t position() const { return position_; }            ///< from the start of this view
    [[nodiscard]] std::size_t remaining() const { return failed_ ? 0 : bytes_.size() - position_; }
    [[nodiscard]] ByteView whole() const { return bytes_; }

private:
    std::uint64_t number(std::size_t n)
    {
        std::uint64_t value = 0;
        for (const std::uint8_t octet : take(n)) value = value << 8 | octet;
        return value;
    }

    ByteView bytes_;
    std::size_t base_;
    std::size_t position_ = 0;
    bool failed_ = false;
};

/// Appends big-endian values to a byte vector that it owns.
class Writer {
public:
    Writer() { bytes_.reserve(usualOctets); }
    void u8(std::uint8_t v) { bytes_.push_back(v); }
    void u16(std::uint16_t v) { number(v, 2); }
    void u32(std::uint32_t v) { number(v, 4); }
    void u64(std::uint64_t v) { number(v, 8); }
    void bytes(ByteView v) { bytes_.insert(bytes_.end(), v.begin(), v.end()); }
    void zeros(std::size_t n) { bytes_.insert(bytes_.end(), n, std::uint8_t{0}); }
    /// Overwrites two octets already written at `position`.
    void patch16(std::size_t position, std::uint16_t v)
    {
        bytes_.at(position) = static_cast<std::uint8_t>(v >> 8);
        bytes_.at(position + 1) = static_cast<std::uint8_t>(v);
    }
    void patch8(std::size_t position, std::uint8_t v) { bytes_.at(position) = v; }

    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] ByteView view() const { return bytes_; }
    [[nodiscard]] Bytes take() { return std::move(bytes_); }

private:
    void number(std::uint64_t v, std::size_t n)
    {
        const std::size_t at = bytes_.size();
        bytes_.resize(at + n);
        for (std::size_t i = 0; i < n; ++i) bytes_[at + i] = static_cast<std::uint8_t>(v >> (8 * (n - 1 - i)));
    }

    static constexpr std::size_t usualOctets = 128;  ///< most messages need no more: room is made once

    Bytes bytes_;
};

}  // namespace roamscope
