// SPDX-License-Identifier: GPL-3.0-or-later
// Order of the sequence numbers of Binding Updates, the same at mobile node and anchor (RFC 6275 §9.5.1).
#pragma once

#include <cstdint>

namespace roamscope::node {

/// Sequence numbers are compared modulo 2^16: newer is what lies 1 to 32767 ahead (HA-BU-02, MN-BU-06).
[[nodiscard]] constexpr bool isNewer(std::uint16_t candidate, std::uint16_t last)
{
    const auto distance = static_cast<std::uint16_t>(candidate - last);
    return distance >= 1 && distance <= 32767;
}

[[nodiscard]] constexpr std::uint16_t newest(std::uint16_t a, std::uint16_t b) { return isNewer(b, a) ? b : a; }

}  // namespace roamscope::node
