// SPDX-License-Identifier: GPL-3.0-or-later
// One peer (home agent, MAP) of a mobile node for one home address: when Binding Updates are sent, which acknowledgements
// count, until when the binding lives (RFC 6275 §11.7, §11.8; MN-BU-05 to -10). A MAP is a home agent for the RCoA, so the
// same machine serves both (HMIP-MN-28). It decides, the mobile node builds and sends the packets.
#pragma once

#include "protocol/node/output.hpp"
#include "protocol/wire/mobility.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace roamscope::node {

class Association {
public:
    /// RFC 6275 §12, §13.
    static constexpr Duration firstTimeout = 1500ms;  ///< InitialBindackTimeoutFirstReg, unless the node is set otherwise
    static constexpr Duration initialTimeout = 1s;    ///< INITIAL_BINDACK_TIMEOUT
    static constexpr Duration maxTimeout = 32s;       ///< MAX_BINDACK_TIMEOUT
    static constexpr std::size_t maxUpdateRate = 3;   ///< MAX_UPDATE_RATE: updates in any second (MN-COA-02)

    Association(Ipv6Address peer, Ipv6Address home, std::uint16_t lastSequence, Duration first = firstTimeout)
        : peer_(peer), home_(home), first_(first), sequence_(lastSequence)
    {
    }

    [[nodiscard]] const Ipv6Address& peer() const { return peer_; }
    [[nodiscard]] const Ipv6Address& home() const { return home_; }

    /// Wants the binding home → `careOf` for `lifetime`, rounded down to whole 4 s. Starts sending at `now` unless that care-of address is
    /// already registered, being registered, or was refused; later updates carry the new lifetime in any case. Of less than 4 s nothing
    /// is sent until another request: a lifetime is not 0 and not longer than the addresses are valid (MN-BU-05).
    void request(TimePoint now, const Ipv6Address& careOf, std::chrono::seconds lifetime);

    /// Wants no binding any more: updates with lifetime 0 and the home address as care-of address until one is answered
    /// (MN-HOME-01). Nothing when the peer has and had none, or when all that it may have had are over (MN-DAD-04).
    void release(TimePoint now);
    [[nodiscard]] bool releasing() const { return releasing_; }

    /// The binding is not refreshed any more and ends by itself; a request() for another care-of address still goes out (HMIP-MN-20).
    void lapse();
    /// Takes lapse() back.
    void keep(TimePoint now);
    /// Another way of registering was used with this peer: numbers go on from `sequence`, and it may have bindings (`mayBeBound`).
    void restart(std::uint16_t sequence, bool mayBeBound);
    /// The peer has ended the binding; this care-of address is not registered again (RFC 5846).
    void revoked();
    /// Puts a due update off until `t`.
    void defer(TimePoint t) { nextSend_ = t; }
    /// No update leaves before `t`, whatever makes one due (MN-DHAAD-01).
    void hold(TimePoint t) { heldUntil_ = t; }
    /// Brings the refresh of a live binding forward to `now`; nothing when an update is under way or there is no binding.
    void refresh(TimePoint now);
    /// Ends a binding whose lifetime is over; due() does that, too.
    void expire(TimePoint now);
    /// True when due() would send.
    [[nodiscard]] bool isDue(TimePoint now) const { return nextSend_ && !tooShort() && now >= std::max(*nextSend_, heldUntil_); }

    struct Update {
        std::uint16_t sequence = 0;
        WireLifetime lifetime{};
        Ipv6Address careOf;
        bool copy = false;  ///< a retransmission (with a number of its own, MN-BU-06)
    };
    /// The update that must leave now, if any; the caller sends it.
    [[nodiscard]] std::optional<Update> due(TimePoint now);

    enum class Answer : std::uint8_t {
        Ignored,         ///< matches nothing outstanding (MN-BU-08)
        Accepted,
        Resynchronised,  ///< status 135: goes on from the peer's number (MN-BU-09); an update is due at once, after further ones with the back-off
        Released,        ///< the binding is gone, as wanted
        Refused,         ///< other status >= 128: no more updates for this care-of address (MN-BU-16)
        Nothing,         ///< accepted for no time at all: no binding is left (RFC 6275 §11.7.3), asked for again with the back-off
    };
    /// A Binding Refresh Advice shorter than the granted lifetime sets the time of the refresh (MN-BU-12).
    Answer acknowledged(TimePoint now, const wire::BindingAck& ack);

    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;
    /// True while a binding lives at the peer.
    [[nodiscard]] bool registered(TimePoint now) const { return bound_ && now < expires_; }
    /// The care-of address that the peer is known to have; none while an update with another one may have reached it.
    [[nodiscard]] std::optional<Ipv6Address> registeredCareOf() const { return registeredCareOf_; }
    [[nodiscard]] Ipv6Address requestedCareOf() const { return careOf_; }
    [[nodiscard]] bool waiting() const { return nextSend_.has_value() && !outstanding_.empty(); }
    /// Copies that have left without an answer since the last one.
    [[nodiscard]] int unanswered() const { return unanswered_; }
    /// The next copy is due and the time between copies has grown to MAX_BINDACK_TIMEOUT: another peer may be tried (MN-BU-07).
    [[nodiscard]] bool exhausted(TimePoint now) const { return isDue(now) && unanswered_ > 0 && timeout_ == maxTimeout; }
    /// No more updates for the present care-of address (MN-BU-16).
    [[nodiscard]] bool refused() const { return refused_; }
    [[nodiscard]] TimePoint expires() const { return expires_; }
    /// Lifetime left, in whole seconds; 0 when there is no binding.
    [[nodiscard]] std::chrono::seconds remaining(TimePoint now) const;
    [[nodiscard]] std::uint16_t sequence() const { return sequence_; }
    [[nodiscard]] WireLifetime granted() const { return granted_; }

private:
    struct Sent {
        std::uint16_t sequence;
        TimePoint time;
        WireLifetime lifetime;
    };

    [[nodiscard]] bool tooShort() const { return !releasing_ && lifetime_.count() == 0; }

    Ipv6Address peer_;
    Ipv6Address home_;
    Duration first_;          ///< InitialBindackTimeoutFirstReg
    std::uint16_t sequence_;  ///< of the update sent last
    Ipv6Address careOf_;
    WireLifetime lifetime_{};
    std::optional<TimePoint> nextSend_;  ///< next copy, or the refresh of a live binding
    TimePoint heldUntil_{};
    Duration timeout_ = initialTimeout;
    std::vector<Sent> outstanding_;      ///< copies that an acknowledgement may answer
    std::vector<TimePoint> recent_;      ///< when the last updates left, at most maxUpdateRate of them
    int unanswered_ = 0;
    bool refused_ = false;
    bool releasing_ = false;
    bool lapsing_ = false;
    bool resynchronised_ = false;        ///< the last answer was 135
    bool mayBeBound_ = false;            ///< an update has left since the last release: the peer may have a binding that we do not know of
    TimePoint mayBeBoundUntil_{};        ///< when that one has ended, however late the update or its answer came
    bool bound_ = false;                 ///< a binding was acknowledged and lives until `expires_`
    std::optional<Ipv6Address> registeredCareOf_;
    WireLifetime granted_{};
    TimePoint expires_{};
};

}  // namespace roamscope::node
