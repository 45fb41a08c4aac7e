// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/lab/lab.hpp"

#include <algorithm>

namespace roamscope::lab {

std::optional<TimePoint> Lab::nextDeadline() const
{
    std::optional<TimePoint> next;
    if (!queue_.empty()) next = queue_.top().time;
    for (const auto& deadline : deadlines_) next = node::earlier(next, deadline);
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
    if (!queue_.empty() && queue_.top().time <= now_) {
        Item item = queue_.top();
        queue_.pop();
        execute(std::move(item), out);
        return true;
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (!deadlines_[i] || *deadlines_[i] > now_) continue;
        node::Output output;
        std::visit([&](auto& n) { n.advance(now_, output); }, nodes_[i]);
        collect(i, output, out);
        break;
    }
    return true;
}

void Lab::inject(TimePoint now, std::size_t port, ByteView frame, LabOutput& out)
{
    now_ = std::max(now_, now);
    const Port& p = ports_[port];
    if (!p.link) return;  // detached
    node::Output output;
    std::visit([&](auto& n) { n.receive(now_, p.interface, frame, output); }, nodes_[p.node]);
    collect(p.node, output, out);
}

const node::IpStack& Lab::stack(std::size_t node) const
{
    return std::visit([](const auto& n) -> const node::IpStack& { return n.stack(); }, nodes_[node]);
}

std::optional<std::size_t> Lab::findNode(std::string_view name) const
{
    for (std::size_t i = 0; i < scenario_.nodes.size(); ++i)
        if (scenario_.nodes[i].name == name) return i;
    return std::nullopt;
}

void Lab::execute(Item item, LabOutput& out)
{
    if (const auto* frame = std::get_if<Departure>(&item.what)) depart(*frame, out);
    else attach(std::get<Attach>(item.what), out);
}

void Lab::depart(const Departure& frame, LabOutput& out)
{
    const Port& sender = ports_[frame.port];
    if (sender.link != frame.link) {
        // The interface left the link while the frame was on its way through the delay.
        out.events.push_back({sender.node, {now_, "frame-lost", {}, {{"interface", node::attribute(std::string_view(sender.name))}}, false}, std::nullopt});
        return;
    }
    if (segments_ == Segments::External) {
        out.transmit.push_back({frame.port, now_, frame.bytes});
        return;
    }
    out.frames.push_back({now_, frame.link, frame.bytes});
    const std::uint64_t index = framesSeen_++;
    for (std::size_t i = 0; i < ports_.size(); ++i) {
        if (i == frame.port || ports_[i].link != frame.link) continue;
        node::Output output;
        std::visit([&](auto& n) { n.receive(now_, ports_[i].interface, frame.bytes, output); }, nodes_[ports_[i].node]);
        cause_ = index;
        collect(ports_[i].node, output, out);
        cause_.reset();
    }
}

void Lab::move(TimePoint now, std::size_t port, std::optional<std::size_t> link, LabOutput& out)
{
    now_ = std::max(now_, now);
    attach({port, link}, out);
}

void Lab::attach(const Attach& change, LabOutput& out)
{
    Port& port = ports_[change.port];
    auto* mobile = std::get_if<node::MobileNode>(&nodes_[port.node]);
    node::Output output;
    if (port.link == change.link) {
        // The same link once more: for a mobile node a hint that it may be another one (MN-MOV-03).
        if (!port.link || !mobile) return;
        mobile->linkUp(now_, port.interface, output);
        return collect(port.node, output, out);
    }
    const node::Attributes key{{"interface", node::attribute(std::string_view(scenario_.nodes[port.node].interfaces[port.interface].name))}};
    if (port.link && mobile) mobile->linkDown(now_, port.interface, output);
    if (port.link) output.removed(now_, "attachment", key);
    port.link = change.link;
    out.moves.push_back({change.port, change.link});
    if (port.link) output.changed(now_, "attachment", key, {{"link", node::attribute(std::string_view(scenario_.links[*port.link].name))}});
    if (port.link && mobile) mobile->linkUp(now_, port.interface, output);
    collect(port.node, output, out);
}

void Lab::schedule(TimePoint time, std::variant<Departure, Attach> what) { queue_.push({time, serial_++, std::move(what)}); }

void Lab::collect(std::size_t node, node::Output& output, LabOutput& out)
{
    for (node::SentFrame& frame : output.frames) {
        const std::size_t port = portOf(node, frame.interface);
        if (const auto link = ports_[port].link) schedule(now_ + scenario_.links[*link].delay, Departure{port, *link, std::move(frame.bytes)});
    }
    for (node::Event& event : output.events) out.events.push_back({node, std::move(event), cause_});
    refreshDeadline(node);
}

void Lab::refreshDeadline(std::size_t node)
{
    deadlines_[node] = std::visit([](const auto& n) { return n.nextDeadline(); }, nodes_[node]);
}

std::size_t Lab::portOf(std::size_t node, std::size_t interface) const { return nodePorts_[node][interface]; }

}  // namespace roamscope::lab
