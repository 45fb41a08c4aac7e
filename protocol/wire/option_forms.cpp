// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/option_forms.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

namespace {

/// Octets of the UTF-8 character at `at`; 0 and the octets to replace when there is none.
struct Character {
    std::size_t octets;
    std::size_t broken;
};

Character characterAt(ByteView octets, std::size_t at)
{
    const std::uint8_t first = octets[at];
    if (first < 0x80) return {1, 0};
    const std::size_t wanted = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
    if (wanted == 0) return {0, 1};
    for (std::size_t i = 1; i < wanted; ++i) {
        if (at + i >= octets.size()) return {0, i};
        const std::uint8_t next = octets[at + i];
        std::uint8_t lowest = 0x80;
        std::uint8_t highest = 0xbf;
        if (i == 1 && first == 0xe0) lowest = 0xa0;   // overlong
        if (i == 1 && first == 0xed) highest = 0x9f;  // surrogates
        if (i == 1 && first == 0xf0) lowest = 0x90;   // overlong
        if (i == 1 && first == 0xf4) highest = 0x8f;  // beyond U+10FFFF
        if (next < lowest || next > highest) return {0, i};
    }
    return {wanted, 0};
}

}  // namespace

void readForm(FieldReader& in, std::span<const FormPiece> form)
{
    std::uint64_t last = 0;
    std::size_t width = 0;
    for (const FormPiece& piece : form) {
        switch (piece.kind) {
        case FormPiece::Kind::U8: last = in.u8(piece.field); width = 1; break;
        case FormPiece::Kind::U16: last = in.u16(piece.field); width = 2; break;
        case FormPiece::Kind::U32: last = in.u32(piece.field); width = 4; break;
        case FormPiece::Kind::U64: last = in.u64(piece.field); width = 8; break;
        case FormPiece::Kind::Word8: last = in.Reader::u8(); width = 1; break;
        case FormPiece::Kind::Word16: last = in.Reader::u16(); width = 2; break;
        case FormPiece::Kind::Bits: in.bits(width, last, {piece.field}); break;
        case FormPiece::Kind::Ipv4: in.ipv4(piece.field); break;
        case FormPiece::Kind::Ipv6: in.address(piece.field); break;
        case FormPiece::Kind::Octets: in.reserved(piece.field, in.remaining()); break;
        case FormPiece::Kind::Text: readText(in, piece.field, in.remaining()); break;
        }
        if (piece.name) in.note(piece.name(static_cast<std::uint8_t>(last)));
    }
}

std::string safeText(ByteView octets)
{
    std::string out;
    for (std::size_t at = 0; at < octets.size();) {
        const auto [length, broken] = characterAt(octets, at);
        const std::uint8_t first = octets[at];
        if (length == 0) out += "\xef\xbf\xbd";
        else if (first == '\n') out += "\\n";
        else if (first == '\t') out += "\\t";
        else if (first == '\r') out += "\\r";
        else if (first < 0x20 || first == 0x7f) out += fmt::format("\\{:03o}", first);
        else out.append(reinterpret_cast<const char*>(octets.data()) + at, length);
        at += length + broken;
    }
    return out;
}

Bytes readText(FieldReader& in, FieldId field, std::size_t n)
{
    const std::size_t start = in.offset();
    const ByteView octets = in.take(n);
    if (in.sink() && !in.failed()) in.sink()->add(field, start, n, safeText(octets));
    return Bytes(octets.begin(), octets.end());
}

std::string timeText(std::int64_t seconds, std::uint32_t nanoseconds)
{
    static constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    constexpr std::int64_t day = 86400;
    const std::int64_t second = (seconds % day + day) % day;
    // Days since 1 March of year 0, in eras of 400 years: the leap day is then the last day of a year.
    const std::int64_t days = (seconds - second) / day + 719468;
    const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const std::int64_t ofEra = days - era * 146097;
    const std::int64_t yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36524 - ofEra / 146096) / 365;
    const std::int64_t dayOfYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
    const std::int64_t shifted = (5 * dayOfYear + 2) / 153;  // 0 is March
    const std::int64_t month = shifted < 10 ? shifted + 2 : shifted - 10;
    return fmt::format("{} {:2}, {} {:02}:{:02}:{:02}.{:09} UTC", months[month], dayOfYear - (153 * shifted + 2) / 5 + 1,
                       yearOfEra + era * 400 + (month < 2 ? 1 : 0), second / 3600, second / 60 % 60, second % 60, nanoseconds);
}

}  // namespace roamscope::wire
