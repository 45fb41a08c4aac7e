// SPDX-License-Identifier: GPL-3.0-or-later
// Reads a plain capture file, mapped into memory, for those who build an index: a piece at a time, each frame given to a sink
// while its octets are on their way through the processor's caches. The records are found by the same RecordFormat as
// CaptureReader's, so that both know the same formats and report the same errors. One thread.
#pragma once

#include "capture/io/capture_reader.hpp"

#include <optional>
#include <vector>

namespace roamscope::capture {

class PlainReader {
public:
    explicit PlainReader(PlainCapture capture) : capture_(std::move(capture)), window_(ByteSource::given(capture_.name)) {}

    /// Gives the frames of the next piece (half a MiB, or one record) to `sink`, at least one, in the order of the file; their
    /// octets are a copy, so that nobody changes them under the sink. End: there are no more. After an error, which comes when all
    /// frames before it were given, the same error again. Only when the file became shorter or could not be read, the frames given
    /// in the call that fails are void.
    [[nodiscard]] Result<Read> read(const RecordSink& sink);

    /// Of all frames given so far, at least.
    [[nodiscard]] const std::vector<TraceLink>& links() const { return links_.links; }
    [[nodiscard]] const std::vector<std::uint64_t>& dropped() const { return links_.dropped; }
    [[nodiscard]] const CaptureNotes& notes() const { return links_.notes; }
    [[nodiscard]] std::uint64_t position() const { return position_; }  ///< octets of the file that are done
    [[nodiscard]] double progress() const;                              ///< 0..1
    [[nodiscard]] int descriptor() const { return capture_.file.get(); }

private:
    Result<Read> readPiece(const RecordSink& sink, bool last);
    [[nodiscard]] Error lost() const;

    PlainCapture capture_;
    ByteSource window_;
    CaptureLinks links_;
    Bytes frame_;                 ///< the copy that the sink sees
    std::size_t position_ = 0;    ///< in the file, of what was not taken yet
    std::size_t piece_ = 0;       ///< octets of the window; grows when a record is longer
    bool ended_ = false;
    std::optional<Error> error_;
};

}  // namespace roamscope::capture
