// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/run/trace_worker.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace roamscope::capture {

using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr auto publishInterval = std::chrono::milliseconds(33);

/// Hostile stamps may be further apart than 64 bits hold.
TimePoint since(std::int64_t start, std::int64_t utc)
{
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(utc, start, &difference))
        difference = utc < start ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
    return atNanoseconds(difference);
}

}  // namespace

TraceWorker::TraceWorker(CaptureReader reader, Options options)
    : options_(std::move(options)), reader_(std::move(reader)), trace_(options_.startUtc.value_or(0))
{
    publish(false);
    thread_ = std::jthread([this] { readCapture(); });
}

TraceWorker::TraceWorker(std::vector<TraceLink> links, Options options) : options_(std::move(options)), trace_(options_.startUtc.value_or(0))
{
    addLinks(links);
    publish(false);
    thread_ = std::jthread([this] { readBox(); });
}

TraceWorker::~TraceWorker()
{
    stop();
    if (thread_.joinable()) thread_.join();
}

void TraceWorker::stop()
{
    stop_ = true;
    box_.close();
}

View TraceWorker::view() const
{
    const std::lock_guard lock(mutex_);
    return view_;
}

std::vector<std::uint64_t> TraceWorker::dropped() const
{
    const std::lock_guard lock(mutex_);
    return dropped_;
}

void TraceWorker::readCapture()
{
    CaptureRecord record;
    while (!stop_) {
        const auto read = reader_->next(record, publishInterval);
        if (!read) return finish(read.error());
        if (*read == Read::End) return finish(std::nullopt);
        if (*read == Read::Frame) {
            if (!options_.startUtc) {
                options_.startUtc = record.utc;
                trace_.setStartUtc(record.utc);
            }
            addLinks(reader_->links());
            take(since(*options_.startUtc, record.utc), record.link, record.bytes, record.originalLength);
        }
        publishIfDue();
    }
    finish(std::nullopt);
}

void TraceWorker::readBox()
{
    while (!box_.finished()) {
        if (const auto batch = box_.pop(publishInterval))
            for (const lab::SegmentFrame& frame : *batch)
                take(frame.time, static_cast<std::uint32_t>(frame.link), frame.bytes, static_cast<std::uint32_t>(frame.bytes.size()));
        publishIfDue();
    }
    finish(std::nullopt);
}

void TraceWorker::addLinks(const std::vector<TraceLink>& links)
{
    for (std::size_t i = links_.size(); i < links.size(); ++i) {
        links_.push_back(links[i]);
        trace_.addLink(links[i]);
        if (options_.writer)
            if (auto added = options_.writer->addLink(links[i]); !added) problem_ = added.error();
    }
}

void TraceWorker::take(TimePoint time, std::uint32_t link, ByteView bytes, std::uint32_t originalLength)
{
    const auto index = static_cast<analysis::FrameIndex>(trace_.size());
    trace_.append(time, link, bytes, originalLength);
    analyzer_.add(index, {time, link, originalLength, bytes}, links_[link]);
    changed_ = true;
    if (!options_.writer) return;
    if (auto written = options_.writer->write(link, *options_.startUtc + toNanoseconds(time), bytes, originalLength); !written) problem_ = written.error();
}

void TraceWorker::publishIfDue()
{
    const auto now = SteadyClock::now();
    if (changed_ && now >= nextPublish_) return publish(false);
    // A state that is dear to make is published late; the frames must be with the system soon all the same.
    if (options_.writer && !problem_ && now >= nextFlush_) flushWriter();
}

void TraceWorker::flushWriter()
{
    nextFlush_ = SteadyClock::now() + publishInterval;
    if (auto flushed = options_.writer->flush(); !flushed) problem_ = flushed.error();
}

void TraceWorker::publish(bool complete)
{
    const auto start = SteadyClock::now();
    View next;
    next.trace = trace_.snapshot();
    next.analysis = analyzer_.result();
    next.complete = complete;
    next.progress = complete ? 1 : options_.progress ? options_.progress() : reader_ ? reader_->progress() : 0;
    const auto dropped = reader_ ? reader_->dropped() : std::vector<std::uint64_t>{};
    next.dropped = std::accumulate(dropped.begin(), dropped.end(), std::uint64_t{0});
    next.notes = reader_ && reader_->notes().revision() != notes_->revision() ? std::make_shared<const CaptureNotes>(reader_->notes()) : notes_;
    notes_ = next.notes;
    if (options_.writer && !problem_) flushWriter();
    next.problem = problem_;
    changed_ = false;
    // A state that is dear to make is made less often, so that publishing never takes more than a tenth of the time.
    const auto now = SteadyClock::now();
    nextPublish_ = now + std::max<SteadyClock::duration>(publishInterval, 10 * (now - start));
    const std::lock_guard lock(mutex_);
    next.revision = view_.revision + 1;
    view_ = std::move(next);
    dropped_ = dropped;
}

void TraceWorker::finish(std::optional<Error> problem)
{
    if (problem) problem_ = std::move(problem);
    if (options_.writer)
        if (auto finished = options_.writer->finish(reader_ ? reader_->dropped() : std::vector<std::uint64_t>{}); !finished && !problem_)
            problem_ = finished.error();
    options_.writer.reset();
    publish(true);
}

}  // namespace roamscope::capture
