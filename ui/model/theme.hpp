// SPDX-License-Identifier: GPL-3.0-or-later
// Colours by meaning, for light and dark palettes. Contrast is at least 4.2:1 on white and 6.9:1 on #1e1f22; a colour never
// speaks alone, each kind also has its letter.
#pragma once

#include "capture/analysis/analysis.hpp"
#include "protocol/wire/summary.hpp"

#include <QColor>
#include <QPalette>
#include <QString>

namespace roamscope::ui {

/// What a piece of a picture is about.
enum class Tone { Home, Local, Discovery, RouteOptimisation, Data, Warning, Error };

class Theme {
public:
    explicit Theme(const QPalette& palette);

    [[nodiscard]] bool dark() const { return dark_; }
    [[nodiscard]] QColor tone(Tone tone) const;
    /// The same, mixed into the background: for areas with text on them.
    [[nodiscard]] QColor wash(Tone tone, double strength = 0.22) const;
    [[nodiscard]] QColor text() const { return text_; }
    [[nodiscard]] QColor base() const { return base_; }
    [[nodiscard]] QColor faint() const;     ///< secondary text, axes
    [[nodiscard]] QColor hairline() const;  ///< grids and separators
    [[nodiscard]] QColor cursor() const { return text_; }

private:
    [[nodiscard]] QColor mix(const QColor& over, double strength) const;

    QColor text_;
    QColor base_;
    bool dark_;
};

[[nodiscard]] Tone toneOf(wire::MessageKind kind);
[[nodiscard]] Tone toneOf(analysis::Role role);
/// "L", "H", "R", "D", "–", "·": the colour's letter.
[[nodiscard]] QString letterOf(wire::MessageKind kind);

}  // namespace roamscope::ui
