// SPDX-License-Identifier: GPL-3.0-or-later
// Neighbours of one interface: address resolution and unreachability detection (RFC 4861 §7.2, §7.3). The cache decides,
// its owner (IpStack) sends.
#pragma once

#include "protocol/node/address_table.hpp"
#include "protocol/node/output.hpp"
#include "protocol/wire/icmpv6.hpp"
#include "protocol/wire/ipv6.hpp"

#include <map>

namespace roamscope::node {

class NeighborCache {
public:
    enum class State : std::uint8_t { Incomplete, Reachable, Stale, Delay, Probe };

    /// RFC 4861 §10.
    static constexpr Duration retransTimer = 1s;
    static constexpr Duration delayFirstProbe = 5s;
    static constexpr int maxSolicitations = 3;
    /// Packets that wait for a link-layer address; more push the oldest out (RFC 4861 §7.2.2 asks for at least one).
    static constexpr std::size_t maxQueue = 3;
    /// Neighbours that are remembered: anybody on the link can name as many as he likes (RFC 6583 §6.2). For one more, one that is
    /// not known to be reachable gives way.
    static constexpr std::size_t maxEntries = 32'768;

    /// `reachableTime` is the randomised value of RFC 4861 §6.3.2; solicitations are `interval` apart.
    explicit NeighborCache(Duration reachableTime, Duration interval = retransTimer) : reachableTime_(reachableTime), retransTimer_(interval) {}
    void setRetransTimer(Duration value) { retransTimer_ = value; }
    /// Of what is confirmed from now on.
    void setReachableTime(Duration value) { reachableTime_ = value; }

    /// What the owner has to send.
    struct Actions {
        struct Solicit {
            Ipv6Address target;
            std::optional<Mac> unicast;  ///< none: to the solicited-node group
            Ipv6Address preferredSource; ///< source of the packet that waits; unspecified when none does
        };
        struct Transmit {
            Mac to;
            wire::Ipv6Packet packet;
        };
        std::vector<Solicit> solicit;
        std::vector<Transmit> transmit;
        std::vector<wire::Ipv6Packet> unreachable;  ///< answer their sources with an error (RFC 4861 §7.2.2)
        std::vector<Ipv6Address> lost;              ///< neighbours that stopped answering
        std::vector<Ipv6Address> confirmed;         ///< neighbours that answered a probe()
        std::vector<Ipv6Address> resigned;          ///< routers that say that they are none any more (RFC 4861 §7.2.5)
        std::vector<Ipv6Address> changed;           ///< neighbours whose state or link-layer address changed
    };

    /// A packet for `nextHop`: transmitted now, or queued until its address is known.
    void send(TimePoint now, const Ipv6Address& nextHop, wire::Ipv6Packet packet, Actions& actions);
    /// Where packets for `nextHop` go when it is known and a packet would change nothing; null: send() must see to it.
    [[nodiscard]] const Mac* ready(TimePoint now, const Ipv6Address& nextHop) const
    {
        if (const Mac* mac = pinned(nextHop)) return mac;
        const Entry* entry = entries_.find(nextHop);
        if (!entry) return nullptr;
        const bool known = entry->state == State::Delay || entry->state == State::Probe || (entry->state == State::Reachable && now < entry->deadline);
        return known ? &entry->mac : nullptr;
    }
    /// The link-layer address of a neighbour that does no neighbour discovery is told otherwise and holds until it is taken back
    /// (MCOA-HA-16).
    void pin(const Ipv6Address& address, const Mac& mac) { pinned_[address] = mac; }
    void unpin(const Ipv6Address& address) { pinned_.erase(address); }
    /// Asks `address` now whether it is there, whatever is known of it: three solicitations, to its link-layer address when that is
    /// known. It ends in `confirmed` or `lost`.
    void probe(TimePoint now, const Ipv6Address& address, Actions& actions);
    /// A source link-layer address option (RFC 4861 §7.2.3, §6.2.6, §6.3.4); `router` is set when it came with an RA.
    void learn(TimePoint now, const Ipv6Address& address, const Mac& mac, bool router, Actions& actions);
    /// A valid neighbour advertisement (RFC 4861 §7.2.5).
    void advertised(TimePoint now, const wire::NeighborAdvertisement& na, Actions& actions);
    void advance(TimePoint now, Actions& actions);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const { return timers_.next(); }
    /// Has what the owner will look at come into the caches (near.hpp).
    void bringNear() const
    {
        entries_.bringNear();
        timers_.bringNear();
    }
    /// Forgets everybody: the link went down.
    void clear()
    {
        entries_.clear();
        timers_ = {};
    }

    struct Entry {
        Ipv6Address address;
        TimePoint deadline{};  ///< end of the state; of Reachable: lazily
        State state = State::Incomplete;
        Mac mac{};
        bool router = false;
        bool asked = false;    ///< by probe(), and has not answered yet
        std::uint8_t solicitations = 0;
        std::vector<wire::Ipv6Packet> queue{};
    };
    /// In no order.
    [[nodiscard]] const std::vector<Entry>& entries() const { return entries_.list(); }
    [[nodiscard]] const Entry* find(const Ipv6Address& address) const { return entries_.find(address); }

private:
    /// The entry of `address`, made if need be; true when it was.
    std::pair<Entry*, bool> entryOf(const Ipv6Address& address, Actions& actions);
    /// Has one that is not needed go for the newcomer.
    void giveWay(const Ipv6Address& newcomer, Actions& actions);
    /// The entry is not there any more afterwards.
    void lose(Entry& entry, Actions& actions);
    void delay(TimePoint now, Entry& entry);
    void flush(TimePoint now, Entry& entry, Actions& actions);
    void reachable(TimePoint now, Entry& entry, Actions& actions);
    [[nodiscard]] static bool waits(const Entry& entry) { return entry.state == State::Incomplete || entry.state == State::Delay || entry.state == State::Probe; }
    /// To be called when the state or the deadline of an entry has changed.
    void arm(const Entry& entry);
    /// Whether a timer of ours still says what is so.
    [[nodiscard]] auto holds() const
    {
        return [this](const Ipv6Address& address, TimePoint when) {
            const Entry* entry = find(address);
            return entry && waits(*entry) && entry->deadline == when;
        };
    }

    [[nodiscard]] const Mac* pinned(const Ipv6Address& address) const
    {
        if (pinned_.empty()) return nullptr;
        const auto it = pinned_.find(address);
        return it == pinned_.end() ? nullptr : &it->second;
    }

    Duration reachableTime_;
    Duration retransTimer_;
    std::map<Ipv6Address, Mac> pinned_;
    AddressList<Entry> entries_;
    AddressTimers timers_;  ///< of those that wait
};

[[nodiscard]] std::string_view stateName(NeighborCache::State state);

}  // namespace roamscope::node
