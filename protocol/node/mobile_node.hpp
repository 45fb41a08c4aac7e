// SPDX-License-Identifier: GPL-3.0-or-later
// Mobile node of Mobile IPv6 (RFC 6275 §11) and HMIPv6 (RFC 4140 §6.1, §7.2; RFC 5380). Finds routers and MAPs, forms LCoA and
// RCoA, registers with MAPs and, through the tunnel of the one in use, with the home agent; without a MAP it registers the care-of
// address with the home agent directly (HMIP-MN-07a); on the home link it releases its bindings (RFC 6275 §11.5.5). It has one or
// more interfaces, of which one carries the traffic, and one or more home addresses with the same home agent. For other mobile nodes
// it is a correspondent (RFC 6275 §8.5, §9). With a network behind it it is a mobile router (RFC 3963 §5).
#pragma once

#include "protocol/node/association.hpp"
#include "protocol/node/bid_registration.hpp"
#include "protocol/node/care_of_list.hpp"
#include "protocol/node/correspondent_service.hpp"
#include "protocol/node/flow_registration.hpp"
#include "protocol/node/home_discovery.hpp"
#include "protocol/node/ip_stack.hpp"
#include "protocol/node/ipv4_tunnel.hpp"
#include "protocol/node/map_selection.hpp"
#include "protocol/node/network_mobility.hpp"
#include "protocol/node/route_optimisation.hpp"
#include "protocol/node/router_list.hpp"
#include "protocol/node/traffic.hpp"

#include <array>
#include <set>

namespace roamscope::node {

class MobileNode {
public:
    /// What makes the node ask whether its router is still there (MN-MOV-01).
    struct Movement {
        bool linkEvents = true;        ///< the link layer tells of links that come and go; otherwise only the first one is believed
        int missedAdvertisements = 3;  ///< in a row, by the Advertisement Interval option (MN-MOV-04); 0: they are not counted
        bool newRouters = true;        ///< another router, or other prefixes of one (MN-MOV-02)
    };
    /// Several care-of addresses at a time (RFC 5648): one of each interface that has a router.
    struct Multihoming {
        enum class Mode : std::uint8_t { Off, Single, Bulk } mode = Mode::Off;  ///< one or several in an update (MCOA-MN-06)
        bool homeAndForeign = true;      ///< stays registered elsewhere when one interface is on the home link (MCOA-MN-12)
        struct Path {
            std::uint16_t bid = 0;       ///< 0: the number of the interface, from 1
            std::uint8_t priority = 0;   ///< BID-PRI, 1 (first) to 127; 0: none is told, and interfaces count in their order
        };
        std::vector<Path> paths{};       ///< by interface
        std::vector<Flow> flows{};       ///< told to home agent, MAPs and correspondents; our own packets go the same way (RFC 6089)
    };
    struct Settings {
        Ipv6Address homeAddress;                   ///< unspecified: local mobility only, with RCoAs for addresses (RFC 5380 §1, HMIP-MN-29)
        Ipv6Address homeAgent;                     ///< unspecified: discovered (MN-DHAAD-01)
        MapPolicy mapPolicy = MapPolicy::Furthest;
        std::chrono::seconds lifetime{600};        ///< asked for, cut to what the MAP allows
        std::vector<std::uint16_t> answeredFlows;  ///< probe flows whose probes are answered
        bool answerAll = false;                    ///< or those of all flows
        /// Correspondents that the binding is told (RFC 6275 §11.6): all that send through the tunnel, or those listed.
        bool optimiseAll = false;
        std::vector<Ipv6Address> optimised{};
        bool acknowledgedByPeers = true;           ///< A in updates to correspondents
        Duration firstTimeout = Association::firstTimeout;  ///< InitialBindackTimeoutFirstReg (MN-BU-07)
        std::uint8_t homePrefixLength = 64;
        std::vector<Ipv6Address> furtherHomeAddresses{};    ///< of the same home link (MN-BU-18)
        bool discoverHomeAgents = false;           ///< looks for another home agent when the one in use fails; always when none is set
        bool solicitPrefixes = false;              ///< asks for the home link's prefixes after the first registration, too (MN-MPS-01)
        bool hierarchical = true;                  ///< uses MAPs (HMIP-MN-32)
        bool strictMapOptions = false;             ///< RFC 4140: an advertisement without MAP options ends their use at once (HMIP-MN-07a)
        std::optional<Ipv6Address> fixedMap{};     ///< no other MAP is used
        std::size_t maximumMaps = 1;               ///< registered with at a time; the first of the policy is used (HMIP-MN-21)
        bool forwardFromPreviousMap = true;        ///< the MAP that was left learns the new on-link address (HMIP-MN-19)
        bool releaseMaps = false;                  ///< MAPs that were left are told so; otherwise the bindings end by themselves (HMIP-MN-20, -30)
        bool onLinkAddressForNeighbours = false;   ///< correspondents on the link get the LCoA (HMIP-MN-22)
        bool optimisticDetection = false;          ///< care-of addresses are used while they are tested (MN-DAD-03)
        Movement movement{};
        CorrespondentService::Settings correspondent{};     ///< of what the node does for other mobile nodes
        Multihoming multihoming{};
        NetworkMobility::Settings network{};               ///< behind it, of the first home address (RFC 3963)
        /// Interfaces on IPv4 networks, which have no IPv6 then; needs several care-of addresses (MCOA-DS-01). They stay as they are.
        struct Ipv4 {
            std::vector<std::optional<Ipv4Interface>> interfaces{};  ///< by interface
            std::optional<Ipv4Address> homeAgent{};                  ///< none: IPv4 is not used
        } ipv4{};
    };
    /// Copies of a Binding Update without an answer after which another MAP is tried, when there is one (HMIP-MN-33); our own.
    static constexpr int mapPatience = 3;
    static constexpr Duration silentMapPause = 60s;  ///< until a MAP that did not answer is tried again; our own
    static constexpr Duration discoveryPause = 60s;  ///< until home agents are looked for again in vain; our own

    MobileNode(IpStack stack, Settings settings, std::vector<TrafficSource> sources = {});

    void receive(TimePoint now, std::size_t interface, ByteView frame, Output& out);
    void advance(TimePoint now, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;
    /// Link indications: the node learns of its link from these, not from the capture. linkUp() on an interface that is up already
    /// is a hint that the link may be another one (MN-MOV-03).
    void linkUp(TimePoint now, std::size_t interface, Output& out);
    void linkDown(TimePoint now, std::size_t interface, Output& out);

    /// A packet of the node's own: from the home address by way of the home agent or straight to a peer, from others as it is.
    void originate(TimePoint now, wire::Ipv6Packet packet, Output& out);
    /// Other wishes from now on; home address and home agent stay. Correspondents that are not wanted any more are told (RR-MN-07).
    void configure(TimePoint now, Settings settings);
    /// Ends the binding that another mobile node has here, without that node; false when there is none.
    bool revoke(TimePoint now, const Ipv6Address& homeAddress, Output& out) { return correspondent_.revoke(now, homeAddress, stack(), out); }
    [[nodiscard]] const Settings& settings() const { return settings_; }
    /// Its last words on the links of its network; it is not run any more afterwards.
    void cease(TimePoint now, Output& out) { network_.cease(now, stack(), out); }

    [[nodiscard]] const IpStack& stack() const { return stack_; }
    [[nodiscard]] IpStack& stack()
    {
        ownDeadline_.reset();
        return stack_;
    }
    [[nodiscard]] bool isAtHome() const { return homeLink_.has_value(); }
    [[nodiscard]] std::optional<Ipv6Address> onLinkCareOf() const { return lcoa_; }      ///< LCoA, usable or still tested
    [[nodiscard]] std::optional<Ipv6Address> regionalCareOf() const;                     ///< RCoA at the MAP that is chosen
    [[nodiscard]] const Association* mapAssociation() const { return mapAssociation(chosen_); }
    [[nodiscard]] const Association* mapAssociation(const std::optional<Ipv6Address>& map) const;
    [[nodiscard]] const Association& homeAssociation() const { return homes_.front().association; }
    /// The registrations of all home addresses; the first is the one of the settings.
    struct Home {
        Ipv6Address address;
        Association association;
        bool refused = false;                             ///< status 134: must not be used again (MN-BU-13)
        TimePoint validUntil = TimePoint::max();          ///< of its prefix, as far as the home agent told
        TimePoint preferredUntil = TimePoint::max();
        Duration validFor = Duration::max();              ///< that lifetime when it was told
        BidRegistration paths;                            ///< takes the place of `association` as long as identifiers are used
        FlowRegistration flows{};                         ///< which of them packets take
        FlowSteering steering{};
    };
    /// Flow bindings at a MAP or a correspondent.
    struct PeerFlows {
        FlowRegistration told{};
        FlowSteering steering{};
    };
    /// Has what every call looks at come into the caches: in a large lab nothing of it is there any more.
    void bringNear() const
    {
        roamscope::bringNear(this, sizeof *this);
        stack_.bringNear();
        roamscope::bringNear(links_);
        roamscope::bringNear(homes_);
        if (!maps_.empty()) roamscope::bringNear(&*maps_.begin(), sizeof *maps_.begin());
        stack_.bringListsNear();
        for (const Link& link : links_) {
            link.routers.bringNear();
            link.careOf.bringNear();
            link.maps.bringNear();
        }
    }
    [[nodiscard]] const std::vector<Home>& homes() const { return homes_; }
    /// The registrations with MAPs, also those that are left to end, by the MAP's address.
    [[nodiscard]] const std::map<Ipv6Address, Association>& maps() const { return maps_; }
    /// Those of them with identifiers, by the MAP's address; an extension of ours.
    [[nodiscard]] const std::map<Ipv6Address, BidRegistration>& mapPaths() const { return mapPaths_; }
    /// When the next update to the home agent (to the MAP in use) is due, whatever kind of registration that is.
    [[nodiscard]] std::optional<TimePoint> homeUpdateDue() const;
    [[nodiscard]] std::optional<TimePoint> mapUpdateDue() const;
    /// True while a binding lives at the home agent.
    [[nodiscard]] bool registeredAtHome(TimePoint now) const { return isBound(now, homes_.front()); }
    /// On the home link and registered elsewhere, too (MCOA-MN-12).
    [[nodiscard]] bool isBeside() const { return beside_; }
    /// What makes it a mobile router, if it is one.
    [[nodiscard]] const NetworkMobility& network() const { return network_; }
    /// By home address and correspondent; with several care-of addresses one for each of them (MCOA-MN-08).
    struct PeerKey {
        Ipv6Address first;      ///< home address
        Ipv6Address second;     ///< correspondent
        std::uint16_t bid = 0;  ///< 0: the correspondent gets one care-of address without an identifier
        auto operator<=>(const PeerKey&) const = default;
    };
    [[nodiscard]] const std::map<PeerKey, RouteOptimisation>& peers() const { return peers_; }
    /// By MAP; an extension of ours. By home address and correspondent.
    [[nodiscard]] const std::map<Ipv6Address, PeerFlows>& mapFlows() const { return mapFlows_; }
    [[nodiscard]] const std::map<std::pair<Ipv6Address, Ipv6Address>, PeerFlows>& peerFlows() const { return peerFlows_; }
    /// The bindings of other mobile nodes that have us for a correspondent.
    [[nodiscard]] const CorrespondentCache& cache() const { return correspondent_.cache(); }

private:
    /// An interface and the link that it is on.
    struct Link {
        explicit Link(MapPolicy policy) : maps(policy) {}
        RouterList routers;
        CareOfList careOf;
        MapSelection maps;
        bool up = false;
        bool moved = false;           ///< the router went silent, so this may be another link (MN-COA-06)
        bool linkLocalWaits = false;  ///< the link-local address is not tested before it is known that this is not the home link (MN-DAD-04)
        int solicitationsLeft = 0;
        TimePoint nextSolicitation{};
    };

    /// An interface on an IPv4 network.
    struct Ipv4Path {
        Ipv4Link link;
        bool up = false;
        bool udp = true;           ///< until the home agent has said that there is no NAT
        Duration keepalive{0};     ///< behind a NAT: something leaves so often
        TimePoint sent{};          ///< when something left in UDP
    };
    /// How a packet reached us.
    struct Arrival {
        bool throughHomeAgent = false;
        std::optional<std::size_t> ipv4{};  ///< the interface, where it was in an IPv4 packet of the home agent
    };

    // on IPv4 networks (mobile_node_ipv4.cpp)
    void startIpv4();
    [[nodiscard]] Ipv4Path* ipv4At(const Ipv6Address& careOf);
    [[nodiscard]] const Ipv4Path* ipv4At(const Ipv6Address& careOf) const { return const_cast<MobileNode*>(this)->ipv4At(careOf); }
    void setIpv4Link(TimePoint now, Ipv4Path& path, bool up, Output& out);
    void fromIpv4(TimePoint now, std::size_t interface, ByteView frame, Output& out);
    /// What the acknowledgement says of a NAT on the way of that interface.
    void onNat(std::size_t interface, const wire::BindingAck& ack);
    /// `packet` is as it would leave from an IPv6 care-of address.
    void sendOverIpv4(TimePoint now, Ipv4Path& path, wire::Ipv6Packet packet, Output& out);
    void advanceIpv4(TimePoint now, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextIpv4Deadline() const;

    // links, routers, addresses (mobile_node_movement.cpp)
    void solicit(TimePoint now, std::size_t interface, Output& out);
    void startSoliciting(TimePoint first, std::size_t interface);
    void onAdvertisement(TimePoint now, const Delivery& delivery, const wire::RouterAdvertisement& ra, Output& out);
    /// Takes what the router in use advertises.
    void useAdvertisement(TimePoint now, std::size_t interface, Output& out);
    void adoptRouter(TimePoint now, std::size_t interface, Output& out);
    /// `silent`: nobody said that it would go.
    void loseRouter(TimePoint now, std::size_t interface, bool silent, Output& out);
    void doubtRouter(TimePoint now, std::size_t interface, Output& out);
    void assignLinkLocal(TimePoint now, std::size_t interface, bool verified, Output& out);
    void formCareOf(TimePoint now, std::size_t interface, const wire::RouterAdvertisement& ra, Output& out);
    void leaveHomeLink(TimePoint now, Output& out);
    void choosePrimary(TimePoint now);
    [[nodiscard]] std::optional<Ipv6Address> bestCareOf(TimePoint now, std::size_t interface) const;
    void advanceLinks(TimePoint now, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextLinkDeadline() const;
    void drainStack(TimePoint now, Output& out);
    /// When something other than the stack is due, at the latest; TimePoint::max() for never.
    [[nodiscard]] TimePoint ownDeadline() const;
    [[nodiscard]] std::optional<TimePoint> nextOwnDeadline() const;
    /// True when all that happened is the stack's alone, as with most frames of neighbour discovery and its timers.
    [[nodiscard]] bool concernsStackOnly(TimePoint now) const { return !stack_.hasNews() && now < ownDeadline(); }
    /// Tells which timers have been set, moved or stopped since it was asked last, and which flows are gone.
    void reportTimers(TimePoint now, Output& out);

    // MAPs (mobile_node_maps.cpp)
    void chooseMaps(TimePoint now, Output& out);
    void joinMap(TimePoint now, const wire::MapOption& map);
    void forgetMap(TimePoint now, Ipv6Address map, Output& out);  // a copy: what it is called with is often the key that goes
    void progressMaps(TimePoint now, Output& out);
    /// True when the MAP was given up because it does not answer.
    bool giveUpSilentMap(TimePoint now, const Ipv6Address& map, Output& out);
    void settleMap(TimePoint now);
    void releaseLeftMaps(TimePoint now, Output& out);
    void sendLocalUpdate(TimePoint now, const Association& at, const Association::Update& update, Output& out);
    void onMapAck(TimePoint now, Association& at, Association::Answer answer, Output& out);
    [[nodiscard]] Association* findMap(const Ipv6Address& map);
    [[nodiscard]] const Association* findMap(const Ipv6Address& map) const;
    struct MapTunnel {
        Ipv6Address map;
        Ipv6Address careOf;  ///< LCoA
    };
    /// The tunnel to a MAP with this RCoA that knows a present LCoA.
    [[nodiscard]] std::optional<MapTunnel> tunnelOf(const Ipv6Address& rcoa) const;
    [[nodiscard]] bool isRegional(const Ipv6Address& address) const;

    // registration with the home agent (mobile_node_registration.cpp)
    void progress(TimePoint now, Output& out);
    void progressHomes(TimePoint now, const Ipv6Address& careOf, Output& out);
    /// The care-of address for the home agent: RCoA, LCoA, or nothing while a MAP's first answer is awaited.
    [[nodiscard]] std::optional<Ipv6Address> wantedCareOf(TimePoint now) const;
    /// What may be asked of the home agent now.
    [[nodiscard]] std::chrono::seconds homeLifetime(TimePoint now, const Home& home, const Ipv6Address& careOf) const;
    /// What may be asked of any peer for a care-of address: no longer than that is valid, on whichever link it is (MN-BU-05).
    [[nodiscard]] std::chrono::seconds lifetimeFor(TimePoint now, const Ipv6Address& careOf) const;
    void sendHomeUpdate(TimePoint now, const Home& home, const Association::Update& update, Output& out);
    void onAck(TimePoint now, const wire::Ipv6Packet& packet, const wire::BindingAck& ack, const std::optional<std::size_t>& ipv4, Output& out);
    void onHomeAck(TimePoint now, Home& home, Association::Answer answer, const wire::BindingAck& ack, Output& out);
    /// A peer that is a home agent to us (the MAP, too) asks for an update: a Binding Error or a Binding Refresh Request. False when
    /// `peer` is none.
    bool refreshAnchor(TimePoint now, const Ipv6Address& peer, const Ipv6Address& home, const std::vector<std::uint16_t>& bids = {});
    /// L: the link-local address has the identifier of the home address (MN-BU-03).
    [[nodiscard]] bool sharesIdentifier(const Ipv6Address& home) const { return interfaceId(home) == eui64(stack_.mac(primary_)); }
    void registrationEvent(TimePoint now, const Association& association, std::string_view state, Output& out) const;
    void registrationGone(TimePoint now, const Association& association, Output& out);
    [[nodiscard]] Home* findHome(const Ipv6Address& address);
    [[nodiscard]] const Home* findHome(const Ipv6Address& address) const;
    [[nodiscard]] bool isHomeAddress(const Ipv6Address& address) const;
    [[nodiscard]] const Ipv6Address& homeAgent() const { return homes_.front().association.peer(); }

    // several care-of addresses (mobile_node_paths.cpp)
    /// An interface with a care-of address that can be used.
    struct Way {
        std::size_t interface = 0;
        std::uint16_t bid = 1;
        std::uint8_t priority = 0;
        Ipv6Address careOf;               ///< LCoA
        std::optional<Ipv6Address> map;   ///< that is to be used there
    };
    [[nodiscard]] bool isMultihomed() const { return settings_.multihoming.mode != Multihoming::Mode::Off; }
    /// The home agent is told identifiers; otherwise the registration is a plain one.
    [[nodiscard]] bool usesBids(const Home& home) const { return isMultihomed() && home.paths.supported(); }
    [[nodiscard]] bool isBound(TimePoint now, const Home& home) const { return usesBids(home) ? home.paths.registered(now) : home.association.registered(now); }
    [[nodiscard]] TimePoint boundUntil(const Home& home) const { return usesBids(home) ? home.paths.expires() : home.association.expires(); }
    /// Until when the home agent has this care-of address; if it is not registered there, any.
    [[nodiscard]] TimePoint boundUntil(const Home& home, const Ipv6Address& careOf) const;
    [[nodiscard]] bool isBulk() const { return settings_.multihoming.mode == Multihoming::Mode::Bulk; }
    [[nodiscard]] std::uint16_t bidOf(std::size_t interface) const;
    [[nodiscard]] std::uint8_t priorityOf(std::size_t interface) const;
    [[nodiscard]] std::vector<Way> ways(TimePoint now) const;
    /// Plain registrations take the place of those with identifiers (`identified`), or the other way round.
    void changeKind(TimePoint now, bool identified);
    void progressPaths(TimePoint now, Output& out);
    void chooseWayMaps(TimePoint now, std::vector<Way>& ways, Output& out);
    void progressMapPaths(TimePoint now, std::vector<Way>& ways, Output& out);
    void progressMapPath(TimePoint now, Association& at, const std::vector<BidRegistration::Path>& paths, Output& out);
    [[nodiscard]] std::vector<BidRegistration::Path> homePaths(TimePoint now, const std::vector<Way>& ways, const Home& home) const;
    [[nodiscard]] std::uint16_t regionalBid(const std::vector<Way>& ways, const Way& way, const Ipv6Address& careOf, const Home& home) const;
    void progressHomePaths(TimePoint now, const std::vector<Way>& ways, Output& out);
    /// Home and foreign at once begins or ends.
    void settleBeside(TimePoint now, bool elsewhere, Output& out);
    void sendPathUpdate(TimePoint now, const BidRegistration& at, const BidRegistration::Update& update, std::uint16_t flags, Output& out, FlowRegistration& flows);
    void pathEvents(TimePoint now, BidRegistration& at, Output& out) const;
    void onPathAck(TimePoint now, BidRegistration& at, Home* home, const wire::BindingAck& ack, const std::optional<std::size_t>& ipv4, Output& out);
    void onRevocation(TimePoint now, const wire::Ipv6Packet& packet, const std::optional<std::size_t>& ipv4, const wire::BindingRevocation& message, Output& out);
    /// The way of packets of this home address; none while there is none. Of the home link it is one with H.
    [[nodiscard]] const BidRegistration::Slot* bestPath(const Home& home) const;
    [[nodiscard]] bool works(const BidRegistration::Slot& slot) const;
    [[nodiscard]] std::chrono::seconds remainingAt(TimePoint now, const Ipv6Address& map) const;

    // flow bindings (mobile_node_flows.cpp)
    /// The way of a packet of this home address: that of its flow, if it has one (FLOW-08), else bestPath().
    [[nodiscard]] const BidRegistration::Slot* pathOf(TimePoint now, Home& home, const wire::Ipv6Packet& packet);
    /// The tunnel to a MAP that takes a packet from an RCoA.
    [[nodiscard]] std::optional<MapTunnel> tunnelFor(TimePoint now, const wire::Ipv6Packet& packet);
    /// The care-of address from which a packet of a home address goes straight to this correspondent; none: through the home agent.
    [[nodiscard]] std::optional<Ipv6Address> optimisedFrom(TimePoint now, const wire::Ipv6Packet& packet, const Ipv6Address& correspondent);
    /// Has an update leave for what has changed, by the best path.
    void tellFlows(TimePoint now, FlowRegistration& flows, BidRegistration& at);
    void tellPeerFlows(TimePoint now);
    /// Identifiers that the correspondent is known to have.
    [[nodiscard]] std::vector<std::uint16_t> bidsAt(TimePoint now, const Ipv6Address& home, const Ipv6Address& peer);
    /// The flow options of an update to a correspondent, after which it knows these identifiers.
    void addFlows(const RouteOptimisation& peer, std::vector<std::uint16_t> known, wire::BindingUpdate& update);
    void flowsAcknowledged(TimePoint now, FlowRegistration& flows, const Ipv6Address& peer, const Ipv6Address& home, const std::vector<std::uint16_t>& known,
                           const wire::BindingAck& ack, Output& out);
    struct FlowKey {
        Ipv6Address peer;
        Ipv6Address home;
        std::uint16_t flow = 0;
        auto operator<=>(const FlowKey&) const = default;
    };
    /// Whether that is still wanted, and known to a peer that has a binding of ours.
    [[nodiscard]] bool hasFlow(TimePoint now, const FlowKey& key);
    void dropFlows(TimePoint now, Output& out);

    // home agents and prefixes (mobile_node_agents.cpp)
    [[nodiscard]] Prefix homePrefix() const { return Prefix{homes_.front().address, settings_.homePrefixLength}.masked(); }
    [[nodiscard]] bool mayDiscover() const { return settings_.discoverHomeAgents || settings_.homeAgent.isUnspecified(); }
    /// True when another home agent is tried in place of the one in use (MN-BU-07, MN-BU-19).
    bool nextHomeAgent(TimePoint now);
    void useHomeAgent(const Ipv6Address& agent);
    void progressDiscovery(TimePoint now, Output& out);
    void progressPrefixes(TimePoint now, Output& out);
    void onDiscoveryReply(TimePoint now, const wire::Ipv6Packet& packet, const wire::HomeAgentDiscoveryReply& reply, Output& out);
    void onPrefixes(TimePoint now, const wire::Ipv6Packet& packet, const Arrival& arrival, const wire::MobilePrefixAdvertisement& message, Output& out);
    void onHomePrefix(TimePoint now, const wire::PrefixInformation& prefix, Output& out);
    void addHome(TimePoint now, const Ipv6Address& address);
    [[nodiscard]] Home homeAt(const Ipv6Address& agent, const Ipv6Address& address);
    /// Another home agent; what is known of it is not lost.
    void setAgent(Home& home, const Ipv6Address& agent);
    void expireHomes(TimePoint now, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextHomeDeadline() const;

    // at home (mobile_node_home.cpp)
    /// True when the advertisement shows the home link (MN-MOV-06).
    [[nodiscard]] bool seesHomeLink(const RouterList::Router& router) const;
    /// Bindings are released, and the home addresses are taken.
    void settleHome(TimePoint now, std::size_t interface, Output& out);
    void arriveHome(TimePoint now, std::size_t interface, const RouterList::Router& router, Output& out);
    void progressHome(TimePoint now, Output& out);
    /// The home agent's link-layer address is known, or has been asked for in vain (MN-HOME-02).
    [[nodiscard]] bool reachesHomeAgent(TimePoint now, Output& out);
    void sendHomeRelease(TimePoint now, const Home& home, const Association::Update& update, Output& out);
    /// The home address is ours again: everybody on the link is told (MN-HOME-03).
    void takeHomeAddress(TimePoint now, const Ipv6Address& home, Output& out);
    /// Tells it again, as some may not have heard it.
    void repeatAdvertisements(TimePoint now, Output& out);
    [[nodiscard]] bool atHomeWithAddress(const Ipv6Address& home) const;

    // a mobile router (mobile_node_network.cpp)
    void startNetwork();
    void configureNetwork(TimePoint now);
    /// This home address has the network behind it.
    [[nodiscard]] bool isRouter(const Home& home) const { return network_.active() && &home == &homes_.front(); }
    /// R and the prefixes.
    void addNetwork(const Home& home, wire::BindingUpdate& update) const;
    /// True when the acknowledgement ends the registration for a mobile router (NEMO-MR-02, -03).
    bool onRouterAck(TimePoint now, Home& home, const wire::BindingAck& ack, Output& out);
    void progressLeaving(TimePoint now, Home& home, const Ipv6Address& careOf, Output& out);
    void leftHomeAgent(TimePoint now, Home& home, Output& out);
    /// Another home agent, then another mode, else nothing more (RFC 3963 §5.4).
    void tryElsewhere(TimePoint now, Output& out);
    /// What came from a link of the mobile network.
    void onIngress(TimePoint now, Delivery delivery, Output& out);
    /// What came out of the tunnel for an address behind us.
    void fromTunnel(TimePoint now, wire::Ipv6Packet packet, Output& out);
    /// To a node behind us, or the error where there is none.
    void sendInside(TimePoint now, wire::Ipv6Packet packet, Output& out);
    /// From a node behind us to anywhere else: through the tunnel, on the home link without.
    void sendFromNetwork(TimePoint now, wire::Ipv6Packet packet, Output& out);
    /// An error about a packet of the tunnel, whose header is `outer` and its beginning the payload.
    void onTunnelError(TimePoint now, const wire::IcmpError& error, const wire::Ipv6Packet& outer, Output& out);

    // correspondents (mobile_node_peers.cpp)
    void progressPeers(TimePoint now, Output& out);
    [[nodiscard]] bool wantsOptimised(const Ipv6Address& peer) const;
    void meet(TimePoint now, const Ipv6Address& home, const Ipv6Address& peer);
    void sendStep(TimePoint now, const RouteOptimisation& peer, const RouteOptimisation::Step& step, Output& out);
    void onPeerMessage(TimePoint now, const wire::Ipv6Packet& packet, bool throughHomeAgent, const wire::MobilityMessage& message, Output& out);
    void addBid(TimePoint now, const RouteOptimisation& peer, const RouteOptimisation::Step& step, wire::BindingUpdate& update);
    /// False when it may be another entry's.
    bool onPeerAck(TimePoint now, RouteOptimisation& peer, const wire::Ipv6Packet& packet, const wire::BindingAck& ack, Output& out);
    void onBindingError(TimePoint now, const wire::Ipv6Packet& packet, const wire::BindingError& error, Output& out);
    void onIcmpError(TimePoint now, const Ipv6Address& from, const wire::IcmpError& error, Output& out);
    void peerEvent(TimePoint now, const RouteOptimisation& peer, std::string_view state, Output& out) const;
    void abandonPeer(TimePoint now, RouteOptimisation& peer, std::string_view why, Output& out);
    /// That of the path in use.
    [[nodiscard]] RouteOptimisation* findPeer(const Ipv6Address& home, const Ipv6Address& peer);
    /// All of one correspondent.
    [[nodiscard]] std::vector<RouteOptimisation*> peersOf(const Ipv6Address& home, const Ipv6Address& peer);
    void usedPeer(TimePoint now, const Ipv6Address& home, const Ipv6Address& peer);
    /// The correspondent gets identifiers.
    [[nodiscard]] bool tellsBids(const Home& home, const Ipv6Address& peer) const { return usesBids(home) && !plainPeers_.contains({home.address, peer}); }
    /// What this entry must wait for, and the numbers, with the others of the same correspondent.
    void sharePeer(TimePoint now, const PeerKey& key, RouteOptimisation& peer);
    /// Until when an update waits as long as none of that correspondent's is acknowledged. `ahead`: another one has its turn first.
    [[nodiscard]] std::optional<TimePoint> firstTurn(TimePoint now, const PeerKey& key, bool ahead) const;
    void forgetPeer(const Ipv6Address& home, const Ipv6Address& peer);
    void peerLacksBids(TimePoint now, const Ipv6Address& home, const Ipv6Address& peer, Output& out);
    void peerGone(TimePoint now, const RouteOptimisation& peer, Output& out) const;
    /// The care-of address for this correspondent; none while nothing may be sent from the home address.
    [[nodiscard]] std::optional<Ipv6Address> careOfFor(TimePoint now, const Ipv6Address& home, const Ipv6Address& peer) const;

    // packets (mobile_node_packets.cpp)
    [[nodiscard]] bool usable(const std::optional<Ipv6Address>& careOf) const { return careOf && stack_.owns(*careOf); }
    /// The care-of address that packets of the home address leave from; none while it cannot be used.
    [[nodiscard]] std::optional<Ipv6Address> primaryCareOf(TimePoint now, const Ipv6Address& home) const;
    /// Sends a packet whose source is the care-of address that the home agent knows, which may be an RCoA (HMIP-MN-24).
    void sendFromCareOf(TimePoint now, wire::Ipv6Packet packet, Output& out);
    /// Through the tunnel to the home agent (MN-TX-01).
    void sendThroughHomeAgent(TimePoint now, const wire::Ipv6Packet& packet, Output& out);
    /// Sends a packet whose source is a home address: straight to a peer that knows the care-of address (MN-TX-02), else through
    /// the home agent.
    void sendFromHome(TimePoint now, wire::Ipv6Packet packet, Output& out);
    /// From a home address or, without a home agent, from the RCoA (HMIP-MN-29).
    void answerFrom(TimePoint now, wire::Ipv6Packet packet, Output& out);
    void handle(TimePoint now, Delivery delivery, Output& out, Arrival arrival);
    /// Tells the stack which addresses are ours without being on a link: those that our tunnels reach.
    void nameCarried();
    /// What the stack could not send because only our tunnels carry it.
    void sendCarried(TimePoint now, Output& out);
    /// The packet inside, when the tunnel's other end may send it (MN-RX-01).
    [[nodiscard]] std::optional<wire::Ipv6Packet> unwrap(const wire::Ipv6Packet& packet) const;
    [[nodiscard]] bool fromHomeAgentToGroup(const wire::Ipv6Packet& packet) const;
    void deliver(TimePoint now, wire::Ipv6Packet packet, const Arrival& arrival, Output& out);
    void onIcmp(TimePoint now, const wire::Ipv6Packet& packet, const Arrival& arrival, Output& out);
    void onProbe(TimePoint now, const wire::Ipv6Packet& packet, Output& out);
    void sendTraffic(TimePoint now, Output& out);

    /// Those that a person follows: solicitation of routers, per registration the next copy or refresh, questions to the home network.
    enum Timer : std::size_t { SolicitRouter, UpdateMap, UpdateHome, DiscoverHomeAgents, SolicitPrefixes, TimerCount };

    [[nodiscard]] std::uint16_t lastSequence(const Ipv6Address& peer, const Ipv6Address& home);
    void keepSequence(const Ipv6Address& peer, const Ipv6Address& home, std::uint16_t sequence);

    IpStack stack_;
    Settings settings_;
    std::vector<TrafficSource> sources_;
    CorrespondentService correspondent_;
    NetworkMobility network_;
    mutable std::optional<TimePoint> ownDeadline_;  ///< ownDeadline() as long as nothing has changed; most nodes of a large lab rest
    std::array<std::optional<TimePoint>, TimerCount> reported_;
    std::vector<Link> links_;            ///< by interface
    std::map<std::size_t, Ipv4Path> ipv4_;  ///< by interface
    std::vector<Home> homes_;            ///< never empty
    std::map<Ipv6Address, Association> maps_;  ///< every MAP that has, or is asked for, a binding
    std::map<Ipv6Address, BidRegistration> mapPaths_;  ///< with identifiers, beside the entries of maps_
    std::map<Ipv6Address, PeerFlows> mapFlows_;  ///< by MAP
    bool beside_ = false;                ///< on the home link and elsewhere, registered with identifiers
    std::optional<Ipv6Address> chosen_;  ///< the MAP to be used
    std::vector<Ipv6Address> further_;   ///< MAPs that are registered with beside it
    std::optional<Ipv6Address> used_;    ///< the MAP whose RCoA the home agent is told; the chosen one as soon as it has answered
    std::optional<Ipv6Address> lcoa_;
    std::size_t primary_ = 0;            ///< interface of `lcoa_`
    bool homeWaits_ = true;              ///< nothing may be sent to the home agent before the MAP's next answer
    bool discoveryWaits_ = true;         ///< nor be asked of home agents
    bool prefixesWait_ = true;           ///< nor be asked about prefixes
    std::optional<std::size_t> homeLink_;  ///< the interface that is on the home link
    bool peersWait_ = true;              ///< nothing may be sent to correspondents now (MN-BU-20)
    std::map<PeerKey, RouteOptimisation> peers_;
    std::map<std::pair<Ipv6Address, Ipv6Address>, PeerFlows> peerFlows_;  ///< by home address and correspondent
    std::set<FlowKey> toldFlows_;        ///< whose state "flow" stands
    struct FirstUpdate {
        TimePoint at{};
        std::uint16_t bid = 0;
    };
    std::map<std::pair<Ipv6Address, Ipv6Address>, FirstUpdate> firstPeerUpdate_;  ///< the last update with O, by home address and correspondent
    std::map<Ipv6Address, PeerRate> peerRates_;  ///< by correspondent
    std::set<std::pair<Ipv6Address, Ipv6Address>> plainPeers_;  ///< by home address: correspondents that know no identifiers (MCOA-MN-09)
    std::map<PeerKey, std::uint16_t> lastSequences_;  ///< home and MAP or correspondent that was left: numbers never go back (MN-BU-06)
    std::vector<TimePoint> homeUpdates_; ///< when the last ones left, for all home addresses together (MN-COA-02)

    std::vector<Ipv6Address> agents_;    ///< home agents that discovery gave, in its order
    std::size_t agentsTried_ = 0;        ///< of them
    TimePoint nextAgentAt_{};            ///< InitialBindackTimeoutFirstReg after the last update to the one in use
    RepeatedRequest discovery_{RepeatedRequest::homeAgentDiscovery};
    std::optional<TimePoint> nextDiscovery_;
    RepeatedRequest prefixes_{RepeatedRequest::prefixDiscovery};
    bool prefixesAsked_ = false;
    int homeAgentAsked_ = 0;             ///< solicitations for its link-layer address on the home link
    TimePoint nextHomeAgentAsk_{};
    int homeAdvertisementsLeft_ = 0;     ///< of those that say that the home addresses are here
    TimePoint nextHomeAdvertisement_{};
    std::optional<TimePoint> reconsider_;  ///< other settings came
};

}  // namespace roamscope::node
