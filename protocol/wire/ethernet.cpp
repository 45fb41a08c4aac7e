// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/ethernet.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::wire {

Result<EthernetHeader> parseEthernet(FieldReader& in)
{
    const std::size_t start = in.offset();
    in.open(FieldId::Ethernet);
    EthernetHeader header;
    header.destination = in.mac(FieldId::EthernetDestination);
    header.source = in.mac(FieldId::EthernetSource);
    Reader peek = in;
    header.type = in.u16(peek.u16() <= largestEthernetLength ? FieldId::EthernetLength : FieldId::EthernetType);
    if (in.texts()) in.headline(fmt::format("{} → {}", header.source.text(), header.destination.text()));
    in.close();
    if (in.failed()) return fail(ErrorCode::Truncated, start, "an Ethernet header has 14 octets, fewer are there");
    return header;
}

Bytes emitEthernet(const EthernetHeader& header, ByteView payload)
{
    Bytes out(EthernetHeader::octets + payload.size());
    writeEthernet(header, out);
    std::copy(payload.begin(), payload.end(), out.begin() + EthernetHeader::octets);
    return out;
}

void writeEthernet(const EthernetHeader& header, Bytes& frame)
{
    auto at = std::copy(header.destination.octets.begin(), header.destination.octets.end(), frame.begin());
    at = std::copy(header.source.octets.begin(), header.source.octets.end(), at);
    *at++ = static_cast<std::uint8_t>(header.type >> 8);
    *at = static_cast<std::uint8_t>(header.type);
}

}  // namespace roamscope::wire
