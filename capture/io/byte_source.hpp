// SPDX-License-Identifier: GPL-3.0-or-later
// Octets of a file, pipe or compressed file, forward only. Memory is bounded: the buffer grows with the octets that have
// arrived, never with a length that somebody wrote into the file. Compression (gzip, zstd) is recognised by its magic.
// Used by one thread at a time.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"

#include <memory>
#include <optional>
#include <string>

namespace roamscope::capture {

/// What waiting for octets gave: as many as asked for, fewer because the input is over, or fewer because time ran out.
enum class Fill : std::uint8_t { Ready, End, Pending };

/// No limit: wait until the octets or the end are there.
inline constexpr std::optional<Duration> forever{};

class ByteSource {
public:
    /// Opens `path`; "-" is standard input. Fails with the path, the cause and, for a missing right, code Permission.
    [[nodiscard]] static Result<ByteSource> open(const std::string& path);
    /// Takes ownership of a descriptor that is open for reading; `name` stands in messages.
    [[nodiscard]] static ByteSource adopt(int descriptor, std::string name);

    /// Like open(), but the end of a regular file is not the end: fill() waits there for what somebody else appends. Ends with
    /// an error when the file is made shorter, replaced or removed. Pipes and devices are always read like that.
    [[nodiscard]] static Result<ByteSource> follow(const std::string& path);
    /// Reads octets that are in memory already.
    [[nodiscard]] static ByteSource ofOctets(Bytes octets, std::string name);

    /// Octets that the caller has: see give(). fill() says Pending for what was not given yet.
    [[nodiscard]] static ByteSource given(std::string name);
    /// Only for given(): from now on `window` is what can be read, its first octet stands at `position`; `last`: nothing follows.
    /// The octets belong to the caller, until the next give().
    void give(ByteView window, std::size_t position, bool last);

    ~ByteSource();
    ByteSource(ByteSource&&) noexcept;
    ByteSource& operator=(ByteSource&&) noexcept;

    /// Tries to have at least `n` octets buffered, for at most `wait`. Pending only comes from pipes, devices and
    /// followed files. An error of the system or of the compression is reported once what was read before it is used up; the
    /// latter names the place in the file and in what it stands for.
    [[nodiscard]] Result<Fill> fill(std::size_t n, std::optional<Duration> wait = forever);
    /// The buffered octets; valid until the next fill().
    [[nodiscard]] ByteView buffered() const;
    /// Drops the first `n` buffered octets; n <= buffered().size().
    void consume(std::size_t n);

    /// Offset of buffered() in the (decompressed) input.
    [[nodiscard]] std::size_t position() const;
    /// How much of a regular file has been read, 0..1; 0 for everything else.
    [[nodiscard]] double progress() const;
    /// A regular file that is not followed: fill() never waits for somebody else.
    [[nodiscard]] bool isRegular() const;
    /// Something odd that did no harm: octets behind compressed data. Empty when there is nothing, or not yet.
    [[nodiscard]] const std::string& remark() const;
    /// A regular file that is not compressed nor followed (known after the first fill()), opened by its path: its octets can be
    /// read at any offset. The descriptor stays ours; -1 for everything else.
    [[nodiscard]] int plainDescriptor() const;
    [[nodiscard]] const std::string& name() const;

private:
    struct State;
    explicit ByteSource(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace roamscope::capture
