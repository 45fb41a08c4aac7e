// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/crypto/esp.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace roamscope::crypto {

namespace {

constexpr std::size_t saltOctets = 4;
constexpr std::size_t gcmCheckOctets = 16;

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

bool hasSalt(Encryption encryption) { return encryption == Encryption::AesCtr || encryption == Encryption::AesGcm16; }
bool isAesSize(std::size_t octets) { return octets == 16 || octets == 24 || octets == 32; }

const EVP_CIPHER* cipherOf(Encryption encryption, std::size_t keyOctets)
{
    const std::size_t size = keyOctets == 16 ? 0 : keyOctets == 24 ? 1 : 2;
    switch (encryption) {
    case Encryption::AesCbc: return std::array{EVP_aes_128_cbc(), EVP_aes_192_cbc(), EVP_aes_256_cbc()}[size];
    case Encryption::AesCtr: return std::array{EVP_aes_128_ctr(), EVP_aes_192_ctr(), EVP_aes_256_ctr()}[size];
    case Encryption::AesGcm16: return std::array{EVP_aes_128_gcm(), EVP_aes_192_gcm(), EVP_aes_256_gcm()}[size];
    case Encryption::TripleDesCbc: return EVP_des_ede3_cbc();
    case Encryption::Null: break;
    }
    return nullptr;
}

/// What the cipher is started with: the IV; RFC 3686 §4: salt, IV and block counter 1; RFC 4106 §4: salt and IV.
Bytes startOf(Encryption encryption, ByteView salt, ByteView iv)
{
    Bytes out(salt.begin(), salt.end());
    out.insert(out.end(), iv.begin(), iv.end());
    if (encryption == Encryption::AesCtr) out.insert(out.end(), {0, 0, 0, 1});
    return out;
}

tl::unexpected<Error> refused() { return fail(ErrorCode::BadChecksum, 0, "the key does not fit"); }

}  // namespace

std::string_view encryptionName(Encryption encryption)
{
    static constexpr std::string_view names[] = {"null", "aes-cbc", "aes-ctr", "aes-gcm-16", "3des-cbc"};
    return names[static_cast<std::size_t>(encryption)];
}

std::string_view integrityName(Integrity integrity)
{
    static constexpr std::string_view names[] = {"none", "hmac-sha1-96", "hmac-sha256-128"};
    return names[static_cast<std::size_t>(integrity)];
}

std::string_view keyFault(Encryption encryption, std::size_t octets)
{
    switch (encryption) {
    case Encryption::Null: return octets == 0 ? "" : "no octets";
    case Encryption::AesCbc: return isAesSize(octets) ? "" : "16, 24 or 32 octets";
    case Encryption::TripleDesCbc: return octets == 24 ? "" : "24 octets";
    case Encryption::AesCtr:
    case Encryption::AesGcm16: break;
    }
    return octets > saltOctets && isAesSize(octets - saltOctets) ? "" : "20, 28 or 36 octets (the key and 4 octets of salt)";
}

std::string_view keyFault(Integrity integrity, std::size_t octets)
{
    if (integrity == Integrity::None) return octets == 0 ? "" : "no octets";
    return octets >= 1 && octets <= 64 ? "" : "1 to 64 octets";
}

std::size_t ivOctets(Encryption encryption)
{
    return encryption == Encryption::Null ? 0 : encryption == Encryption::AesCbc ? 16 : 8;
}

std::size_t checkOctets(Encryption encryption) { return encryption == Encryption::AesGcm16 ? gcmCheckOctets : 0; }

std::size_t checkOctets(Integrity integrity)
{
    return integrity == Integrity::None ? 0 : integrity == Integrity::HmacSha1_96 ? 12 : 16;
}

bool isIntact(Integrity integrity, ByteView key, ByteView message, ByteView check)
{
    if (integrity == Integrity::None) return true;
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> made{};
    unsigned int size = 0;
    const EVP_MD* hash = integrity == Integrity::HmacSha1_96 ? EVP_sha1() : EVP_sha256();
    if (!HMAC(hash, key.data(), static_cast<int>(key.size()), message.data(), message.size(), made.data(), &size)) return false;
    return check.size() == checkOctets(integrity) && check.size() <= size && CRYPTO_memcmp(made.data(), check.data(), check.size()) == 0;
}

Result<Bytes> decrypt(Encryption encryption, ByteView key, ByteView header, ByteView iv, ByteView ciphertext, ByteView check)
{
    if (encryption == Encryption::Null) return Bytes(ciphertext.begin(), ciphertext.end());
    if (!keyFault(encryption, key.size()).empty() || iv.size() != ivOctets(encryption) || check.size() != checkOctets(encryption) || ciphertext.empty())
        return refused();
    const std::size_t salt = hasSalt(encryption) ? saltOctets : 0;
    const ByteView secret = key.first(key.size() - salt);
    const Bytes start = startOf(encryption, key.last(salt), iv);
    const Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    Bytes plain(ciphertext.size() + EVP_MAX_BLOCK_LENGTH);
    int done = 0;
    const bool gcm = encryption == Encryption::AesGcm16;
    // 96 bits of salt and IV are GCM's usual length, and 16 octets CTR's: no lengths need to be set.
    bool good = context && EVP_DecryptInit_ex(context.get(), cipherOf(encryption, secret.size()), nullptr, secret.data(), start.data()) == 1 &&
                EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1;
    if (good && gcm) {
        Bytes expected(check.begin(), check.end());
        good = EVP_DecryptUpdate(context.get(), nullptr, &done, header.data(), static_cast<int>(header.size())) == 1 &&
               EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(expected.size()), expected.data()) == 1;
    }
    int last = 0;
    good = good && EVP_DecryptUpdate(context.get(), plain.data(), &done, ciphertext.data(), static_cast<int>(ciphertext.size())) == 1 &&
           EVP_DecryptFinal_ex(context.get(), plain.data() + done, &last) == 1;
    if (!good) return refused();
    plain.resize(static_cast<std::size_t>(done + last));
    return plain;
}

void wipe(Bytes& bytes) { OPENSSL_cleanse(bytes.data(), bytes.size()); }

}  // namespace roamscope::crypto
