// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/filter/evaluate.hpp"

#include "protocol/base/overloaded.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <re2/re2.h>
#include <utility>

namespace roamscope::filter {

namespace {

int sign(bool less, bool greater) { return less ? -1 : greater ? 1 : 0; }

template <std::size_t N>
int orderOf(const std::array<std::uint8_t, N>& a, const std::array<std::uint8_t, N>& b, std::size_t bits)
{
    const std::size_t whole = bits / 8;
    if (const int d = std::memcmp(a.data(), b.data(), whole); d != 0 || bits % 8 == 0) return sign(d < 0, d > 0);
    const int mask = 0xff00 >> (bits % 8) & 0xff;
    const int x = a[whole] & mask;
    const int y = b[whole] & mask;
    return sign(x < y, x > y);
}

/// A number below zero beside one that is not.
std::optional<int> orderOfNumbers(const Value& a, const Value& b)
{
    const auto ordered = [](std::int64_t x, std::uint64_t y) { return sign(std::cmp_less(x, y), std::cmp_greater(x, y)); };
    if (const auto* x = std::get_if<std::int64_t>(&a))
        if (const auto* y = std::get_if<std::uint64_t>(&b)) return ordered(*x, *y);
    if (const auto* x = std::get_if<std::uint64_t>(&a))
        if (const auto* y = std::get_if<std::int64_t>(&b)) return -ordered(*y, *x);
    return {};
}

/// Negative, 0, positive; nothing when the two are of different types.
std::optional<int> orderOf(const Value& a, const Value& b)
{
    if (a.index() != b.index()) return orderOfNumbers(a, b);
    return std::visit(Overloaded{
                          [](std::monostate) -> std::optional<int> { return {}; },
                          [&](const Block6& x) -> std::optional<int> {
                              const auto& y = *std::get_if<Block6>(&b);
                              return orderOf(x.address.octets, y.address.octets, std::min(x.length, y.length));
                          },
                          [&](const Block4& x) -> std::optional<int> {
                              const auto& y = *std::get_if<Block4>(&b);
                              return orderOf(x.address.octets, y.address.octets, std::min(x.length, y.length));
                          },
                          [&](const ByteView& x) -> std::optional<int> {
                              const auto& y = *std::get_if<ByteView>(&b);
                              const std::size_t n = std::min(x.size(), y.size());
                              const int d = n == 0 ? 0 : std::memcmp(x.data(), y.data(), n);
                              return d != 0 ? sign(d < 0, d > 0) : sign(x.size() < y.size(), x.size() > y.size());
                          },
                          [&](const auto& x) -> std::optional<int> {
                              const auto& y = *std::get_if<std::decay_t<decltype(x)>>(&b);
                              return sign(x < y, y < x);
                          },
                      },
                      a);
}

std::string_view asText(const Value& v)
{
    if (const auto* text = std::get_if<std::string_view>(&v)) return *text;
    if (const auto* octets = std::get_if<ByteView>(&v)) return {reinterpret_cast<const char*>(octets->data()), octets->size()};
    return {};
}

bool holds(const Test& t, const Value& a, const Value& b)
{
    if (t.relation == Relation::Contains) return asText(a).find(asText(b)) != std::string_view::npos;
    const std::optional<int> order = orderOf(a, b);
    switch (t.relation) {
    case Relation::Equal: return order == 0;
    case Relation::NotEqual: return order != 0;
    case Relation::Greater: return order && *order > 0;
    case Relation::Less: return order && *order < 0;
    case Relation::GreaterEqual: return order && *order >= 0;
    case Relation::LessEqual: return order && *order <= 0;
    default: return false;
    }
}

Value lengthOf(const Value& v) { return std::uint64_t{asText(v).size()}; }

std::string stringOf(const Value& v, ValueKind kind)
{
    if (const auto* number = std::get_if<std::int64_t>(&v); number && kind == ValueKind::Number) return fmt::format("{}", *number);
    return std::visit(Overloaded{
                          [](std::monostate) { return std::string(); },
                          [](std::uint64_t n) { return fmt::format("{}", n); },
                          [](std::int64_t ns) { return fmt::format("{}{}.{:09}", ns < 0 ? "-" : "", std::abs(ns / 1'000'000'000), std::abs(ns % 1'000'000'000)); },
                          [](const Block6& b) { return b.address.text(); },
                          [](const Block4& b) { return b.address.text(); },
                          [](const ByteView& b) {
                              std::string out;
                              for (const std::uint8_t octet : b) out += fmt::format("{}{:02x}", out.empty() ? "" : ":", octet);
                              return out;
                          },
                          [](std::string_view s) { return std::string(s); },
                      },
                      v);
}

/// Start and length of a stretch in `size` octets; nothing when it does not lie inside.
std::optional<std::pair<std::size_t, std::size_t>> inside(const Stretch& s, std::size_t size)
{
    const auto whole = static_cast<std::int64_t>(size);
    const std::int64_t start = s.start < 0 ? whole + s.start : s.start;
    std::int64_t length = s.length ? *s.length : whole - start;
    if (s.last) length = (*s.last < 0 ? whole + *s.last : *s.last) - start + 1;
    if (start < 0 || length < 1 || length > whole - start) return {};
    return std::pair{static_cast<std::size_t>(start), static_cast<std::size_t>(length)};
}

class Evaluator {
public:
    explicit Evaluator(Subject& subject) : subject_(subject) {}

    Verdict ask(const Expression& e)
    {
        switch (e.form) {
        case Expression::Form::Always: return Verdict::Yes;
        case Expression::Form::Not: return opposite(ask(e.parts.front()));
        case Expression::Form::And: return joined(e, Verdict::No);
        case Expression::Form::Or: return joined(e, Verdict::Yes);
        case Expression::Form::Xor: return either(e);
        case Expression::Form::Test: break;
        }
        return ask(*e.test);
    }

private:
    static Verdict opposite(Verdict v) { return v == Verdict::Yes ? Verdict::No : v == Verdict::No ? Verdict::Yes : v; }
    static Verdict verdict(bool yes) { return yes ? Verdict::Yes : Verdict::No; }

    /// One part that says `decisive` decides.
    Verdict joined(const Expression& e, Verdict decisive)
    {
        bool unknown = false;
        for (const Expression& part : e.parts) {
            const Verdict v = ask(part);
            if (v == decisive) return v;
            unknown |= v == Verdict::Unknown;
        }
        return unknown ? Verdict::Unknown : opposite(decisive);
    }
    Verdict either(const Expression& e)
    {
        bool odd = false;
        bool unknown = false;
        for (const Expression& part : e.parts) {
            const Verdict v = ask(part);
            unknown |= v == Verdict::Unknown;
            odd ^= v == Verdict::Yes;
        }
        return unknown ? Verdict::Unknown : verdict(odd);
    }

    Verdict ask(const Test& t)
    {
        if (t.relation == Relation::Exists) return exists(t.left);
        Values left;
        const bool leftKnown = values(t.left, left);
        if (leftKnown && left.size() == 0) return Verdict::No;
        if (t.relation == Relation::In) return leftKnown ? inSet(t, left) : Verdict::Unknown;
        if (t.relation == Relation::Matches) return leftKnown ? verdict(every(t, left, [&](const Value& v) { return re2::RE2::PartialMatch(piece(v), *t.pattern); })) : Verdict::Unknown;
        Values right;
        const bool rightKnown = values(*t.right, right);
        if (rightKnown && right.size() == 0) return Verdict::No;
        if (!leftKnown || !rightKnown) return Verdict::Unknown;
        const auto meets = [&](const Value& a) { return every(t, right, [&](const Value& b) { return holds(t, a, b); }); };
        return verdict(every(t, left, meets));
    }

    static re2::StringPiece piece(const Value& v)
    {
        const std::string_view s = asText(v);
        return {s.data(), s.size()};
    }

    /// Whether the test is met by any or by all values, as it asks.
    template <class Predicate>
    static bool every(const Test& t, const Values& values, Predicate meets)
    {
        const bool all = t.quantifier == Quantifier::All;
        for (std::size_t i = 0; i < values.size(); ++i)
            if (meets(values[i]) != all) return !all;
        return all;
    }

    Verdict inSet(const Test& t, const Values& left)
    {
        bool unknown = false;
        const auto meets = [&](const Value& v) {
            for (const Member& m : t.members) {
                Values low;
                Values high;
                if (!values(m.low, low) || (m.high && !values(*m.high, high))) {
                    unknown = true;
                    continue;
                }
                if (within(v, m, low, high)) return true;
            }
            return false;
        };
        const bool yes = every(t, left, meets);
        return unknown ? Verdict::Unknown : verdict(yes);
    }
    static bool within(const Value& v, const Member& m, const Values& low, const Values& high)
    {
        for (std::size_t i = 0; i < low.size(); ++i) {
            const auto above = orderOf(v, low[i]);
            if (!m.high && above == 0) return true;
            if (!m.high || !above || *above < 0) continue;
            for (std::size_t k = 0; k < high.size(); ++k)
                if (const auto below = orderOf(v, high[k]); below && *below <= 0) return true;
        }
        return false;
    }

    Verdict exists(const Operand& o)
    {
        if (o.symbol && o.slices.empty() && o.layers.empty()) return subject_.present(*o.symbol);
        Values found;
        if (!values(o, found)) return Verdict::Unknown;
        if (o.form != Operand::Form::Arithmetic) return verdict(found.size() > 0);
        for (std::size_t i = 0; i < found.size(); ++i)
            if (nonZero(found[i])) return Verdict::Yes;
        return Verdict::No;
    }
    static bool nonZero(const Value& v)
    {
        if (const auto* n = std::get_if<std::uint64_t>(&v)) return *n != 0;
        if (const auto* n = std::get_if<std::int64_t>(&v)) return *n != 0;
        if (const auto* octets = std::get_if<ByteView>(&v)) return std::any_of(octets->begin(), octets->end(), [](std::uint8_t o) { return o != 0; });
        return true;
    }

    bool values(const Operand& o, Values& out)
    {
        if (o.slices.empty()) return plain(o, out);
        Values whole;
        if (!plain(o, whole)) return false;
        for (std::size_t i = 0; i < whole.size(); ++i) slice(o, whole[i], out);
        return true;
    }

    bool plain(const Operand& o, Values& out)
    {
        if (o.symbol) return subject_.values(*o.symbol, o.layers, out);
        if (o.form == Operand::Form::Call) return call(o, out);
        if (o.form == Operand::Form::Arithmetic) return calculate(o, out);
        out.add(o.value);
        return true;
    }

    /// Nothing when a stretch lies outside.
    void slice(const Operand& o, const Value& v, Values& out)
    {
        Bytes address;
        std::string_view whole = asText(v);
        if (const auto* block = std::get_if<Block6>(&v)) whole = {reinterpret_cast<const char*>(block->address.octets.data()), 16};
        if (const auto* block = std::get_if<Block4>(&v)) whole = {reinterpret_cast<const char*>(block->address.octets.data()), 4};
        std::string taken;
        for (const Stretch& s : o.slices) {
            const auto place = inside(s, whole.size());
            if (!place) return;
            taken += whole.substr(place->first, place->second);
        }
        if (o.kind == ValueKind::Text) out.add(subject_.keep(std::move(taken)));
        else out.add(subject_.keep(Bytes(taken.begin(), taken.end())));
    }

    bool call(const Operand& o, Values& out)
    {
        if (o.function == Function::Min || o.function == Function::Max) return extreme(o, out);
        Values inner;
        if (!values(o.parts.front(), inner)) return false;
        if (o.function == Function::Count) {
            // To Wireshark a count of nothing is no value either.
            if (inner.size() > 0) out.add(std::uint64_t{inner.size()});
            return true;
        }
        for (std::size_t i = 0; i < inner.size(); ++i) out.add(applied(o, inner[i]));
        return true;
    }
    Value applied(const Operand& o, const Value& v)
    {
        const ValueKind kind = o.parts.front().kind;
        switch (o.function) {
        case Function::Len: return lengthOf(v);
        case Function::String: return subject_.keep(stringOf(v, kind));
        case Function::Lower: return subject_.keep(lowerCase(asText(v)));
        case Function::Upper: {
            std::string text(asText(v));
            for (char& c : text)
                if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
            return subject_.keep(std::move(text));
        }
        default: break;
        }
        if (const auto* ns = std::get_if<std::int64_t>(&v); ns && *ns < 0 && *ns != INT64_MIN) return -*ns;
        return v;
    }
    bool extreme(const Operand& o, Values& out)
    {
        Values all;
        for (const Operand& part : o.parts)
            if (!values(part, all)) return false;
        if (all.size() == 0) return true;
        Value best = all[0];
        for (std::size_t i = 1; i < all.size(); ++i) {
            const auto order = orderOf(all[i], best);
            if (order && (o.function == Function::Min ? *order < 0 : *order > 0)) best = all[i];
        }
        out.add(best);
        return true;
    }

    bool calculate(const Operand& o, Values& out)
    {
        Values left;
        Values right;
        if (!values(o.parts[0], left) || !values(o.parts[1], right)) return false;
        // A field many times beside another one many times would make more results than octets in the frame.
        constexpr std::size_t most = 10000;
        for (std::size_t i = 0; i < left.size(); ++i)
            for (std::size_t k = 0; k < right.size() && out.size() < most; ++k) calculate(o.sign, left[i], right[k], out);
        return true;
    }
    void calculate(char op, const Value& a, const Value& b, Values& out)
    {
        if (const auto *x = std::get_if<std::uint64_t>(&a), *y = std::get_if<std::uint64_t>(&b); x && y) return numbers(op, *x, *y, out);
        if (const auto *x = std::get_if<std::int64_t>(&a), *y = std::get_if<std::int64_t>(&b); x && y) {
            std::int64_t result = 0;
            const bool over = op == '-' ? __builtin_sub_overflow(*x, *y, &result) : __builtin_add_overflow(*x, *y, &result);
            if (!over) out.add(result);
            return;
        }
        const auto *x = std::get_if<ByteView>(&a), *y = std::get_if<ByteView>(&b);
        if (!x || !y || x->size() != y->size()) return;
        Bytes result(x->begin(), x->end());
        for (std::size_t i = 0; i < result.size(); ++i) result[i] &= (*y)[i];
        out.add(subject_.keep(std::move(result)));
    }
    /// What is below 0 or does not fit has no value.
    static void numbers(char op, std::uint64_t x, std::uint64_t y, Values& out)
    {
        std::uint64_t result = 0;
        bool over = false;
        switch (op) {
        case '&': result = x & y; break;
        case '+': over = __builtin_add_overflow(x, y, &result); break;
        case '-': over = __builtin_sub_overflow(x, y, &result); break;
        case '*': over = __builtin_mul_overflow(x, y, &result); break;
        case '/': over = y == 0, result = over ? 0 : x / y; break;
        default: over = y == 0, result = over ? 0 : x % y; break;
        }
        if (!over) out.add(result);
    }

    Subject& subject_;
};

}  // namespace

Verdict evaluate(const Expression& expression, Subject& subject) { return Evaluator(subject).ask(expression); }

}  // namespace roamscope::filter
