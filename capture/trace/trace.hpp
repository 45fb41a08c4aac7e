// SPDX-License-Identifier: GPL-3.0-or-later
// A trace: frames in the order in which they were captured, append-only. One thread writes (Trace), any thread reads an
// immutable TraceSnapshot. Times are nanoseconds since the trace's time 0, whose UTC stands once.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"
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

class TraceStore;  // chunks of frames, shared between the writer and the snapshots

/// Immutable state of a trace at one instant; cheap to copy.
class TraceSnapshot {
public:
    TraceSnapshot();
    [[nodiscard]] std::size_t size() const { return size_; }
    /// `index` < size(). Frame numbers shown to people are index + 1.
    [[nodiscard]] FrameView frame(std::size_t index) const;
    /// The same frame's row of the index; never touches a file.
    [[nodiscard]] FrameRow row(std::size_t index) const;
    [[nodiscard]] const std::vector<TraceLink>& links() const { return *links_; }
    [[nodiscard]] std::int64_t startUtc() const { return startUtc_; }  ///< ns since 1970 of time 0
    /// Largest time of any frame so far; 0 when empty.
    [[nodiscard]] TimePoint end() const { return end_; }
    /// Index of the first frame whose time is not before `t` (frames in time order); size() when none.
    [[nodiscard]] std::size_t lowerBound(TimePoint t) const;

private:
    friend class Trace;
    std::shared_ptr<const TraceStore> store_;
    std::shared_ptr<const std::vector<TraceLink>> links_;
    std::size_t size_ = 0;
    std::int64_t startUtc_ = 0;
    TimePoint end_{};
};

/// The writer's side. Not thread-safe: one thread appends and takes snapshots.
class Trace {
public:
    explicit Trace(std::int64_t startUtc = 0);
    ~Trace();
    Trace(Trace&&) noexcept;
    Trace& operator=(Trace&&) noexcept;

    /// Time 0 of the trace; to be called before the first append (a file: the first frame's stamp).
    void setStartUtc(std::int64_t utc);
    std::uint32_t addLink(TraceLink link);
    /// Copies the frame. `link` must have been added.
    void append(TimePoint time, std::uint32_t link, ByteView bytes, std::uint32_t originalLength);
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] TraceSnapshot snapshot() const;

private:
    std::shared_ptr<TraceStore> store_;
    std::shared_ptr<const std::vector<TraceLink>> links_;
    std::int64_t startUtc_;
    TimePoint end_{};
};

}  // namespace roamscope::capture
