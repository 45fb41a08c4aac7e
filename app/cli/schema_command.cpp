// SPDX-License-Identifier: GPL-3.0-or-later
// `schema`: the JSON Schema of what is read and written.
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"
#include "capture/io/resources.hpp"
#include "capture/io/role_schema.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace roamscope::cli {

namespace {

int schemaCommand(const std::string& name)
{
    // A role has the settings of a scenario's node.
    const auto path = capture::findResource(fmt::format("scenarios/{}.schema.json", name == "role" ? "scenario" : name));
    if (!path) return complain(path.error());
    std::ifstream file(*path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) return complain(InputOutput, fmt::format("{}: cannot be read: {}. Install the program again", *path, std::strerror(errno)));
    auto schema = name == "role" ? capture::roleSchema(text.str()) : Result<std::string>(text.str());
    if (!schema) return complain(schema.error());
    Output out;
    out.write(*schema);
    return out.finish(Fine);
}

}  // namespace

void addSchemaCommand(CLI::App& app, int& status)
{
    auto name = std::make_shared<std::string>("scenario");
    CLI::App* command = app.add_subcommand("schema", "Print the JSON Schema of a file format");
    command->add_option("NAME", *name, "scenario, role or keys")->check(CLI::IsMember({"scenario", "role", "keys"}))->capture_default_str();
    command->callback([name, &status] { status = schemaCommand(*name); });
}

}  // namespace roamscope::cli
