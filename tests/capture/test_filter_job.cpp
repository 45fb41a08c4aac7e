// SPDX-License-Identifier: GPL-3.0-or-later
// The job that finds the frames of a trace: rows decide where they can, frames are read where they must, the trace may grow.
#include "capture/run/filter_job.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

void append(Trace& trace, std::size_t from, std::size_t to)
{
    for (std::size_t i = from; i < to; ++i) {
        const Bytes bytes{static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8), 7};
        trace.append(atNanoseconds(static_cast<std::int64_t>(i)), 0, bytes, 100 + static_cast<std::uint32_t>(i % 10));
    }
}

FilterJob::State finished(const FilterJob& job, std::size_t frames)
{
    QElapsedTimer clock;
    clock.start();
    while ((!job.state().done || job.state().examined < frames) && clock.elapsed() < 5000) QThread::msleep(1);
    return job.state();
}

}  // namespace

class TestFilterJob : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void onlyUndecidedFramesAreRead()
    {
        Trace trace;
        trace.addLink({"home", 1});
        append(trace, 0, 50'000);
        std::size_t read = 0;
        const FilterJob job(trace.snapshot(), {[](std::size_t, const FrameRow& row, const std::vector<TraceLink>&) {
                                                   const std::uint32_t kind = row.originalLength - 100;
                                                   return kind == 3 ? FilterJob::Answer::Yes : kind == 4 ? FilterJob::Answer::Unknown : FilterJob::Answer::No;
                                               },
                                               [&read](std::size_t index, const FrameView& frame, const TraceSnapshot&) {
                                                   ++read;
                                                   return frame.bytes[0] == static_cast<std::uint8_t>(index) && index % 20 == 4;
                                               }});
        const FilterJob::State state = finished(job, 50'000);
        QVERIFY(state.done && !state.cancelled);
        QCOMPARE(state.progress, 1.0);
        QCOMPARE(read, std::size_t{5000});
        QCOMPARE(state.selection.size(), std::size_t{7500});
        for (std::size_t i = 0; i < state.selection.size(); ++i) {
            const std::uint32_t frame = state.selection[i];
            QVERIFY(frame % 10 == 3 || frame % 20 == 4);
            QVERIFY(i == 0 || state.selection[i - 1] < frame);
            QCOMPARE(state.selection.lowerBound(frame), i);
        }
        QCOMPARE(state.selection.lowerBound(50'000), state.selection.size());
    }

    void aGrowingTraceIsFollowed()
    {
        Trace trace;
        trace.addLink({"home", 1});
        FilterJob job(trace.snapshot(), {[](std::size_t i, const FrameRow&, const std::vector<TraceLink>&) { return i % 2 == 0 ? FilterJob::Answer::Yes : FilterJob::Answer::No; },
                                         [](std::size_t, const FrameView&, const TraceSnapshot&) { return false; }});
        QVERIFY(finished(job, 0).done);
        FrameSelection older;
        for (std::size_t n = 10'000; n <= 100'000; n += 10'000) {
            append(trace, n - 10'000, n);
            job.setTrace(trace.snapshot());
            const FilterJob::State state = finished(job, n);
            QCOMPARE(state.selection.size(), n / 2);
            QCOMPARE(older.size(), n / 2 - 5'000);
            if (older.size() > 0) QCOMPARE(older[older.size() - 1], static_cast<std::uint32_t>(n - 10'000 - 2));
            older = state.selection;
        }
    }

    void aJobCanBeGivenUp()
    {
        Trace trace;
        trace.addLink({"home", 1});
        append(trace, 0, 20'000);
        FilterJob job(trace.snapshot(), {[](std::size_t, const FrameRow&, const std::vector<TraceLink>&) { return FilterJob::Answer::Unknown; },
                                         [](std::size_t, const FrameView&, const TraceSnapshot&) {
                                             QThread::usleep(200);
                                             return true;
                                         }});
        QTRY_VERIFY(job.state().selection.size() > 0);
        job.cancel();
        QVERIFY(job.state().cancelled);
        QTRY_VERIFY(job.state().examined == job.state().selection.size());
        QVERIFY(job.state().examined < 20'000);
    }
};

QTEST_APPLESS_MAIN(TestFilterJob)
#include "test_filter_job.moc"
