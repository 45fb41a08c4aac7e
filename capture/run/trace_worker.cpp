// SPDX-License-Identifier: GPL-3.0-or-later
// Threads, publishing and plain files; streams are in trace_worker_stream.cpp.
#include "capture/run/trace_worker.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

namespace roamscope::capture {

namespace {

constexpr auto publishInterval = std::chrono::milliseconds(33);
/// Frames between two looks at the clock.
constexpr std::size_t analysisStep = 1024;
/// A file with more exchanges than these shows them when all are known: every state in between would be a copy of them all.
constexpr std::size_t shownExchanges = 1'000;

}  // namespace

TraceWorker::TraceWorker(CaptureReader reader, Options options) : options_(std::move(options))
{
    if (auto plain = options_.writer ? std::nullopt : reader.takePlain()) {
        file_ = std::make_shared<FileOctets>(plain->file.duplicate(), plain->name);
        plain_.emplace(std::move(*plain));
        index_ = std::make_unique<TraceIndex>(file_, options_.startUtc.value_or(0));
        start([this] { indexPlain(); });
        return;
    }
    reader_ = std::move(reader);
    spool_ = std::make_shared<SpoolOctets>();
    index_ = std::make_unique<TraceIndex>(spool_, options_.startUtc.value_or(0));
    start([this] { readStream(); });
}

TraceWorker::TraceWorker(std::vector<TraceLink> links, Options options) : options_(std::move(options))
{
    spool_ = std::make_shared<SpoolOctets>();
    index_ = std::make_unique<TraceIndex>(spool_, options_.startUtc.value_or(0));
    addLinks(links);
    start([this] { readBox(); });
}

void TraceWorker::start(std::function<void()> index)
{
    {
        const std::lock_guard lock(mutex_);
        view_.analysis = analyzer_.result();
        publishIndex(false);
        nextPublish_ = {};
    }
    indexer_ = std::jthread(std::move(index));
    analysing_ = true;
    analysis_ = std::jthread([this] { analyse(); });
}

TraceWorker::~TraceWorker()
{
    stop();
    indexer_ = {};
    analysis_ = {};
}

void TraceWorker::stop()
{
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
        stopAnalysis_ = true;
        wake_.notify_all();
    }
    box_.close();
}

void TraceWorker::setDecoding(DecodeSettings settings)
{
    {
        const std::lock_guard lock(mutex_);
        const bool unfinished = view_.complete && view_.analysis->frames < view_.trace.size();
        if (view_.decoding == settings && !unfinished) return;
        view_.decoding = std::move(settings);
        view_.complete = false;
        view_.analysisProgress = 0;
        view_.timeLeft.reset();
        ++view_.revision;
        anew_ = true;
        stopAnalysis_ = false;
        wake_.notify_all();
        if (analysing_) return;
        analysing_ = true;
    }
    analysis_ = std::jthread([this] { analyse(); });
}

View TraceWorker::view() const
{
    View out;
    {
        const std::lock_guard lock(mutex_);
        out = view_;
    }
    if (const auto trouble = out.trace.trouble(); trouble && out.remark.empty()) out.remark = *trouble;
    return out;
}

std::vector<std::uint64_t> TraceWorker::dropped() const
{
    const std::lock_guard lock(mutex_);
    return dropped_;
}

void TraceWorker::indexPlain()
{
    const RecordSink add = [this](const CaptureRecord& record, std::uint64_t place) {
        if (!options_.startUtc) beginAt(record.utc);
        part_.add(record, place, plain_->links()[record.link].linkType, *options_.startUtc);
    };
    std::optional<Error> problem;
    while (!stop_) {
        const auto read = plain_->read(add);
        progress_ = plain_->progress();
        takeNotes(plain_->notes(), false);
        if (!read) problem = read.error();
        if (!read || *read == Read::End) break;
        commit(plain_->links());
    }
    file_->settled();
    takeNotes(plain_->notes(), true);
    finishIndex(std::move(problem), plain_->dropped());
}

void TraceWorker::beginAt(std::int64_t firstUtc)
{
    options_.startUtc = traceStart(firstUtc);
    const std::lock_guard lock(mutex_);
    index_->setStartUtc(*options_.startUtc);
}

/// Shows what the file says beside its frames. What is dear to copy is copied less often.
void TraceWorker::takeNotes(const CaptureNotes& notes, bool ended)
{
    const auto start = SteadyClock::now();
    if (!ended && start < nextNotes_) return;
    {
        const std::lock_guard lock(mutex_);
        if (view_.notes->revision() == notes.revision()) return;
    }
    auto copy = std::make_shared<const CaptureNotes>(notes);
    const auto now = SteadyClock::now();
    nextNotes_ = now + std::max<SteadyClock::duration>(publishInterval, 10 * (now - start));
    const std::lock_guard lock(mutex_);
    view_.notes = std::move(copy);
}

void TraceWorker::commit(const std::vector<TraceLink>& links)
{
    const std::lock_guard lock(mutex_);
    index_->addLinks(links);
    index_->append(part_);
    part_.clear();
    if (SteadyClock::now() >= nextPublish_) publishIndex(false);
}

/// With mutex_ held.
void TraceWorker::publishIndex(bool ended)
{
    view_.trace = index_->trace().snapshot();
    view_.summary = std::make_shared<const IndexSummary>(index_->summary());
    view_.indexed = ended;
    view_.progress = ended ? 1 : progress_.load();
    view_.problem = problem_;
    view_.dropped = std::accumulate(dropped_.begin(), dropped_.end(), std::uint64_t{0});
    describe(view_);
    ++view_.revision;
    nextPublish_ = SteadyClock::now() + publishInterval;
    wake_.notify_all();
}

void TraceWorker::finishIndex(std::optional<Error> problem, std::vector<std::uint64_t> dropped)
{
    const std::lock_guard lock(mutex_);
    if (problem) problem_ = std::move(problem);
    dropped_ = std::move(dropped);
    view_.stopped = stop_;
    publishIndex(true);
}

/// Time left and the note, with mutex_ held.
void TraceWorker::describe(View& view) const
{
    const auto now = SteadyClock::now();
    const auto left = [&](SteadyClock::time_point since, double done) -> std::optional<Duration> {
        const Duration spent = now - since;
        if (done < 0.02 || spent < publishInterval) return std::nullopt;
        return Duration{static_cast<std::int64_t>(static_cast<double>(spent.count()) * (1 - done) / done)};
    };
    view.timeLeft.reset();
    if (view.complete) return;
    // A lab, a pipe and a followed file end when they end.
    if (plain_) view.timeLeft = view.indexed ? left(analysisBegun_, view.analysisProgress) : left(begun_, view.progress);
}

/// Takes over settings that changed; true when they did.
bool TraceWorker::beginAnalysis()
{
    if (!anew_) return false;
    anew_ = false;
    analyzer_ = analysis::Analyzer(view_.decoding);
    analysisBegun_ = SteadyClock::now();
    return true;
}

void TraceWorker::analyse()
{
    std::size_t done = 0;
    std::size_t shown = 0;
    auto due = SteadyClock::now();
    std::optional<TraceScan> scan;
    for (;;) {
        TraceSnapshot trace;
        bool ended = false;
        {
            std::unique_lock lock(mutex_);
            // A plain file is indexed first, with all there is; whatever comes slowly is analysed as it comes.
            const auto ready = [&] { return stopAnalysis_ || anew_ || view_.indexed || (!plain_ && options_.analyse && view_.trace.size() > done); };
            if (done > shown) wake_.wait_until(lock, due, ready);
            else wake_.wait(lock, ready);
            // Ends only after the index, so that the last view is whole.
            if (stopAnalysis_) wake_.wait(lock, [&] { return view_.indexed || !stopAnalysis_; });
            if (beginAnalysis()) done = shown = 0;
            trace = view_.trace;
            ended = view_.indexed;
            if (analysisBegun_ == SteadyClock::time_point{}) analysisBegun_ = SteadyClock::now();
        }
        if (scan) scan->setTrace(trace);
        else scan.emplace(trace);
        while (options_.analyse && done < trace.size() && !stopAnalysis_ && !anew_) {
            for (const std::size_t end = std::min(done + analysisStep, trace.size()); done < end; ++done) {
                const FrameView frame = scan->frame(done);
                analyzer_.add(static_cast<analysis::FrameIndex>(done), frame, trace.links()[frame.link], trace.row(done));
            }
            if (done == trace.size() || SteadyClock::now() >= due) break;
        }
        const bool last = ended && (done == trace.size() || stopAnalysis_ || !options_.analyse);
        if (!last && (done == shown || SteadyClock::now() < due)) continue;
        // A state that is dear to make is made less often, so that publishing never takes more than a tenth of the time.
        const auto start = SteadyClock::now();
        shown = done;
        if (!last && plain_ && analyzer_.exchanges() > shownExchanges) {
            publishProgress(done);
            due = start + publishInterval;
            continue;
        }
        const bool ends = publishAnalysis(done, last);
        const auto now = SteadyClock::now();
        due = now + std::max<SteadyClock::duration>(publishInterval, 10 * (now - start));
        if (ends) return;
    }
}

/// How far the analysis is, when its results are too many to be shown before they are whole.
void TraceWorker::publishProgress(std::size_t frames)
{
    const std::lock_guard lock(mutex_);
    if (anew_) return;
    view_.analysisProgress = static_cast<double>(frames) / static_cast<double>(view_.trace.size());
    describe(view_);
    ++view_.revision;
}

/// True when this was the last state; never while settings have changed.
bool TraceWorker::publishAnalysis(std::size_t frames, bool ended)
{
    auto result = ended ? analyzer_.finish() : analyzer_.result();
    const std::lock_guard lock(mutex_);
    if (anew_) return false;
    view_.analysis = std::move(result);
    view_.analysisProgress = view_.trace.size() == 0 ? (ended ? 1 : 0) : static_cast<double>(frames) / static_cast<double>(view_.trace.size());
    view_.complete = ended;
    view_.stopped = view_.stopped || (ended && stopAnalysis_ && frames < view_.trace.size());
    if (ended && view_.stopped && reader_) view_.remark = fmt::format("Stopped: {} packets are here, {} of them analysed", view_.trace.size(), frames);
    if (ended && view_.stopped && plain_)
        view_.remark = fmt::format("Stopped: {} packets are here ({:.0f} % of the file), {} of them analysed", view_.trace.size(), 100 * progress_.load(), frames);
    analysing_ = !ended;
    describe(view_);
    ++view_.revision;
    return ended;
}

}  // namespace roamscope::capture
