// SPDX-License-Identifier: GPL-3.0-or-later
// `decode -T fields`: for the names that tshark 4.0 knows, what tshark -T fields prints, octet for octet.
#include "app/cli/decode_formats.hpp"

#include "app/cli/output.hpp"
#include "app/cli/tshark_fields.hpp"
#include "capture/io/nearest_name.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::cli {

namespace {

using wire::FieldId;
using wire::FieldNode;

struct Style {
    bool header = false;
    bool byteOrderMark = false;
    std::string separator = "\t";
    std::string aggregator = ",";
    std::string quote;
    char occurrence = 'a';
};

/// "/t" and "/s" stand for tab and space.
std::string characterOf(std::string_view value)
{
    if (value == "/t") return "\t";
    if (value == "/s") return " ";
    return std::string(value.substr(0, 1));
}

bool apply(Style& style, std::string_view key, std::string_view value)
{
    if (value.empty()) return false;
    const bool yes = value == "y" || value == "Y";
    const bool yesOrNo = yes || value == "n" || value == "N";
    if (key == "header" && yesOrNo) style.header = yes;
    else if (key == "bom" && yesOrNo) style.byteOrderMark = yes;
    else if (key == "separator") style.separator = characterOf(value);
    else if (key == "aggregator") style.aggregator = characterOf(value);
    else if (key == "occurrence" && (value == "f" || value == "l" || value == "a")) style.occurrence = value[0];
    else if (key == "quote" && (value == "d" || value == "s" || value == "n")) style.quote = value == "d" ? "\"" : value == "s" ? "'" : "";
    else return false;
    return true;
}

std::string octetsText(std::size_t octets, std::string_view where)
{
    return fmt::format("{} byte{} {} ({} bits)", octets, octets == 1 ? "" : "s", where, 8 * octets);
}

std::string frameText(const NumberedFrame& frame)
{
    std::string out = fmt::format("Frame {}: {}, {}", frame.number, octetsText(frame.view.originalLength, "on wire"), octetsText(frame.view.bytes.size(), "captured"));
    if (!frame.link->name.empty()) out += fmt::format(" on interface {}, id {}", printable(frame.link->name), frame.view.link);
    return out;
}

class FieldsFormat final : public FrameFormat {
public:
    FieldsFormat(std::vector<FieldId> fields, Style style) : fields_(std::move(fields)), style_(std::move(style)) {}

    std::string head() override
    {
        std::string out = style_.byteOrderMark ? "\xef\xbb\xbf" : "";
        if (!style_.header) return out;
        for (std::size_t i = 0; i < fields_.size(); ++i) out += fmt::format("{}{}", i == 0 ? "" : style_.separator, wire::info(fields_[i]).name);
        return out + "\n";
    }

    std::string frame(const NumberedFrame& frame) override
    {
        found_.assign(fields_.size(), {});
        addFrame(frame);
        collect(frame);
        std::string out;
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            if (i > 0) out += style_.separator;
            if (!found_[i].empty()) out += style_.quote + cell(found_[i]) + style_.quote;
        }
        return out + "\n";
    }

private:
    void add(FieldId field, const std::string& text)
    {
        for (std::size_t i = 0; i < fields_.size(); ++i)
            if (fields_[i] == field) found_[i].push_back(text);
    }

    void addFrame(const NumberedFrame& frame)
    {
        add(FieldId::Frame, frameText(frame));
        add(FieldId::FrameNumber, fmt::format("{}", frame.number));
        add(FieldId::FrameTimeEpoch, epochText(frame.utc));
        add(FieldId::FrameTimeRelative, epochText(toNanoseconds(frame.view.time)));
        add(FieldId::FrameLength, fmt::format("{}", frame.view.originalLength));
        add(FieldId::FrameCapturedLength, fmt::format("{}", frame.view.bytes.size()));
        if (!frame.link->name.empty()) add(FieldId::FrameInterfaceName, printable(frame.link->name));
    }

    void collect(const NumberedFrame& frame)
    {
        const wire::Dissection d = wire::dissect(frame.view.bytes, frame.link->linkType, frame.view.originalLength, frame.context);
        std::vector<TsharkField> printed;
        for (std::size_t i = 0; i < d.nodes.size(); ++i) {
            const FieldNode& node = d.nodes[i];
            printed.clear();
            asTshark(d.nodes, i, printed);
            for (const TsharkField& p : printed) add(p.field, p.text);
            // Our own name for what tshark calls otherwise gives the value as well.
            if (!wire::info(node.field).tshark && std::none_of(printed.begin(), printed.end(), [&](const TsharkField& p) { return p.field == node.field; }))
                add(node.field, wire::valueText(node));
            // tshark gives an IPv6 header the field of IPv4 as well.
            if (node.field == FieldId::Ipv6Version) add(FieldId::Ipv4Version, wire::valueText(node));
        }
    }

    [[nodiscard]] std::string cell(const std::vector<std::string>& values) const
    {
        if (style_.occurrence == 'f') return values.front();
        if (style_.occurrence == 'l') return values.back();
        std::string out = values.front();
        for (std::size_t i = 1; i < values.size(); ++i) out += style_.aggregator + values[i];
        return out;
    }

    std::vector<FieldId> fields_;
    Style style_;
    std::vector<std::vector<std::string>> found_;  ///< occurrences in the current frame, by place in fields_
};

}  // namespace

Result<std::unique_ptr<FrameFormat>> makeFieldsFormat(const std::vector<std::string>& fields, const std::vector<std::string>& options)
{
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < wire::fieldCount(); ++i) names.push_back(wire::info(static_cast<FieldId>(i)).name);
    std::vector<FieldId> ids;
    for (const std::string& field : fields) {
        const auto place = std::find(names.begin(), names.end(), field);
        if (place != names.end()) {
            ids.push_back(static_cast<FieldId>(place - names.begin()));
            continue;
        }
        const std::string near = capture::nearestName(field, names);
        return fail(ErrorCode::Invalid, 0,
                    fmt::format("-e {}: no such field.{} roamscope-cli fields lists them", field, near.empty() ? "" : fmt::format(" Did you mean {}?", near)));
    }
    Style style;
    for (const std::string& option : options) {
        const std::size_t equals = option.find('=');
        if (equals == std::string::npos || !apply(style, std::string_view(option).substr(0, equals), std::string_view(option).substr(equals + 1)))
            return fail(ErrorCode::Invalid, 0,
                        fmt::format("-E {}: expected bom=y|n, header=y|n, separator=/t|/s|CHARACTER, occurrence=f|l|a, aggregator=,|/s|CHARACTER or quote=d|s|n", option));
    }
    return std::unique_ptr<FrameFormat>(std::make_unique<FieldsFormat>(std::move(ids), std::move(style)));
}

}  // namespace roamscope::cli
