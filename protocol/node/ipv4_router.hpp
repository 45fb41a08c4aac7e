// SPDX-License-Identifier: GPL-3.0-or-later
// Forwarding of IPv4 packets between the links of a router: by the prefixes of its interfaces, else by the first gateway that one of
// them has. Packets for the router itself and options of headers are dropped, and nobody hears of it: there is no ICMP here.
// Deterministic, copyable value, not shared between threads.
#pragma once

#include "protocol/node/ipv4_link.hpp"

#include <vector>

namespace roamscope::node {

class Ipv4Router {
public:
    explicit Ipv4Router(std::vector<Ipv4Link> links) : links_(std::move(links)) {}

    /// A frame that Ipv4Link::concerns().
    void receive(TimePoint now, std::size_t interface, ByteView frame, Output& out);
    void advance(TimePoint now, Output& out)
    {
        for (Ipv4Link& link : links_) link.advance(now, out);
    }
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;
    [[nodiscard]] const std::vector<Ipv4Link>& links() const { return links_; }

private:
    std::vector<Ipv4Link> links_;
};

}  // namespace roamscope::node
