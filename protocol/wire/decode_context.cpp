// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/decode_context.hpp"

#include "protocol/wire/ipv6.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <utility>

namespace roamscope::wire {

namespace {

constexpr std::array<Dialect, 8> dialects{Dialect::Automatic,  Dialect::Rfc,      Dialect::HmipDraft, Dialect::Shisa2004,
                                          Dialect::Shisa2006, Dialect::Fmip4068, Dialect::PmipDraft, Dialect::Custom};

constexpr std::array<std::string_view, 8> names{"auto", "rfc", "hmip-draft", "shisa-2004", "shisa-2006", "fmip-4068", "pmip-draft", "custom"};

constexpr std::array<std::string_view, 8> explanations{
    "As the RFCs have it unless what stands in a message speaks for a draft; the evidence is shown as a field.",
    "Only what the RFCs say, never a draft.",
    "MAP options of drafts from 2001 to 2003: option number 23 or 201, with the flags R, M, I, T, P and V.",
    "KAME/SHISA of 2004 and 2005: binding identifiers in option 7 with 16 flags, flag 0x0200 in Binding Updates.",
    "KAME/SHISA from 2006 on: binding identifiers in option 7 with priority, flag 0x0200 in Binding Updates.",
    "Fast handovers before RFC 5568: ICMPv6 type 150 with subtypes, link-layer addresses with a padding octet.",
    "Proxy Mobile IPv6 before RFC 5213: earlier option numbers and meanings of the statuses 145 to 148.",
    "Numbers of your own for binding identifiers, overwrite flag, statuses, MAP option and Mobility Header."};

static_assert(dialects.size() == names.size() && names.size() == explanations.size());

/// What --dialect people write by habit, and what they mean.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> alike{{{"automatic", "auto"},
                                                                              {"rfcs", "rfc"},
                                                                              {"hmip", "hmip-draft"},
                                                                              {"shisa", "shisa-2006"},
                                                                              {"kame", "shisa-2006"},
                                                                              {"fmip", "fmip-4068"},
                                                                              {"rfc4068", "fmip-4068"},
                                                                              {"pmip", "pmip-draft"}}};

std::optional<unsigned> number(std::string_view text, unsigned most)
{
    const bool hex = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    if (hex) text.remove_prefix(2);
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
    if (error != std::errc() || end != text.data() + text.size() || text.empty() || value > most) return std::nullopt;
    return value;
}

/// Next Headers that IPv6 itself needs cannot be a Mobility Header too.
bool isTaken(unsigned nextHeader)
{
    constexpr std::array<unsigned, 12> taken{protocol::hopByHop, protocol::ipv4, protocol::tcp, protocol::udp,    protocol::ipv6, protocol::routing,
                                             protocol::fragment, protocol::esp,  protocol::ah,  protocol::icmpv6, protocol::none, protocol::destinationOptions};
    return std::find(taken.begin(), taken.end(), nextHeader) != taken.end();
}

/// One NAME=NUMBER of a custom dialect; false when it is none.
bool apply(CustomNumbers& custom, std::string_view setting)
{
    const std::size_t equals = setting.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string_view name = setting.substr(0, equals);
    const auto value = number(setting.substr(equals + 1), name == "flag" ? 0xffff : 0xff);
    if (!value || (name == "mh" && isTaken(*value))) return false;
    if (name == "bid") custom.bindingIdentifierOption = static_cast<std::uint8_t>(*value);
    else if (name == "flag") custom.overwriteFlag = static_cast<std::uint16_t>(*value);
    else if (name == "status") custom.multipleStatusBase = static_cast<std::uint8_t>(*value);
    else if (name == "map") custom.mapOption = static_cast<std::uint8_t>(*value);
    else if (name == "mh") custom.mobilityHeader = static_cast<std::uint8_t>(*value);
    else return false;
    return true;
}

/// Steps from one word to the other by changing, adding or dropping a character.
std::size_t distance(std::string_view a, std::string_view b)
{
    std::array<std::size_t, 17> row{};
    b = b.substr(0, row.size() - 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t corner = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t changed = corner + (a[i] == b[j] ? 0 : 1);
            corner = row[j + 1];
            row[j + 1] = std::min({changed, row[j + 1] + 1, row[j] + 1});
        }
    }
    return row[b.size()];
}

std::string_view meant(std::string_view written)
{
    constexpr std::size_t longest = 32;
    constexpr std::size_t near = 2;
    if (written.size() > longest) return {};
    for (const auto& [word, name] : alike)
        if (word == written) return name;
    const auto best = std::min_element(names.begin(), names.end(), [&](std::string_view a, std::string_view b) { return distance(written, a) < distance(written, b); });
    return distance(written, *best) <= near ? *best : std::string_view();
}

Error unknownName(std::string_view name)
{
    std::string text = fmt::format("no dialect is called '{}'", name);
    if (const std::string_view near = meant(name); !near.empty()) text += fmt::format("; did you mean {}?", near);
    text += text.back() == '?' ? " There are" : ". There are";
    for (const std::string_view known : names) text += fmt::format("{} {}", known == names.front() ? "" : ",", known);
    return {ErrorCode::Invalid, 0, text + " (custom takes numbers: custom:bid=7,flag=0x0200)"};
}

}  // namespace

const DecodeContext& publishedRfcs()
{
    static const DecodeContext context{Dialect::Rfc, {}, nullptr, nullptr};
    return context;
}

std::string_view dialectName(Dialect dialect) { return names[static_cast<std::size_t>(dialect)]; }

std::string_view dialectExplanation(Dialect dialect) { return explanations[static_cast<std::size_t>(dialect)]; }

std::span<const Dialect> allDialects() { return dialects; }

Result<DialectChoice> parseDialect(std::string_view text)
{
    const std::size_t colon = text.find(':');
    const auto known = std::find(names.begin(), names.end(), text.substr(0, colon));
    if (known == names.end()) return tl::unexpected(unknownName(text.substr(0, colon)));
    DialectChoice choice{dialects[static_cast<std::size_t>(known - names.begin())]};
    if (colon == std::string_view::npos) return choice;
    if (choice.dialect != Dialect::Custom)
        return fail(ErrorCode::Invalid, colon, fmt::format("the dialect {0} takes no numbers; write {0} alone, or custom:{1}", *known, text.substr(colon + 1)));
    std::string_view rest = text.substr(colon + 1);
    for (;;) {
        const std::size_t comma = rest.find(',');
        if (!apply(choice.custom, rest.substr(0, comma)))
            return fail(ErrorCode::Invalid, text.size() - rest.size(),
                        fmt::format("dialect {}: '{}' is not one of bid=0..255, flag=0..0xffff, status=0..255, map=0..255, mh=0..255 (62 in early drafts; no number "
                                    "that IPv6 uses otherwise)",
                                    text, rest.substr(0, comma)));
        if (comma == std::string_view::npos) return choice;
        rest.remove_prefix(comma + 1);
    }
}

std::string dialectText(const DialectChoice& choice)
{
    std::string out(dialectName(choice.dialect));
    if (choice.dialect != Dialect::Custom) return out;
    const CustomNumbers published;
    const CustomNumbers& custom = choice.custom;
    const auto tell = [&](std::string_view name, unsigned value, unsigned usual) {
        if (value != usual) out += fmt::format("{}{}={}", out.find(':') == std::string::npos ? ':' : ',', name, name == "flag" ? fmt::format("0x{:04x}", value) : fmt::format("{}", value));
    };
    tell("bid", custom.bindingIdentifierOption, published.bindingIdentifierOption);
    tell("flag", custom.overwriteFlag, published.overwriteFlag);
    tell("status", custom.multipleStatusBase, published.multipleStatusBase);
    tell("map", custom.mapOption, published.mapOption);
    tell("mh", custom.mobilityHeader, published.mobilityHeader);
    return out;
}

}  // namespace roamscope::wire
