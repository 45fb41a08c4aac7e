// SPDX-License-Identifier: GPL-3.0-or-later
// The commands of roamscope-cli. Each lives in a file of its own and registers itself here: add*Command() declares the
// command's options, and its callback stores the exit status. To add a command, declare it here and call it in main.cpp.
#pragma once

#include "protocol/base/result.hpp"

#include <CLI/CLI.hpp>

namespace roamscope::cli {

/// Exit statuses, the same for all commands.
enum ExitStatus : int { Fine = 0, Unmet = 1, Usage = 2, InputOutput = 3, NoPermission = 4 };

/// Status of an error that ended a command.
[[nodiscard]] int statusOf(const Error& error);
/// Writes "roamscope-cli: TEXT" to standard error and gives the status.
int complain(const Error& error);
int complain(int status, std::string_view text);

/// For an option's check(): a decimal number from `least` to 2^64 - 1. CLI11 itself wraps negative ones and cuts large ones.
[[nodiscard]] CLI::Validator wholeNumber(std::uint64_t least);

void addRunCommand(CLI::App& app, int& status);
void addRoleCommand(CLI::App& app, int& status);
void addDoctorCommand(CLI::App& app, int& status);
void addDecodeCommand(CLI::App& app, int& status);
void addScenariosCommand(CLI::App& app, int& status);
void addSchemaCommand(CLI::App& app, int& status);
void addFieldsCommand(CLI::App& app, int& status);

}  // namespace roamscope::cli
