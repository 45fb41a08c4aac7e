// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/mobility_bodies.hpp"

namespace roamscope::wire {

namespace {

constexpr std::uint8_t bindingUpdateType = 5;
constexpr std::size_t updateOptions = 12;
constexpr std::uint16_t shisaFlag = 0x0200;  // today's P flag
constexpr std::uint8_t mcoaStatus = 164;
constexpr std::uint8_t mcoaStatuses = 6;

struct Seen {
    bool shortLinkLayer = false;  ///< option 7 with length 4
    bool proxy = false;           ///< options 22 to 25
    std::uint8_t third = 0;       ///< of the first such option: the octets behind its BID
    std::uint8_t fourth = 0;
};

Seen look(ByteView message)
{
    Seen seen;
    Reader in(message);
    in.skip(updateOptions);
    while (in.remaining() > 0) {
        const std::uint8_t type = in.u8();
        if (type == 0) continue;
        const std::size_t length = in.u8();
        const ByteView data = in.take(length);
        if (in.failed()) break;
        if (type >= 22 && type <= 25) seen.proxy = true;
        if (type != 7 || length != 4 || seen.shortLinkLayer) continue;
        seen.shortLinkLayer = true;
        seen.third = data[2];
        seen.fourth = data[3];
    }
    return seen;
}

}  // namespace

MobilityDialect mobilityDialect(const DecodeContext& context, ByteView message)
{
    if (context.dialect != Dialect::Automatic) return {context.dialect, {}};
    if (message.size() < updateOptions || message[2] != bindingUpdateType) return {};
    if (((message[8] << 8 | message[9]) & shisaFlag) == 0) return {};
    const Seen seen = look(message);
    if (!seen.shortLinkLayer || seen.proxy) return {};
    // 2004: one flag at the top of 16 bits. 2006: a priority, then flags.
    const bool first = seen.fourth == 0 && (seen.third & 0x7f) == 0;
    return {first ? Dialect::Shisa2004 : Dialect::Shisa2006, "option 7 with length 4 in a Binding Update with flag 0x0200 and no proxy options"};
}

std::uint16_t publishedFlags(const DecodeContext& context, Dialect dialect, std::uint16_t flags)
{
    if (dialect == Dialect::Shisa2004 || dialect == Dialect::Shisa2006) return flags & static_cast<std::uint16_t>(~shisaFlag);
    if (dialect != Dialect::Custom || context.custom.overwriteFlag == BindingUpdate::overwrite) return flags;
    const bool overwrite = (flags & context.custom.overwriteFlag) != 0;
    const auto rest = static_cast<std::uint16_t>(flags & ~(context.custom.overwriteFlag | BindingUpdate::overwrite));
    return static_cast<std::uint16_t>(rest | (overwrite ? BindingUpdate::overwrite : 0));
}

std::uint8_t publishedStatus(const DecodeContext& context, Dialect dialect, std::uint8_t status)
{
    const std::uint8_t base = context.custom.multipleStatusBase;
    if (dialect != Dialect::Custom || base == mcoaStatus || status < base || status - base >= mcoaStatuses) return status;
    return static_cast<std::uint8_t>(mcoaStatus + (status - base));
}

}  // namespace roamscope::wire
