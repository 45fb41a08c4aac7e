// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/conformance.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::analysis {

namespace {

using wire::FieldId;
using wire::Severity;

bool has(const Update& update, std::uint16_t flag) { return (update.flags & flag) != 0; }

/// From a gateway for its mobile node. Bit 0x0080 (T, RFC 5845 §6.2) goes with P only; alone it is P of drafts of RFC 5213.
bool isProxy(const Update& u)
{
    constexpr std::uint16_t tlvHeader = 0x0080;
    return has(u, wire::BindingUpdate::proxy) || has(u, tlvHeader);
}

/// Numbers of options, as they stand on the wire.
enum : std::uint64_t { alternateCareOf = 3, ipv4CareOf = 32, bindingIdentifier = 35 };

/// Whether the packet that carries the message (it starts at the last IPv6 header) has such a line, with this number if given.
bool carries(const std::vector<wire::FieldNode>& fields, FieldId id, std::optional<std::uint64_t> number = std::nullopt)
{
    for (auto it = fields.rbegin(); it != fields.rend() && it->field != FieldId::Ipv6; ++it) {
        if (it->field != id) continue;
        const auto* value = std::get_if<std::uint64_t>(&it->value);
        if (!number || (value && *value == *number)) return true;
    }
    return false;
}

/// Without the home address option the source is the home address: right only at home, where the care-of address is the same.
bool sentFromHome(const Update& u)
{
    if (!u.bindings.front().bid) return u.lifetime == Duration{0} && (!u.hasAlternate || u.careOfAddress == u.source);
    // With binding identifiers the binding of the home link says so itself (RFC 5648 §5.6.3); others have addresses of other links.
    return u.lifetime == Duration{0} ||
           std::any_of(u.bindings.begin(), u.bindings.end(), [&](const BidBinding& b) { return b.home || b.careOfAddress != u.source; });
}

std::int64_t wholeSeconds(Duration d) { return std::chrono::duration_cast<std::chrono::seconds>(d).count(); }

}  // namespace

void Conformance::addFrame(FrameIndex index, const std::vector<wire::Finding>& findings)
{
    for (const wire::Finding& finding : findings) {
        if (findings_.size() < maxFindings) findings_.push_back({index, finding});
        else ++dropped_;
    }
}

void Conformance::report(const Place& place, FieldId at, std::string_view rule, Severity severity, std::string_view rfc, std::string text)
{
    wire::Finding finding{rule, severity, std::move(text), rfc, 0, 0};
    // The innermost message is the last one of the frame.
    for (auto it = place.fields.rbegin(); it != place.fields.rend(); ++it) {
        if (it->field != at) continue;
        finding.offset = it->offset;
        finding.length = it->length;
        finding.buffer = it->buffer;
        break;
    }
    addFrame(place.frame, {std::move(finding)});
}

void Conformance::addAdvertisement(const wire::RouterAdvertisement& advertisement, std::uint32_t link)
{
    for (const wire::NdOption& option : advertisement.options) {
        const auto* map = std::get_if<wire::MapOption>(&option);
        if (!map) continue;
        if (map->validLifetime != 0) withdrawn_.erase({link, map->address});
        else if (withdrawn_.size() < maxWithdrawn) withdrawn_.insert({link, map->address});
    }
}

void Conformance::addSignal(const Signal& signal, const Observation& o, const std::vector<wire::FieldNode>& fields,
                            const ExchangeTracker& exchanges, const BindingHistory& bindings, const Mobiles& mobiles)
{
    const Place place{o.index, o.link, fields};
    switch (signal.kind) {
    case Signal::Kind::Update: return update(*signal.update, place, mobiles);
    case Signal::Kind::Answer: return answer(signal, o, place, exchanges, bindings);
    case Signal::Kind::Unmatched:
        // A capture that began too late shows answers without updates; only a known conversation can be judged.
        if (signal.peerKnown && signal.answer->status != wire::bindingStatus::sequenceOutOfWindow)
            report(place, FieldId::BaSequence, "MN-BU-08", Severity::Error, "RFC 6275 §11.7.3",
                   fmt::format("acknowledgement with sequence {}, but no such Binding Update is outstanding", signal.answer->sequence));
        return;
    default: return;
    }
}

void Conformance::update(const Update& u, const Place& place, const Mobiles& mobiles)
{
    const bool acknowledge = has(u, wire::BindingUpdate::acknowledge);
    const bool proxy = isProxy(u);
    identifiers(u, place);
    if (u.peer == Role::Map) {
        if (!acknowledge)
            report(place, FieldId::BuFlags, "HMIP-MN-09", Severity::Error, "RFC 5380 §4", "local Binding Update without the A flag");
        if (!u.hasHomeAddressOption && !proxy)
            report(place, FieldId::BuFlags, "HMIP-MN-10", Severity::Error, "RFC 5380 §6.1",
                   "local Binding Update without home address option; it must hold the regional care-of address");
        else if (mobiles.isHomeAddress(u.homeAddress))
            report(place, FieldId::Ipv6HomeAddress, "HMIP-MN-10", Severity::Error, "RFC 5380 §6.1",
                   fmt::format("local Binding Update whose home address option is the home address {}; it must hold the regional "
                               "care-of address",
                               u.homeAddress.text()));
        // RFC 4140 and 5380 ask for no option, but ESP does not cover the IPv6 header (RFC 4877 §4.3).
        const auto option = [&](std::uint64_t number) { return carries(place.fields, FieldId::MobilityOptionType, number); };
        if (carries(place.fields, FieldId::Esp) && !option(alternateCareOf) && !option(bindingIdentifier))
            report(place, FieldId::BuFlags, "SEC-03", Severity::Note, "RFC 4877 §4.3",
                   "local Binding Update under ESP without alternate care-of address: nothing protects the on-link care-of address, its IPv6 source");
        if (u.lifetime > Duration{0} && withdrawn_.contains({place.link, u.peerAddress}))
            report(place, FieldId::BuFlags, "HMIP-MN-06", Severity::Error, "RFC 5380 §7.1",
                   fmt::format("local Binding Update to the MAP {}, which was advertised with lifetime 0", u.peerAddress.text()));
        if (u.lifetime > Duration{0}) granted_.try_emplace(u.homeAddress);
        return;
    }
    if (!u.hasHomeAddressOption && !proxy && !u.overIpv4() && !sentFromHome(u))
        report(place, FieldId::BuFlags, u.peer == Role::HomeAgent ? "MN-BU-01" : "", Severity::Error,
               u.peer == Role::HomeAgent ? "RFC 6275 §11.7.1" : "RFC 6275 §11.7.2",
               "Binding Update from a foreign link without home address option");
    if (u.peer == Role::HomeAgent) homeRegistration(u, place);
    for (const BidBinding& binding : u.bindings)
        if (regionalAddress(u, binding.careOfAddress, place)) break;
}

void Conformance::homeRegistration(const Update& u, const Place& place)
{
    if (!has(u, wire::BindingUpdate::acknowledge))
        report(place, FieldId::BuFlags, u.fromHome() ? "MN-HOME-01" : "MN-BU-01", Severity::Error,
               u.fromHome() ? "RFC 6275 §11.5.5" : "RFC 6275 §11.7.1", "home registration without the A flag");
    // An option that is there but broken is a finding of its own.
    const auto option = [&](std::uint64_t number) { return carries(place.fields, FieldId::MobilityOptionType, number); };
    const bool excused = u.fromHome() || isProxy(u) || option(alternateCareOf) || option(ipv4CareOf) ||
                         option(bindingIdentifier) || carries(place.fields, FieldId::Authentication);
    if (!excused)
        report(place, FieldId::BuFlags, "MN-BU-02", Severity::Error, "RFC 6275 §11.7.1",
               "home registration without alternate care-of address");
}

bool Conformance::regionalAddress(const Update& u, const Ipv6Address& careOf, const Place& place)
{
    const auto regional = granted_.find(careOf);
    if (regional == granted_.end() || u.lifetime == Duration{0}) return false;
    if (!regional->second)
        report(place, FieldId::BuFlags, "HMIP-MN-13", Severity::Warning, "RFC 5380 §6.1",
               fmt::format("regional address {} registered before its MAP answered", careOf.text()));
    else if (u.lifetime > *regional->second)
        report(place, FieldId::BuLifetime, "HMIP-MN-15", Severity::Error, "RFC 5380 §6.1",
               fmt::format("lifetime of {} s asked for the regional address {}, the MAP granted {} s", wholeSeconds(u.lifetime), careOf.text(),
                           wholeSeconds(*regional->second)));
    else return false;
    return true;
}

void Conformance::granted(const Update& u, Duration lifetime)
{
    std::optional<Duration>& known = granted_[u.homeAddress];
    // One of several identifiers (procedures §8.1): the regional address lives as long as the last of them.
    const bool some = u.bindings.front().bid && !u.overwrites() && known;
    known = some ? std::max(*known, lifetime) : lifetime;
}

void Conformance::answer(const Signal& signal, const Observation& o, const Place& place, const ExchangeTracker& exchanges,
                         const BindingHistory& bindings)
{
    const Answer& a = *signal.answer;
    const Exchange& exchange = exchanges.exchanges()[signal.exchange];
    const UpdateCopy& copy = exchanges.copy(signal.copy);
    if (signal.answerer == Role::Map && !signal.addressMatch)
        report(place, a.hasRouting ? FieldId::RoutingHomeAddress : FieldId::Ipv6, "HMIP-MN-12", Severity::Error, "RFC 5380 §6.2",
               fmt::format("acknowledgement of a MAP without type 2 routing header for {}", exchange.homeAddress.text()));
    identifierAnswer(a, copy.update, place);
    if (!a.accepted()) return;
    if (a.lifetime > copy.update.lifetime)
        report(place, FieldId::BaLifetime, "HA-BU-05", Severity::Error, "RFC 6275 §10.3.1",
               fmt::format("lifetime of {} s granted where {} s were asked for", wholeSeconds(a.lifetime), wholeSeconds(copy.update.lifetime)));
    if (signal.answerer == Role::Map) granted(copy.update, a.lifetime);

    if (isProxy(copy.update)) return;  // timestamps stand in for numbers (RFC 5213 §5.5)
    // All identifiers of a home address share one number (MCOA-HA-12).
    const bool shared = copy.update.bindings.front().bid && !a.bids.empty();
    const BindingInterval* alive = shared ? bindings.latest(exchange.peerAddress, exchange.homeAddress, o.time)
                                          : bindings.alive(exchange.peerAddress, exchange.homeAddress, copy.update.bindings.front().bid, o.time);
    if (!alive) return;
    const unsigned step = (unsigned{copy.update.sequence} - unsigned{alive->sequence}) & 0xffffu;
    const bool fresh = step >= 1 && step <= 32767;
    // Acknowledgements may overtake each other; a replay was sent after the acceptance that it contradicts.
    const bool later = copy.repeated.value_or(copy.seen.time) > alive->from;
    if (!fresh && later)
        report(place, FieldId::BaSequence, shared ? "MCOA-HA-12" : "HA-BU-02", Severity::Error, shared ? "RFC 5648 §4.1" : "RFC 6275 §9.5.1",
               fmt::format("Binding Update with sequence {} accepted although {} was accepted before", copy.update.sequence, alive->sequence));
}

}  // namespace roamscope::analysis
