// SPDX-License-Identifier: GPL-3.0-or-later
// Correspondent node (RFC 6275 §9): sends probes and takes the answers; with mobility support it also answers the return
// routability procedure, keeps bindings that this proves and sends straight to care-of addresses.
#pragma once

#include "protocol/node/correspondent_cache.hpp"
#include "protocol/node/ip_stack.hpp"
#include "protocol/node/traffic.hpp"

namespace roamscope::node {

class Correspondent {
public:
    struct Settings {
        Nonces::Settings nonces;               ///< RR-CN-05
        bool refreshRequests = false;          ///< asks for an update before a binding in use ends (RR-CN-12)
        std::size_t maximumBindings = 1000;    ///< above that 130
    };
    /// RR-CN-12: the first request leaves a sixteenth of the lifetime before its end, at least 4 s and at most 20 s; it is
    /// repeated twice, after 1 s and 2 s more. In use is a binding that carried a packet in the last half of its lifetime.
    static constexpr int refreshRequestCopies = 3;

    /// A node that has never heard of mobility.
    Correspondent(IpStack stack, std::vector<TrafficSource> sources) : stack_(std::move(stack)), sources_(std::move(sources)) {}
    /// With mobility support. `secrets` draws the nonces and the node key; on a real network it must not be predictable.
    Correspondent(IpStack stack, std::vector<TrafficSource> sources, Random secrets) : Correspondent(std::move(stack), std::move(sources), secrets, Settings{}) {}
    Correspondent(IpStack stack, std::vector<TrafficSource> sources, Random secrets, const Settings& settings);

    void receive(TimePoint now, std::size_t interface, ByteView frame, Output& out);
    void advance(TimePoint now, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;

    /// Ends the binding of a home address without its mobile node; false when there is none.
    bool revoke(TimePoint now, const Ipv6Address& homeAddress, Output& out);

    [[nodiscard]] const IpStack& stack() const { return stack_; }
    [[nodiscard]] IpStack& stack() { return stack_; }
    [[nodiscard]] const CorrespondentCache& cache() const { return cache_; }

private:
    void onMobility(TimePoint now, const wire::Ipv6Packet& packet, Output& out);
    void onHomeTestInit(TimePoint now, const wire::Ipv6Packet& packet, const wire::HomeTestInit& init, Output& out);
    void onCareOfTestInit(TimePoint now, const wire::Ipv6Packet& packet, const wire::CareOfTestInit& init, Output& out);
    void onUpdate(TimePoint now, const wire::Ipv6Packet& packet, const wire::BindingUpdate& update, Output& out);
    void onError(TimePoint now, const wire::IcmpError& error, Output& out);
    /// False for what a routing header sends on: that is none of ours.
    [[nodiscard]] bool acceptRouting(TimePoint now, const wire::Ipv6Packet& packet, Output& out);
    void requestRefreshes(TimePoint now, Output& out);
    void onProbe(TimePoint now, const wire::Ipv6Packet& packet, Output& out);
    void answer(TimePoint now, const wire::Ipv6Packet& to, const wire::MobilityMessage& message, Output& out);
    void acknowledge(TimePoint now, const wire::Ipv6Packet& update, const CorrespondentCache::Verdict& verdict, Output& out);
    /// Brings the stack's view of peers in line with the cache after a change of `homeAddress`.
    void bindingChanged(TimePoint now, const Ipv6Address& homeAddress, std::string_view why, Output& out);

    IpStack stack_;
    std::vector<TrafficSource> sources_;
    std::optional<Nonces> nonces_;  ///< with mobility support
    CorrespondentCache cache_;
    bool refreshRequests_ = false;
    struct Request {
        TimePoint next{};
        int sent = 0;
        Ipv6Address from;  ///< ours, to which the mobile node sent its update
    };
    std::map<Ipv6Address, Request> requests_;  ///< for live bindings, by home address, with refreshRequests_
};

}  // namespace roamscope::node
