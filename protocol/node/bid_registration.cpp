// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/bid_registration.hpp"

#include "protocol/node/update_rate.hpp"
#include "protocol/wire/ipv4.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace roamscope::node {

using Slot = BidRegistration::Slot;

namespace {

constexpr std::size_t rememberedUpdates = 64;  // whose numbers an answer may still carry

/// MCOA-DS-01: never with others in an update, and by its own path.
bool isIpv4(const BidRegistration::Path& path) { return wire::unmapped(path.careOf).has_value(); }

bool contains(const std::vector<std::uint16_t>& list, std::uint16_t bid) { return std::find(list.begin(), list.end(), bid) != list.end(); }

}  // namespace

bool BidRegistration::Sent::has(std::uint16_t bid) const { return contains(bids, bid); }

Slot* BidRegistration::findSlot(std::uint16_t bid)
{
    const auto it = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& s) { return s.path.bid == bid; });
    return it == slots_.end() ? nullptr : &*it;
}

const Slot* BidRegistration::find(std::uint16_t bid) const { return const_cast<BidRegistration*>(this)->findSlot(bid); }

std::vector<std::uint16_t> BidRegistration::boundBids() const
{
    std::vector<std::uint16_t> out;
    for (const Slot& slot : slots_)
        if (slot.wanted && slot.bound) out.push_back(slot.path.bid);
    return out;
}

// ---- what is wanted

void BidRegistration::want(TimePoint now, const std::vector<Path>& paths, bool bulk)
{
    bulk_ = bulk;
    for (const Path& path : paths) take(now, path);
    bool leftHome = false;
    for (Slot& slot : slots_) {
        const bool listed = std::any_of(paths.begin(), paths.end(), [&](const Path& p) { return p.bid == slot.path.bid; });
        if (listed || !slot.wanted) continue;
        slot.wanted = false;
        dropOutstanding(slot.path.bid);
        slot.unanswered = 0;
        slot.timeout = initialTimeout;
        slot.next = now;
        sendAgain(now, slot.path.bid);
        if (!slot.path.home) continue;
        // MCOA-MN-13: not by a deletion, but by an update of another care-of address without H.
        leftHome = leftHome || slot.mayBeBound;
        slot.mayBeBound = false;
    }
    for (Slot& slot : slots_)
        if (!slot.wanted && !slot.mayBeBound) note(Change::Kind::Gone, slot);
    std::erase_if(slots_, [](const Slot& s) { return !s.wanted && !s.mayBeBound; });
    if (!leftHome) return;
    for (Slot& slot : slots_)
        if (slot.wanted && slot.bound) slot.next = now;
}

void BidRegistration::take(TimePoint now, const Path& path)
{
    Slot* slot = findSlot(path.bid);
    if (!slot) {
        if (slots_.size() == maxPaths) return;
        slots_.push_back({});
        slots_.back().path = path;
        slots_.back().alone = isIpv4(path);
        slots_.back().next = now;
        return;
    }
    const bool same = slot->wanted && slot->path.careOf == path.careOf && slot->path.home == path.home;
    const bool lapsed = same && !slot->next && !slot->refused;  // lapse() is taken back
    const bool ranked = std::exchange(slot->path.priority, path.priority) != path.priority;
    slot->path.lifetime = path.lifetime;
    if (same) {
        if (lapsed || (ranked && slot->bound && slot->unanswered == 0)) slot->next = now;
        return;
    }
    slot->path = path;
    slot->alone = isIpv4(path);
    slot->wanted = true;
    slot->refused = false;
    slot->resynchronised = false;
    slot->full = true;
    slot->silent = 0;
    slot->unanswered = 0;
    slot->timeout = initialTimeout;
    slot->next = now;
    dropOutstanding(path.bid);
}

void BidRegistration::sendAgain(TimePoint now, std::uint16_t via)
{
    for (const Sent& sent : outstanding_)
        if (sent.via == via)
            for (Slot& slot : slots_)
                if (sent.has(slot.path.bid) && slot.next) slot.next = now;
    if (!bootstrapped_ && bootNext_) bootNext_ = now;
}

void BidRegistration::dropOutstanding(std::uint16_t bid)
{
    for (Sent& sent : outstanding_)
        for (std::size_t i = sent.bids.size(); i-- > 0;)
            if (sent.bids[i] == bid) {
                sent.bids.erase(sent.bids.begin() + static_cast<std::ptrdiff_t>(i));
                sent.full.erase(sent.full.begin() + static_cast<std::ptrdiff_t>(i));
            }
    std::erase_if(outstanding_, [](const Sent& s) { return s.bids.empty(); });
}

void BidRegistration::restart(std::uint16_t sequence)
{
    for (const Slot& slot : slots_) note(Change::Kind::Gone, slot);
    slots_.clear();
    outstanding_.clear();
    bootstrapped_ = false;
    bootNext_.reset();
    bootCopies_ = 0;
    sequence_ = sequence;
}

void BidRegistration::lapse()
{
    for (Slot& slot : slots_) slot.next.reset();
    outstanding_.clear();
    bootNext_.reset();
}

void BidRegistration::gone(Slot& slot)
{
    note(Change::Kind::Gone, slot);
    const std::uint16_t bid = slot.path.bid;
    dropOutstanding(bid);
    std::erase_if(slots_, [&](const Slot& s) { return s.path.bid == bid; });
}

void BidRegistration::expire(TimePoint now)
{
    for (std::size_t i = slots_.size(); i-- > 0;) {
        Slot& slot = slots_[i];
        if (!slot.bound || now < slot.expires) continue;
        slot.bound = false;
        slot.full = true;
        slot.withoutDiscovery = false;
        if (!slot.wanted) gone(slot);
        else note(Change::Kind::Waiting, slot);
    }
    const bool any = std::any_of(slots_.begin(), slots_.end(), [](const Slot& s) { return s.bound; });
    if (bootstrapped_ && !any) {
        // MCOA-MN-04: the next one is a first one again.
        bootstrapped_ = false;
        bootNext_.reset();
        bootCopies_ = 0;
    }
}

// ---- updates

std::size_t BidRegistration::rank(const Slot& slot) const
{
    constexpr std::size_t unranked = 128;  // behind those with a priority, in the order of the interfaces; IPv4 last (RFC 5555 §4.4.1)
    const std::size_t place = (isIpv4(slot.path) ? maxPaths : 0) + static_cast<std::size_t>(&slot - slots_.data());
    return slot.path.priority == 0 ? unranked + place : slot.path.priority;
}

const Slot* BidRegistration::way() const
{
    const Slot* best = nullptr;
    const auto key = [&](const Slot& s) { return std::tuple(isIpv4(s.path) && !s.bound, s.silent, rank(s)); };
    for (const Slot& slot : slots_)
        if (slot.wanted && !slot.path.home && (!best || key(slot) < key(*best))) best = &slot;
    return best;
}

bool BidRegistration::isBulk() const
{
    // An update without H ends the binding of the home link, so that one is in every update (RFC 5648 §6.2).
    const bool home = std::any_of(slots_.begin(), slots_.end(), [](const Slot& s) { return s.wanted && s.path.home && !s.refused; });
    return (bulk_ || home) && !bulkRefused_;
}

std::vector<Slot*> BidRegistration::bootGroup()
{
    std::vector<Slot*> group;
    for (Slot& slot : slots_)
        if (slot.asks() && !(slot.path.home && !isBulk())) group.push_back(&slot);
    if (isBulk() && std::any_of(group.begin(), group.end(), [](const Slot* s) { return !s->alone; })) {
        std::erase_if(group, [](const Slot* s) { return s->alone; });
        return group;
    }
    if (group.size() < 2) return group;
    // One after the other, each by its own path: a dead one holds up the first registration no longer than one timeout.
    const auto key = [&](const Slot* s) { return std::tuple(s->silent, rank(*s)); };
    return {*std::min_element(group.begin(), group.end(), [&](const Slot* a, const Slot* b) { return key(a) < key(b); })};
}

std::vector<Slot*> BidRegistration::dueGroup(TimePoint now)
{
    std::vector<Slot*> away, there;
    for (Slot& slot : slots_) {
        if (!slot.next || now < *slot.next) continue;
        if (!slot.wanted) away.push_back(&slot);
        else if (slot.asks()) there.push_back(&slot);
    }
    const bool bulk = isBulk();
    // What is there comes first: a path that is gone can wait.
    std::vector<Slot*>& group = there.empty() ? away : there;
    if (group.empty()) return group;
    if (!bulk || group.front()->alone) return {group.front()};
    std::erase_if(group, [](const Slot* s) { return s->alone; });
    if (&group == &away) return group;
    for (Slot& slot : slots_) {
        if (!slot.asks() || slot.alone || std::find(group.begin(), group.end(), &slot) != group.end()) continue;
        // Bindings that are refreshed soon go with it: their lifetimes run together from then on.
        const bool soon = slot.bound && slot.unanswered == 0 && slot.next && *slot.next - now <= toDuration(slot.granted) / 10;
        if (soon || slot.path.home) group.push_back(&slot);
    }
    return group;
}

std::optional<BidRegistration::Update> BidRegistration::due(TimePoint now)
{
    expire(now);
    blockedUntil_.reset();
    if (!supported_ || now < heldUntil_) return std::nullopt;
    std::vector<Slot*> group;
    if (bootstrapped_) {
        group = dueGroup(now);
    } else {
        group = bootGroup();
        if (group.empty() || std::none_of(group.begin(), group.end(), [](const Slot* s) { return s->next.has_value(); })) return std::nullopt;
        if (!bootNext_) {
            bootNext_ = now;
            bootTimeout_ = first_;  // MN-BU-07: the peer tests the home address first
            bootCopies_ = 0;
        }
        if (now < *bootNext_) return std::nullopt;
    }
    if (group.empty()) return std::nullopt;
    const bool own = group.size() == 1 && group.front()->wanted && !group.front()->path.home && (!isBulk() || isIpv4(group.front()->path));
    const Slot* via = own ? group.front() : way();
    if (!via) return std::nullopt;  // no way out; what is at the peer ends by itself
    std::erase_if(recent_, [&](TimePoint t) { return now >= t + updateWindow; });
    if (recent_.size() >= maxUpdateRate) {
        blockedUntil_ = recent_.front() + updateWindow;
        return std::nullopt;
    }
    recent_.push_back(now);
    return build(now, group, *via, !bootstrapped_);
}

BidRegistration::Update BidRegistration::build(TimePoint now, const std::vector<Slot*>& group, const Slot& via, bool overwrite)
{
    const bool deletes = !group.front()->wanted;
    Update update;
    update.sequence = ++sequence_;  // MCOA-MN-02
    update.overwrite = overwrite;
    update.careOf = via.path.careOf;
    std::chrono::seconds lifetime = group.front()->path.lifetime;
    for (const Slot* slot : group) lifetime = std::min(lifetime, slot->path.lifetime);
    if (!deletes) update.lifetime = toWire(lifetime);
    Sent sent{update.sequence, now, update.lifetime, via.path.bid, {}, {}, overwrite, false};
    findSlot(via.path.bid)->silent++;
    if (overwrite) {
        // What it replaces is not there any more, even if somebody still says so.
        std::vector<std::uint16_t> bids;
        for (const Slot* slot : group) bids.push_back(slot->path.bid);
        std::erase_if(outstanding_, [&](const Sent& s) { return s.bids != bids; });
        bootNext_ = now + bootTimeout_;
        bootTimeout_ = std::min(2 * bootTimeout_, maxTimeout);
        update.copy = bootCopies_++ > 0;
    }
    for (Slot* slot : group) {
        wire::BindingIdentifier option;
        option.bid = slot->path.bid;
        option.home = slot->path.home;
        option.priority = slot->path.priority;
        // MCOA-MN-03: the care-of address at the first registration only; MCOA-MN-12: of the home link always.
        // RFC 5555 §4.2: of an IPv4 network too, so that a NAT shows.
        const bool full = !deletes && (slot->full || slot->path.home || isIpv4(slot->path));
        if (full) option.careOfAddress.assign(slot->path.careOf.octets.begin() + (isIpv4(slot->path) ? 12 : 0), slot->path.careOf.octets.end());
        update.home = update.home || option.home;
        update.options.push_back(std::move(option));
        update.copy = update.copy || slot->unanswered > 0;
        sent.bids.push_back(slot->path.bid);
        sent.full.push_back(full);
        if (!deletes) slot->mayBeBound = true;
        ++slot->unanswered;
        slot->next = now + slot->timeout;
        slot->timeout = std::min(2 * slot->timeout, maxTimeout);
        if (!slot->usable() && !deletes) note(Change::Kind::Waiting, *slot);
    }
    sent.bulk = sent.bids.size() > 1;
    if (outstanding_.size() == rememberedUpdates) outstanding_.erase(outstanding_.begin());
    outstanding_.push_back(std::move(sent));
    return update;
}

std::optional<TimePoint> BidRegistration::nextDeadline() const
{
    std::optional<TimePoint> next;
    if (supported_ && way()) {
        if (bootstrapped_) {
            for (const Slot& slot : slots_)
                if (slot.asks() || !slot.wanted) next = earlier(next, slot.next);
        } else {
            // When all are refused there is nothing to be sent.
            for (const Slot& slot : slots_)
                if (slot.asks() && !(slot.path.home && !isBulk())) next = bootNext_ ? bootNext_ : earlier(next, slot.next);
        }
        if (next && blockedUntil_) next = std::max(*next, *blockedUntil_);
        if (next) next = std::max(*next, heldUntil_);
    }
    for (const Slot& slot : slots_)
        if (slot.bound) next = earlier(next, slot.expires);
    return next;
}

// ---- what is there

bool BidRegistration::registered(TimePoint now) const
{
    return std::any_of(slots_.begin(), slots_.end(), [&](const Slot& s) { return s.wanted && s.bound && now < s.expires; });
}

TimePoint BidRegistration::expires() const
{
    TimePoint latest{};
    for (const Slot& slot : slots_)
        if (slot.bound) latest = std::max(latest, slot.expires);
    return latest;
}

bool BidRegistration::mayBeBound() const
{
    return std::any_of(slots_.begin(), slots_.end(), [](const Slot& s) { return s.mayBeBound; });
}

}  // namespace roamscope::node
