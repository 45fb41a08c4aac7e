// SPDX-License-Identifier: GPL-3.0-or-later
// The tree of a filter. parse() makes it from the text; resolve() finds what its words mean, checks types and turns literals into
// values, in place. Inner form of the filter library.
#pragma once

#include "capture/filter/lexer.hpp"
#include "capture/filter/vocabulary.hpp"

#include <optional>
#include <variant>

namespace re2 {
class RE2;
}

namespace roamscope::filter {

/// An address with how many of its bits count.
struct Block6 {
    Ipv6Address address;
    std::uint8_t length = 128;
};
struct Block4 {
    Ipv4Address address;
    std::uint8_t length = 32;
};

/// What is compared. Octets and text are views into the filter, the frame or the evaluator. Times are nanoseconds.
using Value = std::variant<std::monostate, std::uint64_t, std::int64_t, Block6, Block4, ByteView, std::string_view>;

/// Part of [ … ]: negative numbers count from the end; no `end`: to the end.
struct Stretch {
    std::int64_t start = 0;
    std::optional<std::int64_t> length;  ///< octets; may follow from `last`
    std::optional<std::int64_t> last;    ///< inclusive
};

enum class Function : std::uint8_t { None, Len, Count, Upper, Lower, String, Min, Max, Abs };

struct Operand {
    enum class Form : std::uint8_t { Word, String, Character, Call, Arithmetic };
    Form form = Form::Word;
    std::size_t column = 0;
    std::size_t length = 0;
    std::string text;               ///< the word, or what the quotes hold
    Function function = Function::None;
    char sign = 0;                  ///< & + - * / %
    std::vector<Operand> parts;     ///< arguments, or left and right
    std::vector<Stretch> slices;    ///< empty: the whole
    std::vector<Stretch> layers;    ///< numbers from 1; empty: all

    const Symbol* symbol = nullptr;    ///< set by resolve() for words that are no literals
    ValueKind kind = ValueKind::Octets;
    Value value;                       ///< of a literal
    Bytes octets;                      ///< behind `value` where that is a ByteView

    [[nodiscard]] bool isLiteral() const { return symbol == nullptr && form != Form::Call && form != Form::Arithmetic; }
};

enum class Relation : std::uint8_t { Exists, Equal, NotEqual, Greater, Less, GreaterEqual, LessEqual, Contains, Matches, In };
enum class Quantifier : std::uint8_t { Any, All };

/// One of a set: a value, or from `low` to `high` inclusive.
struct Member {
    Operand low;
    std::optional<Operand> high;
};

struct Test {
    Relation relation = Relation::Exists;
    Quantifier quantifier = Quantifier::Any;
    bool quantified = false;        ///< by `any` or `all` before the test
    Operand left;
    std::optional<Operand> right;
    std::vector<Member> members;
    bool brackets = false;          ///< in [low, high]
    std::size_t column = 0;         ///< of the operator
    std::size_t length = 0;
    std::shared_ptr<const re2::RE2> pattern;
};

struct Expression {
    enum class Form : std::uint8_t { Always, And, Or, Xor, Not, Test };
    Form form = Form::Always;
    std::vector<Expression> parts;
    std::unique_ptr<Test> test;  ///< of Form::Test
};

/// Groups in groups, `not` of groups, arithmetic in arithmetic.
inline constexpr std::size_t deepestNesting = 100;

[[nodiscard]] tl::expected<Expression, FilterError> parse(std::string_view text);
/// The tree must stay where it is afterwards: values point into it.
[[nodiscard]] std::optional<FilterError> resolve(Expression& expression, std::string_view text);

}  // namespace roamscope::filter
