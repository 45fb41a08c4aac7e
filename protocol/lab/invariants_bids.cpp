// SPDX-License-Identifier: GPL-3.0-or-later
// What must be true of bindings with identifiers (RFC 5648) after every event.
#include "protocol/lab/invariants.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::lab {

namespace {

/// Clocks that drift are read in whole nanoseconds.
constexpr Duration rounding = 1us;
/// Longer than any frame is underway where nothing delays it on purpose, queues of slow links included.
constexpr Duration quiet = 12s;
/// The mobile node counts a lifetime from the sending of the update, its home agent from the arrival.
constexpr Duration underway = 15s;

}  // namespace

void Invariants::noteQuiet(const Lab& lab, const LabEvent& item)
{
    const node::Event& event = item.event;
    const auto home = [&] { return node::textOf(event.attributes, "home_address"); };
    const auto stir = [&] {
        if (const auto address = Ipv6Address::parse(home())) stirred_[*address] = event.time;
    };
    if (event.name == "binding-update") {
        const bool overwrite = std::any_of(event.attributes.begin(), event.attributes.end(), [](const auto& a) { return a.first == "overwrite" && a.second == node::AttributeValue(true); });
        updates_.push_back({item.node, home(), fmt::format(" {} ", node::textOf(event.attributes, "bids")), overwrite});
        stir();
    } else if (event.name == "binding-removed") {
        const std::string why = node::textOf(event.attributes, "reason");
        if (why == "revoked" || why == "unreachable") ended_.insert({item.node, home()});
        stir();
    } else if (event.name == "home-binding-update" || event.name == "binding-acknowledged" || event.name == "node-up" || event.name == "node-down" || event.name == "registration") {
        // Of a mobile node, all its home addresses.
        const auto* mobile = lab.nodeAs<node::MobileNode>(item.node);
        if (mobile)
            for (const node::MobileNode::Home& h : mobile->homes()) stirred_[h.address] = event.time;
    }
}

bool Invariants::mayEnd(const Lab& lab, std::size_t node, const Ipv6Address& home, const node::BidBinding& part) const
{
    if (part.expires <= lab.localTime(node) + rounding || ended_.contains({node, home.text()})) return true;
    const std::string bid = fmt::format(" {} ", part.bid);
    return std::any_of(updates_.begin(), updates_.end(), [&](const UpdateSeen& u) {
        if (u.node != node || u.home != home.text()) return false;
        // O, a plain update, or one about it; any update without H has left the home link (MCOA-HA-15).
        return u.overwrite || u.bids == "  " || u.bids.find(bid) != std::string::npos || part.home;
    });
}

void Invariants::checkParts(const Lab& lab, std::size_t node, Parts now)
{
    for (const auto& [home, before] : books_[node].parts) {
        const auto there = now.find(home);
        for (const node::BidBinding& old : before) {
            const auto isSame = [&](const node::BidBinding& b) { return b.bid == old.bid; };
            if (there != now.end() && std::any_of(there->second.begin(), there->second.end(), isSame)) continue;
            if (!mayEnd(lab, node, home, old)) violated(lab, node, "binding-lost", fmt::format("identifier {} of {} is gone, and nobody ended it", old.bid, home.text()));
        }
    }
    books_[node].parts = std::move(now);
}

const node::Anchor* Invariants::anchorAt(const Lab& lab, const Ipv6Address& address, std::size_t& node) const
{
    for (node = 0; node < books_.size(); ++node)
        if (const auto* anchor = lab.nodeAs<node::Anchor>(node); anchor && lab.stack(node).owns(address)) return lab.isRunning(node) ? anchor : nullptr;
    return nullptr;
}

void Invariants::checkAgreement(const Lab& lab, std::size_t node, const node::MobileNode& mobile)
{
    using Mode = node::MobileNode::Multihoming::Mode;
    if (!comparable_ || mobile.settings().multihoming.mode == Mode::Off || (mobile.isAtHome() && !mobile.isBeside())) return;
    const TimePoint now = lab.localTime(node);
    for (const node::MobileNode::Home& home : mobile.homes()) {
        const node::BidRegistration& paths = home.paths;
        const auto stir = stirred_.find(home.address);
        // One that has restarted and found no link since then has told nobody.
        if (!paths.supported() || paths.entries().empty() || paths.waiting() || stir == stirred_.end() || now < stir->second + quiet) continue;
        std::size_t number = 0;
        const node::Anchor* agent = anchorAt(lab, paths.peer(), number);
        if (!agent) continue;
        const node::Binding* binding = agent->registrar().find(home.address);
        const std::vector<node::BidBinding> parts = binding && binding->state == node::Binding::State::Valid ? binding->careOfs.list() : std::vector<node::BidBinding>{};
        const auto text = [&](std::uint16_t bid) { return fmt::format("identifier {} of {}", bid, home.address.text()); };
        for (const auto& slot : paths.entries()) {
            if (!slot.bound || slot.expires <= now + underway) continue;
            const bool there = std::any_of(parts.begin(), parts.end(), [&](const node::BidBinding& b) { return b.bid == slot.path.bid && b.careOfAddress == slot.registered; });
            if (!there) violated(lab, node, "agreement", fmt::format("{} is acknowledged at {}, and the home agent does not have it", text(slot.path.bid), slot.registered.text()));
        }
        for (const node::BidBinding& part : parts) {
            if (part.expires <= lab.localTime(number) + underway) continue;
            const auto* slot = paths.find(part.bid);
            if (!slot) violated(lab, node, "agreement", fmt::format("the home agent has {}, and the mobile node knows nothing of it", text(part.bid)));
        }
    }
}

}  // namespace roamscope::lab
