// SPDX-License-Identifier: GPL-3.0-or-later
// What a person tells one node of a lab to do, or to do otherwise, while it runs.
#include "protocol/lab/lab.hpp"

namespace roamscope::lab {

node::IpStack& Lab::stackOf(std::size_t node)
{
    return nodes_[node].visit([](auto& n) -> node::IpStack& { return n.stack(); });
}

void Lab::originate(TimePoint now, std::size_t node, wire::Ipv6Packet packet, LabOutput& out)
{
    now_ = std::max(now_, now);
    node::Output output = newOutput();
    if (auto* mobile = nodes_[node].as<node::MobileNode>()) mobile->originate(now_, std::move(packet), output);
    else stackOf(node).send(now_, std::move(packet), output);
    collect(node, output, out);
}

void Lab::sendFrame(TimePoint now, std::size_t port, Bytes frame, LabOutput& out)
{
    now_ = std::max(now_, now);
    node::Output output = newOutput();
    output.frames.push_back({ports_[port].interface, std::move(frame)});
    collect(ports_[port].node, output, out);
}

void Lab::cease(TimePoint now, std::size_t node, LabOutput& out)
{
    now_ = std::max(now_, now);
    node::Output output = newOutput();
    nodes_[node].visit([&](auto& n) {
        if constexpr (requires { n.cease(now_, output); }) n.cease(localTime(node), output);
    });
    collect(node, output, out);
}

bool Lab::revoke(TimePoint now, std::size_t node, const node::Anchor::Revocation& order, LabOutput& out)
{
    const Ipv6Address& homeAddress = order.homeAddress;
    now_ = std::max(now_, now);
    node::Output output = newOutput();
    bool was = false;
    if (auto* anchor = nodes_[node].as<node::Anchor>()) was = anchor->revoke(now_, order, output);
    else if (!order.bids.empty()) was = false;
    else if (auto* correspondent = nodes_[node].as<node::Correspondent>()) was = correspondent->revoke(now_, homeAddress, output);
    else if (auto* mobile = nodes_[node].as<node::MobileNode>()) was = mobile->revoke(now_, homeAddress, output);
    collect(node, output, out);
    return was;
}

}  // namespace roamscope::lab
