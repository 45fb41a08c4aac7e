// SPDX-License-Identifier: GPL-3.0-or-later
// The TAP backend's machinery on the real kernel: frames, capture, silence, and what is left after kill -9.
#include "capture/io/lab_namespace.hpp"
#include "capture/io/machine_check.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <QtTest>
#include <chrono>
#include <csignal>
#include <fstream>
#include <map>
#include <thread>

using namespace roamscope;
using namespace roamscope::capture;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::uint16_t testEtherType = 0x88b5;  // IEEE 802 local experimental

/// Frame number `serial` from station `from` to station `to`; station 255 is everybody.
Bytes makeFrame(std::uint8_t from, std::uint8_t to, std::uint32_t serial, std::size_t octets = 60)
{
    Writer w;
    w.bytes(to == 255 ? Bytes(6, 255) : Bytes{2, 0, 0, 0, 0, to});
    w.bytes(Bytes{2, 0, 0, 0, 0, from});
    w.u16(testEtherType);
    w.u32(serial);
    w.zeros(octets - w.size());
    return w.take();
}

/// Frames that arrive within `span`.
std::vector<Bytes> receive(TapDevice& tap, std::chrono::milliseconds span = 60ms)
{
    std::vector<Bytes> frames;
    Bytes buffer(65536);
    for (const auto deadline = Clock::now() + span; Clock::now() < deadline;) {
        const Result<std::size_t> length = tap.read(buffer);
        if (!length) break;
        if (*length > 0)
            frames.emplace_back(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*length));
        else
            std::this_thread::sleep_for(1ms);
    }
    return frames;
}

struct Captured {
    struct Packet {
        std::uint32_t interface;
        std::int64_t time;
        Bytes frame;
    };
    std::vector<std::string> interfaces;
    std::vector<Packet> packets;
    std::map<std::uint32_t, std::pair<std::uint64_t, std::uint64_t>> statistics;  ///< last received and dropped
    bool whole = true;                                                            ///< ended with a block's end
};

std::uint64_t little(ByteView octets, std::size_t at, std::size_t count)
{
    std::uint64_t value = 0;
    for (std::size_t i = count; i-- > 0;) value = value << 8 | octets[at + i];
    return value;
}

/// Calls use(code, value) for every option from `at` to the end of the block's body.
template <class Use>
void forOptions(ByteView body, std::size_t at, Use use)
{
    while (at + 4 <= body.size()) {
        const auto code = little(body, at, 2);
        const auto length = static_cast<std::size_t>(little(body, at + 2, 2));
        if (code == 0 || at + 4 + length > body.size()) return;
        use(code, body.subspan(at + 4, length));
        at += 4 + (length + 3) / 4 * 4;
    }
}

/// A reader of its own, so that a mistake shared by writer and reader of the library would show.
Captured parse(ByteView stream)
{
    Captured out;
    std::size_t at = 0;
    while (at + 12 <= stream.size()) {
        const auto type = little(stream, at, 4);
        const auto length = static_cast<std::size_t>(little(stream, at + 4, 4));
        if (length < 12 || at + length > stream.size()) break;
        const ByteView body = stream.subspan(at + 8, length - 12);
        if (type == 1) {
            out.interfaces.emplace_back();
            forOptions(body, 8, [&](std::uint64_t code, ByteView value) {
                if (code == 2) out.interfaces.back().assign(value.begin(), value.end());
            });
        }
        if (type == 6) {
            const ByteView frame = body.subspan(20, static_cast<std::size_t>(little(body, 12, 4)));
            out.packets.push_back({static_cast<std::uint32_t>(little(body, 0, 4)),
                                   static_cast<std::int64_t>(little(body, 4, 4) << 32 | little(body, 8, 4)),
                                   Bytes(frame.begin(), frame.end())});
        }
        if (type == 5)
            forOptions(body, 12, [&](std::uint64_t code, ByteView value) {
                auto& entry = out.statistics[static_cast<std::uint32_t>(little(body, 0, 4))];
                if (code == 4) entry.first = little(value, 0, 8);
                if (code == 5) entry.second = little(value, 0, 8);
            });
        at += length;
    }
    out.whole = at == stream.size();
    return out;
}

/// Reads the capture until it ends or `span` has passed.
void drain(const FileDescriptor& pipe, Bytes& stream, std::chrono::milliseconds span)
{
    Bytes buffer(1 << 20);
    for (const auto deadline = Clock::now() + span; Clock::now() < deadline;) {
        pollfd readable{pipe.get(), POLLIN, 0};
        if (::poll(&readable, 1, 1) <= 0) continue;
        const ssize_t got = ::read(pipe.get(), buffer.data(), buffer.size());
        if (got <= 0) return;
        stream.insert(stream.end(), buffer.begin(), buffer.begin() + got);
    }
}

std::int64_t realTime()
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string statusLine(pid_t process, const std::string& key)
{
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
    return {};
}

bool run(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

/// Two links, three ports: a and b on w1, c on w2.
struct TestLab {
    TestLab()
    {
        Result<LabNamespace> opened = LabNamespace::open();
        if (!opened) return;
        space.emplace(std::move(*opened));
        good = space->addLink("w1") && space->addLink("w2") && space->addPort("a-wl0") && space->addPort("b-wl0") &&
               space->addPort("c-wl0") && space->attach(0, "w1") && space->attach(1, "w1") && space->attach(2, "w2");
    }
    TapDevice& a() { return space->tap(0); }
    TapDevice& b() { return space->tap(1); }
    TapDevice& c() { return space->tap(2); }

    std::optional<LabNamespace> space;
    bool good = false;
};

/// A bare helper to speak to without the client.
struct BareHelper {
    BareHelper()
    {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return;
        socket = FileDescriptor(ends[0]);
        const FileDescriptor theirs(ends[1]);
        const timeval limit{5, 0};
        ::setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, theirs.get(), helper::controlDescriptor);
        char name[] = "roamscope-helper";
        char* arguments[] = {name, nullptr};
        char* environment[] = {nullptr};
        ::posix_spawn(&process, findHelper()->c_str(), &actions, nullptr, arguments, environment);
        posix_spawn_file_actions_destroy(&actions);
    }
    ~BareHelper()
    {
        if (process > 0 && !leaves() && process > 0) ::kill(process, SIGKILL);
    }
    /// Sends octets and gives the answer; one with serial 0xffffffff when there was none.
    helper::Reply tell(ByteView octets)
    {
        helper::Reply reply;
        ::send(socket.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
        if (::recv(socket.get(), &reply, sizeof reply, 0) != static_cast<ssize_t>(sizeof reply)) reply.serial = 0xffffffff;
        return reply;
    }
    helper::Reply tell(const helper::Request& request)
    {
        return tell(ByteView(reinterpret_cast<const std::uint8_t*>(&request), sizeof request));
    }
    /// Closes the socket; true when the helper then leaves with success within 2 s.
    bool leaves()
    {
        socket.reset();
        int status = 0;
        for (const auto deadline = Clock::now() + 2s; Clock::now() < deadline; std::this_thread::sleep_for(2ms))
            if (::waitpid(process, &status, WNOHANG) == process) {
                process = -1;
                return WIFEXITED(status) && WEXITSTATUS(status) == 0;
            }
        return false;
    }
    FileDescriptor socket;
    pid_t process = -1;
};

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

class TestLabNamespace : public QObject {
    Q_OBJECT

private slots:
    void initTestCase()
    {
        const Result<void> allowed = tapBackendAvailable();
        if (!allowed) QSKIP(allowed.error().text.c_str());
    }

    void aFrameReachesTheOtherPortOfItsLinkOnceAndNoOtherLink()
    {
        TestLab lab;
        QVERIFY(lab.good);
        for (const std::uint8_t to : {std::uint8_t{2}, std::uint8_t{255}}) {  // unknown unicast is flooded
            const Bytes frame = makeFrame(1, to, 7);
            QVERIFY(*lab.a().write(frame));
            const std::vector<Bytes> got = receive(lab.b());
            QCOMPARE(got.size(), std::size_t{1});
            QVERIFY(got.front() == frame);
            QVERIFY(receive(lab.c()).empty());
            QVERIFY(receive(lab.a()).empty());
        }
    }

    void solicitedNodeMulticastIsPassedWithoutMld()
    {
        TestLab lab;
        QVERIFY(lab.good);
        Bytes frame = makeFrame(1, 2, 1);
        const Bytes group{0x33, 0x33, 0xff, 0, 0, 2};
        std::copy(group.begin(), group.end(), frame.begin());
        QVERIFY(*lab.a().write(frame));
        QCOMPARE(receive(lab.b()).size(), std::size_t{1});
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

    void aMovedPortHearsItsNewLinkOnly()
    {
        TestLab lab;
        QVERIFY(lab.good);
        QVERIFY(*lab.b().write(makeFrame(2, 255, 1)));  // w1 learns where b is
        QVERIFY(lab.space->attach(1, "w2"));
        receive(lab.a(), 5ms);
        receive(lab.c(), 5ms);
        QVERIFY(*lab.a().write(makeFrame(1, 2, 2)));
        QVERIFY(receive(lab.b()).empty());
        QVERIFY(*lab.c().write(makeFrame(3, 2, 3)));
        QCOMPARE(receive(lab.b()).size(), std::size_t{1});
        QVERIFY(*lab.b().write(makeFrame(2, 3, 4)));
        QCOMPARE(receive(lab.c()).size(), std::size_t{1});
        QVERIFY(receive(lab.a(), 20ms).empty());
    }

    void aDetachedPortHearsNothingAndIsHeardByNobody()
    {
        TestLab lab;
        QVERIFY(lab.good);
        const Result<FileDescriptor> pipe = lab.space->startCapture();
        QVERIFY(pipe);
        QVERIFY(lab.space->detach(1));
        QVERIFY(lab.space->detach(1));  // once more changes nothing
        QVERIFY(*lab.b().write(makeFrame(2, 255, 1)));
        QVERIFY(*lab.a().write(makeFrame(1, 255, 2)));
        QVERIFY(receive(lab.b()).empty());
        QVERIFY(receive(lab.a(), 10ms).empty());
        QVERIFY(lab.space->stop());
        Bytes stream;
        drain(*pipe, stream, 2000ms);
        QCOMPARE(parse(stream).packets.size(), std::size_t{1});
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

    void theHelperHoldsTwoCapabilitiesAndAShortListOfCalls()
    {
        TestLab lab;
        QVERIFY(lab.good);
        const pid_t helper = lab.space->helperPid();
        const std::string two = "0000000000003000";  // CAP_NET_ADMIN, CAP_NET_RAW
        QCOMPARE(statusLine(helper, "CapEff"), two);
        QCOMPARE(statusLine(helper, "CapPrm"), two);
        QCOMPARE(statusLine(helper, "CapBnd"), std::string("0000000000000000"));
        QCOMPARE(statusLine(helper, "NoNewPrivs"), std::string("1"));
#ifndef ROAMSCOPE_SANITIZED
        QCOMPARE(statusLine(helper, "Seccomp"), std::string("2"));
#endif
    }

    void enterCommandLooksInside()
    {
        TestLab lab;
        QVERIFY(lab.good);
        if (!run("nsenter --version && ip -V")) QSKIP("this machine has no nsenter or no ip command");
        const std::string command = lab.space->enterCommand();
        QVERIFY2(run(command + " ip link show w1"), command.c_str());
        QVERIFY(run(command + " ip link show a-wl0"));
        QVERIFY(run(command + " ip link add extra type bridge"));  // another program may join with full rights inside
        QVERIFY(!run("ip link show a-wl0"));
    }

    void badNamesAndValuesAreRefusedWithTheRule()
    {
        TestLab lab;
        QVERIFY(lab.good);
        for (const char* name :
             {"", "lo", "all", "default", "-x", "Upper", "a b", "a/b", "a.b", "..", "sixteen-letters-", "x\n"}) {
            const Result<void> link = lab.space->addLink(name);
            QVERIFY2(!link && link.error().code == ErrorCode::Invalid, name);
            const Result<std::size_t> port = lab.space->addPort(name);
            QVERIFY2(!port && port.error().code == ErrorCode::Invalid, name);
        }
        QVERIFY(lab.space->addLink("fifteen-letters"));
        const Result<void> taken = lab.space->addLink("w1");
        QVERIFY(!taken && taken.error().text.find("taken") != std::string::npos);
        QVERIFY(!lab.space->addPort("w1"));
        QVERIFY(!lab.space->addPort("a-wl0"));
        QVERIFY(!lab.space->addLink("big", 9001));
        QVERIFY(!lab.space->addLink("small", 1279));
        const Result<void> unknown = lab.space->attach(0, "nolink");
        QVERIFY(!unknown && unknown.error().code == ErrorCode::Invalid);
        QVERIFY(!lab.space->attach(3, "w1"));
        QVERIFY(!lab.space->captureCounts("nolink"));
        QVERIFY(!lab.space->gone());  // it took all that in its stride
    }

    void aLargerMtuCarriesLargerFrames()
    {
        TestLab lab;
        QVERIFY(lab.good);
        QVERIFY(lab.space->addLink("jumbo", 4000));
        QVERIFY(lab.space->attach(0, "jumbo"));
        QVERIFY(lab.space->attach(1, "jumbo"));
        QVERIFY(*lab.a().write(makeFrame(1, 2, 1, 4014)));
        QCOMPARE(receive(lab.b()).size(), std::size_t{1});
        QVERIFY(lab.space->attach(0, "w1"));
        QVERIFY(lab.space->attach(1, "w1"));
        QVERIFY(*lab.a().write(makeFrame(1, 2, 2, 4014)));
        QVERIFY(receive(lab.b()).empty());
    }

    void messagesThatAreNotOursAreRefusedAndDoNoHarm()
    {
        BareHelper bare;
        QVERIFY(bare.process > 0);
        const auto step = [](const helper::Reply& reply) { return static_cast<int>(reply.step); };
        const auto is = [](helper::Step expected) { return static_cast<int>(expected); };
        helper::Request request;
        request.operation = helper::Operation::AddLink;
        QCOMPARE(step(bare.tell(request)), is(helper::Step::Order));  // before Open
        request.operation = helper::Operation::Open;
        request.version = helper::protocolVersion + 1;
        const helper::Reply versioned = bare.tell(request);
        QCOMPARE(step(versioned), is(helper::Step::Version));
        QCOMPARE(versioned.version, helper::protocolVersion);
        request.version = helper::protocolVersion;
        request.serial = 5;
        const helper::Reply opened = bare.tell(request);
        QCOMPARE(step(opened), is(helper::Step::None));
        QCOMPARE(opened.serial, 5u);
        QCOMPARE(step(bare.tell(request)), is(helper::Step::Order));  // twice

        std::uint32_t seed = 1;
        for (std::size_t octets = 1; octets < 200; ++octets) {
            Bytes garbage(octets);
            for (std::uint8_t& octet : garbage) octet = static_cast<std::uint8_t>((seed = seed * 1664525 + 1013904223) >> 24);
            QCOMPARE(step(bare.tell(garbage)), is(helper::Step::Message));
        }
        request.operation = static_cast<helper::Operation>(99);
        QCOMPARE(step(bare.tell(request)), is(helper::Step::Operation));
        request.operation = helper::Operation::AddLink;
        QCOMPARE(step(bare.tell(request)), is(helper::Step::Name));  // empty
        std::memset(request.name, 'a', sizeof request.name);         // without an end
        QCOMPARE(step(bare.tell(request)), is(helper::Step::Name));
        std::memcpy(request.name, "../x", 5);
        QCOMPARE(step(bare.tell(request)), is(helper::Step::Name));
        std::memcpy(request.name, "ok", 3);
        QCOMPARE(step(bare.tell(request)), is(helper::Step::None));
        QVERIFY(bare.leaves());
    }

    void aClientThatReadsNoAnswersDoesNotHangTheHelper()
    {
        BareHelper bare;
        QVERIFY(bare.process > 0);
        helper::Request request;
        request.operation = helper::Operation::Stop;  // refused before Open, but answered
        int sent = 0;
        while (sent < 5000 && ::send(bare.socket.get(), &request, sizeof request, MSG_NOSIGNAL) > 0) ++sent;
        QVERIFY(sent < 5000);  // it has left
        QVERIFY(bare.leaves());
    }

    void aKilledHelperIsSeenAndItsTapsAreClosed()
    {
        TestLab lab;
        QVERIFY(lab.good);
        QVERIFY(!lab.space->gone());
        const pid_t helper = lab.space->helperPid();
        pollfd ended{lab.space->pollDescriptor(), POLLIN, 0};
        QCOMPARE(::kill(helper, SIGKILL), 0);
        QCOMPARE(::poll(&ended, 1, 2000), 1);
        QVERIFY(lab.space->gone());
        QCOMPARE(::kill(helper, 0), -1);  // no zombie either
        QCOMPARE(lab.space->portCount(), std::size_t{0});
        QCOMPARE(lab.space->pollDescriptor(), -1);
        const Result<void> late = lab.space->addLink("late");
        QVERIFY(!late && late.error().text.find("over") != std::string::npos);
        QVERIFY(!lab.space->attach(0, "w1"));
    }

    void anAnswerlessHelperIsEndedInTime()
    {
        TestLab lab;
        QVERIFY(lab.good);
        const pid_t helper = lab.space->helperPid();
        QCOMPARE(::kill(helper, SIGSTOP), 0);
        const auto asked = Clock::now();
        QVERIFY(!lab.space->addLink("late"));
        QVERIFY(Clock::now() - asked < 3s);
        QVERIFY(lab.space->gone());
        QCOMPARE(::kill(helper, 0), -1);
    }

    void aKilledClientTakesTheHelperWithIt()
    {
        QCOMPARE(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);  // the orphan becomes ours, so its end can be waited for
        for (const int delay : {0, 3, 10, 30, 200}) {     // ms; the first ones hit the start
            int ends[2];
            QCOMPARE(::pipe2(ends, O_CLOEXEC), 0);
            const FileDescriptor readEnd(ends[0]);
            FileDescriptor writeEnd(ends[1]);
            const pid_t client = ::fork();
            QVERIFY(client >= 0);
            if (client == 0) {
                TestLab lab;
                const char ready = lab.good ? 'y' : 'n';
                if (::write(ends[1], &ready, 1) != 1) ::_exit(1);
                ::pause();
                ::_exit(0);
            }
            writeEnd.reset();
            char ready = 0;
            if (delay == 200) QVERIFY(::read(readEnd.get(), &ready, 1) == 1 && ready == 'y');
            std::this_thread::sleep_for(std::chrono::milliseconds(delay));
            QCOMPARE(::kill(client, SIGKILL), 0);
            QCOMPARE(::waitpid(client, nullptr, 0), client);
            // Whatever it had started ends too: then no child is left.
            const auto deadline = Clock::now() + 2s;
            while (::waitpid(-1, nullptr, WNOHANG) >= 0 && Clock::now() < deadline) std::this_thread::sleep_for(2ms);
            errno = 0;
            QCOMPARE(::waitpid(-1, nullptr, WNOHANG), -1);
            QCOMPARE(errno, ECHILD);
        }
    }

    /// A veth whose other end is in the lab's namespace goes when that namespace goes. The last test, because it moves this
    /// thread into a network namespace of its own.
    void noNamespaceIsLeftOnceTheTapsAreClosed()
    {
        if (::geteuid() != 0) QSKIP("watching another network namespace end needs root");
        QCOMPARE(::unshare(CLONE_NEWNET), 0);
        for (const bool killed : {false, true}) {
            TestLab lab;
            QVERIFY(lab.good);
            const pid_t helper = lab.space->helperPid();
            if (!run("ip link add watch type veth peer name watched netns " + std::to_string(helper)))
                QSKIP("this machine has no ip command or no veth");
            QVERIFY(run("ip link show watch"));
            if (killed) {
                ::kill(helper, SIGKILL);
                std::this_thread::sleep_for(100ms);
                QVERIFY(run("ip link show watch"));  // the TAPs still hold it
                QVERIFY(lab.space->gone());
            } else {
                lab.space.reset();
            }
            const auto deadline = Clock::now() + 2s;
            while (run("ip link show watch") && Clock::now() < deadline) std::this_thread::sleep_for(5ms);
            QVERIFY(!run("ip link show watch"));
        }
    }
};

QTEST_APPLESS_MAIN(TestLabNamespace)
#include "test_lab_namespace.moc"
