// SPDX-License-Identifier: GPL-3.0-or-later
// ICMPv6 messages: errors and echo (RFC 4443), neighbour discovery (RFC 4861), multicast listeners (RFC 2710, RFC 3810), home
// agent discovery and mobile prefix discovery of Mobile IPv6 (RFC 6275 §6.5–6.8) with the flags of mobile routers (RFC 3963 §7)
// and fast handovers (RFC 5568 §6.1, RFC 4068 §6).
#pragma once

#include "protocol/wire/checksum.hpp"
#include "protocol/wire/ndisc.hpp"

#include <string_view>

namespace roamscope::wire {

namespace icmpv6Type {
inline constexpr std::uint8_t destinationUnreachable = 1;
inline constexpr std::uint8_t packetTooBig = 2;
inline constexpr std::uint8_t timeExceeded = 3;
inline constexpr std::uint8_t parameterProblem = 4;
inline constexpr std::uint8_t echoRequest = 128;
inline constexpr std::uint8_t echoReply = 129;
inline constexpr std::uint8_t multicastListenerQuery = 130;
inline constexpr std::uint8_t multicastListenerReport1 = 131;
inline constexpr std::uint8_t multicastListenerDone = 132;
inline constexpr std::uint8_t routerSolicitation = 133;
inline constexpr std::uint8_t routerAdvertisement = 134;
inline constexpr std::uint8_t neighborSolicitation = 135;
inline constexpr std::uint8_t neighborAdvertisement = 136;
inline constexpr std::uint8_t redirect = 137;
inline constexpr std::uint8_t multicastListenerReport = 143;
inline constexpr std::uint8_t homeAgentAddressDiscoveryRequest = 144;
inline constexpr std::uint8_t homeAgentAddressDiscoveryReply = 145;
inline constexpr std::uint8_t mobilePrefixSolicitation = 146;
inline constexpr std::uint8_t mobilePrefixAdvertisement = 147;
inline constexpr std::uint8_t experimentalMobility = 150;  ///< RFC 4065; fast handovers of RFC 4068
inline constexpr std::uint8_t fastHandover = 154;
}  // namespace icmpv6Type

/// Error messages, types 1 to 4. `parameter` is the MTU (type 2), the pointer (type 4), otherwise unused.
struct IcmpError {
    std::uint8_t type = icmpv6Type::destinationUnreachable;
    std::uint8_t code = 0;
    std::uint32_t parameter = 0;
    Bytes invoking;  ///< start of the packet that caused it
    /// Types 1 and 3: length of `invoking` in 8 octets when extensions follow it, which are not kept (RFC 4884 §4.3); 0: nothing follows.
    std::uint8_t originalLength = 0;
    bool operator==(const IcmpError&) const = default;
};

struct Echo {
    bool reply = false;
    std::uint16_t identifier = 0;
    std::uint16_t sequence = 0;
    Bytes data;
    bool operator==(const Echo&) const = default;
};

struct RouterSolicitation {
    std::vector<NdOption> options;
    bool operator==(const RouterSolicitation&) const = default;
};

struct RouterAdvertisement {
    static constexpr std::uint8_t managedFlag = 0x80;
    static constexpr std::uint8_t otherFlag = 0x40;
    static constexpr std::uint8_t homeAgentFlag = 0x20;  ///< RFC 6275 §7.1

    std::uint8_t hopLimit = 0;         ///< 0 = unspecified
    std::uint8_t flags = 0;
    std::uint16_t routerLifetime = 0;  ///< seconds; 0 = no default router
    std::uint32_t reachableTime = 0;   ///< milliseconds; 0 = unspecified
    std::uint32_t retransTimer = 0;    ///< milliseconds; 0 = unspecified
    std::vector<NdOption> options;
    bool operator==(const RouterAdvertisement&) const = default;
};

struct NeighborSolicitation {
    Ipv6Address target;
    std::vector<NdOption> options;
    bool operator==(const NeighborSolicitation&) const = default;
};

struct NeighborAdvertisement {
    bool router = false;
    bool solicited = false;
    bool override = false;
    Ipv6Address target;
    std::vector<NdOption> options;
    bool operator==(const NeighborAdvertisement&) const = default;
};

/// RFC 4861 §4.5.
struct Redirect {
    Ipv6Address target;       ///< better first hop
    Ipv6Address destination;  ///< what it is the first hop to
    std::vector<NdOption> options;
    bool operator==(const Redirect&) const = default;
};

/// Multicast listener messages of version 1 (RFC 2710 §3): query, report and done.
struct ListenerMessage {
    std::uint8_t type = icmpv6Type::multicastListenerReport1;
    std::uint16_t maximumDelay = 0;  ///< milliseconds, of a query
    Ipv6Address group;               ///< unspecified in a query for all groups
    bool operator==(const ListenerMessage&) const = default;
};

/// Multicast listener query of version 2 (RFC 3810 §5.1).
struct ListenerQuery {
    std::uint16_t maximumResponse = 0;  ///< the code: milliseconds below 32768, else a floating-point number
    Ipv6Address group;
    bool suppress = false;
    std::uint8_t robustness = 2;        ///< 0..7
    std::uint8_t interval = 0;          ///< the code: seconds below 128, else a floating-point number
    std::vector<Ipv6Address> sources;
    bool operator==(const ListenerQuery&) const = default;
};

/// What a floating-point code of RFC 3810 §5.1.3 / §5.1.9 stands for.
[[nodiscard]] std::uint32_t listenerResponse(std::uint16_t code);  ///< milliseconds
[[nodiscard]] std::uint32_t listenerInterval(std::uint8_t code);   ///< seconds

/// Version 2 multicast listener report (RFC 3810 §5.2).
struct ListenerReport {
    enum : std::uint8_t { changeToInclude = 3, changeToExclude = 4 };  // leave, join (RFC 3810 §5.2.12)
    struct Record {
        std::uint8_t type = changeToExclude;
        Ipv6Address group;
        std::vector<Ipv6Address> sources;
        Bytes auxiliary;  ///< a multiple of 4 octets
        bool operator==(const Record&) const = default;
    };
    std::vector<Record> records;
    bool operator==(const ListenerReport&) const = default;
};

struct HomeAgentDiscoveryRequest {
    std::uint16_t identifier = 0;
    bool mobileRouter = false;  ///< R of RFC 3963 §7.1
    bool operator==(const HomeAgentDiscoveryRequest&) const = default;
};

struct HomeAgentDiscoveryReply {
    std::uint16_t identifier = 0;
    bool mobileRouter = false;
    std::vector<Ipv6Address> homeAgents;  ///< most preferred first
    bool operator==(const HomeAgentDiscoveryReply&) const = default;
};

struct MobilePrefixSolicitation {
    std::uint16_t identifier = 0;
    std::vector<NdOption> options;
    bool operator==(const MobilePrefixSolicitation&) const = default;
};

struct MobilePrefixAdvertisement {
    std::uint16_t identifier = 0;
    bool managed = false;
    bool other = false;
    std::vector<NdOption> options;
    bool operator==(const MobilePrefixAdvertisement&) const = default;
};

/// Fast handover messages between a mobile node and its router (RFC 5568 §6.1); in RFC 4068 also between routers.
struct FastHandover {
    enum : std::uint8_t { solicitation = 2, advertisement = 3, initiate = 4, acknowledge = 5 };  // RtSolPr, PrRtAdv, HI, HAck
    static constexpr std::uint8_t assignFlag = 0x80;  ///< S of HI
    static constexpr std::uint8_t bufferFlag = 0x40;  ///< U of HI

    std::uint8_t type = icmpv6Type::fastHandover;  ///< or experimentalMobility where RFC 4068 is spoken
    std::uint8_t subtype = solicitation;           ///< 2..5
    std::uint8_t code = 0;
    std::uint8_t flags = 0;                        ///< of HI; otherwise 0
    std::uint16_t identifier = 0;
    std::vector<NdOption> options;
    bool operator==(const FastHandover&) const = default;
};

/// A type that is not decoded: everything behind the checksum.
struct RawIcmpv6 {
    std::uint8_t type = 0;
    std::uint8_t code = 0;
    Bytes body;
    bool operator==(const RawIcmpv6&) const = default;
};

using Icmpv6Message =
    std::variant<IcmpError, Echo, RouterSolicitation, RouterAdvertisement, NeighborSolicitation, NeighborAdvertisement, ListenerReport,
                 HomeAgentDiscoveryRequest, HomeAgentDiscoveryReply, MobilePrefixSolicitation, MobilePrefixAdvertisement, Redirect, ListenerMessage,
                 ListenerQuery, FastHandover, RawIcmpv6>;

/// Reads the rest of `in` as one message. Codes other than 0 of neighbour discovery are a violation (RFC 4861 §6.1, §7.1, §8.1).
/// Type 150 is read as RFC 4068 has it where that dialect is spoken, or without a dialect when its body fits.
/// `cut`: the capture did not keep all of it.
[[nodiscard]] Result<Checked<Icmpv6Message>> parseIcmpv6(FieldReader& in, const PseudoHeader& addresses, bool cut = false);
[[nodiscard]] Bytes emitIcmpv6(const Icmpv6Message& message, const PseudoHeader& addresses);

[[nodiscard]] std::uint8_t typeOf(const Icmpv6Message& message);
/// "Router advertisement"; empty for an unknown type.
[[nodiscard]] std::string_view icmpv6Name(std::uint8_t type);

}  // namespace roamscope::wire
