// SPDX-License-Identifier: GPL-3.0-or-later
// Link-layer and IPv6 addresses and prefixes: values, their text (RFC 5952) and the derived ones that mobility needs.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace roamscope {

/// 48-bit link-layer address.
struct Mac {
    std::array<std::uint8_t, 6> octets{};

    auto operator<=>(const Mac&) const = default;
    [[nodiscard]] bool isGroup() const { return (octets[0] & 1) != 0; }
    [[nodiscard]] std::string text() const;  ///< "02:00:5e:00:01:02"
    /// Nothing when `text` is not six hexadecimal octets separated by colons.
    static std::optional<Mac> parse(std::string_view text);
};

/// 32-bit IPv4 address in network order: outer headers and options of DSMIPv6 and PMIPv6.
struct Ipv4Address {
    std::array<std::uint8_t, 4> octets{};

    auto operator<=>(const Ipv4Address&) const = default;
    [[nodiscard]] std::string text() const;  ///< "192.0.2.1"
    /// Nothing when `text` is not four decimal numbers 0..255 without leading zeros.
    static std::optional<Ipv4Address> parse(std::string_view text);
};

/// 128-bit IPv6 address in network order.
struct Ipv6Address {
    std::array<std::uint8_t, 16> octets{};

    auto operator<=>(const Ipv6Address&) const = default;
    /// As the default; compilers make two comparisons of this one, and a call of the other.
    bool operator==(const Ipv6Address& other) const { return std::memcmp(octets.data(), other.octets.data(), 16) == 0; }
    [[nodiscard]] bool isUnspecified() const { return *this == Ipv6Address{}; }
    [[nodiscard]] bool isLoopback() const;
    [[nodiscard]] bool isMulticast() const { return octets[0] == 0xff; }
    [[nodiscard]] bool isLinkLocal() const { return octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80; }
    /// Unicast and usable beyond the link: what RFC 6275 calls "unicast routable" (a ULA counts).
    [[nodiscard]] bool isUnicastRoutable() const;
    [[nodiscard]] std::string text() const;  ///< RFC 5952
    /// Nothing when `text` is no IPv6 address (zone ids and prefixes are not accepted).
    static std::optional<Ipv6Address> parse(std::string_view text);
};

/// Address block. Bits of `address` beyond `length` are kept as given (a MAP or router address may stand there).
struct Prefix {
    Ipv6Address address{};
    std::uint8_t length = 0;  ///< 0..128 bits

    auto operator<=>(const Prefix&) const = default;
    [[nodiscard]] bool contains(const Ipv6Address& a) const;
    [[nodiscard]] Prefix masked() const;     ///< the same block with the host bits cleared
    [[nodiscard]] std::string text() const;  ///< "2001:db8::/64"
    /// Nothing when `text` is not ADDRESS/LENGTH.
    static std::optional<Prefix> parse(std::string_view text);
};

using InterfaceId = std::array<std::uint8_t, 8>;

/// Modified EUI-64 interface identifier of an Ethernet interface (RFC 4291 App. A).
[[nodiscard]] InterfaceId eui64(const Mac& mac);
[[nodiscard]] InterfaceId interfaceId(const Ipv6Address& address);
/// The first 64 bits of `prefix` followed by `id` (RFC 4862 §5.5.3; RCoA of RFC 4140 §5).
[[nodiscard]] Ipv6Address withInterfaceId(const Ipv6Address& prefix, const InterfaceId& id);
[[nodiscard]] Ipv6Address linkLocal(const InterfaceId& id);
/// ff02::1:ffXX:XXXX (RFC 4291 §2.7.1).
[[nodiscard]] Ipv6Address solicitedNode(const Ipv6Address& address);
/// 33:33:xx:xx:xx:xx for a multicast address (RFC 2464 §7).
[[nodiscard]] Mac multicastMac(const Ipv6Address& group);

[[nodiscard]] Ipv6Address allNodes();          ///< ff02::1
[[nodiscard]] Ipv6Address allRouters();        ///< ff02::2
[[nodiscard]] Ipv6Address allMldv2Routers();   ///< ff02::16

}  // namespace roamscope

template <>
struct std::hash<roamscope::Ipv6Address> {
    std::size_t operator()(const roamscope::Ipv6Address& a) const noexcept
    {
        std::uint64_t prefix = 0;
        std::uint64_t interface = 0;
        std::memcpy(&prefix, a.octets.data(), 8);
        std::memcpy(&interface, a.octets.data() + 8, 8);
        const std::uint64_t h = (prefix ^ interface * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
        return static_cast<std::size_t>(h ^ h >> 32);
    }
};
