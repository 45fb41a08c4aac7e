// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/run/role_session.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <thread>
#include <time.h>

namespace roamscope::capture {

namespace {

constexpr std::size_t readBudget = 256;  // frames of one interface before the timers and the others get their turn
/// Things done at once before frames and commands get their turn.
constexpr int advanceBudget = 1024;
constexpr std::size_t maxCommand = 65'536;

std::int64_t clockNow()
{
    timespec t{};
    clock_gettime(CLOCK_BOOTTIME, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

tl::unexpected<Error> tapFailure(const std::string& name, const char* doing, int error)
{
    const bool right = error == EPERM || error == EACCES;
    return fail(right ? ErrorCode::Permission : ErrorCode::Io, 0,
                fmt::format("TAP interface {}: {}: {}. {}", name, doing, std::strerror(error),
                            right ? fmt::format("Make it yours (ip tuntap add dev {} mode tap user $USER; ip link set {} up) or run as root", name, name)
                                  : "Check that it is a TAP interface that no other program has open"));
}

/// Raises the interface when it is down, and waits until the kernel passes frames: it learns a little later that somebody has opened
/// the interface, and drops what is sent until then. Not for ever, as somebody may have taken the carrier away on purpose.
Result<void> raise(const std::string& name)
{
    const FileDescriptor socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    if (!socket || ::ioctl(socket.get(), SIOCGIFFLAGS, &request) < 0) return tapFailure(name, "asking for its state", errno);
    if ((request.ifr_flags & IFF_UP) == 0) {
        request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
        if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0) return tapFailure(name, "raising it", errno);
    }
    for (int i = 0; i < 1000 && ::ioctl(socket.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_RUNNING) == 0; ++i)
        std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(1ms);  // the state is told just before the queue opens
    return {};
}

/// 256 bits that nobody else has.
Result<Random::Key> secretKey()
{
    Random::Key key{};
    if (::getrandom(key.data(), sizeof key, 0) != sizeof key) return fail(ErrorCode::Io, 0, "the system gives no random numbers. Give a \"seed\"");
    return key;
}

}  // namespace

Result<TapDevice> openTap(const std::string& name)
{
    // Opening a name that does not exist would make an interface that ends with us.
    if (name.size() >= IFNAMSIZ) return fail(ErrorCode::Io, 0, fmt::format("no interface is named {}: their names have at most {} characters", name, IFNAMSIZ - 1));
    if (::if_nametoindex(name.c_str()) == 0)
        return fail(ErrorCode::Io, 0, fmt::format("no interface is named {}. Make it: ip tuntap add dev {} mode tap; ip link set {} up", name, name, name));
    FileDescriptor opened(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!opened) return tapFailure(name, "opening /dev/net/tun", errno);
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI);
    if (::ioctl(opened.get(), TUNSETIFF, &request) < 0) return tapFailure(name, "attaching to it", errno);
    if (auto up = raise(name); !up) return tl::unexpected(up.error());
    return TapDevice(std::move(opened), name);
}

Result<RoleSession> RoleSession::open(RoleFile file)
{
    std::vector<TapDevice> taps;
    for (const std::string& name : file.taps) {
        auto tap = openTap(name);
        if (!tap) return tl::unexpected(tap.error());
        taps.push_back(std::move(*tap));
    }
    const auto key = secretKey();
    if (!key) return tl::unexpected(key.error());
    auto node = RoleNode::make(std::move(file), *key);
    if (!node) return tl::unexpected(node.error());
    return RoleSession(std::move(*node), std::move(taps));
}

TimePoint RoleSession::now() const { return atNanoseconds(clockNow() - start_); }

Result<void> RoleSession::transmit()
{
    const std::vector<lab::PortFrame>& frames = node_.frames();
    if (frames.empty()) return {};
    outgoing_.clear();
    for (const lab::PortFrame& frame : frames) outgoing_.push_back({&taps_[frame.port], frame.bytes});
    if (auto done = batch_.write(outgoing_); !done) return done;
    for (std::size_t i = 0; i < frames.size(); ++i)
        if (!outgoing_[i].sent) node_.lost(now(), frames[i].port);
    node_.frames().clear();
    return {};
}

Result<void> RoleSession::advance()
{
    for (int n = 0; n < advanceBudget && node_.advance(now()); ++n)
        if (auto done = transmit(); !done) return done;
    return {};
}

Result<void> RoleSession::receive(std::size_t port)
{
    // The first few alone, then as many again as came so far: a request for many that finds one takes longer than its answer.
    for (std::size_t got = 0; got < readBudget;) {
        const std::size_t asked = got < 4 ? 1 : std::min({got, TapBatch::capacity, readBudget - got});
        const auto frames = batch_.read(taps_[port], asked);
        if (!frames) return tl::unexpected(frames.error());
        for (const ByteView frame : *frames) node_.receive(now(), port, frame);
        if (auto done = transmit(); !done) return done;
        if (frames->size() < asked) break;
        got += asked;
    }
    return {};
}

Result<bool> RoleSession::takeCommands(const Print& print)
{
    std::array<char, 4096> more;
    const ssize_t got = ::read(STDIN_FILENO, more.data(), more.size());
    if (got < 0 && errno == EINTR) return true;
    if (got <= 0) return false;  // the end of standard input is the end
    input_.append(more.data(), static_cast<std::size_t>(got));
    for (std::size_t end = input_.find('\n'); end != std::string::npos && !node_.stopped(); end = input_.find('\n')) {
        const std::string answer = node_.obey(now(), std::string_view(input_).substr(0, end));
        input_.erase(0, end + 1);
        // What the command sends leaves now, not with the next frame or timer.
        if (auto done = transmit(); !done) return tl::unexpected(done.error());
        if (auto done = advance(); !done) return tl::unexpected(done.error());
        print(node_.takeLines() + answer + "\n");
    }
    if (input_.size() > maxCommand) {
        print("{\"answer\":\"\",\"error\":\"a command of more than 65536 octets\"}\n");
        input_.clear();
    }
    return true;
}

Result<void> RoleSession::run(const Options& options, const Print& print)
{
    start_ = clockNow();
    node_.setQuiet(options.quiet);
    print(node_.readyLine() + "\n");
    std::vector<pollfd> polled;
    for (const TapDevice& tap : taps_) polled.push_back({tap.descriptor(), POLLIN, 0});
    polled.push_back({options.stop, POLLIN, 0});
    polled.push_back({options.control ? STDIN_FILENO : -1, POLLIN, 0});
    while (!node_.stopped() && (!options.duration || now() < TimePoint{*options.duration})) {
        if (auto done = advance(); !done) return done;
        if (const std::string lines = node_.takeLines(); !lines.empty()) print(lines);
        Duration wait = 1s;
        if (const auto next = node_.nextDeadline()) wait = std::min<Duration>(wait, *next - now());
        if (options.duration) wait = std::min<Duration>(wait, TimePoint{*options.duration} - now());
        const timespec timeout{0, std::clamp<std::int64_t>(wait.count(), 0, 999'999'999)};
        const int ready = ppoll(polled.data(), polled.size(), &timeout, nullptr);
        if (ready < 0 && errno != EINTR) return fail(ErrorCode::Io, 0, fmt::format("waiting for frames: {}", std::strerror(errno)));
        if (ready <= 0) continue;
        for (std::size_t i = 0; i < taps_.size(); ++i)
            if ((polled[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0)
                if (auto done = receive(i); !done) return done;
        if (polled[taps_.size()].revents != 0) break;
        if (polled.back().revents == 0) continue;
        const auto more = takeCommands(print);
        if (!more) return tl::unexpected(more.error());
        if (!*more) break;
    }
    node_.cease(now());
    if (auto done = transmit(); !done) return done;
    print(node_.takeLines());
    return {};
}

}  // namespace roamscope::capture
