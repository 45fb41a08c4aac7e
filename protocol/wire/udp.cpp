// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/udp.hpp"

#include "protocol/wire/ipv6.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {
constexpr std::uint32_t probeMagic = 0x52535031;  // "RSP1"
}

Result<Checked<UdpDatagram>> parseUdp(FieldReader& in, const PseudoHeader& addresses, bool cut)
{
    const ByteView whole = in.whole().subspan(in.position());
    const std::size_t start = in.offset();
    in.open(FieldId::Udp);
    Checked<UdpDatagram> out;
    UdpDatagram& datagram = out.value;
    datagram.sourcePort = in.u16(FieldId::UdpSourcePort);
    datagram.destinationPort = in.u16(FieldId::UdpDestinationPort);
    const std::size_t length = in.u16(FieldId::UdpLength);
    const std::uint16_t sum = in.u16(FieldId::UdpChecksum);
    if (in.texts() && !in.failed()) in.headline(fmt::format("{} → {}", datagram.sourcePort, datagram.destinationPort));
    const bool complete = length >= 8 && length <= whole.size();
    if (!in.failed() && sum == 0) {
        // RFC 8200 §8.1: unlike over IPv4, a missing checksum makes the datagram invalid.
        out.checksum = ChecksumVerdict::Absent;
        const bool allowed = addresses.ipv4 || isTunnelPort(datagram.sourcePort) || isTunnelPort(datagram.destinationPort);
        if (in.sink()) in.sink()->add(FieldId::UdpChecksumVerdict, start + 6, 2, std::string(allowed ? "none, as is allowed here" : "none"));
        if (in.sink() && !allowed)
            in.sink()->finding({"", Severity::Error, "UDP over IPv6 without a checksum", "RFC 8200 §8.1", static_cast<std::uint32_t>(start + 6), 2});
    } else if (!in.failed() && (complete || cut)) {
        out.checksum = judge(addresses, protocol::udp, whole.first(std::min(length, whole.size())), cut && !complete, 6,
                             FieldId::UdpChecksumVerdict, start, in.sink());
    }
    in.close();
    if (in.failed()) return fail(ErrorCode::Truncated, start, "a UDP header has 8 octets, fewer are there");
    if (!complete && !(cut && length >= 8))
        return fail(ErrorCode::Malformed, start + 4, fmt::format("UDP length {} does not fit its packet of {} octets", length, whole.size()));
    const ByteView data = in.take(std::min(length, whole.size()) - 8);
    datagram.data.assign(data.begin(), data.end());
    return out;
}

Bytes emitUdp(const UdpDatagram& datagram, const PseudoHeader& addresses)
{
    Writer out;
    out.u16(datagram.sourcePort);
    out.u16(datagram.destinationPort);
    out.u16(static_cast<std::uint16_t>(8 + datagram.data.size()));
    out.u16(0);
    out.bytes(datagram.data);
    const std::uint16_t sum = checksum(addresses, protocol::udp, out.view());
    out.patch16(6, sum == 0 ? 0xffff : sum);
    return out.take();
}

std::optional<Probe> parseProbe(const UdpDatagram& datagram)
{
    const bool answer = datagram.sourcePort == probeSinkPort;
    const std::uint16_t other = answer ? datagram.destinationPort : datagram.sourcePort;
    if (other != probeSourcePort || (!answer && datagram.destinationPort != probeSinkPort)) return std::nullopt;
    Reader in(datagram.data);
    if (in.u32() != probeMagic) return std::nullopt;
    Probe probe;
    probe.flow = in.u16();
    probe.answer = in.u16() != 0;
    probe.serial = in.u32();
    probe.sent = atNanoseconds(static_cast<std::int64_t>(in.u64()));
    if (in.failed() || probe.answer != answer) return std::nullopt;
    return probe;
}

Bytes emitProbe(const Probe& probe, std::size_t size)
{
    Writer out;
    out.u32(probeMagic);
    out.u16(probe.flow);
    out.u16(probe.answer ? 1 : 0);
    out.u32(probe.serial);
    out.u64(static_cast<std::uint64_t>(toNanoseconds(probe.sent)));
    if (size > out.size()) out.zeros(size - out.size());
    return out.take();
}

void describeProbe(FieldSink& sink, const Probe& probe, std::size_t dataOffset)
{
    sink.open(FieldId::Probe, dataOffset, fmt::format("{} {}", probe.answer ? "answer to serial" : "serial", probe.serial));
    sink.add(FieldId::ProbeFlow, dataOffset + 4, 2, std::uint64_t{probe.flow});
    sink.add(FieldId::ProbeDirection, dataOffset + 6, 2, std::uint64_t{probe.answer});
    sink.add(FieldId::ProbeSerial, dataOffset + 8, 4, std::uint64_t{probe.serial});
    sink.add(FieldId::ProbeSent, dataOffset + 12, 8, static_cast<std::uint64_t>(toNanoseconds(probe.sent)),
             fmt::format("{:.6f} s", toSeconds(probe.sent)));
    sink.close(dataOffset + Probe::octets);
}

}  // namespace roamscope::wire
