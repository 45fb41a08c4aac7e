// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/tshark_fields.hpp"

#include "protocol/wire/icmpv6.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <fmt/format.h>

namespace roamscope::cli {

namespace {

using wire::FieldId;
using wire::FieldNode;

std::string colons(const Bytes& bytes)
{
    std::string out;
    for (const std::uint8_t octet : bytes) out += fmt::format("{}{:02x}", out.empty() ? "" : ":", octet);
    return out;
}

using Nodes = std::vector<FieldNode>;

/// The first line below group `at` that has this id, or null.
const FieldNode* below(const Nodes& nodes, std::size_t at, FieldId id)
{
    for (std::size_t i = at + 1; i < nodes.size() && nodes[i].depth > nodes[at].depth; ++i)
        if (nodes[i].field == id) return &nodes[i];
    return nullptr;
}

/// tshark writes addresses as the C library does, also those of ::/96.
std::string textOf(const FieldNode& node)
{
    const auto* address = std::get_if<Ipv6Address>(&node.value);
    if (!address) return wire::valueText(node);
    std::array<char, INET6_ADDRSTRLEN> text{};
    const char* written = inet_ntop(AF_INET6, address->octets.data(), text.data(), static_cast<socklen_t>(text.size()));
    return written ? written : wire::valueText(node);
}

/// Its value as text, empty when there is none.
std::string textBelow(const Nodes& nodes, std::size_t at, FieldId id)
{
    const FieldNode* node = below(nodes, at, id);
    return node ? textOf(*node) : std::string();
}

/// The last line before `at` that has this id and stands in the same group, or null.
const FieldNode* before(const Nodes& nodes, std::size_t at, FieldId id)
{
    for (std::size_t i = at; i-- > 0 && nodes[i].depth >= nodes[at].depth;)
        if (nodes[i].field == id && nodes[i].depth == nodes[at].depth) return &nodes[i];
    return nullptr;
}

std::uint64_t number(const FieldNode& node)
{
    const auto* v = std::get_if<std::uint64_t>(&node.value);
    return v ? *v : 0;
}

std::string_view routingTypeName(std::uint64_t type)
{
    switch (type) {
    case 0: return "Source Route";
    case 1: return "Nimrod";
    case 2: return "Type 2 Routing";
    case 3: return "RPL Source Route Header";
    case 4: return "Segment Routing";
    case 253: return "Experiment 1";
    case 254: return "Experiment 2";
    default: return "";
    }
}

/// Octets behind a layer that tshark thinks complete: of these it shows nothing.
bool isBehindEnd(const Nodes& nodes, std::size_t at)
{
    for (std::size_t i = at; i-- > 0 && nodes[i].depth >= nodes[at].depth;)
        if (nodes[i].depth == nodes[at].depth) return nodes[i].field == FieldId::Esp || nodes[i].field == FieldId::Mobility;
    return false;
}

std::string_view wifiName(std::uint64_t subtype)
{
    switch (subtype) {
    case 0: return "Data";
    case 4: return "Null function (No data)";
    case 8: return "QoS Data";
    case 12: return "QoS Null function (No data)";
    default: return "";
    }
}

/// The flags octet of 802.11 frame control, a letter or a dot for each bit.
std::string wifiFlags(std::uint64_t control)
{
    static constexpr std::string_view letters = "opmPRMFT";
    std::string out;
    for (std::size_t i = 0; i < letters.size(); ++i) out += (control >> (7 - i) & 1) != 0 ? letters[i] : '.';
    return out;
}

std::string wifiText(const Nodes& nodes, std::size_t at)
{
    const FieldNode* control = below(nodes, at, FieldId::WifiControl);
    const FieldNode* subtype = below(nodes, at, FieldId::WifiSubtype);
    const FieldNode* type = below(nodes, at, FieldId::WifiType);
    const std::string_view name = subtype && type && number(*type) == 2 ? wifiName(number(*subtype)) : "";
    if (!control || name.empty()) return std::string(wire::info(FieldId::Wifi).name);
    // The field is shown as tshark has it: version, type and subtype in the octet that counts more.
    return fmt::format("IEEE 802.11 {}, Flags: {}", name, wifiFlags(number(*control) & 0xff));
}

/// What tshark prints for a group: a headline of its own for some layers, the name for others, 1 for groups inside a layer.
std::string groupText(const Nodes& nodes, std::size_t at)
{
    const FieldId id = nodes[at].field;
    switch (id) {
    case FieldId::Ethernet:
        return fmt::format("Ethernet II, Src: {}, Dst: {}", textBelow(nodes, at, FieldId::EthernetSource), textBelow(nodes, at, FieldId::EthernetDestination));
    case FieldId::Ipv6:
        return fmt::format("Internet Protocol Version 6, Src: {}, Dst: {}", textBelow(nodes, at, FieldId::Ipv6Source), textBelow(nodes, at, FieldId::Ipv6Destination));
    case FieldId::Routing: {
        const FieldNode* type = below(nodes, at, FieldId::RoutingType);
        const std::string_view name = type ? routingTypeName(number(*type)) : "";
        return fmt::format("Routing Header for IPv6{}{}{}", name.empty() ? "" : " (", name, name.empty() ? "" : ")");
    }
    case FieldId::Udp:
        return fmt::format("User Datagram Protocol, Src Port: {}, Dst Port: {}", textBelow(nodes, at, FieldId::UdpSourcePort), textBelow(nodes, at, FieldId::UdpDestinationPort));
    case FieldId::Ipv4:
        return fmt::format("Internet Protocol Version 4, Src: {}, Dst: {}", textBelow(nodes, at, FieldId::Ipv4Source), textBelow(nodes, at, FieldId::Ipv4Destination));
    case FieldId::Vlan:
        return fmt::format("802.1Q Virtual LAN, PRI: {}, DEI: {}, ID: {}", textBelow(nodes, at, FieldId::VlanPriority), textBelow(nodes, at, FieldId::VlanDropEligible),
                           textBelow(nodes, at, FieldId::VlanId));
    case FieldId::ServiceVlan: return fmt::format("IEEE 802.1ad, ID: {}", textBelow(nodes, at, FieldId::ServiceVlanId));
    case FieldId::Cooked: return below(nodes, at, FieldId::CookedInterface) ? "Linux cooked capture v2" : "Linux cooked capture v1";
    case FieldId::Radiotap:
        return fmt::format("Radiotap Header v{}, Length {}", textBelow(nodes, at, FieldId::RadiotapVersion), textBelow(nodes, at, FieldId::RadiotapLength));
    case FieldId::Wifi: return wifiText(nodes, at);
    case FieldId::Data: return textBelow(nodes, at, FieldId::DataBytes);
    case FieldId::HopByHop:
    case FieldId::DestinationOptions:
    case FieldId::Fragment: return std::string(wire::info(id).name);
    default: break;
    }
    const std::string_view name = wire::info(id).name;
    return name.find('.') == std::string_view::npos ? std::string(name) : "1";
}

}  // namespace

void asTshark(const Nodes& nodes, std::size_t at, std::vector<TsharkField>& out)
{
    const FieldNode& node = nodes[at];
    const auto* bytes = std::get_if<Bytes>(&node.value);
    const auto as = [&](FieldId field, std::string text) { out.push_back({field, std::move(text)}); };
    switch (node.field) {
    case FieldId::Data:
        if (isBehindEnd(nodes, at)) return;
        break;
    case FieldId::DataBytes:
        if (at > 0 && nodes[at - 1].field == FieldId::Data && isBehindEnd(nodes, at - 1)) return;
        break;
    case FieldId::Ipv6TrafficClass: return as(node.field, fmt::format("0x{:08x}", number(node)));
    case FieldId::Ipv6FlowLabel: return as(node.field, fmt::format("0x{:06x}", number(node)));
    case FieldId::Ipv6OptionPadN: return as(node.field, bytes && bytes->empty() ? "<none>" : wire::valueText(node));
    case FieldId::MobilityPadN:
        if (bytes && !bytes->empty()) as(node.field, wire::valueText(node));
        return;
    case FieldId::MipIdentifier: return as(node.field, fmt::format("{}", number(node)));
    case FieldId::MipReserved: return as(FieldId::Icmpv6Reserved, fmt::format("{:04x}", number(node)));
    case FieldId::Icmpv6Unused:
    case FieldId::FastReserved: return as(FieldId::Icmpv6Reserved, wire::valueText(node));
    case FieldId::MldMaximumCode: return as(node.field, fmt::format("{}", wire::listenerResponse(static_cast<std::uint16_t>(number(node)))));
    case FieldId::MldInterval: return as(node.field, fmt::format("{}", wire::listenerInterval(static_cast<std::uint8_t>(number(node)))));
    // To tshark fields without a value.
    case FieldId::NdOptionReserved:
    case FieldId::PrefixReserved:
    case FieldId::HomeAgentFlags: return as(FieldId::NdOptionReserved, "1");
    case FieldId::NdOptionPadding:
    case FieldId::RedirectedPacket: return as(node.field, "1");
    case FieldId::NdSourceLinkLayer:
    case FieldId::NdTargetLinkLayer:
        as(FieldId::NdLinkLayer, wire::valueText(node));
        return as(node.field, wire::valueText(node));
    case FieldId::RoutePrefix: {
        Ipv6Address address;
        if (bytes && bytes->size() <= 16) std::copy(bytes->begin(), bytes->end(), address.octets.begin());
        return as(FieldId::PrefixPrefix, address.text());
    }
    case FieldId::MapFlags:
        as(FieldId::MapFlagReserved, fmt::format("{}", number(node) & 0x7f));
        return as(node.field, wire::valueText(node));
    case FieldId::MapFlagReserved: return;  // stands at the flags
    case FieldId::NdOptionData: return as(FieldId::Icmpv6Data, wire::valueText(node));
    case FieldId::EchoData:
        if (!bytes || bytes->empty()) return;
        as(FieldId::Data, wire::valueText(node));
        return as(FieldId::DataBytes, wire::valueText(node));
    case FieldId::Ipv6OptionData: {
        // Options for experiments (RFC 4727 §3.4) have another name there.
        const FieldNode* type = before(nodes, at, FieldId::Ipv6OptionType);
        if (type && (number(*type) & 0x1f) == 0x1e) return;
        break;
    }
    case FieldId::CotToken: return as(FieldId::HotToken, wire::valueText(node));
    // One bit with two meanings: tshark knows the one of proxy registrations only.
    case FieldId::BuFlagOverwrite: return as(FieldId::BuFlagBulk, wire::valueText(node));
    case FieldId::BidCareOfIpv4:
        if (!bytes || bytes->size() != 4) break;
        return as(node.field, fmt::format("{}.{}.{}.{}", (*bytes)[0], (*bytes)[1], (*bytes)[2], (*bytes)[3]));
    // The prefixes of PMIPv6 stand under the names of those of mobile routers.
    case FieldId::HomePrefixLength: return as(FieldId::NetworkPrefixLength, wire::valueText(node));
    case FieldId::GreReserved: return as(FieldId::RouterIpv4Reserved, textOf(node));
    case FieldId::HomePrefix: return as(FieldId::NetworkPrefix, textOf(node));
    case FieldId::LinkLayerId: return as(node.field, bytes && bytes->empty() ? "<MISSING>" : wire::valueText(node));
    case FieldId::LinkLayerAddress: return as(node.field, bytes ? colons(*bytes) : std::string());
    default: break;
    }
    const wire::FieldInfo& field = wire::info(node.field);
    as(node.field, field.type == wire::FieldType::None && field.tshark ? groupText(nodes, at) : textOf(node));
}

}  // namespace roamscope::cli
