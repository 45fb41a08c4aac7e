// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/theme.hpp"

namespace roamscope::ui {

Theme::Theme(const QPalette& palette)
    : text_(palette.color(QPalette::Active, QPalette::Text)),
      base_(palette.color(QPalette::Active, QPalette::Base)),
      dark_(base_.lightness() < text_.lightness())
{
}

QColor Theme::tone(Tone tone) const
{
    switch (tone) {
    case Tone::Home: return dark_ ? QColor(0x56, 0xb4, 0xe9) : QColor(0x00, 0x72, 0xb2);
    case Tone::Local: return dark_ ? QColor(0xff, 0x8a, 0x3d) : QColor(0xb3, 0x47, 0x00);
    case Tone::Discovery: return dark_ ? QColor(0x33, 0xc7, 0x9b) : QColor(0x00, 0x78, 0x5a);
    case Tone::RouteOptimisation: return dark_ ? QColor(0xe3, 0xa3, 0xc6) : QColor(0x9c, 0x48, 0x77);
    case Tone::Data: return dark_ ? QColor(0xa8, 0xa8, 0xa8) : QColor(0x6e, 0x6e, 0x6e);
    case Tone::Warning: return dark_ ? QColor(0xe6, 0x9f, 0x00) : QColor(0xa8, 0x6f, 0x00);
    case Tone::Error: return dark_ ? QColor(0xff, 0x8f, 0x8f) : QColor(0xb0, 0x1c, 0x2e);
    }
    return text_;
}

QColor Theme::wash(Tone t, double strength) const { return mix(tone(t), strength); }
QColor Theme::faint() const { return mix(text_, 0.68); }
QColor Theme::hairline() const { return mix(text_, 0.16); }

QColor Theme::mix(const QColor& over, double strength) const
{
    const auto channel = [&](int a, int b) { return static_cast<int>(a * strength + b * (1 - strength) + 0.5); };
    return QColor(channel(over.red(), base_.red()), channel(over.green(), base_.green()), channel(over.blue(), base_.blue()));
}

Tone toneOf(wire::MessageKind kind)
{
    switch (kind) {
    case wire::MessageKind::LocalRegistration: return Tone::Local;
    case wire::MessageKind::HomeRegistration: return Tone::Home;
    case wire::MessageKind::RouteOptimisation: return Tone::RouteOptimisation;
    case wire::MessageKind::Discovery: return Tone::Discovery;
    case wire::MessageKind::Data:
    case wire::MessageKind::Other: break;
    }
    return Tone::Data;
}

Tone toneOf(analysis::Role role)
{
    switch (role) {
    case analysis::Role::HomeAgent: return Tone::Home;
    case analysis::Role::Map: return Tone::Local;
    case analysis::Role::AccessRouter: return Tone::Discovery;
    case analysis::Role::Correspondent: return Tone::RouteOptimisation;
    case analysis::Role::MobileNode: return Tone::Warning;
    case analysis::Role::Unknown: break;
    }
    return Tone::Data;
}

QString letterOf(wire::MessageKind kind)
{
    switch (kind) {
    case wire::MessageKind::LocalRegistration: return QStringLiteral("L");
    case wire::MessageKind::HomeRegistration: return QStringLiteral("H");
    case wire::MessageKind::RouteOptimisation: return QStringLiteral("R");
    case wire::MessageKind::Discovery: return QStringLiteral("D");
    case wire::MessageKind::Data: return QStringLiteral("–");
    case wire::MessageKind::Other: break;
    }
    return QStringLiteral("·");
}

}  // namespace roamscope::ui
