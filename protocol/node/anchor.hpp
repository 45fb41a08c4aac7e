// SPDX-License-Identifier: GPL-3.0-or-later
// Home agent and mobility anchor point: one role with two policies (RFC 6275 §10, RFC 4140/5380 §6.2). Registers, defends
// home addresses by proxy neighbour discovery, tunnels to the care-of address and checks the reverse tunnel.
#pragma once

#include "protocol/node/ip_stack.hpp"
#include "protocol/node/registrar.hpp"
#include "protocol/node/router_advertiser.hpp"

namespace roamscope::node {

class Anchor {
public:
    /// The addresses that `stack` has now are the anchor's own; they are added to the policy.
    Anchor(IpStack stack, Registrar::Policy policy, std::vector<RouterAdvertiser> advertisers = {});

    void receive(TimePoint now, std::size_t interface, ByteView frame, Output& out);
    void advance(TimePoint now, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;

    /// Ends the binding of a home address without its mobile node; false when there is none.
    bool revoke(TimePoint now, const Ipv6Address& homeAddress, Output& out);
    /// Other settings from now on; bindings that are there stay as they are.
    void configure(TimePoint now, Registrar::Policy policy, std::vector<RouterAdvertiser> advertisers);

    [[nodiscard]] const IpStack& stack() const { return stack_; }
    [[nodiscard]] IpStack& stack() { return stack_; }
    [[nodiscard]] const Registrar& registrar() const { return registrar_; }

private:
    using LinkAddress = std::pair<std::size_t, Ipv6Address>;  ///< interface and link-local address

    void handle(TimePoint now, Delivery delivery, Output& out);
    /// A packet to ourselves; gives the inner packet when it came through a tunnel that is allowed.
    std::optional<wire::Ipv6Packet> local(TimePoint now, const Delivery& delivery, Output& out);
    std::optional<wire::Ipv6Packet> untunnel(TimePoint now, const wire::Ipv6Packet& packet, Output& out);
    void onMobility(TimePoint now, const Delivery& delivery, Output& out);
    void act(TimePoint now, const Registrar::Verdict& verdict, Output& out);
    void sendAck(TimePoint now, const Registrar::Verdict& verdict, Output& out);
    void intercept(TimePoint now, Delivery delivery, Output& out);
    void drainStack(TimePoint now, Output& out);

    /// Duplicate address detection for a new home address, and with L for the link-local address that belongs to it (HA-BU-04).
    void detect(TimePoint now, const Binding& binding, Output& out);
    void detected(TimePoint now, std::size_t interface, const Ipv6Address& home, Output& out);
    void conflict(TimePoint now, const Ipv6Address& home, Output& out);
    /// Holds the addresses of a live binding as proxy, newly taken ones with an advertisement (HA-ND-01).
    void defend(TimePoint now, const Binding& binding, Output& out);
    void defendLinkLocal(TimePoint now, std::size_t interface, const Binding& binding, bool verified, Output& out);
    void stopDefending(TimePoint now, const Ipv6Address& home, Output& out);
    void releaseLinkLocal(TimePoint now, const Ipv6Address& home, Output& out);
    [[nodiscard]] bool isReady(std::size_t interface, const Ipv6Address& address) const;

    void release(TimePoint now, const Binding& binding, std::string_view why, Output& out);
    void bindingEvent(TimePoint now, const Binding& binding, Output& out) const;

    IpStack stack_;
    Registrar registrar_;
    std::vector<RouterAdvertiser> advertisers_;
    /// Link-local addresses held for bindings with L, and whose they are: two home addresses may end alike.
    std::map<LinkAddress, std::vector<Ipv6Address>> linkLocals_;
};

}  // namespace roamscope::node
