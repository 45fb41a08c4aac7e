// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile node on its home link: bindings are released, home addresses are used as any others (RFC 6275 §11.5.5).
#include "protocol/node/mobile_node.hpp"

#include "protocol/node/sequence.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::BindingUpdate;
using wire::Ipv6Packet;
namespace proto = wire::protocol;

namespace {
constexpr int maxHomeAgentAsks = 3;  // MAX_MULTICAST_SOLICIT, RFC 4861 §10
constexpr int maxAdvertisements = 3; // MAX_NEIGHBOR_ADVERTISEMENT
}

bool MobileNode::atHomeWithAddress(const Ipv6Address& address) const
{
    const auto home = std::find_if(homes_.begin(), homes_.end(), [&](const Home& h) { return h.address == address; });
    return homeLink_ && home != homes_.end() && !home->association.releasing() && stack_.owns(address);
}

bool MobileNode::seesHomeLink(const RouterList::Router& router) const
{
    return std::any_of(homes_.begin(), homes_.end(), [&](const Home& home) { return router.isOnLink(home.address); });
}

void MobileNode::arriveHome(TimePoint now, std::size_t interface, const RouterList::Router& router, Output& out)
{
    const auto* link = wire::findOption<wire::SourceLinkLayerOption>(router.message.options);
    for (const wire::NdOption& option : router.message.options) {
        const auto* pio = std::get_if<wire::PrefixInformation>(&option);
        if (!pio || !pio->onLink) continue;
        stack_.setOnLink(interface, pio->prefix);
        // RFC 6275 §7.2: with R the whole address of the router, so that the home agent needs no asking for (MN-HOME-02).
        if (pio->routerAddress && link && pio->prefix.address == homeAgent())
            stack_.learnNeighbor(now, interface, homeAgent(), link->address, true, out);
    }
    if (homeLink_) return;
    homeLink_ = interface;
    primary_ = interface;
    choosePrimary(now);
    out.happened(now, "movement-detected", {{"prefix", attribute(std::string_view("home"))}, {"care_of_address", attribute(homes_.front().address)}});
    // HMIP-MN-31: the MAPs' bindings end by themselves.
    while (!maps_.empty()) forgetMap(now, maps_.begin()->first, out);
    nameCarried();
    discovery_.stop();
    prefixes_.stop();
    nextDiscovery_.reset();
    network_.arrivedHome();
    if (network_.active()) stack_.setRouter(now, interface, true, out);  // RFC 3963 §5.7, §5.8
    // MCOA-MN-12: registered elsewhere it may stay so.
    settleBeside(now, isMultihomed() && !ways(now).empty(), out);
    if (!beside_) settleHome(now, interface, out);
}

void MobileNode::settleHome(TimePoint now, std::size_t interface, Output& out)
{
    for (Home& home : homes_) {
        if (usesBids(home)) {
            // MCOA-MN-07: all of them with one update that names none.
            const std::uint16_t last = newest(home.association.sequence(), home.paths.sequence());
            home.association.restart(last, home.paths.mayBeBound());
            home.paths.restart(last);
            pathEvents(now, home.paths, out);
        }
        home.association.release(now);
    }
    // MCOA-MN-07: an update without an identifier deletes all of them.
    for (auto it = peers_.begin(); it != peers_.end();) {
        const bool further = it != peers_.begin() && std::prev(it)->first.first == it->first.first && std::prev(it)->first.second == it->first.second;
        if (further) {
            std::prev(it)->second.continueFrom(it->second.sequence());
            it = peers_.erase(it);
            continue;
        }
        it->second.release(now, it->first.first);
        ++it;
    }
    homeAgentAsked_ = 0;
    const bool releases = std::any_of(homes_.begin(), homes_.end(), [](const Home& home) { return home.association.releasing(); });
    if (releases && !stack_.neighborMac(interface, homeAgent())) {
        homeAgentAsked_ = 1;
        nextHomeAgentAsk_ = now;
        stack_.watchAdvertisements(homes_.front().address);
    }
    // MN-DAD-04: the home agent defends an address while it has a binding; without one it is tested like any other.
    for (const Home& home : homes_)
        if (!home.association.releasing() && !home.refused) stack_.assign(now, interface, home.address, false, false, out);
    if (links_[interface].linkLocalWaits && !releases) assignLinkLocal(now, interface, false, out);
}

bool MobileNode::reachesHomeAgent(TimePoint now, Output& out)
{
    if (homeAgentAsked_ == 0) return true;
    const Ipv6Address target = homes_.front().address;
    if (stack_.neighborMac(*homeLink_, homeAgent()) || (now >= nextHomeAgentAsk_ && homeAgentAsked_ > maxHomeAgentAsks)) {
        homeAgentAsked_ = 0;
        stack_.watchAdvertisements(std::nullopt);
        return true;
    }
    if (now < nextHomeAgentAsk_) return false;
    // MN-HOME-02: whoever defends the home address is the home agent. The question must not come from that address.
    ++homeAgentAsked_;
    nextHomeAgentAsk_ = now + stack_.retransTimer(*homeLink_);
    Ipv6Packet packet;
    packet.hopLimit = 255;
    packet.destination = solicitedNode(target);
    packet.nextHeader = proto::icmpv6;
    packet.payload = wire::emitIcmpv6(wire::NeighborSolicitation{target, {}}, packet.pseudoHeader());
    stack_.send(now, std::move(packet), out, *homeLink_);
    return false;
}

void MobileNode::progressHome(TimePoint now, Output& out)
{
    if (!reachesHomeAgent(now, out)) return;
    for (Home& home : homes_) {
        home.association.expire(now);
        while (const auto update = home.association.due(now)) sendHomeRelease(now, home, *update, out);
    }
    for (auto it = peers_.begin(); it != peers_.end();) {
        auto& [key, peer] = *it;
        if (!atHomeWithAddress(key.first)) {
            ++it;
            continue;
        }
        while (const auto step = peer.due(now, stack_.random(), peerRates_[peer.peer()])) sendStep(now, peer, *step, out);
        keepSequence(key.second, key.first, peer.sequence());
        it = peer.releasing() ? std::next(it) : peers_.erase(it);
    }
}

void MobileNode::sendHomeRelease(TimePoint now, const Home& home, const Association::Update& update, Output& out)
{
    // MN-HOME-01: from the home address, which is the care-of address, too; no home address option is needed then.
    const std::size_t interface = *homeLink_;
    BindingUpdate bu;
    bu.sequence = update.sequence;
    bu.flags = BindingUpdate::acknowledge | BindingUpdate::homeRegistration;
    if (sharesIdentifier(home.address)) bu.flags |= BindingUpdate::linkLocal;  // MN-BU-03: a home agent may go by this update when it stops to defend that address
    bu.lifetime = update.lifetime;
    addNetwork(home, bu);
    Ipv6Packet packet;
    packet.source = home.address;
    packet.destination = home.association.peer();
    packet.nextHeader = proto::mobility;
    packet.payload = wire::emitMobility(bu, packet.pseudoHeader());
    out.happened(now, "home-binding-update", {{"sequence", attribute(std::int64_t{update.sequence})}, {"care_of_address", attribute(update.careOf)},
                                              {"home_agent", attribute(packet.destination)}, {"copy", attribute(update.copy)}});
    registrationEvent(now, home.association, "waiting", out);
    stack_.send(now, std::move(packet), out);
    // MN-HOME-03: who asks for the home address is answered from now on; MN-DAD-04: it is not tested.
    stack_.assign(now, interface, home.address, false, true, out);
    if (links_[interface].linkLocalWaits) assignLinkLocal(now, interface, true, out);
}

void MobileNode::takeHomeAddress(TimePoint now, const Ipv6Address& home, Output& out)
{
    if (!homeLink_) return;
    stack_.advertiseProxy(now, *homeLink_, home, out);
    stack_.advertiseProxy(now, *homeLink_, stack_.linkLocalAddress(*homeLink_), out);
    homeAdvertisementsLeft_ = maxAdvertisements - 1;
    nextHomeAdvertisement_ = now + stack_.retransTimer(*homeLink_);
}

void MobileNode::repeatAdvertisements(TimePoint now, Output& out)
{
    if (!homeLink_ || homeAdvertisementsLeft_ == 0 || now < nextHomeAdvertisement_) return;
    --homeAdvertisementsLeft_;
    nextHomeAdvertisement_ = now + stack_.retransTimer(*homeLink_);
    for (const Home& home : homes_)
        if (atHomeWithAddress(home.address)) stack_.advertiseProxy(now, *homeLink_, home.address, out);
    stack_.advertiseProxy(now, *homeLink_, stack_.linkLocalAddress(*homeLink_), out);
}

}  // namespace roamscope::node
