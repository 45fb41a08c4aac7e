// SPDX-License-Identifier: GPL-3.0-or-later
// What display filters cost over all frames of a capture, as the window asks them; nothing here passes or fails.
//   bench_filter FILE [--whole] [FILTER...]     --whole: beside it, the same by dissecting every frame (slow, for comparison)
#include "capture/filter/filter.hpp"
#include "capture/run/filter_job.hpp"
#include "capture/run/session.hpp"

#include <chrono>
#include <cstdio>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

using Clock = std::chrono::steady_clock;

double ownCpu()
{
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Cost {
    double wall = 0;
    double cpu = 0;
    std::size_t matches = 0;
};

/// The window's way: the row of the index, else the headers, else what the filter needs. `whole`: the tree of every frame.
Cost costOf(const TraceSnapshot& trace, const filter::Filter& filter, bool whole)
{
    const auto start = Clock::now();
    const double cpu = ownCpu();
    const auto byRow = [&](std::size_t index, const FrameRow& row, const std::vector<TraceLink>& links) {
        return whole ? FilterJob::Answer::Unknown : static_cast<FilterJob::Answer>(filter.byRow(index + 1, row, links, trace.startUtc()));
    };
    const auto matches = [&](std::size_t index, const FrameView& frame, const TraceSnapshot& all) {
        const TraceLink& link = all.links()[frame.link];
        wire::Dissection tree;
        if (whole) tree = wire::dissect(frame.bytes, link.linkType, frame.originalLength);
        return filter.matches({index + 1, all.startUtc(), frame, &link, whole ? &tree : nullptr, nullptr, nullptr, {}});
    };
    const FilterJob job(trace, {byRow, matches});
    while (!job.state().done) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return {std::chrono::duration<double>(Clock::now() - start).count(), ownCpu() - cpu, job.state().selection.size()};
}

}  // namespace

int main(int argc, char** argv)
{
    std::string file;
    bool whole = false;
    std::vector<std::string> filters;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--whole") whole = true;
        else if (file.empty()) file = word;
        else filters.push_back(word);
    }
    if (filters.empty())
        filters = {"mip6.mhtype == 5", "mipv6", "icmpv6", "icmpv6.type == 134", "ipv6", "frame.number > 5000", "frame.time_relative < 3", "frame.len > 300", "udp",
                   "udp.port == 52000", "ipv6.src == 2001:db8:a::/48", "ipv6.addr == 2001:db8:a::1:1", "ipv6.hlim < 64", "ipv6.nxt == 41", "eth.addr == 02:00:00:00:00:01", "eth.type == 0x86dd",
                   "ip.src == 10.0.0.1", "tcp", "mip6.bu.m_flag", "ipv6.src#2 == 2001:db8:a::1", "ipv6.opt.mipv6.home_address", "data"};
    const auto session = openCapture(file, false, false);
    if (!session) return std::fprintf(stderr, "%s\n", session.error().text.c_str()), 1;
    while (!(*session)->view().indexed) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const View view = (*session)->view();
    std::printf("%s: %zu frames\n%-40s %10s %10s %12s%s\n", file.c_str(), view.trace.size(), "filter", "wall s", "CPU s", "matches", whole ? "   by the whole tree: CPU s" : "");
    for (const std::string& text : filters) {
        const auto filter = filter::Filter::compile(text);
        if (!filter) return std::fprintf(stderr, "%s: %s\n", text.c_str(), filter.error().text.c_str()), 1;
        const Cost cost = costOf(view.trace, *filter, false);
        std::printf("%-40s %10.3f %10.3f %12zu", text.c_str(), cost.wall, cost.cpu, cost.matches);
        if (whole) {
            const Cost slow = costOf(view.trace, *filter, true);
            std::printf("   %10.3f%s", slow.cpu, slow.matches == cost.matches ? "" : "   OTHER MATCHES");
        }
        std::printf("\n");
        std::fflush(stdout);
    }
    return 0;
}
