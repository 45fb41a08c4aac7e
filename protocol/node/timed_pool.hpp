// SPDX-License-Identifier: GPL-3.0-or-later
// Values that are found by an address which they contain, each with at most one timer: found in constant time, the earliest timer
// at once, few octets beside the value. Pointers to values hold until they are erased. Iteration goes by place, which is the order
// of insertion as long as nothing was erased: the same for the same history. Copyable.
#pragma once

#include "protocol/base/time.hpp"
#include "protocol/node/address_index.hpp"

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

namespace roamscope::node {

/// `key` points to the member of Value that is its address, which nobody may change while the value is here, `due` to the instant of
/// its timer, and `timer` to a number that is ours.
template <class Value, Ipv6Address Value::*key, TimePoint Value::*due, std::uint32_t Value::*timer>
class TimedPool {
public:
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }

    [[nodiscard]] Value* find(const Ipv6Address& address)
    {
        const std::uint32_t place = index_.find(address, keyOf());
        return place == none ? nullptr : &at(place);
    }
    [[nodiscard]] const Value* find(const Ipv6Address& address) const { return const_cast<TimedPool*>(this)->find(address); }
    void bringNear(const Ipv6Address& address) const { index_.bringNear(address); }
    [[nodiscard]] bool contains(const Ipv6Address& address) const { return find(address) != nullptr; }

    /// Takes the place of the one with that address, if there is one. The timer is off then.
    Value& put(Value value)
    {
        value.*timer = none;
        if (Value* present = find(value.*key)) {
            disarm(*present);
            return *present = std::move(value);
        }
        if (free_ == none) grow();
        const std::uint32_t place = free_;
        free_ = next(place);
        used_[place] = true;
        Value& out = at(place) = std::move(value);
        index_.set(out.*key, place, keyOf());
        ++size_;
        return out;
    }

    /// Sets the timer of a value of this pool to its `due`, or moves it there.
    void arm(Value& value)
    {
        if (value.*timer == none) {
            value.*timer = static_cast<std::uint32_t>(heap_.size());
            heap_.push_back(index_.find(value.*key, keyOf()));
            times_.push_back(value.*due);
        } else if (value.*timer != 0 && times_[value.*timer] <= value.*due) {
            return;  // most are only put off, again and again; it is seen when its time comes
        }
        times_[value.*timer] = value.*due;
        sink(rise(value.*timer));
        catchUp();
    }
    void disarm(Value& value)
    {
        const std::uint32_t hole = std::exchange(value.*timer, none);
        if (hole == none) return;
        const std::uint32_t place = heap_.back();
        const TimePoint time = times_.back();
        heap_.pop_back();
        times_.pop_back();
        if (hole != heap_.size()) {
            settle(hole, place, time);
            sink(rise(hole));
        }
        catchUp();
    }
    /// The value with the earliest timer; of equal ones the one in the lowest place. Null when no timer is set.
    [[nodiscard]] Value* first() { return heap_.empty() ? nullptr : &at(heap_.front()); }
    [[nodiscard]] const Value* first() const { return heap_.empty() ? nullptr : &at(heap_.front()); }

    /// `address` may be the value's own. False when there is none.
    bool erase(const Ipv6Address& address)
    {
        const std::uint32_t place = index_.find(address, keyOf());
        if (place == none) return false;
        disarm(at(place));
        index_.erase(address, keyOf());
        at(place) = Value{};
        used_[place] = false;
        setNext(place, free_);
        free_ = place;
        --size_;
        return true;
    }

    template <bool isConst>
    class Iterator {
        using Map = std::conditional_t<isConst, const TimedPool, TimedPool>;

    public:
        Iterator(Map& map, std::size_t place) : map_(&map), place_(place) { skip(); }
        auto& operator*() const { return map_->at(static_cast<std::uint32_t>(place_)); }
        auto* operator->() const { return &**this; }
        Iterator& operator++()
        {
            ++place_;
            skip();
            return *this;
        }
        bool operator==(const Iterator& o) const { return place_ == o.place_; }

    private:
        void skip()
        {
            while (place_ < map_->used_.size() && !map_->used_[place_]) ++place_;
        }
        Map* map_;
        std::size_t place_;
    };
    [[nodiscard]] auto begin() { return Iterator<false>(*this, 0); }
    [[nodiscard]] auto end() { return Iterator<false>(*this, used_.size()); }
    [[nodiscard]] auto begin() const { return Iterator<true>(*this, 0); }
    [[nodiscard]] auto end() const { return Iterator<true>(*this, used_.size()); }

private:
    static constexpr std::uint32_t none = AddressIndex::none;
    static constexpr std::size_t chunk = 32;

    [[nodiscard]] Value& at(std::uint32_t place) { return chunks_[place / chunk][place % chunk]; }
    [[nodiscard]] const Value& at(std::uint32_t place) const { return chunks_[place / chunk][place % chunk]; }
    [[nodiscard]] auto keyOf() const
    {
        return [this](std::uint32_t place) -> const Ipv6Address& { return at(place).*key; };
    }

    // ---- timers: a heap of places with times, none later than the `due` of its value, and the first one not earlier either
    [[nodiscard]] bool before(std::size_t a, std::uint32_t place, TimePoint time) const { return times_[a] != time ? times_[a] < time : heap_[a] < place; }
    void settle(std::size_t position, std::uint32_t place, TimePoint time)
    {
        heap_[position] = place;
        times_[position] = time;
        at(place).*timer = static_cast<std::uint32_t>(position);
    }
    std::size_t rise(std::size_t position)
    {
        const std::uint32_t place = heap_[position];
        const TimePoint time = times_[position];
        for (std::size_t above = (position - 1) / 2; position > 0 && !before(above, place, time); position = above, above = (position - 1) / 2)
            settle(position, heap_[above], times_[above]);
        settle(position, place, time);
        return position;
    }
    void sink(std::size_t position)
    {
        const std::uint32_t place = heap_[position];
        const TimePoint time = times_[position];
        for (std::size_t child = 2 * position + 1; child < heap_.size(); child = 2 * position + 1) {
            if (child + 1 < heap_.size() && before(child + 1, heap_[child], times_[child])) ++child;
            if (!before(child, place, time)) break;
            settle(position, heap_[child], times_[child]);
            position = child;
        }
        settle(position, place, time);
    }
    void catchUp()
    {
        while (!heap_.empty() && times_.front() != at(heap_.front()).*due) {
            times_.front() = at(heap_.front()).*due;
            sink(0);
        }
    }

    // A free place keeps the number of the next one in its address.
    [[nodiscard]] std::uint32_t next(std::uint32_t place) const
    {
        std::uint32_t out = none;
        std::memcpy(&out, (at(place).*key).octets.data(), sizeof out);
        return out;
    }
    void setNext(std::uint32_t place, std::uint32_t value) { std::memcpy((at(place).*key).octets.data(), &value, sizeof value); }
    void grow()
    {
        const auto first = static_cast<std::uint32_t>(used_.size());
        chunks_.emplace_back(chunk);
        used_.resize(used_.size() + chunk);
        for (std::uint32_t i = 0; i < chunk; ++i) setNext(first + i, i + 1 < chunk ? first + i + 1 : none);
        free_ = first;
    }

    std::vector<std::vector<Value>> chunks_;  ///< each of them full, so that values stay where they are
    std::vector<bool> used_;
    AddressIndex index_;
    std::vector<std::uint32_t> heap_;         ///< places of values whose timer is set
    std::vector<TimePoint> times_;            ///< beside them
    std::uint32_t free_ = none;
    std::size_t size_ = 0;
};

}  // namespace roamscope::node
