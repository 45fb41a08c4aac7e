// SPDX-License-Identifier: GPL-3.0-or-later
// Digests that mobility signalling is proven with (RFC 6275 §5.2), by OpenSSL. Pure functions over octets; thread safe.
#pragma once

#include "protocol/base/bytes.hpp"

#include <initializer_list>

namespace roamscope::crypto {

/// SHA-1 of the parts one behind the other: 20 octets.
[[nodiscard]] Bytes sha1(std::initializer_list<ByteView> parts);
/// HMAC-SHA1 (RFC 2104) of the parts one behind the other: 20 octets.
[[nodiscard]] Bytes hmacSha1(ByteView key, std::initializer_list<ByteView> parts);
/// Equal length and octets, in a time that does not tell where they differ.
[[nodiscard]] bool isSame(ByteView a, ByteView b);

}  // namespace roamscope::crypto
