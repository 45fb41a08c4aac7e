// SPDX-License-Identifier: GPL-3.0-or-later
// Traces whose octets stay in a file: the right octets at any place, files that shrink or change under us, a full disk, and the
// fast reader of plain files against the ordinary one.
#include "capture/io/pcapng_blocks.hpp"
#include "capture/io/plain_reader.hpp"
#include "capture/run/session.hpp"
#include "protocol/base/random.hpp"

#include <QDirIterator>
#include <QTemporaryDir>
#include <QtTest>
#include <csignal>
#include <sys/resource.h>
#include <unistd.h>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

constexpr std::int64_t epoch = 1'700'000'000'000'000'000;

void add(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

void number(Bytes& out, std::uint32_t v)
{
    for (int i = 0; i < 4; ++i) out.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
}

Bytes frameOf(std::size_t n, std::size_t size)
{
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(n * 31 + i);
    return out;
}

std::size_t sizeOf(std::size_t n) { return n % 500 == 499 ? 200'000 : n % 3 == 0 ? 0 : 60 + n % 1400; }

Bytes pcapOf(std::size_t frames)
{
    Bytes out;
    number(out, 0xa1b23c4d);
    number(out, 0x00040002);
    number(out, 0);
    number(out, 0);
    number(out, 262144);
    number(out, 1);
    for (std::size_t n = 0; n < frames; ++n) {
        number(out, 1'700'000'000);
        number(out, static_cast<std::uint32_t>(n));
        number(out, static_cast<std::uint32_t>(sizeOf(n)));
        number(out, static_cast<std::uint32_t>(sizeOf(n)));
        add(out, frameOf(n, sizeOf(n)));
    }
    return out;
}

/// Blocks that hold no packet stand between the packets, one of them large.
Bytes pcapngOf(std::size_t frames)
{
    Bytes out = pcapngSection("test");
    for (std::uint32_t i = 0; i < 3; ++i) add(out, pcapngInterface(i == 1 ? linkTypeRawIpv6 : linkTypeEthernet, 0, "link"));
    for (std::size_t n = 0; n < frames; ++n) {
        add(out, pcapngPacket(static_cast<std::uint32_t>(n % 3), epoch + static_cast<std::int64_t>(n), frameOf(n, sizeOf(n)), static_cast<std::uint32_t>(sizeOf(n) + n % 2)));
        if (n % 7 == 0) add(out, pcapngStatistics(0, epoch, n, n / 10));
        if (n == 100) {
            Bytes unknown;
            const std::uint32_t size = 3 * 1024 * 1024;
            number(unknown, 0x0bad0bad);
            number(unknown, size);
            unknown.resize(size - 4);
            number(unknown, size);
            add(out, unknown);
        }
    }
    return out;
}

struct ReadBack {
    std::vector<CaptureRecord> records;
    std::vector<Bytes> bytes;
    std::string error;
    std::size_t offset = 0;
    std::size_t links = 0;
    std::vector<std::uint64_t> dropped;
};

void keep(ReadBack& out, const CaptureRecord& record, ByteView bytes)
{
    out.records.push_back(record);
    out.bytes.emplace_back(bytes.begin(), bytes.end());
}

ReadBack readSlowly(const std::string& path)
{
    ReadBack out;
    auto reader = CaptureReader::open(path);
    if (!reader) return out;
    for (CaptureRecord record;;) {
        const auto read = reader->next(record);
        if (!read) out.error = read.error().text, out.offset = read.error().offset;
        if (!read || *read != Read::Frame) break;
        keep(out, record, record.bytes);
    }
    out.links = reader->links().size();
    out.dropped = reader->dropped();
    return out;
}

ReadBack readFast(const std::string& path)
{
    ReadBack out;
    auto opened = CaptureReader::open(path);
    if (!opened) return out;
    auto plain = opened->takePlain();
    if (!plain) return out;
    PlainReader reader(std::move(*plain));
    const FileDescriptor again(::dup(reader.descriptor()));
    const RecordSink sink = [&](const CaptureRecord& record, std::uint64_t place) {
        keep(out, record, record.bytes);
        Bytes there(record.bytes.size());
        if (::pread(again.get(), there.data(), there.size(), static_cast<off_t>(place)) != static_cast<ssize_t>(there.size()) || there != out.bytes.back())
            out.error = "the place is wrong";
    };
    for (;;) {
        const auto read = reader.read(sink);
        if (!read) out.error = read.error().text, out.offset = read.error().offset;
        if (!read || *read != Read::Frame) break;
    }
    out.links = reader.links().size();
    out.dropped = reader.dropped();
    return out;
}

std::string difference(const ReadBack& a, const ReadBack& b)
{
    if (a.bytes != b.bytes) return "other frames";
    for (std::size_t i = 0; i < a.records.size(); ++i)
        if (a.records[i].utc != b.records[i].utc || a.records[i].link != b.records[i].link || a.records[i].originalLength != b.records[i].originalLength) return "other records";
    if (a.error != b.error || a.offset != b.offset) return "'" + a.error + "' and '" + b.error + "'";
    if (a.links != b.links || a.dropped != b.dropped) return "other links";
    return {};
}

template <class Condition>
bool eventually(Condition condition)
{
    QElapsedTimer clock;
    clock.start();
    while (!condition() && clock.elapsed() < 10'000) QThread::msleep(2);
    return condition();
}

}  // namespace

class TestTraceFiles : public QObject {
    Q_OBJECT
    QTemporaryDir dir_;

    std::string store(const Bytes& bytes, const char* name = "capture", QIODevice::OpenMode mode = QIODevice::WriteOnly)
    {
        QFile file(dir_.filePath(name));
        if (!file.open(mode)) qFatal("no temporary file");
        file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<qint64>(bytes.size()));
        return file.fileName().toStdString();
    }

    static bool isFrame(const FrameView& frame, std::size_t n)
    {
        const Bytes expected = frameOf(n, sizeOf(n));
        return std::equal(expected.begin(), expected.end(), frame.bytes.begin(), frame.bytes.end());
    }

private Q_SLOTS:
    void theFastReaderReadsWhatTheOrdinaryOneReads()
    {
        Random random(7);
        for (const Bytes& whole : {pcapOf(3000), pcapngOf(3000)}) {
            const ReadBack all = readFast(store(whole));
            QCOMPARE(all.bytes.size(), std::size_t{3000});
            std::string other = difference(readSlowly(store(whole)), all);
            QVERIFY2(other.empty(), other.c_str());
            for (int i = 0; i < 60; ++i) {
                Bytes broken = whole;
                if (i % 2 == 0) broken.resize(random.below(i < 30 ? 2000 : whole.size()));
                else
                    for (int k = 0; k < 3; ++k) broken[random.below(i < 30 ? 4000 : whole.size())] = static_cast<std::uint8_t>(random.next());
                const std::string path = store(broken);
                other = difference(readSlowly(path), readFast(path));
                QVERIFY2(other.empty(), other.c_str());
            }
        }
    }

    void capturesOfOthersAreReadAlike()
    {
        const QString shared = qEnvironmentVariable("ROAMSCOPE_SHARED", QStringLiteral(ROAMSCOPE_SOURCE_DIR "/../shared"));
        int files = 0;
        for (const QString& folder : {QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data"), shared + "/captures"}) {
            QDirIterator it(folder, {"*.pcap", "*.pcapng", "*.cap"}, QDir::Files, QDirIterator::Subdirectories);
            while (it.hasNext()) {
                const std::string path = it.next().toStdString();
                const std::string other = difference(readSlowly(path), readFast(path));
                QVERIFY2(other.empty(), (path + ": " + other).c_str());
                ++files;
            }
        }
        QVERIFY(files > 0);
    }

    void framesAreReadAnywhere()
    {
        for (const Bytes& file : {pcapOf(5000), pcapngOf(5000)}) {
            const auto session = openCapture(store(file));
            QVERIFY(session && eventually([&] { return (*session)->view().complete; }));
            const TraceSnapshot trace = (*session)->view().trace;
            QCOMPARE(trace.size(), std::size_t{5000});
            Random random(3);
            std::vector<FrameView> kept;
            for (int i = 0; i < 3000; ++i) {
                const std::size_t n = random.below(5000);
                const FrameView frame = trace.frame(n);
                QVERIFY(isFrame(frame, n));
                QCOMPARE(trace.row(n).capturedLength, static_cast<std::uint32_t>(sizeOf(n)));
                if (i % 100 == 0) kept.push_back(frame);
                if (i % 100 == 0) QVERIFY(isFrame(kept.front(), n) || kept.size() > 1);
            }
            TraceScan scan(trace);
            for (std::size_t n = 0; n < 5000; ++n) QVERIFY(isFrame(scan.frame(n), n));
            for (std::size_t n = 5000; n-- > 0;) QVERIFY(isFrame(scan.frame(n), n));
            QVERIFY(!trace.trouble());
        }
    }

    void aFileThatIsCutWhileItIsReadKeepsWhatWasRead()
    {
        const std::string path = store(pcapOf(3000));
        auto opened = CaptureReader::open(path);
        auto plain = opened ? opened->takePlain() : std::nullopt;
        QVERIFY(plain);
        PlainReader reader(std::move(*plain));
        std::size_t good = 0;
        std::vector<Bytes> frames;
        const RecordSink sink = [&](const CaptureRecord& record, std::uint64_t) { frames.emplace_back(record.bytes.begin(), record.bytes.end()); };
        for (std::size_t pieces = 0; good == 0 || pieces < 4; ++pieces) {
            const auto read = reader.read(sink);
            if (pieces == 1) QCOMPARE(::truncate(path.c_str(), 900'000), 0);
            if (read) good = frames.size();
            if (read) continue;
            QVERIFY2(read.error().text.find("made shorter while it was read") != std::string::npos && read.error().text.find("900000") != std::string::npos,
                     read.error().text.c_str());
        }
        QVERIFY(good > 0 && good < 3000);
        for (std::size_t n = 0; n < good; ++n) QVERIFY(frames[n] == frameOf(n, sizeOf(n)));
    }

    void aFileThatShrinksGivesCutFramesAndANote()
    {
        const Bytes bytes = pcapOf(2000);
        const std::string path = store(bytes);
        const auto session = openCapture(path);
        QVERIFY(session && eventually([&] { return (*session)->view().complete; }));
        QCOMPARE(::truncate(path.c_str(), 1000), 0);
        const TraceSnapshot trace = (*session)->view().trace;
        for (std::size_t n = 0; n < trace.size(); n += 7) QVERIFY(trace.frame(n).bytes.size() <= sizeOf(n));
        QCOMPARE(trace.frame(1999).bytes.size(), std::size_t{0});
        QCOMPARE(trace.frame(1999).originalLength, static_cast<std::uint32_t>(sizeOf(1999)));
        TraceScan scan(trace);
        QCOMPARE(scan.frame(1998).bytes.size(), std::size_t{0});
        QVERIFY2((*session)->view().remark.find("has become shorter") != std::string::npos, (*session)->view().remark.c_str());
    }

    void aFileThatIsWrittenAgainIsNoticed()
    {
        Bytes bytes = pcapOf(2000);
        const std::string path = store(bytes);
        const auto session = openCapture(path);
        QVERIFY(session && eventually([&] { return (*session)->view().complete; }));
        QTest::qSleep(20);
        std::fill(bytes.begin() + 24, bytes.end(), std::uint8_t{0xff});
        store(bytes, "capture", QIODevice::ReadWrite);
        const TraceSnapshot trace = (*session)->view().trace;
        for (std::size_t n = 0; n < trace.size(); n += 3) QVERIFY(trace.frame(n).bytes.size() <= sizeOf(n));
        QVERIFY2((*session)->view().remark.find("was written again") != std::string::npos, (*session)->view().remark.c_str());
    }

    void aGrowingFileIsFollowed()
    {
        const Bytes bytes = pcapOf(1200);
        const auto half = static_cast<std::ptrdiff_t>(bytes.size() / 2);
        const std::string path = store(Bytes(bytes.begin(), bytes.begin() + half));
        const auto session = openCapture(path, true);
        QVERIFY(session && eventually([&] { return (*session)->view().trace.size() > 100; }));
        const std::size_t before = (*session)->view().trace.size();
        QVERIFY(before < 1200 && !(*session)->view().indexed);
        store(Bytes(bytes.begin() + half, bytes.end()), "capture", QIODevice::Append);
        QVERIFY(eventually([&] { return (*session)->view().trace.size() == 1200; }));
        QVERIFY(eventually([&] { return (*session)->view().analysis->frames == 1200; }));
        const TraceSnapshot trace = (*session)->view().trace;
        for (std::size_t n = 0; n < 1200; ++n) QVERIFY(isFrame(trace.frame(n), n));
        (*session)->stop();
        QVERIFY(eventually([&] { return (*session)->view().complete; }));
        QVERIFY(!(*session)->view().problem);
    }

    void whatIsStoppedSaysSo()
    {
        const auto session = openCapture(store(pcapOf(60'000)));
        QVERIFY(session && eventually([&] { return (*session)->view().trace.size() > 0; }));
        (*session)->stop();
        QVERIFY(eventually([&] { return (*session)->view().complete; }));
        const View view = (*session)->view();
        QVERIFY(view.stopped && view.indexed);
        QVERIFY2(view.remark.find("Stopped: ") == 0, view.remark.c_str());
        QVERIFY(view.analysis->frames <= view.trace.size());
        for (std::size_t n = 0; n < view.trace.size(); n += 11) QVERIFY(isFrame(view.trace.frame(n), n));
    }

    void aFullDiskKeepsFramesInMemory()
    {
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit old{};
        getrlimit(RLIMIT_FSIZE, &old);
        const rlimit small{1'000'000, old.rlim_max};
        setrlimit(RLIMIT_FSIZE, &small);
        const auto octets = std::make_shared<SpoolOctets>();
        Trace trace(0, octets);
        trace.addLink({"home", 1});
        for (std::size_t n = 0; n < 4000; ++n) {
            NewFrame frame;
            frame.place = octets->append(frameOf(n, sizeOf(n)));
            frame.capturedLength = frame.originalLength = static_cast<std::uint32_t>(sizeOf(n));
            trace.append(frame);
        }
        octets->flush();
        setrlimit(RLIMIT_FSIZE, &old);
        const TraceSnapshot snapshot = trace.snapshot();
        TraceScan scan(snapshot);
        for (std::size_t n = 0; n < 4000; ++n) QVERIFY(isFrame(snapshot.frame(n), n) && isFrame(scan.frame(n), n));
        QVERIFY(snapshot.trouble() && snapshot.trouble()->find("kept in memory") != std::string::npos);
    }

    void fragmentsAreFoundAndPutTogetherAgain()
    {
        // A Binding Update with 200 octets of padding in three fragments, in a file among other packets, the last piece first.
        wire::Ipv6Packet whole;
        whole.source = *Ipv6Address::parse("2001:db8::1");
        whole.destination = *Ipv6Address::parse("2001:db8::2");
        whole.nextHeader = wire::protocol::mobility;
        wire::BindingUpdate update;
        update.sequence = 77;
        for (int i = 0; i < 20; ++i) update.options.push_back(wire::AlternateCareOfAddress{whole.source});
        whole.payload = wire::emitMobility(update, whole.pseudoHeader());
        for (const bool spoiled : {false, true}) {
            if (spoiled) whole.payload[4] ^= 1;
            Bytes out = pcapngSection("test");
            add(out, pcapngInterface(linkTypeRawIpv6, 0, "link"));
            const std::size_t cuts[] = {0, 104, 208, whole.payload.size()};
            std::int64_t time = epoch;
            for (const std::size_t part : {2u, 0u, 1u}) {
                wire::Ipv6Packet piece = whole;
                piece.nextHeader = wire::protocol::fragment;
                const std::size_t from = cuts[part];
                const std::size_t field = from | (part < 2 ? 1 : 0);
                piece.payload = {wire::protocol::mobility, 0, static_cast<std::uint8_t>(field >> 8), static_cast<std::uint8_t>(field), 0, 0, 0, 9};
                piece.payload.insert(piece.payload.end(), whole.payload.begin() + static_cast<std::ptrdiff_t>(from),
                                     whole.payload.begin() + static_cast<std::ptrdiff_t>(cuts[part + 1]));
                const Bytes bytes = wire::emitIpv6(piece);
                add(out, pcapngPacket(0, time++, bytes, static_cast<std::uint32_t>(bytes.size())));
                add(out, pcapngPacket(0, time++, frameOf(1, 60), 60));
            }
            const auto session = openCapture(store(out));
            QVERIFY(session && eventually([&] { return (*session)->view().complete; }));
            const View view = (*session)->view();
            QCOMPARE(view.trace.size(), std::size_t{6});
            for (std::size_t i = 0; i < 6; ++i) {
                QCOMPARE(view.trace.row(i).kind == wire::FrameClass::Fragment, i % 2 == 0);
                QCOMPARE((view.trace.row(i).marks & wire::mark::completes) != 0, i == 4);
                QCOMPARE(view.trace.reassembled(i).has_value(), i == 4);
            }
            const auto datagram = view.trace.reassembled(4);
            QCOMPARE(datagram->bytes, whole.payload);
            QCOMPARE(datagram->frames, (std::vector<std::uint32_t>{1, 3, 5}));
            QCOMPARE(view.summary->mobility[5], std::uint64_t{1});
            QCOMPARE(view.summary->badMobility, std::uint64_t{spoiled});
            QCOMPARE((view.trace.row(4).marks & wire::mark::badChecksum) != 0, spoiled);
        }
    }

    void timesThatGoBackAreFound()
    {
        Trace trace;
        trace.addLink({"home", 1});
        Random random(9);
        std::vector<std::int64_t> times;
        for (std::int64_t i = 0; i < 20'000; ++i) {
            times.push_back(i * 10 - static_cast<std::int64_t>(random.below(200'000)) * (random.below(10) == 0));
            trace.append(atNanoseconds(times.back()), 0, Bytes(1), 1);
        }
        const TraceSnapshot snapshot = trace.snapshot();
        for (int i = 0; i < 300; ++i) {
            const auto wanted = static_cast<std::int64_t>(random.below(210'000)) - 5'000;
            const auto first = std::find_if(times.begin(), times.end(), [&](std::int64_t t) { return t >= wanted; });
            QCOMPARE(snapshot.lowerBound(atNanoseconds(wanted)), static_cast<std::size_t>(first - times.begin()));
        }
    }

    void rowsKeepOddLengthsAndMarks()
    {
        Trace trace(0, std::make_shared<SpoolOctets>());
        trace.addLink({"home", 1});
        const std::uint32_t lengths[] = {0, 1, 262'144, 16'777'214, 16'777'215, 16'777'216, 0xffffffff};
        for (const std::uint32_t original : lengths) {
            NewFrame frame;
            frame.originalLength = original;
            frame.capturedLength = std::min(original, 5u);
            frame.kind = wire::FrameClass::Fragment;
            frame.type = 255;
            frame.marks = 0xfff;
            frame.place = maxPlace;
            trace.append(frame);
        }
        const TraceSnapshot snapshot = trace.snapshot();
        for (std::size_t i = 0; i < std::size(lengths); ++i) {
            const FrameRow row = snapshot.row(i);
            QCOMPARE(row.originalLength, lengths[i]);
            QCOMPARE(row.capturedLength, std::min(lengths[i], 5u));
            QVERIFY(row.kind == wire::FrameClass::Fragment && row.type == 255 && row.marks == 0xfff);
        }
    }
};

QTEST_APPLESS_MAIN(TestTraceFiles)
#include "test_trace_files.moc"
