// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/crypto/hash.hpp"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

namespace roamscope::crypto {

namespace {

Bytes joined(std::initializer_list<ByteView> parts)
{
    Bytes out;
    for (const ByteView part : parts) out.insert(out.end(), part.begin(), part.end());
    return out;
}

}  // namespace

Bytes sha1(std::initializer_list<ByteView> parts)
{
    const Bytes message = joined(parts);
    Bytes out(SHA_DIGEST_LENGTH);
    SHA1(message.data(), message.size(), out.data());
    return out;
}

Bytes hmacSha1(ByteView key, std::initializer_list<ByteView> parts)
{
    const Bytes message = joined(parts);
    Bytes out(SHA_DIGEST_LENGTH);
    HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), message.data(), message.size(), out.data(), nullptr);
    return out;
}

bool isSame(ByteView a, ByteView b) { return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

}  // namespace roamscope::crypto
