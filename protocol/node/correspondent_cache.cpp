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

/// RR-CN-07: some refusals are told even to those who asked for no answer.
bool isAlwaysTold(std::uint8_t code)
{
    return code == status::insufficientResources || code == status::sequenceOutOfWindow || code == status::registrationTypeChange ||
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

Verdict CorrespondentCache::judge(TimePoint now, const BindingRequest& request, ByteView message, Nonces& nonces)
{
    const BindingUpdate& update = request.update;
    const bool deletes = update.lifetime.count() == 0;
    const auto* alternate = wire::findOption<wire::AlternateCareOfAddress>(update.options);
    Verdict verdict;
    verdict.homeAddress = request.homeAddressOption.value_or(request.source);
    const Ipv6Address careOf = alternate ? alternate->address : request.source;
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
        return answered(std::move(verdict), update, status::homeRegistrationNotSupported, WireLifetime{0}, "RR-CN-17");
    if (!indices || !hasData) return dropped(std::move(verdict), "RR-CN-06");

    Proof proof{nonces.find(now, indices->home), deletes ? nullptr : nonces.find(now, indices->careOf), {}};
    if (const std::uint8_t fault = nonceFault(proof.home != nullptr, deletes || proof.careOf != nullptr); fault != 0)
        return answered(std::move(verdict), update, fault, WireLifetime{0}, "RR-CN-06");
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
    if (known && !isNewer(update.sequence, it->second.sequence)) {
        verdict = answered(std::move(verdict), update, status::sequenceOutOfWindow, WireLifetime{0}, "RR-CN-17");
        verdict.ack.sequence = it->second.sequence;
        return verdict;
    }
    if (update.has(BindingUpdate::homeRegistration)) {
        const std::uint8_t code = live ? status::registrationTypeChange : status::homeRegistrationNotSupported;
        return answered(std::move(verdict), update, code, WireLifetime{0}, "RR-CN-17");
    }
    if (deletes) {
        if (live) {
            it->second.sequence = update.sequence;
            end(it->second, State::Deleted);
            // The mobile node may want the same care-of address again at once: with other nonces it can.
            nonces.retire(it->second.homeNonce);
            nonces.retire(it->second.careOfNonce);
        }
        return answered(std::move(verdict), update, status::accepted, WireLifetime{0});
    }
    // RR-CN-09: what authorized a binding that is gone authorizes nothing any more.
    if (known && it->second.state == State::Deleted && it->second.homeNonce == proof.home->index && it->second.careOfNonce == proof.careOf->index &&
        it->second.careOfAddress == verdict.careOfAddress) {
        verdict.key.clear();
        return answered(std::move(verdict), update, status::expiredNonces, WireLifetime{0}, "RR-CN-09");
    }
    if (!live && live_ >= maximumBindings_)
        return answered(std::move(verdict), update, status::insufficientResources, WireLifetime{0}, "RR-CN-07");

    if (!live) ++live_;
    const WireLifetime granted{std::min(update.lifetime.count(), maximumLifetime.count())};
    bindings_[home] = {home, verdict.careOfAddress, update.sequence, granted, now + std::chrono::seconds(4 * std::int64_t{granted.count()}), State::Live,
                       proof.home->index, proof.careOf->index, std::min(proof.home->from, proof.careOf->from) + nonces.lifetime()};
    if (bindings_.size() > 2 * maximumBindings_) forgetOldest(nonces);
    return answered(std::move(verdict), update, status::accepted, granted);
}

void CorrespondentCache::forgetOldest(Nonces& nonces)
{
    auto oldest = bindings_.end();
    for (auto it = bindings_.begin(); it != bindings_.end(); ++it)
        if (it->second.state != State::Live && (oldest == bindings_.end() || it->second.expires < oldest->second.expires)) oldest = it;
    if (oldest == bindings_.end()) return;
    // RR-CN-09: with its memory goes what it was proven by.
    nonces.forget(oldest->second.homeNonce);
    bindings_.erase(oldest);
}

void CorrespondentCache::end(CorrespondentBinding& binding, State state)
{
    --live_;
    binding.state = state;
    binding.expires = binding.nonceEnd;
}

const CorrespondentBinding* CorrespondentCache::find(const Ipv6Address& homeAddress) const
{
    const auto it = bindings_.find(homeAddress);
    return it != bindings_.end() && it->second.state == State::Live ? &it->second : nullptr;
}

bool CorrespondentCache::unreachable(const Ipv6Address& homeAddress)
{
    const auto it = bindings_.find(homeAddress);
    if (it == bindings_.end() || it->second.state != State::Live || ++it->second.unreachable <= toleratedErrors) return false;
    end(it->second, State::Ended);
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
    for (auto it = bindings_.begin(); it != bindings_.end();) {
        if (now < it->second.expires) {
            ++it;
            continue;
        }
        if (it->second.state == State::Live) {
            ended.push_back(it->second);
            end(it->second, State::Ended);
        }
        if (now < it->second.expires) ++it;
        else it = bindings_.erase(it);
    }
    return ended;
}

std::optional<TimePoint> CorrespondentCache::nextDeadline() const
{
    std::optional<TimePoint> next;
    for (const auto& [home, binding] : bindings_) next = earlier(next, binding.expires);
    return next;
}

}  // namespace roamscope::node
