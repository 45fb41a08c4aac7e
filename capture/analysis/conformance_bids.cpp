// SPDX-License-Identifier: GPL-3.0-or-later
// Rules of RFC 5648 that need more than one frame to be seen: who goes on with identifiers although its peer does not take them,
// and acknowledgements that leave identifiers out.
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

}  // namespace roamscope::analysis
