// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/association.hpp"

#include "protocol/node/update_rate.hpp"

#include <algorithm>
#include <utility>

namespace roamscope::node {

namespace {

constexpr std::size_t rememberedCopies = 16;  // numbers that an answer may still carry
constexpr Duration longestWay = 32s;          // of an update to its peer; our own

}  // namespace

void Association::request(TimePoint now, const Ipv6Address& careOf, std::chrono::seconds lifetime)
{
    lifetime_ = lifetime < leastLifetime ? WireLifetime{0} : toWire(lifetime);
    if (careOf == careOf_ && (refused_ || nextSend_ || registered(now) || lapsing_)) return;
    careOf_ = careOf;
    refused_ = false;
    releasing_ = false;
    resynchronised_ = false;
    outstanding_.clear();
    // MN-BU-07: the first registration allows for the peer's duplicate address detection.
    timeout_ = registered(now) ? initialTimeout : first_;
    unanswered_ = 0;
    nextSend_ = now;
}

void Association::release(TimePoint now)
{
    if (releasing_) return;
    mayBeBound_ = mayBeBound_ && now < mayBeBoundUntil_;
    releasing_ = mayBeBound_;
    lapsing_ = false;
    refused_ = false;
    resynchronised_ = false;
    careOf_ = home_;
    outstanding_.clear();
    timeout_ = initialTimeout;
    unanswered_ = 0;
    nextSend_.reset();
    if (releasing_) nextSend_ = now;
}

void Association::lapse()
{
    if (std::exchange(lapsing_, true)) return;
    if (outstanding_.empty()) nextSend_.reset();
}

void Association::keep(TimePoint now)
{
    if (!std::exchange(lapsing_, false) || nextSend_ || !registered(now)) return;
    nextSend_ = std::max(now, expires_ - toDuration(granted_) / 10);
}

void Association::restart(std::uint16_t sequence, bool mayBeBound)
{
    *this = Association(peer_, home_, sequence, first_);
    mayBeBound_ = mayBeBound;
    if (mayBeBound) mayBeBoundUntil_ = TimePoint::max();
}

void Association::revoked()
{
    bound_ = false;
    mayBeBound_ = false;
    refused_ = true;
    registeredCareOf_.reset();
    outstanding_.clear();
    nextSend_.reset();
}

void Association::refresh(TimePoint now)
{
    if (releasing_ || lapsing_) return;
    if (registered(now) && outstanding_.empty() && nextSend_) nextSend_ = std::min(*nextSend_, now);
}

void Association::expire(TimePoint now)
{
    if (!bound_ || now < expires_) return;
    bound_ = false;
    registeredCareOf_.reset();
    if (outstanding_.empty()) timeout_ = first_;
}

std::optional<Association::Update> Association::due(TimePoint now)
{
    expire(now);
    if (!isDue(now)) return std::nullopt;
    // MN-COA-02: at most three in any second, however fast links change or a peer refuses our numbers.
    if (recent_.size() == maxUpdateRate) {
        if (now < recent_.front() + updateWindow) {
            nextSend_ = recent_.front() + updateWindow;
            return std::nullopt;
        }
        recent_.erase(recent_.begin());
    }
    recent_.push_back(now);
    if (registeredCareOf_ != careOf_) registeredCareOf_.reset();
    const bool copy = !outstanding_.empty();
    ++sequence_;  // MN-BU-06: greater modulo 2^16 with every copy
    if (outstanding_.size() == rememberedCopies) outstanding_.erase(outstanding_.begin());
    mayBeBound_ = true;
    const WireLifetime lifetime = releasing_ ? WireLifetime{0} : lifetime_;
    mayBeBoundUntil_ = std::max(mayBeBoundUntil_, now + toDuration(lifetime) + longestWay);
    outstanding_.push_back({sequence_, now, lifetime});
    ++unanswered_;
    nextSend_ = now + timeout_;
    timeout_ = std::min(2 * timeout_, maxTimeout);
    return Update{sequence_, lifetime, careOf_, copy};
}

Association::Answer Association::acknowledged(TimePoint now, const wire::BindingAck& ack)
{
    if (ack.status == wire::bindingStatus::sequenceOutOfWindow) {
        // MN-BU-09. The number is the peer's, so it matches no copy; without an update under way it means nothing. When we are
        // a few copies ahead of it already it answers one that was overtaken, and going back would break MN-BU-06.
        const auto ahead = static_cast<std::uint16_t>(sequence_ - ack.sequence);
        if (outstanding_.empty() || (ahead > 0 && ahead <= rememberedCopies)) return Answer::Ignored;
        sequence_ = ack.sequence;
        outstanding_.clear();
        unanswered_ = 0;
        // RFC 6275 §11.8: a peer that goes on refusing our numbers is answered as one that is silent, with copies that back off.
        if (!std::exchange(resynchronised_, true)) nextSend_ = now;
        return Answer::Resynchronised;
    }
    const auto it = std::find_if(outstanding_.begin(), outstanding_.end(), [&](const Sent& s) { return s.sequence == ack.sequence; });
    if (it == outstanding_.end()) return Answer::Ignored;
    const Sent sent = *it;
    outstanding_.clear();
    unanswered_ = 0;
    resynchronised_ = false;
    // 133: the peer has no binding, which is what was wanted (HA-DEREG-01).
    if (releasing_ && (ack.accepted() || ack.status == wire::bindingStatus::notHomeAgent)) {
        releasing_ = false;
        mayBeBound_ = false;
        bound_ = false;
        registeredCareOf_.reset();
        nextSend_.reset();
        return Answer::Released;
    }
    if (!ack.accepted()) {
        refused_ = true;
        nextSend_.reset();
        return Answer::Refused;
    }
    if (ack.lifetime.count() == 0) {
        bound_ = false;
        registeredCareOf_.reset();
        if (lapsing_) nextSend_.reset();  // otherwise the copies go on
        return Answer::Nothing;
    }
    // MN-BU-10: the binding is younger at the peer than at us by the way of the update, so it is counted from its sending;
    // what the peer granted less than asked for is taken off.
    granted_ = std::min(ack.lifetime, sent.lifetime);
    bound_ = true;
    registeredCareOf_ = careOf_;
    expires_ = sent.time + toDuration(granted_);
    if (sent.sequence == sequence_) mayBeBoundUntil_ = now + toDuration(ack.lifetime);  // the peer took it before it answered
    timeout_ = initialTimeout;
    // MN-BU-14: refresh well before the end, or when the peer wishes it (MN-BU-12).
    const auto* advice = wire::findOption<wire::BindingRefreshAdvice>(ack.options);
    const bool advised = advice && advice->interval.count() > 0 && advice->interval < ack.lifetime;
    nextSend_ = sent.time + std::min(toDuration(granted_) * 9 / 10, advised ? toDuration(advice->interval) : Duration::max());
    if (lapsing_) nextSend_.reset();
    return Answer::Accepted;
}

std::optional<TimePoint> Association::nextDeadline() const
{
    const auto next = nextSend_ && !tooShort() ? std::optional(std::max(*nextSend_, heldUntil_)) : std::nullopt;
    return bound_ ? earlier(next, expires_) : next;
}

std::chrono::seconds Association::remaining(TimePoint now) const
{
    return registered(now) ? secondsUntil(now, expires_) : std::chrono::seconds{0};
}

}  // namespace roamscope::node
