// SPDX-License-Identifier: GPL-3.0-or-later
// Correspondent node (RFC 6275 §9): sends probes and takes the answers; with mobility support it also answers the return
// routability procedure, keeps bindings that this proves and sends straight to care-of addresses.
#pragma once

#include "protocol/node/correspondent_service.hpp"
#include "protocol/node/traffic.hpp"

namespace roamscope::node {

class Correspondent {
public:
    using Settings = CorrespondentService::Settings;

    /// A node that has never heard of mobility.
    Correspondent(IpStack stack, std::vector<TrafficSource> sources) : stack_(std::move(stack)), sources_(std::move(sources)) {}
    /// With mobility support. `secrets` draws the nonces and the node key; on a real network it must not be predictable.
    Correspondent(IpStack stack, std::vector<TrafficSource> sources, Random secrets) : Correspondent(std::move(stack), std::move(sources), secrets, Settings{}) {}
    Correspondent(IpStack stack, std::vector<TrafficSource> sources, Random secrets, const Settings& settings);

    void receive(TimePoint now, std::size_t interface, ByteView frame, Output& out);
    void advance(TimePoint now, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;

    /// Other settings from now on, but for nonces; bindings that are there stay as they are. Nothing without mobility support.
    void configure(const Settings& settings)
    {
        if (service_) service_->configure(settings);
    }
    /// Ends the binding of a home address without its mobile node; false when there is none.
    bool revoke(TimePoint now, const Ipv6Address& homeAddress, Output& out);

    [[nodiscard]] const IpStack& stack() const { return stack_; }
    [[nodiscard]] IpStack& stack() { return stack_; }
    /// Empty without mobility support.
    [[nodiscard]] const CorrespondentCache& cache() const;
    /// Flow bindings by home address.
    [[nodiscard]] const std::map<Ipv6Address, std::vector<Flow>>& flows() const;

private:
    void onMobility(TimePoint now, const wire::Ipv6Packet& packet, Output& out);
    /// False for what a routing header sends on: that is none of ours.
    [[nodiscard]] bool acceptRouting(TimePoint now, const wire::Ipv6Packet& packet, Output& out);
    void onProbe(TimePoint now, const wire::Ipv6Packet& packet, Output& out);

    IpStack stack_;
    std::vector<TrafficSource> sources_;
    std::optional<CorrespondentService> service_;  ///< with mobility support
};

}  // namespace roamscope::node
