// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/lab/invariants.hpp"

#include "protocol/node/sequence.hpp"
#include "protocol/wire/frame.hpp"
#include "protocol/wire/skim.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::lab {

namespace {

constexpr std::size_t mostViolations = 20;
/// Events at one instant; a node that asks to be called at once again and again would never let time go on.
constexpr std::size_t mostSteps = 100'000;
/// A packet that runs in a circle comes by again within this.
constexpr Duration remembered = 2s;
/// From the first solicitation of an address until it counts as free, with some slack.
constexpr Duration detectionTime = 2s;
/// Clocks that drift are read in whole nanoseconds.
constexpr Duration rounding = 1us;

std::uint64_t hashOf(std::uint64_t hash, ByteView bytes)
{
    for (const std::uint8_t octet : bytes) hash = (hash ^ octet) * 0x100000001b3u;
    return hash;
}

bool losesFrames(const Scenario& scenario)
{
    const auto impaired = [](const LinkSpec& link) { return !link.impairments.empty(); };
    const auto isMessage = [](const FaultSpec& fault) { return std::holds_alternative<MessageFault>(fault); };
    return std::any_of(scenario.links.begin(), scenario.links.end(), impaired) || std::any_of(scenario.faults.begin(), scenario.faults.end(), isMessage);
}

/// No clock goes wrong, no home agent forgets, and acknowledgements say what the home agent did.
bool isComparable(const Scenario& scenario)
{
    return std::none_of(scenario.faults.begin(), scenario.faults.end(), [&](const FaultSpec& fault) {
        const auto* message = std::get_if<MessageFault>(&fault);
        const auto* restart = std::get_if<RestartFault>(&fault);
        const auto isAgent = [&](const NodeSpec& n) { return restart && n.name == restart->node && n.role != Role::MobileNode; };
        return std::holds_alternative<ClockFault>(fault) || (message && message->action != MessageFault::Action::Drop) ||
               std::any_of(scenario.nodes.begin(), scenario.nodes.end(), isAgent);
    });
}

}  // namespace

Invariants::Invariants(const Lab& lab)
    : books_(lab.scenario().nodes.size()), detectionMayFail_(losesFrames(lab.scenario())), comparable_(isComparable(lab.scenario()))
{
    for (std::size_t node = 0; node < books_.size(); ++node)
        for (std::size_t i = 0; i < lab.stack(node).interfaceCount(); ++i)
            for (const node::InterfaceAddress& a : lab.stack(node).addresses(i)) claims_[a.address].insert({node, i, a.proxy});
}

void Invariants::violated(const Lab& lab, std::size_t node, std::string_view invariant, std::string text)
{
    if (violations_.size() < mostViolations) violations_.push_back({lab.now(), node, invariant, std::move(text)});
}

void Invariants::check(const Lab& lab, std::span<const SegmentFrame> frames, std::span<const LabEvent> events)
{
    stepsInInstant_ = lab.now() == instant_ ? stepsInInstant_ + 1 : 0;
    instant_ = lab.now();
    const auto jumps = [](const LabEvent& event) { return event.event.name == "clock-changed"; };
    if (std::any_of(events.begin(), events.end(), jumps)) jump_ = lab.now();
    if (stepsInInstant_ == mostSteps) violated(lab, 0, "timer", fmt::format("{} steps at one instant", mostSteps));
    updates_.clear();
    ended_.clear();
    for (const LabEvent& event : events) noteQuiet(lab, event);
    for (const LabEvent& event : events) note(lab, event);
    for (const SegmentFrame& frame : frames) checkFrame(lab, frame);
    for (std::size_t node = 0; node < books_.size(); ++node)
        if (lab.isRunning(node) && jump_ != lab.now()) checkNode(lab, node);
}

// ---- what nodes report

void Invariants::note(const Lab& lab, const LabEvent& item)
{
    const node::Event& event = item.event;
    Book& book = books_[item.node];
    if (event.name == "node-down") {
        book = {};
        for (auto& [address, claims] : claims_) std::erase_if(claims, [&](const Claim& c) { return c.node == item.node; });
    } else if (event.name == "node-up") {
        for (std::size_t i = 0; i < lab.stack(item.node).interfaceCount(); ++i)
            for (const node::InterfaceAddress& a : lab.stack(item.node).addresses(i))
                if (a.state == node::AddressState::Preferred) claims_[a.address].insert({item.node, i, a.proxy});
    } else if (event.name == "address-taken") {
        if (const auto address = Ipv6Address::parse(node::textOf(event.attributes, "address"))) taken_.try_emplace({item.node, *address}, event.time);
    } else if (event.name == "address") {
        noteAddress(lab, item);
    } else if (event.name == "binding") {
        const std::pair key{node::textOf(event.key, "home_address"), node::numberOf(event.key, "bid")};
        if (event.gone) book.bindings.erase(key);
        else book.bindings.insert(key);
    } else if (event.name == "tunnel") {
        const std::pair key{node::textOf(event.key, "peer"), node::textOf(event.key, "home_address")};
        if (event.gone) book.tunnels.erase(key);
        else book.tunnels.insert(key);
    } else if (event.name == "timer") {
        if (event.gone) book.timers.erase(node::textOf(event.key, "name"));
        else book.timers[node::textOf(event.key, "name")] = node::numberOf(event.attributes, "due");
    } else {
        checkNumbers(lab, item);
    }
}

void Invariants::noteAddress(const Lab& lab, const LabEvent& item)
{
    const node::Event& event = item.event;
    const auto address = Ipv6Address::parse(node::textOf(event.key, "address"));
    const std::string interface = node::textOf(event.key, "interface");
    const auto& interfaces = lab.scenario().nodes[item.node].interfaces;
    const auto it = std::find_if(interfaces.begin(), interfaces.end(), [&](const InterfaceSpec& i) { return i.name == interface; });
    if (!address || it == interfaces.end()) return;
    const auto index = static_cast<std::size_t>(it - interfaces.begin());
    auto& claims = claims_[*address];
    std::erase_if(claims, [&](const Claim& c) { return c.node == item.node && c.interface == index; });
    // An address that is used while it is tested may turn out to be another's (RFC 4429 §3.3).
    if (event.gone || node::textOf(event.attributes, "state") != "preferred") return;
    const bool proxy = std::any_of(event.attributes.begin(), event.attributes.end(), [](const auto& a) { return a.first == "proxy" && a.second == node::AttributeValue(true); });
    const Claim claim{item.node, index, proxy};
    checkUse(lab, *address, claim);
    claims.insert(claim);
}

void Invariants::checkUse(const Lab& lab, const Ipv6Address& address, const Claim& claim)
{
    // Who takes an address unasked breaks the rule on purpose; where frames are lost, nobody can be sure to hear of the other.
    if (taken_.contains({claim.node, address})) return;
    const auto linkOf = [&](const Claim& c) {
        for (const Port& port : lab.ports())
            if (port.node == c.node && port.interface == c.interface) return port.link;
        return std::optional<std::size_t>();
    };
    for (const Claim& other : claims_[address]) {
        if (other.node == claim.node) continue;
        // A mobile node at home takes its address while its home agent still holds it (MN-HOME-01, -02).
        const Claim& own = claim.proxy ? other : claim;
        const auto* mobile = claim.proxy != other.proxy ? lab.nodeAs<node::MobileNode>(own.node) : nullptr;
        if (mobile && mobile->isAtHome()) continue;
        const bool sameLink = linkOf(other) && linkOf(other) == linkOf(claim);
        // Addresses of a link count there; a proxy defends on its link while the owner is elsewhere.
        if (!sameLink && (address.isLinkLocal() || other.proxy || claim.proxy)) continue;
        // Nobody answered the question when the other took the address only afterwards.
        const auto taken = taken_.find({other.node, address});
        if (taken != taken_.end() && taken->second + detectionTime > lab.now()) continue;
        if (detectionMayFail_ && (sameLink || taken != taken_.end())) continue;
        violated(lab, claim.node, "address-use", fmt::format("{} is used by {} and {}", address.text(), lab.scenario().nodes[other.node].name, lab.scenario().nodes[claim.node].name));
    }
}

void Invariants::checkNumbers(const Lab& lab, const LabEvent& item)
{
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> updates{
        {{"local-binding-update", "map"}, {"home-binding-update", "home_agent"}, {"correspondent-binding-update", "peer"}}};
    // Status 135 names the number to go on from, wherever that is (MN-BU-09).
    if (item.event.name == "binding-acknowledged" && node::textOf(item.event.attributes, "result") == "resynchronised")
        for (auto& [key, number] : books_[item.node].sent)
            if (key.second == node::textOf(item.event.attributes, "peer")) number = static_cast<std::uint16_t>(node::numberOf(item.event.attributes, "sequence"));
    for (const auto& [name, peerKey] : updates) {
        if (item.event.name != name) continue;
        const auto number = static_cast<std::uint16_t>(node::numberOf(item.event.attributes, "sequence"));
        const std::string peer = node::textOf(item.event.attributes, peerKey);
        const auto [it, fresh] = books_[item.node].sent.try_emplace({name, peer}, number);
        if (!fresh && !node::isNewer(number, it->second)) violated(lab, item.node, "sequence", fmt::format("{} to {} has number {} after {} (MN-BU-06)", name, peer, number, it->second));
        it->second = number;
    }
}

// ---- packets

void Invariants::checkFrame(const Lab& lab, const SegmentFrame& frame)
{
    while (!oldPassages_.empty() && oldPassages_.front().first + remembered < frame.time) {
        const auto it = passages_.find(oldPassages_.front().second);
        if (it != passages_.end() && it->second.time == oldPassages_.front().first) passages_.erase(it);
        oldPassages_.pop_front();
    }
    const auto headers = wire::plainHeaders(frame.bytes, wire::linkEthernet, frame.bytes.size());
    if (!headers) return;
    // The innermost packet without its hop limit, on this link from this sender. Copies have the same hop limit, and bits that were
    // turned over can change that of a few; what comes by with lower ones again and again runs in a circle, until nothing is left of it.
    constexpr int fewRounds = 4;
    constexpr std::size_t hopLimitAt = 7;
    const std::size_t inner = headers->ipv6[headers->count - 1];
    const ByteView bytes(frame.bytes);
    constexpr std::uint64_t start = 0xcbf29ce484222325u;
    std::uint64_t hash = hashOf(start + frame.link, bytes.subspan(6, 6));
    hash = hashOf(hash, bytes.subspan(inner, hopLimitAt));
    hash = hashOf(hash, bytes.subspan(inner + hopLimitAt + 1));
    const std::uint8_t hopLimit = bytes[inner + hopLimitAt];
    const auto it = passages_.try_emplace(hash, Passage{hopLimit, 0, frame.time}).first;
    if (hopLimit < it->second.hopLimit && ++it->second.rounds == fewRounds)
        violated(lab, 0, "packet-loop", fmt::format("a packet passes {} again, now with hop limit {}", lab.scenario().links[frame.link].name, hopLimit));
    it->second.hopLimit = std::min(it->second.hopLimit, hopLimit);
    it->second.time = frame.time;
    oldPassages_.emplace_back(frame.time, hash);
}

// ---- state

void Invariants::checkNode(const Lab& lab, std::size_t node)
{
    const auto deadline = lab.nodeDeadline(node);
    const TimePoint now = lab.localTime(node);
    if (deadline && *deadline + rounding < now && stepsInInstant_ == 0) violated(lab, node, "timer", fmt::format("a deadline of {:.6f} s is still there", toSeconds(*deadline)));
    const node::IpStack& stack = lab.stack(node);
    for (std::size_t i = 0; i < stack.interfaceCount(); ++i)
        for (const node::InterfaceAddress& a : stack.addresses(i))
            if (a.state == node::AddressState::Tentative && stack.isUp(i) && (!deadline || *deadline > a.nextProbe))
                violated(lab, node, "timer", fmt::format("nobody ends the detection of {}", a.address.text()));
    if (const auto* anchor = lab.nodeAs<node::Anchor>(node)) checkAnchor(lab, node, *anchor);
    if (const auto* correspondent = lab.nodeAs<node::Correspondent>(node)) checkCorrespondent(lab, node, correspondent->cache());
    if (const auto* mobile = lab.nodeAs<node::MobileNode>(node)) checkMobileNode(lab, node, *mobile);
}

void Invariants::checkEnd(const Lab& lab, std::size_t node, const Ipv6Address& home, TimePoint expires, WireLifetime granted)
{
    const TimePoint now = lab.localTime(node);
    if (expires + rounding < now) violated(lab, node, "binding-lifetime", fmt::format("the binding of {} ended {:.6f} s ago", home.text(), toSeconds(now - expires)));
    if (expires > now + toDuration(granted)) violated(lab, node, "binding-lifetime", fmt::format("the binding of {} lives longer than the {} s that were granted", home.text(), toSeconds(toDuration(granted))));
    const auto deadline = lab.nodeDeadline(node);
    if (!deadline || *deadline > expires) violated(lab, node, "timer", fmt::format("nobody ends the binding of {}", home.text()));
}

void Invariants::checkForward(const Lab& lab, std::size_t node, const Ipv6Address& home, const Book::Number& number, std::set<Ipv6Address>& seen)
{
    seen.insert(home);
    const auto [it, fresh] = books_[node].accepted.try_emplace(home, number);
    const Book::Number before = std::exchange(it->second, number);
    if (!fresh && before.began == number.began && before.sequence != number.sequence && !node::isNewer(number.sequence, before.sequence))
        violated(lab, node, "sequence", fmt::format("the binding of {} went from number {} to {}", home.text(), before.sequence, number.sequence));
}

void Invariants::checkAnchor(const Lab& lab, std::size_t node, const node::Anchor& anchor)
{
    const Book& book = books_[node];
    std::size_t live = 0;
    std::size_t tunnels = 0;
    std::set<Ipv6Address> seen;
    Parts parts;
    for (const node::Binding& binding : anchor.registrar().bindings()) {
        const Ipv6Address& home = binding.homeAddress;
        checkForward(lab, node, home, {binding.sequence, {}}, seen);
        if (binding.state != node::Binding::State::Valid) continue;
        if (!binding.careOfs.empty()) parts[home] = binding.careOfs;
        tunnels += binding.tunnels().size();
        const std::string name = home.text();
        for (const node::BidBinding& part : binding.parts()) {
            ++live;
            checkEnd(lab, node, home, part.expires, part.granted);
            if (!book.bindings.contains({name, part.bid}) || (!part.home && !book.tunnels.contains({part.careOfAddress.text(), name})))
                violated(lab, node, "tunnels", fmt::format("the binding of {} to {} has no tunnel", home.text(), part.careOfAddress.text()));
        }
        if (!binding.isAt(binding.careOfAddress)) violated(lab, node, "tunnels", fmt::format("packets for {} go where it is not: {}", home.text(), binding.careOfAddress.text()));
        // MCOA-HA-09: with status 0 the mobile node on its home link answers for itself.
        if (!lab.stack(node).proxies(home) && !(anchor.registrar().policy().bids.homeNeighborDiscovery && binding.isAt(home))) violated(lab, node, "tunnels", fmt::format("nobody intercepts what is for {}", home.text()));
    }
    std::erase_if(books_[node].accepted, [&](const auto& entry) { return !seen.contains(entry.first); });
    checkParts(lab, node, std::move(parts));
    if (!anchor.registrar().mobileRouters().empty()) checkNetworks(lab, node, anchor);
    if (book.tunnels.size() != tunnels || book.bindings.size() != live)
        violated(lab, node, "tunnels", fmt::format("{} bindings, {} of them reported, {} tunnels", live, book.bindings.size(), book.tunnels.size()));
}

void Invariants::checkCorrespondent(const Lab& lab, std::size_t node, const node::CorrespondentCache& cache)
{
    std::set<Ipv6Address> seen;
    Parts parts;
    std::size_t live = 0;
    for (const auto& [home, binding] : cache.bindings()) {
        checkForward(lab, node, home, {binding.sequence, binding.firstHomeNonce}, seen);
        if (binding.state != node::CorrespondentBinding::State::Live) continue;
        if (!binding.careOfs.empty()) parts[home] = binding.careOfs;
        for (const node::BidBinding& part : binding.parts()) {
            ++live;
            checkEnd(lab, node, home, part.expires, part.granted);
        }
        if (const auto peer = lab.stack(node).mobilePeer(home); !peer || !binding.isAt(*peer)) violated(lab, node, "tunnels", fmt::format("packets for {} do not go to {}", home.text(), binding.careOfAddress.text()));
    }
    std::erase_if(books_[node].accepted, [&](const auto& entry) { return !seen.contains(entry.first); });
    checkParts(lab, node, std::move(parts));
    if (books_[node].bindings.size() != live) violated(lab, node, "tunnels", fmt::format("{} bindings, {} of them reported", live, books_[node].bindings.size()));
}

void Invariants::checkMobileNode(const Lab& lab, std::size_t node, const node::MobileNode& mobile)
{
    checkCorrespondent(lab, node, mobile.cache());
    const TimePoint now = lab.localTime(node);
    const auto& atMap = mobile.mapAssociation();
    const auto checkPaths = [&](const node::BidRegistration& paths) {
        for (const auto& slot : paths.entries())
            if (slot.bound && now < slot.expires && slot.expires > now + toDuration(slot.granted))
                violated(lab, node, "binding-lifetime", fmt::format("identifier {} of {} lives longer than what was granted", slot.path.bid, paths.home().text()));
    };
    for (const node::MobileNode::Home& home : mobile.homes()) checkPaths(home.paths);
    checkAgreement(lab, node, mobile);
    if (mobile.network().active()) checkRouter(lab, node, mobile);
    for (const auto& [map, paths] : mobile.mapPaths()) checkPaths(paths);
    const node::Association& atHome = mobile.homeAssociation();
    for (const node::Association* a : {atMap ? &*atMap : nullptr, &atHome})
        if (a && a->registered(now) && a->expires() > now + toDuration(a->granted()))
            violated(lab, node, "binding-lifetime", fmt::format("the registration of {} lives longer than what was granted", a->home().text()));
    for (const auto& [name, due] : books_[node].timers) {
        bool owned = true;
        if (name == "local-binding-update") owned = mobile.mapUpdateDue() == atNanoseconds(due);
        if (name == "home-binding-update") owned = mobile.homeUpdateDue() == atNanoseconds(due);
        if (!owned) violated(lab, node, "timer", fmt::format("timer {} at {:.6f} s belongs to nobody", name, toSeconds(atNanoseconds(due))));
    }
}

}  // namespace roamscope::lab
