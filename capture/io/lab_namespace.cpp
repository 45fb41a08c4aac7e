// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/lab_namespace.hpp"

#include "capture/io/descriptor_passing.hpp"
#include "capture/io/tap_remedies.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <thread>

namespace roamscope::capture {

using helper::Operation;
using helper::Reply;
using helper::Request;

namespace {

constexpr int answerSeconds = 2;
constexpr int openSeconds = 5;  ///< the helper tries the namespaces first, and making one waits for others being torn down
constexpr auto leaveTime = std::chrono::seconds(2);

void setReceiveTimeout(int socket, int seconds)
{
    const timeval limit{seconds, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

/// The helper starts with the socket as descriptor 3, an empty environment and default signals, whatever this process has
/// set. posix_spawn is safe in a process with threads.
Result<pid_t> startHelper(const std::string& path, int socket)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, socket, helper::controlDescriptor);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::string name = "roamscope-helper";
    char* arguments[] = {name.data(), nullptr};
    char* environment[] = {nullptr};
    pid_t helper = -1;
    const int error = ::posix_spawn(&helper, path.c_str(), &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        return fail(error == EACCES ? ErrorCode::Permission : ErrorCode::Io, 0,
                    fmt::format("starting {} failed: {}. Install roamscope again, or set ROAMSCOPE_HELPER to the helper's path.",
                                path, std::strerror(error)));
    return helper;
}

/// True when `process` has ended and is no longer a zombie of ours.
bool reaped(pid_t process)
{
    const pid_t result = ::waitpid(process, nullptr, WNOHANG);
    return result == process || (result < 0 && errno == ECHILD);
}

}  // namespace

Result<std::string> findHelper()
{
    namespace fs = std::filesystem;
    std::error_code ignored;
    if (const char* told = std::getenv("ROAMSCOPE_HELPER"); told != nullptr && *told != '\0') {
        if (::access(told, X_OK) == 0) return std::string(told);
        return fail(ErrorCode::Io, 0,
                    fmt::format("ROAMSCOPE_HELPER names {}, which is not a program: {}. Unset or correct it.", told,
                                std::strerror(errno)));
    }
    const fs::path folder = fs::read_symlink("/proc/self/exe", ignored).parent_path();
    const fs::path beside = folder / "roamscope-helper";
    const fs::path installed = (folder / ROAMSCOPE_HELPER_FROM_BIN).lexically_normal();
    for (const fs::path& path : {beside, installed})
        if (::access(path.c_str(), X_OK) == 0) return path.string();
    return fail(ErrorCode::Io, 0,
                fmt::format("roamscope-helper is neither {} nor {}. Build or install it, or set ROAMSCOPE_HELPER to its path.",
                            beside.string(), installed.string()));
}

LabNamespace::LabNamespace(FileDescriptor socket, pid_t helper) : socket_(std::move(socket)), helper_(helper) {}

LabNamespace::LabNamespace(LabNamespace&& other) noexcept
    : socket_(std::move(other.socket_)),
      helper_(std::exchange(other.helper_, -1)),
      mode_(other.mode_),
      serial_(other.serial_),
      taps_(std::move(other.taps_))
{
}

LabNamespace& LabNamespace::operator=(LabNamespace&& other) noexcept
{
    if (this != &other) {
        end(true);
        socket_ = std::move(other.socket_);
        helper_ = std::exchange(other.helper_, -1);
        mode_ = other.mode_;
        serial_ = other.serial_;
        taps_ = std::move(other.taps_);
    }
    return *this;
}

LabNamespace::~LabNamespace() { end(true); }

Result<LabNamespace> LabNamespace::open()
{
    const Result<std::string> path = findHelper();
    if (!path) return tl::unexpected<Error>(path.error());
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return fail(
            ErrorCode::Io, 0,
            fmt::format("making a socket for roamscope-helper failed: {}. Close some files or programs.", std::strerror(errno)));
    FileDescriptor mine(ends[0]);
    FileDescriptor theirs(ends[1]);
    const Result<pid_t> started = startHelper(*path, theirs.get());
    if (!started) return tl::unexpected<Error>(started.error());
    theirs.reset();
    setReceiveTimeout(mine.get(), openSeconds);
    LabNamespace made(std::move(mine), *started);
    const Result<Reply> reply = made.ask(Operation::Open);
    if (!reply) return tl::unexpected<Error>(reply.error());
    setReceiveTimeout(made.socket_.get(), answerSeconds);
    made.mode_ = reply->mode;
    return made;
}

Result<Reply> LabNamespace::ask(Operation operation, std::string_view name, std::string_view link, std::uint32_t mtu,
                                FileDescriptor* passed)
{
    if (!socket_) return lost("has ended");
    Request request;
    request.operation = operation;
    request.serial = ++serial_;
    request.mtu = mtu;
    for (const std::string_view text : {name, link})
        if (!text.empty() && !helper::isLegalName(text))
            return tl::unexpected<Error>(helperError({helper::Step::Name, EINVAL}, std::string(text)));
    name.copy(request.name, sizeof request.name - 1);
    link.copy(request.link, sizeof request.link - 1);
    if (!sendMessage(socket_.get(), request, -1, 0)) return lost("has ended");
    Result<Reply> reply = receive(request.serial, passed);
    if (reply && reply->step != helper::Step::None)
        return tl::unexpected<Error>(helperError({reply->step, reply->error}, std::string(name)));
    return reply;
}

Result<Reply> LabNamespace::receive(std::uint32_t serial, FileDescriptor* passed)
{
    Reply reply;
    FileDescriptor descriptor;
    ssize_t length = 0;
    do length = receiveMessage(socket_.get(), reply, descriptor);
    while (length < 0 && errno == EINTR);
    if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return lost("did not answer in time and was ended");
    if (length <= 0) return lost("has ended");
    if (length != sizeof reply || reply.magic != helper::protocolMagic || reply.serial != serial)
        return lost("answered something else and was ended");
    if (passed != nullptr) {
        if (reply.step == helper::Step::None && !descriptor)
            return lost("passed no descriptor (this process may have too many open)");
        *passed = std::move(descriptor);
    }
    return reply;
}

/// The helper is of no more use: ends what is left of the lab and says so.
tl::unexpected<Error> LabNamespace::lost(std::string_view how)
{
    end(false);
    return fail(ErrorCode::Io, 0,
                fmt::format("roamscope-helper {}; the lab with its links and ports is over. Run it again.", how));
}

/// Closes everything and waits for the helper to leave; one that stays is killed, at once unless `patiently`.
void LabNamespace::end(bool patiently)
{
    for (TapDevice& tap : taps_) tap.close();
    socket_.reset();
    if (helper_ < 0) return;
    const auto deadline = std::chrono::steady_clock::now() + leaveTime;
    while (patiently && !reaped(helper_)) {
        if (std::chrono::steady_clock::now() >= deadline) patiently = false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (!patiently && !reaped(helper_)) {
        ::kill(helper_, SIGKILL);
        ::waitpid(helper_, nullptr, 0);
    }
    helper_ = -1;
}

Result<void> LabNamespace::addLink(std::string_view name, std::uint32_t mtu)
{
    if (name.empty()) return tl::unexpected<Error>(helperError({helper::Step::Name, EINVAL}, {}));
    const Result<Reply> reply = ask(Operation::AddLink, name, {}, mtu);
    if (!reply) return tl::unexpected<Error>(reply.error());
    return {};
}

Result<std::size_t> LabNamespace::addPort(std::string_view name)
{
    if (name.empty()) return tl::unexpected<Error>(helperError({helper::Step::Name, EINVAL}, {}));
    FileDescriptor descriptor;
    const Result<Reply> reply = ask(Operation::AddPort, name, {}, 0, &descriptor);
    if (!reply) return tl::unexpected<Error>(reply.error());
    taps_.emplace_back(std::move(descriptor), std::string(name));
    return taps_.size() - 1;
}

Result<void> LabNamespace::attach(std::size_t port, std::string_view link)
{
    if (!gone() && port < taps_.size()) {
        const std::string name = taps_[port].name();  // a copy: a lost helper takes the TAPs with it
        const Result<Reply> reply = ask(Operation::MovePort, name, link);
        if (!reply) return tl::unexpected<Error>(reply.error());
        return {};
    }
    if (!socket_) return lost("has ended");
    return fail(ErrorCode::Invalid, 0,
                fmt::format("the lab has {} ports, so there is no port {}; add it first.", taps_.size(), port));
}

Result<void> LabNamespace::detach(std::size_t port) { return attach(port, {}); }

Result<FileDescriptor> LabNamespace::startCapture()
{
    FileDescriptor descriptor;
    const Result<Reply> reply = ask(Operation::StartCapture, {}, {}, 0, &descriptor);
    if (!reply) return tl::unexpected<Error>(reply.error());
    return descriptor;
}

Result<CaptureCounts> LabNamespace::captureCounts(std::string_view link)
{
    const Result<Reply> reply = ask(Operation::DropCounts, link);
    if (!reply) return tl::unexpected<Error>(reply.error());
    return CaptureCounts{reply->received, reply->droppedByKernel, reply->droppedByBuffer};
}

Result<void> LabNamespace::stop()
{
    const Result<Reply> reply = ask(Operation::Stop);
    if (!reply) return tl::unexpected<Error>(reply.error());
    for (TapDevice& tap : taps_) tap.close();
    return {};
}

bool LabNamespace::gone()
{
    if (!socket_) return true;
    pollfd control{socket_.get(), POLLIN, 0};
    // Every answer is read by whoever asked, so anything that is here unasked is the end.
    if (::poll(&control, 1, 0) <= 0) return false;
    end(false);
    return true;
}

std::string LabNamespace::enterCommand() const
{
    if (::geteuid() == 0) return fmt::format("nsenter -n -t {}", helper_);
    return fmt::format("nsenter --preserve-credentials -U -n -t {}", helper_);
}

}  // namespace roamscope::capture
