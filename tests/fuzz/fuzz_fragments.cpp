// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz target of the reassembler: a sequence of fragments, and decoding of what they complete. Input: pieces of 8 octets header
// (version, identification, offset in 8 octets (2), more, next header, length, seconds) and `length` octets.
#include "protocol/wire/reassembly.hpp"
#include "tests/fuzz/decode_checks.hpp"

using namespace roamscope;
using namespace roamscope::wire;

namespace {

Bytes frameOf(ByteView head, ByteView data)
{
    const auto place = static_cast<std::uint16_t>((head[2] << 8 | head[3]) & 0x1fff);
    if ((head[0] & 1) != 0) {
        Ipv4Header header;
        header.protocol = head[5];
        header.identification = head[1];
        header.fragmentOffset = static_cast<std::uint16_t>(8 * place);
        header.moreFragments = (head[4] & 1) != 0;
        return emitIpv4(header, data);
    }
    Ipv6Packet packet;
    packet.nextHeader = protocol::fragment;
    Writer w;
    w.u8(head[5]);
    w.u8(0);
    w.u16(static_cast<std::uint16_t>(place << 3 | (head[4] & 1)));
    w.u32(head[1]);
    w.bytes(data);
    packet.payload = w.take();
    return emitIpv6(packet);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Reassembler reassembler;
    ByteView rest(data, size);
    for (std::uint32_t number = 1; rest.size() >= 8; ++number) {
        const ByteView head = rest.first(8);
        const std::size_t length = std::min<std::size_t>(head[6], rest.size() - 8);
        const Bytes frame = frameOf(head, rest.subspan(8, length));
        rest = rest.subspan(8 + length);
        const auto outcome = reassembler.add({number, atNanoseconds(std::int64_t{head[7]} * 1'000'000'000), 0}, frame, linkRaw, frame.size());
        test::require(reassembler.waiting() > Reassembler::maxQueues || reassembler.octets() > Reassembler::maxOctets ? "more is kept than the bounds allow" : "");
        test::require(outcome.finding && outcome.datagram ? "a datagram that overlaps" : "");
        if (!outcome.datagram) continue;
        test::require(outcome.datagram->frames.empty() || outcome.datagram->frames.back() != number ? "completed by another frame" : "");
        DecodeContext context;
        context.whole = &*outcome.datagram;
        const DecodedFrame decoded = test::checkFrame(frame, linkRaw, 0, context);
        // A fragment inside of what was reassembled stays one, so that its protocol says nothing.
        const bool used = !dissect(frame, linkRaw, frame.size(), context).buffers.empty();
        test::require(!used && decoded.upper == protocol::fragment && !decoded.error && !decoded.limited && decoded.ipHeaders == 1 ? "the whole was not used" : "");
    }
    return 0;
}
