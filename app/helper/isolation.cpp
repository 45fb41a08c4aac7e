// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/helper/isolation.hpp"

#include "app/helper/network.hpp"

#include <cap-ng.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <new>
#include <sstream>

namespace roamscope::helper {

using capture::helper::Step;

namespace {

/// Writes a /proc file at one go, as its id maps demand. Gives errno, or 0.
int writeProc(const std::string& path, const std::string& text)
{
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : errno;
}

/// Interfaces to come ignore router advertisements. Even without address generation the kernel would make an address of an
/// advertised prefix, and do DAD for it, on every bridge that an access router's advertisement passes (measured).
Failure silenceKernel()
{
    for (const char* setting : {"default/accept_ra", "default/autoconf", "all/accept_ra", "all/autoconf"}) {
        const int error = writeProc(std::string("/proc/sys/net/ipv6/conf/") + setting, "0");
        if (error != 0 && error != ENOENT) return {Step::Silence, error};  // ENOENT: a kernel without IPv6
    }
    return {};
}

Failure enter(Mode mode)
{
    if (mode == Mode::NetworkNamespace) return ::unshare(CLONE_NEWNET) != 0 ? Failure{Step::UnshareNet, errno} : silenceKernel();
    // The user becomes user 0 of the namespace: only so a shell that `nsenter` starts in it keeps its capabilities.
    const std::string userMap = "0 " + std::to_string(::geteuid()) + " 1\n";
    const std::string groupMap = "0 " + std::to_string(::getegid()) + " 1\n";
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return {Step::UnshareUser, errno};
    int error = writeProc("/proc/self/setgroups", "deny");
    if (error == 0) error = writeProc("/proc/self/uid_map", userMap);
    if (error == 0) error = writeProc("/proc/self/gid_map", groupMap);
    return error != 0 ? Failure{Step::IdMap, error} : silenceKernel();
}

/// All that a lab needs from `mode`, done in this process.
Failure rehearse(Mode mode)
{
    Network network;
    FileDescriptor tap;
    Failure failure = enter(mode);
    if (!failure) failure = network.open();
    if (!failure) failure = network.addBridge("try0", capture::helper::defaultMtu);
    if (!failure) failure = network.addTap("try1", tap);
    if (!failure) failure = network.moveTap("try1", "try0", capture::helper::defaultMtu);
    return failure;
}

/// rehearse() in a child, whose namespaces end with it; it leaves its verdict in memory that both see.
Failure rehearseApart(Mode mode)
{
    void* memory = ::mmap(nullptr, sizeof(Failure), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return {Step::Rehearsal, errno};
    auto* verdict = new (memory) Failure{Step::Rehearsal, EIO};
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        *verdict = rehearse(mode);
        ::_exit(0);
    }
    if (child < 0 || ::waitpid(child, nullptr, 0) != child) verdict->error = errno;
    const Failure failure = *verdict;
    ::munmap(memory, sizeof(Failure));
    return failure;
}

}  // namespace

Failure enterNamespaces(Mode& mode)
{
    mode = Mode::UserNamespace;
    if (const Failure failure = rehearseApart(mode)) {
        mode = Mode::NetworkNamespace;
        const Failure alone = rehearseApart(mode);
        // An ordinary user is refused the second way at once, which says nothing; root's second failure says more.
        if (alone) return alone.step == Step::UnshareNet ? failure : alone;
    }
    return enter(mode);
}

Failure dropPrivileges()
{
    // Second line only, after the end of the socket: it fires when the thread that started us ends.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    capng_clear(CAPNG_SELECT_BOTH);
    capng_updatev(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED), CAP_NET_ADMIN, CAP_NET_RAW, -1);
    if (capng_apply(CAPNG_SELECT_BOTH) != 0) return {Step::DropPrivileges, EPERM};
#ifndef ROAMSCOPE_SANITIZED  // whose run-time makes calls of its own
    // What the loop, libpcap, libmnl, the allocator and the C library use from here on. Others fail with EPERM, so that a newer
    // C library's first choice of call leads to its second instead of to our death.
    std::istringstream names(
        "read write readv writev close openat fcntl ioctl poll ppoll pipe2 eventfd2 newfstatat fstat statx lseek readlink "
        "readlinkat access faccessat faccessat2 getdents64 socket bind getsockname getsockopt setsockopt sendto sendmsg recvfrom "
        "recvmsg mmap munmap mremap mprotect madvise brk futex getrandom clock_gettime gettimeofday clock_nanosleep nanosleep "
        "restart_syscall rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack getpid gettid tgkill getuid geteuid getgid getegid "
        "uname sysinfo exit exit_group");
    const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int error = filter == nullptr ? -ENOMEM : 0;
    for (std::string name; error == 0 && names >> name;) {
        const int number = seccomp_syscall_resolve_name(name.c_str());
        if (number != __NR_SCMP_ERROR) error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    }
    if (error == 0) error = seccomp_load(filter);
    seccomp_release(filter);
    if (error != 0) return {Step::DropPrivileges, -error};
#endif
    return {};
}

}  // namespace roamscope::helper
