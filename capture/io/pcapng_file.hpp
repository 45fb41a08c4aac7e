// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and writing pcapng (draft-ietf-opsawg-pcapng). The reader takes several sections and interfaces, either byte order,
// if_tsresol and if_tsoffset, enhanced, simple and obsolete packet blocks, and keeps what else stands there as CaptureNotes. The
// writer appends whole blocks, so that a file that was cut off is readable up to its last whole block.
#pragma once

#include "capture/io/capture_reader.hpp"
#include "capture/trace/trace.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace roamscope::capture {

/// Whether a file that starts with these 4 octets is pcapng.
[[nodiscard]] bool isPcapng(ByteView head);
[[nodiscard]] std::unique_ptr<RecordFormat> makePcapngFormat();

/// Writes a capture with nanosecond stamps. Every write is checked; an error names the path, the cause and a remedy, and
/// is returned by all later calls too. One thread at a time.
class PcapngWriter {
public:
    /// Creates or empties `path` ("-" is standard output) and writes the section header. With `notes`, what they say of the
    /// file as a whole: comments of its sections, names, and the machine.
    [[nodiscard]] static Result<PcapngWriter> create(const std::string& path, std::string_view application = "roamscope", const CaptureNotes& notes = {});
    /// The same to a descriptor that is open for writing; takes ownership. `name` stands in messages.
    [[nodiscard]] static Result<PcapngWriter> adopt(int descriptor, std::string name, std::string_view application = "roamscope", const CaptureNotes& notes = {});
    PcapngWriter(PcapngWriter&& other) noexcept;
    PcapngWriter& operator=(PcapngWriter&& other) noexcept;
    ~PcapngWriter();  ///< writes what is buffered; call finish() to learn whether that worked

    /// Describes the next interface, numbered from 0; before the first frame of it. `about`: where it was captured
    /// first; its description, comments and so on are written too, its stamps become nanoseconds.
    [[nodiscard]] Result<std::uint32_t> addLink(const TraceLink& link, const CaptureInterface& about = ours());
    /// Buffers a frame as one block. `utc`: ns since 1970. `options`: comments and so on that were read with it.
    [[nodiscard]] Result<void> write(std::uint32_t link, std::int64_t utc, ByteView frame, std::uint32_t originalLength, const CaptureOptions& options = {});
    /// Buffers a block that was kept: custom ones that may be copied and decryption secrets. Others, and broken ones, are left
    /// out: nobody knows what they refer to.
    [[nodiscard]] Result<void> writeKept(const CaptureBlock& block);
    /// Hands all buffered blocks to the system, and once a second sees that they reach the disk.
    [[nodiscard]] Result<void> flush();
    /// Writes a statistics block for every interface (`dropped`: frames lost on each; missing ones count as 0; `notes`:
    /// counters that were read take their place), flushes, sees that all reaches the disk, and closes.
    [[nodiscard]] Result<void> finish(const std::vector<std::uint64_t>& dropped, const CaptureNotes& notes = {});

private:
    PcapngWriter(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
    static const CaptureInterface& ours();
    Result<void> append(const Bytes& block);
    Result<void> sync();
    CaptureOptions statisticsOf(std::size_t link, std::uint64_t lost, const CaptureNotes& notes) const;
    void close();

    int descriptor_ = -1;
    std::string name_;
    Bytes buffer_;
    std::vector<std::uint64_t> received_;
    std::int64_t offset_ = 0;  ///< if_tsoffset of every interface, seconds
    std::int64_t last_ = 0;
    std::chrono::steady_clock::time_point synced_ = std::chrono::steady_clock::now();
    std::optional<Error> error_;
};

/// Writes a whole trace with a writer that was made with the same `notes`, and finishes it.
[[nodiscard]] Result<void> writeTrace(PcapngWriter writer, const TraceSnapshot& trace, const std::vector<std::uint64_t>& dropped, const CaptureNotes& notes = {});

/// The same to `path`: beside it first, then renamed, so that a full disk spoils no older file. `notes` are those of
/// the file that it was read from: comments, interface and other names, secrets and copyable custom blocks are written too. All
/// stands in one section, stamps are nanoseconds without the file's if_tsoffset, unknown blocks and options stay behind.
[[nodiscard]] Result<void> saveTrace(const TraceSnapshot& trace, const std::vector<std::uint64_t>& dropped, const std::string& path,
                                     const CaptureNotes& notes = {});

}  // namespace roamscope::capture
