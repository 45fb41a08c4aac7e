// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/tap_batch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <liburing.h>
#include <sys/uio.h>

namespace roamscope::capture {

namespace {

constexpr std::size_t maxFrame = 65'536;
/// Buffers start in different sets of the processor's caches, which a power of two would not do.
constexpr std::size_t bufferStride = maxFrame + 320;

}  // namespace

struct TapBatch::Ring {
    io_uring ring{};
    std::array<int, capacity> results{};  ///< octets, or the negative error, by the number of the request

    explicit Ring(const io_uring& made) : ring(made) {}
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring() { io_uring_queue_exit(&ring); }

    /// None where the system has none for us.
    static std::unique_ptr<Ring> make()
    {
        io_uring made{};
        // The second try is for kernels before 6.1.
        for (const unsigned flags : {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, 0U})
            if (io_uring_queue_init(capacity, &made, flags) == 0) return std::make_unique<Ring>(made);
        return nullptr;
    }

    /// Submits the `count` requests that were prepared and waits until each has its result.
    Result<void> run(std::size_t count)
    {
        for (std::size_t done = 0; done < count;) {
            const int submitted = io_uring_submit_and_wait(&ring, static_cast<unsigned>(count - done));
            if (submitted < 0 && submitted != -EINTR)
                return fail(ErrorCode::Io, 0, fmt::format("waiting for TAP interfaces: {}", std::strerror(-submitted)));
            std::array<io_uring_cqe*, capacity> completions;
            const unsigned got = io_uring_peek_batch_cqe(&ring, completions.data(), capacity);
            for (unsigned i = 0; i < got; ++i) results[completions[i]->user_data] = completions[i]->res;
            io_uring_cq_advance(&ring, got);
            done += got;
        }
        return {};
    }
};

TapBatch::TapBatch(Way wanted)
    // Not initialised: octets that no frame has come to need no memory.
    : ring_(wanted == Way::Ring ? Ring::make() : nullptr), buffers_(new std::uint8_t[(ring_ ? capacity : 1) * bufferStride])
{
}

TapBatch::TapBatch(TapBatch&&) noexcept = default;
TapBatch& TapBatch::operator=(TapBatch&&) noexcept = default;
TapBatch::~TapBatch() = default;

Result<std::span<const ByteView>> TapBatch::read(TapDevice& tap, std::size_t count)
{
    frames_.clear();
    // One frame needs no ring: a plain call is faster.
    if (!ring_ || count == 1) {
        const auto length = tap.read(buffer(0));
        if (!length) return tl::unexpected(length.error());
        if (*length > 0) frames_.emplace_back(buffer(0).first(*length));
        return frames_;
    }
    for (std::size_t i = 0; i < count; ++i) {
        io_uring_sqe* request = io_uring_get_sqe(&ring_->ring);
        io_uring_prep_read(request, tap.descriptor(), buffer(i).data(), maxFrame, 0);
        request->rw_flags = RWF_NOWAIT;  // O_NONBLOCK does not keep a ring from waiting for a frame
        io_uring_sqe_set_data64(request, i);
    }
    if (auto done = ring_->run(count); !done) return tl::unexpected(done.error());
    // A frame may come between two requests: one that found none can stand before one that found a frame.
    for (std::size_t i = 0; i < count; ++i) {
        const auto length = tap.readResult(ring_->results[i], -ring_->results[i]);
        if (!length) return tl::unexpected(length.error());
        if (*length > 0) frames_.emplace_back(buffer(i).first(*length));
    }
    return frames_;
}

Result<void> TapBatch::write(std::span<Outgoing> frames)
{
    if (!ring_ || frames.size() == 1) return writeOneByOne(frames);
    for (; !frames.empty(); frames = frames.subspan(std::min(capacity, frames.size()))) {
        const auto part = frames.first(std::min(capacity, frames.size()));
        for (std::size_t i = 0; i < part.size(); ++i) {
            io_uring_sqe* request = io_uring_get_sqe(&ring_->ring);
            io_uring_prep_write(request, part[i].tap->descriptor(), part[i].frame.data(), static_cast<unsigned>(part[i].frame.size()), 0);
            request->rw_flags = RWF_NOWAIT;
            io_uring_sqe_set_data64(request, i);
        }
        if (auto done = ring_->run(part.size()); !done) return done;
        for (std::size_t i = 0; i < part.size(); ++i) {
            const auto sent = part[i].tap->writeResult(ring_->results[i], -ring_->results[i]);
            if (!sent) return tl::unexpected(sent.error());
            part[i].sent = *sent;
        }
    }
    return {};
}

std::span<std::uint8_t> TapBatch::buffer(std::size_t i) { return {buffers_.get() + i * bufferStride, maxFrame}; }

Result<void> TapBatch::writeOneByOne(std::span<Outgoing> frames)
{
    for (Outgoing& frame : frames) {
        const auto sent = frame.tap->write(frame.frame);
        if (!sent) return tl::unexpected(sent.error());
        frame.sent = *sent;
    }
    return {};
}

}  // namespace roamscope::capture
