// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/arp.hpp"

#include "protocol/wire/ethernet.hpp"

namespace roamscope::wire {

namespace {
constexpr std::uint16_t ethernetHardware = 1;
constexpr std::uint8_t macOctets = 6;
constexpr std::uint8_t ipv4Octets = 4;
}  // namespace

std::optional<ArpMessage> parseArp(ByteView message)
{
    Reader in(message);
    const bool known = in.u16() == ethernetHardware && in.u16() == etherTypeIpv4 && in.u8() == macOctets && in.u8() == ipv4Octets;
    if (!known || in.failed()) return std::nullopt;
    ArpMessage out;
    out.operation = in.u16();
    out.senderMac.octets = in.array<macOctets>();
    out.sender.octets = in.array<ipv4Octets>();
    out.targetMac.octets = in.array<macOctets>();
    out.target.octets = in.array<ipv4Octets>();
    return in.failed() ? std::nullopt : std::optional(out);
}

Bytes emitArp(const ArpMessage& message)
{
    Writer out;
    out.u16(ethernetHardware);
    out.u16(etherTypeIpv4);
    out.u8(macOctets);
    out.u8(ipv4Octets);
    out.u16(message.operation);
    out.bytes(message.senderMac.octets);
    out.bytes(message.sender.octets);
    out.bytes(message.targetMac.octets);
    out.bytes(message.target.octets);
    return out.take();
}

}  // namespace roamscope::wire
