// SPDX-License-Identifier: GPL-3.0-or-later
// The threads behind an open trace. The index comes first: every frame is looked at once (class, checksum, mobility messages in
// full) and gets its row; what is no plain file (pipe, compressed file, lab) goes to a temporary file on the way. The analysis
// follows in a thread of its own. What there is, is published at most 30 times a second.
#pragma once

#include "capture/analysis/analyzer.hpp"
#include "capture/io/capture_reader.hpp"
#include "capture/io/pcapng_file.hpp"
#include "capture/io/plain_reader.hpp"
#include "capture/run/mailbox.hpp"
#include "capture/run/session.hpp"
#include "capture/run/trace_index.hpp"
#include "protocol/lab/lab.hpp"

#include <atomic>
#include <condition_variable>
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
        std::optional<PcapngWriter> writer;    ///< every frame is also written here; not for plain files
        std::function<double()> progress;      ///< 0..1 for the view; none: the reader's own
        bool analyse = true;
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
    /// Gives up the rest of the input and of the analysis; what there is stays. The view becomes complete soon after.
    void stop();
    /// The analysis begins anew with other settings, or with the same ones when it was ended early. From one thread.
    void setDecoding(DecodeSettings settings);

    [[nodiscard]] View view() const;
    /// Drop counts by link, as the capture tells them.
    [[nodiscard]] std::vector<std::uint64_t> dropped() const;
    /// What the capture says beside its frames, never null.
    [[nodiscard]] std::shared_ptr<const CaptureNotes> notes() const { return view().notes; }

private:
    using SteadyClock = std::chrono::steady_clock;

    void start(std::function<void()> index);
    void beginAt(std::int64_t firstUtc);
    // A plain file.
    void indexPlain();
    void takeNotes(const CaptureNotes& notes, bool ended);
    // Everything else.
    void readStream();
    void readBox();
    void take(std::int64_t utc, std::uint32_t link, ByteView bytes, std::uint32_t originalLength);
    void addLinks(const std::vector<TraceLink>& links);
    void commitStream();
    void flushWriter();
    void finishStream(std::optional<Error> problem);

    void commit(const std::vector<TraceLink>& links);
    void publishIndex(bool ended);
    void finishIndex(std::optional<Error> problem, std::vector<std::uint64_t> dropped);

    void analyse();
    bool beginAnalysis();
    bool publishAnalysis(std::size_t frames, bool ended);
    void publishProgress(std::size_t frames);
    void describe(View& view) const;

    Options options_;
    std::atomic<bool> stop_ = false;
    std::atomic<bool> stopAnalysis_ = false;
    std::atomic<bool> anew_ = false;  ///< settings changed: the analysis begins again
    SteadyClock::time_point begun_ = SteadyClock::now();
    std::atomic<double> progress_ = 0;

    // Of the indexing thread.
    IndexPart part_;
    SteadyClock::time_point nextNotes_{};
    std::optional<PlainReader> plain_;
    std::optional<CaptureReader> reader_;  ///< the stream's, as the rest of this part
    Mailbox<Batch> box_{64};
    std::shared_ptr<SpoolOctets> spool_;
    std::vector<TraceLink> links_;
    bool unflushed_ = false;
    SteadyClock::time_point nextFlush_{};

    std::shared_ptr<FileOctets> file_;
    analysis::Analyzer analyzer_;  ///< of the analysis thread

    mutable std::mutex mutex_;  ///< guards everything below
    std::condition_variable wake_;      ///< for the analysis: there is something new
    std::unique_ptr<TraceIndex> index_;
    std::optional<Error> problem_;
    View view_;
    std::vector<std::uint64_t> dropped_;
    SteadyClock::time_point nextPublish_{};
    SteadyClock::time_point analysisBegun_{};
    bool analysing_ = false;  ///< the analysis thread has not ended

    std::jthread indexer_;
    std::jthread analysis_;
};

}  // namespace roamscope::capture
