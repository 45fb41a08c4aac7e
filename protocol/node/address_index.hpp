// SPDX-License-Identifier: GPL-3.0-or-later
// Finds the place of a value by the address that it contains, in constant time and mostly with two reads of memory: what a home
// agent with thousands of bindings spends its time on. The values stand elsewhere, numbered; who holds them says by `keyOf(place)`
// which key stands in a place. One thread. Copyable.
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/near.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace roamscope::node {

struct AddressHash {
    std::size_t operator()(const Ipv6Address& a) const
    {
        std::uint64_t high = 0, low = 0;
        std::memcpy(&high, a.octets.data(), sizeof high);
        std::memcpy(&low, a.octets.data() + sizeof high, sizeof low);
        return mixed(high * 0x9e3779b97f4a7c15u ^ low);
    }
    std::size_t operator()(const Mac& mac) const
    {
        std::uint64_t x = 0;
        std::memcpy(&x, mac.octets.data(), mac.octets.size());
        return mixed(x);
    }

private:
    static std::size_t mixed(std::uint64_t x)
    {
        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
        x = (x ^ x >> 27) * 0x94d049bb133111ebu;
        return static_cast<std::size_t>(x ^ x >> 31);
    }
};

/// `Key`: Ipv6Address or Mac.
template <class Key>
class PlaceIndex {
public:
    static constexpr std::uint32_t none = 0xffffffff;

    [[nodiscard]] bool empty() const { return size_ == 0; }
    /// The place of `key`, or `none`.
    template <class KeyOf>
    [[nodiscard]] std::uint32_t find(const Key& key, const KeyOf& keyOf) const
    {
        return slots_.empty() ? none : slots_[probe(key, keyOf)].place;
    }
    /// Has what find() looks at first come into the caches.
    void bringNear(const Key& key) const
    {
        if (!slots_.empty()) roamscope::bringNear(&slots_[tag(AddressHash{}(key)) & mask()], sizeof(Slot));
    }
    /// `key` stands in `place` from now on, whether it was there or not.
    template <class KeyOf>
    void set(const Key& key, std::uint32_t place, const KeyOf& keyOf)
    {
        if (4 * (size_ + 1) > 3 * slots_.size()) grow();
        Slot& slot = slots_[probe(key, keyOf)];
        size_ += slot.place == none ? 1 : 0;
        slot = {place, tag(AddressHash{}(key))};
    }
    /// The value must still stand in its place. Nothing when the key is not here.
    template <class KeyOf>
    void erase(const Key& key, const KeyOf& keyOf)
    {
        if (slots_.empty()) return;
        std::size_t hole = probe(key, keyOf);
        if (slots_[hole].place == none) return;
        // What would have stood in the hole moves back, so that no search ends too early.
        for (std::size_t i = step(hole); slots_[i].place != none; i = step(i)) {
            const std::size_t wanted = slots_[i].tag & mask();
            if (((i - wanted) & mask()) < ((i - hole) & mask())) continue;
            slots_[hole] = slots_[i];
            hole = i;
        }
        slots_[hole] = {};
        --size_;
    }

private:
    /// The tag is the lower half of the hash: it tells nearly all others without a look at their values, and where they belong.
    struct Slot {
        std::uint32_t place = none;
        std::uint32_t tag = 0;
    };

    static std::uint32_t tag(std::size_t hash) { return static_cast<std::uint32_t>(hash); }
    [[nodiscard]] std::size_t mask() const { return slots_.size() - 1; }
    [[nodiscard]] std::size_t step(std::size_t i) const { return (i + 1) & mask(); }
    /// Where the key stands or would stand.
    template <class KeyOf>
    [[nodiscard]] std::size_t probe(const Key& key, const KeyOf& keyOf) const
    {
        const std::uint32_t wanted = tag(AddressHash{}(key));
        std::size_t i = wanted & mask();
        while (slots_[i].place != none && (slots_[i].tag != wanted || keyOf(slots_[i].place) != key)) i = step(i);
        return i;
    }
    void grow()
    {
        const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(std::max<std::size_t>(8, 2 * slots_.size())));
        for (const Slot& slot : old) {
            if (slot.place == none) continue;
            std::size_t i = slot.tag & mask();
            while (slots_[i].place != none) i = step(i);
            slots_[i] = slot;
        }
    }

    std::vector<Slot> slots_;  ///< a power of two, at most three quarters full
    std::size_t size_ = 0;
};

using AddressIndex = PlaceIndex<Ipv6Address>;

}  // namespace roamscope::node
