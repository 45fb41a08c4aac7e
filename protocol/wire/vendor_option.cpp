// SPDX-License-Identifier: GPL-3.0-or-later
// The Vendor Specific option (RFC 5094) and the one vendor whose data are published: 3GPP (TS 29.275 §12.1.1).
#include "protocol/wire/option_bodies.hpp"

namespace roamscope::wire {

namespace {

constexpr std::uint32_t threeGpp = 10415;

/// Digits of telephony, two an octet and the low half first; 15 ends them, what is no digit becomes a question mark.
std::string telephonyDigits(ByteView octets)
{
    std::string out;
    for (const std::uint8_t octet : octets) {
        for (const int digit : {octet & 15, octet >> 4}) {
            if (digit == 15) return out;
            out += digit < 10 ? static_cast<char>('0' + digit) : '?';
        }
    }
    return out;
}

void showDigits(FieldReader& in, FieldId field)
{
    const std::size_t start = in.offset();
    const ByteView octets = in.take(in.remaining());
    if (in.sink() && !octets.empty()) in.sink()->add(field, start, octets.size(), telephonyDigits(octets));
}

void showBits(FieldReader& in, FieldId field)
{
    const std::uint8_t octet = in.Reader::u8();
    in.bits(1, octet, {field});
}

/// The data of one subtype that has octets; those that are left over, or of another length, are the caller's.
void showThreeGppBody(FieldReader& in, std::uint8_t subtype)
{
    switch (subtype) {
    case 2: in.u8(FieldId::ThreeGppError); break;
    case 3:
        if (in.remaining() == 4) in.ipv4(FieldId::ThreeGppGatewayIpv4);
        else if (in.remaining() == 16) in.address(FieldId::ThreeGppGatewayIpv6);
        break;
    case 4: in.u8(FieldId::ThreeGppDhcp); break;
    case 6:
        in.u8(FieldId::ThreeGppPdnType);
        if (in.remaining() > 0) in.u8(FieldId::ThreeGppPdnCause);
        break;
    case 7:
        if (in.remaining() >= 4) in.u32(FieldId::ThreeGppChargingId);
        break;
    case 10:
        if (in.remaining() >= 2) in.u16(FieldId::ThreeGppCharging);
        break;
    case 11: showDigits(in, FieldId::ThreeGppEquipment); break;
    case 12: showDigits(in, FieldId::ThreeGppMsisdn); break;
    case 14: in.u8(FieldId::ThreeGppRestriction); break;
    case 15: in.u8(FieldId::ThreeGppMostRestriction); break;
    case 16: showDigits(in, FieldId::ThreeGppSubscriber); break;
    case 17: showBits(in, FieldId::ThreeGppConnection); break;
    case 19: showBits(in, FieldId::ThreeGppLowPriority); break;
    default: break;
    }
}

void showThreeGpp(FieldReader& in, std::uint8_t subtype)
{
    const std::uint8_t flags = in.Reader::u8();
    in.bits(1, flags, {FieldId::ThreeGppReserved, FieldId::ThreeGppMore});
    // A piece of longer data means nothing by itself.
    if ((flags & 1) == 0 && in.remaining() > 0) showThreeGppBody(in, subtype);
    in.reserved(FieldId::ThreeGppData, in.remaining());
}

}  // namespace

bool showVendor(FieldReader& in)
{
    if (in.remaining() < 5) return false;
    const std::uint32_t vendor = in.u32(FieldId::VendorId);
    if (vendor == threeGpp) in.note("3GPP");
    const std::uint8_t subtype = in.u8(FieldId::VendorSubtype);
    if (vendor == threeGpp && in.remaining() > 0) showThreeGpp(in, subtype);
    in.reserved(FieldId::VendorData, in.remaining());
    return true;
}

}  // namespace roamscope::wire
