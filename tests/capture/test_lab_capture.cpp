// SPDX-License-Identifier: GPL-3.0-or-later
// The capture of a TAP lab on the real kernel: every frame once, nothing of the kernel's own, nothing lost uncounted.
#include "capture/io/machine_check.hpp"
#include "tests/support/tap_lab.hpp"

#include <QtTest>

#include <csignal>
#include <fstream>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

std::int64_t realTime()
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Processor time that a process has used, in ticks of 10 ms.
std::int64_t processorTicks(pid_t process)
{
    std::ifstream status("/proc/" + std::to_string(process) + "/stat");
    std::string word;
    std::int64_t user = 0;
    std::int64_t system = 0;
    for (int i = 0; i < 13; ++i) status >> word;
    status >> user >> system;
    return user + system;
}

/// What a router and a host say that makes an ordinary kernel answer or act: an advertised autonomous prefix, an echo request
/// to all nodes, an MLD query, UDP to nobody, an unknown protocol, an ARP request.
std::vector<Bytes> provocations()
{
    const auto packet = [](Bytes payload, std::uint8_t next) {
        if (next == 58) {  // RFC 4443 section 2.3, for the addresses below
            std::uint32_t sum =
                0xfe80 + 0x00ff + 0xfe00 + 0x0001 + 0xff02 + 0x0001 + 58 + static_cast<std::uint32_t>(payload.size());
            for (std::size_t i = 0; i + 1 < payload.size(); i += 2)
                sum += static_cast<std::uint32_t>(payload[i] << 8 | payload[i + 1]);
            while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
            payload[2] = static_cast<std::uint8_t>(~sum >> 8);
            payload[3] = static_cast<std::uint8_t>(~sum);
        }
        Writer w;
        w.bytes(Bytes{0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, 0x60, 0, 0, 0});
        w.u16(static_cast<std::uint16_t>(payload.size()));
        w.u8(next);
        w.u8(payload[0] == 130 ? 1 : 255);
        w.bytes(Bytes{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 1});
        w.bytes(Bytes{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
        w.bytes(payload);
        return w.take();
    };
    Bytes query(24, 0);
    query[0] = 130;
    return {packet({134, 0, 0, 0, 64, 0, 7, 8, 0,    0, 0,    0,    0, 0, 0, 0, 3, 4, 64, 0xc0, 0, 0, 7, 8,
                    0,   0, 7, 8, 0,  0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0,  0,    0, 0, 0, 0},
                   58),
            packet({128, 0, 0, 0, 0, 1, 0, 1}, 58),
            packet(query, 58),
            packet({0, 7, 0, 7, 0, 8, 0, 0}, 17),
            packet({0, 7, 0, 7, 0, 8, 0, 0}, 253),
            Bytes{255, 255, 255, 255, 255, 255, 2, 0,   0, 0, 0, 1, 8, 6, 0, 1, 8, 0,   6, 4, 0,
                  1,   2,   0,   0,   0,   0,   1, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2}};
}

}  // namespace

class TestLabCapture : public QObject {
    Q_OBJECT

private slots:
    void initTestCase()
    {
        const Result<void> allowed = tapBackendAvailable();
        if (!allowed) QSKIP(allowed.error().text.c_str());
    }

    void everyFrameIsCapturedOnceOnItsLinkInOrderOfTime()
    {
        TestLab lab;
        QVERIFY(lab.good);
        const Result<FileDescriptor> pipe = lab.space->startCapture();
        QVERIFY2(pipe, pipe ? "" : pipe.error().text.c_str());
        const std::int64_t before = realTime();
        constexpr std::uint32_t count = 300;
        for (std::uint32_t i = 0; i < count; ++i) {
            QVERIFY(*lab.a().write(makeFrame(1, 2, 3 * i)));      // to a station of the link
            QVERIFY(*lab.c().write(makeFrame(3, 9, 3 * i + 1)));  // to nobody
            QVERIFY(*lab.b().write(makeFrame(2, 255, 3 * i + 2)));
        }
        const std::int64_t after = realTime();
        Bytes stream;
        drain(*pipe, stream, 300ms);
        QVERIFY(lab.space->stop());
        drain(*pipe, stream, 2000ms);

        const Captured captured = parse(stream);
        QVERIFY(captured.whole);
        QVERIFY((captured.interfaces == std::vector<std::string>{"w1", "w2"}));
        QCOMPARE(captured.packets.size(), std::size_t{3 * count});
        std::int64_t last = before;
        std::uint32_t serial = 0;
        for (const Captured::Packet& packet : captured.packets) {
            QVERIFY(packet.time >= last && packet.time <= after + 1'000'000);
            last = packet.time;
            Reader reader(ByteView(packet.frame).subspan(14));
            QCOMPARE(reader.u32(), serial++);  // written in turns, so the order of time is the order of writing
            QCOMPARE(packet.interface, packet.frame[11] == 3 ? 1u : 0u);
        }
        QVERIFY((captured.statistics.at(0) == std::pair<std::uint64_t, std::uint64_t>{2 * count, 0}));
        QVERIFY((captured.statistics.at(1) == std::pair<std::uint64_t, std::uint64_t>{count, 0}));
    }

    void aFrameIsInTheStreamWithinTwentyMilliseconds()
    {
        TestLab lab;
        QVERIFY(lab.good);
        const Result<FileDescriptor> pipe = lab.space->startCapture();
        QVERIFY(pipe);
        Bytes stream;
        drain(*pipe, stream, 50ms);
        auto best = Clock::duration::max();  // of a few: this is a promise of ours and not of a busy machine
        for (std::uint32_t i = 0; i < 5; ++i) {
            const auto sent = Clock::now();
            QVERIFY(*lab.a().write(makeFrame(1, 2, i)));
            while (parse(stream).packets.size() <= i && Clock::now() < sent + 1s) drain(*pipe, stream, 1ms);
            best = std::min<Clock::duration>(best, Clock::now() - sent);
        }
        QCOMPARE(parse(stream).packets.size(), std::size_t{5});
        QVERIFY2(best <= 20ms, std::to_string(best.count()).c_str());
    }

    void aLinkAddedLaterIsCapturedToo()
    {
        TestLab lab;
        QVERIFY(lab.good);
        const Result<FileDescriptor> pipe = lab.space->startCapture();
        QVERIFY(pipe);
        QVERIFY(lab.space->addLink("w3"));
        QVERIFY(lab.space->attach(0, "w3"));
        QVERIFY(*lab.a().write(makeFrame(1, 2, 1)));
        QVERIFY(lab.space->stop());
        Bytes stream;
        drain(*pipe, stream, 2000ms);
        const Captured captured = parse(stream);
        QCOMPARE(captured.interfaces.size(), std::size_t{3});
        QCOMPARE(captured.packets.size(), std::size_t{1});
        QCOMPARE(captured.interfaces.at(captured.packets.front().interface), std::string("w3"));
    }

    /// The namespace's kernel never sends: not when interfaces go up and move, and not when it is provoked.
    void theKernelIsSilent()
    {
        TestLab lab;
        QVERIFY(lab.good);
        const Result<FileDescriptor> pipe = lab.space->startCapture();
        QVERIFY(pipe);
        Bytes stream;
        const std::vector<Bytes> frames = provocations();
        for (const Bytes& frame : frames) QVERIFY(*lab.a().write(frame));
        for (int i = 0; i < 4; ++i) {
            drain(*pipe, stream, 900ms);
            QVERIFY(lab.space->attach(2, i % 2 == 0 ? "w1" : "w2"));
        }
        QVERIFY(lab.space->stop());
        drain(*pipe, stream, 2000ms);
        const Captured captured = parse(stream);
        QCOMPARE(captured.packets.size(), frames.size());
        for (std::size_t i = 0; i < frames.size(); ++i) QVERIFY(captured.packets[i].frame == frames[i]);
    }

    /// Threat T19: nothing waits for a slow reader, and every lost frame is counted.
    void aStalledReaderDelaysNothingAndEveryDropIsCounted()
    {
        TestLab lab;
        QVERIFY(lab.good);
        const Result<FileDescriptor> pipe = lab.space->startCapture();
        QVERIFY(pipe);
        constexpr std::uint32_t count = 20000;  // 30 MB, more than pipe and buffer hold
        auto slowest = Clock::duration::zero();
        for (std::uint32_t i = 0; i < count; ++i) {
            QVERIFY(*lab.a().write(makeFrame(1, 2, i, 1500)));
            if (i % 256 != 0) continue;
            receive(lab.b(), 1ms);
            const auto asked = Clock::now();
            QVERIFY(lab.space->captureCounts("w1"));
            slowest = std::max<Clock::duration>(slowest, Clock::now() - asked);
        }
        QVERIFY2(slowest < 1s, std::to_string(slowest.count()).c_str());
        std::this_thread::sleep_for(50ms);
        const Result<CaptureCounts> counts = lab.space->captureCounts();
        QVERIFY(counts);
        QCOMPARE(counts->received, std::uint64_t{count});
        QVERIFY(counts->droppedByBuffer > 0);
        QVERIFY(lab.space->stop());
        Bytes stream;
        drain(*pipe, stream, 5000ms);
        const Captured captured = parse(stream);
        QVERIFY(captured.whole);
        QCOMPARE(captured.statistics.at(0).first, std::uint64_t{count});
        QCOMPARE(captured.packets.size() + captured.statistics.at(0).second, std::size_t{count});
    }

    /// The kernel's ring holds what comes while the helper is kept from running (its slots are sized for frames, not for the
    /// snap length).
    void aBurstWhileTheHelperSleepsIsNotLost()
    {
        TestLab lab;
        QVERIFY(lab.good);
        const Result<FileDescriptor> pipe = lab.space->startCapture();
        QVERIFY(pipe);
        QCOMPARE(::kill(lab.space->helperPid(), SIGSTOP), 0);
        constexpr std::uint32_t count = 1500;
        for (std::uint32_t i = 0; i < count; ++i) QVERIFY(*lab.a().write(makeFrame(1, 2, i, 1514)));
        QCOMPARE(::kill(lab.space->helperPid(), SIGCONT), 0);
        Bytes stream;
        drain(*pipe, stream, 300ms);
        QVERIFY(lab.space->stop());
        drain(*pipe, stream, 2000ms);
        const Captured captured = parse(stream);
        QCOMPARE(captured.packets.size(), std::size_t{count});
        QCOMPARE(captured.packets.back().frame.size(), std::size_t{1514});
    }

    void aLinkThatSomebodyTakesDownIsReportedAndTheOthersGoOn()
    {
        TestLab lab;
        QVERIFY(lab.good);
        if (!run("nsenter --version && ip -V")) QSKIP("this machine has no nsenter or no ip command");
        const Result<FileDescriptor> pipe = lab.space->startCapture();
        QVERIFY(pipe);
        QVERIFY(lab.space->captureCounts());
        QVERIFY(run(lab.space->enterCommand() + " ip link set w1 down"));
        std::this_thread::sleep_for(20ms);
        QVERIFY(run(lab.space->enterCommand() + " ip link del w1"));
        const std::int64_t before = processorTicks(lab.space->helperPid());
        Bytes stream;
        drain(*pipe, stream, 500ms);
        QVERIFY(processorTicks(lab.space->helperPid()) - before < 10);  // of 50: it does not spin on the dead link
        const Result<CaptureCounts> counts = lab.space->captureCounts("w1");
        QVERIFY(!counts && counts.error().text.find("w1") != std::string::npos);
        QVERIFY(lab.space->captureCounts("w2"));
        QVERIFY(*lab.c().write(makeFrame(3, 255, 1)));
        QVERIFY(lab.space->stop());
        drain(*pipe, stream, 2000ms);
        QCOMPARE(parse(stream).packets.size(), std::size_t{1});
    }

    void aReaderThatLeavesEndsTheCaptureAndANewOneCanBegin()
    {
        TestLab lab;
        QVERIFY(lab.good);
        Result<FileDescriptor> pipe = lab.space->startCapture();
        QVERIFY(pipe);
        QVERIFY(!lab.space->startCapture());
        pipe->reset();
        QVERIFY(*lab.a().write(makeFrame(1, 2, 1)));
        std::this_thread::sleep_for(50ms);
        const Result<FileDescriptor> again = lab.space->startCapture();
        QVERIFY2(again, again ? "" : again.error().text.c_str());
        QVERIFY(*lab.a().write(makeFrame(1, 2, 2)));
        QVERIFY(lab.space->stop());
        Bytes stream;
        drain(*again, stream, 2000ms);
        QCOMPARE(parse(stream).packets.size(), std::size_t{1});
    }
};

QTEST_APPLESS_MAIN(TestLabCapture)
#include "test_lab_capture.moc"
