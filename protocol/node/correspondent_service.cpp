// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/correspondent_service.hpp"
#include "protocol/node/flow_events.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;
using Action = CorrespondentCache::Verdict::Action;

namespace {

/// When the first request for a refresh is due (RR-CN-12).
TimePoint refreshRequestAt(const BidBinding& part)
{
    const Duration lifetime = toDuration(part.granted);
    return part.expires - std::clamp<Duration>(lifetime / 16, 4s, 20s);
}
TimePoint refreshRequestAt(const CorrespondentBinding& binding)
{
    TimePoint first = TimePoint::max();
    for (const BidBinding& part : binding.parts()) first = std::min(first, refreshRequestAt(part));
    return first;
}

}  // namespace

CorrespondentService::CorrespondentService(Random secrets, const Settings& settings)
    : nonces_(secrets, settings.nonces), cache_(settings.maximumBindings, settings.bids), bids_(settings.bids), flowPolicy_(settings.flows), refreshRequests_(settings.refreshRequests)
{
}

void CorrespondentService::configure(const Settings& settings)
{
    cache_.configure(settings.maximumBindings, settings.bids);
    bids_ = settings.bids;
    flowPolicy_ = settings.flows;
    refreshRequests_ = settings.refreshRequests;
    if (!refreshRequests_) requests_.clear();
    requestTimers_.drop(holds());
}

bool CorrespondentService::receive(TimePoint now, const Ipv6Packet& packet, const wire::MobilityMessage& message, IpStack& stack, Output& out)
{
    if (const auto* home = std::get_if<wire::HomeTestInit>(&message)) onHomeTestInit(now, packet, *home, stack, out);
    else if (const auto* careOf = std::get_if<wire::CareOfTestInit>(&message)) onCareOfTestInit(now, packet, *careOf, stack, out);
    else if (const auto* update = std::get_if<wire::BindingUpdate>(&message)) onUpdate(now, packet, *update, stack, out);
    else return false;
    return true;
}

void CorrespondentService::onHomeTestInit(TimePoint now, const Ipv6Packet& packet, const wire::HomeTestInit& init, IpStack& stack, Output& out)
{
    if (packet.homeAddress() || !packet.source.isUnicastRoutable()) return;  // RR-CN-01
    const Nonces::Nonce& nonce = nonces_.current(now);
    answer(now, packet, wire::HomeTest{nonce.index, init.cookie, nonces_.token(nonce, packet.source, TokenKind::Home), {}}, stack, out);
}

void CorrespondentService::onCareOfTestInit(TimePoint now, const Ipv6Packet& packet, const wire::CareOfTestInit& init, IpStack& stack, Output& out)
{
    if (packet.homeAddress() || !packet.source.isUnicastRoutable()) return;  // RR-CN-01
    const Nonces::Nonce& nonce = nonces_.current(now);
    wire::CareOfTest test{nonce.index, init.cookie, nonces_.token(nonce, packet.source, TokenKind::CareOf), {}};
    // MCOA-CN-06: its identifier comes back.
    if (const auto* bid = bids_.support == BidPolicy::Support::On ? wire::findOption<wire::BindingIdentifier>(init.options) : nullptr)
        test.options.push_back(wire::BindingIdentifier{bid->bid, 0, bid->home, bid->priority, {}});
    answer(now, packet, test, stack, out);
}

void CorrespondentService::answer(TimePoint now, const Ipv6Packet& to, const wire::MobilityMessage& message, IpStack& stack, Output& out)
{
    // RR-CN-22: straight to where the request came from, without a routing header.
    Ipv6Packet packet;
    packet.source = to.destination;
    packet.destination = to.source;
    packet.nextHeader = proto::mobility;
    packet.payload = wire::emitMobility(message, packet.pseudoHeader());
    stack.send(now, std::move(packet), out);
}

void CorrespondentService::onUpdate(TimePoint now, const Ipv6Packet& packet, const wire::BindingUpdate& update, IpStack& stack, Output& out)
{
    const std::vector<BidBinding> before = partsOf(packet.homeAddress().value_or(packet.source));
    auto verdict = cache_.judge(now, {packet.homeAddress(), packet.source, packet.destination, update}, packet.payload, nonces_);
    out.happened(now, "binding-update",
                 {{"home_address", attribute(verdict.homeAddress)}, {"care_of_address", attribute(packet.source)},
                  {"sequence", attribute(std::int64_t{update.sequence})}, {"reason", attribute(verdict.reason)},
                  {"bids", attribute(std::string_view(bidText(update)))}, {"overwrite", attribute(update.has(wire::BindingUpdate::overwrite))}});
    if (verdict.action == Action::Drop) return;
    if (verdict.ack.accepted()) {
        applyFlowOptions(now, verdict.homeAddress, update, verdict.ack, out);
        bindingChanged(now, verdict.homeAddress, before, "deleted", stack, out);
    }
    if (const auto request = requests_.find(verdict.homeAddress); request != requests_.end()) request->second.from = packet.destination;
    if (verdict.action == Action::Answer) acknowledge(now, packet, verdict, stack, out);
}

void CorrespondentService::acknowledge(TimePoint now, const Ipv6Packet& update, const CorrespondentCache::Verdict& verdict, IpStack& stack, Output& out)
{
    // RR-CN-15: to the source of the update; the routing header is there when the home address option was.
    Ipv6Packet packet;
    packet.source = update.destination;
    packet.destination = update.source;
    if (update.homeAddress()) packet.routing = wire::Type2Routing{1, verdict.homeAddress};
    packet.nextHeader = proto::mobility;
    packet.payload = verdict.key.empty() ? wire::emitMobility(verdict.ack, packet.pseudoHeader())
                                         : emitAuthorized(verdict.ack, verdict.key, verdict.careOfAddress, packet.source, packet.pseudoHeader());
    out.happened(now, "binding-acknowledgement",
                 {{"home_address", attribute(verdict.homeAddress)}, {"sequence", attribute(std::int64_t{verdict.ack.sequence})},
                  {"status", attribute(std::int64_t{verdict.ack.status})}, {"reason", attribute(verdict.reason)}});
    stack.send(now, std::move(packet), out);
}

void CorrespondentService::onError(TimePoint now, const wire::IcmpError& error, IpStack& stack, Output& out)
{
    // RR-CN-13: the care-of address cannot be reached. What is quoted must be a packet of ours on the optimised way.
    if (error.type != wire::icmpv6Type::destinationUnreachable) return;
    wire::FieldReader in(error.invoking, 0, nullptr);
    const auto quoted = wire::parseIpv6(in, true);
    if (!quoted || !quoted->packet.routing || !stack.isOurs(quoted->packet.source)) return;
    const CorrespondentBinding* binding = cache_.find(quoted->packet.routing->homeAddress);
    if (!binding || !binding->isAt(quoted->packet.destination)) return;
    const Ipv6Address home = binding->homeAddress;
    const std::vector<BidBinding> before = binding->parts();
    if (cache_.unreachable(home, quoted->packet.destination)) bindingChanged(now, home, before, "unreachable", stack, out);
}

bool CorrespondentService::revoke(TimePoint now, const Ipv6Address& homeAddress, IpStack& stack, Output& out)
{
    const std::vector<BidBinding> before = partsOf(homeAddress);
    const bool was = cache_.revoke(homeAddress);
    if (was) bindingChanged(now, homeAddress, before, "revoked", stack, out);
    return was;
}

std::vector<BidBinding> CorrespondentService::partsOf(const Ipv6Address& homeAddress) const
{
    const CorrespondentBinding* binding = cache_.find(homeAddress);
    return binding ? binding->parts() : std::vector<BidBinding>{};
}

void CorrespondentService::applyFlowOptions(TimePoint now, const Ipv6Address& homeAddress, const wire::BindingUpdate& update, wire::BindingAck& ack, Output& out)
{
    const bool asks = flowPolicy_.support != FlowPolicy::Support::Unknown && hasFlows(update.options);
    const CorrespondentBinding* binding = cache_.find(homeAddress);
    const auto it = flows_.find(homeAddress);
    if (!binding || (!asks && it == flows_.end())) return;
    std::vector<std::uint16_t> bids;
    for (const BidBinding& part : binding->careOfs) bids.push_back(part.bid);
    static const std::vector<Flow> none;
    const std::vector<Flow>& present = it == flows_.end() ? none : it->second;
    FlowOutcome outcome = applyFlows(update.options, present, bids, flowPolicy_);
    tellFlows(now, homeAddress, present, outcome.flows, out);
    for (const wire::FlowIdentification& answer : outcome.answers) {
        out.happened(now, "flow-binding", {{"home_address", attribute(homeAddress)}, {"flow", attribute(std::int64_t{answer.flow})}, {"status", attribute(std::int64_t{answer.status})}});
        ack.options.push_back(answer);
    }
    if (outcome.flows.empty()) flows_.erase(homeAddress);
    else flows_[homeAddress] = std::move(outcome.flows);
}

void CorrespondentService::bindingChanged(TimePoint now, const Ipv6Address& homeAddress, const std::vector<BidBinding>& before, std::string_view why, IpStack& stack, Output& out)
{
    const auto keyOf = [&](std::uint16_t bid) {
        Attributes key{{"home_address", attribute(homeAddress)}, {"bid", std::monostate{}}};
        if (bid != 0) key.back().second = attribute(std::int64_t{bid});
        return key;
    };
    const CorrespondentBinding* binding = cache_.find(homeAddress);
    const std::vector<BidBinding> parts = partsOf(homeAddress);
    for (const BidBinding& old : before) {
        if (std::any_of(parts.begin(), parts.end(), [&](const BidBinding& part) { return part.bid == old.bid; })) continue;
        if (binding && old.bid != 0) out.happened(now, "binding-removed", {{"home_address", attribute(homeAddress)}, {"bid", attribute(std::int64_t{old.bid})}, {"reason", attribute(why)}});
        out.removed(now, "binding", keyOf(old.bid));
    }
    if (!binding) {
        requests_.erase(homeAddress);
        requestTimers_.drop(holds());
        if (const auto flows = flows_.find(homeAddress); flows != flows_.end()) {
            tellFlows(now, homeAddress, flows->second, {}, out);
            flows_.erase(flows);
        }
        if (!stack.mobilePeer(homeAddress)) return;
        stack.clearMobilePeer(homeAddress);
        out.happened(now, "binding-removed", {{"home_address", attribute(homeAddress)}, {"reason", attribute(why)}});
        return;
    }
    const auto flows = flows_.find(homeAddress);
    // MCOA-FWD-01: what traffic verified last stays in use.
    const auto used = stack.mobilePeer(homeAddress);
    const bool stays = used && !binding->careOfs.empty() && !hasPriorities(binding->careOfs) && binding->isAt(*used);
    stack.setMobilePeer(homeAddress, stays ? *used : binding->careOfAddress, binding->careOfs, flows == flows_.end() ? std::vector<Flow>{} : flows->second);
    // What another identifier was asked for already goes on as it was.
    const TimePoint ask = refreshRequestAt(*binding);
    if (refreshRequests_) {
        const auto [request, fresh] = requests_.try_emplace(homeAddress);
        if (fresh || ask >= now) request->second = {};
        request->second.next = std::max(fresh || ask >= now ? ask : request->second.next, now);
        requestTimers_.set(homeAddress, request->second.next);
        requestTimers_.drop(holds());
    }
    for (const BidBinding& part : parts)
        out.changed(now, "binding", keyOf(part.bid),
                    {{"care_of_address", attribute(part.careOfAddress)}, {"sequence", attribute(std::int64_t{binding->sequence})}, {"flags", attribute(std::int64_t{0})},
                     {"lifetime", attribute(toDuration(part.granted))}, {"expires", attribute(part.expires)},
                     {"status", attribute(std::int64_t{0})}, {"bid_priority", attribute(std::int64_t{part.priority})}, {"home", attribute(false)}});
}

void CorrespondentService::requestRefreshes(TimePoint now, IpStack& stack, Output& out)
{
    for (const Ipv6Address& home : requestTimers_.takeDue(now, holds())) {
        Request& request = requests_.at(home);
        if (now < request.next) continue;  // it was set twice
        const CorrespondentBinding& binding = *cache_.find(home);
        const Duration lifetime = toDuration(binding.granted);
        if (now - stack.mobilePeerUsed(home) > lifetime / 2) {
            request.sent = refreshRequestCopies;  // nobody needs it
            continue;
        }
        request.next = now + 1s * (1 << request.sent);
        ++request.sent;
        requestTimers_.set(home, request.next);
        // To the home address, past the binding cache (RFC 6275 §9.5.5, §6.1).
        Ipv6Packet packet;
        packet.source = request.from;
        packet.destination = home;
        packet.nextHeader = proto::mobility;
        // MCOA-HA-11: it names what is about to end.
        wire::BindingRefreshRequest message;
        for (const BidBinding& part : binding.careOfs)
            if (refreshRequestAt(part) <= now) message.options.push_back(wire::BindingIdentifier{part.bid, 0, false, 0, {}});
        packet.payload = wire::emitMobility(message, packet.pseudoHeader());
        out.happened(now, "binding-refresh-request", {{"home_address", attribute(home)}, {"copy", attribute(request.sent > 1)}});
        stack.send(now, std::move(packet), out);
    }
    requestTimers_.drop(holds());
}

void CorrespondentService::advance(TimePoint now, IpStack& stack, Output& out)
{
    for (const CorrespondentBinding& binding : cache_.expire(now)) bindingChanged(now, binding.homeAddress, binding.parts(), "expired", stack, out);
    requestRefreshes(now, stack, out);
}

std::optional<TimePoint> CorrespondentService::nextDeadline() const
{
    return earlier(cache_.nextDeadline(), requestTimers_.next());
}

}  // namespace roamscope::node
