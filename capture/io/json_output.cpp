// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/json_output.hpp"

#include <nlohmann/json.hpp>

namespace roamscope::capture {

namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json valueJson(const wire::FieldNode& node)
{
    if (std::holds_alternative<std::monostate>(node.value)) return nullptr;
    if (const auto* number = std::get_if<std::int64_t>(&node.value)) return *number;
    if (const auto* number = std::get_if<std::uint64_t>(&node.value)) {
        if (wire::info(node.field).type == wire::FieldType::Boolean) return *number != 0;
        return *number;
    }
    return wire::valueText(node);
}

Json fieldJson(const wire::FieldNode& node)
{
    const wire::FieldInfo& info = wire::info(node.field);
    Json out{{"name", info.name},     {"value", valueJson(node)}, {"text", node.text}, {"offset", node.offset},
             {"length", node.length}, {"mask", info.mask},        {"rfc", info.rfc}};
    if (node.buffer > 0) out["buffer"] = node.buffer;
    return out;
}

/// The tree's layers (depth 0); what is beneath each stands in reading order in its `fields`.
Json layersJson(const std::vector<wire::FieldNode>& nodes)
{
    Json layers = Json::array();
    for (const wire::FieldNode& node : nodes) {
        if (node.depth == 0 || layers.empty()) {
            layers.push_back({{"protocol", wire::info(node.field).name}, {"offset", node.offset}, {"length", node.length}, {"fields", Json::array()}});
            // A line that stands alone at the top, such as the place where the frame breaks, has a value of its own.
            if (std::holds_alternative<std::monostate>(node.value)) continue;
        }
        layers.back()["fields"].push_back(fieldJson(node));
    }
    return layers;
}

}  // namespace

std::string_view severityName(wire::Severity severity)
{
    switch (severity) {
    case wire::Severity::Note: return "note";
    case wire::Severity::Warning: return "warning";
    case wire::Severity::Error: break;
    }
    return "error";
}

std::string jsonString(std::string_view text) { return dump(Json(std::string(text))); }

std::string frameJson(std::size_t number, const FrameView& frame, const TraceLink& link, const wire::Dissection& dissection, const std::vector<std::string>& comments)
{
    Json findings = Json::array();
    for (const wire::Finding& f : dissection.findings) {
        findings.push_back({{"rule", f.rule}, {"severity", severityName(f.severity)}, {"text", f.text}, {"rfc", f.rfc}, {"offset", f.offset}, {"length", f.length}});
        if (f.buffer > 0) findings.back()["buffer"] = f.buffer;
    }
    Json out{{"frame", number},
             {"time", toNanoseconds(frame.time)},
             {"link", link.name},
             {"length", frame.originalLength},
             {"summary", dissection.summary.info},
             {"layers", layersJson(dissection.nodes)},
             {"findings", std::move(findings)}};
    if (!comments.empty()) out["comments"] = comments;
    // Offsets of fields and findings with "buffer": n count in the n-th of these.
    for (const wire::DerivedOctets& buffer : dissection.buffers) out["buffers"].push_back({{"name", buffer.name}, {"octets", wire::hexText(buffer.bytes)}});
    return dump(out);
}

}  // namespace roamscope::capture
