// SPDX-License-Identifier: GPL-3.0-or-later
// A capture file through the analyzer, and what it found, as lines that a test can compare.
#pragma once

#include "capture/analysis/analyzer.hpp"
#include "capture/io/capture_reader.hpp"

#include <QString>
#include <QStringList>

namespace roamscope::test {

/// "#3 +56,2 MN-BU-02 RFC 6275 §11.7.1: text"; frames count from 1.
inline QStringList findingLines(const analysis::Analysis& a)
{
    QStringList out;
    for (const analysis::TraceFinding& f : a.findings)
        out << QString("#%1 +%2,%3 %4 %5: %6")
                   .arg(f.frame + 1).arg(f.finding.offset).arg(f.finding.length)
                   .arg(QString::fromStdString(f.finding.rule.empty() ? "-" : std::string(f.finding.rule)), QString::fromStdString(std::string(f.finding.rfc)),
                        QString::fromStdString(f.finding.text));
    return out;
}

/// "#3 MN-BU-02", or "#3 RFC 6275 §6.2" where there is no numbered rule.
inline QStringList shortFindings(const analysis::Analysis& a)
{
    QStringList out;
    for (const analysis::TraceFinding& f : a.findings)
        out << QString("#%1 %2").arg(f.frame + 1).arg(QString::fromStdString(std::string(f.finding.rule.empty() ? f.finding.rfc : f.finding.rule)));
    return out;
}

/// The analysis of a capture file; null when it cannot be read to its end.
inline std::shared_ptr<const analysis::Analysis> analyzeFile(const QString& path)
{
    auto reader = capture::CaptureReader::open(path.toStdString());
    if (!reader) return nullptr;
    analysis::Analyzer analyzer;
    capture::CaptureRecord record;
    std::optional<std::int64_t> first;
    for (analysis::FrameIndex index = 0;; ++index) {
        const auto read = reader->next(record);
        if (!read) return nullptr;
        if (*read != capture::Read::Frame) return analyzer.result();
        if (!first) first = record.utc;
        analyzer.add(index, {TimePoint{Duration{record.utc - *first}}, record.link, record.originalLength, record.bytes}, reader->links().at(record.link));
    }
}

}  // namespace roamscope::test
