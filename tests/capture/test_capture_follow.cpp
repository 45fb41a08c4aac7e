// SPDX-License-Identifier: GPL-3.0-or-later
// A file that somebody else still writes: its end is waited for, and what happens to it is noticed.
#include "capture/io/capture_reader.hpp"
#include "capture/run/session.hpp"

#include <QElapsedTimer>
#include <QFile>
#include <QTemporaryDir>
#include <QtTest>
#include <thread>
#include <zlib.h>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

constexpr Duration moment{0};
constexpr Duration soon{2'000'000'000};

Bytes start(std::size_t frames)
{
    QFile file(QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/vectors.pcap"));
    if (!file.open(QIODevice::ReadOnly)) qFatal("no vectors");
    const QByteArray all = file.readAll();
    std::size_t size = 24;
    for (std::size_t i = 0; i < frames; ++i) size += 16 + static_cast<std::uint8_t>(all[static_cast<qsizetype>(size) + 8]) + 256u * static_cast<std::uint8_t>(all[static_cast<qsizetype>(size) + 9]);
    return Bytes(all.begin(), all.begin() + static_cast<qsizetype>(size));
}

/// Read::Frame and so on as text, "error" for an error.
QString outcome(CaptureReader& reader, std::optional<Duration> wait = moment)
{
    CaptureRecord record;
    const auto read = reader.next(record, wait);
    if (!read) return QString::fromStdString(read.error().text);
    return *read == Read::Frame ? "frame" : *read == Read::End ? "end" : "pending";
}

}  // namespace

class TestCaptureFollow : public QObject {
    Q_OBJECT

    QTemporaryDir dir_;
    QString path_;
    QFile file_;

    void append(const Bytes& bytes, std::size_t from, std::size_t to)
    {
        file_.write(reinterpret_cast<const char*>(bytes.data()) + from, static_cast<qint64>(to - from));
        file_.flush();
    }
    CaptureReader follow()
    {
        auto reader = CaptureReader::follow(path_.toStdString());
        if (!reader) qFatal("cannot be followed");
        return std::move(*reader);
    }

private Q_SLOTS:
    void init()
    {
        path_ = dir_.filePath("growing");
        QFile::remove(path_);
        file_.setFileName(path_);
        if (!file_.open(QIODevice::WriteOnly)) qFatal("no temporary file");
    }
    void cleanup() { file_.close(); }

    void everyOctetMayComeAlone()
    {
        const Bytes all = start(3);
        CaptureReader reader = follow();
        QVERIFY(!reader.isRegular());
        int frames = 0;
        for (std::size_t i = 0; i < all.size(); ++i) {
            QCOMPARE(outcome(reader), QString("pending"));
            append(all, i, i + 1);
            if (start(1).size() == i + 1 || start(2).size() == i + 1 || all.size() == i + 1) {
                QCOMPARE(outcome(reader), QString("frame"));
                ++frames;
            }
        }
        QCOMPARE(frames, 3);
        QCOMPARE(outcome(reader), QString("pending"));
    }

    void waitingEndsWhenOctetsCome()
    {
        const Bytes all = start(2);
        append(all, 0, start(1).size());
        CaptureReader reader = follow();
        QCOMPARE(outcome(reader), QString("frame"));
        QElapsedTimer timer;
        timer.start();
        QCOMPARE(outcome(reader, Duration{50'000'000}), QString("pending"));
        QVERIFY(timer.elapsed() >= 50);
        std::thread writer([&] {
            QTest::qSleep(150);
            append(all, start(1).size(), all.size());
        });
        QCOMPARE(outcome(reader, std::nullopt), QString("frame"));
        writer.join();
    }

    void aShorterFileIsTold()
    {
        append(start(2), 0, start(2).size());
        CaptureReader reader = follow();
        QCOMPARE(outcome(reader), QString("frame"));
        QCOMPARE(outcome(reader), QString("frame"));
        QVERIFY(file_.resize(30));
        const QString text = outcome(reader, soon);
        QCOMPARE(text, QString("%1: was made shorter while it was followed, after octet %2. What was read is kept; open it again").arg(path_).arg(start(2).size()));
        QCOMPARE(outcome(reader), text);
    }

    void anotherFileIsTold()
    {
        append(start(1), 0, start(1).size());
        CaptureReader reader = follow();
        QCOMPARE(outcome(reader), QString("frame"));
        QFile other(path_ + ".new");
        QVERIFY(other.open(QIODevice::WriteOnly));
        other.close();
        QCOMPARE(std::rename((path_ + ".new").toUtf8().constData(), path_.toUtf8().constData()), 0);
        // What was written to the old one before is not lost.
        append(start(2), start(1).size(), start(2).size());
        QCOMPARE(outcome(reader), QString("frame"));
        QVERIFY2(outcome(reader).contains(": was replaced by another file while it was followed, after octet"), qPrintable(outcome(reader)));
    }

    void aRemovedFileIsTold()
    {
        CaptureReader reader = follow();
        QCOMPARE(outcome(reader), QString("pending"));
        QVERIFY(QFile::remove(path_));
        QVERIFY(outcome(reader).contains(": was removed while it was followed, after octet 0"));
    }

    void aCompressedFileGrowsToo()
    {
        const Bytes all = start(3);
        z_stream s{};
        QCOMPARE(deflateInit2(&s, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
        CaptureReader reader = follow();
        std::size_t done = 0;
        for (std::size_t frame = 1; frame <= 3; ++frame) {
            Bytes out(4096);
            s.next_in = const_cast<Bytef*>(all.data() + done);
            s.avail_in = static_cast<uInt>(start(frame).size() - done);
            s.next_out = out.data();
            s.avail_out = static_cast<uInt>(out.size());
            deflate(&s, Z_SYNC_FLUSH);
            append(out, 0, out.size() - s.avail_out);
            done = start(frame).size();
            QCOMPARE(outcome(reader), QString("frame"));
            QCOMPARE(outcome(reader), QString("pending"));
        }
        deflateEnd(&s);
    }

    void whatIsNoCaptureIsToldOnceItIsThere()
    {
        CaptureReader reader = follow();
        QCOMPARE(outcome(reader), QString("pending"));
        append({'n', 'o', 'p', 'e'}, 0, 4);
        QVERIFY(outcome(reader).contains("is no capture: it starts with 6e 6f 70 65"));
    }

    void aSessionFollowsUntilItIsStopped()
    {
        append(start(1), 0, start(1).size());
        auto session = openCapture(path_.toStdString(), true);
        QVERIFY(session);
        QTRY_COMPARE((*session)->view().trace.size(), std::size_t{1});
        append(start(3), start(1).size(), start(3).size() - 1);
        QTRY_COMPARE((*session)->view().trace.size(), std::size_t{2});
        QVERIFY(!(*session)->view().complete);
        QElapsedTimer timer;
        timer.start();
        (*session)->stop();
        QTRY_VERIFY((*session)->view().complete);
        QVERIFY2(timer.elapsed() < 2000, qPrintable(QString::number(timer.elapsed())));
        QVERIFY(!(*session)->view().problem);
    }
};

QTEST_GUILESS_MAIN(TestCaptureFollow)
#include "test_capture_follow.moc"
