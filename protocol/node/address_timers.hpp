// SPDX-License-Identifier: GPL-3.0-or-later
// When something is due for one of many addresses. Whoever owns the addresses knows which instants still hold: those that do not are
// left where they are until they come first, so that setting one anew costs no search. Among equal instants the one that was set
// first comes first. Copyable value.
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/near.hpp"
#include "protocol/base/time.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace roamscope::node {

class AddressTimers {
public:
    void set(const Ipv6Address& address, TimePoint when)
    {
        heap_.push_back({when, ++serial_, address});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }
    /// The first instant that holds, after drop(); TimePoint::max() when there is none.
    [[nodiscard]] TimePoint first() const { return heap_.empty() ? TimePoint::max() : heap_.front().when; }
    /// The same; none when there is none.
    [[nodiscard]] std::optional<TimePoint> next() const { return heap_.empty() ? std::nullopt : std::optional(first()); }
    /// Forgets what comes first as long as `holds(address, when)` is false for it. To be called whenever an instant ends to hold.
    template <class Holds>
    void drop(Holds holds)
    {
        while (!heap_.empty() && !holds(heap_.front().address, heap_.front().when)) pop();
        // Whoever puts off the same instant again and again does not fill the memory.
        if (heap_.size() <= 2 * held_ + slack) return;
        std::erase_if(heap_, [&](const Entry& e) { return !holds(e.address, e.when); });
        std::make_heap(heap_.begin(), heap_.end(), later);
        held_ = heap_.size();
    }
    /// Has what first() and drop() look at come into the caches.
    void bringNear() const { roamscope::bringNear(heap_.data(), 1); }
    /// How many are kept, those that do not hold any more among them: at most twice as many as hold, and a few.
    [[nodiscard]] std::size_t size() const { return heap_.size(); }
    /// Takes out what is due at `now` and holds, in the order of time; an address whose instant was set twice comes twice.
    template <class Holds>
    [[nodiscard]] std::vector<Ipv6Address> takeDue(TimePoint now, Holds holds)
    {
        std::vector<Ipv6Address> due;
        for (; !heap_.empty() && first() <= now; pop())
            if (holds(heap_.front().address, first())) due.push_back(heap_.front().address);
        drop(holds);
        return due;
    }

private:
    struct Entry {
        TimePoint when{};
        std::uint64_t serial = 0;
        Ipv6Address address;
    };

    static bool later(const Entry& a, const Entry& b) { return a.when != b.when ? a.when > b.when : a.serial > b.serial; }
    void pop()
    {
        std::pop_heap(heap_.begin(), heap_.end(), later);
        heap_.pop_back();
    }

    static constexpr std::size_t slack = 64;

    std::vector<Entry> heap_;
    std::size_t held_ = 0;  ///< when all were looked at last
    std::uint64_t serial_ = 0;
};

}  // namespace roamscope::node
