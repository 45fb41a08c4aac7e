// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/care_of_list.hpp"

#include <algorithm>

namespace roamscope::node {

namespace {

constexpr std::uint32_t infinite = 0xffffffff;
constexpr Duration leastValid = 2h;  // RFC 4862 §5.5.3 e

TimePoint until(TimePoint now, std::uint32_t seconds) { return seconds == infinite ? TimePoint::max() : now + std::chrono::seconds(seconds); }

bool isUsable(const wire::PrefixInformation& prefix)
{
    return prefix.autonomous && prefix.prefix.length == 64 && prefix.prefix.address.isUnicastRoutable() && prefix.preferredLifetime <= prefix.validLifetime;
}

}  // namespace

std::optional<Ipv6Address> CareOfList::advertised(TimePoint now, const wire::PrefixInformation& prefix, const InterfaceId& identifier)
{
    seen_ = now;
    if (!isUsable(prefix)) return std::nullopt;
    const Ipv6Address address = withInterfaceId(prefix.prefix.address, identifier);
    const auto it = std::find_if(list_.begin(), list_.end(), [&](const CareOf& c) { return c.address == address; });
    if (it == list_.end()) {
        if (prefix.validLifetime == 0 || list_.size() == maximum) return std::nullopt;
        list_.push_back({address, until(now, prefix.validLifetime), until(now, prefix.preferredLifetime), false});
        return address;
    }
    it->preferredUntil = until(now, prefix.preferredLifetime);
    const TimePoint offered = until(now, prefix.validLifetime);
    // Nobody proves who sends advertisements: a valid lifetime is never cut below two hours.
    if (offered > now + leastValid || offered > it->validUntil) it->validUntil = offered;
    else if (it->validUntil > now + leastValid) it->validUntil = now + leastValid;
    return std::nullopt;
}

void CareOfList::duplicate(const Ipv6Address& address)
{
    for (CareOf& c : list_)
        if (c.address == address) c.duplicate = true;
}

std::vector<Ipv6Address> CareOfList::expire(TimePoint now)
{
    seen_ = now;
    return retain([&](const CareOf& c) { return now < c.validUntil; });
}

const CareOfList::CareOf* CareOfList::find(const Ipv6Address& address) const
{
    for (const CareOf& c : list_)
        if (c.address == address) return &c;
    return nullptr;
}

std::optional<TimePoint> CareOfList::nextDeadline() const
{
    std::optional<TimePoint> next;
    for (const CareOf& c : list_)
        for (const TimePoint t : {c.preferredUntil, c.validUntil})
            if (t > seen_ && t != TimePoint::max()) next = earlier(next, t);
    return next;
}

}  // namespace roamscope::node
