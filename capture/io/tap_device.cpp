// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/tap_device.hpp"

#include <fmt/format.h>
#include <cerrno>
#include <cstring>

namespace roamscope::capture {

namespace {

tl::unexpected<Error> ioFailure(const std::string& name, const char* doing, int error)
{
    return fail(
        ErrorCode::Io, 0,
        fmt::format("{} TAP interface {}: {}. Its lab has ended; start the run again.", doing, name, std::strerror(error)));
}

}  // namespace

TapDevice::TapDevice(FileDescriptor descriptor, std::string name) : descriptor_(std::move(descriptor)), name_(std::move(name)) {}

Result<std::size_t> TapDevice::read(std::span<std::uint8_t> buffer)
{
    for (;;) {
        const ssize_t got = ::read(descriptor_.get(), buffer.data(), buffer.size());
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno == EAGAIN) return std::size_t{0};
        if (errno != EINTR) return ioFailure(name_, "reading", errno);
    }
}

Result<bool> TapDevice::write(ByteView frame)
{
    for (;;) {
        if (::write(descriptor_.get(), frame.data(), frame.size()) >= 0) return true;
        if (errno == EAGAIN || errno == ENOBUFS || errno == EIO) return false;  // EIO: it is down
        if (errno != EINTR) return ioFailure(name_, "writing to", errno);
    }
}

}  // namespace roamscope::capture
