// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/checksum.hpp"

#include "protocol/wire/ipv6.hpp"

#include <array>
#include <cstring>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {

template <class Word>
Word load(const std::uint8_t* at)
{
    Word word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

}  // namespace

// RFC 1071 §2: the sum may be taken in any order of octets and over words of any width, and is folded at the end. Halves of 64 bits
// are added up apart, so that there are no carries: compilers make vector instructions of that.
std::uint64_t wordSum(ByteView bytes)
{
    const std::uint8_t* at = bytes.data();
    const std::size_t words = bytes.size() / 8;
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    for (std::size_t i = 0; i < words; ++i) {
        const auto word = load<std::uint64_t>(at + 8 * i);
        low += word & 0xffffffff;
        high += word >> 32;
    }
    std::array<std::uint8_t, 8> last{};
    if (const std::size_t left = bytes.size() % 8; left > 0) std::memcpy(last.data(), at + 8 * words, left);
    return endSum(low + high, load<std::uint64_t>(last.data()));
}

std::uint16_t checksum(const PseudoHeader& addresses, std::uint8_t nextHeader, ByteView message)
{
    const std::uint64_t ends = endSum(wordSum(addresses.source.octets), wordSum(addresses.destination.octets));
    return static_cast<std::uint16_t>(~foldWords(endSum(endSum(ends, pseudoWords(message.size(), nextHeader)), wordSum(message))));
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
