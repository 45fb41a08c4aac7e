// SPDX-License-Identifier: GPL-3.0-or-later
// `run`: runs a lab to its end and writes what is asked for.
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"
#include "capture/analysis/expectations.hpp"
#include "capture/io/record_output.hpp"
#include "capture/io/report_output.hpp"
#include "capture/io/resources.hpp"
#include "capture/io/scenario_file.hpp"
#include "capture/io/text_file.hpp"
#include "capture/picture/svg_output.hpp"
#include "capture/run/session.hpp"
#include "protocol/lab/random_scenario.hpp"

#include <fmt/format.h>
#include <thread>
#include <unistd.h>

namespace roamscope::cli {

namespace {

struct RunOptions {
    std::string scenario;
    std::optional<std::uint64_t> random;
    std::vector<std::size_t> without;
    std::string backend = "virtual";
    std::optional<std::uint64_t> seed;
    std::string until;
    std::string pcapng;
    std::string events;
    std::string truth;
    std::string report;
    std::string svg;
    bool json = false;
};

/// Everything that a finished run leaves behind.
struct Finished {
    capture::View view;
    capture::LabStatus status;
    capture::LabRecord record;
    bool interrupted = false;
};

/// The capture may be complete before the run has noticed why it ended (a helper that was killed): both must be over, or the
/// reason is lost.
Finished waitForEnd(capture::Session& session)
{
    bool stopped = false;
    for (;;) {
        const capture::LabStatus status = session.lab()->status();
        capture::View view = session.view();
        if (view.complete && status.state == capture::RunState::Ended) return {std::move(view), status, session.lab()->record(), stopped};
        if (interrupted() && !stopped) {
            session.stop();
            stopped = true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

void announce(const capture::Session& session, const capture::LabStatus& status)
{
    if (status.backend != capture::Backend::Tap) return;
    fmt::print(stderr, "Running \"{}\" for {:g} s in real time. Helper process {}; to look inside:\n  {}\n", session.scenario()->title,
               toSeconds(status.duration), status.helperPid.value_or(-1), status.insideHint);
}

void tellLateness(const capture::LabStatus& status)
{
    if (status.backend != capture::Backend::Tap) return;
    fmt::print(stderr, "Latest event: {:.3f} ms behind its time.\n", toSeconds(status.latenessMax) * 1e3);
    if (status.lateEvents > 0)
        fmt::print(stderr, "{} events were handled more than 5 ms late: this machine was too busy, figures of this run are off by as much.\n", status.lateEvents);
}

/// What is asked for beside the capture.
struct ResultFiles {
    std::optional<capture::TextFile> svg, events, truth, report;
};

/// Before the run, which may take long: a place that cannot be written to is told at once.
Result<ResultFiles> openFiles(const RunOptions& options)
{
    ResultFiles files;
    for (const auto& [path, file] : {std::pair(&options.svg, &files.svg), {&options.events, &files.events}, {&options.truth, &files.truth}, {&options.report, &files.report}}) {
        if (path->empty()) continue;
        auto opened = capture::TextFile::open(*path);
        if (!opened) return tl::unexpected(opened.error());
        *file = std::move(*opened);
    }
    return files;
}

/// Writes the files that are asked for, each with a line that names it.
Result<void> writeFiles(const RunOptions& options, ResultFiles& files, const Finished& run, const std::vector<analysis::ExpectationResult>& expectations, Output& out)
{
    const auto put = [&](std::optional<capture::TextFile>& file, std::string_view what, auto text) -> Result<void> {
        if (!file) return {};
        if (auto written = file->write(text()); !written) return written;
        if (file->path() != "-") out.line(fmt::format("Wrote {:11} {}", what, file->path()));
        return {};
    };
    if (!options.pcapng.empty() && options.pcapng != "-" && !run.view.problem)
        out.line(fmt::format("Wrote {:11} {} ({} frames)", "capture", options.pcapng, run.view.trace.size()));
    const auto& a = *run.view.analysis;
    if (auto r = put(files.svg, "timeline", [&] { return picture::timelineSvg(a, run.record.duration, &run.record.scenario); }); !r) return r;
    if (auto r = put(files.events, "events", [&] { return capture::eventLines(run.record); }); !r) return r;
    if (auto r = put(files.truth, "truth", [&] { return capture::truthJson(run.record); }); !r) return r;
    return put(files.report, "report", [&] { return capture::runReportJson(a, run.view, run.record, expectations); });
}

/// How many results want standard output; a second one would spoil the first.
int wantStandardOutput(const RunOptions& options)
{
    int count = options.json ? 1 : 0;
    for (const std::string* path : {&options.pcapng, &options.events, &options.truth, &options.report, &options.svg}) count += *path == "-" ? 1 : 0;
    return count;
}

Result<lab::Scenario> scenarioOf(const RunOptions& options)
{
    if (options.random) {
        const lab::Scenario drawn = lab::randomScenario(*options.random);
        const std::size_t parts = lab::partCount(drawn);
        for (const std::size_t part : options.without)
            if (part >= parts) return fail(ErrorCode::Invalid, 0, fmt::format("--without {}: the scenario of --random {} has {} parts, numbered from 0", part, *options.random, parts));
        return lab::withoutParts(drawn, options.without);
    }
    const auto path = capture::resolveScenario(options.scenario);
    if (!path) return tl::unexpected(path.error());
    return capture::loadScenario(*path);
}

int runCommand(const RunOptions& options)
{
    if (options.scenario.empty() == !options.random) return complain(Usage, "give either a scenario or --random with a seed");
    const int wanting = wantStandardOutput(options);
    if (wanting > 1) return complain(Usage, "only one result can go to standard output: give \"-\" to one option, and --json to none beside it");
    auto scenario = scenarioOf(options);
    if (!scenario) return complain(scenario.error());

    capture::LabOptions lab;
    lab.scenario = std::move(*scenario);
    lab.checkInvariants = options.backend != "tap";
    lab.seed = options.seed;
    lab.backend = options.backend == "tap" ? capture::Backend::Tap : capture::Backend::Virtual;
    lab.speed = 0;
    lab.writePath = options.pcapng;
    if (!options.until.empty()) {
        const auto until = capture::parseDuration(options.until);
        if (!until) return complain(Usage, fmt::format("--until {}: a duration with its unit is expected, such as 12.5s or 800ms", options.until));
        lab.until = *until;
    }
    auto files = openFiles(options);
    if (!files) return complain(files.error());
    auto session = capture::startLab(std::move(lab));
    if (!session) return complain(session.error());
    announce(**session, (*session)->lab()->status());
    const Finished run = waitForEnd(**session);
    tellLateness(run.status);

    const auto expectations = analysis::checkExpectations(*run.view.analysis, run.view.trace, run.record);
    // A result on standard output has it for itself; the table and what was written are messages then.
    Output out(wanting > 0 && !options.json ? STDERR_FILENO : STDOUT_FILENO);
    if (options.json) out.write(capture::runReportJson(*run.view.analysis, run.view, run.record, expectations));
    else out.write(capture::handoverTable(*run.view.analysis, &run.record.scenario) + capture::pathTable(*run.view.analysis, &run.record.scenario));
    bool met = true;
    for (const auto& e : expectations) {
        met = met && e.met;
        if (!options.json) out.line(fmt::format("{} expected: {}; found: {}", e.met ? "✓" : "✗", e.text, e.found));
    }
    Output messages(STDERR_FILENO);
    if (auto written = writeFiles(options, *files, run, expectations, options.json ? messages : out); !written) return complain(written.error());
    int status = out.finish(met && !run.interrupted ? Fine : Unmet);
    if (!run.status.message.empty()) status = complain(run.interrupted ? Unmet : InputOutput, run.status.message);
    return run.view.problem ? complain(*run.view.problem) : status;
}

}  // namespace

void addRunCommand(CLI::App& app, int& status)
{
    auto options = std::make_shared<RunOptions>();
    CLI::App* command = app.add_subcommand("run", "Run a lab and print its handovers and, with binding identifiers, how probes fared by each care-of address");
    command->add_option("SCENARIO", options->scenario, "A scenario file, or the name of a shipped one");
    command->add_option("--random", options->random, "In place of a scenario: one that is drawn with this seed")->check(wholeNumber(0));
    command->add_option("--without", options->without, "With --random: leave out these events, faults, impairments and flows, numbered from 0")->delimiter(',')->check(wholeNumber(0))->needs("--random");
    command->add_option("--backend", options->backend, "virtual (as fast as possible) or tap (kernel bridges, real time)")
        ->check(CLI::IsMember({"virtual", "tap"}));
    command->add_option("--seed", options->seed, "Seed of all random numbers (default: the scenario's)")->check(wholeNumber(0));
    command->add_option("--until", options->until, "Stop at this lab time, e.g. 12.5s (default: the scenario's duration)");
    command->add_option("-w", options->pcapng, "Write the capture as pcapng, one interface a link (- for standard output)");
    command->add_option("--events", options->events, "Write what the nodes reported, one JSON object a line");
    command->add_option("--truth", options->truth, "Write what the nodes knew, as JSON");
    command->add_option("--report", options->report, "Write the analysis with expectations and the comparison with the truth, as JSON");
    command->add_option("--svg", options->svg, "Draw the timeline as SVG");
    command->add_flag("--json", options->json, "Print the report instead of the table");
    command->callback([options, &status] { status = runCommand(*options); });
}

}  // namespace roamscope::cli
