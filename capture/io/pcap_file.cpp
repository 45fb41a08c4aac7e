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
/// Patched libpcaps wrote interface number, protocol and packet type behind each header, some of them the processor too.
constexpr std::size_t modifiedRecordOctets = 24;
constexpr std::size_t modifiedProcessorOctets = 28;
constexpr unsigned newestMinorVersion = 4;

/// Upper part of the link type field: number of check octets, whether that number counts, reserved bits.
constexpr std::uint32_t fcsGiven = 0x04000000;
constexpr std::uint32_t reservedBits = 0x0bff0000;

class PcapFormat final : public RecordFormat {
public:
    Result<Read> next(ByteSource& in, CaptureRecord& out, CaptureLinks& links, std::optional<Duration> wait) override
    {
        if (pending_ > 0) in.consume(std::exchange(pending_, 0));
        if (!started_) {
            const auto begun = start(in, links, wait);
            if (!begun || *begun != Read::Frame) return begun;
        }
        if (modified_) {
            const auto known = measureRecords(in, wait);
            if (!known || *known != Read::Frame) return known;
        }
        auto filled = in.fill(record_, wait);
        if (!filled) return tl::unexpected(filled.error());
        if (*filled == Fill::Pending) return Read::Pending;
        if (*filled == Fill::End) return in.buffered().empty() ? Result<Read>(Read::End) : cut(in, record_);
        const Header header = headerAt(in.buffered());
        if (header.captured > maxFrameOctets)
            return fail(ErrorCode::Malformed, in.position() + 8,
                        fmt::format("{}: broken at octet {}: a packet of {} octets, more than {} cannot be. {}; record or copy the file again",
                                    in.name(), in.position() + 8, header.captured, maxFrameOctets, keptText(packets_)));
        filled = in.fill(record_ + header.captured, wait);
        if (!filled) return tl::unexpected(filled.error());
        if (*filled == Fill::Pending) return Read::Pending;
        if (*filled == Fill::End) return cut(in, record_ + header.captured);
        out.utc = timeOf(header);
        out.link = 0;
        out.originalLength = std::max(header.original, header.captured);
        out.bytes = in.buffered().subspan(record_, header.captured);
        judge(header, out.utc, in.position(), links.notes);
        pending_ = record_ + header.captured;
        return Read::Frame;
    }

    void take(ByteSource& in, const RecordSink& sink, CaptureLinks& links) override
    {
        if (!started_ || modified_) return;
        const ByteView window = in.buffered();
        std::size_t at = pending_;
        while (at < window.size() && window.size() - at >= record_) {
            const Header header = headerAt(window.subspan(at, record_));
            if (header.captured > maxFrameOctets || window.size() - at - record_ < header.captured) break;
            const std::int64_t utc = timeOf(header);
            const std::size_t position = in.position() + at;
            sink({utc, 0, std::max(header.original, header.captured), window.subspan(at + record_, header.captured)}, position + record_);
            judge(header, utc, position, links.notes);
            at += record_ + header.captured;
        }
        pending_ = 0;
        in.consume(at);
    }

private:
    struct Header {
        std::uint32_t seconds = 0;
        std::uint32_t fraction = 0;
        std::uint32_t captured = 0;
        std::uint32_t original = 0;
    };

    [[nodiscard]] Header headerAt(ByteView record) const
    {
        Header out{order_.u32(record, 0), order_.u32(record, 4), order_.u32(record, 8), order_.u32(record, 12)};
        // Before version 2.3 the two lengths stood the other way round; 2.3 was written in both ways.
        if (minor_ < 3 || (minor_ == 3 && out.captured > out.original)) std::swap(out.captured, out.original);
        return out;
    }

    /// A fraction of more than a second, which broken writers produce, simply carries over.
    [[nodiscard]] std::int64_t timeOf(const Header& header) const
    {
        return std::int64_t{header.seconds} * 1'000'000'000 + std::int64_t{header.fraction} * (nanoseconds_ ? 1 : 1000);
    }

    /// Counts a packet whose header stands at `position`, and notes what is odd about it.
    void judge(const Header& header, std::int64_t utc, std::size_t position, CaptureNotes& notes)
    {
        const std::uint32_t second = nanoseconds_ ? 1'000'000'000 : 1'000'000;
        const auto odd = [&](Oddity kind) { notes.addOddity(kind, packets_ + 1, position); };
        if (header.fraction >= second) odd(Oddity::TimeFraction);
        if (packets_ > 0 && utc < lastTime_) odd(Oddity::TimeBack);
        if (header.original < header.captured) odd(Oddity::LengthOnWire);
        if (snapLength_ != 0 && header.captured > snapLength_) odd(Oddity::SnapLength);
        lastTime_ = utc;
        ++packets_;
    }

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
        modified_ = magic == magicModified;
        nanoseconds_ = magic == magicNanoseconds;
        const unsigned version = order_.u16(head, 4);
        minor_ = order_.u16(head, 6);
        if (version != 2)
            return fail(ErrorCode::Unsupported, 4, fmt::format("{}: is pcap version {}.{} (octet 4), only version 2 is known. Record or copy it again", in.name(), version, minor_));
        if (minor_ > newestMinorVersion) links.notes.addOddity(Oddity::Version, 0, 6);
        snapLength_ = order_.u32(head, 16);
        describe(order_.u32(head, 20), links);
        in.consume(headerOctets);
        started_ = true;
        return Read::Frame;
    }

    void describe(std::uint32_t field, CaptureLinks& links) const
    {
        CaptureInterface about;
        about.snapLength = snapLength_;
        about.resolution = nanoseconds_ ? 9 : 6;
        if ((field & fcsGiven) != 0) about.fcsLength = static_cast<std::uint8_t>((field >> 28) * 2);  // counted in pairs of octets
        if ((field & reservedBits) != 0) links.notes.addOddity(Oddity::LinkBits, 0, 20);
        links.links.push_back({"", static_cast<std::uint16_t>(field)});
        links.dropped.push_back(0);
        links.notes.addInterface(std::move(about));
    }

    /// One magic stands for several record headers. Taken is the one with which the first records make sense; Frame then.
    Result<Read> measureRecords(ByteSource& in, std::optional<Duration> wait)
    {
        constexpr unsigned looked = 4;  // records
        const auto any = in.fill(1, wait);
        if (any && *any == Fill::End) return Read::End;
        std::vector<std::size_t> sensible;
        for (const std::size_t size : {modifiedRecordOctets, modifiedProcessorOctets, recordOctets}) {
            std::size_t at = 0;
            bool good = true;
            for (unsigned i = 0; i < looked && good; ++i) {
                auto filled = in.fill(at + size, wait);
                if (!filled) return tl::unexpected(filled.error());
                if (*filled == Fill::Pending) return Read::Pending;
                if (*filled == Fill::End) {
                    // Only whole records may stand before the end; a file that was cut is judged by the records before.
                    good = in.buffered().size() == at || i > 1;
                    break;
                }
                const Header header = headerAt(in.buffered().subspan(at));
                good = header.captured <= maxFrameOctets && header.captured <= header.original && header.original <= maxFrameOctets && header.fraction < 1'000'000;
                at += size + header.captured;
            }
            if (good) sensible.push_back(size);
        }
        if (sensible.size() != 1)
            return fail(ErrorCode::Unsupported, headerOctets,
                        fmt::format("{}: is pcap of a patched libpcap, and its record headers (octet {}) could be of {}. Convert it with editcap -F pcapng", in.name(), headerOctets,
                                    sensible.empty() ? "no known kind" : "more than one kind"));
        record_ = sensible.front();
        modified_ = false;
        return Read::Frame;
    }

    Result<Read> cut(const ByteSource& in, std::size_t needed) const
    {
        return fail(ErrorCode::Truncated, in.position(),
                    fmt::format("{}: ends in the middle of a packet, at octet {}: {} of {} octets are there. {}; copy the file again",
                                in.name(), in.position(), in.buffered().size(), needed, keptText(packets_)));
    }

    FileOrder order_;
    bool started_ = false;
    bool nanoseconds_ = false;
    bool modified_ = false;              ///< the size of the record headers is still to be found out
    unsigned minor_ = newestMinorVersion;
    std::uint32_t snapLength_ = 0;
    std::size_t record_ = recordOctets;  ///< octets of a record header
    std::size_t pending_ = 0;            ///< octets of the record that was handed out last
    std::int64_t lastTime_ = 0;
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
