// SPDX-License-Identifier: GPL-3.0-or-later
// A map from addresses to values that contain their address: found in constant time, few octets beside the value, pointers to
// values hold until they are erased. Iteration goes by place, which is the order of insertion as long as nothing was erased: the
// same for the same history. Copyable.
#pragma once

#include "protocol/base/address.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace roamscope {

/// `key` points to the member of Value that is its address; nobody may change that while the value is in the map.
template <class Value, Ipv6Address Value::*key>
class PoolMap {
public:
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }

    [[nodiscard]] Value* find(const Ipv6Address& address)
    {
        const std::uint32_t place = index_.empty() ? none : index_[probe(address)];
        return place == none ? nullptr : &at(place);
    }
    [[nodiscard]] const Value* find(const Ipv6Address& address) const { return const_cast<PoolMap*>(this)->find(address); }
    [[nodiscard]] bool contains(const Ipv6Address& address) const { return find(address) != nullptr; }

    /// Takes the place of the one with that address, if there is one.
    Value& put(Value value)
    {
        if (Value* present = find(value.*key)) return *present = std::move(value);
        if (4 * (size_ + 1) > 3 * index_.size()) rehash(std::max<std::size_t>(8, 2 * index_.size()));
        if (free_ == none) grow();
        const std::uint32_t place = free_;
        free_ = next(place);
        used_[place] = true;
        Value& out = at(place) = std::move(value);
        index_[probe(out.*key)] = place;
        ++size_;
        return out;
    }

    /// The value may be the map's own; it ends here. False when there is none.
    bool erase(const Ipv6Address& address)
    {
        if (index_.empty()) return false;
        std::size_t hole = probe(address);
        const std::uint32_t place = index_[hole];
        if (place == none) return false;
        // What would have stood in the hole moves back, so that no search ends too early.
        for (std::size_t i = step(hole); index_[i] != none; i = step(i)) {
            const std::size_t wanted = home(at(index_[i]).*key);
            if (((i - wanted) & mask()) < ((i - hole) & mask())) continue;
            index_[hole] = index_[i];
            hole = i;
        }
        index_[hole] = none;
        at(place) = Value{};
        used_[place] = false;
        setNext(place, free_);
        free_ = place;
        --size_;
        return true;
    }

    template <bool isConst>
    class Iterator {
        using Map = std::conditional_t<isConst, const PoolMap, PoolMap>;

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
    static constexpr std::uint32_t none = 0xffffffff;
    static constexpr std::size_t chunk = 32;

    [[nodiscard]] Value& at(std::uint32_t place) { return chunks_[place / chunk][place % chunk]; }
    [[nodiscard]] const Value& at(std::uint32_t place) const { return chunks_[place / chunk][place % chunk]; }
    [[nodiscard]] std::size_t mask() const { return index_.size() - 1; }
    [[nodiscard]] std::size_t step(std::size_t i) const { return (i + 1) & mask(); }

    /// Where the search for an address begins.
    [[nodiscard]] std::size_t home(const Ipv6Address& address) const
    {
        std::uint64_t high = 0;
        std::uint64_t low = 0;
        std::memcpy(&high, address.octets.data(), 8);
        std::memcpy(&low, address.octets.data() + 8, 8);
        std::uint64_t z = high * 0x9e3779b97f4a7c15u ^ low;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return static_cast<std::size_t>(z ^ (z >> 31)) & mask();
    }
    /// The place in the index where the address stands or would stand.
    [[nodiscard]] std::size_t probe(const Ipv6Address& address) const
    {
        std::size_t i = home(address);
        while (index_[i] != none && at(index_[i]).*key != address) i = step(i);
        return i;
    }
    void rehash(std::size_t places)
    {
        index_.assign(places, none);
        for (std::uint32_t place = 0; place < used_.size(); ++place)
            if (used_[place]) index_[probe(at(place).*key)] = place;
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
    std::vector<std::uint32_t> index_;        ///< places, in the order of their hashes; a power of two, at most three quarters full
    std::uint32_t free_ = none;
    std::size_t size_ = 0;
};

}  // namespace roamscope
