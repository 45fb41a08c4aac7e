// SPDX-License-Identifier: GPL-3.0-or-later
// Finds the frames of a trace that answer a question, in a thread of its own, also while the trace grows. The question is asked
// of the row of the index first; only where that does not decide is the frame read. Knows nothing of how filters are written.
#pragma once

#include "capture/trace/trace.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace roamscope::capture {

/// Rising frame indices; append-only, so that a copy taken while more are found stays as it was. Cheap to copy.
class FrameSelection {
public:
    [[nodiscard]] std::size_t size() const { return size_; }
    /// `i` < size().
    [[nodiscard]] std::uint32_t operator[](std::size_t i) const { return (*store_).at(i); }
    /// Position of the first selected frame that is not before `frame`; size() when none.
    [[nodiscard]] std::size_t lowerBound(std::uint32_t frame) const;

private:
    friend class FilterJob;
    static constexpr std::size_t perChunk = 16'384;
    static constexpr std::size_t perGroup = 512;
    using Chunk = std::array<std::uint32_t, perChunk>;
    using Group = std::array<std::unique_ptr<Chunk>, perGroup>;
    struct Store {
        std::array<std::unique_ptr<Group>, 512> groups;  // 2^32 frames in all
        [[nodiscard]] std::uint32_t at(std::size_t i) const { return (*(*groups[i / (perChunk * perGroup)])[i / perChunk % perGroup])[i % perChunk]; }
    };
    void push(std::uint32_t frame);

    std::shared_ptr<Store> store_;
    std::size_t size_ = 0;
};

class FilterJob {
public:
    enum class Answer : std::uint8_t { No, Yes, Unknown };  ///< in the order of filter::Verdict

    /// Both are called from the job's thread, which they must outlive. `index` counts from 0.
    struct Question {
        std::function<Answer(std::size_t index, const FrameRow& row, const std::vector<TraceLink>& links)> byRow;
        /// For frames that the row does not decide; the view is valid during the call.
        std::function<bool(std::size_t index, const FrameView& frame, const TraceSnapshot& trace)> matches;
    };

    struct State {
        FrameSelection selection;
        std::size_t examined = 0;   ///< frames from the first on that were asked about
        double progress = 0;        ///< 0..1 of the newest snapshot
        bool done = false;          ///< all of the newest snapshot
        bool cancelled = false;
    };

    FilterJob(TraceSnapshot trace, Question question);
    ~FilterJob();  ///< cancels and waits; at most for one frame

    /// The trace has grown: goes on with what is new. A later state of the same trace.
    void setTrace(TraceSnapshot trace);
    /// Gives up; what was found stays.
    void cancel();
    [[nodiscard]] State state() const;

private:
    void run();
    std::size_t examine(TraceScan& scan, const TraceSnapshot& trace, std::size_t from);

    const Question question_;
    std::atomic<bool> cancelled_ = false;
    FrameSelection found_;       ///< of the thread

    mutable std::mutex mutex_;   ///< guards the two below
    TraceSnapshot trace_;
    State state_;
    std::condition_variable grown_;
    std::jthread thread_;
};

}  // namespace roamscope::capture
