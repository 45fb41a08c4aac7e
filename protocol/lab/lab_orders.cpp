// SPDX-License-Identifier: GPL-3.0-or-later
// What a person tells one node of a lab to do, or to do otherwise, while it runs.
#include "protocol/lab/lab.hpp"

namespace roamscope::lab {

void Lab::originate(TimePoint now, std::size_t node, wire::Ipv6Packet packet, LabOutput& out)
{
    now_ = std::max(now_, now);
    call(node, out, [&](auto& n, node::Output& output) {
        if constexpr (requires { n.originate(now_, std::move(packet), output); }) n.originate(localTime(node), std::move(packet), output);
        else n.stack().send(localTime(node), std::move(packet), output);
    });
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
    call(node, out, [&](auto& n, node::Output& output) {
        if constexpr (requires { n.cease(now_, output); }) n.cease(localTime(node), output);
    });
}

bool Lab::revoke(TimePoint now, std::size_t node, const node::Anchor::Revocation& order, LabOutput& out)
{
    now_ = std::max(now_, now);
    bool was = false;
    call(node, out, [&](auto& n, node::Output& output) {
        if constexpr (requires { n.revoke(now_, order, output); }) was = n.revoke(localTime(node), order, output);
        else if constexpr (requires { n.revoke(now_, order.homeAddress, output); }) was = order.bids.empty() && n.revoke(localTime(node), order.homeAddress, output);
    });
    return was;
}

}  // namespace roamscope::lab
