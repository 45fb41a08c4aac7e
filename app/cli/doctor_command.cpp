// SPDX-License-Identifier: GPL-3.0-or-later
// `doctor`: what this machine allows, and what to do about the rest.
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"
#include "capture/io/json_output.hpp"
#include "capture/io/machine_check.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::cli {

namespace {

std::string_view stateName(capture::CheckState state)
{
    return state == capture::CheckState::Ok ? "ok" : state == capture::CheckState::Warn ? "warn" : "bad";
}

int doctorCommand(bool json)
{
    const auto checks = capture::checkMachine();
    const auto available = capture::tapBackendAvailable();
    Output out;
    if (json) {
        std::string list;
        for (const auto& c : checks)
            list += fmt::format("{}{{\"name\":{},\"state\":\"{}\",\"found\":{},\"remedy\":{}}}", list.empty() ? "" : ",", capture::jsonString(c.name),
                                stateName(c.state), capture::jsonString(c.found), capture::jsonString(c.remedy));
        out.line(fmt::format("{{\"tap\":{},\"virtual\":true,\"checks\":[{}]}}", available.has_value(), list));
    } else {
        for (const auto& c : checks) {
            out.line(fmt::format("{:4}  {:18} {}", stateName(c.state), c.name, c.found));
            if (!c.remedy.empty()) out.line(fmt::format("      {:18} → {}", "", c.remedy));
        }
        out.line("");
        out.line("Virtual backend: available, it needs no rights.");
        out.line(available ? std::string("TAP backend: available.") : "TAP backend: " + available.error().text);
    }
    return out.finish(available ? Fine : available.error().code == ErrorCode::Permission ? NoPermission : InputOutput);
}

}  // namespace

void addDoctorCommand(CLI::App& app, int& status)
{
    auto json = std::make_shared<bool>(false);
    CLI::App* command = app.add_subcommand("doctor", "What this machine allows: real interfaces without root, helper, display");
    command->add_flag("--json", *json, "As JSON");
    command->callback([json, &status] { status = doctorCommand(*json); });
}

}  // namespace roamscope::cli
