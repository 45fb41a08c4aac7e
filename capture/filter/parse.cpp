// SPDX-License-Identifier: GPL-3.0-or-later
// Tokens to tree. Precedence as in Wireshark 4: or, xor, and, not, comparisons, &, + -, * / %. Groups, braces and arguments are
// the only recursion, to deepestNesting; everything else is a loop.
#include "capture/filter/expression.hpp"

#include <charconv>
#include <fmt/format.h>

namespace roamscope::filter {

namespace {

struct RelationWord {
    std::string_view word;
    Relation relation;
    std::optional<Quantifier> quantifier;
};
constexpr RelationWord relationWords[] = {
    {"==", Relation::Equal, Quantifier::Any},        {"eq", Relation::Equal, Quantifier::Any},
    {"any_eq", Relation::Equal, Quantifier::Any},    {"===", Relation::Equal, Quantifier::All},
    {"all_eq", Relation::Equal, Quantifier::All},    {"!=", Relation::NotEqual, Quantifier::All},
    {"ne", Relation::NotEqual, Quantifier::All},     {"all_ne", Relation::NotEqual, Quantifier::All},
    {"!==", Relation::NotEqual, Quantifier::Any},    {"any_ne", Relation::NotEqual, Quantifier::Any},
    {"~=", Relation::NotEqual, Quantifier::Any},     {">", Relation::Greater, {}},
    {"gt", Relation::Greater, {}},                   {"<", Relation::Less, {}},
    {"lt", Relation::Less, {}},                      {">=", Relation::GreaterEqual, {}},
    {"ge", Relation::GreaterEqual, {}},              {"<=", Relation::LessEqual, {}},
    {"le", Relation::LessEqual, {}},                 {"contains", Relation::Contains, {}},
    {"matches", Relation::Matches, {}},              {"~", Relation::Matches, {}},
    {"in", Relation::In, {}},
};

struct FunctionName {
    std::string_view name;
    Function function;
};
constexpr FunctionName functions[] = {{"len", Function::Len},       {"count", Function::Count}, {"upper", Function::Upper}, {"lower", Function::Lower},
                                      {"string", Function::String}, {"min", Function::Min},     {"max", Function::Max},     {"abs", Function::Abs}};

constexpr std::string_view keywords[] = {"and", "or", "xor", "not", "any", "all", "exists"};

bool isKeyword(const Token& t, std::string_view word) { return t.kind == TokenKind::Word && sameWord(t.text, word); }

const RelationWord* relationAt(const Token& t)
{
    if (t.kind != TokenKind::Word && t.kind != TokenKind::Sign) return nullptr;
    for (const RelationWord& r : relationWords)
        if (t.kind == TokenKind::Sign ? t.text == r.word : sameWord(t.text, r.word)) return &r;
    return nullptr;
}

bool isReserved(const Token& t)
{
    for (const std::string_view k : keywords)
        if (isKeyword(t, k)) return true;
    return t.kind == TokenKind::Word && relationAt(t);
}

class Parser {
public:
    Parser(std::string_view text, std::vector<Token> found) : text_(text), tokens_(std::move(found)) {}

    tl::expected<Expression, FilterError> whole()
    {
        Expression out;
        if (now().kind != TokenKind::End) {
            out = level(0);
            if (!error_ && now().kind != TokenKind::End) unexpected("and, or, or the end");
        }
        if (error_) return tl::unexpected(std::move(*error_));
        return out;
    }

    /// "low, high" of [ … ].
    bool interval(std::vector<Member>& out)
    {
        Member m{entity(), {}};
        if (!error_ && !take(",") && !take("..")) unexpected("a comma and the upper end, as in t in [12, 14]");
        if (!error_) m.high = entity();
        if (!error_ && now().kind != TokenKind::End) unexpected("the end of the bracket");
        out.push_back(std::move(m));
        return !error_;
    }
    [[nodiscard]] std::optional<FilterError>& error() { return error_; }

private:
    const Token& now() const { return tokens_[at_]; }
    const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
    void step() { at_ = std::min(at_ + 1, tokens_.size() - 1); }
    bool take(std::string_view sign)
    {
        if (!now().is(sign)) return false;
        step();
        return true;
    }

    void fail(std::size_t column, std::size_t length, std::string text, std::string suggestion = {})
    {
        if (!error_) error_ = FilterError{column, length, std::move(text), std::move(suggestion)};
        at_ = tokens_.size() - 1;
    }
    std::string instead(const Token& t, std::string_view replacement) const
    {
        std::string out(text_);
        return out.replace(t.column, t.text.size(), replacement);
    }
    void unexpected(std::string_view expected)
    {
        const Token t = now();
        if (t.kind == TokenKind::End) return fail(t.column, 0, fmt::format("the filter ends too early; expected {}", expected));
        std::string suggestion;
        if (t.is("=")) suggestion = instead(t, "==");
        else if (t.is("|")) suggestion = instead(t, "||");
        else if (t.kind == TokenKind::Word || t.kind == TokenKind::String) suggestion = instead(t, fmt::format("and {}", t.text));
        fail(t.column, t.text.size(), fmt::format("{} does not fit here; expected {}", shown(t.text), expected), t.is("=") || t.is("|") ? suggestion : std::string());
    }
    static std::string shown(std::string_view text) { return text.size() > 60 ? fmt::format("{}…", text.substr(0, 60)) : std::string(text); }

    bool deeper()
    {
        if (++depth_ <= deepestNesting) return true;
        fail(now().column, now().text.size(), fmt::format("more than {} groups inside each other; write the filter flatter", deepestNesting));
        return false;
    }

    bool takeLogic(std::size_t wanted)
    {
        static constexpr std::string_view signs[] = {"||", "^^", "&&"};
        if (!now().is(signs[wanted]) && !isKeyword(now(), keywordOf(wanted))) return false;
        step();
        return true;
    }
    static std::string_view keywordOf(std::size_t wanted) { return wanted == 0 ? "or" : wanted == 1 ? "xor" : "and"; }

    /// 0: or, 1: xor, 2: and, 3: what they join.
    Expression level(std::size_t wanted)
    {
        if (wanted == 3) return negation();
        Expression first = level(wanted + 1);
        if (error_ || !takeLogic(wanted)) return first;
        static constexpr Expression::Form forms[] = {Expression::Form::Or, Expression::Form::Xor, Expression::Form::And};
        Expression out;
        out.form = forms[wanted];
        out.parts.push_back(std::move(first));
        do out.parts.push_back(level(wanted + 1));
        while (!error_ && takeLogic(wanted));
        return out;
    }

    Expression negation()
    {
        bool negative = false;
        while (now().is("!") || isKeyword(now(), "not")) {
            negative = !negative;
            step();
        }
        Expression inner;
        if (now().is("(")) {
            if (!deeper()) return {};
            const std::size_t opened = now().column;
            step();
            inner = level(0);
            if (!error_ && now().kind == TokenKind::End) fail(opened, 1, "this parenthesis is not closed", std::string(text_) + ')');
            else if (!error_ && !take(")")) unexpected("and, or, or )");
            --depth_;
        } else {
            inner = relation();
        }
        if (!negative || error_) return inner;
        return inverted(std::move(inner));
    }

    static Expression inverted(Expression inner)
    {
        Expression out;
        out.form = Expression::Form::Not;
        out.parts.push_back(std::move(inner));
        return out;
    }
    static Expression single(Test test)
    {
        Expression out;
        out.form = Expression::Form::Test;
        out.test = std::make_unique<Test>(std::move(test));
        return out;
    }

    Expression relation()
    {
        std::optional<Quantifier> quantifier;
        const Token first = now();
        if (isKeyword(first, "any") || isKeyword(first, "all")) {
            quantifier = isKeyword(first, "any") ? Quantifier::Any : Quantifier::All;
            step();
        } else if (isKeyword(first, "exists")) {
            step();
        }
        Test test;
        test.left = arithmetic();
        test.column = now().column;
        if (error_) return {};
        const bool negative = isKeyword(now(), "not") && isKeyword(ahead(), "in");
        if (negative) step();
        const RelationWord* word = relationAt(now());
        if (!word) {
            if (quantifier) unexpected(fmt::format("a comparison, which {} needs", first.text));
            return single(std::move(test));
        }
        if (isKeyword(first, "exists")) fail(now().column, now().text.size(), "exists asks whether a field is there; leave it out to compare the value", std::string(text_.substr(0, first.column)) + std::string(text_.substr(test.left.column)));
        test.relation = word->relation;
        test.quantified = quantifier.has_value();
        test.quantifier = quantifier ? *quantifier : word->quantifier.value_or(Quantifier::Any);
        test.length = now().text.size();
        step();
        if (test.relation == Relation::In) {
            set(test);
            return negative ? inverted(single(std::move(test))) : single(std::move(test));
        }
        const std::size_t rightAt = at_;
        test.right = arithmetic();
        const RelationWord* next = error_ ? nullptr : relationAt(now());
        Expression out = single(std::move(test));
        if (!next) return out;
        return chained(std::move(out), rightAt);
    }

    /// a < b < c is a < b and b < c.
    Expression chained(Expression first, std::size_t from)
    {
        Expression all;
        all.form = Expression::Form::And;
        all.parts.push_back(std::move(first));
        while (!error_) {
            at_ = from;
            Test test;
            test.left = arithmetic();
            const RelationWord* word = relationAt(now());
            if (error_ || !word) break;
            if (word->relation >= Relation::Contains) {
                unexpected("and, or, or the end: only comparisons can be chained");
                break;
            }
            test.relation = word->relation;
            test.quantifier = word->quantifier.value_or(Quantifier::Any);
            test.column = now().column;
            test.length = now().text.size();
            step();
            from = at_;
            test.right = arithmetic();
            all.parts.push_back(single(std::move(test)));
        }
        return all;
    }

    void set(Test& test)
    {
        if (now().kind == TokenKind::Brackets) {
            const Token t = now();
            auto inner = tokens(t.text.substr(1, t.text.size() - 2));
            if (!inner) return fail(t.column + 1 + inner.error().column, inner.error().length, inner.error().text);
            for (Token& k : *inner) k.column += t.column + 1;
            Parser parser(text_, std::move(*inner));
            if (!parser.interval(test.members)) return fail(parser.error()->column, parser.error()->length, parser.error()->text);
            test.brackets = true;
            return step();
        }
        if (!now().is("{")) return unexpected("a set such as {1, 2, 5..9}, or an interval such as [12, 14]");
        const std::size_t opened = now().column;
        step();
        while (!error_ && !take("}")) {
            if (now().kind == TokenKind::End) return fail(opened, 1, "this set is not closed by }", std::string(text_) + '}');
            Member m{entity(), {}};
            if (!error_ && take("..")) m.high = entity();
            test.members.push_back(std::move(m));
            if (!error_) take(",");
        }
        if (!error_ && test.members.empty()) fail(opened, 2, "this set is empty; expected values such as {1, 2, 5..9}");
    }

    /// Operators from the weakest: &, then + and -, then * / %.
    Operand arithmetic(int strength = 0)
    {
        if (strength == 3) return entity();
        Operand left = arithmetic(strength + 1);
        std::size_t joined = 0;
        while (!error_) {
            const Token& t = now();
            const bool bitwise = strength == 0 && (t.is("&") || isKeyword(t, "bitwise_and"));
            if (!bitwise && !(strength == 1 && (t.is("+") || t.is("-"))) && !(strength == 2 && (t.is("*") || t.is("/") || t.is("%")))) break;
            if (++joined > deepestNesting) {
                fail(t.column, t.text.size(), fmt::format("more than {} operators in one value", deepestNesting));
                break;
            }
            const char sign = bitwise ? '&' : t.text[0];
            step();
            Operand right = arithmetic(strength + 1);
            left = combined(sign, std::move(left), std::move(right));
        }
        return left;
    }
    static Operand combined(char sign, Operand left, Operand right)
    {
        Operand out;
        out.form = Operand::Form::Arithmetic;
        out.sign = sign;
        out.column = left.column;
        out.length = right.column + right.length - left.column;
        out.parts.push_back(std::move(left));
        out.parts.push_back(std::move(right));
        return out;
    }

    Operand entity()
    {
        Operand out;
        const Token t = now();
        out.column = t.column;
        if (t.is("{")) return braces();
        if (t.is("-") || t.is("+")) {
            step();
            if (now().kind != TokenKind::Word) unexpected("a number");
            out.text = fmt::format("{}{}", t.is("-") ? "-" : "", now().text);
        } else if (t.kind == TokenKind::Word && !isReserved(t)) {
            if (ahead().is("(")) return call();
            out.text = t.text;
        } else if (t.kind == TokenKind::String || t.kind == TokenKind::Character) {
            out.form = t.kind == TokenKind::String ? Operand::Form::String : Operand::Form::Character;
            out.text = t.value;
        } else {
            unexpected("a field or a value");
            return out;
        }
        step();
        out.length = tokens_[at_ - 1].column + tokens_[at_ - 1].text.size() - out.column;
        trailers(out);
        return out;
    }

    Operand braces()
    {
        if (!deeper()) return {};
        const std::size_t opened = now().column;
        step();
        Operand out = arithmetic();
        if (!error_ && now().kind == TokenKind::End) fail(opened, 1, "this brace is not closed", std::string(text_) + '}');
        else if (!error_ && !take("}")) unexpected("}");
        --depth_;
        return out;
    }

    Operand call()
    {
        const Token name = now();
        Operand out;
        out.form = Operand::Form::Call;
        out.column = name.column;
        out.text = lowerCase(name.text);
        for (const FunctionName& f : functions)
            if (out.text == f.name) out.function = f.function;
        if (out.function == Function::None) {
            fail(name.column, name.text.size(), fmt::format("there is no function {}; there are len, count, upper, lower, string, min, max and abs", shown(name.text)));
            return out;
        }
        if (!deeper()) return {};
        step();
        step();
        do out.parts.push_back(arithmetic());
        while (!error_ && take(","));
        if (!error_ && !now().is(")")) unexpected("a comma or )");
        const bool many = out.function == Function::Min || out.function == Function::Max;
        if (!error_ && !many && out.parts.size() != 1) fail(name.column, name.text.size(), fmt::format("{} takes one argument", name.text));
        step();
        --depth_;
        if (!error_) out.length = tokens_[at_ - 1].column + 1 - out.column;
        trailers(out);
        return out;
    }

    /// #2, #[1-2], [0:3], [0,2-4]
    void trailers(Operand& out)
    {
        if (!error_ && now().is("#")) {
            step();
            const Token t = now();
            if (t.kind == TokenKind::Brackets) stretches(t.text.substr(1, t.text.size() - 2), t.column + 1, out.layers);
            else if (t.kind == TokenKind::Word) stretches(t.text, t.column, out.layers);
            else return unexpected("the number of a layer, as in ipv6.src#2");
            for (const Stretch& s : out.layers)
                if (s.start < 1) return fail(t.column, t.text.size(), "layers count from 1");
            step();
        }
        if (error_ || now().kind != TokenKind::Brackets) return;
        const Token t = now();
        stretches(t.text.substr(1, t.text.size() - 2), t.column + 1, out.slices);
        step();
        if (!error_) out.length = t.column + t.text.size() - out.column;
        if (!error_ && now().kind == TokenKind::Brackets) fail(now().column, now().text.size(), "one slice cannot be sliced again; join stretches with commas, as in [0:2,4]");
    }

    /// i:j (start, length), i-j (first, last), i, :j, i: – several joined by commas.
    void stretches(std::string_view s, std::size_t column, std::vector<Stretch>& out)
    {
        std::size_t i = 0;
        const auto blank = [&] {
            while (i < s.size() && (s[i] == ' ' || s[i] == '\t')) ++i;
        };
        const auto number = [&]() -> std::optional<std::int64_t> {
            blank();
            std::int32_t value = 0;
            const auto [end, result] = std::from_chars(s.data() + i, s.data() + s.size(), value);
            if (result != std::errc{}) return {};
            i = static_cast<std::size_t>(end - s.data());
            blank();
            return value;
        };
        do {
            Stretch one;
            const auto first = number();
            one.start = first.value_or(0);
            const char sign = i < s.size() ? s[i] : ',';
            if (sign == ':') {
                ++i;
                one.length = number();
                if (!first && !one.length) return badSlice(s, column);
                if (one.length && *one.length < 1) return badSlice(s, column);
            } else if (sign == '-') {
                ++i;
                one.last = number();
                if (!first || !one.last) return badSlice(s, column);
            } else {
                if (!first) return badSlice(s, column);
                one.length = 1;
            }
            out.push_back(one);
        } while (i < s.size() && s[i++] == ',');
        if (i < s.size() || (!s.empty() && s.back() == ',')) badSlice(s, column);
    }
    void badSlice(std::string_view s, std::size_t column)
    {
        fail(column, s.size(), "expected octets: [start:count], [first-last], [position], [:count] or [start:], joined by commas; counted from 0, negative ones from the end");
    }

    std::string_view text_;
    std::vector<Token> tokens_;
    std::size_t at_ = 0;
    std::size_t depth_ = 0;
    std::optional<FilterError> error_;
};

}  // namespace

tl::expected<Expression, FilterError> parse(std::string_view text)
{
    auto found = tokens(text);
    if (!found) return tl::unexpected(std::move(found.error()));
    return Parser(text, std::move(*found)).whole();
}

}  // namespace roamscope::filter
