// SPDX-License-Identifier: GPL-3.0-or-later
// The user's end of a TAP interface: whole Ethernet frames, read and written without blocking. The descriptor comes from
// the helper (lab_namespace.hpp). As long as it is open it keeps the helper's network namespace alive, so whoever sees the
// helper gone closes it. One thread.
#pragma once

#include "capture/io/file_descriptor.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"

#include <span>
#include <string>
#include <sys/types.h>

namespace roamscope::capture {

class TapDevice {
public:
    /// `descriptor` is an attached, non-blocking TAP without packet information; `name` is for messages.
    TapDevice(FileDescriptor descriptor, std::string name);

    /// The next waiting frame into `buffer` (a longer one is cut), its length in octets, or 0 when none waits.
    /// Fails (Io) when the interface is closed or deleted.
    [[nodiscard]] Result<std::size_t> read(std::span<std::uint8_t> buffer);

    /// Sends one frame of at least 14 octets. False: the kernel's queue is full or the interface is down, and the frame was not sent.
    /// Fails (Io) when the interface is closed or deleted.
    [[nodiscard]] Result<bool> write(ByteView frame);

    /// What a call of read() or write() on the descriptor has given means; `error` is its errno where the result is negative.
    [[nodiscard]] Result<std::size_t> readResult(ssize_t got, int error) const;
    [[nodiscard]] Result<bool> writeResult(ssize_t put, int error) const;

    void close() { descriptor_.reset(); }
    [[nodiscard]] int descriptor() const { return descriptor_.get(); }  ///< for poll(); -1 once closed
    [[nodiscard]] const std::string& name() const { return name_; }

private:
    [[nodiscard]] tl::unexpected<Error> failure(const char* doing, int error) const;

    FileDescriptor descriptor_;
    std::string name_;
};

}  // namespace roamscope::capture
