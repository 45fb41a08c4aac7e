// SPDX-License-Identifier: GPL-3.0-or-later
// A frame with its dissection: fields by id, octets of groups, names of its nodes.
#include "capture/filter/evaluate.hpp"

#include <algorithm>
#include <optional>

namespace roamscope::filter {

using wire::FieldId;
using wire::FieldNode;

/// The nodes of a frame by field, in reading order.
class FrameSubject::Occurrences {
public:
    struct Place {
        const FieldNode* node;
        std::uint32_t next;
        std::uint16_t layer;  ///< the how-many-th of its protocol, from 1
        bool quoted;          ///< stands in a packet that an ICMPv6 message quotes
    };
    static constexpr std::uint32_t none = 0xffffffff;

    Occurrences(const wire::Dissection& dissection, ByteView frame) : dissection_(dissection), frame_(frame), first_(wire::fieldCount(), none)
    {
        std::vector<std::uint32_t> last(wire::fieldCount(), none);
        std::uint16_t layer = 0;
        std::optional<std::uint16_t> quote;
        places_.reserve(dissection.nodes.size());
        for (const FieldNode& node : dissection.nodes) {
            const auto id = static_cast<std::size_t>(node.field);
            const auto* octets = std::get_if<Bytes>(&node.value);
            // Where these have no octets they are no field to Wireshark.
            if ((node.field == FieldId::MobilityPadN || node.field == FieldId::EchoData) && octets && octets->empty()) continue;
            if (quote && node.depth <= *quote) quote.reset();
            if (node.field == FieldId::Quoted && !quote) quote = node.depth;
            if (isProtocol(node.field)) layer = count(node.field);
            const auto here = static_cast<std::uint32_t>(places_.size());
            places_.push_back({&node, none, layer, quote.has_value()});
            if (last[id] == none) first_[id] = here;
            else places_[last[id]].next = here;
            last[id] = here;
        }
    }

    [[nodiscard]] std::uint32_t first(FieldId id) const { return first_[static_cast<std::size_t>(id)]; }
    [[nodiscard]] const Place& operator[](std::uint32_t i) const { return places_[i]; }

    [[nodiscard]] ByteView octets(const FieldNode& n) const
    {
        const ByteView all = n.buffer == 0 ? frame_ : n.buffer <= dissection_.buffers.size() ? ByteView(dissection_.buffers[n.buffer - 1u].bytes) : ByteView();
        const std::size_t start = std::min<std::size_t>(n.offset, all.size());
        return all.subspan(start, std::min<std::size_t>(n.length, all.size() - start));
    }

private:
    /// Groups of a protocol have a name without a dot.
    static bool isProtocol(FieldId id)
    {
        const wire::FieldInfo& info = wire::info(id);
        return info.type == wire::FieldType::None && info.name.find('.') == std::string_view::npos;
    }
    std::uint16_t count(FieldId id)
    {
        for (auto& [field, n] : layers_)
            if (field == id) return ++n;
        layers_.emplace_back(id, std::uint16_t{1});
        return 1;
    }

    const wire::Dissection& dissection_;
    ByteView frame_;
    std::vector<std::uint32_t> first_;
    std::vector<Place> places_;
    std::vector<std::pair<FieldId, std::uint16_t>> layers_;  ///< how many there were of each protocol
};

FrameSubject::FrameSubject(const FrameFacts& facts) : facts_(facts) {}
FrameSubject::~FrameSubject() = default;

const FrameSubject::Occurrences& FrameSubject::occurrences()
{
    static const wire::Dissection empty;
    if (!occurrences_) occurrences_ = std::make_unique<Occurrences>(facts_.dissection ? *facts_.dissection : empty, facts_.frame.bytes);
    return *occurrences_;
}

Verdict FrameSubject::present(const Symbol& symbol)
{
    if (symbol.source == Source::FrameItself) return Verdict::Yes;
    if (symbol.source == Source::Field) {
        const Occurrences& all = occurrences();
        const bool found = std::any_of(symbol.ids.begin(), symbol.ids.end(), [&](FieldId id) { return all.first(id) != Occurrences::none; });
        return found ? Verdict::Yes : Verdict::No;
    }
    Values found;
    return values(symbol, {}, found) && found.size() > 0 ? Verdict::Yes : Verdict::No;
}

namespace {

bool wanted(const std::vector<Stretch>& layers, std::int64_t layer)
{
    if (layers.empty()) return true;
    return std::any_of(layers.begin(), layers.end(), [&](const Stretch& s) {
        if (layer < s.start) return false;
        if (s.last) return layer <= *s.last;
        return !s.length || layer - s.start < *s.length;
    });
}

}  // namespace

void FrameSubject::fields(const Symbol& symbol, const std::vector<Stretch>& layers, Values& out)
{
    const Occurrences& all = occurrences();
    for (const FieldId id : symbol.ids) {
        for (std::uint32_t i = all.first(id); i != Occurrences::none; i = all[i].next) {
            const auto& place = all[i];
            if (!wanted(layers, place.layer)) continue;
            const wire::FieldValue& v = place.node->value;
            if (const auto* n = std::get_if<std::uint64_t>(&v)) out.add(*n);
            else if (symbol.kind == ValueKind::Text && !std::holds_alternative<std::string>(v)) out.add(keep(wire::valueText(*place.node)));
            else if (const auto* a6 = std::get_if<Ipv6Address>(&v)) out.add(Block6{*a6, 128});
            else if (const auto* a4 = std::get_if<Ipv4Address>(&v)) out.add(Block4{*a4, 32});
            else if (const auto* mac = std::get_if<Mac>(&v)) out.add(ByteView(mac->octets));
            else if (const auto* octets = std::get_if<Bytes>(&v)) out.add(ByteView(*octets));
            else if (const auto* text = std::get_if<std::string>(&v)) out.add(std::string_view(*text));
            else out.add(all.octets(*place.node));
        }
    }
}

std::vector<Ipv6Address> FrameSubject::addresses()
{
    std::vector<Ipv6Address> out;
    const Occurrences& all = occurrences();
    for (const FieldId id : {FieldId::Ipv6Source, FieldId::Ipv6Destination, FieldId::Ipv6HomeAddress, FieldId::RoutingHomeAddress}) {
        for (std::uint32_t i = all.first(id); i != Occurrences::none; i = all[i].next) {
            const auto* address = all[i].quoted ? nullptr : std::get_if<Ipv6Address>(&all[i].node->value);
            if (address && std::find(out.begin(), out.end(), *address) == out.end()) out.push_back(*address);
        }
    }
    return out;
}

bool FrameSubject::values(const Symbol& symbol, const std::vector<Stretch>& layers, Values& out)
{
    const std::int64_t time = toNanoseconds(facts_.frame.time);
    switch (symbol.source) {
    case Source::Field: fields(symbol, layers, out); break;
    case Source::FrameItself: out.add(facts_.frame.bytes); break;
    case Source::Number: out.add(std::uint64_t{facts_.number}); break;
    case Source::Length: out.add(std::uint64_t{facts_.frame.originalLength}); break;
    case Source::CapturedLength: out.add(std::uint64_t{facts_.frame.bytes.size()}); break;
    case Source::Time:
    case Source::EpochTime: {
        std::int64_t utc = 0;
        if (!__builtin_add_overflow(facts_.startUtc, time, &utc)) out.add(utc);
        break;
    }
    case Source::RelativeTime: out.add(time); break;
    case Source::LinkName:
        if (facts_.link && !facts_.link->name.empty()) out.add(std::string_view(facts_.link->name));
        break;
    case Source::LinkNumber: out.add(std::uint64_t{facts_.frame.link}); break;
    default: analysisValues(symbol, facts_, addresses(), *this, out);
    }
    return true;
}

}  // namespace roamscope::filter
