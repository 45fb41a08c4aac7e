// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/tap_remedies.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

namespace roamscope::capture {

using helper::Step;

namespace {

constexpr const char* tunPath = "/dev/net/tun";

/// The number in a one-number /proc file, or `otherwise` when the file is not there.
long numberIn(const char* path, long otherwise)
{
    std::ifstream file(path);
    long value = otherwise;
    return file >> value ? value : otherwise;
}

std::string modeText(mode_t mode)
{
    std::string text = S_ISCHR(mode) ? "c" : "-";
    for (int shift = 6; shift >= 0; shift -= 3) {
        text += (mode >> shift & 4u) != 0 ? 'r' : '-';
        text += (mode >> shift & 2u) != 0 ? 'w' : '-';
        text += (mode >> shift & 1u) != 0 ? 'x' : '-';
    }
    return text;
}

std::string ownerName(uid_t user, gid_t group)
{
    // The re-entrant calls: doctor and the window may ask at the same time.
    std::vector<char> buffer(16384);
    passwd person{};
    passwd* foundPerson = nullptr;
    ::getpwuid_r(user, &person, buffer.data(), buffer.size(), &foundPerson);
    std::string text = foundPerson != nullptr ? person.pw_name : std::to_string(user);
    struct group people {};
    struct group* foundPeople = nullptr;
    ::getgrgid_r(group, &people, buffer.data(), buffer.size(), &foundPeople);
    return text + ":" + (foundPeople != nullptr ? people.gr_name : std::to_string(group));
}

/// What the helper was doing.
constexpr std::pair<Step, const char*> calls[] = {
    {Step::Message, "its message"},
    {Step::Version, "its message"},
    {Step::Order, "its message"},
    {Step::Operation, "its message"},
    {Step::Name, "the name"},
    {Step::Mtu, "the MTU"},
    {Step::Limit, "one more interface"},
    {Step::UnknownLink, "the link"},
    {Step::UnknownPort, "the port"},
    {Step::Rehearsal, "fork()"},
    {Step::UnshareUser, "unshare(CLONE_NEWUSER|CLONE_NEWNET)"},
    {Step::UnshareNet, "unshare(CLONE_NEWNET)"},
    {Step::IdMap, "writing /proc/self/uid_map"},
    {Step::Silence, "writing /proc/sys/net/ipv6/conf/default/accept_ra"},
    {Step::Netlink, "opening a netlink socket"},
    {Step::CreateBridge, "creating a bridge"},
    {Step::OpenTun, "open(/dev/net/tun)"},
    {Step::CreateTap, "ioctl(TUNSETIFF)"},
    {Step::SetUp, "setting an interface up"},
    {Step::DropPrivileges, "dropping privileges"},
    {Step::MovePort, "moving a port"},
    {Step::OpenCapture, "opening the capture of a link"},
    {Step::ReadCapture, "reading the capture of a link"},
    {Step::Pipe, "the capture's pipe"},
};

const char* callName(Step step)
{
    const auto* found = std::find_if(std::begin(calls), std::end(calls), [&](const auto& call) { return call.first == step; });
    return found != std::end(calls) ? found->second : "an unknown step";
}

std::string remedyFor(helper::Failure failure)
{
    switch (failure.step) {
        case Step::UnshareUser:
        case Step::UnshareNet:
        case Step::IdMap:
            return userNamespaceRemedy(failure.error);
        case Step::OpenTun:
            return tunRemedy(failure.error);
        case Step::Silence:
            return "The namespace's kernel must not answer router advertisements. /proc/sys is read-only here, as in a "
                   "container: start "
                   "the container with --privileged.";
        case Step::CreateBridge:
            if (failure.error == EOPNOTSUPP) return "This kernel has no bridges: sudo modprobe bridge.";
            if (failure.error == EEXIST) return "The name is taken by another link or port.";
            if (failure.error == EPERM) return userNamespaceRemedy(EPERM);
            break;
        case Step::CreateTap:
            if (failure.error == EBUSY) return "The name is taken by another link or port.";
            if (failure.error == EPERM) return userNamespaceRemedy(EPERM);
            break;
        case Step::Message:
        case Step::Version:
        case Step::Operation:
            return "Helper and program are of different versions; install both from one package.";
        case Step::Order:
            return "This was asked for at the wrong time, or twice.";
        case Step::Name:
            return "A name has 1 to 15 of a-z, 0-9, - and _, begins with a letter or digit, and is not lo, all or default.";
        case Step::Mtu:
            return fmt::format("An MTU is {} to {} octets.", helper::minimumMtu, helper::maximumMtu);
        case Step::Limit:
            return fmt::format("A lab has at most {} links and {} ports.", helper::maximumLinks, helper::maximumPorts);
        case Step::UnknownLink:
        case Step::UnknownPort:
            return "There is none of this name in the lab.";
        default:
            break;
    }
    return "Run the lab again; 'roamscope-cli doctor' shows what this machine allows.";
}

ErrorCode codeFor(helper::Failure failure)
{
    if (failure.step >= Step::Message && failure.step <= Step::UnknownPort) return ErrorCode::Invalid;  // what we asked was wrong
    if (failure.step >= Step::UnshareUser && failure.step <= Step::IdMap) return ErrorCode::Permission;
    if (failure.step == Step::OpenTun || failure.error == EPERM || failure.error == EACCES) return ErrorCode::Permission;
    return ErrorCode::Io;
}

}  // namespace

std::string userNamespaceRemedy(int error)
{
    if (numberIn("/proc/sys/kernel/unprivileged_userns_clone", 1) == 0)
        return "kernel.unprivileged_userns_clone is 0: sudo sysctl -w kernel.unprivileged_userns_clone=1, or run as root.";
    if (numberIn("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 0) == 1)
        return "AppArmor restricts user namespaces: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give "
               "roamscope-helper a profile with 'userns,'.";
    if (numberIn("/proc/sys/user/max_user_namespaces", 1) == 0 || error == ENOSPC)
        return "The limit of user namespaces is reached: sudo sysctl -w user.max_user_namespaces=15000.";
    if (error == EINVAL || error == ENOSYS) return "This kernel is built without user namespaces (CONFIG_USER_NS); run as root.";
    return "Something around this process forbids it, as the seccomp profile of a container does: start the container with "
           "--privileged (or --security-opt seccomp=unconfined), or run as root outside of it.";
}

std::string describeTunDevice()
{
    struct stat status {};
    if (::stat(tunPath, &status) != 0) return fmt::format("{}: {}", tunPath, std::strerror(errno));
    return fmt::format("{} is {} {}", tunPath, modeText(status.st_mode), ownerName(status.st_uid, status.st_gid));
}

std::string tunRemedy(int error)
{
    if (error == ENOENT)
        return "Make it: sudo modprobe tun; if it is still missing, sudo mkdir -p /dev/net && sudo mknod -m 0666 /dev/net/tun c "
               "10 200. "
               "For a container: --device /dev/net/tun.";
    if (error == ENODEV || error == ENXIO) return "The kernel has no tun driver loaded: sudo modprobe tun.";
    if (error == EACCES)
        return "Open it to users until the next boot with: sudo chmod 0666 /dev/net/tun. For good, put KERNEL==\"tun\", "
               "MODE=\"0666\" into /etc/udev/rules.d/60-tun.rules. Opening it gives nobody a right on the host's interfaces.";
    return "Something around this process forbids it, as a container's device list does: start the container with "
           "--device /dev/net/tun.";
}

std::string virtualBackendHint() { return "The virtual backend (--backend virtual) needs none of this."; }

Error helperError(helper::Failure failure, const std::string& subject)
{
    const std::string about = subject.empty() ? "" : fmt::format(" for '{}'", subject);
    const std::string tun = failure.step == Step::OpenTun ? describeTunDevice() + ". " : "";
    return {codeFor(failure), 0,
            fmt::format("roamscope-helper: {}{} failed: {}. {}{}", callName(failure.step), about, std::strerror(failure.error),
                        tun, remedyFor(failure))};
}

}  // namespace roamscope::capture
