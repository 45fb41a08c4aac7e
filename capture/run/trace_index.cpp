// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/run/trace_index.hpp"

#include <limits>

namespace roamscope::capture {

void IndexSummary::add(const IndexSummary& other)
{
    for (std::size_t i = 0; i < frames.size(); ++i) frames[i] += other.frames[i];
    for (std::size_t i = 0; i < mobility.size(); ++i) mobility[i] += other.mobility[i];
    badChecksums += other.badChecksums;
    badMobility += other.badMobility;
    malformed += other.malformed;
    cut += other.cut;
    octets += other.octets;
}

TimePoint sinceStart(std::int64_t startUtc, std::int64_t utc)
{
    // Hostile stamps may be further apart than 64 bits hold.
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(utc, startUtc, &difference))
        difference = utc < startUtc ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
    return atNanoseconds(difference);
}

void IndexPart::add(const CaptureRecord& record, std::uint64_t place, std::uint16_t linkType, std::int64_t startUtc)
{
    const wire::Skim known = wire::skim(record.bytes, linkType, record.originalLength);
    frames.push_back({sinceStart(startUtc, record.utc), place, record.link, static_cast<std::uint32_t>(record.bytes.size()), record.originalLength, known.kind,
                      known.type, known.marks});
    ++summary.frames[static_cast<std::size_t>(known.kind)];
    summary.octets += record.bytes.size();
    if (known.kind == wire::FrameClass::Mobility) ++summary.mobility[known.type];
    if (known.kind == wire::FrameClass::Fragment) pieces.push_back({frames.size() - 1, Bytes(record.bytes.begin(), record.bytes.end())});
    if ((known.marks & (wire::mark::badChecksum | wire::mark::malformed | wire::mark::cut)) == 0) return;
    if ((known.marks & wire::mark::badChecksum) != 0) {
        ++summary.badChecksums;
        if (known.kind == wire::FrameClass::Mobility) ++summary.badMobility;
    }
    if ((known.marks & wire::mark::malformed) != 0) ++summary.malformed;
    if ((known.marks & wire::mark::cut) != 0) ++summary.cut;
}

void IndexPart::clear()
{
    frames.clear();
    pieces.clear();
    summary = {};
}

void TraceIndex::addLinks(const std::vector<TraceLink>& links)
{
    for (std::size_t i = linkTypes_.size(); i < links.size(); ++i) {
        trace_.addLink(links[i]);
        linkTypes_.push_back(links[i].linkType);
    }
}

void TraceIndex::append(const IndexPart& part)
{
    std::size_t from = 0;
    const std::span<const NewFrame> frames(part.frames);
    for (const IndexPart::Piece& piece : part.pieces) {
        trace_.append(frames.subspan(from, piece.frame - from));
        const NewFrame& frame = frames[piece.frame];
        from = piece.frame + 1;
        appendPiece(frame, piece.octets);
    }
    trace_.append(frames.subspan(from));
    summary_.add(part.summary);
}

/// A fragment; one that completes a datagram counts for what that carries.
void TraceIndex::appendPiece(const NewFrame& frame, ByteView octets)
{
    const std::uint16_t linkType = linkTypes_[frame.link];
    const auto number = static_cast<std::uint32_t>(trace_.size() + 1);
    auto outcome = reassembler_.add({number, frame.time, frame.link}, octets, linkType, frame.originalLength);
    if (!outcome.datagram) return trace_.append(frame);
    wire::DecodeContext context;
    context.whole = &*outcome.datagram;
    const wire::DecodedFrame decoded = wire::decodeFrame(octets, linkType, frame.originalLength, nullptr, context);
    const auto verdict = std::visit(
        [](const auto& m) {
            if constexpr (requires { m.checksum; }) return m.checksum;
            else return wire::ChecksumVerdict::Absent;
        },
        decoded.message);
    const bool bad = verdict == wire::ChecksumVerdict::Bad;
    const auto* mobility = std::get_if<wire::Checked<wire::MobilityMessage>>(&decoded.message);
    if (mobility) ++summary_.mobility[wire::typeOf(mobility->value)];
    if (bad) ++summary_.badChecksums;
    if (bad && mobility) ++summary_.badMobility;
    NewFrame marked = frame;
    if (bad) marked.marks |= wire::mark::badChecksum;
    trace_.append(marked);
    trace_.setFragments(std::move(outcome.datagram->frames));
}

}  // namespace roamscope::capture
