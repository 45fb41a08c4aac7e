// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and writing pcapng (draft-ietf-opsawg-pcapng). The reader takes several sections and interfaces, either byte order,
// if_tsresol and if_tsoffset, enhanced, simple and obsolete packet blocks, and skips what it does not know. The writer appends
// whole blocks, so that a file that was cut off is readable up to its last whole block.
#pragma once

#include "capture/io/capture_reader.hpp"
#include "capture/trace/trace.hpp"

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
    /// Creates or empties `path` ("-" is standard output) and writes the section header.
    [[nodiscard]] static Result<PcapngWriter> create(const std::string& path, std::string_view application = "roamscope");
    PcapngWriter(PcapngWriter&& other) noexcept;
    PcapngWriter& operator=(PcapngWriter&& other) noexcept;
    ~PcapngWriter();  ///< writes what is buffered; call finish() to learn whether that worked

    /// Describes the next interface, numbered from 0; before the first frame of it.
    [[nodiscard]] Result<std::uint32_t> addLink(const TraceLink& link);
    /// Buffers a frame as one block. `utc`: ns since 1970.
    [[nodiscard]] Result<void> write(std::uint32_t link, std::int64_t utc, ByteView frame, std::uint32_t originalLength);
    /// Hands all buffered blocks to the system.
    [[nodiscard]] Result<void> flush();
    /// Writes a statistics block for every interface (`dropped`: frames lost on each; missing ones count as 0), flushes
    /// and closes.
    [[nodiscard]] Result<void> finish(const std::vector<std::uint64_t>& dropped);

private:
    PcapngWriter(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
    Result<void> append(const Bytes& block);
    void close();

    int descriptor_ = -1;
    std::string name_;
    Bytes buffer_;
    std::vector<std::uint64_t> received_;
    std::int64_t last_ = 0;
    std::optional<Error> error_;
};

/// Writes a whole trace to `path`: beside it first, then renamed, so that a full disk spoils no older file.
[[nodiscard]] Result<void> saveTrace(const TraceSnapshot& trace, const std::vector<std::uint64_t>& dropped, const std::string& path);

}  // namespace roamscope::capture
