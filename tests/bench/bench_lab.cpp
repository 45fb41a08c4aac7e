// SPDX-License-Identifier: GPL-3.0-or-later
// How far the virtual lab goes, printed beside the goals; nothing here passes or fails, these machines are noisy.
//   bench_lab                          everything below
//   bench_lab --nodes N [--seconds S]  N mobile nodes, each with one handover a second, for S seconds of lab time
//   bench_lab --handovers N            N handovers of a hundred nodes, with the memory at ten places on the way
//   bench_lab --binding                octets of a binding with its timer
//   bench_lab --updates                what an update costs a home agent, without and with binding identifiers
#include "protocol/lab/lab.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#ifdef ROAMSCOPE_JEMALLOC
#include <jemalloc/jemalloc.h>
#else
#include <malloc.h>
#endif
#include <sys/resource.h>
#include <unistd.h>

using namespace roamscope;
using namespace roamscope::lab;

namespace {

/// Octets that this program has from its allocator.
std::size_t heapInUse()
{
#ifdef ROAMSCOPE_JEMALLOC
    std::uint64_t epoch = 1;
    std::size_t size = sizeof epoch;
    mallctl("epoch", &epoch, &size, &epoch, size);
    std::size_t allocated = 0;
    size = sizeof allocated;
    mallctl("stats.allocated", &allocated, &size, nullptr, 0);
    return allocated;
#else
    return mallinfo2().uordblks;
#endif
}


constexpr std::size_t pairNodes = 10;      // mobile nodes that go back and forth between two access routers
constexpr std::size_t domainNodes = 1000;  // mobile nodes of one MAP, and of one home agent (its limit by default)

double cpuSeconds()
{
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double residentMib()
{
    long pages = 0;
    long resident = 0;
    if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%ld %ld", &pages, &resident) != 2) resident = 0;
        std::fclose(file);
    }
    return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1024 * 1024);
}

Prefix prefix(const std::string& text) { return *Prefix::parse(text); }

InterfaceSpec interface(const std::string& link, const std::string& address)
{
    InterfaceSpec out;
    out.name = link;
    out.link = link;
    out.address = prefix(address);
    return out;
}

/// Domains of a MAP and a home agent each on one core, pairs of access routers in them, ten mobile nodes for each pair.
Scenario city(std::size_t mobiles)
{
    Scenario s;
    s.title = "city";
    s.duration = 24h;
    s.dialect = Dialect::Rfc5380;
    s.links.push_back({"core", false, 5ms});
    const std::size_t domains = (mobiles + domainNodes - 1) / domainNodes;
    for (std::size_t d = 0; d < domains; ++d) {
        const std::string home = fmt::format("home{}", d);
        const std::string inside = fmt::format("d{}", d);
        s.links.push_back({home, false, 1ms});
        s.links.push_back({inside, false, 2ms});
        NodeSpec agent;
        agent.name = fmt::format("ha{}", d);
        agent.role = Role::HomeAgent;
        agent.interfaces = {interface("core", fmt::format("2001:db8:1::a{:x}/64", d)), interface(home, fmt::format("2001:db8:1{:02x}::1/64", d))};
        agent.homePrefixes = {prefix(fmt::format("2001:db8:1{:02x}::/64", d))};
        agent.routes = {{prefix("::/0"), *Ipv6Address::parse("2001:db8:1::ffff"), ""}};
        NodeSpec map;
        map.name = fmt::format("map{}", d);
        map.role = Role::Map;
        map.interfaces = {interface("core", fmt::format("2001:db8:1::b{:x}/64", d)), interface(inside, fmt::format("2001:db8:2{:02x}::1/64", d))};
        map.regionalPrefix = prefix(fmt::format("2001:db8:2{:02x}::/64", d));
        const std::size_t inDomain = std::min(domainNodes, mobiles - d * domainNodes);
        const std::size_t routers = 2 * ((inDomain + pairNodes - 1) / pairNodes);
        agent.routes.clear();
        for (std::size_t other = 0; other < domains; ++other) agent.routes.push_back({prefix(fmt::format("2001:db8:2{:02x}::/64", other)), *Ipv6Address::parse(fmt::format("2001:db8:1::b{:x}", other)), ""});
        for (std::size_t r = 0; r < routers; ++r) {
            const std::string cell = fmt::format("w{}-{}", d, r);
            const std::string cellPrefix = fmt::format("2001:db8:{:x}:{:x}::", 0x8000 + d, r);
            s.links.push_back({cell, true, 1ms});
            NodeSpec router;
            router.name = fmt::format("ar{}-{}", d, r);
            router.role = Role::AccessRouter;
            router.interfaces = {interface(inside, fmt::format("2001:db8:2{:02x}::a:{:x}/64", d, r)), interface(cell, cellPrefix + "1/64")};
            AdvertiseSpec advertise;
            advertise.minInterval = 1s;
            advertise.maxInterval = 3s;
            advertise.map = {{map.name, 2, 10, 3600s}};
            router.interfaces[1].advertise = advertise;
            router.routes = {{prefix("::/0"), *Ipv6Address::parse(fmt::format("2001:db8:2{:02x}::1", d)), ""}};
            map.routes.push_back({prefix(cellPrefix + "/64"), *Ipv6Address::parse(fmt::format("2001:db8:2{:02x}::a:{:x}", d, r)), ""});
            s.nodes.push_back(std::move(router));
        }
        for (std::size_t other = 0; other < domains; ++other) map.routes.push_back({prefix(fmt::format("2001:db8:1{:02x}::/64", other)), *Ipv6Address::parse(fmt::format("2001:db8:1::a{:x}", other)), ""});
        s.nodes.push_back(std::move(agent));
        s.nodes.push_back(std::move(map));
        for (std::size_t m = 0; m < inDomain; ++m) {
            NodeSpec n;
            n.name = fmt::format("mn{}-{}", d, m);
            n.role = Role::MobileNode;
            n.interfaces.emplace_back();
            n.interfaces[0].name = "wl0";
            n.interfaces[0].dadTransmits = 0;  // a second's wait in every second would leave nothing of it
            n.homeAddress = *Ipv6Address::parse(fmt::format("2001:db8:1{:02x}::1:{:x}", d, m + 1));
            n.homeAgent = fmt::format("ha{}", d);
            n.lifetime = 3600s;
            s.nodes.push_back(std::move(n));
        }
    }
    return s;
}

struct Mobile {
    std::size_t port;
    std::array<std::size_t, 2> links;
    std::size_t at = 0;
};

/// A lab with its nodes registered, and whoever moves them: each once a second, evenly spread.
class City {
public:
    explicit City(std::size_t mobiles) : lab_(*Lab::build(city(mobiles), 1, Segments::Internal))
    {
        std::map<std::string, std::size_t> links;
        for (std::size_t i = 0; i < lab_.scenario().links.size(); ++i) links[lab_.scenario().links[i].name] = i;
        for (std::size_t i = 0; i < lab_.ports().size(); ++i) {
            const NodeSpec& node = lab_.scenario().nodes[lab_.ports()[i].node];
            if (node.role != Role::MobileNode) continue;
            std::size_t domain = 0;
            std::size_t number = 0;
            std::sscanf(node.name.c_str(), "mn%zu-%zu", &domain, &number);
            const std::size_t first = 2 * (number / pairNodes);
            mobiles_.push_back({i, {links.at(fmt::format("w{}-{}", domain, first)), links.at(fmt::format("w{}-{}", domain, first + 1))}});
        }
        // Everybody arrives within two seconds, then there is time for the first registrations.
        for (std::size_t i = 0; i < mobiles_.size(); ++i) {
            advanceTo(TimePoint{Duration{2s} * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(mobiles_.size())});
            lab_.move(lab_.now(), mobiles_[i].port, mobiles_[i].links[0], out_);
        }
        advanceTo(TimePoint{20s});
        registered_ = 0;
        nextMove_ = lab_.now();
    }

    /// Moves them for so long; true when every handover ended in a registration.
    void moveFor(Duration time)
    {
        const TimePoint end = lab_.now() + time;
        const Duration between = Duration{1s} / static_cast<std::int64_t>(mobiles_.size());
        for (; nextMove_ < end; nextMove_ += between) {
            advanceTo(nextMove_);
            Mobile& mobile = mobiles_[next_++ % mobiles_.size()];
            mobile.at = 1 - mobile.at;
            lab_.move(lab_.now(), mobile.port, mobile.links[mobile.at], out_);
            ++handovers_;
        }
        advanceTo(end);
    }

    [[nodiscard]] std::size_t handovers() const { return handovers_; }
    [[nodiscard]] std::size_t registered() const { return registered_; }
    [[nodiscard]] std::size_t frames() const { return frames_; }

private:
    void advanceTo(TimePoint t)
    {
        bool more = true;
        while (more) {
            more = lab_.advanceOnce(t, out_);
            if (out_.events.size() < 1024 && more) continue;
            for (const LabEvent& e : out_.events) registered_ += e.event.name == "binding-acknowledged" && node::textOf(e.event.attributes, "result") == "accepted" ? 1u : 0u;
            frames_ += out_.frames.size();
            out_.clear();
        }
    }

    Lab lab_;
    LabOutput out_;
    std::vector<Mobile> mobiles_;
    TimePoint nextMove_{};
    std::size_t next_ = 0;
    std::size_t handovers_ = 0;
    std::size_t registered_ = 0;
    std::size_t frames_ = 0;
};

void manyNodes(std::size_t mobiles, Duration time)
{
    const double begin = cpuSeconds();
    City city(mobiles);
    city.moveFor(2s);
    const double ready = cpuSeconds();
    const std::size_t before = city.handovers();
    const std::size_t registeredBefore = city.registered();
    const std::size_t framesBefore = city.frames();
    city.moveFor(time);
    const double cpu = cpuSeconds() - ready;
    const auto moved = static_cast<double>(city.handovers() - before);
    std::printf("%6zu nodes: %8.0f handovers in %.0f s, CPU %7.2f s = %.2f x real time, %6.1f us and %.1f frames a handover, %.1f %% registered, %.0f MiB, start %.1f s\n", mobiles,
                moved, toSeconds(time), cpu, toSeconds(time) / cpu, 1e6 * cpu / moved, static_cast<double>(city.frames() - framesBefore) / moved,
                100 * static_cast<double>(city.registered() - registeredBefore) / moved, residentMib(), ready - begin);
    std::fflush(stdout);
}

void manyHandovers(std::size_t count)
{
    City city(100);
    std::printf("%zu handovers of 100 nodes; resident memory on the way, MiB:", count);
    const double begin = cpuSeconds();
    for (int part = 1; part <= 10; ++part) {
        city.moveFor(std::chrono::seconds(count / 1000));
        std::printf(" %.1f", residentMib());
        std::fflush(stdout);
    }
    std::printf("   (goal: constant)\n   %zu made, %zu registrations, CPU %.1f s\n", city.handovers(), city.registered(), cpuSeconds() - begin);
}

/// Heap of a registrar with many bindings, by what malloc hands out.
void bindingSize()
{
    constexpr std::size_t count = 100'000;
    node::Registrar::Policy policy;
    policy.regionalPrefixes = {prefix("2001:db8:300::/64")};
    policy.maximumBindings = count;
    policy.verify = false;
    const std::size_t before = heapInUse();
    node::Registrar registrar(policy);
    for (std::size_t i = 0; i < count; ++i) {
        wire::BindingUpdate update;
        update.sequence = 1;
        update.flags = wire::BindingUpdate::acknowledge | wire::BindingUpdate::mapRegistration;
        update.lifetime = WireLifetime{150};
        Ipv6Address home = *Ipv6Address::parse("2001:db8:300::");
        Ipv6Address careOf = *Ipv6Address::parse("2001:db8:a1::");
        for (std::size_t b = 0; b < 4; ++b) home.octets[15 - b] = careOf.octets[15 - b] = static_cast<std::uint8_t>((i + 1) >> 8 * b);
        (void)registrar.judge(TimePoint{Duration{static_cast<std::int64_t>(i)}}, {home, careOf, *Ipv6Address::parse("2001:db8:300::1"), update});
    }
    const std::size_t after = heapInUse();
    std::printf("binding with its timer: %.1f octets of heap each for %zu   (goal: at most 128)\n", static_cast<double>(after - before) / count, registrar.bindings().size());
}

/// What refreshes cost a home agent of 10,000 mobile nodes from frame to frame: plain ones, and of four identifiers at once.
void updateCost()
{
    constexpr std::size_t nodes = 10'000;
    constexpr int rounds = 20;
    const Mac own{{2, 0, 0, 0, 0, 1}};
    const Mac next{{2, 0, 0, 0, 0, 2}};
    const Ipv6Address agent = *Ipv6Address::parse("2001:db8:100::1");
    const auto numbered = [](const char* base, std::size_t i) {
        Ipv6Address out = *Ipv6Address::parse(base);
        for (std::size_t b = 0; b < 4; ++b) out.octets[15 - b] = static_cast<std::uint8_t>((i + 256) >> 8 * b);
        return out;
    };
    const auto inFrame = [&](const wire::Ipv6Packet& packet) { return wire::emitEthernet({own, next, wire::etherTypeIpv6}, wire::emitIpv6(packet)); };
    double plain = 0;
    for (const std::uint16_t bids : {std::uint16_t{0}, std::uint16_t{4}}) {
        node::IpStack stack(true, Random(1));
        stack.addInterface("home", own);
        stack.addStaticAddress(0, prefix("2001:db8:100::1/64"));
        const Ipv6Address router = *Ipv6Address::parse("2001:db8:100::fe");
        stack.addRoute(prefix("2001:db8:a0::/44"), 0, router);
        stack.pinNeighbor(0, router, next);
        node::Registrar::Policy policy;
        policy.homePrefixes.emplace_back(prefix("2001:db8:100::/64"));
        policy.maximumBindings = nodes;
        policy.verify = false;
        node::Anchor anchor(std::move(stack), policy);
        node::Output out;
        out.quiet = true;
        double seconds = 0;
        for (int round = 0; round <= rounds; ++round) {
            std::vector<Bytes> frames;
            for (std::size_t i = 0; i < nodes; ++i) {
                wire::BindingUpdate update;
                update.sequence = static_cast<std::uint16_t>(round + 1);
                update.flags = wire::BindingUpdate::acknowledge | wire::BindingUpdate::homeRegistration;
                update.lifetime = WireLifetime{150};
                for (std::uint16_t b = 1; b <= bids; ++b) {
                    const Ipv6Address at = numbered("2001:db8:a1::", 4 * i + b);
                    update.options.push_back(wire::BindingIdentifier{b, 0, false, 0, round == 0 ? Bytes(at.octets.begin(), at.octets.end()) : Bytes{}});
                }
                wire::Ipv6Packet packet;
                packet.source = numbered("2001:db8:a1::", 4 * i + 1);
                packet.destination = agent;
                packet.setHomeAddress(numbered("2001:db8:100::", i));
                packet.nextHeader = wire::protocol::mobility;
                packet.payload = wire::emitMobility(update, packet.pseudoHeader());
                frames.push_back(inFrame(packet));
            }
            const double begin = cpuSeconds();
            for (const Bytes& frame : frames) {
                anchor.receive(TimePoint{std::chrono::seconds(round)}, 0, frame, out);
                out.frames.clear();
            }
            if (round > 0) seconds += cpuSeconds() - begin;
        }
        const double each = 1e6 * seconds / (rounds * static_cast<double>(nodes));
        if (bids == 0) plain = each;
        if (bids == 0) std::printf("plain refresh: %.2f us (%zu bindings)\n", each, anchor.registrar().bindings().size());
        else std::printf("refresh of %d identifiers: %.2f us, %.2f us each   (goal: at most %.2f)\n", bids, each, each / bids, plain);
    }
}

}  // namespace

int main(int argc, char** argv)
{
    const auto option = [&](const char* name, long otherwise) {
        for (int i = 1; i + 1 < argc; ++i)
            if (std::strcmp(argv[i], name) == 0) return std::strtol(argv[i + 1], nullptr, 10);
        return otherwise;
    };
    const long seconds = option("--seconds", 5);
    if (const long nodes = option("--nodes", 0); nodes > 0) {
        manyNodes(static_cast<std::size_t>(nodes), std::chrono::seconds(seconds));
        return 0;
    }
    if (const long handovers = option("--handovers", 0); handovers > 0) {
        manyHandovers(static_cast<std::size_t>(handovers));
        return 0;
    }
    if (argc > 1 && std::strcmp(argv[1], "--updates") == 0) {
        updateCost();
        return 0;
    }
    bindingSize();
    if (argc > 1 && std::strcmp(argv[1], "--binding") == 0) return 0;
    updateCost();
    manyHandovers(100'000);
    std::printf("each node moves once a second   (goals: 10000 nodes faster than real time, the same cost a handover at every size)\n");
    for (const std::size_t nodes : {std::size_t{10}, std::size_t{100}, std::size_t{1000}, std::size_t{10'000}}) manyNodes(nodes, std::chrono::seconds(nodes < 100 ? 200 : nodes < 1000 ? 50 : seconds));
    return 0;
}
