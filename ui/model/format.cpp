// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/format.hpp"

#include <QCoreApplication>

namespace roamscope::ui {

namespace {

const QChar space(0x202f);  // narrow, no break

QString unit(const char* pattern, const QString& number) { return QCoreApplication::translate("Format", pattern).arg(number); }

}  // namespace

QString formatCount(std::uint64_t n)
{
    QString digits = QString::number(n);
    for (qsizetype at = digits.size() - 3; at > 0; at -= 3) digits.insert(at, space);
    return digits;
}

QString formatTime(TimePoint t)
{
    const std::int64_t ns = toNanoseconds(t);
    const std::uint64_t size = ns < 0 ? 0 - static_cast<std::uint64_t>(ns) : static_cast<std::uint64_t>(ns);
    const std::uint64_t micros = size / 1000;
    const QString decimals = QString::number(micros % 1000000).rightJustified(6, QLatin1Char('0'));
    return (ns < 0 ? QStringLiteral("−") : QString()) + QString::number(micros / 1000000) + QLatin1Char('.') + decimals.left(3) + space +
           decimals.mid(3);
}

QString formatDuration(Duration d)
{
    const double ms = static_cast<double>(d.count()) * 1e-6;
    if (ms < 100) return unit(QT_TRANSLATE_NOOP("Format", "%1 ms"), QString::number(ms, 'f', 1));
    if (ms < 10000) return unit(QT_TRANSLATE_NOOP("Format", "%1 ms"), formatCount(static_cast<std::uint64_t>(ms + 0.5)));
    return unit(QT_TRANSLATE_NOOP("Format", "%1 s"), QString::number(ms * 1e-3, 'f', 1));
}

QString formatLifetime(Duration d)
{
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(d).count();
    return unit(QT_TRANSLATE_NOOP("Format", "%1 s"), formatCount(seconds < 0 ? 0u : static_cast<std::uint64_t>(seconds)));
}

}  // namespace roamscope::ui
