// SPDX-License-Identifier: GPL-3.0-or-later
// Flow bindings as intervals (RFC 6089): what a mobile node's updates asked for and the acknowledgements agreed to. Every
// update names all flows that stay (FLOW-01). One thread; amortised O(flows of the home address) a message.
#pragma once

#include "capture/analysis/exchanges.hpp"

#include <map>
#include <utility>

namespace roamscope::analysis {

class FlowHistory {
public:
    /// Takes a signal that ExchangeTracker::add() returned for this frame.
    void add(const Signal& signal, const ExchangeTracker& exchanges, const Observation& o);
    /// All bindings of the home address at this peer ended: its flows do too (FLOW-10).
    void end(const Ipv6Address& owner, const Ipv6Address& home, TimePoint t);
    /// In order of their start.
    [[nodiscard]] const std::vector<FlowInterval>& intervals() const { return intervals_; }
    [[nodiscard]] std::vector<FlowInterval> take() { return std::exchange(intervals_, {}); }

private:
    using Key = std::pair<Ipv6Address, Ipv6Address>;   ///< owner, home address
    using Open = std::map<std::uint16_t, std::size_t>;  ///< flow identifier → open interval

    /// What an update asks for.
    struct Request {
        std::vector<wire::FlowIdentification> flows;  ///< made or changed (RFC 6089 §4.2)
        std::vector<std::uint16_t> kept;              ///< that stay as they are (RFC 6089 §4.2.2)
    };
    void ask(const Signal& signal, const Observation& o);
    void keepOnly(Open& open, const Request& request, TimePoint t);
    void set(Open& open, const Exchange& exchange, const wire::FlowIdentification& asked, const Observation& o);

    std::vector<FlowInterval> intervals_;
    std::map<Key, Open> open_;
    std::map<std::pair<std::size_t, std::size_t>, Request> asked_;  ///< exchange and copy of updates without an answer yet
};

/// "UDP, to port 5001–5003, from 2001:db8::1"; "everything" where no field is set.
[[nodiscard]] std::string selectorText(const wire::FlowIdentification& flow);

}  // namespace roamscope::analysis
