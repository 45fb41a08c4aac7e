// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/lab/lab.hpp"

#include <algorithm>
#include <functional>

namespace roamscope::lab {

std::span<const Port> portsOf(const std::vector<Port>& ports, std::size_t node)
{
    const auto first = std::lower_bound(ports.begin(), ports.end(), node, [](const Port& port, std::size_t n) { return port.node < n; });
    return {first, std::upper_bound(first, ports.end(), node, [](std::size_t n, const Port& port) { return n < port.node; })};
}

std::optional<TimePoint> Lab::nextDeadline() const
{
    std::optional<TimePoint> next;
    if (!queue_.empty()) next = queue_.front().time;
    if (const auto* due = deadlines_.first()) next = node::earlier(next, due->time);
    return next;
}

void Lab::advanceTo(TimePoint t, LabOutput& out)
{
    while (advanceOnce(t, out)) {}
}

bool Lab::advanceOnce(TimePoint limit, LabOutput& out)
{
    const auto next = nextDeadline();
    if (!next || *next > limit) {
        now_ = std::max(now_, limit);
        return false;
    }
    // On TAP `limit` is the clock and this may be a little earlier: timers keep their own pace instead of adding up delays.
    now_ = std::max(now_, *next);
    if (!queue_.empty() && queue_.front().time <= now_) {
        std::pop_heap(queue_.begin(), queue_.end(), std::greater<>());
        Item item = std::move(queue_.back());
        queue_.pop_back();
        execute(std::move(item), out);
        return true;
    }
    const std::size_t node = deadlines_.first()->index;
    call(node, out, [&](auto& n, node::Output& output) { n.advance(localTime(node), output); });
    return true;
}

void Lab::inject(TimePoint now, std::size_t port, ByteView frame, LabOutput& out)
{
    now_ = std::max(now_, now);
    if (ports_[port].link) deliverTo(port, frame, out);
}

const node::IpStack& Lab::stack(std::size_t node) const
{
    return hosts_[node].node.visit([](const auto& n) -> const node::IpStack& { return n.stack(); });
}

std::optional<std::size_t> Lab::findNode(std::string_view name) const
{
    for (std::size_t i = 0; i < scenario_.nodes.size(); ++i)
        if (scenario_.nodes[i].name == name) return i;
    return std::nullopt;
}

std::optional<TimePoint> Lab::nodeDeadline(std::size_t node) const
{
    return hosts_[node].node.visit([](const auto& n) { return n.nextDeadline(); });
}

void Lab::execute(Item item, LabOutput& out)
{
    if (auto* frame = std::get_if<Departure>(&item.what)) return depart(*frame, out);
    if (const auto* change = std::get_if<Attach>(&item.what)) return attach(*change, out);
    if (const auto* up = std::get_if<Start>(&item.what)) return start(up->node, out);
    const FaultSpec& fault = scenario_.faults[std::get<Trouble>(item.what).fault];
    if (const auto* restart = std::get_if<RestartFault>(&fault)) carryOut(*restart, out);
    if (const auto* address = std::get_if<AddressFault>(&fault)) carryOut(*address, out);
    if (const auto* clock = std::get_if<ClockFault>(&fault)) carryOut(*clock, out);
}

void Lab::depart(Departure& frame, LabOutput& out)
{
    const Port& sender = ports_[frame.port];
    const bool there = sender.link == frame.link;
    if (!there && (!frame.foreign || segments_ == Segments::External)) {
        // The interface left the link while the frame was on its way through the delay.
        auto attributes = describe(frame.port, frame.link, frame.bytes);
        attributes.emplace_back("cause", node::attribute(std::string_view("link-left")));
        return tell(sender.node, "frame-lost", std::move(attributes), out);
    }
    const auto number = segments_ == Segments::Internal ? std::optional(framesSeen_) : std::nullopt;
    if (!frame.note.empty()) {
        auto attributes = describe(frame.port, frame.link, frame.bytes);
        if (frame.bit) attributes.emplace_back("bit", node::attribute(static_cast<std::int64_t>(*frame.bit)));
        tell(sender.node, frame.note, std::move(attributes), out, number);
    }
    if (segments_ == Segments::External) {
        out.transmit.push_back({frame.port, now_, std::move(frame.bytes)});
        return;
    }
    ++framesSeen_;
    cause_ = number;
    deliver(frame.link, frame.foreign && !there ? std::nullopt : std::optional(frame.port), frame.bytes, out);
    cause_.reset();
    out.frames.push_back({now_, frame.link, std::move(frame.bytes)});
}

void Lab::deliver(std::size_t link, std::optional<std::size_t> sender, ByteView frame, LabOutput& out)
{
    if (frame.size() < wire::EthernetHeader::octets) return;
    Mac destination;
    std::copy_n(frame.begin(), destination.octets.size(), destination.octets.begin());
    const auto hand = [&](std::size_t port) {
        if (port != sender && ports_[port].link == link) deliverTo(port, frame, out);
    };
    if (destination.isGroup()) {
        // A node that is told moves nobody at once, so the list holds still.
        const std::uint64_t bits = node::GroupTable::filterBits(destination);
        for (const auto& [groups, port] : links_[link].listeners)
            if ((groups & bits) == bits && stack(ports_[port].node).hears(ports_[port].interface, destination)) hand(port);
        return;
    }
    if (const std::uint32_t port = macPorts_.find(destination, macOf()); port != macPorts_.none) hand(port);
}

void Lab::deliverTo(std::size_t port, ByteView frame, LabOutput& out)
{
    const Port& p = ports_[port];
    if (hosts_[p.node].down) return;
    call(p.node, out, [&](auto& n, node::Output& output) { n.receive(localTime(p.node), p.interface, frame, output); });
}

void Lab::move(TimePoint now, std::size_t port, std::optional<std::size_t> link, LabOutput& out)
{
    now_ = std::max(now_, now);
    attach({port, link}, out);
}

void Lab::attach(const Attach& change, LabOutput& out)
{
    Port& port = ports_[change.port];
    Host& host = hosts_[port.node];
    auto* mobile = host.down ? nullptr : host.node.as<node::MobileNode>();
    host.node.bringNear();
    node::Output output = newOutput();
    const TimePoint local = localTime(port.node);
    if (port.link == change.link) {
        // The same link once more: for a mobile node a hint that it may be another one (MN-MOV-03).
        if (!port.link || !mobile) return;
        mobile->linkUp(local, port.interface, output);
        return collect(port.node, output, out);
    }
    const node::Attributes key{{"interface", node::attribute(stack(port.node).interfaceName(port.interface))}};
    if (port.link && mobile) mobile->linkDown(local, port.interface, output);
    if (port.link) output.removed(now_, "attachment", key);
    setLink(change.port, change.link);
    out.moves.push_back({change.port, change.link});
    if (port.link) output.changed(now_, "attachment", key, {{"link", node::attribute(std::string_view(scenario_.links[*port.link].name))}});
    if (port.link && mobile) mobile->linkUp(local, port.interface, output);
    collect(port.node, output, out);
}

void Lab::setLink(std::size_t port, std::optional<std::size_t> link)
{
    const auto placeIn = [&](std::vector<Listener>& list) { return std::lower_bound(list.begin(), list.end(), port, [](const Listener& l, std::size_t p) { return l.port < p; }); };
    if (const auto old = std::exchange(ports_[port].link, link)) links_[*old].listeners.erase(placeIn(links_[*old].listeners));
    if (link) links_[*link].listeners.insert(placeIn(links_[*link].listeners), {ports_[port].groups, port});
}

void Lab::refreshFilter(std::size_t number)
{
    Port& port = ports_[number];
    const std::uint64_t filter = stack(port.node).groupFilter(port.interface);
    if (std::exchange(port.groups, filter) == filter || !port.link) return;
    auto& list = links_[*port.link].listeners;
    std::lower_bound(list.begin(), list.end(), number, [](const Listener& l, std::size_t p) { return l.port < p; })->groups = filter;
}

void Lab::schedule(TimePoint time, What what)
{
    queue_.push_back({time, serial_++, std::move(what)});
    std::push_heap(queue_.begin(), queue_.end(), std::greater<>());
}

void Lab::collect(std::size_t node, node::Output& output, LabOutput& out)
{
    const Host& host = hosts_[node];
    // Grown at once: what one call brings about is mostly reported by this node.
    if (const std::size_t events = out.events.size() + output.events.size(); events > out.events.capacity()) out.events.reserve(2 * events);
    for (node::Event& event : output.events) {
        if (host.clock.skewed()) event.time = now_;
        if (!states_.empty()) remember(node, event);
        out.events.push_back({node, std::move(event), cause_});
    }
    for (node::SentFrame& frame : output.frames) {
        const std::size_t port = portOf(node, frame.interface);
        if (const auto link = ports_[port].link) transmit(port, *link, std::move(frame.bytes), out);
    }
    for (std::size_t port = host.firstPort; port < host.firstPort + host.ports; ++port) refreshFilter(port);
    refreshDeadline(node);
    output.events.clear();
    output.frames.clear();
    spare_ = std::move(output);
}

void Lab::refreshDeadline(std::size_t node)
{
    const Host& host = hosts_[node];
    const auto deadline = host.down ? std::nullopt : nodeDeadline(node);
    deadlines_.set(node, deadline ? std::optional(host.clock.lab(*deadline)) : std::nullopt);
}

}  // namespace roamscope::lab
