// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/scenario_file.hpp"

#include "capture/io/json_fields.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <limits>

namespace roamscope::capture {

namespace {

using namespace lab;

constexpr std::string_view formatName = "roamscope-scenario-1";

/// Takes a scenario out of the tree. The first error stays; everything after it is read but does not matter.
class ScenarioReader : JsonFields {
public:
    ScenarioReader(std::string_view text, std::string_view name) : JsonFields(text, name) {}

    /// One node as `role` runs it: on links of its own, named after the interfaces in `taps`.
    Result<Scenario> readRole(Role role, const std::vector<std::string>& taps)
    {
        auto tree = parseJson(text_, name_);
        if (!tree) return tl::unexpected(tree.error());
        Scenario s = roleRoot(*tree, role, taps);
        if (error_) return tl::unexpected(*error_);
        auto problems = validate(s);
        // The node is the whole document here.
        constexpr std::string_view prefix = "/nodes/0";
        for (ScenarioProblem& problem : problems)
            if (problem.path.starts_with(prefix)) problem.path.erase(0, prefix.size());
        if (problems.empty()) return s;
        return tl::unexpected(semantic(*tree, problems));
    }

    Result<Scenario> read()
    {
        auto tree = parseJson(text_, name_);
        if (!tree) return tl::unexpected(tree.error());
        Scenario scenario = root(*tree);
        if (error_) return tl::unexpected(*error_);
        const auto problems = validate(scenario);
        if (problems.empty()) return scenario;
        return tl::unexpected(semantic(*tree, problems));
    }

private:
    // ---- errors

    /// Problems of the whole, each at the place of its path or of the nearest thing around it.
    Error semantic(const JsonNode& tree, const std::vector<ScenarioProblem>& problems) const
    {
        constexpr std::size_t most = 20;
        Error all;
        for (std::size_t i = 0; i < std::min(most, problems.size()); ++i) {
            const Error one = errorAt(text_, name_, offsetOf(tree, problems[i].path), fmt::format("{}: {}", problems[i].path, problems[i].text));
            if (i == 0) all = one;
            else all.text += "\n" + one.text;
        }
        if (problems.size() > most) all.text += fmt::format("\n{}: and {} more", name_, problems.size() - most);
        return all;
    }

    // ---- the scenario

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
        optional(node, path, "dialect", [&](const JsonNode& n, const std::string& p) { s.dialect = choice<Dialect>(n, p, {{"rfc4140", Dialect::Rfc4140}, {"rfc5380", Dialect::Rfc5380}}); });
        needed(node, path, "links", "a list of links", [&](const JsonNode& n, const std::string& p) { list(n, p, [&](const JsonNode& e, const std::string& q) { s.links.push_back(link(e, q)); }); });
        needed(node, path, "nodes", "a list of nodes", [&](const JsonNode& n, const std::string& p) { list(n, p, [&](const JsonNode& e, const std::string& q) { s.nodes.push_back(this->node(e, q)); }); });
        optional(node, path, "events", [&](const JsonNode& n, const std::string& p) { list(n, p, [&](const JsonNode& e, const std::string& q) { s.events.push_back(event(e, q)); }); });
        optional(node, path, "traffic", [&](const JsonNode& n, const std::string& p) { list(n, p, [&](const JsonNode& e, const std::string& q) { s.traffic.push_back(traffic(e, q)); }); });
        optional(node, path, "faults", [&](const JsonNode& n, const std::string& p) {
            if (is(n, Kind::Array, p, "an empty list") && !n.children.empty()) refuse(n.children.front().offset, p, "faults are not available yet. Leave the list empty");
        });
        optional(node, path, "expect", [&](const JsonNode& n, const std::string& p) { list(n, p, [&](const JsonNode& e, const std::string& q) { s.expect.push_back(expectation(e, q)); }); });
        optional(node, path, "lesson", [&](const JsonNode& n, const std::string& p) { lesson(n, p, s); });
        return s;
    }

    /// Locally administered, the same for the same node and interface every time, another for others on the wire (FNV-1a).
    static Mac stableMac(std::string_view name)
    {
        std::uint64_t h = 0xcbf29ce484222325u;
        for (const char c : name) h = (h ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
        Mac mac{{0x02}};
        for (std::size_t i = 1; i < mac.octets.size(); ++i) mac.octets[i] = static_cast<std::uint8_t>(h >> 8 * i);
        return mac;
    }

    Scenario roleRoot(const JsonNode& tree, Role role, const std::vector<std::string>& taps)
    {
        Scenario s;
        s.title = fmt::format("One {} on a wire", roleName(role));
        s.duration = std::chrono::hours(24);
        s.seed = 0;  // drawn
        for (const std::string& tap : taps) s.links.push_back({tap, true, Duration{0}});
        if (!is(tree, Kind::Object, "", "an object")) return s;
        optional(tree, "", "dialect", [&](const JsonNode& n, const std::string& p) { s.dialect = choice<Dialect>(n, p, {{"rfc4140", Dialect::Rfc4140}, {"rfc5380", Dialect::Rfc5380}}); });
        optional(tree, "", "seed", [&](const JsonNode& n, const std::string& p) { s.seed = integer<std::uint64_t>(n, p, 0, std::numeric_limits<std::uint64_t>::max()); });
        NodeSpec node = nodeOf(tree, "", role, {"$schema", "dialect", "seed", "name", "role", "interfaces", "routes"});
        if (error_) return s;
        if (node.name.empty()) node.name = roleName(role);
        if (node.interfaces.size() != taps.size())
            refuse(tree.offset, "/interfaces", fmt::format("{} interfaces here, {} --tap options: give one --tap for each, in the same order", node.interfaces.size(), taps.size()));
        for (std::size_t i = 0; i < node.interfaces.size() && i < taps.size(); ++i) {
            node.interfaces[i].link = taps[i];
            if (!node.interfaces[i].mac) node.interfaces[i].mac = stableMac(node.name + "/" + taps[i]);
            if (node.interfaces[i].name.empty() || node.interfaces[i].name == fmt::format("if{}", i)) node.interfaces[i].name = taps[i];
        }
        s.nodes.push_back(std::move(node));
        return s;
    }

    LinkSpec link(const JsonNode& node, const std::string& path)
    {
        LinkSpec out;
        if (!object(node, path, {"name", "wireless", "delay"})) return out;
        needed(node, path, "name", "the link's name", [&](const JsonNode& n, const std::string& p) { out.name = string(n, p); });
        optional(node, path, "wireless", [&](const JsonNode& n, const std::string& p) { out.wireless = boolean(n, p); });
        optional(node, path, "delay", [&](const JsonNode& n, const std::string& p) { out.delay = duration(n, p); });
        return out;
    }

    static Keys roleKeys(Role role)
    {
        switch (role) {
        case Role::HomeAgent: return {"home_prefixes", "maximum_lifetime"};
        case Role::Map: return {"regional_prefix", "maximum_lifetime"};
        case Role::Correspondent: return {"mobility"};
        case Role::MobileNode: return {"home_address", "home_agent", "map_policy", "lifetime", "route_optimisation"};
        case Role::AccessRouter: break;
        }
        return {};
    }

    /// A key that belongs to another role gets an answer of its own.
    bool nodeKeys(const JsonNode& node, const std::string& path, Role role, Keys keys)
    {
        for (const std::string_view key : roleKeys(role)) keys.push_back(key);
        for (const JsonNode& member : node.children) {
            if (std::find(keys.begin(), keys.end(), member.key) != keys.end()) continue;
            std::string others;
            for (const Role other : {Role::HomeAgent, Role::Map, Role::AccessRouter, Role::Correspondent, Role::MobileNode}) {
                const Keys theirs = roleKeys(other);
                if (std::find(theirs.begin(), theirs.end(), member.key) != theirs.end()) others += fmt::format("{}{}", others.empty() ? "" : " or ", roleName(other));
            }
            if (others.empty()) continue;
            refuse(member.keyOffset, path + "/" + member.key, fmt::format("only for role {}, this node is {}", others, roleName(role)));
            return false;
        }
        return object(node, path, keys);
    }

    NodeSpec node(const JsonNode& node, const std::string& path)
    {
        Role role = Role::Correspondent;
        if (!is(node, Kind::Object, path, "an object")) return {};
        needed(node, path, "role", "ha, map, ar, cn or mn", [&](const JsonNode& n, const std::string& p) { role = parsedRole(n, p); });
        if (!error_) required(node, path, "name", "the node's name");
        return nodeOf(node, path, role, {"name", "role", "interfaces", "routes"});
    }

    Role parsedRole(const JsonNode& node, const std::string& path)
    {
        return choice<Role>(node, path, {{"ha", Role::HomeAgent}, {"map", Role::Map}, {"ar", Role::AccessRouter}, {"cn", Role::Correspondent}, {"mn", Role::MobileNode}});
    }

    NodeSpec nodeOf(const JsonNode& node, const std::string& path, Role role, const Keys& keys)
    {
        NodeSpec out;
        out.role = role;
        optional(node, path, "role", [&](const JsonNode& n, const std::string& p) {
            if (const Role named = parsedRole(n, p); named != role) refuse(n.offset, p, fmt::format("this node is run as {}", roleName(role)));
        });
        if (error_ || !nodeKeys(node, path, out.role, keys)) return out;
        optional(node, path, "name", [&](const JsonNode& n, const std::string& p) { out.name = string(n, p); });
        needed(node, path, "interfaces", "a list of interfaces", [&](const JsonNode& n, const std::string& p) {
            list(n, p, [&](const JsonNode& e, const std::string& q) { out.interfaces.push_back(interface(e, q, out.interfaces.size())); });
        });
        optional(node, path, "routes", [&](const JsonNode& n, const std::string& p) { list(n, p, [&](const JsonNode& e, const std::string& q) { out.routes.push_back(route(e, q)); }); });
        optional(node, path, "home_prefixes", [&](const JsonNode& n, const std::string& p) {
            list(n, p, [&](const JsonNode& e, const std::string& q) { out.homePrefixes.push_back(prefix(e, q, "2001:db8:100::/64")); });
        });
        optional(node, path, "maximum_lifetime", [&](const JsonNode& n, const std::string& p) { out.maximumLifetime = seconds(n, p); });
        optional(node, path, "regional_prefix", [&](const JsonNode& n, const std::string& p) { out.regionalPrefix = prefix(n, p, "2001:db8:300::/64"); });
        optional(node, path, "mobility", [&](const JsonNode& n, const std::string& p) { out.mobility = boolean(n, p); });
        optional(node, path, "home_address", [&](const JsonNode& n, const std::string& p) { out.homeAddress = parsed<Ipv6Address>(n, p, "an IPv6 address, such as \"2001:db8:100::1:1\""); });
        optional(node, path, "home_agent", [&](const JsonNode& n, const std::string& p) { out.homeAgent = string(n, p, "the name of a node of role ha"); });
        optional(node, path, "map_policy", [&](const JsonNode& n, const std::string& p) { out.mapPolicy = choice<MapPolicy>(n, p, {{"furthest", MapPolicy::Furthest}, {"preference", MapPolicy::Preference}}); });
        optional(node, path, "lifetime", [&](const JsonNode& n, const std::string& p) { out.lifetime = seconds(n, p); });
        optional(node, path, "route_optimisation", [&](const JsonNode& n, const std::string& p) {
            if (n.kind == Kind::Array) list(n, p, [&](const JsonNode& e, const std::string& q) { out.optimised.push_back(string(e, q, "the name of a node of role cn")); });
            else out.optimiseAll = choice<bool>(n, p, {{"all", true}, {"none", false}});
        });
        return out;
    }

    RouteSpec route(const JsonNode& node, const std::string& path)
    {
        RouteSpec out;
        if (!object(node, path, {"to", "via", "interface"})) return out;
        needed(node, path, "to", "a prefix, such as \"::/0\"", [&](const JsonNode& n, const std::string& p) { out.to = prefix(n, p, "::/0"); });
        needed(node, path, "via", "the next router's address", [&](const JsonNode& n, const std::string& p) { out.via = parsed<Ipv6Address>(n, p, "an IPv6 address, such as \"fe80::1\""); });
        optional(node, path, "interface", [&](const JsonNode& n, const std::string& p) { out.interface = string(n, p, "the name of an interface of this node"); });
        return out;
    }

    InterfaceSpec interface(const JsonNode& node, const std::string& path, std::size_t index)
    {
        InterfaceSpec out;
        if (!object(node, path, {"name", "link", "address", "mac", "advertise"})) return out;
        optional(node, path, "link", [&](const JsonNode& n, const std::string& p) { out.link = string(n, p, "the name of a link"); });
        out.name = out.link.value_or(fmt::format("if{}", index));
        optional(node, path, "name", [&](const JsonNode& n, const std::string& p) { out.name = string(n, p); });
        optional(node, path, "address", [&](const JsonNode& n, const std::string& p) { out.address = prefix(n, p, "2001:db8:200::1/64"); });
        optional(node, path, "mac", [&](const JsonNode& n, const std::string& p) { out.mac = parsed<Mac>(n, p, "six octets in hexadecimal, such as \"02:00:00:00:00:01\""); });
        optional(node, path, "advertise", [&](const JsonNode& n, const std::string& p) { out.advertise = advertise(n, p); });
        return out;
    }

    AdvertiseSpec advertise(const JsonNode& node, const std::string& path)
    {
        AdvertiseSpec out;
        if (!object(node, path, {"min_interval", "max_interval", "map"})) return out;
        optional(node, path, "min_interval", [&](const JsonNode& n, const std::string& p) { out.minInterval = duration(n, p); });
        optional(node, path, "max_interval", [&](const JsonNode& n, const std::string& p) { out.maxInterval = duration(n, p); });
        optional(node, path, "map", [&](const JsonNode& n, const std::string& p) { list(n, p, [&](const JsonNode& e, const std::string& q) { out.map.push_back(mapOption(e, q)); }); });
        return out;
    }

    MapAdvertisement mapOption(const JsonNode& node, const std::string& path)
    {
        MapAdvertisement out;
        if (!object(node, path, {"node", "distance", "preference", "lifetime"})) return out;
        needed(node, path, "node", "the name of a node of role map", [&](const JsonNode& n, const std::string& p) { out.node = string(n, p); });
        optional(node, path, "distance", [&](const JsonNode& n, const std::string& p) { out.distance = integer<std::uint8_t>(n, p, 1, 15); });
        optional(node, path, "preference", [&](const JsonNode& n, const std::string& p) { out.preference = integer<std::uint8_t>(n, p, 0, 15); });
        optional(node, path, "lifetime", [&](const JsonNode& n, const std::string& p) { out.lifetime = seconds(n, p); });
        return out;
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

    Expectation expectation(const JsonNode& node, const std::string& path)
    {
        Expectation out;
        if (!is(node, Kind::Object, path, "an object")) return out;
        const bool handover = node.find("handover") != nullptr;
        if (!object(node, path, handover ? Keys{"handover", "kind", "interruption"} : Keys{"findings", "count"})) return out;
        optional(node, path, "handover", [&](const JsonNode& n, const std::string& p) { out.handover = integer<int>(n, p, 1, 1'000'000); });
        optional(node, path, "kind", [&](const JsonNode& n, const std::string& p) { out.kind = string(n, p); });
        optional(node, path, "interruption", [&](const JsonNode& n, const std::string& p) {
            constexpr std::string_view expected = "\"<\" and a duration, such as \"<4s\"";
            if (!is(n, Kind::String, p, expected)) return;
            if (n.text.starts_with('<')) out.interruptionBelow = parseDuration(std::string_view(n.text).substr(1));
            if (!out.interruptionBelow) refuse(n.offset, p, fmt::format("expected {}, found \"{}\"", expected, n.text));
        });
        if (handover) return out;
        needed(node, path, "findings", "note, warning or error (or \"handover\": its number)", [&](const JsonNode& n, const std::string& p) { out.findings = string(n, p); });
        optional(node, path, "count", [&](const JsonNode& n, const std::string& p) { out.count = integer<int>(n, p, 0, 1'000'000'000); });
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

namespace {

/// A whole file, at most one octet more than JSON may have.
Result<std::string> textOf(const std::string& path)
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

}  // namespace

Result<Scenario> loadScenario(const std::string& path)
{
    return textOf(path).and_then([&](const std::string& text) { return parseScenario(text, path); });
}

Result<Scenario> loadRole(const std::string& path, Role role, const std::vector<std::string>& taps)
{
    return textOf(path).and_then([&](const std::string& text) { return ScenarioReader(text, path).readRole(role, taps); });
}

}  // namespace roamscope::capture
