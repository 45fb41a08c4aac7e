// SPDX-License-Identifier: GPL-3.0-or-later
// Time inside a lab. There is no now(): protocol code is told the time, it cannot ask.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ratio>

namespace roamscope {

using Duration = std::chrono::nanoseconds;

/// Clock of a lab or trace: nanoseconds since its start. Deliberately without now().
struct LabClock {
    using rep = std::int64_t;
    using period = std::nano;
    using duration = Duration;
    using time_point = std::chrono::time_point<LabClock>;
    static constexpr bool is_steady = true;
};

using TimePoint = LabClock::time_point;

/// The 16-bit lifetime of Binding Updates and Acknowledgements, in units of 4 s (RFC 6275 §6.1.7). Stays inside wire/.
using WireLifetime = std::chrono::duration<std::uint16_t, std::ratio<4>>;
/// One unit: the shortest that does not delete.
inline constexpr std::chrono::seconds leastLifetime{4};
/// Whole units, at least one, at most all that there is room for.
[[nodiscard]] constexpr WireLifetime toWire(std::chrono::seconds lifetime)
{
    const std::int64_t units = lifetime / leastLifetime;
    return WireLifetime{static_cast<std::uint16_t>(units < 1 ? 1 : units > 0xffff ? 0xffff : units)};
}
/// Whole seconds that are left until then, 0 when it has passed; TimePoint::max() is for ever.
[[nodiscard]] constexpr std::chrono::seconds secondsUntil(TimePoint now, TimePoint until)
{
    return until == TimePoint::max() ? std::chrono::seconds::max() : std::chrono::floor<std::chrono::seconds>(std::max<Duration>(until - now, Duration{0}));
}
[[nodiscard]] constexpr Duration toDuration(WireLifetime lifetime) { return std::chrono::seconds(4 * std::int64_t{lifetime.count()}); }

using namespace std::chrono_literals;

[[nodiscard]] constexpr std::int64_t toNanoseconds(TimePoint t) { return t.time_since_epoch().count(); }
[[nodiscard]] constexpr TimePoint atNanoseconds(std::int64_t ns) { return TimePoint{Duration{ns}}; }
[[nodiscard]] constexpr double toSeconds(Duration d) { return static_cast<double>(d.count()) * 1e-9; }
[[nodiscard]] constexpr double toSeconds(TimePoint t) { return toSeconds(t.time_since_epoch()); }

}  // namespace roamscope
