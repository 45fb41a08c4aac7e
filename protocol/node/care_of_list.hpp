// SPDX-License-Identifier: GPL-3.0-or-later
// The care-of addresses that a mobile node forms from the prefixes of one link, with their lifetimes (RFC 4862 §5.5.3, RFC 6275
// §11.5.3, §11.5.4; MN-COA-01, -05 to -07).
#pragma once

#include "protocol/base/near.hpp"
#include "protocol/node/output.hpp"
#include "protocol/wire/ndisc.hpp"

#include <optional>
#include <vector>

namespace roamscope::node {

class CareOfList {
public:
    static constexpr std::size_t maximum = 8;  ///< addresses of a link; further prefixes are passed over

    struct CareOf {
        Ipv6Address address;
        TimePoint validUntil{};      ///< TimePoint::max(): for ever
        TimePoint preferredUntil{};
        bool duplicate = false;      ///< somebody else on the link has it; not tried again there (RFC 4862 §5.4.5)
        [[nodiscard]] bool preferred(TimePoint now) const { return !duplicate && now < preferredUntil; }
    };

    /// A prefix of an advertisement. Gives the address to be assigned when it is a new one; refreshes the lifetimes of the one that
    /// there is (MN-COA-07).
    std::optional<Ipv6Address> advertised(TimePoint now, const wire::PrefixInformation& prefix, const InterfaceId& identifier);
    void duplicate(const Ipv6Address& address);
    /// Takes out what is no longer valid and gives it.
    [[nodiscard]] std::vector<Ipv6Address> expire(TimePoint now);
    /// Takes out what `keep` does not want and gives it (MN-COA-06).
    template <class Keep>
    [[nodiscard]] std::vector<Ipv6Address> retain(Keep keep)
    {
        std::vector<Ipv6Address> gone;
        std::erase_if(list_, [&](const CareOf& c) {
            if (keep(c)) return false;
            gone.push_back(c.address);
            return true;
        });
        return gone;
    }
    [[nodiscard]] const CareOf* find(const Ipv6Address& address) const;
    [[nodiscard]] const std::vector<CareOf>& all() const { return list_; }
    /// The next time that an address becomes deprecated or invalid, after `now`.
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;
    void clear() { list_.clear(); }

    /// Has what the owner will look at come into the caches (near.hpp).
    void bringNear() const { roamscope::bringNear(list_); }

private:
    std::vector<CareOf> list_;
    TimePoint seen_{};  ///< the latest time it was told
};

}  // namespace roamscope::node
