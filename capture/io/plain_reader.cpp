// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/plain_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace roamscope::capture {

namespace {

/// Looked at before rows are shown and the next are asked for.
constexpr std::size_t pieceOctets = 512 * 1024;
/// So far ahead of a frame the processor is told to fetch what follows: of itself it stops at the end of each page. Measured: 1 KiB
/// is less than a memory access takes, 4 KiB and more push out what is needed.
constexpr std::size_t fetchAhead = 2048;
constexpr std::size_t cacheLine = 64;

void fetch(const std::uint8_t* from, std::size_t octets)
{
    // Never faults, also behind the file's end.
    for (std::size_t at = 0; at < octets; at += cacheLine) __builtin_prefetch(from + at);
}

}  // namespace

double PlainReader::progress() const { return static_cast<double>(position_) / static_cast<double>(capture_.octets.octets().size()); }

Result<Read> PlainReader::read(const RecordSink& sink)
{
    const ByteView all = capture_.octets.octets();
    std::size_t given = 0;
    const RecordSink copying = [&](const CaptureRecord& record, std::uint64_t place) {
        fetch(record.bytes.data() + fetchAhead, record.bytes.size() + cacheLine);
        if (frame_.size() < record.bytes.size()) frame_.resize(record.bytes.size());
        std::copy(record.bytes.begin(), record.bytes.end(), frame_.begin());
        CaptureRecord copy = record;
        copy.bytes = ByteView(frame_).first(record.bytes.size());
        sink(copy, place);
        ++given;
    };
    while (!error_ && !ended_) {
        capture_.octets.release(position_);
        piece_ = std::max(piece_, pieceOctets);
        const bool last = all.size() - position_ <= piece_;
        capture_.octets.expect(position_, piece_);
        window_.give(all.subspan(position_, last ? all.size() - position_ : piece_), position_, last);
        const auto read = readPiece(copying, last);
        if (!capture_.octets.intact()) {
            error_ = lost();
            return tl::unexpected(*error_);
        }
        if (!read) error_ = read.error();
        ended_ = read && *read == Read::End;
        piece_ = window_.position() == position_ ? 2 * piece_ : pieceOctets;
        position_ = window_.position();
        if (given > 0) return Read::Frame;
    }
    if (error_) return tl::unexpected(*error_);
    return Read::End;
}

/// Until the window has no more whole record.
Result<Read> PlainReader::readPiece(const RecordSink& sink, bool last)
{
    CaptureRecord record;
    for (std::size_t before = window_.position();;) {
        const auto read = capture_.format->next(window_, record, links_, Duration{0});
        if (!read || *read == Read::End) return read;
        if (*read == Read::Pending) {
            // A long stretch without a frame also gives Pending; then the window has more.
            if (!last && window_.position() == before) return read;
            before = window_.position();
            continue;
        }
        sink(record, window_.position() + static_cast<std::size_t>(record.bytes.data() - window_.buffered().data()));
        capture_.format->take(window_, sink, links_);
    }
}

Error PlainReader::lost() const
{
    struct stat about {};
    const auto size = capture_.octets.octets().size();
    if (::fstat(capture_.file.get(), &about) == 0 && static_cast<std::uint64_t>(about.st_size) < size)
        return {ErrorCode::Io, static_cast<std::size_t>(about.st_size),
                fmt::format("{}: the file was made shorter while it was read: {} octets, of which {} are left. Open it again when nobody writes it",
                            capture_.name, size, about.st_size)};
    return {ErrorCode::Io, position_,
            fmt::format("{}: reading failed behind octet {}. Check the disk or the connection and open it again", capture_.name, position_)};
}

}  // namespace roamscope::capture
