// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/report_output.hpp"

#include "capture/io/json_output.hpp"
#include "capture/io/record_output.hpp"
#include "capture/picture/timeline_picture.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace roamscope::capture {

namespace {

using Json = nlohmann::ordered_json;
using namespace analysis;

Json number(FrameIndex frame) { return std::uint64_t{frame} + 1; }
Json number(const std::optional<FrameIndex>& frame) { return frame ? number(*frame) : Json(nullptr); }
Json instant(TimePoint t) { return toNanoseconds(t); }
Json instant(const std::optional<TimePoint>& t) { return t ? instant(*t) : Json(nullptr); }
Json duration(const std::optional<Duration>& d) { return d ? Json(d->count()) : Json(nullptr); }
Json text(const Ipv6Address& a) { return a.isUnspecified() ? Json(nullptr) : Json(a.text()); }
Json nameOrNull(const std::string& s) { return s.empty() ? Json(nullptr) : Json(s); }

template <class T, class Convert>
Json list(const std::vector<T>& values, Convert convert)
{
    Json out = Json::array();
    for (const T& value : values) out.push_back(convert(value));
    return out;
}

Json frames(const std::vector<FrameIndex>& indices)
{
    return list(indices, [](FrameIndex f) { return number(f); });
}

std::string_view knowledgeName(Knowledge knowledge)
{
    switch (knowledge) {
    case Knowledge::Acknowledged: return "acknowledged";
    case Knowledge::Assumed: return "assumed";
    case Knowledge::Expired: return "expired";
    case Knowledge::Deleted: return "deleted";
    case Knowledge::Revoked: return "revoked";
    }
    return "";
}

Json nodeJson(const NodeInfo& node)
{
    return {{"role", roleName(node.role)},
            {"addresses", list(node.addresses, [](const Ipv6Address& a) { return Json(a.text()); })},
            {"macs", list(node.macs, [](const Mac& m) { return Json(m.text()); })},
            {"evidence", frames(node.evidence)}};
}

Json handoverJson(const Handover& h)
{
    return {{"mobile_node", text(h.mobileNode)},
            {"kind", handoverKindName(h.kind)},
            {"bid", h.bid ? Json(*h.bid) : Json(nullptr)},
            {"from_link", nameOrNull(h.fromLink)},
            {"to_link", nameOrNull(h.toLink)},
            {"old_care_of_address", text(h.oldCareOf)},
            {"new_care_of_address", text(h.newCareOf)},
            {"start", instant(h.start)},
            {"end", instant(h.end)},
            {"interruption", duration(h.interruption)},
            {"phases", list(h.phases,
                            [](const Phase& p) {
                                return Json{{"name", p.name},
                                            {"start", instant(p.start)},
                                            {"end", instant(p.end)},
                                            {"duration", (p.end - p.start).count()},
                                            {"start_frame", number(p.startFrame)},
                                            {"end_frame", number(p.endFrame)}};
                            })},
            {"lost", h.lost},
            {"reordered", h.reordered},
            {"duplicated", h.duplicated}};
}

Json bindingJson(const BindingInterval& b, const Analysis& a)
{
    const std::vector<Prefix>* networks = a.networksOf(b);
    return {{"owner", roleName(b.owner)},
            {"owner_address", text(b.ownerAddress)},
            {"home_address", text(b.homeAddress)},
            {"bid", b.bid ? Json(*b.bid) : Json(nullptr)},
            {"priority", b.priority == 0 ? Json(nullptr) : Json(b.priority)},
            {"home_link", b.homeLink},
            {"status", b.status},
            {"care_of_address", text(b.careOfAddress)},
            {"sequence", b.sequence},
            {"flags", b.flags},
            {"mobile_router", b.router},
            {"networks", networks ? list(*networks, [](const Prefix& p) { return Json(p.text()); }) : Json::array()},
            {"lifetime", std::chrono::duration_cast<std::chrono::seconds>(b.lifetime).count()},
            {"from", instant(b.from)},
            {"to", instant(b.to)},
            {"known", knowledgeName(b.isAssumed() ? Knowledge::Assumed : Knowledge::Acknowledged)},
            {"ended", b.to ? Json(knowledgeName(b.end)) : Json(nullptr)},
            {"update_frame", number(b.update)},
            {"acknowledgement_frame", b.isAssumed() ? Json(nullptr) : number(b.acknowledgement)}};
}

Json flowBindingJson(const FlowInterval& f)
{
    return {{"owner_address", text(f.ownerAddress)}, {"home_address", text(f.homeAddress)}, {"flow", f.flow}, {"priority", f.priority},
            {"bids", f.bids}, {"selector", f.selector}, {"from", instant(f.from)}, {"to", instant(f.to)}, {"acknowledgement_frame", number(f.acknowledgement)}};
}

Json exchangeJson(const Exchange& e)
{
    return {{"peer", roleName(e.peer)},
            {"peer_address", text(e.peerAddress)},
            {"home_address", text(e.homeAddress)},
            {"care_of_address", text(e.careOfAddress)},
            {"sequence", e.sequence},
            {"start", instant(e.start)},
            {"end", instant(e.end)},
            {"round_trip", duration(e.roundTrip)},
            {"retransmissions", e.updates.empty() ? 0 : e.updates.size() - 1},
            {"status", e.status ? Json(*e.status) : Json(nullptr)},
            {"request_frames", frames(e.updates)},
            {"answer_frame", number(e.answer)}};
}

Json flowJson(const Flow& f)
{
    return {{"id", f.id},
            {"source", text(f.source)},
            {"destination", text(f.destination)},
            {"lost", f.lost},
            {"duplicated", f.duplicated},
            {"reordered", f.reordered},
            {"paths", list(f.paths, [](const FlowPath& p) {
                 return Json{{"direction", p.toMobile ? "to_mobile_node" : "from_mobile_node"},
                             {"mobile_router", p.router},
                             {"care_of_address", text(p.careOfAddress)},
                             {"bid", p.bid ? Json(*p.bid) : Json(nullptr)},
                             {"probes", p.probes},
                             {"lost", p.lost},
                             {"duplicated", p.duplicated},
                             {"reordered", p.reordered}};
             })},
            {"probes", list(f.probes, [](const ProbeSample& p) {
                 return Json{{"serial", p.serial},
                             {"sent", instant(p.sent)},
                             {"received", instant(p.received)},
                             {"answered", instant(p.answered)},
                             {"copies", p.copies},
                             {"frame", number(p.frame)}};
             })}};
}

Json findingJson(const TraceFinding& f)
{
    return {{"frame", number(f.frame)},       {"rule", f.finding.rule},     {"severity", severityName(f.finding.severity)},
            {"text", f.finding.text},         {"rfc", f.finding.rfc},       {"offset", f.finding.offset},
            {"length", f.finding.length}};
}

Json linkName(const View& view, std::uint32_t link)
{
    const auto& links = view.trace.links();
    return link < links.size() ? nameOrNull(links[link].name) : Json(nullptr);
}

Json document(const Analysis& a, const View& view)
{
    Json out;
    out["format"] = "roamscope-analysis-1";
    out["start"] = utcText(view.trace.startUtc());
    out["duration"] = instant(view.trace.end());
    out["frames"] = a.frames;
    out["links"] = list(view.trace.links(), [](const TraceLink& l) { return Json{{"name", l.name}, {"link_type", l.linkType}}; });
    out["nodes"] = list(a.nodes, nodeJson);
    out["handovers"] = list(a.handovers, handoverJson);
    out["bindings"] = list(a.bindings, [&](const BindingInterval& b) { return bindingJson(b, a); });
    out["flow_bindings"] = list(a.flowBindings, flowBindingJson);
    out["exchanges"] = list(a.exchanges, exchangeJson);
    out["flows"] = list(a.flows, flowJson);
    out["attachments"] = list(a.attachments, [&](const Attachment& at) {
        return Json{{"mac", at.interface.text()},
                    {"link", linkName(view, at.link)},
                    {"from", instant(at.from)},
                    {"to", instant(at.to)},
                    {"router", at.router ? Json(at.router->text()) : Json(nullptr)}};
    });
    out["findings"] = list(a.findings, findingJson);
    out["completeness"] = {{"complete", view.complete},
                           {"dropped_frames", view.dropped},
                           {"truncated_frames", a.cutFrames},
                           {"undecrypted_frames", a.encryptedFrames},
                           {"malformed_frames", a.malformedFrames},
                           {"findings_not_kept", a.findingsDropped},
                           {"problem", view.problem ? Json(view.problem->text) : Json(nullptr)}};
    return out;
}

std::string dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n'; }

std::size_t letters(std::string_view s)
{
    return static_cast<std::size_t>(std::count_if(s.begin(), s.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

constexpr std::size_t columns = 8;
using Row = std::array<std::string, columns>;

/// Columns as wide as their widest field, two blanks between them.
std::string aligned(const std::vector<Row>& rows)
{
    std::array<std::size_t, columns> widths{};
    for (const Row& row : rows)
        for (std::size_t i = 0; i < columns; ++i) widths[i] = std::max(widths[i], letters(row[i]));
    std::string out;
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < columns; ++i) {
            out += row[i];
            if (i + 1 < columns) out.append(widths[i] - letters(row[i]) + 2, ' ');
        }
        out += '\n';
    }
    return out;
}

Row handoverRow(const Handover& h, const std::string& numberText, const Analysis& a, const lab::Scenario* names)
{
    std::string phases;
    for (const Phase& p : h.phases) phases += (phases.empty() ? "" : ", ") + p.name + ' ' + picture::durationText(p.end - p.start);
    return {numberText,
            picture::nodeName(h.mobileNode, a, names),
            h.bid ? fmt::format("{} (BID {})", handoverKindName(h.kind), *h.bid) : std::string(handoverKindName(h.kind)),
            h.fromTo(),
            fmt::format("{:.3f} s", toSeconds(h.start)),
            h.interruption ? picture::durationText(*h.interruption) : "–",
            phases.empty() ? "–" : phases,
            std::to_string(h.lost)};
}

}  // namespace

std::string reportJson(const Analysis& analysis, const View& view) { return dump(document(analysis, view)); }

std::string runReportJson(const Analysis& analysis, const View& view, const LabRecord& record, const std::vector<ExpectationResult>& expectations)
{
    Json out = document(analysis, view);
    out["expectations"] =
        list(expectations, [](const ExpectationResult& e) { return Json{{"expected", e.text}, {"met", e.met}, {"found", e.found}}; });
    const TruthComparison truth = compareWithTruth(record, analysis);
    out["truth"] = {{"bindings", truth.bindings},
                    {"matched", truth.matched},
                    {"differences", list(truth.differences, [](const std::string& d) { return Json(d); })}};
    return dump(out);
}

std::string handoverTable(const Analysis& analysis, const lab::Scenario* names)
{
    std::vector<Row> rows = {{"#", "mobile node", "kind", "from → to", "start", "interruption", "phases", "lost"}};
    int count = 0;
    for (const Handover& h : analysis.handovers)
        rows.push_back(handoverRow(h, h.kind == HandoverKind::Initial ? "–" : std::to_string(++count), analysis, names));
    if (rows.size() == 1)
        return fmt::format("No handover: no Binding Update in {} frames{}.\n", analysis.frames,
                           analysis.encryptedFrames > 0 ? fmt::format(", {} of them encrypted", analysis.encryptedFrames) : "");
    return aligned(rows);
}

std::string pathTable(const Analysis& analysis, const lab::Scenario* names)
{
    std::vector<Row> rows = {{"flow", "from → to", "by", "care-of address", "probes", "lost", "duplicated", "reordered"}};
    bool any = false;
    for (const Flow& flow : analysis.flows)
        for (const FlowPath& path : flow.paths) {
            any = any || path.bid;
            rows.push_back({std::to_string(flow.id), picture::nodeName(flow.source, analysis, names) + " → " + picture::nodeName(flow.destination, analysis, names),
                            path.bid ? fmt::format("BID {}", *path.bid) : "–", text(path.careOfAddress), std::to_string(path.probes), std::to_string(path.lost),
                            std::to_string(path.duplicated), std::to_string(path.reordered)});
        }
    return any ? aligned(rows) : std::string{};
}

}  // namespace roamscope::capture
