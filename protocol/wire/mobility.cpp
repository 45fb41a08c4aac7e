// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/mobility.hpp"

#include "protocol/base/overloaded.hpp"
#include "protocol/wire/ipv6.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

namespace {

constexpr std::size_t checksumPosition = 4;

/// Octets before the options (RFC 6275 §6.1.2–6.1.9); Header Len must cover them, padded to 8.
std::size_t fixedOctets(std::uint8_t type)
{
    switch (type) {
    case 0: return 8;
    case 1:
    case 2: return 16;
    case 3:
    case 4:
    case 7: return 24;
    case 5:
    case 6: return 12;
    default: return 8;
    }
}

template <class Message>
Result<MobilityMessage> withOptions(FieldReader& in, Message message)
{
    auto options = parseMobilityOptions(in);
    if (!options) return tl::unexpected(options.error());
    message.options = std::move(*options);
    return MobilityMessage{std::move(message)};
}

void noteLifetime(FieldReader& in, WireLifetime lifetime, bool granted)
{
    if (!in.sink()) return;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::duration<std::int64_t, std::ratio<4>>(lifetime.count()));
    in.note(lifetime.count() == 0 && !granted ? std::string("delete the binding") : fmt::format("{} s", seconds.count()));
}

Result<MobilityMessage> parseUpdate(FieldReader& in)
{
    BindingUpdate bu;
    bu.sequence = in.u16(FieldId::BuSequence);
    bu.flags = in.u16(FieldId::BuFlags);
    in.note(flagLetters(bu));
    in.bits(2, bu.flags,
            {FieldId::BuFlagAcknowledge, FieldId::BuFlagHome, FieldId::BuFlagLinkLocal, FieldId::BuFlagKey, FieldId::BuFlagMap,
             FieldId::BuFlagRouter, FieldId::BuFlagProxy, FieldId::BuFlagUdp, FieldId::BuFlagTlv});
    in.bits(2, bu.flags, {bu.has(BindingUpdate::proxy) ? FieldId::BuFlagBulk : FieldId::BuFlagOverwrite});
    bu.lifetime = WireLifetime{in.u16(FieldId::BuLifetime)};
    noteLifetime(in, bu.lifetime, false);
    return withOptions(in, std::move(bu));
}

Result<MobilityMessage> parseAck(FieldReader& in)
{
    BindingAck ba;
    ba.status = in.u8(FieldId::BaStatus);
    in.note(bindingStatusName(ba.status));
    ba.flags = in.u8(FieldId::BaFlags);
    in.bits(1, ba.flags, {FieldId::BaFlagKey, FieldId::BaFlagRouter, FieldId::BaFlagProxy, FieldId::BaFlagTlv, FieldId::BaFlagBulk});
    ba.sequence = in.u16(FieldId::BaSequence);
    ba.lifetime = WireLifetime{in.u16(FieldId::BaLifetime)};
    noteLifetime(in, ba.lifetime, true);
    return withOptions(in, std::move(ba));
}

Result<MobilityMessage> parseError(FieldReader& in)
{
    BindingError be;
    be.status = in.u8(FieldId::BeStatus);
    in.note(be.status == 1 ? "Unknown binding for Home Address option" : be.status == 2 ? "Unrecognized MH Type value" : "");
    in.reserved(FieldId::MhBodyReserved, 1);
    be.homeAddress = in.address(FieldId::BeHomeAddress);
    return withOptions(in, std::move(be));
}

Result<MobilityMessage> parseBody(FieldReader& in, std::uint8_t type)
{
    switch (type) {
    case 0: in.reserved(FieldId::MhBodyReserved, 2); return withOptions(in, BindingRefreshRequest{});
    case 1: in.reserved(FieldId::MhBodyReserved, 2); return withOptions(in, HomeTestInit{in.u64(FieldId::HotiCookie), {}});
    case 2: in.reserved(FieldId::MhBodyReserved, 2); return withOptions(in, CareOfTestInit{in.u64(FieldId::CotiCookie), {}});
    case 3: {
        HomeTest hot;
        hot.nonceIndex = in.u16(FieldId::HotIndex);
        hot.cookie = in.u64(FieldId::HotCookie);
        hot.token = in.u64(FieldId::HotToken);
        return withOptions(in, std::move(hot));
    }
    case 4: {
        CareOfTest cot;
        cot.nonceIndex = in.u16(FieldId::CotIndex);
        cot.cookie = in.u64(FieldId::CotCookie);
        cot.token = in.u64(FieldId::CotToken);
        return withOptions(in, std::move(cot));
    }
    case 5: return parseUpdate(in);
    case 6: return parseAck(in);
    case 7: return parseError(in);
    default: return MobilityMessage{RawMobility{type, in.bytes(FieldId::MhData, in.remaining())}};
    }
}

void emitBody(Writer& out, const MobilityMessage& message)
{
    std::visit(Overloaded{
                   [&](const BindingRefreshRequest&) { out.u16(0); },
                   [&](const HomeTestInit& m) {
                       out.u16(0);
                       out.u64(m.cookie);
                   },
                   [&](const CareOfTestInit& m) {
                       out.u16(0);
                       out.u64(m.cookie);
                   },
                   [&](const HomeTest& m) {
                       out.u16(m.nonceIndex);
                       out.u64(m.cookie);
                       out.u64(m.token);
                   },
                   [&](const CareOfTest& m) {
                       out.u16(m.nonceIndex);
                       out.u64(m.cookie);
                       out.u64(m.token);
                   },
                   [&](const BindingUpdate& m) {
                       out.u16(m.sequence);
                       out.u16(m.flags);
                       out.u16(m.lifetime.count());
                   },
                   [&](const BindingAck& m) {
                       out.u8(m.status);
                       out.u8(m.flags);
                       out.u16(m.sequence);
                       out.u16(m.lifetime.count());
                   },
                   [&](const BindingError& m) {
                       out.u8(m.status);
                       out.u8(0);
                       out.bytes(m.homeAddress.octets);
                   },
                   [&](const RawMobility& m) {
                       out.bytes(m.data);
                       out.zeros((8 - out.size() % 8) % 8);
                   },
               },
               message);
}

/// Header Len against the type and the octets that are there (RFC 6275 §9.2, MH-RX-01).
std::optional<Error> badLength(std::size_t start, std::uint8_t type, std::size_t octets, std::size_t available, bool cut)
{
    if (octets < fixedOctets(type))
        return Error{ErrorCode::Malformed, start + 1,
                     fmt::format("header length makes {} octets, a message of type {} needs at least {}", octets, type, fixedOctets(type))};
    if (octets > available && !cut)
        return Error{ErrorCode::Malformed, start + 1, fmt::format("header length makes {} octets, only {} are there", octets, available)};
    return std::nullopt;
}

/// Payload Proto other than 59: drop, though the message can be read (RFC 6275 §9.2, MH-RX-01).
std::optional<Error> badPayloadProto(FieldReader& in, std::size_t start, std::uint8_t proto)
{
    if (proto == protocol::none) return std::nullopt;
    Error error{ErrorCode::Malformed, start, fmt::format("payload protocol {} instead of 59", proto)};
    if (in.sink()) in.sink()->finding({"MH-RX-01", Severity::Error, error.text, "RFC 6275 §9.2", static_cast<std::uint32_t>(start), 1});
    return error;
}

}  // namespace

Result<Checked<MobilityMessage>> parseMobility(FieldReader& in, const PseudoHeader& addresses, bool cut)
{
    const ByteView rest = in.whole().subspan(in.position());
    const std::size_t start = in.offset();
    in.open(FieldId::Mobility);
    const std::uint8_t proto = in.u8(FieldId::MhPayloadProto);
    const std::size_t octets = 8 * (std::size_t{in.u8(FieldId::MhHeaderLength)} + 1);
    if (in.sink() && !in.failed()) in.note(fmt::format("{} octets", octets));
    const std::uint8_t type = in.u8(FieldId::MhType);
    in.note(mobilityName(type));
    in.headline(mobilityName(type));
    in.u8(FieldId::MhReserved);
    in.u16(FieldId::MhChecksum);
    if (in.failed()) return fail(ErrorCode::Truncated, start, "a Mobility Header has at least 8 octets, fewer are there");
    auto violation = badPayloadProto(in, start, proto);
    if (auto error = badLength(start, type, octets, rest.size(), cut)) return tl::unexpected(std::move(*error));

    const bool incomplete = octets > rest.size();
    const ByteView message = rest.first(std::min(octets, rest.size()));
    const ChecksumVerdict verdict =
        judge(addresses, protocol::mobility, message, incomplete, checksumPosition, FieldId::MhChecksumVerdict, start, in.sink());
    FieldReader body = in.within(message.subspan(6), start + 6);
    auto value = parseBody(body, type);
    if (!value) {
        // What runs past the end of the octets that the capture kept may be right.
        if (incomplete) value.error().code = ErrorCode::Truncated;
        return tl::unexpected(std::move(value.error()));
    }
    if (body.failed()) return fail(ErrorCode::Truncated, start, fmt::format("Mobility Header of type {} is cut short", type));
    in.skip(message.size() - 6);
    in.close();
    return Checked<MobilityMessage>{std::move(*value), verdict, std::move(violation)};
}

Bytes emitMobility(const MobilityMessage& message, const PseudoHeader& addresses)
{
    Writer out;
    out.u8(protocol::none);
    out.u8(0);
    out.u8(typeOf(message));
    out.u8(0);
    out.u16(0);
    emitBody(out, message);
    std::visit([&](const auto& m) {
        if constexpr (requires { m.options; }) emitMobilityOptions(out, m.options);
    }, message);
    out.patch8(1, static_cast<std::uint8_t>(out.size() / 8 - 1));
    out.patch16(checksumPosition, checksum(addresses, protocol::mobility, out.view()));
    return out.take();
}

std::uint8_t typeOf(const MobilityMessage& message)
{
    if (const auto* raw = std::get_if<RawMobility>(&message)) return raw->type;
    return static_cast<std::uint8_t>(message.index());  // the variant lists types 0 to 7 in order
}

std::string_view mobilityName(std::uint8_t type)
{
    static constexpr std::string_view names[] = {
        "Binding refresh request", "Home test init", "Care-of test init", "Home test", "Care-of test", "Binding update",
        "Binding acknowledgement", "Binding error", "Fast binding update", "Fast binding acknowledgment", "Fast neighbor advertisement",
        "Experimental", "Home agent switch", "Heartbeat", "Handover initiate", "Handover acknowledge", "Binding revocation",
        "Localized routing initiation", "Localized routing acknowledgment", "Update notification", "Update notification acknowledgement",
        "Flow binding", "Subscription query", "Subscription response"};
    return type < std::size(names) ? names[type] : std::string_view{};
}

std::string_view bindingStatusName(std::uint8_t status)
{
    static constexpr std::string_view low[] = {"Accepted",
                                               "Accepted but prefix discovery necessary",
                                               "GRE_KEY_OPTION_NOT_REQUIRED",
                                               "GRE_TUNNELING_BUT_TLV_HEADER_NOT_SUPPORTED",
                                               "MCOA NOTCOMPLETE",
                                               "MCOA RETURNHOME WO/NDP",
                                               "PBU_ACCEPTED_TB_IGNORED_SETTINGSMISMATCH"};
    static constexpr std::string_view high[] = {"Reason unspecified",
                                                "Administratively prohibited",
                                                "Insufficient resources",
                                                "Home registration not supported",
                                                "Not home subnet",
                                                "Not home agent for this mobile node",
                                                "Duplicate Address Detection failed",
                                                "Sequence number out of window",
                                                "Expired home nonce index",
                                                "Expired care-of nonce index",
                                                "Expired nonces",
                                                "Registration type change disallowed",
                                                "Mobile Router operation not permitted",
                                                "Invalid prefix",
                                                "Not authorized for prefix",
                                                "Forwarding setup failed",
                                                "MIPV6-ID-MISMATCH",
                                                "MIPV6-MESG-ID-REQD",
                                                "MIPV6-AUTH-FAIL",
                                                "Permanent home keygen token unavailable",
                                                "CGA and signature verification failed",
                                                "Permanent home keygen token exists",
                                                "Non-null home nonce index expected",
                                                "SERVICE_AUTHORIZATION_FAILED",
                                                "PROXY_REG_NOT_ENABLED",
                                                "NOT_LMA_FOR_THIS_MOBILE_NODE",
                                                "MAG_NOT_AUTHORIZED_FOR_PROXY_REG",
                                                "NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX",
                                                "TIMESTAMP_MISMATCH",
                                                "TIMESTAMP_LOWER_THAN_PREV_ACCEPTED",
                                                "MISSING_HOME_NETWORK_PREFIX_OPTION",
                                                "BCE_PBU_PREFIX_SET_DO_NOT_MATCH",
                                                "MISSING_MN_IDENTIFIER_OPTION",
                                                "MISSING_HANDOFF_INDICATOR_OPTION",
                                                "MISSING_ACCESS_TECH_TYPE_OPTION",
                                                "GRE_KEY_OPTION_REQUIRED",
                                                "MCOA MALFORMED",
                                                "MCOA NON-MCOA BINDING EXISTS",
                                                "MCOA PROHIBITED",
                                                "MCOA UNKNOWN COA",
                                                "MCOA BULK REGISTRATION PROHIBITED",
                                                "MCOA SIMULTANEOUS HOME AND FOREIGN PROHIBITED",
                                                "NOT_AUTHORIZED_FOR_IPV4_MOBILITY_SERVICE",
                                                "NOT_AUTHORIZED_FOR_IPV4_HOME_ADDRESS",
                                                "NOT_AUTHORIZED_FOR_IPV6_MOBILITY_SERVICE",
                                                "MULTIPLE_IPV4_HOME_ADDRESS_ASSIGNMENT_NOT_SUPPORTED",
                                                "Invalid care-of address",
                                                "INVALID_MOBILE_NODE_GROUP_IDENTIFIER",
                                                "REINIT_SA_WITH_HAC",
                                                "NOT_AUTHORIZED_FOR_DELEGATED_MNP",
                                                "REQUESTED_DMNP_IN_USE",
                                                "CANNOT_MEET_QOS_SERVICE_REQUEST",
                                                "CANNOT_SUPPORT_MULTIPATH_BINDING"};
    if (status < std::size(low)) return low[status];
    if (status >= 128 && status - 128u < std::size(high)) return high[status - 128u];
    return {};
}

std::string flagLetters(const BindingUpdate& update)
{
    std::string out;
    const std::string_view letters = "AHLKMRPFT";
    for (std::size_t i = 0; i < letters.size(); ++i) {
        if (!update.has(static_cast<std::uint16_t>(0x8000 >> i))) continue;
        if (!out.empty()) out += ' ';
        out += letters[i];
    }
    if (update.has(BindingUpdate::overwrite)) out += update.has(BindingUpdate::proxy) ? " B" : " O";
    return out;
}

}  // namespace roamscope::wire
