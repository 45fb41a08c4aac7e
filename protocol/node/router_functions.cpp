// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/router_functions.hpp"

#include <algorithm>

namespace roamscope::node {

const wire::RouterAdvertisement* validAdvertisement(const Delivery& delivery)
{
    const auto* ra = delivery.icmp ? std::get_if<wire::RouterAdvertisement>(&*delivery.icmp) : nullptr;
    return ra && delivery.packet.hopLimit == 255 && delivery.packet.source.isLinkLocal() ? ra : nullptr;
}

bool RouterFunctions::receive(TimePoint now, const Delivery& delivery, IpStack& stack, Output& out)
{
    if (answerSolicitation(now, delivery, stack, advertisers_, out)) return true;
    if (!delivery.icmp) return false;
    if (const auto* echo = std::get_if<wire::Echo>(&*delivery.icmp)) {
        prober_.answered(now, delivery.packet.source, *echo);
        if (prober_.takeChange()) refreshMaps(now);
        return true;
    }
    if (const auto* ra = validAdvertisement(delivery); ra && relay_.heard(now, delivery.interface, delivery.packet.source, *ra)) refreshMaps(now);
    return false;
}

void RouterFunctions::advance(TimePoint now, IpStack& stack, Output& out)
{
    if (!std::exchange(started_, true)) refreshMaps(now);
    while (const auto request = prober_.due(now)) {
        out.happened(now, "map-probe", {{"map", attribute(request->map)}, {"sequence", attribute(std::int64_t{request->echo.sequence})}});
        stack.sendIcmp(now, advertisers_.empty() ? 0 : advertisers_.front().interface(), {}, request->map, request->echo, out, 64);
    }
    const bool changed = prober_.takeChange();
    if (relay_.expire(now) || changed) refreshMaps(now);
    for (RouterAdvertiser& advertiser : advertisers_) advertiser.advance(now, stack, out);
}

std::optional<TimePoint> RouterFunctions::nextDeadline() const
{
    auto next = earlier(relay_.nextDeadline(), prober_.nextDeadline());
    for (const RouterAdvertiser& advertiser : advertisers_) next = earlier(next, advertiser.nextDeadline());
    return next;
}

void RouterFunctions::configure(TimePoint now, std::vector<RouterAdvertiser> advertisers, const MapProber::Settings& probing)
{
    advertisers_ = std::move(advertisers);
    for (RouterAdvertiser& advertiser : advertisers_) advertiser.startAt(now);
    prober_.configure(probing);
    refreshMaps(now);
}

void RouterFunctions::refreshMaps(TimePoint now)
{
    std::vector<Ipv6Address> named;
    for (RouterAdvertiser& advertiser : advertisers_) {
        std::vector<wire::MapOption> maps = advertiser.settings().map;
        for (wire::MapOption& map : maps) {
            if (map.validLifetime > 0) named.push_back(map.address);
            if (prober_.hasFailed(map.address)) map.validLifetime = 0;  // HMIP-AR-04
        }
        // HMIP-MAP-11: one's own options together with those of others; one that is configured here stands for itself.
        if (advertiser.settings().relaysMaps)
            for (const wire::MapOption& relayed : relay_.relayedTo(advertiser.interface()))
                if (std::none_of(maps.begin(), maps.end(), [&](const wire::MapOption& m) { return m.address == relayed.address; })) maps.push_back(relayed);
        advertiser.setMaps(now, std::move(maps));
    }
    prober_.watch(now, named);
}

}  // namespace roamscope::node
