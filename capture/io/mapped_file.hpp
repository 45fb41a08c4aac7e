// SPDX-License-Identifier: GPL-3.0-or-later
// The octets of a regular file as memory, read only, without copying them. A file that gets shorter, or whose disk fails,
// while it is mapped does not end the program (SIGBUS): what cannot be read is zeros from then on, and intact() says so.
// The octets are those of the file at each instant: whoever else writes it changes them under the reader.
#pragma once

#include "protocol/base/bytes.hpp"

#include <atomic>
#include <optional>
#include <utility>

namespace roamscope::capture {

class MappedFile {
public:
    /// Maps the file as long as it is now; the descriptor stays the caller's and must outlive the result. Nothing when it is
    /// empty, no regular file, on a file system that cannot, or when maxMapped files are mapped already. Any thread.
    [[nodiscard]] static std::optional<MappedFile> of(int descriptor);
    static constexpr std::size_t maxMapped = 64;

    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    ~MappedFile();

    [[nodiscard]] ByteView octets() const { return octets_; }
    /// All that was read of octets() so far are octets of the file: it is as long as it was, and no disk failed.
    [[nodiscard]] bool intact() const;
    /// Will be read soon: asks for the pages at once, which is cheaper than one after the other.
    void expect(std::size_t from, std::size_t length) const;
    /// Is not read soon: octets before `end` stop counting as this program's memory.
    void release(std::size_t end);

private:
    MappedFile(int descriptor, ByteView octets, std::size_t slot) : descriptor_(descriptor), octets_(octets), slot_(slot) {}

    int descriptor_ = -1;
    ByteView octets_;
    std::size_t slot_ = 0;      ///< of the list that the signal's handler reads
    std::size_t released_ = 0;  ///< octets before it are
};

}  // namespace roamscope::capture
