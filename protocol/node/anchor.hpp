// SPDX-License-Identifier: GPL-3.0-or-later
// Home agent and mobility anchor point: one role with two policies (RFC 6275 §10, RFC 4140/5380 §6.2). Registers, defends
// home addresses by proxy neighbour discovery, tunnels to the care-of address and checks the reverse tunnel.
#pragma once

#include "protocol/node/flow_bindings.hpp"
#include "protocol/node/home_agents_list.hpp"
#include "protocol/node/ip_stack.hpp"
#include "protocol/node/ipv4_agent.hpp"
#include "protocol/node/multicast_relay.hpp"
#include "protocol/node/prefix_delivery.hpp"
#include "protocol/node/registrar.hpp"
#include "protocol/node/router_functions.hpp"

#include <set>

namespace roamscope::node {

/// What an anchor offers beside registrations.
struct AnchorServices {
    bool discovery = true;               ///< a home agent answers those that look for one (HA-DHAAD-01)
    PrefixDelivery::Settings prefixes;   ///< mobile prefix advertisements of a home agent (HA-MPA-01)
    /// Binding Refresh Requests: the first one so long before a binding ends, the last two after a third of that each; 0: none.
    Duration refreshRequest{0};
    MapProber::Settings probing;         ///< of MAPs that it advertises
    FlowPolicy flows;                    ///< flow bindings (RFC 6089)
    std::optional<Ipv4AgentSettings> ipv4{};  ///< of a home agent: takes IPv4 care-of addresses (RFC 5555); the interface and its address stay
};

class Anchor {
public:
    /// The addresses that `stack` has now are the anchor's own; they are added to the policy. A home agent also listens on the
    /// Home-Agents anycast address of each home prefix (HA-DHAAD-03).
    Anchor(IpStack stack, Registrar::Policy policy, std::vector<RouterAdvertiser> advertisers = {}, const AnchorServices& services = {});

    void receive(TimePoint now, std::size_t interface, ByteView frame, Output& out);
    void advance(TimePoint now, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;

    /// What is to end without its mobile node.
    struct Revocation {
        Ipv6Address homeAddress;
        std::vector<std::uint16_t> bids{};  ///< none: the whole binding
        bool notify = true;                 ///< the mobile node is told (RFC 5846; MCOA-BR-01), a second time when it does not answer
    };
    /// Ends it: at once when the mobile node is not told, else with its answer or when it has stayed silent (RFC 5846 §7); one that it refuses
    /// stays. False when it is not there.
    bool revoke(TimePoint now, const Revocation& order, Output& out);
    bool revoke(TimePoint now, const Ipv6Address& homeAddress, Output& out) { return revoke(now, Revocation{homeAddress}, out); }
    /// Its last words; it is not run any more afterwards.
    void cease(TimePoint now, Output& out) { router_.cease(now, stack_, out); }
    /// Other settings from now on; bindings that are there stay as they are.
    /// Mobile nodes are told of home prefixes that changed (RFC 6275 §10.6.2), and no binding outlives them.
    void configure(TimePoint now, Registrar::Policy policy, std::vector<RouterAdvertiser> advertisers, const AnchorServices& services = {});

    [[nodiscard]] const IpStack& stack() const { return stack_; }
    [[nodiscard]] IpStack& stack() { return stack_; }
    [[nodiscard]] const Registrar& registrar() const { return registrar_; }
    /// Flow bindings by home address, ordered.
    [[nodiscard]] const std::map<Ipv6Address, std::vector<Flow>>& flows() const { return flows_; }
    [[nodiscard]] const Ipv4Agent* ipv4() const { return ipv4_ ? &*ipv4_ : nullptr; }

private:
    using LinkAddress = std::pair<std::size_t, Ipv6Address>;  ///< interface and link-local address

    void handle(TimePoint now, Delivery& delivery, Output& out);
    /// A packet to ourselves; gives the inner packet when it came through a tunnel that is allowed.
    std::optional<wire::Ipv6Packet> local(TimePoint now, const Delivery& delivery, Output& out);
    std::optional<wire::Ipv6Packet> untunnel(TimePoint now, const wire::Ipv6Packet& packet, Output& out);
    /// A packet of a mobile node came by one of its care-of addresses (MCOA-FWD-01).
    void cameFrom(const Ipv6Address& home, const Ipv6Address& careOf);
    /// `from`: the message came in an IPv4 packet.
    void onMobility(TimePoint now, const Delivery& delivery, Output& out, const std::optional<Ipv4Way>& from = std::nullopt);
    /// Has what an update of `home` from `careOf` needs come into the caches.
    void bringNear(const Ipv6Address& home, const Ipv6Address& careOf) const;
    /// `asked`: what the update that is judged says of IPv4; none: one that has waited, or there is nothing.
    void act(TimePoint now, Registrar::Verdict verdict, Output& out, const Ipv4Update* asked = nullptr);
    void sendAck(TimePoint now, Registrar::Verdict& verdict, const Ipv4Update* asked, Output& out);
    void intercept(TimePoint now, Delivery& delivery, Output& out);
    void drainStack(TimePoint now, Output& out);
    /// Our own packets to networks behind mobile routers, where other mobile nodes may be (NEMO-HA-05).
    void sendToNetworks(TimePoint now, Output& out);
    void nameNetworks();

    /// Duplicate address detection for a new home address, and with L for the link-local address that belongs to it (HA-BU-04).
    void detect(TimePoint now, const Binding& binding, Output& out);
    void detected(TimePoint now, std::size_t interface, const Ipv6Address& home, Output& out);
    void conflict(TimePoint now, const Ipv6Address& home, Output& out);
    /// Holds the addresses of a live binding as proxy, newly taken ones with an advertisement (HA-ND-01).
    void defend(TimePoint now, const Binding& binding, Output& out);
    void markRouter(std::size_t interface, const Binding& binding);
    void defendLinkLocal(TimePoint now, std::size_t interface, const Binding& binding, bool verified, Output& out);
    void stopDefending(TimePoint now, const Ipv6Address& home, Output& out);
    void releaseLinkLocal(TimePoint now, const Ipv6Address& home, Output& out);
    [[nodiscard]] bool isReady(std::size_t interface, const Ipv6Address& address) const;

    // ---- anchor_services.cpp
    /// What a home agent is asked beside registrations. False when it was nothing of that kind.
    bool serve(TimePoint now, const Delivery& delivery, Output& out);
    void answerDiscovery(TimePoint now, const Delivery& delivery, const wire::HomeAgentDiscoveryRequest& request, Output& out);
    void listen();
    [[nodiscard]] Registrar::Policy withOwnAddresses(Registrar::Policy policy) const;
    void deliverPrefixes(TimePoint now, Output& out);
    [[nodiscard]] wire::MobilePrefixAdvertisement prefixesOf(TimePoint now, std::size_t interface) const;
    void prefixesChanged(TimePoint now, std::size_t interface);
    void remember(TimePoint now, const Binding& binding);
    void forget(const Ipv6Address& home);
    void requestRefreshes(TimePoint now, Output& out);

    // ---- anchor_bids.cpp
    /// Keeps what an update says beside its binding until that is there: flow options, and where on the home link its node is.
    void noteUpdate(const Delivery& delivery, const wire::BindingUpdate& update, const Registrar::Verdict& verdict);
    /// HA-DEREG-03, MCOA-HA-16: the answer to a node that is at home goes to its link-layer address, even while others are told ours. It
    /// answers no solicitations before it has that (RFC 5648 §5.6.3, §5.6.4).
    void learnHomeLink(TimePoint now, const Delivery& delivery, const wire::BindingUpdate& update, const Registrar::Verdict& verdict, Output& out);
    /// The flow options of the update that `binding` was registered by take effect; their answers go into `ack`.
    void applyFlowOptions(TimePoint now, const Binding& binding, wire::BindingAck& ack, Output& out);
    void forgetParts(const Ipv6Address& home);
    void leftHomeLink(const Ipv6Address& home);
    void tellStack(const Binding& binding, const Ipv6Address& careOf);
    /// Whether neighbour discovery for the home address is the mobile node's own (MCOA-HA-09, status 0).
    [[nodiscard]] bool leavesDiscovery(const Binding& binding) const;
    /// Sends a packet to a mobile node by what its flow bindings say, a copy each way.
    void sendByFlows(TimePoint now, const Binding& binding, const wire::Ipv6Packet& packet, Output& out);
    /// Sends a packet for a mobile node to one of its care-of addresses: through the tunnel, or on the home link.
    void sendAlong(TimePoint now, const Binding& binding, const Ipv6Address& careOf, const wire::Ipv6Packet& packet, Output& out);
    void indicateRevocation(TimePoint now, const Binding& binding, const Ipv6Address& careOf, const std::vector<std::uint16_t>& bids, Output& out);
    /// Ends what was revoked and is still there; no identifiers: all.
    void endRevoked(TimePoint now, const Ipv6Address& home, std::vector<std::uint16_t> bids, Output& out);
    void onRevocation(TimePoint now, const wire::Ipv6Packet& packet, bool overIpv4, const wire::BindingRevocation& message, Output& out);
    void repeatRevocations(TimePoint now, Output& out);

    // ---- anchor_ipv4.cpp
    void fromIpv4(TimePoint now, std::size_t interface, ByteView frame, Output& out);
    /// `packet` to the home address in an IPv4 packet; one that is too big is cut when it is ours, else its source hears of it.
    void sendOverIpv4(TimePoint now, const wire::Ipv6Packet& packet, const Ipv4Way& way, Output& out);
    /// The way to a care-of address that is an IPv4 one.
    [[nodiscard]] std::optional<Ipv4Way> ipv4Way(const Ipv6Address& home, const Ipv6Address& careOf) const;
    /// Packets of our own that the stack addressed to an IPv4 care-of address.
    bool sendCarried(TimePoint now, const wire::Ipv6Packet& packet, Output& out);

    // ---- anchor_tunnels.cpp
    /// An error about a packet of a tunnel of ours: its source hears of it (RFC 2473 §8).
    void onTunnelError(TimePoint now, const wire::IcmpError& error, Output& out);
    /// A multicast packet that a mobile node has tunnelled: a listener report for us, or data for its home link.
    void fromMobileNode(TimePoint now, const wire::Ipv6Packet& outer, wire::Ipv6Packet packet, Output& out);
    /// A multicast packet of the home link, for those mobile nodes that want it (HA-FWD-04).
    void relayToMobileNodes(TimePoint now, const Delivery& delivery, Output& out);
    void leaveGroups(TimePoint now, const Ipv6Address& home, const std::vector<Ipv6Address>& groups, Output& out);
    void askListeners(TimePoint now, Output& out);

    void release(TimePoint now, const Binding& binding, std::string_view why, Output& out);
    /// The binding consists of other parts than `before`: tunnels and peers follow.
    void rearrange(TimePoint now, const std::vector<BidBinding>& before, const Binding& binding, std::string_view why, Output& out);
    void expire(TimePoint now, Output& out);
    void bindingEvent(TimePoint now, const Binding& binding, Output& out) const;

    IpStack stack_;
    Registrar registrar_;
    RouterFunctions router_;
    AnchorServices services_;
    std::map<std::size_t, HomeAgentsList> homeAgents_;  ///< by interface
    PrefixDelivery prefixes_;
    MulticastRelay multicast_;
    struct RefreshRequest {
        TimePoint next{};
        int left = 0;
    };
    std::map<Ipv6Address, RefreshRequest> requests_;  ///< by home address
    std::set<std::pair<TimePoint, Ipv6Address>> requestTimers_;
    /// Home addresses of mobile nodes that are on their home link beside others (MCOA-HA-09).
    std::set<Ipv6Address> homeLinks_;
    std::map<Ipv6Address, std::vector<wire::MobilityOption>> flowOptions_;     ///< of updates whose binding is not there yet
    std::map<Ipv6Address, std::vector<Flow>> flows_;                           ///< by home address, none of them empty
    FlowSteering steering_;
    struct Indication {
        Ipv6Address homeAddress;
        std::vector<std::uint16_t> bids;  ///< none: all of them
        wire::Ipv6Packet packet;
        std::optional<Ipv4Way> way;
        std::uint16_t sequence = 0;
        TimePoint next{};
        bool repeated = false;
    };
    void sendIndication(TimePoint now, const Indication& indication, Output& out);
    static constexpr std::size_t maxIndications = 256;  ///< that wait for an answer
    std::vector<Indication> indications_;
    std::uint16_t lastIndication_ = 0;
    std::optional<Ipv4Agent> ipv4_;
    /// Whoever looks for home agents gets up to thirty times as many octets: so many answers a second at most.
    static constexpr double discoveriesPerSecond = 100;
    double discoveryTokens_ = discoveriesPerSecond;
    TimePoint discoveryTokensAt_{};
    /// Link-local addresses held for bindings with L, and whose they are: two home addresses may end alike.
    std::map<LinkAddress, std::vector<Ipv6Address>> linkLocals_;
};

}  // namespace roamscope::node
