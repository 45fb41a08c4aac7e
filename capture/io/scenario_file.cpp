// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/scenario_file.hpp"

#include "capture/io/expectation_settings.hpp"
#include "capture/io/node_settings.hpp"
#include "capture/io/scenario_reader.hpp"
#include "capture/io/trouble_settings.hpp"

#include <array>
#include <limits>

namespace roamscope::capture {

namespace {

using namespace lab;

constexpr std::string_view formatName = "roamscope-scenario-1";

/// Takes a scenario out of the tree. The first error stays; everything after it is read but does not matter.
class ScenarioReader : ScenarioFields {
public:
    ScenarioReader(std::string_view text, std::string_view name) : ScenarioFields(text, name) {}

    Result<Scenario> read()
    {
        return check("", [&](const JsonNode& tree) { return root(tree); });
    }

private:
    Scenario root(const JsonNode& node)
    {
        Scenario s;
        const std::string path;
        // The format first: with another format the other keys mean nothing.
        if (!is(node, Kind::Object, path, "an object")) return s;
        const JsonNode* format = required(node, path, "format", fmt::format("\"{}\"", formatName));
        if (format && (format->kind != Kind::String || format->text != formatName)) refuse(format->offset, "/format", fmt::format("expected \"{}\"", formatName));
        if (error_ || !object(node, path, {"$schema", "format", "title", "seed", "duration", "dialect", "links", "nodes", "events", "traffic", "faults", "expect", "lesson"})) return s;
        optional(node, path, "$schema", [&](const JsonNode& n, const std::string& p) { string(n, p); });
        needed(node, path, "title", "a string", [&](const JsonNode& n, const std::string& p) { s.title = string(n, p); });
        optional(node, path, "seed", [&](const JsonNode& n, const std::string& p) { s.seed = integer<std::uint64_t>(n, p, 0, std::numeric_limits<std::uint64_t>::max()); });
        needed(node, path, "duration", "a duration such as \"20s\"", [&](const JsonNode& n, const std::string& p) { s.duration = duration(n, p); });
        optional(node, path, "dialect", [&](const JsonNode& n, const std::string& p) { s.dialect = dialectIn({*this, n, p}); });
        needed(node, path, "links", "a list of links", [&](const JsonNode& n, const std::string& p) { list(n, p, [&](const JsonNode& e, const std::string& q) { s.links.push_back(link(e, q)); }); });
        needed(node, path, "nodes", "a list of nodes", [&](const JsonNode& n, const std::string& p) { list(n, p, [&](const JsonNode& e, const std::string& q) { s.nodes.push_back(this->node(e, q)); }); });
        optional(node, path, "events", [&](const JsonNode& n, const std::string& p) { list(n, p, [&](const JsonNode& e, const std::string& q) { s.events.push_back(event(e, q)); }); });
        optional(node, path, "traffic", [&](const JsonNode& n, const std::string& p) { list(n, p, [&](const JsonNode& e, const std::string& q) { s.traffic.push_back(traffic(e, q)); }); });
        optional(node, path, "faults", [&](const JsonNode& n, const std::string& p) { list(n, p, [&](const JsonNode& e, const std::string& q) { s.faults.push_back(readFault({*this, e, q})); }); });
        optional(node, path, "expect", [&](const JsonNode& n, const std::string& p) { list(n, p, [&](const JsonNode& e, const std::string& q) { s.expect.push_back(readExpectation({*this, e, q})); }); });
        optional(node, path, "lesson", [&](const JsonNode& n, const std::string& p) { lesson(n, p, s); });
        return s;
    }

    LinkSpec link(const JsonNode& node, const std::string& path)
    {
        LinkSpec out;
        if (!object(node, path, {"name", "wireless", "delay", "impairments"})) return out;
        needed(node, path, "name", "the link's name", [&](const JsonNode& n, const std::string& p) { out.name = string(n, p); });
        optional(node, path, "wireless", [&](const JsonNode& n, const std::string& p) { out.wireless = boolean(n, p); });
        optional(node, path, "delay", [&](const JsonNode& n, const std::string& p) { out.delay = duration(n, p); });
        optional(node, path, "impairments", [&](const JsonNode& n, const std::string& p) { list(n, p, [&](const JsonNode& e, const std::string& q) { out.impairments.push_back(readImpairment({*this, e, q})); }); });
        return out;
    }

    NodeSpec node(const JsonNode& node, const std::string& path)
    {
        Role role = Role::Correspondent;
        const JsonValue value(*this, node, path);
        if (!is(node, Kind::Object, path, "an object")) return {};
        required(node, path, "role", "ha, map, ar, cn or mn");
        value.optional("role", [&](const JsonValue& v) { role = roleIn(v); });
        if (!failed()) required(node, path, "name", "the node's name");
        return failed() ? NodeSpec{} : readNode(value, role, {"name", "role"});
    }

    LinkEvent event(const JsonNode& node, const std::string& path)
    {
        LinkEvent out;
        if (!object(node, path, {"at", "node", "interface", "attach", "detach"})) return out;
        needed(node, path, "at", "a time such as \"10.1s\"", [&](const JsonNode& n, const std::string& p) { out.at = TimePoint{duration(n, p)}; });
        needed(node, path, "node", "the name of a node", [&](const JsonNode& n, const std::string& p) { out.node = string(n, p); });
        needed(node, path, "interface", "the name of one of its interfaces", [&](const JsonNode& n, const std::string& p) { out.interface = string(n, p); });
        optional(node, path, "attach", [&](const JsonNode& n, const std::string& p) { out.attach = string(n, p, "the name of a link"); });
        optional(node, path, "detach", [&](const JsonNode& n, const std::string& p) {
            if (!boolean(n, p)) refuse(n.offset, p, "expected true");
        });
        if ((node.find("attach") != nullptr) == (node.find("detach") != nullptr)) refuse(node.offset, path, "expected either \"attach\" with a link or \"detach\": true");
        return out;
    }

    TrafficSpec traffic(const JsonNode& node, const std::string& path)
    {
        TrafficSpec out;
        if (!object(node, path, {"flow", "from", "to", "rate", "size", "answer"})) return out;
        needed(node, path, "flow", "the flow's name", [&](const JsonNode& n, const std::string& p) { out.flow = string(n, p); });
        needed(node, path, "from", "the name of a node", [&](const JsonNode& n, const std::string& p) { out.from = string(n, p); });
        needed(node, path, "to", "the name of a node", [&](const JsonNode& n, const std::string& p) { out.to = string(n, p); });
        optional(node, path, "rate", [&](const JsonNode& n, const std::string& p) {
            if (is(n, Kind::Number, p, "packets a second as a number")) out.rate = n.number;
        });
        optional(node, path, "size", [&](const JsonNode& n, const std::string& p) { out.size = integer<std::uint32_t>(n, p, 20, 1200); });
        optional(node, path, "answer", [&](const JsonNode& n, const std::string& p) { out.answer = boolean(n, p); });
        return out;
    }

    void lesson(const JsonNode& node, const std::string& path, Scenario& s)
    {
        if (!object(node, path, {"goal", "questions"})) return;
        optional(node, path, "goal", [&](const JsonNode& n, const std::string& p) { s.goal = string(n, p); });
        optional(node, path, "questions", [&](const JsonNode& n, const std::string& p) { list(n, p, [&](const JsonNode& e, const std::string& q) { s.questions.push_back(question(e, q)); }); });
    }

    Question question(const JsonNode& node, const std::string& path)
    {
        Question out;
        if (!object(node, path, {"before", "ask", "answer"})) return out;
        needed(node, path, "before", "a filter", [&](const JsonNode& n, const std::string& p) { out.before = string(n, p); });
        needed(node, path, "ask", "a string", [&](const JsonNode& n, const std::string& p) { out.ask = string(n, p); });
        needed(node, path, "answer", "a string", [&](const JsonNode& n, const std::string& p) { out.answer = string(n, p); });
        return out;
    }
};

}  // namespace

std::optional<Duration> parseDuration(std::string_view text)
{
    static constexpr std::array<std::pair<std::string_view, std::int64_t>, 6> units{
        {{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000}}};
    constexpr std::int64_t most = 10'000 * 3'600'000'000'000;
    const std::size_t numberEnd = std::min(text.find_first_not_of("0123456789."), text.size());
    const std::string_view number = text.substr(0, numberEnd);
    const std::size_t point = std::min(number.find('.'), number.size());
    const std::string_view whole = number.substr(0, point);
    const std::string_view fraction = point < number.size() ? number.substr(point + 1) : std::string_view();
    if (whole.empty() || (point < number.size() && fraction.empty()) || fraction.find('.') != std::string_view::npos) return std::nullopt;
    const auto unit = std::find_if(units.begin(), units.end(), [&](const auto& u) { return u.first == text.substr(numberEnd); });
    if (unit == units.end()) return std::nullopt;
    std::int64_t value = 0;
    for (const char c : whole) {
        value = value * 10 + (c - '0');
        if (value > most / unit->second) return std::nullopt;
    }
    value *= unit->second;
    std::int64_t place = unit->second;
    for (const char c : fraction) {
        // Finer than a nanosecond only if it is zero.
        if (place % 10 != 0) {
            if (c != '0') return std::nullopt;
            continue;
        }
        place /= 10;
        value += place * (c - '0');
    }
    return value > most ? std::nullopt : std::optional(Duration{value});
}

Result<Scenario> parseScenario(std::string_view text, std::string_view name) { return ScenarioReader(text, name).read(); }

Result<Scenario> loadScenario(const std::string& path)
{
    return jsonText(path).and_then([&](const std::string& text) { return parseScenario(text, path); });
}

}  // namespace roamscope::capture
