// SPDX-License-Identifier: GPL-3.0-or-later
// Where the octets of a trace's frames are: in memory, in the capture file itself, or in a temporary file (spool). A frame is
// found by its place, a number of 48 bits whose meaning is the store's own. One thread appends; any thread reads what was
// there when it was given the place.
#pragma once

#include "capture/io/file_descriptor.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace roamscope::capture {

inline constexpr std::uint64_t maxPlace = (std::uint64_t{1} << 48) - 1;

class FrameOctets {
public:
    /// Valid as long as `keeper` lives, or the store where that is null. Shorter than asked for when the file has shrunk.
    struct Piece {
        ByteView bytes;
        std::shared_ptr<const void> keeper;
    };

    virtual ~FrameOctets() = default;
    [[nodiscard]] virtual Piece read(std::uint64_t place, std::size_t length) const = 0;
    /// Fills `out` with the octets from `place` on, for those who read on; gives how many there were. 0 where frames are not
    /// one behind the other.
    [[nodiscard]] virtual std::size_t copy(std::uint64_t place, std::span<std::uint8_t> out) const = 0;
    /// What happened to the octets since they were indexed: place, cause and remedy. Nothing when all is well.
    [[nodiscard]] virtual std::optional<std::string> trouble() const { return std::nullopt; }
};

/// In memory; never moved.
class MemoryOctets final : public FrameOctets {
public:
    static constexpr std::size_t blockOctets = 262'144;  ///< also the largest frame

    std::uint64_t append(ByteView bytes);
    Piece read(std::uint64_t place, std::size_t length) const override;
    std::size_t copy(std::uint64_t, std::span<std::uint8_t>) const override { return 0; }

private:
    static constexpr std::size_t blocksPerGroup = 1024;
    static constexpr std::size_t groups = 1024;  // 2^38 octets in all
    using Block = std::unique_ptr<std::uint8_t[]>;
    struct Group {
        std::array<Block, blocksPerGroup> blocks;
    };
    std::array<std::unique_ptr<Group>, groups> groups_;
    std::size_t blocks_ = 0;            ///< the writer's only
    std::size_t used_ = blockOctets;    ///< of the last block
};

/// A plain file that is read where a frame is asked for, through a bounded cache. Not mapped: a file that shrinks must not kill
/// the program, and its pages are not this program's memory. The place is the offset in the file.
class FileOctets : public FrameOctets {
public:
    FileOctets(FileDescriptor file, std::string name);
    /// The file is read up to here: from now on a change of what stands before is told by trouble().
    void settled();
    Piece read(std::uint64_t place, std::size_t length) const override;
    std::size_t copy(std::uint64_t place, std::span<std::uint8_t> out) const override;
    std::optional<std::string> trouble() const override;

private:
    static constexpr std::size_t blockOctets = 64 * 1024;
    static constexpr std::size_t maxBlocks = 16;
    struct Block {
        std::uint64_t number = 0;
        Bytes bytes;
    };
    using Uses = std::list<std::shared_ptr<const Block>>;

    std::shared_ptr<const Block> block(std::uint64_t number, std::size_t needed) const;
    void watch() const;

    FileDescriptor file_;
    std::string name_;
    std::atomic<bool> settled_ = false;
    std::int64_t settledSize_ = 0;   ///< written before settled_
    std::int64_t settledTime_ = 0;   ///< ns, last change of the content
    mutable std::atomic<bool> short_ = false;
    mutable std::atomic<bool> changed_ = false;
    mutable std::mutex mutex_;       ///< guards the two below
    mutable Uses uses_;              ///< last used first
    mutable std::unordered_map<std::uint64_t, Uses::iterator> blocks_;
};

/// A temporary file without a name, in $TMPDIR, /var/tmp or /tmp: for input that cannot be read twice. Where there is none, or
/// when the disk is full, octets are kept in memory, and trouble() says so.
class SpoolOctets final : public FrameOctets {
public:
    SpoolOctets();
    /// Takes the octets; they can be read after the next flush().
    std::uint64_t append(ByteView bytes);
    void flush();
    Piece read(std::uint64_t place, std::size_t length) const override;
    std::size_t copy(std::uint64_t place, std::span<std::uint8_t> out) const override;
    std::optional<std::string> trouble() const override;

private:
    static constexpr std::uint64_t inMemory = std::uint64_t{1} << 47;  ///< in a place: it is one of memory_
    void fallBack(std::string why);

    std::optional<FileOctets> file_;
    int descriptor_ = -1;             ///< of file_
    Bytes buffer_;                    ///< not written yet; stands at written_
    std::uint64_t written_ = 0;
    std::atomic<std::uint64_t> pinnedFrom_ = maxPlace;  ///< octets from here on could not be written: they are in pinned_
    Bytes pinned_;
    MemoryOctets memory_;
    mutable std::mutex mutex_;        ///< guards trouble_
    std::optional<std::string> trouble_;
};

}  // namespace roamscope::capture
