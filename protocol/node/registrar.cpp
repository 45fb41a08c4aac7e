// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/registrar.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::BindingUpdate;
namespace status = wire::bindingStatus;
using Action = Registrar::Verdict::Action;

namespace {

Registrar::Verdict drop(std::string_view reason)
{
    Registrar::Verdict verdict;
    verdict.reason = reason;
    return verdict;
}

Duration toDuration(WireLifetime lifetime) { return std::chrono::seconds(4 * std::int64_t{lifetime.count()}); }

}  // namespace

Registrar::Verdict Registrar::judge(TimePoint now, const BindingRequest& request)
{
    const BindingUpdate& update = request.update;
    const Ipv6Address home = request.homeAddressOption.value_or(request.source);
    const auto* alternate = wire::findOption<wire::AlternateCareOfAddress>(update.options);
    const Ipv6Address careOf = alternate ? alternate->address : request.source;
    const bool deletes = update.lifetime.count() == 0;

    // Broken requests get no answer (HA-BU-01, HA-BU-09, RFC 6275 §9.5.1).
    if (!request.source.isUnicastRoutable()) return drop("HA-BU-06");
    if (!request.homeAddressOption && !deletes) return drop("HA-BU-09");
    if (!home.isUnicastRoutable()) return drop("HA-BU-01");
    if (!careOf.isUnicastRoutable()) return drop("HA-BU-09");
    const bool serves = policy_.map ? update.has(BindingUpdate::mapRegistration) : update.has(BindingUpdate::homeRegistration);
    // A registration with a correspondent needs return routability, which an anchor alone does not offer (RR-CN-06).
    if (!serves && !update.has(BindingUpdate::homeRegistration)) return drop("RR-CN-06");
    if (wire::findOption<wire::NonceIndices>(update.options)) return drop("HA-BU-01");

    Binding wanted{Binding::State::Verifying, home, careOf, update.sequence, update.flags, update.lifetime, {}, {}, request.destination,
                   request.source};
    const auto refuse = [&](std::uint8_t code, std::string_view reason) {
        Verdict verdict = answer(wanted, code, WireLifetime{0});
        verdict.routingHeader = request.homeAddressOption.has_value();
        verdict.reason = reason;
        return verdict;
    };
    if (!serves) return refuse(status::homeRegistrationNotSupported, "HA-BU-03");

    // The window counts for a live entry and for one deleted a moment ago (HA-BU-02, HA-DEREG-02).
    const auto it = bindings_.find(home);
    const bool known = it != bindings_.end();
    if (known && !isNewer(update.sequence, it->second.sequence)) {
        Verdict verdict = refuse(status::sequenceOutOfWindow, "HA-BU-02");
        verdict.ack.sequence = it->second.sequence;
        return verdict;
    }
    const bool inPrefix = std::any_of(policy_.homePrefixes.begin(), policy_.homePrefixes.end(), [&](const Prefix& p) { return p.contains(home); });
    if (!inPrefix) return refuse(status::notHomeSubnet, "HA-BU-03");

    // HA-BU-04: an address of our own is taken, whatever duplicate address detection would say about it.
    if (std::find(policy_.own.begin(), policy_.own.end(), home) != policy_.own.end())
        return refuse(status::duplicateAddressDetectionFailed, "HA-BU-04");

    const bool live = known && it->second.state != Binding::State::Deleted;
    if (deletes) {
        if (!live) return refuse(status::notHomeAgent, "HA-DEREG-01");
        Verdict verdict = answer(wanted, status::accepted, WireLifetime{0});
        verdict.routingHeader = request.homeAddressOption.has_value();
        verdict.removed = it->second;
        it->second.state = Binding::State::Deleted;
        it->second.sequence = update.sequence;
        it->second.expires = now + deletedKept;
        return verdict;
    }
    if (!live && liveBindings() >= policy_.maximumBindings) return refuse(status::insufficientResources, "HA-BU-03");

    // HA-BU-05: never more than asked for, nor than we grant.
    const auto most = static_cast<std::uint16_t>(std::clamp<std::int64_t>(policy_.maximumLifetime.count() / 4, 1, 0xffff));
    wanted.granted = WireLifetime{std::min(update.lifetime.count(), most)};

    if (live && it->second.state == Binding::State::Valid) {
        wanted.state = Binding::State::Valid;
        wanted.expires = now + toDuration(wanted.granted);
        Verdict verdict = answer(wanted, status::accepted, wanted.granted);
        if (it->second.careOfAddress != careOf) verdict.replaced = it->second.careOfAddress;
        it->second = wanted;
        return verdict;
    }
    const bool verifying = live;
    bindings_[home] = wanted;
    if (!policy_.verify) return verified(now, home, true);
    Verdict verdict = answer(wanted, status::accepted, wanted.granted);
    verdict.action = verifying ? Action::Wait : Action::Verify;
    return verdict;
}

Registrar::Verdict Registrar::verified(TimePoint now, const Ipv6Address& homeAddress, bool unique)
{
    const auto it = bindings_.find(homeAddress);
    if (it == bindings_.end() || it->second.state != Binding::State::Verifying) return drop("");
    if (!unique) {
        Verdict verdict = answer(it->second, status::duplicateAddressDetectionFailed, WireLifetime{0});
        verdict.reason = "HA-BU-04";
        bindings_.erase(it);
        return verdict;
    }
    it->second.state = Binding::State::Valid;
    it->second.expires = now + toDuration(it->second.granted);
    return answer(it->second, status::accepted, it->second.granted);
}

std::optional<Binding> Registrar::end(TimePoint now, const Ipv6Address& homeAddress)
{
    const auto it = bindings_.find(homeAddress);
    if (it == bindings_.end() || it->second.state != Binding::State::Valid) return std::nullopt;
    const Binding ended = it->second;
    it->second.state = Binding::State::Deleted;
    it->second.expires = now + deletedKept;
    return ended;
}

std::vector<Binding> Registrar::expire(TimePoint now)
{
    std::vector<Binding> ended;
    for (auto it = bindings_.begin(); it != bindings_.end();) {
        const Binding& binding = it->second;
        if (binding.state == Binding::State::Verifying || now < binding.expires) {
            ++it;
            continue;
        }
        if (binding.state == Binding::State::Valid) ended.push_back(binding);
        it = bindings_.erase(it);
    }
    return ended;
}

std::optional<TimePoint> Registrar::nextDeadline() const
{
    std::optional<TimePoint> next;
    for (const auto& [home, binding] : bindings_)
        if (binding.state != Binding::State::Verifying) next = earlier(next, binding.expires);
    return next;
}

const Binding* Registrar::find(const Ipv6Address& homeAddress) const
{
    const auto it = bindings_.find(homeAddress);
    return it != bindings_.end() && it->second.state == Binding::State::Valid ? &it->second : nullptr;
}

Registrar::Verdict Registrar::answer(const Binding& binding, std::uint8_t code, WireLifetime lifetime) const
{
    Verdict verdict;
    verdict.action = Action::Answer;
    verdict.homeAddress = binding.homeAddress;
    verdict.replyTo = binding.replyTo;
    verdict.anchorAddress = binding.anchorAddress;
    verdict.ack.status = code;
    verdict.ack.sequence = binding.sequence;
    verdict.ack.lifetime = lifetime;
    return verdict;
}

std::size_t Registrar::liveBindings() const
{
    return static_cast<std::size_t>(std::count_if(bindings_.begin(), bindings_.end(),
                                                  [](const auto& entry) { return entry.second.state != Binding::State::Deleted; }));
}

}  // namespace roamscope::node
