// SPDX-License-Identifier: GPL-3.0-or-later
// A value of a JSON tree with the reader that it is read by and the place where it stands, and objects as tables: one row for each
// key with what its value sets, so a key is named in one place only. Faults stay in the reader (json_fields.hpp).
#pragma once

#include "capture/io/json_fields.hpp"

namespace roamscope::capture {

template <class T>
struct Setting;
/// The keys of an object that sets a T. Keys that are left out leave their value as it was.
template <class T>
using Settings = std::vector<Setting<T>>;

class JsonValue {
public:
    using Kind = JsonNode::Kind;

    /// All must outlive the value. `path` is a JSON pointer, such as "/nodes/2".
    JsonValue(JsonFields& in, const JsonNode& node, const std::string& path) : in_(in), node_(node), path_(path) {}

    [[nodiscard]] Kind kind() const { return node_.kind; }
    [[nodiscard]] const JsonNode& node() const { return node_; }
    [[nodiscard]] const std::string& path() const { return path_; }
    /// Whether the reader has found a fault, here or elsewhere.
    [[nodiscard]] bool failed() const { return in_.failed(); }
    void refuse(std::string_view what) const { in_.refuse(node_.offset, path_, what); }

    /// Refuses a member of this object.
    void refuse(const JsonNode& member, std::string_view what) const { in_.refuse(member.keyOffset, path_ + "/" + member.key, what); }
    /// Whether this is an object that has no other keys.
    [[nodiscard]] bool onlyHas(const JsonFields::Keys& keys) const { return in_.object(node_, path_, keys); }

    [[nodiscard]] bool boolean() const { return in_.boolean(node_, path_); }
    [[nodiscard]] std::string string(std::string_view expected = "a string") const { return in_.string(node_, path_, expected); }
    template <class T>
    [[nodiscard]] T integer(T least, T most) const
    {
        return in_.integer<T>(node_, path_, least, most);
    }
    [[nodiscard]] double number(std::string_view expected) const { return in_.is(node_, Kind::Number, path_, expected) ? node_.number : 0; }
    [[nodiscard]] Duration duration() const { return in_.duration(node_, path_); }
    [[nodiscard]] std::chrono::seconds seconds() const { return in_.seconds(node_, path_); }
    [[nodiscard]] Ipv6Address address(std::string_view example) const { return in_.parsed<Ipv6Address>(node_, path_, fmt::format("an IPv6 address, such as \"{}\"", example)); }
    [[nodiscard]] Ipv4Address ipv4(std::string_view example) const { return in_.parsed<Ipv4Address>(node_, path_, fmt::format("an IPv4 address, such as \"{}\"", example)); }
    [[nodiscard]] node::Ipv4Interface ipv4Interface() const { return in_.parsed<node::Ipv4Interface>(node_, path_, "an IPv4 address with its prefix length, such as \"192.0.2.1/24\""); }
    [[nodiscard]] Prefix prefix(std::string_view example) const { return in_.prefix(node_, path_, example); }
    [[nodiscard]] Mac mac() const { return in_.parsed<Mac>(node_, path_, "six octets in hexadecimal, such as \"02:00:00:00:00:01\""); }
    template <class T>
    [[nodiscard]] T choice(const std::vector<std::pair<std::string_view, T>>& choices) const
    {
        return in_.choice<T>(node_, path_, choices);
    }
    /// Calls `use(JsonValue)` for each entry of a list.
    template <class Use>
    void list(Use use) const
    {
        in_.list(node_, path_, [&](const JsonNode& entry, const std::string& path) { use(JsonValue(in_, entry, path)); });
    }
    /// Calls `use(JsonValue)` for the value of `key` when it is there.
    template <class Use>
    void optional(std::string_view key, Use use) const
    {
        in_.optional(node_, path_, key, [&](const JsonNode& value, const std::string& path) { use(JsonValue(in_, value, path)); });
    }
    /// Takes the keys of `settings`; any other key, and a `needed` one that is missing, is a fault.
    template <class T>
    void object(const Settings<T>& settings, T& out) const
    {
        JsonFields::Keys keys;
        for (const Setting<T>& setting : settings) keys.push_back(setting.key);
        if (in_.object(node_, path_, keys)) take(settings, out);
    }
    /// The same without a look at other keys.
    template <class T>
    void take(const Settings<T>& settings, T& out) const
    {
        for (const Setting<T>& setting : settings) {
            if (in_.failed()) return;
            if (!setting.needed.empty()) (void)in_.required(node_, path_, setting.key, setting.needed);
            optional(setting.key, [&](const JsonValue& value) { setting.read(value, out); });
        }
    }

private:
    JsonFields& in_;
    const JsonNode& node_;
    const std::string& path_;
};

template <class T>
struct Setting {
    std::string_view key;
    void (*read)(const JsonValue& value, T& out);
    std::string_view needed{};  ///< what is expected when the key must not be left out
};

}  // namespace roamscope::capture
