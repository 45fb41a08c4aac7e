// SPDX-License-Identifier: GPL-3.0-or-later
// Standard output (or error) with checked writes, and the wish to stop (SIGINT, SIGTERM).
#pragma once

#include "protocol/base/result.hpp"

#include <string>
#include <string_view>

namespace roamscope::cli {

/// Buffers text for standard output, or for another descriptor. A reader that has gone away (`| head`) is no error: gone() then says so and further
/// text is dropped.
class Output {
public:
    /// `descriptor` stays the caller's.
    explicit Output(int descriptor = 1) : descriptor_(descriptor) {}
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    ~Output() { flush(); }

    void write(std::string_view text);
    void line(std::string_view text);
    void flush();
    /// Nobody reads any more, or writing failed: go no further.
    [[nodiscard]] bool gone() const { return gone_; }
    /// Flushes and tells whether everything could be written; `status` when it could, InputOutput with a message otherwise.
    [[nodiscard]] int finish(int status);

private:
    int descriptor_;
    std::string buffer_;
    bool gone_ = false;
    int cause_ = 0;
};

/// Makes SIGINT and SIGTERM set a mark instead of ending the process, and SIGPIPE do nothing. Reads that wait return.
void watchInterrupts();
[[nodiscard]] bool interrupted();

/// `text` fit for a terminal: control characters and broken UTF-8 become escapes such as \x1b.
[[nodiscard]] std::string printable(std::string_view text);
/// Columns that `text` takes on a terminal, one for each character.
[[nodiscard]] std::size_t columns(std::string_view text);

}  // namespace roamscope::cli
