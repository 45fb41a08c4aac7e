// SPDX-License-Identifier: GPL-3.0-or-later
// What every node does about mobility before its role has a say: home address options, and messages that cannot be taken.
#include "protocol/node/ip_stack.hpp"

#include "protocol/wire/ipv4.hpp"

#include <algorithm>

namespace roamscope::node {

using wire::Ipv6Packet;
namespace proto = wire::protocol;

namespace {

constexpr std::uint8_t unknownBinding = 1;
constexpr std::uint8_t unknownType = 2;
constexpr std::uint8_t erroneousField = 0;
constexpr std::uint8_t unrecognisedNextHeader = 1;
constexpr std::uint8_t unrecognisedOption = 2;
constexpr std::size_t typeAt = 2;

/// Octets before the payload, as the packet is quoted in an error.
std::size_t headerOctets(const Ipv6Packet& packet) { return wire::emitIpv6(packet).size() - packet.payload.size(); }

/// Where the type of the home address option stands in the packet.
std::size_t homeAddressAt(const Ipv6Packet& packet)
{
    const Bytes whole = wire::emitIpv6(packet);
    Bytes option{wire::optionHomeAddress, 16};
    const Ipv6Address home = packet.homeAddress().value_or(Ipv6Address{});
    option.insert(option.end(), home.octets.begin(), home.octets.end());
    const auto it = std::search(whole.begin() + Ipv6Packet::headerOctets, whole.end(), option.begin(), option.end());
    return static_cast<std::size_t>(it - whole.begin());
}

/// Where the number of the payload stands: in the last extension header, or in the IPv6 header.
std::size_t nextHeaderAt(const Ipv6Packet& packet)
{
    constexpr std::size_t inIpv6Header = 6;
    Ipv6Packet before = packet;
    if (!packet.destinationOptions.empty()) before.destinationOptions.clear();
    else if (packet.routing) before.routing.reset();
    else if (!packet.hopByHop.empty()) before.hopByHop.clear();
    else return inIpv6Header;
    return headerOctets(before);
}

/// "Binding update", or the number of a type that has no name.
Told messageName(ByteView message)
{
    const std::string_view name = wire::mobilityName(message[typeAt]);
    return name.empty() ? attribute(std::int64_t{message[typeAt]}) : attribute(name);
}

}  // namespace

void IpStack::setMobilePeer(const Ipv6Address& home, const Ipv6Address& careOf, const std::vector<BidBinding>& parts, std::vector<Flow> flows)
{
    MobilePeer* const known = mobilePeers_.find(home);
    MobilePeer& peer = known ? *known : mobilePeers_.add({home});
    peer.careOf = careOf;
    peer.parts = parts;
    peer.flows = std::move(flows);
}

void IpStack::reportSent(TimePoint now, const Ipv6Packet& packet, Output& out) const
{
    if (packet.payload.size() <= typeAt) return;
    out.happened(now, "message-sent", {{"message", messageName(packet.payload)}, {"from", attribute(packet.source)}, {"to", attribute(packet.destination)}});
}

void IpStack::refuseNextHeader(TimePoint now, const Ipv6Packet& packet, Output& out)
{
    sendError(now, packet, wire::icmpv6Type::parameterProblem, unrecognisedNextHeader, out, static_cast<std::uint32_t>(nextHeaderAt(packet)));
}

void IpStack::refuseRouting(TimePoint now, const Ipv6Packet& packet, Output& out)
{
    constexpr std::size_t routingTypeAt = 2;
    Ipv6Packet before = packet;
    before.routing.reset();
    before.destinationOptions.clear();
    sendError(now, packet, wire::icmpv6Type::parameterProblem, erroneousField, out, static_cast<std::uint32_t>(headerOctets(before) + routingTypeAt));
}

bool IpStack::acceptHomeAddress(TimePoint now, Delivery& delivery, Output& out)
{
    Ipv6Packet& packet = delivery.packet;
    const auto home = packet.homeAddress();
    if (!home) return true;
    if (!mobilitySupport_) {
        sendError(now, packet, wire::icmpv6Type::parameterProblem, unrecognisedOption, out, static_cast<std::uint32_t>(homeAddressAt(packet)));
        return false;
    }
    // RFC 6275 §6.3: at most one. Of several nobody could say which one the sender is.
    if (std::count_if(packet.destinationOptions.begin(), packet.destinationOptions.end(), [](const wire::Ipv6Option& o) { return o.type == wire::optionHomeAddress; }) > 1)
        return false;
    // RR-CN-16, HA-HAO-01: what proves itself by other means is let through.
    const bool proven = packet.nextHeader == proto::esp || packet.nextHeader == proto::ah || packet.nextHeader == proto::mobility;
    MobilePeer* const peer = proven ? nullptr : mobilePeers_.find(*home);
    if (!home->isUnicastRoutable() || (!proven && (!peer || !peer->isAt(packet.source) || wire::unmapped(packet.source)))) {
        sendBindingError(now, unknownBinding, packet, out);
        return false;
    }
    if (proven) return true;
    peer->used = now;
    // MCOA-FWD-01: the binding that traffic verified last, where priorities say nothing.
    if (!peer->parts.empty() && !hasPriorities(peer->parts)) peer->careOf = packet.source;
    // Upper layers see the home address.
    delivery.careOf = packet.source;
    packet.source = *home;
    std::erase_if(packet.destinationOptions, [](const wire::Ipv6Option& option) { return option.type == wire::optionHomeAddress; });
    return true;
}

std::optional<wire::MobilityMessage> IpStack::mobility(TimePoint now, const Ipv6Packet& packet, Output& out, std::uint8_t lastType)
{
    const ByteView octets = packet.payload;
    if (octets.size() <= typeAt) return std::nullopt;
    const ByteView whole = octets.first(std::min<std::size_t>(octets.size(), 8u * (octets[1] + 1u)));
    const auto refused = [&](std::string_view why, std::string_view rule) {
        out.happened(now, "message-refused", {{"message", messageName(octets)}, {"from", attribute(packet.source)}, {"to", attribute(packet.destination)},
                                              {"reason", attribute(why)}, {"rule", attribute(rule)}});
    };
    if (wire::verify(packet.pseudoHeader(), proto::mobility, whole) != wire::ChecksumVerdict::Good) {
        refused("bad checksum", "MH-RX-01");
        return std::nullopt;
    }
    if (packet.payload[typeAt] > lastType) {
        refused("unknown type", "MH-RX-01");
        sendBindingError(now, unknownType, packet, out);
        return std::nullopt;
    }
    wire::FieldReader in(packet.payload, 0, nullptr);
    auto message = wire::parseMobility(in, packet.pseudoHeader());
    if (message && message->acceptable()) {
        if (!out.quiet) out.happened(now, "message-received", {{"message", messageName(octets)}, {"from", attribute(packet.source)}, {"to", attribute(packet.destination)}});
        return std::move(message->value);
    }
    const std::optional<Error> fault = message ? message->violation : std::optional(message.error());
    refused(fault ? std::string_view(fault->text) : std::string_view("malformed"), fault ? fault->rule : std::string_view("MH-RX-01"));
    // Payload Proto and Header Len stand in the first two octets.
    if (fault && fault->rule == "MH-RX-01" && fault->offset < typeAt)
        sendError(now, packet, wire::icmpv6Type::parameterProblem, erroneousField, out,
                  static_cast<std::uint32_t>(headerOctets(packet) + fault->offset));
    return std::nullopt;
}

void IpStack::sendBindingError(TimePoint now, std::uint8_t status, const Ipv6Packet& packet, Output& out)
{
    if (packet.source.isUnspecified() || packet.source.isMulticast() || !isOurs(packet.destination) || !takeErrorToken(now)) return;
    Ipv6Packet answer;
    answer.source = packet.destination;
    answer.destination = packet.source;
    answer.nextHeader = proto::mobility;
    answer.payload = wire::emitMobility(wire::BindingError{status, packet.homeAddress().value_or(Ipv6Address{}), {}}, answer.pseudoHeader());
    out.happened(now, "binding-error", {{"to", attribute(packet.source)}, {"status", attribute(std::int64_t{status})}});
    send(now, std::move(answer), out);
}

}  // namespace roamscope::node
