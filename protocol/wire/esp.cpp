// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/esp.hpp"

#include "protocol/wire/ipv4.hpp"
#include "protocol/wire/ipv6_chain.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {

constexpr std::size_t trailerOctets = 2;

/// The payload behind which correct padding and a trailer stand (RFC 4303 §2.4: 1, 2, 3 …), or nothing.
std::optional<std::size_t> payloadBefore(ByteView plain)
{
    if (plain.size() < trailerOctets) return std::nullopt;
    const std::size_t padding = plain[plain.size() - 2];
    if (padding + trailerOctets > plain.size()) return std::nullopt;
    const std::size_t payload = plain.size() - trailerOctets - padding;
    for (std::size_t i = 0; i < padding; ++i)
        if (plain[payload + i] != i + 1) return std::nullopt;
    return payload;
}

bool isGood(const PseudoHeader& addresses, std::uint8_t number, ByteView message) { return verify(addresses, number, message) == ChecksumVerdict::Good; }

/// What speaks for `payload` being what `next` says; empty when nothing does.
std::string evidence(std::uint8_t next, ByteView payload, const PseudoHeader& addresses)
{
    const auto u16 = [&](std::size_t at) { return static_cast<std::size_t>(payload[at] << 8 | payload[at + 1]); };
    switch (next) {
    case protocol::mobility: {
        const bool form = payload.size() >= 8 && payload[0] == protocol::none && 8u * (payload[1] + 1u) == payload.size() && payload[3] == 0;
        if (!form) return {};
        return isGood(addresses, next, payload) ? "a mobility message with the right length and checksum" : "a mobility message with the right length";
    }
    case protocol::icmpv6: return payload.size() >= 4 && isGood(addresses, next, payload) ? "an ICMPv6 message with the right checksum" : "";
    case protocol::tcp: return payload.size() >= 20 && isGood(addresses, next, payload) ? "a TCP segment with the right checksum" : "";
    case protocol::udp:
        return payload.size() >= 8 && u16(4) == payload.size() && isGood(addresses, next, payload) ? "a UDP datagram with the right length and checksum" : "";
    case protocol::ipv6:
        return payload.size() >= Ipv6Packet::headerOctets && payload[0] >> 4 == 6 && Ipv6Packet::headerOctets + u16(4) == payload.size()
                   ? "an IPv6 packet with the right length"
                   : "";
    case protocol::ipv4:
        return payload.size() >= Ipv4Header::octets && payload[0] >> 4 == 4 && u16(2) == payload.size() ? "an IPv4 packet with the right length" : "";
    case protocol::destinationOptions: {
        FieldReader in(payload, 0, nullptr);
        Ipv6Packet scratch;
        const auto chain = parseChain(in, scratch, next, ChainPlace::Decrypted);
        if (!chain || chain->fragment || chain->next == next) return {};
        const std::string inside = evidence(chain->next, payload.subspan(in.position()), addresses);
        return inside.empty() ? "" : "extension headers and " + inside;
    }
    default: return {};
    }
}

}  // namespace

EspAssociation::~EspAssociation()
{
    crypto::wipe(encryptionKey);
    crypto::wipe(integrityKey);
}

const EspAssociation* EspKeys::find(std::uint32_t spi, const Ipv6Address& source, const Ipv6Address& destination) const
{
    const auto fits = [&](const EspAssociation& a) {
        return a.spi == spi && (!a.source || *a.source == source) && (!a.destination || *a.destination == destination);
    };
    const auto found = std::find_if(list_.begin(), list_.end(), fits);
    return found == list_.end() ? nullptr : &*found;
}

Result<OpenedEsp> openEsp(ByteView packet, const EspAssociation& association)
{
    OpenedEsp out;
    const std::size_t own = crypto::checkOctets(association.encryption);
    out.checkOctets = own + crypto::checkOctets(association.integrity);
    out.ivOctets = crypto::ivOctets(association.encryption);
    const std::size_t around = espHeaderOctets + out.ivOctets + out.checkOctets;
    if (packet.size() < around + trailerOctets) return fail(ErrorCode::Malformed, 0, "the packet is too short for the algorithms given");
    const std::size_t body = packet.size() - around;
    const ByteView check = packet.last(out.checkOctets);
    const ByteView covered = packet.first(packet.size() - crypto::checkOctets(association.integrity));
    if (!crypto::isIntact(association.integrity, association.integrityKey, covered, check.subspan(own)))
        return fail(ErrorCode::BadChecksum, 0, fmt::format("the integrity check ({}) fails: another key, or the packet was changed", crypto::integrityName(association.integrity)));
    auto plain = crypto::decrypt(association.encryption, association.encryptionKey, packet.first(espHeaderOctets), packet.subspan(espHeaderOctets, out.ivOctets),
                                 packet.subspan(espHeaderOctets + out.ivOctets, body), check.first(own));
    const auto payload = plain ? payloadBefore(*plain) : std::nullopt;
    if (!payload)
        return fail(ErrorCode::BadChecksum, 0, fmt::format("decryption ({}) fails: another key, or the packet was changed", crypto::encryptionName(association.encryption)));
    out.plainOctets = plain->size();
    out.payloadOctets = *payload;
    out.next = plain->back();
    out.derived = association.encryption != crypto::Encryption::Null;
    if (out.derived) out.decrypted = std::move(*plain);
    out.how = fmt::format("opened with the key given: {}, {}", crypto::encryptionName(association.encryption), crypto::integrityName(association.integrity));
    return out;
}

std::optional<OpenedEsp> openNullEsp(ByteView packet, const PseudoHeader& addresses)
{
    static constexpr std::size_t checks[] = {12, 16, 0, 24, 32};
    for (const std::size_t check : checks) {
        if (packet.size() < espHeaderOctets + trailerOctets + check) continue;
        const ByteView plain = packet.subspan(espHeaderOctets, packet.size() - espHeaderOctets - check);
        const auto payload = payloadBefore(plain);
        if (!payload) continue;
        const std::string inside = evidence(plain.back(), plain.first(*payload), addresses);
        if (inside.empty()) continue;
        OpenedEsp out;
        out.plainOctets = plain.size();
        out.payloadOctets = *payload;
        out.checkOctets = check;
        out.next = plain.back();
        out.how = fmt::format("not encrypted, it seems: with a check value of {} octets there are right padding and {}", check, inside);
        return out;
    }
    return std::nullopt;
}

}  // namespace roamscope::wire
