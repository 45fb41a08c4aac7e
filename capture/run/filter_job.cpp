// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/run/filter_job.hpp"

#include <algorithm>

namespace roamscope::capture {

namespace {

/// Rows between two looks at the clock and at whether someone has cancelled; frames that are read count more.
constexpr std::size_t stepRows = 65'536;
constexpr std::size_t frameCost = 256;

}  // namespace

std::size_t FrameSelection::lowerBound(std::uint32_t frame) const
{
    std::size_t low = 0;
    std::size_t high = size_;
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (store_->at(middle) < frame) low = middle + 1;
        else high = middle;
    }
    return low;
}

// Slots are written once, before a copy that covers them is handed out: readers need no lock.
void FrameSelection::push(std::uint32_t frame)
{
    if (!store_) store_ = std::make_shared<Store>();
    auto& group = store_->groups[size_ / (perChunk * perGroup)];
    if (!group) group = std::make_unique<Group>();
    auto& chunk = (*group)[size_ / perChunk % perGroup];
    if (!chunk) chunk = std::unique_ptr<Chunk>(new Chunk);
    (*chunk)[size_ % perChunk] = frame;
    ++size_;
}

FilterJob::FilterJob(TraceSnapshot trace, Question question) : question_(std::move(question)), trace_(std::move(trace))
{
    thread_ = std::jthread([this] { run(); });
}

FilterJob::~FilterJob() { cancel(); }

void FilterJob::setTrace(TraceSnapshot trace)
{
    const std::lock_guard lock(mutex_);
    state_.done = state_.done && trace.size() == state_.examined;
    trace_ = std::move(trace);
    grown_.notify_one();
}

void FilterJob::cancel()
{
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    state_.cancelled = true;
    grown_.notify_one();
}

FilterJob::State FilterJob::state() const
{
    const std::lock_guard lock(mutex_);
    return state_;
}

void FilterJob::run()
{
    std::size_t examined = 0;
    TraceScan scan{TraceSnapshot()};
    while (!cancelled_) {
        TraceSnapshot trace;
        {
            std::unique_lock lock(mutex_);
            state_.selection = found_;
            state_.examined = examined;
            state_.progress = trace_.size() == 0 ? 1 : static_cast<double>(examined) / static_cast<double>(trace_.size());
            state_.done = examined >= trace_.size();
            grown_.wait(lock, [&] { return cancelled_ || trace_.size() > examined; });
            trace = trace_;
        }
        scan.setTrace(trace);
        examined = examine(scan, trace, examined);
    }
    const std::lock_guard lock(mutex_);
    state_.selection = found_;
    state_.examined = examined;
}

/// One step; gives how far it came.
std::size_t FilterJob::examine(TraceScan& scan, const TraceSnapshot& trace, std::size_t from)
{
    std::size_t cost = 0;
    std::size_t i = from;
    for (; i < trace.size() && cost < stepRows && !cancelled_.load(std::memory_order_relaxed); ++i, ++cost) {
        Answer answer = question_.byRow(i, trace.row(i), trace.links());
        if (answer == Answer::Unknown) {
            answer = question_.matches(i, scan.frame(i), trace) ? Answer::Yes : Answer::No;
            cost += frameCost;
        }
        if (answer == Answer::Yes) found_.push(static_cast<std::uint32_t>(i));
    }
    return i;
}

}  // namespace roamscope::capture
