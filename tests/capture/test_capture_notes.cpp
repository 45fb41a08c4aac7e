// SPDX-License-Identifier: GPL-3.0-or-later
// What a capture says beside its frames: read in both byte orders, written back, and shown alike by capinfos and tshark.
#include "capture/io/capture_reader.hpp"
#include "capture/io/pcapng_file.hpp"
#include "capture/run/session.hpp"
#include "tests/support/capture_checks.hpp"

#include <QElapsedTimer>
#include <QFile>
#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QtTest>
#include <thread>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

const QString folder = QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/captures/");
constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t epoch = 1'700'000'000 * second;

Bytes contents(const QString& path)
{
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly)) qFatal("%s is missing", qPrintable(path));
    const QByteArray all = file.readAll();
    return Bytes(all.begin(), all.end());
}

QByteArray output(const QString& program, const QStringList& arguments)
{
    QProcess process;
    process.start(program, arguments);
    if (!process.waitForFinished(60'000) || process.exitStatus() != QProcess::NormalExit || process.exitCode() != 0)
        return "failed: " + process.readAllStandardError();
    return process.readAllStandardOutput();
}

Bytes bytesOf(std::string_view text) { return Bytes(text.begin(), text.end()); }

using Texts = std::vector<std::string>;

/// A section with one interface, and room for more blocks.
struct Blocks {
    Bytes bytes;
    Blocks()
    {
        block(0x0a0d0d0a, {0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
        block(1, {1, 0, 0, 0, 0, 0, 0, 0});
    }
    void u32(std::size_t v)
    {
        for (unsigned i = 0; i < 4; ++i) bytes.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
    }
    void block(std::uint32_t type, Bytes body)
    {
        while (body.size() % 4 != 0) body.push_back(0);
        u32(type);
        u32(body.size() + 12);
        bytes.insert(bytes.end(), body.begin(), body.end());
        u32(body.size() + 12);
    }
};

}  // namespace

class TestCaptureNotes : public QObject {
    Q_OBJECT

    QTemporaryDir dir_;

    QString saved(const char* file)
    {
        const test::ReadCapture read = test::readCapture(contents(folder + file));
        const QString path = dir_.filePath("saved.pcapng");
        if (!saveTrace(read.trace.snapshot(), read.dropped, path.toStdString(), read.notes)) qFatal("cannot be saved");
        return path;
    }

private Q_SLOTS:
    void everythingIsKept_data()
    {
        QTest::addColumn<QString>("file");
        QTest::newRow("little-endian") << "notes-le.pcapng";
        QTest::newRow("big-endian") << "notes-be.pcapng";
    }
    void everythingIsKept()
    {
        QFETCH(QString, file);
        const test::ReadCapture read = test::readCapture(contents(folder + file));
        QVERIFY2(!read.error && read.fault.empty(), read.fault.c_str());
        const CaptureNotes& notes = read.notes;
        QCOMPARE(notes.oddityTexts(), Texts{});
        QCOMPARE(notes.notKept(), std::uint64_t{0});

        QCOMPARE(notes.sections().size(), std::size_t{1});
        const CaptureSection& section = notes.sections()[0];
        QCOMPARE(section.bigEndian, file.contains("be"));
        QCOMPARE(textOf(section.options, option::hardware), std::string("a machine"));
        QCOMPARE(textOf(section.options, option::system), std::string("an os"));
        QCOMPARE(textOf(section.options, option::application), std::string("a program"));
        QCOMPARE(notes.fileComments(), (Texts{"comment of the file", "second comment of the file", "comment of the names"}));

        QCOMPARE(notes.interfaces().size(), std::size_t{2});
        const CaptureInterface& core = notes.interfaces()[0];
        QCOMPARE(textOf(core.options, option::description), std::string("towards the core"));
        QCOMPARE(commentsOf(core.options), Texts{"comment of the interface"});
        QCOMPARE(core.snapLength, 262144u);
        QCOMPARE(core.resolution, std::uint8_t{9});
        QCOMPARE(core.timeOffset, std::int64_t{3600});
        QCOMPARE(core.fcsLength, std::uint8_t{4});
        QCOMPARE(numberOf(core.options, option::speed), std::optional<std::uint64_t>(1'000'000'000));
        QCOMPARE(textOf(core.options, option::interfaceSystem), std::string("its os"));
        QCOMPARE(textOf(core.options, option::interfaceHardware), std::string("its card"));
        QCOMPARE(core.options.size(), std::size_t{12});
        QCOMPARE(numberOf(core.statistics, option::received), std::optional<std::uint64_t>(100));
        QCOMPARE(core.statisticsTime, std::optional<std::int64_t>(epoch + 5));
        QCOMPARE(commentsOf(core.statistics), Texts{"comment of the counters"});
        QCOMPARE(read.dropped, (std::vector<std::uint64_t>{8, 2}));

        QCOMPARE(notes.names().size(), std::size_t{3});
        QCOMPARE(notes.names()[0], (CaptureName{1, {192, 0, 2, 1}, {"four.example"}}));
        QCOMPARE(notes.names()[1].names, (Texts{"ha.example", "home-agent"}));
        QCOMPARE(notes.names()[2].address.size(), std::size_t{6});

        QCOMPARE(notes.blocks().size(), std::size_t{5});
        QCOMPARE(notes.blocks()[0].type, blockType::secrets);
        QCOMPARE(notes.blocks()[2].type, blockType::customNotCopied);
        QCOMPARE(notes.blocks()[3].body, bytesOf(std::string("a block of nobody") + std::string(3, '\0')));
        QCOMPARE(notes.blocks()[4].packet, std::uint64_t{4});

        QCOMPARE(read.utc, (std::vector<std::int64_t>{epoch + 123'456'789, epoch + second, epoch + second, epoch + 2 * second}));
        QCOMPARE(notes.packetComments(0), (Texts{"first comment", "zweite Bemerkung: \xc3\xbc"}));
        QCOMPARE(numberOf(notes.packetOptions(0), option::flags), std::optional<std::uint64_t>(0x12345601));
        QCOMPARE(numberOf(notes.packetOptions(0), 5), std::optional<std::uint64_t>(0x1122334455667788));
        QCOMPARE(notes.packetOptions(0).back(), (CaptureOption{option::customOctets, {0xd9, 0x7e, 0, 0, 1, 2}}));
        QCOMPARE(notes.packetComments(1), Texts{});
        QCOMPARE(notes.packetComments(3), Texts{"comment of an old packet"});
        QCOMPARE(notes.notedPackets(), (std::vector<std::uint64_t>{0, 3}));
    }

    void bothOrdersAreWrittenAlike()
    {
        const Bytes little = contents(saved("notes-le.pcapng"));
        QVERIFY(little == contents(saved("notes-be.pcapng")));
        // What was written is written again octet for octet.
        const test::ReadCapture again = test::readCapture(little);
        const QString path = dir_.filePath("again.pcapng");
        QVERIFY(saveTrace(again.trace.snapshot(), again.dropped, path.toStdString(), again.notes));
        QVERIFY(contents(path) == little);
        // Of the blocks, those stay behind of which nobody knows what they refer to, or which may not be copied.
        QCOMPARE(again.notes.blocks().size(), std::size_t{3});
        QCOMPARE(again.notes.blocks()[0].body, Bytes({0x4b, 0x53, 0x4c, 0x54, 11, 0, 0, 0, '#', ' ', 'a', ' ', 's', 'e', 'c', 'r', 'e', 't', '\n', 0}));
        QCOMPARE(again.notes.blocks()[1].body, bytesOf(std::string("\xd9\x7e\0\0may be copied ..", 20)));
        QCOMPARE(again.notes.blocks()[2].packet, std::uint64_t{4});
        QCOMPARE(numberOf(again.notes.interfaces()[0].statistics, option::systemDropped), std::optional<std::uint64_t>(1));
        for (const CaptureOption& o : again.notes.interfaces()[0].options) QVERIFY(o.code != 19372);
    }

    void everySmallCaptureIsRewritten()
    {
        int files = 0;
        for (const char* sub : {"", "good/", "odd/", "bad/"}) {
            for (const QString& name : QDir(folder + sub).entryList(QDir::Files)) {
                const test::ReadCapture read = test::readCapture(contents(folder + sub + name));
                QVERIFY2(read.fault.empty(), qPrintable(name + ": " + QString::fromStdString(read.fault)));
                QCOMPARE(QString::fromStdString(test::rewriteFault(read)), QString());
                ++files;
            }
        }
        QVERIFY(files > 80);
    }

    void aSessionKeepsThemAndSavesThem()
    {
        const auto session = openCapture((folder + "notes-le.pcapng").toStdString());
        QVERIFY(session);
        QTRY_VERIFY((*session)->view().complete);
        QCOMPARE((*session)->view().notes->packetComments(3), Texts{"comment of an old packet"});
        const QString path = dir_.filePath("session.pcapng");
        QVERIFY((*session)->save(path.toStdString()));
        QVERIFY(contents(path) == contents(saved("notes-le.pcapng")));
    }

    void capinfosAndTsharkShowThem()
    {
        const QString capinfos = QStandardPaths::findExecutable("capinfos");
        const QString tshark = QStandardPaths::findExecutable("tshark");
        if (capinfos.isEmpty() || tshark.isEmpty()) QSKIP("capinfos and tshark are not installed");
        const QString path = saved("notes-be.pcapng");
        const QByteArray infos = output(capinfos, {path});
        for (const char* words : {"Number of packets:   4", "comment of the file", "second comment of the file", "a machine", "an os", "Name = core0", "Description = towards the core",
                                  "Comment = comment of the interface", "Speed = 1000000000", "Name = home0", "Number of stat entries = 1", "Number of resolved IPv4 addresses in file: 1", "Number of resolved IPv6 addresses in file: ",
                                  "Number of decryption secrets in file: 1"})
            QVERIFY2(infos.contains(words), infos + "\nlacks: " + words);
        const QStringList fields{"-T", "fields", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.comment", "-e", "frame.interface_name", "-e", "frame.packet_flags", "-Y", "frame.interface_name", "-r"};
        const QByteArray ours = output(tshark, fields + QStringList{path});
        QVERIFY2(ours.contains("first comment,zweite Bemerkung: \xc3\xbc\tcore0\t0x12345601") && ours.contains("comment of an old packet\thome0"), ours);
        // A simple packet block has no time, which tshark shows as 0; ours, which is that of the packet before, is written.
        const QByteArray theirs = output(tshark, fields + QStringList{folder + "notes-be.pcapng"});
        const QList<QByteArray> a = ours.split('\n');
        const QList<QByteArray> b = theirs.split('\n');
        QCOMPARE(a.size(), 5);
        QCOMPARE(b.size(), 5);
        for (qsizetype i = 0; i < a.size(); ++i)
            if (i != 2) QCOMPARE(a[i], b[i]);
    }

    void whatIsKeptIsBounded()
    {
        // 300 blocks of 100,000 octets, and 600 packets with long comments: more than the bound twice over.
        Blocks file;
        for (int i = 0; i < 300; ++i) file.block(0xace, Bytes(100'000, 1));
        Bytes packet(20, 0);
        packet.insert(packet.end(), {1, 0, 0xff, 0xff});
        packet.insert(packet.end(), 65'536, 'x');
        for (int i = 0; i < 600; ++i) file.block(6, packet);
        const test::ReadCapture read = test::readCapture(std::move(file.bytes));
        QVERIFY(!read.error && read.fault.empty());
        QCOMPARE(read.utc.size(), std::size_t{600});
        std::size_t kept = 0;
        for (const CaptureBlock& block : read.notes.blocks()) kept += block.body.size();
        for (const std::uint64_t i : read.notes.notedPackets())
            for (const CaptureOption& o : read.notes.packetOptions(i)) kept += o.value.size();
        QVERIFY(kept <= maxNotesOctets);
        QVERIFY(kept > maxNotesOctets / 2);
        QCOMPARE(read.notes.notKept(), 900 - read.notes.blocks().size() - read.notes.notedPackets().size());
        QCOMPARE(read.notes.oddityTexts().size(), std::size_t{1});
        QVERIFY(read.notes.oddityTexts()[0].find("are not kept: there are more than 16 MiB of them") != std::string::npos);
        QCOMPARE(QString::fromStdString(test::rewriteFault(read)), QString());
    }

    void flagsLeaveRoomForComments()
    {
        Blocks file;
        Bytes flagged(20, 0);
        flagged.insert(flagged.end(), {2, 0, 4, 0, 1, 0, 0, 0});
        for (int i = 0; i < 400'000; ++i) file.block(6, flagged);
        Bytes commented(20, 0);
        commented.insert(commented.end(), {1, 0, 4, 0, 'l', 'a', 's', 't'});
        file.block(6, commented);
        const test::ReadCapture read = test::readCapture(std::move(file.bytes));
        QVERIFY(read.notes.notKept() > 0);
        QCOMPARE(read.notes.packetComments(400'000), Texts{"last"});
    }

    void aLongStretchWithoutFramesCanBeLeft()
    {
        // 2 million blocks that hold no frame: who waits no longer than a little must get an answer before they are through.
        Blocks file;
        Blocks one;
        one.bytes.clear();
        one.block(5, Bytes(12, 0));
        for (int i = 0; i < 2'000'000; ++i) file.bytes.insert(file.bytes.end(), one.bytes.begin(), one.bytes.end());
        CaptureReader reader = CaptureReader::ofOctets(std::move(file.bytes), "capture");
        CaptureRecord record;
        const auto read = reader.next(record, Duration{1'000'000});
        QVERIFY(read);
        QVERIFY(*read == Read::Pending);
        QVERIFY(reader.position() < 24 * 2'000'000);
        QVERIFY(*reader.next(record) == Read::End);
    }
};

QTEST_GUILESS_MAIN(TestCaptureNotes)
#include "test_capture_notes.moc"
