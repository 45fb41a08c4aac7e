// SPDX-License-Identifier: GPL-3.0-or-later
// Reads a plain capture file in large pieces, each with all records that are whole in it, for those who build an index. The
// records are found by the same RecordFormat as CaptureReader's, so that both know the same formats and report the same errors.
// Reading octets takes much longer than finding records in them, and needs no order: several threads may read() at once, and
// take() what they have read in its order, one at a time. Everything else: one thread at a time.
#pragma once

#include "capture/io/capture_reader.hpp"

#include <atomic>
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
    std::size_t begin = 0;                                ///< where in it the records' offsets count from
    std::size_t filled = 0;                               ///< octets of it, from its start, that hold something

    // The piece of a plain file that was read, before its records are taken.
    std::uint64_t piece = 0;  ///< its number
    std::size_t head = 0;     ///< where it stands in `octets`
    int cause = 0;            ///< errno of a read that failed behind what was read, or 0

    [[nodiscard]] ByteView bytes(const Record& r) const { return ByteView(octets).subspan(begin + r.offset, r.captured); }
};

class PlainReader {
public:
    explicit PlainReader(PlainCapture capture);

    /// Reads the next piece that nobody has read yet. From any thread.
    void read(RecordBatch& out);
    /// The number of the piece whose turn it is.
    [[nodiscard]] std::uint64_t turn() const { return turn_; }
    /// Finds the records of the piece in `batch`, whose turn it must be. Pending: there is none that ends in it. Then as next().
    [[nodiscard]] Result<Read> take(RecordBatch& batch);
    /// read() and take() until there are records. Replaces the batch by the next records, at least one. End: there are no more. After an error, which comes when all records
    /// before it were given, the same error again.
    [[nodiscard]] Result<Read> next(RecordBatch& out);

    [[nodiscard]] const std::vector<std::uint64_t>& dropped() const { return links_.dropped; }
    [[nodiscard]] const CaptureNotes& notes() const { return links_.notes; }
    [[nodiscard]] std::uint64_t position() const { return position_; }  ///< octets of the file that are done
    [[nodiscard]] double progress() const;                              ///< 0..1
    [[nodiscard]] int descriptor() const { return capture_.file.get(); }

private:
    void prependRest(RecordBatch& out) const;
    void takeRecords(RecordBatch& out, bool last);

    PlainCapture capture_;
    ByteSource window_;
    CaptureLinks links_;
    std::shared_ptr<const std::vector<TraceLink>> shownLinks_;
    std::uint64_t size_ = 0;
    std::atomic<std::uint64_t> claimed_ = 0;  ///< pieces that somebody has read or reads
    std::uint64_t turn_ = 0;
    std::uint64_t position_ = 0;  ///< in the file, of what was not taken yet
    Bytes rest_;                  ///< octets from there on that were read already
    bool ended_ = false;          ///< the piece with the end of the file was taken
    std::optional<Error> error_;
};

}  // namespace roamscope::capture
