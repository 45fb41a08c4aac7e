// SPDX-License-Identifier: GPL-3.0-or-later
// What the machine check says where the TAP backend is barred, and that it agrees with what really works.
#include "capture/io/lab_namespace.hpp"
#include "capture/io/machine_check.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <QtTest>

#include <functional>
#include <cerrno>
#include <set>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

/// Runs `prepare` and then `say` in a child and gives what `say` gave.
template <class Prepare, class Say>
std::string inChild(Prepare prepare, Say say)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        const std::string text = prepare() ? say() : "not prepared";
        ::_exit(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
    }
    ::close(ends[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(got));
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    return text;
}

/// Becomes an ordinary user; needs root. A process that gave up root is not dumpable and could not write its own id maps, while
/// one that a user starts is and can.
bool becomeNobody() { return ::setgid(65534) == 0 && ::setuid(65534) == 0 && ::prctl(PR_SET_DUMPABLE, 1) == 0; }

template <class Say>
std::string asNobody(Say say)
{
    return inChild(becomeNobody, say);
}

bool writeText(const char* path, const std::string& text)
{
    const FileDescriptor file(::open(path, O_WRONLY | O_CLOEXEC));
    return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// Moves into a user namespace whose limit of user namespaces is 0, as where an administrator has switched them off.
bool switchOffUserNamespaces()
{
    const std::string userMap = "0 " + std::to_string(::geteuid()) + " 1";
    const std::string groupMap = "0 " + std::to_string(::getegid()) + " 1";
    return ::unshare(CLONE_NEWUSER) == 0 && writeText("/proc/self/setgroups", "deny") &&
           writeText("/proc/self/uid_map", userMap) && writeText("/proc/self/gid_map", groupMap) &&
           writeText("/proc/sys/user/max_user_namespaces", "0");
}

/// Gives up every capability for this process and those that it starts.
bool dropCapabilities()
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[2] = {};
    return ::prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED) == 0 && ::syscall(SYS_capset, &header, none) == 0;
}

std::string verdict()
{
    const Result<void> available = tapBackendAvailable();
    return available ? "available" : available.error().text;
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

class TestMachineCheck : public QObject {
    Q_OBJECT

private slots:
    void everyCheckSaysWhatItFoundAndEveryFaultItsRemedy()
    {
        std::set<std::string> names;
        for (const MachineCheck& check : checkMachine()) {
            names.insert(check.name);
            QVERIFY2(!check.found.empty(), check.name.c_str());
            QVERIFY2(check.remedy.empty() == (check.state == CheckState::Ok), check.name.c_str());
        }
        for (const char* name :
             {"kernel", "user namespaces", "tun device", "capabilities", "libpcap", "helper", "TAP lab", "display"})
            QVERIFY2(names.contains(name), name);
    }

    void theVerdictIsThatOfALab()
    {
        const bool works = LabNamespace::open().has_value();
        QCOMPARE(tapBackendAvailable().has_value(), works);
        QCOMPARE(checkLab().state == CheckState::Ok, works);
    }

    void aUserWhoMayNotOpenTheTunDeviceIsToldSo()
    {
        if (::geteuid() != 0) QSKIP("becoming another user needs root");
        const std::string helper = asNobody([] { return findHelper().value_or("none"); });
        if (helper == "none") QSKIP("user 65534 cannot reach the helper in this build directory");
        if (asNobody([] { return std::string(::access("/dev/net/tun", R_OK | W_OK) == 0 ? "yes" : "no"); }) == "yes")
            QSKIP("here every user may open /dev/net/tun");
        const std::string text = asNobody(verdict);
        QVERIFY2(contains(text, "/dev/net/tun"), text.c_str());
        QVERIFY2(contains(text, ::access("/dev/net/tun", F_OK) == 0 ? "chmod 0666 /dev/net/tun" : "modprobe tun"), text.c_str());
        QVERIFY2(contains(text, "--backend virtual"), text.c_str());
        QCOMPARE(asNobody([] { return std::string(checkTunDevice().state == CheckState::Bad ? "bad" : "good"); }),
                 std::string("bad"));
        const std::string code = asNobody([] {
            const Result<LabNamespace> lab = LabNamespace::open();
            return std::string(!lab && lab.error().code == ErrorCode::Permission ? "permission" : "other");
        });
        QCOMPARE(code, std::string("permission"));
    }

    void aUserWhoMayNotMakeNamespacesIsToldSo()
    {
        if (inChild(switchOffUserNamespaces, [] { return std::string("prepared"); }) != "prepared")
            QSKIP("user namespaces are barred here, so they cannot be barred for the test");
        const auto barred = [] { return switchOffUserNamespaces() && dropCapabilities(); };
        const std::string text = inChild(barred, verdict);
        QVERIFY2(contains(text, "user namespaces: "), text.c_str());
        QVERIFY2(contains(text, "sysctl -w user.max_user_namespaces"), text.c_str());
        QVERIFY2(contains(text, "--backend virtual"), text.c_str());
        const std::string own = inChild(barred, [] {
            const Result<LabNamespace> lab = LabNamespace::open();
            return lab ? std::string("works") : std::to_string(lab.error().code == ErrorCode::Permission) + lab.error().text;
        });
        QVERIFY2(contains(own, "1roamscope-helper: unshare(CLONE_NEWUSER|CLONE_NEWNET) failed"), own.c_str());
    }

    void whoHoldsCapSysAdminNeedsNoUserNamespace()
    {
        if (!tapBackendAvailable()) QSKIP(verdict().c_str());
        // Where they are barred anyway (in a changed root, for one) nothing needs to be switched off.
        const bool barred = checkUserNamespaces().state != CheckState::Ok;
        const std::function<bool()> withoutThem = [barred] { return barred || switchOffUserNamespaces(); };
        const std::string text = inChild(withoutThem, [] {
            Result<LabNamespace> lab = LabNamespace::open();
            if (!lab) return lab.error().text;
            const bool made = lab->addLink("w1") && lab->addPort("p1") && lab->attach(0, "w1") && lab->startCapture();
            return std::string(made && lab->mode() == helper::Mode::NetworkNamespace ? "works" : "does not work");
        });
        QCOMPARE(text, std::string("works"));
        const std::string state = inChild(withoutThem, [] {
            return std::string(checkUserNamespaces().state == CheckState::Warn ? "warned" : "not warned");
        });
        QCOMPARE(state, std::string("warned"));
    }

    void aMissingHelperIsNamed()
    {
        qputenv("ROAMSCOPE_HELPER", "/nowhere/roamscope-helper");
        const Result<LabNamespace> lab = LabNamespace::open();
        const std::string text = verdict();
        qunsetenv("ROAMSCOPE_HELPER");
        QVERIFY(!lab && contains(lab.error().text, "/nowhere/roamscope-helper"));
        QVERIFY2(contains(text, "/nowhere/roamscope-helper") || contains(text, "/dev/net/tun"), text.c_str());
    }

    void aProgramThatIsNotTheHelperIsRefused()
    {
        qputenv("ROAMSCOPE_HELPER", "/bin/true");
        const Result<LabNamespace> lab = LabNamespace::open();
        qunsetenv("ROAMSCOPE_HELPER");
        QVERIFY(!lab && contains(lab.error().text, "has ended"));
    }
};

QTEST_APPLESS_MAIN(TestMachineCheck)
#include "test_machine_check.moc"
