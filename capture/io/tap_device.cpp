// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/tap_device.hpp"

#include <fmt/format.h>
#include <cerrno>
#include <cstring>

namespace roamscope::capture {

TapDevice::TapDevice(FileDescriptor descriptor, std::string name) : descriptor_(std::move(descriptor)), name_(std::move(name)) {}

Result<std::size_t> TapDevice::readResult(ssize_t got, int error) const
{
    if (got >= 0) return static_cast<std::size_t>(got);
    if (error == EAGAIN) return std::size_t{0};
    return failure("reading", error);
}

Result<bool> TapDevice::writeResult(ssize_t put, int error) const
{
    if (put >= 0) return true;
    if (error == EAGAIN || error == ENOBUFS || error == EIO) return false;  // EIO: it is down
    return failure("writing to", error);
}

Result<std::size_t> TapDevice::read(std::span<std::uint8_t> buffer)
{
    for (;;) {
        const ssize_t got = ::read(descriptor_.get(), buffer.data(), buffer.size());
        if (got >= 0 || errno != EINTR) return readResult(got, errno);
    }
}

Result<bool> TapDevice::write(ByteView frame)
{
    for (;;) {
        const ssize_t put = ::write(descriptor_.get(), frame.data(), frame.size());
        if (put >= 0 || errno != EINTR) return writeResult(put, errno);
    }
}

tl::unexpected<Error> TapDevice::failure(const char* doing, int error) const
{
    return fail(ErrorCode::Io, 0,
                fmt::format("{} TAP interface {}: {}. It was removed, or its lab has ended; start again.", doing, name_, std::strerror(error)));
}

}  // namespace roamscope::capture
