// SPDX-License-Identifier: GPL-3.0-or-later
// A scenario as values: links, nodes, what happens when, traffic, expectations. Pure data; reading it from JSON is
// capture/io/scenario_file.hpp, running it is lab.hpp.
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/time.hpp"
#include "protocol/lab/fault.hpp"
#include "protocol/lab/impairment.hpp"
#include "protocol/node/agent_policy.hpp"
#include "protocol/node/flow_match.hpp"
#include "protocol/node/ipv4_link.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace roamscope::lab {

enum class Role : std::uint8_t { HomeAgent, Map, AccessRouter, Correspondent, MobileNode };

/// "ha", "map", "ar", "cn", "mn": as in scenarios and on the command line.
[[nodiscard]] std::string_view roleName(Role role);
[[nodiscard]] std::optional<Role> parseRole(std::string_view name);

/// Which HMIPv6 text the nodes follow where RFC 4140 and RFC 5380 differ.
enum class Dialect : std::uint8_t { Rfc4140, Rfc5380 };

struct LinkSpec {
    std::string name;
    bool wireless = false;  ///< drawn as a radio cell; a mobile node may attach
    Duration delay{0};      ///< one way, applied at the sender's port
    std::vector<ImpairmentSpec> impairments{};  ///< one for each direction: the first that names the sender, else the one for all
    bool operator==(const LinkSpec&) const = default;
};

/// A MAP option in an access router's advertisements (HMIP-AR-01..03).
struct MapAdvertisement {
    std::string node;                     ///< a node of role map, or its address
    std::uint8_t distance = 1;            ///< 1..15
    std::uint8_t preference = 10;         ///< 0..15; RFC 4140 §7.1.2 default
    std::chrono::seconds lifetime{3600};
    bool formAddress = true;              ///< R: regional addresses are formed from the MAP's prefix (RFC 4140 §4)
    bool operator==(const MapAdvertisement&) const = default;
};

/// A prefix as it is advertised (RFC 4861 §4.6.2, RFC 6275 §7.2).
struct AdvertisedPrefix {
    Prefix prefix;                        ///< with `router`: the whole address
    bool onLink = true;
    bool autonomous = true;
    bool router = true;
    std::chrono::seconds valid{2592000};  ///< 4294967295: for ever
    std::chrono::seconds preferred{604800};
    bool countsDown = false;              ///< the lifetimes end so long after the start, or after they were set
    bool operator==(const AdvertisedPrefix&) const = default;
};

/// RFC 6275 §7.4.
struct HomeAgentInformationSpec {
    std::uint16_t preference = 0;
    std::optional<std::chrono::seconds> lifetime{};  ///< 1 s to 65535 s; none: that of the router
    bool operator==(const HomeAgentInformationSpec&) const = default;
};

/// Router Advertisements on an interface. Unless `prefixes` says otherwise the interface's own prefix is advertised with L, A and R set.
struct AdvertiseSpec {
    Duration minInterval = 200s;          ///< RFC 4861 §6.2.1; RFC 6275 §7.5 allows down to 30 ms
    Duration maxInterval = 600s;          ///< RFC 6275 §7.5 allows down to 70 ms
    std::vector<MapAdvertisement> map;
    std::optional<std::chrono::seconds> routerLifetime{};  ///< 0: no default router; none: three times maxInterval; at most 9000 s
    bool managed = false;
    bool other = false;
    std::optional<bool> homeAgent{};        ///< H flag; none: set by a home agent
    std::uint8_t hopLimit = 64;
    Duration reachableTime{0};            ///< 0: unspecified
    Duration retransTimer{0};
    std::optional<std::uint32_t> mtu{};     ///< at least 1280
    bool interval = true;                 ///< Advertisement Interval option (RFC 6275 §7.3)
    std::optional<HomeAgentInformationSpec> homeAgentInformation{};
    std::optional<std::vector<AdvertisedPrefix>> prefixes{};
    bool relayMaps = false;               ///< passes on MAP options heard on other links (RFC 4140 §7.1.1; not in RFC 5380)
    bool operator==(const AdvertiseSpec&) const = default;
};

struct InterfaceSpec {
    std::string name;                     ///< unique in its node; when not given: the link's name, else "if0" …
    std::optional<std::string> link;      ///< none: attached later by an event
    std::optional<Prefix> address;        ///< with on-link prefix length
    std::optional<Mac> mac;               ///< none: a stable locally administered one
    std::optional<AdvertiseSpec> advertise;
    std::vector<Prefix> moreAddresses{};    ///< static ones beside `address`
    std::vector<Ipv6Address> anycast{};
    bool slaac = false;                   ///< routers, prefixes and addresses from advertisements; a mobile node does that anyway
    int dadTransmits = 1;                 ///< DupAddrDetectTransmits, 0..10
    Duration retransTimer = 1s;           ///< 1 ms to 1 h
    bool verifyStatic = false;            ///< static addresses are tested for duplicates from time 0 on
    std::uint32_t mtu = 1500;             ///< 1280..1500
    std::uint16_t bid = 0;                ///< of a mobile node: its binding identifier (RFC 5648 §4.1); 0: the number of the interface, from 1
    std::uint8_t bidPriority = 0;         ///< BID-PRI (RFC 6089 §4.1), 1 (first) to 127; 0: none is told
    std::optional<node::Ipv4Interface> ipv4{};  ///< of ha (one interface), ar (forwards between them) and mn (no IPv6 there then); RFC 5555
    bool operator==(const InterfaceSpec&) const = default;
};

/// A static route; with a link-local next hop the interface must be named.
struct RouteSpec {
    Prefix to;
    Ipv6Address via;
    std::string interface;                ///< empty: the one whose prefix covers `via`
    bool operator==(const RouteSpec&) const = default;
};

enum class MapPolicy : std::uint8_t { Furthest, Preference };  ///< HMIP-MN-04 / HMIP-MN-03, errata E-03

/// What a correspondent with mobility support may be told beside that (RFC 6275 §5.2, §9).
struct CorrespondentSpec {
    Duration nonceInterval = 30s;         ///< a new nonce so often, 1 s to 240 s
    std::uint32_t nonces = 8;             ///< good at a time, 1 to 240; a nonce lives interval × number, at most 240 s
    bool refreshRequests = false;         ///< asks mobile nodes for updates before bindings in use end
    std::uint32_t maximumBindings = 1000;
    bool operator==(const CorrespondentSpec&) const = default;
};

/// The network behind a mobile node that is a mobile router (RFC 3963). Its interfaces with an address are those of that network.
struct MobileNetworkSpec {
    std::vector<Prefix> prefixes{};       ///< at most 16; empty: those of the interfaces with an address
    bool explicitPrefixes = true;         ///< updates name them
    bool otherMode = true;                ///< the other way is tried when no home agent accepts
    bool operator==(const MobileNetworkSpec&) const = default;
};

/// What a mobile node may be told beside its home and its peers.
struct MobileSpec {
    std::uint8_t homePrefixLength = 64;
    std::vector<Ipv6Address> furtherHomeAddresses{};
    bool discoverHomeAgents = false;      ///< looks for another home agent when the one in use fails
    bool solicitPrefixes = false;         ///< asks for the prefixes of the home link after the first registration
    bool hierarchical = true;             ///< uses MAPs
    std::optional<Ipv6Address> fixedMap{};
    std::uint8_t maximumMaps = 1;         ///< registered with at a time, 1 to 8
    bool forwardFromPreviousMap = true;
    bool releaseMaps = false;
    bool onLinkAddressForNeighbours = false;
    bool optimisticDetection = false;
    bool acknowledgedByPeers = true;      ///< A in updates to correspondents
    Duration firstTimeout = 1500ms;       ///< InitialBindackTimeoutFirstReg, 100 ms to 32 s
    bool linkEvents = true;               ///< what makes it doubt its router: the link layer,
    std::uint8_t missedAdvertisements = 3;  ///< advertisements that do not come (0: not counted),
    bool newRouters = true;               ///< other routers
    enum class Mcoa : std::uint8_t { Off, Single, Bulk } mcoa = Mcoa::Off;  ///< several care-of addresses (RFC 5648), one or several in an update
    std::vector<node::Flow> flows{};      ///< by which of them packets go (RFC 6089)
    bool homeAndForeign = true;           ///< with them: stays registered elsewhere when an interface is on the home link
    std::optional<MobileNetworkSpec> network{};  ///< none: a mobile host
    std::optional<Ipv4Address> homeAgentIpv4{};  ///< none: that of the home agent, where it is a node of the lab
    bool operator==(const MobileSpec&) const = default;
};

struct NodeSpec {
    std::string name;
    Role role = Role::Correspondent;
    std::vector<InterfaceSpec> interfaces;
    std::vector<RouteSpec> routes;               ///< in place of the shortest ways that a lab works out; not for mn
    bool echo = true;                            ///< answers echo requests
    bool forwarding = true;                      ///< a router passes on packets between its interfaces
    std::uint32_t errorRate = 10;                ///< ICMPv6 and Binding Errors a second, RFC 4443 §2.4 f; 0: none
    std::uint32_t errorBurst = 10;
    // ha, and a map that is a home agent too
    std::vector<Prefix> homePrefixes;            ///< lifetimes: those of the advertised prefix, else the usual ones
    std::vector<Ipv6Address> homeAddresses;      ///< only these may register; empty: any in the home prefixes
    bool discovery = true;                       ///< answers home agent address discovery
    bool prefixDelivery = true;                  ///< sends mobile prefix advertisements
    Duration minPrefixInterval = 600s;           ///< MinMobPfxAdvInterval
    Duration maxPrefixInterval = 86400s;         ///< MaxMobPfxAdvInterval
    // ha, map
    std::chrono::seconds maximumLifetime{3600};  ///< longest binding granted
    std::uint32_t maximumBindings = 1000;        ///< above that 130
    std::chrono::seconds refreshAdvice{0};       ///< Binding Refresh Advice; 0: none
    Duration refreshRequest{0};                  ///< Binding Refresh Requests so long before a binding ends; 0: none
    // ha, map, cn
    node::BidPolicy bids{};                      ///< several care-of addresses (RFC 5648)
    node::FlowPolicy flows{};                    ///< flow bindings (RFC 6089)
    // ha, and a map that is a home agent too
    node::MobileRouterPolicy mobileRouters{};    ///< RFC 3963
    // map
    std::optional<Prefix> regionalPrefix;
    std::vector<Prefix> localPrefixes;           ///< care-of addresses that it forwards to, neighbours' too; empty: any
    // ar, ha, map
    bool probeMaps = false;                      ///< asks the MAPs that it advertises whether they are there (RFC 5380 §10)
    // cn
    bool mobility = false;                       ///< takes part in route optimisation
    CorrespondentSpec correspondent{};
    // mn
    std::optional<Ipv6Address> homeAddress;
    std::string homeAgent;                       ///< a node of role ha, its address, or "discover"
    MobileSpec mobile{};
    MapPolicy mapPolicy = MapPolicy::Furthest;
    std::chrono::seconds lifetime{600};          ///< binding lifetime asked for
    bool optimiseAll = false;                    ///< route optimisation with every correspondent, or
    std::vector<std::string> optimised;          ///< with these nodes of role cn, or addresses
    bool answerProbes = false;                   ///< of all flows; in a lab the flows say which
    bool operator==(const NodeSpec&) const = default;
};

/// Attaches an interface to a link, or detaches it (`attach` empty).
struct LinkEvent {
    TimePoint at{};
    std::string node;
    std::string interface;
    std::optional<std::string> attach;
    bool operator==(const LinkEvent&) const = default;
};

/// Probes at a constant rate from one node to another's (home) address. Correspondents answer all of them.
struct TrafficSpec {
    std::string flow;
    std::string from;
    std::string to;
    double rate = 50;          ///< per second, > 0
    std::uint32_t size = 100;  ///< UDP data octets, 20..1200
    bool answer = true;
    bool operator==(const TrafficSpec&) const = default;
};

/// What must be true after the run; decides run's exit status. Exactly one of `handover`, `findings`, `frames`, `event` and `flow`
/// is set.
struct Expectation {
    std::optional<int> handover;              ///< number, from 1
    std::string kind;                         ///< of that handover, e.g. "intra-map"; empty: any
    std::optional<Duration> interruptionBelow;
    std::optional<std::string> findings;      ///< severity "note", "warning", "error"
    std::optional<std::string> frames{};      ///< a display filter: frames of the capture that match
    std::optional<std::string> event{};       ///< what nodes report, e.g. "duplicate-address"
    std::string node{};                       ///< which node reports it; empty: any
    std::optional<std::string> flow{};        ///< probes of this flow
    std::optional<double> delivered{};        ///< at least this share of them arrives, 0 to 1
    std::optional<Duration> delayBelow{};     ///< half of them take less
    TimePoint from{};                         ///< counts frames, events and probes sent from here on …
    std::optional<TimePoint> until{};         ///< … and before this
    std::optional<int> count{};               ///< exact number of findings, frames or events (of findings 0 when nothing is said), or
    std::optional<int> atLeast{};             ///< bounds of it
    std::optional<int> atMost{};
    std::optional<std::uint16_t> bid{};       ///< of that handover: identifier of the path that came, left or has another address (RFC 5648)
    bool operator==(const Expectation&) const = default;
};

struct Question {
    std::string before;
    std::string ask;
    std::string answer;
    bool operator==(const Question&) const = default;
};

struct Scenario {
    std::string title;
    std::uint64_t seed = 1;
    Duration duration{0};
    Dialect dialect = Dialect::Rfc4140;
    std::vector<LinkSpec> links;
    std::vector<NodeSpec> nodes;
    std::vector<LinkEvent> events;
    std::vector<TrafficSpec> traffic;
    std::vector<FaultSpec> faults;
    std::vector<Expectation> expect;
    std::string goal;  ///< lesson text
    std::vector<Question> questions;
    bool operator==(const Scenario&) const = default;
};

/// A contradiction inside a scenario: where (a JSON pointer such as "/nodes/2/interfaces/0/link"), what was found and what
/// would be right.
struct ScenarioProblem {
    std::string path;
    std::string text;
};

/// Forwards packets and advertises itself.
[[nodiscard]] inline bool isRouter(Role role) { return role == Role::HomeAgent || role == Role::Map || role == Role::AccessRouter; }
/// The interface is on a link of a mobile router's own network.
[[nodiscard]] inline bool isIngress(const NodeSpec& node, const InterfaceSpec& interface) { return node.role == Role::MobileNode && interface.address.has_value(); }
/// The prefixes behind a mobile router; empty for any other node.
[[nodiscard]] std::vector<Prefix> networkPrefixes(const NodeSpec& node);

/// Names that do not exist or exist twice, addresses outside their prefixes, values out of range, roles that lack a setting.
/// Empty when the scenario can be run.
[[nodiscard]] std::vector<ScenarioProblem> validate(const Scenario& scenario);

}  // namespace roamscope::lab
