// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/ndisc.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

namespace {

enum : std::uint8_t { sourceLinkLayer = 1, targetLinkLayer = 2, prefixInformation = 3, mtu = 5, interval = 7, homeAgent = 8, map = 23 };

std::string seconds(std::uint32_t s) { return s == 0xffffffff ? std::string("infinite") : fmt::format("{} s", s); }

PrefixInformation parsePrefix(FieldReader& in)
{
    PrefixInformation p;
    p.prefix.length = in.u8(FieldId::PrefixLength);
    const std::uint8_t flags = in.u8(FieldId::PrefixFlags);
    in.bits(1, flags, {FieldId::PrefixFlagOnLink, FieldId::PrefixFlagAutonomous, FieldId::PrefixFlagRouter});
    p.onLink = (flags & 0x80) != 0;
    p.autonomous = (flags & 0x40) != 0;
    p.routerAddress = (flags & 0x20) != 0;
    p.validLifetime = in.u32(FieldId::PrefixValid);
    in.note(seconds(p.validLifetime));
    p.preferredLifetime = in.u32(FieldId::PrefixPreferred);
    in.note(seconds(p.preferredLifetime));
    in.reserved(FieldId::PrefixReserved, 4);
    p.prefix.address = in.address(FieldId::PrefixPrefix);
    if (in.sink()) in.headline(fmt::format("Prefix information, {}", p.prefix.text()));
    return p;
}

/// HMIP-AR-03: distance 0 is never used and the address is a global one (RFC 4140/5380 §5).
void checkMap(FieldReader& in, const MapOption& m, std::size_t start)
{
    if (!in.sink() || in.failed()) return;
    const auto at = static_cast<std::uint32_t>(start);
    if (m.distance == 0)
        in.sink()->finding({"HMIP-AR-03", Severity::Error, "MAP option with distance 0", "RFC 5380 §5", at + 2, 1});
    if (!m.address.isUnicastRoutable())
        in.sink()->finding({"HMIP-AR-03", Severity::Error, fmt::format("MAP address {} is not a global unicast address", m.address.text()),
                            "RFC 5380 §5", at + 8, 16});
}

MapOption parseMap(FieldReader& in, std::size_t start)
{
    MapOption m;
    Reader peek = in;
    const std::uint8_t octet = peek.u8();
    in.skip(1);
    in.bits(1, octet, {FieldId::MapDistance, FieldId::MapPreference});
    m.distance = octet >> 4;
    m.preference = octet & 0x0f;
    const std::uint8_t flags = in.u8(FieldId::MapFlags);
    in.bits(1, flags, {FieldId::MapFlagRegional});
    m.regional = (flags & 0x80) != 0;
    m.validLifetime = in.u32(FieldId::MapValidLifetime);
    in.note(seconds(m.validLifetime));
    m.address = in.address(FieldId::MapAddress);
    if (in.sink()) in.headline(fmt::format("MAP, {} distance {} preference {}", m.address.text(), m.distance, m.preference));
    checkMap(in, m, start);
    return m;
}

/// `in` stands behind Length; `body` is the number of octets left of this option.
NdOption parseBody(FieldReader& in, std::uint8_t type, std::size_t body, std::size_t start)
{
    if (type == sourceLinkLayer && body == 6) {
        in.headline("Source link-layer address");
        return SourceLinkLayerOption{in.mac(FieldId::NdSourceLinkLayer)};
    }
    if (type == targetLinkLayer && body == 6) {
        in.headline("Target link-layer address");
        return TargetLinkLayerOption{in.mac(FieldId::NdTargetLinkLayer)};
    }
    if (type == prefixInformation && body == 30) return parsePrefix(in);
    if (type == map && body == 22) return parseMap(in, start);
    if (type == mtu && body == 6) {
        in.headline("MTU");
        in.reserved(FieldId::NdOptionReserved, 2);
        return MtuOption{in.u32(FieldId::NdMtu)};
    }
    if (type == interval && body == 6) {
        in.headline("Advertisement interval");
        in.reserved(FieldId::NdOptionReserved, 2);
        const AdvertisementIntervalOption option{in.u32(FieldId::AdvertisementInterval)};
        if (in.sink()) in.note(fmt::format("{} ms", option.milliseconds));
        return option;
    }
    if (type == homeAgent && body == 6) {
        in.headline("Home agent information");
        in.reserved(FieldId::NdOptionReserved, 2);
        const std::uint16_t preference = in.u16(FieldId::HomeAgentPreference);
        return HomeAgentInformation{preference, in.u16(FieldId::HomeAgentLifetime)};
    }
    if (in.sink()) in.headline(fmt::format("Option {}", type));
    return RawNdOption{type, in.bytes(FieldId::NdOptionData, body)};
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
        out.u16(0);
        out.u16(o.preference);
        out.u16(o.lifetime);
    }
    void operator()(const MapOption& o) const
    {
        head(map, 3);
        out.u8(static_cast<std::uint8_t>(o.distance << 4 | (o.preference & 0x0f)));
        out.u8(o.regional ? 0x80 : 0);
        out.u32(o.validLifetime);
        out.bytes(o.address.octets);
    }
    void operator()(const RawNdOption& o) const
    {
        head(o.type, static_cast<std::uint8_t>((o.body.size() + 2 + 7) / 8));
        out.bytes(o.body);
        out.zeros((8 - (o.body.size() + 2) % 8) % 8);
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
        options.push_back(parseBody(in, type, octets - 2, start));
        in.close();
    }
    return options;
}

void emitNdOptions(Writer& out, const std::vector<NdOption>& options)
{
    for (const NdOption& option : options) std::visit(Emitter{out}, option);
}

}  // namespace roamscope::wire
