// SPDX-License-Identifier: GPL-3.0-or-later
// The frames of a capture one after the other, for commands: a plain file is read in large pieces, everything else as it comes.
// One thread.
#pragma once

#include "capture/io/capture_reader.hpp"
#include "capture/io/plain_reader.hpp"

#include <memory>
#include <optional>
#include <string>

namespace roamscope::cli {

class FrameSource {
public:
    /// `pieces`: large pieces may be read, so that notes() knows of frames that next() has not given yet.
    [[nodiscard]] static Result<FrameSource> open(const std::string& path, bool pieces = true);
    [[nodiscard]] static Result<FrameSource> follow(const std::string& path);

    /// As CaptureReader::next(); the frame is valid until the next call.
    [[nodiscard]] Result<capture::Read> next(capture::CaptureRecord& out, Duration wait);
    /// Of the frame given last, at least.
    [[nodiscard]] const std::vector<capture::TraceLink>& links() const { return plain_ ? plain_->links() : reader_.links(); }
    [[nodiscard]] const capture::CaptureNotes& notes() const { return plain_ ? plain_->notes() : reader_.notes(); }
    /// next() never waits for somebody else.
    [[nodiscard]] bool isRegular() const { return plain_ || reader_.isRegular(); }

private:
    struct Record {
        capture::CaptureRecord about;  ///< without octets
        std::size_t offset = 0;        ///< of the octets in octets_
        std::size_t length = 0;
    };
    FrameSource(capture::CaptureReader reader, bool pieces);
    Result<capture::Read> readPiece();

    capture::CaptureReader reader_;
    std::unique_ptr<capture::PlainReader> plain_;
    std::vector<Record> records_;  ///< of a piece
    Bytes octets_;                 ///< their octets
    std::size_t given_ = 0;        ///< records of these
};

}  // namespace roamscope::cli
