// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/frame_source.hpp"

namespace roamscope::cli {

FrameSource::FrameSource(capture::CaptureReader reader, bool pieces) : reader_(std::move(reader))
{
    if (auto plain = pieces ? reader_.takePlain() : std::nullopt) plain_ = std::make_unique<capture::PlainReader>(std::move(*plain));
}

Result<FrameSource> FrameSource::open(const std::string& path, bool pieces)
{
    auto reader = capture::CaptureReader::open(path);
    if (!reader) return tl::unexpected(reader.error());
    return FrameSource(std::move(*reader), pieces);
}

Result<FrameSource> FrameSource::follow(const std::string& path)
{
    auto reader = capture::CaptureReader::follow(path);
    if (!reader) return tl::unexpected(reader.error());
    return FrameSource(std::move(*reader), false);
}

Result<capture::Read> FrameSource::next(capture::CaptureRecord& out, Duration wait)
{
    if (!plain_) return reader_.next(out, wait);
    if (given_ == batch_.records.size()) {
        given_ = 0;
        const auto read = plain_->next(batch_);
        if (!read || *read != capture::Read::Frame) return read;
    }
    const capture::RecordBatch::Record& record = batch_.records[given_++];
    out = {record.utc, record.link, record.originalLength, batch_.bytes(record)};
    return capture::Read::Frame;
}

}  // namespace roamscope::cli
