// SPDX-License-Identifier: GPL-3.0-or-later
// A plain correspondent node without mobility support: sends probes, takes the answers.
#pragma once

#include "protocol/node/ip_stack.hpp"
#include "protocol/node/traffic.hpp"

namespace roamscope::node {

class Correspondent {
public:
    Correspondent(IpStack stack, std::vector<TrafficSource> sources) : stack_(std::move(stack)), sources_(std::move(sources)) {}

    void receive(TimePoint now, std::size_t interface, ByteView frame, Output& out);
    void advance(TimePoint now, Output& out);
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;

    [[nodiscard]] const IpStack& stack() const { return stack_; }
    [[nodiscard]] IpStack& stack() { return stack_; }

private:
    IpStack stack_;
    std::vector<TrafficSource> sources_;
};

}  // namespace roamscope::node
