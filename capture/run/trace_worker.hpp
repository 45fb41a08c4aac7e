// SPDX-License-Identifier: GPL-3.0-or-later
// The thread behind an open trace: takes frames from a source (a file, a pipe, a running lab), appends them to the Trace, feeds
// the Analyzer, writes a pcapng when asked to, and publishes Views. First rows come at once, later ones at most every 33 ms
// and never more often than publishing can be afforded.
#pragma once

#include "capture/io/capture_reader.hpp"
#include "capture/run/mailbox.hpp"
#include "capture/run/session.hpp"

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace roamscope::capture {

/// A frame on its way into a trace.
struct LiveFrame {
    TimePoint time{};                  ///< since the trace's time 0
    std::uint32_t link = 0;            ///< index into the links that the source was made with
    std::uint32_t originalLength = 0;  ///< octets on the wire
    Bytes bytes;
};
using FrameMailbox = Mailbox<LiveFrame>;

/// Where a worker's frames come from. All calls are made in the worker's thread.
class TraceSource {
public:
    virtual ~TraceSource() = default;
    /// Waits at most `wait`. An error ends the trace; what was read before it is kept.
    virtual Result<Read> next(CaptureRecord& out, Duration wait) = 0;
    /// May grow with every call of next().
    [[nodiscard]] virtual const std::vector<TraceLink>& links() const = 0;
    /// UTC of time 0 when it is known before the first frame, else the first frame's stamp is taken.
    [[nodiscard]] virtual std::optional<std::int64_t> startUtc() const { return std::nullopt; }
    [[nodiscard]] virtual double progress() const = 0;                          ///< 0..1
    [[nodiscard]] virtual std::vector<std::uint64_t> dropped() const = 0;       ///< by link; may be shorter than links()
};

/// The frames of a capture file or of a pipe that carries one.
[[nodiscard]] std::unique_ptr<TraceSource> makeFileSource(CaptureReader reader);
/// The frames that somebody pushes into `mailbox` until he closes it. `startUtc`: ns since 1970 of time 0. `duration` (0: not
/// known) is what progress counts against. Frames that the mailbox dropped are counted on the first link.
[[nodiscard]] std::unique_ptr<TraceSource> makeMailboxSource(std::shared_ptr<FrameMailbox> mailbox, std::vector<TraceLink> links, std::int64_t startUtc,
                                                             Duration duration = Duration{0});

class TraceWorker {
public:
    /// Starts the thread. With `writePath` every frame is also written there as it comes, on disk at most 100 ms later; an
    /// error of writing becomes the View's problem and reading goes on.
    explicit TraceWorker(std::unique_ptr<TraceSource> source, std::string writePath = {});
    ~TraceWorker();  ///< stop()
    TraceWorker(const TraceWorker&) = delete;
    TraceWorker& operator=(const TraceWorker&) = delete;

    /// The newest state. Any thread.
    [[nodiscard]] View view() const { return view_.get(); }
    /// Ends the thread, within about 100 ms, and leaves what there is as a complete view.
    void stop();
    /// Waits until the source has ended by itself and everything is published and written.
    void wait();
    /// Writes the newest state as pcapng. Any thread.
    [[nodiscard]] Result<void> save(const std::string& path) const;

private:
    class Job;
    Latest<View> view_;
    Latest<std::vector<std::uint64_t>> dropped_;
    std::jthread thread_;
};

}  // namespace roamscope::capture
