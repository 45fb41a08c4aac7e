// SPDX-License-Identifier: GPL-3.0-or-later
// What one frame says, as the trackers of the analyzer need it: decoded once, with the meaning of Binding Updates and
// Acknowledgements resolved (RFC 6275 §6.1.7, §6.1.8, RFC 4140/5380 §4). Values; valid during one Analyzer::add().
#pragma once

#include "capture/analysis/analysis.hpp"
#include "protocol/wire/frame.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace roamscope::analysis {

/// A frame on its way through the trackers.
struct Observation {
    FrameIndex index = 0;
    TimePoint time{};
    std::uint32_t link = 0;
    const wire::DecodedFrame& frame;
    bool data = false;  ///< traffic of users: the innermost packet is neither signalling nor neighbour discovery

    [[nodiscard]] std::size_t tunnels() const { return frame.packets.empty() ? 0 : frame.packets.size() - 1; }
    /// Of the outermost IP header; only of frames with IPv6 packets. IPv4 addresses are mapped: ::ffff:a.b.c.d.
    [[nodiscard]] Ipv6Address outerSource() const { return inIpv4() ? wire::mapped(frame.ipv4->source) : frame.packets.front().source; }
    [[nodiscard]] Ipv6Address outerDestination() const { return inIpv4() ? wire::mapped(frame.ipv4->destination) : frame.packets.front().destination; }
    /// Whether an IPv4 packet carries it all.
    [[nodiscard]] bool inIpv4() const { return frame.ipv4 && frame.etherType != wire::etherTypeIpv6; }
};

/// Whether the innermost packet is users' traffic. ESP is not counted, nobody can tell.
[[nodiscard]] bool isData(const wire::DecodedFrame& frame);

/// One binding that a Binding Update asks for (RFC 5648 §4.1, RFC 6089 §4.1).
struct BidBinding {
    std::optional<std::uint16_t> bid;
    Ipv6Address careOfAddress;    ///< of the option; of the update where it has none. IPv4 ones are mapped: ::ffff:192.0.2.1
    bool home = false;            ///< the binding of the home link (H in the option): the care-of address is the home address
    bool known = false;           ///< the option has no address: the one that is registered under the identifier stays (MCOA-HA-03)
    std::uint8_t priority = 0;    ///< 1..127, lower is better; 0: none
    bool ipv4 = false;            ///< an IPv4 care-of address (RFC 5648 §8)
    bool operator==(const BidBinding&) const = default;
};

/// A Binding Update with its addresses resolved. One is kept for each update of a capture: small members first, without gaps.
struct Update {
    Role peer = Role::HomeAgent;         ///< Map with the M flag (errata E-04: whatever H says), HomeAgent with H, else Correspondent
    bool hasHomeAddressOption = false;   ///< a broken one too; that is a finding of its own
    bool hasAlternate = false;
    bool asksIpv4Home = false;           ///< for an IPv4 home address, too (RFC 5555)
    std::uint16_t flags = 0;
    std::uint16_t sequence = 0;
    Ipv6Address peerAddress;
    Ipv6Address source;                  ///< of the IPv6 header that carries it
    Ipv6Address homeAddress;             ///< home address option, else the source
    Ipv6Address careOfAddress;           ///< alternate care-of address, else the source; over IPv4 its mapped source
    Duration lifetime{0};                ///< 0 deletes
    std::vector<BidBinding> bindings;    ///< one per binding identifier; one without when there is none
    std::vector<Prefix> networks{};      ///< behind a mobile router (RFC 3963 §4.3)
    std::optional<Mac> homeInterface{};  ///< of the mobile node on its home link, told beside the binding of that link (RFC 5648 §5.6)

    /// O together with binding identifiers: everything else that the home address has ends (MCOA-HA-05).
    [[nodiscard]] bool overwrites() const { return bindings.front().bid && (flags & wire::BindingUpdate::overwrite) != 0 && lifetime != Duration{0}; }
    /// In an IPv4 packet, with the home address as the source (RFC 5555 §4.2).
    [[nodiscard]] bool overIpv4() const { return !hasHomeAddressOption && !hasAlternate && wire::unmapped(careOfAddress); }
    /// Deletes the binding because the node is at home (RFC 6275 §11.5.5).
    [[nodiscard]] bool fromHome() const { return lifetime == Duration{0} && source == homeAddress && !overIpv4(); }
};

/// What an acknowledgement says of one flow.
struct FlowStatus {
    std::uint16_t flow = 0;
    std::uint8_t status = 0;
};

/// What an acknowledgement says of one binding identifier.
struct BidStatus {
    std::uint16_t bid = 0;
    std::uint8_t status = 0;
};

/// A Binding Acknowledgement with its addresses resolved.
struct Answer {
    Ipv6Address peerAddress;             ///< who answers
    Ipv6Address destination;             ///< of the IPv6 header that carries it: the care-of address
    Ipv6Address homeAddress;             ///< type 2 routing header, else the destination
    bool hasRouting = false;
    std::uint8_t status = 0;
    std::uint16_t sequence = 0;
    Duration lifetime{0};
    bool router = false;                 ///< R: networks behind the mobile router are forwarded to (RFC 3963 §4.2)
    std::vector<FlowStatus> flows;       ///< copied flow identification options (FLOW-07)
    std::optional<std::uint8_t> ipv4Status;  ///< of an IPv4 address acknowledgement (RFC 5555)
    std::vector<BidStatus> bids;         ///< echoed binding identifiers; none from who does not know them (MCOA-MN-09)

    [[nodiscard]] bool accepted() const { return status < 128; }
    /// What is said of one binding: the status of its identifier unless that is 0 (MCOA-MN-10).
    [[nodiscard]] std::uint8_t statusOf(std::optional<std::uint16_t> bid) const;
};

/// A Binding Revocation Indication or its acknowledgement (RFC 5846) with its addresses resolved.
struct Revocation {
    bool acknowledgement = false;
    std::uint8_t status = 0;             ///< of an acknowledgement; below 128 the bindings end
    std::uint16_t sequence = 0;
    Ipv6Address peerAddress;             ///< who revokes
    Ipv6Address homeAddress;
    std::vector<std::uint16_t> bids;     ///< none: all bindings of the home address (MCOA-BR-01)
};

[[nodiscard]] std::optional<Update> readUpdate(const wire::DecodedFrame& frame);
[[nodiscard]] std::optional<Answer> readAnswer(const wire::DecodedFrame& frame);
[[nodiscard]] std::optional<Revocation> readRevocation(const wire::DecodedFrame& frame);

/// Same for every copy of a message on its way through tunnels and routers: innermost addresses and payload.
[[nodiscard]] std::uint64_t contentKey(const wire::Ipv6Packet& innermost);

struct MacHash {
    std::size_t operator()(const Mac& mac) const noexcept
    {
        std::uint64_t h = 0;
        for (const std::uint8_t octet : mac.octets) h = h << 8 | octet;
        return static_cast<std::size_t>(h * 0x9e3779b97f4a7c15u >> 16);
    }
};

/// A frame and its time.
struct Mark {
    TimePoint time{};
    FrameIndex frame = 0;
};

}  // namespace roamscope::analysis
