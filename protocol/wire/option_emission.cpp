// SPDX-License-Identifier: GPL-3.0-or-later
// Mobility options to octets, without the padding around them.
#include "protocol/wire/option_bodies.hpp"

namespace roamscope::wire {

namespace {

struct Emitter {
    Writer& out;

    void head(std::uint8_t type, std::size_t length) const
    {
        out.u8(type);
        out.u8(static_cast<std::uint8_t>(length));
    }
    void prefix(std::uint8_t type, const Prefix& value) const
    {
        head(type, 18);
        out.u8(0);
        out.u8(value.length);
        out.bytes(value.address.octets);
    }
    void oneOctet(std::uint8_t type, std::uint8_t value) const
    {
        head(type, 2);
        out.u8(0);
        out.u8(value);
    }
    void operator()(const BindingRefreshAdvice& o) const
    {
        head(optionRefreshAdvice, 2);
        out.u16(o.interval.count());
    }
    void operator()(const AlternateCareOfAddress& o) const
    {
        head(optionAlternateCareOf, 16);
        out.bytes(o.address.octets);
    }
    void operator()(const NonceIndices& o) const
    {
        head(optionNonceIndices, 4);
        out.u16(o.home);
        out.u16(o.careOf);
    }
    void operator()(const BindingAuthorizationData& o) const
    {
        head(optionAuthorization, o.authenticator.size());
        out.bytes(o.authenticator);
    }
    void operator()(const MobileNetworkPrefix& o) const { prefix(optionNetworkPrefix, o.prefix); }
    void operator()(const LinkLayerAddress& o) const
    {
        head(optionLinkLayer, 1 + o.address.size());
        out.u8(o.code);
        if (o.padded) out.u8(0);
        out.bytes(o.address);
    }
    void operator()(const BindingIdentifier& o) const
    {
        head(optionBindingIdentifier, 4 + o.careOfAddress.size());
        out.u16(o.bid);
        out.u8(o.status);
        out.u8(static_cast<std::uint8_t>((o.home ? 0x80 : 0) | (o.priority & 0x7f)));
        out.bytes(o.careOfAddress);
    }
    void operator()(const MobileNodeIdentifier& o) const
    {
        head(optionNodeIdentifier, 1 + o.identifier.size());
        out.u8(o.subtype);
        out.bytes(o.identifier);
    }
    void operator()(const MessageAuthentication& o) const
    {
        head(optionAuthentication, 5 + o.data.size());
        out.u8(o.subtype);
        out.u32(o.spi);
        out.bytes(o.data);
    }
    void operator()(const ReplayProtection& o) const
    {
        head(optionReplay, 8);
        out.u64(o.timestamp);
    }
    void operator()(const FastBindingAuthorization& o) const
    {
        head(optionFastAuthorization, o.authenticator.size() + (o.lengthCountsSpi ? 4u : 0u));
        out.u32(o.spi);
        out.bytes(o.authenticator);
    }
    void operator()(const HomeNetworkPrefix& o) const { prefix(optionHomePrefix, o.prefix); }
    void operator()(const HandoffIndicator& o) const { oneOctet(optionHandoff, o.value); }
    void operator()(const AccessTechnology& o) const { oneOctet(optionAccessTechnology, o.value); }
    void operator()(const NodeLinkLayerId& o) const
    {
        head(optionLinkLayerId, 2 + o.identifier.size());
        out.u16(0);
        out.bytes(o.identifier);
    }
    void operator()(const LinkLocalAddress& o) const
    {
        head(optionLinkLocal, 16);
        out.bytes(o.address.octets);
    }
    void operator()(const Timestamp& o) const
    {
        head(optionTimestamp, 8);
        out.u64(o.value);
    }
    void operator()(const RestartCounter& o) const
    {
        head(optionRestart, 4);
        out.u32(o.value);
    }
    void operator()(const Ipv4HomeAddress& o) const
    {
        head(optionIpv4Home, 6);
        out.u8(static_cast<std::uint8_t>(o.prefixLength << 2 | (o.prefix ? 2 : 0)));
        out.u8(0);
        out.bytes(o.address.octets);
    }
    void operator()(const Ipv4AddressAck& o) const
    {
        head(optionIpv4Ack, 6);
        out.u8(o.status);
        out.u8(static_cast<std::uint8_t>(o.prefixLength << 2));
        out.bytes(o.address.octets);
    }
    void operator()(const NatDetection& o) const
    {
        head(optionNat, 6);
        out.u16(o.forceUdp ? 0x8000 : 0);
        out.u32(o.refreshSeconds);
    }
    void operator()(const Ipv4CareOfAddress& o) const
    {
        head(optionIpv4CareOf, 6);
        out.u16(0);
        out.bytes(o.address.octets);
    }
    void operator()(const MobilityAddress& o) const
    {
        head(optionMobilityAddress, 18);
        out.u8(o.code);
        out.u8(o.prefixLength);
        out.bytes(o.address.octets);
    }
    void operator()(const FlowSummary& o) const { emitFlowSummary(out, o); }
    void operator()(const FlowIdentification& o) const { emitFlowIdentification(out, o); }
    void operator()(const RawMobilityOption& o) const
    {
        head(o.type, o.data.size());
        out.bytes(o.data);
    }
};

}  // namespace

void emitOption(Writer& out, const MobilityOption& option) { std::visit(Emitter{out}, option); }

std::uint8_t typeOf(const MobilityOption& option)
{
    static constexpr std::uint8_t types[] = {
        optionRefreshAdvice, optionAlternateCareOf, optionNonceIndices, optionAuthorization, optionNetworkPrefix, optionLinkLayer,
        optionBindingIdentifier, optionNodeIdentifier, optionAuthentication, optionReplay, optionFastAuthorization, optionHomePrefix,
        optionHandoff, optionAccessTechnology, optionLinkLayerId, optionLinkLocal, optionTimestamp, optionRestart, optionIpv4Home,
        optionIpv4Ack, optionNat, optionIpv4CareOf, optionMobilityAddress, optionFlowSummary, optionFlowIdentification};
    static_assert(std::size(types) + 1 == std::variant_size_v<MobilityOption>);
    if (const auto* raw = std::get_if<RawMobilityOption>(&option)) return raw->type;
    return types[option.index()];
}

}  // namespace roamscope::wire
