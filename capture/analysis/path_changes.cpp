// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/path_changes.hpp"

#include <algorithm>
#include <tuple>

namespace roamscope::analysis {

namespace {

using Intervals = std::vector<const BindingInterval*>;
using Group = std::tuple<Role, Ipv6Address, Ipv6Address>;  ///< owner and home address

Group groupOf(const BindingInterval& b) { return {b.owner, b.ownerAddress, b.homeAddress}; }

/// What ends and what begins at one instant.
struct Step {
    Intervals ended;
    Intervals begun;
};

/// An address that was left out of the update before the capture began may be any.
bool elsewhere(const BindingInterval& a, const BindingInterval& b)
{
    return a.careOfAddress != b.careOfAddress && !a.careOfAddress.isUnspecified() && !b.careOfAddress.isUnspecified();
}

class Reader {
public:
    Reader(const std::vector<IdentifierAnswer>& answers, const std::vector<Exchange>& exchanges, std::vector<PathChange>& out)
        : answers_(answers), exchanges_(exchanges), out_(out) {}

    void read(const Group& group, const std::map<TimePoint, Step>& steps)
    {
        for (const auto& [time, step] : steps) one(group, time, step, time == steps.begin()->first);
    }

private:
    /// The exchange whose answer named identifiers for `group` at `time`.
    std::optional<std::uint32_t> exchangeAt(const Group& group, TimePoint time) const
    {
        auto it = std::lower_bound(answers_.begin(), answers_.end(), time, [](const IdentifierAnswer& a, TimePoint t) { return a.time < t; });
        for (; it != answers_.end() && it->time == time; ++it) {
            const Exchange& e = exchanges_[it->exchange];
            if (Group{e.peer, e.peerAddress, e.homeAddress} == group) return it->exchange;
        }
        return std::nullopt;
    }

    void one(const Group& group, TimePoint time, const Step& step, bool first)
    {
        Intervals ended = step.ended;
        Intervals begun;
        for (const BindingInterval* b : step.begun)
            if (b->bid) begun.push_back(b);
        if (begun.empty() && step.begun.size() > 0) return;  // an update without identifiers: Episode tells
        const auto exchange = exchangeAt(group, time);
        if (first) {
            if (!begun.empty()) out_.push_back({HandoverKind::Initial, nullptr, begun.front(), time, exchange});
            return;
        }
        // The same identifier again, or the same address under an identifier that is new.
        const auto pair = [&](const auto& same) {
            for (const BindingInterval*& now : begun) {
                const auto old = std::find_if(ended.begin(), ended.end(), [&](const BindingInterval* b) { return same(*b, *now); });
                if (old == ended.end()) continue;
                if (elsewhere(**old, *now)) out_.push_back({HandoverKind::PathSwitched, *old, now, time, exchange});
                ended.erase(old);
                now = nullptr;
            }
            std::erase(begun, nullptr);
        };
        pair([](const BindingInterval& old, const BindingInterval& now) { return old.bid == now.bid; });
        pair([](const BindingInterval& old, const BindingInterval& now) { return old.careOfAddress == now.careOfAddress; });
        pair([](const BindingInterval&, const BindingInterval&) { return true; });
        for (const BindingInterval* now : begun) out_.push_back({HandoverKind::PathAdded, nullptr, now, time, exchange});
        for (const BindingInterval* old : ended)
            if (old->bid && (exchange || old->end != Knowledge::Deleted)) out_.push_back({HandoverKind::PathRemoved, old, nullptr, time, exchange});
    }

    const std::vector<IdentifierAnswer>& answers_;
    const std::vector<Exchange>& exchanges_;
    std::vector<PathChange>& out_;
};

}  // namespace

std::vector<PathChange> pathChanges(const std::vector<BindingInterval>& bindings, const std::vector<IdentifierAnswer>& answers,
                                    const std::vector<Exchange>& exchanges)
{
    std::vector<PathChange> out;
    std::map<Group, std::map<TimePoint, Step>> groups;
    for (const BindingInterval& b : bindings)
        if (b.bid && b.owner != Role::Correspondent) groups[groupOf(b)];
    if (groups.empty()) return out;
    for (const BindingInterval& b : bindings) {
        const auto group = groups.find(groupOf(b));
        if (group == groups.end()) continue;
        group->second[b.from].begun.push_back(&b);
        if (b.to) group->second[*b.to].ended.push_back(&b);
    }
    Reader reader(answers, exchanges, out);
    for (const auto& [group, steps] : groups) reader.read(group, steps);
    std::stable_sort(out.begin(), out.end(), [](const PathChange& a, const PathChange& b) { return a.time < b.time; });
    return out;
}

}  // namespace roamscope::analysis
