// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/correspondent_cache.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::BindingUpdate;
namespace status = wire::bindingStatus;
using Verdict = CorrespondentCache::Verdict;
using Action = Verdict::Action;
using State = CorrespondentBinding::State;

namespace {

Verdict dropped(Verdict verdict, std::string_view reason)
{
    verdict.action = Action::Drop;
    verdict.reason = reason;
    return verdict;
}

/// RR-CN-07: some refusals are told even to those who asked for no answer. RFC 5648 §6.2 adds those of identifiers.
bool isAlwaysTold(std::uint8_t code)
{
    return code == status::notHomeAgent || (code >= status::mcoaMalformed && code <= status::mcoaHomeAndForeignProhibited) || code == status::insufficientResources || code == status::sequenceOutOfWindow || code == status::registrationTypeChange ||
           (code >= status::expiredHomeNonce && code <= status::expiredNonces);
}

Verdict answered(Verdict verdict, const BindingUpdate& update, std::uint8_t code, WireLifetime lifetime, std::string_view reason = {})
{
    verdict.action = update.has(BindingUpdate::acknowledge) || isAlwaysTold(code) ? Action::Answer : code < 128 ? Action::Accept : Action::Drop;
    verdict.ack.status = code;
    verdict.ack.sequence = update.sequence;
    verdict.ack.lifetime = lifetime;
    verdict.reason = reason;
    return verdict;
}

/// 136, 137 or 138 when a nonce is not known (any more); 0 when all are.
std::uint8_t nonceFault(bool home, bool careOf)
{
    if (home && careOf) return 0;
    return home ? status::expiredCareOfNonce : careOf ? status::expiredHomeNonce : status::expiredNonces;
}

}  // namespace

bool CorrespondentBinding::isAt(const Ipv6Address& address) const
{
    if (careOfs.empty()) return careOfAddress == address;
    return std::any_of(careOfs.begin(), careOfs.end(), [&](const BidBinding& b) { return b.careOfAddress == address; });
}

std::vector<BidBinding> CorrespondentBinding::parts() const
{
    if (careOfs.empty()) return {BidBinding{0, careOfAddress, false, 0, expires, granted}};
    return careOfs;
}

Ipv6Address CorrespondentCache::registered(const BindingRequest& request, const Ipv6Address& homeAddress) const
{
    const auto* alternate = wire::findOption<wire::AlternateCareOfAddress>(request.update.options);
    const Ipv6Address otherwise = alternate ? alternate->address : request.source;
    const auto* bid = bids_.support == BidPolicy::Support::Unknown ? nullptr : wire::findOption<wire::BindingIdentifier>(request.update.options);
    if (!bid) return otherwise;
    if (bid->careOfAddress.empty()) {
        const CorrespondentBinding* known = find(homeAddress);
        if (!known) return request.source;
        const auto it = std::find_if(known->careOfs.begin(), known->careOfs.end(), [&](const BidBinding& b) { return b.bid == bid->bid; });
        return it == known->careOfs.end() ? request.source : it->careOfAddress;
    }
    // One that cannot be is refused later, and by what is proven then.
    Ipv6Address address;
    if (bid->careOfAddress.size() != address.octets.size()) return request.source;
    std::copy(bid->careOfAddress.begin(), bid->careOfAddress.end(), address.octets.begin());
    return address.isUnicastRoutable() ? address : request.source;
}

Verdict CorrespondentCache::refused(Verdict verdict, const BindingUpdate& update, std::uint8_t code, std::string_view reason) const
{
    verdict = answered(std::move(verdict), update, code, WireLifetime{0}, reason);
    if (bids_.support == BidPolicy::Support::Unknown) return verdict;
    for (const wire::BindingIdentifier& bid : echoed(update)) verdict.ack.options.push_back(bid);
    return verdict;
}

Verdict CorrespondentCache::notAHomeAgent(Verdict verdict, const BindingUpdate& update) const
{
    const CorrespondentBinding* known = find(verdict.homeAddress);
    if (!known) return refused(std::move(verdict), update, status::homeRegistrationNotSupported, "RR-CN-17");
    if (isNewer(update.sequence, known->sequence)) return refused(std::move(verdict), update, status::registrationTypeChange, "RR-CN-17");
    verdict = refused(std::move(verdict), update, status::sequenceOutOfWindow, "RR-CN-17");
    verdict.ack.sequence = known->sequence;
    return verdict;
}

Verdict CorrespondentCache::judge(TimePoint now, const BindingRequest& request, ByteView message, Nonces& nonces)
{
    const BindingUpdate& update = request.update;
    const bool deletes = update.lifetime.count() == 0;
    Verdict verdict;
    verdict.homeAddress = request.homeAddressOption.value_or(request.source);
    const Ipv6Address careOf = registered(request, verdict.homeAddress);
    // RR-CN-04: whatever is deleted is proven with the home address in place of the care-of address.
    verdict.careOfAddress = deletes ? verdict.homeAddress : careOf;

    if (!request.source.isUnicastRoutable()) return dropped(std::move(verdict), "RR-CN-15");
    if (!verdict.homeAddress.isUnicastRoutable() || (!deletes && !careOf.isUnicastRoutable())) return dropped(std::move(verdict), "RR-CN-19");

    // Addresses of our own are nobody's mobile node and no way to one.
    if (verdict.homeAddress == request.destination || careOf == request.destination) return dropped(std::move(verdict), "RR-CN-19");
    if (hasBrokenOptions(update.options)) return dropped(std::move(verdict), "RR-CN-06");

    const auto* indices = wire::findOption<wire::NonceIndices>(update.options);
    const bool hasData = wire::findOption<wire::BindingAuthorizationData>(update.options) != nullptr;
    if (!indices && !hasData && update.has(BindingUpdate::homeRegistration))
        return notAHomeAgent(std::move(verdict), update);
    if (!indices || !hasData) return dropped(std::move(verdict), "RR-CN-06");

    Proof proof{nonces.find(now, indices->home), deletes ? nullptr : nonces.find(now, indices->careOf), {}};
    if (const std::uint8_t fault = nonceFault(proof.home != nullptr, deletes || proof.careOf != nullptr); fault != 0)
        return refused(std::move(verdict), update, fault, "RR-CN-06");
    std::optional<std::uint64_t> careOfToken;
    if (!deletes) careOfToken = nonces.token(*proof.careOf, careOf, TokenKind::CareOf);
    proof.key = bindingKey(nonces.token(*proof.home, verdict.homeAddress, TokenKind::Home), careOfToken);
    if (!isAuthorized(update.options, proof.key, verdict.careOfAddress, request.destination, message)) return dropped(std::move(verdict), "RR-CN-06");
    return judgeProven(now, request, std::move(verdict), proof, nonces);
}

Verdict CorrespondentCache::judgeProven(TimePoint now, const BindingRequest& request, Verdict verdict, const Proof& proof, Nonces& nonces)
{
    const BindingUpdate& update = request.update;
    const Ipv6Address home = verdict.homeAddress;
    const bool deletes = update.lifetime.count() == 0;
    const auto it = bindings_.find(home);
    const bool known = it != bindings_.end();
    const bool live = known && it->second.state == State::Live;
    verdict.key = proof.key;
    // Indices come round again. When that nonce has ended so have the older ones.
    if (known && it->second.firstHomeNonce && !nonces.find(now, *it->second.firstHomeNonce)) it->second.firstHomeNonce.reset();
    if (const auto code = known ? repeats(it->second, update, proof) : std::nullopt) {
        const bool proves = *code == status::sequenceOutOfWindow;
        if (!proves) verdict.key.clear();
        verdict = refused(std::move(verdict), update, *code, proves ? "RR-CN-17" : "RR-CN-09");
        if (proves) verdict.ack.sequence = it->second.sequence;
        return verdict;
    }
    if (update.has(BindingUpdate::homeRegistration)) {
        const std::uint8_t code = live ? status::registrationTypeChange : status::homeRegistrationNotSupported;
        return refused(std::move(verdict), update, code, "RR-CN-17");
    }
    if (bids_.support != BidPolicy::Support::Unknown && hasBids(update)) return judgeIdentified(now, request, std::move(verdict), proof, nonces);
    if (deletes) {
        if (live) {
            it->second.sequence = update.sequence;
            for (const BidBinding& b : it->second.careOfs) forgetProof(it->second, b.bid, nonces);
            end(it->second, State::Deleted);
            // The mobile node may want the same care-of address again at once: with other nonces it can.
            nonces.retire(it->second.homeNonce);
            nonces.retire(it->second.careOfNonce);
        }
        return answered(std::move(verdict), update, status::accepted, WireLifetime{0});
    }
    if (known && isBarred(it->second, verdict.careOfAddress, proof)) {
        verdict.key.clear();
        return answered(std::move(verdict), update, status::expiredNonces, WireLifetime{0}, "RR-CN-09");
    }
    if (!live && live_ >= maximumBindings_)
        return answered(std::move(verdict), update, status::insufficientResources, WireLifetime{0}, "RR-CN-07");

    if (!live) ++live_;
    const WireLifetime granted{std::min(update.lifetime.count(), maximumLifetime.count())};
    // MCOA-HA-01: whatever had an identifier is replaced. What proved something that was deleted stays known.
    auto proofs = known ? std::move(it->second.proofs) : std::vector<CorrespondentBinding::Proof>{};
    std::erase_if(proofs, [&](const auto& p) { return !p.deleted || p.end <= now; });
    CorrespondentBinding& binding = bindings_[home];
    noteHomeNonce(binding, known, proof);
    binding = {home, verdict.careOfAddress, update.sequence, granted, now + toDuration(granted), State::Live, proof.home->index, proof.careOf->index,
               std::min(proof.home->from, proof.careOf->from) + nonces.lifetime(), binding.newestHomeNonce, binding.firstHomeNonce, 0, {}, std::move(proofs)};
    arm(binding);
    if (bindings_.size() > 2 * maximumBindings_) forgetOldest(nonces);
    return answered(std::move(verdict), update, status::accepted, granted);
}

Verdict CorrespondentCache::judgeIdentified(TimePoint now, const BindingRequest& request, Verdict verdict, const Proof& proof, Nonces& nonces)
{
    const BindingUpdate& update = request.update;
    const Ipv6Address home = verdict.homeAddress;
    const bool deletes = update.lifetime.count() == 0;
    auto it = bindings_.find(home);
    const bool live = it != bindings_.end() && it->second.state == State::Live;
    if (!deletes && it != bindings_.end() && isBarred(it->second, verdict.careOfAddress, proof)) {
        verdict.key.clear();
        return refused(std::move(verdict), update, status::expiredNonces, "RR-CN-09");
    }
    if (!deletes && !live && live_ >= maximumBindings_) return refused(std::move(verdict), update, status::insufficientResources, "RR-CN-07");

    static const std::vector<BidBinding> nothing;
    const WireLifetime granted{std::min(update.lifetime.count(), maximumLifetime.count())};
    const TimePoint expires = now + toDuration(granted);
    BidOutcome outcome = applyBids({update, home, live ? it->second.careOfs : nothing, live && it->second.careOfs.empty(), expires, granted}, bids_);
    const auto withAnswers = [&](Verdict v) {
        v.ack.options.insert(v.ack.options.end(), outcome.answers.begin(), outcome.answers.end());
        return v;
    };
    if (!outcome.processed && it != bindings_.end()) it->second.sequence = update.sequence;  // RFC 6275 §9.5.1: it was valid
    if (!outcome.processed) return withAnswers(answered(std::move(verdict), update, outcome.status, WireLifetime{0}, "MCOA-CN-07"));
    const std::uint16_t bid = outcome.answers.front().bid;  // MCOA-CN-01: there is one
    if (deletes) {
        it->second.sequence = update.sequence;
        forgetProof(it->second, bid, nonces);
        if (outcome.bindings.empty()) end(it->second, State::Deleted);
        it->second.careOfs = std::move(outcome.bindings);
        settle(it->second);
        return withAnswers(answered(std::move(verdict), update, outcome.status, WireLifetime{0}));
    }
    if (!live) ++live_;
    CorrespondentBinding& binding = bindings_[home];
    noteHomeNonce(binding, it != bindings_.end(), proof);
    binding.homeAddress = home;
    binding.state = State::Live;
    binding.sequence = update.sequence;
    binding.granted = granted;
    binding.careOfs = std::move(outcome.bindings);
    binding.homeNonce = proof.home->index;
    binding.careOfNonce = proof.careOf->index;
    const auto isHeld = [&](const CorrespondentBinding::Proof& p) {
        return p.bid != bid && std::any_of(binding.careOfs.begin(), binding.careOfs.end(), [&](const BidBinding& b) { return b.bid == p.bid; });
    };
    std::erase_if(binding.proofs, [&](const auto& p) { return p.deleted ? p.end <= now : !isHeld(p); });
    binding.proofs.push_back({bid, verdict.careOfAddress, proof.home->index, proof.careOf->index, std::min(proof.home->from, proof.careOf->from) + nonces.lifetime(), false});
    binding.nonceEnd = std::max_element(binding.proofs.begin(), binding.proofs.end(), [](const auto& a, const auto& b) { return a.end < b.end; })->end;
    if (binding.proofs.size() > CorrespondentBinding::maxProofs) {
        nonces.forget(binding.proofs.front().homeNonce);
        binding.proofs.erase(binding.proofs.begin());
    }
    settle(binding);
    if (bindings_.size() > 2 * maximumBindings_) forgetOldest(nonces);
    return withAnswers(answered(std::move(verdict), update, outcome.status, granted));
}

std::optional<std::uint8_t> CorrespondentCache::repeats(const CorrespondentBinding& known, const BindingUpdate& update, const Proof& proof)
{
    if (known.firstHomeNonce && isNewer(*known.firstHomeNonce, proof.home->index)) return status::expiredHomeNonce;
    if (isNewer(update.sequence, known.sequence)) return std::nullopt;
    // Without a binding any number is good, and a mobile node may begin with any. One that has ended is remembered for copies of its old
    // updates alone (RFC 6275 §5.2.8), and none of those has a newer home nonce.
    if (known.state != State::Live && isNewer(proof.home->index, known.newestHomeNonce)) return std::nullopt;
    return status::sequenceOutOfWindow;
}

void CorrespondentCache::noteHomeNonce(CorrespondentBinding& binding, bool known, const Proof& proof)
{
    const std::uint16_t index = proof.home->index;
    if (known && binding.state != State::Live && isNewer(index, binding.newestHomeNonce)) binding.firstHomeNonce = index;
    binding.newestHomeNonce = known ? newest(binding.newestHomeNonce, index) : index;
}

bool CorrespondentCache::isBarred(const CorrespondentBinding& binding, const Ipv6Address& careOfAddress, const Proof& proof)
{
    // RR-CN-09: what authorized a binding that is gone authorizes nothing any more.
    if (binding.state == State::Deleted && binding.homeNonce == proof.home->index && binding.careOfNonce == proof.careOf->index && binding.careOfAddress == careOfAddress) return true;
    return std::any_of(binding.proofs.begin(), binding.proofs.end(), [&](const CorrespondentBinding::Proof& p) {
        return p.deleted && p.homeNonce == proof.home->index && p.careOfNonce == proof.careOf->index && p.careOfAddress == careOfAddress;
    });
}

void CorrespondentCache::forgetProof(CorrespondentBinding& binding, std::uint16_t bid, Nonces& nonces)
{
    for (CorrespondentBinding::Proof& p : binding.proofs) {
        if (p.deleted || p.bid != bid) continue;
        p.deleted = true;
        nonces.retire(p.homeNonce);
        nonces.retire(p.careOfNonce);
    }
}

void CorrespondentCache::settle(CorrespondentBinding& binding)
{
    const BidBinding* first = preferred(binding.careOfs);
    if (!first) return;
    binding.careOfAddress = first->careOfAddress;
    binding.expires = std::min_element(binding.careOfs.begin(), binding.careOfs.end(), [](const BidBinding& a, const BidBinding& b) { return a.expires < b.expires; })->expires;
    arm(binding);
}

void CorrespondentCache::arm(const CorrespondentBinding& binding)
{
    timers_.set(binding.homeAddress, binding.expires);
    timers_.drop(holds());
}

void CorrespondentCache::forgetOldest(Nonces& nonces)
{
    auto oldest = bindings_.end();
    for (auto it = bindings_.begin(); it != bindings_.end(); ++it)
        if (it->second.state != State::Live && (oldest == bindings_.end() || it->second.expires < oldest->second.expires)) oldest = it;
    if (oldest == bindings_.end()) return;
    // RR-CN-09: with its memory goes what it was proven by.
    nonces.forget(oldest->second.homeNonce);
    for (const CorrespondentBinding::Proof& p : oldest->second.proofs) nonces.forget(p.homeNonce);
    bindings_.erase(oldest);
    timers_.drop(holds());
}

void CorrespondentCache::end(CorrespondentBinding& binding, State state)
{
    --live_;
    binding.state = state;
    binding.expires = binding.nonceEnd;
    binding.careOfs.clear();
    arm(binding);
}

const CorrespondentBinding* CorrespondentCache::find(const Ipv6Address& homeAddress) const
{
    const auto it = bindings_.find(homeAddress);
    return it != bindings_.end() && it->second.state == State::Live ? &it->second : nullptr;
}

bool CorrespondentCache::unreachable(const Ipv6Address& homeAddress, const Ipv6Address& careOfAddress)
{
    const auto it = bindings_.find(homeAddress);
    if (it == bindings_.end() || it->second.state != State::Live || ++it->second.unreachable <= toleratedErrors) return false;
    CorrespondentBinding& binding = it->second;
    binding.unreachable = 0;
    std::erase_if(binding.careOfs, [&](const BidBinding& b) { return b.careOfAddress == careOfAddress; });
    if (binding.careOfs.empty()) end(binding, State::Ended);
    settle(binding);
    return true;
}

bool CorrespondentCache::revoke(const Ipv6Address& homeAddress)
{
    const auto it = bindings_.find(homeAddress);
    if (it == bindings_.end() || it->second.state != CorrespondentBinding::State::Live) return false;
    end(it->second, CorrespondentBinding::State::Ended);
    return true;
}

std::vector<CorrespondentBinding> CorrespondentCache::expire(TimePoint now)
{
    std::vector<CorrespondentBinding> ended;
    for (const Ipv6Address& home : timers_.takeDue(now, holds())) {
        const auto it = bindings_.find(home);
        if (it == bindings_.end() || now < it->second.expires) continue;  // it was set twice
        CorrespondentBinding& binding = it->second;
        if (binding.state == State::Live) {
            ended.push_back(binding);
            std::erase_if(binding.careOfs, [&](const BidBinding& b) { return b.expires <= now; });
            if (binding.careOfs.empty()) end(binding, State::Ended);
            settle(binding);
        }
        if (now >= binding.expires) bindings_.erase(it);
    }
    timers_.drop(holds());
    return ended;
}

}  // namespace roamscope::node
