// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/run/role_message.hpp"

#include "protocol/wire/mobility.hpp"

namespace roamscope::capture {

namespace {

using wire::BindingUpdate;

constexpr std::size_t maxMessage = 2048;  ///< the longest Mobility Header: 8 × (255 + 1) octets
constexpr std::size_t maxPacket = 65'535;
constexpr std::size_t checksumAt = 4;

enum class Kind : std::uint8_t { Brr, Hoti, Coti, Hot, Cot, Bu, Ba, Be, Bri };

const std::vector<std::pair<std::string_view, Kind>>& messageTypes()
{
    static const std::vector<std::pair<std::string_view, Kind>> types{
        {"binding-refresh-request", Kind::Brr}, {"home-test-init", Kind::Hoti}, {"care-of-test-init", Kind::Coti}, {"home-test", Kind::Hot},
        {"care-of-test", Kind::Cot}, {"binding-update", Kind::Bu}, {"binding-acknowledgement", Kind::Ba}, {"binding-error", Kind::Be}, {"binding-revocation", Kind::Bri},
        {"brr", Kind::Brr}, {"hoti", Kind::Hoti}, {"coti", Kind::Coti}, {"hot", Kind::Hot}, {"cot", Kind::Cot}, {"bu", Kind::Bu}, {"ba", Kind::Ba}, {"be", Kind::Be}, {"bri", Kind::Bri}};
    return types;
}

Bytes hex(const JsonValue& v, std::size_t most)
{
    const auto octets = octetsIn(v.string("octets in hexadecimal"));
    if (!octets || octets->size() > most) v.refuse(fmt::format("expected at most {} octets in hexadecimal, such as \"3b00\"", most));
    return octets.value_or(Bytes{});
}

/// A number as it stands in the field, or for flags of a Binding Update their letters.
std::uint16_t flagsIn(const JsonValue& v)
{
    static const std::vector<std::pair<std::string_view, std::uint16_t>> letters{
        {"A", BindingUpdate::acknowledge}, {"H", BindingUpdate::homeRegistration}, {"L", BindingUpdate::linkLocal}, {"K", BindingUpdate::keyManagement},
        {"M", BindingUpdate::mapRegistration}, {"R", BindingUpdate::mobileRouter}, {"P", BindingUpdate::proxy}, {"F", BindingUpdate::forceUdp},
        {"T", BindingUpdate::tlvHeader}, {"O", BindingUpdate::overwrite}};
    if (v.kind() != JsonValue::Kind::Array) return v.integer<std::uint16_t>(0, 0xffff);
    std::uint16_t flags = 0;
    v.list([&](const JsonValue& e) { flags = static_cast<std::uint16_t>(flags | e.choice<std::uint16_t>(letters)); });
    return flags;
}

/// Units of 4 s as a number, or a duration.
std::uint16_t lifetimeIn(const JsonValue& v)
{
    if (v.kind() == JsonValue::Kind::Number) return v.integer<std::uint16_t>(0, 0xffff);
    const auto seconds = v.seconds();
    if (seconds.count() % 4 != 0 || seconds.count() > 4 * 0xffff) v.refuse("expected a multiple of 4s up to 262140s, or a number of units of 4s");
    return static_cast<std::uint16_t>(seconds.count() / 4);
}

struct OptionOrder {
    std::uint8_t type = 0;
    Bytes data;
};

wire::MobilityOption rawOption(const JsonValue& value)
{
    static const Settings<OptionOrder> keys{
        {"type", [](const JsonValue& v, OptionOrder& out) { out.type = v.integer<std::uint8_t>(2, 255); }, "the option's number"},
        {"data", [](const JsonValue& v, OptionOrder& out) { out.data = hex(v, 255); }},
    };
    OptionOrder out;
    value.object(keys, out);
    return wire::RawMobilityOption{out.type, out.data};
}

wire::MobilityOption nonceIndices(const JsonValue& value)
{
    static const Settings<wire::NonceIndices> keys{
        {"home", [](const JsonValue& v, wire::NonceIndices& out) { out.home = v.integer<std::uint16_t>(0, 0xffff); }, "the home nonce index"},
        {"care_of", [](const JsonValue& v, wire::NonceIndices& out) { out.careOf = v.integer<std::uint16_t>(0, 0xffff); }, "the care-of nonce index"},
    };
    wire::NonceIndices out;
    value.object(keys, out);
    return out;
}

const Settings<SendOrder>& messageFields()
{
    static const Settings<SendOrder> keys{
        {"type", [](const JsonValue& v, SendOrder& out) { (void)v.choice<Kind>(messageTypes()); out.type = v.node().text; }, "the message's name, such as \"binding-update\""},
        {"sequence", [](const JsonValue& v, SendOrder& out) { out.sequence = v.integer<std::uint16_t>(0, 0xffff); }},
        {"lifetime", [](const JsonValue& v, SendOrder& out) { out.lifetimeUnits = lifetimeIn(v); }},
        {"flags", [](const JsonValue& v, SendOrder& out) { out.flags = flagsIn(v); }},
        {"status", [](const JsonValue& v, SendOrder& out) { out.status = v.integer<std::uint8_t>(0, 255); }},
        {"cookie", [](const JsonValue& v, SendOrder& out) { out.cookie = v.integer<std::uint64_t>(0, ~std::uint64_t{0}); }},
        {"token", [](const JsonValue& v, SendOrder& out) { out.token = v.integer<std::uint64_t>(0, ~std::uint64_t{0}); }},
        {"nonce_index", [](const JsonValue& v, SendOrder& out) { out.nonceIndex = v.integer<std::uint16_t>(0, 0xffff); }},
        {"home_address", [](const JsonValue& v, SendOrder& out) { out.homeAddress = v.address("2001:db8:100::1:1"); }},
        {"alternate_care_of_address", [](const JsonValue& v, SendOrder& out) { out.options.push_back(wire::AlternateCareOfAddress{v.address("2001:db8:200::1")}); }},
        {"refresh_advice", [](const JsonValue& v, SendOrder& out) { out.options.push_back(wire::BindingRefreshAdvice{WireLifetime{lifetimeIn(v)}}); }},
        {"nonce_indices", [](const JsonValue& v, SendOrder& out) { out.options.push_back(nonceIndices(v)); }},
        {"options", [](const JsonValue& v, SendOrder& out) { v.list([&](const JsonValue& e) { out.options.push_back(rawOption(e)); }); }},
        {"authenticator", [](const JsonValue& v, SendOrder& out) { out.options.push_back(wire::BindingAuthorizationData{hex(v, 255)}); }},
    };
    return keys;
}

/// The fields that each type has, beside its options.
bool hasField(Kind kind, std::string_view field)
{
    static constexpr std::array<std::string_view, 4> ofUpdate{"sequence", "lifetime", "flags", "alternate_care_of_address"};
    static constexpr std::array<std::string_view, 5> ofAck{"sequence", "lifetime", "flags", "status", "refresh_advice"};
    const auto in = [&](const auto& list) { return std::find(list.begin(), list.end(), field) != list.end(); };
    if (field == "type" || field == "options") return true;
    switch (kind) {
    case Kind::Brr: return false;
    case Kind::Hoti:
    case Kind::Coti: return field == "cookie";
    case Kind::Hot:
    case Kind::Cot: return field == "cookie" || field == "token" || field == "nonce_index";
    case Kind::Bu: return in(ofUpdate) || field == "nonce_indices" || field == "authenticator";
    case Kind::Ba: return in(ofAck) || field == "authenticator";
    case Kind::Be: return field == "status" || field == "home_address";
    case Kind::Bri: break;
    }
    return field == "sequence" || field == "flags" || field == "status";
}

/// Nothing for a name that is none, which the reader of the name has refused.
std::optional<Kind> kindOf(std::string_view type)
{
    const auto& types = messageTypes();
    const auto it = std::find_if(types.begin(), types.end(), [&](const auto& t) { return t.first == type; });
    return it == types.end() ? std::nullopt : std::optional(it->second);
}

void readMessage(const JsonValue& value, SendOrder& out)
{
    value.object(messageFields(), out);
    const auto kind = kindOf(out.type);
    if (!kind) return;
    for (const JsonNode& member : value.node().children)
        if (!hasField(*kind, member.key)) value.refuse(member, fmt::format("a {} has no such field", out.type));
}

wire::MobilityMessage messageOf(const SendOrder& o)
{
    const WireLifetime lifetime{o.lifetimeUnits};
    switch (kindOf(o.type).value()) {
    case Kind::Brr: return wire::BindingRefreshRequest{o.options};
    case Kind::Hoti: return wire::HomeTestInit{o.cookie, o.options};
    case Kind::Coti: return wire::CareOfTestInit{o.cookie, o.options};
    case Kind::Hot: return wire::HomeTest{o.nonceIndex, o.cookie, o.token, o.options};
    case Kind::Cot: return wire::CareOfTest{o.nonceIndex, o.cookie, o.token, o.options};
    case Kind::Bu: return BindingUpdate{o.sequence, o.flags, lifetime, o.options};
    case Kind::Ba: return wire::BindingAck{o.status, static_cast<std::uint8_t>(o.flags), o.sequence, lifetime, o.options};
    case Kind::Be: return wire::BindingError{o.status, o.homeAddress, o.options};
    case Kind::Bri: break;
    }
    return wire::BindingRevocation{wire::BindingRevocation::indication, o.status, o.sequence, o.flags, o.options};
}

const Settings<SendOrder>& sendKeys()
{
    static const Settings<SendOrder> keys{
        {"command", [](const JsonValue&, SendOrder&) {}},
        {"id", [](const JsonValue&, SendOrder&) {}},
        {"interface", [](const JsonValue& v, SendOrder& out) { out.interface = v.string("the name of an interface of this node"); }},
        {"from", [](const JsonValue& v, SendOrder& out) { out.packet.source = v.address("2001:db8:200::c"); }},
        {"to", [](const JsonValue& v, SendOrder& out) { out.packet.destination = v.address("2001:db8:200::1"); }},
        {"hop_limit", [](const JsonValue& v, SendOrder& out) { out.packet.hopLimit = v.integer<std::uint8_t>(0, 255); }},
        {"home_address_option", [](const JsonValue& v, SendOrder& out) { out.packet.setHomeAddress(v.address("2001:db8:100::1:1")); }},
        {"routing_header", [](const JsonValue& v, SendOrder& out) { out.packet.routing = wire::Type2Routing{1, v.address("2001:db8:100::1:1")}; }},
        {"message", [](const JsonValue& v, SendOrder& out) { readMessage(v, out); }},
        {"octets", [](const JsonValue& v, SendOrder& out) { out.octets = hex(v, maxMessage); }},
        {"checksum", [](const JsonValue& v, SendOrder& out) { out.keepChecksum = v.choice<bool>({{"fill", false}, {"keep", true}}); }},
        {"packet", [](const JsonValue& v, SendOrder& out) { out.octets = hex(v, maxPacket); }},
        {"frame", [](const JsonValue& v, SendOrder& out) { out.frame = hex(v, maxPacket); }},
    };
    return keys;
}

/// The whole packet that octets are.
void takePacket(const JsonValue& value, SendOrder& out)
{
    wire::FieldReader in(*out.octets, 0, nullptr);
    auto parsed = wire::parseIpv6(in);
    if (!parsed) return value.refuse(fmt::format("no IPv6 packet: {}", parsed.error().text));
    out.packet = std::move(parsed->packet);
    out.packet.keepHeaders(*out.octets, parsed->payloadOffset);  // as they were given, also where nobody would write them so
    out.octets = out.packet.payload;
    out.keepChecksum = true;
}

}  // namespace

std::optional<Bytes> octetsIn(std::string_view text)
{
    Bytes out;
    int high = -1;
    for (const char c : text) {
        if (c == ' ' || c == ':') continue;
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return std::nullopt;
        if (high >= 0) out.push_back(static_cast<std::uint8_t>(16 * high + digit));
        high = high >= 0 ? -1 : digit;
    }
    return high < 0 ? std::optional(std::move(out)) : std::nullopt;
}

SendOrder readSendOrder(const JsonValue& value)
{
    SendOrder out;
    out.packet.nextHeader = wire::protocol::mobility;
    value.object(sendKeys(), out);
    std::size_t given = 0;
    for (const char* key : {"message", "octets", "packet", "frame"}) given += value.node().find(key) != nullptr ? 1u : 0u;
    if (given != 1) value.refuse("expected exactly one of \"message\" (fields), \"octets\" (of a Mobility Header), \"packet\" and \"frame\"");
    if (out.frame && (out.frame->size() < 14 || out.interface.empty())) value.refuse("a frame has at least 14 octets and goes out of an \"interface\"");
    if (out.octets && value.node().find("packet")) takePacket(value, out);
    else if (out.octets && out.octets->size() < 8) value.refuse("a Mobility Header has at least 8 octets");
    if (!out.frame && out.packet.destination.isUnspecified()) value.refuse("expected \"to\", the destination address");
    return out;
}

void finishPacket(SendOrder& order, const Ipv6Address& source)
{
    wire::Ipv6Packet& packet = order.packet;
    if (packet.source.isUnspecified() && !order.keepChecksum) packet.source = source;
    if (!order.octets) {
        packet.payload = wire::emitMobility(messageOf(order), packet.pseudoHeader());
        return;
    }
    packet.payload = std::move(*order.octets);
    if (order.keepChecksum) return;
    packet.payload[checksumAt] = packet.payload[checksumAt + 1] = 0;
    const std::uint16_t sum = wire::checksum(packet.pseudoHeader(), wire::protocol::mobility, packet.payload);
    packet.payload[checksumAt] = static_cast<std::uint8_t>(sum >> 8);
    packet.payload[checksumAt + 1] = static_cast<std::uint8_t>(sum);
}

}  // namespace roamscope::capture
