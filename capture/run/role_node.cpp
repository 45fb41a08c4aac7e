// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/run/role_node.hpp"

#include "capture/io/record_output.hpp"

#include <nlohmann/json.hpp>

namespace roamscope::capture {

Result<RoleNode> RoleNode::make(RoleFile file, const Random::Key& key)
{
    auto lab = file.scenario.seed != 0 ? lab::Lab::build(file.scenario, file.scenario.seed, lab::Segments::External)
                                       : lab::Lab::build(file.scenario, key, lab::Segments::External);
    if (!lab) return tl::unexpected(lab.error());
    return RoleNode(std::move(*lab), std::move(file));
}

std::string RoleNode::readyLine() const
{
    const lab::NodeSpec& spec = lab_.scenario().nodes[0];
    Json interfaces = Json::array();
    for (const lab::Port& port : lab_.ports()) {
        Json addresses = Json::array();
        for (const node::InterfaceAddress& address : lab_.stack(0).addresses(port.interface)) addresses.push_back(address.address.text());
        interfaces.push_back({{"name", spec.interfaces[port.interface].name}, {"tap", lab_.scenario().links[port.interface].name}, {"mac", port.mac.text()}, {"addresses", addresses}});
    }
    Json line{{"event", "ready"}, {"node", spec.name}, {"role", std::string(lab::roleName(spec.role))},
              {"security", "no security association: nothing is protected by IPsec"},
              {"random", lab_.scenario().seed == 0 ? "secure" : "seeded: nonces and keys can be foretold"}, {"interfaces", interfaces}};
    if (spec.homeAddress) line["home_address"] = spec.homeAddress->text();
    return line.dump();
}

std::optional<TimePoint> RoleNode::nextDeadline() const
{
    auto next = lab_.nextDeadline();
    for (const auto& [flow, probing] : probes_) next = node::earlier(next, probing.source.nextDeadline());
    return next;
}

bool RoleNode::advance(TimePoint now)
{
    if (const auto next = lab_.nextDeadline(); next && *next <= now) return lab_.advanceOnce(*next, out_);
    for (auto& [flow, probing] : probes_) {
        auto due = probing.source.due(now);
        if (!due) continue;
        ++probing.sent;
        node::Event event{now, "probe-sent", {}, {{"flow", node::attribute(std::int64_t{flow})}, {"serial", node::attribute(std::int64_t{due->probe.serial})}}, false};
        out_.events.push_back({0, std::move(event), std::nullopt});
        lab_.originate(now, 0, std::move(due->packet), out_);
        return true;
    }
    return false;
}

void RoleNode::lost(TimePoint now, std::size_t interface)
{
    const std::string_view name = lab_.scenario().nodes[0].interfaces[interface].name;
    out_.events.push_back({0, {now, "frame-lost", {}, {{"interface", node::attribute(name)}}, false}, std::nullopt});
}

std::string RoleNode::takeLines()
{
    std::string lines;
    out_.moves.clear();  // the interfaces are others'
    for (const lab::LabEvent& item : out_.events) {
        if (item.event.name == "probe-answered")
            if (const auto it = probes_.find(static_cast<std::uint16_t>(node::numberOf(item.event.attributes, "flow"))); it != probes_.end()) ++it->second.answered;
        if (!quiet_) appendEventLine(lines, lab_.scenario().nodes[0].name, item);
    }
    out_.events.clear();
    return lines;
}

}  // namespace roamscope::capture
