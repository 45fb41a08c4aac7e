// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/correspondent.hpp"

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;

Correspondent::Correspondent(IpStack stack, std::vector<TrafficSource> sources, Random secrets, const Settings& settings)
    : stack_(std::move(stack)), sources_(std::move(sources)), service_(std::in_place, secrets, settings)
{
    stack_.setMobilitySupport();
}

const CorrespondentCache& Correspondent::cache() const
{
    static const CorrespondentCache none;
    return service_ ? service_->cache() : none;
}

const std::map<Ipv6Address, std::vector<Flow>>& Correspondent::flows() const
{
    static const std::map<Ipv6Address, std::vector<Flow>> none;
    return service_ ? service_->flows() : none;
}

void Correspondent::receive(TimePoint now, std::size_t interface, ByteView frame, Output& out)
{
    const auto delivery = stack_.receive(now, interface, frame, out);
    (void)stack_.takeEvents();
    if (!delivery || !acceptRouting(now, delivery->packet, out)) return;
    if (delivery->packet.nextHeader == proto::mobility)
        return service_ ? onMobility(now, delivery->packet, out) : stack_.refuseNextHeader(now, delivery->packet, out);
    if (const auto* error = delivery->icmp ? std::get_if<wire::IcmpError>(&*delivery->icmp) : nullptr) {
        if (service_) service_->onError(now, *error, stack_, out);
        return;
    }
    onProbe(now, delivery->packet, out);
}

bool Correspondent::acceptRouting(TimePoint now, const Ipv6Packet& packet, Output& out)
{
    if (!packet.routing || packet.routing->segmentsLeft == 0) return true;
    // RFC 6275 §6.4: the home address in it would have to be ours. Who does not know the type says so (RFC 8200 §4.4).
    if (!service_) stack_.refuseRouting(now, packet, out);
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
    if (const auto message = stack_.mobility(now, packet, out)) service_->receive(now, packet, *message, stack_, out);
}

bool Correspondent::revoke(TimePoint now, const Ipv6Address& homeAddress, Output& out)
{
    return service_ && service_->revoke(now, homeAddress, stack_, out);
}

void Correspondent::advance(TimePoint now, Output& out)
{
    stack_.advance(now, out);
    (void)stack_.takeEvents();
    if (service_) service_->advance(now, stack_, out);
    for (TrafficSource& source : sources_) {
        while (auto due = source.due(now)) {
            out.happened(now, "probe-sent", {{"flow", attribute(std::int64_t{due->probe.flow})}, {"serial", attribute(std::int64_t{due->probe.serial})}});
            stack_.send(now, std::move(due->packet), out);
        }
    }
}

std::optional<TimePoint> Correspondent::nextDeadline() const
{
    auto next = stack_.nextDeadline();
    if (service_) next = earlier(next, service_->nextDeadline());
    for (const TrafficSource& source : sources_) next = earlier(next, source.nextDeadline());
    return next;
}

}  // namespace roamscope::node
