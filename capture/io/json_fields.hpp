// SPDX-License-Identifier: GPL-3.0-or-later
// Values out of a JSON tree for a reader of one kind of file: each is checked against what is expected there, and the first fault
// stays as an error with file, line, column and path ("/nodes/2/name"). After a fault everything is still read but does not matter.
#pragma once

#include "capture/io/json_text.hpp"
#include "capture/io/nearest_name.hpp"
#include "capture/io/scenario_file.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <vector>

namespace roamscope::capture {

class JsonFields {
public:
    using Kind = JsonNode::Kind;
    using Keys = std::vector<std::string_view>;
    static constexpr std::size_t maxEntries = 1024;  ///< of any list; whoever uses the values knows narrower limits

    /// Both must outlive the reader; `name` stands in errors.
    JsonFields(std::string_view text, std::string_view name) : text_(text), name_(name) {}

    static std::string_view kindName(Kind kind)
    {
        static constexpr std::array<std::string_view, 6> names{"null", "a boolean", "a number", "a string", "a list", "an object"};
        return names[static_cast<std::size_t>(kind)];
    }

    static std::string quotedList(const Keys& keys)
    {
        std::string out;
        for (const std::string_view key : keys) out += fmt::format("{}{}", out.empty() ? "" : ", ", key);
        return out;
    }

    // ---- errors

    [[nodiscard]] bool failed() const { return error_.has_value(); }
    void refuse(std::size_t offset, std::string_view path, std::string_view what)
    {
        if (!error_) error_ = errorAt(text_, name_, offset, fmt::format("{}: {}", path.empty() ? "/" : path, what));
    }

    static std::size_t offsetOf(const JsonNode& tree, std::string_view path)
    {
        const JsonNode* node = &tree;
        while (!path.empty()) {
            path.remove_prefix(1);
            const std::string_view step = path.substr(0, path.find('/'));
            path.remove_prefix(step.size());
            const JsonNode* next = node->find(step);
            std::size_t index = 0;
            const bool number = !step.empty() && std::all_of(step.begin(), step.end(), [](char c) { return c >= '0' && c <= '9'; }) && step.size() < 6;
            for (const char c : step.substr(0, number ? step.size() : 0)) index = index * 10 + static_cast<std::size_t>(c - '0');
            if (node->kind == Kind::Array && number && index < node->children.size()) next = &node->children[index];
            if (!next) break;
            node = next;
        }
        return node->offset;
    }

    // ---- values

    bool is(const JsonNode& node, Kind kind, const std::string& path, std::string_view expected)
    {
        if (node.kind == kind) return true;
        refuse(node.offset, path, fmt::format("expected {}, found {}", expected, kindName(node.kind)));
        return false;
    }

    /// Whether `node` is an object that has only these keys.
    bool object(const JsonNode& node, const std::string& path, const Keys& keys)
    {
        if (!is(node, Kind::Object, path, "an object")) return false;
        for (const JsonNode& member : node.children) {
            if (std::find(keys.begin(), keys.end(), member.key) != keys.end()) continue;
            const std::string near = nearestName(member.key, keys);
            refuse(member.keyOffset, path + "/" + member.key,
                   near.empty() ? fmt::format("unknown key. Expected one of {}", quotedList(keys)) : fmt::format("unknown key. Did you mean \"{}\"?", near));
            return false;
        }
        return true;
    }

    const JsonNode* required(const JsonNode& node, const std::string& path, std::string_view key, std::string_view what)
    {
        const JsonNode* found = node.find(key);
        if (!found) refuse(node.offset, path, fmt::format("key \"{}\" is missing: expected {}", key, what));
        return found;
    }

    std::string string(const JsonNode& node, const std::string& path, std::string_view expected = "a string")
    {
        return is(node, Kind::String, path, expected) ? node.text : std::string();
    }

    bool boolean(const JsonNode& node, const std::string& path) { return is(node, Kind::Boolean, path, "true or false") && node.boolean; }

    template <class T>
    T integer(const JsonNode& node, const std::string& path, T least, T most)
    {
        const std::string expected = fmt::format("a whole number from {} to {}", least, most);
        if (!is(node, Kind::Number, path, expected)) return least;
        bool fits = false;
        T value = least;
        const auto take = [&](auto v) {
            if constexpr (!std::is_same_v<decltype(v), std::monostate>) {
                fits = !std::cmp_less(v, least) && !std::cmp_greater(v, most);
                if (fits) value = static_cast<T>(v);
            }
        };
        std::visit(take, node.integer);
        if (!fits) refuse(node.offset, path, fmt::format("expected {}", expected));
        return value;
    }

    Duration duration(const JsonNode& node, const std::string& path)
    {
        constexpr std::string_view expected = "a duration with its unit (ns, us, ms, s, m, h), such as \"50ms\"";
        if (!is(node, Kind::String, path, expected)) return {};
        const auto value = parseDuration(node.text);
        if (!value) refuse(node.offset, path, fmt::format("expected {}, found \"{}\"", expected, node.text));
        return value.value_or(Duration{0});
    }

    std::chrono::seconds seconds(const JsonNode& node, const std::string& path)
    {
        const Duration value = duration(node, path);
        const auto whole = std::chrono::duration_cast<std::chrono::seconds>(value);
        if (whole != value) refuse(node.offset, path, "expected whole seconds, such as \"600s\"");
        return whole;
    }

    template <class T>
    T parsed(const JsonNode& node, const std::string& path, std::string_view expected)
    {
        if (!is(node, Kind::String, path, expected)) return {};
        const auto value = T::parse(node.text);
        if (!value) refuse(node.offset, path, fmt::format("expected {}, found \"{}\"", expected, node.text));
        return value.value_or(T{});
    }
    Prefix prefix(const JsonNode& node, const std::string& path, std::string_view example) { return parsed<Prefix>(node, path, fmt::format("an IPv6 address with its prefix length, such as \"{}\"", example)); }

    template <class T>
    T choice(const JsonNode& node, const std::string& path, const std::vector<std::pair<std::string_view, T>>& choices)
    {
        Keys names;
        for (const auto& c : choices) names.push_back(c.first);
        const std::string expected = "one of " + quotedList(names);
        if (!is(node, Kind::String, path, expected)) return choices.front().second;
        for (const auto& c : choices)
            if (c.first == node.text) return c.second;
        const std::string near = nearestName(node.text, names);
        refuse(node.offset, path, fmt::format("expected {}, found \"{}\"{}", expected, node.text, near.empty() ? "" : fmt::format(". Did you mean \"{}\"?", near)));
        return choices.front().second;
    }

    /// Calls `use(entry, its path)` for each entry of a list.
    template <class Use>
    void list(const JsonNode& node, const std::string& path, Use use)
    {
        if (!is(node, Kind::Array, path, "a list")) return;
        if (node.children.size() > maxEntries) return refuse(node.offset, path, fmt::format("expected at most {} entries", maxEntries));
        for (std::size_t i = 0; i < node.children.size() && !error_; ++i) use(node.children[i], fmt::format("{}/{}", path, i));
    }

    /// Calls `use(value, its path)` when the key is there.
    template <class Use>
    void optional(const JsonNode& node, const std::string& path, std::string_view key, Use use)
    {
        if (const JsonNode* found = node.find(key)) use(*found, fmt::format("{}/{}", path, key));
    }
    template <class Use>
    void needed(const JsonNode& node, const std::string& path, std::string_view key, std::string_view what, Use use)
    {
        if (const JsonNode* found = required(node, path, key, what)) use(*found, fmt::format("{}/{}", path, key));
    }

protected:
    std::string_view text_;
    std::string_view name_;
    std::optional<Error> error_;
};

}  // namespace roamscope::capture
