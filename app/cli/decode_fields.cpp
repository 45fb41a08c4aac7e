// SPDX-License-Identifier: GPL-3.0-or-later
// `decode -T fields`: for the names that tshark 4.0 knows, what tshark -T fields prints, octet for octet.
#include "app/cli/decode_formats.hpp"

#include "app/cli/output.hpp"
#include "app/cli/tshark_fields.hpp"
#include "capture/filter/vocabulary.hpp"
#include "capture/io/nearest_name.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

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

/// What one -e asks for.
struct Column {
    std::string name;
    std::vector<FieldId> fields;         ///< any of them
    std::optional<std::uint8_t> option;  ///< or the octets of mobility options of this type
};

class FieldsFormat final : public FrameFormat {
public:
    FieldsFormat(std::vector<Column> columns, Style style) : columns_(std::move(columns)), style_(std::move(style)) {}

    std::string head() override
    {
        std::string out = style_.byteOrderMark ? "\xef\xbb\xbf" : "";
        if (!style_.header) return out;
        for (std::size_t i = 0; i < columns_.size(); ++i) out += fmt::format("{}{}", i == 0 ? "" : style_.separator, columns_[i].name);
        return out + "\n";
    }

    std::string frame(const NumberedFrame& frame) override
    {
        found_.assign(columns_.size(), {});
        addFrame(frame);
        collect(frame);
        std::string out;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (i > 0) out += style_.separator;
            if (!found_[i].empty()) out += style_.quote + cell(found_[i]) + style_.quote;
        }
        return out + "\n";
    }

private:
    void add(FieldId field, const std::string& text)
    {
        for (std::size_t i = 0; i < columns_.size(); ++i)
            if (const auto& fields = columns_[i].fields; std::find(fields.begin(), fields.end(), field) != fields.end()) found_[i].push_back(text);
    }

    /// To tshark the name of a mobility option gives all its octets.
    void addOption(const wire::Dissection& d, std::size_t at, ByteView frame)
    {
        const FieldNode& option = d.nodes[at];
        if (at + 1 == d.nodes.size() || d.nodes[at + 1].field != FieldId::MobilityOptionType) return;
        const auto* type = std::get_if<std::uint64_t>(&d.nodes[at + 1].value);
        const ByteView octets = option.buffer == 0 ? frame : ByteView(d.buffers[option.buffer - 1u].bytes);
        if (!type || option.offset + option.length > octets.size()) return;
        for (std::size_t i = 0; i < columns_.size(); ++i)
            if (columns_[i].option == *type) found_[i].push_back(wire::hexText(octets.subspan(option.offset, option.length)));
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
            if (node.field == FieldId::MobilityOption) addOption(d, i, frame.view.bytes);
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

    std::vector<Column> columns_;
    Style style_;
    std::vector<std::vector<std::string>> found_;  ///< occurrences in the current frame, by place in columns_
};

/// Wireshark's names for either of two fields ("ipv6.addr"), and for the whole of a mobility option.
std::optional<Column> wiresharkColumn(const std::string& name)
{
    if (const auto option = filter::mobilityOptionOf(name)) return Column{name, {}, option};
    const filter::Symbol* symbol = filter::Vocabulary::get().find(name);
    if (!symbol || !symbol->wireshark || symbol->source != filter::Source::Field || symbol->name != name) return std::nullopt;
    const auto shared = [](FieldId id) { return wire::info(id).tshark; };
    if (symbol->ids.empty() || !std::all_of(symbol->ids.begin(), symbol->ids.end(), shared)) return std::nullopt;
    return Column{name, symbol->ids, std::nullopt};
}

}  // namespace

Result<std::unique_ptr<FrameFormat>> makeFieldsFormat(const std::vector<std::string>& fields, const std::vector<std::string>& options)
{
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < wire::fieldCount(); ++i) names.push_back(wire::info(static_cast<FieldId>(i)).name);
    std::vector<Column> columns;
    for (const std::string& field : fields) {
        const auto place = std::find(names.begin(), names.end(), field);
        if (place != names.end()) {
            columns.push_back({field, {static_cast<FieldId>(place - names.begin())}, std::nullopt});
            continue;
        }
        if (auto column = wiresharkColumn(field)) {
            columns.push_back(*std::move(column));
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
    return std::unique_ptr<FrameFormat>(std::make_unique<FieldsFormat>(std::move(columns), std::move(style)));
}

}  // namespace roamscope::cli
