// SPDX-License-Identifier: GPL-3.0-or-later
// The addresses of an interface: few of a node's own, and as many as it has mobile nodes that a home agent or MAP holds for them.
#pragma once

#include "protocol/base/time.hpp"
#include "protocol/node/address_index.hpp"
#include "protocol/node/address_timers.hpp"

#include <utility>
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

/// Values with an address each. Few are found by looking at all, which is fast and costs no memory beside them; more by hash.
template <class T>
class AddressList {
public:
    /// `item` is not there yet. References to others end.
    T& add(T item)
    {
        list_.push_back(std::move(item));
        if (!places_.empty()) index(list_.size() - 1);
        else if (list_.size() > few) index(0);
        return list_.back();
    }
    [[nodiscard]] const T* find(const Ipv6Address& address) const
    {
        // Most questions are about the first few.
        for (std::size_t i = 0; i < list_.size() && i < looks; ++i)
            if (list_[i].address == address) return &list_[i];
        if (!places_.empty()) {
            const std::uint32_t place = places_.find(address, keyOf());
            return place == AddressIndex::none ? nullptr : &list_[place];
        }
        for (std::size_t i = looks; i < list_.size(); ++i)
            if (list_[i].address == address) return &list_[i];
        return nullptr;
    }
    [[nodiscard]] T* find(const Ipv6Address& address) { return const_cast<T*>(std::as_const(*this).find(address)); }
    /// Takes out `item`, which is in the list: the last one takes its place, or with `inOrder` all behind it move up.
    void remove(const T& item, bool inOrder)
    {
        const auto at = static_cast<std::size_t>(&item - list_.data());
        const bool indexed = !places_.empty();
        if (inOrder) {
            // Those behind it get other places; an address is looked for where it stands, so all go before any comes back.
            for (std::size_t i = at; indexed && i < list_.size(); ++i) places_.erase(list_[i].address, keyOf());
            list_.erase(list_.begin() + static_cast<std::ptrdiff_t>(at));
            if (indexed) index(at);
            return;
        }
        places_.erase(item.address, keyOf());
        if (at + 1 < list_.size()) {
            if (indexed) places_.set(list_.back().address, static_cast<std::uint32_t>(at), keyOf());
            list_[at] = std::move(list_.back());
        }
        list_.pop_back();
    }
    void bringNear(const Ipv6Address& address) const { places_.bringNear(address); }
    /// The same for the first ones themselves.
    void bringNear() const { roamscope::bringNear(list_.data(), std::min(list_.size(), few) * sizeof(T)); }
    void clear()
    {
        list_.clear();
        places_ = {};
    }
    [[nodiscard]] const std::vector<T>& list() const { return list_; }
    [[nodiscard]] auto begin() { return list_.begin(); }
    [[nodiscard]] auto end() { return list_.end(); }
    [[nodiscard]] auto begin() const { return list_.begin(); }
    [[nodiscard]] auto end() const { return list_.end(); }

private:
    static constexpr std::size_t looks = 4;
    static constexpr std::size_t few = 16;

    [[nodiscard]] auto keyOf() const
    {
        return [this](std::uint32_t place) -> const Ipv6Address& { return list_[place].address; };
    }
    void index(std::size_t from)
    {
        for (std::size_t i = from; i < list_.size(); ++i) places_.set(list_[i].address, static_cast<std::uint32_t>(i), keyOf());
    }

    std::vector<T> list_;
    AddressIndex places_;  ///< empty while there are few
};

class AddressTable {
    /// Whether a timer of ours still says what is so.
    [[nodiscard]] auto holds() const
    {
        return [this](const Ipv6Address& address, TimePoint when) {
            const InterfaceAddress* held = find(address);
            return held && held->state != AddressState::Preferred && held->nextProbe == when;
        };
    }

public:
    /// `address` is not there yet. References to others end.
    InterfaceAddress& add(const InterfaceAddress& address)
    {
        InterfaceAddress& added = addresses_.add(address);
        if (added.state != AddressState::Preferred) probeAt(added, added.nextProbe);
        return added;
    }
    /// False when it was not there. The node's own addresses keep their order, which source address selection follows.
    bool remove(const Ipv6Address& address)
    {
        const InterfaceAddress* found = addresses_.find(address);
        if (!found) return false;
        addresses_.remove(*found, !found->proxy || !list().back().proxy);
        probes_.drop(holds());
        return true;
    }
    [[nodiscard]] const InterfaceAddress* find(const Ipv6Address& address) const { return addresses_.find(address); }
    [[nodiscard]] InterfaceAddress* find(const Ipv6Address& address) { return addresses_.find(address); }
    void bringNear(const Ipv6Address& address) const { addresses_.bringNear(address); }
    /// Has what the owner will look at come into the caches (near.hpp).
    void bringNear() const
    {
        addresses_.bringNear();
        probes_.bringNear();
    }
    [[nodiscard]] const std::vector<InterfaceAddress>& list() const { return addresses_.list(); }
    /// Sets when the next step of the detection of `address`, which is here and not preferred, is due.
    void probeAt(InterfaceAddress& address, TimePoint when)
    {
        address.nextProbe = when;
        probes_.set(address.address, when);
        probes_.drop(holds());
    }
    [[nodiscard]] TimePoint nextProbe() const { return probes_.first(); }
    /// Addresses whose next step is due; it is to be done at once, with probeAt() or setPreferred() (or the address is removed).
    [[nodiscard]] std::vector<Ipv6Address> takeDue(TimePoint now) { return probes_.takeDue(now, holds()); }
    void setPreferred(InterfaceAddress& address)
    {
        address.state = AddressState::Preferred;
        probes_.drop(holds());
    }
    [[nodiscard]] auto begin() const { return addresses_.begin(); }
    [[nodiscard]] auto end() const { return addresses_.end(); }

private:
    AddressList<InterfaceAddress> addresses_;
    AddressTimers probes_;
};

}  // namespace roamscope::node
