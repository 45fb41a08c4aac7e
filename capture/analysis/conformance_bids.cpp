// SPDX-License-Identifier: GPL-3.0-or-later
// Rules of RFC 5648 that need more than one frame to be seen: who goes on with identifiers although its peer does not take them,
// acknowledgements that leave identifiers out, IPv4 care-of addresses.
#include "capture/analysis/conformance.hpp"

#include "protocol/wire/mobility_names.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::analysis {

using wire::FieldId;
using wire::Severity;

void Conformance::identifiers(const Update& u, const Place& place)
{
    if (!u.bindings.front().bid) return;
    ipv4Update(u, place);
    if (u.peer == Role::Correspondent && u.bindings.size() > 1)
        report(place, FieldId::BidIdentifier, "MCOA-MN-06", Severity::Error, "RFC 5648 §5.3",
               fmt::format("{} binding identifiers in one update to a correspondent; only a home agent takes several", u.bindings.size()));
    const auto known = withoutIdentifiers_.find({u.peerAddress, u.homeAddress});
    if (known == withoutIdentifiers_.end()) return;
    const std::uint8_t status = known->second;
    if (status == wire::bindingStatus::mcoaBulkProhibited) {
        if (u.bindings.size() < 2 || u.peer == Role::Correspondent) return;
        report(place, FieldId::BidIdentifier, "MCOA-MN-11", Severity::Error, "RFC 5648 §5.7", "another bulk registration although the home agent refused them with status 168");
    } else if (status == wire::bindingStatus::mcoaProhibited) {
        report(place, FieldId::BidIdentifier, "MCOA-MN-11", Severity::Error, "RFC 5648 §5.7", "binding identifier although the peer refused them with status 166");
    } else {
        report(place, FieldId::BidIdentifier, "MCOA-MN-09", Severity::Warning, "RFC 5648 §5.7", "binding identifier although the peer answered the last one without: it does not know them");
    }
}

void Conformance::identifierAnswer(const Answer& a, const Update& asked, const Place& place)
{
    if (!asked.bindings.front().bid) return;
    ipv4Answer(a, asked, place);
    const std::pair key{asked.peerAddress, asked.homeAddress};
    const bool refuses = a.statusOf(asked.bindings.front().bid) == wire::bindingStatus::mcoaProhibited || a.status == wire::bindingStatus::mcoaBulkProhibited;
    const bool ignores = a.bids.empty() && a.accepted();
    if (refuses || ignores) {
        if (withoutIdentifiers_.size() < maxWithoutIdentifiers) withoutIdentifiers_[key] = ignores ? std::uint8_t{0} : a.statusOf(asked.bindings.front().bid);
    } else if (a.accepted()) {
        withoutIdentifiers_.erase(key);
    }
    if (a.bids.empty()) return;
    for (const BidBinding& binding : asked.bindings)
        if (std::none_of(a.bids.begin(), a.bids.end(), [&](const BidStatus& b) { return b.bid == binding.bid; }))
            report(place, FieldId::BaStatus, "MCOA-HA-08", Severity::Error, "RFC 5648 §6.2",
                   fmt::format("acknowledgement without binding identifier {}, which the update has; every one must come back", *binding.bid));
}

void Conformance::ipv4Update(const Update& u, const Place& place)
{
    if (u.bindings.size() < 2 || u.lifetime == Duration{0}) return;
    // In a capture that began too late an address may have been registered before.
    if (!u.overwrites() && !alone_.contains({u.peerAddress, u.homeAddress, Ipv6Address{}})) return;
    for (const BidBinding& b : u.bindings)
        if (b.ipv4 && !alone_.contains({u.peerAddress, u.homeAddress, b.careOfAddress}))
            return report(place, FieldId::BidIdentifier, "MCOA-DS-01", Severity::Error, "RFC 5648 §8.1",
                          fmt::format("first registration of the IPv4 care-of address of identifier {} together with others: a NAT on its way stays unknown", *b.bid));
}

void Conformance::ipv4Answer(const Answer& a, const Update& asked, const Place& place)
{
    const BidBinding& first = asked.bindings.front();
    const auto remember = [&](const Ipv6Address& what) {
        if (alone_.size() < maxWithoutIdentifiers) alone_.insert({asked.peerAddress, asked.homeAddress, what});
    };
    if (a.accepted() && asked.overwrites()) remember(Ipv6Address{});
    if (asked.bindings.size() == 1 && first.ipv4 && a.statusOf(first.bid) < 128) remember(first.careOfAddress);
    const bool ipv4 = std::any_of(asked.bindings.begin(), asked.bindings.end(), [](const BidBinding& b) { return b.ipv4; });
    constexpr std::uint8_t failure = 128;  // and above: statuses of that option alone (RFC 5555 §3.2.1)
    if (ipv4 && !asked.asksIpv4Home && a.ipv4Status && *a.ipv4Status < failure)
        report(place, FieldId::BaStatus, "MCOA-DS-03", Severity::Warning, "RFC 5648 §8.1",
               "IPv4 address acknowledgement beside a binding identifier, although nothing was asked that only it can tell");
    if (asked.asksIpv4Home && a.accepted() && !a.bids.empty() && !a.ipv4Status)
        report(place, FieldId::BaStatus, "MCOA-DS-03", Severity::Error, "RFC 5648 §8.2", "acknowledgement without IPv4 address acknowledgement, although the update asks for an IPv4 home address");
}

}  // namespace roamscope::analysis
