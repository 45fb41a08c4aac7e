// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/ndisc.hpp"

#include "protocol/wire/ndisc_forms.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

namespace {

enum : std::uint8_t { sourceLinkLayer = 1, targetLinkLayer = 2, prefixInformation = 3, mtu = 5, interval = 7, homeAgent = 8, handoverAddress = 17, handoverLinkLayer = 19,
                      advertisementAck = 20 };

constexpr std::size_t mapUnits = 3;

/// Whether an option of `type` is read as a MAP option. The number of the drafts is free otherwise, so that without the user's
/// word it is one only when it looks like one.
bool isMap(const FieldReader& body, std::uint8_t type, std::size_t units)
{
    const DecodeContext& context = body.context();
    if (context.dialect == Dialect::Custom) return type == context.custom.mapOption;
    if (type == MapOption::number) return true;
    if (type != MapOption::draftNumber) return false;
    if (context.dialect == Dialect::HmipDraft) return true;
    if (context.dialect != Dialect::Automatic || units != mapUnits) return false;
    Reader peek = body;
    const bool distance = peek.u8() >> 4 != 0;
    peek.skip(5);
    return distance && Ipv6Address{peek.array<16>()}.isUnicastRoutable();
}

void wrongLength(FieldReader& body, std::string_view name, std::size_t units, std::string_view rfc)
{
    if (body.sink())
        body.sink()->finding({"", Severity::Error, fmt::format("{} option with length {}, which it cannot have", name, units), rfc,
                              static_cast<std::uint32_t>(body.offset() - 1), 1});
}

/// `body` covers what is behind Length; `units` is the length.
NdOption parseBody(FieldReader& body, std::uint8_t type, std::size_t units)
{
    const ByteView octets = body.whole();
    std::optional<NdOption> option;
    FieldId rest = FieldId::NdOptionRest;
    if (isMap(body, type, units)) {
        body.headline("MAP");
        if (units != mapUnits) wrongLength(body, "MAP", units, "RFC 5380 §5");
        if (units >= mapUnits) option = parseMap(body, type);
        if (units != mapUnits) option.reset();
    } else if (const NdForm* form = ndForm(type)) {
        body.headline(form->name);
        const bool fits = form->fits(units);
        if (!fits) wrongLength(body, form->name, units, form->rfc);
        if (units >= form->least) option = form->parse(body);
        if (!fits) option.reset();
    } else if (body.sink()) {
        body.headline(fmt::format("Option {}", type));
        rest = FieldId::NdOptionData;
    }
    if (body.remaining() > 0) body.bytes(rest, body.remaining());
    if (option) return std::move(*option);
    return RawNdOption{type, Bytes(octets.begin(), octets.end())};
}

struct Emitter {
    Writer& out;

    void head(std::uint8_t type, std::uint8_t units) const
    {
        out.u8(type);
        out.u8(units);
    }
    void operator()(const SourceLinkLayerOption& o) const
    {
        head(sourceLinkLayer, 1);
        out.bytes(o.address.octets);
    }
    void operator()(const TargetLinkLayerOption& o) const
    {
        head(targetLinkLayer, 1);
        out.bytes(o.address.octets);
    }
    void operator()(const PrefixInformation& o) const
    {
        head(prefixInformation, 4);
        out.u8(o.prefix.length);
        out.u8(static_cast<std::uint8_t>((o.onLink ? 0x80 : 0) | (o.autonomous ? 0x40 : 0) | (o.routerAddress ? 0x20 : 0)));
        out.u32(o.validLifetime);
        out.u32(o.preferredLifetime);
        out.u32(0);
        out.bytes(o.prefix.address.octets);
    }
    void operator()(const MtuOption& o) const
    {
        head(mtu, 1);
        out.u16(0);
        out.u32(o.mtu);
    }
    void operator()(const AdvertisementIntervalOption& o) const
    {
        head(interval, 1);
        out.u16(0);
        out.u32(o.milliseconds);
    }
    void operator()(const HomeAgentInformation& o) const
    {
        head(homeAgent, 1);
        out.u16(o.mobileRouters ? 0x8000 : 0);
        out.u16(o.preference);
        out.u16(o.lifetime);
    }
    void operator()(const MapOption& o) const
    {
        head(o.type, mapUnits);
        out.u8(static_cast<std::uint8_t>(o.distance << 4 | (o.preference & 0x0f)));
        out.u8(static_cast<std::uint8_t>((o.regional ? 0x80 : 0) | (o.draftFlags & MapOption::draftMask)));
        out.u32(o.validLifetime);
        out.bytes(o.address.octets);
    }
    void operator()(const HandoverAddress& o) const
    {
        head(handoverAddress, 3);
        out.u8(o.code);
        out.u8(o.prefixLength);
        out.u32(0);
        out.bytes(o.address.octets);
    }
    void operator()(const HandoverLinkLayer& o) const
    {
        head(handoverLinkLayer, units(o.address.size() + 3));
        out.u8(o.code);
        fill(o.address, 3);
    }
    void operator()(const AdvertisementAck& o) const
    {
        head(advertisementAck, o.careOf ? 3 : 1);
        out.u8(0);
        out.u8(o.status);
        out.u32(0);
        if (o.careOf) out.bytes(o.careOf->octets);
    }
    void operator()(const RawNdOption& o) const
    {
        head(o.type, units(o.body.size() + 2));
        fill(o.body, 2);
    }
    static std::uint8_t units(std::size_t octets) { return static_cast<std::uint8_t>((octets + 7) / 8); }
    /// `octets` behind the `before` ones of the option that are written, and zeros up to a multiple of 8.
    void fill(ByteView octets, std::size_t before) const
    {
        out.bytes(octets);
        out.zeros((8 - (octets.size() + before) % 8) % 8);
    }
};

}  // namespace

Result<std::vector<NdOption>> parseNdOptions(FieldReader& in)
{
    std::vector<NdOption> options;
    while (in.remaining() > 0) {
        const std::size_t start = in.offset();
        in.open(FieldId::NdOption);
        const std::uint8_t type = in.u8(FieldId::NdOptionType);
        const std::size_t octets = 8 * std::size_t{in.u8(FieldId::NdOptionLength)};
        if (in.failed() || octets == 0 || octets - 2 > in.remaining()) {
            in.close();
            return fail(ErrorCode::Malformed, start,
                        octets == 0 && !in.failed() ? fmt::format("neighbour discovery option {} with length 0", type)
                                                    : fmt::format("neighbour discovery option {} runs past the end of the message", type));
        }
        FieldReader body = in.within(in.whole().subspan(in.position(), octets - 2), in.offset());
        options.push_back(parseBody(body, type, octets / 8));
        in.skip(octets - 2);
        in.close();
    }
    return options;
}

void emitNdOptions(Writer& out, const std::vector<NdOption>& options)
{
    for (const NdOption& option : options) std::visit(Emitter{out}, option);
}

}  // namespace roamscope::wire
