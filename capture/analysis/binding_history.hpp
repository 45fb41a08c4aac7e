// SPDX-License-Identifier: GPL-3.0-or-later
// Bindings as intervals, inferred from accepted acknowledgements where they are seen first, nearest to the anchor
// (RFC 6275 §9.5.1, §9.5.4; RFC 5648 for binding identifiers). One thread; amortised O(1) a message.
#pragma once

#include "capture/analysis/exchanges.hpp"

#include <span>

namespace roamscope::analysis {

class BindingHistory {
public:
    /// Takes a signal that ExchangeTracker::add() returned for this frame.
    void add(const Signal& signal, const ExchangeTracker& exchanges, const Observation& o);
    /// Takes a frame that may revoke bindings: what an indication names ends when its acknowledgement is seen (RFC 5846).
    void revoke(const Observation& o);
    /// Intervals in order of their start; those that ran out before `end` are closed there.
    [[nodiscard]] std::vector<BindingInterval> intervals(TimePoint end) const;
    /// The same without a copy; nothing is known afterwards.
    [[nodiscard]] std::vector<BindingInterval> take(TimePoint end);
    /// Of the bindings of a home address that are alive at `t` the one that was acknowledged last, or null.
    [[nodiscard]] const BindingInterval* latest(const Ipv6Address& owner, const Ipv6Address& home, TimePoint t) const;
    [[nodiscard]] const std::vector<IdentifierAnswer>& answers() const { return answers_; }
    /// Behind mobile routers, by the acknowledgement of the update that names them.
    [[nodiscard]] const std::map<FrameIndex, std::vector<Prefix>>& networks() const { return networks_; }
    /// The interval of this binding that is alive at `t`, or null.
    [[nodiscard]] const BindingInterval* alive(const Ipv6Address& owner, const Ipv6Address& home, std::optional<std::uint16_t> bid,
                                               TimePoint t) const;

private:
    using Bid = std::optional<std::uint16_t>;
    using Open = std::map<Bid, std::size_t>;  ///< of one home address: open interval per binding identifier
    using Owner = std::map<Ipv6Address, Open>;

    /// Whether what the answer says of its update was said before: links and faults make copies that differ in the addresses.
    [[nodiscard]] bool isKnown(const Open& open, std::span<const BidBinding> wanted, const UpdateCopy& copy, const Answer& answer) const;
    void accept(const Exchange& exchange, const UpdateCopy& copy, const Answer* answer, const Observation& o);
    void open(Open& open, const Exchange& exchange, const UpdateCopy& copy, const BidBinding& binding, const Answer* answer, const Observation& o);
    void close(std::size_t interval, TimePoint t, Knowledge why);

    std::vector<BindingInterval> intervals_;
    std::map<Ipv6Address, Owner> open_;
    std::vector<IdentifierAnswer> answers_;
    std::map<FrameIndex, std::vector<Prefix>> networks_;
    std::vector<Revocation> indications_;  ///< the latest that are not answered
};

}  // namespace roamscope::analysis
