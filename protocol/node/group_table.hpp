// SPDX-License-Identifier: GPL-3.0-or-later
// The multicast groups that an interface has joined, with their listener reports that are still to come. A home agent is in one
// solicited-node group for every few addresses that it holds, so they are found by hash. Copyable value.
#pragma once

#include "protocol/node/address_table.hpp"
#include "protocol/node/address_timers.hpp"

#include <algorithm>
#include <cstring>
#include <unordered_map>

namespace roamscope::node {

struct Group {
    Ipv6Address address;
    std::uint32_t macEnd = 0;  ///< last four octets of its link-layer address
    int users = 1;         ///< addresses, and mobile nodes, that want it
    bool relayed = false;  ///< of mobile nodes only: not for this node itself
    bool reports = false;  ///< a report is still to come, at `nextReport`
    TimePoint nextReport{};
};

class GroupTable {
    /// Whether a timer of ours still says what is so.
    [[nodiscard]] auto holds() const
    {
        return [this](const Ipv6Address& address, TimePoint when) {
            const Group* group = find(address);
            return group && group->reports && group->nextReport == when;
        };
    }

public:
    /// One more user of the group; true when it is the first.
    bool join(const Ipv6Address& address)
    {
        if (Group* present = groups_.find(address)) {
            ++present->users;
            return false;
        }
        const Group& added = groups_.add({address, endOf(multicastMac(address))});
        filter_ |= bitsOf(added.macEnd);
        if (!macs_.empty()) ++macs_[added.macEnd];
        else if (groups_.list().size() > few)
            for (const Group& group : groups_) ++macs_[group.macEnd];
        return true;
    }
    /// One user fewer; true when it was the last. The order of the groups changes.
    bool leave(const Ipv6Address& address)
    {
        Group* group = groups_.find(address);
        if (!group || --group->users > 0) return false;
        const std::uint32_t macEnd = group->macEnd;
        groups_.remove(*group, false);
        reports_.drop(holds());
        if (const auto mac = macs_.find(macEnd); mac != macs_.end() && --mac->second == 0) macs_.erase(mac);
        // With many groups nearly all bits are set anyway.
        if (groups_.list().size() > few) return true;
        filter_ = broadcast_ ? filterBits(broadcast) : 0;
        for (const Group& left : groups_) filter_ |= bitsOf(left.macEnd);
        return true;
    }
    /// A few bits for each multicast link-layer address, all of them in the filter() of who may hear it.
    [[nodiscard]] static std::uint64_t filterBits(const Mac& mac) { return bitsOf(endOf(mac)); }
    /// Who has not all bits of an address does not hear it: asked before hears() by those who have thousands to ask.
    [[nodiscard]] std::uint64_t filter() const { return filter_; }
    /// Has what the owner will look at come into the caches (near.hpp).
    void bringNear() const
    {
        groups_.bringNear();
        reports_.bringNear();
    }
    [[nodiscard]] Group* find(const Ipv6Address& address) { return groups_.find(address); }
    [[nodiscard]] const Group* find(const Ipv6Address& address) const { return groups_.find(address); }
    /// Whether frames to this link-layer address are for one of the groups.
    [[nodiscard]] bool hears(const Mac& mac) const
    {
        if (mac.octets[0] != 0x33 || mac.octets[1] != 0x33) return broadcast_ && mac == broadcast;
        const std::uint32_t end = endOf(mac);
        if (!macs_.empty()) return macs_.contains(end);
        return std::any_of(groups_.begin(), groups_.end(), [&](const Group& group) { return group.macEnd == end; });
    }

    /// Takes frames to everybody, too, as ARP sends them.
    void hearBroadcast()
    {
        broadcast_ = true;
        filter_ |= filterBits(broadcast);
    }

    /// Sees to it that the group is reported at `when`, and not before.
    void report(Group& group, TimePoint when)
    {
        if (group.reports && group.nextReport == when) return;
        group.reports = true;
        group.nextReport = when;
        reports_.set(group.address, when);
        reports_.drop(holds());
    }
    [[nodiscard]] TimePoint nextReport() const { return reports_.first(); }
    /// Groups whose report is due, which is then no more to come.
    [[nodiscard]] std::vector<Ipv6Address> takeDue(TimePoint now)
    {
        std::vector<Ipv6Address> due = reports_.takeDue(now, holds());
        std::erase_if(due, [&](const Ipv6Address& address) { return !std::exchange(find(address)->reports, false); });
        return due;
    }

    [[nodiscard]] auto begin() { return groups_.begin(); }
    [[nodiscard]] auto end() { return groups_.end(); }
    [[nodiscard]] auto begin() const { return groups_.begin(); }
    [[nodiscard]] auto end() const { return groups_.end(); }

private:
    static constexpr std::size_t few = 16;
    static constexpr Mac broadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

    [[nodiscard]] static std::uint32_t endOf(const Mac& mac)
    {
        std::uint32_t key = 0;
        std::memcpy(&key, mac.octets.data() + 2, sizeof key);
        return key;
    }

    [[nodiscard]] static std::uint64_t bitsOf(std::uint32_t macEnd)
    {
        const std::uint32_t mixed = macEnd * 0x9e3779b1u;
        return std::uint64_t{1} << (mixed >> 26) | std::uint64_t{1} << (mixed >> 20 & 63) | std::uint64_t{1} << (mixed >> 14 & 63);
    }

    AddressList<Group> groups_;
    std::uint64_t filter_ = 0;
    bool broadcast_ = false;
    std::unordered_map<std::uint32_t, std::size_t> macs_;  ///< how many groups share the last four octets; empty while there are few
    AddressTimers reports_;
};

}  // namespace roamscope::node
