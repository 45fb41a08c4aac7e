// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/expectation_settings.hpp"

#include "capture/filter/filter.hpp"

namespace roamscope::capture {

using lab::Expectation;

namespace {

/// A bound as it is written: "<" and a duration.
std::optional<Duration> below(const JsonValue& value)
{
    constexpr std::string_view expected = "\"<\" and a duration, such as \"<4s\"";
    const std::string text = value.string(expected);
    if (value.kind() != JsonValue::Kind::String) return std::nullopt;
    const auto duration = text.starts_with('<') ? parseDuration(std::string_view(text).substr(1)) : std::nullopt;
    if (!duration) value.refuse(fmt::format("expected {}, found \"{}\"", expected, text));
    return duration;
}

int number(const JsonValue& value) { return value.integer<int>(0, 1'000'000'000); }

std::string filterText(const JsonValue& value)
{
    std::string text = value.string("a display filter, such as \"mip6.ba.status == 135\"");
    if (const auto filter = filter::Filter::compile(text); !filter)
        value.refuse(fmt::format("column {} of the filter: {}{}", filter.error().column + 1, filter.error().text,
                                 filter.error().suggestion.empty() ? "" : fmt::format(". Try: {}", filter.error().suggestion)));
    return text;
}

using Keys = Settings<Expectation>;

Keys with(Keys keys, const Keys& more)
{
    keys.insert(keys.end(), more.begin(), more.end());
    return keys;
}

const Keys& countKeys()
{
    static const Keys keys{
        {"count", [](const JsonValue& v, Expectation& out) { out.count = number(v); }},
        {"at_least", [](const JsonValue& v, Expectation& out) { out.atLeast = number(v); }},
        {"at_most", [](const JsonValue& v, Expectation& out) { out.atMost = number(v); }},
    };
    return keys;
}

const Keys& timeKeys()
{
    static const Keys keys{
        {"from", [](const JsonValue& v, Expectation& out) { out.from = TimePoint{v.duration()}; }},
        {"until", [](const JsonValue& v, Expectation& out) { out.until = TimePoint{v.duration()}; }},
    };
    return keys;
}

const Keys& handoverKeys()
{
    static const Keys keys{
        {"handover", [](const JsonValue& v, Expectation& out) { out.handover = v.integer<int>(1, 1'000'000); }},
        {"kind", [](const JsonValue& v, Expectation& out) { out.kind = v.string(); }},
        {"bid", [](const JsonValue& v, Expectation& out) { out.bid = v.integer<std::uint16_t>(1, 65535); }},
        {"interruption", [](const JsonValue& v, Expectation& out) { out.interruptionBelow = below(v); }},
    };
    return keys;
}

const Keys& findingKeys()
{
    static const Keys keys = with({{"findings", [](const JsonValue& v, Expectation& out) { out.findings = v.string(); }}}, countKeys());
    return keys;
}

const Keys& frameKeys()
{
    static const Keys keys = with(with({{"frames", [](const JsonValue& v, Expectation& out) { out.frames = filterText(v); }}}, countKeys()), timeKeys());
    return keys;
}

const Keys& eventKeys()
{
    static const Keys keys = with(with({{"event", [](const JsonValue& v, Expectation& out) { out.event = v.string(); }},
                                        {"node", [](const JsonValue& v, Expectation& out) { out.node = v.string(); }}},
                                       countKeys()),
                                  timeKeys());
    return keys;
}

const Keys& flowKeys()
{
    static const Keys keys = with({{"flow", [](const JsonValue& v, Expectation& out) { out.flow = v.string(); }},
                                   {"delivered", [](const JsonValue& v, Expectation& out) { out.delivered = v.number("a share from 0 to 1"); }},
                                   {"delay", [](const JsonValue& v, Expectation& out) { out.delayBelow = below(v); }}},
                                  timeKeys());
    return keys;
}

}  // namespace

Expectation readExpectation(const JsonValue& value)
{
    Expectation out;
    if (value.kind() != JsonValue::Kind::Object) {
        value.refuse("expected an object");
        return out;
    }
    const auto has = [&](std::string_view key) { return value.node().find(key) != nullptr; };
    if (has("handover")) value.object(handoverKeys(), out);
    else if (has("findings")) value.object(findingKeys(), out);
    else if (has("frames")) value.object(frameKeys(), out);
    else if (has("event")) value.object(eventKeys(), out);
    else if (has("flow")) value.object(flowKeys(), out);
    else value.refuse("expected \"handover\", \"findings\", \"frames\", \"event\" or \"flow\" in it");
    return out;
}

}  // namespace roamscope::capture
