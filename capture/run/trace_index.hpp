// SPDX-License-Identifier: GPL-3.0-or-later
// From records of a capture to rows of a trace: several threads look at frames, one at a time puts the rows in order.
#pragma once

#include "capture/io/plain_reader.hpp"
#include "capture/run/session.hpp"

#include <map>
#include <vector>

namespace roamscope::capture {

/// The rows of one batch, not yet in the trace.
struct IndexPart {
    std::vector<NewFrame> frames;
    std::shared_ptr<const std::vector<TraceLink>> links;
    IndexSummary summary;
};

/// Looks at every frame of the batch. `startUtc`: time 0 of the trace, ns since 1970. Any thread.
void skimBatch(const RecordBatch& batch, std::int64_t startUtc, IndexPart& out);

/// Time of a stamp in a trace; held at the ends of what 64 bits can say.
[[nodiscard]] TimePoint sinceStart(std::int64_t startUtc, std::int64_t utc);

/// Collects parts that come in any order. One thread at a time.
class TraceIndex {
public:
    explicit TraceIndex(std::shared_ptr<FrameOctets> octets, std::int64_t startUtc) : trace_(startUtc, std::move(octets)) {}

    void setStartUtc(std::int64_t utc) { trace_.setStartUtc(utc); }
    void addLinks(const std::vector<TraceLink>& links);
    /// Takes part number `serial` (from 0, without gaps); what is left in `part` may be used again. Its rows are in the trace as
    /// soon as those of all parts before it are.
    void commit(std::uint64_t serial, IndexPart& part);
    /// The part for which others wait.
    [[nodiscard]] std::uint64_t next() const { return next_; }

    [[nodiscard]] const Trace& trace() const { return trace_; }
    [[nodiscard]] const IndexSummary& summary() const { return summary_; }

private:
    void append(const IndexPart& part);

    Trace trace_;
    std::size_t links_ = 0;
    IndexSummary summary_;
    std::map<std::uint64_t, IndexPart> waiting_;
    std::uint64_t next_ = 0;
};

}  // namespace roamscope::capture
