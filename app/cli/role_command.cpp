// SPDX-License-Identifier: GPL-3.0-or-later
// `role`: one node on existing TAP interfaces, in real time.
#include "app/cli/commands.hpp"
#include "app/cli/line_queue.hpp"
#include "capture/io/role_file.hpp"
#include "capture/run/role_session.hpp"

#include <csignal>
#include <fmt/format.h>
#include <memory>
#include <sys/signalfd.h>
#include <unistd.h>

namespace roamscope::cli {

namespace {

struct RoleOptions {
    std::string role;
    std::string config;
    std::vector<std::string> taps;
    std::uint64_t seconds = 0;
    bool control = false;
    bool quiet = false;
};

/// SIGTERM and SIGINT as something that can be waited for.
capture::FileDescriptor signalDescriptor()
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    return capture::FileDescriptor(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

int roleCommand(const RoleOptions& o)
{
    auto file = capture::loadRole(o.config, *lab::parseRole(o.role), o.taps);
    if (!file) return complain(file.error());
    auto session = capture::RoleSession::open(std::move(*file));
    if (!session) return complain(session.error());
    std::signal(SIGPIPE, SIG_IGN);  // a node goes on when nobody listens any more
    const capture::FileDescriptor stop = signalDescriptor();
    capture::RoleSession::Options options{std::nullopt, o.control, stop.get(), o.quiet};
    if (o.seconds > 0) options.duration = std::chrono::seconds(o.seconds);
    Result<void> done;
    bool written = true;
    {
        LineQueue lines(STDOUT_FILENO);
        done = session->run(options, [&](std::string_view text) { lines.push(text); });
        written = lines.good();
    }
    if (!done) return complain(done.error());
    return written ? Fine : complain(InputOutput, "standard output cannot be written. What the node did there is lost");
}

}  // namespace

void addRoleCommand(CLI::App& app, int& status)
{
    auto o = std::make_shared<RoleOptions>();
    CLI::App* command = app.add_subcommand("role", "Run one node in real time on existing TAP interfaces");
    command->add_option("ROLE", o->role, "ha, map, ar, cn or mn")->required()->check(CLI::IsMember({"ha", "map", "ar", "cn", "mn"}));
    command->add_option("--config", o->config, "Its settings: a JSON file with the keys of a scenario's node; peers by address")->required();
    command->add_option("--tap", o->taps, "TAP interface for each of its interfaces, in their order")->required()->allow_extra_args(false);
    command->add_option("--seconds", o->seconds, "End after this many seconds (default: SIGTERM ends)")->check(wholeNumber(1));
    command->add_flag("--control", o->control, "Take commands from standard input, one JSON object a line, each answered by one line; its end is the end");
    command->add_flag("--quiet", o->quiet, "No lines about what happens, only the ready line and answers");
    command->footer(
        "The file is JSON with comments; `roamscope-cli schema role` describes its keys. Example:\n"
        "  {\"home_prefixes\": [\"2001:db8:1::/64\"], \"default_router\": \"2001:db8:1::fe\",\n"
        "   \"interfaces\": [{\"address\": \"2001:db8:1::1/64\", \"advertise\": {\"min_interval\": \"1s\", \"max_interval\": \"4s\"}}]}\n"
        "Output: one JSON object a line; {\"event\":\"ready\", ...} first, then what happens. Times are nanoseconds since the start.\n"
        "Commands with --control, each answered by one line {\"answer\": ..., maybe \"error\": ...}:\n"
        "  {\"command\":\"bindings\"}\n"
        "  {\"command\":\"attach\",\"interface\":\"tap0\",\"up\":false}\n"
        "  {\"command\":\"send\",\"to\":ADDRESS,\"message\":{\"type\":\"binding-update\",\"sequence\":1,\"lifetime\":\"60s\",\"flags\":[\"A\",\"H\"]},\n"
        "   \"home_address_option\":ADDRESS}   or \"octets\", \"packet\", \"frame\" in hexadecimal\n"
        "  {\"command\":\"revoke\",\"home_address\":ADDRESS,\"bids\":[1,2],\"notify\":true}   without bids all of it\n"
        "  {\"command\":\"probe\",\"action\":\"start\",\"flow\":1,\"to\":ADDRESS,\"rate\":50,\"size\":100}   and \"stop\"\n"
        "  {\"command\":\"set\",\"settings\":{KEY: VALUE}}\n"
        "  {\"command\":\"stop\"}\n"
        "Ends with SIGTERM, after --seconds, or with the end of standard input when --control is given. No security association\n"
        "is used: the ready line says so. Lines that nobody reads are kept, up to 64 MiB; what is beyond is left out and counted. Exit status: 0 ended as told, 2 usage, 3 file, TAP or output, 4 permission.");
    command->callback([o, &status] { status = roleCommand(*o); });
}

}  // namespace roamscope::cli
