// SPDX-License-Identifier: GPL-3.0-or-later
// Mobility Header messages: RFC 6275 §6.1 (types 0 to 7) with the flags of its family, fast handovers, proxy Mobile IPv6, binding
// revocation and the rest up to type 23. Unknown types stay as values with their octets. HMIPv6's local Binding Update is a Binding Update with the M flag (RFC 4140/5380 §4).
#pragma once

#include "protocol/wire/checksum.hpp"
#include "protocol/wire/ipv6.hpp"
#include "protocol/wire/mobility_names.hpp"
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
    static constexpr std::uint16_t forceUdp = 0x0100;
    static constexpr std::uint16_t tlvHeader = 0x0080;
    static constexpr std::uint16_t overwrite = 0x0040;  ///< with P: bulk (errata E-01)
    static constexpr std::uint16_t multicast = 0x0020;  ///< by RFC 7161's IANA section, not its figure (errata E-02)
    static constexpr std::uint16_t distributed = 0x0010;

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

/// RFC 5568 §6.2.2. Laid out as a Binding Update; only A, H, L and K are defined. Lifetime unit: errata E-09.
struct FastBindingUpdate {
    std::uint16_t sequence = 0;
    std::uint16_t flags = BindingUpdate::acknowledge | BindingUpdate::homeRegistration;  ///< unknown bits are kept
    std::uint16_t lifetime = 0;  ///< seconds by the field's text, 4 s by its likeness to a Binding Update
    std::vector<MobilityOption> options;
    bool operator==(const FastBindingUpdate&) const = default;
};

/// RFC 5568 §6.2.3.
struct FastBindingAck {
    std::uint8_t status = 0;
    std::uint8_t flags = 0;  ///< K 0x80; unknown bits are kept
    std::uint16_t sequence = 0;
    std::uint16_t lifetime = 0;
    std::vector<MobilityOption> options;
    bool operator==(const FastBindingAck&) const = default;
};

/// RFC 4068 §6.3.3; RFC 5568 uses an unsolicited neighbour advertisement instead.
struct FastNeighborAdvertisement {
    std::vector<MobilityOption> options;
    bool operator==(const FastNeighborAdvertisement&) const = default;
};

/// RFC 5096 §3: everything behind the checksum.
struct ExperimentalMessage {
    Bytes data;
    bool operator==(const ExperimentalMessage&) const = default;
};

/// RFC 5142 §4. At most 255 addresses; none: the mobile node looks for itself.
struct HomeAgentSwitch {
    std::vector<Ipv6Address> homeAgents;
    std::vector<MobilityOption> options;
    bool operator==(const HomeAgentSwitch&) const = default;
};

/// RFC 5847 §3.3.
struct Heartbeat {
    bool unsolicited = false;
    bool response = false;
    std::uint32_t sequence = 0;
    std::vector<MobilityOption> options;
    bool operator==(const Heartbeat&) const = default;
};

/// RFC 5568 §6.2.1.1 with the flags of RFC 5949 §6.1.1.
struct HandoverInitiate {
    std::uint16_t sequence = 0;
    std::uint8_t flags = 0;  ///< S 0x80, U 0x40, P 0x20, F 0x10; unknown bits are kept
    std::uint8_t code = 0;
    std::vector<MobilityOption> options;
    bool operator==(const HandoverInitiate&) const = default;
};

/// RFC 5568 §6.2.1.2 with the flags of RFC 5949 §6.1.2.
struct HandoverAck {
    std::uint16_t sequence = 0;
    std::uint8_t flags = 0;  ///< U 0x80, P 0x40, F 0x20; unknown bits are kept
    std::uint8_t code = 0;
    std::vector<MobilityOption> options;
    bool operator==(const HandoverAck&) const = default;
};

/// RFC 5846 §5: indication and acknowledgement.
struct BindingRevocation {
    static constexpr std::uint8_t indication = 1;
    static constexpr std::uint8_t acknowledgement = 2;

    std::uint8_t kind = indication;
    std::uint8_t code = 0;  ///< revocation trigger of an indication, status of an acknowledgement
    std::uint16_t sequence = 0;
    std::uint16_t flags = 0;  ///< P 0x8000, V 0x4000, G 0x2000; unknown bits are kept
    std::vector<MobilityOption> options;
    bool operator==(const BindingRevocation&) const = default;
};

/// RFC 6705 §10.1.
struct LocalizedRoutingInitiation {
    std::uint16_t sequence = 0;
    std::uint16_t lifetimeSeconds = 0;  ///< 0 ends, 0xffff has no end
    std::vector<MobilityOption> options;
    bool operator==(const LocalizedRoutingInitiation&) const = default;
};

/// RFC 6705 §10.2.
struct LocalizedRoutingAck {
    std::uint16_t sequence = 0;
    bool unsolicited = false;
    std::uint8_t status = 0;
    std::uint16_t lifetimeSeconds = 0;
    std::vector<MobilityOption> options;
    bool operator==(const LocalizedRoutingAck&) const = default;
};

/// RFC 7077 §4.1.
struct UpdateNotification {
    std::uint16_t sequence = 0;
    std::uint16_t reason = 0;
    bool acknowledge = false;
    bool retransmission = false;
    std::vector<MobilityOption> options;
    bool operator==(const UpdateNotification&) const = default;
};

/// RFC 7077 §4.2.
struct UpdateNotificationAck {
    std::uint16_t sequence = 0;
    std::uint8_t status = 0;
    std::vector<MobilityOption> options;
    bool operator==(const UpdateNotificationAck&) const = default;
};

/// RFC 7109 §6.1: indication and acknowledgement.
struct FlowBinding {
    static constexpr std::uint16_t indication = 1;
    static constexpr std::uint16_t acknowledgement = 2;

    std::uint16_t kind = indication;
    std::uint16_t sequence = 0;
    std::uint8_t code = 1;  ///< trigger of an indication, status of an acknowledgement
    bool acknowledge = false;
    std::vector<MobilityOption> options;
    bool operator==(const FlowBinding&) const = default;
};

/// RFC 7161 §4.3.1.
struct SubscriptionQuery {
    std::uint8_t sequence = 0;
    std::vector<MobilityOption> options;
    bool operator==(const SubscriptionQuery&) const = default;
};

/// RFC 7161 §4.3.2.
struct SubscriptionResponse {
    std::uint8_t sequence = 0;
    bool information = false;  ///< I: the node has subscriptions
    std::vector<MobilityOption> options;
    bool operator==(const SubscriptionResponse&) const = default;
};

/// An unknown type: everything behind the checksum.
struct RawMobility {
    std::uint8_t type = 0;
    Bytes data;
    bool operator==(const RawMobility&) const = default;
};

/// Types 0 to 23 in order.
using MobilityMessage =
    std::variant<BindingRefreshRequest, HomeTestInit, CareOfTestInit, HomeTest, CareOfTest, BindingUpdate, BindingAck, BindingError,
                 FastBindingUpdate, FastBindingAck, FastNeighborAdvertisement, ExperimentalMessage, HomeAgentSwitch, Heartbeat,
                 HandoverInitiate, HandoverAck, BindingRevocation, LocalizedRoutingInitiation, LocalizedRoutingAck, UpdateNotification,
                 UpdateNotificationAck, FlowBinding, SubscriptionQuery, SubscriptionResponse, RawMobility>;

/// Status of a Binding Acknowledgement that this project gives or acts on (RFC 6275 §6.1.8).
namespace bindingStatus {
inline constexpr std::uint8_t accepted = 0;
inline constexpr std::uint8_t prefixDiscoveryNecessary = 1;
inline constexpr std::uint8_t mcoaNotComplete = 4;                 // RFC 5648 §4.4, as those from 164 on
inline constexpr std::uint8_t mcoaReturnHomeWithoutNdp = 5;
inline constexpr std::uint8_t reasonUnspecified = 128;
inline constexpr std::uint8_t administrativelyProhibited = 129;
inline constexpr std::uint8_t insufficientResources = 130;
inline constexpr std::uint8_t homeRegistrationNotSupported = 131;
inline constexpr std::uint8_t notHomeSubnet = 132;
inline constexpr std::uint8_t notHomeAgent = 133;
inline constexpr std::uint8_t duplicateAddressDetectionFailed = 134;
inline constexpr std::uint8_t sequenceOutOfWindow = 135;
inline constexpr std::uint8_t expiredHomeNonce = 136;
inline constexpr std::uint8_t expiredCareOfNonce = 137;
inline constexpr std::uint8_t expiredNonces = 138;
inline constexpr std::uint8_t registrationTypeChange = 139;
inline constexpr std::uint8_t mobileRouterNotPermitted = 140;    // RFC 3963 §4.2, as those to 143
inline constexpr std::uint8_t invalidPrefix = 141;
inline constexpr std::uint8_t notAuthorizedForPrefix = 142;
inline constexpr std::uint8_t forwardingSetupFailed = 143;
inline constexpr std::uint8_t cannotForceUdp = 144;               // RFC 5555 §4.4.2
inline constexpr std::uint8_t mcoaMalformed = 164;
inline constexpr std::uint8_t mcoaNonMcoaBindingExists = 165;
inline constexpr std::uint8_t mcoaProhibited = 166;
inline constexpr std::uint8_t mcoaUnknownCareOf = 167;
inline constexpr std::uint8_t mcoaBulkProhibited = 168;
inline constexpr std::uint8_t mcoaHomeAndForeignProhibited = 169;
}  // namespace bindingStatus

/// Reads the rest of `in` as one message. Fails when Header Len does not fit the octets or the message type (RFC 6275 §9.2,
/// MH-RX-01) and when an option runs past the end; a Payload Proto other than 59 is a `violation` of the result. The error's
/// offset is the octet that a Parameter Problem points at.
/// `cut`: the capture did not keep all of it. `number`: the Next Header that led here, which the checksum covers.
[[nodiscard]] Result<Checked<MobilityMessage>> parseMobility(FieldReader& in, const PseudoHeader& addresses, bool cut = false,
                                                               std::uint8_t number = protocol::mobility);
/// Message with alignment, padding, Header Len and checksum.
[[nodiscard]] Bytes emitMobility(const MobilityMessage& message, const PseudoHeader& addresses);

[[nodiscard]] std::uint8_t typeOf(const MobilityMessage& message);

}  // namespace roamscope::wire
