// SPDX-License-Identifier: GPL-3.0-or-later
// The lab's impairments and faults: what meets a frame between its port and the segment, and nodes that are disturbed.
#include "protocol/lab/lab.hpp"

#include "protocol/wire/summary.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::lab {

namespace {

bool meets(const ImpairmentSpec& spec, std::string_view sender)
{
    return spec.from.empty() || std::find(spec.from.begin(), spec.from.end(), sender) != spec.from.end();
}

/// A stream of random numbers of their own for the impairments, so that they do not disturb the nodes.
constexpr std::uint64_t impairmentStream = 0x1'0000'0000;

}  // namespace

void Lab::transmit(std::size_t port, std::size_t link, Bytes frame, LabOutput& out)
{
    std::string_view note;
    if (messageFaults_.empty() || !meetFaults(port, link, frame, note, out)) launch({port, link, std::move(frame), note, std::nullopt, false}, out);
}

void Lab::launch(Departure frame, LabOutput& out)
{
    Impairment* impairment = impairmentOf(frame.port, frame.link);
    // Onto a wire of the machine's nothing has to wait.
    const bool atOnce = segments_ == Segments::External && frame.note.empty() && links_[frame.link].delay == Duration{0};
    if (!impairment && atOnce) return out.transmit.push_back({frame.port, now_, std::move(frame.bytes)});
    if (!impairment) return schedule(now_ + links_[frame.link].delay, std::move(frame));
    const Impairment::Fate fate = impairment->pass(now_, frame.bytes.size());
    if (!fate.lost.empty()) {
        auto attributes = describe(frame.port, frame.link, frame.bytes);
        attributes.emplace_back("cause", node::attribute(fate.lost));
        return tell(ports_[frame.port].node, "frame-lost", std::move(attributes), out);
    }
    if (fate.bit) {
        frame.bytes[*fate.bit / 8] = static_cast<std::uint8_t>(frame.bytes[*fate.bit / 8] ^ (0x80u >> *fate.bit % 8));
        frame.bit = fate.bit;
        frame.note = "frame-corrupted";
    } else if (fate.heldBack && frame.note.empty()) {
        frame.note = "frame-held-back";
    }
    if (fate.copy) {
        Departure copy = frame;
        copy.note = "frame-duplicated";
        schedule(fate.arrival, std::move(frame));
        schedule(*fate.copy, std::move(copy));
        return;
    }
    schedule(fate.arrival, std::move(frame));
}

Impairment* Lab::impairmentOf(std::size_t port, std::size_t link)
{
    if (!links_[link].impaired) return nullptr;
    const auto it = impairments_.find({port, link});
    if (it != impairments_.end()) return &it->second;
    const LinkSpec& spec = scenario_.links[link];
    // The entry that names the sender goes before the one for all.
    const ImpairmentSpec* chosen = nullptr;
    for (const ImpairmentSpec& one : spec.impairments)
        if (meets(one, scenario_.nodes[ports_[port].node].name) && (!chosen || chosen->from.empty())) chosen = &one;
    if (!chosen) return nullptr;
    const Random random = Random(seed_).fork(impairmentStream + (std::uint64_t{port} << 16) + link);
    return &impairments_.try_emplace({port, link}, *chosen, spec.delay, random).first->second;
}

bool Lab::meetFaults(std::size_t port, std::size_t link, Bytes& frame, std::string_view& note, LabOutput& out)
{
    for (std::size_t i = 0; i < messageFaults_.size(); ++i) {
        const std::size_t number = messageFaults_[i];
        const auto& fault = std::get<MessageFault>(scenario_.faults[number]);
        if (now_ < fault.at || (!fault.match.link.empty() && scenario_.links[link].name != fault.match.link) ||
            (!fault.match.from.empty() && scenario_.nodes[ports_[port].node].name != fault.match.from) || !matches(fault.match, frame))
            continue;
        const std::uint32_t seen = ++matched_[number];
        if (seen < fault.number) continue;
        if (seen + 1 >= fault.number + fault.count) messageFaults_.erase(messageFaults_.begin() + static_cast<std::ptrdiff_t>(i--));
        switch (fault.action) {
        case MessageFault::Action::Drop: {
            auto attributes = describe(port, link, frame);
            attributes.emplace_back("cause", node::attribute(std::string_view("fault")));
            tell(ports_[port].node, "frame-lost", std::move(attributes), out);
            return true;
        }
        case MessageFault::Action::Corrupt:
            frame.back() = static_cast<std::uint8_t>(~frame.back());
            note = "frame-corrupted";
            break;
        case MessageFault::Action::Delay:
            schedule(now_ + fault.by + links_[link].delay, Departure{port, link, std::move(frame), "frame-delayed", std::nullopt, false});
            return true;
        case MessageFault::Action::Replay:
            schedule(now_ + fault.by + links_[link].delay, Departure{port, link, frame, "frame-replayed", std::nullopt, true});
            break;
        case MessageFault::Action::Change:
            if (auto other = changed(fault.change, frame)) {
                frame = std::move(*other);
                note = "frame-changed";
            }
            break;
        }
    }
    return false;
}

void Lab::carryOut(const RestartFault& fault, LabOutput& out)
{
    const std::size_t node = *findNode(fault.node);
    if (hosts_[node].down) return;
    tell(node, "node-down", {}, out);
    for (const node::Event& state : std::exchange(states_[node], {})) out.events.push_back({node, {now_, state.name, state.key, {}, true}, std::nullopt});
    hosts_[node].down = true;
    refreshDeadline(node);
    schedule(now_ + fault.down, Start{node});
}

void Lab::remember(std::size_t node, const node::Event& event)
{
    const auto it = states_.find(node);
    // Where a port is attached is no state of the node.
    if (it == states_.end() || event.key.empty() || event.name == "attachment") return;
    std::erase_if(it->second, [&](const node::Event& e) { return e.name == event.name && e.key == event.key; });
    if (!event.gone) it->second.push_back(event);
}

void Lab::carryOut(const AddressFault& fault, LabOutput& out)
{
    const std::size_t node = *findNode(fault.node);
    if (hosts_[node].down) return;
    const auto& interfaces = scenario_.nodes[node].interfaces;
    const auto it = std::find_if(interfaces.begin(), interfaces.end(), [&](const InterfaceSpec& i) { return i.name == fault.interface; });
    tell(node, "address-taken", {{"interface", node::attribute(std::string_view(fault.interface))}, {"address", node::attribute(fault.address)}}, out);
    call(node, out, [&](auto& n, node::Output& output) {
        n.stack().assign(localTime(node), static_cast<std::size_t>(it - interfaces.begin()), fault.address, false, true, output);
    });
}

void Lab::carryOut(const ClockFault& fault, LabOutput& out)
{
    const std::size_t node = *findNode(fault.node);
    hosts_[node].clock.set(now_, fault.step, fault.drift);
    tell(node, "clock-changed", {{"step", node::attribute(fault.step)}, {"drift", node::attribute(std::int64_t{fault.drift})}}, out);
    refreshDeadline(node);
}

void Lab::tell(std::size_t node, std::string_view name, node::Attributes attributes, LabOutput& out, std::optional<std::uint64_t> frame)
{
    out.events.push_back({node, {now_, name, {}, std::move(attributes), false}, frame});
}

node::Attributes Lab::describe(std::size_t port, std::size_t link, ByteView frame) const
{
    const auto summary = wire::summarize(wire::decodeFrame(frame, wire::linkEthernet, frame.size()));
    return {{"interface", node::attribute(std::string_view(ports_[port].name))},
            {"link", node::attribute(std::string_view(scenario_.links[link].name))},
            {"length", node::attribute(static_cast<std::int64_t>(frame.size()))},
            {"message", node::attribute(std::string_view(fmt::format("{} > {} {}: {}", summary.source, summary.destination, summary.protocol, summary.info)))}};
}

}  // namespace roamscope::lab
