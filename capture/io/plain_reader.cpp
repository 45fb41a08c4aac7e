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

/// Read at once. Measured: larger pieces leave the second-level cache before their frames are looked at.
constexpr std::size_t pieceOctets = 512 * 1024;
/// Room before a piece for the start of its first record; longer ones make more.
constexpr std::size_t usualRest = 64 * 1024;

}  // namespace

PlainReader::PlainReader(PlainCapture capture)
    : capture_(std::move(capture)), window_(ByteSource::given(capture_.name)), shownLinks_(std::make_shared<const std::vector<TraceLink>>())
{
    struct stat about {};
    if (::fstat(capture_.file.get(), &about) == 0) size_ = static_cast<std::uint64_t>(about.st_size);
}

double PlainReader::progress() const
{
    return size_ == 0 ? 0 : std::min(1.0, static_cast<double>(position_) / static_cast<double>(size_));
}

void PlainReader::read(RecordBatch& out)
{
    out.piece = claimed_++;
    out.head = usualRest;
    out.filled = usualRest;
    out.cause = 0;
    const std::size_t end = usualRest + pieceOctets;
    if (out.octets.size() < end) out.octets.resize(end);
    const std::uint64_t start = out.piece * pieceOctets;
    while (out.filled < end) {
        const ssize_t n = ::pread(capture_.file.get(), out.octets.data() + out.filled, end - out.filled, static_cast<off_t>(start + out.filled - usualRest));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) out.cause = errno;
        if (n <= 0) break;
        out.filled += static_cast<std::size_t>(n);
    }
}

/// Puts what the piece before left over in front of the batch's piece.
void PlainReader::prependRest(RecordBatch& out) const
{
    if (rest_.size() > out.head) {
        out.octets.insert(out.octets.begin(), rest_.size() - out.head, 0);
        out.filled += rest_.size() - out.head;
        out.head = rest_.size();
    }
    out.begin = out.head - rest_.size();
    std::copy(rest_.begin(), rest_.end(), out.octets.begin() + static_cast<std::ptrdiff_t>(out.begin));
}

void PlainReader::takeRecords(RecordBatch& out, bool last)
{
    window_.give(ByteView(out.octets).first(out.filled).subspan(out.begin), position_, last);
    CaptureRecord record;
    for (std::size_t before = 0;;) {
        const auto read = capture_.format->next(window_, record, links_, Duration{0});
        if (!read) error_ = read.error();
        // A long stretch without a frame also gives Pending; then the window has more.
        if (read && *read == Read::Pending && window_.position() != before) {
            before = window_.position();
            continue;
        }
        if (!read || *read != Read::Frame) break;
        const auto offset = static_cast<std::size_t>(record.bytes.data() - out.octets.data()) - out.begin;
        out.records.push_back({record.utc, position_ + offset, static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(record.bytes.size()),
                               record.originalLength, record.link});
        capture_.format->take(window_, position_, out.records, links_);
    }
    if (shownLinks_->size() != links_.links.size()) shownLinks_ = std::make_shared<const std::vector<TraceLink>>(links_.links);
    out.links = shownLinks_;
}

Result<Read> PlainReader::take(RecordBatch& out)
{
    ++turn_;
    out.records.clear();
    out.links = shownLinks_;
    if (!error_ && !ended_) {
        const bool whole = out.filled == out.head + pieceOctets;
        prependRest(out);
        takeRecords(out, !whole && out.cause == 0);
        // What is no whole record yet begins the next piece.
        const auto used = static_cast<std::ptrdiff_t>(out.begin + (window_.position() - position_));
        position_ = window_.position();
        rest_.assign(out.octets.begin() + used, out.octets.begin() + static_cast<std::ptrdiff_t>(out.filled));
        ended_ = !whole;
        if (out.cause != 0 && !error_)
            error_ = Error{ErrorCode::Io, position_ + rest_.size(),
                           fmt::format("{}: reading failed: {}. Check the disk or the connection and open it again", capture_.name, std::strerror(out.cause))};
    }
    if (!out.records.empty()) return Read::Frame;
    if (error_) return tl::unexpected(*error_);
    return ended_ ? Read::End : Read::Pending;
}

Result<Read> PlainReader::next(RecordBatch& out)
{
    for (;;) {
        read(out);
        auto found = take(out);
        if (!found || *found != Read::Pending) return found;
    }
}

}  // namespace roamscope::capture
