// SPDX-License-Identifier: GPL-3.0-or-later
// What the words of a filter mean, whether their types fit, and the values of its literals.
#include "capture/filter/expression.hpp"
#include "capture/filter/literals.hpp"
#include "capture/io/nearest_name.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <re2/re2.h>

namespace roamscope::filter {

namespace {

std::string cut(std::string_view text) { return text.size() > 60 ? fmt::format("{}…", text.substr(0, 60)) : std::string(text); }

bool constant(const Operand& o)
{
    if (o.form == Operand::Form::Call) return false;
    if (o.form != Operand::Form::Arithmetic) return o.isLiteral();
    return std::all_of(o.parts.begin(), o.parts.end(), constant);
}

class Resolver {
public:
    explicit Resolver(std::string_view text) : text_(text) {}

    std::optional<FilterError> run(Expression& e)
    {
        if (e.test) test(*e.test);
        for (Expression& part : e.parts) {
            if (error_) break;
            run(part);
        }
        return error_;
    }

private:
    void fail(const Operand& at, std::string text, std::string_view replacement = {})
    {
        if (error_) return;
        std::string suggestion;
        if (!replacement.empty()) suggestion = std::string(text_).replace(at.column, at.length, replacement);
        error_ = FilterError{at.column, at.length, std::move(text), std::move(suggestion)};
    }

    // --- words -----------------------------------------------------------------------------------------------------------

    /// Words that name something become symbols, everything else stays a literal.
    void name(Operand& o)
    {
        if (o.form == Operand::Form::Word) o.symbol = Vocabulary::get().find(o.text);
        for (Operand& part : o.parts) name(part);
    }

    void unknown(const Operand& o)
    {
        if (o.form != Operand::Form::Word) return fail(o, "a value alone is no test; expected a field in front of it and an operator");
        const std::string near = Vocabulary::get().nearest(o.text);
        const std::string question = near.empty() ? std::string("; roamscope-cli fields lists the names") : fmt::format("; did you mean {}?", near);
        if (Vocabulary::onlyWireshark(o.text)) return fail(o, fmt::format("{} is a name of Wireshark's that is not decoded here{}", cut(o.text), question), near);
        fail(o, fmt::format("no field or protocol is called {}{}", cut(o.text), question), near);
    }

    /// A field that is meant, although nothing has its name: letters around a dot.
    static bool looksLikeField(const Operand& o)
    {
        if (o.form != Operand::Form::Word || o.text.find('.') == std::string::npos || o.text.find_first_of(":/-") != std::string::npos) return false;
        return o.text[0] < '0' || o.text[0] > '9';
    }

    // --- types -----------------------------------------------------------------------------------------------------------

    /// Finds the kind of everything that is no constant.
    void type(Operand& o)
    {
        if (error_ || constant(o)) return;
        if (o.symbol) o.kind = o.symbol->kind;
        else if (o.form == Operand::Form::Call) typeCall(o);
        else if (o.form == Operand::Form::Arithmetic) typeArithmetic(o);
        if (!o.layers.empty() && (!o.symbol || o.symbol->source != Source::Field)) fail(o, "only fields of a packet have layers");
        if (o.slices.empty() || error_) return;
        if (o.kind == ValueKind::Text) return;
        const bool sliceable = o.kind == ValueKind::Octets || o.kind == ValueKind::Mac || o.kind == ValueKind::Address6 || o.kind == ValueKind::Address4;
        const bool noOctets = o.symbol && o.symbol->ofAnalysis();
        if (!sliceable || noOctets) return fail(o, fmt::format("{} is {} and has no octets to take a slice of", cut(o.text), kindName(o.kind)));
        o.kind = ValueKind::Octets;
    }

    void typeCall(Operand& o)
    {
        for (Operand& part : o.parts) {
            if (constant(part) && o.function != Function::Min && o.function != Function::Max) {
                if (looksLikeField(part) || part.form == Operand::Form::Word) return unknown(part);
                return fail(part, fmt::format("{} needs a field", o.text));
            }
            type(part);
            if (error_) return;
        }
        const ValueKind inner = o.parts.front().kind;
        switch (o.function) {
        case Function::Len:
            if (inner != ValueKind::Text && inner != ValueKind::Octets && inner != ValueKind::Mac) return fail(o.parts.front(), fmt::format("len takes octets or a text, not {}", kindName(inner)));
            o.kind = ValueKind::Number;
            break;
        case Function::Count: o.kind = ValueKind::Number; break;
        case Function::Upper:
        case Function::Lower:
            if (inner != ValueKind::Text) return fail(o.parts.front(), fmt::format("{} takes a text, not {}; string() makes one", o.text, kindName(inner)));
            o.kind = ValueKind::Text;
            break;
        case Function::String: o.kind = ValueKind::Text; break;
        case Function::Min:
        case Function::Max:
            if (constant(o.parts.front())) return fail(o.parts.front(), fmt::format("the first argument of {} must be a field", o.text));
            o.kind = inner;
            for (Operand& part : o.parts) {
                if (constant(part)) give(part, inner, o.parts.front().symbol);
                else if (!error_ && part.kind != inner) fail(part, fmt::format("{} needs arguments of one type; this one is {}, the first {}", o.text, kindName(part.kind), kindName(inner)));
            }
            break;
        case Function::Abs:
            if (inner != ValueKind::Number && inner != ValueKind::RelativeTime) return fail(o.parts.front(), fmt::format("abs takes a number, not {}", kindName(inner)));
            o.kind = inner;
            break;
        case Function::None: break;
        }
    }

    void typeArithmetic(Operand& o)
    {
        Operand& left = o.parts[0];
        Operand& right = o.parts[1];
        type(left);
        type(right);
        if (error_) return;
        if (constant(left)) give(left, right.kind, nullptr);
        if (constant(right)) give(right, left.kind, nullptr);
        if (error_) return;
        o.kind = left.kind;
        const bool numbers = left.kind == ValueKind::Number && right.kind == ValueKind::Number;
        const bool octets = o.sign == '&' && isOctets(left.kind) && isOctets(right.kind);
        const bool times = (o.sign == '+' || o.sign == '-') && left.kind == ValueKind::RelativeTime && right.kind == ValueKind::RelativeTime;
        if (octets) o.kind = ValueKind::Octets;
        if (!numbers && !octets && !times) {
            const Operand& wrong = left.kind == ValueKind::Number ? right : left;
            fail(wrong, fmt::format("{} does not work on {}", o.sign, kindName(wrong.kind)));
        }
    }

    static bool isOctets(ValueKind kind) { return kind == ValueKind::Octets || kind == ValueKind::Mac; }

    // --- literals --------------------------------------------------------------------------------------------------------

    /// Makes a constant a value of `kind`; `symbol` has the enumerators, where there is one.
    void give(Operand& o, ValueKind kind, const Symbol* symbol)
    {
        if (error_) return;
        o.kind = kind;
        if (o.form == Operand::Form::Arithmetic) {
            if (kind != ValueKind::Number && kind != ValueKind::RelativeTime && !(o.sign == '&' && isOctets(kind))) return fail(o, fmt::format("expected {}, not a calculation", kindName(kind)));
            for (Operand& part : o.parts) give(part, kind, nullptr);
            return;
        }
        if (!o.slices.empty() || !o.layers.empty()) {
            if (o.form == Operand::Form::Word) return unknown(o);
            return fail(o, "only a field can be sliced");
        }
        switch (kind) {
        case ValueKind::Number: return giveNumber(o, symbol);
        case ValueKind::Boolean:
            if (const auto v = parseBoolean(o.text)) o.value = std::uint64_t{*v ? 1u : 0u};
            else wrong(o, symbol, "1, 0, true or false");
            return;
        case ValueKind::Address6: return giveAddress6(o, symbol);
        case ValueKind::Address4:
            if (const auto v = parseBlock4(o.text)) o.value = *v;
            else wrong(o, symbol, "an IPv4 address such as 192.0.2.1, or a block such as 192.0.2.0/24");
            return;
        case ValueKind::Mac:
        case ValueKind::Octets: return giveOctets(o, kind, symbol);
        case ValueKind::Text: return giveText(o, symbol);
        case ValueKind::RelativeTime:
            if (const auto v = parseDuration(o.text)) o.value = *v;
            else wrong(o, symbol, "seconds such as 12.3, or with a unit: ns, us, ms, s, min, h");
            return;
        case ValueKind::AbsoluteTime:
            if (const auto v = parseInstant(o.text)) o.value = *v;
            else wrong(o, symbol, "a date and time such as \"2023-11-14 22:13:20.5Z\"");
            return;
        }
    }

    /// The literal is not of the type of what it is compared with.
    void wrong(const Operand& o, const Symbol* symbol, std::string_view expected)
    {
        const std::string of = symbol ? fmt::format("{} is {}; ", symbol->name, kindName(symbol->kind)) : std::string();
        if (looksLikeField(o)) {
            const std::string near = Vocabulary::get().nearest(o.text);
            return fail(o, fmt::format("{}expected {}, and no field is called {}{}", of, expected, cut(o.text), near.empty() ? "" : fmt::format("; did you mean {}?", near)), near);
        }
        fail(o, fmt::format("{}expected {} instead of {}", of, expected, o.text.empty() ? "an empty text" : cut(o.text)));
    }

    static const Enumerator* enumerator(const Symbol& symbol, std::string_view text)
    {
        for (const Enumerator& e : symbol.enumerators)
            if ((!e.name.empty() && sameWord(e.name, text)) || (!e.label.empty() && sameWord(e.label, text))) return &e;
        return nullptr;
    }

    void wrongName(const Operand& o, const Symbol& symbol)
    {
        std::vector<std::string> names;
        for (const Enumerator& e : symbol.enumerators) {
            names.push_back(lowerCase(e.name));
            if (!e.label.empty()) names.push_back(lowerCase(e.label));
        }
        std::string near = capture::nearestName(lowerCase(o.text), names);
        std::string listed;
        for (const Enumerator& e : symbol.enumerators) {
            if (sameWord(e.name, near) || (!near.empty() && sameWord(e.label, near))) near = sameWord(e.name, near) ? e.name : fmt::format("\"{}\"", e.label);
            if (listed.size() < 60) listed += fmt::format("{}{}", listed.empty() ? "" : ", ", e.name);
            else if (listed.back() != '.') listed += " ...";
        }
        const std::string_view number = symbol.kind == ValueKind::Number ? "a number or " : "";
        fail(o, fmt::format("{} has no value called {}; {}", symbol.name, o.text.empty() ? "\"\"" : cut(o.text),
                            near.empty() ? fmt::format("expected {}one of {}", number, listed) : fmt::format("did you mean {}?", near)),
             near);
    }

    void giveNumber(Operand& o, const Symbol* symbol)
    {
        if (o.form == Operand::Form::Character) {
            o.value = std::uint64_t{static_cast<unsigned char>(o.text[0])};
            return;
        }
        if (const auto v = parseNumber(o.text)) {
            o.value = *v;
            return;
        }
        if (symbol && !symbol->enumerators.empty()) {
            if (const Enumerator* e = enumerator(*symbol, o.text)) {
                o.value = e->value;
                return;
            }
            if (o.text.empty() || o.text.find_first_not_of("0123456789.-") != std::string::npos) return wrongName(o, *symbol);
        }
        const bool negative = !o.text.empty() && o.text[0] == '-';
        if (const auto v = negative ? parseNumber(std::string_view(o.text).substr(1)) : std::nullopt) {
            if (!symbol || !symbol->isSigned() || *v > std::uint64_t{INT64_MAX}) return wrong(o, symbol, "a number that is not negative");
            o.value = -static_cast<std::int64_t>(*v);
            return;
        }
        wrong(o, symbol, "a whole number (decimal, 0x…, 0b…, octal 0…)");
    }

    void giveAddress6(Operand& o, const Symbol* symbol)
    {
        if (const auto v = parseBlock6(o.text)) {
            o.value = *v;
            return;
        }
        if (parseBlock4(o.text)) return fail(o, fmt::format("{} is an IPv4 address; ip.src, ip.dst and ip.addr hold those", o.text));
        wrong(o, symbol, "an IPv6 address such as 2001:db8::1, or a prefix such as 2001:db8::/32");
    }

    void giveOctets(Operand& o, ValueKind kind, const Symbol* symbol)
    {
        if (o.form == Operand::Form::Word || kind == ValueKind::Mac) {
            const auto octets = parseOctets(o.text);
            if (!octets) return wrong(o, symbol, kind == ValueKind::Mac ? "a link-layer address such as 02:00:00:00:00:01" : "octets such as 00:11:ff, or a text in double quotes");
            o.octets = *octets;
        } else {
            o.octets.assign(o.text.begin(), o.text.end());
        }
        if (kind == ValueKind::Mac && o.octets.size() != 6) return wrong(o, symbol, "a link-layer address of six octets; for a part of one take a slice, as in eth.src[0:3]");
        o.value = ByteView(o.octets);
    }

    void giveText(Operand& o, const Symbol* symbol)
    {
        if (symbol && (symbol->source == Source::Node || symbol->closed)) {
            o.text = lowerCase(o.text);
            if (symbol->source == Source::Phase && o.text.substr(0, 2) == "t_") o.text.erase(0, 2);
            if (const auto address = Ipv6Address::parse(o.text); address && symbol->source == Source::Node) o.text = address->text();
            if (symbol->closed && checkNames_ && !enumerator(*symbol, o.text)) return wrongName(o, *symbol);
        }
        o.value = std::string_view(o.text);
    }

    // --- tests -----------------------------------------------------------------------------------------------------------

    /// Wireshark has a name for the presence of each mobility option: mip6.options.acoa. Here options have a type.
    static void spellOutOption(Test& t)
    {
        const bool plain = t.relation == Relation::Exists && t.left.form == Operand::Form::Word && t.left.slices.empty() && t.left.layers.empty();
        const auto number = plain ? mobilityOptionOf(t.left.text) : std::nullopt;
        if (!number) return;
        t.relation = Relation::Equal;
        t.column = t.left.column;
        t.length = t.left.length;
        Operand type;
        type.column = t.left.column;
        type.length = t.left.length;
        type.text = std::to_string(*number);
        t.left.text = wire::info(wire::FieldId::MobilityOptionType).name;
        t.right = std::move(type);
    }

    void test(Test& t)
    {
        spellOutOption(t);
        name(t.left);
        if (t.right) name(*t.right);
        for (Member& m : t.members) {
            name(m.low);
            if (m.high) name(*m.high);
        }
        checkNames_ = t.relation != Relation::Contains && t.relation != Relation::Matches;
        if (t.relation == Relation::Exists) return exists(t);
        if (t.relation == Relation::In) return set(t);
        preferLiteral(t.left, *t.right);
        if (constant(t.left) && (constant(*t.right) || looksLikeField(t.left))) return unknown(firstWord(t.left));
        type(t.left);
        type(*t.right);
        if (error_) return;
        if (t.relation == Relation::Contains) return contains(t);
        if (t.relation == Relation::Matches) return matches(t);
        if (constant(t.left)) give(t.left, t.right->kind, t.right->symbol);
        else if (constant(*t.right)) give(*t.right, t.left.kind, t.left.symbol);
        else if (!comparable(t.left.kind, t.right->kind)) fail(*t.right, fmt::format("{} cannot be compared with {}", kindName(t.left.kind), kindName(t.right->kind)));
        if (!error_) equality(t);
    }

    static const Operand& firstWord(const Operand& o) { return o.form == Operand::Form::Arithmetic ? firstWord(o.parts.front()) : o; }

    /// A word on the right may be called like a field and yet be a value: node == map, handover.kind == home.
    void preferLiteral(const Operand& left, Operand& right)
    {
        if (!left.symbol || !right.symbol || !right.slices.empty()) return;
        const bool value = enumerator(*left.symbol, right.text) || (left.kind == ValueKind::Text && right.symbol->kind != ValueKind::Text);
        const bool text = left.symbol->kind == ValueKind::Text && right.symbol->kind != ValueKind::Text;
        if (value || text) right.symbol = nullptr;
    }

    static bool comparable(ValueKind a, ValueKind b)
    {
        const auto family = [](ValueKind k) { return k == ValueKind::Boolean ? ValueKind::Number : k == ValueKind::Mac ? ValueKind::Octets : k; };
        return family(a) == family(b);
    }

    /// Texts of a closed set have no order.
    void equality(const Test& t)
    {
        if (t.relation == Relation::Equal || t.relation == Relation::NotEqual) return;
        for (const Operand* o : {&t.left, &*t.right}) {
            const bool unordered = o->symbol && (o->symbol->source == Source::Node || (o->symbol->closed && o->symbol->kind == ValueKind::Text));
            const bool group = o->symbol && o->symbol->ofAnalysis() && o->kind == ValueKind::Octets;
            if (unordered || group) return failAtOperator(t, fmt::format("{} has no order; expected == or !=", o->text));
        }
    }

    void failAtOperator(const Test& t, std::string text)
    {
        if (!error_) error_ = FilterError{t.column, t.length, std::move(text), {}};
    }

    void exists(Test& t)
    {
        if (constant(t.left)) return unknown(firstWord(t.left));
        type(t.left);
    }

    void set(Test& t)
    {
        if (constant(t.left)) return unknown(firstWord(t.left));
        type(t.left);
        for (Member& m : t.members) {
            member(m.low, t);
            if (m.high) member(*m.high, t);
        }
    }
    void member(Operand& o, const Test& t)
    {
        if (error_) return;
        preferLiteral(t.left, o);
        type(o);
        if (constant(o)) give(o, t.left.kind, t.left.symbol);
        else if (!error_ && !comparable(o.kind, t.left.kind)) fail(o, fmt::format("{} cannot be compared with {}", kindName(t.left.kind), kindName(o.kind)));
    }

    void contains(Test& t)
    {
        if (constant(t.left)) return unknown(t.left);
        const bool text = t.left.kind == ValueKind::Text;
        if (!text && !isOctets(t.left.kind)) {
            const bool address = t.left.kind == ValueKind::Address6 || t.left.kind == ValueKind::Address4;
            return failAtOperator(t, fmt::format("contains looks into texts and octets; {} is {}{}", cut(t.left.text), kindName(t.left.kind),
                                                 address ? ", for which == with a prefix such as 2001:db8::/32 does it" : ", for which == does it"));
        }
        const ValueKind wanted = text ? ValueKind::Text : ValueKind::Octets;
        if (constant(*t.right)) give(*t.right, wanted, text ? t.left.symbol : nullptr);
        else if (!comparable(t.right->kind, wanted)) fail(*t.right, fmt::format("expected {} instead of {}", kindName(wanted), kindName(t.right->kind)));
    }

    void matches(Test& t)
    {
        if (constant(t.left)) return unknown(t.left);
        if (t.left.kind != ValueKind::Text && t.left.kind != ValueKind::Octets) {
            if (!error_)
                error_ = FilterError{t.column, t.length, fmt::format("matches looks into texts and octets; {} is {}, string() makes a text of it", cut(t.left.text), kindName(t.left.kind)),
                                     std::string(text_).replace(t.left.column, t.left.length, fmt::format("string({})", text_.substr(t.left.column, t.left.length)))};
            return;
        }
        if (t.right->form != Operand::Form::String) return fail(*t.right, "expected a regular expression in double quotes", constant(*t.right) ? fmt::format("\"{}\"", t.right->text) : std::string());
        re2::RE2::Options options;
        options.set_case_sensitive(false);
        options.set_log_errors(false);
        options.set_max_mem(1 << 20);
        if (t.left.kind != ValueKind::Text) options.set_encoding(re2::RE2::Options::EncodingLatin1);
        auto pattern = std::make_shared<re2::RE2>(t.right->text, options);
        if (!pattern->ok()) return fail(*t.right, fmt::format("this is no regular expression that can be used: {}", pattern->error()));
        t.pattern = std::move(pattern);
        give(*t.right, ValueKind::Text, nullptr);
    }

    std::string_view text_;
    std::optional<FilterError> error_;
    bool checkNames_ = true;
};

}  // namespace

std::optional<FilterError> resolve(Expression& expression, std::string_view text) { return Resolver(text).run(expression); }

}  // namespace roamscope::filter
