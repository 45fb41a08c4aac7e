// SPDX-License-Identifier: GPL-3.0-or-later
// What a binding identifier costs a home agent (RFC 5648): mobile nodes with four care-of addresses each that refresh all of them
// in one update, beside as many bindings of mobile nodes with one. Frames in, frames out, one core; the goal is a ratio in one run.
#include "protocol/node/anchor.hpp"

#include "protocol/wire/ethernet.hpp"
#include "protocol/wire/icmpv6.hpp"
#include "protocol/wire/mobility.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <sys/resource.h>
#include <vector>

using namespace roamscope;
using namespace roamscope::node;

namespace {

const Ipv6Address agentAddress = *Ipv6Address::parse("2001:db8:100::1");
const Mac agentMac{{2, 0, 0, 0, 1, 1}}, routerMac{{2, 0, 0, 0, 3, 1}};
constexpr std::size_t identifiers = 4;

double cpuSeconds()
{
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Ipv6Address numbered(const char* prefix, std::size_t number)
{
    Ipv6Address out = *Ipv6Address::parse(prefix);
    for (std::size_t b = 0; b < 4; ++b) out.octets[15 - b] = static_cast<std::uint8_t>((number + 1) >> 8 * b);
    return out;
}

/// A home agent whose next router is known.
class Bench {
public:
    explicit Bench(std::size_t homes) : agent_(makeStack(), policy(homes), {})
    {
        const Ipv6Address router = *Ipv6Address::parse("2001:db8:200::300");
        const Ipv6Address mine = *Ipv6Address::parse("2001:db8:200::1");
        const auto solicitation = wire::emitIcmpv6(wire::NeighborSolicitation{mine, {wire::SourceLinkLayerOption{routerMac}}}, {router, mine});
        wire::Ipv6Packet packet;
        packet.source = router;
        packet.destination = mine;
        packet.nextHeader = wire::protocol::icmpv6;
        packet.hopLimit = 255;
        packet.payload = solicitation;
        receive(frame(packet));
    }

    static Bytes frame(const wire::Ipv6Packet& packet) { return wire::emitEthernet({agentMac, routerMac, wire::etherTypeIpv6}, wire::emitIpv6(packet)); }
    void receive(const Bytes& frame) { agent_.receive(now, 0, frame, out_); }
    /// Frames that were sent since the last call.
    std::size_t answers()
    {
        const std::size_t sent = out_.frames.size();
        out_ = {};
        out_.quiet = true;
        return sent;
    }
    [[nodiscard]] std::size_t bindings() const
    {
        std::size_t count = 0;
        for (const Binding& binding : agent_.registrar().bindings()) count += binding.parts().size();
        return count;
    }

    TimePoint now{};

private:
    static IpStack makeStack()
    {
        IpStack stack(true, Random(1));
        stack.addInterface("core", agentMac);
        stack.addStaticAddress(0, {linkLocal(eui64(agentMac)), 64});
        stack.addStaticAddress(0, *Prefix::parse("2001:db8:200::1/64"));
        stack.addInterface("home", Mac{{2, 0, 0, 0, 1, 2}});
        stack.addStaticAddress(1, *Prefix::parse("2001:db8:100::1/64"));
        stack.addRoute(*Prefix::parse("::/0"), 0, *Ipv6Address::parse("2001:db8:200::300"));
        return stack;
    }
    static Registrar::Policy policy(std::size_t homes)
    {
        Registrar::Policy p;
        p.homePrefixes.emplace_back(*Prefix::parse("2001:db8:100::/64"));
        p.maximumBindings = homes + 1;
        p.verify = false;
        return p;
    }

    Anchor agent_;
    Output out_;
};

Bytes update(std::size_t home, std::size_t careOfs, std::uint16_t sequence, bool first)
{
    wire::Ipv6Packet packet;
    packet.source = numbered("2001:db8:a1::", home);
    packet.destination = agentAddress;
    packet.setHomeAddress(numbered("2001:db8:100::1:0:0", home));
    wire::BindingUpdate message{sequence, wire::BindingUpdate::acknowledge | wire::BindingUpdate::homeRegistration, WireLifetime{900}, {}};
    if (careOfs > 1 && first) message.flags |= wire::BindingUpdate::overwrite;
    constexpr std::array<const char*, identifiers> prefixes{"2001:db8:a1::", "2001:db8:a2::", "2001:db8:a3::", "2001:db8:a4::"};
    for (std::size_t i = 0; careOfs > 1 && i < careOfs; ++i) {
        const Ipv6Address at = numbered(prefixes[i], home);
        message.options.push_back(wire::BindingIdentifier{static_cast<std::uint16_t>(i + 1), 0, false, 0, first ? Bytes(at.octets.begin(), at.octets.end()) : Bytes()});
    }
    packet.nextHeader = wire::protocol::mobility;
    packet.payload = wire::emitMobility(message, packet.pseudoHeader());
    return Bench::frame(packet);
}

/// Nanoseconds for each binding that is refreshed.
double refresh(std::size_t homes, std::size_t careOfs, std::uint16_t rounds)
{
    Bench bench(homes);
    (void)bench.answers();
    for (std::size_t i = 0; i < homes; ++i) bench.receive(update(i, careOfs, 1, true));
    const std::size_t first = bench.answers();
    double best = 1e9;
    for (std::uint16_t round = 0; round < rounds; ++round) {
        std::vector<Bytes> frames;
        for (std::size_t i = 0; i < homes; ++i) frames.push_back(update(i, careOfs, static_cast<std::uint16_t>(round + 2), false));
        bench.now += std::chrono::seconds(1);
        const double begin = cpuSeconds();
        for (const Bytes& frame : frames) bench.receive(frame);
        const double used = cpuSeconds() - begin;
        if (bench.answers() < homes) std::printf("   not every update was answered\n");
        best = std::min(best, used * 1e9 / static_cast<double>(homes * careOfs));
    }
    std::printf("   %zu mobile nodes with %zu care-of address%s: %zu bindings, %zu answers to the first updates, %.0f ns a binding\n", homes, careOfs, careOfs == 1 ? "" : "es",
                bench.bindings(), first, best);
    return best;
}

}  // namespace

int main(int argc, char** argv)
{
    const std::size_t homes = argc > 1 ? static_cast<std::size_t>(std::strtoul(argv[1], nullptr, 10)) : 10'000;
    std::printf("refreshes at a home agent\n");
    const double plain = refresh(homes, 1, 5);
    const double many = refresh(homes * identifiers, 1, 5);
    const double bulk = refresh(homes, identifiers, 5);
    std::printf("one identifier costs %.2f of a plain binding, %.2f of one among as many bindings   (goal: at most 1)\n", bulk / plain, bulk / many);
    return 0;
}
