// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/binding_history.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace roamscope::analysis {

namespace {

constexpr std::size_t maxIndications = 64;

}  // namespace

void BindingHistory::add(const Signal& signal, const ExchangeTracker& exchanges, const Observation& o)
{
    if (signal.kind == Signal::Kind::Answer)
        for (const BidStatus& b : signal.answer->bids)
            answers_.push_back({static_cast<std::uint32_t>(signal.exchange), b.bid, signal.answer->statusOf(b.bid), o.time, o.index});
    if (signal.kind == Signal::Kind::Answer && signal.answer->accepted()) {
        accept(exchanges.exchanges()[signal.exchange], exchanges.copy(signal.copy), &*signal.answer, o);
    } else if (signal.kind == Signal::Kind::Update && signal.update->peer == Role::Correspondent &&
               (signal.update->flags & wire::BindingUpdate::acknowledge) == 0) {
        // A correspondent that is not asked to answer: assumed to accept (RFC 6275 §9.5.4).
        accept(exchanges.exchanges()[signal.exchange], exchanges.copy(signal.copy), nullptr, o);
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

bool BindingHistory::isKnown(const Open& open, std::span<const BidBinding> wanted, const UpdateCopy& copy, const Answer& answer) const
{
    return std::all_of(wanted.begin(), wanted.end(), [&](const BidBinding& binding) {
        if (answer.statusOf(binding.bid) >= 128) return true;
        const auto place = open.find(binding.bid);
        if (place == open.end()) return false;
        const BindingInterval& i = intervals_[place->second];
        return i.update == copy.seen.frame && i.lifetime == answer.lifetime && (!copy.repeated || *copy.repeated < i.from);
    });
}

void BindingHistory::accept(const Exchange& exchange, const UpdateCopy& copy, const Answer* answer, const Observation& o)
{
    const Update& update = copy.update;
    Open& open = open_[exchange.peerAddress][exchange.homeAddress];
    const Duration lifetime = answer ? answer->lifetime : update.lifetime;
    const bool deletes = lifetime == Duration{0} || update.lifetime == Duration{0};
    // Who does not echo identifiers does not know them and took the update for a plain one (MCOA-MN-09).
    const bool ignored = answer && answer->bids.empty();
    const BidBinding plain{std::nullopt, update.careOfAddress};
    const auto wanted = ignored ? std::span(&plain, 1) : std::span<const BidBinding>(update.bindings);
    if (answer && !deletes && isKnown(open, wanted, copy, *answer)) return;
    const auto granted = [&](const BidBinding& b) { return !answer || answer->statusOf(b.bid) < 128; };
    // An update without binding identifier stands for all bindings of the home address (MCOA-HA-01).
    const bool whole = !wanted.front().bid || update.overwrites();
    const bool leftOut = std::any_of(wanted.begin(), wanted.end(), [](const BidBinding& b) { return b.known; });
    const Open before = leftOut ? open : Open{};
    // Who tells of foreign links only has left the home link, and there is one binding of that link at a time (MCOA-HA-15).
    const auto atHome = std::find_if(wanted.begin(), wanted.end(), [&](const BidBinding& b) { return b.home; });
    const bool left = !deletes && wanted.front().bid && (atHome == wanted.end() || granted(*atHome));
    for (auto it = open.begin(); it != open.end();) {
        const auto named = std::find_if(wanted.begin(), wanted.end(), [&](const BidBinding& b) { return b.bid == it->first; });
        const bool renewed = named != wanted.end() && granted(*named);
        const bool leftHome = left && intervals_[it->second].homeLink;
        if (!renewed && !whole && !leftHome) {
            ++it;
            continue;
        }
        close(it->second, o.time, deletes || !renewed ? Knowledge::Deleted : answer ? Knowledge::Acknowledged : Knowledge::Assumed);
        it = open.erase(it);
    }
    if (deletes) return;
    for (BidBinding binding : wanted) {
        if (open.count(binding.bid) != 0 || !granted(binding)) continue;  // the same identifier twice in one update: the first one counts
        if (const auto old = before.find(binding.bid); binding.known) binding.careOfAddress = old == before.end() ? Ipv6Address{} : intervals_[old->second].careOfAddress;
        this->open(open, exchange, copy, binding, answer, o);
    }
}

void BindingHistory::open(Open& open, const Exchange& exchange, const UpdateCopy& copy, const BidBinding& binding, const Answer* answer, const Observation& o)
{
    BindingInterval i;
    i.owner = exchange.peer;
    i.ownerAddress = exchange.peerAddress;
    i.homeAddress = exchange.homeAddress;
    i.bid = binding.bid;
    i.priority = binding.priority;
    i.homeLink = binding.home;
    i.status = answer ? answer->statusOf(binding.bid) : std::uint8_t{0};
    i.careOfAddress = binding.careOfAddress;
    i.sequence = copy.update.sequence;
    i.flags = copy.update.flags;
    i.router = answer && answer->router && (i.flags & wire::BindingUpdate::mobileRouter) != 0;
    if (i.router && !copy.update.networks.empty()) networks_[o.index] = copy.update.networks;
    i.lifetime = answer ? answer->lifetime : copy.update.lifetime;
    i.from = o.time;
    i.update = copy.seen.frame;
    i.acknowledgement = o.index;
    open[binding.bid] = intervals_.size();
    intervals_.push_back(std::move(i));
}

void BindingHistory::revoke(const Observation& o)
{
    const auto seen = readRevocation(o.frame);
    if (!seen) return;
    const auto same = [&](const Revocation& r) { return r.sequence == seen->sequence && r.peerAddress == seen->peerAddress && r.homeAddress == seen->homeAddress; };
    const auto known = std::find_if(indications_.begin(), indications_.end(), same);
    if (!seen->acknowledgement) {
        if (known != indications_.end()) return;
        if (indications_.size() == maxIndications) indications_.erase(indications_.begin());
        indications_.push_back(*seen);
        return;
    }
    if (known == indications_.end() || seen->status >= 128) return;
    Open& open = open_[seen->peerAddress][seen->homeAddress];
    for (auto it = open.begin(); it != open.end();) {
        const bool meant = known->bids.empty() || (it->first && std::find(known->bids.begin(), known->bids.end(), *it->first) != known->bids.end());
        if (meant) close(it->second, o.time, Knowledge::Revoked);
        it = meant ? open.erase(it) : std::next(it);
    }
    indications_.erase(known);
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

const BindingInterval* BindingHistory::latest(const Ipv6Address& owner, const Ipv6Address& home, TimePoint t) const
{
    const auto o = open_.find(owner);
    if (o == open_.end()) return nullptr;
    const auto h = o->second.find(home);
    if (h == o->second.end()) return nullptr;
    const BindingInterval* last = nullptr;
    for (const auto& [bid, place] : h->second) {
        const BindingInterval& i = intervals_[place];
        if (t < i.from + i.lifetime && (!last || i.from >= last->from)) last = &i;
    }
    return last;
}

}  // namespace roamscope::analysis
