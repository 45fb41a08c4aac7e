// SPDX-License-Identifier: GPL-3.0-or-later
// The thread behind an open trace: rows at once, a growing pipe followed, what stands before a break kept, an end on request.
#include "capture/io/pcapng_blocks.hpp"
#include "capture/run/trace_worker.hpp"
#include "tests/support/reading_capture.hpp"

#include <QFile>
#include <QTemporaryDir>
#include <QtTest>
#include <sys/stat.h>
#include <unistd.h>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

constexpr std::int64_t epoch = 1'700'000'000'000'000'000;

/// A frame of no known type; its number stands at the front.
Bytes frameOf(std::uint32_t n)
{
    Bytes out(60, 0x5a);
    for (std::size_t i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(n >> (8 * i));
    return out;
}

void add(Bytes& to, const Bytes& block) { to.insert(to.end(), block.begin(), block.end()); }

Bytes captureOf(std::uint32_t frames)
{
    Bytes out = pcapngSection("test");
    add(out, pcapngInterface(linkTypeEthernet, 0, "home"));
    for (std::uint32_t n = 0; n < frames; ++n) add(out, pcapngPacket(0, epoch + n * 1'000, frameOf(n), 60));
    return out;
}

template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds limit = 5000ms)
{
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!condition() && std::chrono::steady_clock::now() < end) QThread::msleep(2);
    return condition();
}

bool holds(const TraceSnapshot& trace, std::size_t frames)
{
    if (trace.size() != frames) return false;
    for (std::size_t i = 0; i < frames; ++i) {
        const Bytes expected = frameOf(static_cast<std::uint32_t>(i));
        const FrameView frame = trace.frame(i);
        if (!std::equal(expected.begin(), expected.end(), frame.bytes.begin(), frame.bytes.end()) || toNanoseconds(frame.time) != static_cast<std::int64_t>(i) * 1'000) return false;
    }
    return true;
}

}  // namespace

class TestTraceWorker : public QObject {
    Q_OBJECT

    QTemporaryDir dir_;

    std::string store(const Bytes& bytes)
    {
        QFile file(dir_.filePath("capture"));
        if (!file.open(QIODevice::WriteOnly)) qFatal("no temporary file");
        file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<qint64>(bytes.size()));
        return file.fileName().toStdString();
    }

private Q_SLOTS:
    void aFileIsReadToItsEnd()
    {
        const auto session = openCapture(store(captureOf(5000)));
        QVERIFY(session);
        QVERIFY((*session)->view().analysis);
        QVERIFY(eventually([&] { return (*session)->view().complete; }));
        const View view = (*session)->view();
        QVERIFY(!view.problem);
        QCOMPARE(view.progress, 1.0);
        QVERIFY(holds(view.trace, 5000));
        QCOMPARE(view.trace.startUtc(), epoch);
        QCOMPARE(view.trace.links(), (std::vector<TraceLink>{{"home", 1}}));
        QCOMPARE(view.analysis->frames, std::size_t{5000});
        QVERIFY((*session)->lab() == nullptr && (*session)->scenario() == nullptr);
    }

    void whatIsSavedIsTheSameTrace()
    {
        const auto session = openCapture(store(captureOf(300)));
        QVERIFY(session && eventually([&] { return (*session)->view().complete; }));
        const std::string copy = dir_.filePath("copy.pcapng").toStdString();
        QVERIFY((*session)->save(copy));
        const auto again = openCapture(copy);
        QVERIFY(again && eventually([&] { return (*again)->view().complete; }));
        QVERIFY(holds((*again)->view().trace, 300));
        const auto refused = (*session)->save("/nonexistent/x.pcapng");
        QVERIFY(!refused && refused.error().text.find("/nonexistent/x.pcapng") != std::string::npos);
    }

    void aBrokenFileKeepsWhatStandsBeforeTheBreak()
    {
        Bytes bytes = captureOf(100);
        bytes.erase(bytes.end() - 10, bytes.end());
        const auto session = openCapture(store(bytes));
        QVERIFY(session && eventually([&] { return (*session)->view().complete; }));
        const View view = (*session)->view();
        QVERIFY(holds(view.trace, 99));
        QVERIFY(view.problem && view.problem->code == ErrorCode::Truncated);
        QVERIFY2(view.problem->text.find("ends in the middle of a packet") != std::string::npos, view.problem->text.c_str());
        QVERIFY(!openCapture(store({1, 2, 3, 4, 5})));
    }

    void aGrowingPipeIsFollowed()
    {
        int ends[2];
        QCOMPARE(::pipe(ends), 0);
        TraceWorker worker(CaptureReader::adopt(ends[0], "pipe"), {});
        Bytes bytes = captureOf(3);
        QCOMPARE(::write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
        // Nothing follows, and still the frames must show.
        QVERIFY(eventually([&] { return worker.view().trace.size() == 3; }, 1000ms));
        QVERIFY(!worker.view().complete);
        const std::uint64_t revision = worker.view().revision;
        bytes = pcapngPacket(0, epoch + 3'000, frameOf(3), 60);
        QCOMPARE(::write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
        QVERIFY(eventually([&] { return worker.view().trace.size() == 4; }, 1000ms));
        QVERIFY(worker.view().revision > revision);
        ::close(ends[1]);
        QVERIFY(eventually([&] { return worker.view().complete; }));
        QVERIFY(holds(worker.view().trace, 4));
    }

    void aPipeThatIsSilentCanBeLeft()
    {
        // A named pipe without a writer: opening and leaving it must not wait for one.
        const std::string path = dir_.filePath("pipe").toStdString();
        QCOMPARE(::mkfifo(path.c_str(), 0600), 0);
        QElapsedTimer timer;
        timer.start();
        {
            const auto session = openCapture(path);
            QVERIFY(session);
            QThread::msleep(50);
            QVERIFY(!(*session)->view().complete);
        }
        QVERIFY2(timer.elapsed() < 1000, qPrintable(QString::number(timer.elapsed())));
    }

    void firstRowsComeAtOnceAndStopKeepsWhatThereIs()
    {
        const auto session = openCapture(store(captureOf(400'000)));
        QVERIFY(session);
        QVERIFY(eventually([&] { return (*session)->view().trace.size() > 0; }, 200ms));
        (*session)->stop();
        QVERIFY(eventually([&] { return (*session)->view().complete; }, 1000ms));
        const View view = (*session)->view();
        QVERIFY(view.trace.size() > 0 && view.trace.size() < 400'000);
        QVERIFY(holds(view.trace, view.trace.size()));
        QVERIFY(!view.problem);
        // What there is can still be analysed.
        (*session)->setDecoding(view.decoding);
        QVERIFY(eventually([&] { return (*session)->view().complete; }));
        QCOMPARE((*session)->view().analysis->frames, view.trace.size());
        QVERIFY((*session)->view().stopped);
    }

    void otherSettingsAnalyseAnew()
    {
        const QString path = dir_.filePath("reading.pcap");
        QVERIFY(test::reading::writeCapture(path));
        const auto session = openCapture(path.toStdString());
        QVERIFY(session && eventually([&] { return (*session)->view().complete; }));
        QCOMPARE((*session)->view().analysis->dialects.size(), std::size_t(1));
        QCOMPARE((*session)->view().analysis->dialects[0].name, std::string("shisa-2006"));
        QCOMPARE((*session)->view().analysis->dialects[0].firstFrame, analysis::FrameIndex(test::reading::shisa - 1));
        const auto spoken = [](const char* name) { return DecodeSettings{*wire::parseDialect(name), nullptr}; };
        const auto revision = (*session)->view().revision;
        (*session)->setDecoding(spoken("rfc"));
        QVERIFY((*session)->view().revision > revision);
        QCOMPARE((*session)->view().decoding.dialect.dialect, wire::Dialect::Rfc);
        QVERIFY(eventually([&] { return (*session)->view().complete; }));
        QVERIFY((*session)->view().analysis->dialects.empty());
        // However often and however fast, the last one counts, and its analysis is whole.
        for (int i = 0; i < 200; ++i) (*session)->setDecoding(spoken(i % 3 == 0 ? "rfc" : i % 3 == 1 ? "shisa-2004" : "custom:mh=62"));
        (*session)->setDecoding(spoken("auto"));
        QVERIFY(eventually([&] { return (*session)->view().complete; }));
        QCOMPARE((*session)->view().analysis->dialects.size(), std::size_t(1));
        QCOMPARE((*session)->view().analysis->frames, test::reading::count);
    }

    void framesOfALabAreKeptAndWritten()
    {
        const std::string path = dir_.filePath("lab.pcapng").toStdString();
        {
            auto writer = PcapngWriter::create(path);
            QVERIFY(writer);
            TraceWorker::Options options;
            options.startUtc = epoch;
            options.writer = std::move(*writer);
            TraceWorker worker({{"home", linkTypeEthernet}}, std::move(options));
            for (std::uint32_t n = 0; n < 3000; n += 10) {
                TraceWorker::Batch batch;
                for (std::uint32_t k = n; k < n + 10; ++k) {
                    lab::SegmentFrame frame{};
                    frame.time = atNanoseconds(k * 1'000);
                    frame.link = 0;
                    frame.bytes = frameOf(k);
                    batch.push_back(std::move(frame));
                }
                worker.push(std::move(batch));  // waits while too much is under way
            }
            worker.close();
            QVERIFY(eventually([&] { return worker.view().complete; }));
            QVERIFY(holds(worker.view().trace, 3000));
            QVERIFY(!worker.view().problem);
        }
        const auto session = openCapture(path);
        QVERIFY(session && eventually([&] { return (*session)->view().complete; }));
        QVERIFY(holds((*session)->view().trace, 3000));
    }

    void aFullDiskIsToldAndTheTraceGoesOn()
    {
        if (!QFile::exists("/dev/full")) QSKIP("no /dev/full here");
        auto writer = PcapngWriter::create("/dev/full");
        QVERIFY(writer);
        TraceWorker::Options options;
        options.startUtc = epoch;
        options.writer = std::move(*writer);
        TraceWorker worker({{"home", linkTypeEthernet}}, std::move(options));
        lab::SegmentFrame frame{};
        frame.bytes = frameOf(0);
        worker.push({frame});
        QVERIFY(eventually([&] { return worker.view().problem.has_value(); }));
        frame.time = atNanoseconds(1'000);
        frame.bytes = frameOf(1);
        worker.push({frame});
        worker.close();
        QVERIFY(eventually([&] { return worker.view().complete; }));
        QVERIFY(holds(worker.view().trace, 2));
        QVERIFY2(worker.view().problem->text.find("/dev/full: writing failed: No space left") == 0, worker.view().problem->text.c_str());
    }
};

QTEST_APPLESS_MAIN(TestTraceWorker)
#include "test_trace_worker.moc"
