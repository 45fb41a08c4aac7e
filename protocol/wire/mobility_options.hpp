// SPDX-License-Identifier: GPL-3.0-or-later
// Mobility options (RFC 6275 §6.2) of the whole family. The ones that nodes act on are values of their own; of the others the
// fields are shown and the octets kept, as are those of unknown options. Padding is not kept: it is made anew from each option's
// alignment.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"
#include "protocol/wire/flow_options.hpp"

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
    bool padded = false;  ///< layout of RFC 4068 §6.4.4: an octet of padding before the address, which Length does not count (errata E-08)
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

/// RFC 4283 §3. Subtype 1 is a network access identifier, "user@realm".
struct MobileNodeIdentifier {
    std::uint8_t subtype = 1;
    Bytes identifier;
    bool operator==(const MobileNodeIdentifier&) const = default;
};

/// RFC 4285 §5. Subtype 1: mobile node and home agent, 2: mobile node and its AAA server.
struct MessageAuthentication {
    std::uint8_t subtype = 1;
    std::uint32_t spi = 0;
    Bytes data;
    bool operator==(const MessageAuthentication&) const = default;
};

/// RFC 4285 §6: NTP time, seconds since 1900 and fraction in 32 bits each.
struct ReplayProtection {
    std::uint64_t timestamp = 0;
    bool operator==(const ReplayProtection&) const = default;
};

/// RFC 5568 §6.4.5, always the last option. The RFC's length leaves out the SPI, others count it (errata E-10).
struct FastBindingAuthorization {
    std::uint32_t spi = 0;
    Bytes authenticator;
    bool lengthCountsSpi = false;
    bool operator==(const FastBindingAuthorization&) const = default;
};

/// RFC 5213 §8.3.
struct HomeNetworkPrefix {
    Prefix prefix;
    bool operator==(const HomeNetworkPrefix&) const = default;
};

/// RFC 5213 §8.4.
struct HandoffIndicator {
    std::uint8_t value = 4;
    bool operator==(const HandoffIndicator&) const = default;
};

/// RFC 5213 §8.5.
struct AccessTechnology {
    std::uint8_t value = 0;
    bool operator==(const AccessTechnology&) const = default;
};

/// RFC 5213 §8.6.
struct NodeLinkLayerId {
    Bytes identifier;
    bool operator==(const NodeLinkLayerId&) const = default;
};

/// RFC 5213 §8.7.
struct LinkLocalAddress {
    Ipv6Address address;
    bool operator==(const LinkLocalAddress&) const = default;
};

/// RFC 5213 §8.8: 48 bits of seconds since 1970 UTC, 16 bits of 1/65536 s.
struct Timestamp {
    std::uint64_t value = 0;
    bool operator==(const Timestamp&) const = default;
};

/// RFC 5847 §3.4.
struct RestartCounter {
    std::uint32_t value = 0;
    bool operator==(const RestartCounter&) const = default;
};

/// RFC 5555 §3.1.1; 0.0.0.0 asks for any.
struct Ipv4HomeAddress {
    Ipv4Address address;
    std::uint8_t prefixLength = 32;  ///< 0..63, six bits
    bool prefix = false;             ///< P: a prefix is asked for
    bool operator==(const Ipv4HomeAddress&) const = default;
};

/// RFC 5555 §3.2.1.
struct Ipv4AddressAck {
    std::uint8_t status = 0;
    std::uint8_t prefixLength = 32;  ///< 0..63, six bits
    Ipv4Address address;
    bool operator==(const Ipv4AddressAck&) const = default;
};

/// RFC 5555 §3.2.2.
struct NatDetection {
    bool forceUdp = false;
    std::uint32_t refreshSeconds = 0;  ///< 0: ignore; all ones: no keepalive
    bool operator==(const NatDetection&) const = default;
};

/// RFC 5555 §3.1.2.
struct Ipv4CareOfAddress {
    Ipv4Address address;
    bool operator==(const Ipv4CareOfAddress&) const = default;
};

/// RFC 5568 §6.4.2 (number by its §11, errata E-07). 1 old care-of address, 2 new one, 3 new router's address, 4 its prefix.
struct MobilityAddress {
    std::uint8_t code = 0;
    std::uint8_t prefixLength = 0;
    Ipv6Address address;
    bool operator==(const MobilityAddress&) const = default;
};

/// Octets behind Length of an option that has no value of its own above.
struct RawMobilityOption {
    std::uint8_t type = 0;
    Bytes data;
    bool operator==(const RawMobilityOption&) const = default;
};

using MobilityOption =
    std::variant<BindingRefreshAdvice, AlternateCareOfAddress, NonceIndices, BindingAuthorizationData, MobileNetworkPrefix, LinkLayerAddress,
                 BindingIdentifier, MobileNodeIdentifier, MessageAuthentication, ReplayProtection, FastBindingAuthorization, HomeNetworkPrefix,
                 HandoffIndicator, AccessTechnology, NodeLinkLayerId, LinkLocalAddress, Timestamp, RestartCounter, Ipv4HomeAddress,
                 Ipv4AddressAck, NatDetection, Ipv4CareOfAddress, MobilityAddress, FlowSummary, FlowIdentification, RawMobilityOption>;

/// What the parser of options must know of the message around them.
struct OptionScope {
    std::uint8_t messageType = 5;
    std::size_t messageStart = 0;  ///< offset of the first octet of the Mobility Header
    Dialect dialect = Dialect::Rfc;  ///< never Automatic: the message has been looked at
    std::uint8_t bindingIdentifierType = 35;
    bool whole = true;             ///< the capture kept the message to its end
};

/// An option that was read, with the place of its Type octet.
struct PlacedOption {
    std::uint8_t type = 0;  ///< as on the wire
    std::size_t offset = 0;
    std::size_t length = 0;  ///< octets, head included
    std::size_t value = 0;   ///< index in ParsedOptions::values; `noValue` for padding
    static constexpr std::size_t noValue = static_cast<std::size_t>(-1);
};

struct ParsedOptions {
    std::vector<MobilityOption> values;
    std::vector<PlacedOption> placed;  ///< padding too; only filled when there is a sink
};

/// Reads options to the end of `in`. Fails on an option that runs past the end (RFC 6275 §6.2.1). An option whose length does not
/// fit its type becomes a RawMobilityOption and is a finding of the sink.
[[nodiscard]] Result<ParsedOptions> parseMobilityOptions(FieldReader& in, const OptionScope& scope);

/// Appends options to a message that starts at out's first octet, each aligned (RFC 6275 §6.2, errata: BID by its content),
/// and pads the message to a multiple of 8 octets: behind the last option, but before Binding Authorization Data.
void emitMobilityOptions(Writer& out, const std::vector<MobilityOption>& options);

[[nodiscard]] std::uint8_t typeOf(const MobilityOption& option);

/// The first option of type T, if any.
template <class T>
[[nodiscard]] const T* findOption(const std::vector<MobilityOption>& options)
{
    for (const MobilityOption& option : options)
        if (const T* found = std::get_if<T>(&option)) return found;
    return nullptr;
}

}  // namespace roamscope::wire
