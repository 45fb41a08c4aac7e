// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/role_file.hpp"

#include "capture/io/node_settings.hpp"
#include "capture/io/scenario_reader.hpp"

#include <limits>

namespace roamscope::capture {

namespace {

using namespace lab;

/// Locally administered, the same for the same node and interface every time, another for others on the wire (FNV-1a).
Mac stableMac(std::string_view name)
{
    std::uint64_t h = 0xcbf29ce484222325u;
    for (const char c : name) h = (h ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
    Mac mac{{0x02}};
    for (std::size_t i = 1; i < mac.octets.size(); ++i) mac.octets[i] = static_cast<std::uint8_t>(h >> 8 * i);
    return mac;
}

class RoleReader : ScenarioFields {
public:
    RoleReader(std::string_view text, std::string_view name) : ScenarioFields(text, name) {}

    /// One node as `role` runs it: on links of its own, named after the interfaces in `taps`.
    Result<Scenario> read(Role role, const std::vector<std::string>& taps)
    {
        // The node is the whole document here.
        return check("/nodes/0", [&](const JsonNode& tree) { return root(JsonValue(*this, tree, rootPath), role, taps); });
    }

private:
    Scenario root(const JsonValue& value, Role role, const std::vector<std::string>& taps)
    {
        Scenario s;
        s.title = fmt::format("One {} on a wire", roleName(role));
        s.duration = std::chrono::hours(24);
        s.seed = 0;  // drawn
        for (const std::string& tap : taps) s.links.push_back({tap, true, Duration{0}});
        if (!is(value.node(), Kind::Object, "", "an object")) return s;
        value.optional("dialect", [&](const JsonValue& v) { s.dialect = dialectIn(v); });
        value.optional("seed", [&](const JsonValue& v) { s.seed = v.integer<std::uint64_t>(0, std::numeric_limits<std::uint64_t>::max()); });
        value.optional("role", [&](const JsonValue& v) {
            if (roleIn(v) != role) v.refuse(fmt::format("this node is run as {}", roleName(role)));
        });
        if (failed()) return s;
        NodeSpec node = readNode(value, role, {"$schema", "dialect", "seed", "name", "role"});
        if (failed()) return s;
        if (node.name.empty()) node.name = roleName(role);
        if (node.interfaces.size() != taps.size())
            refuse(value.node().offset, "/interfaces", fmt::format("{} interfaces here, {} --tap options: give one --tap for each, in the same order", node.interfaces.size(), taps.size()));
        for (std::size_t i = 0; i < node.interfaces.size() && i < taps.size(); ++i) {
            const std::string link = fmt::format("/interfaces/{}/link", i);
            if (node.interfaces[i].link) refuse(offsetOf(value.node(), link), link, "only in a scenario: here an interface is on its --tap");
            node.interfaces[i].link = taps[i];
            if (!node.interfaces[i].mac) node.interfaces[i].mac = stableMac(node.name + "/" + taps[i]);
            if (node.interfaces[i].name.empty() || node.interfaces[i].name == fmt::format("if{}", i)) node.interfaces[i].name = taps[i];
        }
        node.answerProbes = true;
        s.nodes.push_back(std::move(node));
        return s;
    }

    const std::string rootPath{};
};

}  // namespace

Result<RoleFile> parseRoleFile(std::string_view text, std::string_view name, Role role, const std::vector<std::string>& taps)
{
    auto scenario = RoleReader(text, name).read(role, taps);
    if (!scenario) return tl::unexpected(scenario.error());
    return RoleFile{std::move(*scenario), std::string(text), role, taps};
}

Result<RoleFile> loadRole(const std::string& path, Role role, const std::vector<std::string>& taps)
{
    return jsonText(path).and_then([&](const std::string& text) { return parseRoleFile(text, path, role, taps); });
}

}  // namespace roamscope::capture
