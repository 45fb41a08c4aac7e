// SPDX-License-Identifier: GPL-3.0-or-later
// Mobility Header messages to octets.
#include "protocol/wire/ipv6.hpp"
#include "protocol/wire/mobility_bodies.hpp"

namespace roamscope::wire {

namespace {

constexpr std::size_t checksumPosition = 4;

struct BodyEmitter {
    Writer& out;

    void words(std::initializer_list<std::uint16_t> values) const
    {
        for (const std::uint16_t value : values) out.u16(value);
    }
    void octets(std::initializer_list<unsigned> values) const
    {
        for (const unsigned value : values) out.u8(static_cast<std::uint8_t>(value));
    }
    void data(const Bytes& bytes) const
    {
        out.bytes(bytes);
        out.zeros((8 - out.size() % 8) % 8);
    }
    template <class Test>
    void test(const Test& m) const
    {
        out.u16(m.nonceIndex);
        out.u64(m.cookie);
        out.u64(m.token);
    }

    void operator()(const BindingRefreshRequest&) const { out.u16(0); }
    void operator()(const HomeTestInit& m) const
    {
        out.u16(0);
        out.u64(m.cookie);
    }
    void operator()(const CareOfTestInit& m) const
    {
        out.u16(0);
        out.u64(m.cookie);
    }
    void operator()(const HomeTest& m) const { test(m); }
    void operator()(const CareOfTest& m) const { test(m); }
    void operator()(const BindingUpdate& m) const { words({m.sequence, m.flags, m.lifetime.count()}); }
    void operator()(const BindingAck& m) const
    {
        octets({m.status, m.flags});
        words({m.sequence, m.lifetime.count()});
    }
    void operator()(const BindingError& m) const
    {
        octets({m.status, 0});
        out.bytes(m.homeAddress.octets);
    }
    void operator()(const FastBindingUpdate& m) const { words({m.sequence, m.flags, m.lifetime}); }
    void operator()(const FastBindingAck& m) const
    {
        octets({m.status, m.flags});
        words({m.sequence, m.lifetime});
    }
    void operator()(const FastNeighborAdvertisement&) const { out.u16(0); }
    void operator()(const ExperimentalMessage& m) const { data(m.data); }
    void operator()(const HomeAgentSwitch& m) const
    {
        octets({static_cast<unsigned>(m.homeAgents.size()), 0});
        for (const Ipv6Address& address : m.homeAgents) out.bytes(address.octets);
    }
    void operator()(const Heartbeat& m) const
    {
        octets({0, (m.unsolicited ? 2u : 0u) | (m.response ? 1u : 0u)});
        out.u32(m.sequence);
    }
    void operator()(const HandoverInitiate& m) const
    {
        out.u16(m.sequence);
        octets({m.flags, m.code});
    }
    void operator()(const HandoverAck& m) const
    {
        out.u16(m.sequence);
        octets({m.flags, m.code});
    }
    void operator()(const BindingRevocation& m) const
    {
        octets({m.kind, m.code});
        words({m.sequence, m.flags});
    }
    void operator()(const LocalizedRoutingInitiation& m) const { words({m.sequence, 0, m.lifetimeSeconds}); }
    void operator()(const LocalizedRoutingAck& m) const
    {
        out.u16(m.sequence);
        octets({m.unsolicited ? 0x80u : 0u, m.status});
        out.u16(m.lifetimeSeconds);
    }
    void operator()(const UpdateNotification& m) const
    {
        words({m.sequence, m.reason});
        octets({(m.acknowledge ? 0x80u : 0u) | (m.retransmission ? 0x40u : 0u), 0});
    }
    void operator()(const UpdateNotificationAck& m) const
    {
        out.u16(m.sequence);
        octets({m.status, 0, 0, 0});
    }
    void operator()(const FlowBinding& m) const
    {
        words({m.kind, m.sequence});
        octets({m.code, m.acknowledge ? 0x80u : 0u});
    }
    void operator()(const SubscriptionQuery& m) const { octets({m.sequence, 0}); }
    void operator()(const SubscriptionResponse& m) const { octets({m.sequence, m.information ? 0x80u : 0u}); }
    void operator()(const RawMobility& m) const { data(m.data); }
};

}  // namespace

Bytes emitMobility(const MobilityMessage& message, const PseudoHeader& addresses)
{
    Writer out;
    out.zeros(6);
    out.patch8(0, protocol::none);
    out.patch8(2, typeOf(message));
    std::visit(BodyEmitter{out}, message);
    std::visit(
        [&](const auto& m) {
            if constexpr (requires { m.options; }) emitMobilityOptions(out, m.options);
        },
        message);
    out.patch8(1, static_cast<std::uint8_t>(out.size() / 8 - 1));
    out.patch16(checksumPosition, checksum(addresses, protocol::mobility, out.view()));
    return out.take();
}

std::uint8_t typeOf(const MobilityMessage& message)
{
    if (const auto* raw = std::get_if<RawMobility>(&message)) return raw->type;
    return static_cast<std::uint8_t>(message.index());  // the variant lists types 0 to 23 in order
}

}  // namespace roamscope::wire
