// SPDX-License-Identifier: GPL-3.0-or-later
// Mobile node of HMIPv6 (RFC 4140 §6.1, §7.2; RFC 5380) on the base of Mobile IPv6 (RFC 6275 §11). Finds routers and MAPs,
// forms LCoA and RCoA, registers with the MAP and, through its tunnel, with the home agent; without a MAP it registers the
// care-of address with the home agent directly (HMIP-MN-07a); on the home link it releases its bindings (RFC 6275 §11.5.5). One
// interface; one home address.
#pragma once

#include "protocol/node/association.hpp"
#include "protocol/node/ip_stack.hpp"
#include "protocol/node/map_selection.hpp"
#include "protocol/node/route_optimisation.hpp"
#include "protocol/node/traffic.hpp"

#include <array>

namespace roamscope::node {

class MobileNode {
public:
    struct Settings {
        Ipv6Address homeAddress;
        Ipv6Address homeAgent;
        MapPolicy mapPolicy = MapPolicy::Furthest;
        std::chrono::seconds lifetime{600};        ///< asked for, cut to what the MAP allows
        std::vector<std::uint16_t> answeredFlows;  ///< probe flows whose probes are answered
        bool answerAll = false;                    ///< or those of all flows
        /// Correspondents that the binding is told (RFC 6275 §11.6): all that send through the tunnel, or those listed.
        bool optimiseAll = false;
        std::vector<Ipv6Address> optimised{};
        bool acknowledgedByPeers = true;           ///< A in updates to correspondents
        Duration firstTimeout = Association::firstTimeout;  ///< InitialBindackTimeoutFirstReg (MN-BU-07)
    };

    MobileNode(IpStack stack, Settings settings);

    void receive(TimePoint now, std::size_t interface, ByteView frame, Output& out);
    void advance(TimePoint now, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;
    /// Link indications: the node learns of its link from these, not from the capture.
    void linkUp(TimePoint now, std::size_t interface, Output& out);
    void linkDown(TimePoint now, std::size_t interface, Output& out);

    /// A packet of the node's own: from the home address by way of the home agent or straight to a peer, from others as it is.
    void originate(TimePoint now, wire::Ipv6Packet packet, Output& out);
    /// Other wishes from now on; home address and home agent stay.
    void configure(Settings settings) { settings_ = std::move(settings); }
    [[nodiscard]] const Settings& settings() const { return settings_; }

    [[nodiscard]] const IpStack& stack() const { return stack_; }
    [[nodiscard]] IpStack& stack() { return stack_; }
    [[nodiscard]] bool isAtHome() const { return homeLink_; }
    [[nodiscard]] std::optional<Ipv6Address> onLinkCareOf() const { return lcoa_; }      ///< LCoA, usable or still tested
    [[nodiscard]] std::optional<Ipv6Address> regionalCareOf() const { return rcoa_; }
    [[nodiscard]] const std::optional<Association>& mapAssociation() const { return atMap_; }
    [[nodiscard]] const Association& homeAssociation() const { return atHome_; }
    [[nodiscard]] const std::map<Ipv6Address, RouteOptimisation>& peers() const { return peers_; }

private:
    // movement and addresses
    void solicit(TimePoint now, Output& out);
    void onAdvertisement(TimePoint now, const Delivery& delivery, const wire::RouterAdvertisement& ra, Output& out);
    void formCareOf(TimePoint now, std::size_t interface, const wire::RouterAdvertisement& ra, Output& out);
    void chooseMap(TimePoint now, Output& out);
    void leaveMap(TimePoint now, Output& out);
    /// The advertisement of a new router shows another link than the one that the care-of address is from.
    void checkMovement(TimePoint now, const Delivery& delivery, const wire::RouterAdvertisement& ra, Output& out);
    void loseRouter(TimePoint now, Output& out);
    void drainStack(TimePoint now, Output& out);
    /// Tells which timers have been set, moved or stopped since it was asked last.
    void reportTimers(TimePoint now, Output& out);

    // registration
    void progress(TimePoint now, Output& out);
    /// What may be asked of the home agent now.
    [[nodiscard]] std::chrono::seconds homeLifetime(TimePoint now) const;
    void sendLocalUpdate(TimePoint now, const Association::Update& update, Output& out);
    void sendHomeUpdate(TimePoint now, const Association::Update& update, Output& out);
    void onAck(TimePoint now, const wire::Ipv6Packet& packet, const wire::BindingAck& ack, Output& out);
    /// A peer that is a home agent to us (the MAP, too) asks for an update: a Binding Error or a Binding Refresh Request. False when
    /// `peer` is none.
    bool refreshAnchor(TimePoint now, const Ipv6Address& peer, const Ipv6Address& home);
    /// L: the link-local address has the identifier of the home address (MN-BU-03).
    [[nodiscard]] bool sharesIdentifier() const { return interfaceId(settings_.homeAddress) == eui64(stack_.mac(0)); }
    void registrationEvent(TimePoint now, const Association& association, std::string_view state, Output& out) const;

    // at home (mobile_node_home.cpp)
    /// True when the advertisement shows the home link (MN-MOV-06); notes its routers' addresses.
    [[nodiscard]] bool seesHomeLink(const wire::RouterAdvertisement& ra) const;
    void arriveHome(TimePoint now, const Delivery& delivery, const wire::RouterAdvertisement& ra, Output& out);
    void progressHome(TimePoint now, Output& out);
    void sendHomeRelease(TimePoint now, const Association::Update& update, Output& out);
    /// The home address is ours again: everybody on the link is told (MN-HOME-03).
    void takeHomeAddress(TimePoint now, Output& out);
    [[nodiscard]] bool atHomeWithAddress() const { return homeLink_ && !atHome_.releasing() && stack_.owns(settings_.homeAddress); }

    // correspondents (mobile_node_peers.cpp)
    void progressPeers(TimePoint now, Output& out);
    void meet(TimePoint now, const Ipv6Address& peer);
    void sendStep(TimePoint now, const RouteOptimisation& peer, const RouteOptimisation::Step& step, Output& out);
    void onPeerMessage(TimePoint now, const wire::Ipv6Packet& packet, bool throughHomeAgent, const wire::MobilityMessage& message, Output& out);
    void onPeerAck(TimePoint now, RouteOptimisation& peer, const wire::Ipv6Packet& packet, const wire::BindingAck& ack, Output& out);
    void onBindingError(TimePoint now, const wire::Ipv6Packet& packet, const wire::BindingError& error, Output& out);
    void onIcmpError(TimePoint now, const Ipv6Address& from, const wire::IcmpError& error, Output& out);
    void peerEvent(TimePoint now, const RouteOptimisation& peer, std::string_view state, Output& out) const;
    void abandonPeer(TimePoint now, RouteOptimisation& peer, std::string_view why, Output& out);
    /// The care-of address that packets of the home address leave from; none while it cannot be used.
    [[nodiscard]] std::optional<Ipv6Address> primaryCareOf(TimePoint now) const;

    // packets
    [[nodiscard]] bool usable(const std::optional<Ipv6Address>& careOf) const { return careOf && stack_.owns(*careOf); }
    /// The MAP knows the present LCoA, so its tunnel works (progress() forgets a registration that ran out, and one that
    /// an update with another LCoA may have overtaken).
    [[nodiscard]] bool behindMap() const { return atMap_ && lcoa_ && atMap_->registeredCareOf() == lcoa_; }
    /// Sends a packet whose source is the RCoA: through the tunnel to the MAP (HMIP-MN-24).
    void sendFromRegional(TimePoint now, wire::Ipv6Packet packet, Output& out);
    /// Sends a packet whose source is the care-of address that the home agent knows, which may be the RCoA.
    void sendFromCareOf(TimePoint now, wire::Ipv6Packet packet, Output& out);
    /// Through the tunnel to the home agent (MN-TX-01).
    void sendThroughHomeAgent(TimePoint now, const wire::Ipv6Packet& packet, Output& out);
    /// Sends a packet whose source is the home address: straight to a peer that knows the care-of address (MN-TX-02), else through
    /// the home agent.
    void sendFromHome(TimePoint now, wire::Ipv6Packet packet, Output& out);
    void handle(TimePoint now, wire::Ipv6Packet packet, Output& out);
    /// The packet inside, when the tunnel's other end may send it (MN-RX-01).
    [[nodiscard]] std::optional<wire::Ipv6Packet> unwrap(const wire::Ipv6Packet& packet) const;
    void deliver(TimePoint now, wire::Ipv6Packet packet, bool throughHomeAgent, Output& out);
    void onIcmp(TimePoint now, const wire::Ipv6Packet& packet, Output& out);
    void onProbe(TimePoint now, const wire::Ipv6Packet& packet, Output& out);

    /// Those that a person follows: solicitation of routers, and per registration the next copy or refresh.
    enum Timer : std::size_t { SolicitRouter, UpdateMap, UpdateHome, TimerCount };

    IpStack stack_;
    Settings settings_;
    std::array<std::optional<TimePoint>, TimerCount> reported_;
    MapSelection maps_;
    Association atHome_;
    std::optional<Association> atMap_;   ///< with the MAP in use
    std::optional<Ipv6Address> lcoa_;
    bool lcoaDuplicate_ = false;         ///< somebody on this link has the address that we would form
    bool homeWaits_ = true;              ///< nothing may be sent to the home agent before the MAP's next answer
    bool homeLink_ = false;              ///< the node is on its home link
    bool homeRefused_ = false;           ///< status 134: the home address must not be used again (MN-BU-13)
    std::map<Ipv6Address, RouteOptimisation> peers_;      ///< by the correspondent's address
    bool peersWait_ = true;              ///< nothing may be sent to correspondents now (MN-BU-20)
    std::map<Ipv6Address, std::uint16_t> lastSequences_;  ///< to MAPs and correspondents that were left: numbers never go back (MN-BU-06)
    std::optional<Ipv6Address> rcoa_;
    std::optional<Ipv6Address> router_;  ///< link-local address of the default router
    TimePoint routerExpires_{};
    int solicitationsLeft_ = 0;
    TimePoint nextSolicitation_{};
};

}  // namespace roamscope::node
