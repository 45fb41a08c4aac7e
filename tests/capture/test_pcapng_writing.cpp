// SPDX-License-Identifier: GPL-3.0-or-later
// Captures that are written: they read back, and a disk that is full leaves whole blocks and the older file.
#include "capture/io/pcapng_file.hpp"
#include "tests/support/capture_outcome.hpp"

#include <QFile>
#include <QTemporaryDir>
#include <QtTest>
#include <csignal>
#include <sys/resource.h>

using namespace roamscope;
using namespace roamscope::capture;
using namespace roamscope::test;

class TestPcapngWriting : public QObject {
    Q_OBJECT

    QTemporaryDir dir_;

private Q_SLOTS:
    void whatIsWrittenIsReadBack()
    {
        const std::string path = dir_.filePath("written.pcapng").toStdString();
        auto writer = PcapngWriter::create(path);
        QVERIFY(writer);
        QCOMPARE(*writer->addLink({"home", 1}), 0u);
        QCOMPARE(*writer->addLink({"core", 229}), 1u);
        for (std::uint8_t n = 0; n < 200; ++n) QVERIFY(writer->write(n % 2u, 1'700'000'000'000'000'000 + n, frameOf(n), 1000));
        QVERIFY(!writer->write(2, 0, frameOf(1), 21));  // not described
        QVERIFY(writer->finish({3, 0}));
        const Outcome out = readAll(CaptureReader::open(path));
        QVERIFY(!out.error);
        QCOMPARE(out.links, (std::vector<TraceLink>{{"home", 1}, {"core", 229}}));
        QCOMPARE(out.dropped, (std::vector<std::uint64_t>{3, 0}));
        QCOMPARE(out.frames.size(), std::size_t{200});
        for (std::uint8_t n = 0; n < 200; ++n) QVERIFY((out.frames[n] == Frame{1'700'000'000'000'000'000 + n, n % 2u, 1000, frameOf(n)}));
    }

    void writeErrorsAreReportedWithThePath()
    {
        const auto refused = PcapngWriter::create("/nonexistent/x.pcapng");
        QVERIFY(!refused);
        QCOMPARE(refused.error().text.c_str(), "/nonexistent/x.pcapng: cannot be written: No such file or directory. Make the folder first");
        if (!QFile::exists("/dev/full")) QSKIP("no /dev/full here");
        auto writer = PcapngWriter::create("/dev/full");
        QVERIFY(writer);
        QVERIFY(writer->addLink({"home", 1}));
        const auto flushed = writer->flush();
        QVERIFY(!flushed);
        QCOMPARE(flushed.error().text.c_str(), "/dev/full: writing failed: No space left on device. Free some space or choose another place");
        QVERIFY(!writer->finish({}));
    }

    void aDiskThatFillsAnywhereLeavesWholeBlocks()
    {
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit old{};
        getrlimit(RLIMIT_FSIZE, &old);
        const std::string path = dir_.filePath("full.pcapng").toStdString();
        // 1000 packets make 90,000 octets; the limit goes through all of it.
        for (rlim_t most = 0; most < 95'000; most += 613) {
            const rlimit small{most, old.rlim_max};
            setrlimit(RLIMIT_FSIZE, &small);
            Result<void> result;
            std::uint32_t written = 0;
            {
                auto writer = PcapngWriter::create(path);
                if (!writer) result = tl::unexpected(writer.error());
                else if (auto added = writer->addLink({"home", 1}); !added) result = tl::unexpected(added.error());
                for (; result && written < 1000; ++written) {
                    result = writer->write(0, written, frameOf(static_cast<std::uint8_t>(written % 80)), 100);
                    if (result && written % 50 == 0) result = writer->flush();
                }
                if (result) result = writer->finish({});
                // An error stays: nothing is written behind a block that was cut.
                else if (writer) QVERIFY(!writer->write(0, 0, frameOf(1), 21) && !writer->finish({}));
            }
            setrlimit(RLIMIT_FSIZE, &old);
            const Outcome out = readAll(CaptureReader::open(path));
            if (result) {
                QVERIFY(!out.error);
                QCOMPARE(out.frames.size(), std::size_t{1000});
                continue;
            }
            QVERIFY2(result.error().text.find("full.pcapng: writing failed: File too large") != std::string::npos, result.error().text.c_str());
            QVERIFY(!out.error || out.error->code == ErrorCode::Truncated);
            QVERIFY(out.frames.size() <= written);
            // No more is lost than what was not handed over and the block that was cut.
            QVERIFY(most < 1000 || out.frames.size() > 0);
            for (std::size_t i = 0; i < out.frames.size(); ++i) QVERIFY((out.frames[i] == Frame{static_cast<std::int64_t>(i), 0, 100, frameOf(static_cast<std::uint8_t>(i % 80))}));
        }
    }

    void aFullDiskKeepsTheOlderFile()
    {
        const std::string path = dir_.filePath("old.pcapng").toStdString();
        QFile old(QString::fromStdString(path));
        QVERIFY(old.open(QIODevice::WriteOnly) && old.write("\1\2\3") == 3);
        old.close();
        Trace trace;
        trace.addLink({"home", 1});
        for (int i = 0; i < 2000; ++i) trace.append(atNanoseconds(i), 0, Bytes(100), 100);
        // A file size limit stands in for the full disk.
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit before{};
        getrlimit(RLIMIT_FSIZE, &before);
        const rlimit small{100'000, before.rlim_max};
        setrlimit(RLIMIT_FSIZE, &small);
        const auto saved = saveTrace(trace.snapshot(), {}, path);
        setrlimit(RLIMIT_FSIZE, &before);
        QVERIFY(!saved);
        QVERIFY2(saved.error().text.find("writing failed: File too large") != std::string::npos, saved.error().text.c_str());
        QFile file(QString::fromStdString(path));
        QVERIFY(file.open(QIODevice::ReadOnly));
        QCOMPARE(file.readAll(), QByteArray("\1\2\3"));
        QVERIFY(!QFile::exists(QString::fromStdString(path + ".part")));
        QVERIFY(saveTrace(trace.snapshot(), {}, path));
        QCOMPARE(readAll(CaptureReader::open(path)).frames.size(), std::size_t{2000});
    }
};

QTEST_APPLESS_MAIN(TestPcapngWriting)
#include "test_pcapng_writing.moc"
