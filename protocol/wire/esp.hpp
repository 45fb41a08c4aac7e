// SPDX-License-Identifier: GPL-3.0-or-later
// ESP (RFC 4303) as far as it can be opened: with keys that the user gave, or because nothing is encrypted (RFC 2410), which is
// told by what stands inside (in the manner of RFC 5879).
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/crypto/esp.hpp"
#include "protocol/wire/checksum.hpp"
#include "protocol/wire/fields.hpp"

#include <optional>
#include <string>
#include <vector>

namespace roamscope::wire {

/// One security association. Owns its keys and overwrites them when it goes.
struct EspAssociation {
    std::uint32_t spi = 0;
    std::optional<Ipv6Address> source;       ///< of the IP header around; IPv4 addresses mapped; none: any
    std::optional<Ipv6Address> destination;
    crypto::Encryption encryption = crypto::Encryption::Null;
    crypto::Integrity integrity = crypto::Integrity::None;
    Bytes encryptionKey;
    Bytes integrityKey;

    EspAssociation() = default;
    EspAssociation(const EspAssociation&) = default;
    EspAssociation(EspAssociation&&) noexcept = default;
    EspAssociation& operator=(const EspAssociation&) = default;
    EspAssociation& operator=(EspAssociation&&) noexcept = default;
    ~EspAssociation();
};

/// The keys of a user. A value; the first association that fits counts.
class EspKeys {
public:
    void add(EspAssociation association) { list_.push_back(std::move(association)); }
    [[nodiscard]] const EspAssociation* find(std::uint32_t spi, const Ipv6Address& source, const Ipv6Address& destination) const;
    [[nodiscard]] std::size_t size() const { return list_.size(); }

private:
    std::vector<EspAssociation> list_;
};

inline constexpr std::size_t espHeaderOctets = 8;

/// An ESP packet that could be opened.
struct OpenedEsp {
    bool derived = false;          ///< `plain` was decrypted; otherwise its octets stand in the packet
    Bytes decrypted;               ///< payload, padding and trailer, when derived
    std::size_t ivOctets = 0;      ///< behind the ESP header
    std::size_t plainOctets = 0;   ///< payload, padding and trailer
    std::size_t payloadOctets = 0; ///< of these, the payload
    std::size_t checkOctets = 0;   ///< at the end of the packet
    std::uint8_t next = 0;         ///< what the payload is
    std::string how;               ///< for the reader: the key that fitted, or why it seems not to be encrypted
};

/// Opens a whole ESP packet (from its SPI to the end of its integrity check value) with a key. The error says what does not fit.
[[nodiscard]] Result<OpenedEsp> openEsp(ByteView packet, const EspAssociation& association);

/// Opens it when it is not encrypted: check values of 12, 16, 0, 24 and 32 octets are tried; padding and next header must be
/// right and the payload must be such a message or packet: lengths that fit exactly and, where it has one, a right checksum with
/// `addresses`. Nothing when that is not so.
[[nodiscard]] std::optional<OpenedEsp> openNullEsp(ByteView packet, const PseudoHeader& addresses);

}  // namespace roamscope::wire
