// SPDX-License-Identifier: GPL-3.0-or-later
// Ethernet II framing of IPv6 (RFC 2464), and the header of IEEE 802.3.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/wire/fields.hpp"

namespace roamscope::wire {

inline constexpr std::uint16_t etherTypeIpv6 = 0x86dd;
inline constexpr std::uint16_t etherTypeVlan = 0x8100;
inline constexpr std::uint16_t etherTypeQinQ = 0x88a8;
inline constexpr std::uint16_t etherTypeQinQOld = 0x9100;   ///< outer VLAN tag before IEEE 802.1ad
inline constexpr std::uint16_t etherTypeIpv4 = 0x0800;
inline constexpr std::uint16_t etherTypeArp = 0x0806;
inline constexpr std::uint16_t etherTypePppoe = 0x8864;     ///< session stage
inline constexpr std::uint16_t largestEthernetLength = 1500; ///< up to here the field is a length (IEEE 802.3)

struct EthernetHeader {
    Mac destination;
    Mac source;
    std::uint16_t type = etherTypeIpv6;  ///< up to largestEthernetLength the octets that follow

    static constexpr std::size_t octets = 14;
    bool operator==(const EthernetHeader&) const = default;
};

/// Reads the header and leaves `in` after it. Fails when fewer than 14 octets are there.
[[nodiscard]] Result<EthernetHeader> parseEthernet(FieldReader& in);
/// Header and payload as one frame, without padding or check sequence.
[[nodiscard]] Bytes emitEthernet(const EthernetHeader& header, ByteView payload);
/// Writes the header over the first octets of a frame, of which there are 14 or more.
void writeEthernet(const EthernetHeader& header, Bytes& frame);

}  // namespace roamscope::wire
