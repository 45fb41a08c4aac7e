// SPDX-License-Identifier: GPL-3.0-or-later
// What makes a mobile node a mobile router (RFC 3963 §5): the prefixes behind it, what its updates say of them, which home agents have
// refused them and what comes next (§5.3, §5.4; NEMO-MR-01 to -03), and its advertisements on the links of the mobile network. It
// decides, the mobile node builds and sends the packets. Copyable value, no pointers inside; times are those of the node.
#pragma once

#include "protocol/node/router_advertiser.hpp"
#include "protocol/wire/mobility.hpp"

#include <set>
#include <vector>

namespace roamscope::node {

class NetworkMobility {
public:
    enum class Mode : std::uint8_t {
        Implicit,  ///< the home agent knows the prefixes
        Explicit,  ///< every update names them
    };
    struct Settings {
        std::vector<Prefix> prefixes{};         ///< behind the node; none: a mobile host
        Mode mode = Mode::Explicit;
        bool otherMode = true;                  ///< tried when no home agent accepts (RFC 3963 §5.4)
        std::vector<std::size_t> ingress{};     ///< interfaces on links of the mobile network; the others are egress interfaces
        std::vector<RouterAdvertiser::Settings> advertisements{};  ///< on ingress interfaces only
    };
    /// Home agents that are remembered to have refused; our own.
    static constexpr std::size_t maxRefusals = 64;

    NetworkMobility(Settings settings, Random random);
    /// Other prefixes, mode and advertisements from now on; what was refused may be tried again. Interfaces stay what they are.
    void configure(TimePoint now, Settings settings, Random random);

    [[nodiscard]] const Settings& settings() const { return settings_; }
    /// The node is a mobile router: R in its updates to home agents.
    [[nodiscard]] bool active() const { return !settings_.prefixes.empty(); }
    [[nodiscard]] bool isIngress(std::size_t interface) const;
    [[nodiscard]] bool isBehind(const Ipv6Address& address) const;
    /// As the updates have it now, which need not be that of the settings.
    [[nodiscard]] Mode mode() const { return mode_; }
    /// The Mobile Network Prefix options of an update that is no de-registration (NEMO-MR-01).
    [[nodiscard]] std::vector<wire::MobilityOption> options() const;

    // ---- home agents
    enum class State : std::uint8_t {
        Registering,  ///< updates are sent, and packets go through the tunnel
        Leaving,      ///< a home agent that serves no mobile routers is told to forget the binding (NEMO-MR-02)
        Looking,      ///< home agents that serve mobile routers are asked for
        GivenUp,      ///< no more updates with R (NEMO-MR-03), until the settings change
    };
    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] bool registers() const { return state_ == State::Registering; }
    [[nodiscard]] bool leaving() const { return state_ == State::Leaving; }
    [[nodiscard]] bool looking() const { return state_ == State::Looking; }
    /// Status 140 to 143 of RFC 3963 §4.2.
    [[nodiscard]] static bool isRefusal(std::uint8_t status) { return status >= wire::bindingStatus::mobileRouterNotPermitted && status <= wire::bindingStatus::forwardingSetupFailed; }
    /// `agent` has refused with such a status; with one that is fatal in this mode there is nothing more to try.
    void refused(const Ipv6Address& agent, std::uint8_t status);
    /// `agent` has accepted without R.
    void leave(const Ipv6Address& agent);
    /// A home agent has accepted: what others said before does not count any more.
    void accepted();
    [[nodiscard]] bool hasRefused(const Ipv6Address& agent) const { return refusals_.contains(agent); }
    /// There is another home agent to be tried.
    void resume() { state_ = State::Registering; }
    /// Asks for home agents; false when that has been done and led to nothing.
    [[nodiscard]] bool look();
    /// No home agent accepts: on with the other mode, where that may help; false when it may not or has been tried.
    [[nodiscard]] bool changeMode(TimePoint now, IpStack& stack, Output& out);
    void giveUp() { state_ = State::GivenUp; }
    [[nodiscard]] bool hasLooked() const { return looked_; }
    /// On the home link the binding is released anyway.
    void arrivedHome();

    // ---- the mobile network
    /// True when `delivery` was a Router Solicitation from an ingress link.
    bool answer(TimePoint now, const Delivery& delivery, IpStack& stack, Output& out);
    void advance(TimePoint now, IpStack& stack, Output& out);
    void cease(TimePoint now, IpStack& stack, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;

private:
    void makeAdvertisers(Random random);

    Settings settings_;
    std::vector<RouterAdvertiser> advertisers_;
    Mode mode_;
    State state_ = State::Registering;
    std::set<Ipv6Address> refusals_;   ///< in this mode, or for good
    std::uint8_t lastRefusal_ = 0;
    bool looked_ = false;
    bool changed_ = false;             ///< this is the other mode
};

}  // namespace roamscope::node
