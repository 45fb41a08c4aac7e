// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/mobility.hpp"

#include "protocol/wire/ipv6.hpp"
#include "protocol/wire/mobility_bodies.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {

constexpr std::size_t checksumPosition = 4;
constexpr std::size_t commonOctets = 6;

/// Header Len against the type and the octets that are there (RFC 6275 §9.2, MH-RX-01).
std::optional<Error> badLength(std::size_t start, std::uint8_t type, std::size_t octets, std::size_t available, bool cut)
{
    const auto error = [&](std::string text) { return Error{ErrorCode::Malformed, start + 1, std::move(text), "MH-RX-01", "RFC 6275 §9.2", 1}; };
    if (octets < fixedOctets(type))
        return error(fmt::format("header length makes {} octets, a message of type {} needs at least {}", octets, type, fixedOctets(type)));
    if (octets > available && !cut) return error(fmt::format("header length makes {} octets, only {} are there", octets, available));
    return std::nullopt;
}

/// Payload Proto other than 59: drop, though the message can be read (RFC 6275 §9.2, MH-RX-01).
std::optional<Error> badPayloadProto(FieldReader& in, std::size_t start, std::uint8_t proto)
{
    if (proto == protocol::none) return std::nullopt;
    Error error{ErrorCode::Malformed, start, fmt::format("payload protocol {} instead of 59", proto), "MH-RX-01", "RFC 6275 §9.2", 1};
    if (in.sink()) in.sink()->finding({error.rule, Severity::Error, error.text, error.rfc, static_cast<std::uint32_t>(start), 1});
    return error;
}

OptionScope scopeOf(FieldReader& in, std::uint8_t type, std::size_t start, ByteView message, bool incomplete)
{
    OptionScope scope;
    scope.messageType = type;
    scope.messageStart = start;
    scope.whole = !incomplete;
    MobilityDialect dialect = mobilityDialect(in.context(), message);
    scope.dialect = dialect.dialect;
    if (scope.dialect == Dialect::Custom) scope.bindingIdentifierType = in.context().custom.bindingIdentifierOption;
    if (in.sink() && !dialect.evidence.empty())
        in.sink()->add(FieldId::Dialect, start, message.size(), std::string(dialectName(dialect.dialect)), std::move(dialect.evidence));
    return scope;
}

}  // namespace

Result<Checked<MobilityMessage>> parseMobility(FieldReader& in, const PseudoHeader& addresses, bool cut, std::uint8_t number)
{
    const ByteView rest = in.whole().subspan(in.position());
    const std::size_t start = in.offset();
    in.open(FieldId::Mobility);
    const std::uint8_t proto = in.u8(FieldId::MhPayloadProto);
    const std::size_t octets = 8 * (std::size_t{in.u8(FieldId::MhHeaderLength)} + 1);
    if (in.texts() && !in.failed()) in.note(fmt::format("{} octets", octets));
    const std::uint8_t type = in.u8(FieldId::MhType);
    in.note(mobilityName(type));
    in.headline(mobilityName(type));
    in.u8(FieldId::MhReserved);
    in.u16(FieldId::MhChecksum);
    if (in.failed()) return fail(ErrorCode::Truncated, start, "a Mobility Header has at least 8 octets, fewer are there");
    auto violation = badPayloadProto(in, start, proto);
    auto error = badLength(start, type, octets, rest.size(), cut);
    // What a message that is too long for its packet says is shown nevertheless.
    if (error && (!in.sink() || octets <= rest.size())) return tl::unexpected(std::move(*error));

    const bool incomplete = octets > rest.size();
    const ByteView message = rest.first(std::min(octets, rest.size()));
    const ChecksumVerdict verdict =
        judge(addresses, number, message, incomplete, checksumPosition, FieldId::MhChecksumVerdict, start, in.sink());
    const OptionScope scope = scopeOf(in, type, start, message, incomplete);
    FieldReader body = in.within(message.subspan(commonOctets), start + commonOctets);
    auto value = parseMobilityBody(body, scope);
    if (error) return tl::unexpected(std::move(*error));
    if (!value) {
        // What runs past the end of the octets that the capture kept may be right.
        if (incomplete) value.error().code = ErrorCode::Truncated;
        return tl::unexpected(std::move(value.error()));
    }
    if (body.failed()) return fail(ErrorCode::Truncated, start, fmt::format("Mobility Header of type {} is cut short", type));
    if (in.sink() && !incomplete) checkMobility(*in.sink(), *value, scope, message);
    in.skip(message.size() - commonOctets);
    in.close();
    return Checked<MobilityMessage>{std::move(value->message), verdict, std::move(violation)};
}

}  // namespace roamscope::wire
