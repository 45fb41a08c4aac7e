// SPDX-License-Identifier: GPL-3.0-or-later
// The small captures of tests/data/captures (made by make_captures.py): every good variant lists the frames that tshark lists,
// every odd one is read whole and says what is odd, every bad one gives what stands before its defect and names the place.
#include "capture/io/capture_reader.hpp"
#include "tests/support/capture_checks.hpp"

#include <QDir>
#include <QFile>
#include <QProcess>
#include <QStandardPaths>
#include <QtTest>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

const QString folder = QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/captures/");

struct Outcome {
    std::size_t frames = 0;
    std::vector<std::string> oddities;
    std::string error;
    QStringList lines;  ///< of each frame: number, time, length, captured length
};

Outcome readFile(const QString& path)
{
    Outcome out;
    auto reader = CaptureReader::open(path.toStdString());
    if (!reader) {
        out.error = reader.error().text;
        return out;
    }
    CaptureRecord record;
    for (;;) {
        const auto read = reader->next(record);
        if (!read) out.error = read.error().text;
        if (!read || *read == Read::End) break;
        ++out.frames;
        out.lines << QString("%1\t%2.%3\t%4\t%5").arg(out.frames).arg(record.utc / 1'000'000'000).arg(record.utc % 1'000'000'000, 9, 10, QChar('0')).arg(record.originalLength).arg(record.bytes.size());
    }
    out.oddities = reader->notes().oddityTexts();
    return out;
}

QStringList filesOf(const char* sub) { return QDir(folder + sub).entryList(QDir::Files); }

}  // namespace

class TestMalformedCaptures : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void goodOnesAreReadAsTsharkDoes()
    {
        const QString tshark = QStandardPaths::findExecutable("tshark");
        const QStringList files = filesOf("good");
        QCOMPARE(files.size(), 18);
        for (const QString& name : files) {
            const Outcome ours = readFile(folder + "good/" + name);
            QVERIFY2(ours.error.empty() && ours.oddities.empty() && ours.frames == 3, qPrintable(name));
        }
        if (tshark.isEmpty()) QSKIP("tshark is not installed: the frames were read, but not compared");
        for (const QString& name : files) {
            QProcess process;
            process.start(tshark, {"-r", folder + "good/" + name, "-T", "fields", "-e", "frame.number", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len", "-e", "mip6.mhtype"});
            QVERIFY(process.waitForFinished(60'000));
            const QStringList theirs = QString::fromLatin1(process.readAllStandardOutput()).split('\n', Qt::SkipEmptyParts);
            const QStringList ours = readFile(folder + "good/" + name).lines;
            QCOMPARE(theirs.size(), ours.size());
            // tshark finds the binding update in each: the files are what they are meant to be.
            for (qsizetype i = 0; i < ours.size(); ++i) QCOMPARE(theirs[i], ours[i] + "\t5");
        }
    }

    void oddOnesAreReadWhole_data()
    {
        QTest::addColumn<int>("frames");
        QTest::addColumn<QString>("words");
        const auto row = [](const char* name, int frames, const char* words = "") { QTest::newRow(name) << frames << QString::fromLatin1(words); };
        row("back.pcap", 3, "2 packets have a time before that of the packet before them; the order of the file is kept (first: packet 2, octet 134)");
        row("captured-more-than-snap.pcap", 1, "1 packet is longer than its interface's limit; all its octets are kept (packet 1, octet 24)");
        row("captured-more-than-wire.pcap", 1, "1 packet has more octets than it says were on the wire; those that are there count (packet 1, octet 24)");
        row("captured-more-than-wire.pcapng", 1, "1 packet has more octets than it says were on the wire; those that are there count (packet 1, octet 48)");
        row("captured-none.pcap", 2);
        row("empty-options.pcapng", 1);
        row("ends-of-time.pcapng", 2, "1 packet has a time before that of the packet before it; the order of the file is kept (packet 2, octet 176)|"
                                      "1 packet has a time too far from 1970 for nanoseconds in 64 bits; the nearest that can be is shown (packet 1, octet 48)");
        row("fcs.pcap", 1);
        row("fraction-ns.pcap", 1, "1 packet has a fraction of more than a second; it is carried over (packet 1, octet 24)");
        row("fraction.pcap", 1, "1 packet has a fraction of more than a second; it is carried over (packet 1, octet 24)");
        row("link-bits.pcap", 1, "1 header has reserved bits beside the link type; they are left out (octet 20)");
        row("long-name.pcapng", 1);
        row("many-options.pcapng", 1, "1 list has more than 4096 options; those behind are left out (octet 48)");
        row("minor-2.pcap", 1);
        row("minor-9.pcap", 1, "1 header has a minor version that is not known; it is read like the newest that is (octet 6)");
        row("names-lie.pcapng", 1, "1 name resolution block is damaged; it is read up to the damage (octet 104)");
        row("no-interface.pcapng", 0);
        row("no-packet.pcap", 0);
        row("obsolete.pcapng", 1);
        row("option-lie.pcapng", 1, "3 lists of options are damaged; they are read up to the damage (first: octet 0)");
        row("options-without-end.pcapng", 1);
        row("patched-24.pcap", 3);
        row("patched-28.pcap", 3);
        row("section-length.pcapng", 1, "1 section is not as long as it says; what stands in it counts (octet 16)");
        row("sections.pcapng", 4);
        row("skippable.pcap.zst", 3);
        row("snap.pcapng", 2, "1 packet is longer than its interface's limit; all its octets are kept (packet 1, octet 48)");
        row("statistics-of-nobody.pcapng", 1, "2 statistics blocks are too short or of an interface that is not described; they are left out (first: octet 176)");
        row("trailing-zeros.pcap.gz", 3, "the compressed data end at octet 191 of the file; what stands behind them is not compressed data and is left out");
        row("trailing.pcap.gz", 3, "the compressed data end at octet 191 of the file; what stands behind them is not compressed data and is left out");
        row("trailing.pcap.zst", 3, "the compressed data end at octet 205 of the file; what stands behind them is not compressed data and is left out");
        row("tsoffset-before.pcapng", 1, "1 packet has a time before 1970 (packet 1, octet 64)");
        row("tsoffset-far.pcapng", 1, "1 packet has a time too far from 1970 for nanoseconds in 64 bits; the nearest that can be is shown (packet 1, octet 64)");
        row("tsoffset-least.pcapng", 1, "1 packet has a time too far from 1970 for nanoseconds in 64 bits; the nearest that can be is shown (packet 1, octet 64)|"
                                        "1 packet has a time before 1970 (packet 1, octet 64)");
        row("tsresol-0.pcapng", 2, "1 packet has a time too far from 1970 for nanoseconds in 64 bits; the nearest that can be is shown (packet 2, octet 188)");
        row("tsresol-127.pcapng", 2, "1 interface counts time in units too fine to tell anything; its packets all have the same time (octet 28)");
        row("tsresol-255.pcapng", 2, "1 interface counts time in units too fine to tell anything; its packets all have the same time (octet 28)");
        row("two-frames.pcap.zst", 3);
        row("two-members.pcap.gz", 3);
        row("year-2106.pcap", 1);
    }
    void oddOnesAreReadWhole()
    {
        QFETCH(int, frames);
        QFETCH(QString, words);
        const Outcome out = readFile(folder + "odd/" + QTest::currentDataTag());
        QCOMPARE(QString::fromStdString(out.error), QString());
        QCOMPARE(static_cast<int>(out.frames), frames);
        QStringList told;
        for (const std::string& text : out.oddities) told << QString::fromStdString(text);
        QCOMPARE(told.join('|'), words);
    }

    void namesOfLinksHaveABound()
    {
        auto reader = CaptureReader::open((folder + "odd/long-name.pcapng").toStdString());
        QVERIFY(reader);
        CaptureRecord record;
        QCOMPARE(*reader->next(record), Read::Frame);
        const QString name = QString::fromStdString(reader->links().front().name);
        QVERIFY(name.toUtf8().size() <= 255 && name.toUtf8().size() > 250);
        QVERIFY(name.startsWith("W-LAN-Ger") && name.endsWith(QChar(0x2026)) && !name.contains(QChar::ReplacementCharacter));
        QCOMPARE(textOf(reader->notes().interfaces().front().options, option::name).size(), std::size_t{1300});  // whole there
    }

    void badOnesNameTheirDefect_data()
    {
        QTest::addColumn<int>("frames");
        QTest::addColumn<QString>("words");
        const auto row = [](const char* name, int frames, const char* words) { QTest::newRow(name) << frames << QString::fromLatin1(words); };
        const char* again = "; record or copy the file again";
        const auto broken = [&](const char* name, int frames, const char* what) {
            const char* kept = frames == 0 ? ". No packet stands before it" : ". The packet before it is kept";
            row(name, frames, (QByteArray("broken at octet ") + what + kept + again).constData());
        };
        row("block-cut.pcapng", 1, "ends in the middle of a packet, at octet 176: 119 of 128 octets of the block are there. The packet before it is kept; copy the file again");
        row("block-header-cut.pcapng", 1, "ends in the middle of a packet, at octet 176: 5 of 12 octets of the block are there. The packet before it is kept; copy the file again");
        broken("block-ends-otherwise.pcapng", 1, "300: a block of 128 octets that ends with the length 20");
        broken("block-huge.pcapng", 1, "180: a block of 4294967280 octets, more than 16777216 are refused");
        broken("block-of-0.pcapng", 1, "180: a block of 0 octets");
        broken("block-of-13.pcapng", 1, "180: a block of 13 octets");
        broken("block-of-8.pcapng", 1, "180: a block of 8 octets");
        broken("byte-order.pcapng", 0, "8: a section without a byte order");
        broken("captured-huge.pcapng", 1, "196: a packet of 4294967295 octets, more than 262144 cannot be");
        broken("captured-lie.pcapng", 1, "196: a packet of 494 octets in a block that has room for 96");
        row("checksum.pcap.gz", 3, "the compressed data are damaged at octet 117 of the file, which is octet 354 of the capture (incorrect data check). What stands before is kept; copy the file again");
        row("cut.pcap.gz", -1, "the compressed data end early, at octet ");
        row("cut.pcap.zst", -1, "the compressed data end early, at octet ");
        row("damaged.pcap.gz", -1, "");
        row("damaged.pcap.zst", -1, "of the file, which is octet 18000 of the capture (");
        row("empty.pcap", 0, "is empty. Record it again or choose another file");
        row("header-cut.pcap", 0, "ends in the middle of its header: 20 of 24 octets are there. Record or copy it again");
        broken("huge.pcap", 1, "142: a packet of 2147483647 octets, more than 262144 cannot be");
        broken("just-too-huge.pcap", 1, "142: a packet of 262145 octets, more than 262144 cannot be");
        row("major-1.pcap", 0, "is pcap version 1.4 (octet 4), only version 2 is known. Record or copy it again");
        broken("major-2.pcapng", 1, "188: pcapng version 2, only version 1 is known");
        row("no-capture.txt", 0, "is no capture: it starts with 6e 6f 20 63. Expected pcap or pcapng, plain, .gz or .zst");
        broken("no-interface.pcapng", 0, "36: interface 0 is used, but 0 are described");
        row("no-section.pcapng", 0, "is no capture: it starts with 01 00 00 00. Expected pcap or pcapng, plain, .gz or .zst");
        row("patched-unclear.pcap", 0, "is pcap of a patched libpcap, and its record headers (octet 24) could be of more than one kind. Convert it with editcap -F pcapng");
        row("record-cut.pcap", 2, "ends in the middle of a packet, at octet 244: 109 of 110 octets are there. The 2 packets before it are kept; copy the file again");
        row("record-header-cut.pcap", 1, "ends in the middle of a packet, at octet 134: 10 of 16 octets are there. The packet before it is kept; copy the file again");
        broken("short-interface.pcapng", 1, "184: an interface description that is too short");
        broken("short-packet.pcapng", 1, "184: a packet block that is too short");
        broken("short-section.pcapng", 1, "184: a section header that is too short");
        broken("short-simple.pcapng", 1, "184: a packet block that is too short");
        broken("simple-huge.pcapng", 1, "184: a packet of 4294967295 octets, more than 262144 cannot be");
        broken("simple-lie.pcapng", 1, "184: a packet of 494 octets in a block that has room for 96");
        broken("simple-without-interface.pcapng", 0, "36: interface 0 is used, but 0 are described");
        row("three-octets.pcap", 0, "is too short for a capture. Record it again or choose another file");
        broken("unknown-interface.pcapng", 1, "184: interface 3 is used, but 1 are described");
        row("window.pcap.zst", 0, "is compressed so that reading it takes more than 128 MiB of memory, which is refused (octet 5 of the file). Unpack it with zstd -d --long=31 and open what comes out");
        row("unpack.xz", 0, "is no capture: it starts with fd 37 7a 58. It is compressed by xz: unpack it with xz -d");
    }
    void badOnesNameTheirDefect()
    {
        QFETCH(int, frames);
        QFETCH(QString, words);
        const QString path = folder + "bad/" + QTest::currentDataTag();
        const Outcome out = readFile(path);
        const QString text = QString::fromStdString(out.error);
        QVERIFY2(text.startsWith(path + ": "), qPrintable(text));
        if (frames >= 0) {
            QCOMPARE(text, path + ": " + words);
            QCOMPARE(static_cast<int>(out.frames), frames);
        } else {
            QVERIFY2(text.contains(words), qPrintable(text));
            QVERIFY(out.frames < 400);
            if (!path.endsWith("cut.pcap.zst")) QVERIFY(out.frames > 100);  // its only block is cut
        }
    }

    void everyFileStandsInATable()
    {
        // A file without a row would be a file without a test.
        QCOMPARE(filesOf("odd").size(), 40);
        QCOMPARE(filesOf("bad").size(), 38);
    }
};

QTEST_GUILESS_MAIN(TestMalformedCaptures)
#include "test_malformed_captures.moc"
