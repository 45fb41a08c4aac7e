// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/line_queue.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

namespace roamscope::cli {

namespace {

constexpr int patience = 1000;  ///< ms for which the end waits for a reader

}  // namespace

LineQueue::LineQueue(int descriptor) : descriptor_(descriptor) {}

LineQueue::~LineQueue()
{
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        wake_.notify_one();
    }
    thread_.join();
}

void LineQueue::push(std::string_view lines)
{
    // Before there is another thread nothing waits.
    while (!thread_.joinable() && !failed_ && !lines.empty()) {
        const auto done = attempt(lines, 0);
        failed_ = !done;
        if (done) lines.remove_prefix(*done);
        if (done && *done == 0) thread_ = std::thread([this] { write(); });
    }
    if (lines.empty()) return;
    const std::lock_guard lock(mutex_);
    if (failed_) return;
    if (waiting_.size() + lines.size() > most) {
        lost_ += static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
        return;
    }
    if (lost_ > 0) waiting_ += fmt::format("{{\"event\":\"output-lost\",\"lines\":{}}}\n", lost_);
    lost_ = 0;
    waiting_ += lines;
    wake_.notify_one();
}

bool LineQueue::good() const
{
    const std::lock_guard lock(mutex_);
    return !failed_;
}

std::optional<std::size_t> LineQueue::attempt(std::string_view text, int wait) const
{
    pollfd ready{descriptor_, POLLOUT, 0};
    if (::poll(&ready, 1, wait) <= 0) return 0;
    // A pipe that is ready takes as many octets as these without blocking (pipe(7)).
    const ssize_t done = ::write(descriptor_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (done >= 0) return static_cast<std::size_t>(done);
    if (errno == EINTR || errno == EAGAIN) return 0;
    return std::nullopt;
}

void LineQueue::write()
{
    std::string text;
    std::size_t done = 0;
    for (;;) {
        if (done == text.size()) {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            text = std::exchange(waiting_, {});
            done = 0;
        }
        const auto now = attempt(std::string_view(text).substr(done), patience);
        done += now.value_or(0);
        const std::lock_guard lock(mutex_);
        failed_ = !now;
        if (failed_ || (*now == 0 && ending_)) return;
    }
}

}  // namespace roamscope::cli
