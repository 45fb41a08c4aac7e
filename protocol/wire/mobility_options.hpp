// SPDX-License-Identifier: GPL-3.0-or-later
// Mobility options (RFC 6275 §6.2) with those of RFC 3963, 5568 and 5648 that messages of this project carry. Unknown options
// stay as values with their bytes. Padding is not kept: it is made anew from each option's alignment.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"
#include "protocol/wire/fields.hpp"

#include <string_view>
#include <variant>
#include <vector>

namespace roamscope::wire {

/// RFC 6275 §6.2.4: the home agent would like a new registration after `interval`.
struct BindingRefreshAdvice {
    WireLifetime interval{};
    bool operator==(const BindingRefreshAdvice&) const = default;
};

/// RFC 6275 §6.2.5 (MN-BU-02).
struct AlternateCareOfAddress {
    Ipv6Address address;
    bool operator==(const AlternateCareOfAddress&) const = default;
};

/// RFC 6275 §6.2.6.
struct NonceIndices {
    std::uint16_t home = 0;
    std::uint16_t careOf = 0;
    bool operator==(const NonceIndices&) const = default;
};

/// RFC 6275 §6.2.7: always the last option, nothing behind it.
struct BindingAuthorizationData {
    Bytes authenticator;  ///< 12 octets on the wire of every known peer
    bool operator==(const BindingAuthorizationData&) const = default;
};

/// RFC 3963 §4.3.
struct MobileNetworkPrefix {
    Prefix prefix;
    bool operator==(const MobileNetworkPrefix&) const = default;
};

/// RFC 5568 §6.4.4; code 2 is the mobile node's address.
struct LinkLayerAddress {
    std::uint8_t code = 2;
    Bytes address;
    bool operator==(const LinkLayerAddress&) const = default;
};

/// RFC 5648 §4.3 with the priority of RFC 6089 §4.1. `careOfAddress` has 0, 4 or 16 octets.
struct BindingIdentifier {
    std::uint16_t bid = 1;  ///< 1..65535
    std::uint8_t status = 0;
    bool home = false;
    std::uint8_t priority = 0;  ///< 1..127; 0 from a plain RFC 5648 node
    Bytes careOfAddress;
    bool operator==(const BindingIdentifier&) const = default;
};

struct RawMobilityOption {
    std::uint8_t type = 0;
    Bytes data;
    bool operator==(const RawMobilityOption&) const = default;
};

using MobilityOption = std::variant<BindingRefreshAdvice, AlternateCareOfAddress, NonceIndices, BindingAuthorizationData, MobileNetworkPrefix,
                                    LinkLayerAddress, BindingIdentifier, RawMobilityOption>;

/// Reads options to the end of `in`. Fails on an option that runs past the end (RFC 6275 §6.2.1). Broken rules about options
/// are findings of the sink, not failures: an option whose length does not fit its type becomes a RawMobilityOption.
[[nodiscard]] Result<std::vector<MobilityOption>> parseMobilityOptions(FieldReader& in);

/// Appends options to a message that starts at out's first octet, each aligned (RFC 6275 §6.2, errata: BID by its content),
/// and pads the message to a multiple of 8 octets: behind the last option, but before Binding Authorization Data.
void emitMobilityOptions(Writer& out, const std::vector<MobilityOption>& options);

[[nodiscard]] std::uint8_t typeOf(const MobilityOption& option);
/// "Alternate care-of address"; empty for an unknown type.
[[nodiscard]] std::string_view mobilityOptionName(std::uint8_t type);

/// The first option of type T, if any.
template <class T>
[[nodiscard]] const T* findOption(const std::vector<MobilityOption>& options)
{
    for (const MobilityOption& option : options)
        if (const T* found = std::get_if<T>(&option)) return found;
    return nullptr;
}

}  // namespace roamscope::wire
