// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/key_file.hpp"

#include "capture/io/json_text.hpp"
#include "capture/io/nearest_name.hpp"
#include "protocol/wire/ipv4.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace roamscope::capture {

namespace {

using Kind = JsonNode::Kind;
using crypto::Encryption;
using crypto::Integrity;

constexpr std::size_t maxAssociations = 1024;

/// Hexadecimal with or without 0x; nothing for anything else.
std::optional<Bytes> hexOctets(std::string_view text)
{
    if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
    if (text.size() % 2 != 0) return std::nullopt;
    Bytes out;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        std::uint8_t octet = 0;
        const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, octet, 16);
        if (error != std::errc() || end != text.data() + i + 2) return std::nullopt;
        out.push_back(octet);
    }
    return out;
}

std::optional<Ipv6Address> anyAddress(std::string_view text)
{
    if (const auto six = Ipv6Address::parse(text)) return six;
    if (const auto four = Ipv4Address::parse(text)) return wire::mapped(*four);
    return std::nullopt;
}

class KeyReader {
public:
    KeyReader(std::string_view text, std::string_view name) : text_(text), name_(name) {}

    Result<wire::EspKeys> read()
    {
        const auto tree = parseJson(text_, name_);
        if (!tree) return tl::unexpected(tree.error());
        wire::EspKeys keys;
        if (isObject(*tree, {"$schema", "format", "esp"})) {
            const JsonNode* format = required(*tree, "format", "\"roamscope-keys-1\"");
            if (format && format->text != "roamscope-keys-1") refuse(*format, "\"format\": expected \"roamscope-keys-1\"");
            if (const JsonNode* list = required(*tree, "esp", "a list of security associations")) associations(*list, keys);
        }
        if (error_) return tl::unexpected(*error_);
        return keys;
    }

private:
    void refuse(const JsonNode& node, std::string_view what) { refuseAt(node.offset, what); }
    void refuseAt(std::size_t offset, std::string_view what)
    {
        if (!error_) error_ = errorAt(text_, name_, offset, what);
    }

    bool isObject(const JsonNode& node, const std::vector<std::string_view>& keys)
    {
        if (node.kind != Kind::Object) return refuse(node, "expected an object"), false;
        for (const JsonNode& member : node.children) {
            if (std::find(keys.begin(), keys.end(), member.key) != keys.end()) continue;
            const std::string near = nearestName(member.key, keys);
            refuseAt(member.keyOffset, fmt::format("unknown key \"{}\". {}", member.key, near.empty() ? fmt::format("Expected one of {}", fmt::join(keys, ", ")) : fmt::format("Did you mean \"{}\"?", near)));
            return false;
        }
        return true;
    }

    const JsonNode* required(const JsonNode& node, std::string_view key, std::string_view expected)
    {
        const JsonNode* found = node.find(key);
        if (!found) refuse(node, fmt::format("key \"{}\" is missing: expected {}", key, expected));
        return found;
    }

    void associations(const JsonNode& list, wire::EspKeys& keys)
    {
        if (list.kind != Kind::Array || list.children.size() > maxAssociations) return refuse(list, fmt::format("\"esp\": expected an array of at most {} objects", maxAssociations));
        for (const JsonNode& node : list.children) {
            wire::EspAssociation a = association(node);
            if (error_) return;
            keys.add(std::move(a));
        }
    }

    wire::EspAssociation association(const JsonNode& node)
    {
        wire::EspAssociation a;
        if (!isObject(node, {"spi", "source", "destination", "encryption", "encryption_key", "integrity", "integrity_key"})) return a;
        if (const JsonNode* spi = required(node, "spi", "a number, the index in their packets")) a.spi = parameterIndex(*spi);
        a.source = address(node.find("source"));
        a.destination = address(node.find("destination"));
        if (const JsonNode* cipher = required(node, "encryption", "the name of an algorithm, such as \"aes-cbc\""))
            a.encryption = choice<Encryption>(*cipher, &crypto::encryptionName, Encryption::TripleDesCbc);
        if (const JsonNode* check = node.find("integrity")) a.integrity = choice<Integrity>(*check, &crypto::integrityName, Integrity::HmacSha256_128);
        a.encryptionKey = key(node, "encryption_key", [&](std::size_t n) { return crypto::keyFault(a.encryption, n); });
        a.integrityKey = key(node, "integrity_key", [&](std::size_t n) { return crypto::keyFault(a.integrity, n); });
        return a;
    }

    std::uint32_t parameterIndex(const JsonNode& node)
    {
        std::uint64_t value = 0;
        if (const auto* integer = std::get_if<std::int64_t>(&node.integer); integer && *integer > 0) value = static_cast<std::uint64_t>(*integer);
        if (const auto* integer = std::get_if<std::uint64_t>(&node.integer)) value = *integer;
        if (node.kind == Kind::String && node.text.starts_with("0x")) {
            const char* end = node.text.data() + node.text.size();
            if (std::from_chars(node.text.data() + 2, end, value, 16).ptr != end) value = 0;
        }
        if (value == 0 || value > UINT32_MAX) refuse(node, "\"spi\": expected a number from 1 to 4294967295, or such a number as \"0x…\"");
        return static_cast<std::uint32_t>(value);
    }

    std::optional<Ipv6Address> address(const JsonNode* node)
    {
        if (!node) return std::nullopt;
        const auto value = node->kind == Kind::String ? anyAddress(node->text) : std::nullopt;
        if (!value) refuse(*node, fmt::format("\"{}\": expected an IPv6 or IPv4 address", node->key));
        return value;
    }

    /// One of the names that an enumeration from 0 to `last` has.
    template <class Enum>
    Enum choice(const JsonNode& node, std::string_view (*nameOf)(Enum), Enum last)
    {
        std::string names;
        for (std::size_t i = 0; i <= static_cast<std::size_t>(last); ++i) {
            const std::string_view name = nameOf(static_cast<Enum>(i));
            if (node.kind == Kind::String && node.text == name) return static_cast<Enum>(i);
            names += fmt::format("{}{}", i == 0 ? "" : ", ", name);
        }
        refuse(node, fmt::format("\"{}\": expected one of {}", node.key, names));
        return {};
    }

    template <class Fault>
    Bytes key(const JsonNode& node, std::string_view name, Fault faultOf)
    {
        const JsonNode* found = node.find(name);
        const auto octets = found ? (found->kind == Kind::String ? hexOctets(found->text) : std::nullopt) : Bytes{};
        if (!octets) return refuse(*found, fmt::format("\"{}\": expected a string of hexadecimal octets", name)), Bytes{};
        if (const std::string_view fault = faultOf(octets->size()); !fault.empty())
            refuse(found ? *found : node, fmt::format("\"{}\": {} octets, the algorithm needs {}", name, octets->size(), fault));
        return *octets;
    }

    std::string_view text_;
    std::string_view name_;
    std::optional<Error> error_;
};

}  // namespace

Result<wire::EspKeys> parseKeys(std::string_view text, std::string_view name) { return KeyReader(text, name).read(); }

Result<wire::EspKeys> loadKeys(const std::string& path)
{
    return jsonText(path).and_then([&](const std::string& text) { return parseKeys(text, path); });
}

}  // namespace roamscope::capture
