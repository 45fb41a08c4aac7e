// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a lab in a thread of its own: in virtual time (paused, stepped, paced or as fast as possible), or in real time over the
// TAP interfaces of a namespace that the helper makes. Frames of a virtual run are handed to a sink; those of a TAP run are
// captured by the helper and come as a pcapng stream.
#pragma once

#include "capture/io/file_descriptor.hpp"
#include "capture/run/lab_record.hpp"
#include "capture/run/session.hpp"
#include "protocol/lab/invariants.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace roamscope::capture {

/// Takes what a run produces. Called from the run's thread; `frames` may block (then virtual time waits).
struct RunSink {
    std::function<void(std::vector<lab::SegmentFrame>&&)> frames;  ///< virtual only
    std::function<void()> ended;                                   ///< nothing more comes
};

/// A virtual run's time 0 is this instant (2026-01-01T00:00:00Z), so that the same seed gives the same file.
inline constexpr std::int64_t virtualStartUtc = 1'767'225'600'000'000'000;

class LabRunner final : public LabControl {
public:
    /// Builds the lab. For TAP also makes the namespace and starts the capture: fails with the reason and the remedy when that is
    /// barred. The run begins with run(), or at once unless `options.startPaused` (TAP cannot wait).
    [[nodiscard]] static Result<std::unique_ptr<LabRunner>> start(LabOptions options, RunSink sink);
    ~LabRunner() override;  ///< stops and joins

    LabStatus status() const override;
    bool canPause() const override;
    void run() override;
    void pause() override;
    void step() override;
    void setSpeed(double labSecondsPerSecond) override;
    LabRecord record() const override;
    void stop();

    [[nodiscard]] const lab::Scenario& scenario() const { return options_.scenario; }
    [[nodiscard]] std::int64_t startUtc() const { return startUtc_; }
    /// TAP: read end of the pcapng stream (once).
    [[nodiscard]] FileDescriptor takeCapture() { return std::move(capture_); }

private:
    struct Wishes {
        bool running = false;
        bool step = false;
        bool stop = false;
        double speed = 1;
    };
    class Tap;

    LabRunner(LabOptions options, RunSink sink, lab::Lab lab);
    void mainVirtual();
    /// Makes its interfaces and starts its clocks; false when it cannot be, and why is told then.
    [[nodiscard]] bool beginTap(Tap& tap);
    void mainTap(Tap& tap);
    void advanceVirtual(TimePoint target, bool untilSignal);
    [[nodiscard]] bool isStop(const lab::SegmentFrame& frame);
    /// Reports the first invariant that does not hold after the newest step.
    void check(lab::LabOutput& out, std::size_t frames, std::size_t events);
    void note(std::vector<lab::LabEvent>&& events);
    void late(TimePoint now, Duration by);
    void finish(std::string message);
    void wish(const std::function<void(Wishes&)>& change);
    [[nodiscard]] Wishes wishes() const;
    void waitUntil(std::chrono::steady_clock::time_point t);

    LabOptions options_;
    RunSink sink_;
    lab::Lab lab_;             ///< of the run's thread
    std::optional<lab::Invariants> invariants_;
    TimePoint end_{};
    std::int64_t startUtc_ = virtualStartUtc;
    FileDescriptor capture_;
    FileDescriptor wake_;      ///< eventfd: wishes have changed
    std::optional<std::size_t> soughtRouter_;  ///< link on which a router solicitation waits for its answer (step)

    mutable std::mutex mutex_;  ///< guards the three below
    Wishes wishes_;
    LabStatus status_;
    LabRecord record_;

    std::unique_ptr<Tap> tap_;
    std::jthread thread_;
};

}  // namespace roamscope::capture
