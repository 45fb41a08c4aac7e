// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/frame.hpp"
#include "protocol/wire/skim.hpp"

namespace roamscope::wire {

namespace {

FrameClass classOf(const DecodedFrame& decoded)
{
    const FrameClass packet = decoded.overIpv4 ? FrameClass::Ipv4 : FrameClass::Ipv6;
    if (decoded.ipHeaders == 0) return FrameClass::Other;
    if (decoded.limited) return packet;
    switch (decoded.upper) {
    case protocol::udp: return FrameClass::Udp;
    case protocol::tcp: return FrameClass::Tcp;
    case protocol::mobility: return FrameClass::Mobility;
    case protocol::icmpv6: return FrameClass::Icmpv6;
    case protocol::none: return FrameClass::NoNext;
    case protocol::esp: return FrameClass::Esp;
    case protocol::fragment: return FrameClass::Fragment;
    default: return packet;
    }
}

struct Verdict {
    ChecksumVerdict operator()(std::monostate) const { return ChecksumVerdict::Absent; }
    template <class T>
    ChecksumVerdict operator()(const Checked<T>& m) const
    {
        return m.checksum;
    }
};

}  // namespace

Skim skimOf(const DecodedFrame& decoded)
{
    Skim out;
    out.kind = classOf(decoded);
    const bool typed = out.kind == FrameClass::Mobility || out.kind == FrameClass::Icmpv6;
    if (typed) out.type = decoded.messageType;
    out.checksum = std::visit(Verdict{}, decoded.message);
    const bool inPacket = out.kind == FrameClass::Ipv6 || out.kind == FrameClass::Ipv4;
    out.messageOffset = static_cast<std::uint32_t>(out.kind == FrameClass::Other ? 0 : inPacket ? decoded.payloadOffset : decoded.messageOffset);
    const auto set = [&](bool on, std::uint16_t bit) { out.marks = static_cast<std::uint16_t>(out.marks | (on ? bit : 0)); };
    set(decoded.cut, mark::cut);
    set(decoded.ipHeaders > 1, mark::tunnel);
    set(decoded.error && decoded.error->code == ErrorCode::Malformed, mark::malformed);
    set(decoded.limited, mark::limited);
    set(out.checksum == ChecksumVerdict::Bad, mark::badChecksum);
    if (const Ipv6Packet* inner = decoded.inner()) {
        set(inner->homeAddress().has_value(), mark::homeAddress);
        set(inner->routing.has_value(), mark::routing2);
    }
    return out;
}

}  // namespace roamscope::wire
