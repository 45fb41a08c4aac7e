// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/role_schema.hpp"

#include <nlohmann/json.hpp>

namespace roamscope::capture {

Result<std::string> roleSchema(const std::string& scenarioSchema)
{
    using Json = nlohmann::ordered_json;
    const Json scenario = Json::parse(scenarioSchema, nullptr, false);
    if (!scenario.is_object() || !scenario.contains("$defs") || !scenario["$defs"].contains("node")) return fail(ErrorCode::Malformed, 0, "the schema of scenarios describes no node. Install the program again");
    const Json& node = scenario["$defs"]["node"];
    Json role{{"$schema", scenario["$schema"]},
              {"title", "Roamscope role"},
              {"description", "Settings of one node that `roamscope-cli role` runs on TAP interfaces. Comments are allowed. The interfaces stand in the order of the "
                              "--tap options; peers are given by address; defaults are the RFCs'. Which of the groups of keys counts is decided by the role on the command line."},
              {"type", "object"},
              {"required", {"interfaces"}},
              {"unevaluatedProperties", false}};
    role["properties"] = {{"$schema", {{"type", "string"}}}, {"dialect", scenario["properties"]["dialect"]},
                          {"seed", {{"type", "integer"}, {"minimum", 0}, {"maximum", 18446744073709551615u},
                                    {"description", "Start of all random numbers, which can then be foretold; 0 or not given: they are drawn from the system's secure ones."}}}};
    role["properties"].update(node["properties"]);
    role["anyOf"] = node["oneOf"];
    for (const char* name : {"name", "duration", "seconds", "lifetime", "address", "prefix", "peer"}) role["$defs"][name] = scenario["$defs"][name];
    // Whatever the node refers to, except what belongs to the rest of a scenario.
    for (const auto& [name, definition] : scenario["$defs"].items())
        if (role.dump().find("#/$defs/" + name + '"') != std::string::npos) role["$defs"][name] = definition;
    for (std::size_t before = 0; before != role["$defs"].size();) {
        before = role["$defs"].size();
        for (const auto& [name, definition] : scenario["$defs"].items())
            if (name != "link" && role.dump().find("#/$defs/" + name + '"') != std::string::npos) role["$defs"][name] = definition;
    }
    Json& interface = role["$defs"]["interface"]["properties"];
    interface.erase("link");  // it is its TAP
    interface["name"]["description"] = "When not given: the TAP's name.";
    return role.dump(2) + "\n";
}

}  // namespace roamscope::capture
