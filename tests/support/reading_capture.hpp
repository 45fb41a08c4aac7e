// SPDX-License-Identifier: GPL-3.0-or-later
// A capture whose frames say different things depending on how they are read: fragments, ESP that needs a key, drafts. Raw IPv6.
#pragma once

#include "protocol/wire/mobility.hpp"
#include "tests/support/anomaly_frames.hpp"
#include "tests/support/pcap_writer.hpp"

#include <QByteArray>

namespace roamscope::test::reading {

/// Numbers of the frames, from 1.
inline constexpr std::size_t plain = 1;       ///< a Binding Update
inline constexpr std::size_t firstPiece = 2;  ///< the same in two fragments
inline constexpr std::size_t lastPiece = 3;
inline constexpr std::size_t secret = 4;      ///< the same in ESP, AES-CBC and HMAC-SHA1
inline constexpr std::size_t shisa = 5;       ///< with a binding identifier as SHISA of 2006 has it
inline constexpr std::size_t early = 6;       ///< a Mobility Header behind Next Header 62
inline constexpr std::size_t count = 6;

inline Bytes withHeader(const Ipv6Address& source, const Ipv6Address& destination, std::uint8_t next, Bytes message)
{
    message[4] = message[5] = 0;
    const std::uint16_t sum = wire::checksum(wire::PseudoHeader{source, destination}, next, message);
    message[4] = static_cast<std::uint8_t>(sum >> 8);
    message[5] = static_cast<std::uint8_t>(sum);
    return packet(source, destination, next, std::move(message));
}

inline std::vector<InputFrame> frames()
{
    const Ipv6Address coa = ip("2001:db8:a1::11");
    const Ipv6Address home = ip("2001:db8:100::11");
    const Ipv6Address agent = ip("2001:db8:100::1");
    const Bytes update = test::update({coa, agent, home, std::nullopt, anomaly::A | anomaly::H, 7, 600});
    std::vector<Bytes> octets{update};
    for (const Bytes& piece : anomaly::fragments(update, 77)) octets.push_back(piece);
    for (const InputFrame& golden : goldenPackets()) {
        if (golden.name != QLatin1String("home_bu_tunnelled")) continue;
        wire::Ipv6Packet outer = *wire::decodeFrame(golden.bytes, wire::linkRawIpv6, golden.bytes.size()).inner();
        outer.nextHeader = wire::protocol::esp;
        outer.payload = fromHex(QStringLiteral("0000020000000003a0a1a2a3a4a5a6a7a8a9aaabacadaeaf5a7240f25910ebfb64a2818bf3e49649745b26b706a61dd0c3222ab10be3009a336dde9183e06bd2"
                                               "f6b837988a01b9d8ec0ffc2d8e711703164afdd3"));
        octets.push_back(wire::emitIpv6(outer));
    }
    octets.push_back(withHeader(coa, agent, wire::protocol::mobility, fromHex(QStringLiteral("3b020500000000014200000a0704000a0a80010400000000"))));
    octets.push_back(withHeader(coa, agent, 62, fromHex(QStringLiteral("3b010500000000098000000a01020000"))));
    std::vector<InputFrame> out;
    for (Bytes& bytes : octets) {
        const std::size_t size = bytes.size();
        out.push_back({QString(), std::move(bytes), wire::linkRawIpv6, size});
    }
    return out;
}

/// The key of frame `secret`.
inline QByteArray keyFile()
{
    return "{\"format\": \"roamscope-keys-1\",\n \"esp\": [\n  {\"spi\": \"0x200\", \"encryption\": \"aes-cbc\", \"encryption_key\": \"000102030405060708090a0b0c0d0e0f\",\n"
           "   \"integrity\": \"hmac-sha1-96\", \"integrity_key\": \"000102030405060708090a0b0c0d0e0f10111213\"}]}\n";
}

inline bool write(const QString& path, const QByteArray& octets)
{
    QFile file(path);
    return file.open(QIODevice::WriteOnly) && file.write(octets) == octets.size();
}

inline bool writeCapture(const QString& path) { return writePcap(path, frames(), wire::linkRawIpv6); }

}  // namespace roamscope::test::reading
