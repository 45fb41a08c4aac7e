// SPDX-License-Identifier: GPL-3.0-or-later
// The TAP backend's machinery on the real kernel: links, ports, messages, privileges, and what is left after kill -9.
#include "capture/io/machine_check.hpp"
#include "tests/support/tap_lab.hpp"

#include <QtTest>

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <fstream>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

std::string statusLine(pid_t process, const std::string& key)
{
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
    return {};
}

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
        QCOMPARE(lab.space->portCount(), std::size_t{3});
        Bytes buffer(2000);
        for (std::size_t port = 0; port < 3; ++port) {
            QCOMPARE(lab.space->tap(port).descriptor(), -1);
            QVERIFY(!lab.space->tap(port).read(buffer));
            QVERIFY(!lab.space->tap(port).write(makeFrame(1, 2, 1)));
        }
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
