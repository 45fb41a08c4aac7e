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

/// Appends the next octets of the file to the batch's; false when there are none.
bool PlainReader::refill(RecordBatch& out)
{
    const std::size_t wanted = std::max(pieceOctets, out.filled);
    if (out.octets.size() < out.filled + wanted) out.octets.resize(out.filled + wanted);
    ssize_t n = -1;
    do n = ::pread(capture_.file.get(), out.octets.data() + out.filled, wanted, static_cast<off_t>(position_ + out.filled));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        error_ = Error{ErrorCode::Io, position_ + out.filled,
                       fmt::format("{}: reading failed: {}. Check the disk or the connection and open it again", capture_.name, std::strerror(errno))};
    if (n > 0) out.filled += static_cast<std::size_t>(n);
    return n > 0;
}

void PlainReader::takeRecords(RecordBatch& out, bool last)
{
    window_.give(ByteView(out.octets).first(out.filled), position_, last);
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
        const auto offset = static_cast<std::size_t>(record.bytes.data() - out.octets.data());
        out.records.push_back({record.utc, position_ + offset, static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(record.bytes.size()),
                               record.originalLength, record.link});
        capture_.format->take(window_, position_, out.records, links_);
    }
    if (shownLinks_->size() != links_.links.size()) shownLinks_ = std::make_shared<const std::vector<TraceLink>>(links_.links);
    out.links = shownLinks_;
}

Result<Read> PlainReader::next(RecordBatch& out)
{
    out.records.clear();
    out.links = shownLinks_;
    out.filled = rest_.size();
    if (out.octets.size() < out.filled) out.octets.resize(out.filled);
    std::copy(rest_.begin(), rest_.end(), out.octets.begin());
    for (bool more = true; more && out.records.empty() && !error_;) {
        more = refill(out);
        if (error_) break;
        takeRecords(out, !more);
        // What is no whole record yet begins the next piece; one that does not fit makes the piece grow, as far as the file goes.
        const auto used = static_cast<std::ptrdiff_t>(window_.position() - position_);
        position_ = window_.position();
        const auto filled = out.octets.begin() + static_cast<std::ptrdiff_t>(out.filled);
        rest_.assign(out.octets.begin() + used, filled);
        if (!out.records.empty()) break;
        std::copy(out.octets.begin() + used, filled, out.octets.begin());
        out.filled = rest_.size();
    }
    if (!out.records.empty()) return Read::Frame;
    if (error_) return tl::unexpected(*error_);
    return Read::End;
}

}  // namespace roamscope::capture
