// SPDX-License-Identifier: GPL-3.0-or-later
// Memory that runs out at any allocation of the readers, the decoder, the analysis and the writer: each failure must come out as
// std::bad_alloc or as an error, and leave nothing behind.
#include "capture/analysis/analyzer.hpp"
#include "capture/io/capture_reader.hpp"
#include "capture/io/pcapng_file.hpp"
#include "protocol/wire/summary.hpp"

#include <QFile>
#include <QtTest>
#include <cstdlib>
#include <fcntl.h>
#include <new>

namespace {

/// Allocations of this thread until the one that fails; negative: none does.
thread_local long long countdown = -1;
thread_local bool failed = false;
/// Allocations of this thread that are not freed.
thread_local long long live = 0;

void* allocate(std::size_t size, std::size_t alignment = 0)
{
    if (countdown > 0 && --countdown == 0) {
        countdown = -1;
        failed = true;
        return nullptr;
    }
    if (size == 0) size = 1;
    ++live;
    return alignment == 0 ? std::malloc(size) : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* allocateOrThrow(std::size_t size, std::size_t alignment = 0)
{
    void* const p = allocate(size, alignment);
    if (!p) throw std::bad_alloc();
    return p;
}

void release(void* p)
{
    if (p) --live;
    std::free(p);
}

}  // namespace

void* operator new(std::size_t size) { return allocateOrThrow(size); }
void* operator new[](std::size_t size) { return allocateOrThrow(size); }
void* operator new(std::size_t size, std::align_val_t a) { return allocateOrThrow(size, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t size, std::align_val_t a) { return allocateOrThrow(size, static_cast<std::size_t>(a)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void operator delete(void* p) noexcept { release(p); }
void operator delete[](void* p) noexcept { release(p); }
void operator delete(void* p, std::size_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { release(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { release(p); }

using namespace roamscope;
using namespace roamscope::capture;

namespace {

Bytes contents(const QString& path)
{
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly)) qFatal("%s is missing", qPrintable(path));
    const QByteArray all = file.readAll();
    return Bytes(all.begin(), all.end());
}

/// Reads a capture and does with its frames what the programs do; the number of frames.
std::size_t work(const Bytes& octets)
{
    CaptureReader reader = CaptureReader::ofOctets(octets, "capture");
    auto writer = PcapngWriter::adopt(::open("/dev/null", O_WRONLY | O_CLOEXEC), "nowhere");
    Trace trace;
    analysis::Analyzer analyzer;
    CaptureRecord record;
    std::size_t frames = 0;
    std::size_t links = 0;
    while (frames < 12) {
        const auto read = reader.next(record);
        if (!read || *read != Read::Frame) break;
        for (; links < reader.links().size(); ++links) {
            trace.addLink(reader.links()[links]);
            (void)writer->addLink(reader.links()[links], reader.notes().interfaces()[links]);
        }
        const TraceLink& link = reader.links()[record.link];
        (void)wire::dissect(record.bytes, link.linkType, record.originalLength);
        trace.append(atNanoseconds(record.utc), record.link, record.bytes, record.originalLength);
        analyzer.add(static_cast<analysis::FrameIndex>(frames), trace.snapshot().frame(frames), link);
        (void)writer->write(record.link, record.utc, record.bytes, record.originalLength, reader.notes().packetOptions(frames));
        ++frames;
    }
    (void)analyzer.result();
    (void)reader.notes().oddityTexts();
    (void)writer->finish(reader.dropped(), reader.notes());
    return frames;
}

}  // namespace

class TestAllocation : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void everyAllocationMayFail_data()
    {
        QTest::addColumn<QString>("file");
        for (const char* file : {"captures/notes-le.pcapng", "captures/notes-be.pcapng", "captures/good/ethernet-be-ns.pcap", "captures/odd/two-members.pcap.gz", "captures/odd/skippable.pcap.zst",
                                 "captures/bad/captured-lie.pcapng", "captures/bad/record-cut.pcap", "vectors.pcap"})
            QTest::newRow(file) << QString::fromLatin1(file);
    }
    void everyAllocationMayFail()
    {
        QFETCH(QString, file);
        const Bytes octets = contents(QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/") + file);
        const std::size_t frames = work(octets);
        QVERIFY(frames > 0);
        constexpr long long most = 20'000;
        long long index = 1;
        int thrown = 0;
        for (; index < most; ++index) {
            failed = false;
            const long long before = live;
            countdown = index;
            try {
                (void)work(octets);
            } catch (const std::bad_alloc&) {
                ++thrown;
            }
            countdown = -1;
            QVERIFY2(live == before, qPrintable(QString("allocation %1 left %2 behind").arg(index).arg(live - before)));
            if (!failed) break;  // there are no more allocations than that
        }
        QVERIFY2(index < most, "more allocations than expected");
        QVERIFY(thrown > 0 && index > 20);
        // And afterwards all is as before.
        QCOMPARE(work(octets), frames);
    }
};

QTEST_GUILESS_MAIN(TestAllocation)
#include "test_allocation.moc"
