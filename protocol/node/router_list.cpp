// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/router_list.hpp"

#include <algorithm>

namespace roamscope::node {

namespace {

constexpr std::uint32_t infinite = 0xffffffff;

/// Enters what an advertisement says of prefixes; true when the list has others then than before.
bool take(TimePoint now, const wire::RouterAdvertisement& ra, std::vector<RouterList::Advertised>& prefixes)
{
    bool changed = std::erase_if(prefixes, [&](const auto& p) { return now >= p.until; }) > 0;
    bool tells = false;
    for (auto& p : prefixes) ++p.omitted;
    for (const wire::NdOption& option : ra.options) {
        const auto* pio = std::get_if<wire::PrefixInformation>(&option);
        if (!pio || (!pio->onLink && !pio->autonomous) || pio->prefix.address.isLinkLocal()) continue;
        tells = true;
        const Prefix prefix = pio->prefix.masked();
        const auto it = std::find_if(prefixes.begin(), prefixes.end(), [&](const auto& p) { return p.prefix == prefix; });
        if (pio->validLifetime == 0) {
            changed = changed || it != prefixes.end();
            if (it != prefixes.end()) prefixes.erase(it);
            continue;
        }
        const TimePoint until = pio->validLifetime == infinite ? TimePoint::max() : now + std::chrono::seconds(pio->validLifetime);
        if (it != prefixes.end()) {
            *it = {prefix, it->onLink || pio->onLink, until, 0};
            continue;
        }
        prefixes.push_back({prefix, pio->onLink, until, 0});
        changed = true;
    }
    if (!tells) {
        for (auto& p : prefixes) --p.omitted;
        return changed;
    }
    return std::erase_if(prefixes, [](const auto& p) { return p.omitted >= RouterList::toleratedOmissions; }) > 0 || changed;
}

}  // namespace

bool RouterList::Router::advertises(const Ipv6Address& a) const
{
    return std::any_of(prefixes.begin(), prefixes.end(), [&](const Advertised& p) { return p.prefix.contains(a); });
}

bool RouterList::Router::isOnLink(const Ipv6Address& a) const
{
    return std::any_of(prefixes.begin(), prefixes.end(), [&](const Advertised& p) { return p.onLink && p.prefix.contains(a); });
}

RouterList::Heard RouterList::heard(TimePoint now, const Ipv6Address& address, const Mac& mac, const wire::RouterAdvertisement& ra)
{
    auto it = std::find_if(routers_.begin(), routers_.end(), [&](const Router& r) { return r.address == address; });
    if (ra.routerLifetime == 0) {
        if (current_ == address) return Heard::Left;
        if (it != routers_.end()) routers_.erase(it);
        return Heard::Nothing;
    }
    const bool isNew = it == routers_.end();
    if (isNew) {
        if (routers_.size() == maximum) {
            const auto oldest = std::min_element(routers_.begin(), routers_.end(), [&](const Router& a, const Router& b) {
                return std::pair(current_ == a.address, a.heard) < std::pair(current_ == b.address, b.heard);
            });
            routers_.erase(oldest);
        }
        it = routers_.insert(routers_.end(), Router{});
        it->address = address;
    }
    if (it->mac != mac) it->prefixes.clear();  // another router with the same address, perhaps on another link
    const bool changed = take(now, ra, it->prefixes) || isNew;
    it->mac = mac;
    it->expires = now + std::chrono::seconds(ra.routerLifetime);
    it->heard = now;
    it->message = ra;
    const auto* interval = wire::findOption<wire::AdvertisementIntervalOption>(ra.options);
    it->interval = interval && interval->milliseconds > 0 ? std::optional<Duration>(std::chrono::milliseconds(interval->milliseconds)) : std::nullopt;
    if (current_ == address) return Heard::Current;
    if (!current_) {
        current_ = address;
        doubted_ = false;
        return Heard::Adopted;
    }
    return changed ? Heard::Newcomer : Heard::Known;
}

const RouterList::Router* RouterList::lose(TimePoint now)
{
    std::erase_if(routers_, [&](const Router& r) { return r.address == current_ || now >= r.expires; });
    current_.reset();
    doubted_ = false;
    const auto best = std::max_element(routers_.begin(), routers_.end(), [](const Router& a, const Router& b) { return a.heard < b.heard; });
    if (best == routers_.end()) return nullptr;
    current_ = best->address;
    return &*best;
}

bool RouterList::resigned(const Ipv6Address& address)
{
    if (current_ == address) return true;
    std::erase_if(routers_, [&](const Router& r) { return r.address == address; });
    return false;
}

void RouterList::confirmed(TimePoint now)
{
    doubted_ = false;
    for (Router& r : routers_)
        if (r.address == current_) r.heard = now;
}

std::optional<TimePoint> RouterList::missedAt(int misses) const
{
    const Router* router = current();
    if (!router || !router->interval || doubted_ || misses <= 0) return std::nullopt;
    return router->heard + misses * *router->interval;
}

std::optional<TimePoint> RouterList::expires() const
{
    const Router* router = current();
    return router ? std::optional(router->expires) : std::nullopt;
}

void RouterList::clear()
{
    routers_.clear();
    current_.reset();
    doubted_ = false;
}

const RouterList::Router* RouterList::find(const Ipv6Address& address) const
{
    for (const Router& router : routers_)
        if (router.address == address) return &router;
    return nullptr;
}

}  // namespace roamscope::node
