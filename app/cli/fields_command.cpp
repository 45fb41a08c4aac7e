// SPDX-License-Identifier: GPL-3.0-or-later
// `fields`: the names that decode -e and its JSON know.
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"
#include "capture/filter/filter.hpp"
#include "capture/filter/vocabulary.hpp"
#include "protocol/wire/fields.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace roamscope::cli {

namespace {

std::string_view typeName(wire::FieldType type)
{
    switch (type) {
    case wire::FieldType::None: return "group";
    case wire::FieldType::Boolean: return "boolean";
    case wire::FieldType::UInt: return "number";
    case wire::FieldType::Int: return "signed number";
    case wire::FieldType::Address: return "address";
    case wire::FieldType::Ipv4: return "ipv4";
    case wire::FieldType::Mac: return "mac";
    case wire::FieldType::Bytes: return "octets";
    case wire::FieldType::Text: break;
    }
    return "text";
}

bool contains(std::string_view text, std::string_view pattern)
{
    const auto equal = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b)); };
    return std::search(text.begin(), text.end(), pattern.begin(), pattern.end(), equal) != text.end();
}

std::string_view filterTypeName(filter::ValueKind kind)
{
    switch (kind) {
    case filter::ValueKind::Octets: return "octets";
    case filter::ValueKind::Boolean: return "boolean";
    case filter::ValueKind::Number: return "number";
    case filter::ValueKind::Address6: return "address";
    case filter::ValueKind::Address4: return "ipv4";
    case filter::ValueKind::Mac: return "mac";
    case filter::ValueKind::Text: return "text";
    case filter::ValueKind::AbsoluteTime:
    case filter::ValueKind::RelativeTime: break;
    }
    return "time";
}

bool registered(std::string_view name)
{
    for (std::size_t i = 0; i < wire::fieldCount(); ++i)
        if (wire::info(static_cast<wire::FieldId>(i)).name == name) return true;
    return false;
}

/// How a filter asks for it: operators, and values that have names.
void tellUse(Output& out, const std::string& name)
{
    const auto list = [&](const std::string& text, std::string_view title) {
        std::string words;
        for (const filter::Completion& c : filter::complete(text, text.size(), {})) {
            if (c.insert == "&&" || c.insert == "||") continue;
            words += fmt::format("{}{}", words.empty() ? "" : ", ", c.insert);
        }
        if (!words.empty()) out.line(fmt::format("  {}: {}", title, words));
    };
    list(name + " ", "operators of a filter");
    list(name + " == ", "values with names");
}

int fieldsCommand(const std::string& pattern)
{
    Output out;
    std::size_t shown = 0;
    for (std::size_t i = 0; i < wire::fieldCount() && !out.gone(); ++i) {
        const wire::FieldInfo& f = wire::info(static_cast<wire::FieldId>(i));
        if (!contains(f.name, pattern) && !contains(f.label, pattern)) continue;
        out.line(fmt::format("{:36} {:8} {:9} {:18} {}: {}", f.name, typeName(f.type), f.tshark ? "wireshark" : "ours", f.rfc, f.label, f.explanation));
        ++shown;
    }
    for (const filter::Symbol& word : filter::Vocabulary::get().symbols()) {
        if (out.gone() || registered(word.name) || !contains(word.name, pattern)) continue;
        out.line(fmt::format("{:36} {:8} {:9} {:18} {}", word.name, filterTypeName(word.kind), "filter", "", word.explanation));
        ++shown;
    }
    if (shown == 1) tellUse(out, pattern);
    if (shown == 0) return complain(Unmet, fmt::format("no field has {} in its name or label", pattern));
    return out.finish(Fine);
}

}  // namespace

void addFieldsCommand(CLI::App& app, int& status)
{
    auto pattern = std::make_shared<std::string>();
    CLI::App* command = app.add_subcommand("fields", "List the fields: name, type, whether Wireshark has the name too, RFC, meaning; of a single one also how filters ask for it");
    command->add_option("PATTERN", *pattern, "Part of a name or label");
    command->callback([pattern, &status] { status = fieldsCommand(*pattern); });
}

}  // namespace roamscope::cli
