// SPDX-License-Identifier: GPL-3.0-or-later
// Mobility Header messages of RFC 6275 §6.1 (types 0 to 7) with the flags of its family. Other types stay as values with
// their bytes. HMIPv6's local Binding Update is a Binding Update with the M flag (RFC 4140/5380 §4).
#pragma once

#include "protocol/wire/checksum.hpp"
#include "protocol/wire/mobility_options.hpp"

namespace roamscope::wire {

struct BindingRefreshRequest {
    std::vector<MobilityOption> options;
    bool operator==(const BindingRefreshRequest&) const = default;
};

struct HomeTestInit {
    std::uint64_t cookie = 0;
    std::vector<MobilityOption> options;
    bool operator==(const HomeTestInit&) const = default;
};

struct CareOfTestInit {
    std::uint64_t cookie = 0;
    std::vector<MobilityOption> options;
    bool operator==(const CareOfTestInit&) const = default;
};

struct HomeTest {
    std::uint16_t nonceIndex = 0;
    std::uint64_t cookie = 0;
    std::uint64_t token = 0;
    std::vector<MobilityOption> options;
    bool operator==(const HomeTest&) const = default;
};

struct CareOfTest {
    std::uint16_t nonceIndex = 0;
    std::uint64_t cookie = 0;
    std::uint64_t token = 0;
    std::vector<MobilityOption> options;
    bool operator==(const CareOfTest&) const = default;
};

struct BindingUpdate {
    static constexpr std::uint16_t acknowledge = 0x8000;
    static constexpr std::uint16_t homeRegistration = 0x4000;
    static constexpr std::uint16_t linkLocal = 0x2000;
    static constexpr std::uint16_t keyManagement = 0x1000;
    static constexpr std::uint16_t mapRegistration = 0x0800;
    static constexpr std::uint16_t mobileRouter = 0x0400;
    static constexpr std::uint16_t proxy = 0x0200;
    static constexpr std::uint16_t overwrite = 0x0040;  ///< with P: bulk (errata E-01)

    std::uint16_t sequence = 0;
    std::uint16_t flags = 0;  ///< unknown bits are kept
    WireLifetime lifetime{};  ///< 0 deletes
    std::vector<MobilityOption> options;

    [[nodiscard]] bool has(std::uint16_t flag) const { return (flags & flag) != 0; }
    bool operator==(const BindingUpdate&) const = default;
};

struct BindingAck {
    std::uint8_t status = 0;  ///< below 128 accepted
    std::uint8_t flags = 0;   ///< K 0x80, R 0x40 …; unknown bits are kept
    std::uint16_t sequence = 0;
    WireLifetime lifetime{};
    std::vector<MobilityOption> options;

    [[nodiscard]] bool accepted() const { return status < 128; }
    bool operator==(const BindingAck&) const = default;
};

struct BindingError {
    std::uint8_t status = 0;
    Ipv6Address homeAddress;
    std::vector<MobilityOption> options;
    bool operator==(const BindingError&) const = default;
};

/// A type that is not decoded: everything behind the checksum.
struct RawMobility {
    std::uint8_t type = 0;
    Bytes data;
    bool operator==(const RawMobility&) const = default;
};

using MobilityMessage = std::variant<BindingRefreshRequest, HomeTestInit, CareOfTestInit, HomeTest, CareOfTest, BindingUpdate, BindingAck,
                                     BindingError, RawMobility>;

/// Status of a Binding Acknowledgement that this project gives or acts on (RFC 6275 §6.1.8).
namespace bindingStatus {
inline constexpr std::uint8_t accepted = 0;
inline constexpr std::uint8_t prefixDiscoveryNecessary = 1;
inline constexpr std::uint8_t reasonUnspecified = 128;
inline constexpr std::uint8_t administrativelyProhibited = 129;
inline constexpr std::uint8_t insufficientResources = 130;
inline constexpr std::uint8_t homeRegistrationNotSupported = 131;
inline constexpr std::uint8_t notHomeSubnet = 132;
inline constexpr std::uint8_t notHomeAgent = 133;
inline constexpr std::uint8_t duplicateAddressDetectionFailed = 134;
inline constexpr std::uint8_t sequenceOutOfWindow = 135;
inline constexpr std::uint8_t registrationTypeChange = 139;
}  // namespace bindingStatus

/// Reads the rest of `in` as one message. Fails when Header Len does not fit the octets or the message type (RFC 6275 §9.2,
/// MH-RX-01) and when an option runs past the end; a Payload Proto other than 59 is a `violation` of the result. The error's
/// offset is the octet that a Parameter Problem points at.
/// `cut`: the capture did not keep all of it.
[[nodiscard]] Result<Checked<MobilityMessage>> parseMobility(FieldReader& in, const PseudoHeader& addresses, bool cut = false);
/// Message with alignment, padding, Header Len and checksum.
[[nodiscard]] Bytes emitMobility(const MobilityMessage& message, const PseudoHeader& addresses);

[[nodiscard]] std::uint8_t typeOf(const MobilityMessage& message);
/// "Binding update"; empty for an unknown type.
[[nodiscard]] std::string_view mobilityName(std::uint8_t type);
/// Name in the RFC that defines the status; empty for an unknown one.
[[nodiscard]] std::string_view bindingStatusName(std::uint8_t status);
/// Letters of the flags that are set, as "A H · M"; bit 0x0040 reads O, or B together with P (errata E-01).
[[nodiscard]] std::string flagLetters(const BindingUpdate& update);

}  // namespace roamscope::wire
