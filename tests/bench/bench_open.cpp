// SPDX-License-Identifier: GPL-3.0-or-later
// What opening a capture costs, beside the measuring sticks of the shared bench folder, as ratios; nothing here passes or
// fails, these machines are noisy. The sticks (rd_raw, rd_tins, gen) are looked for in --sticks FOLDER.
//   bench_open --sticks FOLDER [--rounds N] [--tshark SMALL] FILE...     FILE: classic pcap, e.g. of gen --mix data --frames 10000000
//                                                                  SMALL: a shorter one of the same mix; tshark runs once over it
//   bench_open --open FILE [--index-only]                          one open in this process; what the above starts
#include "capture/filter/filter.hpp"
#include "capture/run/filter_job.hpp"
#include "capture/run/session.hpp"
#include "protocol/wire/summary.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <random>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); }

struct Usage {
    double wall = 0;
    double cpu = 0;
    double mebibytes = 0;
    bool ok = false;
};

/// Runs a command with its output in `out`.
Usage run(const std::vector<std::string>& command, std::string& out)
{
    std::vector<char*> arguments;
    for (const std::string& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
    arguments.push_back(nullptr);
    int ends[2];
    if (::pipe(ends) != 0) return {};
    const auto start = Clock::now();
    const pid_t child = ::fork();
    if (child < 0) return {};
    if (child == 0) {
        ::dup2(ends[1], 1);
        ::close(ends[0]);
        ::close(ends[1]);
        ::execvp(arguments[0], arguments.data());
        ::_exit(127);
    }
    ::close(ends[1]);
    char buffer[65536];
    out.clear();
    for (ssize_t n = ::read(ends[0], buffer, sizeof buffer); n > 0; n = ::read(ends[0], buffer, sizeof buffer))
        if (out.size() < 65536) out.append(buffer, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    rusage usage{};
    ::wait4(child, &status, 0, &usage);
    return {secondsSince(start), seconds(usage.ru_utime) + seconds(usage.ru_stime), static_cast<double>(usage.ru_maxrss) / 1024, status == 0};
}

double ownCpu()
{
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double ownPeak()
{
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024;
}

double least(const std::vector<double>& values) { return values.empty() ? 0 : *std::min_element(values.begin(), values.end()); }

double median(std::vector<double> values)
{
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void printTimes(const char* name, std::vector<double>& times)
{
    std::sort(times.begin(), times.end());
    std::printf("%s_ms=%.4f/%.4f/%.4f ", name, 1e3 * times[times.size() / 2], 1e3 * times[times.size() * 99 / 100], 1e3 * times.back());
}

/// Time to show a screen of 50 rows and to open one frame, anywhere in the trace: median/99th/worst.
void randomAccess(const View& view)
{
    if (view.trace.size() < 100) return;
    std::mt19937_64 random(1);
    std::vector<double> screens;
    std::vector<double> frames;
    std::size_t lines = 0;
    for (int i = 0; i < 300; ++i) {
        const std::size_t at = random() % (view.trace.size() - 50);
        auto start = Clock::now();
        for (std::size_t row = at; row < at + 50; ++row) {
            const FrameView frame = view.trace.frame(row);
            lines += wire::summarize(wire::decodeFrame(frame.bytes, view.trace.links()[frame.link].linkType, frame.originalLength)).info.size();
        }
        screens.push_back(secondsSince(start));
        start = Clock::now();
        const FrameView frame = view.trace.frame(random() % view.trace.size());
        lines += wire::dissect(frame.bytes, view.trace.links()[frame.link].linkType, frame.originalLength).nodes.size();
        frames.push_back(secondsSince(start));
        const auto found = view.trace.lowerBound(atNanoseconds(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(toNanoseconds(view.trace.end()) + 1))));
        lines += found;
    }
    printTimes("screen", screens);
    printTimes("jump", frames);
    std::printf("(%zu) ", lines % 10);
}

/// A filter that rows decide, over all of them.
void filterRows(const View& view)
{
    const auto filter = filter::Filter::compile("mip6.mhtype == 5");
    if (!filter) return;
    const auto start = Clock::now();
    const FilterJob job(view.trace, {[&](std::size_t index, const FrameRow& row, const std::vector<TraceLink>& links) {
                                         return static_cast<FilterJob::Answer>(filter->byRow(index + 1, row, links, view.trace.startUtc()));
                                     },
                                     [&](std::size_t index, const FrameView& frame, const TraceSnapshot& trace) {
                                         const TraceLink& link = trace.links()[frame.link];
                                         const wire::Dissection tree = wire::dissect(frame.bytes, link.linkType, frame.originalLength);
                                         return filter->matches({index + 1, trace.startUtc(), frame, &link, &tree, nullptr, nullptr, {}});
                                     }});
    while (!job.state().done) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::printf("filter_s=%.4f filter_matches=%zu ", secondsSince(start), job.state().selection.size());
}

int openHere(const std::string& path, bool indexOnly)
{
    const auto start = Clock::now();
    const auto session = openCapture(path, false, !indexOnly);
    if (!session) return std::fprintf(stderr, "%s\n", session.error().text.c_str()), 1;
    double firstRows = 0;
    View view = (*session)->view();
    for (; !view.indexed; view = (*session)->view()) {
        if (firstRows == 0 && view.trace.size() > 0) firstRows = secondsSince(start);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const double indexed = secondsSince(start);
    if (firstRows == 0) firstRows = indexed;
    std::printf("frames=%zu first_rows_s=%.4f index_wall_s=%.4f index_cpu_s=%.4f index_rss_mib=%.1f ", view.trace.size(), firstRows, indexed, ownCpu(), ownPeak());
    const double before = ownCpu();
    for (; !view.complete; view = (*session)->view()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (!indexOnly) std::printf("analysis_wall_s=%.4f analysis_cpu_s=%.4f rss_mib=%.1f ", secondsSince(start) - indexed, ownCpu() - before, ownPeak());
    std::uint64_t mobility = 0;
    for (const std::uint64_t n : view.summary->mobility) mobility += n;
    std::printf("mh=%llu bad_mh=%llu bad=%llu malformed=%llu ", static_cast<unsigned long long>(mobility),
                static_cast<unsigned long long>(view.summary->badMobility), static_cast<unsigned long long>(view.summary->badChecksums),
                static_cast<unsigned long long>(view.summary->malformed));
    if (!indexOnly) randomAccess(view);
    if (!indexOnly) filterRows(view);
    std::printf("\n");
    return view.problem ? 1 : 0;
}

struct Contender {
    std::string name;
    std::vector<std::string> command;
    std::vector<double> wall, cpu, mebibytes;
    std::string output;
};

std::size_t framesIn(const std::string& output)
{
    const std::size_t at = output.find("frames=");
    return at == std::string::npos ? 0 : std::strtoull(output.c_str() + at + 7, nullptr, 10);
}

/// What tshark takes for a frame of `file`, in seconds of CPU; also its own count of mobility messages.
double tsharkCost(const std::string& sticks, const std::string& file, std::size_t& found)
{
    std::string output;
    static_cast<void>(run({sticks + "/rd_raw", "headers", file}, output));
    const std::size_t frames = framesIn(output);
    const Usage usage = run({"sh", "-c", "tshark -n -r \"$0\" -Y mipv6 -T fields -e frame.number -e mip6.mhtype | wc -l", file}, output);
    found = std::strtoull(output.c_str(), nullptr, 10);
    return usage.ok && frames > 0 ? usage.cpu / static_cast<double>(frames) : 0;
}

void benchmark(const std::string& self, const std::string& sticks, int rounds, const std::string& small, const std::string& file)
{
    std::vector<Contender> contenders{{"ours, index", {self, "--open", file, "--index-only"}, {}, {}, {}, {}},
                                      {"rd_raw index", {sticks + "/rd_raw", "index", file}, {}, {}, {}, {}},
                                      {"rd_raw cksum", {sticks + "/rd_raw", "cksum", file}, {}, {}, {}, {}},
                                      {"rd_tins", {sticks + "/rd_tins", file}, {}, {}, {}, {}},
                                      {"ours, with analysis", {self, "--open", file}, {}, {}, {}, {}}};
    for (int round = -1; round < rounds; ++round)  // the first warms the page cache
        for (Contender& c : contenders) {
            const Usage usage = run(c.command, c.output);
            if (!usage.ok) std::printf("%s failed: %s\n", c.name.c_str(), c.output.c_str());
            if (round < 0) continue;
            c.wall.push_back(usage.wall);
            c.cpu.push_back(usage.cpu);
            c.mebibytes.push_back(usage.mebibytes);
        }
    struct stat about {};
    static_cast<void>(::stat(file.c_str(), &about));
    const Contender& ours = contenders[0];
    const Contender& index = contenders[1];
    const std::size_t frames = framesIn(ours.output);
    std::printf("\n%s: %zu frames, %.1f MB, %d rounds in turns\n", file.c_str(), frames, static_cast<double>(about.st_size) / 1e6, rounds);
    std::printf("%-22s %19s %19s %10s %21s\n", "", "wall s: median, least", "CPU s: median, least", "RSS MiB", "CPU / index16");
    for (const Contender& c : contenders)
        std::printf("%-22s %10.3f %10.3f %9.3f %10.3f %10.1f %10.2f %10.2f\n", c.name.c_str(), median(c.wall), least(c.wall), median(c.cpu), least(c.cpu), median(c.mebibytes),
                    median(c.cpu) / median(index.cpu), least(c.cpu) / least(index.cpu));
    const auto goal = [&](const char* what, double byMedian, double byLeast, const char* limit) {
        std::printf("  %-48s %8.2f by medians, %8.2f by the least   (goal: %s)\n", what, byMedian, byLeast, limit);
    };
    goal("CPU, times rd_raw index16", median(ours.cpu) / median(index.cpu), least(ours.cpu) / least(index.cpu), "at most 2");
    goal("wall, times rd_raw index16", median(ours.wall) / median(index.wall), least(ours.wall) / least(index.wall), "at most 1.2");
    goal("rd_tins' CPU, times ours", median(contenders[3].cpu) / median(ours.cpu), least(contenders[3].cpu) / least(ours.cpu), "at least 2");
    std::size_t found = 0;
    if (const double each = small.empty() ? 0 : tsharkCost(sticks, small, found); each > 0) {
        const double whole = each * static_cast<double>(frames);
        goal("tshark -Y mipv6's CPU (scaled), times ours", whole / median(ours.cpu), whole / least(ours.cpu), "at least 150");
        std::printf("  tshark: %.2f us a frame, %zu mobility messages in %s\n", 1e6 * each, found, small.c_str());
    }
    const double limit = 64 + 24.0 * static_cast<double>(frames) / 1048576;
    std::printf("  memory: %.1f MiB indexed, %.1f with the analysis and what was looked at   (goal: at most %.1f)\n", median(ours.mebibytes), median(contenders[4].mebibytes), limit);
    std::printf("ours:   %s%s", contenders[4].output.c_str(), index.output.c_str());
}

}  // namespace

int main(int argc, char** argv)
{
    std::string sticks = "/work/build/bench";
    std::vector<std::string> files;
    int rounds = 5;
    std::string small;
    bool here = false;
    bool indexOnly = false;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--sticks" && i + 1 < argc) sticks = argv[++i];
        else if (word == "--rounds" && i + 1 < argc) rounds = std::max(1, std::atoi(argv[++i]));
        else if (word == "--tshark" && i + 1 < argc) small = argv[++i];
        else if (word == "--open") here = true;
        else if (word == "--index-only") indexOnly = true;
        else files.push_back(word);
    }
    if (files.empty()) return std::fprintf(stderr, "usage: bench_open --sticks FOLDER [--rounds N] [--tshark SMALL] FILE... | --open FILE [--index-only]\n"), 2;
    if (here) return openHere(files.front(), indexOnly);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    char self[4096] = {};
    if (::readlink("/proc/self/exe", self, sizeof self - 1) <= 0) return 1;
    for (const std::string& file : files) benchmark(self, sticks, rounds, small, file);
    return 0;
}
