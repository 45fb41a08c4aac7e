// SPDX-License-Identifier: GPL-3.0-or-later
// What a node hands out: frames for its interfaces and events that tell what it did. Nodes call nobody back.
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/time.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace roamscope::node {

using AttributeValue = std::variant<std::monostate, bool, std::int64_t, std::string, Ipv6Address>;
using Attributes = std::vector<std::pair<std::string_view, AttributeValue>>;

/// A value that is told, as long as the telling lasts: texts are only looked at, and nothing is made of it unless somebody listens.
class Told {
public:
    using Value = std::variant<std::monostate, bool, std::int64_t, std::string_view, Ipv6Address, Mac>;
    Told(std::monostate = {}) {}
    Told(Value value) : value_(value) {}

    operator AttributeValue() const
    {
        return std::visit(
            [](const auto& v) -> AttributeValue {
                using T = std::decay_t<decltype(v)>;
                if constexpr (std::is_same_v<T, std::string_view>) return std::string(v);
                else if constexpr (std::is_same_v<T, Mac>) return v.text();
                else return v;
            },
            value_);
    }

private:
    Value value_;
};

/// Attribute values; times and durations are nanoseconds, addresses text.
[[nodiscard]] inline Told attribute(const Ipv6Address& a) { return Told::Value(a); }
[[nodiscard]] inline Told attribute(const Mac& m) { return Told::Value(m); }
[[nodiscard]] inline Told attribute(TimePoint t) { return Told::Value(std::int64_t{toNanoseconds(t)}); }
[[nodiscard]] inline Told attribute(Duration d) { return Told::Value(std::int64_t{d.count()}); }
[[nodiscard]] inline Told attribute(std::string_view s) { return Told::Value(s); }
[[nodiscard]] inline Told attribute(bool b) { return Told::Value(b); }
[[nodiscard]] inline Told attribute(std::int64_t v) { return Told::Value(v); }

using ToldAttributes = std::initializer_list<std::pair<std::string_view, Told>>;

/// Something happened, or (with `key`) a piece of a node's state changed: `attributes` is then the whole new state, and
/// `gone` says that there is none any more. The names are those of the truth record: `object` is attachment, address,
/// default-router, map-choice, binding, registration, tunnel, neighbour or timer.
struct Event {
    TimePoint time{};
    std::string_view name;  ///< object of a state change, or the kind of happening
    Attributes key;         ///< empty: a happening, not a state
    Attributes attributes;
    bool gone = false;
};

/// The text (number) under `key`; empty (`otherwise`) when there is none of that type.
[[nodiscard]] inline std::string textOf(const Attributes& attributes, std::string_view key)
{
    for (const auto& [name, value] : attributes)
        if (name == key) {
            if (const auto* text = std::get_if<std::string>(&value)) return *text;
            if (const auto* address = std::get_if<Ipv6Address>(&value)) return address->text();
        }
    return {};
}
[[nodiscard]] inline std::int64_t numberOf(const Attributes& attributes, std::string_view key, std::int64_t otherwise = 0)
{
    for (const auto& [name, value] : attributes)
        if (const auto* number = std::get_if<std::int64_t>(&value); number && name == key) return *number;
    return otherwise;
}

struct SentFrame {
    std::size_t interface = 0;
    Bytes bytes;
};

struct Output {
    std::vector<SentFrame> frames;
    std::vector<Event> events;
    bool quiet = false;  ///< nobody wants events, but for those of probes

    void happened(TimePoint time, std::string_view name, ToldAttributes attributes = {})
    {
        if (quiet && !name.starts_with("probe-")) return;
        events.push_back({time, name, {}, made(attributes), false});
    }
    void changed(TimePoint time, std::string_view object, ToldAttributes key, ToldAttributes state)
    {
        if (quiet) return;
        events.push_back({time, object, made(key), made(state), false});
    }
    void removed(TimePoint time, std::string_view object, ToldAttributes key)
    {
        if (quiet) return;
        events.push_back({time, object, made(key), {}, true});
    }
    /// The same for a key that was made before.
    void changed(TimePoint time, std::string_view object, Attributes key, Attributes state)
    {
        if (quiet) return;
        events.push_back({time, object, std::move(key), std::move(state), false});
    }
    void removed(TimePoint time, std::string_view object, Attributes key)
    {
        if (quiet) return;
        events.push_back({time, object, std::move(key), {}, true});
    }

private:
    [[nodiscard]] static Attributes made(ToldAttributes told) { return {told.begin(), told.end()}; }
};

/// The earlier of two optional instants.
[[nodiscard]] inline std::optional<TimePoint> earlier(std::optional<TimePoint> a, std::optional<TimePoint> b)
{
    if (!a) return b;
    return b && *b < *a ? b : a;
}

}  // namespace roamscope::node
