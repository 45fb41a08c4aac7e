// SPDX-License-Identifier: GPL-3.0-or-later
// A filter in the words of Wireshark 4.0: enumerators become numbers, durations seconds, intervals two comparisons.
#include "capture/filter/expression.hpp"
#include "capture/filter/filter_node.hpp"
#include "capture/filter/literals.hpp"

#include <fmt/format.h>

namespace roamscope::filter {

namespace {

std::string quoted(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') out += fmt::format("\\{}", c);
        else if (octet < 0x20 || octet == 0x7f) out += fmt::format("\\x{:02x}", octet);
        else out += c;
    }
    return out + '"';
}

class Writer {
public:
    [[nodiscard]] std::optional<FilterError>& error() { return error_; }

    /// `inside` a stronger operator, a weaker one needs parentheses.
    std::string expression(const Expression& e, bool inside)
    {
        switch (e.form) {
        case Expression::Form::Always: return {};
        case Expression::Form::Not: return fmt::format("!({})", expression(e.parts.front(), false));
        case Expression::Form::And: return joined(e, " && ", inside);
        case Expression::Form::Or: return joined(e, " || ", inside);
        case Expression::Form::Xor: fail(0, 0, "Wireshark has no exclusive or (xor, ^^)"); return {};
        case Expression::Form::Test: break;
        }
        return test(*e.test, inside);
    }

private:
    void fail(std::size_t column, std::size_t length, std::string text)
    {
        if (!error_) error_ = FilterError{column, length, std::move(text), {}};
    }

    std::string joined(const Expression& e, std::string_view sign, bool inside)
    {
        std::string out;
        for (const Expression& part : e.parts) out += fmt::format("{}{}", out.empty() ? std::string_view() : sign, expression(part, true));
        return inside ? fmt::format("({})", out) : out;
    }

    std::string test(const Test& t, bool inside)
    {
        if (t.left.symbol && t.left.symbol->source == Source::Node) return node(t);
        if (t.relation == Relation::Exists) return operand(t.left);
        const std::string prefix = t.quantified ? (t.quantifier == Quantifier::All ? "all " : "any ") : "";
        if (t.relation == Relation::In) return prefix + set(t, inside);
        // Wireshark wants the field on the left.
        if (t.left.isLiteral()) return fmt::format("{}{} {} {}", prefix, operand(*t.right), sign(t, true), operand(t.left));
        return fmt::format("{}{} {} {}", prefix, operand(t.left), sign(t, false), operand(*t.right));
    }

    static std::string_view sign(const Test& t, bool mirrored)
    {
        const bool any = t.quantifier == Quantifier::Any;
        switch (t.relation) {
        case Relation::Equal: return t.quantified || any ? "==" : "===";
        case Relation::NotEqual: return t.quantified || !any ? "!=" : "!==";
        case Relation::Greater: return mirrored ? "<" : ">";
        case Relation::Less: return mirrored ? ">" : "<";
        case Relation::GreaterEqual: return mirrored ? "<=" : ">=";
        case Relation::LessEqual: return mirrored ? ">=" : "<=";
        case Relation::Contains: return "contains";
        default: return "matches";
        }
    }

    std::string set(const Test& t, bool inside)
    {
        const std::string left = operand(t.left);
        if (t.brackets) {
            const std::string both = fmt::format("{} >= {} && {} <= {}", left, operand(t.members[0].low), left, operand(*t.members[0].high));
            return inside ? fmt::format("({})", both) : both;
        }
        std::string members;
        for (const Member& m : t.members) {
            members += fmt::format("{}{}", members.empty() ? "" : ", ", operand(m.low));
            if (m.high) members += fmt::format(" .. {}", operand(*m.high));
        }
        return fmt::format("{} in {{{}}}", left, members);
    }

    /// Names of nodes are ours, addresses are everybody's.
    std::string node(const Test& t)
    {
        const bool address = t.relation == Relation::Equal && t.right && t.right->isLiteral() && Ipv6Address::parse(t.right->text);
        if (address) return fmt::format("ipv6.addr == {}", t.right->text);
        fail(t.left.column, t.left.length, "Wireshark knows no names of nodes; compare ipv6.addr with an address");
        return {};
    }

    std::string operand(const Operand& o)
    {
        std::string out;
        if (o.symbol) out = symbol(o);
        else if (o.form == Operand::Form::Call) out = call(o);
        else if (o.form == Operand::Form::Arithmetic) out = arithmetic(o);
        else out = literal(o);
        if (!o.layers.empty()) out += fmt::format("#[{}]", stretches(o.layers));
        if (!o.slices.empty()) out += fmt::format("[{}]", stretches(o.slices));
        return out;
    }

    std::string symbol(const Operand& o)
    {
        const Symbol& s = *o.symbol;
        if (s.wireshark) return s.name;
        if (s.source == Source::RelativeTime) return "frame.time_relative";
        if (s.source == Source::LinkName) return "frame.interface_name";
        fail(o.column, o.length, fmt::format("Wireshark has nothing like {}", s.name));
        return {};
    }

    std::string call(const Operand& o)
    {
        std::string arguments;
        for (const Operand& part : o.parts) arguments += fmt::format("{}{}", arguments.empty() ? "" : ", ", operand(part));
        return fmt::format("{}({})", o.text, arguments);
    }

    std::string arithmetic(const Operand& o)
    {
        const auto part = [&](const Operand& p) { return p.form == Operand::Form::Arithmetic ? fmt::format("{{{}}}", operand(p)) : operand(p); };
        return fmt::format("{} {} {}", part(o.parts[0]), o.sign, part(o.parts[1]));
    }

    static std::string stretches(const std::vector<Stretch>& all)
    {
        std::string out;
        for (const Stretch& s : all) {
            if (!out.empty()) out += ',';
            if (s.last) out += fmt::format("{}-{}", s.start, *s.last);
            else if (!s.length) out += fmt::format("{}:", s.start);
            else out += fmt::format("{}:{}", s.start, *s.length);
        }
        return out;
    }

    static std::string literal(const Operand& o)
    {
        switch (o.kind) {
        case ValueKind::Number: {
            if (const auto* below = std::get_if<std::int64_t>(&o.value)) return fmt::format("{}", *below);
            const auto* n = std::get_if<std::uint64_t>(&o.value);
            return o.form == Operand::Form::Word && parseNumber(o.text) ? o.text : fmt::format("{}", n ? *n : 0);
        }
        case ValueKind::Boolean: {
            const auto* n = std::get_if<std::uint64_t>(&o.value);
            return n && *n != 0 ? "1" : "0";
        }
        case ValueKind::RelativeTime: {
            const auto* v = std::get_if<std::int64_t>(&o.value);
            const std::int64_t ns = v ? *v : 0;
            const std::uint64_t magnitude = ns < 0 ? 0 - static_cast<std::uint64_t>(ns) : static_cast<std::uint64_t>(ns);
            std::string out = fmt::format("{}{}.{:09}", ns < 0 ? "-" : "", magnitude / 1'000'000'000, magnitude % 1'000'000'000);
            out.erase(out.find_last_not_of('0') + 1);
            if (out.back() == '.') out.pop_back();
            return out;
        }
        case ValueKind::Address6:
        case ValueKind::Address4: return o.text;
        case ValueKind::Mac:
        case ValueKind::Octets: return o.form == Operand::Form::Word || o.kind == ValueKind::Mac ? o.text : quoted(o.text);
        case ValueKind::Text:
        case ValueKind::AbsoluteTime: break;
        }
        return quoted(o.text);
    }

    std::optional<FilterError> error_;
};

}  // namespace

tl::expected<std::string, FilterError> Filter::asWireshark() const
{
    Writer writer;
    std::string out = writer.expression(root_->expression, false);
    if (writer.error()) return tl::unexpected(std::move(*writer.error()));
    return out;
}

}  // namespace roamscope::filter
