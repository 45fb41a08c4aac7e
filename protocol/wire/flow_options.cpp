// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/flow_options.hpp"

#include "protocol/base/overloaded.hpp"

#include <array>
#include <span>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {

enum : std::uint8_t { pad1 = 0, padN = 1, bindingReference = 2, trafficSelector = 3, flowAction = 4, targetCareOf = 5 };
enum : std::uint8_t { formatIpv4 = 1, formatIpv6 = 2 };
constexpr std::size_t longestOption = 255;

void finding(FieldReader& in, Severity severity, std::string text, std::string_view rfc, std::size_t offset, std::size_t length)
{
    if (in.sink())
        in.sink()->finding({"", severity, std::move(text), rfc, static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(length)});
}

/// Fields of a selector in letter order, first and last of each range.
constexpr std::array<FieldId, 14> ipv4Fields{
    FieldId::Selector4SourceStart,          FieldId::Selector4SourceEnd,          FieldId::Selector4DestinationStart,
    FieldId::Selector4DestinationEnd,       FieldId::Selector4SpiStart,           FieldId::Selector4SpiEnd,
    FieldId::Selector4SourcePortStart,      FieldId::Selector4SourcePortEnd,      FieldId::Selector4DestinationPortStart,
    FieldId::Selector4DestinationPortEnd,   FieldId::Selector4ClassStart,         FieldId::Selector4ClassEnd,
    FieldId::Selector4ProtocolStart,        FieldId::Selector4ProtocolEnd};
constexpr std::array<FieldId, 16> ipv6Fields{
    FieldId::Selector6SourceStart,          FieldId::Selector6SourceEnd,          FieldId::Selector6DestinationStart,
    FieldId::Selector6DestinationEnd,       FieldId::Selector6SpiStart,           FieldId::Selector6SpiEnd,
    FieldId::Selector6FlowLabelStart,       FieldId::Selector6FlowLabelEnd,       FieldId::Selector6SourcePortStart,
    FieldId::Selector6SourcePortEnd,        FieldId::Selector6DestinationPortStart, FieldId::Selector6DestinationPortEnd,
    FieldId::Selector6ClassStart,           FieldId::Selector6ClassEnd,           FieldId::Selector6ProtocolStart,
    FieldId::Selector6ProtocolEnd};

Ipv4Address read(FieldReader& in, FieldId id, Ipv4Address) { return in.ipv4(id); }
Ipv6Address read(FieldReader& in, FieldId id, Ipv6Address) { return in.address(id); }
std::uint32_t read(FieldReader& in, FieldId id, std::uint32_t) { return in.u32(id); }
std::uint16_t read(FieldReader& in, FieldId id, std::uint16_t) { return in.u16(id); }
std::uint8_t read(FieldReader& in, FieldId id, std::uint8_t) { return in.u8(id); }

void write(Writer& out, const Ipv4Address& v) { out.bytes(v.octets); }
void write(Writer& out, const Ipv6Address& v) { out.bytes(v.octets); }
void write(Writer& out, std::uint32_t v) { out.u32(v); }
void write(Writer& out, std::uint16_t v) { out.u16(v); }
void write(Writer& out, std::uint8_t v) { out.u8(v); }

/// The ranges of a selector in the order of their letters.
template <class Selector, class Visit>
void forEachRange(Selector& selector, bool ipv6, const Visit& visit)
{
    visit(selector.source);
    visit(selector.destination);
    visit(selector.spi);
    if (ipv6) visit(selector.flowLabel);
    visit(selector.sourcePort);
    visit(selector.destinationPort);
    visit(selector.trafficClass);
    visit(selector.protocol);
}

/// Reads what the flags announce. False when an end stands without its start or the octets do not fit.
template <class Address>
bool readSelector(FieldReader& in, TrafficSelector<Address>& selector, std::uint32_t flags, std::span<const FieldId> fields)
{
    std::size_t letter = 0;
    bool good = true;
    forEachRange(selector, fields.size() == ipv6Fields.size(), [&](auto& range) {
        const bool start = (flags >> (31 - letter) & 1) != 0;
        const bool end = (flags >> (30 - letter) & 1) != 0;
        if (end && !start) good = false;
        if (good && start) {
            range.emplace();
            range->start = read(in, fields[letter], range->start);
            if (end) range->end = read(in, fields[letter + 1], range->start);
        }
        letter += 2;
    });
    return good && !in.failed() && in.remaining() == 0;
}

template <class Address>
FlowSubOption selectorOr(FieldReader& in, std::uint32_t flags, std::span<const FieldId> fields, ByteView data, std::size_t start)
{
    TrafficSelector<Address> selector;
    // Tried on the octets first: fields are only shown where all of them fit.
    FieldReader trial(in.whole().subspan(in.position()), 0, nullptr);
    if (readSelector(trial, selector, flags, fields)) {
        selector = {};
        readSelector(in, selector, flags, fields);
        return selector;
    }
    finding(in, Severity::Error, "traffic selector whose fields do not match its flags", "RFC 6088 §3", start, data.size() + 2);
    in.reserved(FieldId::FlowSubOptionData, in.remaining());
    return RawFlowSubOption{trafficSelector, Bytes(data.begin(), data.end())};
}

FlowSubOption parseSelector(FieldReader& in, ByteView data, std::size_t start)
{
    const std::uint8_t format = in.u8(FieldId::SelectorFormat);
    in.note(format == formatIpv4 ? "IPv4 binary" : format == formatIpv6 ? "IPv6 binary" : "");
    in.u8(FieldId::SelectorReserved);
    if ((format == formatIpv4 || format == formatIpv6) && in.remaining() >= 4) {
        const std::uint32_t flags = in.u32(FieldId::SelectorFlags);
        return format == formatIpv4 ? selectorOr<Ipv4Address>(in, flags, ipv4Fields, data, start)
                                    : selectorOr<Ipv6Address>(in, flags, ipv6Fields, data, start);
    }
    if (format == 0) finding(in, Severity::Error, "traffic selector format 0, which is reserved", "RFC 6089 §4.2.1.4", start + 2, 1);
    else if (format <= formatIpv6) finding(in, Severity::Error, "traffic selector without its flags", "RFC 6088 §3", start, data.size() + 2);
    in.reserved(FieldId::FlowSubOptionData, in.remaining());
    return RawFlowSubOption{trafficSelector, Bytes(data.begin(), data.end())};
}

/// `in` holds the data of one sub-option.
FlowSubOption parseSubOption(FieldReader& in, std::uint8_t type, ByteView data, std::size_t start)
{
    switch (type) {
    case bindingReference: {
        if (data.empty() || data.size() % 2 != 0) break;
        in.headline("Binding reference");
        BindingReference reference;
        while (in.remaining() > 0) reference.bids.push_back(in.u16(FieldId::FlowBid));
        return reference;
    }
    case trafficSelector:
        if (data.size() < 2) break;
        in.headline("Traffic selector");
        return parseSelector(in, data, start);
    case flowAction: {
        if (data.size() != 2) break;
        in.headline("Flow binding action");
        in.u8(FieldId::FlowActionReserved);
        const FlowBindingAction action{in.u8(FieldId::FlowAction)};
        in.note(flowActionName(action.action));
        return action;
    }
    case targetCareOf:
        if (data.size() != 6 && data.size() != 18) break;
        in.headline("Target care-of address");
        in.u16(FieldId::FlowTargetReserved);
        if (data.size() == 6) in.ipv4(FieldId::FlowTargetIpv4);
        else in.address(FieldId::FlowTargetIpv6);
        return TargetCareOfAddress{Bytes(data.begin() + 2, data.end())};
    default:
        in.headline(fmt::format("Sub-option {}", type));
        in.reserved(FieldId::FlowSubOptionData, data.size());
        return RawFlowSubOption{type, Bytes(data.begin(), data.end())};
    }
    finding(in, Severity::Error, fmt::format("flow sub-option {} with length {}, which does not fit", type, data.size()), "RFC 6089 §4.2.1",
            start, data.size() + 2);
    in.reserved(FieldId::FlowSubOptionData, data.size());
    return RawFlowSubOption{type, Bytes(data.begin(), data.end())};
}

/// One sub-option with its head; false where it runs past the end, and has been shown as octets.
bool parseNext(FieldReader& in, FlowIdentification& flow)
{
    const std::size_t start = in.offset();
    in.open(FieldId::FlowSubOption);
    const std::uint8_t type = in.u8(FieldId::FlowSubOptionType);
    if (type == pad1) {
        in.headline("Pad1");
        in.close();
        return true;
    }
    std::size_t length = in.u8(FieldId::FlowSubOptionLength);
    // RFC 6089 §4.2.1.2 counts the two octets of the head too, in contradiction to every other option (errata E-17).
    if (type == padN && length > in.remaining() && length <= in.remaining() + 2) length = in.remaining();
    if (in.failed() || length > in.remaining()) {
        finding(in, Severity::Error, fmt::format("flow sub-option {} runs past the end of its option", type), "RFC 6089 §4.2.1", start,
                in.offset() - start + in.remaining());  // its length may be missing, too
        in.reserved(FieldId::FlowSubOptionData, in.remaining());
        in.close();
        return false;
    }
    const ByteView data = in.whole().subspan(in.position(), length);
    FieldReader body = in.within(data, in.offset());
    if (type == padN) {
        in.headline("PadN");
        body.reserved(FieldId::FlowSubOptionData, length);
    } else {
        flow.subOptions.push_back(parseSubOption(body, type, data, start));
    }
    in.skip(length);
    in.close();
    return true;
}

void checkOccurrences(FieldReader& in, const FlowIdentification& flow, std::size_t start, std::size_t length)
{
    if (!in.sink()) return;
    std::size_t references = 0;
    std::size_t selectors = 0;
    for (const FlowSubOption& sub : flow.subOptions) {
        const auto* raw = std::get_if<RawFlowSubOption>(&sub);
        references += std::holds_alternative<BindingReference>(sub) || (raw && raw->type == bindingReference) ? 1u : 0u;
        selectors += std::holds_alternative<Ipv4TrafficSelector>(sub) || std::holds_alternative<Ipv6TrafficSelector>(sub) ||
                             (raw && raw->type == trafficSelector)
                         ? 1u
                         : 0u;
    }
    if (references > 1) finding(in, Severity::Error, "more than one binding reference in a flow identification", "RFC 6089 §4.2.1.3", start, length);
    if (selectors > 1) finding(in, Severity::Error, "more than one traffic selector in a flow identification", "RFC 6089 §4.2.1.4", start, length);
}


/// RFC 6088 §3: by the widest field that is there.
template <class Address>
std::size_t alignmentOf(const TrafficSelector<Address>& s)
{
    const bool ipv6 = std::is_same_v<Address, Ipv6Address>;
    if (s.source || s.destination) return ipv6 ? 8 : 4;
    if (s.spi || (ipv6 && s.flowLabel)) return 4;
    return s.sourcePort || s.destinationPort ? 2 : 1;
}

std::size_t alignmentOf(const FlowSubOption& sub)
{
    return std::visit(Overloaded{
                          [](const Ipv4TrafficSelector& s) { return alignmentOf(s); },
                          [](const Ipv6TrafficSelector& s) { return alignmentOf(s); },
                          [](const BindingReference&) { return std::size_t{2}; },
                          [](const auto&) { return std::size_t{1}; },
                      },
                      sub);
}

template <class Address>
void writeSelector(Writer& out, const TrafficSelector<Address>& selector, bool ipv6)
{
    std::uint32_t flags = 0;
    std::size_t letter = 0;
    forEachRange(selector, ipv6, [&](const auto& range) {
        if (range) flags |= 0x80000000u >> letter;
        if (range && range->end) flags |= 0x40000000u >> letter;
        letter += 2;
    });
    out.u8(ipv6 ? formatIpv6 : formatIpv4);
    out.u8(0);
    out.u32(flags);
    forEachRange(selector, ipv6, [&](const auto& range) {
        if (!range) return;
        write(out, range->start);
        if (range->end) write(out, *range->end);
    });
}

void writeSubOption(Writer& out, const FlowSubOption& sub)
{
    const std::size_t start = out.size();
    out.u8(0);
    out.u8(0);
    std::uint8_t type = 0;
    std::visit(Overloaded{
                   [&](const BindingReference& o) {
                       type = bindingReference;
                       for (const std::uint16_t bid : o.bids) out.u16(bid);
                   },
                   [&](const Ipv4TrafficSelector& o) {
                       type = trafficSelector;
                       writeSelector(out, o, false);
                   },
                   [&](const Ipv6TrafficSelector& o) {
                       type = trafficSelector;
                       writeSelector(out, o, true);
                   },
                   [&](const FlowBindingAction& o) {
                       type = flowAction;
                       out.u8(0);
                       out.u8(o.action);
                   },
                   [&](const TargetCareOfAddress& o) {
                       type = targetCareOf;
                       out.u16(0);
                       out.bytes(o.address);
                   },
                   [&](const RawFlowSubOption& o) {
                       type = o.type;
                       out.bytes(o.data);
                   },
               },
               sub);
    out.patch8(start, type);
    out.patch8(start + 1, static_cast<std::uint8_t>(out.size() - start - 2));
}

void writePadding(Writer& out, std::size_t n)
{
    if (n == 1) out.u8(pad1);
    if (n < 2) return;
    out.u8(padN);
    out.u8(static_cast<std::uint8_t>(n - 2));
    out.zeros(n - 2);
}

void writeFlow(Writer& out, const FlowIdentification& option, bool aligned)
{
    const std::size_t start = out.size();
    out.u8(45);
    out.u8(0);
    out.u16(option.flow);
    out.u16(option.priority);
    out.u8(0);
    out.u8(option.status);
    for (const FlowSubOption& sub : option.subOptions) {
        const std::size_t x = aligned ? alignmentOf(sub) : 1;
        writePadding(out, (x - out.size() % x) % x);
        writeSubOption(out, sub);
    }
    out.patch8(start + 1, static_cast<std::uint8_t>(out.size() - start - 2));
}

}  // namespace

std::optional<FlowIdentification> parseFlowIdentification(FieldReader& in)
{
    const std::size_t start = in.offset();
    const std::size_t length = in.remaining();
    FlowIdentification flow;
    flow.flow = in.u16(FieldId::FlowId);
    flow.priority = in.u16(FieldId::FlowPriority);
    in.u8(FieldId::FlowReserved);
    flow.status = in.u8(FieldId::FlowStatus);
    in.note(flow.status == 0 ? "Flow binding successful; always 0 in a Binding Update" : flowStatusName(flow.status));
    if (in.texts()) in.headline(fmt::format("Flow identification {}", flow.flow));
    // An answer that refuses it names it.
    if (flow.flow == 0 && flow.status < 128) finding(in, Severity::Error, "flow identifier 0, which is reserved", "RFC 6089 §4.2", start, 2);
    while (in.remaining() > 0)
        if (!parseNext(in, flow)) return std::nullopt;
    checkOccurrences(in, flow, start, length);
    return flow;
}

FlowSummary parseFlowSummary(FieldReader& in)
{
    FlowSummary summary;
    while (in.remaining() >= 2) {
        const std::size_t start = in.offset();
        summary.flows.push_back(in.u16(FieldId::FlowSummaryId));
        if (summary.flows.back() == 0) finding(in, Severity::Error, "flow identifier 0, which is reserved", "RFC 6089 §4.3", start, 2);
    }
    return summary;
}

void emitFlowIdentification(Writer& out, const FlowIdentification& option)
{
    Writer trial;
    trial.zeros(out.size() % 8);
    const std::size_t start = trial.size();
    writeFlow(trial, option, true);
    // Where padding would make the option longer than one can be, the fields come first.
    writeFlow(out, option, trial.size() - start - 2 <= longestOption);
}

void emitFlowSummary(Writer& out, const FlowSummary& option)
{
    out.u8(44);
    out.u8(static_cast<std::uint8_t>(2 * option.flows.size()));
    for (const std::uint16_t flow : option.flows) out.u16(flow);
}

std::string_view flowStatusName(std::uint8_t status)
{
    switch (status) {
    case 0: return "Flow binding successful";
    case 128: return "Administratively prohibited";
    case 129: return "Flow binding rejected, reason unspecified";
    case 130: return "Flow identification option malformed";
    case 131: return "BID not found";
    case 132: return "FID not found";
    case 133: return "Traffic selector format not supported";
    default: return {};
    }
}

std::string_view flowActionName(std::uint8_t action)
{
    static constexpr std::string_view names[] = {"Add a flow binding",     "Delete a flow binding", "Modify a flow binding",
                                                 "Refresh a flow binding", "Move a flow binding",   "Revoke a flow binding"};
    return action >= 11 && action <= 16 ? names[action - 11] : std::string_view{};
}

}  // namespace roamscope::wire
