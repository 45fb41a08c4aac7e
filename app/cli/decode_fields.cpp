// SPDX-License-Identifier: GPL-3.0-or-later
// `decode -T fields`: for the names that tshark 4.0 knows, what tshark -T fields prints, octet for octet.
#include "app/cli/decode_formats.hpp"

#include "app/cli/output.hpp"
#include "capture/io/nearest_name.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::cli {

namespace {

using wire::FieldId;
using wire::FieldNode;

struct Style {
    bool header = false;
    bool byteOrderMark = false;
    std::string separator = "\t";
    std::string aggregator = ",";
    std::string quote;
    char occurrence = 'a';
};

/// "/t" and "/s" stand for tab and space.
std::string characterOf(std::string_view value)
{
    if (value == "/t") return "\t";
    if (value == "/s") return " ";
    return std::string(value.substr(0, 1));
}

bool apply(Style& style, std::string_view key, std::string_view value)
{
    if (value.empty()) return false;
    const bool yes = value == "y" || value == "Y";
    const bool yesOrNo = yes || value == "n" || value == "N";
    if (key == "header" && yesOrNo) style.header = yes;
    else if (key == "bom" && yesOrNo) style.byteOrderMark = yes;
    else if (key == "separator") style.separator = characterOf(value);
    else if (key == "aggregator") style.aggregator = characterOf(value);
    else if (key == "occurrence" && (value == "f" || value == "l" || value == "a")) style.occurrence = value[0];
    else if (key == "quote" && (value == "d" || value == "s" || value == "n")) style.quote = value == "d" ? "\"" : value == "s" ? "'" : "";
    else return false;
    return true;
}

std::string colons(const Bytes& bytes)
{
    std::string out;
    for (const std::uint8_t octet : bytes) out += fmt::format("{}{:02x}", out.empty() ? "" : ":", octet);
    return out;
}

/// A field as tshark prints it under its own name.
struct Printed {
    FieldId field;
    std::string text;
};

using Nodes = std::vector<FieldNode>;

/// The first line below group `at` that has this id, or null.
const FieldNode* below(const Nodes& nodes, std::size_t at, FieldId id)
{
    for (std::size_t i = at + 1; i < nodes.size() && nodes[i].depth > nodes[at].depth; ++i)
        if (nodes[i].field == id) return &nodes[i];
    return nullptr;
}

/// Its value as text, empty when there is none.
std::string textBelow(const Nodes& nodes, std::size_t at, FieldId id)
{
    const FieldNode* node = below(nodes, at, id);
    return node ? wire::valueText(*node) : std::string();
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
    case FieldId::Data: return textBelow(nodes, at, FieldId::DataBytes);
    case FieldId::HopByHop:
    case FieldId::DestinationOptions:
    case FieldId::Fragment: return std::string(wire::info(id).name);
    default: break;
    }
    const std::string_view name = wire::info(id).name;
    return name.find('.') == std::string_view::npos ? std::string(name) : "1";
}

/// tshark passes control characters on, which are \\ooo in the registry's text. The ones that steer a terminal become question marks.
std::string withControls(const std::string& text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
        if (text[i] != '\\' || !digit(i + 1) || !digit(i + 2) || !digit(i + 3)) {
            out += text[i];
            continue;
        }
        const int code = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
        const bool harmless = code < 7 || (code > 15 && code < 27) || (code > 27 && code < 32);
        out += harmless ? static_cast<char>(code) : '?';
        i += 3;
    }
    return out;
}

/// Where tshark's habits differ from the registry's this is the place. One line may stand under several of its names.
void asTshark(const Nodes& nodes, std::size_t at, std::vector<Printed>& out)
{
    const FieldNode& node = nodes[at];
    const auto* bytes = std::get_if<Bytes>(&node.value);
    const auto as = [&](FieldId field, std::string text) { out.push_back({field, std::move(text)}); };
    switch (node.field) {
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
    case FieldId::NodeIdentifier:
    case FieldId::ServiceIdentifier:
    case FieldId::AccessNetworkName:
    case FieldId::AccessPointName: return as(node.field, withControls(wire::valueText(node)));
    // Options that tshark reads with the fields of others.
    case FieldId::HomePrefixLength: return as(FieldId::NetworkPrefixLength, wire::valueText(node));
    case FieldId::HomePrefix: return as(FieldId::NetworkPrefix, wire::valueText(node));
    case FieldId::GreReserved: return as(FieldId::RouterIpv4Reserved, wire::valueText(node));
    case FieldId::LinkLayerAddress: return as(node.field, bytes ? colons(*bytes) : std::string());
    default: break;
    }
    const wire::FieldInfo& field = wire::info(node.field);
    as(node.field, field.type == wire::FieldType::None && field.tshark ? groupText(nodes, at) : wire::valueText(node));
}

std::string octetsText(std::size_t octets, std::string_view where)
{
    return fmt::format("{} byte{} {} ({} bits)", octets, octets == 1 ? "" : "s", where, 8 * octets);
}

std::string frameText(const NumberedFrame& frame)
{
    return fmt::format("Frame {}: {}, {}", frame.number, octetsText(frame.view.originalLength, "on wire"), octetsText(frame.view.bytes.size(), "captured"));
}

class FieldsFormat final : public FrameFormat {
public:
    FieldsFormat(std::vector<FieldId> fields, Style style) : fields_(std::move(fields)), style_(std::move(style)) {}

    std::string head() override
    {
        std::string out = style_.byteOrderMark ? "\xef\xbb\xbf" : "";
        if (!style_.header) return out;
        for (std::size_t i = 0; i < fields_.size(); ++i) out += fmt::format("{}{}", i == 0 ? "" : style_.separator, wire::info(fields_[i]).name);
        return out + "\n";
    }

    std::string frame(const NumberedFrame& frame) override
    {
        found_.assign(fields_.size(), {});
        addFrame(frame);
        collect(frame);
        std::string out;
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            if (i > 0) out += style_.separator;
            if (!found_[i].empty()) out += style_.quote + cell(found_[i]) + style_.quote;
        }
        return out + "\n";
    }

private:
    void add(FieldId field, const std::string& text)
    {
        for (std::size_t i = 0; i < fields_.size(); ++i)
            if (fields_[i] == field) found_[i].push_back(text);
    }

    void addFrame(const NumberedFrame& frame)
    {
        add(FieldId::Frame, frameText(frame));
        add(FieldId::FrameNumber, fmt::format("{}", frame.number));
        add(FieldId::FrameTimeEpoch, epochText(frame.utc));
        add(FieldId::FrameTimeRelative, epochText(toNanoseconds(frame.view.time)));
        add(FieldId::FrameLength, fmt::format("{}", frame.view.originalLength));
        add(FieldId::FrameCapturedLength, fmt::format("{}", frame.view.bytes.size()));
        if (!frame.link->name.empty()) add(FieldId::FrameInterfaceName, printable(frame.link->name));
    }

    void collect(const NumberedFrame& frame)
    {
        const wire::Dissection d = wire::dissect(frame.view.bytes, frame.link->linkType, frame.view.originalLength, frame.context);
        std::vector<Printed> printed;
        for (std::size_t i = 0; i < d.nodes.size(); ++i) {
            const FieldNode& node = d.nodes[i];
            printed.clear();
            asTshark(d.nodes, i, printed);
            for (const Printed& p : printed) add(p.field, p.text);
            // Our own name for what tshark calls otherwise gives the value as well.
            if (!wire::info(node.field).tshark && std::none_of(printed.begin(), printed.end(), [&](const Printed& p) { return p.field == node.field; }))
                add(node.field, wire::valueText(node));
            // tshark gives an IPv6 header the field of IPv4 as well.
            if (node.field == FieldId::Ipv6Version) add(FieldId::Ipv4Version, wire::valueText(node));
        }
    }

    [[nodiscard]] std::string cell(const std::vector<std::string>& values) const
    {
        if (style_.occurrence == 'f') return values.front();
        if (style_.occurrence == 'l') return values.back();
        std::string out = values.front();
        for (std::size_t i = 1; i < values.size(); ++i) out += style_.aggregator + values[i];
        return out;
    }

    std::vector<FieldId> fields_;
    Style style_;
    std::vector<std::vector<std::string>> found_;  ///< occurrences in the current frame, by place in fields_
};

}  // namespace

Result<std::unique_ptr<FrameFormat>> makeFieldsFormat(const std::vector<std::string>& fields, const std::vector<std::string>& options)
{
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < wire::fieldCount(); ++i) names.push_back(wire::info(static_cast<FieldId>(i)).name);
    std::vector<FieldId> ids;
    for (const std::string& field : fields) {
        const auto place = std::find(names.begin(), names.end(), field);
        if (place != names.end()) {
            ids.push_back(static_cast<FieldId>(place - names.begin()));
            continue;
        }
        const std::string near = capture::nearestName(field, names);
        return fail(ErrorCode::Invalid, 0,
                    fmt::format("-e {}: no such field.{} roamscope-cli fields lists them", field, near.empty() ? "" : fmt::format(" Did you mean {}?", near)));
    }
    Style style;
    for (const std::string& option : options) {
        const std::size_t equals = option.find('=');
        if (equals == std::string::npos || !apply(style, std::string_view(option).substr(0, equals), std::string_view(option).substr(equals + 1)))
            return fail(ErrorCode::Invalid, 0,
                        fmt::format("-E {}: expected bom=y|n, header=y|n, separator=/t|/s|CHARACTER, occurrence=f|l|a, aggregator=,|/s|CHARACTER or quote=d|s|n", option));
    }
    return std::unique_ptr<FrameFormat>(std::make_unique<FieldsFormat>(std::move(ids), std::move(style)));
}

}  // namespace roamscope::cli
