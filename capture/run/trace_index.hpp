// SPDX-License-Identifier: GPL-3.0-or-later
// From records of a capture to rows of a trace: frames are looked at without the trace, which takes their rows in parts.
#pragma once

#include "capture/io/capture_reader.hpp"
#include "capture/run/session.hpp"

#include <vector>

namespace roamscope::capture {

/// Rows that are not yet in the trace. One thread at a time.
struct IndexPart {
    std::vector<NewFrame> frames;
    IndexSummary summary;
    struct Piece {
        std::size_t frame = 0;  ///< index into `frames`
        Bytes octets;
    };
    std::vector<Piece> pieces;  ///< fragments, which the trace puts together

    /// Looks at the frame and adds its row. `place`: of its octets in the trace's FrameOctets; `startUtc`: time 0 of the trace, ns
    /// since 1970.
    void add(const CaptureRecord& record, std::uint64_t place, std::uint16_t linkType, std::int64_t startUtc);
    void clear();
};

/// Time of a stamp in a trace; held at the ends of what 64 bits can say.
[[nodiscard]] TimePoint sinceStart(std::int64_t startUtc, std::int64_t utc);

/// A trace under construction, and what is counted meanwhile. One thread at a time.
class TraceIndex {
public:
    explicit TraceIndex(std::shared_ptr<FrameOctets> octets, std::int64_t startUtc) : trace_(startUtc, std::move(octets)) {}

    void setStartUtc(std::int64_t utc) { trace_.setStartUtc(utc); }
    void addLinks(const std::vector<TraceLink>& links);
    /// Appends the part's rows; their links must have been added.
    void append(const IndexPart& part);

    [[nodiscard]] const Trace& trace() const { return trace_; }
    [[nodiscard]] const IndexSummary& summary() const { return summary_; }

private:
    void appendPiece(const NewFrame& frame, ByteView octets);

    Trace trace_;
    std::vector<std::uint16_t> linkTypes_;
    IndexSummary summary_;
    wire::Reassembler reassembler_;
};

}  // namespace roamscope::capture
