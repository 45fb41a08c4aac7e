// SPDX-License-Identifier: GPL-3.0-or-later
// Link layers: what stands around an IP packet in a captured frame. Ethernet with VLAN tags, 802.3 with LLC/SNAP, PPPoE and PPP,
// Cisco HDLC, Linux cooked capture, null and loopback, raw IP, IEEE 802.11 with or without radiotap.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/wire/ethernet.hpp"
#include "protocol/wire/fields.hpp"

#include <optional>
#include <string>

namespace roamscope::wire {

/// LINKTYPE_ numbers (https://www.tcpdump.org/linktypes.html) that are decoded here.
inline constexpr std::uint16_t linkNull = 0;             ///< address family in the capturing host's octet order
inline constexpr std::uint16_t linkEthernet = 1;
inline constexpr std::uint16_t linkPpp = 9;
inline constexpr std::uint16_t linkRawBsd = 12;          ///< as linkRaw, as some systems write it
inline constexpr std::uint16_t linkRawOpenBsd = 14;      ///< the same
inline constexpr std::uint16_t linkPppHdlc = 50;         ///< PPP in HDLC-like framing, or Cisco HDLC
inline constexpr std::uint16_t linkPppoe = 51;           ///< a PPPoE session without Ethernet
inline constexpr std::uint16_t linkRaw = 101;            ///< IPv4 or IPv6 by its version
inline constexpr std::uint16_t linkWifi = 105;           ///< IEEE 802.11
inline constexpr std::uint16_t linkLoopback = 108;       ///< address family in network order
inline constexpr std::uint16_t linkCooked = 113;         ///< Linux cooked capture, version 1
inline constexpr std::uint16_t linkRadiotap = 127;       ///< radiotap, then IEEE 802.11
inline constexpr std::uint16_t linkPppDirection = 204;   ///< a direction octet, then as linkPppHdlc
inline constexpr std::uint16_t linkRawIpv4 = 228;
inline constexpr std::uint16_t linkRawIpv6 = 229;
inline constexpr std::uint16_t linkCooked2 = 276;        ///< Linux cooked capture, version 2

inline constexpr int maxVlanTags = 4;

/// What the octets behind a link header are.
enum class LinkPayload : std::uint8_t { Other, Ipv4, Ipv6, ByVersion };

/// The headers of a link, read.
struct LinkHeaders {
    std::optional<EthernetHeader> ethernet;  ///< addresses of Ethernet; of an 802.11 data frame its source and destination
    std::uint16_t etherType = 0;             ///< what the link says it carries, 0 when it says so in another way or not at all
    LinkPayload payload = LinkPayload::Other;
    std::size_t end = 0;                     ///< position behind the payload: what follows is the link's own
    std::size_t layers = 0;                  ///< headers read
    std::string why;                         ///< why nothing further is decoded although more may be there; empty: nothing to say
    std::string rest;                        ///< a limit that was reached behind `end`; empty: none
    bool limited = false;                    ///< `why` is a limit of this decoder
    bool encrypted = false;                  ///< the link encrypts its payload
};

/// Whether parseLink() knows the number.
[[nodiscard]] bool isKnownLink(std::uint16_t linkType);

/// Reads the link headers of a whole frame and leaves `in` at the payload. Fails when a header does not fit. `cut`: the end of the
/// frame was not captured (then no check sequence is split off). Iterative; at most maxVlanTags tags.
[[nodiscard]] Result<LinkHeaders> parseLink(FieldReader& in, std::uint16_t linkType, bool cut);

/// For the parsers of link layers: LLC with SNAP, or what else its access points say.
[[nodiscard]] Result<void> parseLlc(FieldReader& in, LinkHeaders& out);
/// IEEE 802.11 (protocol/wire/wifi.cpp), as parseLink().
[[nodiscard]] Result<void> parseWifi(FieldReader& in, LinkHeaders& out, bool checkSequence, bool padded);
[[nodiscard]] Result<void> parseRadiotap(FieldReader& in, LinkHeaders& out, bool cut);

}  // namespace roamscope::wire
