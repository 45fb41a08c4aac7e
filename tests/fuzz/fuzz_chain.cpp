// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz target of extension headers, ESP and UDP tunnels. Input: octet 0 is the next header of an IPv6 header whose length is right,
// octet 1 chooses the keys, the rest is its payload. Checksums of mobility messages, UDP and TCP that come first are mended, so that
// what depends on them is reached.
#include "protocol/wire/esp.hpp"
#include "tests/fuzz/decode_checks.hpp"

using namespace roamscope;
using namespace roamscope::wire;

namespace {

EspKeys keysOf(std::uint8_t choice)
{
    EspKeys keys;
    EspAssociation a;
    a.spi = 0x200;
    static constexpr crypto::Encryption ciphers[] = {crypto::Encryption::Null, crypto::Encryption::AesCbc, crypto::Encryption::AesCtr, crypto::Encryption::TripleDesCbc};
    static constexpr std::size_t sizes[] = {0, 16, 20, 24};
    a.encryption = ciphers[choice % 4];
    a.encryptionKey.resize(sizes[choice % 4], 1);
    keys.add(a);
    return keys;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2 || size > 65000) return 0;
    Ipv6Packet packet;
    packet.source = Ipv6Address{{0x20, 1, 0xd, 0xb8, 1}};
    packet.destination = Ipv6Address{{0x20, 1, 0xd, 0xb8, 2}};
    packet.nextHeader = data[0];
    packet.payload.assign(data + 2, data + size);
    const std::size_t place = data[0] == protocol::mobility ? 4 : data[0] == protocol::udp ? 6 : data[0] == protocol::tcp ? 16 : SIZE_MAX;
    if (place < packet.payload.size() - 1 && packet.payload.size() >= 2) {
        const std::uint16_t sum = expectedChecksum({packet.source, packet.destination}, data[0], packet.payload, place);
        packet.payload[place] = static_cast<std::uint8_t>(sum >> 8);
        packet.payload[place + 1] = static_cast<std::uint8_t>(sum);
    }
    const Bytes frame = emitIpv6(packet);
    const EspKeys keys = keysOf(data[1]);
    DecodeContext context;
    if ((data[1] & 0x80) != 0) {
        context.keys = &keys;
        FieldSink sink;
        static_cast<void>(decodeFrame(frame, linkRawIpv6, frame.size(), &sink, context));
        test::checkBuffers(frame, sink);
    } else {
        test::checkFrame(frame, linkRawIpv6, 0);
    }
    return 0;
}
