// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/ethernet.hpp"

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
    Writer out;
    out.bytes(header.destination.octets);
    out.bytes(header.source.octets);
    out.u16(header.type);
    out.bytes(payload);
    return out.take();
}

}  // namespace roamscope::wire
