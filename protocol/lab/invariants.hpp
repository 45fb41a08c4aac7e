// SPDX-License-Identifier: GPL-3.0-or-later
// What must be true after every event of every lab, whatever is lost, late or broken in it: no binding outlives its lifetime, the
// tunnels equal the bindings, no packet runs in a circle, one address is used by one node, sequence numbers only move forward,
// every timer has an owner; no binding with an identifier ends because of another one's failure, and when all is quiet a home agent has
// the care-of addresses that the mobile node takes for registered (RFC 5648); what is behind a mobile router belongs to a binding that
// lives (RFC 3963). It looks at the nodes and at what they reported and changes nothing. Virtual labs only: on TAP the
// machine may be late.
#pragma once

#include "protocol/lab/lab.hpp"

#include <deque>
#include <map>
#include <set>
#include <span>
#include <unordered_map>

namespace roamscope::lab {

class Invariants {
public:
    struct Violation {
        TimePoint time{};
        std::size_t node = 0;
        std::string_view invariant;  ///< "binding-lifetime", "tunnels", "packet-loop", "address-use", "sequence", "timer",
                                     ///< "binding-lost", "agreement", "networks"
        std::string text;
    };

    /// For a lab at time 0.
    explicit Invariants(const Lab& lab);

    /// After one advanceOnce(), with what that gave. `lab` is the one of the constructor, or a copy of it.
    void check(const Lab& lab, std::span<const SegmentFrame> frames, std::span<const LabEvent> events);

    /// The first of them; a lab that is broken once would fill any list.
    [[nodiscard]] const std::vector<Violation>& violations() const { return violations_; }

private:
    struct Claim {  ///< a node that uses an address
        std::size_t node;
        std::size_t interface;
        bool proxy;
        auto operator<=>(const Claim&) const = default;
    };
    struct Passage {
        std::uint8_t hopLimit;  ///< the lowest so far
        int rounds;             ///< how often it was lowered
        TimePoint time;
    };
    using Parts = std::map<Ipv6Address, std::vector<node::BidBinding>>;  ///< what there is with identifiers, by home address
    struct Book {  ///< what a node reported
        std::set<std::pair<std::string, std::int64_t>> bindings;  ///< home address, identifier or 0
        std::set<std::pair<std::string, std::string>> tunnels;  ///< peer, home address
        std::map<std::string, std::int64_t> timers;
        std::map<std::pair<std::string_view, std::string>, std::uint16_t> sent;  ///< sequence numbers by kind of update and peer
        struct Number {
            std::uint16_t sequence = 0;
            std::optional<std::uint16_t> began;  ///< home nonce with which numbers began anew (RR-CN-17)
        };
        std::map<Ipv6Address, Number> accepted;     ///< of its bindings
        Parts parts;
    };
    struct UpdateSeen {  ///< in this step
        std::size_t node;
        std::string home;
        std::string bids;  ///< with a blank before and behind each
        bool overwrite;
    };

    void violated(const Lab& lab, std::size_t node, std::string_view invariant, std::string text);
    void note(const Lab& lab, const LabEvent& event);
    void noteAddress(const Lab& lab, const LabEvent& event);
    void checkUse(const Lab& lab, const Ipv6Address& address, const Claim& claim);
    void checkNumbers(const Lab& lab, const LabEvent& event);
    void checkFrame(const Lab& lab, const SegmentFrame& frame);
    void checkNode(const Lab& lab, std::size_t node);
    void checkAnchor(const Lab& lab, std::size_t node, const node::Anchor& anchor);
    void checkCorrespondent(const Lab& lab, std::size_t node, const node::CorrespondentCache& cache);
    void checkMobileNode(const Lab& lab, std::size_t node, const node::MobileNode& mobile);
    void checkEnd(const Lab& lab, std::size_t node, const Ipv6Address& home, TimePoint expires, WireLifetime granted);
    /// What home addresses had by identifiers at `node` and have no more went for a reason.
    void checkParts(const Lab& lab, std::size_t node, Parts now);
    [[nodiscard]] bool mayEnd(const Lab& lab, std::size_t node, const Ipv6Address& home, const node::BidBinding& part) const;
    void noteQuiet(const Lab& lab, const LabEvent& event);
    void checkNetworks(const Lab& lab, std::size_t node, const node::Anchor& anchor);
    void checkRouter(const Lab& lab, std::size_t node, const node::MobileNode& mobile);
    void checkAgreement(const Lab& lab, std::size_t node, const node::MobileNode& mobile);
    [[nodiscard]] const node::Anchor* anchorAt(const Lab& lab, const Ipv6Address& address, std::size_t& node) const;
    void checkForward(const Lab& lab, std::size_t node, const Ipv6Address& home, const Book::Number& number, std::set<Ipv6Address>& seen);

    std::vector<Violation> violations_;
    std::vector<Book> books_;
    std::map<Ipv6Address, std::set<Claim>> claims_;
    std::map<std::pair<std::size_t, Ipv6Address>, TimePoint> taken_;  ///< addresses that a fault gave to a node, and when
    bool detectionMayFail_ = false;                        ///< the scenario loses or changes frames
    std::unordered_map<std::uint64_t, Passage> passages_;  ///< by packet, link and sender
    std::deque<std::pair<TimePoint, std::uint64_t>> oldPassages_;
    std::vector<UpdateSeen> updates_;                      ///< of this step
    std::set<std::pair<std::size_t, std::string>> ended_;  ///< node and home address whose bindings ended in this step by somebody's will
    std::map<Ipv6Address, TimePoint> stirred_;             ///< by home address: when anything happened to its bindings
    bool comparable_ = false;                              ///< nothing in the scenario makes home agent and mobile node think differently
    TimePoint instant_{};
    std::optional<TimePoint> jump_;                        ///< when a clock jumped last: what it left behind is done in that instant
    std::size_t stepsInInstant_ = 0;
};

}  // namespace roamscope::lab
