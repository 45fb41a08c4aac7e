// SPDX-License-Identifier: GPL-3.0-or-later
// Capture files: every variant reads alike, a file that breaks gives what stands before the break and says where that is.
#include "capture/io/pcapng_file.hpp"
#include "tests/support/capture_outcome.hpp"

#include <QFile>
#include <QTemporaryDir>
#include <QtTest>
#include <csignal>
#include <fstream>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

using namespace roamscope;
using namespace roamscope::capture;
using namespace roamscope::test;

namespace {

/// Writes numbers in either byte order.
struct FileBuilder {
    bool big = false;
    Bytes bytes;
    void number(std::uint64_t v, std::size_t n)
    {
        for (std::size_t i = 0; i < n; ++i) bytes.push_back(static_cast<std::uint8_t>(v >> (8 * (big ? n - 1 - i : i))));
    }
    void u16(std::uint64_t v) { number(v, 2); }
    void u32(std::uint64_t v) { number(v, 4); }
    void raw(const Bytes& v) { bytes.insert(bytes.end(), v.begin(), v.end()); }
    void pad()
    {
        while (bytes.size() % 4 != 0) bytes.push_back(0);
    }
    /// A block with the right lengths around `body`.
    void block(std::uint32_t type, FileBuilder body)
    {
        body.pad();
        u32(type);
        u32(body.bytes.size() + 12);
        raw(body.bytes);
        u32(body.bytes.size() + 12);
    }
    [[nodiscard]] FileBuilder body() const { return {big, {}}; }
    void section(std::uint16_t version = 1)
    {
        FileBuilder b = body();
        b.u32(0x1a2b3c4d);
        b.u16(version);
        b.u16(0);
        b.number(~std::uint64_t{0}, 8);
        block(0x0a0d0d0a, b);
    }
    void option(std::uint16_t code, const Bytes& value)
    {
        u16(code);
        u16(value.size());
        raw(value);
        pad();
    }
    void interface(std::uint16_t link, std::string_view name, std::optional<std::uint8_t> resolution = {}, std::int64_t offset = 0, std::uint32_t snap = 0)
    {
        FileBuilder b = body();
        b.u16(link);
        b.u16(0);
        b.u32(snap);
        b.option(2, Bytes(name.begin(), name.end()));
        if (resolution) b.option(9, {*resolution});
        FileBuilder o = body();
        o.number(static_cast<std::uint64_t>(offset), 8);
        if (offset != 0) b.option(14, o.bytes);
        b.u32(0);
        block(1, b);
    }
    void packet(std::uint32_t number, std::uint64_t ticks, const Bytes& frame, std::optional<std::uint32_t> claimed = {})
    {
        FileBuilder b = body();
        b.u32(number);
        b.u32(ticks >> 32);
        b.u32(ticks);
        b.u32(claimed.value_or(static_cast<std::uint32_t>(frame.size())));
        b.u32(frame.size() + 5);
        b.raw(frame);
        block(6, b);
    }
};

Bytes pcap(bool big, bool nano, std::uint32_t link)
{
    FileBuilder f{big, {}};
    f.u32(nano ? 0xa1b23c4d : 0xa1b2c3d4);
    f.u16(2);
    f.u16(4);
    f.u32(0);
    f.u32(0);
    f.u32(65535);
    f.u32(link);
    for (std::uint8_t n = 1; n <= 3; ++n) {
        f.u32(1'700'000'000u + n);
        f.u32(nano ? 123456789 : 123456);
        f.u32(frameOf(n).size());
        f.u32(frameOf(n).size() + 5);
        f.raw(frameOf(n));
    }
    return f.bytes;
}

/// A section in each byte order with all kinds of blocks.
Bytes mixedPcapng()
{
    Bytes out;
    for (const bool big : {false, true}) {
        FileBuilder f{big, {}};
        f.section();
        f.interface(1, "home", std::uint8_t{9});
        f.interface(229, "tunnel");
        f.packet(0, 1'700'000'001'123'456'789u, frameOf(1));
        f.packet(1, 1'700'000'002'123'456u, frameOf(2));
        FileBuilder unknown = f.body();
        unknown.u32(7);
        f.block(0x0bad, unknown);
        FileBuilder simple = f.body();
        simple.u32(frameOf(3).size());
        simple.raw(frameOf(3));
        f.block(3, simple);
        FileBuilder old = f.body();
        old.u16(1);
        old.u16(4);  // drops before this packet
        old.u32(1'700'000'003'123'456u >> 32);
        old.u32(1'700'000'003'123'456u & 0xffffffff);
        old.u32(frameOf(4).size());
        old.u32(frameOf(4).size());
        old.raw(frameOf(4));
        f.block(2, old);
        FileBuilder statistics = f.body();
        for (int i = 0; i < 3; ++i) statistics.u32(0);
        FileBuilder drops = f.body();
        drops.number(17, 8);
        statistics.option(5, drops.bytes);
        statistics.u32(0);
        f.block(5, statistics);
        out.insert(out.end(), f.bytes.begin(), f.bytes.end());
    }
    return out;
}

Bytes gzip(const Bytes& in)
{
    z_stream s{};
    if (deflateInit2(&s, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
    Bytes out(deflateBound(&s, in.size()) + 64);
    s.next_in = const_cast<Bytef*>(in.data());
    s.avail_in = static_cast<uInt>(in.size());
    s.next_out = out.data();
    s.avail_out = static_cast<uInt>(out.size());
    deflate(&s, Z_FINISH);
    out.resize(s.total_out);
    deflateEnd(&s);
    return out;
}

Bytes zstd(const Bytes& in)
{
    Bytes out(ZSTD_compressBound(in.size()));
    out.resize(ZSTD_compress(out.data(), out.size(), in.data(), in.size(), 3));
    return out;
}

}  // namespace

Q_DECLARE_METATYPE(roamscope::Bytes)

class TestPcapFiles : public QObject {
    Q_OBJECT

    QTemporaryDir dir_;

    std::string store(const Bytes& bytes, const char* name = "capture")
    {
        QFile file(dir_.filePath(QString::fromLatin1(name)));
        if (!file.open(QIODevice::WriteOnly)) qFatal("no temporary file");
        file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<qint64>(bytes.size()));
        return file.fileName().toStdString();
    }
    static Outcome read(const Bytes& bytes) { return readAll(CaptureReader::ofOctets(bytes, "capture")); }

private Q_SLOTS:
    void pcapVariantsReadAlike()
    {
        for (const bool big : {false, true}) {
            for (const bool nano : {false, true}) {
                for (const std::uint16_t link : std::initializer_list<std::uint16_t>{1, 12, 101, 113, 229, 276}) {
                    const Outcome out = read(pcap(big, nano, link));
                    QVERIFY2(!out.error, qPrintable(out.text()));
                    QCOMPARE(out.links, (std::vector<TraceLink>{{"", link}}));
                    QCOMPARE(out.frames.size(), std::size_t{3});
                    for (std::uint8_t n = 1; n <= 3; ++n)
                        QVERIFY((out.frames[n - 1u] == Frame{(1'700'000'000 + n) * std::int64_t{1'000'000'000} + (nano ? 123456789 : 123456000), 0, 25u + n, frameOf(n)}));
                }
            }
        }
    }

    void pcapngSectionsInterfacesAndBlocks()
    {
        const Outcome out = read(mixedPcapng());
        QVERIFY2(!out.error, qPrintable(out.text()));
        QCOMPARE(out.links, (std::vector<TraceLink>{{"home", 1}, {"tunnel", 229}, {"home", 1}, {"tunnel", 229}}));
        QCOMPARE(out.dropped, (std::vector<std::uint64_t>{17, 4, 17, 4}));
        QCOMPARE(out.frames.size(), std::size_t{8});
        for (std::uint32_t s = 0; s < 2; ++s) {
            QVERIFY((out.frames[4 * s] == Frame{1'700'000'001'123'456'789, 2 * s, 26, frameOf(1)}));
            QVERIFY((out.frames[4 * s + 1] == Frame{1'700'000'002'123'456'000, 2 * s + 1, 27, frameOf(2)}));
            // A simple packet has no stamp of its own.
            QVERIFY((out.frames[4 * s + 2] == Frame{1'700'000'002'123'456'000, 2 * s, 23, frameOf(3)}));
            QVERIFY((out.frames[4 * s + 3] == Frame{1'700'000'003'123'456'000, 2 * s + 1, 24, frameOf(4)}));
        }
    }

    void timeResolutionsAndOffsets_data()
    {
        QTest::addColumn<int>("resolution");
        QTest::addColumn<qint64>("offset");
        QTest::addColumn<quint64>("ticks");
        QTest::addColumn<qint64>("ns");
        QTest::newRow("seconds") << 0 << qint64{0} << quint64{5} << qint64{5'000'000'000};
        QTest::newRow("milliseconds") << 3 << qint64{0} << quint64{5} << qint64{5'000'000};
        QTest::newRow("picoseconds") << 12 << qint64{0} << quint64{5'999} << qint64{5};
        QTest::newRow("2^-10") << (0x80 | 10) << qint64{0} << quint64{1024 + 512} << qint64{1'500'000'000};
        QTest::newRow("2^-32") << (0x80 | 32) << qint64{0} << (quint64{3} << 31) << qint64{1'500'000'000};
        QTest::newRow("offset") << 6 << qint64{100} << quint64{1} << qint64{100'000'001'000};
        QTest::newRow("negative offset") << 6 << qint64{-100} << quint64{1} << qint64{-99'999'999'000};
        QTest::newRow("10^-127") << 127 << qint64{0} << ~quint64{0} << qint64{0};
        QTest::newRow("2^-127") << 255 << qint64{0} << ~quint64{0} << qint64{0};
        QTest::newRow("beyond int64") << 0 << qint64{0} << ~quint64{0} << std::numeric_limits<qint64>::max();
    }
    void timeResolutionsAndOffsets()
    {
        QFETCH(int, resolution);
        QFETCH(qint64, offset);
        QFETCH(quint64, ticks);
        QFETCH(qint64, ns);
        for (const bool big : {false, true}) {
            FileBuilder f{big, {}};
            f.section();
            f.interface(1, "x", static_cast<std::uint8_t>(resolution), offset);
            f.packet(0, ticks, frameOf(1));
            const Outcome out = read(f.bytes);
            QVERIFY2(!out.error, qPrintable(out.text()));
            QCOMPARE(static_cast<qint64>(out.frames.at(0).utc), ns);
        }
    }

    void simplePacketIsCutAtTheSnapLength()
    {
        FileBuilder f;
        f.section();
        f.interface(1, "x", std::nullopt, 0, 16);
        FileBuilder simple = f.body();
        simple.u32(1500);
        simple.raw(Bytes(16, 7));
        f.block(3, simple);
        const Outcome out = read(f.bytes);
        QVERIFY(!out.error);
        QVERIFY((out.frames.at(0) == Frame{0, 0, 1500, Bytes(16, 7)}));
    }

    void compressedFilesReadLikePlainOnes()
    {
        for (const Bytes& plain : {pcap(false, true, 1), mixedPcapng()}) {
            const Outcome expected = read(plain);
            const Bytes front(plain.begin(), plain.begin() + 50);
            const Bytes back(plain.begin() + 50, plain.end());
            for (auto pack : {gzip, zstd}) {
                // Two members or frames, one after the other, stand for the octets of both.
                Bytes both = pack(front);
                const Bytes second = pack(back);
                both.insert(both.end(), second.begin(), second.end());
                for (const Bytes& packed : {pack(plain), both}) {
                    const Outcome out = read(packed);
                    QVERIFY2(!out.error, qPrintable(out.text()));
                    QVERIFY(out.frames == expected.frames);
                }
            }
        }
    }

    void everyTruncationGivesAPrefixOfTheFrames()
    {
        for (const Bytes& whole : {pcap(false, false, 1), pcap(true, true, 1), mixedPcapng(), gzip(mixedPcapng()), zstd(mixedPcapng())}) {
            const Outcome full = read(whole);
            QVERIFY(!full.error);
            std::size_t most = 0;
            int silent = 0;
            for (std::size_t n = 0; n < whole.size(); ++n) {
                const Outcome out = read(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)));
                QVERIFY(out.frames.size() >= most && out.frames.size() <= full.frames.size());
                QVERIFY(std::equal(out.frames.begin(), out.frames.end(), full.frames.begin()));
                most = out.frames.size();
                silent += !out.error;
            }
            // No error only where a record or block ends: 17 blocks at most; a compressed file has no such place.
            QVERIFY2(silent <= 17, qPrintable(QString::number(silent)));
        }
        Bytes file = pcap(false, false, 1);
        file.pop_back();
        const Outcome cut = read(file);
        QCOMPARE(cut.frames.size(), std::size_t{2});
        QVERIFY2(cut.text().contains("ends in the middle of a packet, at octet 99"), qPrintable(cut.text()));
        QCOMPARE(cut.error->offset, std::size_t{24 + 16 + 21 + 16 + 22});
    }

    void everyDamagedOctetIsSurvived()
    {
        for (const Bytes& whole : {pcap(true, false, 1), mixedPcapng(), gzip(mixedPcapng()), zstd(mixedPcapng())}) {
            for (std::size_t i = 0; i < whole.size(); ++i) {
                for (const std::uint8_t value : {std::uint8_t{0x00}, std::uint8_t{0x7f}, std::uint8_t{0xff}}) {
                    Bytes damaged = whole;
                    damaged[i] = value;
                    const Outcome out = read(damaged);
                    for (const Frame& frame : out.frames)
                        QVERIFY(frame.bytes.size() <= maxFrameOctets && frame.original >= frame.bytes.size() && frame.link < out.links.size());
                }
            }
        }
    }

    void lyingLengthsAreRefusedWithTheirPlace_data()
    {
        QTest::addColumn<Bytes>("bytes");
        QTest::addColumn<int>("frames");
        QTest::addColumn<int>("offset");
        QTest::addColumn<QString>("words");
        FileBuilder start;
        start.section();
        start.interface(1, "x");
        start.packet(0, 1, frameOf(1));
        const auto broken = [&](const char* name, const char* words, std::size_t offset, auto change) {
            FileBuilder f = start;
            change(f);
            QTest::newRow(name) << f.bytes << 1 << static_cast<int>(start.bytes.size() + offset) << QString::fromLatin1(words);
        };
        const auto words4 = [](std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
            return [=](FileBuilder& f) {
                for (const std::uint32_t v : {a, b, c, d}) f.u32(v);
            };
        };
        broken("block of 0 octets", "a block of 0 octets", 4, words4(6, 0, 0, 0));
        broken("odd block", "a block of 13 octets", 4, words4(6, 13, 0, 0));
        broken("huge block", "more than 16777216 are refused", 4, words4(6, 0xfffffff0, 0, 0));
        broken("lengths differ", "a block of 16 octets that ends with the length 20", 12, words4(0xbad, 16, 0, 20));
        broken("packet longer than its block", "a packet of 9 octets in a block that has room for 8", 20, [](FileBuilder& f) { f.packet(0, 0, Bytes(8), 9); });
        broken("huge packet", "more than 262144 cannot be", 20, [](FileBuilder& f) { f.packet(0, 0, Bytes(262'148)); });
        broken("unknown interface", "interface 3 is used, but 1 are described", 8, [](FileBuilder& f) { f.packet(3, 0, frameOf(1)); });
        broken("section of version 2", "pcapng version 2", 12, [](FileBuilder& f) { f.section(2); });
        Bytes huge = pcap(false, false, 1);
        huge[24 + 8 + 3] = 0x10;
        QTest::newRow("pcap record") << huge << 0 << 32 << QStringLiteral("more than 262144 cannot be");
    }
    void lyingLengthsAreRefusedWithTheirPlace()
    {
        QFETCH(Bytes, bytes);
        QFETCH(int, frames);
        QFETCH(int, offset);
        QFETCH(QString, words);
        const Outcome out = read(bytes);
        QVERIFY(out.error);
        QVERIFY2(out.text().contains(words), qPrintable(out.text()));
        QCOMPARE(static_cast<int>(out.error->offset), offset);
        QCOMPARE(static_cast<int>(out.frames.size()), frames);
    }

    void lengthsDoNotAllocate()
    {
        // A block that claims 16 MiB in a file of 40 octets: the peak of our memory must not grow by anything like it.
        rusage before{};
        getrusage(RUSAGE_SELF, &before);
        FileBuilder f;
        f.section();
        f.u32(0xbad);
        f.u32(16 * 1024 * 1024);
        f.u32(0);
        const Outcome out = read(f.bytes);
        QVERIFY(out.error && out.error->code == ErrorCode::Truncated);
        rusage after{};
        getrusage(RUSAGE_SELF, &after);
        QVERIFY(after.ru_maxrss - before.ru_maxrss < 4096);
    }

    void aBombStaysSmallAndCanBeLeft()
    {
        // 512 MiB of zeros in blocks of 16 MiB, half a megabyte as a file: memory is bound by the block, not by the file.
        z_stream s{};
        QCOMPARE(deflateInit2(&s, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
        Bytes bomb(8 * 1024 * 1024);
        s.next_out = bomb.data();
        s.avail_out = static_cast<uInt>(bomb.size());
        const auto feed = [&](const Bytes& bytes, int flush) {
            s.next_in = const_cast<Bytef*>(bytes.data());
            s.avail_in = static_cast<uInt>(bytes.size());
            deflate(&s, flush);
        };
        FileBuilder head;
        head.section();
        feed(head.bytes, Z_NO_FLUSH);
        {
            FileBuilder block;
            block.block(0xace, {false, Bytes(maxBlockOctets - 12)});
            for (int i = 0; i < 32; ++i) feed(block.bytes, Z_NO_FLUSH);
        }
        feed({}, Z_FINISH);
        bomb.resize(s.total_out);
        deflateEnd(&s);
        QVERIFY(bomb.size() < 4 * 1024 * 1024);

        std::ofstream("/proc/self/clear_refs") << 5;  // the peak counts from here, where the system allows it
        CaptureReader reader = CaptureReader::ofOctets(std::move(bomb), "bomb");
        rusage before{};
        getrusage(RUSAGE_SELF, &before);
        CaptureRecord record;
        QVERIFY(*reader.next(record, Duration{0}) == Read::Pending);
        QVERIFY(reader.position() < 2 * maxBlockOctets);
        QVERIFY(*reader.next(record) == Read::End);
        QVERIFY(reader.position() > 32 * maxBlockOctets);
        rusage after{};
        getrusage(RUSAGE_SELF, &after);
        QVERIFY2(after.ru_maxrss - before.ru_maxrss < 128 * 1024, qPrintable(QString::number(after.ru_maxrss - before.ru_maxrss)));
        QVERIFY(reader.notes().notKept() > 0);
    }

    void whatIsNoCaptureIsRefusedAtOnce()
    {
        const auto words = [&](const Bytes& bytes) { return QString::fromStdString(CaptureReader::open(store(bytes)).error().text); };
        QVERIFY(words({}).contains("is empty"));
        QVERIFY(words({1, 2}).contains("too short"));
        QVERIFY(words({'P', 'K', 3, 4, 5}).contains("is no capture: it starts with 50 4b 03 04"));
        QVERIFY(readAll(CaptureReader::open("/nonexistent/x")).text().contains("No such file"));
        QVERIFY(readAll(CaptureReader::open("/")).text().contains("is a directory"));
    }

    void aSlowPipeGivesFramesAsTheyCome()
    {
        int ends[2];
        QCOMPARE(::pipe(ends), 0);
        const Bytes whole = mixedPcapng();
        CaptureReader reader = CaptureReader::adopt(ends[0], "pipe");
        CaptureRecord record;
        std::size_t frames = 0;
        std::size_t pending = 0;
        for (const std::uint8_t octet : whole) {
            QCOMPARE(::write(ends[1], &octet, 1), ssize_t{1});
            for (;;) {
                const auto read = reader.next(record, Duration{0});
                QVERIFY(read);
                pending += *read == Read::Pending;
                if (*read != Read::Frame) break;
                ++frames;
            }
        }
        ::close(ends[1]);
        QCOMPARE(frames, std::size_t{8});
        QCOMPARE(pending, whole.size());
        QVERIFY(*reader.next(record) == Read::End);
    }
};

QTEST_APPLESS_MAIN(TestPcapFiles)
#include "test_pcap_files.moc"
