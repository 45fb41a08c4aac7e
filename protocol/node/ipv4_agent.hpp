// SPDX-License-Identifier: GPL-3.0-or-later
// What a home agent with an IPv4 address keeps beside its bindings (RFC 5555 §4.5, RFC 5648 §8; MCOA-DS-01 to -03): how each IPv4 care-of
// address is reached, whether there is a NAT on the way, and what an acknowledgement says of both. In bindings an IPv4 care-of address
// a.b.c.d stands as ::ffff:a.b.c.d, which no packet on the wire may have. IPv4 home addresses are not served: an option 29 is answered
// by an option 30 that says so. Two care-of addresses of one home address behind the same public address share the way of the last update.
// Deterministic, copyable value, not shared between threads; the tables are bounded by those of the bindings.
#pragma once

#include "protocol/node/ipv4_tunnel.hpp"
#include "protocol/wire/mobility.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <vector>

namespace roamscope::node {

struct Ipv4AgentSettings {
    std::size_t interface = 0;
    Ipv4Interface ipv4;
    std::chrono::seconds natRefresh{110};  ///< told to nodes behind a NAT; NATKATIMEOUT (RFC 5555 §6)
    bool operator==(const Ipv4AgentSettings&) const = default;
};

/// What an update says of IPv4, until it is answered.
struct Ipv4Update {
    std::optional<Ipv4Way> from;        ///< none: it came over IPv6
    std::optional<Ipv4Address> told;    ///< the only care-of address in it; another one than that of `from` shows a NAT (RFC 5555 §4.2)
    bool forced = false;                ///< F: in UDP without a NAT, too
    std::vector<wire::Ipv4HomeAddress> asked;
};

class Ipv4Agent {
public:
    Ipv4Agent(const Ipv4AgentSettings& settings, const Mac& mac, std::uint32_t mtu) : natRefresh_(settings.natRefresh), link_(settings.interface, mac, settings.ipv4, mtu) {}

    /// A frame of the link: the packet in one to our IPv4 address.
    [[nodiscard]] std::optional<Carried> receive(TimePoint now, ByteView frame, Output& out);
    /// `inner` fits room().
    void send(TimePoint now, const wire::Ipv6Packet& inner, const Ipv4Way& way, Output& out);
    /// Octets of the largest packet on that way.
    [[nodiscard]] std::size_t room(const Ipv4Way& way) const { return link_.mtu() - ipv4TunnelOctets(way); }

    [[nodiscard]] static Ipv4Update read(const wire::BindingUpdate& update, const std::optional<Ipv4Way>& from);
    /// Keeps what the update of a home address says until answered(); that of an earlier one is forgotten.
    void wait(const Ipv6Address& home, const Ipv4Update& update) { waiting_[home] = update; }
    [[nodiscard]] std::optional<Ipv4Update> answered(const Ipv6Address& home);
    /// The update was accepted, and the home address has the care-of address that it came from.
    void bound(const Ipv6Address& home, const Ipv4Update& update);
    /// That care-of address is one of the home address no more.
    void left(const Ipv6Address& home, const Ipv6Address& careOf) { tunnels_.erase({home, careOf}); }
    void forget(const Ipv6Address& home);
    /// Options 30 and 31 of the answer, in front of any binding identifier (MCOA-DS-03).
    void answer(const Ipv6Address& home, const Ipv4Update& update, wire::BindingAck& ack) const;

    /// The way to an IPv4 care-of address of the home address.
    [[nodiscard]] std::optional<Ipv4Way> way(const Ipv6Address& home, const Ipv6Address& careOf) const;
    /// Whether packets of the home address may come so: behind a NAT, and where UDP was forced, only as the update did.
    [[nodiscard]] bool mayCome(const Ipv6Address& home, const Ipv4Way& from) const;

    void setNatRefresh(std::chrono::seconds refresh) { natRefresh_ = refresh; }
    [[nodiscard]] Ipv4Link& link() { return link_; }
    [[nodiscard]] const Ipv4Link& link() const { return link_; }
    [[nodiscard]] std::size_t tunnels() const { return tunnels_.size(); }

private:
    struct Tunnel {
        std::uint16_t port = 0;
        bool nat = false;
        bool udp = false;
    };

    std::chrono::seconds natRefresh_;
    Ipv4Link link_;
    std::map<std::pair<Ipv6Address, Ipv6Address>, Tunnel> tunnels_;  ///< by home and care-of address
    std::map<Ipv6Address, Ipv4Update> waiting_;                      ///< by home address
};

}  // namespace roamscope::node
