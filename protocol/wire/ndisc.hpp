// SPDX-License-Identifier: GPL-3.0-or-later
// Options of Neighbour Discovery (RFC 4861 §4.6) with those of Mobile IPv6 (RFC 6275 §7), of fast handovers (RFC 5568 §6.4)
// and the MAP option of HMIPv6 (RFC 4140 §5, RFC 5380 §5). Messages that carry them are in icmpv6.hpp.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/wire/fields.hpp"

#include <optional>
#include <variant>
#include <vector>

namespace roamscope::wire {

struct SourceLinkLayerOption {
    Mac address;
    bool operator==(const SourceLinkLayerOption&) const = default;
};

struct TargetLinkLayerOption {
    Mac address;
    bool operator==(const TargetLinkLayerOption&) const = default;
};

/// RFC 4861 §4.6.2; with `routerAddress` (R, RFC 6275 §7.2) `prefix.address` is a whole address of the router.
struct PrefixInformation {
    Prefix prefix;
    bool onLink = false;
    bool autonomous = false;
    bool routerAddress = false;
    std::uint32_t validLifetime = 0;      ///< seconds; 0xffffffff infinite
    std::uint32_t preferredLifetime = 0;  ///< seconds
    bool operator==(const PrefixInformation&) const = default;
};

struct MtuOption {
    std::uint32_t mtu = 0;
    bool operator==(const MtuOption&) const = default;
};

struct AdvertisementIntervalOption {
    std::uint32_t milliseconds = 0;
    bool operator==(const AdvertisementIntervalOption&) const = default;
};

struct HomeAgentInformation {
    std::uint16_t preference = 0;
    std::uint16_t lifetime = 0;  ///< seconds, 0 forbidden
    bool mobileRouters = false;  ///< R of RFC 3963 §7.3
    bool operator==(const HomeAgentInformation&) const = default;
};

/// The MAP option.
struct MapOption {
    static constexpr std::uint8_t number = 23;
    static constexpr std::uint8_t draftNumber = 201;  ///< of a Linux daemon that follows early drafts
    static constexpr std::uint8_t draftMask = 0x7c;   ///< M, I, T, P and V of early drafts

    std::uint8_t distance = 1;    ///< 1..15; 0 must not be used
    std::uint8_t preference = 0;  ///< 0..15; 0 bars new bindings
    bool regional = false;        ///< R: the node forms its RCoA from the /64 of `address` (RFC 4140)
    std::uint32_t validLifetime = 0;  ///< seconds; 0 = the MAP has failed
    Ipv6Address address;
    std::uint8_t draftFlags = 0;  ///< within draftMask; only where the drafts are spoken
    std::uint8_t type = number;   ///< another one only where a draft is spoken or the user says so
    bool operator==(const MapOption&) const = default;
};

/// Option 17 of fast handovers (RFC 5568 §6.4.1).
struct HandoverAddress {
    enum : std::uint8_t { previousCareOf = 1, newCareOf = 2, newRouter = 3, newRouterPrefix = 4 };
    std::uint8_t code = newCareOf;
    std::uint8_t prefixLength = 128;
    Ipv6Address address;
    bool operator==(const HandoverAddress&) const = default;
};

/// Option 19 of fast handovers (RFC 5568 §6.4.3).
struct HandoverLinkLayer {
    enum : std::uint8_t { wildcard = 0, newAccessPoint = 1, mobileNode = 2, newRouter = 3, sender = 4, sameRouter = 5, noPrefix = 6, noSupport = 7 };
    std::uint8_t code = wildcard;
    Bytes address;  ///< 8n - 3 octets, at most 2037: an Ethernet address is followed by 7 octets of zero
    bool operator==(const HandoverLinkLayer&) const = default;
};

/// Option 20 of fast handovers (RFC 5568 §6.4.6).
struct AdvertisementAck {
    std::uint8_t status = 1;
    std::optional<Ipv6Address> careOf;  ///< to be used instead
    bool operator==(const AdvertisementAck&) const = default;
};

/// Any other option: `body` is everything behind the Length octet.
struct RawNdOption {
    std::uint8_t type = 0;
    Bytes body;
    bool operator==(const RawNdOption&) const = default;
};

using NdOption = std::variant<SourceLinkLayerOption, TargetLinkLayerOption, PrefixInformation, MtuOption, AdvertisementIntervalOption,
                              HomeAgentInformation, MapOption, HandoverAddress, HandoverLinkLayer, AdvertisementAck, RawNdOption>;

/// Reads options to the end of `in`. Fails on a length of 0 (RFC 4861 §6.1) and on an option that runs past the end. Options
/// that nobody here acts upon (redirected header, nonce, routes, name servers …) are shown field by field and stay raw values,
/// as do those whose length is not the one of their type.
[[nodiscard]] Result<std::vector<NdOption>> parseNdOptions(FieldReader& in);
void emitNdOptions(Writer& out, const std::vector<NdOption>& options);

/// The first option of type T, if any.
template <class T>
[[nodiscard]] const T* findOption(const std::vector<NdOption>& options)
{
    for (const NdOption& option : options)
        if (const T* found = std::get_if<T>(&option)) return found;
    return nullptr;
}

}  // namespace roamscope::wire
