// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/json_text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

namespace roamscope::capture {

namespace {

/// Reads the text for the parser and counts what it has taken; copies share the count.
struct CountingIterator {
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    const char* at = nullptr;
    std::size_t* taken = nullptr;

    reference operator*() const { return *at; }
    CountingIterator& operator++()
    {
        ++at;
        ++*taken;
        return *this;
    }
    CountingIterator operator++(int)
    {
        CountingIterator old = *this;
        ++*this;
        return old;
    }
    bool operator==(const CountingIterator& other) const { return at == other.at; }
};

/// Builds the tree from the parser's events. A handler that returns false stops the parser; `error` then says why.
class TreeBuilder {
public:
    using number_integer_t = nlohmann::json::number_integer_t;
    using number_unsigned_t = nlohmann::json::number_unsigned_t;
    using number_float_t = nlohmann::json::number_float_t;
    using string_t = nlohmann::json::string_t;
    using binary_t = nlohmann::json::binary_t;

    TreeBuilder(std::string_view text, std::string_view name, JsonLimits limits) : text_(text), name_(name), limits_(limits) {}

    std::size_t taken = 0;  ///< octets that the parser has read
    std::optional<Error> error;
    JsonNode root;

    bool null() { return put(literal(JsonNode::Kind::Null, 4)); }
    bool boolean(bool value)
    {
        JsonNode node = literal(JsonNode::Kind::Boolean, value ? 4 : 5);
        node.boolean = value;
        return put(std::move(node));
    }
    bool number_integer(number_integer_t value) { return number(static_cast<double>(value), std::int64_t{value}); }
    bool number_unsigned(number_unsigned_t value) { return number(static_cast<double>(value), std::uint64_t{value}); }
    bool number_float(number_float_t value, const string_t&) { return number(value, std::monostate{}); }
    bool string(string_t& value)
    {
        JsonNode node;
        node.kind = JsonNode::Kind::String;
        node.offset = stringStart();
        node.text = std::move(value);
        return put(std::move(node));
    }
    bool binary(binary_t&) { return false; }  // not in text
    bool start_object(std::size_t) { return open(JsonNode::Kind::Object); }
    bool start_array(std::size_t) { return open(JsonNode::Kind::Array); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(string_t& value)
    {
        const std::size_t start = stringStart();
        for (const JsonNode& sibling : open_.back()->children) {
            if (sibling.key != value) continue;
            const TextPlace first = placeOf(text_, sibling.keyOffset);
            return refuse(start, fmt::format("key \"{}\" stands twice in one object, first in line {}. Keep one of them", value, first.line));
        }
        key_ = std::move(value);
        keyOffset_ = start;
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& e)
    {
        // The library's message starts with its own id and place; ours are better.
        std::string_view what = e.what();
        const std::size_t dash = what.find(" - ");
        if (dash != std::string_view::npos) what.remove_prefix(dash + 3);
        const std::size_t at = std::min(taken, text_.size());
        return refuse(at == 0 ? 0 : at - 1, fmt::format("is no JSON: {}", what));
    }

private:
    bool refuse(std::size_t offset, std::string_view what)
    {
        error = errorAt(text_, name_, offset, what);
        return false;
    }

    JsonNode literal(JsonNode::Kind kind, std::size_t octets) const
    {
        JsonNode node;
        node.kind = kind;
        node.offset = taken - octets;
        return node;
    }

    template <class Integer>
    bool number(double value, Integer integer)
    {
        JsonNode node;
        node.kind = JsonNode::Kind::Number;
        node.number = value;
        node.integer = integer;
        // The parser has read one octet more, to see where the number ends, unless the text ends there.
        const auto isPart = [](char c) { return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E'; };
        std::size_t end = taken;
        if (end > 0 && !isPart(text_[end - 1])) --end;
        while (end > 0 && isPart(text_[end - 1])) --end;
        node.offset = end;
        return put(std::move(node));
    }

    /// The opening quote of the string that was just read: the nearest one before its end that no backslash escapes.
    [[nodiscard]] std::size_t stringStart() const
    {
        std::size_t i = taken - 1;
        while (i > 0) {
            --i;
            if (text_[i] != '"') continue;
            std::size_t slashes = 0;
            while (slashes < i && text_[i - 1 - slashes] == '\\') ++slashes;
            if (slashes % 2 == 0) return i;
        }
        return 0;
    }

    bool put(JsonNode node)
    {
        if (open_.empty()) {
            root = std::move(node);
            return true;
        }
        JsonNode& parent = *open_.back();
        if (parent.kind == JsonNode::Kind::Object) {
            node.key = std::move(key_);
            node.keyOffset = keyOffset_;
        }
        parent.children.push_back(std::move(node));
        return true;
    }

    bool open(JsonNode::Kind kind)
    {
        if (open_.size() == limits_.depth) return refuse(taken - 1, fmt::format("nested more than {} deep", limits_.depth));
        put(literal(kind, 1));
        // A parent grows no more while a child is open, so this pointer stays valid.
        open_.push_back(open_.empty() ? &root : &open_.back()->children.back());
        return true;
    }

    bool close()
    {
        open_.pop_back();
        return true;
    }

    std::string_view text_;
    std::string_view name_;
    JsonLimits limits_;
    std::vector<JsonNode*> open_;
    std::string key_;
    std::size_t keyOffset_ = 0;
};

}  // namespace

const JsonNode* JsonNode::find(std::string_view name) const
{
    const auto it = std::find_if(children.begin(), children.end(), [&](const JsonNode& c) { return c.key == name; });
    return kind != Kind::Object || it == children.end() ? nullptr : &*it;
}

TextPlace placeOf(std::string_view text, std::size_t offset)
{
    TextPlace place;
    for (const char c : text.substr(0, offset)) {
        if (c == '\n') place = {place.line + 1, 1};
        else if ((static_cast<unsigned char>(c) & 0xc0u) != 0x80u) ++place.column;
    }
    return place;
}

Error errorAt(std::string_view text, std::string_view name, std::size_t offset, std::string_view what)
{
    const TextPlace place = placeOf(text, offset);
    return {ErrorCode::Malformed, offset, fmt::format("{}:{}:{}: {}", name, place.line, place.column, what)};
}

Result<JsonNode> parseJson(std::string_view text, std::string_view name, JsonLimits limits)
{
    if (text.size() > limits.octets)
        return fail(ErrorCode::Malformed, 0, fmt::format("{}: has {} octets, more than {} are not read. Split or shorten it", name, text.size(), limits.octets));
    TreeBuilder builder(text, name, limits);
    const bool ok = nlohmann::json::sax_parse(CountingIterator{text.data(), &builder.taken}, CountingIterator{text.data() + text.size(), &builder.taken}, &builder,
                                              nlohmann::json::input_format_t::json, true, true);
    if (builder.error) return tl::unexpected(*builder.error);
    if (!ok) return fail(ErrorCode::Malformed, 0, fmt::format("{}: is no JSON", name));
    return std::move(builder.root);
}

Result<std::string> jsonText(const std::string& path)
{
    const JsonLimits limits;
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::string text(limits.octets + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    const int cause = errno;
    if (!file.is_open() || file.bad() || (file.gcount() == 0 && cause != 0)) {
        const bool right = cause == EACCES || cause == EPERM;
        return fail(right ? ErrorCode::Permission : ErrorCode::Io, 0,
                    fmt::format("{}: cannot be read: {}. {}", path, std::strerror(cause), right ? "Ask its owner for the right to read it" : "Check the name"));
    }
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

}  // namespace roamscope::capture
