// SPDX-License-Identifier: GPL-3.0-or-later
// A whole captured frame, from the link layer through tunnels to the message inside. For the analyzer; nodes read their
// packets layer by layer themselves.
#pragma once

#include "protocol/wire/ethernet.hpp"
#include "protocol/wire/icmpv6.hpp"
#include "protocol/wire/ipv6.hpp"
#include "protocol/wire/mobility.hpp"
#include "protocol/wire/udp.hpp"

#include <optional>
#include <variant>
#include <vector>

namespace roamscope::wire {

/// LINKTYPE_ numbers that are decoded here.
inline constexpr std::uint16_t linkEthernet = 1;
inline constexpr std::uint16_t linkRaw = 101;    ///< IPv4 or IPv6 by its version
inline constexpr std::uint16_t linkRawBsd = 12;  ///< the same, as some systems write it
inline constexpr std::uint16_t linkRawIpv6 = 229;

using DecodedMessage = std::variant<std::monostate, Checked<Icmpv6Message>, Checked<MobilityMessage>, Checked<UdpDatagram>>;

struct DecodedFrame {
    std::optional<EthernetHeader> ethernet;
    std::vector<Ipv6Packet> packets;  ///< outermost first, at most 8; the payloads of all but the last are empty
    DecodedMessage message;
    std::optional<Probe> probe;       ///< of this project's traffic source, when `message` is UDP
    std::optional<Error> error;       ///< why decoding stopped before the end; offset is the octet
    bool cut = false;                 ///< the capture did not keep the whole frame
    std::uint16_t etherType = 0;      ///< what the link carries, 0 when it does not say
    std::size_t undecodedOffset = 0;  ///< start of the octets that nothing here understood; frame size when none

    [[nodiscard]] const Ipv6Packet* inner() const { return packets.empty() ? nullptr : &packets.back(); }
    template <class T>
    [[nodiscard]] const T* as() const
    {
        if (const auto* m = std::get_if<Checked<Icmpv6Message>>(&message)) {
            if constexpr (std::is_constructible_v<Icmpv6Message, T>) return std::get_if<T>(&m->value);
        }
        if (const auto* m = std::get_if<Checked<MobilityMessage>>(&message)) {
            if constexpr (std::is_constructible_v<MobilityMessage, T>) return std::get_if<T>(&m->value);
        }
        return nullptr;
    }
};

/// Decodes `frame`; with a sink also reports every field read up to the failing octet. `originalLength` is the length on the
/// wire in octets, larger than the frame when the capture cut it; `context`: dialect, keys, reassembly. Never fails: what went wrong is in the result. Work and
/// stack are bounded whatever the octets say (at most 8 IPv6 headers, 64 extension headers each, 4 VLAN tags).
[[nodiscard]] DecodedFrame decodeFrame(ByteView frame, std::uint16_t linkType, std::size_t originalLength, FieldSink* sink = nullptr,
                                       const DecodeContext& context = {});

}  // namespace roamscope::wire
