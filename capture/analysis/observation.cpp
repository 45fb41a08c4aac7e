// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/observation.hpp"

#include <algorithm>

namespace roamscope::analysis {

namespace {

Ipv6Address mapped(ByteView ipv4)
{
    constexpr std::size_t at = 12;
    Ipv6Address out;
    out.octets[at - 1] = out.octets[at - 2] = 0xff;
    std::copy(ipv4.begin(), ipv4.end(), out.octets.begin() + at);
    return out;
}

std::vector<BidBinding> readBindings(const wire::DecodedFrame& frame, const wire::BindingUpdate& update, const Ipv6Address& careOf)
{
    std::vector<BidBinding> out;
    for (const wire::MobilityOption& option : update.options) {
        const auto* bid = std::get_if<wire::BindingIdentifier>(&option);
        if (!bid) continue;
        BidBinding binding{bid->bid, careOf, bid->home, bid->careOfAddress.empty() && !bid->home, bid->priority};
        if (bid->careOfAddress.size() == 16)
            std::copy(bid->careOfAddress.begin(), bid->careOfAddress.end(), binding.careOfAddress.octets.begin());
        binding.ipv4 = bid->careOfAddress.size() == 4;
        // MCOA-DS-02: behind a NAT the source of the IPv4 header is the care-of address.
        if (binding.ipv4) binding.careOfAddress = mapped(frame.ipv4 ? ByteView(frame.ipv4->source.octets) : ByteView(bid->careOfAddress));
        out.push_back(binding);
    }
    if (out.empty()) out.push_back({std::nullopt, careOf});
    return out;
}

std::optional<Mac> interfaceIn(const wire::LinkLayerAddress& option)
{
    constexpr std::uint8_t mobileNode = 2;  // RFC 5568 §6.4.4
    Mac out;
    if (option.code != mobileNode || option.address.size() != out.octets.size()) return std::nullopt;
    std::copy(option.address.begin(), option.address.end(), out.octets.begin());
    return out;
}

/// The mobility message of a frame, unless its receiver must drop it (MH-RX-01).
template <class T>
const T* usable(const wire::DecodedFrame& frame)
{
    const auto* checked = std::get_if<wire::Checked<wire::MobilityMessage>>(&frame.message);
    if (!checked || checked->checksum == wire::ChecksumVerdict::Bad || checked->violation || frame.violation) return nullptr;
    return std::get_if<T>(&checked->value);
}

}  // namespace

bool isData(const wire::DecodedFrame& frame)
{
    const wire::Ipv6Packet* inner = frame.inner();
    if (!inner || frame.error) return false;
    switch (frame.upper) {
    case wire::protocol::icmpv6: return frame.as<wire::Echo>() != nullptr;
    case wire::protocol::mobility:
    case wire::protocol::none:
    case wire::protocol::ipv6:
    case wire::protocol::esp: return false;
    default: return !inner->destination.isMulticast();
    }
}

std::optional<Update> readUpdate(const wire::DecodedFrame& frame)
{
    const auto* message = usable<wire::BindingUpdate>(frame);
    const wire::Ipv6Packet* inner = frame.inner();
    if (!message || !inner) return std::nullopt;
    Update update;
    update.peer = message->has(wire::BindingUpdate::mapRegistration)    ? Role::Map
                  : message->has(wire::BindingUpdate::homeRegistration) ? Role::HomeAgent
                                                                        : Role::Correspondent;
    update.peerAddress = inner->routing ? inner->routing->homeAddress : inner->destination;
    update.source = inner->source;
    const auto home = inner->homeAddress();
    update.hasHomeAddressOption = std::any_of(inner->destinationOptions.begin(), inner->destinationOptions.end(),
                                              [](const wire::Ipv6Option& option) { return option.type == wire::optionHomeAddress; });
    update.homeAddress = home.value_or(inner->source);
    const auto* alternate = wire::findOption<wire::AlternateCareOfAddress>(message->options);
    update.hasAlternate = alternate != nullptr;
    update.careOfAddress = alternate ? alternate->address : frame.ipv4 && !update.hasHomeAddressOption ? mapped(frame.ipv4->source.octets) : inner->source;
    update.bindings = readBindings(frame, *message, update.careOfAddress);
    for (const wire::MobilityOption& option : message->options)
        if (const auto* network = std::get_if<wire::MobileNetworkPrefix>(&option)) update.networks.push_back(network->prefix);
        else if (const auto* link = std::get_if<wire::LinkLayerAddress>(&option)) update.homeInterface = interfaceIn(*link);
    update.asksIpv4Home = wire::findOption<wire::Ipv4HomeAddress>(message->options) != nullptr;
    for (BidBinding& binding : update.bindings)
        if (binding.home) binding.careOfAddress = update.homeAddress;
    update.flags = message->flags;
    update.sequence = message->sequence;
    update.lifetime = message->lifetime;
    return update;
}

std::optional<Answer> readAnswer(const wire::DecodedFrame& frame)
{
    const auto* message = usable<wire::BindingAck>(frame);
    const wire::Ipv6Packet* inner = frame.inner();
    if (!message || !inner) return std::nullopt;
    Answer answer;
    answer.peerAddress = inner->source;
    answer.destination = inner->destination;
    answer.hasRouting = inner->routing.has_value();
    answer.homeAddress = inner->routing ? inner->routing->homeAddress : inner->destination;
    answer.status = message->status;
    answer.sequence = message->sequence;
    answer.lifetime = message->lifetime;
    constexpr std::uint8_t mobileRouter = 0x40;
    answer.router = (message->flags & mobileRouter) != 0;
    if (const auto* ipv4 = wire::findOption<wire::Ipv4AddressAck>(message->options)) answer.ipv4Status = ipv4->status;
    for (const wire::MobilityOption& option : message->options) {
        if (const auto* bid = std::get_if<wire::BindingIdentifier>(&option)) answer.bids.push_back({bid->bid, bid->status});
        else if (const auto* flow = std::get_if<wire::FlowIdentification>(&option)) answer.flows.push_back({flow->flow, flow->status});
    }
    return answer;
}

std::uint8_t Answer::statusOf(std::optional<std::uint16_t> bid) const
{
    const auto it = std::find_if(bids.begin(), bids.end(), [&](const BidStatus& b) { return b.bid == bid; });
    return it == bids.end() || it->status == 0 ? status : it->status;
}

std::optional<Revocation> readRevocation(const wire::DecodedFrame& frame)
{
    const auto* message = usable<wire::BindingRevocation>(frame);
    const wire::Ipv6Packet* inner = frame.inner();
    if (!message || !inner) return std::nullopt;
    Revocation out;
    out.acknowledgement = message->kind == wire::BindingRevocation::acknowledgement;
    out.status = out.acknowledgement ? message->code : std::uint8_t{0};
    out.sequence = message->sequence;
    // The indication has the home address in the routing header, its answer in the home address option (RFC 5846 §7, §10).
    out.peerAddress = out.acknowledgement ? inner->destination : inner->source;
    out.homeAddress = out.acknowledgement ? inner->homeAddress().value_or(inner->source) : inner->routing ? inner->routing->homeAddress : inner->destination;
    for (const wire::MobilityOption& option : message->options)
        if (const auto* bid = std::get_if<wire::BindingIdentifier>(&option)) out.bids.push_back(bid->bid);
    return out;
}

std::uint64_t contentKey(const wire::Ipv6Packet& innermost)
{
    std::uint64_t h = 0xcbf29ce484222325u;
    const auto mix = [&h](ByteView bytes) {
        for (const std::uint8_t octet : bytes) h = (h ^ octet) * 0x100000001b3u;
    };
    mix(innermost.source.octets);
    mix(innermost.destination.octets);
    for (const wire::Ipv6Option& option : innermost.destinationOptions) mix(option.data);
    if (innermost.routing) mix(innermost.routing->homeAddress.octets);
    mix(innermost.payload);
    return h;
}

}  // namespace roamscope::analysis
