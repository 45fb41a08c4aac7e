// SPDX-License-Identifier: GPL-3.0-or-later
// A text file that is written as a whole, with every step checked. It is opened before the work whose result it will take, so that a place
// that cannot be written to is told at once. One thread. Move-only.
#pragma once

#include "capture/io/file_descriptor.hpp"
#include "protocol/base/result.hpp"

#include <string>
#include <string_view>

namespace roamscope::capture {

class TextFile {
public:
    /// Creates `path` if need be; what it has stays until write(). "-" is standard output. The error names path and cause.
    [[nodiscard]] static Result<TextFile> open(const std::string& path);
    /// Replaces the contents and closes the file: once only.
    [[nodiscard]] Result<void> write(std::string_view text);
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    TextFile(std::string path, FileDescriptor file) : path_(std::move(path)), file_(std::move(file)) {}

    std::string path_;
    FileDescriptor file_;
};

}  // namespace roamscope::capture
