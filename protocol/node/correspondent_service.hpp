// SPDX-License-Identifier: GPL-3.0-or-later
// What a node does for mobile nodes that talk to it (RFC 6275 §9): answers the return routability procedure, keeps the bindings that it
// proves, asks for refreshes. Part of correspondent nodes and of mobile nodes, each of which is a correspondent of others, too (§8.5).
// Sends through the stack that it is called with and keeps that stack's mobile peers in line with its bindings.
#pragma once

#include "protocol/node/correspondent_cache.hpp"
#include "protocol/node/flow_bindings.hpp"
#include "protocol/node/ip_stack.hpp"

namespace roamscope::node {

class CorrespondentService {
public:
    struct Settings {
        Nonces::Settings nonces{};             ///< RR-CN-05
        bool refreshRequests = false;          ///< asks for an update before a binding in use ends (RR-CN-12)
        std::size_t maximumBindings = 1000;    ///< above that 130
        BidPolicy bids{};                      ///< several care-of addresses (RFC 5648)
        FlowPolicy flows{};                    ///< flow bindings (RFC 6089)
    };
    /// RR-CN-12: the first request leaves a sixteenth of the lifetime before its end, at least 4 s and at most 20 s; it is
    /// repeated twice, after 1 s and 2 s more. In use is a binding that carried a packet in the last half of its lifetime.
    static constexpr int refreshRequestCopies = 3;

    /// `secrets` draws the nonces and the node key; on a real network it must not be predictable.
    CorrespondentService(Random secrets, const Settings& settings);

    /// Other settings from now on, but for nonces.
    void configure(const Settings& settings);
    /// A Mobility Header message to an address of ours, without a routing header. False when it is none that a correspondent takes.
    bool receive(TimePoint now, const wire::Ipv6Packet& packet, const wire::MobilityMessage& message, IpStack& stack, Output& out);
    /// An ICMPv6 error about a packet of ours (RR-CN-13).
    void onError(TimePoint now, const wire::IcmpError& error, IpStack& stack, Output& out);
    /// Ends the binding of a home address without its mobile node; false when there is none.
    bool revoke(TimePoint now, const Ipv6Address& homeAddress, IpStack& stack, Output& out);
    void advance(TimePoint now, IpStack& stack, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;
    [[nodiscard]] const CorrespondentCache& cache() const { return cache_; }
    /// Flow bindings by home address, ordered.
    [[nodiscard]] const std::map<Ipv6Address, std::vector<Flow>>& flows() const { return flows_; }

private:
    void onHomeTestInit(TimePoint now, const wire::Ipv6Packet& packet, const wire::HomeTestInit& init, IpStack& stack, Output& out);
    void onCareOfTestInit(TimePoint now, const wire::Ipv6Packet& packet, const wire::CareOfTestInit& init, IpStack& stack, Output& out);
    void onUpdate(TimePoint now, const wire::Ipv6Packet& packet, const wire::BindingUpdate& update, IpStack& stack, Output& out);
    void requestRefreshes(TimePoint now, IpStack& stack, Output& out);
    void answer(TimePoint now, const wire::Ipv6Packet& to, const wire::MobilityMessage& message, IpStack& stack, Output& out);
    void acknowledge(TimePoint now, const wire::Ipv6Packet& update, const CorrespondentCache::Verdict& verdict, IpStack& stack, Output& out);
    /// The flow options of an update that was accepted take effect; their answers go into `ack`.
    void applyFlowOptions(TimePoint now, const Ipv6Address& homeAddress, const wire::BindingUpdate& update, wire::BindingAck& ack, Output& out);
    [[nodiscard]] std::vector<BidBinding> partsOf(const Ipv6Address& homeAddress) const;
    /// Brings the stack's view of peers in line with the cache after a change of `homeAddress`, which consisted of `before`.
    void bindingChanged(TimePoint now, const Ipv6Address& homeAddress, const std::vector<BidBinding>& before, std::string_view why, IpStack& stack, Output& out);

    Nonces nonces_;
    CorrespondentCache cache_;
    BidPolicy bids_;
    FlowPolicy flowPolicy_;
    std::map<Ipv6Address, std::vector<Flow>> flows_;  ///< none of them empty
    bool refreshRequests_ = false;
    struct Request {
        TimePoint next{};
        int sent = 0;
        Ipv6Address from;  ///< ours, to which the mobile node sent its update
    };
    /// Whether a timer of ours still says what is so.
    [[nodiscard]] auto holds() const
    {
        return [this](const Ipv6Address& home, TimePoint when) {
            const auto it = requests_.find(home);
            return it != requests_.end() && it->second.sent < refreshRequestCopies && it->second.next == when;
        };
    }
    std::map<Ipv6Address, Request> requests_;  ///< for live bindings, by home address, with refreshRequests_
    AddressTimers requestTimers_;
};

}  // namespace roamscope::node
