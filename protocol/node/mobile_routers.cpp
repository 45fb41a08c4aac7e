// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/mobile_routers.hpp"

#include "protocol/wire/mobility.hpp"

#include <algorithm>

namespace roamscope::node {

namespace status = wire::bindingStatus;

namespace {

constexpr std::uint8_t prefixType = 6;

bool covers(const Prefix& wide, const Prefix& narrow) { return wide.length <= narrow.length && wide.contains(narrow.address); }

/// What no route can lead to.
bool isInvalid(const Prefix& prefix)
{
    return prefix.length == 0 || prefix.length > 128 || !prefix.masked().address.isUnicastRoutable();
}

}  // namespace

MobileRouters::Judgement MobileRouters::judge(const MobileRouterPolicy& policy, const Ipv6Address& home, const std::vector<wire::MobilityOption>& options) const
{
    if (policy.support == MobileRouterPolicy::Support::Prohibited || policy.routers.empty()) return {status::mobileRouterNotPermitted, {}};
    const auto known = std::find_if(policy.routers.begin(), policy.routers.end(), [&](const MobileRouter& r) { return r.homeAddress == home; });
    std::vector<Prefix> asked;
    bool broken = false;
    for (const wire::MobilityOption& option : options) {
        if (const auto* prefix = std::get_if<wire::MobileNetworkPrefix>(&option)) asked.push_back(prefix->prefix);
        const auto* raw = std::get_if<wire::RawMobilityOption>(&option);
        broken = broken || (raw && raw->type == prefixType);
    }
    if (broken || std::any_of(asked.begin(), asked.end(), isInvalid)) return {status::invalidPrefix, {}};
    if (asked.empty()) {
        if (known == policy.routers.end() || known->prefixes.empty()) return {status::forwardingSetupFailed, {}};
        asked = known->prefixes;
    }
    for (const Prefix& prefix : asked) {
        if (known == policy.routers.end() || std::none_of(known->prefixes.begin(), known->prefixes.end(), [&](const Prefix& p) { return covers(p, prefix); }))
            return {status::notAuthorizedForPrefix, {}};
        // One route for a prefix: another mobile router has it.
        const auto taken = routers_.find(prefix.masked());
        if (taken != routers_.end() && taken->second != home) return {status::invalidPrefix, {}};
    }
    return {status::accepted, std::move(asked)};
}

void MobileRouters::set(const Ipv6Address& home, const std::vector<Prefix>& prefixes)
{
    std::erase_if(routers_, [&](const auto& entry) { return entry.second == home; });
    for (const Prefix& prefix : prefixes) routers_[prefix.masked()] = home;
}

bool MobileRouters::contains(const Ipv6Address& home) const
{
    return std::any_of(routers_.begin(), routers_.end(), [&](const auto& entry) { return entry.second == home; });
}

std::optional<Ipv6Address> MobileRouters::routerOf(const Ipv6Address& address) const
{
    const std::pair<const Prefix, Ipv6Address>* best = nullptr;
    for (const auto& entry : routers_)
        if (entry.first.contains(address) && (!best || entry.first.length > best->first.length)) best = &entry;
    return best ? std::optional(best->second) : std::nullopt;
}

std::vector<Prefix> MobileRouters::prefixes() const
{
    std::vector<Prefix> out;
    for (const auto& [prefix, router] : routers_) out.push_back(prefix);
    return out;
}

std::vector<Prefix> MobileRouters::prefixesOf(const Ipv6Address& home) const
{
    std::vector<Prefix> out;
    for (const auto& [prefix, router] : routers_)
        if (router == home) out.push_back(prefix);
    return out;
}

}  // namespace roamscope::node
