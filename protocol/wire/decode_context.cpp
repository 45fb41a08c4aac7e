// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/decode_context.hpp"

#include <array>
#include <charconv>
#include <fmt/format.h>
#include <utility>

namespace roamscope::wire {

namespace {

constexpr std::array<std::pair<Dialect, std::string_view>, 8> names{{{Dialect::Automatic, "auto"},
                                                                     {Dialect::Rfc, "rfc"},
                                                                     {Dialect::HmipDraft, "hmip-draft"},
                                                                     {Dialect::Shisa2004, "shisa-2004"},
                                                                     {Dialect::Shisa2006, "shisa-2006"},
                                                                     {Dialect::Fmip4068, "fmip-4068"},
                                                                     {Dialect::PmipDraft, "pmip-draft"},
                                                                     {Dialect::Custom, "custom"}}};

std::optional<unsigned> number(std::string_view text, unsigned most)
{
    const bool hex = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    if (hex) text.remove_prefix(2);
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
    if (error != std::errc() || end != text.data() + text.size() || text.empty() || value > most) return std::nullopt;
    return value;
}

/// One NAME=NUMBER of a custom dialect; false when it is none.
bool apply(CustomNumbers& custom, std::string_view setting)
{
    const std::size_t equals = setting.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string_view name = setting.substr(0, equals);
    const auto value = number(setting.substr(equals + 1), name == "flag" ? 0xffff : 0xff);
    if (!value) return false;
    if (name == "bid") custom.bindingIdentifierOption = static_cast<std::uint8_t>(*value);
    else if (name == "flag") custom.overwriteFlag = static_cast<std::uint16_t>(*value);
    else if (name == "status") custom.multipleStatusBase = static_cast<std::uint8_t>(*value);
    else if (name == "map") custom.mapOption = static_cast<std::uint8_t>(*value);
    else return false;
    return true;
}

}  // namespace

const DecodeContext& publishedRfcs()
{
    static const DecodeContext context{Dialect::Rfc, {}, nullptr, nullptr};
    return context;
}

std::string_view dialectName(Dialect dialect)
{
    for (const auto& [value, name] : names)
        if (value == dialect) return name;
    return "";
}

Result<DialectChoice> parseDialect(std::string_view text)
{
    const std::size_t colon = text.find(':');
    const std::string_view name = text.substr(0, colon);
    for (const auto& [value, known] : names) {
        if (name != known) continue;
        DialectChoice choice{value, {}};
        if (colon == std::string_view::npos) return choice;
        if (value != Dialect::Custom) break;
        std::string_view rest = text.substr(colon + 1);
        for (;;) {
            const std::size_t comma = rest.find(',');
            if (!apply(choice.custom, rest.substr(0, comma)))
                return fail(ErrorCode::Invalid, text.size() - rest.size(),
                            fmt::format("dialect {}: '{}' is not one of bid=0..255, flag=0..0xffff, status=0..255, map=0..255", text,
                                        rest.substr(0, comma)));
            if (comma == std::string_view::npos) return choice;
            rest.remove_prefix(comma + 1);
        }
    }
    std::string list;
    for (const auto& entry : names) list += fmt::format("{}{}", list.empty() ? "" : ", ", entry.second);
    return fail(ErrorCode::Invalid, 0, fmt::format("no dialect is called '{}'. There are {} (custom takes numbers: custom:bid=7,flag=0x0200)", text, list));
}

}  // namespace roamscope::wire
