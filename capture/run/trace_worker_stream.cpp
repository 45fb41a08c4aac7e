// SPDX-License-Identifier: GPL-3.0-or-later
// The part of the trace worker that takes frames one by one: pipes, compressed files, labs. Their octets go to the spool.
#include "capture/run/trace_worker.hpp"

namespace roamscope::capture {

namespace {

constexpr auto patience = std::chrono::milliseconds(33);
constexpr std::size_t streamFrames = 1024;  ///< rows that wait to be shown together

}  // namespace

void TraceWorker::readStream()
{
    CaptureRecord record;
    while (!stop_) {
        const auto read = reader_->next(record, part_.frames.empty() ? Duration{patience} : Duration{0});
        if (!read) return finishStream(read.error());
        if (*read == Read::End) return finishStream(std::nullopt);
        if (*read == Read::Frame) {
            if (!options_.startUtc) beginAt(record.utc);
            addLinks(reader_->links());
            take(record.utc, record.link, record.bytes, record.originalLength);
        }
        if (*read == Read::Pending || part_.frames.size() >= streamFrames) commitStream();
    }
    finishStream(std::nullopt);
}

void TraceWorker::readBox()
{
    while (!box_.finished()) {
        if (const auto batch = box_.pop(patience))
            for (const lab::SegmentFrame& frame : *batch)
                take(*options_.startUtc + toNanoseconds(frame.time), static_cast<std::uint32_t>(frame.link), frame.bytes, static_cast<std::uint32_t>(frame.bytes.size()));
        commitStream();
    }
    finishStream(std::nullopt);
}

void TraceWorker::addLinks(const std::vector<TraceLink>& links)
{
    for (std::size_t i = links_.size(); i < links.size(); ++i) {
        links_.push_back(links[i]);
        if (!options_.writer) continue;
        if (auto added = options_.writer->addLink(links[i]); !added) {
            const std::lock_guard lock(mutex_);
            problem_ = added.error();
        }
    }
}

void TraceWorker::take(std::int64_t utc, std::uint32_t link, ByteView bytes, std::uint32_t originalLength)
{
    part_.add({utc, link, originalLength, bytes}, spool_->append(bytes), links_[link].linkType, *options_.startUtc);
    if (!options_.writer) return;
    unflushed_ = true;
    if (auto written = options_.writer->write(link, utc, bytes, originalLength); !written) {
        const std::lock_guard lock(mutex_);
        problem_ = written.error();
    }
}

void TraceWorker::commitStream()
{
    if (reader_) {
        progress_ = reader_->progress();
        takeNotes(reader_->notes(), false);
    }
    if (options_.progress) progress_ = options_.progress();
    if (!part_.frames.empty()) {
        spool_->flush();
        if (reader_) {
            const std::lock_guard lock(mutex_);
            dropped_ = reader_->dropped();
        }
        commit(links_);
    }
    flushWriter();
}

/// What was written reaches the disk and what was taken is seen, also when nothing follows.
void TraceWorker::flushWriter()
{
    const auto now = SteadyClock::now();
    if (options_.writer && unflushed_ && now >= nextFlush_) {
        unflushed_ = false;
        nextFlush_ = now + patience;
        if (auto flushed = options_.writer->flush(); !flushed) {
            const std::lock_guard lock(mutex_);
            if (!problem_) problem_ = flushed.error();
            return publishIndex(false);
        }
    }
    const std::lock_guard lock(mutex_);
    if (now >= nextPublish_ && view_.trace.size() < index_->trace().size()) publishIndex(false);
}

void TraceWorker::finishStream(std::optional<Error> problem)
{
    commitStream();
    std::vector<std::uint64_t> dropped = reader_ ? reader_->dropped() : std::vector<std::uint64_t>{};
    if (options_.writer) {
        auto finished = options_.writer->finish(dropped);
        options_.writer.reset();
        const std::lock_guard lock(mutex_);
        if (!finished && !problem_ && !problem) problem_ = finished.error();
    }
    progress_ = 1;
    if (reader_) takeNotes(reader_->notes(), true);
    finishIndex(std::move(problem), std::move(dropped));
}

}  // namespace roamscope::capture
