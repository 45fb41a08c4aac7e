// SPDX-License-Identifier: GPL-3.0-or-later
// What the analysis of a long capture keeps for each registration, and that its end needs little beside that: a capture of ten
// million frames with its analysis is to stay below 64 MiB and 24 octets a frame (tests/bench/bench_open). Octets that are asked for
// are counted, so the figures are those of the standard library in use, and the same in every run.
#include "capture/analysis/analyzer.hpp"
#include "capture/trace/trace.hpp"
#include "tests/support/registrations.hpp"

#include <QtTest>
#include <algorithm>
#include <cstdlib>
#include <malloc.h>
#include <new>

namespace {

thread_local std::size_t live = 0;  ///< octets of this thread that are not freed
thread_local std::size_t most = 0;

}  // namespace

void* operator new(std::size_t size)
{
    void* const p = std::malloc(size);
    if (!p) throw std::bad_alloc();
    live += ::malloc_usable_size(p);
    most = std::max(most, live);
    return p;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept
{
    void* const p = std::malloc(size);
    if (p) live += ::malloc_usable_size(p);
    most = std::max(most, live);
    return p;
}
void operator delete(void* p) noexcept
{
    live -= ::malloc_usable_size(p);
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }

using namespace roamscope;

class TestAnalysisMemory : public QObject {
    Q_OBJECT

private slots:
    void registrationsTakeFewOctets()
    {
        constexpr std::size_t exchanges = 16'000;  // shortly before vectors that double are full
        capture::Trace trace;
        trace.addLink({"any", wire::linkRawIpv6});
        std::int64_t time = 0;
        for (const test::InputFrame& frame : test::registrations(exchanges))
            trace.append(atNanoseconds(time += 10'000'000), 0, frame.bytes, static_cast<std::uint32_t>(frame.originalLength));
        const capture::TraceSnapshot snapshot = trace.snapshot();
        const std::size_t before = live;
        analysis::Analyzer analyzer;
        for (std::size_t i = 0; i < snapshot.size(); ++i) analyzer.add(static_cast<analysis::FrameIndex>(i), snapshot.frame(i), snapshot.links()[0], snapshot.row(i));
        QCOMPARE(analyzer.exchanges(), exchanges);
        const std::size_t taken = live - before;
        most = live;
        const auto result = analyzer.finish();
        QCOMPARE(result->exchanges.size(), exchanges);
        QCOMPARE(result->handovers.size(), exchanges);
        const std::size_t end = most - before;
        const std::size_t kept = live - before;
        qInfo("octets a registration: %zu while frames come, %zu at the most at the end, %zu kept", taken / exchanges, end / exchanges, kept / exchanges);
        // Somewhat more than it is.
        QVERIFY(taken <= 1040 * exchanges);
        QVERIFY(kept <= 660 * exchanges);
        QVERIFY2(end <= taken + taken / 16, "what only served to take frames goes before handovers are made, and nothing large is there twice");
    }
};

QTEST_APPLESS_MAIN(TestAnalysisMemory)
#include "test_analysis_memory.moc"
