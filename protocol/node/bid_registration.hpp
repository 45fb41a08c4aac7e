// SPDX-License-Identifier: GPL-3.0-or-later
// The care-of addresses that a mobile node registers for one home address at one peer with binding identifiers (RFC 5648 §5): when
// which update leaves, with what in it, and what an acknowledgement says of each (MCOA-MN-01 to -18). Every identifier has timers of its
// own, so that a dead path holds up no living one; sequence numbers are shared (MCOA-MN-02). It decides, the mobile node builds and
// sends the packets. The peer is a home agent, or a MAP (our extension, the RFC has no word on MAPs) for which the regional care-of
// address is the home address. Copyable value; times are those of the node.
#pragma once

#include "protocol/node/output.hpp"
#include "protocol/wire/mobility.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace roamscope::node {

class BidRegistration {
public:
    /// As of Association (RFC 6275 §11.8, §12).
    static constexpr Duration initialTimeout = 1s;
    static constexpr Duration maxTimeout = 32s;
    static constexpr std::size_t maxUpdateRate = 3;
    static constexpr std::size_t maxPaths = 32;
    /// Updates in a row without an answer after which a path is taken for dead as long as another one answers; our own.
    static constexpr int patience = 3;

    /// A care-of address that is there to be registered.
    struct Path {
        std::uint16_t bid = 1;           ///< 1 to 65535
        std::uint8_t priority = 0;       ///< BID-PRI (RFC 6089 §4.1); 0: none is told
        Ipv6Address careOf;              ///< of the home link: the home address itself
        bool home = false;               ///< the home link, beside others (MCOA-MN-12)
        std::chrono::seconds lifetime{600};  ///< asked for; nothing while it is less than 4 s
    };
    /// A path and what the peer has of it.
    struct Slot {
        Path path;
        bool wanted = true;              ///< false: it is being taken away
        bool refused = false;            ///< no more updates for this care-of address (MN-BU-16)
        bool resynchronised = false;     ///< the last answer was 135
        bool bound = false;              ///< acknowledged, until `expires`
        bool withoutDiscovery = false;   ///< status 5: no neighbour discovery for the home address (MCOA-MN-17)
        bool mayBeBound = false;         ///< an update has left: the peer may have a binding that we do not know of
        bool full = true;                ///< updates carry the care-of address: the peer has not acknowledged this one (MCOA-MN-03)
        bool alone = false;              ///< not with others in one update
        Ipv6Address registered;          ///< that the peer acknowledged last
        TimePoint expires{};
        WireLifetime granted{};
        std::uint8_t status = 0;         ///< of the last acknowledgement
        std::optional<TimePoint> next;   ///< next copy or refresh
        Duration timeout = initialTimeout;
        int unanswered = 0;              ///< copies without an answer
        int silent = 0;                  ///< updates that left by this path without an answer, whatever identifiers were in them
        /// Updates may leave for it. For less than 4 s there are none: a lifetime is not 0 and not longer than the address is valid (MN-BU-05).
        [[nodiscard]] bool asks() const { return wanted && !refused && path.lifetime >= leastLifetime; }
        /// Packets may go by it.
        [[nodiscard]] bool usable() const { return wanted && bound && registered == path.careOf; }
    };

    /// `refreshAfter`: tenths of a lifetime after which a binding is refreshed.
    BidRegistration(Ipv6Address peer, Ipv6Address home, std::uint16_t lastSequence, Duration first, int refreshAfter = 9)
        : peer_(peer), home_(home), first_(first), refreshAfter_(refreshAfter), sequence_(lastSequence)
    {
    }

    [[nodiscard]] const Ipv6Address& peer() const { return peer_; }
    [[nodiscard]] const Ipv6Address& home() const { return home_; }

    /// These care-of addresses and no others, from now on; the identifiers differ. `bulk`: several go in one update (MCOA-MN-06).
    void want(TimePoint now, const std::vector<Path>& paths, bool bulk);
    /// Forgets all without a word; numbers go on from `sequence`.
    void restart(std::uint16_t sequence);
    /// No update leaves before `t` (MN-DHAAD-01).
    void hold(TimePoint t) { heldUntil_ = t; }
    /// The bindings are not refreshed any more and nothing new is registered (HMIP-MN-20).
    void lapse();

    struct Update {
        std::uint16_t sequence = 0;
        WireLifetime lifetime{};         ///< 0: these identifiers are taken away
        bool overwrite = false;          ///< O (MCOA-MN-04, -18)
        std::vector<wire::BindingIdentifier> options;
        Ipv6Address careOf;              ///< of the path that it leaves by
        bool copy = false;
        bool home = false;               ///< one of the options has H
    };
    /// The update that must leave now, if any: call until there is none.
    [[nodiscard]] std::optional<Update> due(TimePoint now);

    enum class Answer : std::uint8_t {
        Ignored,         ///< answers nothing (MN-BU-08)
        Accepted,        ///< whole or in part; the slots tell
        Resynchronised,  ///< status 135: numbers go on above the peer's (MN-BU-09)
        Refused,         ///< nothing of it was taken and nothing more is tried
        Unsupported,     ///< the peer knows nothing of identifiers or wants none (MCOA-MN-09, 166)
    };
    Answer acknowledged(TimePoint now, const wire::BindingAck& ack);

    /// The peer asks for updates of these, or of all (MCOA-MN-15).
    void refresh(TimePoint now, const std::vector<std::uint16_t>& bids);
    /// The peer has ended these, or all (MCOA-BR-01). They are not registered again as they are. False when one of them is not known.
    bool revoked(const std::vector<std::uint16_t>& bids);

    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;
    [[nodiscard]] const std::vector<Slot>& entries() const { return slots_; }
    [[nodiscard]] const Slot* find(std::uint16_t bid) const;
    /// Identifiers of what is wanted and acknowledged.
    [[nodiscard]] std::vector<std::uint16_t> boundBids() const;
    /// The path for packets: of the best priority among those that answer and that `works` takes.
    template <class Works>
    [[nodiscard]] const Slot* best(Works works) const
    {
        const Slot* best = nullptr;
        const auto key = [this](const Slot& s) { return std::pair(s.silent >= patience, rank(s)); };
        for (const Slot& slot : slots_)
            if (slot.usable() && works(slot) && (!best || key(slot) < key(*best))) best = &slot;
        return best;
    }
    [[nodiscard]] bool registered(TimePoint now) const;
    /// The binding that lives longest ends then.
    [[nodiscard]] TimePoint expires() const;
    /// Updates have left whose bindings the peer may still have.
    [[nodiscard]] bool mayBeBound() const;
    [[nodiscard]] bool waiting() const { return !outstanding_.empty(); }
    [[nodiscard]] bool supported() const { return supported_; }
    /// The home link beside others was refused (169, or 168 for its updates are always bulk).
    [[nodiscard]] bool homeRefused() const { return homeRefused_; }
    /// The last copies of a first registration have gone unanswered for so long that another peer may be tried (MN-BU-07).
    [[nodiscard]] bool exhausted(TimePoint now) const { return !bootstrapped_ && bootNext_ && now >= *bootNext_ && bootCopies_ > 0 && bootTimeout_ == maxTimeout; }
    /// Copies of a first registration that have left without an answer.
    [[nodiscard]] int bootCopies() const { return bootstrapped_ ? 0 : bootCopies_; }
    [[nodiscard]] std::uint16_t sequence() const { return sequence_; }

    /// What became of a slot since it was asked last; `Gone`: it is none any more.
    struct Change {
        enum class Kind : std::uint8_t { Waiting, Registered, Refused, Gone } kind;
        Slot slot;
    };
    [[nodiscard]] std::vector<Change> takeChanges() { return std::exchange(changes_, {}); }

private:
    struct Sent {
        std::uint16_t sequence = 0;
        TimePoint time{};
        WireLifetime lifetime{};
        std::uint16_t via = 0;           ///< identifier of the path that it left by
        std::vector<std::uint16_t> bids;
        std::vector<bool> full;          ///< for each: the care-of address was in it
        bool overwrite = false;
        bool bulk = false;               ///< it left with several identifiers; some may have been answered otherwise since
        [[nodiscard]] bool has(std::uint16_t bid) const;
    };

    [[nodiscard]] Slot* findSlot(std::uint16_t bid);
    void take(TimePoint now, const Path& path);
    void dropOutstanding(std::uint16_t bid);
    /// What left by a path that is gone may be lost: once more, by another.
    void sendAgain(TimePoint now, std::uint16_t via);
    void expire(TimePoint now);
    void gone(Slot& slot);
    void note(Change::Kind kind, const Slot& slot) { changes_.push_back({kind, slot}); }
    [[nodiscard]] std::size_t rank(const Slot& slot) const;
    /// The path that an update about others leaves by: the one that has been silent least.
    [[nodiscard]] const Slot* way() const;
    [[nodiscard]] bool isBulk() const;
    [[nodiscard]] std::vector<Slot*> bootGroup();
    [[nodiscard]] std::vector<Slot*> dueGroup(TimePoint now);
    [[nodiscard]] Update build(TimePoint now, const std::vector<Slot*>& group, const Slot& via, bool overwrite);
    Answer resynchronised(TimePoint now, const wire::BindingAck& ack);
    void accept(TimePoint now, Slot& slot, const Sent& sent, const wire::BindingAck& ack, std::uint8_t status);
    /// Accepted with a lifetime of 0.
    void grantedNothing(Slot& slot);
    /// Status `status` >= 128 for this slot. True when something is tried next (MCOA-MN-11).
    bool refuse(TimePoint now, Slot& slot, const Sent& sent, bool full, std::uint8_t status);

    Ipv6Address peer_;
    Ipv6Address home_;
    Duration first_;
    int refreshAfter_;
    std::uint16_t sequence_;
    std::vector<Slot> slots_;            ///< in the order of the node's interfaces
    std::vector<Sent> outstanding_;      ///< updates that an acknowledgement may answer
    std::vector<TimePoint> recent_;      ///< when the last ones left (MN-COA-02)
    std::vector<Change> changes_;
    bool bulk_ = false;
    bool bulkRefused_ = false;
    bool homeRefused_ = false;
    bool supported_ = true;
    bool bootstrapped_ = false;          ///< an update with O has been acknowledged, and a binding lives
    std::optional<TimePoint> bootNext_;
    Duration bootTimeout_{0};
    int bootCopies_ = 0;
    std::optional<TimePoint> blockedUntil_;  ///< by the rate limit
    TimePoint heldUntil_{};
};

}  // namespace roamscope::node
