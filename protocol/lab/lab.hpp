// SPDX-License-Identifier: GPL-3.0-or-later
// A lab: nodes on links and a queue of what happens when, ordered by (time, serial). A copyable value without pointers
// inside; the same scenario and seed give the same frames. It runs in virtual time (segments inside) or is driven from
// outside over TAP interfaces (segments are kernel bridges); the nodes do not know which.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/lab/scenario.hpp"
#include "protocol/node/access_router.hpp"
#include "protocol/node/anchor.hpp"
#include "protocol/node/correspondent.hpp"
#include "protocol/node/mobile_node.hpp"

#include <functional>
#include <queue>
#include <variant>

namespace roamscope::lab {

/// Where frames go that leave a port.
enum class Segments : std::uint8_t {
    Internal,  ///< to the other ports of the link, at once after the port's delay
    External,  ///< to whoever drives the lab (LabOutput::transmit)
};

/// A node interface. `link` is none while it is detached.
struct Port {
    std::size_t node = 0;
    std::size_t interface = 0;
    std::string name;  ///< "mn-wl0"
    Mac mac;
    std::optional<std::size_t> link;
};

/// A frame that entered a segment: what a capture on that link sees, stamped with its arrival there.
struct SegmentFrame {
    TimePoint time{};
    std::size_t link = 0;
    Bytes bytes;
};

struct PortFrame {
    std::size_t port = 0;
    TimePoint due{};  ///< when it was to leave
    Bytes bytes;
};

struct PortMove {
    std::size_t port = 0;
    std::optional<std::size_t> link;
};

struct LabEvent {
    std::size_t node = 0;
    node::Event event;
    std::optional<std::uint64_t> frame;  ///< index of the captured frame whose arrival caused it (Internal only)
};

/// What happened during a call, in order of time within each list.
struct LabOutput {
    std::vector<SegmentFrame> frames;   ///< Internal only
    std::vector<PortFrame> transmit;    ///< External only: write these to the ports, after `moves`
    std::vector<PortMove> moves;
    std::vector<LabEvent> events;
    void clear() { *this = {}; }
};

class Lab {
public:
    /// Fails with the first problem of validate() when the scenario cannot be run.
    [[nodiscard]] static Result<Lab> build(const Scenario& scenario, std::uint64_t seed, Segments segments);
    /// With random numbers that nobody can foretell, from a key that was drawn for this run.
    [[nodiscard]] static Result<Lab> build(const Scenario& scenario, const Random::Key& key, Segments segments);

    [[nodiscard]] TimePoint now() const { return now_; }
    /// When something is to happen next; none when the lab is at rest for ever.
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;
    /// Does everything that is due up to and including `t` (>= now()).
    void advanceTo(TimePoint t, LabOutput& out);
    /// Does what is due at the next deadline only; false when that is after `limit` (then only the time moves there).
    bool advanceOnce(TimePoint limit, LabOutput& out);
    /// External: a frame that arrived at a port's TAP at `now`.
    void inject(TimePoint now, std::size_t port, ByteView frame, LabOutput& out);

    /// External: attaches a port to a link or detaches it, now.
    void move(TimePoint now, std::size_t port, std::optional<std::size_t> link, LabOutput& out);

    // ---- orders to one node (lab_orders.cpp)
    /// A packet of the node's own, on the way that its role has for the source address.
    void originate(TimePoint now, std::size_t node, wire::Ipv6Packet packet, LabOutput& out);
    /// A frame as it is.
    void sendFrame(TimePoint now, std::size_t port, Bytes frame, LabOutput& out);
    /// Ends a binding of an anchor or a correspondent; false when there is none.
    bool revoke(TimePoint now, std::size_t node, const Ipv6Address& homeAddress, LabOutput& out);
    /// Gives a node other settings while it runs. Fails when `spec` differs in what is fixed from the start: name, role, interfaces and
    /// their addresses, routes, the mobile node's home.
    [[nodiscard]] Result<void> configure(TimePoint now, std::size_t node, const NodeSpec& spec, LabOutput& out);

    [[nodiscard]] const std::vector<Port>& ports() const { return ports_; }
    [[nodiscard]] const Scenario& scenario() const { return scenario_; }
    [[nodiscard]] std::uint64_t seed() const { return seed_; }
    [[nodiscard]] const node::IpStack& stack(std::size_t node) const;
    /// The node itself, when it has that role.
    template <class T>
    [[nodiscard]] const T* nodeAs(std::size_t node) const
    {
        return std::get_if<T>(&nodes_[node]);
    }
    [[nodiscard]] std::optional<std::size_t> findNode(std::string_view name) const;

private:
    using Node = std::variant<node::Anchor, node::AccessRouter, node::Correspondent, node::MobileNode>;

    struct Departure {  ///< a frame on its way through a port's delay, then into the segment
        std::size_t port;
        std::size_t link;
        Bytes bytes;
    };
    struct Attach {
        std::size_t port;
        std::optional<std::size_t> link;
    };
    struct Item {
        TimePoint time{};
        std::uint64_t serial = 0;
        std::variant<Departure, Attach> what;
        bool operator>(const Item& o) const { return std::pair(time, serial) > std::pair(o.time, o.serial); }
    };

    Lab() = default;
    friend class LabBuilder;

    [[nodiscard]] node::IpStack& stackOf(std::size_t node);
    void execute(Item item, LabOutput& out);
    void depart(const Departure& frame, LabOutput& out);
    void attach(const Attach& change, LabOutput& out);
    void schedule(TimePoint time, std::variant<Departure, Attach> what);
    /// Takes what a node handed out: frames into the delay of their port, events into the record.
    void collect(std::size_t node, node::Output& output, LabOutput& out);
    void refreshDeadline(std::size_t node);
    [[nodiscard]] std::size_t portOf(std::size_t node, std::size_t interface) const;

    Scenario scenario_;
    std::uint64_t seed_ = 0;
    Segments segments_ = Segments::Internal;
    TimePoint now_{};
    std::uint64_t serial_ = 0;
    std::uint64_t framesSeen_ = 0;
    std::optional<std::uint64_t> cause_;  ///< frame being delivered
    std::vector<Node> nodes_;
    std::vector<std::optional<TimePoint>> deadlines_;  ///< of the nodes
    std::vector<Port> ports_;
    std::vector<std::vector<std::size_t>> nodePorts_;
    std::priority_queue<Item, std::vector<Item>, std::greater<>> queue_;
};

}  // namespace roamscope::lab
