// SPDX-License-Identifier: GPL-3.0-or-later
// `scenarios`: what is shipped.
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"
#include "capture/io/json_output.hpp"
#include "capture/io/resources.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::cli {

namespace {

int scenariosCommand(bool json)
{
    if (const auto folder = capture::findResource("scenarios"); !folder) return complain(folder.error());
    const auto shipped = capture::shippedScenarios();
    Output out;
    std::string list;
    std::size_t name = 0, title = 0;
    for (const capture::ShippedScenario& s : shipped) {
        name = std::max(name, s.name.size());
        title = std::max(title, s.title.size());
    }
    for (const capture::ShippedScenario& s : shipped) {
        if (!json) out.line(fmt::format("{:{}}  {:{}}  {}", s.name, name, s.title, title, s.path));
        list += fmt::format("{}{{\"name\":{},\"title\":{},\"path\":{}}}", list.empty() ? "" : ",", capture::jsonString(s.name), capture::jsonString(s.title), capture::jsonString(s.path));
    }
    if (json) out.line("[" + list + "]");
    return out.finish(Fine);
}

}  // namespace

void addScenariosCommand(CLI::App& app, int& status)
{
    auto json = std::make_shared<bool>(false);
    CLI::App* command = app.add_subcommand("scenarios", "List the scenarios that are shipped: name, title, file");
    command->add_flag("--json", *json, "As a JSON array");
    command->callback([json, &status] { status = scenariosCommand(*json); });
}

}  // namespace roamscope::cli
