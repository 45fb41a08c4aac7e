// SPDX-License-Identifier: GPL-3.0-or-later
// A lab: nodes on links and a queue of what happens when, ordered by (time, serial). A copyable value without pointers
// inside; the same scenario and seed give the same frames. It runs in virtual time (segments inside) or is driven from
// outside over TAP interfaces (segments are kernel bridges); the nodes do not know which.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/lab/deadline_queue.hpp"
#include "protocol/lab/lab_node.hpp"
#include "protocol/lab/scenario.hpp"
#include "protocol/node/address_index.hpp"

#include <map>
#include <span>
#include <variant>

namespace roamscope::lab {

/// Where frames go that leave a port.
enum class Segments : std::uint8_t {
    Internal,  ///< to the other ports of the link, at once after the port's delay
    External,  ///< to whoever drives the lab (LabOutput::transmit)
};

/// A node interface. What each frame looks at stands in one line of memory (decision 10).
struct alignas(64) Port {
    std::size_t node = 0;
    std::size_t interface = 0;
    std::optional<std::size_t> link;  ///< none while it is detached
    Mac mac;                          ///< of no other port
    std::uint64_t groups = ~std::uint64_t{0};  ///< its group filter (GroupTable), so that a multicast frame wakes only the nodes that want it; everything until the node has said
    std::string name;                 ///< "mn-wl0"
};
/// Those of a node in the list of all, which is ordered by node.
[[nodiscard]] std::span<const Port> portsOf(const std::vector<Port>& ports, std::size_t node);

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

    /// Attaches a port to a link or detaches it, now.
    void move(TimePoint now, std::size_t port, std::optional<std::size_t> link, LabOutput& out);

    /// Nodes tell nothing but what becomes of probes.
    void setQuiet(bool quiet) { quiet_ = quiet; }

    // ---- orders to one node (lab_orders.cpp)
    /// A packet of the node's own, on the way that its role has for the source address.
    void originate(TimePoint now, std::size_t node, wire::Ipv6Packet packet, LabOutput& out);
    /// A frame as it is.
    void sendFrame(TimePoint now, std::size_t port, Bytes frame, LabOutput& out);
    /// Ends a binding of an anchor or a correspondent; false when there is none. An anchor may end some of its care-of addresses only, and
    /// tells the mobile node.
    bool revoke(TimePoint now, std::size_t node, const node::Anchor::Revocation& order, LabOutput& out);
    bool revoke(TimePoint now, std::size_t node, const Ipv6Address& homeAddress, LabOutput& out) { return revoke(now, node, node::Anchor::Revocation{homeAddress}, out); }
    /// A node stops in good order: a router says so (RFC 4861 §6.2.5). It is not run any more afterwards.
    void cease(TimePoint now, std::size_t node, LabOutput& out);
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
        return hosts_[node].node.as<T>();
    }
    [[nodiscard]] std::optional<std::size_t> findNode(std::string_view name) const;
    /// False while a restart keeps the node down.
    [[nodiscard]] bool isRunning(std::size_t node) const { return !hosts_[node].down; }
    /// What the node's own clock shows, which all times in its state refer to.
    [[nodiscard]] TimePoint localTime(std::size_t node) const { return hosts_[node].clock.local(now_); }
    /// When the node wants to be called next, by its own clock.
    [[nodiscard]] std::optional<TimePoint> nodeDeadline(std::size_t node) const;

private:
    struct Departure {  ///< a frame on its way through a port's delay, then into the segment
        std::size_t port = 0;
        std::size_t link = 0;
        Bytes bytes;
        std::string_view note;  ///< the event that tells what became of it on the way; empty: nothing
        std::optional<std::size_t> bit;
        bool foreign = false;   ///< sent by nobody of the lab in the port's name
    };
    struct Attach {
        std::size_t port;
        std::optional<std::size_t> link;
    };
    struct Trouble {
        std::size_t fault;  ///< number of it in the scenario
    };
    struct Start {
        std::size_t node;
    };
    using What = std::variant<Departure, Attach, Trouble, Start>;
    struct Item {
        TimePoint time{};
        std::uint64_t serial = 0;
        What what;
        bool operator>(const Item& o) const { return time != o.time ? time > o.time : serial > o.serial; }
    };

    Lab() = default;
    friend class LabBuilder;
    static Lab built(const Scenario& scenario, std::uint64_t seed, Random random, Segments segments);

    [[nodiscard]] node::IpStack& stackOf(std::size_t node)
    {
        return hosts_[node].node.visit([](auto& n) -> node::IpStack& { return n.stack(); });
    }
    void execute(Item item, LabOutput& out);
    void depart(Departure& frame, LabOutput& out);
    /// A frame on a segment, for everybody there but `sender`.
    void deliver(std::size_t link, std::optional<std::size_t> sender, ByteView frame, LabOutput& out);
    void deliverTo(std::size_t port, ByteView frame, LabOutput& out);
    void attach(const Attach& change, LabOutput& out);
    void setLink(std::size_t port, std::optional<std::size_t> link);
    void schedule(TimePoint time, What what);
    /// Takes what a node handed out: frames into the delay of their port, events into the record.
    void collect(std::size_t node, node::Output& output, LabOutput& out);
    void refreshDeadline(std::size_t node);
    /// Has `f(node, output)` done by a node, as what it is, and collects what comes of it.
    template <class F>
    void call(std::size_t node, LabOutput& out, F f)
    {
        hosts_[node].node.bringNear();
        node::Output output = newOutput();
        hosts_[node].node.visit([&](auto& n) { f(n, output); });
        collect(node, output, out);
    }
    /// Notes which groups a port wants to hear.
    void refreshFilter(std::size_t port);
    [[nodiscard]] std::size_t portOf(std::size_t node, std::size_t interface) const { return hosts_[node].firstPort + interface; }

    // lab_troubles.cpp
    void transmit(std::size_t port, std::size_t link, Bytes frame, LabOutput& out);
    /// True when a fault of the scenario has taken care of the frame.
    bool meetFaults(std::size_t port, std::size_t link, Bytes& frame, std::string_view& note, LabOutput& out);
    void launch(Departure frame, LabOutput& out);
    [[nodiscard]] Impairment* impairmentOf(std::size_t port, std::size_t link);
    void carryOut(const RestartFault& fault, LabOutput& out);
    void carryOut(const AddressFault& fault, LabOutput& out);
    void carryOut(const ClockFault& fault, LabOutput& out);
    void start(std::size_t node, LabOutput& out);
    void remember(std::size_t node, const node::Event& event);
    void tell(std::size_t node, std::string_view name, node::Attributes attributes, LabOutput& out, std::optional<std::uint64_t> frame = std::nullopt);
    [[nodiscard]] node::Attributes describe(std::size_t port, std::size_t link, ByteView frame) const;

    Scenario scenario_;
    /// What a node is to write to; collect() takes it back, so that its room is used again.
    [[nodiscard]] node::Output newOutput()
    {
        node::Output output = std::exchange(spare_, {});
        output.quiet = quiet_;
        return output;
    }

    node::Output spare_;  ///< empty
    bool quiet_ = false;
    std::uint64_t seed_ = 0;
    Segments segments_ = Segments::Internal;
    TimePoint now_{};
    std::uint64_t serial_ = 0;
    std::uint64_t framesSeen_ = 0;
    std::optional<std::uint64_t> cause_;  ///< frame being delivered
    /// A node and what the lab keeps of it, in one line of memory (decision 10).
    struct alignas(64) Host {
        Node node;
        std::uint32_t firstPort = 0;  ///< the others follow
        std::uint32_t ports = 0;
        NodeClock clock{};
        std::uint32_t restarts = 0;   ///< so far
        bool down = false;            ///< a restart keeps it down
    };
    std::vector<Host> hosts_;             ///< by node
    DeadlineQueue deadlines_;             ///< of the nodes, in lab time
    std::vector<Port> ports_;
    struct Listener {
        std::uint64_t groups = 0;  ///< the port's, where a frame to many needs it
        std::size_t port = 0;
    };
    struct alignas(64) Link {
        Duration delay{0};
        bool impaired = false;             ///< for somebody at least
        std::vector<Listener> listeners{}; ///< by port
    };
    std::vector<Link> links_;                       ///< by number, as in the scenario
    node::PlaceIndex<Mac> macPorts_;                ///< ports by link-layer address
    [[nodiscard]] auto macOf() const
    {
        return [this](std::uint32_t port) -> const Mac& { return ports_[port].mac; };
    }
    std::map<std::pair<std::size_t, std::size_t>, Impairment> impairments_;  ///< by port and link, made when first used
    std::vector<std::size_t> messageFaults_;       ///< those of the scenario that are not used up
    std::vector<std::uint32_t> matched_;           ///< frames that each fault has seen
    /// What the nodes that will restart have reported and not taken back: it ends with them.
    std::map<std::size_t, std::vector<node::Event>> states_;
    std::vector<Item> queue_;  ///< a heap, earliest first
};

}  // namespace roamscope::lab
