// SPDX-License-Identifier: GPL-3.0-or-later
// UDP (RFC 768, over IPv6 RFC 8200 §8.1), the ports that carry packets and mobility messages, and the probes that a lab's traffic source sends in it.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"
#include "protocol/wire/checksum.hpp"
#include "protocol/wire/fields.hpp"

#include <optional>

namespace roamscope::wire {

struct UdpDatagram {
    std::uint16_t sourcePort = 0;
    std::uint16_t destinationPort = 0;
    Bytes data;
    bool operator==(const UdpDatagram&) const = default;
};

/// Ports of UDP that carries something of the mobility family or its protection.
namespace udpPort {
inline constexpr std::uint16_t ike = 500;
inline constexpr std::uint16_t homeAgent = 4191;   ///< DSMIPv6 tunnel (RFC 5555 §2.3.2.2)
inline constexpr std::uint16_t ikeNat = 4500;      ///< IKE behind a marker, or ESP (RFC 3948)
inline constexpr std::uint16_t proxyControl = 5436;  ///< a Mobility Header as such (RFC 5844 §4.1)
inline constexpr std::uint16_t proxyData = 5437;     ///< packets of the mobile node (RFC 5844 §4.1)
}  // namespace udpPort

/// Whether decodeFrame() looks for another protocol behind this port.
[[nodiscard]] constexpr bool isCarrierPort(std::uint16_t port)
{
    return port == udpPort::ike || port == udpPort::ikeNat || port == udpPort::homeAgent || port == udpPort::proxyControl || port == udpPort::proxyData;
}

/// Whether a datagram over IPv6 may go without a checksum: RFC 6935 §5 allows it to tunnels.
[[nodiscard]] constexpr bool isTunnelPort(std::uint16_t port) { return port == udpPort::homeAgent || port == udpPort::ikeNat || port == udpPort::proxyData; }

/// Reads the rest of `in` as one datagram. `cut`: the capture did not keep all of it. A checksum of 0 is Absent; over IPv6, but for
/// tunnels, that is also a finding.
[[nodiscard]] Result<Checked<UdpDatagram>> parseUdp(FieldReader& in, const PseudoHeader& addresses, bool cut = false);
[[nodiscard]] Bytes emitUdp(const UdpDatagram& datagram, const PseudoHeader& addresses);

/// Ports of the probes: source and sink of a flow.
inline constexpr std::uint16_t probeSourcePort = 52000;
inline constexpr std::uint16_t probeSinkPort = 52001;

/// Content of a probe: magic "RSP1", flow, direction, serial, time of sending. The answer carries the same serial and time.
struct Probe {
    std::uint16_t flow = 0;
    bool answer = false;
    std::uint32_t serial = 0;
    TimePoint sent{};  ///< when the source sent it, in the source's lab time

    static constexpr std::size_t octets = 20;
    bool operator==(const Probe&) const = default;
};

/// The probe in a datagram between the probe ports, or nothing.
[[nodiscard]] std::optional<Probe> parseProbe(const UdpDatagram& datagram);
/// Data of `size` octets (at least Probe::octets), zero behind the probe.
[[nodiscard]] Bytes emitProbe(const Probe& probe, std::size_t size);
/// Adds the probe's fields to the sink; `dataOffset` is where the UDP data stands.
void describeProbe(FieldSink& sink, const Probe& probe, std::size_t dataOffset);

}  // namespace roamscope::wire
