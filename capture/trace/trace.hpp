// SPDX-License-Identifier: GPL-3.0-or-later
// A trace: frames in the order in which they were captured, append-only. One thread writes (Trace), any thread reads an
// immutable TraceSnapshot. Times are nanoseconds since the trace's time 0, whose UTC stands once. The index holds 24 octets for
// each frame; the octets of frames stay where they are (FrameOctets): memory, the capture file, a temporary file.
#pragma once

#include "capture/trace/frame_octets.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"
#include "protocol/wire/reassembly.hpp"
#include "protocol/wire/skim.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace roamscope::capture {

/// A capture interface; in a lab one per link, named like it.
struct TraceLink {
    std::string name;            ///< may be empty in files of others
    std::uint16_t linkType = 1;  ///< LINKTYPE_ number
    bool operator==(const TraceLink&) const = default;
};

/// A frame of a snapshot. `bytes` stays valid as long as a copy of this value (or of `keeper`) lives.
struct FrameView {
    TimePoint time{};                  ///< since the trace's time 0; may be negative or go back in files of others
    std::uint32_t link = 0;            ///< index into links()
    std::uint32_t originalLength = 0;  ///< octets on the wire, >= bytes.size()
    ByteView bytes;
    std::shared_ptr<const void> keeper{};  ///< owns the octets where the trace itself does not (it stays in its file)
};

/// What the index knows of a frame without reading it: 24 octets for each, whatever the frame's size.
struct FrameRow {
    TimePoint time{};
    std::uint32_t link = 0;
    std::uint32_t originalLength = 0;
    std::uint32_t capturedLength = 0;
    wire::FrameClass kind = wire::FrameClass::Other;
    std::uint8_t type = 0;    ///< MH or ICMPv6 type
    std::uint16_t marks = 0;  ///< wire::mark
};

/// A frame whose octets are in their place already, and what skim() says of it.
struct NewFrame {
    TimePoint time{};
    std::uint64_t place = 0;           ///< in the trace's FrameOctets, at most maxPlace
    std::uint32_t link = 0;            ///< must have been added; at most 8191
    std::uint32_t capturedLength = 0;  ///< at most 262144
    std::uint32_t originalLength = 0;  ///< raised to capturedLength when it is less
    wire::FrameClass kind = wire::FrameClass::Other;
    std::uint8_t type = 0;
    std::uint16_t marks = 0;           ///< wire::mark, 12 bits
};

class TraceStore;  // chunks of rows, shared between the writer and the snapshots

/// Immutable state of a trace at one instant; cheap to copy.
class TraceSnapshot {
public:
    TraceSnapshot();
    [[nodiscard]] std::size_t size() const { return size_; }
    /// `index` < size(). Frame numbers shown to people are index + 1.
    /// Reads the octets; fewer than row(index).capturedLength when the file has shrunk meanwhile (see trouble()).
    [[nodiscard]] FrameView frame(std::size_t index) const;
    /// The same frame's row of the index; never touches a file.
    [[nodiscard]] FrameRow row(std::size_t index) const;
    [[nodiscard]] const std::vector<TraceLink>& links() const { return *links_; }
    [[nodiscard]] std::int64_t startUtc() const { return startUtc_; }  ///< ns since 1970 of time 0
    /// Largest time of any frame so far; 0 when empty.
    [[nodiscard]] TimePoint end() const { return end_; }
    /// Index of the first frame whose time is not before `t`, also where times go back; size() when none.
    [[nodiscard]] std::size_t lowerBound(TimePoint t) const;
    /// The datagram that this frame's fragment completes (its row has mark::completes): read and put together again each time.
    /// For DecodeContext::whole. Nothing for other frames, or when the file has changed.
    [[nodiscard]] std::optional<wire::ReassembledDatagram> reassembled(std::size_t index) const;
    /// What happened to the octets of frames since they were read: for people. Nothing when all is well.
    [[nodiscard]] std::optional<std::string> trouble() const;

private:
    friend class Trace;
    friend class TraceScan;
    std::shared_ptr<const TraceStore> store_;
    std::shared_ptr<const std::vector<TraceLink>> links_;
    std::size_t size_ = 0;
    std::int64_t startUtc_ = 0;
    TimePoint end_{};
};

/// Reads the frames of a snapshot one after the other, much faster than TraceSnapshot::frame(). One thread; any order is right,
/// a rising one is fast.
class TraceScan {
public:
    explicit TraceScan(TraceSnapshot trace);
    /// Goes on with a newer state of the same trace.
    void setTrace(TraceSnapshot trace) { trace_ = std::move(trace); }
    /// `index` < size of the snapshot. The octets are valid until the next call.
    [[nodiscard]] FrameView frame(std::size_t index);

private:
    TraceSnapshot trace_;
    Bytes window_;            ///< octets from place start_ on, `have_` of them
    std::uint64_t start_ = 0;
    std::size_t have_ = 0;
    FrameOctets::Piece piece_;
};

/// The writer's side. Not thread-safe: one thread at a time appends and takes snapshots.
class Trace {
public:
    /// `octets`: none means memory.
    explicit Trace(std::int64_t startUtc = 0, std::shared_ptr<FrameOctets> octets = nullptr);
    ~Trace();
    Trace(Trace&&) noexcept;
    Trace& operator=(Trace&&) noexcept;

    /// Time 0 of the trace; to be called before the first append (a file: the first frame's stamp).
    void setStartUtc(std::int64_t utc);
    std::uint32_t addLink(TraceLink link);
    /// Copies the frame into memory (only for a trace made without octets). `link` must have been added.
    void append(TimePoint time, std::uint32_t link, ByteView bytes, std::uint32_t originalLength);
    /// Takes a frame whose octets can be read from the trace's FrameOctets by the time that the next snapshot is taken.
    void append(const NewFrame& frame);
    void append(std::span<const NewFrame> frames);
    /// Says of the frame appended last that it completes a datagram, and of which frames (numbers from 1, the last one is its
    /// own) that is made. Before the next snapshot. False when too many are known already (maxWholes).
    bool setFragments(std::vector<std::uint32_t> frames);
    static constexpr std::size_t maxWholes = 262'144;
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] TraceSnapshot snapshot() const;

private:
    std::shared_ptr<TraceStore> store_;
    std::shared_ptr<MemoryOctets> memory_;
    std::shared_ptr<const std::vector<TraceLink>> links_;
    std::int64_t startUtc_;
    TimePoint end_{};
};

}  // namespace roamscope::capture
