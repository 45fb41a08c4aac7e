// SPDX-License-Identifier: GPL-3.0-or-later
// Reads a plain capture file in large pieces, each with all records that are whole in it, for those who build an index. The
// records are found by the same RecordFormat as CaptureReader's, so that both know the same formats and report the same errors.
// One thread at a time.
#pragma once

#include "capture/io/capture_reader.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace roamscope::capture {

/// Frames in the order of the capture, and the octets that they stand in.
struct RecordBatch {
    using Record = PlacedRecord;
    std::vector<Record> records;
    std::shared_ptr<const std::vector<TraceLink>> links;  ///< known at the end of this batch; never null
    Bytes octets;                                         ///< storage, kept between uses of the batch: only grows
    std::size_t filled = 0;                               ///< octets of it that hold something

    [[nodiscard]] ByteView bytes(const Record& r) const { return ByteView(octets).subspan(r.offset, r.captured); }
};

class PlainReader {
public:
    explicit PlainReader(PlainCapture capture);

    /// Replaces the batch by the next records, at least one. End: there are no more. After an error, which comes when all records
    /// before it were given, the same error again.
    [[nodiscard]] Result<Read> next(RecordBatch& out);

    [[nodiscard]] const std::vector<std::uint64_t>& dropped() const { return links_.dropped; }
    [[nodiscard]] const CaptureNotes& notes() const { return links_.notes; }
    [[nodiscard]] std::uint64_t position() const { return position_; }  ///< octets of the file that are done
    [[nodiscard]] double progress() const;                              ///< 0..1
    [[nodiscard]] int descriptor() const { return capture_.file.get(); }

private:
    bool refill(RecordBatch& out);
    void takeRecords(RecordBatch& out, bool last);

    PlainCapture capture_;
    ByteSource window_;
    CaptureLinks links_;
    std::shared_ptr<const std::vector<TraceLink>> shownLinks_;
    std::uint64_t size_ = 0;
    std::uint64_t position_ = 0;  ///< in the file, of what was not taken yet
    Bytes rest_;                  ///< octets from there on that were read already
    std::optional<Error> error_;
};

}  // namespace roamscope::capture
