// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/base/random.hpp"

#include <bit>

namespace roamscope {

namespace {

void quarterRound(std::uint32_t& a, std::uint32_t& b, std::uint32_t& c, std::uint32_t& d)
{
    a += b; d = std::rotl(d ^ a, 16);
    c += d; b = std::rotl(b ^ c, 12);
    a += b; d = std::rotl(d ^ a, 8);
    c += d; b = std::rotl(b ^ c, 7);
}

}  // namespace

std::array<std::uint64_t, 4> Random::block(std::uint64_t counter, std::uint64_t nonce) const
{
    // RFC 8439 §2.3 with a counter and a nonce of 64 bits each, as in the original ChaCha.
    std::array<std::uint32_t, 16> start{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (std::size_t i = 0; i < key_.size(); ++i) start[4 + i] = key_[i];
    start[12] = static_cast<std::uint32_t>(counter);
    start[13] = static_cast<std::uint32_t>(counter >> 32);
    start[14] = static_cast<std::uint32_t>(nonce);
    start[15] = static_cast<std::uint32_t>(nonce >> 32);
    auto x = start;
    for (int round = 0; round < 10; ++round) {
        for (std::size_t i = 0; i < 4; ++i) quarterRound(x[i], x[4 + i], x[8 + i], x[12 + i]);
        for (std::size_t i = 0; i < 4; ++i) quarterRound(x[i], x[4 + (i + 1) % 4], x[8 + (i + 2) % 4], x[12 + (i + 3) % 4]);
    }
    std::array<std::uint64_t, 4> out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::uint64_t{x[2 * i + 1] + start[2 * i + 1]} << 32 | static_cast<std::uint32_t>(x[2 * i] + start[2 * i]);
    return out;
}

Random Random::fork(std::uint64_t label) const
{
    if (!keyed_) {
        Random child(state_ ^ (label + 1) * 0xd1342543de82ef95u);
        child.next();
        return child;
    }
    // The nonce of numbers is 0, so no child's key is ever handed out as numbers.
    const auto octets = block(state_, label + 1);
    Key key{};
    for (std::size_t i = 0; i < octets.size(); ++i) {
        key[2 * i] = static_cast<std::uint32_t>(octets[i]);
        key[2 * i + 1] = static_cast<std::uint32_t>(octets[i] >> 32);
    }
    return Random(key);
}

}  // namespace roamscope
