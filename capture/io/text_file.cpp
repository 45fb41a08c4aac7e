// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/text_file.hpp"

#include "capture/io/file_descriptor.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace roamscope::capture {

Result<void> writeTextFile(const std::string& path, std::string_view text)
{
    const auto failed = [&] {
        return fail(errno == EACCES || errno == EPERM ? ErrorCode::Permission : ErrorCode::Io, 0,
                    fmt::format("{}: cannot be written ({}); choose another place with room in it", path, std::strerror(errno)));
    };
    FileDescriptor file(path == "-" ? ::dup(STDOUT_FILENO) : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file) return failed();
    while (!text.empty()) {
        const ssize_t n = ::write(file.get(), text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed();
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    if (::close(file.release()) != 0) return failed();
    return {};
}

}  // namespace roamscope::capture
