// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/capture_notes.hpp"

#include "capture/io/file_order.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::capture {

namespace {

/// What a kept thing costs beside its octets.
constexpr std::size_t overhead = 64;
/// Options of packets are packed: code and length before each.
constexpr std::size_t packedHeader = 4;

std::size_t costOf(const CaptureOption& o) { return overhead + o.value.size(); }

const CaptureOption* find(const CaptureOptions& options, std::uint16_t code)
{
    const auto found = std::find_if(options.begin(), options.end(), [&](const CaptureOption& o) { return o.code == code; });
    return found == options.end() ? nullptr : &*found;
}

std::string asText(const Bytes& value)
{
    std::string out(value.begin(), value.end());
    while (!out.empty() && out.back() == '\0') out.pop_back();
    return out;
}

struct OddityWords {
    std::string_view one;   ///< after "1 "
    std::string_view many;  ///< after a number
};

OddityWords wordsOf(Oddity kind)
{
    switch (kind) {
    case Oddity::TimeBack: return {"packet has a time before that of the packet before it; the order of the file is kept", "packets have a time before that of the packet before them; the order of the file is kept"};
    case Oddity::TimeFraction: return {"packet has a fraction of more than a second; it is carried over", "packets have a fraction of more than a second; it is carried over"};
    case Oddity::TimeRange: return {"packet has a time too far from 1970 for nanoseconds in 64 bits; the nearest that can be is shown", "packets have a time too far from 1970 for nanoseconds in 64 bits; the nearest that can be is shown"};
    case Oddity::TimeBefore1970: return {"packet has a time before 1970", "packets have a time before 1970"};
    case Oddity::Resolution: return {"interface counts time in units too fine to tell anything; its packets all have the same time", "interfaces count time in units too fine to tell anything; their packets all have the same time"};
    case Oddity::LengthOnWire: return {"packet has more octets than it says were on the wire; those that are there count", "packets have more octets than they say were on the wire; those that are there count"};
    case Oddity::SnapLength: return {"packet is longer than its interface's limit; all its octets are kept", "packets are longer than their interface's limit; all their octets are kept"};
    case Oddity::Version: return {"header has a minor version that is not known; it is read like the newest that is", "headers have a minor version that is not known; they are read like the newest that is"};
    case Oddity::LinkBits: return {"header has reserved bits beside the link type; they are left out", "headers have reserved bits beside the link type; they are left out"};
    case Oddity::SectionLength: return {"section is not as long as it says; what stands in it counts", "sections are not as long as they say; what stands in them counts"};
    case Oddity::Options: return {"list of options is damaged; it is read up to the damage", "lists of options are damaged; they are read up to the damage"};
    case Oddity::OptionCount: return {"list has more than 4096 options; those behind are left out", "lists have more than 4096 options; those behind are left out"};
    case Oddity::Statistics: return {"statistics block is too short or of an interface that is not described; it is left out", "statistics blocks are too short or of an interface that is not described; they are left out"};
    case Oddity::Names: return {"name resolution block is damaged; it is read up to the damage", "name resolution blocks are damaged; they are read up to the damage"};
    case Oddity::NotKept: return {"comment, option, name or block is not kept: there are more than 16 MiB of them", "comments, options, names or blocks are not kept: there are more than 16 MiB of them"};
    case Oddity::Compressed: break;
    }
    return {"place is odd", "places are odd"};
}

std::string sentence(Oddity kind, const OddityCount& o)
{
    const OddityWords words = wordsOf(kind);
    std::string out = o.text.empty() ? fmt::format("{} {}", o.count, o.count == 1 ? words.one : words.many) : o.text;
    const char* first = o.count == 1 ? "" : "first: ";
    if (o.firstPacket > 0) out += fmt::format(" ({}packet {}, octet {})", first, o.firstPacket, o.firstOffset);
    else if (o.text.empty()) out += fmt::format(" ({}octet {})", first, o.firstOffset);
    return out;
}

}  // namespace

std::vector<std::string> commentsOf(const CaptureOptions& options)
{
    std::vector<std::string> out;
    for (const CaptureOption& o : options)
        if (o.code == option::comment) out.push_back(asText(o.value));
    return out;
}

std::string textOf(const CaptureOptions& options, std::uint16_t code)
{
    const CaptureOption* found = find(options, code);
    return found ? asText(found->value) : std::string();
}

std::optional<std::uint64_t> numberOf(const CaptureOptions& options, std::uint16_t code)
{
    const CaptureOption* found = find(options, code);
    if (!found || found->value.empty() || found->value.size() > 8) return std::nullopt;
    return FileOrder{}.number(found->value, 0, found->value.size());
}

bool CaptureNotes::room(std::size_t octets, std::size_t limit)
{
    if (octets > limit || kept_ > limit - octets) return false;
    kept_ += octets;
    ++revision_;
    return true;
}

CaptureOptions CaptureNotes::fitting(CaptureOptions options)
{
    CaptureOptions out;
    for (CaptureOption& o : options) {
        if (room(costOf(o))) out.push_back(std::move(o));
        else addOddity(Oddity::NotKept, 0, 0);
    }
    return out;
}

void CaptureNotes::addSection(CaptureSection section)
{
    // A file of nothing but section headers must not grow here: the last one stands for all beyond the bound.
    section.options = fitting(std::move(section.options));
    if (!sections_.empty() && !room(overhead)) return addOddity(Oddity::NotKept, 0, section.offset);
    sections_.push_back(std::move(section));
    ++revision_;
}

void CaptureNotes::addInterface(CaptureInterface about)
{
    // Their number has a limit of its own (maxCaptureLinks), so each has its place here.
    about.options = fitting(std::move(about.options));
    about.section = sections_.empty() ? 0 : static_cast<std::uint32_t>(sections_.size() - 1);
    interfaces_.push_back(std::move(about));
    ++revision_;
}

void CaptureNotes::setStatistics(std::uint32_t link, CaptureOptions options, std::int64_t utc)
{
    if (link >= interfaces_.size()) return;
    CaptureInterface& about = interfaces_[link];
    for (const CaptureOption& o : about.statistics) kept_ -= costOf(o);
    about.statistics = fitting(std::move(options));
    about.statisticsTime = utc;
    ++revision_;
}

void CaptureNotes::addName(CaptureName name)
{
    std::size_t cost = overhead + name.address.size();
    for (const std::string& n : name.names) cost += overhead + n.size();
    if (room(cost)) names_.push_back(std::move(name));
    else addOddity(Oddity::NotKept, 0, 0);
}

void CaptureNotes::addNameOptions(CaptureOptions options)
{
    for (CaptureOption& o : fitting(std::move(options))) nameOptions_.push_back(std::move(o));
}

void CaptureNotes::addBlock(std::uint32_t type, bool bigEndian, std::size_t offset, std::uint64_t packet, ByteView body)
{
    if (!room(overhead + body.size())) return addOddity(Oddity::NotKept, 0, offset);
    blocks_.push_back({type, bigEndian, offset, packet, Bytes(body.begin(), body.end())});
}

void CaptureNotes::addPacketOptions(std::uint64_t index, const CaptureOptions& options)
{
    if (options.empty()) return;
    std::size_t cost = sizeof(PacketEntry);
    for (const CaptureOption& o : options) cost += packedHeader + o.value.size();
    if (!room(cost, find(options, option::comment) ? maxNotesOctets : maxNotesOctets / 2)) return addOddity(Oddity::NotKept, index + 1, 0);
    packets_.push_back({index, packetOctets_.size()});
    for (const CaptureOption& o : options) {
        for (const std::size_t number : {std::size_t{o.code}, o.value.size()}) {
            packetOctets_.push_back(static_cast<std::uint8_t>(number));
            packetOctets_.push_back(static_cast<std::uint8_t>(number >> 8));
        }
        packetOctets_.insert(packetOctets_.end(), o.value.begin(), o.value.end());
    }
}

void CaptureNotes::addOddity(Oddity kind, std::uint64_t packet, std::size_t offset, std::string text)
{
    OddityCount& o = odd_[static_cast<std::size_t>(kind)];
    if (o.count++ == 0) {
        o.firstPacket = packet;
        o.firstOffset = offset;
        o.text = std::move(text);
    }
    ++revision_;
}

CaptureOptions CaptureNotes::packetOptions(std::uint64_t index) const
{
    const auto entry = std::lower_bound(packets_.begin(), packets_.end(), index, [](const PacketEntry& e, std::uint64_t i) { return e.packet < i; });
    CaptureOptions out;
    if (entry == packets_.end() || entry->packet != index) return out;
    const std::size_t end = std::next(entry) == packets_.end() ? packetOctets_.size() : std::next(entry)->start;
    for (std::size_t at = entry->start; at < end;) {
        const std::size_t length = FileOrder{}.u16(packetOctets_, at + 2);
        const ByteView value = ByteView(packetOctets_).subspan(at + packedHeader, length);
        out.push_back({FileOrder{}.u16(packetOctets_, at), Bytes(value.begin(), value.end())});
        at += packedHeader + length;
    }
    return out;
}

std::vector<std::uint64_t> CaptureNotes::notedPackets() const
{
    std::vector<std::uint64_t> out;
    out.reserve(packets_.size());
    for (const PacketEntry& e : packets_) out.push_back(e.packet);
    return out;
}

std::vector<std::string> CaptureNotes::fileComments() const
{
    std::vector<std::string> out;
    const auto add = [&](const CaptureOptions& options) {
        for (std::string& text : commentsOf(options)) out.push_back(std::move(text));
    };
    for (const CaptureSection& section : sections_) add(section.options);
    add(nameOptions_);
    return out;
}

std::vector<std::string> CaptureNotes::oddityTexts() const
{
    std::vector<std::string> out;
    for (std::size_t i = 0; i < odd_.size(); ++i)
        if (odd_[i].count > 0) out.push_back(sentence(static_cast<Oddity>(i), odd_[i]));
    return out;
}

}  // namespace roamscope::capture
