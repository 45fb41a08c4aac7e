// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/file_order.hpp"
#include "capture/io/pcapng_blocks.hpp"
#include "capture/io/pcapng_clock.hpp"
#include "capture/io/pcapng_file.hpp"
#include "capture/io/pcapng_options.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits>
#include <sys/stat.h>
#include <unistd.h>

namespace roamscope::capture {

namespace {

constexpr std::size_t bufferOctets = 64 * 1024;
constexpr auto syncInterval = std::chrono::seconds(1);

Error systemError(const std::string& name, std::string_view what, int cause)
{
    const bool right = cause == EACCES || cause == EPERM || cause == EROFS;
    const char* remedy = cause == ENOSPC || cause == EDQUOT ? "Free some space or choose another place"
                         : right                            ? "Choose a place where you may write"
                         : cause == ENOENT                  ? "Make the folder first"
                                                            : "Check the disk or choose another place";
    return {right ? ErrorCode::Permission : ErrorCode::Io, 0, fmt::format("{}: {}: {}. {}", name, what, std::strerror(cause), remedy)};
}

/// What one section header says for all sections of a file: the comments of all, the machine of the first.
CaptureOptions sectionOptions(std::string_view application, const CaptureNotes& notes)
{
    CaptureOptions out;
    for (const CaptureSection& section : notes.sections()) {
        for (CaptureOption& o : copyableOptions(section.options, OptionScope::Section)) {
            const bool machine = o.code == option::hardware || o.code == option::system;
            if (o.code != option::application && (!machine || &section == &notes.sections().front())) out.push_back(std::move(o));
        }
    }
    addText(out, option::application, application);
    return out;
}

/// The body of a kept block in little-endian; empty when it cannot be copied.
Bytes copyableBody(const CaptureBlock& block)
{
    Bytes out = block.body;
    const FileOrder order{block.bigEndian};
    const auto turn = [&](std::size_t at) {
        const std::uint32_t value = order.u32(block.body, at);
        for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
    };
    if (block.type == blockType::custom && out.size() >= 4) {
        turn(0);  // the enterprise number
        return out;
    }
    if (block.type != blockType::secrets || out.size() < 8) return {};
    const std::size_t length = order.u32(block.body, 4);
    if (length > out.size() - 8) return {};
    turn(0);
    turn(4);
    if (block.bigEndian) out.resize(8 + (length + 3) / 4 * 4);  // options would have to be turned too
    return out;
}

}  // namespace

const CaptureInterface& PcapngWriter::ours()
{
    static const CaptureInterface about = [] {
        CaptureInterface out;
        out.snapLength = maxFrameOctets;
        return out;
    }();
    return about;
}

Result<PcapngWriter> PcapngWriter::create(const std::string& path, std::string_view application, const CaptureNotes& notes)
{
    const bool standardOutput = path == "-";
    const int descriptor = standardOutput ? STDOUT_FILENO : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) return tl::unexpected(systemError(path, "cannot be written", errno));
    return adopt(descriptor, standardOutput ? "standard output" : path, application, notes);
}

Result<PcapngWriter> PcapngWriter::adopt(int descriptor, std::string name, std::string_view application, const CaptureNotes& notes)
{
    PcapngWriter writer(descriptor, std::move(name));
    if (notes.odd(Oddity::TimeBefore1970).count > 0) writer.offset_ = PcapngClock::offsetBefore1970;
    if (auto ok = writer.append(pcapngSection(sectionOptions(application, notes))); !ok) return tl::unexpected(ok.error());
    const CaptureOptions nameOptions = copyableOptions(notes.nameOptions(), OptionScope::Names);
    if (!notes.names().empty() || !nameOptions.empty())
        if (auto ok = writer.append(pcapngNames(notes.names(), nameOptions)); !ok) return tl::unexpected(ok.error());
    return writer;
}

PcapngWriter::PcapngWriter(PcapngWriter&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), name_(std::move(other.name_)), buffer_(std::move(other.buffer_)),
      received_(std::move(other.received_)), offset_(other.offset_), last_(other.last_), synced_(other.synced_), error_(std::move(other.error_))
{
}

PcapngWriter& PcapngWriter::operator=(PcapngWriter&& other) noexcept
{
    std::swap(descriptor_, other.descriptor_);
    std::swap(name_, other.name_);
    std::swap(buffer_, other.buffer_);
    std::swap(received_, other.received_);
    std::swap(offset_, other.offset_);
    std::swap(last_, other.last_);
    std::swap(synced_, other.synced_);
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
    return std::chrono::steady_clock::now() - synced_ < syncInterval ? Result<void>{} : sync();
}

/// What the system holds back would be lost with its power.
Result<void> PcapngWriter::sync()
{
    synced_ = std::chrono::steady_clock::now();
    if (::fdatasync(descriptor_) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP) return {};  // pipes and devices cannot
    error_ = systemError(name_, "writing failed", errno);
    return tl::unexpected(*error_);
}

Result<std::uint32_t> PcapngWriter::addLink(const TraceLink& link, const CaptureInterface& about)
{
    CaptureOptions options = copyableOptions(about.options, OptionScope::Interface);
    if (textOf(options, option::name) != link.name) {
        std::erase_if(options, [](const CaptureOption& o) { return o.code == option::name; });
        addText(options, option::name, link.name);
    }
    std::erase_if(options, [](const CaptureOption& o) { return o.code == option::timeOffset; });
    if (offset_ != 0) addNumber(options, option::timeOffset, static_cast<std::uint64_t>(offset_));
    if (auto ok = append(pcapngInterface(link.linkType, about.snapLength, options)); !ok) return tl::unexpected(ok.error());
    received_.push_back(0);
    return static_cast<std::uint32_t>(received_.size() - 1);
}

Result<void> PcapngWriter::write(std::uint32_t link, std::int64_t utc, ByteView frame, std::uint32_t originalLength, const CaptureOptions& options)
{
    if (link >= received_.size()) return fail(ErrorCode::Invalid, 0, fmt::format("{}: link {} was not described before its first frame", name_, link));
    ++received_[link];
    last_ = std::max(last_, utc);
    const std::uint64_t ticks = PcapngClock::nanosecondTicks(utc, offset_);
    return append(pcapngPacket(link, ticks, frame, originalLength, options.empty() ? options : copyableOptions(options, OptionScope::Packet)));
}

Result<void> PcapngWriter::writeKept(const CaptureBlock& block)
{
    const Bytes body = copyableBody(block);
    return body.empty() ? Result<void>{} : append(pcapngBlock(block.type, body));
}

/// Counters of a link: those that its file had, otherwise what went through here.
CaptureOptions PcapngWriter::statisticsOf(std::size_t link, std::uint64_t lost, const CaptureNotes& notes) const
{
    CaptureOptions out;
    if (link < notes.interfaces().size()) {
        const CaptureInterface& about = notes.interfaces()[link];
        const PcapngClock clock{about.resolution, about.timeOffset};
        for (CaptureOption& o : copyableOptions(about.statistics, OptionScope::Statistics)) {
            if (o.code == 2 || o.code == 3) {  // start and end, in units of the interface: two halves, the higher one first
                const std::uint64_t before = std::uint64_t{FileOrder{}.u32(o.value, 0)} << 32 | FileOrder{}.u32(o.value, 4);
                const std::uint64_t after = PcapngClock::nanosecondTicks(clock.nanoseconds(before).value, offset_);
                o.value.clear();
                for (const unsigned shift : {32u, 40u, 48u, 56u, 0u, 8u, 16u, 24u}) o.value.push_back(static_cast<std::uint8_t>(after >> shift));
            }
            out.push_back(std::move(o));
        }
    }
    if (!numberOf(out, option::received)) addNumber(out, option::received, received_[link] + lost);
    if (!numberOf(out, option::dropped)) addNumber(out, option::dropped, lost - std::min(lost, numberOf(out, option::systemDropped).value_or(0)));
    return out;
}

Result<void> PcapngWriter::finish(const std::vector<std::uint64_t>& dropped, const CaptureNotes& notes)
{
    for (std::size_t i = 0; i < received_.size(); ++i) {
        const std::optional<std::int64_t> known = i < notes.interfaces().size() ? notes.interfaces()[i].statisticsTime : std::nullopt;
        const std::uint64_t ticks = PcapngClock::nanosecondTicks(known.value_or(last_), offset_);
        const CaptureOptions options = statisticsOf(i, i < dropped.size() ? dropped[i] : 0, notes);
        if (auto ok = append(pcapngStatistics(static_cast<std::uint32_t>(i), ticks, options)); !ok) return ok;
    }
    if (auto ok = flush(); !ok) return ok;
    if (auto ok = sync(); !ok) return ok;
    const int descriptor = std::exchange(descriptor_, -1);
    // Some file systems report a full disk only here.
    if (descriptor > 2 && ::close(descriptor) != 0 && errno != EINTR) {
        error_ = systemError(name_, "writing failed", errno);
        return tl::unexpected(*error_);
    }
    return {};
}

Result<void> writeTrace(PcapngWriter writer, const TraceSnapshot& trace, const std::vector<std::uint64_t>& dropped, const CaptureNotes& notes)
{
    for (std::size_t i = 0; i < trace.links().size(); ++i) {
        const auto added = i < notes.interfaces().size() ? writer.addLink(trace.links()[i], notes.interfaces()[i]) : writer.addLink(trace.links()[i]);
        if (!added) return tl::unexpected(added.error());
    }
    auto kept = notes.blocks().begin();
    const auto writeKeptUpTo = [&](std::size_t packet) -> Result<void> {
        for (; kept != notes.blocks().end() && kept->packet <= packet; ++kept)
            if (auto ok = writer.writeKept(*kept); !ok) return ok;
        return {};
    };
    TraceScan scan(trace);
    for (std::size_t i = 0; i < trace.size(); ++i) {
        if (auto ok = writeKeptUpTo(i); !ok) return ok;
        const FrameView frame = scan.frame(i);
        if (auto ok = writer.write(frame.link, trace.startUtc() + toNanoseconds(frame.time), frame.bytes, frame.originalLength, notes.packetOptions(i)); !ok) return ok;
    }
    if (auto ok = writeKeptUpTo(std::numeric_limits<std::size_t>::max()); !ok) return ok;
    return writer.finish(dropped, notes);
}

Result<void> saveTrace(const TraceSnapshot& trace, const std::vector<std::uint64_t>& dropped, const std::string& path, const CaptureNotes& notes)
{
    const auto writeTo = [&](const std::string& place) -> Result<void> {
        auto writer = PcapngWriter::create(place, "roamscope", notes);
        return writer ? writeTrace(std::move(*writer), trace, dropped, notes) : tl::unexpected(writer.error());
    };
    struct stat about {};
    if (path == "-" || (::stat(path.c_str(), &about) == 0 && !S_ISREG(about.st_mode))) return writeTo(path);
    const std::string part = path + ".part";
    auto written = writeTo(part);
    if (written && ::rename(part.c_str(), path.c_str()) != 0) written = tl::unexpected(systemError(path, "cannot be written", errno));
    if (!written) ::unlink(part.c_str());
    return written;
}

}  // namespace roamscope::capture
