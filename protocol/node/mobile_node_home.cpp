// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile node on its home link: bindings are released, the home address is used as any other (RFC 6275 §11.5.5).
#include "protocol/node/mobile_node.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::BindingUpdate;
using wire::Ipv6Packet;
namespace proto = wire::protocol;

namespace {
constexpr std::size_t interface = 0;
}

bool MobileNode::seesHomeLink(const wire::RouterAdvertisement& ra) const
{
    return std::any_of(ra.options.begin(), ra.options.end(), [&](const wire::NdOption& option) {
        const auto* pio = std::get_if<wire::PrefixInformation>(&option);
        return pio && pio->onLink && pio->validLifetime != 0 && pio->prefix.contains(settings_.homeAddress);
    });
}

void MobileNode::arriveHome(TimePoint now, const Delivery& delivery, const wire::RouterAdvertisement& ra, Output& out)
{
    const auto* link = wire::findOption<wire::SourceLinkLayerOption>(ra.options);
    for (const wire::NdOption& option : ra.options) {
        const auto* pio = std::get_if<wire::PrefixInformation>(&option);
        if (!pio || !pio->onLink) continue;
        stack_.setOnLink(interface, pio->prefix);
        // RFC 6275 §7.2: with R the whole address of the router, so that the home agent needs no asking for (MN-HOME-02).
        if (pio->routerAddress && link && pio->prefix.address == settings_.homeAgent)
            stack_.learnNeighbor(now, delivery.interface, settings_.homeAgent, link->address, true, out);
    }
    if (homeLink_) return;
    homeLink_ = true;
    out.happened(now, "movement-detected", {{"prefix", attribute(std::string_view("home"))}, {"care_of_address", attribute(settings_.homeAddress)}});
    if (atMap_) leaveMap(now, out);
    atHome_.release(now);
    for (auto& [address, peer] : peers_) peer.release(now);
    // MN-DAD-04: the home agent defends the address while it has a binding; without one the address is tested like any other.
    if (!atHome_.releasing() && !homeRefused_) stack_.assign(now, interface, settings_.homeAddress, false, false, out);
}

void MobileNode::progressHome(TimePoint now, Output& out)
{
    while (const auto update = atHome_.due(now)) sendHomeRelease(now, *update, out);
    if (!atHomeWithAddress()) return;
    for (auto it = peers_.begin(); it != peers_.end();) {
        while (const auto step = it->second.due(now, stack_.random())) sendStep(now, it->second, *step, out);
        lastSequences_[it->first] = it->second.sequence();
        it = it->second.releasing() ? std::next(it) : peers_.erase(it);
    }
}

void MobileNode::sendHomeRelease(TimePoint now, const Association::Update& update, Output& out)
{
    // MN-HOME-01: from the home address, which is the care-of address, too; no home address option is needed then.
    BindingUpdate bu;
    bu.sequence = update.sequence;
    bu.flags = BindingUpdate::acknowledge | BindingUpdate::homeRegistration;
    bu.lifetime = update.lifetime;
    Ipv6Packet packet;
    packet.source = settings_.homeAddress;
    packet.destination = settings_.homeAgent;
    packet.nextHeader = proto::mobility;
    packet.payload = wire::emitMobility(bu, packet.pseudoHeader());
    out.happened(now, "home-binding-update", {{"sequence", attribute(std::int64_t{update.sequence})}, {"care_of_address", attribute(update.careOf)},
                                              {"home_agent", attribute(settings_.homeAgent)}, {"copy", attribute(update.copy)}});
    registrationEvent(now, atHome_, "waiting", out);
    stack_.send(now, std::move(packet), out);
    // MN-HOME-03: who asks for the home address is answered from now on; MN-DAD-04: it is not tested.
    stack_.assign(now, interface, settings_.homeAddress, false, true, out);
}

void MobileNode::takeHomeAddress(TimePoint now, Output& out)
{
    if (!homeLink_) return;
    stack_.advertiseProxy(now, interface, settings_.homeAddress, out);
    stack_.advertiseProxy(now, interface, stack_.linkLocalAddress(interface), out);
}

}  // namespace roamscope::node
