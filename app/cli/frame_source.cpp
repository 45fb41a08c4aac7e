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
    if (given_ == records_.size()) {
        const auto read = readPiece();
        if (!read || *read != capture::Read::Frame) return read;
    }
    const Record& record = records_[given_++];
    out = record.about;
    out.bytes = ByteView(octets_).subspan(record.offset, record.length);
    return capture::Read::Frame;
}

Result<capture::Read> FrameSource::readPiece()
{
    given_ = 0;
    records_.clear();
    octets_.clear();
    const auto read = plain_->read([this](const capture::CaptureRecord& record, std::uint64_t) {
        records_.push_back({record, octets_.size(), record.bytes.size()});
        records_.back().about.bytes = {};
        octets_.insert(octets_.end(), record.bytes.begin(), record.bytes.end());
    });
    if (!read) records_.clear();
    return read;
}

}  // namespace roamscope::cli
