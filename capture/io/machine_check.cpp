// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/machine_check.hpp"

#include "capture/io/lab_namespace.hpp"
#include "capture/io/tap_remedies.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pcap/pcap.h>
#include <sched.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

namespace roamscope::capture {

namespace {

/// In a forked child of a process with threads only system calls are safe, so `map` is made before. Gives errno, or 0.
int tryNamespaces(int flags, const std::string& map)
{
    if (::unshare(flags) != 0) return errno;
    if ((flags & CLONE_NEWUSER) == 0) return 0;
    const int file = ::open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
    if (file < 0) return errno;
    return ::write(file, map.data(), map.size()) < 0 ? errno : 0;
}

/// tryNamespaces() in a child. An errno is less than 256.
int tryNamespacesApart(int flags)
{
    const std::string map = fmt::format("0 {} 1\n", ::geteuid());
    const pid_t child = ::fork();
    if (child < 0) return errno;
    if (child == 0) ::_exit(tryNamespaces(flags, map));
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

MachineCheck checkKernel()
{
    utsname kernel{};
    ::uname(&kernel);
    return {"kernel", CheckState::Ok, fmt::format("{} {} {}", kernel.sysname, kernel.release, kernel.machine), ""};
}

MachineCheck checkCapabilities()
{
    constexpr std::array<std::pair<unsigned, const char*>, 3> wanted{
        {{12, "CAP_NET_ADMIN"}, {13, "CAP_NET_RAW"}, {21, "CAP_SYS_ADMIN"}}};
    std::ifstream status("/proc/self/status");
    unsigned long long held = 0;
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("CapEff:")) held = std::strtoull(line.c_str() + 7, nullptr, 16);
    std::string names;
    for (const auto& [bit, name] : wanted)
        if ((held >> bit & 1u) != 0) names += (names.empty() ? "" : ", ") + std::string(name);
    return {"capabilities", CheckState::Ok,
            names.empty()
                ? "none of CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN; a lab needs none where user namespaces are allowed"
                : "holds " + names,
            ""};
}

MachineCheck checkHelper()
{
    const Result<std::string> path = findHelper();
    if (path) return {"helper", CheckState::Ok, *path, ""};
    return {"helper", CheckState::Bad, path.error().text, "Build or install roamscope-helper."};
}

MachineCheck checkDisplay()
{
    for (const char* name : {"WAYLAND_DISPLAY", "DISPLAY"})
        if (const char* value = std::getenv(name); value != nullptr && *value != '\0')
            return {"display", CheckState::Ok, fmt::format("{}={}", name, value), ""};
    return {"display", CheckState::Warn, "neither WAYLAND_DISPLAY nor DISPLAY is set",
            "The window needs a display; roamscope-cli does all without one."};
}

}  // namespace

MachineCheck checkUserNamespaces()
{
    const std::string name = "user namespaces";
    const int error = tryNamespacesApart(CLONE_NEWUSER | CLONE_NEWNET);
    if (error == 0) return {name, CheckState::Ok, "a user and network namespace can be made", ""};
    const std::string refused = fmt::format("making a user and network namespace is refused: {}", std::strerror(error));
    if (tryNamespacesApart(CLONE_NEWNET) == 0)
        return {name, CheckState::Warn, refused + "; a network namespace alone can be made", userNamespaceRemedy(error)};
    return {name, CheckState::Bad, refused, userNamespaceRemedy(error)};
}

MachineCheck checkTunDevice()
{
    const FileDescriptor device(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    if (device) return {"tun device", CheckState::Ok, describeTunDevice() + " and can be opened", ""};
    const int error = errno;
    std::string found = describeTunDevice();
    if (error != ENOENT) found += fmt::format("; opening it is refused: {}", std::strerror(error));
    return {"tun device", CheckState::Bad, found, tunRemedy(error)};
}

MachineCheck checkLab()
{
    const Result<LabNamespace> lab = LabNamespace::open();
    if (!lab) return {"TAP lab", CheckState::Bad, lab.error().text, virtualBackendHint()};
    const bool own = lab->mode() == helper::Mode::UserNamespace;
    return {"TAP lab", CheckState::Ok,
            fmt::format("the helper made a bridge and a TAP in {}",
                        own ? "its own user and network namespace" : "its own network namespace"),
            ""};
}

std::vector<MachineCheck> checkMachine()
{
    return {checkKernel(),
            checkUserNamespaces(),
            checkTunDevice(),
            checkCapabilities(),
            {"libpcap", CheckState::Ok, pcap_lib_version(), ""},
            checkHelper(),
            checkLab(),
            checkDisplay()};
}

Result<void> tapBackendAvailable()
{
    const Result<LabNamespace> lab = LabNamespace::open();
    if (lab) return {};
    std::string reasons;
    for (const MachineCheck& check : {checkUserNamespaces(), checkTunDevice()})
        if (check.state == CheckState::Bad) reasons += fmt::format(" {}: {}. {}", check.name, check.found, check.remedy);
    // With both allowed something rarer is in the way, which only the helper saw.
    if (reasons.empty()) reasons = " " + lab.error().text;
    return fail(lab.error().code, 0, "The TAP backend is barred on this machine." + reasons + " " + virtualBackendHint());
}

}  // namespace roamscope::capture
