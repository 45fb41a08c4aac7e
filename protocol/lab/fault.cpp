// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/lab/fault.hpp"

#include "protocol/wire/frame.hpp"

#include <algorithm>
#include <array>

namespace roamscope::lab {

namespace {

using wire::BindingAck;
using wire::BindingError;
using wire::BindingUpdate;
using wire::DecodedFrame;

struct MessageName {
    std::string_view name;
    std::uint8_t upper;  ///< next header
    std::optional<std::uint8_t> type;
};

constexpr std::array<MessageName, 20> names{{{"BRR", wire::protocol::mobility, 0},
                                             {"HoTI", wire::protocol::mobility, 1},
                                             {"CoTI", wire::protocol::mobility, 2},
                                             {"HoT", wire::protocol::mobility, 3},
                                             {"CoT", wire::protocol::mobility, 4},
                                             {"BU", wire::protocol::mobility, 5},
                                             {"BA", wire::protocol::mobility, 6},
                                             {"BE", wire::protocol::mobility, 7},
                                             {"RS", wire::protocol::icmpv6, 133},
                                             {"RA", wire::protocol::icmpv6, 134},
                                             {"NS", wire::protocol::icmpv6, 135},
                                             {"NA", wire::protocol::icmpv6, 136},
                                             {"DAD", wire::protocol::icmpv6, 135},
                                             {"DHAAD-request", wire::protocol::icmpv6, 144},
                                             {"DHAAD-reply", wire::protocol::icmpv6, 145},
                                             {"MPS", wire::protocol::icmpv6, 146},
                                             {"MPA", wire::protocol::icmpv6, 147},
                                             {"MLD", wire::protocol::icmpv6, 143},
                                             {"data", wire::protocol::udp, std::nullopt},
                                             {"any", 0, std::nullopt}}};

bool isKind(std::string_view message, const DecodedFrame& frame)
{
    if (message == "any") return true;
    const auto name = std::find_if(names.begin(), names.end(), [&](const MessageName& n) { return n.name == message; });
    if (name == names.end() || frame.upper != name->upper || (name->type && frame.messageType != *name->type)) return false;
    return message != "DAD" || frame.inner()->source.isUnspecified();
}

Registration registrationOf(const BindingUpdate& update)
{
    if (update.has(BindingUpdate::mapRegistration)) return Registration::Map;
    return update.has(BindingUpdate::homeRegistration) ? Registration::Home : Registration::Correspondent;
}

bool hasFields(const MessageMatch& match, const DecodedFrame& frame)
{
    const auto* update = frame.as<BindingUpdate>();
    const auto* ack = frame.as<BindingAck>();
    const auto* error = frame.as<BindingError>();
    if (match.registration && (!update || registrationOf(*update) != *match.registration)) return false;
    if (match.sequence && (update ? update->sequence : ack ? ack->sequence : ~*match.sequence) != *match.sequence) return false;
    return !match.status || (ack && ack->status == *match.status) || (error && error->status == *match.status);
}

}  // namespace

const std::vector<std::string_view>& messageNames()
{
    static const std::vector<std::string_view> all = [] {
        std::vector<std::string_view> out;
        for (const MessageName& name : names) out.push_back(name.name);
        return out;
    }();
    return all;
}

bool matches(const MessageMatch& match, ByteView frame)
{
    const DecodedFrame decoded = wire::decodeFrame(frame, wire::linkEthernet, frame.size());
    if (!decoded.inner() || !isKind(match.message, decoded)) return false;
    if (match.source && decoded.inner()->source != *match.source) return false;
    if (match.destination && decoded.inner()->destination != *match.destination) return false;
    return hasFields(match, decoded);
}

std::optional<Bytes> changed(const MessageChange& change, ByteView frame)
{
    const DecodedFrame decoded = wire::decodeFrame(frame, wire::linkEthernet, frame.size());
    const auto* message = std::get_if<wire::Checked<wire::MobilityMessage>>(&decoded.message);
    if (!message || !decoded.ethernet) return std::nullopt;
    wire::MobilityMessage value = message->value;
    if (auto* update = std::get_if<BindingUpdate>(&value)) {
        update->sequence = change.sequence.value_or(update->sequence);
        if (change.lifetime) update->lifetime = WireLifetime{static_cast<std::uint16_t>(change.lifetime->count() / 4)};
    } else if (auto* ack = std::get_if<BindingAck>(&value)) {
        ack->sequence = change.sequence.value_or(ack->sequence);
        ack->status = change.status.value_or(ack->status);
        if (change.lifetime) ack->lifetime = WireLifetime{static_cast<std::uint16_t>(change.lifetime->count() / 4)};
    } else {
        return std::nullopt;
    }
    std::vector<wire::Ipv6Packet> packets = decoded.packets;
    packets.back().payload = wire::emitMobility(value, packets.back().pseudoHeader());
    for (std::size_t i = packets.size() - 1; i > 0; --i) packets[i - 1].payload = wire::emitIpv6(packets[i]);
    return wire::emitEthernet({decoded.ethernet->destination, decoded.ethernet->source, wire::etherTypeIpv6}, wire::emitIpv6(packets.front()));
}

}  // namespace roamscope::lab
