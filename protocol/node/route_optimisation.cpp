// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/route_optimisation.hpp"

#include "protocol/node/update_rate.hpp"

#include <algorithm>

namespace roamscope::node {

namespace status = wire::bindingStatus;
using Kind = RouteOptimisation::Step::Kind;
using Answer = RouteOptimisation::Answer;

bool PeerRate::isIdle(TimePoint now) const
{
    return std::all_of(recent.begin(), recent.end(), [&](const auto& times) { return times.empty() || now >= times.back() + updateWindow; });
}

void RouteOptimisation::request(TimePoint now, const Ipv6Address& careOf, std::chrono::seconds lifetime)
{
    lifetime_ = std::min(lifetime, maximumLifetime);
    if (abandonedUntil_ && now >= *abandonedUntil_) {
        abandonedUntil_.reset();
        restart(now);
    }
    if (careOf == careOf_ && !releasing_) return;
    careOf_ = careOf;
    releasing_ = false;
    careOfToken_.reset();
    restart(now);
}

void RouteOptimisation::release(TimePoint now, const Ipv6Address& source)
{
    seen_ = now;
    releaseFrom_ = source;
    if (releasing_ || abandonedUntil_) return;
    releasing_ = registeredCareOf(now) || !outstanding_.empty();
    homeTestWaits_ = false;
    updateWaits_.reset();
    careOf_ = home_;
    restart(now);
}

void RouteOptimisation::restart(TimePoint now)
{
    for (Attempt* attempt : {&homeInit_, &careOfInit_, &update_}) *attempt = {now, initialTimeout, 0, 0};
    outstanding_.clear();
    refreshAt_.reset();
}

void RouteOptimisation::takeHomeToken(TimePoint now, const RouteOptimisation& other)
{
    if (isFresh(homeToken_, now) || !isFresh(other.homeToken_, now)) return;
    homeToken_ = other.homeToken_;
    homeInit_.sent = 0;
    homeInit_.timeout = initialTimeout;
}

void RouteOptimisation::overwritten(TimePoint now)
{
    if (!bound_ && outstanding_.empty()) return;
    bound_.reset();
    // Copies of what nobody has answered go on backing off: a dead path takes nothing away from others.
    const Attempt update = update_;
    restart(now);
    if (update.sent > 0) update_ = update;
}

void RouteOptimisation::abandon(TimePoint now)
{
    bound_.reset();
    releasing_ = false;
    outstanding_.clear();
    homeToken_.reset();
    careOfToken_.reset();
    refreshAt_.reset();
    for (Attempt* attempt : {&homeInit_, &careOfInit_, &update_}) attempt->sent = 0;
    abandonedUntil_ = now + retryAfter;
}

void RouteOptimisation::refresh(TimePoint now)
{
    if (!registeredCareOf(now) || abandonedUntil_ || awaitsAck()) return;
    lastUse_ = now;
    restart(now);
    refreshAt_ = now;
}

bool RouteOptimisation::wantsUpdate(TimePoint now) const
{
    if (abandonedUntil_) return false;
    if (releasing_ || careOf_ == home_) return releasing_;
    if (lifetime_ < std::chrono::seconds(4)) return false;
    return registeredCareOf(now) != careOf_ || (refreshAt_ && now >= *refreshAt_);
}

bool RouteOptimisation::take(TimePoint now, Attempt& attempt, std::vector<TimePoint>& recent)
{
    if (abandonedUntil_ || !attempt.next || now < *attempt.next) return false;
    std::erase_if(recent, [&](TimePoint t) { return now >= t + updateWindow; });
    // With several paths copies leave one free for those that have not had their turn.
    const std::size_t most = bid_ != 0 && attempt.sent > 0 ? maxUpdateRate - 1 : maxUpdateRate;
    if (recent.size() >= most) {
        attempt.next = recent[recent.size() - most] + updateWindow;
        return false;
    }
    if (attempt.sent > maxFailures) {  // RR-MN-04
        abandon(now);
        return false;
    }
    ++attempt.sent;
    recent.push_back(now);
    attempt.next = now + attempt.timeout;
    attempt.timeout = std::min(2 * attempt.timeout, maxTimeout);
    return true;
}

std::optional<RouteOptimisation::Step> RouteOptimisation::due(TimePoint now, Random& random, PeerRate& rate)
{
    seen_ = now;
    if (bound_ && now >= expires_) bound_.reset();
    if (refreshAt_ && now >= *refreshAt_ && !awaitsAck() && homeInit_.sent == 0 && now >= lastUse_ + idleAfter) refreshAt_.reset();
    if (!wantsUpdate(now)) return std::nullopt;
    Step step;
    step.careOf = careOf_;
    step.source = releasing_ ? releaseFrom_ : careOf_;
    // RR-MN-01: both tests at once, each only when its token is not at hand; new cookies each time.
    const bool home = isFresh(homeToken_, now);
    const bool careOf = releasing_ || isFresh(careOfToken_, now);
    if (!home && !homeTestWaits_ && take(now, homeInit_, rate.recent[PeerRate::HomeTestInit])) {
        step.kind = Kind::HomeTestInit;
        step.cookie = homeInit_.cookie = random.next();
        return step;
    }
    if (!careOf && take(now, careOfInit_, rate.recent[PeerRate::CareOfTestInit])) {
        step.kind = Kind::CareOfTestInit;
        step.cookie = careOfInit_.cookie = random.next();
        return step;
    }
    const bool waits = updateWaits_ && now < *updateWaits_;
    if (!home || !careOf || waits || !take(now, update_, rate.recent[PeerRate::Update])) return std::nullopt;
    step.full = !releasing_ && (registeredCareOf(now) != careOf_ || mustOverwrite_);
    step.sequence = ++sequence_;  // RR-MN-06
    if (releasing_) {
        step.indices = {homeToken_->index, 0};
        step.key = bindingKey(homeToken_->value, {});
    } else {
        step.lifetime = WireLifetime{static_cast<std::uint16_t>(lifetime_.count() / 4)};
        step.indices = {homeToken_->index, careOfToken_->index};
        step.key = bindingKey(homeToken_->value, careOfToken_->value);
    }
    outstanding_.push_back({step.sequence, now, step.lifetime, step.key, step.full});
    if (acknowledge_) return step;
    // Nothing will say that it arrived; refusals are answered all the same (RR-CN-07), so the number is kept.
    const Sent sent = outstanding_.back();
    if (releasing_) released();
    else accept(now, sent, sent.lifetime);
    outstanding_.push_back(sent);
    return step;
}

bool RouteOptimisation::homeTest(TimePoint now, const wire::HomeTest& test)
{
    if (homeInit_.sent == 0 || isFresh(homeToken_, now) || test.cookie != homeInit_.cookie) return false;
    homeToken_ = {test.nonceIndex, test.token, now};
    homeInit_.sent = 0;
    homeInit_.timeout = initialTimeout;
    homeInit_.next = now;
    return true;
}

bool RouteOptimisation::careOfTest(TimePoint now, const wire::CareOfTest& test)
{
    if (careOfInit_.sent == 0 || isFresh(careOfToken_, now) || test.cookie != careOfInit_.cookie) return false;
    careOfToken_ = {test.nonceIndex, test.token, now};
    careOfInit_.sent = 0;
    careOfInit_.timeout = initialTimeout;
    careOfInit_.next = now;
    return true;
}

Answer RouteOptimisation::acknowledged(TimePoint now, const wire::BindingAck& ack, ByteView message)
{
    if (outstanding_.empty()) return Answer::Ignored;
    if (ack.status >= status::expiredHomeNonce && ack.status <= status::expiredNonces) {
        // Without proof (RR-CN-07): only the number says that it answers us. New tokens, then once more.
        if (ack.sequence != outstanding_.back().sequence) return Answer::Ignored;
        if (ack.status != status::expiredCareOfNonce) homeToken_.reset();
        if (ack.status != status::expiredHomeNonce) careOfToken_.reset();
        if (!acknowledge_) bound_.reset();
        const int failed = update_.sent;
        restart(now);
        update_.sent = failed;
        // RR-CN-09: the same proof may be barred until the peer has other nonces; each further try waits longer.
        if (failed > 1) homeInit_.next = careOfInit_.next = now + initialTimeout * (1 << (failed - 1));
        return Answer::Repeated;
    }
    const auto proves = [&](const Sent& sent) { return isAuthorized(ack.options, sent.key, careOf_, peer_, message); };
    if (ack.status == status::sequenceOutOfWindow) {
        // MN-BU-09; a number that we are a few updates ahead of answers one that was overtaken.
        const auto ahead = static_cast<std::uint16_t>(sequence_ - ack.sequence);
        if (!proves(outstanding_.back()) || (ahead > 0 && ahead <= maxFailures + 1)) return Answer::Ignored;
        sequence_ = ack.sequence;
        outstanding_.clear();
        if (!acknowledge_) bound_.reset();
        update_.next = now;
        return Answer::Repeated;
    }
    const auto it = std::find_if(outstanding_.begin(), outstanding_.end(), [&](const Sent& s) { return s.sequence == ack.sequence; });
    if (it == outstanding_.end() || !proves(*it)) return Answer::Ignored;  // MN-BU-08
    const Sent sent = *it;
    outstanding_.clear();
    if (bid_ != 0)
        if (const auto answer = identified(now, ack, sent.full)) return *answer;
    if (releasing_ && ack.accepted()) {
        released();
        return Answer::Released;
    }
    if (!ack.accepted() || ack.lifetime.count() == 0) {
        abandon(now);
        return Answer::Refused;
    }
    accept(now, sent, std::min(ack.lifetime, sent.lifetime));
    return Answer::Accepted;
}

std::optional<Answer> RouteOptimisation::identified(TimePoint now, const wire::BindingAck& ack, bool full)
{
    const wire::BindingIdentifier* option = nullptr;
    for (const wire::MobilityOption& o : ack.options)
        if (const auto* b = std::get_if<wire::BindingIdentifier>(&o); b && b->bid == bid_) option = b;
    // MCOA-MN-10: the option's status wins over that of the acknowledgement.
    const std::uint8_t code = option && option->status != 0 ? option->status : ack.status;
    if ((!option && !releasing_) || code == status::mcoaProhibited) return Answer::Unsupported;  // MCOA-MN-09, -11
    const auto again = [&] {
        update_ = {now, initialTimeout, 0, 0};
        return Answer::Repeated;
    };
    if (code == status::mcoaNonMcoaBindingExists && !releasing_ && !mustOverwrite_) {
        mustOverwrite_ = true;
        return again();
    }
    mustOverwrite_ = false;
    if (releasing_) {
        // MCOA-CN-03, MCOA-MN-11: what is to be deleted is not there.
        if (code != status::notHomeAgent && code != status::mcoaUnknownCareOf) return std::nullopt;
        released();
        return Answer::Released;
    }
    if ((code == status::mcoaUnknownCareOf || code == status::mcoaMalformed) && !full) {
        // MCOA-MN-11, MCOA-HA-14: once more, with the care-of address.
        bound_.reset();
        return again();
    }
    if (code < 128) return std::nullopt;
    abandon(now);
    return Answer::Refused;
}

void RouteOptimisation::released()
{
    releasing_ = false;
    bound_.reset();
    update_.sent = 0;
    homeToken_.reset();  // RR-CN-09: what deleted a binding makes no new one
}

void RouteOptimisation::accept(TimePoint now, const Sent& sent, WireLifetime granted)
{
    granted_ = granted;
    bound_ = careOf_;
    expires_ = sent.time + toDuration(granted_);
    restart(now);
    refreshAt_ = sent.time + (expires_ - sent.time) * 9 / 10;
    for (Attempt* attempt : {&homeInit_, &careOfInit_, &update_}) attempt->next = *refreshAt_;
}

std::optional<TimePoint> RouteOptimisation::nextDeadline() const
{
    const TimePoint now = seen_;
    std::optional<TimePoint> next = abandonedUntil_;
    if (bound_) next = earlier(next, expires_);
    if (abandonedUntil_) return next;
    if (bound_ == careOf_ && refreshAt_ && now < *refreshAt_) return earlier(next, refreshAt_);
    if (!wantsUpdate(now)) return next;
    const bool home = isFresh(homeToken_, now);
    const bool careOf = releasing_ || isFresh(careOfToken_, now);
    if (!home && !homeTestWaits_) next = earlier(next, homeInit_.next);
    if (!careOf) next = earlier(next, careOfInit_.next);
    if (home && careOf && update_.next) next = earlier(next, updateWaits_ ? std::max(*update_.next, *updateWaits_) : *update_.next);
    return next;
}

bool RouteOptimisation::finished(TimePoint now) const
{
    return !registeredCareOf(now) && now >= lastUse_ + idleAfter && (!abandonedUntil_ || now >= *abandonedUntil_);
}

}  // namespace roamscope::node
