// SPDX-License-Identifier: GPL-3.0-or-later
// What a capture file says beside its frames: sections, interfaces, comments, names, secrets, blocks of others, and what was
// odd about it. A value: cheap to ask, bounded in size (maxNotesOctets; what does not fit is counted, never silent), written by
// the one thread that reads the file and copied for others. Format: draft-ietf-opsawg-pcapng, option numbers as there.
#pragma once

#include "protocol/base/bytes.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace roamscope::capture {

/// Octets kept in all; half of them at most for options of packets that carry no comment (flags, hashes ...).
inline constexpr std::size_t maxNotesOctets = 16 * 1024 * 1024;

namespace option {
inline constexpr std::uint16_t end = 0;
inline constexpr std::uint16_t comment = 1;
inline constexpr std::uint16_t hardware = 2;            ///< shb_hardware
inline constexpr std::uint16_t system = 3;              ///< shb_os
inline constexpr std::uint16_t application = 4;         ///< shb_userappl
inline constexpr std::uint16_t name = 2;                ///< if_name
inline constexpr std::uint16_t description = 3;         ///< if_description
inline constexpr std::uint16_t speed = 8;               ///< if_speed, bit/s
inline constexpr std::uint16_t resolution = 9;          ///< if_tsresol
inline constexpr std::uint16_t filter = 11;             ///< if_filter
inline constexpr std::uint16_t interfaceSystem = 12;    ///< if_os
inline constexpr std::uint16_t fcsLength = 13;          ///< if_fcslen
inline constexpr std::uint16_t timeOffset = 14;         ///< if_tsoffset, seconds
inline constexpr std::uint16_t interfaceHardware = 15;  ///< if_hardware
inline constexpr std::uint16_t received = 4;            ///< isb_ifrecv
inline constexpr std::uint16_t dropped = 5;             ///< isb_ifdrop
inline constexpr std::uint16_t systemDropped = 7;       ///< isb_osdrop
inline constexpr std::uint16_t flags = 2;               ///< epb_flags
inline constexpr std::uint16_t customText = 2988;       ///< may be copied into another file, as may the next one
inline constexpr std::uint16_t customOctets = 2989;
}  // namespace option

/// One option. Numbers that the format defines are little-endian here, whatever the file's order; the rest is as it stood.
struct CaptureOption {
    std::uint16_t code = 0;
    Bytes value;
    bool operator==(const CaptureOption&) const = default;
};
using CaptureOptions = std::vector<CaptureOption>;

/// Every opt_comment, in order.
[[nodiscard]] std::vector<std::string> commentsOf(const CaptureOptions& options);
/// The first option with this code as text without trailing zeros; empty when there is none.
[[nodiscard]] std::string textOf(const CaptureOptions& options, std::uint16_t code);
/// The first option with this code as a number of up to 8 octets.
[[nodiscard]] std::optional<std::uint64_t> numberOf(const CaptureOptions& options, std::uint16_t code);

/// A section of the file; pcap files have none.
struct CaptureSection {
    std::size_t offset = 0;  ///< of its header in the (decompressed) file
    bool bigEndian = false;
    std::uint16_t minorVersion = 0;
    CaptureOptions options;
};

/// What a file says of an interface; stands at the index of its TraceLink.
struct CaptureInterface {
    std::uint32_t section = 0;         ///< index into sections
    std::uint32_t snapLength = 0;      ///< octets; 0: no limit
    std::uint8_t resolution = 6;       ///< of time stamps: 10^-n s, with the high bit 2^-n s
    std::int64_t timeOffset = 0;       ///< seconds that were added to each stamp
    std::uint8_t fcsLength = 0;        ///< check octets at the end of each frame, as far as the file says
    CaptureOptions options;            ///< all of them
    CaptureOptions statistics;         ///< of the newest statistics block
    std::optional<std::int64_t> statisticsTime;  ///< ns since 1970
};

/// An address and what it is called, from a name resolution block.
struct CaptureName {
    std::uint16_t kind = 0;  ///< record type: 1 IPv4, 2 IPv6, 3 EUI-48, 4 EUI-64
    Bytes address;           ///< 4, 16, 6 or 8 octets
    std::vector<std::string> names;
    bool operator==(const CaptureName&) const = default;
};

/// A block that is kept as it is: custom, decryption secrets, or of a type that is not known here.
struct CaptureBlock {
    std::uint32_t type = 0;
    bool bigEndian = false;    ///< order of the section that it stands in
    std::size_t offset = 0;    ///< in the (decompressed) file
    std::uint64_t packet = 0;  ///< number of packets before it
    Bytes body;                ///< without type and lengths
};

namespace blockType {
inline constexpr std::uint32_t section = 0x0a0d0d0a;
inline constexpr std::uint32_t interface = 1;
inline constexpr std::uint32_t obsoletePacket = 2;
inline constexpr std::uint32_t simplePacket = 3;
inline constexpr std::uint32_t names = 4;
inline constexpr std::uint32_t statistics = 5;
inline constexpr std::uint32_t packet = 6;
inline constexpr std::uint32_t secrets = 10;
inline constexpr std::uint32_t custom = 0x00000bad;
inline constexpr std::uint32_t customNotCopied = 0x40000bad;
}  // namespace blockType

/// What is odd in a file without making it unreadable.
enum class Oddity : std::uint8_t {
    TimeBack,            ///< a stamp before that of the packet before it
    TimeFraction,        ///< a fraction of a second or more
    TimeRange,           ///< beyond what 64 bits of nanoseconds hold
    TimeBefore1970,
    Resolution,          ///< an interface counts time in units too fine to tell anything
    LengthOnWire,        ///< more octets captured than were on the wire
    SnapLength,          ///< more octets captured than the interface's limit
    Version,             ///< a minor version that is not known
    LinkBits,            ///< reserved bits beside the link type
    SectionLength,       ///< a section is longer or shorter than it says
    Options,             ///< an option is longer than its list
    OptionCount,         ///< a list has more options than are kept
    Statistics,          ///< statistics that are too short, or of an interface that is not described
    Names,               ///< a name record is longer than its block
    NotKept,             ///< comments, options or blocks beyond maxNotesOctets
    Compressed,          ///< octets behind the compressed data
};
inline constexpr std::size_t oddities = 16;

/// How often something odd was met and where first.
struct OddityCount {
    std::uint64_t count = 0;
    std::uint64_t firstPacket = 0;  ///< number from 1; 0 when no packet is meant
    std::size_t firstOffset = 0;    ///< in the (decompressed) file
    std::string text{};             ///< when it says more than the kind does
    bool operator==(const OddityCount&) const = default;
};

class CaptureNotes {
public:
    [[nodiscard]] const std::vector<CaptureSection>& sections() const { return sections_; }
    [[nodiscard]] const std::vector<CaptureInterface>& interfaces() const { return interfaces_; }
    [[nodiscard]] const std::vector<CaptureName>& names() const { return names_; }
    /// Options of all name resolution blocks: comments, the name server.
    [[nodiscard]] const CaptureOptions& nameOptions() const { return nameOptions_; }
    /// Custom, secrets and unknown blocks in the order of the file.
    [[nodiscard]] const std::vector<CaptureBlock>& blocks() const { return blocks_; }
    /// Options of packet `index` (from 0, in the order of the file): comments, flags and so on. Empty for most.
    [[nodiscard]] CaptureOptions packetOptions(std::uint64_t index) const;
    [[nodiscard]] std::vector<std::string> packetComments(std::uint64_t index) const { return commentsOf(packetOptions(index)); }
    /// Packets that have options, in order.
    [[nodiscard]] std::vector<std::uint64_t> notedPackets() const;
    /// Comments of all sections and of name resolution: those of the file as a whole.
    [[nodiscard]] std::vector<std::string> fileComments() const;
    /// Options, names and blocks that were not kept because there are too many.
    [[nodiscard]] std::uint64_t notKept() const { return odd_[static_cast<std::size_t>(Oddity::NotKept)].count; }

    [[nodiscard]] const OddityCount& odd(Oddity kind) const { return odd_[static_cast<std::size_t>(kind)]; }
    /// One sentence for each kind that was met: "3 packets have a time before ... (first: packet 7, octet 1234)".
    [[nodiscard]] std::vector<std::string> oddityTexts() const;
    /// Grows with every change.
    [[nodiscard]] std::uint64_t revision() const { return revision_; }

    // The reader's side.
    void addSection(CaptureSection section);
    void addInterface(CaptureInterface about);
    void setStatistics(std::uint32_t link, CaptureOptions options, std::int64_t utc);
    void addName(CaptureName name);
    void addNameOptions(CaptureOptions options);
    void addBlock(std::uint32_t type, bool bigEndian, std::size_t offset, std::uint64_t packet, ByteView body);
    void addPacketOptions(std::uint64_t index, const CaptureOptions& options);
    void addOddity(Oddity kind, std::uint64_t packet, std::size_t offset, std::string text = {});

private:
    struct PacketEntry {
        std::uint64_t packet;
        std::size_t start;
    };
    /// Reserves room; false, and counted, when there is none.
    bool room(std::size_t octets, std::size_t limit = maxNotesOctets);
    CaptureOptions fitting(CaptureOptions options);

    std::vector<CaptureSection> sections_;
    std::vector<CaptureInterface> interfaces_;
    std::vector<CaptureName> names_;
    CaptureOptions nameOptions_;
    std::vector<CaptureBlock> blocks_;
    std::vector<PacketEntry> packets_;  ///< ascending
    Bytes packetOctets_;                ///< the options of each, as (code, length, octets)
    std::array<OddityCount, oddities> odd_{};
    std::size_t kept_ = 0;
    std::uint64_t revision_ = 0;
};

}  // namespace roamscope::capture
