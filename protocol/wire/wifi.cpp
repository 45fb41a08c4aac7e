// SPDX-License-Identifier: GPL-3.0-or-later
// IEEE 802.11 and radiotap, part of protocol/wire/link.hpp. Numbers here are little-endian.
#include "protocol/wire/link.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {

constexpr std::uint8_t flagToDs = 0x01;
constexpr std::uint8_t flagFromDs = 0x02;
constexpr std::uint8_t flagMoreFragments = 0x04;
constexpr std::uint8_t flagProtected = 0x40;
constexpr std::uint8_t flagOrder = 0x80;
constexpr std::uint8_t subtypeNoData = 0x4;
constexpr std::uint8_t subtypeQos = 0x8;
constexpr std::uint16_t qosAggregate = 0x80;

std::uint16_t little16(Reader& in)
{
    const std::uint16_t v = in.u16();
    return static_cast<std::uint16_t>(v << 8 | v >> 8);
}

std::uint32_t little32(Reader& in)
{
    const std::uint32_t low = little16(in);
    return low | static_cast<std::uint32_t>(little16(in)) << 16;
}

std::uint16_t little16(FieldReader& in, FieldId id)
{
    const std::uint16_t v = little16(static_cast<Reader&>(in));
    if (in.sink() && !in.failed()) in.sink()->add(id, in.offset() - 2, 2, std::uint64_t{v});
    return v;
}

std::uint32_t little32(FieldReader& in, FieldId id)
{
    const std::uint32_t v = little32(static_cast<Reader&>(in));
    if (in.sink() && !in.failed()) in.sink()->add(id, in.offset() - 4, 4, std::uint64_t{v});
    return v;
}

/// The addresses of a data frame. Which one is source and which destination, the two flags say (IEEE 802.11 §9.3.2.1).
struct Addresses {
    Mac receiver, transmitter, third, fourth;
};

void showAddresses(const FieldReader& in, std::size_t first, std::uint8_t flags, const Addresses& a, EthernetHeader& out)
{
    const std::size_t places[] = {first, first + 6, first + 12, first + 20};
    const std::uint8_t ds = flags & (flagToDs | flagFromDs);
    const int destination = ds == 0 || ds == flagFromDs ? 0 : 2;
    const int source = ds == 0 || ds == flagToDs ? 1 : ds == flagFromDs ? 2 : 3;
    const Mac values[] = {a.receiver, a.transmitter, a.third, a.fourth};
    out.destination = values[destination];
    out.source = values[source];
    FieldSink* sink = in.sink();
    if (!sink || in.failed()) return;
    const auto add = [&](FieldId id, int which) { sink->add(id, places[which], 6, values[which]); };
    add(FieldId::WifiReceiver, 0);
    add(FieldId::WifiTransmitter, 1);
    add(FieldId::WifiDestination, destination);
    add(FieldId::WifiSource, source);
    if (ds != (flagToDs | flagFromDs)) add(FieldId::WifiBss, ds == 0 ? 2 : ds == flagToDs ? 0 : 1);
    sink->headline(fmt::format("{} → {}", out.source.text(), out.destination.text()));
}

/// The first of the packets that share a frame.
Result<void> parseAggregate(FieldReader& in, LinkHeaders& out)
{
    const std::size_t start = in.offset();
    ++out.layers;
    in.open(FieldId::WifiSubframe);
    out.ethernet->destination = in.mac(FieldId::WifiDestination);
    out.ethernet->source = in.mac(FieldId::WifiSource);
    const std::size_t length = in.u16(FieldId::WifiSubframeLength);
    in.close();
    if (in.failed()) return fail(ErrorCode::Truncated, start, "an A-MSDU subframe has 14 octets before its packet, fewer are there");
    // Subframes but the last are padded to four octets.
    if (in.position() + length + 4 < out.end) out.rest = "an aggregate of several packets: only the first is decoded";
    out.end = std::min(out.end, in.position() + length);
    return parseLlc(in, out);
}

}  // namespace

Result<void> parseWifi(FieldReader& in, LinkHeaders& out, bool checkSequence, bool padded)
{
    const std::size_t start = in.offset();
    const std::size_t begin = in.position();
    ++out.layers;
    in.open(FieldId::Wifi);
    const std::uint16_t control = in.u16(FieldId::WifiControl);
    const auto kind = static_cast<std::uint8_t>(control >> 8);
    const auto flags = static_cast<std::uint8_t>(control);
    const int type = kind >> 2 & 3;
    const int subtype = kind >> 4;
    if (in.sink() && !in.failed()) {
        const auto bit = [&](FieldId id, std::size_t octet, std::uint64_t v) { in.sink()->add(id, start + octet, 1, v); };
        bit(FieldId::WifiVersion, 0, kind & 3u);
        bit(FieldId::WifiType, 0, static_cast<std::uint64_t>(type));
        bit(FieldId::WifiSubtype, 0, static_cast<std::uint64_t>(subtype));
        bit(FieldId::WifiToDs, 1, flags & 1u);
        bit(FieldId::WifiFromDs, 1, flags >> 1 & 1u);
        bit(FieldId::WifiMoreFragments, 1, flags >> 2 & 1u);
        bit(FieldId::WifiProtected, 1, flags >> 6 & 1u);
    }
    constexpr int typeData = 2;
    if (in.failed() || type != typeData) {
        in.close();
        if (in.failed()) return fail(ErrorCode::Truncated, start, "an 802.11 header has at least 2 octets, fewer are there");
        out.why = type == 0 ? "an 802.11 management frame" : type == 1 ? "an 802.11 control frame" : "an 802.11 frame of a reserved type";
        return {};
    }
    const std::uint16_t duration = little16(static_cast<Reader&>(in));
    in.bits(2, duration, {FieldId::WifiDuration});
    const std::size_t addresses = in.offset();
    Addresses a;
    a.receiver.octets = in.array<6>();
    a.transmitter.octets = in.array<6>();
    a.third.octets = in.array<6>();
    const std::uint16_t sequence = little16(static_cast<Reader&>(in));
    if ((flags & (flagToDs | flagFromDs)) == (flagToDs | flagFromDs)) a.fourth.octets = in.array<6>();
    const bool hasQos = (subtype & subtypeQos) != 0;
    EthernetHeader header;
    showAddresses(in, addresses, flags, a, header);
    if (in.sink() && !in.failed()) {
        in.sink()->add(FieldId::WifiFragment, addresses + 18, 2, static_cast<std::uint64_t>(sequence & 0xf));
        in.sink()->add(FieldId::WifiSequence, addresses + 18, 2, static_cast<std::uint64_t>(sequence >> 4));
    }
    std::uint16_t qos = 0;
    if (hasQos) {
        qos = little16(in, FieldId::WifiQos);
        in.bits(2, qos, {FieldId::WifiQosTid, FieldId::WifiAggregate});
        if ((flags & flagOrder) != 0) little32(in, FieldId::WifiHtControl);
    }
    if (padded) in.skip((4 - (in.position() - begin) % 4) % 4);
    in.close();
    if (in.failed()) return fail(ErrorCode::Truncated, start, "an 802.11 header that does not fit its frame");
    if (checkSequence && out.end >= in.position() + 4) {
        out.end -= 4;
        if (in.sink()) {
            Reader fcs(in.whole().subspan(out.end, 4));
            in.sink()->add(FieldId::WifiCheckSequence, in.offset() + (out.end - in.position()), 4, std::uint64_t{little32(fcs)});
        }
    }
    out.ethernet = header;
    out.ethernet->type = 0;
    if ((subtype & subtypeNoData) != 0) return {};
    out.encrypted = (flags & flagProtected) != 0;
    if (out.encrypted) out.why = "the 802.11 frame is encrypted";
    else if ((flags & flagMoreFragments) != 0 || (sequence & 0xf) != 0) out.why = "a fragment of an 802.11 frame";
    else if (Result<void> read = (qos & qosAggregate) != 0 ? parseAggregate(in, out) : parseLlc(in, out); !read) return read;
    out.ethernet->type = out.etherType;
    return {};
}

Result<void> parseRadiotap(FieldReader& in, LinkHeaders& out, bool cut)
{
    const std::size_t start = in.offset();
    const std::size_t begin = in.position();
    ++out.layers;
    in.open(FieldId::Radiotap);
    in.u8(FieldId::RadiotapVersion);
    in.u8(FieldId::RadiotapPad);
    const std::size_t length = little16(in, FieldId::RadiotapLength);
    const std::size_t end = begin + length;
    const std::uint32_t first = little32(in, FieldId::RadiotapPresent);
    std::uint32_t word = first;
    while ((word >> 31) != 0 && !in.failed() && in.position() + 4 <= end) word = little32(in, FieldId::RadiotapPresent);
    // The first note is a time stamp of 8 aligned octets, the second the flags.
    std::uint8_t flags = 0;
    if ((first & 1) != 0) in.reserved(FieldId::RadiotapNotes, (8 - (in.position() - begin) % 8) % 8 + 8);
    if ((first & 2) != 0) flags = in.u8(FieldId::RadiotapFlags);
    if (!in.failed() && in.position() < end) in.reserved(FieldId::RadiotapNotes, end - in.position());
    in.close();
    if (in.failed()) return fail(ErrorCode::Truncated, start, fmt::format("a radiotap header of {} octets, fewer are there", length));
    if (in.position() > end) return fail(ErrorCode::Malformed, start + 2, fmt::format("a radiotap header of {} octets cannot hold what it announces", length));
    return parseWifi(in, out, (flags & 0x10) != 0 && !cut, (flags & 0x20) != 0);
}

}  // namespace roamscope::wire
