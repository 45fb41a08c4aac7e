// SPDX-License-Identifier: GPL-3.0-or-later
// What an acknowledgement, a refresh request or a revocation does to the paths (RFC 5648 §5.7; MCOA-MN-09 to -11, -15, MCOA-BR-01).
#include "protocol/node/bid_registration.hpp"

#include "protocol/node/sequence.hpp"

#include <algorithm>
#include <utility>

namespace roamscope::node {

namespace status = wire::bindingStatus;
using Answer = BidRegistration::Answer;
using Slot = BidRegistration::Slot;

namespace {

bool contains(const std::vector<std::uint16_t>& list, std::uint16_t bid) { return std::find(list.begin(), list.end(), bid) != list.end(); }

const wire::BindingIdentifier* optionFor(const wire::BindingAck& ack, std::uint16_t bid)
{
    for (const wire::MobilityOption& option : ack.options)
        if (const auto* b = std::get_if<wire::BindingIdentifier>(&option); b && b->bid == bid) return b;
    return nullptr;
}

/// The peer has this identifier by the update that it acknowledges.
bool bringsAbout(const wire::BindingAck& ack, std::uint16_t bid)
{
    const auto* option = optionFor(ack, bid);
    return option && ack.lifetime.count() > 0 && (option->status != 0 ? option->status : ack.status) < 128;
}

}  // namespace

Answer BidRegistration::acknowledged(TimePoint now, const wire::BindingAck& ack)
{
    if (ack.status == status::sequenceOutOfWindow) return resynchronised(now, ack);
    const auto it = std::find_if(outstanding_.begin(), outstanding_.end(), [&](const Sent& s) { return s.sequence == ack.sequence; });
    if (it == outstanding_.end()) return Answer::Ignored;
    const Sent sent = *it;
    if (Slot* via = findSlot(sent.via)) via->silent = 0;
    const bool named = std::any_of(ack.options.begin(), ack.options.end(), [](const wire::MobilityOption& o) { return std::holds_alternative<wire::BindingIdentifier>(o); });
    if (!named || ack.status == status::mcoaProhibited) {  // MCOA-MN-09, MCOA-MN-11
        supported_ = false;
        outstanding_.clear();
        return Answer::Unsupported;
    }
    bool accepted = false, goesOn = false;
    for (std::size_t i = 0; i < sent.bids.size(); ++i) {
        Slot* slot = findSlot(sent.bids[i]);
        const auto* option = optionFor(ack, sent.bids[i]);
        if (!slot || !option) continue;  // without a word about it, its copies go on
        // MCOA-MN-10: the option's status wins over that of the acknowledgement.
        const std::uint8_t effective = option->status != 0 ? option->status : ack.status;
        const bool deletes = sent.lifetime.count() == 0;
        slot->status = effective;
        slot->unanswered = 0;
        slot->resynchronised = false;
        if (!deletes && effective < 128 && ack.lifetime.count() == 0) {
            grantedNothing(*slot);
            goesOn = true;
            continue;
        }
        slot->timeout = initialTimeout;
        if (effective == status::mcoaProhibited) {
            supported_ = false;
            outstanding_.clear();
            return Answer::Unsupported;
        }
        if (deletes && (effective < 128 || effective == status::mcoaUnknownCareOf || !sent.bulk)) {
            accepted = true;
            gone(*slot);
        } else if (deletes) {
            // MCOA-HA-04: one that the peer does not know has the whole refused; each for itself then.
            slot->alone = true;
            slot->next = now;
            goesOn = true;
        } else if (effective < 128) {
            accepted = true;
            accept(now, *slot, sent, ack, effective);
        } else {
            goesOn = refuse(now, *slot, sent, sent.full[i], effective) || goesOn;
        }
    }
    std::erase_if(outstanding_, [&](const Sent& s) { return s.sequence == sent.sequence; });
    // MCOA-MN-18: what O has replaced needs no deletion. What it brought does, when its path has gone in the meantime.
    for (std::size_t i = slots_.size(); sent.overwrite && accepted && i-- > 0;)
        if (!slots_[i].wanted && !bringsAbout(ack, slots_[i].path.bid)) gone(slots_[i]);
    return accepted || goesOn ? Answer::Accepted : Answer::Refused;
}

void BidRegistration::accept(TimePoint, Slot& slot, const Sent& sent, const wire::BindingAck& ack, std::uint8_t status)
{
    const std::uint16_t bid = slot.path.bid;
    if (sent.overwrite) {
        bootstrapped_ = true;
        bootNext_.reset();
    }
    dropOutstanding(bid);
    slot.bound = true;
    slot.refused = false;
    slot.full = false;
    slot.registered = slot.path.careOf;
    slot.withoutDiscovery = slot.path.home && status == status::mcoaReturnHomeWithoutNdp;
    // MN-BU-10: counted from its sending.
    slot.granted = std::min(ack.lifetime, sent.lifetime);
    slot.expires = sent.time + toDuration(slot.granted);
    const auto* advice = wire::findOption<wire::BindingRefreshAdvice>(ack.options);
    const bool advised = advice && advice->interval.count() > 0 && advice->interval < ack.lifetime;
    slot.next = sent.time + std::min(toDuration(slot.granted) * refreshAfter_ / 10, advised ? toDuration(advice->interval) : Duration::max());
    note(Change::Kind::Registered, slot);
}

void BidRegistration::grantedNothing(Slot& slot)
{
    // RFC 6275 §11.7.3, §11.8: no binding is left; it is asked for again as if nobody had answered.
    dropOutstanding(slot.path.bid);
    slot.bound = false;
    slot.full = true;
    note(Change::Kind::Waiting, slot);
    if (!bootstrapped_ || std::any_of(slots_.begin(), slots_.end(), [](const Slot& s) { return s.bound; })) return;
    bootstrapped_ = false;  // MCOA-MN-04
    bootNext_ = slot.next;
    bootTimeout_ = slot.timeout;
    bootCopies_ = 0;
}

bool BidRegistration::refuse(TimePoint now, Slot& slot, const Sent& sent, bool full, std::uint8_t code)
{
    dropOutstanding(slot.path.bid);
    const auto again = [&] {
        slot.next = now;
        if (!bootstrapped_) bootNext_ = now;
        return true;
    };
    switch (code) {
    case status::mcoaNonMcoaBindingExists:
        // MCOA-MN-11: O must be set. A peer that says so of an update with O is beyond help.
        if (sent.overwrite) break;
        bootstrapped_ = false;
        bootTimeout_ = initialTimeout;
        bootCopies_ = 0;
        for (Slot& other : slots_) {
            other.bound = false;
            other.full = true;
        }
        return again();
    case status::mcoaUnknownCareOf:
    case status::mcoaMalformed:
        // MCOA-MN-11, MCOA-HA-14: once more, with the care-of address.
        if (full) break;
        slot.bound = false;
        slot.full = true;
        return again();
    case status::mcoaBulkProhibited:
        if (!sent.bulk) break;
        // MCOA-MN-11: no bulk any more, and nothing of it is registered.
        bulkRefused_ = true;
        slot.bound = false;
        slot.full = true;
        if (!slot.path.home) return again();
        homeRefused_ = true;
        break;
    case status::mcoaHomeAndForeignProhibited: homeRefused_ = homeRefused_ || slot.path.home; break;
    default: break;
    }
    slot.refused = true;
    slot.bound = false;
    slot.next.reset();
    note(Change::Kind::Refused, slot);
    return false;
}

Answer BidRegistration::resynchronised(TimePoint now, const wire::BindingAck& ack)
{
    // MN-BU-09. The number is the peer's. It has taken newer ones than the update that it refuses: one that another path overtook, or of a
    // time that we do not know. Updates above that number, and the one with it, may still be accepted.
    if (outstanding_.empty()) return Answer::Ignored;
    if (isNewer(ack.sequence, sequence_)) sequence_ = ack.sequence;
    const bool named = std::any_of(ack.options.begin(), ack.options.end(), [](const wire::MobilityOption& o) { return std::holds_alternative<wire::BindingIdentifier>(o); });
    bool again = false;
    for (Slot& slot : slots_) {
        if (named && !optionFor(ack, slot.path.bid)) continue;
        bool waits = false, hopes = false;
        for (const Sent& sent : outstanding_) {
            if (!sent.has(slot.path.bid)) continue;
            waits = true;
            hopes = hopes || !isNewer(ack.sequence, sent.sequence);
        }
        if (!waits || hopes) continue;
        again = true;
        slot.silent = 0;
        // RFC 6275 §11.8: a peer that goes on refusing our numbers is answered with copies that back off.
        if (std::exchange(slot.resynchronised, true)) continue;
        slot.next = now;
        slot.timeout = initialTimeout;
        if (!bootstrapped_) bootNext_ = now;
    }
    return again ? Answer::Resynchronised : Answer::Ignored;
}

void BidRegistration::refresh(TimePoint now, const std::vector<std::uint16_t>& bids)
{
    for (Slot& slot : slots_)
        if (slot.wanted && slot.bound && slot.unanswered == 0 && slot.next && (bids.empty() || contains(bids, slot.path.bid))) slot.next = std::min(*slot.next, now);
}

bool BidRegistration::revoked(const std::vector<std::uint16_t>& bids)
{
    bool known = true;
    for (const std::uint16_t bid : bids) {
        const Slot* slot = find(bid);
        known = known && slot && slot->bound;
    }
    for (std::size_t i = slots_.size(); i-- > 0;) {
        Slot& slot = slots_[i];
        if (!bids.empty() && !contains(bids, slot.path.bid)) continue;
        dropOutstanding(slot.path.bid);
        if (!slot.wanted) {
            gone(slot);
            continue;
        }
        slot.bound = false;
        slot.mayBeBound = false;
        slot.full = true;
        slot.refused = true;
        slot.next.reset();
        note(Change::Kind::Refused, slot);
    }
    return known;
}

}  // namespace roamscope::node
