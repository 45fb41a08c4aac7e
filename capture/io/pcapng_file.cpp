// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/pcapng_file.hpp"

#include "capture/io/file_order.hpp"
#include "capture/io/pcapng_clock.hpp"
#include "capture/io/pcapng_options.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <chrono>

namespace roamscope::capture {

namespace {

constexpr std::uint32_t byteOrderMagic = 0x1a2b3c4d;
constexpr std::size_t smallestBlock = 12;
constexpr std::uint64_t lengthUnknown = 0xffffffffffffffff;
/// What next() passes over between two looks at the clock: a block without a frame counts as one, and one for each 4096 octets.
constexpr std::size_t passedPerLook = 256;

struct Interface {
    std::uint32_t link = 0;         ///< index over all sections
    std::uint32_t snapLength = 0;
    PcapngClock clock;
};

class PcapngFormat final : public RecordFormat {
public:
    Result<Read> next(ByteSource& in, CaptureRecord& out, CaptureLinks& links, std::optional<Duration> wait) override
    {
        const auto start = std::chrono::steady_clock::now();
        for (std::size_t passed = 0;;) {
            if (pending_ > 0) in.consume(std::exchange(pending_, 0));
            const auto ready = wholeBlock(in, wait);
            if (ready && *ready == Read::End) endSection(in, links.notes);
            if (!ready || *ready != Read::Frame) return ready;
            const auto frame = block(in, out, links);
            if (!frame) return tl::unexpected(frame.error());
            pending_ = length_;
            if (*frame) {
                ++packets_;
                return Read::Frame;
            }
            // A file may hold millions of blocks without a frame: who waits no longer than `wait` must be able to go away.
            passed += 1 + length_ / 4096;
            if (!wait || passed < passedPerLook) continue;
            if (std::chrono::steady_clock::now() - start >= *wait) return Read::Pending;
            passed = 0;
        }
    }

private:
    /// Waits until one whole block is buffered and its lengths are right.
    Result<Read> wholeBlock(ByteSource& in, std::optional<Duration> wait)
    {
        auto filled = in.fill(smallestBlock, wait);
        if (!filled) return tl::unexpected(filled.error());
        if (*filled == Fill::Pending) return Read::Pending;
        if (*filled == Fill::End) return in.buffered().empty() ? Result<Read>(Read::End) : cut(in, smallestBlock);
        const ByteView head = in.buffered();
        type_ = order_.u32(head, 0);
        if (type_ == blockType::section) {
            // The type reads the same in both orders; the section then says which one it uses.
            order_.big = head[8] == 0x1a;
            if (order_.u32(head, 8) != byteOrderMagic) return broken(in, 8, "a section without a byte order");
        } else if (!inSection_) {
            return broken(in, 0, "no section header");
        }
        length_ = order_.u32(head, 4);
        if (length_ < smallestBlock || length_ % 4 != 0) return broken(in, 4, fmt::format("a block of {} octets", length_));
        if (length_ > maxBlockOctets) return broken(in, 4, fmt::format("a block of {} octets, more than {} are refused", length_, maxBlockOctets));
        filled = in.fill(length_, wait);
        if (!filled) return tl::unexpected(filled.error());
        if (*filled == Fill::Pending) return Read::Pending;
        if (*filled == Fill::End) return cut(in, length_);
        const std::uint32_t again = order_.u32(in.buffered(), length_ - 4);
        if (again != length_) return broken(in, length_ - 4, fmt::format("a block of {} octets that ends with the length {}", length_, again));
        return Read::Frame;
    }

    /// Takes the block in the buffer; true when it holds a frame.
    Result<bool> block(ByteSource& in, CaptureRecord& out, CaptureLinks& links)
    {
        const ByteView body = in.buffered().subspan(8, length_ - smallestBlock);
        switch (type_) {
        case blockType::section: return section(in, body, links.notes);
        case blockType::interface: return interface(in, body, links);
        case blockType::statistics: return statistics(in, body, links);
        case blockType::packet: return packet(in, body, false, out, links);
        case blockType::obsoletePacket: return packet(in, body, true, out, links);
        case blockType::simplePacket: return simplePacket(in, body, out);
        case blockType::names: return names(in, body, links.notes);
        default: links.notes.addBlock(type_, order_.big, in.position(), packets_, body); return false;
        }
    }

    /// Whether the section that ends here is as long as its header said.
    void endSection(const ByteSource& in, CaptureNotes& notes)
    {
        if (inSection_ && sectionLength_ != lengthUnknown && in.position() - sectionStart_ != sectionLength_) notes.addOddity(Oddity::SectionLength, 0, sectionOffset_ + 16);
        inSection_ = false;
    }

    Result<bool> section(ByteSource& in, ByteView body, CaptureNotes& notes)
    {
        if (body.size() < 16) return brokenBlock(in, 8, "a section header that is too short");
        const unsigned major = order_.u16(body, 4);
        if (major != 1) return brokenBlock(in, 12, fmt::format("pcapng version {}, only version 1 is known", major));
        endSection(in, notes);
        inSection_ = true;
        sectionOffset_ = in.position();
        sectionStart_ = in.position() + length_;
        sectionLength_ = order_.u64(body, 8);
        interfaces_.clear();
        CaptureSection about{in.position(), order_.big, order_.u16(body, 6), optionsOf(in, body, 16, OptionScope::Section, notes)};
        // 1.2 is what some writers call 1.0.
        if (about.minorVersion != 0 && about.minorVersion != 2) notes.addOddity(Oddity::Version, 0, in.position() + 14);
        notes.addSection(std::move(about));
        return false;
    }

    Result<bool> interface(ByteSource& in, ByteView body, CaptureLinks& links)
    {
        if (body.size() < 8) return brokenBlock(in, 8, "an interface description that is too short");
        if (links.links.size() == maxCaptureLinks) return brokenBlock(in, 0, fmt::format("more than {} interfaces", maxCaptureLinks));
        CaptureInterface about;
        about.snapLength = order_.u32(body, 4);
        about.options = optionsOf(in, body, 8, OptionScope::Interface, links.notes);
        about.resolution = static_cast<std::uint8_t>(numberOf(about.options, option::resolution).value_or(6));
        about.fcsLength = static_cast<std::uint8_t>(numberOf(about.options, option::fcsLength).value_or(0));
        about.timeOffset = static_cast<std::int64_t>(numberOf(about.options, option::timeOffset).value_or(0));
        const Interface made{static_cast<std::uint32_t>(links.links.size()), about.snapLength, {about.resolution, about.timeOffset}};
        if (made.clock.tooFine()) links.notes.addOddity(Oddity::Resolution, 0, in.position());
        links.links.push_back({linkName(about.options), order_.u16(body, 0)});
        links.dropped.push_back(0);
        links.notes.addInterface(std::move(about));
        interfaces_.push_back(made);
        return false;
    }

    /// Every list of links holds the name, so it has a bound; CaptureNotes keep the whole one.
    static std::string linkName(const CaptureOptions& options)
    {
        constexpr std::size_t longest = 255;
        std::string name = textOf(options, option::name);
        if (name.size() <= longest) return name;
        constexpr std::string_view dots = "…";
        std::size_t end = longest - dots.size();
        while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0u) == 0x80u) --end;  // whole characters
        return name.replace(end, std::string::npos, dots);
    }

    /// Nothing vital stands in statistics, so that damaged ones are no reason to stop.
    Result<bool> statistics(ByteSource& in, ByteView body, CaptureLinks& links)
    {
        const std::uint32_t number = body.size() < 12 ? 0 : order_.u32(body, 0);
        if (body.size() < 12 || number >= interfaces_.size()) {
            links.notes.addOddity(Oddity::Statistics, 0, in.position());
            return false;
        }
        const Interface& from = interfaces_[number];
        CaptureOptions options = optionsOf(in, body, 12, OptionScope::Statistics, links.notes);
        const std::uint64_t drops = numberOf(options, option::dropped).value_or(0) + numberOf(options, option::systemDropped).value_or(0);
        // The counters run from the start of the capture; the largest is the newest.
        std::uint64_t& known = links.dropped[from.link];
        known = std::max(known, drops);
        links.notes.setStatistics(from.link, std::move(options), from.clock.nanoseconds(ticks(body, 4)).value);
        return false;
    }

    /// Records of type (16 bits), length (16 bits), address, names that end with 0; a record of type 0 is the last one.
    Result<bool> names(ByteSource& in, ByteView body, CaptureNotes& notes)
    {
        std::size_t at = 0;
        while (body.size() - at >= 4) {
            const std::uint16_t kind = order_.u16(body, at);
            const std::size_t length = order_.u16(body, at + 2);
            at += 4;
            if (kind == 0) break;
            if (length > body.size() - at) {
                notes.addOddity(Oddity::Names, 0, in.position() + 8 + at);
                return false;
            }
            constexpr std::array<std::size_t, 5> addressOctets{0, 4, 16, 6, 8};
            const std::size_t address = kind < addressOctets.size() ? addressOctets[kind] : 0;
            if (address > 0 && length >= address) notes.addName(nameRecord(kind, body.subspan(at, length), address));
            at += std::min(body.size() - at, (length + 3) / 4 * 4);
        }
        notes.addNameOptions(optionsOf(in, body, at, OptionScope::Names, notes));
        return false;
    }

    static CaptureName nameRecord(std::uint16_t kind, ByteView record, std::size_t address)
    {
        CaptureName out{kind, Bytes(record.begin(), record.begin() + static_cast<std::ptrdiff_t>(address)), {}};
        std::string name;
        for (const std::uint8_t octet : record.subspan(address)) {
            if (octet != 0) name.push_back(static_cast<char>(octet));
            else if (!name.empty()) out.names.push_back(std::exchange(name, {}));
        }
        if (!name.empty()) out.names.push_back(std::move(name));
        return out;
    }

    [[nodiscard]] std::uint64_t ticks(ByteView body, std::size_t at) const { return std::uint64_t{order_.u32(body, at)} << 32 | order_.u32(body, at + 4); }

    /// The options that stand in `body` from `at` on.
    CaptureOptions optionsOf(const ByteSource& in, ByteView body, std::size_t at, OptionScope scope, CaptureNotes& notes) const
    {
        if (body.size() < at + 4) return {};
        OptionList list = readOptions(body.subspan(at), order_, scope);
        if (list.damaged) notes.addOddity(Oddity::Options, 0, in.position());
        if (list.more) notes.addOddity(Oddity::OptionCount, 0, in.position());
        return std::move(list.options);
    }

    Result<bool> packet(ByteSource& in, ByteView body, bool obsolete, CaptureRecord& out, CaptureLinks& links)
    {
        constexpr std::size_t fixed = 20;
        if (body.size() < fixed) return brokenBlock(in, 8, "a packet block that is too short");
        const std::uint32_t number = obsolete ? order_.u16(body, 0) : order_.u32(body, 0);
        if (number >= interfaces_.size()) return unknownInterface(in, number);
        const Interface& from = interfaces_[number];
        const std::uint32_t captured = order_.u32(body, 12);
        if (captured > maxFrameOctets) return brokenBlock(in, 20, fmt::format("a packet of {} octets, more than {} cannot be", captured, maxFrameOctets));
        if (captured > body.size() - fixed)
            return brokenBlock(in, 20, fmt::format("a packet of {} octets in a block that has room for {}", captured, body.size() - fixed));
        if (obsolete && order_.u16(body, 2) != 0xffff) links.dropped[from.link] += order_.u16(body, 2);
        const auto time = from.clock.nanoseconds(ticks(body, 4));
        out.utc = time.value;
        out.link = from.link;
        out.originalLength = std::max(order_.u32(body, 16), captured);
        out.bytes = body.subspan(fixed, captured);
        const std::size_t padded = fixed + (captured + 3) / 4 * 4;
        if (body.size() >= padded + 4) links.notes.addPacketOptions(packets_, optionsOf(in, body, padded, OptionScope::Packet, links.notes));
        if (time.clamped) odd(in, Oddity::TimeRange, links.notes);
        if (out.utc < 0) odd(in, Oddity::TimeBefore1970, links.notes);
        if (packets_ > 0 && out.utc < lastTime_) odd(in, Oddity::TimeBack, links.notes);
        if (order_.u32(body, 16) < captured) odd(in, Oddity::LengthOnWire, links.notes);
        if (from.snapLength != 0 && captured > from.snapLength) odd(in, Oddity::SnapLength, links.notes);
        lastTime_ = out.utc;
        return true;
    }

    Result<bool> simplePacket(ByteSource& in, ByteView body, CaptureRecord& out)
    {
        if (body.size() < 4) return brokenBlock(in, 8, "a packet block that is too short");
        if (interfaces_.empty()) return unknownInterface(in, 0);
        const std::uint32_t original = order_.u32(body, 0);
        const std::uint32_t limit = interfaces_[0].snapLength;
        const std::size_t captured = limit == 0 ? original : std::min(original, limit);
        if (captured > maxFrameOctets) return brokenBlock(in, 8, fmt::format("a packet of {} octets, more than {} cannot be", captured, maxFrameOctets));
        if (captured > body.size() - 4)
            return brokenBlock(in, 8, fmt::format("a packet of {} octets in a block that has room for {}", captured, body.size() - 4));
        out.utc = lastTime_;
        out.link = interfaces_[0].link;
        out.originalLength = original;
        out.bytes = body.subspan(4, captured);
        return true;
    }

    void odd(const ByteSource& in, Oddity kind, CaptureNotes& notes) const { notes.addOddity(kind, packets_ + 1, in.position()); }

    tl::unexpected<Error> brokenBlock(const ByteSource& in, std::size_t offset, std::string_view what) const
    {
        const std::size_t at = in.position() + offset;
        return fail(ErrorCode::Malformed, at, fmt::format("{}: broken at octet {}: {}. {}; record or copy the file again",
                                                                in.name(), at, what, keptText(packets_)));
    }
    Result<Read> broken(const ByteSource& in, std::size_t offset, std::string_view what) const { return brokenBlock(in, offset, what); }

    tl::unexpected<Error> unknownInterface(const ByteSource& in, std::uint32_t number) const
    {
        return brokenBlock(in, 8, fmt::format("interface {} is used, but {} are described", number, interfaces_.size()));
    }

    Result<Read> cut(const ByteSource& in, std::size_t needed) const
    {
        return fail(ErrorCode::Truncated, in.position(),
                    fmt::format("{}: ends in the middle of a packet, at octet {}: {} of {} octets of the block are there. {}; copy the file again",
                                in.name(), in.position(), in.buffered().size(), needed, keptText(packets_)));
    }

    FileOrder order_;
    bool inSection_ = false;
    std::size_t sectionOffset_ = 0;
    std::size_t sectionStart_ = 0;       ///< where its first block behind the header stands
    std::uint64_t sectionLength_ = 0;    ///< as its header says
    std::vector<Interface> interfaces_;  ///< of the current section
    std::uint32_t type_ = 0;
    std::size_t length_ = 0;
    std::size_t pending_ = 0;  ///< octets of the block that was taken last
    std::int64_t lastTime_ = 0;
    std::uint64_t packets_ = 0;
};

}  // namespace

bool isPcapng(ByteView head) { return FileOrder{}.u32(head, 0) == blockType::section; }

std::unique_ptr<RecordFormat> makePcapngFormat() { return std::make_unique<PcapngFormat>(); }

}  // namespace roamscope::capture
