// SPDX-License-Identifier: GPL-3.0-or-later
// What may stand at the cursor: a field, an operator of the field's type, or a value.
#include "capture/filter/expression.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace roamscope::filter {

namespace {

constexpr std::size_t most = 100;

bool inWord(char c)
{
    const auto o = static_cast<unsigned char>(c);
    return (o >= '0' && o <= '9') || (o >= 'a' && o <= 'z') || (o >= 'A' && o <= 'Z') || o >= 0x80 || c == '_' || c == '.' || c == ':' || c == '-' || c == '/';
}

bool isOneOf(const Token& t, std::initializer_list<std::string_view> words)
{
    if (t.kind != TokenKind::Word && t.kind != TokenKind::Sign) return false;
    return std::any_of(words.begin(), words.end(), [&](std::string_view w) { return sameWord(t.text, w); });
}

bool joins(const Token& t) { return isOneOf(t, {"&&", "||", "^^", "and", "or", "xor", "not", "!", "(", "any", "all", "exists"}); }
bool relates(const Token& t)
{
    return isOneOf(t, {"==", "!=", "===", "!==", "~=", ">", "<", ">=", "<=", "eq", "ne", "gt", "lt", "ge", "le", "any_eq", "all_eq", "any_ne", "all_ne", "contains", "matches", "~", "in", "&"});
}

enum class Expected : std::uint8_t { Field, Operator, Value, Joint, Nothing };

struct Context {
    Expected expected = Expected::Field;
    const Symbol* symbol = nullptr;  ///< that the operator or value belongs to
    bool contains = false;           ///< the value is a part, not a whole
};

/// The field to the left of the operator at `at`.
const Symbol* fieldBefore(const std::vector<Token>& tokens, std::size_t at)
{
    while (at > 0 && (tokens[at - 1].kind == TokenKind::Brackets || isOneOf(tokens[at - 1], {"not"}))) --at;
    return at > 0 && tokens[at - 1].kind == TokenKind::Word ? Vocabulary::get().find(tokens[at - 1].text) : nullptr;
}

Context contextAfter(const std::vector<Token>& tokens)
{
    std::size_t n = tokens.size() - 1;  // without the end
    if (n == 0 || joins(tokens[n - 1])) return {};
    const Token& last = tokens[n - 1];
    if (isOneOf(last, {"{", ",", ".."})) {
        while (n > 0 && !tokens[n - 1].is("{")) --n;
        if (n < 2 || !isOneOf(tokens[n - 2], {"in"})) return {Expected::Nothing, nullptr, false};
        return {Expected::Value, fieldBefore(tokens, n - 2), false};
    }
    if (relates(last)) return {Expected::Value, fieldBefore(tokens, n - 1), isOneOf(last, {"contains", "matches", "~"})};
    const bool brackets = last.kind == TokenKind::Brackets && n > 1;
    const Token& word = tokens[brackets ? n - 2 : n - 1];
    const std::size_t at = brackets ? n - 2 : n - 1;
    if (at > 0 && relates(tokens[at - 1])) return {Expected::Joint, nullptr, false};
    if (word.kind == TokenKind::Word)
        if (const Symbol* s = Vocabulary::get().find(word.text)) return {Expected::Operator, s, false};
    return {last.is(")") || last.is("}") || last.kind == TokenKind::String || last.kind == TokenKind::Brackets ? Expected::Joint : Expected::Nothing, nullptr, false};
}

class Proposals {
public:
    Proposals(std::size_t from, std::string_view written) : from_(from), written_(lowerCase(written)) {}

    void fields()
    {
        const auto& all = Vocabulary::get().symbols();
        for (const bool atStart : {true, false})
            for (const bool own : {true, false})
                for (const Symbol& s : all) {
                    const std::size_t place = s.name.find(written_);
                    if ((s.source != Source::Field) == own && place != std::string::npos && (place == 0) == atStart) add(s.name, fmt::format("{}: {}", typeOf(s), s.explanation));
                }
    }

    void operators(const Symbol& s)
    {
        const ValueKind k = s.kind;
        const bool text = k == ValueKind::Text;
        const bool octets = k == ValueKind::Octets || k == ValueKind::Mac;
        const bool group = octets && (s.ofAnalysis() || (s.source == Source::Field && wire::info(s.ids.front()).type == wire::FieldType::None && s.ofAnalysis()));
        const bool ordered = !s.closed && s.source != Source::Node && !group && k != ValueKind::Boolean;
        if (!group) {
            offer("==", "is");
            offer("!=", "is there and is not, in none of its places");
        }
        if (ordered || s.source == Source::FindingSeverity) {
            offer(">", "greater than");
            offer(">=", "greater than or equal");
            offer("<", "less than");
            offer("<=", "less than or equal");
        }
        if (!group) offer("in", k == ValueKind::RelativeTime ? "is one of {1, 5 .. 9}, or lies in [12, 14]" : "is one of {…}");
        if (text || (octets && !group)) offer("contains", text ? "has the text in it" : "has the octets in it");
        if (text || (k == ValueKind::Octets && !group)) offer("matches", "meets a regular expression in double quotes");
        if (k == ValueKind::Number) offer("&", "has one of the bits");
        joints();
    }

    void joints()
    {
        offer("&&", "and");
        offer("||", "or");
    }

    /// Values that have names, those that were seen first, then what else was seen.
    void values(const Symbol& s, bool part, bool open, const SeenValues& seen)
    {
        std::vector<SeenValue> met;
        if (seen)
            for (const wire::FieldId id : s.ids)
                for (SeenValue& v : seen(id)) met.push_back(std::move(v));
        if (s.kind == ValueKind::Boolean)
            for (const char* v : {"1", "0"}) value(v, withCount(v[0] == '1' ? "set" : "not set", timesOf(met, v)), false);
        if (!part) enumerators(s, open, met);
        for (const SeenValue& v : met)
            if (!isNamed(s, v.text) || part) value(v.text, withCount({}, v.count), open || s.kind == ValueKind::Text);
    }

    std::vector<Completion> take() { return std::move(out_); }

private:
    void enumerators(const Symbol& s, bool open, const std::vector<SeenValue>& met)
    {
        std::vector<std::pair<std::size_t, const Enumerator*>> all;
        for (const Enumerator& e : s.enumerators) all.emplace_back(timesOf(met, fmt::format("{}", e.value)), &e);
        std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
        std::set<std::uint64_t> proposed;
        for (const auto& [times, e] : all) {
            // Before a letter is typed one name for each value is enough: its first, the short one.
            if (written_.empty() && !(open ? e->label : e->name).empty() && !proposed.insert(e->value).second) continue;
            const std::string number = s.kind == ValueKind::Number ? fmt::format("{}", e->value) : std::string();
            if (open && !e->label.empty()) value(e->label, withCount(number, times), true);
            else if (!open && !e->name.empty()) value(e->name, withCount(fmt::format("{}{}{}", number, !number.empty() && !e->label.empty() ? ", " : "", e->label), times), false);
        }
    }

    /// Whether a number is proposed under a name.
    static bool isNamed(const Symbol& s, std::string_view number)
    {
        if (s.kind == ValueKind::Boolean) return number == "1" || number == "0";
        return std::any_of(s.enumerators.begin(), s.enumerators.end(), [&](const Enumerator& e) { return !e.name.empty() && fmt::format("{}", e.value) == number; });
    }
    static std::size_t timesOf(const std::vector<SeenValue>& met, std::string_view text)
    {
        std::size_t times = 0;
        for (const SeenValue& v : met)
            if (v.text == text) times += v.count;
        return times;
    }
    static std::string withCount(std::string_view meaning, std::size_t times)
    {
        if (times == 0) return std::string(meaning);
        return fmt::format("{}{}seen {} time{}", meaning, meaning.empty() ? "" : ", ", times, times == 1 ? "" : "s");
    }
    static std::string_view typeOf(const Symbol& s)
    {
        const bool group = s.ofAnalysis() ? s.kind == ValueKind::Octets : s.source == Source::Field && wire::info(s.ids.front()).type == wire::FieldType::None;
        return group ? std::string_view("group") : kindName(s.kind);
    }

    void add(std::string insert, std::string explanation)
    {
        const bool known = std::any_of(out_.begin(), out_.end(), [&](const Completion& c) { return c.insert == insert; });
        if (out_.size() < most && !known) out_.push_back({std::move(insert), std::move(explanation), from_});
    }
    void offer(std::string_view word, std::string_view explanation)
    {
        if (word.substr(0, written_.size()) == written_) add(std::string(word), std::string(explanation));
    }
    void value(std::string_view text, std::string explanation, bool inQuotes)
    {
        if (lowerCase(text).find(written_) == std::string::npos) return;
        if (!inQuotes) return add(std::string(text), std::move(explanation));
        std::string insert = "\"";
        for (const char c : text) {
            if (c == '"' || c == '\\') insert += '\\';
            insert += c;
        }
        add(insert + '"', std::move(explanation));
    }

    std::size_t from_;
    std::string written_;
    std::vector<Completion> out_;
};

/// Place of a quote that is open at the end of the text.
std::optional<std::size_t> openQuote(std::string_view text)
{
    std::optional<std::size_t> open;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (open && text[i] == '\\') ++i;
        else if (text[i] == '"') open = open ? std::nullopt : std::optional(i);
    }
    return open;
}

}  // namespace

std::vector<Completion> complete(std::string_view text, std::size_t cursor, const SeenValues& seen)
{
    const std::string_view before = text.substr(0, cursor);
    const auto quote = openQuote(before);
    std::size_t from = quote.value_or(before.size());
    while (!quote && from > 0 && inWord(before[from - 1]) && !(before[from - 1] == '.' && from > 1 && before[from - 2] == '.')) --from;
    // Operators are signs; one that is being typed is replaced as a whole.
    const auto found = tokens(before.substr(0, from));
    if (!found) return {};
    const Context context = contextAfter(*found);
    Proposals out(from, quote ? before.substr(*quote + 1) : before.substr(from));
    switch (context.expected) {
    case Expected::Field:
        if (!quote) out.fields();
        break;
    case Expected::Operator: out.operators(*context.symbol); break;
    case Expected::Value:
        if (context.symbol) out.values(*context.symbol, context.contains, quote.has_value(), seen);
        break;
    case Expected::Joint: out.joints(); break;
    case Expected::Nothing: break;
    }
    return out.take();
}

}  // namespace roamscope::filter
