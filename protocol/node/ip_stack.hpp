// SPDX-License-Identifier: GPL-3.0-or-later
// The IPv6 of a node: interfaces, addresses with duplicate address detection (RFC 4862), neighbours (RFC 4861), listener
// reports (RFC 3810), routes and forwarding. Roles (access router, anchor, mobile node, correspondent) are built on it; what
// the stack does not settle itself comes back to the role as a Delivery or a StackEvent. Copyable value, no pointers inside.
#pragma once

#include "protocol/base/near.hpp"
#include "protocol/base/random.hpp"
#include "protocol/base/result.hpp"
#include "protocol/node/address_table.hpp"
#include "protocol/node/bid_bindings.hpp"
#include "protocol/node/flow_match.hpp"
#include "protocol/node/fragments.hpp"
#include "protocol/node/group_table.hpp"
#include "protocol/node/neighbor_cache.hpp"
#include "protocol/node/output.hpp"
#include "protocol/node/route_table.hpp"
#include "protocol/wire/ethernet.hpp"
#include "protocol/wire/mobility.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace roamscope::node {

/// What a node's IPv6 does with packets of others and about errors.
struct StackSettings {
    bool router = false;                 ///< R flag, all-routers group
    bool forwards = true;                ///< a router passes on packets between its interfaces; those out of tunnels always go on
    bool answersEcho = true;
    std::uint32_t errorsPerSecond = 10;  ///< ICMPv6 and Binding Errors (RFC 4443 §2.4 f); 0: none at all
    std::uint32_t errorBurst = 10;
};

/// What packets have that nobody gave a hop limit of their own: the default of Ipv6Packet.
inline constexpr std::uint8_t usualHopLimit = 64;

struct InterfaceSettings {
    int dadTransmits = 1;                ///< DupAddrDetectTransmits, RFC 4862 §5.1; 0: addresses are usable at once
    Duration retransTimer = 1s;          ///< RFC 4861 §10
    std::uint32_t mtu = 1500;            ///< at least 1280
    std::uint8_t hopLimit = usualHopLimit;  ///< CurHopLimit (RFC 4861 §6.3.2), of what the node sends there without a reason for another one
    bool autoconfigures = false;         ///< takes routers, prefixes and addresses from advertisements (RFC 4861 §6.3, RFC 4862 §5.5)
};

/// Outcome of duplicate address detection (MN-DAD-01, HA-BU-04, HMIP-MAP-02), a neighbour that went silent, one that answered
/// probeNeighbor(), one that says to be no router any more, or who says to have the address of watchAdvertisements().
struct StackEvent {
    enum class Kind : std::uint8_t { AddressReady, AddressDuplicate, NeighborLost, NeighborConfirmed, NeighborResigned, Advertised } kind;
    std::size_t interface = 0;
    Ipv6Address address;
    Mac mac{};  ///< of Advertised
};

/// A packet for the role.
struct Delivery {
    enum class Kind : std::uint8_t {
        Local,        ///< to one of our addresses or groups
        Intercepted,  ///< to an address that we hold as proxy
        Forward,      ///< to somebody else (routers only)
    } kind = Kind::Local;
    std::size_t interface = 0;
    Mac sourceMac;
    wire::Ipv6Packet packet;
    std::optional<wire::Icmpv6Message> icmp;  ///< when Local, ICMPv6 and acceptable
    /// The source on the wire when `packet.source` is a home address that took its place (RFC 6275 §9.3.1).
    std::optional<Ipv6Address> careOf;
};

/// Why a packet must be dropped for an extension header of it (RFC 8200 §4.2, §4.4).
struct HeaderProblem {
    std::uint8_t code = 0;          ///< of the Parameter Problem
    std::uint32_t pointer = 0;
    bool silent = false;            ///< no error is sent
    bool evenToGroups = false;      ///< it is sent although the packet was for a group
};
/// Looks at the octets of a whole packet. `forUs`: we are its destination; otherwise only what routers read counts.
[[nodiscard]] std::optional<HeaderProblem> headerProblem(ByteView packet, bool forUs);

class IpStack {
public:
    IpStack(bool router, Random random) : IpStack(StackSettings{router}, random) {}
    IpStack(StackSettings settings, Random random) : settings_(settings), router_(settings.router), random_(random), errorTokens_(settings.errorBurst) {}

    // ---- configuration, before time 0
    std::size_t addInterface(std::string name, Mac mac, const InterfaceSettings& settings = {});
    /// An address taken as verified before time 0, as on a node that has been up for long, or tested from time 0 on; its prefix is on-link.
    void addStaticAddress(std::size_t interface, const Prefix& address, bool verified = true);
    void addAnycastAddress(std::size_t interface, const Ipv6Address& address);
    void addRoute(const Prefix& destination, std::size_t interface, const Ipv6Address& nextHop);
    /// The interface is one of an IPv4 network, too: hears() is true of frames to everybody.
    void hearBroadcast(std::size_t interface) { interfaces_[interface].groups.hearBroadcast(); }

    // ---- mobility of peers (RFC 6275 §9.3; RR-CN-10, -11, -16)
    /// Takes part in route optimisation: understands home address options. Without this the node answers them with a Parameter
    /// Problem (RFC 8200 §4.2), as one that has never heard of mobility. Settings before time 0.
    void setMobilitySupport() { mobilitySupport_ = true; }
    /// Packets of ours to `home` go with a type 2 routing header to `careOf`, and packets from there with that home address are taken.
    /// With several care-of addresses (RFC 5648) `parts` has them all: packets go where `flows`, which are ordered, send them, else to the
    /// one that a packet of the peer came from last (MCOA-FWD-01), or to `careOf` where they have priorities. What is for an IPv4 care-of
    /// address (::ffff:a.b.c.d) waits in takeCarried(), with the home address in its routing header.
    void setMobilePeer(const Ipv6Address& home, const Ipv6Address& careOf, const std::vector<BidBinding>& parts = {}, std::vector<Flow> flows = {});
    void clearMobilePeer(const Ipv6Address& home)
    {
        if (const MobilePeer* peer = mobilePeers_.find(home)) mobilePeers_.remove(*peer, false);
    }
    /// Has a packet of ours to a mobile peer go straight to its care-of address, with a type 2 routing header. Never neighbour discovery
    /// and messages of the Mobility Header (RR-CN-10, MN-TX-04). send() does it for packets from an address of the stack's own.
    /// Gives the care-of addresses that a flow binding wants copies for (FLOW-08).
    std::vector<Ipv6Address> addressMobilePeer(TimePoint now, wire::Ipv6Packet& packet);
    /// The care-of address at which that peer is known.
    [[nodiscard]] std::optional<Ipv6Address> mobilePeer(const Ipv6Address& home) const
    {
        const MobilePeer* peer = mobilePeers_.find(home);
        return peer ? std::optional(peer->careOf) : std::nullopt;
    }
    /// When a packet went straight to or came straight from that peer last; time 0 when none has.
    [[nodiscard]] TimePoint mobilePeerUsed(const Ipv6Address& home) const
    {
        const MobilePeer* peer = mobilePeers_.find(home);
        return peer ? peer->used : TimePoint{};
    }
    /// The message in a packet to us. Nothing when it must be dropped: silently (bad checksum), after a Binding Error (a type above
    /// `lastType`) or after a Parameter Problem (Payload Proto, Header Len). MH-RX-01.
    [[nodiscard]] std::optional<wire::MobilityMessage> mobility(TimePoint now, const wire::Ipv6Packet& packet, Output& out,
                                                                std::uint8_t lastType = 7);
    /// For a node that cannot read what `packet` carries: a Parameter Problem that points at its number (RFC 8200 §4).
    void refuseNextHeader(TimePoint now, const wire::Ipv6Packet& packet, Output& out);
    /// The error for a packet to us that nobody here takes: no such port (RFC 4443 §3.1), or refuseNextHeader().
    void refuseUpper(TimePoint now, const wire::Ipv6Packet& packet, Output& out);
    /// The same about a routing header whose type it does not know: code 0, at the type (RFC 8200 §4.4).
    void refuseRouting(TimePoint now, const wire::Ipv6Packet& packet, Output& out);
    /// An ICMPv6 error about `packet` to whoever sent it, within the limits of RFC 4443 §2.4. `parameter` is the MTU of a Packet Too
    /// Big; `interface` is needed when the source is link-local.
    void refuse(TimePoint now, const wire::Ipv6Packet& packet, std::uint8_t type, std::uint8_t code, Output& out, std::uint32_t parameter = 0,
                std::optional<std::size_t> interface = std::nullopt);
    /// Binding Error to whoever sent `packet`, within the limits of errors (RR-CN-11). Status 1: unknown binding, 2: unknown type.
    void sendBindingError(TimePoint now, std::uint8_t status, const wire::Ipv6Packet& packet, Output& out);

    /// The same about a packet of which `octets` are the start, as it was quoted in an error that came back to us as the entry of a
    /// tunnel (RFC 2473 §8.2): to its source.
    void relayError(TimePoint now, ByteView octets, std::uint8_t type, std::uint8_t code, Output& out, std::uint32_t parameter = 0);
    /// Takes packets for a group that others want, too: they come as Forward. Not for groups of this node itself.
    void relayGroup(TimePoint now, std::size_t interface, const Ipv6Address& group, Output& out);
    void unrelayGroup(TimePoint now, std::size_t interface, const Ipv6Address& group, Output& out) { leave(now, interface, group, out); }

    // ---- networks behind a mobile router (RFC 3963 §5)
    /// Has a host be a router on this interface, or not any more: R in advertisements of its addresses, the all-routers group, and packets
    /// to others come as Forward. A router is one on every interface anyway.
    void setRouter(TimePoint now, std::size_t interface, bool router, Output& out);
    /// Packets from these prefixes to anywhere else wait in takeCarried() for the role, ours as well as others'.
    void setBehind(std::vector<Prefix> prefixes) { behind_ = std::move(prefixes); }
    /// Packets to these prefixes wait in takeCarried() for the role, which has tunnels to them (NEMO-HA-05).
    void setTunnelled(std::vector<Prefix> prefixes) { tunnelled_ = std::move(prefixes); }
    /// Sends to `nextHop` on this interface, whatever the routes and tunnels say.
    void sendVia(TimePoint now, wire::Ipv6Packet packet, std::size_t interface, const Ipv6Address& nextHop, Output& out) { sendTo(now, std::move(packet), Hop{interface, nextHop}, out); }
    [[nodiscard]] bool isBehind(const Ipv6Address& address) const
    {
        return std::any_of(behind_.begin(), behind_.end(), [&](const Prefix& p) { return p.contains(address); });
    }

    // ---- addresses that only a tunnel reaches
    /// Addresses of ours (home addresses of a node that is away, RCoAs) which the role sends from, through its tunnels. What the stack
    /// has to send from one of them, such as errors, waits for it in takeCarried().
    void setCarried(std::vector<Ipv6Address> addresses) { carried_ = std::move(addresses); }
    [[nodiscard]] std::vector<wire::Ipv6Packet> takeCarried() { return std::exchange(waitingCarried_, {}); }
    [[nodiscard]] bool isCarried(const Ipv6Address& address) const { return std::find(carried_.begin(), carried_.end(), address) != carried_.end(); }
    /// Addresses whose packets are taken from any link, without neighbour discovery for them (MCOA-MN-17).
    void setSilent(std::vector<Ipv6Address> addresses) { silent_ = std::move(addresses); }
    [[nodiscard]] bool isOurs(const Ipv6Address& address) const { return isCarried(address) || owns(address); }
    /// Looks at the home address option of a packet to us (RR-CN-16, HA-HAO-01): the home address takes the source's place. False when
    /// the packet must not go on; its sender has been told. receive() and receiveInner() do it.
    [[nodiscard]] bool acceptHomeAddress(TimePoint now, Delivery& delivery, Output& out);

    /// Other limits and switches while the node runs; a router stays one.
    void configure(const StackSettings& settings) { settings_ = settings; }
    [[nodiscard]] bool answersEcho() const { return settings_.answersEcho; }

    // ---- link state
    void linkUp(TimePoint now, std::size_t interface, Output& out);
    /// Addresses from advertisements, neighbours and queued packets of the interface are gone; static ones stay.
    void linkDown(TimePoint now, std::size_t interface, Output& out);
    /// Not while the interface is disabled either, because its link-local address is another node's, too (RFC 4862 §5.4.5); linkUp() ends that.
    [[nodiscard]] bool isUp(std::size_t interface) const { return interfaces_[interface].up; }

    // ---- addresses
    /// Starts duplicate address detection; AddressReady or AddressDuplicate follows. DupAddrDetectTransmits is 1 and there is
    /// no random delay before (MN-DAD-02). With `verified` the address is usable at once.
    void assign(TimePoint now, std::size_t interface, const Ipv6Address& address, bool proxy, bool verified, Output& out);
    /// The same, but the address is used from now on, under the restrictions of RFC 4429 §3.2, §3.3 (MN-DAD-03).
    void assignOptimistic(TimePoint now, std::size_t interface, const Ipv6Address& address, Output& out);
    void remove(TimePoint now, std::size_t interface, const Ipv6Address& address, Output& out);
    [[nodiscard]] const InterfaceAddress* find(const Ipv6Address& address) const;
    [[nodiscard]] const InterfaceAddress* findOn(std::size_t interface, const Ipv6Address& address) const;
    [[nodiscard]] bool owns(const Ipv6Address& address) const;      ///< usable and our own, not an anycast address
    [[nodiscard]] bool proxies(const Ipv6Address& address) const;   ///< preferred and held as proxy
    [[nodiscard]] Ipv6Address linkLocalAddress(std::size_t interface) const;
    /// The interface whose on-link prefix (of a static address) covers `address`.
    [[nodiscard]] std::optional<std::size_t> interfaceOf(const Ipv6Address& address) const;

    // ---- packets
    /// Whether receive() would look into a frame to this link-layer address.
    [[nodiscard]] bool hears(std::size_t interface, const Mac& destination) const
    {
        return interfaces_[interface].up && accepts(interfaces_[interface], destination);
    }
    /// GroupTable::filter() of the interface.
    [[nodiscard]] std::uint64_t groupFilter(std::size_t interface) const { return interfaces_[interface].groups.filter(); }
    /// A frame from the link: filtered like a network card does, neighbour discovery and echo answered here. Malformed packets
    /// and bad checksums are dropped silently (MH-RX-01).
    [[nodiscard]] std::optional<Delivery> receive(TimePoint now, std::size_t interface, ByteView frame, Output& out);
    /// The same for a packet that came out of a tunnel on `interface`. Neighbour discovery is not believed: it did not come from
    /// this link (RFC 4861 §7.1).
    [[nodiscard]] std::optional<Delivery> receiveInner(TimePoint now, std::size_t interface, wire::Ipv6Packet packet, Output& out);
    /// Where a packet that came out of a tunnel belongs.
    [[nodiscard]] std::optional<Delivery::Kind> classify(const Ipv6Address& destination) const;
    /// Originates or passes on a packet as it is. Unicast goes by the routes; link-scope destinations need `interface`.
    void send(TimePoint now, wire::Ipv6Packet packet, Output& out, std::optional<std::size_t> interface = std::nullopt);
    /// The same by this interface, whatever the routes say: to a neighbour there, or to its default router.
    void sendBy(TimePoint now, wire::Ipv6Packet packet, std::size_t interface, Output& out);
    // ---- sizes of packets (ip_stack_fragments.cpp). send() cuts what is too large for the way and ours, and tells the senders of other
    // packets (RFC 8200 §5, RFC 4443 §3.2); pieces for us are put together before anybody sees them.
    /// MTU of the way to `destination` as far as it is known.
    [[nodiscard]] std::size_t pathMtu(TimePoint now, const Ipv6Address& destination) const;
    /// A Packet Too Big about a packet of ours to `destination` came by a way that the stack does not see.
    void learnPathMtu(TimePoint now, const Ipv6Address& destination, std::uint32_t mtu) { pathMtus_.told(now, destination, mtu); }
    /// `packet` in pieces of at most `mtu` octets.
    [[nodiscard]] std::vector<wire::Ipv6Packet> piecesOf(const wire::Ipv6Packet& packet, std::size_t mtu) { return fragmented(packet, mtu, nextFragment_++); }
    /// A packet out of a tunnel that is a piece of one for us: the whole, when it is complete.
    [[nodiscard]] std::optional<wire::Ipv6Packet> reassembled(TimePoint now, const wire::Ipv6Packet& packet) { return fragments_.add(now, packet); }
    /// Scope and hop limit of a packet that is passed on (RFC 8200 §3, RFC 4291 §2.5.6): lowers the limit, or gives false after
    /// the error that the sender gets.
    [[nodiscard]] bool passOn(TimePoint now, wire::Ipv6Packet& packet, Output& out);
    /// Passes on somebody else's packet: passOn(), then send().
    void forward(TimePoint now, wire::Ipv6Packet packet, Output& out);
    /// An ICMPv6 message from `source` (unspecified: chosen by interface and scope).
    void sendIcmp(TimePoint now, std::size_t interface, const Ipv6Address& source, const Ipv6Address& destination,
                  const wire::Icmpv6Message& message, Output& out, std::uint8_t hopLimit = 255);
    /// Multicast neighbour advertisement for an address held as proxy: R=0, S=0, O=1 (HA-ND-01, HMIP-MAP-05).
    void advertiseProxy(TimePoint now, std::size_t interface, const Ipv6Address& address, Output& out);
    /// An address held as proxy is a router's: R=1 in what is advertised about it (NEMO-HA-02).
    void setProxyRouter(std::size_t interface, const Ipv6Address& address)
    {
        if (findOn(interface, address)) interfaces_[interface].proxyRouters.push_back(address);
    }
    /// Link-layer address of a neighbour learnt from an RA or RS.
    void learnNeighbor(TimePoint now, std::size_t interface, const Ipv6Address& address, const Mac& mac, bool router, Output& out);
    /// The link-layer address of a neighbour that does no neighbour discovery, until it is taken back with none (MCOA-HA-16).
    void pinNeighbor(std::size_t interface, const Ipv6Address& address, std::optional<Mac> mac)
    {
        if (mac) interfaces_[interface].neighbors.pin(address, *mac);
        else interfaces_[interface].neighbors.unpin(address);
    }
    /// Asks a neighbour whether it is still there (RFC 4861 §7.3, MN-MOV-03): NeighborConfirmed or NeighborLost follows.
    void probeNeighbor(TimePoint now, std::size_t interface, const Ipv6Address& address, Output& out);
    /// The link-layer address of a neighbour, when it is known.
    [[nodiscard]] std::optional<Mac> neighborMac(std::size_t interface, const Ipv6Address& address) const;
    /// Advertisements of this address by others make events; none: of no address.
    void watchAdvertisements(std::optional<Ipv6Address> address) { watched_ = address; }

    /// What a valid advertisement says of the link itself: hop limit, reachable time, retransmission timer (each unless it is 0) and MTU
    /// (1280 to 1500; others change nothing), RFC 4861 §6.3.4, §4.6.4. Holds until linkDown() or forgetLink().
    void learnLink(std::size_t interface, const wire::RouterAdvertisement& ra);
    /// Another link was entered unnoticed: those values are the settings' again.
    void forgetLink(std::size_t interface);
    /// RetransTimer of the link.
    [[nodiscard]] Duration retransTimer(std::size_t interface) const { return interfaces_[interface].settings.retransTimer; }
    /// On-link prefix and default router of a host interface; set by router discovery.
    void setOnLink(std::size_t interface, const Prefix& prefix);
    /// Forgets the prefixes of setOnLink(): another link was entered unnoticed.
    void clearOnLink(std::size_t interface);
    void setDefaultRouter(std::size_t interface, std::optional<Ipv6Address> router);

    void advance(TimePoint now, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;
    /// Whether takeEvents() or takeCarried() has something.
    [[nodiscard]] bool hasNews() const { return !events_.empty() || !waitingCarried_.empty(); }
    [[nodiscard]] std::vector<StackEvent> takeEvents() { return std::exchange(events_, {}); }

    /// Has what receive() and advance() look at first come into the caches.
    void bringNear() const { roamscope::bringNear(interfaces_); }
    /// The same for what the interfaces refer to, which must be there already.
    void bringListsNear() const
    {
        for (const Interface& interface : interfaces_) {
            interface.addresses.bringNear();
            interface.groups.bringNear();
            interface.neighbors.bringNear();
        }
        routes_.bringNear();
    }
    /// The same for what an answer to that address, and a change of its mobile peer, look at first.
    void bringNear(const Ipv6Address& address, const Ipv6Address& home) const
    {
        for (const Interface& interface : interfaces_) interface.addresses.bringNear(address);
        mobilePeers_.bringNear(home);
    }
    [[nodiscard]] std::size_t interfaceCount() const { return interfaces_.size(); }
    [[nodiscard]] const std::string& interfaceName(std::size_t interface) const { return interfaces_[interface].name; }
    [[nodiscard]] Mac mac(std::size_t interface) const { return interfaces_[interface].mac; }
    [[nodiscard]] std::uint32_t mtu(std::size_t interface) const { return interfaces_[interface].settings.mtu; }
    [[nodiscard]] const std::vector<InterfaceAddress>& addresses(std::size_t interface) const { return interfaces_[interface].addresses.list(); }
    Random& random() { return random_; }

private:
    /// What an interface has learnt from advertisements (ip_stack_autoconf.cpp).
    struct Learnt {
        struct Timed {
            Prefix prefix;                          ///< or a router's or an own address
            std::optional<TimePoint> until;         ///< none: for ever
            std::optional<TimePoint> preferredUntil;
        };
        int solicitationsLeft = 0;
        TimePoint nextSolicitation{};
        std::vector<Timed> routers;                 ///< the first one is the default router
        std::vector<Timed> onLink;
        std::vector<Timed> addresses;
    };
    struct Interface {
        std::string name;
        Mac mac;
        bool up = true;
        AddressTable addresses;
        GroupTable groups;
        std::vector<Prefix> onLink;
        std::vector<Ipv6Address> staticAddresses;
        std::optional<Ipv6Address> defaultRouter;
        NeighborCache neighbors;
        InterfaceSettings settings{};
        InterfaceSettings configured{};           ///< `settings` before any advertisement
        Duration reachableTime{0};                ///< advertised last; 0: none
        Learnt learnt{};
        bool router = false;                      ///< of a node that is a host elsewhere
        std::vector<Ipv6Address> proxyRouters{};  ///< addresses of mobile routers among those that are held as proxy
        std::vector<std::pair<Ipv6Address, TimePoint>> left{};  ///< groups, and when it is told once more that they were left
    };
    static constexpr std::size_t maxLeft = 16;
    struct Hop {
        std::size_t interface;
        Ipv6Address address;
    };

    [[nodiscard]] bool accepts(const Interface& interface, const Mac& destination) const;
    void sendTo(TimePoint now, wire::Ipv6Packet packet, std::optional<Hop> hop, Output& out);
    [[nodiscard]] std::optional<Hop> nextHop(const Ipv6Address& destination, const Ipv6Address& source) const;
    /// MN-DAD-03: for a packet from an optimistic address nobody's link-layer address is asked for; the router knows the way.
    void avoidResolution(const Ipv6Address& source, Hop& hop) const;
    [[nodiscard]] bool isProxyRouter(std::size_t interface, const Ipv6Address& address) const
    {
        const auto& list = interfaces_[interface].proxyRouters;
        return std::find(list.begin(), list.end(), address) != list.end();
    }
    [[nodiscard]] InterfaceAddress* heldOn(std::size_t interface, const Ipv6Address& address) { return interfaces_[interface].addresses.find(address); }
    [[nodiscard]] Ipv6Address chooseSource(std::size_t interface, const Ipv6Address& destination) const;

    /// True when the message was neighbour discovery of ours or an echo request and is settled.
    bool settle(TimePoint now, const Delivery& delivery, Output& out);
    void onSolicitation(TimePoint now, const Delivery& delivery, const wire::NeighborSolicitation& ns, Output& out);
    void onAdvertisement(TimePoint now, const Delivery& delivery, const wire::NeighborAdvertisement& na, Output& out);
    void duplicate(TimePoint now, std::size_t interface, const Ipv6Address& address, Output& out);

    void join(TimePoint now, std::size_t interface, const Ipv6Address& group, bool report, Output& out);
    void leave(TimePoint now, std::size_t interface, const Ipv6Address& group, Output& out);
    /// `left`: that the node wants the group no more.
    void reportGroup(std::size_t interface, const Ipv6Address& group, Output& out, bool left = false);
    void repeatLeft(TimePoint now, std::size_t interface, Output& out);
    /// Tells that a mobility message of ours leaves.
    void reportSent(TimePoint now, const wire::Ipv6Packet& packet, Output& out) const;
    /// Reports are due within `milliseconds`, of all groups or of the one that is asked about (RFC 3810 §6.2).
    void answerQuery(TimePoint now, const Delivery& delivery, std::uint32_t milliseconds, const Ipv6Address& group);
    void probe(TimePoint now, std::size_t interface, InterfaceAddress& address, Output& out);
    void carryOut(TimePoint now, std::size_t interface, NeighborCache::Actions& actions, Output& out);
    /// False when nothing is left for the role. take() is the part that does not depend on the link.
    [[nodiscard]] bool receive(TimePoint now, ByteView frame, Delivery& delivery, Output& out);
    [[nodiscard]] bool take(TimePoint now, Delivery& delivery, bool tunnelled, Output& out);
    void sendQuoting(TimePoint now, const wire::Ipv6Packet& packet, ByteView octets, std::uint8_t type, std::uint8_t code, Output& out, std::uint32_t parameter,
                     std::optional<std::size_t> interface);
    void sendError(TimePoint now, const wire::Ipv6Packet& packet, std::uint8_t type, std::uint8_t code, Output& out, std::uint32_t parameter = 0,
                   bool evenToGroups = false, std::optional<std::size_t> interface = std::nullopt);
    /// False when the packet was too big for the link and has been dealt with: refused, or sent in fragments (ip_stack_headers.cpp).
    [[nodiscard]] bool fits(TimePoint now, std::size_t interface, const Hop& hop, const wire::Ipv6Packet& packet, Output& out);
    [[nodiscard]] bool takeErrorToken(TimePoint now);
    [[nodiscard]] bool mayReportError(TimePoint now, const wire::Ipv6Packet& packet, bool evenToGroups);
    void transmit(std::size_t interface, const Mac& destination, const wire::Ipv6Packet& packet, Output& out) const;
    void startDetection(TimePoint now, std::size_t interface, InterfaceAddress address, Output& out);
    /// Takes a Packet Too Big about a packet of ours.
    void onTooBig(TimePoint now, const wire::IcmpError& error);
    void addressEvent(TimePoint now, std::size_t interface, const InterfaceAddress& address, Output& out) const;

    // RFC 4861 §6.3, RFC 4862 §5.5 (ip_stack_autoconf.cpp)
    /// The base value times 0.5 to 1.5 (RFC 4861 §6.3.2); without one REACHABLE_TIME.
    [[nodiscard]] Duration randomReachableTime(Duration base = 30s);
    void startAutoconfiguration(TimePoint now, std::size_t interface);
    void solicitRouters(TimePoint now, std::size_t interface, Output& out);
    void onRouterAdvertisement(TimePoint now, const Delivery& delivery, const wire::RouterAdvertisement& ra, Output& out);
    void learnPrefix(TimePoint now, std::size_t interface, const wire::PrefixInformation& option, Output& out);
    void learnRouter(TimePoint now, std::size_t interface, const Ipv6Address& router, std::chrono::seconds lifetime, Output& out);
    void advanceAutoconfiguration(TimePoint now, std::size_t interface, Output& out);
    [[nodiscard]] static std::optional<TimePoint> nextDeadline(const Learnt& learnt);
    void useRouters(TimePoint now, std::size_t interface, Output& out);

    StackSettings settings_;
    bool router_;
    Random random_;
    std::vector<Interface> interfaces_;
    RouteTable routes_;
    std::vector<StackEvent> events_;
    std::optional<Ipv6Address> watched_;
    PathMtu pathMtus_;
    FragmentStore fragments_;
    std::optional<std::size_t> arrival_;  ///< where what is being dealt with came in, the link of a link-local source; none: by a tunnel
    std::uint32_t nextFragment_ = 1;
    bool mobilitySupport_ = false;
    struct MobilePeer {
        Ipv6Address address;            ///< home address
        Ipv6Address careOf{};
        TimePoint used{};
        std::vector<BidBinding> parts{};  ///< when there are more
        std::vector<Flow> flows{};
        [[nodiscard]] bool isAt(const Ipv6Address& a) const
        {
            return a == careOf || std::any_of(parts.begin(), parts.end(), [&](const BidBinding& b) { return b.careOfAddress == a; });
        }
    };
    [[nodiscard]] std::vector<Ipv6Address> waysOf(TimePoint now, const MobilePeer& peer, const wire::Ipv6Packet& packet);
    AddressList<MobilePeer> mobilePeers_;
    FlowSteering steering_;
    /// The source of an error about `packet` when that was for others behind us; unspecified: any.
    [[nodiscard]] Ipv6Address errorSource(const wire::Ipv6Packet& packet) const;

    std::vector<Ipv6Address> carried_;
    std::vector<Prefix> behind_, tunnelled_;
    std::vector<Ipv6Address> silent_;
    std::vector<wire::Ipv6Packet> waitingCarried_;
    double errorTokens_;
    TimePoint errorTokensAt_{};
};

/// Packet around a packet (RFC 2473 §3), ready to be sent. The hop limit of the outer header is 64.
[[nodiscard]] wire::Ipv6Packet encapsulate(const wire::Ipv6Packet& inner, const Ipv6Address& source, const Ipv6Address& destination);
/// The packet inside, when `outer` carries one that parses.
[[nodiscard]] std::optional<wire::Ipv6Packet> decapsulate(const wire::Ipv6Packet& outer);

}  // namespace roamscope::node
