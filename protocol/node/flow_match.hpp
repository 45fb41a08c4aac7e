// SPDX-License-Identifier: GPL-3.0-or-later
// Which flow binding a packet belongs to (RFC 6088 §3, RFC 6089 §4.3, §5.3.6; FLOW-08, FLOW-12). Home agents, MAPs and correspondents
// steer what is for the mobile node by it, and the mobile node its own packets, read the other way round.
// Values and functions; FlowSteering keeps what it saw of fragments. Not shared between threads.
#pragma once

#include "protocol/node/fragments.hpp"
#include "protocol/wire/flow_options.hpp"
#include "protocol/wire/ipv6.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <variant>
#include <vector>

namespace roamscope::node {

/// What selectors look at, as on a packet towards the mobile node: the source is the correspondent, the destination the home address,
/// also where a routing header or a home address option has it.
struct FlowKey {
    Ipv6Address source;
    Ipv6Address destination;
    std::uint8_t trafficClass = 0;
    std::uint32_t flowLabel = 0;
    std::uint8_t protocol = 0;  ///< of the upper layer, or what a fragment says is next
    std::optional<std::uint32_t> spi;
    std::optional<std::uint16_t> sourcePort;
    std::optional<std::uint16_t> destinationPort;
};

/// Of a whole packet, or of a fragment as far as it has the headers.
[[nodiscard]] FlowKey flowKeyOf(const wire::Ipv6Packet& packet);
/// The key of a packet of the mobile node's own, as its correspondent's answers would have it.
[[nodiscard]] FlowKey reversed(FlowKey key);

/// FLOW-12: a field that the packet does not have matches no range.
[[nodiscard]] bool matches(const wire::Ipv6TrafficSelector& selector, const FlowKey& key);

/// A flow binding. A selector for IPv4 packets matches none that is sent here.
struct Flow {
    using Selector = std::variant<wire::Ipv6TrafficSelector, wire::Ipv4TrafficSelector>;
    std::uint16_t flow = 1;           ///< FID
    std::uint16_t priority = 1;       ///< FID-PRI, the lowest comes first
    Selector selector;
    std::vector<std::uint16_t> bids;  ///< where its packets go: a copy to each that lives
    bool operator==(const Flow&) const = default;
};

/// FLOW-08: in the order in which packets are compared with them.
void order(std::vector<Flow>& flows);

/// Flows of packets one after the other. Fragments go where the first one of their packet went.
class FlowSteering {
public:
    static constexpr std::size_t maximum = 256;  ///< packets in fragments at a time; of more the oldest is forgotten
    static constexpr Duration longest = 60s;     ///< as long as a packet may be put together (RFC 8200 §4.5)

    /// The first of `flows`, which are ordered, that `packet` belongs to and that is active: `lives(bid)` for one of its
    /// identifiers. Null: no flow. `own`: a packet of the mobile node, not one for it.
    template <class Lives>
    [[nodiscard]] const Flow* choose(TimePoint now, const std::vector<Flow>& flows, const wire::Ipv6Packet& packet, bool own, const Lives& lives)
    {
        const auto isActive = [&](const Flow& flow) { return std::any_of(flow.bids.begin(), flow.bids.end(), lives); };
        const auto known = remembered(now, packet);
        if (known) {
            const auto it = std::find_if(flows.begin(), flows.end(), [&](const Flow& flow) { return flow.flow == *known; });
            return it != flows.end() && isActive(*it) ? &*it : nullptr;
        }
        const FlowKey key = own ? reversed(flowKeyOf(packet)) : flowKeyOf(packet);
        const auto fits = [&](const Flow& flow) {
            const auto* selector = std::get_if<wire::Ipv6TrafficSelector>(&flow.selector);
            return selector && matches(*selector, key) && isActive(flow);
        };
        const auto it = std::find_if(flows.begin(), flows.end(), fits);
        const Flow* found = it == flows.end() ? nullptr : &*it;
        remember(now, packet, found ? found->flow : std::uint16_t{0});
        return found;
    }

private:
    struct Seen {
        TimePoint at{};
        std::uint16_t flow = 0;  ///< 0: of no flow
    };
    /// The flow of the first fragment, when `packet` is a later one.
    [[nodiscard]] std::optional<std::uint16_t> remembered(TimePoint now, const wire::Ipv6Packet& packet) const;
    void remember(TimePoint now, const wire::Ipv6Packet& packet, std::uint16_t flow);

    std::map<FragmentKey, Seen> fragments_;
};

}  // namespace roamscope::node
