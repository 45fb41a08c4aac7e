// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/skim.hpp"

#include "protocol/wire/ethernet.hpp"
#include "protocol/wire/frame.hpp"
#include "protocol/wire/icmpv6.hpp"
#include "protocol/wire/ipv6.hpp"
#include "protocol/wire/mobility.hpp"

#include <algorithm>

namespace roamscope::wire {

namespace {

constexpr std::size_t maxPackets = 8;
constexpr int maxVlanTags = 4;
constexpr std::size_t addressOctets = 16;

bool isExtension(std::uint8_t header)
{
    return header == protocol::hopByHop || header == protocol::destinationOptions || header == protocol::routing ||
           header == protocol::fragment || header == protocol::ah;
}

/// One frame. `at_` and `end_` are the octets that the enclosing header gives to what comes next; `cut_`: the capture may have
/// kept fewer than the header says.
class Skimmer {
public:
    Skimmer(ByteView frame, bool cut) : frame_(frame), end_(frame.size()), cut_(cut)
    {
        if (cut) out_.marks = mark::cut;
    }

    Skim run(std::uint16_t linkType)
    {
        if (linkType == linkEthernet) ethernet();
        else if (linkType == linkRaw || linkType == linkRawBsd || linkType == linkRawIpv6) raw();
        return out_;
    }

private:
    [[nodiscard]] std::size_t left() const { return end_ - at_; }
    [[nodiscard]] std::uint8_t u8(std::size_t offset) const { return frame_[at_ + offset]; }
    [[nodiscard]] std::uint16_t u16(std::size_t offset) const { return static_cast<std::uint16_t>(frame_[at_ + offset] << 8 | frame_[at_ + offset + 1]); }
    void set(std::uint16_t bits) { out_.marks = static_cast<std::uint16_t>(out_.marks | bits); }
    void malformed() { set(mark::malformed); }
    /// Octets are missing: the sender's fault unless the capture cut them off.
    void missing()
    {
        if (!cut_) malformed();
    }
    void found(FrameClass kind)
    {
        out_.kind = kind;
        out_.messageOffset = static_cast<std::uint32_t>(at_);
    }

    /// A packet has been read to its end; what its headers hold counts instead of those around it.
    void inner(std::uint16_t marks)
    {
        constexpr std::uint16_t both = mark::homeAddress | mark::routing2;
        out_.marks = static_cast<std::uint16_t>((out_.marks & ~both) | marks);
        found(FrameClass::Ipv6);
    }

    void ethernet()
    {
        if (left() < EthernetHeader::octets) return missing();
        std::uint16_t type = u16(12);
        at_ = EthernetHeader::octets;
        for (int tags = 0; type == etherTypeVlan || type == etherTypeQinQ; ++tags) {
            if (tags == maxVlanTags) return set(mark::limited);
            if (left() < 4) return missing();
            type = u16(2);
            at_ += 4;
        }
        if (type == etherTypeIpv6) packets();
    }

    void raw()
    {
        if (left() > 0 && u8(0) >> 4 == 6) packets();
    }

    /// IPv6 packets, one inside the other.
    void packets()
    {
        for (std::size_t count = 1;; ++count) {
            std::uint8_t next = 0;
            if (!packet(next)) return;
            if (count > 1) set(mark::tunnel);
            if (next != protocol::ipv6) return message(next);
            if (count == maxPackets) return set(mark::limited);
        }
    }

    /// One IPv6 header and its extension headers; false when this is where the frame ends for us.
    bool packet(std::uint8_t& next)
    {
        if (left() < Ipv6Packet::headerOctets) return missing(), false;
        if (u8(0) >> 4 != 6) return malformed(), false;
        found(FrameClass::Ipv6);
        const std::size_t octets = Ipv6Packet::headerOctets + u16(4);
        if (octets > left()) {
            if (!cut_) return malformed(), false;
        } else {
            end_ = at_ + octets;
            cut_ = false;
        }
        next = u8(6);
        source_ = at_ + 8;
        destination_ = at_ + 24;
        at_ += Ipv6Packet::headerOctets;
        if (isExtension(next)) return chain(next);
        inner(0);
        return true;
    }

    bool chain(std::uint8_t& next)
    {
        std::optional<std::size_t> home;
        std::optional<std::size_t> routing;
        bool limited = false;
        for (int i = 0; isExtension(next); ++i) {
            if (i == maxExtensionHeaders) {
                limited = true;
                break;
            }
            const std::size_t start = at_;
            const std::uint8_t kind = next;
            if (!extension(next, i == 0, home, routing)) return false;
            if (kind == protocol::fragment && next == protocol::fragment) {
                at_ = start;
                break;
            }
        }
        inner(static_cast<std::uint16_t>((home ? mark::homeAddress : 0) | (routing ? mark::routing2 : 0)));
        if (home) source_ = *home;
        // A router that has forwarded the packet leaves 0 here, and then the destination is the address already.
        if (routing && frame_[*routing + 3] == 1) destination_ = *routing + 8;
        if (limited) set(mark::limited);
        return !limited;
    }

    /// Steps over the extension header `next`. False when it is broken.
    bool extension(std::uint8_t& next, bool first, std::optional<std::size_t>& home, std::optional<std::size_t>& routing)
    {
        switch (next) {
        case protocol::hopByHop:
        case protocol::destinationOptions: {
            const bool hop = next == protocol::hopByHop;
            if (hop && !first) return malformed(), false;
            std::size_t octets = 0;
            if (!whole(octets, 2)) return false;
            next = u8(0);
            std::optional<std::size_t> ignored;
            if (!options(octets, hop ? ignored : home)) return false;
            at_ += octets;
            return true;
        }
        case protocol::routing: {
            std::size_t octets = 0;
            if (!whole(octets, 4)) return false;
            next = u8(0);
            if (u8(2) == 2) {
                if (u8(1) != 2 || routing) return malformed(), false;
                routing = at_;
            }
            at_ += octets;
            return true;
        }
        case protocol::ah: {
            const std::size_t octets = left() < 12 ? 12 : std::max<std::size_t>(12, 4 * (std::size_t{u8(1)} + 2));
            if (left() < octets) return missing(), false;
            next = u8(0);
            at_ += octets;
            return true;
        }
        default: {
            if (left() < fragmentOctets) return missing(), false;
            // Whole all the same: offset 0 and no more (RFC 6946).
            if ((u16(2) & 0xfff9) == 0) next = u8(0);
            at_ += fragmentOctets;
            return true;
        }
        }
    }

    /// Length of the extension header here; false when it is not there as a whole.
    bool whole(std::size_t& octets, std::size_t fixed)
    {
        if (left() >= fixed) octets = 8 * (std::size_t{u8(1)} + 1);
        if (left() < fixed || left() < octets) return missing(), false;
        return true;
    }

    bool options(std::size_t octets, std::optional<std::size_t>& home)
    {
        for (std::size_t i = 2; i < octets;) {
            if (u8(i) == 0) {
                ++i;
                continue;
            }
            if (i + 2 > octets || i + 2 + u8(i + 1) > octets) return malformed(), false;
            if (u8(i) == optionHomeAddress && u8(i + 1) == addressOctets && !home) home = at_ + i + 2;
            i += 2 + std::size_t{u8(i + 1)};
        }
        return true;
    }

    void message(std::uint8_t next)
    {
        switch (next) {
        case protocol::udp: found(FrameClass::Udp); return udp();
        case protocol::tcp: found(FrameClass::Tcp); return tcp();
        case protocol::mobility: found(FrameClass::Mobility); return mobility();
        case protocol::icmpv6: found(FrameClass::Icmpv6); return icmpv6();
        case protocol::none: return found(FrameClass::NoNext);
        case protocol::esp:
            found(FrameClass::Esp);
            if (left() < 8) missing();
            return;
        case protocol::fragment: return found(FrameClass::Fragment);
        default: return;
        }
    }

    void judge(std::uint8_t protocol, std::size_t octets)
    {
        const std::uint64_t ends = endSum(wordSum(frame_.subspan(source_, addressOctets)), wordSum(frame_.subspan(destination_, addressOctets)));
        const std::uint64_t total = endSum(endSum(ends, pseudoWords(octets, protocol)), wordSum(frame_.subspan(at_, octets)));
        if (foldWords(total) == 0xffff) {
            out_.checksum = ChecksumVerdict::Good;
        } else {
            out_.checksum = ChecksumVerdict::Bad;
            set(mark::badChecksum);
        }
    }

    void udp()
    {
        if (left() < 8) return missing();
        const std::size_t length = u16(4);
        const bool complete = length >= 8 && length <= left();
        if (u16(6) != 0) {
            if (complete) judge(protocol::udp, length);
            else if (cut_) out_.checksum = ChecksumVerdict::Unverifiable;
        }
        if (!complete && !(cut_ && length >= 8)) malformed();
    }

    void tcp()
    {
        if (cut_) out_.checksum = ChecksumVerdict::Unverifiable;
        else if (left() >= 20) judge(protocol::tcp, left());
    }

    void icmpv6()
    {
        if (left() > 0) out_.type = u8(0);
        if (left() < 4) return missing();
        if (cut_) out_.checksum = ChecksumVerdict::Unverifiable;
        else judge(protocol::icmpv6, left());
        FieldReader in(frame_.subspan(at_, left()), at_, nullptr, automatic_);
        const auto parsed = parseIcmpv6(in, {}, cut_);
        if (!parsed) failed(parsed.error());
    }

    void mobility()
    {
        if (left() > 2) out_.type = u8(2);
        if (left() < 6) return missing();
        const std::size_t octets = 8 * (std::size_t{u8(1)} + 1);
        FieldReader in(frame_.subspan(at_, left()), at_, nullptr, automatic_);
        // Read without its addresses: the sum is taken here.
        const auto parsed = parseMobility(in, {}, cut_);
        // A header length that cannot be believed (RFC 6275 §9.2) says nothing about what to sum.
        if (!parsed && parsed.error().offset == at_ + 1) return failed(parsed.error());
        if (octets <= left()) judge(protocol::mobility, octets);
        else if (cut_) out_.checksum = ChecksumVerdict::Unverifiable;
        if (!parsed) failed(parsed.error());
    }

    void failed(const Error& error)
    {
        if (error.code == ErrorCode::Malformed) malformed();
        else if (error.code == ErrorCode::Truncated) missing();
    }

    ByteView frame_;
    std::size_t at_ = 0;
    std::size_t end_;
    bool cut_;
    std::size_t source_ = 0;       ///< of the addresses that the checksum covers
    std::size_t destination_ = 0;
    Skim out_;
    DecodeContext automatic_;
};

}  // namespace

Skim skim(ByteView frame, std::uint16_t linkType, std::size_t originalLength) noexcept
{
    return Skimmer(frame, originalLength > frame.size()).run(linkType);
}

}  // namespace roamscope::wire
