// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/capture_checks.hpp"

#include "capture/io/pcapng_file.hpp"
#include "capture/io/pcapng_options.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <sys/mman.h>
#include <unistd.h>

namespace roamscope::test {

using namespace roamscope::capture;

namespace {

std::string recordFault(const CaptureRecord& record, const CaptureReader& reader)
{
    if (record.bytes.size() > maxFrameOctets) return "a frame of more than the limit";
    if (record.link >= reader.links().size()) return "a frame of a link that does not exist";
    if (record.originalLength < record.bytes.size()) return "a frame that is longer than on the wire";
    return {};
}

/// Differences between hostile stamps stay inside 64 bits.
TimePoint since(std::int64_t start, std::int64_t utc)
{
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(utc, start, &difference)) difference = utc < start ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
    return atNanoseconds(difference);
}

/// Times at the very ends of what 64 bits hold may move a little when they are written; all others may not.
bool sameTime(std::int64_t a, std::int64_t b)
{
    constexpr std::int64_t sure = 4'600'000'000'000'000'000;
    return a == b || a > sure || a < -sure;
}

std::string noteFault(const CaptureNotes& a, const CaptureNotes& b, std::size_t frames)
{
    if (a.interfaces().size() != b.interfaces().size()) return "another number of interfaces";
    if (a.fileComments() != b.fileComments()) return "other comments of the file";
    if (a.names() != b.names()) return "other names";
    for (std::size_t i = 0; i < a.interfaces().size(); ++i) {
        const CaptureInterface& x = a.interfaces()[i];
        const CaptureInterface& y = b.interfaces()[i];
        if (commentsOf(x.options) != commentsOf(y.options) || textOf(x.options, option::description) != textOf(y.options, option::description)) return "another description of an interface";
        if (x.snapLength != y.snapLength) return "another limit of an interface";
    }
    for (std::size_t i = 0; i < frames; ++i)
        if (copyableOptions(a.packetOptions(i), OptionScope::Packet) != b.packetOptions(i)) return fmt::format("other options of packet {}", i + 1);
    const auto custom = [](const CaptureNotes& notes) {
        return std::count_if(notes.blocks().begin(), notes.blocks().end(), [](const CaptureBlock& k) { return k.type == blockType::custom && k.body.size() >= 4; });
    };
    return custom(a) == custom(b) ? "" : "another number of custom blocks";
}

Bytes contentsOf(int descriptor)
{
    Bytes out(static_cast<std::size_t>(::lseek(descriptor, 0, SEEK_END)));
    return ::pread(descriptor, out.data(), out.size(), 0) == static_cast<ssize_t>(out.size()) ? out : Bytes();
}

}  // namespace

ReadCapture readCapture(Bytes octets)
{
    ReadCapture out;
    const std::size_t size = octets.size();
    CaptureReader reader = CaptureReader::ofOctets(std::move(octets), "capture");
    CaptureRecord record;
    std::size_t links = 0;
    for (;;) {
        const auto read = reader.next(record);
        if (!read) out.error = read.error();
        if (!read || *read == Read::End) break;
        if (*read == Read::Pending) {
            out.fault = "something is pending in memory";
            break;
        }
        if (out.fault.empty()) out.fault = recordFault(record, reader);
        if (!out.fault.empty()) break;
        for (; links < reader.links().size(); ++links) out.trace.addLink(reader.links()[links]);
        if (out.utc.empty()) out.trace.setStartUtc(traceStart(record.utc));
        out.utc.push_back(record.utc);
        out.trace.append(since(traceStart(out.utc.front()), record.utc), record.link, record.bytes, record.originalLength);
    }
    for (; links < reader.links().size(); ++links) out.trace.addLink(reader.links()[links]);
    out.notes = reader.notes();
    out.dropped = reader.dropped();
    if (out.error && !out.error->text.starts_with("capture: ")) out.fault = "an error that does not name its file: " + out.error->text;
    // Compressed octets stand for many more.
    if (out.error && out.error->offset > std::max<std::size_t>(size, 1) * 2000 + 64 * 1024 * 1024) out.fault = "an error outside the file: " + out.error->text;
    if (reader.links().size() != out.notes.interfaces().size() || reader.links().size() != out.dropped.size()) out.fault = "links, notes and counters differ in number";
    for (const std::string& text : out.notes.oddityTexts())
        if (text.empty()) out.fault = "an oddity without words";
    return out;
}

std::string rewriteFault(const ReadCapture& read)
{
    const int descriptor = ::memfd_create("capture", MFD_CLOEXEC);
    if (descriptor < 0) return {};  // no memory for a second copy
    const TraceSnapshot before = read.trace.snapshot();
    auto writer = PcapngWriter::adopt(::dup(descriptor), "rewritten", "test", read.notes);
    if (!writer) return "cannot be rewritten: " + writer.error().text;
    const auto written = writeTrace(std::move(*writer), before, read.dropped, read.notes);
    Bytes octets = contentsOf(descriptor);
    ::close(descriptor);
    if (!written) return "cannot be rewritten: " + written.error().text;
    const ReadCapture again = readCapture(std::move(octets));
    if (!again.fault.empty()) return again.fault;
    if (again.error) return "what was written cannot be read: " + again.error->text;
    const TraceSnapshot after = again.trace.snapshot();
    if (after.links() != before.links()) return "other links";
    if (after.size() != before.size()) return fmt::format("{} frames of {}", after.size(), before.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
        const FrameView a = before.frame(i);
        const FrameView b = after.frame(i);
        if (a.link != b.link || a.originalLength != b.originalLength || !std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end()))
            return fmt::format("frame {} differs", i + 1);
        if (!sameTime(read.utc[i], again.utc[i])) return fmt::format("frame {} has time {} instead of {}", i + 1, again.utc[i], read.utc[i]);
    }
    // Beyond the bound it is chance which of them are kept.
    return read.notes.notKept() > 0 ? std::string() : noteFault(read.notes, again.notes, before.size());
}

}  // namespace roamscope::test
