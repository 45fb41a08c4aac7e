// SPDX-License-Identifier: GPL-3.0-or-later
// Seeded random numbers, the same on every platform (the standard distributions are not). Not for keys on a real network.
#pragma once

#include "protocol/base/time.hpp"

#include <cstdint>

namespace roamscope {

/// SplitMix64: small, copyable state, good enough for jitter and for drawing sequence numbers in a lab.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next()
    {
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
    [[nodiscard]] Random fork(std::uint64_t label) const
    {
        Random child(state_ ^ (label + 1) * 0xd1342543de82ef95u);
        child.next();
        return child;
    }

private:
    std::uint64_t state_;
};

}  // namespace roamscope
