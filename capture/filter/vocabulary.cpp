// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/filter/vocabulary.hpp"

#include "capture/filter/lexer.hpp"
#include "capture/io/nearest_name.hpp"
#include "protocol/wire/icmpv6.hpp"
#include "protocol/wire/ipv6.hpp"
#include "protocol/wire/mobility.hpp"
#include "protocol/wire/mobility_names.hpp"
#include "protocol/wire/mobility_options.hpp"

#include <algorithm>
#include <cctype>

namespace roamscope::filter {

namespace {

using wire::FieldId;
using wire::FieldType;

constexpr std::string_view wiresharkNames[] = {
#include "capture/filter/wireshark_names.def"
};

/// A name under which fields of other names are found too: Wireshark's "either of two", and where tshark files a field of ours
/// under another name.
struct Alias {
    std::string_view name;
    std::vector<std::string_view> of;
    bool text = false;  ///< Wireshark takes the value for a text
};
const std::vector<Alias>& aliases()
{
    const auto name = [](FieldId id) { return wire::info(id).name; };
    static const std::vector<Alias> all = {
        {"ipv6.addr", {"ipv6.src", "ipv6.dst"}},
        {"ipv6.host", {"ipv6.src", "ipv6.dst"}, true},
        {"ipv6.src_host", {"ipv6.src"}, true},
        {"ipv6.dst_host", {"ipv6.dst"}, true},
        {"ip.addr", {"ip.src", "ip.dst"}},
        {"ip.host", {"ip.src", "ip.dst"}, true},
        {"ip.src_host", {"ip.src"}, true},
        {"ip.dst_host", {"ip.dst"}, true},
        {"eth.addr", {"eth.src", "eth.dst"}},
        {"udp.port", {"udp.srcport", "udp.dstport"}},
        {"tcp.port", {"tcp.srcport", "tcp.dstport"}},
        {"icmpv6.opt.linkaddr", {"icmpv6.opt.src_linkaddr", "icmpv6.opt.target_linkaddr"}},
        {"_ws.malformed", {name(FieldId::Malformed)}},
        {"_ws.short", {name(FieldId::Cut)}},
        {"mip6.bu.b_flag", {name(FieldId::BuFlagOverwrite)}},
        {"mip6.hot.token", {name(FieldId::CotToken)}},
        {"icmpv6.reserved", {name(FieldId::Icmpv6Unused)}},
        {"icmpv6.opt.reserved", {name(FieldId::PrefixReserved)}},
        {"ip.version", {"ipv6.version"}},
        {"mip6.mobility_opt", {name(FieldId::MobilityOptionType)}},
        {"mip6.mhipv6ap.ipv6_address_prefix", {name(FieldId::MobilityAddressValue)}, true},
        {"mip6.vsm.req_data", {name(FieldId::ContextData)}},
        {"mip6.vsm.data_not_dissected", {name(FieldId::ThreeGppData)}},
        {"mip6.acc_net_id.ani.unknown", {name(FieldId::AccessNetworkData)}},
        {"mip6.ie_not_dissected", {name(FieldId::MobilityOptionData)}},
        {"mip6.opt.len.invalid", {name(FieldId::MobilityOptionMisfit)}},
        {"mip6.bogus_header_length", {name(FieldId::Malformed)}},
        {"data.data", {name(FieldId::EchoData)}},
        {"data", {name(FieldId::EchoData)}},
    };
    return all;
}

ValueKind kindOf(FieldType type)
{
    switch (type) {
    case FieldType::None:
    case FieldType::Bytes: return ValueKind::Octets;
    case FieldType::Boolean: return ValueKind::Boolean;
    case FieldType::UInt:
    case FieldType::Int: return ValueKind::Number;
    case FieldType::Address: return ValueKind::Address6;
    case FieldType::Ipv4: return ValueKind::Address4;
    case FieldType::Mac: return ValueKind::Mac;
    case FieldType::Text: break;
    }
    return ValueKind::Text;
}

Layer layerOf(std::string_view name)
{
    static constexpr struct {
        std::string_view prefix;
        Layer layer;
    } prefixes[] = {{"mip6", Layer::Mobility},   {"mipv6", Layer::Mobility}, {"roamscope.mip6", Layer::Mobility}, {"icmpv6", Layer::Icmpv6}, {"roamscope.icmpv6", Layer::Icmpv6},
                    {"udp", Layer::Udp},         {"roamscope.udp", Layer::Udp}, {"roamscope.probe", Layer::Udp}, {"tcp", Layer::Tcp}, {"roamscope.tcp", Layer::Tcp},       {"esp", Layer::Esp},
                    {"ipv6", Layer::Ipv6}};
    for (const auto& p : prefixes)
        if (name.substr(0, p.prefix.size()) == p.prefix && (name.size() == p.prefix.size() || name[p.prefix.size()] == '.')) return p.layer;
    return Layer::Any;
}

/// "Echo request" as one word: EchoRequest.
std::string oneWord(std::string_view label)
{
    std::string out;
    bool start = false;
    for (const char c : label) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-') {
            start = true;
            continue;
        }
        out += start && !out.empty() ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
        start = false;
    }
    return out;
}

using NameOf = std::string_view (*)(std::uint8_t);

std::vector<Enumerator> named(NameOf nameOf, const std::vector<std::pair<std::uint8_t, std::string_view>>& abbreviations)
{
    std::vector<Enumerator> out;
    for (const auto& [value, name] : abbreviations) out.push_back({value, std::string(name), std::string(nameOf(value))});
    for (unsigned v = 0; v < 256; ++v) {
        const std::string_view label = nameOf(static_cast<std::uint8_t>(v));
        if (!label.empty()) out.push_back({v, oneWord(label), std::string(label)});
    }
    return out;
}

std::vector<Enumerator> enumeratorsOf(std::string_view name)
{
    if (name == "mip6.mhtype")
        return named(wire::mobilityName, {{0, "BRR"}, {1, "HoTI"}, {2, "CoTI"}, {3, "HoT"}, {4, "CoT"}, {5, "BU"}, {6, "BA"}, {7, "BE"}, {8, "FBU"}, {9, "FBack"},
                                          {10, "UNA"}, {10, "FNA"}, {11, "EM"}, {12, "HAS"}, {13, "HB"}, {14, "HI"}, {15, "HAck"}, {16, "BRM"}, {17, "LRI"}, {18, "LRA"},
                                          {19, "UPN"}, {20, "UPA"}, {21, "FB"}, {22, "SubQ"}, {23, "SubR"}});
    if (name == "icmpv6.type")
        return named(wire::icmpv6Name, {{1, "Unreachable"}, {133, "RS"}, {134, "RA"}, {135, "NS"}, {136, "NA"}, {143, "MLDv2"}, {144, "DHAADRequest"}, {145, "DHAADReply"},
                                        {146, "MPS"}, {147, "MPA"}, {154, "FMIPv6"}});
    if (name == "mip6.ba.status" || name == "mip6.bi.status") return named(wire::bindingStatusName, {});
    static constexpr std::pair<std::string_view, NameOf> plain[] = {
        {"mip6.be.status", wire::bindingErrorName},
        {"mip6.fback.status", wire::fastBindingStatusName},
        {"mip6.hi.code", wire::handoverInitiateCodeName},
        {"mip6.hack.code", wire::handoverAckCodeName},
        {"mip6.bri_r.trigger", wire::revocationTriggerName},
        {"mip6.bri_status", wire::revocationStatusName},
        {"mip6.lra.status", wire::localizedRoutingStatusName},
        {"mip6.dnsu.status", wire::dnsUpdateStatusName},
        {"roamscope.mip6.upa.status", wire::updateStatusName},
        {"roamscope.mip6.fb.trigger", wire::flowTriggerName},
        {"roamscope.mip6.fb.status", wire::flowBindingStatusName},
    };
    for (const auto& [field, nameOf] : plain)
        if (name == field) return named(nameOf, {});
    if (name == "roamscope.mip6.opt.type") return named(wire::mobilityOptionName, {});
    const bool next = name == "ipv6.nxt" || name == "ip.proto" || name == "mip6.proto" || name == "ah.next_header";
    if (next || (name.substr(0, 5) == "ipv6." && name.size() > 4 && name.substr(name.size() - 4) == ".nxt"))
        return named(wire::nextHeaderName, {{135, "MH"}, {60, "DSTOPTS"}, {43, "RH"}, {51, "AH"}, {44, "FRAG"}, {0, "HOPOPTS"}});
    if (name == "eth.type" || name == "vlan.etype") return {{0x86dd, "IPv6", "IPv6"}, {0x0800, "IPv4", "IPv4"}, {0x0806, "ARP", "ARP"}, {0x8100, "VLAN", "802.1Q VLAN"}};
    return {};
}

Symbol own(std::string_view name, ValueKind kind, Source source, std::string_view explanation, bool wireshark = false)
{
    Symbol s;
    s.name = name;
    s.kind = kind;
    s.source = source;
    s.wireshark = wireshark;
    s.explanation = explanation;
    return s;
}

Symbol chosen(Symbol s, std::vector<Enumerator> enumerators)
{
    s.enumerators = std::move(enumerators);
    s.closed = true;
    return s;
}

std::vector<Symbol> ownSymbols()
{
    using K = ValueKind;
    using S = Source;
    std::vector<Symbol> out = {
        own("frame", K::Octets, S::FrameItself, "The octets as they were captured.", true),
        own("frame.number", K::Number, S::Number, "Position of the frame in the capture, from 1.", true),
        own("frame.len", K::Number, S::Length, "Octets on the wire.", true),
        own("frame.cap_len", K::Number, S::CapturedLength, "Octets kept in the capture.", true),
        own("frame.time", K::AbsoluteTime, S::Time, "When the frame was captured.", true),
        own("frame.time_epoch", K::RelativeTime, S::EpochTime, "Seconds since 1970-01-01 UTC.", true),
        own("frame.time_relative", K::RelativeTime, S::RelativeTime, "Seconds since the first frame of the capture.", true),
        own("frame.interface_name", K::Text, S::LinkName, "The capture interface, in a lab the link.", true),
        own("frame.interface_id", K::Number, S::LinkNumber, "Number of the capture interface, from 0.", true),
        own("frame.link", K::Text, S::LinkName, "The capture interface, in a lab the link."),
        own("t", K::RelativeTime, S::RelativeTime, "Time of the frame since the start, as in t in [12, 14] or t >= 350ms."),
        own("node", K::Text, S::Node, "Who sent or receives the packet: a node's name, role or address; any address of a node stands for all of them."),
        own("handover", K::Number, S::Handover, "Number of the handover during which the frame was seen, from 1."),
        own("finding", K::Octets, S::Finding, "The frame has a finding: it breaks a rule or proves that one was broken."),
        own("finding.rule", K::Text, S::FindingRule, "Id of the broken rule, such as MN-BU-02."),
        own("finding.text", K::Text, S::FindingText, "What the finding says."),
        own("finding.rfc", K::Text, S::FindingRfc, "Section of the RFC that the finding rests on."),
        own("binding", K::Octets, S::Binding, "The frame made a binding, or travels to or from the care-of address of one that is alive."),
        own("binding.bid", K::Number, S::BindingId, "Binding identifier of that binding."),
        own("binding.home_address", K::Address6, S::BindingHome, "Home address of that binding; at a MAP the regional care-of address."),
        own("binding.care_of_address", K::Address6, S::BindingCareOf, "Care-of address of that binding."),
    };
    out.push_back(chosen(own("handover.kind", K::Text, S::HandoverKind, "Kind of the handover during which the frame was seen."),
                         {{0, "initial", {}}, {1, "intra-map", {}}, {2, "inter-map", {}}, {3, "home", {}}, {4, "return-home", {}},
                          {5, "path-added", "a binding identifier more"}, {6, "path-removed", "one less"}, {7, "path-switched", "one with another care-of address"}}));
    out.push_back(chosen(own("phase", K::Text, S::Phase, "Phase of a handover during which the frame was seen."),
                         {{0, "l2", "the old link is gone, the new one not yet found"},
                          {1, "md", "movement detection: waiting for a router"},
                          {2, "dad", "duplicate address detection"},
                          {3, "lbu", "registration with the MAP"},
                          {4, "ha", "registration with the home agent"}}));
    out.push_back(chosen(own("finding.severity", K::Number, S::FindingSeverity, "How grave the finding is."), {{0, "note", {}}, {1, "warning", {}}, {2, "error", {}}}));
    out.push_back(chosen(own("binding.owner", K::Text, S::BindingOwner, "Who holds that binding."), {{0, "map", {}}, {1, "ha", {}}, {2, "cn", {}}}));
    return out;
}

template <class Symbols>
auto place(Symbols& symbols, std::string_view name)
{
    return std::lower_bound(symbols.begin(), symbols.end(), name, [](const Symbol& s, std::string_view n) { return std::string_view(s.name).compare(n) < 0; });
}

}  // namespace

std::string_view kindName(ValueKind kind)
{
    switch (kind) {
    case ValueKind::Octets: return "octets";
    case ValueKind::Boolean: return "a boolean";
    case ValueKind::Number: return "a number";
    case ValueKind::Address6: return "an IPv6 address";
    case ValueKind::Address4: return "an IPv4 address";
    case ValueKind::Mac: return "a link-layer address";
    case ValueKind::Text: return "a text";
    case ValueKind::AbsoluteTime: return "a date and time";
    case ValueKind::RelativeTime: break;
    }
    return "a time in seconds";
}

Vocabulary::Vocabulary()
{
    symbols_ = ownSymbols();
    std::sort(symbols_.begin(), symbols_.end(), [](const Symbol& a, const Symbol& b) { return a.name < b.name; });
    for (std::size_t i = 0; i < wire::fieldCount(); ++i) {
        const wire::FieldInfo& info = wire::info(static_cast<FieldId>(i));
        auto at = place(symbols_, info.name);
        if (at == symbols_.end() || at->name != info.name) {
            Symbol s = own(info.name, kindOf(info.type), Source::Field, info.explanation, info.tshark);
            s.layer = layerOf(info.name);
            s.enumerators = enumeratorsOf(info.name);
            at = symbols_.insert(at, std::move(s));
        }
        if (at->source == Source::Field) at->ids.push_back(static_cast<FieldId>(i));
    }
    for (const Alias& alias : aliases()) {
        std::vector<FieldId> ids;
        const Symbol* like = nullptr;
        for (const std::string_view name : alias.of)
            if (const Symbol* s = find(name); s && !s->ids.empty()) {
                like = s;
                ids.insert(ids.end(), s->ids.begin(), s->ids.end());
            }
        if (!like) continue;
        Symbol copy = *like;
        auto at = place(symbols_, alias.name);
        if (at == symbols_.end() || at->name != alias.name) {
            copy.name = alias.name;
            copy.wireshark = true;
            copy.ids.clear();
            if (alias.text) copy.kind = ValueKind::Text;
            at = symbols_.insert(at, std::move(copy));
        }
        for (const FieldId id : ids)
            if (std::find(at->ids.begin(), at->ids.end(), id) == at->ids.end()) at->ids.push_back(id);
    }
}

const Vocabulary& Vocabulary::get()
{
    static const Vocabulary only;
    return only;
}

const Symbol* Vocabulary::find(std::string_view name) const
{
    auto at = place(symbols_, name);
    if (at != symbols_.end() && at->name == name) return &*at;
    const std::string lower = lowerCase(name);
    at = place(symbols_, lower);
    return at != symbols_.end() && at->name == lower ? &*at : nullptr;
}

std::string Vocabulary::nearest(std::string_view name) const
{
    // The last part alone tells more than the distance where somebody left the group out or took the wrong one.
    const std::string lower = lowerCase(name);
    const std::size_t dot = lower.rfind('.');
    const std::string last = dot == std::string::npos ? "." + lower : lower.substr(dot);
    std::vector<std::string_view> names;
    for (const Symbol& s : symbols_) names.push_back(s.name);
    std::string best = capture::nearestName(lower, names);
    if (!best.empty() && capture::editDistance(best, lower) <= 2) return best;
    const std::string head = lower.substr(0, lower.find('.'));
    for (const std::string_view n : names)
        if (n.size() > last.size() && n.substr(n.size() - last.size()) == last && (dot == std::string::npos || n.substr(0, head.size()) == head)) return std::string(n);
    return best;
}

bool Vocabulary::onlyWireshark(std::string_view name)
{
    return std::binary_search(std::begin(wiresharkNames), std::end(wiresharkNames), std::string_view(lowerCase(name)));
}

std::optional<std::uint8_t> mobilityOptionOf(std::string_view name)
{
    // In the order of their numbers; empty where Wireshark 4.0 has no name.
    static constexpr std::string_view names[] = {
        "pad1", "padn", "bra",   "acoa", "ni",   "bad_auth", "mnp",   "mhlla",  "mnid",  "auth",   "mseg_id", "cgapr",    "cgar",     "sign",
        "phkt", "coti", "cot",   "dnsu", "em",   "vsm",      "ssm",   "badff",  "hnp",   "hi",     "att",     "mnlli",    "lla",      "ts",
        "rc",   "ipv4ha", "ipv4aa", "natd", "ipv4coa", "grek", "mhipv6ap", "bi", "ipv4hareq", "ipv4harep", "ipv4dra", "ipv4dsm", "cr", "lmaa",
        "",     "",     "",      "",     "recap", "redir",   "load_inf", "alt_ip4", "mng", "mag_ipv6", "acc_net_id", "", "",   "dmnp"};
    const std::string lower = lowerCase(name);
    constexpr std::string_view prefix = "mip6.options.";
    if (!lower.starts_with(prefix)) return std::nullopt;
    const std::string_view option = std::string_view(lower).substr(prefix.size());
    const auto it = std::find(std::begin(names), std::end(names), option);
    if (option.empty() || it == std::end(names)) return std::nullopt;
    return static_cast<std::uint8_t>(it - std::begin(names));
}

}  // namespace roamscope::filter
