// SPDX-License-Identifier: GPL-3.0-or-later
// Lines for a reader who may be slow or may not read at all: they are kept and written by a thread of their own, so that whoever
// produces them never waits. push() and the end belong to one thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace roamscope::cli {

class LineQueue {
public:
    static constexpr std::size_t most = std::size_t{64} << 20;  ///< octets that are kept; lines beyond are left out and counted

    /// Writes to `descriptor`, which must stay open and is not closed.
    explicit LineQueue(int descriptor);
    /// Waits until everything is written, but not for a reader who has taken nothing for a second.
    ~LineQueue();
    LineQueue(const LineQueue&) = delete;
    LineQueue& operator=(const LineQueue&) = delete;

    /// Whole lines with their ends. When some had to be left out before, a line {"event":"output-lost","lines":N} says so.
    void push(std::string_view lines);
    /// False once something could not be written: the reader has gone, or the disk is full.
    [[nodiscard]] bool good() const;

private:
    void write();
    /// Writes from the start of `text` as long as that does not block, and waits at most `wait` ms for that; how much it was. None
    /// when it cannot be written at all.
    [[nodiscard]] std::optional<std::size_t> attempt(std::string_view text, int wait) const;

    int descriptor_;
    mutable std::mutex mutex_;  ///< guards all below
    std::condition_variable wake_;
    std::string waiting_;
    std::size_t lost_ = 0;
    bool ending_ = false;
    bool failed_ = false;
    std::thread thread_;  ///< from the first line on that its reader does not take at once: a program of one thread is faster
};

}  // namespace roamscope::cli
