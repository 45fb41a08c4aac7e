// SPDX-License-Identifier: GPL-3.0-or-later
// Random numbers, the same on every platform (the standard distributions are not). From a seed: for labs, never for secrets on a real
// network. From a key of 256 bits that nobody else has: unpredictable, whatever was seen of the numbers (ChaCha20, RFC 8439).
#pragma once

#include "protocol/base/time.hpp"

#include <array>
#include <cstdint>

namespace roamscope {

/// Small copyable state. Copies go on alike.
class Random {
public:
    using Key = std::array<std::uint32_t, 8>;

    /// SplitMix64: good enough for jitter and for drawing sequence numbers in a lab.
    explicit Random(std::uint64_t seed) : state_(seed) {}
    /// Unpredictable as long as `key` is a secret drawn from the system.
    explicit Random(const Key& key) : state_(0), keyed_(true), key_(key) {}

    std::uint64_t next()
    {
        if (keyed_) return block(state_++, 0)[0];
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    /// Uniform in [0, bound); 0 when bound is 0. (The modulo bias is below 2^-32 for every bound used here.)
    std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
    /// Uniform in [low, high].
    Duration between(Duration low, Duration high)
    {
        if (high <= low) return low;
        return low + Duration{static_cast<std::int64_t>(below(static_cast<std::uint64_t>((high - low).count()) + 1))};
    }
    /// An independent stream for a part of the lab, so that adding a draw in one node does not disturb another.
    [[nodiscard]] Random fork(std::uint64_t label) const;

private:
    /// 32 octets of the ChaCha20 stream at `counter` under `nonce`.
    [[nodiscard]] std::array<std::uint64_t, 4> block(std::uint64_t counter, std::uint64_t nonce) const;

    std::uint64_t state_;  ///< of SplitMix64, or the counter of the stream
    bool keyed_ = false;
    Key key_{};
};

}  // namespace roamscope
