// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/icmpv6_rules.hpp"

#include "protocol/base/overloaded.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {

/// The solicited-node groups, ff02::1:ff00:0/104 (RFC 4291 §2.7.1).
bool isSolicitedNode(const Ipv6Address& a)
{
    static constexpr std::uint8_t start[] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
    return std::equal(std::begin(start), std::end(start), a.octets.begin());
}

/// The Mobile IPv6 Home-Agents anycast address of some prefix: the last seven bits are 126 and all before them in the interface
/// identifier are one, but for the universal bit of a 64-bit identifier (RFC 2526 §2–3).
bool isHomeAgentsAnycast(const Ipv6Address& a) { return (a.octets[15] & 0x7f) == 0x7e && a.octets[14] == 0xff; }

class Check {
public:
    Check(const Ipv6Packet& packet, bool inIpv4, FieldSink& sink) : packet_(packet), inIpv4_(inIpv4), sink_(sink) {}

    void operator()(const RouterSolicitation& m)
    {
        hopLimit("RFC 4861 §6.1.1");
        if (packet_.source.isUnspecified() && findOption<SourceLinkLayerOption>(m.options))
            report(FieldId::NdSourceLinkLayer, "router solicitation from the unspecified address with a source link-layer address", "RFC 4861 §6.1.1");
    }
    void operator()(const RouterAdvertisement& m)
    {
        hopLimit("RFC 4861 §6.1.2");
        linkLocalSource("router advertisement", "RFC 4861 §6.1.2");
        if (findOption<HomeAgentInformation>(m.options) && (m.flags & RouterAdvertisement::homeAgentFlag) == 0)
            report(FieldId::RaFlags, "home agent information without the H flag", "RFC 6275 §7.4");
    }
    void operator()(const NeighborSolicitation& m)
    {
        hopLimit("RFC 4861 §7.1.1");
        if (m.target.isMulticast()) report(FieldId::NsTarget, "solicitation for a multicast address", "RFC 4861 §7.1.1");
        if (!packet_.source.isUnspecified()) return;
        if (!isSolicitedNode(packet_.destination))
            report(FieldId::Ipv6Destination, "duplicate address detection not sent to a solicited-node group", "RFC 4861 §7.1.1");
        if (findOption<SourceLinkLayerOption>(m.options))
            report(FieldId::NdSourceLinkLayer, "duplicate address detection with a source link-layer address", "RFC 4861 §7.1.1");
    }
    void operator()(const NeighborAdvertisement& m)
    {
        hopLimit("RFC 4861 §7.1.2");
        if (m.target.isMulticast()) report(FieldId::NaTarget, "advertisement of a multicast address", "RFC 4861 §7.1.2");
        if (m.solicited && packet_.destination.isMulticast())
            report(FieldId::NaFlags, "solicited flag in an advertisement to a multicast address", "RFC 4861 §7.1.2");
    }
    void operator()(const Redirect& m)
    {
        hopLimit("RFC 4861 §8.1");
        linkLocalSource("redirect", "RFC 4861 §8.1");
        if (m.destination.isMulticast()) report(FieldId::RedirectDestination, "redirect for a multicast address", "RFC 4861 §8.1");
        if (!m.target.isLinkLocal() && m.target != m.destination)
            report(FieldId::RedirectTarget, "redirect to a target that is neither a link-local address nor the destination", "RFC 4861 §8.1");
    }
    void operator()(const HomeAgentDiscoveryRequest&)
    {
        if (!isHomeAgentsAnycast(packet_.destination))
            report(FieldId::Ipv6Destination, "home agent address discovery request to an address that is not the home agents' anycast address", "RFC 6275 §11.4.1",
                   Severity::Warning, "MN-DHAAD-01");
        if (packet_.homeAddress())
            report(FieldId::Ipv6HomeAddress, "home agent address discovery request with a home address option although no agent is known", "RFC 6275 §6.5",
                   Severity::Warning, "MN-DHAAD-01");
    }
    void operator()(const HomeAgentDiscoveryReply& m)
    {
        if (!packet_.source.isUnicastRoutable() || isHomeAgentsAnycast(packet_.source))
            report(FieldId::Ipv6Source, "home agent address discovery reply not sent from a global unicast address", "RFC 6275 §10.5.1", Severity::Warning, "HA-DHAAD-01");
        for (const Ipv6Address& agent : m.homeAgents)
            if (!agent.isUnicastRoutable()) {
                report(FieldId::MipHomeAgentAddress, fmt::format("{} in the list of home agents is not a global unicast address", agent.text()), "RFC 6275 §10.5.1",
                       Severity::Warning, "HA-DHAAD-01");
                break;
            }
    }
    void operator()(const MobilePrefixSolicitation&)
    {
        if (!packet_.homeAddress()) report(FieldId::Icmpv6Type, "mobile prefix solicitation without home address option", "RFC 6275 §6.7", Severity::Error, "MN-MPS-01");
    }
    void operator()(const MobilePrefixAdvertisement&)
    {
        // To a mobile node in an IPv4 network it goes to the home address itself (RFC 5555 §4.5.1).
        if (!packet_.routing && !inIpv4_)
            report(FieldId::Icmpv6Type, "mobile prefix advertisement without type 2 routing header", "RFC 6275 §6.8", Severity::Error, "HA-MPA-02");
    }
    void operator()(const FastHandover& m)
    {
        if (m.subtype == FastHandover::solicitation || m.subtype == FastHandover::advertisement) {
            hopLimit(m.subtype == FastHandover::solicitation ? "RFC 5568 §6.1.1" : "RFC 5568 §6.1.2");
            if (m.subtype == FastHandover::advertisement) linkLocalSource("proxy router advertisement", "RFC 5568 §6.1.2");
        }
        if (m.subtype == FastHandover::initiate || m.subtype == FastHandover::acknowledge)
            if (m.type == icmpv6Type::fastHandover)
                report(FieldId::FastSubtype, fmt::format("subtype {} is deprecated; routers use mobility headers for it", m.subtype), "RFC 5568 §6.2", Severity::Warning);
    }
    template <class Other>
    void operator()(const Other&)
    {
    }

private:
    void hopLimit(std::string_view rfc)
    {
        if (packet_.hopLimit != 255)
            report(FieldId::Ipv6HopLimit, fmt::format("hop limit {} instead of 255: the message may come from another link", packet_.hopLimit), rfc);
    }
    void linkLocalSource(std::string_view message, std::string_view rfc)
    {
        if (!packet_.source.isLinkLocal())
            report(FieldId::Ipv6Source, fmt::format("{} from {}, which is not a link-local address", message, packet_.source.text()), rfc);
    }
    /// At the octets of the last field with this id: the innermost packet and its message stand last.
    void report(FieldId at, std::string text, std::string_view rfc, Severity severity = Severity::Error, std::string_view rule = "")
    {
        Finding finding{rule, severity, std::move(text), rfc, 0, 0};
        const std::vector<FieldNode>& nodes = sink_.nodes();
        for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
            if (it->field != at || it->buffer != nodes.back().buffer) continue;
            finding.offset = it->offset;
            finding.length = it->length;
            break;
        }
        sink_.finding(std::move(finding));
    }

    const Ipv6Packet& packet_;
    bool inIpv4_;
    FieldSink& sink_;
};

}  // namespace

void checkIcmpv6(const Icmpv6Message& message, const Ipv6Packet& packet, bool inIpv4, FieldSink& sink) { std::visit(Check(packet, inIpv4, sink), message); }

}  // namespace roamscope::wire
