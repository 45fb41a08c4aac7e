// SPDX-License-Identifier: GPL-3.0-or-later
// The flow bindings that a mobile node has at one home agent, MAP or correspondent for one home address (RFC 6089 §5.2): which flow
// options go into an update, what the acknowledgement says of them, and which flows hold, so that the node sends its own packets the same
// way (FLOW-01, -03, -05, -11). Values; no clock, no input or output.
#pragma once

#include "protocol/node/flow_match.hpp"
#include "protocol/wire/mobility.hpp"

#include <deque>

namespace roamscope::node {

class FlowRegistration {
public:
    /// These flows and no others, from now on. Identifiers and priorities differ (FLOW-05).
    void want(const std::vector<Flow>& flows);
    /// What is acknowledged is forgotten: another peer, or one that lost its bindings.
    void restart();

    /// The options of an update with this number, after which the peer knows the identifiers of `known`: every flow is in it, or it
    /// would be deleted (FLOW-01). A flow none of whose identifiers is known waits, or stays as it is (FLOW-04).
    [[nodiscard]] std::vector<wire::MobilityOption> options(std::uint16_t sequence, const std::vector<std::uint16_t>& known);
    /// Something has changed that no update has told yet.
    [[nodiscard]] bool mustTell(const std::vector<std::uint16_t>& known) const;
    /// The acknowledgement of an update that was accepted, after which the peer knows the identifiers of `known`. False when the peer does
    /// not know flows (FLOW-11): none is told any more. A flow that it refuses (statuses 128 to 133) or says nothing of is not told again
    /// as it is; one that waits for an identifier (131) or was only listed (132) is told in full as soon as it can be.
    bool acknowledged(std::uint16_t sequence, const std::vector<wire::MobilityOption>& answer, const std::vector<std::uint16_t>& known);

    /// The peer has none any more, as after an update with O; all are told again.
    void forget();

    [[nodiscard]] bool supported() const { return supported_; }
    /// Those that the peer has, in the order in which packets are compared with them.
    [[nodiscard]] const std::vector<Flow>& flows() const { return held_; }
    /// Those that are wanted, in that order.
    [[nodiscard]] const std::vector<Flow>& wanted() const { return wanted_; }
    /// The status that the peer gave a flow last; none when it has not answered.
    [[nodiscard]] std::optional<std::uint8_t> status(std::uint16_t flow) const;

private:
    struct Entry {
        Flow flow;
        std::optional<Flow> told;  ///< as the peer acknowledged it
        std::optional<std::uint8_t> status;
        std::optional<Flow> refused;  ///< not told again as it was
    };
    struct Sent {
        std::uint16_t sequence = 0;
        std::vector<Flow> flows;
        std::vector<std::uint16_t> listed;  ///< in a summary
    };
    [[nodiscard]] static Flow present(const Entry& entry, const std::vector<std::uint16_t>& known);
    void holdAgain();

    std::vector<Entry> entries_;
    std::deque<Sent> sent_;
    std::vector<Flow> held_;
    std::vector<Flow> wanted_;
    bool removed_ = false;  ///< a flow was taken away that the peer still has
    bool supported_ = true;
};

}  // namespace roamscope::node
