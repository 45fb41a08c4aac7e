// SPDX-License-Identifier: GPL-3.0-or-later
// Judges Binding Updates and keeps the binding cache of an anchor. A home agent and a MAP differ by policy only: a MAP is a
// home agent for RCoA → LCoA (RFC 4140/5380 §6.2). Rules HA-BU-01 to -10, HA-DEREG-01/-02, HMIP-MAP-01, -08 to -10, -17.
// With binding identifiers (RFC 5648) a home address has several care-of addresses: bid_bindings.hpp judges those, MCOA-HA-01, -08, -12.
// Mobile routers (RFC 3963) are judged by mobile_routers.hpp.
// Deterministic, no input or output, not shared between threads. The table is bounded by the policy.
#pragma once

#include "protocol/node/bid_bindings.hpp"
#include "protocol/node/mobile_routers.hpp"
#include "protocol/node/output.hpp"
#include "protocol/node/prefix_list.hpp"
#include "protocol/node/sequence.hpp"
#include "protocol/node/timed_pool.hpp"
#include "protocol/wire/mobility.hpp"

#include <map>
#include <optional>
#include <vector>

namespace roamscope::node {

struct Binding {
    enum class State : std::uint8_t {
        Verifying,  ///< duplicate address detection for the home address runs (HA-BU-04, HMIP-MAP-02)
        Valid,
        Deleted,    ///< kept 10 s so that a delayed old update is seen to be old (HA-DEREG-02)
    };
    State state = State::Verifying;
    std::uint8_t status = 0;      ///< of the acknowledgement: 0, or 1 when its prefix ends or is deprecated too soon
    bool regional = false;        ///< registered with M at a MAP, otherwise with H at a home agent
    bool routingHeader = true;    ///< answers have one, unless the update came without HAO from the home address
    Ipv6Address homeAddress;      ///< HoA, or RCoA at a MAP
    Ipv6Address careOfAddress;    ///< that packets take when nothing else tells
    std::uint32_t timer = 0;      ///< of the pool
    std::uint16_t sequence = 0;   ///< last accepted, whatever the identifier (MCOA-HA-12)
    std::uint16_t flags = 0;      ///< of the last accepted update
    WireLifetime requested{};
    WireLifetime granted{};
    BidList careOfs;              ///< with binding identifiers; empty: there is only the one above
    TimePoint expires{};          ///< of the first care-of address that ends
    Ipv6Address anchorAddress;    ///< address of ours that the update was sent to; source of answers and of the tunnel
    Ipv6Address replyTo;          ///< source of the update (HA-BU-06)

    [[nodiscard]] bool has(std::uint16_t flag) const { return (flags & flag) != 0; }
    /// MCOA-CN-02: packets of the mobile node may come from any of its care-of addresses.
    [[nodiscard]] bool isAt(const Ipv6Address& address) const;
    /// Its care-of addresses by identifier; without identifiers one whose identifier is 0.
    [[nodiscard]] std::vector<BidBinding> parts() const;
    /// The care-of addresses, once each, the home link too.
    [[nodiscard]] std::vector<Ipv6Address> places() const;
    /// Those of them that a tunnel leads to: not the home link.
    [[nodiscard]] std::vector<Ipv6Address> tunnels() const;
};

/// What an update asks for, taken from its packet.
struct BindingRequest {
    std::optional<Ipv6Address> homeAddressOption;
    Ipv6Address source;
    Ipv6Address destination;
    const wire::BindingUpdate& update;
    std::optional<Ipv6Address> ipv4Source{};  ///< ::ffff:a.b.c.d of the IPv4 packet that it was in (RFC 5555): then the home address is the source
};

/// Two care-of addresses at once, or an option of RFC 6275 whose length is not its own: nothing in such an update is believed.
[[nodiscard]] bool hasBrokenOptions(const std::vector<wire::MobilityOption>& options);

class Registrar {
public:
    struct Policy {
        /// Home addresses must lie in one of them, else 132 (HA-BU-03). Empty: no home agent, updates with H get 131.
        std::vector<RouterPrefix> homePrefixes;
        /// The same for regional care-of addresses and updates with M. Empty: no MAP, M means nothing.
        std::vector<RouterPrefix> regionalPrefixes;
        std::vector<Ipv6Address> own;         ///< the anchor's own addresses, link-local ones too: nobody's home address, 134
        std::vector<Ipv6Address> homeAddresses;  ///< only these may register with H, others get 129 (SEC-10); empty: any of the prefix
        /// Care-of addresses that a MAP forwards to: its own domain's and those of neighbours; others get 129 (HMIP-MAP-08, -09).
        /// Empty: anywhere.
        std::vector<Prefix> localPrefixes;
        std::chrono::seconds maximumLifetime{3600};
        std::size_t maximumBindings = 1000;   ///< above that 130 (HA-BU-03); none is evicted for another (HA-BU-10)
        bool verify = true;                   ///< detect duplicates before a new home registration
        bool verifyRegional = true;           ///< the same for a MAP (off for one of RFC 5380)
        /// Binding Refresh Advice: when the node should come back; left out when zero or not below the lifetime (HA-BU-07).
        std::chrono::seconds refreshAdvice{0};
        BidPolicy bids;                       ///< several care-of addresses
        bool ipv4 = false;                    ///< takes IPv4 care-of addresses, which stand as ::ffff:a.b.c.d (MCOA-DS-02)
        MobileRouterPolicy mobileRouters;     ///< with H only
    };
    static constexpr Duration deletedKept = 10s;  ///< MAX_DELETE_BCE_TIMEOUT

    explicit Registrar(Policy policy) : policy_(std::move(policy)) {}

    struct Verdict {
        enum class Action : std::uint8_t {
            Drop,     ///< silently; `reason` says why
            Answer,   ///< send `ack`; the cache has changed accordingly
            Verify,   ///< start duplicate address detection for `homeAddress`, then call verified()
            Wait,     ///< it runs already; the answer follows then
        } action = Action::Drop;
        Ipv6Address homeAddress;
        Ipv6Address replyTo;
        Ipv6Address anchorAddress;
        wire::BindingAck ack;
        bool routingHeader = true;   ///< RH2 = home address, unless the update came without HAO from the home address
        std::optional<Binding> removed;  ///< binding that this update deleted: stop defending its address
        bool same = false;           ///< the binding was there already with these care-of addresses and these flags
        std::vector<BidBinding> before;  ///< what the binding consisted of, when it was there already and is not the same now
        std::string_view reason;     ///< rule that was broken, for Drop and refusals
    };
    [[nodiscard]] Verdict judge(TimePoint now, const BindingRequest& request);
    /// Ends a Verify: binding valid and status 0 or 1, or gone and status 134.
    [[nodiscard]] Verdict verified(TimePoint now, const Ipv6Address& homeAddress, bool unique);
    /// Ends a live binding as if it had been deleted; gives it.
    [[nodiscard]] std::optional<Binding> end(TimePoint now, const Ipv6Address& homeAddress);
    /// The same for some of its care-of addresses; gives what the binding consisted of before. Nothing without all of them.
    [[nodiscard]] std::optional<std::vector<BidBinding>> end(const Ipv6Address& homeAddress, const std::vector<std::uint16_t>& bids);
    /// A packet of the mobile node came from `careOf`, one of its care-of addresses: where nothing else tells, others go there
    /// (MCOA-FWD-01). True when that is news.
    bool cameFrom(const Ipv6Address& homeAddress, const Ipv6Address& careOf);
    void configure(Policy policy) { policy_ = std::move(policy); }
    /// Removes bindings whose lifetime ended and forgotten deleted ones; gives the former.
    /// One with other care-of addresses left is given with those that ended, and stays.
    [[nodiscard]] std::vector<Binding> expire(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;
    /// The lifetimes or flags of a home or regional prefix are others from now on, or it is new. Bindings never outlive their
    /// prefix (HA-BU-10): their ends come forward, and expire() gives those that end at once.
    void setPrefix(TimePoint now, const RouterPrefix& prefix, bool regional);

    /// The live binding of a home address.
    [[nodiscard]] const Binding* find(const Ipv6Address& homeAddress) const;
    /// Has what judge() looks at first come into the caches.
    void bringNear(const Ipv6Address& homeAddress) const { bindings_.bringNear(homeAddress); }
    /// The same for an address behind a mobile router, too (NEMO-HA-05).
    [[nodiscard]] const Binding* reaching(const Ipv6Address& address) const;
    [[nodiscard]] const MobileRouters& mobileRouters() const { return routers_; }
    /// By home address: what is not valid yet or any more, too.
    using Bindings = TimedPool<Binding, &Binding::homeAddress, &Binding::expires, &Binding::timer>;
    [[nodiscard]] const Bindings& bindings() const { return bindings_; }
    [[nodiscard]] const Policy& policy() const { return policy_; }
    [[nodiscard]] Policy& policy() { return policy_; }
    /// The prefix of `address` among those of its kind, while it is valid.
    [[nodiscard]] const RouterPrefix* prefixOf(TimePoint now, const Ipv6Address& address, bool regional) const;

private:
    [[nodiscard]] std::optional<std::string_view> fault(const BindingRequest& request) const;
    [[nodiscard]] Verdict toCorrespondent(const Binding& wanted, bool routingHeader) const;
    [[nodiscard]] std::optional<std::uint8_t> refusal(TimePoint now, const Binding& wanted, const Binding* entry, bool identified) const;
    [[nodiscard]] std::optional<std::uint8_t> routerChange(const Binding& wanted, const Binding* entry) const;
    /// NEMO-HA-01: an update with R; `networks` are those that it asks for.
    [[nodiscard]] std::optional<std::uint8_t> routerRefusal(const Binding& wanted, const Binding* entry, const wire::BindingUpdate& update, std::vector<Prefix>& networks) const;
    /// What the identifiers of the update do to `wanted`; a verdict when that is all.
    [[nodiscard]] std::optional<Verdict> identify(TimePoint now, const Binding* entry, Binding& wanted, const BindingRequest& request, bool routingHeader);
    [[nodiscard]] Verdict renew(Binding& entry, Binding wanted);
    [[nodiscard]] Verdict erase(TimePoint now, Binding& entry, const Binding& wanted);
    /// MCOA-HA-08: status and options of the identifiers' judgement go into the answer.
    void addIdentifiers(Verdict& verdict);
    void grant(TimePoint now, Binding& binding) const;
    [[nodiscard]] Verdict accept(const Binding& binding) const;
    [[nodiscard]] Verdict answer(const Binding& binding, std::uint8_t status, WireLifetime lifetime) const;
    [[nodiscard]] Verdict refuse(const Binding& wanted, std::uint8_t status, bool routingHeader) const;

    void forgetOldest();
    void drop(const Binding& binding);

    Policy policy_;
    Bindings bindings_;
    MobileRouters routers_;
    std::size_t deleted_ = 0;    ///< entries in state Deleted
    std::map<Ipv6Address, BidOutcome> identified_;  ///< of updates whose answer has not been made yet
};

}  // namespace roamscope::node
