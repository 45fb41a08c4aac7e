// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/ipv4.hpp"

#include "protocol/wire/ipv6.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {

std::uint16_t headerSum(ByteView header)
{
    std::uint32_t total = 0;
    for (std::size_t i = 0; i + 1 < header.size(); i += 2) total += static_cast<std::uint32_t>(header[i]) << 8 | header[i + 1];
    while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
    return static_cast<std::uint16_t>(~total);
}

/// Shows the options; their values matter to nobody here.
void showOptions(FieldReader& in, std::size_t end)
{
    while (in.position() < end && !in.failed()) {
        const std::size_t left = end - in.position();
        in.open(FieldId::Ipv4Option);
        const std::uint8_t type = in.u8(FieldId::Ipv4OptionType);
        bool last = type == 0;
        if (type > 1) {
            Reader peek = in;
            const std::size_t length = peek.u8();
            last = left < 2 || length < 2 || length > left;
            if (left >= 2) in.u8(FieldId::Ipv4OptionLength);
            if (last && in.sink())
                in.sink()->finding({"", Severity::Warning, fmt::format("IPv4 option of type {} does not fit its header", type), "RFC 791 §3.1",
                                    static_cast<std::uint32_t>(in.offset() - 1), 1u});
            if (!last && length > 2) in.reserved(FieldId::Ipv4OptionData, length - 2);
        }
        in.close();
        if (!last) continue;
        if (in.position() < end) in.reserved(FieldId::Ipv4OptionData, end - in.position());
    }
}

ChecksumVerdict judgeHeader(FieldSink* sink, ByteView header, std::size_t offset)
{
    const bool absent = header[10] == 0 && header[11] == 0;
    const std::uint16_t sum = headerSum(header);
    const ChecksumVerdict verdict = sum == 0 ? ChecksumVerdict::Good : absent ? ChecksumVerdict::Absent : ChecksumVerdict::Bad;
    if (!sink) return verdict;
    if (verdict != ChecksumVerdict::Bad) {
        sink->add(FieldId::Ipv4ChecksumVerdict, offset + 10, 2,
                  std::string(verdict == ChecksumVerdict::Good ? "good" : "zero: not filled in yet where this was captured"));
        return verdict;
    }
    Bytes copy(header.begin(), header.end());
    copy[10] = copy[11] = 0;
    const std::string text = fmt::format("bad, should be 0x{:04x}", headerSum(copy));
    sink->add(FieldId::Ipv4ChecksumVerdict, offset + 10, 2, text);
    sink->finding({"", Severity::Error, "IPv4 header checksum " + text, "RFC 791 §3.1", static_cast<std::uint32_t>(offset + 10), 2u});
    return verdict;
}

}  // namespace

Ipv6Address mapped(const Ipv4Address& address)
{
    Ipv6Address out;
    out.octets[10] = out.octets[11] = 0xff;
    std::copy(address.octets.begin(), address.octets.end(), out.octets.begin() + 12);
    return out;
}

std::optional<Ipv4Address> unmapped(const Ipv6Address& address)
{
    constexpr std::array<std::uint8_t, 12> front{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (!std::equal(front.begin(), front.end(), address.octets.begin())) return std::nullopt;
    Ipv4Address out;
    std::copy(address.octets.begin() + front.size(), address.octets.end(), out.octets.begin());
    return out;
}

bool isUnicast(const Ipv4Address& address)
{
    constexpr std::uint8_t loopback = 127, firstGroup = 224;
    return address.octets[0] != 0 && address.octets[0] != loopback && address.octets[0] < firstGroup;
}

PseudoHeader Ipv4Header::pseudoHeader() const { return {mapped(source), mapped(destination), true}; }

Result<ParsedIpv4> parseIpv4(FieldReader& in, bool mayBeCut)
{
    const std::size_t start = in.position();
    const std::size_t startOffset = in.offset();
    ParsedIpv4 parsed;
    Ipv4Header& header = parsed.header;
    in.open(FieldId::Ipv4);
    const std::uint8_t first = in.Reader::u8();
    const std::size_t headerLength = 4u * (first & 15u);
    if (in.sink() && !in.failed()) {
        in.sink()->add(FieldId::Ipv4Version, startOffset, 1, static_cast<std::uint64_t>(first >> 4));
        in.sink()->add(FieldId::Ipv4HeaderLength, startOffset, 1, std::uint64_t{headerLength});
    }
    header.dsField = in.u8(FieldId::Ipv4DsField);
    in.bits(1, header.dsField, {FieldId::Ipv4Dscp, FieldId::Ipv4Ecn});
    const std::size_t totalLength = in.u16(FieldId::Ipv4Length);
    header.identification = in.u16(FieldId::Ipv4Id);
    const std::uint16_t word = in.Reader::u16();
    header.dontFragment = (word & 0x4000) != 0;
    header.moreFragments = (word & 0x2000) != 0;
    header.fragmentOffset = static_cast<std::uint16_t>((word & 0x1fff) * 8);
    if (in.sink() && !in.failed()) {
        const std::size_t at = in.offset() - 2;
        in.sink()->add(FieldId::Ipv4Flags, at, 1, static_cast<std::uint64_t>(word >> 13));
        in.sink()->add(FieldId::Ipv4DontFragment, at, 1, std::uint64_t{header.dontFragment});
        in.sink()->add(FieldId::Ipv4MoreFragments, at, 1, std::uint64_t{header.moreFragments});
        in.sink()->add(FieldId::Ipv4FragmentOffset, at, 2, static_cast<std::uint64_t>(word & 0x1fff), fmt::format("{} octets", header.fragmentOffset));
    }
    header.ttl = in.u8(FieldId::Ipv4Ttl);
    header.protocol = in.u8(FieldId::Ipv4Protocol);
    in.note(nextHeaderName(header.protocol));
    in.u16(FieldId::Ipv4Checksum);
    const bool fits = !in.failed() && headerLength >= Ipv4Header::octets && headerLength <= in.whole().size() - start;
    if (fits) header.checksum = judgeHeader(in.sink(), in.whole().subspan(start, headerLength), startOffset);
    header.source = in.ipv4(FieldId::Ipv4Source);
    header.destination = in.ipv4(FieldId::Ipv4Destination);
    if (in.texts() && !in.failed()) in.headline(fmt::format("{} → {}", header.source.text(), header.destination.text()));
    if (fits && first >> 4 == 4) {
        if (in.sink()) showOptions(in, start + headerLength);
        else in.skip(headerLength - Ipv4Header::octets);
    }
    in.close();
    if (in.failed()) return fail(ErrorCode::Truncated, startOffset, "an IPv4 header has 20 octets, fewer are there");
    if (first >> 4 != 4) return fail(ErrorCode::Malformed, startOffset, fmt::format("IP version {} where 4 is expected", first >> 4));
    if (headerLength < Ipv4Header::octets) return fail(ErrorCode::Malformed, startOffset, fmt::format("IPv4 header length {}, at least 20 are needed", headerLength));
    if (!fits) return fail(ErrorCode::Truncated, startOffset, fmt::format("an IPv4 header of {} octets, fewer are there", headerLength));
    if (totalLength != 0 && totalLength < headerLength)
        return fail(ErrorCode::Malformed, startOffset + 2, fmt::format("total length {} is less than the header's {}", totalLength, headerLength));

    std::size_t end = totalLength == 0 ? in.whole().size() : start + totalLength;
    if (end > in.whole().size()) {
        if (!mayBeCut)
            return fail(ErrorCode::Truncated, startOffset + 2, fmt::format("total length {} but only {} octets are there", totalLength, in.whole().size() - start));
        parsed.cut = true;
        end = in.whole().size();
    } else if (totalLength == 0) {
        parsed.cut = mayBeCut;
    }
    parsed.payloadOffset = in.offset();
    parsed.payloadOctets = end - in.position();
    in.skip(parsed.payloadOctets);
    return parsed;
}

Bytes emitIpv4(const Ipv4Header& header, ByteView payload)
{
    Writer out;
    out.u8(0x45);
    out.u8(header.dsField);
    out.u16(static_cast<std::uint16_t>(Ipv4Header::octets + payload.size()));
    out.u16(header.identification);
    out.u16(static_cast<std::uint16_t>((header.dontFragment ? 0x4000 : 0) | (header.moreFragments ? 0x2000 : 0) | header.fragmentOffset / 8));
    out.u8(header.ttl);
    out.u8(header.protocol);
    out.u16(0);
    out.bytes(header.source.octets);
    out.bytes(header.destination.octets);
    out.patch16(10, headerSum(out.view()));
    out.bytes(payload);
    return out.take();
}

}  // namespace roamscope::wire
