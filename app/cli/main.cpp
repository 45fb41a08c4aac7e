// SPDX-License-Identifier: GPL-3.0-or-later
// roamscope-cli: everything that the window does, without a display. Results go to standard output, messages to standard
// error.
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"
#include "capture/io/nearest_name.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fmt/format.h>
#include <limits>

namespace roamscope::cli {

int statusOf(const Error& error)
{
    switch (error.code) {
    case ErrorCode::Permission: return NoPermission;
    case ErrorCode::Invalid: return Usage;
    default: return InputOutput;
    }
}

int complain(int status, std::string_view text)
{
    fmt::print(stderr, "roamscope-cli: {}\n", text);
    return status;
}

CLI::Validator wholeNumber(std::uint64_t least)
{
    return CLI::Validator(
        [least](const std::string& text) {
            std::uint64_t value = 0;
            const char* end = text.data() + text.size();
            const auto [rest, error] = std::from_chars(text.data(), end, value);
            return error == std::errc() && rest == end && value >= least
                       ? std::string()
                       : fmt::format("a whole number from {} to {} is expected, not \"{}\"", least, std::numeric_limits<std::uint64_t>::max(), text);
        },
        "");
}

int complain(const Error& error) { return complain(statusOf(error), error.text); }

namespace {

/// "; did you mean --svg?", or nothing.
std::string meant(std::string_view written, const std::vector<std::string>& known)
{
    const std::string near = capture::nearestName(written, known);
    return near.empty() ? std::string() : fmt::format("; did you mean {}?", near);
}

std::vector<std::string> commandNames(const CLI::App& app)
{
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
    return names;
}

std::vector<std::string> optionNames(const CLI::App& command)
{
    std::vector<std::string> names;
    for (const CLI::Option* option : command.get_options())
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

/// What is wrong with the command line, by the first word that is. CLI11 names them all, the last one first, and none of them when
/// there is no subcommand.
std::string usageProblem(const CLI::App& app, const CLI::ParseError& error)
{
    const auto commands = app.get_subcommands();
    const CLI::App& command = commands.empty() ? app : *commands.front();
    const std::vector<std::string> names = commandNames(app);
    const std::vector<std::string> words = app.remaining(true);
    if (words.empty()) return commands.empty() ? fmt::format("give a subcommand: {}", fmt::join(names, ", ")) : error.what();
    const auto option = std::find_if(words.begin(), words.end(), [](const std::string& word) { return word.size() > 1 && word.front() == '-'; });
    const std::string word = printable(option != words.end() ? *option : words.front());
    if (option != words.end()) return fmt::format("{}no option is called {}{}", commands.empty() ? "" : command.get_name() + ": ", word, meant(word, optionNames(command)));
    if (!commands.empty()) return fmt::format("{}: {} is one word more than expected", command.get_name(), word);
    const std::string near = meant(word, names);
    return fmt::format("no subcommand is called {}{} There are {}", word, near.empty() ? "." : near, fmt::join(names, ", "));
}

int complainAboutUsage(const CLI::App& app, const CLI::ParseError& error)
{
    if (error.get_exit_code() == 0) return app.exit(error);
    return complain(Usage, usageProblem(app, error) + "\nRun with --help for more information.");
}

}  // namespace

}  // namespace roamscope::cli

int main(int argc, char** argv)
{
    using namespace roamscope::cli;
    watchInterrupts();
    CLI::App app("Testbed and protocol analyzer for IPv6 mobility, without a window", "roamscope-cli");
    app.set_version_flag("--version", ROAMSCOPE_VERSION);
    app.require_subcommand(1);
    int status = Fine;
    addRunCommand(app, status);
    addRoleCommand(app, status);
    addDecodeCommand(app, status);
    addScenariosCommand(app, status);
    addSchemaCommand(app, status);
    addFieldsCommand(app, status);
    addDoctorCommand(app, status);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return complainAboutUsage(app, e);
    }
    return status;
}
