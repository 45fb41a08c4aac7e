// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/registrar.hpp"

#include "protocol/wire/ipv4.hpp"

#include <algorithm>
#include <tuple>

namespace roamscope::node {

using wire::BindingUpdate;
namespace status = wire::bindingStatus;
using Action = Registrar::Verdict::Action;

namespace {

constexpr std::uint8_t lastBasicOption = 5;  // Binding Authorization Data, RFC 6275 §6.2.7
constexpr std::uint8_t bidType = 35;         // Binding Identifier, RFC 5648 §4.1

Registrar::Verdict silently(std::string_view reason)
{
    Registrar::Verdict verdict;
    verdict.reason = reason;
    return verdict;
}

}  // namespace

bool hasBrokenOptions(const std::vector<wire::MobilityOption>& options)
{
    const auto isAlternate = [](const wire::MobilityOption& o) { return std::holds_alternative<wire::AlternateCareOfAddress>(o); };
    const auto isBroken = [](const wire::MobilityOption& o) {
        const auto* raw = std::get_if<wire::RawMobilityOption>(&o);
        return raw && raw->type <= lastBasicOption;
    };
    return std::count_if(options.begin(), options.end(), isAlternate) > 1 || std::any_of(options.begin(), options.end(), isBroken);
}

namespace {

Ipv6Address careOfAddress(const BindingRequest& request)
{
    const auto* alternate = wire::findOption<wire::AlternateCareOfAddress>(request.update.options);
    return alternate ? alternate->address : request.ipv4Source.value_or(request.source);
}

void append(wire::BindingAck& ack, const std::vector<wire::BindingIdentifier>& identifiers)
{
    ack.options.insert(ack.options.end(), identifiers.begin(), identifiers.end());
}

/// Also where an identifier cannot be read, which is told (MCOA-HA-02): H may have stood there.
bool registersHome(const BindingUpdate& update)
{
    return std::any_of(update.options.begin(), update.options.end(), [](const wire::MobilityOption& option) {
        const auto* bid = std::get_if<wire::BindingIdentifier>(&option);
        const auto* raw = std::get_if<wire::RawMobilityOption>(&option);
        return bid ? bid->home : raw && raw->type == bidType;
    });
}

TimePoint earliest(const std::vector<BidBinding>& bindings)
{
    return std::min_element(bindings.begin(), bindings.end(), [](const BidBinding& a, const BidBinding& b) { return a.expires < b.expires; })->expires;
}

std::string_view ruleOf(std::uint8_t code)
{
    switch (code) {
    case status::administrativelyProhibited: return "HMIP-MAP-08";
    case status::notHomeAgent: return "HA-DEREG-01";
    case status::duplicateAddressDetectionFailed: return "HA-BU-04";
    case status::sequenceOutOfWindow: return "HA-BU-02";
    case status::mobileRouterNotPermitted:
    case status::invalidPrefix:
    case status::notAuthorizedForPrefix:
    case status::forwardingSetupFailed: return "NEMO-HA-01";
    case status::mcoaMalformed: return "MCOA-HA-02";
    case status::mcoaNonMcoaBindingExists: return "MCOA-HA-06";
    case status::mcoaProhibited:
    case status::mcoaBulkProhibited:
    case status::mcoaHomeAndForeignProhibited: return "MCOA-HA-10";
    case status::mcoaUnknownCareOf: return "MCOA-HA-03";
    case status::mcoaNotComplete: return "MCOA-HA-08";
    default: return "HA-BU-03";
    }
}

}  // namespace

std::optional<std::string_view> Registrar::fault(const BindingRequest& request) const
{
    // Broken requests get no answer (HA-BU-01, HA-BU-09, RFC 6275 §9.5.1).
    if (!request.source.isUnicastRoutable()) return "HA-BU-06";
    // The home link beside others is registered from the home address itself (RFC 5648 §5.6.3), which then needs no option.
    const bool fromHome = policy_.bids.support != BidPolicy::Support::Unknown && registersHome(request.update);
    if (!request.homeAddressOption && request.update.lifetime.count() != 0 && !fromHome && !request.ipv4Source) return "HA-BU-09";
    // RFC 5555 §4.2: over IPv4 the home address itself is the source. ::ffff:0:0/96 is nobody's on the wire.
    const auto* alternate = wire::findOption<wire::AlternateCareOfAddress>(request.update.options);
    if (wire::unmapped(request.source) || (alternate && wire::unmapped(alternate->address))) return "HA-BU-09";
    if (request.ipv4Source && (!policy_.ipv4 || request.homeAddressOption.value_or(request.source) != request.source)) return "HA-BU-09";
    // RFC 6275 §3.2: an identifier for a single interface. A router answers to the first address of its prefix (RFC 4291 §2.6.1).
    const Ipv6Address home = request.homeAddressOption.value_or(request.source);
    const auto isFirst = [&](const RouterPrefix& p) { return p.prefix.length < 128 && p.prefix.masked().address == home; };
    const auto isRouters = [&](const std::vector<RouterPrefix>& list) { return std::any_of(list.begin(), list.end(), isFirst); };
    if (!home.isUnicastRoutable() || isRouters(policy_.homePrefixes) || isRouters(policy_.regionalPrefixes)) return "HA-BU-01";
    if (hasBrokenOptions(request.update.options)) return "HA-BU-01";
    if (!careOfAddress(request).isUnicastRoutable()) return "HA-BU-09";
    const bool homeRegistration = request.update.has(BindingUpdate::homeRegistration) || request.update.has(BindingUpdate::mapRegistration);
    if (homeRegistration && wire::findOption<wire::NonceIndices>(request.update.options)) return "HA-BU-01";
    return std::nullopt;
}

Registrar::Verdict Registrar::judge(TimePoint now, const BindingRequest& request)
{
    if (const auto broken = fault(request)) return silently(*broken);
    const BindingUpdate& update = request.update;
    Binding wanted;
    wanted.homeAddress = request.homeAddressOption.value_or(request.source);
    wanted.careOfAddress = careOfAddress(request);
    wanted.sequence = update.sequence;
    wanted.flags = update.flags;
    wanted.requested = update.lifetime;
    wanted.anchorAddress = request.destination;
    wanted.replyTo = request.ipv4Source.value_or(request.source);
    wanted.regional = !policy_.regionalPrefixes.empty() && update.has(BindingUpdate::mapRegistration);
    const bool routingHeader = request.homeAddressOption.has_value() && !request.ipv4Source;
    wanted.routingHeader = routingHeader;

    const bool router = !wanted.regional && !policy_.homePrefixes.empty() && update.has(BindingUpdate::mobileRouter) && policy_.mobileRouters.support != MobileRouterPolicy::Support::Unknown;
    const bool identified = policy_.bids.support != BidPolicy::Support::Unknown && hasBids(update);
    // MCOA-HA-08: whatever is answered, the identifiers come back.
    const auto withIdentifiers = [&](Verdict verdict) {
        if (identified && verdict.action == Action::Answer) append(verdict.ack, echoed(update));
        return verdict;
    };
    // NEMO-HA-01: R goes with H.
    if (router && !update.has(BindingUpdate::homeRegistration)) return withIdentifiers(refuse(wanted, status::mobileRouterNotPermitted, routingHeader));
    if (!wanted.regional && !update.has(BindingUpdate::homeRegistration)) return withIdentifiers(toCorrespondent(wanted, routingHeader));
    if (!wanted.regional && policy_.homePrefixes.empty()) return withIdentifiers(refuse(wanted, status::homeRegistrationNotSupported, routingHeader));

    // NEMO-HA-04: in an update of a mobile router the home address as care-of address is a deletion, too, without identifiers.
    if (router && !identified && wanted.careOfAddress == wanted.homeAddress) wanted.requested = WireLifetime{0};

    Binding* entry = bindings_.find(wanted.homeAddress);
    std::vector<Prefix> networks;
    auto code = refusal(now, wanted, entry, identified);
    if (!code && router && wanted.requested.count() != 0) code = routerRefusal(wanted, entry, update, networks);
    else if (!code && !wanted.regional && wanted.requested.count() != 0) code = routerChange(wanted, entry);
    if (code) {
        Verdict verdict = refuse(wanted, *code, routingHeader);
        // HA-BU-02: the last number that counted. RFC 6275 §9.5.1: that of a valid update does, even when it is refused for what it asks.
        if (*code == status::sequenceOutOfWindow) verdict.ack.sequence = entry->sequence;
        else if (entry && *code != status::registrationTypeChange) entry->sequence = wanted.sequence;
        return withIdentifiers(std::move(verdict));
    }
    if (auto verdict = identify(now, entry, wanted, request, routingHeader)) {
        if (entry) entry->sequence = wanted.sequence;
        return std::move(*verdict);
    }
    // NEMO-HA-02, -03: what is not asked for is not forwarded any more.
    if (wanted.requested.count() != 0 && (router || !routers_.empty())) routers_.set(wanted.homeAddress, networks);
    if (wanted.requested.count() == 0 && wanted.careOfs.empty()) {
        Verdict verdict = erase(now, *entry, wanted);
        verdict.routingHeader = routingHeader;
        addIdentifiers(verdict);
        return verdict;
    }
    if (entry && entry->state == Binding::State::Valid) {
        if (wanted.careOfs.empty()) grant(now, wanted);
        Verdict verdict = renew(*entry, std::move(wanted));
        if (!update.has(BindingUpdate::mobileRouter)) verdict.ack.flags = 0;  // NEMO-HA-03
        return verdict;
    }
    const bool verifying = entry && entry->state == Binding::State::Verifying;
    if (entry && !verifying) --deleted_;
    bindings_.put(wanted);
    if (!(wanted.regional ? policy_.verifyRegional : policy_.verify)) return verified(now, wanted.homeAddress, true);
    Verdict verdict = answer(wanted, status::accepted, wanted.granted);
    verdict.action = verifying ? Action::Wait : Action::Verify;
    return verdict;
}

std::optional<Registrar::Verdict> Registrar::identify(TimePoint now, const Binding* entry, Binding& wanted, const BindingRequest& request, bool routingHeader)
{
    const BindingUpdate& update = request.update;
    if (policy_.bids.support == BidPolicy::Support::Unknown || !hasBids(update)) {  // MCOA-HA-01, -13
        identified_.erase(wanted.homeAddress);
        return std::nullopt;
    }
    static const std::vector<BidBinding> nothing;
    const bool live = entry && entry->state == Binding::State::Valid;
    if (update.lifetime.count() != 0) grant(now, wanted);
    BidOutcome outcome = applyBids({update, wanted.homeAddress, live ? entry->careOfs.list() : nothing, live && entry->careOfs.empty(), wanted.expires,
                                    wanted.granted, wanted.regional ? &policy_.localPrefixes : nullptr, policy_.ipv4 && !wanted.regional, request.ipv4Source},
                                   policy_.bids);
    if (!outcome.processed) {
        // An update before it may still be tested: its answer is kept (MCOA-HA-08).
        Verdict verdict = refuse(wanted, outcome.status, routingHeader);
        append(verdict.ack, outcome.answers);
        return verdict;
    }
    wanted.careOfs = std::move(outcome.bindings);
    if (const BidBinding* first = preferred(wanted.careOfs)) {
        // MCOA-FWD-01: what traffic verified last stays in use.
        const bool stays = live && !hasPriorities(wanted.careOfs) && !entry->careOfs.empty() && wanted.isAt(entry->careOfAddress);
        wanted.careOfAddress = stays ? entry->careOfAddress : first->careOfAddress;
        wanted.expires = earliest(wanted.careOfs);
    }
    // What is left of a home address after some were deleted goes on as it was.
    if (update.lifetime.count() == 0 && live) {
        wanted.flags = entry->flags;
        wanted.granted = entry->granted;
        wanted.status = entry->status;
    }
    identified_[wanted.homeAddress] = std::move(outcome);
    return std::nullopt;
}

Registrar::Verdict Registrar::renew(Binding& entry, Binding wanted)
{
    wanted.state = Binding::State::Valid;
    Verdict verdict = accept(wanted);
    if (wanted.requested.count() == 0) {
        // HA-DEREG-01: status 0, lifetime 0 and no advice, though others of the home address live on.
        verdict.ack.status = status::accepted;
        verdict.ack.lifetime = WireLifetime{0};
        std::erase_if(verdict.ack.options, [](const wire::MobilityOption& o) { return std::holds_alternative<wire::BindingRefreshAdvice>(o); });
    }
    const auto isSame = [](const BidBinding& a, const BidBinding& b) { return std::tie(a.bid, a.careOfAddress, a.home, a.priority) == std::tie(b.bid, b.careOfAddress, b.home, b.priority); };
    verdict.same = entry.flags == wanted.flags && std::equal(entry.careOfs.begin(), entry.careOfs.end(), wanted.careOfs.begin(), wanted.careOfs.end(), isSame) &&
                   (!wanted.careOfs.empty() || entry.careOfAddress == wanted.careOfAddress);
    if (!verdict.same) verdict.before = entry.parts();
    wanted.timer = entry.timer;
    entry = std::move(wanted);
    bindings_.arm(entry);
    addIdentifiers(verdict);
    return verdict;
}

void Registrar::addIdentifiers(Verdict& verdict)
{
    const auto it = identified_.find(verdict.homeAddress);
    if (it == identified_.end()) return;
    if (it->second.status != status::accepted && verdict.ack.accepted()) verdict.ack.status = it->second.status;
    append(verdict.ack, it->second.answers);
    identified_.erase(it);
}

Registrar::Verdict Registrar::toCorrespondent(const Binding& wanted, bool routingHeader) const
{
    // HA-BU-03: what was registered with the home agent stays so. Any other registration with a correspondent needs return
    // routability, which an anchor does not offer (RR-CN-06).
    const Binding* entry = bindings_.find(wanted.homeAddress);
    if (!entry || entry->state != Binding::State::Valid) return silently("RR-CN-06");
    if (isNewer(wanted.sequence, entry->sequence)) return refuse(wanted, status::registrationTypeChange, routingHeader);
    Verdict verdict = refuse(wanted, status::sequenceOutOfWindow, routingHeader);
    verdict.ack.sequence = entry->sequence;
    return verdict;
}

std::optional<std::uint8_t> Registrar::refusal(TimePoint now, const Binding& wanted, const Binding* entry, bool identified) const
{
    // The window counts for a live entry and for one deleted a moment ago (HA-BU-02, HA-DEREG-02).
    if (entry && !isNewer(wanted.sequence, entry->sequence)) return status::sequenceOutOfWindow;
    const bool live = entry && entry->state != Binding::State::Deleted;
    if (live && entry->regional != wanted.regional) return status::registrationTypeChange;
    if (!prefixOf(now, wanted.homeAddress, wanted.regional)) return status::notHomeSubnet;

    // HA-BU-04: an address of our own is taken, whatever duplicate address detection would say about it.
    const auto isOwn = [&](const Ipv6Address& a) { return std::find(policy_.own.begin(), policy_.own.end(), a) != policy_.own.end(); };
    if (isOwn(wanted.homeAddress)) return status::duplicateAddressDetectionFailed;
    if (wanted.has(BindingUpdate::linkLocal) && isOwn(linkLocal(interfaceId(wanted.homeAddress)))) return status::duplicateAddressDetectionFailed;

    if (!wanted.regional && !policy_.homeAddresses.empty() &&
        std::find(policy_.homeAddresses.begin(), policy_.homeAddresses.end(), wanted.homeAddress) == policy_.homeAddresses.end())
        return status::administrativelyProhibited;
    if (wanted.requested.count() == 0) return live ? std::nullopt : std::optional(status::notHomeAgent);

    const auto covers = [&](const Prefix& p) { return p.contains(wanted.careOfAddress); };
    if (wanted.regional && !identified && !policy_.localPrefixes.empty() && std::none_of(policy_.localPrefixes.begin(), policy_.localPrefixes.end(), covers))
        return status::administrativelyProhibited;
    // RFC 5555 §4.5: there is no UDP around packets that go over IPv6.
    if (policy_.ipv4 && wanted.has(BindingUpdate::forceUdp) && !wire::unmapped(wanted.replyTo)) return status::cannotForceUdp;
    if (!live && bindings_.size() - deleted_ >= policy_.maximumBindings) return status::insufficientResources;
    return std::nullopt;
}

Registrar::Verdict Registrar::erase(TimePoint now, Binding& entry, const Binding& wanted)
{
    Verdict verdict = answer(wanted, status::accepted, WireLifetime{0});
    verdict.removed = entry;
    entry.state = Binding::State::Deleted;
    entry.careOfs.clear();
    routers_.erase(entry.homeAddress);
    entry.sequence = wanted.sequence;
    entry.expires = now + deletedKept;
    ++deleted_;
    bindings_.arm(entry);
    if (deleted_ > policy_.maximumBindings) forgetOldest();
    return verdict;
}

void Registrar::grant(TimePoint now, Binding& binding) const
{
    // HA-BU-05: never more than asked for, than we grant, or than the prefix has left, which counts in whole units of 4 s.
    const RouterPrefix* prefix = prefixOf(now, binding.homeAddress, binding.regional);
    const std::int64_t valid = prefix ? prefix->validAt(now) / 4 : 0;
    const std::int64_t preferred = prefix ? prefix->preferredAt(now) / 4 : 0;
    const std::int64_t most = std::clamp<std::int64_t>(policy_.maximumLifetime.count() / 4, 1, 0xffff);
    const std::int64_t granted = std::min({std::int64_t{binding.requested.count()}, most, valid});
    binding.granted = WireLifetime{static_cast<std::uint16_t>(granted)};
    binding.status = preferred < granted || valid <= granted ? status::prefixDiscoveryNecessary : status::accepted;
    binding.expires = now + toDuration(binding.granted);
}

Registrar::Verdict Registrar::verified(TimePoint now, const Ipv6Address& homeAddress, bool unique)
{
    Binding* entry = bindings_.find(homeAddress);
    if (!entry || entry->state != Binding::State::Verifying) return silently("");
    Binding& binding = *entry;
    const bool ended = !prefixOf(now, homeAddress, binding.regional);
    if (!unique || ended) {
        Verdict verdict = refuse(binding, ended ? status::notHomeSubnet : status::duplicateAddressDetectionFailed, binding.routingHeader);
        if (const auto it = identified_.find(homeAddress); it != identified_.end())
            for (wire::BindingIdentifier& option : it->second.answers) option.status = 0;
        addIdentifiers(verdict);
        drop(binding);
        return verdict;
    }
    binding.state = Binding::State::Valid;
    grant(now, binding);
    for (BidBinding& careOf : binding.careOfs) {
        careOf.expires = binding.expires;
        careOf.granted = binding.granted;
    }
    bindings_.arm(binding);
    Verdict verdict = accept(binding);
    addIdentifiers(verdict);
    return verdict;
}

const RouterPrefix* Registrar::prefixOf(TimePoint now, const Ipv6Address& address, bool regional) const
{
    // Less than one unit is as good as nothing.
    const auto& list = regional ? policy_.regionalPrefixes : policy_.homePrefixes;
    const auto it = std::find_if(list.begin(), list.end(), [&](const RouterPrefix& p) { return p.prefix.contains(address) && p.validAt(now) >= 4; });
    return it == list.end() ? nullptr : &*it;
}

void Registrar::setPrefix(TimePoint now, const RouterPrefix& prefix, bool regional)
{
    auto& list = regional ? policy_.regionalPrefixes : policy_.homePrefixes;
    const auto it = std::find_if(list.begin(), list.end(), [&](const RouterPrefix& p) { return p.prefix.masked() == prefix.prefix.masked(); });
    if (it == list.end()) list.push_back(prefix);
    else *it = prefix;
    for (Binding& binding : bindings_) {
        if (binding.state != Binding::State::Valid || binding.regional != regional || !prefix.prefix.contains(binding.homeAddress)) continue;
        const TimePoint end = now + std::chrono::seconds(prefix.validAt(now));
        if (end >= binding.expires) continue;
        binding.expires = end;
        for (BidBinding& careOf : binding.careOfs) careOf.expires = std::min(careOf.expires, end);
        bindings_.arm(binding);
    }
}

std::optional<Binding> Registrar::end(TimePoint now, const Ipv6Address& homeAddress)
{
    Binding* entry = bindings_.find(homeAddress);
    if (!entry || entry->state != Binding::State::Valid) return std::nullopt;
    return erase(now, *entry, *entry).removed;
}

std::optional<std::vector<BidBinding>> Registrar::end(const Ipv6Address& homeAddress, const std::vector<std::uint16_t>& bids)
{
    Binding* entry = bindings_.find(homeAddress);
    if (!entry || entry->state != Binding::State::Valid) return std::nullopt;
    const auto isEnded = [&](const BidBinding& b) { return std::find(bids.begin(), bids.end(), b.bid) != bids.end(); };
    const auto found = static_cast<std::size_t>(std::count_if(entry->careOfs.begin(), entry->careOfs.end(), isEnded));
    if (found < bids.size() || found == entry->careOfs.size()) return std::nullopt;  // that would be the binding itself
    std::vector<BidBinding> before = entry->careOfs;
    entry->careOfs.eraseIf(isEnded);
    entry->careOfAddress = preferred(entry->careOfs)->careOfAddress;
    entry->expires = earliest(entry->careOfs);
    bindings_.arm(*entry);
    return before;
}

// ---- time

std::vector<Binding> Registrar::expire(TimePoint now)
{
    std::vector<Binding> ended;
    for (Binding* next = bindings_.first(); next && next->expires <= now; next = bindings_.first()) {
        if (next->state == Binding::State::Valid) ended.push_back(*next);
        next->careOfs.eraseIf([&](const BidBinding& b) { return b.expires <= now; });
        if (next->careOfs.empty()) {
            drop(*next);
            continue;
        }
        ended.back().careOfs.eraseIf([&](const BidBinding& b) { return b.expires > now; });
        next->careOfAddress = preferred(next->careOfs)->careOfAddress;
        next->expires = earliest(next->careOfs);
        bindings_.arm(*next);
    }
    return ended;
}

std::optional<TimePoint> Registrar::nextDeadline() const
{
    const Binding* next = bindings_.first();
    return next ? std::optional(next->expires) : std::nullopt;
}

void Registrar::drop(const Binding& binding)
{
    if (binding.state == Binding::State::Deleted) --deleted_;
    identified_.erase(binding.homeAddress);
    routers_.erase(binding.homeAddress);
    bindings_.erase(binding.homeAddress);
}

void Registrar::forgetOldest()
{
    const Binding* oldest = nullptr;
    for (const Binding& binding : bindings_)
        if (binding.state == Binding::State::Deleted && (!oldest || binding.expires < oldest->expires)) oldest = &binding;
    if (oldest) drop(*oldest);
}

const Binding* Registrar::find(const Ipv6Address& homeAddress) const
{
    const Binding* entry = bindings_.find(homeAddress);
    return entry && entry->state == Binding::State::Valid ? entry : nullptr;
}

// ---- answers

Registrar::Verdict Registrar::accept(const Binding& binding) const
{
    Verdict verdict = answer(binding, binding.status, binding.granted);
    // NEMO-HA-03
    constexpr std::uint8_t mobileRouter = 0x40;
    if (binding.has(BindingUpdate::mobileRouter) && routers_.contains(binding.homeAddress)) verdict.ack.flags = mobileRouter;
    // HA-BU-07. We keep nothing over a restart, so advice may be given.
    const std::int64_t advice = policy_.refreshAdvice.count() / 4;
    if (advice > 0 && advice < binding.granted.count())
        verdict.ack.options.push_back(wire::BindingRefreshAdvice{WireLifetime{static_cast<std::uint16_t>(advice)}});
    return verdict;
}

Registrar::Verdict Registrar::answer(const Binding& binding, std::uint8_t code, WireLifetime lifetime) const
{
    Verdict verdict;
    verdict.action = Action::Answer;
    verdict.homeAddress = binding.homeAddress;
    verdict.replyTo = binding.replyTo;
    verdict.anchorAddress = binding.anchorAddress;
    verdict.routingHeader = binding.routingHeader;
    verdict.ack.status = code;  // HA-BU-08: K stays clear, there are no keys that could move
    verdict.ack.sequence = binding.sequence;
    verdict.ack.lifetime = lifetime;
    return verdict;
}

Registrar::Verdict Registrar::refuse(const Binding& wanted, std::uint8_t code, bool routingHeader) const
{
    Verdict verdict = answer(wanted, code, WireLifetime{0});
    verdict.routingHeader = routingHeader;
    verdict.reason = code == status::administrativelyProhibited && !wanted.regional ? std::string_view("SEC-10") : ruleOf(code);
    return verdict;
}

}  // namespace roamscope::node
