// SPDX-License-Identifier: GPL-3.0-or-later
// Options of Neighbour Discovery (RFC 4861 §4.6) with those of Mobile IPv6 (RFC 6275 §7) and the MAP option of HMIPv6
// (RFC 4140 §5, RFC 5380 §5). Messages that carry them are in icmpv6.hpp.
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
    bool operator==(const HomeAgentInformation&) const = default;
};

/// The MAP option, ND type 23.
struct MapOption {
    std::uint8_t distance = 1;    ///< 1..15; 0 must not be used
    std::uint8_t preference = 0;  ///< 0..15; 0 bars new bindings
    bool regional = false;        ///< R: the node forms its RCoA from the /64 of `address` (RFC 4140)
    std::uint32_t validLifetime = 0;  ///< seconds; 0 = the MAP has failed
    Ipv6Address address;
    bool operator==(const MapOption&) const = default;
};

/// Any other option: `body` is everything behind the Length octet.
struct RawNdOption {
    std::uint8_t type = 0;
    Bytes body;
    bool operator==(const RawNdOption&) const = default;
};

using NdOption = std::variant<SourceLinkLayerOption, TargetLinkLayerOption, PrefixInformation, MtuOption, AdvertisementIntervalOption,
                              HomeAgentInformation, MapOption, RawNdOption>;

/// Reads options to the end of `in`. Fails on a length of 0 (RFC 4861 §6.1) and on an option that runs past the end.
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
