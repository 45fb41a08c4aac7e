// SPDX-License-Identifier: GPL-3.0-or-later
// What protects an ESP packet (RFC 4303): ciphers and integrity checks, by OpenSSL. Pure functions over octets.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"

#include <string_view>

namespace roamscope::crypto {

/// RFC 2410, RFC 3602, RFC 3686, RFC 4106 (check value of 16 octets), RFC 2451.
enum class Encryption : std::uint8_t { Null, AesCbc, AesCtr, AesGcm16, TripleDesCbc };
/// RFC 2404, RFC 4868.
enum class Integrity : std::uint8_t { None, HmacSha1_96, HmacSha256_128 };

[[nodiscard]] std::string_view encryptionName(Encryption encryption);  ///< "null", "aes-cbc" …
[[nodiscard]] std::string_view integrityName(Integrity integrity);     ///< "none", "hmac-sha1-96" …

/// "16, 24 or 32 octets" when a key of `octets` does not fit; empty when it does. Keys of counter modes end in their salt of 4
/// octets (RFC 3686 §5.1, RFC 4106 §8.1).
[[nodiscard]] std::string_view keyFault(Encryption encryption, std::size_t octets);
[[nodiscard]] std::string_view keyFault(Integrity integrity, std::size_t octets);

[[nodiscard]] std::size_t ivOctets(Encryption encryption);      ///< at the start of the payload
[[nodiscard]] std::size_t checkOctets(Encryption encryption);   ///< of the check value that the cipher itself makes
[[nodiscard]] std::size_t checkOctets(Integrity integrity);

/// Whether `check` is the value over `message` (ESP header to the end of the ciphertext). True for None.
[[nodiscard]] bool isIntact(Integrity integrity, ByteView key, ByteView message, ByteView check);

/// The plain text. `header`: SPI and sequence number, which GCM covers; `iv` and `check` of the lengths above. Fails when the lengths
/// contradict the cipher, and for GCM when the check value is wrong.
[[nodiscard]] Result<Bytes> decrypt(Encryption encryption, ByteView key, ByteView header, ByteView iv, ByteView ciphertext, ByteView check);

/// Overwrites `bytes` in a way that no optimiser removes.
void wipe(Bytes& bytes);

}  // namespace roamscope::crypto
