// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/base/address.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope {

namespace {

int hexDigit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// Decimal number of at most three digits, nothing else around it.
std::optional<unsigned> smallDecimal(std::string_view text)
{
    if (text.empty() || text.size() > 3) return std::nullopt;
    unsigned value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value;
}

/// Colon-separated groups of up to four hex digits; the last may be a dotted IPv4 address. Nothing on any other text.
std::optional<std::basic_string<std::uint8_t>> parseGroups(std::string_view text)
{
    std::basic_string<std::uint8_t> out;
    while (!text.empty()) {
        const std::size_t colon = text.find(':');
        const std::string_view group = text.substr(0, colon);
        if (group.find('.') != std::string_view::npos) {
            if (colon != std::string_view::npos) return std::nullopt;
            const auto dotted = Ipv4Address::parse(group);
            if (!dotted) return std::nullopt;
            out.append(dotted->octets.begin(), dotted->octets.end());
            return out;
        }
        if (group.empty() || group.size() > 4) return std::nullopt;
        unsigned value = 0;
        for (const char c : group) {
            const int digit = hexDigit(c);
            if (digit < 0) return std::nullopt;
            value = value << 4 | static_cast<unsigned>(digit);
        }
        out.push_back(static_cast<std::uint8_t>(value >> 8));
        out.push_back(static_cast<std::uint8_t>(value));
        if (colon == std::string_view::npos) break;
        text.remove_prefix(colon + 1);
        if (text.empty()) return std::nullopt;
    }
    return out;
}

}  // namespace

std::string Ipv4Address::text() const { return fmt::format("{}.{}.{}.{}", octets[0], octets[1], octets[2], octets[3]); }

std::optional<Ipv4Address> Ipv4Address::parse(std::string_view text)
{
    Ipv4Address out;
    for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t dot = i < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos) return std::nullopt;
        const std::string_view part = text.substr(0, dot);
        const auto value = smallDecimal(part);
        // A leading zero means octal to some programs.
        if (!value || *value > 255 || (part.size() > 1 && part[0] == '0')) return std::nullopt;
        out.octets[i] = static_cast<std::uint8_t>(*value);
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    return out;
}

std::string Mac::text() const
{
    // By hand: a lab tells thousands of them, and the formatter took an eighth of all that a handover needs.
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out(17, ':');
    for (std::size_t i = 0; i < octets.size(); ++i) {
        out[3 * i] = digits[octets[i] >> 4];
        out[3 * i + 1] = digits[octets[i] & 15];
    }
    return out;
}

std::optional<Mac> Mac::parse(std::string_view text)
{
    if (text.size() != 17) return std::nullopt;
    Mac mac;
    for (std::size_t i = 0; i < 6; ++i) {
        const int high = hexDigit(text[3 * i]);
        const int low = hexDigit(text[3 * i + 1]);
        if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':')) return std::nullopt;
        mac.octets[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return mac;
}

bool Ipv6Address::isLoopback() const
{
    Ipv6Address one;
    one.octets[15] = 1;
    return *this == one;
}

bool Ipv6Address::isUnicastRoutable() const
{
    if (octets[0] != 0 && octets[0] < 0xfe) return true;
    return !isUnspecified() && !isLoopback() && !isMulticast() && !isLinkLocal();
}

std::string Ipv6Address::text() const
{
    std::array<unsigned, 8> groups{};
    for (std::size_t i = 0; i < 8; ++i) groups[i] = static_cast<unsigned>(octets[2 * i] << 8 | octets[2 * i + 1]);

    // RFC 5952 §4.2: the longest run of at least two zero groups becomes "::", the first one on a tie.
    std::size_t bestStart = 8;
    std::size_t bestLength = 1;
    for (std::size_t i = 0; i < 8;) {
        std::size_t end = i;
        while (end < 8 && groups[end] == 0) ++end;
        if (end - i > bestLength) {
            bestStart = i;
            bestLength = end - i;
        }
        i = std::max(end, i + 1);
    }
    const bool v4Mapped = bestStart == 0 && bestLength == 5 && groups[5] == 0xffff;
    std::string out;
    for (std::size_t i = 0; i < 8; ++i) {
        if (i == bestStart) {
            out += "::";
            i += bestLength - 1;
            continue;
        }
        if (!out.empty() && out.back() != ':') out += ':';
        if (v4Mapped && i == 6)
            return out + fmt::format("{}.{}.{}.{}", octets[12], octets[13], octets[14], octets[15]);
        out += fmt::format("{:x}", groups[i]);
    }
    return out;
}

std::optional<Ipv6Address> Ipv6Address::parse(std::string_view text)
{
    const std::size_t gap = text.find("::");
    const auto head = parseGroups(gap == std::string_view::npos ? text : text.substr(0, gap));
    if (!head) return std::nullopt;
    Ipv6Address address;
    if (gap == std::string_view::npos) {
        if (head->size() != 16) return std::nullopt;
        std::copy(head->begin(), head->end(), address.octets.begin());
        return address;
    }
    const auto tail = parseGroups(text.substr(gap + 2));
    if (!tail || head->size() + tail->size() > 14) return std::nullopt;
    std::copy(head->begin(), head->end(), address.octets.begin());
    std::copy(tail->begin(), tail->end(), address.octets.end() - static_cast<std::ptrdiff_t>(tail->size()));
    return address;
}

bool Prefix::contains(const Ipv6Address& a) const
{
    // Most prefixes are a half of the address, which is compared at once.
    constexpr std::size_t half = 8;
    std::uint64_t ours = 0;
    std::uint64_t theirs = 0;
    std::size_t whole = 0;
    if (length >= 8 * half) {
        std::memcpy(&ours, address.octets.data(), half);
        std::memcpy(&theirs, a.octets.data(), half);
        if (ours != theirs) return false;
        whole = half;
    }
    const std::size_t last = std::min<std::size_t>(length / 8, a.octets.size());
    for (; whole < last; ++whole)
        if (a.octets[whole] != address.octets[whole]) return false;
    if (whole == a.octets.size() || length % 8 == 0) return true;
    return ((a.octets[whole] ^ address.octets[whole]) & static_cast<std::uint8_t>(0xff00 >> length % 8)) == 0;
}

Prefix Prefix::masked() const
{
    Prefix out = *this;
    for (std::size_t i = 0; i < 16; ++i) {
        const int bits = std::clamp(static_cast<int>(length) - static_cast<int>(8 * i), 0, 8);
        out.address.octets[i] &= static_cast<std::uint8_t>(0xff00 >> bits);
    }
    return out;
}

std::string Prefix::text() const
{
    std::string out = address.text();
    out.push_back('/');
    out.append(fmt::format_int(length).c_str());
    return out;
}

std::optional<Prefix> Prefix::parse(std::string_view text)
{
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto address = Ipv6Address::parse(text.substr(0, slash));
    const auto length = smallDecimal(text.substr(slash + 1));
    if (!address || !length || *length > 128) return std::nullopt;
    return Prefix{*address, static_cast<std::uint8_t>(*length)};
}

InterfaceId eui64(const Mac& mac)
{
    const auto& m = mac.octets;
    return {static_cast<std::uint8_t>(m[0] ^ 2), m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};
}

InterfaceId interfaceId(const Ipv6Address& address)
{
    InterfaceId id{};
    std::copy(address.octets.begin() + 8, address.octets.end(), id.begin());
    return id;
}

Ipv6Address withInterfaceId(const Ipv6Address& prefix, const InterfaceId& id)
{
    Ipv6Address out = prefix;
    std::copy(id.begin(), id.end(), out.octets.begin() + 8);
    return out;
}

Ipv6Address linkLocal(const InterfaceId& id)
{
    Ipv6Address prefix;
    prefix.octets[0] = 0xfe;
    prefix.octets[1] = 0x80;
    return withInterfaceId(prefix, id);
}

Ipv6Address solicitedNode(const Ipv6Address& address)
{
    Ipv6Address out;
    out.octets = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, address.octets[13], address.octets[14], address.octets[15]};
    return out;
}

Mac multicastMac(const Ipv6Address& group)
{
    return Mac{{0x33, 0x33, group.octets[12], group.octets[13], group.octets[14], group.octets[15]}};
}

namespace {
Ipv6Address linkScopeGroup(std::uint8_t last)
{
    Ipv6Address out;
    out.octets[0] = 0xff;
    out.octets[1] = 2;
    out.octets[15] = last;
    return out;
}
}  // namespace

Ipv6Address allNodes() { return linkScopeGroup(1); }
Ipv6Address allRouters() { return linkScopeGroup(2); }
Ipv6Address allMldv2Routers() { return linkScopeGroup(0x16); }

}  // namespace roamscope
