// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/filter_option.hpp"

#include "app/cli/commands.hpp"
#include "app/cli/frame_source.hpp"
#include "app/cli/output.hpp"
#include "capture/analysis/analyzer.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::cli {

namespace {

capture::FrameRow rowOf(const capture::FrameView& view, const wire::Skim& known)
{
    return {view.time, view.link, view.originalLength, static_cast<std::uint32_t>(view.bytes.size()), known.kind, known.type, known.marks};
}

}  // namespace

int complainAboutFilter(std::string_view text, const filter::FilterError& error)
{
    complain(Usage, "-Y: " + printable(error.text));
    // Of a long text only the neighbourhood of the place; both ends on whole characters.
    constexpr std::size_t around = 60;
    const auto inCharacter = [&](std::size_t i) { return i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0u) == 0x80u; };
    const std::size_t column = std::min(error.column, text.size());
    std::size_t from = column > around ? column - around : 0;
    std::size_t to = std::min(text.size(), column + 2 * around);
    while (inCharacter(from)) ++from;
    while (inCharacter(to)) ++to;
    const std::size_t marked = std::min(error.length, to - column);
    Output out(2);
    const std::string dots = from > 0 ? "…" : "";
    out.line(fmt::format("  {}{}{}", dots, printable(text.substr(from, to - from)), to < text.size() ? "…" : ""));
    const std::size_t before = columns(dots) + columns(printable(text.substr(from, column - from)));
    out.line(fmt::format("  {}{}", std::string(before, ' '), std::string(std::max<std::size_t>(1, columns(printable(text.substr(column, marked)))), '^')));
    if (!error.suggestion.empty() && error.suggestion.size() <= 4 * around) out.line("  try: " + printable(error.suggestion));
    return Usage;
}

tl::expected<FrameChoice, int> FrameChoice::make(const std::string& text, const std::string& file, capture::DecodeSettings settings)
{
    FrameChoice out;
    out.settings_ = std::move(settings);
    if (text.empty()) return out;
    auto filter = filter::Filter::compile(text);
    if (!filter) return tl::unexpected(complainAboutFilter(text, filter.error()));
    out.filter_ = std::make_shared<filter::Filter>(std::move(*filter));
    if (!out.filter_->needsAnalysis()) return out;
    if (file == "-") return tl::unexpected(complain(Usage, "-Y: words about handovers, bindings, nodes and findings need the whole capture first; store the pipe in a file and name that"));
    if (const int status = out.analyze(file); status != Fine) return tl::unexpected(status);
    return out;
}

int FrameChoice::analyze(const std::string& file)
{
    auto reader = FrameSource::open(file);
    if (!reader) return complain(reader.error());
    analysis::Analyzer analyzer(settings_);
    capture::CaptureRecord record;
    std::int64_t start = 0;
    // A file that breaks off is analysed up to there; reading it again for the output tells why.
    for (analysis::FrameIndex index = 0; !interrupted();) {
        const auto read = reader->next(record, 200ms);
        if (!read || *read == capture::Read::End) break;
        if (*read == capture::Read::Pending) continue;
        if (index == 0) start = capture::traceStart(record.utc);
        const capture::FrameView view{sinceStart(start, record.utc), record.link, record.originalLength, record.bytes};
        const capture::TraceLink& link = reader->links()[record.link];
        analyzer.add(index++, view, link, rowOf(view, wire::skim(view.bytes, link.linkType, view.originalLength)));
    }
    analysis_ = analyzer.result();
    findings_ = std::make_shared<filter::FindingsByFrame>(*analysis_);
    return Fine;
}

bool FrameChoice::takes(const NumberedFrame& frame, const wire::Skim& known, const std::vector<capture::TraceLink>& links) const
{
    if (!filter_) return true;
    const capture::FrameView& view = frame.view;
    const capture::FrameRow row = rowOf(view, known);
    // Unsigned, so that hostile stamps wrap instead of overflowing.
    const auto startUtc = static_cast<std::int64_t>(static_cast<std::uint64_t>(frame.utc) - static_cast<std::uint64_t>(toNanoseconds(view.time)));
    // The row knows neither what a fragment completes nor a dialect.
    const bool hidden = frame.context.whole || !settings_.rowHolds(row);
    const filter::Verdict verdict = hidden ? filter::Verdict::Unknown : filter_->byRow(frame.number, row, links, startUtc);
    if (verdict != filter::Verdict::Unknown) return verdict == filter::Verdict::Yes;
    return filter_->matches({frame.number, startUtc, view, frame.link, nullptr, analysis_.get(), findings_.get(), {}, &frame.context});
}

}  // namespace roamscope::cli
