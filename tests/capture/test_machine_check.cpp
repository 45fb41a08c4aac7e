// SPDX-License-Identifier: GPL-3.0-or-later
// What the machine check says where the TAP backend is barred, and that it agrees with what really works.
#include "capture/io/lab_namespace.hpp"
#include "capture/io/machine_check.hpp"
#include "capture/io/tap_remedies.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <QtTest>
#include <cerrno>
#include <set>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

/// Runs `say` in a child as an ordinary user (needs root) and gives what it wrote.
template <class Say>
std::string asNobody(Say say)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        // A process that gave up root is not dumpable and could not write its own id maps; one that a user starts is.
        const bool changed = ::setgid(65534) == 0 && ::setuid(65534) == 0 && ::prctl(PR_SET_DUMPABLE, 1) == 0;
        const std::string text = changed ? say() : "not changed";
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

    /// What the helper reports where the kernel refuses namespaces, put into words.
    void aUserWhoMayNotMakeNamespacesIsToldSo()
    {
        const Error full = helperError({helper::Step::UnshareUser, ENOSPC}, {});
        QVERIFY2(contains(full.text, "unshare(CLONE_NEWUSER|CLONE_NEWNET)"), full.text.c_str());
        QVERIFY2(contains(full.text, "sysctl"), full.text.c_str());
        QVERIFY(full.code == ErrorCode::Permission);
        QVERIFY(helperError({helper::Step::IdMap, EPERM}, {}).code == ErrorCode::Permission);
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
