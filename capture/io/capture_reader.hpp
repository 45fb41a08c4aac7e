// SPDX-License-Identifier: GPL-3.0-or-later
// Reads a capture (pcap or pcapng, either byte order, also gzip or zstd) frame by frame, from a file or a pipe that may grow
// slowly. Iterative, with bounded memory: a frame of more than 262144 octets or a block of more than 16 MiB is refused as
// broken. Everything read before the place where a file breaks is delivered first. One thread at a time.
// Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
#pragma once

#include "capture/io/byte_source.hpp"
#include "capture/io/file_descriptor.hpp"
#include "capture/io/capture_notes.hpp"
#include "capture/io/mapped_file.hpp"
#include "capture/trace/trace.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace roamscope::capture {

inline constexpr std::size_t maxFrameOctets = 262'144;
inline constexpr std::size_t maxBlockOctets = 16 * 1024 * 1024;
inline constexpr std::size_t maxCaptureLinks = 4096;

/// One frame as it stands in the file.
struct CaptureRecord {
    std::int64_t utc = 0;              ///< ns since 1970; a record without a stamp has that of the one before it
    std::uint32_t link = 0;            ///< index into links()
    std::uint32_t originalLength = 0;  ///< octets on the wire, >= bytes.size()
    ByteView bytes;                    ///< valid until the next call
};

/// What next() found: a frame, the end, or nothing yet (pipes, followed files, and long stretches without a frame).
enum class Read : std::uint8_t { Frame, End, Pending };

/// Links of a capture and the frames that were lost on each before they reached the file.
struct CaptureLinks {
    std::vector<TraceLink> links;
    std::vector<std::uint64_t> dropped;  ///< one number for each link
    CaptureNotes notes;                  ///< an interface for each link, and what else the file says
};

/// Takes a frame, whose octets are valid during the call; `place`: their offset in the file.
using RecordSink = std::function<void(const CaptureRecord& record, std::uint64_t place)>;

/// The records of one file format.
class RecordFormat {
public:
    virtual ~RecordFormat() = default;
    /// The next frame; `links` grows as the file describes its interfaces. An error's offset is that of the (decompressed) file.
    virtual Result<Read> next(ByteSource& in, CaptureRecord& out, CaptureLinks& links, std::optional<Duration> wait) = 0;
    /// Gives `sink` the frames that follow whole in what `in` has buffered, as long as they are ordinary; next() gives the same, one
    /// by one, and everything else. None where next() is all there is.
    virtual void take(ByteSource& in, const RecordSink& sink, CaptureLinks& links);
};

/// Time 0 (ns since 1970) of a trace whose first frame has this stamp: the stamp, unless it is further from 1970 than 146 years.
/// Then 1970: counted from an absurd stamp, the others would not fit into 64 bits.
[[nodiscard]] std::int64_t traceStart(std::int64_t firstUtc);

/// For messages: what of a file that breaks after so many packets is kept.
[[nodiscard]] std::string keptText(std::uint64_t packets);

/// What is needed to read a plain file in memory (PlainReader).
struct PlainCapture {
    FileDescriptor file;  ///< our own, of the whole file
    MappedFile octets;    ///< of `file`
    std::string name;
    std::unique_ptr<RecordFormat> format;
};

class CaptureReader {
public:
    /// Opens `path` ("-" is standard input). A regular file that is no capture fails here; a pipe is judged by next().
    [[nodiscard]] static Result<CaptureReader> open(const std::string& path);
    /// Like open(), but waits at the end of a regular file for what somebody else appends; see ByteSource::follow().
    [[nodiscard]] static Result<CaptureReader> follow(const std::string& path);
    /// Reads a capture that is in memory already.
    [[nodiscard]] static CaptureReader ofOctets(Bytes octets, std::string name);
    /// Takes ownership of a descriptor (the end of a pipe that carries a capture).
    [[nodiscard]] static CaptureReader adopt(int descriptor, std::string name);

    /// Waits at most `wait` for the next frame. After an error or the end it gives the same again.
    [[nodiscard]] Result<Read> next(CaptureRecord& out, std::optional<Duration> wait = forever);

    /// Hands the capture over to a PlainReader, before the first next(); nothing when it is not a plain file whose format is known
    /// already, or when it cannot be mapped. Afterwards only destruction is allowed.
    [[nodiscard]] std::optional<PlainCapture> takePlain();

    [[nodiscard]] const std::vector<TraceLink>& links() const { return links_.links; }
    [[nodiscard]] const std::vector<std::uint64_t>& dropped() const { return links_.dropped; }
    /// Comments, names, options and oddities met so far.
    [[nodiscard]] const CaptureNotes& notes() const { return links_.notes; }
    [[nodiscard]] std::size_t position() const { return in_.position(); }  ///< octets read, of the decompressed file
    [[nodiscard]] double progress() const { return in_.progress(); }
    [[nodiscard]] bool isRegular() const { return in_.isRegular(); }

private:
    explicit CaptureReader(ByteSource in) : in_(std::move(in)) {}
    Result<Read> identify(std::optional<Duration> wait);

    ByteSource in_;
    CaptureLinks links_;
    std::unique_ptr<RecordFormat> format_;
    std::optional<Error> error_;
    bool ended_ = false;
};

}  // namespace roamscope::capture
