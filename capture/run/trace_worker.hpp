// SPDX-License-Identifier: GPL-3.0-or-later
// The thread that owns a trace: takes frames from a capture (file or pipe) or from a virtual lab, keeps and analyses them,
// writes them to a file if asked, and publishes what there is at most 30 times a second.
#pragma once

#include "capture/analysis/analyzer.hpp"
#include "capture/io/capture_reader.hpp"
#include "capture/io/pcapng_file.hpp"
#include "capture/run/mailbox.hpp"
#include "capture/run/session.hpp"
#include "protocol/lab/lab.hpp"

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace roamscope::capture {

class TraceWorker {
public:
    using Batch = std::vector<lab::SegmentFrame>;

    struct Options {
        std::optional<std::int64_t> startUtc;  ///< time 0 of the trace, ns since 1970; none: the first frame's stamp
        std::optional<PcapngWriter> writer;    ///< every frame is also written here
        std::function<double()> progress;      ///< 0..1 for the view; none: the reader's own
    };

    /// Reads `reader` to its end.
    TraceWorker(CaptureReader reader, Options options);
    /// Takes frames from push(); `options.startUtc` must be set.
    TraceWorker(std::vector<TraceLink> links, Options options);
    ~TraceWorker();  ///< stops and joins

    /// Hands over frames of a virtual lab; waits while too many are under way. From one thread.
    void push(Batch batch) { box_.push(std::move(batch)); }
    /// No more push().
    void close() { box_.close(); }
    /// Gives up the rest of the input; what there is stays. The view becomes complete soon after.
    void stop();

    [[nodiscard]] View view() const;
    /// Drop counts by link, as the capture tells them.
    [[nodiscard]] std::vector<std::uint64_t> dropped() const;
    /// What the capture says beside its frames, never null.
    [[nodiscard]] std::shared_ptr<const CaptureNotes> notes() const { return view().notes; }

private:
    void readCapture();
    void readBox();
    void take(TimePoint time, std::uint32_t link, ByteView bytes, std::uint32_t originalLength);
    void addLinks(const std::vector<TraceLink>& links);
    void publishIfDue();
    void flushWriter();
    void publish(bool complete);
    void finish(std::optional<Error> problem);

    Options options_;
    std::optional<CaptureReader> reader_;
    Mailbox<Batch> box_{64};
    Trace trace_;
    std::vector<TraceLink> links_;
    analysis::Analyzer analyzer_;
    std::optional<Error> problem_;
    std::shared_ptr<const CaptureNotes> notes_ = std::make_shared<const CaptureNotes>();  ///< as published last
    std::chrono::steady_clock::time_point nextPublish_{};
    std::chrono::steady_clock::time_point nextFlush_{};
    bool changed_ = true;
    std::atomic<bool> stop_ = false;

    mutable std::mutex mutex_;  ///< guards the two below
    View view_;
    std::vector<std::uint64_t> dropped_;

    std::jthread thread_;
};

}  // namespace roamscope::capture
