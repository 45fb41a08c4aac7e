// SPDX-License-Identifier: GPL-3.0-or-later
// Time stamps of a pcapng interface: ticks of if_tsresol since 1970 plus if_tsoffset, to and from nanoseconds.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace roamscope::capture {

__extension__ using Wide = __int128;

struct PcapngClock {
    std::uint8_t resolution = 6;  ///< as in if_tsresol: 10^-n s, or with the high bit 2^-n s
    std::int64_t offset = 0;      ///< seconds

    struct Time {
        std::int64_t value = 0;  ///< ns since 1970
        bool clamped = false;    ///< it does not fit into 64 bits; `value` is the nearest that does
    };

    [[nodiscard]] Time nanoseconds(std::uint64_t ticks) const
    {
        Wide ns = ticks;
        const unsigned exponent = resolution & 0x7fu;
        if ((resolution & 0x80) != 0) {
            // 2^64 ticks * 10^9 needs 94 bits.
            ns = exponent > 100 ? 0 : (ns * 1'000'000'000) >> exponent;
        } else {
            for (unsigned i = exponent; i < 9; ++i) ns *= 10;
            for (unsigned i = 9; i < exponent && ns != 0; ++i) ns /= 10;
        }
        return clamp(ns + Wide{offset} * 1'000'000'000);
    }

    /// Whether all 2^64 ticks together are shorter than a nanosecond, so that every stamp is the same.
    [[nodiscard]] bool tooFine() const
    {
        const unsigned exponent = resolution & 0x7fu;
        return (resolution & 0x80) != 0 ? exponent > 93 : exponent > 28;
    }

    /// Seconds to write as if_tsoffset beside nanosecond ticks so that times from 1823 to 2262 fit, for traces with times before
    /// 1970; the others need none.
    static constexpr std::int64_t offsetBefore1970 = -4'611'686'018;

    /// Ticks of 10^-9 s that stand for `ns` on an interface with this offset; the nearest there are.
    [[nodiscard]] static std::uint64_t nanosecondTicks(std::int64_t ns, std::int64_t offsetSeconds)
    {
        const Wide ticks = Wide{ns} - Wide{offsetSeconds} * 1'000'000'000;
        constexpr Wide most = std::numeric_limits<std::uint64_t>::max();
        return static_cast<std::uint64_t>(std::clamp<Wide>(ticks, 0, most));
    }

private:
    static Time clamp(Wide ns)
    {
        constexpr Wide most = std::numeric_limits<std::int64_t>::max();
        return {static_cast<std::int64_t>(std::clamp<Wide>(ns, -most, most)), ns > most || ns < -most};
    }
};

}  // namespace roamscope::capture
