// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/record_output.hpp"

#include "capture/io/json_output.hpp"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>

namespace roamscope::capture {

using Json = nlohmann::ordered_json;

namespace {

Json valueJson(const node::AttributeValue& value)
{
    return std::visit([](const auto& v) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::monostate>) return nullptr;
        else if constexpr (std::is_same_v<std::decay_t<decltype(v)>, Ipv6Address>) return v.text();
        else return v;
    }, value);
}

void addAll(Json& object, const node::Attributes& attributes)
{
    for (const auto& [key, value] : attributes) object[std::string(key)] = valueJson(value);
}

Json objectOf(const node::Attributes& attributes)
{
    Json out = Json::object();
    addAll(out, attributes);
    return out;
}

const std::string& nodeName(const LabRecord& record, const lab::LabEvent& event) { return record.scenario.nodes[event.node].name; }

Json nodesJson(const LabRecord& record)
{
    Json nodes = Json::array();
    for (std::size_t i = 0; i < record.scenario.nodes.size(); ++i) {
        const lab::NodeSpec& spec = record.scenario.nodes[i];
        Json interfaces = Json::array();
        for (const lab::Port& port : record.ports) {
            if (port.node != i) continue;
            const lab::InterfaceSpec& interface = spec.interfaces[port.interface];
            Json addresses = Json::array();
            if (interface.address) addresses.push_back(interface.address->text());
            interfaces.push_back({{"name", interface.name}, {"mac", port.mac.text()}, {"addresses", addresses}});
        }
        Json node{{"name", spec.name}, {"role", std::string(lab::roleName(spec.role))}, {"interfaces", interfaces}};
        if (spec.homeAddress) node["home_address"] = spec.homeAddress->text();
        nodes.push_back(std::move(node));
    }
    return nodes;
}

Json linksJson(const LabRecord& record)
{
    Json links = Json::array();
    for (std::size_t i = 0; i < record.scenario.links.size(); ++i)
        links.push_back({{"name", record.scenario.links[i].name}, {"interface", i}});
    return links;
}

Json changesJson(const LabRecord& record)
{
    Json changes = Json::array();
    for (const lab::LabEvent& item : record.events) {
        const node::Event& event = item.event;
        if (event.key.empty()) continue;
        changes.push_back({{"time", toNanoseconds(event.time)},
                           {"node", nodeName(record, item)},
                           {"object", std::string(event.name)},
                           {"key", objectOf(event.key)},
                           {"state", event.gone ? Json(nullptr) : objectOf(event.attributes)},
                           {"frame", item.frame ? Json(*item.frame + 1) : Json(nullptr)}});
    }
    return changes;
}

/// A movement of a mobile node as it was caused: from losing a link to the registration that ended it.
struct CausedHandover {
    std::size_t node = 0;
    TimePoint linkDown{};
    std::optional<TimePoint> linkUp;
    std::optional<TimePoint> registered;
    bool mapChanged = false;
    bool homeRegistered = false;
};

std::string_view kindOf(const CausedHandover& h, bool behindMap)
{
    if (!behindMap) return "home";
    return h.mapChanged || h.homeRegistered ? "inter-map" : "intra-map";
}

Json handoversJson(const LabRecord& record)
{
    std::vector<CausedHandover> handovers;
    std::map<std::size_t, std::size_t> open;  // node → its handover under way
    std::map<std::size_t, bool> behindMap;
    for (const lab::LabEvent& item : record.events) {
        const node::Event& event = item.event;
        if (event.name == "attachment" && event.gone) {
            open[item.node] = handovers.size();
            handovers.push_back({item.node, event.time, {}, {}, false, false});
            continue;
        }
        if (event.name == "map-choice") behindMap[item.node] = !event.gone;
        const auto it = open.find(item.node);
        if (it == open.end()) continue;
        CausedHandover& h = handovers[it->second];
        if (event.name == "attachment") h.linkUp = event.time;
        if (event.name == "map-choice") h.mapChanged = true;
        if (event.name == "registration" && node::textOf(event.attributes, "state") == "registered") {
            if (h.registered) h.homeRegistered = true;
            h.registered = event.time;
        }
    }
    Json out = Json::array();
    for (const CausedHandover& h : handovers)
        out.push_back({{"node", record.scenario.nodes[h.node].name},
                       {"kind", std::string(kindOf(h, behindMap[h.node]))},
                       {"link_down", toNanoseconds(h.linkDown)},
                       {"link_up", h.linkUp ? Json(toNanoseconds(*h.linkUp)) : Json(nullptr)},
                       {"registered", h.registered ? Json(toNanoseconds(*h.registered)) : Json(nullptr)}});
    return out;
}

Json probesJson(const LabRecord& record)
{
    struct Probe {
        std::int64_t sent = 0;
        std::vector<std::int64_t> received;
        std::vector<std::int64_t> answered;
    };
    std::map<std::pair<std::int64_t, std::int64_t>, Probe> probes;
    for (const lab::LabEvent& item : record.events) {
        const node::Event& event = item.event;
        if (!event.name.starts_with("probe-")) continue;
        Probe& probe = probes[{node::numberOf(event.attributes, "flow"), node::numberOf(event.attributes, "serial")}];
        if (event.name == "probe-sent") probe.sent = toNanoseconds(event.time);
        if (event.name == "probe-received") probe.received.push_back(toNanoseconds(event.time));
        if (event.name == "probe-answered") probe.answered.push_back(toNanoseconds(event.time));
    }
    Json out = Json::array();
    for (const auto& [id, probe] : probes) {
        const auto& traffic = record.scenario.traffic[static_cast<std::size_t>(id.first)];
        out.push_back({{"flow", traffic.flow}, {"serial", id.second}, {"sent", probe.sent}, {"received", probe.received},
                       {"answered", probe.answered}, {"path", traffic.from + "-" + traffic.to}});
    }
    return out;
}

}  // namespace

void appendEventLine(std::string& out, std::string_view node, const lab::LabEvent& item)
{
    const node::Event& event = item.event;
    const auto add = [&](std::string_view key, const node::AttributeValue& value) {
        fmt::format_to(std::back_inserter(out), ",\"{}\":", key);
        if (const auto* text = std::get_if<std::string>(&value)) out += jsonString(*text);
        else if (const auto* address = std::get_if<Ipv6Address>(&value)) fmt::format_to(std::back_inserter(out), "\"{}\"", address->text());
        else if (const auto* number = std::get_if<std::int64_t>(&value)) fmt::format_to(std::back_inserter(out), "{}", *number);
        else if (const auto* flag = std::get_if<bool>(&value)) out += *flag ? "true" : "false";
        else out += "null";
    };
    // Lateness is the machine's, no node's.
    fmt::format_to(std::back_inserter(out), "{{\"time\":{},\"node\":{},\"event\":\"{}\"", toNanoseconds(event.time), event.name == "late" ? "null" : jsonString(node), event.name);
    for (const auto& [key, value] : event.key) add(key, value);
    if (event.gone) out += ",\"gone\":true";
    const auto isKey = [&](const auto& name) { return std::any_of(event.key.begin(), event.key.end(), [&](const auto& part) { return part.first == name; }); };
    for (const auto& [name, value] : event.attributes)
        if (!isKey(name)) add(name, value);
    if (item.frame) fmt::format_to(std::back_inserter(out), ",\"frame\":{}", *item.frame + 1);
    out += "}\n";
}

std::string eventLines(const LabRecord& record)
{
    std::string out;
    for (const lab::LabEvent& item : record.events) appendEventLine(out, nodeName(record, item), item);
    return out;
}

std::string truthJson(const LabRecord& record)
{
    const Json document{{"scenario", record.scenario.title}, {"seed", record.seed},
                        {"backend", record.backend},         {"start", utcText(record.startUtc)},
                        {"duration", record.duration.count()}, {"nodes", nodesJson(record)},
                        {"links", linksJson(record)},        {"changes", changesJson(record)},
                        {"handovers", handoversJson(record)}, {"probes", probesJson(record)}};
    return document.dump(1) + "\n";
}

std::string utcText(std::int64_t utc)
{
    std::int64_t seconds = utc / 1'000'000'000;
    std::int64_t fraction = utc % 1'000'000'000;
    if (fraction < 0) {
        fraction += 1'000'000'000;
        --seconds;
    }
    const std::time_t time = seconds;
    std::tm parts{};
    gmtime_r(&time, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                       parts.tm_min, parts.tm_sec, fraction);
}

}  // namespace roamscope::capture
