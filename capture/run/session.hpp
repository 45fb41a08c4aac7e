// SPDX-License-Identifier: GPL-3.0-or-later
// What a window or command has open: a capture file, or a running lab whose capture is analysed as it grows. Work happens in
// threads of the session; every call here returns at once and may be made from one thread (the window's).
#pragma once

#include "capture/analysis/analysis.hpp"
#include "capture/io/capture_notes.hpp"
#include "capture/run/lab_record.hpp"
#include "capture/trace/frame_reading.hpp"
#include "protocol/base/result.hpp"
#include "protocol/lab/scenario.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>

namespace roamscope::capture {

enum class Backend : std::uint8_t { Virtual, Tap };
[[nodiscard]] std::string_view backendName(Backend backend);  ///< "virtual", "tap"

/// What the index counts while it is made, over all frames of the trace.
struct IndexSummary {
    std::array<std::uint64_t, 10> frames{};      ///< by wire::FrameClass
    std::array<std::uint64_t, 256> mobility{};   ///< by MH type, also of those that fragments make whole
    std::uint64_t badChecksums = 0;              ///< of the MH, ICMPv6, UDP or TCP message; the rows carry mark::badChecksum
    std::uint64_t badMobility = 0;               ///< of which of a Mobility Header
    std::uint64_t malformed = 0;
    std::uint64_t cut = 0;                       ///< frames of which the capture did not keep everything
    std::uint64_t octets = 0;                    ///< captured

    void add(const IndexSummary& other);
};

/// Everything that views show, as of one instant. Immutable and cheap to copy.
struct View {
    TraceSnapshot trace;
    std::shared_ptr<const analysis::Analysis> analysis;  ///< never null
    std::shared_ptr<const IndexSummary> summary;         ///< over the frames of `trace`; never null in a view of a session
    std::uint64_t revision = 0;                          ///< grows with every change
    bool indexed = false;                                ///< no more frames will come; the analysis may still be on its way
    bool complete = false;                               ///< nothing more will come, of the analysis neither
    bool stopped = false;                                ///< stop() ended it early: trace and analysis hold what was done by then
    double progress = 0;                                 ///< 0..1 of a file read or of a lab's duration
    double analysisProgress = 0;                         ///< 0..1 of the frames of `trace`
    std::optional<Duration> timeLeft;                    ///< of reading and analysis, once it can be told
    DecodeSettings decoding;                             ///< how frames are read here and in `analysis`
    std::optional<Error> problem;                        ///< where and why a file or run broke; the rest above is kept
    std::string remark;                                  ///< what people should know of the state although nothing is broken; may be empty
    std::shared_ptr<const CaptureNotes> notes = std::make_shared<const CaptureNotes>();  ///< never null: comments, names, oddities of the file
    std::uint64_t dropped = 0;                           ///< frames that the kernel or we had to drop
};

enum class RunState : std::uint8_t { Paused, Running, Ended };

/// State of a lab run.
struct LabStatus {
    RunState state = RunState::Paused;
    Backend backend = Backend::Virtual;
    TimePoint now{};                  ///< lab time
    Duration duration{0};
    double speed = 1;                 ///< lab seconds per second; 0 = as fast as possible
    Duration latenessNow{0};          ///< TAP: how late the last event was handled
    Duration latenessMax{0};
    std::uint64_t lateEvents = 0;     ///< events handled more than 5 ms late
    std::optional<int> helperPid;
    std::string insideHint;           ///< the nsenter line to look inside a TAP run
    std::string message;              ///< for the status bar: why it ended, what is in the way
};

/// Controls of a lab. Pause, step and speed exist in virtual time only; on TAP they do nothing and `canPause` is false.
class LabControl {
public:
    virtual ~LabControl() = default;
    [[nodiscard]] virtual LabStatus status() const = 0;
    [[nodiscard]] virtual bool canPause() const = 0;
    virtual void run() = 0;
    virtual void pause() = 0;
    /// Runs to the next signalling message (anything but data and periodic advertisements), then pauses.
    virtual void step() = 0;
    virtual void setSpeed(double labSecondsPerSecond) = 0;
    /// What the nodes reported so far; whole once the state is Ended. A copy, in proportion to the run's length.
    [[nodiscard]] virtual LabRecord record() const = 0;
};

class Session {
public:
    virtual ~Session() = default;  ///< stops threads and waits for them (bounded)
    [[nodiscard]] virtual View view() const = 0;
    [[nodiscard]] virtual const lab::Scenario* scenario() const = 0;  ///< of a lab, else null
    [[nodiscard]] virtual LabControl* lab() = 0;                      ///< null for a file
    /// Stops reading or running; what there is stays.
    virtual void stop() = 0;
    /// Reads frames in another way from now on: the next view carries it, and its analysis begins anew; also with
    /// the same settings when stop() has ended it early.
    virtual void setDecoding(DecodeSettings settings) = 0;
    /// Writes the trace as pcapng. Errors name the path and the cause.
    [[nodiscard]] virtual Result<void> save(const std::string& path) const = 0;
};

/// Opens a capture file (pcap or pcapng, also .gz and .zst) and reads it in a thread. Fails only when it cannot be opened or
/// is no capture; a file that breaks later keeps what was read (View::problem).
/// `follow`: its end is where more may come; the view is complete only after stop(). `analyse`: false makes the index only.
[[nodiscard]] Result<std::unique_ptr<Session>> openCapture(const std::string& path, bool follow = false, bool analyse = true);

struct LabOptions {
    lab::Scenario scenario;
    std::optional<std::uint64_t> seed;      ///< none: the scenario's
    Backend backend = Backend::Virtual;
    std::optional<Duration> until;          ///< none: the scenario's duration
    double speed = 1;                       ///< virtual: lab seconds per second, 0 = as fast as possible
    bool startPaused = false;
    bool checkInvariants = false;           ///< virtual: after every event (lab::Invariants); the first one broken is in the record
    std::string writePath;                  ///< pcapng written while the lab runs; empty: none
};

/// Builds the lab and starts its threads. Fails with a remedy when the TAP backend is barred on this machine.
[[nodiscard]] Result<std::unique_ptr<Session>> startLab(LabOptions options);

}  // namespace roamscope::capture
