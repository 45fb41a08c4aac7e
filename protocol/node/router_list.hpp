// SPDX-License-Identifier: GPL-3.0-or-later
// The routers that a mobile node hears on one link, the one that it uses, and what casts doubt on it: missed advertisements, a
// newcomer, a hint of the link layer (RFC 4861 §6.3.4, RFC 6275 §11.5.1; MN-MOV-01 to -04). It decides, the mobile node asks the
// router whether it is still there.
#pragma once

#include "protocol/base/near.hpp"
#include "protocol/node/output.hpp"
#include "protocol/wire/icmpv6.hpp"

#include <optional>
#include <vector>

namespace roamscope::node {

class RouterList {
public:
    static constexpr std::size_t maximum = 16;  ///< routers of a link that are remembered; the one in use always is
    /// A prefix that so many advertisements with other prefixes in a row left out is not advertised any more; our own. Fewer say nothing:
    /// a router may spread its options over several advertisements or leave them out of some (RFC 4861 §6.2.3, §6.3.4).
    static constexpr int toleratedOmissions = 3;

    /// A prefix of a router's, as it told last.
    struct Advertised {
        Prefix prefix;          ///< masked
        bool onLink = false;    ///< it said so once; an L of 0 does not take it back (RFC 4861 §6.3.4)
        TimePoint until{};      ///< end of its valid lifetime
        int omitted = 0;        ///< advertisements in a row that had other prefixes only
    };

    struct Router {
        Ipv6Address address;              ///< link-local
        Mac mac;                          ///< where its advertisement came from
        TimePoint expires{};              ///< of its use as a default router
        TimePoint heard{};                ///< when it was heard of last, or answered last
        std::optional<Duration> interval; ///< Advertisement Interval, when it tells (MN-MOV-04)
        std::vector<Advertised> prefixes; ///< on-link or for addresses, of all its advertisements
        wire::RouterAdvertisement message; ///< the last one
        [[nodiscard]] bool advertises(const Ipv6Address& address) const;
        /// `address` belongs to a prefix of the link (MN-MOV-06).
        [[nodiscard]] bool isOnLink(const Ipv6Address& address) const;
    };

    enum class Heard : std::uint8_t {
        Current,   ///< the router in use, again
        Adopted,   ///< there was none: this one is used from now on
        Newcomer,  ///< another one that was not known, or has other prefixes than before
        Known,     ///< another one as before
        Left,      ///< the router in use serves no more (Router Lifetime 0)
        Nothing,   ///< another one says so
    };
    /// A valid advertisement from `address`.
    Heard heard(TimePoint now, const Ipv6Address& address, const Mac& mac, const wire::RouterAdvertisement& ra);

    [[nodiscard]] const Router* current() const { return current_ ? find(*current_) : nullptr; }
    /// The router in use is gone. Gives the one heard of last among the others, which is used then; nothing when there is none.
    const Router* lose(TimePoint now);
    /// `address` says that it is no router any more (RFC 4861 §7.2.5). True when it is the one in use: lose() follows.
    bool resigned(const Ipv6Address& address);
    /// The router in use answered.
    void confirmed(TimePoint now);
    /// Whether it is being asked; while it is, nothing else casts doubt on it.
    [[nodiscard]] bool doubted() const { return doubted_; }
    void doubt() { doubted_ = true; }
    /// When `misses` advertisements of the router in use will have been missed; none when it does not tell its interval, is doubted
    /// already, or with `misses` 0.
    [[nodiscard]] std::optional<TimePoint> missedAt(int misses) const;
    [[nodiscard]] std::optional<TimePoint> expires() const;
    void clear();

    /// Has what the owner will look at come into the caches (near.hpp).
    void bringNear() const { roamscope::bringNear(routers_); }

private:
    [[nodiscard]] const Router* find(const Ipv6Address& address) const;

    std::vector<Router> routers_;
    std::optional<Ipv6Address> current_;
    bool doubted_ = false;
};

}  // namespace roamscope::node
