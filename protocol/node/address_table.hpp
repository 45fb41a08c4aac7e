// SPDX-License-Identifier: GPL-3.0-or-later
// The addresses of an interface: few of a node's own, and as many as it has mobile nodes that a home agent or MAP holds for them.
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/time.hpp"

#include <cstring>
#include <unordered_map>
#include <vector>

namespace roamscope::node {

enum class AddressState : std::uint8_t {
    Tentative,
    Optimistic,  ///< usable although detection still runs (RFC 4429, MN-DAD-03)
    Preferred,
};

struct InterfaceAddress {
    Ipv6Address address;
    std::uint8_t prefixLength = 64;
    bool proxy = false;  ///< held for a mobile node that is away: defended and intercepted, never our own (RFC 6275 §10.4.1)
    bool anycast = false;  ///< others have it, too: taken, never a source, not tested (RFC 4861 §7.2.7, RFC 4291 §2.6)
    AddressState state = AddressState::Tentative;
    int probesLeft = 0;        ///< of duplicate address detection
    TimePoint nextProbe{};     ///< next solicitation, or the end of the wait after the last one
};

struct AddressHash {
    std::size_t operator()(const Ipv6Address& a) const
    {
        std::uint64_t high = 0, low = 0;
        std::memcpy(&high, a.octets.data(), sizeof high);
        std::memcpy(&low, a.octets.data() + sizeof high, sizeof low);
        std::uint64_t x = high ^ low * 0x9e3779b97f4a7c15u;
        x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
        return static_cast<std::size_t>(x ^ x >> 32);
    }
};

class AddressTable {
public:
    /// `address` is not there yet. References to others end.
    InterfaceAddress& add(const InterfaceAddress& address)
    {
        places_[address.address] = list_.size();
        return list_.emplace_back(address);
    }
    /// False when it was not there. The node's own addresses keep their order, which source address selection follows.
    bool remove(const Ipv6Address& address)
    {
        const auto it = places_.find(address);
        if (it == places_.end()) return false;
        const std::size_t at = it->second;
        places_.erase(it);
        if (list_[at].proxy && list_.back().proxy) {
            if (at + 1 < list_.size()) list_[at] = list_.back();
            list_.pop_back();
            if (at < list_.size()) places_[list_[at].address] = at;
            return true;
        }
        list_.erase(list_.begin() + static_cast<std::ptrdiff_t>(at));
        for (std::size_t i = at; i < list_.size(); ++i) places_[list_[i].address] = i;
        return true;
    }
    [[nodiscard]] const InterfaceAddress* find(const Ipv6Address& address) const
    {
        // Most questions are about the first few.
        for (std::size_t i = 0; i < list_.size() && i < few; ++i)
            if (list_[i].address == address) return &list_[i];
        if (list_.size() <= few) return nullptr;
        const auto it = places_.find(address);
        return it == places_.end() ? nullptr : &list_[it->second];
    }
    [[nodiscard]] InterfaceAddress* find(const Ipv6Address& address) { return const_cast<InterfaceAddress*>(std::as_const(*this).find(address)); }
    [[nodiscard]] const std::vector<InterfaceAddress>& list() const { return list_; }
    [[nodiscard]] auto begin() { return list_.begin(); }
    [[nodiscard]] auto end() { return list_.end(); }
    [[nodiscard]] auto begin() const { return list_.begin(); }
    [[nodiscard]] auto end() const { return list_.end(); }

private:
    static constexpr std::size_t few = 4;
    std::vector<InterfaceAddress> list_;
    std::unordered_map<Ipv6Address, std::size_t, AddressHash> places_;
};

}  // namespace roamscope::node
