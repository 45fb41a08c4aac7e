// SPDX-License-Identifier: GPL-3.0-or-later
// What a home agent does for mobile nodes beside their bindings: lets itself be found (RFC 6275 §10.5), tells the prefixes of the home
// link (§10.6), asks for a refresh (§9.5.5).
#include "protocol/node/anchor.hpp"
#include "protocol/node/home_discovery.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;

namespace {

constexpr int refreshRequests = 3;  // for one binding

Duration asDuration(std::uint32_t seconds)
{
    constexpr std::uint32_t longest = 10 * 365 * 86400u;  // infinite is long enough so
    return std::chrono::seconds(std::min(seconds, longest));
}

}  // namespace

void Anchor::listen()
{
    if (!services_.discovery) return;
    for (const RouterPrefix& prefix : registrar_.policy().homePrefixes) {
        const Ipv6Address anycast = homeAgentsAnycast(prefix.prefix);
        const auto interface = stack_.interfaceOf(anycast);
        if (interface && !stack_.find(anycast)) stack_.addAnycastAddress(*interface, anycast);
    }
}

Registrar::Policy Anchor::withOwnAddresses(Registrar::Policy policy) const
{
    for (std::size_t i = 0; i < stack_.interfaceCount(); ++i)
        for (const InterfaceAddress& address : stack_.addresses(i))
            if (!address.proxy) policy.own.push_back(address.address);
    policy.ipv4 = ipv4_.has_value();
    return policy;
}

void Anchor::configure(TimePoint now, Registrar::Policy policy, std::vector<RouterAdvertiser> advertisers, const AnchorServices& services)
{
    const Registrar::Policy before = registrar_.policy();
    services_ = services;
    if (ipv4_ && services.ipv4) ipv4_->setNatRefresh(services.ipv4->natRefresh);
    prefixes_.configure(services.prefixes);
    registrar_.configure(policy);
    listen();
    registrar_.configure(withOwnAddresses(std::move(policy)));
    router_.configure(now, std::move(advertisers), services.probing);
    for (const bool regional : {false, true}) {
        const auto& old = regional ? before.regionalPrefixes : before.homePrefixes;
        const auto list = regional ? registrar_.policy().regionalPrefixes : registrar_.policy().homePrefixes;
        for (const RouterPrefix& prefix : list) {
            if (std::find(old.begin(), old.end(), prefix) != old.end()) continue;
            registrar_.setPrefix(now, prefix, regional);
            if (const auto interface = stack_.interfaceOf(prefix.prefix.address); interface && !regional) prefixesChanged(now, *interface);
        }
    }
}

bool Anchor::serve(TimePoint now, const Delivery& delivery, Output& out)
{
    if (!delivery.icmp || registrar_.policy().homePrefixes.empty()) return false;
    if (const auto* ra = validAdvertisement(delivery)) {
        if (homeAgents_[delivery.interface].heard(now, delivery.packet.source, *ra)) prefixesChanged(now, delivery.interface);
        return true;
    }
    if (const auto* request = std::get_if<wire::HomeAgentDiscoveryRequest>(&*delivery.icmp)) {
        answerDiscovery(now, delivery, *request, out);
        return true;
    }
    const auto* solicitation = std::get_if<wire::MobilePrefixSolicitation>(&*delivery.icmp);
    // MN-MPS-01: it comes with a home address option, which had to fit a binding.
    if (!solicitation || !delivery.careOf) return solicitation != nullptr;
    out.happened(now, "prefix-solicitation", {{"home_address", attribute(delivery.packet.source)}, {"identifier", attribute(std::int64_t{solicitation->identifier})}});
    prefixes_.solicited(now, delivery.packet.source, solicitation->identifier);
    deliverPrefixes(now, out);
    return true;
}

// ---- dynamic home agent address discovery

void Anchor::answerDiscovery(TimePoint now, const Delivery& delivery, const wire::HomeAgentDiscoveryRequest& request, Output& out)
{
    const auto interface = stack_.interfaceOf(delivery.packet.destination);
    const bool overIpv4 = delivery.careOf && wire::unmapped(*delivery.careOf);
    const Ipv6Address asker = overIpv4 ? delivery.packet.source : delivery.careOf.value_or(delivery.packet.source);
    if (!services_.discovery || !interface || !asker.isUnicastRoutable()) return;
    const bool serves = std::any_of(registrar_.policy().homePrefixes.begin(), registrar_.policy().homePrefixes.end(),
                                    [&](const RouterPrefix& p) { return p.prefix.contains(delivery.packet.destination); });
    if (!serves) return;
    discoveryTokens_ = std::min(discoveriesPerSecond, discoveryTokens_ + discoveriesPerSecond * toSeconds(now - discoveryTokensAt_));
    discoveryTokensAt_ = now;
    if (discoveryTokens_ < 1) return;
    discoveryTokens_ -= 1;

    ListedAgent own;
    for (const InterfaceAddress& a : stack_.addresses(*interface))
        if (a.address.isUnicastRoutable() && stack_.owns(a.address)) own.addresses.push_back(a.address);
    if (own.addresses.empty()) return;
    const Ipv6Address source = own.addresses.front();
    for (const RouterAdvertiser& advertiser : router_.advertisers())
        if (advertiser.interface() == *interface && advertiser.settings().homeAgentInformation) own.preference = advertiser.settings().homeAgentInformation->preference;
    const MobileRouterPolicy& routers = registrar_.policy().mobileRouters;
    own.mobileRouters = routers.support == Support::On && !routers.routers.empty();
    // HA-DHAAD-03: straight to the address that asks, with its identifier. NEMO-DH-01: plain home agents where none serves mobile routers.
    wire::HomeAgentDiscoveryReply reply{request.identifier, false, {}};
    if (request.mobileRouter) reply.homeAgents = homeAgents_[*interface].answer(own, stack_.random(), true);
    reply.mobileRouter = !reply.homeAgents.empty();
    if (!reply.mobileRouter) reply.homeAgents = homeAgents_[*interface].answer(std::move(own), stack_.random());
    out.happened(now, "home-agent-discovery", {{"to", attribute(asker)}, {"agents", attribute(static_cast<std::int64_t>(reply.homeAgents.size()))}});
    stack_.sendIcmp(now, *interface, source, asker, reply, out, 64);
}

// ---- mobile prefix discovery

void Anchor::prefixesChanged(TimePoint now, std::size_t interface)
{
    for (const Binding& binding : registrar_.bindings()) {
        const Ipv6Address& home = binding.homeAddress;
        if (binding.state != Binding::State::Valid || binding.regional || stack_.interfaceOf(home) != interface) continue;
        const RouterPrefix* prefix = registrar_.prefixOf(now, home, false);
        prefixes_.changed(now, home, asDuration(prefix ? prefix->preferredAt(now) : 0));
    }
}

wire::MobilePrefixAdvertisement Anchor::prefixesOf(TimePoint now, std::size_t interface) const
{
    // RFC 6275 §10.6.1: those of this home agent and of the others on the link, each once.
    // HA-MPA-02 (§10.6.3): M and O are set when one of the advertisements that told prefixes has them, ours as well as those of others.
    wire::MobilePrefixAdvertisement message;
    std::vector<Prefix> done;
    const auto add = [&](const wire::PrefixInformation& option) {
        if (std::find(done.begin(), done.end(), option.prefix.masked()) != done.end()) return;
        done.push_back(option.prefix.masked());
        message.options.push_back(option);
    };
    for (RouterPrefix prefix : registrar_.policy().homePrefixes) {
        if (stack_.interfaceOf(prefix.prefix.address) != interface) continue;
        // With R stands our address there, whatever the setting names.
        const auto& list = stack_.addresses(interface);
        const auto own = std::find_if(list.begin(), list.end(), [&](const InterfaceAddress& a) { return prefix.prefix.contains(a.address) && stack_.owns(a.address); });
        if (own != list.end()) prefix.prefix.address = own->address;
        else prefix.routerAddress = false;
        add(prefix.option(now));
    }
    for (const RouterAdvertiser& advertiser : router_.advertisers())
        if (advertiser.interface() == interface) {
            for (const RouterPrefix& prefix : advertiser.prefixes()) add(prefix.option(now));
            message.managed = message.managed || advertiser.settings().managed;
            message.other = message.other || advertiser.settings().other;
        }
    const auto others = homeAgents_.find(interface);
    if (others == homeAgents_.end()) return message;
    for (const wire::PrefixInformation& option : others->second.prefixes(now)) add(option);
    const std::uint8_t flags = others->second.prefixFlags(now);
    message.managed = message.managed || (flags & wire::RouterAdvertisement::managedFlag) != 0;
    message.other = message.other || (flags & wire::RouterAdvertisement::otherFlag) != 0;
    return message;
}

void Anchor::deliverPrefixes(TimePoint now, Output& out)
{
    while (const auto due = prefixes_.due(now)) {
        const Binding* binding = registrar_.find(due->home);
        const auto interface = stack_.interfaceOf(due->home);
        if (!binding || !interface) continue;
        wire::MobilePrefixAdvertisement message = prefixesOf(now, *interface);
        message.identifier = due->identifier;
        // HA-MPA-02: from the address of the registration, with the home address in the routing header. Where a solicitation comes
        // from is the care-of address, else its home address option would not have been believed.
        Ipv6Packet packet;
        packet.source = binding->anchorAddress;
        const auto way = ipv4Way(due->home, binding->careOfAddress);
        packet.destination = way ? due->home : binding->careOfAddress;
        if (packet.destination != due->home) packet.routing = wire::Type2Routing{1, due->home};
        packet.nextHeader = proto::icmpv6;
        packet.payload = wire::emitIcmpv6(message, packet.pseudoHeader());
        out.happened(now, "prefix-advertisement", {{"home_address", attribute(due->home)}, {"identifier", attribute(std::int64_t{due->identifier})}, {"solicited", attribute(due->solicited)}});
        if (way) sendOverIpv4(now, packet, *way, out);
        else stack_.send(now, std::move(packet), out);
    }
}

// ---- bindings come and go

void Anchor::remember(TimePoint now, const Binding& binding)
{
    // RFC 5846 §7: an update that is accepted ends the revocation.
    if (!indications_.empty()) std::erase_if(indications_, [&](const Indication& i) { return i.homeAddress == binding.homeAddress; });
    if (!binding.regional) {
        const RouterPrefix* prefix = registrar_.prefixOf(now, binding.homeAddress, false);
        prefixes_.bound(now, binding.homeAddress, asDuration(prefix ? prefix->preferredAt(now) : 0));
    }
    if (services_.refreshRequest <= Duration{0}) return;
    const auto it = requests_.find(binding.homeAddress);
    if (it != requests_.end()) requestTimers_.erase({it->second.next, binding.homeAddress});
    const TimePoint first = std::max(now, binding.expires - services_.refreshRequest);
    requests_[binding.homeAddress] = {first, refreshRequests};
    requestTimers_.insert({first, binding.homeAddress});
}

void Anchor::forget(const Ipv6Address& home)
{
    prefixes_.unbound(home);
    const auto it = requests_.find(home);
    if (it == requests_.end()) return;
    requestTimers_.erase({it->second.next, home});
    requests_.erase(it);
}

void Anchor::requestRefreshes(TimePoint now, Output& out)
{
    while (!requestTimers_.empty() && requestTimers_.begin()->first <= now) {
        const Ipv6Address home = requestTimers_.begin()->second;
        requestTimers_.erase(requestTimers_.begin());
        RefreshRequest& request = requests_.at(home);
        const Binding* binding = registrar_.find(home);
        if (!binding) continue;
        if (--request.left > 0) {
            request.next = now + services_.refreshRequest / refreshRequests;
            requestTimers_.insert({request.next, home});
        }
        // To the home address (RFC 6275 §9.5.5), so on the way that all packets to it take. MN-TX-04: no routing header.
        Ipv6Packet packet;
        packet.source = binding->anchorAddress;
        packet.destination = home;
        packet.nextHeader = proto::mobility;
        // MCOA-HA-11: it names what is about to end.
        wire::BindingRefreshRequest message;
        for (const BidBinding& part : binding->careOfs)
            if (part.expires - now <= services_.refreshRequest) message.options.push_back(wire::BindingIdentifier{part.bid, 0, false, 0, {}});
        packet.payload = wire::emitMobility(message, packet.pseudoHeader());
        out.happened(now, "binding-refresh-request", {{"home_address", attribute(home)}, {"copy", attribute(request.left + 1 < refreshRequests)}});
        sendAlong(now, *binding, binding->careOfAddress, packet, out);
    }
}

}  // namespace roamscope::node
