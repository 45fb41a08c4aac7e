// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/filter/literals.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <limits>

namespace roamscope::filter {

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// Takes `least` to `most` decimal digits from the front.
std::optional<int> takeDigits(std::string_view& s, std::size_t least, std::size_t most)
{
    std::size_t n = 0;
    int value = 0;
    while (n < s.size() && n < most && isDigit(s[n])) value = 10 * value + (s[n++] - '0');
    if (n < least) return {};
    s.remove_prefix(n);
    return value;
}

bool takeOne(std::string_view& s, char c)
{
    if (s.empty() || s[0] != c) return false;
    s.remove_prefix(1);
    return true;
}

void skipBlanks(std::string_view& s)
{
    while (takeOne(s, ' ')) {}
}

/// ".25" in billionths; nothing when there are no digits or more than nine.
std::optional<std::int64_t> takeFraction(std::string_view& s)
{
    std::int64_t value = 0;
    std::size_t n = 0;
    for (; n < s.size() && isDigit(s[n]); ++n) {
        if (n == 9) return {};
        value = 10 * value + (s[n] - '0');
    }
    if (n == 0) return {};
    s.remove_prefix(n);
    for (; n < 9; ++n) value *= 10;
    return value;
}

constexpr std::int64_t second = 1'000'000'000;

struct Clock {
    std::tm date{};
    std::int64_t fraction = 0;
};

bool takeTimeOfDay(std::string_view& s, Clock& c)
{
    const auto hour = takeDigits(s, 1, 2);
    if (!hour || *hour > 23 || !takeOne(s, ':')) return false;
    const auto minute = takeDigits(s, 2, 2);
    if (!minute || *minute > 59) return false;
    c.date.tm_hour = *hour;
    c.date.tm_min = *minute;
    if (!takeOne(s, ':')) return true;
    const auto sec = takeDigits(s, 2, 2);
    if (!sec || *sec > 60) return false;
    c.date.tm_sec = *sec;
    if (!takeOne(s, '.')) return true;
    const auto fraction = takeFraction(s);
    if (!fraction) return false;
    c.fraction = *fraction;
    return true;
}

/// "Z", "UTC", "+02:00", or nothing, which is local time.
std::optional<std::int64_t> inZone(std::string_view s, Clock c)
{
    skipBlanks(s);
    std::int64_t offset = 0;
    std::time_t seconds = 0;
    std::tm date = c.date;
    if (s.empty()) {
        date.tm_isdst = -1;
        seconds = std::mktime(&date);
        return seconds * second + c.fraction;
    }
    if (s != "Z" && s != "z" && s != "UTC") {
        const bool west = s[0] == '-';
        if (!west && s[0] != '+') return {};
        s.remove_prefix(1);
        const auto hours = takeDigits(s, 2, 2);
        takeOne(s, ':');
        const auto minutes = s.empty() ? std::optional<int>(0) : takeDigits(s, 2, 2);
        if (!hours || !minutes || !s.empty() || *hours > 23 || *minutes > 59) return {};
        offset = (*hours * 60 + *minutes) * (west ? -60 : 60);
    }
    seconds = timegm(&date);
    return (seconds - offset) * second + c.fraction;
}

bool setDate(std::tm& date, int year, int month, int day)
{
    if (year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 || day > 31) return false;
    date.tm_year = year - 1900;
    date.tm_mon = month - 1;
    date.tm_mday = day;
    return true;
}

std::optional<std::int64_t> parseIso(std::string_view s)
{
    Clock c;
    const auto year = takeDigits(s, 4, 4);
    if (!year || !takeOne(s, '-')) return {};
    const auto month = takeDigits(s, 2, 2);
    if (!month || !takeOne(s, '-')) return {};
    const auto day = takeDigits(s, 2, 2);
    if (!day || !setDate(c.date, *year, *month, *day)) return {};
    if (s.empty()) return inZone(s, c);
    if (!takeOne(s, 'T') && !takeOne(s, 't') && !takeOne(s, ' ')) return {};
    skipBlanks(s);
    if (!takeTimeOfDay(s, c)) return {};
    return inZone(s, c);
}

/// "Sep 26, 2004 23:18:04.954975 UTC"
std::optional<std::int64_t> parseOldStyle(std::string_view s)
{
    constexpr std::string_view months = "janfebmaraprmayjunjulaugsepoctnovdec";
    if (s.size() < 3) return {};
    const std::size_t month = months.find(lowerCase(s.substr(0, 3)));
    if (month == months.npos || month % 3 != 0) return {};
    s.remove_prefix(3);
    skipBlanks(s);
    Clock c;
    const auto day = takeDigits(s, 1, 2);
    takeOne(s, ',');
    skipBlanks(s);
    const auto year = takeDigits(s, 4, 4);
    if (!day || !year || !setDate(c.date, *year, static_cast<int>(month / 3) + 1, *day)) return {};
    skipBlanks(s);
    if (!s.empty() && !takeTimeOfDay(s, c)) return {};
    return inZone(s, c);
}

}  // namespace

std::optional<std::uint64_t> parseNumber(std::string_view text)
{
    int base = 10;
    if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X' || text[1] == 'b' || text[1] == 'B')) {
        base = text[1] == 'x' || text[1] == 'X' ? 16 : 2;
        text.remove_prefix(2);
    } else if (text.size() > 1 && text[0] == '0') {
        base = 8;
    }
    std::uint64_t value = 0;
    const auto [end, result] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (result != std::errc{} || end != text.data() + text.size()) return {};
    return value;
}

std::optional<std::int64_t> parseDuration(std::string_view text)
{
    struct Unit {
        std::string_view name;
        std::int64_t ns;
    };
    static constexpr Unit units[] = {{"ns", 1}, {"us", 1'000}, {"µs", 1'000}, {"ms", 1'000'000}, {"s", second}, {"min", 60 * second}, {"h", 3600 * second}};
    const bool negative = takeOne(text, '-');
    std::int64_t whole = 0;
    std::size_t n = 0;
    for (; n < text.size() && isDigit(text[n]); ++n)
        if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, text[n] - '0', &whole)) return {};
    text.remove_prefix(n);
    std::int64_t fraction = 0;
    if (takeOne(text, '.')) {
        const auto f = takeFraction(text);
        if (!f) return {};
        fraction = *f;
    } else if (n == 0) {
        return {};
    }
    std::int64_t unit = text.empty() ? second : 0;
    for (const Unit& u : units)
        if (u.name == text) unit = u.ns;
    if (unit == 0) return {};
    std::int64_t ns = 0;
    const auto part = static_cast<std::int64_t>(static_cast<double>(fraction) * (static_cast<double>(unit) / static_cast<double>(second)));
    if (__builtin_mul_overflow(whole, unit, &ns) || __builtin_add_overflow(ns, unit == second ? fraction : part, &ns)) return {};
    return negative ? -ns : ns;
}

std::optional<std::int64_t> parseInstant(std::string_view text)
{
    if (const auto iso = parseIso(text)) return iso;
    return parseOldStyle(text);
}

std::optional<Bytes> parseOctets(std::string_view text)
{
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
    if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        text.remove_prefix(2);
        if (text.size() > 2) return {};  // of a longer number nobody can say which octet comes first
    }
    Bytes out;
    while (!text.empty()) {
        std::size_t n = 0;
        while (n < text.size() && digit(text[n]) >= 0) ++n;
        if (n == 0 || (n > 1 && n % 2 != 0)) return {};
        if (n == 1) out.push_back(static_cast<std::uint8_t>(digit(text[0])));
        for (std::size_t i = 0; i + 1 < n; i += 2) out.push_back(static_cast<std::uint8_t>(16 * digit(text[i]) + digit(text[i + 1])));
        text.remove_prefix(n);
        if (text.empty()) return out;
        if (text[0] != ':' && text[0] != '-' && text[0] != '.') return {};
        text.remove_prefix(1);
        if (text.empty()) return {};
    }
    return {};
}

std::optional<Block6> parseBlock6(std::string_view text)
{
    if (text.find('/') == text.npos) {
        const auto address = Ipv6Address::parse(text);
        if (!address) return {};
        return Block6{*address, 128};
    }
    const auto prefix = Prefix::parse(text);
    if (!prefix) return {};
    return Block6{prefix->masked().address, prefix->length};
}

std::optional<Block4> parseBlock4(std::string_view text)
{
    const std::size_t slash = text.find('/');
    const auto address = Ipv4Address::parse(text.substr(0, slash));
    if (!address) return {};
    Block4 out{*address, 32};
    if (slash == text.npos) return out;
    std::string_view bits = text.substr(slash + 1);
    const auto length = takeDigits(bits, 1, 2);
    if (!length || !bits.empty() || *length > 32) return {};
    out.length = static_cast<std::uint8_t>(*length);
    for (int i = 0; i < 4; ++i) {
        const int kept = std::clamp(*length - 8 * i, 0, 8);
        out.address.octets[static_cast<std::size_t>(i)] &= static_cast<std::uint8_t>(0xff00 >> kept);
    }
    return out;
}

std::optional<bool> parseBoolean(std::string_view text)
{
    if (sameWord(text, "true")) return true;
    if (sameWord(text, "false")) return false;
    if (const auto number = parseNumber(text)) return *number != 0;
    return {};
}

}  // namespace roamscope::filter
