// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/home_discovery.hpp"

#include <algorithm>

namespace roamscope::node {

void RepeatedRequest::start(TimePoint now, Random& random)
{
    if (next_) return;
    next_ = now;
    timeout_ = pace_.initial;
    sent_ = 0;
    identifier_ = static_cast<std::uint16_t>(random.next());
    failed_ = false;
}

std::optional<std::uint16_t> RepeatedRequest::due(TimePoint now)
{
    if (!next_ || now < *next_) return std::nullopt;
    if (pace_.retries >= 0 && sent_ > pace_.retries) {
        next_.reset();
        failed_ = true;
        return std::nullopt;
    }
    ++sent_;
    awaited_ = true;
    next_ = now + timeout_;
    timeout_ = std::min(2 * timeout_, pace_.maximum);
    return identifier_;
}

bool RepeatedRequest::answered(std::uint16_t identifier)
{
    if (!awaited_ || identifier != identifier_) return false;
    awaited_ = false;
    next_.reset();
    return true;
}

Ipv6Address homeAgentsAnycast(const Prefix& homePrefix)
{
    // The identifier has all ones but its lowest bit; one of EUI-64 form, as every prefix of 64 bits has, also says "local" (RFC 2526 §2).
    constexpr std::uint8_t homeAgents = 0xfe;
    Ipv6Address out = homePrefix.masked().address;
    for (std::size_t bit = homePrefix.length; bit < 128; ++bit) out.octets[bit / 8] |= static_cast<std::uint8_t>(0x80 >> bit % 8);
    out.octets[15] = homeAgents;
    if (homePrefix.length <= 64) out.octets[8] &= 0xfd;
    return out;
}

}  // namespace roamscope::node
