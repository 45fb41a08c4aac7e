// SPDX-License-Identifier: GPL-3.0-or-later
// What a node hands out: frames for its interfaces and events that tell what it did. Nodes call nobody back.
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace roamscope::node {

using AttributeValue = std::variant<std::monostate, bool, std::int64_t, std::string, Ipv6Address>;
using Attributes = std::vector<std::pair<std::string_view, AttributeValue>>;

/// Attribute values; times and durations are nanoseconds, addresses text.
[[nodiscard]] inline AttributeValue attribute(const Ipv6Address& a) { return a; }
[[nodiscard]] inline AttributeValue attribute(const Mac& m) { return m.text(); }
[[nodiscard]] inline AttributeValue attribute(TimePoint t) { return toNanoseconds(t); }
[[nodiscard]] inline AttributeValue attribute(Duration d) { return d.count(); }
[[nodiscard]] inline AttributeValue attribute(std::string_view s) { return std::string(s); }
[[nodiscard]] inline AttributeValue attribute(bool b) { return b; }
[[nodiscard]] inline AttributeValue attribute(std::int64_t v) { return v; }

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

    void happened(TimePoint time, std::string_view name, Attributes attributes = {})
    {
        if (quiet && !name.starts_with("probe-")) return;
        events.push_back({time, name, {}, std::move(attributes), false});
    }
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
};

/// The earlier of two optional instants.
[[nodiscard]] inline std::optional<TimePoint> earlier(std::optional<TimePoint> a, std::optional<TimePoint> b)
{
    if (!a) return b;
    return b && *b < *a ? b : a;
}

}  // namespace roamscope::node
