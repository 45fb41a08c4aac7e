// SPDX-License-Identifier: GPL-3.0-or-later
// Sends Router Advertisements on one interface (RFC 4861 §6.2, RFC 6275 §7), with the MAP options of HMIPv6 (HMIP-AR-01).
#pragma once

#include "protocol/base/random.hpp"
#include "protocol/node/ip_stack.hpp"
#include "protocol/node/prefix_list.hpp"

#include <vector>

namespace roamscope::node {

class RouterAdvertiser {
public:
    struct Settings {
        std::size_t interface = 0;
        Duration minInterval = 200s;
        Duration maxInterval = 600s;
        Prefix prefix;                          ///< the router's own address with the on-link length
        std::vector<wire::MapOption> map;
        bool homeAgent = false;                 ///< H flag (HA-RA-01)
        std::optional<std::chrono::seconds> routerLifetime{};         ///< none: three times `maxInterval`; 0: no default router
        std::optional<std::vector<RouterPrefix>> prefixes{};  ///< none: `prefix` with L, A and R
        bool managed = false;                   ///< M flag
        bool other = false;                     ///< O flag
        std::uint8_t hopLimit = 64;
        std::chrono::milliseconds reachableTime{0};
        std::chrono::milliseconds retransTimer{0};
        std::optional<std::uint32_t> mtu{};
        bool interval = true;                   ///< Advertisement Interval option
        std::optional<wire::HomeAgentInformation> homeAgentInformation{};  ///< none: its values are the defaults (RFC 6275 §7.4)
        bool relaysMaps = false;                ///< passes on MAP options that were heard on other links (RFC 4140 §7.1.1)
    };

    /// The first advertisement is sent within `minInterval` of time 0; the first three are at most 16 s apart (AR-04).
    RouterAdvertiser(Settings settings, Random random);

    /// Answers a solicitation: a multicast advertisement after 0 to 0.5 s, or the one already due when that is sooner, and never
    /// closer to the last one than MinDelayBetweenRAs (AR-03).
    void solicited(TimePoint now);
    void advance(TimePoint now, IpStack& stack, Output& out);
    /// The last one, of a router that stops: with lifetime 0, and so for the MAP that it is itself (RFC 4861 §6.2.5; AR-04).
    void cease(TimePoint now, IpStack& stack, Output& out);
    /// Begins at `now` instead of time 0: for settings that change while the router runs (RFC 4861 §6.2.4).
    void startAt(TimePoint now) { next_ = now + (next_ - TimePoint{}); }
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const { return next_; }
    [[nodiscard]] std::size_t interface() const { return settings_.interface; }
    [[nodiscard]] const Settings& settings() const { return settings_; }
    /// The MAP options from now on; when they are others than before the next advertisement comes soon.
    void setMaps(TimePoint now, std::vector<wire::MapOption> maps);
    /// The prefixes of the advertisements.
    [[nodiscard]] std::vector<RouterPrefix> prefixes() const { return settings_.prefixes.value_or(std::vector<RouterPrefix>{settings_.prefix}); }

private:
    [[nodiscard]] wire::RouterAdvertisement message(TimePoint now, const IpStack& stack) const;

    Settings settings_;
    std::vector<wire::MapOption> maps_;
    Random random_;
    TimePoint next_{};
    std::optional<TimePoint> last_;
    int sent_ = 0;  ///< counts the first three
};

/// True when `delivery` was a Router Solicitation: it is answered by the advertiser of its interface, or dropped (RFC 4861 §6.2.6).
bool answerSolicitation(TimePoint now, const Delivery& delivery, IpStack& stack, std::vector<RouterAdvertiser>& advertisers, Output& out);

}  // namespace roamscope::node
