// SPDX-License-Identifier: GPL-3.0-or-later
// Judges Binding Updates and keeps the binding cache of an anchor. A home agent and a MAP differ by policy only: a MAP is a
// home agent for RCoA → LCoA (RFC 4140/5380 §6.2). Rules HA-BU-01 to -06, HA-DEREG-01/-02, HMIP-MAP-01, -10, -17.
#pragma once

#include "protocol/node/output.hpp"
#include "protocol/node/sequence.hpp"
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
    Ipv6Address homeAddress;      ///< HoA, or RCoA at a MAP
    Ipv6Address careOfAddress;
    std::uint16_t sequence = 0;   ///< last accepted
    std::uint16_t flags = 0;
    WireLifetime requested{};
    WireLifetime granted{};
    TimePoint expires{};
    Ipv6Address anchorAddress;    ///< address of ours that the update was sent to; source of answers and of the tunnel
    Ipv6Address replyTo;          ///< source of the update (HA-BU-06)
};

/// What an update asks for, taken from its packet.
struct BindingRequest {
    std::optional<Ipv6Address> homeAddressOption;
    Ipv6Address source;
    Ipv6Address destination;
    const wire::BindingUpdate& update;
};

class Registrar {
public:
    struct Policy {
        bool map = false;                     ///< serves updates with M; otherwise those with H
        std::vector<Ipv6Address> own;         ///< the anchor's own addresses: nobody's home address, 134
        std::vector<Prefix> homePrefixes;     ///< home addresses must lie in one of them, else 132
        std::chrono::seconds maximumLifetime{3600};
        std::size_t maximumBindings = 1000;   ///< above that 130
        bool verify = true;                   ///< detect duplicates before a new binding (off for an RFC 5380 MAP)
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
        std::optional<Ipv6Address> replaced;  ///< care-of address that the binding had before, when it moved
        std::string_view reason;     ///< rule that was broken, for Drop and refusals
    };
    [[nodiscard]] Verdict judge(TimePoint now, const BindingRequest& request);
    /// Ends a Verify: binding valid and status 0, or gone and status 134.
    [[nodiscard]] Verdict verified(TimePoint now, const Ipv6Address& homeAddress, bool unique);
    /// Ends a live binding as if it had been deleted; gives it.
    [[nodiscard]] std::optional<Binding> end(TimePoint now, const Ipv6Address& homeAddress);
    void configure(Policy policy) { policy_ = std::move(policy); }
    /// Removes bindings whose lifetime ended and forgotten deleted ones; gives the former.
    [[nodiscard]] std::vector<Binding> expire(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;

    /// The live binding of a home address.
    [[nodiscard]] const Binding* find(const Ipv6Address& homeAddress) const;
    [[nodiscard]] const std::map<Ipv6Address, Binding>& bindings() const { return bindings_; }
    [[nodiscard]] const Policy& policy() const { return policy_; }

private:
    [[nodiscard]] Verdict answer(const Binding& binding, std::uint8_t status, WireLifetime lifetime) const;
    [[nodiscard]] std::size_t liveBindings() const;

    Policy policy_;
    std::map<Ipv6Address, Binding> bindings_;
};

}  // namespace roamscope::node
