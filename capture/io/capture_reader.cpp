// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/capture_reader.hpp"

#include "capture/io/pcap_file.hpp"
#include "capture/io/pcapng_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>

namespace roamscope::capture {

namespace {

/// What to do with a file of another kind.
std::string_view remedyFor(ByteView head)
{
    if (head[0] == 0xfd && head[1] == '7' && head[2] == 'z') return "It is compressed by xz: unpack it with xz -d";
    if (head[0] == 'B' && head[1] == 'Z' && head[2] == 'h') return "It is compressed by bzip2: unpack it with bzip2 -d";
    if (head[0] == 'P' && head[1] == 'K') return "It is a zip archive: unpack it first";
    if (head[0] == 's' && head[1] == 'n' && head[2] == 'o' && head[3] == 'o') return "It is a snoop file: convert it with editcap -F pcapng";
    return "Expected pcap or pcapng, plain, .gz or .zst";
}

}  // namespace

void RecordFormat::take(ByteSource&, const RecordSink&, CaptureLinks&) {}

std::int64_t traceStart(std::int64_t firstUtc)
{
    constexpr std::int64_t farthest = 4'600'000'000'000'000'000;
    return firstUtc >= -farthest && firstUtc <= farthest ? firstUtc : 0;
}

std::string keptText(std::uint64_t packets)
{
    if (packets == 0) return "No packet stands before it";
    return packets == 1 ? "The packet before it is kept" : fmt::format("The {} packets before it are kept", packets);
}

CaptureReader CaptureReader::adopt(int descriptor, std::string name) { return CaptureReader(ByteSource::adopt(descriptor, std::move(name))); }

CaptureReader CaptureReader::ofOctets(Bytes octets, std::string name) { return CaptureReader(ByteSource::ofOctets(std::move(octets), std::move(name))); }

Result<CaptureReader> CaptureReader::follow(const std::string& path)
{
    auto source = ByteSource::follow(path);
    if (!source) return tl::unexpected(source.error());
    return CaptureReader(std::move(*source));  // what it is may not be written yet
}

Result<CaptureReader> CaptureReader::open(const std::string& path)
{
    auto source = ByteSource::open(path);
    if (!source) return tl::unexpected(source.error());
    CaptureReader reader(std::move(*source));
    if (reader.isRegular()) {
        const auto known = reader.identify(forever);
        if (!known) return tl::unexpected(known.error());
    }
    return reader;
}

Result<Read> CaptureReader::identify(std::optional<Duration> wait)
{
    const auto filled = in_.fill(4, wait);
    if (!filled) return tl::unexpected(filled.error());
    if (*filled == Fill::Pending) return Read::Pending;
    const ByteView head = in_.buffered();
    if (*filled == Fill::End) {
        const char* what = head.empty() ? "is empty" : "is too short for a capture";
        return fail(ErrorCode::Truncated, 0, fmt::format("{}: {}. Record it again or choose another file", in_.name(), what));
    }
    if (isPcapng(head)) format_ = makePcapngFormat();
    else if (isPcap(head)) format_ = makePcapFormat();
    else
        return fail(ErrorCode::Unsupported, 0,
                    fmt::format("{}: is no capture: it starts with {:02x} {:02x} {:02x} {:02x}. {}", in_.name(), head[0], head[1], head[2], head[3], remedyFor(head)));
    return Read::Frame;
}

std::optional<PlainCapture> CaptureReader::takePlain()
{
    if (in_.plainDescriptor() < 0 || !format_ || in_.position() != 0) return std::nullopt;
    FileDescriptor file(::fcntl(in_.plainDescriptor(), F_DUPFD_CLOEXEC, 3));
    auto octets = MappedFile::of(file.get());
    if (!octets) return std::nullopt;
    return PlainCapture{std::move(file), std::move(*octets), in_.name(), std::move(format_)};
}

Result<Read> CaptureReader::next(CaptureRecord& out, std::optional<Duration> wait)
{
    if (error_) return tl::unexpected(*error_);
    if (ended_) return Read::End;
    Result<Read> read = Read::Frame;
    if (!format_) read = identify(wait);
    if (read && *read == Read::Frame) read = format_->next(in_, out, links_, wait);
    if (!read) error_ = read.error();
    else if (*read == Read::End) ended_ = true;
    if (ended_ && !in_.remark().empty()) links_.notes.addOddity(Oddity::Compressed, 0, 0, in_.remark());
    return read;
}

}  // namespace roamscope::capture
