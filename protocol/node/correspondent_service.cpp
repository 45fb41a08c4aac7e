// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/correspondent_service.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;
using Action = CorrespondentCache::Verdict::Action;

namespace {

/// When the first request for a refresh is due (RR-CN-12).
TimePoint refreshRequestAt(const CorrespondentBinding& binding)
{
    const Duration lifetime = std::chrono::seconds(4 * std::int64_t{binding.granted.count()});
    return binding.expires - std::clamp<Duration>(lifetime / 16, 4s, 20s);
}

}  // namespace

CorrespondentService::CorrespondentService(Random secrets, const Settings& settings)
    : nonces_(secrets, settings.nonces), cache_(settings.maximumBindings), refreshRequests_(settings.refreshRequests)
{
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
    answer(now, packet, wire::CareOfTest{nonce.index, init.cookie, nonces_.token(nonce, packet.source, TokenKind::CareOf), {}}, stack, out);
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
    const auto verdict = cache_.judge(now, {packet.homeAddress(), packet.source, packet.destination, update}, packet.payload, nonces_);
    out.happened(now, "binding-update",
                 {{"home_address", attribute(verdict.homeAddress)}, {"care_of_address", attribute(packet.source)},
                  {"sequence", attribute(std::int64_t{update.sequence})}, {"reason", attribute(verdict.reason)}});
    if (verdict.action == Action::Drop) return;
    if (verdict.ack.accepted()) bindingChanged(now, verdict.homeAddress, "deleted", stack, out);
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
    if (!binding || binding->careOfAddress != quoted->packet.destination) return;
    const Ipv6Address home = binding->homeAddress;
    if (cache_.unreachable(home)) bindingChanged(now, home, "unreachable", stack, out);
}

bool CorrespondentService::revoke(TimePoint now, const Ipv6Address& homeAddress, IpStack& stack, Output& out)
{
    const bool was = cache_.revoke(homeAddress);
    if (was) bindingChanged(now, homeAddress, "revoked", stack, out);
    return was;
}

void CorrespondentService::bindingChanged(TimePoint now, const Ipv6Address& homeAddress, std::string_view why, IpStack& stack, Output& out)
{
    const Attributes key{{"home_address", attribute(homeAddress)}, {"bid", std::monostate{}}};
    if (const CorrespondentBinding* binding = cache_.find(homeAddress)) {
        stack.setMobilePeer(homeAddress, binding->careOfAddress);
        if (refreshRequests_) requests_[homeAddress] = {refreshRequestAt(*binding), 0, {}};
        out.changed(now, "binding", key,
                    {{"care_of_address", attribute(binding->careOfAddress)}, {"sequence", attribute(std::int64_t{binding->sequence})},
                     {"flags", attribute(std::int64_t{0})},
                     {"lifetime", attribute(Duration(std::chrono::seconds(4 * std::int64_t{binding->granted.count()})))},
                     {"expires", attribute(binding->expires)}, {"status", attribute(std::int64_t{0})}});
        return;
    }
    requests_.erase(homeAddress);
    if (!stack.mobilePeer(homeAddress)) return;
    stack.clearMobilePeer(homeAddress);
    out.happened(now, "binding-removed", {{"home_address", attribute(homeAddress)}, {"reason", attribute(why)}});
    out.removed(now, "binding", key);
}

void CorrespondentService::requestRefreshes(TimePoint now, IpStack& stack, Output& out)
{
    for (auto& [home, request] : requests_) {
        if (request.sent == refreshRequestCopies || now < request.next) continue;
        const CorrespondentBinding& binding = *cache_.find(home);
        const Duration lifetime = std::chrono::seconds(4 * std::int64_t{binding.granted.count()});
        if (now - stack.mobilePeerUsed(home) > lifetime / 2) {
            request.sent = refreshRequestCopies;  // nobody needs it
            continue;
        }
        request.next = now + 1s * (1 << request.sent);
        ++request.sent;
        // To the home address, past the binding cache (RFC 6275 §9.5.5, §6.1).
        Ipv6Packet packet;
        packet.source = request.from;
        packet.destination = home;
        packet.nextHeader = proto::mobility;
        packet.payload = wire::emitMobility(wire::BindingRefreshRequest{}, packet.pseudoHeader());
        out.happened(now, "binding-refresh-request", {{"home_address", attribute(home)}, {"copy", attribute(request.sent > 1)}});
        stack.send(now, std::move(packet), out);
    }
}

void CorrespondentService::advance(TimePoint now, IpStack& stack, Output& out)
{
    for (const CorrespondentBinding& binding : cache_.expire(now)) bindingChanged(now, binding.homeAddress, "expired", stack, out);
    requestRefreshes(now, stack, out);
}

std::optional<TimePoint> CorrespondentService::nextDeadline() const
{
    auto next = cache_.nextDeadline();
    for (const auto& [home, request] : requests_)
        if (request.sent < refreshRequestCopies) next = earlier(next, request.next);
    return next;
}

}  // namespace roamscope::node
