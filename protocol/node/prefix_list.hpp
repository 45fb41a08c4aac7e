// SPDX-License-Identifier: GPL-3.0-or-later
// A prefix that a router has on a link, as it is advertised and as it bounds bindings (RFC 4861 §6.2.1, RFC 6275 §10.3.1, §10.6.1).
// Plain values, no threads.
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/time.hpp"
#include "protocol/wire/ndisc.hpp"

namespace roamscope::node {

/// The lifetimes are either fixed, so that what is advertised stays the same (the usual setting of AdvValidLifetime), or count down
/// from `since`.
struct RouterPrefix {
    static constexpr std::uint32_t infinite = 0xffffffff;

    Prefix prefix;                      ///< with R: the router's own address in it, else the host bits do not matter
    bool onLink = true;                 ///< L
    bool autonomous = true;             ///< A
    bool routerAddress = true;          ///< R (RFC 6275 §7.2)
    std::uint32_t valid = 2592000;      ///< seconds (RFC 4861 §6.2.1)
    std::uint32_t preferred = 604800;   ///< seconds, at most `valid`
    bool countsDown = false;
    TimePoint since{};

    RouterPrefix() = default;
    RouterPrefix(const Prefix& p) : prefix(p) {}  // NOLINT: a prefix with the usual lifetimes
    RouterPrefix(const Prefix& p, std::uint32_t validFor, std::uint32_t preferredFor) : prefix(p), valid(validFor), preferred(preferredFor) {}
    bool operator==(const RouterPrefix&) const = default;

    /// Seconds that are left at `now`; 0 when it is over.
    [[nodiscard]] std::uint32_t validAt(TimePoint now) const { return left(valid, now); }
    [[nodiscard]] std::uint32_t preferredAt(TimePoint now) const { return left(preferred, now); }
    [[nodiscard]] wire::PrefixInformation option(TimePoint now) const
    {
        const Prefix shown = routerAddress ? prefix : prefix.masked();
        return {shown, onLink, autonomous, routerAddress, validAt(now), preferredAt(now)};
    }

private:
    [[nodiscard]] std::uint32_t left(std::uint32_t lifetime, TimePoint now) const
    {
        if (!countsDown || lifetime == infinite) return lifetime;
        const auto gone = std::chrono::duration_cast<std::chrono::seconds>(now - since).count();
        return gone >= lifetime ? 0 : lifetime - static_cast<std::uint32_t>(gone < 0 ? 0 : gone);
    }
};

}  // namespace roamscope::node
