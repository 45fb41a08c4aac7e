// SPDX-License-Identifier: GPL-3.0-or-later
// Frames for analysis tests, made with the codec, and a capture of the sample network (HA, CN, MAP, two access routers) whose
// every frame stands at a time that the test chooses. No node runs here: what is sent is exactly what the test says.
#pragma once

#include "capture/analysis/analyzer.hpp"
#include "protocol/wire/frame.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace roamscope::test {

inline Ipv6Address ip(const char* text) { return *Ipv6Address::parse(text); }
inline Mac mac(const char* text) { return *Mac::parse(text); }
inline TimePoint at(Duration d) { return TimePoint{d}; }

inline Bytes packet(const Ipv6Address& source, const Ipv6Address& destination, std::uint8_t next, Bytes payload, std::uint8_t hopLimit = 64)
{
    wire::Ipv6Packet p;
    p.source = source;
    p.destination = destination;
    p.nextHeader = next;
    p.hopLimit = hopLimit;
    p.payload = std::move(payload);
    return wire::emitIpv6(p);
}

inline Bytes tunnel(const Ipv6Address& source, const Ipv6Address& destination, Bytes inner)
{
    return packet(source, destination, wire::protocol::ipv6, std::move(inner));
}

inline Bytes icmp(const Ipv6Address& source, const Ipv6Address& destination, const wire::Icmpv6Message& message)
{
    return packet(source, destination, wire::protocol::icmpv6, wire::emitIcmpv6(message, {source, destination}), 255);
}

inline Bytes mobility(wire::Ipv6Packet p, const wire::MobilityMessage& message)
{
    p.nextHeader = wire::protocol::mobility;
    p.payload = wire::emitMobility(message, p.pseudoHeader());
    return wire::emitIpv6(p);
}

struct UpdateSpec {
    Ipv6Address source;
    Ipv6Address destination;
    std::optional<Ipv6Address> home;  ///< home address option
    std::optional<Ipv6Address> alternate;
    std::uint16_t flags = 0;
    std::uint16_t sequence = 0;
    std::uint16_t seconds = 600;  ///< a multiple of 4
    std::vector<wire::MobilityOption> options{};
};

inline Bytes update(const UpdateSpec& spec)
{
    wire::Ipv6Packet p;
    p.source = spec.source;
    p.destination = spec.destination;
    if (spec.home) p.setHomeAddress(*spec.home);
    wire::BindingUpdate message;
    message.sequence = spec.sequence;
    message.flags = spec.flags;
    message.lifetime = WireLifetime{static_cast<std::uint16_t>(spec.seconds / 4)};
    message.options = spec.options;
    if (spec.alternate) message.options.push_back(wire::AlternateCareOfAddress{*spec.alternate});
    return mobility(p, message);
}

struct AnswerSpec {
    Ipv6Address source;
    Ipv6Address destination;
    std::optional<Ipv6Address> home;  ///< type 2 routing header
    std::uint8_t status = 0;
    std::uint16_t sequence = 0;
    std::uint16_t seconds = 600;
    std::vector<wire::MobilityOption> options{};
};

inline Bytes answer(const AnswerSpec& spec)
{
    wire::Ipv6Packet p;
    p.source = spec.source;
    p.destination = spec.destination;
    if (spec.home) p.routing = wire::Type2Routing{1, *spec.home};
    wire::BindingAck message;
    message.status = spec.status;
    message.sequence = spec.sequence;
    message.lifetime = WireLifetime{static_cast<std::uint16_t>(spec.seconds / 4)};
    message.options = spec.options;
    return mobility(p, message);
}

inline Bytes probe(const Ipv6Address& source, const Ipv6Address& destination, const wire::Probe& probe)
{
    wire::UdpDatagram d;
    d.sourcePort = probe.answer ? wire::probeSinkPort : wire::probeSourcePort;
    d.destinationPort = probe.answer ? wire::probeSourcePort : wire::probeSinkPort;
    d.data = wire::emitProbe(probe, 100);
    return packet(source, destination, wire::protocol::udp, wire::emitUdp(d, {source, destination}));
}

struct CapturedFrame {
    TimePoint time;
    std::uint32_t link;
    Bytes bytes;
};

/// Frames in order of time, and their analysis.
class Capture {
public:
    explicit Capture(std::vector<std::string> links)
    {
        for (std::string& name : links) links_.push_back({std::move(name), wire::linkEthernet});
    }

    void add(Duration time, std::uint32_t link, const Mac& from, const Mac& to, const Bytes& packet)
    {
        frames.push_back({at(time), link, wire::emitEthernet({to, from, wire::etherTypeIpv6}, packet)});
    }
    /// Puts the frames in order of time, those of the same time as they were added.
    void sort()
    {
        std::stable_sort(frames.begin(), frames.end(), [](const CapturedFrame& a, const CapturedFrame& b) { return a.time < b.time; });
    }
    /// Index of the first frame on `link` at `time`.
    [[nodiscard]] analysis::FrameIndex indexOf(Duration time, std::uint32_t link) const
    {
        for (std::size_t i = 0; i < frames.size(); ++i)
            if (frames[i].time == at(time) && frames[i].link == link) return static_cast<analysis::FrameIndex>(i);
        return UINT32_MAX;
    }
    /// Keeps only what was captured on `link`.
    void keepOnly(std::uint32_t link)
    {
        frames.erase(std::remove_if(frames.begin(), frames.end(), [&](const CapturedFrame& f) { return f.link != link; }), frames.end());
    }
    [[nodiscard]] std::shared_ptr<const analysis::Analysis> analyze() const
    {
        analysis::Analyzer analyzer;
        for (std::size_t i = 0; i < frames.size(); ++i)
            analyzer.add(static_cast<analysis::FrameIndex>(i), {frames[i].time, frames[i].link, static_cast<std::uint32_t>(frames[i].bytes.size()), frames[i].bytes},
                         links_.at(frames[i].link));
        return analyzer.result();
    }

    std::vector<CapturedFrame> frames;

protected:
    std::vector<capture::TraceLink> links_;
};

struct MobileSpec {
    Ipv6Address home = ip("2001:db8:100::1:1");
    Mac interface = mac("02:00:00:00:00:11");
};

/// The sample network: links home, core, domain, w1, w2. Every call stands for one packet and adds its frames on all links that
/// it crosses, the first at the given time; then 5 ms on `domain`, 20 ms on `core`, 2 ms on a wireless link.
class SampleNetwork : public Capture {
public:
    enum Link : std::uint32_t { home, core, domain, w1, w2 };

    SampleNetwork() : Capture({"home", "core", "domain", "w1", "w2"}) {}

    const Ipv6Address ha = ip("2001:db8:200::1"), cn = ip("2001:db8:200::c"), map = ip("2001:db8:200::300");
    const Mac haMac = mac("02:00:00:00:00:01"), haHome = mac("02:00:00:00:00:02"), cnMac = mac("02:00:00:00:00:0c"), mapCore = mac("02:00:00:00:00:31"),
              mapDomain = mac("02:00:00:00:00:32"), arDomain[2] = {mac("02:00:00:00:00:a1"), mac("02:00:00:00:00:a2")},
              arRadio[2] = {mac("02:00:00:00:01:a1"), mac("02:00:00:00:01:a2")};

    [[nodiscard]] Ipv6Address careOf(const MobileSpec& mn, Link w) const
    {
        return withInterfaceId(ip(w == w1 ? "2001:db8:a1::" : "2001:db8:a2::"), eui64(mn.interface));
    }
    [[nodiscard]] Ipv6Address regional(const MobileSpec& mn) const { return withInterfaceId(ip("2001:db8:300::"), eui64(mn.interface)); }
    static int radio(Link w) { return w == w1 ? 0 : 1; }

    void solicitRouter(const MobileSpec& mn, Link w, Duration t)
    {
        add(t, w, mn.interface, multicastMac(allRouters()), icmp(linkLocal(eui64(mn.interface)), allRouters(), wire::RouterSolicitation{}));
    }
    void advertise(Link w, Duration t)
    {
        wire::RouterAdvertisement ra;
        ra.routerLifetime = 1800;
        wire::PrefixInformation prefix;
        prefix.prefix = {ip(w == w1 ? "2001:db8:a1::1" : "2001:db8:a2::1"), 64};
        prefix.onLink = prefix.autonomous = prefix.routerAddress = true;
        prefix.validLifetime = prefix.preferredLifetime = 3600;
        ra.options = {prefix, wire::MapOption{2, 10, true, 3600, map}};
        const Mac from = arRadio[radio(w)];
        add(t, w, from, multicastMac(allNodes()), icmp(linkLocal(eui64(from)), allNodes(), ra));
    }
    /// Duplicate address detection of the care-of address.
    void testAddress(const MobileSpec& mn, Link w, Duration t)
    {
        const Ipv6Address target = careOf(mn, w);
        add(t, w, mn.interface, multicastMac(solicitedNode(target)),
            icmp(Ipv6Address{}, solicitedNode(target), wire::NeighborSolicitation{target, {}}));
    }
    void up(const MobileSpec& mn, Link w, Duration t, const Bytes& toMap, const std::optional<Bytes>& onCore = std::nullopt)
    {
        add(t, w, mn.interface, arRadio[radio(w)], toMap);
        add(t + 5ms, domain, arDomain[radio(w)], mapDomain, toMap);
        if (onCore) add(t + 25ms, core, mapCore, haMac, *onCore);
    }
    void down(const MobileSpec& mn, Link w, Duration t, const Bytes& fromMap)
    {
        add(t, domain, mapDomain, arDomain[radio(w)], fromMap);
        add(t + 2ms, w, arRadio[radio(w)], mn.interface, fromMap);
    }
    [[nodiscard]] UpdateSpec localSpec(const MobileSpec& mn, Link w, std::uint16_t sequence, std::uint16_t seconds = 600) const
    {
        return {careOf(mn, w), map, regional(mn), std::nullopt, wire::BindingUpdate::acknowledge | wire::BindingUpdate::mapRegistration, sequence, seconds};
    }
    void localUpdate(const MobileSpec& mn, Link w, Duration t, std::uint16_t sequence, std::uint16_t seconds = 600)
    {
        up(mn, w, t, update(localSpec(mn, w, sequence, seconds)));
    }
    void localAnswer(const MobileSpec& mn, Link w, Duration t, std::uint16_t sequence, std::uint8_t status = 0, std::uint16_t seconds = 600)
    {
        down(mn, w, t, answer({map, careOf(mn, w), regional(mn), status, sequence, seconds}));
    }
    [[nodiscard]] UpdateSpec homeSpec(const MobileSpec& mn, std::uint16_t sequence, std::uint16_t seconds = 600) const
    {
        return {regional(mn), ha, mn.home, regional(mn), wire::BindingUpdate::acknowledge | wire::BindingUpdate::homeRegistration, sequence, seconds};
    }
    void homeUpdate(const MobileSpec& mn, Link w, Duration t, std::uint16_t sequence, std::uint16_t seconds = 600)
    {
        const Bytes inner = update(homeSpec(mn, sequence, seconds));
        up(mn, w, t, tunnel(careOf(mn, w), map, inner), inner);
    }
    void homeAnswer(const MobileSpec& mn, Link w, Duration t, std::uint16_t sequence, std::uint8_t status = 0, std::uint16_t seconds = 600)
    {
        const Bytes inner = answer({ha, regional(mn), mn.home, status, sequence, seconds});
        add(t, core, haMac, mapCore, inner);
        down(mn, w, t + 5ms, tunnel(map, careOf(mn, w), inner));
    }
    /// A probe from the CN: on core at t, in the tunnel of the HA at t + 20 ms, on domain at t + 25 ms, on `w` at t + 27 ms.
    void probeDown(const MobileSpec& mn, Link w, Duration t, std::uint32_t serial)
    {
        const Bytes plain = probe(cn, mn.home, {1, false, serial, at(t)});
        const Bytes toMap = tunnel(ha, regional(mn), plain);
        add(t, core, cnMac, haMac, plain);
        add(t + 20ms, core, haMac, mapCore, toMap);
        down(mn, w, t + 25ms, tunnel(map, careOf(mn, w), toMap));
    }
    /// A probe that the HA cannot forward: no binding.
    void probeUnbound(const MobileSpec& mn, Duration t, std::uint32_t serial) { add(t, core, cnMac, haMac, probe(cn, mn.home, {1, false, serial, at(t)})); }
    /// The answer to a probe, on `w` at t, plain on core at t + 45 ms.
    void probeAnswer(const MobileSpec& mn, Link w, Duration t, std::uint32_t serial)
    {
        const Bytes plain = probe(mn.home, cn, {1, true, serial, at(t)});
        const Bytes toHa = tunnel(regional(mn), ha, plain);
        up(mn, w, t, tunnel(careOf(mn, w), map, toHa), toHa);
        add(t + 45ms, core, haMac, cnMac, plain);
    }

    /// First registration on w1, at home too: heard from 100 ms on, registered with the MAP at 2.4 s, at home at 3.557 s.
    void registerFirst(const MobileSpec& mn)
    {
        solicitRouter(mn, w1, 100ms);
        advertise(w1, 150ms);
        testAddress(mn, w1, 300ms);
        localUpdate(mn, w1, 1300ms, 1);
        localAnswer(mn, w1, 2400ms, 1);
        homeUpdate(mn, w1, 2500ms, 100);
        homeAnswer(mn, w1, 3550ms, 100);
    }
    /// The movement to w2 with these exact times: m1 10.1 s, m3 10.17 s, m4 10.2 s, m5 = m6 11.2 s, m7 11.212 s.
    void moveToSecond(const MobileSpec& mn, std::uint16_t sequence = 2)
    {
        solicitRouter(mn, w2, 10100ms);
        advertise(w2, 10170ms);
        testAddress(mn, w2, 10200ms);
        localUpdate(mn, w2, 11200ms, sequence);
        localAnswer(mn, w2, 11210ms, sequence);
    }
    /// Probes every 100 ms from 4 s to 15 s, serials 0 to 110; answered 1 ms after their arrival except while the node is away
    /// (from 10 s until its new binding stands at 11.21 s).
    void probes(const MobileSpec& mn)
    {
        for (std::uint32_t serial = 0; serial <= 110; ++serial) {
            const Duration t = 4s + serial * 100ms;
            const Duration reachesMap = t + 25ms;
            const Link w = reachesMap < 11210ms ? w1 : w2;
            probeDown(mn, w, t, serial);
            if (t + 28ms < 10s || w == w2) probeAnswer(mn, w, t + 28ms, serial);
        }
    }
};

}  // namespace roamscope::test
