// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/text_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace roamscope::capture {

namespace {

/// For the error of the last system call.
auto failed(const std::string& path)
{
    return fail(errno == EACCES || errno == EPERM ? ErrorCode::Permission : ErrorCode::Io, 0,
                fmt::format("{}: cannot be written ({}); choose another place with room in it", path, std::strerror(errno)));
}

}  // namespace

Result<TextFile> TextFile::open(const std::string& path)
{
    FileDescriptor file(path == "-" ? ::dup(STDOUT_FILENO) : ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (!file) return failed(path);
    return TextFile(path, std::move(file));
}

Result<void> TextFile::write(std::string_view text)
{
    // Only what has a length can be cut: not a pipe or a device, and standard output goes on where it is.
    if (path_ != "-" && ::ftruncate(file_.get(), 0) != 0 && errno != EINVAL) return failed(path_);
    while (!text.empty()) {
        const ssize_t n = ::write(file_.get(), text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(path_);
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    if (::close(file_.release()) != 0) return failed(path_);
    return {};
}

}  // namespace roamscope::capture
