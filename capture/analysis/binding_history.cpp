// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/binding_history.hpp"

#include <algorithm>
#include <utility>

namespace roamscope::analysis {

void BindingHistory::add(const Signal& signal, const ExchangeTracker& exchanges, const Observation& o)
{
    if (signal.kind == Signal::Kind::Answer && signal.answer->accepted()) {
        const ExchangeRecord& record = exchanges.records()[signal.record];
        accept(record, record.copies[signal.copy], &*signal.answer, o);
    } else if (signal.kind == Signal::Kind::Update && signal.update->peer == Role::Correspondent &&
               (signal.update->flags & wire::BindingUpdate::acknowledge) == 0) {
        // A correspondent that is not asked to answer: assumed to accept (RFC 6275 §9.5.4).
        const ExchangeRecord& record = exchanges.records()[signal.record];
        accept(record, record.copies[signal.copy], nullptr, o);
    }
}

void BindingHistory::close(std::size_t interval, TimePoint t, Knowledge why)
{
    BindingInterval& i = intervals_[interval];
    const TimePoint expiry = i.from + i.lifetime;
    if (expiry < t) {
        t = expiry;
        why = Knowledge::Expired;
    }
    i.to = std::max(t, i.from);  // files of others may go back in time
    i.end = why;
}

void BindingHistory::accept(const ExchangeRecord& record, const ExchangeRecord::Copy& copy, const Answer* answer, const Observation& o)
{
    const Update& update = copy.update;
    Open& open = open_[record.value.peerAddress][record.value.homeAddress];
    const Duration lifetime = answer ? answer->lifetime : update.lifetime;
    const bool deletes = lifetime == Duration{0} || update.lifetime == Duration{0};
    // An update without binding identifier stands for all bindings of the home address (RFC 5648 §5.3, §6.2).
    const bool whole = !update.bindings.front().bid;
    for (auto it = open.begin(); it != open.end();) {
        const bool named = std::any_of(update.bindings.begin(), update.bindings.end(), [&](const BidBinding& b) { return b.bid == it->first; });
        if (!named && !whole) {
            ++it;
            continue;
        }
        close(it->second, o.time, deletes || !named ? Knowledge::Deleted : answer ? Knowledge::Acknowledged : Knowledge::Assumed);
        it = open.erase(it);
    }
    if (deletes) return;
    for (const BidBinding& binding : update.bindings) {
        if (open.count(binding.bid) != 0) continue;  // the same identifier twice in one update: the first one counts
        BindingInterval i;
        i.owner = record.value.peer;
        i.ownerAddress = record.value.peerAddress;
        i.homeAddress = record.value.homeAddress;
        i.bid = binding.bid;
        i.careOfAddress = binding.careOfAddress;
        i.sequence = update.sequence;
        i.flags = update.flags;
        i.lifetime = lifetime;
        i.from = o.time;
        i.update = copy.seen.frame;
        i.acknowledgement = o.index;
        open[binding.bid] = intervals_.size();
        intervals_.push_back(std::move(i));
    }
}

namespace {

std::vector<BindingInterval> closedAt(std::vector<BindingInterval> intervals, TimePoint end)
{
    for (BindingInterval& i : intervals) {
        if (i.to || i.from + i.lifetime > end) continue;
        i.to = i.from + i.lifetime;
        i.end = Knowledge::Expired;
    }
    // Nearly always they are in order already; sorting would take the memory of them all once more.
    const auto byStart = [](const BindingInterval& a, const BindingInterval& b) { return a.from < b.from; };
    if (!std::is_sorted(intervals.begin(), intervals.end(), byStart)) std::stable_sort(intervals.begin(), intervals.end(), byStart);
    return intervals;
}

}  // namespace

std::vector<BindingInterval> BindingHistory::intervals(TimePoint end) const { return closedAt(intervals_, end); }

std::vector<BindingInterval> BindingHistory::take(TimePoint end)
{
    open_.clear();
    return closedAt(std::exchange(intervals_, {}), end);
}

const BindingInterval* BindingHistory::alive(const Ipv6Address& owner, const Ipv6Address& home, Bid bid, TimePoint t) const
{
    const auto o = open_.find(owner);
    if (o == open_.end()) return nullptr;
    const auto h = o->second.find(home);
    if (h == o->second.end()) return nullptr;
    const auto b = h->second.find(bid);
    if (b == h->second.end()) return nullptr;
    const BindingInterval& i = intervals_[b->second];
    return t < i.from + i.lifetime ? &i : nullptr;
}

}  // namespace roamscope::analysis
