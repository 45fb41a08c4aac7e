// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/helper/isolation.hpp"

#include "app/helper/network.hpp"

#include <cap-ng.h>
#include <cerrno>
#include <fcntl.h>
#include <new>
#include <sched.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <seccomp.h>

namespace roamscope::helper {

using capture::FileDescriptor;
using capture::helper::Step;

namespace {

/// Writes a /proc file at one go, as its id maps demand. Gives errno, or 0.
int writeProc(const char* path, const std::string& text)
{
    const FileDescriptor file(::open(path, O_WRONLY | O_CLOEXEC));
    if (!file) return errno;
    return ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : errno;
}

/// The user becomes user 0 of the namespace: only so a shell that `nsenter` starts in it keeps its capabilities.
Failure mapIds(uid_t user, gid_t group)
{
    int error = writeProc("/proc/self/setgroups", "deny");
    if (error == 0 || error == ENOENT) error = writeProc("/proc/self/uid_map", "0 " + std::to_string(user) + " 1\n");
    if (error == 0) error = writeProc("/proc/self/gid_map", "0 " + std::to_string(group) + " 1\n");
    return error != 0 ? Failure{Step::IdMap, error} : Failure{};
}

/// Interfaces to come ignore router advertisements. Without address generation the kernel would still make an address of
/// an advertised prefix, and do DAD for it, on every bridge that an access router's advertisement passes.
Failure silenceKernel()
{
    for (const char* name : {"accept_ra", "autoconf"}) {
        for (const char* which : {"default", "all"}) {
            const std::string path = std::string("/proc/sys/net/ipv6/conf/") + which + "/" + name;
            const int error = writeProc(path.c_str(), "0");
            if (error != 0 && error != ENOENT) return {Step::Silence, error};  // ENOENT: a kernel without IPv6
        }
    }
    return {};
}

Failure enter(Mode mode)
{
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    const bool userToo = mode == Mode::UserNamespace;
    if (::unshare(CLONE_NEWNET | (userToo ? CLONE_NEWUSER : 0)) != 0)
        return {userToo ? Step::UnshareUser : Step::UnshareNet, errno};
    if (userToo) {
        if (const Failure failure = mapIds(user, group)) return failure;
    }
    return silenceKernel();
}

/// All that a lab needs from `mode`, done in this process.
Failure rehearse(Mode mode)
{
    if (const Failure failure = enter(mode)) return failure;
    Network network;
    FileDescriptor tap;
    Failure failure = network.open();
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
    capng_clear(CAPNG_SELECT_BOTH);
    capng_updatev(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED), CAP_NET_ADMIN, CAP_NET_RAW, -1);
    if (capng_apply(CAPNG_SELECT_BOTH) != 0) return {Step::DropPrivileges, errno != 0 ? errno : EPERM};
#ifndef ROAMSCOPE_SANITIZED  // whose run-time makes calls of its own
    // What the loop, libpcap, libmnl, the allocator and the C library use from here on. Others fail with EPERM,
    // so that a newer C library's first choice of call leads to its second instead of to our death.
    const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == nullptr) return {Step::DropPrivileges, ENOMEM};
    int error = 0;
    for (const char* name :
         {"read", "write", "readv", "writev", "close", "openat", "fcntl", "ioctl", "poll", "ppoll", "pipe2", "eventfd2",
          "newfstatat", "fstat", "statx", "lseek", "readlink", "readlinkat", "access", "faccessat", "faccessat2", "getdents64",
          "socket", "bind", "getsockname", "getsockopt", "setsockopt", "sendto", "sendmsg", "recvfrom", "recvmsg",
          "mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "futex", "getrandom",
          "clock_gettime", "gettimeofday", "clock_nanosleep", "nanosleep", "restart_syscall",
          "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "getpid", "gettid", "tgkill",
          "getuid", "geteuid", "getgid", "getegid", "uname", "sysinfo", "exit", "exit_group"}) {
        const int number = seccomp_syscall_resolve_name(name);
        if (number == __NR_SCMP_ERROR) continue;  // not a call of this architecture
        if (error == 0) error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    }
    if (error == 0) error = seccomp_load(filter);
    seccomp_release(filter);
    if (error != 0) return {Step::DropPrivileges, -error};
#endif
    return {};
}

}  // namespace roamscope::helper
