// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/ikev2.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace roamscope::wire {

namespace {

constexpr std::size_t payloadHeaderOctets = 4;
constexpr int maxPayloads = 64;

namespace payload {
constexpr std::uint8_t keyExchange = 34;
constexpr std::uint8_t identityInitiator = 35;
constexpr std::uint8_t identityResponder = 36;
constexpr std::uint8_t nonce = 40;
constexpr std::uint8_t notify = 41;
constexpr std::uint8_t vendor = 43;
constexpr std::uint8_t encrypted = 46;
constexpr std::uint8_t configuration = 47;
constexpr std::uint8_t fragment = 53;
}  // namespace payload

namespace attribute {
constexpr std::uint16_t ip4Address = 1;
constexpr std::uint16_t ip6Address = 8;
constexpr std::uint16_t ip6Dns = 10;
constexpr std::uint16_t homePrefix = 16;
}  // namespace attribute

template <class Number, std::size_t N>
std::string_view nameIn(const std::pair<Number, std::string_view> (&names)[N], Number number)
{
    const auto found = std::find_if(std::begin(names), std::end(names), [number](const auto& entry) { return entry.first == number; });
    return found == std::end(names) ? std::string_view() : found->second;
}

void rest(FieldReader& in, FieldId id)
{
    if (in.remaining() > 0) in.reserved(id, in.remaining());
}

void notify(FieldReader& in)
{
    in.u8(FieldId::IkeNotifyProtocol);
    const std::size_t spi = in.u8(FieldId::IkeSpiSize);
    const std::uint16_t type = in.u16(FieldId::IkeNotifyType);
    const std::string_view name = ikeNotifyName(type);
    in.note(name);
    if (in.texts()) in.headline(name.empty() ? fmt::format("Notify {}", type) : fmt::format("Notify {}", name));
    if (spi > 0 && spi <= in.remaining()) in.reserved(FieldId::IkeSpi, spi);
    rest(in, FieldId::IkeNotifyData);
}

void attributeValue(FieldReader& in, std::uint16_t type, std::size_t length)
{
    if (type == attribute::homePrefix && length == 21) {
        in.u32(FieldId::IkeHomePrefixLifetime);
        in.address(FieldId::IkeHomePrefix);
        in.u8(FieldId::IkeHomePrefixLength);
    } else if (type == attribute::ip6Address && length == 17) {
        in.address(FieldId::IkeAddress);
        in.u8(FieldId::IkeAddressPrefix);
    } else if (type == attribute::ip6Dns && length == 16) {
        in.address(FieldId::IkeDns);
    } else if (type == attribute::ip4Address && length == 4) {
        in.ipv4(FieldId::IkeIpv4Address);
    } else {
        rest(in, FieldId::IkeAttributeValue);
    }
}

void configuration(FieldReader& in)
{
    in.u8(FieldId::IkeConfigurationType);
    in.reserved(FieldId::IkeReserved, 3);
    while (in.remaining() >= 4) {
        Reader peek = in;
        const std::uint16_t type = peek.u16() & 0x7fff;
        const std::size_t length = peek.u16();
        in.open(FieldId::IkeAttribute, std::string(ikeConfigurationName(type)));
        in.bits(2, in.Reader::u16(), {FieldId::IkeAttributeType});
        in.note(ikeConfigurationName(type));
        in.u16(FieldId::IkeAttributeLength);
        if (length <= in.remaining()) {
            FieldReader value = in.within(in.whole().subspan(in.position(), length), in.offset());
            attributeValue(value, type, length);
            in.skip(length);
        } else {
            rest(in, FieldId::IkeAttributeValue);
        }
        in.close();
    }
    rest(in, FieldId::IkeReserved);
}

void body(FieldReader& in, std::uint8_t type)
{
    switch (type) {
    case payload::keyExchange:
        in.u16(FieldId::IkeGroup);
        in.reserved(FieldId::IkeReserved, std::min<std::size_t>(2, in.remaining()));
        return rest(in, FieldId::IkeKeyExchange);
    case payload::identityInitiator:
    case payload::identityResponder:
        in.u8(FieldId::IkeIdentityType);
        in.reserved(FieldId::IkeReserved, std::min<std::size_t>(3, in.remaining()));
        return rest(in, FieldId::IkeData);
    case payload::nonce: return rest(in, FieldId::IkeNonce);
    case payload::vendor: return rest(in, FieldId::IkeVendor);
    case payload::notify: return notify(in);
    case payload::configuration: return configuration(in);
    default: return rest(in, FieldId::IkeData);
    }
}

/// The chain of payloads up to the encrypted one.
Result<void> payloads(FieldReader& in, std::uint8_t type)
{
    for (int count = 0; type != 0; ++count) {
        const std::size_t start = in.offset();
        if (count == maxPayloads) {
            if (in.sink()) in.sink()->add(FieldId::Limit, start, 0, fmt::format("more than {} payloads in one message", maxPayloads));
            return {};
        }
        Reader peek = in;
        peek.skip(2);
        const std::size_t length = peek.u16();
        if (peek.failed() || length > in.remaining())
            return fail(ErrorCode::Truncated, start, fmt::format("an IKE payload of type {} with {} octets, fewer are there", type, length));
        if (length < payloadHeaderOctets) return fail(ErrorCode::Malformed, start + 2, fmt::format("IKE payload length {}, at least 4 are needed", length));
        const std::string_view name = ikePayloadName(type);
        in.open(FieldId::IkePayload, name.empty() ? fmt::format("type {}", type) : std::string(name));
        FieldReader one = in.within(in.whole().subspan(in.position(), length), start);
        const std::uint8_t next = one.u8(FieldId::IkePayloadNext);
        one.note(ikePayloadName(next));
        one.bits(1, one.Reader::u8(), {FieldId::IkeCritical});
        one.u16(FieldId::IkePayloadLength);
        body(one, type);
        in.skip(length);
        in.close();
        if (type == payload::encrypted || type == payload::fragment) return {};
        type = next;
    }
    return {};
}

}  // namespace

Result<IkeHeader> parseIke(FieldReader& in, bool cut)
{
    const std::size_t start = in.offset();
    const std::size_t there = in.remaining();
    IkeHeader header;
    in.open(FieldId::Ike);
    Reader peek = in;
    header.initiatorSpi = peek.u64();
    header.responderSpi = peek.u64();
    in.reserved(FieldId::IkeInitiatorSpi, 8);
    in.reserved(FieldId::IkeResponderSpi, 8);
    const std::uint8_t next = in.u8(FieldId::IkeNext);
    in.note(ikePayloadName(next));
    header.version = in.u8(FieldId::IkeVersion);
    header.exchange = in.u8(FieldId::IkeExchange);
    in.note(ikeExchangeName(header.exchange));
    header.flags = in.u8(FieldId::IkeFlags);
    in.note(header.isResponse() ? "response" : "request");
    header.messageId = in.u32(FieldId::IkeMessageId);
    const std::size_t length = in.u32(FieldId::IkeLength);
    if (in.texts()) in.headline(fmt::format("{} {}", ikeExchangeName(header.exchange), header.isResponse() ? "response" : "request"));
    if (in.failed()) {
        in.close();
        return fail(ErrorCode::Truncated, start, "an IKE header has 28 octets, fewer are there");
    }
    constexpr std::size_t headerOctets = 28;
    const bool fits = length >= headerOctets && (length <= there || cut);
    if (fits && header.version >> 4 == 2) {
        FieldReader inside = in.within(in.whole().subspan(in.position(), std::min(length - headerOctets, in.remaining())), in.offset());
        if (auto read = payloads(inside, next); !read) {
            if (read.error().code == ErrorCode::Truncated && length <= there) read.error().code = ErrorCode::Malformed;
            in.close();
            return tl::unexpected(std::move(read.error()));
        }
    }
    in.skip(std::min(fits ? length - headerOctets : 0, in.remaining()));
    in.close();
    if (!fits) return fail(ErrorCode::Malformed, start + 24, fmt::format("IKE length {} does not fit its datagram of {} octets", length, there));
    return header;
}

std::string_view ikeExchangeName(std::uint8_t exchange)
{
    static constexpr std::pair<std::uint8_t, std::string_view> names[] = {{34, "IKE_SA_INIT"},        {35, "IKE_AUTH"},       {36, "CREATE_CHILD_SA"}, {37, "INFORMATIONAL"},
                                                                         {38, "IKE_SESSION_RESUME"}, {43, "IKE_INTERMEDIATE"}};
    return nameIn(names, exchange);
}

std::string_view ikePayloadName(std::uint8_t type)
{
    static constexpr std::pair<std::uint8_t, std::string_view> names[] = {
        {0, "none"},         {33, "security association"}, {34, "key exchange"},  {35, "identity of the initiator"},          {36, "identity of the responder"},
        {37, "certificate"}, {38, "certificate request"},  {39, "authentication"}, {40, "nonce"},                             {41, "notify"},
        {42, "delete"},      {43, "vendor"},               {44, "traffic selector of the initiator"}, {45, "traffic selector of the responder"}, {46, "encrypted"},
        {47, "configuration"}, {48, "EAP"},                {53, "encrypted fragment"}};
    return nameIn(names, type);
}

std::string_view ikeNotifyName(std::uint16_t type)
{
    static constexpr std::pair<std::uint16_t, std::string_view> names[] = {
        {1, "UNSUPPORTED_CRITICAL_PAYLOAD"}, {4, "INVALID_IKE_SPI"}, {5, "INVALID_MAJOR_VERSION"}, {7, "INVALID_SYNTAX"}, {9, "INVALID_MESSAGE_ID"}, {11, "INVALID_SPI"},
        {14, "NO_PROPOSAL_CHOSEN"}, {17, "INVALID_KE_PAYLOAD"}, {24, "AUTHENTICATION_FAILED"}, {34, "SINGLE_PAIR_REQUIRED"}, {35, "NO_ADDITIONAL_SAS"},
        {36, "INTERNAL_ADDRESS_FAILURE"}, {37, "FAILED_CP_REQUIRED"}, {38, "TS_UNACCEPTABLE"}, {39, "INVALID_SELECTORS"}, {40, "UNACCEPTABLE_ADDRESSES"},
        {41, "UNEXPECTED_NAT_DETECTED"}, {42, "USE_ASSIGNED_HoA"}, {43, "TEMPORARY_FAILURE"}, {44, "CHILD_SA_NOT_FOUND"}, {16384, "INITIAL_CONTACT"},
        {16385, "SET_WINDOW_SIZE"}, {16386, "ADDITIONAL_TS_POSSIBLE"}, {16387, "IPCOMP_SUPPORTED"}, {16388, "NAT_DETECTION_SOURCE_IP"},
        {16389, "NAT_DETECTION_DESTINATION_IP"}, {16390, "COOKIE"}, {16391, "USE_TRANSPORT_MODE"}, {16392, "HTTP_CERT_LOOKUP_SUPPORTED"}, {16393, "REKEY_SA"},
        {16394, "ESP_TFC_PADDING_NOT_SUPPORTED"}, {16395, "NON_FIRST_FRAGMENTS_ALSO"}, {16396, "MOBIKE_SUPPORTED"}, {16397, "ADDITIONAL_IP4_ADDRESS"},
        {16398, "ADDITIONAL_IP6_ADDRESS"}, {16399, "NO_ADDITIONAL_ADDRESSES"}, {16400, "UPDATE_SA_ADDRESSES"}, {16401, "COOKIE2"}, {16402, "NO_NATS_ALLOWED"},
        {16403, "AUTH_LIFETIME"}, {16404, "MULTIPLE_AUTH_SUPPORTED"}, {16405, "ANOTHER_AUTH_FOLLOWS"}, {16406, "REDIRECT_SUPPORTED"}, {16407, "REDIRECT"},
        {16408, "REDIRECTED_FROM"}, {16409, "TICKET_LT_OPAQUE"}, {16410, "TICKET_REQUEST"}, {16411, "TICKET_ACK"}, {16412, "TICKET_NACK"}, {16413, "TICKET_OPAQUE"},
        {16417, "EAP_ONLY_AUTHENTICATION"}, {16418, "CHILDLESS_IKEV2_SUPPORTED"}, {16430, "IKEV2_FRAGMENTATION_SUPPORTED"}, {16431, "SIGNATURE_HASH_ALGORITHMS"}};
    return nameIn(names, type);
}

std::string_view ikeConfigurationName(std::uint16_t attribute)
{
    static constexpr std::pair<std::uint16_t, std::string_view> names[] = {
        {1, "INTERNAL_IP4_ADDRESS"}, {2, "INTERNAL_IP4_NETMASK"}, {3, "INTERNAL_IP4_DNS"}, {4, "INTERNAL_IP4_NBNS"}, {6, "INTERNAL_IP4_DHCP"}, {7, "APPLICATION_VERSION"},
        {8, "INTERNAL_IP6_ADDRESS"}, {10, "INTERNAL_IP6_DNS"}, {12, "INTERNAL_IP6_DHCP"}, {13, "INTERNAL_IP4_SUBNET"}, {14, "SUPPORTED_ATTRIBUTES"},
        {15, "INTERNAL_IP6_SUBNET"}, {16, "MIP6_HOME_PREFIX"}, {17, "INTERNAL_IP6_LINK"}, {18, "INTERNAL_IP6_PREFIX"}, {19, "HOME_AGENT_ADDRESS"},
        {20, "P_CSCF_IP4_ADDRESS"}, {21, "P_CSCF_IP6_ADDRESS"}};
    return nameIn(names, attribute);
}

}  // namespace roamscope::wire
