// SPDX-License-Identifier: GPL-3.0-or-later
// A frame with its dissection: fields by id, octets of groups, names of its nodes.
#include "capture/filter/evaluate.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace roamscope::filter {

using wire::FieldId;
using wire::FieldNode;

namespace {

/// Groups of a protocol have a name without a dot.
bool isProtocol(FieldId id)
{
    const wire::FieldInfo& info = wire::info(id);
    return info.type == wire::FieldType::None && info.name.find('.') == std::string_view::npos;
}

/// Where these have no octets they are no field to Wireshark.
bool isNoField(const FieldNode& node)
{
    if (node.field != FieldId::MobilityPadN && node.field != FieldId::EchoData) return false;
    const auto* octets = std::get_if<Bytes>(&node.value);
    return octets && octets->empty();
}

constexpr FieldId addressFields[] = {FieldId::Ipv6Source, FieldId::Ipv6Destination, FieldId::Ipv6HomeAddress, FieldId::RoutingHomeAddress};

class FieldCollector {
public:
    void take(const Expression& e)
    {
        for (const Expression& part : e.parts) take(part);
        if (!e.test) return;
        take(e.test->left);
        if (e.test->right) take(*e.test->right);
        for (const Member& m : e.test->members) {
            take(m.low);
            if (m.high) take(*m.high);
        }
    }
    [[nodiscard]] const wire::FieldSet& result() const { return fields_; }

private:
    void take(const Operand& o)
    {
        for (const Operand& part : o.parts) take(part);
        if (!o.symbol) return;
        for (const FieldId id : o.symbol->ids) fields_.insert(id);
        if (o.symbol->ofAnalysis()) {
            for (const FieldId id : addressFields) fields_.insert(id);
            fields_.insert(FieldId::Quoted);
        }
        if (o.layers.empty()) return;
        for (std::size_t i = 0; i < wire::fieldCount(); ++i)
            if (isProtocol(static_cast<FieldId>(i))) fields_.insert(static_cast<FieldId>(i));
    }

    wire::FieldSet fields_;
};

}  // namespace

wire::FieldSet fieldsOf(const Expression& expression)
{
    FieldCollector collector;
    collector.take(expression);
    return collector.result();
}

const std::vector<FrameSubject::Occurrence>& FrameSubject::occurrences()
{
    if (std::exchange(counted_, true)) return occurrences_;
    std::vector<std::pair<FieldId, std::uint16_t>> counts;
    const auto count = [&counts](FieldId id) {
        for (auto& [field, n] : counts)
            if (field == id) return ++n;
        counts.emplace_back(id, std::uint16_t{1});
        return std::uint16_t{1};
    };
    std::uint16_t layer = 0;
    std::optional<std::uint16_t> quote;
    occurrences_.reserve(dissection_.nodes.size());
    for (const FieldNode& node : dissection_.nodes) {
        if (isNoField(node)) continue;
        if (quote && node.depth <= *quote) quote.reset();
        if (node.field == FieldId::Quoted && !quote) quote = node.depth;
        if (isProtocol(node.field)) layer = count(node.field);
        occurrences_.push_back({&node, layer, quote.has_value()});
    }
    return occurrences_;
}

ByteView FrameSubject::octets(const FieldNode& n) const
{
    const auto& buffers = dissection_.buffers;
    const ByteView all = n.buffer == 0 ? facts_.frame.bytes : n.buffer <= buffers.size() ? ByteView(buffers[n.buffer - 1u].bytes) : ByteView();
    const std::size_t start = std::min<std::size_t>(n.offset, all.size());
    return all.subspan(start, std::min<std::size_t>(n.length, all.size() - start));
}

Verdict FrameSubject::present(const Symbol& symbol)
{
    if (symbol.source == Source::FrameItself) return Verdict::Yes;
    if (symbol.source == Source::Field) {
        const auto& nodes = dissection_.nodes;
        const auto wanted = [&](const FieldNode& node) { return std::find(symbol.ids.begin(), symbol.ids.end(), node.field) != symbol.ids.end() && !isNoField(node); };
        const bool found = std::any_of(nodes.begin(), nodes.end(), wanted);
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
    const auto& all = occurrences();
    for (const FieldId id : symbol.ids) {
        for (const Occurrence& place : all) {
            if (place.node->field != id || !wanted(layers, place.layer)) continue;
            const wire::FieldValue& v = place.node->value;
            if (const auto* n = std::get_if<std::uint64_t>(&v)) out.add(*n);
            else if (const auto* s = std::get_if<std::int64_t>(&v)) out.add(*s < 0 ? Value(*s) : Value(static_cast<std::uint64_t>(*s)));
            else if (symbol.kind == ValueKind::Text && !std::holds_alternative<std::string>(v)) out.add(keep(wire::valueText(*place.node)));
            else if (const auto* a6 = std::get_if<Ipv6Address>(&v)) out.add(Block6{*a6, 128});
            else if (const auto* a4 = std::get_if<Ipv4Address>(&v)) out.add(Block4{*a4, 32});
            else if (const auto* mac = std::get_if<Mac>(&v)) out.add(ByteView(mac->octets));
            else if (const auto* octets = std::get_if<Bytes>(&v)) out.add(ByteView(*octets));
            else if (const auto* text = std::get_if<std::string>(&v)) out.add(std::string_view(*text));
            else out.add(this->octets(*place.node));
        }
    }
}

std::vector<Ipv6Address> FrameSubject::addresses()
{
    std::vector<Ipv6Address> out;
    const auto& all = occurrences();
    for (const FieldId id : addressFields) {
        for (const Occurrence& place : all) {
            const auto* address = place.quoted || place.node->field != id ? nullptr : std::get_if<Ipv6Address>(&place.node->value);
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
