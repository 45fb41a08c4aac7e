// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/tcp.hpp"

#include "protocol/wire/ipv6.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

Result<Checked<TcpSegment>> parseTcp(FieldReader& in, const PseudoHeader& addresses, bool cut)
{
    constexpr std::size_t fixedOctets = 20;
    const ByteView whole = in.whole().subspan(in.position());
    const std::size_t start = in.offset();
    Checked<TcpSegment> out;
    TcpSegment& segment = out.value;
    in.open(FieldId::Tcp);
    segment.sourcePort = in.u16(FieldId::TcpSourcePort);
    segment.destinationPort = in.u16(FieldId::TcpDestinationPort);
    const std::size_t headerLength = whole.size() >= fixedOctets ? 4u * (whole[12] >> 4) : 0;
    const bool fits = headerLength >= fixedOctets && headerLength <= whole.size();
    segment.dataOctets = fits ? whole.size() - headerLength : 0;
    if (in.sink() && fits) in.sink()->add(FieldId::TcpLength, start, 0, std::uint64_t{segment.dataOctets});
    segment.sequence = in.u32(FieldId::TcpSequence);
    segment.acknowledgment = in.u32(FieldId::TcpAcknowledgment);
    const std::uint16_t word = in.Reader::u16();
    segment.flags = word & 0xfff;
    if (in.sink() && !in.failed()) in.sink()->add(FieldId::TcpHeaderLength, in.offset() - 2, 1, std::uint64_t{headerLength});
    in.bits(2, word, {FieldId::TcpFlags, FieldId::TcpAck, FieldId::TcpReset, FieldId::TcpSyn, FieldId::TcpFin});
    segment.window = in.u16(FieldId::TcpWindow);
    in.u16(FieldId::TcpChecksum);
    if (fits) out.checksum = judge(addresses, protocol::tcp, whole, cut, 16, FieldId::TcpChecksumVerdict, start, in.sink());
    in.u16(FieldId::TcpUrgent);
    if (in.texts() && !in.failed()) in.headline(fmt::format("{} → {}", segment.sourcePort, segment.destinationPort));
    if (fits) {
        in.reserved(FieldId::TcpOptions, headerLength - fixedOctets);
        in.reserved(FieldId::TcpData, segment.dataOctets);
    }
    in.close();
    if (in.failed()) return fail(ErrorCode::Truncated, start, "a TCP header has 20 octets, fewer are there");
    if (headerLength < fixedOctets) return fail(ErrorCode::Malformed, start + 12, fmt::format("TCP header length {}, at least 20 are needed", headerLength));
    if (!fits) return fail(ErrorCode::Truncated, start + 12, fmt::format("a TCP header of {} octets, fewer are there", headerLength));
    return out;
}

}  // namespace roamscope::wire
