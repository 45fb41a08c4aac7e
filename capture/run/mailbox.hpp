// SPDX-License-Identifier: GPL-3.0-or-later
// A bounded queue between two threads: the only place where one waits for the other.
#pragma once

#include "protocol/base/time.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

namespace roamscope::capture {

template <class T>
class Mailbox {
public:
    explicit Mailbox(std::size_t capacity) : capacity_(capacity) {}

    /// Waits while the box is full. False when it is closed: the item is not taken.
    bool push(T item)
    {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] { return closed_ || items_.size() < capacity_; });
        if (closed_) return false;
        items_.push_back(std::move(item));
        filled_.notify_one();
        return true;
    }
    /// Waits at most `wait` for an item. None: nothing came, or the box is closed and empty (see finished()).
    std::optional<T> pop(Duration wait)
    {
        std::unique_lock lock(mutex_);
        filled_.wait_for(lock, wait, [&] { return closed_ || !items_.empty(); });
        if (items_.empty()) return std::nullopt;
        T item = std::move(items_.front());
        items_.pop_front();
        room_.notify_one();
        return item;
    }
    /// No more items are taken; what is inside can still be popped.
    void close()
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        filled_.notify_all();
        room_.notify_all();
    }
    [[nodiscard]] bool finished() const
    {
        const std::lock_guard lock(mutex_);
        return closed_ && items_.empty();
    }

private:
    const std::size_t capacity_;
    mutable std::mutex mutex_;
    std::condition_variable filled_;
    std::condition_variable room_;
    std::deque<T> items_;
    bool closed_ = false;
};

}  // namespace roamscope::capture
