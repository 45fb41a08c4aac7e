// SPDX-License-Identifier: GPL-3.0-or-later
// A home agent or MAP on its bench and a mobile node with several care-of addresses: updates with identifiers, and where packets go.
#pragma once

#include "tests/support/anchor_bench.hpp"

#include <fmt/format.h>

namespace roamscope::test::anchors {

using wire::BindingIdentifier;

inline const Ipv6Address cell = ip("2001:db8:300::6");
inline const Ipv6Address wired = ip("2001:db8:300::7");

inline BindingIdentifier bid(std::uint16_t number, const Ipv6Address& at, std::uint8_t priority = 0) { return {number, 0, false, priority, Bytes(at.octets.begin(), at.octets.end())}; }
inline BindingIdentifier refresh(std::uint16_t number) { return {number, 0, false, 0, {}}; }

struct Mcoa : Bench {
    std::uint16_t sequence = 10;

    explicit Mcoa(Registrar::Policy p, const AnchorServices& services = {}) : Bench(std::move(p), services) {}
    explicit Mcoa(bool map = false) : Bench(map, false) {}

    /// The acknowledgement of an update with these options, "4 11 84: 1/0 2/167": status, sequence, lifetime in units, and the options.
    std::string update(std::vector<wire::MobilityOption> options, std::uint16_t units = 100, std::uint16_t flags = 0, const Ipv6Address& from = careOf, bool map = false)
    {
        (void)take(out);
        const auto kind = map ? BindingUpdate::mapRegistration : BindingUpdate::homeRegistration;
        in(coreLink, mobility(from, agent, BindingUpdate{++sequence, static_cast<std::uint16_t>(BindingUpdate::acknowledge | kind | flags), WireLifetime{units}, std::move(options)}, home));
        return answer(take(out));
    }
    static std::string answer(const std::vector<Seen>& seen)
    {
        for (const Seen& s : seen) {
            const auto* ack = s.frame.as<BindingAck>();
            if (!ack) continue;
            std::string text = fmt::format("{} {} {}:", ack->status, ack->sequence, ack->lifetime.count());
            for (const wire::MobilityOption& option : ack->options)
                if (const auto* b = std::get_if<BindingIdentifier>(&option)) text += fmt::format(" {}{}/{}", b->bid, b->home ? "H" : "", b->status);
            for (const wire::MobilityOption& option : ack->options)
                if (const auto* f = std::get_if<wire::FlowIdentification>(&option)) text += fmt::format(" f{}/{}", f->flow, f->status);
            if (ack->flags != 0) text += " R";
            return text;
        }
        return "nothing";
    }
    /// Where packets for the home address go: an address, or "home" for the home link, or "nowhere"; copies with a blank between them.
    std::string way() { return wayOf(probe(correspondent, home, {1, false, 1, TimePoint{}})); }
    std::string wayOf(const wire::Ipv6Packet& packet)
    {
        (void)take(out);
        in(coreLink, packet);
        std::string text;
        for (const Seen& s : take(out)) {
            std::string one;
            if (s.frame.packets.size() > 1 && s.frame.packets[0].destination != packet.destination) one = s.frame.packets[0].destination.text();
            else if (s.interface == homeLink && s.inner().destination == packet.destination) one = "home";
            if (!one.empty()) text += (text.empty() ? "" : " ") + one;
        }
        return text.empty() ? "nowhere" : text;
    }
    /// Whether a packet of the mobile node from there comes out of the tunnel.
    bool takenFrom(const Ipv6Address& at)
    {
        (void)take(out);
        in(coreLink, encapsulate(probe(home, correspondent, {1, false, 1, TimePoint{}}), at, agent));
        for (const Seen& s : take(out))
            if (s.frame.packets.size() == 1 && s.inner().destination == correspondent) return true;
        return false;
    }
    [[nodiscard]] std::string parts() const
    {
        std::string text;
        if (binding())
            for (const BidBinding& b : binding()->parts()) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", b.bid, b.careOfAddress.text());
        return text;
    }
};

}  // namespace roamscope::test::anchors
