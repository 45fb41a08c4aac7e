// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/correspondent.hpp"

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

Correspondent::Correspondent(IpStack stack, std::vector<TrafficSource> sources, Random secrets, const Settings& settings)
    : stack_(std::move(stack)), sources_(std::move(sources)), nonces_(std::in_place, secrets, settings.nonces), cache_(settings.maximumBindings),
      refreshRequests_(settings.refreshRequests)
{
    stack_.setMobilitySupport();
}

void Correspondent::receive(TimePoint now, std::size_t interface, ByteView frame, Output& out)
{
    const auto delivery = stack_.receive(now, interface, frame, out);
    (void)stack_.takeEvents();
    if (!delivery || !acceptRouting(now, delivery->packet, out)) return;
    if (delivery->packet.nextHeader == proto::mobility)
        return nonces_ ? onMobility(now, delivery->packet, out) : stack_.refuseNextHeader(now, delivery->packet, out);
    if (const auto* error = delivery->icmp ? std::get_if<wire::IcmpError>(&*delivery->icmp) : nullptr) return onError(now, *error, out);
    onProbe(now, delivery->packet, out);
}

bool Correspondent::acceptRouting(TimePoint now, const Ipv6Packet& packet, Output& out)
{
    if (!packet.routing || packet.routing->segmentsLeft == 0) return true;
    // RFC 6275 §6.4: the home address in it would have to be ours. Who does not know the type says so (RFC 8200 §4.4).
    if (!nonces_) stack_.refuseRouting(now, packet, out);
    return false;
}

void Correspondent::onProbe(TimePoint now, const Ipv6Packet& packet, Output& out)
{
    const auto received = probeIn(packet);
    if (!received) return stack_.refuseUpper(now, packet, out);
    const wire::Probe& probe = received->probe;
    out.happened(now, probe.answer ? "probe-answered" : "probe-received",
                 {{"flow", attribute(std::int64_t{probe.flow})}, {"serial", attribute(std::int64_t{probe.serial})}, {"sent", attribute(probe.sent)}});
    if (!probe.answer) stack_.send(now, answerTo(packet, *received), out);
}

void Correspondent::onMobility(TimePoint now, const Ipv6Packet& packet, Output& out)
{
    if (packet.routing || packet.destination.isMulticast()) return;
    const auto message = stack_.mobility(now, packet, out);
    if (!message) return;
    if (const auto* home = std::get_if<wire::HomeTestInit>(&*message)) onHomeTestInit(now, packet, *home, out);
    else if (const auto* careOf = std::get_if<wire::CareOfTestInit>(&*message)) onCareOfTestInit(now, packet, *careOf, out);
    else if (const auto* update = std::get_if<wire::BindingUpdate>(&*message)) onUpdate(now, packet, *update, out);
}

void Correspondent::onHomeTestInit(TimePoint now, const Ipv6Packet& packet, const wire::HomeTestInit& init, Output& out)
{
    if (packet.homeAddress() || !packet.source.isUnicastRoutable()) return;  // RR-CN-01
    const Nonces::Nonce& nonce = nonces_->current(now);
    answer(now, packet, wire::HomeTest{nonce.index, init.cookie, nonces_->token(nonce, packet.source, TokenKind::Home), {}}, out);
}

void Correspondent::onCareOfTestInit(TimePoint now, const Ipv6Packet& packet, const wire::CareOfTestInit& init, Output& out)
{
    if (packet.homeAddress() || !packet.source.isUnicastRoutable()) return;  // RR-CN-01
    const Nonces::Nonce& nonce = nonces_->current(now);
    answer(now, packet, wire::CareOfTest{nonce.index, init.cookie, nonces_->token(nonce, packet.source, TokenKind::CareOf), {}}, out);
}

void Correspondent::answer(TimePoint now, const Ipv6Packet& to, const wire::MobilityMessage& message, Output& out)
{
    // RR-CN-22: straight to where the request came from, without a routing header.
    Ipv6Packet packet;
    packet.source = to.destination;
    packet.destination = to.source;
    packet.nextHeader = proto::mobility;
    packet.payload = wire::emitMobility(message, packet.pseudoHeader());
    stack_.send(now, std::move(packet), out);
}

void Correspondent::onUpdate(TimePoint now, const Ipv6Packet& packet, const wire::BindingUpdate& update, Output& out)
{
    const auto verdict = cache_.judge(now, {packet.homeAddress(), packet.source, packet.destination, update}, packet.payload, *nonces_);
    out.happened(now, "binding-update",
                 {{"home_address", attribute(verdict.homeAddress)}, {"care_of_address", attribute(packet.source)},
                  {"sequence", attribute(std::int64_t{update.sequence})}, {"reason", attribute(verdict.reason)}});
    if (verdict.action == Action::Drop) return;
    if (verdict.ack.accepted()) bindingChanged(now, verdict.homeAddress, "deleted", out);
    if (const auto request = requests_.find(verdict.homeAddress); request != requests_.end()) request->second.from = packet.destination;
    if (verdict.action == Action::Answer) acknowledge(now, packet, verdict, out);
}

void Correspondent::acknowledge(TimePoint now, const Ipv6Packet& update, const CorrespondentCache::Verdict& verdict, Output& out)
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
    stack_.send(now, std::move(packet), out);
}

void Correspondent::onError(TimePoint now, const wire::IcmpError& error, Output& out)
{
    // RR-CN-13: the care-of address cannot be reached. What is quoted must be a packet of ours on the optimised way.
    if (error.type != wire::icmpv6Type::destinationUnreachable) return;
    wire::FieldReader in(error.invoking, 0, nullptr);
    const auto quoted = wire::parseIpv6(in, true);
    if (!quoted || !quoted->packet.routing || !stack_.owns(quoted->packet.source)) return;
    const CorrespondentBinding* binding = cache_.find(quoted->packet.routing->homeAddress);
    if (!binding || binding->careOfAddress != quoted->packet.destination) return;
    const Ipv6Address home = binding->homeAddress;
    if (cache_.unreachable(home)) bindingChanged(now, home, "unreachable", out);
}

bool Correspondent::revoke(TimePoint now, const Ipv6Address& homeAddress, Output& out)
{
    const bool was = cache_.revoke(homeAddress);
    if (was) bindingChanged(now, homeAddress, "revoked", out);
    return was;
}

void Correspondent::bindingChanged(TimePoint now, const Ipv6Address& homeAddress, std::string_view why, Output& out)
{
    const Attributes key{{"home_address", attribute(homeAddress)}, {"bid", std::monostate{}}};
    if (const CorrespondentBinding* binding = cache_.find(homeAddress)) {
        stack_.setMobilePeer(homeAddress, binding->careOfAddress);
        if (refreshRequests_) requests_[homeAddress] = {refreshRequestAt(*binding), 0, {}};
        out.changed(now, "binding", key,
                    {{"care_of_address", attribute(binding->careOfAddress)}, {"sequence", attribute(std::int64_t{binding->sequence})},
                     {"flags", attribute(std::int64_t{0})},
                     {"lifetime", attribute(Duration(std::chrono::seconds(4 * std::int64_t{binding->granted.count()})))},
                     {"expires", attribute(binding->expires)}, {"status", attribute(std::int64_t{0})}});
        return;
    }
    requests_.erase(homeAddress);
    if (!stack_.mobilePeer(homeAddress)) return;
    stack_.clearMobilePeer(homeAddress);
    out.happened(now, "binding-removed", {{"home_address", attribute(homeAddress)}, {"reason", attribute(why)}});
    out.removed(now, "binding", key);
}

void Correspondent::requestRefreshes(TimePoint now, Output& out)
{
    for (auto& [home, request] : requests_) {
        if (request.sent == refreshRequestCopies || now < request.next) continue;
        const CorrespondentBinding& binding = *cache_.find(home);
        const Duration lifetime = std::chrono::seconds(4 * std::int64_t{binding.granted.count()});
        if (now - stack_.mobilePeerUsed(home) > lifetime / 2) {
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
        stack_.send(now, std::move(packet), out);
    }
}

void Correspondent::advance(TimePoint now, Output& out)
{
    stack_.advance(now, out);
    (void)stack_.takeEvents();
    for (const CorrespondentBinding& binding : cache_.expire(now)) bindingChanged(now, binding.homeAddress, "expired", out);
    requestRefreshes(now, out);
    for (TrafficSource& source : sources_) {
        while (auto due = source.due(now)) {
            out.happened(now, "probe-sent", {{"flow", attribute(std::int64_t{due->probe.flow})}, {"serial", attribute(std::int64_t{due->probe.serial})}});
            stack_.send(now, std::move(due->packet), out);
        }
    }
}

std::optional<TimePoint> Correspondent::nextDeadline() const
{
    auto next = earlier(stack_.nextDeadline(), cache_.nextDeadline());
    for (const auto& [home, request] : requests_)
        if (request.sent < refreshRequestCopies) next = earlier(next, request.next);
    for (const TrafficSource& source : sources_) next = earlier(next, source.nextDeadline());
    return next;
}

}  // namespace roamscope::node
