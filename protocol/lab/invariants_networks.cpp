// SPDX-License-Identifier: GPL-3.0-or-later
// What must be true of the networks behind mobile routers (RFC 3963) after every event.
#include "protocol/lab/invariants.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::lab {

namespace {

/// As in invariants_bids.cpp: nothing is underway any more, and lifetimes are counted from there and from here.
constexpr Duration quiet = 12s;
constexpr Duration underway = 15s;

}  // namespace

void Invariants::checkNetworks(const Lab& lab, std::size_t node, const node::Anchor& anchor)
{
    const node::MobileRouters& routers = anchor.registrar().mobileRouters();
    std::size_t owned = 0;
    for (const node::Binding& binding : anchor.registrar().bindings()) {
        const auto prefixes = routers.prefixesOf(binding.homeAddress);
        if (prefixes.empty()) continue;
        owned += prefixes.size();
        if (binding.state == node::Binding::State::Deleted) violated(lab, node, "networks", fmt::format("{} is behind {}, which has no binding", prefixes.front().text(), binding.homeAddress.text()));
        if (!binding.has(wire::BindingUpdate::mobileRouter)) violated(lab, node, "networks", fmt::format("{} is behind {}, which is no mobile router", prefixes.front().text(), binding.homeAddress.text()));
        const auto allowed = [&](const Prefix& prefix) {
            return std::any_of(anchor.registrar().policy().mobileRouters.routers.begin(), anchor.registrar().policy().mobileRouters.routers.end(), [&](const node::MobileRouter& r) {
                return r.homeAddress == binding.homeAddress && std::any_of(r.prefixes.begin(), r.prefixes.end(), [&](const Prefix& p) { return p.length <= prefix.length && p.contains(prefix.address); });
            });
        };
        for (const Prefix& prefix : prefixes)
            if (!allowed(prefix)) violated(lab, node, "networks", fmt::format("{} is not {}'s to have", prefix.text(), binding.homeAddress.text()));
    }
    if (owned != routers.prefixes().size()) violated(lab, node, "networks", fmt::format("{} of {} prefixes belong to no binding", routers.prefixes().size() - owned, routers.prefixes().size()));
}

void Invariants::checkRouter(const Lab& lab, std::size_t node, const node::MobileNode& mobile)
{
    if (!comparable_ || !mobile.network().registers() || mobile.isAtHome()) return;
    const TimePoint now = lab.localTime(node);
    const node::MobileNode::Home& home = mobile.homes().front();
    const auto stir = stirred_.find(home.address);
    if (stir == stirred_.end() || now < stir->second + quiet || !mobile.registeredAtHome(now)) return;
    const auto& slots = home.paths.entries();
    const auto lasts = [&](const auto& slot) { return slot.bound && slot.expires > now + underway; };
    if (home.association.registered(now) ? home.association.expires() <= now + underway : std::none_of(slots.begin(), slots.end(), lasts)) return;
    std::size_t number = 0;
    const node::Anchor* agent = anchorAt(lab, home.association.registered(now) ? home.association.peer() : home.paths.peer(), number);
    if (agent && agent->registrar().mobileRouters().prefixesOf(home.address).empty())
        violated(lab, node, "networks", fmt::format("{} takes itself for a mobile router that is served, and its home agent knows no network behind it", home.address.text()));
}

}  // namespace roamscope::lab
