// SPDX-License-Identifier: GPL-3.0-or-later
// The trace: snapshots stay as they were while the writer goes on, also seen from another thread.
#include "capture/trace/trace.hpp"

#include <QtTest>
#include <atomic>
#include <mutex>
#include <thread>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

/// Frame i of the tests: everything follows from its number.
Bytes bytesOf(std::size_t i)
{
    Bytes out(40 + i % 1500);
    for (std::size_t k = 0; k < out.size(); ++k) out[k] = static_cast<std::uint8_t>(i * 31 + k);
    return out;
}

bool isFrame(const FrameView& frame, std::size_t i)
{
    const Bytes expected = bytesOf(i);
    return frame.time == atNanoseconds(static_cast<std::int64_t>(i) * 1000) && frame.link == i % 2 && frame.originalLength == expected.size() + 4 &&
           std::equal(frame.bytes.begin(), frame.bytes.end(), expected.begin(), expected.end());
}

void appendFrame(Trace& trace, std::size_t i)
{
    const Bytes bytes = bytesOf(i);
    trace.append(atNanoseconds(static_cast<std::int64_t>(i) * 1000), i % 2, bytes, static_cast<std::uint32_t>(bytes.size() + 4));
}

}  // namespace

class TestTrace : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void anEmptySnapshotIsUsable()
    {
        const TraceSnapshot none;
        QCOMPARE(none.size(), std::size_t{0});
        QVERIFY(none.links().empty());
        QCOMPARE(none.lowerBound(atNanoseconds(5)), std::size_t{0});
        QVERIFY(none.end() == atNanoseconds(0));
    }

    void snapshotsDoNotChange()
    {
        Trace trace(42);
        trace.addLink({"home", 1});
        const TraceSnapshot empty = trace.snapshot();
        trace.addLink({"core", 229});
        for (std::size_t i = 0; i < 10'000; ++i) appendFrame(trace, i);
        const TraceSnapshot some = trace.snapshot();
        for (std::size_t i = 10'000; i < 20'000; ++i) appendFrame(trace, i);
        const TraceSnapshot all = trace.snapshot();
        QCOMPARE(empty.size(), std::size_t{0});
        QCOMPARE(empty.links().size(), std::size_t{1});
        QCOMPARE(some.size(), std::size_t{10'000});
        QVERIFY(some.end() == atNanoseconds(9'999'000));
        QCOMPARE(all.startUtc(), std::int64_t{42});
        for (std::size_t i = 0; i < all.size(); ++i) {
            QVERIFY(isFrame(all.frame(i), i));
            if (i < some.size()) QVERIFY(some.frame(i).bytes.data() == all.frame(i).bytes.data());  // shared, not copied
        }
    }

    void aSnapshotOutlivesItsTrace()
    {
        TraceSnapshot kept;
        {
            Trace trace;
            trace.addLink({"home", 1});
            trace.addLink({"core", 1});
            for (std::size_t i = 0; i < 5000; ++i) appendFrame(trace, i);
            kept = trace.snapshot();
        }
        for (std::size_t i = 0; i < kept.size(); ++i) QVERIFY(isFrame(kept.frame(i), i));
    }

    void lowerBoundFindsTheFirstFrameNotBefore()
    {
        Trace trace;
        trace.addLink({"home", 1});
        for (const int t : {-5, 0, 10, 10, 10, 20}) trace.append(atNanoseconds(t), 0, Bytes(1), 1);
        const TraceSnapshot s = trace.snapshot();
        const std::pair<int, std::size_t> cases[] = {{-9, 0}, {-5, 0}, {-4, 1}, {0, 1}, {1, 2}, {10, 2}, {11, 5}, {20, 5}, {21, 6}};
        for (const auto& [t, index] : cases) QCOMPARE(s.lowerBound(atNanoseconds(t)), index);
        QVERIFY(s.end() == atNanoseconds(20));
    }

    void framesOfAnyLengthAreKept()
    {
        Trace trace;
        trace.addLink({"home", 1});
        const Bytes large(262'144, 9);
        trace.append(atNanoseconds(0), 0, large, 262'144);
        trace.append(atNanoseconds(0), 0, {}, 7);
        QCOMPARE(trace.snapshot().frame(0).bytes.size(), large.size());
        QCOMPARE(trace.snapshot().frame(1).bytes.size(), std::size_t{0});
        QCOMPARE(trace.snapshot().frame(1).originalLength, 7u);
    }

    // Meant for the thread sanitizer: the writer appends while readers look at older snapshots.
    void writerAndReadersDoNotDisturbEachOther()
    {
        constexpr std::size_t frames = 20'000;
        std::mutex mutex;
        TraceSnapshot newest;
        std::atomic<bool> wrong = false;
        std::atomic<std::size_t> checked = 0;
        std::jthread writer([&] {
            Trace trace;
            trace.addLink({"home", 1});
            trace.addLink({"core", 1});
            for (std::size_t i = 0; i < frames; ++i) {
                appendFrame(trace, i);
                if (i % 97 != 0 && i + 1 != frames) continue;
                const TraceSnapshot s = trace.snapshot();
                const std::lock_guard lock(mutex);
                newest = s;
            }
        });
        const auto read = [&] {
            for (std::size_t seen = 0; seen < frames;) {
                TraceSnapshot s;
                {
                    const std::lock_guard lock(mutex);
                    s = newest;
                }
                for (std::size_t i = s.size() > 100 ? s.size() - 100 : 0; i < s.size(); ++i, ++checked) wrong = wrong || !isFrame(s.frame(i), i);
                for (std::size_t i = 0; i < s.size(); i += 4099) wrong = wrong || !isFrame(s.frame(i), i);
                seen = s.size();
            }
        };
        {
            std::jthread one(read);
            std::jthread two(read);
        }
        QVERIFY(!wrong);
        QVERIFY(checked > 0);
    }
};

QTEST_APPLESS_MAIN(TestTrace)
#include "test_trace.moc"
