// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/pcap_file.hpp"

#include "capture/io/file_order.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::capture {

namespace {

constexpr std::uint32_t magicMicroseconds = 0xa1b2c3d4;
constexpr std::uint32_t magicNanoseconds = 0xa1b23c4d;
constexpr std::uint32_t magicModified = 0xa1b2cd34;
constexpr std::size_t headerOctets = 24;
constexpr std::size_t recordOctets = 16;

class PcapFormat final : public RecordFormat {
public:
    Result<Read> next(ByteSource& in, CaptureRecord& out, CaptureLinks& links, std::optional<Duration> wait) override
    {
        if (pending_ > 0) in.consume(std::exchange(pending_, 0));
        if (!started_) {
            const auto begun = start(in, links, wait);
            if (!begun || *begun != Read::Frame) return begun;
        }
        auto filled = in.fill(recordOctets, wait);
        if (!filled) return tl::unexpected(filled.error());
        if (*filled == Fill::Pending) return Read::Pending;
        if (*filled == Fill::End) return in.buffered().empty() ? Result<Read>(Read::End) : cut(in, recordOctets);
        const std::uint32_t captured = order_.u32(in.buffered(), 8);
        if (captured > maxFrameOctets)
            return fail(ErrorCode::Malformed, in.position(),
                        fmt::format("{}: broken at octet {}: a packet of {} octets, more than {} cannot be. The {} packets before it are kept",
                                    in.name(), in.position(), captured, maxFrameOctets, packets_));
        filled = in.fill(recordOctets + captured, wait);
        if (!filled) return tl::unexpected(filled.error());
        if (*filled == Fill::Pending) return Read::Pending;
        if (*filled == Fill::End) return cut(in, recordOctets + captured);
        const ByteView record = in.buffered().first(recordOctets + captured);
        // A fraction of more than a second, which broken writers produce, simply carries over.
        out.utc = std::int64_t{order_.u32(record, 0)} * 1'000'000'000 + std::int64_t{order_.u32(record, 4)} * (nanoseconds_ ? 1 : 1000);
        out.link = 0;
        out.originalLength = std::max(order_.u32(record, 12), captured);
        out.bytes = record.subspan(recordOctets);
        pending_ = record.size();
        ++packets_;
        return Read::Frame;
    }

private:
    Result<Read> start(ByteSource& in, CaptureLinks& links, std::optional<Duration> wait)
    {
        const auto filled = in.fill(headerOctets, wait);
        if (!filled) return tl::unexpected(filled.error());
        if (*filled == Fill::Pending) return Read::Pending;
        const ByteView head = in.buffered();
        if (*filled == Fill::End)
            return fail(ErrorCode::Truncated, in.position(),
                        fmt::format("{}: ends in the middle of its header: {} of {} octets are there. Record or copy it again", in.name(), head.size(), headerOctets));
        order_.big = head[0] == 0xa1;
        const std::uint32_t magic = order_.u32(head, 0);
        if (magic == magicModified)
            return fail(ErrorCode::Unsupported, 0,
                        fmt::format("{}: is pcap with the record headers of an old patched libpcap. Convert it with editcap -F pcapng", in.name()));
        nanoseconds_ = magic == magicNanoseconds;
        const unsigned version = order_.u16(head, 4);
        if (version != 2)
            return fail(ErrorCode::Unsupported, 4, fmt::format("{}: is pcap version {}, only version 2 exists. The file is damaged", in.name(), version));
        // The upper half of the field says how many check octets the link appends, which changes nothing here.
        links.links.push_back({"", static_cast<std::uint16_t>(order_.u32(head, 20))});
        links.dropped.push_back(0);
        in.consume(headerOctets);
        started_ = true;
        return Read::Frame;
    }

    Result<Read> cut(const ByteSource& in, std::size_t needed) const
    {
        return fail(ErrorCode::Truncated, in.position(),
                    fmt::format("{}: ends in the middle of a packet, at octet {}: {} of {} octets are there. The {} packets before it are kept; copy the file again",
                                in.name(), in.position(), in.buffered().size(), needed, packets_));
    }

    FileOrder order_;
    bool started_ = false;
    bool nanoseconds_ = false;
    std::size_t pending_ = 0;  ///< octets of the record that was handed out last
    std::uint64_t packets_ = 0;
};

}  // namespace

bool isPcap(ByteView head)
{
    for (const FileOrder order : {FileOrder{false}, FileOrder{true}}) {
        const std::uint32_t magic = order.u32(head, 0);
        if (magic == magicMicroseconds || magic == magicNanoseconds || magic == magicModified) return true;
    }
    return false;
}

std::unique_ptr<RecordFormat> makePcapFormat() { return std::make_unique<PcapFormat>(); }

}  // namespace roamscope::capture
