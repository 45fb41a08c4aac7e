// SPDX-License-Identifier: GPL-3.0-or-later
// Bindings that have several care-of addresses (RFC 5648) or networks behind them (RFC 3963).
#include "protocol/node/registrar.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::BindingUpdate;
namespace status = wire::bindingStatus;

bool Binding::isAt(const Ipv6Address& address) const
{
    if (careOfs.empty()) return careOfAddress == address;
    return std::any_of(careOfs.begin(), careOfs.end(), [&](const BidBinding& b) { return b.careOfAddress == address; });
}

std::vector<BidBinding> Binding::parts() const
{
    if (careOfs.empty()) return {BidBinding{0, careOfAddress, false, 0, expires, granted}};
    return careOfs;
}

std::vector<Ipv6Address> Binding::places() const
{
    if (careOfs.empty()) return {careOfAddress};
    std::vector<Ipv6Address> out;
    for (const BidBinding& b : careOfs)
        if (std::find(out.begin(), out.end(), b.careOfAddress) == out.end()) out.push_back(b.careOfAddress);
    return out;
}

std::vector<Ipv6Address> Binding::tunnels() const
{
    std::vector<Ipv6Address> out = places();
    if (!careOfs.empty()) std::erase(out, homeAddress);
    return out;
}

std::optional<std::uint8_t> Registrar::routerRefusal(const Binding& wanted, const Binding* entry, const BindingUpdate& update, std::vector<Prefix>& networks) const
{
    if (const auto change = routerChange(wanted, entry)) return change;
    auto judgement = routers_.judge(policy_.mobileRouters, wanted.homeAddress, update.options);
    networks = std::move(judgement.prefixes);
    return judgement.status == status::accepted ? std::nullopt : std::optional(judgement.status);
}

std::optional<std::uint8_t> Registrar::routerChange(const Binding& wanted, const Binding* entry) const
{
    // NEMO-HA-01: a host does not become a router, nor the other way round, in one binding.
    const bool live = entry && entry->state == Binding::State::Valid;
    const bool known = policy_.mobileRouters.support != MobileRouterPolicy::Support::Unknown;
    return live && known && entry->has(BindingUpdate::mobileRouter) != wanted.has(BindingUpdate::mobileRouter) ? std::optional(status::registrationTypeChange) : std::nullopt;
}

bool Registrar::cameFrom(const Ipv6Address& homeAddress, const Ipv6Address& careOf)
{
    Binding* entry = bindings_.find(homeAddress);
    if (!entry || entry->careOfs.empty() || entry->careOfAddress == careOf) return false;
    if (hasPriorities(entry->careOfs)) return false;
    entry->careOfAddress = careOf;
    return true;
}

const Binding* Registrar::reaching(const Ipv6Address& address) const
{
    if (const Binding* binding = find(address); binding || routers_.empty()) return binding;
    const auto router = routers_.routerOf(address);
    return router ? find(*router) : nullptr;
}

}  // namespace roamscope::node
