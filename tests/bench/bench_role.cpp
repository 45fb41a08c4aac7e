// SPDX-License-Identifier: GPL-3.0-or-later
// How many Binding Updates a second `role ha` answers over TAP, and how fast one at a time, beside `emu` of the measuring sticks.
// Run as root in a network namespace of its own: unshare -n bench_role PROGRAM [--sticks FOLDER] [--nodes N] [--seconds S] [--rounds N]
#include "protocol/wire/ethernet.hpp"
#include "protocol/wire/frame.hpp"
#include "protocol/wire/mobility.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace roamscope;

namespace {

const Ipv6Address agent = *Ipv6Address::parse("2001:db8:a::1");
const Ipv6Address router = *Ipv6Address::parse("2001:db8:a::fe");
const Mac agentMac = *Mac::parse("02:00:00:00:00:01");
const Mac routerMac = *Mac::parse("02:00:00:00:00:02");
constexpr std::size_t sequenceAt = 14 + 40 + 24 + 6;
constexpr std::size_t checksumAt = sequenceAt - 2;

[[noreturn]] void die(const std::string& what)
{
    std::perror(what.c_str());
    std::exit(3);
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Ipv6Address numbered(const char* base, std::size_t n)
{
    Ipv6Address a = *Ipv6Address::parse(base);
    for (std::size_t i = 0; i < 4; ++i) a.octets[15 - i] = static_cast<std::uint8_t>(n >> 8 * i);
    return a;
}

Bytes framed(const wire::Ipv6Packet& packet) { return wire::emitEthernet({agentMac, routerMac, wire::etherTypeIpv6}, wire::emitIpv6(packet)); }

Bytes update(std::size_t node, std::uint16_t sequence)
{
    wire::Ipv6Packet packet;
    packet.source = numbered("2001:db8:1:0:200::", node + 1);
    packet.destination = agent;
    packet.setHomeAddress(numbered("2001:db8:a::1:0:0", node + 1));
    packet.nextHeader = wire::protocol::mobility;
    packet.payload = wire::emitMobility(wire::BindingUpdate{sequence, 0xc000, WireLifetime{75}, {wire::AlternateCareOfAddress{packet.source}}}, packet.pseudoHeader());
    return framed(packet);
}

/// The next update of a node: number and checksum (RFC 1624) in place.
void next(Bytes& frame)
{
    const auto get = [&](std::size_t at) { return static_cast<std::uint32_t>(frame[at] << 8 | frame[at + 1]); };
    const auto put = [&](std::size_t at, std::uint32_t v) { frame[at] = static_cast<std::uint8_t>(v >> 8), frame[at + 1] = static_cast<std::uint8_t>(v); };
    const std::uint32_t old = get(sequenceAt);
    const std::uint32_t fresh = (old + 1) & 0xffff;
    std::uint32_t sum = (~get(checksumAt) & 0xffff) + (~old & 0xffff) + fresh;
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    put(sequenceAt, fresh);
    put(checksumAt, ~sum & 0xffff);
}

int packetSocket(const char* name, int protocol)
{
    const int s = ::socket(AF_PACKET, SOCK_RAW, 0);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(static_cast<std::uint16_t>(protocol));
    address.sll_ifindex = static_cast<int>(::if_nametoindex(name));
    if (s < 0 || ::bind(s, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) die("packet socket");
    const int one = 1, octets = 8 << 20;
    ::setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
    ::setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof octets);
    return s;
}

/// Frames that the program wrote into its TAP.
std::uint64_t written(const char* name)
{
    std::ifstream file("/proc/net/dev");
    for (std::string line; std::getline(file, line);) {
        const std::size_t at = line.find(std::string(name) + ":");
        unsigned long long octets = 0, packets = 0;
        if (at != std::string::npos && std::sscanf(line.c_str() + at + std::strlen(name) + 1, "%llu %llu", &octets, &packets) == 2) return packets;
    }
    return 0;
}

double cpuSeconds(pid_t pid)
{
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string word;
    double ticks = 0;
    for (int i = 1; i <= 15 && file >> word; ++i)
        if (i >= 14) ticks += std::strtod(word.c_str(), nullptr);
    return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

struct Role {
    pid_t pid = -1;

    Role(const std::string& program, std::size_t nodes)
    {
        const std::string config = "/tmp/bench_role." + std::to_string(::getpid()) + ".json";
        std::ofstream(config) << "{\"home_prefixes\": [\"2001:db8:a::/64\"], \"default_router\": \"2001:db8:a::fe\", " << (nodes > 1000 ? "\"maximum_bindings\": " + std::to_string(nodes) + ", " : "") << "\"interfaces\": [{\"address\": \"2001:db8:a::1/64\", \"mac\": \"" << agentMac.text() << "\", \"dad_transmits\": 0}]}";
        int out[2];
        if (::pipe(out) != 0) die("pipe");
        pid = ::fork();
        if (pid == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // also when we give up
            ::dup2(out[1], 1);
            ::execl(program.c_str(), program.c_str(), "role", "ha", "--config", config.c_str(), "--tap", "tp0", "--quiet", nullptr);
            die(program);
        }
        ::close(out[1]);
        char line[4096];
        if (::read(out[0], line, sizeof line) <= 0) die("the home agent did not start");
        ::close(out[0]);
        ::unlink(config.c_str());
    }
    ~Role()
    {
        ::kill(pid, SIGTERM);
        ::waitpid(pid, nullptr, 0);
    }
};

/// Registers everybody and answers for the router until all are bound.
void registerAll(std::vector<Bytes>& updates)
{
    const int s = packetSocket("tp0", ETH_P_ALL);
    std::size_t answered = 0;
    Bytes buffer(2048);
    const auto takeOne = [&](int wait) {
        pollfd p{s, POLLIN, 0};
        if (::poll(&p, 1, wait) < 1) return false;
        const ssize_t got = ::recv(s, buffer.data(), buffer.size(), 0);
        if (got < 54) return true;
        const auto f = wire::decodeFrame(ByteView(buffer.data(), static_cast<std::size_t>(got)), wire::linkEthernet, static_cast<std::size_t>(got));
        if (f.ethernet->source != agentMac) return true;
        if (const auto* ack = f.as<wire::BindingAck>()) answered += ack->status == 0 ? 1 : 0;
        if (const auto* ns = f.as<wire::NeighborSolicitation>(); ns && ns->target == router) {
            wire::Ipv6Packet packet;
            packet.source = router;
            packet.destination = f.packets[0].source;
            packet.hopLimit = 255;
            packet.nextHeader = wire::protocol::icmpv6;
            packet.payload = wire::emitIcmpv6(wire::NeighborAdvertisement{true, true, true, router, {wire::TargetLinkLayerOption{routerMac}}}, packet.pseudoHeader());
            const Bytes octets = framed(packet);
            if (::send(s, octets.data(), octets.size(), 0) < 0) die("send");
        }
        return true;
    };
    const double start = now();
    for (std::size_t i = 0; i < updates.size(); ++i) {
        if (::send(s, updates[i].data(), updates[i].size(), 0) < 0) die("send");
        next(updates[i]);
        const std::size_t before = answered;
        for (const double limit = now() + 2; answered == before && now() < limit;) (void)takeOne(100);  // other frames come between
        if (answered == before) {
            std::fprintf(stderr, "no answer for mobile node %zu\n", i);
            std::exit(3);
        }
    }
    std::printf("   %zu mobile nodes registered, %.0f a second one at a time\n", answered, static_cast<double>(answered) / (now() - start));
    ::close(s);
}

void flood(std::vector<Bytes>& updates, const std::atomic<bool>& stop)
{
    const int s = packetSocket("tp0", 0);
    constexpr std::size_t batch = 64;
    mmsghdr messages[batch] = {};
    iovec parts[batch];
    std::size_t node = 0;
    while (!stop) {
        for (std::size_t i = 0; i < batch; ++i) {
            parts[i] = {updates[node].data(), updates[node].size()};
            messages[i].msg_hdr.msg_iov = &parts[i];
            messages[i].msg_hdr.msg_iovlen = 1;
            next(updates[node]);
            node = (node + 1) % updates.size();
        }
        if (::sendmmsg(s, messages, batch, 0) < static_cast<int>(batch)) std::this_thread::yield();
    }
    ::close(s);
}

void rate(const Role& role, std::vector<Bytes>& updates, double seconds)
{
    std::atomic<bool> stop{false};
    std::thread source([&] { flood(updates, stop); });
    const double start = now(), cpu = cpuSeconds(role.pid);
    const std::uint64_t before = written("tp0");
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    const auto answers = static_cast<double>(written("tp0") - before);
    const double wall = now() - start, used = cpuSeconds(role.pid) - cpu;
    stop = true;
    source.join();
    std::printf("role ha        %10.0f /s   (%.0f ns each, cpu %.0f %%, %.0f ns cpu each)\n", answers / wall, wall / answers * 1e9, 100 * used / wall, used / answers * 1e9);
}

void roundTrips(std::vector<Bytes>& updates, double seconds)
{
    std::this_thread::sleep_for(std::chrono::milliseconds(300));  // what the flood has left behind is answered
    const int s = packetSocket("tp0", ETH_P_ALL);
    std::vector<double> took;
    Bytes buffer(2048);
    const double start = now();
    for (std::size_t node = 0; now() - start < seconds; node = (node + 1) % updates.size()) {
        const double sent = now();
        if (::send(s, updates[node].data(), updates[node].size(), 0) < 0) die("send");
        next(updates[node]);
        for (;;) {
            pollfd p{s, POLLIN, 0};
            if (::poll(&p, 1, 200) < 1) break;
            const ssize_t got = ::recv(s, buffer.data(), buffer.size(), 0);
            if (got > 60 && buffer[20] == wire::protocol::routing) {
                took.push_back(now() - sent);
                break;
            }
        }
    }
    ::close(s);
    if (took.empty()) return;
    std::sort(took.begin(), took.end());
    const auto at = [&](double part) { return took[static_cast<std::size_t>(part * static_cast<double>(took.size() - 1))] * 1e6; };
    std::printf("role ha rtt    n=%zu p50 %.1f us p99 %.1f us p99.9 %.1f us max %.0f us\n", took.size(), at(.5), at(.99), at(.999), at(1));
}

void run(const std::string& command)
{
    std::fflush(stdout);
    if (std::system(command.c_str()) != 0) std::fprintf(stderr, "failed: %s\n", command.c_str());
}

}  // namespace

int main(int argc, char** argv)
{
    if (argc < 2) {
        std::fprintf(stderr, "unshare -n bench_role PROGRAM [--sticks FOLDER] [--nodes N] [--seconds S] [--rounds N]\n");
        return 2;
    }
    std::string sticks;
    std::size_t nodes = 50000;
    double seconds = 3;
    int rounds = 1;
    for (int i = 2; i + 1 < argc; i += 2) {
        const std::string option = argv[i];
        if (option == "--sticks") sticks = argv[i + 1];
        if (option == "--nodes") nodes = std::strtoul(argv[i + 1], nullptr, 10);
        if (option == "--seconds") seconds = std::strtod(argv[i + 1], nullptr);
        if (option == "--rounds") rounds = std::atoi(argv[i + 1]);
    }
    run("ip tuntap add dev tp0 mode tap && sysctl -qw net.ipv6.conf.tp0.disable_ipv6=1 && ip link set tp0 up");
    std::vector<Bytes> updates;
    for (std::size_t i = 0; i < nodes; ++i) updates.push_back(update(i, 1));
    for (int i = 0; i < rounds; ++i) {
        // A new one each time: later nobody would tell it that its default router is still there.
        const Role role(argv[1], nodes);
        registerAll(updates);
        if (!sticks.empty()) run("unshare -n " + sticks + "/emu ha " + std::to_string(static_cast<int>(seconds)));
        rate(role, updates, seconds);
        if (!sticks.empty()) run("unshare -n " + sticks + "/emu ha-rtt " + std::to_string(static_cast<int>(seconds)));
        roundTrips(updates, seconds);
    }
    return 0;
}
