// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/router_advertiser.hpp"

#include <algorithm>
#include <utility>

namespace roamscope::node {

namespace {
constexpr Duration maxDelay = 500ms;              // MAX_RA_DELAY_TIME, RFC 4861 §10
constexpr Duration minDelayBetween = 3s;          // MIN_DELAY_BETWEEN_RAS
constexpr Duration maxInitialInterval = 16s;      // MAX_INITIAL_RTR_ADVERT_INTERVAL
constexpr int initialAdvertisements = 3;          // MAX_INITIAL_RTR_ADVERTISEMENTS

/// `whole` in as many advertisements as fit the link (RFC 4861 §6.2.3). Each has the first prefix (AR-01, HA-RA-01) and the first MAP:
/// without any a mobile node of RFC 4140 would leave its own (HMIP-MN-07a). Further ones are spread.
std::vector<wire::RouterAdvertisement> fitting(const wire::RouterAdvertisement& whole, std::size_t mtu)
{
    const auto fits = [&](const wire::RouterAdvertisement& ra) {
        return wire::Ipv6Packet::headerOctets + wire::emitIcmpv6(ra, wire::Ipv6Packet{}.pseudoHeader()).size() <= mtu;
    };
    if (fits(whole)) return {whole};
    wire::RouterAdvertisement common = whole;
    common.options.clear();
    std::vector<wire::NdOption> further;
    bool prefix = false, map = false;
    for (const wire::NdOption& option : whole.options) {
        const bool repeats = (std::holds_alternative<wire::PrefixInformation>(option) && std::exchange(prefix, true)) ||
                             (std::holds_alternative<wire::MapOption>(option) && std::exchange(map, true));
        (repeats ? further : common.options).push_back(option);
    }
    std::vector<wire::RouterAdvertisement> parts{common};
    for (const wire::NdOption& option : further) {
        parts.back().options.push_back(option);
        if (fits(parts.back())) continue;
        parts.back().options.pop_back();
        parts.push_back(common);
        parts.back().options.push_back(option);
    }
    return parts;
}

void send(TimePoint now, std::size_t interface, const wire::RouterAdvertisement& whole, IpStack& stack, Output& out)
{
    for (const wire::RouterAdvertisement& ra : fitting(whole, stack.mtu(interface)))
        stack.sendIcmp(now, interface, stack.linkLocalAddress(interface), allNodes(), ra, out);
}

}  // namespace

RouterAdvertiser::RouterAdvertiser(Settings settings, Random random) : settings_(std::move(settings)), maps_(settings_.map), random_(random)
{
    next_ = TimePoint{} + random_.between(Duration{0}, std::min(settings_.minInterval, maxInitialInterval));
}

void RouterAdvertiser::solicited(TimePoint now)
{
    // RFC 6275 §13: MinDelayBetweenRAs should be the least interval when that is below 3 s.
    const Duration gap = std::min(minDelayBetween, settings_.minInterval);
    TimePoint answer = now + random_.between(Duration{0}, maxDelay);
    if (last_) answer = std::max(answer, *last_ + gap);
    next_ = std::min(next_, answer);
}

void RouterAdvertiser::setMaps(TimePoint now, std::vector<wire::MapOption> maps)
{
    if (maps == maps_) return;
    maps_ = std::move(maps);
    if (last_) solicited(now);
}

void RouterAdvertiser::advance(TimePoint now, IpStack& stack, Output& out)
{
    if (now < next_) return;
    send(now, settings_.interface, message(now, stack), stack, out);
    last_ = now;
    Duration wait = random_.between(settings_.minInterval, settings_.maxInterval);
    if (sent_ < initialAdvertisements) ++sent_;
    if (sent_ < initialAdvertisements) wait = std::min(wait, maxInitialInterval);  // AR-04
    next_ = now + wait;
}

void RouterAdvertiser::cease(TimePoint now, IpStack& stack, Output& out)
{
    if (!last_ || !stack.isUp(settings_.interface)) return;
    wire::RouterAdvertisement ra = message(now, stack);
    ra.routerLifetime = 0;
    // The lifetime of the home agent is then the router's, too (RFC 6275 §7.4).
    std::erase_if(ra.options, [](const auto& option) { return std::holds_alternative<wire::HomeAgentInformation>(option); });
    for (auto& option : ra.options)
        if (auto* map = std::get_if<wire::MapOption>(&option); map && stack.owns(map->address)) map->validLifetime = 0;
    send(now, settings_.interface, ra, stack, out);
}

wire::RouterAdvertisement RouterAdvertiser::message(TimePoint now, const IpStack& stack) const
{
    wire::RouterAdvertisement ra;
    ra.hopLimit = settings_.hopLimit;
    ra.reachableTime = static_cast<std::uint32_t>(settings_.reachableTime.count());
    ra.retransTimer = static_cast<std::uint32_t>(settings_.retransTimer.count());
    if (settings_.managed) ra.flags |= wire::RouterAdvertisement::managedFlag;
    if (settings_.other) ra.flags |= wire::RouterAdvertisement::otherFlag;
    // HA-RA-01. Without a setting the option with preference and lifetime is left out: both are the defaults.
    if (settings_.homeAgent) ra.flags |= wire::RouterAdvertisement::homeAgentFlag;
    // RFC 6275 §7.5 (AR-05): at least 1 s however short the interval is.
    const auto lifetime = settings_.routerLifetime.value_or(std::chrono::ceil<std::chrono::seconds>(std::max<Duration>(3 * settings_.maxInterval, 1s)));
    const std::int64_t longest = settings_.routerLifetime ? 0xffff : 9000;  // RFC 8319 §4; RFC 4861 §6.2.1
    ra.routerLifetime = static_cast<std::uint16_t>(std::min<std::int64_t>(lifetime.count(), longest));
    ra.options.push_back(wire::SourceLinkLayerOption{stack.mac(settings_.interface)});
    if (settings_.mtu) ra.options.push_back(wire::MtuOption{*settings_.mtu});
    // AR-01: the whole router address with R, in every advertisement.
    for (const RouterPrefix& prefix : prefixes()) ra.options.push_back(prefix.option(now));
    // AR-02: the interval in milliseconds, 20 ms more below 200 ms.
    auto interval = std::chrono::duration_cast<std::chrono::milliseconds>(settings_.maxInterval).count();
    if (interval < 200) interval += 20;
    if (settings_.interval) ra.options.push_back(wire::AdvertisementIntervalOption{static_cast<std::uint32_t>(interval)});
    if (settings_.homeAgentInformation) ra.options.push_back(*settings_.homeAgentInformation);
    for (const wire::MapOption& map : maps_) ra.options.push_back(map);
    return ra;
}

bool answerSolicitation(TimePoint now, const Delivery& delivery, IpStack& stack, std::vector<RouterAdvertiser>& advertisers, Output& out)
{
    const auto* rs = delivery.icmp ? std::get_if<wire::RouterSolicitation>(&*delivery.icmp) : nullptr;
    if (!rs || delivery.packet.hopLimit != 255) return rs != nullptr;
    const auto* option = wire::findOption<wire::SourceLinkLayerOption>(rs->options);
    if (delivery.packet.source.isUnspecified() && option) return true;  // RFC 4861 §6.1.1
    if (option) stack.learnNeighbor(now, delivery.interface, delivery.packet.source, option->address, false, out);
    for (RouterAdvertiser& advertiser : advertisers)
        if (advertiser.interface() == delivery.interface) advertiser.solicited(now);
    return true;
}

}  // namespace roamscope::node
