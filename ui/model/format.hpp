// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers as people read them: times and durations with grouped decimals, octets.
#pragma once

#include "protocol/base/time.hpp"

#include <QString>

#include <string>
#include <string_view>

namespace roamscope::ui {

/// "12.304 518" seconds: six decimals in groups of three, cut rather than rounded so that no time shows before its event.
[[nodiscard]] QString formatTime(TimePoint t);
/// "42.0 ms", "1 000 ms" below 10 s, else "12.3 s".
[[nodiscard]] QString formatDuration(Duration d);
/// Whole seconds left of a lifetime, "597 s"; rounded up, so that 0 s means over.
[[nodiscard]] QString formatLifetime(Duration d);
/// "9 211": groups of three whatever the locale, as in times.
[[nodiscard]] QString formatCount(std::uint64_t n);

[[nodiscard]] inline QString toQt(std::string_view text) { return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size())); }

}  // namespace roamscope::ui
