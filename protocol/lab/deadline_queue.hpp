// SPDX-License-Identifier: GPL-3.0-or-later
// Which of many has the earliest deadline: at most one deadline each, changed in logarithmic time, read at once. Among equal
// deadlines the one with the lowest number comes first. Copyable value.
#pragma once

#include "protocol/base/time.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace roamscope::lab {

class DeadlineQueue {
public:
    struct Due {
        TimePoint time{};
        std::size_t index = 0;
    };

    /// For numbers below `count`; nobody has a deadline yet.
    void resize(std::size_t count) { places_.resize(count, none); }

    void set(std::size_t index, std::optional<TimePoint> deadline)
    {
        const std::uint32_t place = places_[index];
        if (!deadline) {
            if (place != none) erase(place);
            return;
        }
        if (place == none) {
            heap_.push_back({*deadline, index});
            places_[index] = static_cast<std::uint32_t>(heap_.size() - 1);
            rise(heap_.size() - 1);
        } else if (heap_[place].time != *deadline) {
            heap_[place].time = *deadline;
            sink(rise(place));
        }
    }

    /// Null when nobody has one.
    [[nodiscard]] const Due* first() const { return heap_.empty() ? nullptr : heap_.data(); }

private:
    static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

    static bool before(const Due& a, const Due& b) { return a.time != b.time ? a.time < b.time : a.index < b.index; }

    void put(std::size_t place, const Due& due)
    {
        heap_[place] = due;
        places_[due.index] = static_cast<std::uint32_t>(place);
    }

    std::size_t rise(std::size_t place)
    {
        const Due due = heap_[place];
        while (place > 0 && before(due, heap_[(place - 1) / 2])) {
            put(place, heap_[(place - 1) / 2]);
            place = (place - 1) / 2;
        }
        put(place, due);
        return place;
    }

    void sink(std::size_t place)
    {
        const Due due = heap_[place];
        for (;;) {
            std::size_t child = 2 * place + 1;
            if (child >= heap_.size()) break;
            if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) ++child;
            if (!before(heap_[child], due)) break;
            put(place, heap_[child]);
            place = child;
        }
        put(place, due);
    }

    void erase(std::size_t place)
    {
        places_[heap_[place].index] = none;
        const Due last = heap_.back();
        heap_.pop_back();
        if (place == heap_.size()) return;
        put(place, last);
        sink(rise(place));
    }

    std::vector<Due> heap_;
    std::vector<std::uint32_t> places_;  ///< in the heap
};

}  // namespace roamscope::lab
