// SPDX-License-Identifier: GPL-3.0-or-later
// A whole lab in virtual time for a test: runs it, keeps what it gave, and answers questions about it.
#pragma once

#include "protocol/lab/invariants.hpp"
#include "tests/support/node_frames.hpp"
#include "tests/support/sample_scenario.hpp"

#include <QtTest>

#include <fmt/format.h>
#include <map>
#include <set>

namespace roamscope::test {

struct LabRun {
    lab::Lab lab;
    lab::LabOutput out;
    lab::Invariants invariants{lab};

    explicit LabRun(const lab::Scenario& scenario, std::uint64_t seed = 1) : lab(*lab::Lab::build(scenario, seed, lab::Segments::Internal)) {}

    /// Runs to `t` and checks the invariants after every step; the number of steps, ended at `limit` (a deadline that never moves on).
    std::size_t to(TimePoint t, std::size_t limit = 2'000'000)
    {
        std::size_t steps = 0;
        std::size_t frames = out.frames.size();
        std::size_t events = out.events.size();
        while (steps < limit && lab.advanceOnce(t, out)) {
            ++steps;
            invariants.check(lab, std::span(out.frames).subspan(frames), std::span(out.events).subspan(events));
            frames = out.frames.size();
            events = out.events.size();
        }
        for (const auto& v : invariants.violations())
            QTest::qFail(fmt::format("{:.6f} s, {}: {}: {}", toSeconds(v.time), lab.scenario().nodes[v.node].name, v.invariant, v.text).c_str(), __FILE__, __LINE__);
        return steps;
    }
    [[nodiscard]] const std::string& link(const lab::SegmentFrame& f) const { return lab.scenario().links[f.link].name; }
    [[nodiscard]] wire::DecodedFrame decoded(const lab::SegmentFrame& f) const { return wire::decodeFrame(f.bytes, wire::linkEthernet, f.bytes.size()); }
    [[nodiscard]] std::size_t node(std::string_view name) const { return *lab.findNode(name); }
    [[nodiscard]] const node::MobileNode& mobile(std::string_view name = "mn") const { return *lab.nodeAs<node::MobileNode>(node(name)); }
    [[nodiscard]] const node::Registrar& registrar(std::string_view name) const { return lab.nodeAs<node::Anchor>(node(name))->registrar(); }

    /// Times of the events `name` of a node within [from, to).
    [[nodiscard]] std::vector<TimePoint> events(std::string_view of, std::string_view name, TimePoint from = {}, TimePoint until = TimePoint::max()) const
    {
        std::vector<TimePoint> times;
        for (const auto& e : out.events)
            if (e.node == node(of) && e.event.name == name && e.event.time >= from && e.event.time < until) times.push_back(e.event.time);
        return times;
    }
    [[nodiscard]] std::vector<std::int64_t> serials(std::string_view of, std::string_view name) const
    {
        std::vector<std::int64_t> serials;
        for (const auto& e : out.events)
            if (e.node == node(of) && e.event.name == name)
                for (const auto& [key, value] : e.event.attributes)
                    if (key == "serial") serials.push_back(std::get<std::int64_t>(value));
        return serials;
    }
    [[nodiscard]] bool registeredAtHome(std::string_view name = "mn") const { return mobile(name).homeAssociation().registered(lab.now()); }

    /// The signalling of mobility within [from, to), one line for each frame on each link: "w1 RS", "core NA proxy HoA", "w1 BU M
    /// LCoA1>MAP HAO RCoA", "domain [LCoA>MAP] BU …". `names` gives addresses their role names.
    [[nodiscard]] std::vector<std::string> signalling(const std::map<Ipv6Address, std::string>& names, TimePoint from, TimePoint until) const;
};

inline std::vector<std::string> LabRun::signalling(const std::map<Ipv6Address, std::string>& names, TimePoint from, TimePoint until) const
{
    const auto name = [&](const Ipv6Address& a) {
        const auto it = names.find(a);
        return it == names.end() ? a.text() : it->second;
    };
    std::vector<std::string> lines;
    for (const lab::SegmentFrame& f : out.frames) {
        if (f.time < from || f.time >= until) continue;
        const wire::DecodedFrame d = decoded(f);
        if (d.packets.empty()) continue;
        const wire::Ipv6Packet& inner = *d.inner();
        std::string what;
        if (d.as<wire::RouterSolicitation>()) what = "RS";
        if (const auto* ns = d.as<wire::NeighborSolicitation>(); ns && inner.source.isUnspecified()) what = "DAD " + name(ns->target);
        if (const auto* na = d.as<wire::NeighborAdvertisement>(); na && inner.destination == allNodes()) what = "NA " + name(na->target);
        if (const auto* bu = d.as<wire::BindingUpdate>())
            what = fmt::format("BU {} {}>{} HAO {}", bu->has(wire::BindingUpdate::mapRegistration) ? "AM" : "AH", name(inner.source), name(inner.destination),
                               name(inner.homeAddress().value_or(Ipv6Address{})));
        if (const auto* ba = d.as<wire::BindingAck>())
            what = fmt::format("BA {} {}>{} RH2 {}", ba->status, name(inner.source), name(inner.destination), inner.routing ? name(inner.routing->homeAddress) : "-");
        if (what.empty()) continue;
        std::string tunnels;
        for (std::size_t i = 0; i + 1 < d.packets.size(); ++i) tunnels += fmt::format("[{}>{}] ", name(d.packets[i].source), name(d.packets[i].destination));
        lines.push_back(link(f) + " " + tunnels + what);
    }
    return lines;
}

/// The addresses of the sample scenario; the interface identifier of the mobile node is that of its default MAC.
[[nodiscard]] inline std::map<Ipv6Address, std::string> sampleNames(const LabRun& run)
{
    const InterfaceId id = eui64(run.lab.ports().back().mac);
    return {{ip("2001:db8:100::1:1"), "HoA"}, {ip("2001:db8:100::1"), "HA"}, {ip("2001:db8:200::c"), "CN"}, {ip("2001:db8:300::1"), "MAP"},
            {withInterfaceId(ip("2001:db8:a1::"), id), "LCoA1"}, {withInterfaceId(ip("2001:db8:a2::"), id), "LCoA2"},
            {withInterfaceId(ip("2001:db8:300::"), id), "RCoA"}, {linkLocal(id), "link-local"}};
}

}  // namespace roamscope::test
