// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile node's registration with one correspondent (RFC 6275 §11.6, §11.7.2, §11.8; RR-MN-01 to -09): which test or update is
// due, which answers count, until when the binding lives. It decides, the mobile node builds and sends the packets.
#pragma once

#include "protocol/base/random.hpp"
#include "protocol/node/output.hpp"
#include "protocol/node/return_routability.hpp"
#include "protocol/node/sequence.hpp"

#include <array>
#include <optional>
#include <vector>

namespace roamscope::node {

/// When the last messages to one correspondent left, by type: of all registrations with it together (RR-MN-08).
struct PeerRate {
    enum Type : std::size_t { HomeTestInit, CareOfTestInit, Update, Types };
    std::array<std::vector<TimePoint>, Types> recent;
    /// Nothing of it counts any more.
    [[nodiscard]] bool isIdle(TimePoint now) const;
};

class RouteOptimisation {
public:
    static constexpr Duration tokenLifetime = 210s;   ///< MAX_TOKEN_LIFETIME (RR-MN-02)
    static constexpr Duration initialTimeout = 1s;    ///< INITIAL_BINDACK_TIMEOUT (RR-MN-08)
    static constexpr Duration maxTimeout = 32s;       ///< MAX_BINDACK_TIMEOUT
    static constexpr int maxFailures = 3;             ///< MAX_RO_FAILURE (RR-MN-04)
    static constexpr Duration retryAfter = 60s;       ///< our own: when a peer that failed is tried again
    static constexpr Duration idleAfter = 60s;        ///< our own: a binding that nobody used for so long is not refreshed
    static constexpr std::size_t maxUpdateRate = 3;   ///< MAX_UPDATE_RATE, a second and message type
    static constexpr std::chrono::seconds maximumLifetime{420};  ///< MAX_RR_BINDING_LIFETIME

    /// Without `acknowledge` updates ask for no answer and the binding counts from their sending (RFC 6275 §11.7.2). `bid`: the binding
    /// identifier of this care-of address, one of several that the peer gets (MCOA-MN-08); 0: it gets this one alone.
    RouteOptimisation(Ipv6Address peer, Ipv6Address home, std::uint16_t lastSequence, bool acknowledge = true, std::uint16_t bid = 0)
        : peer_(peer), home_(home), bid_(bid), sequence_(lastSequence), acknowledge_(acknowledge)
    {
    }

    [[nodiscard]] const Ipv6Address& peer() const { return peer_; }
    [[nodiscard]] const Ipv6Address& home() const { return home_; }
    [[nodiscard]] std::uint16_t bid() const { return bid_; }
    /// What the entries of one peer have in common: the numbers (MCOA-MN-02) and the token of the home address.
    void continueFrom(std::uint16_t sequence) { sequence_ = newest(sequence_, sequence); }
    void takeHomeToken(TimePoint now, const RouteOptimisation& other);
    [[nodiscard]] bool needsHomeToken(TimePoint now) const { return wantsUpdate(now) && !isFresh(homeToken_, now); }
    /// Another entry asks for that token, or registers first with O: this one waits, with its update until then.
    void setWaits(bool homeTest, std::optional<TimePoint> update) { homeTestWaits_ = homeTest; updateWaits_ = update; }
    /// Its update, for a binding, may leave now.
    [[nodiscard]] bool isReady(TimePoint now) const
    {
        return !releasing_ && wantsUpdate(now) && isFresh(homeToken_, now) && isFresh(careOfToken_, now) && update_.next && *update_.next <= now;
    }
    /// Updates that left without an answer since the last one that was answered.
    [[nodiscard]] int tries() const { return update_.sent; }
    /// An update is due or under way.
    [[nodiscard]] bool isRegistering(TimePoint now) const { return wantsUpdate(now); }
    /// Another entry's update with O takes this binding away.
    void overwritten(TimePoint now);
    /// The next update must have O: the peer says so (165).
    [[nodiscard]] bool mustOverwrite() const { return mustOverwrite_; }
    /// Wants the binding home → `careOf` for at most `lifetime` (≥ 4 s). Another care-of address than before starts a new test of it.
    void request(TimePoint now, const Ipv6Address& careOf, std::chrono::seconds lifetime);
    /// Wants no binding any more: the home address is tested and an update with lifetime 0 sent (RR-MN-07) from `source`, the home
    /// address at home, the present care-of address elsewhere. Another source takes the place of the one before.
    void release(TimePoint now, const Ipv6Address& source);
    [[nodiscard]] bool releasing() const { return releasing_; }
    /// Packets go to or come from the peer.
    void used(TimePoint now) { lastUse_ = now; }
    /// The peer cannot do it, says it, or has lost the binding (MN-BE-01, MN-ICMP-01): tunnelling until retryAfter has passed.
    void abandon(TimePoint now);
    /// The peer asks for a new update (RR-MN-05); nothing without a binding.
    void refresh(TimePoint now);

    struct Step {
        enum class Kind : std::uint8_t { HomeTestInit, CareOfTestInit, Update } kind = Kind::Update;
        Ipv6Address source;                ///< of the packet; of a HomeTestInit it is the home address
        Ipv6Address careOf;                ///< that is tested or registered, and that an update's authenticator covers
        std::uint64_t cookie = 0;          ///< of a test
        std::uint16_t sequence = 0;        ///< of an update
        WireLifetime lifetime{};
        bool full = true;                  ///< an update with an identifier has the care-of address, too (MCOA-MN-03)
        wire::NonceIndices indices;
        Bytes key;
    };
    /// What must leave now: call until nothing is due. `random` draws the cookies, `rate` is that of the correspondent.
    [[nodiscard]] std::optional<Step> due(TimePoint now, Random& random, PeerRate& rate);

    /// True when the answer was awaited (RR-MN-03); the caller has checked where it came from.
    bool homeTest(TimePoint now, const wire::HomeTest& test);
    bool careOfTest(TimePoint now, const wire::CareOfTest& test);

    enum class Answer : std::uint8_t { Ignored, Accepted, Repeated, Released, Refused, Unsupported };
    /// `message`: the octets of the whole acknowledgement. Repeated: tokens or number were too old, or the peer wants O or the care-of
    /// address (MCOA-MN-11); it goes on by itself. Unsupported: the peer knows nothing of identifiers or wants none (MCOA-MN-09, -11).
    Answer acknowledged(TimePoint now, const wire::BindingAck& ack, ByteView message);

    /// As of the last request() or due().
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;
    /// The care-of address that the peer is known to have.
    [[nodiscard]] std::optional<Ipv6Address> registeredCareOf(TimePoint now) const { return bound_ && now < expires_ ? bound_ : std::nullopt; }
    [[nodiscard]] const Ipv6Address& requestedCareOf() const { return careOf_; }
    [[nodiscard]] bool acknowledges() const { return acknowledge_; }
    /// An answer of the peer is awaited (MN-BE-01).
    [[nodiscard]] bool waiting() const { return homeInit_.sent > 0 || careOfInit_.sent > 0 || update_.sent > 0; }
    [[nodiscard]] std::uint16_t sequence() const { return sequence_; }
    [[nodiscard]] WireLifetime granted() const { return granted_; }
    [[nodiscard]] TimePoint expires() const { return expires_; }
    /// Nothing is registered, under way or to be waited for: the entry can go.
    [[nodiscard]] bool finished(TimePoint now) const;

private:
    /// One message type with its own back-off (RR-MN-08).
    struct Attempt {
        std::optional<TimePoint> next;
        Duration timeout = initialTimeout;
        int sent = 0;
        std::uint64_t cookie = 0;
    };
    struct Token {
        std::uint16_t index = 0;
        std::uint64_t value = 0;
        TimePoint received{};
    };
    struct Sent {
        std::uint16_t sequence;
        TimePoint time;
        WireLifetime lifetime;
        Bytes key;
        bool full = true;
    };

    [[nodiscard]] bool wantsUpdate(TimePoint now) const;
    [[nodiscard]] static bool isFresh(const std::optional<Token>& token, TimePoint now) { return token && now < token->received + tokenLifetime; }
    /// Whether the attempt may send now; counts it. Too many without an answer end the whole.
    bool take(TimePoint now, Attempt& attempt, std::vector<TimePoint>& recent);
    /// What an authorized acknowledgement says of the identifier; nothing when that is what it says of any binding.
    std::optional<Answer> identified(TimePoint now, const wire::BindingAck& ack, bool full);
    [[nodiscard]] bool awaitsAck() const { return acknowledge_ && !outstanding_.empty(); }
    void restart(TimePoint now);
    /// The peer has what `sent` asked for, for `granted`.
    void accept(TimePoint now, const Sent& sent, WireLifetime granted);
    void released();

    Ipv6Address peer_;
    Ipv6Address home_;
    std::uint16_t bid_ = 0;
    std::uint16_t sequence_;
    bool acknowledge_;
    Ipv6Address careOf_;
    Ipv6Address releaseFrom_;
    std::chrono::seconds lifetime_{0};
    std::optional<Token> homeToken_, careOfToken_;
    Attempt homeInit_, careOfInit_, update_;
    std::vector<Sent> outstanding_;
    std::optional<Ipv6Address> bound_;
    WireLifetime granted_{};
    TimePoint expires_{};
    std::optional<TimePoint> refreshAt_;
    std::optional<TimePoint> abandonedUntil_;
    bool releasing_ = false;
    bool homeTestWaits_ = false;
    std::optional<TimePoint> updateWaits_;
    bool mustOverwrite_ = false;
    TimePoint lastUse_{};
    TimePoint seen_{};  ///< the latest time it was told
};

}  // namespace roamscope::node
