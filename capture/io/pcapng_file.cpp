// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/pcapng_file.hpp"

#include "capture/io/file_order.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace roamscope::capture {

namespace {

__extension__ using Wide = __int128;

constexpr std::uint32_t sectionBlock = 0x0a0d0d0a;
constexpr std::uint32_t interfaceBlock = 1;
constexpr std::uint32_t obsoletePacketBlock = 2;
constexpr std::uint32_t simplePacketBlock = 3;
constexpr std::uint32_t statisticsBlock = 5;
constexpr std::uint32_t enhancedPacketBlock = 6;
constexpr std::uint32_t byteOrderMagic = 0x1a2b3c4d;
constexpr std::size_t smallestBlock = 12;

constexpr std::uint16_t optionName = 2;        // if_name
constexpr std::uint16_t optionResolution = 9;  // if_tsresol
constexpr std::uint16_t optionOffset = 14;     // if_tsoffset
constexpr std::uint16_t optionInterfaceDrops = 5;  // isb_ifdrop
constexpr std::uint16_t optionSystemDrops = 7;     // isb_osdrop

/// Time stamps of an interface: units per second and seconds to add.
struct Clock {
    std::uint8_t resolution = 6;  ///< as in if_tsresol: 10^-n, or with the high bit 2^-n
    std::int64_t offset = 0;      ///< seconds

    [[nodiscard]] std::int64_t nanoseconds(std::uint64_t ticks) const
    {
        Wide ns = ticks;
        const unsigned exponent = resolution & 0x7fu;
        if ((resolution & 0x80) != 0) {
            // 2^64 ticks * 10^9 needs 94 bits.
            ns = exponent > 100 ? 0 : (ns * 1'000'000'000) >> exponent;
        } else {
            for (unsigned i = exponent; i < 9; ++i) ns *= 10;
            for (unsigned i = 9; i < exponent && ns != 0; ++i) ns /= 10;
        }
        ns += Wide{offset} * 1'000'000'000;
        constexpr Wide most = std::numeric_limits<std::int64_t>::max();
        return static_cast<std::int64_t>(std::clamp<Wide>(ns, -most, most));
    }
};

struct Interface {
    std::uint32_t link = 0;         ///< index over all sections
    std::uint32_t snapLength = 0;
    Clock clock;
};

class PcapngFormat final : public RecordFormat {
public:
    Result<Read> next(ByteSource& in, CaptureRecord& out, CaptureLinks& links, std::optional<Duration> wait) override
    {
        for (;;) {
            if (pending_ > 0) in.consume(std::exchange(pending_, 0));
            const auto ready = wholeBlock(in, wait);
            if (!ready || *ready != Read::Frame) return ready;
            const auto frame = block(in, out, links);
            if (!frame) return tl::unexpected(frame.error());
            pending_ = length_;
            if (*frame) {
                ++packets_;
                return Read::Frame;
            }
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
        if (type_ == sectionBlock) {
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
        case sectionBlock: return section(in, body);
        case interfaceBlock: return interface(in, body, links);
        case statisticsBlock: return statistics(in, body, links);
        case enhancedPacketBlock: return packet(in, body, false, out, links);
        case obsoletePacketBlock: return packet(in, body, true, out, links);
        case simplePacketBlock: return simplePacket(in, body, out);
        default: return false;
        }
    }

    Result<bool> section(ByteSource& in, ByteView body)
    {
        if (body.size() < 16) return brokenBlock(in, 8, "a section header that is too short");
        const unsigned major = order_.u16(body, 4);
        if (major != 1) return brokenBlock(in, 12, fmt::format("pcapng version {}, only version 1 is known", major));
        inSection_ = true;
        interfaces_.clear();
        return false;
    }

    Result<bool> interface(ByteSource& in, ByteView body, CaptureLinks& links)
    {
        if (body.size() < 8) return brokenBlock(in, 8, "an interface description that is too short");
        if (links.links.size() == maxCaptureLinks) return brokenBlock(in, 0, fmt::format("more than {} interfaces", maxCaptureLinks));
        Interface made;
        made.link = static_cast<std::uint32_t>(links.links.size());
        made.snapLength = order_.u32(body, 4);
        TraceLink link{"", order_.u16(body, 0)};
        forEachOption(body.subspan(8), [&](std::uint16_t code, ByteView value) {
            if (code == optionName) link.name.assign(value.begin(), value.end());
            if (code == optionResolution && !value.empty()) made.clock.resolution = value[0];
            if (code == optionOffset && value.size() >= 8) made.clock.offset = static_cast<std::int64_t>(order_.u64(value, 0));
        });
        while (!link.name.empty() && link.name.back() == '\0') link.name.pop_back();
        links.links.push_back(std::move(link));
        links.dropped.push_back(0);
        interfaces_.push_back(made);
        return false;
    }

    Result<bool> statistics(ByteSource& in, ByteView body, CaptureLinks& links)
    {
        if (body.size() < 12) return brokenBlock(in, 8, "statistics that are too short");
        const std::uint32_t number = order_.u32(body, 0);
        if (number >= interfaces_.size()) return unknownInterface(in, number);
        std::uint64_t drops = 0;
        forEachOption(body.subspan(12), [&](std::uint16_t code, ByteView value) {
            if ((code == optionInterfaceDrops || code == optionSystemDrops) && value.size() >= 8) drops += order_.u64(value, 0);
        });
        // The counters run from the start of the capture; the largest is the newest.
        std::uint64_t& known = links.dropped[interfaces_[number].link];
        known = std::max(known, drops);
        return false;
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
        out.utc = from.clock.nanoseconds(std::uint64_t{order_.u32(body, 4)} << 32 | order_.u32(body, 8));
        lastTime_ = out.utc;
        out.link = from.link;
        out.originalLength = std::max(order_.u32(body, 16), captured);
        out.bytes = body.subspan(fixed, captured);
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

    /// Calls `use` for every option that is whole; damaged options end the list, since nothing vital stands in them.
    template <class Use>
    void forEachOption(ByteView options, Use use) const
    {
        while (options.size() >= 4) {
            const std::uint16_t code = order_.u16(options, 0);
            const std::size_t length = order_.u16(options, 2);
            if (code == 0 || length > options.size() - 4) return;
            use(code, options.subspan(4, length));
            options = options.subspan(std::min(options.size(), 4 + (length + 3) / 4 * 4));
        }
    }

    tl::unexpected<Error> brokenBlock(const ByteSource& in, std::size_t offset, std::string_view what) const
    {
        const std::size_t at = in.position() + offset;
        return fail(ErrorCode::Malformed, at, fmt::format("{}: broken at octet {}: {}. The {} packets before it are kept", in.name(), at, what, packets_));
    }
    Result<Read> broken(const ByteSource& in, std::size_t offset, std::string_view what) const { return brokenBlock(in, offset, what); }

    tl::unexpected<Error> unknownInterface(const ByteSource& in, std::uint32_t number) const
    {
        return brokenBlock(in, 8, fmt::format("interface {} is used, but {} are described", number, interfaces_.size()));
    }

    Result<Read> cut(const ByteSource& in, std::size_t needed) const
    {
        return fail(ErrorCode::Truncated, in.position(),
                    fmt::format("{}: ends in the middle of a packet, at octet {}: {} of {} octets of the block are there. The {} packets before it are kept; copy the file again",
                                in.name(), in.position(), in.buffered().size(), needed, packets_));
    }

    FileOrder order_;
    bool inSection_ = false;
    std::vector<Interface> interfaces_;  ///< of the current section
    std::uint32_t type_ = 0;
    std::size_t length_ = 0;
    std::size_t pending_ = 0;  ///< octets of the block that was taken last
    std::int64_t lastTime_ = 0;
    std::uint64_t packets_ = 0;
};

}  // namespace

bool isPcapng(ByteView head) { return FileOrder{}.u32(head, 0) == sectionBlock; }

std::unique_ptr<RecordFormat> makePcapngFormat() { return std::make_unique<PcapngFormat>(); }

}  // namespace roamscope::capture
