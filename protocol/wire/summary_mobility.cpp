// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/summary_mobility.hpp"

#include "protocol/base/overloaded.hpp"
#include "protocol/wire/option_forms.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

namespace {

std::uint32_t seconds(WireLifetime lifetime) { return 4u * lifetime.count(); }

/// "135 (Sequence number out of window)", or the number alone.
std::string named(unsigned number, std::string_view name) { return name.empty() ? fmt::format("{}", number) : fmt::format("{} ({})", number, name); }

/// What a proxy registration is about: node and prefixes.
std::string proxied(const std::vector<MobilityOption>& options)
{
    std::string out;
    for (const MobilityOption& option : options) {
        if (const auto* id = std::get_if<MobileNodeIdentifier>(&option); id && id->subtype <= 1) out += ", " + safeText(id->identifier);
        if (const auto* prefix = std::get_if<HomeNetworkPrefix>(&option)) out += ", prefix " + prefix->prefix.text();
        if (const auto* handoff = std::get_if<HandoffIndicator>(&option)) out += fmt::format(", handoff {}", handoff->value);
    }
    return out;
}

std::string flowsOf(const std::vector<MobilityOption>& options, bool withStatus)
{
    std::string out;
    for (const MobilityOption& option : options) {
        const auto* flow = std::get_if<FlowIdentification>(&option);
        if (!flow) continue;
        out += fmt::format(", flow {}", flow->flow);
        if (withStatus) out += fmt::format(" status {}", flow->status);
        for (const FlowSubOption& sub : flow->subOptions)
            if (const auto* action = std::get_if<FlowBindingAction>(&sub))
                if (const std::string_view name = flowActionName(action->action); !name.empty()) out += fmt::format(" ({})", name);
    }
    return out;
}

std::string describe(const BindingUpdate& m, const Ipv6Packet& packet)
{
    const std::string lifetime = m.lifetime.count() == 0 ? "delete" : fmt::format("{} s", seconds(m.lifetime));
    if (m.has(BindingUpdate::proxy))
        return fmt::format("PBU, sequence {}, {}, {}{}", m.sequence, flagLetters(m), lifetime, proxied(m.options));
    const auto* alternate = findOption<AlternateCareOfAddress>(m.options);
    const Ipv6Address careOf = alternate ? alternate->address : packet.source;
    const char* to = m.has(BindingUpdate::mapRegistration) ? " to MAP" : m.has(BindingUpdate::homeRegistration) ? " to home agent" : "";
    std::string out = fmt::format("BU{}, sequence {}, {}, {}, {} at {}", to, m.sequence, flagLetters(m), lifetime,
                                  packet.homeAddress().value_or(packet.source).text(), careOf.text());
    for (const MobilityOption& option : m.options) {
        if (const auto* bid = std::get_if<BindingIdentifier>(&option)) out += fmt::format(", BID {}", bid->bid);
        if (const auto* prefix = std::get_if<MobileNetworkPrefix>(&option)) out += ", network " + prefix->prefix.text();
        if (const auto* ipv4 = std::get_if<Ipv4HomeAddress>(&option)) out += ", IPv4 home " + ipv4->address.text();
        if (const auto* ipv4 = std::get_if<Ipv4CareOfAddress>(&option)) out += ", IPv4 care-of " + ipv4->address.text();
    }
    return out + flowsOf(m.options, false);
}

std::string describe(const BindingAck& m)
{
    const bool proxy = (m.flags & 0x20) != 0;
    std::string out = fmt::format("{}, sequence {}, status {}", proxy ? "PBA" : "BA", m.sequence, named(m.status, bindingStatusName(m.status)));
    if (m.accepted()) out += fmt::format(", {} s", seconds(m.lifetime));
    if (proxy) out += proxied(m.options);
    for (const MobilityOption& option : m.options) {
        if (const auto* bid = std::get_if<BindingIdentifier>(&option)) out += fmt::format(", BID {} status {}", bid->bid, bid->status);
        if (const auto* ipv4 = std::get_if<Ipv4AddressAck>(&option)) out += fmt::format(", IPv4 home {} status {}", ipv4->address.text(), ipv4->status);
        if (std::holds_alternative<NatDetection>(option)) out += ", NAT detected";
    }
    return out + flowsOf(m.options, true);
}

std::string describe(const FastBindingUpdate& m, const Ipv6Packet& packet)
{
    std::string out = fmt::format("FBU, sequence {}, lifetime {}, {}", m.sequence, m.lifetime, packet.homeAddress().value_or(packet.source).text());
    if (const auto* alternate = findOption<AlternateCareOfAddress>(m.options)) out += " to " + alternate->address.text();
    return out;
}

std::string describe(const FastBindingAck& m)
{
    std::string out = fmt::format("FBack, sequence {}, status {}", m.sequence, named(m.status, fastBindingStatusName(m.status)));
    if (const auto* alternate = findOption<AlternateCareOfAddress>(m.options)) out += ", use " + alternate->address.text();
    return out;
}

std::string addresses(const std::vector<MobilityOption>& options)
{
    std::string out;
    for (const MobilityOption& option : options) {
        const auto* address = std::get_if<MobilityAddress>(&option);
        if (!address) continue;
        out += fmt::format(", {} {}", address->code == 1 ? "from" : address->code == 2 ? "to" : "router", address->address.text());
    }
    return out + proxied(options);
}

std::string describe(const HomeAgentSwitch& m)
{
    std::string out = "HA switch";
    for (const Ipv6Address& address : m.homeAgents) out += ", " + address.text();
    return out;
}

std::string describe(const Heartbeat& m)
{
    std::string out = fmt::format("Heartbeat {}, sequence {}", m.response ? (m.unsolicited ? "unsolicited response" : "response") : "request", m.sequence);
    if (const auto* counter = findOption<RestartCounter>(m.options)) out += fmt::format(", restart counter {}", counter->value);
    return out;
}

std::string describe(const BindingRevocation& m)
{
    const bool indication = m.kind == BindingRevocation::indication;
    std::string out = m.kind == BindingRevocation::acknowledgement
                          ? fmt::format("BRA, sequence {}, status {}", m.sequence, named(m.code, revocationStatusName(m.code)))
                      : indication ? fmt::format("BRI, sequence {}, trigger {}", m.sequence, named(m.code, revocationTriggerName(m.code)))
                                   : fmt::format("Binding revocation type {}, sequence {}", m.kind, m.sequence);
    if ((m.flags & 0x2000) != 0) out += ", global";
    for (const MobilityOption& option : m.options)
        if (const auto* bid = std::get_if<BindingIdentifier>(&option)) out += fmt::format(", BID {}", bid->bid);
    return out + proxied(m.options);
}

std::string period(std::uint16_t lifetime) { return lifetime == 0xffff ? "no end" : lifetime == 0 ? "stop" : fmt::format("{} s", lifetime); }

std::string describe(const FlowBinding& m)
{
    if (m.kind == FlowBinding::acknowledgement)
        return fmt::format("FBA, sequence {}, status {}{}", m.sequence, named(m.code, flowBindingStatusName(m.code)), flowsOf(m.options, true));
    if (m.kind == FlowBinding::indication)
        return fmt::format("FBI, sequence {}, trigger {}{}", m.sequence, named(m.code, flowTriggerName(m.code)), flowsOf(m.options, false));
    return fmt::format("Flow binding type {}, sequence {}", m.kind, m.sequence);
}

}  // namespace

std::string describeMobility(const MobilityMessage& message, const Ipv6Packet& packet)
{
    return std::visit(
        Overloaded{
            [](const BindingRefreshRequest& m) {
                std::string out = "Binding refresh request";
                for (const MobilityOption& option : m.options)
                    if (const auto* bid = std::get_if<BindingIdentifier>(&option)) out += fmt::format(", BID {}", bid->bid);
                return out;
            },
            [](const HomeTestInit&) { return std::string("HoTI"); },
            [](const CareOfTestInit&) { return std::string("CoTI"); },
            [](const HomeTest& m) { return fmt::format("HoT, nonce index {}", m.nonceIndex); },
            [](const CareOfTest& m) { return fmt::format("CoT, nonce index {}", m.nonceIndex); },
            [&](const BindingUpdate& m) { return describe(m, packet); },
            [](const BindingError& m) {
                return fmt::format("Binding error, status {}, {}", named(m.status, bindingErrorName(m.status)), m.homeAddress.text());
            },
            [&](const FastBindingUpdate& m) { return describe(m, packet); },
            [](const FastNeighborAdvertisement&) { return std::string("FNA"); },
            [](const ExperimentalMessage& m) { return fmt::format("Experimental mobility message, {} octets", m.data.size()); },
            [](const HandoverInitiate& m) {
                return fmt::format("HI, sequence {}, code {}{}", m.sequence, named(m.code, handoverInitiateCodeName(m.code)), addresses(m.options));
            },
            [](const HandoverAck& m) {
                return fmt::format("HAck, sequence {}, code {}{}", m.sequence, named(m.code, handoverAckCodeName(m.code)), addresses(m.options));
            },
            [](const LocalizedRoutingInitiation& m) {
                return fmt::format("LRI, sequence {}, {}{}", m.sequence, period(m.lifetimeSeconds), proxied(m.options));
            },
            [](const LocalizedRoutingAck& m) {
                return fmt::format("LRA, sequence {}, status {}, {}", m.sequence, named(m.status, localizedRoutingStatusName(m.status)),
                                   period(m.lifetimeSeconds));
            },
            [](const UpdateNotification& m) {
                return fmt::format("UPN, sequence {}, reason {}{}{}", m.sequence, named(m.reason, updateReasonName(m.reason)),
                                   m.retransmission ? ", again" : "", proxied(m.options));
            },
            [](const UpdateNotificationAck& m) {
                return fmt::format("UPA, sequence {}, status {}", m.sequence, named(m.status, updateStatusName(m.status)));
            },
            [](const SubscriptionQuery& m) { return fmt::format("Subscription query, sequence {}{}", m.sequence, proxied(m.options)); },
            [](const SubscriptionResponse& m) {
                return fmt::format("Subscription response, sequence {}, {}", m.sequence, m.information ? "subscribed" : "no subscription");
            },
            [](const RawMobility& m) { return fmt::format("Mobility header type {}", m.type); },
            [](const auto& m) { return describe(m); },
        },
        message);
}

MessageKind mobilityKind(const MobilityMessage& message)
{
    if (const auto* bu = std::get_if<BindingUpdate>(&message)) {
        if (bu->has(BindingUpdate::mapRegistration)) return MessageKind::LocalRegistration;
        const bool home = bu->has(BindingUpdate::homeRegistration) || bu->has(BindingUpdate::proxy);
        return home ? MessageKind::HomeRegistration : MessageKind::RouteOptimisation;
    }
    if (std::holds_alternative<BindingAck>(message)) return MessageKind::HomeRegistration;
    const std::uint8_t type = typeOf(message);
    return type <= 4 || type == 7 ? MessageKind::RouteOptimisation : MessageKind::Other;
}

}  // namespace roamscope::wire
