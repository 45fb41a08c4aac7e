// SPDX-License-Identifier: GPL-3.0-or-later
// A host that takes its routers, prefixes and addresses from advertisements: router discovery (RFC 4861 §6.3) and stateless address
// autoconfiguration (RFC 4862 §5.5). Mobile nodes have their own way with advertisements and leave this off.
#include "protocol/node/ip_stack.hpp"

#include <algorithm>

namespace roamscope::node {

using std::chrono::seconds;

namespace {

constexpr int maxSolicitations = 3;            // MAX_RTR_SOLICITATIONS, RFC 4861 §10
constexpr Duration solicitationInterval = 4s;  // RTR_SOLICITATION_INTERVAL
constexpr Duration maxSolicitationDelay = 1s;  // MAX_RTR_SOLICITATION_DELAY
constexpr Duration twoHours = 2h;              // RFC 4862 §5.5.3 e
constexpr std::uint32_t infinite = 0xffffffff;
/// Anybody on the link can advertise. With a retransmission timer of hours no address would ever be tested and no dead neighbour noticed,
/// with one below the way to a neighbour and back all of them would seem dead; RFC 4861 sets no bounds, these are our own.
constexpr Duration leastRetransTimer = 10ms, mostRetransTimer = 10s;
constexpr Duration mostReachableTime = 1h;     // RFC 4861 §6.2.1
constexpr std::size_t maxLearnt = 16;          ///< routers, prefixes and addresses each: others on the link may be hostile

std::optional<TimePoint> endOf(TimePoint now, std::uint32_t lifetime)
{
    return lifetime == infinite ? std::nullopt : std::optional(now + seconds(lifetime));
}

template <class List>
auto entryOf(List& list, const Prefix& prefix)
{
    return std::find_if(list.begin(), list.end(), [&](const auto& t) { return t.prefix == prefix; });
}

bool over(const std::optional<TimePoint>& until, TimePoint now) { return until && now >= *until; }

}  // namespace

void IpStack::startAutoconfiguration(TimePoint now, std::size_t interface)
{
    Interface& i = interfaces_[interface];
    if (!i.settings.autoconfigures) return;
    i.learnt.solicitationsLeft = maxSolicitations;
    i.learnt.nextSolicitation = now + random_.between(Duration{0}, maxSolicitationDelay);
}

void IpStack::solicitRouters(TimePoint now, std::size_t interface, Output& out)
{
    Learnt& learnt = interfaces_[interface].learnt;
    --learnt.solicitationsLeft;
    learnt.nextSolicitation = now + solicitationInterval;
    wire::RouterSolicitation rs;
    wire::Ipv6Packet packet;
    packet.hopLimit = 255;
    packet.source = chooseSource(interface, allRouters());
    packet.destination = allRouters();
    // RFC 4861 §4.1: no source link-layer address option with the unspecified source.
    if (!packet.source.isUnspecified()) rs.options.push_back(wire::SourceLinkLayerOption{mac(interface)});
    packet.nextHeader = wire::protocol::icmpv6;
    packet.payload = wire::emitIcmpv6(rs, packet.pseudoHeader());
    send(now, std::move(packet), out, interface);
}

void IpStack::onRouterAdvertisement(TimePoint now, const Delivery& delivery, const wire::RouterAdvertisement& ra, Output& out)
{
    const wire::Ipv6Packet& packet = delivery.packet;
    if (!packet.source.isLinkLocal() || packet.hopLimit != 255) return;  // RFC 4861 §6.1.2
    const std::size_t interface = delivery.interface;
    if (const auto* option = wire::findOption<wire::SourceLinkLayerOption>(ra.options)) learnNeighbor(now, interface, packet.source, option->address, true, out);
    if (ra.routerLifetime > 0) interfaces_[interface].learnt.solicitationsLeft = 0;
    learnLink(interface, ra);
    learnRouter(now, interface, packet.source, seconds(ra.routerLifetime), out);
    for (const wire::NdOption& option : ra.options)
        if (const auto* prefix = std::get_if<wire::PrefixInformation>(&option)) learnPrefix(now, interface, *prefix, out);
}

Duration IpStack::randomReachableTime(Duration base)
{
    return Duration{static_cast<std::int64_t>(static_cast<double>(base.count()) * (0.5 + static_cast<double>(random_.below(1000)) / 1000))};
}

void IpStack::learnLink(std::size_t interface, const wire::RouterAdvertisement& ra)
{
    Interface& i = interfaces_[interface];
    if (ra.hopLimit > 0) i.settings.hopLimit = ra.hopLimit;
    if (ra.retransTimer > 0) {
        i.settings.retransTimer = std::clamp<Duration>(std::chrono::milliseconds(ra.retransTimer), leastRetransTimer, mostRetransTimer);
        i.neighbors.setRetransTimer(i.settings.retransTimer);
    }
    // RFC 4861 §6.3.4: drawn anew only when it is another one.
    if (const Duration told = std::min<Duration>(std::chrono::milliseconds(ra.reachableTime), mostReachableTime); ra.reachableTime > 0 && told != i.reachableTime) {
        i.reachableTime = told;
        i.neighbors.setReachableTime(randomReachableTime(told));
    }
    // Between the least MTU and what the link can carry.
    if (const auto* mtu = wire::findOption<wire::MtuOption>(ra.options); mtu && mtu->mtu >= leastMtu && mtu->mtu <= 1500) i.settings.mtu = mtu->mtu;
}

void IpStack::forgetLink(std::size_t interface)
{
    Interface& i = interfaces_[interface];
    i.settings = i.configured;
    i.neighbors.setRetransTimer(i.settings.retransTimer);
    if (std::exchange(i.reachableTime, Duration{0}) != Duration{0}) i.neighbors.setReachableTime(randomReachableTime());
}

void IpStack::learnRouter(TimePoint now, std::size_t interface, const Ipv6Address& router, seconds lifetime, Output& out)
{
    auto& routers = interfaces_[interface].learnt.routers;
    const Prefix key{router, 128};
    const auto it = entryOf(routers, key);
    if (lifetime.count() == 0) {
        if (it != routers.end()) routers.erase(it);
    } else if (it != routers.end()) {
        it->until = now + lifetime;
    } else if (routers.size() < maxLearnt) {
        routers.push_back({key, now + lifetime, {}});
    }
    useRouters(now, interface, out);
}

void IpStack::useRouters(TimePoint now, std::size_t interface, Output& out)
{
    Interface& i = interfaces_[interface];
    const auto first = i.learnt.routers.empty() ? std::nullopt : std::optional(i.learnt.routers.front().prefix.address);
    if (i.defaultRouter == first) return;
    i.defaultRouter = first;
    const Attributes key{{"interface", attribute(std::string_view(i.name))}};
    if (first) out.changed(now, "default-router", key, {{"address", attribute(*first)}});
    else out.removed(now, "default-router", key);
}

void IpStack::learnPrefix(TimePoint now, std::size_t interface, const wire::PrefixInformation& option, Output& out)
{
    const Prefix prefix = option.prefix.masked();
    if (prefix.address.isLinkLocal() || prefix.address.isMulticast() || option.preferredLifetime > option.validLifetime) return;
    Interface& i = interfaces_[interface];
    if (option.onLink) {  // RFC 4861 §6.3.4
        auto& list = i.learnt.onLink;
        const auto it = entryOf(list, prefix);
        if (option.validLifetime == 0) {
            if (it != list.end()) it->until = now;
        } else if (it != list.end()) {
            it->until = endOf(now, option.validLifetime);
        } else if (list.size() < maxLearnt) {
            list.push_back({prefix, endOf(now, option.validLifetime), {}});
            setOnLink(interface, prefix);
        }
    }
    if (!option.autonomous || prefix.length != 64) return;  // RFC 4862 §5.5.3: 64 bits are left for the identifier
    const Ipv6Address address = withInterfaceId(prefix.address, eui64(i.mac));
    auto& list = i.learnt.addresses;
    if (const auto it = entryOf(list, {address, 128}); it != list.end()) {
        // RFC 4862 §5.5.3 e: nobody shortens a life to less than two hours.
        const auto end = endOf(now, option.validLifetime);
        const bool longer = !end || *end > now + twoHours || (it->until && *end > *it->until);
        if (longer) it->until = end;
        else if (!it->until || *it->until > now + twoHours) it->until = now + twoHours;
        it->preferredUntil = endOf(now, option.preferredLifetime);
        return;
    }
    if (option.validLifetime == 0 || list.size() >= maxLearnt || findOn(interface, address)) return;
    list.push_back({{address, 128}, endOf(now, option.validLifetime), endOf(now, option.preferredLifetime)});
    assign(now, interface, address, false, false, out);
}

void IpStack::advanceAutoconfiguration(TimePoint now, std::size_t interface, Output& out)
{
    Interface& i = interfaces_[interface];
    if (i.learnt.solicitationsLeft > 0 && now >= i.learnt.nextSolicitation) solicitRouters(now, interface, out);
    std::erase_if(i.learnt.routers, [&](const auto& t) { return over(t.until, now); });
    useRouters(now, interface, out);
    for (const auto& ended : i.learnt.onLink)
        if (over(ended.until, now)) std::erase(i.onLink, ended.prefix);
    std::erase_if(i.learnt.onLink, [&](const auto& t) { return over(t.until, now); });
    for (const auto& ended : i.learnt.addresses)
        if (over(ended.until, now)) remove(now, interface, ended.prefix.address, out);
    std::erase_if(i.learnt.addresses, [&](const auto& t) { return over(t.until, now); });
}

std::optional<TimePoint> IpStack::nextDeadline(const Learnt& learnt)
{
    std::optional<TimePoint> next;
    if (learnt.solicitationsLeft > 0) next = learnt.nextSolicitation;
    for (const auto* list : {&learnt.routers, &learnt.onLink, &learnt.addresses})
        for (const auto& entry : *list) next = earlier(next, entry.until);
    return next;
}

}  // namespace roamscope::node
