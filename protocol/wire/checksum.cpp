// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/checksum.hpp"

#include "protocol/wire/ipv6.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

namespace {

std::uint64_t sum(ByteView bytes, std::uint64_t start)
{
    std::size_t i = 0;
    for (; i + 1 < bytes.size(); i += 2) start += static_cast<std::uint64_t>(bytes[i]) << 8 | bytes[i + 1];
    if (i < bytes.size()) start += static_cast<std::uint64_t>(bytes[i]) << 8;
    return start;
}

}  // namespace

std::uint16_t checksum(const PseudoHeader& addresses, std::uint8_t nextHeader, ByteView message)
{
    std::uint64_t total = sum(addresses.source.octets, nextHeader);
    total = sum(addresses.destination.octets, total);
    total += message.size() >> 16;
    total += message.size() & 0xffff;
    total = sum(message, total);
    while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
    return static_cast<std::uint16_t>(~total);
}

ChecksumVerdict verify(const PseudoHeader& addresses, std::uint8_t nextHeader, ByteView message)
{
    return checksum(addresses, nextHeader, message) == 0 ? ChecksumVerdict::Good : ChecksumVerdict::Bad;
}

std::uint16_t expectedChecksum(const PseudoHeader& addresses, std::uint8_t nextHeader, ByteView message, std::size_t position)
{
    Bytes copy(message.begin(), message.end());
    if (position + 2 <= copy.size()) copy[position] = copy[position + 1] = 0;
    return checksum(addresses, nextHeader, copy);
}

namespace {

/// A Mobility Header in UDP: its own field must be zero and the UDP checksum stands for it.
ChecksumVerdict judgeZero(ChecksumVerdict udp, ByteView message, std::size_t position, FieldId field, std::size_t offset, FieldSink* sink)
{
    const bool zero = position + 2 <= message.size() && message[position] == 0 && message[position + 1] == 0;
    if (!sink) return udp;
    sink->add(field, offset + position, 2, std::string(zero ? "zero, the UDP checksum covers the message" : "not zero as it must be inside UDP"));
    if (!zero)
        sink->finding({"", Severity::Warning, "a mobility message in UDP whose checksum field is not zero", "RFC 5844 §4.1.3.2",
                       static_cast<std::uint32_t>(offset + position), 2});
    return udp;
}

}  // namespace

ChecksumVerdict judge(const PseudoHeader& addresses, std::uint8_t nextHeader, ByteView message, bool cut, std::size_t position,
                      FieldId field, std::size_t offset, FieldSink* sink)
{
    if (addresses.udp) return judgeZero(*addresses.udp, message, position, field, offset, sink);
    const ChecksumVerdict verdict = cut ? ChecksumVerdict::Unverifiable : verify(addresses, nextHeader, message);
    if (!sink) return verdict;
    const std::string text = verdict == ChecksumVerdict::Unverifiable ? "not verifiable, the frame is cut"
                             : verdict == ChecksumVerdict::Good
                                 ? "good"
                                 : fmt::format("bad, should be 0x{:04x}", expectedChecksum(addresses, nextHeader, message, position));
    sink->add(field, offset + position, 2, text);
    if (verdict == ChecksumVerdict::Bad)
        sink->finding({nextHeader == protocol::mobility ? "MH-RX-01" : "", Severity::Error,
                       fmt::format("checksum {} (computed with {} and {})", text, addresses.source.text(), addresses.destination.text()),
                       info(field).rfc, static_cast<std::uint32_t>(offset + position), 2});
    return verdict;
}

}  // namespace roamscope::wire
