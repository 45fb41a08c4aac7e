// SPDX-License-Identifier: GPL-3.0-or-later
// Access router: forwards, and advertises itself and the MAPs of its domain (RFC 4861 §6.2, RFC 4140 §3.1, HMIP-AR-01).
#pragma once

#include "protocol/node/router_advertiser.hpp"

namespace roamscope::node {

class AccessRouter {
public:
    AccessRouter(IpStack stack, std::vector<RouterAdvertiser> advertisers) : stack_(std::move(stack)), advertisers_(std::move(advertisers)) {}

    void receive(TimePoint now, std::size_t interface, ByteView frame, Output& out);
    void advance(TimePoint now, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;

    /// Other advertisements from now on.
    void configure(TimePoint now, std::vector<RouterAdvertiser> advertisers)
    {
        advertisers_ = std::move(advertisers);
        for (RouterAdvertiser& advertiser : advertisers_) advertiser.startAt(now);
    }

    [[nodiscard]] const IpStack& stack() const { return stack_; }
    [[nodiscard]] IpStack& stack() { return stack_; }

private:
    IpStack stack_;
    std::vector<RouterAdvertiser> advertisers_;
};

}  // namespace roamscope::node
