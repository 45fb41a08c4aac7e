// SPDX-License-Identifier: GPL-3.0-or-later
// roamscope-cli: everything that the window does, without a display. Results go to standard output, messages to standard
// error.
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"

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
        return app.exit(e) == 0 ? Fine : Usage;
    }
    return status;
}
