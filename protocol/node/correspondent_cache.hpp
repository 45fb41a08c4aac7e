// SPDX-License-Identifier: GPL-3.0-or-later
// Binding cache of a correspondent node (RFC 6275 §9.5; RR-CN-06 to -09, -15, -17 to -21): judges Binding Updates that return
// routability proves. It decides, the correspondent sends. Nothing is stored before an update that is authorized.
#pragma once

#include "protocol/node/address_timers.hpp"
#include "protocol/node/output.hpp"
#include "protocol/node/registrar.hpp"
#include "protocol/node/return_routability.hpp"

#include <map>

namespace roamscope::node {

struct CorrespondentBinding {
    Ipv6Address homeAddress;
    Ipv6Address careOfAddress;       ///< that packets take when nothing else tells
    std::uint16_t sequence = 0;      ///< last accepted
    WireLifetime granted{};
    TimePoint expires{};             ///< of the binding; of one that ended: until when it is remembered
    /// Ended ones keep their number as long as their nonces are good; of one that was deleted the nonces are barred, too (RR-CN-09).
    enum class State : std::uint8_t { Live, Ended, Deleted } state = State::Live;
    std::uint16_t homeNonce = 0;     ///< indices that authorized it
    std::uint16_t careOfNonce = 0;
    TimePoint nonceEnd{};            ///< when the first of them ends
    std::uint16_t newestHomeNonce = 0;  ///< of all that were accepted
    /// Its numbers began anew with this one: older home nonces, which prove old updates, prove nothing for it.
    std::optional<std::uint16_t> firstHomeNonce{};
    int unreachable = 0;             ///< errors about the care-of address since it was registered
    std::vector<BidBinding> careOfs{};  ///< with binding identifiers (RFC 5648); empty: there is only the one above
    /// What a care-of address with an identifier was proven by, and whether it was deleted since (RR-CN-09). At most `maxProofs`.
    struct Proof {
        std::uint16_t bid = 0;
        Ipv6Address careOfAddress;
        std::uint16_t homeNonce = 0;
        std::uint16_t careOfNonce = 0;
        TimePoint end{};
        bool deleted = false;
    };
    static constexpr std::size_t maxProofs = 128;
    std::vector<Proof> proofs{};

    /// MCOA-CN-02
    [[nodiscard]] bool isAt(const Ipv6Address& address) const;
    /// Its care-of addresses by identifier; without identifiers one whose identifier is 0.
    [[nodiscard]] std::vector<BidBinding> parts() const;
};

class CorrespondentCache {
public:
    /// MAX_RR_BINDING_LIFETIME, 420 s, in units of 4 s (RR-CN-08).
    static constexpr WireLifetime maximumLifetime{105};
    static constexpr int toleratedErrors = 2;

    explicit CorrespondentCache(std::size_t maximumBindings = 1000, const BidPolicy& bids = {}) { configure(maximumBindings, bids); }
    void configure(std::size_t maximumBindings, const BidPolicy& bids)
    {
        maximumBindings_ = maximumBindings;
        bids_ = bids;
        bids_.correspondent = true;
    }

    struct Verdict {
        enum class Action : std::uint8_t {
            Drop,    ///< silently; `reason` says why
            Accept,  ///< without an answer, because none was asked for
            Answer,  ///< send `ack`
        } action = Action::Drop;
        Ipv6Address homeAddress;
        wire::BindingAck ack;
        Bytes key;                   ///< authorizes the answer; empty: it goes out without (136 to 138, 131)
        Ipv6Address careOfAddress;   ///< that the answer's authenticator covers
        std::string_view reason;     ///< rule that was broken, for Drop and refusals
    };
    /// `message`: the octets of the whole update, which its authenticator covers.
    [[nodiscard]] Verdict judge(TimePoint now, const BindingRequest& request, ByteView message, Nonces& nonces);

    /// The live binding of a home address.
    [[nodiscard]] const CorrespondentBinding* find(const Ipv6Address& homeAddress) const;
    /// A care-of address could not be reached. True when that was said once too often and the binding has ended, or that part of it
    /// (RR-CN-13).
    [[nodiscard]] bool unreachable(const Ipv6Address& homeAddress, const Ipv6Address& careOfAddress);
    /// Ends a live binding; false when there is none.
    bool revoke(const Ipv6Address& homeAddress);
    /// Removes what has ended; gives the bindings of which something has, as they were (RR-CN-21).
    [[nodiscard]] std::vector<CorrespondentBinding> expire(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const { return timers_.next(); }
    [[nodiscard]] const std::map<Ipv6Address, CorrespondentBinding>& bindings() const { return bindings_; }

private:
    /// What an update is proven by.
    struct Proof {
        const Nonces::Nonce* home = nullptr;
        const Nonces::Nonce* careOf = nullptr;  ///< null in a deletion
        Bytes key;
    };
    /// Refuses an update; its identifiers come back (MCOA-HA-08).
    [[nodiscard]] Verdict refused(Verdict verdict, const wire::BindingUpdate& update, std::uint8_t code, std::string_view reason) const;
    /// RR-CN-17: a home registration without any proof. Nothing changes by it.
    [[nodiscard]] Verdict notAHomeAgent(Verdict verdict, const wire::BindingUpdate& update) const;
    [[nodiscard]] Verdict judgeProven(TimePoint now, const BindingRequest& request, Verdict verdict, const Proof& proof, Nonces& nonces);
    /// An update with binding identifiers (MCOA-CN-01, -03, -07).
    [[nodiscard]] Verdict judgeIdentified(TimePoint now, const BindingRequest& request, Verdict verdict, const Proof& proof, Nonces& nonces);
    /// The care-of address that an update registers and that its proof is about (RR-CN-04, MCOA-CN-05).
    [[nodiscard]] Ipv6Address registered(const BindingRequest& request, const Ipv6Address& homeAddress) const;
    /// RR-CN-09, -17: the status for an update that may be an old one once more; none when it is not.
    [[nodiscard]] static std::optional<std::uint8_t> repeats(const CorrespondentBinding& known, const wire::BindingUpdate& update, const Proof& proof);
    /// Notes the home nonce of an update that is accepted. `known`: the binding was there, live or not.
    static void noteHomeNonce(CorrespondentBinding& binding, bool known, const Proof& proof);
    /// RR-CN-09: this proof is of something that was deleted.
    [[nodiscard]] static bool isBarred(const CorrespondentBinding& binding, const Ipv6Address& careOfAddress, const Proof& proof);
    static void forgetProof(CorrespondentBinding& binding, std::uint16_t bid, Nonces& nonces);
    void settle(CorrespondentBinding& binding);
    /// To be called when `expires` of a binding was set.
    void arm(const CorrespondentBinding& binding);
    /// Of a live one.
    void end(CorrespondentBinding& binding, CorrespondentBinding::State state);
    /// Of the ended ones that are remembered no more are kept than there may be live ones.
    void forgetOldest(Nonces& nonces);

    std::size_t maximumBindings_ = 0;  ///< live ones
    BidPolicy bids_;
    std::size_t live_ = 0;
    std::map<Ipv6Address, CorrespondentBinding> bindings_;
    /// Whether a timer of ours still says what is so.
    [[nodiscard]] auto holds() const
    {
        return [this](const Ipv6Address& home, TimePoint when) {
            const auto it = bindings_.find(home);
            return it != bindings_.end() && it->second.expires == when;
        };
    }
    AddressTimers timers_;
};

}  // namespace roamscope::node
