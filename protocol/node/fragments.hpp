// SPDX-License-Identifier: GPL-3.0-or-later
// Packets that are larger than a path takes: cut into fragments by their source and put together by who they are for (RFC 8200 §4.5,
// RFC 5722), and what is known of paths (RFC 8201). Tunnels use all three (RFC 2473 §7).
#pragma once

#include "protocol/node/output.hpp"
#include "protocol/wire/ipv6.hpp"

#include <map>
#include <vector>

namespace roamscope::node {

inline constexpr std::size_t leastMtu = 1280;  ///< that every IPv6 link takes, RFC 8200 §5

/// Octets of the whole packet.
[[nodiscard]] std::size_t sizeOf(const wire::Ipv6Packet& packet);

/// `packet` in pieces of at most `mtu` octets, itself alone when it fits. Everything before the payload is in each piece: routing
/// header and home address option stand before the fragment header (RFC 6275 §6.3). `identifier` is the same in all. Nothing when even
/// its headers do not fit.
[[nodiscard]] std::vector<wire::Ipv6Packet> fragmented(const wire::Ipv6Packet& packet, std::size_t mtu, std::uint32_t identifier);

/// What the pieces of one packet have in common.
struct FragmentKey {
    Ipv6Address source;
    Ipv6Address destination;
    std::uint32_t identifier = 0;
    std::optional<std::size_t> link{};  ///< of link-local addresses, which are somebody else's on another link (RFC 4007 §6)
    auto operator<=>(const FragmentKey&) const = default;
};

/// Puts fragments together. At most `maximum` packets at a time, the oldest gives way; each is given up after a minute. A packet whose
/// pieces overlap is dropped (RFC 5722 §4).
class FragmentStore {
public:
    static constexpr std::size_t maximum = 16;
    static constexpr Duration longest = 60s;

    /// True for a piece of a packet.
    [[nodiscard]] static bool isFragment(const wire::Ipv6Packet& packet) { return packet.nextHeader == wire::protocol::fragment; }
    /// The offset of the field that makes a piece impossible, for a Parameter Problem message: a piece in the middle whose length is no
    /// multiple of 8, one that ends beyond 65,535 octets (RFC 8200 §4.5). Nothing for pieces of ICMPv6 errors (RFC 4443 §2.4 e).
    [[nodiscard]] static std::optional<std::uint32_t> wrongField(const wire::Ipv6Packet& piece);
    /// Takes a piece; gives the packet when this was the last one that was missing. `link`: the interface that it came in by.
    [[nodiscard]] std::optional<wire::Ipv6Packet> add(TimePoint now, const wire::Ipv6Packet& piece, std::optional<std::size_t> link = std::nullopt);
    /// A packet that was given up: its first piece, and the interface that this came in by where its source is link-local.
    struct Lost {
        wire::Ipv6Packet first;
        std::optional<std::size_t> link;
    };
    /// Gives up what has waited for a minute, and tells what has been given up since it was asked last, as far as first pieces came: their
    /// sources are told (RFC 8200 §4.5). Not of ICMPv6 errors (RFC 4443 §2.4 e).
    [[nodiscard]] std::vector<Lost> expire(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;

private:
    struct Pieces {
        TimePoint begun{};
        std::map<std::size_t, Bytes> data;  ///< by place, none overlapping
        std::size_t octets = 0;
        std::optional<std::size_t> total;
        wire::Ipv6Packet first;             ///< headers of the piece at place 0, its payload taken out
        std::uint8_t next = 0;
        bool spoiled = false;               ///< overlapped: later pieces are swallowed
    };
    void giveUp(TimePoint now);

    std::map<FragmentKey, Pieces> waiting_;
    std::vector<Lost> lost_;                ///< not told yet
    TimePoint lostAt_{};                    ///< when one of them was given up
};

/// Path MTUs that Packet Too Big messages told.
class PathMtu {
public:
    static constexpr std::size_t maximum = 64;   ///< destinations; of more the one that is forgotten first gives way
    static constexpr Duration keep = 600s;       ///< RFC 8201 §4: not raised before 5 minutes, recommended 10

    /// What a Packet Too Big about a packet to `destination` says. Values below the least MTU, or not below what was known, are no news.
    void told(TimePoint now, const Ipv6Address& destination, std::uint32_t mtu);
    /// The MTU of the way to `destination`, at most `link`.
    [[nodiscard]] std::size_t find(TimePoint now, const Ipv6Address& destination, std::size_t link) const;

private:
    struct Known {
        std::uint32_t mtu = 0;
        TimePoint until{};
    };
    std::map<Ipv6Address, Known> known_;
};

}  // namespace roamscope::node
