// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/filter/lexer.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <tao/pegtl.hpp>

namespace roamscope::filter {

namespace {

namespace grammar {

using namespace tao::pegtl;

struct wide : range<'\x80', '\xff'> {};  // names of nodes may be in any script
struct letter : sor<alnum, one<'_', ':'>, wide> {};
struct dot : seq<one<'.'>, not_at<one<'.'>>> {};  // two dots are a range
struct plain : seq<sor<letter, dot>, star<sor<letter, dot, one<'-'>>>> {};
struct prefix : seq<plus<sor<xdigit, one<':'>, dot>>, one<'/'>, plus<digit>, not_at<letter>> {};
struct word : sor<prefix, plain> {};

struct escape : seq<one<'\\'>, any> {};
struct raw : seq<one<'r', 'R'>, one<'"'>, star<sor<escape, not_one<'"'>>>, one<'"'>> {};
struct text : seq<one<'"'>, star<sor<escape, not_one<'"', '\\'>>>, one<'"'>> {};
struct character : seq<one<'\''>, plus<sor<escape, not_one<'\'', '\\'>>>, one<'\''>> {};
struct brackets : seq<one<'['>, star<not_one<'[', ']'>>, one<']'>> {};
struct sign : sor<TAO_PEGTL_STRING("==="), TAO_PEGTL_STRING("!=="), two<'='>, TAO_PEGTL_STRING("!="), TAO_PEGTL_STRING("~="), TAO_PEGTL_STRING(">="),
                  TAO_PEGTL_STRING("<="), two<'&'>, two<'|'>, two<'^'>, two<'.'>,
                  one<'>', '<', '&', '!', '~', '(', ')', '{', '}', ',', '+', '-', '*', '/', '%', '#', '=', '|'>> {};
struct stray : any {};
struct all : until<eof, sor<space, raw, text, character, brackets, sign, word, stray>> {};

}  // namespace grammar

struct State {
    std::string_view whole;
    std::vector<Token> found;
    std::optional<FilterError> error;

    template <class Input>
    Token& put(const Input& in, TokenKind kind)
    {
        const std::size_t column = static_cast<std::size_t>(in.begin() - whole.data());
        found.push_back({kind, column, whole.substr(column, in.size()), {}});
        return found.back();
    }
    void fail(std::size_t column, std::size_t length, std::string text, std::string suggestion = {})
    {
        if (!error) error = FilterError{column, length, std::move(text), std::move(suggestion)};
    }
};

void appendUtf8(std::string& out, std::uint32_t c)
{
    const auto put = [&](std::uint32_t octet) { out += static_cast<char>(octet); };
    if (c < 0x80) return put(c);
    if (c < 0x800) return put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
    if (c < 0x10000) return put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
    put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f)), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
}

int digitOf(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/// Reads up to `most` digits of `base` at `i`; nothing when there is none.
std::optional<std::uint32_t> digits(std::string_view s, std::size_t& i, std::size_t most, int base)
{
    std::uint32_t value = 0;
    const std::size_t start = i;
    while (i < s.size() && i - start < most && digitOf(s[i]) < base) value = value * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(digitOf(s[i++]));
    if (i == start) return {};
    return value;
}

/// What stands between the quotes, with its escapes replaced. On a wrong escape nothing, and `bad` is its place.
std::optional<std::string> unescaped(std::string_view s, std::size_t& bad)
{
    constexpr std::string_view letters = "abfnrtv'\"\\";
    constexpr std::string_view meanings = "\a\b\f\n\r\t\v'\"\\";
    std::string out;
    for (std::size_t i = 0; i < s.size();) {
        bad = i;
        if (s[i] != '\\') {
            out += s[i++];
            continue;
        }
        const char c = s[++i];
        if (const std::size_t k = letters.find(c); k != letters.npos) {
            out += meanings[k];
            ++i;
        } else if (c == 'x') {
            const auto v = digits(s, ++i, 2, 16);
            if (!v) return {};
            out += static_cast<char>(*v);
        } else if (c == 'u' || c == 'U') {
            const std::size_t wanted = c == 'u' ? 4 : 8;
            const std::size_t start = ++i;
            const auto v = digits(s, i, wanted, 16);
            if (!v || i - start != wanted || *v > 0x10ffff || (*v >= 0xd800 && *v < 0xe000)) return {};
            appendUtf8(out, *v);
        } else {
            const auto v = digits(s, i, 3, 8);
            if (!v || *v > 0xff) return {};
            out += static_cast<char>(*v);
        }
    }
    return out;
}

template <class Rule>
struct action : tao::pegtl::nothing<Rule> {};

template <TokenKind Kind>
struct keep {
    template <class Input>
    static void apply(const Input& in, State& state)
    {
        state.put(in, Kind);
    }
};
template <> struct action<grammar::word> : keep<TokenKind::Word> {};
template <> struct action<grammar::sign> : keep<TokenKind::Sign> {};
template <> struct action<grammar::brackets> : keep<TokenKind::Brackets> {};

template <> struct action<grammar::raw> {
    template <class Input>
    static void apply(const Input& in, State& state)
    {
        Token& t = state.put(in, TokenKind::String);
        t.value = t.text.substr(2, t.text.size() - 3);
    }
};

template <TokenKind Kind>
struct quoted {
    template <class Input>
    static void apply(const Input& in, State& state)
    {
        Token& t = state.put(in, Kind);
        std::size_t bad = 0;
        auto value = unescaped(t.text.substr(1, t.text.size() - 2), bad);
        if (!value) {
            state.fail(t.column + 1 + bad, std::min<std::size_t>(2, t.text.size() - 2 - bad),
                       "this escape stands for nothing; expected \\\\ \\\" \\' \\n \\t \\r, \\xNN, \\NNN (octal) or \\uNNNN");
        } else if (Kind == TokenKind::Character && value->size() != 1) {
            state.fail(t.column, t.text.size(), "single quotes hold one character, which stands for its number; a text stands in double quotes");
        } else {
            t.value = std::move(*value);
        }
    }
};
template <> struct action<grammar::text> : quoted<TokenKind::String> {};
template <> struct action<grammar::character> : quoted<TokenKind::Character> {};

template <> struct action<grammar::stray> {
    template <class Input>
    static void apply(const Input& in, State& state)
    {
        const std::size_t column = static_cast<std::size_t>(in.begin() - state.whole.data());
        const char c = *in.begin();
        if (c == '"') state.fail(column, state.whole.size() - column, "the text that begins here has no closing \"", std::string(state.whole) + '"');
        else if (c == '\'') state.fail(column, 1, "the character that begins here has no closing '");
        else if (c == '[') state.fail(column, 1, "this bracket is not closed by ]", std::string(state.whole) + ']');
        else if (c == '$') state.fail(column, 1, "references to the selected frame (${field}) are not known here; write the value");
        else state.fail(column, 1, "this character has no place in a filter");
    }
};

}  // namespace

bool sameWord(std::string_view a, std::string_view b)
{
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string lowerCase(std::string_view text)
{
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

tl::expected<std::vector<Token>, FilterError> tokens(std::string_view text)
{
    if (text.size() > longestFilter)
        return tl::unexpected(FilterError{longestFilter, text.size() - longestFilter,
                                          fmt::format("a filter has at most {} octets, this one {}; split it", longestFilter, text.size()), {}});
    State state{text, {}, {}};
    tao::pegtl::memory_input<tao::pegtl::tracking_mode::lazy> in(text.data(), text.data() + text.size(), "");
    tao::pegtl::parse<grammar::all, action>(in, state);
    if (state.error) return tl::unexpected(std::move(*state.error));
    state.found.push_back({TokenKind::End, text.size(), {}, {}});
    return std::move(state.found);
}

}  // namespace roamscope::filter
