// SPDX-License-Identifier: GPL-3.0-or-later
// Values as people write them.
#pragma once

#include "capture/filter/expression.hpp"

namespace roamscope::filter {

/// Decimal, 0x…, 0b… or octal with a leading 0. Nothing when it is no such number or too large.
[[nodiscard]] std::optional<std::uint64_t> parseNumber(std::string_view text);
/// Seconds with up to nine decimals, or with one of the units ns us ms s min h, in nanoseconds.
[[nodiscard]] std::optional<std::int64_t> parseDuration(std::string_view text);
/// "2023-11-14T22:13:20.5Z", with a blank for the T, an offset for the Z, or neither (local time, as Wireshark takes it), any end
/// of it left out; or "Nov 14, 2023 22:13:20 UTC". Nanoseconds since 1970.
[[nodiscard]] std::optional<std::int64_t> parseInstant(std::string_view text);
/// 00:11:22, 00-11-22, 0.1.2, 001122, 0xff (one octet).
[[nodiscard]] std::optional<Bytes> parseOctets(std::string_view text);
[[nodiscard]] std::optional<Block6> parseBlock6(std::string_view text);
[[nodiscard]] std::optional<Block4> parseBlock4(std::string_view text);
[[nodiscard]] std::optional<bool> parseBoolean(std::string_view text);

}  // namespace roamscope::filter
