// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/pcapng_blocks.hpp"
#include "capture/io/pcapng_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace roamscope::capture {

namespace {

constexpr std::size_t bufferOctets = 64 * 1024;

Error systemError(const std::string& name, std::string_view what, int cause)
{
    const bool right = cause == EACCES || cause == EPERM || cause == EROFS;
    const char* remedy = cause == ENOSPC || cause == EDQUOT ? "Free some space or choose another place"
                         : right                            ? "Choose a place where you may write"
                         : cause == ENOENT                  ? "Make the folder first"
                                                            : "Check the disk or choose another place";
    return {right ? ErrorCode::Permission : ErrorCode::Io, 0, fmt::format("{}: {}: {}. {}", name, what, std::strerror(cause), remedy)};
}

}  // namespace

Result<PcapngWriter> PcapngWriter::create(const std::string& path, std::string_view application)
{
    const bool standardOutput = path == "-";
    const int descriptor = standardOutput ? STDOUT_FILENO : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) return tl::unexpected(systemError(path, "cannot be written", errno));
    PcapngWriter writer(descriptor, standardOutput ? "standard output" : path);
    if (auto ok = writer.append(pcapngSection(application)); !ok) return tl::unexpected(ok.error());
    return writer;
}

PcapngWriter::PcapngWriter(PcapngWriter&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), name_(std::move(other.name_)), buffer_(std::move(other.buffer_)),
      received_(std::move(other.received_)), last_(other.last_), error_(std::move(other.error_))
{
}

PcapngWriter& PcapngWriter::operator=(PcapngWriter&& other) noexcept
{
    std::swap(descriptor_, other.descriptor_);
    std::swap(name_, other.name_);
    std::swap(buffer_, other.buffer_);
    std::swap(received_, other.received_);
    std::swap(last_, other.last_);
    std::swap(error_, other.error_);
    return *this;
}

PcapngWriter::~PcapngWriter()
{
    if (descriptor_ >= 0 && !error_) (void)flush();
    close();
}

void PcapngWriter::close()
{
    if (descriptor_ > 2) ::close(descriptor_);
    descriptor_ = -1;
}

Result<void> PcapngWriter::append(const Bytes& block)
{
    if (error_) return tl::unexpected(*error_);
    buffer_.insert(buffer_.end(), block.begin(), block.end());
    return buffer_.size() < bufferOctets ? Result<void>{} : flush();
}

Result<void> PcapngWriter::flush()
{
    if (error_) return tl::unexpected(*error_);
    ByteView rest = buffer_;
    while (!rest.empty()) {
        const ssize_t n = ::write(descriptor_, rest.data(), rest.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            error_ = systemError(name_, "writing failed", n == 0 ? EIO : errno);
            return tl::unexpected(*error_);
        }
        rest = rest.subspan(static_cast<std::size_t>(n));
    }
    buffer_.clear();
    return {};
}

Result<std::uint32_t> PcapngWriter::addLink(const TraceLink& link)
{
    constexpr std::uint32_t snapLength = maxFrameOctets;
    if (auto ok = append(pcapngInterface(link.linkType, snapLength, link.name)); !ok) return tl::unexpected(ok.error());
    received_.push_back(0);
    return static_cast<std::uint32_t>(received_.size() - 1);
}

Result<void> PcapngWriter::write(std::uint32_t link, std::int64_t utc, ByteView frame, std::uint32_t originalLength)
{
    if (link >= received_.size()) return fail(ErrorCode::Invalid, 0, fmt::format("{}: link {} was not described before its first frame", name_, link));
    ++received_[link];
    last_ = std::max(last_, utc);
    return append(pcapngPacket(link, utc, frame, originalLength));
}

Result<void> PcapngWriter::finish(const std::vector<std::uint64_t>& dropped)
{
    for (std::size_t i = 0; i < received_.size(); ++i) {
        const std::uint64_t lost = i < dropped.size() ? dropped[i] : 0;
        if (auto ok = append(pcapngStatistics(static_cast<std::uint32_t>(i), last_, received_[i] + lost, lost)); !ok) return ok;
    }
    if (auto ok = flush(); !ok) return ok;
    const int descriptor = std::exchange(descriptor_, -1);
    // Some file systems report a full disk only here.
    if (descriptor > 2 && ::close(descriptor) != 0 && errno != EINTR) {
        error_ = systemError(name_, "writing failed", errno);
        return tl::unexpected(*error_);
    }
    return {};
}

namespace {

Result<void> writeTrace(const TraceSnapshot& trace, const std::vector<std::uint64_t>& dropped, const std::string& path)
{
    auto writer = PcapngWriter::create(path);
    if (!writer) return tl::unexpected(writer.error());
    for (const TraceLink& link : trace.links())
        if (auto ok = writer->addLink(link); !ok) return tl::unexpected(ok.error());
    TraceScan scan(trace);
    for (std::size_t i = 0; i < trace.size(); ++i) {
        const FrameView frame = scan.frame(i);
        if (auto ok = writer->write(frame.link, trace.startUtc() + toNanoseconds(frame.time), frame.bytes, frame.originalLength); !ok) return ok;
    }
    return writer->finish(dropped);
}

}  // namespace

Result<void> saveTrace(const TraceSnapshot& trace, const std::vector<std::uint64_t>& dropped, const std::string& path)
{
    struct stat about {};
    if (path == "-" || (::stat(path.c_str(), &about) == 0 && !S_ISREG(about.st_mode))) return writeTrace(trace, dropped, path);
    const std::string part = path + ".part";
    auto written = writeTrace(trace, dropped, part);
    if (written && ::rename(part.c_str(), path.c_str()) != 0) written = tl::unexpected(systemError(path, "cannot be written", errno));
    if (!written) ::unlink(part.c_str());
    return written;
}

}  // namespace roamscope::capture
