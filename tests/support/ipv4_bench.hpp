// SPDX-License-Identifier: GPL-3.0-or-later
// A home agent with an IPv4 address on its bench, and what comes from IPv4 networks by the gateway of that link.
#pragma once

#include "tests/support/mcoa_bench.hpp"

#include "protocol/wire/arp.hpp"
#include "protocol/wire/udp.hpp"

#include <fmt/format.h>

namespace roamscope::test::anchors {

inline Ipv4Address v4(const char* text) { return *Ipv4Address::parse(text); }
inline const Ipv4Address agentV4 = v4("192.0.2.1"), gatewayV4 = v4("192.0.2.254"), cellV4 = v4("198.51.100.5"), otherV4 = v4("198.51.100.6"), natV4 = v4("203.0.113.9"), privateV4 = v4("10.0.0.5");
inline const Mac gatewayMac = mac("02:00:00:00:04:01");

/// An IPv6 packet in an IPv4 one to the home agent, without UDP where `port` is 0.
inline Bytes inIpv4(const wire::Ipv6Packet& inner, const Ipv4Address& from, std::uint16_t port, const Ipv4Address& to = agentV4)
{
    wire::Ipv4Header header;
    header.source = from;
    header.destination = to;
    header.protocol = port == 0 ? wire::protocol::ipv6 : wire::protocol::udp;
    Bytes payload = wire::emitIpv6(inner);
    if (port != 0) payload = wire::emitUdp({port, wire::udpPort::homeAgent, std::move(payload)}, header.pseudoHeader());
    return wire::emitEthernet({coreMac, gatewayMac, wire::etherTypeIpv4}, wire::emitIpv4(header, payload));
}

inline Bytes arp(std::uint16_t operation, const Ipv4Address& sender, const Ipv4Address& target, const Mac& from = gatewayMac)
{
    const Mac all = mac("ff:ff:ff:ff:ff:ff");
    return wire::emitEthernet({operation == wire::ArpMessage::request ? all : coreMac, from, wire::etherTypeArp}, wire::emitArp({operation, from, sender, coreMac, target}));
}

inline BindingIdentifier bid4(std::uint16_t number, const Ipv4Address& at) { return {number, 0, false, 0, Bytes(at.octets.begin(), at.octets.end())}; }

struct Ipv4Bench : Mcoa {
    std::vector<Bytes> emitted{};

    static AnchorServices services()
    {
        AnchorServices out;
        out.ipv4 = Ipv4AgentSettings{coreLink, {agentV4, 24, gatewayV4}};
        return out;
    }
    explicit Ipv4Bench(bool verify = false) : Mcoa(Bench::policy(false, verify), services())
    {
        raw(arp(wire::ArpMessage::request, gatewayV4, agentV4));
        out = {};
    }
    void raw(const Bytes& frame) { anchor.receive(now, coreLink, frame, out); }
    /// The frames that left, decoded; kept in `emitted`, too.
    std::vector<Seen> sent()
    {
        for (const SentFrame& f : out.frames) emitted.push_back(f.bytes);
        return take(out);
    }
    /// "198.51.100.5:4191" or "198.51.100.5" for what went in IPv4, else the IPv6 destination.
    static std::string to(const Seen& s)
    {
        if (!s.frame.ipv4) return s.frame.packets.empty() ? std::string("?") : s.frame.packets.front().destination.text();
        if (!s.frame.tunnel) return s.frame.ipv4->destination.text();
        return fmt::format("{}:{}", s.frame.ipv4->destination.text(), s.frame.tunnel->destinationPort);
    }
    /// "198.51.100.5:4191 0 11 100: nat 0/4294967295 1/0": where the acknowledgement went, status, sequence, lifetime, its options in order.
    static std::string told(const std::vector<Seen>& seen)
    {
        for (const Seen& s : seen) {
            const auto* ack = s.frame.as<BindingAck>();
            if (!ack) continue;
            std::string text = fmt::format("{} {} {} {}:", to(s), ack->status, ack->sequence, ack->lifetime.count());
            for (const wire::MobilityOption& option : ack->options) {
                if (const auto* b = std::get_if<BindingIdentifier>(&option)) text += fmt::format(" {}/{}", b->bid, b->status);
                if (const auto* n = std::get_if<wire::NatDetection>(&option)) text += fmt::format(" nat {}/{}", n->forceUdp ? 1 : 0, n->refreshSeconds);
                if (const auto* a = std::get_if<wire::Ipv4AddressAck>(&option)) text += fmt::format(" home {}/{}/{}", a->status, a->prefixLength, a->address.text());
            }
            return text;
        }
        return "nothing";
    }
    wire::Ipv6Packet updatePacket(std::vector<wire::MobilityOption> options, std::uint16_t units = 100, std::uint16_t flags = 0)
    {
        const auto all = static_cast<std::uint16_t>(BindingUpdate::acknowledge | BindingUpdate::homeRegistration | flags);
        return mobility(home, agent, BindingUpdate{++sequence, all, WireLifetime{units}, std::move(options)}, {});
    }
    /// An update in UDP over IPv4, and its answer.
    std::string over4(std::vector<wire::MobilityOption> options, const Ipv4Address& from = cellV4, std::uint16_t port = 4191, std::uint16_t units = 100, std::uint16_t flags = 0)
    {
        (void)sent();
        raw(inIpv4(updatePacket(std::move(options), units, flags), from, port));
        return told(sent());
    }
    /// The same over IPv6.
    std::string over6(std::vector<wire::MobilityOption> options, std::uint16_t units = 100, std::uint16_t flags = 0)
    {
        (void)sent();
        in(coreLink, updateWith(++sequence, flags, std::move(options), units));
        return told(sent());
    }
    /// Where packets for the home address go.
    std::string way()
    {
        (void)sent();
        in(coreLink, probe(correspondent, home, {1, false, 1, TimePoint{}}));
        std::string text;
        for (const Seen& s : sent())
            if (s.inner().destination == home) text += fmt::format("{}{}", text.empty() ? "" : " ", to(s));
        return text.empty() ? "nowhere" : text;
    }
    /// Whether a packet of the mobile node from there comes out of the tunnel.
    bool taken(const Ipv4Address& from, std::uint16_t port, const Ipv6Address& source = home)
    {
        (void)sent();
        raw(inIpv4(probe(source, correspondent, {1, false, 1, TimePoint{}}), from, port));
        for (const Seen& s : sent())
            if (!s.frame.ipv4 && s.frame.packets.size() == 1 && s.inner().destination == correspondent) return true;
        return false;
    }
};

}  // namespace roamscope::test::anchors
