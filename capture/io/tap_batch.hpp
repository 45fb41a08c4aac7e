// SPDX-License-Identifier: GPL-3.0-or-later
// Frames of TAP interfaces, several with one system call through io_uring (liburing): under load the calls cost more than what a
// node does with a frame. Where the system refuses io_uring (old kernels, most containers), the frames go one by one, in the same
// order. One thread, the one that made it. Holds no frame of a caller after a call has returned.
#pragma once

#include "capture/io/tap_device.hpp"

#include <memory>
#include <span>
#include <vector>

namespace roamscope::capture {

class TapBatch {
public:
    static constexpr std::size_t capacity = 64;  ///< frames of one call

    enum class Way { Ring, OneByOne };
    /// `wanted`: OneByOne does not even try the ring.
    explicit TapBatch(Way wanted = Way::Ring);
    TapBatch(TapBatch&&) noexcept;
    TapBatch& operator=(TapBatch&&) noexcept;
    ~TapBatch();

    [[nodiscard]] Way way() const { return ring_ ? Way::Ring : Way::OneByOne; }

    /// The next waiting frames, at most `count` (1 to capacity), in their order, as long as a call of TapDevice::read() would give
    /// them; fewer when no more wait. They stand until the next read. Fails (Io) as TapDevice::read() does.
    [[nodiscard]] Result<std::span<const ByteView>> read(TapDevice& tap, std::size_t count);

    struct Outgoing {
        TapDevice* tap = nullptr;
        ByteView frame;     ///< at least 14 octets
        bool sent = false;  ///< set by write(); false: the kernel's queue is full or the interface is down
    };
    /// Sends the frames in their order. Fails (Io) as TapDevice::write() does, after all were tried.
    [[nodiscard]] Result<void> write(std::span<Outgoing> frames);

private:
    struct Ring;

    [[nodiscard]] std::span<std::uint8_t> buffer(std::size_t i);
    [[nodiscard]] Result<void> writeOneByOne(std::span<Outgoing> frames);

    std::unique_ptr<Ring> ring_;  ///< none: one by one
    std::unique_ptr<std::uint8_t[]> buffers_;
    std::vector<ByteView> frames_;  ///< of the last read
};

}  // namespace roamscope::capture
