// SPDX-License-Identifier: GPL-3.0-or-later
// Forms of the options whose octets are kept as they are: fields for people, no values for nodes.
#include "protocol/wire/mobility_names.hpp"
#include "protocol/wire/option_bodies.hpp"
#include "protocol/wire/option_forms.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {

using Kind = FormPiece::Kind;

enum : std::uint8_t { vendorSpecific = 19, contextRequest = 40, accessNetwork = 52 };

constexpr FormPiece cgaParameters[] = {{Kind::Octets, FieldId::CgaParameters}};
constexpr FormPiece signature[] = {{Kind::Octets, FieldId::CgaSignature}};
constexpr FormPiece permanentToken[] = {{Kind::Octets, FieldId::PermanentToken}};
constexpr FormPiece careOfTest[] = {{Kind::Octets, FieldId::CareOfTestToken}};
constexpr FormPiece dnsUpdate[] = {{Kind::U8, FieldId::DnsStatus, dnsUpdateStatusName},
                                   {Kind::Word8},
                                   {Kind::Bits, FieldId::DnsRemove},
                                   {Kind::Octets, FieldId::DnsName}};
constexpr FormPiece experimental[] = {{Kind::Octets, FieldId::ExperimentalData}};
constexpr FormPiece service[] = {{Kind::Text, FieldId::ServiceIdentifier}};
constexpr FormPiece greReserved[] = {{Kind::U16, FieldId::GreReserved}};
constexpr FormPiece greKey[] = {{Kind::U16, FieldId::GreReserved}, {Kind::U32, FieldId::GreKey}};
constexpr FormPiece ipv4Request[] = {{Kind::Word8},
                                     {Kind::Bits, FieldId::Ipv4HomePrefixLength},
                                     {Kind::Bits, FieldId::Ipv4LengthReserved},
                                     {Kind::U8, FieldId::Ipv4RequestReserved},
                                     {Kind::Ipv4, FieldId::Ipv4HomeAddressValue}};
constexpr FormPiece ipv4Reply[] = {{Kind::U8, FieldId::Ipv4Status, ipv4AddressStatusName},
                                   {Kind::Word8},
                                   {Kind::Bits, FieldId::Ipv4HomePrefixLength},
                                   {Kind::Bits, FieldId::Ipv4LengthReserved},
                                   {Kind::Ipv4, FieldId::Ipv4HomeAddressValue}};
constexpr FormPiece ipv4Router[] = {{Kind::U16, FieldId::RouterIpv4Reserved}, {Kind::Ipv4, FieldId::RouterIpv4}};
constexpr FormPiece dhcpMode[] = {{Kind::Word16}, {Kind::Bits, FieldId::DhcpReserved}, {Kind::Bits, FieldId::DhcpServer}};
constexpr FormPiece anchorIpv6[] = {{Kind::U8, FieldId::AnchorCode, anchorCodeName}, {Kind::U8, FieldId::AnchorReserved}, {Kind::Ipv6, FieldId::AnchorIpv6}};
constexpr FormPiece anchorIpv4[] = {{Kind::U8, FieldId::AnchorCode, anchorCodeName}, {Kind::U8, FieldId::AnchorReserved}, {Kind::Ipv4, FieldId::AnchorIpv4}};
constexpr FormPiece interfaceId[] = {{Kind::U16, FieldId::InterfaceIdReserved}, {Kind::U64, FieldId::InterfaceId}};
constexpr FormPiece transient[] = {
    {Kind::Word8}, {Kind::Bits, FieldId::TransientReserved}, {Kind::Bits, FieldId::TransientLate}, {Kind::U8, FieldId::TransientLifetime}};
constexpr FormPiece capability[] = {{Kind::U16, FieldId::RedirectCapability}};
constexpr FormPiece redirectIpv6[] = {{Kind::Word16},
                                      {Kind::Bits, FieldId::RedirectIpv6Flag},
                                      {Kind::Bits, FieldId::RedirectIpv4Flag},
                                      {Kind::Bits, FieldId::RedirectReserved},
                                      {Kind::Ipv6, FieldId::RedirectIpv6}};
constexpr FormPiece redirectIpv4[] = {{Kind::Word16},
                                      {Kind::Bits, FieldId::RedirectIpv6Flag},
                                      {Kind::Bits, FieldId::RedirectIpv4Flag},
                                      {Kind::Bits, FieldId::RedirectReserved},
                                      {Kind::Ipv4, FieldId::RedirectIpv4}};
constexpr FormPiece load[] = {{Kind::U16, FieldId::LoadPriority},
                              {Kind::U32, FieldId::LoadSessions},
                              {Kind::U32, FieldId::LoadMaximumSessions},
                              {Kind::U32, FieldId::LoadCapacity},
                              {Kind::U32, FieldId::LoadMaximumCapacity}};
constexpr FormPiece alternateIpv4[] = {{Kind::Ipv4, FieldId::AlternateIpv4}};
constexpr FormPiece group[] = {{Kind::U8, FieldId::GroupSubtype, groupSubtypeName}, {Kind::U8, FieldId::GroupReserved}, {Kind::U32, FieldId::GroupIdentifier}};
constexpr FormPiece magAddress[] = {{Kind::U8, FieldId::MagReserved}, {Kind::U8, FieldId::MagAddressLength}, {Kind::Ipv6, FieldId::MagAddress}};
constexpr FormPiece delegatedIpv4[] = {{Kind::Word8},
                                       {Kind::Bits, FieldId::DelegatedIpv4Flag},
                                       {Kind::Bits, FieldId::DelegatedReserved},
                                       {Kind::U8, FieldId::DelegatedLength},
                                       {Kind::Ipv4, FieldId::DelegatedIpv4}};
constexpr FormPiece delegatedIpv6[] = {{Kind::Word8},
                                       {Kind::Bits, FieldId::DelegatedIpv4Flag},
                                       {Kind::Bits, FieldId::DelegatedReserved},
                                       {Kind::U8, FieldId::DelegatedLength},
                                       {Kind::Ipv6, FieldId::DelegatedIpv6}};

struct Form {
    std::uint8_t type;
    std::uint8_t least;  ///< octets behind Length
    std::uint8_t most;
    std::span<const FormPiece> pieces;
};

constexpr Form forms[] = {
    {11, 0, 0, {}},
    {12, 0, 255, cgaParameters},
    {13, 0, 255, signature},
    {14, 0, 255, permanentToken},
    {15, 0, 0, {}},
    {16, 8, 8, careOfTest},
    {17, 2, 255, dnsUpdate},
    {18, 0, 255, experimental},
    {20, 1, 255, service},
    {33, 2, 2, greReserved},
    {33, 6, 6, greKey},
    {36, 6, 6, ipv4Request},
    {37, 6, 6, ipv4Reply},
    {38, 6, 6, ipv4Router},
    {39, 2, 2, dhcpMode},
    {41, 18, 18, anchorIpv6},
    {41, 6, 6, anchorIpv4},
    {42, 10, 10, interfaceId},
    {43, 2, 2, transient},
    {46, 2, 2, capability},
    {47, 18, 18, redirectIpv6},
    {47, 6, 6, redirectIpv4},
    {48, 18, 18, load},
    {49, 4, 4, alternateIpv4},
    {50, 6, 6, group},
    {51, 18, 18, magAddress},
    {55, 6, 6, delegatedIpv4},
    {55, 18, 18, delegatedIpv6},
};

/// RFC 5949 §6.2.1: a list of wishes, each with octets that say more.
bool showContextRequest(FieldReader& in)
{
    if (in.remaining() < 2) return false;
    in.u16(FieldId::ContextReserved);
    while (in.remaining() > 0) {
        const std::uint8_t type = in.u8(FieldId::ContextType);
        in.note(mobilityOptionName(type));
        const std::size_t length = in.u8(FieldId::ContextLength);
        if (in.failed() || length > in.remaining()) break;
        if (type == vendorSpecific && length >= 5) {
            FieldReader body = in.within(in.whole().subspan(in.position(), length), in.offset());
            (void)showVendor(body);
            in.skip(length);
        } else if (length > 0) {
            in.reserved(FieldId::ContextData, length);
        }
    }
    in.reserved(FieldId::ContextData, in.remaining());
    return true;
}

/// RFC 6757 §3.1.1. False when a name runs past the end.
bool showNetworkName(FieldReader& in)
{
    const std::uint8_t flags = in.Reader::u8();
    in.bits(1, flags, {FieldId::AccessNetworkUtf8, FieldId::AccessNetworkReserved});
    const std::size_t name = in.u8(FieldId::AccessNetworkNameLength);
    if (in.failed() || name > in.remaining()) return false;
    if ((flags & 0x80) != 0) readText(in, FieldId::AccessNetworkName, name);
    else in.reserved(FieldId::AccessNetworkNameData, name);
    const std::size_t point = in.u8(FieldId::AccessPointLength);
    if (in.failed() || point > in.remaining()) return false;
    if (point > 0) readText(in, FieldId::AccessPointName, point);
    return true;
}

void showAccessNetworkBody(FieldReader& in, std::uint8_t type)
{
    if (type == 1 && in.remaining() >= 2) {
        in.headline("Access network: name");
        (void)showNetworkName(in);
    } else if (type == 2 && in.remaining() == 6) {
        in.headline("Access network: place");
        for (const FieldId field : {FieldId::Latitude, FieldId::Longitude}) {
            // RFC 6757 §3.1.2: 9 bits before the binary point, 15 behind it.
            const std::int32_t value = in.i24(field);
            if (in.texts()) in.note(fmt::format("{:.5f}°", value / 32768.0));
        }
    } else if (type == 3 && in.remaining() >= 1) {
        in.headline("Access network: operator");
        in.u8(FieldId::OperatorType);
        in.reserved(FieldId::OperatorId, in.remaining());
    }
    in.reserved(FieldId::AccessNetworkData, in.remaining());
}

/// RFC 6757 §3.1: a list of statements.
bool showAccessNetwork(FieldReader& in)
{
    while (in.remaining() > 0) {
        in.open(FieldId::AccessNetwork);
        const std::uint8_t type = in.u8(FieldId::AccessNetworkType);
        const std::size_t length = in.u8(FieldId::AccessNetworkLength);
        const std::size_t there = in.failed() ? 0 : std::min(length, in.remaining());
        if (!in.failed()) {
            FieldReader body = in.within(in.whole().subspan(in.position(), there), in.offset());
            showAccessNetworkBody(body, type);
            in.skip(there);
        }
        in.close();
    }
    return true;
}

}  // namespace

bool optionFits(std::uint8_t type, std::size_t length)
{
    if (type == vendorSpecific) return length >= 5;
    bool known = false;
    for (const Form& form : forms) {
        if (form.type != type) continue;
        known = true;
        if (length >= form.least && length <= form.most) return true;
    }
    return !known;
}

bool showOption(FieldReader& in, std::uint8_t type, bool& known)
{
    known = true;
    if (type == vendorSpecific) return showVendor(in);
    if (type == contextRequest) return showContextRequest(in);
    if (type == accessNetwork) return showAccessNetwork(in);
    known = false;
    for (const Form& form : forms) {
        if (form.type != type) continue;
        known = true;
        if (in.remaining() < form.least || in.remaining() > form.most) continue;
        readForm(in, form.pieces);
        return true;
    }
    return false;
}

}  // namespace roamscope::wire
