// SPDX-License-Identifier: GPL-3.0-or-later
// One interface of a node on an IPv4 network: a static address, ARP (RFC 826) for it and for those it sends to, and the next hop. What
// carries IPv6 over it is ipv4_tunnel.hpp. No DHCP, no duplicate detection (RFC 5227), no ICMP: what does not fit or cannot be
// resolved is dropped. Deterministic, copyable value, not shared between threads; its tables are bounded.
#pragma once

#include "protocol/node/output.hpp"
#include "protocol/wire/ipv4.hpp"

#include <map>
#include <optional>
#include <vector>

namespace roamscope::node {

/// The IPv4 of an interface.
struct Ipv4Interface {
    Ipv4Address address;
    std::uint8_t prefixLength = 24;        ///< 1 to 30
    std::optional<Ipv4Address> gateway{};  ///< on the link; none: only neighbours are reached
    bool operator==(const Ipv4Interface&) const = default;
    [[nodiscard]] bool covers(const Ipv4Address& other) const;
    /// "192.0.2.1/24"; nothing of any other text.
    static std::optional<Ipv4Interface> parse(std::string_view text);
};

struct Ipv4Packet {
    wire::Ipv4Header header;
    Bytes payload;
};

class Ipv4Link {
public:
    static constexpr std::size_t maximum = 256;      ///< neighbours known or asked for; of more the one heard of first gives way
    static constexpr std::size_t maximumWaiting = 3; ///< packets for a neighbour that has not answered; the oldest gives way
    static constexpr int maximumRequests = 3;
    static constexpr Duration requestInterval = 1s;  ///< RFC 1122 §2.3.2.1
    static constexpr Duration goodFor = 60s;         ///< then a neighbour is asked again, and used meanwhile

    Ipv4Link(std::size_t interface, const Mac& mac, const Ipv4Interface& settings, std::uint32_t mtu) : interface_(interface), mac_(mac), settings_(settings), mtu_(mtu) {}

    /// Whether a frame is for receive(): IPv4 or ARP.
    [[nodiscard]] static bool concerns(ByteView frame);
    /// A frame of the link. ARP is settled; a packet whose header checksum is right comes back, whomever it is for.
    [[nodiscard]] std::optional<Ipv4Packet> receive(TimePoint now, ByteView frame, Output& out);
    /// Sends by the gateway unless the destination is on the link. The packet fits mtu().
    void send(TimePoint now, const wire::Ipv4Header& header, ByteView payload, Output& out);
    /// The same to this neighbour.
    void sendVia(TimePoint now, const Ipv4Address& nextHop, const wire::Ipv4Header& header, ByteView payload, Output& out);
    /// The link is another one, or none: neighbours and what waits for them are forgotten.
    void clear() { neighbours_.clear(); }

    void advance(TimePoint now, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;

    [[nodiscard]] std::size_t interface() const { return interface_; }
    [[nodiscard]] const Ipv4Interface& settings() const { return settings_; }
    [[nodiscard]] const Ipv4Address& address() const { return settings_.address; }
    [[nodiscard]] std::uint32_t mtu() const { return mtu_; }
    [[nodiscard]] std::size_t neighbours() const { return neighbours_.size(); }

private:
    struct Neighbour {
        std::optional<Mac> mac;
        TimePoint heard{};             ///< last, or since when it is asked for
        int requests = 0;              ///< without an answer
        std::optional<TimePoint> next; ///< the next request, or the end of waiting
        std::vector<Bytes> waiting;    ///< packets
    };

    void onArp(TimePoint now, ByteView message, Output& out);
    void ask(TimePoint now, const Ipv4Address& address, Neighbour& neighbour, Output& out) const;
    [[nodiscard]] Neighbour& entry(TimePoint now, const Ipv4Address& address);
    void transmit(const Mac& to, std::uint16_t type, ByteView payload, Output& out) const;

    std::size_t interface_;
    Mac mac_;
    Ipv4Interface settings_;
    std::uint32_t mtu_;
    std::map<Ipv4Address, Neighbour> neighbours_;
};

}  // namespace roamscope::node
