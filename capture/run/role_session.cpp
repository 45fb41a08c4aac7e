// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/run/role_session.hpp"

#include "capture/io/record_output.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

namespace roamscope::capture {

using Json = nlohmann::ordered_json;

namespace {

constexpr int readBudget = 64;  // frames of one interface before the timers and the others get their turn
constexpr std::size_t maxFrame = 65'536;
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

/// Raises the interface when it is down.
Result<void> raise(const std::string& name)
{
    const FileDescriptor socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    if (!socket || ::ioctl(socket.get(), SIOCGIFFLAGS, &request) < 0) return tapFailure(name, "asking for its state", errno);
    if ((request.ifr_flags & IFF_UP) != 0) return {};
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0) return tapFailure(name, "raising it", errno);
    return {};
}

Json bindingJson(const Ipv6Address& home, const Ipv6Address& careOf, std::uint16_t sequence, std::uint16_t units, TimePoint expires, TimePoint now)
{
    return {{"home_address", home.text()}, {"bid", nullptr}, {"care_of_address", careOf.text()}, {"sequence", sequence},
            {"lifetime", std::int64_t{units} * 4'000'000'000}, {"remaining", std::max<std::int64_t>(0, (expires - now).count())}};
}

Json bindingsJson(const lab::Lab& lab)
{
    Json out = Json::array();
    if (const auto* anchor = lab.nodeAs<node::Anchor>(0)) {
        for (const auto& [home, b] : anchor->registrar().bindings())
            if (b.state == node::Binding::State::Valid) out.push_back(bindingJson(home, b.careOfAddress, b.sequence, b.granted.count(), b.expires, lab.now()));
    } else if (const auto* correspondent = lab.nodeAs<node::Correspondent>(0)) {
        for (const auto& [home, b] : correspondent->cache().bindings())
            if (b.state == node::CorrespondentBinding::State::Live) out.push_back(bindingJson(home, b.careOfAddress, b.sequence, b.granted.count(), b.expires, lab.now()));
    }
    return out;
}

}  // namespace

Result<TapDevice> openTap(const std::string& name)
{
    // Opening a name that does not exist would make an interface that ends with us.
    if (name.size() >= IFNAMSIZ || ::if_nametoindex(name.c_str()) == 0)
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

Result<RoleSession> RoleSession::open(const lab::Scenario& scenario)
{
    std::vector<TapDevice> taps;
    for (const lab::LinkSpec& link : scenario.links) {
        auto tap = openTap(link.name);
        if (!tap) return tl::unexpected(tap.error());
        taps.push_back(std::move(*tap));
    }
    std::uint64_t seed = scenario.seed;
    if (seed == 0 && ::getrandom(&seed, sizeof seed, 0) != sizeof seed) return fail(ErrorCode::Io, 0, "the system gives no random numbers. Give a \"seed\"");
    auto lab = lab::Lab::build(scenario, seed, lab::Segments::External);
    if (!lab) return tl::unexpected(lab.error());
    return RoleSession(std::move(*lab), std::move(taps));
}

TimePoint RoleSession::now() const { return atNanoseconds(clockNow() - start_); }

Result<void> RoleSession::carryOut()
{
    out_.moves.clear();  // the interfaces are others'
    for (const lab::PortFrame& frame : out_.transmit)
        if (auto sent = taps_[frame.port].write(frame.bytes); !sent) return tl::unexpected(sent.error());
    out_.transmit.clear();
    return {};
}

Result<void> RoleSession::advance()
{
    for (auto next = lab_.nextDeadline(); next && *next <= now(); next = lab_.nextDeadline()) {
        lab_.advanceOnce(*next, out_);
        if (auto done = carryOut(); !done) return done;
    }
    return {};
}

Result<void> RoleSession::receive(std::size_t port)
{
    std::array<std::uint8_t, maxFrame> buffer;
    for (int n = 0; n < readBudget; ++n) {
        const auto length = taps_[port].read(buffer);
        if (!length) return tl::unexpected(length.error());
        if (*length == 0) break;
        lab_.inject(now(), port, ByteView(buffer.data(), *length), out_);
        if (auto done = carryOut(); !done) return done;
    }
    return {};
}

void RoleSession::report(const std::function<void(const std::string&)>& print)
{
    if (out_.events.empty()) return;
    LabRecord record;
    record.scenario = lab_.scenario();
    record.events = std::move(out_.events);
    out_.events.clear();
    const std::string lines = eventLines(record);
    for (std::size_t from = 0; from < lines.size();) {
        const std::size_t end = lines.find('\n', from);
        print(lines.substr(from, end - from));
        from = end + 1;
    }
}

std::string RoleSession::readyLine() const
{
    const lab::NodeSpec& spec = lab_.scenario().nodes[0];
    Json interfaces = Json::array();
    for (const lab::Port& port : lab_.ports()) {
        Json addresses = Json::array();
        for (const node::InterfaceAddress& address : lab_.stack(0).addresses(port.interface)) addresses.push_back(address.address.text());
        interfaces.push_back({{"name", spec.interfaces[port.interface].name}, {"tap", taps_[port.interface].name()}, {"mac", port.mac.text()}, {"addresses", addresses}});
    }
    return Json{{"event", "ready"}, {"node", spec.name}, {"role", std::string(lab::roleName(spec.role))}, {"security", "no security association: nothing is protected by IPsec"},
                {"interfaces", interfaces}}.dump();
}

std::string RoleSession::obey(std::string_view line)
{
    const auto command = Json::parse(line, nullptr, false);
    const auto refuse = [](std::string_view name, std::string_view why) { return Json{{"answer", std::string(name)}, {"error", std::string(why)}}.dump(); };
    if (!command.is_object() || !command.contains("command") || !command["command"].is_string())
        return refuse("", "expected one JSON object a line, such as {\"command\":\"bindings\"}");
    const std::string name = command["command"];
    if (name == "stop") {
        stopped_ = true;
        return Json{{"answer", name}}.dump();
    }
    if (name == "bindings") return Json{{"answer", name}, {"bindings", bindingsJson(lab_)}}.dump();
    if (name != "attach") return refuse(name, "unknown command: expected bindings, attach or stop");
    const auto& interfaces = lab_.scenario().nodes[0].interfaces;
    const bool complete = command.contains("interface") && command["interface"].is_string() && command.contains("up") && command["up"].is_boolean();
    if (!complete) return refuse(name, "expected \"interface\" (its name) and \"up\" (true or false)");
    for (std::size_t i = 0; i < interfaces.size(); ++i) {
        if (interfaces[i].name != command["interface"]) continue;
        lab_.move(now(), i, command["up"] ? std::optional(i) : std::nullopt, out_);
        return Json{{"answer", name}, {"interface", interfaces[i].name}, {"up", command["up"]}}.dump();
    }
    return refuse(name, "no interface has that name");
}

Result<void> RoleSession::run(const Options& options, const std::function<void(const std::string&)>& print)
{
    start_ = clockNow();
    print(readyLine());
    std::vector<pollfd> polled;
    for (const TapDevice& tap : taps_) polled.push_back({tap.descriptor(), POLLIN, 0});
    polled.push_back({options.stop, POLLIN, 0});
    polled.push_back({options.control ? 0 : -1, POLLIN, 0});
    std::string input;
    while (!stopped_ && (!options.duration || now() < TimePoint{*options.duration})) {
        if (auto done = advance(); !done) return done;
        report(print);
        Duration wait = 1s;
        if (const auto next = lab_.nextDeadline()) wait = std::min<Duration>(wait, *next - now());
        if (options.duration) wait = std::min<Duration>(wait, TimePoint{*options.duration} - now());
        const timespec timeout{0, std::clamp<std::int64_t>(wait.count(), 0, 999'999'999)};
        if (ppoll(polled.data(), polled.size(), &timeout, nullptr) < 0 && errno != EINTR) return fail(ErrorCode::Io, 0, fmt::format("waiting for frames: {}", std::strerror(errno)));
        for (std::size_t i = 0; i < taps_.size(); ++i)
            if ((polled[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0)
                if (auto done = receive(i); !done) return done;
        if (polled[taps_.size()].revents != 0) break;
        if (polled.back().revents == 0) continue;
        std::array<char, 4096> more;
        const ssize_t got = ::read(0, more.data(), more.size());
        if (got <= 0) break;  // the end of standard input is the end
        input.append(more.data(), static_cast<std::size_t>(got));
        for (std::size_t end = input.find('\n'); end != std::string::npos; end = input.find('\n')) {
            const std::string answer = obey(std::string_view(input).substr(0, end));
            if (auto done = carryOut(); !done) return done;
            report(print);
            print(answer);
            input.erase(0, end + 1);
        }
        if (input.size() > maxCommand) {
            print(Json{{"answer", ""}, {"error", "a command of more than 65536 octets"}}.dump());
            input.clear();
        }
    }
    report(print);
    return {};
}

}  // namespace roamscope::capture
