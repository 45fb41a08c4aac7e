// SPDX-License-Identifier: GPL-3.0-or-later
// An owned file descriptor: closed once, by whoever holds it last. Header only, without dependencies, because the helper
// process uses it too. Not thread-safe; move it between threads as a whole.
#pragma once

#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace roamscope::capture {

class FileDescriptor {
public:
    FileDescriptor() = default;
    explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}  ///< takes ownership; negative means none
    FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept
    {
        if (this != &other) {
            reset();
            descriptor_ = std::exchange(other.descriptor_, -1);
        }
        return *this;
    }
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    ~FileDescriptor() { reset(); }

    [[nodiscard]] int get() const { return descriptor_; }  ///< -1 when there is none, which poll() ignores
    [[nodiscard]] explicit operator bool() const { return descriptor_ >= 0; }
    /// Another one of the same open file; none when the system has no more.
    [[nodiscard]] FileDescriptor duplicate() const { return FileDescriptor(::fcntl(descriptor_, F_DUPFD_CLOEXEC, 3)); }
    [[nodiscard]] int release() { return std::exchange(descriptor_, -1); }
    void reset()
    {
        if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
    }

private:
    int descriptor_ = -1;
};

}  // namespace roamscope::capture
