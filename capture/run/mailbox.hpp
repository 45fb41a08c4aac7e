// SPDX-License-Identifier: GPL-3.0-or-later
// How threads hand things to each other: Mailbox, a bounded queue, and Latest, a slot for the newest of something. The only
// places with locks.
#pragma once

#include "protocol/base/time.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace roamscope::capture {

/// What push() does when the mailbox is full: wait for room (a virtual run, whose clock is ours) or drop and count (live).
enum class WhenFull : std::uint8_t { Wait, Drop };

/// A bounded queue between threads; any number may push and take.
template <class T>
class Mailbox {
public:
    Mailbox(std::size_t capacity, WhenFull whenFull) : capacity_(capacity), whenFull_(whenFull) {}

    /// False when the item was dropped, because the mailbox is full or closed.
    bool push(T item)
    {
        {
            std::unique_lock lock(mutex_);
            if (whenFull_ == WhenFull::Wait) room_.wait(lock, [&] { return items_.size() < capacity_ || closed_; });
            if (closed_ || items_.size() >= capacity_) {
                dropped_ += !closed_;
                return false;
            }
            items_.push_back(std::move(item));
        }
        filled_.notify_one();
        return true;
    }

    /// Everything that is there, after waiting at most `wait` for the first item. Empty: time ran out, or closed and empty.
    std::deque<T> take(Duration wait)
    {
        std::deque<T> out;
        {
            std::unique_lock lock(mutex_);
            filled_.wait_for(lock, wait, [&] { return !items_.empty() || closed_; });
            out.swap(items_);
        }
        room_.notify_all();
        return out;
    }

    /// Nothing more goes in; what is there can still be taken. Wakes everybody who waits.
    void close()
    {
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
        }
        filled_.notify_all();
        room_.notify_all();
    }

    [[nodiscard]] bool finished() const  ///< closed, and everything was taken
    {
        const std::lock_guard lock(mutex_);
        return closed_ && items_.empty();
    }
    [[nodiscard]] std::uint64_t dropped() const
    {
        const std::lock_guard lock(mutex_);
        return dropped_;
    }

private:
    const std::size_t capacity_;
    const WhenFull whenFull_;
    mutable std::mutex mutex_;
    std::condition_variable filled_;
    std::condition_variable room_;
    std::deque<T> items_;
    std::uint64_t dropped_ = 0;
    bool closed_ = false;
};

/// The newest of something that one thread makes and others look at.
template <class T>
class Latest {
public:
    explicit Latest(T first) : value_(std::move(first)) {}
    void set(T value)
    {
        const std::lock_guard lock(mutex_);
        std::swap(value_, value);
    }
    [[nodiscard]] T get() const
    {
        const std::lock_guard lock(mutex_);
        return value_;
    }

private:
    mutable std::mutex mutex_;
    T value_;
};

}  // namespace roamscope::capture
